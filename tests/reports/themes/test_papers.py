"""Papers by year and by whose data, per project, by category, journal and other observatory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.definitions.papers import INDICATORS
from reports.document import Figure, Table
from reports.facts.counted import Counted
from reports.facts.model import Bibliography, Facts, Link, Paper, Project
from reports.themes import theme_of
from reports.themes.papers import tables
from tests.reports.facts_made import counted, paper, profile, project
from tests.reports.themes.bibliographies import bibliographies

OWN = project(1, pi="Quillfeather, Jane", team=("Quillfeather, Jane", "Brannmark, Olof"))
"""A project of the people who write the papers of these tests."""

COLE = project(2, pi="Harrowgate, Cole", team=("Harrowgate, Cole", "Zimmermann, Ilse"))
ONLY_PI = project(3, pi="Harrowgate, Cole", team=("Harrowgate, Cole",))
QUILL = ("Quillfeather, J.",)


def found(projects: Sequence[Project], papers: Sequence[Paper], links: Sequence[tuple[int, int]], **changes: Any) -> dict[str, Table]:  # fmt: skip
    """Return the theme's tables by key."""
    return {table.key: table for table in tables(counted(projects, papers, links, **changes))}


def written(number: int, **changes: Any) -> Paper:
    """Return a paper by one person of the first project's team."""
    return paper(number, authors=QUILL, **changes)


def values(table: Table, row: str, *columns: str) -> list[float | int | None]:
    """Return some values of a row."""
    return [table.figure(row, column).value for column in columns]


def test_a_paper_and_its_preprint_on_two_projects_are_one_paper() -> None:
    """The example of the definition: one article with its preprint, linked to two projects."""
    table = found([OWN, COLE], [written(1)], [(1, 1), (1, 2)])["by-year"]
    assert (table.figure("all", "papers").value, table.figure("all", "papers").ids) == (1, (1,))


@pytest.mark.parametrize(
    ("projects", "column", "archival"),
    [
        ((1,), "pi", "none"),
        ((1, 2), "pi_and_archive", "part"),
        ((2,), "archive", "all_archival"),
        ((3,), "undetermined", "undetermined"),
    ],
)
def test_a_paper_is_classed_by_both_rules(projects: tuple[int, ...], column: str, archival: str) -> None:
    """The examples of the definitions: on one's own project, on that and a stranger's, on a stranger's, on one of unknown team."""
    made = found([OWN, COLE, ONLY_PI], [written(1)], [(1, number) for number in projects])
    classes = ("pi", "pi_and_archive", "archive", "undetermined")
    assert values(made["by-year"], "2019", *classes) == [int(one == column) for one in classes]
    shares = ("none", "part", "all_archival", "undetermined")
    assert values(made["by-archival"], "2019", *shares) == [int(one == archival) for one in shares]


def six_one_and_twelve() -> dict[str, Table]:
    """Return the tables of six papers with PI data, one with both, twelve with archive data, and one of unknown origin."""
    papers = [written(number) for number in range(1, 21)]
    links = [(n, 1) for n in range(1, 8)] + [(7, 2)] + [(n, 2) for n in range(8, 20)] + [(20, 3)]
    return found([OWN, COLE, ONLY_PI], papers, links)


def test_the_share_using_archive_data_is_of_papers_of_known_class() -> None:
    """The example of the definition: 13 of 19, 68.4 %; the paper of unknown origin is in neither number."""
    figure = six_one_and_twelve()["by-year"].figure("2019", "archive_share")
    assert (figure.value, figure.numerator, figure.denominator) == (13 / 19, 13, 19)
    assert (figure.ids, figure.rest) == (tuple(range(7, 20)), tuple(range(1, 7)))


def test_the_archival_share_counts_papers_that_are_archival_as_a_whole() -> None:
    """The example of the definition: 12 of 19, 63.2 %."""
    table = six_one_and_twelve()["by-archival"]
    figure = table.figure("2019", "archival_share")
    assert (figure.value, figure.ids, figure.rest) == (12 / 19, tuple(range(8, 20)), tuple(range(1, 8)))
    assert table.figure("2019", "archive_share").value == 13 / 19


def test_without_a_paper_of_known_class_there_is_no_share() -> None:
    """Nothing is divided by nothing."""
    figure = found([ONLY_PI], [written(1)], [(1, 3)])["by-year"].figure("2019", "archive_share")
    assert (figure.value, figure.denominator, figure.note) == (None, 0, "No paper.")


