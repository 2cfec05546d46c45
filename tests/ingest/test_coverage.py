"""What was asked, what came and what is missing: every line adds up, and no day is in two places."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from biblio.ingest.coverage import (
    CALENDARS,
    AskedPage,
    Span,
    Tally,
    askings,
    gathered,
    holes,
    joined,
    source_calendar,
    source_lines,
    spans_of,
)
from biblio.store import Store
from biblio.store.models import HarvestPage, HarvestRefusal, JobRun, Payload
from biblio.store.words import Outcome, Trigger

FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
days = st.dates(FIRST, LAST)
spans = st.lists(st.tuples(days, days).map(lambda p: (min(p), max(p))), max_size=8)


def fetched(session: Session, calendar: str) -> list[Span]:
    """The spans of days of which everything came, from the first day on."""
    return spans_of(askings(session, CALENDARS[calendar]), FIRST)


def covered(listed: list[Span]) -> set[int]:
    """The days of some spans, as numbers."""
    return {day for first, last in listed for day in range(first.toordinal(), last.toordinal() + 1)}


@given(spans)
def test_spans_and_holes_share_no_day_and_leave_none(listed: list[Span]) -> None:
    """Every day is either fetched or in a hole, never both, whatever was fetched in whatever order."""
    found = joined(listed)
    missing = holes(found, FIRST, LAST)
    assert covered(found) == covered(listed)
    assert covered(missing) | covered(found) == set(range(FIRST.toordinal(), LAST.toordinal() + 1))
    assert not covered(missing) & covered(found)


def test_spans_that_touch_are_one() -> None:
    """Days that follow one another make one span, so that a hole is what it says."""
    assert joined([(date(2024, 2, 1), date(2024, 2, 29)), (FIRST, date(2024, 1, 31))]) == [(FIRST, date(2024, 2, 29))]
    assert holes([], FIRST, LAST) == [(FIRST, LAST)]


NOW = datetime(2024, 12, 1, tzinfo=UTC)


def page(run_id: int | None, place: str, days: Span | None, **facts: object) -> HarvestPage:
    """One stored page of arXiv, unless ``facts`` say otherwise."""
    first, last = days or (None, None)
    values: dict[str, Any] = {"source": "arxiv", "promised": 5, "records": 5} | facts
    return HarvestPage(
        job_run_id=run_id, place=place, payload_sha256="a" * 64, content_type="x", fetched_at=NOW,
        window_from=first, window_to=last, **values,
    )  # fmt: skip


def test_only_days_of_which_everything_came_are_fetched(store: Store) -> None:
    """Missing entries, a page read twice and a search that did not end leave holes; refused entries did come."""
    whole, missing, twice, refused = ((date(2024, m, 1), date(2024, m, 20)) for m in (1, 3, 5, 7))
    with store.writing() as session:
        session.add(Payload(sha256="a" * 64, body=b"", size=0, first_seen_at=NOW))
        run = JobRun(
            job="harvest",
            started_by=Trigger.HAND,
            outcome=Outcome.SUCCEEDED,
            started_at=NOW,
            lease_until=NOW,
            version="0",
        )
        session.add(run)
        session.flush()
        session.add_all(
            [
                page(run.id, "a 0", whole, promised=10),
                page(run.id, "a 5", whole, promised=10),
                page(run.id, "b 0", missing, records=4, refused=1),
                HarvestRefusal(
                    job_run_id=run.id, source="arxiv", place="b 0", reason="1 of 5 promised are missing", refused_at=NOW
                ),
                page(run.id, "c 0", twice, promised=10),
                page(run.id, "c 0", twice, promised=10),
                page(run.id, "d 0", refused, records=4, refused=1),
                HarvestRefusal(
                    job_run_id=run.id, source="arxiv", place="d 0 entry 3", reason="no title", key="x", refused_at=NOW
                ),
                page(run.id, "search 1", None, source="ads", is_last=False),
                page(run.id, "search 1", whole, source="ads", is_last=False),
                page(run.id, "search 2", missing, source="ads", is_last=True),
            ]
        )
    with store.reading() as session:
        assert fetched(session, "arxiv") == [whole, refused]
        assert fetched(session, "ads") == [missing]


# -- lines add up -----------------------------------------------------------------------------------------------------

PAGE = 5


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[Span, list[str]], list[tuple[Span, int, list[str]]]]:
    """A service and what was asked of it: per window its entries ("good" or "bad"), and the pages in order of asking.

    Each asking begins anew or goes on anywhere, may stop anywhere, and any entry may be lost on its way.
    """
    windows = {}
    for n in range(draw(st.integers(1, 3))):
        first = FIRST + timedelta(days=30 * n)
        entries = draw(st.lists(st.sampled_from(["good", "good", "bad"]), max_size=14))
        windows[first, first + timedelta(days=29)] = entries
    fetched = []
    for _ in range(draw(st.integers(1, 6))):
        window = draw(st.sampled_from(sorted(windows)))
        count = max(1, -(-len(windows[window]) // PAGE))
        begin = draw(st.integers(0, count - 1))
        for number in range(begin, draw(st.integers(begin, count - 1)) + 1):
            entries = windows[window][number * PAGE : (number + 1) * PAGE]
            came = [draw(st.sampled_from([entry, entry, "lost"])) for entry in entries]
            fetched.append((window, number, came))
    return windows, fetched


@given(histories())
def test_expected_is_fetched_and_refused_and_missing(
    history: tuple[dict[Span, list[str]], list[tuple[Span, int, list[str]]]],
) -> None:
    """Whatever was asked in whatever order, each window's line says exactly what the service has and what is lost."""
    windows, fetched = history
    pages = [
        AskedPage(
            "arxiv", "harvest", f"arXiv {window[0]} to {window[1]}, entries from {number * PAGE}", NOW, *window,
            len(windows[window]), came.count("good"), came.count("bad"), is_last=False, lacking=came.count("lost"),
        )
        for window, number, came in fetched
    ]  # fmt: skip
    latest = {(window, number): came for window, number, came in fetched}
    found = gathered(pages)
    assert {(a.first, a.last) for a in found} == {window for window, _, _ in fetched}
    for asking in found:
        assert asking.first is not None
        assert asking.last is not None
        window = (asking.first, asking.last)
        came = [entry for (w, _), page in latest.items() if w == window for entry in page]
        tally = asking.tally
        assert (tally.fetched, tally.refused) == (came.count("good"), came.count("bad"))
        assert tally.expected == len(windows[window]) == tally.fetched + tally.refused + tally.missing
        assert asking.is_whole == (tally.missing == 0)
        assert (window in spans_of([asking], FIRST)) == asking.is_whole
    for line in source_lines(found):
        assert line.tally.expected == line.tally.fetched + line.tally.refused + line.tally.missing
        assert line.tally.missing == sum(a.tally.missing for a in found)  # windows of one history do not overlap


