"""The page's own words in several languages: one TOML file each, all with the same keys and placeholders.

A visitor chooses by a link (``?lang=es``); nothing keeps the choice: no cookie, no table, no ballot. What the observatory
says stands in its profile; these are errors, hints, the promise and the pages around the questionnaire.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from biblio.errors import StartRefused

FOLDER = Path(__file__).resolve().parent / "languages"

ORIGINAL = "en"
"""The language that the others are translated from, and that stands where a visitor has chosen none."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language: ``code`` as BCP 47 has it, ``name`` in the language itself, texts by "section.key".

    ``gap`` is what stands between two sentences: nothing in Japanese and Chinese.
    """

    code: str
    name: str
    is_reviewed: bool
    gap: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its placeholders filled. Raises ``KeyError`` for a key or a value that is not there."""
        return self.texts[key].format(**values)


@cache
def languages() -> Mapping[str, Language]:
    """Return the languages there are, by code, English first. Raises ``StartRefused`` when a file of them is broken."""
    return load_languages(FOLDER)


def load_languages(folder: Path) -> Mapping[str, Language]:
    """Read a folder of languages. Raises ``StartRefused`` naming the file and the key that is wrong."""
    read = {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}
    if ORIGINAL not in read:
        raise StartRefused(f"{folder} holds no {ORIGINAL}.toml; install biblio anew.")
    original = read.pop(ORIGINAL)
    for language in read.values():
        _check(language, original)
    return {ORIGINAL: original, **read}


def _read(path: Path) -> Language:
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        name, is_reviewed, gap = plain.pop("name"), plain.pop("reviewed"), plain.pop("gap")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path} cannot be read: {error}") from error
    except KeyError as error:
        raise StartRefused(f"{path} lacks {error}.") from error
    return Language(path.stem, str(name), is_reviewed is True, str(gap), _texts(path, plain))


def _texts(path: Path, plain: Mapping[str, Any]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for section, entries in plain.items():
        if not isinstance(entries, Mapping):
            raise StartRefused(f"{path}: {section!r} has to stand in a section.")
        for key, text in entries.items():
            if not isinstance(text, str) or not text.strip():
                raise StartRefused(f"{path}: {section}.{key} is no text.")
            texts[f"{section}.{key}"] = text
    return texts


def _check(language: Language, original: Language) -> None:
    if wrong := sorted(language.texts.keys() ^ original.texts.keys()):
        raise StartRefused(
            f"{language.code}.toml and {original.code}.toml have to hold the same keys; not {wrong[0]!r}."
        )
    for key, text in language.texts.items():
        if _placeholders(language, key, text) != _placeholders(original, key, original.texts[key]):
            raise StartRefused(f"{language.code}.toml: {key} has to hold the placeholders of {original.code}.toml.")


def _placeholders(language: Language, key: str, text: str) -> set[str]:
    """Return the names in braces. Anything but a plain name could show what nobody meant to show."""
    try:
        parts = [(name, spec, turn) for _, name, spec, turn in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise StartRefused(f"{language.code}.toml: {key}: {error}.") from error
    if any(not name.isidentifier() or spec or turn for name, spec, turn in parts):
        raise StartRefused(f"{language.code}.toml: {key}: a placeholder is a plain name in braces.")
    return {name for name, _, _ in parts}
