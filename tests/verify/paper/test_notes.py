"""Notes and tags: one spelling, taken away with undo, kept in the history, and never run whatever they hold."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from biblio.catalogue.merges import merge
from biblio.errors import RequestRefused, Stale
from biblio.runtime import Runtime
from biblio.store.models import PaperNote, PaperTag
from biblio.store.words import Role
from biblio.verify.paper.notes import add_note, add_tags, remarks, remove_tags, tags_written
from tests.conftest import NOW
from tests.verify.conftest import Login
from tests.verify.factories import add_paper, add_user


@pytest.mark.parametrize(
    ("written", "tags"),
    [
        ("Polarisation", ["polarisation"]),
        ("  Ask   the PI , #Band\u00a07,band 7", ["ask the pi", "band 7"]),
        ("ﬁrst light", ["first light"]),
        ("a\u202eb\u200b\0c", ["abc"]),
        ("<script>alert(1)</script>", ["<script>alert(1)</script>"]),
    ],
)
def test_a_tag_has_one_spelling(written: str, tags: list[str]) -> None:
    """Case, blanks, a hash in front, look-alike signs and signs that are not seen make no other tag."""
    assert tags_written(written) == tags


@pytest.mark.parametrize("written", ["", " , ", "#", "\u200b", "x" * 41])
def test_what_is_no_tag_is_refused(written: str) -> None:
    """Nothing, or more than a column holds, is said to be wrong."""
    with pytest.raises(RequestRefused):
        tags_written(written)


@given(st.text(max_size=60))
def test_spelling_a_tag_again_changes_nothing(written: str) -> None:
    """The one spelling is its own, holds nothing unseen, and fits the column."""
    try:
        tags = tags_written(written)
    except RequestRefused:
        return
    assert tags_written(",".join(tags)) == tags
    assert all(unicodedata.category(c) not in ("Cc", "Cf") and len(tag) <= 40 for tag in tags for c in tag)


def test_tags_and_notes_of_merged_papers_stand_together(runtime: Runtime) -> None:
    """Both papers' remarks are on the one page; a tag on both is shown once and goes from both."""
    with runtime.store.writing() as session:
        vera, one, two = add_user(session), add_paper(session), add_paper(session)
        add_tags(session, vera, one, "band 7", now=NOW)
        [tag] = add_tags(session, vera, two, "Band 7", now=NOW)
        add_note(session, vera, two, "The PI answered.", now=NOW)
        merge(session, vera, kept_id=one, merged_id=two, reason="same", now=NOW)
        shown = remarks(session, [one, two])
        assert [t.tag for t in shown.tags] == ["band 7"]
        assert [n.text for n in shown.notes] == ["The PI answered."]
        remove_tags(session, vera, [tag.id or 0], now=NOW)
        assert remarks(session, [one, two]).tags == []
        with pytest.raises(Stale):
            remove_tags(session, vera, [tag.id or 0], now=NOW)


def test_tags_in_use_are_offered_commonest_first(runtime: Runtime) -> None:
    """What stands on the paper already, or was taken away everywhere, is not offered."""
    with runtime.store.writing() as session:
        vera, papers = add_user(session), [add_paper(session) for _ in range(3)]
        for paper, tags in zip(papers, ("a, b, c", "b, gone", "b, a"), strict=True):
            add_tags(session, vera, paper, tags, now=NOW)
        gone = session.exec(select(PaperTag).where(PaperTag.tag == "gone")).one()
        remove_tags(session, vera, [gone.id or 0], now=NOW + timedelta(hours=1))
        assert remarks(session, [add_paper(session)]).offered == ["b", "a", "c"]
        assert remarks(session, [papers[1]]).offered == ["a", "c"]


def _page(client: FlaskClient, paper: int) -> str:
    return client.get(f"/desk/paper/{paper}").get_data(as_text=True)


def _undo(client: FlaskClient, page: str) -> str:
    found = re.search(r'action="(/desk/[^"]+)"><input[^>]+>\s*<button[^>]*>Undo', page) or re.search(
        r'action="(/desk/(?:tag|note)/[^"]+)"[^>]*>\s*<button[^>]*>Undo', page
    )
    assert found is not None
    return client.get(client.post(found[1]).location).get_data(as_text=True)


