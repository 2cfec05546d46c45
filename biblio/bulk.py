"""Where bulk work runs: in this process, in processes beside it, or on a Dask cluster, behind one interface.

Work is cut into pieces. Workers are pure: they are handed plain data, hold no database connection and no secret, and
return plain data; only the caller writes. A worker that dies costs the piece it had, which is tried again elsewhere; a
piece that kills its worker each time is given back as ``Lost``, and the others go on. On one machine processes are as
quick as Dask; Dask (extra ``bulk``) is for a cluster.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import secrets
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import click

from biblio.errors import BiblioError, RequestRefused

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

AHEAD = 3
"""Pieces handed out per worker and not yet taken back: keeps workers busy, and bounds what waits in memory."""

TRIES = 3
"""How often a piece is tried when its worker dies; after that the piece is taken for the reason."""

_START_S = 10
"""How long a Dask scheduler may take to answer."""


@dataclass(frozen=True, slots=True)
class Lost(Generic[T]):
    """A piece that was given up: each worker that had it died, of too little memory or a fault in a library."""

    piece: T
    tries: int = TRIES


class WorkerLost(BiblioError):
    """The process that worked on a piece died, each time it was tried."""


# ---- what every worker holds

_PICKLED: dict[str, bytes] = {}
_SHARED: dict[str, Any] = {}
_ONE_AT_A_TIME = threading.Lock()
"""What is shared keeps caches and was written for one thread; Dask's workers may have several."""


def _keep(key: str, pickled: bytes) -> None:
    """Put down what a run's pieces share, in a worker; it is unpacked when the first piece comes."""
    _PICKLED[key] = pickled


def _forget(key: str) -> None:
    _PICKLED.pop(key, None)
    _SHARED.pop(key, None)


def _call(key: str, work: Callable[[Any, T], R], piece: T) -> R:
    """Do one piece of a run, in a worker."""
    with _ONE_AT_A_TIME:
        if key not in _SHARED:
            _SHARED[key] = pickle.loads(_PICKLED[key])  # noqa: S301 - comes from the process that started us
        return work(_SHARED[key], piece)


def _leave_behind() -> None:
    """Take our settings, secrets among them, out of a worker's environment."""
    for name in [n for n in os.environ if n.startswith("BIBLIO_")]:
        del os.environ[name]


def _begin() -> None:
    """Make ready a process of ours: it ends with whoever started it, who alone is told of Ctrl-C."""
    _leave_behind()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _begin_with(key: str, pickled: bytes) -> None:
    """Make ready a process that holds what pieces share."""
    _begin()
    _keep(key, pickled)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


# ---- executors


