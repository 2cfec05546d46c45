"""A project list as it is after twenty years, made up and the same for the same seed, with all that the due rule looks at.

One project in seven is due; the others stand under every ground of the rule. Rows are written past the ORM
(``desk_store.Loader``), because making them is not what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from bench.desk_store import SEED, Loader
from biblio.mail.addresses import AddressBook
from biblio.observatory import Profile
from biblio.settings import Settings
from biblio.store.models import (
    ArchiveReference,
    AskedBefore,
    AskingAgain,
    Campaign,
    Candidate,
    CandidateRevision,
    Decision,
    Invitation,
    InvitationLetter,
    Link,
    MailBounce,
    ObservationUnit,
    OptOut,
    OutboxMail,
    Paper,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
    SurveyExclusion,
    UnitRevision,
    UserAccount,
)
from biblio.store.words import Band, MailState, RelationKind, Role, Scheme, Verdict
from survey.questionnaire import frozen

_UNITS = 3
"""Observation units of a project."""

_SEEN = datetime(2012, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Size:
    """How much a store holds: papers are six for ten projects, persons likewise, and a fifth was asked before."""

    projects: int

    @property
    def papers(self) -> int:
        """Papers, each with one decision."""
        return self.projects * 6 // 10

    @property
    def invited(self) -> int:
        """Invitations of earlier campaigns."""
        return self.projects // 10


def address_of(number: int, size: Size) -> str:
    """The address of a project's PI; some have several projects."""
    return f"Person{(number * 7919) % max(size.projects * 6 // 10, 1)}@Astro.Example.org"


def build(engine: sa.Engine, profile: Profile, settings: Settings, size: Size, today: date) -> None:
    """Fill an empty, migrated store."""
    loader = Loader(engine)
    now = datetime.combine(today, time(6), UTC)
    loader.load(
        UserAccount,
        ("id", "username", "name", "role", "created_at", "session_stamp"),
        [(1, "reader01", "Reader 01", Role.HEAD_LIBRARIAN, now, f"{1:032x}")],
    )
    _projects(loader, profile, size)
    _units(loader, size, today)
    _papers(loader, size, today)
    _candidates(loader, size, now)
    _references(loader, size)
    _askings(loader, profile, size, now)
    _persons(loader, AddressBook(settings), size, now)
    loader.close()


def _projects(loader: Loader, profile: Profile, size: Size) -> None:
    numbers = range(1, size.projects + 1)
    chance = Random(SEED)
    cycles = profile.cycles[:-3]
    partners = [partner.key for partner in profile.partners]
    states = [*profile.asking.closed_states[:2], None, None, None, profile.asking.open_states[0]]

    def project(n: int) -> Sequence[Any]:
        cycle = cycles[n % len(cycles)].key
        kind, is_pi_project = ("CAL", False) if n % 50 == 0 else ("S", True)
        return n, f"{cycle}.{n // len(cycles):05}.{kind}", cycle, "regular", kind, is_pi_project, _SEEN

    def revision(n: int) -> Sequence[Any]:
        email = None if n % 40 == 0 else address_of(n, size)
        words = f"Made-up discs and their gas, number {n}"
        category = ("Discs", "Galaxies", "Stars", "Sun")[n % 4]
        state = chance.choice(states)
        return (
            n,
            n,
            "bench",
            _SEEN,
            words,
            f"Maker{n % 4999}, Ada",
            email,
            [],
            [],
            category,
            chance.choice(partners),
            state,
        )

    loader.load(
        Project, ("id", "code", "cycle", "call", "kind", "is_pi_project", "first_seen_at"), map(project, numbers)
    )
    columns = (
        "id", "project_id", "source", "learned_at", "title", "pi", "pi_email", "co_is", "targets", "category", "partner",
        "state",
    )  # fmt: skip
    loader.load(ProjectRevision, columns, map(revision, numbers))


