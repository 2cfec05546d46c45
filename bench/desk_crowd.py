"""People at the desk over HTTP: logged-in visitors of a running server, and twenty of them deciding at once."""

from __future__ import annotations

import http.client
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from sqlmodel import Session, col, select

from biblio.store import Store
from biblio.store.models import Decision, Link, UserAccount
from biblio.store.words import Verdict
from biblio.verify.queue.tally import true_up

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
FORM = "application/x-www-form-urlencoded"


class Visitor:
    """One person's browser: one connection that stays open, the session's cookie, and the token of its forms."""

    def __init__(self, port: int, cookie: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Cookie": cookie}
        self._token = ""

    def get(self, path: str) -> tuple[int, str]:
        """Return status and page."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        self._keep(answer)
        return answer.status, answer.read().decode()

    def learn_token(self, path: str) -> None:
        """Read the token from a page with a form, as a browser would."""
        status, page = self.get(path)
        found = _TOKEN.search(page)
        if status != 200 or found is None:
            raise RuntimeError(f"{path} answered {status}, without a form")
        self._token = found[1]

    def post(self, path: str, values: Mapping[str, object]) -> int:
        """Send a form with its token; return the status."""
        body = urlencode({**values, "csrf_token": self._token})
        self._connection.request("POST", path, body, {**self._headers, "Content-Type": FORM})
        answer = self._connection.getresponse()
        self._keep(answer)
        answer.read()
        return answer.status

    def _keep(self, answer: http.client.HTTPResponse) -> None:
        """Keep the cookie that the server sets: the token belongs to it."""
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self._headers["Cookie"] = value.split(";", 1)[0]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def cookies(app: Flask, store: Store) -> list[str]:
    """Return the cookies of a session for every person with a login, as the login page would set them."""
    with store.reading() as session:
        people = [(p.id, p.session_stamp) for p in session.exec(select(UserAccount).order_by(col(UserAccount.id)))]
    found = []
    for number, stamp in people:
        client = app.test_client()
        with client.session_transaction() as session_cookie:
            session_cookie["_user_id"] = f"{number}.{stamp}"
        name = app.config["SESSION_COOKIE_NAME"]
        kept = client.get_cookie(name)
        assert kept is not None, "the app sets no cookie"
        found.append(f"{name}={kept.value}")
    return found


@dataclass(frozen=True, slots=True)
class Task:
    """One paper and project that nobody has judged."""

    paper_id: int
    project_id: int


@dataclass(slots=True)
class Outcome:
    """What a crowd got for answers, and what stands in the store afterwards."""

    statuses: Counter[int] = field(default_factory=Counter)
    stored: int = 0
    """Decisions in the store on the tasks' pairs, for as many answers of 302."""
    wrong: list[str] = field(default_factory=list)
    """What should not be: a pair with more than one live link, or with another verdict than the one that was taken."""


def decide(visitor: Visitor, task: Task, verdict: Verdict) -> int:
    """Send one decision as the paper page does; return the status."""
    values = {
        "project": task.project_id,
        f"version-{task.project_id}": 0,
        "verdict": verdict.value,
        "relation": "science" if verdict is Verdict.ACCEPT else "",
        "seconds": "3.5",
    }
    return visitor.post(f"/desk/paper/{task.paper_id}/decide", values)


def crowd(visitors: Sequence[Visitor], tasks: Sequence[Sequence[Task]], store: Store) -> Outcome:
    """Let each visitor work through its tasks, all at once; every second one accepts. Then look into the store."""
    ready = threading.Barrier(len(visitors))
    lock = threading.Lock()
    outcome = Outcome()
    taken: dict[Task, list[Verdict]] = {}

    def work(number: int) -> None:
        verdict = Verdict.ACCEPT if number % 2 else Verdict.REJECT
        visitor = visitors[number]
        ready.wait()
        for task in tasks[number]:
            status = decide(visitor, task, verdict)
            with lock:
                outcome.statuses[status] += 1
                if status == 302:
                    taken.setdefault(task, []).append(verdict)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.writing() as session:
        _look(session, {task for part in tasks for task in part}, taken, outcome)
    return outcome


def _look(session: Session, tasks: set[Task], taken: Mapping[Task, list[Verdict]], outcome: Outcome) -> None:
    wanted = sa.tuple_(col(Decision.paper_id), col(Decision.project_id)).in_(
        [(t.paper_id, t.project_id) for t in tasks]
    )
    outcome.stored = session.execute(sa.select(sa.func.count()).select_from(Decision).where(wanted)).scalar_one()
    links: dict[Task, list[Any]] = {}
    pair = sa.tuple_(col(Link.paper_id), col(Link.project_id)).in_([(t.paper_id, t.project_id) for t in tasks])
    for link in session.exec(select(Link).where(pair, col(Link.ended_at).is_(None))):
        links.setdefault(Task(link.paper_id, link.project_id), []).append(link.verdict)
    for task in sorted(tasks, key=lambda one: (one.paper_id, one.project_id)):
        if links.get(task, []) != taken.get(task, [])[-1:] or len(taken.get(task, [])) > 1:
            outcome.wrong.append(f"{task}: answered {taken.get(task)}, in force {links.get(task)}")
    mended = true_up(session)
    if mended:
        outcome.wrong.append(f"{mended} counts of the queue were wrong")
