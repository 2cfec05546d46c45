"""The backlog of silent projects, and what released campaigns say, without a row behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from biblio.observatory import Questionnaire
from biblio.store.answers import CampaignAnswers, Part, Standing
from reports.definitions import INDICATORS
from reports.document import Table
from reports.facts.model import Project
from reports.themes import fraction
from reports.themes.silence import tables
from tests.reports.facts_made import counted, paper, profile, project, unit


def _tables(*projects: Project, **changes: Any) -> dict[str, Table]:
    return {table.key: table for table in tables(counted(projects, **changes))}


def _released(number: int, on: date, **changes: Any) -> Project:
    return project(number, units=(unit(number, date(2012, 1, 1), on),), **changes)


def _grace() -> int:
    return profile().asking.grace_years


@pytest.mark.parametrize(
    ("silent_from", "row"),
    [
        (date(2026, 11, 22), "under-1"),
        (date(2025, 11, 23), "under-1"),
        (date(2025, 11, 22), "from-1"),
        (date(2024, 3, 1), "from-2"),
        (date(2021, 11, 22), "from-5"),
        (date(2021, 11, 23), "from-2"),
        (date(2016, 11, 22), "from-10"),
    ],
)
def test_the_age_of_silence_runs_from_the_end_of_the_grace_period(silent_from: date, row: str) -> None:
    """Each silent project is in one row, by calendar years; the example of the definition is the one of 2024."""
    released = silent_from.replace(year=silent_from.year - _grace())
    table = _tables(_released(1, released))["backlog"]
    assert {r.key: r.figures[0].ids for r in table.rows if r.figures[0] and r.figures[0].ids} == {
        row: (1,),
        "all": (1,),
    }


def test_nobody_is_called_silent_on_the_strength_of_days_that_were_not_harvested() -> None:
    """Grace that ended after the last day up to which all was harvested has not ended for us; age runs to that day."""
    begun, through = date(2025, 6, 1), date(2025, 5, 31)
    released = begun.replace(year=begun.year - _grace())
    late = _tables(_released(1, released), complete_through=through)["backlog"]
    assert late.figure("all", "projects").value == 0
    assert counted([_released(1, released)], complete_through=through).within_time == {1}
    seen = _tables(_released(1, released), complete_through=begun)["backlog"]
    assert seen.figure("under-1", "projects").ids == (1,)
    assert _tables(_released(1, released))["backlog"].figure("from-1", "projects").ids == (1,)


def test_a_project_within_its_time_or_published_is_in_no_row() -> None:
    """The backlog is what is silent on the day of the report."""
    facts = counted([_released(1, date(2026, 1, 1)), project(2)], [paper(1)], [(1, 2)])
    table = tables(facts)[0]
    assert [row.figures[0].value for row in table.rows if row.figures[0]] == [0] * 6


def test_silent_projects_are_marked_alike_in_both_themes() -> None:
    """While one project of a cycle is within its time, the cycle's silent ones can grow, wherever they are counted."""
    facts = counted(
        [project(1, cycle="2016.1"), project(2, cycle="2013.1"), _released(3, date(2026, 1, 1), cycle="2016.1")]
    )
    here = {table.key: table for table in tables(facts)}["by-cycle"]
    there = {table.key: table for table in fraction.tables(facts)}["now"]
    for cycle, grows in (("2016.1", True), ("2013.1", False), ("all", True)):
        found = (here.figure(cycle, "silent"), there.figure(cycle, "silent"))
        assert [figure.is_incomplete for figure in found] == [grows, grows]
        assert found[0].ids == found[1].ids


def test_hours_are_added_over_delivered_units_and_unknown_ones_are_said() -> None:
    """The example of the definition, and a unit of unknown time beside it."""
    units = (unit(1, hours=1.5), unit(2, hours=2.0), unit(3, delivered=date(2030, 1, 1), hours=9))
    table = _tables(project(1, units=units))["backlog"]
    assert table.figure("all", "hours").value == pytest.approx(3.5)
    table = _tables(project(1, units=(*units, unit(4, hours=None))), project(2, units=(unit(5, hours=None),)))[
        "backlog"
    ]
    assert table.figure("all", "hours").value == pytest.approx(3.5)
    assert table.figure("all", "hours").note == "Without 1 project of unknown observing time."
    bare = _tables(project(1, units=(unit(1, hours=None),)))["backlog"]
    assert bare.figure("all", "hours").value is None


def test_cycles_and_partners_add_up_to_all_and_lead_to_the_projects() -> None:
    """Rows in the order of the profile, then what belongs to none."""
    projects = [
        project(1, cycle="2016.1", partner="EU"),
        project(2, cycle="2016.1", partner="NA"),
        project(3, cycle="2013.1", partner=""),
        project(4, cycle=None, partner="Elsewhere"),
    ]
    found = _tables(*projects)
    for key in ("by-cycle", "by-partner"):
        table = found[key]
        for column in ("observed", "silent", "from-2", "from-5"):
            whole = table.figure("all", column).ids
            parts = [i for row in table.rows[:-1] for i in table.figure(row.key, column).ids]
            assert tuple(sorted(parts)) == whole
    lines = {key: {row.key: row.figures[0].ids for row in found[key].rows if row.figures[0]} for key in found}
    assert lines["by-cycle"] | {"2016.1": (1, 2), "2013.1": (3,), "no-cycle": (4,)} == lines["by-cycle"]
    assert lines["by-partner"] | {"eu": (1,), "na": (2,), "elsewhere": (4,), "not-known": (3,)} == lines["by-partner"]


