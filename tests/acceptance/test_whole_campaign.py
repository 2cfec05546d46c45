"""A whole campaign of five hundred people, from the draft to the erasing of addresses, in one play.

A real SMTP server takes the letters, a real Chromium is the window of some people, a clock is moved through eight weeks
and a year, and a sender is killed while it speaks. At the end every figure, wherever it is shown, must be what people did.
"""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from playwright.sync_api import Browser
from sqlmodel import Session, SQLModel, col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.models import (
    Campaign,
    MailBounce,
    ObservationUnit,
    OutboxMail,
    Project,
    UnitRevision,
)
from biblio.store.words import MailState, Role
from biblio.web import create_app
from survey.box.ballots import key_path
from survey.campaign.sending import queue_batch, send
from survey.commands import survey
from tests.acceptance import figures
from tests.acceptance.players import (
    CATEGORIES,
    DOMAIN,
    FEW,
    GROUPS,
    Player,
    Said,
    Way,
    links_in,
    register,
)
from tests.acceptance.stage import CAMPAIGN, Play
from tests.acceptance.windows import (
    by_keyboard_on_a_phone,
    changing_ones_mind,
    chromium,
    in_japanese,
    without_javascript,
)
from tests.factories import accept, add_paper
from tests.mail.forks import ended, fork
from tests.mail.reports import report
from tests.mailserver import Box
from tests.web.visitors import Visitor, add_person

pytestmark = pytest.mark.browser

NAME = "2026 autumn"
LEARNED = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
RELEASED = date(2018, 5, 1)
TOGETHER = f"{FEW} + category not known"
STRATA: dict[str, tuple[str | None, ...]] = {**{name: (name,) for name in CATEGORIES}, TOGETHER: (FEW, None)}
"""How strata are reported: two of too few persons stand together."""


@pytest.fixture
def play(sqlite_template: Path, sqlite_runtime: Runtime, clock: FixedClock, box: Box, tmp_path: Path) -> Play:
    """The stage before anything has happened: the project list is filled, the staff have their accounts."""
    returned = tmp_path / "returned"
    returned.mkdir()
    change = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_starttls": False, "bounce_folder": returned}
    runtime = replace(sqlite_runtime, settings=sqlite_runtime.settings.model_copy(update=change))
    librarian = add_person(runtime, Role.LIBRARIAN, "reads-papers")
    made = Play(runtime, clock, create_app(runtime), box, clock.now(), librarian)
    with runtime.store.writing() as session:
        register(session, made.players, released_on=RELEASED, learned_at=LEARNED)
    return made


# -- the acts ---------------------------------------------------------------------------------------------------------


def test_a_whole_campaign(play: Play) -> None:
    """Invited, reminded, answered, stopped, come back, published: each figure at the end is what people did."""
    draft(play)
    before_letters(play)
    with chromium(play.app) as act:
        invited_in_batches(play)
        first_week(play, act)
    meanwhile(play)
    reminded(play, day=14, ways=(Way.REMINDED, Way.FULL_MAILBOX, Way.REPAIRED))
    reminded(play, day=28, ways=(Way.REMINDED_TWICE,))
    last_day(play)
    sealed_until_the_end(play)
    opened(play)
    shown = results(play)
    read_by_whom_it_may_concern(play)
    erased(play, shown)


def draft(play: Play) -> None:
    """A head librarian makes the draft; the page warns that nothing is verified for this cycle, and goes on once that was seen."""
    codes = sum(len(player.projects) for player in play.players)
    page = play.visit(Role.HEAD_LIBRARIAN).get("/campaigns/new").get_data(as_text=True)
    assert f"only 0 of {codes} projects past their grace have a verified paper" in page
    form = {"name": NAME, "stratify_by": "category"}
    answer = play.visit(Role.HEAD_LIBRARIAN).post("/campaigns/new", form, form_on="/campaigns/new")
    assert answer.status_code == 422
    page = play.press("/campaigns/new", {**form, "seen": "y"}, form_on="/campaigns/new")
    assert f"The draft asks {len(play.players)} persons about {codes} projects" in page


