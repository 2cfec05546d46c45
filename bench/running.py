"""What benchmarks that keep their stores in a folder have in common: command line, folder, and how busy the machine was."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.figures import Figure, keep
from biblio.logs import configure


def options(told: str | None, quick: str) -> argparse.ArgumentParser:
    """Return the options of all of them; ``quick`` is what ``--quick`` does."""
    parser = argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database alone")
    return parser


def running(parser: argparse.ArgumentParser, measure: Callable[[argparse.Namespace, Path], Iterable[Figure]]) -> None:
    """Measure in the folder given, else in one that is gone afterwards, and say how busy the machine was meanwhile."""
    given = parser.parse_args()
    configure(as_json=False, level="ERROR")
    begun, load, stolen = time.perf_counter(), os.getloadavg()[0], stolen_s()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="biblio-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        figures = list(measure(given, folder.resolve()))
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{os.cpu_count()} cores, load {load:.1f} when it began, {os.getloadavg()[0]:.1f} at the end, "
        f"{stolen_s() - stolen:.1f} s of processor time taken by other machines; took {time.perf_counter() - begun:.0f} s"
    )
    if given.json:
        keep(given.json, figures)


def is_busy() -> bool:
    """Whether other work keeps this machine from showing how fast it is."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def stolen_s() -> float:
    """Seconds that the host gave to other machines while this one had work, all cores together (Linux; elsewhere 0)."""
    try:
        columns = Path("/proc/stat").read_text("ascii").splitlines()[0].split()
        return int(columns[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0
