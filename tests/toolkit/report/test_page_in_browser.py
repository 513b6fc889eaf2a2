"""Reports opened in a headless Chromium without a network: what a reader sees, points at and types."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise

import pytest
from reported import HOSTILE, reported_plugins

import msde_toolkit as msde
from msde_toolkit.report import Wanted, write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to drive")


READ = [(text, back) for text in ("ink", "soft", "accent", "mark") for back in ("paper", "card")]
READ += [("warn-ink", "warn-back"), ("severe-ink", "severe-back")]
"""Colours of text, and what they stand on."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Files: two runs with ``hostile`` names, and one run of real people of whom ``some`` or ``none`` may be shown."""
    folder = tmp_path_factory.mktemp("reports")

    def run(name, agreed):
        config = msde.RunConfig.create(
            model="tiny", loss="watch", data="faces-to-report", device="cpu", precision="fp32", folds=2,
            set_data={"agreed": agreed}, set_train={"image_size": 24, "epochs": 2},
        )  # fmt: skip
        return msde.open_run(msde.run(config, out=folder / name).directory)

    with reported_plugins(folder):
        runs = {
            "hostile": [run("<img src=x onerror=alert(3)>", -1), run('a "second" one', -1)],
            "some": [run("some", 2)],
            "none": [run("none", 0)],
        }
        wanted = Wanted(analyses=("views",), command=f"msde report {HOSTILE}")
        return {name: write_report(of, folder / f"{name}.html", wanted).file for name, of in runs.items()}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM)
        yield running
        running.close()


