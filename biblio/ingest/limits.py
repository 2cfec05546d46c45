"""What a source can plausibly give: a run that breaks the profile's figures is held back until a person has looked.

The figures are ``harvest.plausible`` of the profile. They are checked before a page is stored, so nothing of a page that
breaks them enters the bibliography; its body is kept, and the harvest's place stays before it. A person who has looked
takes the run anyway (``biblio harvest --accept SOURCE``, or the button on the harvest page).
"""

from __future__ import annotations

import dataclasses

from biblio.errors import BiblioError, StartRefused
from biblio.ingest.places import Tally
from biblio.observatory.profile import Plausible
from harvesters.protocol import Page, ParsedPage
from harvesters.records import HarvestedProject, HarvestedRecord

FEWEST_FOR_SHARES = 50
"""Records that must have come before shares are taken: of ten records a single odd one would be ten per cent."""

HELD_BACK = ": held back, because "
"""What stands in the reason of every refusal of a page that was held back; the pages look for it."""

_FIELDS = {f.name for record in (HarvestedRecord, HarvestedProject) for f in dataclasses.fields(record)}


class HeldBack(BiblioError):
    """A run was stopped because what came is not plausible; nothing of the page was taken."""


def check_fields(plausible: Plausible, source: str) -> None:
    """Raise ``StartRefused`` for a profile whose ``fill`` names what no record has."""
    if unknown := sorted(set(plausible.fill) - _FIELDS):
        raise StartRefused(
            f"The profile's harvest.plausible.{source} names fields that no record has: {', '.join(unknown)}."
        )


def objection(
    plausible: Plausible, page: Page, parsed: ParsedPage, sofar: Tally, known: int | None = None
) -> str | None:
    """Return why this page should not be stored, as a clause that names the figure and the rule; None if it may.

    ``sofar`` is what its reading gave before this page, over all runs. ``known`` is how many records the source gave
    before this reading, None where it does not give all of them at every reading.
    """
    if plausible.maximum is not None:
        if sofar.records + len(parsed.records) + len(parsed.projects) > plausible.maximum:
            return f"this run holds more than the {plausible.maximum} records that are plausible"
        if page.promised is not None and page.promised > plausible.maximum:
            return f"{page.promised} records are promised, more than the {plausible.maximum} that are plausible"
    if page.promised is not None and known and page.promised < plausible.least_share * known:
        return (
            f"only {page.promised} records are promised where {known} were given before "
            f"(plausible: {plausible.least_share:.0%} of them at least)"
        )
    # Of each page, so that many good pages do not hide a bad one; and of all so far, so that many small ones add up.
    return _thin(plausible, Tally().with_page(parsed, plausible.fill)) or _thin(
        plausible, sofar.with_page(parsed, plausible.fill)
    )


def _thin(plausible: Plausible, tally: Tally) -> str | None:
    """Say which field too few records have."""
    if tally.records < FEWEST_FOR_SHARES:
        return None
    for name, least in plausible.fill.items():
        having, of = tally.given.get(name, (0, 0))
        if of and having / of < least:
            return f"{name.replace('_', ' ')} is given for {having / of:.0%} of {of} records (plausible: {least:.0%} at least)"
    return None


def too_few(plausible: Plausible, sofar: Tally) -> str | None:
    """Return why a reading that has ended is too small, or None. Only the first of a source has a minimum."""
    if sofar.from_beginning and sofar.records < plausible.minimum:
        return f"gave {sofar.records} records where {plausible.minimum} at least are plausible"
    return None
