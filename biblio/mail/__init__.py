"""Outgoing mail: the outbox and its sender. A letter is claimed, then spoken, then marked; never sent twice by itself.

``queue`` writes a row in the transaction that wants the letter. ``send_waiting`` claims one row at a time (state
``sending``, committed together with whatever ``prepare`` checks), speaks SMTP or writes an ``.eml`` file, and marks it.
A row found ``sending`` whose sender died is ``uncertain``: the server may or may not have it, so a person decides. For
the folder there is no doubt: its files are made atomically under the letter's key, so the machine goes on by itself.
"""

from biblio.mail.kinds import LetterKind, as_queued
from biblio.mail.outbox import (
    Attachment,
    Letter,
    Prepared,
    arrived,
    compose,
    counts_by_state,
    display_name,
    give_up,
    message_id,
    queue,
    resend,
    undo,
    usable_address,
)
from biblio.mail.sender import WAIT, Prepare, SendCounts, Stop, Wait, as_it_stands, recover, send_waiting
from biblio.mail.transports import Delivery, FolderTransport, SmtpTransport, Transport, transport_for

__all__ = [
    "WAIT",
    "Attachment",
    "Delivery",
    "FolderTransport",
    "Letter",
    "LetterKind",
    "Prepare",
    "Prepared",
    "SendCounts",
    "SmtpTransport",
    "Stop",
    "Transport",
    "Wait",
    "arrived",
    "as_it_stands",
    "as_queued",
    "compose",
    "counts_by_state",
    "display_name",
    "give_up",
    "message_id",
    "queue",
    "recover",
    "resend",
    "send_waiting",
    "transport_for",
    "undo",
    "usable_address",
]
