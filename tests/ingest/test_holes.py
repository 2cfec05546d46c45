"""What was never harvested, what fills it, and since when it is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from biblio.ingest.holes import Hole, Kind, Scope, fillings, find_holes, shortened
from biblio.ingest.journals import journal_lines, journal_of, missing_since
from biblio.store import Store
from biblio.store.models import (
    ArchiveReference,
    ExpectedCount,
    HarvestPage,
    HarvestRefusal,
    JobRun,
    Paper,
    PaperIdentifier,
    Payload,
    SourceRecord,
    TextReading,
)
from biblio.store.words import Outcome, Scheme, Trigger
from harvesters.http import GO_ON
from tests.factories import add_project

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOW.date()
SINCE = date(2025, 1, 1)
SCOPE = Scope(SINCE, TODAY, has_registry=False)
EARLIER = NOW - timedelta(days=30)

AddPage = Callable[..., HarvestPage]


def a_run(session: Session, job: str = "harvest") -> int:
    """One ended run of a job; return its id."""
    row = JobRun(
        job=job, started_by=Trigger.HAND, outcome=Outcome.SUCCEEDED, started_at=NOW, lease_until=NOW, version="0"
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def a_page(session: Session, run: int, source: str, place: str, **facts: Any) -> None:
    """One stored page, fetched now unless ``facts`` say otherwise."""
    if session.get(Payload, "a" * 64) is None:
        session.add(Payload(sha256="a" * 64, body=b"", size=0, first_seen_at=NOW))
        session.flush()
    values: dict[str, Any] = {"fetched_at": NOW, "promised": 5, "records": 5} | facts
    session.add(
        HarvestPage(job_run_id=run, source=source, place=place, payload_sha256="a" * 64, content_type="x", **values)
    )
    session.flush()


def a_window(session: Session, first: date, last: date, **facts: Any) -> None:
    """One window of arXiv's API in a run of its own."""
    place = f"arXiv {first} to {last}, entries from 0"
    a_page(session, a_run(session), "arxiv", place, window_from=first, window_to=last, **facts)


def whole_ads(session: Session) -> None:
    """A first search of ADS, read to its end."""
    a_page(session, a_run(session), "ads", "ADS search name, records from 1", is_last=True)


def refused(session: Session, source: str, place: str, **facts: Any) -> None:
    """A refusal of a month ago, in a run of its own."""
    values: dict[str, Any] = {"reason": "has no title", "refused_at": EARLIER} | facts
    session.add(HarvestRefusal(job_run_id=a_run(session), source=source, place=place, **values))
    session.flush()


def a_record(session: Session, key: str, at: datetime = NOW, source: str = "ads", paper: Paper | None = None) -> Paper:
    """One record of a paper of its own, or of ``paper``."""
    if paper is None:
        paper = Paper(first_seen_at=at)
        session.add(paper)
        session.flush()
    assert paper.id is not None
    session.add(SourceRecord(paper_id=paper.id, source=source, key=key, record={}, digest="d", learned_at=at))
    session.flush()
    return paper


def found(session: Session, scope: Scope = SCOPE) -> dict[Kind, list[Hole]]:
    """The holes by kind."""
    by_kind: dict[Kind, list[Hole]] = {}
    for hole in find_holes(session, scope):
        by_kind.setdefault(hole.kind, []).append(hole)
    return by_kind


def test_before_the_first_harvest_each_source_is_one_hole(store: Store) -> None:
    """Nothing was asked: the harvest itself fills it, and goes on from its own place."""
    with store.reading() as session:
        holes = find_holes(session, Scope(SINCE, TODAY))
    assert [(h.kind, h.source) for h in holes] == [
        (Kind.NEVER, "registry"),
        (Kind.DAYS, "arxiv"),
        (Kind.DAYS, "ads"),
    ]
    assert fillings(holes) == [("harvest", {"sources": name}) for name in ("projects", "arxiv", "ads")]
    assert all(hole.is_old(TODAY) for hole in holes)


def test_days_never_asked_and_windows_that_lack_entries_are_told_apart(store: Store) -> None:
    """A gap in the middle is fetched by its days, the end by going on; a window that was begun says what it lacks."""
    with store.writing() as session:
        whole_ads(session)
        a_window(session, SINCE, date(2025, 3, 31))
        a_window(session, date(2025, 5, 1), date(2025, 5, 31), promised=9, records=7)
        a_window(session, date(2025, 6, 1), date(2026, 11, 19))
    with store.reading() as session:
        holes = found(session)
    assert set(holes) == {Kind.DAYS, Kind.WINDOW}
    middle, end = holes[Kind.DAYS]
    assert (middle.words, middle.count) == ("2025-04-01 to 2025-04-30", 30)
    assert middle.arguments == {"sources": "arxiv", "since": "2025-04-01", "until": "2025-04-30"}
    assert end.arguments == {"sources": "arxiv"}
    assert (end.open_since, end.is_old(TODAY)) == (date(2026, 11, 20), False)
    (window,) = holes[Kind.WINDOW]
    assert "2 of 9 did not come" in window.words
    assert window.arguments == {"sources": "arxiv", "since": "2025-05-01", "until": "2025-05-31"}


