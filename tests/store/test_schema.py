"""Migrations: up, down and up on a filled database, and the models agree with them."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, col, select

from biblio.catalogue.merges import merge
from biblio.catalogue.papers import absorb_records
from biblio.catalogue.splits import split_off
from biblio.errors import StartRefused
from biblio.store import Store, check_schema, downgrade, make_engine, upgrade
from biblio.store.models import (
    Answer,
    AuditEntry,
    Campaign,
    Comment,
    PaperIdentifierMove,
    RankingChoice,
    RankingMeasure,
    RankingModel,
    RematchTrial,
    SecondReading,
    SecondReadingPause,
    SourceRecord,
    TextPhrase,
    TextReading,
    TrialPaper,
)
from biblio.store.schema import alembic_config
from biblio.store.words import ModelFinding, Role, TrialState
from tests.catalogue.records import article, preprint
from tests.factories import LEARNED, accept, add_candidate, add_paper, add_project, add_user


def contents(engine: sa.Engine) -> dict[str, str]:
    """A hash of every table's rows, in the order of their keys."""
    found = {}
    with engine.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns)).all()
            plain = json.dumps([[str(v) for v in row] for row in rows])
            found[table.name] = hashlib.sha256(plain.encode()).hexdigest()
    return found


def fill(store: Store) -> None:
    """A little of what a database holds: parents, children, history."""
    with store.writing() as session:
        actor = add_user(session, role=Role.LIBRARIAN)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
        add_candidate(session, paper, project)
        accept(session, actor, paper, project)
        add_learned(session, paper)
        add_phrase(session, paper)


def add_learned(session: Session, paper: int) -> None:
    """A model with its measure and place, and a trial of it."""
    model = RankingModel(version="0123456789ab", text="{}", feature_version="1", rules_digest="0", fitted_at=LEARNED)
    session.add(model)
    session.flush()
    assert model.id is not None
    session.add(RankingMeasure(model_id=model.id, finding=ModelFinding.BETTER, measured_at=LEARNED))
    session.add(RankingChoice(model_id=model.id, chosen_at=LEARNED))
    trial = RematchTrial(model_id=model.id, basis="0", state=TrialState.READY, begun_at=LEARNED)
    session.add(trial)
    session.flush()
    assert trial.id is not None
    session.add(TrialPaper(trial_id=trial.id, paper_id=paper, digest="0", changes={"new": ["2016.1.00001.S"]}))


def add_phrase(session: Session, paper: int) -> None:
    """A full text that was read, and what it says."""
    reading = TextReading(paper_id=paper, origin="eprint", place="p", named=1, phrases_digest="0", read_at=LEARNED)
    session.add(reading)
    session.flush()
    assert reading.id is not None
    session.add(
        TextPhrase(
            reading_id=reading.id, kind="named", part="p", start=3, end=7, printed="us", stands_in="body",
            context="x", context_start=0,
        )
    )  # fmt: skip


def test_one_model_at_most_is_in_force(store: Store) -> None:
    """A second choice in force is refused by the database itself; one that has ended is no obstacle."""
    with store.writing() as session:
        session.add(RankingChoice(chosen_at=LEARNED, ended_at=LEARNED))
        session.add(RankingChoice(chosen_at=LEARNED))
    with pytest.raises(IntegrityError), store.writing() as session:
        session.add(RankingChoice(chosen_at=LEARNED))


def test_models_and_migrations_agree(store: Store) -> None:
    """A migrated database is what the models say: nothing left to generate."""
    command.check(alembic_config(store.engine))


def test_upgrading_a_filled_database_again_keeps_every_row(store: Store) -> None:
    """Upgrade is idempotent: run on a filled database at head it changes no row."""
    fill(store)
    before = contents(store.engine)
    upgrade(store.engine)
    assert contents(store.engine) == before


RESHAPED = ("answer", "campaign")
"""Tables whose old rows stand otherwise since: a test of their own says how."""


