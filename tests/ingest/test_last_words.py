"""Reading old answers again changes nothing that is not read differently, whatever came in whatever order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import col, select

from biblio.clock import FixedClock
from biblio.ingest import absorb
from biblio.ingest import reparse as reparsing
from biblio.ingest.jobs import REPARSE
from biblio.ingest.last_words import LastWords
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import JobRun, PaperRevision, ProjectRevision, SourceRecord, UnitRevision
from biblio.store.words import Outcome
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedProject, HarvestedRecord, HarvestedUnit
from tests.ingest.fingerprint import fingerprint


class Told:
    """A source whose answers are JSON of the fields of records and projects; ``comment`` is what a better parser adds."""

    name, comment = "told", ""

    def pages(self, _cursor: Mapping[str, object]) -> Iterator[Page]:
        """Give nothing: answers are stored by hand."""
        yield from ()

    def parse(self, page: Page) -> ParsedPage:
        """Read an answer."""
        rows = json.loads(page.body)
        records = tuple(_record(page.source, row, self.comment) for row in rows if "key" in row)
        projects = tuple(_project(page.source, row) for row in rows if "code" in row)
        return ParsedPage(records, projects)


def _record(source: str, row: dict[str, Any], comment: str) -> HarvestedRecord:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    passages = tuple(tuple(passage) for passage in row.get("snippets", ()))
    record = HarvestedRecord(source, **(given | {"snippets": passages}))
    return replace(record, comment=f"{comment}{record.title}") if comment else record


def _project(source: str, row: dict[str, Any]) -> HarvestedProject:
    units = tuple(HarvestedUnit(uid, released_on=date(year, 1, 1)) for uid, year in row.get("units", ()))
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return HarvestedProject(source, **(given | {"units": units}))


@pytest.fixture
def runtime(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """A runtime that reads every stored answer with ``Told``."""
    monkeypatch.setattr(reparsing, "parser_of", lambda _runtime, _source, _content_type: Told())
    return replace(sqlite_runtime, clock=FixedClock(datetime(2026, 11, 1, tzinfo=UTC)))


def come(
    runtime: Runtime, source: str, rows: list[dict[str, Any]], *, place: str = "page", is_last: bool = True
) -> None:
    """Let an answer come in, six hours after the one before."""
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(hours=6))
    page = Page(source, place, json.dumps(rows).encode(), "application/json", {}, is_last=is_last)
    destination = absorb.Destination(None, None, take_emails=source == "contacts")
    absorb.store_page(runtime, page, Told().parse(page), destination)


def reparse(runtime: Runtime, **arguments: str) -> JobRun:
    """Read everything again, a day later."""
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(timedelta(days=1))
    row = run_job(runtime, REPARSE, arguments=arguments)
    assert (row.outcome, row.error) == (Outcome.SUCCEEDED, None)
    return row


def held(runtime: Runtime, *leave: str) -> dict[str, Counter[str]]:
    """Everything in the catalogue but what was read in texts."""
    told = fingerprint(runtime.store)
    return {subject: rows for subject, rows in told.items() if subject not in ("readings", "mentions", *leave)}


def titles(runtime: Runtime) -> set[str | None]:
    """The titles shown now."""
    with runtime.store.reading() as session:
        return set(session.exec(select(PaperRevision.title).where(col(PaperRevision.superseded_at).is_(None))))


def states(runtime: Runtime) -> list[tuple[str | None, str]]:
    """The state of every project now, and who says so."""
    with runtime.store.reading() as session:
        rows = select(ProjectRevision.state, ProjectRevision.source).where(col(ProjectRevision.superseded_at).is_(None))
        return sorted(session.exec(rows), key=str)


def test_a_record_is_read_from_the_newest_answer_that_gave_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that only the newer answer has is read from it, though that answer changed nothing when it came."""
    paper = {"key": "k1", "title": "Cold dust in a warm disc", "bibcode": "2020ApJ...900....1D"}
    come(runtime, "ads", [paper])
    parse = Told.parse

    def reads_less(self: Told, page: Page) -> ParsedPage:
        parsed = parse(self, page)
        return replace(parsed, records=tuple(replace(r, citation_count=None) for r in parsed.records))

    with monkeypatch.context() as patch:
        patch.setattr(Told, "parse", reads_less)
        come(runtime, "ads", [{**paper, "citation_count": 7}])
    assert reparse(runtime).counts["changed"] == 1
    with runtime.store.reading() as session:
        assert (
            session.exec(select(PaperRevision.citation_count).where(col(PaperRevision.superseded_at).is_(None))).one()
            == 7
        )


