"""Where bulk work runs: in this process, in a pool of processes, or on a Dask cluster, behind one interface.

Workers are pure: they are handed plain data, hold no database connection, and return plain data; only the caller
writes. On one machine the pool is as quick as Dask; Dask (extra ``bulk``) is for a cluster.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from biblio.errors import RequestRefused

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Pieces of work handed out per worker before the first result is taken: bounds what waits in memory."""


class _Here(Executor):
    """Runs everything at once in this process: no start-up cost, and errors with their whole story."""

    def submit(self, fn: Callable[..., R], /, *args: object, **kwargs: object) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def executor(kind: str = "local", workers: int | None = None) -> Iterator[tuple[Executor, int]]:
    """Give an executor and how many workers it has.

    ``kind`` is "local" (``workers`` processes, default one per processor; 1: this process) or the address of a Dask
    scheduler such as "tcp://host:8786", or "dask" for a cluster on this machine. Raises ``RequestRefused`` where the
    extra ``bulk`` is needed and not installed, or the scheduler does not answer.
    """
    if kind == "local":
        count = workers or os.cpu_count() or 1
        if count == 1:
            yield _Here(), 1
            return
        with ProcessPoolExecutor(max_workers=count) as pool:
            yield pool, count
        return
    with _dask(kind, workers) as found:
        yield found


@contextmanager
def _dask(kind: str, workers: int | None) -> Iterator[tuple[Executor, int]]:
    try:
        import distributed
    except ImportError as error:
        raise RequestRefused(
            "Dask needs the extra `bulk`: pip install --require-hashes -r requirements/bulk.txt"
        ) from error
    dask: Any = distributed  # it carries no types
    cluster = None
    try:
        if kind == "dask":
            cluster = dask.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            client = dask.Client(cluster)
        else:
            client = dask.Client(kind, timeout=10)
    except (OSError, TimeoutError, ValueError) as error:
        raise RequestRefused(f"The Dask scheduler {kind!r} does not answer: {error}") from error
    try:
        yield client.get_executor(), len(client.scheduler_info()["workers"]) or 1
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def in_order(pool: Executor, workers: int, work: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
    """Yield ``work(piece)`` for every piece, in the order of the pieces, keeping all workers busy.

    Raises what ``work`` raised, when its turn comes.
    """
    rest = iter(pieces)
    waiting = deque(pool.submit(work, piece) for piece in islice(rest, AHEAD * workers))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(pool.submit(work, piece) for piece in islice(rest, 1))
        yield result
