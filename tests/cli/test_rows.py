"""Rows of strangers' files: every field read in its usual forms, anything else refused by name."""

from datetime import date
from typing import Any

import pytest

from biblio.cli.rows import BadRow, paper_of, project_of


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


@pytest.mark.parametrize(
    "row", [None, [], 7, {"id": None}, {"id": " "}, {"id": "p", "year": 1e300}, {"id": "p", "targets": {}}]
)
def test_what_cannot_be_used_is_refused(row: Any) -> None:
    """A wrong kind or a missing id raises, with a sentence."""
    with pytest.raises(BadRow, match=r"\w"):
        paper_of(row)
