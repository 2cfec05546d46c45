"""The audit log explains every state: after random acts nothing is left over, and damage by hand is named."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.audit_check import check_everything
from biblio.catalogue.corrections import correct, withdraw_correction
from biblio.catalogue.links import Ruling, decide, live_link, relate, undo
from biblio.catalogue.merges import decide_proposal, merge, propose_twins, undo_merge
from biblio.clock import FixedClock
from biblio.errors import BiblioError
from biblio.store import Store, make_engine
from biblio.store.models import (
    AuditEntry,
    Claim,
    Decision,
    PaperMerge,
    PaperNote,
    UserAccount,
)
from biblio.store.words import ClaimEnd, RelationKind, Role, Verdict
from biblio.web.accounts import service as accounts
from tests.factories import add_paper, add_project

_PAPERS, _PROJECTS, _ACTS = 6, 3, 160


def _people(session: Session, now: Any) -> list[Actor]:
    people = []
    for name in ("ines", "tom"):
        account = accounts.add(
            session,
            accounts.COMMAND_LINE,
            accounts.NewAccount(username=name, name=name.title(), role=Role.LIBRARIAN),
            now=now,
        )
        people.append(Actor(account.id, account.name, account.role))
    return people


def _act(session: Session, draw: random.Random, who: Actor, papers: list[int], projects: list[int], now: Any) -> None:
    """Do one thing that a librarian can do, drawn by chance; what is refused changes nothing."""
    paper, project = draw.choice(papers), draw.choice(projects)
    kind = draw.randrange(9)
    if kind < 4:
        live = live_link(session, paper, project)
        relation = draw.choice([RelationKind.SCIENCE, RelationKind.ENGINEERING, None])
        verdict = draw.choice(list(Verdict))
        decide(session, who, Ruling(paper, project, verdict, live.version if live else 0, relation), now=now)
    elif kind == 4:
        latest = session.exec(select(Decision.id).order_by(col(Decision.id).desc()).limit(3)).all()
        undo(session, who, draw.choice([i for i in latest if i is not None] or [1]), now=now)
    elif kind == 5:
        merge(session, who, kept_id=paper, merged_id=draw.choice(papers), reason="one", now=now)
    elif kind == 6:
        merges = session.exec(select(PaperMerge.id).where(col(PaperMerge.undone_at).is_(None))).all()
        undo_merge(session, who, draw.choice([i for i in merges if i is not None] or [0]), now=now)
    elif kind == 7:
        if draw.random() < 0.6:
            correct(session, who, paper, *draw.choice([("year", 2019), ("year", 2020), ("title", "Other")]), now=now)
        else:
            withdraw_correction(session, who, paper, draw.choice(["title", "year"]), now=now)
    else:
        relation = draw.choice([None, RelationKind.MENTION, RelationKind.SCIENCE])
        relate(session, who, paper_id=paper, relation=relation, now=now)


def _lived(store: Store, clock: FixedClock, seed: int, back: int = 0) -> tuple[list[int], list[int]]:
    """A store in which people did many things, each at a moment of its own; after five, the clock goes ``back``."""
    draw, now = random.Random(seed), clock.now()
    with store.writing() as session:
        people = _people(session, now)
        papers = [add_paper(session, title=f"Paper {number}") for number in range(_PAPERS)]
        projects = [add_project(session, f"2016.1.0000{number}.S") for number in range(_PROJECTS)]
        propose_twins(session, {(papers[0], papers[1]): (0.9, ["same title"])}, now=now)
        decide_proposal(session, people[0], 1, Verdict.ACCEPT, now=now + timedelta(seconds=1))
    for number in range(_ACTS):
        moment = now + timedelta(minutes=number + 1 - back * (number // 5))
        try:
            with store.writing() as session:
                _act(session, draw, draw.choice(people), papers, projects, moment)
        except BiblioError:
            continue
    return papers, projects


def _differences(store: Store) -> list[str]:
    with store.reading() as session:
        return [str(d) for checked in check_everything(session) for d in checked.differences]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_people_do_the_log_explains_it(store: Store, clock: FixedClock, seed: int) -> None:
    """Decisions, undos, merges, splits, corrections and relations in any order leave no state unexplained."""
    _lived(store, clock, seed)
    with store.reading() as session:
        found = {checked.name: checked.states for checked in check_everything(session)}
    assert _differences(store) == []
    assert found["links"] > 20
    assert found["relations"] > 5
    assert found["corrections"] > 1
    assert found["merges undone"] > 2
    assert found["accounts"] == 2
    assert found["people named in histories"] > 60


@pytest.mark.parametrize("seed", [1, 2])
def test_a_clock_that_is_set_back_accuses_nobody(store: Store, clock: FixedClock, seed: int) -> None:
    """Again and again the clock goes back by half an hour: all that people did meanwhile is explained all the same."""
    _lived(store, clock, seed, back=30)
    with store.writing() as session:
        ines = session.exec(select(UserAccount.id).where(col(UserAccount.username) == "ines")).one()
        began = clock.now()
        session.add(
            Claim(
                paper_id=1, holder_id=ines, claimed_at=began, until=began + timedelta(hours=1),
                ended_at=began - timedelta(minutes=20), ended_by_id=ines, end=ClaimEnd.RELEASED,
            )
        )  # fmt: skip
    assert _differences(store) == []
    with store.reading() as session:
        remarks = {checked.name: checked.remarks for checked in check_everything(session)}
    assert remarks["claims"] == ["1 ended before they began (row 1 first): the clock was set back then"]


@pytest.fixture(scope="module")
def lived(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store in which much was done, for tests that change nothing of it in the end."""
    path = tmp_path_factory.mktemp("lived") / "biblio.db"
    shutil.copyfile(sqlite_template, path)
    engine = make_engine(f"sqlite:///{path}")
    store = Store(engine)
    _lived(store, FixedClock(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)), seed=3)
    yield store
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE link SET verdict = CASE verdict WHEN 'accept' THEN 'reject' ELSE 'accept' END", "its decision"),
        ("UPDATE link SET ended_at = '2027-01-01 00:00:00+00:00' WHERE ended_at IS NULL", "by no decision"),
        ("DELETE FROM link WHERE ended_at IS NULL", "made no link"),
        ("DELETE FROM paper_relation WHERE decision_id IS NOT NULL", "relation that is not kept"),
        ("UPDATE paper_relation SET relation = 'not_ours' WHERE decision_id IS NOT NULL", "not what its decision said"),
        ("UPDATE paper_relation SET ended_at = '2027-01-01 00:00:00+00:00' WHERE ended_at IS NULL", "ended by no act"),
        ("UPDATE paper SET merged_into_id = 3 WHERE id = 4", "its merges say"),
        ("UPDATE paper_merge SET undone_at = made_at, undone_by_id = NULL", "ended by nobody"),
        ("DELETE FROM paper_merge", "was never merged"),
        ("UPDATE paper_revision SET title = 'Forged' WHERE superseded_at IS NULL", "not what a person corrected it to"),
        ("DELETE FROM paper_correction", "but nobody corrected it"),
        ("UPDATE user_account SET role = 'admin' WHERE username = 'tom'", "the log says librarian"),
        ("UPDATE user_account SET is_active = false", "(in)active"),
        ("UPDATE merge_proposal SET actor_id = NULL", "answered by nobody"),
    ],
)  # fmt: skip
def test_damage_by_hand_is_named(lived: Store, statement: str, words: str) -> None:
    """What was changed beside the services is found, and said in words with its paper."""
    with lived.trying() as session:
        session.execute(sa.text(statement))
        found = [str(d) for checked in check_everything(session) for d in checked.differences]
    assert any(words in sentence for sentence in found), found[:5]


