"""How a paper relates to the observatory: a proposal for a person, with the quotes it rests on.

Each reason speaks for one relation with a contribution in log-odds; the score of a relation is the exact sum of its
start and its contributions, and the probability shown is the share of its odds among all relations. So a further
phrase of use can only raise "science". Where little was read, or nothing speaks clearly, nothing is proposed and the
sentence says so: an abstract seldom tells whose data a paper used. Weights and phrases are data of the profile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from matching.codes import Mention
from matching.keywords import Keywords
from matching.phrases import (
    DOUBTFUL,
    EXCLUDED,
    LISTED,
    NAMED,
    Found,
    Phrase,
    PhraseFinder,
    PhraseTable,
    RelationError,
    most_telling,
    place_of,
    strings,
)

__all__ = ["Band", "Proposal", "Reason", "RelationError", "RelationRules", "TextRead", "judge"]

Band = Literal["certain", "likely", "open"]

_ALWAYS = (
    NAMED,
    LISTED,
    EXCLUDED,
    DOUBTFUL,
    "code_use",
    "code_unsaid",
    "code_mention",
    "code_listed",
    "often",
    "unnamed",
    "record",
)
"""Kinds that the rules must weigh though no words are looked for: places, codes, how often, and the kind of record."""

_SAYS_NO_MORE = (NAMED, LISTED, EXCLUDED, DOUBTFUL)
"""Kinds from which nothing is proposed unless the whole text was read: what else stands in it is not known."""

_NOT_NAMED = (EXCLUDED, LISTED, DOUBTFUL)


@dataclass(frozen=True, slots=True)
class TextRead:
    """What was read of a paper. ``characters`` and ``named``: how long its full text is, and in how many places that
    names the observatory; 0: no full text was read. A text shorter than a paper tells no more than a record.

    ``codes`` are the mentions of project codes with the part and page they stand in, ``record`` words of the record
    that tell what kind of paper it is: its journal, its kind, its categories.
    """

    phrases: tuple[Phrase, ...] = ()
    characters: int = 0
    named: int = 0
    codes: tuple[tuple[Mention, str, int | None], ...] = ()
    record: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for ``relation``: ``contribution`` in log-odds, the quote and where it stands (none for a count)."""

    kind: str
    relation: str
    contribution: float
    sentence: str
    quote: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed: ``relation`` is None where it cannot be told, and ``sentence`` says why or how sure it is.

    ``scores`` are the relations' log-odds weights (start and contributions summed exactly), ``probability`` the share
    of the leading relation, ``log_odds`` the same as log-odds. ``reasons``: strongest first, for every relation.
    """

    relation: str | None
    band: Band
    probability: float
    log_odds: float
    sentence: str
    leading: str
    runner_up: str
    scores: Mapping[str, float]
    start: Mapping[str, float]
    reasons: tuple[Reason, ...] = ()

    def reasons_for(self, relation: str) -> tuple[Reason, ...]:
        """The reasons that speak for one relation, strongest first."""
        return tuple(r for r in self.reasons if r.relation == relation)


@dataclass(frozen=True)
class RelationRules:
    """Phrases and weights of one observatory, ready to use."""

    version: str
    finder: PhraseFinder
    tables: Mapping[str, PhraseTable]
    start: Mapping[str, float]
    places: Mapping[str, float]
    next_share: float
    often: tuple[tuple[float, float], ...]
    records: tuple[str, ...]
    likely: float
    certain: float
    whole_text: float
    words: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_plain(cls, data: Mapping[str, Any], keywords: Keywords) -> RelationRules:
        """Check plain data. Raises ``RelationError`` naming the key that is missing, unknown or impossible."""
        known = {
            "version",
            "names",
            "own",
            "start",
            "places",
            "limits",
            "often",
            "records",
            "words",
            "examples",
            "phrases",
        }
        if wrong := sorted(set(data) ^ known):
            raise RelationError(f"relation: the key {wrong[0]!r} is {'missing' if wrong[0] in known else 'unknown'}.")
        if not isinstance(data["version"], str) or not isinstance(data["phrases"], list):
            raise RelationError("relation: version must be a text and phrases a list of tables.")
        tables = {table.key: table for table in map(PhraseTable.from_plain, data["phrases"])}
        start = _numbers(data, "start")
        limits = _numbers(data, "limits")
        _check(data, tables, start, limits)
        return cls(
            data["version"],
            PhraseFinder(tuple(tables.values()), strings(data, "names"), strings(data, "own"), keywords),
            tables,
            start,
            _numbers(data, "places"),
            limits["next"],
            _curve(data["often"]),
            tuple(word.casefold() for word in strings(data, "records")),
            limits["likely"],
            limits["certain"],
            limits["whole_text"],
            _words(data["words"]),
            _examples(data["examples"], tables),
        )

    def self_test(self) -> None:
        """Read the examples. Raises ``RelationError`` for one that does not say what it should, with what it says."""
        for text, kind in self.examples:
            said = sorted({phrase.kind for phrase in self.find(text).phrases})
            if kind not in said:
                raise RelationError(
                    f"relation: the example {text!r} should say {kind!r}; it says {', '.join(said) or 'nothing'}."
                )

    def find(self, text: str, *, field: str | None = None, markup: str = "auto", before: str = "") -> Found:
        """What a text says of the observatory; see ``PhraseFinder.find``."""
        return self.finder.find(text, field=field, markup=markup, before=before)

    def kept(self, phrases: Iterable[Phrase]) -> tuple[Phrase, ...]:
        """The phrases that a judgement rests on: the most telling few of each kind, in the order of the text."""
        return most_telling(phrases, self.places)


def _check(
    data: Mapping[str, Any],
    tables: Mapping[str, PhraseTable],
    start: Mapping[str, float],
    limits: Mapping[str, float],
) -> None:
    if len(tables) != len(data["phrases"]):
        raise RelationError("relation: two tables of phrases have the same key.")
    if missing := [key for key in _ALWAYS if key not in tables]:
        raise RelationError(f"relation: there is no table of phrases {missing[0]!r}.")
    if not strings(data, "names") or not strings(data, "own") or len(start) < 2:
        raise RelationError("relation: names, own and start must not be empty.")
    for table in tables.values():
        if table.speaks_for not in start:
            raise RelationError(f"relation: phrases {table.key!r} speak for {table.speaks_for!r}, which has no start.")
        for other in (table.cited, table.unsaid):
            if other not in tables:
                raise RelationError(f"relation: phrases {table.key!r} name {other!r}, which is no table.")
    if set(limits) != {"next", "likely", "certain", "whole_text"} or not 0 <= limits["next"] <= 1:
        raise RelationError(
            "relation: limits are next (a share), likely and certain (probabilities), whole_text (characters)."
        )
    if not 0.5 <= limits["likely"] <= limits["certain"] < 1:
        raise RelationError("relation: limits: 0.5 <= likely <= certain < 1 must hold.")


def _numbers(data: Mapping[str, Any], key: str) -> dict[str, float]:
    value = data[key]
    if not isinstance(value, Mapping) or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in value.values()
    ):
        raise RelationError(f"relation: {key} must be a table of numbers.")
    return {str(name): float(v) for name, v in value.items()}


def _curve(value: Any) -> tuple[tuple[float, float], ...]:
    try:
        points = tuple((float(x), float(y)) for x, y in value)
    except (TypeError, ValueError) as error:
        raise RelationError("relation: often must be a list of pairs of numbers.") from error
    if len(points) < 2 or any(a[0] >= b[0] or a[1] > b[1] for a, b in pairwise(points)):
        raise RelationError("relation: often must rise: more places never speak less for science.")
    return points


def _words(value: Any) -> dict[str, str]:
    needed = {"record_only", "nothing", "undecided", "likely", "certain"}
    if not isinstance(value, Mapping) or set(value) != needed or not all(isinstance(v, str) for v in value.values()):
        raise RelationError(f"relation: words must be the texts {', '.join(sorted(needed))}.")
    return dict(value)


def _examples(value: Any, tables: Mapping[str, PhraseTable]) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list) or not all(isinstance(e, Mapping) and set(e) == {"text", "says"} for e in value):
        raise RelationError("relation: examples must be a list of tables with text and says.")
    if unknown := [e["says"] for e in value if e["says"] not in tables]:
        raise RelationError(f"relation: examples: {unknown[0]!r} is no table of phrases.")
    return tuple((str(e["text"]), e["says"]) for e in value)


def judge(read: TextRead, rules: RelationRules) -> Proposal:
    """Propose how a paper relates to the observatory. The order of phrases and codes changes nothing."""
    reasons = [*_said(read, rules), *_codes(read, rules), *_counted(read, rules), *_kind_of_record(read, rules)]
    reasons.sort(key=lambda r: (-abs(r.contribution), r.kind, _spot(r)))
    scores = {
        relation: math.fsum([begin, *(r.contribution for r in reasons if r.relation == relation)])
        for relation, begin in rules.start.items()
    }
    ranked = sorted(scores, key=lambda relation: (-scores[relation], relation))
    odds = scores[ranked[0]] - _log_sum([scores[relation] for relation in ranked[1:]])
    probability = 1 / (1 + math.exp(-odds))
    band, sentence = _band(read, rules, probability, reasons)
    return Proposal(
        relation=None if band == "open" else ranked[0],
        band=band,
        probability=probability,
        log_odds=odds,
        sentence=sentence,
        leading=ranked[0],
        runner_up=ranked[1],
        scores=scores,
        start=dict(rules.start),
        reasons=tuple(reasons),
    )


def _band(read: TextRead, rules: RelationRules, probability: float, reasons: Sequence[Reason]) -> tuple[Band, str]:
    """How sure the proposal may be called: never certain from a record alone, and nothing where nothing was said."""
    is_record = read.characters < rules.whole_text
    told = [r for r in reasons if r.kind not in _SAYS_NO_MORE]
    if is_record and not told:
        is_named = any(r.kind in (NAMED, LISTED) for r in reasons)
        return "open", rules.words["record_only" if is_named else "nothing"]
    if probability < rules.likely:
        return "open", rules.words["record_only" if is_record else "undecided"]
    if probability >= rules.certain and (not is_record or any(r.kind == "code_use" for r in told)):
        return "certain", rules.words["certain"]
    return "likely", rules.words["likely"]


def _said(read: TextRead, rules: RelationRules) -> list[Reason]:
    """The phrases: of each kind the first counts in full, each further one less, at most a few."""
    reasons: list[Reason] = []
    kinds: dict[str, list[Phrase]] = {}
    for phrase in rules.kept(read.phrases):
        kinds.setdefault(phrase.kind, []).append(phrase)
    is_named = bool(read.codes) or not all(_is_alone(kind, rules) for kind in kinds)
    for kind, phrases in kinds.items():
        table = rules.tables.get(kind)
        if table is None or (is_named and kind != LISTED and _is_alone(kind, rules)):
            continue
        worths = sorted(((table.weight * rules.places.get(p.where, 1.0), p) for p in phrases), key=_by_worth)
        reasons += [
            Reason(kind, table.speaks_for, worth * rules.next_share**rank, table.sentence, phrase)
            for rank, (worth, phrase) in enumerate(worths)
        ]
    return reasons


def _is_alone(kind: str, rules: RelationRules) -> bool:
    """Whether a place of this kind names the observatory no more than by sound or by address."""
    return kind in _NOT_NAMED or (kind in rules.tables and rules.tables[kind].alone)


def _by_worth(pair: tuple[float, Phrase]) -> tuple[object, ...]:
    return -pair[0], *place_of(pair[1])


def _codes(read: TextRead, rules: RelationRules) -> list[Reason]:
    """The project codes printed: as data used, as a mere mention, or in the list of references only."""
    quotes: dict[str, dict[Phrase, None]] = {}
    for mention, part, page in read.codes:
        if mention.where == "comment":
            continue
        kind = _code_kind(mention)
        phrase = Phrase(kind, mention.start, mention.end, mention.as_written, mention.where, part, page)
        quotes.setdefault(kind, {})[phrase] = None
    return _said(TextRead(phrases=tuple(phrase for kind in quotes.values() for phrase in kind)), rules)


def _code_kind(mention: Mention) -> str:
    """What a printed code says of the paper: data used, a mere mention, or no more than that it is printed."""
    if mention.where == "references":
        return "code_listed"
    if mention.is_use is False:
        return "code_mention"
    is_unsaid = mention.is_use is None and mention.where in ("title", "abstract", "body", "unknown")
    return "code_unsaid" if is_unsaid else "code_use"


def _counted(read: TextRead, rules: RelationRules) -> list[Reason]:
    """How often the full text names the observatory: papers with its data do so many times."""
    if read.characters < rules.whole_text or (read.codes and not read.named):
        return []
    if not read.named and all(p.kind == EXCLUDED for p in read.phrases):
        table = rules.tables["unnamed"]
        return [Reason("unnamed", table.speaks_for, table.weight, table.sentence)]
    table = rules.tables["often"]
    points = rules.often
    worth = points[-1][1]
    for (x, y), (to_x, to_y) in pairwise(points):
        if read.named < to_x:
            worth = y if read.named <= x else y + (to_y - y) * (read.named - x) / (to_x - x)
            break
    if read.codes:
        worth = max(0.0, worth)  # a printed code says more than that the name is seldom printed
    return [Reason("often", table.speaks_for, worth, table.sentence.replace("{count}", str(read.named)))]


def _kind_of_record(read: TextRead, rules: RelationRules) -> list[Reason]:
    """Where the paper appeared: conferences on instruments and journals of engineering."""
    table = rules.tables["record"]
    for words in read.record:
        plain = words.casefold()
        if any(record in plain for record in rules.records):
            return [Reason("record", table.speaks_for, table.weight, table.sentence.replace("{record}", words[:80]))]
    return []


def _spot(reason: Reason) -> tuple[str, int, int]:
    return (reason.quote.part, reason.quote.page or 0, reason.quote.start) if reason.quote else ("", 0, -1)


def _log_sum(values: Sequence[float]) -> float:
    """The logarithm of a sum of odds, without overflow."""
    most = max(values)
    return most + math.log(math.fsum(math.exp(v - most) for v in values))
