"""The queue's pages: what waits, the next paper, and certain candidates confirmed many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.catalogue.links import Ruling
from biblio.catalogue.reported import count_waiting
from biblio.errors import RequestRefused, Stale
from biblio.store.models import DeskItem
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify import refusals, service
from biblio.verify.forms import ConfirmForm
from biblio.verify.paper.quotes import PLACES, Quote, passages
from biblio.verify.queue import offers, queries, tally, teaching
from biblio.verify.queue.certain import CertainRow, certain_candidates
from biblio.verify.queue.wanted import FILTERS, ORDERS, Onlooker, QueueFilter
from biblio.verify.sharing.claims import Claimed, others_claims

PAGE_SIZE = 25
"""Papers on one page of the queue."""


def add_rules(blueprint: Blueprint) -> None:
    """Add the queue's addresses to the desk's URL map."""
    for rule, view, name, methods in (
        ("/desk", desk, "desk", ["GET"]),
        ("/desk/next", next_item, "next_item", ["GET"]),
        ("/desk/certain", certain, "certain", ["GET"]),
        ("/desk/certain", confirm, "confirm", ["POST"]),
    ):
        blueprint.add_url_rule(rule, name, view, methods=methods)


def now() -> service.Today:
    """Return the profile and the hour that a change is made under."""
    wired = webkit.runtime()
    return service.Today(wired.profile, wired.clock.now(), wired.settings.second_reading_share)


# -- the queue ----------------------------------------------------------------------------------------------------------


@webkit.action("desk.read")
def desk() -> ResponseReturnValue:
    """Show what waits, most consequential first."""
    wanted = QueueFilter.from_address(request.args)
    webkit.say_what_was_left_out(wanted.address(), FILTERS)
    wired = webkit.runtime()
    with webkit.reading() as session:
        sums = tally.sums(session)
        page = _queue_page(session, wanted, sums)
        rows = queries.queue_rows(session, onlooker(), page.items)
        page = webkit.Page(rows, page.count, page.number, page.size, filters=wanted.address(), exports=page.exports)
        if webkit.wants_table():
            return _csv(rows)
        offered = offers.offers(session, wired.profile, wanted, sums, today=wired.clock.today())
        return render_template(
            "verify/desk.html",
            page=page,
            counts=offers.counts(session, onlooker(), sums),
            wanted=wanted,
            orders=ORDERS,
            offers=offered,
            chips=offers.chips(offered, wanted),
            date_labels=offers.DATE_LABELS,
            why_words=queries.WHY_WORDS,
            places=PLACES,
            pace=queries.pace(session, webkit.actor().user_id),
            reported=count_waiting(session),
        )


def onlooker() -> Onlooker:
    """Return who looks at the queue, and when."""
    return Onlooker(webkit.actor().user_id, webkit.runtime().clock.now())


def _queue_page(
    session: Session, wanted: QueueFilter, sums: offers.Sums, exports: Sequence[str] = webkit.TABLES
) -> webkit.Page[Any]:
    """Return the page of the queue that the address asks for, in the order it asks for."""
    who = onlooker()

    def items(limit: int, offset: int) -> Sequence[DeskItem]:
        if wanted.teaches:
            return teaching.items(session, who, wanted, limit, offset)
        return queries.queue_items(session, who, wanted, queries.Slice(limit, offset), count)

    counted = teaching.count if wanted.teaches else queries.queue_count
    count = counted(session, who, wanted, sums)
    return webkit.paginate_counted(count, items, size=PAGE_SIZE, filters=wanted.address(), exports=exports)


_CSV = (
    "paper", "title", "first author", "journal", "year", "why", "band", "score", "project", "waiting since",
    "expected in print",
)  # fmt: skip


def _csv(rows: Sequence[queries.QueueRow]) -> ResponseReturnValue:
    return webkit.table_response("desk", _CSV, (_csv_row(row) for row in rows))


def _csv_row(row: queries.QueueRow) -> Sequence[object]:
    return (
        row.paper_id,
        row.title,
        row.first_author,
        row.journal,
        row.year,
        queries.WHY_WORDS[row.why][0],
        row.band.value if row.band else "",
        row.score,
        row.project_code,
        f"{row.waiting_since:%Y-%m-%d}",
        row.press_on,
    )


@webkit.action("desk.read")
def next_item() -> ResponseReturnValue:
    """Go to the first paper of the queue."""
    wanted = QueueFilter.from_address(request.args)
    with webkit.reading() as session:
        return to_paper(around(session, wanted, None).following, wanted)


def around(session: Session, wanted: QueueFilter, item: DeskItem | None) -> teaching.Around:
    """Return what stands before and after a paper in the order asked for."""
    who = onlooker()
    if wanted.teaches:
        return teaching.around(session, who, wanted, item.paper_id if item else None)
    previous = queries.previous_paper(session, who, wanted, before=item) if item else None
    return teaching.Around(previous, queries.next_paper(session, who, wanted, after=item), 0)


def to_paper(paper_id: int | None, wanted: QueueFilter, **more: Any) -> ResponseReturnValue:
    """Go to a paper, or to the queue where there is none; the filters stay in the address."""
    if paper_id is None:
        return redirect(url_for("verify.desk", **wanted.address()))
    return redirect(url_for("verify.paper", paper_id=paper_id, **wanted.address(), **more))


# -- many at once ---------------------------------------------------------------------------------------------------------


@webkit.action("desk.read")
def certain() -> ResponseReturnValue:
    """Show certain candidates with their quotes, to confirm many at once; filters and order are those of the queue."""
    wanted = _certain_ones()
    webkit.say_what_was_left_out(QueueFilter.from_address(request.args).address(), FILTERS)
    wired = webkit.runtime()
    with webkit.reading() as session:
        sums = tally.sums(session)
        page = _queue_page(session, wanted, sums, exports=())
        pace = queries.pace(session, webkit.actor().user_id)
        papers = [item.paper_id for item in page.items]
        rows = certain_candidates(session, papers)
        taken = others_claims(session, webkit.actor(), papers, wired.clock.now())
        shown = [(row, _passage(row)) for row in rows]
        offered = offers.offers(session, wired.profile, wanted, sums, today=wired.clock.today())
        return render_template(
            "verify/certain.html",
            page=page,
            rows=shown,
            holders={one.paper_id: one.holder for one in taken},
            form=ConfirmForm(formdata=None),
            wanted=wanted,
            undo_ids=pace.last_decision_ids,
            undo_words=pace.last_words,
            chips=[chip for chip in offers.chips(offered, wanted) if chip.label != "Band"],
        )


def _certain_ones() -> QueueFilter:
    """Return what the address asks for, of certain candidates alone."""
    wanted = QueueFilter.from_address(request.args)
    return replace(wanted, band=Band.CERTAIN.value, order="" if wanted.teaches else wanted.order, turn="")


def _passage(row: CertainRow) -> Any:
    if row.context is None or row.context_start is None or row.start is None or row.quote is None:
        return None
    end = row.start + len(row.quote)
    quote = Quote("", None, row.stands_in or "unknown", row.start, end, row.context, row.context_start)
    return passages([quote])[0][0]


@webkit.action("desk.decide")
def confirm() -> ResponseReturnValue:
    """Accept the chosen certain candidates as science with our data, all or none."""
    form = ConfirmForm()
    if not form.validate():
        raise RequestRefused("The page had expired; open it again. Nothing was stored.")
    rulings = [_confirmed(chosen) for chosen in request.form.getlist("chosen")[: service.MOST_AT_ONCE + 1]]
    if not rulings:
        webkit.problem("Nothing was chosen: tick the candidates to confirm.")
        return redirect(url_for("verify.certain", **_certain_ones().address()))
    here, back = (url_for(name, **_certain_ones().address()) for name in ("verify.confirm", "verify.certain"))
    try:
        with webkit.writing() as session:
            seen = service.Seen(claims=refusals.aware_of())
            decisions = service.judge_many(session, webkit.actor(), rulings, now(), seen)
    except Claimed as claimed:
        return refusals.claimed_page(claimed, here, back)
    except Stale:
        return refusals.many_page(rulings, here, back)
    undo_url = url_for("verify.undo", ids=",".join(str(d.id) for d in decisions), back=back)
    words = "certain candidate" if len(decisions) == 1 else "certain candidates"
    webkit.done(f"Accepted {len(decisions)} {words} as science with our data.", undo_url=undo_url)
    return redirect(url_for("verify.certain", **_certain_ones().address()))


def _confirmed(chosen: str) -> Ruling:
    """Read one ticked box, paper:project:revision."""
    numbers = [int(part) for part in chosen.split(":") if part.isdecimal() and len(part) < 10]
    if len(numbers) != 3:
        raise RequestRefused("One of the ticked candidates cannot be read; open the page again. Nothing was stored.")
    return Ruling(
        paper_id=numbers[0],
        project_id=numbers[1],
        verdict=Verdict.ACCEPT,
        version_seen=0,
        relation=RelationKind.SCIENCE,
        reason="confirmed together with other certain candidates",
        candidate_revision_id=numbers[2],
    )
