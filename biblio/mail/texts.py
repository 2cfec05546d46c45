"""The texts of letters: an observatory's own (``mail/`` of its profile) or the general ones, checked when loaded.

A text begins with ``Subject: …`` and an empty line. Only the placeholders its sender fills may stand in it; anything
else in braces is refused before a letter is made. What is filled in is never looked at for placeholders again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from biblio.errors import StartRefused
from biblio.observatory import Profile
from biblio.paths import template_dir

_BRACES = re.compile(r"\{([^{}\n]*)\}")
_LOOSE = re.compile(r"[{}]")


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter's subject and body, with placeholders."""

    subject: str
    body: str

    def filled(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Return subject (one line) and body with the values in place of their names."""

        def fill(template: str) -> str:
            return _BRACES.sub(lambda match: values[match.group(1)], template)

        return " ".join(fill(self.subject).split()), fill(self.body)


def placeholders(text: str) -> set[str]:
    """Return the names that stand in braces in a text."""
    return set(_BRACES.findall(text))


def path_of(profile: Profile, name: str) -> Path:
    """Return the file of a letter: the profile's own, else the general one."""
    own = profile.folder / "mail" / f"{name}.txt"
    return own if own.is_file() else template_dir() / "mail" / f"{name}.txt"


def read_text(path: Path, *, known: Collection[str], needed: Collection[str]) -> LetterText:
    """Read one letter's text. Raises ``StartRefused`` for a missing subject, or a placeholder that is unknown or missing."""
    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"The letter {path.name} cannot be read: {error}") from error
    first, _, body = written.partition("\n")
    if not first.startswith("Subject: ") or not body.startswith("\n"):
        raise StartRefused(f"The letter {path} must begin with a line 'Subject: …' and an empty line.")
    found = set(_BRACES.findall(written))
    if found - set(known) or _LOOSE.search(_BRACES.sub("", written)):
        wrong = ", ".join(sorted(f"{{{name}}}" for name in found - set(known))) or "a brace that stands alone"
        raise StartRefused(f"The letter {path} holds {wrong}; only these may stand there: {', '.join(sorted(known))}.")
    missing = set(needed) - set(_BRACES.findall(body))
    if missing:
        raise StartRefused(f"The letter {path} lacks {', '.join(sorted(f'{{{m}}}' for m in missing))}.")
    return LetterText(first.removeprefix("Subject: ").strip(), body.strip("\n") + "\n")


def greeting(name: str) -> str:
    """Return a name as one writes it in a letter: "Last, First" is turned round; without a name, "colleague"."""
    last, comma, first = name.partition(",")
    turned = f"{first.strip()} {last.strip()}" if comma and first.strip() else name
    return " ".join(turned.split()) or "colleague"
