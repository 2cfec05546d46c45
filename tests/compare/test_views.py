"""The pages that compare lists: bring one in, look at differences, act, undo."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO

from flask import Flask
from sqlmodel import Session, col, select

from biblio.compare.lists import find_list
from biblio.compare.reckon import Difference, compare
from biblio.runtime import Runtime
from biblio.store.models import ComparisonAside, DeskItem, Link, SecondReading
from biblio.store.words import Role, Verdict
from biblio.verify.sharing.claims import claim
from biblio.web import create_app
from tests.compare.conftest import A, B, Bring, C, Shelf
from tests.factories import add_candidate
from tests.web.visitors import Visitor, add_person, logged_in

LIST = f"""bibcode,doi,arxiv,title,programid
2019ApJ...900....1C,,,Rings,{A}
,10.9999/TORUS,,A torus,{A}; {C}
,,2001.00002,<script>alert(1)</script>,{B}
2022Natur.600....1E,,,=cmd|calc,{C}
"""


def counts(runtime: Runtime, name: str = "telbib") -> dict[Difference, int]:
    """Return how many differences of each kind there are now."""
    with runtime.store.reading() as session:
        found = compare(session, find_list(session, name))
        return {kind: found.count(kind) for kind in Difference}


def upload(visitor: Visitor, body: bytes, name: str = "telbib", file: str = "../../list.csv") -> str:
    """Bring a list in through the page; return what the page then says."""
    form = {"name": name, "file": (BytesIO(body), file)}
    answer = visitor.post("/compare/import", form, form_on="/compare/import", follow_redirects=True)
    return answer.get_data(as_text=True)


def test_a_list_comes_in_through_the_page(librarian: Visitor, runtime: Runtime) -> None:
    """What came is said, the differences are shown at once, and undo takes the list away again."""
    page = upload(librarian, LIST.encode())
    assert "4 papers of list.csv are in the list telbib." in page
    assert "Missing here (2)" in page
    assert "<script>alert" not in page
    undo = re.search(r'action="(/compare/import/\d+/undo)"', page)
    assert undo is not None
    librarian.post(undo[1], form_on="/compare/import")
    assert librarian.get("/compare/telbib").status_code == 404


def test_rows_that_cannot_be_read_are_named(librarian: Visitor) -> None:
    """A row without an identifier is named with its place and the reason; the rows beside it come in."""
    page = upload(librarian, f"bibcode,title,programid\n2019ApJ...900....1C,Rings,{A}\nrubbish,x,{A}\n".encode())
    assert "1 paper of list.csv is in the list telbib; 1 row was refused." in page
    assert "row 3: &#39;rubbish&#39; is no bibcode" in page


def test_a_file_that_is_no_list_is_said_at_the_form(librarian: Visitor) -> None:
    """A spreadsheet, an empty file and a bad name come back with the reason."""
    assert "save the sheet as CSV" in upload(librarian, b"PK\x03\x04rest")
    assert "is empty" in upload(librarian, b"")
    assert "name has letters" in upload(librarian, LIST.encode(), name="a/b")
    answer = librarian.post("/compare/import", {"name": "x"}, form_on="/compare/import")
    assert answer.status_code == 422


def test_every_kind_of_difference_has_its_page_and_export(librarian: Visitor, bring: Bring, shelf: Shelf) -> None:
    """Three tabs with their lines; an exported cell cannot run; the overview counts them."""
    bring(LIST)
    assert "2022Natur.600....1E" in librarian.get("/compare/telbib").get_data(as_text=True)
    assert "Alone" in librarian.get("/compare/telbib?show=missing-there").get_data(as_text=True)
    differing = librarian.get("/compare/telbib?show=differing").get_data(as_text=True)
    assert f"− {B}" in differing
    assert f"+ {C}" in differing
    sheet = librarian.get("/compare/telbib?format=csv").get_data(as_text=True)
    assert "'=cmd|calc" in sheet
    assert librarian.get("/compare/telbib?format=xlsx").data.startswith(b"PK")
    assert "archive" in librarian.get("/compare").get_data(as_text=True)
    found = librarian.get("/compare/telbib?q=natur&year=2022").get_data(as_text=True)
    assert "1 difference" in found
    assert "No difference fits" in librarian.get("/compare/telbib?q=nothing").get_data(as_text=True)


def test_taking_over_puts_the_desk_in_step(librarian: Visitor, runtime: Runtime, bring: Bring, shelf: Shelf) -> None:
    """The link is accepted, the paper leaves the queue, undo brings both back; a second press is told why not."""
    bring(LIST)
    with runtime.store.writing() as session:
        add_candidate(session, shelf.undecided, shelf.projects[B])
        session.add(_item(session, shelf.undecided))
        ref = compare(session, find_list(session, "telbib")).missing_here[0]
    address = f"/compare/telbib/take/{ref}"
    page = librarian.post(address, form_on="/compare/telbib", follow_redirects=True).get_data(as_text=True)
    assert f"Paper {shelf.undecided} is accepted for {B}, as telbib says." in page
    with runtime.store.reading() as session:
        link = session.exec(select(Link).where(col(Link.paper_id) == shelf.undecided)).one()
        assert link.verdict is Verdict.ACCEPT
        assert session.get(DeskItem, shelf.undecided) is None
    again = librarian.post(address, form_on="/compare/telbib", follow_redirects=True).get_data(as_text=True)
    assert "Nothing was taken over." in again
    undo = re.search(r'action="(/compare/telbib/take/undo/[\d,]+)"', page)
    assert undo is not None
    librarian.post(undo[1], form_on="/compare/telbib")
    with runtime.store.reading() as session:
        assert session.get(DeskItem, shelf.undecided) is not None


def test_taking_over_asks_where_somebody_works_on_the_paper(
    librarian: Visitor, runtime: Runtime, bring: Bring, shelf: Shelf
) -> None:
    """A paper that a colleague claimed is taken over only when one says so once more."""
    bring(LIST)
    colleague = add_person(runtime, Role.HEAD_LIBRARIAN)
    with runtime.store.writing() as session:
        claim(session, colleague, shelf.undecided, now=runtime.clock.now(), minutes=30)
        ref = compare(session, find_list(session, "telbib")).missing_here[0]
    address, back = f"/compare/telbib/take/{ref}", {"next": "/compare/telbib?show=missing-here"}
    asked = librarian.post(address, back, form_on="/compare/telbib")
    page = asked.get_data(as_text=True)
    assert asked.status_code == 409
    assert f'action="{address}"' in page
    assert 'href="/compare/telbib?show=missing-here"' in page
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.paper_id) == shelf.undecided)).first() is None
    aware = re.findall(r'name="aware" value="(\d+)"', page)
    librarian.post(address, {**back, "aware": aware}, form_on="/compare/telbib")
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.paper_id) == shelf.undecided)).one().verdict is Verdict.ACCEPT


def test_what_was_taken_over_may_be_read_a_second_time(runtime: Runtime, bring: Bring, shelf: Shelf) -> None:
    """It is drawn like a decision of the desk; nobody but who took it over may take it back meanwhile."""
    bring(LIST)
    settings = runtime.settings.model_copy(update={"second_reading_share": 1.0})
    app = create_app(replace(runtime, settings=settings))
    add_person(runtime, Role.HEAD_LIBRARIAN)
    first, other = Visitor(app), Visitor(app)
    first.log_in(Role.LIBRARIAN.value)
    other.log_in(Role.HEAD_LIBRARIAN.value)
    with runtime.store.reading() as session:
        ref = compare(session, find_list(session, "telbib")).missing_here[0]
    page = first.post(f"/compare/telbib/take/{ref}", form_on="/compare/telbib", follow_redirects=True)
    undo = re.search(r'action="(/compare/telbib/take/undo/[\d,]+)"', page.get_data(as_text=True))
    assert undo is not None
    with runtime.store.reading() as session:
        reading = session.exec(select(SecondReading)).one()
        assert (reading.paper_id, reading.first_reader_id) == (shelf.undecided, shelf.librarian.user_id)
    assert other.post(undo[1], form_on="/compare/telbib").status_code == 409
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.paper_id) == shelf.undecided)).one().ended_at is None
    assert first.post(undo[1], form_on="/compare/telbib").status_code == 302
    with runtime.store.reading() as session:
        assert session.exec(select(SecondReading)).one().ended_at is not None


def _item(session: Session, paper: int) -> DeskItem:
    return DeskItem(paper_id=paper, why="first", waiting_since=session.exec(select(Link.decided_at)).all()[0])


def test_setting_aside_and_showing_again(librarian: Visitor, runtime: Runtime, bring: Bring, shelf: Shelf) -> None:
    """Without a reason nothing happens; with one the line goes, stands among those set aside, and comes back."""
    bring(LIST)
    form = {"subject": "missing-here 2022Natur.600....1E", "reason": ""}
    page = librarian.post("/compare/telbib/aside", form, form_on="/compare/telbib", follow_redirects=True)
    assert "Say why" in page.get_data(as_text=True)
    form["reason"] = "Not about our data."
    librarian.post("/compare/telbib/aside", form, form_on="/compare/telbib")
    assert counts(runtime)[Difference.MISSING_HERE] == 1
    aside = librarian.get("/compare/telbib?aside=yes").get_data(as_text=True)
    assert "Not about our data." in aside
    with runtime.store.reading() as session:
        row = session.exec(select(ComparisonAside)).one()
    librarian.post(f"/compare/telbib/aside/{row.id}/undo", form_on="/compare/telbib")
    assert counts(runtime)[Difference.MISSING_HERE] == 2


def test_who_may_only_look_has_no_buttons(app: Flask, runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """An admin sees the differences and cannot act; a manager sees nothing."""
    bring(LIST)
    admin = logged_in(app, runtime, Role.ADMIN)
    page = admin.get("/compare/telbib").get_data(as_text=True)
    assert "Set aside" not in page.split("<tbody>")[1]
    assert admin.get("/compare/import").status_code == 403
    assert logged_in(app, runtime, Role.MANAGER).get("/compare").status_code == 403


def test_an_unknown_list_is_not_found(librarian: Visitor) -> None:
    """404, and the way back."""
    assert librarian.get("/compare/nowhere").status_code == 404
    assert librarian.post("/compare/nowhere/take/1", form_on="/compare/import").status_code == 404
