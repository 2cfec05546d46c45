"""The replay server speaks so that the libraries of the real services understand it."""

from __future__ import annotations

import json
import math
import re
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import ads
import feedparser
import pytest
import pyvo
import requests
from ads.search import SearchQuery

from demo.replay import ReplayServer
from tests.demo.conftest import Rows

OAI = "{http://www.openarchives.org/OAI/2.0/}"
RAW = "{http://arxiv.org/OAI/arXivRaw/}"
TOKEN = {"Authorization": "Bearer demo"}


def feed(server: ReplayServer, **parameters: str) -> Any:
    """Ask the arXiv API and parse the answer, whatever its status."""
    return feedparser.parse(requests.get(f"{server.url}/arxiv/api/query", params=parameters, timeout=10).content)


def search(server: ReplayServer, **parameters: str) -> dict[str, Any]:
    """Ask the ADS search and return its JSON."""
    answer = requests.get(f"{server.url}/ads/v1/search/query", params=parameters, headers=TOKEN, timeout=10)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
def client(replay: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ``ads`` package, pointed at the replay server."""
    monkeypatch.setattr(SearchQuery, "HTTP_ENDPOINT", f"{replay.url}/ads/v1/search/query")


def test_arxiv_pages_hold_everything_once(replay: ReplayServer, rows: Rows) -> None:
    """Paging by submission date gives every paper of the window exactly once, with the promised total."""
    query = "(cat:astro-ph.GA OR cat:astro-ph.SR) AND submittedDate:[201701010000 TO 201912312359]"
    ids: list[str] = []
    total = 1
    while len(ids) < total:
        page = feed(
            replay, search_query=query, start=str(len(ids)), max_results="40", sortBy="submittedDate",
            sortOrder="ascending",
        )  # fmt: skip
        assert not page.bozo
        total = int(page.feed.opensearch_totalresults)
        ids += [entry.id.rsplit("/", 1)[1].split("v")[0] for entry in page.entries]
    expected = [
        record["id"]
        for record in rows("papers/arxiv.jsonl")
        if {"astro-ph.GA", "astro-ph.SR"} & set(record["categories"])
        and "2017" <= record["versions"][0]["date"][:4] <= "2019"
    ]
    assert sorted(ids) == sorted(expected)
    assert len(ids) > 60


def test_arxiv_entries_carry_the_facts(replay: ReplayServer, rows: Rows) -> None:
    """Title, authors, comment, DOI, categories and versions come through feedparser as they were written."""
    record = next(r for r in rows("papers/arxiv.jsonl") if r["doi"] and r["journal_ref"] and len(r["versions"]) == 2)
    (entry,) = feed(replay, id_list=record["id"]).entries
    assert entry.id == f"http://arxiv.org/abs/{record['id']}v2"
    assert entry.title == record["title"]
    assert [author.name for author in entry.authors] == record["authors"]
    assert (entry.arxiv_doi, entry.arxiv_journal_ref) == (record["doi"], record["journal_ref"])
    assert [tag.term for tag in entry.tags] == record["categories"]
    assert (entry.published, entry.updated) == tuple(version["date"] for version in record["versions"])
    (first,) = feed(replay, id_list=f"{record['id']}v1").entries
    assert first.id.endswith("v1")


def test_arxiv_errors_are_feeds(replay: ReplayServer) -> None:
    """A malformed id and a page beyond the limits give one entry under /api/errors and status 400."""
    for parameters in ({"id_list": "abc"}, {"search_query": "all:disc", "max_results": "2001"}):
        answer = requests.get(f"{replay.url}/arxiv/api/query", params=parameters, timeout=10)
        assert answer.status_code == 400
        assert "/api/errors" in feedparser.parse(answer.content).entries[0].id
    assert feed(replay, id_list="2601.00001").feed.opensearch_totalresults == "0"


def test_oai_lists_every_record_over_its_tokens(replay: ReplayServer, rows: Rows) -> None:
    """Resumption tokens lead through all records; withdrawn and versioned papers are among them."""
    parameters = {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "set": "physics:astro-ph"}
    ids: list[str] = []
    pages = 0
    while True:
        root = ET.fromstring(requests.get(f"{replay.url}/arxiv/oai", params=parameters, timeout=10).content)
        ids += [str(raw.findtext(f"{RAW}id")) for raw in root.iter(f"{RAW}arXivRaw")]
        pages += 1
        token = root.findtext(f".//{OAI}resumptionToken")
        if not token:
            break
        parameters = {"verb": "ListRecords", "resumptionToken": token}
    assert sorted(ids) == sorted(record["id"] for record in rows("papers/arxiv.jsonl"))
    assert pages > 2


def test_oai_lists_headers_alone(replay: ReplayServer) -> None:
    """ListIdentifiers names the papers that ListRecords gives for the same days, and nothing more of them."""
    found = []
    for verb in ("ListRecords", "ListIdentifiers"):
        asked = {"verb": verb, "metadataPrefix": "arXivRaw", "set": "physics:astro-ph", "until": "2024-12-31"}
        root = ET.fromstring(requests.get(f"{replay.url}/arxiv/oai", params=asked, timeout=10).content)
        found.append([identifier.text for identifier in root.iter(f"{OAI}identifier")])
    assert found[0] == found[1] != []
    assert root.find(f".//{OAI}record") is None


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"verb": "ListRecords", "resumptionToken": "nonsense"}, "badResumptionToken"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc"}, "cannotDisseminateFormat"),
        ({"verb": "ListRecords", "metadataPrefix": "arXivRaw", "from": "2999-01-01"}, "noRecordsMatch"),
        ({"verb": "GetRecord", "metadataPrefix": "arXivRaw", "identifier": "oai:arXiv.org:1"}, "idDoesNotExist"),
        ({"verb": "Sing"}, "badVerb"),
    ],
)
def test_oai_errors_have_their_codes(replay: ReplayServer, parameters: dict[str, str], code: str) -> None:
    """Protocol errors come with status 200 and the code of the standard."""
    answer = requests.get(f"{replay.url}/arxiv/oai", params=parameters, timeout=10)
    error = ET.fromstring(answer.content).find(f"{OAI}error")
    assert answer.status_code == 200
    assert error is not None
    assert error.get("code") == code


def test_oai_identifies_itself(replay: ReplayServer) -> None:
    """Identify says the granularity and how deletions are kept."""
    answer = requests.get(f"{replay.url}/arxiv/oai", params={"verb": "Identify"}, timeout=10)
    assert ET.fromstring(answer.content).findtext(f".//{OAI}granularity") == "YYYY-MM-DD"


def test_eprints_are_the_stored_bytes(replay: ReplayServer, observatory: Path, rows: Rows) -> None:
    """Both doors give the file with its type; version 1 may differ; what is not there is 404."""
    record = next(r for r in rows("papers/arxiv.jsonl") if r["eprint_v1"])
    folder = observatory / "papers" / "eprints"
    for door, file in (("e-print", record["eprint"]), ("src", record["eprint"])):
        answer = requests.get(f"{replay.url}/arxiv/{door}/{record['id']}", timeout=10)
        assert answer.content == (folder / file).read_bytes()
        assert answer.headers["Content-Type"] == record["content_type"]
    first = requests.get(f"{replay.url}/arxiv/e-print/{record['id']}v1", timeout=10)
    assert first.content == (folder / record["eprint_v1"]).read_bytes()
    assert requests.get(f"{replay.url}/arxiv/e-print/{record['id']}v9", timeout=10).status_code == 404
    assert requests.get(f"{replay.url}/arxiv/e-print/../../summary.json", timeout=10).status_code == 404


def test_ads_needs_a_token(replay: ReplayServer) -> None:
    """Without a token the answer is 401 and JSON."""
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "demo"}):
        answer = requests.get(f"{replay.url}/ads/v1/search/query", params={"q": "disc"}, headers=headers, timeout=10)
        assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})


@pytest.mark.usefixtures("client")
def test_the_ads_package_pages_to_the_end(rows: Rows) -> None:
    """Cursor paging through the ``ads`` package gives numFound distinct articles, all of which print the prefix."""
    query = SearchQuery(q='full:"ADS/JAO.ALMA"', fl=["bibcode", "doctype"], rows=50, max_pages=99, token="demo")
    articles = list(query)
    texts = {row["work"]: row["ack"] for row in rows("papers/fulltext.jsonl")}
    works = {document["bibcode"]: document["work"] for document in rows("papers/ads.jsonl")}
    assert len(articles) == query.response.numFound > 200
    assert len({article.bibcode for article in articles}) == len(articles)
    assert all(re.search(r"ADS/JAO\. ?ALMA", texts[works[article.bibcode]]) for article in articles)
    limits = query.response.get_ratelimits()
    assert limits["limit"] == "5000"
    assert 0 < int(limits["remaining"]) < 5000
    assert isinstance(articles[0], ads.search.Article)


def test_ads_hides_what_it_may_not_hand_out(replay: ReplayServer) -> None:
    """Body and acknowledgement can be searched, never returned; rows default to 10 and stop at 2,000."""
    found = search(replay, q="ack:referee", fl="bibcode,ack,body,work,title")
    assert len(found["response"]["docs"]) == 10 < found["response"]["numFound"]
    assert all(set(document) == {"bibcode", "title"} for document in found["response"]["docs"])
    assert search(replay, q="*:*", rows="9999")["responseHeader"]["params"]["rows"] == "2000"


def test_ads_highlights_are_short_and_marked(replay: ReplayServer) -> None:
    """Snippets stand under the internal id, mark the words, and vanish when hl.fragsize is asked for."""
    query = {"q": 'ack:"ADS/JAO.ALMA"', "fl": "id,bibcode", "rows": "20", "hl": "true", "hl.fl": "ack,body"}
    found = search(replay, **query)
    for document in found["response"]["docs"]:
        (snippet,) = found["highlighting"][document["id"]]["ack"][:1]
        assert "<em>ADS</em>" in snippet
        assert len(re.sub(r"</?em>", "", snippet)) <= 130
    lost = search(replay, **query, **{"hl.fragsize": "500"})
    assert not any(lost["highlighting"].values())


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("year:2019", lambda d: d["year"] == "2019"),
        ("year:2018-2020", lambda d: "2018" <= d["year"] <= "2020"),
        ("bibgroup:ALMA", lambda d: "ALMA" in d["bibgroup"]),
        ("property:refereed", lambda d: "REFEREED" in d["property"]),
        ("entdate:[2024-01-01 TO *]", lambda d: d["entdate"] >= "2024-01-01"),
        ("metadata_mtime:[2024-01-01T00:00:00Z TO *]", lambda d: d["metadata_mtime"] >= "2024-01-01T00:00:00Z"),
        ("doctype:phdthesis", lambda d: d["doctype"] == "phdthesis"),
        ("doctype:(eprint OR erratum) -year:2026", lambda d: d["doctype"] != "article" and d["year"] != "2026"),
        ("citation_count:[100 TO *]", lambda d: d["citation_count"] >= 100),
    ],
)
def test_ads_fields_select_as_they_say(replay: ReplayServer, rows: Rows, query: str, test: Any) -> None:
    """Each query gives exactly the documents that a plain loop over the file gives."""
    found = search(replay, q=query, fl="bibcode", rows="2000")
    expected = [document["bibcode"] for document in rows("papers/ads.jsonl") if test(document)]
    if "OR erratum" in query:
        kinds = {document["bibcode"]: document["doctype"] for document in rows("papers/ads.jsonl")}
        expected = [bibcode for bibcode in expected if kinds[bibcode] in ("eprint", "erratum")]
    assert sorted(document["bibcode"] for document in found["response"]["docs"]) == sorted(expected)
    assert expected


def test_ads_sorts(replay: ReplayServer) -> None:
    """Sorting by a field and direction orders the documents."""
    found = search(replay, q="*:*", fl="citation_count", sort="citation_count desc,id desc", rows="300")
    counts = [document["citation_count"] for document in found["response"]["docs"] if document]
    assert counts == sorted(counts, reverse=True)


def test_ads_refuses_unknown_fields_in_json(replay: ReplayServer) -> None:
    """An undefined field and a broken query are status 400 with Solr's error object."""
    for query in ("nonsense:disc", "(disc"):
        answer = requests.get(f"{replay.url}/ads/v1/search/query", params={"q": query}, headers=TOKEN, timeout=10)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == 400


def test_ads_bigquery_and_metrics(replay: ReplayServer, rows: Rows) -> None:
    """A list of bibcodes gives those documents; old preprint bibcodes lead to the article; metrics add up."""
    documents = [d for d in rows("papers/ads.jsonl") if d["alternate_bibcode"]][:20]
    body = "bibcode\n" + "\n".join(document["alternate_bibcode"][0] for document in documents)
    answer = requests.post(
        f"{replay.url}/ads/v1/search/bigquery", params={"q": "*:*", "fl": "bibcode", "rows": "2000"}, data=body,
        headers=TOKEN, timeout=10,
    )  # fmt: skip
    found = {document["bibcode"] for document in answer.json()["response"]["docs"]}
    assert found == {document["bibcode"] for document in documents}
    asked = {"bibcodes": [*found, "2020nowhere....1X"], "types": ["basic", "citations"]}
    metrics = requests.post(f"{replay.url}/ads/v1/metrics", json=asked, headers=TOKEN, timeout=10).json()
    assert metrics["skipped bibcodes"] == ["2020nowhere....1X"]
    total = sum(document["citation_count"] for document in documents)
    assert metrics["citation stats"]["total number of citations"] == total


def test_tap_gives_one_row_per_field(replay: ReplayServer, rows: Rows, observatory: Path) -> None:
    """pyvo reads the registry in slices by code; dates, authors and bibcodes are as the projects have them."""
    fields = json.loads((observatory / "fields.json").read_text())
    service = pyvo.dal.TAPService(f"{replay.url}/tap")
    columns = (
        "proposal_id, obs_title, pi_name, proposal_authors, member_ous_uid, obs_release_date, bib_reference, t_min"
    )
    seen: dict[str, set[str]] = {}
    count, last = 0, ""
    while True:
        query = f"SELECT TOP 900 {columns} FROM ivoa.obscore WHERE proposal_id > '{last}' ORDER BY proposal_id"
        table = service.run_sync(query)
        for row in table:
            seen.setdefault(row["proposal_id"], set()).add(row["member_ous_uid"])
        count += len(table)
        if len(table) < 900:
            break
        whole = sorted(seen)[:-1]  # the last project may be cut by TOP: its rows come again
        count -= sum(row["proposal_id"] == sorted(seen)[-1] for row in table)
        del seen[sorted(seen)[-1]]
        last = whole[-1]
    projects = {project["code"]: project for project in rows("projects.jsonl")}
    assert seen == {code: {unit["uid"] for unit in project["units"]} for code, project in projects.items()}
    assert count == sum(len(targets) for targets in fields.values()) + 1
    code = next(code for code, project in projects.items() if project["bib_references"])
    (first, *_) = service.run_sync(f"SELECT {columns} FROM ivoa.obscore WHERE proposal_id = '{code}'")
    assert first["proposal_authors"].split("; ") == [projects[code]["pi"], *projects[code]["co_is"]]
    assert first["bib_reference"].split() == projects[code]["bib_references"]
    assert first["obs_release_date"][:10] in {unit["released_on"] for unit in projects[code]["units"]}


def test_tap_marks_undated_and_unobserved_units(replay: ReplayServer) -> None:
    """A unit without a date has the archive's far-future release and no start."""
    service = pyvo.dal.TAPService(f"{replay.url}/tap")
    table = service.run_sync(
        "SELECT proposal_id, t_min, data_rights FROM ivoa.obscore WHERE obs_release_date LIKE '3000-01-01%'"
    ).to_table()
    assert len(table) > 3
    assert all(math.isnan(value) for value in table["t_min"].filled(math.nan))
    assert set(table["data_rights"]) == {"Proprietary"}


@pytest.mark.parametrize(
    ("condition", "test"),
    [
        ("proposal_id BETWEEN '2015.1' AND '2016.1'", lambda code: "2015.1" <= code <= "2016.1"),
        ("proposal_id LIKE '%.A.%' OR proposal_id LIKE '%.L'", lambda code: ".A." in code or code.endswith(".L")),
        ("NOT (proposal_id >= '2016' AND proposal_id < '2018')", lambda code: not "2016" <= code < "2018"),
        ("proposal_id IN ('2011.0.00001.CAL', 'x')", lambda code: code == "2011.0.00001.CAL"),
        ("proposal_id <> '2011.0.00001.CAL' AND obs_title IS NOT NULL", lambda code: code != "2011.0.00001.CAL"),
    ],
)
def test_tap_conditions(replay: ReplayServer, rows: Rows, condition: str, test: Any) -> None:
    """WHERE selects what it says."""
    query = f"SELECT DISTINCT proposal_id FROM ivoa.obscore WHERE {condition} ORDER BY proposal_id"
    table = pyvo.dal.TAPService(f"{replay.url}/tap").run_sync(query)
    expected = sorted(project["code"] for project in rows("projects.jsonl") if test(project["code"]))
    assert list(table["proposal_id"]) == expected
    assert expected


def test_tap_says_when_it_cuts(replay: ReplayServer) -> None:
    """More rows than MAXREC are an overflow, said after the table; TOP is none."""
    service = pyvo.dal.TAPService(f"{replay.url}/tap")
    cut = service.run_sync("SELECT proposal_id FROM ivoa.obscore", maxrec=7)
    assert (len(cut), cut.status[0]) == (7, "OVERFLOW")
    whole = service.run_sync("SELECT TOP 7 proposal_id FROM ivoa.obscore", maxrec=8)
    assert (len(whole), whole.status[0]) == (7, "OK")


@pytest.mark.parametrize("query", ["SELECT nope FROM ivoa.obscore", "SELECT * FROM secrets", "DROP TABLE x", "SELECT"])
def test_tap_refuses_in_votable(replay: ReplayServer, query: str) -> None:
    """A query it cannot answer is a query error to pyvo."""
    with pytest.raises(pyvo.dal.DALQueryError):
        pyvo.dal.TAPService(f"{replay.url}/tap").run_sync(query)


def test_tap_describes_itself(replay: ReplayServer) -> None:
    """Capabilities and tables are read by pyvo."""
    service = pyvo.dal.TAPService(f"{replay.url}/tap")
    assert service.hardlimit == 50_000
    assert "proposal_id" in {column.name for column in service.tables["ivoa.obscore"].columns}


def test_each_fault_strikes_once(observatory: Path) -> None:
    """The second page is empty, the fourth HTML, the sixth cut; asked again, each is whole. An e-print waits once."""
    query = {"search_query": "cat:astro-ph.GA", "max_results": "100"}
    with ReplayServer(observatory) as server:
        answers = [requests.get(f"{server.url}/arxiv/api/query", params=query, timeout=10) for _ in range(8)]
        name = feedparser.parse(answers[0].content).entries[0].id.rsplit("/", 1)[1]
        prints = [requests.get(f"{server.url}/arxiv/e-print/{name}", timeout=10) for _ in range(5)]
        assert len(server.services.faults.struck) == 4
    feeds = [feedparser.parse(answer.content) for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * 8
    assert [len(parsed.entries) for parsed in feeds[:5]] == [100, 0, 100, 0, 100]
    assert int(feeds[1].feed.opensearch_totalresults) >= 100
    assert "Rate exceeded" in answers[3].text
    assert "html" in answers[3].headers["Content-Type"]
    assert feeds[5].bozo
    assert [len(parsed.entries) for parsed in feeds[6:]] == [100, 100]
    assert [answer.status_code for answer in prints] == [200, 200, 503, 200, 200]
    assert prints[2].headers["Retry-After"] == "1"


def test_the_services_can_stand_as_on_an_earlier_day(observatory: Path, rows: Rows) -> None:
    """Later papers, versions, articles and deliveries are not there yet; the preprint of a later article is."""
    with ReplayServer(observatory, with_faults=False) as server:
        today = {d["id"]: d for d in search(server, q="*:*", fl="id,bibcode,doctype", rows="2000")["response"]["docs"]}
        assert requests.post(f"{server.url}/replay/day", data="2019-06-30", timeout=10).status_code == 200
        then = search(server, q="*:*", fl="id,bibcode,doctype,entdate,alternate_bibcode", rows="2000")["response"]
        newest = feed(server, search_query="all:*", sortBy="submittedDate", max_results="2000")
        table = pyvo.dal.TAPService(f"{server.url}/tap").run_sync("SELECT obs_release_date, t_min FROM ivoa.obscore")
        assert requests.post(f"{server.url}/replay/day", data="tomorrow", timeout=10).status_code == 400
        server.show(date(2999, 1, 1))
        assert search(server, q="*:*", rows="0")["response"]["numFound"] == len(today)
    assert 0 < then["numFound"] < len(today)
    assert all(document["entdate"] <= "2019-06-30" for document in then["docs"])
    moved = [d for d in then["docs"] if d["doctype"] == "eprint" and today[d["id"]]["doctype"] != "eprint"]
    assert len(moved) > 3
    old = {d["alternate_bibcode"][0]: d["bibcode"] for d in rows("papers/ads.jsonl") if d["alternate_bibcode"]}
    assert all(old[document["bibcode"]] == today[document["id"]]["bibcode"] for document in moved)
    assert max(entry.published for entry in newest.entries) < "2019-07"
    assert max(entry.updated for entry in newest.entries) < "2019-07"
    assert len(newest.entries) > 50
    assert max(table["t_min"]) < 58_664  # 2019-06-30


def test_unknown_doors_are_closed(replay: ReplayServer) -> None:
    """Everything else is 404."""
    for path in ("/", "/arxiv", "/ads/v1/biblib", "/tap/async", "/summary.json"):
        assert requests.get(f"{replay.url}{path}", headers=TOKEN, timeout=10).status_code == 404


def test_tap_works_on_queries_by_itself(replay: ReplayServer, rows: Rows) -> None:
    """A job is made, started, looked at, fetched and deleted (UWS 1.1); different codes can be counted."""
    query = {"LANG": "ADQL", "QUERY": "SELECT COUNT(DISTINCT proposal_id) AS n FROM ivoa.obscore"}
    made = requests.post(f"{replay.url}/tap/async", data=query, timeout=10)
    job = made.url
    assert "<uws:phase>PENDING<" in made.text
    looks = [requests.post(f"{job}/phase", data={"PHASE": "RUN"}, timeout=10)]
    looks += [requests.get(job, timeout=10) for _ in range(2)]
    assert [re.findall(r"phase>(\w+)<", look.text) for look in looks] == [["QUEUED"], ["EXECUTING"], ["COMPLETED"]]
    (place,) = re.findall(r'href="([^"]+)"', looks[-1].text)
    counted = int(re.findall(r"<TD>(\d+)</TD>", requests.get(place, timeout=10).text)[0])
    assert 400 < counted <= len(rows("projects.jsonl"))
    assert requests.delete(job, timeout=10).status_code == 200
    assert replay.services.tap.jobs_left == 0
    assert requests.get(job, timeout=10).status_code == 404
