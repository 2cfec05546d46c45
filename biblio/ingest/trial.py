"""What loading a list of projects would change, found out by doing it and giving it up.

So a dry run and the real run cannot disagree: both go through ``catalogue.projects.record_projects``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from biblio.catalogue.projects import FactChange, Recorded, record_projects
from biblio.ingest.days import with_possible_days
from biblio.ingest.vanished import vanished
from biblio.runtime import Runtime
from harvesters.protocol import ParsedPage
from harvesters.records import HarvestedProject, Refusal

MOST_SHOWN = 20
CONTACTS = "contacts"
"""The source of lists of addresses, which are not lists of projects: what they leave out has not vanished."""

_CELL = 46


@dataclass(slots=True)
class Trial:
    """What a list would change, by kind; everything in the order in which it was read."""

    new: list[HarvestedProject] = field(default_factory=list)
    moved: list[FactChange] = field(default_factory=list)
    facts: list[FactChange] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    seen: int = 0
    changed: int = 0
    unchanged: int = 0
    ignored: int = 0

    def counts(self) -> dict[str, int]:
        """Return the numbers: projects, but for the units' dates, the facts and the refusals."""
        return {
            "seen": self.seen,
            "new": len(self.new),
            "changed": self.changed,
            "unchanged": self.unchanged,
            "vanished": len(self.vanished),
            "moved_release_dates": len(self.moved),
            "other_changed_facts": len(self.facts),
            "refused": len(self.refused),
            "ignored": self.ignored,
        }

    def plain(self) -> dict[str, Any]:
        """Return everything as JSON can hold it, dates as ISO text."""
        return {
            "counts": self.counts(),
            "new": [
                {"code": one.code, "title": one.title, "pi": one.pi, "units": [unit.uid for unit in one.units]}
                for one in self.new
            ],
            "moved_release_dates": [_plain(change) for change in self.moved],
            "other_changed_facts": [_plain(change) for change in self.facts],
            "vanished": list(self.vanished),
            "refused": [{"place": r.place, "code": r.key, "reason": r.reason} for r in self.refused],
        }

    def lines(self, most: int | None = MOST_SHOWN) -> Iterator[str]:
        """Give the tables to print, ``most`` rows of each (None: all)."""
        tables: tuple[tuple[str, Sequence[str], list[tuple[str, ...]]], ...] = (
            (
                "New projects",
                ("code", "units", "PI", "title"),
                [(p.code, str(len(p.units)), p.pi or "", p.title or "") for p in self.new],
            ),
            (
                "Moved release dates",
                ("code", "unit", "from", "to"),
                [(c.code, c.unit or "", _short(c.before), _short(c.after)) for c in self.moved],
            ),
            (
                "Other changed facts",
                ("code", "unit", "fact", "from", "to"),
                [(c.code, c.unit or "", c.fact, _short(c.before), _short(c.after)) for c in self.facts],
            ),
            ("Vanished projects (given before, not now; nothing is deleted)", ("code",), [(c,) for c in self.vanished]),
            ("Refused", ("place", "reason"), [(r.place, r.reason) for r in self.refused]),
        )
        for title, names, rows in tables:
            if rows:
                yield from _table(title, names, rows, most)

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.new or self.changed or self.vanished)


def try_projects(runtime: Runtime, parsed: Iterable[ParsedPage], *, is_whole: bool, take_emails: bool = False) -> Trial:
    """Say what these pages of projects would change, and change nothing.

    ``is_whole``: the pages are all that their source has, so what it gave before and is not there has vanished. A list
    that is not whole is taken to be whole for the cycles it holds projects of.
    """
    trial = Trial()
    given: dict[str, set[str]] = {}
    with runtime.store.reading() as session:  # closing it gives up what record_projects wrote
        for told in parsed:
            page = with_possible_days(told, runtime.profile)
            for project in page.projects:
                given.setdefault(project.source, set()).add(project.code)
            outcomes = record_projects(
                session, page.projects, grammar=runtime.grammar, now=runtime.clock.now(), take_emails=take_emails
            )
            trial.seen += page.seen
            trial.ignored += page.ignored
            trial.refused += page.refusals
            for project, outcome in zip(page.projects, outcomes, strict=True):
                _add(trial, project, outcome.what, outcome.changes, outcome.reason)
    with runtime.store.reading() as session:
        for source, codes in sorted(given.items()):
            if source == CONTACTS:
                continue
            cycles = None if is_whole else sorted(_cycles(runtime, codes))
            trial.vanished += vanished(session, runtime.grammar, source, codes, cycles)
    return trial


def _add(
    trial: Trial, project: HarvestedProject, what: Recorded, changes: tuple[FactChange, ...], reason: str | None
) -> None:
    if what is Recorded.REFUSED:
        trial.refused.append(Refusal(project.source, project.place or project.source, reason or "", project.code[:80]))
    elif what is Recorded.NEW:
        trial.new.append(project)
    else:
        trial.changed += what is Recorded.CHANGED
        trial.unchanged += what is Recorded.UNCHANGED
        trial.moved += [change for change in changes if change.is_moved_release]
        trial.facts += [change for change in changes if not change.is_moved_release]


def _cycles(runtime: Runtime, codes: Iterable[str]) -> set[str]:
    canonical = (runtime.grammar.canonical(code) for code in codes)
    cycles = (runtime.grammar.facets(code).get("cycle") for code in canonical if code is not None)
    return {cycle for cycle in cycles if cycle is not None}


def _plain(change: FactChange) -> dict[str, Any]:
    def value(of: Any) -> Any:
        return of.isoformat() if isinstance(of, date) else of

    found = {"code": change.code, "unit": change.unit, "fact": change.fact}
    return {k: v for k, v in found.items() if v is not None} | {
        "from": value(change.before),
        "to": value(change.after),
    }


def _short(value: Any) -> str:
    """A value as one short line; lists by their length, as nobody compares forty names in a table."""
    if value is None:
        return "–"
    if isinstance(value, list):
        value = "; ".join(map(str, value)) if len(value) < 3 else f"{len(value)} of them"
    return " ".join(str(value).split())


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]], most: int | None) -> Iterator[str]:
    shown = rows if most is None else rows[:most]
    is_cut = title != "Refused"  # a place is no use without the row at its end
    cells = [names, *([_cut(cell) if is_cut else cell for cell in row] for row in shown)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(names))]
    of = f" (first {len(shown)} of {len(rows)}; --all shows all)" if len(shown) < len(rows) else f" ({len(rows)})"
    yield ""
    yield f"{title}{of}"
    for row in cells:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cut(cell: str) -> str:
    plain = " ".join(cell.split())
    return plain if len(plain) <= _CELL else plain[: _CELL - 1] + "…"
