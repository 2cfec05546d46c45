"""Where a text names the observatory: sure phrases, ambiguous words with the company they need, exclusions.

"alma mater", Alma-Ata or a grant called after the observatory are not the observatory. The words are data of the
profile (``keywords.toml``); every place found keeps its offsets, so that it can be shown in context.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

__all__ = ["KeywordError", "KeywordSpot", "Keywords"]

_BLANKS = r"[\s~\u00a0\-\u2010-\u2015]{1,40}"  # blanks, hyphens and dashes, line breaks among them

MOST_SPOTS = 20_000
"""Places looked at in one text: what is longer than any thesis and full of our name is no paper."""


class KeywordError(ValueError):
    """Keywords that cannot be used; the message names the key."""


@dataclass(frozen=True, slots=True)
class KeywordSpot:
    """One place that names the observatory: ``text[start:end]`` is ``printed``; ``company`` is what made it sure."""

    start: int
    end: int
    printed: str
    company: str | None = None


@dataclass(frozen=True, slots=True)
class _Ambiguous:
    word: re.Pattern[str]
    company: re.Pattern[str]
    within: int


@dataclass(frozen=True, slots=True)
class Keywords:
    """The observatory's words, ready to search. Time grows with the length of the text only."""

    version: str
    phrases: re.Pattern[str] | None
    exclusions: re.Pattern[str] | None
    ambiguous: tuple[_Ambiguous, ...]

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> "Keywords":
        """Check plain data. Raises ``KeywordError`` for a missing, unknown or impossible value."""
        unknown = sorted(set(data) - {"version", "phrases", "exclusions", "ambiguous"})
        if unknown:
            raise KeywordError(f"keywords: unknown key {unknown[0]!r}.")
        if not isinstance(data.get("version"), str):
            raise KeywordError("keywords: version must be a text.")
        words = data.get("ambiguous", [])
        if not isinstance(words, list):
            raise KeywordError("keywords: ambiguous must be a list of tables.")
        return cls(
            data["version"],
            _any_of(_strings(data, "phrases"), re.IGNORECASE),
            _any_of(_strings(data, "exclusions"), re.IGNORECASE),
            tuple(_ambiguous(table) for table in words),
        )

    def find(self, text: str, *, title: bool = False) -> list[KeywordSpot]:
        """Every place that names the observatory, in order; overlapping places count once, the longest first found.

        In the ``title`` of an astronomical paper ambiguous words need no company: there is no room for it.
        """
        plain = self.without_exclusions(text)
        spots = [KeywordSpot(*m.span(), m[0]) for m in _first(self.phrases, plain)]
        for name in self.ambiguous:
            for m in _first(name.word, plain):
                near = name.company.search(plain, m.end(), m.end() + name.within)
                near = near or name.company.search(plain, max(0, m.start() - name.within), m.start())
                if near or title:
                    spots.append(KeywordSpot(*m.span(), m[0], near[0] if near else None))
        spots.sort(key=lambda s: (s.start, -s.end))
        kept: list[KeywordSpot] = []
        for spot in spots:
            if not kept or spot.start >= kept[-1].end:
                kept.append(spot)
        return kept

    def alone(self, text: str) -> list[KeywordSpot]:
        """The ambiguous words wherever they stand, without looking for their company: some may mean something else."""
        plain = self.without_exclusions(text)
        return [KeywordSpot(*m.span(), m[0]) for name in self.ambiguous for m in _first(name.word, plain)]

    def without_exclusions(self, text: str) -> str:
        """The text with what is never the observatory made unreadable, offsets kept."""
        return self.exclusions.sub(lambda m: "\0" * len(m[0]), text) if self.exclusions else text

    def excluded(self, text: str) -> list[KeywordSpot]:
        """Every place that only sounds like the observatory: a proverb, a town, a grant called after it."""
        return [KeywordSpot(*m.span(), m[0]) for m in _first(self.exclusions, text)]


def _first(pattern: re.Pattern[str] | None, text: str) -> Iterator[re.Match[str]]:
    return islice(pattern.finditer(text), MOST_SPOTS) if pattern else iter(())


def _strings(data: Mapping[str, Any], key: str) -> list[str]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise KeywordError(f"keywords: {key} must be a list of texts.")
    return value


def _any_of(phrases: list[str], flags: int) -> re.Pattern[str] | None:
    if not phrases:
        return None
    parts = sorted(
        (_BLANKS.join(re.escape(w) for w in re.split(r"[\s\-]+", p)) for p in phrases), key=lambda p: (-len(p), p)
    )
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})(?![^\W_])", flags)


def _ambiguous(table: Any) -> _Ambiguous:
    if not isinstance(table, Mapping) or set(table) != {"word", "case_sensitive", "within", "company"}:
        raise KeywordError("keywords: each ambiguous word needs exactly word, case_sensitive, within and company.")
    word, within = table["word"], table["within"]
    if not isinstance(word, str) or not word or not isinstance(within, int) or not 1 <= within <= 2000:
        raise KeywordError("keywords: word must be a text and within a number of characters from 1 to 2000.")
    flags = 0 if table["case_sensitive"] is True else re.IGNORECASE
    found, company = _any_of([word], flags), _any_of(_strings(table, "company"), re.IGNORECASE)
    if found is None or company is None:
        raise KeywordError(f"keywords: the ambiguous word {word!r} needs company.")
    return _Ambiguous(found, company, within)
