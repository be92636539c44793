"""One session for all tests: on the processor, with fixed hypothesis cases (64-bit numbers are the package's own doing)."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("JAX_PLATFORMS", "cpu")
settings.register_profile(
    "ci", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")

MAPPED = 20_000
"""Mapped regions of memory after which compiled programs are let go: Linux allows a process 65,530, and every program takes
several; the next one beyond that crashes the process."""


@pytest.fixture(autouse=True)
def _programs_let_go():
    yield
    try:
        mapped = Path("/proc/self/maps").read_bytes().count(b"\n") if "jax" in sys.modules else 0
    except OSError:  # not on Linux
        return
    if mapped > MAPPED:
        sys.modules["jax"].clear_caches()


def pytest_sessionfinish():
    if "hormone_script" in sys.modules:  # the engine of the page's script
        sys.modules["hormone_script"].close()