def test_answers_of_the_old_shape_are_kept_apart_from_their_comments(store: Store) -> None:
    """Choices, words and comments all survive, in two tables, under new keys; links used in closed campaigns are released."""
    downgrade(store.engine, "0018")
    questionnaire = json.dumps(
        {
            "version": "1", "title": "t", "introduction": [], "submit": "s", "leave": "l", "thanks": "x",
            "status": {"text": "How?", "hint": "one"}, "comment": {"text": "More?", "hint": ""},
            "reasons": [{"number": 1, "group": "data", "short": "a", "text": "aa", "detail": None}],
        }
    )  # fmt: skip
    with store.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO campaign (id, name, created_at, as_of, public_key, questionnaire, letters, released_at) "
                "VALUES (1, 'old', '2025-01-01', '2025-01-01', 'k', :q, '{}', '2025-03-01')"
            ),
            {"q": questionnaire},
        )
        for number in range(8):
            connection.execute(
                sa.text("INSERT INTO answer VALUES (:id, 1, 1, :detail, :comment)"),
                {"id": f"{number:032d}", "detail": f"d{number}", "comment": f"c{number}" if number % 2 else ""},
            )
    upgrade(store.engine)
    with store.reading() as session:
        answers, comments = session.exec(select(Answer)).all(), session.exec(select(Comment)).all()
        thawed = session.exec(select(Campaign)).one().questionnaire
    assert sorted(a.word for a in answers) == [f"d{n}" for n in range(8)]
    assert sorted(c.words for c in comments) == ["c1", "c3", "c5", "c7"]
    assert not {a.id for a in answers} & ({f"{n:032d}" for n in range(8)} | {c.id for c in comments})
    assert [q["key"] for q in thawed["questions"]] == ["status", "comment"]
    downgrade(store.engine, "0018")
    with store.engine.connect() as connection:
        back = connection.execute(sa.text("SELECT detail, comment FROM answer")).all()
        assert json.loads(json.dumps(connection.execute(sa.text("SELECT questionnaire FROM campaign")).scalar()))
    assert sorted(row[0] for row in back) == [f"d{n}" for n in range(8)]
    assert sorted(row[1] for row in back if row[1]) == ["c1", "c3", "c5", "c7"]
    upgrade(store.engine)


def test_the_bibliographies_of_records_of_before_are_found(store: Store) -> None:
    """Migration 0021 puts beside each record of ADS what it says of them; records without any keep nothing."""
    downgrade(store.engine, "0020")
    with store.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO paper (id, first_seen_at) VALUES (1, '2026-01-01 00:00:00')"))
        for key, extra in (("a", {"bibgroups": "HST; XMM"}), ("b", {"issue": "1"}), ("c", None)):
            record = json.dumps({"title": "Rings"} | ({} if extra is None else {"extra": extra}))
            connection.execute(
                sa.text(
                    "INSERT INTO source_record (paper_id, source, key, record, digest, learned_at) "
                    "VALUES (1, 'ads', :key, :record, '', '2026-01-01 00:00:00')"
                ),
                {"key": key, "record": record},
            )
    upgrade(store.engine)
    with store.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT key, bibgroups FROM source_record ORDER BY key")).all()
    assert [tuple(row) for row in rows] == [("a", "HST; XMM"), ("b", None), ("c", None)]


