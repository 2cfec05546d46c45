"""The report's pages: every number leads to its rows, filters and day stand in the address, pictures can be taken along."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape

import pytest

from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.web import create_app
from reports.definitions.speed import SHARE_AFTER
from reports.document import Figure, Row
from reports.feature import feature as reports
from reports.pages.themes import GROWS, growing
from reports.themes import THEMES
from tests.reports.pages.conftest import CYCLE_3, Shelf, fill, put_under_second_reading
from tests.web.visitors import Visitor, logged_in

WITHIN_4 = "/reports/fraction/fixed-age/2015.1/y4"
"""The projects of the cycle by whether they published within four years: one of four did."""


def text(visitor: Visitor, path: str, status: int = 200) -> str:
    """The page as text, its entities resolved."""
    answer = visitor.get(path)
    assert answer.status_code == status, f"{path}: {answer.status_code}"
    return unescape(answer.get_data(as_text=True))


def rows_linked(page: str, theme: str) -> list[str]:
    """The addresses of rows that a page links."""
    return re.findall(rf'href="(/reports/(?:snapshots/\d+/)?{theme}/[^"/?]+/[^"/?]+/[^"?]+(?:\?[^"]*)?)"', page)


# -- the first page ---------------------------------------------------------------------------------------------------


def test_an_empty_report_says_what_fills_it(manager: Visitor) -> None:
    """Without a project the page is no blank, and every theme stands with its question."""
    assert "No project has been observed yet" in text(manager, "/reports/")
    for key, module in THEMES.items():
        assert module.QUESTION in text(manager, f"/reports/{key}")


@pytest.mark.usefixtures("shelf")
def test_the_first_page_has_five_numbers_pictures_and_all_themes(manager: Visitor) -> None:
    """Each of the five numbers leads to rows; every theme has its line; the report says how complete it is."""
    page = text(manager, "/reports/")
    assert page.count('class="key-number"') == 5
    numbers = re.findall(r'key-number-value">(?:<a href="([^"]+)">)?([^<]+)<', page)
    assert [value for _, value in numbers][:3] == ["5", "40.0\u202f%", "3"]
    for address, _ in numbers:
        if address:
            assert "project" in text(manager, address)
    for key, module in THEMES.items():
        assert f'href="/reports/{key}"' in page
        assert module.QUESTION in page
    assert "as known at the end of 2026-11-22" in page
    assert "0 candidates undecided" in page
    assert page.count('class="chart-light"') == 3


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2026-11-23"])
def test_a_day_that_is_none_is_refused(manager: Visitor, day: str) -> None:
    """Words, a day that no calendar has and a day to come get a page that says what to write instead."""
    page = text(manager, f"/reports/?as_of={day}", 400)
    assert "write it like 2026-01-31" in page or "day to come" in page


@pytest.mark.usefixtures("shelf")
def test_the_day_goes_along_with_every_link(manager: Visitor) -> None:
    """A report of an earlier day leads to rows of that day."""
    page = text(manager, "/reports/fraction?as_of=2026-06-01")
    linked = rows_linked(page, "fraction")
    assert linked
    assert all(address.endswith("as_of=2026-06-01") for address in linked)
    assert "as known at the end of 2026-06-01" in text(manager, linked[0])


# -- themes and rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", THEMES)
def test_every_number_of_a_theme_leads_to_its_rows(sqlite_runtime: Runtime, theme: str) -> None:
    """Every link of every table answers with a list; which database they come from makes no difference."""
    fill(sqlite_runtime)
    app = create_app(sqlite_runtime, features=[public, reports])
    visitor = logged_in(app, sqlite_runtime, Role.MANAGER)
    page = text(visitor, f"/reports/{theme}")
    for address in dict.fromkeys(rows_linked(page, theme)):
        assert "behind the number" in text(visitor, address), address


@pytest.mark.usefixtures("shelf")
def test_those_that_did_not_stand_first(manager: Visitor) -> None:
    """The rows of a fraction: figure, interval and counts on top, then who did not publish in time, then who did."""
    page = text(manager, WITHIN_4)
    assert "25.0\u202f%" in page
    assert "95 % interval 4.6 to 69.9\u202f%" in page
    assert "1 of 4" in page
    places = [page.index(f'/project/{code}"') for code in (CYCLE_3[1], CYCLE_3[2], CYCLE_3[3], CYCLE_3[0])]
    assert places == sorted(places)
    assert "What it means" in page
    others = text(manager, f"{WITHIN_4}?which=others")
    assert CYCLE_3[1] in others
    assert f'/project/{CYCLE_3[0]}"' not in others


@pytest.mark.usefixtures("shelf")
def test_rows_are_given_as_a_file_without_formulas(manager: Visitor) -> None:
    """The file says of each project whether it was counted; a title that looks like a formula stays text."""
    lines = list(csv.DictReader(io.StringIO(text(manager, f"{WITHIN_4}?format=csv"))))
    assert {line["project"]: line["counted"] for line in lines} == dict(
        zip(CYCLE_3, ("yes", "no", "no", "no"), strict=True)
    )
    assert [line["first paper"][:4] for line in lines if line["project"] == CYCLE_3[1]] == ["2022"]
    everything = text(manager, "/reports/fraction/now/all/observed?format=csv")
    assert "'=1+1" in everything


@pytest.mark.usefixtures("shelf")
def test_rows_can_be_sorted(manager: Visitor) -> None:
    """By PI, downwards: the one by Cole comes first; the list is then one, with a column that says who counted."""
    page = text(manager, "/reports/fraction/now/all/fraction?sort=-people")
    assert page.index("2016.1.00009.S") < page.index(CYCLE_3[0])
    assert '<th scope="col">Counted</th>' in page


@pytest.mark.usefixtures("shelf")
def test_papers_behind_a_number_are_listed_with_their_projects(manager: Visitor) -> None:
    """Two papers, by their names in the literature, each with the project whose data it used."""
    page = text(manager, "/reports/papers/by-year/all/papers")
    for words in ("2017Nowhr...1....1A", "10.9999/late", CYCLE_3[0], CYCLE_3[1], "Ahn, B. +1"):
        assert words in page


@pytest.mark.parametrize(
    "path",
    [
        "/reports/nothing",
        "/reports/fraction/nothing",
        "/reports/fraction/now/nothing/fraction",
        "/reports/fraction/now/all/nothing",
        "/reports/fraction/now/9.light.svg",
        "/reports/fraction/now/0.png",
        "/reports/report.docx",
        "/reports/snapshots/77/",
        "/reports/snapshots/77/fraction",
        "/reports/snapshots/77/changes",
    ],
)
@pytest.mark.usefixtures("shelf")
def test_what_is_not_there_is_told(manager: Visitor, path: str) -> None:
    """Every address of nothing has a page that says what there is."""
    assert "no" in text(manager, path, 404)


# -- second readings --------------------------------------------------------------------------------------------------


def test_what_a_second_reader_is_to_judge_is_counted_and_not_named(
    manager: Visitor, runtime: Runtime, shelf: Shelf
) -> None:
    """On the page, sorted, filtered and in files: the number stays, the project and the paper have no name."""
    put_under_second_reading(runtime, shelf)
    page = text(manager, WITHIN_4)
    assert "1 of 4" in page
    assert "named when both readers have judged" in page
    papers = "/reports/papers/by-year/all/papers"
    for address in (WITHIN_4, f"{WITHIN_4}?which=counted", f"{WITHIN_4}?format=csv", f"{WITHIN_4}?sort=name",
                    papers, f"{papers}?format=csv", "/reports/report.json"):  # fmt: skip
        shown = text(manager, address)
        assert CYCLE_3[0] not in shown, address
        assert "2017Nowhr" not in shown, address
        assert "Dust, seen early" not in shown, address


# -- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shelf")
def test_a_filter_stands_in_the_address_and_on_a_chip(manager: Visitor) -> None:
    """Two projects of one partner: the number follows, the links keep the filter, the chip leads back to all."""
    page = text(manager, "/reports/fraction?partner=na&cycle=2015.1")
    assert re.search(r'href="/reports/fraction\?(as_of=[^"&]*&)?cycle=2015.1"[^>]*>partner: ', page)
    linked = [address for address in rows_linked(page, "fraction") if "/all/observed" in address]
    assert linked
    assert all("partner=na" in address and "cycle=2015.1" in address for address in linked)
    rows = text(manager, linked[0])
    assert CYCLE_3[2] in rows
    assert CYCLE_3[3] in rows
    assert CYCLE_3[0] not in rows


@pytest.mark.usefixtures("shelf")
def test_a_filter_may_be_called_like_a_part_of_the_path(manager: Visitor) -> None:
    """Kind is a filter, and a part of the addresses of files; a snapshot is none of the live report's."""
    for address in ("/reports/", "/reports/fraction", "/reports/fraction/now/all/fraction", "/reports/report.csv"):
        assert "kind=s" in text(manager, f"{address}?kind=s") or address.endswith("csv")
    assert "Publication fraction" in text(manager, "/reports/fraction?snapshot=1&cycle=2015.1")


