"""Reading a damaged code: which stretch of repaired text it is, and which code it can only, or may, have been.

Two roads lead to a code. One asks the registry: does this run of tokens equal a known code but for confusable
characters or one edit? The other reads the shape: a year, a call, a number and a kind with a lost zero, a letter for
a digit or a missing end can be put right without knowing any code. Neither ever replaces a well-formed code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import NamedTuple

from matching.forms import CONFUSABLE_GROUPS, SEPARATOR_CHARACTERS, Field, Form, folded, skeleton
from matching.grammar import Grammar
from matching.registry import Registry

_TOKEN = re.compile(r"[0-9A-Za-z|]+")
_GAP = re.compile(rf"[{SEPARATOR_CHARACTERS}()\[\]]{{1,5}}")
_DIGIT_LIKE = frozenset("0123456789OoQDlI|SBGZz")
_ENDING = re.compile(r"[.,·_-][A-Z]|\([A-Z]\)")  # a run that leaves its last field out is not whole
_MOST_TOKENS = 9
_DATE_AND_HOUR = re.compile(
    r"(?:19|20)\d\d([./-])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])[\s-]{1,3}\d{1,2}(?![\w]|\.[A-Z\d])"
)
"""A day followed by an hour or another day; a code that a blank cuts goes on with more digits or its kind."""


class Reading(NamedTuple):
    """One reading of a damaged code: where it stands in the repaired text, what it means, what else it may mean.

    ``only`` says that exactly one registry code is within one edit or a folding, and that the shape does not speak
    for a code outside the registry. ``rank``: 0 folding, 1 one edit, 2 shape, 3 a shape so weak that the registry must
    hold the code, 4 nothing but the prefix before it. ``bare``: the last field is not printed at all.
    """

    start: int
    end: int
    code: str
    only: bool
    candidates: tuple[str, ...]
    rank: int
    bare: bool = False


def is_day(text: str, start: int) -> bool:
    """Whether a day with an hour or another day begins here, and no damaged code."""
    return _DATE_AND_HOUR.match(text, start) is not None


class _Span(NamedTuple):
    """A run of tokens: its bounds, its skeleton, and the skeleton offsets at which a visible separator stands."""

    start: int
    end: int
    plain: str
    breaks: tuple[int, ...]
    dots: int


def _spans(
    text: str, stretch: tuple[int, int], low: int, high: int, heads: frozenset[str] = frozenset()
) -> Iterator[_Span]:
    """Within the stretch, runs of neighbouring tokens with ``low`` to ``high`` letters and digits that look like a code.

    A run begins with digits or with one of the ``heads``.
    """
    tokens = [(token.start(), token.end()) for token in _TOKEN.finditer(text, *stretch)]
    for first, (start, stop) in enumerate(tokens):
        if stop - start > 60:
            continue
        glued = re.match(r"[A-Za-z]{3,}(?=[0-9])", text[start:stop])
        begin = start + glued.end() if glued else start
        head = text[begin:stop]
        plain = sum(character in _DIGIT_LIKE for character in head) >= min(2, len(head)) and any(map(str.isdigit, head))
        if not plain and head.upper() not in heads:
            continue
        yield from _runs(text, tokens, first, begin, (low, high))


def _runs(text: str, tokens: list[tuple[int, int]], first: int, begin: int, bounds: tuple[int, int]) -> Iterator[_Span]:
    """The runs that begin at ``begin``, shortest first."""
    plain, breaks, dots, at = "", [], 0, begin
    for start, stop in tokens[first : first + _MOST_TOKENS]:
        if plain:
            gap = text[at:start]
            if not _GAP.fullmatch(gap) or ";" in gap or ", " in gap:
                return
            if ")" in gap and gap[-1].isspace() and "(" not in text[begin:at]:
                return  # "(2016) 00123.S"
            if gap.strip():
                breaks.append(len(plain))
                dots += 1
        plain += skeleton(text[max(start, begin) : stop])
        at = stop
        if len(plain) > bounds[1]:
            return
        likely = sum(character in _DIGIT_LIKE for character in plain) >= len(plain) // 2
        if len(plain) >= bounds[0] and likely and sum(map(str.isdigit, plain)) > 1 and not _ENDING.match(text, stop):
            yield _Span(begin, stop, plain, tuple(breaks), dots)


def _fits(span: _Span, code: str, slack: int = 1, spare: int = 0) -> bool:
    """Whether the visible separators of the span stand where the code has its own, or at most ``slack`` places off.

    ``spare`` of them may stand where the code has none: a dot typed amid a number.
    """
    parts = [len(skeleton(part)) for part in re.split(r"[^0-9A-Za-z]+", code) if part]
    borders = list(accumulate(parts))[:-1]
    misplaced = sum(all(abs(place - border) > slack for border in borders) for place in span.breaks)
    return misplaced <= spare and span.dots - misplaced >= min(1 + spare, len(borders))


def read_by_registry(
    text: str, stretch: tuple[int, int], registry: Registry, bounds: tuple[int, int], near: Callable[[int], int]
) -> list[Reading]:
    """Readings of runs of tokens that are a registry code but for folding or one edit; best first for each place."""
    found = []
    for span in _spans(text, stretch, bounds[0] - 1, bounds[1] + 1, registry.heads):
        neighbours = registry.neighbours(span.plain, edits=span.dots >= 2 or near(span.start) > 0)
        same = tuple(code for code in neighbours.same if _fits(span, code, spare=0 if _fits(span, code) else 1))
        alike = tuple(code for code in neighbours.alike if _fits(span, code, slack=0))
        edits = tuple(code for code in neighbours.near if _fits(span, code) and code not in alike)
        astray = () if same or alike or edits else tuple(code for code in neighbours.near if _fits(span, code, spare=1))
        candidates = tuple(dict.fromkeys((*same, *alike, *_by_likelihood(span.plain, (*edits, *astray)))))
        if not candidates or registry.grammar.canonical(text[span.start : span.end]) is not None:
            continue
        only = len(same or alike or edits) == 1
        if only and not same and alike and registry.rivals(span.plain, alike[0]):
            only = False  # the strange letter may be a slip for another digit than the one it looks like
        found.append(Reading(span.start, span.end, candidates[0], only, candidates, 0 if same or alike else 1))
    return found


def _by_likelihood(plain: str, codes: tuple[str, ...]) -> tuple[str, ...]:
    """Codes one edit away, the likelier slips first: a zero lost or too many, a swap, the kind, then the rest."""

    def unlikely(code: str) -> tuple[int, str]:
        other = skeleton(code)
        if other.replace("0", "") == plain.replace("0", ""):
            return 0, code
        if sorted(other) == sorted(plain):
            return 1, code
        if other.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == plain.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            return 2, code
        return 3, code

    return tuple(sorted(codes, key=unlikely))


# After the first character: it begins a word, or it is a digit and at least two letters stand before it, a word that
# lost its blank.
_BEGINS = r"(?:(?<![0-9A-Za-z][0-9A-Za-z|])|(?<=[A-Za-z]{2}[0-9|]))"


class ShapeReader:
    """Reads damaged codes by their shape alone, for the forms of a grammar that have at least three fields."""

    def __init__(self, grammar: Grammar) -> None:
        self._forms = [(form, self._pattern(form)) for form in grammar.forms if len(form.fields) >= 3]
        self._heads = {form.name: _alike(form.fields[0].head) for form in grammar.forms}

    @staticmethod
    def _pattern(form: Form) -> re.Pattern[str]:
        """The form with every field digit-like and of about the right length, the last one possibly missing."""
        gap = rf"(?:[{SEPARATOR_CHARACTERS}()\[\]]{{1,4}})"
        built = form.lead
        for place, (literal, part) in enumerate(form.parts):
            last = place == len(form.fields) - 1
            begins = "" if place or form.lead else _BEGINS
            between = gap if literal else f"{gap}?"
            if part.sort == "digits":
                low = max(1, part.low - (1 if place == 0 else 4))
                body = f"{'[0-9OoQDlI|SBGZz]' if place else _misread(part.begins)}{begins}(?: ?[0-9OoQDlI|SBGZz]){{{low - 1},{part.high + 1}}}"
            else:
                body = f"[0-9A-Za-z|]{begins}[0-9A-Za-z|]{{0,{(max(3, part.high) if last else part.high) - 1}}}"
            group = f"(?P<{part.name}>{body})"
            built += f"(?:{between}{group}(?![0-9A-Za-z]))?" if last else (f"{between}{group}" if place else group)
        return re.compile(rf"{built}(?![0-9A-Za-z])")

    def read(self, text: str, stretch: tuple[int, int], near: Callable[[int], int]) -> Iterator[Reading]:
        """Codes put right by their shape; ``near`` says that the observatory is named just before."""
        start, stop = stretch
        for form, pattern in self._forms:
            if form.fields[0].sort == "characters" and self._heads[form.name].search(text, start, stop) is None:
                continue
            at = start
            while (found := pattern.search(text, at, stop)) is not None:
                reading = self._mended(form, found, near(found.start()))
                if reading is not None:
                    yield reading
                # What was no code may have swallowed the beginning of one.
                at = found.end() if reading is not None else _next_token(text, found.start())

    @staticmethod
    def _mended(form: Form, found: re.Match[str], near: int) -> Reading | None:
        """The reading of one match, or None when too much had to be guessed."""
        *front, last = form.fields
        ending = found[last.name]
        if sum(map(str.isdigit, found[0])) < 3:
            return None
        values: dict[str, str | None] = {part.name: _mended_part(part, found[part.name], near) for part in front}
        if None in values.values():
            return None
        mended = None if ending is None else last.mend(ending)
        if ending and not near and (ending[0].islower() or found.string[found.start(last.name) - 1].isspace()):
            mended = None
        if not near and not _same_signs(found, last.name if mended else front[-1].name):
            return None
        digits = len(found[front[-1].name].replace(" ", ""))
        if mended is None and not (last.optional and ending is None):
            # The last field is missing or cannot be read: then the number must be whole, or stand right after our name.
            enough = digits >= front[-1].low or (near > 1 and digits >= 3) or near > 2
            if last.default is None or not enough:
                return None
        values[last.name] = mended or last.default
        takes_ending = ending is not None and (
            mended is not None or (len(ending) <= 2 and any(map(str.isdigit, ending)))
        )
        end = found.end(last.name) if takes_ending else found.end(front[-1].name)
        weak = mended is not None and digits < 3 and not near
        return Reading(
            found.start(form.fields[0].name), end, form.render(values), False, (), 3 if weak else 2, mended is None
        )


def _alike(letters: str) -> re.Pattern[str]:
    """The letters in either case, each perhaps mistaken for another."""
    groups = [next((group for group in CONFUSABLE_GROUPS if letter in group), letter) for letter in letters]
    return re.compile("".join(f"[{re.escape(group + group.lower())}]" for group in groups))


def _misread(begins: str) -> str:
    """The class of characters that the first digit of a field may have become, a zero before it included."""
    return (
        "[" + "".join(sign for sign in "0123456789OoQDlI|SBGZz" if not begins or folded(sign) in (begins[0], "0")) + "]"
    )


def _next_token(text: str, start: int) -> int:
    """Where the run of letters and digits that begins at ``start`` ends."""
    token = _TOKEN.match(text, start)
    return token.end() if token else start + 1


def _mended_part(part: Field, written: str, near: int) -> str | None:
    """A field before the last one put right, or None; far from our name no blanks and at most half of it misread."""
    plain = written.replace(" ", "")
    first, blank, _ = written.partition(" ")
    if part.sort == "digits" and blank and not any(map(str.isdigit, first)):
        return None  # a word before the code, as in "ID 94"
    if near < 2 and part.sort == "digits" and len(plain) > 2 and not any(map(str.isdigit, plain)):
        return None  # a word such as "soll"
    if not near:
        misread = part.sort == "digits" and len(plain) > 2 and sum(map(str.isdigit, plain)) * 2 < len(plain)
        if misread or " " in written:
            return None
    return part.mend(plain)


def _same_signs(found: re.Match[str], last: str) -> bool:
    """Whether the parts are set apart by one and the same visible sign: a bare run of numbers is no code."""
    gaps = re.findall(r"[^0-9A-Za-z|]+", found.string[found.start() : found.end(last)])
    return len({gap.strip() for gap in gaps}) == 1 and gaps[0].strip() not in ("", "(", ")", "#")


_AFTER_PREFIX = re.compile(r"[0-9A-Za-z|]{1,8}(?:[.·_-]{1,2}[0-9A-Za-z|]{1,8}){1,5}")


def read_after_prefix(
    text: str, stretch: tuple[int, int], bounds: tuple[int, int], grammar: Grammar
) -> Iterator[Reading]:
    """What stands directly after our prefix and looks like a code, however damaged: reported as it is written."""
    for prefix in grammar.marked_prefix.finditer(text, max(0, stretch[0] - 40), stretch[1]):
        found = _AFTER_PREFIX.match(text, prefix.end(), stretch[1])
        if found is None or found.start() < stretch[0]:
            continue
        plain = skeleton(found[0])
        digits = sum(map(str.isdigit, plain)), sum(map(str.isdigit, folded(found[0])))
        if bounds[0] - 2 <= len(plain) <= bounds[1] + 2 and (digits[0] >= 7 or (digits[0] >= 2 and digits[1] >= 9)):
            yield Reading(found.start(), found.end(), re.sub(r"[^0-9A-Z|]+", ".", found[0].upper()), False, (), 4)
