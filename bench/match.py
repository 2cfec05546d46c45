"""All figures of the matcher in one run, and the page that keeps them.

usage: python -m bench.match [--quick] [--only codes|same|propose] [--no-page] [--seed N]

Makes large inputs with the generators (folder in ``BIBLIO_BENCH``, default ../shared/bench) in ``bench-data/``, reads
labelled data (``BIBLIO_REAL_DATA``, default ../shared/data), runs each benchmark as a process of its own, and writes
``docs/accuracy.md`` with what was measured; every run is a line of ``docs/accuracy.jsonl``. ``--quick`` uses a tenth of the
amounts, prints the same tables and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, kept, number
from biblio.observatory import load
from biblio.runtime import biblio_version
from matching.works import model as same_paper_model

ROOT = Path(__file__).parent.parent
PAGE, HISTORY = ROOT / "docs/accuracy.md", ROOT / "docs/accuracy.jsonl"
GENERATORS = Path(os.environ.get("BIBLIO_BENCH", ROOT / "../shared/bench"))
DATA = Path(os.environ.get("BIBLIO_REAL_DATA", ROOT / "../shared/data"))
MADE = ROOT / "bench-data"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done."""

    megabytes: int = 200
    many_papers: int = 200_000
    many_projects: int = 50_000
    papers: int = 20_000
    projects: int = 6_000
    listings: int = 100_000


QUICK = Scale(20, 20_000, 50_000, 4_000, 6_000, 10_000)


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark: what it measures, in words, and how it is run."""

    title: str
    about: str
    module: str
    arguments: tuple[str, ...]


def made(generator: str, *arguments: int) -> Path:
    """A folder of generated input; made once, kept whole or not at all."""
    folder = MADE / "-".join([generator.removeprefix("make_"), *map(str, arguments)])
    if not folder.exists():
        print(f"making {folder.name} …", flush=True)
        part = folder.with_name(folder.name + ".part")
        command = [sys.executable, str(GENERATORS / f"{generator}.py"), *map(str, arguments), str(part)]
        MADE.mkdir(exist_ok=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        part.rename(folder)
    return folder


def sections(scale: Scale, seed: int, only: str | None) -> Iterator[Section]:
    """What is run, in order."""
    if only in (None, "codes"):
        corpus = str(made("make_code_corpus", scale.megabytes, seed))
        yield Section(
            "Project codes in text",
            f"{scale.megabytes} MB of paper-like text with planted and damaged codes, decoded text in memory, one process. "
            "The peer is a strict regular expression for the codes.",
            "bench.codes",
            (corpus,),
        )
        yield Section(
            "Codes by kind of damage",
            "Codes damaged in one way (or two) at a time amid text of papers, 100 of each kind; kinds that do not all come out stand by themselves.",
            "bench.code_damage",
            (corpus,),
        )
    if only in (None, "same"):
        yield Section(
            "The same paper, and names of people",
            "Labelled pairs of records by one shipped model with one threshold; each set is judged by a model that was not "
            f"fitted to the half it is judged on where the line says so; journal articles among {scale.listings:,} preprint listings. "
            "The peers are a plain rule on title, author and year with the best threshold for each set, and Jaro-Winkler.",
            "bench.same",
            (str(DATA), "--listings", str(scale.listings)),
        )
    if only in (None, "propose"):
        large = str(made("make_papers_projects", scale.many_papers, scale.many_projects, seed))
        yield Section(
            "Candidates among very many",
            f"{scale.many_papers:,} papers against {scale.many_projects:,} projects, no code printed: are the right projects "
            "among the twenty looked at?",
            "bench.candidates",
            (large,),
        )
        small = str(made("make_papers_projects", scale.papers, scale.projects, seed + 1))
        yield Section(
            "Ranking on day 0",
            f"{scale.papers:,} papers against {scale.projects:,} projects with the profile's weights; nothing was fitted to them. "
            "The peer ranks by the ratio of titles.",
            "bench.propose",
            (small,),
        )
        yield Section(
            "Ranking after verdicts",
            "A quarter of the same papers is learned from, the other three quarters are measured; the peer is day 0.",
            "bench.learn",
            (small,),
        )


def run(section: Section, folder: Path) -> list[Figure]:
    """The figures of one benchmark, run as a process of its own so that its memory is its own."""
    file = folder / f"{section.module}.json"
    print(f"\n{section.title}", flush=True)
    subprocess.run(
        [sys.executable, "-m", section.module, *section.arguments, "--json", str(file)], check=True, cwd=ROOT
    )
    return kept(file)


def commit() -> str:
    """The commit that was measured, with a plus sign where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """The figures of one section as a table."""
    yield "| what | biblio | peer | goal | |"
    yield "|---|---|---|---|---|"
    for figure in figures:
        peer = figure.peer
        if figure.peer_value is not None:
            peer = f"{peer} {number(figure.peer_value, figure.unit)}".strip()
        verdict = "" if figure.met is None else "met" if figure.met else "**missed**"
        yield f"| {figure.what} | {number(figure.value, figure.unit)} | {peer} | {figure.goal} | {verdict} |"


