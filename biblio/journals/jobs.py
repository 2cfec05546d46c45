"""The job ``journals``: suggests each night the journals in which papers of ours were found though nobody reads them."""

from __future__ import annotations

from biblio.catalogue.journals import Told, monitored, suggest_journal
from biblio.jobs import Job, JobContext, require_running
from biblio.journals.queries import elsewhere
from biblio.store.words import SuggestionOrigin


def suggest_from_papers(context: JobContext) -> None:
    """Suggest every journal that is not monitored and has papers with an accepted project or a certain candidate."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        found = elsewhere(session)
        watched = monitored(session, runtime.profile)
    others = sorted((name, papers) for key, (name, papers) in found.items() if key not in watched)
    with runtime.store.writing() as session:
        require_running(session, context.run_id)
        for name, papers in others:
            told = suggest_journal(
                session,
                runtime.profile,
                name,
                SuggestionOrigin.PAPERS,
                now=runtime.clock.now(),
                times=papers,
            ).told
            context.count(told.value if told is not Told.NO_NAME else "left out")
    context.count("journals", len(found))


JOURNALS = Job(
    "journals",
    "Suggest journals in which papers of ours were found",
    suggest_from_papers,
    schedule="50 6 * * *",
)
