"""Which journals the observatory monitors, and who suggests others: the only writer of journals.

One rule says when two names are of one journal (``journal_key``): "ApJ", "Astrophys. J." and "The Astrophysical
Journal" are. The profile's journals are monitored until a person says otherwise; every change is a row with a reason.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache, lru_cache

from anyascii import anyascii
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.journal_names import JOURNALS
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.observatory import Profile
from biblio.store.found import found
from biblio.store.models import AuditEntry, Journal, JournalCoverage, JournalSuggestion, JournalWatch
from biblio.store.words import SuggestionOrigin, SuggestionState

NAME_MAX = 120
"""Characters of a journal's name; the longest that ADS has a paper of ours in has 74."""

REASON_MAX = 500

_WORDS_MAX = 14
_JOINING = frozenset(("the", "and", "of", "in", "for"))
_WORD = re.compile(r"[a-z0-9]+")

_PLAIN_NAME = re.compile(r"[^\W\d_]+(?:[ &,.:'’()–-]+[^\W\d_]+)*[.)]?")
"""Letters, and the signs that stand between words of a name."""

_OF_JOURNALS = re.compile(
    r"\b(?:acta|advances|annal|archiv|astro|atmospher|bulletin|chemi|communications|cosmolog|earth|galax|geo|icarus|"
    r"instrument|journal|letters|magazine|meteorit|monthly|nachrichten|nature|notices|observat|physic|planet|plasma|"
    r"proceedings|publications|radio|reports|research|review|revista|scien|solar|space|spectr|transactions|univers|"
    r"zeitschrift)",
    re.IGNORECASE,
)
"""Beginnings of words of which a journal's name has one: a person's name has none."""


_WORDS_OF_NAMES = frozenset(
    """
    a acta advances africa african american analysis and annals annual applied applications archiv archive archives
    asia asian asteroid asteroids astro astrobiology astrochemistry astrodynamics astroinformatics astrometry
    astronautics astronomical astronomica astronomicae astronomical astronomicheskii astronomie astronomische
    astronomy astroparticle astrophysical astrophysics astrophysik atmosphere atmospheres atmospheric atomic atoms australia
    australian astronomia atti b baltic board brazilian british bulletin c canadian celestial central chemical
    chemistry chile china chinese classical climate comets communications comptes computational computers computing
    contributions cosmic cosmochemistry cosmology current d data de del della der des detectors di dynamics e earth
    education electronic energy engineering environments europe european evolution exoplanet exoplanets experimental
    exploration express far fields fluid fluids frontiers fur fundamental galactic galaxies galaxy general
    geochemistry geophysical geophysics geosciences german gravitation gravity helio heliophysics high history icarus
    il impact in india indian infrared instrumentation instruments interstellar international ionosphere italian italiana
    japan japanese journal kinematics korean la laboratory las latin le letters life light lunar magazine magnetic
    magnetism magnetohydrodynamics mass mathematical matter measurement mechanics media medium memoirs memorie meteoritics
    meteors methods mexicana microwave millimeter millimetre missions modelling models modern molecular molecules
    monographs monthly moon nachrichten natural nature new nonlinear northern notes notices nova nuclear nuclei
    nuovo observational observations observatories observatory occultation of on open optical optics origins orbit
    pacific particle particles philosophical photonics physica physical physics physik planet planetary planetology planets
    plasma plasmas plus polish proceedings progress publication publications quantum quarterly radiation radiative
    radio record relativity remote report reports research results review reviews revista revue royal russian satellites
    science sciences scientific sensing series serbian sky small society solar south southern soviet space spectra spectroscopic
    spectroscopy spectroscopy star stars stellar structure studies sun supernovae supplement survey surveys symposium
    system systems techniques technology telescope telescopes terahertz terrestrial the theoretical theory today topics
    transactions transfer transient universe und variable vistas von wave waves world x y z zeitschrift
    """.split()  # noqa: SIM905 - words read better so than as three hundred literals
)
"""Words that names of journals are made of: sciences, their objects, kinds of publication, languages, joining words.

Written by hand for this purpose; none of them is a person's or an institute's name.
"""


class Told(StrEnum):
    """What became of a suggested journal."""

    NEW = "new"
    AGAIN = "again"
    MONITORED = "monitored"
    REFUSED = "refused"
    NO_NAME = "no name"


