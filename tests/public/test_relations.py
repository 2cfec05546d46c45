"""Links between papers and data: Scholix packages and DataCite's related identifiers, by their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from biblio.catalogue.links import Ruling, decide, relate
from biblio.observatory import load
from biblio.public.feature import feature as public
from biblio.public.feed_commands import feed
from biblio.public.feeds import FEEDS, provider
from biblio.public.relations import MOST_CREATORS, in_slices, read_links, scholix
from biblio.runtime import Runtime
from biblio.store.models import Paper
from biblio.store.words import RelationKind, Scheme, Verdict
from biblio.web import create_app
from tests.factories import LEARNED, accept, add_paper, add_project, add_user

FIRST, SECOND = "2016.1.00001.S", "2017.1.00002.S"
LATER = LEARNED + timedelta(days=90)
TEXT = {"type": "string", "minLength": 1}


def shape(required: str, optional: str = "", **properties: Any) -> dict[str, Any]:
    """A JSON object of text fields with these names, but for those given, and no others."""
    names = f"{required} {optional}".split()
    fields = dict.fromkeys(names, TEXT) | properties
    return {"type": "object", "additionalProperties": False, "required": required.split(), "properties": fields}


IDENTIFIER = shape("ID IDScheme", "IDURL")
PARTY = shape("Name", Identifier={"type": "array", "items": IDENTIFIER})
PARTIES = {"type": "array", "minItems": 1, "items": PARTY}
THING = shape(
    "Identifier Type",
    "Title PublicationDate",
    Identifier=IDENTIFIER,
    Type=shape("Name", "SubType SubTypeSchema", Name={"enum": ["literature", "dataset", "unknown"]}),
    Creator=PARTIES,
    Publisher=PARTIES,
)
SCHOLIX = shape(
    "LinkPublicationDate LinkProvider RelationshipType Source Target",
    "LicenseURL",
    LinkPublicationDate={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
    LinkProvider=PARTIES,
    RelationshipType=shape(
        "Name",
        "SubType SubTypeSchema",
        Name={"enum": ["IsSupplementTo", "IsSupplementedBy", "References", "IsReferencedBy", "IsRelatedTo"]},
    ),
    Source=THING,
    Target=THING,
)
"""What the Scholix metadata schema 3.0 lays down for a link information package, in our words."""

RELATED = shape(
    "relatedIdentifier relatedIdentifierType relationType",
    relatedIdentifierType={"enum": ["DOI", "bibcode", "arXiv", "URL"]},
    relationType={"enum": ["IsReferencedBy", "References", "IsCitedBy", "Cites"]},
    resourceTypeGeneral={"enum": ["JournalArticle", "Preprint"]},
)
DATACITE = shape(
    "publisher schemaVersion url",
    identifiers={"type": "array", "minItems": 1, "items": shape("identifier identifierType")},
    types=shape("resourceTypeGeneral"),
    titles={"type": "array", "minItems": 1, "items": shape("title")},
    relatedIdentifiers={"type": "array", "items": RELATED},
)
"""Those properties of DataCite's metadata schema 4 that a record here has."""


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Another service."""
    return app.test_client()


def fill(session: Session) -> dict[str, int]:
    """Add an article of two projects (the second learned later), a preprint of one, and a paper that nobody can name."""
    ines = add_user(session)
    first, second = add_project(session, FIRST), add_project(session, SECOND)
    named = {Scheme.DOI: "10.9999/rings", Scheme.BIBCODE: "2019ApJ...870...22C", Scheme.ARXIV: "1901.00001"}
    article = add_paper(session, "Rings <i>and</i> gaps", identifiers=named)
    preprint = add_paper(
        session, "Early", is_refereed=False, kind="eprint", identifiers={Scheme.ARXIV: "2001.00001"}, year=2020
    )
    accept(session, ines, article, first)
    accept(session, ines, preprint, first)
    accept(session, ines, article, second, now=LATER)
    return {"article": article, "preprint": preprint, "first": first, "second": second}


def test_a_link_package_is_what_scholix_lays_down(client: FlaskClient, runtime: Runtime) -> None:
    """A paper references a project's data; names, address and terms come from profile and settings."""
    with runtime.store.writing() as session:
        fill(session)
    answer = client.get("/feeds/scholix.json").get_json()
    for package in answer["result"]:
        jsonschema.validate(package, SCHOLIX)
    assert {name: answer[name] for name in ("currentPage", "totalPages", "totalLinks", "next")} == {
        "currentPage": 1,
        "totalPages": 1,
        "totalLinks": 3,
        "next": None,
    }
    assert answer["result"][0] == {
        "LinkPublicationDate": "2026-01-01",
        "LinkProvider": [
            {
                "Name": "Atacama Large Millimeter/submillimeter Array",
                "Identifier": [
                    {"ID": "http://127.0.0.1:8000", "IDScheme": "url", "IDURL": "http://127.0.0.1:8000"},
                ],
            }
        ],
        "RelationshipType": {"Name": "References"},
        "LicenseURL": "https://creativecommons.org/publicdomain/zero/1.0/",
        "Source": {
            "Identifier": {"ID": "10.9999/rings", "IDScheme": "doi", "IDURL": "https://doi.org/10.9999/rings"},
            "Type": {"Name": "literature", "SubType": "journal article"},
            "Title": "Rings and gaps",
            "Creator": [{"Name": "Ahn, B."}, {"Name": "Berg, L."}],
            "PublicationDate": "2019",
        },
        "Target": {
            "Identifier": {
                "ID": f"ADS/JAO.ALMA#{FIRST}",
                "IDScheme": "ads-dataset",
                "IDURL": f"https://almascience.org/aq/?projectCode={FIRST}",
            },
            "Type": {"Name": "dataset"},
            "Title": f"ALMA project {FIRST}",
            "Publisher": [{"Name": "Atacama Large Millimeter/submillimeter Array"}],
        },
    }
    assert answer["result"][1]["Source"]["Identifier"]["IDScheme"] == "arxiv"
    assert answer["result"][1]["Source"]["Type"]["SubType"] == "preprint"


