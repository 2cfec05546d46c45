"""The match job: what it proposes, keeps, counts and leaves alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from biblio.catalogue.links import Ruling, decide
from biblio.catalogue.merges import merge, undo_merge
from biblio.clock import FixedClock
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import (
    Candidate,
    CandidateRevision,
    DeskItem,
    EvidenceItem,
    Link,
    PaperMatch,
    SourceRecord,
    TextReading,
)
from biblio.store.words import Band, Outcome, Verdict
from biblio.verify.proposing.match import match
from tests.conftest import NOW
from tests.verify.factories import add_mention, add_paper, add_project, add_user


def _filled(runtime: Runtime) -> tuple[int, int]:
    with runtime.store.writing() as session:
        project = add_project(session)
        add_project(
            session, "2015.1.00400.S", title="Dust in Nowhere", pi="Ferreira, Sol", co_is=(), targets=("Qix 3",)
        )
        paper = add_paper(session)
        add_mention(session, paper, "2016.1.00001.S")
        add_paper(session, title="Another sky", authors=("Nobody, N.",), abstract="Nothing of the kind.")
    return paper, project


def test_a_printed_code_makes_a_certain_candidate_with_its_quote_in_context(runtime: Runtime) -> None:
    """A code printed in the acknowledgements gives a certain candidate whose evidence keeps the passage around it."""
    paper, project = _filled(runtime)
    row = run_job(runtime, match)
    assert row.outcome is Outcome.SUCCEEDED, row.error
    with runtime.store.reading() as session:
        candidate = session.exec(
            select(Candidate).where(col(Candidate.paper_id) == paper, col(Candidate.project_id) == project)
        ).one()
        revision = session.exec(
            select(CandidateRevision).where(col(CandidateRevision.candidate_id) == candidate.id)
        ).one()
        assert revision.band is Band.CERTAIN
        quoted = session.exec(
            select(EvidenceItem).where(col(EvidenceItem.revision_id) == revision.id, col(EvidenceItem.kind) == "code")
        ).one()
        assert quoted.context is not None
        assert quoted.start is not None
        assert quoted.context_start is not None
        at = quoted.start - quoted.context_start
        assert quoted.context[at : at + len(quoted.quote or "")] == quoted.quote == "2016.1.00001.S"
        item = session.get(DeskItem, paper)
        assert item is not None
        assert (item.band, item.why, item.is_shown) == (Band.CERTAIN, "silent", True)
        assert len(session.exec(select(PaperMatch)).all()) == 2


def _rows(runtime: Runtime) -> dict[str, int]:
    with runtime.store.reading() as session:
        return {
            table.__tablename__: session.exec(select(sa.func.count()).select_from(table)).one()
            for table in (Candidate, CandidateRevision, EvidenceItem, PaperMatch, DeskItem)
        }


def _current(runtime: Runtime, paper: int) -> dict[int, Band]:
    with runtime.store.reading() as session:
        rows = session.exec(
            select(Candidate, CandidateRevision)
            .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
            .where(col(Candidate.paper_id) == paper, col(CandidateRevision.superseded_at).is_(None))
        )
        return {candidate.project_id: revision.band for candidate, revision in rows}


def test_without_projects_the_job_says_what_to_do(runtime: Runtime) -> None:
    """Nothing to compare with is a failure with the command that helps, not an empty success."""
    row = run_job(runtime, match)
    assert row.outcome is Outcome.FAILED
    assert "biblio projects" in (row.error or "")


def test_a_second_run_matches_nothing_and_adds_no_rows(runtime: Runtime) -> None:
    """Nothing changed, nothing is matched; with ``all`` everything is matched and still no row is added."""
    _filled(runtime)
    run_job(runtime, match)
    before = _rows(runtime)
    again = run_job(runtime, match)
    assert "matched" not in again.counts
    everything = run_job(runtime, match, arguments={"all": "true"})
    assert everything.counts["matched"] == 2
    assert everything.counts["unchanged"] > 0
    assert everything.counts["new"] == everything.counts["changed"] == 0
    assert _rows(runtime) == before


def test_only_papers_with_new_facts_are_matched_again(runtime: Runtime) -> None:
    """A new reading of one paper makes that paper due and no other."""
    paper, _ = _filled(runtime)
    run_job(runtime, match)
    with runtime.store.writing() as session:
        for reading in session.exec(select(TextReading)):
            reading.superseded_at = runtime.clock.now()
            session.add(reading)
        add_mention(session, paper, "2015.1.00400.S")
    assert run_job(runtime, match).counts["matched"] == 1


def test_a_code_the_list_did_not_hold_counts_once_the_list_holds_it(runtime: Runtime) -> None:
    """Lists lag: the paper waits with its unknown code; when the project arrives the stored mention is read again."""
    with runtime.store.writing() as session:
        add_project(
            session, "2015.1.00400.S", title="Dust in Nowhere", pi="Ferreira, Sol", co_is=(), targets=("Qix 3",)
        )
        paper = add_paper(session)
        add_mention(session, paper, "2016.1.00001.S", in_registry=False, certain=False)
    run_job(runtime, match)
    with runtime.store.reading() as session:
        item = session.get(DeskItem, paper)
        assert item is not None
        assert (item.why, item.is_shown) == ("code", True)
    with runtime.store.writing() as session:
        project = add_project(session)
    run_job(runtime, match)
    assert _current(runtime, paper)[project] is Band.CERTAIN


def test_matching_again_leaves_a_verdict_and_says_look_again(runtime: Runtime) -> None:
    """A rejected project whose code turns up in a new text stays rejected and is flagged on the desk."""
    with runtime.store.writing() as session:
        project, paper, vera = add_project(session), add_paper(session), add_user(session)
    run_job(runtime, match)
    with runtime.store.writing() as session:
        decide(session, vera, Ruling(paper, project, Verdict.REJECT, 0), now=runtime.clock.now())
        add_mention(session, paper, "2016.1.00001.S", read_at=NOW + timedelta(hours=1))
    row = run_job(runtime, match)
    assert row.counts["look_again"] == 1
    with runtime.store.reading() as session:
        assert session.exec(select(Link)).one().verdict is Verdict.REJECT
        item = session.get(DeskItem, paper)
        assert item is not None
        assert item.look_again


def test_a_merged_paper_hands_its_candidates_over_and_gets_them_back(runtime: Runtime) -> None:
    """Preprint and article are one on the desk; when the merge is undone each is matched by itself again."""
    with runtime.store.writing() as session:
        project = add_project(session)
        preprint, article = add_paper(session, arxiv="1901.00001"), add_paper(session, doi="10.5555/t")
        add_mention(session, preprint, "2016.1.00001.S")
        vera = add_user(session)
    run_job(runtime, match)
    with runtime.store.writing() as session:
        merge_id = merge(session, vera, kept_id=article, merged_id=preprint, reason="same", now=runtime.clock.now()).id
    run_job(runtime, match)
    assert _current(runtime, preprint) == {}
    assert _current(runtime, article)[project] is Band.CERTAIN
    with runtime.store.reading() as session:
        assert session.get(DeskItem, preprint) is None
    with runtime.store.writing() as session:
        undo_merge(session, vera, merge_id or 0, now=runtime.clock.now())
    run_job(runtime, match)
    assert _current(runtime, preprint)[project] is Band.CERTAIN
    assert _current(runtime, article).get(project) is not Band.CERTAIN


@pytest.mark.parametrize(("journal", "kind"), [(None, None), ("arXiv e-prints", "eprint")])
def test_the_queue_follows_the_calendar(
    runtime: Runtime, clock: FixedClock, journal: str | None, kind: str | None
) -> None:
    """A young preprint is about to go to press; a year later the nightly run has taken that label off."""
    with runtime.store.writing() as session:
        add_project(session, released_on=date(2026, 6, 1))
        paper = add_paper(
            session,
            journal=journal,
            kind=kind,
            is_refereed=False,
            preprint_on=date(2026, 10, 1),
            arxiv="2610.00001",
            year=2026,
        )
        add_mention(session, paper, "2016.1.00001.S")
    run_job(runtime, match)
    with runtime.store.reading() as session:
        item = session.get(DeskItem, paper)
        assert item is not None
        assert (item.why, item.is_at_press) == ("press", True)
    clock.move(timedelta(days=400))
    row = run_job(runtime, match)
    assert "matched" not in row.counts
    assert row.counts["queue rows changed"] == 1
    with runtime.store.reading() as session:
        item = session.get(DeskItem, paper)
        assert item is not None
        assert (item.why, item.is_at_press) == ("first", False)


def test_data_that_ads_lists_are_evidence_and_news(runtime: Runtime) -> None:
    """A record that comes to list data of our archive is matched anew, and the candidate says so."""
    paper, _ = _filled(runtime)
    run_job(runtime, match)
    record = {"title": "A paper", "extra": {"data": "CDS:1; ALMA:2"}}
    with runtime.store.writing() as session:
        session.add(
            SourceRecord(
                paper_id=paper, source="ads", key="2020Fict....1....1A", record=record, digest="x", learned_at=NOW
            )
        )
    assert run_job(runtime, match).counts["matched"] == 1
    with runtime.store.reading() as session:
        told = session.exec(
            select(EvidenceItem.sentence)
            .join(CandidateRevision, col(CandidateRevision.id) == col(EvidenceItem.revision_id))
            .where(col(EvidenceItem.kind) == "observatory", col(CandidateRevision.superseded_at).is_(None))
        ).all()
    assert "The bibliographic record links to data of the archive ALMA." in told
