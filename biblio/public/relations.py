"""Links between papers and data for other services: Scholix link packages and DataCite's related identifiers.

Scholix: the metadata schema 3.0 of November 2017, the one in operation (scholix.org/schema; JSON in scholix/schema,
json/v3): a paper (literature) *References* the data of a project (dataset). DataCite: ``relatedIdentifiers`` of metadata
schema 4 (4.4 for the general types): the data *IsReferencedBy* the paper. A project's data have no DOI of their own; what
they are called is the profile's to say (``data_links``).

Links come in the order in which they became known, so that who has read as far as today reads on from there tomorrow.
A link that was taken back is simply no longer there: whoever keeps a copy compares with the whole feed now and then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.groups import CHUNK
from biblio.observatory import Profile
from biblio.public.exports import address_of
from biblio.public.feed_papers import FeedPaper, feed_papers
from biblio.public.published import SLICE, PublicLink, public_links, stamp
from biblio.store.current import survivor_id
from biblio.store.models import Link, Paper, Project
from biblio.store.words import Scheme

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_CREATORS = 100
"""Authors named in a link; of a longer list the first ones, as collaborations have thousands."""

_SCHEMES = (Scheme.DOI, Scheme.BIBCODE, Scheme.ARXIV)
_DATACITE_TYPES = {Scheme.DOI: "DOI", Scheme.BIBCODE: "bibcode", Scheme.ARXIV: "arXiv"}


@dataclass(frozen=True, slots=True)
class Links:
    """All public links in the order in which they became known, as arrays: 24 bytes a link."""

    learned_us: np.ndarray[Any, Any]
    """Microseconds since 1970."""
    projects: np.ndarray[Any, Any]
    papers: np.ndarray[Any, Any]
    codes: dict[int, str]

    def where(self, *, since: datetime | None = None) -> np.ndarray[Any, Any]:
        """Return the places of the links that were learned at ``since`` or later."""
        return np.flatnonzero(self.learned_us >= (0 if since is None else _microseconds(since)))

    def of_projects(self, codes: Iterable[str]) -> np.ndarray[Any, Any]:
        """Return the places of all links of some projects."""
        wanted = set(codes)
        numbers = [project for project, code in self.codes.items() if code in wanted]
        return np.flatnonzero(np.isin(self.projects, numbers))

    def at(self, places: Iterable[int]) -> list[PublicLink]:
        """Return the links at these places."""
        return [
            PublicLink(
                self.codes[int(self.projects[i])],
                int(self.projects[i]),
                int(self.papers[i]),
                _EPOCH + timedelta(microseconds=int(self.learned_us[i])),
            )
            for i in places
        ]


class LinksKeeper:
    """Keeps the links of one process, and reads them anew when anything they rest on has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp = ""
        self._links: Links | None = None

    def current(self, session: Session) -> tuple[Links, str]:
        """Return the links as of now, and the stamp that changes with them."""
        now = stamp(session)
        with self._lock:
            if self._links is None or now != self._stamp:
                self._links, self._stamp = read_links(session), now
            return self._links, now


def read_links(session: Session) -> Links:
    """Read all public links."""
    return _arrays(public_links(session))


def links_of(session: Session, *, paper_id: int | None = None, code: str | None = None) -> Links:
    """Read the public links of one paper, of one project, or of both, without reading all others."""
    conditions: list[Callable[[Any], Any]] = []
    papers: list[int] = []
    if paper_id is not None:
        papers = [paper_id]
    if code is not None:
        found = session.execute(sa.select(col(Project.id)).where(sa.func.upper(Project.code) == code.upper()))
        projects = list(found.scalars())
        conditions.append(lambda columns: columns.project_id.in_(projects))
        if paper_id is None:
            linked = sa.select(survivor_id()).join(Link, col(Link.paper_id) == col(Paper.id))
            papers = list(session.execute(linked.where(col(Link.project_id).in_(projects)).distinct()).scalars())
    if len(papers) <= CHUNK:  # said besides, as databases look for papers first
        conditions.append(lambda columns: columns.paper_id.in_(papers))
    return _arrays(public_links(session, of=lambda columns: sa.and_(*(one(columns) for one in conditions))))


