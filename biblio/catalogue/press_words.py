"""When a preprint is expected in print: what authors say in arXiv's comment, and the days that papers take. Pure.

A comment is read clause by clause. What it says of other papers, of tables and figures, or of what has not happened
("not yet accepted", "until accepted") is no word on this one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from statistics import median

from harvesters.bibtex import JOURNAL_MACROS

LEAST_PAPERS = 20
"""A median of fewer papers is not used: the next wider one is."""

DEFAULT_DAYS: Mapping[str, int] = {"accepted": 53, "submitted": 208, "unsaid": 65}
"""Days until print where the store knows too few papers; means over real records, from the month of the arXiv number to the
middle of the year of print: 435 papers of 2007–2016 posted as "accepted" (± 5), 90 as "submitted to" a journal (± 18),
and 249 of any sort (± 10). Most authors post once they are accepted, hence the last is short."""

LONGEST = 2_000
"""Characters of a comment that are read."""


class Stage(IntEnum):
    """How far a preprint is on its way to print, as its authors say."""

    UNSAID = 0
    SUBMITTED = 1
    ACCEPTED = 2
    PUBLISHED = 3


@dataclass(frozen=True, slots=True)
class Said:
    """What a comment says: how far the paper is, the journal it names (as in ``JOURNALS``), and the words that say so."""

    stage: Stage
    journal: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a preprint: its number and day, and what its comment says."""

    number: int | None
    day: date
    comment: str


@dataclass(frozen=True, slots=True)
class Delay:
    """The median days to print over ``papers`` papers."""

    days: int
    papers: int


@dataclass(frozen=True, slots=True)
class Expected:
    """When a paper is expected in print, and why, in words. ``stage`` and ``journal`` are what its authors say."""

    day: date
    reason: str
    stage: Stage
    journal: str | None = None


_EXTRA = {
    "apj letters": "apjl", "apj lett": "apjl", "apj supplement": "apjs", "apj suppl": "apjs", "apjss": "apjs",
    "a&a": "aap", "a & a": "aap", "astronomy & astrophysics": "aap", "astron. astrophys.": "aap", "aanda": "aap",
    "astronomical journal": "aj", "astrophysical journal": "apj", "ap. j.": "apj", "astrophys. j.": "apj",
    "ap j": "apj", "astrophysical journal letters": "apjl", "astrophysical journal supplement": "apjs",
    "monthly notices": "mnras", "monthly notices of the ras": "mnras", "mnras letters": "mnras", "mnrasl": "mnras",
    "nature": "nat", "new astronomy reviews": "nar", "phys. rev. d": "prd", "phys.rev.d": "prd",
    "phys. rev. lett.": "prl", "planetary science journal": "psj", "rmaa": "rmxaa", "solar phys.": "solphys",
    "publ. astron. soc. japan": "pasj", "ap&ss": "apss", "astrophysics & space science": "apss",
}  # fmt: skip
_TOO_SHORT = ("nat", "nar", "ssr")
"""Macros that are words, or parts of them, in running text."""
_BESIDE = ("Nature Astronomy", "Nature Communications", "Astroparticle Physics", "Classical and Quantum Gravity")
"""Journals without a macro."""


def journal_key(name: str) -> str:
    """Return what two spellings of one journal share: "MNRAS" and its full name have one key."""
    return _KEYS.get(_folded(name), _folded(name))


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold()).replace("&", " and ")
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain).removeprefix("the ").split()).removeprefix("the ")


def _written() -> dict[str, str]:
    """Return every way of writing a journal's name, lower-case, with the name itself."""
    written = {name.casefold(): name for name in (*JOURNAL_MACROS.values(), *_BESIDE)}
    written |= {macro: name for macro, name in JOURNAL_MACROS.items() if macro not in _TOO_SHORT}
    return written | {short: JOURNAL_MACROS[macro] for short, macro in _EXTRA.items()}


_WRITTEN = _written()
_KEYS = {_folded(written): _folded(name) for written, name in _WRITTEN.items()}
JOURNALS: Mapping[str, str] = {_folded(name): name for name in _WRITTEN.values()}
"""Key → name of the journals that are told by their names in comments."""

