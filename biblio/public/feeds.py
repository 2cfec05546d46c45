"""The addresses of the feeds: for the science archive, and links between papers and data (docs/feeds.md).

Every answer has a tag that changes when anything it rests on has changed: who sends it back (``If-None-Match``) is told
in a fraction of a second that nothing is new. The archive's feed leaves in pieces while it is read.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.errors import NotFound, RequestRefused
from biblio.observatory import Profile
from biblio.public.archive_feed import FeedRow, as_csv, as_votable, feed_rows
from biblio.public.published import stamp
from biblio.public.relations import DATACITE, SCHOLIX, Form, Links, LinksKeeper, Provider, links_of
from biblio.runtime import Runtime
from biblio.store.current import survivor_of

RATE = "60 per hour"
"""How often an address may ask for one feed; a tag sent back counts as well."""

PAGES_RATE = "600 per hour"


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed as the page of feeds shows it. ``rate`` is how often an address may ask for it."""

    title: str
    words: str
    form: str
    endpoint: str
    rate: str
    parameters: tuple[str, ...] = ()


Writer = Callable[[Iterable[FeedRow], Profile], Iterator[str]]


def add_rules(blueprint: Blueprint) -> None:
    """Put the feeds into the public URL map."""
    for rule, view, name in (
        ("/feeds", page, "feeds"),
        ("/feeds/archive.csv", archive_csv, "feed_archive_csv"),
        ("/feeds/archive.vot", archive_votable, "feed_archive_votable"),
        ("/feeds/scholix.json", scholix_page, "feed_scholix"),
        ("/feeds/datacite.json", datacite_page, "feed_datacite"),
    ):
        blueprint.add_url_rule(rule, name, view, methods=["GET"])


@webkit.action(webkit.PUBLIC)
def page() -> ResponseReturnValue:
    """List the feeds."""
    base = webkit.runtime().settings.base_url.rstrip("/")
    return render_template("public/feeds.html", feeds=FEEDS, base=base)


@webkit.action(webkit.PUBLIC)
@webkit.throttled(RATE, methods=("GET",))
def archive_csv() -> ResponseReturnValue:
    """Give the archive's feed as CSV."""
    return _archive("csv", as_csv, "text/csv; charset=utf-8")


@webkit.action(webkit.PUBLIC)
@webkit.throttled(RATE, methods=("GET",))
def archive_votable() -> ResponseReturnValue:
    """Give the archive's feed as VOTable."""
    return _archive("vot", as_votable, "application/x-votable+xml; charset=utf-8")


