"""Ranking candidates by a learned model instead of the profile's weights, without losing a reason.

The profile's weights (day 0) turn a pair of a paper and a project into pieces of evidence, each with a contribution in
log-odds. A learned model reads those pieces: for each kind its day-0 contribution, of which more may only speak for the
pair, and plain measures beside it (how rare a name is, which share of the team are authors). What the model gives is handed back to the same pieces of evidence, so a librarian reads the
same sentences with other weights, and they sum exactly to the log-odds shown.

Codes are not learned: papers that print them are the labels. Their contributions stay those of the profile.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matching.evidence import KINDS, Evidence, PaperView, ProjectView, TextView
from matching.rules import Rules
from matching.trees import Floats, Model, ModelError

__all__ = [
    "CARRIED",
    "DIRECTIONS",
    "FEATURES",
    "UNASKED",
    "feature_version",
    "judged",
    "leads",
    "rows_of",
    "usable",
    "weights_version",
]

READING = 1
"""Raised by hand when a feature of the same name comes to mean something else, so that no older model reads it."""

_WEIGHED = (*KINDS, "rivals")

_MEASURED: Mapping[str, tuple[str, int]] = {
    "pi.alike": ("pi", 1),
    "pi.rarity": ("pi", 1),
    "pi.position": ("pi", -1),
    "co_is.count": ("co_is", 1),
    "co_is.rarity": ("co_is", 1),
    "co_is.rarest": ("co_is", 1),
    "team.share_of_authors": ("team", 1),
    "team.share_of_team": ("team", 1),
    "team.authors": ("team", 0),
    "targets.count": ("targets", 1),
    "targets.rarity": ("targets", 1),
    "targets.in_title": ("targets", 1),
    "title.alike": ("title", 1),
    "abstract.alike": ("abstract", 1),
    "dates.years_after": ("dates", 0),
    "rivals.lead": ("rivals", 1),
    "team.left_by_rivals": ("team", 1),
    "targets.left_by_rivals": ("targets", 1),
    "rivals.authors_shared": ("rivals", -1),
    "rivals.targets_shared": ("rivals", -1),
}
"""What a row holds beside the contributions: feature → the kind of evidence it belongs to, and whether more of it may only
speak for a pair (1), against it (-1), or either (0)."""

FEATURES = (*_WEIGHED, *_MEASURED)
"""What a row holds: contributions in log-odds by kind, then measures of their own unit; NaN where nothing can be said."""

DIRECTIONS: Mapping[str, int] = {
    **dict.fromkeys(_WEIGHED, 1),
    **{name: direction for name, (_, direction) in _MEASURED.items() if direction},
}
"""Feature → its direction (``Fitting.directions``)."""

UNASKED = ("rivals", "rivals.lead")
"""The features that a ranking does not ask: they sum up all others, so a model that leans on them ranks no better and
explains a candidate by "no other comes near" instead of by its people and targets."""

CARRIED = tuple(kind for kind in _WEIGHED if kind not in UNASKED)
"""The features that are log-odds by the rules: a model keeps their sum with a weight of its own (``Fitting.carried``), which
steadies what some hundred verdicts can teach."""

BETTER_ONES = 4
"""A paper seldom uses more projects: what the first so many account for is not left open to those behind them."""

_AGAINST_PRIOR = ("code", "code_repaired")
"""Kinds whose contribution makes up for the prior; beside a model, for its start."""

_SILENT = {
    "pi": "the PI",
    "co_is": "the co-Is",
    "team": "how many authors are of the team",
    "targets": "targets",
    "title": "the titles",
    "abstract": "the abstracts",
    "observatory": "whether the observatory is named",
    "dates": "when the data were taken",
    "rivals": "rivals",
}


def feature_version() -> str:
    """What tells the features of this version of the matcher from those of another: twelve hexadecimal digits."""
    return hashlib.sha256("\n".join([str(READING), *FEATURES]).encode()).hexdigest()[:12]


def weights_version(rules: Rules) -> str:
    """What tells rules whose weights give the same features from others: twelve hexadecimal digits.

    The weights of codes and the limits of scores stand outside a model, and do not count.
    """
    weights = {name: value for name, value in rules.weights.items() if not name.startswith(("code.", "limit."))}
    plain = json.dumps([weights, dict(rules.curves)], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def measures(paper: PaperView, project: ProjectView, text: TextView) -> dict[str, float]:
    """The measures of one pair that its evidence does not hold: rarities (minus the logarithm of the chance that some
    author agrees by accident), counts, shares and places."""
    found: dict[str, float] = {}
    if paper.author_count:
        pi = paper.people.get(project.pi) if project.pi is not None else None
        if pi is not None:
            rarity = pi.similarity * -math.log(max(pi.accident, 1e-12))
            found |= {"pi.alike": pi.similarity, "pi.rarity": rarity, "pi.position": float(pi.position)}
        found |= _team(paper, project)
    worths = [
        max((text.target_worth.get(key, 0.0) for key in keys if key in paper.targets), default=None)
        for keys in project.targets
    ]
    hits = [worth for worth in worths if worth is not None]
    if (project.targets and paper.names_targets) or hits:
        spots = [paper.targets[key] for keys in project.targets for key in keys if key in paper.targets]
        is_in_title = any(spot.where == "title" for spot in spots)
        found |= {
            "targets.count": float(len(hits)),
            "targets.rarity": math.fsum(hits),
            "targets.in_title": float(is_in_title),
        }
    if text.title is not None:
        found["title.alike"] = text.title
    if text.abstract is not None:
        found["abstract.alike"] = text.abstract
    return found


def _team(paper: PaperView, project: ProjectView) -> dict[str, float]:
    """How much of the team is among the authors, and how rare those names are; an author counts once."""
    people = [*project.co_is, *([] if project.pi is None else [project.pi])]
    if not people:
        return {}
    rarity = _rarities(paper, project.co_is)
    inside = len({paper.people[person].position for person in people if person in paper.people})
    return {
        "co_is.count": float(len(rarity)),
        "co_is.rarity": math.fsum(rarity.values()),
        "co_is.rarest": max(rarity.values(), default=0.0),
        "team.share_of_authors": inside / paper.author_count,
        "team.share_of_team": inside / len(people),
        "team.authors": float(paper.author_count),
    }


def _rarities(paper: PaperView, people: Iterable[int]) -> dict[int, float]:
    """Places of the authors who are among these people → how rare such an agreement is."""
    found: dict[int, float] = {}
    for person in people:
        if (seen := paper.people.get(person)) is not None:
            worth = seen.similarity * -math.log(max(seen.accident, 1e-12))
            found[seen.position] = max(worth, found.get(seen.position, 0.0))
    return found


def rows_of(
    paper: PaperView, listed: Sequence[tuple[Sequence[Evidence], ProjectView, TextView]], odds: Sequence[float]
) -> list[list[float]]:
    """The features of each candidate of one paper, in the order of ``FEATURES``; ``odds`` are their log-odds by the rules."""
    seen = [_seen(paper, project, text) for _, project, text in listed]
    beside = zip(leads(odds), _beside(seen, odds), strict=True)
    return [
        _row(evidence, {**measures(paper, project, text), "rivals.lead": lead, **rest})
        for (evidence, project, text), (lead, rest) in zip(listed, beside, strict=True)
    ]


def _row(evidence: Sequence[Evidence], measured: Mapping[str, float]) -> list[float]:
    weighed = {piece.kind: piece.contribution for piece in evidence}
    years = next((float(piece.value) for piece in evidence if piece.kind == "dates"), math.nan)
    rest = {**measured, "dates.years_after": years}
    return [weighed.get(kind, math.nan) for kind in _WEIGHED] + [rest.get(name, math.nan) for name in _MEASURED]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of a paper a project accounts for: places of authors, and targets as printed, each with how rare it is."""

    authors: Mapping[int, float]
    targets: Mapping[str, float]


