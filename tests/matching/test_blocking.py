"""Blocking: the right project is among the few compared, whatever the order and the size."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.blocking import NameRegister, SparseIndex, WordIndex, printed_words, words


def register(*names: str) -> NameRegister:
    """A register that holds these names, numbered from 0."""
    made = NameRegister(smallest=100.0)
    for name in names:
        made.add(name)
    return made


def test_a_person_is_found_however_printed() -> None:
    """Initials, accents, order, compound parts and one slip in a surname lead to the registered person."""
    people = register(
        "Vermeer, Anneke", "Müller, Ursula", "Jiménez-Robles, Ignacio", "Kirchmeier, Otto", "Vermeer, Bart"
    )
    for printed, number in [
        ("Vermeer, A.", 0), ("A. Vermeer", 0), ("VERMEER A", 0), ("Mueller, U.", 1), ('M\\"uller, U.', 1), ("Robles, I.", 2),
        ("Kirchmeir, O.", 3), ("B. Vermeer", 4),
    ]:  # fmt: skip
        assert set(people.find(printed)[0]) == {number}, printed


def test_common_names_agree_by_accident_more_often() -> None:
    """The chance of an accidental agreement grows with the people who bear the name, and with a looser print."""
    people = register("Wang, Ji", "Wang, Jun", "Wang, Ke", "Vermeer, Anneke")
    assert (
        people.find("Wang, J.")[1]
        > people.find("Wang, Jun")[1]
        >= people.find("Vermeer, A.")[1]
        > people.find("Nobody, N.")[1]
        > 0
    )


def test_groups_are_not_registered() -> None:
    """A collaboration or an empty name is no person."""
    people = NameRegister(smallest=10.0)
    assert people.add("ALPHA Collaboration") is None
    assert people.add("") is None
    assert len(people) == 0
    assert people.find("Vermeer, A.")[0] == {}


def test_words_meet_across_spelling() -> None:
    """Endings, hyphens, mark-up and phrases of one meaning make no difference; a cut-off end is dropped."""
    same = {"submillimeter galaxy": "smg", "active galactic nucleus": "agn"}
    assert words("Star-forming clouds", {}) == words("Star formed cloud", {})
    assert words("The $^{12}$CO disks of SMGs", same) == words(
        "a <sub>12</sub>CO disk in submillimeter galaxies", {**same, "submillimeter galaxies": "smg"}
    )
    assert words("A survey of dusty dis...", {}) == words("dusty", {})
    assert list(printed_words("Debris disks").values()) == ["debris", "disks"]


def test_alike_texts_have_the_highest_cosine() -> None:
    """A text is most like itself, unlike strangers, and rare words weigh more than common ones."""
    texts = [words(t, {}) for t in ("dust ring around star", "dust jet around star", "water maser", "")]
    index = WordIndex(texts)
    vector, _ = index.vector(texts[0])
    alike = index.alike(vector, np.arange(4))
    assert alike[0] == pytest.approx(1.0)
    assert 1 > alike[1] > alike[2] == alike[3] == 0
    assert index.rarity("maser") > index.rarity("dust")
    again = index.alike(vector, np.arange(4))
    assert (alike == again).all()


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
