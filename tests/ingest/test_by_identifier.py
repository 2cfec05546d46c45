"""Papers asked for by number: fetched, read and matched at once; nothing asked for is lost, nothing comes twice."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import func, select

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.identity import Identifier
from biblio.catalogue.pasted import read_identifier
from biblio.errors import RequestRefused, Stale
from biblio.ingest import by_identifier
from biblio.ingest.by_identifier import ADD, add_now, ask, give_up, wanted
from biblio.ingest.jobs import HARVEST
from biblio.jobs import JobContext, run_job
from biblio.runtime import Runtime
from biblio.store.models import Candidate, JobRun, Paper, PaperIdentifier, TextReading, WantedPaper
from biblio.store.words import Outcome, Scheme, WantedState
from demo.replay import ReplayServer
from tests.factories import add_user
from tests.ingest.conftest import Asking, addresses


@pytest.fixture
def small(sqlite_runtime: Runtime) -> Asking:
    """A runtime on SQLite alone that asks the server at an address."""

    def asking(url: str) -> Runtime:
        settings = sqlite_runtime.settings.model_copy(update={**addresses(url), "ads_token": SecretStr("demo")})
        return replace(sqlite_runtime, settings=settings)

    return asking


def _add(runtime: Runtime, written: str) -> WantedPaper:
    with runtime.store.writing() as session:
        asked = ask(session, runtime, MACHINE, read_identifier(written), now=runtime.clock.now())
    assert asked.wanted_id is not None
    add_now(runtime, asked.wanted_id, None)
    with runtime.store.reading() as session:
        return wanted(session, asked.wanted_id)


def _papers(runtime: Runtime) -> int:
    with runtime.store.reading() as session:
        return session.exec(select(func.count()).select_from(Paper)).one()


def _in_ads(observatory: Path) -> dict[str, Any]:
    lines = (observatory / "papers" / "ads.jsonl").read_text("utf-8").splitlines()
    found: dict[str, Any] = next(r for r in map(json.loads, lines) if r["doi"] and not r["alternate_bibcode"])
    return found


def test_a_preprint_is_fetched_read_and_matched(asking: Asking, served: ReplayServer) -> None:
    """One command or one click: it is in the catalogue with its e-print's quotes and proposed projects."""
    runtime = asking(served.url)
    assert run_job(runtime, HARVEST, arguments={"sources": "projects"}).outcome is Outcome.SUCCEEDED
    row = _add(runtime, "https://arxiv.org/abs/1504.90137v1")
    assert (row.state, row.words, row.tries) == (WantedState.ADDED, "", 1)
    with runtime.store.reading() as session:
        origins = set(session.exec(select(TextReading.origin)))
        matched = session.exec(select(JobRun).where(JobRun.job == "match")).one()
        assert session.exec(select(Candidate.paper_id)).first() == row.paper_id
    assert origins == {"abstract", "eprint"}
    assert matched.counts["matched"] == 1
    assert _papers(runtime) == 1


@pytest.mark.parametrize("scheme", ["doi", "bibcode", "preprint's bibcode"])
def test_ads_finds_a_paper_by_doi_and_bibcode(
    small: Asking, served: ReplayServer, observatory: Path, scheme: str
) -> None:
    """Whichever number is pasted, it is one paper with all of its numbers."""
    runtime, record = small(served.url), _in_ads(observatory)
    written = {"doi": record["doi"][0], "bibcode": record["bibcode"], "preprint's bibcode": "2015arXiv150490137K"}
    row = _add(runtime, written[scheme])
    assert row.state is WantedState.ADDED, row.words
    with runtime.store.reading() as session:
        schemes = {i.scheme for i in session.exec(select(PaperIdentifier))}
    assert (Scheme.ARXIV if scheme.startswith("preprint") else Scheme.DOI) in schemes
    assert _papers(runtime) == 1


def test_what_is_there_is_not_fetched(small: Asking, served: ReplayServer) -> None:
    """Asked for again, in another spelling, the paper there is given; no second run, no second paper."""
    runtime = small(served.url)
    row = _add(runtime, "1504.90137")
    with runtime.store.writing() as session:
        again = ask(session, runtime, MACHINE, read_identifier("arXiv:1504.90137v2"), now=runtime.clock.now())
    assert (again.paper_id, again.wanted_id) == (row.paper_id, None)


@pytest.mark.parametrize("written", ["2599.99999", "10.5555/nowhere.1", "2015ApJ...999...99Z"])
def test_what_no_service_has_is_said(small: Asking, served: ReplayServer, written: str) -> None:
    """Not found is an end, with a sentence; nothing is stored and nothing waits."""
    row = _add(small(served.url), written)
    assert row.state is WantedState.REFUSED
    assert f"has no paper {written}" in row.words
    assert "Check the number" in row.words


@pytest.mark.parametrize(
    ("door", "kind", "written"),
    [
        ("arxiv_api", "unavailable", "1504.90137"),
        ("arxiv_api", "html", "1504.90137"),
        ("arxiv_api", "reset", "1504.90137"),
        ("arxiv_api", "truncated", "1504.90137"),
        ("ads_search", "error_500", "a DOI"),
        ("ads_search", "html", "a DOI"),
    ],
)
def test_a_service_that_is_down_loses_nothing(
    small: Asking, observatory: Path, door: str, kind: str, written: str
) -> None:
    """The number waits with the reason; the night's run adds it, and both times it is one paper."""
    with ReplayServer(observatory, with_faults=False) as server:
        runtime = small(server.url)
        server.set_faults([{"service": door, "kind": kind, "request": "every"}])
        row = _add(runtime, _in_ads(observatory)["doi"][0] if written == "a DOI" else written)
        assert row.state is WantedState.WAITING
        assert row.tries == 1
        assert "tried again every night" in row.words
        assert _papers(runtime) == 0
        server.set_faults([])
        assert run_job(runtime, ADD).outcome is Outcome.SUCCEEDED
    with runtime.store.reading() as session:
        assert wanted(session, row.id or 0).state is WantedState.ADDED
    assert _papers(runtime) == 1


