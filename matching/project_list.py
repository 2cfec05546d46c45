"""A list of projects prepared for comparison: people, targets and words as numbers, and how common each of them is.

Projects stand in the order of their codes, whatever order they came in, so that nothing found depends on that order.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from matching.codes import Grammar
from matching.evidence import ProjectFacts, ProjectView, surprise
from matching.name_register import NameRegister
from matching.rules import Rules
from matching.targets import KnownTargets, designations, key, keys
from matching.words import WordIndex, Wording

__all__ = ["ProjectList"]

_TARGETS_KEPT = 200_000
"""Printed targets whose keys are remembered; then the memory is emptied."""


class ProjectList:
    """The projects that papers are compared with; a code that comes twice counts once, its first row.

    Built in time and memory that grow with the list (50,000 projects: some seconds, 200 MB); then it does not change.
    """

    def __init__(self, projects: Iterable[ProjectFacts], rules: Rules, grammar: Grammar) -> None:
        self._rules = rules
        self._grammar = grammar
        unique: dict[str, ProjectFacts] = {}
        for facts in projects:
            unique.setdefault(facts.code, facts)
        self.size = max(len(unique), rules.weight("prior.smallest_registry"))
        """Projects in the list, counted as a smallest list at least: shares are shares of this."""
        self.names = NameRegister(smallest=8.0 * rules.weight("prior.smallest_registry"))
        self._aliases = {key(a): key(b) for a, b in rules.target_aliases.items()}
        self._keys_read: dict[str, frozenset[str]] = {}
        self.views = [self._view(unique[code]) for code in sorted(unique)]
        self.printed_codes = [view.facts.code for view in self.views]
        """Project codes as the list spells them."""
        self.codes = [self._canonical(view.facts.code) for view in self.views]
        """Project codes as mentions spell them."""
        self.by_code = {name: number for number, name in enumerate(self.codes)}
        self._count_targets()
        self._read_texts()

    def __len__(self) -> int:
        return len(self.views)

    def words(self, *texts: str | None) -> list[str]:
        """Telling words of some texts (``matching.words``)."""
        return [word for text in texts if text for word in self._wording.words(text)]

    def target_keys(self, name: str) -> frozenset[str]:
        """All keys of a target as printed; none for names that say nothing by themselves."""
        found = self._keys_read.get(name)
        if found is None:
            found = keys(name, self._aliases)
            if any(p.search(k) for k in found for p in self._rules.generic_targets):
                found = frozenset()
            if len(self._keys_read) >= _TARGETS_KEPT:
                self._keys_read.clear()
            self._keys_read[name] = found
        return found

    def _canonical(self, written: str) -> str:
        """The code as mentions spell it."""
        return written if self._grammar.is_well_formed(written) else self._grammar.canonical(written) or written

    def _view(self, facts: ProjectFacts) -> ProjectView:
        pi = self.names.add(facts.pi) if facts.pi else None
        others = [self.names.add(name) for name in facts.co_is]
        co_is = tuple(dict.fromkeys(n for n in others if n is not None and n != pi))
        listed = {name: found for name in facts.targets if (found := self.target_keys(name))}
        text = facts.title or "" if facts.targets else f"{facts.title or ''}\n{facts.abstract or ''}"
        targets = list(dict.fromkeys(listed.values()))
        for name in designations(text):
            found = self.target_keys(name)
            if found and not any(found & known for known in targets):
                targets.append(found)
        year = facts.year if facts.year is not None else self._rules.year_of(self._grammar.facets(facts.code))
        return ProjectView(facts, pi, co_is, tuple(targets), year, tuple(listed))

    def _count_targets(self) -> None:
        counts = Counter(k for view in self.views for k in {k for ks in view.targets for k in ks})
        self.target_share = {k: (n + 0.5) / self.size for k, n in counts.items()}
        """Target key → the share of the projects that have it."""
        expected, cap = self._rules.weight("targets.share"), self._rules.weight("targets.cap")
        self.target_worth = {k: surprise(expected, share, cap) for k, share in self.target_share.items()}
        """Target key → log-odds of an agreement on it."""
        printed_otherwise = {a: b for a, b in self._aliases.items() if b in counts}
        self.known_targets = KnownTargets({**{k: k for k in counts}, **printed_otherwise})

    def _read_texts(self) -> None:
        self._wording = Wording(self._rules.same_words)
        self.title_words = [self.words(view.facts.title) for view in self.views]
        self.titles = WordIndex(self.title_words)
        others = [self.words(v.facts.abstract, *v.facts.keywords) for v in self.views]
        is_more = any(others)
        texts: Sequence[list[str]] = self.title_words
        if is_more:
            texts = [[*title, *other] for title, other in zip(self.title_words, others, strict=True)]
        self.abstracts = WordIndex(texts) if is_more else self.titles
        """Words of titles, abstracts and keywords together."""
        self.has_abstract = np.array([bool(view.facts.abstract) for view in self.views], dtype=bool)
