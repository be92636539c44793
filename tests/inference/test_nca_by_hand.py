"""Subjects worked by hand, and what the rules do with levels that are below the limit, too few, or doubled."""

import math

import numpy as np
import pytest

from individose.base import InputError
from individose.inference.noncompartmental import METHODS, Profile, Rules, analyse, read_terminal
from tolerances import EXACT, printed

LN2 = math.log(2)


def profile(samples, dose_mg=100.0, route="extravascular", **more):
    """A profile of {time: level}, None for a level below the limit."""
    levels = list(samples.values())
    return Profile(
        list(samples),
        [0.0 if c is None else c for c in levels],
        [c is not None for c in levels],
        dose_mg,
        route,
        **more,
    )


def check(found, **expected):
    for name, text in expected.items():
        assert found[name].value == pytest.approx(float(text), abs=printed(text), rel=0), name


ORAL = {0: 0.0, 1: 4.0, 2: 6.0, 4: 4.0, 8: 2.0, 12: 1.0}
"""100 mg by mouth."""


def test_an_oral_dose_by_hand():
    """Linear up, log down.

    slope    ln 4, ln 2, ln 1 at 4, 8, 12 h: falls ln 2 in 4 h             lambda_z = 0.693147 / 4 = 0.173287
    area     0-1 h   (0 + 4) / 2 * 1                                        =  2
             1-2 h   (4 + 6) / 2 * 1                                        =  5
             2-4 h   (6 - 4) * 2 / ln(6 / 4) = 4 / 0.405465                 =  9.865214
             4-8 h   (4 - 2) * 4 / ln 2      = 8 / 0.693147                 = 11.541560
             8-12 h  (2 - 1) * 4 / ln 2      = 4 / 0.693147                 =  5.770780
             AUClast                                                        = 34.177554
             rest    1 / 0.173287                                           =  5.770780
             AUCinf                                                         = 39.948334
    moment   0-1 h   (0 * 0 + 1 * 4) / 2                                    =  2
             1-2 h   (1 * 4 + 2 * 6) / 2                                    =  8
             2-4 h   k = 0.405465 / 2 = 0.202733
                     (2 * 6 - 4 * 4) / k + (6 - 4) / k^2 = -19.730428 + 48.661224 = 28.930796
             4-8 h   k = 0.173287
                     (4 * 4 - 8 * 2) / k + (4 - 2) / k^2 =  0 + 66.603804   = 66.603804
             8-12 h  (8 * 2 - 12 * 1) / k + (2 - 1) / k^2 = 23.083121 + 33.301902 = 56.385023
             AUMClast                                                       = 161.919623
             rest    12 * 1 / k + 1 / k^2 = 69.249362 + 33.301902           = 102.551264
             AUMCinf                                                        = 264.470887
    rest     MRT = 264.470887 / 39.948334 = 6.620323 h
             CL/F = 100 / 39.948334 = 2.503233 L/h, Vz/F = 2.503233 / 0.173287 = 14.44561 L
             5.770780 / 39.948334 = 14.445608 % extrapolated
    """
    found = analyse(profile(ORAL), Rules(method="lin-up-log-down"))
    check(found, cmax="6", tmax="2", clast="1", tlast="12", lambda_z="0.173287", half_life="4.000000")
    check(found, auc_last="34.17755", auc_inf="39.94833", auc_extrapolated="14.4456", mrt="6.6203")
    check(found, aumc_last="161.9196", aumc_inf="264.4709", cl_f="2.503233", vz_f="14.4456", tlag="0")
    assert found["lambda_z_points"].value == 3
    assert found["r2_adjusted"].value == pytest.approx(1.0, rel=EXACT)
    assert not any(q.name in ("cl", "vz", "vss", "c0", "auc_tau") for q in found.quantities)


BOLUS = {1: 8.0, 2: 4.0, 4: 2.0, 6: None, 8: 0.5, 12: None}
"""100 mg into a vein; the levels at 6 and 12 h are below the limit."""


