"""Parts of the facts: every project is in exactly one value of a division, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.errors import NotFound
from biblio.observatory import Facet
from reports.facts.counted import Counted
from reports.facts.model import Bibliography, ReadAgain
from reports.filters import Chosen, chosen, divisions, filtered, value_name, values_to_choose, without_second_readings
from reports.themes.groups import OTHER
from tests.reports.facts_made import facts, paper, profile, project, undecided

PROJECTS = [
    project(1, partner="EU", category="Discs; Galaxies", call="regular"),
    project(2, partner="NA", category="galaxies", call=""),
    project(3, partner="", category="Discs", cycle=None),
    project(4, partner="EU", is_pi_project=False),
]
FACTS = facts(PROJECTS, [paper(1), paper(2)], [(1, 1), (1, 2), (2, 2)])


def ids(*pairs: tuple[str, str]) -> list[int]:
    """The projects that stay."""
    return sorted(filtered(FACTS, profile(), chosen(pairs)).projects)


def test_several_values_of_one_division_add_up_and_divisions_narrow() -> None:
    """Either partner; but of both divisions something must hold. A cell with two values counts under each."""
    assert ids(("partner", "eu"), ("partner", "na")) == [1, 2, 4]
    assert ids(("category", "galaxies")) == [1, 2]
    assert ids(("category", "galaxies"), ("partner", "eu")) == [1]
    assert ids(("partner", "not-known")) == [3]
    assert ids(("cycle", "no-cycle")) == [3]
    assert ids() == [1, 2, 3, 4]


def test_a_value_may_be_asked_for_as_the_list_writes_it() -> None:
    """EU and eu, Galaxies and galaxies are the same; blanks around it are nobody's."""
    assert ids(("partner", " EU ")) == [1, 4]
    assert ids(("category", "Galaxies")) == [1, 2]


def test_papers_keep_only_the_links_to_what_is_asked_for() -> None:
    """Paper 1 used both projects: of one partner alone it is a paper of that project; answers belong to nobody."""
    part = filtered(FACTS, profile(), chosen([("partner", "eu")]))
    assert [(link.paper_id, link.project_id) for link in part.links] == [(1, 1)]
    assert list(part.papers) == [1]
    assert part.answers == ()


def test_what_waits_is_what_waits_for_the_projects_asked_for() -> None:
    """Paper 5 waits for projects of two partners: of one alone under the band it has there."""
    state = undecided({(5, 1): "likely", (5, 2): "certain", (6, 2): "certain"}, [paper(5), paper(6)])
    part = filtered(replace(FACTS, bibliography=state), profile(), chosen([("partner", "eu")])).bibliography
    assert (part.undecided, part.undecided_papers) == ({"likely": 1}, {"likely": (5,)})
    assert part.undecided_pairs == {"likely": ((5, 1),)}


def test_an_unknown_value_is_refused_with_those_there_are() -> None:
    """The message names what was asked for, cut, and every value."""
    with pytest.raises(NotFound, match=r"no project has the partner “Mars”\. There are: eu, na, not-known"):
        filtered(FACTS, profile(), chosen([("partner", "Mars")]))


def test_the_row_of_other_values_is_refused_as_what_it_is() -> None:
    """Which values they are depends on the table; a value that the list writes so is one as any other."""
    with pytest.raises(NotFound, match=r"The row of other values is not one partner, .* There are: eu, na, not-known"):
        filtered(FACTS, profile(), chosen([("partner", OTHER)]))
    named = replace(FACTS, projects={1: project(1, partner=OTHER)})
    assert list(filtered(named, profile(), chosen([("partner", OTHER)])).projects) == [1]


def test_values_to_choose_have_names_and_counts_of_pi_projects() -> None:
    """Partners by the profile's name, cycles in its order, what is not known last."""
    partners = values_to_choose(FACTS, profile(), Facet(key="partner", name="partner"))
    assert [(value.key, value.projects) for value in partners] == [("eu", 1), ("na", 1), ("not-known", 1)]
    cycles = values_to_choose(FACTS, profile(), divisions(profile())["cycle"])
    assert [(value.key, value.name) for value in cycles] == [("2016.1", "Cycle 4"), ("no-cycle", "not known")]
    assert value_name(profile(), Facet(key="partner", name="partner"), "eu") == "Europe"


def test_what_is_chosen_reads_the_same_in_any_order() -> None:
    """One address, one report: order, blanks and repetitions make no other one; taking all away leaves nothing."""
    one = chosen([("b", "2"), ("a", " 1"), ("b", "1"), ("b", "2"), ("c", " ")])
    assert one == chosen([("b", "1"), ("b", "2"), ("a", "1")])
    assert one.address() == {"a": ["1"], "b": ["1", "2"]}
    for key, value in one.pairs():
        one = one.without(key, value)
    assert one == Chosen()
    assert not one


def test_papers_that_a_second_reader_has_yet_to_judge_are_nowhere() -> None:
    """Neither linked, decided about nor waiting; how many there are stays known. Without any the facts stay as they are."""
    state = Bibliography(
        undecided={"certain": 2, "likely": 1},
        undecided_papers={"certain": (2, 3), "likely": (4,)},
        undecided_pairs={"certain": ((2, 3), (3, 1)), "likely": ((4, 1),)},
        undecided_facts={2: paper(2), 3: paper(3)},
        paper_to_decision_days={1: 3, 2: 5},
        decided_on={1: date(2020, 1, 1), 2: date(2020, 1, 2)},
        under_second_reading=frozenset({2}),
        names={2: "two", 3: "three"},
        read_again=ReadAgain(frozenset({2}), date(2020, 1, 2)),
    )
    found = without_second_readings(replace(FACTS, bibliography=state))
    assert found.links == tuple(link for link in FACTS.links if link.paper_id == 1)
    assert found.papers.keys() == {1}
    assert found.bibliography == replace(
        state,
        undecided={"certain": 1, "likely": 1},
        undecided_papers={"certain": (3,), "likely": (4,)},
        undecided_pairs={"certain": ((3, 1),), "likely": ((4, 1),)},
        undecided_facts={3: paper(3)},
        paper_to_decision_days={1: 3},
        decided_on={1: date(2020, 1, 1)},
        names={3: "three"},
    )
    assert without_second_readings(FACTS) is FACTS


@given(
    st.lists(
        st.builds(
            project,
            st.integers(1, 40),
            partner=st.sampled_from(["EU", "NA", "", "E A"]),
            cycle=st.sampled_from(["2016.1", "2011.0", None, "odd one"]),
        ),
        unique_by=lambda one: one.id,
        max_size=12,
    ),
    st.sampled_from(["partner", "cycle"]),
)
def test_parts_make_the_whole(projects: list[object], key: str) -> None:
    """Of a division with one value in each cell every observed project is in exactly one part."""
    whole = facts(projects)  # type: ignore[arg-type]
    observed = len(Counted(whole, profile()).observed)
    parts = [
        len(Counted(filtered(whole, profile(), chosen([(key, value.key)])), profile()).observed)
        for value in values_to_choose(whole, profile(), divisions(profile())[key])
    ]
    assert sum(parts) == observed
