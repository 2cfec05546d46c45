"""The main job of the demo, step by step: two working days of a library, one in the past and today.

On the first day (when the closed campaign began) the project list and the papers of that time are loaded, read,
matched and decided, and the campaign runs until its ballot box is opened. Then the clock is set to now and the same
steps go on from where they were. Every step asks first what an earlier run of the demo did already.
"""

from __future__ import annotations

import json
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.clock import Clock, FixedClock
from biblio.errors import BiblioError
from biblio.feature import all_jobs
from biblio.ingest.importing import import_job, project_file
from biblio.jobs import Job, run_job
from biblio.progress import Bars
from biblio.runtime import Runtime, build_runtime, checked_profile, choose_observatory
from biblio.settings import SIGNING_KEY_FILE, Settings
from biblio.store import Store, make_engine, upgrade
from biblio.store.models import Campaign, Invitation, UserAccount
from biblio.store.words import Outcome, Role
from biblio.web import create_app
from biblio.web.accounts.service import COMMAND_LINE, NewAccount, add, hash_password
from biblio.web.listening import listen
from demo.due import day_that_leaves
from demo.environment import write_settings
from demo.play import first_day, play_answers, play_decisions, play_letters
from demo.play_lists import play_list
from demo.play_sharing import People, play_sharing
from demo.table import table
from reports.service import build_to_freeze, freeze
from survey.box.closing import close_campaign
from survey.box.strata import StratifyBy
from survey.campaign.sending import queue_batch, send
from survey.campaign.service import create_campaign
from survey.tokens import make_token


@dataclass(frozen=True, slots=True)
class Player:
    """One invented person with a login."""

    username: str
    name: str
    role: Role
    library: str | None = None


LIBRARIAN = Player("librarian", "Lena Brandt", Role.LIBRARIAN, "ESO")
SECOND = Player("second", "Noor Haddad", Role.LIBRARIAN, "NRAO")
MANAGER = Player("manager", "Maya Okafor", Role.MANAGER)
PLAYERS = (
    LIBRARIAN,
    Player("head", "Hiro Amano", Role.HEAD_LIBRARIAN, "NAOJ"),
    SECOND,
    MANAGER,
    Player("reader", "Rosa Lind", Role.SURVEY_READER),
    Player("admin", "Ada Stone", Role.ADMIN),
)
TODAYS_CAMPAIGN = "This month"
LEFT_PERSONS = 30
"""Persons whom today's campaign leaves at least, so that whoever tries the demo can make another one."""
LOGINS_FILE = "logins.json"
"""Names and passwords of the players, below the demo's home."""
LETTERS_THEN, LETTERS_TODAY = 20, 1
"""Authors written to before press on each working day, where so many preprints lack something; today some are left."""


