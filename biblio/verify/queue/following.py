"""The queue follows what was decided elsewhere than at the desk, in the same unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from biblio.observatory import Profile
from biblio.store.models import Link, Paper
from biblio.verify.queue.items import papers_with_project, refresh


def follow(session: Session, profile: Profile, paper_ids: Sequence[int], today: date) -> None:
    """Bring the queue in step: the papers decided on, and those that wait for projects these were judged for."""
    group = sa.or_(col(Paper.id).in_(paper_ids), col(Paper.merged_into_id).in_(paper_ids))
    judged = select(Link.project_id).join(Paper, col(Paper.id) == col(Link.paper_id)).where(group).distinct()
    projects = list(session.exec(judged))
    papers = {*paper_ids, *papers_with_project(session, projects)}
    refresh(session, profile, papers, today=today)
