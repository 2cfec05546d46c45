"""A small bibliography for browser tests: people, titles and codes are invented."""

from __future__ import annotations

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.words import Scheme
from tests.factories import accept, add_paper, add_project

_TITLES = (
    "Rings in the disc of a fictional star",
    "Molecular gas in twelve galaxies that do not exist: a survey of carbon monoxide and its isotopologues at redshift two",
    "A dusty torus, resolved",
    "Water vapour around an invented giant",
    "The magnetic field of a protostar nobody has seen",
)


def fill(runtime: Runtime, librarian: Actor, *, papers: int = 24, projects: int = 9) -> list[int]:
    """Add projects and papers of 2013–2026 whose links ``librarian`` accepted; return the papers' ids."""
    with runtime.store.writing() as session:
        codes = [f"{2012 + i % 8}.1.{100 + i:05d}.S" for i in range(projects)]
        project_ids = [add_project(session, code, title=_TITLES[i % len(_TITLES)]) for i, code in enumerate(codes)]
        paper_ids = []
        for i in range(papers):
            paper_id = add_paper(
                session,
                f"{_TITLES[i % len(_TITLES)]} ({i + 1})",
                authors=("Ahn, B.", "Berg, L.", "Çelik, D.", "Díaz, E.", "Eriksen, F.")[: 1 + i % 5],
                year=2013 + (i * i) % 14,
                is_refereed=i % 6 != 0,
                identifiers={Scheme.DOI: f"10.9999/browser.{i}", Scheme.ARXIV: f"2001.{i:05d}"},
                abstract="This abstract must never be shown to the public.",
            )
            accept(session, librarian, paper_id, project_ids[i % projects])
            paper_ids.append(paper_id)
    return paper_ids
