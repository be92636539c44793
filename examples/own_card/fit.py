"""A patient under a model card of one's own (`examplin.toml` beside this file; drug and numbers are invented).

python examples/own_card/fit.py
"""

from pathlib import Path

import individose as ido

HERE = Path(__file__).parent

card = ido.card(HERE / "examplin.toml")
patient = ido.subject(
    "invented",
    doses=[ido.Dose(12.0 * i, 500.0, duration_h=1.0) for i in range(6)],
    levels=[ido.Level(35.5, 9.0), ido.Level(50.0, 19.0)],
    covariates={"weight": 70.0, "crcl": 45.0, "dialysis": 0.0},
)
fit = ido.fit(card, patient)
for name, estimate in fit.parameters().items():
    print(f"{name}: {estimate}, typical {fit.typical()[name]:.4g}")
print(ido.advise(fit, card.targets[0]).sentence)
