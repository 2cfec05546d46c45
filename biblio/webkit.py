"""What pages are built from: the runtime and person of a request, units of work, lists, forms, exports, messages.

Features import this module; it imports no door and no feature. The web door puts ``runtime`` and the person in place
(``attach_runtime``, ``attach_actor``) and checks, for every route, the action that ``@action`` names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, flash, g, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_wtf import FlaskForm
from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import Session
from wtforms import Field, HiddenField, SubmitField

from biblio import tables
from biblio.catalogue.actor import Actor
from biblio.catalogue.readable import readable
from biblio.errors import JobRunning, NotAllowed, NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.search import holds as holds  # noqa: PLC0414  (part of what features find here)

T = TypeVar("T")
U = TypeVar("U")
View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
"""The action of a route that everybody may use, with or without a login."""

PAGE_SIZE = 50
"""Rows of one page of a list."""

EXPORT_LIMIT = 100_000
"""Rows of one export; more is a job for the command line."""

TABLES = ("csv", "xlsx")
"""Formats in which every list is offered as a file."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_RUNTIME = "biblio_runtime"
_NOT_WRITTEN = {"endpoint", "_anchor", "_external", "_method", "_scheme"}


# -- the request ------------------------------------------------------------------------------------------------------


def attach_runtime(app: Flask, wired: Runtime) -> None:
    """Give ``app`` its runtime. Called once, by the web door."""
    app.extensions[_RUNTIME] = wired


def attach_actor(person: Actor | None) -> None:
    """Note who makes this request (None: nobody is logged in). Called by the web door before every view."""
    g.biblio_actor = person


def runtime() -> Runtime:
    """Return the runtime of the current app."""
    return runtime_of(current_app)


def runtime_of(app: Flask) -> Runtime:
    """Return the runtime of an app."""
    wired: Runtime = app.extensions[_RUNTIME]
    return wired


def visitor() -> Actor | None:
    """Return the logged-in person, or None on a public page that nobody is logged in for."""
    person: Actor | None = g.get("biblio_actor")
    return person


def actor() -> Actor:
    """Return the logged-in person. Raises ``NotAllowed`` when nobody is logged in."""
    person = visitor()
    if person is None:
        raise NotAllowed("Log in first: this page shows or changes what only staff may see.")
    return person


@contextmanager
def reading() -> Iterator[Session]:
    """Open a unit of work that only reads."""
    with runtime().store.reading() as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """Open a unit of work that may change things: leaving it commits, raising rolls back."""
    with runtime().store.writing() as session:
        yield session


# -- what a route declares --------------------------------------------------------------------------------------------


