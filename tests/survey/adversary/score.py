"""How many guesses are right, against the published figures alone, and how likely luck alone would be as good.

Without a leak, whoever knows only who answered when sees the answers of one *cell* (one release and reported stratum)
in an order that has nothing to do with persons: all ways to match them are equally likely. So the chance of being
right so often by luck has a bound that needs no model and no simulation (``luck``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

FALSE_ALARM = 1e-6
"""The chance that a run without any leak is called one, over all strategies and questions together."""

_MOMENTS = 150
"""How many factorial moments are looked at; more would only make small chances smaller."""

Cell = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question about persons: the truth for each submission ("" for those who wrote nothing), and its cell.

    ``named`` says whether every submission has something to tell (its choice), so that one can always guess.
    """

    name: str
    truth: Mapping[int, str]
    cells: Mapping[int, Cell]
    named: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one strategy did on one question. ``share`` has the best blind guess filled in where it had nothing to say."""

    question: str
    strategy: str
    guessed: int
    right: int
    expected: float
    luck: float
    share: float


@dataclass(frozen=True, slots=True)
class Score:
    """All strategies on all questions. ``chance``: that luck alone is anywhere as good as the best strategy was here.

    ``ballots``: how many ballots the adversary has in hand and knows whose they are.
    """

    verdicts: Sequence[Verdict]
    ballots: int
    of: Mapping[str, int]
    baseline: Mapping[str, float]

    @property
    def chance(self) -> float:
        """Bonferroni's bound over all that was tried."""
        return min(1.0, len(self.verdicts) * min(verdict.luck for verdict in self.verdicts))

    @property
    def is_leak(self) -> bool:
        """Whether something re-links beyond chance."""
        return self.chance < FALSE_ALARM

    def best(self, question: str) -> Verdict:
        """The strategy with anything to go by that was right most often, chosen with hindsight."""
        return max((v for v in self.verdicts if v.question == question and v.guessed), key=lambda v: (v.share, v.right))

    def least_likely(self) -> Verdict:
        """The strategy that luck explains worst."""
        return min(self.verdicts, key=lambda v: v.luck)

    def told(self) -> str:
        """The figures, a line for each question."""
        lines = []
        for question, of in self.of.items():
            best = self.best(question)
            low, high = interval(round(best.share * of), of)
            lines.append(
                f"{question}: {best.share:.3f} ({low:.3f}-{high:.3f}) right of {of} by {best.strategy!r}; "
                f"published figures alone {self.baseline[question]:.3f}"
            )
        worst = self.least_likely()
        lines.append(
            f"{len(self.verdicts)} tries; least likely by luck: {worst.question} by {worst.strategy!r}, {worst.right} "
            f"right of {worst.guessed} where {worst.expected:.1f} are expected; over all tries p <= {self.chance:.2g}"
        )
        return "\n".join(lines)


def interval(right: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = right / of, 1 + z * z / of
    half = z / weight * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    middle = (share + z * z / (2 * of)) / weight
    return max(0.0, middle - half), min(1.0, middle + half)


def luck(cells: Iterable[tuple[Counter[str], Counter[str], int]], right: int) -> float:
    """Return a bound on the chance that ``right`` guesses or more are right when guesses and truth have nothing in common.

    Each cell is (how often each value was guessed, how often it is true, persons in the cell). X, the number of right
    guesses under a random matching, has E[C(X, m)] = r_m (N - m)!/N!, where r_m counts the ways to place m right
    guesses (rook numbers: per value C(g, j) C(t, j) j!), and P(X >= k) <= E[C(X, m)]/C(k, m) for every m (Markov).
    """
    if right <= 0:
        return 1.0
    total = np.ones(1)
    for guesses, truths, persons in cells:
        ways = np.ones(1)
        for value, guessed in guesses.items():
            true = truths.get(value, 0)
            if not true:
                continue
            one = [1.0]
            for j in range(min(guessed, true, _MOMENTS)):
                one.append(one[-1] * (guessed - j) * (true - j) / ((j + 1) * persons))
            ways = np.convolve(ways, one)[: _MOMENTS + 1]
        scale = [1.0]
        for m in range(len(ways) - 1):
            scale.append(scale[-1] * persons / (persons - m) if m < persons else 0.0)
        total = np.convolve(total, ways * scale)[: _MOMENTS + 1]
    best = 0.0
    for m, moment in enumerate(total[: right + 1]):
        ways_of_right = lgamma(right + 1) - lgamma(m + 1) - lgamma(right - m + 1)
        best = min(best, (log(moment) if moment > 0 else -inf) - ways_of_right)
    return exp(best)


def judged(question: Asked, strategy: str, guesses: Mapping[Any, str], among: Sequence[int]) -> Verdict:
    """Return how guesses did among these submissions; those about others are left out."""
    sizes: Counter[Cell] = Counter(question.cells[n] for n in among)
    truths: dict[Cell, Counter[str]] = {cell: Counter() for cell in sizes}
    guessed: dict[Cell, Counter[str]] = {cell: Counter() for cell in sizes}
    made = {n: guesses[n] for n in among if guesses.get(n)}
    for n in among:
        if question.truth[n]:
            truths[question.cells[n]][question.truth[n]] += 1
        if n in made:
            guessed[question.cells[n]][made[n]] += 1
    right = sum(question.truth[n] == guess for n, guess in made.items())
    filled = right
    if question.named:
        modes = {cell: found.most_common(1)[0][0] for cell, found in truths.items() if found}
        filled += sum(question.truth[n] == modes[question.cells[n]] for n in among if n not in made)
    expected = sum(g * truths[cell][value] / sizes[cell] for cell in sizes for value, g in guessed[cell].items())
    chance = luck([(guessed[cell], truths[cell], sizes[cell]) for cell in sizes], right)
    return Verdict(question.name, strategy, len(made), right, expected, chance, filled / len(among))


def blind(question: Asked, among: Sequence[int]) -> float:
    """Return the share that is right by the published figures alone: the most frequent value of each cell."""
    found: dict[Cell, Counter[str]] = {}
    for n in among:
        if question.truth[n]:
            found.setdefault(question.cells[n], Counter())[question.truth[n]] += 1
    return sum(counts.most_common(1)[0][1] for counts in found.values()) / len(among)
