"""The questionnaire as a campaign froze it, and what may be answered: one reason, its word, one comment.

A campaign keeps a copy of the profile's questionnaire with the observatory's name filled in, so that a later change
of wording makes a new version and never changes what people were asked. The questions' numbers, groups and limits
are part of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from biblio.errors import StartRefused
from biblio.observatory import Profile, Questionnaire, Reason

DETAIL_MAX = 300
"""Characters of the word that answers 1, 10 and 12 ask for: a journal, facilities, a line."""

COMMENT_MAX = 3000
"""Characters of the comment. With the detail at most 13,200 bytes of UTF-8, so that every ballot fits its bucket."""

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Filled:
    """One filled-in questionnaire: the number of the reason, its word (where it asks for one), the comment."""

    reason: int
    detail: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with what was filled in: the field ("reason", "detail-10", "comment") and a sentence."""

    field: str
    message: str


def frozen(profile: Profile) -> dict[str, Any]:
    """Return the profile's questionnaire as plain data with the observatory's name in place.

    Raises ``StartRefused`` when a text holds a placeholder that nothing fills.
    """
    plain: dict[str, Any] = _fill(profile, profile.questionnaire.model_dump(mode="json"))
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


def reason_of(questionnaire: Questionnaire, number: int) -> Reason | None:
    """Return the reason with this number, or None."""
    return next((r for r in questionnaire.reasons if r.number == number), None)


def fill_in(
    questionnaire: Questionnaire, *, reason: str, details: Mapping[int, str], comment: str
) -> tuple[Filled | None, list[Problem]]:
    """Check what a stranger sent; return the filled-in questionnaire, or None with what is wrong.

    Only the chosen reason's word is kept: what was typed beside another answer never leaves this function. A word
    that the chosen answer asks for may be left out (the observatory's questionnaire does not require it).
    """
    problems: list[Problem] = []
    chosen = (
        reason_of(questionnaire, int(reason)) if reason.isascii() and reason.isdecimal() and len(reason) < 4 else None
    )
    if chosen is None:
        problems.append(Problem("reason", "Choose one of the answers."))
    detail = ""
    if chosen is not None and chosen.detail:
        detail = cleaned(details.get(chosen.number, ""))
        if len(detail) > DETAIL_MAX:
            problems.append(Problem(f"detail-{chosen.number}", _too_long(len(detail), DETAIL_MAX)))
    comment = cleaned(comment)
    if len(comment) > COMMENT_MAX:
        problems.append(Problem("comment", _too_long(len(comment), COMMENT_MAX)))
    if problems or chosen is None:
        return None, problems
    return Filled(chosen.number, detail, comment), []


def _too_long(length: int, limit: int) -> str:
    return f"At most {limit} characters, please; it has {length}."


def cleaned(text: str) -> str:
    """Return text without control characters (line ends stay, as ``\\n``) and without blanks at its ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs")).strip()
