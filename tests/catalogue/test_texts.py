"""What is kept of a text: codes with the passage around them, never the text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from biblio.catalogue.papers import absorb_records
from biblio.catalogue.texts import (
    CONTEXT,
    Reading,
    resolved_again,
    said_in,
    seen_in,
    stale_readings,
    store_reading,
    store_resolved,
)
from biblio.runtime import Runtime
from biblio.store.models import TextMention, TextPhrase, TextReading
from matching.codes import CodeFinder, Mention
from matching.phrases import Phrase
from matching.registry import Registry
from tests.catalogue.records import preprint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TEXT = "x" * 500 + " This paper makes use of ADS/JAO.ALMA#2013.1.00092.S and of much else. " + "y" * 500


@pytest.fixture
def paper_id(runtime: Runtime) -> int:
    """A paper to read."""
    with runtime.store.writing() as session:
        return absorb_records(session, [preprint()], payload_sha256=None, now=NOW)[0].paper_id


def finder(runtime: Runtime, *codes: str) -> CodeFinder:
    """A finder that knows these projects."""
    return CodeFinder(runtime.grammar, Registry(runtime.grammar, codes))


def reading(runtime: Runtime, paper_id: int, *codes: str, digest: str = "old") -> Reading:
    """The reading of ``TEXT`` by somebody who knows these projects."""
    mentions = tuple(seen_in("main.tex", None, TEXT, finder(runtime, *codes).find(TEXT)))
    return Reading(
        paper_id,
        "eprint",
        "arXiv:2101.00001v1",
        "v1",
        "tex",
        "0" * 64,
        len(TEXT),
        rules_digest=digest,
        mentions=mentions,
    )


def test_a_passage_is_kept_and_no_more(runtime: Runtime, paper_id: int) -> None:
    """The context holds the code at its offset and 150 characters on each side."""
    with runtime.store.writing() as session:
        assert store_reading(session, reading(runtime, paper_id), now=NOW)
    with runtime.store.reading() as session:
        mention = session.exec(select(TextMention)).one()
        start = mention.start - mention.context_start
        assert mention.context[start : start + mention.end - mention.start] == mention.as_written
        assert TEXT[mention.start : mention.end] == mention.as_written
        assert len(mention.context) <= 2 * CONTEXT + len(mention.as_written)


def test_the_same_reading_twice_is_one(runtime: Runtime, paper_id: int) -> None:
    """Reading the same text by the same rules adds nothing; a new version supersedes the one before."""
    with runtime.store.writing() as session:
        one = reading(runtime, paper_id)
        assert store_reading(session, one, now=NOW)
        assert not store_reading(session, one, now=LATER)
        assert store_reading(
            session, Reading(paper_id, "eprint", "arXiv:2101.00001v2", "v2", refusal="gone"), now=LATER
        )
    with runtime.store.reading() as session:
        rows = session.exec(select(TextReading).order_by(TextReading.id)).all()  # type: ignore[arg-type]
        assert [(r.version, r.superseded_at) for r in rows] == [("v1", LATER), ("v2", None)]


def test_newer_rules_that_find_as_little_add_no_history(runtime: Runtime, paper_id: int) -> None:
    """A project list that grew does not add a row for every text without a code."""
    with runtime.store.writing() as session:
        empty = Reading(paper_id, "abstract", "the record", sha256="1" * 64, rules_digest="old")
        store_reading(session, empty, now=NOW)
        store_reading(
            session, Reading(paper_id, "abstract", "the record", sha256="1" * 64, rules_digest="new"), now=LATER
        )
    with runtime.store.reading() as session:
        row = session.exec(select(TextReading)).one()
        assert (row.rules_digest, row.read_at) == ("new", NOW)


def test_mentions_are_resolved_again_without_the_text(runtime: Runtime, paper_id: int) -> None:
    """When the registry learns a project, a mention stored before becomes certain; then nothing is left to do."""
    with runtime.store.writing() as session:
        store_reading(session, reading(runtime, paper_id, "2015.1.00001.S"), now=NOW)
        before = session.exec(select(TextMention)).one()
        assert (before.certain, before.in_registry) == (False, False)
        known = finder(runtime, "2013.1.00092.S", "2015.1.00001.S")
        stale = stale_readings(session, "new", limit=10)
        changed = resolved_again(stale.mentions, known)
        assert len(changed) == 1
        store_resolved(session, stale, changed, digest="new")
    with runtime.store.writing() as session:
        assert stale_readings(session, "new", limit=10).reading_ids == []
    with runtime.store.reading() as session:
        after = session.exec(select(TextMention)).one()
        assert (after.code, after.certain, after.in_registry) == ("2013.1.00092.S", True, True)


@pytest.mark.parametrize(("ending", "line"), [("\n", 3), ("\r\n", 3), ("\r", 3)])
def test_a_quote_keeps_its_line(ending: str, line: int) -> None:
    """Lines count from 1 and end as on any system; short texts and pages have none."""
    text = ending.join(["\\section{Data}", "We used", "2016.1.00001.S and more."])
    start = text.index("2016")
    mention = Mention(start, start + 14, "2016.1.00001.S", "2016.1.00001.S", True, True, (), "body", True)
    [seen] = seen_in("main.tex", None, text, [mention], has_lines=True)
    assert seen.line == line
    [short] = seen_in("abstract", None, text, [mention])
    assert short.line is None


def test_lines_are_stored_with_mentions_and_phrases(runtime: Runtime, paper_id: int) -> None:
    """What the reader noted stands in both tables."""
    text = "\n\nThis paper makes use of 2016.1.00001.S."
    mention = Mention(26, 40, "2016.1.00001.S", "2016.1.00001.S", True, True, (), "body", True)
    phrase = Phrase("use", 2, 25, "This paper makes use of", "body", "main.tex", None)
    with runtime.store.writing() as session:
        reading = Reading(
            paper_id,
            "eprint",
            "main.tex",
            mentions=tuple(seen_in("main.tex", None, text, [mention], has_lines=True)),
            phrases=tuple(said_in(text, [phrase], has_lines=True)),
        )
        assert store_reading(session, reading, now=NOW)
        assert session.exec(select(TextMention.line)).all() == [3]
        assert session.exec(select(TextPhrase.line)).all() == [3]
