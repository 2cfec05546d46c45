"""No two figures that are ever published of a campaign differ by the answers of fewer persons than the minimum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask import Flask

from biblio.runtime import Runtime
from biblio.store.words import Role
from biblio.web import create_app
from survey.box.strata import StratifyBy
from tests.survey.adversary.play import Asking, Played, play
from tests.survey.adversary.watch import SqliteWatch, Watch
from tests.web.visitors import Visitor, logged_in

MINIMUM = 5


@pytest.fixture
def played(sqlite_runtime: Runtime, tmp_path: Path) -> Played:
    """Campaigns about to be played."""
    database = SqliteWatch(Path(sqlite_runtime.store.engine.url.database or ""), tmp_path / "copies")
    return Played(Watch(sqlite_runtime, database, StringIO()))


@pytest.fixture
def site(sqlite_runtime: Runtime) -> Flask:
    """The pages of the survey."""
    from biblio.public.feature import feature as public
    from survey.feature import feature as survey

    return create_app(sqlite_runtime, features=[survey, public])


def published(manager: Visitor, campaign: int) -> Iterator[tuple[str | None, dict[int, int], int]]:
    """Yield what the page of results gives to everybody: the whole (None) and each stratum by reason, and its persons."""
    answer = manager.get(f"/campaigns/{campaign}/results?format=json")
    assert answer.status_code == 200
    whole: dict[str, Any] = answer.get_json()
    for name, part in [(None, whole), *((each["name"], each) for each in whole["strata"])]:
        if part["reasons"]:
            yield name, {line["number"]: line["answers"] for line in part["reasons"]}, part["persons"]["answered"]


def behind(played: Played, campaign: int, stratum: str | None) -> set[int]:
    """Return the submissions that a figure published now is about, by what was played."""
    names = None if stratum is None else set(stratum.split(" + "))
    return {
        number
        for opening in played.openings
        if opening.campaign == campaign and opening.read
        for number in opening.numbers
        if names is None or played.known[number].stratum in names
    }


def told_apart(played: Played, site: Flask, by: StratifyBy, wave: int) -> list[set[str]]:
    """Play two campaigns with strata of all sizes, look at all figures after each opening, and find that each is right.

    Return the persons behind each set of answers that nothing in all these figures tells apart.
    """
    manager = logged_in(site, played.watch.runtime, Role.MANAGER)
    figures: list[set[int]] = []

    def look() -> None:
        for campaign in {known.campaign for known in played.known}:
            for stratum, reasons, persons in published(manager, campaign):
                numbers = behind(played, campaign, stratum)
                chosen = Counter(played.truth[n].chosen[0].choice for n in numbers)
                assert {reason: often for reason, often in reasons.items() if often} == chosen
                assert len({played.known[n].person for n in numbers}) <= persons
                figures.append(numbers)

    played.after_opening = look
    askings = [Asking("autumn", 45, by, comments=0, letters=0), Asking("winter", 30, by, comments=0, letters=0)]
    play(played, site, askings, Random(f"{by} {wave}"), wave=wave)
    assert len(figures) > (6 if wave else 3)
    alike: dict[tuple[bool, ...], set[str]] = {}
    for known in played.known:
        shown_in = tuple(known.number in numbers for numbers in figures)
        if any(shown_in):
            alike.setdefault(shown_in, set()).add(known.person)
    return list(alike.values())


@pytest.mark.parametrize("wave", [0, 20])
@pytest.mark.parametrize("by", list(StratifyBy))
def test_no_difference_of_published_figures_is_about_fewer_than_the_minimum(
    played: Played, site: Flask, by: StratifyBy, wave: int
) -> None:
    """Whatever all figures of all times together tell apart, by whatever sums and differences, is about five persons or
    more; and every figure is right."""
    found = told_apart(played, site, by, wave)
    assert len(found) > 1
    assert all(len(persons) >= MINIMUM for persons in found)


def test_without_merging_a_difference_would_be_about_few(
    played: Played, site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were small strata neither merged nor withheld, the same search would find them."""
    monkeypatch.setattr("survey.box.release.merged", lambda groups, *_, **__: list(groups))
    monkeypatch.setattr("biblio.store.answers.shown", lambda whole, strata, **_: (whole, tuple(strata)))
    assert min(len(persons) for persons in told_apart(played, site, StratifyBy.CATEGORY, 0)) < MINIMUM