def test_one_bad_answer_does_not_mean_that_there_is_no_paper(small: Asking, observatory: Path) -> None:
    """arXiv's "nothing found" is asked for once more before it is believed."""
    with ReplayServer(observatory, with_faults=False) as server:
        server.set_faults([{"service": "arxiv_api", "kind": "shrunk_total"}])
        row = _add(small(server.url), "1504.90137")
    assert row.state is WantedState.ADDED, row.words


def test_a_text_that_cannot_be_fetched_does_not_hold_the_paper_up(small: Asking, observatory: Path) -> None:
    """The paper is there with its abstract; its text is read by the next night's run."""
    with ReplayServer(observatory, with_faults=False) as server:
        server.set_faults([{"service": "eprint", "kind": "unavailable", "request": "every"}])
        row = _add(small(server.url), "1504.90137")
    assert row.state is WantedState.ADDED
    assert "text could not be fetched yet" in row.words


@pytest.mark.parametrize("how", ["it raises", "the process dies"])
def test_a_paper_that_breaks_the_run_holds_up_no_other(
    small: Asking, served: ReplayServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Where it raises, the others are added by the same run, which fails; where the process dies, by the next."""
    runtime = small(served.url)
    with runtime.store.writing() as session:
        for number in ("1504.90137", "1505.90137"):
            ask(session, runtime, MACHINE, read_identifier(number), now=runtime.clock.now())
    with runtime.store.reading() as session:
        first, second = session.exec(select(WantedPaper.identifier).order_by(WantedPaper.id)).all()  # type: ignore[arg-type]
    fetch = by_identifier._fetch

    def breaks(context: JobContext, identifier: Identifier) -> int | None:
        if identifier.value == first:
            raise KeyboardInterrupt if how == "the process dies" else ZeroDivisionError("our own mistake")
        return fetch(context, identifier)

    monkeypatch.setattr(by_identifier, "_fetch", breaks)
    if how == "the process dies":
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                run_job(runtime, ADD)
    else:
        row = run_job(runtime, ADD)
        assert (row.outcome, row.error) == (Outcome.FAILED, "ZeroDivisionError: our own mistake")
    with runtime.store.reading() as session:
        found = {row.identifier: row.state for row in session.exec(select(WantedPaper))}
    assert found[first] is WantedState.WAITING
    assert found[second] is not WantedState.WAITING


def test_a_withdrawn_paper_says_so(small: Asking, served: ReplayServer, observatory: Path) -> None:
    """It is opened all the same; a person decides."""
    preprints = map(json.loads, (observatory / "papers" / "arxiv.jsonl").read_text("utf-8").splitlines())
    withdrawn = next(one["id"] for one in preprints if "withdrawn" in (one["comment"] or "").lower())
    row = _add(small(served.url), withdrawn)
    assert row.state is WantedState.ADDED
    assert "withdrawn" in row.words


def test_without_a_token_a_doi_says_what_to_do(sqlite_runtime: Runtime) -> None:
    """No row waits for what this site can never fetch."""
    with pytest.raises(RequestRefused, match="give its arXiv number"), sqlite_runtime.store.writing() as session:
        ask(session, sqlite_runtime, MACHINE, Identifier(Scheme.DOI, "10.5555/x"), now=sqlite_runtime.clock.now())
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(WantedPaper)).all() == []


def test_four_librarians_at_once_make_one_paper(asking: Asking, served: ReplayServer) -> None:
    """A double click, or two people: one row waits, one paper comes, and everybody is led to it."""
    runtime = asking(served.url)
    ends: list[WantedPaper | None] = [None] * 4

    def press(number: int) -> None:
        with runtime.store.writing() as session:
            asked = ask(session, runtime, MACHINE, read_identifier("1504.90137"), now=runtime.clock.now())
        if asked.wanted_id is not None:
            add_now(runtime, asked.wanted_id, None)
            with runtime.store.reading() as session:
                ends[number] = wanted(session, asked.wanted_id)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    rows = [row for row in ends if row is not None]
    assert rows
    assert {(row.id, row.state) for row in rows} == {(rows[0].id, WantedState.ADDED)}
    assert _papers(runtime) == 1


def test_what_waits_can_be_given_up(sqlite_runtime: Runtime) -> None:
    """By a person, who is kept; given up twice is said, and asked for again it is a new row."""
    runtime, now = sqlite_runtime, sqlite_runtime.clock.now()
    with runtime.store.writing() as session:
        ines = add_user(session)
        number = ask(session, runtime, ines, read_identifier("2401.00001"), now=now).wanted_id or 0
        row = give_up(session, ines, number, now=now)
        assert (row.state, row.ended_by_id) == (WantedState.DROPPED, ines.user_id)
        with pytest.raises(Stale):
            give_up(session, ines, number, now=now)
        assert ask(session, runtime, ines, read_identifier("2401.00001"), now=now).wanted_id != number
    with pytest.raises(RequestRefused, match="takes no numbers"):
        run_job(runtime, ADD, arguments={"paper": "2401.00001"})
