"""What an honest second reader sees of reports: the same bytes whatever the first reader decided, on every page and in every file.

Worlds are built that differ in nothing but what the first reader said of a paper that waits for its second reader.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from biblio.catalogue.links import Ruling, decide
from biblio.clock import FixedClock
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.store.models import OutboxMail, SecondReading
from biblio.store.words import Band, RelationKind, Role, Scheme, Verdict
from biblio.verify.sharing.second_readings import put_to_readers
from biblio.web import create_app
from biblio.web.accounts.permissions import PERMISSIONS
from reports.feature import feature as reports
from reports.letters import KIND, preview
from reports.service import build_report, freeze
from reports.snapshots.hiding import may_read_second
from reports.themes import THEMES
from tests.conftest import runtime_on
from tests.factories import add_candidate, add_paper, add_project, add_user
from tests.reports.pages.conftest import CYCLE_3, fill
from tests.web.visitors import Visitor, logged_in

DRAWN = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
"""When the first reader judged, and chance drew it."""

BEFORE, SINCE = date(2026, 3, 1), date(2026, 9, 1)
"""Days of the two snapshots: the first knows nothing of that judgement, the second does."""

ROWS = [
    "fraction/now/all/observed",
    "fraction/now/all/fraction",
    "fraction/now/all/silent",
    "fraction/fixed-age/2015.1/y4",
    "papers/by-year/all/papers",
    "bibliography/undecided/all/papers",
    "bibliography/decisions/all/papers",
]
FILES = [
    "report.csv",
    "report.xlsx",
    "report.json",
    "fraction/now.csv",
    "fraction/now/1.light.svg",
    "papers/by-year/1.csv",
]
PAGES = ["", *THEMES, "fraction/now", "speed/curve-points", *ROWS, *(f"{one}?format=csv" for one in ROWS), *FILES]
WORLD = [
    *(f"/reports/{one}" for one in PAGES),
    *(
        f"/reports/{one}?as_of=2026-06-02&cycle=2015.1"
        for one in ("", *THEMES, "fraction/now/all/fraction", "report.json")
    ),
    *(f"/reports/{one}?as_of={BEFORE}" for one in ("", "report.json")),
    *(f"/reports/snapshots/1/{one}" for one in ("", "fraction", ROWS[1], "report.json")),
    *(f"/reports/snapshots/2/{one}" for one in PAGES if not one.endswith("xlsx")),
    "/reports/snapshots",
    "/reports/snapshots/1/changes",
    "/reports/snapshots/1/changes/2",
    "/reports/snapshots/2/changes",
    "/reports/definitions",
    "/success",
    "/success/fraction.light.svg",
]
_TOKEN = re.compile(rb'(name="csrf_token"[^>]*value=")[^"]+')

ACCEPTED = (Verdict.ACCEPT, RelationKind.SCIENCE)
VERDICTS = (ACCEPTED, (Verdict.REJECT, RelationKind.MENTION), (Verdict.REJECT, None))
"""What the first reader may have said: this project's data; not this project, and the paper a mention or nothing of it."""


@dataclass(frozen=True)
class World:
    """A bibliography with a paper under second reading. ``asked`` is the project that was judged."""

    runtime: Runtime
    asked: str


def filled(runtime: Runtime, said: tuple[Verdict, RelationKind | None] = ACCEPTED) -> World:
    """Fill a database: the shelf, a paper that waits with another project too, and is judged; a snapshot before and since."""
    shelf = fill(runtime)
    verdict, relation = said
    with runtime.store.writing() as session:
        add_user(session, "noor")  # somebody else who could read
        for n in range(20, 28):
            add_project(session, f"2015.1.000{n}.S", delivered_on=date(2016, 3, 1))
        paper = add_paper(session, "Judged once", year=2019, identifiers={Scheme.BIBCODE: "2019Nowhr...2....2B"})
        add_candidate(session, paper, shelf.projects[3], score=0.99, band=Band.CERTAIN)
        ruling = Ruling(paper, shelf.projects[2], verdict, version_seen=0, relation=relation)
        decision = decide(session, shelf.librarian, ruling, now=DRAWN)
        assert put_to_readers(session, shelf.librarian, [decision], share=1.0, random=lambda: 0.0)
        for day in (BEFORE, SINCE):
            report = build_report(runtime, session, day)
            freeze(session, shelf.librarian, report, now=runtime.clock.now())
    return World(runtime, CYCLE_3[2])


@pytest.fixture
def world(runtime: Runtime) -> World:
    """A bibliography whose first reader accepted."""
    return filled(runtime)


@pytest.fixture
def worlds(sqlite_template: Path, tmp_path: Path, settings: Settings, clock: FixedClock) -> Iterator[list[World]]:
    """The same bibliography for each thing that the first reader may have said, and nothing else differs."""
    made = []
    for number, said in enumerate(VERDICTS):
        path = tmp_path / f"world-{number}.db"
        shutil.copyfile(sqlite_template, path)
        mine = settings.model_copy(update={"database_url": f"sqlite:///{path}"})
        made.append(filled(runtime_on(mine, Store(make_engine(mine.database)), clock), said))
    yield made
    for one in made:
        one.runtime.store.engine.dispose()