def test_rows_that_end_without_anybody_are_named(store: Store, clock: FixedClock) -> None:
    """A note, a claim: each that ended says who ended it and how, or is named with its paper."""
    now = clock.now()
    with store.writing() as session:
        ines, _ = _people(session, now)
        paper = add_paper(session)
        session.add(PaperNote(paper_id=paper, text="x", actor_id=ines.person_id(), made_at=now, removed_at=now))
        session.add(
            Claim(paper_id=paper, holder_id=ines.person_id(), claimed_at=now, until=now,
                  ended_at=now - timedelta(days=1))
        )  # fmt: skip
    found = _differences(store)
    assert f"paper {paper}: notes: row 1 ended by nobody" in found
    assert any("claims: row 1" in sentence for sentence in found)
    assert any("does not say how it ended" in sentence for sentence in found)


def test_an_account_that_nobody_added_is_named(store: Store, clock: FixedClock) -> None:
    """A row put into the table by hand is no account that the log knows."""
    with store.writing() as session:
        session.add(UserAccount(username="ghost", name="Ghost", role=Role.ADMIN, created_at=clock.now()))
    assert _differences(store) == ["store: the account ghost was added by no act"]


# -- nothing cascades away ----------------------------------------------------------------------------------------------


def test_no_history_cascades_away() -> None:
    """No foreign key of any table deletes or empties rows by itself."""
    keys = [key for table in SQLModel.metadata.sorted_tables for key in table.foreign_keys]
    assert len(keys) > 80
    assert [str(key.parent) for key in keys if key.ondelete or key.onupdate] == []


def test_the_database_has_no_rule_that_cascades(store: Store) -> None:
    """Neither have the keys as the migrations made them."""
    looked = sa.inspect(store.engine)
    for table in looked.get_table_names():
        for key in looked.get_foreign_keys(table):
            rule = str(key["options"].get("ondelete") or "NO ACTION")
            assert rule in ("NO ACTION", "RESTRICT"), (table, key)


def test_whoever_leaves_keeps_their_acts(store: Store, clock: FixedClock) -> None:
    """Deactivating changes no act and no name; an account that is named anywhere cannot be deleted."""
    now = clock.now()
    with store.writing() as session:
        ines, tom = _people(session, now)
        paper, project = add_paper(session), add_project(session, "2016.1.00001.S")
        decide(session, ines, Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=now)
        account = accounts.get(session, ines.person_id())
        accounts.set_active(session, tom, account, active=False, now=now + timedelta(hours=1))
    assert _differences(store) == []
    with store.reading() as session:
        row = session.execute(
            sa.select(col(UserAccount.name)).join(Decision, col(Decision.actor_id) == col(UserAccount.id))
        ).one()
        assert row[0] == "Ines"
    with pytest.raises(sa.exc.IntegrityError), store.writing() as session:
        session.execute(sa.delete(UserAccount).where(col(UserAccount.username) == "ines"))


@pytest.mark.parametrize("model", [Decision, AuditEntry])
def test_the_database_refuses_to_change_what_was_done(store: Store, clock: FixedClock, model: type[SQLModel]) -> None:
    """Not even by SQL: decisions and audit entries are neither changed nor deleted."""
    now = clock.now()
    with store.writing() as session:
        ines, _ = _people(session, now)
        paper, project = add_paper(session), add_project(session, "2016.1.00001.S")
        decide(session, ines, Ruling(paper, project, Verdict.REJECT, 0), now=now)
    column = col(model.made_at)  # type: ignore[attr-defined]
    for statement in (sa.update(model).values({column: now}), sa.delete(model)):
        with pytest.raises(sa.exc.DBAPIError, match="never changed or deleted"), store.writing() as session:
            session.execute(statement)
