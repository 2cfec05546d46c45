"""The OpenAPI 3.1 description of the API, made from what serves it: its operations, parameters and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from biblio.public.api_answers import Problem
from biblio.runtime import biblio_version

if TYPE_CHECKING:
    from biblio.public.api import Operation

_PROBLEMS = {"400": "A parameter cannot be read.", "404": "There is no such thing.", "429": "Too many requests."}
_SCHEMAS = "#/components/schemas/{model}"


def describe(operations: Sequence[Operation], observatory: str, base_url: str) -> dict[str, Any]:
    """Return the description as plain data."""
    models: list[type[BaseModel]] = [*(operation.answer for operation in operations), Problem]
    _, schemas = models_json_schema([(model, "serialization") for model in models], ref_template=_SCHEMAS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{observatory} bibliography",
            "version": biblio_version(),
            "description": f"Papers that used {observatory} data, and the projects whose data they used, as librarians "
            "verified them. Read-only; no key is needed. Facts and links only, and abstracts where their source allows.",
        },
        "servers": [{"url": base_url.rstrip("/")}],
        "paths": {operation.path: {"get": _operation(operation)} for operation in operations},
        "components": {"schemas": schemas["$defs"], "responses": _responses()},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "description": words, "schema": schema}
        for name, (words, schema) in operation.places.items()
    ]
    codes = _PROBLEMS if operation.places else {code: words for code, words in _PROBLEMS.items() if code != "404"}
    answer = {"schema": {"$ref": _SCHEMAS.format(model=operation.answer.__name__)}}
    return {
        "operationId": operation.name.removeprefix("api_"),
        "summary": operation.words,
        "parameters": parameters + [parameter.described() for parameter in operation.parameters],
        "responses": {
            "200": {
                "description": "What was asked for.",
                "headers": {"ETag": {"schema": {"type": "string"}, "description": "Send it back as If-None-Match."}},
                "content": {"application/json": answer},
            },
            "304": {"description": "Nothing changed since."},
            **{code: {"$ref": f"#/components/responses/{code}"} for code in codes},
        },
    }


def _responses() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": _SCHEMAS.format(model="Problem")}}}
    return {code: {"description": words, "content": content} for code, words in _PROBLEMS.items()}
