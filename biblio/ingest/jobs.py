"""The jobs of ingest, by name.

Times are UTC. arXiv hands out new records by OAI-PMH at about 03:30 and announces by RSS at midnight of New York, which
is 04:00 in summer and 05:00 in winter; the library finds the papers on the desk when it opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biblio.ingest.ads_jobs import check_count, check_refresh, check_resweep, count, refresh, resweep
from biblio.ingest.ads_library import check_push, push
from biblio.ingest.asked import Asked
from biblio.ingest.harvest import HarvestIncomplete, harvest
from biblio.ingest.reading import check_read, read, read_short
from biblio.ingest.reparse import check_reparse, reparse
from biblio.ingest.twins import ask_about_twins
from biblio.jobs import Job, JobContext
from biblio.runtime import Runtime


def fetch(context: JobContext) -> None:
    """Harvest, then read what came with the records, so that matching knows the codes in abstracts and snippets."""
    try:
        harvest(context)
    except HarvestIncomplete:
        read_short(context)
        raise
    read_short(context)


def check_harvest(runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments that the harvest cannot use."""
    Asked.of(arguments, runtime.clock.today())


def sweep(context: JobContext) -> None:
    """Re-sweep ADS, then read what came with the records."""
    try:
        resweep(context)
    finally:
        read_short(context)


def read_again(context: JobContext) -> None:
    """Parse stored answers again, then read the short texts that changed."""
    if reparse(context):
        read_short(context)


HARVEST = Job(
    "harvest", "Fetch projects and papers (archive, arXiv, ADS)", fetch, schedule="20 5 * * *", check=check_harvest
)
READ = Job("read", "Read texts for project codes", read, schedule="45 5 * * *", check=check_read)
TWINS = Job("twins", "Ask about papers that look like one", ask_about_twins, schedule="5 6 * * *")
RESWEEP = Job(
    "resweep",
    "Ask ADS anew for the last years and report what was missed",
    sweep,
    "10 2 * * *",
    period="quarter",
    check=check_resweep,
)
REFRESH = Job(
    "refresh",
    "Ask ADS for citations and new bibcodes of known papers",
    refresh,
    "10 3 * * *",
    period="week",
    check=check_refresh,
)
COUNT = Job(
    "count",
    "Ask ADS how many papers each journal has for us",
    count,
    "40 3 * * *",
    period="week",
    check=check_count,
)
REPARSE = Job("reparse", "Read stored answers again, without asking anybody", read_again, check=check_reparse)
PUSH = Job(
    "push",
    "Push our papers into the ADS library that is set",
    push,
    schedule="50 6 * * *",
    check=check_push,
)
