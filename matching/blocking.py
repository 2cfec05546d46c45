"""Which few projects of thousands a paper should be compared with: one sparse product of papers and projects.

People and targets find the projects; words of titles only rank them, the common ones only where there is room. Each
feature that a paper and a project share counts by how rare it is in the project list.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sparse_dot_topn import sp_matmul_topn

from matching.evidence import PaperFacts, ProjectView
from matching.paper_reader import MOST_AUTHORS
from matching.project_list import ProjectList
from matching.words import Vector, matrix

__all__ = ["Blocker", "SparseIndex"]

PAPERS_AT_ONCE = 2000
"""Rows multiplied in one call: bounds memory, changes nothing else."""

_PI_PULL = 1.3
_TARGET_PULL = 1.3
_TITLE_PULL = 5.0
"""A title of the same words as the project's weighs as much as half a rare name: titles rank, they do not find."""

_TEAM_MEMBER = 0.05
"""Each further member of a team takes so much from what one of them says: large teams are met by accident more often."""

_COMMON = 0.01
_COMMON_AT_LEAST = 50
"""A title word of more projects than this share and number finds none of them."""

_USED_TOGETHER = 3
"""Projects of one paper for which room is made; papers seldom use more."""

_EXPLAINED = 0.1
"""What is left of names and targets that the best candidate explains, when it shares both with the paper. Other projects of
its team share its people and would fill the list; a paper that used two projects needs room for the other one."""


class SparseIndex:
    """Rows of weighted features; finds for other rows those with the greatest sums of products."""

    def __init__(self, filed: sparse.csr_matrix | Sequence[Vector], width: int) -> None:
        rows = filed if isinstance(filed, sparse.csr_matrix) else matrix(filed, width)
        self._features = rows.T.tocsr()
        self._count = rows.shape[0]

    def best(self, sought: sparse.csr_matrix | Sequence[Vector], top: int) -> list[list[int]]:
        """Numbers of the rows that share most with each row sought, best first; only those that share something.

        Of equal ones the first filed comes first.
        """
        width = self._features.shape[0]
        rows = sought if isinstance(sought, sparse.csr_matrix) else matrix(sought, width)
        if not self._count or not rows.shape[0]:
            return [[] for _ in range(rows.shape[0])]
        found: list[list[int]] = []
        for start, end in pairwise([*range(0, rows.shape[0], PAPERS_AT_ONCE), rows.shape[0]]):
            part = rows[start:end] if end - start < rows.shape[0] else rows
            product = sp_matmul_topn(part, self._features, top_n=min(top, self._count), threshold=1e-9, sort=True)
            found.extend(_ranked(product))
        return found


def _ranked(product: sparse.csr_matrix) -> list[list[int]]:
    """The columns of each row, the highest value first (as they come), of equal ones the first column."""
    changes = np.ones(len(product.data), dtype=bool)
    changes[1:] = product.data[1:] != product.data[:-1]
    changes[product.indptr[:-1][np.diff(product.indptr) > 0]] = True
    alike = np.cumsum(changes, dtype=np.int64) * product.shape[1]
    columns = product.indices[np.argsort(alike + product.indices, kind="stable")].tolist()
    return [columns[start:end] for start, end in pairwise(product.indptr.tolist())]


@dataclass(frozen=True, slots=True)
class PaperRows:
    """Features of some papers: ``places`` are paper times width plus feature, in growing order."""

    count: int
    width: int
    places: NDArray[np.int64]
    weights: NDArray[np.float64]

    def where(self, kept: NDArray[np.bool_]) -> "PaperRows":
        """Only some of the features."""
        return PaperRows(self.count, self.width, self.places[kept], self.weights[kept])

    def of(self, papers: NDArray[np.int64]) -> "PaperRows":
        """Only some of the papers, given in growing order, numbered anew."""
        number = np.full(self.count, -1, dtype=np.int64)
        number[papers] = np.arange(len(papers))
        mine = number[self.papers]
        kept = mine >= 0
        return PaperRows(len(papers), self.width, mine[kept] * self.width + self.features[kept], self.weights[kept])

    @property
    def papers(self) -> NDArray[np.int64]:
        return self.places // self.width

    @property
    def features(self) -> NDArray[np.int64]:
        return self.places % self.width

    def matrix(self) -> sparse.csr_matrix:
        pointer = np.searchsorted(self.places, np.arange(self.count + 1, dtype=np.int64) * self.width)
        return sparse.csr_matrix((self.weights, self.features, pointer), shape=(self.count, self.width))


