"""How fast the report's pages answer on a large store: first of all, while nothing changes, and at a busy desk."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from flask.testing import FlaskClient
from sqlmodel import col, select

from bench.figures import Figure
from biblio.printing import can_write_pdf
from biblio.runtime import Runtime
from biblio.store.models import Decision, UserAccount
from biblio.store.words import Role
from biblio.web import create_app
from biblio.web.accounts import service
from reports.files.paper import as_pdf
from reports.service import build_report
from reports.themes import THEMES

VIEWS = 100
BUSY_VIEWS = 20
GOAL_MS = 100.0
PDF_GOAL_S = 10.0

_NAME, _PASSWORD = "bench-manager", "a password for the benchmark"
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def measured_pages(runtime: Runtime) -> Iterator[Figure]:
    """Measure the pages as a manager who has logged in sees them, through the whole web door, without a network."""
    client = _manager(runtime)
    yield Figure("  pages: first view of the report", _view(client, "/reports/") / 1000, " s")
    p95 = _p95(lambda: _view(client, "/reports/"), VIEWS)
    yield Figure("  dashboard, p95 of 100 views", p95, " ms", goal=f"< {GOAL_MS:.0f} ms", met=p95 < GOAL_MS)

    def after_a_verdict() -> float:
        _verdict(runtime)
        return _view(client, "/reports/")

    busy = _p95(after_a_verdict, BUSY_VIEWS)
    yield Figure(
        "  dashboard, a verdict before each view, p95", busy, " ms", goal=f"< {GOAL_MS:.0f} ms", met=busy < GOAL_MS
    )
    for key in THEMES:
        _view(client, f"/reports/{key}")
        yield Figure(f"    page of {key}", min(_view(client, f"/reports/{key}") for _ in range(3)), " ms")
    yield Figure(
        "  rows of all papers", min(_view(client, "/reports/papers/by-year/all/papers") for _ in range(3)), " ms"
    )
    yield Figure("  report of one partner, first view", _view(client, "/reports/?partner=eu") / 1000, " s")
    if can_write_pdf():
        with runtime.store.reading() as session:
            report = build_report(runtime, session, runtime.clock.today())
        base = "https://biblio.example/reports/"  # with links, as it is mailed and taken from a page
        first, again = (_seconds(lambda: as_pdf(report, base)) for _ in range(2))
        yield Figure("  PDF of the whole report", first, " s", goal=f"< {PDF_GOAL_S:.0f} s", met=first < PDF_GOAL_S)
        yield Figure("    the next one", again, " s")


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _view(client: FlaskClient, path: str) -> float:
    """Ask for a page; return the milliseconds it took. Raises ``RuntimeError`` for any other answer than a page."""
    begun = time.perf_counter()
    answer = client.get(path)
    took = (time.perf_counter() - begun) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return took


def _p95(act: Callable[[], float], times: int) -> float:
    """Return what 19 of 20 stay below."""
    return sorted(act() for _ in range(times))[int(times * 0.95)]


def _manager(runtime: Runtime) -> FlaskClient:
    with runtime.store.writing() as session:
        if session.exec(select(UserAccount.id).where(UserAccount.username == _NAME)).first() is None:
            new = service.NewAccount(_NAME, "Manager", Role.MANAGER, password_hash=service.hash_password(_PASSWORD))
            service.add(session, service.COMMAND_LINE, new, now=runtime.clock.now())
    client = create_app(runtime).test_client()
    token = _TOKEN.search(client.get("/login").get_data(as_text=True))
    assert token is not None, "the login page has a form"
    client.post("/login", data={"username": _NAME, "password": _PASSWORD, "csrf_token": token[1]})
    return client


def _verdict(runtime: Runtime) -> None:
    """Store one more act at the desk: a decision that is taken back changes no number, and is news to the pages."""
    with runtime.store.writing() as session:
        last = session.exec(select(Decision).order_by(col(Decision.id).desc())).first()
        if last is None:
            raise RuntimeError("the store holds no decision")
        undone = Decision(paper_id=last.paper_id, project_id=last.project_id, actor_id=last.actor_id, undoes_id=last.id,
                          made_at=runtime.clock.now())  # fmt: skip
        session.add(undone)
