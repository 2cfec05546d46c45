"""What a campaign found, reckoned for reading: reasons and groups with their intervals, strata, campaigns side by side.

Pure but for ``results_of``; every number comes through ``biblio.store.answers``, which withholds what is about too few.

A campaign asks everybody, so its answers are no sample that somebody drew; what is uncertain is what the silent would
have said. Two answers to that, both shown: the *interval*, as if those who answered were a random draw of those asked
(it shrinks to nothing when all answer), and the *bounds*, which assume nothing: as if all the silent had chosen
something else, or all had chosen just this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import NormalDist

from sqlmodel import Session

from biblio.observatory import Choice
from biblio.store.answers import GROUPS, CampaignAnswers, Part, Rate, Standing, figures_of, groups_of, reasons_of
from biblio.store.models import Campaign
from survey.box.release import release_of

CONFIDENCE = 0.95
"""Of all draws of that size, the share whose interval holds the figure of everybody."""

_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Span:
    """How far a share may be off: from ``low`` to ``high`` by chance, from ``least`` to ``most`` whatever the silent think."""

    low: float
    high: float
    least: float
    most: float


def span(chose: int, answered: int, asked: int) -> Span:
    """Return interval and bounds of the share of all ``asked`` that would choose what ``chose`` of ``answered`` chose.

    The interval is Wilson's (1927) with the number of answers raised by the finite-population correction
    (asked - 1) / (asked - answered), cut at the bounds. Raises ``ValueError`` unless 0 ≤ chose ≤ answered ≤ asked, 0 < answered.
    """
    if not 0 <= chose <= answered <= asked or not answered:
        raise ValueError(f"{chose} of {answered} of {asked} cannot be")
    least, most = chose / asked, (chose + asked - answered) / asked
    if answered == asked:
        return Span(least, most, least, most)
    share, size = chose / answered, answered * (asked - 1) / (asked - answered)
    weight = 1 + _Z**2 / size
    middle = (share + _Z**2 / (2 * size)) / weight
    half = _Z / weight * sqrt(share * (1 - share) / size + _Z**2 / (4 * size**2))
    low, high = min(max(middle - half, least), share), max(min(middle + half, most), share)  # not a hair beyond
    return Span(low, high, least, most)


@dataclass(frozen=True, slots=True)
class Line:
    """One reason, group or choice: how many chose it, their share of the answers, and how far that may be off.

    ``number`` is that of the choice (0 for a group); ``span`` is None where it is not known how many were asked.
    """

    number: int
    label: str
    group: str
    count: int
    share: float
    span: Span | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A further question with choices: its words and how often each was chosen by those who answered."""

    key: str
    text: str
    several: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Stratum:
    """One reported stratum, or several that were merged: both rates, and its reasons and groups."""

    part: Part
    reasons: tuple[Line, ...]
    groups: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """A campaign's results page. ``reasons``, ``groups``, ``asked`` and ``strata`` are empty where there is nothing to show.

    ``counted`` is the number of answers to the status question, of which the shares are; ``sentence`` says what became
    of the ballots, or when there will be something to show.
    """

    figures: CampaignAnswers
    counted: int
    reasons: tuple[Line, ...]
    groups: tuple[Line, ...]
    asked: tuple[Asked, ...]
    strata: tuple[Stratum, ...]
    sentence: str

    @property
    def headline(self) -> str:
        """What was said most often, in a sentence; empty where there is nothing by reason, or no reason leads."""
        most = max((line.count for line in self.reasons), default=0)
        leading = [line.label for line in self.reasons if line.count == most]
        if not most or len(leading) > 2:
            return ""
        each = " each" if len(leading) > 1 else ""
        return f"Said most often: {' and '.join(leading)} ({most} of {self.counted} answers{each})."


def results_of(session: Session, campaign: Campaign, today: date) -> Results:
    """Return the results of a campaign as far as it has any; a sealed one has its invitations and how many answered."""
    figures = figures_of(session, campaign)
    if figures.is_past:
        return reckoned(figures)
    if figures.standing is Standing.SEALED:
        return reckoned(figures, _when(campaign, today))
    return reckoned(figures, release_of(session, campaign).sentence)


def _when(campaign: Campaign, today: date) -> str:
    if campaign.opened_at is None:
        return "Nobody was asked." if campaign.closed_at else "A draft: nobody has been asked yet."
    if campaign.closes_on is not None and campaign.closes_on < today:
        return f"Its last day, {campaign.closes_on}, is over: the next run of the job `survey` opens the ballot box."
    return f"Sealed until {campaign.closes_on} is over: nobody can read an answer before, and neither can we."


def reckoned(figures: CampaignAnswers, release: str = "") -> Results:
    """Return the results that these figures give; ``release`` says what became of the ballots, or will."""
    whole = figures.whole
    return Results(
        figures=figures,
        counted=whole.answers(figures.status),
        reasons=_reasons(figures, whole),
        groups=_groups(figures, whole),
        asked=_asked(figures),
        strata=tuple(Stratum(part, _reasons(figures, part), _groups(figures, part)) for part in figures.strata),
        sentence=_sentence(figures, release),
    )


def _sentence(figures: CampaignAnswers, release: str) -> str:
    match figures.standing:
        case Standing.SEALED:
            return release
        case Standing.WAVES:
            return f"The campaign goes on; this is what was released so far. {release}"
        case Standing.FEW if figures.is_past:
            return (
                f"Taken over from earlier times. Reasons are shown where they come from {figures.minimum} persons or "
                "more; there are none here."
            )
        case Standing.FEW:
            said = (
                "" if figures.destroyed else f"Fewer than {figures.minimum} persons gave an answer that can be read. "
            )
            return f"{said}{release} So there is nothing by reason, here or in any sum."
        case Standing.WHOLE:
            return "Taken over from earlier times, as totals." if figures.is_past else release


