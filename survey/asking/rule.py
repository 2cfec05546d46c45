"""Whom to ask: the rule itself, on plain facts. It knows no database and no clock.

A project is *due* when its PI should be asked why nothing was published. The rule gives the first thing that stands
against asking, in the order of ``Ground``; each ground is a sentence a librarian can check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from biblio.observatory import Asking


class Ground(StrEnum):
    """Why a project's PI is not asked; the first that holds, in this order, is the answer."""

    NOT_PI_PROJECT = "not_pi_project"
    NOTHING_DELIVERED = "nothing_delivered"
    STILL_OPEN = "still_open"
    NO_RELEASE_DATE = "no_release_date"
    STILL_PROPRIETARY = "still_proprietary"
    WITHIN_GRACE = "within_grace"
    NOT_SILENT = "not_silent"
    READ_AGAIN = "read_again"
    UNDECIDED_CERTAIN = "undecided_certain"
    ARCHIVE_REFERENCE = "archive_reference"
    ASKED_BEFORE = "asked_before"
    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    EXCLUDED = "excluded"

    @property
    def label(self) -> str:
        """The ground as pages and tables write it."""
        return _LABELS[self]


_LABELS = {
    Ground.NOT_PI_PROJECT: "not a PI project",
    Ground.NOTHING_DELIVERED: "nothing delivered",
    Ground.STILL_OPEN: "still open",
    Ground.NO_RELEASE_DATE: "no usable release date",
    Ground.STILL_PROPRIETARY: "still proprietary",
    Ground.WITHIN_GRACE: "within grace",
    Ground.NOT_SILENT: "not silent",
    Ground.READ_AGAIN: "read a second time",
    Ground.UNDECIDED_CERTAIN: "undecided candidate",
    Ground.ARCHIVE_REFERENCE: "archive names a paper",
    Ground.ASKED_BEFORE: "asked before",
    Ground.OPTED_OUT: "opted out",
    Ground.NO_ADDRESS: "no address",
    Ground.EXCLUDED: "excluded by hand",
}


@dataclass(slots=True)  # frozen, a hundred thousand take half a second longer
class ProjectFacts:
    """What the rule needs to know of one project. Dates are days in UTC.

    ``last_release_on`` is the latest *usable* release date of its units; ``cycle_ends_on`` the last day of its
    cycle's regular observing. ``preprint_on`` is the day of its youngest accepted science preprint. ``is_read_again``:
    a second reader has yet to judge one of its papers, blind; the two facts about papers then leave such papers out.
    ``asked_on`` is the last asking, ``is_drafted``: it only stands on the list of a draft. ``may_ask_again``: somebody
    who may gave leave for one further asking after that. ``is_dead_address``: letters to the address came back for
    good. ``excluded`` is the reason a person gave, None when nobody excluded it.
    """

    is_pi_project: bool = True
    kind: str | None = None
    delivered_units: int = 0
    state: str | None = None
    cycle_ends_on: date | None = None
    last_release_on: date | None = None
    has_refereed: bool = False
    preprint_on: date | None = None
    is_read_again: bool = False
    undecided_certain: int = 0
    unverified_references: tuple[str, ...] = ()
    asked_on: date | None = None
    is_drafted: bool = False
    may_ask_again: bool = False
    has_opted_out: bool = False
    has_address: bool = True
    is_dead_address: bool = False
    excluded: str | None = None


@dataclass(slots=True)  # frozen, a hundred thousand take half a second longer
class Judgement:
    """What the rule says: ``ground`` None means eligible; ``because`` is a sentence; ``due_from`` a day, if known."""

    ground: Ground | None
    because: str
    due_from: date | None = field(default=None)

    @property
    def is_eligible(self) -> bool:
        """Whether the PI should be asked."""
        return self.ground is None


def is_silent(facts: ProjectFacts, asking: Asking, as_of: date) -> bool:
    """Whether nothing is published: no accepted refereed science paper, and no young enough science preprint."""
    return not facts.has_refereed and not _has_young_preprint(facts, asking, as_of)


def _has_young_preprint(facts: ProjectFacts, asking: Asking, as_of: date) -> bool:
    return facts.preprint_on is not None and asking.preprint_counts_until(facts.preprint_on) >= as_of


