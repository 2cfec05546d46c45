"""Renderers: every figure in every file, definitions beside, formulas never run, pictures drawn."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date

import pytest

from biblio.observatory import load
from biblio.store.answers import CampaignAnswers
from reports import render
from reports.build import Report, build
from reports.charts import CHARTS, THEMES, svg
from reports.queries import UnitFacts
from tests.reports.test_build import facts, paper, project


@pytest.fixture(scope="module")
def report() -> Report:
    """A report of three projects and two papers."""
    return build(facts([project(n) for n in (1, 2, 3)], [paper(1), paper(2, year=2020)], [(1, 1), (2, 2)]), load())


@pytest.fixture(scope="module")
def answers() -> list[CampaignAnswers]:
    """One closed campaign whose name looks like a formula."""
    return [CampaignAnswers(1, "=1+1", date(2026, 5, 1), 9, 7, ((1, "There is a publication", 3), (2, "In press", 4)))]


def test_json_holds_every_figure_with_its_rows(report: Report, answers: list[CampaignAnswers]) -> None:
    """Counts in JSON equal the length of the rows they name; answers have none."""
    plain = json.loads(render.as_json(report, answers))
    assert len(plain["figures"]) == len(list(render.figures(report)))
    for figure in plain["figures"]:
        if figure["numerator"] is None:
            assert figure["value"] == len(figure.get("projects", figure.get("papers")))
    assert plain["answers"][0]["by_reason"][1] == {"reason": 2, "short": "In press", "answers": 4}


def test_csv_has_one_line_per_figure(report: Report, answers: list[CampaignAnswers]) -> None:
    """Header, figures, answers; the day stands in the header."""
    rows = list(csv.reader(io.StringIO(render.as_csv(report, answers))))
    assert rows[0][-1] == "as of 2026-11-22"
    assert len(rows) == 1 + len(list(render.figures(report))) + 2


def test_a_csv_file_holds_no_formula(report: Report, answers: list[CampaignAnswers]) -> None:
    """A campaign called =1+1 is shown, not reckoned."""
    cells = [cell for row in csv.reader(io.StringIO(render.as_csv(report, answers))) for cell in row]
    assert any("'=1+1" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith("=")]


def test_a_workbook_holds_no_formula(report: Report, answers: list[CampaignAnswers]) -> None:
    """A campaign called =1+1 stays text."""
    with zipfile.ZipFile(io.BytesIO(render.as_xlsx(report, answers))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet


def test_the_table_names_what_is_still_growing(report: Report, answers: list[CampaignAnswers]) -> None:
    """The terminal's table shows each cycle, year and reason."""
    text = render.as_table(report, answers)
    for words in ("Cycle 4", "2020", "In press", "as of 2026-11-22", "7 answers, 9 persons asked"):
        assert words in text


@pytest.mark.parametrize("name", sorted(CHARTS))
@pytest.mark.parametrize("theme", sorted(THEMES))
def test_pictures_are_drawn_for_light_and_dark_pages(report: Report, name: str, theme: str) -> None:
    """Each picture is an SVG with the theme's ink and without scripts or outside addresses."""
    drawn = svg(report, name, theme)
    assert drawn.startswith("<svg")
    assert THEMES[theme].ink in drawn
    assert "<script" not in drawn
    assert "href" not in drawn


def test_what_is_unfinished_is_hatched() -> None:
    """A running year and a growing cycle are hatched; finished ones are not."""
    young = project(2, cycle="2021.1", units=(UnitFacts(date(2025, 1, 1), date(2026, 5, 1)),))
    growing = build(facts([project(1), young], [paper(1, year=2026), paper(2)], [(1, 1), (2, 1)]), load())
    assert svg(growing, "cycles").count('fill="url(#hatch-') == 1
    assert svg(growing, "years").count('fill="url(#hatch-') == 1


def test_a_pdf_is_written(report: Report, answers: list[CampaignAnswers]) -> None:
    """The report on paper: a PDF of at least one page, from the same numbers."""
    import pypdfium2

    document = pypdfium2.PdfDocument(render.as_pdf(report, answers))
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert "What became of the telescope time" in text
    assert "Cycle 4" in text
    document.close()
