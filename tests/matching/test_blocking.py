"""Blocking: the right project is among the few compared, whatever the order and the size."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import load
from matching.blocking import Blocker, SparseIndex
from matching.codes import Grammar
from matching.evidence import PaperFacts, ProjectFacts
from matching.project_list import ProjectList
from matching.rules import Rules

PROFILE = load("alma")
RULES = Rules.from_plain(PROFILE.rules)
GRAMMAR = Grammar.from_plain(PROFILE.codes)

PEOPLE = ["Vermeer, Anneke", "Tan, Richard", "Østergård, Bjørn", "Kirchmeier, Otto", "Quill, Mara", "Öztürk, Ayşe"]
TARGETS = ["XY Tau", "NGC 9253", "L9999", "SDSS J082334.84+031315.6"]
TITLES = [
    "The dust ring of XY Tau",
    "Water masers in evolved stars",
    "Magnetic fields of clouds",
    "Gas in NGC 9253",
    "",
]


def code(number: int) -> str:
    """The code of a fictional project."""
    return f"2016.1.{number:05d}.S"


def blocker(projects: list[ProjectFacts]) -> Blocker:
    """The search over some projects."""
    return Blocker(ProjectList(projects, RULES, GRAMMAR))


def codes(projects: list[ProjectFacts], papers: list[PaperFacts], top: int = 20) -> list[list[str]]:
    """What is found for each paper, as codes."""
    listed = ProjectList(projects, RULES, GRAMMAR)
    return [[listed.printed_codes[i] for i in numbers] for numbers in Blocker(listed).best(papers, top)]


FACTS = st.builds(
    ProjectFacts,
    code=st.integers(0, 60).map(code),
    title=st.sampled_from(TITLES),
    pi=st.sampled_from([*PEOPLE, None]),
    co_is=st.lists(st.sampled_from(PEOPLE), max_size=4, unique=True).map(tuple),
    targets=st.lists(st.sampled_from(TARGETS), max_size=2, unique=True).map(tuple),
)
PAPERS = st.builds(
    PaperFacts,
    id=st.text("ab", min_size=1, max_size=3),
    title=st.sampled_from(TITLES),
    authors=st.lists(st.sampled_from([*PEOPLE, "A. Vermeer", "Tan, R.", "ALPHA Collaboration"]), max_size=5).map(tuple),
    targets=st.lists(st.sampled_from(TARGETS), max_size=2, unique=True).map(tuple),
)


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


@given(
    st.lists(FACTS, max_size=40, unique_by=lambda p: p.code),
    st.lists(PAPERS, max_size=6),
    st.integers(1, 25),
    st.randoms(),
)
@settings(max_examples=60)
def test_no_order_changes_what_is_found(
    projects: list[ProjectFacts], papers: list[PaperFacts], top: int, chance: random.Random
) -> None:
    """Projects, papers and authors in any order, papers alone or together: the same codes in the same order, ties too."""
    found = codes(projects, papers, top)
    mixed = projects[:]
    chance.shuffle(mixed)
    turned = [replace(paper, authors=paper.authors[::-1]) for paper in papers[::-1]]
    assert codes(mixed, turned, top)[::-1] == found
    search = blocker(projects)
    assert search.best(papers, top) == [search.best([paper], top)[0] for paper in papers]
    assert all(len(one) == len(set(one)) <= top for one in found)


@given(st.lists(FACTS, min_size=1, max_size=40, unique_by=lambda p: p.code), st.sampled_from(PEOPLE))
@settings(max_examples=40)
def test_everyone_of_a_small_list_is_found(projects: list[ProjectFacts], author: str) -> None:
    """Where there is room, each project of an author is found, and none is found that shares nothing."""
    found = codes(projects, [PaperFacts("p", authors=(author,))], len(projects))[0]
    assert set(found) == {p.code for p in projects if author in (p.pi, *p.co_is)}


def test_a_second_project_finds_room_beside_a_large_team() -> None:
    """Forty projects of one team share three people with a paper; a stranger's project that lent one author is found."""
    team = ("Tan, Richard", "Østergård, Bjørn")
    many = [
        ProjectFacts(code(n), "Dust", None, "Vermeer, Anneke", team, ("XY Tau",) if n == 7 else (f"L{n + 1000}",))
        for n in range(40)
    ]
    other = ProjectFacts(code(99), "Masers", None, "Öztürk, Ayşe", ("Quill, Mara", "Nobody, Ned"), ("NGC 9253",))
    paper = PaperFacts("p", "XY Tau", ("A. Vermeer", "R. Tan", "B. Ostergaard", "M. Quill"))
    found = codes([*many, other], [paper])[0]
    assert found[0] == code(7)
    assert len(found) == 20
    assert other.code in found[:5]


