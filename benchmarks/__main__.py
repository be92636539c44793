"""Runs every benchmark (or those named), prints a table and keeps the figures under benchmarks/results."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

ALL = ("startup", "ward", "simulation", "ode", "roads", "estimation", "first_calls", "hormone", "generative", "ccn")
RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, str | int | None]:
    """What the figures were measured on, without anything that names the machine."""
    model = next((x.split(":")[1].strip() for x in _cpuinfo() if x.startswith("model name")), platform.machine())
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version()}


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def main(names: list[str]) -> None:
    for name in names or ALL:
        if not names:  # each in a process of its own, so that none warms up the next
            subprocess.run([sys.executable, "-m", "benchmarks", name], check=True)
            continue
        rows = import_module(f"benchmarks.{name}").measure()
        print(f"\n{name}")
        for what, value in rows.items():
            print(f"  {what:<74} {value:>12.4g}" if isinstance(value, int | float) else f"  {what:<74} {value:>12}")
        RESULTS.mkdir(exist_ok=True)
        record = {"date": date.today().isoformat(), "machine": machine(), "figures": rows}
        (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
