"""The facts of a report as plain values: projects, papers, links, and the state of the bibliography itself.

What there is by the ten thousand is a named tuple: it is made in a fifth of the time of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from biblio.store.answers import CampaignAnswers

_NONE: Mapping[str, str] = {}


class Unit(NamedTuple):
    """One observation unit: its dates, and how long it was observed (seconds; None: the registry does not say)."""

    id: int
    delivered_on: date | None
    released_on: date | None
    exposure_s: float | None = None


class Project(NamedTuple):
    """One project as a report sees it; ``team`` is the PI (first) and the co-Is, as written.

    ``facets`` are the columns of the project list that the profile divides by, beside those that have a field here.
    ``state_on``: since when we know the registry to say, without a break, that the project was closed as a null result
    (``asking.null_states``); None where it does not. ``impossible_days`` counts days of its units on which there can have
    been no data (``Profile.days_of_data``): in ``units`` they are not known.
    """

    id: int
    code: str
    cycle: str | None = None
    call: str = ""
    kind: str = ""
    is_pi_project: bool = True
    title: str = ""
    pi: str = ""
    team: tuple[str, ...] = ()
    category: str = ""
    partner: str = ""
    state: str = ""
    units: tuple[Unit, ...] = ()
    facets: Mapping[str, str] = _NONE
    state_on: date | None = None
    impossible_days: int = 0


class Paper(NamedTuple):
    """One paper that is science with our data and has an accepted link, refereed or not.

    ``orcids`` are in step with ``authors`` ("" where none is known). ``published_precision`` says how much of
    ``published_on`` is known: "day", "month" or "year". ``facilities`` are the other observatories whose data it used,
    as the bibliography knows them. ``citations`` None: no source gives them. ``year`` is the journal's, else the
    preprint's.
    """

    id: int
    title: str = ""
    authors: tuple[str, ...] = ()
    orcids: tuple[str, ...] = ()
    first_affiliation: str = ""
    is_refereed: bool = True
    kind: str = ""
    journal: str = ""
    year: int | None = None
    published_on: date | None = None
    published_precision: str = ""
    preprint_on: date | None = None
    citations: int | None = None
    facilities: tuple[str, ...] = ()
    identifiers: Mapping[str, str] = _NONE


def called(identifiers: Mapping[str, str], paper_id: int) -> str:
    """Return what a paper is called in lists: its bibcode, else DOI, else arXiv number, else our own number."""
    return next((identifiers[s] for s in ("bibcode", "doi", "arxiv") if s in identifiers), f"#{paper_id}")


class Link(NamedTuple):
    """An accepted link of a paper that is science with our data."""

    paper_id: int
    project_id: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Days of one source that were not harvested."""

    source: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """The papers whose first verdict is a secret at this moment, whatever the report's day: a second reader has yet to judge.

    Only those drawn by the end of the report's day: what was known before they were tells nothing of it. ``since`` is when
    the first of them was drawn.
    """

    papers: frozenset[int] = frozenset()
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Bibliography:
    """The state of the bibliography itself.

    ``undecided`` counts candidates that nobody accepted or rejected by band, ``undecided_papers`` has the papers that wait by the best
    band of what waits on them: each paper once. ``undecided_pairs`` are the candidates themselves by band, (paper, project), sorted;
    ``relinked_pairs`` are links accepted earlier of papers of which nobody says how they relate any more: they count again as soon as
    a candidate of the same paper is accepted, and stand under the best band of those;
    ``undecided_facts`` has what is known of those papers as far as dates and kind go, without the ones that could not count whatever
    is decided of a project (a person called them engineering). ``paper_to_decision_days`` has the days from a paper's first appearance
    to the first decision about it, one per paper decided, and ``decided_on`` the day of that decision.
    ``second_readings`` counts those ended, and ``agreed`` those in which both readers said the same;
    ``under_second_reading`` are papers with an open one: they are counted, and nothing else may be told of them.
    ``names`` has what those of all these papers are called that are not among the papers of the facts. ``read_again``
    is counted nowhere: it says what to leave out for whoever may be the second reader.
    """

    undecided: Mapping[str, int] = field(default_factory=dict)
    undecided_papers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    undecided_pairs: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    relinked_pairs: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    undecided_facts: Mapping[int, Paper] = field(default_factory=dict)
    paper_to_decision_days: Mapping[int, int] = field(default_factory=dict)
    decided_on: Mapping[int, date] = field(default_factory=dict)
    second_readings: int = 0
    agreed: int = 0
    under_second_reading: frozenset[int] = frozenset()
    names: Mapping[int, str] = field(default_factory=dict)
    holes: tuple[Hole, ...] = ()
    read_again: ReadAgain = field(default_factory=ReadAgain)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one report counts, as known at the end of ``as_of`` (UTC).

    ``complete_through``: the last day up to which every source of papers that was ever asked had given everything since
    the profile's first year, as known then; None where there is no such day. ``known_since``: the day on which the first
    project or paper was recorded here, before which nothing was known; None where none ever was.
    """

    as_of: date
    complete_through: date | None = None
    projects: Mapping[int, Project] = field(default_factory=dict)
    papers: Mapping[int, Paper] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    answers: tuple[CampaignAnswers, ...] = ()
    bibliography: Bibliography = field(default_factory=Bibliography)
    known_since: date | None = date.min
