"""Another library's list of the demo's papers, with the slips that such lists have, brought in to be compared with ours."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from biblio.catalogue.actor import Actor
from biblio.compare.importing import Wanted, import_list, in_force
from biblio.compare.reading import open_list
from biblio.runtime import Runtime

NAME = "partner"
"""What the list is called."""

_LACKS_EVERY, _ADDS_EVERY, _KEEPS_PREPRINT_EVERY = 11, 13, 7


def play_list(runtime: Runtime, actor: Actor, files: Path) -> int:
    """Write the partner's list beside the demo's files and import it, unless it is there; return its papers."""
    with runtime.store.reading() as session:
        there = in_force(session, NAME)
    if there is not None:
        return int(there.counts.get("kept", 0))
    path = files / f"{NAME}-list.csv"
    _write(path, files / "truth.jsonl")
    with open_list(path) as opened:
        return import_list(runtime, opened, Wanted(NAME, path.name, actor))[1].kept


def _write(path: Path, truth: Path) -> None:
    """Science papers with their projects; some are missing, some have a project of their neighbour's besides."""
    rows = [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]
    science = [row for row in rows if row["codes"] and row["bibcodes"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("bibcode", "title", "year", "programid"))
        for number, row in enumerate(science):
            if number % _LACKS_EVERY == 0:
                continue
            besides = science[number - 1]["codes"][:1] if number % _ADDS_EVERY == 0 else []
            bibcode = row["bibcodes"][-1 if number % _KEEPS_PREPRINT_EVERY == 0 else 0]
            codes = dict.fromkeys([*row["codes"], *besides])
            writer.writerow((bibcode, row["title"], bibcode[:4], "; ".join(codes)))
