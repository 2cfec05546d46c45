"""What a feature is, and the list of features, loaded by name: the house knows features only by name.

A new feature is a new folder with a ``feature.py`` that sets ``feature = Feature(...)``, and one name below.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import click
from flask import Blueprint, Flask
from sqlmodel import Session

from biblio.jobs import Job
from biblio.observatory import Profile
from biblio.runtime import Runtime

FEATURES = (
    "biblio.ingest",
    "biblio.verify",
    "biblio.public",
    "biblio.contacts",
    "biblio.journals",
    "biblio.compare",
    "survey",
    "reports",
)
"""The features, in the order in which their pages stand in the navigation."""


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the navigation: shown to those who may do ``action``, but not to those who may do ``unless`` as well.

    The second is for pages that most people find below another entry.
    """

    label: str
    endpoint: str
    action: str
    order: int = 50
    unless: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a feature adds to the house.

    ``follows`` bring what a feature works out of decisions in step with papers that another one decided about, in the
    same unit of work (``keep_in_step``).
    ``checks`` give sentences about what is not in order; ``status`` gives the lines that ``biblio status`` shows;
    ``starts`` are called once when a server starts: they begin what takes longer than a request, and return at once.
    """

    name: str
    blueprint: Callable[[], Blueprint]
    jobs: tuple[Job, ...] = ()
    commands: tuple[click.Command, ...] = ()
    navigation: tuple[NavigationItem, ...] = ()
    follows: tuple[Callable[[Session, Profile, Sequence[int], date], None], ...] = ()
    checks: tuple[Callable[[Runtime], Iterable[str]], ...] = ()
    status: tuple[Callable[[Runtime], Iterable[str]], ...] = ()
    starts: tuple[Callable[[Flask], None], ...] = ()


@cache
def load_features() -> tuple[Feature, ...]:
    """Import every feature and return what it declares, in the list's order."""
    loaded = []
    for name in FEATURES:
        feature = importlib.import_module(f"{name}.feature").feature
        if not isinstance(feature, Feature):
            raise TypeError(f"{name}.feature must set feature = Feature(...)")
        loaded.append(feature)
    return tuple(loaded)


def keep_in_step(session: Session, profile: Profile, paper_ids: Sequence[int], today: date) -> None:
    """Let every feature follow what was just decided about these papers; one that decides elsewhere than the desk calls it."""
    for feature in load_features():
        for follow in feature.follows:
            follow(session, profile, paper_ids, today)


def all_jobs() -> dict[str, Job]:
    """Return every job of every feature by name. Raises ``ValueError`` when two share a name."""
    jobs: dict[str, Job] = {}
    for feature in load_features():
        for job in feature.jobs:
            if job.name in jobs:
                raise ValueError(f"two jobs are called {job.name}")
            jobs[job.name] = job
    return jobs
