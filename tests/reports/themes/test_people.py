"""Authors by year, and papers by the project's executive and by the first author's region and country."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import Region, load
from reports.definitions.people import INDICATORS
from reports.document import Table
from reports.facts.counted import Counted
from reports.facts.model import Bibliography, Facts, Paper, Project
from reports.facts.persons import Persons
from reports.themes.people import tables
from tests.reports.facts_made import counted, facts, paper, profile, project
from tests.reports.themes.bibliographies import bibliographies

ORCID = "0000-0002-1825-0097"
OTHER = "0000-0001-5109-3700"


def found(papers: Sequence[Paper], projects: Sequence[Project] = (), links: Sequence[tuple[int, int]] = (), **changes: Any) -> dict[str, Table]:  # fmt: skip
    """Return the theme's tables by key; without links all papers used project 1."""
    links = links or [(one.id, 1) for one in papers]
    return {table.key: table for table in tables(counted(projects or [project(1)], papers, links, **changes))}


def values(table: Table, row: str, *columns: str) -> list[float | int | None]:
    """Return some values of a row."""
    return [table.figure(row, column).value for column in columns]


# -- authors ----------------------------------------------------------------------------------------------------------


def test_a_first_author_is_new_once() -> None:
    """The example of the definition: Ahn in 2018 and 2019, Berg in 2019: one new in 2018, one in 2019."""
    papers = [
        paper(1, authors=("Ahn, Bora",), year=2019),
        paper(2, authors=("Berg, Lotte", "Ahn, Bora"), year=2019),
        paper(3, authors=("Ahn, B.",), year=2018, preprint_on=date(2019, 6, 1)),
    ]
    table = found(papers)["authors"]
    assert [table.figure(row.key, "new_first_authors").ids for row in table.rows] == [(3,), (2,), (2, 3)]


def test_within_a_year_the_paper_that_appeared_first_makes_its_author_new() -> None:
    """Not the one with the smaller number."""
    papers = [
        paper(1, authors=("Ahn, Bora",), preprint_on=date(2019, 5, 1), published_on=date(2019, 9, 1)),
        paper(2, authors=("Ahn, Bora",), preprint_on=date(2019, 4, 1), published_on=date(2019, 12, 1)),
    ]
    assert found(papers)["authors"].figure("2019", "new_first_authors").ids == (2,)


def test_names_give_the_fewest_and_the_most_people() -> None:
    """The examples of the definitions: one surname with one initial is one person at least, each way of writing at most."""
    least = found([paper(1, authors=("Ahn, Bora", "Ahn, B.", "Ahn, Bo Ra"))])["authors"]
    assert values(least, "all", "authors_least") == [1]
    most = found([paper(1, authors=("Ahn, Bora", "Ahn, B.", "AHN, BORA"))])["authors"]
    assert values(most, "all", "authors_most") == [2]


def persons(*papers: Paper) -> tuple[int, int]:
    """Return how many people wrote these papers, at least and at most."""
    made = Persons([one.id for one in papers], [one.authors for one in papers], [one.orcids for one in papers])
    return made.distinct(made.places([one.id for one in papers]))


def test_an_orcid_settles_who_is_who() -> None:
    """Two of one name are two; one who changed the surname is one; a name without one is that of the same name with one."""
    two = paper(1, authors=("Ahn, Bora", "Ahn, Bora"), orcids=(ORCID, OTHER))
    assert persons(two) == (2, 2)
    married = paper(2, authors=("Berg-Ahn, Bora",), orcids=(ORCID,))
    assert persons(two, married) == (2, 2)
    assert persons(married, paper(3, authors=("Berg-Ahn, Bora",), orcids=())) == (1, 1)
    assert persons(married, paper(3, authors=("Berg-Ahn, B.",), orcids=("",))) == (1, 2)


def test_groups_cut_lists_and_empty_names_are_no_people() -> None:
    """A collaboration is not counted, neither as an author nor as a first one."""
    papers = [paper(1, authors=("The RINGS Collaboration", "Ahn, Bora", "et al.", "")), paper(2, authors=())]
    table = found(papers)["authors"]
    assert values(table, "all", "papers", "authors_least", "authors_most", "mean", "median") == [2, 1, 1, 1.0, 1]
    assert table.figure("all", "new_first_authors").ids == (1,)


def test_authors_per_paper_are_as_counted_by_hand() -> None:
    """The example of the definitions: papers by one, two and nine people: mean 4.0, median 2.0."""
    names = [f"{chr(65 + n)}quist, Ada" for n in range(9)]
    papers = [paper(n, authors=tuple(names[:count])) for n, count in enumerate((1, 2, 9), start=1)]
    table = found(papers)["authors"]
    assert values(table, "all", "mean", "median") == [4.0, 2]
    mean = table.figure("all", "mean")
    assert (mean.numerator, mean.denominator) == (12, 3)


