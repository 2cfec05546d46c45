"""Plays campaigns: fictional persons answer in a known order while somebody watches. Here, and only here, the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from flask import Flask
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import Campaign, Invitation
from survey.box import closing
from survey.box.ballots import key_path
from survey.box.release import people_in_the_box
from survey.campaign.sending import queue_batch, queue_reminders, send
from survey.campaign.service import create_campaign
from survey.page import answering
from survey.questionnaire import Chosen, Filled
from survey.tokens import make_token
from tests.factories import add_project
from tests.survey.adversary.watch import Capture, Tables, Watch
from tests.web.visitors import Visitor

CHOICES = {1: 9, 2: 4, 3: 16, 4: 8, 5: 7, 6: 8, 7: 6, 8: 6, 9: 18, 10: 7, 11: 4, 12: 7}
"""How often each choice is made, in a hundred."""

WITH_WORD = (1, 10, 12)
CATEGORIES = {"Discs": 40, "Galaxies": 30, "Stars": 20, "Sun": 6, "Planets": 4}
CYCLES = {"2016.1": 45, "2017.1": 30, "2018.1": 20, "2019.1": 5}
PARTNERS = {"EU": 45, "NA": 35, "EA": 15, "CL": 5}


@dataclass(frozen=True, slots=True)
class Asking:
    """One campaign to play. ``http``: every so many-th answer comes through the web page, 0: none.

    ``comments``: the share of persons who write one; ``letters``: how many letters go out, for the others hold the same.
    """

    name: str
    answers: int
    stratify_by: str | None = None
    comments: float = 1.0
    http: int = 0
    letters: int = 5
    projects_per_person: Mapping[int, int] = field(default_factory=lambda: {1: 6, 2: 3, 3: 1})


@dataclass(frozen=True, slots=True)
class Known:
    """What the adversary knows of one submission: its number in time, whose it was, and of which group of projects."""

    number: int
    campaign: int
    invitation: int
    person: str
    stratum: str | None


@dataclass(slots=True)
class Opening:
    """One opening of a box: tables just before and after it, every byte it changed, and whose ballots were in it."""

    campaign: int
    numbers: tuple[int, ...]
    before: Tables
    after: Tables
    changed: Capture

    @property
    def read(self) -> bool:
        """Whether the ballots became answers, and were not destroyed unread."""
        return self._destroyed(self.before) == self._destroyed(self.after)

    def _destroyed(self, tables: Tables) -> int:
        return next(row["ballots_destroyed"] or 0 for row in tables["campaign"] if row["id"] == self.campaign)


@dataclass(slots=True)
class Played:
    """All that the adversary holds (``known``, ``openings``, ``watch``), and apart from it the truth."""

    watch: Watch
    known: list[Known] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    truth: dict[int, Filled] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    after_opening: Callable[[], None] = lambda: None


def play(played: Played, app: Flask | None, askings: Sequence[Asking], dice: Random, *, wave: int = 0) -> None:
    """Play these campaigns at once: people of all of them answer in turn; with ``wave`` boxes are opened on the way."""
    runtime = played.watch.runtime
    waves = replace(runtime, settings=runtime.settings.model_copy(update={"survey_wave_persons": wave}))
    numbers = count(len(played.known) * 2)
    campaigns = {asking.name: _ask(waves, asking, dice, numbers) for asking in askings}
    played.keys += [key_path(runtime.settings.survey_keys, c).read_bytes() for c in campaigns.values()]
    played.watch.between()
    turns = [turn for asking in askings for turn in _turns(runtime, campaigns[asking.name], asking, dice)]
    dice.shuffle(turns)
    for place, (token, known, through_page, comments) in enumerate(turns):
        number = len(played.known)
        filled = _filled(dice, comments)
        played.known.append(replace(known, number=number))
        played.truth[number] = filled
        responses = _through_page(app, token, filled) if through_page else _in_process(runtime, token, filled)
        played.watch.mark(responses)
        _move(runtime, timedelta(seconds=dice.randrange(20, 90)))
        if place == len(turns) // 2:
            _remind(runtime, campaigns.values())
            played.watch.between()
        if wave and place % 8 == 7:
            _open_waves(played, waves, campaigns.values())
    _close(played, campaigns.values())


def _ask(runtime: Runtime, asking: Asking, dice: Random, numbers: Iterator[int]) -> int:
    """Add projects that are due and a campaign about them; letters go to some, for they hold nothing but links."""
    wanted, made = round(asking.answers / 0.8), 0
    with runtime.store.writing() as session:
        while made < wanted:
            person = f"{asking.name}-{made}"
            for _ in range(_pick(dice, asking.projects_per_person)):
                add_project(
                    session,
                    f"{_pick(dice, CYCLES)}.{next(numbers):05d}.S",
                    pi=f"Person {person}",
                    pi_email=f"{person}@example.org",
                    category=_pick(dice, CATEGORIES),
                    partner=_pick(dice, PARTNERS),
                )
                made += 1
        campaign = create_campaign(
            session, runtime, MACHINE, name=asking.name, stratify_by=asking.stratify_by
        ).campaign_id
        queue_batch(session, runtime, MACHINE, campaign, batch=asking.letters)
    send(runtime)
    return campaign


def _pick(dice: Random, weights: Mapping[Any, int]) -> Any:
    return dice.choices(list(weights), list(weights.values()))[0]


def _turns(runtime: Runtime, campaign: int, asking: Asking, dice: Random) -> list[tuple[str, Known, bool, float]]:
    """Return who will answer, with their links."""
    with runtime.store.reading() as session:
        invitations = session.exec(
            select(Invitation).where(col(Invitation.campaign_id) == campaign).order_by(col(Invitation.id))
        ).all()
    turns = []
    for place, each in enumerate(dice.sample(invitations, asking.answers)):
        assert each.id is not None
        token = make_token(runtime.settings.secret(), each.id, each.nonce)
        through_page = bool(asking.http) and place % asking.http == 0
        turns.append((token, Known(-1, campaign, each.id, each.email, each.stratum), through_page, asking.comments))
    return turns


def _filled(dice: Random, comments: float) -> Filled:
    """Return an answer. Every word and comment is unlike all others; how long a comment is depends on the choice."""
    choice = _pick(dice, CHOICES)
    word = " ".join(_name(dice) for _ in range(2)) if choice in WITH_WORD else ""
    texts = {}
    if dice.random() < comments:
        texts["comment"] = " ".join(_name(dice) for _ in range(dice.randrange(2, 4 + 3 * choice)))
    return Filled((Chosen("status", choice, word),), texts)


def _name(dice: Random) -> str:
    """Return a made-up word of twelve letters."""
    return "".join(dice.choice("bdfgklmnprstvz") + dice.choice("aeiou") for _ in range(6)).capitalize()


def _in_process(runtime: Runtime, token: str, filled: Filled) -> tuple[bytes, ...]:
    with runtime.store.writing() as session:
        answering.submit(session, runtime, token, filled)
    return ()


def _through_page(app: Flask | None, token: str, filled: Filled) -> tuple[bytes, ...]:
    """Answer as a browser does; return what came back for Submit and after it, headers and all."""
    assert app is not None
    address = f"/survey/{token}"
    visitor = Visitor(app)
    (chosen,) = filled.chosen
    data = {
        "status": str(chosen.choice),
        f"status-{chosen.choice}": chosen.word,
        "comment": filled.texts.get("comment", ""),
    }
    stored = visitor.post(address, data, form_on=address)
    assert stored.status_code == 303
    thanked = visitor.get(stored.headers["Location"])
    assert thanked.status_code == 200
    return tuple(f"{r.status}\n{r.headers}\n".encode() + r.get_data() for r in (stored, thanked))


def _move(runtime: Runtime, by: timedelta) -> None:
    assert isinstance(runtime.clock, FixedClock)
    runtime.clock.move(by)


def _remind(runtime: Runtime, campaigns: Iterable[int]) -> None:
    """Let reminders go to whom a letter went and who has not answered."""
    _move(runtime, timedelta(days=15))
    for campaign in campaigns:
        with runtime.store.writing() as session:
            queue_reminders(session, runtime, campaign)
    send(runtime)


def _open_waves(played: Played, runtime: Runtime, campaigns: Iterable[int]) -> None:
    """Let the job open what is due for a wave."""
    wave = runtime.settings.survey_wave_persons
    with runtime.store.reading() as session:
        due = [campaign for campaign in campaigns if len(people_in_the_box(session, campaign)) >= wave]
    if due:
        with _looking(played, due):
            opened = closing.open_waves(runtime)
            assert len(opened) == len(due), "a box that is due stays closed"


def _close(played: Played, campaigns: Collection[int]) -> None:
    """Move the clock to the day after the last one, and let the job close these campaigns."""
    runtime = played.watch.runtime
    with runtime.store.reading() as session:
        days = [session.get_one(Campaign, campaign).closes_on for campaign in campaigns]
    last = max(day for day in days if day is not None)
    after = datetime.combine(last + timedelta(days=1), time(1), UTC)
    _move(runtime, max(timedelta(0), after - runtime.clock.now()))
    with _looking(played, campaigns):
        closing.close_overdue(runtime)


@contextmanager
def _looking(played: Played, campaigns: Iterable[int]) -> Iterator[None]:
    """Copy all tables before and after boxes are opened."""
    released = {n for opening in played.openings for n in opening.numbers}
    before = played.watch.database.tables()
    yield
    after = played.watch.database.tables()
    changed = played.watch.between()
    _keep_what_is_new(played.seen, before, after)
    for campaign in campaigns:
        numbers = tuple(k.number for k in played.known if k.campaign == campaign and k.number not in released)
        played.openings.append(Opening(campaign, numbers, before, after, changed))
    played.after_opening()


def _keep_what_is_new(seen: set[str], before: Tables, after: Tables) -> None:
    """Forget rows that an earlier look at the tables has shown just so: of many looks, all would not fit into memory."""
    for name in ("answer", "comment"):
        old = {row["id"] for row in before[name]}
        after[name] = [row for row in after[name] if row["id"] not in old]
        before[name] = [row for row in before[name] if row["id"] not in seen]
        seen |= old
        seen |= {row["id"] for row in after[name]}
    before["invitation"] = [row for row in before["invitation"] if row["is_used"] and not row["is_released"]]
    del after["invitation"], after["ballot"]
