"""The texts of letters: an observatory's own (``mail/`` of its profile) or the general ones, checked when loaded.

A text begins with ``Subject: …`` and an empty line. Only the placeholders below may stand in it; anything else in
braces is refused before a campaign is made. A campaign keeps a copy, so its wording is frozen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from biblio.errors import StartRefused
from biblio.observatory import Profile
from biblio.paths import template_dir

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

_NEEDED = frozenset({"projects", "closes_on", "anonymity_url", "stop_url"})
_BRACES = re.compile(r"\{([^{}\n]*)\}")
_LOOSE = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter's subject and body, with placeholders."""

    subject: str
    body: str


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
        own = profile.folder / "mail" / f"{name}.txt"
        path = own if own.is_file() else template_dir() / "mail" / f"{name}.txt"
        text = read_text(path)
        texts[name] = {"subject": text.subject, "body": text.body}
    return texts


def read_text(path: Path) -> LetterText:
    """Read one letter's text. Raises ``StartRefused`` for a missing subject or a placeholder that nothing fills."""
    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"The letter {path.name} cannot be read: {error}") from error
    first, _, body = written.partition("\n")
    if not first.startswith("Subject: ") or not body.startswith("\n"):
        raise StartRefused(f"The letter {path} must begin with a line 'Subject: …' and an empty line.")
    subject = first.removeprefix("Subject: ").strip()
    found = set(_BRACES.findall(written))
    if found - PLACEHOLDERS or _LOOSE.search(_BRACES.sub("", written)):
        wrong = ", ".join(sorted(f"{{{name}}}" for name in found - PLACEHOLDERS)) or "a brace that stands alone"
        raise StartRefused(
            f"The letter {path} holds {wrong}; only these may stand there: {', '.join(sorted(PLACEHOLDERS))}."
        )
    missing = _NEEDED - set(_BRACES.findall(body))
    if missing:
        raise StartRefused(f"The letter {path} lacks {', '.join(sorted(f'{{{m}}}' for m in missing))}.")
    return LetterText(subject, body.strip("\n") + "\n")


def text_of(letters: Mapping[str, Any], name: str) -> LetterText:
    """Return one of a campaign's frozen texts. Raises ``StartRefused`` when the stored copy lacks it."""
    try:
        return LetterText(letters[name]["subject"], letters[name]["body"])
    except (KeyError, TypeError) as error:
        raise StartRefused(f"This campaign has no letter {name!r}; it cannot send.") from error


def render(profile: Profile, text: LetterText, to: Addressee) -> tuple[str, str]:
    """Return subject and body for one person. What is filled in is never looked at for placeholders again."""
    values = {
        "name": greeting(to.name),
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

    def fill(template: str) -> str:
        return _BRACES.sub(lambda match: values[match.group(1)], template)

    return " ".join(fill(text.subject).split()), fill(text.body)


def _line(line: Line) -> str:
    title = " ".join((line.title or "").split())
    return f"    {line.code}{f'  {title}' if title else ''}\n    {line.link}"


def greeting(name: str) -> str:
    """Return a name as one writes it in a letter: "Last, First" is turned round; without a name, "colleague"."""
    last, comma, first = name.partition(",")
    turned = f"{first.strip()} {last.strip()}" if comma and first.strip() else name
    return " ".join(turned.split()) or "colleague"
