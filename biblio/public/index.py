"""The public bibliography as it is searched: in memory, and brought up to date with every request.

Which papers are public follows from links, relations, merges and second readings; working that out for all of them takes
seconds, too long for every request. So each process keeps words and facets of the public papers in arrays, asks the
database with every request, in a millisecond or two, what has been appended since (``changes``), and reads anew only the
papers that were touched. Reading one paper and reading all use the same functions: what is kept equals a fresh index.

A *row* is one revision of one paper; rows are appended and never moved. A paper that is no longer public keeps its row,
which is used again if it comes back unchanged. Where half of the rows are of no use any more, the index is made anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np

from biblio.catalogue.folding import fold
from biblio.public.facets import FACETS, LINK_FACETS, Facet, PackedFacet
from biblio.public.facts import PaperFacts, PublicProject
from biblio.public.wordlists import Grown, Mask, PackedWords, WordList
from biblio.public.words import name_words, short_name, words

_NUMBERS = ("ids", "ages", "years", "_live")
_WORDS = ("title", "author", "text")
_WORD_NUMBERS = ("counts", "places", "starts")

_LEAST_WASTE = 10_000
"""Rows of no use below which the index is not made anew, however few are in use."""
_DAYS, _IDS = 1 << 20, 1 << 31
_YEARS = range(1000, 2200)
"""Years of papers; what lies outside is a slip of a source, and stands with the papers whose year is not known."""


class ProjectEntry(NamedTuple):
    """One project that a public paper used. ``words`` are its code, title and PI folded."""

    project_id: int
    code: str
    title: str | None
    words: str
    papers: int
    newest: int | None


class Packed(NamedTuple):
    """An index as it is kept on disk: arrays of numbers, and lists of texts (and of lists of texts and numbers)."""

    arrays: dict[str, np.ndarray[Any, Any]]
    texts: dict[str, list[Any]]


class PublicIndex:
    """All public papers with their words and facets. Use it under ``lock``; what its methods return stays good."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.facets = {name: Facet() for name in FACETS}
        self.title, self.author, self.text = WordList(), WordList(), WordList()
        self.projects: dict[int, PublicProject] = {}
        self._project_lines: dict[str, tuple[int, str, str | None, str]] = {}
        self.ids, self.ages, self.years = Grown(np.int64), Grown(np.int64), Grown(np.int32)
        self.changed_at: datetime | None = None
        """When this process last saw the public list change."""
        self._live = Grown(np.bool_)
        self._row_of: dict[int, tuple[int, int]] = {}
        self._used: dict[int, tuple[int, ...]] = {}
        self._titles: list[str] = []
        self._by_title: list[tuple[str, int, int]] = []
        self._title_places: np.ndarray[Any, Any] = np.zeros(0, dtype=np.int64)
        self._listed: tuple[ProjectEntry, ...] | None = None
        self._add_row(0, 0, 0, "")

    # -- reading --------------------------------------------------------------------------------------------------

    def __contains__(self, paper_id: int) -> bool:
        """Whether a paper is public."""
        return paper_id in self._used

    def __len__(self) -> int:
        """How many papers are public."""
        return len(self._used)

    @property
    def rows(self) -> int:
        """How many rows there are, of use or not."""
        return self.ids.size

    @property
    def live(self) -> Mask:
        """Which rows are those of public papers."""
        return self._live.view

    def codes_of(self, paper_id: int) -> tuple[str, ...]:
        """Return the codes of the projects that a paper used, in order; none for a paper that is not public."""
        with self.lock:
            return tuple(sorted(self.projects[number].code for number in self._used.get(paper_id, ())))

    def row_of(self, paper_id: int) -> int | None:
        """Return the row of a public paper."""
        return self._row_of[paper_id][1] if paper_id in self._used else None

    def newest(self, most: int) -> list[int]:
        """Return the newest public papers."""
        with self.lock:
            ages = np.where(self.live, self.ages.view, -1)
            place = max(len(ages) - most, 0)
            rows = np.argpartition(ages, place)[place:] if most < len(ages) else np.arange(len(ages))
            rows = rows[self.live[rows]]
            return [int(n) for n in self.ids.view[rows[np.argsort(-ages[rows])]]]

    def by_year(self, mask: Mask | None = None) -> list[tuple[int, int]]:
        """Return (year, papers) from the first year with a paper to the last, years without one included."""
        with self.lock:
            years: Any = self.years.view[self.live if mask is None else mask]
            counts = np.bincount(years[years > 0])
            known = np.flatnonzero(counts)
            return [(year, int(counts[year])) for year in range(known[0], known[-1] + 1)] if len(known) else []

    def title_order(self) -> np.ndarray[Any, Any]:
        """Return, for each row, its place in the order of titles."""
        if len(self._by_title) < self.rows:
            fresh = range(len(self._by_title), self.rows)
            self._by_title += [(self._titles[row], int(self.ids.view[row]), row) for row in fresh]
            self._by_title.sort()
            self._title_places = np.empty(self.rows, dtype=np.int64)
            self._title_places[[row for _, _, row in self._by_title]] = np.arange(self.rows)
        return self._title_places

    def project_list(self) -> tuple[ProjectEntry, ...]:
        """Return the projects that public papers used, most papers first."""
        with self.lock:
            if self._listed is None:
                listed = self.facets["project"]
                counts, newest = listed.counts(self.live), listed.greatest(self.live, self.years.view)
                told = zip(listed.values, counts.tolist(), newest.tolist(), strict=True)
                found = [
                    ProjectEntry(*self._project_lines[code], papers, year or None)
                    for code, papers, year in told
                    if papers
                ]
                found.sort(key=lambda project: (-project.papers, project.code))
                self._listed = tuple(found)
            return self._listed

    # -- keeping --------------------------------------------------------------------------------------------------

    @property
    def is_wasteful(self) -> bool:
        """Whether most rows are of no use any more."""
        return self.rows - len(self._used) > len(self._used) + _LEAST_WASTE

    def learn(self, projects: Iterable[PublicProject]) -> None:
        """Take in facts of projects, new or changed."""
        self._listed = None
        for project in projects:
            self.projects[project.project_id] = project
            folded = "\n".join((project.code.lower(), fold(project.title or ""), fold(project.pi or "")))
            self._project_lines[project.code] = (project.project_id, project.code, project.title, folded)

    def put(self, papers: Iterable[PaperFacts]) -> None:
        """Take in papers that are public now, new or changed; the facts of their projects must be there."""
        self._listed = None
        for paper in papers:
            known = self._row_of.get(paper.paper_id)
            row = known[1] if known and known[0] == paper.revision_id else self._new_row(paper)
            if known and known[1] != row:
                self._live.view[known[1]] = False
            self._row_of[paper.paper_id] = (paper.revision_id, row)
            self._live.view[row] = True
            self._used[paper.paper_id] = paper.projects
            self._link(row, paper, is_new=not known or known[1] != row)

    def drop(self, paper_ids: Iterable[int]) -> None:
        """Leave out papers that are not public any more."""
        self._listed = None
        for paper_id in paper_ids:
            if self._used.pop(paper_id, None) is not None:
                self._live.view[self._row_of[paper_id][1]] = False

    def users_of(self, project_ids: set[int]) -> set[int]:
        """Return the public papers that used one of these projects."""
        return (
            {paper for paper, used in self._used.items() if not project_ids.isdisjoint(used)} if project_ids else set()
        )

    # -- packing --------------------------------------------------------------------------------------------------

    def revisions(self) -> dict[int, tuple[int, tuple[int, ...]]]:
        """Return, for every public paper, its revision and the projects it used, in order."""
        return {paper_id: (self._row_of[paper_id][0], used) for paper_id, used in self._used.items()}

    def packed(self) -> Packed:
        """Return what ``of`` makes this index of again; it does not change when the index does."""
        with self.lock:
            counts = [len(used) for used in self._used.values()]
            arrays = {
                **{name: getattr(self, name).view.copy() for name in _NUMBERS},
                "rows": np.array([(paper, *at) for paper, at in self._row_of.items()], dtype=np.int64).reshape(-1, 3),
                "used": np.array([*zip(self._used, counts, strict=True)], dtype=np.int64).reshape(-1, 2),
                "used_projects": np.array(list(chain.from_iterable(self._used.values())), dtype=np.int64),
            }
            texts: dict[str, list[Any]] = {
                "titles": list(self._titles),
                "projects": [astuple(project) for project in self.projects.values()],
            }
            for name in _WORDS:
                texts[name], *numbers, size = getattr(self, name).packed()
                arrays |= {f"{name}-{what}": one for what, one in zip(_WORD_NUMBERS, numbers, strict=True)}
                arrays[f"{name}-size"] = np.array(size)
            for name, facet in self.facets.items():
                texts[f"facet-{name}"], arrays[f"facet-{name}-rows"], arrays[f"facet-{name}-numbers"] = facet.packed()
        return Packed(arrays, texts)

    @classmethod
    def of(cls, packed: Packed) -> PublicIndex:
        """Return the index that was packed, whose arrays it keeps. Raises ``KeyError``, ``TypeError`` or ``ValueError``
        where its parts do not fit together."""
        arrays, texts = packed
        index = cls()
        index.learn(PublicProject(*project) for project in texts["projects"])
        for name in _NUMBERS:
            setattr(index, name, Grown.of(arrays[name]))
        index._titles = texts["titles"]
        index._row_of = {paper: (revision, row) for paper, revision, row in arrays["rows"].tolist()}
        projects = iter(arrays["used_projects"].tolist())
        index._used = {paper: tuple(islice(projects, count)) for paper, count in arrays["used"].tolist()}
        for name in _WORDS:
            counts, places, starts = (arrays[f"{name}-{what}"] for what in _WORD_NUMBERS)
            listed = PackedWords(texts[name], counts, places, starts, int(arrays[f"{name}-size"]))
            setattr(index, name, WordList.of(listed))
        for name in FACETS:
            facet = PackedFacet(texts[f"facet-{name}"], arrays[f"facet-{name}-rows"], arrays[f"facet-{name}-numbers"])
            index.facets[name] = Facet.of_packed(facet)
        index._check()
        return index

    def _check(self) -> None:
        """Raise ``ValueError`` where one part of the index speaks of rows or projects that another does not have."""
        sizes = {one.size for one in (self.ids, self.ages, self.years, self._live)} | {len(self._titles)}
        used = {project for projects in self._used.values() for project in projects}
        at = [row for _, row in self._row_of.values()]
        if len(sizes) != 1 or max(at, default=0) >= self.rows or not self._used.keys() <= self._row_of.keys():
            raise ValueError("rows that are not there")
        if not used <= self.projects.keys():
            raise ValueError("projects that are not there")

    def _new_row(self, paper: PaperFacts) -> int:
        published = paper.published_on.toordinal() if paper.published_on else 0
        year = paper.year if paper.year and paper.year in _YEARS else 0
        age = (year * _DAYS + published) * _IDS + paper.paper_id
        row = self._add_row(paper.paper_id, age, year, fold(paper.title), paper)
        put = {name: self.facets[name].put for name in FACETS}
        put["year"](row, (str(year),) if year else ())
        put["journal"](row, (paper.journal,) if paper.journal else ())
        put["refereed"](row, ("yes" if paper.is_refereed else "no",))
        put["author"](row, map(short_name, paper.authors))
        return row

    def _add_row(self, paper_id: int, age: int, year: int, title: str, paper: PaperFacts | None = None) -> int:
        row = self.rows
        self.ids.extend((paper_id,))
        self.ages.extend((age,))
        self.years.extend((year,))
        self._live.extend((False,))
        self._titles.append(title.lstrip("=\"'“”‘’([ "))
        self.title.add(words(paper.title) if paper else ())
        self.author.add(_in_a_row(map(name_words, paper.authors)) if paper else ())
        self.text.add(_in_a_row([words(paper.abstract), *map(words, paper.keywords)]) if paper else ())
        return row

    def _link(self, row: int, paper: PaperFacts, *, is_new: bool) -> None:
        used = [self.projects[number] for number in paper.projects]
        told = {
            "project": [project.code for project in used],
            "cycle": [project.cycle for project in used if project.cycle],
            "category": [project.category for project in used if project.category],
            "data": [paper.data_use],
        }
        for name in LINK_FACETS:
            facet = self.facets[name]
            if is_new or facet.of(row) != list(dict.fromkeys(told[name])):
                if not is_new:
                    facet.clear(row)
                facet.put(row, told[name])


def _in_a_row(texts: Iterable[Iterable[str]]) -> list[str]:
    """Return the words of several texts with an empty word between two, so that no phrase runs from one into the next."""
    together: list[str] = []
    for text in texts:
        together += text
        together.append("")
    return together
