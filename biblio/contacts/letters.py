"""The letter to an author: its text from the profile's ``mail/`` folder, and the exact sentence to add."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from biblio.catalogue.readable import readable
from biblio.contacts.faults import Finding
from biblio.errors import RequestRefused
from biblio.mail.texts import LetterText, greeting, path_of, read_text
from biblio.observatory import Profile
from biblio.store.words import ContactFault

NAME = "contact"
"""The name of the letter's file."""

PLACEHOLDERS = frozenset(
    {"name", "observatory", "observatory_name", "title", "arxiv_id", "version", "missing", "sentence", "policy_url", "sender"}
)  # fmt: skip
_NEEDED = frozenset({"title", "arxiv_id", "missing", "sentence"})

NO_CODE = "(project code)"
"""Stands in the sentence where nobody knows the code."""

SUBJECT_MOST, BODY_MOST = 200, 10_000
_TITLE_MOST = 300
_WIDTH = 74
"""Characters of a line, as letters are usually set."""

_MISSING = {
    ContactFault.NO_STATEMENT: "it does not print the statement that we ask of papers with {observatory} data",
    ContactFault.NO_CODE: "it says that {observatory} data were used, but names no project code",
    ContactFault.WRONG_CODE: "the project code that it prints does not seem to be that of the data used",
}


@dataclass(frozen=True, slots=True)
class About:
    """What a letter is about: whom it greets, the preprint, and the codes the authors are asked to name."""

    name: str
    title: str
    arxiv_id: str
    codes: Sequence[str]


def load_text(profile: Profile) -> LetterText:
    """Return the profile's letter, checked. Raises ``StartRefused`` naming the file and what is wrong."""
    return read_text(path_of(profile, NAME), known=PLACEHOLDERS, needed=_NEEDED)


def sentence(profile: Profile, codes: Sequence[str]) -> str:
    """Return the sentence to add, with these codes; the prefix is repeated where the profile's own sentence has it."""
    names = profile.observatory
    written = [code for code in codes if code] or [NO_CODE]
    with_prefix = f"{names.code_prefix}{{code}}"
    if with_prefix in names.acknowledgement:
        return names.acknowledgement.replace(with_prefix, ", ".join(f"{names.code_prefix}{code}" for code in written))
    return names.acknowledgement.replace("{code}", ", ".join(written))


def render(profile: Profile, about: About, finding: Finding) -> tuple[str, str]:
    """Return subject and body of the letter that is prepared for a librarian to edit. Raises ``StartRefused``."""
    fault = finding.fault or ContactFault.NO_STATEMENT
    title = clean_line(readable(about.title))
    values = {
        "name": greeting(clean_line(readable(about.name))),
        "observatory": profile.observatory.short,
        "observatory_name": profile.observatory.name,
        "title": title if len(title) <= _TITLE_MOST else title[: _TITLE_MOST - 1] + "…",
        "arxiv_id": clean_line(about.arxiv_id),
        "version": f"version {finding.number}" if finding.number else "the version we read",
        "missing": profile.filled(_MISSING[fault]),
        "sentence": sentence(profile, about.codes),
        "policy_url": profile.observatory.policy_url,
        "sender": f"The {profile.observatory.short} library",
    }
    subject, body = load_text(profile).filled(values)
    return subject, "\n\n".join(map(_wrapped, body.split("\n\n")))


def _wrapped(block: str) -> str:
    """A block of lines with its words laid out anew where what was filled in made a line too long; not where it is indented."""
    lines = block.split("\n")
    if max(map(len, lines)) <= _WIDTH or any(line.startswith(" ") for line in lines):
        return block
    return textwrap.fill(" ".join(lines), _WIDTH, break_long_words=False, break_on_hyphens=False)


def clean_line(text: str) -> str:
    """Return a stranger's words as one line that a header may hold: no control or invisible signs, nor such as turn words."""
    return " ".join("".join(c if unicodedata.category(c) not in _BAD else " " for c in text).split())


_BAD = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of signs that nobody sees, or that change how others are seen."""


def checked_subject(subject: str) -> str:
    """Return a subject fit for a header. Raises ``RequestRefused`` for one that is empty, long, or more than one line."""
    subject = subject.strip()
    if not subject or len(subject) > SUBJECT_MOST:
        raise RequestRefused(f"The subject needs 1 to {SUBJECT_MOST} characters.")
    if any(unicodedata.category(c) in _BAD for c in subject):
        raise RequestRefused("The subject must be one line, without control or invisible characters.")
    return subject


def checked_body(body: str) -> str:
    """Return a body with plain line ends. Raises ``RequestRefused`` for one that is empty, long, or holds hidden signs."""
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n"
    if not body.strip() or len(body) > BODY_MOST:
        raise RequestRefused(f"The letter needs 1 to {BODY_MOST:,} characters.")
    hidden = next((c for c in body if unicodedata.category(c) in _BAD and c not in "\n\t"), None)
    if hidden is not None:
        line = body[: body.index(hidden)].count("\n") + 1
        raise RequestRefused(f"Line {line} of the letter holds a control or invisible character; take it out.")
    return body
