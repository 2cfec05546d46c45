"""Nothing that is kept holds an answer with a person: every byte is searched, while a campaign is open and after it.

What could be told from all of it together is tried in ``test_adversary.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from sqlmodel import SQLModel, col, select

from biblio.logs import configure
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Campaign, Invitation
from survey.box.ballots import SEALED_LENGTH, BallotUnreadable, key_path, new_key_pair, unseal
from survey.page.anonymity import promises
from tests.survey.people import answer_all, let_it_end, make_campaign, open_and_send, said, tokens_of
from tests.web.visitors import Visitor

WORDS = ["Zwetschgenkuchen", "Fjordpferd", "Kolibri", "Quittenbrot", "Sanddorn", "Wacholder"]
"""Words that stand in no other text, so that finding one is finding an answer."""

ANSWERS = [said(n + 1, f"{WORDS[n]}-detail" if n in (0, 9, 11) else "", f"{WORDS[n]}-comment") for n in range(6)]


@pytest.fixture
def logs_put_back() -> Iterator[None]:
    """Logs as tests have them, again, after a test has set them up as a server does."""
    yield
    structlog.reset_defaults()


def everything_kept(runtime: Runtime) -> bytes:
    """Return all that a curious person could read: the database with its journal, and every file but the keys."""
    parts = []
    database = runtime.store.engine.url.database or ""
    if runtime.store.is_sqlite:
        parts += [path.read_bytes() for path in Path(database).parent.glob(Path(database).name + "*")]
    else:
        with runtime.store.engine.connect() as connection:
            for table in sa.inspect(connection).get_table_names():
                rows = connection.exec_driver_sql(f'SELECT ctid, xmin, xmax, t.*, t::text FROM "{table}" t').all()
                parts.append(repr(rows).encode())
    for path in runtime.settings.home.rglob("*"):
        if path.is_file() and path.suffix != ".key":
            parts.append(path.read_bytes())
    return b"\n".join(parts)


def test_while_open_no_answer_stands_anywhere_in_clear(
    app: Flask, runtime: Runtime, logs_put_back: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither database, journal, logs nor mail hold a word of an answer; the logs hold no token, address or choice."""
    configure(level="DEBUG")
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    for token, filled in zip(tokens, ANSWERS, strict=True):
        address = f"/survey/{token}"
        (chosen,) = filled.chosen
        data = {
            "status": str(chosen.choice),
            f"status-{chosen.choice}": chosen.word,
            "comment": filled.texts.get("comment", ""),
        }
        assert Visitor(app).post(address, data, form_on=address).status_code == 303
    kept = everything_kept(runtime)
    said = "".join(capsys.readouterr())
    for word in WORDS:
        assert word.encode() not in kept
        assert word not in said
    for token in tokens:
        assert token not in said
    assert "@example.org" not in said
    assert "/survey/<token>" in said


def test_the_outbox_holds_no_link(runtime: Runtime) -> None:
    """No token stands in the database, only fingerprints; the letters in the folder hold them, as letters must."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    with runtime.store.engine.connect() as connection:
        dump = "".join(repr(connection.execute(sa.select(table)).all()) for table in SQLModel.metadata.sorted_tables)
    for token in tokens_of(runtime, campaign):
        assert token not in dump
    assert "survey-invitation" in dump


def test_ballots_cannot_be_told_apart(runtime: Runtime) -> None:
    """All sealed ballots have one length and differ in all their bytes' distribution from no other; ids are random."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), ANSWERS)
    with runtime.store.reading() as session:
        rows = session.exec(select(Ballot)).all()
    assert {len(row.sealed) for row in rows} == {SEALED_LENGTH}
    assert len({row.sealed for row in rows}) == len({row.id for row in rows}) == 6
    assert all(len(row.id) == 32 for row in rows)


def test_the_tables_tie_answers_to_nothing() -> None:
    """Ballot and answer refer to the campaign only and hold no time; each column is explained in words."""
    promise = promises(5)
    assert promise.holds
    assert {t.name for t in promise.tables} == {"invitation", "ballot", "answer", "comment", "opt_out"}
    assert all(c.words != "(not described yet)" for t in promise.tables for c in t.columns)
    invitation = next(t for t in promise.tables if t.name == "invitation")
    assert {c.name for c in invitation.columns if "used" in c.name} == {"is_used"}


def test_a_promise_that_does_not_hold_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the ballot's table to hold a time, the page would say that the promise does not hold."""
    table: sa.Table = Ballot.__table__.to_metadata(sa.MetaData())  # type: ignore[attr-defined]
    Campaign.__table__.to_metadata(table.metadata)  # type: ignore[attr-defined]
    table.append_column(sa.Column("at", sa.DateTime()))
    monkeypatch.setattr(Ballot, "__table__", table)
    assert not promises(5).holds


def test_after_closing_no_ballot_is_left_in_the_file(runtime: Runtime) -> None:
    """On SQLite the deleted ballots' bytes are gone from file and journal; on both the table is empty."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), ANSWERS)
    with runtime.store.reading() as session:
        sealed = list(session.exec(select(Ballot.sealed)))
    assert all(each[:64] in everything_kept(runtime) or not runtime.store.is_sqlite for each in sealed)
    let_it_end(runtime, campaign)
    kept = everything_kept(runtime)
    for each in sealed:
        assert each[:64] not in kept
        assert each[-64:] not in kept


def test_an_old_backup_stays_closed_after_the_key_is_destroyed(runtime: Runtime, tmp_path: Path) -> None:
    """Ballots of a backup made while the campaign was open cannot be opened with anything that is left."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), ANSWERS)
    with runtime.store.reading() as session:
        backup = list(session.exec(select(Ballot.sealed)))
    let_it_end(runtime, campaign)
    assert not key_path(runtime.settings.survey_keys, campaign).exists()
    assert list(runtime.settings.survey_keys.iterdir()) == []
    for each in backup:
        with pytest.raises(BallotUnreadable):
            unseal(new_key_pair()[0], each)


def test_a_ballot_is_not_read_alone_where_the_others_were_taken_out(runtime: Runtime) -> None:
    """Somebody who deletes all ballots but one from the database does not get that one opened."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), ANSWERS)
    with runtime.store.writing() as session:
        kept = session.exec(select(Ballot.id)).first()
        session.execute(sa.delete(Ballot).where(col(Ballot.id) != kept))
    released = let_it_end(runtime, campaign)
    assert (released.read, released.destroyed) == (0, 1)
    assert "the numbers do not agree" in released.sentence
    with runtime.store.reading() as session:
        assert session.exec(select(Answer)).all() == []


def test_which_links_were_used_is_all_that_is_known_of_them(runtime: Runtime) -> None:
    """Two used invitations differ in nothing that the answer could have changed: no time, no count, no order."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    with runtime.store.reading() as session:
        before = {row.id: row.model_dump() for row in session.exec(select(Invitation))}
    answer_all(runtime, tokens_of(runtime, campaign)[:2], [said(1, "a"), said(12, "b" * 200, "c" * 900)])
    with runtime.store.reading() as session:
        after = {row.id: row.model_dump() for row in session.exec(select(Invitation).order_by(col(Invitation.id)))}
    for number, row in after.items():
        changed = {name for name in row if row[name] != before[number][name]}
        assert changed <= {"is_used"}
    assert sum(row["is_used"] for row in after.values()) == 2
