"""Fit the model that tells one paper from two, and say how well it does on what it has not seen.

usage: python -m bench.fit_same DATA [--write] [--leave-one-out] [--quick] [--save FILE]

DATA is the folder of labelled pairs (``pairs/``, ``same_paper/``). Figures are out of fold: all pairs of a record are in
one fold, and a set's dirty twin shares its folds. ``--leave-one-out`` also fits without each set in turn, which says what
carries over to records of other sources. ``--write`` fits to everything and writes ``matching/same_paper.json``, with the
figures in it. Fitting takes some three minutes of processor time. Pairs made of listings (``bench/listed_pairs.py``) are
fitted to as well; "poorer" is a set once more with fields lost.
"""

import argparse
import gzip
import json
import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.listed_pairs import MADE, abstracted, listed, record_of
from matching.fitting import Fitting, fit
from matching.vetoes import is_borne_out, shared_identifier, veto
from matching.work_features import DIRECTIONS, FEATURES, features
from matching.work_text import Reading, Work, read
from matching.works import ASK_AT, SAME_AT

SETS = {
    "DBLP-ACM": ("pairs/dblp-acm_structured_train.jsonl", "pairs/dblp-acm_structured_valid.jsonl"),
    "DBLP-ACM dirty": ("pairs/dblp-acm_dirty_valid.jsonl",),
    "DBLP-Scholar": ("pairs/dblp-googlescholar_structured_valid.jsonl",),
    "fuzzycat": ("pairs/fuzzycat_verify.jsonl",),
    "ADS": ("pairs/ads_oracle_text_pairs.jsonl",),
    "preprint-article": ("same_paper/preprint_article_pairs.jsonl.gz",),
}

WEIGHTS = {
    "DBLP-ACM": 1.5,
    "DBLP-ACM dirty": 0.7,
    "DBLP-Scholar": 1.5,
    "fuzzycat": 10.0,
    "ADS": 4.0,
    "preprint-article": 4.0,
}
"""What a pair of a set counts: small sets more, or the two catalogues of one field would be all that is learnt."""

TWINS = {"DBLP-ACM dirty": "DBLP-ACM"}
"""A set that holds the records of another in another form, its last pairs in the same order."""

HOW = Fitting(
    trees=300, leaves=20, least_rows=15, rate=0.05, shrinkage=3.0, folds=5, seed=1, tried=0.3, directions=DIRECTIONS
)


@dataclass(slots=True)
class Pairs:
    """Labelled pairs as rows of features, with the set, group and weight of each, and what rules say.

    ``ruled``: -1 a veto says two papers, 1 a borne out identifier says one, 0 the model decides.
    """

    rows: NDArray[np.float64]
    labels: NDArray[np.bool_]
    sets: NDArray[np.str_]
    groups: NDArray[np.str_]
    weights: NDArray[np.float64]
    ruled: NDArray[np.int64]


def labelled(folder: Path, name: str) -> Iterator[Mapping[str, Any]]:
    """The pairs of a set that are labelled match or different, as they stand in its files."""
    for path in SETS[name]:
        opener: Any = gzip.open if path.endswith(".gz") else open
        with opener(folder / path, "rt", encoding="utf-8") as file:
            yield from (row for row in map(json.loads, file) if row["label"] in ("match", "different"))


def rule(a: Reading, b: Reading) -> int:
    """-1 where a veto says two papers, 1 where an identifier that is borne out says one, else 0."""
    if veto(a, b) is not None:
        return -1
    return int(shared_identifier(a, b) is not None and is_borne_out(a, b))


def poorer(row: Mapping[str, Any], chance: random.Random) -> Mapping[str, Any]:
    """The same pair with fields lost at random, as records of poorer sources lack them."""
    lost = [{key for key in record if key != "title" and chance.random() < 0.3} for record in (row["a"], row["b"])]
    a, b = (
        {k: v for k, v in record.items() if k not in gone}
        for record, gone in zip((row["a"], row["b"]), lost, strict=True)
    )
    return {**row, "a": a, "b": b}