def test_the_share_of_silent_projects_has_an_interval_and_both_kinds_of_rows() -> None:
    """The example of the definition: 4 observed, 1 silent."""
    facts = counted([project(n) for n in (1, 2, 3, 4)], [paper(1)], [(1, 1), (1, 2), (1, 4)])
    figure = {t.key: t for t in tables(facts)}["by-cycle"].figure("all", "share")
    assert (figure.value, figure.ids, figure.rest, figure.numerator, figure.denominator) == (
        0.25,
        (3,),
        (1, 2, 4),
        1,
        4,
    )
    assert figure.low is not None
    assert figure.high is not None
    assert 0 < figure.low < 0.25 < figure.high < 1


def test_without_projects_nothing_is_divided() -> None:
    """An empty registry gives zeros and a share without a value."""
    found = _tables()
    assert found["by-cycle"].figure("all", "share").value is None
    assert found["backlog"].figure("all", "hours").value == 0


def _campaign(number: int = 7, **changes: Any) -> CampaignAnswers:
    """Return a released campaign: 10 answers of 12 questionnaires sent, three of them reason 9."""
    asked = profile().questionnaire
    chosen = {asked.status.key: {9: 3, 1: 7}}
    whole = Part("Autumn", projects=12, persons=8, completed=10, persons_answered=8, chosen=chosen)
    one = CampaignAnswers(
        campaign_id=number,
        name="Autumn",
        standing=Standing.WHOLE,
        began_on=date(2025, 9, 1),
        closed_on=date(2025, 10, 1),
        questionnaire=asked,
        whole=whole,
    )
    return replace(one, **changes)


def test_both_rates_of_a_campaign_are_told() -> None:
    """Questionnaires completed of those sent, and persons who answered of those asked."""
    row = _tables(answers=(_campaign(),))["campaigns"].row("c7")
    assert [figure.value for figure in row.figures if figure] == [12, 10, pytest.approx(10 / 12), 8, 8, 1.0]


def test_reasons_and_groups_are_shares_of_the_campaign_s_answers() -> None:
    """The example of the definition: three of ten answers are reason 9; groups add up to 1."""
    found = _tables(answers=(_campaign(),))
    reason = next(row for row in found["reasons"].rows if row.name.startswith("9. ")).figures[0]
    assert reason is not None
    assert (reason.value, reason.numerator, reason.denominator) == (0.3, 3, 10)
    for key in ("groups", "reasons"):
        assert sum(row.figures[0].value or 0 for row in found[key].rows if row.figures[0]) == pytest.approx(1)
    assert [row.key for row in found["groups"].rows] == ["published", "data", "science", "resources", "other"]


def test_campaigns_stand_side_by_side_and_other_wordings_in_rows_of_their_own() -> None:
    """A reason that a campaign did not ask has no figure there; the same reason has one row."""
    asked = profile().questionnaire
    status = asked.status
    first, *others = status.choices
    renamed = status.model_copy(update={"choices": (first.model_copy(update={"short": "Other words"}), *others)})
    questions = tuple(renamed if q.key == status.key else q for q in asked.questions)
    other: Questionnaire = asked.model_copy(update={"questions": questions})
    table = _tables(answers=(_campaign(7), _campaign(3, name="Spring", questionnaire=other)))["reasons"]
    assert [column.key for column in table.columns] == ["c7", "c3"]
    assert len(table.rows) == len(status.choices) + 1
    old, new = (next(row for row in table.rows if row.name == f"1. {s}") for s in (first.short, "Other words"))
    assert old.figures[1] is None
    assert new.figures[0] is None
    assert all(row.figures[0] and row.figures[1] for row in table.rows if row not in (old, new))


def test_what_was_withheld_stays_withheld_and_is_said() -> None:
    """A campaign that too few answered has its rates and a sentence, and no column by reason."""
    few = _campaign(standing=Standing.FEW, whole=Part("Autumn", projects=4, persons=4, completed=2, persons_answered=2))
    found = _tables(answers=(few,))
    assert not {"groups", "reasons"} & found.keys()
    assert "fewer than 5 persons" in found["campaigns"].notes[0]


def test_of_a_past_campaign_what_is_not_known_is_said_and_never_0() -> None:
    """Rates need both numbers; two that contradict each other give none."""
    whole = Part("Old", projects=None, completed=965, persons=10, persons_answered=12)
    past = _campaign(is_past=True, source="the talk of 2017", incomplete=32, whole=whole)
    table = _tables(answers=(past,))["campaigns"]
    assert table.figure("c7", "sent").value is None
    assert table.figure("c7", "rate").note == "965 of a number not known."
    assert "contradict" in table.figure("c7", "persons-rate").note
    assert "taken over from the talk of 2017; 32 answers were left unfinished" in table.notes[0]
    assert "its reasons were not taken over" in table.notes[0]


def test_a_campaign_whose_wording_cannot_be_read_has_rates_alone() -> None:
    """What its choices meant is not known, so nothing is told of them, and no small number is blamed."""
    found = _tables(answers=(_campaign(questionnaire=None),))
    assert "reasons" not in found
    assert found["campaigns"].figure("c7", "completed").value == 10
    assert "its wording cannot be read" in found["campaigns"].notes[0]


def test_figures_of_answers_lead_to_no_rows_and_are_marked_so() -> None:
    """Nothing stands behind them, and their definitions say that no difference is made of them."""
    found = _tables(project(1), answers=(_campaign(),))
    for key in ("campaigns", "groups", "reasons"):
        for row in found[key].rows:
            for figure in row.figures:
                assert figure is None or (figure.ids, figure.rest) == ((), ())
                assert figure is None or INDICATORS[figure.indicator].of_answers
                assert figure is None or INDICATORS[figure.indicator].rows == ""


def test_without_a_released_campaign_there_are_no_tables_of_answers() -> None:
    """An empty table would look like an answer."""
    assert list(_tables(project(1))) == ["backlog", "by-cycle", "by-partner"]
