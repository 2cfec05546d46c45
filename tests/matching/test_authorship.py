"""PI or archive data: overlaps of authors and teams, by both published rules, with what cannot be told kept apart."""

import json
import os
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.authorship import (
    Archival,
    AuthorList,
    DataUse,
    Doubt,
    Member,
    Overlap,
    Sameness,
    archival,
    data_use,
    sameness,
    team_overlap,
)
from matching.people import parse

TEAM = (Member("Vermeer, Anneke", is_pi=True), Member("Quill, Jane M."), Member("Kirchmeier, Otto"))

SURE = [
    ("Quill, J.", "Quill, Jane"),
    ("Quill, J. M.", "Jane M. Quill"),
    ("Jane Quill", "Quill Jane"),
    ("van der Meulen, P. J.", "Pieter J. van der Meulen"),
    ("Østergård, Bjørn", "Ostergaard, B."),
    ("Müller-Lüdenscheidt, Ursula", "Mueller-Luedenscheidt, U."),
    ("Jiménez-Robles, Ignacio", "Robles, Ignacio"),
    ("Kim, Min-Seo", "Kim, Minseo"),
    ("Kim, Min-Seo", "Minseo Kim"),
    ("Wang, Yu", "Wang, Yu"),
    ("Wang, Yu T.", "Yu Wang"),
    ("Kirchmeier, Otto", "Kirchmeir, Otto"),
    ("Łukasiewicz, Żaneta", "Lukasiewicz, Z."),
    ("王小明", "Wang, Xiao-Ming"),
]
PERHAPS = [
    ("Wang, Y.", "Wang, Yu"),
    ("Wang, Yan", "Wang, Yang"),
    ("Kim, M.-S.", "Kim, Min-Seo"),
    ("Smith, J.", "Smith, J."),
    ("Quill", "Quill, Jane"),
    ("Kirchmeier, O.", "Kirchmeir, O."),
    ("Robles, I.", "Jiménez-Robles, Ignacio"),
]
NOT = [
    ("Wang, Yu", "Wang, Yi"),
    ("Quill, Jane", "Quill, Bart"),
    ("Quill, J. A.", "Quill, J. B."),
    ("Quill, Jane", "ALPHA Collaboration"),
    ("", "Quill, Jane"),
    ("Vermeer, A.", "Quill, A."),
    ("Stranger, P.", "Ostrander, P."),
]


def _overlap(authors: list[str], team: tuple[Member, ...] = TEAM) -> tuple[Overlap, Doubt | None]:
    found = team_overlap(AuthorList(authors), team)
    return found.overlap, found.doubt


@pytest.mark.parametrize(("a", "b"), SURE)
def test_one_person(a: str, b: str) -> None:
    """Order, initials of a rare surname, accents, particles, hyphens and romanisations leave no doubt."""
    assert sameness(parse(a), parse(b)) is sameness(parse(b), parse(a)) is Sameness.YES


@pytest.mark.parametrize(("a", "b"), PERHAPS)
def test_perhaps_one_person(a: str, b: str) -> None:
    """An initial under a crowded surname, a missing given name or two slips are no more than a possibility."""
    assert sameness(parse(a), parse(b)) is sameness(parse(b), parse(a)) is Sameness.MAYBE


@pytest.mark.parametrize(("a", "b"), NOT)
def test_two_people(a: str, b: str) -> None:
    """Differing given names, initials or surnames, a group beside a person, and nothing at all are no one person."""
    assert sameness(parse(a), parse(b)) is sameness(parse(b), parse(a)) is Sameness.NO


def test_one_author_in_the_team_is_an_overlap() -> None:
    """It is said who, at which place, and whether the PI."""
    found = team_overlap(AuthorList(["Stranger, P.", "Quill, J.", "Vermeer, A."]), TEAM)
    assert found.overlap is Overlap.YES
    assert [(m.position, m.author, m.member, m.is_pi) for m in found.meetings] == [
        (2, "Quill, J.", "Quill, Jane M.", False),
        (3, "Vermeer, A.", "Vermeer, Anneke", True),
    ]


