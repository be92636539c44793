"""A regimen as JSON: a list of doses as a case writes them, or a whole case, of which doses and covariates are taken."""

from __future__ import annotations

from pathlib import Path

from individose.app.actions.cases import read_case_file
from individose.base import InputError
from individose.events import Level, Subject


def read_regimen_file(file: str, card: str | None = None) -> Subject:
    """The doses (and covariates) of a JSON file; times of a bare list are in h, the first usually 0.

    **Arguments:** `card` as the user named it, for the molar mass of molar units.

    **Raises:** `InputError` with the path in the document, as `doses[1].amount`; `UnitError`.
    """
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the regimen {file} cannot be read: {getattr(error, 'strerror', None) or error}",
            "a path of a JSON file in UTF-8",
            remedy="Check the path.",
        ) from None
    if text.lstrip()[:1] == "[":
        text = f'{{"format": "case/1", "id": "virtual", "time_unit": "h", "doses": {text}}}'
    found = read_case_file(text if text.lstrip()[:1] == "{" else text + "\n", card).subject
    return Subject(found.id, tuple(e for e in found.events if not isinstance(e, Level)))
