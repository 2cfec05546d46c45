"""Nothing that anybody but the first reader can open depends on a verdict that a second reader is yet to judge.

Two stores are alike but for that verdict, class and reason, and what its reader wrote on the paper. Every page and file
must be the same in both, for everybody, but for the sums of the report; and the reason stands nowhere.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import select
from werkzeug.routing import Rule

from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.store.models import DeskItem, SecondReading
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify.paper import notes
from biblio.verify.sharing import service as sharing
from biblio.web.app import create_app
from reports.definitions import INDICATORS
from survey.asking.due import due, still_silent
from survey.asking.rule import Ground
from tests.conftest import NOW, NOWHERE, runtime_on
from tests.verify.factories import add_user
from tests.verify.shared_work import CODE, TITLE, Work, as_client, drawn_ruling, somebody, today, two_papers

MARK = "seven-reasons"
NAMES = (TITLE, "10.5555/tamsin", "1901.00001", CODE)
"""What a page that tells of the paper or its project holds."""

SUMS = ("/reports/",)
"""Where the report's figures stand: sums of all that is in force, which count the paper."""

TRUTHS = (
    {"verdict": Verdict.ACCEPT, "relation": RelationKind.SCIENCE, "reason": f"{MARK} for it"},
    {"verdict": Verdict.REJECT, "relation": RelationKind.MENTION, "reason": f"{MARK} against it"},
)
_TOKEN = re.compile(r'name="csrf_token" (type="hidden" )?value="[^"]+"|nonce="[^"]+"')
_PART = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
_HEADERS = ("ETag", "Last-Modified", "Location", "Content-Disposition", "Link")
_EXAMPLES = {"key": [k for k, i in INDICATORS.items() if i.rows], "kind": ["csv", "json"], "theme": ["light"]}


@dataclass(frozen=True, slots=True)
class World:
    """One of the two stores, behind the whole application."""

    app: Flask
    runtime: Runtime
    work: Work


def _runtime(folder: Path) -> Runtime:
    settings = Settings(
        home=folder / "home",
        database_url=f"sqlite:///{folder / 'biblio.db'}",
        environment="development",
        secret_key="0123456789abcdef0123456789abcdef",
        **NOWHERE,  # type: ignore[arg-type]
    )
    store = Store(make_engine(settings.database))
    return runtime_on(settings, store, FixedClock(NOW))


@pytest.fixture(scope="module")
def worlds(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[World]]:
    """The two, each with people of every role."""
    made = []
    for truth in TRUTHS:
        folder = tmp_path_factory.mktemp("truth")
        shutil.copyfile(sqlite_template, folder / "biblio.db")
        runtime = _runtime(folder)
        work = two_papers(runtime)
        with runtime.store.writing() as session:
            for role in Role:
                add_user(session, f"any-{role.value}", role)
        drawn_ruling(runtime, work, **truth)
        with runtime.store.writing() as session:
            notes.add_note(session, work.vera, work.paper, str(truth["reason"]), now=NOW)
            notes.add_tags(session, work.vera, work.paper, str(truth["reason"]), now=NOW)
            sharing.escalate(session, work.vera, work.paper, str(truth["reason"]), today(runtime))
        made.append(World(create_app(runtime), runtime, work))
    yield made
    for world in made:
        world.runtime.store.engine.dispose()


def _addresses(rule: Rule, world: World) -> list[str]:
    """Addresses that the rule matches: of the paper, its project and decision, and of every list as a file."""
    ways = [rule.rule]
    for kind, name in _PART.findall(rule.rule):
        part = re.compile(rf"<(?:\w+(?:\([^)]*\))?:)?{name}>")
        values = _EXAMPLES.get(name) or [str(world.work.paper) if kind == "int" else CODE]
        ways = [part.sub(value, way) for way in ways for value in values]
    return ways if "<int:" in rule.rule else [*ways, *(f"{way}?format=csv" for way in ways)]


