"""Writing many rows at once gives what the mapped classes read back, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlmodel import select

from biblio.catalogue.rows import encoded, insert_rows
from biblio.store import Store
from biblio.store.models import Paper, PaperAuthor, PaperIdentifier, PaperRevision, SourceRecord
from biblio.store.words import Scheme

NOW = datetime(2026, 11, 22, 12, 0, 0, 250, tzinfo=UTC)
HOSTILE = "a'b\"c\\d,{}%s ? :x é \U0001f52d NULL"


def test_every_kind_of_column_comes_back_as_it_went_in(store: Store) -> None:
    """Moments with their zone, days, JSON, words of a list, numbers, yes and no, texts full of signs, and nothing."""
    record = {"title": HOSTILE, "authors": [{"name": "Doe, Jane"}], "year": 2021, "is_refereed": False}
    with store.writing() as session:
        insert_rows(session, Paper, ("id", "first_seen_at"), [(1, NOW), (2, NOW)])
        names = ("paper_id", "source", "key", "record", "digest", "payload_sha256", "learned_at")
        insert_rows(session, SourceRecord, names, [(1, "ads", HOSTILE, encoded(record), "0" * 64, None, NOW)])
        elsewhere = NOW.astimezone(timezone(timedelta(hours=-4)))
        names = ("paper_id", "scheme", "value", "source", "learned_at")
        insert_rows(session, PaperIdentifier, names, [(2, Scheme.DOI, "10.1/x", "ads", elsewhere)])
        names = ("paper_id", "learned_at", "keywords", "provenance", "is_refereed", "published_on", "year", "title")
        names = (*names, "is_withdrawn")
        shown = [(1, NOW, "[]", '{"title": "ads"}', True, date(2021, 3, 1), 2021, HOSTILE, False)]
        insert_rows(session, PaperRevision, names, [*shown, (2, NOW, '["dust"]', "{}", False, None, None, None, True)])
    with store.reading() as session:
        row = session.exec(select(SourceRecord)).one()
        assert (row.record, row.key, row.payload_sha256, row.learned_at) == (record, HOSTILE, None, NOW)
        named = session.exec(select(PaperIdentifier)).one()
        assert (named.scheme, named.value, named.learned_at) == (Scheme.DOI, "10.1/x", NOW)
        one, two = session.exec(select(PaperRevision).order_by(sa.text("id"))).all()
        assert (one.is_refereed, one.published_on, one.title, one.keywords) == (True, date(2021, 3, 1), HOSTILE, [])
        assert one.provenance == {"title": "ads"}
        assert (two.is_refereed, two.published_on, two.year, two.title, two.keywords) == (
            False,
            None,
            None,
            None,
            ["dust"],
        )


def test_no_rows_are_no_statement(store: Store) -> None:
    """An empty page writes nothing."""
    with store.writing() as session:
        insert_rows(session, Paper, ("id", "first_seen_at"), [])
        assert session.exec(select(Paper)).all() == []


def test_what_the_database_refuses_is_refused(store: Store) -> None:
    """An author of a revision that does not exist breaks the whole page, as it would one by one."""
    with pytest.raises(sa.exc.IntegrityError), store.writing() as session:
        insert_rows(session, Paper, ("id", "first_seen_at"), [(1, NOW)])
        insert_rows(session, PaperAuthor, ("revision_id", "position", "name"), [(77, 1, "Doe, Jane")])
    with store.reading() as session:
        assert session.exec(select(Paper)).all() == []


def test_a_text_that_is_too_long_is_never_cut(store: Store) -> None:
    """It is refused where the database knows lengths, and kept whole where it does not."""
    long = "x" * 300
    try:
        with store.writing() as session:
            insert_rows(session, Paper, ("id", "first_seen_at"), [(1, NOW)])
            names = ("paper_id", "scheme", "value", "source", "learned_at")
            insert_rows(session, PaperIdentifier, names, [(1, Scheme.DOI, long, "ads", NOW)])
    except sa.exc.DataError:
        assert not store.is_sqlite
    with store.reading() as session:
        assert list(session.exec(select(PaperIdentifier.value))) == ([long] if store.is_sqlite else [])


def test_equal_values_have_one_text() -> None:
    """The order in which a source gives its fields is no difference."""
    assert encoded({"b": 1, "a": "é"}) == encoded({"a": "é", "b": 1}) == '{"a": "é", "b": 1}'
