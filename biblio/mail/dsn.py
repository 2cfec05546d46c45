"""What a message in the mailbox for returned mail says: which of our letters did not arrive, for whom, and why.

Read as RFC 3464 (delivery status notifications) and RFC 3463 (status codes) have it, and as servers get it wrong: reports
without their type, in one block, in another encoding; plain words (Exim, qmail, Exchange) that quote our Message-ID.
Nothing here knows the database. The bytes are a stranger's: size, depth, parts and headers are bounded before they cost.
"""

from __future__ import annotations

import base64
import codecs
import quopri
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from email.utils import parseaddr, parsedate_to_datetime
from enum import StrEnum

from biblio.errors import RequestRefused

MOST_BYTES = 256 * 1024
"""So much of a message is read. The words and the report stand before the copy of the letter, which is short itself."""

MOST_LINES = 20_000
_MOST_PARTS = 40
_MOST_HEADER = 16 * 1024
_MOST_BLOCKS = 50
_MOST_IDS = 20
WORDS_MOST = 500
"""Characters that are kept of what a server said."""

_BOUNDARY = re.compile(rb"boundary\s*+(?:\*\d*+\*?+)?\s*+=|message/", re.IGNORECASE)
_OUR_ID = re.compile(
    r"(?<![0-9a-f])([0-9a-f]{40})(?![0-9a-f])\s*@\s*([a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?)", re.IGNORECASE
)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?:^|[\s:(<\[#>])([45]\d\d)(?=[ -]\D|[ -][245]\.\d|\)|\]|$)", re.MULTILINE)
_FIELD = re.compile(r"^([A-Za-z][A-Za-z-]*)[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_TAG = re.compile(r"<(?![0-9a-f]{40}@)[^<>]*>", re.IGNORECASE)
_GROUP_FIELDS = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code"})
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_COPIES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_NO_BOUNCE = ("message/disposition-notification", "message/feedback-report")
_CHARSETS = ("utf", "ascii", "iso", "cp", "koi8", "euc", "gb", "big5", "shift_jis", "hz", "mac")
_DAEMONS = ("mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster", "mail delivery", "maildaemon")


class Action(StrEnum):
    """What became of a letter for one recipient (RFC 3464, section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


ARRIVED = (Action.DELIVERED, Action.RELAYED, Action.EXPANDED)
"""What a report says of a letter that went on its way."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is told of one recipient. Addresses are for comparing only; ``words`` is what the server said."""

    action: Action
    status: str = ""
    words: str = ""
    addresses: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_hard(self) -> bool:
        """Whether the address is dead, as far as the server says: it failed for good, and for the address's sake.

        Not so where the mailbox is full (x.2.2) or the letter itself was not wanted: too large (x.3.4), its content
        (x.6.x), or a rule against its sender (x.7.x); the next letter may arrive (RFC 3463, section 3).
        """
        if self.action is not Action.FAILED or not self.status.startswith("5"):
            return False
        return not re.fullmatch(r"5\.(?:2\.2|3\.4|6\.\d+|7\.\d+)", self.status)


class Sort(StrEnum):
    """What sort of message it is."""

    BOUNCE = "bounce"
    REPLY = "reply"
    """Somebody's answer, by hand or by itself (an absence)."""
    OTHER = "other"
    """Nothing that tells of a delivery."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a message: its sort, the Message-IDs in it that may be ours (without ``<>``), who got what."""

    sort: Sort
    ids: tuple[tuple[str, str], ...] = ()
    groups: tuple[Group, ...] = ()
    told_at: datetime | None = None


class _Bounded(Compat32):
    """Reads messages, but refuses a header so long that splitting it would take minutes."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        if sum(map(len, sourcelines)) > _MOST_HEADER:
            raise RequestRefused(f"it has a header of more than {_MOST_HEADER:,} characters")
        name, value = super().header_source_parse(sourcelines)
        return name, str(value)


def read(content: bytes) -> Read:
    """Return what a message says. Raises ``RequestRefused`` with a reason (half a sentence) for one that is not readable."""
    content = _beginning(content)
    if len(_BOUNDARY.findall(content)) > _MOST_PARTS:
        raise RequestRefused(f"it has more than {_MOST_PARTS} parts within parts")
    try:
        message = message_from_bytes(content, policy=_Bounded())
        return _sorted(message, content)
    except RecursionError as error:
        raise RequestRefused("its parts are nested too deep") from error
    except (ValueError, LookupError, TypeError, AttributeError, IndexError, KeyError) as error:
        # The library's parser has raised each of these on broken messages; one of them must not stop the others.
        raise RequestRefused(f"it is no readable message ({type(error).__name__})") from error


def _beginning(content: bytes) -> bytes:
    content = content[:MOST_BYTES]
    if content.count(b"\n") <= MOST_LINES:
        return content
    return b"\n".join(content.split(b"\n", MOST_LINES)[:MOST_LINES])


@dataclass(slots=True)
class _Parts:
    """The texts of a message: reports of delivery, headers of the copy of our letter, and words."""

    reports: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    is_no_bounce: bool = False


def _sorted(message: Message, content: bytes) -> Read:
    parts = _parts(message)
    told_at = _moment(_head(message, "Date"))
    groups = _groups(parts.reports)
    written_by_server = _is_from_server(message)
    if not groups and written_by_server:
        groups = _groups(
            [text for text in parts.words if re.search(r"^(?:Final|Original)-Recipient", text, re.M | re.I)]
        )
    if groups and not parts.is_no_bounce:
        return Read(Sort.BOUNCE, _ids(message, parts, content), groups, told_at)
    if parts.is_no_bounce:
        return Read(Sort.OTHER, told_at=told_at)
    automatic = _head(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if not written_by_server:
        is_reply = automatic == "auto-replied" or bool(_head(message, "In-Reply-To") or _head(message, "References"))
        return Read(Sort.REPLY if is_reply else Sort.OTHER, told_at=told_at)
    group = _group_of_words(message, parts)
    return Read(Sort.BOUNCE, _ids(message, parts, content), (group,), told_at)


def _is_from_server(message: Message) -> bool:
    """Whether a mail server wrote it, not a person or a person's program.

    ``Auto-Submitted: auto-replied`` does not tell: Postfix and Exim write it on their bounces as absences do (RFC 3834).
    """
    if _head(message, "X-Failed-Recipients"):
        return True
    name, address = parseaddr(_head(message, "From"))
    who = f"{name} {address.partition('@')[0]}".lower()
    if any(word in who for word in _DAEMONS):
        return True
    if message.get_content_type() == "multipart/report" or _head(message, "X-MS-Exchange-Message-Is-Ndr"):
        return True
    automatic = _head(message, "Auto-Submitted").lower()
    return _head(message, "Return-Path").strip() == "<>" and not automatic.startswith("auto-replied")


def _head(message: Message, name: str) -> str:
    """Return a header as clean text, "" where there is none."""
    return _clean(str(message.get(name, "")), _MOST_HEADER)


# -- parts ------------------------------------------------------------------------------------------------------------


def _parts(message: Message) -> _Parts:
    found, waiting, seen = _Parts(), [message], 0
    while waiting:
        part = waiting.pop(0)
        seen += 1
        if seen > _MOST_PARTS:
            raise RequestRefused(f"it has more than {_MOST_PARTS} parts")
        kind = part.get_content_type()
        if kind in _REPORTS:
            found.reports.append(_text(part))
        elif kind in _COPIES:
            found.copies.append(_text(part))
        elif kind in _NO_BOUNCE:
            found.is_no_bounce = True
        elif part.is_multipart():
            payload = part.get_payload()
            waiting[:0] = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
        elif kind == "text/html":
            found.words.append(_TAG.sub(" ", _text(part)))
        elif part.get_content_maintype() == "text":
            found.words.append(_text(part))
    return found


def _text(part: Message) -> str:
    """Return a part as text with plain line ends, whatever it says of its encoding and letters."""
    payload = part.get_payload()
    if isinstance(payload, list):
        # A report's blocks, or the message in a message/rfc822 part: their headers, then what follows them.
        raw = "\n\n".join(_block(one) for one in payload[:_MOST_BLOCKS] if isinstance(one, Message))
    else:
        raw = str(payload)
    data = raw.encode("utf-8", "surrogateescape")
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding == "base64":
        data = _from_base64(data)
    elif encoding == "quoted-printable":
        data = quopri.decodestring(data)
    text = data.decode(_charset(part), "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _charset(part: Message) -> str:
    """Return the charset of a part: one that texts are written in; some of Python's others take minutes, or are none."""
    try:
        name = codecs.lookup(str(part.get_content_charset() or "utf-8")).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name.startswith(_CHARSETS) else "utf-8"


def _from_base64(data: bytes) -> bytes:
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    return base64.b64decode(kept + b"=" * (-len(kept) % 4))


def _block(message: Message) -> str:
    heads = "\n".join(f"{name}: {value}" for name, value in message.raw_items())
    payload = message.get_payload()
    return f"{heads}\n\n{payload}" if isinstance(payload, str) and payload.strip() else heads


# -- what it tells ----------------------------------------------------------------------------------------------------


def _groups(texts: Iterable[str]) -> tuple[Group, ...]:
    """Return the groups of all reports: one per recipient, also where a server forgot the line between them."""
    found: list[Group] = []
    for fields in _blocks(texts):
        if len(found) >= _MOST_BLOCKS:
            break
        if fields.keys() & _GROUP_FIELDS:
            found.append(_group(fields))
    return tuple(found)


def _blocks(texts: Iterable[str]) -> Iterator[dict[str, str]]:
    for text in texts:
        for block in re.split(r"\n[ \t]*\n", text):
            fields: dict[str, str] = {}
            for match in _FIELD.finditer(block):
                name, value = match[1].lower(), " ".join(match[2].split())
                if name in fields and name in ("final-recipient", "action"):
                    yield fields
                    fields = {}
                fields.setdefault(name, value)
            yield fields


def _group(fields: dict[str, str]) -> Group:
    words = _clean(fields.get("diagnostic-code", ""), WORDS_MOST)
    status = status_in(fields.get("status", "")) or status_in(words)
    named = re.match(r"[a-z]+", fields.get("action", "").strip().lower())
    if named and named[0] in set(Action):
        action = Action(named[0])
    else:
        action = (
            Action.DELAYED if status.startswith("4") else Action.DELIVERED if status.startswith("2") else Action.FAILED
        )
    addresses = {
        address.casefold()
        for name in ("final-recipient", "original-recipient")
        if (address := _address(fields.get(name, "")))
    }
    return Group(action, status, words or _clean(fields.get("status", ""), WORDS_MOST), frozenset(addresses))


def _address(value: str) -> str:
    """Return the address of ``rfc822; name@example.org``, also without the type or in angle brackets."""
    written = value.rpartition(";")[2].strip()
    return parseaddr(written)[1] or written


def status_in(text: str) -> str:
    """Return the status code in a text: an enhanced one (RFC 3463), for good before for now; else from a reply's number."""
    found = _STATUS.findall(text)
    replies = [f"{reply[0]}.0.0" for reply in _REPLY.findall(text)]
    for first in ("5", "4", "2"):
        for status in (*found, *replies):
            if status.startswith(first):
                return str(status)
    return ""


def _group_of_words(message: Message, parts: _Parts) -> Group:
    """Return what a bounce in plain words says: the status that stands before the copy of our letter."""
    whole = "\n".join(parts.words)
    said = _before_copy(whole)
    surely = _SAID.search(whole)
    status = status_in(said) or status_in(_head(message, "Subject")) or (surely[1] if surely else "")
    subject = _head(message, "Subject").lower()
    is_late = status.startswith("4") and bool(re.search(r"delay|warning|not yet", f"{subject} {said[:2000].lower()}"))
    action = Action.DELIVERED if status.startswith("2") else Action.DELAYED if is_late else Action.FAILED
    line = next((line for line in said.split("\n") if status and status_in(line) == status), "")
    words = _clean(line or _head(message, "Subject"), WORDS_MOST)
    failed = {address.strip().casefold() for address in _head(message, "X-Failed-Recipients").split(",")}
    return Group(action, status, words, frozenset(failed - {""}))


_COPY_BEGINS = re.compile(
    r"-{2,20}.*(?:copy|original message|returned message|message follows|below this line|headers)"
    r"|(?:received|return-path):|original message headers",
    re.IGNORECASE,
)
_SAID = re.compile(r"(?<![\d.])[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")


def _before_copy(text: str) -> str:
    """Return the server's own words: up to where the copy of the letter begins; else all of them."""
    place = 0
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        if place and _COPY_BEGINS.match(text[place : min(end, place + 200)].lstrip()):
            return text[:place]
        place = end + 1
    return text


def _ids(message: Message, parts: _Parts, content: bytes) -> tuple[tuple[str, str], ...]:
    """Return (forty hexadecimal digits, domain) of all Message-IDs that may be ours, the likeliest first."""
    heads = " ".join(_head(message, name) for name in ("Original-Message-ID", "In-Reply-To", "References"))
    texts = (*parts.copies, *parts.reports, heads, *parts.words, content.decode("latin-1"))
    found: dict[tuple[str, str], None] = {}
    for text in texts:
        for match in _OUR_ID.finditer(text):
            found.setdefault((match[1].lower(), match[2].lower()))
            if len(found) >= _MOST_IDS:
                return tuple(found)
    return tuple(found)


def _moment(written: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _clean(text: str, most: int) -> str:
    """Return a stranger's words on one line: no control, invisible or half signs."""
    kept = "".join(sign if unicodedata.category(sign)[0] not in "CZ" else " " for sign in text[: 4 * most])
    return " ".join(kept.split())[:most]
