"""Whom to ask: the rule itself, on plain facts. It knows no database and no clock.

A project is *due* when its PI should be asked why nothing was published. The rule gives the first thing that stands
against asking, in the order of ``Ground``; each ground is a sentence a librarian can check.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the rule needs to know of one project. Dates are days in UTC.

    ``last_release_on`` is the latest *usable* release date of its units; ``cycle_ends_on`` the last day of its
    cycle's regular observing. ``preprint_on`` is the day of its youngest accepted science preprint. ``is_read_again``:
    a second reader has yet to judge one of its papers, blind; the two facts about papers then leave such papers out.
    ``excluded`` is the reason a person gave, None when nobody excluded it.
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
    has_opted_out: bool = False
    has_address: bool = True
    excluded: str | None = None


@dataclass(frozen=True, slots=True)
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


def judge(facts: ProjectFacts, asking: Asking, as_of: date) -> Judgement:
    """Say whether the PI should be asked on ``as_of``, or the first ground against it.

    Two calendar years (or the profile's number) must have *passed*: a project released on 2022-05-10 with two years
    of grace is due from 2024-05-10 on.
    """
    due_from = None if facts.last_release_on is None else asking.due_from(facts.last_release_on)
    found = (
        _about_the_data(facts, asking, as_of, due_from)
        or _about_papers(facts, asking, as_of)
        or _about_the_person(facts)
    )
    if found is not None:
        ground, because = found
        return Judgement(ground, because, due_from)
    return Judgement(
        None,
        f"Everyone's since {facts.last_release_on}, silent for {asking.grace_years} years since then ({due_from}, UTC).",
        due_from,
    )


def _about_the_data(
    facts: ProjectFacts, asking: Asking, as_of: date, due_from: date | None
) -> tuple[Ground, str] | None:
    if not facts.is_pi_project:
        return (
            Ground.NOT_PI_PROJECT,
            f"The observatory's own project (kind {facts.kind or 'unknown'}) has no PI to ask.",
        )
    if facts.delivered_units == 0:
        return Ground.NOTHING_DELIVERED, "No observation unit has been delivered."
    still_open = _still_open(facts, asking, as_of)
    if still_open is not None:
        return Ground.STILL_OPEN, still_open
    if facts.last_release_on is None or due_from is None:
        return Ground.NO_RELEASE_DATE, "None of its observation units has a usable release date."
    if facts.last_release_on > as_of:
        return Ground.STILL_PROPRIETARY, f"The last unit becomes everyone's on {facts.last_release_on} (UTC)."
    if due_from > as_of:
        return (
            Ground.WITHIN_GRACE,
            f"Everyone's since {facts.last_release_on}; the {asking.grace_years} years of grace end on {due_from} (UTC).",
        )
    return None


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


def _about_papers(facts: ProjectFacts, asking: Asking, as_of: date) -> tuple[Ground, str] | None:
    if facts.has_refereed:
        return Ground.NOT_SILENT, "A refereed science paper was accepted for it."
    if _has_young_preprint(facts, asking, as_of):
        return (
            Ground.NOT_SILENT,
            f"A science preprint of {facts.preprint_on} was accepted; it counts for {asking.preprint_counts_months} months.",
        )
    if facts.is_read_again:
        return Ground.READ_AGAIN, "One of its papers is read a second time: the readers come first."
    if facts.undecided_certain:
        return Ground.UNDECIDED_CERTAIN, "A certain candidate waits at the desk: the desk comes first."
    if facts.unverified_references:
        named = ", ".join(facts.unverified_references[:3])
        return Ground.ARCHIVE_REFERENCE, f"The archive names a paper that nobody has judged here: {named}."
    return None


def _about_the_person(facts: ProjectFacts) -> tuple[Ground, str] | None:
    if facts.asked_on is not None:
        return Ground.ASKED_BEFORE, f"The PI was asked on {facts.asked_on} already."
    if facts.has_opted_out:
        return Ground.OPTED_OUT, "The PI does not want to be asked again."
    if not facts.has_address:
        return Ground.NO_ADDRESS, "The project list gives no usable e-mail address for the PI."
    if facts.excluded is not None:
        return Ground.EXCLUDED, f"Taken off the list by hand: {facts.excluded or 'no reason given'}"
    return None
