"""What the people of the demo do: the librarian's verdicts, and the players of one closed campaign.

Both are read by whoever plays the demo through the product's own services; the product itself never sees them.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from demo import words
from demo.papers import SCIENCE, Paper
from demo.projects import NEVER, Project, add_months

Json = dict[str, Any]

REASONS = 12
SHARE_ANSWERING = 0.7
LEFT_TO_ASK = 65
GRACE_MONTHS = 24
_WEIGHTS = (3, 2, 6, 3, 2, 3, 4, 2, 5, 2, 1, 1)
"""How often each of the twelve answers is given beyond its first time; "in preparation" leads, as in ESO's survey."""


def first_papers(papers: list[Paper]) -> dict[str, date]:
    """Return code → first day of the first paper that makes the project not silent (science, no side products)."""
    first: dict[str, date] = {}
    for paper in papers:
        if paper.relation == SCIENCE and paper.sort == "article":
            for code in paper.codes:
                first[code] = min(first.get(code, paper.submitted_on), paper.submitted_on)
    return first


def due_on(project: Project) -> date | None:
    """Return the day the project's grace ends: last release of its delivered units plus two calendar years.

    ``None`` for projects nobody can be asked about: no PI project, still open, nothing delivered, no release date.
    A unit that never came does not hold up a project whose observing has ended.
    """
    delivered = [unit for unit in project.units if unit.delivered_on and unit.released_on != NEVER]
    if not project.is_pi_project or project.state == "InProgress" or not delivered:
        return None
    return add_months(max(unit.released_on for unit in delivered), GRACE_MONTHS)


def silent_and_due(projects: list[Project], papers: list[Paper], as_of: date) -> list[Project]:
    """Return the projects without a paper up to ``as_of`` whose grace has ended by then."""
    first = first_papers(papers)
    found = []
    for project in projects:
        end = due_on(project)
        if end is not None and end <= as_of and first.get(project.code, NEVER) > as_of:
            found.append(project)
    return found


def plan_campaign(rng: random.Random, projects: list[Project], papers: list[Paper], today: date) -> Json:
    """Return one closed campaign of an earlier spring: who was asked, who answered what, who kept silent.

    Everybody who was silent and due then is asked, and seven in ten answer; all twelve answers occur.
    """
    as_of = _campaign_day(projects, papers, today)
    asked = silent_and_due(projects, papers, as_of)
    answering = rng.sample(asked, round(len(asked) * SHARE_ANSWERING))
    reasons = list(range(1, REASONS + 1))
    reasons += rng.choices(range(1, REASONS + 1), weights=_WEIGHTS, k=max(len(answering) - REASONS, 0))
    answers = []
    for project, reason in zip(answering, reasons, strict=False):
        detail = rng.choice(words.DETAILS[reason]) if reason in words.DETAILS else None
        comment = rng.choice(words.COMMENTS) if rng.random() < 0.45 else None
        answers.append({"code": project.code, "reason": reason, "detail": detail, "comment": comment})
    replied = [answer["code"] for answer in answers]
    return {
        "name": f"Spring {as_of.year}",
        "as_of": as_of.isoformat(),
        "opened_on": as_of.isoformat(),
        "closed_on": (as_of + timedelta(42)).isoformat(),
        "asked": [project.code for project in asked],
        "answers": sorted(answers, key=lambda answer: str(answer["code"])),
        "unanswered": [project.code for project in asked if project.code not in replied],
    }


def _campaign_day(projects: list[Project], papers: list[Paper], today: date) -> date:
    """Return the latest 2 March that leaves enough projects to ask today: nobody is asked twice."""
    silent = {project.code for project in silent_and_due(projects, papers, today)}
    for years in range(1, max(today.year - 2018, 2)):
        day = date(today.year - years, 3, 2)
        asked = {project.code for project in silent_and_due(projects, papers, day)}
        if len(silent - asked) >= LEFT_TO_ASK:
            break
    return day


def plan_decisions(rng: random.Random, papers: list[Paper], truth: dict[str, Json], today: date) -> list[Json]:
    """Return, paper by paper, what the librarian has decided: two thirds of them, the older first.

    ``accept`` and ``reject`` name codes; ``others`` says what becomes of every other project the matcher proposes for
    the paper ("reject", or "leave" on the desk). A paper not listed was not looked at yet.
    """
    decisions: list[Json] = []
    for paper in papers:
        age = (today - paper.submitted_on).days
        chance = 0.0 if age < 120 else 0.3 if age < 540 else 0.76
        if paper.published_on is None and not paper.has_acknowledged_in_first_version:
            chance = 1.0  # what lacks the statement before press is looked at at once
        if paper.sort == "withdrawn" or rng.random() > chance:
            continue
        row = truth[paper.id]
        decisions.append(
            {
                "paper": paper.id,
                "arxiv_id": row["arxiv_id"],
                "doi": row["doi"],
                "bibcode": row["bibcodes"][0] if row["bibcodes"] else None,
                "relation": paper.relation,
                "accept": paper.codes if paper.relation == SCIENCE else [],
                "reject": paper.mentioned_codes,
                "others": "reject" if rng.random() < 0.9 else "leave",
                "reason": _reason(paper),
            }
        )
    return decisions


def _reason(paper: Paper) -> str:
    if paper.relation != SCIENCE:
        return (
            "Names the observatory or the project, uses none of its data."
            if paper.relation == "mention"
            else "No data."
        )
    if paper.damage:
        return "Code misprinted; team and targets leave no doubt."
    if not paper.prints_code:
        return "No code printed; team, targets and dates fit."
    return "Others' data, from the archive." if paper.origin == "archive" else "Code in the acknowledgement."
