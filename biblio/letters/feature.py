"""Letters declare themselves."""

from __future__ import annotations

from collections.abc import Iterator

from biblio.feature import Feature, NavigationItem
from biblio.jobs import Job
from biblio.letters import queries
from biblio.letters.job import run
from biblio.letters.views import make_blueprint
from biblio.runtime import Runtime


def check(runtime: Runtime) -> Iterator[str]:
    """Say which letters wait for a person: those that may or may not have left, and those that came back."""
    with runtime.store.reading() as session:
        uncertain, returned = queries.uncertain_letters(session), queries.unseen_addresses(session)
    if uncertain:
        yield (
            f"{uncertain} {'letter' if uncertain == 1 else 'letters'} may or may not have left: decide on the page "
            "Letters, or with `biblio mail list --state uncertain`."
        )
    if returned:
        yield (
            f"{returned} {'address does' if returned == 1 else 'addresses do'} not work, by what came back: look on the "
            "page Letters."
        )


feature = Feature(
    name="letters",
    blueprint=make_blueprint,
    jobs=(Job("bounces", "Read what came back of our letters", run, schedule="10 * * * *", period="hour"),),
    navigation=(NavigationItem("Letters", "letters.index", "mail.read", order=32),),
    checks=(check,),
)
