"""The grammar of an observatory's project codes, as plain data: what a code looks like, whole or damaged.

A profile's ``[codes]`` table is handed to :meth:`Grammar.from_plain`. A *form* is a template of named fields
(``{year}.{call}.{number}.{kind}``); a field is digits, characters or a choice. From these the patterns are built
that find codes in repaired text. Examples and counter-examples stand in the data and are run by the finder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matching.forms import DIGIT_LIKE, Field, Form, skeleton

# Junk between two characters of a code in raw text, each alternative beginning differently (so matching is linear):
# mark-up, entities, TeX commands, and anything that is neither letter nor digit.
_JUNK = r"(?:[^0-9A-Za-z<&\\%]{1,6}+|%(?:(?:25){0,2}(?:2[389A-Fa-f]|3[AaDdFf]|5[Ff]))?|<(?:[^<>]{0,60}>)?|&(?:amp;){0,2}(?:lt;/?[A-Za-z]{1,12}&(?:amp;){0,2}gt;|\#?[0-9A-Za-z]{1,8};)?|\\(?:(?:[hv]space|[hv]glue|[hvm]skip|m?kern)\*?\s?(?:\{[^{}]{0,40}\}|-?[0-9.]{1,8}\s?[a-z]{2}(?:\s?plus\s?[0-9.]{1,8}[a-z]{2})?)|u00[0-9A-Fa-f]{2}|[A-Za-z]{1,20}(?:\[[0-9]?\])?)?)"
_BREAK = r"(?:[\s\x00-\x08\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\ufffe{}$]|-\s|<[^<>]{0,60}>|\\[A-Za-z]{0,20})"
# The same once, beginning with a class of characters: a branch that is passed by at a glance.
_FIRST_BREAK = (
    r"[\s\x00-\x08\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\ufffe{}$<\\-]"
    r"(?:(?<=<)[^<>]{0,60}>|(?<=\\)[A-Za-z]{0,20}|(?<=-)\s|(?<![<\\-]))"
)
_ANCHOR_WORDS = {"{J}": _JUNK, "{1B}": _FIRST_BREAK, "{B}": _BREAK, "{D}": f"[{DIGIT_LIKE}]"}


class GrammarError(ValueError):
    """The code grammar of a profile cannot be used; the message names the key or the example that fails."""


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
        listed = {*self.names, *(re.sub(r"\W+$", "", prefix) for prefix in self.prefixes)}
        names = sorted(listed, key=lambda name: (-len(name), name))
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
