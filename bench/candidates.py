"""Whether the right project is among the few that are looked at, how fast and in how much memory, beside naive searches.

usage: python -m bench.candidates FOLDER [--json FILE] [--papers N] [--workers N] [--observatory NAME]

FOLDER is made by the papers and projects generator (see ``bench/propose.py``). The project list is indexed once; then
processes beside this one read the papers' rows and find twenty candidates for each. "Seconds in all" counts from facts in
memory to found candidates: the index, then the slowest worker's share of reading and finding; turning JSON lines into
facts is told apart. Where the machine is busy with other things, the seconds of CPU say what a quiet one would need.
Memory is that of all processes together (proportional set size on Linux). The peers are an index of surnames as printed,
weighed by rarity, and rapidfuzz's ratio of titles, both on the first papers only.
"""

import argparse
import gc
import json
import math
import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from bench.figures import HEADER, Figure, keep, shown
from biblio.cli.rows import paper_of, project_of, rows_of
from biblio.observatory import load
from matching.blocking import SparseIndex
from matching.codes import Grammar
from matching.evidence import PaperFacts, ProjectFacts
from matching.keywords import Keywords
from matching.propose import Proposer
from matching.rules import Rules

AT = (1, 5, 10, 20)
AT_ONCE = 4000
"""Papers that a worker is given at a time."""
ALONE = 300
"""Papers proposed one by one."""
SURNAMES, TITLES = 20_000, 1_000
"""Papers on which the peers are measured."""
READ_APART = 10_000
"""Papers by which reading and the sparse product are timed one after the other."""

Truth = dict[str, set[str]]


@dataclass
class Clock:
    """Seconds of wall and of CPU."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def since(self) -> "Clock":
        """Seconds since this clock was made."""
        return Clock(time.perf_counter() - self.wall, time.process_time() - self.cpu)


@dataclass(frozen=True, slots=True)
class Part:
    """What one piece of the papers gave."""

    worker: int
    papers: int
    ranks: list[int]
    """The rank of each true project that was found, from 1."""
    parsing: Clock
    finding: Clock
    megabytes: float


def megabytes() -> float:
    """Memory of this process; what processes share is divided among them where the system tells (Linux)."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


_HELD: dict[str, tuple[Proposer, Truth]] = {}
"""The index and the truth, as the workers have them from the process that forked them."""


def find(lines: list[bytes]) -> Part:
    """Candidates of some papers, compared with the truth."""
    proposer, truth = _HELD["run"]
    clock = Clock()
    papers = [paper_of(json.loads(line))[0] for line in lines]
    parsing, clock = clock.since(), Clock()
    found = list(proposer.candidates(papers, max(AT)))
    finding = clock.since()
    ranks = [codes.index(code) + 1 for paper, codes in found for code in truth.get(paper, ()) if code in codes]
    return Part(multiprocessing.current_process().pid or 0, len(papers), ranks, parsing, finding, megabytes())


def pieces(file: Path, most: int | None) -> Iterator[list[bytes]]:
    """The papers' lines, some at a time."""
    with file.open("rb") as lines:
        source = islice(lines, most)
        while piece := list(islice(source, AT_ONCE)):
            yield piece


def found_by_all(file: Path, most: int | None, workers: int) -> tuple[list[Part], float, float]:
    """What all papers gave; seconds of wall; the most megabytes of all processes together."""
    gc.collect()
    gc.freeze()  # the index never changes: workers should not copy it, nor look through it for garbage
    begun = time.perf_counter()
    largest: dict[int, float] = {}
    own = 0.0
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        parts = []
        for part in pool.map(find, pieces(file, most)):
            parts.append(part)
            largest[part.worker] = max(part.megabytes, largest.get(part.worker, 0.0))
            own = max(own, megabytes())
    return parts, time.perf_counter() - begun, own + sum(largest.values())