def test_a_window_whose_days_came_otherwise_is_no_hole(store: Store) -> None:
    """What one window lacks and another one holds is there."""
    with store.writing() as session:
        whole_ads(session)
        a_window(session, date(2025, 5, 1), date(2025, 5, 31), promised=9, records=7)
        a_window(session, SINCE, TODAY)
    with store.reading() as session:
        assert found(session) == {}


def test_without_a_token_no_hole_of_ads_has_a_button(store: Store) -> None:
    """ADS that was never asked is left out on purpose; one that was asked and cannot be any more says what to do."""
    scope = Scope(SINCE, TODAY, has_token=False, has_registry=False)
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        assert found(session, scope) == {}
        a_page(session, a_run(session), "ads", "ADS search name, records from 1", is_last=False)
    with store.reading() as session:
        (hole,) = found(session, scope)[Kind.DAYS]
    assert hole.job is None
    assert "BIBLIO_ADS_TOKEN" in hole.remedy
    assert fillings([hole]) == []


def test_journals_that_lack_papers_are_one_hole_a_year(store: Store) -> None:
    """A re-sweep of the year fills it; a year that is over has been open since its end."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        for part, year, expected in (("ApJ", 2025, 3), ("A&A", 2025, 1), ("ApJ", 2026, 2)):
            session.add(ExpectedCount(source="ads", part=part, year=year, expected=expected, counted_at=NOW))
        a_record(session, "2025ApJ...900....1D")
        a_record(session, "2025A&A...700A...1E")
    with store.reading() as session:
        this, last = found(session)[Kind.JOURNAL]
    assert (this.count, this.arguments, this.is_old(TODAY)) == (2, {"year": "2026"}, False)
    assert (last.count, last.words, last.is_old(TODAY)) == (2, "2025: ApJ 2", True)
    assert last.job == "resweep"


def test_a_year_is_short_since_the_first_count_that_found_it_so(store: Store) -> None:
    """The counts are replaced each week; a year that was whole in between is short only since then."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        session.add(ExpectedCount(source="ads", part="ApJ", year=2026, expected=2, counted_at=NOW))
        for weeks, missing in ((5, {"missing_2026": 3}), (4, {"missing_2025": 1}), (3, {}), (2, {}), (0, {})):
            counts = missing or {"missing_2026": weeks + 1, "papers_expected": 9}
            run = session.get_one(JobRun, a_run(session, "count"))
            run.started_at, run.counts = NOW - timedelta(weeks=weeks), counts
    with store.reading() as session:
        (hole,) = found(session)[Kind.JOURNAL]
        assert missing_since(session) == {2026: NOW - timedelta(weeks=3)}
    assert (hole.open_since, hole.is_old(TODAY)) == ((NOW - timedelta(weeks=3)).date(), True)


def test_known_links_whose_paper_we_do_not_hold(store: Store) -> None:
    """Bibcodes that the archive lists are missing until one of our papers has them; the refresh asks for them."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        project = add_project(session, "2019.1.00100.S")
        for bibcode in ("2021ApJ...900....1D", "2021ApJ...900....2D"):
            session.add(ArchiveReference(project_id=project, bibcode=bibcode, source="registry", learned_at=EARLIER))
        paper = a_record(session, "other")
        session.add(
            PaperIdentifier(
                paper_id=paper.id or 0, scheme=Scheme.BIBCODE, value="2021ApJ...900....1D", source="ads", learned_at=NOW
            )
        )
    with store.reading() as session:
        (hole,) = found(session)[Kind.LINKS]
    assert (hole.count, hole.job, dict(hole.arguments), hole.is_old(TODAY)) == (1, "refresh", {}, True)
    assert "2021ApJ...900....2D" in hole.words


def test_a_known_link_that_the_service_does_not_know_was_tried(store: Store) -> None:
    """It stays a hole and says why, but is as young as the last try, and no journal takes it for a refused paper."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        project = add_project(session, "2019.1.00100.S")
        session.add(
            ArchiveReference(project_id=project, bibcode="2025ApJ...900....1D", source="registry", learned_at=EARLIER)
        )
        session.add(ExpectedCount(source="ads", part="ApJ", year=2025, expected=1, counted_at=NOW))
        refused(session, "ads", "ADS bibcodes 1 to 1 of 1", key="2025ApJ...900....1D", refused_at=NOW)
    with store.reading() as session:
        holes = found(session)
    assert set(holes) == {Kind.JOURNAL, Kind.LINKS}
    assert holes[Kind.JOURNAL][0].count == 1
    assert "1 of them ADS does not know" in holes[Kind.LINKS][0].words
    assert not holes[Kind.LINKS][0].is_old(TODAY)


