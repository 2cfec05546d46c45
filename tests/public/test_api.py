"""The API: what it answers is what its description says, for programs that page, filter, ask again and mistype."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from biblio.catalogue.merges import merge
from biblio.public.api import OPERATIONS, PAPER_PARAMETERS
from biblio.public.api_parameters import PROJECT_PARAMETERS
from biblio.public.facets import FACETS
from biblio.runtime import Runtime
from tests.conftest import NOW
from tests.factories import accept, add_paper, add_project
from tests.public.conftest import Shelf
from tests.web.visitors import Visitor

METHODS = {"get"}


@pytest.fixture
def described(app: Flask) -> dict[str, Any]:
    """The description as programs get it."""
    return Visitor(app).get("/api/openapi.json").get_json()  # type: ignore[no-any-return]


def _check(described: dict[str, Any], answer: Any, path: str) -> None:
    """The answer is one of those that the description gives for this address."""
    told = described["paths"][path]["get"]["responses"][str(answer.status_code)]
    if "$ref" in told:
        told = described["components"]["responses"][told["$ref"].rpartition("/")[2]]
    schema = told["content"][answer.mimetype]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(answer.get_json())


def test_the_description_is_sound(described: dict[str, Any]) -> None:
    """OpenAPI 3.1: every reference leads somewhere, every schema is one, names are unique, path parts are described."""
    assert described["openapi"] == "3.1.0"
    assert described["info"].keys() >= {"title", "version"}
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    names = []
    for path, item in described["paths"].items():
        assert set(item) == METHODS
        operation = item["get"]
        names.append(operation["operationId"])
        parameters = operation["parameters"]
        assert len({(p["name"], p["in"]) for p in parameters}) == len(parameters)
        assert {p["name"] for p in parameters if p["in"] == "path"} == {
            part[1:-1] for part in path.split("/") if part.startswith("{")
        }
        for parameter in parameters:
            Draft202012Validator.check_schema(parameter["schema"])
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])
        assert "200" in operation["responses"]
    assert len(set(names)) == len(names)
    for reference in _references(described):
        found: Any = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(told: Any) -> list[str]:
    if isinstance(told, dict):
        own = [told["$ref"]] if isinstance(told.get("$ref"), str) else []
        return own + [one for value in told.values() for one in _references(value)]
    return [one for value in told for one in _references(value)] if isinstance(told, list) else []


def test_every_address_of_the_api_is_described(app: Flask, described: dict[str, Any]) -> None:
    """No route below /api but the description, the page and earlier names is missing from it."""
    former = {operation.former for operation in OPERATIONS}
    served = {
        rule.rule.replace("<int:paper_id>", "{id}").replace("<path:code>", "{code}")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("public.api") and rule.rule not in former
    }
    assert served - set(described["paths"]) == {"/api", "/api/openapi.json", "/api/<path:rest>"}
    assert set(described["paths"]) <= served


def test_answers_are_as_described(app: Flask, shelf: Shelf, described: dict[str, Any]) -> None:
    """Real answers and refusals, against the description."""
    asked = {
        "/api/papers": ["", "?q=rings", "?facets=" + ",".join(FACETS), "?fields=title,identifiers", "?size=1", "?q=zzz",
                        "?year=2019&year=2021&refereed=yes&sort=title", "?yaer=2019", "?size=0", "?sort=citations"],
        "/api/papers/{id}": [f"/{shelf.rings}", f"/{shelf.torus}", f"/{shelf.mention}", "/99999", f"/{shelf.rings}?x=1"],
        "/api/projects": ["", "?q=discs", "?page=7", "?size=1000"],
        "/api/projects/{code}": ["/2013.1.00020.S", "/2013.1.00020.s", "/2015.1.00300.S", "/none"],
    }  # fmt: skip
    assert set(asked) == set(described["paths"])
    seen = set()
    for path, endings in asked.items():
        for ending in endings:
            answer = Visitor(app).get(path.partition("/{")[0] + ending)
            _check(described, answer, path)
            seen.add(answer.status_code)
    assert seen == {200, 400, 404}


def test_a_mistyped_parameter_is_refused_by_name(app: Flask) -> None:
    """A program that mistypes a filter must not be given everything."""
    for query, words in (
        ("yaer=2019", "'yaer'"),
        ("year=19", "year"),
        ("refereed=maybe", "yes, no"),
        ("size=201", "from 1 to 200"),
        ("page=0", "page"),
        ("q=a&q=b", "give it once"),
        ("fields=title,secret", "fields takes"),
        ("cursor=zz", "cursor"),
        ("cursor=ff&sort=title", "order of newest"),
    ):
        answer = Visitor(app).get(f"/api/papers?{query}")
        assert answer.status_code == 400, query
        assert answer.mimetype == "application/problem+json"
        assert words in answer.get_json()["detail"], query


def test_every_parameter_of_the_table_is_taken(app: Flask, shelf: Shelf) -> None:
    """What is described is also read: each parameter with its example, or a plain value."""
    for address, table in (("/api/papers", PAPER_PARAMETERS), ("/api/projects", PROJECT_PARAMETERS)):
        for parameter in table:
            kind = parameter.schema
            is_number = kind["type"] == "integer" or parameter.name == "cursor"
            value = parameter.example or (kind["enum"][0] if "enum" in kind else "1" if is_number else "x")
            answer = Visitor(app).get(address, query_string={parameter.name: value})
            assert answer.status_code == 200, (parameter.name, answer.get_json())


@pytest.mark.usefixtures("shelf")
def test_numbers_are_taken_as_far_as_the_description_says(app: Flask) -> None:
    """The least and the greatest number described are answered, the next beyond them refused."""
    for address, table in (("/api/papers", PAPER_PARAMETERS), ("/api/projects", PROJECT_PARAMETERS)):
        for parameter in table:
            if parameter.schema["type"] == "integer":
                least, most = parameter.schema["minimum"], parameter.schema["maximum"]
                told = [
                    Visitor(app).get(f"{address}?{parameter.name}={n}").status_code
                    for n in (least - 1, least, most, most + 1)
                ]
                assert told == [400, 200, 200, 400], parameter.name


def _many(runtime: Runtime, shelf: Shelf, count: int) -> None:
    with runtime.store.writing() as session:
        project = add_project(session, "2016.1.00001.S")
        for number in range(count):
            accept(session, shelf.librarian, add_paper(session, f"Number {number}", year=2000 + number), project)


def test_a_cursor_misses_nothing_and_doubles_nothing(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """Papers that are added while a program reads on neither push one twice onto a page nor off it."""
    _many(runtime, shelf, 9)
    seen: list[int] = []
    address: str | None = "/api/papers?size=3"
    before = {p["id"] for p in Visitor(app).get("/api/papers?size=200").get_json()["papers"]}
    while address:
        page = Visitor(app).get(address).get_json()
        assert page["papers"]
        seen += [paper["id"] for paper in page["papers"]]
        address = page["next"]
        with runtime.store.writing() as session:
            newest = add_paper(session, "Newest of all", year=2026)
            accept(session, shelf.librarian, newest, shelf.silent)
    assert len(seen) == len(set(seen))
    assert set(seen) == before


def test_other_orders_have_pages(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """In the order of titles one goes on by page, to the end."""
    _many(runtime, shelf, 4)
    titles, address = [], "/api/papers?sort=title&size=4"
    while address:
        page = Visitor(app).get(address).get_json()
        assert page["cursor"] is None
        titles += [paper["title"] for paper in page["papers"]]
        address = page["next"]
    assert titles[1:-1] == [f"Number {n}" for n in range(4)]
    assert (titles[0], titles[-1]) == ("=A dusty torus, resolved", "Rings in the disc of a 100% fictional star")


def test_facets_count_without_their_own_filter(app: Flask, shelf: Shelf) -> None:
    """Choosing 2019 leaves the years' counts as they are and narrows the others."""
    answer = Visitor(app).get("/api/papers?year=2019&facets=year,author,refereed,project").get_json()
    assert answer["count"] == 1
    assert answer["facets"]["year"] == [{"value": "2019", "count": 1}, {"value": "2021", "count": 1}]
    assert answer["facets"]["refereed"] == [{"value": "yes", "count": 1}]
    assert answer["facets"]["project"] == [{"value": "2013.1.00020.S", "count": 1}]
    assert {"value": "Çelik, D.", "count": 1} in answer["facets"]["author"]


