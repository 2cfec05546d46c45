"""What an import did, row by row: a tally per file for the screen, and a CSV file that names every row.

The columns of that file: ``file``; ``row`` (of BibTeX and lists the line); ``key`` (the name by which the list knows the
paper); ``became`` (``new``: a paper nobody knew; ``known``: joined to a paper we have, or said by this list before;
``changed``: this list had it and says something else now; ``refused``: cannot be used); ``paper`` (its number); ``links`` (codes of projects that the row
gives and that are kept); ``reason`` (why it was refused, or what of it could not be used).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from biblio.catalogue.papers import Absorbed, AbsorbOutcome
from biblio.tables import safe_cell
from harvesters.protocol import ParsedPage
from harvesters.records import HarvestedRecord, Refusal

HEADER = ("file", "row", "key", "became", "paper", "links", "reason")
WORDS = ("new", "known", "changed", "refused")
_ROW = re.compile(r" (?:row|line) (\d+)$")


@dataclass(slots=True)
class Links:
    """What became of the project codes of one row: those kept, and a sentence for each that was not."""

    kept: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _OneFile:
    """One file so far: how many rows became what, and in which row each key stood first."""

    became: Counter[str] = field(default_factory=Counter)
    rows: dict[str, int | str] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    broken: str | None = None


class ImportReport:
    """Takes down what became of every row; ``out`` is where the CSV file is written, or None for the tally alone."""

    def __init__(self, out: TextIO | None = None, *, dry: bool = False) -> None:
        self.files: dict[str, _OneFile] = {}
        self._dry = dry
        self._writer = csv.writer(out) if out is not None else None
        self._write(HEADER)

    def page(
        self,
        file: str,
        parsed: ParsedPage,
        outcomes: Sequence[AbsorbOutcome],
        links: Mapping[int, Links],
        earlier: set[str],
    ) -> Counter[str]:
        """Take down the records of a page: what became of each, its links by its number, and keys the list had before.

        Return how many became what.
        """
        one = self.files.setdefault(file, _OneFile())
        told: Counter[str] = Counter()
        for number, (record, outcome) in enumerate(zip(parsed.records, outcomes, strict=True)):
            row: int | str = parsed.rows[number] if number < len(parsed.rows) else ""
            mine = links.get(number, Links())
            became = _word(outcome, record.key in earlier or record.key in one.rows)
            reasons = [*_twice(one.rows.get(record.key)), *_unusable(record), *outcome.conflicts, *mine.reasons]
            one.rows.setdefault(record.key, row)
            told[became] += 1
            one.links.update((record.key, code) for code in mine.kept)
            paper = "" if self._dry and became == "new" else outcome.paper_id
            self._write((file, row, record.key, became, paper, " ".join(mine.kept), "; ".join(reasons)))
        one.became.update(told)
        return told

    def projects(self, file: str, new: int, known: int, changed: int) -> Counter[str]:
        """Add the projects of a page to a file's tally, and return them; their rows are not named one by one."""
        told = Counter(new=new, known=known, changed=changed)
        self.files.setdefault(file, _OneFile()).became.update(told)
        return told

    def refused(self, file: str, refusals: Sequence[Refusal]) -> None:
        """Take down what could not be used."""
        one = self.files.setdefault(file, _OneFile())
        for refusal in refusals:
            found = _ROW.search(refusal.place)
            one.became["refused"] += 1
            self._write((file, found[1] if found else "", refusal.key or "", "refused", "", "", refusal.reason))

    def broken(self, file: str, reason: str) -> None:
        """Take down a file that could not be read to its end."""
        self.files.setdefault(file, _OneFile()).broken = reason
        self._write((file, "", "", "refused", "", "", reason))

    def lines(self) -> list[str]:
        """Return the tally, one line a file."""
        told = []
        for file, one in self.files.items():
            counts = ", ".join(f"{one.became[word]} {word}" for word in WORDS)
            links = f"; {len(one.links)} links to projects" if one.links else ""
            told.append(f"{file}: {counts}{links}{'; NOT READ TO ITS END' if one.broken else ''}")
        return told

    def _write(self, cells: Sequence[object]) -> None:
        if self._writer is not None:
            self._writer.writerow([safe_cell(cell) for cell in cells])


def _word(outcome: AbsorbOutcome, is_listed: bool) -> str:
    if outcome.what is Absorbed.NEW:
        return "new"
    return "changed" if outcome.what is Absorbed.CHANGED and is_listed else "known"


def _twice(row: int | str | None) -> list[str]:
    return [] if row is None else [f"the list has it in row {row} already"]


def _unusable(record: HarvestedRecord) -> list[str]:
    unusable = record.extra.get("unusable")
    return [unusable] if unusable else []