def seen(one: World, role: Role, paths: Sequence[str]) -> dict[str, bytes]:
    """What somebody sees at each address: the status, and the bytes but for the forms' token."""
    visitor = logged_in(create_app(one.runtime, features=[public, reports]), one.runtime, role)
    found = {}
    for path in paths:
        answer = visitor.get(path)
        assert answer.status_code in (200, 403), (path, answer.status_code)
        found[path] = str(answer.status_code).encode() + _TOKEN.sub(rb"\1", answer.data)
    return found


def letter(one: World) -> tuple[str, str]:
    """The letter with the second snapshot, as librarians see it among the letters."""
    with one.runtime.store.reading() as session:
        mail = OutboxMail(key=f"{KIND}-2-{'0' * 16}", kind=KIND, subject="A report", body="", recipient="", email="")
        return preview(session, one.runtime, mail)


def test_a_second_reader_sees_the_same_bytes_whatever_the_first_said(worlds: list[World]) -> None:
    """Every page, list, picture and file, live and frozen, of today and of earlier days; and the letter's preview.

    PDF and XLSX are drawn of the same figures as JSON and CSV. A manager sees the verdict at the same addresses, or the test saw nothing.
    """
    accepted, *others = worlds
    first, count = (
        seen(accepted, Role.HEAD_LIBRARIAN, WORLD),
        ["/reports/", "/reports/report.json", "/reports/snapshots/2/"],
    )
    counted = seen(accepted, Role.MANAGER, count)
    for other in others:
        assert letter(other) == letter(accepted)
        assert seen(other, Role.HEAD_LIBRARIAN, WORLD) == first
        assert not counted.items() & seen(other, Role.MANAGER, count).items()


def test_a_second_reader_and_a_stranger_see_the_same_numbers(app: Flask, world: World) -> None:
    """The report of a librarian is counted as the public page is, and both say what they lack; a manager's says both."""
    pages = {
        who: re.sub(r"[ \n]+", " ", visitor.get(path).get_data(as_text=True))
        for who, visitor, path in (
            ("librarian", logged_in(app, world.runtime, Role.LIBRARIAN), "/reports/"),
            ("manager", logged_in(app, world.runtime, Role.MANAGER), "/reports/"),
            ("stranger", Visitor(app), "/success"),
        )
    }
    for who, words in (("librarian", "15.4"), ("stranger", "15.4"), ("manager", "23.1")):
        assert f"{words}\u202f%" in pages[who], who
    assert "2 of 13" in pages["librarian"]
    assert "2 of 13" in pages["stranger"]
    assert (
        '23.1\u202f%<span class="span">3 of 13</span></td><td>15.4\u202f%<span class="span">2 of 13' in pages["manager"]
    )
    assert "without 1 paper under second reading" in pages["librarian"]
    assert "1 paper that chance gave to a second librarian, the first on 2026-06-01" in pages["stranger"]
    assert "with 1 paper under second reading" in pages["manager"]


def test_a_closed_snapshot_says_why_and_opens_when_both_have_judged(
    app: Flask, world: World, clock: FixedClock
) -> None:
    """It leads to the report of its day, counted without; when the reading has ended it is as open as any."""
    librarian = logged_in(app, world.runtime, Role.LIBRARIAN)
    answer = librarian.get("/reports/snapshots/2/fraction")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "Snapshot 2 is closed to second readers for now" in page
    assert 'href="/reports/?as_of=2026-09-01"' in page
    assert "closed to second readers" in librarian.get("/reports/snapshots").get_data(as_text=True)
    with world.runtime.store.writing() as session:
        session.execute(sa.update(SecondReading).values(ended_at=clock.now(), agrees=True))
    clock.move(timedelta(hours=1))
    assert librarian.get("/reports/snapshots/2/fraction").status_code == 200
    named = json.loads(librarian.get("/reports/report.json").data)["report"]
    assert "2019Nowhr...2....2B" in json.dumps(named)


def test_freezing_twice_tells_a_second_reader_nothing(app: Flask, world: World) -> None:
    """Whether a report is new would tell whether something was accepted: to whoever may be the second reader each is new."""
    head = logged_in(app, world.runtime, Role.HEAD_LIBRARIAN)
    for number in (3, 4):
        answer = head.post("/reports/freeze", {"as_of": ""}, form_on="/reports/snapshots", follow_redirects=True)
        assert f"is frozen as snapshot {number}" in answer.get_data(as_text=True)


def test_projects_of_a_hidden_paper_keep_their_names_where_they_are_not_counted_for_it(
    app: Flask, world: World
) -> None:
    """For a librarian the project stands among those without a paper, by name; which rows have none would tell."""
    page = (
        logged_in(app, world.runtime, Role.LIBRARIAN).get("/reports/fraction/now/all/fraction").get_data(as_text=True)
    )
    others = page[page.index("The other") :]
    assert f"/project/{world.asked}" in others
    assert "under second reading:" not in page


def test_those_who_may_read_second_are_those_who_see_without() -> None:
    """Every role that may share the desk's work, and whoever has no login; nobody else."""
    assert {role for role in Role if may_read_second(role)} == PERMISSIONS["desk.share"].roles
    assert may_read_second(None)
