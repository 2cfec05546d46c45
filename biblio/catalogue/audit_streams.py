"""Which acts the audit log reads, and where each is kept: one stream for each kind of act of each history.

Nothing is copied: the histories are append-only themselves (a row ends, it is not overwritten), so a table gives one
stream of what began and, where somebody ends its rows, one of what ended. ``judges``: what the act says must not be seen
while a second reader has yet to judge the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col

from biblio.catalogue.links import RELATION_WITHDRAWN
from biblio.store.models import (
    AuditEntry,
    Claim,
    ComparisonAside,
    ComparisonList,
    Contact,
    ContactEvent,
    Decision,
    Escalation,
    JobRun,
    JournalSuggestion,
    JournalWatch,
    LibraryAssignment,
    LibraryRule,
    MergeProposal,
    OutboxMail,
    PaperCorrection,
    PaperMerge,
    PaperNote,
    PaperRelation,
    PaperReport,
    PaperTag,
    SecondReading,
    SecondReadingPause,
    SurveyExclusion,
    WantedPaper,
)
from biblio.store.words import ClaimEnd, SuggestionState, Trigger, Verdict

Details = tuple[tuple[str, str], ...]
"""Names and values that an act carries besides, for the page and the export."""

IMPORTS = ("import", "harvest", "resweep", "refresh", "reparse", "add")
"""Jobs that bring papers or projects in."""


class Kind(StrEnum):
    """What sort of act an entry of the log is."""

    DECISION = "decision"
    MERGE = "merge"
    EDIT = "edit"
    SHARING = "sharing"
    MAIL = "mail"
    IMPORT = "import"
    JOB = "job"
    JOURNAL = "journal"
    COMPARISON = "comparison"
    REPORTED = "reported"
    ACCOUNT = "account"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The kind as pages name it."""
        return _LABELS[self]


_LABELS = {
    Kind.DECISION: "decisions",
    Kind.MERGE: "merges of papers",
    Kind.EDIT: "corrections, notes, tags",
    Kind.SHARING: "who does what",
    Kind.MAIL: "letters",
    Kind.IMPORT: "harvests and imports",
    Kind.JOB: "jobs",
    Kind.JOURNAL: "journals",
    Kind.COMPARISON: "compared lists",
    Kind.REPORTED: "papers asked for or reported",
    Kind.ACCOUNT: "log-ins and accounts",
    Kind.OTHER: "other settings",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What an act says: what was done, in words that follow a name; the reason given; and what else is known of it."""

    what: str
    reason: str = ""
    details: Details = ()


@dataclass(frozen=True)
class Stream:
    """The acts that one table keeps in one column of moments. Columns are of ``model``; ``where`` says which rows count."""

    name: str
    kind: Kind
    model: type[SQLModel]
    at: Any
    tell: Callable[[Any], Told]
    actor: Any = None
    paper: Any = None
    project: Any = None
    words: tuple[Any, ...] = ()
    where: tuple[Any, ...] = ()
    judges: bool = False
    masked: str = "judged the paper"
    """What is told of it while it must not be seen."""
    nobody: str = "biblio"
    """Who acted where no account did: the machine."""
    kinds: tuple[tuple[Kind, Any], ...] = ()
    """Where one table keeps acts of several kinds: the condition of each. Else all are of ``kind``."""
    kind_of: Callable[[Any], Kind] | None = None
    join: tuple[Any, Any] | None = field(default=None)
    """A further table and the condition to join it by, where ``paper`` is not the row's own column."""


_VERDICTS = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNSURE: "was unsure about"}