@dataclass(frozen=True, slots=True)
class Monitored:
    """A journal that is monitored. ``since`` and ``watch_id`` are None where nobody ever touched what the profile says."""

    key: str
    name: str
    since: datetime | None = None
    watch_id: int | None = None
    by_profile: bool = True


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a suggestion came to, with its row where there is one."""

    told: Told
    row: JournalSuggestion | None = None


# -- names ------------------------------------------------------------------------------------------------------------


def _folded(name: str) -> str:
    """Return a name in small letters without accents, signs and joining words."""
    words = _WORD.findall(anyascii(name.replace("&", " and ")).lower())
    kept = [word for word in words if word not in _JOINING]
    return "".join(kept or words)[:255]


@cache
def _known() -> Mapping[str, tuple[str, str]]:
    """Return folded spelling → (full name, bibstem) of the journals of the field."""
    return {
        _folded(spelling): (name, bibstem)
        for name, (bibstem, others) in JOURNALS.items()
        for spelling in (name, bibstem, *others)
    }


@lru_cache(maxsize=8192)
def full_name(written: str) -> str:
    """Return the full name of a journal of the field, however it is written; any other name in one line."""
    plain = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in written).split())
    found = _known().get(_folded(plain))
    return found[0] if found else plain[:NAME_MAX].strip()


@lru_cache(maxsize=8192)
def journal_key(written: str) -> str:
    """Return what two names have in common exactly when they are of one journal; "" for what is no name."""
    return _folded(full_name(written))


def bibstem_of(name: str) -> str | None:
    """Return ADS's bibstem of a journal of the field."""
    found = _known().get(_folded(name))
    return found[1] if found else None


def name_in_answer(text: str) -> str | None:
    """Return the journal that an anonymous answer names, or None where the text may say more than a journal's name.

    A journal of the field is given by its own full name, not in the writer's words. Another name is taken only where
    every word of it is one that names of journals are made of (``_WORDS_OF_NAMES``), and one of them is a word that
    journals have: so no person, place, project or remark can pass. What does not pass stays with the answers.
    """
    plain = " ".join(text.split())
    found = _known().get(_folded(plain)) if len(plain) <= NAME_MAX else None
    if found is not None:
        return found[0]
    if len(plain) > NAME_MAX or len(plain.split()) > _WORDS_MAX or not _PLAIN_NAME.fullmatch(plain):
        return None
    words = re.findall(r"[^\W_]+", anyascii(plain.replace("&", " and ")).lower())
    if not words or any(word not in _WORDS_OF_NAMES for word in words):
        return None
    return full_name(plain) if _OF_JOURNALS.search(plain) else None


# -- what is monitored ------------------------------------------------------------------------------------------------


def monitored(session: Session, profile: Profile) -> dict[str, Monitored]:
    """Return the journals that are monitored now, by key: the profile's and people's, less those that people ended."""
    rows = session.execute(
        select(JournalWatch, Journal)
        .join(Journal, col(Journal.id) == col(JournalWatch.journal_id))
        .order_by(col(JournalWatch.id))
    ).all()
    touched = {journal.folded for _, journal in rows}
    found = {
        key: Monitored(key, full_name(name)) for name in profile.journals if (key := journal_key(name)) not in touched
    }
    for watch, journal in rows:
        if watch.ended_at is None:
            by_profile = watch.made_by_id is None
            found[journal.folded] = Monitored(journal.folded, journal.name, watch.made_at, watch.id, by_profile)
    return found


def begin(
    session: Session, actor: Actor, profile: Profile, name: str, *, reason: str, now: datetime
) -> tuple[Journal, JournalWatch]:
    """Monitor a journal from now on. Raises ``RequestRefused`` for no name or no reason, ``Stale`` where it is already."""
    person, words = actor.person_id(), _reason(reason)
    key = _name_key(name)
    if key in monitored(session, profile):
        raise Stale(f"{full_name(name)} is monitored already.")
    journal = _journal(session, name, now)
    watch = JournalWatch(journal_id=_id(journal), reason=words, made_by_id=person, made_at=now)
    session.add(watch)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else began to monitor this journal at the same moment.") from error
    return journal, watch


