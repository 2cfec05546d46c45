"""Pairs of records made from listings of preprints, for fitting the model that tells one paper from two.

Labelled pairs of astronomers' records are few, and look-alikes among them fewer. A listing says of many preprints what
article they became, and holds their neighbours: papers of the same people on the same thing, which by their numbers are
others. What is made here is seen in fitting only; no figure is taken from it alone.
"""

import gzip
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz import fuzz

from matching.people import parse, similarity
from matching.shelf import Shelf
from matching.work_text import Reading, Work, read

__all__ = ["LISTINGS", "MADE", "Made", "abstracted", "listed", "listing", "record_of"]

LISTINGS = "arxiv_metadata/listings_to_2018.jsonl.gz"
ABSTRACTS = "arxiv_metadata/with_abstracts.jsonl.gz"
SEARCHED = 100_000
"""Listings at the beginning that are left to ``bench/same.py``, which searches them."""
_PARENTHESIS = re.compile(r"\([^()]*\)?")

MADE = {
    "listed preprints": 0.6,
    "look-alike preprints": 1.2,
    "look-alike articles": 0.4,
    "edited": 0.4,
    "look-alike abstracts": 0.5,
}
"""The sets made here, and what a pair of each counts."""


class Made(NamedTuple):
    """A pair with its set, its label and the record it belongs to."""

    name: str
    is_same: bool
    group: str
    a: Work
    b: Work


def record_of(reading: Reading) -> str:
    """What tells a record from others: title, first authors, year."""
    return f"{' '.join(reading.words)[:60]} {reading.people[:3]} {reading.year}"


def listing(row: dict[str, Any]) -> Work:
    """A preprint from a row of a listing: authors in one text with institutes in parentheses, year from the first date."""
    text = row["authors"]
    while (shorter := _PARENTHESIS.sub(" ", text)) != text:
        text = shorter
    authors = [name.strip() for name in re.split(r",|;|\s+and\s+|&", text)]
    years = re.findall(r"\b(?:19|20)\d\d\b", str(row.get("dates", "")))
    return Work.from_plain(
        {
            "title": row["title"],
            "authors": authors,
            "year": years[0] if years else None,
            "arxiv": row["id"],
            "type": "preprint",
        }
    )


def article(row: Mapping[str, Any], preprint: Work) -> Work:
    """The article that a row of a listing says its preprint became: where it appeared, half of them with initials only."""
    is_short = random.Random(preprint.title).random() < 0.5
    printed = str(row["journal-ref"])
    years = re.findall(r"\b(?:19|20)\d\d\b", printed)
    rest = re.sub(r"\(?\b(?:19|20)\d\d\b\)?", " ", printed)
    named = re.match(r"[^\d]*", rest)
    numbers = re.findall(r"[A-Z]?\d+(?:-\d+)?", rest)
    return Work.from_plain(
        {
            "title": preprint.title,
            "authors": [journal_form(name) if is_short else name for name in preprint.authors],
            "year": years[-1] if years else preprint.year,
            "doi": row.get("doi"),
            "journal": named[0].strip(" ,;:(") if named else None,
            "volume": numbers[0] if numbers else None,
            "pages": numbers[1] if len(numbers) > 1 else None,
            "type": "article",
        }
    )


def journal_form(name: str) -> str:
    """A name as many journals print it: surname, initials."""
    given = " ".join(f"{word[0].upper()}." for word in parse(name).given)
    return f"{name.rsplit(maxsplit=1)[-1]}, {given}" if given and " " in name else name


def is_twin(a: Work, b: Work) -> bool:
    """Whether two preprints are so alike that they may be one paper submitted twice."""
    if not a.authors or not b.authors or similarity(a.authors[0], b.authors[0]) < 0.65:
        return False
    if a.year and b.year and abs(a.year - b.year) > 1:
        return False
    x, y = (" ".join(read(work).words) for work in (a, b))
    return fuzz.token_sort_ratio(x, y) >= 93 or (fuzz.partial_ratio(x, y) >= 97 and a.year == b.year)