def _everything(world: World) -> list[str]:
    rules = [r for r in world.app.url_map.iter_rules() if "GET" in (r.methods or ()) and r.endpoint != "assets.asset"]
    asked = [address for rule in rules for address in _addresses(rule, world)]
    searches = ["/?q=Tamsin", "/desk?band=certain", "/desk?order=learn", "/desk?why=unsure", f"/desk/next?find={CODE}",
                "/desk?why=silent", "/desk?why=more", "/campaigns/due?ground=eligible", "/campaigns/due?ground=not_silent",
                "/desk/certain", "/reports/rows/published?of=all+cycles", "/reports/rows/silent?of=all+cycles",
                "/reports/rows/observed?of=all+cycles", "/reports/rows/papers?of=all+years"]  # fmt: skip
    return sorted({*asked, *searches, "/api/papers?q=Tamsin", "/desk/paper/1?find=Tamsin", "/admin/audit?q=Tamsin",
                   f"/desk/paper/{world.work.other}", f"/paper/{world.work.other}"})  # fmt: skip


@pytest.mark.parametrize("role", [*Role, None], ids=str)
def test_no_page_depends_on_what_is_hidden(worlds: list[World], role: Role | None) -> None:
    """Every address, as every role but the first reader: the same in both stores wherever the paper is named."""
    clients = []
    for world in worlds:
        client = world.app.test_client()
        if role is not None:
            with world.runtime.store.reading() as session:
                client = as_client(world.app, world.runtime, somebody(session, f"any-{role.value}"))
        clients.append(client)
    seen = 0
    for address in _everything(worlds[0]):
        pages = [client.get(address) for client in clients]
        homes = [str(world.runtime.settings.home) for world in worlds]
        texts = [_TOKEN.sub("", p.get_data(as_text=True)).replace(h, "") for p, h in zip(pages, homes, strict=True)]
        assert not any(MARK in text for text in texts), address
        is_told = any(name in text for name in NAMES for text in texts)
        if is_told or not address.startswith(SUMS):
            assert pages[0].status_code == pages[1].status_code, address
            assert texts[0] == texts[1] or (pages[0].mimetype or "").endswith("sheet"), address
            assert [pages[0].headers.get(h) for h in _HEADERS] == [pages[1].headers.get(h) for h in _HEADERS], address
            seen += is_told
    if role in (Role.LIBRARIAN, Role.HEAD_LIBRARIAN, Role.ADMIN):
        assert seen > 0  # the blind page at least names the paper


@pytest.mark.parametrize("role", [Role.LIBRARIAN, Role.HEAD_LIBRARIAN], ids=str)
def test_no_answer_to_a_form_depends_on_what_is_hidden(worlds: list[World], role: Role) -> None:
    """Whatever is sent about the paper, valid or not: the answer, and the page that it leads to, are the same in both."""
    told: list[list[tuple[object, ...]]] = []
    for world in worlds:
        with world.runtime.store.reading() as session:
            client = as_client(world.app, world.runtime, somebody(session, f"any-{role.value}"))
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/account").get_data(as_text=True))
        assert token is not None
        told.append([])
        for address, form in _sent(world.work):
            answer = client.post(address, data={**form, "csrf_token": token[1]})
            page = client.get(answer.location).get_data(as_text=True) if answer.location else ""
            text = _TOKEN.sub("", answer.get_data(as_text=True) + page)
            assert MARK not in text, (address, form)
            told[-1].append((address, form, answer.status_code, answer.location, text))
    for one, other in zip(*told, strict=True):
        assert one == other