def before_letters(play: Play) -> None:
    """What is learned while the campaign is a draft: papers, an exclusion by hand, a later release date."""
    for player in play.who(Way.PUBLISHED_BEFORE, Way.PUBLISHED_ONE):
        publish(play, player.code)
    (excluded,), (moved,) = play.who(Way.EXCLUDED), play.who(Way.MOVED_BEFORE)
    play.press("/campaigns/exclusions", {"code": excluded.code, "reason": "In hospital."}, form_on="/campaigns/due")
    release_later(play, moved.code)


def publish(play: Play, code: str) -> None:
    """Let a librarian verify a refereed science paper for a project."""
    with play.runtime.store.writing() as session:
        accept(session, play.librarian, add_paper(session), project(session, code), now=play.clock.now())


def release_later(play: Play, code: str) -> None:
    """Let the project list say that the data stay proprietary for another year."""
    with play.runtime.store.writing() as session:
        held = session.exec(
            select(UnitRevision)
            .join(ObservationUnit, col(UnitRevision.unit_id) == col(ObservationUnit.id))
            .where(col(ObservationUnit.project_id) == project(session, code))
        ).one()
        held.superseded_at = now = play.clock.now()
        session.add(held)
        session.flush()
        later = UnitRevision(
            unit_id=held.unit_id,
            source="test",
            learned_at=now,
            delivered_on=held.delivered_on,
            released_on=play.clock.today() + timedelta(days=365),
        )
        session.add(later)


def project(session: Session, code: str) -> int:
    """Return the number of a project."""
    return session.exec(select(Project.id).where(col(Project.code) == code)).one() or 0


def invited_in_batches(play: Play) -> None:
    """A batch from the page; one whose sender is killed while it speaks; a pause; the rest."""
    page = play.press(f"{CAMPAIGN}/send", {"batch": "200"})
    assert re.search(r"200 letters were queued, \d+ sent", page)
    first = play.post()
    assert len(first) == play.seen
    lost = killed_while_sending(play)
    assert [letter_of(play, lost).state] == [MailState.UNCERTAIN]
    play.press(f"{CAMPAIGN}/pause")
    assert send(play.runtime).sent == 0
    play.answer_all(play.who(Way.AT_ONCE)[10:14])
    play.press(f"{CAMPAIGN}/resume")
    decide_about(play, lost)
    assert send(play.runtime).uncertain == 0
    while not re.search(r"\b0 letters were queued", play.press(f"{CAMPAIGN}/send", {"batch": "150"})):
        pass
    play.post()
    assert set(play.box.ids.values()) == {1}
    never = play.who(Way.PUBLISHED_BEFORE, Way.EXCLUDED, Way.MOVED_BEFORE)
    assert {player.number for player in play.players if not player.letters} == {player.number for player in never}
    for player in play.players:
        kept = set(player.projects) - ({player.code} if player.way is Way.PUBLISHED_ONE else set())
        assert player in never or set(player.links) == kept


def killed_while_sending(play: Play) -> str:
    """Queue a batch and kill its sender between DATA and the server's answer; return that letter's Message-ID."""
    with play.runtime.store.writing() as session:
        queue_batch(session, play.runtime, MACHINE, 1, batch=60)
    sender: list[int] = []
    taken, ready = play.seen, threading.Event()

    def kill() -> None:
        if len(play.box.accepted) == taken + 20:
            ready.wait(30)
            os.kill(sender[0], signal.SIGKILL)

    play.box.on["DATA"] = kill
    sender.append(fork(play.runtime, send))
    ready.set()
    assert ended(sender[0]) == -signal.SIGKILL
    del play.box.on["DATA"]
    for _ in range(100):  # the server may yet be at work on the last words of the dead
        if len(play.box.accepted) == taken + 21:
            break
        threading.Event().wait(0.05)
    assert len(play.box.accepted) == taken + 21
    assert send(play.runtime, limit=1).uncertain == 1
    return str(play.box.accepted[taken + 20]["Message-ID"])


def letter_of(play: Play, message_id: str) -> OutboxMail:
    """Return a letter of the outbox."""
    with play.runtime.store.reading() as session:
        return session.exec(select(OutboxMail).where(col(OutboxMail.message_id) == message_id)).one()


def decide_about(play: Play, message_id: str) -> None:
    """The mail server's log has the Message-ID, so somebody says that the letter arrived; nothing is sent again."""
    page = f"/letters/{letter_of(play, message_id).id}"
    assert message_id in play.press(f"{page}/arrived", form_on=page)
    assert letter_of(play, message_id).state is MailState.SENT


