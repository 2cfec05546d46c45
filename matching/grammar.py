"""The grammar of an observatory's project codes, as plain data: what a code looks like, whole or damaged.

A profile's ``[codes]`` table is handed to :meth:`Grammar.from_plain`. A *form* is a template of named fields
(``{year}.{call}.{number}.{kind}``); a field is digits, characters or a choice. From these the patterns are built
that find codes in repaired text. Examples and counter-examples stand in the data and are run by the finder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# Pairs that optical character recognition and tired eyes mix up; the first of each group stands for all. A small l
# is written "|" (see ``_SMALL``), so that a capital L is no 1.
CONFUSABLE_GROUPS = ("0OQD", "1I|", "5S", "8B", "6G", "2Z")
FOLD = str.maketrans({letter: group[0] for group in CONFUSABLE_GROUPS for letter in group[1:]})
DIGIT_LIKE = "0-9OoQDlI|LSsBGZz\uff10-\uff19\U0001d7ce-\U0001d7ff"

# What may stand where a separator belongs: blanks, dots of all kinds, commas, dashes, slashes, lost characters.
SEPARATOR_CHARACTERS = r" .,;:_/|\\~'’´`^+*#…·•∙‧⋅◦・･。、–—−‒―‐‑\-\ufffd"
_SEPARATOR = f"[{SEPARATOR_CHARACTERS}]"

# Junk between two characters of a code in raw text, each alternative beginning differently (so matching is linear):
# mark-up, entities, TeX commands, and anything that is neither letter nor digit.
_JUNK = r"(?:[^0-9A-Za-z<&\\]{1,6}+|<(?:[^<>]{0,60}>)?|&(?:\#?[0-9A-Za-z]{1,8};)?|\\(?:(?:[hv]space|[hv]glue|[hvm]skip|m?kern)\*?\s?(?:\{[^{}]{0,40}\}|-?[0-9.]{1,8}\s?[a-z]{2}(?:\s?plus\s?[0-9.]{1,8}[a-z]{2})?)|[A-Za-z]{1,20})?)"
# After the first character of a code: a word may have lost its blank before it; one letter may be a digit.
_BEGINS = r"(?:(?<![0-9A-Za-z][0-9A-Za-z])|(?<=[A-Za-z]{2}[0-9A-Za-z]))"
_BREAK = r"(?:[\s\u200b-\u200f\u2060\ufeff\u00ad\u0002\ufffe{}$]|-\s|<[^<>]{0,60}>|\\[A-Za-z]{0,20})"
_ANCHOR_WORDS = {"{J}": _JUNK, "{B}": _BREAK, "{D}": f"[{DIGIT_LIKE}]"}


class GrammarError(ValueError):
    """The code grammar of a profile cannot be used; the message names the key or the example that fails."""


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
        built = ""
        for place, (literal, part) in enumerate(self.parts):
            gap = (
                ""
                if place == 0
                else f"(?P<gap{place}>{_SEPARATOR}{{{0 if self.glued or literal in ('', '-') else 1},4}})"
            )
            if part.optional:
                closer = self._closers.get(literal[-1:], "")
                built += f"(?: {{0,2}}{re.escape(literal)} ?(?P<{part.name}>{part.spaced}) ?{re.escape(closer)})?"
            else:
                built += f"{gap}(?P<{part.name}>{part.spaced if place else part.opening})"
        last = self.fields[-1]
        right = r"(?![0-9A-Za-z])" if not last.optional else r"(?![0-9])"
        if self.needs_context:
            right = rf"(?![0-9A-Za-z]|\.[0-9]|\.[{DIGIT_LIKE}]{{2,4}}(?![0-9A-Za-z]))"
        if last.sort == "choice" and not last.optional:
            another = rf"(?![.·]{last.pattern}(?![0-9A-Za-z]))"
            right = rf"(?:(?![0-9A-Za-z]){another}|(?P<glue>(?-i:(?=[A-Z][a-z]|[a-z]{{2}}|[12][0-9]{{3}}[. ]|[A-Z]{{3,}}))))"
        return re.compile(built + right, re.IGNORECASE)

    @property
    def last_choices(self) -> str:
        """What the last field may be, in capitals or small letters, as a pattern: ``{K}`` in an anchor."""
        choices = sorted(self.fields[-1].choices, key=len, reverse=True)
        return "(?:" + "|".join(re.escape(choice) for choice in (*choices, *map(str.lower, choices))) + ")"

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """Least and greatest number of letters and digits of a code of this form."""
        least = sum(part.low for part in self.fields if not part.optional)
        return least, sum(part.high for part in self.fields)


# Small letters that look like no digit, unlike their capitals, and the one that does, unlike its capital.
_SMALL = str.maketrans("dqbgzil", "??????|")
_NOT_IN_SKELETON = re.compile(r"[^0-9A-Za-z|]+")


def skeleton(code: str) -> str:
    """Letters and digits of a code alone, upper case: what all lossless spellings have in common."""
    return _NOT_IN_SKELETON.sub("", code).translate(_SMALL).upper()


def folded(code: str) -> str:
    """The skeleton with confusable characters made equal."""
    return skeleton(code).translate(FOLD)


def _take(plain: Mapping[str, Any], where: str, known: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The table with every key known and of the right type, or GrammarError naming the key."""
    for key, value in plain.items():
        if key not in known:
            raise GrammarError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(known))}.")
        if not isinstance(value, known[key]):
            raise GrammarError(f"{where}: {key} has the wrong type ({type(value).__name__}).")
    return dict(plain)


