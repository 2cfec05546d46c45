"""Codes of which only the end is printed: items of a list ("#00123.S"), and a number alone ("project 340.S")."""

from __future__ import annotations

import re
from collections.abc import Iterator

from matching.forms import Form
from matching.grammar import Grammar

LIST_GLUE = re.compile(
    r"(?:\s?\([^()]{0,60}\))?(?:\s{0,2}(?:[,;&/+]|and(?![a-z])|or(?![a-z])|as well as|to(?![a-z])|through|[–—-])){1,3}\s{0,2}"
    r"(?:(?:projects?|programs?|codes?|no\.)\s)?"
)
_NEAR = 100  # characters between our name and a bare number
# What may follow a number that has no kind: "project 340 of", but not "project 340 sources".
_AFTER_NUMBER = r"(?=\s?(?:[.,;:)\]]|$|(?:of|from|by|in|was|is|and|with|for|on|we|to|at|as|which|that)\b))"


class NumberReader:
    """Finds numbers that stand for a code, after a word such as "project" or our name and the sign of our prefix."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        forms = [form for form in grammar.forms if grammar.number_alone and has_items(form)]
        # Forms that end alike read the same numbers.
        self._forms = [(form, pattern) for pattern, form in {_number_pattern(form): form for form in forms}.items()]
        words = "|".join(map(re.escape, sorted(grammar.number_words, key=len, reverse=True)))
        self._bare = re.compile(
            rf"(?i:{words})s?(?:\s(?:codes?|ids?|numbers?|nos?\.?)(?: is)?)?[\s:#(~]{{1,4}}"
            r"(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{2,5}(?![0-9.,:])"
            if words
            else r"(?!)"
        )

    def __bool__(self) -> bool:
        return bool(self._forms)

    def spots(self, text: str, named: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Where in a raw text a bare number stands after one of the words and near our name; ``named`` in order."""
        at = 0
        for start, end in named:
            for found in self._bare.finditer(text, max(at, start - _NEAR), end + _NEAR):
                yield found.span()
            at = max(at, end + _NEAR // 2)

    def read(self, text: str) -> Iterator[tuple[re.Match[str], str, str | None]]:
        """The match, the padded number and the kind (or None) of each number in repaired text that stands for a code."""
        is_named = any(name in text for name in self._grammar.names)
        for form, pattern in self._forms:
            last_end = -1
            for match in pattern.finditer(text):
                goes_on = last_end >= 0 and match[2] is not None and LIST_GLUE.fullmatch(text, last_end, match.start())
                if goes_on or self._stands_for_code(text, form, match, is_named):
                    last_end = match.end()
                    yield match, match[1].zfill(form.fields[-2].low), match[2]

    def _stands_for_code(self, text: str, form: Form, match: re.Match[str], is_named: bool) -> bool:
        """Whether what stands before the number says that it is one of a project."""
        before = text[max(0, match.start() - 40) : match.start()]
        if match[2] is None and not (len(match[1]) == form.fields[-2].low and match[1].startswith("0")):
            is_year = len(match[1]) == 4 and match[1][:2] in ("19", "20")
            return is_named and not is_year and len(match[1]) > 1 and bool(self._grammar.number_word.search(before))
        if self._grammar.project_word.search(before):
            return True
        return match[2] is not None and before.endswith("#") and bool(self._grammar.just_before_code.search(before))


def has_items(form: Form) -> bool:
    """Whether lists of this form's codes may leave out their first parts: number and kind then stand alone."""
    return len(form.fields) >= 4 and not form.fields[-1].optional


def item_pattern(form: Form) -> re.Pattern[str]:
    """An item of a list that leaves out the first parts of its code."""
    *_, call, number, kind = form.fields
    kinds = "|".join(map(re.escape, kind.choices)) or kind.pattern
    return re.compile(
        rf"(?P<mark>#\s?|[.…]{{1,3}}\s?|-)?(?:(?P<{call.name}>{call.pattern})[.·_-])?"
        rf"(?P<{number.name}>[0-9]{{1,{number.high}}})(?:[.·_,-] ?(?P<{kind.name}>{kinds}))?(?![0-9A-Za-z]|[.:][0-9])"
    )


def is_item(form: Form, item: re.Match[str], head: str) -> bool:
    """Whether the item is clearly one: it carries its kind, or its full number where the code before had no kind."""
    number, kind = form.fields[-2:]
    is_year = item["mark"] is None and len(item[number.name]) == 4 and item[number.name][:2] in ("19", "20")
    if item[kind.name] is not None:
        return not is_year
    full = len(item[number.name]) == number.low and item[number.name].startswith("0")
    return full and (item["mark"] is not None or not head.rstrip()[-1:].isalpha())


def item_values(form: Form, item: re.Match[str]) -> dict[str, str]:
    """The parts an item of a list does print."""
    number = form.fields[-2]
    values = {name: value for name, value in item.groupdict().items() if value is not None and name != "mark"}
    values[number.name] = values[number.name].zfill(number.low)
    return values


def _number_pattern(form: Form) -> re.Pattern[str]:
    """A number with its kind, or one without, and nothing before it that would make it part of another number."""
    number, kind = form.fields[-2:]
    kinds = "|".join(map(re.escape, kind.choices)) or kind.pattern
    return re.compile(
        rf"([0-9](?<![0-9A-Za-z.:,][0-9])[0-9]{{0,{number.high - 1}}}+)"
        rf"(?:\.({kinds})|(?<=0[0-9]{{{number.low - 1}}})|{_AFTER_NUMBER})(?![0-9A-Za-z]|[.:,][0-9])"
    )