@pytest.fixture
def visit(browser, reports):
    """``visit(name, ...)`` opens a report offline; afterwards nothing may have been asked for, said or thrown."""
    contexts, asked, said = [], [], []

    def call(name, **how):
        context = browser.new_context(offline=True, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        file = reports[name].as_uri()
        page.goto(file)
        allowed.add(file)
        return page

    allowed: set[str] = set()
    yield call
    for context in contexts:
        context.close()
    assert [url for url in asked if url not in allowed and not url.startswith("data:")] == []
    assert said == []


def data(page):
    return json.loads(page.locator("#data").text_content())


def centre(page, view, point):
    """Where a point of a map stands on the screen."""
    box = page.locator(".points canvas").first.bounding_box()
    edge = 18
    x = edge + view["x"][point] * (box["width"] - 2 * edge)
    y = edge + (1 - view["y"][point]) * (box["height"] - 2 * edge)
    return box["x"] + x, box["y"] + y


def shown(canvas):
    return canvas.evaluate("canvas => canvas.toDataURL()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_it_fits_the_window_and_can_be_read_in_light_and_dark(visit, scheme, width):
    page = visit("hostile", color_scheme=scheme, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tokens = {name: colour_of(page, name) for name in ("paper", "card", *(name for pair in READ for name in pair))}
    for text, back in READ:
        assert contrast(tokens[text], tokens[back]) >= 4.5, (text, back)
    assert (luminance(tokens["paper"]) < 0.2) == (scheme == "dark")
    page.locator("#theme").click()
    turned = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (luminance(turned) < 0.2) == (scheme == "light")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)") == turned


def colour_of(page, name):
    """Red, green and blue of a colour of the page's style sheet, as the browser has worked it out."""
    told = page.evaluate(
        """name => {
          const probe = document.body.appendChild(document.createElement("i"));
          probe.style.color = `var(--${name})`;
          return getComputedStyle(probe).color;
        }""",
        name,
    )
    return [float(number) for number in re.findall(r"[\d.]+", told)]


def luminance(colour):
    linear = [(c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    """WCAG 2.2's ratio."""
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_words_from_data_stay_words(visit):
    page = visit("hostile")
    assert page.locator("body img[src='x'], body b[onerror]").count() == 0
    assert page.locator("script").count() == 2, "the data and the page's own"
    text = page.locator("body").inner_text()
    assert text.count(HOSTILE) > 10
    assert "<img src=x onerror=alert(3)>" in text
    assert "{{ 7*7 }}" in text
    assert page.locator("table.matrix thead th").first.text_content() == HOSTILE
    assert page.title().endswith("(synthetic faces)")
    assert HOSTILE in page.title()
    page.locator(".points + details summary").first.click()
    assert HOSTILE in page.locator(".points + details td").first.text_content()


def test_pointing_at_a_point_shows_its_face_label_and_prediction(visit):
    page = visit("some")
    views = data(page)["views"]
    view = next(view for view in views if view["kind"] == "scatter")
    page.locator(".points canvas").scroll_into_view_if_needed()
    tip = page.locator("#tip")
    assert tip.is_hidden()
    told = {"face": 0, "no consent": 0}
    for point in (0, 5, 20, 30):
        page.mouse.move(*centre(page, view, point))
        words = tip.inner_text()
        assert f"id: {view['ids'][point]}" in words
        assert f"label: {view['colour']['words'][view['colour']['of'][point]]}" in words
        assert "predicted: " in words
        published = view["ids"][point] < "s2"
        assert tip.locator("img").count() == published
        assert ("no consent" in words) != published
        told["face" if published else "no consent"] += 1
    assert all(told.values())
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    assert "synthetic" not in page.locator("body").inner_text().lower()


def test_a_map_of_points_is_walked_by_keys_and_filtered(visit):
    page = visit("hostile")
    canvas = page.locator(".points canvas").first
    page.locator(".controls input[type=checkbox]").first.focus()
    while not canvas.evaluate("canvas => canvas === document.activeElement"):
        page.keyboard.press("Tab")
    first = page.locator("#said").text_content()
    assert HOSTILE in first
    assert "synthetic face" in first
    page.keyboard.press("ArrowRight")
    second = page.locator("#said").text_content()
    assert second != first
    assert page.locator("#tip").is_visible()
    everything = shown(canvas)
    page.locator(".controls label", has_text="glad").first.click()
    assert shown(canvas) != everything


def test_the_slider_lays_the_map_over_the_face(visit):
    page = visit("some")
    slider = page.get_by_label("Map over face")
    faces = page.locator(".gallery canvas")
    with_map = [shown(faces.nth(k)) for k in range(4)]
    assert "with a map laid over it" in faces.first.get_attribute("aria-label")
    slider.fill("0")
    bare = [shown(faces.nth(k)) for k in range(4)]
    assert all(one != two for one, two in zip(with_map, bare, strict=True))
    slider.focus()
    page.keyboard.press("End")
    only_map = shown(faces.first)
    assert only_map not in (with_map[0], bare[0])
    slider.fill("0")
    assert [shown(faces.nth(k)) for k in range(4)] == bare


def test_nobody_is_shown_who_has_not_agreed(visit, reports):
    page = visit("none")
    assert data(page)["faces"] == []
    assert "data:image" not in reports["none"].read_text("utf-8"), "neither as a thumbnail nor in a figure"
    text = page.locator("body").inner_text()
    assert "Without consent to publish them, so not shown: 3." in text
    assert page.locator(".gallery canvas").count() == 0
    assert page.get_by_label("Map over face").count() == 0
    assert "Figure faces is not shown: it holds faces without consent" in text
    some = visit("some")
    assert len(data(some)["faces"]) == 12, "two people agreed, six faces each"
    assert some.locator(".gallery canvas").count() == 4
    assert "so not shown: 1." in some.locator("body").inner_text()


def test_it_can_be_used_by_keyboard_and_read_aloud(visit):
    page = visit("hostile")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the report"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.locator(":focus").get_attribute("id") == "main"
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1, landmark
    levels = page.locator("h1, h2, h3, h4, h5").evaluate_all("all => all.map((one) => Number(one.tagName[1]))")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("img:not([alt]), svg:not([aria-label], [aria-hidden]), canvas:not([aria-label])").count() == 0
    assert page.locator("html[lang=en]").count() == 1
    ids = page.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))
    for link in page.locator("nav a").all():
        assert page.locator(link.get_attribute("href")).count() == 1
    cells = page.locator("table.matrix").first.locator("td[tabindex]")
    cells.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.locator(":focus").get_attribute("aria-label") == cells.nth(4).get_attribute("aria-label")
    assert "[" in page.locator("#tip").inner_text(), "the interval of the share"


def test_runs_unfold_and_print_on_white(visit):
    page = visit("hostile", color_scheme="dark", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    parts = page.locator("details.part")
    assert 0 < page.locator("details.part[open]").count() < parts.count()
    page.get_by_role("button", name="Open all").click()
    assert page.locator("details.part[open]").count() == parts.count()
    assert page.locator(".watermark").count() == 1
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.get_by_label("Map over face").first.is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_two_runs_are_compared_with_tests(visit):
    page = visit("hostile")
    section = page.get_by_role("region", name="Comparison")
    text = section.inner_text()
    assert "all of this is exploratory" in text
    rows = section.get_by_role("region", name="Differences in accuracy").locator("tbody tr")
    assert [row.locator("td").first.inner_text() for row in rows.all()] == ["NM", "M", "average"]
    assert "images of 6" in rows.first.inner_text()
    assert "unreliable" in rows.first.inner_text()
    assert visit("some").get_by_role("region", name="Comparison").count() == 0
