"""A reader's report makes its project a candidate: on the desk though the matcher sees nothing, and never certain."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from biblio.catalogue.links import EvidenceFacts, Suggestion
from biblio.catalogue.reported import Reported
from biblio.errors import RequestRefused
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Candidate, CandidateRevision, DeskItem, EvidenceItem, Link, PaperReport
from biblio.store.words import Band, ReportState, Scheme
from biblio.verify.proposing.match import match
from biblio.verify.proposing.reported import KIND, with_reports
from tests.verify.factories import SEEN, add_paper, add_project

CODE = "2016.1.00001.S"


def _reported(*projects: int | None) -> list[Reported]:
    return [Reported(n, 1, CODE, project, SEEN, "", True) for n, project in enumerate(projects)]


def _suggested(project: int, score: float, band: Band) -> Suggestion:
    return Suggestion(project, score, band, (EvidenceFacts("pi", "1", 1.0, "The PI is author 1."),))


@pytest.mark.parametrize(
    ("score", "band", "wanted_score", "wanted_band"),
    [
        (0.02, Band.UNLIKELY, 0.5, Band.LIKELY),
        (0.4, Band.LIKELY, 0.5, Band.LIKELY),
        (0.8, Band.LIKELY, 0.8, Band.LIKELY),
        (0.99, Band.CERTAIN, 0.99, Band.CERTAIN),
        (0.0, Band.UNLIKELY, 0.5, Band.LIKELY),
    ],
)
def test_a_report_lifts_to_an_even_chance_and_no_higher(
    score: float, band: Band, wanted_score: float, wanted_band: Band
) -> None:
    """What the matcher thinks more of stays; every reported project says so in its evidence."""
    one = with_reports([_suggested(7, score, band)], _reported(7))[0]
    assert (one.score, one.band, one.evidence[-1].kind) == (wanted_score, wanted_band, KIND)
    assert one.evidence[-1].contribution >= 0


def test_a_project_that_the_matcher_does_not_see_is_added() -> None:
    """Known projects only, each once, best first; others are left as they were."""
    found = with_reports([_suggested(7, 0.9, Band.CERTAIN), _suggested(8, 0.1, Band.UNLIKELY)], _reported(9, 9, None))
    assert [(one.project_id, one.score) for one in found] == [(7, 0.9), (9, 0.5), (8, 0.1)]
    assert with_reports([], []) == []


def _report(session: Session, state: ReportState = ReportState.WAITING) -> None:
    session.add(PaperReport(scheme=Scheme.ARXIV, identifier="2101.00001", project_code=CODE, made_at=SEEN, state=state))


def test_a_reported_paper_lands_on_the_desk(runtime: Runtime) -> None:
    """A report makes the paper due; its project waits with the sentence as evidence, and no link is made."""
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        add_paper(session, title="Dust near a comet", authors=("Nobody, A.",), abstract="Far away.", arxiv="2101.00001")
    run_job(runtime, match)
    with runtime.store.writing() as session:
        assert session.exec(select(Candidate)).all() == []
        _report(session)
    assert run_job(runtime, match).counts["matched"] == 1
    assert run_job(runtime, match).counts.get("matched", 0) == 0
    with runtime.store.reading() as session:
        assert session.exec(select(Candidate.project_id)).one() == project
        assert session.exec(select(EvidenceItem.kind)).one() == KIND
        assert session.exec(select(CandidateRevision.band)).one() is Band.LIKELY
        assert session.exec(select(DeskItem.is_shown)).one()
        assert session.exec(select(Link)).all() == []


def test_a_declined_report_takes_its_candidate_back(runtime: Runtime) -> None:
    """The next match withdraws it; the history keeps that it was there."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        add_paper(session, title="Dust near a comet", authors=("Nobody, A.",), abstract="Far away.", arxiv="2101.00001")
        _report(session)
    run_job(runtime, match)
    with runtime.store.writing() as session:
        session.exec(select(PaperReport)).one().state = ReportState.DECLINED
    assert run_job(runtime, match).counts["withdrawn"] == 1
    with runtime.store.reading() as session:
        assert session.exec(select(CandidateRevision.superseded_at)).one() is not None


def test_some_papers_are_matched_alone(runtime: Runtime) -> None:
    """By their numbers, due or not; the others keep waiting for the night, and nonsense is refused before the run."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        first = add_paper(session, title="One")
        add_paper(session, title="Two")
    row = run_job(runtime, match, arguments={"papers": f"{first},9999"})
    assert row.counts["matched"] == row.counts["papers"] == 1
    assert run_job(runtime, match).counts["matched"] == 1
    with pytest.raises(RequestRefused, match="given by their numbers"):
        run_job(runtime, match, arguments={"papers": "1; drop"})
