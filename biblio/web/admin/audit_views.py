"""The audit log's pages: search it, page through it by keys, take it away as CSV, and see the evidence of a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.catalogue import audit
from biblio.catalogue.audit import Act, Place, Wanted
from biblio.catalogue.audit_streams import Kind
from biblio.errors import RequestRefused
from biblio.web.admin import queries

SIZE = 50
"""Acts on one page."""

HEADER = ("when", "who", "kind", "what", "reason", "paper", "project", "details", "score", "band", "rules", "model")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Log:
    """One page of the log: ``count`` acts are wanted in all; ``older`` is the address of the next page, if any."""

    acts: list[Act]
    count: int
    older: str | None
    is_first: bool


def add_to(blueprint: Blueprint) -> None:
    """Put the log's pages among the admin's."""
    blueprint.add_url_rule("/admin/audit", "audit", show)
    blueprint.add_url_rule("/admin/audit/decision/<int:decision_id>", "audit_decision", decision)


@webkit.action("audit.read")
def show() -> ResponseReturnValue:
    """Who did what and when, over all histories; one search for all."""
    viewer = webkit.actor().person_id()
    filters = {name: request.args.get(name, "").strip() for name in queries.AUDIT_FILTERS}
    with webkit.reading() as unit:
        people = queries.people(unit)
        try:
            wanted = queries.audit_wanted(unit, filters)
            before = Place.read(request.args["before"]) if request.args.get("before") else None
        except RequestRefused as refusal:
            empty = Log([], 0, None, is_first=True)
            return _page(empty, filters, people, str(refusal)), 400
        if webkit.wants_table():
            return _csv(unit, wanted, viewer)
        acts = audit.page(unit, wanted, viewer=viewer, before=before, size=SIZE + 1)
        count = audit.count(unit, wanted, viewer=viewer)
    older = None
    if len(acts) > SIZE:
        acts = acts[:SIZE]
        older = _address(filters, before=str(acts[-1].place))
    return _page(Log(acts, count, older, is_first=before is None), filters, people)


def _address(filters: dict[str, str], **more: str) -> str:
    kept: dict[str, Any] = {name: value for name, value in {**filters, **more}.items() if value}
    return url_for("admin.audit", **kept)


def _page(log: Log, filters: dict[str, str], people: list[tuple[int, str]], problem: str | None = None) -> str:
    return render_template(
        "admin/audit.html",
        log=log,
        filters=filters,
        people=people,
        kinds=list(Kind),
        problem=problem,
        newest=_address(filters),
        export=_address(filters, format="csv"),
        desk="verify.paper" if "verify.paper" in current_app.view_functions else None,
    )


def _csv(unit: Session, wanted: Wanted, viewer: int) -> ResponseReturnValue:
    """The acts that are wanted, the latest EXPORT_LIMIT of them; all of them come from ``biblio audit export``."""
    rows = []
    for act in audit.everything(unit, wanted, viewer=viewer, most=webkit.EXPORT_LIMIT):
        plain = act.plain()
        details = "; ".join(f"{name}: {value}" for name, value in act.details)
        rows.append([details if name == "details" else plain[name] for name in HEADER])
    return webkit.table_response(f"audit-{date.isoformat(webkit.runtime().clock.today())}", HEADER, rows)


@webkit.action("audit.read")
def decision(decision_id: int) -> ResponseReturnValue:
    """What was on the screen when somebody decided: score, rule version, and each quote."""
    with webkit.reading() as unit:
        found = queries.decided(unit, decision_id, viewer=webkit.actor().person_id())
    desk = "verify.paper" if "verify.paper" in current_app.view_functions else None
    return render_template("admin/audit_decision.html", decided=found, desk=desk)
