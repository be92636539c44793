r"""LaTeX to MathML, which browsers draw themselves: no script, no font and no network is needed to read a formula.

The subset that the documentation uses: letters, numbers and operators, `^`, `_`, `\frac`, `\sqrt`, `\text`, `\mathbf`,
accents, `\left .. \right`, Greek letters, named functions, spaces, and the environments `cases` and `aligned`. Anything
else is a `ValueError`, so that the build of the documentation fails instead of showing half a formula.
"""

from __future__ import annotations

import re
from html import escape

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S", re.DOTALL)
TEXT = re.compile(r"\\(?:text|mathrm)\{((?:\\[{}]|[^{}])*)\}")

GREEK = {
    "chi": "χ", "kappa": "κ", "xi": "ξ", "psi": "ψ", "zeta": "ζ", "iota": "ι",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "nu": "ν",
    "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "omega": "ω", "ell": "ℓ",
    "Delta": "Δ", "Lambda": "Λ", "Sigma": "Σ", "Omega": "Ω", "Phi": "Φ", "infty": "∞", "partial": "∂",
}  # fmt: skip
OPERATORS = {
    "cdot": "·", "times": "×", "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "to": "→", "in": "∈", "mid": "|",
    "pm": "±", "ll": "≪", "gg": "≫", "sim": "∼", "ldots": "…", "dots": "…", "cdots": "⋯", "quad": "\u2003",
    "qquad": "\u2003\u2003", "nabla": "∇", ",": "\u2009", ";": "\u2005", " ": "\u2005", "{": "{", "}": "}", "|": "‖",
    "top": "⊤", "propto": "∝",
}  # fmt: skip
LARGE = {"sum": "∑", "prod": "∏", "int": "∫"}
FUNCTIONS = ("exp", "ln", "log", "log10", "min", "max", "det", "Pr", "diag", "arg")
ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "dot": "˙"}


def mathml(latex: str, *, display: bool) -> str:
    """The formula as a `<math>` element.

    **Raises:** `ValueError` for what the subset lacks.
    """
    texts: list[str] = []

    def kept(found: re.Match[str]) -> str:  # text keeps its spaces, which tokens do not
        texts.append(re.sub(r"\\(.)", r"\1", found[1]).replace(" ", "\N{NO-BREAK SPACE}"))
        return rf" \kept{{{len(texts) - 1}}} "

    reader = _Reader(TOKEN.findall(TEXT.sub(kept, latex)), texts, latex)
    inside = reader.row(())
    shown = ' display="block"' if display else ""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"{shown}>{inside}</math>'


class _Reader:
    """A cursor over the tokens of one formula."""

    def __init__(self, tokens: list[str], texts: list[str], latex: str) -> None:
        self.tokens, self.texts, self.latex, self.at = tokens, texts, latex, 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        found = self.peek()
        if not found or (expected and found != expected):
            raise ValueError(f"{self.latex!r}: {expected or 'more'} expected, {found or 'the end'} found")
        self.at += 1
        return found

    def row(self, ends: tuple[str, ...]) -> str:
        """Everything up to one of `ends` (not taken), as one row."""
        parts: list[str] = []
        while self.peek() not in (*ends, ""):
            parts.append(self.scripted())
        return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"

    def scripted(self) -> str:
        large = self.peek().removeprefix("\\") in LARGE and self.peek() != r"\int"
        base, below, above = self.atom(), "", ""
        while self.peek() in ("^", "_"):
            if self.take() == "^":
                above = self.atom()
            else:
                below = self.atom()
        under, over = ("munder", "mover") if large else ("msub", "msup")
        if below and above:
            both = "munderover" if large else "msubsup"
            return f"<{both}>{base}{below}{above}</{both}>"
        if below or above:
            name = under if below else over
            return f"<{name}>{base}{below or above}</{name}>"
        return base

    def group(self) -> str:
        self.take("{")
        inside = self.row(("}",))
        self.take("}")
        return inside

    def atom(self) -> str:
        token = self.peek()
        if token == "{":
            return self.group()
        self.take()
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token in "&^_}":
            raise ValueError(f"{self.latex!r}: {token} has no place here")
        return f'<mo stretchy="false">{escape({"-": "−", "*": "∗"}.get(token, token))}</mo>'

    def command(self, name: str) -> str:
        match name:
            case "kept":
                return f"<mtext>{escape(self.texts[self.number()])}</mtext>"
            case "frac":
                return f"<mfrac>{self.group()}{self.group()}</mfrac>"
            case "sqrt":
                return f"<msqrt>{self.group()}</msqrt>"
            case "mathbf":
                return f'<mrow style="font-weight:bold">{self.group()}</mrow>'
            case "left":
                return self.fenced()
            case "begin":
                return self.environment()
        if name in ACCENTS:
            return f'<mover accent="true">{self.atom()}<mo stretchy="false">{ACCENTS[name]}</mo></mover>'
        if name in GREEK:
            return f"<mi>{GREEK[name]}</mi>"
        if name in LARGE:
            return f"<mo>{LARGE[name]}</mo>"
        if name in FUNCTIONS:
            gap = "" if self.peek() in ("(", r"\left", "_", "^") else '<mspace width="0.17em"/>'
            return f"<mi>{name}</mi>{gap}"
        if name in OPERATORS:
            written = OPERATORS[name]
            return f"<mtext>{written}</mtext>" if written.isspace() else f"<mo>{escape(written)}</mo>"
        raise ValueError(f"{self.latex!r}: \\{name} is not in the subset of docs/mathml.py")

    def number(self) -> int:
        self.take("{")
        found = int(self.take())
        self.take("}")
        return found

    def fenced(self) -> str:
        opening = self.take()
        inside = self.row((r"\right",))
        self.take(r"\right")
        closing = self.take()
        ends = [escape(OPERATORS.get(x.removeprefix("\\"), x)) if x != "." else "" for x in (opening, closing)]
        left, right = (f'<mo stretchy="true" fence="true">{x}</mo>' if x else "" for x in ends)
        return f"<mrow>{left}{inside}{right}</mrow>"

    def environment(self) -> str:
        name = self.named()
        if name not in ("cases", "aligned"):
            raise ValueError(f"{self.latex!r}: the environment {name} is not in the subset of docs/mathml.py")
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(self.row(("&", r"\\", r"\end")))
            token = self.take()
            if token == r"\\":
                rows.append([])
            elif token == r"\end":
                break
        if self.named() != name:
            raise ValueError(f"{self.latex!r}: {name} is not ended")
        # the brace of cases is a border (assets/site.css): not every system has a font that can stretch one
        align = "left left" if name == "cases" else "right left"
        table = "".join("<mtr>" + "".join(f"<mtd>{cell}</mtd>" for cell in row) + "</mtr>" for row in rows)
        return f'<mtable class="{name}" columnalign="{align}">{table}</mtable>'

    def named(self) -> str:
        self.take("{")
        letters: list[str] = []
        while self.peek() != "}":
            letters.append(self.take())
        self.take("}")
        return "".join(letters)
