"""Splitting a record off the paper it came to by mistake, and taking that back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.links import Ruling, decide, live_link
from biblio.catalogue.merges import merge
from biblio.catalogue.papers import absorb_records
from biblio.catalogue.splits import split_off
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store import Store
from biblio.store.current import group_ids, survivor_of
from biblio.store.models import MergeProposal, PaperIdentifier, PaperRevision, SourceRecord, TextReading
from biblio.store.words import RelationKind, Verdict
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.verify.factories import add_mention, add_project, add_user

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def _record(
    source: str, key: str, title: str, doi: str | None = None, arxiv_id: str | None = None, bibcode: str | None = None
) -> HarvestedRecord:
    authors = (HarvestedAuthor(name="Oduya, Marit"),)
    return HarvestedRecord(
        source=source, key=key, title=title, authors=authors, doi=doi, arxiv_id=arxiv_id, bibcode=bibcode
    )


def _absorb(session: Session, record: HarvestedRecord, at: datetime = NOW) -> int:
    return absorb_records(session, [record], payload_sha256=None, now=at)[0].paper_id


def _joined(session: Session) -> tuple[int, int]:
    """A paper of two records that a wrong identifier joined; return it and the number of the wrong record."""
    paper = _absorb(
        session,
        _record("ads", "2019ApJ...870...10O", "Gas in Tamsin 7", doi="10.5555/tamsin", bibcode="2019ApJ...870...10O"),
    )
    wrong = _record("arxiv", "1901.00001", "Gas in Tamsin seven", doi="10.5555/tamsin", arxiv_id="1901.00001")
    assert _absorb(session, wrong) == paper
    row = session.exec(
        select(SourceRecord.id).where(col(SourceRecord.source) == "arxiv", col(SourceRecord.superseded_at).is_(None))
    ).one()
    assert row is not None
    return paper, row


def _title(session: Session, paper: int) -> str | None:
    return session.exec(
        select(PaperRevision.title).where(
            col(PaperRevision.paper_id) == paper, col(PaperRevision.superseded_at).is_(None)
        )
    ).first()


def test_a_record_becomes_a_paper_with_its_own_identifiers(store: Store) -> None:
    """What only it names goes along, what both name stays; the text read under its number is let go; decisions stay."""
    with store.writing() as session:
        vera, project = add_user(session), add_project(session)
        paper, record = _joined(session)
        add_mention(session, paper, "2016.1.00001.S")
        decide(session, vera, Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=NOW)
        row = split_off(session, vera, record, now=NOW + timedelta(hours=1))
        assert (row.kept_id, row.undone_by_id) == (paper, vera.user_id)
        other = row.merged_id
        assert (_title(session, paper), _title(session, other)) == ("Gas in Tamsin 7", "Gas in Tamsin seven")
        named = {i.value: i.paper_id for i in session.exec(select(PaperIdentifier))}
        assert named == {"10.5555/tamsin": paper, "2019ApJ...870...10O": paper, "1901.00001": other}
        assert session.exec(select(TextReading).where(col(TextReading.superseded_at).is_(None))).all() == []
        assert live_link(session, paper, project) is not None
        assert live_link(session, other, project) is None


def test_the_machine_joins_them_no_more_and_asks_nobody(store: Store) -> None:
    """The next harvest brings both identifiers once more: they stay two, and no question is asked."""
    with store.writing() as session:
        paper, record = _joined(session)
        other = split_off(session, add_user(session), record, now=NOW).merged_id
        again = _record("arxiv", "1901.00001", "Gas in Tamsin VII", doi="10.5555/tamsin", arxiv_id="1901.00001")
        assert _absorb(session, again, NOW + timedelta(days=1)) == other
        assert survivor_of(session, other) == other
        assert survivor_of(session, paper) == paper
        assert session.exec(select(MergeProposal).where(col(MergeProposal.verdict).is_(None))).all() == []


def test_merging_the_two_takes_the_split_back(store: Store) -> None:
    """They are one again, with everything that both had."""
    with store.writing() as session:
        vera = add_user(session)
        paper, record = _joined(session)
        other = split_off(session, vera, record, now=NOW).merged_id
        merge(session, vera, kept_id=paper, merged_id=other, reason="taken back", now=NOW + timedelta(hours=1))
        assert group_ids(session, paper) == [paper, other]
        assert _title(session, paper) == "Gas in Tamsin 7"


def test_the_record_of_a_merged_paper_is_parted_with_it(store: Store) -> None:
    """A record that came with a merged paper goes back to that paper, decisions on it too."""
    with store.writing() as session:
        vera, project = add_user(session), add_project(session)
        article = _absorb(session, _record("ads", "2019ApJ...870...10O", "Gas in Tamsin 7"))
        preprint = _absorb(session, _record("arxiv", "1901.00001", "Another thing", arxiv_id="1901.00001"))
        decide(session, vera, Ruling(preprint, project, Verdict.REJECT, 0), now=NOW)
        merge(session, vera, kept_id=article, merged_id=preprint, reason="same", now=NOW)
        record = session.exec(select(SourceRecord.id).where(col(SourceRecord.paper_id) == preprint)).one()
        assert record is not None
        assert split_off(session, vera, record, now=NOW + timedelta(hours=1)).merged_id == preprint
        assert survivor_of(session, preprint) == preprint
        assert live_link(session, preprint, project) is not None
        assert live_link(session, article, project) is None


def test_what_cannot_be_split_is_refused(store: Store) -> None:
    """A paper's only record, one that was superseded, and one there is not."""
    with store.writing() as session:
        vera = add_user(session)
        paper = _absorb(session, _record("ads", "2019ApJ...870...10O", "Gas in Tamsin 7"))
        only = session.exec(select(SourceRecord)).one()
        with pytest.raises(RequestRefused, match="all that is known"):
            split_off(session, vera, only.id or 0, now=NOW)
        assert _absorb(session, _record("ads", "2019ApJ...870...10O", "Gas in Tamsin 8")) == paper
        with pytest.raises(Stale):
            split_off(session, vera, only.id or 0, now=NOW)
        with pytest.raises(NotFound):
            split_off(session, vera, 999, now=NOW)
