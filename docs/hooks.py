"""What mkdocs does beyond its settings: formulas become MathML, and every card's page gets its place in the navigation."""

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
    """The pages of docs/cards under 'Cards'."""
    folder = Path(config.docs_dir) / "cards"
    pages = sorted(page.name for page in folder.glob("*.md") if page.name != "index.md")
    for section in config.nav:
        if "Cards" in section:
            section["Cards"] = ["cards/index.md", *(f"cards/{page}" for page in pages)]
    return config


def on_page_content(html: str, **_: Any) -> str:
    """The page with every formula as MathML."""
    return FORMULA.sub(lambda found: mathml(unescape(found[3]), display=found[2] == "["), html)