def action(name: str) -> Callable[[View], View]:
    """Declare the action a view needs, e.g. ``@action("desk.decide")`` below ``@blueprint.route(...)``.

    The table of who may do what is ``biblio/web/accounts/permissions.py``; an app with a route that declares no
    action, or one that is not in the table, does not start.
    """

    def declare(view: View) -> View:
        view.biblio_action = name  # type: ignore[attr-defined]
        return view

    return declare


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a route may be used, e.g. "10 per minute", by sender address or by what ``key`` returns."""

    limit: str
    key: Callable[[], str] | None = None
    methods: tuple[str, ...] = ("POST",)


def throttled(
    limit: str, *, key: Callable[[], str] | None = None, methods: Sequence[str] = ("POST",)
) -> Callable[[View], View]:
    """Declare how often a view may be used, per sender address or per ``key()``; beyond that the answer is 429."""

    def declare(view: View) -> View:
        rates = (*getattr(view, "biblio_rates", ()), Rate(limit, key, tuple(methods)))
        view.biblio_rates = rates  # type: ignore[attr-defined]
        return view

    return declare


def limiter() -> Limiter:
    """Return what counts how often this application is used, and by whom; there is one."""
    installed: Limiter = next(iter(current_app.extensions["limiter"]))
    return installed


def refusals_told(
    back: Callable[..., ResponseReturnValue], *also: type[RequestRefused]
) -> Callable[[Callable[..., ResponseReturnValue]], Callable[..., ResponseReturnValue]]:
    """Tell what a view refuses at the top of the page that ``back`` leads to, given what the view was given.

    Whoever pressed a button on a list reads there why nothing was done. What is not there, and what the person may not
    do (unless it is among ``also``), has a page of its own.
    """

    def declare(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(view)
        def told(**given: Any) -> ResponseReturnValue:
            try:
                return view(**given)
            except (RequestRefused, JobRunning) as refusal:
                if isinstance(refusal, NotFound | NotAllowed) and not isinstance(refusal, also):
                    raise
                problem(str(refusal))
                return back(**given)

        return told

    return declare


# -- messages ---------------------------------------------------------------------------------------------------------


_MOST_TOLD = 2_000
"""Characters of messages, as JSON, that wait for the next page: they lie in the session's cookie, which has to stay below
4,096 bytes (RFC 6265, section 6.1), as browsers drop a larger one, and the login with it."""


def done(message: str, *, undo_url: str | None = None) -> None:
    """Tell the person, at the top of the next page, what was done; ``undo_url`` (a POST route) adds an undo button."""
    _tell("done", message, undo_url)


def problem(message: str) -> None:
    """Tell the person, at the top of the next page, what could not be done and what to do."""
    _tell("problem", message, None)


def _tell(kind: str, message: str, undo_url: str | None) -> None:
    """Keep a message for the next page. Of many, for somebody who sends forms and looks at no page, the latest stay."""
    flash({"message": _cut(message, _MOST_TOLD // 4), "undo_url": undo_url}, kind)  # type: ignore[arg-type]
    told = cookie["_flashes"]
    while len(told) > 1 and len(json.dumps(told)) > _MOST_TOLD:
        told = told[1:]
    cookie["_flashes"] = told


def _cut(message: str, most: int) -> str:
    """Return at most so many characters of a message, cut between words; within one that is longer than that alone."""
    if len(message) <= most:
        return message
    whole_words = message[: most - 1].rpartition(" ")[0]
    return f"{whole_words or message[: most - 2]} …"


def say_what_was_left_out(taken: Mapping[str, object], names: Iterable[str]) -> None:
    """Tell the person which of these parameters the address gives a value that no filter or order here has.

    ``taken`` is what was understood of the address; a table to download says nothing.
    """
    given = {name: " ".join(request.args.get(name, "").split()) for name in names}
    left = [f"{name} “{readable(value)[:40]}”" for name, value in given.items() if value and not taken.get(name)]
    if left and not wants_table():
        problem(f"This list knows nothing of what the address asks for, so it was left out: {', '.join(left)}.")


def same_site(target: str | None) -> str | None:
    """Return ``target`` if it is a path on this site, else None: what a ``next`` parameter may hold."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(c) < 0x20 or c == "\\" for c in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


# -- lists ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, with its place in the whole; count, page, sort and filters all stand in the address.

    ``number`` starts at 1; ``sort`` is the key of the column sorted by, "-" in front for descending; ``exports`` are the
    formats in which the list is offered as a file.
    """

    items: Sequence[T]
    count: int
    number: int = 1
    size: int = PAGE_SIZE
    sort: str = ""
    sortable: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    exports: tuple[str, ...] = ()

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.count // self.size))

    @property
    def export_limit(self) -> int | None:
        """How many rows an export holds, where that is fewer than there are."""
        return EXPORT_LIMIT if self.count > EXPORT_LIMIT else None

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1; 0 when there is none."""
        return (self.number - 1) * self.size + 1 if self.items else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return self.first + len(self.items) - 1 if self.items else 0

    def map(self, change: Callable[[T], U]) -> Page[U]:
        """Return this page with every item changed, e.g. from rows to dataclasses."""
        items = [change(item) for item in self.items]
        return replace(self, items=items)  # type: ignore[arg-type,return-value]

    def address(self, **changes: str | int | None) -> str:
        """Return this page's address with ``changes`` to its query; None drops a parameter."""
        values: dict[str, Any] = {**asked(), **(request.view_args or {})}
        values.update(changes)
        kept = {name: value for name, value in values.items() if value not in (None, "", [""])}
        return url_for(request.endpoint or "", **kept)

    def page_address(self, number: int) -> str:
        """Return the address of another page of this list."""
        return self.address(page=number if number > 1 else None)

    def sort_address(self, key: str) -> str:
        """Return the address that sorts by ``key``, or turns the order around if it already does."""
        return self.address(sort=f"-{key}" if self.sort == key else key, page=None)

    def export_address(self, kind: str = "csv") -> str:
        """Return the address of this list, filtered as it is, as a file."""
        return self.address(format=kind, page=None)