def test_an_observatory_that_says_nothing_is_called_by_its_address(sqlite_runtime: Runtime) -> None:
    """Without identifier, terms and archive page in the profile a project is its permanent address here."""
    runtime = replace(sqlite_runtime, profile=load("eso"))
    with runtime.store.writing() as session:
        fill(session)
    with runtime.store.reading() as session:
        links = read_links(session)
        package = scholix(session, links.at([0]), provider(runtime))[0]
    jsonschema.validate(package, SCHOLIX)
    address = f"http://127.0.0.1:8000/project/{FIRST}"
    assert package["Target"]["Identifier"] == {"ID": address, "IDScheme": "url", "IDURL": address}
    assert "LicenseURL" not in package


def test_related_identifiers_are_datacites(client: FlaskClient, runtime: Runtime) -> None:
    """Each project has all its papers, as data that are referenced by them."""
    with runtime.store.writing() as session:
        fill(session)
    answer = client.get("/feeds/datacite.json").get_json()
    for record in answer["result"]:
        jsonschema.validate(record, DATACITE)
    first, second = answer["result"]
    assert answer["totalProjects"] == 2
    assert first["identifiers"] == [{"identifier": f"ADS/JAO.ALMA#{FIRST}", "identifierType": "ads-dataset"}]
    assert first["relatedIdentifiers"] == [
        {
            "relatedIdentifier": "10.9999/rings",
            "relatedIdentifierType": "DOI",
            "relationType": "IsReferencedBy",
            "resourceTypeGeneral": "JournalArticle",
        },
        {
            "relatedIdentifier": "arXiv:2001.00001",
            "relatedIdentifierType": "arXiv",
            "relationType": "IsReferencedBy",
            "resourceTypeGeneral": "Preprint",
        },
    ]
    assert [one["relatedIdentifier"] for one in second["relatedIdentifiers"]] == ["10.9999/rings"]


def pages(client: FlaskClient, address: str) -> Iterator[dict[str, Any]]:
    """Every page from an address on, as a harvester follows them."""
    following: str | None = address
    while following:
        page = client.get(following.removeprefix("http://127.0.0.1:8000")).get_json()
        yield page
        following = page["next"]


