"""How JAX is set up for the whole program: 64-bit numbers, and compiled programs that outlive the process.

Imported first by every module of this room. The cache lies in the user's cache folder; the environment variable
`INDIVIDOSE_CACHE` names another one, and an empty value turns it off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import jax
from platformdirs import user_cache_path

T = TypeVar("T")


def cache_folder() -> Path | None:
    """Where compiled programs are kept, or None when they are not."""
    named = os.environ.get("INDIVIDOSE_CACHE")
    if named == "":
        return None
    return Path(named) if named else user_cache_path("individose") / "compiled"


def set_up() -> None:
    """Float64 everywhere; every compiled program is kept, however small and quick to compile."""
    jax.config.update("jax_enable_x64", True)
    folder = cache_folder()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only home: compile in every process
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


SOON = {"xla_cpu_use_fusion_emitters": False}
"""Of what XLA does for speed on a CPU, what takes most of its time for programs with thousands of operations."""


def soon(function: Callable[..., T], static: Sequence[int]) -> Callable[..., T]:
    """`jax.jit` for a large program that is called now and then for one patient: compiled in less than half the time, and
    somewhat slower. Programs for many patients or points want the speed.

    **Arguments:** `static` are the positions of static arguments. Not to be called inside of another compiled program.
    """

    @cache
    def compiled() -> Any:
        return jax.jit(function, static_argnums=tuple(static), compiler_options=SOON if _known() else None)

    @wraps(function)
    def called(*arguments: Any) -> T:
        return compiled()(*arguments)

    called._cache_size = lambda: compiled()._cache_size()  # as a jitted function tells it  # pyright: ignore[reportAttributeAccessIssue]
    return called


@cache
def _known() -> bool:
    """Whether this XLA has the setting."""
    try:
        jax.jit(lambda x: x, compiler_options=SOON).lower(0.0).compile()
    except (RuntimeError, ValueError):  # it does not: the usual compilation does
        return False
    return True


set_up()
