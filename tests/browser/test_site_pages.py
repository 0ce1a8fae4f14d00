"""The pages around the leaderboard in a browser."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from site_records import MODELS, UNTRAINED, save_site_runs

from electra_bench.cli import main

PAGES = {
    "index",
    "task-rte",
    "task-chunk",
    "cost",
    "generator_size",
    "quirk_cost",
    "seed_variance",
    "training_curves",
    "wins",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    save_site_runs(folder / "runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELECTRA_BENCH_CACHE", str(folder / "cache"))
        argv = ["leaderboard", "build", str(folder / "runs"), "--format", "site"]
        assert main.main([*argv, "--out", str(folder / "out")]) == 0
    return folder / "out"


def uri(site, page):
    return (site / f"{page}.html").as_uri()


def labels(browser):
    rows = browser.find_elements(By.CSS_SELECTOR, "#board tbody tr")
    return [r.find_element(By.TAG_NAME, "th").text for r in rows if r.is_displayed()]


def test_all_pages_are_there_and_none_else(site):
    assert {path.stem for path in site.glob("*.html")} == PAGES


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_is_quiet_alone_and_as_wide_as_a_phone(site, browser, show, page):
    show(uri(site, page), 390, "dark")
    assert browser.get_log("browser") == []
    requested = browser.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
    )
    assert [name for name in requested if not name.startswith("data:")] == []
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
    # Every id is there once, also those inside pictures.
    ids = browser.execute_script(
        "return [...document.querySelectorAll('[id]')].map(e => e.id)"
    )
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("page", sorted(PAGES))
def test_every_link_leads_somewhere(site, page):
    content = (site / f"{page}.html").read_text("utf-8")
    links = set(re.findall(r'<a [^>]*href="(\./[^"#]*|[^"#:]+\.html)"', content))
    assert {f"{other}.html" for other in PAGES} <= links
    for link in links:
        assert os.path.isfile(site / unquote(link)), link


def test_from_the_table_to_a_task_to_a_record_and_back(site, browser, show):
    show(uri(site, "index"), 1280)
    browser.find_element(By.CSS_SELECTOR, "li a[href='./task-rte.html']").click()
    assert browser.title == "rte"
    run = browser.find_element(By.CSS_SELECTOR, "#board tbody td a")
    path = run.get_attribute("href").removeprefix("file://")
    assert Path(path).name == "record.json"
    assert os.path.isfile(path)
    here = browser.find_element(By.CSS_SELECTOR, "nav a[aria-current]")
    assert here.text == "rte"
    browser.find_element(By.LINK_TEXT, "leaderboard").click()
    assert browser.title == "Leaderboard"


def test_the_box_filters_rows_by_keyboard(site, browser, show):
    show(uri(site, "task-rte"), 1280)
    everything = labels(browser)
    assert set(everything) == {*MODELS, UNTRAINED}
    box = browser.find_element(By.ID, "filter")
    shown = browser.find_element(By.CSS_SELECTOR, "output[for=filter]")
    assert shown.text == f"{len(everything)} of {len(everything)} rows"
    # The tabulator leads from the picture above to the box, which has a label.
    browser.find_element(By.LINK_TEXT, "PNG").send_keys(Keys.TAB)
    assert browser.switch_to.active_element == box
    assert browser.find_element(By.CSS_SELECTOR, "label[for=filter]").text
    box.send_keys("WID")
    assert set(labels(browser)) == {"wide"}
    assert shown.text == f"2 of {len(everything)} rows"
    # Sorting keeps the choice.
    browser.find_element(By.CSS_SELECTOR, "#board thead button").click()
    assert set(labels(browser)) == {"wide"}
    box.send_keys(" none")
    assert labels(browser) == []
    assert shown.text == f"0 of {len(everything)} rows"
    box.send_keys(Keys.ESCAPE)
    assert len(labels(browser)) == len(everything)


def test_header_and_names_stay_while_a_long_table_scrolls(site, browser, show):
    show(uri(site, "task-rte"), 390)
    board = browser.find_element(By.CSS_SELECTOR, ".scroll")
    scroll = (
        "arguments[0].scrollTo(arguments[0].scrollWidth, arguments[0].scrollHeight)"
    )
    browser.execute_script(scroll, board)
    assert board.get_property("scrollTop") > 100
    assert board.get_property("scrollLeft") > 100
    name = browser.find_elements(By.CSS_SELECTOR, "#board tbody th")[-1]
    corner = browser.find_element(By.CSS_SELECTOR, "#board thead .label")
    inner = board.rect
    assert abs(corner.rect["y"] - inner["y"]) < 3
    assert abs(corner.rect["x"] - inner["x"]) < 3
    assert abs(name.rect["x"] - inner["x"]) < 3
    # What the tabulator reaches comes out from below them.
    browser.find_element(By.CSS_SELECTOR, "#board thead button").send_keys(Keys.TAB)
    link = browser.find_element(By.CSS_SELECTOR, "#board tbody a")
    browser.execute_script("arguments[0].focus()", link)
    assert link.rect["y"] >= corner.rect["y"] + corner.rect["height"]
    assert link.rect["x"] >= corner.rect["x"] + corner.rect["width"]
    assert link.value_of_css_property("outline-style") == "solid"


def test_tables_further_down_sort_and_filter_by_themselves(site, browser, show):
    show(uri(site, "task-rte"), 1280)
    before = labels(browser)
    box = browser.find_element(By.ID, "part2-filter")
    box.send_keys("small")
    rows = browser.find_elements(By.CSS_SELECTOR, "#part2-board tbody tr")
    assert 0 < sum(row.is_displayed() for row in rows) < len(rows)
    assert labels(browser) == before


def test_pictures_have_words_and_the_themes_colours(site, browser, show):
    colours = {}
    for scheme in ("light", "dark"):
        show(uri(site, "cost"), 1280, scheme)
        picture = browser.find_element(By.CSS_SELECTOR, "figure svg")
        for element in picture.get_attribute("aria-labelledby").split():
            text = browser.find_element(By.ID, element).get_attribute("textContent")
            assert len(text) > 10
        texts = picture.find_elements(By.TAG_NAME, "text")
        assert "Score against pretrain FLOPs" in [t.text for t in texts]
        [title] = [t for t in texts if t.text == "Score against pretrain FLOPs"]
        colours[scheme] = title.value_of_css_property("fill")
    assert colours["light"] != colours["dark"]
    names = {path.name for path in site.iterdir()}
    assert {"cost-flops.svg", "cost-flops.png", "training_curves-loss.svg"} <= names