counts = st.integers(0, 50)
tallies = st.builds(Tally, st.none() | counts, counts, counts)


@given(st.lists(tallies, max_size=6))
def test_sums_of_lines_add_up_and_hide_no_hole(listed: list[Tally]) -> None:
    """More of one line than was promised never makes up for what another lacks."""
    total = sum(listed, Tally())
    assert total.expected == total.fetched + total.refused + total.missing
    assert total.missing == sum(tally.missing for tally in listed)
    assert all(tally.missing >= 0 for tally in [*listed, total])


@given(
    st.lists(
        st.builds(
            AskedPage,
            st.sampled_from(["arxiv", "arxiv-oai", "ads", "registry", "a list"]),
            st.sampled_from(["harvest", "resweep"]),
            st.sampled_from(["p, entries from 0", "p, entries from 5", "q, records from 1", "r, page 2"]),
            st.just(NOW),
            st.sampled_from([None, FIRST]),
            st.just(LAST),
            st.none() | counts,
            counts,
            counts,
            st.booleans(),
            st.integers(0, 5),
        ),
        max_size=12,
    )
)
def test_lines_add_up_over_pages_of_any_kind(pages: list[AskedPage]) -> None:
    """Totals that change, promises that are not kept, and pages out of order leave no line that does not add up."""
    for asking in gathered(pages):
        tally = asking.tally
        assert tally.expected == tally.fetched + tally.refused + tally.missing
        assert min(tally.fetched, tally.refused, tally.missing) >= 0


