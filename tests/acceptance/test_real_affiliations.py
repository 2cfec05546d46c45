"""The countries of real affiliations: how many are known, of ADS's answers and of authors' lines at arXiv."""

from __future__ import annotations

import gzip
import json
import re
from itertools import islice
from pathlib import Path

from matching.places import country
from tests.acceptance.test_real_ads import real_documents

_BRACKET = re.compile(r"[^(),]{3,40}\(((?:[^()]|\([^()]*\))+)\)")
_NO_PLACE = re.compile(r"\s*(?:,|and |for the|[\d,\s&]+)|.*(?:additional author|ollaboration|isplayed|others)|.{0,3}$")


def test_almost_every_affiliation_of_ads_has_a_country(real_data: Path) -> None:
    """Of the affiliations that ADS gives, in the words of journals, 98 of 100 tell their country."""
    documents = real_documents(real_data / "ads_responses")
    printed = {one for document in documents for one in document.get("aff") or [] if one.strip(" -")}
    known = {one for one in printed if country(one)}
    assert len(printed) > 200
    assert len(known) / len(printed) > 0.98, sorted(printed - known)


def test_most_short_affiliations_of_arxiv_have_a_country(real_data: Path) -> None:
    """Of what authors wrote in brackets behind a first name until 2018, acronyms and all, 84 of 100 tell it."""
    printed = set()
    with gzip.open(real_data / "arxiv_metadata" / "listings_to_2018.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, 60_000):
            found = _BRACKET.match(json.loads(line).get("authors") or "")
            if found and not _NO_PLACE.match(found[1]):
                printed.add(found[1])
    assert len(printed) > 2_000
    assert sum(country(one) is not None for one in printed) / len(printed) > 0.84
