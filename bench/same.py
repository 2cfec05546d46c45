"""How well and how fast records of one paper are told from records of two, and names of one person from names of two.

usage: bench/same.py DATA [--listings N] [--only pairs|names|shelf]

DATA is the folder of labelled pairs. Three tables: pairs of records by the shipped model beside a plain rule on rapidfuzz
(0.6 title + 0.25 first author + 0.15 year, with the threshold that suits it best on each set); names beside Jaro-Winkler; journal articles looked for among N
listings of preprints, theirs among them. The model has seen the pairs: figures on unseen ones print ``bench/fit_same.py``.
"""

import argparse
import gzip
import json
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from bench.fit_same import LISTINGS, SETS, labelled, listing
from matching.people import similarity
from matching.shelf import Shelf
from matching.works import Work, judge


def scores(judged: Sequence[tuple[bool, bool]]) -> str:
    """Precision, recall and F1 of (said, true)."""
    right = sum(said and true for said, true in judged)
    precision = right / max(sum(said for said, _ in judged), 1)
    recall = right / max(sum(true for _, true in judged), 1)
    return f"P {precision:.4f}  R {recall:.4f}  F1 {2 * precision * recall / max(precision + recall, 1e-9):.4f}"


def plain_rule(a: Work, b: Work) -> float:
    """The value of the baseline's rule, 0–1."""
    first = fuzz.ratio(a.authors[0].lower(), b.authors[0].lower()) if a.authors and b.authors else 0.0
    year = 1.0 if a.year == b.year else 0.5 if a.year and b.year and abs(a.year - b.year) == 1 else 0.0
    return 0.006 * fuzz.token_sort_ratio(a.title.lower(), b.title.lower()) + 0.0025 * first + 0.15 * year


def _f1(values: Sequence[float], true: Sequence[bool], least: float) -> float:
    right = sum(value >= least and t for value, t in zip(values, true, strict=True))
    return 2 * right / max(sum(value >= least for value in values) + sum(true), 1)


def records(folder: Path) -> None:
    """The table of pairs of records."""
    for name in SETS:
        rows = list(labelled(folder, name))
        true = [row["label"] == "match" for row in rows]
        pairs = [(Work.from_plain(row["a"]), Work.from_plain(row["b"])) for row in rows]
        begin = time.perf_counter()
        found = judge(pairs)
        speed = len(pairs) / (time.perf_counter() - begin)
        asked = sum(f.verdict == "ask" for f in found) / len(found)
        begin = time.perf_counter()
        values = [plain_rule(a, b) for a, b in pairs]
        plain_speed = len(pairs) / (time.perf_counter() - begin)
        plain = max((_f1(values, true, least / 100), least) for least in range(60, 98))
        said = [value >= plain[1] / 100 for value in values]
        ours = scores([(f.verdict == "same", t) for f, t in zip(found, true, strict=True)])
        print(f"{name:18} biblio  {ours}  ask {asked:.1%}  {speed:9,.0f} pairs/s")
        print(f"{'':18} plain   {scores(list(zip(said, true, strict=True)))}            {plain_speed:9,.0f} pairs/s")


def names(folder: Path) -> None:
    """The table of names: F1 at the best single threshold, recall where 99 of 100 are right, speed."""
    with (folder / "pairs/author_name_pairs.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    methods: dict[str, tuple[Callable[[str, str], float], float]] = {
        "biblio": (similarity, 0.7),
        "jaro-winkler": (JaroWinkler.similarity, 0.85),
    }
    for name, (method, least) in methods.items():
        found = [(method(row["a"], row["b"]), row["label"] == "match") for row in rows]
        begin = time.perf_counter()
        for _ in range(20):
            for row in rows:
                method(row["a"], row["b"])
        speed = 20 * len(rows) / (time.perf_counter() - begin)
        true = sum(t for _, t in found)
        best = 0.0
        for threshold in {value for value, _ in found}:
            said = [t for value, t in found if value >= threshold]
            if sum(said) >= 0.99 * len(said):
                best = max(best, sum(said) / true)
        print(
            f"names {name:13} {scores([(v >= least, t) for v, t in found])}  R@P.99 {best:.3f}  {speed:9,.0f} pairs/s"
        )


