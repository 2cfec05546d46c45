"""Messages as mail servers write them when a letter does not arrive; all people and places in them are fictional."""

from __future__ import annotations

OUR_ID = f"<{'0123456789' * 4}@library.example.org>"
HER = "ines@example.org"

LETTER = f"""\
From: Library <library@library.example.org>
To: Ines Person <{HER}>
Subject: A question
Message-ID: {OUR_ID}

Dear Ines, version 5.4.3 of our list has 550 places for you.
"""


def report(
    *,
    action: str = "failed",
    status: str = "5.1.1",
    recipient: str = HER,
    diagnostic: str = "smtp; 550 5.1.1 <ines@example.org>: Recipient address rejected: User unknown",
    copy: str | None = LETTER,
    copy_type: str = "message/rfc822",
    kind: str = "multipart/report; report-type=delivery-status",
    report_type: str = "message/delivery-status",
    more: str = "",
    headers: str = "",
) -> bytes:
    """Return a report as Postfix writes it (RFC 3464), with what is asked for changed."""
    lines = [f"Final-Recipient: rfc822; {recipient}", f"Action: {action}", f"Status: {status}"]
    if diagnostic:
        lines.append(f"Diagnostic-Code: {diagnostic}")
    told = "\n".join(line for line in lines if not line.endswith(": "))
    copied = f"--part\nContent-Type: {copy_type}\n\n{copy}\n" if copy is not None else ""
    return f"""\
Return-Path: <>
Date: Sun, 22 Nov 2026 11:00:00 +0000
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: library@library.example.org
Auto-Submitted: auto-replied
{headers}MIME-Version: 1.0
Content-Type: {kind}; boundary="part"

This is a MIME-encapsulated message.

--part
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--part
Content-Type: {report_type}

Reporting-MTA: dns; mx.example.net
Arrival-Date: Sun, 22 Nov 2026 10:59:58 +0000

{told}
{more}
{copied}--part--
""".encode()


EXIM = f"""\
Return-path: <>
X-Failed-Recipients: {HER}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.net>
To: library@library.example.org
Subject: Mail delivery failed: returning message to sender
Date: Sun, 22 Nov 2026 11:00:00 +0000

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {HER}
    host mail.example.org [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<{HER}>:
    550 5.1.1 Unknown user

------ This is a copy of the message, including all the headers. ------

{LETTER}""".encode()

QMAIL = f"""\
Return-Path: <>
Date: 22 Nov 2026 11:00:00 -0000
From: MAILER-DAEMON@mx.example.net
To: library@library.example.org
Subject: failure notice

Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.

<{HER}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

{LETTER}""".encode()

EXCHANGE = f"""\
From: Microsoft Outlook <postmaster@uni.example.org>
To: library@library.example.org
Date: Sun, 22 Nov 2026 11:00:00 +0000
Subject: Undeliverable: A question
In-Reply-To: {OUR_ID}
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<html><body><p><b>Your message to Ines Person couldn't be deliver=
ed.</b></p><p>Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found'</p></body></html>
""".encode()

ABSENCE = f"""\
Return-Path: <>
From: Ines Person <{HER}>
To: library@library.example.org
Subject: Automatic reply: A question
In-Reply-To: {OUR_ID}
Auto-Submitted: auto-replied
Date: Sun, 22 Nov 2026 11:00:00 +0000

I am observing until December. My number is 550 5.1.1 there.
""".encode()

ANSWER = f"""\
From: Ines Person <{HER}>
To: library@library.example.org
Subject: Re: A question
In-Reply-To: {OUR_ID}
Date: Sun, 22 Nov 2026 11:00:00 +0000

I am fine, thank you. The server said 550 5.1.1 to me, too.
""".encode()