@pytest.mark.usefixtures("shelf")
def test_values_that_no_project_has_are_named(manager: Visitor) -> None:
    """A cycle nobody knows is named, with a link for each there is; another parameter of the address is nobody's business."""
    page = text(manager, "/reports/fraction?cycle=3&partner=eu", 404)
    assert "No project has the cycle “3”" in page
    assert '<a href="/reports/fraction?cycle=2015.1&partner=eu">Cycle 3</a>' in page
    assert '<a href="/reports/fraction?partner=eu">Without' in page
    assert "40.0" in text(manager, "/reports/?utm=1")


@pytest.mark.usefixtures("shelf")
def test_the_row_of_other_values_is_no_value_to_ask_for(manager: Visitor) -> None:
    """It stands for many: the page says so, and offers those that there are."""
    page = text(manager, "/reports/?category=other-values", 404)
    assert "The row of other values is not one science category, but many with few projects each" in page
    assert '<a href="/reports/?category=discs">Discs</a>' in page
    assert "No project has" not in page


@pytest.mark.usefixtures("shelf")
def test_what_others_published_stands_as_they_printed_it(manager: Visitor) -> None:
    """“About 70 %” is no 70.0 %."""
    page = text(manager, "/reports/comparison/shares")
    assert "<td>about 70 %</td>" in page