def _sent(work: Work) -> list[tuple[str, dict[str, str]]]:
    """What somebody might send to find out: verdicts with every version and class, rubbish, undoing, sharing."""
    paper = f"/desk/paper/{work.paper}"
    said = {"project": str(work.project), "relation_seen": "0"}
    verdicts = [
        {**said, "verdict": verdict, "version": version, "relation": relation}
        for verdict in ("accept", "reject", "unsure", "none", "rubbish")
        for version in ("0", "1", "x")
        for relation in ("science", "mention", "rubbish")
    ]
    others = ("relation/undo", "claim", "release", "hand-over", "escalate")
    return [
        *((f"{paper}/decide", form) for form in verdicts),
        *((f"{paper}/{what}", {}) for what in others),
        (f"{paper}/hand-over", {"to": "library:NRAO"}),
        (f"{paper}/escalate", {"reason": "Why?"}),
        ("/desk/certain", {"chosen": f"{work.paper}:{work.project}:1"}),
        ("/desk/decision/1/undo", {}),
        ("/compare/archive/take/undo/1", {}),
        ("/desk/second/1", {"verdict": "accept"}),
        ("/publication", {"identifier": "10.5555/tamsin", "project": CODE}),
    ]


def test_reports_count_such_a_paper_and_do_not_name_it(worlds: list[World]) -> None:
    """The accepted one is behind the numbers; its row says why it has no name, and the file leaves its number out."""
    world = worlds[0]
    with world.runtime.store.reading() as session:
        client = as_client(world.app, world.runtime, somebody(session, "any-manager"))
    rows = client.get("/reports/papers/by-year/all/papers")
    assert "under second reading: counted, and named when both readers have judged" in rows.get_data(as_text=True)
    for address in ("/reports/report.json", "/reports/report.csv", "/reports/papers/by-year/all/papers?format=csv"):
        text = client.get(address).get_data(as_text=True)
        assert text
        assert not [name for name in NAMES if name in text], address


def test_reports_name_no_project_of_such_a_paper(worlds: list[World]) -> None:
    """Published in one store and silent in the other: neither list, nor the file, says which project it is."""
    for world, key in zip(worlds, ("published", "silent"), strict=True):
        with world.runtime.store.reading() as session:
            client = as_client(world.app, world.runtime, somebody(session, "any-manager"))
        page = client.get(f"/reports/fraction/now/all/{key}").get_data(as_text=True)
        assert "under second reading: counted, and named when both readers have judged" in page
        for text in (page, client.get("/reports/report.json").get_data(as_text=True)):
            assert CODE not in text


def test_the_project_of_such_a_paper_is_not_asked_about(worlds: list[World]) -> None:
    """Whether it is silent would tell the verdict; its PI's page goes by what is in force."""
    for world, is_silent in zip(worlds, (False, True), strict=True):
        with world.runtime.store.reading() as session:
            (standing,) = due(session, world.runtime)
            assert standing.judgement.ground is Ground.READ_AGAIN
            assert still_silent(session, world.runtime, world.work.project) is is_silent


def test_what_waits_for_the_same_project_follows_when_it_is_over(worlds: list[World]) -> None:
    """Another paper is for a silent project until both readers have judged; then for one that has a paper, if so."""
    for world, after in zip(worlds, ("more", "silent"), strict=True):
        runtime = world.runtime
        with runtime.store.writing() as session:
            (reading,) = session.exec(select(SecondReading)).all()
            ines, today_ = somebody(session, "ines"), today(runtime)
            assert session.get_one(DeskItem, world.work.other).why == "silent"
            sharing.call_off(session, ines, reading.id or 0, today_)
            assert session.get_one(DeskItem, world.work.other).why == after
            sharing.resume(session, ines, reading.id or 0, today_)
            assert session.get_one(DeskItem, world.work.other).why == "silent"


def test_the_first_reader_alone_sees_it(worlds: list[World]) -> None:
    """So the mark is there to be found."""
    for world, truth in zip(worlds, TRUTHS, strict=True):
        page = as_client(world.app, world.runtime, world.work.vera).get(f"/desk/paper/{world.work.paper}")
        assert str(truth["reason"]) in page.get_data(as_text=True)