def asked() -> dict[str, list[str]]:
    """Return the parameters of the address, but those that ``url_for`` would take for its own instead of writing them."""
    return {name: values for name, values in request.args.to_dict(flat=False).items() if name not in _NOT_WRITTEN}


def wants(kind: str) -> bool:
    """Whether the address asks for an export of this kind (``?format=csv``)."""
    return request.args.get("format") == kind


def paginate(
    session: Session,
    statement: Select[Any],
    *,
    sorts: Mapping[str, ColumnElement[Any] | Any] | None = None,
    default_sort: str = "",
    filters: Mapping[str, str] | None = None,
    size: int = PAGE_SIZE,
    exports: Sequence[str] = TABLES,
) -> Page[Any]:
    """Return the page of ``statement`` that the address asks for (``?page=2&sort=-year``).

    ``sorts`` maps keys to columns; an unknown key or page is taken for the default. A statement of one column (or
    model) gives values, of several gives rows. With ``?format=`` one of ``exports`` all rows are on the one page, up
    to EXPORT_LIMIT: for the view to make a file of.
    """
    sorts = sorts or {}
    sort = _asked_sort(sorts, default_sort)
    count = session.execute(select(func.count()).select_from(statement.order_by(None).subquery())).scalar_one()
    if request.args.get("format") in exports:
        size = EXPORT_LIMIT
    number = _asked_number(count, size)
    if sort:
        column = sorts[sort.removeprefix("-")]
        chosen = column.desc().nulls_last() if sort.startswith("-") else column.asc().nulls_last()
        statement = _sorted_first_by(statement, chosen)
    result = session.execute(statement.limit(size).offset((number - 1) * size))
    items: Sequence[Any] = (result.scalars() if len(statement.column_descriptions) == 1 else result).all()
    return Page(items, count, number, size, sort, tuple(sorts), dict(filters or {}), tuple(exports))


def paginate_counted(
    count: int,
    take: Callable[[int, int], Sequence[T]],
    *,
    filters: Mapping[str, str] | None = None,
    size: int = PAGE_SIZE,
    exports: Sequence[str] = TABLES,
) -> Page[T]:
    """Return the page that the address asks for of ``count`` rows in an order of their own.

    ``take`` is given how many rows are wanted and how many stand before them; as ``paginate`` otherwise.
    """
    if request.args.get("format") in exports:
        size = EXPORT_LIMIT
    number = _asked_number(count, size)
    return Page(
        take(size, (number - 1) * size), count, number, size, filters=dict(filters or {}), exports=tuple(exports)
    )


def paginate_list(
    rows: Sequence[T],
    *,
    sorts: Mapping[str, Callable[[T], Any]] | None = None,
    default_sort: str = "",
    filters: Mapping[str, str] | None = None,
    size: int = PAGE_SIZE,
    exports: Sequence[str] = TABLES,
) -> Page[T]:
    """Return the page of ``rows`` that the address asks for; as ``paginate``, for lists that are already at hand."""
    sorts = sorts or {}
    sort = _asked_sort(sorts, default_sort)
    if sort:
        key = sorts[sort.removeprefix("-")]
        known = sorted((r for r in rows if key(r) is not None), key=key, reverse=sort.startswith("-"))
        rows = [*known, *(r for r in rows if key(r) is None)]
    if request.args.get("format") in exports:
        size = EXPORT_LIMIT
    number = _asked_number(len(rows), size)
    items = rows[(number - 1) * size : number * size]
    return Page(items, len(rows), number, size, sort, tuple(sorts), dict(filters or {}), tuple(exports))


