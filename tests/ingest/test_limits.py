"""What is not plausible is held back before it is stored, and taken when a person says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.errors import StartRefused
from biblio.ingest import limits
from biblio.ingest.jobs import HARVEST
from biblio.ingest.places import Tally
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

BLANK = Tally(from_beginning=True)


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
    ("rule", "promised", "sofar", "known", "words"),
    [
        (Plausible(maximum=9), None, BLANK, None, "more than the 9 records"),
        (Plausible(maximum=99), 100, BLANK, None, "100 records are promised"),
        (Plausible(maximum=15), 10, Tally(10), None, "more than the 15 records"),
        (Plausible(least_share=0.9), 89, BLANK, 100, "where 100 were given"),
        (Plausible(least_share=0.9), 90, BLANK, 100, None),
        (Plausible(least_share=0.9), 90, BLANK, 0, None),
        (Plausible(maximum=10, fill={"authors": 1.0}), 10, BLANK, None, None),
        (Plausible(fill={"authors": 0.9}), 10, Tally(39, given={"authors": (39, 39)}), None, None),
        (Plausible(fill={"authors": 0.9}), 10, Tally(40, given={"authors": (36, 40)}), None, "88% of 50 records"),
    ],
)
def test_counts_that_cannot_be_are_named(
    rule: Plausible, promised: int | None, sofar: Tally, known: int | None, words: str | None
) -> None:
    """Too many in all, too many promised, far fewer than before, too thin over pages: each says its figure and the rule."""
    told = limits.objection(rule, page(promised), records(8, 2), sofar, known)
    assert (told is None) if words is None else (words in str(told))


def test_only_a_first_run_has_a_minimum() -> None:
    """A day on which nothing is new is no fault."""
    rule = Plausible(minimum=10)
    assert limits.too_few(rule, Tally(9)) is None
    assert limits.too_few(rule, Tally(10, from_beginning=True)) is None
    assert "9 records" in str(limits.too_few(rule, Tally(9, from_beginning=True)))


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
        plausible=Plausible(fill={"authors": 0.9}), accepting="biblio harvest --accept ads",
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


class Growing:
    """A source of pages of twenty papers; ``last`` is the number of its last page now, ``authors`` whether it knows them."""

    name = "growing"

    def __init__(self, last: int = 1, *, gives_all: bool = False) -> None:
        self.last, self.has_authors, self.gives_all = last, True, gives_all
        self.promised = 20 * last if gives_all else None

    def pages(self, cursor: Mapping[str, object]) -> Iterator[Page]:
        """Yield the pages from the cursor on."""
        for number in range(int(str(cursor.get("page", 1))), self.last + 1):
            is_last = number == self.last
            at = {} if is_last and self.gives_all else {"page": number + 1}
            yield Page("growing", f"page {number}", b"%d" % number, "text/x", at, is_last, promised=self.promised)

    def parse(self, page: Page) -> ParsedPage:
        """Twenty papers."""
        authors = (HarvestedAuthor("Ada, Lovely"),) if self.has_authors else ()
        made = (HarvestedRecord("growing", f"{page.place} {n}", title=f"On {page.place} {n}", authors=authors,
                                published_on=date(2026, 1, 1)) for n in range(20))  # fmt: skip
        return ParsedPage(tuple(made))


def ask_growing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, source: Growing, rule: Plausible, **facts: Any
) -> Callable[..., JobRun]:
    """Return what runs the harvest with that source alone."""
    session = PoliteSession("growing", LocalPace({}), contact="nobody@example.org")
    planned = Planned("ads", source, session, cursor="growing", plausible=rule, **facts)
    monkeypatch.setattr("biblio.ingest.harvest.plan", lambda *_: ([planned], []))
    return lambda **arguments: run_job(runtime, HARVEST, arguments=arguments)


def test_too_many_stay_too_many_in_the_next_run(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that was held back for its size does not begin to count anew when it goes on."""
    run = ask_growing(runtime, monkeypatch, Growing(last=3), Plausible(maximum=45))
    assert (run().outcome, count(runtime, Paper)) == (Outcome.FAILED, 40)
    assert (run().outcome, count(runtime, Paper)) == (Outcome.FAILED, 40)
    assert (run(accept="ads").outcome, count(runtime, Paper)) == (Outcome.SUCCEEDED, 60)


def test_small_thin_pages_add_up(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages too small to judge alone are judged together; what was taken on a person's word weighs no more."""
    source = Growing(last=4)
    source.has_authors = False
    run = ask_growing(runtime, monkeypatch, source, Plausible(fill={"authors": 0.9}))
    held = run()
    assert (held.outcome, count(runtime, Paper)) == (Outcome.FAILED, 40)
    assert "authors is given for 0% of 60 records" in str(held.error)
    assert (run(accept="ads").outcome, count(runtime, Paper)) == (Outcome.SUCCEEDED, 80)


def test_a_shrunken_source_is_accepted_once_and_for_all(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than before is held back until a person takes it; from then on that is what "before" means."""
    source = Growing(last=2, gives_all=True)
    run = ask_growing(runtime, monkeypatch, source, Plausible(least_share=0.9), known=40)
    assert run().outcome is Outcome.SUCCEEDED
    source.last, source.promised = 1, 20
    assert run().outcome is Outcome.FAILED
    assert run(accept="ads").outcome is Outcome.SUCCEEDED
    assert run().outcome is Outcome.SUCCEEDED
    source.promised = 10
    assert "only 10 records are promised where 20 were given before" in str(run().error)
