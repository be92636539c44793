"""The nearest known word to one that is not known, for messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'weight'?`, or nothing when no known word is close."""
    spelled = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.6)
    return f"Did you mean '{spelled[near[0]]}'?" if near else ""


def listing(known: Iterable[str]) -> str:
    """The known words in their own order, or `none`."""
    return ", ".join(known) or "none"
