"""Declares the survey feature."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import col, select

from biblio.errors import StartRefused
from biblio.feature import Feature, NavigationItem
from biblio.jobs import Job
from biblio.runtime import Runtime
from biblio.store.models import Campaign, OutboxMail
from biblio.store.words import MailState
from survey.anonymity import promises
from survey.ballots import key_path
from survey.campaigns import takes_answers
from survey.commands import mail_group, survey
from survey.job import run
from survey.letters import load_texts
from survey.questionnaire import frozen
from survey.views import blueprint


def check(runtime: Runtime) -> Iterator[str]:
    """Say what is not in order: wording that cannot be used, keys that are gone, letters that wait for a person."""
    try:
        frozen(runtime.profile)
        load_texts(runtime.profile)
    except StartRefused as error:
        yield str(error)
    if not promises().holds:
        yield "The survey's tables tie answers to something: the promise of anonymity does not hold."
    with runtime.store.reading() as session:
        for campaign in session.exec(select(Campaign).where(col(Campaign.opened_at).is_not(None))):
            if campaign.id is None or not takes_answers(campaign, runtime.clock.today()):
                continue
            if not key_path(runtime.settings.survey_keys, campaign.id).is_file():
                yield f"The key of the open campaign {campaign.name} is not in {runtime.settings.survey_keys}: put it back."
        uncertain = session.exec(select(OutboxMail.id).where(col(OutboxMail.state) == MailState.UNCERTAIN)).all()
    if uncertain:
        yield f"{len(uncertain)} letters may or may not have left; decide with `biblio mail list --state uncertain`."


feature = Feature(
    name="survey",
    blueprint=lambda: blueprint,
    jobs=(
        Job(
            "survey",
            "Close campaigns that are over, queue reminders, send waiting letters",
            run,
            schedule="20 * * * *",
            period="hour",
        ),
    ),
    commands=(survey, mail_group),
    navigation=(NavigationItem("Campaigns", "survey.campaigns.index", "campaigns.read", order=30),),
    checks=(check,),
)
