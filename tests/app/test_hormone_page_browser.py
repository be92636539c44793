"""The interactive page in a browser without a screen: what a person does with it, by mouse and by keyboard."""

from __future__ import annotations

import csv
import json
import re
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

from individose.app.actions.hormone import point, point_levels, product_card
from individose.app.actions.hormone_page import page as made
from individose.app.actions.hormone_plans import read_plan
from individose.app.report.hormone_page import hormone_html
from tolerances import PAGE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000.0
"""For one step of the browser, on a machine that does other things too; each takes a fraction of a second."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page is not tried out")

PLAN = {
    "format": "hormone/1",
    "courses": [
        {"product": "EV", "amount": 5, "unit": "mg", "start": 0, "every": 7, "count": 10},
        {"product": "patch-tw", "amount": 100, "unit": "ug/d", "start": 77, "every": 3.5, "count": 8},
    ],
    "levels": [{"time": 63, "value": 180, "unit": "pg/mL"}],
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    api = pytest.importorskip("playwright.sync_api", reason="the package playwright drives the browser")
    with api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=CHROMIUM,
            args=ARGUMENTS,
            viewport={"width": 1100, "height": 900},
            accept_downloads=True,
            timeout=PATIENCE_MS,
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context
        finally:
            context.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "hormone.html"
    file.write_text(hormone_html(made(read_plan(PLAN), fit=False), target=(100.0, 200.0)), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def seen(browser, address):
    """The page, opened anew; afterwards it has written nothing on the console and asked the network for nothing."""
    page = browser.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto(address)
        ready(page)
        yield page
        assert said == []
        assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    finally:
        page.close()


def ready(page):
    page.wait_for_selector("body[data-ready=yes]")


@contextmanager
def another(browser, address):
    """The page opened anew beside the first."""
    page = browser.new_page()
    try:
        page.goto(address)
        ready(page)
        yield page
    finally:
        page.close()


def settle(page):
    """After the pause that typing leaves before the page draws anew."""
    page.wait_for_selector("body:not([data-waiting])")


def field(page, name, row=0, table="courses"):
    return page.locator(f'[data-table="{table}"][data-row="{row}"][data-field="{name}"]')


def values(page, name, table="courses"):
    return [one.input_value() for one in page.locator(f'#{table} [data-field="{name}"]').all()]


def curve(page):
    return page.get_attribute("#chart path.own", "d")


def downloaded(page, button, tmp_path):
    with page.expect_download() as found:
        page.click(button)
    file = tmp_path / found.value.suggested_filename
    found.value.save_as(file)
    return file


def test_it_opens_with_the_curve_of_the_package_and_agrees_with_it(seen):
    assert float(seen.get_attribute("#check", "data-off")) < PAGE
    assert "agrees with the curve" in seen.inner_text("#check")
    assert seen.inner_text("#faults") == ""
    assert seen.locator("#chart .dose").count() == 18
    assert seen.locator("#chart .level").count() == 1
    assert seen.locator("#chart .target").count() == 1
    assert "Research and education; not a medical device." in seen.inner_text("header")
    assert "average" in seen.inner_text("#quantities")
    assert "half-life" in seen.inner_text("#products")
    assert "Assumed by the cards, not measured in such persons: persons differ by 40 %" in seen.inner_text("dl")


def test_rows_are_added_edited_moved_copied_and_deleted_and_all_can_be_undone(seen):
    before = curve(seen)
    field(seen, "amount").fill("6")
    settle(seen)
    edited = curve(seen)
    assert edited != before
    seen.click("#add")
    settle(seen)
    assert values(seen, "product") == ["EV", "patch-tw", "patch-tw"]
    assert seen.locator("#chart .dose").count() == 26
    seen.click('[aria-label="Move row 2 up"]')
    assert values(seen, "product") == ["patch-tw", "EV", "patch-tw"]
    seen.click('[aria-label="Copy row 2"]')
    assert values(seen, "product") == ["patch-tw", "EV", "EV", "patch-tw"]
    seen.click('[aria-label="Delete row 3"]')
    seen.click('[aria-label="Delete row 3"]')
    settle(seen)
    assert values(seen, "product") == ["patch-tw", "EV"]
    for _ in range(5):
        seen.click("#undo")
    settle(seen)
    assert values(seen, "product") == ["EV", "patch-tw"]
    assert curve(seen) == edited
    seen.click("#undo")
    settle(seen)
    assert field(seen, "amount").input_value() == "5"
    seen.click("#redo")
    assert field(seen, "amount").input_value() == "6"
    seen.click("#first")
    settle(seen)
    assert curve(seen) == before


def test_missed_moved_and_loading_doses(seen):
    seen.click("#courses tbody:nth-of-type(1) [aria-expanded]")
    field(seen, "missed").fill("3, 4")
    field(seen, "moved").fill("6 to 37.5")
    field(seen, "first").fill("8")
    settle(seen)
    assert seen.inner_text("#faults") == ""
    assert seen.locator("#chart .missed").count() == 2
    titles = seen.locator("#chart .dose title").all_text_contents()
    assert "5 mg EV, dose 6 (moved), 37.5 d" in titles
    assert "8 mg EV, dose 1, 0 d" in titles


def test_a_fault_is_said_where_it_is_and_the_last_figure_stays(seen):
    before = curve(seen)
    field(seen, "amount", 1).fill("-1")
    settle(seen)
    assert "Regimen, row 2: dose is “-1”; allowed is an amount above 0 in µg/d" in seen.inner_text("#faults")
    assert field(seen, "amount", 1).get_attribute("aria-invalid") == "true"
    assert field(seen, "amount", 1).get_attribute("aria-describedby") == "faults"
    assert seen.get_attribute("#faults", "aria-live") == "assertive"
    assert curve(seen) == before
    field(seen, "amount", 1).fill("100")
    settle(seen)
    assert seen.inner_text("#faults") == ""
    seen.fill("#high", "50")
    settle(seen)
    assert seen.get_attribute("#high", "aria-invalid") == "true"


PASTE = """([selector, text]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
}"""


def test_rows_of_a_spreadsheet_are_pasted_into_the_tables(seen):
    seen.evaluate(PASTE, ['[data-field="amount"]', "product\tdose\tstart\nEEn\t4\t105\nEEn\t4\t115\nEB\t2\t120"])
    settle(seen)
    assert values(seen, "product") == ["EV", "patch-tw", "EEn", "EB"]
    assert values(seen, "when") == ["0", "77", "105, 115", "120"]
    seen.evaluate(PASTE, ['[data-table="levels"] [data-field="when"]', "70\t250\n84\t<40"])
    settle(seen)
    assert values(seen, "level", "levels") == ["180", "250", "40"]
    assert seen.locator("#chart .level").count() == 3
    seen.click("#paste")
    seen.fill("#paste-text", "EV;4;0;5;12")
    seen.click("#paste-replace")
    settle(seen)
    assert values(seen, "product") == ["EV"]
    assert seen.locator("#chart .dose").count() == 12


def test_a_link_brings_a_plan_back(seen, browser):
    field(seen, "product").select_option("EEn")
    seen.select_option("#unit", "pmol/L")
    seen.check("#cycle")
    seen.fill("#horizon", "140")
    settle(seen)
    drawn, link = curve(seen), seen.input_value("#link")
    assert "#plan=" in link
    with another(browser, link) as other:
        assert values(other, "product") == ["EEn", "patch-tw"]
        assert other.input_value("#unit") == "pmol/L"
        assert other.is_checked("#cycle")
        assert other.input_value("#low") == seen.input_value("#low") == "367.1"  # the wanted range follows the unit
        assert curve(other) == drawn
    seen.goto(link[:-30])
    seen.reload()
    ready(seen)
    assert "does not hold a plan" in seen.inner_text("#said")


def test_files_go_out_and_come_back(seen, tmp_path):
    seen.click("#courses tbody:nth-of-type(1) [aria-expanded]")
    field(seen, "missed").fill("3")
    settle(seen)
    drawn = curve(seen)
    plan = downloaded(seen, "#save-plan", tmp_path)
    asked = read_plan(str(plan))
    assert len(asked.plan.given()) == 17
    with downloaded(seen, "#save-curve", tmp_path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = np.array([float(row["time_d"]) for row in rows])
    cards = {name: product_card(name) for name in asked.plan.products}
    expected = point_levels(point(asked.plan, cards), 24.0 * times) * 1e6
    found = np.array([float(row["level_pg/mL"]) for row in rows])
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=PAGE * expected.max())
    assert all(float(row["low"]) <= float(row["median"]) <= float(row["high"]) for row in rows)
    figure = downloaded(seen, "#save-figure", tmp_path).read_text(encoding="utf-8")
    assert figure.startswith("<svg")
    assert "var(" not in figure
    regimen = downloaded(seen, "#save-regimen", tmp_path)
    tests = downloaded(seen, "#save-tests", tmp_path)
    seen.click("#first")
    seen.set_input_files("#file", plan)
    settle(seen)
    assert curve(seen) == drawn
    seen.click("#first")
    for file in (regimen, tests):
        seen.set_input_files("#file", file)
        settle(seen)
    assert curve(seen) == drawn
    assert values(seen, "level", "levels") == ["180"]


def test_ones_own_curve_is_fitted_to_blood_tests_typed_in(seen, browser):
    wide = seen.inner_text("#quantities")
    seen.click("#add-test")
    field(seen, "when", 1, "levels").fill("66")
    field(seen, "level", 1, "levels").fill("520")
    settle(seen)
    before = curve(seen)
    assert seen.inner_text("#quantities") == wide  # drawn, and nothing more
    seen.click("#fit")
    settle(seen)
    assert seen.input_value("#basis") == "here"
    fitted = curve(seen)
    assert fitted != before
    assert seen.inner_text("#quantities") != wide
    said = seen.inner_text("#basis-says")
    assert "given 2 blood tests" in said
    assert re.search(r"Of 4,096 possible persons about [\d,]+ explain the tests", said)
    with another(browser, seen.input_value("#link")) as other:  # the fit travels with the plan
        assert curve(other) == fitted
    field(seen, "level", 1, "levels").fill("1100")
    settle(seen)
    assert "Blood test 2 is above" in seen.inner_text("#basis-says")
    assert "they contradict it" in seen.inner_text("#basis-says")
    field(seen, "level", 1, "levels").fill("52000")
    settle(seen)
    assert "does not explain it" in seen.inner_text("#faults")
    seen.select_option("#basis", "person")
    settle(seen)
    seen.click("#fit")
    settle(seen)
    assert "no band can be made" in seen.inner_text("#faults")
    assert seen.inner_text("#said") == ""  # and not that the curve was fitted
    assert "individose hormone fit plan.json" in seen.inner_text("#faults")
    for _ in range(2):
        seen.click('[aria-label^="Delete blood test"]')
    settle(seen)
    assert "There is no blood test to fit to" in seen.inner_text("#faults")
    assert seen.get_attribute("#basis", "aria-invalid") == "true"


def test_everything_can_be_done_by_keyboard(seen):
    seen.evaluate("document.activeElement.blur()")
    keys = seen.keyboard
    reached = []
    for _ in range(100):
        keys.press("Tab")
        if seen.evaluate("document.activeElement === document.body"):
            break  # all of the page has been passed
        reached.append(
            seen.evaluate("document.activeElement.id || document.activeElement.getAttribute('aria-label') || ''")
        )
        outline = seen.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", reached[-1]  # focus is seen
    assert {
        "Product, row 1",
        "Dose, row 1",
        "Move row 1 down",
        "add",
        "paste",
        "unit",
        "chart",
        "copy-link",
        "print",
    } <= set(reached)
    field(seen, "amount").focus()
    keys.press("Control+A")
    keys.type("4.5")
    keys.press("Enter")
    assert seen.evaluate("document.activeElement.dataset.row") == "1"
    keys.press("Enter")  # beyond the last row a new one begins
    assert len(values(seen, "product")) == 3
    keys.press("Alt+ArrowUp")
    assert seen.evaluate("document.activeElement.dataset.row") == "1"
    keys.press("Alt+Delete")
    assert len(values(seen, "product")) == 2
    settle(seen)
    assert values(seen, "amount") == ["4.5", "100"]
    seen.focus("#chart")
    for _ in range(20):
        keys.press("ArrowRight")
    assert re.search(r"\d d: [\d.]+ pg/mL \([\d.]+ to [\d.]+\)", seen.inner_text("#readout"))
    seen.focus("#paste")
    keys.press("Enter")
    assert seen.evaluate("document.querySelector('#dialog').open")
    keys.press("Escape")
    assert not seen.evaluate("document.querySelector('#dialog').open")


def contrast(page, selector):
    """The contrast (WCAG) of an element's text against the page."""
    colours = page.evaluate(
        "(selector) => { const style = (one) => getComputedStyle(one); "
        "return [style(document.querySelector(selector)).color, style(document.body).backgroundColor]; }",
        selector,
    )
    parts = [np.array([float(x) for x in re.findall(r"[\d.]+", colour)[:3]]) / 255 for colour in colours]
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722] for c in parts]
    return (max(linear) + 0.05) / (min(linear) + 0.05)


