"""Blocking: the right project is among the few compared, whatever the order and the size."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.blocking import SparseIndex


@given(st.lists(st.dictionaries(st.integers(0, 20), st.floats(0.1, 5), max_size=6), max_size=30), st.integers(1, 5))
def test_the_sparse_index_finds_what_counting_finds(projects: list[dict[int, float]], top: int) -> None:
    """The best projects are those with the greatest sum of products, for any list of projects, in any batch."""
    paper = {0: 1.0, 3: 2.0, 7: 0.5}
    scores = [sum(weight * project.get(f, 0.0) for f, weight in paper.items()) for project in projects]
    found = SparseIndex(projects, 21).best([paper, {}, paper], top)
    assert found[1] == []
    assert found[0] == found[2]
    expected = sorted((s for s in scores if s > 0), reverse=True)[:top]
    assert [scores[i] for i in found[0]] == pytest.approx(expected)


def test_the_order_of_the_papers_changes_nothing() -> None:
    """A paper's projects do not depend on the papers beside it."""
    chance = random.Random(5)
    projects = [{chance.randrange(50): chance.random() + 0.1 for _ in range(5)} for _ in range(200)]
    papers = [{chance.randrange(50): chance.random() + 0.1 for _ in range(5)} for _ in range(30)]
    index = SparseIndex(projects, 50)
    together = index.best(papers, 7)
    assert together == [index.best([p], 7)[0] for p in papers]
    assert list(reversed(together)) == index.best(list(reversed(papers)), 7)


def test_no_projects_and_no_papers_give_nothing() -> None:
    """An empty side is no error."""
    assert SparseIndex([], 5).best([{1: 1.0}], 3) == [[]]
    assert SparseIndex([{1: 1.0}], 5).best([], 3) == []