def _lines(rows: Iterable[tuple[int, str, str, int]], answered: int, asked: int | None) -> tuple[Line, ...]:
    """Return a line for each (number, label, group, count)."""
    known = asked is not None and 0 < answered <= asked
    return tuple(
        Line(
            number,
            label,
            group,
            count,
            count / answered if answered else 0.0,
            span(count, answered, asked) if known and asked is not None and count <= answered else None,
        )
        for number, label, group, count in rows
    )


def _reasons(figures: CampaignAnswers, part: Part) -> tuple[Line, ...]:
    choices = figures.questionnaire.reasons if figures.questionnaire else ()
    groups = {choice.number: choice.group or "other" for choice in choices}
    rows = [(number, label, groups[number], count) for number, label, count in reasons_of(figures, part)]
    return _lines(rows, part.answers(figures.status), part.projects)


def _groups(figures: CampaignAnswers, part: Part) -> tuple[Line, ...]:
    rows = [(0, GROUPS[key], key, count) for key, count in groups_of(figures, part)]
    return _lines(rows, part.answers(figures.status), part.projects)


def _asked(figures: CampaignAnswers) -> tuple[Asked, ...]:
    """Return the further questions with choices; their shares are of all answers that could be read."""
    answered = figures.whole.answers(figures.status)
    if figures.questionnaire is None or not answered:
        return ()
    found = []
    for question in figures.questionnaire.questions:
        if question.kind == "text" or question.key == figures.status:
            continue
        counts = figures.whole.chosen.get(question.key, {})
        rows = [(c.number, c.short, "", counts.get(c.number, 0)) for c in question.choices]
        lines = _lines(rows, answered, figures.whole.projects)
        found.append(Asked(question.key, question.text, question.kind == "many", lines))
    return tuple(found)


# -- campaigns side by side -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wording:
    """The campaigns that asked in the same words, oldest first, and their reasons side by side.

    ``rows``: each choice with its answers per campaign (None where withheld or not known) and those of all together;
    ``together`` has the rates of the campaigns that are in the sum, None where fewer than two are.
    """

    label: str
    results: tuple[Results, ...]
    rows: tuple[tuple[Choice, tuple[int | None, ...], int], ...]
    together: Part | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All campaigns over the years. Across wordings only the five groups are compared (``groups``): their lines per campaign."""

    results: tuple[Results, ...]
    wordings: tuple[Wording, ...]
    groups: tuple[tuple[str, tuple[Line | None, ...]], ...]


def compared(campaigns: Iterable[CampaignAnswers]) -> Comparison:
    """Put campaigns side by side, oldest first, apart by their wording."""
    results = tuple(
        reckoned(each)
        for each in sorted(campaigns, key=lambda c: (str(c.began_on or c.closed_on or ""), c.campaign_id))
    )
    by_words: dict[object, list[Results]] = {}
    for each in results:
        by_words.setdefault(_words(each.figures), []).append(each)
    names: Counter[str] = Counter()
    wordings = []
    for group in by_words.values():
        version = group[0].figures.version
        names[version] += 1
        wordings.append(_wording(version if names[version] == 1 else f"{version} ({names[version]})", group))
    groups = tuple(
        (name, tuple(next((line for line in each.groups if line.group == key), None) for each in results))
        for key, name in GROUPS.items()
    )
    return Comparison(results, tuple(wordings), groups)


def _words(figures: CampaignAnswers) -> object:
    """What must be the same in two campaigns for their reasons to be counted together."""
    if figures.questionnaire is None:
        return None
    status = figures.questionnaire.status
    return figures.version, status.text, tuple((c.number, c.group, c.text) for c in status.choices)


def _wording(label: str, results: Sequence[Results]) -> Wording:
    questionnaire = results[0].figures.questionnaire
    counts = [{line.number: line.count for line in each.reasons} for each in results]
    rows = tuple(
        (
            choice,
            tuple(each.get(choice.number) for each in counts),
            sum(each.get(choice.number, 0) for each in counts),
        )
        for choice in (questionnaire.reasons if questionnaire else ())
    )
    return Wording(label, tuple(results), rows, _together([each.figures for each in results]))


def _together(campaigns: Sequence[CampaignAnswers]) -> Part | None:
    """Add up the campaigns that show their reasons; those withheld are in no sum, or it would give them away."""
    parts = [each.whole for each in campaigns if each.standing is Standing.WHOLE]
    if len(parts) < 2:
        return None

    def total(number: Callable[[Part], int | None]) -> int | None:
        known = [value for part in parts if (value := number(part)) is not None]
        return sum(known) if len(known) == len(parts) else None

    return Part(
        "together",
        projects=total(lambda p: p.projects),
        persons=total(lambda p: p.persons),
        bounced=total(lambda p: p.bounced),
        completed=total(lambda p: p.completed),
        persons_answered=total(lambda p: p.persons_answered),
    )


def both_rates(part: Part) -> Mapping[str, Rate]:
    """Return the two rates by their names, always both: the one alone says too much or too little."""
    return {
        "Questionnaires completed of those sent": part.questionnaires,
        "Persons with at least one completed of those asked": part.people,
    }
