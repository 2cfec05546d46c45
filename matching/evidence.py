"""What speaks for and against a paper having used a project's data: one function for each kind of evidence.

Each function compares a paper and a project, both prepared once, and returns ``Evidence`` or ``None`` when it can say
nothing. A contribution is a log-odds (natural logarithm): the contributions of a candidate, its prior included, sum to
the log-odds of its score. Chances of an accidental agreement come from the registry itself: a rare name, target or word
says more than a common one. The docstrings are shown to librarians.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from matching.codes import Mention
from matching.rules import Rules
from matching.targets import TargetSpot

__all__ = [
    "KINDS",
    "Evidence",
    "PaperFacts",
    "PaperView",
    "PersonSeen",
    "ProjectFacts",
    "ProjectView",
    "TextView",
    "weigh",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for or against a candidate.

    ``quote`` is what was read and ``where`` the place of it: a field of the paper ("title", "abstract", "authors",
    "targets") or, for codes, the part of the text; ``start`` and ``end`` count code points in that field or text.
    """

    kind: str
    value: float | str
    contribution: float
    sentence: str
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    where: str | None = None


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What a paper's record says; every field but ``id`` may be missing."""

    id: str
    title: str | None = None
    authors: tuple[str, ...] = ()
    year: int | None = None
    abstract: str | None = None
    targets: tuple[str, ...] = ()
    doi: str | None = None
    bibcode: str | None = None
    arxiv: str | None = None
    published_on: date | None = None
    archives: tuple[str, ...] = ()
    """Archives whose data a bibliographic service lists for the paper."""


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """What the registry says of a project; every field but ``code`` may be missing. ``year`` is that of observation."""

    code: str
    title: str | None = None
    abstract: str | None = None
    pi: str | None = None
    co_is: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    year: int | None = None
    release_date: date | None = None
    category: str | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """A person of the registry among a paper's authors. ``accident`` is the chance that any of the authors agrees as
    well with a person who has nothing to do with the paper; ``position`` counts from 1."""

    similarity: float
    accident: float
    position: int
    printed: str


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project prepared for comparison: people as numbers in the register of names, targets as keys."""

    facts: ProjectFacts
    pi: int | None
    co_is: tuple[int, ...]
    targets: tuple[frozenset[str], ...]
    """For each target its spellings as keys: those the registry lists, then those its title names."""
    year: int | None
    listed_targets: tuple[str, ...] = ()
    """The targets the registry lists, as printed, without those that say nothing by themselves."""


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper prepared for comparison."""

    facts: PaperFacts
    people: dict[int, PersonSeen]
    """Person of the registry → the author that reads like them."""
    author_count: int
    complete: bool
    """False when the author list ends in "et al." or holds a collaboration."""
    targets: dict[str, TargetSpot]
    """Target key → where the paper names it."""
    names_targets: bool
    """True when the paper lists targets or its title names something built like one."""
    observatory: TargetSpot | None = None
    """Where title or abstract first name the observatory."""
    observatory_sought: bool = False
    """True when there was an abstract in which the observatory's words were looked for."""


@dataclass(frozen=True, slots=True)
class TextView:
    """How far the words of a pair agree: cosine of rarity-weighted words, 0–1, ``None`` where a text is missing."""

    title: float | None = None
    abstract: float | None = None
    title_words: tuple[str, ...] = field(default=())
    target_worth: Mapping[str, float] = field(default_factory=dict)
    """Target key → log-odds of an agreement on it, by how few of the registry's projects have it."""


def surprise(expected: float, chance: float, cap: float) -> float:
    """Log-likelihood ratio of an agreement: expected share among true pairs against the chance of an accident."""
    return max(0.0, min(cap, math.log(expected / max(chance, 1e-9))))


