"""A bibliography after twenty years, made up and the same for the same seed, with all that a report counts.

For each project there are 2.5 papers and 25 decisions, most of them taken back or changed since; a paper was shown in
three ways (before its journal, after it, with more citations), its ten authors with each, and every fiftieth was merged with
its preprint. Rows are written past the ORM (``desk_store.Loader``), because making them is not what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from bench import pages
from bench.desk_store import SEED, Loader
from biblio.runtime import Runtime
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    HarvestPage,
    JobRun,
    Link,
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperMerge,
    PaperRelation,
    PaperRevision,
    Payload,
    Project,
    ProjectRevision,
    SecondReading,
    SourceRecord,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Band, Outcome, RelationKind, Role, Scheme, Trigger, Verdict

_UNITS = 3
"""Observation units of a project."""

_TEAM = 10
_AUTHORS = 10
_SHOWN = 3
"""Revisions of a paper."""

_JUDGED = 3
"""Pairs that were judged of each paper: two accepted, one rejected. ``_TURNS`` are the decisions about each."""

_TURNS = (4, 3, 3)
_PEOPLE = 8
_SEEN = datetime(2005, 1, 1, tzinfo=UTC)
_PLACES = ("Chile", "Germany", "Japan", "USA", "France", "Canada", "Taiwan", "UK", "Italy", "Spain")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a store holds."""

    projects: int

    @property
    def papers(self) -> int:
        """Papers, those included that were merged away."""
        return self.projects * 5 // 2

    @property
    def decisions(self) -> int:
        """Decisions of people."""
        return self.papers * sum(_TURNS)

    @property
    def persons(self) -> int:
        """Astronomers; a project names ten of them, and so does a paper."""
        return max(self.projects, 100)


def build(runtime: Runtime, size: Size) -> None:
    """Fill an empty, migrated store."""
    loader, today = Loader(runtime.store.engine), runtime.clock.today()
    people = tuple(_people(size))
    numbers = range(1, _PEOPLE + 1)
    loader.load(
        UserAccount,
        ("id", "username", "name", "role", "created_at", "session_stamp"),
        ((n, f"reader{n}", f"Reader {n}", Role.LIBRARIAN, _SEEN, f"{n:032x}") for n in numbers),
    )
    _projects(loader, runtime, size, people)
    _units(loader, size, today)
    _papers(loader, size, today)
    _records(loader, size, today)
    _authors(loader, size, people)
    _merges(loader, size, today)
    _decisions(loader, size, today)
    _candidates(loader, size, today)
    _harvests(loader, runtime, today)
    loader.close()


