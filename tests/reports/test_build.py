"""The report's arithmetic, on examples small enough to count by hand, and on random facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import Profile, load
from reports.build import Origin, build, origin, silent_from
from reports.queries import Facts, PaperFacts, ProjectFacts, UnitFacts

AS_OF = date(2026, 11, 22)


@pytest.fixture(scope="module")
def profile() -> Profile:
    """The default observatory's profile."""
    return load()


def project(number: int, **changes: object) -> ProjectFacts:
    """A fictional observed project of 2016 by Ahn, long released."""
    facts = ProjectFacts(
        id=number,
        code=f"2016.1.{number:05d}.S",
        cycle="2016.1",
        is_pi_project=True,
        title="A disc",
        pi="Ahn, Bora",
        team=("Ahn, Bora", "Berg, Lotte"),
        category="",
        partner="EU",
        state="",
        units=(UnitFacts(date(2017, 5, 1), date(2018, 5, 1)),),
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def paper(number: int, **changes: object) -> PaperFacts:
    """A fictional refereed paper of 2019 by Ahn."""
    facts = PaperFacts(
        id=number,
        title="Rings",
        authors=("Ahn, B.",),
        year=2019,
        is_refereed=True,
        kind="article",
        journal="ApJ",
        published_on=date(2019, 3, 1),
        preprint_on=date(2019, 1, 5),
        identifiers={},
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def facts(projects: list[ProjectFacts], papers: list[PaperFacts], links: list[tuple[int, int]]) -> Facts:
    """Facts as known on ``AS_OF``."""
    return Facts(AS_OF, {p.id: p for p in projects}, {p.id: p for p in papers}, tuple(links))


def test_the_headline_counts_what_can_be_counted_by_hand(profile: Profile) -> None:
    """Of four observed projects one is published, one has only an old preprint, one nothing, one is within its time."""
    young = project(4, units=(UnitFacts(date(2025, 9, 1), date(2026, 9, 1)),))
    science_verification = project(5, is_pi_project=False)
    waiting = project(6, units=(UnitFacts(None, None),))
    old_preprint = paper(2, is_refereed=False, kind="eprint", preprint_on=date(2020, 1, 1))
    report = build(
        facts(
            [project(1), project(2), project(3), young, science_verification, waiting],
            [paper(1), old_preprint],
            [(1, 1), (2, 2)],
        ),
        profile,
    )
    numbers = {f.indicator.key: f for f in report.headline}
    assert numbers["observed"].row_ids == (1, 2, 3, 4)
    assert numbers["published"].row_ids == (1,)
    assert numbers["silent"].row_ids == (2, 3)
    assert numbers["publication_fraction"].value == 0.25
    assert numbers["papers"].row_ids == (1,)


def test_a_young_preprint_keeps_a_project_off_the_silent_list(profile: Profile) -> None:
    """A science preprint of last year counts against silence, but not as published."""
    preprint = paper(1, is_refereed=False, kind="eprint", preprint_on=date(2025, 12, 1))
    report = build(facts([project(1)], [preprint], [(1, 1)]), profile)
    numbers = {f.indicator.key: f.value for f in report.headline}
    assert (numbers["published"], numbers["silent"]) == (0, 0)


def test_half_of_four_has_the_interval_of_the_example(profile: Profile) -> None:
    """2 of 4 projects published: 0.50 with a Wilson interval of 0.15 to 0.85, as the definition says."""
    report = build(
        facts([project(n) for n in (1, 2, 3, 4)], [paper(1), paper(2)], [(1, 1), (2, 2)]),
        profile,
    )
    fraction = next(f for f in report.headline if f.indicator.key == "publication_fraction")
    assert fraction.value == 0.5
    assert (round(fraction.low or 0, 2), round(fraction.high or 0, 2)) == (0.15, 0.85)


def test_silence_begins_on_the_first_of_march_after_a_leap_day(profile: Profile) -> None:
    """Released on 29 February 2020, grace two years: silent from 1 March 2022."""
    assert silent_from(project(1, units=(UnitFacts(None, date(2020, 2, 29)),)), profile, AS_OF) == date(2022, 3, 1)


def test_a_project_without_usable_release_date_is_never_silent(profile: Profile) -> None:
    """The registry's date for "undated" does not start the clock."""
    units = (UnitFacts(date(2017, 6, 1), date(3000, 1, 1)),)
    assert silent_from(project(1, units=units), profile, AS_OF) is None


def test_an_open_project_is_not_silent_and_an_incomplete_ended_one_is(profile: Profile) -> None:
    """While deliveries are expected the clock does not start; a unit that never came does not stop it for ever."""
    units = (UnitFacts(date(2017, 5, 1), date(2018, 5, 1)), UnitFacts(None, None))
    assert silent_from(project(1, units=units, state="InProgress"), profile, AS_OF) is None
    assert silent_from(project(1, units=units, state="PartiallyCompleted"), profile, AS_OF) == date(2020, 5, 1)


@pytest.mark.parametrize(
    ("authors", "teams", "expected"),
    [
        (("Ahn, B.", "Dorn, K."), [("Ahn, Bora",)], Origin.PI),
        (("Dorn, K.",), [("Ahn, Bora",), ("Cole, Nina",)], Origin.ARCHIVE),
        (("Ahn, B.", "Berg, L."), [("Ahn, Bora",), ("Cole, Nina",)], Origin.BOTH),
        (("Ahn, B.",), [()], Origin.UNKNOWN),
        ((), [("Ahn, Bora",)], Origin.UNKNOWN),
    ],
)
def test_origin_follows_the_overlap_of_authors_and_teams(
    authors: tuple[str, ...], teams: list[tuple[str, ...]], expected: Origin
) -> None:
    """A paper has PI data when it shares a person with every project's team, archive data when with none."""
    projects = [project(n, team=team) for n, team in enumerate(teams, start=1)]
    assert origin(paper(1, authors=authors), projects) is expected


def test_the_running_year_and_growing_cycles_are_marked(profile: Profile) -> None:
    """A year that is not over and a cycle whose grace periods still run are shown as unfinished."""
    young = project(2, units=(UnitFacts(date(2026, 1, 1), date(2027, 1, 1)),))
    report = build(facts([project(1), young], [paper(1, year=2026)], [(1, 1)]), profile)
    assert [row.is_incomplete for row in report.years] == [True]
    assert report.cycles[0].fraction.is_incomplete


def test_a_paper_of_an_absurd_year_counts_in_no_year(profile: Profile) -> None:
    """A mistaken year stretches no table: the paper is counted among those without a year."""
    report = build(facts([project(1)], [paper(1), paper(2, year=20_000_000)], [(1, 1), (2, 1)]), profile)
    assert [row.year for row in report.years] == [2019]
    assert report.undated_papers == 1


days = st.one_of(st.none(), st.dates(date(2012, 1, 1), date(2030, 1, 1)), st.just(date(3000, 1, 1)))
projects_strategy = st.builds(
    project,
    st.integers(1, 30),
    units=st.lists(st.builds(UnitFacts, days, days), max_size=3).map(tuple),
    is_pi_project=st.booleans(),
    cycle=st.sampled_from(["2016.1", "2019.1", None]),
)
papers_strategy = st.builds(
    paper,
    st.integers(1, 30),
    is_refereed=st.booleans(),
    year=st.one_of(st.none(), st.integers(2012, 2027)),
    preprint_on=st.one_of(st.none(), st.dates(date(2012, 1, 1), date(2026, 11, 1))),
    authors=st.sampled_from([("Ahn, B.",), ("Dorn, K.",), ()]),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(projects_strategy, max_size=12),
    st.lists(papers_strategy, max_size=12),
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=20),
)
def test_parts_sum_to_the_whole(
    projects: list[ProjectFacts], papers: list[PaperFacts], links: list[tuple[int, int]]
) -> None:
    """Cycles sum to the headline, published + silent + within time to observed, origins to the year's papers."""
    known_projects, known_papers = {p.id for p in projects}, {p.id for p in papers}
    links = [(a, b) for a, b in links if a in known_papers and b in known_projects]
    report = build(facts(projects, papers, links), load())
    numbers = {f.indicator.key: f.value for f in report.headline}
    for key in ("observed", "published", "silent"):
        assert sum(getattr(row, key).value for row in report.cycles) == numbers[key]
    for row in report.cycles:
        assert row.published.value + row.silent.value + row.within_time.value == row.observed.value
    for year in report.years:
        assert sum(f.value for f in year.by_origin.values()) == year.total.value
    assert sum(y.total.value for y in report.years) + report.undated_papers == numbers["papers"]
