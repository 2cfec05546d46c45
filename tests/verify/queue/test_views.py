"""The queue's pages: filters that can be seen and taken away, counts, files, certain candidates confirmed together."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlmodel import select

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Claim, DeskItem, Link, PaperTag, UserAccount
from biblio.verify.proposing.match import match
from biblio.verify.queue import queries
from tests.verify.conftest import Login
from tests.verify.factories import add_mention, add_paper, add_project

CODE = "2016.1.00001.S"


def fill(runtime: Runtime, number: int, journal: str = "ApJ") -> list[int]:
    """Put so many papers that print a code into the queue."""
    papers = []
    with runtime.store.writing() as session:
        for n in range(number):
            papers.append(add_paper(session, title=f"Tamsin {n}", journal=journal))
            add_mention(session, papers[-1], CODE)
    run_job(runtime, match)
    return papers


def page_of(client: FlaskClient, address: str) -> str:
    """A page that is there, as text."""
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def links_of(page: str, words: str) -> list[str]:
    """The addresses of the links that say these words."""
    return [unescape(one) for one in re.findall(rf'href="([^"]*)"[^>]*>\s*{re.escape(words)}', page)]


@pytest.fixture
def queue(runtime: Runtime) -> list[int]:
    """Four papers of two journals in the queue, all certain; one journal's name is hostile."""
    with runtime.store.writing() as session:
        add_project(session)
    return [*fill(runtime, 3), *fill(runtime, 1, HOSTILE)]


HOSTILE = '<b onclick="x">J</b> & Sons'


def test_filters_that_are_set_can_be_seen_and_taken_away(queue: list[int], login: Login) -> None:
    """Each as a chip whose link asks for the same without it; the order stays, the page does not."""
    client = login()
    page = page_of(client, "/desk?journal=ApJ&text=yes&waiting_from=2000-01-01&order=oldest&page=1")
    assert "3 papers" in page
    assert links_of(page, "Journal: ApJ") == ["/desk?text=yes&waiting_from=2000-01-01&order=oldest"]
    assert links_of(page, "Waiting since, from: 2000-01-01") == ["/desk?journal=ApJ&text=yes&order=oldest"]
    (without,) = links_of(page, "Journal: ApJ")
    assert "4 papers" in page_of(client, without)
    assert 'class="chip"' not in page_of(client, "/desk?order=oldest")


@pytest.mark.parametrize("path", ["/desk", "/desk/certain"])
def test_what_no_filter_knows_is_said(queue: list[int], login: Login, path: str) -> None:
    """An order, band or day that there is not is left out, with a word; all papers are shown, and a file has no word."""
    asked = "order=bogus&band=wobbly&waiting_from=2026-02-31&journal=ApJ"
    page = page_of(login(), f"{path}?{asked}")
    assert "left out: band “wobbly”, waiting_from “2026-02-31”, order “bogus”." in page
    assert "Tamsin 2" in page
    assert "left out" not in page_of(login(username="second"), f"{path}?journal=ApJ&order=oldest&band=certain")
    client = login(username="third")
    page_of(client, f"/desk?{asked}&format=csv")
    assert "left out" not in page_of(client, "/desk")


def test_choices_say_how_many_papers_they_leave(queue: list[int], login: Login) -> None:
    """While nothing is filtered; a hostile name is text, and what is asked for is a choice though nothing has it."""
    client = login()
    page = page_of(client, "/desk")
    assert '<option value="ApJ">ApJ (3)</option>' in page
    assert "onclick" in page
    assert "<b onclick" not in page
    assert "1 paper" in page_of(client, "/desk?journal=%3Cb+onclick%3D%22x%22%3EJ%3C/b%3E+%26+Sons")
    none = page_of(client, "/desk?journal=No+such")
    assert "Nothing here matches these filters." in none
    assert '<option value="No such" selected>No such</option>' in none


def test_parts_of_the_queue_lead_to_themselves_with_their_numbers(
    runtime: Runtime, queue: list[int], login: Login
) -> None:
    """All, certain, likely, going to press, escalated, mine: live numbers; a claim shows whose it is."""
    client = login()
    with runtime.store.writing() as session:
        vera = session.exec(select(UserAccount.id).where(UserAccount.username == "vera")).one()
        assert vera is not None
        now = runtime.clock.now()
        session.add(Claim(paper_id=queue[0], holder_id=vera, claimed_at=now, until=now + timedelta(hours=1)))
        session.add(PaperTag(paper_id=queue[1], tag="review", actor_id=vera, made_at=now))
    page = page_of(client, "/desk")
    parts = re.findall(r'([a-z ]+) <span class="count">(\d+)</span>', page)
    assert [(words.strip(), number) for words, number in parts] == [
        ("all", "4"), ("certain", "4"), ("likely", "0"), ("going to press", "0"), ("escalated", "0"),
        ("claimed by me", "1"),
    ]  # fmt: skip
    mine = page_of(client, "/desk?holder=mine")
    assert "1 paper" in mine
    assert "claimed by me" in mine
    assert "claimed by Vera" in page_of(login(username="ines"), "/desk?holder=others")
    assert '<option value="review">review</option>' in page
    assert "1 paper" in page_of(client, "/desk?tag=review")