@pytest.mark.usefixtures("shelf")
def test_fields_are_all_that_is_given(app: Flask) -> None:
    """And the number, by which a paper is named."""
    papers = Visitor(app).get("/api/papers?fields=title,year").get_json()["papers"]
    assert [set(paper) for paper in papers] == [{"id", "title", "year"}] * 2


def test_who_asks_again_is_told_that_nothing_changed(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """304 by tag and by date; after a decision the whole answer again."""
    visitor = Visitor(app)
    first = visitor.get("/api/papers")
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    for header, value in (("If-None-Match", tag), ("If-Modified-Since", date)):
        answer = visitor.get("/api/papers", headers={header: value})
        assert (answer.status_code, answer.get_data()) == (304, b"")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    with runtime.store.writing() as session:
        accept(session, shelf.librarian, shelf.unjudged, shelf.silent)
    again = visitor.get("/api/papers", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["ETag"] != tag


@pytest.mark.usefixtures("shelf")
def test_pages_of_other_sites_may_read(app: Flask) -> None:
    """CORS for reading, refusals and earlier addresses too; nothing but the API is opened."""
    for path in ("/api/papers", "/api/papers.json", "/api/papers?x=1", "/api/openapi.json", "/api/none"):
        assert Visitor(app).get(path).headers["Access-Control-Allow-Origin"] == "*", path
    asked = app.test_client().options("/api/papers")
    assert "GET" in asked.headers["Access-Control-Allow-Methods"]
    assert "If-None-Match" in asked.headers["Access-Control-Allow-Headers"]
    for path in ("/", "/projects", "/login"):
        assert "Access-Control-Allow-Origin" not in Visitor(app).get(path).headers, path
    assert app.test_client().post("/api/papers").status_code == 405


def test_a_merged_paper_is_given_under_its_survivor(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """An earlier number still answers, with the number that stands now."""
    with runtime.store.writing() as session:
        merge(session, shelf.librarian, kept_id=shelf.rings, merged_id=shelf.unjudged, reason="x", now=NOW)
    assert Visitor(app).get(f"/api/papers/{shelf.unjudged}").get_json()["id"] == shelf.rings


@pytest.mark.usefixtures("shelf")
def test_a_flood_of_questions_is_stopped(app: Flask) -> None:
    """Beyond 120 a minute from one address the answer is 429, as a problem, with when to come back."""
    visitor = Visitor(app)
    answers = [visitor.get("/api/papers/1") for _ in range(121)]
    assert [a.status_code for a in answers[:120]] == [200] * 120
    assert answers[-1].status_code == 429
    assert answers[-1].mimetype == "application/problem+json"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


@pytest.mark.usefixtures("shelf")
def test_a_page_explains_the_api_to_people(app: Flask) -> None:
    """Every address and parameter with its meaning, and examples to copy."""
    page = Visitor(app).get("/api").get_data(as_text=True)
    assert "curl '" in page
    for operation in OPERATIONS:
        assert f"GET {operation.path}" in page
        for parameter in operation.parameters:
            assert f"<code>{parameter.name}</code>" in page