def first_week(play: Play, act: Callable[[Callable[[Browser, str], None]], None]) -> None:
    """Letters come back, people answer, stop the letters, or say that somebody else should be asked."""
    play.day(1)
    come_back(play, play.who(Way.NO_MAILBOX, Way.REPAIRED), "5.1.1")
    come_back(play, play.who(Way.FULL_MAILBOX), "4.2.2", action="delayed")
    at_once = play.who(Way.AT_ONCE)
    scanned(play, at_once[5])
    for play_in_browser in (by_keyboard_on_a_phone, without_javascript, in_japanese, changing_ones_mind):
        act(partial(play_in_browser, play))
    play.answer_all(at_once[4:])
    play.answer_all(play.who(Way.PUBLISHED_ONE, Way.ANSWERS_AND_STOPS))
    stop(play)
    for place, player in enumerate(play.who(Way.NOT_ME)):
        note = f"Please ask my student, number {place}." if place % 2 else ""
        visitor = Visitor(play.app)
        path = player.stop.removesuffix("/stop") + "/wrong-person"
        assert visitor.post(path, {"note": note}, form_on=player.stop).status_code == 303
    told = play.visit(Role.HEAD_LIBRARIAN).get("/campaigns/").get_data(as_text=True)
    assert told.count("Please ask my student, number") == 4


def come_back(play: Play, players: Sequence[Player], status: str, action: str = "failed") -> None:
    """Let the last letters of these people come back, and the job read them."""
    folder = play.runtime.settings.bounce_folder
    assert folder is not None
    for player in players:
        letter = player.letters[-1]
        said = f"smtp; 550 {status} <{player.address}>: not delivered"
        content = report(
            action=action, status=status, recipient=player.address, diagnostic=said, copy=letter.as_string()
        )
        (folder / f"{player.number}-{len(player.letters)}.eml").write_bytes(content)
        play.tally.returned[player.number] += action == "failed"
    counts = play.run("bounces").counts
    assert counts["messages"] == counts["hard"] + counts["soft"] == len(players)
    assert list(folder.glob("*.eml")) == []


