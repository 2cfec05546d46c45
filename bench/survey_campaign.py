"""A campaign of thousands on a copy of the store: its letters, its page, what its links tell, its box.

Each part makes a campaign of its own on a fresh copy, because sending and answering change it. What peak memory is told of
is done in a process that does nothing else.
"""

from __future__ import annotations

import http.client
import random
import re
import resource
import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlmodel import col, select

from bench.databases import name_of
from bench.desk import EMPTY, cpu_ms, is_busy, processes_of, serving
from bench.figures import Figure
from bench.survey_post import mail_server, plain_rate
from bench.survey_visits import Request, Visits, visits
from biblio.catalogue.actor import MACHINE
from biblio.clock import Clock
from biblio.logs import configure
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine
from biblio.store.models import Ballot, Campaign, Invitation
from survey.box.ballots import key_path, random_id, read_key, seal, unseal
from survey.box.closing import close_campaign
from survey.campaign.sending import queue_batch, send
from survey.campaign.service import make_draft, open_campaign
from survey.questionnaire import Chosen, Filled
from survey.tokens import make_token, token_hash

RATE = 50
"""Requests a second that the page is asked for."""

GOAL_MS = 50
SEED = 20261123

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Made:
    """A campaign on a copy of a store: who wired it, its number, the links of its invitations, by number."""

    runtime: Runtime
    campaign: int
    tokens: tuple[str, ...]
    invitations: tuple[int, ...]
    took: float
    held: float
    """The longest that making it kept others from writing."""


@contextmanager
def _held(runtime: Runtime) -> Iterator[list[float]]:
    """Yield a list that fills with the seconds for which each unit kept the writer's place."""
    held: list[float] = []
    begun: dict[int, float] = {}

    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("sqlite_begin") == "IMMEDIATE":
            begun[id(connection)] = time.perf_counter()

    def commit(connection: sa.Connection) -> None:
        if id(connection) in begun:
            held.append(time.perf_counter() - begun.pop(id(connection)))

    sa.event.listen(runtime.store.engine, "begin", begin)
    sa.event.listen(runtime.store.engine, "commit", commit)
    try:
        yield held
    finally:
        sa.event.remove(runtime.store.engine, "begin", begin)
        sa.event.remove(runtime.store.engine, "commit", commit)


@contextmanager
def campaign(runtime: Runtime) -> Iterator[Made]:
    """Copy a store and make a campaign of everybody who is due; the copy is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="biblio-campaign-"))
    shutil.copytree(runtime.settings.home / "secrets", folder / "home" / "secrets")
    try:
        with _copy(runtime, folder) as url:
            change = {"home": folder / "home", "database_url": url}
            store = Store(make_engine(url))
            copied = replace(runtime, settings=runtime.settings.model_copy(update=change), store=store)
            try:
                yield _made(copied)
            finally:
                store.engine.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _copy(runtime: Runtime, folder: Path) -> Iterator[str]:
    url = sa.make_url(runtime.settings.database)
    if runtime.store.is_sqlite:
        with runtime.store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(url.database or "", folder / "copy.db")
        yield f"sqlite:///{folder / 'copy.db'}"
        return
    runtime.store.engine.dispose()  # a database can be copied only while nobody is connected to it
    server = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    name = f"campaign-{secrets.token_hex(4)}"
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"'))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()


def _made(runtime: Runtime) -> Made:
    begun = time.perf_counter()
    with _held(runtime) as held:
        made = make_draft(runtime, MACHINE, name="bench")
    took = time.perf_counter() - begun
    with runtime.store.writing() as session:
        open_campaign(session, runtime, MACHINE, made.campaign_id)
        rows = session.execute(
            sa.select(col(Invitation.id), col(Invitation.nonce))
            .where(col(Invitation.campaign_id) == made.campaign_id)
            .order_by(col(Invitation.id))
        ).all()
    secret = runtime.settings.secret()
    tokens = tuple(make_token(secret, number, nonce) for number, nonce in rows)
    return Made(runtime, made.campaign_id, tokens, tuple(row[0] for row in rows), took, max(held))


# -- in a process of its own ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """What a process did: a number of things in so many seconds, and its memory (MB) before and at its peak."""

    number: int
    took: float
    before: float
    peak: float


def apart(work: Callable[[Runtime, int], int], settings: Settings, number: int) -> Done:
    """Do ``work`` in a new process with a runtime of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, work, settings, number).result()


def _measured(work: Callable[[Runtime, int], int], settings: Settings, number: int) -> Done:
    configure(as_json=False, level="ERROR")
    runtime = Runtime(settings, checked_profile(None), Store(make_engine(settings.database)), Clock())
    before, begun = _peak(), time.perf_counter()
    done = work(runtime, number)
    return Done(done, time.perf_counter() - begun, before, _peak())


def _peak() -> float:
    """The most memory that this process had (MB). ``getrusage`` counts what its parent had when it was started, too."""
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) / 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _queue(runtime: Runtime, persons: int) -> int:
    with runtime.store.writing() as session:
        last = session.exec(select(Campaign.id).order_by(col(Campaign.id).desc())).first()
        return queue_batch(session, runtime, MACHINE, last or 0, batch=persons)


