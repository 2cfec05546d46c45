"""Fields and forms: how one code of an observatory is built, and the patterns it is known by, whole or broken.

Here too stands what makes two spellings of a code the same: its letters and digits, and the characters that are
mistaken for one another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

# Pairs that optical character recognition and tired eyes mix up; the first of each group stands for all. A small l
# is written "|" (see ``_SMALL``), so that a capital L is no 1.
CONFUSABLE_GROUPS = ("0OQD", "1I|", "5S", "8B", "6G", "2Z")
FOLD = str.maketrans({letter: group[0] for group in CONFUSABLE_GROUPS for letter in group[1:]})
DIGIT_LIKE = "0-9OoQDlI|LSsBGZz\u00d8\u00f8\u2205\uff10-\uff19\U0001d7ce-\U0001d7ff"

# What may stand where a separator belongs: blanks, dots of all kinds, commas, dashes, slashes, lost characters.
SEPARATOR_CHARACTERS = r" .,;:?_/|\\~'’´`^+*#…·•∙‧⋅◦・･。、–—−‒―‐‑\-\ufffd\u25a0\u25a1"
_SEPARATOR = f"[{SEPARATOR_CHARACTERS}]"

# After the first character of a code: a word may have lost its blank before it; one letter may be a digit.
_BEGINS = r"(?:(?<![0-9A-Za-z][0-9A-Za-z])|(?<=[A-Za-z]{2}[0-9A-Za-z]))"


@dataclass(frozen=True)
class Field:
    """One part of a code: ``digits`` (padded to ``low`` with zeros), ``characters`` of a class, or a ``choice``."""

    name: str
    sort: str
    low: int
    high: int
    pattern: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    optional: bool = False
    free_zeros: bool = False
    begins: str = ""

    @cached_property
    def spaced(self) -> str:
        """Pattern of the field in repaired text, blanks allowed where a line was broken."""
        if self.sort == "digits":
            return f"[0-9](?: ?[0-9]){{{self.low - 1},{self.high - 1}}}"
        if self.sort == "choice":
            return "(?:" + "|".join(sorted(map(re.escape, self.choices), key=len, reverse=True)) + ")"
        return f"(?:{self.pattern})"

    @cached_property
    def opening(self) -> str:
        """``spaced`` of the first field of a code, at a place where a code may begin in repaired text.

        It begins with a character or a class, and only then looks back: so it is searched fast.
        """
        if self.sort == "digits":
            rest = "".join(f" ?{digit}" for digit in self.begins[1:])
            least = 1 + len(self.begins[1:])
            blanks = f"(?: ?[0-9]){{{self.low - least},{self.high - least}}}"
            return f"{self.begins[:1] or '[0-9]'}{_BEGINS}{rest}{blanks}"
        if self.sort == "choice":
            choices = sorted(self.choices, key=len, reverse=True)
            return "(?:" + "|".join(re.escape(choice[0]) + _BEGINS + re.escape(choice[1:]) for choice in choices) + ")"
        first = re.match(r"[0-9A-Za-z](?![?*+{])|\[[^\]\\]+\](?![?*+{])", self.pattern)
        if first is None or "|" in self.pattern:
            return f"(?:(?<![0-9A-Za-z])|(?<=[A-Za-z]{{2}})){self.spaced}"
        return first[0] + _BEGINS + self.pattern[first.end() :]

    @cached_property
    def head(self) -> str:
        """The capitals and digits that every value of digits or characters begins with, as far as they are fixed."""
        if self.sort == "digits":
            return self.begins
        if self.sort == "choice":
            return ""
        fixed = re.match(r"(?:[0-9A-Z](?![?*+{]))*", self.pattern)
        return fixed[0] if fixed and "|" not in self.pattern else ""

    @cached_property
    def exact(self) -> re.Pattern[str]:
        """Pattern of the whole field in a canonical code."""
        return re.compile(self.pattern)

    def mend(self, written: str) -> str | None:
        """The field as it must have been meant, from confusable characters and lost or extra zeros; None if unclear."""
        text = written.upper()
        if self.exact.fullmatch(text):
            return text
        if self.sort == "digits":
            digits = skeleton(written).translate(FOLD)
            if not digits.isdigit() or not digits.strip("0"):
                return None
            if len(digits) > self.high:
                digits = digits.lstrip("0")
            digits = digits.zfill(self.low)
            return digits if self.exact.fullmatch(digits) else None
        plain = skeleton(written).translate(FOLD)
        alike = [choice for choice in self.choices if choice.translate(FOLD) == plain]
        if len(alike) == 1:
            return alike[0]
        return plain if not self.choices and self.exact.fullmatch(plain) else None


@dataclass(frozen=True)
class Form:
    """One way a code is built: literals and fields in turn, ``tail`` after the last field."""

    name: str
    parts: tuple[tuple[str, Field], ...]
    tail: str
    glued: bool
    anchors: tuple[str, ...]
    anchors_when_named: tuple[str, ...]
    needs_context: bool
    _closers: dict[str, str] = field(default_factory=lambda: {"(": ")", "[": "]", "{": "}"}, repr=False)

    @cached_property
    def lead(self) -> str:
        """Pattern of what the template prints before the first field, at a place where a code may begin; or nothing."""
        written = self.parts[0][0].strip()
        signs = [re.escape(sign) if sign.isalnum() else f"{_SEPARATOR}{{0,4}}" for sign in written]
        return signs[0] + _BEGINS + "".join(signs[1:]) if written[:1].isalnum() else ""

    @cached_property
    def heads(self) -> frozenset[str]:
        """The letters a code of this form may begin with, where they are known: its lead, or the first field's choices."""
        first = self.fields[0]
        lead = "".join(sign for sign in self.parts[0][0].upper() if sign.isalnum())
        return frozenset({lead} if lead else first.choices)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields in order."""
        return tuple(part for _, part in self.parts)

    def render(self, values: Mapping[str, str | None]) -> str:
        """The canonical code with these field values (optional fields that are None are left out)."""
        written = []
        for literal, part in self.parts:
            value = values.get(part.name)
            if value is None:
                continue
            written.append(literal + value + (self._closers.get(literal[-1:], "") if part.optional else ""))
        return "".join(written) + self.tail

    @cached_property
    def canonical(self) -> re.Pattern[str]:
        """Full pattern of a canonical code of this form, one named group per field."""
        built = ""
        for literal, part in self.parts:
            group = f"{re.escape(literal)}(?P<{part.name}>{part.pattern})"
            if part.optional:
                group = f"(?:{group}{re.escape(self._closers.get(literal[-1:], ''))})?"
            built += group
        return re.compile(built + re.escape(self.tail))

    @cached_property
    def canonical_anywhere(self) -> re.Pattern[str]:
        """A canonical code with nothing that could be more of it on either side, looked for in a longer text."""
        optional = self.fields[-1].optional
        return re.compile(rf"(?<![0-9A-Za-z.]){self.canonical.pattern}(?![0-9A-Za-z]{'' if optional else '|[.][0-9]'})")

    @cached_property
    def whole(self) -> re.Pattern[str]:
        """Pattern of an undamaged code in repaired text: any separators, broken digits, either case."""
        built = self.lead
        for place, (literal, part) in enumerate(self.parts):
            gap = (
                ""
                if place == 0
                else f"(?P<gap{place}>{_SEPARATOR}{{{0 if self.glued or literal in ('', '-') else 1},4}})"
            )
            if part.optional:
                closer = self._closers.get(literal[-1:], "")
                written = f" {{0,2}}{re.escape(literal)} ?(?P<{part.name}>{part.spaced}) ?{re.escape(closer)}"
                built += f"(?:{written}|(?![0-9]))" if closer else f"(?:{written})?(?![0-9])"
            else:
                built += f"{gap}(?P<{part.name}>{part.spaced if place or self.lead else part.opening})"
        last = self.fields[-1]
        right = r"(?![0-9A-Za-z])" if not last.optional else ""
        if self.needs_context:
            right = rf"(?![0-9A-Za-z]|\.[0-9]|\.[{DIGIT_LIKE}]{{2,4}}(?![0-9A-Za-z]))"
        if last.sort == "choice" and not last.optional:
            another = rf"(?![.·]{last.pattern}(?![0-9A-Za-z]))"
            right = rf"(?:(?![0-9A-Za-z]){another}|(?P<glue>(?-i:(?=[A-Z][a-z]|[a-z]{{2}}|[12][0-9]{{3}}[. ]|[A-Z]{{3,}}))))"
        return re.compile(built + right, re.IGNORECASE)

    def ends_in_next_word(self, match: re.Match[str]) -> bool:
        """Whether the last field of a ``whole`` match is but the first letter of a word: "2019.1.00276. Since then"."""
        is_glued = "glue" in self.whole.groupindex and match["glue"] is not None
        return is_glued and any(map(str.isspace, match[f"gap{len(self.parts) - 1}"] or ""))

    @property
    def last_choices(self) -> str:
        """What the last field may be, in capitals or small letters, as a pattern: ``{K}`` in an anchor."""
        choices = sorted(self.fields[-1].choices, key=len, reverse=True)
        return "(?:" + "|".join(re.escape(choice) for choice in (*choices, *map(str.lower, choices))) + ")"

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """Least and greatest number of letters and digits of a code of this form."""
        lead = sum(map(str.isalnum, self.parts[0][0]))
        least = sum(part.low for part in self.fields if not part.optional)
        return lead + least, lead + sum(part.high for part in self.fields)


# Small letters that look like no digit, unlike their capitals, and the one that does, unlike its capital.
_SMALL = str.maketrans("dqbgzil", "??????|")
_NOT_IN_SKELETON = re.compile(r"[^0-9A-Za-z|]+")
# The same in one step, where nothing but ASCII is written: a third of the time.
_ASCII_SKELETON = {
    place: None if _NOT_IN_SKELETON.match(chr(place)) else chr(place).translate(_SMALL).upper() for place in range(128)
}


def skeleton(code: str) -> str:
    """Letters and digits of a code alone, upper case: what all lossless spellings have in common."""
    if code.isascii():
        return code.translate(_ASCII_SKELETON)
    return _NOT_IN_SKELETON.sub("", code).translate(_SMALL).upper()


def folded(code: str) -> str:
    """The skeleton with confusable characters made equal."""
    return skeleton(code).translate(FOLD)
