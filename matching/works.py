"""Are two bibliographic records one paper? A probability, a verdict and the reasons.

One paper: a preprint and its article, versions of either. Two papers: numbered parts, an erratum, a thesis, a data set or
component, two arXiv numbers; a contribution to a meeting beside a journal article mostly. Vetoes with a reason of their
own come first. The same identifier joins records whose title or authors agree, because records carry wrong ones. All else
is judged by a model of boosted trees over ``matching.work_features``, fitted by ``bench/fit_same.py`` and shipped as
``same_paper.json``: one model and one threshold for records of any source. Nothing here merges anything.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from matching.trees import Floats, Model
from matching.vetoes import is_borne_out, shared_identifier, veto
from matching.work_features import FEATURES, MOST_COUNTED, features
from matching.work_text import Reading, Work, read

__all__ = ["ASK_AT", "SAME_AT", "SameVerdict", "Work", "judge", "model", "same_paper"]

SAME_AT = 0.5
ASK_AT = 0.4
"""At or above ``SAME_AT`` two records are called one paper, from ``ASK_AT`` on a person is asked, below they are two."""

VETOED = 0.01
"""Probability of one paper where a veto says two: vetoes err seldom, but they rest on what records say."""

IDENTIFIED = 5.0
"""Least log-odds of records with one identifier that title or authors bear out."""

CONTRADICTED = -0.1
"""Log-odds of records with one identifier that title and authors both contradict: a person is asked."""

ALIKE = 1.0
"""Least log-odds of records with people and a year that say the same in every field, however common their title."""

_PAIRS_AT_ONCE = 2000
_TOPICS = {
    "title": "title", "starts": "title", "ends": "title", "words": "title", "all": "title", "numbers": "numbers",
    "authors": "authors", "first": "authors", "last": "authors", "names": "authors", "years": "year", "preprint": "year", "venue": "venue", "journal": "venue",
    "kinds": "kind", "is": "kind", "doi": "identifier", "volume": "place", "page": "place", "abstract": "abstract",
}  # fmt: skip
"""First word of a feature's name → what a person would call it."""
_TOPIC_OF = tuple(_TOPICS[name.partition("_")[0]] for name in FEATURES)

TOPICS = ("title", "numbers", "authors", "year", "venue", "kind", "identifier", "place", "abstract")
_TELLING = 0.15
"""Least contribution in log-odds that is worth a reason."""


@dataclass(frozen=True, slots=True)
class SameVerdict:
    """``p``: probability that the records are one paper; ``verdict``: same, different or ask.

    ``reasons`` are words, the strongest first. ``contributions`` are (topic, log-odds) that sum with ``start`` to
    ``log_odds``; a veto is a topic of its own.
    """

    p: float
    verdict: str
    reasons: tuple[str, ...]
    log_odds: float = 0.0
    start: float = 0.0
    contributions: tuple[tuple[str, float], ...] = ()


@lru_cache(maxsize=1)
def model() -> Model:
    """The shipped model."""
    return Model.from_text(Path(__file__).with_name("same_paper.json").read_text(encoding="utf-8"))


def same_paper(a: Work, b: Work) -> SameVerdict:
    """Whether two records are one paper; symmetric, and sure of itself only with a reason."""
    return judge([(a, b)])[0]


def judge(pairs: Iterable[tuple[Work, Work]]) -> list[SameVerdict]:
    """``same_paper`` of many pairs, several times as fast as one by one."""
    found: list[SameVerdict] = []
    every = iter(pairs)
    while some := [(read(a), read(b)) for a, b in islice(every, _PAIRS_AT_ONCE)]:
        rows = np.array([features(a, b) for a, b in some], dtype=np.float64)
        start, added = model().explain(rows)
        found += [
            _verdict(a, b, row, start, part) for (a, b), row, part in zip(some, rows.tolist(), added, strict=True)
        ]
    return found