def test_papers_of_unknown_origin_say_what_is_missing() -> None:
    """The example of the definition, and each other reason; a paper whose class is known is not among them."""
    ahn = project(4, pi="Ahn, Bora", team=("Ahn, Bora", "Zimmermann, Ilse"))
    nobody = project(5, pi="", team=())
    lists = {1: ("Ahn, B.",), 2: QUILL, 3: QUILL, 4: ("Quillfeather, J.", "et al."), 5: (), 6: QUILL}
    papers = [paper(number, authors=authors) for number, authors in lists.items()]
    links = [(1, 4), (1, 5), (2, 3), (3, 5), (4, 2), (5, 2), (6, 1)]
    table = found([OWN, COLE, ONLY_PI, ahn, nobody], papers, links)["unknown-origin"]
    assert {row.key: table.figure(row.key, "papers").ids for row in table.rows} == {
        "no_team_known": (1, 3),
        "only_pi_known": (2,),
        "name_alike": (1,),
        "list_cut": (4,),
        "no_authors": (5,),
        "all": (1, 2, 3, 4, 5),
    }


def test_papers_that_are_not_refereed_have_a_table_of_their_own() -> None:
    """An article, a preprint of another work and a thesis: one refereed, two not, three in all, and one everywhere else."""
    papers = [written(1), written(2, is_refereed=False), written(3, is_refereed=False, kind="phdthesis", year=2018)]
    made = found([OWN], papers, [(1, 1), (2, 1), (3, 1)])
    assert values(made["refereed"], "2019", "refereed", "not_refereed", "papers") == [1, 1, 2]
    assert values(made["refereed"], "all", "refereed", "not_refereed", "papers") == [1, 2, 3]
    assert [row.key for row in made["by-year"].rows] == ["2019", "all"]


def test_an_erratum_is_no_paper() -> None:
    """The example of the definition; an erratum alone publishes no project, and ends no time to a first paper."""
    own = written(1, citations=8)
    erratum = written(2, kind="erratum", citations=3, year=2018, preprint_on=None, published_on=date(2018, 2, 1))
    whole = counted([OWN, COLE], [own, erratum], [(1, 1), (2, 1), (2, 2)])
    made = {table.key: table for table in tables(whole)}
    assert values(made["refereed"], "all", "refereed", "not_refereed", "papers", "errata") == [1, 0, 1, 1]
    assert made["refereed"].figure("2018", "errata").ids == (2,)
    assert [row.key for row in made["by-year"].rows] == ["2019", "all"]
    assert made["reuse"].figure("all", "uses").value == 1
    assert whole.published == {1}
    assert whole.silent == {2}
    assert whole.first_paper_on == {1: date(2019, 1, 5)}
    assert theme_of(whole, "citations").table("by-year").figure("all", "total").value == 8


def test_a_year_between_two_others_has_a_row_though_it_has_no_paper() -> None:
    """A gap is seen as a gap, also in a chart."""
    table = found([OWN], [written(1, year=2016), written(2, year=2018)], [(1, 1), (2, 1)])["by-year"]
    assert [row.key for row in table.rows] == ["2016", "2017", "2018", "all"]
    assert values(table, "2017", "papers", "pi") == [0, 0]


@pytest.mark.parametrize("year", [None, 19, 2027, 99999])
def test_a_year_that_is_not_known_or_cannot_be_is_no_year(year: int | None) -> None:
    """Such papers are counted, in a row of their own."""
    table = found([OWN], [written(1, year=year), written(2)], [(1, 1), (2, 1)])["by-year"]
    assert [row.key for row in table.rows] == ["2019", "undated", "all"]
    assert table.figure("undated", "papers").ids == (1,)


@pytest.mark.parametrize(
    ("through", "young"),
    [(date(2019, 12, 31), []), (date(2019, 12, 30), ["2019"]), (date(2018, 6, 1), ["2018", "2019"]), (None, [])],
)
def test_years_not_over_when_the_bibliography_was_complete_are_marked(through: date | None, young: list[str]) -> None:
    """The day up to which sources were harvested decides, not the report's; where it is not known, the report's."""
    papers = [written(1), written(2, year=2018)]
    table = found([OWN], papers, [(1, 1), (2, 1)], complete_through=through)["by-year"]
    assert [row.key for row in table.rows if row.is_incomplete] == young
    assert all(f.is_incomplete == row.is_incomplete for row in table.rows for f in row.figures if f is not None)
    assert len(table.notes) == bool(young)


def three_projects() -> dict[str, Table]:
    """Return the tables of three observed projects with no, one and two papers; the second paper is a stranger's."""
    projects = [OWN, OWN._replace(id=4, code="2016.1.00004.S"), OWN._replace(id=5, code="2016.1.00005.S")]
    papers = [written(1), paper(2, authors=("Winterbrook, Ada",))]
    return found(projects, papers, [(1, 4), (1, 5), (2, 5)])


