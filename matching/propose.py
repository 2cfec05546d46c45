"""Propose for each paper the projects whose data it may have used: ranked, scored, and with the reasons.

A score is a probability; its log-odds is the sum of the contributions of the evidence, the prior included. Candidates
come from people, targets and titles (``matching.blocking``) and from project codes found in the text; only a code that
stands for use can make one certain. Nothing here knows a database, a file or an observatory.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from matching.blocking import NameRegister, SparseIndex, Vector, WordIndex, printed_words, words
from matching.codes import Grammar, Mention
from matching.evidence import (
    Evidence,
    PaperFacts,
    PaperView,
    PersonSeen,
    ProjectFacts,
    ProjectView,
    TextView,
    code,
    code_repaired,
    is_before_data,
    limit,
    log_odds,
    states_use,
    stranger,
    surprise,
    weigh,
)
from matching.keywords import Keywords
from matching.people import is_group
from matching.ranking import judged, leads, measures, row_of, usable
from matching.rules import Rules
from matching.targets import TargetSpot, designations, find_targets, key, keys
from matching.trees import Model

__all__ = ["Candidate", "Evidence", "PaperFacts", "ProjectFacts", "Proposer", "Rules"]

COMPARED = 40
"""Projects per paper that are looked at closely; on synthetic sets the right one is among them 997 times in 1,000."""

BATCH = 1000
"""Papers blocked together by ``propose_many``."""

_TARGET_PULL = 1.3
_TITLE_PULL = 0.6
_PEOPLE_READ = 500
"""Authors read per paper; in longer lists a name says next to nothing."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed link of a paper to a project. ``score`` is 1 / (1 + exp(-sum of contributions))."""

    project_code: str
    score: float
    band: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A project that is looked at closely: its number, what speaks for and against it, and how far the texts agree."""

    number: int
    evidence: list[Evidence]
    text: TextView


class Proposer:
    """Compares papers with one list of projects. Building it indexes the list; after that it does not change.

    With a ``model`` (``matching.ranking``) it weighs the evidence instead of the rules; it is fitted to what the rules
    give, so a model and the rules it was fitted with belong together. Raises ``ModelError`` for a model of other features.
    """

    def __init__(
        self,
        projects: Sequence[ProjectFacts],
        rules: Rules,
        grammar: Grammar,
        keywords: Keywords | None = None,
        model: Model | None = None,
    ) -> None:
        self._model = None if model is None else usable(model)
        self._keywords = keywords
        self._rules = rules
        self._grammar = grammar
        unique: dict[str, ProjectFacts] = {}
        for facts in projects:
            unique.setdefault(facts.code, facts)
        self._size = max(len(unique), rules.weight("prior.smallest_registry"))
        smallest, growth = rules.weight("prior.smallest_registry"), rules.weight("prior.growth")
        self._prior = math.log(rules.weight("prior.projects_per_paper") / smallest)
        self._prior -= growth * math.log(self._size / smallest)
        self._names = NameRegister(smallest=8.0 * rules.weight("prior.smallest_registry"))
        self._aliases = {key(a): key(b) for a, b in rules.target_aliases.items()}
        self._projects = [self._project_view(facts) for facts in unique.values()]
        self._codes = [self._canonical(view.facts.code) for view in self._projects]
        self._by_code = {name: i for i, name in enumerate(self._codes)}
        self._count_targets()
        self._title_words = [words(v.facts.title or "", rules.same_words) for v in self._projects]
        self._titles = WordIndex(self._title_words)
        self._abstracts = WordIndex(
            [
                [*w, *self._words(v.facts.abstract, *v.facts.keywords)]
                for v, w in zip(self._projects, self._title_words, strict=True)
            ]
        )
        self._has_abstract = np.array([bool(v.facts.abstract) for v in self._projects], dtype=bool)
        self._index = self._build_index()

    @property
    def prior(self) -> float:
        """Log-odds of any one project before a paper is read."""
        return self._prior

    def with_model(self, model: Model | None) -> Proposer:
        """The same matcher, its indexes shared, ranking by another model (None: by the rules). Raises ``ModelError``."""
        other = copy(self)
        other._model = None if model is None else usable(model)
        return other

    def propose(self, paper: PaperFacts, mentions: Sequence[Mention] = (), top: int = 20) -> list[Candidate]:
        """The best candidates for one paper, best first; codes that are not in the project list give none."""
        view, vector = self._read(paper)
        return self._judge(view, self._index.best([vector], COMPARED)[0], mentions, top)

    def propose_many(
        self,
        papers: Iterable[PaperFacts],
        mentions_by_paper: Mapping[str, Sequence[Mention]] | None = None,
        top: int = 20,
    ) -> Iterator[tuple[str, list[Candidate]]]:
        """``propose`` for many papers, in their order; gives exactly what single calls give."""
        found = mentions_by_paper or {}
        return self.propose_pairs(((paper, found.get(paper.id, ())) for paper in papers), top)

    def propose_pairs(
        self, pairs: Iterable[tuple[PaperFacts, Sequence[Mention]]], top: int = 20
    ) -> Iterator[tuple[str, list[Candidate]]]:
        """``propose_many`` for papers that come with their own mentions; reads at most ``BATCH`` papers ahead."""
        source = iter(pairs)
        while batch := list(islice(source, BATCH)):
            read = [self._read(paper) for paper, _ in batch]
            blocked = self._index.best([vector for _, vector in read], COMPARED)
            for (view, _), (_, mentions), numbers in zip(read, batch, blocked, strict=True):
                yield view.facts.id, self._judge(view, numbers, mentions, top)

    def rows(self, papers: Iterable[PaperFacts], top: int = 20) -> Iterator[tuple[str, list[tuple[str, list[float]]]]]:
        """For each paper its best candidates by the rules, as (project code, features of ``matching.ranking``).

        Codes in texts are left aside: papers that print them are what a model learns from.
        """
        source = iter(papers)
        while batch := list(islice(source, BATCH)):
            read = [self._read(paper) for paper in batch]
            blocked = self._index.best([vector for _, vector in read], COMPARED)
            for (view, _), numbers in zip(read, blocked, strict=True):
                kept = self._weighed(view, numbers, numbers, {}, frozenset())
                odds = self._add_rivals(kept)
                found = self._rows(view, kept, odds)
                ranked = sorted(range(len(kept)), key=lambda i: (-odds[i], kept[i].number))[:top]
                yield view.facts.id, [(self._projects[kept[i].number].facts.code, found[i]) for i in ranked]

    # ---- preparing

    def _canonical(self, written: str) -> str:
        """The code as mentions spell it."""
        return written if self._grammar.is_well_formed(written) else self._grammar.canonical(written) or written

    def _words(self, *texts: str | None) -> list[str]:
        return [w for text in texts if text for w in words(text, self._rules.same_words)]

    def _project_view(self, facts: ProjectFacts) -> ProjectView:
        pi = self._names.add(facts.pi) if facts.pi else None
        others = (self._names.add(name) for name in facts.co_is)
        co_is = tuple(dict.fromkeys(n for n in others if n is not None and n != pi))
        listed = {name: found for name in facts.targets if (found := self._target_keys(name))}
        text = facts.title or "" if facts.targets else f"{facts.title or ''}\n{facts.abstract or ''}"
        targets = list(dict.fromkeys(listed.values()))
        for name in designations(text):
            found = self._target_keys(name)
            if found and not any(found & known for known in targets):
                targets.append(found)
        year = facts.year if facts.year is not None else self._rules.year_of(self._grammar.facets(facts.code))
        return ProjectView(facts, pi, co_is, tuple(targets), year, tuple(listed))

    def _target_keys(self, name: str) -> frozenset[str]:
        found = keys(name, self._aliases)
        return frozenset() if any(p.search(k) for k in found for p in self._rules.generic_targets) else found

    def _count_targets(self) -> None:
        counts = Counter(k for view in self._projects for k in {k for ks in view.targets for k in ks})
        self._target_share = {k: (n + 0.5) / self._size for k, n in counts.items()}
        expected, cap = self._rules.weight("targets.share"), self._rules.weight("targets.cap")
        self._target_worth = {k: surprise(expected, share, cap) for k, share in self._target_share.items()}
        self._target_numbers = {k: i for i, k in enumerate(sorted(counts))}
        printed_otherwise = {a: b for a, b in self._aliases.items() if b in counts}
        self._known_targets = {**{k: k for k in counts}, **printed_otherwise}

    def _build_index(self) -> SparseIndex:
        self._first_target = len(self._names)
        self._first_word = self._first_target + len(self._target_numbers)
        rows: list[Vector] = []
        for view, text in zip(self._projects, self._title_words, strict=True):
            team = dict.fromkeys(view.co_is, 1.0)
            if view.pi is not None:
                team[view.pi] = 1.3
            row: Vector = {person: pull / (1.0 + 0.05 * len(team)) for person, pull in team.items()}
            for found in view.targets:
                for k in found:
                    row[self._first_target + self._target_numbers[k]] = _TARGET_PULL
            for at, weight in self._titles.vector(text)[0].items():
                row[self._first_word + at] = weight * _TITLE_PULL
            rows.append(row)
        return SparseIndex(rows, self._first_word + len({w for text in self._title_words for w in text}))

    # ---- reading a paper

    def _read(self, paper: PaperFacts) -> tuple[PaperView, Vector]:
        """The paper as seen by this list of projects, and its row for blocking."""
        people, count, complete = self._people(paper.authors)
        targets = self._paper_targets(paper)
        named = bool(paper.targets) or any(s.where == "title" for s in targets.values())
        named = named or bool(paper.title and designations(paper.title))
        observatory = self._observatory(paper)
        sought = self._keywords is not None and bool(paper.abstract)
        view = PaperView(paper, people, count, complete, targets, named, observatory, sought)
        row: Vector = {n: seen.similarity * -math.log(seen.accident / count) for n, seen in people.items()}
        for k in targets:
            if k in self._target_numbers:
                row[self._first_target + self._target_numbers[k]] = -math.log(self._target_share[k])
        for at, weight in self._titles.vector(self._words(paper.title))[0].items():
            row[self._first_word + at] = weight * 8.0
        return view, row

    def _observatory(self, paper: PaperFacts) -> TargetSpot | None:
        """The first place in title or abstract that names the observatory."""
        if self._keywords is None:
            return None
        for where, text in (("title", paper.title), ("abstract", paper.abstract)):
            spots = self._keywords.find(text, title=where == "title") if text else []
            if spots:
                return TargetSpot(where, spots[0].printed, spots[0].start, spots[0].end)
        return None

    def _people(self, authors: Sequence[str]) -> tuple[dict[int, PersonSeen], int, bool]:
        """People of the register among the authors, the number of authors, and whether the list is complete."""
        persons = [printed for printed in authors[:_PEOPLE_READ] if not is_group(printed)]
        count = len(persons) + max(0, len(authors) - _PEOPLE_READ)
        people: dict[int, PersonSeen] = {}
        for position, printed in enumerate(persons, 1):
            found, chance = self._names.find(printed)
            accident = 1.0 - (1.0 - min(chance, 0.999)) ** count
            for number, alike in found.items():
                if number not in people or alike > people[number].similarity:
                    people[number] = PersonSeen(alike, accident, position, printed)
        return people, count, len(persons) == len(authors)

    def _paper_targets(self, paper: PaperFacts) -> dict[str, TargetSpot]:
        found: dict[str, TargetSpot] = {}
        for where, text in (("title", paper.title), ("abstract", paper.abstract)):
            if text:
                for name, spot in find_targets(text, where, self._known_targets):
                    found.setdefault(self._known_targets[name], spot)
        for printed in paper.targets:
            for k in self._target_keys(printed):
                found.setdefault(k, TargetSpot("targets", printed))
        return found

    # ---- judging

    def _judge(self, paper: PaperView, blocked: list[int], mentions: Sequence[Mention], top: int) -> list[Candidate]:
        by_code = self._by_mention(mentions)
        numbers = list(dict.fromkeys([*by_code, *blocked]))
        if not numbers:
            return []
        unlisted = frozenset(
            m.code for m in mentions if m.in_registry is False and self._grammar.is_well_formed(m.code)
        )
        kept = self._weighed(paper, numbers, blocked, by_code, unlisted)
        odds = self._add_rivals(kept)
        if self._model is not None:
            weighed = judged(self._model, [one.evidence for one in kept], self._rows(paper, kept, odds))
            kept = [replace(one, evidence=evidence) for one, evidence in zip(kept, weighed, strict=True)]
            odds = [log_odds(evidence) for evidence in weighed]
        most = self._rules.weight("dates.before_most")
        odds = [
            self._limited(one.evidence, _held_back(one.evidence, o, most)) for o, one in zip(odds, kept, strict=True)
        ]
        ranked = sorted(range(len(kept)), key=lambda i: (-odds[i], kept[i].number))
        return [
            self._candidate(kept[i].number, kept[i].evidence, odds[i], by_code.get(kept[i].number, []))
            for i in ranked[:top]
        ]

    def _rows(self, paper: PaperView, kept: Sequence[_Kept], odds: Sequence[float]) -> list[list[float]]:
        """The features of each candidate of a paper, for a learned model."""
        return [
            row_of(one.evidence, measures(paper, self._projects[one.number], one.text), lead)
            for one, lead in zip(kept, leads(odds), strict=True)
        ]

    def _weighed(
        self,
        paper: PaperView,
        numbers: list[int],
        blocked: list[int],
        by_code: Mapping[int, Sequence[Mention]],
        unlisted: frozenset[str],
    ) -> list[_Kept]:
        """The evidence of each project by the rules; a project that only a code named, and no code speaks for, is left out."""
        kept: list[_Kept] = []
        for number, text in zip(numbers, self._texts(paper, numbers), strict=True):
            evidence = self._evidence(paper, number, text, by_code.get(number, []), unlisted)
            if (
                number in by_code
                and number not in blocked
                and not {"code", "code_repaired"} & {e.kind for e in evidence}
            ):
                continue
            kept.append(_Kept(number, evidence, text))
        return kept

    def _by_mention(self, mentions: Sequence[Mention]) -> dict[int, list[Mention]]:
        """Project number → the mentions that may mean it."""
        found: dict[int, list[Mention]] = {}
        for mention in mentions:
            for name in dict.fromkeys([mention.code, *mention.candidates]):
                number = self._by_code.get(name)
                if number is not None:
                    found.setdefault(number, []).append(mention)
        return found

    def _texts(self, paper: PaperView, numbers: list[int]) -> list[TextView]:
        rows = np.array(numbers, dtype=np.int64)
        own = self._words(paper.facts.title)
        title_vector, _ = self._titles.vector(own)
        titles = self._titles.alike(title_vector, rows)
        abstracts: np.ndarray | None = None
        if paper.facts.abstract:
            vector, _ = self._abstracts.vector([*own, *self._words(paper.facts.abstract)])
            abstracts = self._abstracts.alike(vector, rows)
        mine = set(own)
        printed = printed_words(paper.facts.title or "")
        result = []
        for i, number in enumerate(numbers):
            theirs = self._title_words[number]
            shared = sorted(mine.intersection(theirs), key=lambda w: (-self._titles.rarity(w), w))
            result.append(
                TextView(
                    float(titles[i]) if own and theirs else None,
                    float(abstracts[i]) if abstracts is not None and self._has_abstract[number] else None,
                    tuple(printed.get(w, w) for w in shared),
                    self._target_worth,
                )
            )
        return result

    def _evidence(
        self, paper: PaperView, number: int, text: TextView, mentions: Sequence[Mention], unlisted: frozenset[str]
    ) -> list[Evidence]:
        project = self._projects[number]
        name = self._codes[number]
        found = [self._prior_evidence()]
        if mentions:
            printed = code(mentions, name, self._prior, self._rules)
            printed = printed or code_repaired(mentions, name, self._prior, self._rules, unlisted)
            if printed is not None:
                found.append(printed)
                doubt = stranger(paper, project, self._rules)
                found.extend([] if doubt is None else [doubt])
        found.extend(weigh(paper, project, text, self._rules))
        return found

    def _prior_evidence(self) -> Evidence:
        sentence = f"One of {len(self._projects)} projects, before anything is compared."
        return Evidence("prior", len(self._projects), self._prior, sentence)

    def _add_rivals(self, kept: Sequence[_Kept]) -> list[float]:
        """Let projects that fit as well take from each other's odds (printed codes need no such doubt); the log-odds."""
        odds = [log_odds(one.evidence) for one in kept]
        if len(odds) < 2:
            return odds
        best, second = sorted(range(len(odds)), key=lambda i: (-odds[i], kept[i].number))[:2]
        parts = [math.exp(o - odds[best]) for o in odds]
        mass = math.fsum(parts)
        final = odds[:]
        for i, evidence in enumerate(one.evidence for one in kept):
            if any(e.kind == "code" and e.contribution > 0 for e in evidence):
                continue
            others = max(mass - parts[i], 0.0) * math.exp(min(odds[best] - odds[i], 50.0))
            weight = max(self._rules.weight("rivals.most"), -self._rules.weight("rivals.factor") * math.log1p(others))
            if weight > -0.05:
                continue
            rival = self._projects[kept[second if best == i else best].number].facts.code
            fit = "fits nearly as well" if best == i else "fits better"
            evidence.append(Evidence("rivals", rival, weight, f"Another project, {rival}, {fit}."))
            final[i] = log_odds(evidence)
        return final

    def _limited(self, evidence: list[Evidence], odds: float) -> float:
        """Keep the odds where a score still tells them; the log-odds."""
        doubt = limit(odds, self._rules)
        if doubt is None:
            return odds
        evidence.append(doubt)
        return log_odds(evidence)

    def _candidate(self, number: int, evidence: list[Evidence], odds: float, mentions: Sequence[Mention]) -> Candidate:
        score = 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0
        name = self._projects[number].facts.code
        proven = bool(self._rules.certain_needs & {e.kind for e in evidence}) and any(
            m.code == self._codes[number] and states_use(m) for m in mentions
        )
        return Candidate(name, score, self._rules.band(score, proven=proven), tuple(evidence))


def _held_back(evidence: list[Evidence], odds: float, most: float) -> float:
    """Keep a paper from before the observations below the log-odds ``most``, however much else agrees; the log-odds.

    Such candidates keep their order, pressed into the unit below ``most``. A printed code is not held back: then a year
    is wrong.
    """
    at = next((i for i, e in enumerate(evidence) if e.kind == "dates"), None)
    least = most - 1.0
    if at is None or odds <= least or not is_before_data(evidence):
        return odds
    wanted = most - 1.0 / (1.0 + odds - least)
    evidence[at] = replace(evidence[at], contribution=evidence[at].contribution + wanted - odds)
    return log_odds(evidence)
