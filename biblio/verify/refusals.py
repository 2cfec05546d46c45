"""Pages that ask once more or show both views (409): somebody else works on what one was about to decide, or has judged it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col

from biblio import webkit
from biblio.catalogue.links import Ruling
from biblio.store.current import survivor_of
from biblio.store.models import Decision, Link, MergeProposal, Paper, PaperMerge, Project, UserAccount
from biblio.store.words import Verdict
from biblio.verify.paper.history import VERDICT_WORDS
from biblio.verify.service import certain_now
from biblio.verify.sharing.claims import Claimed
from biblio.verify.sharing.queries import titles, until_words
from biblio.verify.sharing.second_readings import hidden_from

MOST_FIELDS = 500
"""Fields of a form that are sent on: a page of candidates has a hundred."""


def claimed_page(claimed: Claimed, action: str, back: str) -> ResponseReturnValue:
    """Ask once more: somebody else works on what this person was about to decide; the same form is sent again with yes.

    Of many that were ticked, those that nobody works on can be confirmed without the others.
    """
    taken = {one.paper_id for one in claimed.claims}
    with webkit.reading() as session:
        names = titles(session, taken)
        free = [chosen for chosen in request.form.getlist("chosen") if _survivor(session, chosen) not in taken]
    now = webkit.runtime().clock.now()
    fields = [(name, value) for name in request.form for value in request.form.getlist(name)]
    page = render_template(
        "verify/claimed.html",
        claims=claimed.claims,
        titles=names,
        until={one.claim_id: until_words(one.until, now) for one in claimed.claims},
        fields=[(name, value) for name, value in fields[:MOST_FIELDS] if name not in ("csrf_token", "aware")],
        aware=sorted({*aware_of(), *(one.claim_id for one in claimed.claims)}),
        free=free[:MOST_FIELDS],
        action=action,
        back=back,
    )
    return page, 409


def _survivor(session: Session, chosen: str) -> int | None:
    """Return the paper of a ticked box (paper:project:revision), as it stands now."""
    paper = chosen.partition(":")[0]
    return survivor_of(session, int(paper)) or int(paper) if paper.isdecimal() and len(paper) < 10 else None


def aware_of() -> frozenset[int]:
    """Return the numbers of other people's claims that the form says this person was told of."""
    given = request.form.getlist("aware")[:MOST_FIELDS]
    return frozenset(int(one) for one in given if one.isdecimal() and len(one) < 10)


def seen_relation() -> int | None:
    """Return the number of the judgement of the paper's class that was on the screen; None where the form does not say."""
    given = request.form.get("relation_seen", "")
    return int(given) if given.isdecimal() and len(given) < 10 else None


# -- many at once -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """One candidate that could not be confirmed: what somebody else judged, or None where it is no longer certain."""

    paper_id: int
    title: str
    code: str
    verdict: Verdict | None = None
    who: str = ""
    at: datetime | None = None
    reason: str = ""
    is_hidden: bool = False


def many_page(rulings: Sequence[Ruling], action: str, back: str) -> ResponseReturnValue:
    """Show which of many candidates somebody judged meanwhile, in both views, and offer to confirm the others."""
    with webkit.reading() as session:
        judged = _meanwhile(session, rulings, certain_now(session, rulings))
    gone = {(paper, project) for paper, project in judged}
    left = [r for r in rulings if (r.paper_id, r.project_id) not in gone]
    page = render_template(
        "verify/stale_many.html",
        rows=list(judged.values()),
        left=[f"{r.paper_id}:{r.project_id}:{r.candidate_revision_id}" for r in left],
        aware=sorted(aware_of()),
        verdict_words=VERDICT_WORDS,
        action=action,
        back=back,
    )
    return page, 409


def _meanwhile(session: Session, rulings: Sequence[Ruling], certain: set[int]) -> dict[tuple[int, int], Meanwhile]:
    survivors = {r.paper_id: survivor_of(session, r.paper_id) or r.paper_id for r in rulings}
    papers = set(survivors.values())
    names = titles(session, papers)
    hidden = hidden_from(session, webkit.actor().user_id, papers)
    codes = dict(
        session.execute(
            sa.select(col(Project.id), col(Project.code)).where(col(Project.id).in_({r.project_id for r in rulings}))
        ).all()
    )
    links = _links(session, papers)
    found: dict[tuple[int, int], Meanwhile] = {}
    for ruling in rulings:
        survivor = survivors[ruling.paper_id]
        title, code = names.get(survivor, "Untitled paper"), codes.get(ruling.project_id, "an unknown project")
        link = links.get((survivor, ruling.project_id))
        if survivor in hidden:
            found[ruling.paper_id, ruling.project_id] = Meanwhile(survivor, title, code, is_hidden=True)
        elif link is not None:
            found[ruling.paper_id, ruling.project_id] = Meanwhile(survivor, title, code, *link)
        elif ruling.candidate_revision_id not in certain:
            found[ruling.paper_id, ruling.project_id] = Meanwhile(survivor, title, code)
    return found


def _links(session: Session, papers: set[int]) -> dict[tuple[int, int], tuple[Verdict, str, datetime, str]]:
    """Return (paper, project) → what is in force: verdict, by whom, when, why."""
    rows = session.execute(
        sa.select(
            sa.func.coalesce(col(Paper.merged_into_id), col(Paper.id)),
            col(Link.project_id),
            col(Link.verdict),
            col(UserAccount.name),
            col(Link.decided_at),
            col(Decision.reason),
        )
        .select_from(Link)
        .join(Paper, col(Paper.id) == col(Link.paper_id))
        .join(Decision, col(Decision.id) == col(Link.decision_id))
        .join(UserAccount, col(UserAccount.id) == col(Decision.actor_id))
        .where(sa.or_(col(Paper.id).in_(papers), col(Paper.merged_into_id).in_(papers)), col(Link.ended_at).is_(None))
        .order_by(col(Link.id))
    )
    return {(paper, project): (verdict, who, at, reason) for paper, project, verdict, who, at, reason in rows}


# -- twins --------------------------------------------------------------------------------------------------------------------


def twin_page(proposal_id: int, wanted: Verdict, back: str) -> ResponseReturnValue:
    """Show both answers to "are these two one paper?": this person's, and the one somebody gave meanwhile."""
    with webkit.reading() as session:
        row = session.get_one(MergeProposal, proposal_id)
        who = session.get(UserAccount, row.actor_id) if row.actor_id else None
        names = titles(session, {row.paper_id, row.twin_id})
        merge = session.execute(
            sa.select(col(PaperMerge.id))
            .where(
                col(PaperMerge.kept_id).in_([row.paper_id, row.twin_id]),
                col(PaperMerge.merged_id).in_([row.paper_id, row.twin_id]),
                col(PaperMerge.undone_at).is_(None),
            )
            .limit(1)
        ).scalar()
        page = render_template(
            "verify/stale_twin.html",
            papers=[(i, names.get(i, "Untitled paper")) for i in (row.paper_id, row.twin_id)],
            wanted=wanted,
            told=row.verdict,
            who=who.name if who else "biblio",
            at=row.decided_at,
            merge_id=merge,
            back=back,
        )
    return page, 409