def test_a_tag_is_put_on_taken_away_and_undone_on_the_page(runtime: Runtime, login: Login) -> None:
    """Each act says what it did and offers undo; the history keeps all of it."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
    client = login()
    page = client.get(client.post(f"/desk/paper/{paper}/tag", data={"tag": "Band 7, ask the PI"}).location)
    text = page.get_data(as_text=True)
    assert "band 7</bdi>" in text
    assert "ask the pi</bdi>" in text
    text = _undo(client, text)
    assert "band 7</bdi>" not in text
    assert "took the tag “band 7” away" in text
    text = _undo(client, text)
    assert "band 7</bdi>" in text
    with runtime.store.reading() as session:
        assert len(session.exec(select(PaperTag)).all()) == 4


def test_a_note_is_written_taken_away_and_undone_on_the_page(runtime: Runtime, login: Login) -> None:
    """Lines are kept; the note leaves the page but not the history."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
    client = login()
    address = client.post(f"/desk/paper/{paper}/note", data={"text": "See table 2.\r\nAsk Jonas."}).location
    text = client.get(address).get_data(as_text=True)
    assert '<p dir="auto">See table 2.\nAsk Jonas.</p>' in text
    text = _undo(client, text)
    assert '<p dir="auto">See table 2.' not in text
    assert "took a note away" in text
    assert '<p dir="auto">See table 2.' in _undo(client, text)
    with runtime.store.reading() as session:
        assert [row.removed_at is None for row in session.exec(select(PaperNote))] == [False, True]


def test_what_stands_on_a_paper_is_not_put_there_twice(runtime: Runtime, login: Login) -> None:
    """An undo that is sent again, or for a note that nobody took away, writes nothing; nor do tags change their paper."""
    with runtime.store.writing() as session:
        paper, other = add_paper(session), add_paper(session, title="Another")
    client = login()
    client.post(f"/desk/paper/{paper}/note", data={"text": "See table 2."})
    for address in ("restore", "remove", "remove", "restore", "restore"):
        assert client.post(f"/desk/note/1/{address}").status_code == 302
    for one, tag in ((paper, "disc"), (other, "ring")):
        client.post(f"/desk/paper/{one}/tag", data={"tag": tag})
    client.post("/desk/tag/1,2/remove")
    assert client.post("/desk/tag/1,2/restore").status_code == 404
    with runtime.store.reading() as session:
        assert [row.removed_at is None for row in session.exec(select(PaperNote))] == [False, True]


def test_thousands_of_notes_do_not_make_the_page_long(runtime: Runtime, login: Login) -> None:
    """The latest are shown, in the text and in the history; a link shows all."""
    with runtime.store.writing() as session:
        vera, paper = add_user(session, "hanna"), add_paper(session)
        for number in range(1000):
            moment = NOW + timedelta(seconds=number)
            session.add(PaperNote(paper_id=paper, text=f"n{number}.", actor_id=vera.person_id(), made_at=moment))
    client = login()
    page = client.get(f"/desk/paper/{paper}?journal=ApJ").get_data(as_text=True)
    assert (page.count('<div class="note">'), page.count("n999.")) == (20, 2)
    assert "n899." not in page
    assert "980 older notes" in page
    assert "900 earlier entries" in page
    assert f"/desk/paper/{paper}?all=yes&amp;journal=ApJ" in page
    whole = client.get(f"/desk/paper/{paper}?all=yes").get_data(as_text=True)
    assert (whole.count('<div class="note">'), whole.count("n0.")) == (1000, 2)


@pytest.mark.parametrize("data", [{"text": ""}, {"text": "x" * 4001}, {}])
def test_a_note_that_cannot_be_kept_changes_nothing(runtime: Runtime, login: Login, data: dict[str, str]) -> None:
    """It is refused with a sentence on the paper's page."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
    client = login()
    text = client.get(client.post(f"/desk/paper/{paper}/note", data=data).location).get_data(as_text=True)
    assert "message-problem" in text
    with runtime.store.reading() as session:
        assert session.exec(select(PaperNote)).all() == []


def test_remarks_of_nothing_are_not_found_and_readers_cannot_write(runtime: Runtime, login: Login) -> None:
    """Numbers that do not exist answer 404; who only reads the desk writes nothing."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
    client = login()
    for address in ("/desk/note/99/remove", "/desk/note/99/restore", "/desk/tag/99/remove", "/desk/tag/x/restore"):
        assert client.post(address).status_code == 404
    assert client.post("/desk/paper/99/note", data={"text": "x"}).status_code == 404
    admin = login(Role.ADMIN, "ada")
    assert admin.post(f"/desk/paper/{paper}/tag", data={"tag": "x"}).status_code == 403
    assert "Put on" not in _page(admin, paper)


def test_what_a_note_or_tag_holds_is_never_run(runtime: Runtime, login: Login) -> None:
    """Markup, TeX links and signs that turn the writing around are shown as text on the page; NUL is refused."""
    evil = "<script>alert(1)</script>\u202e\\href{javascript:alert(2)}{x}"
    with runtime.store.writing() as session:
        paper = add_paper(session)
    client = login()
    assert client.post(f"/desk/paper/{paper}/note", data={"text": evil + "\0"}).status_code == 400
    client.post(f"/desk/paper/{paper}/note", data={"text": evil})
    client.post(f"/desk/paper/{paper}/tag", data={"tag": evil[:35]})
    text = _page(client, paper)
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)" in text
