"""What a campaign would do before it is made: who would be asked, why the others not, and what should make one think."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlmodel import Session

from biblio.garbage import collecting_later
from biblio.observatory import Profile
from biblio.runtime import Runtime
from biblio.store.found import found as found_row
from biblio.store.models import Campaign, Invitation
from survey.asking.due import Standing, due
from survey.asking.rule import Ground
from survey.box.persons import distinct_persons
from survey.box.strata import in_order, stratum_of
from survey.campaign import service
from survey.campaign.letters import Addressee, LetterText, Line, load_texts, render, text_of
from survey.campaign.sending import next_persons, untold
from survey.questionnaire import frozen

FEW_VERIFIED = 0.2
"""Where fewer of a cycle's old projects have a verified paper, the bibliography is not filled rather than the
projects silent: published figures of large observatories are between 50 % and 70 %."""

FEW_PROJECTS = 10
"""Cycles with fewer old projects than this give no warning; their share means nothing."""


@dataclass(frozen=True, slots=True)
class CycleShare:
    """One cycle's projects past their grace, and how many of them have a verified paper."""

    cycle: str
    old: int
    verified: int

    @property
    def share(self) -> float:
        """The share of old projects with a verified paper, 0–1."""
        return self.verified / self.old if self.old else 0.0

    @property
    def is_thin(self) -> bool:
        """Whether so few have one that the bibliography is rather not filled for this cycle."""
        return self.old >= FEW_PROJECTS and self.share < FEW_VERIFIED


@dataclass(frozen=True, slots=True)
class StratumAhead:
    """A stratum that the answers would also be counted by. Too small: it is merged whoever answers."""

    name: str
    projects: int
    persons: int
    is_small: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """Who would be asked on a day, why the others not, and what should make one think before sending.

    ``refusal`` says why no campaign can be made now and what to do; None when one can.
    """

    as_of: date
    standings: Sequence[Standing] = field(repr=False)
    by_ground: Sequence[tuple[Ground | None, int]] = ()
    asked: Sequence[Standing] = field(default=(), repr=False)
    projects: int = 0
    """How many projects would be asked about; ``asked`` may hold the first of them alone."""
    persons: int = 0
    unreachable: Sequence[str] = ()
    cycles: Sequence[CycleShare] = ()
    warnings: Sequence[str] = ()
    refusal: str | None = None
    stratify_by: str | None = None
    strata: Sequence[StratumAhead] = ()
    minimum: int = 0
    """Persons that must have answered before a stratum's answers stand alone."""


def preview(session: Session, runtime: Runtime, as_of: date | None = None, stratify_by: str | None = None) -> Preview:
    """Return what a campaign made now would do, counted also by ``stratify_by``. Nothing is changed."""
    with collecting_later():
        return _looked_ahead(session, runtime, as_of or runtime.clock.today(), stratify_by)


def _looked_ahead(session: Session, runtime: Runtime, day: date, stratify_by: str | None) -> Preview:
    standings = due(session, runtime, day)
    found = service.plan(standings)
    counts = Counter(s.judgement.ground for s in standings)
    asked = [standing for standing, _address in found.asked]
    cycles, persons = _shares(standings), found.persons
    minimum = runtime.settings.survey_minimum_persons
    return Preview(
        as_of=day,
        standings=standings,
        by_ground=[(ground, counts.get(ground, 0)) for ground in (None, *Ground)],
        asked=asked,
        projects=len(asked),
        persons=persons,
        unreachable=found.unreachable,
        cycles=cycles,
        warnings=_warnings({s.cycle for s in asked}, cycles),
        refusal=_refusal(distinct_persons((address, one.pi or "") for one, address in found.asked), persons),
        stratify_by=stratify_by,
        strata=_strata(runtime.profile, stratify_by, found.asked, minimum) if stratify_by else (),
        minimum=minimum,
    )


def _refusal(distinct: int, persons: int) -> str | None:
    """Say why no campaign can be made; ``distinct`` persons are fewer than addresses where one has several."""
    if persons == 0:
        return "No project is due to be asked: there is nobody to write to."
    if distinct < service.SMALLEST_CAMPAIGN:
        return (
            f"Only {distinct} {'person' if distinct == 1 else 'persons'} would be asked; a campaign needs "
            f"{service.SMALLEST_CAMPAIGN}, because among fewer an answer could be guessed. Wait until more projects are due, and "
            "ask them together in the next campaign; projects stay due meanwhile."
        )
    return None


def _strata(profile: Profile, by: str, asked: Sequence[tuple[Standing, str]], minimum: int) -> list[StratumAhead]:
    projects: Counter[str] = Counter()
    persons: dict[str, set[str]] = defaultdict(set)
    names: dict[tuple[str | None, str | None, str | None], str] = {}
    for standing, address in asked:
        key = standing.cycle, standing.category, standing.partner
        if key not in names:
            names[key] = stratum_of(profile, by, cycle=key[0], category=key[1], partner=key[2])
        name = names[key]
        projects[name] += 1
        persons[name].add(address.casefold())
    return [
        StratumAhead(name, projects[name], len(persons[name]), len(persons[name]) < minimum)
        for name in in_order(profile, by, list(projects))
    ]


_AFTER_GRACE = frozenset(tuple(Ground)[tuple(Ground).index(Ground.NOT_SILENT) :])