def _arrays(links: Iterable[PublicLink]) -> Links:
    codes: dict[int, str] = {}
    rows: list[tuple[int, str, int, int]] = []
    for link in links:
        code = codes.setdefault(link.project_id, link.code)
        rows.append((_microseconds(link.learned_at), code, link.paper_id, link.project_id))
    rows.sort()
    return Links(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[3] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.int64),
        codes,
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


# -- Scholix ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Provider:
    """Who gives the links: what the profile says of it, and where this site is."""

    profile: Profile
    base_url: str

    @property
    def name(self) -> str:
        """The name that links carry."""
        return self.profile.data_links.provider or self.profile.observatory.name

    def project_url(self, code: str) -> str:
        """Where a project's data are described: at the archive, or here."""
        pattern = self.profile.observatory.archive_project_url or f"{self.base_url}/project/{{code}}"
        return pattern.replace("{code}", quote(code, safe=""))

    def dataset(self, code: str) -> Json:
        """The identifier of a project's data, as Scholix writes one."""
        links, url = self.profile.data_links, self.project_url(code)
        if links.identifier is None:
            return {"ID": url, "IDScheme": "url", "IDURL": url}
        return {"ID": links.identifier.replace("{code}", code), "IDScheme": links.identifier_scheme, "IDURL": url}


def scholix(session: Session, links: Sequence[PublicLink], provider: Provider) -> list[Json]:
    """Return the link packages of these links, in their order; a paper without any identifier has none."""
    papers = feed_papers(session, sorted({link.paper_id for link in links}))
    packages = (_package(link, papers[link.paper_id], provider) for link in links if link.paper_id in papers)
    return [package for package in packages if package]


def _package(link: PublicLink, paper: FeedPaper, provider: Provider) -> Json | None:
    named = _named(paper)
    if named is None:
        return None
    scheme, value = named
    source: Json = {
        "Identifier": {"ID": value, "IDScheme": scheme.value, "IDURL": address_of(scheme, value)},
        "Type": {"Name": "literature", "SubType": "journal article" if paper.is_refereed else "preprint"},
    }
    if paper.title:
        source["Title"] = paper.title
    if paper.authors:
        source["Creator"] = [{"Name": name} for name in paper.authors[:MOST_CREATORS] if name]
    if published := paper.published_on or (str(paper.year) if paper.year else None):
        source["PublicationDate"] = published
    terms = provider.profile.data_links.license_url
    return {
        "LinkPublicationDate": link.learned_at.date().isoformat(),
        "LinkProvider": [{"Name": provider.name, "Identifier": [_url(provider.base_url)]}],
        "RelationshipType": {"Name": "References"},
        **({"LicenseURL": terms} if terms else {}),
        "Source": source,
        "Target": {
            "Identifier": provider.dataset(link.code),
            "Type": {"Name": "dataset"},
            "Title": f"{provider.profile.observatory.short} project {link.code}",
            "Publisher": [{"Name": provider.profile.observatory.name}],
        },
    }


def _url(address: str) -> Json:
    return {"ID": address, "IDScheme": "url", "IDURL": address}


def _named(paper: FeedPaper) -> tuple[Scheme, str] | None:
    """The identifier a paper is called by: its DOI, else its bibcode, else its arXiv number."""
    for scheme in _SCHEMES:
        if value := paper.identifier(scheme):
            return scheme, value
    return None


# -- DataCite ---------------------------------------------------------------------------------------------------------


