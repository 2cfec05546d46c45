"""What the report on paper promises: the numbers of the JSON, where their rows are, the same bytes twice."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from pypdfium2 import PdfDocument

from reports.document import Report, Theme
from reports.files.paper import MOST_ROWS, as_html, as_pdf
from reports.themes.paper_groups import COLOURS
from reports.words import shown
from tests.reports.files.made import curves, nothing, share, shares, small

BASE = "https://biblio.example/reports"


@cache
def _page() -> str:
    return as_html(small(), BASE)


@cache
def _short() -> Report:
    """A report of two chapters: laying out all of them takes long."""
    themes = tuple(replace(t, tables=t.tables[:1]) for t in map(small().theme, ("fraction", "comparison")))
    used = {column.indicator for theme in themes for table in theme.tables for column in table.columns}
    definitions = {key: one for key, one in small().definitions.items() if key in used}
    headline = tuple(at for at in small().headline if at.theme == "fraction")
    return replace(small(), themes=themes, definitions=definitions, headline=headline)


@cache
def _pdf() -> bytes:
    return as_pdf(_short(), BASE)


def _text(data: bytes) -> str:
    file = PdfDocument(data)
    try:
        return "\n".join(file[number].get_textpage().get_text_range() for number in range(len(file)))
    finally:
        file.close()


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_the_pdf_has_the_numbers_of_the_report() -> None:
    """Every number of every printed table stands on paper as it is written everywhere; others' as they printed them."""
    text = _plain(_text(_pdf()))
    for theme in _short().themes:
        for table in theme.tables:
            for row in () if table.is_long else table.rows[:MOST_ROWS]:
                for figure in row.figures:
                    if figure is not None and figure.value is not None:
                        is_theirs = figure.indicator.startswith("published_elsewhere") and "; " in figure.note
                        printed = figure.note.partition("; ")[0] if is_theirs else shown(figure)
                        assert _plain(printed) in text, (theme.key, table.key, row.key)


def test_the_same_report_gives_the_same_pdf() -> None:
    """Its dates are the report's and its identifier is made of what it says."""
    assert _pdf() == as_pdf(_short(), BASE)
    file = PdfDocument(_pdf())
    try:
        said = file.get_metadata_dict()
    finally:
        file.close()
    assert said["CreationDate"].startswith("D:20261122")
    assert said["ModDate"].startswith("D:20261122")


