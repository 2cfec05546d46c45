"""Measure the code finder on a planted corpus, beside a strict regular expression in the same run.

usage: python -m bench.codes CORPUS [--observatory NAME] [--show N] [--json FILE]

CORPUS is a folder with texts/, codes.txt and truth.jsonl as the corpus maker writes it. Text is decoded and held in
memory; reading is timed apart. Prints one JSON object: recall and precision over (paper, code) pairs, megabytes a
second of one core, and how many codes called certain are wrong. A mention that asserts no code (one printed without
its last field, of which the registry has two) is no found code; such are counted apart.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench.figures import Figure, keep
from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Registry
from matching.forms import folded

STRICT = re.compile(r"\b20\d\d\.[0-9A-Z]\.\d{5}\.(?:S|T|V|L|P|SV|E|CAL|CSV)\b")


def scores(truth: list[set[str]], found: list[set[str]]) -> dict[str, float]:
    """Recall and precision over (paper, code) pairs."""
    hits = sum(len(right & seen) for right, seen in zip(truth, found, strict=True))
    return {
        "recall": round(hits / max(1, sum(map(len, truth))), 5),
        "precision": round(hits / max(1, sum(map(len, found))), 5),
    }


_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CONFUSIONS = {"0": "OQD", "1": "lI|", "5": "S", "8": "B", "6": "G", "2": "Z", "S": "5", "B": "8"}


def confused(code: str, chance: Random) -> str:
    """One character read as another that looks like it."""
    place = chance.choice([place for place, character in enumerate(code) if character in _CONFUSIONS])
    return code[:place] + chance.choice(_CONFUSIONS[code[place]]) + code[place + 1 :]


def slipped(code: str, chance: Random) -> str:
    """One character replaced, left out, doubled or put in, or two neighbours swapped, anywhere in the code."""
    place = chance.randrange(len(code) - 1)
    head, here, after, tail = code[:place], code[place], code[place + 1], code[place + 2 :]
    other = chance.choice(_LETTERS)
    return chance.choice(
        [
            head + other + after + tail,
            head + after + tail,
            head + here + here + after + tail,
            head + other + here + after + tail,
            head + after + here + tail,
        ]
    )


def damage_figures(finder: CodeFinder, codes: list[str], sentence: str, number: int = 3000) -> dict[str, Any]:
    """Shares of codes damaged once that come out certain and right, as a candidate, or certain and wrong.

    A slip that lands on another listed code is left out: nothing in the text can show it. One that looks like another
    listed code but for confusable characters is counted apart, for the same reason.
    """
    chance, figures = Random(1), {}
    for name, damage in (("one confusion", confused), ("one slip", slipped)):
        counts: Counter[str] = Counter()
        while counts["tried"] < number:
            code = chance.choice(codes)
            written = damage(code, chance)
            canonical = finder.grammar.canonical(written)
            if canonical is not None and finder.registry is not None and finder.registry.same(canonical) is not None:
                counts["left out"] += 1
                continue
            mentions = finder.find(sentence.replace("{code}", written) + " We thank the referee.")
            counts["tried"] += 1
            counts["certain and right"] += any(m.certain and m.code == code for m in mentions)
            counts["right or candidate"] += any(code in (m.code, *m.candidates) for m in mentions)
            wrong = [m.code for m in mentions if m.certain and m.code != code]
            looks_like = {other for other in wrong if folded(other) == folded(written)}
            counts["certain and wrong"] += bool(set(wrong) - looks_like)
            counts["looks like another listed code"] += bool(looks_like)
        figures[name] = {key: round(counts[key] / number, 4) for key in counts if key not in ("tried", "left out")}
    return figures


def corpus_figures(finder: CodeFinder, texts: list[str], truth: list[dict[str, Any]], show: int) -> dict[str, Any]:
    """Recall, precision and speed of the finder and of the strict pattern; prints at most ``show`` wrong papers."""
    size = sum(len(text.encode()) for text in texts) / 1e6
    begun = time.process_time()
    mentions = [finder.find(text) for text in texts]
    finder_s = time.process_time() - begun
    begun = time.process_time()
    strict = [set(STRICT.findall(text)) for text in texts]
    strict_s = time.process_time() - begun

    right = [{code for code, _ in row["codes"]} for row in truth]
    is_code = finder.grammar.is_well_formed
    found = [{mention.code for mention in paper if is_code(mention.code)} for paper in mentions]
    open_ones = [(m, row) for paper, row in zip(mentions, right, strict=True) for m in paper if not is_code(m.code)]
    missed: Counter[str] = Counter()
    for row, expected, seen, paper in zip(truth, right, found, mentions, strict=True):
        missed.update(kind for code, kind in row["codes"] if code not in seen)
        if expected != seen and show > 0:
            show -= 1
            print(row["file"], "missed", expected - seen, "false", [m for m in paper if m.code not in expected])
    wrong = sum(
        m.certain and m.code not in expected for paper, expected in zip(mentions, right, strict=True) for m in paper
    )
    return {
        "megabytes": round(size, 1),
        "papers": len(texts),
        "finder": {**scores(right, found), "mb_per_s": round(size / finder_s, 1), "wrong_but_certain": wrong},
        "left_open": len(open_ones),
        "left_open_with_the_truth_among_candidates": sum(bool(row & set(m.candidates)) for m, row in open_ones),
        "strict_regex": {**scores(right, strict), "mb_per_s": round(size / strict_s, 1)},
        "speed_ratio": round(strict_s / finder_s, 2),
        "missed_by_kind": dict(missed),
    }


def told(found: dict[str, Any]) -> Iterator[Figure]:
    """The figures that are kept, with their goals."""
    ours, strict, slips = found["finder"], found["strict_regex"], found["damaged"]["one slip"]
    peer = "strict pattern"
    for name, least in (("recall", 0.998), ("precision", 0.9995)):
        value = ours[name]
        yield Figure(f"codes: {name}", value, "", peer, strict[name], f"≥ {least}", value >= least)
    speed = ours["mb_per_s"]
    yield Figure("codes: text read, CPU", speed, " MB/s", peer, strict["mb_per_s"], "≥ 250 MB/s", speed >= 250)
    yield Figure("wrong codes called certain", ours["wrong_but_certain"])
    yield Figure("codes left open, not counted as found", found["left_open"])
    yield Figure("of these with the truth among candidates", found["left_open_with_the_truth_among_candidates"])
    wrong = slips.get("certain and wrong", 0.0)
    yield Figure("one slip in a code: wrong but certain", wrong, goal="≤ 0.001", met=wrong <= 0.001)
    yield Figure("one slip: right code among candidates", slips["right or candidate"])
    yield Figure("one slip: looks like another listed code", slips.get("looks like another listed code", 0.0))


def main() -> None:
    """Read the corpus, run both, print the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("corpus", type=Path)
    options.add_argument("--observatory", help="profile whose grammar is used (default: the shipped default)")
    options.add_argument("--show", type=int, default=0, help="print this many papers with misses or false codes")
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    given = options.parse_args()
    begun = time.process_time()
    truth = [json.loads(line) for line in (given.corpus / "truth.jsonl").read_text("utf-8").splitlines()]
    texts = [(given.corpus / "texts" / row["file"]).read_text("utf-8") for row in truth]
    codes = (given.corpus / "codes.txt").read_text("utf-8").split()
    reading_s = time.process_time() - begun
    profile = load(given.observatory)
    grammar = Grammar.from_plain(profile.codes)
    finder = CodeFinder(grammar, Registry(grammar, codes))
    finder.find("This warms the patterns: " + codes[0])
    figures = {
        "reading_s": round(reading_s, 2),
        **corpus_figures(finder, texts, truth, given.show),
        "damaged": damage_figures(finder, codes, profile.observatory.acknowledgement),
    }
    print(json.dumps(figures, indent=1))
    if given.json:
        keep(given.json, told(figures))


if __name__ == "__main__":
    main()
