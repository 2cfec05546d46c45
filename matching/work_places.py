"""Where, when and as what two records were published, as numbers: venues, years, kinds, DOIs, volumes and pages.

What cannot be compared, because one record does not say it, is NaN. All are symmetric.
"""

import math
import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from matching.work_text import Reading

__all__ = ["LOST", "SMALL_WORDS", "dois", "kinds", "pages", "venues", "years"]

LOST = math.nan
SMALL_WORDS = frozenset(
    ["a", "an", "the", "of", "in", "on", "and", "for", "to", "with", "by", "from", "at", "as", "is", "are", "its", "via", "using", "or", "und", "der", "die", "de", "la", "le", "et", "y", "el"]
)  # fmt: skip
"""Words that tell next to nothing of what a title or a venue is."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_PAGE = re.compile(r"[0-9]{1,9}")


def venues(a: Reading, b: Reading) -> tuple[float, float]:
    """Likeness of two venues by series, words and initials, and whether only one is a journal; NaN where one is missing."""
    if not a.venue or not b.venue:
        return LOST, LOST
    apart = float(a.is_journal != b.is_journal)
    if a.series and b.series:
        return float(a.series == b.series), apart
    if a.venue == b.venue:
        return 1.0, apart
    x, y = ([w for w in words if w not in SMALL_WORDS and not w.isdecimal()] for words in (a.venue, b.venue))
    if not x or not y:
        return LOST, LOST
    shorter, longer = sorted((x, y), key=lambda words: (len(words), words))
    found = sum(any(_abbreviates(w, v) for v in longer) for w in shorter) / len(shorter)
    if any(len(w) > 2 and _spread(w, longer) for w in shorter):
        found = max(found, 0.8)
    return max(found, fuzz.token_sort_ratio(" ".join(x), " ".join(y)) / 100.0), apart


def _abbreviates(short: str, long: str) -> bool:
    short, long = (short, long) if len(short) <= len(long) else (long, short)
    return short == long or (len(short) >= 3 and long.startswith(short))


def _spread(short: str, words: Sequence[str]) -> bool:
    """Whether a short name is made of beginnings of the words in order: "vldb" of "very large data bases"."""
    at = 0
    for word in words:
        if at < len(short) and word[0] == short[at]:
            at += 1
    return at == len(short) and len(short) >= 3


def years(a: Reading, b: Reading) -> tuple[float, float]:
    """Years between two records, at most 12; and by how many the only preprint is later than the other, -3 to 3."""
    if not a.year or not b.year:
        return LOST, LOST
    later = LOST
    if (a.kind == "preprint") != (b.kind == "preprint"):
        apart = a.year - b.year if a.kind == "preprint" else b.year - a.year
        later = float(max(-3, min(apart, 3)))
    return float(min(abs(a.year - b.year), 12)), later


def kinds(a: Reading, b: Reading) -> tuple[float, ...]:
    """Whether both are of one kind (a preprint may be of any), and how many are preprints, articles, data."""
    said = (a.kind, b.kind)
    counts = tuple(float(said.count(kind)) for kind in ("preprint", "article", "data"))
    if None in said:
        return LOST, *counts
    if a.kind == b.kind:
        return 1.0, *counts
    return (0.5 if counts[0] else 0.0), *counts


def dois(a: Reading, b: Reading) -> tuple[float, float, float, float]:
    """The same DOI but for a version; of different ones, whether one body registered both, how alike they are, and steps.

    Steps: the logarithm of how far the numbers in two DOIs of one pattern are apart, 0–6; neighbours were registered
    together.
    """
    one, other = a.version_of, b.version_of
    if not one or not other:
        return LOST, LOST, LOST, LOST
    if one == other:
        return 1.0, LOST, 1.0, 0.0
    (register, _, x), (its, _, y) = sorted((one.partition("/"), other.partition("/")))
    return 0.0, float(register == its), fuzz.ratio(x, y) / 100.0, _steps(x, y)


def _steps(x: str, y: str) -> float:
    if _NUMBER.sub("#", x) != _NUMBER.sub("#", y):
        return LOST
    apart = sum(abs(int(m) - int(n)) for m, n in zip(_NUMBER.findall(x), _NUMBER.findall(y), strict=True))
    return min(math.log10(1.0 + apart), 6.0)


def pages(a: Reading, b: Reading) -> tuple[float, float, float]:
    """Whether volumes and first pages are the same, and whether the pages overlap."""
    return _same(a.volume, b.volume), _same(a.page, b.page), _overlap(a.work.pages, b.work.pages)


def _overlap(one: str | None, other: str | None) -> float:
    x, y = (list(map(int, _PAGE.findall(written or "")[:2])) for written in (one, other))
    return float(x[0] <= y[-1] and y[0] <= x[-1]) if x and y else LOST


def _same(one: str | None, other: str | None) -> float:
    return LOST if not one or not other else float(one == other)
