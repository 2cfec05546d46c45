"""Writes plain facts into a real store, in bulk: what a report reads back is what tests built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from biblio.store.models import (
    Candidate,
    CandidateRevision,
    Decision,
    Link,
    ObservationUnit,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperRelation,
    PaperRevision,
    Project,
    ProjectRevision,
    UnitRevision,
)
from biblio.store.words import Band, RelationKind, Scheme, Verdict
from reports.facts import model
from tests.factories import add_user

LEARNED = datetime(2012, 1, 1, tzinfo=UTC)
"""When everything but the links was learned."""


def store(
    session: Session,
    projects: Mapping[int, model.Project],
    papers: Mapping[int, model.Paper],
    links: Sequence[model.Link],
    decided_on: Mapping[int, datetime],
) -> None:
    """Write projects, papers and their accepted links, which science rests on, under the ids they have.

    ``decided_on``: when the links of each paper were decided.
    """
    actor = add_user(session)
    _write(session, Project, map(_project, projects.values()))
    _write(session, ProjectRevision, map(_project_revision, projects.values()))
    units = [(project.id, unit) for project in projects.values() for unit in project.units]
    _write(session, ObservationUnit, ({"id": u.id, "project_id": p, "uid": f"uid://{u.id}", "first_seen_at": LEARNED} for p, u in units))  # fmt: skip
    _write(session, UnitRevision, (_unit_revision(unit) for _, unit in units))
    _write(session, Paper, ({"id": i, "first_seen_at": LEARNED} for i in papers))
    _write(session, PaperRevision, map(_paper_revision, papers.values()))
    _write(session, PaperAuthor, (author for paper in papers.values() for author in _authors(paper)))
    _write(session, PaperIdentifier, (_identifier(i) for i in papers))
    decided = [_decision(number, link, actor.user_id, decided_on) for number, link in enumerate(links, start=1)]
    _write(session, Decision, decided)
    _write(session, Link, map(_link, decided))
    related = {decision["paper_id"]: decision for decision in reversed(decided)}
    _write(session, PaperRelation, (_relation(decision) for _, decision in sorted(related.items())))


def add_undecided(session: Session, pairs: Iterable[tuple[int, int]], at: datetime) -> None:
    """Let the machine be certain of pairs (paper, project) about which nobody has decided."""
    numbered = list(enumerate(pairs, start=1))
    _write(
        session,
        Candidate,
        (
            {"id": n, "paper_id": paper, "project_id": project, "first_suggested_at": at, "look_again": False}
            for n, (paper, project) in numbered
        ),
    )
    _write(
        session,
        CandidateRevision,
        (
            {"candidate_id": n, "score": 0.99, "band": Band.CERTAIN, "digest": "d", "rules_digest": "r", "suggested_at": at}
            for n, _ in numbered
        ),
    )  # fmt: skip


def _write(session: Session, table: type[SQLModel], rows: Iterable[dict[str, Any]]) -> None:
    if made := list(rows):
        session.connection().execute(sa.insert(table.__table__), made)  # type: ignore[attr-defined]


def _project(project: model.Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "code": project.code,
        "cycle": project.cycle,
        "call": project.call or None,
        "kind": project.kind,
        "is_pi_project": project.is_pi_project,
        "first_seen_at": LEARNED,
    }


def _project_revision(project: model.Project) -> dict[str, Any]:
    return {
        "project_id": project.id,
        "source": "test",
        "learned_at": LEARNED,
        "title": project.title,
        "pi": project.pi or None,
        "co_is": list(project.team[1:]),
        "targets": [],
        "keywords": [],
        "extra": {},
        "category": project.category or None,
        "partner": project.partner,
        "state": project.state or None,
    }


def _unit_revision(unit: model.Unit) -> dict[str, Any]:
    return {
        "unit_id": unit.id,
        "source": "test",
        "learned_at": LEARNED,
        "delivered_on": unit.delivered_on,
        "released_on": unit.released_on,
        "exposure_s": unit.exposure_s,
    }


def _paper_revision(paper: model.Paper) -> dict[str, Any]:
    return {
        "id": paper.id,
        "paper_id": paper.id,
        "learned_at": LEARNED,
        "title": paper.title,
        "kind": paper.kind,
        "is_refereed": paper.is_refereed,
        "journal": paper.journal,
        "year": paper.year,
        "published_on": paper.published_on,
        "published_precision": paper.published_precision,
        "preprint_on": paper.preprint_on,
        "is_withdrawn": False,
        "keywords": [],
        "provenance": {},
    }


def _authors(paper: model.Paper) -> Iterable[dict[str, Any]]:
    for position, (name, orcid) in enumerate(zip(paper.authors, paper.orcids, strict=True), start=1):
        yield {
            "revision_id": paper.id,
            "position": position,
            "name": name,
            "affiliation": paper.first_affiliation or None if position == 1 else f"Institute {position}",
            "orcid": orcid or None,
        }


def _identifier(paper: int) -> dict[str, Any]:
    value = f"10.9999/made.{paper}"
    return {"paper_id": paper, "scheme": Scheme.DOI, "value": value, "source": "test", "learned_at": LEARNED}


def _decision(number: int, link: model.Link, actor: int | None, decided_on: Mapping[int, datetime]) -> dict[str, Any]:
    return {
        "id": number,
        "paper_id": link.paper_id,
        "project_id": link.project_id,
        "actor_id": actor,
        "made_at": decided_on[link.paper_id],
        "verdict": Verdict.ACCEPT,
        "relation": RelationKind.SCIENCE,
        "reason": "",
    }


def _link(decision: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "paper_id": decision["paper_id"],
        "project_id": decision["project_id"],
        "verdict": Verdict.ACCEPT,
        "decision_id": decision["id"],
        "version": 1,
        "decided_at": decision["made_at"],
    }


def _relation(decision: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "paper_id": decision["paper_id"],
        "relation": RelationKind.SCIENCE,
        "actor_id": decision["actor_id"],
        "decision_id": decision["id"],
        "reason": "",
        "decided_at": decision["made_at"] - timedelta(seconds=1),
    }