def test_it_is_dark_and_light_and_every_field_has_a_name(seen):
    backgrounds = []
    for scheme in ("light", "dark"):
        seen.emulate_media(color_scheme=scheme)
        backgrounds.append(seen.evaluate("getComputedStyle(document.body).backgroundColor"))
        for selector in ("h1", ".quiet", "button", "#quantities td", ".basis"):
            assert contrast(seen, selector) > 4.5, (scheme, selector)
    assert backgrounds[0] != backgrounds[1]
    seen.select_option("#theme", "light")
    assert seen.evaluate("getComputedStyle(document.body).backgroundColor") == backgrounds[0]
    nameless = seen.evaluate(
        "[...document.querySelectorAll('input, select, textarea, button')]"
        ".filter((one) => !one.hidden && !(one.labels && one.labels.length) && !one.getAttribute('aria-label'))"
        ".filter((one) => !one.textContent.trim()).map((one) => one.outerHTML)"
    )
    assert nameless == []
    seen.emulate_media(color_scheme=None)


def test_a_telephone_shows_all_of_it_and_paper_too(seen):
    seen.set_viewport_size({"width": 390, "height": 844})
    assert seen.evaluate("document.documentElement.scrollWidth") <= 390
    assert field(seen, "amount").bounding_box()["width"] > 60
    small = [one for one in seen.locator("#courses .tools button").all() if one.bounding_box()["height"] < 32]
    assert small == []
    seen.set_viewport_size({"width": 1100, "height": 900})
    assert seen.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    seen.emulate_media(media="print")
    assert seen.evaluate("getComputedStyle(document.querySelector('#add')).display") == "none"
    seen.emulate_media(media=None)


def test_days_become_dates_and_what_it_keeps_is_json(seen):
    seen.fill("#day-zero", "2024-05-01")
    seen.click("#convert")
    settle(seen)
    assert values(seen, "when") == ["2024-05-01", "2024-07-17"]
    assert values(seen, "when", "levels") == ["2024-07-03"]
    assert "May" in seen.inner_text("#chart")
    held = json.loads(
        seen.evaluate(
            "(() => { const text = location.hash.slice(6).replace(/-/g, '+').replace(/_/g, '/'); return atob(text); })()"
        )
    )
    assert held["plan"]["courses"][0]["start"] == "2024-05-01"
    seen.click("#convert")
    settle(seen)
    assert values(seen, "when") == ["0", "77"]
