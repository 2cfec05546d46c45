"""What a preprint that uses our data lacks: the rule, as a pure function of what was read. It never accuses on a guess.

A fault is said only of a text that was read whole, in the newest version known, by rules that look for the statement.
Everything else is *in order*, *not read*, or *cannot be told*, and the sentence says why. What counts as what:

- **named**: a code of the project list, printed as it is written, where authors say what they used or do not say what
  for; not in a comment or a list of references, not in a sentence that only speaks of a project.
- **stated**: a sentence of use that the profile calls a statement, or a named code in the acknowledgements or data
  statement, or one printed with the observatory's prefix.
- **in order**: named and stated, in the newest reading or in any other text of the paper that we know of.
- **no statement**: neither; or a code stands somewhere in the text, but the statement does not.
- **no code**: stated, but no code is named.
- **wrong code**: what is printed is no project's code, or one whose data were not used as a librarian judged.

A well-formed code that the project list does not hold is no fault by itself: lists lag. It is one only beside a project
that was accepted or is certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from biblio.store.words import ContactFault


class Standing(StrEnum):
    """How a preprint stands. ``unread``: its newest version was not read; ``untold``: what was read does not tell."""

    FAULT = "fault"
    IN_ORDER = "in_order"
    UNREAD = "unread"
    UNTOLD = "untold"


LEAST_CHARACTERS = 3_000
"""A shorter text is an abstract or a passage, whatever it came as: the shortest research notes have some 5,000."""

_STATED_IN = ("acknowledgement", "data_statement")
_NOT_PRINTED = "comment"
_LISTED = "references"


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage that was kept, cut around its mark; ``stands_in`` is the part of the paper, ``place`` file and page."""

    before: str
    mark: str
    after: str
    stands_in: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class SeenCode:
    """A project code seen in a text, as ``matching.codes.Mention`` says; ``has_prefix``: the observatory's stands before."""

    code: str
    as_written: str
    in_registry: bool | None
    certain: bool
    stands_in: str
    is_use: bool | None
    has_prefix: bool
    quote: Quote


@dataclass(frozen=True, slots=True)
class TextSeen:
    """One reading of a full text. ``number`` is arXiv's version, ``name`` how pages call it ("2601.00001v1").

    ``unread_parts`` None: not counted. ``is_read_for_statements``: phrases were looked for. ``named``: in how many
    places it names the observatory. ``uses`` are passages on data of the observatory, the most telling first.
    """

    reading_id: int
    name: str
    number: int | None
    format: str
    characters: int
    unread_parts: int | None
    is_read_for_statements: bool
    named: int | None
    codes: tuple[SeenCode, ...] = ()
    statements: tuple[Quote, ...] = ()
    uses: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Believed:
    """The projects a paper used: as a librarian accepted, and as the matcher believes; ``refused`` by a librarian."""

    accepted: frozenset[str] = frozenset()
    certain: frozenset[str] = frozenset()
    likely: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()

    @property
    def sure(self) -> frozenset[str]:
        """The codes that a letter names without being asked to."""
        return self.accepted | self.certain


@dataclass(frozen=True, slots=True)
class Finding:
    """How a preprint stands, by which reading of which version, in a sentence for a librarian, with the quote."""

    standing: Standing
    sentence: str
    fault: ContactFault | None = None
    quote: Quote | None = None
    reading_id: int | None = None
    version: str | None = None
    number: int | None = None
    is_elsewhere: bool = False
    """The quote is from another text of the paper than the reading."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The codes of a text by what they are worth."""

    good: tuple[SeenCode, ...]
    misprinted: tuple[SeenCode, ...]
    refused: tuple[SeenCode, ...]
    unknown: tuple[SeenCode, ...]
    doubtful: tuple[SeenCode, ...]
    other: tuple[SeenCode, ...] = field(default=())
    """Printed, but not as data used."""


def find_fault(
    text: TextSeen | None,
    elsewhere: Iterable[SeenCode],
    believed: Believed,
    *,
    newest: int | None,
    judges_statements: bool,
) -> Finding:
    """Return how a preprint stands.

    ``text``: its newest reading; ``elsewhere``: codes seen in other texts of the paper (passages from ADS, a library's
    file); ``newest``: arXiv's newest version as far as known. ``judges_statements``: the profile says what a statement
    is. The order of codes, statements and other texts changes nothing but the quote.
    """
    if text is None:
        return Finding(Standing.UNREAD, "The text was not read.")
    if newest is not None and text.number is not None and text.number < newest:
        return _by(text, Standing.UNREAD, f"Version {newest} was not read yet; version {text.number} was.")
    codes = _sorted(text.codes, believed, text.format)
    is_stated = bool(text.statements) or any(_is_statement(code) for code in codes.good) or not judges_statements
    if codes.good and is_stated:
        best = max(codes.good, key=lambda c: (_is_statement(c), c.code in believed.sure, c.quote.mark))
        return _by(text, Standing.IN_ORDER, f"It names {best.code}.", quote=best.quote)
    outside = _sorted(elsewhere, believed, "")
    stated_outside = [code for code in outside.good if _is_statement(code)]
    if stated_outside or (outside.good and text.statements):
        best = (stated_outside or list(outside.good))[0]
        in_order = _by(text, Standing.IN_ORDER, f"Another text of this paper names {best.code}.", quote=best.quote)
        return replace(in_order, is_elsewhere=True)
    if (why := _why_not_told(text, codes, outside)) is not None:
        return _by(text, Standing.UNTOLD, why)
    return _fault(text, codes, believed)


