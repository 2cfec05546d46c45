"""Papers that a person asks for by their number: fetched now, stored as any harvest, read, matched, opened on the desk.

What is asked for is a row (``WantedPaper``) before anything is fetched, so that a service that is down, or a process that
dies, loses nothing: the job ``add`` takes up at night what waits. One number waits once, whoever asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, col, func, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.identity import Identifier, arxiv_of_bibcode
from biblio.catalogue.pasted import find_paper
from biblio.errors import BiblioError, JobRunning, NotFound, RequestRefused, Stale
from biblio.feature import all_jobs
from biblio.ingest import absorb
from biblio.ingest.by_hand import without_advice
from biblio.ingest.reading import ReadingIncomplete, read_paper
from biblio.ingest.sources import polite_session
from biblio.jobs import Job, JobContext, require_running, run_job
from biblio.logs import get_logger
from biblio.runtime import Runtime
from biblio.store.models import PaperRevision, Project, WantedPaper
from biblio.store.words import Outcome, Scheme, WantedState
from harvesters.arxiv_numbers import ArxivNumbers
from harvesters.errors import HarvestError
from harvesters.http import PoliteSession
from harvesters.protocol import Source

log = get_logger(__name__)

MATCH = "match"
"""The job that proposes projects; another feature's, so it is found by its name."""

_LET_OTHERS_END_S = 120.0
"""How long somebody's paper waits for another run of the same job to end, before it is left to that run or the night."""

