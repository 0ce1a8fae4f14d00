"""The leaderboard's page in a browser."""

import itertools
import os

import pytest
from run_records import run_record, save_predicted
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from electra_bench.cli import main

HOSTILE = (
    '"><img src=x onerror="document.title=1"><script>document.title=2</script>',
    "</table></body>{{ 7 * 7 }}&amp;",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    for number, (label, base) in enumerate(
        (("small", 60), ("large", 9), *((h, 70) for h in HOSTILE))
    ):
        for task, seed in itertools.product(("cola", "rte", "pydoc_library"), range(3)):
            if (label, task) == ("small", "rte"):
                continue
            right = base + seed
            record = run_record(label, task, seed, float(right))
            run = folder / "runs" / f"{number}-{task}-{seed}"
            predictions = ["yes"] * right + ["no"] * (100 - right)
            save_predicted(run, record, ["yes"] * 100, predictions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELECTRA_BENCH_CACHE", str(folder / "cache"))
        argv = ["leaderboard", "build", str(folder / "runs"), "--format", "html"]
        assert main.main([*argv, "--out", str(folder / "out")]) == 0
    return (folder / "out" / "leaderboard.html").as_uri()


@pytest.fixture
def opened(browser, page, show):
    show(page, width=1280)
    return browser


def column(browser, name):
    """Texts of a column in the order of the rows; the header's button."""
    headers = browser.find_elements(By.CSS_SELECTOR, "#board thead th")
    [index] = [i for i, h in enumerate(headers) if h.text.split()[0] == name]
    rows = browser.find_elements(By.CSS_SELECTOR, "#board tbody tr")
    cells = [row.find_elements(By.XPATH, "./*")[index] for row in rows]
    texts = [cell.text.split("\n")[0] for cell in cells]
    return texts, headers[index].find_element(By.TAG_NAME, "button")


def order_of(button):
    return button.find_element(By.XPATH, "..").get_attribute("aria-sort")


def test_opens_without_a_word_in_the_console(opened):
    assert opened.title == "Leaderboard"
    assert opened.get_log("browser") == []


def test_loads_nothing_from_elsewhere(opened):
    requested = opened.execute_script(
        "return performance.getEntriesByType('resource').map(e => e.name)"
    )
    assert [name for name in requested if not name.startswith("data:")] == []


def test_hostile_names_are_text(opened):
    labels, _ = column(opened, "model")
    assert set(labels) == {"small", "large", *HOSTILE}
    assert opened.find_elements(By.TAG_NAME, "img") == []
    assert opened.title == "Leaderboard"


def test_is_sorted_by_rank_at_first(opened):
    ranks, _ = column(opened, "rank")
    assert ranks == ["1", "1", "3", "–"]
    _, button = column(opened, "mean")
    assert order_of(button) == "descending"


def test_significant_differences_are_a_list_that_opens(opened):
    details = opened.find_element(By.ID, "differences")
    details.find_element(By.TAG_NAME, "summary").click()
    rows = details.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert rows
    worse = {row.find_elements(By.TAG_NAME, "td")[2].text for row in rows}
    assert "large" in worse
    assert not worse & set(HOSTILE)
    best = opened.find_elements(By.CSS_SELECTOR, "#board td.best")
    assert best


def test_intervals_stand_below_scores(opened):
    cell = opened.find_element(By.CSS_SELECTOR, "#board td .interval")
    assert cell.text.startswith("[")


def test_click_sorts_numbers_as_numbers_and_missing_last(opened):
    _, button = column(opened, "rte")
    button.click()
    scores, _ = column(opened, "rte")
    assert scores == ["71.0", "71.0", "10.0", "–"]
    assert order_of(button) == "descending"
    button.click()
    scores, _ = column(opened, "rte")
    assert scores == ["10.0", "71.0", "71.0", "–"]
    assert order_of(button) == "ascending"
    _, other = column(opened, "mean")
    assert order_of(other) == "none"


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE])
def test_keys_sort(opened, key):
    _, button = column(opened, "cola")
    button.send_keys(key)
    assert column(opened, "cola")[0] == ["71.0", "71.0", "61.0", "10.0"]
    button.send_keys(key)
    assert column(opened, "cola")[0] == ["10.0", "61.0", "71.0", "71.0"]


def test_names_sort_as_text_and_the_floor_stays_below(opened):
    _, button = column(opened, "model")
    button.click()
    labels, _ = column(opened, "model")
    assert labels.index("large") < labels.index("small")
    below = opened.find_element(By.CSS_SELECTOR, "#board tfoot th").text
    assert below.startswith("floor\n")


def background(browser):
    body = browser.find_element(By.TAG_NAME, "body")
    return body.value_of_css_property("background-color")


def test_follows_the_systems_theme_until_told_otherwise(browser, page, show):
    show(page, width=1280, scheme="light")
    light = background(browser)
    show(page, width=1280, scheme="dark")
    dark = background(browser)
    assert light != dark
    toggle = browser.find_element(By.ID, "theme")
    assert toggle.text == "Light theme"
    toggle.click()
    assert background(browser) == light
    assert toggle.text == "Dark theme"
    toggle.click()
    assert background(browser) == dark


def luminance(color):
    numbers = color[color.index("(") + 1 : color.index(")")].split(",")[:3]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (float(number) / 255 for number in numbers)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_print_can_be_read(browser, page, show, scheme):
    show(page, width=1280, scheme=scheme)
    spread = browser.find_element(By.CSS_SELECTOR, "td .spread")
    shades = sorted(
        luminance(c)
        for c in (spread.value_of_css_property("color"), background(browser))
    )
    # The WCAG contrast ratio for normal text.
    assert (shades[1] + 0.05) / (shades[0] + 0.05) >= 4.5


def test_on_a_phone_only_the_table_scrolls(browser, page, show):
    show(page, width=390)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
    board = browser.find_element(By.CSS_SELECTOR, ".scroll")
    assert browser.execute_script(
        "return arguments[0].scrollWidth > arguments[0].clientWidth", board
    )
    browser.execute_script("arguments[0].scrollLeft = 10000", board)
    label = browser.find_element(By.CSS_SELECTOR, "#board tbody .label")
    assert 0 <= label.rect["x"] < 60
    # A label leaves room for the scores.
    assert label.rect["width"] < 200


@pytest.mark.parametrize("number", ["rank", "mean", "cola"])
def test_a_number_leads_to_its_runs(opened, number):
    details = opened.find_element(By.ID, "runs")
    assert details.get_attribute("open") is None
    links = opened.find_elements(By.CSS_SELECTOR, "td a.score")
    dict(zip(("rank", "mean", "cola"), links, strict=False))[number].click()
    assert details.get_attribute("open") is not None
    target = opened.current_url.partition("#")[2]
    section = opened.find_element(By.ID, target)
    # A rank is by the mean.
    listed = "cola" if number == "cola" else "mean"
    assert section.text.splitlines()[0].partition(": ")[2].split()[0] == listed
    top = opened.execute_script(
        "return arguments[0].getBoundingClientRect().top", section
    )
    assert abs(top) < 5
    rows = section.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert len(rows) == (3 if number == "cola" else 9)
    assert "electra-bench finetune" in rows[0].text
    record = rows[0].find_element(By.TAG_NAME, "a").get_attribute("href")
    assert os.path.isfile(record.removeprefix("file://"))
    assert opened.get_log("browser") == []
