"""What ADS, arXiv, lists and people let us show, at every public door."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from biblio.catalogue.corrections import correct
from biblio.catalogue.links import relate
from biblio.catalogue.papers import absorb_records
from biblio.runtime import Runtime
from biblio.store.words import RelationKind, Role
from biblio.webkit import PUBLIC
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.catalogue.records import article, preprint
from tests.factories import accept, add_project
from tests.web.visitors import Visitor, add_person

CODE = "2013.1.00020.S"
OF_ADS = ("ABSTRACT-OF-ADS", "KEYWORD-OF-ADS", "AFFILIATION-OF-ADS", "98765", "SNIPPET-OF-ADS")


def of_ads(number: int, **changes: object) -> HarvestedRecord:
    """A paper as ADS gives it, with everything that its terms keep inside."""
    record = article(
        key=f"2021ApJ...900....{number}D",
        bibcode=f"2021ApJ...900....{number}D",
        doi=f"10.9999/terms.{number}",
        title=f"Public title {number}",
        abstract="ABSTRACT-OF-ADS",
        keywords=("KEYWORD-OF-ADS",),
        authors=(HarvestedAuthor("Doe, Jane", affiliation="AFFILIATION-OF-ADS"),),
        citation_count=98765,
        arxiv_id=f"2101.0000{number}",
        snippets=(("ack", "SNIPPET-OF-ADS"),),
    )
    return replace(record, **changes)  # type: ignore[arg-type]


@pytest.fixture
def listed(runtime: Runtime) -> dict[str, int]:
    """Public papers by what is known of them: of ADS alone, with arXiv's abstract, with a list's, with a person's."""
    librarian = add_person(runtime, Role.LIBRARIAN)
    now = runtime.clock.now()
    told = {
        "ads": [of_ads(1)],
        "arxiv": [of_ads(2), preprint(source="arxiv-oai", key="2101.00002", arxiv_id="2101.00002", title="Public title 2",
                                      abstract="ABSTRACT-OF-ARXIV")],
        "list": [of_ads(3), replace(of_ads(3), source="telbib", abstract="ABSTRACT-OF-A-LIST", keywords=())],
        "person": [of_ads(4)],
    }  # fmt: skip
    found: dict[str, int] = {}
    with runtime.store.writing() as session:
        project = add_project(session, CODE)
        for name, records in told.items():
            found[name] = absorb_records(session, records, payload_sha256=None, now=now)[-1].paper_id
            accept(session, librarian, found[name], project)
            relate(session, librarian, paper_id=found[name], relation=RelationKind.SCIENCE, now=now)
        correct(session, librarian, found["person"], "abstract", "ABSTRACT-OF-A-PERSON", now=now)
    return found


def public_addresses(app: Flask, papers: dict[str, int]) -> list[str]:
    """Every public address of the application that can be asked for, in every form it comes in."""
    addresses = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            if "GET" not in (rule.methods or ()) or getattr(view, "biblio_action", PUBLIC) != PUBLIC:
                continue
            values = {"paper_id": papers.values(), "code": [CODE]}
            if not set(rule.arguments) <= set(values):
                continue
            for value in values[next(iter(rule.arguments))] if rule.arguments else [None]:
                given: dict[str, Any] = {next(iter(rule.arguments)): value} if rule.arguments else {}
                built = app.url_for(rule.endpoint, **given, _external=False)
                addresses += [built, *(f"{built}?q=&format={kind}" for kind in ("csv", "bib", "json", "atom", "rss"))]
    return addresses


def test_no_public_door_shows_what_ads_made(app: Flask, listed: dict[str, int]) -> None:
    """Pages, files, API: wherever the papers stand, nothing of ADS but facts stands beside them."""
    addresses = public_addresses(app, listed)
    naming = []
    for address in addresses:
        text = Visitor(app).get(address).get_data(as_text=True)
        assert not [words for words in OF_ADS if words in text], address
        if "Public title" in text:
            naming.append(address.partition("?")[0])
    assert {
        "/",
        f"/paper/{listed['ads']}",
        f"/project/{CODE}",
        "/api/papers.json",
        f"/api/projects/{CODE}.json",
    } <= set(naming)


@pytest.mark.parametrize(
    ("whose", "words"),
    [("arxiv", "ABSTRACT-OF-ARXIV"), ("list", "ABSTRACT-OF-A-LIST"), ("person", "ABSTRACT-OF-A-PERSON")],
)
def test_what_may_be_shown_is_shown(app: Flask, listed: dict[str, int], whose: str, words: str) -> None:
    """An abstract from arXiv, from a list or from a person stands on the paper's page and in the API."""
    page = Visitor(app).get(f"/paper/{listed[whose]}").get_data(as_text=True)
    assert words in page
    assert ("CC0" in page) == (whose == "arxiv")
    papers = Visitor(app).get("/api/papers.json").get_json()["papers"]
    told = {paper["id"]: (paper["abstract"], paper["abstract_from"]) for paper in papers}
    assert told[listed[whose]][0] == words
    assert told[listed["ads"]] == (None, None)


def test_facts_of_ads_are_shown(app: Flask, listed: dict[str, int]) -> None:
    """Title, authors, year, journal reference, identifiers and the link to ADS itself."""
    page = Visitor(app).get(f"/paper/{listed['ads']}").get_data(as_text=True)
    for words in (
        "Public title 1",
        "Doe, Jane",
        "The Astrophysical Journal",
        "10.9999/terms.1",
        "ui.adsabs.harvard.edu",
    ):
        assert words in page