def test_papers_per_project_and_re_use_are_as_counted_by_hand() -> None:
    """The examples of the definitions: 3 uses of 2 publishing and 3 observed projects."""
    table = three_projects()["reuse"]
    columns = ("observed", "published", "uses", "per_project", "median", "reuse", "twice", "by_others")
    assert values(table, "2016.1", *columns) == [3, 2, 3, 1.5, 1.5, 1.0, 1 / 3, 1 / 3]
    assert values(table, "all", *columns) == values(table, "2016.1", *columns)
    reuse = table.figure("all", "reuse")
    assert (reuse.ids, reuse.rest, reuse.numerator, reuse.denominator) == ((4, 5), (1,), 3, 3)
    assert table.figure("all", "twice").ids == table.figure("all", "by_others").ids == (5,)
    assert values(found([], [], [])["reuse"], "all", "per_project", "reuse", "twice") == [None, None, None]


def test_the_median_is_that_of_the_middle_project() -> None:
    """The example of the definition: projects with one, two and nine papers: 2.0."""
    projects = [OWN._replace(id=n, code=f"2016.1.0000{n}.S") for n in (1, 2, 3)]
    papers = [written(n) for n in range(1, 13)]
    links = [(1, 1), (2, 2), (3, 2), *((n, 3) for n in range(4, 13))]
    assert values(found(projects, papers, links)["reuse"], "all", "median", "per_project") == [2, 4.0]


def test_data_are_used_by_others_where_no_author_was_of_the_team() -> None:
    """The example of the definition: two projects with a paper by their PI, one also with one by strangers: 1 of 2."""
    papers = [written(1), paper(2, authors=("Harrowgate, C.",)), paper(3, authors=("Winterbrook, Ada",))]
    figure = found([OWN, COLE], papers, [(1, 1), (2, 2), (3, 2)])["reuse"].figure("all", "by_others")
    assert (figure.value, figure.ids, figure.rest) == (0.5, (2,), (1,))


def test_a_co_investigator_is_of_the_team_too() -> None:
    """The example of the definition: a paper on one's own project and on one of which one is co-I has PI data."""
    shared = COLE._replace(team=("Harrowgate, Cole", "Quillfeather, Jane"))
    assert values(found([OWN, shared], [written(1)], [(1, 1), (1, 2)])["by-year"], "all", "pi") == [1]


def test_projects_are_counted_by_number_of_papers() -> None:
    """The example of the definition: one project in each of the first three rows, a third each."""
    table = three_projects()["papers-per-project"]
    assert [table.figure(key, "projects").ids for key in ("0", "1", "2", "3")] == [(1,), (4,), (5,), ()]
    assert [row.key for row in table.rows] == ["0", "1", "2", "3", "4", "from_5", "from_10", "all"]
    assert values(table, "1", "share") == [1 / 3]


def test_a_paper_counts_in_every_category_of_its_projects() -> None:
    """Two papers on projects of two categories: the rows add up to three, all papers are two."""
    projects = [OWN._replace(category="Discs"), COLE._replace(category="Galaxies"), ONLY_PI]
    table = found(projects, [written(1), written(2)], [(1, 1), (1, 2), (2, 3)])["by-category"]
    assert [(row.name, table.figure(row.key, "papers").ids) for row in table.rows] == [
        ("Discs", (1,)),
        ("Galaxies", (1,)),
        ("Not known", (2,)),
        ("All", (1, 2)),
    ]
    assert table.figure("discs", "share").value == 0.5


def test_spellings_of_one_journal_are_one_row() -> None:
    """The example of the definition: three of four papers in one journal, 75 %."""
    names = ["ApJ", "The Astrophysical Journal", "Astrophys. J.", ""]
    papers = [written(n, journal=name) for n, name in enumerate(names, start=1)]
    table = found([OWN], papers, [(n, 1) for n in range(1, 5)])["journals"]
    assert [(row.name, values(table, row.key, "papers", "share")) for row in table.rows] == [
        ("The Astrophysical Journal", [3, 0.75]),
        ("Journal not known", [1, 0.25]),
        ("All", [4, 1.0]),
    ]


def test_other_observatories_each_have_a_row() -> None:
    """The example of the definition: one of three papers in two others' bibliographies."""
    papers = [written(1, facilities=("Hubble", "Chandra")), written(2), written(3)]
    table = found([OWN], papers, [(n, 1) for n in (1, 2, 3)])["facilities"]
    assert [(row.key, table.figure(row.key, "papers").ids) for row in table.rows] == [
        ("o.chandra", (1,)),
        ("o.hubble", (1,)),
        ("with-another", (1,)),
    ]
    assert table.figure("with-another", "share").value == 1 / 3
    assert table.notes == ("Of 2 of 3 papers no other bibliography tells.",)


def test_before_everything_all_is_zero_or_nothing() -> None:
    """A report of a day before any project divides by nothing."""
    for table in tables(Counted(Facts(as_of=date(2000, 1, 1)), profile())):
        for row in table.rows:
            assert all(figure is None or figure.value in (0, None) for figure in row.figures)