def _units(loader: Loader, size: Size, today: date) -> None:
    units = range(_UNITS * size.projects)
    loader.load(
        ObservationUnit,
        ("id", "project_id", "uid", "first_seen_at"),
        ((u + 1, u // _UNITS + 1, f"uid://A001/X{u:x}", _SEEN) for u in units),
    )
    far = date(3000, 1, 1)
    ages = (60, -200, -900, -1500, -1800, -2200, -2600, -3000, -3300, -3500)

    def revision(u: int) -> Sequence[Any]:
        project = u // _UNITS
        released = far if project % 33 == 0 else today + timedelta(days=ages[project % 10] - u % _UNITS)
        return u + 1, u + 1, "bench", _SEEN, None if project % 3 else released - timedelta(days=365), released

    loader.load(
        UnitRevision, ("id", "unit_id", "source", "learned_at", "delivered_on", "released_on"), map(revision, units)
    )


def _papers(loader: Loader, size: Size, today: date) -> None:
    numbers = range(1, size.papers + 1)
    then = datetime(2020, 1, 1, tzinfo=UTC)
    loader.load(Paper, ("id", "first_seen_at"), ((n, _SEEN) for n in numbers))
    loader.load(
        PaperIdentifier,
        ("id", "paper_id", "scheme", "value", "source", "learned_at"),
        ((n, n, Scheme.BIBCODE, bibcode_of(n), "bench", _SEEN) for n in numbers),
    )
    loader.load(
        PaperRevision,
        (
            "id",
            "paper_id",
            "learned_at",
            "title",
            "kind",
            "is_refereed",
            "year",
            "preprint_on",
            "keywords",
            "provenance",
        ),
        (
            (n, n, _SEEN, f"Made-up paper {n}", "article", n % 9 != 0, 2020, today - timedelta(days=n % 2000), [], {})
            for n in numbers
        ),
    )
    verdicts = (Verdict.ACCEPT, Verdict.ACCEPT, Verdict.ACCEPT, Verdict.REJECT)
    loader.load(
        Decision,
        ("id", "paper_id", "project_id", "actor_id", "made_at", "verdict", "reason"),
        ((n, n, project_of(n, size), 1, then, verdicts[n % 4], "") for n in numbers),
    )
    loader.load(
        Link,
        ("id", "paper_id", "project_id", "verdict", "decision_id", "version", "decided_at"),
        ((n, n, project_of(n, size), verdicts[n % 4], n, 1, then) for n in numbers),
    )
    loader.load(
        PaperRelation,
        ("id", "paper_id", "relation", "actor_id", "decided_at"),
        ((n, n, RelationKind.SCIENCE if n % 5 else RelationKind.MENTION, 1, then) for n in numbers),
    )


def project_of(paper: int, size: Size) -> int:
    """The project a paper was judged for."""
    return 1 + (paper * 104_729) % size.projects


def bibcode_of(paper: int) -> str:
    """The bibcode of a paper."""
    return f"2020Bench{paper:09}A"


def _candidates(loader: Loader, size: Size, now: datetime) -> None:
    numbers = range(1, size.papers + 1)

    def candidate(n: int) -> Sequence[Any]:
        judged = n % 3 == 0
        return n, n, project_of(n, size) if judged else 1 + (n * 15_485_863) % size.projects, now

    loader.load(Candidate, ("id", "paper_id", "project_id", "first_suggested_at"), map(candidate, numbers))
    loader.load(
        CandidateRevision,
        ("id", "candidate_id", "score", "band", "digest", "rules_digest", "suggested_at"),
        ((n, n, 0.5, Band.CERTAIN if n % 10 == 0 else Band.LIKELY, f"{n:064x}", "0" * 64, now) for n in numbers),
    )


def _references(loader: Loader, size: Size) -> None:
    """What the archive names: mostly papers that were judged, some that nobody has judged, some unknown here."""

    def rows() -> Iterator[Sequence[Any]]:
        for n in range(1, size.papers + 1):
            if n % 3:
                yield n, project_of(n, size), bibcode_of(n), "bench", _SEEN
            elif n % 15 == 0:
                yield n, 1 + (n * 15_485_863) % size.projects, bibcode_of(n + 500_000_000), "bench", _SEEN

    loader.load(ArchiveReference, ("id", "project_id", "bibcode", "source", "learned_at"), rows())


def _askings(loader: Loader, profile: Profile, size: Size, now: datetime) -> None:
    then = now - timedelta(days=400)
    columns = (
        "id", "name", "created_at", "as_of", "public_key", "questionnaire", "opened_at", "closes_on", "closed_at",
        "released_at", "key_destroyed_at",
    )  # fmt: skip
    wording = frozen(profile)
    loader.load(
        Campaign,
        columns,
        [(1, "earlier", then, then.date(), "0" * 64, wording, then, then.date(), then, then, then)],
    )
    invited = range(1, size.invited + 1)
    loader.load(
        Invitation,
        ("id", "campaign_id", "project_id", "recipient", "email", "nonce", "token_hash", "is_used", "created_at"),
        (
            (n, 1, n * 10, f"Maker{n}", address_of(n * 10, size).casefold(), f"{n:032x}", f"{n:064x}", n % 3 == 0, then)
            for n in invited
        ),
    )
    columns = (
        "id", "key", "message_id", "kind", "recipient", "email", "subject", "body", "state", "created_at", "sent_at",
    )  # fmt: skip
    loader.load(
        OutboxMail,
        columns,
        (
            (n, f"survey-1-{n}-invitation", f"<{n}@example.org>", "survey-invitation", f"Maker{n}", "gone@example.org",
             "Asked", "Asked.", MailState.SENT, then, then)
            for n in invited
        ),
    )  # fmt: skip
    loader.load(InvitationLetter, ("id", "invitation_id", "outbox_mail_id"), ((n, n, n) for n in invited))
    loader.load(
        AskedBefore,
        ("id", "project_id", "asked_on", "source", "learned_at"),
        ((n, n * 10 - 1, date(2016, 3, 1), "bench", _SEEN) for n in invited),
    )
    loader.load(
        AskingAgain,
        ("id", "project_id", "reason", "actor_id", "made_at"),
        ((n, n * 100, "the data were made again", 1, now) for n in range(1, size.projects // 100 + 1)),
    )


def _persons(loader: Loader, book: AddressBook, size: Size, now: datetime) -> None:
    """One person in a hundred opted out, one letter in a hundred came back, some projects were taken off by hand."""
    few = range(1, max(size.projects // 100, 1) + 1)
    gone = {book.hash(address_of(n * 97, size)) for n in few}
    loader.load(OptOut, ("address_hash", "key_id", "made_at"), ((each, book.key_id, _SEEN) for each in sorted(gone)))
    loader.load(
        MailBounce,
        ("id", "digest", "outbox_mail_id", "address_hash", "key_id", "is_hard", "told_at", "learned_at"),
        (
            (n, f"{n:064x}", n, book.hash(address_of(n * 10, size)), book.key_id, n % 2 == 0, now, now)
            for n in range(1, max(size.invited // 100, 1) + 1)
        ),
    )
    loader.load(
        SurveyExclusion,
        ("id", "project_id", "reason", "actor_id", "made_at"),
        ((n, n * 211, "left science", 1, now) for n in range(1, size.projects // 300 + 1)),
    )