def _not_pi_project(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if facts.is_pi_project:
        return None
    return f"The observatory's own project (kind {facts.kind or 'unknown'}) has no PI to ask."


def _nothing_delivered(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    return None if facts.delivered_units else "No observation unit has been delivered."


def _still_open(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    """Return why more deliveries are expected, or None when observing has ended (complete or not)."""
    until = asking.open_until(facts.state, facts.cycle_ends_on)
    if until is None or until < as_of:
        return None
    if facts.state in asking.open_states:
        return f"The registry says {facts.state}: more deliveries are expected."
    said = f"The registry says {facts.state}, a word the profile does not know" if facts.state else "No known state"
    if until == date.max:
        return f"{said}, and its cycle is not in the profile: whether observing has ended cannot be told."
    return f"{said}; taken for open until its cycle's end and carry-over, {until}."


def _no_release_date(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if facts.last_release_on is not None:
        return None
    return "None of its observation units has a usable release date."


def _still_proprietary(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    released = facts.last_release_on
    if released is None or released <= as_of:
        return None
    return f"The last unit becomes everyone's on {released} (UTC)."


def _within_grace(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    released = facts.last_release_on
    if released is None:
        return None
    due_from = asking.due_from(released)
    if due_from <= as_of:
        return None
    return f"Everyone's since {released}; the {asking.grace_years} years of grace end on {due_from} (UTC)."


def _not_silent(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if facts.has_refereed:
        return "A refereed science paper was accepted for it."
    if _has_young_preprint(facts, asking, as_of):
        return f"A science preprint of {facts.preprint_on} was accepted; it counts for {asking.preprint_counts_months} months."
    return None


def _read_again(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    return "One of its papers is read a second time: the readers come first." if facts.is_read_again else None


def _undecided_certain(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    return "A certain candidate waits at the desk: the desk comes first." if facts.undecided_certain else None


def _archive_reference(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if not facts.unverified_references:
        return None
    named = ", ".join(facts.unverified_references[:3])
    return f"The archive names a paper that nobody has judged here: {named}."


def _asked_before(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if facts.asked_on is None or facts.may_ask_again:
        return None
    if facts.is_drafted:
        return f"It has stood on the list of a draft campaign since {facts.asked_on}."
    return f"The PI was asked on {facts.asked_on} already."


def _opted_out(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    return "The PI does not want to be asked again." if facts.has_opted_out else None


def _no_address(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if not facts.has_address:
        return "The project list gives no usable e-mail address for the PI."
    if facts.is_dead_address:
        return "Letters to the PI's address came back for good, and nobody has said that it works again."
    return None


def _excluded(facts: ProjectFacts, asking: Asking, as_of: date) -> str | None:
    if facts.excluded is None:
        return None
    return f"Taken off the list by hand: {facts.excluded or 'no reason given'}"


Check = Callable[[ProjectFacts, Asking, date], str | None]
"""Says in a sentence why its ground stands against asking, or None."""

CHECKS: tuple[tuple[Ground, Check], ...] = (
    (Ground.NOT_PI_PROJECT, _not_pi_project),
    (Ground.NOTHING_DELIVERED, _nothing_delivered),
    (Ground.STILL_OPEN, _still_open),
    (Ground.NO_RELEASE_DATE, _no_release_date),
    (Ground.STILL_PROPRIETARY, _still_proprietary),
    (Ground.WITHIN_GRACE, _within_grace),
    (Ground.NOT_SILENT, _not_silent),
    (Ground.READ_AGAIN, _read_again),
    (Ground.UNDECIDED_CERTAIN, _undecided_certain),
    (Ground.ARCHIVE_REFERENCE, _archive_reference),
    (Ground.ASKED_BEFORE, _asked_before),
    (Ground.OPTED_OUT, _opted_out),
    (Ground.NO_ADDRESS, _no_address),
    (Ground.EXCLUDED, _excluded),
)
"""The rule: each ground with what it looks at, in the order in which they are asked; ``judge`` gives the first."""

_OF_DATA, _OF_PAPERS_AND_PERSONS = CHECKS[:6], CHECKS[6:]

OF_THE_DATA = frozenset(ground for ground, _check in _OF_DATA)
"""Grounds of the project list: whether there are data to publish, and for how long everybody has had them."""


class Judge:
    """Judges projects on one day. Of projects alike in what the project list says, that much is judged once.

    What the list says (whose project it is, its state, cycle and dates) decides first, and many projects share it; they
    share the judgement then, too.
    """

    def __init__(self, asking: Asking, as_of: date) -> None:
        self._asking, self._as_of = asking, as_of
        self._by_data: dict[tuple[object, ...], Judgement] = {}

    def __call__(self, facts: ProjectFacts) -> Judgement:
        """Say whether the PI should be asked on the day, or the first ground against it.

        Two calendar years (or the profile's number) must have *passed*: a project released on 2022-05-10 with two years
        of grace is due from 2024-05-10 on.
        """
        key = (
            facts.is_pi_project,
            facts.kind,
            facts.delivered_units > 0,
            facts.state,
            facts.cycle_ends_on,
            facts.last_release_on,
        )
        by_data = self._by_data.get(key)
        if by_data is None:
            by_data = self._by_data[key] = self._judged_by_data(facts)
        if by_data.ground is not None:
            return by_data
        for ground, check in _OF_PAPERS_AND_PERSONS:
            because = check(facts, self._asking, self._as_of)
            if because is not None:
                return Judgement(ground, because, by_data.due_from)
        return by_data

    def _judged_by_data(self, facts: ProjectFacts) -> Judgement:
        """Judge by what the project list alone says. It may look at nothing of the facts that is not in the key above."""
        asking, released = self._asking, facts.last_release_on
        due_from = None if released is None else asking.due_from(released)
        for ground, check in _OF_DATA:
            because = check(facts, asking, self._as_of)
            if because is not None:
                return Judgement(ground, because, due_from)
        return Judgement(
            None,
            f"Everyone's since {released}, silent for {asking.grace_years} years since then ({due_from}, UTC).",
            due_from,
        )


def judge(facts: ProjectFacts, asking: Asking, as_of: date) -> Judgement:
    """Say of one project whether its PI should be asked on ``as_of``, or the first ground against it, as ``Judge`` does."""
    return Judge(asking, as_of)(facts)