def test_entries_that_came_twice_do_not_stand_in_for_those_that_never_did() -> None:
    """A window all of whose pages were full and which still lacks entries is no whole window."""
    day = date(2024, 3, 1)
    place = "arXiv 2024-03-01 to 2024-03-01, entries from"
    asked = gathered(
        [
            AskedPage("arxiv", "harvest", f"{place} 0", NOW, day, day, 10, 5, 0, is_last=False),
            AskedPage("arxiv", "harvest", f"{place} 5", NOW, day, day, 10, 5, 0, is_last=True, lacking=2),
        ]
    )
    assert [(a.tally.fetched, a.tally.missing, a.is_whole) for a in asked] == [(8, 2, False)]


def test_a_window_that_was_mended_by_another_counts_no_more() -> None:
    """Days that lacked entries and came otherwise since leave nothing missing in the source's line."""
    day, end = date(2024, 3, 1), date(2024, 3, 31)
    short = AskedPage("arxiv", "harvest", "a", NOW, day, day, 10, 7, 0, is_last=False)
    whole = AskedPage("arxiv", "harvest", "b", NOW, day, end, 30, 30, 0, is_last=True)
    assert [line.tally.missing for line in source_lines(gathered([short]))] == [3]
    (line,) = source_lines(gathered([short, whole]))
    assert (line.tally.expected, line.tally.fetched, line.tally.missing) == (30, 30, 0)


def test_a_total_that_changes_asks_for_the_window_anew() -> None:
    """Pages of two totals do not make one window; read once more under one total they do."""
    day = date(2024, 3, 1)

    def asked(place: int, promised: int, came: int) -> AskedPage:
        name = f"arXiv {day} to {day}, entries from {place}"
        return AskedPage("arxiv", "harvest", name, NOW, day, day, promised, came, 0, is_last=False)

    changing = [asked(0, 7, 5), asked(5, 8, 3)]
    assert [a.is_whole for a in gathered(changing)] == [False]
    assert [a.is_whole for a in gathered([*changing, asked(0, 8, 5), asked(5, 8, 3)])] == [True]


def test_arxiv_is_one_calendar_over_its_doors() -> None:
    """Windows of the API and the days between answers of OAI-PMH close each other's holes; half a list closes none."""
    today = date(2024, 4, 1)

    def at(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, 5, tzinfo=UTC)

    window = AskedPage(
        "arxiv", "harvest", "arXiv", at(date(2024, 2, 1)), FIRST, date(2024, 2, 1), 3, 3, 0, is_last=True
    )
    daily = AskedPage(
        "arxiv-oai", "harvest", "OAI, page 1", at(date(2024, 3, 30)), date(2024, 2, 1), date(2024, 3, 30), None, 9, 0,
        is_last=True,
    )  # fmt: skip
    half = AskedPage(
        "arxiv-oai", "harvest", "OAI, page 1", at(today), date(2024, 3, 30), today, None, 9, 0, is_last=False
    )
    found = source_calendar(gathered([window, daily, half]), "arxiv", FIRST, today)
    # 1 February was not over when the API was asked and 30 March not when OAI was; OAI covers the one, nothing the other.
    assert found.spans == [(FIRST, date(2024, 3, 29))]
    assert found.holes == [(date(2024, 3, 30), date(2024, 3, 30))]


