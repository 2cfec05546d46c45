"""Rows for tests of letters: preprints that use our data, with what their texts were read to say. All people are invented."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.texts import Reading, SeenMention, SeenPhrase, store_reading
from biblio.store.models import PaperRevision
from biblio.store.words import RelationKind, Scheme
from matching.addresses import Address
from matching.codes import Mention
from matching.phrases import Phrase
from tests.factories import accept, add_paper, add_project

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CODE = "2016.1.00001.S"
ADDRESS = "bora.ahn@example.org"
_TELLING = "We observed the disc with ALMA in Band 6."
_STATEMENT = "This paper makes use of the following ALMA data: ADS/JAO.ALMA#"


def read(
    session: Session, paper_id: int, *, version: int = 1, code: str | None = None, statement: bool = False,
    addresses: tuple[Address, ...] = (Address(ADDRESS, "Bora Ahn", True, "ms.tex"),), arxiv: str = "2610.00001",
    at: datetime = NOW,
) -> None:  # fmt: skip
    """Store what a version's e-print was read to say: that data were used, and the statement and code if given."""
    phrases = [SeenPhrase(Phrase("own_data", 3, 30, _TELLING[3:30], "body", "ms.tex"), _TELLING, 0)]
    mentions = []
    if statement or code:
        said = f"{_STATEMENT}{code or '(soon)'}."
        phrases.append(SeenPhrase(Phrase("statement", 11, 44, said[11:44], "acknowledgement", "ms.tex"), said, 0))
    if code:
        start = len(_STATEMENT)
        mention = Mention(start, start + len(code), code, code, True, True, (code,), "acknowledgement", True)
        mentions.append(SeenMention("ms.tex", None, mention, f"{_STATEMENT}{code}.", 0))
    store_reading(
        session,
        Reading(
            paper_id, "eprint", f"arXiv:{arxiv}v{version}", version=f"{arxiv}v{version}", format="tex",
            sha256=f"{version}{code}{statement}".ljust(64, "0")[:64], characters=40_000, phrases_digest="p", named=9,
            rules_digest="r", mentions=tuple(mentions), phrases=tuple(phrases), unread_parts=0, addresses=addresses,
        ),
        now=at,
    )  # fmt: skip


def add_preprint(
    session: Session, *, arxiv: str = "2610.00001", title: str = "Rings of a fictional star", judged_by: Actor | None = None,
    code: str = CODE, authors: tuple[str, ...] = ("Ahn, Bora", "Berg, L."), pi_email: str | None = "pi@example.org",
    is_read: bool = True,
) -> int:  # fmt: skip
    """Add a preprint of version 1 that lacks the statement, and a project; judged science where somebody judges."""
    paper_id = add_paper(
        session, title, authors=authors, is_refereed=False, kind="eprint", year=2026, preprint_on=date(2026, 10, 1),
        identifiers={Scheme.ARXIV: arxiv},
    )  # fmt: skip
    project_id = add_project(session, code, pi="Ahn, Bora", pi_email=pi_email)
    set_version(session, paper_id, 1)
    if judged_by is not None:
        accept(session, judged_by, paper_id, project_id, relation=RelationKind.SCIENCE)
    if is_read:
        read(session, paper_id, arxiv=arxiv)
    return paper_id


def set_version(session: Session, paper_id: int, version: int, **facts: object) -> None:
    """Let arXiv have this version now, and other facts of the paper be so."""
    row = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == paper_id, col(PaperRevision.superseded_at).is_(None))
    ).one()
    row.arxiv_version = version
    for name, value in facts.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
