"""What pages are built from: lists whose place stands in the address, exports no spreadsheet runs, safe redirects."""

from __future__ import annotations

import json

import pytest
from flask import Flask, get_flashed_messages
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select
from wtforms import SelectField, StringField
from wtforms.validators import AnyOf, Length, Optional

from biblio import webkit
from biblio.errors import NotAllowed
from biblio.runtime import Runtime
from biblio.store.models import UserAccount
from tests.factories import add_user

_SORTS = {"name": col(UserAccount.name), "library": col(UserAccount.library)}


@pytest.fixture
def app() -> Flask:
    """An application with one list page."""
    plain = Flask("probe")
    plain.secret_key = "test"
    plain.add_url_rule("/list/<kind>", "list", lambda kind: kind)
    return plain


@pytest.fixture
def people(runtime: Runtime) -> Runtime:
    """Seven people, the last without a library."""
    with runtime.store.writing() as session:
        for number in range(7):
            add_user(session, f"user{number}", library=None if number == 6 else f"L{number % 2}")
    return runtime


def _page(app: Flask, runtime: Runtime, query: str) -> tuple[list[str], webkit.Page[UserAccount]]:
    statement = select(UserAccount).order_by(col(UserAccount.username))
    with app.test_request_context(f"/list/users?{query}"), runtime.store.reading() as session:
        page = webkit.paginate(session, statement, sorts=_SORTS, size=3)
    return [account.username for account in page.items], page


def test_a_list_is_cut_into_pages(app: Flask, people: Runtime) -> None:
    """Every row stands on exactly one page; the count is of all."""
    seen: list[str] = []
    for number in (1, 2, 3):
        names, page = _page(app, people, f"page={number}")
        assert (page.count, page.pages) == (7, 3)
        assert page.last - page.first + 1 == len(names)
        seen += names
    assert seen == [f"user{n}" for n in range(7)]


def test_sorting_keeps_the_own_order_for_ties_and_unknowns_last(app: Flask, people: Runtime) -> None:
    """Descending or not, what is not known comes last, on both databases."""
    assert _page(app, people, "sort=library&format=csv")[0] == [f"user{n}" for n in (0, 2, 4, 1, 3, 5, 6)]
    assert _page(app, people, "sort=-library&format=csv")[0] == [f"user{n}" for n in (1, 3, 5, 0, 2, 4, 6)]
    assert _page(app, people, "sort=password_hash")[1].sort == ""


def test_a_list_at_hand_behaves_as_one_from_the_database(app: Flask) -> None:
    """The same pages, and unknown values last in both directions."""
    rows = [3, None, 1, 2]
    for query, expected in (("sort=n", [1, 2]), ("sort=-n", [3, 2]), ("sort=n&page=2", [3, None])):
        with app.test_request_context(f"/list/x?{query}"):
            page = webkit.paginate_list(rows, sorts={"n": lambda value: value}, size=2)
        assert list(page.items) == expected, query


@pytest.mark.parametrize("name", ["endpoint", "_anchor", "_external", "_method", "_scheme"])
def test_an_address_with_names_of_our_tools_is_like_any_other(app: Flask, name: str) -> None:
    """What a stranger writes into an address steers no address of ours, and breaks none."""
    with app.test_request_context(f"/list/users?q=a&{name}=https&page=2"):
        page = webkit.paginate_list(list(range(100)), size=10)
        assert page.page_address(3) == "/list/users?q=a&page=3"


def test_addresses_keep_filters_and_go_back_to_the_first_page(app: Flask) -> None:
    """Sorting and exporting keep what was filtered; a second press on a column turns the order round."""
    with app.test_request_context("/list/users?q=a%26b&page=2&sort=name"):
        page = webkit.Page([1], count=200, number=2, sort="name")
        assert page.sort_address("name") == "/list/users?q=a%26b&sort=-name"
        assert page.sort_address("library") == "/list/users?q=a%26b&sort=library"
        assert page.page_address(3) == "/list/users?q=a%26b&page=3&sort=name"
        assert page.page_address(1) == "/list/users?q=a%26b&sort=name"
        assert page.export_address() == "/list/users?q=a%26b&sort=name&format=csv"
        assert page.map(str).items == ["1"]


