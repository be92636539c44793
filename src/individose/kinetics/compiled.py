"""How JAX is set up for the whole program: 64-bit numbers, and compiled programs that outlive the process.

Imported first by every module of this room. The cache lies in the user's cache folder; the environment variable
`INDIVIDOSE_CACHE` names another one, and an empty value turns it off.
"""

from __future__ import annotations

import os
from pathlib import Path

import jax
from platformdirs import user_cache_path


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


set_up()
