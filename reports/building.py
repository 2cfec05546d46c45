"""Makes a whole report of facts: every theme, the five numbers of the first page, and the names of the rows behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from biblio.garbage import collecting_later
from biblio.observatory import Profile
from biblio.runtime import biblio_version
from reports.definitions import INDICATORS
from reports.document import Address, Report, Theme
from reports.facts.counted import Counted
from reports.facts.model import Facts, Paper, called
from reports.themes import THEMES, theme_of

HEADLINE = (
    Address("fraction", "now", "all", "observed"),
    Address("fraction", "now", "all", "fraction"),
    Address("fraction", "now", "all", "silent"),
    Address("speed", "points-all", "delivery", "p50"),
    Address("papers", "by-year", "all", "papers"),
)
"""The five numbers of the first page: how much was observed, what became of it, what did not, how fast, how many papers."""


def build(facts: Facts, profile: Profile) -> Report:
    """Count everything. Raises nothing on odd data: what has no date or cycle is counted and named so."""
    with collecting_later():
        counted = Counted(facts, profile)
        return report_of(counted, tuple(theme_of(counted, key) for key in THEMES))


def report_of(counted: Counted, themes: tuple[Theme, ...]) -> Report:
    """Return the report that these themes of what was counted make."""
    facts, profile = counted.facts, counted.profile
    return Report(
        as_of=facts.as_of,
        complete_through=facts.complete_through,
        observatory=profile.observatory.name,
        version=biblio_version(),
        profile_hash=hash_of(profile),
        undecided=dict(facts.bibliography.undecided),
        headline=tuple(at for at in HEADLINE if _is_there(at, themes)),
        themes=themes,
        definitions={key: INDICATORS[key] for key in sorted(_used(themes))},
        notes=notes_of(facts),
        **_names(facts, themes),
    )


def notes_of(facts: Facts) -> tuple[str, ...]:
    """Return what must be read with all numbers: that nothing was known on the day, so that zero says nothing."""
    if facts.known_since is None:
        return ("biblio knew nothing yet: no project and no paper was recorded. The zeros below say nothing.",)
    if facts.as_of < facts.known_since:
        since = f"biblio knew nothing before {facts.known_since}, when the first project or paper was recorded here."
        return (
            f"{since} This report is of {facts.as_of}: its zeros do not mean that nothing was observed or published.",
        )
    return ()


def _is_there(at: Address, themes: Iterable[Theme]) -> bool:
    """Whether these themes have a figure at an address: a report may hold some of the themes only."""
    for theme in themes:
        if theme.key == at.theme:
            try:
                theme.table(at.table).figure(at.row, at.column)
            except KeyError:
                return False
            return True
    return False


def _used(themes: Iterable[Theme]) -> set[str]:
    """Return the indicators of these themes' columns and figures."""
    tables = [table for theme in themes for table in theme.tables]
    columns = {column.indicator for table in tables for column in table.columns}
    return columns | {f.indicator for table in tables for row in table.rows for f in row.figures if f is not None}


def hash_of(profile: Profile) -> str:
    """Return the SHA-256 of everything a profile says (its folder's place is no part of it)."""
    said = profile.model_dump(mode="json", exclude={"folder"})
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def name_of(paper: Paper) -> str:
    """Return what a paper is called in lists: its bibcode, else DOI, else arXiv number, else our own number."""
    return called(paper.identifiers, paper.id)


def _names(facts: Facts, themes: Iterable[Theme]) -> dict[str, Mapping[int, str]]:
    """Return the name of every row that a figure of these themes leads to."""
    # By identity: many figures share their rows, and to compare two lists of thousands takes as long as to read them.
    sets: dict[str, dict[int, tuple[int, ...]]] = {"projects": {}, "papers": {}, "": {}}
    for theme in themes:
        for table in theme.tables:
            for row in table.rows:
                for figure in row.figures:
                    if figure is not None:
                        of_kind = sets[INDICATORS[figure.indicator].rows]
                        of_kind[id(figure.ids)], of_kind[id(figure.rest)] = figure.ids, figure.rest
    used = {kind: set[int]().union(*several.values()) for kind, several in sets.items()}
    return {
        "projects": {i: facts.projects[i].code for i in sorted(used["projects"])},
        "papers": {
            i: name_of(facts.papers[i]) if i in facts.papers else facts.bibliography.names.get(i, f"#{i}")
            for i in sorted(used["papers"])
        },
    }
