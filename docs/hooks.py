"""What mkdocs does beyond its settings: formulas become MathML, and cards and theory pages get their place."""

from __future__ import annotations

import re
import sys
from html import unescape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from mathml import mathml

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
"""What pymdownx.arithmatex (generic) leaves of `$..$` and `$$..$$`."""


def on_config(config: Any) -> Any:
    """The navigation with every page of docs/cards and docs/theory: those that it names first, then the others."""
    for section in config.nav:
        for title, folder in (("Cards", "cards"), ("Theory", "theory")):
            if title in section:
                named = [section[title]] if isinstance(section[title], str) else section[title]
                there = sorted(f"{folder}/{page.name}" for page in (Path(config.docs_dir) / folder).glob("*.md"))
                section[title] = [*named, *(page for page in there if page not in named)]
    return config


def on_page_content(html: str, **_: Any) -> str:
    """The page with every formula as MathML."""
    return FORMULA.sub(lambda found: mathml(unescape(found[3]), display=found[2] == "["), html)
