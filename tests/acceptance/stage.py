"""The stage of a whole campaign: biblio as it runs, five hundred people, a mail server, a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from html import unescape
from typing import Any

from flask import Flask

from biblio.catalogue.actor import Actor
from biblio.clock import FixedClock
from biblio.feature import load_features
from biblio.jobs import Job, run_job
from biblio.runtime import Runtime
from biblio.store.models import (
    JobRun,
)
from biblio.store.words import Outcome, Role
from tests.acceptance.players import (
    Player,
    Tally,
    Way,
    crowd,
    links_in,
)
from tests.mailserver import Box
from tests.web.visitors import Visitor, logged_in

CAMPAIGN = "/campaigns/1"
"""The page of the one campaign that is played."""


@dataclass
class Play:
    """The stage: biblio as it runs, the people, what they did, and which letters were looked at."""

    runtime: Runtime
    clock: FixedClock
    app: Flask
    box: Box
    start: datetime
    librarian: Actor
    staff: dict[Role, Visitor] = field(default_factory=dict)
    players: list[Player] = field(default_factory=crowd)
    tally: Tally = field(default_factory=Tally)
    seen: int = 0
    thanks: set[bytes] = field(default_factory=set)
    closed: set[bytes] = field(default_factory=set)

    # -- time, jobs, staff --------------------------------------------------------------------------------------------

    def day(self, number: int, hour: int = 9) -> None:
        """Move the clock to an hour of a day of the campaign; never back."""
        then = self.start.replace(hour=hour) + timedelta(days=number)
        assert then >= self.clock.now()
        self.clock.move(then - self.clock.now())

    def run(self, name: str) -> JobRun:
        """Run a job as the scheduler does."""
        row = run_job(self.runtime, next(job for job in _jobs() if job.name == name))
        assert row.outcome is Outcome.SUCCEEDED, row.error
        return row

    def visit(self, role: Role) -> Visitor:
        """Return the browser of one of the staff, logged in."""
        if role not in self.staff:
            self.staff[role] = logged_in(self.app, self.runtime, role)
        return self.staff[role]

    def press(self, path: str, data: dict[str, Any] | None = None, *, form_on: str = CAMPAIGN) -> str:
        """Let the head librarian send a form; return the page that comes, with what it says."""
        visitor = self.visit(Role.HEAD_LIBRARIAN)
        answer = visitor.post(path, data, form_on=form_on, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.status_code, answer.get_data(as_text=True)[:2000])
        return unescape(answer.get_data(as_text=True))

    # -- people -------------------------------------------------------------------------------------------------------

    def who(self, *ways: Way) -> list[Player]:
        """Return those who play this."""
        return [player for player in self.players if player.way in ways]

    def post(self) -> dict[int, EmailMessage]:
        """Hand out the letters that the mail server accepted since last time; return them by person, one for each."""
        by_address = {player.address.casefold(): player for player in self.players}
        news: dict[int, EmailMessage] = {}
        for message in self.box.accepted[self.seen :]:
            player = by_address[parseaddr(str(message["To"]))[1].casefold()]
            assert player.number not in news, "two letters at once to one person"
            news[player.number] = message
            player.letters.append(message)
            links = links_in(message)
            assert links.keys() <= player.projects.keys()
            assert all(player.links.setdefault(code, path) == path for code, path in links.items())
            self.tally.told |= dict.fromkeys(links, player)
        self.seen = len(self.box.accepted)
        return news

    def answer(self, player: Player, code: str, *, twice: bool = False) -> None:
        """Let somebody answer about one project, as a browser without a screen does."""
        path, said = player.links[code], player.means[code]
        visitor = Visitor(self.app)
        token = visitor.token(path)
        answer = visitor.client.post(path, data={**said.form, "csrf_token": token})
        assert (answer.status_code, answer.location) == (303, "/survey/thanks")
        self.tally.took(player, code, said)
        if twice:
            again = visitor.client.post(path, data={**said.form, "csrf_token": token})
            self.closed.add(self._closed(again.get_data(), again.status_code))
            self.thanks.add(visitor.get(answer.location).get_data())

    def answer_all(self, players: Sequence[Player]) -> None:
        """Let everybody of these answer about all that they mean to."""
        for place, player in enumerate(players):
            for code in [code for code in player.means if code in self.tally.open_links(player)]:
                self.answer(player, code, twice=place % 20 == 0)

    def shut(self, path: str) -> None:
        """Open a link that must not work any more: one page for all of them."""
        answer = self.app.test_client().get(path)
        self.closed.add(self._closed(answer.get_data(), answer.status_code))

    @staticmethod
    def _closed(body: bytes, status: int) -> bytes:
        assert status == 404
        return body


def _jobs() -> Iterator[Job]:
    return (job for feature in load_features() for job in feature.jobs)
