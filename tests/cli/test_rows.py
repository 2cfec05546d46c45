"""Rows of strangers' files: every field read in its usual forms, anything else refused by name."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from biblio.cli.rows import BadRow, paper_of, project_of, rows_of


def test_a_project_in_full() -> None:
    """Every documented field arrives."""
    facts = project_of(
        {
            "code": " 2015.1.00101.S ",
            "title": "T",
            "abstract": "A",
            "pi": "Vermeer, Anneke",
            "co_is": ["Tan, Richard"],
            "targets": ["XY Tau"],
            "year": "2015.0",
            "release_date": "2017-03-01T00:00:00",
            "category": ["Disks"],
            "keywords": "dust; rings",
            "unknown": {"left": "aside"},
        }
    )
    assert (facts.code, facts.title, facts.abstract) == ("2015.1.00101.S", "T", "A")
    assert (facts.pi, facts.co_is, facts.targets) == ("Vermeer, Anneke", ("Tan, Richard",), ("XY Tau",))
    assert (facts.year, facts.release_date) == (2015, date(2017, 3, 1))
    assert (facts.category, facts.keywords) == ("Disks", ("dust", "rings"))


@pytest.mark.parametrize(
    ("row", "pi", "co_is"),
    [
        ({"proposal_authors": "Vermeer, A.; Tan, R.; Quill, M.;"}, "Vermeer, A.", ("Tan, R.", "Quill, M.")),
        ({"pi": "Vermeer, Anneke", "proposal_authors": "Vermeer, A.; Tan, R."}, "Vermeer, Anneke", ("Tan, R.",)),
        ({"pi": "Vermeer, Anneke", "proposal_authors": "Tan, R.; Cut o..."}, "Vermeer, Anneke", ("Tan, R.",)),
        ({"pi": "The Observatory", "proposal_authors": "Tan, R."}, "Tan, R.", ()),
        ({"pi": None, "co_is": "Tan, R.; Quill, M."}, None, ("Tan, R.", "Quill, M.")),
        ({}, None, ()),
    ],
)
def test_the_team_comes_from_either_field(row: dict[str, Any], pi: str | None, co_is: tuple[str, ...]) -> None:
    """PI first in ``proposal_authors``; the PI is no co-I of their own project; a constant is no person."""
    facts = project_of({"code": "c", **row}, nobody={"The Observatory"})
    assert (facts.pi, facts.co_is) == (pi, co_is)


def test_sentinel_dates_mean_none() -> None:
    """A date that stands for "undated" is no date."""
    far = {"code": "c", "release_date": "3000-01-01"}
    assert project_of(far, no_date={date(3000, 1, 1)}).release_date is None


@pytest.mark.parametrize(
    ("row", "year"),
    [
        ({"year": 2018}, 2018),
        ({"year": 2018.0}, 2018),
        ({"year": None, "bibcode": "2016ApJ...822...36O"}, 2016),
        ({"arxiv": "1502.01234v2"}, 2015),
        ({"arxiv": "astro-ph/9901001"}, 1999),
        ({"arxiv": "arXiv:2301.00001"}, 2023),
        ({"year": 2018, "bibcode": "2016ApJ...822...36O"}, 2018),
        ({}, None),
    ],
)
def test_the_year_comes_from_the_row_or_an_identifier(row: dict[str, Any], year: int | None) -> None:
    """The year as given, else as the bibcode or the arXiv number tells."""
    assert paper_of({"id": "p", **row})[0].year == year


def test_authors_in_one_text_are_divided() -> None:
    """A string of authors is as good as a list."""
    facts, path = paper_of({"id": 12, "authors": "Vermeer, A.; Tan, R. and Quill, M.", "path": "x.tex"})
    assert (facts.id, facts.authors, path) == ("12", ("Vermeer, A.", "Tan, R.", "Quill, M."), "x.tex")


@pytest.mark.parametrize("row", [None, [], 7, {}, {"id": None}, {"id": " "}, {"id": True}, {"id": ["p"]}])
def test_a_row_without_an_id_is_refused(row: Any) -> None:
    """What is no object, or has no usable id, raises with a sentence."""
    with pytest.raises(BadRow, match=r"\w"):
        paper_of(row)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("year", 1e300, "between 1000 and 3000"),
        ("year", math.nan, "between 1000 and 3000"),
        ("year", True, "between 1000 and 3000"),
        ("year", "soon", "must be a number"),
        ("title", 5, "must be a text"),
        ("abstract", ["a", "b"], "must be a text"),
        ("targets", {}, "must be a list"),
        ("published_on", "garbage", "must be a date"),
        ("bibcode", 7, "must be a text"),
        ("path", {}, "must be a text"),
    ],
)
def test_one_bad_field_leaves_the_rest_of_the_row(field: str, value: object, why: str) -> None:
    """The field counts as missing and is told by name; everything else arrives."""
    told: list[str] = []
    facts, path = paper_of({"id": "p", "authors": ["Vermeer, A."], field: value}, told.append)
    assert (facts.id, facts.authors, path) == ("p", ("Vermeer, A.",), None)
    assert facts == paper_of({"id": "p", "authors": ["Vermeer, A."]})[0]
    assert len(told) == 1
    assert told[0].startswith(field)
    assert why in told[0]


def test_lists_lose_only_what_is_no_text() -> None:
    """A null among the authors or co-Is costs that entry alone, and is told with the count."""
    told: list[str] = []
    facts, _ = paper_of({"id": "p", "authors": [None, "Vermeer, A.", 5]}, told.append)
    project = project_of({"code": "c", "co_is": ["Tan, R.", None]}, tell=told.append)
    assert (facts.authors, project.co_is) == (("Vermeer, A.",), ("Tan, R.",))
    assert ["2 of 3" in told[0], "1 of 2" in told[1]] == [True, True]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2018", date(2018, 7, 1)),
        ("2018-03", date(2018, 3, 15)),
        ("2018-03-02 00:00:00", date(2018, 3, 2)),
        ("2018-03-02T12:00:00.000Z", date(2018, 3, 2)),
        ("2018-13", None),
        ("0000", None),
    ],
)
def test_dates_in_their_usual_forms(written: str, day: date | None) -> None:
    """A year or a month alone is known as such; what is no date costs the field only."""
    facts = project_of({"code": "c", "pi": ["Vermeer, Anneke"], "release_date": written})
    assert (facts.code, facts.pi, facts.release_date) == ("c", "Vermeer, Anneke", day)


def test_an_endless_number_costs_its_field_only(tmp_path: Path) -> None:
    """Five thousand digits are no year, and no reason to lose the row."""
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id": "p", "title": "T", "year": ' + "9" * 5000 + "}\n", encoding="utf-8")
    told: list[str] = []
    facts, _ = paper_of(next(rows_of(file))[1], told.append)
    assert (facts.id, facts.title, facts.year) == ("p", "T", None)
    assert len(told) == 1
