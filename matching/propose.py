"""Propose for each paper the projects whose data it may have used: ranked, scored, and with the reasons.

A score is a probability; its log-odds is the sum of the contributions of the evidence, the prior included. Candidates
come from people, targets and titles (``matching.blocking``) and from project codes found in the text; only a code that
stands for use can make one certain. Nothing here knows a database, a file or an observatory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from matching.blocking import Blocker
from matching.codes import Grammar, Mention
from matching.evidence import (
    Evidence,
    PaperFacts,
    PaperView,
    ProjectFacts,
    TextView,
    archival,
    code,
    code_repaired,
    is_before_data,
    limit,
    log_odds,
    states_use,
    stranger,
    weigh,
)
from matching.keywords import Keywords
from matching.paper_reader import PaperReader
from matching.project_list import ProjectList
from matching.ranking import judged, rows_of, usable
from matching.rules import Rules
from matching.trees import Model
from matching.words import printed_words

__all__ = ["Candidate", "Evidence", "PaperFacts", "ProjectFacts", "Proposer", "Rules"]

COMPARED = 24
"""Projects per paper that are looked at closely: the twenty wanted and a few more. On synthetic sets the right one is among
the best twenty 995 times in 1,000; looking at forty took twice the time and ranked no better."""

BATCH = 1000
"""Papers blocked together by ``propose_many``."""


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
        self._rules = rules
        self._grammar = grammar
        self._listed = ProjectList(projects, rules, grammar)
        smallest, growth = rules.weight("prior.smallest_registry"), rules.weight("prior.growth")
        self._prior = math.log(rules.weight("prior.projects_per_paper") / smallest)
        self._prior -= growth * math.log(self._listed.size / smallest)
        self._reader = PaperReader(self._listed, keywords)
        self.blocker = Blocker(self._listed)

    @property
    def rules(self) -> Rules:
        """The weights and bands that candidates are judged by."""
        return self._rules

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
        return self._judge(self._reader.view(paper), self.blocker.best([paper], COMPARED)[0], mentions, top)

    def candidates(self, papers: Iterable[PaperFacts], top: int = 20) -> Iterator[tuple[str, list[str]]]:
        """For each paper the codes of the projects worth a closer look, the likeliest first; codes in texts left aside.

        This is the first step of ``propose`` alone: over ten times as quick, without scores and reasons. Any number of
        papers may come; at most ``BATCH`` are read ahead.
        """
        source = iter(papers)
        while batch := list(islice(source, BATCH)):
            for paper, numbers in zip(batch, self.blocker.best(batch, top), strict=True):
                yield paper.id, [self._listed.printed_codes[number] for number in numbers]

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
            blocked = self.blocker.best([paper for paper, _ in batch], COMPARED)
            for (paper, mentions), numbers in zip(batch, blocked, strict=True):
                yield paper.id, self._judge(self._reader.view(paper), numbers, mentions, top)

    def rows(self, papers: Iterable[PaperFacts], top: int = 20) -> Iterator[tuple[str, list[tuple[str, list[float]]]]]:
        """For each paper its best candidates by the rules, as (project code, features of ``matching.ranking``).

        Codes in texts are left aside: papers that print them are what a model learns from.
        """
        source = iter(papers)
        while batch := list(islice(source, BATCH)):
            for paper, numbers in zip(batch, self.blocker.best(batch, COMPARED), strict=True):
                view = self._reader.view(paper)
                kept = self._weighed(view, numbers, numbers, {}, frozenset())
                odds = self._add_rivals(kept)
                found = self._rows(view, kept, odds)
                ranked = sorted(range(len(kept)), key=lambda i: (-odds[i], kept[i].number))[:top]
                yield paper.id, [(self._listed.views[kept[i].number].facts.code, found[i]) for i in ranked]

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
            self._limited(one.evidence, _held_back(one.evidence, self._excused(one, o, by_code), most))
            for o, one in zip(odds, kept, strict=True)
        ]
        ranked = sorted(range(len(kept)), key=lambda i: (-odds[i], kept[i].number))
        return [
            self._candidate(kept[i].number, kept[i].evidence, odds[i], by_code.get(kept[i].number, []))
            for i in ranked[:top]
        ]

    def _rows(self, paper: PaperView, kept: Sequence[_Kept], odds: Sequence[float]) -> list[list[float]]:
        """The features of each candidate of a paper, for a learned model."""
        return rows_of(paper, [(one.evidence, self._listed.views[one.number], one.text) for one in kept], odds)

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
                number = self._listed.by_code.get(name)
                if number is not None:
                    found.setdefault(number, []).append(mention)
        return found

    def _texts(self, paper: PaperView, numbers: list[int]) -> list[TextView]:
        rows = np.array(numbers, dtype=np.int64)
        own = self._listed.words(paper.facts.title)
        title_vector = self._listed.titles.vector(own)
        titles = self._listed.titles.alike(title_vector, rows)
        abstracts: np.ndarray | None = None
        if paper.facts.abstract:
            vector = self._listed.abstracts.vector([*own, *self._listed.words(paper.facts.abstract)])
            abstracts = self._listed.abstracts.alike(vector, rows)
        mine = set(own)
        printed = printed_words(paper.facts.title or "")
        result = []
        for i, number in enumerate(numbers):
            theirs = self._listed.title_words[number]
            shared = sorted(mine.intersection(theirs), key=lambda w: (-self._listed.titles.rarity(w), w))
            result.append(
                TextView(
                    float(titles[i]) if own and theirs else None,
                    float(abstracts[i]) if abstracts is not None and self._listed.has_abstract[number] else None,
                    tuple(printed.get(w, w) for w in shared),
                    self._listed.target_worth,
                )
            )
        return result

    def _evidence(
        self, paper: PaperView, number: int, text: TextView, mentions: Sequence[Mention], unlisted: frozenset[str]
    ) -> list[Evidence]:
        project = self._listed.views[number]
        name = self._listed.codes[number]
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
        sentence = f"One of {len(self._listed.views)} projects, before anything is compared."
        return Evidence("prior", len(self._listed.views), self._prior, sentence)

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
            rival = self._listed.views[kept[second if best == i else best].number].facts.code
            fit = "fits nearly as well" if best == i else "fits better"
            evidence.append(Evidence("rivals", rival, weight, f"Another project, {rival}, {fit}."))
            final[i] = log_odds(evidence)
        return final

    def _excused(self, one: _Kept, odds: float, by_code: Mapping[int, Sequence[Mention]]) -> float:
        """Keep what speaks against a code that stands for use within its limit; the log-odds."""
        if not self._is_proven(one.number, by_code.get(one.number, ())):
            return odds
        excuse = archival(one.evidence, self._rules)
        if excuse is None:
            return odds
        one.evidence.append(excuse)
        return log_odds(one.evidence)

    def _is_proven(self, number: int, mentions: Sequence[Mention]) -> bool:
        """Whether the project's code stands where authors say whose data they used."""
        return any(m.code == self._listed.codes[number] and states_use(m) for m in mentions)

    def _limited(self, evidence: list[Evidence], odds: float) -> float:
        """Keep the odds where a score still tells them; the log-odds."""
        doubt = limit(odds, self._rules)
        if doubt is None:
            return odds
        evidence.append(doubt)
        return log_odds(evidence)

    def _candidate(self, number: int, evidence: list[Evidence], odds: float, mentions: Sequence[Mention]) -> Candidate:
        score = 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0
        name = self._listed.views[number].facts.code
        proven = bool(self._rules.certain_needs & {e.kind for e in evidence}) and self._is_proven(number, mentions)
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