def of_finding(parts: Sequence[Part], indexing: Clock, wall: float, links: int) -> list[Figure]:
    """Recall and times of the whole run."""
    ranks = np.array([rank for part in parts for rank in part.ranks])
    figures = [Figure(f"recall of candidates @{k}", float((ranks <= k).sum() / links)) for k in AT[:-1]]
    recall = float((ranks <= AT[-1]).sum() / links)
    figures.append(Figure("recall of candidates @20", recall, goal="≥ 0.995", met=recall >= 0.995))
    workers = sorted({part.worker for part in parts})
    slowest = max(sum(p.finding.wall for p in parts if p.worker == w) for w in workers)
    busiest = max(sum(p.finding.cpu for p in parts if p.worker == w) for w in workers)
    parsing = max(sum(p.parsing.cpu for p in parts if p.worker == w) for w in workers)
    total, quiet = indexing.wall + slowest, indexing.cpu + busiest
    return [
        *figures,
        Figure("candidates, seconds of CPU, one after the other", quiet, " s", goal="≤ 15 s", met=quiet <= 15),
        Figure("candidates, seconds in all on this machine", total, " s", goal="≤ 15 s if quiet"),
        Figure("of these the index", indexing.wall, " s"),
        Figure("of these the index, CPU", indexing.cpu, " s"),
        Figure("CPU of all workers for candidates", sum(p.finding.cpu for p in parts), " s"),
        Figure("beside this: papers' rows to facts, CPU", parsing, " s"),
        Figure("finding with reading the file, wall", wall, " s"),
    ]


def of_steps(proposer: Proposer, papers: Sequence[PaperFacts]) -> list[Figure]:
    """What reading and the product cost, one after the other, in this process."""
    clock = Clock()
    rows = [proposer.blocker.read(papers[i : i + 1000]) for i in range(0, len(papers), 1000)]
    reading, clock = clock.since(), Clock()
    for one in rows:
        proposer.blocker.nearest(one, max(AT))
    per = 1e6 / len(papers)
    return [
        Figure("reading a paper, names mostly new, CPU", reading.cpu * per, " µs"),
        Figure("finding the best twenty, CPU", clock.since().cpu * per, " µs"),
    ]


def of_one(proposer: Proposer, papers: Sequence[PaperFacts]) -> list[Figure]:
    """One paper after the other, judged with all evidence."""
    wall, cpu = [], []
    for paper in papers:
        clock = Clock()
        proposer.propose(paper)
        took = clock.since()
        wall.append(took.wall * 1e3)
        cpu.append(took.cpu * 1e3)
    clock = Clock()
    for _ in proposer.propose_many(papers):
        pass
    quick, late = (float(np.quantile(cpu, share)) for share in (0.5, 0.95))
    return [
        Figure("one new paper judged, CPU, median", quick, " ms", goal="≤ 5 ms", met=quick <= 5),
        Figure("one new paper judged, CPU, 95 of 100 within", late, " ms"),
        Figure("one new paper judged, wall, median", float(np.median(wall)), " ms"),
        Figure("papers judged a second of CPU, in batches", len(papers) / clock.since().cpu, "/s"),
    ]


def by_surname(papers: Sequence[PaperFacts], projects: Sequence[ProjectFacts], truth: Truth) -> float:
    """Recall at 20 by surnames as printed, weighed by rarity, over these papers."""

    def surnames(names: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(name.partition(",")[0].strip().lower() for name in names))

    teams = [surnames([*([p.pi] if p.pi else []), *p.co_is]) for p in projects]
    common = Counter(name for team in teams for name in team)
    column = {name: at for at, name in enumerate(common)}
    worth = {name: math.log(len(projects) / n) + 1e-6 for name, n in common.items()}
    index = SparseIndex([{column[name]: 1.0 for name in team} for team in teams], len(column))
    sought = [{column[n]: worth[n] for n in surnames(p.authors) if n in column} for p in papers]
    return _recall(papers, index.best(sought, max(AT)), projects, truth)