def _sorted_first_by(statement: Select[Any], chosen: ColumnElement[Any]) -> Select[Any]:
    """Put ``chosen`` before the statement's own order, which goes on to settle ties."""
    own = tuple(statement._order_by_clauses)
    return statement.order_by(None).order_by(chosen, *own)


def _asked_sort(sorts: Mapping[str, Any], default: str) -> str:
    asked = request.args.get("sort", "")
    return asked if asked.removeprefix("-") in sorts else default


def _asked_number(count: int, size: int) -> int:
    asked = request.args.get("page", "1")
    number = int(asked) if asked.isdecimal() and len(asked) < 9 else 1
    return min(max(number, 1), max(1, -(-count // size)))


# -- exports ----------------------------------------------------------------------------------------------------------


def wants_table() -> bool:
    """Whether the address asks for this list as a table (``?format=csv`` or ``xlsx``)."""
    return request.args.get("format") in TABLES


def table_response(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Return the file called ``name`` that the address asks for, CSV unless it says XLSX; no cell of it is run."""
    if wants("xlsx"):
        return file_response(tables.xlsx_file(name, header, rows), f"{name}.xlsx", XLSX)
    return file_response(tables.csv_file(header, rows), f"{name}.csv", "text/csv")


def file_response(content: bytes | str, name: str, mimetype: str) -> Response:
    """Return a file to keep, whose name holds nothing but letters, digits, dots and dashes."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Response(content, mimetype=mimetype, headers=headers)


# -- forms ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldError:
    """One line of a form's error summary: the field it links to (None: the form as a whole) and what is wrong."""

    field_id: str | None
    label: str
    message: str


class Form(FlaskForm):  # type: ignore[misc]
    """Base of all forms: with CSRF token, hints under labels (``description``), and a summary of errors at the top.

    Templates render it with ``{% from "macros/forms.html" import render_form %}``. A view that finds errors renders
    the page again with status 422; what was typed is kept.
    """

    def process(self, *args: Any, **kwargs: Any) -> None:
        """Fill the fields. White space in an optional one is nothing: it would get past the field's other validators."""
        super().process(*args, **kwargs)
        for one in self:
            if one.flags.optional and isinstance(one.data, str) and not one.data.strip():
                one.data = ""

    def check(self) -> None:
        """Raise ``RequestRefused`` with the first error: for the small forms of a page that has no place for a summary."""
        if not self.validate():
            raise RequestRefused(next((line.message for line in self.summary()), "This form cannot be read."))

    def summary(self) -> list[FieldError]:
        """Return the errors in the order of the fields; the page links each to its field and takes the focus."""
        lines = [FieldError(None, "", str(e)) for e in self.form_errors]
        for one in self:
            label = "" if isinstance(one, HiddenField) else one.label.text
            target = None if isinstance(one, HiddenField) else _first_id(one)
            lines += [FieldError(target, label, str(e)) for e in _flat(one.errors)]
        return lines

    def visible_fields(self) -> list[Field]:
        """Return the fields a person fills in, without hidden ones and buttons."""
        return [f for f in self if not isinstance(f, HiddenField | SubmitField) and f.name != "csrf_token"]


def _first_id(one: Field) -> str:
    """The id a link can put the focus on: a radio group's first choice, else the field itself."""
    return f"{one.id}-0" if one.type in ("RadioField", "FieldList") else one.id


def _flat(errors: Any) -> Iterator[str]:
    for error in errors.values() if isinstance(errors, Mapping) else errors:
        if isinstance(error, list | tuple | dict):
            yield from _flat(error)
        else:
            yield str(error)
