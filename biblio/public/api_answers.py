"""What the API answers with. The classes are the answers' schema: the OpenAPI description is made from them.

Abstract and keywords are there only where their source lets us serve them (``catalogue.terms``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from biblio.public.exports import identifier_links
from biblio.public.facts import PublicProject
from biblio.public.queries import PublicPaper
from biblio.public.searching import FacetCounts


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Link(_Answer):
    """A place where a paper can be read."""

    label: str = Field(examples=["DOI"])
    url: str


class Identifiers(_Answer):
    """The names of a paper, one of each kind."""

    doi: str | None = None
    bibcode: str | None = None
    arxiv: str | None = None


class Paper(_Answer):
    """A paper that used the observatory's data. With `fields` only `id` and what was asked for is there."""

    id: int
    url: str | None = Field(None, description="The paper's permanent page.")
    title: str | None = Field(None, description="As its source gives it; may hold TeX.")
    authors: list[str] | None = Field(None, description="In printed order.")
    year: int | None = None
    journal: str | None = None
    volume: str | None = None
    page: str | None = None
    refereed: bool | None = None
    withdrawn: bool | None = None
    identifiers: Identifiers | None = None
    links: list[Link] | None = None
    projects: list[str] | None = Field(None, description="Codes of the projects whose data it used.")
    abstract: str | None = Field(None, description="null where its source does not let us serve it.")
    abstract_from: str | None = Field(None, description="The source of the abstract.")
    keywords: list[str] | None = None


class Value(_Answer):
    """One value of a facet and how many of the papers found have it, under all filters but this facet's own."""

    value: str
    count: int


class Papers(_Answer):
    """One page of the papers found."""

    count: int = Field(description="How many papers were found.")
    page: int | None = Field(description="The number of this page; null after a cursor.")
    next: str | None = Field(description="The address of the next page; null on the last one.")
    cursor: str | None = Field(description="By which to go on after the last paper here; null where there is none.")
    facets: dict[str, list[Value]] = Field(default_factory=dict)
    papers: list[Paper]


class ProjectLine(_Answer):
    """A project whose data papers used."""

    code: str
    title: str | None
    count: int = Field(description="How many papers used its data.")
    newest: int | None = Field(description="The year of its newest paper.")
    url: str = Field(description="The project's permanent page.")


class Projects(_Answer):
    """One page of the projects found, most papers first."""

    count: int
    page: int
    next: str | None
    projects: list[ProjectLine]


class Project(_Answer):
    """A project and the papers that used its data."""

    code: str
    cycle: str | None
    title: str | None
    pi: str | None
    category: str | None
    url: str
    count: int
    papers: list[Paper]


class Problem(BaseModel):
    """What could not be done, as RFC 9457 has it."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str


FIELDS = tuple(name for name in Paper.model_fields if name != "id")
"""The fields of a paper that can be asked for."""


def paper(found: PublicPaper, url: str, fields: Sequence[str] = ()) -> Paper:
    """Return a paper as the API gives it: whole, or only ``fields`` of it."""
    names = {scheme.value: value for scheme, value in found.identifiers.items()}
    whole = Paper(
        id=found.paper_id,
        url=url,
        title=found.title,
        authors=list(found.authors),
        year=found.year,
        journal=found.journal,
        volume=found.volume,
        page=found.page,
        refereed=found.is_refereed,
        withdrawn=found.is_withdrawn,
        identifiers=Identifiers.model_validate(names),
        links=[Link(label=label, url=address) for label, address in identifier_links(found)],
        projects=list(found.projects),
        abstract=found.abstract,
        abstract_from=found.abstract_from,
        keywords=list(found.keywords),
    )
    if not fields:
        return whole
    return Paper.model_construct(
        _fields_set={"id", *fields}, **{name: getattr(whole, name) for name in ("id", *fields)}
    )


def values(counted: FacetCounts) -> list[Value]:
    """Return a facet's values."""
    return [Value(value=one.value, count=one.count) for one in counted.values]


def project(found: PublicProject, papers: list[Paper], url: str) -> Project:
    """Return a project as the API gives it."""
    return Project(
        code=found.code,
        cycle=found.cycle,
        title=found.title,
        pi=found.pi,
        category=found.category,
        url=url,
        count=len(papers),
        papers=papers,
    )
