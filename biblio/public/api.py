"""The read-only API: papers and projects as JSON, for any page of any site, with its own description (OpenAPI 3.1).

Answers carry an entity tag of their content and the moment this process last saw the list change, so that a program
that asks again costs nobody anything. Refusals are problems as RFC 9457 has them (``biblio.web.errors`` makes them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from biblio import webkit
from biblio.errors import NotFound, RequestRefused
from biblio.public import api_answers as answers
from biblio.public import queries
from biblio.public.api_parameters import (
    FACET_SIZE,
    PROJECT_PARAMETERS,
    SIZE,
    Parameter,
    paper_parameters,
    read_parameters,
)
from biblio.public.index import PublicIndex
from biblio.public.search_views import current_index, permalink, project_called
from biblio.public.searching import Found, search
from biblio.public.wanted import Wanted, read_address, read_query

RATE = "120 per minute"
PAPER_PARAMETERS = paper_parameters(answers.FIELDS)


@dataclass(frozen=True)
class Operation:
    """One address of the API: what it is, what it takes and what it answers."""

    path: str
    name: str
    words: str
    view: Callable[..., ResponseReturnValue]
    answer: type[BaseModel]
    parameters: tuple[Parameter, ...] = ()
    places: Mapping[str, tuple[str, dict[str, Any]]] = ()  # type: ignore[assignment]
    """What stands in the path, by name: its description and schema."""
    former: str | None = None
    """An earlier address that answers the same."""


def add_rules(blueprint: Blueprint) -> None:
    """Put the API into the public URL map."""
    for operation in OPERATIONS:
        rule = operation.path.replace("{id}", "<int:paper_id>").replace("{code}", "<path:code>")
        if operation.former:
            blueprint.add_url_rule(operation.former, f"{operation.name}_json", operation.view, methods=["GET"])
        blueprint.add_url_rule(rule, operation.name, operation.view, methods=["GET"])
    blueprint.add_url_rule("/api", "api", page, methods=["GET"])
    blueprint.add_url_rule("/api/openapi.json", "api_description", description, methods=["GET"])
    blueprint.add_url_rule("/api/<path:rest>", "api_nothing", nothing, methods=["GET"])
    blueprint.after_request(_open_to_all)


# -- papers -----------------------------------------------------------------------------------------------------------


@webkit.action(webkit.PUBLIC)
@webkit.throttled(RATE, methods=("GET", "HEAD"))
def papers() -> ResponseReturnValue:
    """Give the papers found."""
    asked = read_parameters(PAPER_PARAMETERS, request.args.to_dict(flat=False))
    wanted = read_address(asked)
    size = int(_one(asked, "size") or SIZE)
    counted = dict.fromkeys(asked.get("facets", ()), int(_one(asked, "facet_size") or FACET_SIZE))
    terms = read_query(wanted.words, webkit.runtime().grammar)
    with webkit.reading() as unit:
        index = current_index(unit)
        found = search(unit, index, wanted, terms, facets=counted)
        before = _place(found, wanted, asked, size)
        listed = queries.filled(unit, index, found.take(size, before))
    fields = tuple(asked.get("fields", ()))
    cursor, following = _next(found, wanted, before + size, asked)
    return _json(
        answers.Papers(
            count=found.count,
            page=None if "cursor" in asked else before // size + 1,
            next=following,
            cursor=cursor,
            facets={name: answers.values(one) for name, one in found.facets.items()},
            papers=[answers.paper(one, _paper_page(one.paper_id), fields) for one in listed],
        ),
        index,
    )


def _place(found: Found, wanted: Wanted, asked: Mapping[str, list[str]], size: int) -> int:
    """Return how many papers stand before those asked for."""
    cursor = _one(asked, "cursor")
    if cursor is None:
        return (int(_one(asked, "page") or 1) - 1) * size
    if wanted.sort != "newest" or "page" in asked:
        raise RequestRefused("A cursor goes on in the order of newest papers: leave out sort and page.")
    return int(np.searchsorted(-found.ages, -min(int(cursor, 16), 2**63 - 1), side="right"))


def _next(found: Found, wanted: Wanted, seen: int, asked: Mapping[str, list[str]]) -> tuple[str | None, str | None]:
    """Return the cursor and address by which to go on after the first ``seen`` papers."""
    if seen >= found.count:
        return None, None
    kept: dict[str, Any] = {k: v for k, v in request.args.to_dict(flat=False).items() if k not in ("page", "cursor")}
    if wanted.sort == "newest":
        cursor = f"{int(found.ages[seen - 1]):x}"
        return cursor, _address("public.api_papers", **kept, cursor=cursor)
    return None, _address("public.api_papers", **kept, page=int(_one(asked, "page") or 1) + 1)


@webkit.action(webkit.PUBLIC)
@webkit.throttled(RATE, methods=("GET", "HEAD"))
def paper(paper_id: int) -> ResponseReturnValue:
    """Give one paper, under the number of the one that stands for it."""
    read_parameters((), request.args.to_dict(flat=False))
    with webkit.reading() as unit:
        index = current_index(unit)
        found = queries.find_paper(unit, index, paper_id)
    if found is None:
        raise NotFound("There is no such paper in the public list.")
    return _json(answers.paper(found, _paper_page(found.paper_id)), index)


# -- projects ---------------------------------------------------------------------------------------------------------


@webkit.action(webkit.PUBLIC)
@webkit.throttled(RATE, methods=("GET", "HEAD"))
def projects() -> ResponseReturnValue:
    """Give the projects that public papers used."""
    asked = read_parameters(PROJECT_PARAMETERS, request.args.to_dict(flat=False))
    number, size = int(_one(asked, "page") or 1), int(_one(asked, "size") or SIZE)
    with webkit.reading() as unit:
        index = current_index(unit)
        found = queries.matching_projects(index, _one(asked, "q") or "")
    listed = found[(number - 1) * size : number * size]
    kept: dict[str, Any] = {k: v for k, v in request.args.to_dict(flat=False).items() if k != "page"}
    following = _address("public.api_projects", **kept, page=number + 1) if number * size < len(found) else None
    lines = [
        answers.ProjectLine(code=p.code, title=p.title, count=p.papers, newest=p.newest, url=_project_page(p.code))
        for p in listed
    ]
    return _json(answers.Projects(count=len(found), page=number, next=following, projects=lines), index)


@webkit.action(webkit.PUBLIC)
@webkit.throttled(RATE, methods=("GET", "HEAD"))
def project(code: str) -> ResponseReturnValue:
    """Give a project and its papers."""
    read_parameters((), request.args.to_dict(flat=False))
    with webkit.reading() as unit:
        index = current_index(unit)
        found = project_called(unit, webkit.runtime(), code)
        used = search(unit, index, Wanted(chosen={"project": (found.code,)}), ())
        listed = queries.filled(unit, index, used.take(used.count, 0))
    shown = [answers.paper(one, _paper_page(one.paper_id)) for one in listed]
    return _json(answers.project(found, shown, _project_page(found.code)), index)


# -- the description --------------------------------------------------------------------------------------------------


@webkit.action(webkit.PUBLIC)
def page() -> ResponseReturnValue:
    """Explain the API, with examples."""
    return render_template(
        "public/api.html", operations=OPERATIONS, base=webkit.runtime().settings.base_url.rstrip("/")
    )


@webkit.action(webkit.PUBLIC)
def description() -> ResponseReturnValue:
    """Give the description for programs."""
    from biblio.public.openapi import describe

    wired = webkit.runtime()
    told = describe(OPERATIONS, wired.profile.observatory.short, wired.settings.base_url)
    return _answered(Response(_dumped(told), mimetype="application/json"))


@webkit.action(webkit.PUBLIC)
def nothing(rest: str) -> ResponseReturnValue:
    """Say that the API has no such address."""
    raise NotFound(f"The API has nothing at {rest[:80]}. Its addresses are described at /api.")


# -- answers ----------------------------------------------------------------------------------------------------------


def _json(answer: BaseModel, index: PublicIndex) -> Response:
    response = Response(answer.model_dump_json(exclude_unset=True), mimetype="application/json")
    response.last_modified = index.changed_at
    return _answered(response)


def _answered(response: Response) -> Response:
    """Return an answer with its tag, or 304 where the asker has it already."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32], weak=True)
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