@pytest.mark.parametrize("work", ["done", "died", "alone"])
def test_pictures_drawn_by_another_process_give_the_same_pdf(monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    """To the byte; also where that process dies, and on a machine of one processor."""
    monkeypatch.setattr("reports.files.paper.MANY", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 1 if work == "alone" else 2)
    if work == "died":
        monkeypatch.setattr("biblio.bulk._begin", os.abort)
    assert as_pdf(_short(), BASE) == _pdf()


def test_the_pdf_has_contents_page_numbers_and_bookmarks() -> None:
    """A board can find its way: chapters in the contents, one bookmark each, every page numbered."""
    file = PdfDocument(_pdf())
    try:
        marks = [mark.get_title() for mark in file.get_toc() if mark.level == 0]
        contents = file[1].get_textpage().get_text_range()
        last = file[len(file) - 1].get_textpage().get_text_range()
        assert f"{len(file)} / {len(file)}" in last
    finally:
        file.close()
    names = [theme.name for theme in _short().themes]
    assert [mark for mark in marks if mark in names] == names
    assert all(name in contents for name in ("Summary", "Method", "Caveats", *names))


def test_a_number_leads_to_the_page_of_its_rows() -> None:
    """Where the address of the pages is known each number is a link to its rows; without rows it is none."""
    assert f'<a href="{BASE}/fraction/now/all/fraction">' in _page()
    assert f"{BASE}/comparison/shares/alma-published/theirs" not in _page()


def test_numbers_lead_to_the_same_day_and_filters() -> None:
    """A report of a day and a part leads to pages of that day and part, not to today's."""
    page = as_html(_short(), f"{BASE}?as_of=2026-11-22&partner=EU")
    assert f'<a href="{BASE}/fraction/now/all/fraction?as_of=2026-11-22&amp;partner=EU">' in page
    assert f'<a href="{BASE}/fraction/now?as_of=2026-11-22&amp;partner=EU">' in page


def test_without_an_address_nothing_leads_anywhere() -> None:
    """A link to a machine that nobody reaches is worse than none."""
    assert "http" not in re.sub(r"https://(arxiv|science|www|doi|timetravellerwiki)[^ <]*", "", as_html(small()))


def test_what_can_still_grow_has_a_star_that_is_explained() -> None:
    """Young numbers are marked where they stand."""
    assert "66.7\u202f%*</a>" in _page()
    assert "* can still grow without anything being found late." in _page()


def test_the_cover_says_what_the_numbers_rest_on() -> None:
    """Observatory, day, completeness, version and what is undecided."""
    cover = as_html(replace(small(), undecided={"certain": 1, "likely": 2}))
    assert "2026-11-22 (UTC)" in cover
    assert "2026-11-01" in cover
    assert f"biblio {small().version}" in cover
    assert "3 candidates (1 certain, 2 likely)" in cover


def test_the_summary_shows_the_pictures_there_are() -> None:
    """Two pictures beside the sentences; of a report without those themes, or of nothing, none and no gap."""
    summary = _page().partition('id="summary"')[2].partition("</section>")[0]
    assert summary.count("<img") == 2
    assert 'class="figures' not in as_html(replace(small(), themes=(), headline=()))


def test_long_tables_are_not_printed_and_say_where_they_stand() -> None:
    """The points of a curve stay off paper; of other tables the first rows are printed."""
    many = shares([f"Row {n:03d}" for n in range(MOST_ROWS + 2)], *[share(1, 2)] * (MOST_ROWS + 2))
    report = replace(small(), themes=(Theme("t", "Theme", "?", (many, curves(all=((0, 0.0), (1, 0.5))))),), headline=())
    page = as_html(report)
    assert "2 more rows stand in the workbook." in page
    assert "The 2 points of this table stand in the workbook." in page
    assert "<th>Row 041</th>" not in page


def test_every_used_number_is_defined_once() -> None:
    """What the columns mean stands at the end, and each heading leads there."""
    for key in small().definitions:
        assert _page().count(f'id="d-{key}"') == 1
    for target in set(re.findall(r'href="#([^"]+)"', _page())):
        assert f'id="{target}"' in _page(), target


def test_words_of_strangers_are_text() -> None:
    """A category called like a tag is printed as it is written."""
    table = shares(("<script>x</script>",), share(1, 2))
    page = as_html(replace(small(), themes=(Theme("t", "Theme", "?", (table,)),), headline=()))
    assert "<script>" not in page


def test_a_report_of_nothing_is_printed() -> None:
    """No chapter breaks on emptiness, and no empty picture is printed."""
    page = as_html(nothing())
    assert "no project had been observed" in page
    assert "Nothing yet</text>" not in "".join(
        b64decode(picture).decode() for picture in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    )


def test_the_origins_of_data_differ_in_grey() -> None:
    """On a printer without colours PI data, both, archive data and unknown are four greys, each lighter than the last."""
    greys = [_lightness(colour) for colour in COLOURS.values()]
    assert all(then - now > 8 for now, then in pairwise(greys)), greys


def _lightness(colour: str) -> float:
    """Return the lightness L* of an sRGB colour, 0 to 100 (CIE 1976)."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return float(116 * (0.2126 * red + 0.7152 * green + 0.0722 * blue) ** (1 / 3) - 16)


def test_short_tables_are_not_parted_and_long_ones_keep_company() -> None:
    """A table that a page can take stands on one with its heading; of a longer one no row stands alone at an end of a page."""
    few = shares(("Cycle 0", "Cycle 1"), share(1, 2), share(1, 2))
    many = replace(shares([f"Row {n}" for n in range(30)], *[share(1, 2)] * 30), key="many", notes=("Words. " * 500,))
    page = as_html(replace(small(), themes=(Theme("t", "Theme", "?", (few, many)),), headline=()))
    assert 'class="table whole" id="t-t-shares"' in page
    assert 'class="table" id="t-t-many"' in page
    rows = page.partition('id="t-t-many"')[2]
    assert rows.count('class="keep"') == 2
    assert rows.partition("</tbody>")[0].count('class="held"') == 2


def test_notes_that_differ_in_numbers_only_are_one() -> None:
    """Of cells the note says the least and the most, of rows it tells the numbers of each."""
    young = [
        replace(share(1, 2), note=f"{n} project{'s' * (n > 1)} not that old yet, not counted.") for n in (1, 12, 3)
    ]
    table = shares(("Cycle 0", "Cycle 1", "Cycle 2"), *young)
    waits = "{} more projects wait; if accepted, {} % published so far."
    rows = (
        replace(table.rows[0], backlog=waits.format(5, 50)),
        replace(table.rows[1], backlog=waits.format(7, 60)),
        table.rows[2],
    )
    page = as_html(replace(small(), themes=(Theme("t", "Theme", "?", (replace(table, rows=rows),)),), headline=()))
    assert "1 to 12 projects not that old yet, not counted." in page
    assert "Cycle 0: 5 more projects wait; if accepted, 50 % published so far. Likewise Cycle 1: 7, 60 %." in page
    notes = page.partition('class="notes held">')[2].partition("</p>")[0]
    assert "³" not in notes, "one for the cells, one for the rows"


def test_what_others_published_is_printed_as_they_printed_it() -> None:
    """A range stays a range and "about" stays; the sentence of what differs stands in the picture or below the name."""
    page = as_html(replace(small(), themes=(small().theme("comparison"),), headline=()))
    assert "<td>30 to 50 %</td>" in page
    assert "<td>about 70 %</td>" in page
    numbers = page.partition('id="t-comparison-numbers"')[2]
    assert "<small>Defined alike. " in numbers


def test_what_has_no_rows_and_no_picture_on_paper_is_left_out() -> None:
    """A heading with nothing below it says nothing."""
    table = replace(curves(all=((0, 0.0), (1, 0.5))), charts=())
    assert 'id="t-t-curves"' not in as_html(replace(small(), themes=(Theme("t", "Theme", "?", (table,)),), headline=()))
