"""Nobody can tie an answer to a person: every byte that is kept is searched, while a campaign is open and after it."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from sqlmodel import SQLModel, col, select

from biblio.catalogue.actor import MACHINE
from biblio.logs import configure
from biblio.runtime import Runtime
from biblio.store.models import Answer, Ballot, Campaign, Invitation
from survey.anonymity import promises
from survey.ballots import SEALED_LENGTH, BallotUnreadable, key_path, new_key_pair, unseal
from survey.closing import close_campaign
from survey.questionnaire import Filled
from tests.survey.people import answer_all, make_campaign, open_and_send, tokens_of
from tests.web.visitors import Visitor

WORDS = ["Zwetschgenkuchen", "Fjordpferd", "Kolibri", "Quittenbrot", "Sanddorn", "Wacholder"]
"""Words that stand in no other text, so that finding one is finding an answer."""

ANSWERS = [Filled(n + 1, f"{WORDS[n]}-detail" if n in (0, 9, 11) else "", f"{WORDS[n]}-comment") for n in range(6)]


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
        data = {"reason": str(filled.reason), f"detail_{filled.reason}": filled.detail, "comment": filled.comment}
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
    assert "(link)" in dump


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
    promise = promises()
    assert promise.holds
    assert {t.name for t in promise.tables} == {"invitation", "ballot", "answer"}
    assert all(c.words != "(not described yet)" for t in promise.tables for c in t.columns)
    invitation = next(t for t in promise.tables if t.name == "invitation")
    assert {c.name for c in invitation.columns if "used" in c.name} == {"is_used"}


def test_a_promise_that_does_not_hold_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the ballot's table to hold a time, the page would say that the promise does not hold."""
    table: sa.Table = Ballot.__table__.to_metadata(sa.MetaData())  # type: ignore[attr-defined]
    Campaign.__table__.to_metadata(table.metadata)  # type: ignore[attr-defined]
    table.append_column(sa.Column("at", sa.DateTime()))
    monkeypatch.setattr(Ballot, "__table__", table)
    assert not promises().holds


def test_after_closing_no_ballot_is_left_in_the_file(runtime: Runtime) -> None:
    """On SQLite the deleted ballots' bytes are gone from file and journal; on both the table is empty."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), ANSWERS)
    with runtime.store.reading() as session:
        sealed = list(session.exec(select(Ballot.sealed)))
    assert all(each[:64] in everything_kept(runtime) or not runtime.store.is_sqlite for each in sealed)
    close_campaign(runtime, MACHINE, campaign)
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
    close_campaign(runtime, MACHINE, campaign)
    assert not key_path(runtime.settings.survey_keys, campaign).exists()
    assert list(runtime.settings.survey_keys.iterdir()) == []
    for each in backup:
        with pytest.raises(BallotUnreadable):
            unseal(new_key_pair()[0], each)


def test_the_order_of_answers_says_nothing_about_who_answered_when(runtime: Runtime) -> None:
    """People answer 1, 2, 3 … in turn; whatever order the database gives the answers in, places match by chance only.

    With 60 answers the expected number of matching places is 1 in a random order and 60 where order is kept; ten or
    more would happen by chance once in ten million tries.
    """
    campaign = make_campaign(runtime, projects=60)
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), [Filled(12, "", f"number {n}") for n in range(60)])
    with runtime.store.reading() as session:
        boxed = [len(ballot.sealed) for ballot in session.exec(select(Ballot))]
    assert len(boxed) == 60
    close_campaign(runtime, MACHINE, campaign)
    orders = ["SELECT comment FROM answer", "SELECT comment FROM answer ORDER BY id"]
    if not runtime.store.is_sqlite:
        orders.append("SELECT comment FROM answer ORDER BY ctid")
        orders.append("SELECT comment FROM answer ORDER BY xmin::text::bigint, ctid")
    with runtime.store.engine.connect() as connection:
        for order in orders:
            comments = [row[0] for row in connection.exec_driver_sql(order)]
            assert len(comments) == 60
            assert sum(c == f"number {n}" for n, c in enumerate(comments)) < 10


def test_snapshots_after_every_submission_link_no_better_than_guessing(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """An adversary with a copy of the whole database after each answer and after closing re-links no better than chance.

    They see which link was used between two copies, and which ballot appeared; then the answers. Guessing the most
    frequent answer for everybody is the yardstick; a control where the ballot is not sealed re-links everybody.
    """
    runtime = sqlite_runtime
    dice = random.Random(7)
    truth = [dice.choice((1, 2, 3, 4, 4, 4, 9, 9, 11)) for _ in range(40)]
    campaign = make_campaign(runtime, projects=40)
    open_and_send(runtime, campaign)
    tokens = tokens_of(runtime, campaign)
    ballots: dict[int, bytes] = {}
    before: set[str] = set()
    for person, token in enumerate(tokens):
        answer_all(runtime, [token], [Filled(truth[person])])
        rows = dict(_copy_rows(runtime, tmp_path))
        (new,) = set(rows) - before
        before = set(rows)
        ballots[person] = rows[new]
    close_campaign(runtime, MACHINE, campaign)
    with runtime.store.reading() as session:
        released = [row.reason for row in session.exec(select(Answer))]
    assert Counter(released) == Counter(truth)
    best_guess = Counter(truth).most_common(1)[0][1]
    by_order = sum(a == b for a, b in zip(released, truth, strict=True))
    by_bytes = _guess_from_bytes(ballots, truth)
    assert by_order <= best_guess + 6
    assert by_bytes <= best_guess + 6
    assert _guess_from_bytes({n: json.dumps({"reason": t}).encode() for n, t in enumerate(truth)}, truth) == 40


def _copy_rows(runtime: Runtime, tmp_path: Path) -> list[tuple[str, bytes]]:
    """Return the ballots of a copy of the database file with its journal, as an adversary would take it."""
    source = Path(runtime.store.engine.url.database or "")
    for suffix in ("", "-wal"):
        if (part := Path(f"{source}{suffix}")).exists():
            shutil.copyfile(part, tmp_path / f"copy.db{suffix}")
    connection = sqlite3.connect(tmp_path / "copy.db")
    try:
        return connection.execute("SELECT id, sealed FROM ballot").fetchall()
    finally:
        connection.close()


def _guess_from_bytes(ballots: dict[int, bytes], truth: list[int]) -> int:
    """Return how many answers are told from their ballots by the nearest other ballot (share of equal bytes)."""
    right = 0
    for person, ballot in ballots.items():
        others = [(sum(a == b for a, b in zip(ballot, o, strict=False)), n) for n, o in ballots.items() if n != person]
        right += truth[max(others)[1]] == truth[person]
    return right


def test_which_links_were_used_is_all_that_is_known_of_them(runtime: Runtime) -> None:
    """Two used invitations differ in nothing that the answer could have changed: no time, no count, no order."""
    campaign = make_campaign(runtime)
    open_and_send(runtime, campaign)
    with runtime.store.reading() as session:
        before = {row.id: row.model_dump() for row in session.exec(select(Invitation))}
    answer_all(runtime, tokens_of(runtime, campaign)[:2], [Filled(1, "a"), Filled(12, "b" * 200, "c" * 900)])
    with runtime.store.reading() as session:
        after = {row.id: row.model_dump() for row in session.exec(select(Invitation).order_by(col(Invitation.id)))}
    for number, row in after.items():
        changed = {name for name in row if row[name] != before[number][name]}
        assert changed <= {"is_used"}
    assert sum(row["is_used"] for row in after.values()) == 2
