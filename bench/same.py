"""How well and how fast records of one paper are told from records of two, and names of one person from names of two.

usage: python -m bench.same DATA [--listings N] [--only pairs|names|shelf] [--json FILE]

DATA is the folder of labelled pairs. Three tables, each beside a peer in the same run: pairs of records by the shipped
model beside a plain rule on rapidfuzz (0.6 title + 0.25 first author + 0.15 year, with the threshold that suits it best
on each set); names, read for the first time and once more, beside rapidfuzz's Jaro-Winkler; journal articles
looked for among N listings of preprints, theirs among them. The shipped model has seen the pairs; figures "out of fold"
are of models that have not, as ``bench/fit_same.py`` found and the model's file says. Speeds are of processor time.
"""

import argparse
import gzip
import json
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from bench.figures import HEADER, Figure, keep, number, shown
from bench.fit_same import SETS, labelled
from bench.listed_pairs import LISTINGS, listing
from matching.people import forget_names, similarity
from matching.shelf import Shelf
from matching.work_text import Reading, Work, read
from matching.works import judge, model

GOALS = {"DBLP-ACM": 0.993, "DBLP-Scholar": 0.95, "fuzzycat": 0.97}

LEAST_PAIRS = 100
"""Pairs a set must have for its share to mean anything."""


class Scores(NamedTuple):
    """Precision, recall and F1, and how many were called the same wrongly."""

    precision: float
    recall: float
    f1: float
    wrong: int


def scores(judged: Iterable[tuple[bool, bool]]) -> Scores:
    """The scores of (said, true)."""
    counts = Counter(judged)
    right, wrong, lost = counts[True, True], counts[True, False], counts[False, True]
    precision, recall = right / max(right + wrong, 1), right / max(right + lost, 1)
    return Scores(precision, recall, 2 * right / max(2 * right + wrong + lost, 1), wrong)


def at_least(what: str, value: float, goal: float, **more: Any) -> Figure:
    """A figure that must not be smaller than its goal."""
    return Figure(what, value, goal=f"≥ {number(goal, more.get('unit', ''))}", met=value >= goal, **more)


def at_most(what: str, value: float, goal: float, **more: Any) -> Figure:
    """A figure that must not be larger than its goal."""
    return Figure(what, value, goal=f"≤ {number(goal, more.get('unit', ''))}", met=value <= goal, **more)


def plain_rule(a: Work, b: Work) -> float:
    """The value of the baseline's rule, 0–1."""
    first = fuzz.ratio(a.authors[0].lower(), b.authors[0].lower()) if a.authors and b.authors else 0.0
    year = 1.0 if a.year == b.year else 0.5 if a.year and b.year and abs(a.year - b.year) == 1 else 0.0
    return 0.006 * fuzz.token_sort_ratio(a.title.lower(), b.title.lower()) + 0.0025 * first + 0.15 * year


def are_parts(a: Reading, b: Reading) -> bool:
    """Whether two records name two numbered parts."""
    return None not in (a.part, b.part) and a.part != b.part


def _f1(values: Sequence[float], true: Sequence[bool], least: float) -> float:
    right = sum(value >= least and t for value, t in zip(values, true, strict=True))
    return 2 * right / max(sum(value >= least for value in values) + sum(true), 1)


def records(folder: Path) -> Iterator[Figure]:
    """The table of pairs of records."""
    unseen = model().about.get("F1 out of fold", {})
    parts, asked = 0, 0.0
    for name in SETS:
        rows = list(labelled(folder, name))
        true = [row["label"] == "match" for row in rows]
        pairs = [(Work.from_plain(row["a"]), Work.from_plain(row["b"])) for row in rows]
        begin = time.process_time()
        found = judge(pairs)
        speed = len(pairs) / (time.process_time() - begin)
        begin = time.process_time()
        values = [plain_rule(a, b) for a, b in pairs]
        plain_speed = len(pairs) / (time.process_time() - begin)
        plain = max(_f1(values, true, least / 100) for least in range(60, 98))
        ours = scores((f.verdict == "same", t) for f, t in zip(found, true, strict=True))
        if len(rows) >= LEAST_PAIRS:
            asked = max(asked, sum(f.verdict == "ask" for f in found) / len(found))
        parts += sum(
            f.verdict == "same" and are_parts(read(a), read(b)) for f, (a, b) in zip(found, pairs, strict=True)
        )
        if name in unseen:
            peer: dict[str, Any] = {"peer": "plain rule, its best threshold", "peer_value": plain}
            what = f"{name}: F1 out of fold"
            yield (
                at_least(what, unseen[name], GOALS[name], **peer)
                if name in GOALS
                else Figure(what, unseen[name], **peer)
            )
        yield Figure(f"{name}: F1, model has seen the pairs", ours.f1, peer="plain rule", peer_value=plain)
        yield Figure(f"{name}: pairs judged", speed, "/s", "plain rule", plain_speed)
    yield at_most(f"largest share asked about, of sets of {LEAST_PAIRS} pairs", asked, 0.05)
    yield at_most("numbered parts called one paper", parts, 0)


METHODS: dict[str, tuple[Callable[[str, str], float], float]] = {
    "biblio": (similarity, 0.7),
    "jaro-winkler": (JaroWinkler.similarity, 0.85),
}


