"""What waits for a decision, said beside the numbers that it may change: it is in none of them."""

from __future__ import annotations

from collections.abc import Iterable

from reports.facts.counted import BANDS, Counted
from reports.words import written

LARGE = 0.05
"""A row is marked where what the machine is certain of would add more than this share to it."""

_CERTAIN = BANDS[0]


def of_projects(certain: int, published: int, observed: int) -> str:
    """Return what a row of so many observed projects says where many wait with a certain candidate; else nothing."""
    if certain <= LARGE * observed:
        return ""
    wait = f"{_many(certain, 'more project')} {'waits' if certain == 1 else 'wait'} with a candidate that is certain"
    return f"{wait}; if accepted, {written((published + certain) / observed, 'share')} published so far."


def of_shares(certain: int, observed: int, way: str) -> str:
    """Return the same for a row of shares at a fixed age, which go this ``way`` if papers of that time are accepted."""
    said = of_projects(certain, 0, observed)
    return f"{said.partition(';')[0]}; if accepted, its shares may {way}." if said else ""


def of_papers(certain: int, papers: int) -> str:
    """Return what a row of so many papers says where many more wait with a certain candidate; else nothing."""
    if certain <= LARGE * papers:
        return ""
    wait = f"{_many(certain, 'more refereed paper')} {'waits' if certain == 1 else 'wait'} with a candidate that is certain"
    return f"{wait}; if accepted, there are {written(papers + certain, 'count')}."


def projects_notes(counted: Counted, *, says_share: bool = True) -> tuple[str, ...]:
    """Return what a table of projects that published says of those that wait; nothing where none does.

    ``says_share``: and which share of all would have published, for tables of such shares.
    """
    told = _by_band(counted.undecided.unpublished[band] for band in BANDS)
    if not told:
        return ()
    observed, published = len(counted.observed), len(counted.published)
    certain = len(counted.undecided.unpublished[_CERTAIN])
    if_accepted = written((published + certain) / observed, "share")
    more = f" If the certain ones were accepted, {if_accepted} of all were published." if certain and says_share else ""
    return (f"Counted as not published, with a candidate that waits for a decision: {told} projects.{more}",)


def papers_notes(counted: Counted) -> tuple[str, ...]:
    """Return what a table of papers says of those that wait; nothing where none does."""
    told = _by_band(counted.undecided.uncounted[band] for band in BANDS)
    return (f"Not counted, with a candidate that waits for a decision: {told} refereed papers.",) if told else ()


def silent_notes(counted: Counted) -> tuple[str, ...]:
    """Return what a table of silent projects says of those that wait; nothing where none does."""
    best = counted.undecided.best
    told = _by_band({i for i in counted.silent if best.get(i) == band} for band in BANDS)
    if not told:
        return ()
    return (
        f"Counted as silent, with a candidate that waits for a decision: {told} projects. Lists of projects say which.",
    )


def _by_band(found: Iterable[Iterable[int]]) -> str:
    """Return how many there are of each band, e.g. "12 certain, 3 likely"; nothing where there are none."""
    counts = [(len(set(ids)), band) for ids, band in zip(found, BANDS, strict=True)]
    return ", ".join(f"{written(count, 'count')} {band}" for count, band in counts if count)


def _many(count: int, what: str) -> str:
    return f"{written(count, 'count')} {what}{'' if count == 1 else 's'}"
