"""Finding codes in one text and storing what was found; the same for e-prints, watched folders and imported lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, select

from biblio.catalogue.texts import Reading, SeenMention, SeenPhrase, said_in, seen_in, store_reading
from biblio.ingest import absorb
from biblio.jobs import JobContext
from biblio.runtime import Runtime
from biblio.store.models import Project
from harvesters.fulltext import TextPart, read_archive
from harvesters.records import Refusal
from matching.addresses import Front, find_addresses
from matching.codes import CodeFinder
from matching.phrases import Phrase
from matching.registry import Registry
from matching.relation import RelationRules


@dataclass(slots=True)
class Reader:
    """Finds codes and what is said of the observatory in texts.

    ``digest`` names the code grammar and the project list by which it finds codes, ``phrases_digest`` the phrases.
    """

    finder: CodeFinder
    digest: str
    relation: RelationRules
    phrases_digest: str

    def parts(self, parts: Iterable[TextPart]) -> tuple[SeenMention, ...]:
        """Return the mentions in the parts of a full text, in their order."""
        seen: list[SeenMention] = []
        for part in parts:
            found = self.finder.find(part.text, markup=part.format)
            seen += seen_in(part.name, part.page, part.text, found, has_lines=part.page is None)
        return tuple(seen)

    @property
    def blank(self) -> Reading:
        """Return the reading of a full text by these rules, of no paper yet."""
        return Reading(0, "", "", rules_digest=self.digest, phrases_digest=self.phrases_digest)

    def most_telling(self, said: Sequence[SeenPhrase]) -> tuple[SeenPhrase, ...]:
        """Return what is worth keeping of what several texts of one paper say."""
        of = {one.phrase: one for one in said}
        return tuple(of[phrase] for phrase in self.relation.kept(of))

    def said(self, parts: Sequence[TextPart]) -> tuple[tuple[SeenPhrase, ...], int]:
        """Return what the parts of a full text say of the observatory, the most telling, and how often it is named."""
        phrases: list[Phrase] = []
        texts: dict[tuple[str, int | None], str] = {}
        named, before, last = 0, "", ""
        for part in parts:
            before = before if part.name == last else ""
            found = self.relation.find(part.text, markup=part.format, before=before)
            phrases += [replace(p, part=part.name, page=part.page) for p in found.phrases]
            texts.setdefault((part.name, part.page), part.text)
            named += found.named
            before, last = (before + part.text)[-_HEADINGS_BACK:], part.name
            if len(phrases) > _MOST_HELD:
                phrases = list(self.relation.kept(phrases))
        kept = self.relation.kept(phrases)
        return tuple(s for p in kept for s in said_in(texts[p.part, p.page], [p], has_lines=p.page is None)), named

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
    return Reader(
        CodeFinder(runtime.grammar, Registry(runtime.grammar, codes)),
        hashlib.sha256(plain.encode()).hexdigest(),
        runtime.relation_rules,
        phrases_digest(runtime),
    )


def phrases_digest(runtime: Runtime) -> str:
    """Return what tells the phrases looked for now from others. Weights and sentences are none of it: they are read when
    a paper is shown."""
    relation = runtime.profile.relation
    looked_for = [
        {name: value for name, value in table.items() if name not in ("weight", "sentence", "speaks_for")}
        for table in relation["phrases"]
    ]
    plain = json.dumps(
        [PHRASES_READ, relation["names"], relation["own"], looked_for, runtime.profile.keywords],
        sort_keys=True,
        default=str,
    )
    return hashlib.sha256(plain.encode()).hexdigest()


PHRASES_READ = 1
"""Raised when sentences are read otherwise than before, so that texts at hand are read again."""

_MOST_HELD = 5_000
"""Phrases held while a text is read; of more the most telling are kept at once."""

_HEADINGS_BACK = 12_000
"""Characters of the pages before in which headings are looked for."""

MAX_REFUSALS = 100
"""Refusals written down of one file; a hostile archive has thousands of members that are none of ours to list."""


def read_body(reader: Reader, blank: Reading, name: str, body: bytes) -> tuple[Reading, list[Refusal]]:
    """Read one full text; return the reading to store and what of it had to be refused. Any failure is a refusal."""
    try:
        parts, refusals = read_archive(name, body)
        mentions = reader.parts(parts)
        phrases, named = reader.said(parts)
        addresses = find_addresses(Front(part.name, part.text, part.format, part.page) for part in parts)
    except Exception as error:  # a stranger's file must never end the run, whatever it makes a library do
        parts, mentions, phrases, named, addresses = [], (), (), 0, ()
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
            named=named,
            phrases=phrases,
            unread_parts=len(refusals),
            addresses=addresses,
        ),
        refusals,
    )


def store_text(context: JobContext, reading: Reading, refusals: Sequence[Refusal]) -> None:
    """Store what one text gave, with what of it had to be refused, and count it."""
    runtime = context.runtime
    with runtime.store.writing() as session:
        now = runtime.clock.now()
        store_reading(session, reading, now=now)
        absorb.add_refusals(session, refusals, context.run_id, now)
    context.count("texts_refused" if reading.refusal else "texts_read")
    context.count("mentions", len(reading.mentions))
    context.count("refused", len(refusals))
