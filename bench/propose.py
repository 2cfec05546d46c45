"""How well and how fast projects are proposed, beside a plain title ratio.

usage: python -m bench.propose FOLDER [--json FILE] [--papers N] [--observatory NAME]

FOLDER holds ``projects.jsonl``, ``papers.jsonl`` (as ``biblio propose`` reads them) and ``truth.jsonl`` with lines
``{"paper": …, "project": …}``. Prints recall of the candidates, average precision, recall at precision 0.99, calibration
by score, precision by band, and times. The weights come from the profile; nothing is fitted to the folder.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from bench.figures import HEADER, Figure, keep, shown
from biblio.cli.propose import prepare
from biblio.cli.rows import paper_of, project_of, rows_of
from matching.evidence import PaperFacts

Pairs = list[tuple[str, str, float, str]]
RECALL_AT = (1, 5, 10, 20)
GOALS = {"average precision": 0.95}
PEER_PAPERS = 2000


def average_precision(hits: NDArray[np.bool_], scores: NDArray[np.float64], links: int) -> tuple[float, float]:
    """Average precision over all true links (those never proposed count as missed), and recall at precision 0.99."""
    ranked = hits[np.argsort(-scores, kind="stable")]
    found = np.cumsum(ranked)
    precision = found / np.arange(1, len(ranked) + 1)
    recall = found / links
    return float((precision * ranked).sum() / links), float(max(recall[precision >= 0.99], default=0.0))


def ranking(pairs: Pairs, truth: set[tuple[str, str]]) -> dict[str, float]:
    """Figure → value for one method; ``pairs`` are ranked within each paper."""
    hits = np.array([(paper, project) in truth for paper, project, _, _ in pairs], dtype=bool)
    scores = np.array([score for _, _, score, _ in pairs])
    ranks = _ranks(paper for paper, _, _, _ in pairs)
    found = {f"recall @{k}": float(hits[ranks <= k].sum() / len(truth)) for k in RECALL_AT}
    precision, at_99 = average_precision(hits, scores, len(truth))
    return {**found, "average precision": precision, "recall at precision 0.99": at_99}


def _ranks(papers: Iterable[str]) -> NDArray[np.int64]:
    ranks: list[int] = []
    before = None
    for paper in papers:
        ranks.append(ranks[-1] + 1 if paper == before else 1)
        before = paper
    return np.array(ranks)


def calibration(pairs: Pairs, truth: set[tuple[str, str]]) -> list[Figure]:
    """The expected calibration error (ten bins), and the share of true links by band; prints the bins."""
    hits = np.array([(paper, project) in truth for paper, project, _, _ in pairs], dtype=bool)
    scores = np.array([score for _, _, score, _ in pairs])
    bins = np.minimum((scores * 10).astype(int), 9)
    error = 0.0
    for place in range(10):
        inside = bins == place
        if inside.any():
            mean, true = float(scores[inside].mean()), float(hits[inside].mean())
            error += abs(mean - true) * float(inside.mean())
            print(f"  score {place / 10:.1f}: {inside.sum():7d} pairs, mean {mean:.3f}, true {true:.3f}")
    figures = [Figure("calibration error", error)]
    for band in ("certain", "likely", "unlikely"):
        inside = np.array([b == band for _, _, _, b in pairs], dtype=bool)
        if inside.any():
            figures.append(Figure(f"share of {band} candidates that are right", float(hits[inside].mean())))
            figures.append(Figure(f"share of links among {band} candidates", float(hits[inside].sum() / len(truth))))
    return figures


def title_ratio(papers: list[PaperFacts], folder: Path) -> Pairs:
    """The baseline: the twenty projects with the most similar title, by rapidfuzz's plain ratio."""
    projects = [project_of(row) for _, row in rows_of(folder / "projects.jsonl")]
    titles = [p.title or "" for p in projects]
    alike = process.cdist([p.title or "" for p in papers], titles, scorer=fuzz.ratio, workers=-1, dtype=np.float32)
    best = np.argsort(-alike, axis=1, kind="stable")[:, :20]
    return [
        (paper.id, projects[j].code, float(alike[i, j]) / 100, "")
        for i, paper in enumerate(papers)
        for j in best[i].tolist()
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--papers", type=int, default=None, help="only the first N papers")
    parser.add_argument("--observatory", default=None)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    papers = [paper_of(row)[0] for _, row in rows_of(arguments.folder / "papers.jsonl")][: arguments.papers]
    ids = {p.id for p in papers}
    lines = (json.loads(line) for line in (arguments.folder / "truth.jsonl").open(encoding="utf-8"))
    truth = {(t["paper"], t["project"]) for t in lines if t["paper"] in ids}

    start = time.process_time()
    proposer, _ = prepare(arguments.observatory, arguments.folder / "projects.jsonl")
    indexed = time.process_time()
    pairs = [(i, c.project_code, c.score, c.band) for i, found in proposer.propose_many(papers) for c in found]
    done = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    some = papers[:PEER_PAPERS]
    known = {(a, b) for a, b in truth if a in {p.id for p in some}}
    peer = ranking(title_ratio(some, arguments.folder), known)
    print(f"{len(papers):,} papers, {len(truth):,} links; the peer on the first {len(some):,} papers")
    figures = [_with_goal(what, value, peer[what]) for what, value in ranking(pairs, truth).items()]
    figures += calibration(pairs, truth)
    figures += [
        Figure("reading and indexing the projects, CPU", indexed - start, " s"),
        Figure("papers judged a second of CPU", len(papers) / (done - indexed), "/s"),
        Figure("memory", memory, " GB"),
    ]
    print(HEADER)
    for figure in figures:
        print(shown(figure))
    if arguments.json:
        keep(arguments.json, figures)


def _with_goal(what: str, value: float, peer: float) -> Figure:
    """A figure beside the peer's, with its goal where there is one."""
    least = GOALS.get(what)
    if least is None:
        return Figure(what, value, peer="title ratio", peer_value=peer)
    return Figure(what, value, "", "title ratio", peer, f"≥ {least}", value >= least)


if __name__ == "__main__":
    main()
