"""The authors of papers as the database puts them together: taken apart and, where they are many, compared beside.

Another process (``biblio.bulk.beside``) takes them apart as well and keeps them: what it is asked later needs no more than
the papers' ids. It imports this module first, which therefore knows nothing of the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from sys import intern

import numpy as np

from matching.authorship import Overlap
from matching.overlaps import Staff, overlaps
from reports.facts.persons import Persons

Authors = tuple[tuple[str, ...], tuple[str, ...], str]
"""Names and ORCIDs ("" where none is known) in printed order, and the first author's affiliation."""

NOBODY: Authors = ((), (), "")

Told = tuple[str | None, str | None, str | None, str | None]
"""JSON lists in step: revision, name, ORCID and the first author's affiliation of every author; None where there is none."""


def apart(told: Told) -> dict[int, Authors]:
    """Return the authors by revision, of lists in which each revision's stand together in printed order."""
    revisions, names, orcids, affiliations = (json.loads(one or "[]") for one in told)
    # Of one name one copy is kept: it saves half of the memory, and later its hash is known already.
    names, orcids = list(map(intern, names)), [orcid or "" for orcid in orcids]
    is_first = np.diff(np.array(revisions, dtype=np.int64), prepend=0) > 0
    starts = [*np.flatnonzero(is_first).tolist(), len(names)]
    return {
        revisions[start]: (tuple(names[start:end]), tuple(orcids[start:end]), affiliations[start] or "")
        for start, end in pairwise(starts)
    }


# -- in the process beside ----------------------------------------------------------------------------------------------

_kept: dict[int, Authors] = {}
"""By paper. A process that took the place of one that died has none, unless it kept them itself."""


def make_ready() -> None:
    """Do nothing: what can be called has imported all that is needed."""


def keep(told: Told, papers: Mapping[int, int]) -> None:
    """Take the authors apart and keep them by paper; ``papers`` has the paper of each revision."""
    _kept.clear()
    found = apart(told)
    _kept.update((paper, found.get(revision, NOBODY)) for revision, paper in papers.items())


def persons_of_kept(ids: Sequence[int]) -> Persons | None:
    """Return who wrote these papers, which are sorted; None where their authors are not here."""
    if not _kept:
        return None
    return Persons(ids, [_kept[i][0] for i in ids], [_kept[i][1] for i in ids])


def overlaps_of_kept(
    ids: Sequence[int], staffs: Sequence[Staff], pairs: Sequence[tuple[int, int]]
) -> list[Overlap] | None:
    """Return what ``overlaps`` says of these papers' authors; None where they are not here."""
    return overlaps([_kept[i][0] for i in ids], staffs, pairs) if _kept else None