# -- properties -------------------------------------------------------------------------------------------------------


def figures(known: Facts) -> dict[str, Table]:
    """Return the tables of this theme."""
    return {table.key: table for table in tables(Counted(known, profile()))}


def total(table: Table, column: str) -> tuple[list[int], Figure]:
    """Return the rows behind every row of a column but the last, added up, and the last row's figure."""
    parts = [i for row in table.rows[:-1] for i in table.figure(row.key, column).ids]
    return sorted(parts), table.figure(table.rows[-1].key, column)


@settings(max_examples=40)
@given(bibliographies())
def test_parts_add_up_to_wholes(known: Facts) -> None:
    """Years, classes, journals and numbers of papers each hold every paper or project once."""
    made = figures(known)
    for key, columns in {
        "by-year": ("papers", "pi", "pi_and_archive", "archive", "undetermined"),
        "by-archival": ("papers", "none", "part", "all_archival", "undetermined"),
        "refereed": ("refereed", "not_refereed", "papers", "errata"),
        "journals": ("papers",),
        "papers-per-project": ("projects",),
        "reuse": ("observed", "published"),
    }.items():
        for column in columns:
            parts, whole = total(made[key], column)
            assert (tuple(parts), len(parts)) == (whole.ids, whole.value), (key, column)
    for row in made["by-year"].rows:
        classes = [
            made["by-year"].figure(row.key, c).value or 0 for c in ("pi", "pi_and_archive", "archive", "undetermined")
        ]
        assert sum(classes) == made["by-year"].figure(row.key, "papers").value


@settings(max_examples=40)
@given(bibliographies(), st.randoms(use_true_random=False))
def test_the_order_of_facts_changes_nothing(known: Facts, rng: Random) -> None:
    """Projects, papers and links in any order give the same tables."""

    def shuffled(rows: Sequence[Any]) -> list[Any]:
        return rng.sample(list(rows), len(rows))

    other = replace(
        known,
        projects=dict(shuffled(list(known.projects.items()))),
        papers=dict(shuffled(list(known.papers.items()))),
        links=tuple(shuffled(known.links)),
    )
    assert figures(other) == figures(known)


@settings(max_examples=40)
@given(bibliographies())
def test_what_nobody_decided_changes_nothing(known: Facts) -> None:
    """Candidates without a verdict are told elsewhere."""
    waiting = Bibliography(undecided={"certain": 7}, undecided_papers={"certain": (1, 2)})
    assert figures(replace(known, bibliography=waiting)) == figures(known)


@settings(max_examples=40)
@given(bibliographies())
def test_a_later_paper_lowers_no_count(known: Facts) -> None:
    """One more paper on a project: no number of papers, projects or uses falls, nor does re-use."""
    number = max(known.papers, default=0) + 1
    more = replace(
        known,
        papers={**known.papers, number: paper(number)},
        links=(*known.links, Link(number, min(known.projects))),
    )
    before, after = figures(known), figures(more)
    for key, column in (
        ("by-year", "papers"),
        ("refereed", "papers"),
        ("reuse", "uses"),
        ("reuse", "reuse"),
        ("reuse", "twice"),
    ):
        old, new = (one[key].figure("all", column).value for one in (before, after))
        assert (new or 0) >= (old or 0), (key, column)


@settings(max_examples=40)
@given(bibliographies())
def test_every_figure_leads_to_its_rows(known: Facts) -> None:
    """Rows are sorted, none is in both parts of a share, and a share is its numerator over its denominator."""
    for table in figures(known).values():
        assert len({row.key for row in table.rows}) == len(table.rows)
        for row in table.rows:
            for figure in row.figures:
                assert figure is not None
                assert list(figure.ids) == sorted(set(figure.ids))
                assert not set(figure.ids) & set(figure.rest)
                if figure.denominator and figure.numerator is not None:
                    assert figure.value == figure.numerator / figure.denominator


def test_every_indicator_says_what_it_counts() -> None:
    """Definitions are whole sentences with an example; no two have one key."""
    assert len({one.key for one in INDICATORS}) == len(INDICATORS)
    for one in INDICATORS:
        assert all(part.endswith(".") for part in (one.sentence, one.caveat, one.example, one.dates)), one.key


def test_a_chart_of_a_long_table_shows_the_rows_with_most_papers() -> None:
    """Thirty journals: the table has them all, the chart the twenty with most, and says so."""
    papers = [written(n, journal=f"Annals of Rings {n:02d}") for n in range(1, 31)]
    table = found([OWN], papers, [(n, 1) for n in range(1, 31)])["journals"]
    (chart,) = table.charts
    assert (len(table.rows), len(chart.without)) == (31, 11)
    assert chart.title == "Papers by journal: the 20 with most"
