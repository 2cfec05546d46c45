"""What a new campaign would do is judged once per change: never stale where a person decides, at no cost elsewhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask import Flask

from biblio.runtime import Runtime
from biblio.store.changes import Changes
from biblio.store.words import Role
from survey.campaign import lookout
from survey.campaign.lookout import Lookout
from survey.campaign.service import exclude
from tests.factories import add_user
from tests.survey.people import add_silent_projects
from tests.web.visitors import logged_in


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[date | None]:
    """The days that were judged, one for each time."""
    days: list[date | None] = []
    real = lookout.preview

    def preview(session: Any, runtime: Any, day: date | None = None, by: str | None = None) -> Any:
        days.append(day)
        return real(session, runtime, day, by)

    monkeypatch.setattr(lookout, "preview", preview)
    return days


def codes(runtime: Runtime, many: int, start: int = 1) -> list[str]:
    """Add silent projects; return their codes."""
    with runtime.store.writing() as session:
        add_silent_projects(session, many, start=start)
    return [f"2016.1.{number:05d}.S" for number in range(start, start + many)]


def test_marks_are_equal_until_something_is_stored(runtime: Runtime) -> None:
    """Reading and what is rolled back may leave a mark as it is; what is committed never does."""
    changes = Changes(runtime.store.engine)
    before = changes.mark()
    with runtime.store.reading() as session:
        assert not Lookout(runtime).now(session).ahead.persons
    assert changes.mark() == before
    codes(runtime, 1)
    assert changes.mark() != before


def test_nothing_is_judged_twice_and_nothing_stale_is_shown(runtime: Runtime, judged: list[date | None]) -> None:
    """The same until somebody stores something; then it is judged anew, for each day and group apart."""
    first = codes(runtime, 3)[0]
    watch = Lookout(runtime)
    with runtime.store.reading() as session:
        assert [watch.now(session).ahead.projects for _ in range(3)] == [3, 3, 3]
        assert watch.now(session, stratify_by="cycle").ahead.strata
    assert len(judged) == 2
    with runtime.store.writing() as session:
        exclude(session, runtime, add_user(session, role=Role.HEAD_LIBRARIAN), first, "left science")
    with runtime.store.reading() as session:
        assert watch.now(session).ahead.projects == 2
        assert watch.now(session).letter is not None
    assert len(judged) == 3


def test_what_is_stored_while_it_is_judged_counts(
    runtime: Runtime, judged: list[date | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit in the middle of judging is not missed by the next look."""
    codes(runtime, 2)
    watch, real = Lookout(runtime), lookout.preview

    def slow(*given: Any) -> Any:
        found = real(*given)
        if len(judged) == 1:
            codes(runtime, 2, start=50)
        return found

    monkeypatch.setattr(lookout, "preview", slow)
    with runtime.store.reading() as session:
        watch.now(session)
    with runtime.store.reading() as session:
        assert watch.now(session).ahead.projects == 4


def test_the_list_of_a_large_observatory_judges_when_asked(
    app: Flask, runtime: Runtime, judged: list[date | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that nobody was counted, or when that was; a link counts. The page where one decides always counts."""
    monkeypatch.setattr(lookout, "LARGE", 1)
    codes(runtime, 2)
    head = logged_in(app, runtime, Role.HEAD_LIBRARIAN)

    def page(path: str) -> str:
        return str(head.get(path).get_data(as_text=True))

    shown = page("/campaigns/")
    assert "Nobody was counted yet today" in shown
    assert 'href="/campaigns/?count=now"' in shown
    assert not judged
    assert "2 projects" in page("/campaigns/?count=now")
    assert "2 projects" in page("/campaigns/")
    assert len(judged) == 1
    codes(runtime, 1, start=50)
    shown = page("/campaigns/")
    assert "2 projects" in shown
    assert "something was stored since" in shown
    assert "3 projects" in page("/campaigns/new")
    assert "something was stored since" not in page("/campaigns/")