def _field(name: str, plain: Mapping[str, Any], where: str) -> Field:
    """One field from its table: exactly one of ``digits``, ``choice``, ``characters``."""
    taken = _take(
        plain,
        where,
        {
            "digits": (int, list), "choice": list, "characters": str, "length": int, "begins": str,
            "default": str, "optional": bool, "free_zeros": bool,
        },
    )  # fmt: skip
    sorts = [key for key in ("digits", "choice", "characters") if key in taken]
    if len(sorts) != 1:
        raise GrammarError(f"{where}: give exactly one of digits, choice, characters.")
    common = {
        "default": taken.get("default"),
        "optional": taken.get("optional", False),
        "free_zeros": taken.get("free_zeros", False),
    }
    if sorts[0] == "choice":
        choices = tuple(str(choice) for choice in taken["choice"])
        if not choices:
            raise GrammarError(f"{where}: choice is empty.")
        pattern = "(?:" + "|".join(sorted(map(re.escape, choices), key=len, reverse=True)) + ")"
        lengths = [len(choice) for choice in choices]
        return Field(name, "choice", min(lengths), max(lengths), pattern, choices, **common)
    if sorts[0] == "characters":
        length = taken.get("length", 1)
        return Field(
            name, "characters", length, length, f"{taken.get('begins', '')}{taken['characters']}", (), **common
        )
    digits = taken["digits"]
    low, high = (digits, digits) if isinstance(digits, int) else (int(digits[0]), int(digits[1]))
    begins = taken.get("begins", "")
    pattern = f"(?={begins})[0-9]{{{low},{high}}}" if begins else f"[0-9]{{{low},{high}}}"
    return Field(name, "digits", low, high, pattern, (), begins=begins, **common)


def _form(plain: Mapping[str, Any], place: int) -> Form:
    """One form from its table; ``place`` counts from 1 for messages."""
    where = f"codes.forms[{place}]"
    taken = _take(
        plain, where,
        {"name": str, "template": str, "fields": dict, "glued": bool, "anchors": list, "anchors_when_named": list, "needs_context": bool},
    )  # fmt: skip
    template, fields = taken.get("template", ""), taken.get("fields", {})
    pieces = re.split(r"\{([a-z_]+)\}", template)
    if len(pieces) < 3 or len(set(pieces[1::2])) != len(pieces[1::2]) or set(pieces[1::2]) != set(fields):
        raise GrammarError(f"{where}: the template {template!r} and the fields {sorted(fields)} do not agree.")
    parts = []
    closed = ""
    for literal, name in zip(pieces[0::2], pieces[1::2], strict=False):
        made = _field(name, fields[name], f"{where}.fields.{name}")
        parts.append((literal.removeprefix(closed), made))
        closed = {"(": ")", "[": "]"}.get(literal[-1:], "") if made.optional else ""
    anchors, named = (tuple(map(str, taken.get(key, []))) for key in ("anchors", "anchors_when_named"))
    return Form(
        taken.get("name", f"form {place}"), tuple(parts), pieces[-1].removeprefix(closed), taken.get("glued", False),
        anchors, named, taken.get("needs_context", False),
    )  # fmt: skip


def compiled(pattern: str, where: str) -> re.Pattern[str]:
    """A pattern of the data compiled, the words {J}, {B}, {D} filled in; GrammarError when it is no pattern."""
    for word, meaning in _ANCHOR_WORDS.items():
        pattern = pattern.replace(word, meaning)
    try:
        return re.compile(pattern)
    except re.error as error:
        raise GrammarError(f"{where}: {pattern!r} is not a regular expression ({error}).") from error