def _archive(kind: str, write: Writer, content_type: str) -> Response:
    preprints = request.args.get("preprints", "no")
    if preprints not in ("yes", "no"):
        raise RequestRefused("preprints is yes or no.")
    with webkit.reading() as unit:
        tag = stamp(unit, kind, preprints, _said_by(webkit.runtime()))
    packs = request.accept_encodings.quality("gzip") > 0
    if answer := _unchanged(tag):
        return answer
    pieces = (piece.encode() for piece in _pieces(webkit.runtime(), write, preprints=preprints == "yes"))
    response = Response(_packed(pieces) if packs else pieces, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="archive-publications.{kind}"'
    if packs:
        response.headers["Content-Encoding"] = "gzip"
    return _tagged(response, tag)


def _said_by(runtime: Runtime) -> str:
    """Return a word that is another one when the profile says something else of what feeds carry."""
    profile = runtime.profile
    told = repr((profile.observatory, profile.tap, profile.data_links, runtime.settings.base_url))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _pieces(runtime: Runtime, write: Writer, *, preprints: bool) -> Iterator[str]:
    """Yield the feed while it is read; the unit of work is open as long as the client listens."""
    with runtime.store.reading() as session:
        yield from write(feed_rows(session, preprints=preprints), runtime.profile)


def _packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces packed as one gzip file."""
    packer = zlib.compressobj(level=5, wbits=31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _unchanged(tag: str) -> Response | None:
    """Return status 304 where the client has this state already."""
    return _tagged(Response(status=304), tag) if request.if_none_match.contains_weak(tag) else None


def _tagged(response: Response, tag: str) -> Response:
    """Add the tag: a weak one, as the same state may be packed or not."""
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "public, no-cache"
    response.vary.add("Accept-Encoding")
    return response


# -- links between papers and data ------------------------------------------------------------------------------------


@webkit.action(webkit.PUBLIC)
@webkit.throttled(PAGES_RATE, methods=("GET",))
def scholix_page() -> ResponseReturnValue:
    """Give one page of Scholix link packages."""
    return _page_of(SCHOLIX)


@webkit.action(webkit.PUBLIC)
@webkit.throttled(PAGES_RATE, methods=("GET",))
def datacite_page() -> ResponseReturnValue:
    """Give one page of projects with the papers that used their data, as DataCite writes related identifiers."""
    return _page_of(DATACITE)


def _page_of(form: Form) -> Response:
    size = _number("size", form.size, form.most)
    with webkit.reading() as unit:
        links, tag = _asked(unit)
        places, tag = _places(links), f"{tag}-{form.name}-{_said_by(webkit.runtime())}"
        if answer := _unchanged(tag):
            return answer
        number, things = _number("page", 1), form.things(links, places)
        shown = form.links(links, things[(number - 1) * size : number * size])
        records = form.write(unit, shown, provider(webkit.runtime()))
    return _page(records, number, -(-len(things) // size), tag, **{form.counted: len(things)})


def provider(runtime: Runtime) -> Provider:
    """Return who gives the links of this site."""
    return Provider(runtime.profile, runtime.settings.base_url)


def _asked(unit: Session) -> tuple[Links, str]:
    """Return the links that the address asks for: all of them, or those of one paper or project; and their tag."""
    code, written = request.args.get("project"), request.args.get("paper")
    if code is None and written is None:
        keeper: LinksKeeper = current_app.extensions.setdefault("biblio_public_links", LinksKeeper())
        return keeper.current(unit)
    paper_id: int | None = None
    if written is not None:
        paper_id = survivor_of(unit, int(written)) if written.isdecimal() and len(written) < 10 else None
        if paper_id is None:
            raise NotFound("There is no such paper in the public list.")
    return links_of(unit, paper_id=paper_id, code=code), stamp(unit)


def _places(links: Links) -> Any:
    return links.where(since=since(request.args.get("since", "")))


def since(written: str) -> datetime | None:
    """Return the moment that a day or a moment (ISO 8601) means; without a zone it is UTC. Raises ``RequestRefused``."""
    if not written.strip():
        return None
    try:
        moment = datetime.fromisoformat(written.strip().replace(" ", "+"))  # an address turns + into a blank
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise RequestRefused(
            f"since is a day such as 2026-11-01, or a moment such as 2026-11-01T06:00:00Z, not {written[:40]!r}."
        ) from wrong


def _number(name: str, default: int, most: int = 10_000_000) -> int:
    written = request.args.get(name, str(default))
    if not (written.isascii() and written.isdigit() and len(written) < 9 and 1 <= int(written) <= most):
        raise RequestRefused(f"{name} is a number from 1 to {most}.")
    return int(written)


def _page(records: list[dict[str, Any]], number: int, pages: int, tag: str, **counts: int) -> Response:
    """Return a page in the manner of ScholeXplorer's answers, with the address of the next."""
    following: str | None = None
    if number < pages:
        values = {**webkit.asked(), "page": str(number + 1)}
        following = f"{webkit.runtime().settings.base_url}{url_for(request.endpoint or '', **values)}"  # type: ignore[arg-type]
    body = {"currentPage": number, "totalPages": pages, **counts, "next": following, "result": records}
    return _tagged(jsonify(body), tag)


_LINKS = ("since=2026-11-01", "project=", "paper=", "size=", "page=")

FEEDS = (
    Feed(
        "Papers of each observation unit",
        "Each unit with the published papers that used data of its project: what an archive’s query page shows.",
        "VOTable",
        "public.feed_archive_votable",
        RATE,
        ("preprints=yes",),
    ),
    Feed(
        "Papers of each observation unit, as a table",
        "The same for people: a cell that a spreadsheet would run as a formula gets an apostrophe in front.",
        "CSV",
        "public.feed_archive_csv",
        RATE,
        ("preprints=yes",),
    ),
    Feed(
        "Links between papers and data",
        "Each paper with each project whose data it used, in the order in which that became known.",
        "Scholix 3.0, JSON in pages",
        "public.feed_scholix",
        PAGES_RATE,
        _LINKS,
    ),
    Feed(
        "Papers of each project",
        "Each project with all papers that used its data, for the metadata of the data’s DOI.",
        "DataCite related identifiers, JSON in pages",
        "public.feed_datacite",
        PAGES_RATE,
        _LINKS,
    ),
)
"""Every feed there is."""
