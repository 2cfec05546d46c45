"""Finding codes in one text and storing what was found; the same for e-prints, watched folders and imported lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, select

from biblio.catalogue.texts import Reading, SeenMention, seen_in, store_reading
from biblio.ingest import absorb
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.models import Project
from harvesters.fulltext import TextPart, read_archive
from harvesters.records import Refusal
from matching.codes import CodeFinder
from matching.registry import Registry


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


MAX_REFUSALS = 100
"""Refusals written down of one file; a hostile archive has thousands of members that are none of ours to list."""


def read_body(reader: Reader, blank: Reading, name: str, body: bytes) -> tuple[Reading, list[Refusal]]:
    """Read one full text; return the reading to store and what of it had to be refused. Any failure is a refusal."""
    try:
        parts, refusals = read_archive(name, body)
        mentions = reader.parts(parts)
    except Exception as error:  # a stranger's file must never end the run, whatever it makes a library do
        parts, mentions = [], ()
        refusals = [Refusal("fulltext", name, f"cannot be read ({type(error).__name__})")]
    if len(refusals) > MAX_REFUSALS:
        more = Refusal(refusals[0].source, name, f"{len(refusals) - MAX_REFUSALS} more of its members were not read")
        refusals = [*refusals[:MAX_REFUSALS], more]
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


def store_text(context: JobContext, reading: Reading, refusals: Sequence[Refusal]) -> None:
    """Store what one text gave, with what of it had to be refused, and count it."""
    runtime = context.runtime
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        store_reading(session, reading, now=now)
        absorb.add_refusals(session, refusals, context.run_id, now)
    context.count("texts_refused" if reading.refusal else "texts_read")
    context.count("mentions", len(reading.mentions))
    context.count("refused", len(refusals))