def test_a_list_offers_the_formats_that_its_view_makes(app: Flask) -> None:
    """What the page offers is what the view asked for, and a list longer than a file may be says so."""
    with app.test_request_context("/list/x"):
        page = webkit.paginate_list([1, 2], exports=("csv", "bib"))
        assert (page.exports, page.export_limit) == (("csv", "bib"), None)
        assert webkit.Page([1], count=webkit.EXPORT_LIMIT + 1).export_limit == webkit.EXPORT_LIMIT


@pytest.mark.parametrize(("kind", "begin"), [("csv", b"h\r\n"), ("xlsx", b"PK")])
def test_a_list_is_a_table_in_the_format_asked_for(app: Flask, kind: str, begin: bytes) -> None:
    """``?format=`` decides; the name follows."""
    with app.test_request_context(f"/list/x?format={kind}"):
        assert webkit.wants_table()
        answer = webkit.table_response("some list", ("h",), [(1,)])
    assert answer.get_data().startswith(begin)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="some-list.{kind}"'


def test_a_file_has_a_harmless_name(app: Flask) -> None:
    """The name in the header holds nothing but letters, digits, dots and dashes."""
    with app.test_request_context("/list/x"):
        answer = webkit.table_response('a"b\r\nX: y/ö', ("h",), [("=1",), (None,)])
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a-b-X-y-.csv"'
    assert answer.get_data(as_text=True) == 'h\r\n\'=1\r\n""\r\n'


@given(st.text(max_size=60))
def test_only_a_path_of_this_site_passes(target: str) -> None:
    """Whatever is handed in: what comes out begins with one slash, and is what was handed in."""
    passed = webkit.same_site(target)
    assert passed is None or (passed == target and passed[0] == "/" and passed[1:2] not in ("/", "\\"))


def test_nobody_is_not_allowed(app: Flask) -> None:
    """A view that needs a person refuses in words when there is none."""
    with app.test_request_context("/"):
        assert webkit.visitor() is None
        with pytest.raises(NotAllowed, match="Log in"):
            webkit.actor()


def test_a_message_carries_its_undo(app: Flask) -> None:
    """What was done and how to undo it reach the next page."""
    with app.test_request_context("/"):
        webkit.done("Accepted.", undo_url="/desk/undo/1")
        webkit.problem("Not sent.")
        assert get_flashed_messages(with_categories=True) == [
            ("done", {"message": "Accepted.", "undo_url": "/desk/undo/1"}),
            ("problem", {"message": "Not sent.", "undo_url": None}),
        ]


@pytest.mark.parametrize("white", ["", " ", "\x0b\x1c", "\u00a0\u2028"])
def test_white_space_in_an_optional_field_is_nothing(app: Flask, white: str) -> None:
    """It is no value that the field's other validators would refuse: it never gets past them."""

    class Chosen(webkit.Form):
        kind = StringField(validators=[Optional(), AnyOf(["one"])])
        place = SelectField(validators=[Optional()], choices=["here"])
        name = StringField(validators=[Length(max=9)])

    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_request_context("/", method="POST", data={"kind": white, "place": white, "name": " "}):
        form = Chosen()
        assert form.validate()
        assert (form.kind.data, form.place.data, form.name.data) == ("", "", " ")


def test_a_message_of_one_endless_word_is_cut_and_told(app: Flask) -> None:
    """A file's name without any blank is told as far as there is room."""
    with app.test_request_context("/"):
        webkit.problem("x" * 10_000)
        webkit.done("y" * 499 + " was put in its place")
        told = [message["message"] for message in get_flashed_messages()]  # type: ignore[index]
    assert told == ["x" * 498 + " …", "y" * 498 + " …"]


def test_messages_that_nobody_looks_at_never_fill_the_cookie(app: Flask) -> None:
    """Somebody who sends form after form without a page keeps a login: the latest messages wait, and no long one whole."""
    with app.test_request_context("/"):
        for number in range(100):
            webkit.done(f"Accepted number {number} für “{'ö' * 40}”.", undo_url=f"/desk/decision/{number}/undo")
        webkit.problem("word " * 1000)
        told = [message["message"] for message in get_flashed_messages()]  # type: ignore[index]
    assert told[-1].endswith("word …")
    assert told[-2].startswith("Accepted number 99 ")
    assert len(json.dumps(told)) < 2_000
