"""The jobs of ingest, by name."""

from __future__ import annotations

from biblio.ingest.harvest import harvest
from biblio.ingest.reading import read
from biblio.ingest.twins import ask_about_twins
from biblio.jobs import Job

HARVEST = Job(
    name="harvest",
    title="Fetch projects and papers (archive, arXiv, ADS)",
    run=harvest,
    schedule="30 4 * * *",  # arXiv announces at 00:00–02:00 UTC; the night before the library opens
)
READ = Job(name="read", title="Read texts for project codes", run=read, schedule="30 5 * * *")
TWINS = Job(name="twins", title="Ask about papers that look like one", run=ask_about_twins, schedule="15 5 * * *")
