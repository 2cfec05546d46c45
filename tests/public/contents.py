"""What an index says, in a form that does not depend on the order in which it learned it."""

from __future__ import annotations

from typing import Any

import numpy as np

from biblio.public.facets import FACETS
from biblio.public.index import PublicIndex
from biblio.public.wordlists import WordList


def contents(index: PublicIndex) -> dict[str, Any]:
    """Every public paper with its facets and words in their places, the projects, the counts of every facet."""
    rows = {int(index.ids.view[row]): int(row) for row in np.flatnonzero(index.live)}
    return {
        "papers": {
            paper: (
                int(index.ages.view[row]),
                int(index.years.view[row]),
                index.codes_of(paper),
                {name: sorted(index.facets[name].of(row)) for name in FACETS},
            )
            for paper, row in rows.items()
        },
        "words": {name: _words(getattr(index, name), rows) for name in ("title", "author", "text")},
        "counts": {name: dict(_counts(index, name)) for name in FACETS},
        "titles": [int(index.ids.view[row]) for row in np.argsort(index.title_order()) if index.live[row]],
        "newest": index.newest(1000),
        "years": index.by_year(),
        "projects": index.project_list(),
    }


def _counts(index: PublicIndex, name: str) -> list[tuple[str, int]]:
    values, _ = index.facets[name].top(index.live, 10**6)
    return [(value.value, value.count) for value in values]


def _words(words: WordList, rows: dict[int, int]) -> dict[str, set[tuple[int, int]]]:
    """Return (paper, place in its text) by word, of public papers alone."""
    starts = words._starts.view
    papers = {row: paper for paper, row in rows.items()}
    found: dict[str, set[tuple[int, int]]] = {}
    for word, places in words._places.items():
        at = np.searchsorted(starts, np.array(places), side="right") - 1
        told = {
            (papers[int(row)], int(p - starts[row])) for row, p in zip(at, places, strict=True) if int(row) in papers
        }
        if told:
            found[word] = told
    return found
