"""Reports of returned mail: read as the standard has them, as servers write them, and as nobody should."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.errors import RequestRefused
from biblio.mail.dsn import MOST_BYTES, WORDS_MOST, Action, Group, Sort, read
from tests.mail.reports import ABSENCE, ANSWER, EXCHANGE, EXIM, HER, LETTER, OUR_ID, QMAIL, report

OURS = ("0123456789" * 4, "library.example.org")


def one(content: bytes) -> Group:
    """Return the only group of a report about our letter."""
    told = read(content)
    assert told.sort is Sort.BOUNCE
    assert OURS in told.ids
    (group,) = told.groups
    return group


def test_a_report_says_who_what_why_and_when() -> None:
    """A report by the standard: the recipient, failed for good, the status, the server's words, and its own date."""
    group = one(report())
    assert group == Group(
        Action.FAILED,
        "5.1.1",
        "smtp; 550 5.1.1 <ines@example.org>: Recipient address rejected: User unknown",
        frozenset({HER}),
    )
    assert group.is_hard
    assert read(report()).told_at == datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("action", "status", "is_hard"),
    [
        ("failed", "5.1.1", True),
        ("failed", "5.0.0", True),
        ("failed", "5.2.1", True),
        ("failed", "5.4.4", True),
        ("failed", "4.4.7", False),
        ("failed", "5.2.2", False),
        ("failed", "5.7.1", False),
        ("failed", "5.6.0", False),
        ("failed", "5.3.4", False),
        ("delayed", "4.4.1", False),
        ("delayed", "5.1.1", False),
        ("delivered", "2.0.0", False),
        ("relayed", "2.0.0", False),
        ("expanded", "2.0.0", False),
    ],
)
def test_only_what_failed_for_the_address_for_good_is_hard(action: str, status: str, is_hard: bool) -> None:
    """Delays, full mailboxes, rules against the letter and what arrived are not: the next letter may arrive."""
    group = one(report(action=action, status=status, diagnostic=""))
    assert (group.action, group.status, group.is_hard) == (Action(action), status, is_hard)


@pytest.mark.parametrize(
    "content",
    [
        report(action="Failed (bad destination)", status="5.1.1 (bad destination mailbox address)"),
        report(kind="multipart/report"),
        report(kind="multipart/mixed"),
        report(kind="Multipart/Report; Report-Type=Delivery-Status"),
        report(copy_type="text/rfc822-headers"),
        report(copy_type="Text/RFC822-Headers", copy=LETTER.replace("Message-ID: ", "MESSAGE-ID:\n   ")),
        report(copy=LETTER.upper().replace("EXAMPLE.ORG>\n", "Example.Org>\n")),
        report(copy=None, headers=f"In-Reply-To: {OUR_ID}\n"),
        report(copy=None, headers=f"References: <a@b>\n {OUR_ID}\n"),
        report(copy=None, more=f"Original-Message-ID: {OUR_ID}\n"),
        report(report_type="text/plain"),
        report(report_type="message/global-delivery-status"),
        report(action="", status="5.1.1"),
        report(status="", diagnostic="smtp; 550 5.1.1 no such user"),
        report(status="", diagnostic="smtp; 550 no such user"),
        report().replace(b"\n", b"\r\n"),
        report().replace(b"\n\nFinal-Recipient", b"\nFinal-Recipient"),
        report().replace(b"Auto-Submitted: auto-replied\n", b""),
        report(recipient=f"<{HER}>"),
        EXIM,
        QMAIL,
        EXCHANGE,
        f"From: Postmaster <postmaster@x.example.org>\n\nReturned: {OUR_ID}\n--- original message ---\n550 5.1.1 no".encode(),
    ],
    ids=lambda content: "",
)
def test_what_servers_write_is_understood(content: bytes) -> None:
    """Comments, missing types and parts, folded or shouted Message-IDs, plain words: it is our letter, and hard."""
    assert one(content).is_hard


def test_a_report_in_base64_is_read() -> None:
    """A report that a server packed like an attachment says the same."""
    inner = f"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; {HER}\nAction: failed\nStatus: 5.1.1\n".encode()
    packed = base64.encodebytes(inner).decode()
    content = report(report_type="message/delivery-status\nContent-Transfer-Encoding: base64", action="delayed")
    head, _, rest = content.decode().partition("Reporting-MTA")
    content = (head + packed + "\n--part" + rest.partition("--part")[2]).encode()
    assert one(content) == Group(Action.FAILED, "5.1.1", "5.1.1", frozenset({HER}))


def test_several_recipients_are_told_apart() -> None:
    """Each recipient of a report has its own end, also where the server left no line between them."""
    more = "\nFinal-Recipient: rfc822; bora@example.org\nAction: delivered\nStatus: 2.1.5\n"
    for between in ("\n", ""):
        told = read(report(more=between + more.lstrip("\n")))
        assert [(g.action, g.status, g.addresses) for g in told.groups] == [
            (Action.FAILED, "5.1.1", frozenset({HER})),
            (Action.DELIVERED, "2.1.5", frozenset({"bora@example.org"})),
        ]