def gather(folder: Path, *, poor: bool = False) -> Pairs:
    """All sets as rows; ``poor`` adds to small sets each pair once more with fields lost."""
    lists: dict[str, list[Any]] = {name: [] for name in ("rows", "labels", "sets", "groups", "weights", "ruled")}
    groups: dict[str, list[str]] = {}
    chance = random.Random(7)
    for name in SETS:
        pairs = list(labelled(folder, name))
        known = groups.get(TWINS.get(name, ""), [])[-len(pairs) :]
        groups[name] = []
        for i, row in enumerate(pairs):
            a, b = read(Work.from_plain(row["a"])), read(Work.from_plain(row["b"]))
            groups[name].append(known[i] if known else record_of(a))
            versions = [(name, a, b)]
            if poor and name in ("fuzzycat", "preprint-article"):
                other = poorer(row, chance)
                versions.append(
                    (f"{name} poorer", read(Work.from_plain(other["a"])), read(Work.from_plain(other["b"])))
                )
            for kind, one, two in versions:
                lists["rows"].append(features(one, two))
                lists["labels"].append(row["label"] == "match")
                lists["sets"].append(kind)
                lists["groups"].append(groups[name][-1])
                lists["weights"].append(WEIGHTS[name] * (0.3 if kind != name else 1.0))
                lists["ruled"].append(rule(one, two))
    for made in (*listed(folder), *abstracted(folder)):
        a, b = read(made.a), read(made.b)
        lists["rows"].append(features(a, b))
        lists["labels"].append(made.is_same)
        lists["sets"].append(made.name)
        lists["groups"].append(made.group)
        lists["weights"].append(MADE[made.name])
        lists["ruled"].append(rule(a, b))
    return Pairs(
        *(
            np.array(lists[name], dtype=kind)
            for name, kind in zip(lists, (float, bool, str, str, float, int), strict=True)
        )
    )  # type: ignore[arg-type]


def out_of_fold(pairs: Pairs) -> NDArray[np.float64]:
    """The probability of each pair by a model that saw no pair of its record."""
    fold_of = np.array([zlib.crc32(group.encode()) % 5 for group in pairs.groups.tolist()])
    found = np.zeros(len(pairs.labels))
    for fold in range(5):
        held = fold_of == fold
        found[held] = _probability(pairs, ~held, held)
    return found


def _probability(pairs: Pairs, seen: NDArray[np.bool_], held: NDArray[np.bool_]) -> NDArray[np.float64]:
    rows = pairs.rows.copy()
    rows[:, np.isnan(rows[seen]).all(axis=0)] = 0.0  # a feature of which nothing is known tells nothing
    model = fit(FEATURES, rows[seen], pairs.labels[seen], pairs.groups[seen].tolist(), HOW, weights=pairs.weights[seen])
    return model.probability(rows[held])


def left_out(pairs: Pairs) -> NDArray[np.float64]:
    """The probability of each pair by a model that saw nothing of its set, nor of the set's twin; NaN for made pairs."""
    found = np.full(len(pairs.labels), np.nan)
    family = np.array([TWINS.get(name, name.removesuffix(" poorer")) for name in pairs.sets.tolist()])
    for name in dict.fromkeys(TWINS.get(name, name) for name in SETS):
        held = family == name
        found[held] = _probability(pairs, ~held, held)
    return found


def table(title: str, pairs: Pairs, found: NDArray[np.float64]) -> dict[str, float]:
    """Print precision, recall and F1 of each set at the one threshold; return the F1 of each set that has matches."""
    print(title)
    all_f1 = {}
    for name in dict.fromkeys(pairs.sets[~np.isnan(found)].tolist()):
        own = pairs.sets == name
        said, true = ((found[own] >= SAME_AT) & (pairs.ruled[own] == 0)) | (pairs.ruled[own] > 0), pairs.labels[own]
        asked = float(((found[own] >= ASK_AT) & (found[own] < SAME_AT) & (pairs.ruled[own] == 0)).mean())
        right = int((said & true).sum())
        precision, recall = right / max(int(said.sum()), 1), right / max(int(true.sum()), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        if true.any():
            all_f1[name] = round(f1, 4)
        print(
            f"  {name:24} {own.sum():6d} pairs  P {precision:.4f}  R {recall:.4f}  F1 {f1:.4f}  ask {asked:.1%}  wrong {said.sum() - right}"
        )
    return all_f1


def main() -> None:
    """Fit, report, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--quick", action="store_true", help="no figures")
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the pairs and their figures as an .npz file")
    arguments = parser.parse_args()
    pairs = gather(arguments.data, poor=True)
    about: dict[str, Any] = {
        "what": "log-odds that two bibliographic records are one paper",
        "fitted on": {name: int((pairs.sets == name).sum()) for name in dict.fromkeys(pairs.sets.tolist())},
        "made by": "bench/fit_same.py",
    }
    if not arguments.quick:
        unseen = out_of_fold(pairs)
        about["F1 out of fold"] = table("out of fold", pairs, unseen)
        if arguments.save:
            np.savez(arguments.save, unseen=unseen, labels=pairs.labels, sets=pairs.sets, ruled=pairs.ruled)
    if arguments.leave_one_out:
        table("each set by a model that saw nothing of it", pairs, left_out(pairs))
    if arguments.write:
        fitted = fit(FEATURES, pairs.rows, pairs.labels, pairs.groups.tolist(), HOW, weights=pairs.weights, about=about)
        Path("matching/same_paper.json").write_text(fitted.text(), encoding="utf-8")
        print(f"matching/same_paper.json written, version {fitted.version}")


if __name__ == "__main__":
    main()
