"""Measure the code finder on a planted corpus, beside a strict regular expression in the same run.

usage: python bench/codes.py CORPUS [--observatory NAME]

CORPUS is a folder with texts/, codes.txt and truth.jsonl as the corpus maker writes it. Text is decoded and held in
memory; reading is timed apart. Prints one JSON object: recall and precision over (paper, code) pairs, megabytes a
second of one core, and how many codes called certain are wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Registry

STRICT = re.compile(r"\b20\d\d\.[0-9A-Z]\.\d{5}\.(?:S|T|V|L|P|SV|E|CAL|CSV)\b")


def scores(truth: list[set[str]], found: list[set[str]]) -> dict[str, float]:
    """Recall and precision over (paper, code) pairs."""
    hits = sum(len(right & seen) for right, seen in zip(truth, found, strict=True))
    return {
        "recall": round(hits / max(1, sum(map(len, truth))), 5),
        "precision": round(hits / max(1, sum(map(len, found))), 5),
    }


def main() -> None:
    """Read the corpus, run both, print the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("corpus", type=Path)
    options.add_argument("--observatory", default="alma")
    options.add_argument("--show", type=int, default=0, help="print this many misses and false codes")
    given = options.parse_args()
    begun = time.perf_counter()
    truth = [json.loads(line) for line in (given.corpus / "truth.jsonl").read_text("utf-8").splitlines()]
    texts = [(given.corpus / "texts" / row["file"]).read_text("utf-8") for row in truth]
    codes = (given.corpus / "codes.txt").read_text("utf-8").split()
    reading_s = time.perf_counter() - begun
    size = sum(len(text.encode()) for text in texts) / 1e6
    grammar = Grammar.from_plain(load(given.observatory).codes)
    finder = CodeFinder(grammar, Registry(grammar, codes))
    finder.find("This warms the patterns: " + codes[0])

    begun = time.perf_counter()
    mentions = [finder.find(text) for text in texts]
    finder_s = time.perf_counter() - begun
    begun = time.perf_counter()
    strict = [set(STRICT.findall(text)) for text in texts]
    strict_s = time.perf_counter() - begun

    right = [{code for code, _ in row["codes"]} for row in truth]
    found = [{mention.code for mention in paper} for paper in mentions]
    missed = Counter(
        kind for row, seen in zip(truth, found, strict=True) for code, kind in row["codes"] if code not in seen
    )
    wrong = sum(
        m.certain and m.code not in codes_ for paper, codes_ in zip(mentions, right, strict=True) for m in paper
    )
    figures: dict[str, Any] = {
        "megabytes": round(size, 1),
        "papers": len(texts),
        "reading_s": round(reading_s, 2),
        "finder": {**scores(right, found), "mb_per_s": round(size / finder_s, 1), "wrong_but_certain": wrong},
        "strict_regex": {**scores(right, strict), "mb_per_s": round(size / strict_s, 1)},
        "missed_by_kind": dict(missed),
    }
    print(json.dumps(figures, indent=1))
    for row, seen, paper in zip(truth, found, mentions, strict=True):
        if given.show <= 0:
            break
        expected = {code for code, _ in row["codes"]}
        if expected != seen:
            given.show -= 1
            gone = [pair for pair in row["codes"] if pair[0] not in seen]
            print(
                row["file"],
                "missed",
                gone,
                "false",
                [(m.as_written, m.code, m.start) for m in paper if m.code not in expected],
            )


if __name__ == "__main__":
    main()
