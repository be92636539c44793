"""The first call of each estimate in a new process, with nothing compiled yet and with the cache of an earlier process.

Seconds of the call alone, without importing; a later call of the same process is what `estimation` measures.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time

KINDS = (
    "map", "sir", "nuts", "ward of 256", "ward of 10000", "ward of 200 by nuts", "Michaelis-Menten, map",
    "Michaelis-Menten, ward of 200", "three compartments, map",
)  # fmt: skip


def measure() -> dict[str, float]:
    found: dict[str, float] = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as cache:
            found[f"{kind}: nothing compiled, s"] = _process(kind, cache)
            found[f"{kind}: compiled by an earlier process, s"] = _process(kind, cache)
    return found


def _process(kind: str, cache: str) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_calls", kind],
        env={**os.environ, "INDIVIDOSE_CACHE": cache}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


def first_call(kind: str) -> float:
    """Seconds of the first call of one kind in this process."""
    from benchmarks.estimation import patients, saturable, three_compartments, two_compartments
    from individose.app.actions.problems import fit, fit_ward

    cards = {"Michaelis-Menten": saturable, "three compartments": three_compartments}
    card = cards.get(kind.partition(",")[0], two_compartments)()
    size = re.search(r"ward of (\d+)", kind)
    method = next((name for name in ("sir", "nuts") if kind.endswith(name)), "map")
    people = patients(card, int(size[1]) if size else 1)
    start = time.perf_counter()
    if size:
        fit_ward(card, people, method)
    else:
        fit(card, people[0], method)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(first_call(sys.argv[1]))
