"""Days on which there can have been no data are refused at the door, one by one, and the rest of a project is taken."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import col, select

from biblio.ingest.days import with_possible_days
from biblio.ingest.project_commands import projects
from biblio.observatory import load
from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, HarvestRefusal, ObservationUnit, UnitRevision
from harvesters.protocol import ParsedPage
from harvesters.records import HarvestedProject, HarvestedUnit
from reports.facts.counted import Counted, From
from reports.facts.reading import read_facts

ALMA = load("alma")
NEVER = date(3000, 1, 1)


def page(*units: HarvestedUnit, place: str | None = None) -> ParsedPage:
    """A page of one project."""
    return ParsedPage(projects=(HarvestedProject("tap", "2016.1.00001.S", title="T", units=units, place=place),))


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1858, 11, 17), date(1900, 1, 1), date(1970, 1, 1), date.max])
@pytest.mark.parametrize("name", ["observed_on", "delivered_on", "released_on"])
def test_a_day_by_which_registries_say_none_is_not_known(name: str, day: date) -> None:
    """Project, unit, field and day are named; the unit's other days and all else of the project stay."""
    good = {"observed_on": date(2016, 12, 1), "delivered_on": date(2017, 1, 1), "released_on": NEVER}
    found = with_possible_days(page(HarvestedUnit("u1", **(good | {name: day}))), ALMA, "page 1")  # type: ignore[arg-type]
    assert found.projects == page(HarvestedUnit("u1", **(good | {name: None}))).projects  # type: ignore[arg-type]
    [told] = found.refusals
    assert (told.source, told.place, told.key) == ("tap", "page 1", "2016.1.00001.S")
    assert told.reason == (
        f"{name} {day} of unit u1 is no day from 2011-01-01 to 2200-12-31, when there can be data: taken as not known"
    )


def test_days_that_can_be_are_left_alone() -> None:
    """The first day, one to come, and the profile's own word for no release; a page without others is the very same."""
    good = page(HarvestedUnit("u1", date(2011, 1, 1), date(2031, 5, 1)), HarvestedUnit("u2", released_on=NEVER))
    assert with_possible_days(good, ALMA) is good


def test_many_units_with_the_same_day_are_told_once() -> None:
    """A registry that writes it for each of its thousands of units fills no list of refusals."""
    told = with_possible_days(
        page(*(HarvestedUnit(f"u{n}", date(1, 1, 1)) for n in range(9)), place="list row 2"), ALMA
    )
    assert [(one.place, one.reason[:45]) for one in told.refusals] == [
        ("list row 2", "delivered_on 0001-01-01 of unit u0 and 8 more")
    ]


def test_an_observatory_begins_with_its_first_cycle_or_year() -> None:
    """Whichever is earlier."""
    early = ALMA.cycles[0].model_copy(update={"starts_on": date(2009, 4, 1)})
    profile = ALMA.model_copy(update={"cycles": (early, *ALMA.cycles[1:])})
    assert profile.days_of_data[0] == date(2009, 4, 1)
    assert not with_possible_days(page(HarvestedUnit("u1", date(2010, 1, 1))), profile).refusals


CSV = """code,title,unit,unit_delivered_on,unit_released_on
2016.1.00001.S,Kept,u1,0001-01-01,2018-05-01
2016.1.00002.S,Good,u2,2017-05-01,3000-01-01
"""
JSONL = "".join(
    json.dumps({"code": code, "title": title, "units": [{"uid": uid, "delivered_on": on, "released_on": out}]}) + "\n"
    for code, title, uid, on, out in [
        ("2016.1.00001.S", "Kept", "u1", "0001-01-01", "2018-05-01"),
        ("2016.1.00002.S", "Good", "u2", "2017-05-01", "3000-01-01"),
    ]
)


@pytest.mark.parametrize(("name", "text"), [("list.csv", CSV), ("list.jsonl", JSONL)])
def test_an_import_refuses_the_day_and_keeps_the_project(
    runtime: Runtime, tmp_path: Path, name: str, text: str
) -> None:
    """A dry run says the same; counts add up; the time to a paper then runs from the release, counted as such."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    for more in ("--dry-run", "--quiet"):
        result = CliRunner().invoke(projects, ["import", str(path), more], obj=lambda: runtime)
        assert "delivered_on 0001-01-01 of unit u1 is no day from 2011-01-01" in result.output or more == "--quiet"
    today = runtime.clock.today()
    with runtime.store.reading() as session:
        kept = session.exec(
            select(ObservationUnit.uid, UnitRevision.delivered_on, UnitRevision.released_on)
            .join(UnitRevision)
            .order_by(col(ObservationUnit.uid))
        ).all()
        [refused] = session.exec(select(HarvestRefusal)).all()
        [stored] = session.exec(select(HarvestPage)).all()
        counted = Counted(read_facts(session, runtime.profile, today, today=today), runtime.profile)
    assert kept == [("u1", None, date(2018, 5, 1)), ("u2", date(2017, 5, 1), NEVER)]
    assert refused.key == "2016.1.00001.S"
    assert refused.place.endswith(f"{name} row {2 if name.endswith('csv') else 1}")
    assert (stored.records, stored.refused) == (2, 1)
    starts = {one.code: counted.start(i, From.DELIVERY) for i, one in counted.facts.projects.items()}
    first = starts["2016.1.00001.S"]
    assert first is not None
    assert (first.on, first.is_release) == (date(2018, 5, 1), True)
