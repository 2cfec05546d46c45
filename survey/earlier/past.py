"""Totals of campaigns that were run before biblio: read from a CSV file, stored once, shown beside our own campaigns.

Figures are taken as their source gives them; nothing is reckoned but one thing: whoever left the questionnaire unfinished
did not answer, so ``persons_answered`` is stored without ``incomplete``. A published user survey of 2018 wrote to 616
persons, 185 answered, 32 of them incompletely: (185 - 32) / 616 = 24.8 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from sqlmodel import Session, col, select

from biblio.errors import RequestRefused
from biblio.observatory import Profile
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, Campaign, PastTotal
from survey.campaign.service import NAME_MAX
from survey.earlier.tables import Row, Table, day_of
from survey.questionnaire import frozen

TOTALS = (
    "questionnaires_sent",
    "questionnaires_completed",
    "persons_asked",
    "persons_answered",
    "incomplete",
)
"""What may be known of a campaign as a whole."""

_NEEDED = frozenset({"campaign", "closed_on", "choice", "answers"})
_MOST = 10_000_000
"""More persons than any observatory can ask; a larger number is a slip."""


@dataclass(slots=True)
class Past:
    """One campaign of before. ``totals`` holds what is known of it as a whole, ``answers`` (question, choice) → how many."""

    name: str
    closed_on: date
    totals: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, int], int] = field(default_factory=dict)


def read_past(table: Table, profile: Profile) -> tuple[list[Past], list[str]]:
    """Return the campaigns of a file, and a sentence for each row or campaign that cannot be used, by line.

    A campaign with a row that cannot be used is left out as a whole: its sums would be wrong. Raises ``RequestRefused``
    when the file lacks a column.
    """
    missing = _NEEDED - table.columns
    if missing:
        raise RequestRefused(f"{table.name} lacks the column {sorted(missing)[0]}. Nothing was stored.")
    found: dict[str, Past] = {}
    refused: list[str] = []
    spoilt: dict[str, None] = {}
    for row in table.rows:
        name = " ".join(row["campaign"].split())
        try:
            _take(found, name, row, profile)
        except ValueError as error:
            refused.append(f"{table.at(row.line)}: {error}")
            spoilt[name] = None
    if table.broken:
        refused.append(f"{table.broken}. Nothing of this file was stored")
        return [], refused
    for past in found.values():
        if past.name not in spoilt and (wrong := _impossible(past, profile)):
            refused.append(f"{table.name}: {past.name}: {wrong}")
            spoilt[past.name] = None
    refused += [f"{table.name}: {name}: left out as a whole" for name in spoilt if name]
    return [past for past in found.values() if past.name not in spoilt], refused


def _take(found: dict[str, Past], name: str, row: Row, profile: Profile) -> None:
    """Add one row to its campaign. Raises ``ValueError`` saying what is wrong with it."""
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise ValueError(f"the campaign needs a name of at most {NAME_MAX} characters, all of which can be printed")
    closed_on = day_of("closed_on", row["closed_on"])
    past = found.setdefault(name, Past(name, closed_on))
    if past.closed_on != closed_on:
        raise ValueError(f"{name} closed on {past.closed_on} by an earlier row, on {closed_on} by this one")
    for column in TOTALS:
        if row[column]:
            number = _number(column, row[column])
            if past.totals.setdefault(column, number) != number:
                raise ValueError(f"{column} of {name} is {past.totals[column]} by an earlier row, {number} by this one")
    if not row["choice"] and not row["answers"]:
        return
    key = _choice(profile, row)
    if key in past.answers:
        raise ValueError(f"the choice {key[1]} of {name} stands in an earlier row already")
    past.answers[key] = _number("answers", row["answers"])


def _number(column: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or int(text) > _MOST:
        raise ValueError(f"{column} is no whole number: {text[:40]!r}")
    return int(text)


def _choice(profile: Profile, row: Row) -> tuple[str, int]:
    questionnaire = profile.questionnaire
    key = row["question"] or questionnaire.status.key
    question = questionnaire.question(key)
    if question is None or question.kind == "text":
        raise ValueError(f"the profile's questionnaire has no question with choices called {key[:40]!r}")
    number = _number("choice", row["choice"])
    if question.choice(number) is None:
        raise ValueError(f"the question {key} has no choice {number}; it has 1 to {len(question.choices)}")
    return key, number


def _impossible(past: Past, profile: Profile) -> str | None:
    """Say what cannot be true of the totals of a campaign."""
    totals = past.totals
    for part, whole in (
        ("questionnaires_completed", "questionnaires_sent"),
        ("persons_answered", "persons_asked"),
        ("incomplete", "persons_answered"),
    ):
        if part in totals and whole in totals and totals[part] > totals[whole]:
            return f"{part} ({totals[part]}) cannot be more than {whole} ({totals[whole]})"
    for question in (q for q in profile.questionnaire.questions if q.kind == "one"):
        chosen = sum(answers for (key, _choice), answers in past.answers.items() if key == question.key)
        if chosen > totals.get("questionnaires_completed", chosen):
            completed = totals["questionnaires_completed"]
            return (
                f"the answers to {question.key} ({chosen}) cannot be more than questionnaires_completed ({completed})"
            )
    if not totals and not past.answers:
        return "no figure is given"
    return None


def import_past(
    session: Session, runtime: Runtime, campaigns: Sequence[Past], *, source: str, dry_run: bool = False
) -> tuple[Counter[str], list[str]]:
    """Store campaigns of before; return how many are new or known, and a sentence per campaign that differs.

    What was stored is never changed: a second file that says something else of a campaign is refused for it.
    """
    counts: Counter[str] = Counter(new=0, known=0)
    refused = []
    for past in campaigns:
        there = session.exec(select(Campaign).where(col(Campaign.name) == past.name)).first()
        if past.closed_on > runtime.clock.today():
            refused.append(f"{source}: {past.name}: {past.closed_on} is still to come")
        elif there is None:
            counts["new"] += 1
            if not dry_run:
                _store(session, runtime, past, source)
        elif there.past is None:
            refused.append(f"{source}: {past.name}: a campaign of ours has this name; choose another")
        elif differing := _differences(session, there, past):
            refused.append(f"{source}: {past.name}: differs from what was taken over before: {'; '.join(differing)}")
        else:
            counts["known"] += 1
    session.flush()
    return counts, refused


def _stored(past: Past) -> dict[str, Any]:
    """The totals as a campaign keeps them: of persons only those count as answered who finished."""
    totals: dict[str, Any] = {column: past.totals.get(column) for column in TOTALS}
    if totals["persons_answered"] is not None:
        totals["persons_answered"] -= totals["incomplete"] or 0
    return totals


def _store(session: Session, runtime: Runtime, past: Past, source: str) -> None:
    closed_at = datetime.combine(past.closed_on, time(), UTC)
    now = runtime.clock.now()
    campaign = Campaign(
        name=past.name,
        created_at=now,
        as_of=past.closed_on,
        minimum_persons=runtime.settings.survey_minimum_persons,
        public_key="",
        questionnaire=frozen(runtime.profile),
        opened_at=closed_at,
        closes_on=past.closed_on,
        closed_at=closed_at,
        released_at=closed_at,
        is_released=True,
        key_destroyed_at=closed_at,
        past={**_stored(past), "source": source},
    )
    session.add(campaign)
    session.flush()
    assert campaign.id is not None
    session.add_all(
        PastTotal(campaign_id=campaign.id, question=question, choice=choice, answers=answers)
        for (question, choice), answers in past.answers.items()
    )
    session.add(
        AuditEntry(
            made_at=now,
            action="campaign taken over",
            subject=past.name,
            details={"source": source, "answers": sum(past.answers.values())},
        )
    )
    session.flush()


def _differences(session: Session, campaign: Campaign, past: Past) -> list[str]:
    """Say in which figures a campaign that was taken over differs from what a file says now."""
    before: Mapping[str, Any] = campaign.past or {}
    found = []
    if campaign.closes_on != past.closed_on:
        found.append(f"closed_on is {campaign.closes_on}, now {past.closed_on}")
    for column, value in _stored(past).items():
        if before.get(column) != value:
            found.append(f"{column} is {_word(before.get(column))}, now {_word(value)}")
    rows = session.exec(select(PastTotal).where(col(PastTotal.campaign_id) == campaign.id))
    stored = {(row.question, row.choice): row.answers for row in rows}
    found += [
        f"choice {key[1]} of {key[0]} is {_word(stored.get(key))}, now {_word(past.answers.get(key))}"
        for key in sorted(stored.keys() | past.answers.keys())
        if stored.get(key) != past.answers.get(key)
    ]
    return found


def _word(value: int | None) -> str:
    return "not given" if value is None else str(value)
