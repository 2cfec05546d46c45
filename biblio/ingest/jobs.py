"""The jobs of ingest, by name."""

from __future__ import annotations

from biblio.ingest.harvest import HarvestIncomplete, harvest
from biblio.ingest.reading import read, read_short
from biblio.ingest.twins import ask_about_twins
from biblio.jobs import Job, JobContext


def fetch(context: JobContext) -> None:
    """Harvest, then read what came with the records, so that matching knows the codes in abstracts and snippets."""
    try:
        harvest(context)
    except HarvestIncomplete:
        read_short(context)
        raise
    read_short(context)


HARVEST = Job(
    name="harvest",
    title="Fetch projects and papers (archive, arXiv, ADS)",
    run=fetch,
    schedule="30 4 * * *",  # arXiv announces at 00:00–02:00 UTC; the night before the library opens
)
READ = Job(name="read", title="Read texts for project codes", run=read, schedule="30 5 * * *")
TWINS = Job(name="twins", title="Ask about papers that look like one", run=ask_about_twins, schedule="15 5 * * *")