def _preprints(folder: Path, count: int) -> tuple[list[Any], dict[str | None, Work]]:
    """The pairs that match, and by number their preprints with ``count`` listings as distractors."""
    pairs = [row for row in labelled(folder, "preprint-article") if row["label"] == "match"]
    works = {w.arxiv: w for row in pairs if (w := Work.from_plain(row["a"])).arxiv}
    own = len(works)
    with gzip.open(folder / LISTINGS, "rt", encoding="utf-8") as file:
        for line in file:
            if len(works) >= own + count:
                break
            work = listing(json.loads(line))
            works.setdefault(work.arxiv, work)
    return pairs, works


def shelf(folder: Path, count: int) -> None:
    """Articles looked for among listings: recall of the candidates, precision and recall of the verdicts, times."""
    pairs, works = _preprints(folder, count)
    begin = time.perf_counter()
    filed = Shelf(list(works.values()))
    built = time.perf_counter() - begin
    articles = [
        (Work.from_plain({k: v for k, v in row["b"].items() if k != "arxiv"}), row["a"]["arxiv"]) for row in pairs
    ]
    begin = time.perf_counter()
    near = filed.candidates([article for article, _ in articles], 20)
    searched = time.perf_counter() - begin
    places = list(works.values())
    asked = [
        (article, places[place], truth)
        for (article, truth), found in zip(articles, near, strict=True)
        for place in found
    ]
    begin = time.perf_counter()
    verdicts = judge([(article, work) for article, work, _ in asked])
    compared = time.perf_counter() - begin
    reached = sum(any(work.arxiv == truth and a is article for a, work, _ in asked) for article, truth in articles)
    said = [(v.verdict == "same", work.arxiv == truth) for v, (_, work, truth) in zip(verdicts, asked, strict=True)]
    right, called = sum(s and t for s, t in said), sum(s for s, _ in said)
    first: dict[int, tuple[float, bool]] = {}
    for v, (article, work, truth) in zip(verdicts, asked, strict=True):
        if v.verdict == "same" and (v.log_odds, True) > first.get(id(article), (-1e9, False)):
            first[id(article)] = (v.log_odds, work.arxiv == truth)
    alone = sum(t for _, t in first.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{len(articles)} articles among {len(works):,} preprints: candidates @20 {reached / len(articles):.4f}")
    print(
        f"  P {right / max(called, 1):.4f}  R {right / len(articles):.4f}  ({called - right} wrong of {called} called the same)"
    )
    ranked = sorted(
        ((v.p, work.arxiv == truth) for v, (_, work, truth) in zip(verdicts, asked, strict=True)), reverse=True
    )
    hits = [0]
    for _, hit in ranked:
        hits.append(hits[-1] + hit)
    at = max((n for n in range(1, len(hits)) if hits[n] >= 0.995 * n), default=0)
    print(f"  R where P is at least 0.995: {hits[at] / len(articles):.4f} (p from {ranked[at - 1][0]:.2f})")
    print(f"  the best of each article: P {alone / max(len(first), 1):.4f}  R {alone / len(articles):.4f}")
    print(
        f"  filed in {built:.1f} s, searched in {searched:.2f} s, {len(asked):,} pairs judged in {compared:.1f} s, peak {memory:.2f} GB"
    )
    for v, (article, work, truth) in zip(verdicts, asked, strict=True):
        if v.verdict == "same" and work.arxiv != truth:
            print(
                f"  wrong? {article.title[:70]!r} {article.year} | {work.title[:70]!r} {work.year} {work.arxiv}, wanted {truth}: {v.p:.2f}"
            )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--only", choices=("pairs", "names", "shelf"))
    arguments = parser.parse_args()
    if arguments.only in (None, "pairs"):
        records(arguments.data)
    if arguments.only in (None, "names"):
        names(arguments.data)
    if arguments.only in (None, "shelf"):
        shelf(arguments.data, arguments.listings)


if __name__ == "__main__":
    main()