def _dumped(told: Mapping[str, Any]) -> str:
    from flask.json import dumps

    return dumps(told)


def _open_to_all(response: Response) -> Response:
    """Let pages of any site read what the API gives; no cookie goes with it."""
    if request.path == "/api" or not request.path.startswith("/api/"):
        return response
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Retry-After"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
        response.headers["Access-Control-Max-Age"] = "86400"
    return response


def _one(asked: Mapping[str, list[str]], name: str) -> str | None:
    return asked[name][0] if asked.get(name) else None


def _address(endpoint: str, **values: Any) -> str:
    return webkit.runtime().settings.base_url.rstrip("/") + url_for(endpoint, **values)


def _paper_page(paper_id: int) -> str:
    return permalink("public.paper", paper_id=paper_id)


def _project_page(code: str) -> str:
    return permalink("public.project", code=code)


OPERATIONS = (
    Operation(
        "/api/papers",
        "api_papers",
        "Papers that used the observatory's data, searched as on the search page.",
        papers,
        answers.Papers,
        PAPER_PARAMETERS,
        {},
        former="/api/papers.json",
    ),
    Operation(
        "/api/papers/{id}",
        "api_paper",
        "One paper. The number of a paper that was found to be another's preprint gives that one.",
        paper,
        answers.Paper,
        (),
        {"id": ("The paper's number, as in its permanent address.", {"type": "integer", "minimum": 1})},
    ),
    Operation(
        "/api/projects",
        "api_projects",
        "Projects whose data papers used, most papers first.",
        projects,
        answers.Projects,
        PROJECT_PARAMETERS,
        {},
        former="/api/projects.json",
    ),
    Operation(
        "/api/projects/{code}",
        "api_project",
        "One project and the papers that used its data.",
        project,
        answers.Project,
        (),
        {"code": ("The project's code, in any spelling.", {"type": "string"})},
        former="/api/projects/<path:code>.json",
    ),
)
"""Everything the API answers."""