def _shares(standings: Sequence[Standing]) -> list[CycleShare]:
    old: Counter[str] = Counter()
    verified: Counter[str] = Counter()
    for standing in standings:
        ground = standing.judgement.ground
        if ground is None or ground in _AFTER_GRACE:
            old[standing.cycle or "no cycle"] += 1
            verified[standing.cycle or "no cycle"] += ground is Ground.NOT_SILENT
    return [CycleShare(cycle, old[cycle], verified[cycle]) for cycle in sorted(old)]


def _warnings(asked_cycles: set[str | None], cycles: Sequence[CycleShare]) -> list[str]:
    named = {cycle or "no cycle" for cycle in asked_cycles}
    return [
        f"Cycle {c.cycle}: only {c.verified} of {c.old} projects past their grace have a verified paper. Most projects "
        "publish, so the bibliography is probably not filled for this cycle yet, and many who did publish would be asked."
        for c in cycles
        if c.is_thin and c.cycle in named
    ]


# -- the next batch ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LetterAhead:
    """One letter that the next batch would make, without its links; ``left_out``: (code, why) of what it will not name.

    ``body`` is empty when nothing is left to ask its person about: that letter is stopped as it goes.
    """

    recipient: str
    codes: Sequence[str]
    left_out: Sequence[tuple[str, str]]
    subject: str
    body: str


def next_letters(session: Session, runtime: Runtime, campaign_id: int, batch: int) -> list[LetterAhead]:
    """Return the letters that the next batch would make, judged at this moment as the sender will. Nothing is changed."""
    campaign = found_row(session, Campaign, campaign_id, "campaign")
    persons = untold(session, campaign_id, next_persons(session, campaign_id, batch))
    asked = [row.project_id for rows in persons.values() for row in rows]
    standings = {s.project_id: s for s in due(session, runtime, projects=asked, ignoring=campaign_id)}
    return [_letter_ahead(runtime, campaign, rows, standings) for rows in persons.values()]


def _letter_ahead(
    runtime: Runtime, campaign: Campaign, rows: Sequence[Invitation], standings: dict[int, Standing]
) -> LetterAhead:
    known = [standings[row.project_id] for row in rows if row.project_id in standings]
    asked = sorted((s for s in known if s.is_eligible), key=lambda s: s.code)
    recipient = rows[0].recipient
    subject, body = letter_without_links(runtime, text_of(campaign.letters, "survey_invitation"), recipient, asked)
    left_out = [(s.code, s.judgement.because) for s in known if not s.is_eligible]
    return LetterAhead(recipient, [s.code for s in asked], left_out, subject, body if asked else "")


def sample_letter(runtime: Runtime, ahead: Preview) -> tuple[str, str] | None:
    """Return subject and body of the letter to the first person who would be asked; None when nobody would be."""
    if not ahead.asked:
        return None
    first = (ahead.asked[0].email or "").strip().casefold()
    theirs = [standing for standing in ahead.asked if (standing.email or "").strip().casefold() == first]
    text = text_of(load_texts(runtime.profile), "survey_invitation")
    return letter_without_links(runtime, text, "(name)", theirs)


def name_refused(name: str) -> str | None:
    """Return why a campaign cannot be called so; None when it can, as far as the name alone tells."""
    if any(unicodedata.category(sign) in _NO_NAME and not sign.isspace() for sign in name):
        return "The name holds signs that cannot be seen. Write it anew, with letters, figures and blanks."
    if not name.strip() or len(" ".join(name.split())) > service.NAME_MAX:
        return f"Give the campaign a name of at most {service.NAME_MAX} characters, such as the month it starts."
    return None


_NO_NAME = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Kinds of signs that no name holds: control signs, unseen ones, what is no character at all."""


def letter_without_links(
    runtime: Runtime, text: LetterText, recipient: str, asked: Sequence[Standing]
) -> tuple[str, str]:
    """Return subject and body of a letter as it would read, with "…" where its links will stand."""
    base = runtime.settings.base_url
    lines = [Line(s.code, s.title, f"{base}/survey/…") for s in asked]
    ends = runtime.clock.today() + timedelta(weeks=runtime.profile.asking.open_weeks)
    return render(runtime.profile, text, Addressee(recipient, lines, f"{base}/survey/…/stop", ends, base))


@dataclass(frozen=True, slots=True)
class Wording:
    """Which wording a campaign has, and whether the profile's differs; ``is_frozen`` from its opening on."""

    version: str
    now: str
    differs: bool
    is_frozen: bool


def wording_of(runtime: Runtime, campaign: Campaign) -> Wording:
    """Compare a campaign's questionnaire and letters with those that the profile has now."""
    now = frozen(runtime.profile)
    return Wording(
        version=str(campaign.questionnaire.get("version", "")),
        now=str(now["version"]),
        differs=campaign.questionnaire != now or campaign.letters != load_texts(runtime.profile),
        is_frozen=campaign.opened_at is not None,
    )


def reminder_days(runtime: Runtime, campaign: Campaign) -> list[date]:
    """Return the days on which those whose letter left on the first day are reminded, while the campaign is open.

    Of one that was ended early: the days before its end.
    """
    if campaign.opened_at is None:
        return []
    first = campaign.opened_at.date()
    days = [first + timedelta(days=after) for after in sorted(runtime.profile.asking.reminder_days)]
    ended = campaign.closed_at.date() if campaign.closed_at is not None else date.max
    return [day for day in days if day < ended and (campaign.closes_on is None or day <= campaign.closes_on)]