@pytest.mark.parametrize("feed_name", ["scholix.json", "datacite.json", "archive.csv"])
def test_a_tag_changes_with_what_the_profile_says(client: FlaskClient, runtime: Runtime, feed_name: str) -> None:
    """Who asks again after the profile was changed is given the feed anew, though no paper has changed."""
    links = runtime.profile.data_links.model_copy(update={"license_url": "https://example.org/licence"})
    changed = replace(runtime, profile=runtime.profile.model_copy(update={"data_links": links}))
    tag = {"If-None-Match": client.get(f"/feeds/{feed_name}").headers["ETag"]}
    assert client.get(f"/feeds/{feed_name}", headers=tag).status_code == 304
    anew = create_app(changed, features=[public]).test_client()
    assert anew.get(f"/feeds/{feed_name}", headers=tag).status_code == 200


@pytest.mark.parametrize("kind", ["scholix", "datacite"])
def test_pages_hold_everything_once(client: FlaskClient, runtime: Runtime, kind: str) -> None:
    """However many stand on a page, following ``next`` gives what one page gives."""
    with runtime.store.writing() as session:
        ines = add_user(session)
        projects = [add_project(session, f"2018.1.{number:05d}.S") for number in range(5)]
        for number in range(4):
            paper = add_paper(session, f"Paper {number}")
            for project in projects[number:]:
                accept(session, ines, paper, project, now=LEARNED + timedelta(days=number % 3))
    whole = client.get(f"/feeds/{kind}.json").get_json()["result"]
    assert len(whole) == (14 if kind == "scholix" else 5)
    parts = [one for page in pages(client, f"/feeds/{kind}.json?size=2") for one in page["result"]]
    assert parts == whole
    assert client.get(f"/feeds/{kind}.json?size=2&page=99").get_json()["result"] == []
    steered = client.get(f"/feeds/{kind}.json?size=2&_scheme=x&endpoint=y&_anchor=z").get_json()["next"]
    assert steered == f"http://127.0.0.1:8000/feeds/{kind}.json?size=2&page=2"


def test_who_has_read_as_far_as_a_day_reads_on_from_there(client: FlaskClient, runtime: Runtime) -> None:
    """``since`` gives what became known then or later; the order is that in which it did."""
    with runtime.store.writing() as session:
        fill(session)
    found = client.get("/feeds/scholix.json").get_json()["result"]
    assert [one["LinkPublicationDate"] for one in found] == ["2026-01-01", "2026-01-01", "2026-04-01"]
    for since, count in (("2026-01-01", 3), ("2026-01-02", 1), ("2026-04-01T12:00:00Z", 1), ("2026-04-01T12:00:01%2B00:00", 0)):  # fmt: skip
        assert client.get(f"/feeds/scholix.json?since={since}").get_json()["totalLinks"] == count
    late = client.get("/feeds/datacite.json?since=2026-02-01").get_json()["result"]
    assert [record["identifiers"][0]["identifier"] for record in late] == [f"ADS/JAO.ALMA#{SECOND}"]


def test_a_paper_that_becomes_science_later_is_learned_later(store: Any) -> None:
    """A link counts from the day on which both are known: whose data, and that it is science."""
    with store.writing() as session:
        ines, project = add_user(session), add_project(session, FIRST)
        paper = add_paper(session)
        accept(session, ines, paper, project, relation=RelationKind.ENGINEERING)
        assert len(read_links(session).papers) == 0
        relate(session, ines, paper_id=paper, relation=RelationKind.SCIENCE, now=LATER)
        links = read_links(session)
        assert [link.learned_at for link in links.at(links.where())] == [LATER]


def test_links_of_one_paper_and_of_one_project(client: FlaskClient, runtime: Runtime) -> None:
    """By the paper's number here (or that of one merged into it) and by the code, whatever its case."""
    with runtime.store.writing() as session:
        known = fill(session)
        old = add_paper(session)
        session.get_one(Paper, old).merged_into_id = known["article"]
    for paper in (known["article"], old):
        assert client.get(f"/feeds/scholix.json?paper={paper}").get_json()["totalLinks"] == 2
    assert client.get(f"/feeds/scholix.json?project={SECOND.lower()}").get_json()["totalLinks"] == 1
    assert client.get("/feeds/scholix.json?project=2099.1.00001.S").get_json()["totalLinks"] == 0
    assert client.get("/feeds/scholix.json?paper=987654").status_code == 404
    assert client.get("/feeds/scholix.json?paper=x").status_code == 404


