"""A small desk to learn from: papers whose right project shares a co-I, and papers that share a PI and are wrong.

The profile's weights believe in PIs, so a model fitted to these verdicts ranks better. All people are invented.
"""

from __future__ import annotations

from sqlmodel import Session

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide
from biblio.runtime import Runtime
from biblio.store.words import RelationKind, Verdict
from tests.verify.factories import SEEN, add_mention, add_paper, add_project, add_user

PROJECTS = 30

_BEGINNINGS = ("Bra", "Kelo", "Tumi", "Sarve", "Ondri", "Pelka", "Zibe", "Garmo", "Hulde", "Yorna")
_ENDINGS = ("stad", "vik", "moor", "lind", "foss", "gard", "wend", "thal", "bro")


def name(number: int) -> str:
    """One of 90 fictional people."""
    return f"{_BEGINNINGS[number % 10]}{_ENDINGS[number // 10]}, {'ABCDEFGHIJ'[number % 10]}."


def code(number: int) -> str:
    """The code of a project."""
    return f"2016.1.{number:05d}.S"


def add_projects(session: Session) -> list[int]:
    """Projects of one PI and two co-Is each, none of them in two; return their ids."""
    return [
        add_project(
            session,
            code(n),
            title=f"Gas in the field of Tamsin {n}",
            pi=name(n),
            co_is=(name(30 + n), name(60 + n)),
            targets=(f"Tamsin {n}",),
        )
        for n in range(PROJECTS)
    ]


def add_judged(session: Session, actor: Actor, projects: list[int], papers: int) -> None:
    """Papers by turns: a co-I of a project is an author (accepted), or its PI (rejected)."""
    for n in range(papers):
        place = n // 2 % PROJECTS
        is_right = n % 2 == 0
        author = name(30 + place) if is_right else name(place)
        paper = add_paper(session, title="On a sky far from here", authors=(author, "Nobody, X."), abstract="")
        ruling = (
            Ruling(paper, projects[place], Verdict.ACCEPT, 0, RelationKind.SCIENCE)
            if is_right
            else Ruling(paper, projects[place], Verdict.REJECT, 0)
        )
        decide(session, actor, ruling, now=SEEN)


def add_cited(session: Session, papers: int) -> None:
    """Papers of a co-I that print the code of the project."""
    for n in range(papers):
        place = n % PROJECTS
        paper = add_paper(session, title="Another sky", authors=(name(30 + place), "Nobody, X."), abstract="")
        add_mention(session, paper, code(place))


def fill(runtime: Runtime, papers: int = 130, cited: int = 0) -> Actor:
    """A desk with so many judged and cited papers; return who judged."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        projects = add_projects(session)
        add_judged(session, actor, projects, papers)
        add_cited(session, cited)
    return actor