@pytest.mark.parametrize("order", ["", "oldest", "score", "learn"])
def test_a_file_holds_the_whole_view(
    queue: list[int], login: Login, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """All rows that the filters leave, in the order asked for, however many statements it takes."""
    monkeypatch.setattr(queries, "MANY", 2)
    monkeypatch.setattr("biblio.verify.queue.views.PAGE_SIZE", 1)
    answer = login().get(f"/desk?order={order}&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert sorted(int(row["paper"]) for row in rows) == queue
    assert {row["project"] for row in rows} == {CODE}
    assert all(row["first author"] for row in rows)


def test_certain_ones_take_the_filters_of_the_queue_and_are_undone_as_one(
    runtime: Runtime, queue: list[int], login: Login
) -> None:
    """Only those of the view are shown and ticked; taken back, all of them wait again, after other pages too."""
    client = login()
    page = page_of(client, "/desk/certain?journal=ApJ")
    boxes = re.findall(r'name="chosen" id="[^"]+" value="([^"]+)" checked', page)
    assert len(boxes) == 3
    assert "3 papers with certain candidates" in page
    assert HOSTILE not in unescape(page)
    assert 'action="/desk/certain?band=certain&amp;journal=ApJ"' in page
    answer = client.post("/desk/certain?band=certain&journal=ApJ", data={"chosen": boxes})
    assert answer.location == "/desk/certain?band=certain&journal=ApJ"
    assert "No certain candidate waits for these filters." in page_of(client, answer.location)
    page_of(client, "/desk")
    later = page_of(client, "/desk/certain")
    (undo,) = set(re.findall(r'action="(/desk/decision/[^"]+/undo[^"]*)"', later))
    assert client.post(unescape(undo)).status_code == 302
    with runtime.store.reading() as session:
        assert sorted(session.exec(select(DeskItem.paper_id))) == queue
        assert [link for link in session.exec(select(Link)) if link.ended_at is None] == []


def test_what_somebody_else_works_on_is_not_ticked(runtime: Runtime, queue: list[int], login: Login) -> None:
    """A certain candidate of a paper that somebody else claimed says so and is left out of what one key accepts."""
    client = login()
    with runtime.store.writing() as session:
        vera = session.exec(select(UserAccount.id).where(UserAccount.username == "vera")).one()
        assert vera is not None
        now = runtime.clock.now()
        session.add(Claim(paper_id=queue[0], holder_id=vera, claimed_at=now, until=now + timedelta(hours=1)))
    ticked = re.compile(r'name="chosen" id="[^"]+" value="\d+:\d+:\d+" checked')
    assert len(ticked.findall(page_of(client, "/desk/certain"))) == 4
    page = page_of(login(username="ines"), "/desk/certain")
    assert len(ticked.findall(page)) == 3
    assert "Vera works on this paper." in page


def test_certain_ones_come_page_by_page_whatever_is_asked(queue: list[int], login: Login) -> None:
    """There is no file of them to confirm; a band or order of another page does not lead out of the certain ones."""
    client = login()
    for address in ("/desk/certain?format=csv", "/desk/certain?band=likely&order=learn&turn=3"):
        assert "4 papers with certain candidates" in page_of(client, address)


def test_pages_ask_no_more_when_there_is_more(runtime: Runtime, queue: list[int], login: Login) -> None:
    """The same statements for 4 papers as for 24, in every order and with filters."""
    client = login()
    number = 0

    def one_more(*_: object) -> None:
        nonlocal number
        number += 1

    addresses = [f"/desk?order={order}" for order in ("", "oldest", "newest", "score", "press", "learn")]
    addresses += ["/desk?journal=ApJ", "/desk?journal=ApJ&text=yes&tag=x", "/desk?holder=free", "/desk/certain"]

    def counted() -> list[int]:
        nonlocal number
        found = []
        for address in addresses:
            page_of(client, address)
            number = 0
            page_of(client, address)
            found.append(number)
        return found

    sa.event.listen(runtime.store.engine, "before_cursor_execute", one_more)
    few = counted()
    sa.event.remove(runtime.store.engine, "before_cursor_execute", one_more)
    fill(runtime, 20)
    sa.event.listen(runtime.store.engine, "before_cursor_execute", one_more)
    assert counted() == few
    sa.event.remove(runtime.store.engine, "before_cursor_execute", one_more)