def stop(play: Play) -> None:
    """Opt out: on the page behind the letter's link, or by the mail program's button (RFC 8058)."""
    for player in play.who(Way.STOPS, Way.ANSWERS_AND_STOPS):
        answer = Visitor(play.app).post(player.stop, form_on=player.stop)
        assert answer.status_code == 303
    for player in play.who(Way.ONE_CLICK):
        assert str(player.letters[0]["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
        client = play.app.test_client()
        assert (
            client.get(player.one_click).status_code == 200
        )  # a page with the button; nobody is opted out by opening it
        answer = client.post(player.one_click, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code in (200, 202, 204)


def scanned(play: Play, player: Player) -> None:
    """A mail scanner opens all links of a letter many times before its reader does: nothing comes of it."""
    client = play.app.test_client()
    for path in [*player.links.values(), player.stop]:
        pages = {client.get(path).status_code for _ in range(5)} | {client.head(path).status_code for _ in range(5)}
        assert pages == {200}


# -- the weeks after --------------------------------------------------------------------------------------------------


def meanwhile(play: Play) -> None:
    """Papers are verified and a date moves: letter, reminder and link stop at once. A dead address works again."""
    play.day(3)
    for player in play.who(Way.PUBLISHED_AFTER):
        publish(play, player.code)
        answer = play.app.test_client().get(player.links[player.code])
        assert "found a publication" in answer.get_data(as_text=True)
        assert refused(play, player)
    for player in play.who(Way.MOVED_AFTER):
        assert play.app.test_client().get(player.links[player.code]).status_code == 200
        release_later(play, player.code)
        assert refused(play, player)
    for player in play.who(Way.REPAIRED):
        letter = letter_of(play, str(player.letters[0]["Message-ID"])).id
        with play.runtime.store.reading() as session:
            bounce = session.exec(select(MailBounce.id).where(col(MailBounce.outbox_mail_id) == letter)).one()
        play.press(f"/letters/returned/{bounce}/works", form_on="/letters/returned")
    report_a_paper(play)


def refused(play: Play, player: Player) -> bool:
    """Try to answer all the same; return whether it was not taken."""
    visitor = Visitor(play.app)
    token = visitor.token("/login")
    answer = visitor.client.post(player.links[player.code], data={**Said(3).form, "csrf_token": token})
    return answer.status_code != 303 or answer.location != "/survey/thanks"


def report_a_paper(play: Play) -> None:
    """Somebody reports a paper on the public page that letters name; it lies on the desk, and changes nothing else."""
    letter = str(play.players[0].letters[0].get_content())
    assert f"{play.runtime.settings.base_url}/publication" in letter
    form = {"identifier": "10.9999/fictional.77", "project_code": play.players[0].code, "note": "Mine."}
    answer = Visitor(play.app).post("/publication", form, form_on="/publication")
    assert answer.status_code == 302
    page = play.visit(Role.LIBRARIAN).get("/desk/reported").get_data(as_text=True)
    assert "10.9999/fictional.77" in page
    assert play.players[0].code in page


def reminded(play: Play, *, day: int, ways: tuple[Way, ...]) -> None:
    """Reminders go to whoever has an unused link and may be written to, with just these links; then some answer."""
    play.day(day, 8)
    play.run("survey")
    assert play.post() == {}, "a reminder came too early"
    play.day(day, 13)
    play.run("survey")
    news = play.post()
    never = (Way.STOPS, Way.ONE_CLICK, Way.ANSWERS_AND_STOPS, Way.NO_MAILBOX, Way.PUBLISHED_AFTER, Way.MOVED_AFTER)
    gone = never if day == 14 else (*never, Way.LEAVES)
    expected = {p.number: p for p in play.players if p.way not in gone and p.letters and play.tally.open_links(p)}
    assert news.keys() == expected.keys()
    for number, letter in news.items():
        assert set(links_in(letter)) == play.tally.open_links(expected[number])
    assert set(play.box.ids.values()) == {1}
    play.run("survey")
    assert play.post() == {}, "a second run reminds nobody again"
    if day == 14:
        come_back(play, play.who(Way.LEAVES), "5.1.1")
    play.answer_all(play.who(*ways))


def last_day(play: Play) -> None:
    """Links work until the end of the last day, and not after it."""
    with play.runtime.store.reading() as session:
        last = session.get_one(Campaign, 1).closes_on
    assert last is not None
    play.day((last - play.start.date()).days, 23)
    play.answer_all(play.who(Way.LAST_DAY))
    silent = next(player for player in play.who(Way.SILENT) if player.links)
    assert play.app.test_client().get(silent.links[silent.code]).status_code == 200
    play.day((last - play.start.date()).days + 1, 1)
    play.shut(silent.links[silent.code])
    play.shut(play.tally.given[0].player.links[play.tally.given[0].code])
    play.shut("/survey/" + "x" * 32)
    assert len(play.closed) == 1
    assert len(play.thanks) == 1
    assert len(play.tally.given) > 300


def sealed_until_the_end(play: Play) -> None:
    """Before the box is opened nobody sees a reason or a comment, and no journal is told."""
    page = play.visit(Role.SURVEY_READER).get(f"{CAMPAIGN}/results").get_data(as_text=True)
    assert "In five groups" not in page
    assert key_path(play.runtime.settings.survey_keys, 1).is_file()
    home = Path(play.runtime.settings.database.removeprefix("sqlite:///")).parent
    files = b"".join(path.read_bytes() for path in home.glob("alone.db*"))
    assert not [comment for comment in play.tally.comments() if comment.split("\n")[0].encode() in files]


def opened(play: Play) -> None:
    """The job opens the box and destroys the key; all ballots can be read."""
    row = play.run("survey")
    assert f"{len(play.tally.given)} ballots were opened" in " ".join(row.counts["notes"])
    assert not key_path(play.runtime.settings.survey_keys, 1).exists()
    with play.runtime.store.reading() as session:
        assert session.get_one(Campaign, 1).key_destroyed_at == play.clock.now()
    play.shut(play.players[0].links[play.players[0].code])
    assert len(play.closed) == 1


# -- what is shown ----------------------------------------------------------------------------------------------------


def results(play: Play) -> dict[str, figures.Figures]:
    """Every figure of the page, its files and the command is what people did; return all of them."""
    expected = play.tally.figures(STRATA)
    shown = shown_to(play, Role.MANAGER)
    for source, found in shown.items():
        assert found == {key: value for key, value in expected.items() if covers(source, key)}, source
    journals = play.visit(Role.LIBRARIAN).get("/journals/suggestions?format=csv").get_data(as_text=True)
    named = Counter(each.said.word for each in play.tally.given if each.said.choice == 1)
    for name in ("Annals of the Southern Sky", "Journal of Southern Galaxies"):
        assert f"{name},questionnaire,{named[name]}," in journals
    assert "wrote it" not in journals
    return shown


def shown_to(play: Play, role: Role) -> dict[str, figures.Figures]:
    """Read the results wherever they are shown."""
    visitor = play.visit(role)

    def page(kind: str = "") -> str:
        answer = visitor.get(f"{CAMPAIGN}/results{kind}")
        assert answer.status_code == 200
        return unescape(answer.get_data(as_text=True)) if not kind else answer.get_data(as_text=True)

    def command(*more: str) -> str:
        done = CliRunner().invoke(survey, ["campaign", "results", NAME, *more], obj=lambda: play.runtime)
        assert done.exit_code == 0, done.output
        return done.output

    names = list(GROUPS)
    return {
        "page": figures.of_page(page(), names),
        "csv": figures.of_csv(page("?format=csv").lstrip("\ufeff")),
        "json": figures.of_json(page("?format=json")),
        "command": figures.of_text(command(), names),
        "command as json": figures.of_json(command("--json")),
    }


def covers(source: str, key: tuple[str, ...]) -> bool:
    """Whether a place shows a figure: of strata the page has no single reasons, the command only persons and groups."""
    if key[0] == "campaign":
        return True
    if source == "page":
        return key[1] != "reason"
    return source != "command" or key[1] in ("answered", "asked", "group")


def read_by_whom_it_may_concern(play: Play) -> None:
    """Survey readers find every comment and word; nobody else finds one anywhere."""
    reader = play.visit(Role.SURVEY_READER)
    comments = reader.get(f"{CAMPAIGN}/answers/comments.csv").get_data(as_text=True)
    words = reader.get(f"{CAMPAIGN}/answers/words.csv").get_data(as_text=True)
    assert sorted(said(comments, "comment")) == play.tally.comments()
    assert sorted(said(words, "words")) == sorted(word for _choice, word in play.tally.words())
    marks = [comment.split("\n")[0] for comment in play.tally.comments()]
    for role in Role:
        visitor = play.visit(role)
        if role is not Role.SURVEY_READER:
            for path in ("", "/comments.csv", "/words.csv"):
                assert visitor.get(f"{CAMPAIGN}/answers{path}").status_code == 403
        for path in ("/campaigns/", CAMPAIGN, f"{CAMPAIGN}/results", "/desk/reported", "/journals/suggestions", "/"):
            page = unescape(visitor.get(path).get_data(as_text=True))
            assert not [mark for mark in marks if mark in page]
    assert Visitor(play.app).get(f"{CAMPAIGN}/answers").status_code in (302, 401, 403)


def said(text: str, column: str) -> list[str]:
    """Return one column of a CSV file, without the guard before what a spreadsheet would reckon."""
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    return [row[column].removeprefix("'") for row in rows]


# -- a year later -----------------------------------------------------------------------------------------------------


def erased(play: Play, shown: dict[str, figures.Figures]) -> None:
    """Thirteen months after, no address is left but in the project list, letters and links are gone, figures stay."""
    play.clock.move(timedelta(days=400))
    dry = CliRunner().invoke(survey, ["purge", "--dry-run"], obj=lambda: play.runtime)
    assert dry.exit_code == 0, dry.output
    assert places_of_addresses(play) >= {("invitation", "email"), ("outbox_mail", "email")}
    play.run("survey")
    assert places_of_addresses(play) == {("project_revision", "pi_email")}
    assert shown_to(play, Role.MANAGER) == shown
    play.shut(play.players[0].links[play.players[0].code])
    assert len(play.closed) == 1


def places_of_addresses(play: Play) -> set[tuple[str, str]]:
    """Return (table, column) of all places in the database that hold an address of somebody who was asked."""
    found = set()
    with play.runtime.store.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            for column in table.columns:
                text = sa.cast(column, sa.Text)
                held = session.execute(sa.select(sa.func.count()).where(sa.func.lower(text).contains(DOMAIN)))
                if held.scalar_one():
                    found.add((table.name, column.name))
    return found