def test_a_bolus_by_hand():
    """Linear; 6 h is left out, 12 h is 0.

    C0       8 * (8 / 4)^(1 / (2 - 1))                                      = 16
    slope    in units of ln 2: 3, 2, 1, -1 at 1, 2, 4, 8 h
             last three: falls 2 in 4 h from 4 h on, 1 in 2 h before it     a line, adjusted r2 = 1, -1/2 ln 2 per h
             all four: Sxy = -15.75, Sxx = 28.75, Syy = 8.75, r2 = 248.0625 / 251.5625 = 0.986087,
             adjusted 1 - 0.013913 * 3 / 2 = 0.979130                       three it is
             lambda_z = 0.693147 / 2 = 0.346574, half-life 2 h
    area     0-1 h (16 + 8) / 2 = 12; 1-2 h 6; 2-4 h 6; 4-8 h (2 + 0.5) / 2 * 4 = 5
             AUClast = 29; 8-12 h (0.5 + 0) / 2 * 4 = 1; AUCall = 30
             AUCinf = 29 + 0.5 / 0.346574 = 29 + 1.442695 = 30.442695
    moment   0-1 h (0 + 8) / 2 = 4; 1-2 h (8 + 8) / 2 = 8; 2-4 h (8 + 8) / 2 * 2 = 16; 4-8 h (8 + 4) / 2 * 4 = 24
             AUMClast = 52; AUMCinf = 52 + 8 * 1.442695 + 0.5 / 0.120113 = 52 + 11.541560 + 4.162738 = 67.704298
    rest     MRT = 67.704298 / 30.442695 = 2.223992 h; CL = 100 / 30.442695 = 3.284860 L/h
             Vz = 3.284860 / 0.346574 = 9.478103 L; Vss = 2.223992 * 3.284860 = 7.305502 L
             12 / 30.442695 = 39.418 % extrapolated back
    """
    found = analyse(profile(BOLUS, route="bolus"), Rules(method="linear"))
    check(found, c0="16", lambda_z="0.346574", half_life="2.000000", lambda_z_points="3", lambda_z_start="2")
    check(found, auc_last="29.00000", auc_all="30.00000", auc_inf="30.44270", aumc_last="52.00000", aumc_inf="67.7043")
    check(found, mrt="2.22399", cl="3.284860", vz="9.4781", vss="7.3055", auc_back_extrapolated="39.418")
    assert [n.code for n in found.notices][:2] == ["level-at-dose", "below-limit"]
    dropped = analyse(profile(BOLUS, route="bolus"), Rules(method="linear", after_last="drop"))
    check(dropped, auc_all="29.00000", auc_inf="30.44270")


STEADY = {0: 2.0, 2: 6.0, 6: 4.0, 12: 2.0}
"""100 mg by mouth every 12 h."""


def test_a_steady_state_by_hand():
    """Linear: AUCtau = 8 + 20 + 18 = 46, Cavg = 46 / 12 = 3.833333, fluctuation 100 (6 - 2) / 3.833333 = 104.3478 %,
    swing (6 - 2) / 2 = 2, CL/F = 100 / 46 = 2.173913. Two levels after the peak make no slope; from the last three:
    ln 6, ln 4, ln 2 at 2, 6, 12 h: Sxx = 50.666667,
    Sxy = -8.361542 - 0.924196 + 3.696785 = -5.588953, lambda_z = 5.588953 / 50.666667 = 0.110308, and
    accumulation = 1 / (1 - exp(-12 * 0.110308)) = 1 / (1 - 0.266149) = 1.362673.
    """
    found = analyse(profile(STEADY, tau_h=12.0), Rules(method="linear"))
    check(found, auc_tau="46.00000", c_average="3.833333", fluctuation="104.3478", swing="2.0000", cl_f="2.173913")
    check(found, cmin="2", tmin="0", ctau="2", auc_tau_extrapolated="0.000")
    assert found["accumulation"].status == "unavailable"
    assert "there are 2" in found["accumulation"].sentence
    chosen = analyse(profile(STEADY, tau_h=12.0), Rules(method="linear", terminal=3))
    check(chosen, lambda_z="0.110308", accumulation="1.36267")