def _sorted(seen: Iterable[SeenCode], believed: Believed, form: str) -> _Sorted:
    kinds: dict[str, list[SeenCode]] = {
        name: [] for name in ("good", "misprinted", "refused", "unknown", "doubtful", "other")
    }
    for code in sorted(seen, key=lambda c: (c.code, c.stands_in, c.quote.before, c.as_written)):
        if code.stands_in != _NOT_PRINTED:
            kinds[_kind(code, believed, form)].append(code)
    return _Sorted(**{name: tuple(found) for name, found in kinds.items()})


def _kind(code: SeenCode, believed: Believed, form: str) -> str:
    if code.is_use is False or code.stands_in == _LISTED:
        return "other"
    if code.in_registry is False:
        return "unknown"
    if not code.in_registry or not code.certain:
        return "doubtful"
    if code.code in believed.refused:
        return "refused"
    return "misprinted" if _is_misprint(code, form) else "good"


def _is_misprint(code: SeenCode, form: str) -> bool:
    """Whether authors printed the code otherwise than it is. Of a PDF that cannot be told: lines break, letters are lost.

    In a list the later codes may leave out what they share with the first ("…1.00092.S, #00123.S").
    """
    if form not in ("tex", "text", "xml", "html"):
        return False
    written, right = _bare(code.as_written), _bare(code.code)
    return not (written.endswith(right) or (len(written) >= 5 and right.endswith(written)))


def _bare(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", re.sub(r"\\[a-z]+\b", "", text.casefold()))


def _is_statement(code: SeenCode) -> bool:
    return code.stands_in in _STATED_IN or code.has_prefix


def _why_not_told(text: TextSeen, codes: _Sorted, outside: _Sorted) -> str | None:
    """Why nothing can be said to be missing from this text; None where it can."""
    if not text.is_read_for_statements:
        return "The text was read before statements were looked for; it is read anew with its next version."
    if text.unread_parts or (text.unread_parts is None and text.format == "pdf"):
        parts = "Some parts" if text.unread_parts is None else _counted(text.unread_parts)
        return f"{parts} of the file could not be read: the statement may stand there."
    if text.characters < LEAST_CHARACTERS:
        return f"Only {text.characters} characters were read: that is no whole paper."
    if not text.named:
        return "The text that was read does not name the observatory at all; it may be another one."
    if outside.good or outside.unknown:
        code = (outside.good or outside.unknown)[0].code
        return f"Another text of this paper prints {code}, and this one does not: look at both."
    if not (codes.good or codes.misprinted or codes.refused or codes.unknown):
        if codes.doubtful:
            return f"It prints “{codes.doubtful[0].as_written}”, which may mean several projects."
        if codes.other:
            return f"It prints {codes.other[0].code}, though not as data it used: look at the quote."
    return None


def _counted(parts: int) -> str:
    return "One part" if parts == 1 else f"{parts} parts"


def _fault(text: TextSeen, codes: _Sorted, believed: Believed) -> Finding:
    if codes.good:
        seen = codes.good[0]
        sentence = f"It prints {seen.code}, but not the statement that the observatory asks for."
        return _by(text, Standing.FAULT, sentence, fault=ContactFault.NO_STATEMENT, quote=seen.quote)
    if codes.misprinted:
        seen = codes.misprinted[0]
        sentence = f"It prints “{seen.as_written}”, which is no project code; {seen.code} seems to be meant."
        return _by(text, Standing.FAULT, sentence, fault=ContactFault.WRONG_CODE, quote=seen.quote)
    if codes.refused or codes.unknown:
        return _wrong(text, (codes.refused or codes.unknown)[0], believed, is_known=bool(codes.refused))
    if text.statements:
        sentence = "It states that our data were used, but names no project code."
        return _by(text, Standing.FAULT, sentence, fault=ContactFault.NO_CODE, quote=text.statements[0])
    sentence = "It has neither the statement nor a project code."
    quote = text.uses[0] if text.uses else None
    return _by(text, Standing.FAULT, sentence, fault=ContactFault.NO_STATEMENT, quote=quote)


def _wrong(text: TextSeen, seen: SeenCode, believed: Believed, *, is_known: bool) -> Finding:
    what = "whose data a librarian found not to be used" if is_known else "which the project list does not hold"
    missing = sorted(believed.sure - {seen.code})
    if not missing:
        why = "No other project is certain." if is_known else "The list may lag; no other project is certain."
        return _by(text, Standing.UNTOLD, f"It prints {seen.code}, {what}. {why}", quote=seen.quote)
    sentence = f"It prints {seen.code}, {what}, and not {', '.join(missing)}."
    return _by(text, Standing.FAULT, sentence, fault=ContactFault.WRONG_CODE, quote=seen.quote)


def _by(
    text: TextSeen, standing: Standing, sentence: str, *, fault: ContactFault | None = None, quote: Quote | None = None
) -> Finding:
    """A finding that names the reading and version it rests on."""
    return Finding(standing, sentence, fault, quote, text.reading_id, text.name, text.number)
