"""A second, different observatory goes the whole way: the proof that observatories are data."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlmodel import col, select

from biblio.catalogue.links import Ruling, decide
from biblio.feature import all_jobs
from biblio.ingest.importing import import_job, paper_file, project_file
from biblio.jobs import run_job
from biblio.runtime import Runtime, checked_profile
from biblio.store.models import Candidate, CandidateRevision, Project
from biblio.store.words import Band, Outcome, RelationKind, Verdict
from reports.document import Address
from reports.service import build_report
from survey.asking.due import due
from tests.factories import add_user

PROJECTS = [
    {
        "code": "094.B-0611(A)",
        "title": "Dust in the nucleus of Tamsin 7",
        "pi": "Ahn, Bora",
        "pi_email": "bora.ahn@example.org",
        "state": "Completed",
        "mode": "SM",
        "units": [{"uid": "u1", "delivered_on": "2015-03-01", "released_on": "2016-03-01"}],
    },
    {
        "code": "108.22GP.001",
        "title": "Young stars of Qix 3",
        "pi": "Cole, Nina",
        "pi_email": "nina.cole@example.org",
        "state": "Completed",
        "mode": "VM",
        "units": [{"uid": "u2", "delivered_on": "2022-03-01", "released_on": "2023-03-01"}],
    },
]

PAPERS = [
    {
        "id": "p1",
        "title": "The nucleus of Tamsin 7",
        "authors": ["Ahn, B.", "Berg, L."],
        "year": 2017,
        "doi": "10.9999/second.1",
        "kind": "article",
        "is_refereed": True,
    }
]


def lines(path: Path, rows: list[dict[str, object]]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_whole_way_with_another_observatory(runtime: Runtime, tmp_path: Path) -> None:
    """Projects, paper, text, candidate, verdict, report and due rule with programme ids instead of project codes."""
    wired = replace(runtime, profile=checked_profile("eso"))
    files = [
        project_file(lines(tmp_path / "projects.jsonl", PROJECTS), facets=wired.profile.facet_columns),
        paper_file(lines(tmp_path / "papers.jsonl", PAPERS)),
    ]
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "10.9999_second.1.txt").write_text(
        "Acknowledgements. Based on observations collected at the European Southern Observatory under ESO programme "
        "94.B-0611(A).",
        encoding="utf-8",
    )
    for job, arguments in (
        (import_job(files), None),
        (all_jobs()["read"], {"folder": str(texts)}),
        (all_jobs()["match"], None),
    ):
        row = run_job(wired, job, arguments=arguments)
        assert row.outcome is Outcome.SUCCEEDED, row.error
    with wired.store.reading() as session:
        project = session.exec(select(Project).where(col(Project.code) == "094.B-0611(A)")).one()
        assert project.cycle == "P94"
        [(candidate, revision)] = session.execute(
            select(Candidate, CandidateRevision)
            .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
            .where(col(CandidateRevision.superseded_at).is_(None), col(CandidateRevision.band) == Band.CERTAIN)
        ).all()
        assert candidate.project_id == project.id
        silent = {s.code for s in due(session, wired) if s.is_eligible}
    assert "108.22GP.001" in silent
    assert "094.B-0611(A)" not in silent  # the certain candidate comes first
    with wired.store.writing() as session:
        vera = add_user(session, "vera")
        assert project.id is not None
        ruling = Ruling(candidate.paper_id, project.id, Verdict.ACCEPT, 0, RelationKind.SCIENCE, "", revision.id)
        decide(session, vera, ruling, now=wired.clock.now() + timedelta(seconds=1))
    with wired.store.reading() as session:
        report = build_report(wired, session, wired.clock.today())
    columns = ("observed", "published", "silent")
    assert [report.figure(Address("fraction", "now", "all", column)).value for column in columns] == [2, 1, 1]
    by_mode = report.theme("fraction").table("by-mode")
    assert [(row.name, row.figures[1].value) for row in by_mode.rows if row.figures[1]] == [
        ("Service mode", 1),
        ("Visitor mode", 0),
        ("All", 1),
    ]
