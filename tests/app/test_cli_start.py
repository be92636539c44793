"""Help and lists are instant: no numerical library, no schema, no unit registry, no parser."""

import os
import resource
import subprocess
import sys

import pytest

HEAVY = ("jax", "numpy", "equinox", "pydantic", "pint", "ucumvert", "lark", "msgspec", "jinja2")

CPU_BUDGET_S = 0.4
"""CPU time of a call that only looks something up, interpreter included."""

LOOK = f"""
import sys
from individose.app.cli import main
main(sys.argv[1:], standalone_mode=False)
print(" ".join(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("call", [["--help"], ["cards"], ["cards", "--json"], ["estimate", "--help"]], ids=" ".join)
def test_nothing_heavy_is_imported(call):
    done = subprocess.run([sys.executable, "-c", LOOK, *call], capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr.split() == []


@pytest.mark.parametrize("call", [["--help"], ["cards"]], ids=" ".join)
def test_cpu_time_is_within_its_budget(call):
    program = [sys.executable, "-c", "from individose.app.cli import main; main()", *call]
    spent = []
    for _ in range(4):  # the first may compile modules
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(program, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(spent) < CPU_BUDGET_S


def test_a_closed_pipe_and_a_narrow_terminal_do_no_harm():
    program = [sys.executable, "-c", "from individose.app.cli import main; main()", "cards"]
    narrow = subprocess.run(program, capture_output=True, text=True, env=os.environ | {"COLUMNS": "40"}, check=True)
    assert max(map(len, narrow.stdout.splitlines())) <= 40
    closed = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    closed.stdout.close()
    assert "Traceback" not in closed.stderr.read()
    closed.stderr.close()
    closed.wait()
