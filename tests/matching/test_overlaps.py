"""Authors and teams met by the thousand: the answer is the one that each pair of lists gets alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import authorship, overlaps
from matching.authorship import AuthorList, Overlap, overlap
from matching.overlaps import Staff
from tests.matching.test_rosters import made_name

NAMES = st.lists(st.randoms(use_true_random=False).map(made_name), max_size=8)
STAFFS = st.builds(
    lambda names, pi, proposed: Staff(tuple(dict.fromkeys(names)), "".join(names[pi : pi + 1]), proposed),
    NAMES,
    st.integers(0, 9),
    st.sampled_from((True, True, True, False)),
)


def alone(authors: list[str], staff: Staff) -> Overlap:
    """The answer for one paper and one project."""
    return overlap(AuthorList(authors), staff.team, is_proposed=staff.is_proposed)


@given(st.lists(NAMES, max_size=5), st.lists(STAFFS, max_size=5))
def test_each_pair_of_lists_has_the_answer_that_it_has_alone(authors: list[list[str]], staffs: list[Staff]) -> None:
    """Whatever else is asked at once: slips, groups, cut lists, unreadable names and unknown people included."""
    pairs = [(paper, place) for paper in range(len(authors)) for place in range(len(staffs))]
    expected = [alone(authors[paper], staffs[place]) for paper, place in pairs]
    assert overlaps.overlaps(authors, staffs, pairs) == expected


@pytest.mark.parametrize(("most", "at_once"), [(0, 1), (12, 1), (60_000, 1), (60_000, 30)])
def test_how_many_names_are_laid_out_at_once_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, most: int, at_once: int
) -> None:
    """Neither the room that is taken nor that very long lists are asked one by one."""
    authors = [["Quill, J.", "Wang, Yu"], ["Stern, B.", "Vermeer, Kate", "Li, Xu", "", "Xu, Li"], [], ["Stem, B."]]
    staffs = [
        Staff(("Vermeer, Katherine", "Stern, Bob", "Offler, Ted"), "Stern, Bob"),
        Staff(("Jane Quill",)),
        Staff(()),
    ]
    pairs = [(paper, place) for paper in range(4) for place in range(3)]
    for module in (authorship, overlaps):
        monkeypatch.setattr(module, "MOST_COMPARED", most)
    monkeypatch.setattr(overlaps, "_AT_ONCE", at_once)
    assert overlaps.overlaps(authors, staffs, pairs) == [alone(authors[paper], staffs[place]) for paper, place in pairs]


def test_nothing_asked_is_nothing_answered() -> None:
    """No paper and no project is no error."""
    assert overlaps.overlaps([], [], []) == []
