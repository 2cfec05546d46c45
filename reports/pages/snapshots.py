"""Frozen reports: the list of them, freezing one, and what moved between two, or between one and the live report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from flask import redirect, request, url_for

from biblio.errors import NotFound
from biblio.webkit import actor, done, reading, runtime, writing
from reports import words
from reports.definitions.model import Indicator
from reports.document import Address, Figure
from reports.pages.files import kinds
from reports.pages.latest import live_report
from reports.pages.shown import Shown, asked_day, hidden_here, is_blind, opened, page, told_here
from reports.service import (
    Snapshot,
    build_to_freeze,
    difference,
    freeze,
    load_snapshot,
    place_of,
)
from reports.service import snapshots as all_snapshots
from reports.snapshots.difference import Difference, Moved
from reports.snapshots.hiding import difference_without_hidden
from reports.themes.groups import ALL

MOST_MOVED, ALL_MOVED = 12, 1000
"""Figures of each theme that a page of changes shows, the most moved first; and of the one theme that is asked for."""

MOST_NAMED_FIRST, MOST_NAMED = 24, 6
"""Papers or projects that came or went which are named at a number of the first page, and at any other: they repeat
there, and its rows' page has all of them."""


@dataclass(frozen=True)
class Since:
    """How the first page's numbers differ from those of the last snapshot, by address and in words."""

    snapshot: Snapshot | None = None
    by_address: Mapping[Address, str] = field(default_factory=dict)

    @property
    def as_of(self) -> date | None:
        """The last snapshot's day."""
        return self.snapshot.as_of if self.snapshot else None


def since_last(shown: Shown, figures: Iterable[tuple[Address, Figure]]) -> Since:
    """Compare the first page's numbers with those of the last report of an earlier day; a part of the projects with nothing."""
    if shown.live is None or shown.live.asked:
        return Since()
    with reading() as session:
        told = told_here(session, all_snapshots(session))
    last = next((one for one in told if one.is_whole and one.as_of < shown.report.as_of), None)
    if last is None:
        return Since()
    changes = {}
    for at, figure in figures:
        then = last.figures.get(place_of(at))
        if then is not None and figure.value is not None:
            changes[at] = change(figure.value - then, shown.define(figure.indicator))
    return Since(last, changes)


def change(by: float, indicator: Indicator) -> str:
    """Return a difference as people read it, with its sign: "+12", "−1.4 points"; "unchanged" for none."""
    if indicator.form == "share":
        said = words.written(abs(by), "share").replace(f"{words.THIN}%", " points")
    else:
        said = words.written(abs(by), indicator.form)
    if said == words.written(0, indicator.form) or said.startswith(("0 points", "0.0 points")):
        return "unchanged"
    return f"{'+' if by > 0 else '−'}{said}"


def snapshots() -> str:
    """Show what was frozen: when, by whom, as of which day."""
    with reading() as session:
        found = all_snapshots(session)
        told = told_here(session, found)
    earlier = dict(pairwise([one.id for one in told if one.is_whole]))
    return page(
        "reports/snapshots.html",
        found=found,
        told={one.id for one in told},
        earlier=earlier,
        exports=kinds(),
        today=runtime().clock.today(),
        is_blind=is_blind(),
    )


def freeze_now() -> Any:
    """Keep the whole report of a day as a snapshot that never changes."""
    built = build_to_freeze(runtime(), asked_day(request.form.get("as_of", "")))
    with writing() as session:
        # Whether anything is new would tell a second reader of what must not be seen, so theirs are always new.
        frozen = freeze(session, actor(), built.report, now=built.known_by, force=is_blind())
    number, day = frozen.snapshot.id, built.report.as_of
    if frozen.is_new:
        done(f"The report of {day} is frozen as snapshot {number}; nothing changes it any more.")
    else:
        done(f"Nothing is new: snapshot {number} holds this very report of {day}.")
    return redirect(url_for("reports.snapshots"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Papers or projects that moved a figure: what they did, how many, names and pages of some, how many more there are.

    ``unnamed`` of them must not be named now.
    """

    words: str
    count: int
    names: Sequence[tuple[str, str]]
    more: int
    unnamed: int


def changes(old: int, new: int | None = None) -> str:
    """Show what moved from one frozen report to another, or to the live one, and which papers and projects moved it."""
    with reading() as session:
        before, after = opened(session, old), opened(session, new) if new else None
        if after is not None and before.id == after.id:
            raise NotFound("A report is compared with another one: choose two snapshots.")
        then = load_snapshot(session, before.id)
        now = (
            load_snapshot(session, after.id) if after else live_report(runtime(), session, is_blind=is_blind()).whole()
        )
        found = difference_without_hidden(difference(then, now), hidden_here(session))
        others = [one for one in told_here(session, all_snapshots(session)) if one.is_whole and one.id != before.id]
    only = request.args.get("theme", "")
    only = only if any(theme.key == only for theme in found.themes) else ""
    return page(
        "reports/changes.html",
        found=found,
        notes=dict.fromkeys(then.notes + now.notes),
        before=before,
        after=after,
        others=others,
        change=change,
        value=lambda figure: _value(figure, {**then.definitions, **now.definitions}),
        rows=lambda moved, most: _rows(found, moved, most),
        called=_called,
        address=lambda moved: _address(moved, after),
        only=only,
        most=ALL_MOVED if only else MOST_MOVED,
        most_first=MOST_NAMED_FIRST,
        most_named=MOST_NAMED,
    )


def _value(figure: Figure | None, definitions: Mapping[str, Indicator]) -> str:
    if figure is None:
        return "not there"
    return figure.note if figure.value is None and figure.note else words.shown(figure, definitions)


def _rows(found: Difference, moved: Moved, most: int) -> list[Rows]:
    """Return who came and who went, in words; nothing where nothing may be named."""
    called = found.projects if moved.rows_are == "projects" else found.papers
    told = []
    for said, ids in moved.parts:
        named = sorted((called.get(i, f"#{i}"), i) for i in ids if i >= 0)
        names = [(name, _page_of(moved.rows_are, name, i)) for name, i in named[:most]]
        told.append(Rows(said, len(ids), names, max(0, len(named) - most), len(ids) - len(named)))
    return told


def _page_of(kind: str, name: str, number: int) -> str:
    return url_for("public.project", code=name) if kind == "projects" else url_for("public.paper", paper_id=number)


def _called(moved: Moved, *, is_first: bool) -> str:
    """Return what a figure is called in a list: its column and row; of the first page's numbers what they mean."""
    if is_first:
        return moved.indicator.name
    return moved.column if moved.at.row == ALL else f"{moved.column}, {moved.row}"


def _address(moved: Moved, after: Snapshot | None) -> str | None:
    """Return the page of a figure's rows in the later report; None where that has no such figure."""
    if moved.new is None or not moved.indicator.rows:
        return None
    at: dict[str, Any] = asdict(moved.at)
    return url_for("reports.rows", **at) if after is None else url_for("reports.rows", snapshot=after.id, **at)
