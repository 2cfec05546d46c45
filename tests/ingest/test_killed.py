"""A harvest or a reading that is killed at any moment, then run again, ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from biblio.store import Store, make_engine, upgrade
from biblio.store.models import HarvestPage, RequestCount
from demo.large import Size, write
from demo.replay import ReplayServer
from tests.harvesters.servers import Asked, Reply, serving
from tests.ingest import killing
from tests.ingest.conftest import TODAY
from tests.ingest.fingerprint import fingerprint
from tests.ingest.killing import Reached, Site, pages_stored, texts_stored

SEED = int(os.environ.get("BIBLIO_KILL_SEED") or random.randrange(10**6))
"""Of the random moments. Other ones at each run; a failure prints it, and BIBLIO_KILL_SEED=… repeats it."""

Fingerprint = dict[str, Counter[str]]


def _undisturbed(folder: Path, served: str, jobs: tuple[str, ...]) -> tuple[Fingerprint, int]:
    """What the jobs leave when nothing disturbs them, and how many pages were harvested."""
    url = f"sqlite:///{folder / 'clean.db'}"
    store = Store(make_engine(url))
    upgrade(store.engine)
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("BIBLIO_")]:
            patch.delenv(name)
        for job in jobs:
            killing.run(job, Site(store, url, folder, served))
    found, pages = fingerprint(store), killing.count_rows(store, HarvestPage)
    store.engine.dispose()
    return found, pages


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, observatory: Path) -> Iterator[str]:
    """The address of a server for the demo observatory with a fifth of its papers, in all their records."""
    folder = tmp_path_factory.mktemp("few") / "observatory"
    shutil.copytree(observatory, folder)
    papers = {name: _lines(folder, name) for name in ("arxiv", "ads", "fulltext")}
    works = {row["work"] for row in papers["fulltext"][::5]}
    of_works = {name for row in papers["ads"] if row["work"] in works for name in row["identifier"]}
    papers["ads"] = [row for row in papers["ads"] if row["work"] in works]
    papers["arxiv"] = [row for row in papers["arxiv"] if f"arXiv:{row['id']}" in of_works]
    for name in ("arxiv", "ads"):
        assert len(papers[name]) > 50
        (folder / f"papers/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in papers[name]), "utf-8")
    with ReplayServer(folder, with_faults=False) as server:
        yield server.url


def _lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"papers/{name}.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, few: str) -> Fingerprint:
    """What an undisturbed harvest and reading leave."""
    return _undisturbed(tmp_path_factory.mktemp("clean"), few, ("harvest", "read"))[0]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server for fifteen hundred records."""
    folder = tmp_path_factory.mktemp("many")
    written = write(folder, Size(papers=800, projects=80), today=TODAY)
    assert written.arxiv_records + written.ads_records >= 1_500
    with ReplayServer(folder, with_faults=False) as server:
        yield server.url


@pytest.fixture(scope="module")
def clean_many(tmp_path_factory: pytest.TempPathFactory, many: str) -> tuple[Fingerprint, int]:
    """What an undisturbed harvest of them leaves, and in how many pages they came."""
    return _undisturbed(tmp_path_factory.mktemp("clean-many"), many, ("harvest",))


def test_killed_and_run_again_ends_like_one_clean_run(
    store: Store, database_url: str, few: str, tmp_path: Path, clean: Fingerprint
) -> None:
    """Five kills at different moments of harvest and reading change nothing of the end state."""
    kills: list[tuple[str, Reached]] = [
        ("harvest", pages_stored("registry", 1)),
        ("harvest", pages_stored("arxiv", 30)),
        ("harvest", pages_stored("ads", 2)),
        ("read", texts_stored(1)),
        ("read", texts_stored(150)),
    ]
    site = Site(store, database_url, tmp_path, few)
    for place, (job, reached) in enumerate(kills):
        if place and job != kills[place - 1][0]:
            killing.run(kills[place - 1][0], site)
        killing.kill_when(reached, site, killing.start(job, site))
    killing.run("read", site)
    ended = fingerprint(store)
    for subject, rows in clean.items():
        assert ended[subject] == rows, subject
    assert [row for row in killing.outcomes(store) if row != "abandoned"] == ["succeeded", "succeeded"]


def test_killed_at_ten_random_moments_ends_like_one_clean_run(
    store: Store, database_url: str, many: str, tmp_path: Path, clean_many: tuple[Fingerprint, int]
) -> None:
    """Ten kills of a harvest of fifteen hundred records lose nothing and double nothing, wherever they hit.

    ``make soak`` does the same with a hundred thousand.
    """
    rows, pages = clean_many
    site = Site(store, database_url, tmp_path, many)
    kills = killing.kill_at_random(site, pages=pages, kills=10, seed=SEED)
    killing.run("harvest", site)
    told = f"BIBLIO_KILL_SEED={SEED} repeats it; killed at {kills}"
    ended = fingerprint(store)
    for subject in rows:
        assert ended[subject] == rows[subject], f"{subject} differ; {told}"
    assert killing.outcomes(store) == ["abandoned"] * 10 + ["succeeded"], told


def test_a_count_that_is_killed_has_counted_its_requests(store: Store, database_url: str, tmp_path: Path) -> None:
    """What was asked without any page is in the ledger, with the request that was under way when the kill came."""
    is_over = threading.Event()
    empty = {"response": {"numFound": 0, "docs": []}, "facet_counts": {"facet_fields": {"bibstem_facet": []}}}

    def answer(_: Asked) -> Reply:
        if len(server.asked) == 3:
            is_over.wait(60)
        return Reply(json.dumps(empty).encode(), content_type="application/json")

    with serving(answer) as server:
        site = Site(store, database_url, tmp_path, server.url)
        killing.kill_when(lambda _: len(server.asked) == 3, site, killing.start("count", site))
        is_over.set()
    with store.reading() as session:
        assert session.exec(select(RequestCount.requests)).all() == [3]
