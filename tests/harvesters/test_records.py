"""Records refuse numbers, days and titles that no paper has, and keep no sign that is no text."""

from __future__ import annotations

from datetime import date

import pytest

from harvesters.errors import RecordRefused
from harvesters.records import LONGEST, HarvestedAuthor, HarvestedProject, HarvestedRecord, HarvestedUnit


@pytest.mark.parametrize(
    "wrong",
    [
        {"year": 3_000_000_000},
        {"year": 0},
        {"citation_count": -1},
        {"citation_count": 2**31},
        {"arxiv_version": 10**20},
        {"submitted_on": date(9999, 12, 31)},
        {"updated_on": date(9999, 12, 31)},
        {"published_on": date(1, 1, 1)},
    ],
)
def test_an_absurd_number_is_refused(wrong: dict[str, object]) -> None:
    """One row with a number that cannot be is one refusal, and never reaches a table of years."""
    with pytest.raises(RecordRefused):
        HarvestedRecord(source="test", key="x", **wrong)  # type: ignore[arg-type]


def test_ordinary_numbers_are_taken() -> None:
    """A year, a count and a version as papers have them."""
    record = HarvestedRecord(source="test", key="x", year=1998, citation_count=41, arxiv_version=3)
    assert record.year == 1998


@pytest.mark.parametrize("name", ["title", "abstract"])
def test_a_title_of_megabytes_is_refused(name: str) -> None:
    """What is longer than any paper's is an error of the source, and would stand on every page that lists papers."""
    longest = LONGEST[name]
    assert getattr(HarvestedRecord("test", "x", **{name: "é" * longest}), name) == "é" * longest  # type: ignore[arg-type]
    with pytest.raises(RecordRefused, match=rf"its {name} has 5,000,000 characters, more than {longest:,}"):
        HarvestedRecord("test", "x", **{name: "é" * 5_000_000})  # type: ignore[arg-type]


TURNED = "Rings\u202e spag \u2066of\u2069 discs\u202c"


def test_signs_that_turn_words_around_are_left_out() -> None:
    """Overrides and isolates (UAX 9) could show one title and store another; letters of other directions stay."""
    author = HarvestedAuthor("Example\u202e, Aino", "Uni\u2067 X")
    record = HarvestedRecord("test", "x", title=TURNED, abstract="a\u202a b", authors=(author,), comment="\u202d7 p")
    assert (record.title, record.abstract, record.comment) == ("Rings spag of discs", "a b", "7 p")
    assert record.authors == (HarvestedAuthor("Example, Aino", "Uni X"),)
    project = HarvestedProject("test", "X.1", title=TURNED, pi="B\u202eo", co_is=("A\u2068i",))
    assert (project.title, project.pi, project.co_is) == ("Rings spag of discs", "Bo", ("Ai",))
    assert HarvestedRecord("test", "x", title="شمس \u200f").title == "شمس \u200f"


DIRTY, CLEAN = "ap\u202eJ\x01\x9b L", "apJ L"
JOINED = "\u0645\u06cc\u200c\u062e \u0915\u094d\u200d\u0937 \u200e\u200f\u00ad\tA\nB\r\n"
"""Persian and Devanagari with joiners, marks of direction, a soft hyphen, tabs and line breaks: all of it text."""


def _record(text: str) -> HarvestedRecord:
    return HarvestedRecord(
        "test",
        "x",
        title=text,
        abstract=text,
        authors=(HarvestedAuthor(text, text),),
        kind=text,
        journal=text,
        volume=text,
        page=text,
        categories=(text, "b"),
        keywords=(text,),
        comment=text,
        language=text,
        snippets=(("body", text),),
        extra={"grants": text},
    )


def _project(text: str) -> HarvestedProject:
    return HarvestedProject(
        "test",
        "X.1",
        title=text,
        abstract=text,
        pi=text,
        co_is=("A", text),
        category=text,
        keywords=(text,),
        targets=(text,),
        partner=text,
        state=text,
        extra={"grade": text},
    )


def test_no_text_of_a_record_or_project_holds_signs_that_are_none() -> None:
    """Not journals, affiliations, categories, states or facets either: all of them are cleaned in one place."""
    assert _record(DIRTY) == _record(CLEAN)
    assert _project(DIRTY) == _project(CLEAN)


def test_what_scripts_need_stays() -> None:
    """Joiners, marks of direction, tabs and line breaks are text; what is clean is kept as it came."""
    record, project = _record(JOINED), _project(JOINED)
    assert (record.journal, record.authors[0].affiliation, record.extra["grants"]) == (JOINED,) * 3
    assert (project.category, project.extra["grade"]) == (JOINED, JOINED)
    keywords, extra = ("a", "b"), {"grade": "A"}
    kept = HarvestedProject("test", "X.1", keywords=keywords, extra=extra)
    assert kept.keywords is keywords
    assert kept.extra is extra


def test_what_a_record_is_known_by_is_never_changed() -> None:
    """Another key would be another record, another path another file, another unit a second one."""
    record = HarvestedRecord(DIRTY, DIRTY, path=DIRTY, doi=DIRTY)
    assert (record.source, record.key, record.path, record.doi) == (DIRTY,) * 4
    assert HarvestedProject("test", DIRTY, units=(HarvestedUnit(DIRTY),)).units[0].uid == DIRTY


def test_a_title_of_nothing_else_is_refused() -> None:
    """A paper whose title cannot be seen is no paper without a title."""
    with pytest.raises(RecordRefused, match="title"):
        HarvestedRecord("test", "x", title="\u202e \u2066")


def test_a_deletion_says_so() -> None:
    """The record of a paper that its source has deleted, and tells nothing else of, is told from one withdrawn."""
    assert HarvestedRecord("test", "x", is_withdrawn=True, extra={"deleted": "yes"}).is_deletion
    assert not HarvestedRecord("test", "x", title="T", is_withdrawn=True).is_deletion
    assert not HarvestedRecord("test", "x").is_deletion
