"""Twenty people decide at once, over HTTP, on the same papers and on different ones: no decision is lost or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date

import pytest
import waitress
from flask import Flask
from waitress import wasyncore

from bench.desk import open_tasks
from bench.desk_crowd import Visitor, cookies, crowd
from bench.desk_store import PEOPLE, Size, build
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.verify.feature import feature as desk
from biblio.verify.queue import tally
from biblio.verify.queue.items import refresh
from biblio.web.app import create_app

EACH = 2
"""Papers that each of them decides on alone."""


@pytest.fixture
def full(runtime: Runtime) -> Runtime:
    """A small store of the benchmark."""
    build(runtime.store.engine, runtime.profile, Size(160), runtime.clock.today())
    return runtime


@pytest.fixture
def served(full: Runtime) -> Iterator[tuple[Flask, int]]:
    """The web pages as ``biblio serve`` runs them, with tokens in forms and all."""
    app = create_app(full, features=(desk, public))
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=8, ident=None)
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():  # sockets closed by another thread while it waits for them would be an error in it
            server.asyncore.loop(timeout=0.1, map=server._map, count=1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield app, server.effective_port
    ended.set()
    thread.join(timeout=10)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(server._map, ignore_all=True)  # the visitors' connections too, not the door alone


def test_the_benchmark_has_the_queue_that_its_papers_make(full: Runtime) -> None:
    """Brought in step, no row of the queue differs: what is measured is a desk as the product keeps it."""
    with full.store.writing() as session:
        assert refresh(session, full.profile, range(1, 161), today=full.clock.today()) == 0
        assert tally.true_up(session) == 0
        assert tally.sums(session)["all"][""] > 100
    assert full.clock.today() == date(2026, 11, 22)


def test_nothing_is_lost_and_nothing_doubled(full: Runtime, served: tuple[Flask, int]) -> None:
    """Papers apart: every decision is stored. The same papers: one for each, all others are told (409)."""
    app, port = served
    tasks = open_tasks(full.store, (PEOPLE + 1) * EACH)
    visitors = [Visitor(port, cookie) for cookie in cookies(app, full.store)]
    assert len(visitors) == PEOPLE
    for visitor in visitors:
        visitor.learn_token(f"/desk/paper/{tasks[0].paper_id}")
    apart = crowd(visitors, [tasks[n * EACH : (n + 1) * EACH] for n in range(PEOPLE)], full.store)
    assert apart.wrong == []
    assert (apart.statuses, apart.stored) == (Counter({302: PEOPLE * EACH}), PEOPLE * EACH)
    shared = tasks[PEOPLE * EACH :]
    same = crowd(visitors, [shared] * PEOPLE, full.store)
    assert same.wrong == []
    assert (same.statuses, same.stored) == (Counter({302: EACH, 409: (PEOPLE - 1) * EACH}), EACH)
    for visitor in visitors:
        visitor.close()
