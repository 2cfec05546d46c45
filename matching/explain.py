"""What a score hangs on, in words: how far the next candidate is, and what would put a candidate into another band.

Everything is worked out from the contributions (log-odds) that the page shows, nothing is a stock phrase: a piece of
evidence is named exactly when the candidate without it, all else being as it is, falls into another band. Two things
follow from the rest and are therefore worked out anew: the limit beyond which agreement hardly makes surer, and the
rule that a paper from before the observations stays unlikely while no code is printed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from matching.evidence import USE_PLACES, Evidence, archival, is_before_data, limit, log_odds
from matching.rules import Rules

__all__ = ["Change", "Explanation", "Judged", "RunnerUp", "explain", "movable", "odds_without", "times_words"]

Way = Literal["up", "down"]

_NO_REASONS = frozenset({"prior", "limit", "unknown", "archival"})
"""Kinds that are no reason of their own: where all start, what is cut off at the end, what nothing can be said of."""

_CODES = frozenset({"code", "code_repaired", "code_near"})

_NAMES = {
    "code": ("the printed code", "the printed code"),
    "code_repaired": ("the damaged code", "the damaged code"),
    "code_near": ("the code printed near its own", "the code printed near its own"),
    "stranger": ("its absent team", "its absent team"),
    "pi": ("the PI among the authors", "the absent PI"),
    "co_is": ("the co-Is among the authors", "the absent co-Is"),
    "team": ("the share of its team among the authors", "the many outsiders among the authors"),
    "targets": ("the shared target", "the paper's other targets"),
    "title": ("the words shared by the titles", "the unlike titles"),
    "abstract": ("the likeness of the abstracts", "the unlike abstracts"),
    "observatory": ("the observatory's name", "the unnamed observatory"),
    "dates": ("the date", "the date"),
    "rivals": ("its lead over other projects", "the rival project"),
}
"""Kind of evidence → what a sentence calls it where it speaks for a candidate, and where it speaks against."""


class Judged(Protocol):
    """A candidate with its evidence, as ``matching.propose`` gives it."""

    @property
    def project_code(self) -> str:
        """The project's code."""

    @property
    def band(self) -> str:
        """certain, likely or unlikely."""

    @property
    def evidence(self) -> Sequence[Evidence]:
        """All pieces, the prior among them; their contributions sum to the log-odds."""


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The candidate to compare with: the next best, or for all others the best. ``apart`` is how many log-odds this
    candidate is ahead of it (negative: behind); both are ``None`` when there is no other."""

    project_code: str | None
    apart: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Change:
    """Pieces of evidence (by their place) without which a candidate would be of another band."""

    places: tuple[int, ...]
    band: str
    log_odds: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one candidate's verdict hangs on. ``log_odds`` is the sum of its contributions.

    ``alone`` are single pieces, each enough by itself, strongest first; ``together`` the fewest that are enough where
    none is alone; ``would_change`` says all of it, and what evidence would be needed, in sentences.
    """

    log_odds: float
    runner_up: RunnerUp
    alone: tuple[Change, ...]
    together: Change | None
    would_change: tuple[str, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every set of pieces that is enough: each alone, or those together."""
        return self.alone if self.together is None else (self.together,)


def explain(candidates: Sequence[Judged], rules: Rules) -> list[Explanation]:
    """Explain the candidates of one paper, in their order; which come after them changes nothing but the runner-up."""
    odds = [log_odds(one.evidence) for one in candidates]
    ranked = sorted(range(len(odds)), key=lambda i: -odds[i])
    most = _most(rules)
    return [
        _explained(_Case(one, rules, most), odds[at], _runner_up(candidates, odds, ranked, at))
        for at, one in enumerate(candidates)
    ]


def movable(evidence: Sequence[Evidence]) -> list[int]:
    """The places of the pieces that could be absent: all but the prior, the limit and what nothing is known of."""
    return [i for i, piece in enumerate(evidence) if piece.kind not in _NO_REASONS]


def odds_without(evidence: Sequence[Evidence], absent: Collection[int], rules: Rules) -> float:
    """The log-odds without the pieces at these places, the others as they are; without none: the log-odds shown."""
    rest = [piece for i, piece in enumerate(evidence) if i not in absent and piece.kind != "limit"]
    return _settled(log_odds(rest), rules, is_held=is_before_data(rest))


def _settled(odds: float, rules: Rules, *, is_held: bool) -> float:
    """What the matcher makes of a sum: held below the likely ones for an early paper, pressed beyond the limit."""
    if is_held:
        odds = min(odds, math.nextafter(rules.weight("dates.before_most"), -math.inf))
    pressed = limit(odds, rules)
    return odds if pressed is None else odds + pressed.contribution


def times_words(ratio: float) -> str:
    """A ratio of at least 1 as a person says it, to two digits: 1.5, 40, 12,000, more than a million."""
    if ratio >= 1e6:
        return "more than a million"
    if ratio < 9.95:
        return f"{ratio:.1f}".removesuffix(".0")
    digits = 10 ** (len(str(round(ratio))) - 2)
    return f"{round(ratio / digits) * digits:,}"


# ---- the next best


def _runner_up(candidates: Sequence[Judged], odds: Sequence[float], ranked: Sequence[int], at: int) -> RunnerUp:
    if len(candidates) < 2:
        return RunnerUp(None, None, "No other project came near.")
    other = ranked[1] if ranked[0] == at else ranked[0]
    apart = odds[at] - odds[other]
    ratio = math.exp(min(abs(apart), 50.0))
    code, band = candidates[other].project_code, candidates[other].band
    if ratio < 1.15:
        return RunnerUp(code, apart, f"{code} ({band}) is about as likely.")
    if apart > 0:
        return RunnerUp(code, apart, f"Next is {code} ({band}); its odds are {times_words(ratio)} times lower.")
    return RunnerUp(code, apart, f"{code} ({band}) is ahead; its odds are {times_words(ratio)} times higher.")


# ---- what would change the band


def _explained(one: _Case, odds: float, runner_up: RunnerUp) -> Explanation:
    alone = one.alone()
    together = None if alone else one.together("up" if one.band == _BANDS[0] else "down")
    return Explanation(odds, runner_up, tuple(alone), together, tuple(_sentences(one, alone, together)))


_BANDS = ("unlikely", "likely", "certain")


class _Case:
    """One candidate, and what it would be if its evidence were other than it is; sums are made once."""

    __slots__ = ("band", "codes", "date", "evidence", "is_proven", "most", "odds", "rules", "start")

    def __init__(self, one: Judged, rules: Rules, most: Mapping[str, float]) -> None:
        self.evidence = tuple(one.evidence)
        self.band = one.band
        self.rules = rules
        self.most = most
        self.odds = math.fsum(piece.contribution for piece in self.evidence if piece.kind != "limit")
        self.start = math.fsum(piece.contribution for piece in self.evidence if piece.kind == "prior")
        self.codes = [i for i, piece in enumerate(self.evidence) if piece.kind == "code"]
        self.date = next(
            (i for i, piece in enumerate(self.evidence) if piece.kind == "dates" and float(piece.value) <= -1.0), None
        )
        self.is_proven = self._proves()

    def band_without(self, absent: Sequence[int]) -> tuple[str, float]:
        """The band and the log-odds (``odds_without``) without some pieces."""
        odds = math.fsum((self.odds, *(-self.evidence[place].contribution for place in absent)))
        is_held = self.date is not None and self.date not in absent and all(place in absent for place in self.codes)
        odds = _settled(odds, self.rules, is_held=is_held)
        proven = self.is_proven and any(
            piece.kind in self.rules.certain_needs for i, piece in enumerate(self.evidence) if i not in absent
        )
        return self.band_of(odds, proven=proven), odds

    def band_of(self, odds: float, *, proven: bool) -> str:
        """The band of log-odds."""
        score = 1.0 / (1.0 + math.exp(-odds)) if odds > -700 else 0.0
        return self.rules.band(score, proven=proven)

    def _proves(self) -> bool:
        """Whether a printed code stands for use, so that a high score means certain."""
        if self.band == "certain":
            return True
        named = [piece for piece in self.evidence if piece.kind in self.rules.certain_needs]
        if not named or self.band_of(log_odds(self.evidence), proven=True) == "certain":
            return False  # its score would be enough
        return any(self._stands_for_use(piece) for piece in named)

    def _stands_for_use(self, piece: Evidence) -> bool:
        """Whether a code was weighed as standing for use: a mere mention leaves less than any such place does."""
        weight = self.rules.weight
        if piece.where not in USE_PLACES:
            return False
        leaves = piece.contribution + self.start
        return leaves > weight("code.mention") + 3 * weight("code.again") + 1e-9

    def alone(self) -> list[Change]:
        """Each single piece without which the band would be another, strongest first."""
        found = []
        tried = movable(self.evidence)
        if self.band == _BANDS[0]:  # only what speaks against it can lift it, and mostly not even all of that
            tried = [place for place in tried if self.evidence[place].contribution < 0]
            if self.band_without(tried)[0] == self.band:
                return []
        for place in tried:
            band, odds = self.band_without((place,))
            if band != self.band:
                found.append(Change((place,), band, odds))
        return sorted(found, key=lambda change: (-abs(self.evidence[change.places[0]].contribution), change.places))

    def together(self, way: Way) -> Change | None:
        """The fewest pieces without which the band would be another, or ``None`` when not even all of them are enough.

        The strongest first are the fewest, unless the date holds the candidate down: then it must be one of them.
        """
        sign = -1.0 if way == "down" else 1.0
        moving = [i for i in movable(self.evidence) if self.evidence[i].contribution * sign < 0]
        moving.sort(key=lambda i: (sign * self.evidence[i].contribution, i))
        held = [i for i in moving if i == self.date] if not self.codes else []
        order = [*held, *(i for i in moving if i not in held)]
        if self.band_without(order)[0] == self.band:
            return None
        for count in range(1, len(order) + 1):
            band, odds = self.band_without(order[:count])
            if band != self.band:
                return Change(tuple(order[:count]), band, odds)
        return None

    def with_code(self) -> str:
        """The band, at the least, if the project's code stood where authors say whose data they used."""
        rest = [
            piece for piece in self.evidence if piece.kind not in (*_CODES, "rivals", "stranger", "archival", "limit")
        ]
        odds = log_odds(rest) + self.rules.weight("code.acknowledgement") - self.start
        if is_before_data(rest):  # a printed code lifts the hold that the date was given
            date = next(piece for piece in rest if piece.kind == "dates")
            odds += max(0.0, self.rules.curve("dates.years_after", float(date.value)) - date.contribution)
        if not any(piece.kind in ("pi", "co_is") and float(piece.value) > 0 for piece in rest):
            odds += self.rules.weight("code.stranger")
        excuse = archival(rest, self.rules)
        odds += 0.0 if excuse is None else excuse.contribution
        return self.band_of(odds, proven=True)

    def strongest_missing(self) -> tuple[str, bool] | None:
        """The kind of evidence from the records that could add most and does not speak for the candidate, and whether
        it alone could change the band; ``None`` while the date holds the candidate down, or when none is missing."""
        if self.date is not None and not self.codes:
            return None
        given = {piece.kind: piece.contribution for piece in self.evidence}
        gains = {
            kind: most - min(0.0, given.get(kind, 0.0))
            for kind, most in self.most.items()
            if given.get(kind, 0.0) <= 0.0
        }
        if not gains:
            return None
        kind = max(gains, key=lambda k: gains[k])
        return kind, self.band_of(log_odds(self.evidence) + gains[kind], proven=False) != self.band


def _most(rules: Rules) -> dict[str, float]:
    """What one more agreement of each kind can add at the most."""
    weight = rules.weight
    return {
        "targets": weight("targets.cap") + weight("targets.in_title"),
        "pi": weight("people.cap") + weight("people.pi_first"),
        "abstract": max(y for _, y in rules.curves["abstract.similarity"]),
        "co_is": min(weight("people.cap"), weight("people.co_i_alone")),
        "title": max(y for _, y in rules.curves["title.similarity"]),
    }


# ---- in sentences


def _sentences(one: _Case, alone: Sequence[Change], together: Change | None) -> list[str]:
    said = [_alone_sentence(one, changes) for changes in _by_band(alone)]
    if not alone:
        said.append(_together_sentence(one, together))
    if not one.is_proven and (band := one.with_code()) != one.band:
        said.append(f"Its code in the acknowledgements would make it {band}.")
    if one.band == "unlikely" and (missing := one.strongest_missing()) is not None:
        kind, is_enough = missing
        could = "could make it likely" if is_enough else "could not make it likely"
        said.append(f"Missing most: {_NAMES[kind][0]}, which alone {could}.")
    return said


def _by_band(changes: Sequence[Change]) -> list[list[Change]]:
    """Changes to one band together, in the order in which the bands first come."""
    return [[c for c in changes if c.band == band] for band in dict.fromkeys(c.band for c in changes)]


def _alone_sentence(one: _Case, changes: Sequence[Change]) -> str:
    names = [_name(one.evidence[change.places[0]]) for change in changes]
    band = changes[0].band
    if len(names) == 1 and _BANDS.index(band) > _BANDS.index(one.band):
        return f"Were it not for {names[0]}, it would be {band}."
    if len(names) == 1:
        return f"Without {names[0]} it would be {band}."
    return f"Without any one of these it would be {band}: {', '.join(names)}."


def _together_sentence(one: _Case, change: Change | None) -> str:
    if change is None:
        if one.band != _BANDS[0]:
            return f"Without all that speaks for it, it would still be {one.band}."
        if any(piece.contribution < 0 for piece in map(one.evidence.__getitem__, movable(one.evidence))):
            return f"Even without all that speaks against it, it would be {one.band}."
        return "Nothing speaks against it, but too little for it."
    names = _listed([_name(one.evidence[place]) for place in change.places])
    if _BANDS.index(change.band) > _BANDS.index(one.band):
        return (
            f"No single reason, but {len(change.places)} together: were it not for {names}, it would be {change.band}."
        )
    return f"No single reason, but {len(change.places)} together: without {names} it would be {change.band}."


def _name(piece: Evidence) -> str:
    if piece.kind == "dates" and float(piece.value) <= -1.0:
        return "the paper being older than the data"
    plain = piece.kind.replace("_", " ")
    return _NAMES.get(piece.kind, (plain, plain))[piece.contribution < 0]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
