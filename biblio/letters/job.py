"""The job ``bounces``: reads the folder and the mailbox that get what comes back of our letters."""

from __future__ import annotations

from biblio.errors import RequestRefused
from biblio.jobs import JobContext
from biblio.mail.bounces import take_in
from biblio.mail.mailboxes import mailboxes_of


def run(context: JobContext) -> None:
    """Read every mailbox that is set. One that cannot be opened fails the run, after the others were read."""
    refused: list[RequestRefused] = []
    mailboxes = mailboxes_of(context.runtime.settings)
    if not mailboxes:
        context.note(
            "No folder or mailbox for returned mail is set: see BIBLIO_BOUNCE_FOLDER and BIBLIO_BOUNCE_IMAP_HOST."
        )
    for mailbox in mailboxes:
        try:
            counts = take_in(context.runtime, mailbox, progress=lambda what, done: context.progress(what, done, None))
        except RequestRefused as error:
            refused.append(error)
            continue
        for name, value in counts.plain().items():
            context.count(name, value)
        for sentence in counts.notes:
            context.note(sentence)
    if refused:
        raise refused[0]
