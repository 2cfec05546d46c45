"""Libraries and bibgroups of ADS, imported like a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from biblio.catalogue.papers import absorb_records
from biblio.ingest.paper_commands import papers
from biblio.runtime import Runtime
from biblio.store.models import HarvestPage, JobRun, Paper, PaperIdentifier, PaperRevision, RequestCount, SourceRecord
from biblio.store.words import Outcome
from demo.replay import ReplayServer
from demo.replay_libraries import LIBRARY, PRIVATE, UNKNOWN_BIBCODE
from harvesters.records import HarvestedRecord
from tests.ingest.conftest import Asking
from tests.ingest.test_importing import call


@pytest.fixture
def server(observatory: Path) -> Iterator[ReplayServer]:
    """A server of this test's own: a library tells of its changed bibcodes once."""
    with ReplayServer(observatory, with_faults=False) as running:
        yield running


def test_a_library_becomes_papers_with_the_bibcodes_they_had(
    asking: Asking, server: ReplayServer, tmp_path: Path
) -> None:
    """All its papers are known, filled from ADS, under old and new bibcodes; what ADS does not know stays a name."""
    runtime = asking(server.url)
    rows = tmp_path / "rows.csv"
    result = call(runtime, papers, "import", "--ads-library", LIBRARY, "--name", "our-library", "--report", rows)
    assert result.exit_code == 0, result.output
    with rows.open(encoding="utf-8", newline="") as out:
        told = list(csv.DictReader(out))
    assert {row["became"] for row in told} == {"new"}
    with runtime.store.reading() as session:
        run = session.exec(select(JobRun)).one()
        held = session.exec(select(Paper).where(Paper.merged_into_id == None)).all()  # noqa: E711
        assert len(held) == len(told) == run.counts["listed"]
        titles = session.exec(select(PaperRevision.title).where(PaperRevision.superseded_at == None)).all()  # noqa: E711
        assert titles.count(None) == 1
        assert set(session.exec(select(SourceRecord.source))) == {"our-library", "ads"}
        assert session.exec(select(PaperIdentifier).where(PaperIdentifier.value == UNKNOWN_BIBCODE)).one()
        notes = " ".join(run.counts["notes"])
        assert UNKNOWN_BIBCODE in notes
        updated = notes.split(" is now ")[0].split()[-1]
        assert session.exec(select(PaperIdentifier).where(PaperIdentifier.value == updated)).one()
        assert session.exec(select(RequestCount)).all()
        assert {page.content_type for page in session.exec(select(HarvestPage)) if page.source == "our-library"} == {
            "application/x-ndjson"
        }


def test_a_library_imported_again_changes_nothing(asking: Asking, server: ReplayServer) -> None:
    """ADS tells of changed bibcodes once; the second import still says that nothing changed, and its counts add up."""
    runtime = asking(server.url)
    for is_first in (True, False):
        result = call(runtime, papers, "import", "--ads-library", LIBRARY)
        assert result.exit_code == 0, result.output
        with runtime.store.reading() as session:
            counts = session.exec(select(JobRun.counts).order_by(JobRun.id.desc())).first()  # type: ignore[union-attr]
        assert counts is not None
        assert counts["new" if is_first else "known"] == counts["seen"] == counts["listed"]
        assert (counts.get("changed", 0), counts.get("from_ads_new", 0)) == (0, 0)
        assert is_first or counts.get("from_ads_changed", 0) == 0
        assert counts["from_ads_seen"] == counts["from_ads_records"] + counts.get("from_ads_refused", 0)


def test_a_changed_bibcode_joins_preprint_and_article(asking: Asking, server: ReplayServer) -> None:
    """A paper known by the bibcode of its preprint is the one the library lists by that of its article."""
    runtime = asking(server.url)
    old = sorted(code for code in server_library(server) if "arXiv" in code)[1]
    with runtime.store.writing() as session:
        known = HarvestedRecord(source="list", key=old, bibcode=old)
        paper = absorb_records(session, [known], payload_sha256=None, now=runtime.clock.now())[0].paper_id
    assert (
        call(
            runtime, papers, "import", "--ads-library", f"https://ui.adsabs.harvard.edu/public-libraries/{LIBRARY}"
        ).exit_code
        == 0
    )
    with runtime.store.reading() as session:
        of_paper = select(PaperIdentifier.value).where(
            PaperIdentifier.paper_id == paper, PaperIdentifier.scheme == "bibcode"
        )
        assert any("arXiv" not in code for code in session.exec(of_paper))


def server_library(server: ReplayServer) -> list[str]:
    """The bibcodes of the library as they are stored, old ones among them."""
    import requests

    answer = requests.get(
        f"{server.url}/ads/v1/biblib/libraries/{LIBRARY}", {"raw": "true", "rows": "100"},
        headers={"Authorization": "Bearer demo"}, timeout=10,
    )  # fmt: skip
    documents: list[str] = answer.json()["documents"]
    return documents


def test_a_bibgroup_comes_as_records(asking: Asking, server: ReplayServer) -> None:
    """Every paper of the bibgroup, first on trial, then for good; the report says which were new."""
    runtime = asking(server.url)
    tried = call(runtime, papers, "import", "--ads-bibgroup", "ALMA", "--dry-run")
    with runtime.store.reading() as session:
        assert session.exec(select(Paper)).all() == []
    result = call(runtime, papers, "import", "--ads-bibgroup", "ALMA")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.output.splitlines() if "ADS bibgroup ALMA:" in line)
    assert line in tried.output
    with runtime.store.reading() as session:
        held = len(session.exec(select(Paper)).all())
        assert held > 50
        assert f"{held} new, 0 known" in line
        assert session.exec(select(SourceRecord.source).distinct()).all() == ["ads"]
    assert f"0 new, {held} known" in call(runtime, papers, "import", "--ads-bibgroup", "ALMA").output


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_bibgroup_of_no_paper_is_an_error(asking: Asking, server: ReplayServer, options: tuple[str, ...]) -> None:
    """A misspelt name does not pass for an empty list."""
    runtime = asking(server.url)
    result = call(runtime, papers, "import", "--ads-bibgroup", "Nope", *options)
    assert (result.exit_code, "no paper in a bibgroup called 'Nope'. Check the name" in result.output) == (1, True)
    with runtime.store.reading() as session:
        assert session.exec(select(HarvestPage)).all() == []


def test_what_cannot_be_had_is_said(asking: Asking, server: ReplayServer, runtime: Runtime) -> None:
    """A private library, one that is gone, a name that is none, no token, and nothing to import."""
    asked = asking(server.url)
    for library, words in ((PRIVATE, "private"), ("kNobodyHasThisLibrary1", "none under this id")):
        result = call(asked, papers, "import", "--ads-library", library)
        assert (result.exit_code, words in result.output) == (1, True), result.output
    with asked.store.reading() as session:
        assert {run.outcome for run in session.exec(select(JobRun))} == {Outcome.FAILED}
    assert "no bibgroup" in call(asked, papers, "import", "--ads-bibgroup", 'x" OR year:2020').output
    without = replace(runtime, settings=runtime.settings.model_copy(update={"ads_token": None}))
    assert "BIBLIO_ADS_TOKEN" in call(without, papers, "import", "--ads-library", LIBRARY).output
    assert call(without, papers, "import").exit_code == 2
