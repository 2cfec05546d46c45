"""How arXiv names papers, and how papers say that they are withdrawn."""

from __future__ import annotations

from datetime import date

import pytest

from harvesters.arxiv_ids import is_withdrawn, letter_day, split_identifier


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("Fri, 9 Jan 2026 11:17:09 GMT", date(2026, 1, 9)),
        ("Fri, 20 Nov 2026 00:00:00 -0500", date(2026, 11, 20)),
        ("09 Jan 1992 01:02:03 +0000", date(1992, 1, 9)),
    ],
)
def test_days_are_read_as_letters_write_them(written: str, day: date) -> None:
    """The day in the writer's own time zone."""
    assert letter_day(written) == day


@pytest.mark.parametrize(
    "written",
    [
        *("", "soon", "Fri, 9 Jan 0000 11:17:09 GMT", "Fri, 9 Jan 0099 11:17:09 GMT", "Fri, 9 Jan 99 11:17:09 GMT"),
        *("Fri, 31 Dec 9999 23:59:59 -0500", "Fri, 9 Jan 20266 11:17:09 GMT", "Fri, 32 Jan 2026 11:17:09 GMT"),
    ],
)
def test_a_year_that_cannot_be_is_no_day(written: str) -> None:
    """The year 0000 is not 2000, and 99 not 1999: no day is made up."""
    with pytest.raises(ValueError, match="day"):
        letter_day(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2601.00007v2", ("2601.00007", 2)),
        ("0704.0001", ("0704.0001", None)),
        (" arXiv:astro-ph/0601001 ", ("astro-ph/0601001", None)),
        ("ARXIV: 2601.00007", ("2601.00007", None)),
        ("https://arxiv.org/abs/math.AG/0601001v12", ("math.AG/0601001", 12)),
        ("2601.00007.pdf", ("2601.00007", None)),
        ("../../abs/2601.00007", ("2601.00007", None)),
        ("../2601.00007", None),
        ("2601.00007v", None),
        ("2601.00007v" + "1" * 5000, None),
        ("2601.000070", None),
        ("2601.٠٠٠٠٧", None),
        ("astro-ph/601001", None),
        ("", None),
    ],
)
def test_identifiers_are_split_or_none(written: str, read: tuple[str, int | None] | None) -> None:
    """Both kinds, with and without version, prefix and address; anything else is no identifier."""
    assert split_identifier(written) == read


@pytest.mark.parametrize(
    "comment",
    [
        "This paper has been withdrawn by the author",
        "This paper has now been withdrawn",
        "The manuscript was temporarily withdrawn.",
        "Withdrawn due to an error in eq. 3",
        "(Withdrawn)",
        "Paper withdrawn because of a mistake",
        "withdraw paper",
        "12 pages, 3 figures. Withdrawn due to journal policy",
        "12 pages, 3 figures Withdrawn: needs work",
        "8 pages; this version has been withdrawn, see the other",
        "12 pages, LaTeX. Withdrawn",
    ],
)
def test_papers_that_say_so_are_withdrawn(comment: str) -> None:
    """In the words that authors use, at the beginning of a comment or after its pages and figures."""
    assert is_withdrawn(comment, None)
    assert is_withdrawn(None, comment)


@pytest.mark.parametrize(
    "comment",
    [
        "12 pages; replaces an earlier, withdrawn version",
        "Withdrawn from ApJ, 12 pages",
        "This paper was withdrawn from the journal by its authors",
        "The names of two authors have been withdrawn",
        "arXiv admin note: text overlap with arXiv:0910.1355v1 (withdrawn)",
        "5 pages; some results withdrawn",
        "On the withdrawal of data",
        "",
    ],
)
def test_others_are_not(comment: str) -> None:
    """Withdrawn from a journal, or something else withdrawn: the paper is there to be read."""
    assert not is_withdrawn(comment, None)


def test_only_the_beginning_of_an_abstract_counts() -> None:
    """An abstract that speaks of a withdrawn paper far into its text speaks of another."""
    assert not is_withdrawn(None, "We measure rings. " * 20 + "That paper has been withdrawn.")
    assert not is_withdrawn(None, None)
