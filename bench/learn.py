"""How much better proposals become by learning from verdicts, beside the profile's weights in the same run.

usage: python -m bench.learn FOLDER [--json FILE] [--papers N] [--cited N] [--verdicts N] [--observatory NAME] [--model FILE]

FOLDER is made by the papers and projects generator (see ``bench/propose.py``). A quarter of the papers is the
observatory's past: of these, N papers with a project stand for papers that print their codes (free labels), and N
papers are asked about in the order in which the desk would ask (half best, half uncertain, a twentieth at random), each
answered by the planted truth for all of its candidates. All figures are of the other three quarters, which nothing was
learned from. ``--model`` keeps the model.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import numpy as np

from bench.figures import HEADER, Figure, keep, shown
from biblio.cli.propose import prepare
from biblio.cli.rows import paper_of, rows_of
from matching.fitting import fit
from matching.learning import HOW, Figures, Labelled, figures, worth_asking
from matching.ranking import FEATURES
from matching.trees import Floats

DAY_0 = slice(0, FEATURES.index("rivals") + 1)
"""The features whose sum, with the prior, is the log-odds of the profile's weights."""


def labelled(folder: Path, observatory: str | None, most: int | None) -> tuple[list[Labelled], float]:
    """The papers with the features of their candidates and the truth, and the prior."""
    truth: dict[str, set[str]] = {}
    for line in (folder / "truth.jsonl").read_text("utf-8").splitlines():
        told = json.loads(line)
        truth.setdefault(told["paper"], set()).add(told["project"])
    proposer, _ = prepare(observatory, folder / "projects.jsonl")
    papers = [paper_of(row)[0] for _, row in rows_of(folder / "papers.jsonl")][:most]
    found = []
    for paper, rows in proposer.rows(papers):
        right = truth.get(paper, set())
        labels = [code in right for code, _ in rows]
        found.append(Labelled(paper, [row for _, row in rows], labels, missed=len(right) - sum(labels)))
    return found, proposer.prior


def rows_in(papers: Sequence[Labelled]) -> Floats:
    """All features of these papers."""
    return np.array([row for one in papers for row in one.rows])


def day_0(papers: Sequence[Labelled], prior: float) -> Floats:
    """Probabilities by the profile's weights."""
    odds: Floats = prior + np.nansum(rows_in(papers)[:, DAY_0], axis=1)
    return np.asarray(1.0 / (1.0 + np.exp(-odds)), dtype=np.float64)


def told(name: str, of: Figures, peer: str = "", before: Figures | None = None) -> list[Figure]:
    """Figures of one way to rank, beside those of another."""
    after_verdicts = "verdicts" in name
    than = (None, None, None) if before is None else astuple(before)[-3:]
    rows = [
        ("average precision", of.average_precision, than[0], "0.95 on day 0", 0.95),
        ("recall at precision 0.99", of.recall_at_99, than[1], "0.95 after 400 verdicts", 0.95),
        ("calibration error", of.calibration_error, than[2], "at most 0.005", 0.005),
    ]
    goals = (before is None, after_verdicts, after_verdicts or before is None)
    return [
        Figure(
            f"{what}, {name}",
            value,
            peer=peer,
            peer_value=theirs,
            goal=goal if has_goal else "",
            met=(value <= least if what.startswith("calibration") else value >= least) if has_goal else None,
        )
        for (what, value, theirs, goal, least), has_goal in zip(rows, goals, strict=True)
    ]


def best_of(papers: Sequence[Labelled], p: Floats) -> dict[str, float]:
    """Each paper's best probability."""
    best: dict[str, float] = {}
    at = 0
    for one in papers:
        best[one.paper] = max(p[at : at + len(one.rows)].tolist(), default=0.0)
        at += len(one.rows)
    return best


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--papers", type=int, default=None)
    parser.add_argument("--cited", type=int, default=1500)
    parser.add_argument("--verdicts", type=int, default=400)
    parser.add_argument("--observatory", default=None)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    listed, prior = labelled(given.folder, given.observatory, given.papers)
    past, unseen = listed[: math.ceil(len(listed) / 4)], listed[math.ceil(len(listed) / 4) :]
    print(f"{len(past)} papers to learn from, {len(unseen)} to measure, {sum(len(one.rows) for one in unseen)} pairs")
    before = figures(unseen, day_0(unseen, prior))
    print(HEADER)
    listing = told("profile's weights (day 0)", before)
    cited = [one for one in past if any(one.labels)][: given.cited]
    others = [one for one in past if one.paper not in {c.paper for c in cited}]
    asked = set(worth_asking(best_of(others, day_0(others, prior)), given.verdicts))
    verdicts = [one for one in others if one.paper in asked]
    for name, papers in (
        (f"{len(cited)} cited", cited),
        (f"{len(verdicts)} verdicts", verdicts),
        (f"{len(cited)} cited, {len(verdicts)} verdicts", [*cited, *verdicts]),
    ):
        if not any(any(one.labels) for one in papers):
            continue
        begun = time.perf_counter()
        groups = [one.paper for one in papers for _ in one.rows]
        labels = np.array([label for one in papers for label in one.labels])
        model = fit(FEATURES, rows_in(papers), labels, groups, HOW, about={"fitted on": name})
        after = figures(unseen, model.probability(rows_in(unseen)))
        listing += told(name, after, "day 0", before)
        listing.append(Figure(f"fitting, {name}", time.perf_counter() - begun, " s"))
        if given.model is not None:
            given.model.write_text(model.text(), "utf-8")
    for figure in listing:
        print(shown(figure))
    if given.json is not None:
        keep(given.json, listing)


if __name__ == "__main__":
    main()
