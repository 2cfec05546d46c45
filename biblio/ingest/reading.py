"""The job ``read``: look for project codes in titles, abstracts, snippets, e-prints and a folder of texts.

What is kept is quotes and hashes, never a text (arXiv's terms; ``catalogue.texts``). Each text is read once per
version; one that cannot be read is stored with its reason and not asked for again before there is a new version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from biblio.catalogue.identity import Identifier, normal_arxiv, normal_bibcode, normal_doi
from biblio.catalogue.texts import (
    Reading,
    SeenMention,
    resolved_again,
    seen_in,
    stale_readings,
    store_reading,
    store_readings,
    store_resolved,
)
from biblio.errors import BiblioError, RequestRefused
from biblio.ingest import absorb, queries
from biblio.ingest.sources import eprint_service
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.models import Project
from biblio.store.words import Scheme
from harvesters.errors import RecordRefused, SourceStopped
from harvesters.fulltext import TextPart, is_readable_name, read_archive
from harvesters.records import Refusal
from matching.codes import CodeFinder
from matching.registry import Registry

SHORT_BATCH = 1_000
"""Papers whose titles, abstracts and snippets are read and stored together."""

EPRINTS_PER_RUN = 3_000
"""E-prints fetched by one run unless asked otherwise: at arXiv's pace two and a half hours. The next run goes on."""

MAX_FILE_BYTES = 256 * 1024**2
_MARK = re.compile(r"</?em>")
_VERSION = re.compile(r"v\d+$")
_SUFFIXES = (".tar.gz", ".tgz", ".gz", ".tex", ".txt", ".xml", ".html", ".pdf")


class ReadingIncomplete(BiblioError):
    """Some texts could not be asked for; what was read is stored and the next run goes on."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a run was asked to read."""

    folder: Path | None
    limit: int
    eprints: bool

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> _Wanted:
        unknown = set(arguments) - {"folder", "limit", "eprints"}
        if unknown:
            raise RequestRefused(
                f"Reading does not know {', '.join(sorted(unknown))}; it takes folder, limit, eprints."
            )
        folder = Path(str(arguments["folder"])) if arguments.get("folder") else None
        if folder is not None and not folder.is_dir():
            raise RequestRefused(f"There is no folder {folder}.")
        limit = str(arguments.get("limit") or EPRINTS_PER_RUN)
        if not limit.isdigit():
            raise RequestRefused(f"The limit is a number of e-prints, not {limit[:20]!r}.")
        eprints = str(arguments.get("eprints", "yes")).lower() not in ("no", "false", "0") and folder is None
        return cls(folder, int(limit), eprints)


@dataclass(slots=True)
class Reader:
    """Finds codes in texts; ``digest`` names the code grammar and the project list by which it does."""

    finder: CodeFinder
    digest: str

    def parts(self, parts: Iterable[TextPart]) -> tuple[SeenMention, ...]:
        """Return the mentions in the parts of a full text, in their order."""
        seen: list[SeenMention] = []
        for part in parts:
            seen += seen_in(part.name, part.page, part.text, self.finder.find(part.text, markup=part.format))
        return tuple(seen)

    def short(self, named: Iterable[tuple[str, str]]) -> tuple[SeenMention, ...]:
        """Return the mentions in short texts, each given with the name of its part."""
        seen: list[SeenMention] = []
        for name, text in named:
            mentions = self.finder.find(text, markup="auto")
            if name == "ack":
                mentions = [replace(m, where="acknowledgement") for m in mentions]
            seen += seen_in(name, None, text, mentions)
        return tuple(seen)


def make_reader(session: Session, runtime: Runtime) -> Reader:
    """Return a reader that knows every project of the store."""
    codes = sorted(session.exec(select(Project.code)))
    plain = json.dumps([runtime.profile.codes, codes], sort_keys=True, default=str)
    digest = hashlib.sha256(plain.encode()).hexdigest()
    return Reader(CodeFinder(runtime.grammar, Registry(runtime.grammar, codes)), digest)