ONLY_ADS_KNOWS = (
    "There is no ADS token, and only ADS finds a paper by its DOI or bibcode. If the paper is on arXiv, give its arXiv "
    "number; else ask the operator to set BIBLIO_ADS_TOKEN. Nothing was stored."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking: ``paper_id`` where the paper is there already, else the number of the row that waits."""

    paper_id: int | None = None
    wanted_id: int | None = None


def ask(
    session: Session, runtime: Runtime, actor: Actor, identifier: Identifier, *, now: datetime, again: bool = False
) -> Asked:
    """Note that somebody wants a paper, unless it is there; asked for twice, it waits once.

    ``again``: also where it is there, so that it is read and matched anew (a reader reported a project for it). Raises ``RequestRefused`` where no service that is set up could find it.
    """
    paper_id = find_paper(session, identifier)
    if paper_id is not None and not again:
        return Asked(paper_id=paper_id)
    if paper_id is None and runtime.settings.ads_token is None and _arxiv_number(identifier) is None:
        raise RequestRefused(ONLY_ADS_KNOWS)
    row = _waiting(session, identifier)
    if row is not None:
        row.tries = 0  # who asks again wants it tried again now
        session.add(row)
    else:
        row = WantedPaper(
            scheme=identifier.scheme,
            identifier=identifier.value,
            asked_by_id=actor.user_id,
            asked_at=now,
            state=WantedState.WAITING,
            paper_id=paper_id,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:  # somebody else asked at the same moment
            row = _waiting(session, identifier)
    if row is None:
        raise Stale("Somebody else asked for this paper at the same moment: ask again.")
    return Asked(wanted_id=row.id)


def _waiting(session: Session, identifier: Identifier) -> WantedPaper | None:
    return session.exec(
        select(WantedPaper).where(
            col(WantedPaper.scheme) == identifier.scheme,
            col(WantedPaper.identifier) == identifier.value,
            col(WantedPaper.state) == WantedState.WAITING,
        )
    ).first()


def wanted(session: Session, wanted_id: int) -> WantedPaper:
    """Return what was asked for under this number. Raises ``NotFound``."""
    row = session.get(WantedPaper, wanted_id) if wanted_id < 2**31 else None
    if row is None:
        raise NotFound(f"No paper was asked for under number {wanted_id}.")
    return row


def give_up(session: Session, actor: Actor, wanted_id: int, *, now: datetime) -> WantedPaper:
    """Ask no more for a paper that waits. Raises ``NotFound``, ``Stale`` where it does not wait any more."""
    row = wanted(session, wanted_id)
    if row.state is not WantedState.WAITING:
        raise Stale("This paper does not wait any more.", current=row)
    row.state, row.ended_at, row.ended_by_id = WantedState.DROPPED, now, actor.person_id()
    session.add(row)
    session.flush()
    return row


# -- fetching -----------------------------------------------------------------------------------------------------------


def _arxiv_number(identifier: Identifier) -> str | None:
    """The number under which arXiv itself can be asked; None where only ADS can."""
    if identifier.scheme is Scheme.ARXIV:
        return identifier.value
    return arxiv_of_bibcode(identifier.value) if identifier.scheme is Scheme.BIBCODE else None


def _source(runtime: Runtime, identifier: Identifier) -> tuple[Source, PoliteSession]:
    """Return whom to ask for a paper. Raises ``RequestRefused`` without the token that it takes."""
    settings = runtime.settings
    number = _arxiv_number(identifier)
    if number is not None:
        session = polite_session(runtime, "arxiv")
        return ArxivNumbers(session, [number], base_url=settings.arxiv_url), session
    if settings.ads_token is None:
        raise RequestRefused(ONLY_ADS_KNOWS)
    from harvesters.ads import AdsQuery, AdsSource  # only who asks ADS waits for its package

    session = polite_session(runtime, "ads")
    value = identifier.value.replace("\\", "\\\\").replace('"', '\\"')
    query = AdsQuery(
        {"one paper": f'identifier:"{value}"'}, runtime.clock.today(), rows=10, is_once=True, accepts_nothing=True
    )
    token = settings.ads_token.get_secret_value()
    return AdsSource(session, query, token=token, base_url=settings.ads_url), session


def _fetch(context: JobContext, identifier: Identifier) -> int | None:
    """Fetch a paper and store what came; return its number, or None where the service has no such paper.

    Raises ``HarvestError`` where the service cannot be asked, or its answer cannot be read.
    """
    runtime = context.runtime
    source, asked = _source(runtime, identifier)
    stored: int | None = None
    try:
        for page in source.pages({}):
            parsed = source.parse(page)
            counts = absorb.store_page(runtime, page, parsed, absorb.Destination(context.run_id, None), asked)
            for name in ("records", "new", "changed", "refused"):
                context.count(name, getattr(counts, name))
            for refusal in counts.refusals[:3]:
                context.note(f"{refusal.place}: {refusal.reason}")
            if counts.outcomes:
                stored = counts.outcomes[0].paper_id
    finally:
        with runtime.store.writing() as session:
            absorb.note_asked(session, asked, runtime.clock.now())
    with runtime.store.reading() as session:
        return find_paper(session, identifier) or stored


# -- the job --------------------------------------------------------------------------------------------------------------


def add_papers(context: JobContext) -> None:
    """Take up every paper that waits, each once; who asks meanwhile is served as well.

    Those that were never taken up come first, then those whose last time is longest ago: a paper at which the process
    dies holds up no other, nor does one at which the run fails; that is raised in the end.
    With the argument ``fresh`` only those not tried yet: a person waits for one of them, and a service that is down
    takes minutes to say so.
    """
    seen: set[int] = set()
    broken: Exception | None = None
    tried = (col(WantedPaper.tries) == 0,) if context.arguments.get("fresh") else ()
    while True:
        with context.runtime.store.reading() as session:
            row = session.exec(
                select(WantedPaper)
                .where(col(WantedPaper.state) == WantedState.WAITING, col(WantedPaper.id).not_in(seen), *tried)
                .order_by(col(WantedPaper.tried_at).asc().nulls_first(), col(WantedPaper.id))
                .limit(1)
            ).first()
        if row is None or row.id is None:
            break
        seen.add(row.id)
        _begin(context, row.id)
        context.count("asked")
        context.progress(f"{row.scheme.value} {row.identifier}", context.counts["asked"], None)
        try:
            _add(context, row.id, Identifier(row.scheme, row.identifier))
        except (BiblioError, OperationalError):  # the database could not go on, or another run took over
            raise
        except Exception as problem:
            broken = broken or problem
            context.note(f"{row.identifier}: {type(problem).__name__}: {problem}")
            _note(
                context,
                row.id,
                WantedState.WAITING,
                "Something broke here while it was added. It is kept, and tried again every night.",
            )
    if broken is not None:
        raise broken


def _begin(context: JobContext, wanted_id: int) -> None:
    """Note that a paper is taken up, so that the next run begins with others should this one not come to its end."""
    with context.runtime.store.writing() as session:
        require_running(session, context.run_id)
        row = session.get_one(WantedPaper, wanted_id, with_for_update=True)
        row.tried_at = context.runtime.clock.now()
        session.add(row)


def _add(context: JobContext, wanted_id: int, identifier: Identifier) -> None:
    """Fetch, read and match one paper; what a service cannot give now goes on waiting, with the reason."""
    with context.runtime.store.reading() as session:
        paper_id = find_paper(session, identifier)
    try:
        if paper_id is None:
            paper_id = _fetch(context, identifier)
    except (HarvestError, RequestRefused) as error:
        context.count("left_waiting")
        context.note(f"{identifier}: {error}")
        words = f"{without_advice(str(error)).rstrip('.')}. It is kept, and tried again every night."
        _note(context, wanted_id, WantedState.WAITING, words)
        return
    if paper_id is None:
        service = "arXiv" if _arxiv_number(identifier) else "ADS"
        context.count("not_found")
        _note(context, wanted_id, WantedState.REFUSED, f"{service} has no paper {identifier.value}. Check the number.")
        return
    _note(context, wanted_id, WantedState.WAITING, "It is being read.", paper_id)
    words = " ".join(part for part in (_read(context, paper_id), _match(context, paper_id)) if part)
    context.count("added")
    _note(
        context, wanted_id, WantedState.ADDED, " ".join(filter(None, (_withdrawn(context, paper_id), words))), paper_id
    )


def _note(context: JobContext, wanted_id: int, state: WantedState, words: str, paper_id: int | None = None) -> None:
    """Keep how a paper that was asked for stands; one that a person gave up meanwhile stays so."""
    now = context.runtime.clock.now()
    with context.runtime.store.writing() as session:
        require_running(session, context.run_id)
        row = session.get(WantedPaper, wanted_id, with_for_update=True)
        if row is None or row.state is not WantedState.WAITING:
            return
        row.tries += state is not WantedState.WAITING or paper_id is None
        row.state, row.words, row.tried_at = state, words, now
        row.paper_id = paper_id or row.paper_id
        row.ended_at = None if state is WantedState.WAITING else now
        session.add(row)


def _withdrawn(context: JobContext, paper_id: int) -> str:
    with context.runtime.store.reading() as session:
        withdrawn = session.exec(
            select(PaperRevision.is_withdrawn).where(
                col(PaperRevision.paper_id) == paper_id, col(PaperRevision.superseded_at).is_(None)
            )
        ).first()
    return "Its authors have withdrawn it." if withdrawn else ""


def _read(context: JobContext, paper_id: int) -> str:
    """Read the paper's texts; return what is to be said where they could not be had."""
    try:
        read_paper(context, paper_id)
    except ReadingIncomplete as incomplete:
        context.note(str(incomplete))
        return "Its text could not be fetched yet; it is read with the next night's."
    return ""


def _match(context: JobContext, paper_id: int) -> str:
    """Let the matcher propose projects for the paper; return what is to be said where it could not."""
    job = all_jobs().get(MATCH)
    with context.runtime.store.reading() as session:
        has_projects = session.exec(select(func.count()).select_from(Project)).one() > 0
    if job is None or not has_projects:
        return ""
    try:
        row = run_job(context.runtime, job, arguments={"papers": str(paper_id)})
    except JobRunning:
        return "Other papers are being matched; its projects are proposed after them."
    if row.outcome is not Outcome.SUCCEEDED:
        context.note(f"match: {row.error}")
        return "Projects could not be proposed for it yet."
    return ""


def check_add(_runtime: Runtime, arguments: Mapping[str, Any]) -> None:
    """Raise ``RequestRefused`` for arguments but ``fresh``: what is to be added is noted before."""
    if set(arguments) - {"fresh"}:
        raise RequestRefused("The job takes no numbers; `biblio papers add IDENTIFIER` asks for a paper.")


ADD = Job("add", "Add papers that people asked for by number", add_papers, schedule="50 5 * * *", check=check_add)


# -- at once ----------------------------------------------------------------------------------------------------------------


def add_now(runtime: Runtime, wanted_id: int, actor_id: int | None) -> None:
    """Run the job until this paper was tried; where another run is at work, wait for it and look again."""
    began_s = time.monotonic()
    while True:
        try:
            run_job(runtime, ADD, arguments={"fresh": "yes"}, actor_id=actor_id)
            return
        except JobRunning:
            with runtime.store.reading() as session:
                row = wanted(session, wanted_id)
            if row.tries or row.state is not WantedState.WAITING or time.monotonic() - began_s > _LET_OTHERS_END_S:
                return
            time.sleep(0.1)


def start_adding(runtime: Runtime, wanted_id: int, actor_id: int | None) -> threading.Thread:
    """Add a paper in the background; it goes on when the page is closed."""

    def work() -> None:
        try:
            add_now(runtime, wanted_id, actor_id)
        except BiblioError as reason:
            log.info("paper not added", wanted=wanted_id, reason=str(reason))

    thread = threading.Thread(target=work, name=f"job-add-{wanted_id}", daemon=True)
    thread.start()
    return thread
