"""The product's own harvesters read the replayed services to the end and find what was put in, faults or not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from biblio.observatory import load
from demo.replay import ReplayServer
from harvesters.ads import AdsQuery, AdsSource
from harvesters.arxiv import ArxivQuery, ArxivSource, EprintService
from harvesters.errors import RecordRefused
from harvesters.fulltext import read_archive
from harvesters.http import HttpLimits, PoliteSession
from harvesters.pace import LocalPace
from harvesters.projects import gather
from harvesters.records import HarvestedProject, HarvestedRecord
from harvesters.rows import jsonl_rows
from harvesters.tap import TapSource, TapTable
from tests.demo.conftest import TODAY, Rows

PROFILE = load("alma")


def session(service: str) -> PoliteSession:
    """A session that does not make tests wait."""
    limits = HttpLimits(wait_initial_s=0.01, wait_max_s=0.02)
    return PoliteSession(service, LocalPace({}), contact="tests@example.org", limits=limits)


def harvested(server: ReplayServer) -> list[HarvestedRecord]:
    """Every preprint, by years, a hundred a page."""
    query = ArxivQuery(
        tuple(PROFILE.harvest.arxiv_categories), date(2014, 1, 1), TODAY, page_size=100, window_days=366,
        page_wait_s=0.01,
    )  # fmt: skip
    source = ArxivSource(session("arxiv"), query, base_url=f"{server.url}/arxiv")
    pages = [source.parse(page) for page in source.pages({})]
    assert [page.refusals for page in pages if page.refusals] == []
    return [record for page in pages for record in page.records]


def registered(server: ReplayServer, page_rows: int) -> list[HarvestedProject]:
    """Every project of the registry."""
    tap = PROFILE.tap
    assert tap is not None
    table = TapTable(
        f"{server.url}/tap",
        tap.table,
        dict(tap.columns),
        tuple(tap.observatory_as_pi),
        page_rows=page_rows,
        facets=PROFILE.facet_keys,
    )
    source = TapSource(session("tap"), table)
    return [project for page in source.pages({}) for project in source.parse(page).projects]


@pytest.mark.parametrize("with_faults", [False, True])
def test_arxiv_is_harvested_whole(observatory: Path, rows: Rows, with_faults: bool) -> None:
    """Empty, cut and HTML pages cost requests, never a record."""
    with ReplayServer(observatory, with_faults=with_faults) as server:
        records = harvested(server)
        struck = server.services.faults.struck
    assert struck == (["arxiv_api: empty_page", "arxiv_api: html", "arxiv_api: truncated"] if with_faults else [])
    written = {record["id"]: record for record in rows("papers/arxiv.jsonl")}
    assert sorted(record.key for record in records) == sorted(written)
    for record in records:
        facts = written[record.key]
        assert (record.title, record.doi, record.comment) == (facts["title"], facts["doi"], facts["comment"])
        assert [author.name for author in record.authors] == facts["authors"]
        assert record.arxiv_version == len(facts["versions"])
        assert record.is_withdrawn == ((facts["comment"] or "").startswith("This paper has been withdrawn"))


def test_eprints_are_read_and_bad_ones_refused(replay: ReplayServer, rows: Rows) -> None:
    """Each e-print gives text, but the broken PDF; the escaping member and the zeros are refused by name."""
    service = EprintService(session("arxiv"), base_url=f"{replay.url}/arxiv")
    refused: dict[str, list[str]] = {}
    silent: list[str] = []
    for paper in rows("truth.jsonl"):
        if paper["arxiv_id"] is None:
            continue
        if paper["eprint"] is None:
            with pytest.raises(RecordRefused):
                service.fetch(paper["arxiv_id"])
            continue
        parts, refusals = read_archive(paper["arxiv_id"], service.fetch(paper["arxiv_id"])[0])
        if refusals:
            refused[paper["eprint"]] = [refusal.place for refusal in refusals]
        if not parts:
            silent.append(paper["eprint"])
    assert sorted(refused) == ["bomb", "broken_pdf", "tar_escape"]
    assert refused["tar_escape"][0].endswith("../../outside/escaped.tex")
    assert silent == ["broken_pdf"]


def searched(server: ReplayServer, rows: int, since: date | None = None) -> tuple[dict[str, HarvestedRecord], set[str]]:
    """Every record of the profile's ADS searches by bibcode, and the fields nobody reads."""
    query = AdsQuery(dict(PROFILE.harvest.ads_queries), TODAY, since=since, first_year=2011, rows=rows)
    source = AdsSource(session("ads"), query, token="demo", base_url=f"{server.url}/ads/v1")
    pages = [source.parse(page) for page in source.pages({})]
    assert [page.refusals for page in pages if page.refusals] == []
    # The profile's searches overlap; the first, by the code's prefix, has the snippets that matter here.
    records = {r.key: r for page in reversed(pages) for r in page.records}
    return records, {name for page in pages for name in page.unread_fields}