def test_older_lists_under_another_file_name_are_history(runtime: Runtime) -> None:
    """Of two lists of projects the later stands, whatever the files were called; reading again flips no state."""
    come(runtime, "projects-file", [{"code": "2016.1.00001.S", "state": "Observing"}], place="cycle-4-may.jsonl")
    come(runtime, "projects-file", [{"code": "2016.1.00001.S", "state": "Completed"}], place="cycle-4-june.jsonl")
    for _ in range(2):
        assert reparse(runtime).counts.get("changed", 0) == 0
        assert states(runtime) == [("Completed", "projects-file")]


def test_a_unit_belongs_to_the_source_that_dated_it_last(runtime: Runtime) -> None:
    """A list that had the last word on a project does not move back the date that the archive gave its unit since."""
    come(runtime, "registry", [{"code": "2016.1.00001.S", "title": "Dust", "units": [["uid://A1/X1", 2018]]}])
    come(runtime, "projects-file", [{"code": "2016.1.00001.S", "title": "Cold dust", "units": [["uid://A1/X1", 2018]]}])
    come(runtime, "registry", [{"code": "2016.1.00001.S", "units": [["uid://A1/X1", 2019]]}])
    assert reparse(runtime).counts.get("changed", 0) == 0
    with runtime.store.reading() as session:
        dated = session.exec(select(UnitRevision).where(col(UnitRevision.superseded_at).is_(None))).one()
    assert dated.released_on == date(2019, 1, 1)


def test_a_reading_of_the_registry_that_stopped_half_way_counts(runtime: Runtime) -> None:
    """What the archive said after its last whole reading stands; so does a reading that went on in another run."""
    come(runtime, "registry", [{"code": "2016.1.00001.S", "state": "A"}], place="1", is_last=False)
    come(runtime, "registry", [{"code": "2016.1.00002.S", "state": "A"}], place="2")
    come(runtime, "registry", [{"code": "2016.1.00001.S", "state": "B"}], place="1", is_last=False)
    row = reparse(runtime, source="registry")
    assert (row.counts["pages"], row.counts.get("changed", 0)) == (3, 0)
    assert states(runtime) == [("A", "registry"), ("B", "registry")]


def test_what_took_the_place_of_another_is_not_undone(runtime: Runtime) -> None:
    """An article's record keeps the place of its preprint's, whose old answer says nothing any more."""
    preprint = {"key": "2020arXiv200100001D", "bibcode": "2020arXiv200100001D", "title": "Cold dust"}
    article = {"key": "2020ApJ...900....1D", "bibcode": "2020ApJ...900....1D", "title": "Cold dust, printed"}
    come(runtime, "ads", [preprint])
    come(runtime, "ads", [{**article, "alternate_bibcodes": ["2020arXiv200100001D"]}])
    before = held(runtime)
    reparse(runtime)
    assert held(runtime) == before
    assert titles(runtime) == {"Cold dust, printed"}


def test_a_record_given_up_before_it_came_stays_so(runtime: Runtime) -> None:
    """A preprint's record that came after its article's left no trace then and leaves none now."""
    preprint = {"key": "2020arXiv200100001D", "bibcode": "2020arXiv200100001D", "title": "Cold dust"}
    article = {"key": "2020ApJ...900....1D", "bibcode": "2020ApJ...900....1D", "title": "Cold dust, printed"}
    come(runtime, "ads", [{**article, "alternate_bibcodes": ["2020arXiv200100001D"]}])
    come(runtime, "ads", [preprint])
    come(runtime, "ads", [article])
    before = held(runtime)
    reparse(runtime)
    assert held(runtime) == before