def test_an_alias_is_known_by_what_we_wrote_to() -> None:
    """Where a server names whom the letter was for and whom it went to, both are known."""
    told = read(report(recipient="i.person@mail.example.org", more=f"Original-Recipient: rfc822;{HER.upper()}\n"))
    assert told.groups[0].addresses == {"i.person@mail.example.org", HER}


@pytest.mark.parametrize("content", [ABSENCE, ANSWER])
def test_answers_are_no_reports(content: bytes) -> None:
    """An absence and a person's answer that quote a status are replies: they mark nobody's address."""
    assert read(content).sort is Sort.REPLY


def test_other_mail_is_left_alone() -> None:
    """A receipt, a complaint and an advertisement tell of no delivery."""
    receipt = report(kind="multipart/report; report-type=disposition-notification").replace(
        b"message/delivery-status", b"message/disposition-notification"
    )
    complaint = report(kind="multipart/report").replace(b"message/delivery-status", b"message/feedback-report")
    for content in (receipt, complaint, b"From: shop@example.com\nSubject: 550 5.1.1\n\nBuy!\n", b"", b"\n\n\n"):
        assert read(content).sort is Sort.OTHER


def test_a_late_letter_in_plain_words_is_not_dead() -> None:
    """Exim's warning that a letter is late, and a plain failure that gives no status, are not hard."""
    late = EXIM.replace(b"Mail delivery failed: returning message to sender", b"Warning: message delayed 24 hours")
    assert not one(late.replace(b"550 5.1.1 Unknown user", b"451 4.4.1 no answer")).is_hard
    assert not one(late.replace(b"550 5.1.1 Unknown user", b"somehow not")).is_hard


def test_the_copy_of_our_letter_is_not_taken_for_the_servers_words() -> None:
    """Numbers that look like a status in the letter that came back say nothing."""
    group = one(QMAIL.replace(b"(#5.1.1)", b"for now (#4.2.1)"))
    assert (group.status, group.is_hard) == ("4.2.1", False)
    assert "4.2.1" in group.words


def nested(depth: int) -> bytes:
    """Return a message with parts in parts."""
    opened = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(depth))
    return f"From: MAILER-DAEMON@x\n{opened}\nhello".encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (nested(1000), "parts within parts"),
        (b"From: x\nContent-Type: message/rfc822\n\n" * 5000, "parts within parts"),
        (b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\n\n" * 6000, "more than 40 parts"),
        (b"From: MAILER-DAEMON@x\nSubject: " + b"y" * 20_000 + b"\n\n550", "a header of more than"),
        (b"Content-Type: text/plain; " + b'";' * 10_000 + b"\n\n550", "a header of more than"),
    ],
    ids=["nested", "letters in letters", "parts", "header", "parameters"],
)
def test_what_would_take_for_ever_is_refused(content: bytes, says: str) -> None:
    """Deep nesting, thousands of parts and endless headers are refused with the reason before they cost anything."""
    with pytest.raises(RequestRefused, match=says):
        read(content)


def test_only_the_beginning_of_megabytes_is_read() -> None:
    """Of ten megabytes the beginning is read: the report in it is understood, what comes after is not looked at."""
    content = report(copy=LETTER + "x" * 10_000_000)
    assert one(content).is_hard
    late = report(copy=None) + b"y" * MOST_BYTES + OUR_ID.encode()
    assert read(late).ids == ()


@pytest.mark.parametrize(
    "charset", ["no-such", "utf-16", "idna", "punycode", "zip", "\x00", "utf-8\nBcc: x", "x" * 300]
)
def test_a_wrong_charset_loses_nothing(charset: str) -> None:
    """A charset that is none, another, or no text at all: our Message-ID is found all the same."""
    content = EXIM.replace(b"\nSubject:", f"\nContent-Type: text/plain; charset={charset}\nSubject:".encode(), 1)
    told = read(content)
    assert told.sort is Sort.BOUNCE
    assert OURS in told.ids


def test_words_are_one_clean_line() -> None:
    """What a server says is kept without control, turning and half signs, and cut."""
    group = one(report(diagnostic="smtp; 550 5.1.1 a\x00b\x1b[31m\u202ec é" + "z" * 900))
    assert group.words.startswith("smtp; 550 5.1.1 a b [31m c éz")
    assert len(group.words) == WORDS_MOST
    assert group.words.isprintable()


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 99:00:00 +0000", "Mon, 1 Jan 0001 00:00:00 -9999"])
def test_a_date_that_is_none_is_not_known(date: str) -> None:
    """A report without a date that can be read has none; nothing else of it is lost."""
    content = report().replace(b"Sun, 22 Nov 2026 11:00:00 +0000", date.encode(), 1)
    assert one(content).is_hard
    assert read(content).told_at is None


@given(st.binary(max_size=400), st.integers(0, 1500), st.integers(0, 400))
def test_no_bytes_break_the_reader(noise: bytes, place: int, length: int) -> None:
    """Whatever stands in a message, it is read or refused with a sentence."""
    content = report()
    for broken in (noise, content[:place] + noise + content[place + length :]):
        try:
            told = read(broken)
        except RequestRefused:
            continue
        assert all(group.words == " ".join(group.words.split()) for group in told.groups)
        assert all("\x00" not in group.words + group.status for group in told.groups)
