"""The questionnaire as a campaign froze it, and what may be answered: choices with their words, free texts.

A campaign keeps a copy of the profile's questionnaire with the observatory's name filled in, so that a later change
of wording makes a new version and never changes what people were asked. The questions' numbers, groups and limits
are part of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from biblio.errors import StartRefused
from biblio.observatory import Profile, Question, Questionnaire

BUCKET = 16_384
"""Bytes of every ballot before sealing; a questionnaire whose longest answer does not fit is refused at load."""

STRATUM_MAX = 120
"""Characters of the name of a stratum, which lies in the ballot as well."""

_BYTES_PER_CHARACTER = 4
"""The most that UTF-8 takes; a line end or a quote takes two bytes in JSON, so this holds for them as well."""

_FRAME = 80
"""Bytes around one choice or one text: keys, numbers, quotes, commas; the key of a question has at most 40."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice: the question's key, the choice's number, and the word beside it (where it asks for one)."""

    question: str
    choice: int
    word: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """One filled-in questionnaire: what was chosen, and the free texts by question; empty texts are left out."""

    chosen: tuple[Chosen, ...]
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a stranger sent, unchecked: values per question, words by (question, number of the choice)."""

    values: Mapping[str, Sequence[str]]
    words: Mapping[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with what was filled in: the field ("status", "status-10", "comment"), what, and its numbers.

    ``kind`` is "choose" (nothing usable was chosen), "missing" (a required text) or "long"; ``length`` and ``limit``
    count characters.
    """

    field: str
    kind: str
    length: int = 0
    limit: int = 0


def frozen(profile: Profile) -> dict[str, Any]:
    """Return the profile's questionnaire as plain data with the observatory's name in place.

    Raises ``StartRefused`` when a text holds a placeholder that nothing fills, or an answer may not fit a ballot.
    """
    plain: dict[str, Any] = _fill(profile, profile.questionnaire.model_dump(mode="json"))
    needed = longest(thaw(plain))
    if needed > BUCKET:
        raise StartRefused(
            f"The longest answer to questionnaire.toml of {profile.observatory.key} takes {needed} bytes; a ballot "
            f"holds {BUCKET}. Lower max or detail_max of some of its questions."
        )
    return plain


def _fill(profile: Profile, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _fill(profile, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(profile, each) for each in value]
    if isinstance(value, str):
        text = profile.filled(value)
        unknown = _PLACEHOLDER.search(text)
        if unknown:
            raise StartRefused(
                f"questionnaire.toml of {profile.observatory.key} holds {unknown.group()}, which nothing fills; "
                "only {observatory} may stand there."
            )
        return text
    return value


def thaw(plain: Mapping[str, Any]) -> Questionnaire:
    """Return a campaign's frozen questionnaire. Raises ``StartRefused`` when the stored copy is damaged."""
    try:
        return Questionnaire.model_validate(dict(plain))
    except ValidationError as error:
        raise StartRefused("The questionnaire stored with this campaign cannot be read; restore a backup.") from error


def longest(questionnaire: Questionnaire) -> int:
    """Return the most bytes that a filled-in questionnaire can take in a ballot."""
    total = _FRAME + STRATUM_MAX * _BYTES_PER_CHARACTER
    for question in questionnaire.questions:
        if question.kind == "text":
            total += _FRAME + question.max * _BYTES_PER_CHARACTER
            continue
        words = [_FRAME + (c.detail_max * _BYTES_PER_CHARACTER if c.detail else 0) for c in question.choices]
        total += max(words) if question.kind == "one" else sum(words)
    return total


def fits(questionnaire: Questionnaire, filled: Filled) -> bool:
    """Whether a filled-in questionnaire is one that this questionnaire allows: known choices, texts not too long."""
    for each in filled.chosen:
        question = questionnaire.question(each.question)
        choice = question.choice(each.choice) if question else None
        if choice is None or len(each.word) > choice.detail_max:
            return False
    for key, text in filled.texts.items():
        question = questionnaire.question(key)
        if question is None or question.kind != "text" or len(text) > question.max:
            return False
    return any(each.question == questionnaire.status.key for each in filled.chosen)


def fill_in(questionnaire: Questionnaire, sent: Sent) -> tuple[Filled | None, list[Problem]]:
    """Check what a stranger sent; return the filled-in questionnaire, or None with what is wrong, in the page's order.

    Only the words of chosen answers are kept: what was typed beside another answer never leaves this function. A word
    that a chosen answer asks for may be left out (the observatory's questionnaire does not require it).
    """
    problems: list[Problem] = []
    chosen: list[Chosen] = []
    texts: dict[str, str] = {}
    for question in questionnaire.questions:
        if question.kind == "text":
            text = cleaned(next(iter(sent.values.get(question.key, ())), ""))
            if len(text) > question.max:
                problems.append(Problem(question.key, "long", len(text), question.max))
            elif question.required and not text:
                problems.append(Problem(question.key, "missing"))
            elif text:
                texts[question.key] = text
            continue
        found, wrong = _choices(question, sent)
        chosen += found
        problems += wrong
    return (None, problems) if problems else (Filled(tuple(chosen), texts), [])


def _choices(question: Question, sent: Sent) -> tuple[list[Chosen], list[Problem]]:
    picked = [_number(value) for value in dict.fromkeys(sent.values.get(question.key, ()))]
    found, problems = [], []
    for number in picked:
        choice = question.choice(number)
        if choice is None:
            return [], [Problem(question.key, "choose")]
        word = cleaned(sent.words.get((question.key, number), "")) if choice.detail else ""
        if len(word) > choice.detail_max:
            problems.append(Problem(f"{question.key}-{number}", "long", len(word), choice.detail_max))
        found.append(Chosen(question.key, number, word))
    if (question.kind == "one" and len(found) > 1) or (question.required and not found):
        return [], [Problem(question.key, "choose")]
    return found, problems


def _number(value: str) -> int:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 4 else 0


def cleaned(text: str) -> str:
    """Return text without control characters (line ends stay, as ``\\n``) and without blanks at its ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")).strip()