def _plain(value: Any) -> str:
    """Return a stored value as one text."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one) for one in value)
    return "" if value is None else str(value)


def _details(**given: Any) -> Details:
    return tuple(
        (name.replace("_", " "), _plain(value)) for name, value in given.items() if value not in (None, "", {})
    )


def _decision(row: Decision) -> Told:
    relation = row.relation.value.replace("_", " ") if row.relation else None
    if row.undoes_id is not None:
        back = f", {_VERDICTS[row.verdict]} again" if row.verdict else ""
        return Told(f"took back decision {row.undoes_id}{back}", details=_details(takes_back=row.undoes_id))
    what = _VERDICTS[row.verdict] if row.verdict else "took back every verdict"
    return Told(what, row.reason, _details(relation=relation))


def _relation(row: PaperRelation) -> Told:
    return Told(f"judged how the paper relates: {row.relation.value.replace('_', ' ')}", row.reason)


def _answered(row: MergeProposal) -> Told:
    words = {Verdict.ACCEPT: "one", Verdict.REJECT: "two", Verdict.UNSURE: "perhaps one"}
    said = words[row.verdict] if row.verdict else "open again"
    return Told(f"said of papers {row.paper_id} and {row.twin_id}: {said}", _plain(row.reasons))


def _claimed(row: Claim) -> Told:
    if row.given_by_id is not None:
        return Told("handed the paper over", row.note, _details(to_person=row.holder_id))
    return Told("claimed the paper")


def _claim_ended(row: Claim) -> Told:
    words = {
        ClaimEnd.RELEASED: "released the paper",
        ClaimEnd.DECIDED: "ended the claim by deciding",
        ClaimEnd.LAPSED: "let the claim lapse",
        ClaimEnd.HANDED_OVER: "ended the claim by handing over",
    }
    return Told(words[row.end] if row.end else "ended the claim", details=_details(holder=row.holder_id))


def _rule(row: LibraryRule) -> str:
    of = [f"of {row.journal}" if row.journal else "", f"from {row.source}" if row.source else ""]
    return f"papers {' '.join(part for part in of if part) or 'of all kinds'} go to {row.library}"


def _second(row: SecondReading) -> Told:
    if row.verdict is None:
        return Told("ended a second reading without a verdict", details=_details(decision=row.decision_id))
    relation = row.relation.value.replace("_", " ") if row.relation else None
    what = f"as second reader {_VERDICTS[row.verdict]}"
    return Told(what, row.reason, _details(decision=row.decision_id, relation=relation, agrees=row.agrees))


def _suggestion(row: JournalSuggestion) -> Told:
    return Told(f"{row.state.value} the suggestion to monitor {row.name}", row.reason)


def _letter(row: OutboxMail) -> Told:
    return Told(f"letter {row.id} was written: {row.kind.replace('_', ' ')}", details=_details(subject=row.subject))


def _sent(row: OutboxMail) -> Told:
    return Told(f"letter {row.id} left: {row.kind.replace('_', ' ')}", details=_details(subject=row.subject))


def _run(row: JobRun) -> Told:
    began = "started the job" if row.started_by is Trigger.HAND else "the schedule started the job"
    counts = {name: value for name, value in (row.counts or {}).items() if name != "notes"}
    given = _details(outcome=row.outcome.value, arguments=row.arguments, counts=counts, version=row.version)
    return Told(f"{began} {row.job}", row.error or "", given)


def _entry(row: AuditEntry) -> Told:
    kept = {name: value for name, value in row.details.items() if name != "by"}
    details = _of_a_letter(kept) if row.action.startswith("mail ") else _details(**kept)
    return Told(f"{_ENTRY_WORDS.get(row.action, row.action)}: {row.subject}", details=details)


def _of_a_letter(kept: Mapping[str, Any]) -> Details:
    """Return how a letter, or what was known of its address, stood before; which letter it was is told already."""
    before = kept.get("before")
    if not isinstance(before, dict):
        return ()
    if "state" not in before:
        return _details(it_was_called_before=sorted({outcome or "nothing yet" for outcome in before.values()}))
    return _details(it_was=before["state"], attempts=before.get("attempts") or None, because=before.get("reason"))


def _wanted(row: WantedPaper) -> Told:
    asked = f"asked for {row.scheme.value} {row.identifier}"
    return Told(asked, row.words, _details(state=row.state.value, tries=row.tries))


def _report(row: PaperReport) -> Told:
    asked = f"reported {row.scheme.value} {row.identifier} for {row.project_code}"
    return Told(asked, row.note, _details(state=row.state.value))


@cache
def streams() -> tuple[Stream, ...]:
    """Return every stream of the log. Their order settles which of two acts at one moment is told first."""
    return (*_of_accounts(), *_of_papers(), *_of_sharing(), *_of_lists(), *_of_mail(), *_of_decisions())


_ENTRIES = {"account.": Kind.ACCOUNT, "login": Kind.ACCOUNT, "mail ": Kind.MAIL, "journal.": Kind.JOURNAL,
            "reported_paper.": Kind.REPORTED}  # fmt: skip
"""How the actions of audit entries begin, with the kind of act that they are; all others are settings."""


_ENTRY_WORDS = {
    "login": "logged in",
    "login.refused": "was refused at the log-in",
    "account.logged_out": "logged out",
    "account.added": "added the account",
    "account.role": "changed the role of",
    "account.deactivated": "closed the account",
    "account.reactivated": "opened the account again",
    "account.password": "changed the password of",
    "account.address": "changed the e-mail address of",
    "account.digest": "chose about the daily mail of",
    "mail resend": "let a letter wait again",
    "mail give up": "gave a letter up",
    "mail arrived": "found that a letter had left",
    "mail undo": "took back what was decided of a letter",
    "mail address dead": "said that the address does not work of",
    "mail address works": "said that the address works of",
    "mail address word taken back": "took back what was said of the address of",
    "journal.reopen": "opened the suggestion of a journal again",
    "reported_paper.handled": "answered the report of",
    "harvest.set_aside": "set a part of the harvest aside",
    "harvest.set_aside_taken_back": "no longer sets a part of the harvest aside",
    "report.frozen": "froze the report as",
    "ranking.chosen": "chose what ranks candidates",
    "compare.import": "imported",
    "compare.import_undone": "took the import back of",
}
"""What an action that is kept as an audit entry is called in the log; others stand there as they are kept."""


def _entry_kind(row: AuditEntry) -> Kind:
    found = (kind for begins, kind in _ENTRIES.items() if row.action.startswith(begins))
    return next(found, Kind.OTHER)


def _entry_kinds() -> tuple[tuple[Kind, Any], ...]:
    action = col(AuditEntry.action)
    begins = {begin: action.startswith(begin) for begin in _ENTRIES}
    kinds = {kind: sa.or_(*(begins[b] for b, k in _ENTRIES.items() if k is kind)) for kind in set(_ENTRIES.values())}
    return (*kinds.items(), (Kind.OTHER, sa.and_(*(~condition for condition in begins.values()))))


def _of_accounts() -> tuple[Stream, ...]:
    entry, run = AuditEntry, JobRun
    texts = (col(entry.action), col(entry.subject), sa.cast(col(entry.details), sa.Text))
    is_relation = sa.literal(RELATION_WITHDRAWN) == col(entry.action)
    is_pause = col(entry.action).startswith("second_reading.")  # older entries of what ``SecondReadingPause`` tells
    is_import = col(run.job).in_(IMPORTS)
    return (
        Stream("entry", Kind.OTHER, entry, col(entry.made_at), _entry, col(entry.actor_id), words=texts,
               where=(~is_relation, ~is_pause), kinds=_entry_kinds(), kind_of=_entry_kind),
        Stream("relation-ended", Kind.DECISION, entry, col(entry.made_at),
               lambda r: Told("took back how the paper relates", details=_details(was=r.details.get("relation"))),
               col(entry.actor_id), col(entry.details)["paper"].as_integer(), words=texts, where=(is_relation,),
               judges=True),
        Stream("job", Kind.JOB, run, col(run.started_at), _run, col(run.actor_id), words=(col(run.job), col(run.error)),
               kinds=((Kind.IMPORT, is_import), (Kind.JOB, ~is_import)),
               kind_of=lambda r: Kind.IMPORT if r.job in IMPORTS else Kind.JOB),
    )  # fmt: skip


def _of_papers() -> tuple[Stream, ...]:
    merge, twin, corr, note, tag = PaperMerge, MergeProposal, PaperCorrection, PaperNote, PaperTag
    wish, report = WantedPaper, PaperReport
    return (
        Stream("merge", Kind.MERGE, merge, col(merge.made_at),
               lambda r: Told(f"made paper {r.merged_id} one with paper {r.kept_id}", r.reason),
               col(merge.actor_id), col(merge.kept_id), words=(col(merge.reason),)),
        Stream("split", Kind.MERGE, merge, col(merge.undone_at),
               lambda r: Told(f"made two papers of {r.kept_id} and {r.merged_id} again"),
               col(merge.undone_by_id), col(merge.kept_id)),
        Stream("twins", Kind.MERGE, twin, col(twin.decided_at), _answered, col(twin.actor_id), col(twin.paper_id)),
        Stream("correction", Kind.EDIT, corr, col(corr.made_at),
               lambda r: Told(f"corrected the {r.field.replace('_', ' ')}", details=_details(value=r.value)),
               col(corr.actor_id), col(corr.paper_id), words=(col(corr.field), sa.cast(col(corr.value), sa.Text))),
        Stream("correction-ended", Kind.EDIT, corr, col(corr.withdrawn_at),
               lambda r: Told(f"took back the correction of the {r.field.replace('_', ' ')}"),
               col(corr.withdrawn_by_id), col(corr.paper_id), words=(col(corr.field), sa.cast(col(corr.value), sa.Text))),
        Stream("note", Kind.EDIT, note, col(note.made_at), lambda r: Told("noted", r.text),
               col(note.actor_id), col(note.paper_id), words=(col(note.text),), judges=True, masked="noted something"),
        Stream("note-ended", Kind.EDIT, note, col(note.removed_at), lambda r: Told("took away a note", r.text),
               col(note.removed_by_id), col(note.paper_id), words=(col(note.text),), judges=True,
               masked="took away a note"),
        Stream("tag", Kind.EDIT, tag, col(tag.made_at), lambda r: Told(f"tagged the paper “{r.tag}”"),
               col(tag.actor_id), col(tag.paper_id), words=(col(tag.tag),), judges=True, masked="tagged the paper"),
        Stream("tag-ended", Kind.EDIT, tag, col(tag.removed_at), lambda r: Told(f"took away the tag “{r.tag}”"),
               col(tag.removed_by_id), col(tag.paper_id), words=(col(tag.tag),), judges=True, masked="took away a tag"),
        Stream("wanted", Kind.REPORTED, wish, col(wish.asked_at), _wanted, col(wish.asked_by_id), col(wish.paper_id),
               words=(col(wish.identifier), col(wish.words))),
        Stream("wanted-dropped", Kind.REPORTED, wish, col(wish.ended_at),
               lambda r: Told(f"gave up {r.scheme.value} {r.identifier}"), col(wish.ended_by_id), col(wish.paper_id),
               words=(col(wish.identifier),), where=(col(wish.ended_by_id).is_not(None),)),
        Stream("reported", Kind.REPORTED, report, col(report.made_at), _report,
               words=(col(report.identifier), col(report.project_code), col(report.note)), nobody="a reader"),
    )  # fmt: skip


def _of_sharing() -> tuple[Stream, ...]:
    claim, rule, given = Claim, LibraryRule, LibraryAssignment
    second, pause, raised, kind = SecondReading, SecondReadingPause, Escalation, Kind.SHARING
    paused = second, col(second.id) == col(pause.reading_id)
    takes = sa.func.coalesce(col(claim.given_by_id), col(claim.holder_id))
    return (
        Stream("claim", kind, claim, col(claim.claimed_at), _claimed, takes, col(claim.paper_id),
               words=(col(claim.note),)),
        Stream("claim-ended", kind, claim, col(claim.ended_at), _claim_ended, col(claim.ended_by_id),
               col(claim.paper_id)),
        Stream("rule", kind, rule, col(rule.made_at), lambda r: Told(f"made the rule: {_rule(r)}"),
               col(rule.made_by_id), words=(col(rule.library), col(rule.journal), col(rule.source))),
        Stream("rule-ended", kind, rule, col(rule.ended_at), lambda r: Told(f"ended the rule: {_rule(r)}"),
               col(rule.ended_by_id), words=(col(rule.library), col(rule.journal), col(rule.source))),
        Stream("assigned", kind, given, col(given.made_at), lambda r: Told(f"gave the paper to {r.library}", r.note),
               col(given.made_by_id), col(given.paper_id), words=(col(given.library), col(given.note))),
        Stream("assigned-ended", kind, given, col(given.ended_at),
               lambda r: Told(f"the paper is no longer {r.library}’s by hand"), col(given.ended_by_id),
               col(given.paper_id), words=(col(given.library),)),
        Stream("drawn", kind, second, col(second.drawn_at),
               lambda r: Told("drew a decision for a second reader", details=_details(decision=r.decision_id)),
               paper=col(second.paper_id), project=col(second.project_id)),
        Stream("second", Kind.DECISION, second, col(second.ended_at), _second, col(second.second_reader_id),
               col(second.paper_id), col(second.project_id), (col(second.reason),), judges=True),
        Stream("paused", kind, pause, col(pause.called_off_at), lambda _: Told("called a second reading off"),
               col(pause.called_off_by_id), col(second.paper_id), col(second.project_id), join=paused),
        Stream("resumed", kind, pause, col(pause.resumed_at), lambda _: Told("let a second reading go on"),
               col(pause.resumed_by_id), col(second.paper_id), col(second.project_id), join=paused),
        Stream("escalated", kind, raised, col(raised.raised_at),
               lambda r: Told("asked the head librarian", r.reason), col(raised.raised_by_id), col(raised.paper_id),
               words=(col(raised.reason),), judges=True, masked="asked the head librarian"),
        Stream("settled", kind, raised, col(raised.settled_at),
               lambda r: Told("settled it as head librarian", r.words), col(raised.settled_by_id),
               col(raised.paper_id), words=(col(raised.words),), judges=True, masked="settled it as head librarian"),
    )  # fmt: skip


def _of_lists() -> tuple[Stream, ...]:
    watch, asked, listed, aside = JournalWatch, JournalSuggestion, ComparisonList, ComparisonAside
    off = SurveyExclusion
    return (
        Stream("watch", Kind.JOURNAL, watch, col(watch.made_at),
               lambda r: Told("began to monitor a journal", r.reason, _details(journal=r.journal_id)),
               col(watch.made_by_id), words=(col(watch.reason),)),
        Stream("watch-ended", Kind.JOURNAL, watch, col(watch.ended_at),
               lambda r: Told("stopped monitoring a journal", r.ended_reason, _details(journal=r.journal_id)),
               col(watch.ended_by_id), words=(col(watch.ended_reason),)),
        Stream("suggestion", Kind.JOURNAL, asked, col(asked.handled_at), _suggestion, col(asked.handled_by_id),
               words=(col(asked.name), col(asked.reason)), where=(col(asked.state) != SuggestionState.WAITING,)),
        Stream("compared", Kind.COMPARISON, listed, col(listed.imported_at),
               lambda r: Told(f"imported the list {r.name} from {r.origin}", details=_details(counts=r.counts)),
               col(listed.imported_by_id), words=(col(listed.name), col(listed.origin))),
        Stream("aside", Kind.COMPARISON, aside, col(aside.made_at),
               lambda r: Told(f"set a difference with {r.list_name} aside: {r.subject}", r.reason),
               col(aside.actor_id), words=(col(aside.subject), col(aside.reason))),
        Stream("aside-ended", Kind.COMPARISON, aside, col(aside.ended_at),
               lambda r: Told(f"opened a difference with {r.list_name} again: {r.subject}"), col(aside.ended_by_id),
               words=(col(aside.subject),)),
        Stream("unasked", Kind.OTHER, off, col(off.made_at), lambda r: Told("took a project off the survey", r.reason),
               col(off.actor_id), project=col(off.project_id), words=(col(off.reason),)),
        Stream("unasked-ended", Kind.OTHER, off, col(off.ended_at), lambda _: Told("put a project on the survey again"),
               col(off.ended_by_id), project=col(off.project_id)),
    )  # fmt: skip


def _of_mail() -> tuple[Stream, ...]:
    mail, contact, event = OutboxMail, Contact, ContactEvent
    return (
        Stream("letter", Kind.MAIL, mail, col(mail.created_at), _letter, words=(col(mail.kind), col(mail.subject))),
        Stream("letter-sent", Kind.MAIL, mail, col(mail.sent_at), _sent, words=(col(mail.kind), col(mail.subject))),
        Stream("contact", Kind.MAIL, contact, col(contact.made_at),
               lambda r: Told(f"wrote to an author: {r.fault.value.replace('_', ' ')}", details=_details(
                   codes=r.codes, contact=r.id)),
               col(contact.made_by_id), col(contact.paper_id), words=(col(contact.subject),)),
        Stream("contact-event", Kind.MAIL, event, col(event.at),
               lambda r: Told(f"contact {r.contact_id} with an author: {r.state.value}", r.words),
               col(event.actor_id), col(contact.paper_id), words=(col(event.words),),
               join=(contact, col(contact.id) == col(event.contact_id))),
    )  # fmt: skip


def _of_decisions() -> tuple[Stream, ...]:
    related, decided = PaperRelation, Decision
    return (
        Stream("relation", Kind.DECISION, related, col(related.decided_at), _relation, col(related.actor_id),
               col(related.paper_id), words=(col(related.reason),), where=(col(related.decision_id).is_(None),),
               judges=True),
        Stream("decision", Kind.DECISION, decided, col(decided.made_at), _decision, col(decided.actor_id),
               col(decided.paper_id), col(decided.project_id), (col(decided.reason),), judges=True,
               masked="judged the project"),
    )  # fmt: skip