def _send(runtime: Runtime, _persons: int) -> int:
    return send(runtime).sent


def _release(runtime: Runtime, campaign_id: int) -> int:
    return close_campaign(runtime, MACHINE, campaign_id).read


# -- the parts --------------------------------------------------------------------------------------------------------


def sent(runtime: Runtime, persons: int) -> Iterator[Figure]:
    """Queue and send invitations to a mail server that says yes, beside a plain loop to the same server."""
    name = name_of(runtime)
    with campaign(runtime) as made, mail_server() as port:
        yield Figure(f"{name}: a draft of {len(made.tokens):,} projects made", made.took, " s")
        yield Figure(f"{name}: of it others could not write", made.held, " s", goal="< 1 s", met=made.held < 1)
        change = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_starttls": False}
        settings = made.runtime.settings.model_copy(update=change)
        queued = apart(_queue, settings, persons)
        yield Figure(f"{name}: letters queued", queued.number / queued.took, "/s", goal=f"{queued.number:,} letters")
        plain = plain_rate(port, persons)
        done = apart(_send, settings, persons)
        again = plain_rate(port, persons)
        beside = ("a plain loop, the faster", max(plain, again))
        told = f"{done.number:,} of {queued.number:,} in {done.took:.0f} s; the others were stopped"
        yield Figure(f"{name}: letters sent", done.number / done.took, "/s", *beside, goal=told)
        yield Figure(f"{name}: peak memory of the sender", done.peak, " MB", "before it began", done.before)


def answered(runtime: Runtime, requests: int) -> Iterator[Figure]:
    """Ask for the questionnaire, then submit it, at 50 requests a second, beside the empty page at the same rate."""
    name = name_of(runtime)
    with campaign(runtime) as made, serving(made.runtime) as (port, server):
        _wait_until_ready(port)
        paths = [f"/survey/{token}" for token in made.tokens]
        _tell = [("GET", EMPTY, "", "")] * requests
        visits(port, RATE, _tell[:100])
        empty = visits(port, RATE, _tell)
        visits(port, RATE, [("GET", path, "", "") for path in paths[-100:]])
        processes = processes_of(server, None)
        before = cpu_ms(processes)
        got = visits(port, RATE, [("GET", path, "", "") for path in paths[:requests]])
        used = (cpu_ms(processes) - before) / requests
        yield _page(f"{name}: the questionnaire, p95", got, empty, used)
        forms = [_form(port, path, number) for number, path in enumerate(paths[: requests + 50])]
        visits(port, RATE, forms[requests:])
        before = cpu_ms(processes)
        posted = visits(port, RATE, forms[:requests])
        used = (cpu_ms(processes) - before) / requests
        if posted.statuses != {303: requests}:
            raise RuntimeError(f"answers were not taken: {posted.statuses}")
        yield _page(f"{name}: its answer, p95", posted, empty, used)


def _page(what: str, found: Visits, empty: Visits, used: float) -> Figure:
    told = f"p50 {found.share(0.5):.0f} ms, p99 {found.share(0.99):.0f} ms; processor {used:.1f} ms; goal {GOAL_MS} ms"
    met: bool | None = found.share(0.95) < GOAL_MS
    if not met and is_busy():
        met, told = None, f"{told}, not told on a busy machine"
    return Figure(what, found.share(0.95), " ms", "the empty page", empty.share(0.95), told, met)


def _wait_until_ready(port: int) -> None:
    """Wait for the public index of a server that has just started: making it takes the processor."""
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("GET", "/")
        status = connection.getresponse().status
        connection.close()
        if status != 503:
            return
        time.sleep(0.5)


