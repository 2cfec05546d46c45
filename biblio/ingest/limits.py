"""What a source can plausibly give: a run that breaks the profile's figures is held back until a person has looked.

The figures are ``harvest.plausible`` of the profile. They are checked before a page is stored, so nothing of a page that
breaks them enters the bibliography; its body is kept, and the harvest's place stays before it. A person who has looked
takes the run anyway (``biblio harvest --accept SOURCE``, or the button on the harvest page).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from biblio.errors import BiblioError, StartRefused
from biblio.observatory.profile import Plausible
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedProject, HarvestedRecord

FEWEST_FOR_SHARES = 50
"""Records a page must hold before shares are taken: of ten records a single odd one would be ten per cent."""

HELD_BACK = ": held back, because "
"""What stands in the reason of every refusal of a page that was held back; the pages look for it."""

_FIELDS = {f.name for record in (HarvestedRecord, HarvestedProject) for f in dataclasses.fields(record)}


class HeldBack(BiblioError):
    """A run was stopped because what came is not plausible; nothing of the page was taken."""


@dataclass(frozen=True, slots=True)
class Sofar:
    """How far a run has come: records stored in it, whether it began at the very beginning, and what was known before.

    ``known`` is how many records the source had given before this run, None where it does not give all at every run.
    """

    records: int
    from_beginning: bool
    known: int | None = None


def check_fields(plausible: Plausible, source: str) -> None:
    """Raise ``StartRefused`` for a profile whose ``fill`` names what no record has."""
    if unknown := sorted(set(plausible.fill) - _FIELDS):
        raise StartRefused(
            f"The profile's harvest.plausible.{source} names fields that no record has: {', '.join(unknown)}."
        )


def objection(plausible: Plausible, page: Page, parsed: ParsedPage, sofar: Sofar) -> str | None:
    """Return why this page should not be stored, as a clause that names the figure and the rule; None if it may."""
    held = len(parsed.records) + len(parsed.projects)
    if plausible.maximum is not None:
        if sofar.records + held > plausible.maximum:
            return f"this run holds more than the {plausible.maximum} records that are plausible"
        if page.promised is not None and page.promised > plausible.maximum:
            return f"{page.promised} records are promised, more than the {plausible.maximum} that are plausible"
    if page.promised is not None and sofar.known and page.promised < plausible.least_share * sofar.known:
        return (
            f"only {page.promised} records are promised where {sofar.known} were given before "
            f"(plausible: {plausible.least_share:.0%} of them at least)"
        )
    return _thin(plausible, parsed, held)


def _thin(plausible: Plausible, parsed: ParsedPage, held: int) -> str | None:
    """Say which field too few records of a page have."""
    if held < FEWEST_FOR_SHARES:
        return None
    entries = [*parsed.records, *parsed.projects]
    for name, least in plausible.fill.items():
        having = [getattr(entry, name) for entry in entries if hasattr(entry, name)]
        share = sum(1 for value in having if value not in (None, "", ())) / len(having) if having else 1.0
        if share < least:
            return f"{name.replace('_', ' ')} is given for {share:.0%} of {len(having)} records (plausible: {least:.0%} at least)"
    return None


def too_few(plausible: Plausible, sofar: Sofar) -> str | None:
    """Return why a run that has ended is too small, or None. Only a run from the very beginning has a minimum."""
    if sofar.from_beginning and sofar.records < plausible.minimum:
        return f"gave {sofar.records} records where {plausible.minimum} at least are plausible"
    return None
