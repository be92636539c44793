"""A newborn's phenobarbital levels in, a dose out: the whole flow in Python.

python examples/newborn.py
"""

from pathlib import Path

import individose as ido

HERE = Path(__file__).parent

card = ido.card("phenobarbital/grasela1985")  # a published model, as data
patient = ido.read_case(HERE / "newborn.json")  # doses, levels, weight, Apgar score
fit = ido.fit(card, patient, method="map")

print(f"{len(patient.doses)} doses, {len(patient.levels)} levels; {fit.status.code}: {fit.status.sentence}")
typical = fit.typical()
for name, estimate in fit.parameters().items():
    print(f"{name}: {estimate}, typical {typical[name]:.4g}")

print("level at 0, 6 and 12 h, mg/L:", ", ".join(f"{level:.1f}" for level in fit.predict([0.0, 6.0, 12.0])))
print("AUC from 48 to 72 h:", fit.exposure("auc", 48.0, 72.0))

now = ido.Regimen(3.8, 12.0)
print(f"trough of {now} at steady state:", ido.steady_state(fit, now)["trough"])

advice = ido.advise(fit, ido.target("phenobarbital"))
print(advice.sentence)
for notice in fit.warnings:
    print(f"{notice.grade}: {notice.sentence}")