def end(session: Session, actor: Actor, profile: Profile, name: str, *, reason: str, now: datetime) -> JournalWatch:
    """Cease to monitor a journal. Raises ``RequestRefused`` without a reason, ``Stale`` where it is not monitored."""
    person, words = actor.person_id(), _reason(reason)
    there = monitored(session, profile).get(_name_key(name))
    if there is None:
        raise Stale(f"{full_name(name)} is not monitored, or somebody ended it meanwhile.")
    watch = session.get(JournalWatch, there.watch_id) if there.watch_id else None
    if watch is None:  # it stands in the profile, and nobody touched it before
        journal = _journal(session, name, now)
        watch = JournalWatch(journal_id=_id(journal), reason="It stands in the profile.", made_at=now)
    watch.ended_at, watch.ended_by_id, watch.ended_reason = now, person, words
    session.add(watch)
    session.flush()
    return watch


def take_back(session: Session, actor: Actor, watch_id: int, *, ended: bool | None = None, now: datetime) -> str:
    """Take the last change of a journal back; both stay in its history. Return the journal's name.

    ``ended`` says which change was seen, that it is no longer monitored or that it is (None: whichever was the last).
    Raises ``NotFound`` for an unknown change, ``Stale`` where somebody changed the journal since.
    """
    person = actor.person_id()
    watch = session.get(JournalWatch, watch_id, with_for_update=True)
    journal = session.get(Journal, watch.journal_id) if watch else None
    if watch is None or journal is None:
        raise NotFound(f"There is no change number {watch_id} of a journal.")
    last = session.exec(
        select(JournalWatch).where(col(JournalWatch.journal_id) == journal.id).order_by(col(JournalWatch.id).desc())
    ).first()
    if last is None or last.id != watch.id or ended not in (None, watch.ended_at is not None):
        raise Stale(f"Somebody changed whether {journal.name} is monitored since; look at its history.")
    if watch.ended_at is None:
        watch.ended_at, watch.ended_by_id, watch.ended_reason = now, person, "Taken back."
        session.add(watch)
    else:
        session.add(JournalWatch(journal_id=_id(journal), reason="Taken back.", made_by_id=person, made_at=now))
    session.flush()
    return journal.name


def _journal(session: Session, name: str, now: datetime) -> Journal:
    key = _name_key(name)
    journal = session.exec(select(Journal).where(col(Journal.folded) == key)).first()
    if journal is None:
        journal = Journal(name=full_name(name), folded=key, first_seen_at=now)
        session.add(journal)
        session.flush()
    return journal


def _id(journal: Journal) -> int:
    assert journal.id is not None
    return journal.id


def _name_key(name: str) -> str:
    key = journal_key(name)
    if not key:
        raise RequestRefused("Type the journal's name.")
    return key


def _reason(reason: str) -> str:
    words = " ".join(reason.split())[:REASON_MAX]
    if not words:
        raise RequestRefused("Say why: others read it in the journal's history.")
    return words


# -- suggestions ------------------------------------------------------------------------------------------------------


def suggest_journal(
    session: Session,
    profile: Profile,
    name: str,
    origin: SuggestionOrigin,
    *,
    now: datetime,
    times: int = 1,
) -> Suggested:
    """Suggest to monitor a journal; only its name is kept. Raises nothing for a text that is no name.

    One that is monitored, or that a person refused, is not suggested again; one that waits counts once more (papers
    are counted anew each time, so ``times`` replaces what was counted).
    """
    key = journal_key(name)
    if not key:
        return Suggested(Told.NO_NAME)
    if key in monitored(session, profile):
        return Suggested(Told.MONITORED)
    rows = session.exec(
        select(JournalSuggestion).where(col(JournalSuggestion.folded) == key).order_by(col(JournalSuggestion.id).desc())
    ).all()
    if rows and rows[0].state is SuggestionState.WAITING:
        _count_again(rows[0], origin, times)
        session.add(rows[0])
        session.flush()
        return Suggested(Told.AGAIN, rows[0])
    if rows and rows[0].state is SuggestionState.REFUSED:
        return Suggested(Told.REFUSED, rows[0])
    row = JournalSuggestion(
        name=full_name(name),
        folded=key,
        origin=origin,
        times=times,
        made_at=now,
        state=SuggestionState.WAITING,
    )
    return _added(session, row)


def _count_again(row: JournalSuggestion, origin: SuggestionOrigin, times: int) -> None:
    """Count a suggestion that waits once more: people's wishes add up, papers are counted anew."""
    papers = SuggestionOrigin.PAPERS
    if row.origin is papers and origin is not papers:  # people's wish says more than papers that were found
        row.origin, row.times = origin, times
    elif origin is papers:
        row.times = times if row.origin is papers else row.times
    else:
        row.times += times