def read_short(context: JobContext) -> None:
    """Read what came with the records: titles, abstracts, snippets. It asks no service, so a harvest ends with it."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
    _resolve_again(context, reader)
    _read_short(context, reader)


def read(context: JobContext) -> None:
    """Run the reading. Raises ``ReadingIncomplete`` at the end when a service could not be asked any further."""
    wanted = _Wanted.of(context.arguments)
    runtime = context.runtime
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
    if not reader.finder.registry:
        context.note("There are no projects yet: codes are found by their shape alone. Load projects first.")
    _resolve_again(context, reader)
    _read_short(context, reader)
    if wanted.folder is not None:
        _read_folder(context, reader, wanted.folder)
    elif wanted.eprints:
        _read_eprints(context, reader, wanted.limit)


def _resolve_again(context: JobContext, reader: Reader) -> None:
    """Read the mentions of full texts again that older rules or an older project list found; their texts are gone."""
    runtime = context.runtime
    while True:
        with runtime.store.reading() as session:
            stale = stale_readings(session, reader.digest, limit=SHORT_BATCH)
        if not stale.reading_ids:
            return
        changed = resolved_again(stale.mentions, reader.finder)
        with runtime.store.writing() as session:
            store_resolved(session, stale, changed, digest=reader.digest)
        if changed:
            context.count("mentions_resolved_again", len(changed))


# -- titles, abstracts, snippets --------------------------------------------------------------------------------------


def _read_short(context: JobContext, reader: Reader) -> None:
    """Read what the store holds itself: titles with abstracts, and the passages ADS found our phrases in."""
    runtime = context.runtime
    after, done = 0, 0
    with runtime.store.reading() as session:
        total = queries.count_papers(session)
    while True:
        with runtime.store.reading() as session:
            batch = queries.short_texts(session, after=after, limit=SHORT_BATCH)
        if not batch:
            return
        readings = [r for text in batch for r in _short_readings(reader, text)]
        if readings:
            with runtime.store.writing() as session:
                stored = store_readings(session, readings, now=runtime.clock.now())
            context.count("short_texts_read", stored)
            context.count("mentions", sum(len(r.mentions) for r in readings))
        after, done = batch[-1].paper_id, done + len(batch)
        context.progress("abstracts", done, total)


def _short_readings(reader: Reader, text: queries.ShortText) -> Iterator[Reading]:
    """Yield the readings of a paper's short texts that are not in force already."""
    snippets = [(name, _MARK.sub("", passage)) for name, passage in text.snippets]
    for origin, named in (("abstract", [("title", text.title), ("abstract", text.abstract)]), ("snippet", snippets)):
        given = [(name, passage) for name, passage in named if passage]
        if not given:
            continue
        sha256 = hashlib.sha256(json.dumps(given).encode()).hexdigest()
        if text.known.get(origin) == (sha256, reader.digest):
            continue
        yield Reading(
            paper_id=text.paper_id,
            origin=origin,
            place="the record",
            format="text",
            sha256=sha256,
            characters=sum(len(passage) for _, passage in given),
            rules_digest=reader.digest,
            mentions=reader.short(given),
        )


# -- e-prints ---------------------------------------------------------------------------------------------------------