@pytest.mark.parametrize(
    "question", ["since=yesterday", "page=0", "page=x", "size=1001", "size=-1", "since=9999-99-99"]
)
def test_wrong_questions_are_refused(client: FlaskClient, question: str) -> None:
    """With status 400 and what would be right."""
    assert client.get(f"/feeds/scholix.json?{question}").status_code == 400


def test_a_link_that_is_taken_back_is_gone(client: FlaskClient, runtime: Runtime) -> None:
    """The tag changes and the link is no longer there; without a change the answer is 304."""
    with runtime.store.writing() as session:
        known = fill(session)
    tag = client.get("/feeds/scholix.json").headers["ETag"]
    assert client.get("/feeds/scholix.json", headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/feeds/datacite.json", headers={"If-None-Match": tag}).status_code == 200
    with runtime.store.writing() as session:
        berta = add_user(session, username="berta")
        ruling = Ruling(known["article"], known["first"], Verdict.REJECT, version_seen=1, reason="Not its data")
        decide(session, berta, ruling, now=datetime(2026, 11, 22, tzinfo=UTC))
    after = client.get("/feeds/scholix.json", headers={"If-None-Match": tag})
    assert after.get_json()["totalLinks"] == 2


def test_papers_without_a_name_and_with_thousands_of_authors(sqlite_runtime: Runtime) -> None:
    """A paper without any identifier makes no package; of a collaboration the first hundred authors are named."""
    with sqlite_runtime.store.writing() as session:
        ines, project = add_user(session), add_project(session, FIRST)
        many = add_paper(session, authors=[f"Surname{number}, A." for number in range(300)])
        bare = add_paper(session, "Nameless", identifiers={Scheme.DOI: "10.9999/gone"})
        session.connection().exec_driver_sql(f"DELETE FROM paper_identifier WHERE paper_id = {bare}")
        for paper in (many, bare):
            accept(session, ines, paper, project)
    with sqlite_runtime.store.reading() as session:
        links = read_links(session)
        packages = scholix(session, links.at(links.where()), provider(sqlite_runtime))
    assert [len(one["Source"]["Creator"]) for one in packages] == [MOST_CREATORS]
    jsonschema.validate(packages[0], SCHOLIX)


def test_the_commands_write_what_the_addresses_give(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """The same packages and records, as a JSON list; a day that is none is refused."""
    with sqlite_runtime.store.writing() as session:
        fill(session)
    out = tmp_path / "links.json"
    for kind, schema, counts in (("scholix", SCHOLIX, (3, 1)), ("datacite", DATACITE, (2, 1))):
        for asked, count in zip(([], ["--since", "2026-02-01"]), counts, strict=True):
            result = CliRunner().invoke(feed, [kind, "--out", str(out), *asked], obj=lambda: sqlite_runtime)
            assert result.exit_code == 0, result.output
            records = json.loads(out.read_text("utf-8"))
            assert len(records) == count
            for record in records:
                jsonschema.validate(record, schema)
    assert CliRunner().invoke(feed, ["scholix", "--since", "soon"], obj=lambda: sqlite_runtime).exit_code == 2


def test_slices_never_part_a_project(sqlite_runtime: Runtime) -> None:
    """Where a record needs all papers of a project, they come together, however small the slices."""
    with sqlite_runtime.store.writing() as session:
        fill(session)
        links = read_links(session)
    chosen = sorted(links.at(links.where()), key=lambda link: link.code)
    parts = list(in_slices(chosen, 1, whole_projects=True))
    assert [[link.code for link in part] for part in parts] == [[FIRST, FIRST], [SECOND]]
    assert [len(part) for part in in_slices(chosen, 2)] == [2, 1]


def test_a_page_lists_every_feed(client: FlaskClient, app: Flask) -> None:
    """Each address below /feeds with its format and how often it may be asked for, and the pages of papers lead there."""
    listed = client.get("/feeds").get_data(as_text=True)
    addresses = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/feeds/")}
    assert len(addresses) >= 4
    for address in addresses:
        assert f'<a href="{address}">{address}</a>' in listed
    for feed_line in FEEDS:
        assert feed_line.form in listed
        rates = vars(app.view_functions[feed_line.endpoint])["biblio_rates"]
        assert [rate.limit for rate in rates] == [feed_line.rate]
        assert feed_line.rate.replace(" per ", " requests an ") in listed
    for page in ("/", "/?q=", "/api"):
        assert 'href="/feeds"' in client.get(page).get_data(as_text=True), page