@dataclass(frozen=True)
class Facet:
    """A derived value: ``of`` is a template of fields, the first rule whose pattern matches it all gives the value."""

    name: str
    of: str
    rules: tuple[tuple[re.Pattern[str], str], ...]

    def value(self, fields: Mapping[str, str]) -> str | None:
        """The facet of a code with these fields, or None when no rule says."""
        try:
            text = self.of.format_map(dict(fields))
        except KeyError:
            return None
        return next((found.expand(value) for rule, value in self.rules if (found := rule.fullmatch(text))), None)


@dataclass(frozen=True)
class Grammar:
    """How the codes of one observatory are written; built from plain data with :meth:`from_plain`.

    ``prefixes`` may stand before a code, ``names`` are the observatory's names (a damaged code near one is read),
    ``rejects`` are patterns in repaired text that are never codes, ``examples`` must be found and ``counter_examples``
    must give nothing.
    """

    forms: tuple[Form, ...]
    prefixes: tuple[str, ...]
    names: tuple[str, ...]
    project_words: tuple[str, ...]
    number_words: tuple[str, ...]
    number_alone: bool
    rejects: tuple[re.Pattern[str], ...]
    facet_rules: tuple[Facet, ...]
    examples: tuple[tuple[str, tuple[str, ...]], ...]
    counter_examples: tuple[str, ...]

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Grammar:
        """The grammar a profile's ``[codes]`` table describes; raises GrammarError on anything unknown or unusable."""
        taken = _take(
            plain, "codes",
            {
                "forms": list, "prefixes": list, "names": list, "project_words": list, "number_words": list,
                "number_alone": bool,
                "rejects": list, "facets": dict, "examples": list, "counter_examples": list,
            },
        )  # fmt: skip
        if not taken.get("forms"):
            raise GrammarError("codes: at least one form is needed.")
        return cls(
            forms=tuple(_form(form, place) for place, form in enumerate(taken["forms"], 1)),
            prefixes=tuple(taken.get("prefixes", ())),
            names=tuple(taken.get("names", ())),
            project_words=tuple(taken.get("project_words", ())),
            number_words=tuple(taken.get("number_words", ())),
            number_alone=taken.get("number_alone", False),
            rejects=tuple(compiled(pattern, "codes.rejects") for pattern in taken.get("rejects", ())),
            facet_rules=tuple(_facet(name, table) for name, table in taken.get("facets", {}).items()),
            examples=tuple(_example(example) for example in taken.get("examples", ())),
            counter_examples=tuple(str(text) for text in taken.get("counter_examples", ())),
        )

    def self_test(self) -> None:
        """Run the examples and counter-examples of the data; GrammarError names the first that fails."""
        from matching.codes import CodeFinder

        finder = CodeFinder(self, None)
        if not self.examples or not self.counter_examples:
            raise GrammarError("codes: examples and counter_examples must both be given; they prove the grammar.")
        for text, codes in self.examples:
            found = tuple(mention.code for mention in finder.find(text))
            if found != codes:
                raise GrammarError(f"codes: the example {text!r} should give {list(codes)} and gives {list(found)}.")
        for text in self.counter_examples:
            wrong = [mention.code for mention in finder.find(text)]
            if wrong:
                raise GrammarError(f"codes: the counter-example {text!r} should give nothing and gives {wrong}.")

    def parse(self, code: str) -> tuple[Form, dict[str, str]] | None:
        """The form and fields of a canonical code, or None when it is not well-formed."""
        for form in self.forms:
            found = form.canonical.fullmatch(code)
            if found:
                return form, {name: value for name, value in found.groupdict().items() if value is not None}
        return None

    def is_well_formed(self, code: str) -> bool:
        """Whether the code is canonical and complete."""
        return any(form.canonical.fullmatch(code) for form in self.forms)

    def canonical(self, written: str) -> str | None:
        """One code as written, without prefix, breaks, mark-up or odd separators; None if that is no whole code."""
        from matching.text import repair

        if self.is_well_formed(written.strip()):
            return written.strip()
        text = repair(written.strip()).text.strip().strip(".,;:")
        if self.is_well_formed(text):
            return text
        for form in self.forms:
            found = form.whole.search(text)
            if found and not skeleton(text[found.end() :]):
                before = skeleton(text[: found.start()])
                if not before or any(skeleton(prefix).endswith(before) for prefix in (*self.prefixes, *self.names)):
                    code = self.read(form, found)
                    return code if self.is_well_formed(code) else None
        return None

    @staticmethod
    def read(form: Form, found: re.Match[str]) -> str:
        """The canonical code of a match of ``form.whole``."""
        values = {
            part.name: None if found[part.name] is None else found[part.name].replace(" ", "").upper()
            for part in form.fields
        }
        return form.render(values)

    def facets(self, code: str) -> dict[str, str]:
        """The code's fields and what the data derive from them; empty for a code that is not well-formed."""
        parsed = self.parse(code)
        if parsed is None:
            return {}
        form, fields = parsed
        known = {"form": form.name, **fields}
        derived = {facet.name: value for facet in self.facet_rules if (value := facet.value(known)) is not None}
        return {**known, **derived}

    @cached_property
    def before_code(self) -> re.Pattern[str]:
        """Text before a code that says it is ours: a prefix or name, then at most a few words, up to the code."""
        names = sorted({*self.names, *(re.sub(r"\W+$", "", prefix) for prefix in self.prefixes)}, key=len, reverse=True)
        alternatives = "|".join(re.escape(name).replace("/", "/ ?").replace(r"\.", r"\. ?") for name in names)
        return re.compile(rf"(?:{alternatives})[^0-9]{{0,70}}$" if names else r"(?!)")

    @cached_property
    def just_before_code(self) -> re.Pattern[str]:
        """A name or prefix directly before a code, with only signs between."""
        alternatives = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return re.compile(rf"(?:{alternatives})[^0-9A-Za-z]{{0,8}}$" if self.names else r"(?!)")

    @cached_property
    def marked_prefix(self) -> re.Pattern[str]:
        """A name and the sign that ends our prefix (``#``): whatever follows directly is meant for a code."""
        marks = "".join(
            sorted({prefix[-1] for prefix in self.prefixes if not (prefix[-1].isalnum() or prefix[-1].isspace())})
        )
        names = "|".join(re.escape(name) for name in self.names)
        if not marks or not names:
            return re.compile(r"(?!)")
        return re.compile(rf"(?:{names})[^0-9A-Za-z]{{0,4}}[{re.escape(marks)}][^0-9A-Za-z|]{{0,3}}")

    @cached_property
    def project_word(self) -> re.Pattern[str]:
        """A word such as "project" just before a number that may stand for a code."""
        return _before_number(self.project_words)

    @cached_property
    def number_word(self) -> re.Pattern[str]:
        """One of the words before which even a number without its kind may stand for a code."""
        return _before_number(self.number_words)

    def is_in_a_cycle(self, code: str) -> bool:
        """Whether the code belongs to a cycle that the data know; True where they know none."""
        return all(facet.name != "cycle" for facet in self.facet_rules) or "cycle" in self.facets(code)