def _verdict(a: Reading, b: Reading, row: list[float], start: float, added: Floats) -> SameVerdict:
    """The judgement on one pair from its features, what they contribute, vetoes and identifiers."""
    values = dict(zip(FEATURES, row, strict=True))
    parts = dict.fromkeys(TOPICS, 0.0)
    for topic, contribution in zip(_TOPIC_OF, added.tolist(), strict=True):
        parts[topic] += contribution
    said: dict[str, str] = {}
    odds = math.fsum((start, *parts.values()))
    identifier = shared_identifier(a, b)
    refused = veto(a, b)
    if refused is None and math.isnan(values["title_ratio"]) and identifier is None:
        refused = "a title is missing, and no identifier agrees"
    if refused is not None:
        said["veto"] = refused
        parts["veto"] = math.log(VETOED / (1.0 - VETOED)) - odds
    elif identifier is not None:
        borne_out = is_borne_out(a, b)
        least = IDENTIFIED if borne_out else CONTRADICTED
        said["identifier"] = f"same {identifier}" if borne_out else f"same {identifier}, but title and authors differ"
        parts["identifier"] += max(0.0, least - odds) if borne_out else least - odds
    elif a.people and a.year and a.work == b.work:
        said["record"] = "the records say the same in every field"
        parts["record"] = max(0.0, ALIKE - odds)
    odds = math.fsum((start, *parts.values()))
    p = 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, odds))))
    ranked = sorted(
        parts.items(),
        key=lambda part: (part[0] != "veto", part[0] != "identifier" or identifier is None, -abs(part[1])),
    )
    reasons = tuple(
        sentence
        for topic, weight in ranked
        if (abs(weight) >= _TELLING or topic == "identifier")
        and (sentence := said.get(topic) or _sentence(topic, a, b, values))
    )
    verdict = "same" if p >= SAME_AT else "ask" if p >= ASK_AT else "different"
    return SameVerdict(
        p, verdict, reasons or (_sentence("title", a, b, values) or "nothing to compare",), odds, start, tuple(ranked)
    )


def _sentence(topic: str, a: Reading, b: Reading, values: dict[str, float]) -> str:
    """What the records say on a topic, in words; empty where they say nothing."""
    if topic == "title":
        ratio = values["title_ratio"]
        return (
            "a title is missing"
            if math.isnan(ratio)
            else "the titles are the same"
            if ratio == 1.0
            else f"titles {ratio:.0%} alike"
        )
    if topic == "numbers":
        return (
            "a number is only in one title"
            if values["numbers_apart"] > 0
            else "the same numbers in the titles"
            if a.numbers
            else ""
        )
    if topic == "authors":
        return _of_authors(values)
    if topic == "year":
        apart = values["years_apart"]
        if math.isnan(apart):
            return "a year is missing"
        return (
            "same year"
            if not apart
            else f"{apart:.0f}{' or more' if apart >= 12 else ''} year{'s' if apart > 1 else ''} apart"
        )
    return _of_places(topic, a, b, values)


def _of_authors(values: dict[str, float]) -> str:
    shared, first = values["authors_shared"], values["first_author"]
    if math.isnan(shared):
        return "no authors to compare"
    fewer = max(values["authors_fewer"], 1.0)
    who = (
        "no author agrees"
        if shared <= 0
        else "all authors agree"
        if shared >= 0.99
        else f"{shared:.0%} of the authors agree"
    )
    if shared >= 0.99 and values["authors_of_longer"] < 0.99:
        who = (
            f"all {fewer:.0f}{' or more' if fewer >= MOST_COUNTED else ''} authors of the shorter list agree"
            if fewer > 1
            else "the only author of one is an author of the other"
        )
    return who + ("" if first >= 0.6 or shared <= 0 else ", the first do not")


def _of_places(topic: str, a: Reading, b: Reading, values: dict[str, float]) -> str:
    """Where and how the records were published."""
    if topic == "venue":
        alike = values["venue_alike"]
        if math.isnan(alike):
            return "a venue is missing"
        return ("the same venue" if alike >= 0.9 else "another venue" if alike < 0.4 else "venues of similar names") + (
            ", only one a journal" if values["journal_apart"] else ""
        )
    if topic == "kind":
        kinds = sorted(k for k in (a.kind, b.kind) if k)
        return (
            ""
            if len(kinds) < 2
            else f"both are of the kind {kinds[0]}"
            if kinds[0] == kinds[1]
            else f"one is of the kind {kinds[0]}, the other {kinds[1]}"
        )
    if topic == "identifier":
        return "two DOIs" if values["doi_same"] == 0.0 else ""
    if topic == "place":
        agreed = [values["volume_same"], values["page_same"]]
        if all(map(math.isnan, agreed)):
            return ""
        return (
            "another volume or page"
            if 0.0 in agreed
            else "same volume and page"
            if not any(map(math.isnan, agreed))
            else "same volume or page"
        )
    alike = values["abstract_alike"]
    return "" if math.isnan(alike) else f"abstracts share {alike:.0%} of their words"
