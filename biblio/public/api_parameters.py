"""What the addresses of the API may carry: one table that reads requests and that the OpenAPI description is made from.

A mistyped parameter is refused by name: a program that asks for ``yaer=2020`` must not be given everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from biblio.errors import RequestRefused
from biblio.public.facets import FACETS
from biblio.public.wanted import LONGEST_QUERY, SORTS

SIZE, MOST = 50, 200
"""Papers (or projects) on one page unless asked otherwise, and at most."""
MOST_PAGES = 1_000_000
"""The number of a page at most."""
FACET_SIZE, MOST_VALUES = 20, 1000
"""Values of a facet unless asked otherwise, and at most."""

_YEAR = {"type": "string", "pattern": "^(19|20)[0-9]{2}$"}
_PLACES = {"type": "integer", "minimum": 1}


@dataclass(frozen=True)
class Parameter:
    """One parameter of an address. ``is_many``: it may stand there several times; ``is_list``: values parted by commas."""

    name: str
    words: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "maxLength": 200})
    is_many: bool = False
    is_list: bool = False
    example: str | None = None

    def described(self) -> dict[str, Any]:
        """Return the parameter as OpenAPI 3.1 describes it."""
        schema: dict[str, Any] = dict(self.schema)
        if self.is_many or self.is_list:
            schema = {"type": "array", "items": schema}
        told: dict[str, Any] = {"name": self.name, "in": "query", "description": self.words, "schema": schema}
        if self.is_many or self.is_list:
            told |= {"style": "form", "explode": self.is_many}
        if self.example is not None:
            told["example"] = (
                [self.example] if self.is_many else self.example.split(",") if self.is_list else self.example
            )
        return told

    @property
    def takes(self) -> str:
        """What the parameter takes, in words."""
        kind = self.schema
        if "enum" in kind:
            words = ", ".join(kind["enum"])
        elif kind["type"] == "integer":
            words = f"a number to {kind['maximum']}"
        else:
            words = "text"
        return words + ("; several parted by commas" if self.is_list else "; several times" if self.is_many else "")

    def read(self, written: Sequence[str]) -> list[str]:
        """Return the values in an address. Raises ``RequestRefused`` naming the parameter and what it takes."""
        if len(written) > 1 and not self.is_many:
            raise RequestRefused(f"The parameter {self.name} stands in the address {len(written)} times; give it once.")
        values = [one.strip() for text in written for one in (text.split(",") if self.is_list else [text])]
        for value in values:
            self._check(value)
        return values

    def _check(self, value: str) -> None:
        kind = self.schema
        if "enum" in kind and value not in kind["enum"]:
            raise RequestRefused(f"The parameter {self.name} takes {', '.join(kind['enum'])}; not {value[:40]!r}.")
        if kind["type"] == "integer":
            least, most = kind["minimum"], kind["maximum"]
            if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
                span = f"from {least} to {most}"
                raise RequestRefused(f"The parameter {self.name} takes a whole number {span}; not {value[:40]!r}.")
        if "pattern" in kind and not re.search(kind["pattern"], value):
            raise RequestRefused(f"The parameter {self.name} cannot be read: {value[:40]!r}. {self.words}")
        if len(value) > kind.get("maxLength", 200):
            raise RequestRefused(f"The parameter {self.name} takes at most {kind.get('maxLength', 200)} characters.")


_FACET_WORDS = {
    "year": "Only papers of this year.",
    "data": "Only papers with this tag: “PI data”, “archive only”, “archive and PI” or “undetermined”.",
    "cycle": "Only papers that used a project of this cycle, by its key.",
    "category": "Only papers that used a project of this science category.",
    "journal": "Only papers of this journal, by its full name.",
    "author": "Only papers with this author, as the facet writes names: surname as printed, comma, one initial.",
    "project": "Only papers that used this project.",
    "refereed": "Only refereed papers (yes), or only others (no).",
}
_FACET_SCHEMAS: dict[str, dict[str, Any]] = {"year": _YEAR, "refereed": {"type": "string", "enum": ["yes", "no"]}}
_FACET_EXAMPLES = {"year": "2021", "author": "Berg, L.", "refereed": "yes"}


def paper_parameters(fields: Sequence[str]) -> tuple[Parameter, ...]:
    """Return what ``/api/papers`` takes; ``fields`` are those that a paper has."""
    facets = tuple(
        Parameter(
            name,
            f"{_FACET_WORDS[name]} May be given several times: any of them.",
            _FACET_SCHEMAS.get(name, {"type": "string", "maxLength": 200}),
            is_many=True,
            example=_FACET_EXAMPLES.get(name),
        )
        for name in FACETS
    )
    return (
        Parameter(
            "q",
            "What must be found: words, “phrases” in quotes, author:name, title:word, abstract:word, a year, a project "
            "code, a DOI, bibcode or arXiv number; -word leaves out.",
            {"type": "string", "maxLength": LONGEST_QUERY},
            example="dust author:berg",
        ),
        *facets,
        Parameter("from", "Only papers of this year or later.", _YEAR, example="2015"),
        Parameter("to", "Only papers of this year or earlier.", _YEAR, example="2019"),
        Parameter("sort", "The order of papers.", {"type": "string", "enum": list(SORTS), "default": "newest"}),
        Parameter("facets", "Count the papers found by these facets.", {"type": "string", "enum": list(FACETS)},
                  is_list=True, example="year,journal"),
        Parameter("facet_size", "Values of each facet, most papers first.",
                  {"type": "integer", "minimum": 1, "maximum": MOST_VALUES, "default": FACET_SIZE}),
        Parameter("fields", "Give only these fields of papers.", {"type": "string", "enum": list(fields)}, is_list=True,
                  example="title,year"),
        *PAGING,
        Parameter("cursor", "Go on after the last paper of an earlier answer (its field cursor), whatever was added meanwhile. "
                            "Only where papers are sorted by newest.", {"type": "string", "pattern": "^[0-9a-f]{1,16}$"}),
    )  # fmt: skip


PAGING = (
    Parameter("page", "The number of the page, from 1.", {**_PLACES, "maximum": MOST_PAGES, "default": 1}),
    Parameter("size", "How many on one page.", {**_PLACES, "maximum": MOST, "default": SIZE}),
)

PROJECT_PARAMETERS = (
    Parameter("q", "What must be found in code, title or PI of a project.", {"type": "string", "maxLength": 300}),
    *PAGING,
)


def read_parameters(table: Sequence[Parameter], given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the values of a request by parameter. Raises ``RequestRefused`` for a parameter that is not in the table."""
    known = {parameter.name: parameter for parameter in table}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        takes = ", ".join(known) or "none"
        raise RequestRefused(f"There is no parameter {unknown[0][:40]!r} here. This address takes: {takes}.")
    return {name: known[name].read(values) for name, values in given.items()}