def test_ads_is_searched_to_the_end(replay: ReplayServer, rows: Rows) -> None:
    """Small and large pages give the same records: all that name the observatory; the unknown doctype is reported."""
    records, unread = searched(replay, 60)
    assert set(records) == set(searched(replay, 2_000)[0])
    assert unread == {"doctype:hologram"}
    texts = {row["work"]: row["ack"] for row in rows("papers/fulltext.jsonl")}
    printing = [d["bibcode"] for d in rows("papers/ads.jsonl") if "ADS/JAO.ALMA#" in texts[d["work"]]]
    assert set(printing) <= set(records)
    bare = [bibcode for bibcode in printing if not any(field == "ack" for field, _ in records[bibcode].snippets)]
    assert bare == []
    recent = searched(replay, 500, date(2026, 1, 1))[0]
    assert 0 < len(recent) < len(records) / 4


def test_preprints_and_articles_meet_as_promised(replay: ReplayServer, rows: Rows) -> None:
    """Identifiers meet at once, only at ADS, only by DOI, or not at all; thirty pairs are of the last two sorts."""
    preprints = {record.key: record for record in harvested(replay)}
    records = searched(replay, 2_000)[0]
    seen: dict[str, int] = {}
    for paper in rows("truth.jsonl"):
        if paper["pair"] is None or paper["bibcodes"][0] not in records:
            continue
        preprint, article = preprints[paper["arxiv_id"]], records[paper["bibcodes"][0]]
        seen[paper["pair"]] = seen.get(paper["pair"], 0) + 1
        assert article.arxiv_id == (preprint.key if paper["pair"] in ("all", "ads_both") else None)
        assert preprint.doi == (article.doi if paper["pair"] in ("all", "doi_only") else None)
        if paper["pair"] == "unmerged" and paper["prints_code"]:
            assert records[paper["bibcodes"][1]].arxiv_id == preprint.key
            assert article.title != preprint.title
    assert set(seen) == {"all", "ads_both", "doi_only", "unmerged"}
    assert seen["doi_only"] + seen["unmerged"] >= 30


@pytest.mark.parametrize("page_rows", [10_000, 300])
def test_the_registry_is_harvested_whole(replay: ReplayServer, rows: Rows, page_rows: int) -> None:
    """Projects and units come out of the rows of fields as they were put in, however the pages are cut."""
    written = {project["code"]: project for project in rows("projects.jsonl")}
    projects = registered(replay, page_rows)
    assert sorted(project.code for project in projects) == sorted(written)
    for project in projects:
        facts = written[project.code]
        assert (project.title, list(project.co_is)) == (facts["title"], facts["co_is"])
        assert project.pi in (facts["pi"], None)
        assert list(project.bib_references) == list(dict.fromkeys(facts["bib_references"]))
        assert {unit.uid: str(unit.released_on) for unit in project.units} == {
            unit["uid"]: unit["released_on"] for unit in facts["units"]
        }
        assert {unit.uid: unit.exposure_s for unit in project.units} == pytest.approx(
            {unit["uid"]: unit["exposure_s"] for unit in facts["units"]}
        )


def test_the_project_file_is_importable(observatory: Path) -> None:
    """projects.jsonl has the columns the importer documents; only the grammar can refuse the malformed code."""
    body = (observatory / "projects.jsonl").read_bytes()
    gathered = gather("file", "projects.jsonl", jsonl_rows(body))
    assert gathered.refusals == []
    assert gathered.unread == set()
    assert all(project.units and project.state and project.partner for project in gathered.done())
