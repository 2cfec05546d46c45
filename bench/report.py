"""How fast a success report is made at the size of a large observatory, and how that grows.

usage: python -m bench.report [--quick] [--json FILE] [--only sqlite|postgresql] [--growth N]… [FOLDER]

A store is made up (``report_store.py``, seeded) on SQLite and on PostgreSQL; FOLDER keeps both for the next run. What is
timed is a whole snapshot: reading the facts as known at the end of a day, counting, every theme, canonical JSON; then the
pages and the PDF (``report_pages.py``). Beside the reading stands a plain SELECT of the same rows by the bare driver.
Durations are the best of several runs, because other work on the machine only ever makes one slower. ``--growth 3
--growth 10`` also measures stores of three and ten times the size, and prints the time per project and paper beside that
of the first. ``--quick`` makes a tenth of all.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from multiprocessing import get_context
from pathlib import Path

from bench.databases import Build, name_of, stores
from bench.figures import HEADER, Figure, shown
from bench.report_pages import measured_pages
from bench.report_store import Size, build
from bench.running import is_busy, options, running
from biblio.clock import Clock
from biblio.garbage import collecting_later
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine
from reports.facts.counted import Counted
from reports.facts.model import Facts
from reports.facts.reading import read_facts
from reports.service import build_report
from reports.snapshots.canonical import to_json
from reports.themes import THEMES

GOAL_S = 5.0
RUNS = 3
FULL = Size(20_000)
QUICK = Size(2_000)

BARE = (
    (
        "SELECT p.id, p.code, r.title, r.pi, r.co_is, r.category, r.partner, r.state FROM project p"
        " JOIN project_revision r ON r.project_id = p.id WHERE r.superseded_at IS NULL"
    ),
    (
        "SELECT u.project_id, r.delivered_on, r.released_on FROM observation_unit u"
        " JOIN unit_revision r ON r.unit_id = u.id WHERE r.superseded_at IS NULL"
    ),
    "SELECT paper_id, project_id, verdict FROM link WHERE ended_at IS NULL",
    (
        "SELECT paper_id, title, journal, year, published_on, preprint_on, citation_count FROM paper_revision"
        " WHERE superseded_at IS NULL"
    ),
    (
        "SELECT a.revision_id, a.position, a.name, a.orcid FROM paper_author a"
        " JOIN paper_revision r ON r.id = a.revision_id WHERE r.superseded_at IS NULL"
    ),
    "SELECT paper_id, scheme, value FROM paper_identifier",
    "SELECT paper_id, made_at FROM decision",
)
"""What is in force now of all that a report reads, without dates in the past, merges or order."""


@dataclass(frozen=True, slots=True)
class Took:
    """The seconds of one snapshot, by part; ``processor`` is what this process used of them, whatever else ran beside."""

    read: float
    built: float
    written: float

    processor: float

    @property
    def whole(self) -> float:
        """All of it."""
        return self.read + self.built + self.written


def best(act: Callable[[], object], runs: int = RUNS) -> float:
    """The least time that ``act`` took, in seconds."""
    took = []
    for _ in range(runs):
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    return min(took)


def facts_of(runtime: Runtime, days_ago: int = 0) -> Facts:
    """Read the facts of a day."""
    today = runtime.clock.today()
    with runtime.store.reading() as session:
        return read_facts(session, runtime.profile, today - timedelta(days=days_ago), today=today)


def snapshot(runtime: Runtime) -> Took:
    """Make one whole snapshot, as ``biblio report build`` does before it keeps it."""
    moments = [time.perf_counter()]

    def told(what: str, done: int, _: int) -> None:
        if done and what.startswith("reading"):
            moments.append(time.perf_counter())

    used = time.process_time()
    with runtime.store.reading() as session:
        report = build_report(runtime, session, runtime.clock.today(), progress=told)
    moments.append(time.perf_counter())
    to_json(report)
    begun, read, built = moments
    return Took(read - begun, built - read, time.perf_counter() - built, time.process_time() - used)


def bare(runtime: Runtime) -> None:
    """Fetch the same rows with nothing but the driver."""
    connection = runtime.store.engine.raw_connection()
    try:
        cursor = connection.cursor()
        for statement in BARE:
            cursor.execute(statement)
            cursor.fetchall()
    finally:
        connection.close()


def peak_mb(url: str, home: Path) -> float:
    """Return the most memory (MB) that a process of its own takes for one snapshot; run in such a process."""
    settings = Settings(home=home, database_url=url, secret_key="0" * 32, environment="development")
    runtime = Runtime(settings, checked_profile(None), Store(make_engine(url)), Clock())
    snapshot(runtime)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(runtime: Runtime) -> float:
    """The most memory that one snapshot takes, in a process that does nothing else."""
    url = runtime.store.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(peak_mb, url, runtime.settings.home).result()


def measured(runtime: Runtime, size: Size) -> Iterator[Figure]:
    """Measure the snapshot of one store and its parts."""
    name = name_of(runtime)
    took = min((snapshot(runtime) for _ in range(RUNS)), key=lambda one: one.whole)
    goal = GOAL_S * size.projects / FULL.projects
    said = f"processor {took.processor:.1f} s; goal < {goal:.1f} s"
    met: bool | None = took.whole < goal
    if not met and took.processor < goal and is_busy():
        met, said = None, f"{said}, not told on a busy machine"
    yield Figure(f"{name}: whole snapshot", took.whole, " s", goal=said, met=met)
    yield Figure("  facts read", took.read, " s", "plain SELECT of the rows", best(lambda: bare(runtime)))
    yield Figure("  the same as of a year ago", best(lambda: facts_of(runtime, 365)), " s")
    yield Figure("  counted and all themes", took.built, " s")
    facts = facts_of(runtime)
    counted = Counted(facts, runtime.profile)
    with collecting_later():
        yield Figure("    classes of papers", best(lambda: counted.data_use, 1), " s")
        for key, module in THEMES.items():
            seconds = best(lambda module=module: module.tables(counted), 1)  # type: ignore[misc]
            yield Figure(f"    theme {key}", seconds, " s")
    yield Figure("  canonical JSON", took.written, " s")
    yield Figure("  memory at most, in a process of its own", alone(runtime), " MB")
    yield Figure("  projects", len(facts.projects))
    yield Figure("  papers", len(facts.papers))


def made(size: Size) -> Build:
    """Return what fills a store of this size."""
    return lambda runtime: build(runtime, size)


def run(folder: Path, size: Size, only: str | None, growth: Iterable[int]) -> list[Figure]:
    """Measure everything, printing each line as it is known."""
    figures: list[Figure] = []

    def told(one: Figure) -> None:
        print(shown(one), flush=True)
        figures.append(one)

    at_first: dict[str, float] = {}
    with stores(folder, f"report-{size.projects}", made(size), only) as runtimes:
        print(HEADER)
        for runtime in runtimes:
            for one in chain(measured(runtime, size), measured_pages(runtime)):
                told(one)
            at_first[name_of(runtime)] = snapshot(runtime).whole
    for times in growth:
        larger = Size(size.projects * times)
        with stores(folder, f"report-{larger.projects}", made(larger), only) as runtimes:
            for runtime in runtimes:
                for one in grown(runtime, times, at_first[name_of(runtime)]):
                    told(one)
    return figures


def grown(runtime: Runtime, times: int, first: float) -> Iterator[Figure]:
    """Measure a larger store: its time over the first one's, per row, which is 1 where time grows with the rows."""
    name = name_of(runtime)
    whole = min(snapshot(runtime).whole for _ in range(2))
    yield Figure(f"{name}: whole snapshot at {times}x", whole, " s", f"{times} times the first", times * first)
    yield Figure("  time per row over the first's", whole / (times * first), goal="linear: < 1.3", met=whole < 1.3 * times * first)  # fmt: skip
    yield Figure("  memory at most, in a process of its own", alone(runtime), " MB")


def main() -> None:
    """Run the benchmark."""
    parser = options(__doc__, "a tenth of all")
    parser.add_argument(
        "--growth", type=int, action="append", default=[], help="also a store of so many times the size"
    )
    running(
        parser,
        lambda given, folder: run(folder, QUICK if given.quick else FULL, given.only, given.growth),
    )


if __name__ == "__main__":
    main()
