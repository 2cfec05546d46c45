"""The project codes that a library's list gives for its papers: which become known links, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session

from biblio.catalogue.identity import normal_bibcode
from biblio.catalogue.listed import bibcodes_of, codes_in, refer
from biblio.catalogue.papers import AbsorbOutcome
from biblio.ingest.import_report import Links
from biblio.runtime import Runtime
from harvesters.files import PROJECTS
from harvesters.protocol import ParsedPage
from harvesters.records import Refusal

LOAD_PROJECTS = "run `biblio harvest --source projects` or `biblio projects import FILE`"
"""What to do where a project is missing."""


@dataclass(slots=True)
class Linked:
    """What became of the codes on one page: per record, in numbers, and as refusals that name file and row."""

    of_record: dict[int, Links] = field(default_factory=dict)
    new: int = 0
    known: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def has_codes(parsed: ParsedPage) -> bool:
    """Whether any record of a page comes with project codes."""
    return any(record.extra.get(PROJECTS) for record in parsed.records)


def link(
    session: Session, runtime: Runtime, parsed: ParsedPage, outcomes: Sequence[AbsorbOutcome], label: str
) -> Linked:
    """Keep the links that a page's records come with. Each code that cannot be kept is told with its row.

    A link is kept under a bibcode: that of the row, or where it has none, of the paper it was joined to.
    """
    linked = Linked()
    bibcodes = _bibcodes(session, parsed, outcomes)
    pairs: dict[str, list[tuple[str, str]]] = {}
    wanted: dict[int, list[str]] = {}
    for number, record in enumerate(parsed.records):
        if not (cell := record.extra.get(PROJECTS)):
            continue
        links = linked.of_record[number] = Links()
        codes, wrong = codes_in(cell, runtime.grammar)
        links.reasons += [f"{word!r} is no project code" for word in wrong]
        if codes and number not in bibcodes:
            links.reasons.append(f"no bibcode is known of this paper yet, so it is not listed for {', '.join(codes)}")
        elif codes:
            wanted[number] = codes
            pairs.setdefault(record.source, []).extend((code, bibcodes[number]) for code in codes)
    unknown: set[str] = set()
    for source, listed in pairs.items():
        referred = refer(session, listed, source, runtime.clock.now())
        linked.new, linked.known = linked.new + referred.new, linked.known + referred.known
        unknown |= referred.unknown
    for number, codes in wanted.items():
        links = linked.of_record[number]
        links.kept = [code for code in codes if code not in unknown]
        links.reasons += [
            f"no project has the code {code} yet; {LOAD_PROJECTS}, then import the list again"
            for code in codes
            if code in unknown
        ]
    linked.refusals = list(_refusals(parsed, linked.of_record, label))
    return linked


def _bibcodes(session: Session, parsed: ParsedPage, outcomes: Sequence[AbsorbOutcome]) -> dict[int, str]:
    """The bibcode of each record that comes with codes."""
    asked = {n: r for n, r in enumerate(parsed.records) if r.extra.get(PROJECTS)}
    found = {n: bibcode for n, record in asked.items() if (bibcode := normal_bibcode(record.bibcode))}
    lacking = {n: outcomes[n].paper_id for n in asked if n not in found}
    others = bibcodes_of(session, lacking.values()) if lacking else {}
    return found | {n: others[paper_id] for n, paper_id in lacking.items() if paper_id in others}


def _refusals(parsed: ParsedPage, links: Mapping[int, Links], label: str) -> list[Refusal]:
    told = []
    for number, mine in links.items():
        record = parsed.records[number]
        place = f"{label} row {parsed.rows[number]}" if number < len(parsed.rows) else label
        told += [Refusal(record.source, place, reason, record.key[:80]) for reason in mine.reasons]
    return told