class Blocker:
    """Finds for each paper the projects of one list that are worth a closer look."""

    def __init__(self, listed: ProjectList) -> None:
        self._listed = listed
        self._first_target = len(listed.names)
        self._targets = {
            k: (self._first_target + i, -math.log(listed.target_share[k]))
            for i, k in enumerate(sorted(listed.target_share))
        }
        """Target key → its feature, and what an agreement on it weighs."""
        self._first_word = self._first_target + len(self._targets)
        self._width = self._first_word + len(listed.titles) or 1
        self._projects = self._project_rows()
        self._index = SparseIndex(self._projects, self._width)
        frequency = np.bincount(self._projects.indices, minlength=self._width)
        self._is_common = frequency > max(_COMMON_AT_LEAST, _COMMON * len(listed))
        self._is_common[: self._first_word] = False

    def _project_rows(self) -> sparse.csr_matrix:
        views = self._listed.views
        people = matrix([_team(view) for view in views], self._first_target)
        targets = matrix([self._target_row(view) for view in views], len(self._targets))
        rows = sparse.hstack([people, targets, self._listed.titles.rows * _TITLE_PULL], format="csr")
        rows.resize(len(views), self._width)
        return rows

    def _target_row(self, view: ProjectView) -> Vector:
        return {self._targets[k][0] - self._first_target: _TARGET_PULL for keys in view.targets for k in keys}

    def best(self, papers: Sequence[PaperFacts], top: int) -> list[list[int]]:
        """Numbers of the projects that share most with each paper, best first; only those that share something.

        What a paper gets depends on no other paper.
        """
        found: list[list[int]] = []
        for start in range(0, len(papers), PAPERS_AT_ONCE):
            found.extend(self.nearest(self.read(papers[start : start + PAPERS_AT_ONCE]), top))
        return found

    def read(self, papers: Sequence[PaperFacts]) -> PaperRows:
        """What each paper names, as weighted features; where two authors read like one person the better one counts."""
        features: list[int] = []
        weights: list[float] = []
        bounds = [0]
        for paper in papers:
            self._add_people(paper.authors, features, weights)
            for k in self._target_keys(paper):
                feature, weight = self._targets[k]
                features.append(feature)
                weights.append(weight)
            bounds.append(len(features))
        ends = np.array(bounds, dtype=np.int64)
        owner = np.repeat(np.arange(len(papers)), ends[1:] - ends[:-1])
        titled, words, worth = self._listed.titles.vectors([self._listed.words(paper.title) for paper in papers])
        places = np.concatenate(
            (owner * self._width + np.array(features, dtype=np.int64), titled * self._width + self._first_word + words)
        )
        return _highest(places, np.concatenate((np.array(weights), worth)), len(papers), self._width)

    def nearest(self, rows: PaperRows, top: int) -> list[list[int]]:
        """``best`` for papers that have been read."""
        top = min(top, len(self._listed))
        if top <= 0:
            return [[] for _ in range(rows.count)]
        telling = rows.where(~self._is_common[rows.features])
        found = self._index.best(telling.matrix(), top)
        has_room = np.array([len(numbers) < top for numbers in found], dtype=bool)
        some = np.flatnonzero(has_room)
        for i, numbers in zip(some.tolist(), self._index.best(rows.of(some).matrix(), top), strict=True):
            found[i] = numbers
        full = np.flatnonzero(~has_room)
        self._make_room(found, full, telling.of(full), top)
        return found

    def _make_room(self, found: list[list[int]], papers: NDArray[np.int64], rows: PaperRows, top: int) -> None:
        """Rank after the best candidates of some papers, which have ``top`` each, by what those leave unexplained."""
        for place in range(min(_USED_TOGETHER - 1, top - 1)):
            explained, rows = self._unexplained(rows, [found[i][place] for i in papers.tolist()])
            papers = papers[explained]
            for i, others in zip(papers.tolist(), self._index.best(rows.matrix(), top), strict=True):
                found[i] = list(dict.fromkeys((*found[i][: place + 1], *others)))[:top]

    def _unexplained(self, rows: PaperRows, best: list[int]) -> tuple[NDArray[np.int64], PaperRows]:
        """Papers whose best candidate shares people and a target with them, and what of their rows it leaves."""
        numbers = np.array(best, dtype=np.int64)
        begins = self._projects.indptr[numbers].astype(np.int64)
        lengths = self._projects.indptr[numbers + 1].astype(np.int64) - begins
        owner = np.repeat(np.arange(len(numbers)), lengths)
        at = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths) + np.arange(len(owner))
        features = self._projects.indices[at].astype(np.int64)
        wanted = owner * rows.width + features
        places = np.minimum(np.searchsorted(rows.places, wanted), max(len(rows.places) - 1, 0))
        shared = rows.places[places] == wanted if len(rows.places) else np.zeros(len(wanted), dtype=bool)
        is_person = shared & (features < self._first_target)
        is_target = shared & (features >= self._first_target) & (features < self._first_word)
        people = np.bincount(owner[is_person], minlength=len(numbers))
        targets = np.bincount(owner[is_target], minlength=len(numbers))
        explained = np.flatnonzero((people > 0) & (targets > 0))
        weights = rows.weights.copy()
        weights[places[shared]] *= _EXPLAINED
        return explained, PaperRows(rows.count, rows.width, rows.places, weights).of(explained)

    def _add_people(self, authors: Sequence[str], features: list[int], weights: list[float]) -> None:
        find = self._listed.names.find
        for printed in authors[:MOST_AUTHORS]:
            found = find(printed)
            if found.numbers:
                features.extend(found.numbers)
                weights.extend(found.worth)

    def _target_keys(self, paper: PaperFacts) -> Iterable[str]:
        """Keys of the list's targets that a paper names or lists."""
        named: set[str] = set()
        for text in (paper.title, paper.abstract):
            if text:
                named |= self._listed.known_targets.named(text)
        for printed in paper.targets:
            named |= self._listed.target_keys(printed)
        return named & self._targets.keys() if named else named


def _highest(places: NDArray[np.int64], weights: NDArray[np.float64], count: int, width: int) -> PaperRows:
    """Rows in growing order, each feature once, with its highest weight."""
    order = np.argsort(places, kind="stable")
    places, weights = places[order], weights[order]
    is_first = np.ones(len(places), dtype=bool)
    is_first[1:] = places[1:] != places[:-1]
    if not is_first.all():
        starts = np.flatnonzero(is_first)
        places, weights = places[starts], np.maximum.reduceat(weights, starts)
    return PaperRows(count, width, places, weights)


def _team(view: ProjectView) -> Vector:
    """The people of a project; the PI weighs more, each member of a large team less."""
    team = dict.fromkeys(view.co_is, 1.0)
    if view.pi is not None:
        team[view.pi] = _PI_PULL
    share = 1.0 / (1.0 + _TEAM_MEMBER * len(team))
    return {person: pull * share for person, pull in team.items()}
