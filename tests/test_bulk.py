"""Bulk work: the same results in the same order wherever it runs."""

from __future__ import annotations

import pytest

from biblio.bulk import executor, in_order
from biblio.errors import RequestRefused


def square(number: int) -> int:
    """A piece of work; negative numbers break."""
    if number < 0:
        raise ValueError(f"{number} is negative")
    return number * number


@pytest.mark.parametrize(("kind", "workers"), [("local", 1), ("local", 2)])
def test_results_come_in_the_order_of_the_pieces(kind: str, workers: int) -> None:
    """Here and in a pool of processes: every piece once, in order."""
    with executor(kind, workers) as (pool, count):
        assert count == workers
        assert list(in_order(pool, count, square, range(50))) == [n * n for n in range(50)]


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_gives_the_same_results() -> None:
    """A Dask cluster on this machine is an executor like the others."""
    with executor("dask", 2) as (pool, count):
        assert list(in_order(pool, count, square, range(20))) == [n * n for n in range(20)]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_worker_is_raised_in_its_turn(workers: int) -> None:
    """What a worker raised reaches the caller, after the results before it."""
    with executor("local", workers) as (pool, count):
        results = in_order(pool, count, square, [1, 2, -1, 3])
        assert [next(results), next(results)] == [1, 4]
        with pytest.raises(ValueError, match="-1 is negative"):
            next(results)


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_refused() -> None:
    """The message names the address."""
    with pytest.raises(RequestRefused, match=r"127\.0\.0\.1:9"), executor("tcp://127.0.0.1:9"):
        pass
