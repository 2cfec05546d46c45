"""The worked examples of the definitions of citations, silence, answers and the bibliography, counted by the themes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from biblio.store.answers import CampaignAnswers, Part, Standing
from reports.definitions import answers, bibliography, citations
from reports.document import Figure
from reports.facts.counted import Counted
from reports.facts.model import Bibliography, Hole, Paper
from reports.themes import theme_of
from tests.reports.facts_made import AS_OF, appeared, counted, paper, profile, project, undecided, unit

Example = tuple[Counted, str, float]
"""Facts, the place of the figure (theme/table/row/column), and its value."""


def cited(*counts: int | None) -> Counted:
    """Papers of one project that are cited so often; None: no count."""
    papers = [paper(n, citations=count) for n, count in enumerate(counts, start=1)]
    return counted([project(1)], papers, [(one.id, 1) for one in papers])


def out_for(*papers: tuple[int, int]) -> Counted:
    """Papers of one project that have been out for so many days and are cited so often."""
    made = [appeared(n, AS_OF - timedelta(days=d), citations=c) for n, (d, c) in enumerate(papers, start=1)]
    return counted([project(1)], made, [(one.id, 1) for one in made])


def silent_since(day: date) -> Counted:
    """One project that became silent on a day."""
    released = day.replace(year=day.year - profile().asking.grace_years)
    return counted([project(1, units=(unit(1, date(2012, 1, 1), released),))])


def asked() -> Counted:
    """Ahn is asked about two projects and completes one questionnaire, Berg about one and completes it."""
    return counted(answers=(_campaign(Part("Autumn", projects=3, persons=2, completed=2, persons_answered=2)),))


def answered() -> Counted:
    """Ten answers, three of them reason 9."""
    chosen = {profile().questionnaire.status.key: {9: 3, 1: 7}}
    return counted(answers=(_campaign(Part("Autumn", 12, 10, None, 10, 10, chosen)),))


def _campaign(whole: Part) -> CampaignAnswers:
    return CampaignAnswers(
        7, "Autumn", Standing.WHOLE, date(2025, 9, 1), date(2025, 10, 1), profile().questionnaire, whole
    )


def state(**facts: Any) -> Counted:
    """A state of the bibliography alone."""
    return counted(bibliography=Bibliography(**facts))


def decided(days: Sequence[int]) -> Counted:
    """Papers decided in 2024 after so many days."""
    return state(
        paper_to_decision_days=dict(enumerate(days, start=1)),
        decided_on={n: date(2024, 5, 1) for n in range(1, len(days) + 1)},
    )


def lacking(*affiliations: str) -> Counted:
    """Papers of one project with these affiliations and a citation count."""
    papers = [paper(n, citations=1, first_affiliation=text) for n, text in enumerate(affiliations, start=1)]
    return counted([project(1)], papers, [(one.id, 1) for one in papers])


def hole() -> Counted:
    """The source arXiv was not asked about 3 to 5 May."""
    return state(holes=(Hole("arXiv", date(2026, 5, 3), date(2026, 5, 5)),))


def one_reason(number: int) -> str:
    """Return the key of the row of a reason."""
    (table,) = (t for t in theme_of(answered(), "silence").tables if t.key == "reasons")
    return next(row.key for row in table.rows if row.name.startswith(f"{number}. "))


def silent_units() -> Counted:
    """One silent project with units of 1.5 and 2.0 hours."""
    return counted([project(1, units=(unit(1, hours=1.5), unit(2, hours=2.0)))])


def four_observed() -> Counted:
    """Four observed projects, one of them silent."""
    return counted([project(n) for n in (1, 2, 3, 4)], [paper(1)], [(1, 1), (1, 2), (1, 4)])


def bare() -> Counted:
    """One paper without an affiliation and a citation count."""
    return counted([project(1)], [paper(1)], [(1, 1)])


def four_of_which_one_waits() -> Counted:
    """Two of four observed projects are published; of the others one has a certain and a likely candidate, one a preprint."""
    waiting = [paper(4), paper(5), paper(6, is_refereed=False)]
    state = undecided({(4, 3): "certain", (5, 3): "likely", (6, 4): "certain"}, waiting)
    return counted([project(n) for n in (1, 2, 3, 4)], [paper(1)], [(1, 1), (1, 2)], bibliography=state)


def one_of_two_waits(waiting: Paper) -> Counted:
    """Two projects, one published in 2019, the other with a certain candidate."""
    state = undecided({(4, 2): "certain"}, [waiting])
    return counted([project(1), project(2)], [paper(1)], [(1, 1)], bibliography=state)


def one_of_two_silent_waits() -> Counted:
    """Two silent projects, one with a certain candidate."""
    return counted([project(1), project(2)], bibliography=undecided({(4, 1): "certain"}))


def two_papers_wait() -> Counted:
    """A refereed paper with a certain and a likely candidate, and a preprint with a certain one."""
    state = undecided({(4, 1): "certain", (4, 2): "likely", (5, 1): "certain"}, [paper(4), paper(5, is_refereed=False)])
    return counted([project(1), project(2)], bibliography=state)


EXAMPLES: dict[str, list[Example]] = {
    "citations_known": [(cited(9, 0, None), "citations/by-year/all/papers", 2)],
    "citations_not_known": [(cited(9, 0, None), "citations/by-year/all/not-known", 1)],
    "citations": [(cited(9, 0, None), "citations/by-year/all/total", 9)],
    "citations_mean": [(cited(9, 3, 0), "citations/by-year/all/mean", 4.0)],
    "citations_median": [(cited(9, 3, 2, 0), "citations/by-year/all/median", 2.5)],
    "h_index": [(cited(9, 3, 2, 0), "citations/by-year/all/h-index", 2)],
    "citations_per_year": [(out_for((1461, 18), (1461, 6), (2922, 24)), "citations/by-year/all/per-year", 3.0)],
    "citations_of_paper": [(cited(9), "citations/most-cited/p1/citations", 9)],
    "silent_for": [(silent_since(date(2024, 3, 1)), "silence/backlog/from-2/projects", 1)],
    "silent_share": [(four_observed(), "silence/by-cycle/all/share", 0.25)],
    "silent_hours": [(silent_units(), "silence/backlog/all/hours", 3.5)],
    "questionnaires_sent": [(asked(), "silence/campaigns/c7/sent", 3)],
    "questionnaires_completed": [(asked(), "silence/campaigns/c7/completed", 2)],
    "questionnaires_rate": [(asked(), "silence/campaigns/c7/rate", 2 / 3)],
    "persons_asked": [(asked(), "silence/campaigns/c7/asked", 2)],
    "persons_answered": [(asked(), "silence/campaigns/c7/answered", 2)],
    "persons_rate": [(asked(), "silence/campaigns/c7/persons-rate", 1.0)],
    "answers": [(answered(), f"silence/reasons/{one_reason(9)}/c7", 0.3)],
    "undecided": [(state(undecided={"likely": 1}), "bibliography/undecided/all/candidates", 1)],
    "papers_waiting": [
        (state(undecided_papers={"certain": (4,)}), "bibliography/undecided/certain/papers", 1),
        (state(undecided_papers={"certain": (4,)}), "bibliography/undecided/unlikely/papers", 0),
    ],
    "projects_waiting": [
        (four_of_which_one_waits(), "bibliography/projects-waiting/all/certain", 1),
        (four_of_which_one_waits(), "bibliography/projects-waiting/all/likely", 0),
    ],
    "publication_fraction_if_accepted": [
        (four_of_which_one_waits(), "bibliography/projects-waiting/all/if-certain", 0.75)
    ],
    "published_within_if_accepted": [
        (one_of_two_waits(appeared(4, date(2020, 5, 1))), "bibliography/projects-waiting/all/y4-if-certain", 1.0)
    ],
    "silent_waiting": [(one_of_two_silent_waits(), "bibliography/projects-waiting/all/silent", 1)],
    "papers_not_counted_yet": [
        (two_papers_wait(), "bibliography/papers-waiting/2019/certain", 1),
        (two_papers_wait(), "bibliography/papers-waiting/2019/likely", 0),
    ],
    "papers_if_accepted": [(one_of_two_waits(paper(4)), "bibliography/papers-waiting/2019/if-certain", 2)],
    "papers_decided": [(state(decided_on={1: date(2024, 2, 1)}), "bibliography/decisions/2024/papers", 1)],
    "days_to_decision_quarter": [(decided([2, 4, 6, 8, 100]), "bibliography/decisions/all/quarter", 4)],
    "days_to_decision": [(decided([2, 4, 6, 8, 100]), "bibliography/decisions/all/median", 6)],
    "days_to_decision_three_quarters": [(decided([2, 4, 6, 8, 100]), "bibliography/decisions/all/three-quarters", 8)],
    "second_readings": [
        (state(second_readings=2, under_second_reading=frozenset({5})), "bibliography/agreement/all/readings", 2)
    ],
    "second_readings_open": [
        (state(second_readings=2, under_second_reading=frozenset({5})), "bibliography/agreement/all/under-way", 1)
    ],
    "agreement": [(state(second_readings=4, agreed=3), "bibliography/agreement/all/share", 0.75)],
    "papers_lacking": [
        (bare(), "bibliography/papers-lacking/affiliation/papers", 1),
        (bare(), "bibliography/papers-lacking/citations/papers", 1),
    ],
    "papers_lacking_share": [
        (lacking("A", "B", "", "C"), "bibliography/papers-lacking/affiliation/share", 0.25),
    ],
    "projects_lacking": [
        (
            counted([project(1, units=(unit(1, delivered=None),))]),
            "bibliography/projects-lacking/delivery/projects",
            1,
        ),
    ],
    "coverage_holes": [(hole(), "bibliography/coverage/s.arxiv/holes", 1)],
    "coverage_hole_days": [(hole(), "bibliography/coverage/s.arxiv/days", 3)],
}
"""Each indicator's example: what there is, where the figure stands, and what it must be."""


def figure_at(facts: Counted, place: str) -> Figure:
    """Return the figure at "theme/table/row/column"."""
    theme, table, row, column = place.split("/")
    return theme_of(facts, theme).table(table).figure(row, column)


@pytest.mark.parametrize("indicator", sorted(EXAMPLES))
def test_the_example_of_a_definition_comes_out(indicator: str) -> None:
    """What the definition tells as an example is what the theme counts."""
    for facts, place, value in EXAMPLES[indicator]:
        figure = figure_at(facts, place)
        assert figure.indicator == indicator, place
        assert figure.value == pytest.approx(value), place


def test_every_definition_has_an_example_here() -> None:
    """No definition of these three modules is without one."""
    keys = {one.key for module in (citations, answers, bibliography) for one in module.INDICATORS}
    assert keys == EXAMPLES.keys()
