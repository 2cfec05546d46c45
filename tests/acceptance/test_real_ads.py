"""The readings of ADS on its real answers: documents, bibliography records, library lists."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from harvesters.ads_records import parse_page
from harvesters.protocol import Page

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
        assert float(record.extra.get("read_count", 0)) == float(document.get("read_count") or 0)
        seen.update([f"refereed {is_refereed}", *(["data"] if "data" in record.extra else [])])
    assert seen["refereed True"] > 20
    assert seen["refereed False"] > 40
    assert seen["data"] > 30