_NAMES = re.compile(
    r"(?<![\w&])(?:the\s+)?("
    + "|".join(r"[\s~]+".join(map(re.escape, name.split())) for name in sorted(_WRITTEN, key=lambda n: (-len(n), n)))
    + r")(?![\w&])",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;()\n\"]|\.\s|,\s|\s[-–—]+\s|:\s")
_NOT = re.compile(
    r"(?:\b(?:not|never|if|once|until|till|when|after|before|unless|hope\w*|pending|expect\w*|soon|be|being|"
    r"un|fully|pas|nicht|noch|non|n[aã]o|ancora|a[uú]n|todav[ií]a)\b|n't\b)[^.;]{0,25}$",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\b(?:companion|accompanying|et\s+al|previous(?:ly)?|earlier|thesis|proposals?)\b", re.IGNORECASE)
_PARTS = re.compile(
    r"\b(?:figures?|figs?|tables?|catalog(?:ue)?s?|data|spectra|appendi\w+|code|material|supplementary|movies?)\b",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|no)\s+(?:\w+\s+)?(?:figures?|figs?|tables?|appendi\w+)\b", re.IGNORECASE
)
_ABROAD_ACCEPTED = (
    r"\baccept[ée]e?\b|\bsous\s+presse\b|\b[àa]\s+para[îi]tre\b|\bacepta(?:do|da)\b|\ben\s+prensa\b|\baccetta(?:to|ta)\b|"
    r"\bin\s+stampa\b|\baceit[oa]\b|\bno\s+prelo\b|\b(?:akzeptiert|angenommen)\b|\bim\s+druck\b|\bв\s+печат[иь]\b"
)
_ABROAD_SUBMITTED = r"\bsoumise?\b|\b(?:enviad|sometid|submetid|sottomess)[oa]\b|\beingereicht\b"
"""The same in French, Spanish, Italian, Portuguese, German and Russian, as few authors write it."""
_ACCEPTED = re.compile(
    r"\bacc?(?:ep|pe)t(?:ee|e)d\b(?!\s+(?:proposals?|projects?|programmes?|programs?|cycle|observ\w+|telescope|theor\w+|"
    r"models?|values?|paradigm|targets?|(?:as|for)\s+(?:an?\s+)?(?:review|talk|poster|oral|presentation)))"
    r"|\bin[\s-]?(?:press|print)\b|\bin\s+proofs?\b|\bpage\s+proofs?\b|\bproofs\b|\bforthcoming\s+in\b|"
    + _ABROAD_ACCEPTED,
    re.IGNORECASE,
)
_TO_APPEAR = re.compile(
    r"\b(?:to\s+appear|to\s+be\s+(?:published|appeared)|will\s+appear|will\s+be\s+published|scheduled\s+(?:for|to\s+appear))\b",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(
    r"^(?:v\d+[:,]?\s*)?(?:(?:now|already|this|the|paper|article|letter|was|is|has|been|final|version)\s+){0,5}"
    r"published\b(?!\s+(?:data|results|catalog\w*|values|spectr\w+))"
    r"|\bmatch\w*\s+(?:the\s+|its\s+)?(?:\w+\s+)?published\b|\bversion\s+(?:as\s+)?published\b"
    r"|\bas\s+published\s+in\b|\bpublished\s+version\b",
    re.IGNORECASE,
)
_SUBMITTED = re.compile(
    r"\b(?:re-?)?(?:subm+it+ed|sumbitted)\b|"
    + _ABROAD_SUBMITTED
    + r"|\bunder\s+(?:review|consideration)\b|\bin\s+review\b|\bsubmission\s+to\b|\bto\s+be\s+submitted\b",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:then|been|is|was|paper|article|version)\s+(?:withdrawn|retracted)\b(?!\s+(?:from|before)\b)", re.IGNORECASE
)
_LONG_AGO = re.compile(r"\b(?:was|originally|first)\s+submitted\b", re.IGNORECASE)