def _seen(paper: PaperView, project: ProjectView, text: TextView) -> _Seen:
    targets: dict[str, float] = {}
    for keys in project.targets:
        for key in keys:
            if (spot := paper.targets.get(key)) is not None:
                targets[spot.printed] = max(text.target_worth.get(key, 0.0), targets.get(spot.printed, 0.0))
    team = project.co_is if project.pi is None else (project.pi, *project.co_is)
    return _Seen(_rarities(paper, team), targets)


def _beside(seen: Sequence[_Seen], odds: Sequence[float]) -> list[dict[str, float]]:
    """What each candidate accounts for that better ones leave open, and what it shares with the best other.

    A paper from several projects names people and targets that its best candidate does not account for; a project of
    the same team on the same target accounts for nothing more. For the best, the second stands for the better ones.
    """
    order = sorted(range(len(seen)), key=lambda i: -odds[i])
    found: list[dict[str, float]] = [{}] * len(seen)
    authors: set[int] = set()
    targets: set[str] = set()
    nothing = _Seen({}, {})
    for place, i in enumerate(order):
        own = seen[i]
        best = nothing if len(order) < 2 else seen[order[1 if place == 0 else 0]]
        better = (best.authors, best.targets) if place == 0 else (authors, targets)
        found[i] = {
            "team.left_by_rivals": math.fsum(rarity for at, rarity in own.authors.items() if at not in better[0]),
            "targets.left_by_rivals": math.fsum(
                rarity for name, rarity in own.targets.items() if name not in better[1]
            ),
            "rivals.authors_shared": float(len(own.authors.keys() & best.authors.keys())),
            "rivals.targets_shared": math.fsum(r for name, r in own.targets.items() if name in best.targets),
        }
        if place < BETTER_ONES:
            authors |= own.authors.keys()
            targets |= own.targets.keys()
    return found


