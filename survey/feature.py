"""Declares the survey feature."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import col, select

from biblio.errors import StartRefused
from biblio.feature import Feature, NavigationItem
from biblio.jobs import Job
from biblio.runtime import Runtime
from biblio.store.models import Campaign
from survey.box.ballots import key_path
from survey.campaign.letters import load_texts
from survey.campaign.sending import KINDS, checked_book
from survey.job import run
from survey.page.anonymity import promises
from survey.page.views import blueprint
from survey.questionnaire import frozen


def check(runtime: Runtime) -> Iterator[str]:
    """Say what is not in order: wording that cannot be used, keys that are gone."""
    try:
        frozen(runtime.profile)
        load_texts(runtime.profile)
    except StartRefused as error:
        yield str(error)
    if not promises(runtime.settings.survey_minimum_persons).holds:
        yield "The survey's tables tie answers to something: the promise of anonymity does not hold."
    with runtime.store.reading() as session:
        for campaign in session.exec(select(Campaign).where(col(Campaign.opened_at).is_not(None))):
            if campaign.id is None or campaign.past is not None or campaign.is_released:
                continue
            if not key_path(runtime.settings.survey_keys, campaign.id).is_file():
                yield (
                    f"The key of the campaign {campaign.name}, whose box is still to be opened, is not in "
                    f"{runtime.settings.survey_keys}: put it back."
                )
        try:
            checked_book(session, runtime)
        except StartRefused as error:
            yield str(error)


feature = Feature(
    name="survey",
    blueprint=lambda: blueprint,
    jobs=(
        Job(
            "survey",
            "Open the boxes of campaigns that are over and destroy their keys, queue reminders, erase old addresses, "
            "send waiting letters",
            run,
            schedule="20 * * * *",
            period="hour",
        ),
    ),
    navigation=(
        NavigationItem("Campaigns", "survey.campaigns.index", "campaigns.read", order=30),
        NavigationItem("Campaigns", "survey.results.compare", "figures.read", order=30, unless="campaigns.read"),
    ),
    checks=(check,),
    letters=KINDS,
)