def listed(folder: Path, count: int = 900) -> Iterator[Made]:
    """Preprints beside articles: their own, and those of neighbours on a shelf."""
    with gzip.open(folder / LISTINGS, "rt", encoding="utf-8") as file:
        rows = list(islice(map(json.loads, file), SEARCHED, None))
    works = [listing(row) for row in rows]
    printed = [i for i, row in enumerate(rows) if re.search(r"\d", row.get("journal-ref") or "")]
    chance = random.Random(3)
    chosen = chance.sample(printed, count)
    near = Shelf(works).candidates([replace(works[i], arxiv=None) for i in chosen], 6)
    for place, places in zip(chosen, near, strict=True):
        its = article(rows[place], works[place])
        group = record_of(read(its))
        yield Made("listed preprints", True, group, works[place], retitled(its, chance.choice(works), chance))
        for other in places:
            if other == place or is_twin(works[other], works[place]):
                continue
            yield Made("look-alike preprints", False, group, works[other], its)
            if its.doi and rows[other].get("doi") and rows[other].get("journal-ref"):
                yield Made("look-alike articles", False, group, article(rows[other], works[other]), its)


def abstracted(folder: Path, count: int = 400) -> Iterator[Made]:
    """Preprints with abstracts beside articles with abstracts: their own, edited, and those of neighbours."""
    with gzip.open(folder / ABSTRACTS, "rt", encoding="utf-8") as file:
        rows = list(map(json.loads, file))
    works = [
        replace(
            listing({"title": r["title"], "authors": r["author_text"], "id": r["arxiv_id"], "dates": r["created"]}),
            abstract=r["abstract"],
        )
        for r in rows
        if r.get("created") and r.get("author_text")
    ]
    chance = random.Random(5)
    chosen = chance.sample(range(len(works)), count)
    near = Shelf(works).candidates([replace(works[i], arxiv=None) for i in chosen], 5)
    for place, places in zip(chosen, near, strict=True):
        its = edited(works[place], chance)
        group = record_of(read(works[place]))
        yield Made("edited", True, group, works[place], its)
        for other in places:
            if other != place and not is_twin(works[other], works[place]):
                yield Made("look-alike abstracts", False, group, works[other], its)


def retitled(work: Work, stranger: Work, chance: random.Random) -> Work:
    """A work whose title changed as titles do: not at all, by a few words, or by a subtitle more, with a stranger's words."""
    kind = chance.random()
    if kind < 0.75:
        return work
    if kind < 0.85:
        return replace(work, title=f"{work.title}: {' '.join(stranger.title.split()[: chance.randint(2, 6)])}")
    return replace(
        work, title=" ".join(changed(work.title.split(), stranger.title.split(), chance.randint(1, 2), chance))
    )


def changed(words: list[str], others: list[str], times: int, chance: random.Random) -> list[str]:
    """Words with some of them gone, replaced by others or doubled; never none."""
    found = list(words)
    for _ in range(times):
        place = chance.randrange(len(found))
        found[place : place + 1] = chance.choice(([], [chance.choice(others or ["a"])], found[place : place + 1] * 2))
        found = found or list(words)
    return found


def edited(preprint: Work, chance: random.Random) -> Work:
    """The article of a preprint after a referee: words of the title changed, sentences of the abstract gone or moved."""
    abstract = preprint.abstract or ""
    sentences = abstract.split(". ")
    kept = [sentence for sentence in sentences if chance.random() < 0.8] or sentences
    chance.shuffle(kept)
    words = changed(preprint.title.split(), abstract.split(), chance.choice((0, 0, 1, 1, 2, 3)), chance)
    is_short = chance.random() < 0.5
    return replace(
        preprint,
        title=" ".join(words),
        authors=tuple(journal_form(name) if is_short else name for name in preprint.authors),
        year=None if preprint.year is None else preprint.year + chance.choice((0, 0, 0, 1, 1, 2)),
        kind=chance.choice(("article", None)),
        arxiv=None,
        abstract=". ".join(kept),
    )