# -- by executive -----------------------------------------------------------------------------------------------------


def test_a_paper_is_divided_among_the_executives_of_its_projects() -> None:
    """The examples of the definitions: two projects of Europe's and one of Chile's: 0.67 and 0.33; with another, 75 % and 25 %."""
    projects = [project(1), project(2), project(3, partner="CL")]
    table = found([paper(1)], projects, [(1, 1), (1, 2), (1, 3)])["by-executive"]
    assert values(table, "eu", "papers", "parts") == [1, pytest.approx(2 / 3)]
    assert values(table, "cl", "papers", "parts") == [1, pytest.approx(1 / 3)]
    table = found([paper(1), paper(2)], projects, [(1, 1), (1, 3), (2, 2)])["by-executive"]
    share = table.figure("eu", "share")
    assert (share.value, share.numerator, share.denominator, share.ids) == (0.75, 1.5, 2, (1, 2))
    assert values(table, "cl", "share", "published") == [0.25, 1]
    assert values(table, "all", "papers", "parts", "share", "observed") == [2, 2.0, 1.0, 3]


def test_executives_and_first_authors_are_two_tables() -> None:
    """A paper from Chile on Europe's time is Europe's in one and Chile's in the other."""
    made = found([paper(1, first_affiliation="Universidad de Chile, Santiago, Chile")])
    assert values(made["by-executive"], "eu", "papers") == [1]
    assert values(made["by-executive"], "cl", "papers") == [0]
    assert values(made["by-region"], "eu", "papers") == [0]
    assert values(made["by-region"], "cl", "papers") == [1]


@pytest.mark.parametrize(("partner", "name"), [("", "Not known"), ("JAO", "JAO")])
def test_a_partner_that_the_profile_does_not_name_has_a_row(partner: str, name: str) -> None:
    """No paper is lost because its project list says something else, or nothing."""
    table = found([paper(1)], [project(1, partner=partner)])["by-executive"]
    named = {row.name: table.figure(row.key, "papers").value for row in table.rows}
    assert named[name] == named["All"] == 1


# -- by the first author's country ------------------------------------------------------------------------------------


def test_a_region_is_that_of_the_first_affiliation_of_the_first_author() -> None:
    """The example of the definition, and countries that the profile puts elsewhere or that nobody can tell."""
    affiliations = {
        "na": "Caltech, Pasadena, CA 91125; Leiden Observatory",
        "not-known": "Department of Physics",
        "ea": "ASIAA, Taipei, Taiwan",
        "other": "Yunnan Observatories, Kunming, China",
    }
    papers = [paper(n, first_affiliation=one) for n, one in enumerate(affiliations.values(), start=1)]
    table = found(papers)["by-region"]
    assert {row.key: table.figure(row.key, "papers").value for row in table.rows} == {
        "eu": 0, "na": 1, "ea": 1, "cl": 0, "other": 1, "not-known": 1, "all": 4,
    }  # fmt: skip
    assert values(table, "na", "share") == [0.25]
    said = "Of 1 of 4 papers the country is not known: 0 without an affiliation, 1 whose affiliation does not tell it."
    assert table.notes == (said,)


def test_shares_of_regions_are_of_all_papers() -> None:
    """The example of the definition: two of four from Europe, one of unknown country: 50 % and 25 %."""
    papers = [
        paper(n, first_affiliation=one) for n, one in enumerate(("Leiden", "Bonn, Germany", "Tokyo", ""), start=1)
    ]
    table = found(papers)["by-region"]
    assert [values(table, key, "share") for key in ("eu", "ea", "not-known")] == [[0.5], [0.25], [0.25]]


def test_regions_are_told_by_year_and_class() -> None:
    """One row a region and year: a paper from Japan of 2018 on a stranger's project is archive data there, and nowhere else."""
    papers = [paper(1, year=2018, authors=("Quillfeather, J.",), first_affiliation="Tokyo, Japan"), paper(2)]
    table = found(papers)["region-years"]
    assert values(table, "ea.2018", "papers", "archive", "pi") == [1, 1, 0]
    assert values(table, "ea.2019", "papers") == [0]
    assert values(table, "ea.all", "papers") == [1]
    assert values(found(papers)["region-by-year"], "2018", "ea", "eu", "not-known", "papers") == [1, 0, 0, 1]


def test_countries_are_named_most_papers_first() -> None:
    """Those with as many papers stand by name; unknown ones and the sum stand last."""
    places = ("Tokyo", "Bonn", "Leiden", "Mitaka, Japan", "")
    papers = [paper(n, first_affiliation=one) for n, one in enumerate(places, start=1)]
    table = found(papers)["countries"]
    assert [(row.key, row.name) for row in table.rows] == [
        ("jp", "Japan"), ("de", "Germany"), ("nl", "Netherlands"), ("not-known", "Country not known"), ("all", "All"),
    ]  # fmt: skip