def _people(size: Size) -> Iterator[str]:
    chance = Random(SEED)
    surnames = [last for n in range(min(size.persons, 20_000) // 4) for _, last in pages.paper(n).authors]
    for number in range(size.persons):
        first = chance.choice(
            ("Ada", "Bo", "Chidi", "Dag", "Elsa", "Finn", "Gita", "Hugo", "Ines", "Jun", "Kai", "Lotte")
        )
        yield f"{surnames[(number * 7919) % len(surnames)]}, {first} {chance.choice('ABCDEFGHJKLMNPRST')}."


def project_of(paper: int, pair: int, size: Size) -> int:
    """The project of a paper's first, second or third pair; one project in four has none."""
    return 1 + (paper * 104_729 + pair * 15_485_863) % max(size.projects * 3 // 4, _JUDGED)


def team_of(project: int, people: Sequence[str]) -> list[str]:
    """The team of a project, its PI first."""
    return [people[(project * 31 + 7 * place * place) % len(people)] for place in range(_TEAM)]


def _projects(loader: Loader, runtime: Runtime, size: Size, people: Sequence[str]) -> None:
    profile = runtime.profile
    cycles = profile.cycles[:-3]
    partners = [partner.key for partner in profile.partners]
    states = [*profile.asking.closed_states[:2], None, None, None, profile.asking.open_states[0]]
    numbers = range(1, size.projects + 1)

    def project(n: int) -> Sequence[Any]:
        cycle = cycles[n % len(cycles)].key
        kind, is_pi_project = ("CAL", False) if n % 50 == 0 else ("STVLP"[n % 40 % 5 if n % 8 == 0 else 0], True)
        call = ("regular", "regular", "regular", "supplemental", "ddt")[n % 5]
        return n, f"{cycle}.{n // len(cycles):05}.{kind}", cycle, call, kind, is_pi_project, _SEEN

    def revision(n: int) -> Sequence[Any]:
        team = team_of(n, people)
        category = ("Discs", "Galaxies", "Stars", "Sun")[n % 7 % 4]
        extra = {facet.key: "ABC"[(n + place) % 3] for place, facet in enumerate(profile.facets)}
        return (
            n, n, "bench", _SEEN, f"Made-up discs, number {n}", team[0], team[1:], [], [], category,
            partners[n % 11 % len(partners)], states[n % 13 % len(states)], extra,
        )  # fmt: skip

    loader.load(
        Project, ("id", "code", "cycle", "call", "kind", "is_pi_project", "first_seen_at"), map(project, numbers)
    )
    columns = (
        "id", "project_id", "source", "learned_at", "title", "pi", "co_is", "keywords", "targets", "category", "partner",
        "state", "extra",
    )  # fmt: skip
    loader.load(ProjectRevision, columns, map(revision, numbers))


def _units(loader: Loader, size: Size, today: date) -> None:
    units = range(_UNITS * size.projects)
    loader.load(
        ObservationUnit,
        ("id", "project_id", "uid", "first_seen_at"),
        ((u + 1, u // _UNITS + 1, f"uid://A001/X{u:x}", _SEEN) for u in units),
    )
    since = today - timedelta(days=20 * 365)

    def revision(u: int) -> Sequence[Any]:
        project = u // _UNITS
        delivered = since + timedelta(days=(project * 7919) % (20 * 365) + 30 * (u % _UNITS))
        known = None if project % 9 == 0 else delivered
        return u + 1, u + 1, "bench", _SEEN, known, delivered + timedelta(days=370), 3600.0 * (1 + u % 40)

    columns = ("id", "unit_id", "source", "learned_at", "delivered_on", "released_on", "exposure_s")
    loader.load(UnitRevision, columns, map(revision, units))


def _appeared(paper: int, today: date) -> date:
    """When a paper's preprint appeared; papers follow one another over twenty years."""
    return today - timedelta(days=60 + (paper * 7919) % (20 * 365))


def _at(day: date, days: int = 0) -> datetime:
    return datetime.combine(day + timedelta(days=days), time(7), UTC)


def _papers(loader: Loader, size: Size, today: date) -> None:
    numbers = range(1, size.papers + 1)
    loader.load(Paper, ("id", "first_seen_at"), ((n, _at(_appeared(n, today))) for n in numbers))
    kinds = (Scheme.ARXIV, Scheme.DOI, Scheme.BIBCODE)

    def value(n: int, scheme: Scheme) -> str:
        day = _appeared(n, today)
        return {
            Scheme.ARXIV: f"{day:%y%m}.{n:06}",
            Scheme.DOI: f"10.9999/bench.{n:07}",
            Scheme.BIBCODE: f"{day.year}Bench{n:09}A",
        }[scheme]

    number = count(1)
    loader.load(
        PaperIdentifier,
        ("id", "paper_id", "scheme", "value", "source", "learned_at"),
        ((next(number), n, s, value(n, s), "bench", _at(_appeared(n, today))) for n in numbers for s in kinds),
    )
    columns = (
        "id", "paper_id", "learned_at", "superseded_at", "title", "abstract", "kind", "is_refereed", "journal", "year",
        "published_on", "published_precision", "preprint_on", "citation_count", "keywords", "provenance",
    )  # fmt: skip

    def revision(n: int, turn: int) -> Sequence[Any]:
        day = _appeared(n, today)
        printed = day + timedelta(days=120)
        is_printed = turn > 0 and n % 9 != 0
        ended = None if turn == _SHOWN - 1 else _at(day, 20 * (turn + 1))
        return (
            (n - 1) * _SHOWN + turn + 1, n, _at(day, 20 * turn), ended, f"Made-up paper {n} of a long and telling title",
            f"What was seen of source {n}. " * 30, "article" if is_printed else "eprint", is_printed,
            f"J. Bench. {n * 7919 % 30}" if is_printed else None, printed.year if is_printed else day.year,
            printed.replace(day=1) if is_printed else None, "month" if is_printed else None, day, n % 97 * turn, [],
            {"title": "ads"},
        )  # fmt: skip

    loader.load(PaperRevision, columns, (revision(n, turn) for n in numbers for turn in range(_SHOWN)))


def _records(loader: Loader, size: Size, today: date) -> None:
    """What ADS said of each paper; of a third, that other observatories' bibliographies list it."""
    columns = ("id", "paper_id", "source", "key", "record", "digest", "learned_at", "bibgroups")

    def record(n: int) -> Sequence[Any]:
        listed = ("ALMA; HST", "ALMA; Chandra; HST; XMM", "JWST")[n // 3 % 3] if n % 3 == 0 else None
        said = {"title": f"Made-up paper {n}", "extra": {"bibgroups": listed} if listed else {}}
        return n, n, "ads", f"bench {n}", said, "", _at(_appeared(n, today), 20), listed

    loader.load(SourceRecord, columns, map(record, range(1, size.papers + 1)))


def _authors(loader: Loader, size: Size, people: Sequence[str]) -> None:
    """Authors of papers: two in three have some of the team, every other written with an initial."""

    def rows() -> Iterator[Sequence[Any]]:
        number = count(1)
        for paper in range(1, size.papers + 1):
            team = team_of(project_of(paper, 0, size), people)
            names = [people[(paper * 61 + 13 * place * place) % len(people)] for place in range(_AUTHORS)]
            if paper % 3:
                names[:4] = team[1:5] if paper % 2 else team[:4]
            if paper % 2:
                names = [f"{surname}, {given[0]}." for surname, _, given in (name.partition(", ") for name in names)]
            told = [
                (place, name, f"Institute {(paper + place) % 211} of Made-up Skies, {_PLACES[(paper + place) % 10]}",
                 f"0000-0002-{paper % 10_000:04}-{place:04}" if place % 3 == 0 else None)
                for place, name in enumerate(names, 1)
            ]  # fmt: skip
            for turn in range(_SHOWN):
                for author in told:
                    yield next(number), (paper - 1) * _SHOWN + turn + 1, *author

    loader.load(PaperAuthor, ("id", "revision_id", "position", "name", "affiliation", "orcid"), rows())


def _merges(loader: Loader, size: Size, today: date) -> None:
    """Every fiftieth paper was merged into the one before it; every tenth of these merges was undone."""
    columns = ("id", "kept_id", "merged_id", "actor_id", "reason", "made_at", "undone_at")
    pairs = range(50, size.papers + 1, 50)
    made = [(n, _at(today, -400), _at(today, -300) if n % 500 == 0 else None) for n in pairs]
    loader.load(PaperMerge, columns, ((i, n - 1, n, 1, "bench", at, end) for i, (n, at, end) in enumerate(made, 1)))
    loader.point([(n - 1, n) for n, _, undone in made if undone is None])


@dataclass(frozen=True, slots=True)
class _Turn:
    """One decision about a pair; ``ended_at`` is when the next one came."""

    id: int
    paper: int
    project: int
    verdict: Verdict
    made_at: datetime
    ended_at: datetime | None


def _turns(size: Size, today: date) -> Iterator[_Turn]:
    """Each pair was decided several times."""
    number = count(1)
    for paper in range(1, size.papers + 1):
        day = _appeared(paper, today)
        for pair in range(_JUDGED):
            last = _TURNS[pair] - 1
            final = Verdict.REJECT if pair == _JUDGED - 1 else Verdict.ACCEPT
            for turn in range(last + 1):
                verdict = final if turn == last else (Verdict.UNSURE, Verdict.REJECT, Verdict.ACCEPT)[turn]
                ended = None if turn == last else _at(day, 10 + 7 * (turn + 1))
                project = project_of(paper, pair, size)
                yield _Turn(next(number), paper, project, verdict, _at(day, 10 + 7 * turn), ended)


def _decisions(loader: Loader, size: Size, today: date) -> None:
    loader.load(
        Decision,
        ("id", "paper_id", "project_id", "actor_id", "made_at", "verdict", "reason"),
        ((t.id, t.paper, t.project, 1 + t.id % _PEOPLE, t.made_at, t.verdict, "") for t in _turns(size, today)),
    )
    loader.load(
        Link,
        ("id", "paper_id", "project_id", "verdict", "decision_id", "version", "decided_at", "ended_at"),
        ((t.id, t.paper, t.project, t.verdict, t.id, 1, t.made_at, t.ended_at) for t in _turns(size, today)),
    )
    relations = (RelationKind.MENTION, *[RelationKind.SCIENCE] * 19)
    loader.load(
        PaperRelation,
        ("id", "paper_id", "relation", "actor_id", "decided_at"),
        ((n, n, relations[n % 20], 1, _at(_appeared(n, today), 10)) for n in range(1, size.papers + 1)),
    )
    columns = (
        "id", "paper_id", "project_id", "decision_id", "first_reader_id", "drawn_at", "second_reader_id", "verdict",
        "agrees", "ended_at",
    )  # fmt: skip
    drawn = (t for t in _turns(size, today) if t.id % 200 == 0 and t.ended_at is None)
    loader.load(
        SecondReading,
        columns,
        (
            (i, t.paper, t.project, t.id, 1, t.made_at, 2, t.verdict, t.id % 1000 != 0, _at(t.made_at.date(), 3))
            for i, t in enumerate(drawn, 1)
        ),
    )


def _candidates(loader: Loader, size: Size, today: date) -> None:
    """What the machine proposed: the pairs that were judged, and one in five papers has one that waits."""

    def rows() -> Iterator[tuple[int, int, int, datetime]]:
        number = count(1)
        for paper in range(1, size.papers + 1):
            day = _at(_appeared(paper, today), 2)
            for pair in range(_JUDGED):
                yield next(number), paper, project_of(paper, pair, size), day
            if paper % 5 == 0:
                yield next(number), paper, size.projects - paper % (size.projects // 5), day

    bands = (Band.CERTAIN, Band.LIKELY, Band.LIKELY, Band.UNLIKELY)
    loader.load(Candidate, ("id", "paper_id", "project_id", "first_suggested_at"), rows())
    loader.load(
        CandidateRevision,
        ("id", "candidate_id", "score", "band", "digest", "rules_digest", "suggested_at"),
        ((n, n, 0.5, bands[n % 4], f"{n:064x}", "0" * 64, at) for n, _, _, at in rows()),
    )


def _harvests(loader: Loader, runtime: Runtime, today: date) -> None:
    """One whole answer per month of the preprint server's days."""
    now = _at(today)
    loader.load(
        JobRun,
        ("id", "job", "started_by", "outcome", "started_at", "lease_until", "version"),
        [(1, "harvest", Trigger.SCHEDULE, Outcome.SUCCEEDED, now, now, "bench")],
    )
    loader.load(Payload, ("sha256", "body", "size", "first_seen_at"), [("0" * 64, b"", 0, now)])
    categories = sorted(runtime.profile.harvest.arxiv_categories)
    first = date(runtime.profile.harvest.first_year, 1, 1)
    days = range(0, (today - first).days - 30, 30)
    columns = (
        "id", "job_run_id", "source", "place", "payload_sha256", "content_type", "fetched_at", "promised", "records",
        "window_from", "window_to", "is_last", "asked_for",
    )  # fmt: skip
    loader.load(
        HarvestPage,
        columns,
        (
            (i, 1, "arxiv", f"days of month {i}", "0" * 64, "text/xml", _at(first, n + 40), 10, 10,
             first + timedelta(days=n), first + timedelta(days=n + 29), True, {"parts": categories, "since": None})
            for i, n in enumerate(days, 1)
        ),
    )  # fmt: skip