def leads(odds: Sequence[float]) -> list[float]:
    """How far each candidate is ahead of the best other in log-odds, within ±20; 20 where it is alone."""
    if len(odds) < 2:
        return [20.0] * len(odds)
    best, second = sorted(odds, reverse=True)[:2]
    place = odds.index(best)
    return [max(-20.0, min(20.0, o - (second if i == place else best))) for i, o in enumerate(odds)]


def usable(model: Model) -> Model:
    """Return the model. Raises ``ModelError`` for one of other features: its scores would mean nothing."""
    if model.features != FEATURES:
        unknown = sorted(set(model.features) - set(FEATURES)) or sorted(set(FEATURES) - set(model.features))
        raise ModelError(
            f"the model ranks by other features than this version reads ({', '.join(unknown[:5])}); fit it anew"
        )
    return model


def judged(model: Model, listed: Sequence[Sequence[Evidence]], rows: Sequence[Sequence[float]]) -> list[list[Evidence]]:
    """Return the evidence of each candidate of one paper, weighed by the model instead of the profile.

    ``rows`` are their features (``rows_of``).

    The prior becomes the model's start; each kind gets what the model gives its features. Of the lead over other projects
    and of the team's share, which the rules tell only where they count, a sentence is made; what the model gives to a
    kind that nothing can be said of stands as "unknown". Codes keep their contributions.
    """
    if not listed:
        return []
    start, added = model.explain(np.array(rows, dtype=np.float64))
    by_kind = _by_kind(added)
    return [
        _weighed(list(evidence), start, dict(zip(_WEIGHED, line, strict=True)), dict(zip(FEATURES, row, strict=True)))
        for evidence, line, row in zip(listed, by_kind.tolist(), rows, strict=True)
    ]


def _by_kind(added: Floats) -> NDArray[np.float64]:
    """What the model gives to each kind: to its contribution and its measures together."""
    found = added[:, : len(_WEIGHED)].copy()
    for place, (kind, _) in enumerate(_MEASURED.values()):
        found[:, _WEIGHED.index(kind)] += added[:, len(_WEIGHED) + place]
    return found


def _weighed(
    evidence: list[Evidence], start: float, given: dict[str, float], row: Mapping[str, float]
) -> list[Evidence]:
    pieces = []
    prior = next((piece.contribution for piece in evidence if piece.kind == "prior"), start)
    for piece in evidence:
        if piece.kind in _AGAINST_PRIOR:
            pieces.append(replace(piece, contribution=piece.contribution + prior - start))
        elif piece.kind == "prior":
            pieces.append(replace(piece, contribution=start, sentence="Where every candidate of this list starts."))
        elif piece.kind in given:
            weight = given.pop(piece.kind)
            sentence = _of_rivals(piece.sentence, row) if piece.kind == "rivals" and weight > 0 else piece.sentence
            pieces.append(replace(piece, contribution=weight, sentence=sentence))
        else:
            pieces.append(piece)
    for kind, told in (("rivals", _lead_told(row)), ("team", _team_told(row))):
        if told is not None and given.get(kind):
            pieces.append(Evidence(kind, told[0], given.pop(kind), told[1]))
    silent = {kind: weight for kind, weight in given.items() if weight}
    if silent:
        names = ", ".join(_SILENT[kind] for kind in silent)
        weight = math.fsum(silent.values())
        pieces.append(
            Evidence(
                "unknown",
                len(silent),
                weight,
                f"Nothing can be said of {names}; such candidates are as often right as this says.",
            )
        )
    return pieces


def _of_rivals(sentence: str, row: Mapping[str, float]) -> str:
    """What the rules say against a candidate that has a rival, where the model finds something in its favour there."""
    if row["rivals.lead"] > 0:
        return f"{sentence.removesuffix('.')}; none fits better."
    if row["team.left_by_rivals"] > 0 or row["targets.left_by_rivals"] > 0:
        return f"{sentence.removesuffix('.')}, but not the authors or targets that only this one accounts for."
    return sentence


def _lead_told(row: Mapping[str, float]) -> tuple[float, str] | None:
    """How far a candidate is ahead of the others, in words; the rules name a rival only where there is one to fear."""
    lead = row["rivals.lead"]
    if math.isnan(lead):
        return None
    return lead, "No other project comes near." if lead > 0 else "Another project fits better."


def _team_told(row: Mapping[str, float]) -> tuple[float, str] | None:
    """How many authors are of the team, in words."""
    share, authors = row["team.share_of_authors"], row["team.authors"]
    if math.isnan(share) or math.isnan(authors):
        return None
    inside = round(share * authors)
    if authors == 1:
        return inside, f"The author is {'' if inside else 'not '}in the project's team."
    many = f"{inside or 'None'} of the {int(authors)} authors"
    return inside, f"{many} {'are' if inside > 1 else 'is'} in the project's team."