def pi(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """The principal investigator is, or is not, an author of the paper. A rare name says more than a common one."""
    if project.pi is None or not paper.author_count:
        return None
    name = project.facts.pi or ""
    seen = paper.people.get(project.pi)
    if seen is None:
        weight = rules.weight("people.pi_absent") * (1.0 if paper.complete else 0.3)
        among = "the author" if paper.author_count == 1 else f"among the {paper.author_count} authors"
        return Evidence("pi", 0.0, weight, f"The PI, {name}, is not {among}.")
    weight = seen.similarity * surprise(rules.weight("people.pi_share"), seen.accident, rules.weight("people.cap"))
    if seen.position == 1:
        weight += rules.weight("people.pi_first")
    how = (
        ""
        if seen.similarity > 0.95
        else ", printed with initials"
        if seen.similarity >= 0.8
        else ", printed differently"
    )
    sentence = f"The PI, {name}, is author {seen.position} of {paper.author_count}{how}."
    return Evidence("pi", round(seen.similarity, 3), weight, sentence, seen.printed, where="authors")


def co_is(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """How many of the project's co-investigators are authors. Each further one counts less: colleagues come together."""
    if not project.co_is or not paper.author_count:
        return None
    seen = [paper.people[p] for p in project.co_is if p in paper.people]
    total = len(project.co_is)
    absent = total - len({s.position for s in seen})
    weight = max(rules.weight("people.co_is_absent_most"), rules.weight("people.co_i_absent") * absent)
    if not paper.complete:
        weight *= 0.3
    if not seen:
        return Evidence(
            "co_is",
            0,
            weight,
            f"{'The co-I is not' if total == 1 else f'None of the {total} co-Is is'} among the authors.",
        )
    surprises: dict[int, float] = {}
    for s in seen:
        worth = s.similarity * surprise(rules.weight("people.co_i_share"), s.accident, rules.weight("people.cap"))
        surprises[s.position] = max(worth, surprises.get(s.position, 0.0))
    with_pi = project.pi is not None and project.pi in paper.people
    worths = sorted(surprises.values(), reverse=True)
    if len(worths) == 1 and not with_pi:
        worths = [min(worths[0], rules.weight("people.co_i_alone"))]
    for rank, worth in enumerate(worths, start=1 if with_pi else 0):
        weight += worth * rules.weight("people.next_person") ** rank
    printed = "; ".join(s.printed for s in sorted(seen, key=lambda s: s.position)[:4])
    are = "is an author" if len(surprises) == 1 else "are authors"
    more = " and others" if len(surprises) > 4 else ""
    who = "The co-I" if total == 1 else f"{len(surprises)} of the {total} co-Is"
    sentence = f"{who} {are}: {printed}{more}".removesuffix(".") + "."
    return Evidence("co_is", len(surprises), weight, sentence, printed.split("; ")[0], where="authors")


def outsiders(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """The share of the authors who are not in the project's team: many strangers make an accident likelier."""
    people = ([] if project.pi is None else [project.pi]) + list(project.co_is)
    if len(people) < 2 or not paper.author_count:
        return None
    inside = len({paper.people[p].position for p in people if p in paper.people})
    if not inside:
        return None
    share = inside / paper.author_count
    weight = rules.curve("people.inside_share", share)
    if weight == 0.0:
        return None
    sentence = f"{inside} of the {paper.author_count} authors are in the project's team of {len(people)}."
    return Evidence("team", round(share, 3), weight, sentence)


def targets(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """The paper names a target of the project, or names other targets only. Targets of many projects say less."""
    if not project.targets:
        return None
    hits: list[tuple[float, TargetSpot]] = []
    for keys in project.targets if paper.targets else ():
        found = [(text.target_worth.get(key, 0.0), key) for key in keys if key in paper.targets]
        if found:
            worth, key = max(found)
            hits.append((worth, paper.targets[key]))
    if not hits:
        if not paper.names_targets or not project.listed_targets:
            return None
        names = ", ".join(project.listed_targets[:3])
        return Evidence("targets", 0, rules.weight("targets.other"), f"The paper names targets, but not {names}.")
    hits.sort(key=lambda h: (-h[0], h[1].start or 0))
    weight = sum(worth * rules.weight("targets.next") ** rank for rank, (worth, _) in enumerate(hits))
    first = hits[0][1]
    if first.where == "title":
        weight += rules.weight("targets.in_title")
    names = ", ".join(dict.fromkeys(h[1].printed for h in hits[:3]))
    sentence = f"Both name the target{'s' if len(hits) > 1 else ''} {names}"
    sentence += f" ({len(hits)} of the project's {len(project.targets)})." if len(project.targets) > 1 else "."
    return Evidence("targets", len(hits), weight, sentence, first.printed, first.start, first.end, first.where)


def title(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """How far the words of the two titles agree; rare words count more than common ones."""
    if text.title is None:
        return None
    weight = rules.curve("title.similarity", text.title)
    if text.title_words:
        sentence = f"The titles share {', '.join(text.title_words[:6])} ({text.title:.0%} alike)."
    else:
        sentence = "The titles share no telling word."
    return Evidence("title", round(text.title, 3), weight, sentence, where="title")


def abstract(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """How far the words of the proposal's abstract and the paper's abstract agree; rare words count more."""
    if text.abstract is None:
        return None
    weight = rules.curve("abstract.similarity", text.abstract)
    steps = ((1.5, "much alike"), (0.0, "somewhat alike"), (-0.6, "little alike"))
    grade = next((word for least, word in steps if weight > least), "about different things")
    return Evidence(
        "abstract", round(text.abstract, 3), weight, f"Proposal and paper abstract are {grade}.", where="abstract"
    )


def observatory(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """Whether the paper's record or text names the observatory. Papers that use its data mostly say so."""
    if ours := sorted(rules.archives.intersection(paper.facts.archives)):
        sentence = f"The bibliographic record links to data of the archive {', '.join(ours)}."
        return Evidence("observatory", 1.0, rules.weight("observatory.linked"), sentence)
    spot = paper.observatory
    if spot is not None:
        sentence = f"The {spot.where} names the observatory."
        weight = rules.weight("observatory.named")
        return Evidence("observatory", 1.0, weight, sentence, spot.printed, spot.start, spot.end, spot.where)
    if not paper.observatory_sought:
        return None
    return Evidence(
        "observatory", 0.0, rules.weight("observatory.unnamed"), "Title and abstract do not name the observatory."
    )


def dates(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> Evidence | None:
    """Whether the paper can have used the data: published before the observations it cannot, a few years after is usual."""
    published = paper.facts.published_on.year if paper.facts.published_on else paper.facts.year
    released = project.facts.release_date
    if paper.facts.published_on and released and project.year is None:
        years = (paper.facts.published_on - released).days / 365.25 + rules.weight("dates.release_lag")
    elif published is not None and project.year is not None:
        years = float(published - project.year)
    elif published is not None and released is not None:
        years = published - released.year + rules.weight("dates.release_lag")
    else:
        return None
    weight = rules.curve("dates.years_after", years)
    count = abs(round(years))
    unit = "year" if count == 1 else "years"
    if years < 0:
        sentence = f"Published {count} {unit} before the data were taken."
    elif count == 0:
        sentence = "Published in the year the data were taken."
    else:
        sentence = f"Published {count} {unit} after the data were taken."
    return Evidence("dates", round(years, 2), weight, sentence)


_PLACES = {
    "title": "in the title",
    "abstract": "in the abstract",
    "acknowledgement": "in the acknowledgements",
    "data_statement": "in the data statement",
    "footnote": "in a footnote",
    "body": "in the text",
    "references": "in the reference list",
    "comment": "in a part the authors struck out",
    "unknown": "in the text",
}
_RUNNING_TEXT = frozenset({"title", "abstract", "body", "unknown"})
USE_PLACES = frozenset({"title", "abstract", "acknowledgement", "data_statement", "footnote", "body", "unknown"})
"""Where a printed code says that data were used, unless its sentence says otherwise."""


def _stated(mention: Mention, rules: Rules) -> float:
    return rules.weight(f"code.{mention.where}" if mention.where in _PLACES else "code.unknown")


def code(mentions: Sequence[Mention], project_code: str, prior: float, rules: Rules) -> Evidence | None:
    """The project's code is printed in the text. It says most where authors state their data, little as a mere mention."""
    exact = [m for m in mentions if m.certain and m.code == project_code]
    if not exact:
        return None

    def leaves(mention: Mention) -> float:
        stated = _stated(mention, rules)
        if mention.is_use is None and mention.where in _RUNNING_TEXT:
            stated += rules.weight("code.unsaid")
        return min(stated, rules.weight("code.mention")) if mention.is_use is False else stated

    best = max(exact, key=leaves)
    weight = leaves(best) - prior + rules.weight("code.again") * min(len(exact) - 1, 3)
    place = _PLACES.get(best.where, "in the text")
    if states_use(best):
        sentence = f"The code {project_code} is printed {place}."
    elif best.is_use is not False:
        sentence = f"The code {project_code} is printed only {place}."
    else:
        sentence = f"The code {project_code} is printed {place}, but as a mention, not as data used."
    return Evidence("code", project_code, weight, sentence, best.as_written, best.start, best.end, best.where)


def states_use(mention: Mention) -> bool:
    """True for a certain code that stands where authors say whose data they used."""
    return mention.certain and mention.is_use is not False and mention.where in USE_PLACES


def code_repaired(
    mentions: Sequence[Mention], project_code: str, prior: float, rules: Rules, unlisted: frozenset[str]
) -> Evidence | None:
    """A damaged code in the text fits this project and perhaps others; names, targets and dates choose among them."""  # ``unlisted``: well-formed codes that the list lacks
    best: tuple[float, Mention] | None = None
    for mention in mentions:
        if mention.certain or project_code not in mention.candidates:
            continue
        total = math.fsum(1.0 / rank for rank in range(1, len(mention.candidates) + 1))
        share = 1.0 / (mention.candidates.index(project_code) + 1) / total
        if mention.code in unlisted:
            weight = max(0.0, rules.weight("code.neighbour") + math.log(share))
        else:
            weight = min(rules.weight("code.repaired"), _stated(mention, rules)) + math.log(share) - prior
            weight += min(0.0, rules.weight("code.mention")) if mention.is_use is False else 0.0
        if best is None or weight > best[0]:
            best = weight, mention
    if best is None:
        return None
    weight, mention = best
    others = len(mention.candidates) - 1
    if mention.code in unlisted:
        sentence = (
            f"The code {mention.code} is printed, which is not in the project list; this project's code is near it."
        )
    else:
        also = "" if not others else f" or {others} other" + ("s" if others > 1 else "")
        sentence = f"“{mention.as_written}” is printed {_PLACES.get(mention.where, 'in the text')}; it may mean {project_code}{also}."
    kind = "code_near" if mention.code in unlisted else "code_repaired"
    return Evidence(kind, project_code, weight, sentence, mention.as_written, mention.start, mention.end, mention.where)


def stranger(paper: PaperView, project: ProjectView, rules: Rules) -> Evidence | None:
    """The code is printed, but nobody of the project's team is an author: archival use, or a slip in the code."""
    people = ([] if project.pi is None else [project.pi]) + list(project.co_is)
    if not people or not paper.author_count or not paper.complete or any(p in paper.people for p in people):
        return None
    size = "its PI is not" if len(people) == 1 else f"none of its {len(people)} people is"
    sentence = f"The project's code is printed, but {size} among the authors: archival use, or a slip in the code."
    return Evidence("stranger", len(people), rules.weight("code.stranger"), sentence)


def archival(evidence: Sequence[Evidence], rules: Rules) -> Evidence | None:
    """What people, targets and words say together against a code that stands for use counts up to a limit.

    They are one fact, not many: who works with archived data is no member of the team and often writes about something
    else. So a printed code stays worth a look, and what doubts it keeps it from being certain.
    """
    against = math.fsum(piece.contribution for piece in evidence if piece.kind in _FIT)
    most = rules.weight("code.doubt_most")
    if against >= most:
        return None
    sentence = (
        "Papers from the archive often share nothing with the project whose code they print: this counts in part only."
    )
    return Evidence("archival", round(against, 2), most - against, sentence)


_FIT = frozenset({"stranger", "pi", "co_is", "team", "targets", "title", "abstract", "observatory", "unknown"})
"""Kinds that say whether paper and project fit; the date is none of them: nothing is printed before its data are taken."""

KINDS: dict[str, Callable[[PaperView, ProjectView, TextView, Rules], Evidence | None]] = {
    "pi": pi,
    "co_is": co_is,
    "team": outsiders,
    "targets": targets,
    "title": title,
    "abstract": abstract,
    "observatory": observatory,
    "dates": dates,
}
"""Kind → the function that finds it; the docstring of each says to a librarian what it means."""


def weigh(paper: PaperView, project: ProjectView, text: TextView, rules: Rules) -> list[Evidence]:
    """All evidence from the records of one pair, in the order of ``KINDS``."""
    found = (look(paper, project, text, rules) for look in KINDS.values())
    return _texts_shared([e for e in found if e is not None], rules)


def _texts_shared(found: list[Evidence], rules: Rules) -> list[Evidence]:
    """Titles and abstracts repeat each other: where both speak in one direction, the weaker counts in part only."""
    both = [i for i, e in enumerate(found) if e.kind in ("title", "abstract")]
    if len(both) == 2 and found[both[0]].contribution * found[both[1]].contribution > 0:
        weaker = min(both, key=lambda i: abs(found[i].contribution))
        share = rules.weight("title.with_abstract")
        found[weaker] = replace(found[weaker], contribution=found[weaker].contribution * share)
    return found


def limit(odds: float, rules: Rules) -> Evidence | None:
    """Beyond some odds, further agreement hardly makes a candidate surer: there is always room for a slip in the records."""
    begins, room = rules.weight("limit.begins"), rules.weight("limit.room")
    if odds <= begins:
        return None
    kept = begins + room * -math.expm1((begins - odds) / room)
    sentence = "So much agrees already that more hardly makes it surer."
    return Evidence("limit", round(odds, 2), kept - odds, sentence)


def is_before_data(evidence: Sequence[Evidence]) -> bool:
    """Whether a paper is a year or more older than the observations and no code is printed: then it stays unlikely."""
    found = {piece.kind: piece.value for piece in evidence}
    return "code" not in found and "dates" in found and float(found["dates"]) <= -1.0


def log_odds(evidence: Sequence[Evidence]) -> float:
    """The sum of the contributions, added exactly so that order does not matter."""
    return math.fsum(e.contribution for e in evidence)
