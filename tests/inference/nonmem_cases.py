"""The models of `map/nm*` written as cards, and their data: what NONMEM was given."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import individose as ido
import reference_data
from individose.drugs.schema import read_card

HEAD = """
id = "case/{name}"
title = "{title}"
grade = "draft"
system = {{ {system} }}

[source]
citation = "NONMEM 7.4.4, {name}"
population = "200 simulated subjects"

"""

PROPORTIONAL = 'convention = "sd2 = a2 + b2 f2"\nproportional_variance = 0.05'


def text(name, title, system, constants, parameters, omega, residual=PROPORTIONAL, more=""):
    """A card: constants as (value, unit), parameters as (equation, unit), omega as the rows of [variability]."""
    rows = [HEAD.format(name=name, title=title, system=system), "[constants]"]
    rows += [f'{key} = {{ value = {value}, unit = "{unit}" }}' for key, (value, unit) in constants.items()]
    rows += ["", "[parameters]"]
    rows += [f'{key} = {{ equation = "{eq}", unit = "{unit}" }}' for key, (eq, unit) in parameters.items()]
    rows += ["", "[variability]", omega, "", "[residual]", residual, more]
    return "\n".join(rows)


def simple(name, title, system, typical, omega="", residual=PROPORTIONAL):
    """Parameters that are their typical values: (value, unit, omega2 or None)."""
    constants = {f"tv_{key.lower()}": (value, unit) for key, (value, unit, _) in typical.items()}
    parameters = {key: (f"tv_{key.lower()}", unit) for key, (_, unit, _) in typical.items()}
    spread = omega or "\n".join(
        f"{key} = {{ omega2 = {omega2} }}" for key, (_, _, omega2) in typical.items() if omega2 is not None
    )
    return text(name, title, system, constants, parameters, spread, residual)


ORAL = 'disposition = "one_compartment", input = "first_order"'

BASE = {"CL": (4, "L/h", 0.2), "V": (70, "L", 0.2), "ka": (1, "1/h", 0.2)}
"""What most of the cases share: typical value, unit, variance."""

TWO = {
    "CL": (4, "L/h", 0.2),
    "V1": (70, "L", 0.2),
    "ka": (1, "1/h", 0.2),
    "V2": (50, "L", 0.2),
    "Q": (4, "L/h", None),
}


def wide(number, cl, v, ka):
    """The base model with other variances."""
    return simple(
        f"nm{number}",
        "One compartment, oral doses, wide variability",
        ORAL,
        {"CL": (4, "L/h", cl), "V": (70, "L", v), "ka": (1, "1/h", ka)},
    )


CARDS = {
    "nm001_1cmt_oral": simple("nm001", "One compartment, oral doses", ORAL, BASE),
    "nm003_1cmt_oral_lag": simple("nm003", "Oral doses that are absorbed late", ORAL, BASE | {"lag": (1, "h", 0.2)}),
    "nm004_1cmt_zero_order": simple(
        "nm004",
        "Zero-order absorption",
        'disposition = "one_compartment", input = "zero_order"',
        {"CL": (4, "L/h", 0.2), "V": (70, "L", 0.2), "duration": (4, "h", 0.2)},
    ),
    "nm005_1cmt_zero_then_first_order": simple(
        "nm005",
        "Zero-order release, then first-order absorption",
        'disposition = "one_compartment", input = "zero_then_first"',
        BASE | {"duration": (1, "h", 0.2)},
    ),
    "nm006_1cmt_dual_zero_first_order": simple(
        "nm006",
        "First-order and zero-order absorption side by side",
        'disposition = "one_compartment", input = ["first_order", "zero_order"]',
        BASE | {"duration": (4, "h", 0.2), "F1": (0.2, "1", None), "F2": (0.8, "1", None)},
    ),
    "nm007_1cmt_dual_first_order": simple(
        "nm007",
        "Two depots side by side",
        'disposition = "one_compartment", input = ["first_order", "first_order"]',
        {
            "CL": (4, "L/h", 0.2),
            "V": (70, "L", 0.2),
            "ka1": (1, "1/h", 0.2),
            "ka2": (0.25, "1/h", 0.2),
            "F1": (0.2, "1", None),
            "F2": (0.8, "1", None),
        },
    ),
    "nm008_1cmt_oral_logit_F": simple(
        "nm008",
        "A logit-normal bioavailability",
        ORAL,
        BASE | {"F": (0.5, "1", None)},
        "\n".join(
            [f"{name} = {{ omega2 = 0.2 }}" for name in BASE] + ['F = { omega2 = 0.2, transform = "logit-normal" }']
        ),
    ),
    "nm101_2cmt_oral": simple(
        "nm101",
        "Two compartments, oral doses",
        'disposition = "two_compartment", input = "first_order"',
        TWO,
    ),
    "nm102_2cmt_infusion": simple(
        "nm102",
        "Two compartments, infusions",
        'disposition = "two_compartment", input = "first_order"',
        TWO,
    ),
    "nm201_mm_oral": simple(
        "nm201",
        "Michaelis-Menten elimination after oral doses",
        ORAL + ', elimination = "michaelis_menten"',
        {"Vmax": (10000, "mg/h", 0.2), "V": (70, "L", 0.2), "ka": (1, "1/h", 0.2), "Km": (2500, "mg/L", 0.2)},
    ),
    "nm203_mm_plus_linear_oral_etaKM": simple(
        "nm203",
        "Linear and Michaelis-Menten elimination after oral doses",
        ORAL + ', elimination = "michaelis_menten"',
        {
            "CL": (4, "L/h", 0.2),
            "V": (70, "L", 0.2),
            "ka": (1, "1/h", 0.2),
            "Km": (2500, "mg/L", 0.2),
            "Vmax": (10000, "mg/h", None),
        },
    ),
    "nm301_1cmt_oral_time_varying_cov": text(
        "nm301",
        "Weight and sex that change from record to record",
        ORAL,
        {"tv_cl": (4, "L/h"), "tv_v": (70, "L"), "tv_ka": (1, "1/h")},
        {
            "CL": ("tv_cl * (weight / 75 [kg])**1.5 * where(sex == 'female', 0.75, 1)", "L/h"),
            "V": ("tv_v", "L"),
            "ka": ("tv_ka", "1/h"),
        },
        "CL = { omega2 = 0.2 }\nV = { omega2 = 0.2 }\nka = { omega2 = 0.2 }",
    ),
    "nm401_parent_metabolite_oral": simple(
        "nm401",
        "A parent and the metabolite that 70 % of it becomes",
        ORAL + ', metabolite = "one_compartment"',
        BASE | {"CLm": (2.5, "L/h", 0.2), "Vm": (60, "L", 0.2), "fm": (0.7, "1", None)},
        residual=PROPORTIONAL + "\n\n[residual.metabolite]\n" + PROPORTIONAL,
    ),
    "nm403_1cmt_oral_additive_error": simple(
        "nm403",
        "An additive error",
        ORAL,
        BASE,
        residual='convention = "sd2 = a2 + b2 f2"\nadditive = { variance = 5000, unit = "mg/L" }',
    ),
    "nm405_1cmt_oral_mixed_error": simple(
        "nm405",
        "Additive and proportional variances that add up",
        ORAL,
        BASE,
        residual=PROPORTIONAL + '\nadditive = { variance = 5000, unit = "mg/L" }',
    ),
    "nm407_1cmt_oral_log_error": simple(
        "nm407",
        "Logarithms fitted",
        ORAL,
        BASE,
        residual='convention = "ln y = ln f + e"\nlog_variance = 0.05',
    ),
    "nm501_1cmt_oral_omega_501": wide(501, 0.4, 0.4, 0.4),
    "nm504_1cmt_oral_omega_504": wide(504, 1, 1, 1),
    "nm511_1cmt_oral_omega_511": wide(511, 2, 0.2, 0.2),
    "nm951_methotrexate_2cmt_iov": text(
        "nm951",
        "Methotrexate, infusions in cycles; levels are 2.2 times the amount over the volume",
        'disposition = "two_compartment", input = "infusion"',
        {
            "per": (2.2, "1"),
            "tv_cl": (7.1, "L/h"),
            "tv_vc": (25.1, "L"),
            "tv_q": (0.15, "L/h"),
            "tv_vp": (2.7, "L"),
        },
        {
            "CL": ("tv_cl / per * (serum_creatinine / 67 [umol/L])**-0.43 * (age / 62 [a])**-0.22", "L/h"),
            "V1": ("tv_vc / per", "L"),
            "Q": ("tv_q / per", "L/h"),
            "V2": ("tv_vp / per", "L"),
        },
        """CL = [{ omega2 = 0.266256 }, { omega2 = 0.027225, level = "occasion" }]
