"""A published table of 1,504 papers by class and region comes out of a bibliography built to have it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import pytest

from biblio.rounding import percents
from biblio.store import Store
from reports.document import Table
from reports.facts.counted import Counted
from reports.facts.model import Facts
from reports.facts.reading import read_facts
from reports.themes import theme_of
from tests.reports import published_table as published
from tests.reports.facts_made import profile
from tests.reports.published_table import (
    BY_REGION,
    CHILE,
    EARLIER,
    EARLIER_SUMS,
    EAST_ASIA,
    PULLED,
    SHARES,
    WORLD,
    Counts,
    Published,
    sums,
)
from tests.reports.stored import add_undecided
from tests.reports.stored import store as write

CLASSES = ("pi", "pi_and_archive", "archive")


@cache
def bibliography() -> Published:
    """Return the bibliography of the table; built once."""
    return published.build()


@cache
def now() -> Counted:
    """Return what is counted of the table's day; counted once."""
    return counted(bibliography().facts())


def counted(facts: Facts) -> Counted:
    """Return facts ready to be counted, with the default profile."""
    return Counted(facts, profile())


def row(table: Table, key: str) -> Counts:
    """Return the papers of a row by class; none of them is undetermined."""
    assert table.figure(key, "undetermined").value == 0
    first, second, third = (int(table.figure(key, column).value or 0) for column in CLASSES)
    assert first + second + third == table.figure(key, "papers").value
    return first, second, third


def test_the_figures_are_typed_as_they_were_published() -> None:
    """Columns, rows and the parts of East Asia add up to the sums that stand under the published table."""
    assert sums(WORLD.values()) == (1116, 127, 261)
    assert [sum(counts) for counts in WORLD.values()] == [19, 65, 97, 147, 236, 338, 379, 223]
    regions = {key: sums(rows.values()) for key, rows in BY_REGION.items()}
    assert regions == {"EA": (178, 32, 38), "EU": (487, 39, 104), "NA": (311, 42, 70)}
    assert sums(EAST_ASIA.values()) == regions["EA"]
    assert 1504 - sum(map(sum, regions.values())) - sum(CHILE) == 106


def whole_table(known: Counted) -> None:
    """Assert every figure of the published table: classes by year and region, sums, shares."""
    by_year = theme_of(known, "papers").table("by-year")
    assert [one.key for one in by_year.rows] == [*map(str, WORLD), "all"]
    assert {year: row(by_year, str(year)) for year in WORLD} == WORLD
    assert row(by_year, "all") == (1116, 127, 261)
    shares = {year: percents(by_year.figure(str(year), "archive_share").value or 0, 1) for year in WORLD}
    assert shares == {year: f"{share:.1f}" for year, share in SHARES.items()}
    assert percents(by_year.figure("all", "archive_share").value or 0, 1) == "25.8"
    people = theme_of(known, "people")
    by_region = people.table("by-region")
    totals = {one.key: by_region.figure(one.key, "papers").value for one in by_region.rows}
    assert totals == {"eu": 630, "na": 423, "ea": 248, "cl": 97, "other": 106, "not-known": 0, "all": 1504}
    assert row(by_region, "cl") == CHILE
    regional = people.table("region-years")
    for key, rows in BY_REGION.items():
        assert {year: row(regional, f"{key.lower()}.{year}") for year in rows} == rows
        assert row(by_region, key.lower()) == row(regional, f"{key.lower()}.all") == sums(rows.values())
    countries = people.table("countries")
    assert {code: row(countries, code.lower()) for code in EAST_ASIA} == EAST_ASIA


def test_the_published_table_comes_out() -> None:
    """Authors, teams and affiliations, printed in every way, are counted as the library counted the real ones."""
    whole_table(now())


@pytest.mark.parametrize("seed", [1])
def test_other_people_and_other_spellings_give_the_same_table(seed: int) -> None:
    """It is no luck of one drawing of names, teams and affiliations."""
    whole_table(counted(published.build(seed).facts()))


def test_an_earlier_pull_has_its_own_sums_and_the_same_finished_years() -> None:
    """What was linked later is not in a report of an earlier day; the years before are what they were."""
    then = theme_of(counted(bibliography().facts(EARLIER)), "papers").table("by-year")
    assert row(then, "all") == EARLIER_SUMS
    later = theme_of(now(), "papers").table("by-year")
    assert all(row(then, str(year)) == row(later, str(year)) for year in WORLD if year < 2019)


def test_the_running_year_is_marked() -> None:
    """Of 2019 the table has papers to mid July: only that year can still grow."""
    table = theme_of(now(), "papers").table("by-year")
    assert [one.key for one in table.rows if one.is_incomplete] == ["2019"]
    assert table.notes == ("The bibliography is complete through 2019-07-17: years not over by then are marked.",)


def test_both_rules_see_the_same_overlaps() -> None:
    """The rule by archival share calls none, part and all what the rule by programmes calls PI, both and archive."""
    table = theme_of(now(), "papers").table("by-archival")
    found = tuple(table.figure("all", column).value for column in ("none", "part", "all_archival"))
    assert found == (1116, 127, 261)
    assert percents(table.figure("all", "archival_share").value or 0, 1) == "17.4"


def test_every_paper_has_the_class_and_country_it_was_built_for() -> None:
    """Not only the sums: each of the 1,504 papers."""
    expected = bibliography().expected
    assert now().data_use == {i: cell.use for i, cell in expected.items()}
    countries = theme_of(now(), "people").table("countries")
    for one in countries.rows[:-1]:
        ids = countries.figure(one.key, "papers").ids
        assert {expected[i].country.lower() for i in ids} == {one.key}


def test_the_table_comes_out_of_a_store(store: Store) -> None:
    """Written to a database with what nobody has decided beside it, and read as of the table's day and an earlier one."""
    made = bibliography()
    strangers = [(paper, project) for paper, project in zip(sorted(made.papers), sorted(made.projects), strict=False)]
    linked = {(link.paper_id, link.project_id) for link in made.links}
    with store.writing() as session:
        write(session, made.projects, made.papers, made.links, made.decided_on)
        add_undecided(session, [pair for pair in strangers if pair not in linked], datetime(2019, 2, 1, tzinfo=UTC))

    def read(day: date) -> Facts:
        with store.reading() as session:
            return read_facts(session, profile(), day, today=PULLED)

    facts = read(PULLED)
    assert sum(facts.bibliography.undecided.values()) > 800
    whole_table(counted(facts))
    assert row(theme_of(counted(read(EARLIER)), "papers").table("by-year"), "all") == EARLIER_SUMS