class TestLevelAtTheDose:
    def test_missing_is_0_after_a_first_dose_by_mouth_or_infusion(self):
        without = {t: c for t, c in ORAL.items() if t}
        assert analyse(profile(without))["auc_last"].value == analyse(profile(ORAL))["auc_last"].value
        infused = analyse(profile(without, route="infusion", duration_h=2.0))
        assert infused["auc_last"].value == analyse(profile(ORAL))["auc_last"].value

    def test_missing_is_the_lowest_at_steady_state(self):
        without = {t: c for t, c in STEADY.items() if t}
        assert analyse(profile(without, tau_h=12.0))["auc_tau"].value == pytest.approx(
            analyse(profile(STEADY, tau_h=12.0))["auc_tau"].value, rel=EXACT
        )

    def test_missing_is_not_invented_where_earlier_doses_contribute(self):
        found = analyse(profile({t: c for t, c in ORAL.items() if t}, carry_over=True))
        assert found["cmax"].value == 6.0
        assert found["half_life"].value == pytest.approx(4.0, rel=EXACT)
        for name in ("auc_last", "auc_inf", "cl_f", "mrt"):
            assert found[name].status == "unavailable", name
        assert "earlier doses" in found["auc_last"].sentence

    def test_bolus_whose_first_levels_rise_takes_the_first(self):
        found = analyse(profile({1: 4.0, 2: 5.0, 4: 2.0, 8: 1.0}, route="bolus"), Rules(method="linear"))
        assert found["c0"].value == 4.0

    def test_trough_before_a_bolus_is_no_part_of_the_curve(self):
        decay = {t: 16.0 * 2.0 ** (-t / 2) for t in (1, 2, 4, 8)}
        found = analyse(profile(decay, route="bolus", tau_h=8.0, predose_mg_L=0.5))
        assert found["c0"].value == pytest.approx(16.0, rel=EXACT)
        assert (found["tmin"].value, found["cmin"].value) == (0.0, 0.5)

    def test_sample_below_the_limit_at_the_time_of_a_bolus_was_drawn_before_it(self):
        decay = {t: 16.0 * 2.0 ** (-t / 2) for t in (1, 2, 4, 8)}
        assert analyse(profile({0: None} | decay, route="bolus"))["c0"].value == pytest.approx(16.0, rel=EXACT)


class TestTerminalSlope:
    def test_more_levels_win_a_tie(self):
        """Exactly one line through all: every adjusted r2 is 1."""
        decay = {t: 10.0 * math.exp(-0.2 * t) for t in (1, 2, 3, 5, 8)}
        assert analyse(profile(decay, route="bolus"))["lambda_z_points"].value == 5
        assert analyse(profile(decay))["lambda_z_points"].value == 4  # the peak is left out

    def test_levels_during_an_infusion_are_left_out(self):
        decay = {1: 9.0} | {t: 10.0 * math.exp(-0.2 * t) for t in (2, 3, 5, 8)}
        assert analyse(profile(decay, route="infusion", duration_h=2.5))["lambda_z_start"].value == 3.0

    def test_times_or_a_number_may_be_chosen(self):
        by_number = analyse(profile(ORAL), Rules(terminal=read_terminal("4")))
        by_time = analyse(profile(ORAL), Rules(terminal=read_terminal("2:12")))
        assert by_number["lambda_z_start"].value == by_time["lambda_z_start"].value == 2.0
        assert by_number["lambda_z"].value == by_time["lambda_z"].value

    @pytest.mark.parametrize(
        ("samples", "choice", "said"),
        [
            ({0: 0.0, 1: 5.0, 2: 4.0, 4: 2.0}, None, "there are 2"),
            ({0: 0.0, 1: 5.0, 2: 1.0, 4: 2.0, 6: 3.0}, None, "No line"),
            (ORAL, 8, "5 are quantified"),
            (ORAL, (5.0, 12.0), "there are 2 from 5 h to 12 h"),
            ({0: 0.0, 1: 1.0, 2: 2.0, 4: 3.0}, 3, "do not fall"),
            ({0: 0.0, 1: 2.0, 2: 2.0, 4: 2.0, 6: 2.0}, None, "No line"),
        ],
    )
    def test_none_has_its_reason_everywhere(self, samples, choice, said):
        found = analyse(profile(samples), Rules(terminal=choice))
        for name in ("lambda_z", "half_life", "auc_inf", "cl_f", "vz_f", "mrt", "clast_pred"):
            assert found[name].value is None, name
            assert said in found[name].sentence, name
        assert found["auc_last"].value > 0.0


