"""What a user waits for before anything happens, in CPU seconds of a fresh process (median of five)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from statistics import median

NEWBORN = "examples/newborn.json"


def measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as cache:
        cold = _timed(["estimate", NEWBORN, "--json"], {"INDIVIDOSE_CACHE": cache}, times=1)
        warm = _timed(["estimate", NEWBORN, "--json"], {"INDIVIDOSE_CACHE": cache})
    jax_alone = _timed(None, {})
    shown = _timed(["--help"], {})
    cards = _timed(["cards"], {})
    return {
        "individose --help, CPU s": shown[0],
        "individose cards, CPU s": cards[0],
        "import jax alone, CPU s": jax_alone[0],
        "individose estimate newborn, compiled cache empty, wall s": cold[1],
        "individose estimate newborn, compiled cache warm, wall s": warm[1],
        "individose estimate newborn, compiled cache warm, CPU s": warm[0],
    }


def _timed(arguments: list[str] | None, environment: dict[str, str], times: int = 5) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of one process."""
    code = "import jax.numpy" if arguments is None else f"from individose.app.cli import main; main({arguments!r})"
    runs = []
    for _ in range(times):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        runs.append((cpu, time.perf_counter() - start))
    return median(r[0] for r in runs), median(r[1] for r in runs)
