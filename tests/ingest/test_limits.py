"""What is not plausible is held back before it is stored, and taken when a person says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.errors import StartRefused
from biblio.ingest import limits
from biblio.ingest.jobs import HARVEST
from biblio.ingest.sources import Planned
from biblio.jobs import run_job
from biblio.observatory.profile import Plausible, available, load
from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Paper, Payload
from biblio.store.words import Outcome
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.ingest.test_harvest import count

BLANK = limits.Sofar(records=0, from_beginning=True)


def records(having: int, lacking: int) -> ParsedPage:
    """A page of records, some with authors and some without."""
    known = (HarvestedAuthor("Ada, Lovely"),)
    return ParsedPage(
        tuple(
            HarvestedRecord("ads", f"2026Test..{n:05d}", title=f"Paper {n}", authors=known if n < having else ())
            for n in range(having + lacking)
        )
    )


def page(promised: int | None = None) -> Page:
    """A page that promises so many records."""
    return Page("ads", "page 1", b"x", "text/x", {"page": 2}, is_last=True, promised=promised)


@given(having=st.integers(0, 120), lacking=st.integers(0, 120), least=st.floats(0, 1))
def test_a_field_that_too_few_records_have_is_named(having: int, lacking: int, least: float) -> None:
    """Shares are taken of pages of fifty records and more, and of nothing else."""
    told = limits.objection(Plausible(fill={"authors": least}), page(), records(having, lacking), BLANK)
    too_thin = having + lacking >= limits.FEWEST_FOR_SHARES and having / (having + lacking) < least
    assert (told is not None) == too_thin
    assert told is None or told.startswith("authors is given for")


@pytest.mark.parametrize(
    ("rule", "promised", "sofar", "words"),
    [
        (Plausible(maximum=9), None, BLANK, "more than the 9 records"),
        (Plausible(maximum=99), 100, BLANK, "100 records are promised"),
        (Plausible(maximum=15), 10, limits.Sofar(10, from_beginning=False), "more than the 15 records"),
        (Plausible(least_share=0.9), 89, limits.Sofar(0, from_beginning=True, known=100), "where 100 were given"),
        (Plausible(least_share=0.9), 90, limits.Sofar(0, from_beginning=True, known=100), None),
        (Plausible(least_share=0.9), 90, limits.Sofar(0, from_beginning=True, known=0), None),
        (Plausible(maximum=10, fill={"authors": 1.0}), 10, BLANK, None),
    ],
)
def test_counts_that_cannot_be_are_named(
    rule: Plausible, promised: int | None, sofar: limits.Sofar, words: str | None
) -> None:
    """Too many in all, too many promised, far fewer than before: each says its figure and the rule."""
    told = limits.objection(rule, page(promised), records(8, 2), sofar)
    assert (told is None) if words is None else (words in str(told))


def test_only_a_first_run_has_a_minimum() -> None:
    """A day on which nothing is new is no fault."""
    rule = Plausible(minimum=10)
    assert limits.too_few(rule, limits.Sofar(9, from_beginning=False)) is None
    assert limits.too_few(rule, limits.Sofar(10, from_beginning=True)) is None
    assert "9 records" in str(limits.too_few(rule, limits.Sofar(9, from_beginning=True)))


@pytest.mark.parametrize("name", sorted(available()))
def test_the_shipped_profiles_name_fields_that_exist(name: str) -> None:
    """A misspelt field would never hold anything back; a profile with one is refused at start."""
    for source, rule in load(name).harvest.plausible.items():
        limits.check_fields(rule, source)
    with pytest.raises(StartRefused, match="colour"):
        limits.check_fields(Plausible(fill={"colour": 0.5}), "ads")


class Thin:
    """A source of two pages of sixty papers, the second of which has lost its authors."""

    name = "thin"

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the pages from the cursor on."""
        for number in range(int(str(cursor.get("page", 1))), 3):
            yield Page("thin", f"page {number}", b"%d" % number, "text/x", {"page": number + 1}, number == 2)

    def parse(self, page: Page) -> ParsedPage:
        """Sixty papers."""
        authors = (HarvestedAuthor("Ada, Lovely"),) if page.body == b"1" else ()
        made = (HarvestedRecord("thin", f"{page.place} {n}", title=f"On {page.place} {n}", authors=authors,
                                published_on=date(2026, 1, 1)) for n in range(60))  # fmt: skip
        return ParsedPage(tuple(made))


def test_a_run_that_is_held_back_goes_on_when_accepted(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before is stored, the odd page is kept as it came and not taken, and a person may take it."""
    planned = Planned(
        "ads", Thin(), PoliteSession("thin", LocalPace({}), contact="nobody@example.org"), cursor="thin",
        plausible=Plausible(fill={"authors": 0.9}),
    )  # fmt: skip
    monkeypatch.setattr("biblio.ingest.harvest.plan", lambda *_: ([planned], []))

    def run(**arguments: str) -> JobRun:
        return run_job(runtime, HARVEST, arguments=arguments)

    held = run()
    assert (held.outcome, held.counts["sources_held_back"], count(runtime, Paper)) == (Outcome.FAILED, 1, 60)
    assert "authors is given for 0% of 60 records" in str(held.error)
    assert "biblio harvest --accept ads" in str(held.error)
    assert (count(runtime, Payload), count(runtime, HarvestPage), count(runtime, HarvestRefusal)) == (2, 2, 1)
    assert run().outcome is Outcome.FAILED
    taken = run(accept="ads")
    assert (taken.outcome, taken.counts["new"], count(runtime, Paper)) == (Outcome.SUCCEEDED, 60, 120)