def datacite(session: Session, links: Sequence[PublicLink], provider: Provider) -> list[Json]:
    """Return for each project among these links what to add to the metadata of its data, by code."""
    papers = feed_papers(session, sorted({link.paper_id for link in links}))
    by_code: dict[str, list[PublicLink]] = {}
    for link in links:
        by_code.setdefault(link.code, []).append(link)
    return [_dataset(code, by_code[code], papers, provider) for code in sorted(by_code)]


def _dataset(code: str, links: Sequence[PublicLink], papers: dict[int, FeedPaper], provider: Provider) -> Json:
    named = provider.dataset(code)
    related = [_related(papers[link.paper_id]) for link in links if link.paper_id in papers]
    known = sorted((one for one in related if one), key=lambda one: str(one["relatedIdentifier"]))
    return {
        "identifiers": [{"identifier": named["ID"], "identifierType": named["IDScheme"].replace("url", "URL")}],
        "types": {"resourceTypeGeneral": "Dataset"},
        "titles": [{"title": f"{provider.profile.observatory.short} project {code}"}],
        "publisher": provider.profile.observatory.name,
        "url": named["IDURL"],
        "relatedIdentifiers": known,
        "schemaVersion": "http://datacite.org/schema/kernel-4",
    }


def _related(paper: FeedPaper) -> Json | None:
    found = _named(paper)
    if found is None:
        return None
    scheme, value = found
    return {
        "relatedIdentifier": f"arXiv:{value}" if scheme is Scheme.ARXIV else value,
        "relatedIdentifierType": _DATACITE_TYPES[scheme],
        "relationType": "IsReferencedBy",
        "resourceTypeGeneral": "JournalArticle" if paper.is_refereed else "Preprint",
    }


def in_slices(links: Sequence[PublicLink], size: int, *, whole_projects: bool = False) -> Iterator[list[PublicLink]]:
    """Yield links so many at a time; ``whole_projects``: never parting those of one project that stand together."""
    held: list[PublicLink] = []
    for link in links:
        is_full = len(held) >= size and not (whole_projects and held[-1].code == link.code)
        if is_full:
            yield held
            held = []
        held.append(link)
    if held:
        yield held


# -- both forms -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """A form in which links are given: what is paged, which links a page needs, and how they are written.

    ``size`` things stand on a page unless asked otherwise, at most ``most``; ``counted`` is what the answer calls their number.
    """

    name: str
    size: int
    most: int
    counted: str
    things: Callable[[Links, np.ndarray[Any, Any]], Any]
    """Returns, of links at some places, what is paged: any sequence."""
    links: Callable[[Links, Any], list[PublicLink]]
    """Returns the links of some things, those of one project together where a project is the thing."""
    write: Callable[[Session, Sequence[PublicLink], Provider], list[Json]]
    is_by_project: bool = False


def _codes_of(links: Links, places: np.ndarray[Any, Any]) -> list[str]:
    return sorted({links.codes[int(project)] for project in links.projects[places]})


def _of_codes(links: Links, codes: Sequence[str]) -> list[PublicLink]:
    return sorted(links.at(links.of_projects(codes)), key=lambda link: (link.code, link.learned_at))


SCHOLIX = Form("scholix", 500, 1_000, "totalLinks", lambda links, places: places, lambda links, places: links.at(places),
               scholix)  # fmt: skip
"""Link packages, in the order in which the links became known."""

DATACITE = Form("datacite", 200, 200, "totalProjects", _codes_of, _of_codes, datacite, is_by_project=True)
"""Projects by code, each with all its papers, also where only some of the links were asked for."""


def written(session: Session, form: Form, provider: Provider, since: datetime | None) -> Iterator[Json]:
    """Yield all public links in a form, slice by slice; ``since``: what became known then or later."""
    links = read_links(session)
    chosen = form.links(links, form.things(links, links.where(since=since)))
    for some in in_slices(chosen, SLICE // 4, whole_projects=form.is_by_project):
        yield from form.write(session, some, provider)