class TestBelowTheLimit:
    def test_nothing_quantified_is_said_of_every_parameter(self):
        for route, tau_h in (("extravascular", None), ("bolus", None), ("extravascular", 12.0), ("bolus", 12.0)):
            found = analyse(profile({0: None, 2: None, 4: 0.0}, route=route, tau_h=tau_h))
            named = [q for q in found.quantities if not q.name.endswith("min")]
            assert {q.status for q in named} == {"unavailable"}
            assert all(q.sentence for q in named)
        assert len(found.quantities) == len(analyse(profile(BOLUS, route="bolus", tau_h=12.0)).quantities)

    def test_before_the_first_quantified_is_0_and_the_lag_is_there(self):
        found = analyse(profile({0: None, 1: None, 2: 6.0, 4: 4.0, 8: 2.0, 12: 1.0}), Rules(method="linear"))
        assert found["tlag"].value == 1.0
        assert found["auc_last"].value == pytest.approx(0.0 + 3.0 + 10.0 + 12.0 + 6.0, rel=EXACT)

    def test_the_area_beyond_a_level_below_the_limit_is_0(self):
        rules = Rules(method="linear", intervals=((8.0, 10.0), (0.0, 24.0)))
        found = analyse(profile(BOLUS, route="bolus"), rules)
        assert found["auc_8_10"].value == pytest.approx(0.75, rel=EXACT)  # 0.5 at 8 h, 0.25 at 10 h
        assert found["auc_0_24"].value == found["auc_all"].value


class TestPartialAreas:
    def test_an_end_between_samples_is_interpolated_by_the_interval_it_lies_in(self):
        """At 1.5 h 5 on a line; at 6 h 2 sqrt 2 on an exponential."""
        found = analyse(profile(ORAL), Rules(intervals=((0.0, 1.5), (4.0, 6.0))))
        assert found["auc_0_1.5"].value == pytest.approx(2.0 + 4.5 / 2, rel=EXACT)
        assert found["auc_4_6"].value == pytest.approx((4.0 - 2.0 * math.sqrt(2.0)) * 2.0 / (LN2 / 2.0), rel=EXACT)

    @pytest.mark.parametrize("method", METHODS)
    def test_after_the_last_level_the_terminal_line_goes_on(self, method):
        found = analyse(profile(ORAL), Rules(method=method, intervals=((12.0, 16.0), (16.0, 20.0))))
        expected = (1.5 / 2 * 4, 0.75 / 2 * 4) if method == "linear" else (0.5 * 4 / LN2, 0.25 * 4 / LN2)
        assert (found["auc_12_16"].value, found["auc_16_20"].value) == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: profile({0: 1.0}, dose_mg=0.0), "dose is 0 mg"),
        (lambda: profile({-1: 1.0}), "-1 h after the dose"),
        (lambda: profile({1: -1.0}), "-1 mg/L"),
        (lambda: profile({1: math.nan}), "nan mg/L"),
        (lambda: profile({2: 1.0, 1: 1.0}), "in order of time"),
        (lambda: Profile([1, 1], [2, 3], [True, True], 1.0, "bolus"), "two levels at 1 h"),
        (lambda: Profile([], [], [], 1.0, "bolus"), "not empty"),
        (lambda: profile({1: 1.0}, route="infusion"), "an infusion lasts longer"),
        (lambda: profile({1: 1.0}, route="bolus", duration_h=1.0), "any other dose has a duration of 0 h"),
        (lambda: profile({1: 1.0}, tau_h=0.0), "longer than 0 h"),
        (lambda: Rules(method="log"), "one of linear"),
        (lambda: Rules(terminal=2), "3 levels or more"),
        (lambda: Rules(intervals=((5.0, 2.0),)), "ends after its start"),
        (lambda: read_terminal("three"), "START:END"),
        (lambda: read_terminal("3:"), "START:END"),
    ],
)
def test_what_makes_no_analysis_is_refused(change, said):
    with pytest.raises(InputError) as error:
        change()
    assert said in str(error.value)


def test_a_profile_keeps_its_numbers():
    times = np.array([0.0, 1.0])
    made = Profile(times, np.ones(2), np.ones(2, dtype=bool), 1.0, "bolus")
    times[0] = 5.0
    assert made.time_h[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        made.time_h[0] = 1.0
