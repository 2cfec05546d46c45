"""Which other observatories a paper used, as their own bibliographies in ADS say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from biblio.catalogue.merges import merge, undo_merge
from biblio.runtime import Runtime
from harvesters.records import HarvestedRecord
from reports.facts.facilities import facilities, facilities_of
from reports.facts.reading import read_facts
from tests.catalogue.records import article
from tests.catalogue.test_papers import absorb
from tests.factories import accept, add_project, add_user

LEARNED = datetime(2026, 1, 10, tzinfo=UTC)
LATER = datetime(2026, 3, 10, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def listed(bibgroups: str, **changes: object) -> HarvestedRecord:
    """Return an article as ADS describes it, in these bibliographies."""
    return replace(article(), extra={"bibgroups": bibgroups} if bibgroups else {}, **changes)  # type: ignore[arg-type]


def used(runtime: Runtime, on: date = TODAY) -> dict[int, tuple[str, ...]]:
    """Return the other observatories of the papers of a day's report."""
    with runtime.store.reading() as session:
        facts = read_facts(session, runtime.profile, on, today=TODAY)
    return {paper.id: paper.facilities for paper in facts.papers.values()}


@pytest.mark.parametrize(
    ("bibgroups", "own", "found"),
    [
        (["HST", "CfA", "Chandra"], "ALMA", ("Chandra", "Hubble")),
        (["Kepler", "K2"], None, ("Kepler",)),
        (["ALMA"], "ALMA", ()),
        (["ALMA"], "ESO/Telescopes", ("ALMA",)),
        (["PhysEd", "A group of tomorrow"], "ALMA", ()),
        ([], "ALMA", ()),
    ],
)
def test_bibliographies_stand_for_observatories_and_other_groups_for_none(
    bibgroups: list[str], own: str | None, found: tuple[str, ...]
) -> None:
    """Two bibliographies of one observatory are one; ours is no other's; institutes and unknown names say nothing."""
    assert facilities_of(bibgroups, own) == found


@pytest.mark.parametrize(
    ("bibgroups", "own", "found"),
    [
        (["ESO/Telescopes", "NRAO", "HST"], "ALMA", ("Hubble",)),
        (["ESO/Telescopes", "ALMA"], None, ("ALMA",)),
        (["ESO/Telescopes", "HST"], None, ("ESO telescopes", "Hubble")),
        (["NRAO"], "ESO/Telescopes", ("NRAO telescopes",)),
        (["NRAO", "ALMA"], "ESO/Telescopes", ("ALMA",)),
    ],
)
def test_a_bibliography_that_holds_another_one_s_papers_does_not_say_whose_data(
    bibgroups: list[str], own: str | None, found: tuple[str, ...]
) -> None:
    """A library that serves two observatories lists papers of both: of a paper of the second it proves nothing."""
    assert facilities_of(bibgroups, own) == found


def test_every_bibliography_stands_for_one_observatory() -> None:
    """No name is listed twice, and what a bibliography holds as well is a bibliography of the file."""
    names = [name for one in facilities() for name in one.bibgroups]
    assert len(names) == len(set(names)) > 30
    assert {name for one in facilities() for name in one.holds_also} <= set(names)


def test_what_ads_said_on_a_day_is_what_that_day_s_report_knows(runtime: Runtime) -> None:
    """A librarian elsewhere added the paper in March: February's report does not know, and never will."""
    (outcome,) = absorb(runtime.store, listed(""), now=LEARNED)
    with runtime.store.writing() as session:
        accept(session, add_user(session), outcome.paper_id, add_project(session, "2016.1.00001.S"))
    assert used(runtime) == {outcome.paper_id: ()}
    absorb(runtime.store, listed("ALMA; HST; CfA"), now=LATER)
    assert used(runtime) == {outcome.paper_id: ("Hubble",)}
    assert used(runtime, date(2026, 2, 1)) == {outcome.paper_id: ()}
    assert used(runtime, date(2026, 3, 10)) == {outcome.paper_id: ("Hubble",)}


def test_papers_found_to_be_one_are_in_the_bibliographies_of_both(runtime: Runtime) -> None:
    """Preprint and article can be listed apart; undone, each keeps its own."""
    (first,) = absorb(runtime.store, listed("HST"), now=LEARNED)
    other = listed("XMM", key="2020Fict.0001....2E", bibcode="2020Fict.0001....2E", doi="10.9999/b", arxiv_id=None)
    (second,) = absorb(runtime.store, other, now=LEARNED)
    with runtime.store.writing() as session:
        actor = add_user(session)
        accept(session, actor, first.paper_id, add_project(session, "2016.1.00001.S"))
        joined = merge(
            session, actor, kept_id=first.paper_id, merged_id=second.paper_id, reason="the same", now=LATER
        ).id
    assert used(runtime) == {first.paper_id: ("Hubble", "XMM-Newton")}
    assert used(runtime, date(2026, 2, 1)) == {first.paper_id: ("Hubble",)}
    assert joined is not None
    with runtime.store.writing() as session:
        undo_merge(session, actor, joined, now=datetime(2026, 5, 1, tzinfo=UTC))
    assert used(runtime) == {first.paper_id: ("Hubble",)}