def with_regions(*regions: Region) -> dict[str, Table]:
    """Return the tables of a paper from Japan for a profile with other regions."""
    known = facts([project(1)], [paper(1, first_affiliation="Tokyo, Japan")], [(1, 1)])
    made = tables(Counted(known, profile().model_copy(update={"regions": regions})))
    return {table.key: table for table in made}


def test_without_regions_there_are_countries() -> None:
    """A profile that names no region has the tables of countries and executives alone."""
    assert list(with_regions()) == ["authors", "by-executive", "countries"]


def test_countries_of_no_region_have_a_row() -> None:
    """Where no region takes all others, what belongs to none is shown and not lost."""
    table = with_regions(Region(key="EU", name="Europe", countries=("DE",)))["by-region"]
    assert {row.key: table.figure(row.key, "papers").value for row in table.rows} == {
        "eu": 0, "elsewhere": 1, "not-known": 0, "all": 1,
    }  # fmt: skip


def test_before_everything_all_is_zero_or_nothing() -> None:
    """A report of a day before any project divides by nothing."""
    for table in tables(Counted(Facts(as_of=date(2000, 1, 1)), profile())):
        for row in table.rows:
            assert all(figure is None or figure.value in (0, None) for figure in row.figures)


# -- properties -------------------------------------------------------------------------------------------------------


def figures(known: Facts) -> dict[str, Table]:
    """Return the tables of this theme."""
    return {table.key: table for table in tables(Counted(known, profile()))}


@settings(max_examples=40)
@given(bibliographies())
def test_parts_add_up_to_wholes(known: Facts) -> None:
    """Regions, countries, years and executives' parts each hold every paper once."""
    made = figures(known)
    for key in ("by-region", "countries"):
        ids = sorted(i for row in made[key].rows[:-1] for i in made[key].figure(row.key, "papers").ids)
        assert tuple(ids) == made[key].figure("all", "papers").ids
    for row in made["region-by-year"].rows:
        parts = [figure.value or 0 for figure in row.figures[:-1] if figure is not None]
        assert sum(parts) == made["region-by-year"].figure(row.key, "papers").value
    executives = made["by-executive"]
    parts = [executives.figure(row.key, "parts").value or 0 for row in executives.rows[:-1]]
    assert math.isclose(sum(parts), executives.figure("all", "papers").value or 0, abs_tol=1e-9)
    authors = made["authors"]
    new = sorted(i for row in authors.rows[:-1] for i in authors.figure(row.key, "new_first_authors").ids)
    assert tuple(new) == authors.figure("all", "new_first_authors").ids


@settings(max_examples=40)
@given(bibliographies())
def test_there_are_never_fewer_people_at_most_than_at_least(known: Facts) -> None:
    """In every year and in all, and no more new first authors than people at least."""
    table = figures(known)["authors"]
    for row in table.rows:
        least, most, new = (table.figure(row.key, key).value or 0 for key in ("authors_least", "authors_most", "new_first_authors"))  # fmt: skip
        assert new <= least <= most


@settings(max_examples=40)
@given(bibliographies(), st.randoms(use_true_random=False))
def test_neither_order_nor_what_waits_changes_anything(known: Facts, rng: Random) -> None:
    """Facts in any order, with candidates about which nobody decided, give the same tables."""

    def shuffled(rows: Sequence[Any]) -> list[Any]:
        return rng.sample(list(rows), len(rows))

    other = replace(
        known,
        projects=dict(shuffled(list(known.projects.items()))),
        papers=dict(shuffled(list(known.papers.items()))),
        links=tuple(shuffled(known.links)),
        bibliography=Bibliography(undecided={"certain": 3}),
    )
    assert figures(other) == figures(known)


def test_every_indicator_says_what_it_counts() -> None:
    """Definitions are whole sentences with an example; no two have one key."""
    assert len({one.key for one in INDICATORS}) == len(INDICATORS)
    for one in INDICATORS:
        assert all(part.endswith(".") for part in (one.sentence, one.caveat, one.example, one.dates)), one.key


def test_another_observatory_has_its_own_regions() -> None:
    """Regions are data: a paper from Sweden is of a member state, one from Japan of none, and partners are that profile's."""
    known = facts(
        [project(1)], [paper(1, first_affiliation="Lund"), paper(2, first_affiliation="Tokyo")], [(1, 1), (2, 1)]
    )
    made = {table.key: table for table in tables(Counted(known, load("eso")))}
    assert [values(made["by-region"], key, "papers") for key in ("members", "cl", "other")] == [[1], [0], [1]]