def test_a_table_says_by_which_rule_its_values_are_called_growing() -> None:
    """Neighbouring tables have different rules: how old projects are, and how many could be watched for so long."""
    young = [Figure(key, 1, is_incomplete=True) for key in ("published_within", SHARE_AFTER.key, "papers")]
    said = list(growing([Row("2019", "2019", (*young, Figure("papers", 1), None))]))
    assert ["not that old yet" in said[0], "could be watched for so long" in said[1], said[2:]] == [True, True, [GROWS]]


# -- pictures and files -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shelf")
def test_a_picture_is_drawn_for_both_looks_and_taken_along(manager: Visitor) -> None:
    """SVG with title and description; PNG, CSV and Vega-Lite hold what their names say."""
    for look in ("light", "dark", "light-narrow", "dark-narrow"):
        answer = manager.get(f"/reports/fraction/now/1.{look}.svg")
        assert answer.mimetype == "image/svg+xml"
        assert "<title>" in answer.get_data(as_text=True)
        assert "<desc>" in answer.get_data(as_text=True)
    assert manager.get("/reports/fraction/now/1.png").data.startswith(b"\x89PNG")
    assert "Cycle 3" in text(manager, "/reports/fraction/now/1.csv")
    assert json.loads(manager.get("/reports/fraction/now/1.json").data)["$schema"].endswith("vega-lite/v6.json")
    taken = manager.get("/reports/fraction/now/1.svg")
    assert taken.headers["Content-Disposition"] == 'attachment; filename="fraction-now-1-2026-11-22.svg"'


@pytest.mark.usefixtures("shelf")
def test_tables_and_reports_are_given_as_files(manager: Visitor) -> None:
    """A table as CSV and XLSX, the whole report as CSV, XLSX and JSON."""
    lines = list(csv.DictReader(io.StringIO(text(manager, "/reports/fraction/now.csv"))))
    assert [line["value"] for line in lines if (line["row"], line["column"]) == ("Cycle 3", "Observed")] == ["4"]
    assert manager.get("/reports/fraction/now.xlsx").data.startswith(b"PK")
    assert manager.get("/reports/report.xlsx").data.startswith(b"PK")
    assert "fraction" in text(manager, "/reports/report.csv")
    assert json.loads(manager.get("/reports/report.json").data)["report"]["as_of"] == "2026-11-22"


@pytest.mark.usefixtures("shelf")
def test_a_site_that_cannot_print_says_what_is_missing(manager: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra for PDF there is no link that fails, but a word on what would bring it."""
    assert "report.pdf" in text(manager, "/reports/")
    monkeypatch.setattr("reports.pages.files.can_write_pdf", lambda: False)
    page = text(manager, "/reports/")
    assert "report.pdf" not in page
    assert "installed the extra" in page


@pytest.mark.usefixtures("shelf")
def test_a_table_has_a_page_of_its_own(manager: Visitor) -> None:
    """All rows of it, also of a long one."""
    assert "Cycle 3" in text(manager, "/reports/fraction/now")
    assert "row" in text(manager, "/reports/speed/curve-points")


@pytest.mark.usefixtures("shelf")
def test_definitions_stand_on_a_page(manager: Visitor) -> None:
    """Name, numerator, caveat and example of each number."""
    page = text(manager, "/reports/definitions")
    assert 'id="publication_fraction"' in page
    assert "2 of 4 projects published" in page
