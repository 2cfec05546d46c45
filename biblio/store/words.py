"""The words that are stored: one list each, with the label that pages show. See the glossary in CONTRIBUTING.md."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person with a login may do; the table of permissions is in ``biblio/web/accounts``."""

    LIBRARIAN = "librarian"
    HEAD_LIBRARIAN = "head_librarian"
    SURVEY_READER = "survey_reader"
    MANAGER = "manager"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        """The role as pages write it."""
        return self.value.replace("_", " ")


LIBRARIANS = frozenset({Role.LIBRARIAN, Role.HEAD_LIBRARIAN})
"""Who may judge papers."""


class Scheme(StrEnum):
    """A kind of paper identifier, in the order in which they are trusted."""

    DOI = "doi"
    BIBCODE = "bibcode"
    ARXIV = "arxiv"


class Verdict(StrEnum):
    """What a person decided about one paper and one project."""

    ACCEPT = "accept"
    REJECT = "reject"
    UNSURE = "unsure"


class Band(StrEnum):
    """How sure the machine is of a candidate."""

    CERTAIN = "certain"
    LIKELY = "likely"
    UNLIKELY = "unlikely"


class RelationKind(StrEnum):
    """How a paper relates to the observatory; the rule texts stand in the profile."""

    SCIENCE = "science"
    DATA_INFLUENCED = "data_influenced"
    MENTION = "mention"
    ENGINEERING = "engineering"
    NOT_OURS = "not_ours"


class Outcome(StrEnum):
    """How an attempt to run a job stands or ended."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABANDONED = "abandoned"


class Trigger(StrEnum):
    """Who started a job."""

    SCHEDULE = "schedule"
    HAND = "hand"


class MailState(StrEnum):
    """Where a letter stands. ``uncertain``: a sender died while it spoke to the server; a person decides."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


class ReportState(StrEnum):
    """Where a paper that somebody told us of stands. ``taken``: it is on the desk; ``declined``: it is none of ours."""

    WAITING = "waiting"
    TAKEN = "taken"
    DECLINED = "declined"


class WantedState(StrEnum):
    """Where a paper that a person asked for by its number stands. ``refused``: no service has it; ``dropped``: given up."""

    WAITING = "waiting"
    ADDED = "added"
    REFUSED = "refused"
    DROPPED = "dropped"


class ModelFinding(StrEnum):
    """How a model did on held-back papers beside what was in force. ``untold``: too few of them to tell."""

    BETTER = "better"
    NOT_BETTER = "not_better"
    UNTOLD = "untold"


class TrialState(StrEnum):
    """Where a trial stands. ``ready``: all papers were tried; ``dropped``: of no use any more, or given up."""

    RUNNING = "running"
    READY = "ready"
    APPLIED = "applied"
    DROPPED = "dropped"


class ClaimEnd(StrEnum):
    """How a claim on a paper ended."""

    RELEASED = "released"
    DECIDED = "decided"
    LAPSED = "lapsed"
    HANDED_OVER = "handed_over"


class ContactFault(StrEnum):
    """What a preprint that used our data lacks."""

    NO_STATEMENT = "no_statement"
    NO_CODE = "no_code"
    WRONG_CODE = "wrong_code"


class ContactState(StrEnum):
    """Where a letter to an author stands. ``prepared``: it waits in the outbox; ``mended``: a later version of the paper
    has what was asked for; ``withdrawn``: it was taken back before it left.
    """

    PREPARED = "prepared"
    SENT = "sent"
    ANSWERED = "answered"
    BOUNCED = "bounced"
    MENDED = "mended"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


class SuggestionOrigin(StrEnum):
    """Who suggests to monitor a journal."""

    QUESTIONNAIRE = "questionnaire"
    PAPERS = "papers"
    PERSON = "person"


class SuggestionState(StrEnum):
    """Where a suggestion stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


NEVER_PREPRINTS = ("proceedings", "thesis", "abstract", "proposal", "dataset", "software", "book", "other")
"""Kinds of unrefereed papers that never keep a project off the silent list, though they may lie on a preprint server."""