def names(folder: Path) -> Iterator[Figure]:
    """The table of names: F1 at one threshold, recall where 99 of 100 are right, speed on names new and seen before."""
    with (folder / "pairs/author_name_pairs.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(text) for text in file]
    pairs = [(row["a"], row["b"]) for row in rows]
    measured = {}
    for name, (method, least) in METHODS.items():
        found = [(method(*pair), row["label"] == "match") for pair, row in zip(pairs, rows, strict=True)]
        measured[name] = (
            scores((value >= least, true) for value, true in found).f1,
            _recall_at(found, 0.99),
            max(_speed(method, pairs, forget_names) for _ in range(7)),
            max(_speed(method, pairs) for _ in range(7)),
        )
    peer = "jaro-winkler"
    for what, unit, goal, ours, theirs in zip(
        ("F1", "recall where precision is 0.99", "compared, never seen before", "compared, seen before"),
        ("", "", "/s", "/s"),
        (0.95, 0.90, 100_000, 100_000),
        measured["biblio"],
        measured[peer],
        strict=True,
    ):
        yield at_least(f"names: {what}", ours, goal, unit=unit, peer=peer, peer_value=theirs)


def _recall_at(found: Sequence[tuple[float, bool]], precision: float) -> float:
    """The largest recall at any threshold where at least ``precision`` of what is said is right."""
    every = (scores((value >= least, true) for value, true in found) for least in {value for value, _ in found})
    return max((s.recall for s in every if s.precision >= precision), default=0.0)


def _speed(
    method: Callable[[str, str], float], pairs: Sequence[tuple[str, str]], before: Callable[[], None] | None = None
) -> float:
    """Pairs a second of processor time."""
    if before:
        before()
    begin = time.process_time()
    for a, b in pairs:
        method(a, b)
    return len(pairs) / (time.process_time() - begin)


def _preprints(folder: Path, count: int) -> tuple[list[Any], dict[str, Work]]:
    """The pairs that match, and by number their preprints with ``count`` listings as distractors."""
    pairs = [row for row in labelled(folder, "preprint-article") if row["label"] == "match"]
    works = {w.arxiv: w for row in pairs if (w := Work.from_plain(row["a"])).arxiv}
    own = len(works)
    with gzip.open(folder / LISTINGS, "rt", encoding="utf-8") as file:
        for line in file:
            if len(works) >= own + count:
                break
            work = listing(json.loads(line))
            works.setdefault(work.arxiv or work.title, work)
    return pairs, works


def shelf(folder: Path, count: int) -> Iterator[Figure]:
    """Articles looked for among listings: recall of the candidates, precision and recall of the verdicts, times."""
    pairs, works = _preprints(folder, count)
    places = list(works.values())
    begin = time.perf_counter()
    filed = Shelf(places)
    built = time.perf_counter() - begin
    articles = [Work.from_plain({k: v for k, v in row["b"].items() if k != "arxiv"}) for row in pairs]
    truths = [row["a"]["arxiv"] for row in pairs]
    begin = time.perf_counter()
    near = filed.candidates(articles, 20)
    searched = time.perf_counter() - begin
    asked = [(at, places[place]) for at, found in enumerate(near) for place in found]
    verdicts = judge([(articles[at], work) for at, work in asked])
    is_true = [work.arxiv == truths[at] for at, work in asked]
    plain = [plain_rule(articles[at], work) for at, work in asked]
    said = [v.verdict == "same" for v in verdicts]
    right = sum(s and t for s, t in zip(said, is_true, strict=True))
    peer: dict[str, Any] = {"peer": "plain rule", "peer_value": _recall_above(plain, is_true, len(articles))}
    among = f"{len(articles)} articles among {len(works):,} preprints"
    yield Figure(f"{among}: candidates @20", sum(is_true) / len(articles))
    yield at_least(f"{among}: precision", right / max(sum(said), 1), 0.995)
    yield at_least(f"{among}: recall", right / len(articles), 0.97)
    odds = [v.log_odds for v in verdicts]
    yield at_least(
        f"{among}: recall where precision is 0.995", _recall_above(odds, is_true, len(articles)), 0.97, **peer
    )
    yield Figure("preprints filed", len(works) / built, "/s")
    yield Figure("articles looked up", len(articles) / searched, "/s")
    yield Figure("peak memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, " MB")
    for verdict, (at, work), hit in zip(verdicts, asked, is_true, strict=True):
        if verdict.verdict == "same" and not hit:
            article = articles[at]
            print(
                f"wrong? {verdict.p:.2f} {article.title[:60]!r} {article.year} | {work.title[:60]!r} {work.year} {work.arxiv}"
            )


def _recall_above(values: Sequence[float], is_true: Sequence[bool], wanted: int) -> float:
    """The largest recall where at least 0.995 of what has the highest values is true."""
    hits = [0]
    for _, hit in sorted(zip(values, is_true, strict=True), reverse=True):
        hits.append(hits[-1] + hit)
    return max((hits[n] for n in range(1, len(hits)) if hits[n] >= 0.995 * n), default=0) / wanted


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--only", choices=("pairs", "names", "shelf"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="also keep the figures in a file")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    print(HEADER)
    tables = {
        "pairs": records(arguments.data),
        "names": names(arguments.data),
        "shelf": shelf(arguments.data, arguments.listings),
    }
    for figure in chain.from_iterable(made for name, made in tables.items() if arguments.only in (None, name)):
        print(shown(figure), flush=True)
        figures.append(figure)
    if arguments.json:
        keep(arguments.json, figures)


if __name__ == "__main__":
    main()
