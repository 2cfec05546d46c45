"""How well and how fast projects are proposed, beside a plain title ratio.

usage: bench/propose.py FOLDER [--papers N] [--observatory NAME]

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

from biblio.cli.propose import prepare
from biblio.cli.rows import paper_of, project_of, rows_of
from matching.evidence import PaperFacts

Pairs = list[tuple[str, str, float, str]]
RECALL_AT = (1, 5, 10, 20)


def average_precision(hits: NDArray[np.bool_], scores: NDArray[np.float64], links: int) -> tuple[float, float]:
    """Average precision over all true links (those never proposed count as missed), and recall at precision 0.99."""
    ranked = hits[np.argsort(-scores, kind="stable")]
    found = np.cumsum(ranked)
    precision = found / np.arange(1, len(ranked) + 1)
    recall = found / links
    return float((precision * ranked).sum() / links), float(max(recall[precision >= 0.99], default=0.0))


def report(name: str, pairs: Pairs, truth: set[tuple[str, str]]) -> None:
    """Print the figures of one method; ``pairs`` are ranked within each paper."""
    hits = np.array([(paper, project) in truth for paper, project, _, _ in pairs])
    scores = np.array([score for _, _, score, _ in pairs])
    ranks = _ranks(paper for paper, _, _, _ in pairs)
    recalls = "  ".join(f"@{k} {hits[ranks <= k].sum() / len(truth):.4f}" for k in RECALL_AT)
    precision, at_99 = average_precision(hits, scores, len(truth))
    print(f"{name}: recall {recalls}   AP {precision:.4f}   R@P.99 {at_99:.3f}")


def _ranks(papers: Iterable[str]) -> NDArray[np.int64]:
    ranks: list[int] = []
    before = None
    for paper in papers:
        ranks.append(ranks[-1] + 1 if paper == before else 1)
        before = paper
    return np.array(ranks)


def calibration(pairs: Pairs, truth: set[tuple[str, str]]) -> None:
    """Print the share of true links by score and by band, and the expected calibration error (ten bins)."""
    hits = np.array([(paper, project) in truth for paper, project, _, _ in pairs])
    scores = np.array([score for _, _, score, _ in pairs])
    error = 0.0
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (scores >= low) & ((scores < low + 0.1) | (low > 0.85))
        if inside.any():
            error += abs(scores[inside].mean() - hits[inside].mean()) * inside.mean()
            print(
                f"  score {low:.1f}: {inside.sum():7d} pairs, mean {scores[inside].mean():.3f}, true {hits[inside].mean():.3f}"
            )
    print(f"  calibration error {error:.4f}")
    for band in ("certain", "likely", "unlikely"):
        inside = np.array([b == band for _, _, _, b in pairs])
        if inside.any():
            print(
                f"  {band}: {inside.sum()} pairs, precision {hits[inside].mean():.4f}, recall {hits[inside].sum() / len(truth):.4f}"
            )


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
    arguments = parser.parse_args()
    papers = [paper_of(row)[0] for _, row in rows_of(arguments.folder / "papers.jsonl")][: arguments.papers]
    ids = {p.id for p in papers}
    lines = (json.loads(line) for line in (arguments.folder / "truth.jsonl").open(encoding="utf-8"))
    truth = {(t["paper"], t["project"]) for t in lines if t["paper"] in ids}

    start = time.perf_counter()
    proposer, _ = prepare(arguments.observatory, arguments.folder / "projects.jsonl")
    indexed = time.perf_counter()
    pairs = [(i, c.project_code, c.score, c.band) for i, found in proposer.propose_many(papers) for c in found]
    done = time.perf_counter()
    for paper in papers[:200]:
        proposer.propose(paper)
    single = (time.perf_counter() - done) / max(1, min(200, len(papers)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{len(papers)} papers, {len(truth)} links; index {indexed - start:.1f} s, proposals {done - indexed:.1f} s,",
        end=" ",
    )
    print(f"one paper alone {single * 1000:.1f} ms, peak memory {memory:.2f} GB")
    report("biblio", pairs, truth)
    calibration(pairs, truth)
    some = papers[:2000]
    known = {(a, b) for a, b in truth if a in {p.id for p in some}}
    report(f"plain title ratio (first {len(some)} papers)", title_ratio(some, arguments.folder), known)


if __name__ == "__main__":
    main()