def test_what_was_overwritten_before_is_filled_in_from_what_is_left(store: Store) -> None:
    """Migration 0022 finds pauses of readings in the audit log, and whence identifiers came in the records."""
    with store.writing() as session:
        actor = add_user(session, role=Role.LIBRARIAN)
        project, paper = add_project(session, "2016.1.00001.S"), add_paper(session)
        decision = accept(session, actor, paper, project)
        reading = SecondReading(
            paper_id=paper,
            project_id=project,
            decision_id=decision,
            first_reader_id=actor.person_id(),
            drawn_at=LEARNED,
        )
        session.add(reading)
        for hour, what in enumerate(("called_off", "resumed", "called_off", "resumed", "called_off")):
            at, of = LEARNED + timedelta(hours=hour), {"decision": decision}
            action = f"second_reading.{what}"
            session.add(AuditEntry(made_at=at, actor_id=actor.user_id, action=action, subject="a paper", details=of))
            session.flush()
    days = [LEARNED + timedelta(days=n) for n in range(4)]
    with store.writing() as session:
        root, part = (absorb_records(session, [article(**a)], payload_sha256=None, now=days[0])[0].paper_id for a in (
            {"key": "a1", "doi": "10.9999/root", "bibcode": "2019ApJ...001....1A", "arxiv_id": None},
            {"key": "a2", "doi": "10.9999/part", "bibcode": "2019ApJ...002....2A", "arxiv_id": None},
        ))  # fmt: skip
        for key in ("x1", "x2"):
            one = preprint(key=key, doi="10.9999/part", arxiv_id=f"1901.0000{key[1]}")
            absorb_records(session, [one], payload_sha256=None, now=days[0])
        merge(session, actor, kept_id=root, merged_id=part, reason="", now=days[1])
        split_off(session, actor, _record(session, "x1"), now=days[2])
        split_off(session, actor, _record(session, "x2"), now=days[3])
    with store.reading() as session:
        moved = [_plain(row) for row in session.exec(select(PaperIdentifierMove).order_by(col(PaperIdentifierMove.id)))]
    assert [row["from_paper_id"] for row in moved] == [part, part]
    downgrade(store.engine, "0021")
    upgrade(store.engine)
    with store.reading() as session:
        pauses = session.exec(select(SecondReadingPause).order_by(col(SecondReadingPause.id))).all()
        again = [_plain(row) for row in session.exec(select(PaperIdentifierMove).order_by(col(PaperIdentifierMove.id)))]
    hours = [
        ((row.called_off_at - LEARNED).seconds // 3600, (row.resumed_at - LEARNED).seconds // 3600) for row in pauses
    ]
    assert hours == [(0, 1), (2, 3)]
    assert {row.called_off_by_id for row in pauses} == {row.resumed_by_id for row in pauses} == {actor.user_id}
    assert again == moved


def _record(session: Session, key: str) -> int:
    live = col(SourceRecord.superseded_at).is_(None)
    return session.exec(select(SourceRecord.id).where(SourceRecord.key == key, live)).one() or 0


def _plain(row: PaperIdentifierMove) -> dict[str, object]:
    return row.model_dump(exclude={"id"})


def test_down_to_the_first_schema_and_up_again_keeps_every_row(store: Store) -> None:
    """Between the first schema and the newest no row of a table that both have is lost or changed in what both hold."""
    fill(store)
    downgrade(store.engine, "0001")
    before = {
        table: (n, columns, digest)
        for table, (n, columns, digest) in shared_contents(store.engine).items()
        if table not in RESHAPED
    }
    assert before["link"][0] == before["candidate_revision"][0] == 1
    upgrade(store.engine)
    after = shared_contents(store.engine, {table: columns for table, (_, columns, _) in before.items()})
    assert {table: (n, digest) for table, (n, _, digest) in after.items()} == {
        table: (n, digest) for table, (n, _, digest) in before.items()
    }
    command.check(alembic_config(store.engine))


def shared_contents(
    engine: sa.Engine, columns_of: dict[str, list[str]] | None = None
) -> dict[str, tuple[int, list[str], str]]:
    """Per table that is there: rows, columns, and a hash of the rows in the order of their keys."""
    found = {}
    inspector = sa.inspect(engine)
    with engine.connect() as connection:
        for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
            if columns_of is not None and table not in columns_of:
                continue
            columns = columns_of[table] if columns_of else sorted(c["name"] for c in inspector.get_columns(table))
            keys = inspector.get_pk_constraint(table)["constrained_columns"]
            picked = sa.select(*map(sa.column, columns)).select_from(sa.table(table)).order_by(*map(sa.column, keys))
            rows = connection.execute(picked).all()
            plain = json.dumps([[str(v) for v in row] for row in rows])
            found[table] = (len(rows), columns, hashlib.sha256(plain.encode()).hexdigest())
    return found


def test_down_and_up_again_ends_in_the_same_schema(store: Store) -> None:
    """After going down to nothing and up again the schema is complete and works."""
    fill(store)
    downgrade(store.engine, "base")
    with store.engine.connect() as connection:
        left = [t for t in sa.inspect(connection).get_table_names() if t != "alembic_version"]
    assert left == []
    upgrade(store.engine)
    command.check(alembic_config(store.engine))
    fill(store)


def test_an_empty_database_is_refused_with_what_to_run(tmp_path: Path) -> None:
    """A start without a schema names the database, as it may be the wrong one, and says `biblio init`."""
    engine = make_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StartRefused, match=r"empty\.db is empty: run `biblio init`.*BIBLIO_HOME"):
        check_schema(engine)
    engine.dispose()


def test_an_older_schema_is_refused_with_what_to_run(store: Store) -> None:
    """A start against an older schema says `biblio db upgrade`, and changes nothing."""
    downgrade(store.engine, "0001")
    with pytest.raises(StartRefused, match="biblio db upgrade"):
        check_schema(store.engine)


def test_a_newer_or_foreign_schema_is_refused(store: Store) -> None:
    """A database at a revision this version does not know is not touched."""
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartRefused, match="newer"):
        check_schema(store.engine)
