"""The contract of every built-in card, and the numbers of each against its paper."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from individose.base.units import factor
from individose.drugs import card, card_ids, covariate, parameters, parse, summaries, typical
from individose.drugs.library import _file
from individose.drugs.render import latex, source, unicode
from individose.drugs.schema import METRIC_UNITS, check, read_card
from reference_data import rows
from tolerances import EXACT, IDENTITY

ALL = card_ids(drafts=True)


@pytest.mark.parametrize("card_id", ALL)
class TestEveryCard:
    def test_is_filed_under_its_id_and_summarised_as_it_is(self, card_id):
        found, summary = card(card_id), {one.id: one for one in summaries(drafts=True)}[card_id]
        assert (found.id, found.drug, found.title, found.grade) == (
            summary.id,
            summary.drug,
            summary.title,
            summary.grade,
        )
        assert (found.source.population, found.source.citation) == (summary.population, summary.citation)

    def test_agrees_with_its_worked_examples(self, card_id):
        found = card(card_id)
        check(found)
        if found.grade != "draft":
            assert {name for one in found.checks for name in one.expect} == {p.name for p in found.parameters}

    def test_gives_finite_positive_values_over_its_domain(self, card_id):
        found = card(card_id)
        corners = {}
        for use in found.covariates:
            limits, entry = found.domain[use.name], covariate(use.name)
            ends = [end for end in (limits.min, limits.max) if end is not None]
            corners[use.name] = ends or list(limits.values) or list(entry.values) or [False, True]
        for place in range(2):
            values = typical(found, {name: ends[min(place, len(ends) - 1)] for name, ends in corners.items()})
            assert all(math.isfinite(v) and v > 0.0 for v in values.values())

    def test_parameters_are_canonical(self, card_id):
        for parameter in card(card_id).parameters:
            if parameter.auxiliary:  # in no register: a unit of its own, and no name that the register has
                assert parameter.name not in parameters()
            else:
                assert parameter.unit == parameters()[parameter.name].unit
            factor(parameter.stated_unit, parameter.unit, molar_mass_g_mol=card(card_id).molar_mass_g_mol)

    def test_equations_can_be_shown(self, card_id):
        for parameter in card(card_id).parameters:
            tree = parse(parameter.equation)
            assert parse(source(tree)) == tree
            assert unicode(tree)
            assert latex(tree)

    def test_omega_is_that_of_its_effects(self, card_id):
        found = card(card_id)
        assert [row[i] for i, row in enumerate(found.omega)] == [effect.omega2 for effect in found.effects]
        assert all(found.omega[i][j] == found.omega[j][i] for i in range(len(found.omega)) for j in range(i))
        assert len({(effect.parameter, effect.level) for effect in found.effects}) == len(found.effects)

    def test_targets_and_dosing_name_their_source(self, card_id):
        found = card(card_id)
        for target in found.targets:
            assert target.unit == METRIC_UNITS[target.metric]
            assert target.low < target.high
            assert target.source
            assert target.population
            assert target.matrix
        if found.dosing is not None:
            assert found.dosing.source
            assert found.dosing.route

    def test_is_one_and_the_same_when_read_again(self, card_id):
        again = read_card(_file(card_id).read_text(encoding="utf-8"))
        assert again == card(card_id)
        assert again.digest == card(card_id).digest
        assert hash(again) == hash(card(card_id))


@given(weight=st.floats(0.6, 3.6), apgar=st.integers(1, 10))
def test_phenobarbital_is_the_published_equation(weight, apgar):
    values = typical(card("phenobarbital/grasela1985"), {"weight": weight, "apgar_5min": apgar})
    assert math.isclose(values["CL"], 0.00469555 * weight, rel_tol=EXACT)
    assert math.isclose(values["V"], 0.984258 * weight * (1 + 0.15892 * (apgar < 5)), rel_tol=EXACT)


def test_phenobarbital_variances_are_the_printed_ones():
    found = card("phenobarbital")
    assert found.omega == ((0.0293508, 0.0), (0.0, 0.027906))
    assert math.isclose(found.residual.proportional**2, 0.013241, rel_tol=IDENTITY)
    assert found.residual.additive_mg_L == 0.0
    assert [(use.name, use.carry) for use in found.covariates] == [("weight", "backward"), ("apgar_5min", "backward")]
    assert [c.se for c in found.constants.values()] == [0.000210036, 0.0268952, 0.0837623]


def test_theophylline_is_the_published_fit():
    found = card("theophylline")
    assert typical(found, {}) == pytest.approx(
        {"ka": math.exp(0.46445), "CL": math.exp(1.01205), "V": math.exp(3.45997)}, rel=EXACT
    )
    assert [(e.parameter, e.omega2) for e in found.effects] == [("ka", 0.40463), ("CL", 0.0688), ("V", 0.01922)]
    assert (found.residual.additive_mg_L, found.residual.proportional) == (0.69384, 0.0)


@given(weight=st.floats(33.0, 255.0), crcl=st.floats(4.0, 400.0), dialysis=st.booleans())
def test_vancomycin_of_goti_is_the_published_equation(weight, crcl, dialysis):
    values = typical(card("vancomycin/goti2018"), {"weight": weight, "crcl": crcl, "dialysis": dialysis})
    wanted = {
        "CL": 4.5 * (min(crcl, 150.0) / 120.0) ** 0.8 * 0.7**dialysis,
        "V1": 58.4 * weight / 70.0 * 0.5**dialysis,
        "Q": 6.5,
        "V2": 38.4,
    }
    assert values == pytest.approx(wanted, rel=EXACT)


@given(weight=st.floats(40.0, 98.0), crcl=st.floats(12.0, 207.0))
def test_vancomycin_of_thomson_and_buelga_are_the_published_equations(weight, crcl):
    patient = {"weight": weight, "crcl": crcl}
    thomson = {"CL": 2.99 * (1 + 0.0154 * (crcl - 66)), "V1": 0.675 * weight, "Q": 2.28, "V2": 0.732 * weight}
    assert typical(card("vancomycin/thomson2009"), patient) == pytest.approx(thomson, rel=EXACT)
    buelga = {"CL": 1.08 * crcl * 60 / 1000, "V": 0.98 * weight}
    assert typical(card("vancomycin/buelga2005"), patient) == pytest.approx(buelga, rel=EXACT)


def test_vancomycin_variances_are_those_of_the_stated_convention():
    variances = {
        author: tuple(e.omega2 for e in card(f"vancomycin/{author}").effects)
        for author in ("goti2018", "thomson2009", "buelga2005")
    }
    assert variances["goti2018"] == pytest.approx((0.398**2, 0.816**2, 0.571**2), rel=EXACT)
    assert variances["thomson2009"] == pytest.approx((0.0729, 0.0225, 0.2401, 1.69), rel=EXACT)
    assert variances["buelga2005"] == pytest.approx((0.2816**2, 0.3715**2), rel=EXACT)
    assert card("vancomycin/buelga2005").omega[0][1] == pytest.approx(0.2312 * 0.2816 * 0.3715, rel=EXACT)
    residuals = {(one.additive_mg_L, one.proportional) for a in variances for one in [card(f"vancomycin/{a}").residual]}
    assert residuals == {(3.4, 0.227), (1.6, 0.15), (3.52, 0.0)}


@pytest.mark.reference
@pytest.mark.parametrize(
    ("card_id", "file", "columns"),
    [
        (
            "quinidine/verme1992",
            "datasets/quinidine.csv",
            {"weight": "WT", "age": "AGE", "alpha1_acid_glycoprotein": "GLYCO"},
        ),
        ("warfarin/oreilly1968", "datasets/warfarin_pkpd.csv", {"weight": "WT", "age": "AGE"}),
        ("phenobarbital/grasela1985", "datasets/pheno.csv", {"weight": "WT", "apgar_5min": "APGR"}),
        ("theophylline/boeckmann1994", "datasets/theo_sd.csv", {"weight": "WT"}),
    ],
)
def test_the_domain_is_the_range_of_the_data(card_id, file, columns):
    for name, column in columns.items():
        values = [float(row[column]) for row in rows(file) if row[column] != "."]
        assert (card(card_id).domain[name].min, card(card_id).domain[name].max) == (min(values), max(values))