def listed(part: str, first: date, last: date, run: int, **facts: Any) -> AskedPage:
    """One page of a list of OAI-PMH."""
    number = facts.pop("number", 1)
    values: dict[str, Any] = {"fetched": 5, "is_last": True} | facts
    return AskedPage(
        "arxiv-oai", "harvest", f"arXiv OAI {part} changes since {first}, page {number}", NOW, first, last,
        values.pop("promised", None), refused=0, run=run, **values,
    )  # fmt: skip


def test_days_of_several_sets_count_when_each_set_has_them() -> None:
    """What came of one set of OAI-PMH says nothing of another."""
    one = listed("astro", date(2024, 3, 1), date(2024, 3, 20), 1)
    assert spans_of(gathered([one]), FIRST) == [(date(2024, 3, 1), date(2024, 3, 20))]
    other = listed("physics", date(2024, 3, 10), date(2024, 4, 1), 1)
    assert spans_of(gathered([one, other]), FIRST) == [(date(2024, 3, 10), date(2024, 3, 20))]
    begun = listed("physics", date(2024, 3, 10), date(2024, 4, 1), 1, is_last=False)
    assert spans_of(gathered([one, begun]), FIRST) == []


def test_a_set_that_is_asked_no_more_hides_nothing() -> None:
    """Days of a removed set are of no account, and those of a new one are holes until it is asked."""
    pages = [
        listed("astro", date(2024, 3, 1), date(2024, 3, 20), 1),
        listed("old", date(2024, 3, 5), date(2024, 3, 9), 1),
    ]

    def spans(*sets: str) -> list[tuple[date, date]]:
        return spans_of(gathered(pages, {"arxiv-oai": frozenset(sets)}), FIRST)

    assert spans("astro") == [(date(2024, 3, 1), date(2024, 3, 20))]
    assert spans("astro", "old") == [(date(2024, 3, 5), date(2024, 3, 9))]
    assert spans("astro", "new") == []


def test_pages_of_a_list_are_numbered_anew_in_each_run() -> None:
    """A list that was read over two runs is whole at its end, and its entries are counted once."""
    days = (date(2024, 3, 1), date(2024, 3, 20))
    pages = [
        listed("astro", *days, 1, promised=15, is_last=False),
        listed("astro", *days, 1, promised=15, is_last=False, number=2),
        listed("astro", *days, 2, promised=15, number=2),
    ]
    (asking,) = gathered(pages)
    assert (asking.tally.fetched, asking.tally.missing, asking.is_whole) == (15, 0, True)
    (short,) = gathered([*pages[:2], listed("astro", *days, 2, promised=15, fetched=3, number=2, lacking=2)])
    assert (short.tally.expected, short.tally.missing, short.is_whole) == (15, 2, False)


def test_only_a_whole_search_of_the_daily_harvest_covers_all_days(store: Store) -> None:
    """A re-sweep and a refresh ask ADS for a part, without days: they close no hole of the calendar."""
    with store.writing() as session:
        session.add(Payload(sha256="a" * 64, body=b"", size=0, first_seen_at=NOW))
        runs = []
        for job in ("resweep", "harvest"):
            run = JobRun(
                job=job,
                started_by=Trigger.HAND,
                outcome=Outcome.SUCCEEDED,
                started_at=NOW,
                lease_until=NOW,
                version="0",
            )
            session.add(run)
            session.flush()
            runs.append(run.id)
        session.add(page(runs[0], "ADS search a 2024, records from 1", None, source="ads", is_last=True))
    with store.writing() as session:
        assert fetched(session, "ads") == []
        session.add(page(runs[1], "ADS search a, records from 1", None, source="ads", is_last=True))
    with store.reading() as session:
        assert fetched(session, "ads") == [(FIRST, NOW.date() - timedelta(days=1))]
        assert len(askings(session, ["ads"])) == 2