def _added(session: Session, row: JournalSuggestion) -> Suggested:
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:  # somebody suggested it at the same moment
        return Suggested(Told.AGAIN)
    return Suggested(Told.NEW, row)


def accept_suggestion(
    session: Session, actor: Actor, profile: Profile, suggestion_id: int, *, reason: str, now: datetime
) -> JournalSuggestion:
    """Monitor a suggested journal. Raises as ``begin`` does, ``Stale`` where somebody answered it meanwhile."""
    row = _waiting(session, suggestion_id)
    journal, _ = begin(session, actor, profile, row.name, reason=reason, now=now)
    row.journal_id = journal.id
    return _answered(session, actor, row, SuggestionState.ACCEPTED, reason, now)


def refuse_suggestion(
    session: Session, actor: Actor, suggestion_id: int, *, reason: str, now: datetime
) -> JournalSuggestion:
    """Refuse a suggested journal; it does not come back unless a person reopens it. Raises as ``accept_suggestion``."""
    row = _waiting(session, suggestion_id)
    return _answered(session, actor, row, SuggestionState.REFUSED, reason, now)


def reopen_suggestion(
    session: Session, actor: Actor, profile: Profile, suggestion_id: int, *, now: datetime
) -> JournalSuggestion:
    """Let an answered suggestion wait again; of an accepted one the journal is no longer monitored.

    Raises ``NotFound``, or ``Stale`` where it waits already or somebody changed the journal since.
    """
    person = actor.person_id()
    row = _locked(session, suggestion_id)
    if row.state is SuggestionState.WAITING:
        raise Stale("This suggestion waits already.")
    if row.state is SuggestionState.ACCEPTED:
        there = monitored(session, profile).get(row.folded)
        if there is None or there.watch_id is None or there.since != row.handled_at:
            raise Stale("Somebody changed whether this journal is monitored since; change it there.")
        take_back(session, actor, there.watch_id, now=now)
    before = {"state": row.state.value, "reason": row.reason, "by": row.handled_by_id, "name": row.name}
    session.add(
        AuditEntry(
            made_at=now,
            actor_id=person,
            action="journal.reopen",
            subject=f"journal suggestion {suggestion_id}",
            details=before,
        )
    )
    row.state, row.journal_id = SuggestionState.WAITING, None
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("The same journal was suggested again meanwhile; answer that suggestion.") from error
    return row


def _locked(session: Session, suggestion_id: int) -> JournalSuggestion:
    return found(session, JournalSuggestion, suggestion_id, "suggestion", to_change=True)


def _waiting(session: Session, suggestion_id: int) -> JournalSuggestion:
    row = _locked(session, suggestion_id)
    if row.state is not SuggestionState.WAITING:
        raise Stale(f"Somebody else answered this suggestion meanwhile: it is {row.state.value}.", current=row)
    return row


def _answered(
    session: Session,
    actor: Actor,
    row: JournalSuggestion,
    state: SuggestionState,
    reason: str,
    now: datetime,
) -> JournalSuggestion:
    row.state, row.reason = state, _reason(reason)
    row.handled_by_id, row.handled_at = actor.person_id(), now
    session.add(row)
    session.flush()
    return row


# -- how far they are complete ----------------------------------------------------------------------------------------


def complete_until(missing: Mapping[int, int | None], years: Iterable[int], counted_on: date) -> date | None:
    """Return the day up to which nothing is missing: ``missing`` by year, None for a year that was not counted.

    ``years`` are all that are asked for, ascending; the last of them is still running.
    """
    until = None
    for year in years:
        if missing.get(year) is None or missing[year]:
            break
        until = min(date(year, 12, 31), counted_on)
    return until


def note_coverage(session: Session, found: Iterable[tuple[str, date | None, int]], now: datetime) -> None:
    """Keep for each bibstem until when it is complete and how many papers are missing, in place of what was known."""
    known = {row.bibstem: row for row in session.exec(select(JournalCoverage))}
    seen = set()
    for bibstem, until, missing in found:
        row = known.get(bibstem) or JournalCoverage(bibstem=bibstem, counted_at=now)
        row.complete_until, row.missing, row.counted_at = until, missing, now
        session.add(row)
        seen.add(bibstem)
    for bibstem, row in known.items():
        if bibstem not in seen:
            session.delete(row)
    session.flush()
