"""The job ``read``: look for project codes in titles, abstracts, snippets, the watched folder of texts, and e-prints.

What is kept is quotes and hashes, never a text (arXiv's terms; ``catalogue.texts``). Each text is read once per
version; one that cannot be read is stored with its reason and not asked for again before there is a new version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from biblio.catalogue.texts import (
    Reading,
    give_up_phrases,
    resolved_again,
    stale_readings,
    store_readings,
    store_resolved,
)
from biblio.errors import BiblioError, RequestRefused
from biblio.ingest import absorb, queries
from biblio.ingest.list_links import LOAD_PROJECTS
from biblio.ingest.reader import Reader, make_reader, read_body, store_text
from biblio.ingest.sources import eprint_service
from biblio.ingest.texts_folder import FolderUnreadable, read_folder
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from harvesters.arxiv import EprintService
from harvesters.errors import RecordRefused, SourceStopped
from harvesters.records import Refusal

SHORT_BATCH = 1_000
"""Papers whose titles, abstracts and snippets are read and stored together."""

NOTED_EVERY = 20
"""E-prints after which the requests made are put into the ledger."""

EPRINTS_PER_RUN = 3_000
"""E-prints fetched by one run unless asked otherwise: at arXiv's pace two and a half hours. The next run goes on."""

_MARK = re.compile(r"</?em>")


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
        if not (limit.isascii() and limit.isdigit()):
            raise RequestRefused(f"The limit is a number of e-prints, not {limit[:20]!r}.")
        eprints = str(arguments.get("eprints", "yes")).lower() not in ("no", "false", "0") and folder is None
        return cls(folder, int(limit), eprints)


def read_short(context: JobContext) -> None:
    """Read what came with the records: titles, abstracts, snippets. It asks no service, so a harvest ends with it."""
    runtime = context.runtime
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
    _resolve_again(context, reader)
    _read_short(context, reader)


def read_paper(context: JobContext, paper_id: int) -> None:
    """Read what came with one paper's records, and its e-print where arXiv has one that was not read yet.

    Raises ``ReadingIncomplete`` where arXiv cannot be asked; the next run of the job ``read`` goes on.
    """
    runtime = context.runtime
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
        texts = queries.short_texts(session, after=paper_id - 1, limit=1)
        due = queries.eprint_of(session, paper_id)
    readings = [r for text in texts if text.paper_id == paper_id for r in _short_readings(reader, text)]
    if readings:
        with runtime.store.writing() as session:
            store_readings(session, readings, now=runtime.clock.now())
    if due is None:
        return
    service = eprint_service(runtime)
    try:
        _fetch_and_read(context, reader, service, [due])
    finally:
        _note_asked(context, service)


def check_read(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments that the reading cannot use."""
    _Wanted.of(arguments)


def read(context: JobContext) -> None:
    """Run the reading. Raises ``ReadingIncomplete`` at the end when a service could not be asked any further."""
    wanted = _Wanted.of(context.arguments)
    runtime = context.runtime
    with runtime.store.reading() as session:
        reader = make_reader(session, runtime)
    if not reader.finder.registry:
        context.note(f"There are no projects yet, so codes are found by their shape alone: {LOAD_PROJECTS}.")
    _resolve_again(context, reader)
    _read_short(context, reader)
    if wanted.folder is not None:
        read_folder(context, reader, wanted.folder)
        return
    trouble = _read_watched(context, reader)
    if wanted.eprints:
        _read_eprints(context, reader, wanted.limit)
    if trouble is not None:
        raise ReadingIncomplete(trouble)


def _read_watched(context: JobContext, reader: Reader) -> str | None:
    """Read the folder that this site watches, if it has one; return why it cannot be read, so that the rest goes on."""
    folder = context.runtime.settings.texts_folder
    if folder is None:
        return None
    try:
        read_folder(context, reader, folder)
    except FolderUnreadable as unreadable:
        context.note(str(unreadable))
        return str(unreadable)
    return None


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
    try:
        _fetch_and_read(context, reader, service, due[:limit])
    finally:
        _note_asked(context, service)
    if len(due) > limit:
        context.note(f"{len(due) - limit} e-prints are left for the next run.")


def _fetch_and_read(
    context: JobContext, reader: Reader, service: EprintService, wanted: Sequence[queries.EprintDue]
) -> None:
    """Fetch and read these, one at a time. Raises ``ReadingIncomplete`` when arXiv cannot be asked any further."""
    for done, paper in enumerate(wanted):
        context.progress("e-prints", done, len(wanted))
        if done % NOTED_EVERY == 0:
            _note_asked(context, service)
        name = f"arXiv:{paper.arxiv_id}" + (f"v{paper.version}" if paper.version else "")
        blank = replace(reader.blank, paper_id=paper.paper_id, origin="eprint", place=name, version=paper.version_name)
        try:
            body, _ = service.fetch(paper.arxiv_id, paper.version)
            reading, refusals = read_body(reader, blank, name, body)
            if refusals:
                # What cannot be read is not asked for again before its next version: it may have been cut on its way.
                again, _ = service.fetch(paper.arxiv_id, paper.version)
                reading, refusals = read_body(reader, blank, name, again) if again != body else (reading, refusals)
        except RecordRefused as refused:
            reading, refusals = replace(blank, refusal=str(refused)), [Refusal("fulltext", name, str(refused))]
        except SourceStopped as stopped:
            raise ReadingIncomplete(f"E-prints: {name}: {stopped}") from stopped
        if reading.refusal and paper.is_again:
            _keep_as_read(context, paper, refusals)
        else:
            store_text(context, reading, refusals)
    if wanted:
        context.progress("e-prints", len(wanted), len(wanted))


def _keep_as_read(context: JobContext, paper: queries.EprintDue, refusals: Sequence[Refusal]) -> None:
    """Leave what was read of a text before, which cannot be had a second time, and do not ask for it again."""
    runtime = context.runtime
    with runtime.store.writing() as session:
        give_up_phrases(session, paper.paper_id)
        absorb.add_refusals(session, refusals, context.run_id, runtime.clock.now())
    context.count("refused", len(refusals))


def _note_asked(context: JobContext, service: EprintService) -> None:
    """Put the requests made since the last time into the ledger."""
    runtime = context.runtime
    with runtime.store.writing() as session:
        absorb.note_asked(session, service.session, runtime.clock.now())