def test_strangers_have_no_overlap() -> None:
    """A whole list of other people, and a team that is known, settle it."""
    assert _overlap(["Stranger, P.", "Otherwise, Q."]) == (Overlap.NO, None)


@pytest.mark.parametrize(
    ("authors", "team", "doubt"),
    [
        ([], TEAM, Doubt.NO_AUTHORS),
        (["Stranger, P.", "et al."], TEAM, Doubt.LIST_CUT),
        (["Stranger, P. et al."], TEAM, Doubt.LIST_CUT),
        (["ALPHA Collaboration"], TEAM, Doubt.LIST_CUT),
        (["Stranger, P.", "ALPHA Collaboration"], TEAM, Doubt.LIST_CUT),
        (["Stranger, P."], (), Doubt.NO_TEAM_KNOWN),
        (["Stranger, P."], (Member("...", is_pi=True),), Doubt.NO_TEAM_KNOWN),
        (["Stranger, P."], TEAM[:1], Doubt.ONLY_PI_KNOWN),
        (["Wang, Y."], (Member("Wang, Yu", is_pi=True), Member("Quill, Jane")), Doubt.NAME_ALIKE),
    ],
)
def test_what_cannot_be_told_is_not_told(authors: list[str], team: tuple[Member, ...], doubt: Doubt) -> None:
    """A cut list, a group without names, an unknown team or a name that is only alike leave it open, and say why."""
    assert _overlap(authors, team) == (Overlap.UNKNOWN, doubt)


@pytest.mark.parametrize(
    "authors", [["Quill, J.", "et al."], ["Quill, J. et al."], ["Quill, J.", "ALPHA Collaboration"]]
)
def test_a_cut_list_that_names_a_member_settles_it(authors: list[str]) -> None:
    """Who is named is named; the rest of the list cannot take it back."""
    assert _overlap(authors)[0] is Overlap.YES


def test_a_group_printed_first_names_its_members() -> None:
    """ "ALPHA Collaboration; A; B" is the whole list: without a member in it there is no overlap."""
    assert _overlap(["ALPHA Collaboration", "Stranger, P.", "Otherwise, Q."]) == (Overlap.NO, None)


def test_what_nobody_proposed_has_no_team() -> None:
    """Science verification and calibration data are archival to everybody, whoever is named with them."""
    found = team_overlap(AuthorList(["Vermeer, Anneke"]), TEAM, is_proposed=False)
    assert (found.overlap, found.doubt) == (Overlap.NO, None)


def test_a_sure_name_goes_before_one_that_is_alike() -> None:
    """With a member among the authors, names that only may be others' are not shown as reasons."""
    team = (Member("Wang, Yu", is_pi=True), Member("Quill, Jane"))
    found = team_overlap(AuthorList(["Wang, Y.", "Quill, J."]), team)
    assert [(m.author, m.is_sure) for m in found.meetings] == [("Quill, J.", True)]


YES, NO, UNKNOWN = Overlap.YES, Overlap.NO, Overlap.UNKNOWN


@pytest.mark.parametrize(
    ("overlaps", "eso", "mast"),
    [
        ([YES], DataUse.PI, Archival.NONE),
        ([YES, YES], DataUse.PI, Archival.NONE),
        ([NO], DataUse.ARCHIVE, Archival.ALL),
        ([NO, NO], DataUse.ARCHIVE, Archival.ALL),
        ([YES, NO], DataUse.BOTH, Archival.PART),
        ([YES, NO, UNKNOWN], DataUse.BOTH, Archival.PART),
        ([YES, UNKNOWN], DataUse.UNDETERMINED, Archival.UNDETERMINED),
        ([NO, UNKNOWN], DataUse.UNDETERMINED, Archival.UNDETERMINED),
        ([UNKNOWN], DataUse.UNDETERMINED, Archival.UNDETERMINED),
        ([], DataUse.UNDETERMINED, Archival.UNDETERMINED),
    ],
)
def test_both_rules(overlaps: list[Overlap], eso: DataUse, mast: Archival) -> None:
    """All, none and some; an unknown programme matters unless one with and one without overlap are there anyway."""
    assert (data_use(overlaps), archival(overlaps)) == (eso, mast)


