"""The texts of a campaign's letters (``biblio.mail.texts``), with what may stand in them.

They are checked before a campaign is made; it keeps a copy, so its wording is frozen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from biblio.errors import StartRefused
from biblio.mail import display_name
from biblio.mail import texts as mail_texts
from biblio.mail.texts import LetterText, greeting, path_of
from biblio.observatory import Profile

__all__ = [
    "NAMES",
    "PLACEHOLDERS",
    "Addressee",
    "LetterText",
    "Line",
    "greeting",
    "load_texts",
    "read_text",
    "render",
    "text_of",
    "title",
]

PLACEHOLDERS = frozenset(
    {
        "name",
        "observatory",
        "observatory_name",
        "project_word",
        "projects",
        "closes_on",
        "sender",
        "anonymity_url",
        "publication_url",
        "stop_url",
    }
)
"""What a letter's text may hold in braces. ``projects`` is the list with one link each."""

NAMES = ("survey_invitation", "survey_reminder")
"""The letters of a campaign, by the name of their file."""

_NEEDED = frozenset({"projects", "closes_on", "anonymity_url", "publication_url", "stop_url"})


_NEVER_IN_SUBJECT = frozenset({"projects", "anonymity_url", "publication_url", "stop_url"})


@dataclass(frozen=True, slots=True)
class Line:
    """One project in a letter, with the link that answers for it."""

    code: str
    title: str | None
    link: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a letter goes, about what, and where the links lead."""

    name: str
    lines: Sequence[Line]
    stop_url: str
    closes_on: date | None
    base_url: str


def load_texts(profile: Profile) -> dict[str, dict[str, str]]:
    """Return the checked texts of all letters as plain data. Raises ``StartRefused`` naming the file and what is wrong."""
    texts = {}
    for name in NAMES:
        text = read_text(path_of(profile, name))
        texts[name] = {"subject": text.subject, "body": text.body}
    return texts


def read_text(path: Path) -> LetterText:
    """Read one letter's text. Raises ``StartRefused`` for a missing subject or a placeholder that nothing fills."""
    text = mail_texts.read_text(path, known=PLACEHOLDERS, needed=_NEEDED)
    wrong = mail_texts.placeholders(text.subject) & _NEVER_IN_SUBJECT
    if wrong:
        raise StartRefused(
            f"The subject of the letter {path} holds {', '.join(sorted(f'{{{name}}}' for name in wrong))}: mail servers "
            "write subjects into their logs, so projects and links stand in the text only."
        )
    return text


def text_of(letters: Mapping[str, Any], name: str) -> LetterText:
    """Return one of a campaign's frozen texts. Raises ``StartRefused`` when the stored copy lacks it."""
    try:
        return LetterText(letters[name]["subject"], letters[name]["body"])
    except (KeyError, TypeError) as error:
        raise StartRefused(f"This campaign has no letter {name!r}; it cannot send.") from error


def render(profile: Profile, text: LetterText, to: Addressee) -> tuple[str, str]:
    """Return subject and body for one person. What is filled in is never looked at for placeholders again."""
    values = {
        "name": greeting(display_name(to.name)),
        "observatory": profile.observatory.short,
        "observatory_name": profile.observatory.name,
        "project_word": "project" if len(to.lines) == 1 else "projects",
        "projects": "\n\n".join(_line(line) for line in to.lines),
        "closes_on": f"{to.closes_on}" if to.closes_on else "the campaign's end",
        "sender": f"The {profile.observatory.short} library",
        "anonymity_url": f"{to.base_url}/survey/anonymity",
        "publication_url": f"{to.base_url}/publication",
        "stop_url": to.stop_url,
    }
    return text.filled(values)


def title(profile: Profile, text: LetterText) -> str:
    """Return the subject as the outbox keeps it: what holds for everybody, and "…" for what is one person's."""
    common = {"observatory": profile.observatory.short, "observatory_name": profile.observatory.name}
    return text.filled({name: common.get(name, "…") for name in PLACEHOLDERS})[0]


def _line(line: Line) -> str:
    title = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in line.title or "").split())
    return f"    {line.code}{f'  {title}' if title else ''}\n    {line.link}"