def read_comment(comment: str | None) -> Said:
    """Return how far a preprint is by arXiv's comment; the furthest clause counts, unless it is taken back after it.

    >>> read_comment("12 pages, 3 figures; accepted for publication in MNRAS").stage.name
    'ACCEPTED'
    """
    plain = unicodedata.normalize("NFKC", (comment or "")[:LONGEST]).replace("\\&", "&").replace("&amp;", "&")
    text = re.sub(r"[^\S\n]+", " ", plain).replace("et al.", "et al")
    clauses = [clause.strip() for clause in _CLAUSE.split(text) if clause and clause.strip()]
    best = Said(Stage.UNSAID)
    for place, clause in enumerate(clauses):
        stage = _stage(clause)
        if _TAKEN_BACK.search(clause) and not _OTHERS.search(clause):
            best = Said(Stage.UNSAID)
        elif stage > best.stage:
            best = Said(stage, _journal(clauses, place), clause[:120])
    return best


def _stage(clause: str) -> Stage:
    if _OTHERS.search(clause):
        return Stage.UNSAID
    is_of_parts = bool(_PARTS.search(_COUNTED.sub("", clause)))
    if _PUBLISHED.search(clause) and not is_of_parts:
        return Stage.PUBLISHED
    for match in _ACCEPTED.finditer(clause):
        if not _NOT.search(clause[: match.start()]):
            return Stage.ACCEPTED
    if _TO_APPEAR.search(clause) and not is_of_parts:
        return Stage.ACCEPTED
    return Stage.SUBMITTED if _SUBMITTED.search(clause) and not _LONG_AGO.search(clause) else Stage.UNSAID


def _journal(clauses: Sequence[str], place: int) -> str | None:
    """The journal named in the clause, else in the one before ("A&A, in press") or after it."""
    for at in (place, place - 1, place + 1):
        if 0 <= at < len(clauses) and (found := _NAMES.search(clauses[at])):
            return JOURNALS[_KEYS[_folded(found[1])]]
    return None


def median_days(days: Sequence[int]) -> Delay | None:
    """Return the median of days to print, of papers that were posted before they were printed; None for too few."""
    told = [one for one in days if one >= 0]
    return Delay(round(median(told)), len(told)) if len(told) >= LEAST_PAPERS else None


def expect(versions: Sequence[Version], submitted_on: date, medians: Mapping[tuple[str, str], Delay]) -> Expected:
    """Return when a preprint is expected in print, and why.

    ``versions`` are those known, the newest last (its comment counts); ``medians`` maps ("submitted" or "accepted",
    key of the journal or "") to what the store knows. Accepted: from the first version that said so; published: that
    day; else from the submission on.
    """
    said = [(version, read_comment(version.comment)) for version in versions]
    now = said[-1][1] if said else Said(Stage.UNSAID)
    first = next((version for version, then in said if then.stage >= min(now.stage, Stage.ACCEPTED)), None)
    where = f" by {now.journal}" if now.journal else ""
    if first is not None and now.stage is Stage.PUBLISHED:
        latest = next(version for version, then in said if then.stage is Stage.PUBLISHED)
        place = f" in {now.journal}" if now.journal else ""
        return Expected(latest.day, f"published{place}, as the comment{_of(latest)} says", now.stage, now.journal)
    if first is not None and now.stage is Stage.ACCEPTED:
        days, ground = _delay("accepted", now.journal, medians, Stage.ACCEPTED)
        reason = f"accepted{where} (comment{_of(first)}, {first.day}) + {days} days, {ground}"
        return Expected(first.day + timedelta(days), reason, now.stage, now.journal)
    days, ground = _delay("submitted", now.journal, medians, now.stage)
    place = f" to {now.journal}" if now.journal and now.stage is Stage.SUBMITTED else ""
    reason = f"submitted{place} {submitted_on} + {days} days, {ground}"
    return Expected(submitted_on + timedelta(days), reason, now.stage, now.journal)


def _of(version: Version) -> str:
    return f" of v{version.number}" if version.number else ""


def _delay(begins: str, journal: str | None, medians: Mapping[tuple[str, str], Delay], stage: Stage) -> tuple[int, str]:
    """The days to add and where they are from: the journal's median, else that of all, else the default."""
    own = medians.get((begins, journal_key(journal))) if journal else None
    if own is not None:
        return own.days, f"median of {own.papers} papers in {journal}"
    every = medians.get((begins, ""))
    if every is not None:
        return every.days, f"median of {every.papers} papers in all journals"
    default = {Stage.ACCEPTED: "accepted", Stage.SUBMITTED: "submitted"}.get(stage, "unsaid")
    return DEFAULT_DAYS[default], "as is usual"
