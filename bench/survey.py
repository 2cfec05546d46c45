"""How fast the questionnaire works at the size of a large observatory.

usage: python -m bench.survey [--quick] [--json FILE] [--only sqlite|postgresql] [--part NAME]… [FOLDER]

Parts (a function each; add one to ``PARTS``):

* ``due``: 100,000 projects judged due or not, now, as of a day in the past, and as the campaign pages show them.
* ``sending``: 10,000 invitations queued and sent to a local mail server, beside a plain loop to the same one.
* ``page``: the questionnaire and its answer at 50 requests a second from ``biblio serve``, beside the empty page.
* ``links``: whether links that do not work can be told apart by time, and from those that do.
* ``release``: 10,000 ballots opened and stored, beside their bare decryption.

A store is made up (``survey_store.py``, seeded) on SQLite and on PostgreSQL; FOLDER keeps both for the next run.
Durations are the best of several runs, because other work on the machine only ever makes one slower. ``--quick`` makes
a tenth of all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.databases import Build, name_of, stores
from bench.figures import HEADER, Figure, shown
from bench.running import options, running
from bench.survey_campaign import answered, released, sent, told_apart
from bench.survey_store import Size, build
from biblio.runtime import Runtime
from survey.asking.due import due, what_ended_asking
from survey.campaign.previewing import preview


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is, and how often each thing is done."""

    size: Size
    runs: int
    persons: int
    """Letters that are sent, and ballots that are opened."""
    requests: int
    """Requests for the questionnaire, as many that answer it, and links of each kind."""


FULL = Scale(Size(100_000), 5, 10_000, 1000)
QUICK = Scale(Size(10_000), 3, 1000, 200)

Part = Callable[[Runtime, Scale], Iterable[Figure]]
"""Measures one thing on one store."""


def best(act: Callable[[], object], runs: int) -> float:
    """The least time that ``act`` took, in seconds."""
    took = []
    for _ in range(runs):
        begun = time.perf_counter()
        act()
        took.append(time.perf_counter() - begun)
    return min(took)


def judged(runtime: Runtime, scale: Scale) -> Iterator[Figure]:
    """Judge every project: now, as of a year ago, and one alone as the questionnaire's page does."""
    name, many = name_of(runtime), scale.size.projects
    a_year_ago = runtime.clock.today() - timedelta(days=365)
    with runtime.store.reading() as session:
        grounds = Counter(s.judgement.ground for s in due(session, runtime))
        now = best(lambda: due(session, runtime), scale.runs)
        past = best(lambda: due(session, runtime, a_year_ago), scale.runs)
        number = iter(range(1, 10**9))
        one = best(lambda: what_ended_asking(session, runtime, next(number)), 50)
        ahead = best(lambda: preview(session, runtime, stratify_by="cycle"), scale.runs)
    goal = 2.0 * many / 100_000
    yield Figure(f"{name}: {many:,} projects judged", now, " s", goal=f"< {goal:.1f} s", met=now < goal)
    yield Figure(f"{name}: the same as of a year ago", past, " s", goal=f"< {goal:.1f} s", met=past < goal)
    yield Figure(f"{name}: of them due", grounds[None])
    yield Figure(f"{name}: grounds met with", len(grounds) - (None in grounds))
    yield Figure(f"{name}: what a new campaign would do", ahead, " s")
    yield Figure(f"{name}: one project for the page", 1000 * one, " ms")


PARTS: Mapping[str, Part] = {
    "due": judged,
    "sending": lambda runtime, scale: sent(runtime, scale.persons),
    "page": lambda runtime, scale: answered(runtime, scale.requests),
    "links": lambda runtime, scale: told_apart(runtime, scale.requests // 2),
    "release": lambda runtime, scale: released(runtime, scale.persons),
}
"""The parts of the benchmark, in the order in which they are run."""


def made(size: Size) -> Build:
    """Return what fills a store of this size."""
    return lambda runtime: build(runtime.store.engine, runtime.profile, runtime.settings, size, runtime.clock.today())


def run(folder: Path, scale: Scale, only: str | None, parts: Iterable[str]) -> list[Figure]:
    """Measure these parts on each database, printing each line as it is known."""
    figures = []
    with stores(folder, f"survey-{scale.size.projects}", made(scale.size), only) as runtimes:
        print(HEADER)
        for runtime in runtimes:
            for part in parts:
                for one in PARTS[part](runtime, scale):
                    print(shown(one), flush=True)
                    figures.append(one)
    return figures


def main() -> None:
    """Run the benchmark."""
    parser = options(__doc__, "a tenth of all")
    parser.add_argument("--part", choices=tuple(PARTS), action="append", help="one part alone; may be repeated")
    running(
        parser,
        lambda given, folder: run(folder, QUICK if given.quick else FULL, given.only, given.part or PARTS),
    )


if __name__ == "__main__":
    main()
