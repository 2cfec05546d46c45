"""Days on which there can have been no data are not known to a report, which counts and tells them."""

from __future__ import annotations

from datetime import date

import pytest

from biblio.runtime import Runtime
from reports.facts.counted import Counted, From, Start
from reports.facts.reading import read_facts
from reports.themes import theme_of
from tests.factories import LEARNED, add_project

TODAY = date(2026, 11, 22)


def counted(runtime: Runtime) -> Counted:
    """What is counted of the store today."""
    with runtime.store.reading() as session:
        return Counted(read_facts(session, runtime.profile, TODAY, today=TODAY), runtime.profile)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1970, 1, 1), date(9999, 12, 31)])
def test_an_impossible_delivery_from_before_is_not_known(runtime: Runtime, day: date) -> None:
    """Time runs from the release, or from nowhere; every table of durations says how many such days there are."""
    with runtime.store.writing() as session:
        good = add_project(session, "2016.1.00001.S")
        released = add_project(session, "2016.1.00002.S", delivered_on=day)
        nothing = add_project(session, "2016.1.00003.S", delivered_on=day, released_on=day)
    found = counted(runtime)
    assert [found.start(i, From.DELIVERY) for i in (good, released, nothing)] == [
        Start(date(2017, 5, 1)),
        Start(date(2018, 5, 1), is_release=True),
        None,
    ]
    assert found.observed == {good, released}
    assert found.silent <= found.observed
    told = (
        "Taken as not known: 3 days on which units were delivered or released, of 2 projects, "
        "as no data can be from before 2011-01-01 or after 2200-12-31."
    )
    assert all(table.notes[-1] == told for table in theme_of(found, "speed").tables)


def test_a_report_without_such_days_says_nothing_of_them(runtime: Runtime) -> None:
    """Nor does one of the profile's own word for no release date, which is kept as it is."""
    with runtime.store.writing() as session:
        one = add_project(session, "2016.1.00001.S", released_on=date(3000, 1, 1), learned_at=LEARNED)
    found = counted(runtime)
    assert found.facts.projects[one].units[0].released_on == date(3000, 1, 1)
    assert not any("Taken as not known" in note for table in theme_of(found, "speed").tables for note in table.notes)
