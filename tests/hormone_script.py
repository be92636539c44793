"""The page's script without a page: its files that draw nothing, run by V8 (the package mini-racer)."""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from importlib.resources import files
from threading import Thread
from typing import Any

import pytest

FILES = ("kernel.js", "time.js", "plan.js", "doses.js", "curves.js", "fit.js", "text.js", "state.js", "results.js")
"""Those that know no document of a browser."""

PATIENCE_S = 120.0
"""How long an expression, or letting the engine go, may take before it counts as hung; it takes a fraction of a second."""

BROWSERS_OWN = """
const atob = (text) => {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let bits = 0, held = 0, found = "";
  for (const letter of text.replace(/=+$/, "")) {
    held = (held << 6) | letters.indexOf(letter); bits += 6;
    if (bits >= 8) { bits -= 8; found += String.fromCharCode((held >> bits) & 255); }
  }
  return found;
};
"""
"""What a browser has and V8 alone has not."""


def source(name: str) -> str:
    return (files("individose.app.report") / "templates" / "hormone" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _engine() -> Any:
    racer = pytest.importorskip("py_mini_racer", reason="the package mini-racer runs the page's script")
    engine = racer.MiniRacer()
    engine.eval(BROWSERS_OWN + "\n".join(source(name) for name in FILES))
    return engine


def close() -> None:
    """Lets the engine go: its thread would otherwise now and then outlive the session.

    Closing waits for that thread without end; here for `PATIENCE_S`, and then says so and lets the session finish.
    """
    if not _engine.cache_info().currsize:
        return
    closing = Thread(target=_engine().close, name="closing the page's engine", daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    if closing.is_alive():
        sys.stderr.write(f"The engine of the page's script did not close within {PATIENCE_S:g} s.\n")
    _engine.cache_clear()


def run(expression: str, **given: Any) -> Any:
    """The value of an expression of the script; numbers travel as text with all their digits."""
    names = ", ".join(given)
    body = f"(({names}) => JSON.stringify({expression}))({', '.join(json.dumps(x) for x in given.values())})"
    return json.loads(_engine().eval(body, timeout_sec=PATIENCE_S))