def _read_eprints(context: JobContext, reader: Reader, limit: int) -> None:
    """Fetch and read e-prints not yet read in their newest version, those that name us first, then the newest."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        due = queries.eprints_due(session)
    service = eprint_service(runtime)
    for done, paper in enumerate(due[:limit]):
        context.progress("e-prints", done, min(limit, len(due)))
        name = f"arXiv:{paper.arxiv_id}" + (f"v{paper.version}" if paper.version else "")
        blank = Reading(paper.paper_id, "eprint", name, paper.version_name, rules_digest=reader.digest)
        try:
            body, _ = service.fetch(paper.arxiv_id, paper.version)
        except RecordRefused as refused:
            _store(context, replace(blank, refusal=str(refused)), [Refusal("fulltext", name, str(refused))])
            continue
        except SourceStopped as stopped:
            raise ReadingIncomplete(f"E-prints: {stopped}") from stopped
        reading, refusals = read_body(reader, blank, name, body)
        _store(context, reading, refusals)
    if due:
        context.progress("e-prints", min(limit, len(due)), min(limit, len(due)))
    if len(due) > limit:
        context.note(f"{len(due) - limit} e-prints are left for the next run.")


def read_body(reader: Reader, blank: Reading, name: str, body: bytes) -> tuple[Reading, list[Refusal]]:
    """Read one full text; return the reading to store and what of it had to be refused. Any failure is a refusal."""
    try:
        parts, refusals = read_archive(name, body)
        mentions = reader.parts(parts)
    except Exception as error:  # a stranger's file must never end the run, whatever it makes a library do
        parts, mentions = [], ()
        refusals = [Refusal("fulltext", name, f"cannot be read ({type(error).__name__})")]
    sha256 = hashlib.sha256(body).hexdigest()
    if not parts:
        reason = "; ".join(f"{r.place}: {r.reason}" for r in refusals[:3]) or "holds no text"
        return replace(blank, sha256=sha256, refusal=reason), refusals or [Refusal("fulltext", name, reason)]
    return (
        replace(
            blank,
            sha256=sha256,
            format=parts[0].format,
            characters=sum(len(part.text) for part in parts),
            mentions=mentions,
        ),
        refusals,
    )


def _store(context: JobContext, reading: Reading, refusals: Sequence[Refusal]) -> None:
    runtime = context.runtime
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        store_reading(session, reading, now=now)
        absorb.add_refusals(session, refusals, context.run_id, now)
    context.count("texts_refused" if reading.refusal else "texts_read")
    context.count("mentions", len(reading.mentions))
    context.count("refused", len(refusals))


# -- a folder ---------------------------------------------------------------------------------------------------------


def _read_folder(context: JobContext, reader: Reader, folder: Path) -> None:
    """Read the files of a folder, named by an identifier of their paper; a file of no paper is refused by name."""
    runtime = context.runtime
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    readable = [path for path in files if is_readable_name(path.name)]
    if len(files) > len(readable):
        context.count("ignored", len(files) - len(readable))
    with runtime.store.reading() as session:
        papers = queries.papers_of_files(session, {path: candidates(path) for path in readable})
        known = queries.folder_hashes(session)
    for done, path in enumerate(readable):
        context.progress("folder", done, len(readable))
        context.count("seen")
        place = str(path.relative_to(folder))
        paper_id = papers.get(path)
        if paper_id is None:
            _refuse_file(
                context, place, "no paper has the identifier this file is named by; harvest or import it first"
            )
            continue
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise OSError(0, f"is larger than {MAX_FILE_BYTES // 1024**2} MB")
            body = path.read_bytes()
        except OSError as error:
            _refuse_file(context, place, f"cannot be read ({error.strerror or type(error).__name__})")
            continue
        sha256 = hashlib.sha256(body).hexdigest()
        if known.get(paper_id) == (sha256, reader.digest):
            context.count("unchanged")
            continue
        blank = Reading(paper_id, "folder", place, sha256[:16], rules_digest=reader.digest)
        reading, refusals = read_body(reader, blank, place, body)
        _store(context, reading, refusals)
    context.progress("folder", len(readable), len(readable))


def _refuse_file(context: JobContext, place: str, reason: str) -> None:
    runtime = context.runtime
    context.count("refused")
    with runtime.store.writing() as session:
        absorb.add_refusals(session, [Refusal("fulltext", place, reason)], context.run_id, runtime.clock.now())


def candidates(path: Path) -> tuple[str | Identifier, ...]:
    """Return what a file's name may mean: identifiers first, then a source's own key. ``_`` may stand for ``/``."""
    stem = path.name
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    spellings = (stem, stem.replace("_", "/", 1), stem.replace("_", "/"))
    found: list[str | Identifier] = []
    for scheme, normal in ((Scheme.ARXIV, normal_arxiv), (Scheme.BIBCODE, normal_bibcode), (Scheme.DOI, normal_doi)):
        for written in spellings:
            value = normal(written)
            if value is not None:
                found.append(Identifier(scheme, value))
    return tuple(dict.fromkeys([*found, *spellings, _VERSION.sub("", stem)]))