class Demo:
    """The demo in ``folder``, harvested from the replay server at ``url``."""

    def __init__(self, folder: Path, url: str, *, port: int) -> None:
        self.files = folder / "observatory"
        self.url = url
        self.facts: dict[str, Any] = {
            "observatory": "alma",
            "environment": "development",
            "base_url": f"http://127.0.0.1:{port}",
            "contact_email": "demo@example.org",
            "arxiv_url": f"{url}/arxiv",
            "arxiv_oai_url": f"{url}/arxiv/oai",
            "arxiv_rss_url": f"{url}/arxiv/rss",
            "ads_url": f"{url}/ads/v1",
            "tap_url": f"{url}/tap",
            "ads_token": SecretStr("a-token-of-the-replay-server"),
            "arxiv_pace_s": 0.01,
        }
        self.folder = folder
        self.settings = Settings(home=folder / "home", **self.facts)
        self.port = port
        self.passwords: dict[str, str] = {}
        self.runtime: Runtime | None = None

    def run(self) -> None:
        """Do the whole main job. Raises ``BiblioError`` naming the step that failed."""
        self._set_up()
        past = datetime.combine(first_day(self.files), time(9), UTC)
        plan = json.loads((self.files / "campaign.json").read_text(encoding="utf-8"))
        if self._campaign(self._at(FixedClock(past)), plan["name"]) is None:
            self._say(f"First working day: {past:%Y-%m-%d}")
            clock = FixedClock(past)
            runtime = self._at(clock)
            self._replay_as_of(past.date())
            self._work(runtime, self.files / "then", letters=LETTERS_THEN)
            self._past_campaign(runtime, clock, plan)
            self._freeze(runtime)
        self._say("Second working day: today")
        self._replay_as_of(Clock().today())
        self.runtime = self._at(Clock())
        self._work(self.runtime, self.files, letters=LETTERS_TODAY)
        self._job(self.runtime, all_jobs()["journals"])
        listed = play_list(self.runtime, self._actor(self.runtime, LIBRARIAN), self.files)
        self._say(f"  {LIBRARIAN.name} brought in a partner’s list of {listed} papers to compare with ours.")
        self._todays_campaign(self.runtime)

    def _replay_as_of(self, day: date) -> None:
        """Let the replayed services know only what they knew on ``day``; real ones need no telling."""
        requests.post(f"{self.url}/replay/day", data=day.isoformat(), timeout=10).raise_for_status()

    def _say(self, words: str) -> None:
        print(words, file=sys.stderr)

    def _at(self, clock: Clock) -> Runtime:
        return build_runtime(self.settings, clock=clock)

    def _set_up(self) -> None:
        """Make the database, the secret and the logins, unless they are there."""
        home = self.settings.home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        shell = write_settings(self.folder, home, self.facts)
        self._say(f". {shlex.quote(str(shell))}   to use the biblio command on it, while the demo runs")
        (home / SIGNING_KEY_FILE).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (home / SIGNING_KEY_FILE).exists():
            (home / SIGNING_KEY_FILE).touch(mode=0o600)
            (home / SIGNING_KEY_FILE).write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
        engine = make_engine(self.settings.database)
        upgrade(engine)
        profile = checked_profile(self.settings.observatory)
        with Store(engine).writing() as session:
            choose_observatory(session, profile, Clock())
        self._make_logins(Store(engine), home / LOGINS_FILE)
        engine.dispose()

    def _make_logins(self, store: Store, path: Path) -> None:
        """Add the players with random passwords, kept beside the database so that a second run can print them."""
        if path.exists():
            self.passwords = json.loads(path.read_text(encoding="utf-8"))
        for player in PLAYERS:
            self.passwords.setdefault(player.username, f"demo-{secrets.token_hex(5)}")
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.passwords), encoding="utf-8")
        with store.writing() as session:
            known = set(session.exec(select(UserAccount.username)))
            for player in PLAYERS:
                if player.username not in known:
                    hashed = hash_password(self.passwords[player.username], username=player.username)
                    new = NewAccount(
                        player.username,
                        player.name,
                        player.role,
                        hashed,
                        email=f"{player.username}@example.org",
                        library=player.library,
                    )
                    add(session, COMMAND_LINE, new, now=Clock().now())

    def _work(self, runtime: Runtime, folder: Path, *, letters: int) -> None:
        """One working day: projects and papers, the observatory's own tables in ``folder``, texts, verdicts, letters."""
        for name in ("harvest", "refresh", "count"):
            self._job(runtime, all_jobs()[name])
        facets = runtime.profile.facet_columns
        lists = [project_file(folder / name, facets=facets) for name in ("observatory.csv", "contacts.csv")]
        self._job(runtime, import_job(lists))
        self._job(runtime, all_jobs()["twins"])
        self._job(runtime, all_jobs()["read"])
        self._job(runtime, all_jobs()["match"])
        decided = play_decisions(runtime, self._actor(runtime, LIBRARIAN), self.files)
        self._say(f"  {LIBRARIAN.name} decided {decided} papers at the desk.")
        people = People(*(self._actor(runtime, one) for one in (LIBRARIAN, SECOND, PLAYERS[1])))
        self._say(f"  {SECOND.name} read {play_sharing(runtime, people)} of them a second time.")
        self._job(runtime, all_jobs()["contacts"])
        written = play_letters(runtime, self._actor(runtime, LIBRARIAN), most=letters)
        self._say(
            f"  {LIBRARIAN.name} wrote to {written} {'author' if written == 1 else 'authors'} before articles go to press."
        )

    def _job(self, runtime: Runtime, job: Job) -> None:
        with Bars() as bars:
            row = run_job(runtime, job, progress=bars)
        if row.outcome is not Outcome.SUCCEEDED:
            raise BiblioError(f"the job {job.name} did not succeed: {row.error}")

    def _actor(self, runtime: Runtime, player: Player) -> Actor:
        with runtime.store.reading() as session:
            account = session.exec(select(UserAccount).where(col(UserAccount.username) == player.username)).one()
        return Actor(account.id, account.name, account.role, account.library)

    def _campaign(self, runtime: Runtime, name: str) -> Campaign | None:
        """Return the campaign of this name if it is finished with what the demo does to it."""
        with runtime.store.reading() as session:
            found = session.exec(select(Campaign).where(col(Campaign.name) == name)).first()
        return found if found is not None and (name == TODAYS_CAMPAIGN or found.released_at) else None

    def _past_campaign(self, runtime: Runtime, clock: FixedClock, plan: Mapping[str, Any]) -> None:
        """Ask the PIs who were silent then, let them answer, close, and open the ballot box."""
        head = self._actor(runtime, PLAYERS[1])
        with runtime.store.writing() as session:
            found = session.exec(select(Campaign).where(col(Campaign.name) == plan["name"])).first()
            if found is None:
                made = create_campaign(session, runtime, head, name=plan["name"], stratify_by=StratifyBy.CATEGORY)
            campaign_id = (found.id or 0) if found else made.campaign_id
        with runtime.store.writing() as session:
            queue_batch(session, runtime, head, campaign_id, batch=1000)
        send(runtime)
        with runtime.store.reading() as session:
            campaign = session.get_one(Campaign, campaign_id)
        ballots = play_answers(runtime, campaign, plan["answers"])
        assert campaign.closes_on is not None
        clock.move(datetime.combine(campaign.closes_on + timedelta(days=1), time(18), UTC) - clock.now())
        self._job(runtime, all_jobs()["contacts"])
        release = close_campaign(runtime, MACHINE, campaign_id)
        self._say(f"  The campaign {plan['name']}: {ballots} ballots. {release.sentence}")

    def _freeze(self, runtime: Runtime) -> None:
        """Keep the report of this day, so that today's says what changed since."""
        manager, built = self._actor(runtime, MANAGER), build_to_freeze(runtime)
        with runtime.store.writing() as session:
            frozen = freeze(session, manager, built.report, now=built.known_by)
        self._say(f"  {manager.name} froze the report of {built.report.as_of}: snapshot {frozen.snapshot.id}.")

    def _todays_campaign(self, runtime: Runtime) -> None:
        """Ask the PIs who were silent some time ago already; their letters lie as files in the mail folder.

        Who fell silent later is left, so that a campaign of one's own can be made. Letters about projects that were
        published since are not sent.
        """
        if self._campaign(runtime, TODAYS_CAMPAIGN) is None:
            head = self._actor(runtime, PLAYERS[1])
            with runtime.store.reading() as session:
                as_of, left = day_that_leaves(session, runtime, LEFT_PERSONS)
            with runtime.store.writing() as session:
                made = create_campaign(session, runtime, head, name=TODAYS_CAMPAIGN, as_of=as_of)
            self._say(
                f"  {PLAYERS[1].name} asks about {made.projects} projects that were silent by {as_of}; "
                f"{left} more persons are due for a new campaign."
            )
            with runtime.store.writing() as session:
                queue_batch(session, runtime, head, made.campaign_id, batch=1000)
        with Bars() as bars:
            bars("letters", 0, None)
            counts = send(runtime)
            bars("letters", counts.sent, counts.sent)

    def survey_link(self) -> str | None:
        """Return a link of today's campaign that still works."""
        assert self.runtime is not None
        with self.runtime.store.reading() as session:
            row = session.execute(
                select(Campaign, Invitation)
                .join(Invitation, col(Invitation.campaign_id) == col(Campaign.id))
                .where(
                    col(Campaign.name) == TODAYS_CAMPAIGN,
                    col(Invitation.is_used).is_(False),
                    col(Invitation.withdrawn_at).is_(None),
                )
                .order_by(col(Invitation.id).desc())
            ).first()
        if row is None:
            return None
        token = make_token(self.settings.secret(), row[1].id or 0, row[1].nonce)
        return f"{self.settings.base_url}/survey/{token}"

    def print_table(self, *, seconds: float) -> None:
        """Print the one table of what happened."""
        assert self.runtime is not None
        print(table(self.runtime))
        print(
            f"\nThat took {seconds:.0f} s. Everything lies in {self.settings.home.parent}/ and can be deleted at any time."
        )

    def print_logins(self) -> None:
        """Print who may log in, with which password, and the file that keeps them."""
        for player in PLAYERS:
            print(
                f"  {player.role.label:<16} log in as {player.username:<10} password {self.passwords[player.username]}"
            )
        print(f"  (kept in {self.settings.home / LOGINS_FILE})")

    def serve(self) -> None:
        """Serve the pages and say where, with which logins, and one survey link."""
        assert self.runtime is not None
        server = listen(create_app(self.runtime), host="127.0.0.1", port=self.port, threads=8)
        address = f"http://127.0.0.1:{server.effective_port}"
        print(f"\nThe web pages:   {address}/")
        self.print_logins()
        link = self.survey_link()
        if link:
            print(f"A survey link:   {link.replace(self.settings.base_url, address)}")
        print("Stop with Ctrl-C.")
        sys.stdout.flush()
        server.run()
