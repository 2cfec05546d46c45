"""Plays what people do in the demo, through the product's own services: the librarian's verdicts, the PIs' answers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide, live_link, live_relation, relate
from biblio.contacts.queries import Wanted, preprints
from biblio.contacts.service import prepared, send_letter, the_case
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.current import survivor_id, survivor_of
from biblio.store.models import (
    Campaign,
    Candidate,
    CandidateRevision,
    Contact,
    Invitation,
    Paper,
    PaperIdentifier,
    Project,
)
from biblio.store.words import RelationKind, Scheme, Verdict
from biblio.verify.queue.items import refresh
from survey.page.answering import submit
from survey.questionnaire import Chosen, Filled
from survey.tokens import make_token

BATCH = 25
"""Papers a player decides in one unit of work."""


def play_decisions(runtime: Runtime, actor: Actor, folder: Path) -> int:
    """Let the librarian decide what ``decisions.json`` says of the papers that are there; return how many papers.

    What is decided already is left alone, so playing again changes nothing. Only candidates that the machine proposed
    by evidence a person would look at (not the unlikely ones) are rejected in passing.
    """
    wanted: list[dict[str, Any]] = json.loads((folder / "decisions.json").read_text(encoding="utf-8"))
    done = 0
    for start in range(0, len(wanted), BATCH):
        with runtime.store.writing() as session:
            touched = [p for p in (_play_paper(session, runtime, actor, w) for w in wanted[start : start + BATCH]) if p]
            refresh(session, runtime.profile, touched, today=runtime.clock.today())
            done += len(touched)
    return done


def _play_paper(session: Session, runtime: Runtime, actor: Actor, wanted: dict[str, Any]) -> int | None:
    """Decide one paper; return its id, or None when it is not there or was decided before."""
    paper_id = _find_paper(session, wanted)
    if paper_id is None or live_relation(session, paper_id) is not None:
        return None
    now = runtime.clock.now()
    relation = RelationKind(wanted["relation"])
    projects = dict(
        session.execute(select(Project.code, Project.id).where(col(Project.code).in_(wanted["accept"]))).all()
    )
    accepted = {p for p in projects.values() if p is not None}
    if len(accepted) < len(wanted["accept"]):
        return None
    proposed = _proposed(session, paper_id)
    rejected = {p for p in proposed if p not in accepted} if wanted["others"] == "reject" else set()
    relate(session, actor, paper_id=paper_id, relation=relation, now=now, reason=wanted["reason"])
    for project_id, verdict in [(p, Verdict.ACCEPT) for p in sorted(accepted)] + [
        (p, Verdict.REJECT) for p in sorted(rejected)
    ]:
        if live_link(session, paper_id, project_id) is None:
            reason = wanted["reason"] if verdict is Verdict.ACCEPT else "Another project, or none."
            seconds = 5.0 + (37 * paper_id + 11 * project_id) % 55
            ruling = Ruling(paper_id, project_id, verdict, 0, None, reason, proposed.get(project_id), seconds)
            decide(session, actor, ruling, now=now)
    return paper_id


def _find_paper(session: Session, wanted: dict[str, Any]) -> int | None:
    for scheme, key in ((Scheme.DOI, "doi"), (Scheme.BIBCODE, "bibcode"), (Scheme.ARXIV, "arxiv_id")):
        value = wanted.get(key)
        if value:
            found = session.exec(
                select(PaperIdentifier.paper_id).where(
                    col(PaperIdentifier.scheme) == scheme, col(PaperIdentifier.value) == value
                )
            ).first()
            if found is not None:
                return survivor_of(session, found)
    return None


def _proposed(session: Session, paper_id: int) -> dict[int, int | None]:
    """Return project id → candidate revision of what the machine proposes for a paper."""
    rows = session.execute(
        sa.select(col(Candidate.project_id), col(CandidateRevision.id))
        .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
        .join(Paper, col(Paper.id) == col(Candidate.paper_id))
        .where(survivor_id() == paper_id, col(CandidateRevision.superseded_at).is_(None))
    )
    return dict(rows.all())


def play_letters(runtime: Runtime, actor: Actor, *, most: int) -> int:
    """Let the librarian write to the authors of the first preprints of the list, as the page prepares the letters.

    At most ``most`` on a day, one per person; return how many letters are in the outbox now that were not before.
    """
    today = runtime.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with runtime.store.reading() as session:
        if session.exec(select(Contact.id).where(col(Contact.made_at) >= today)).first() is not None:
            return 0
        waiting = [row.paper_id for row in session.execute(preprints(Wanted())).scalars()]
    written = 0
    for paper_id in waiting:
        if written == most:
            break
        try:
            with runtime.store.writing() as session:
                send_letter(session, runtime, actor, prepared(runtime, the_case(session, runtime, paper_id)))
            written += 1
        except RequestRefused:  # no address is known, or the author has a letter already
            continue
    return written


STATUS, COMMENT = "status", "comment"
"""The questions of the shipped questionnaire that the players answer."""


def play_answers(runtime: Runtime, campaign: Campaign, answers: Iterable[dict[str, Any]]) -> int:
    """Let PIs answer through their links, as the survey page does; return how many ballots went into the box."""
    secret = runtime.settings.secret()
    with runtime.store.reading() as session:
        open_links = dict(
            session.execute(
                select(Project.code, Invitation)
                .join(Invitation, col(Invitation.project_id) == col(Project.id))
                .where(col(Invitation.campaign_id) == campaign.id, col(Invitation.is_used).is_(False))
            ).all()
        )
    ballots = 0
    for answer in answers:
        invitation = open_links.get(answer["code"])
        if invitation is None:
            continue
        token = make_token(secret, invitation.id or 0, invitation.nonce)
        chosen = Chosen(STATUS, answer["reason"], answer["detail"] or "")
        texts = {COMMENT: answer["comment"]} if answer["comment"] else {}
        with runtime.store.writing() as session:
            submit(session, runtime, token, Filled((chosen,), texts))
        ballots += 1
    return ballots


def first_day(folder: Path) -> date:
    """Return the day on which the demo's first working day lies: the closed campaign's beginning."""
    return date.fromisoformat(json.loads((folder / "campaign.json").read_text(encoding="utf-8"))["opened_on"])
