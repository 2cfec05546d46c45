"""Bulk work: the same results wherever it runs, and what a worker's death costs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from biblio import bulk
from biblio.bulk import TRIES, Crew, Lost, WorkerLost, beside, crew
from biblio.errors import RequestRefused


def scaled(factor: int, number: int) -> int:
    """A piece of work; negative numbers break."""
    if number < 0:
        raise ValueError(f"{number} is negative")
    return factor * number


def deadly(notes: Path, number: int) -> int:
    """Note that a piece was begun, then kill the worker: always for 3, once for 5."""
    begun = notes / str(number)
    with begun.open("a") as file:
        file.write("x")
    if number == 3 or (number == 5 and begun.stat().st_size == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def settings_seen(_shared: object, _piece: object) -> list[str]:
    """The names of our settings in the worker's environment."""
    return sorted(name for name in os.environ if name.startswith("BIBLIO_"))


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_pieces(workers: int) -> None:
    """Here and in processes: every piece once, in order; taken as they come, each with its piece."""
    with crew("local", workers, 3) as hands:
        assert list(hands.in_order(scaled, range(40))) == [3 * n for n in range(40)]
        assert sorted(hands.as_done(scaled, range(40))) == [(n, 3 * n) for n in range(40)]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_worker_is_raised_in_its_turn(workers: int) -> None:
    """What a worker raised reaches the caller, after the results before it; the worker lives on."""
    with crew("local", workers, 2) as hands:
        results = hands.in_order(scaled, [1, 2, -1, 3])
        assert [next(results), next(results)] == [2, 4]
        with pytest.raises(ValueError, match="-1 is negative"):
            next(results)
        assert hands.alone(scaled, 5) == 10


def test_few_pieces_are_taken_before_results_are() -> None:
    """However many pieces there are, only some per worker wait in memory; here, none is begun before it is asked for."""
    taken: list[int] = []

    def pieces() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with crew("local", 2, 1) as hands:
        next(hands.in_order(scaled, pieces()))
        assert len(taken) <= 8
        taken.clear()
        next(hands.as_done(scaled, pieces()))
        assert len(taken) <= 8
    taken.clear()
    next(Crew(1).in_order(scaled, pieces()))
    assert taken == [0]


def test_a_killed_process_costs_its_piece_alone(tmp_path: Path) -> None:
    """One piece kills each worker and is given up by name, one kills once and is done; no other is begun twice."""
    with crew("local", 2, tmp_path) as hands:
        results = dict(hands.as_done(deadly, range(12)))
    assert results.pop(3) == Lost(3)
    assert results == {n: n for n in range(12) if n != 3}
    begun = {int(note.name): note.stat().st_size for note in tmp_path.iterdir()}
    assert begun == {n: {3: TRIES, 5: 2}.get(n, 1) for n in range(12)}


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_gives_the_same_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dask cluster on this machine: same results, no settings of ours, and a killed worker's piece is done again."""
    monkeypatch.setenv("BIBLIO_SECRET_KEY", "not for workers")
    with crew("dask", 2, tmp_path) as hands:
        assert list(hands.in_order(deadly, [0, 1, 2, 5, 4])) == [0, 1, 2, 5, 4]
        assert sorted(hands.as_done(deadly, [6, 7])) == [(6, 6), (7, 7)]
        assert hands.alone(settings_seen, None) == []
        assert hands.alone(deadly, 3) == Lost(3)
        assert hands.alone(deadly, 8) == 8
    assert (tmp_path / "5").stat().st_size == 2


def test_no_setting_reaches_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database's address and the server's secret stay with the process that writes."""
    monkeypatch.setenv("BIBLIO_DATABASE_URL", "postgresql+psycopg://writer:word@db.example/biblio")
    with crew("local", 2, None) as hands:
        assert hands.alone(settings_seen, None) == []


def test_a_process_beside_works_and_one_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives results and raises what the work raised; what kills it each time is ``WorkerLost``, and the next works."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with beside() as process:
        assert process is not None
        assert process.submit(scaled, 3, 4).result() == 12
        with pytest.raises(ValueError, match="-1 is negative"):
            process.submit(scaled, 3, -1).result()
        with pytest.raises(WorkerLost):
            process.submit(deadly, tmp_path, 3).result()
        assert process.submit(deadly, tmp_path, 4).result() == 4


def test_one_processor_has_no_process_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would only take turns with this one."""
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with beside() as process:
        assert process is None


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the address; a word that is none is refused too."""
    monkeypatch.setattr(bulk, "_START_S", 1)
    with pytest.raises(RequestRefused, match=r"127\.0\.0\.1:9"), crew("tcp://127.0.0.1:9", None, 1):
        pass
    with pytest.raises(RequestRefused, match="not 'slurm'"), crew("slurm", None, 1):
        pass
