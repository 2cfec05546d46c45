"""Harvesting, reading and importing: what it adds to the house."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlmodel import col, select

from biblio.feature import Feature, NavigationItem
from biblio.ingest.by_identifier import ADD
from biblio.ingest.jobs import COUNT, HARVEST, PUSH, READ, REFRESH, REPARSE, RESWEEP, TWINS
from biblio.ingest.ledger import held_back, label_of, ledger_lines, source_states
from biblio.ingest.running import WATCHED
from biblio.ingest.troubles import open_troubles
from biblio.ingest.views import blueprint
from biblio.runtime import Runtime
from biblio.settings import Settings
from biblio.store.models import JobRun
from biblio.store.words import Outcome


def _harvest_is_fresh(runtime: Runtime) -> Iterable[str]:
    """Say when no harvest has succeeded for two days: preprints reach the press within a week."""
    with runtime.store.reading() as session:
        last = session.exec(
            select(JobRun.ended_at)
            .where(col(JobRun.job) == HARVEST.name, col(JobRun.outcome) == Outcome.SUCCEEDED)
            .order_by(col(JobRun.id).desc())
        ).first()
    if last is None:
        yield "No harvest has succeeded yet: run `biblio run harvest`."
    elif runtime.clock.now() - last > timedelta(days=2):
        yield f"The last harvest that succeeded ended {last:%Y-%m-%d %H:%M} UTC: see the harvest page."


def _runs_have_succeeded(runtime: Runtime) -> Iterable[str]:
    """Say which runs failed or were broken off and were not made good for, with what to do."""
    with runtime.store.reading() as session:
        troubles = open_troubles(session, WATCHED, runtime.clock.now())
    for trouble in troubles:
        yield trouble.sentence


def _nothing_is_held_back(runtime: Runtime) -> Iterable[str]:
    """Say which pages wait for a person to look."""
    with runtime.store.reading() as session:
        held = held_back(session)
    for one in held:
        yield (
            f"{label_of(one.source)} is held back since {one.at:%Y-%m-%d %H:%M} UTC: {one.reason} ({one.place}). Look at "
            f"the source; if it is right: `{one.command}`, or the harvest page."
        )


def _sources_are_set_up(runtime: Runtime) -> Iterable[str]:
    """Say which sources cannot be asked with these settings."""
    if runtime.settings.ads_token is None:
        yield "There is no ADS token (BIBLIO_ADS_TOKEN): papers come from arXiv alone."
    if runtime.settings.contact_email == Settings.model_fields["contact_email"].default:
        yield "BIBLIO_CONTACT_EMAIL is not set: services we harvest have nobody to write to."


def _sources(runtime: Runtime) -> Iterable[str]:
    """Say for each source when it was last asked, what came, and what is left of today's requests."""
    with runtime.store.reading() as session:
        states = source_states(session)
        asked = ledger_lines(session, runtime.clock.today())
    for state in states:
        if state.last_at is None:
            yield f"{state.label:<18} never asked"
            continue
        got = f"{state.records} records, {state.new} new, {state.changed} changed, {state.refused} refused"
        on = f"; goes on: {'; '.join(state.goes_on)}" if state.goes_on else ""
        held = "".join(f"; held back: {one.reason}" for one in state.held_back)
        failed = "failed; " if state.has_failed and not held else ""
        yield f"{state.label:<18} {state.last_at:%Y-%m-%d %H:%M} UTC  {failed}{got}{on}{held}"
    yield from asked


feature = Feature(
    name="ingest",
    blueprint=lambda: blueprint,
    jobs=(HARVEST, READ, TWINS, RESWEEP, REFRESH, COUNT, REPARSE, PUSH, ADD),
    navigation=(NavigationItem("Harvest", "ingest.harvest", "harvest.read", order=30),),
    checks=(_harvest_is_fresh, _runs_have_succeeded, _nothing_is_held_back, _sources_are_set_up),
    status=(_sources,),
)