def test_a_list_that_lacks_records_is_asked_for_anew(store: Store) -> None:
    """One that was broken off goes on from its token; one that ended short is begun again from its first day."""
    first, last = date(2026, 10, 1), date(2026, 10, 20)
    place = f"arXiv OAI physics:astro-ph changes since {first}, page"
    with store.writing() as session:
        whole_ads(session)
        a_window(session, SINCE, date(2026, 9, 30))
        a_window(session, date(2026, 10, 20), TODAY)
        run = a_run(session)
        a_page(session, run, "arxiv-oai", f"{place} 1", window_from=first, window_to=last, promised=10)
        (begun,) = found(session)[Kind.WINDOW]
        assert dict(begun.arguments) == {"sources": "arxiv-oai"}
        a_page(
            session,
            run,
            "arxiv-oai",
            f"{place} 2",
            window_from=first,
            window_to=last,
            records=3,
            refused=1,
            is_last=True,
        )
        session.add(
            HarvestRefusal(
                job_run_id=run, source="arxiv-oai", place=f"{place} 2", refused_at=NOW,
                reason="2 of 5 promised records are missing",
            )
        )  # fmt: skip
    with store.reading() as session:
        (short,) = found(session)[Kind.WINDOW]
    assert "2 of 10 did not come" in short.words
    assert dict(short.arguments) == {"sources": "arxiv-oai", "since": "2026-10-01"}


@pytest.mark.parametrize(
    ("source", "place", "key", "job", "arguments"),
    [
        (
            "arxiv",
            "arXiv 2025-02-01 to 2025-02-28, entries from 0 entry 3",
            "http://arxiv.org/abs/2502.00001v1",
            "harvest",
            {"sources": "arxiv", "since": "2025-02-01", "until": "2025-02-28"},
        ),
        ("ads", "ADS search name, records from 1 record 4", "2025ApJ...900....9D", "resweep", {"year": "2025"}),
        ("arxiv-oai", "page 1 record 2", "oai:arXiv.org:2502.00002", "reparse", {"source": "arxiv-oai"}),
        ("kpub", "file row 3", "x", None, {}),
    ],
)
def test_a_refused_record_is_open_until_it_comes(
    store: Store, source: str, place: str, key: str, job: str | None, arguments: dict[str, str]
) -> None:
    """Each kind of source has its own way to fetch a record again; once it has come, nothing is open."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        refused(session, source, place, key=key)
    with store.writing() as session:
        (hole,) = found(session)[Kind.REFUSED]
        assert (hole.job, dict(hole.arguments)) == (job, arguments)
        assert "has no title" in hole.words
        assert hole.is_old(TODAY)
        a_record(session, {"arxiv": "2502.00001", "arxiv-oai": "2502.00002"}.get(source, key), source=source)
    with store.reading() as session:
        assert Kind.REFUSED not in found(session)


@pytest.mark.parametrize(
    ("source", "place", "key", "again"),
    [
        (
            "arxiv",
            "arXiv 2025-02-01 to 2025-02-28, entries from 0",
            "http://arxiv.org/abs/2502.00001v1",
            "arXiv 2025-02-01 to 2025-02-28, entries from 0",
        ),
        ("ads", "ADS search name, records from 1", "2025ApJ...900....9D", "ADS search name 2025, records from 1"),
    ],
)
def test_a_refused_record_that_is_gone_is_no_hole(store: Store, source: str, place: str, key: str, again: str) -> None:
    """What held it was asked for once more and neither gave nor refused it: nothing can be fetched any more."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        refused(session, source, f"{place} record 3", key=key)
        a_page(session, a_run(session), source, "some other page")
    with store.writing() as session:
        assert Kind.REFUSED in found(session)
        a_page(session, a_run(session), source, again)
    with store.reading() as session:
        assert Kind.REFUSED not in found(session)