def _form(port: int, path: str, number: int) -> Request:
    """Read a questionnaire as a browser does; return the request that submits it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(_sender(number), 0))
    connection.request("GET", path)
    answer = connection.getresponse()
    found = _TOKEN.search(answer.read().decode())
    cookie = (answer.getheader("Set-Cookie") or "").split(";", 1)[0]
    connection.close()
    if found is None:
        raise RuntimeError(f"{path} answered {answer.status}, without a form")
    values = {"status": str(1 + number % 12), "comment": "The support was kind. " * 8, "csrf_token": found[1]}
    return "POST", path, urlencode(values), cookie


def _sender(number: int) -> str:
    return f"127.0.{201 + number // 200 % 50}.{1 + number % 200}"


def told_apart(runtime: Runtime, each: int) -> Iterator[Figure]:
    """Ask for links that work and links that do not, mixed; how far the medians differ, with an interval."""
    name = name_of(runtime)
    with campaign(runtime) as made:
        kinds = _kinds(made, each)
        with serving(made.runtime) as (port, _server):
            _wait_until_ready(port)
            took = _timed(port, kinds)
    dice = random.Random(SEED)
    unknown = took["unknown"]
    for kind, times in took.items():
        if kind == "unknown":
            yield Figure(f"{name}: an unknown link, p50", statistics.median(times), " ms")
            continue
        low, high = _interval(dice, times, unknown)
        difference = statistics.median(times) - statistics.median(unknown)
        told = f"95 %: {low:+.2f} to {high:+.2f} ms, {each:,} of each"
        met = None if kind == "right" else low <= 0 <= high or abs(difference) < 0.5
        goal = "; another page" if kind == "right" else "; goal: 0 within, or below 0.5 ms"
        yield Figure(f"{name}: a {kind} link takes longer by", difference, " ms", goal=told + goal, met=met)


def _kinds(made: Made, each: int) -> dict[str, list[str]]:
    """Return links of every kind; those that were used, withdrawn, or belong to a campaign that is over are made so."""
    tokens, numbers = made.tokens, made.invitations
    kinds = {
        "right": tokens[:each],
        "used": tokens[each : 2 * each],
        "withdrawn": tokens[2 * each : 3 * each],
        "closed": [secrets.token_urlsafe(24) for _ in range(each)],
        "unknown": [secrets.token_urlsafe(24) for _ in range(each)],
    }
    now = made.runtime.clock.now()
    with made.runtime.store.writing() as session:
        change = sa.update(Invitation)
        session.execute(change.where(col(Invitation.id).in_(numbers[each : 2 * each])).values(is_used=True))
        session.execute(
            change.where(col(Invitation.id).in_(numbers[2 * each : 3 * each])).values(
                withdrawn_at=now, withdrawn_reason="bench"
            )
        )
        earlier = session.exec(select(Invitation).where(col(Invitation.campaign_id) == 1).limit(each)).all()
        for row, token in zip(earlier, kinds["closed"], strict=True):
            row.token_hash = token_hash(token)
            session.add(row)
    return {kind: list(links) for kind, links in kinds.items()}


def _timed(port: int, kinds: dict[str, list[str]]) -> dict[str, list[float]]:
    """Ask for all links, one after the other in a random order; return the milliseconds of each kind."""
    mixed = [(kind, token) for kind, tokens in kinds.items() for token in tokens]
    random.Random(SEED).shuffle(mixed)
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    connection: http.client.HTTPConnection | None = None
    for number, (kind, token) in enumerate([*mixed[:50], *mixed]):
        if number % 50 == 0:
            if connection is not None:
                connection.close()
            connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(_sender(number // 50), 0))
        assert connection is not None
        begun = time.perf_counter()
        connection.request("GET", f"/survey/{token}")
        answer = connection.getresponse()
        answer.read()
        if number >= 50:
            took[kind].append(1000 * (time.perf_counter() - begun))
        if answer.status != (200 if kind == "right" else 404):
            raise RuntimeError(f"a {kind} link answered {answer.status}")
    return took


def _interval(dice: random.Random, ours: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the difference of the medians (bootstrap)."""
    found = sorted(
        statistics.median(dice.choices(ours, k=len(ours))) - statistics.median(dice.choices(others, k=len(others)))
        for _ in range(1000)
    )
    return found[25], found[974]


def released(runtime: Runtime, ballots: int) -> Iterator[Figure]:
    """Open a full box, beside what bare decryption of the same ballots takes."""
    name = name_of(runtime)
    with campaign(runtime) as made:
        sealed = _fill(made, ballots)
        private = read_key(key_path(made.runtime.settings.survey_keys, made.campaign), _public(made))
        begun = time.perf_counter()
        for each in sealed:
            unseal(private, each)
        bare = time.perf_counter() - begun
        done = apart(_release, made.runtime.settings, made.campaign)
    if done.number != ballots:
        raise RuntimeError(f"{done.number} of {ballots} ballots were read")
    yield Figure(f"{name}: {ballots:,} ballots released", done.took, " s", "bare decryption", bare)
    yield Figure(f"{name}: peak memory of the release", done.peak, " MB", "before it began", done.before)


def _public(made: Made) -> str:
    with made.runtime.store.reading() as session:
        return session.get_one(Campaign, made.campaign).public_key


def _fill(made: Made, ballots: int) -> list[bytes]:
    """Put ballots into the box and let the campaign's last day be over."""
    dice = random.Random(SEED)
    public, rows = _public(made), list[dict[str, Any]]()
    for _ in range(ballots):
        choice = dice.randrange(1, 13)
        comment = {"comment": "Made-up words of somebody. " * dice.randrange(1, 20)} if dice.random() < 0.3 else {}
        filled = Filled((Chosen("status", choice, "A word" if choice in (10, 12) else ""),), comment)
        rows.append({"id": random_id(), "campaign_id": made.campaign, "sealed": seal(public, filled)})
    with made.runtime.store.writing() as session:
        session.execute(sa.insert(Ballot), rows)
        session.execute(sa.update(Invitation).where(_first(made, ballots)).values(is_used=True))
        opened = session.get_one(Campaign, made.campaign)
        opened.closes_on = made.runtime.clock.today() - timedelta(days=1)
        session.add(opened)
    return [row["sealed"] for row in rows]


def _first(made: Made, ballots: int) -> Any:
    numbers = made.invitations[:ballots]
    return col(Invitation.id).between(numbers[0], numbers[-1])
