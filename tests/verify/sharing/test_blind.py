"""Nothing that anybody but the first reader can open depends on a verdict that a second reader is yet to judge.

Two stores are alike but for that verdict, class and reason. Every page and file that names the paper must be the same in
both, for everybody; and the reason stands nowhere.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from biblio.clock import FixedClock
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.store.words import RelationKind, Role, Verdict
from biblio.web.app import create_app
from reports.definitions import INDICATORS
from tests.conftest import NOW, NOWHERE
from tests.verify.factories import add_user
from tests.verify.shared_work import CODE, TITLE, Work, as_client, drawn_ruling, somebody, two_papers

MARK = "seven-reasons"
NAMES = (TITLE, "10.5555/tamsin", "1901.00001")
"""What a page that tells of the paper holds."""

TRUTHS = (
    {"verdict": Verdict.ACCEPT, "relation": RelationKind.SCIENCE, "reason": f"{MARK} for it"},
    {"verdict": Verdict.REJECT, "relation": RelationKind.MENTION, "reason": f"{MARK} against it"},
)
_TOKEN = re.compile(r'name="csrf_token" (type="hidden" )?value="[^"]+"|nonce="[^"]+"')
_PART = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
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
    return Runtime(settings=settings, profile=checked_profile(None), store=store, clock=FixedClock(NOW))


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
    searches = ["/?q=Tamsin", "/desk?band=certain", "/desk?order=learn", "/desk?why=unsure", f"/desk/next?find={CODE}"]
    return sorted({*asked, *searches, "/api/papers?q=Tamsin", "/desk/paper/1?find=Tamsin", "/admin/audit?q=Tamsin"})


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
        texts = [_TOKEN.sub("", page.get_data(as_text=True)) for page in pages]
        assert not any(MARK in text for text in texts), address
        if any(name in text for name in NAMES for text in texts):
            assert pages[0].status_code == pages[1].status_code, address
            assert texts[0] == texts[1], address
            seen += 1
    if role in (Role.LIBRARIAN, Role.HEAD_LIBRARIAN, Role.ADMIN):
        assert seen > 0  # the blind page at least names the paper


def test_reports_count_such_a_paper_and_do_not_name_it(worlds: list[World]) -> None:
    """The accepted one is behind the numbers; its row says why it has no name, and the file leaves its number out."""
    world = worlds[0]
    with world.runtime.store.reading() as session:
        client = as_client(world.app, world.runtime, somebody(session, "any-manager"))
    figures = client.get("/reports/export.json").get_json()["figures"]
    counted = [figure for figure in figures if "papers" in figure and figure["value"]]
    assert counted
    for figure in counted:
        assert world.work.paper not in figure["papers"]
        rows = client.get(f"/reports/rows/{figure['indicator']}", query_string={"of": figure["of"]})
        assert "under second reading: named when both readers have judged" in rows.get_data(as_text=True)


def test_the_first_reader_alone_sees_it(worlds: list[World]) -> None:
    """So the mark is there to be found."""
    for world, truth in zip(worlds, TRUTHS, strict=True):
        page = as_client(world.app, world.runtime, world.work.vera).get(f"/desk/paper/{world.work.paper}")
        assert str(truth["reason"]) in page.get_data(as_text=True)