def test_a_refused_page_is_open_until_its_place_is_read(store: Store) -> None:
    """A list that was read to its end in a later run has passed the page that could not be read."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        refused(session, "arxiv-oai", "arXiv OAI changes since 2026-10-20, page 2", reason="the XML is cut off")
    with store.writing() as session:
        (hole,) = found(session)[Kind.REFUSED]
        assert dict(hole.arguments) == {"sources": "arxiv-oai"}
        a_page(session, a_run(session), "arxiv-oai", "arXiv OAI changes since 2026-10-20, page 1", is_last=True)
    with store.reading() as session:
        assert Kind.REFUSED not in found(session)


def test_what_is_held_back_waits_for_a_person(store: Store) -> None:
    """No button fetches it in passing: it would be held back again."""
    with store.writing() as session:
        a_window(session, SINCE, TODAY)
        whole_ads(session)
        refused(session, "ads", "ADS page", reason="ADS page: held back, because 9 is odd. Nothing of this page …")
    with store.reading() as session:
        (hole,) = found(session)[Kind.HELD]
    assert hole.job is None
    assert "biblio harvest --source ads --accept ads" in hole.remedy
    assert fillings([hole]) == []


# -- journals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bibcode", "stem"),
    [
        ("2021ApJ...900....1D", "ApJ"),
        ("2021ApJ...900L...1D", "ApJL"),
        ("2021ApJ...900.1234L", "ApJ"),
        ("2021ApJS..900....1D", "ApJS"),
        ("2021A&A...650L...1D", "A&A"),
        ("2024arXiv240112345F", "arXiv"),
        ("2003astro.ph..1234H", "arXiv"),
        ("2018SPIE10974E..13W", "SPIE"),
        ("2013MPEC....X...07.", "MPEC"),
        ("2021PhDT........14C", "PhDT"),
        ("2015rmtm.book...81D", "rmtm.book"),
        ("2017hst..prop15123D", "hst..prop"),
        ("10.1000/x", None),
    ],
)
def test_journal_and_year_stand_in_the_bibcode(bibcode: str, stem: str | None) -> None:
    """The name is the one under which ADS counts: serials by their journal, books and conferences with their kind."""
    assert journal_of(bibcode) == ((stem, int(bibcode[:4])) if stem else None)


def test_a_journal_line_counts_each_paper_once(store: Store) -> None:
    """A preprint that became an article is one paper of the journal; a refused one is not missing; texts are counted."""
    with store.writing() as session:
        paper = a_record(session, "2025arXiv250112345D", EARLIER)
        a_record(session, "2025ApJ...900....1D", NOW, paper=paper)
        session.add(TextReading(paper_id=paper.id or 0, origin="eprint", place="p", read_at=NOW))
        a_record(session, "2025ApJ...900....2D")
        a_record(session, "2025PASP..900....2D")
        refused(session, "ads", "page record 3", key="2025ApJ...900....3D")
        refused(session, "ads", "page record 4", key="2025ApJ...900....2D")
        session.add(ExpectedCount(source="ads", part="ApJ", year=2025, expected=5, counted_at=NOW))
    with store.reading() as session:
        lines = {line.bibstem: line for line in journal_lines(session, [2025])}
        assert journal_lines(session, [2024]) == []
    assert set(lines) == {"ApJ", "PASP"}
    apj = lines["ApJ"]
    assert (apj.tally.expected, apj.tally.fetched, apj.tally.refused, apj.missing, apj.read) == (5, 2, 1, 2, 1)
    # The year was counted and this journal has none, but we hold one: nothing is missing, and the line adds up.
    pasp = lines["PASP"]
    assert (pasp.is_counted, pasp.tally.expected, pasp.missing) == (True, 1, 0)


def test_a_year_that_nobody_counted_has_no_missing_papers(store: Store) -> None:
    """“Not counted yet” is not “none missing”."""
    with store.writing() as session:
        a_record(session, "2025ApJ...900....1D")
    with store.reading() as session:
        (line,) = journal_lines(session, [2025])
    assert (line.is_counted, line.missing) == (False, None)


def test_a_long_reason_ends_with_a_sentence_or_says_that_it_goes_on(store: Store) -> None:
    """Nothing breaks off in the middle; the advice to go on is the hole's own remedy already."""
    place = "http://127.0.0.1:9/ads"
    with store.writing() as session:
        refused(
            session, "ads", place, reason=f"{place}: cannot be reached (connection refused) (tried 5 times). {GO_ON}"
        )
    with store.reading() as session:
        (hole,) = (hole for hole in find_holes(session, SCOPE) if hole.kind is Kind.REFUSED)
    assert hole.words.endswith("(tried 5 times).")
    assert shortened("Short.") == "Short."
    assert shortened("A sentence of words. " * 20) == ("A sentence of words. " * 7).strip()
    cut = shortened("words " * 60)
    assert cut.endswith("words …")
    assert len(cut) <= 160
    assert len(shortened("x" * 400)) <= 160
