"""What a feature is, and the features, loaded by name: the house knows features only by name.

A new feature is a new folder with a ``feature.py`` that sets ``feature = Feature(...)``, and one name in
``biblio.loading``. Its commands stand by name in the folder's ``__init__.py``, so that each is called without all others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling
from biblio.errors import Stale
from biblio.jobs import Job
from biblio.loading import FEATURES, load
from biblio.mail import LetterKind
from biblio.runtime import Runtime
from biblio.store.models import Decision


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
class Deciding:
    """How decisions are stored, wherever they are taken: with the desk's questions, its second readings and its queue.

    ``judge`` stores verdicts as one, all or none; its last argument are the numbers of other people's claims that the
    person was told of. ``take_back`` undoes decisions, all or none. Both raise ``Stale`` where the person must look
    again; ``ask`` then returns the page (409) that asks once more, given where its form leads and the way back, or
    None where there is nothing to ask.
    """

    judge: Callable[[Session, Actor, Sequence[Ruling], Runtime, Collection[int]], list[Decision]]
    take_back: Callable[[Session, Actor, Sequence[int], Runtime], list[Decision]]
    ask: Callable[[Stale, str, str], ResponseReturnValue | None]
    aware: Callable[[], Collection[int]]
    """Read the claims that the person was told of from the form that came back."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a feature adds to the house.

    ``deciding`` is the desk's alone: how a person's verdict is stored by features that show papers, too (``deciding()``).
    ``checks`` give sentences about what is not in order; ``status`` gives the lines that ``biblio status`` shows;
    ``letters`` are the kinds of letters that it sends;
    ``starts`` are called once when a server starts: they begin what takes longer than a request, and return at once.
    """

    name: str
    blueprint: Callable[[], Blueprint]
    jobs: tuple[Job, ...] = ()
    navigation: tuple[NavigationItem, ...] = ()
    deciding: Deciding | None = None
    checks: tuple[Callable[[Runtime], Iterable[str]], ...] = ()
    status: tuple[Callable[[Runtime], Iterable[str]], ...] = ()
    letters: tuple[LetterKind, ...] = ()
    starts: tuple[Callable[[Flask], None], ...] = ()


@cache
def load_features() -> tuple[Feature, ...]:
    """Import every feature and return what it declares, in the list's order."""
    loaded = []
    for name in FEATURES:
        feature = load(f"{name}.feature:feature")
        if not isinstance(feature, Feature):
            raise TypeError(f"{name}.feature must set feature = Feature(...)")
        loaded.append(feature)
    return tuple(loaded)


def deciding() -> Deciding:
    """Return how decisions are stored. Raises ``LookupError`` when no feature says so."""
    found = next((feature.deciding for feature in load_features() if feature.deciding is not None), None)
    if found is None:
        raise LookupError("no feature says how decisions are stored")
    return found


def all_jobs() -> dict[str, Job]:
    """Return every job of every feature by name. Raises ``ValueError`` when two share a name."""
    jobs: dict[str, Job] = {}
    for feature in load_features():
        for job in feature.jobs:
            if job.name in jobs:
                raise ValueError(f"two jobs are called {job.name}")
            jobs[job.name] = job
    return jobs
