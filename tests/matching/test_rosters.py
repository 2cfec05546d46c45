"""Names filed so that nobody who may be the same person is missed: beside comparing all with all."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.authorship import AuthorList, Member, Overlap, Sameness, Team, overlap, sameness, team_overlap
from matching.rosters import Kind, Roster, sketch

SURNAMES = (
    "Quill", "Vermeer", "Jimenez-Serra", "Serra", "Dasilva", "Silva", "Müller", "Mueller", "Stern", "Stem", "Garcia-Lopez",
    "de la Cruz", "van der Berg", "Vanderberg", "Wang", "Li", "Xu", "Widmann", "Idmann", "Fischer", "Fisher", "Offler",
    "Oller", "Shmul", "Robertson", "Roberston", "Barnim", "Bamim", "S\ufffdrensen", "Sorensen", "Katz", "Catz",
)  # fmt: skip
GIVEN = (
    "Jane", "J.", "J.-M.", "Jean-Marc", "pmg", "Katherine", "Catherine", "Kate", "Bob", "Robert", "B.", "Yu", "Yu T.",
    "Min-Seo", "Minseo", "Alexander", "Aleksandr", "Sasha", "R. Michael", "Quill", "Wang", "Oded", "Dick", "Richard",
    "Ted", "Edward", "Peggy", "Margaret", "Atherine", "lAexander",
)  # fmt: skip
ODD = ("ALMA Partnership", "The ALMA Collaboration", "et al.", "...", "12 more", "", ",", "Quill")


def slipped(word: str, chance: Random) -> str:
    """The word with one typing slip."""
    at = chance.randrange(max(len(word) - 1, 1))
    return chance.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + chance.choice("aeinrs") + word[at:],
            word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :],
            word[:at] + chance.choice("aeinrs") + word[at + 1 :],
        )
    )


def made_name(chance: Random) -> str:
    """A printed name: of the lists above, with up to two slips, in one of the usual orders."""
    if chance.random() < 0.05:
        return chance.choice(ODD)
    surname, first = chance.choice(SURNAMES), chance.choice(GIVEN)
    for _ in range(chance.choice((0, 0, 1, 2))):
        surname = slipped(surname, chance)
    if chance.random() < 0.3:
        first = slipped(first, chance)
    return chance.choice(
        (f"{surname}, {first}", f"{surname}, {first[:1]}.", f"{first} {surname}", f"{surname} {first}")
    )


names = st.lists(st.randoms(use_true_random=False).map(made_name), min_size=1, max_size=10)


@given(names, names)
def test_nobody_who_may_be_one_person_is_left_out(ours: list[str], theirs: list[str]) -> None:
    """All pairs that are not certainly two people are among the near ones, and those of one surname among these."""
    roster, others = Roster(ours), Roster(theirs)
    near = roster.near(others)
    alike = {
        (here, there)
        for here, one in enumerate(roster.sketches)
        for there, other in enumerate(others.sketches)
        if sameness(one.name, other.name)
    }
    assert alike <= set(near)
    assert set(roster.of_one_surname(others)) <= set(near)
    assert near == sorted(set(near))


@given(names, names)
def test_the_short_answer_is_the_long_one(authors: list[str], team: list[str]) -> None:
    """Whether there is an overlap is the same with and without saying who; sure where all with all gives a sure pair."""
    members = tuple(Member(name, is_pi=place == 0) for place, name in enumerate(team))
    listed = AuthorList(authors)
    told = team_overlap(listed, members)
    assert overlap(listed, Team(members)) is told.overlap
    pairs = [sameness(sketch(a).name, sketch(m).name) for a in authors for m in team]
    assert (told.overlap is Overlap.YES) == (Sameness.YES in pairs)
    if told.overlap is Overlap.NO:
        assert not any(pairs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Quill, Bob", "Quil, Robert"),
        ("Vermeer, Katherine", "Vermer, Catherine"),
        ("Quill Vermeer", "Vermeer, Quill"),
        ("W. Idmann", "Widmann"),
        ("da Silva, J. R.", "Dasilva, J. R."),
        ("Barnim, Jane", "Bamim, Jane"),
        ("S\ufffdrensen, Jane", "Sorensen, J."),
    ],
)
def test_names_printed_otherwise_meet(one: str, other: str) -> None:
    """Short forms, slips at the beginning, halves swapped, words split, particles glued and letters lost still meet."""
    assert Roster([one]).near(Roster([other])) == [(0, 0)]
    assert Roster([other]).near(Roster([one])) == [(0, 0)]


def test_strangers_and_groups_are_not_compared() -> None:
    """A collaboration is compared with collaborations alone, and a name that nobody can read with no one."""
    team = Roster(["Quill, Jane", "ALMA Partnership", ""])
    assert [one.kind for one in team.sketches] == [Kind.PLAIN, Kind.GROUP, Kind.NOBODY]
    assert team.near(Roster(["Wang, Yu", "The ALMA Collaboration", "..."])) == [(1, 1)]