V1 = { omega2 = 0.233289 }
Q = { omega2 = 0.430336 }
V2 = { omega2 = 0.4096 }

[[covariance]]
of = ["CL", "V1"]
omega2 = 0.002401

[[covariance]]
of = ["Q", "V2"]
omega2 = 0.084164
""",
        'convention = "sd2 = a2 + b2 f2"\nproportional_variance = 0.2116\nadditive = { variance = 225, unit = "mg/L" }',
    ),
}
"""Folder to the text of its card."""

COLUMNS = {
    "nm301_1cmt_oral_time_varying_cov": {"codes": {"SEX": {"0": "male", "1": "female"}}},
    "nm951_methotrexate_2cmt_iov": {"columns": {"CYCLE": "OCC"}},
}
"""How the columns of a case's table are read, where their names do not say it."""

RENUMBERED = {
    "nm004_1cmt_zero_order": {"cmt2": "central"},
    "nm007_1cmt_dual_first_order": {"cmt3": "depot2"},
}
"""Compartments that NONMEM's model numbers otherwise than the card's system."""


@cache
def card(name):
    return read_card(CARDS[name], name)


@cache
def subjects(name):
    """The patients of a case; columns of the simulation's bookkeeping are left out."""
    path = reference_data.path(f"map/{name}/data.csv")
    ignored = tuple(c for c in path.read_text().partition("\n")[0].split(",") if c in ("s2_sampling", "LDV"))
    found = ido.read_nonmem(path, ignore=ignored, **COLUMNS.get(name, {}))
    return tuple(_renumbered(one, RENUMBERED.get(name, {})) for one in found)


def _renumbered(subject, places):
    events = (
        replace(e, into=places[e.into]) if isinstance(e, ido.Dose) and e.into in places else e for e in subject.events
    )
    return replace(subject, events=tuple(events)) if places else subject