def page(runs: Sequence[dict[str, Any]]) -> str:
    """The whole page: the newest run, then how the figures with goals went from run to run."""
    last = runs[-1]
    lines = [
        "# How good and how fast the matcher is",
        "",
        "`make bench-match` writes this page; `docs/accuracy.jsonl` keeps every run. All figures are of inputs made or labelled by others",
        "than the matcher's authors, with every peer in the same run on the same machine. Made-up papers share their noise with whoever made them up:",
        "trust differences more than the third digit, and `biblio evaluate` most, which measures your own verdicts.",
        "",
        f"Measured {last['measured']} with biblio {last['version']} (commit {last['commit']}; {last['models']}),",
        f"seed {last['seed']}, Python {last['python']}, {last['cores']} cores, load {last['load']:.1f} when it began.",
    ]
    for section in last["sections"]:
        lines += ["", f"## {section['title']}", "", section["about"], ""]
        lines += table([Figure(**figure) for figure in section["figures"]])
    lines += ["", "## From run to run", "", "Figures that have a goal, the newest run first.", ""]
    names = [f["what"] for s in last["sections"] for f in s["figures"] if f["met"] is not None]
    shown = runs[::-1][:6]
    lines.append("| what | " + " | ".join(f"{r['measured']} ({r['commit']})" for r in shown) + " |")
    lines.append("|---|" + "---|" * len(shown))
    for name in dict.fromkeys(names):
        cells = []
        for one in shown:
            found = [f for s in one["sections"] for f in s["figures"] if f["what"] == name]
            cells.append(number(found[0]["value"], found[0]["unit"]) if found else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the amounts; writes nothing")
    parser.add_argument("--only", choices=("codes", "same", "propose"))
    parser.add_argument("--no-page", action="store_true", help="print only")
    parser.add_argument("--seed", type=int, default=20261)
    given = parser.parse_args()
    for folder, variable in ((GENERATORS, "BIBLIO_BENCH"), (DATA, "BIBLIO_REAL_DATA")):
        if not folder.is_dir():
            parser.error(f"there is no folder {folder}; say in {variable} where it is.")
    begun, load_then = time.perf_counter(), os.getloadavg()[0]
    MADE.mkdir(exist_ok=True)
    done = [(s, run(s, MADE)) for s in sections(QUICK if given.quick else Scale(), given.seed, given.only)]
    missed = [figure.what for _, figures in done for figure in figures if figure.met is False]
    print(
        f"\ntook {time.perf_counter() - begun:.0f} s; "
        + (f"missed: {'; '.join(missed)}" if missed else "all goals met")
    )
    if given.quick or given.only or given.no_page:
        print("docs/accuracy.md is left as it is: it keeps whole runs only.")
        return
    told = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": biblio_version(),
        "commit": commit(),
        "models": f"rules {load().rules['version']}, same paper {same_paper_model().version[:12]}",
        "seed": given.seed,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": load_then,
        "sections": [
            {"title": s.title, "about": s.about, "figures": [asdict(figure) for figure in figures]}
            for s, figures in done
        ],
    }
    with HISTORY.open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")
    PAGE.write_text(page([json.loads(line) for line in HISTORY.read_text("utf-8").splitlines()]), "utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