def test_common_words_fill_what_people_leave_free() -> None:
    """A word of every title finds nothing where people fill the list, and all that fits where a group wrote the paper."""
    many = [ProjectFacts(code(n), "Dust clouds", None, "Vermeer, Anneke") for n in range(60)]
    strangers = [ProjectFacts(code(n), "Dust clouds") for n in range(60, 120)]
    by_people, by_words = codes(
        [*many, *strangers],
        [
            PaperFacts("p", "Dust clouds", ("A. Vermeer",)),
            PaperFacts("q", "Dust clouds", ("ALPHA Collaboration",)),
        ],
    )
    assert set(by_people) <= {p.code for p in many}
    assert len(by_people) == len(by_words) == 20


def test_crowds_groups_and_nobody_are_authors_too() -> None:
    """Three thousand authors are read in part, a group and an empty list give nobody; the target still leads there."""
    projects = [
        ProjectFacts(code(1), "Dust", None, "Vermeer, Anneke", (), ("XY Tau",)),
        ProjectFacts(code(2), "Gas", None, "Quill, Mara"),
    ]
    crowd = tuple(f"Person{n}, A." for n in range(3000))
    authors: list[tuple[str, ...]] = [("A. Vermeer", *crowd), ("ALPHA Collaboration",), (), ("",)]
    found = codes(projects, [PaperFacts("p", "XY Tau", names) for names in authors])
    assert found == [[code(1)]] * 4
    assert codes(projects, [PaperFacts("p", None, ("M. Quill",) * 3000)]) == [[code(2)]]


HOSTILE_TITLES = {
    "one-word": "x" * 1_000_000,
    "targets": "XY Tau " * 50_000,
    "NUL": "\x00",
    "catalogue": "NGC " * 250_000,
    "half-a-character": "\ud800 XY Tau",
    "coordinates": "J1234+" * 160_000,
}


@pytest.mark.parametrize("title", HOSTILE_TITLES.values(), ids=HOSTILE_TITLES.keys())
def test_titles_of_a_megabyte_are_read(title: str) -> None:
    """Whatever a title holds, in papers and in projects, the project is found by its PI."""
    projects = [ProjectFacts(code(1), title, None, "Vermeer, Anneke"), ProjectFacts(code(2), "Gas")]
    assert codes(projects, [PaperFacts("p", title, ("A. Vermeer",))])[0][0] == code(1)


def test_names_of_a_megabyte_are_read() -> None:
    """A name of a megabyte, with NUL bytes or without letters harms nobody else."""
    for name in ("V" * 1_000_000, "Vermeer\x00, Anneke", "\x00", "1" * 1_000_000):
        projects = [ProjectFacts(code(1), None, None, name, (name, "Quill, Mara"), (name,))]
        assert codes(projects, [PaperFacts("p", None, (name, "M. Quill"), targets=(name,))]) == [[code(1)]]


def test_a_list_twice_as_long_takes_twice_the_room() -> None:
    """What is kept grows with the list and no faster, also where all projects share a person, a target and words."""
    cells = []
    for count in (1000, 2000):
        projects = [
            ProjectFacts(code(n), "Dust clouds", None, "Vermeer, Anneke", (f"Person{n}, A.",), ("XY Tau",))
            for n in range(count)
        ]
        search = blocker(projects)
        cells.append(search._projects.nnz)
        assert (
            len(search.best([PaperFacts("p", "Dust", ("A. Vermeer", "A. Person7"), targets=("XY Tau",))], 20)[0]) == 20
        )
    assert cells[1] == 2 * cells[0]