def _before_number(words: Sequence[str]) -> re.Pattern[str]:
    """One of the words, perhaps with "code" or "number is", at the end of what stands before a number."""
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    noun = r"(?: (?:codes?|ids?|numbers?|no|nos|nr))?"
    return re.compile(
        rf"(?i)(?:{either})(?:s|\(s\))?{noun}(?: (?:is|are|was|were))?[.:=]? ?[#(]?$" if words else r"(?!)"
    )


def _facet(name: str, table: Any) -> Facet:
    """One derived facet: ``of`` and ``rules`` (pairs of pattern and value)."""
    if not isinstance(table, Mapping):
        raise GrammarError(f"codes.facets.{name}: a table with of and rules is needed.")
    taken = _take(table, f"codes.facets.{name}", {"of": str, "rules": list})
    if "of" not in taken or "rules" not in taken:
        raise GrammarError(f"codes.facets.{name}: both of and rules are needed.")
    rules = []
    for rule in taken["rules"]:
        if not isinstance(rule, Sequence) or isinstance(rule, str) or len(rule) != 2:
            raise GrammarError(f"codes.facets.{name}: each rule is a pair of pattern and value.")
        rules.append((compiled(str(rule[0]), f"codes.facets.{name}"), str(rule[1])))
    return Facet(name, taken["of"], tuple(rules))


def _example(plain: Any) -> tuple[str, tuple[str, ...]]:
    """One example: a text and the codes it prints, in order."""
    if not isinstance(plain, Mapping):
        raise GrammarError("codes.examples: each is a table with text and codes.")
    taken = _take(plain, "codes.examples", {"text": str, "codes": list})
    return taken.get("text", ""), tuple(str(code) for code in taken.get("codes", ()))
