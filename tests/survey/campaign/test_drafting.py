"""Making a draft while others write: judged before, written at once, nobody on two lists, no key left behind."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.actor import MACHINE
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Campaign, CampaignStratum, Invitation
from survey.box import keymaking
from survey.box.ballots import key_path, new_key_pair, read_key, write_key
from survey.campaign import service
from survey.campaign.service import create_campaign, discard, make_draft, prepare
from survey.tokens import make_token, token_hash
from tests.survey.people import add_silent_projects


def with_projects(runtime: Runtime, many: int) -> None:
    """Add silent projects."""
    with runtime.store.writing() as session:
        add_silent_projects(session, many)


def keys(runtime: Runtime) -> list[str]:
    """The files in the folder of keys."""
    return sorted(path.name for path in runtime.settings.survey_keys.glob("*"))


def test_a_draft_has_its_links_strata_and_key(runtime: Runtime) -> None:
    """Each invitation's hash is that of the link made from its number; the key opens this box, and is the only file."""
    with_projects(runtime, 4)
    made = make_draft(runtime, MACHINE, name="autumn", stratify_by="cycle")
    secret = runtime.settings.secret()
    with runtime.store.reading() as session:
        rows = session.exec(select(Invitation)).all()
        assert [token_hash(make_token(secret, row.id or 0, row.nonce)) for row in rows] == [r.token_hash for r in rows]
        assert {row.stratum for row in rows} == set(session.exec(select(CampaignStratum.name)))
        public = session.get_one(Campaign, made.campaign_id).public_key
    assert (made.projects, len(rows), {row.is_used for row in rows}) == (4, 4, {False})
    path = key_path(runtime.settings.survey_keys, made.campaign_id)
    assert keys(runtime) == [path.name]
    assert read_key(path, public)


def test_a_second_draft_can_follow_the_first(runtime: Runtime) -> None:
    """Numbers of invitations go on where they ended, by whichever way rows are added."""
    with_projects(runtime, 3)
    first = make_draft(runtime, MACHINE, name="first").campaign_id
    with runtime.store.writing() as session:
        discard(session, runtime, MACHINE, first)
        add_silent_projects(session, 2, start=50)
    make_draft(runtime, MACHINE, name="second")
    with runtime.store.writing() as session:
        row = session.exec(select(Invitation)).first()
        assert row is not None
        values = row.model_dump(exclude={"id"}) | {"token_hash": "f" * 64, "campaign_id": first}
        session.delete(row)
        session.flush()
        session.add(Invitation.model_validate(values))
    with runtime.store.reading() as session:
        numbers = session.exec(select(Invitation.id)).all()
    assert len(numbers) == len(set(numbers)) == 8


def test_whom_another_draft_listed_meanwhile_is_left_out(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between judging and writing somebody else makes a draft: the slower one lists the others, or says that nobody is left."""
    with_projects(runtime, 4)

    def meanwhile(first: int) -> None:
        def also(session: Session, wired: Runtime, **how: object) -> service.Prepared:
            found = prepare(session, wired, **how)  # type: ignore[arg-type]
            some = service.Plan(found.plan.asked[:first], [])
            with wired.store.writing() as other:
                create_campaign(
                    other, wired, MACHINE, name=f"faster {first}", prepared=service.Prepared(found.day, None, some, {})
                )
            return found

        monkeypatch.setattr(service, "prepare", also)

    meanwhile(3)
    assert make_draft(runtime, MACHINE, name="slower").projects == 1
    yesterday = runtime.clock.today() - timedelta(days=1)
    monkeypatch.setattr(service, "prepare", prepare)
    with pytest.raises(RequestRefused, match="No project is due"):
        make_draft(runtime, MACHINE, name="third", as_of=yesterday)
    with runtime.store.reading() as session:
        listed = session.exec(select(Invitation.project_id)).all()
    assert len(listed) == len(set(listed)) == 4


def test_a_refused_draft_leaves_no_key(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands against it (a name that is taken, nobody due, an error on the way), no file stays."""
    with pytest.raises(RequestRefused, match="No project is due"):
        make_draft(runtime, MACHINE, name="autumn")
    with_projects(runtime, 3)
    made = make_draft(runtime, MACHINE, name="autumn")
    with pytest.raises(RequestRefused, match="already"):
        make_draft(runtime, MACHINE, name=" autumn ")
    kept = [key_path(Path(), made.campaign_id).name]
    assert keys(runtime) == kept

    def broken(*_arguments: object) -> None:
        raise KeyError("broken")

    with runtime.store.writing() as session:
        add_silent_projects(session, 2, start=50)
    monkeypatch.setattr(service, "_invite", broken)
    with pytest.raises(KeyError):
        make_draft(runtime, MACHINE, name="winter")
    assert keys(runtime) == kept
    with runtime.store.reading() as session:
        assert session.exec(select(Campaign.name).order_by(col(Campaign.id))).all() == ["autumn"]


def test_a_key_never_takes_the_place_of_another(tmp_path: Path) -> None:
    """Where a key of that number lies already, it stays as it is and the new one is destroyed."""
    there = key_path(tmp_path, 7)
    write_key(there, new_key_pair()[0])
    before = there.read_bytes()
    with pytest.raises(RequestRefused, match="A key lies at campaign-7"), keymaking.key_ahead(tmp_path) as key:
        key.give(there)
    assert there.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [there.name]


def test_keys_that_a_dead_process_left_are_destroyed(tmp_path: Path) -> None:
    """A key made ahead of a draft that never came is destroyed with the next draft a day later, not while it may be used."""
    old, young = tmp_path / "ahead-0000.key", tmp_path / "ahead-1111.key"
    for path in (old, young):
        write_key(path, new_key_pair()[0])
    then = time.time() - 25 * 3600
    os.utime(old, (then, then))
    with keymaking.key_ahead(tmp_path) as key:
        key.give(key_path(tmp_path, 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "campaign-1.key"]
    assert key_path(tmp_path, 1).stat().st_mode & 0o077 == 0
