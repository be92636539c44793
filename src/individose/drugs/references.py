"""Parameters that are built on other parameters: `V2 = 0.5 * V1`, `F2 = 1 - F1`.

A name of a parameter in an equation is its individual value, random effects included, as in NONMEM's $PK. Who wants the
typical value writes its constants instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from individose.base.errors import CardError
from individose.drugs.card import Parameter


def ordered(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The parameters, each behind those that its equation reads; otherwise in the order of the card.

    **Raises:** `CardError` where equations read each other in a circle.
    """
    waiting, found, known = list(parameters), list[Parameter](), set[str]()
    while waiting:
        ready = next((one for one in waiting if known.issuperset(one.uses)), None)
        if ready is None:
            circle = _circle(waiting)
            raise CardError(
                "parameters." + " reads ".join(circle),
                "an equation reads parameters whose equations do not read it in turn",
                "a value that depends on itself has none",
                "Write one of them by constants and covariates.",
            )
        waiting.remove(ready)
        found.append(ready)
        known.add(ready.name)
    return tuple(found)


def _circle(waiting: Sequence[Parameter]) -> list[str]:
    """Names from one of a circle round to itself; every one that waits reads another that does."""
    by_name = {one.name: one for one in waiting}
    path = [waiting[0].name]
    while path.count(path[-1]) == 1:
        path.append(next(name for name in by_name[path[-1]].uses if name in by_name))
    return path[path.index(path[-1]) :]
