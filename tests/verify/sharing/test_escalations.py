"""Escalations: a paper that a head librarian is to settle, and in which words it was."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlmodel import select

from biblio.catalogue.actor import Actor
from biblio.errors import NotAllowed, RequestRefused, Stale
from biblio.runtime import Runtime
from biblio.store.models import DeskItem, Escalation
from biblio.verify import service
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.escalations import escalated
from tests.verify.shared_work import TITLE, Work, as_client, ruling, today, two_papers


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """Two papers that wait, and three people."""
    return two_papers(runtime)


def ask(runtime: Runtime, person: Actor, paper: int, reason: str = "two telescopes of one name") -> int:
    """Let somebody escalate a paper; return the row's number."""
    with runtime.store.writing() as session:
        return sharing.escalate(session, person, paper, reason, today(runtime)).id or 0


def test_what_is_escalated_is_marked_everywhere_and_listed(runtime: Runtime, app: Flask, work: Work) -> None:
    """On its page with the reason, in the queue, and on the head librarian's list."""
    vera = as_client(app, runtime, work.vera)
    vera.post(f"/desk/paper/{work.paper}/escalate", data={"reason": "two telescopes <i>of one name</i>"})
    reason = "two telescopes &lt;i&gt;of one name&lt;/i&gt;"
    for address in (f"/desk/paper/{work.paper}", "/desk/escalated"):
        page = as_client(app, runtime, work.ines).get(address).get_data(as_text=True)
        assert reason in page
        assert "Vera" in page
    assert TITLE in vera.get("/desk?escalated=yes").get_data(as_text=True)
    assert "asked a head librarian" in vera.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    with runtime.store.reading() as session:
        assert escalated(session, [work.paper, work.other]) == {work.paper}


def test_a_head_librarian_settles_it_in_words(runtime: Runtime, app: Flask, work: Work) -> None:
    """It leaves list and queue mark; the words stand in the history; settled by mistake it is opened again."""
    number = ask(runtime, work.vera, work.paper)
    vera, ines = as_client(app, runtime, work.vera), as_client(app, runtime, work.ines)
    assert vera.post(f"/desk/escalation/{number}/settle", data={"words": "ours"}).status_code == 403
    ines.post(f"/desk/escalation/{number}/settle", data={"words": "it is ours, see section 2"})
    assert TITLE not in ines.get("/desk/escalated").get_data(as_text=True)
    assert "it is ours, see section 2" in ines.get("/desk/escalated?state=settled").get_data(as_text=True)
    assert "it is ours, see section 2" in vera.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    with runtime.store.reading() as session:
        assert not session.get_one(DeskItem, work.paper).is_escalated
    ines.post(f"/desk/escalation/{number}/reopen")
    with runtime.store.reading() as session:
        rows = session.exec(select(Escalation)).all()
        assert [row.settled_at is None for row in rows] == [False, True]
        assert rows[1].reason == rows[0].reason
        assert session.get_one(DeskItem, work.paper).is_escalated


def test_only_who_asked_or_a_head_librarian_takes_it_back(runtime: Runtime, work: Work) -> None:
    """Once; after that there is nothing to take back or to settle."""
    number = ask(runtime, work.vera, work.paper)
    with pytest.raises(NotAllowed), runtime.store.writing() as session:
        sharing.take_back_escalation(session, work.hanna, number, today(runtime))
    with runtime.store.writing() as session:
        sharing.take_back_escalation(session, work.vera, number, today(runtime))
    with pytest.raises(Stale), runtime.store.writing() as session:
        sharing.take_back_escalation(session, work.vera, number, today(runtime))
    with pytest.raises(Stale), runtime.store.writing() as session:
        sharing.settle(session, work.ines, number, "too late", today(runtime))


def test_a_paper_is_escalated_once_and_with_a_reason(runtime: Runtime, work: Work) -> None:
    """Asked twice, or without saying why, changes nothing."""
    with pytest.raises(RequestRefused, match="Say why"):
        ask(runtime, work.vera, work.paper, "  ")
    ask(runtime, work.vera, work.paper)
    with pytest.raises(Stale):
        ask(runtime, work.hanna, work.paper)
    with runtime.store.reading() as session:
        assert len(session.exec(select(Escalation)).all()) == 1


def test_a_decided_paper_stays_on_the_list_until_it_is_settled(runtime: Runtime, app: Flask, work: Work) -> None:
    """The head librarian decides as usual; the words are still owed to whoever asked."""
    ask(runtime, work.vera, work.paper)
    with runtime.store.writing() as session:
        service.judge(session, work.ines, ruling(session, work), today(runtime))
    assert TITLE in as_client(app, runtime, work.ines).get("/desk/escalated").get_data(as_text=True)
    exported = as_client(app, runtime, work.ines).get("/desk/escalated?format=csv").get_data(as_text=True)
    assert "two telescopes of one name" in exported