def by_title(papers: Sequence[PaperFacts], projects: Sequence[ProjectFacts], truth: Truth) -> float:
    """Recall at 20 by rapidfuzz's plain ratio of titles, over these papers."""
    titles = [p.title or "" for p in projects]
    found = []
    for start in range(0, len(papers), 200):
        some = [p.title or "" for p in papers[start : start + 200]]
        alike = process.cdist(some, titles, scorer=fuzz.ratio, workers=-1, dtype=np.float32)
        found.extend(np.argsort(-alike, axis=1, kind="stable")[:, : max(AT)].tolist())
    return _recall(papers, found, projects, truth)


def _recall(
    papers: Sequence[PaperFacts], found: Sequence[Sequence[int]], projects: Sequence[ProjectFacts], truth: Truth
) -> float:
    hits = sum(
        len({projects[i].code for i in numbers} & truth.get(paper.id, set()))
        for paper, numbers in zip(papers, found, strict=True)
    )
    return hits / max(1, sum(len(truth.get(paper.id, ())) for paper in papers))


def peers(
    papers: Sequence[PaperFacts], projects: Sequence[ProjectFacts], proposer: Proposer, truth: Truth
) -> list[Figure]:
    """Ours beside the naive searches, on the same papers."""
    numbers = {project.code: number for number, project in enumerate(projects)}
    figures = []
    for name, peer, count in (("surnames by rarity", by_surname, SURNAMES), ("title ratio", by_title, TITLES)):
        some = papers[:count]
        ours = [[numbers[code] for code in codes] for _, codes in proposer.candidates(some, max(AT))]
        figures.append(
            Figure(
                f"recall @20, first {len(some):,} papers",
                _recall(some, ours, projects, truth),
                peer=name,
                peer_value=peer(some, projects, truth),
            )
        )
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--papers", type=int, default=None, help="only the first N papers")
    parser.add_argument("--workers", type=int, default=2, help="processes that read and find")
    parser.add_argument("--observatory", default=None)
    given = parser.parse_args()
    truth: Truth = {}
    lines = (json.loads(line) for line in (given.folder / "truth.jsonl").open(encoding="utf-8"))
    wanted = {json.loads(line)["id"] for piece in pieces(given.folder / "papers.jsonl", given.papers) for line in piece}
    for told in lines:
        if told["paper"] in wanted:
            truth.setdefault(told["paper"], set()).add(told["project"])
    projects = [project_of(row) for _, row in rows_of(given.folder / "projects.jsonl")]
    profile = load(given.observatory)
    rules, grammar = Rules.from_plain(profile.rules), Grammar.from_plain(profile.codes)
    clock = Clock()
    proposer = Proposer(projects, rules, grammar, Keywords.from_plain(profile.keywords))
    indexing = clock.since()
    _HELD["run"] = proposer, truth
    parts, wall, memory = found_by_all(given.folder / "papers.jsonl", given.papers, given.workers)
    links = sum(map(len, truth.values()))
    figures = of_finding(parts, indexing, wall, links)
    figures.append(Figure("memory of all processes", memory / 1e3, " GB", goal="≤ 1.5 GB", met=memory <= 1500))
    some = [
        paper_of(json.loads(line))[0]
        for line in islice((given.folder / "papers.jsonl").open("rb"), min(given.papers or SURNAMES, SURNAMES))
    ]
    figures += of_one(proposer, some[-ALONE:])
    figures += of_steps(proposer, some[:READ_APART])
    figures += peers(some, projects, proposer, truth)
    count = sum(part.papers for part in parts)
    print(f"{count:,} papers × {len(projects):,} projects, {links:,} links, {given.workers} workers\n{HEADER}")
    for figure in figures:
        print(shown(figure))
    if given.json:
        keep(given.json, figures)


if __name__ == "__main__":
    main()
