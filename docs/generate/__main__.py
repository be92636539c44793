"""Writes every generated part of the documentation."""

from __future__ import annotations

from docs.figures.make import HERE, figures
from docs.generate import blocks, cards

for file, text in figures().items():
    (HERE / file).write_text(text + "\n", encoding="utf-8")
for file, text in cards.pages().items():
    (HERE.parent / "cards" / file).write_text(text, encoding="utf-8")
for page in blocks.pages():
    page.write_text(blocks.filled(page.read_text(encoding="utf-8")), encoding="utf-8")
