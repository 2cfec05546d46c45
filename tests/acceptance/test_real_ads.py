"""The readings of ADS on its real answers: documents, bibliography records, library lists."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harvesters.ads_lists import AdsBibcodes, library_bibcodes
from harvesters.ads_records import parse_page
from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page
from reports.facts.facilities import facilities_of
from tests.harvesters.servers import QUICK, Reply, serving

_ADDED = frozenset({"mission", "science", "_kpub"})
"""What the collectors of the bibliography added to ADS's own fields."""


def real_documents(folder: Path) -> list[dict[str, Any]]:
    """Every real document there is, complete records of a bibliography among them."""
    lines = (folder / "kpub_ads_records.jsonl").read_text("utf-8").splitlines()
    whole = [{name: v for name, v in json.loads(line).items() if name not in _ADDED} for line in lines]
    merged: list[dict[str, Any]] = json.loads((folder / "ads_docs_merged.json").read_text("utf-8"))
    return merged + whole


def test_properties_data_and_counts_are_read(real_data: Path) -> None:
    """Of all documents: refereed or not as the properties say, archives with their numbers, reads and journal."""
    documents = real_documents(real_data / "ads_responses")
    body = json.dumps({"response": {"numFound": len(documents), "docs": documents}}).encode()
    parsed = parse_page(Page("ads", "real", body, "application/json", {}, True))
    assert (len(parsed.records), parsed.refusals, parsed.unread_fields) == (len(documents), (), ())
    seen: Counter[str] = Counter()
    for record, document in zip(parsed.records, documents, strict=True):
        flags = document.get("property")
        is_refereed = None if flags is None else "REFEREED" in flags
        assert record.is_refereed is is_refereed
        assert record.extra.get("properties", "") == "; ".join(flags or [])
        assert record.extra.get("data", "") == "; ".join(document.get("data") or [])
        assert record.extra.get("bibstem") == next(iter(document.get("bibstem") or []), None)
        seen.update([f"refereed {is_refereed}", *(["data"] if "data" in record.extra else [])])
    assert seen["refereed True"] > 20
    assert seen["refereed False"] > 40
    assert seen["data"] > 30


def polite() -> PoliteSession:
    """A session that does not wait."""
    return PoliteSession("ads", LocalPace({}), contact="library@example.org", limits=QUICK)


def test_library_lists_are_read(real_data: Path) -> None:
    """A whole library is its list; one page of a long one is refused with both numbers."""
    folder = real_data / "ads_responses" / "dev_api_outputs"
    for name, is_whole in (("Libraries_API_Python.9", True), ("Converting_curl_to_python.18", False)):
        body = (folder / f"{name}.json").read_bytes()
        library = json.loads(body)
        count = library["metadata"]["num_documents"]
        with serving(lambda _, body=body: Reply(body, content_type="application/json")) as server:
            if is_whole:
                found = library_bibcodes(polite(), library["metadata"]["id"], "t", server.url)
                assert (found.name, len(found.bibcodes)) == (library["metadata"]["name"], count)
                assert set(found.bibcodes) == set(library["documents"])
            else:
                with pytest.raises(PageRefused, match=f"gave 20 of {count} bibcodes"):
                    library_bibcodes(polite(), library["metadata"]["id"], "t", server.url)


def test_bigquery_answers_are_read(real_data: Path) -> None:
    """The answers of bigquery in the official notebooks give a record for each bibcode they were asked for."""
    folder = real_data / "ads_responses" / "dev_api_outputs"
    for name in ("Search_API.9", "Search_API_Python.10", "Converting_curl_to_python.4"):
        body = (folder / f"{name}.json").read_bytes()
        codes = [document["bibcode"] for document in json.loads(body)["response"]["docs"]]
        with serving(lambda _, body=body: Reply(body, content_type="application/json")) as server:
            source = AdsBibcodes(polite(), [*codes, "2100Fict.0001....1E"], token="t", base_url=server.url)
            (page,) = source.pages({})
        parsed = source.parse(page)
        assert [record.key for record in parsed.records] == codes
        assert [refusal.key for refusal in parsed.refusals] == ["2100Fict.0001....1E"]


def test_bibliographies_of_real_papers_stand_for_observatories(real_data: Path) -> None:
    """Every bibliography that a real record names is one of the file's; which observatory it is, ADS's name tells."""
    documents = real_documents(real_data / "ads_responses")
    answer = json.loads((real_data / "ads_responses/andycasey_ads/solr.example_solr_response.json").read_text("utf-8"))
    documents += answer["response"]["docs"]
    body = json.dumps({"response": {"numFound": len(documents), "docs": documents}}).encode()
    records = parse_page(Page("ads", "real", body, "application/json", {}, True)).records
    listed = {name for record in records for name in record.extra.get("bibgroups", "").split("; ") if name}
    assert listed
    assert {facilities_of([name], None) for name in listed} == {("ESO telescopes",)}
    assert facilities_of(listed, "ESO/Telescopes") == ()