def test_doors_of_one_service_keep_their_order(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a better parser the door that told a paper last still tells what is shown."""
    for source in ("arxiv-rss", "arxiv-oai", "arxiv"):
        come(runtime, source, [{"key": "2001.00001", "arxiv_id": "2001.00001", "title": f"Title of {source}"}])
    come(runtime, "arxiv-rss", [{"key": "2001.00001", "arxiv_id": "2001.00001", "title": "Shown at last"}])
    assert titles(runtime) == {"Shown at last"}
    monkeypatch.setattr(Told, "comment", "read better: ")
    assert reparse(runtime).counts["changed"] == 3
    assert titles(runtime) == {"Shown at last"}


def test_what_comes_in_meanwhile_stays(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """A harvest that stores a newer answer while old ones are read again is not spoken over."""
    come(runtime, "ads", [{"key": "k1", "title": "The old title of a paper"}])
    come(runtime, "projects-file", [{"code": "2016.1.00001.S", "state": "Observing"}])
    news = [("ads", {"key": "k1", "title": "The new title of a paper"})]
    news += [("projects-file", {"code": "2016.1.00001.S", "state": "Completed"})]
    heard = reparsing._heard

    def after_news(*arguments: Any) -> Iterator[int]:
        yield from heard(*arguments)
        while news:
            source, row = news.pop()
            come(runtime, source, [row])

    monkeypatch.setattr(reparsing, "_heard", after_news)
    reparse(runtime)
    assert titles(runtime) == {"The new title of a paper"}
    assert states(runtime) == [("Completed", "projects-file")]


SOURCES = ("ads", "arxiv", "arxiv-oai", "library-list", "registry", "projects-file", "other-list", "contacts")


def _some_paper(random: Random, source: str) -> dict[str, Any]:
    number = random.randrange(4)
    preprint, article = f"2020arXiv20010000{number}D", f"2020ApJ...90{number}....1D"
    row: dict[str, Any] = {"title": f"Paper {number} on cold dust, version {random.randrange(3)}"}
    if random.random() < 0.2:
        row = {"is_withdrawn": True}
    if source == "ads":
        is_article = random.random() < 0.5
        row |= {"key": article if is_article else preprint, "bibcode": article if is_article else preprint}
        row |= {"alternate_bibcodes": [preprint]} if is_article and random.random() < 0.8 else {}
        row |= {"snippets": [["body", f"passage {random.randrange(4)}"]]} if random.random() < 0.5 else {}
        return row | ({"arxiv_id": f"2001.0000{number}"} if random.random() < 0.5 else {})
    if source == "library-list":
        return row | {"key": f"row {number}", "bibcode": random.choice((article, preprint))}
    return row | {"key": f"2001.0000{number}", "arxiv_id": f"2001.0000{number}"}


def _some_project(random: Random, source: str) -> dict[str, Any]:
    row: dict[str, Any] = {"code": f"2016.1.0000{random.randrange(3)}.S"}
    if source == "contacts":
        return row | {"pi_email": f"pi{random.randrange(2)}@example.org"}
    for name in ("title", "state", "category"):
        row |= {name: f"{name} {random.randrange(3)}"} if random.random() < 0.5 else {}
    row |= {"keywords": [f"word {random.randrange(2)}"]} if random.random() < 0.3 else {}
    row |= {"extra": {random.choice("ab"): str(random.randrange(3))}} if random.random() < 0.3 else {}
    row |= {"bib_references": [f"2020ApJ...90{random.randrange(4)}....1D"]} if random.random() < 0.3 else {}
    units = random.sample(range(3), random.randrange(3))
    return row | {"units": [[f"uid://A1/X{unit}", 2018 + random.randrange(3)] for unit in units]}


def _some_answers(runtime: Runtime, random: Random) -> None:
    for source in ("ads", *random.choices(SOURCES, k=random.randrange(5, 25))):
        is_papers = SOURCES.index(source) < 4
        some = _some_paper if is_papers else _some_project
        rows = [some(random, source) for _ in range(random.randrange(1, 5))]
        place = f"place {random.randrange(3)}"
        come(runtime, source, rows, place=place, is_last=random.random() < 0.6)


@pytest.mark.parametrize("seed", range(12))
def test_reading_any_answers_again_changes_nothing(
    runtime: Runtime, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any answers in any order: an unchanged parser changes nothing at all, and a better one only the first time."""
    _some_answers(runtime, Random(seed))
    before, projects = held(runtime), held(runtime, "records", "revisions", "authors")
    row = reparse(runtime)
    assert {row.counts.get(what, 0) for what in ("new", "changed", "merged")} == {0}
    assert held(runtime) == before
    monkeypatch.setattr(Told, "comment", "read better: ")
    reparse(runtime)
    assert held(runtime, "records", "revisions", "authors") == projects
    better = held(runtime)
    assert better != before
    reparse(runtime)
    assert held(runtime) == better


def test_memory_is_of_keys_only(runtime: Runtime) -> None:
    """What a page says is not held on to, only which page said it."""
    words = LastWords(runtime.grammar)
    words.hear(1, ParsedPage((HarvestedRecord("ads", "k1", title="x" * 1000),)))
    words.hear(2, ParsedPage((HarvestedRecord("ads", "k1", title="y" * 1000),)))
    assert words._pages == {"ads": {"record k1": 2}}
    assert count_current(runtime) == 0


def count_current(runtime: Runtime) -> int:
    """How many records are in force."""
    with runtime.store.reading() as session:
        return len(session.exec(select(SourceRecord.id).where(col(SourceRecord.superseded_at).is_(None))).all())
