"""What the tests of this room share."""

from collections.abc import Callable

import pytest

from individose.base import IndividoseError


@pytest.fixture(scope="session")
def four_beats() -> Callable[..., None]:
    """Asserts that an error says all four things, and that its text holds `words`."""

    def check(error: IndividoseError, *words: str) -> None:
        for beat in ("arrived", "allowed", "because", "remedy"):
            assert getattr(error, beat).strip(), f"{beat} is empty in: {error}"
        for word in words:
            assert word in str(error), f"'{word}' is not in: {error}"

    return check