class Processes(Executor):
    """Processes that have one piece each, so that one that dies costs that piece and no other.

    (A ``ProcessPoolExecutor`` of several breaks as a whole when one of its processes dies.) A future raises
    ``WorkerLost`` when its call killed ``TRIES`` processes. Nothing of this process is inherited: new processes start
    from nothing.
    """

    def __init__(self, workers: int, initializer: Callable[..., None], initargs: tuple[Any, ...] = ()) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="bulk")
        self._new = partial(
            ProcessPoolExecutor,
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=initializer,
            initargs=initargs,
        )
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Have ``fn`` called in a process that is free, or as soon as one is."""
        return self._threads.submit(self._run, partial(fn, *args, **kwargs))

    def _run(self, call: Callable[[], R]) -> R:
        for _ in range(TRIES):
            process = self._free()
            try:
                result = process.submit(call).result()
            except BrokenProcessPool:
                process.shutdown()
                continue
            except BaseException:
                self._idle.put(process)
                raise
            self._idle.put(process)
            return result
        raise WorkerLost(f"The process that worked on it died {TRIES} times.")

    def _free(self) -> ProcessPoolExecutor:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._new()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, when their calls are done; calls that wait are dropped with ``cancel_futures``."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        while True:
            try:
                self._idle.get_nowait().shutdown(wait)
            except Empty:
                return


@contextmanager
def _dask(kind: str, workers: int | None, key: str, pickled: bytes) -> Iterator[tuple[Executor, int, Any]]:
    """Give the executor of a Dask cluster, how many workers it has, and what its lost pieces raise."""
    import distributed

    dask: Any = distributed  # it carries no types
    with ExitStack() as stack:
        address = kind
        if is_ours := kind == "dask":
            cluster = dask.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)
            address = stack.enter_context(cluster)
        try:
            client = stack.enter_context(dask.Client(address, timeout=_START_S))
        except (OSError, TimeoutError, ValueError) as error:
            raise RequestRefused(f"The Dask scheduler {kind!r} does not answer: {error}") from error

        class Keeper(dask.WorkerPlugin):  # type: ignore[misc]
            """Brings what is shared to every worker, also to those that join or are started anew later."""

            def setup(self, worker: object) -> None:
                if is_ours:
                    _leave_behind()
                _keep(key, pickled)

            def teardown(self, worker: object) -> None:
                _forget(key)

        client.register_plugin(Keeper(), name=key)
        try:
            number = len(client.scheduler_info(n_workers=-1)["workers"])
            yield client.get_executor(pure=False), number or 1, dask.scheduler.KilledWorker
        finally:
            client.unregister_worker_plugin(key)


# ---- the crew


class Crew(Generic[S]):
    """Workers that all hold the same thing (``shared``) and do pieces of work with it."""

    def __init__(self, shared: S, pool: Executor | None = None, workers: int = 1, **more: Any) -> None:
        self._shared = shared
        self._pool = pool
        self._ahead = AHEAD * workers
        self._key: str = more.get("key", "")
        self._lost: Any = more.get("lost", WorkerLost)

    def in_order(self, work: Callable[[S, T], R], pieces: Iterable[T]) -> Iterator[R | Lost[T]]:
        """Yield ``work(shared, piece)`` for every piece, in the order of the pieces, keeping all workers busy.

        Raises what ``work`` raised, when its turn comes.
        """
        if self._pool is None:
            yield from (work(self._shared, piece) for piece in pieces)
            return
        rest = ((self._submit(work, piece), piece) for piece in pieces)
        waiting = deque(islice(rest, self._ahead))
        while waiting:
            result = self._result(*waiting.popleft())
            waiting.extend(islice(rest, 1))
            yield result

    def as_done(self, work: Callable[[S, T], R], pieces: Iterable[T]) -> Iterator[tuple[T, R | Lost[T]]]:
        """Yield each piece with ``work(shared, piece)`` as soon as it is there, so that little is lost by a kill.

        Raises what ``work`` raised.
        """
        if self._pool is None:
            yield from ((piece, work(self._shared, piece)) for piece in pieces)
            return
        rest = ((self._submit(work, piece), piece) for piece in pieces)
        waiting = dict(islice(rest, self._ahead))
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                piece = waiting.pop(future)
                result = self._result(future, piece)
                waiting.update(islice(rest, 1))
                yield piece, result

    def alone(self, work: Callable[[S, T], R], piece: T) -> R | Lost[T]:
        """Do one piece and wait for it."""
        return next(self.in_order(work, [piece]))

    def _submit(self, work: Callable[[S, T], R], piece: T) -> Future[R]:
        assert self._pool is not None
        return self._pool.submit(_call, self._key, work, piece)

    def _result(self, future: Future[R], piece: T) -> R | Lost[T]:
        try:
            return future.result()
        except self._lost:
            return Lost(piece)


def check_executor(kind: str) -> None:
    """Raise ``RequestRefused`` for a kind of executor that there is none of, or that needs an extra not installed."""
    if kind == "local":
        return
    if kind != "dask" and "://" not in kind:
        raise RequestRefused(f"--executor takes local, dask or a scheduler's address (tcp://host:8786), not {kind!r}.")
    if find_spec("distributed") is None:
        raise RequestRefused(
            "Dask needs the extra `bulk`: pip install --require-hashes -r requirements/bulk.txt "
            "(or go without: --executor local)."
        )


@contextmanager
def crew(kind: str, workers: int | None, shared: S) -> Iterator[Crew[S]]:
    """Give workers that hold ``shared``, which must be picklable; they end with the block.

    ``kind`` is "local" (``workers`` processes, default one per processor; 1: this process), "dask" (a cluster of
    ``workers`` on this machine) or the address of a Dask scheduler such as "tcp://host:8786", whose workers must have
    this version of biblio. Raises ``RequestRefused`` for any other kind, where the extra ``bulk`` is needed and not
    installed, or where the scheduler does not answer.
    """
    check_executor(kind)
    count = workers or os.cpu_count() or 1
    if kind == "local" and count == 1:
        yield Crew(shared)
        return
    key = secrets.token_hex(8)
    pickled = pickle.dumps(shared, protocol=5)
    if kind == "local":
        pool = Processes(count, _begin_with, (key, pickled))
        try:
            yield Crew(shared, pool, count, key=key)
        finally:
            pool.shutdown(cancel_futures=True)
        return
    with _dask(kind, workers, key, pickled) as (executor, number, lost):
        yield Crew(shared, executor, number, key=key, lost=lost)


@contextmanager
def beside() -> Iterator[Executor | None]:
    """Give one process beside this one for work that is worth it, started at once; None on a machine of one processor.

    A call that killed its process several times raises ``WorkerLost``. Nobody waits for its end.
    """
    if (os.cpu_count() or 1) == 1:
        yield None
        return
    pool = Processes(1, _begin)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def outcome(begun: Future[R]) -> R | None:
    """Wait for what a process beside this one was asked; None where it died, or the machine let none begin."""
    try:
        return begun.result()
    except (WorkerLost, OSError):
        return None


def _executor(_context: click.Context, _option: click.Parameter, kind: str) -> str:
    """The option as given; a usage error before anything is read where it cannot be had."""
    try:
        check_executor(kind)
    except RequestRefused as reason:
        raise click.UsageError(str(reason)) from reason
    return kind


def bulk_options(command: F) -> F:
    """Add ``--executor`` and ``--workers`` to a command, as ``kind`` and ``workers``."""
    where = click.option(
        "--executor",
        "kind",
        default="local",
        show_default=True,
        metavar="WHERE",
        callback=_executor,
        help="local, dask (a cluster on this machine), or a Dask scheduler's address (tcp://host:8786).",
    )
    number = click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Processes that work; 1 with local: this one.",
    )
    return number(where(command))
