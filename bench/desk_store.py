"""A desk as it is after years of work, made up and the same for the same seed: papers, projects, candidates, decisions.

Rows are written past the ORM (SQLite: ``executemany``; PostgreSQL: ``COPY`` without checks of foreign keys), because
making them is not what is measured. What the queue holds is what ``biblio.verify.queue.items.refresh`` would make of the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from bench import pages
from biblio.observatory import Profile
from biblio.store import Store
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    DeskItem,
    EvidenceItem,
    Link,
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    PaperTag,
    Project,
    ProjectRevision,
    TextMention,
    TextReading,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Band, RelationKind, Role, Scheme, Verdict
from biblio.verify.queue.items import RANKS, lot, refresh
from biblio.verify.queue.tally import true_up

SEED = 2026
PEOPLE = 20
LIBRARIES = ("ESO", "NRAO", "NAOJ")
_POOL = 5_000
"""Different titles, abstracts and teams; papers beyond take them again under a number of their own."""
_YEARS = range(2013, 2027)


@dataclass(frozen=True, slots=True)
class Size:
    """How much a store holds. Decisions are two and a half for each paper, open candidates one, projects a tenth."""

    papers: int

    @property
    def projects(self) -> int:
        """Projects of the list."""
        return max(self.papers // 10, 20)

    @property
    def silent_from(self) -> int:
        """The first project that no paper was accepted for; a quarter is silent."""
        return self.projects * 3 // 4


@dataclass(slots=True)
class _Made:
    """One paper before it is written: its dates, its projects, its open candidates."""

    number: int
    day: date
    at_press: bool
    accepted: int
    rejected: int
    open: list[tuple[int, int, float, Band]]
    """Open candidates: (number, project, score, band)."""


Rows = Iterable[Sequence[Any]]


class Loader:
    """Writes rows of a model in bulk; columns that are not given keep the model's defaults."""

    def __init__(self, engine: sa.Engine) -> None:
        self._dialect = engine.dialect
        self._raw: Any = engine.raw_connection()
        connection: Any = self._raw.driver_connection
        self._connection = connection
        if self.is_sqlite:
            self._connection.executescript(
                "PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -400000"
            )
            self._connection.execute("BEGIN")
        else:
            self._connection.execute("SET session_replication_role = replica")

    @property
    def is_sqlite(self) -> bool:
        """Which of the two ways to write."""
        return self._dialect.name == "sqlite"

    def load(self, model: type[SQLModel], columns: Sequence[str], rows: Rows) -> None:
        """Write rows of ``columns``; values as the ORM takes them."""
        table: sa.Table = model.__table__  # type: ignore[attr-defined]
        given = set(columns)
        constants = {
            name: field.get_default(call_default_factory=True)
            for name, field in model.model_fields.items()
            if name not in given and not field.is_required()
        }
        constants.pop("id", None)
        names = [*columns, *constants]
        tail = tuple(constants.values())
        kinds = [table.c[name].type.dialect_impl(self._dialect).bind_processor(self._dialect) for name in names]
        changes: list[tuple[int, Callable[[Any], Any]]] = [(i, kind) for i, kind in enumerate(kinds) if kind]
        self._write(table.name, names, self._bound(rows, tail, changes))

    @staticmethod
    def _bound(rows: Rows, tail: tuple[Any, ...], changes: list[tuple[int, Callable[[Any], Any]]]) -> Iterator[Any]:
        for row in rows:
            values = [*row, *tail]
            for place, change in changes:
                if values[place] is not None:
                    values[place] = change(values[place])
            yield values

    def _write(self, table: str, names: Sequence[str], rows: Iterator[Any]) -> None:
        quoted = ", ".join(f'"{name}"' for name in names)
        if self.is_sqlite:
            self._connection.executemany(
                f'INSERT INTO "{table}" ({quoted}) VALUES ({", ".join("?" * len(names))})', rows
            )
            return
        with self._connection.cursor().copy(f'COPY "{table}" ({quoted}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)

    def point(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Note of pairs of papers (survivor, merged) that they are one, as merging them would."""
        mark = "?" if self.is_sqlite else "%s"
        statement = f"UPDATE paper SET merged_into_id = {mark} WHERE id = {mark}"
        self._connection.cursor().executemany(statement, pairs)

    def close(self) -> None:
        """Commit; on PostgreSQL put the sequences behind the last rows and gather statistics, as its daemon would."""
        if isinstance(self._connection, sqlite3.Connection):
            self._connection.execute("COMMIT")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for table in SQLModel.metadata.tables.values():
                if "id" in table.c and isinstance(table.c.id.type, sa.Integer):
                    self._connection.execute(
                        f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'), max(id)) FROM \"{table.name}\""
                    )
            self._connection.commit()
            self._connection.autocommit = True
            self._connection.execute("VACUUM ANALYZE")
        self._raw.detach()  # with the settings it was given it must not go back into the pool
        self._raw.close()


def build(engine: sa.Engine, profile: Profile, size: Size, today: date) -> None:
    """Fill an empty, migrated store."""
    loader = Loader(engine)
    now = datetime.combine(today, time(6), UTC)
    _people(loader, now)
    _projects(loader, profile, size, today)
    made = _papers_made(size, today)
    pool = [pages.paper(number) for number in range(min(_POOL, size.papers))]
    _papers(loader, made, pool)
    _candidates(loader, made, now)
    _readings(loader, made, pool, now)
    _tags(loader, made, now)
    _decisions(loader, made, now)
    _queue(loader, profile, made, size, now)
    loader.close()
    with Store(engine).writing() as session:
        true_up(session)
        refresh(
            session, profile, [one.number for one in made if one.at_press], today=today
        )  # when they will be printed


def _people(loader: Loader, now: datetime) -> None:
    rows = (
        (n, f"reader{n:02}", f"Reader {n:02}", Role.LIBRARIAN, LIBRARIES[n % 3], now, f"{n:032x}")
        for n in range(1, PEOPLE + 1)
    )
    loader.load(UserAccount, ("id", "username", "name", "role", "library", "created_at", "session_stamp"), rows)


def code_of(profile: Profile, number: int) -> str:
    """The code of a project by its number."""
    return f"{cycle_of(profile, number)}.{number:05}.S"


def cycle_of(profile: Profile, number: int) -> str:
    """The cycle of a project by its number."""
    return profile.cycles[1 + number % (len(profile.cycles) - 1)].key


def _projects(loader: Loader, profile: Profile, size: Size, today: date) -> None:
    numbers = range(1, size.projects + 1)
    seen = datetime(2012, 1, 1, tzinfo=UTC)
    partners = [partner.key for partner in profile.partners]
    chance = Random(SEED)
    words = [pages.paper(n) for n in range(min(2_000, size.projects))]
    loader.load(
        Project,
        ("id", "code", "cycle", "call", "first_seen_at"),
        ((n, code_of(profile, n), cycle_of(profile, n), "regular", seen) for n in numbers),
    )
    columns = ("id", "project_id", "source", "learned_at", "title", "abstract", "pi", "co_is", "targets", "partner")

    def revision(n: int) -> Sequence[Any]:
        made = words[n % len(words)]
        team = [f"{last}, {first}" for first, last in (*made.authors, *words[(7 * n) % len(words)].authors)]
        abstract = made.abstract[:600]
        return n, n, "bench", seen, made.title, abstract, team[0], team[1:6], [f"BENCH {n}"], chance.choice(partners)

    loader.load(ProjectRevision, columns, map(revision, numbers))
    units = range(2 * size.projects)
    loader.load(
        ObservationUnit,
        ("id", "project_id", "uid", "first_seen_at"),
        ((u + 1, u // 2 + 1, f"uid://A001/X{u:x}", seen) for u in units),
    )
    # One project in ten was observed lately: its data are not public yet, so it is not silent.
    loader.load(
        UnitRevision,
        ("id", "unit_id", "source", "learned_at", "released_on", "observed_on"),
        ((u + 1, u + 1, "bench", seen, today + timedelta(days=60 if u // 2 % 10 == 9 else -1500), None) for u in units),
    )


def _papers_made(size: Size, today: date) -> list[_Made]:
    chance = Random(SEED)
    number = 0
    made = []
    for paper in range(1, size.papers + 1):
        at_press = paper % 33 == 0
        first = date(_YEARS[paper % len(_YEARS)], 1, 1)
        day = today - timedelta(days=paper % 300) if at_press else first + timedelta(days=paper % 300)
        accepted = 1 + int(chance.random() ** 1.3 * (size.silent_from - 1))
        rejected = 1 + int(chance.random() ** 1.3 * (size.silent_from - 1))
        rejected += rejected == accepted
        taken = {accepted, rejected}
        candidates = []
        for _ in range((1, 1, 1, 1, 1, 1, 1, 0, 1, 2)[paper % 10]):
            project = 1 + int(chance.random() ** 1.2 * size.projects)
            if project in taken:
                project = max(taken) + 1
            taken.add(project)
            number += 1
            score, band = _score(chance)
            candidates.append((number, project, score, band))
        made.append(_Made(paper, min(day, today), at_press, accepted, rejected, candidates))
    return made


def _score(chance: Random) -> tuple[float, Band]:
    draw = chance.random()
    if draw < 0.25:
        return round(0.97 + 0.0299 * chance.random(), 4), Band.CERTAIN
    if draw < 0.87:
        return round(0.3 + 0.65 * chance.random(), 4), Band.LIKELY
    return round(0.3 * chance.random(), 4), Band.UNLIKELY


def _journal(made: _Made) -> str | None:
    if made.at_press:
        return None
    return f"J. Bench. {int(30 * ((made.number * 7919 % 1000) / 1000) ** 2) + 1}"


def _source(made: _Made) -> str:
    return "arxiv" if made.at_press or made.number % 5 == 0 else "ads"


def _papers(loader: Loader, made: list[_Made], pool: list[pages.MadePaper]) -> None:
    def facts(one: _Made) -> pages.MadePaper:
        return pool[one.number % len(pool)]

    def seen(one: _Made) -> datetime:
        return datetime.combine(one.day, time(7), UTC)

    loader.load(Paper, ("id", "first_seen_at"), ((one.number, seen(one)) for one in made))
    loader.load(
        PaperIdentifier,
        ("id", "paper_id", "scheme", "value", "source", "learned_at"),
        chain.from_iterable(
            (
                (2 * n - 1, n, Scheme.ARXIV, f"{one.day:%y%m}.{n:06}", "arxiv", seen(one)),
                (2 * n, n, Scheme.DOI, f"10.9999/bench.{n:07}", "ads", seen(one)),
            )
            for one in made
            for n in (one.number,)
        ),
    )
    columns = (
        "id", "paper_id", "learned_at", "title", "abstract", "kind", "is_refereed", "journal", "volume", "page", "year",
        "published_on", "preprint_on", "keywords", "provenance",
    )  # fmt: skip
    loader.load(
        PaperRevision,
        columns,
        (
            (
                one.number, one.number, seen(one), f"{facts(one).title} {one.number}", facts(one).abstract[:700],
                "eprint" if one.at_press else "article", not one.at_press, _journal(one),
                None if one.at_press else str(one.number % 900), None if one.at_press else str(one.number),
                one.day.year, None if one.at_press else one.day, one.day - timedelta(days=0 if one.at_press else 90),
                ["made up"], {"title": _source(one)},
            )
            for one in made
        ),
    )  # fmt: skip
    number = iter(range(1, 10**9))
    loader.load(
        PaperAuthor,
        ("id", "revision_id", "position", "name"),
        (
            (next(number), one.number, place, f"{last}, {first}")
            for one in made
            for place, (first, last) in enumerate(facts(one).authors[:12], start=1)
        ),
    )


def _candidates(loader: Loader, made: list[_Made], now: datetime) -> None:
    opened = [(one, *candidate) for one in made for candidate in one.open]
    loader.load(
        Candidate,
        ("id", "paper_id", "project_id", "first_suggested_at"),
        ((number, one.number, project, _since(number, now)) for one, number, project, _, _ in opened),
    )
    loader.load(
        CandidateRevision,
        ("id", "candidate_id", "score", "band", "digest", "rules_digest", "suggested_at"),
        ((n, n, score, band, f"{n:064x}", "0" * 64, _since(n, now)) for _, n, _, score, band in opened),
    )
    columns = (
        "id", "revision_id", "ordinal", "kind", "value", "contribution", "sentence", "quote", "part", "stands_in", "start",
        "end", "context", "context_start",
    )  # fmt: skip
    rows = (row for _, n, project, _, band in opened for row in _evidence(n, project, band))
    loader.load(EvidenceItem, columns, rows)


def _evidence(candidate: int, project: int, band: Band) -> Iterator[Sequence[Any]]:
    """What speaks for and against one candidate: a code with its quote where it is certain, else shared words."""
    unquoted = (None,) * 7
    first = 3 * candidate
    if band is Band.CERTAIN:
        before, after = "This paper makes use of the following data: ", " by an observatory that was made up for this."
        code = f"project {project:05}"
        quote = (code, "main.tex", "acknowledgement", 1000, 1000 + len(code), before + code + after, 1000 - len(before))
        yield first, candidate, 0, "code", code, 4.2, f"{code} is printed.", *quote
    else:
        yield first, candidate, 0, "title", "0.6", 1.2, "The titles share words.", *unquoted
    yield first + 1, candidate, 1, "pi", "1", 0.9, "The PI is an author.", *unquoted
    against = -2.0 if candidate % 9 == 0 else -0.4
    yield first + 2, candidate, 2, "dates", "-1", against, "It is older than the data.", *unquoted


def _readings(loader: Loader, made: list[_Made], pool: list[pages.MadePaper], now: datetime) -> None:
    """Full texts of three papers of five, with a code that was found in every second one."""
    read = [one for one in made if one.number % 5 < 3]
    loader.load(
        TextReading,
        ("id", "paper_id", "origin", "place", "format", "sha256", "characters", "read_at"),
        ((one.number, one.number, "eprint", "main.tex", "tex", "0" * 64, 50_000, now) for one in read),
    )
    loader.load(
        TextMention,
        ("id", "reading_id", "part", "start", "end", "as_written", "code", "in_registry", "certain", "stands_in", "is_use",
         "context", "context_start"),
        (
            (one.number, one.number, "main.tex", 1000, 1014, "project", f"bench.{one.number}", True, True,
             "acknowledgement", True, pool[0].abstract[:300], 900)
            for one in read
            if one.number % 2 == 0
        ),
    )  # fmt: skip


def _tags(loader: Loader, made: list[_Made], now: datetime) -> None:
    tagged = (
        (n, one.number, ("to discuss", "review", "catalogue")[n % 3], 1 + n % PEOPLE, now)
        for n, one in enumerate(made[::100], start=1)
    )
    loader.load(PaperTag, ("id", "paper_id", "tag", "actor_id", "made_at"), tagged)


def _since(candidate: int, now: datetime) -> datetime:
    return now - timedelta(minutes=candidate * 7919 % (700 * 1440))


def _decisions(loader: Loader, made: list[_Made], now: datetime) -> None:
    """Half of the papers are science with our data: accepted for one project, after a first "no", and not for another.

    Of the others two projects each were rejected; those for which nothing else waits only mention the observatory.
    """
    taken: list[Sequence[Any]] = []
    links: list[Sequence[Any]] = []
    related: list[Sequence[Any]] = []
    for one in made:
        then = now - timedelta(minutes=one.number)
        is_science = one.number % 2 == 0
        relation = RelationKind.SCIENCE if is_science else None if one.open else RelationKind.MENTION
        first = len(taken) + 1
        if is_science:
            taken.append(
                (first, one.number, one.accepted, 1 + one.number % PEOPLE, then, Verdict.REJECT, None, "", 20.0)
            )
            links.append(
                (first, one.number, one.accepted, Verdict.REJECT, first, 1, then, then + timedelta(seconds=30))
            )
            then += timedelta(seconds=30)
        verdict, version = (Verdict.ACCEPT, 2) if is_science else (Verdict.REJECT, 1)
        for project, said, again in ((one.accepted, verdict, version), (one.rejected, Verdict.REJECT, 1)):
            number = len(taken) + 1
            person = 1 + (one.number + 1) % PEOPLE
            taken.append((number, one.number, project, person, then, said, relation, "", 11.0 + number % 30))
            links.append((number, one.number, project, said, number, again, then, None))
        if relation is not None:
            related.append((len(related) + 1, one.number, relation, 1, len(taken), "", then))
    columns = ("id", "paper_id", "project_id", "actor_id", "made_at", "verdict", "relation", "reason", "shown_for_s")
    loader.load(Decision, columns, taken)
    columns = ("id", "paper_id", "project_id", "verdict", "decision_id", "version", "decided_at", "ended_at")  # type: ignore[assignment]
    loader.load(Link, columns, links)
    loader.load(
        PaperRelation, ("id", "paper_id", "relation", "actor_id", "decision_id", "reason", "decided_at"), related
    )


def _queue(loader: Loader, profile: Profile, made: list[_Made], size: Size, now: datetime) -> None:
    published = {one.accepted for one in made if one.number % 2 == 0}
    # The projects' partners are drawn in the order of their numbers (``_projects``).
    chance = Random(SEED)
    keys = [partner.key for partner in profile.partners]
    partners = [chance.choice(keys) for _ in range(size.projects)]
    rows = (_row(profile, one, published, partners, now) for one in made if one.open)
    columns = (
        "paper_id", "candidate_id", "open_count", "band", "score", "why", "rank", "doubt", "waiting_since", "is_shown",
        "is_at_press", "has_text", "source", "journal", "year", "cycle", "partner", "lot", "library", "published_on",
    )  # fmt: skip
    loader.load(DeskItem, columns, rows)


def _row(profile: Profile, one: _Made, published: set[int], partners: Sequence[str], now: datetime) -> Sequence[Any]:
    serious = [c for c in one.open if c[3] is not Band.UNLIKELY]
    number, project, score, band = max(serious or one.open, key=lambda c: (c[2], -c[0]))
    at_press = one.at_press and bool(serious)
    projects = {c[1] for c in serious}
    if any(p not in published and (p - 1) % 10 != 9 for p in projects):
        why = "silent"
    elif at_press:
        why = "press"
    elif projects - published:
        why = "first"
    else:
        why = "more" if projects else "unlikely"
    partner = profile.partner(partners[project - 1])
    since = min(_since(c[0], now) for c in (serious or one.open))
    return (
        one.number, number, len(serious or one.open), band, score, why, RANKS[why], round(abs(score - 0.5), 4), since,
        bool(serious), at_press, one.number % 5 < 3, _source(one), _journal(one), one.day.year, cycle_of(profile, project),
        partner.key if partner else None, lot(one.number), partner.library if partner else None, one.day,
    )  # fmt: skip
