"""Before press: what it adds to the house."""

from __future__ import annotations

from collections.abc import Iterator

from biblio.contacts.cases import STATEMENT
from biblio.contacts.job import run
from biblio.contacts.letters import load_text
from biblio.contacts.service import KIND
from biblio.contacts.views import blueprint
from biblio.errors import StartRefused
from biblio.feature import Feature, NavigationItem
from biblio.jobs import Job
from biblio.mail import LetterKind, as_queued
from biblio.runtime import Runtime


def check(runtime: Runtime) -> Iterator[str]:
    """Say where the profile's letter cannot be used, or where it does not say what a statement is."""
    try:
        load_text(runtime.profile)
    except StartRefused as error:
        yield str(error)
    if all(table.get("key") != STATEMENT for table in runtime.profile.relation["phrases"]):
        yield f"relation.toml has no table of phrases {STATEMENT!r}: before press only project codes are looked at."


feature = Feature(
    name="contacts",
    blueprint=lambda: blueprint,
    jobs=(
        Job(
            "contacts",
            "Look what preprints lack, send letters to authors, and follow them up",
            run,
            schedule="50 * * * *",
            period="hour",
        ),
    ),
    navigation=(NavigationItem("Before press", "contacts.index", "contacts.read", order=12),),
    checks=(check,),
    letters=(LetterKind(KIND, "letter to an author before press", as_queued),),
)
