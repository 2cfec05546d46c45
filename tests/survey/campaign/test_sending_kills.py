"""The survey's sender killed at any step: its last look adds statements, and none of them doubles or loses a letter."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.runtime import Runtime
from biblio.store.models import Invitation, OutboxMail
from biblio.store.words import MailState
from survey.campaign.sending import queue_batch, send
from survey.tokens import make_token, token_hash
from tests.mail.forks import KILLED, ended, fork
from tests.mailserver import strict_server
from tests.survey.people import make_campaign

MOST_STEPS = 60
"""More than the survey's sender takes for one letter."""


def test_a_letter_of_the_survey_is_accepted_once_or_uncertain(sqlite_runtime: Runtime) -> None:
    """For every n: killed before its n-th change, commit or verb, then another sends on; every link works in the end."""
    campaign = make_campaign(sqlite_runtime, projects=MOST_STEPS)
    with strict_server() as strict:
        change = {"smtp_host": "127.0.0.1", "smtp_port": strict.port, "smtp_starttls": False}
        runtime = replace(sqlite_runtime, settings=sqlite_runtime.settings.model_copy(update=change))
        for step in range(1, MOST_STEPS):
            with runtime.store.writing() as session:
                assert queue_batch(session, runtime, MACHINE, campaign, batch=1) == 1
            end = ended(fork(runtime, send, die_at=step, reads=False))
            assert end in (0, KILLED)
            send(runtime)
            if end == 0:
                break
        assert 20 < step < MOST_STEPS - 1
        with runtime.store.reading() as session:
            mails = session.exec(select(OutboxMail)).all()
            links = session.exec(
                select(Invitation.id, Invitation.nonce, Invitation.token_hash).where(
                    col(Invitation.withdrawn_at).is_(None)
                )
            ).all()
    assert len(mails) == step
    assert {row.state for row in mails} == {MailState.SENT, MailState.UNCERTAIN}
    assert all(strict.ids[row.message_id] == 1 for row in mails if row.state is MailState.SENT)
    assert max(strict.ids.values()) == 1
    assert sum(row.state is MailState.UNCERTAIN for row in mails) < step / 2
    assert len(links) == MOST_STEPS
    for number, nonce, kept in links:
        assert kept == token_hash(make_token(runtime.settings.secret(), number or 0, nonce))