overlaps = st.lists(st.sampled_from(Overlap), max_size=6)


@given(overlaps)
def test_a_further_project_of_the_authors_never_makes_a_paper_more_archival(found: list[Overlap]) -> None:
    """With one more overlap a paper is not archive only, and what was PI data stays it."""
    before, after = data_use(found), data_use([*found, Overlap.YES])
    assert after is not DataUse.ARCHIVE
    if before in (DataUse.PI, DataUse.BOTH):
        assert after is before


@given(overlaps, st.randoms())
def test_the_order_of_projects_says_nothing(found: list[Overlap], chance: object) -> None:
    """The classes follow from what is there, however often and in whichever order."""
    mixed = found * 2
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert (data_use(found), archival(found)) == (data_use(mixed), archival(mixed))


names = st.sampled_from([name for pair in (*SURE, *PERHAPS, *NOT) for name in pair])
people = st.lists(names, max_size=6)


@given(people, people, names)
def test_a_further_author_or_member_never_takes_an_overlap_away(authors: list[str], team: list[str], more: str) -> None:
    """An overlap found stays one when a list grows."""
    members = tuple(Member(name) for name in team)
    if _overlap(authors, members)[0] is Overlap.YES:
        assert _overlap([*authors, more], members)[0] is Overlap.YES
        assert _overlap(authors, (*members, Member(more)))[0] is Overlap.YES


@given(people, people)
def test_shortcuts_change_nothing(authors: list[str], team: list[str]) -> None:
    """What is found is what comparing everybody with everybody finds, but for which of several names is shown."""
    found = team_overlap(AuthorList(authors), tuple(Member(name) for name in team))
    sames = [sameness(parse(a), parse(b)) for a in authors for b in team]
    assert (found.overlap is Overlap.YES) == (Sameness.YES in sames)
    assert (found.doubt is Doubt.NAME_ALIKE) == (max(sames, default=Sameness.NO) is Sameness.MAYBE)


def test_a_collaboration_of_thousands_is_compared_by_surname() -> None:
    """Three thousand authors and a team of two hundred are told apart without six hundred thousand comparisons."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    surnames = ["".join(three) * 3 for three in combinations(letters, 3)]
    authors = AuthorList([f"{surname.title()}, Ada" for surname in surnames[:2_400]] * 1)
    team = tuple(Member(f"{surname.title()}, Ben") for surname in surnames[:200])
    assert team_overlap(authors, team).overlap is Overlap.NO
    assert team_overlap(authors, (*team, Member(f"{surnames[7].title()}, A."))).overlap is Overlap.YES


def test_real_pairs_of_printed_names_are_never_merged_for_sure() -> None:
    """On real labelled pairs every sure answer is right, and of real variants at most one in nine is missed."""
    path = (
        Path(os.environ.get("BIBLIO_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
        / "pairs/author_name_pairs.jsonl"
    )
    if not path.is_file():
        pytest.skip(f"real data: NOT RUN, {path} is absent")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    judged = [(sameness(parse(r["a"]), parse(r["b"])), r["label"] == "match") for r in rows]
    matches = sum(is_match for _, is_match in judged)
    assert all(is_match for same, is_match in judged if same is not Sameness.NO)
    assert sum(same is Sameness.YES for same, is_match in judged if is_match) >= 0.66 * matches
    assert sum(same is Sameness.NO for same, is_match in judged if is_match) <= matches / 9
