"""Pushing our papers into a library of ADS: idempotent, kill-safe, and nothing of others touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide
from biblio.errors import RequestRefused
from biblio.ingest import ads_library
from biblio.ingest.ads_commands import ads
from biblio.ingest.jobs import PUSH
from biblio.ingest.sources import polite_session
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import Decision, JobRun, LibraryPush, Link, Paper, PaperIdentifier, Quota, SecondReading
from biblio.store.words import Outcome, Scheme, Verdict
from demo.replay import ReplayServer
from demo.replay_faults import KINDS, Timing
from demo.replay_libraries import LIBRARY, PRIVATE, UNKNOWN_BIBCODE, WRITABLE
from harvesters.ads_documents import change_library
from harvesters.http import HttpLimits, PoliteSession
from tests.factories import LEARNED, accept, add_paper, add_project, add_user
from tests.ingest.conftest import Asking, addresses

CODE = "2016.1.00001.S"
LATER = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
THEIRS = "2100Thei...1....1X"


@pytest.fixture(scope="module")
def server(observatory: Path) -> Iterator[ReplayServer]:
    """A server whose silences are short."""
    with ReplayServer(observatory, with_faults=False, timing=Timing(silence_s=0.5, drip_s=0.2)) as running:
        yield running


@pytest.fixture(autouse=True)
def empty(server: ReplayServer) -> None:
    """The library is empty and nothing goes wrong, unless a test says so."""
    server.services.ads.libraries.put(WRITABLE, [])
    server.services.ads.requests.clear()
    server.set_faults([])


@pytest.fixture(scope="module")
def articles(observatory: Path) -> list[dict[str, object]]:
    """Articles that ADS knows, with an earlier bibcode."""
    lines = (observatory / "papers" / "ads.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [d for d in found if d["alternate_bibcode"] and "arXiv" not in d["bibcode"]][:12]


@pytest.fixture
def codes(articles: list[dict[str, object]]) -> list[str]:
    """The bibcodes of the articles, in order."""
    return sorted(str(article["bibcode"]) for article in articles)


@pytest.fixture
def site(asking: Asking, server: ReplayServer) -> Runtime:
    """A site that asks the server and has the library set."""
    return with_library(asking(server.url))


@pytest.fixture
def alone(sqlite_runtime: Runtime, server: ReplayServer) -> Runtime:
    """As ``site``, on SQLite alone, for what no database can change."""
    told = addresses(server.url) | {"ads_token": SecretStr("demo")}
    return with_library(replace(sqlite_runtime, settings=sqlite_runtime.settings.model_copy(update=told)))


def with_library(runtime: Runtime, **told: object) -> Runtime:
    """The same site with the library set, and what else is told."""
    return replace(runtime, settings=runtime.settings.model_copy(update={"ads_library": WRITABLE, **told}))


def hold(runtime: Runtime, codes: list[str]) -> dict[str, int]:
    """Let a librarian accept a project for a paper of each bibcode."""
    with runtime.store.writing() as session:
        ines = add_user(session)
        project = add_project(session, CODE)
        papers = {code: add_paper(session, identifiers={Scheme.BIBCODE: code}) for code in codes}
        for paper in papers.values():
            accept(session, ines, paper, project)
    return papers


def refuse(session: Session, paper: int) -> None:
    """Let the librarian take an accepted project back."""
    row = session.exec(select(Decision).where(Decision.paper_id == paper)).first()
    link = session.exec(select(Link).where(Link.paper_id == paper, col(Link.ended_at).is_(None))).one()
    assert row is not None
    ines = Actor(user_id=row.actor_id, name="Ines", role=add_user(session, username=f"u{paper}").role, library="ESO")
    ruling = Ruling(paper, link.project_id, Verdict.REJECT, version_seen=link.version, reason="Not its data")
    decide(session, ines, ruling, now=LATER)


def run(runtime: Runtime, **arguments: str) -> JobRun:
    """Run the push once."""
    return run_job(runtime, PUSH, arguments=arguments)


def rows(runtime: Runtime) -> list[LibraryPush]:
    """What is remembered, in order."""
    with runtime.store.reading() as session:
        return list(session.exec(select(LibraryPush).order_by(col(LibraryPush.id))))


def live(runtime: Runtime) -> dict[str, bool]:
    """The bibcodes believed to be in the library through us, and whether each is known to have arrived."""
    return {row.bibcode: row.pushed_at is not None for row in rows(runtime) if row.ended_at is None}


def test_our_papers_are_in_the_library(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """All of them, once; a second run finds nothing to do and asks to change nothing."""
    hold(site, codes)
    first = run(site)
    assert first.outcome is Outcome.SUCCEEDED, first.error
    assert server.services.ads.libraries.held() == codes
    assert first.counts["added"] == len(codes)
    assert live(site) == dict.fromkeys(codes, True)
    second = run(site)
    assert (second.outcome, second.counts.get("added"), second.counts.get("removed")) == (Outcome.SUCCEEDED, None, None)
    assert second.counts["ours_there_already"] == len(codes)
    assert server.services.ads.requests["biblib/documents"] == 1


def test_only_what_we_put_there_is_taken_out(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """A paper that is no longer ours goes; one that others put there stays, though it was ours for a while too."""
    server.services.ads.libraries.put(WRITABLE, [codes[0], THEIRS])
    papers = hold(site, codes[:4])
    assert run(site).counts["added"] == 3
    with site.store.writing() as session:
        for code in codes[:2]:
            refuse(session, papers[code])
    again = run(site)
    assert again.counts["removed"] == 1
    assert server.services.ads.libraries.held() == sorted([codes[0], *codes[2:4], THEIRS])
    assert [(row.bibcode, row.ending) for row in rows(site) if row.ended_at] == [(codes[1], "removed")]


def test_what_somebody_took_out_is_put_back(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """The library follows our list: an entry that vanished there is gone in our memory and added anew."""
    hold(site, codes[:3])
    run(site)
    server.services.ads.libraries.put(WRITABLE, codes[1:3])
    assert run(site).counts["added"] == 1
    assert server.services.ads.libraries.held() == codes[:3]
    assert [(row.bibcode, row.ending) for row in rows(site)] == [
        (codes[0], "gone"),
        *((code, None) for code in codes[1:3]),
        (codes[0], None),
    ]


def test_papers_without_a_bibcode_are_named(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """They are counted and called by what they have; what looks like no bibcode is none."""
    hold(site, codes[:1])
    with site.store.writing() as session:
        ines = add_user(session, username="berta")
        project = add_project(session, "2017.1.00009.S")
        for identifiers in ({Scheme.DOI: "10.9999/nobib"}, {Scheme.BIBCODE: "no bibcode"}):
            accept(session, ines, add_paper(session, identifiers=identifiers), project)
    done = run(site)
    assert done.counts["without_bibcode"] == 2
    assert "10.9999/nobib" in done.counts["notes"][0]
    assert server.services.ads.libraries.held() == codes[:1]


def test_papers_under_second_reading_are_left_as_they_are(
    site: Runtime, server: ReplayServer, codes: list[str]
) -> None:
    """Neither added nor taken out while the second reader must not know: the library would tell."""
    papers = hold(site, codes[:2])
    with site.store.writing() as session:
        add_reading(session, papers[codes[0]])
    assert run(site).counts["under_second_reading"] == 1
    assert server.services.ads.libraries.held() == [codes[1]]
    with site.store.writing() as session:
        add_reading(session, papers[codes[1]])
        refuse(session, papers[codes[1]])
    run(site)
    assert server.services.ads.libraries.held() == [codes[1]]
    with site.store.writing() as session:
        for reading in session.exec(select(SecondReading)):
            reading.ended_at = LATER
    run(site)
    assert server.services.ads.libraries.held() == [codes[0]]


def add_reading(session: Session, paper: int) -> None:
    """Put a paper to a second reader."""
    decision = session.exec(select(Decision).where(Decision.paper_id == paper)).first()
    assert decision is not None
    session.add(
        SecondReading(
            paper_id=paper,
            project_id=decision.project_id,
            decision_id=decision.id or 0,
            first_reader_id=decision.actor_id,
            drawn_at=LEARNED,
        )
    )
    session.flush()


def test_an_article_that_was_pushed_as_a_preprint_is_still_ours(
    site: Runtime, server: ReplayServer, articles: list[dict[str, object]]
) -> None:
    """ADS replaces the old bibcode; the entry is not added again, and goes when the paper is ours no more."""
    new, old = str(articles[0]["bibcode"]), str(articles[0]["alternate_bibcode"][0])  # type: ignore[index]
    papers = hold(site, [old])
    run(site)
    run(site)
    assert server.services.ads.libraries.held() == [new]
    assert [(row.bibcode, row.ending) for row in rows(site)] == [(old, "renamed"), (new, None)]
    assert server.services.ads.requests["biblib/documents"] == 1
    with site.store.writing() as session:
        refuse(session, papers[old])
    run(site)
    assert server.services.ads.libraries.held() == []


def test_a_paper_there_under_another_of_its_bibcodes_is_there(
    site: Runtime, server: ReplayServer, articles: list[dict[str, object]]
) -> None:
    """The article is pushed, not the preprint; and where the library holds the one, the other is not missing."""
    new, old = str(articles[0]["bibcode"]), str(articles[0]["alternate_bibcode"][0])  # type: ignore[index]
    with site.store.writing() as session:
        ines, project = add_user(session), add_project(session, CODE)
        paper = add_paper(session, identifiers={Scheme.BIBCODE: old})
        session.add(
            PaperIdentifier(paper_id=paper, scheme=Scheme.BIBCODE, value=new, source="test", learned_at=LEARNED)
        )
        twin = add_paper(session, identifiers={Scheme.BIBCODE: UNKNOWN_BIBCODE})
        session.get_one(Paper, twin).merged_into_id = paper
        accept(session, ines, twin, project)
    run(site)
    assert server.services.ads.libraries.held() == [new]
    server.services.ads.libraries.put(WRITABLE, [UNKNOWN_BIBCODE])
    assert "added" not in run(site).counts


def test_bibcodes_that_ads_does_not_know_are_named(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """The others of the batch are added; the refused are no failure and not believed to be there."""
    hold(site, [*codes[:2], UNKNOWN_BIBCODE])
    done = run(site)
    assert done.outcome is Outcome.SUCCEEDED
    assert (done.counts["added"], done.counts["refused"]) == (2, 1)
    assert UNKNOWN_BIBCODE in done.counts["notes"][-1]
    assert live(site) == dict.fromkeys(codes[:2], True)
    alone = run(site)
    assert (alone.outcome, alone.counts["refused"], alone.counts["added"]) == (Outcome.SUCCEEDED, 1, 0)


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (LIBRARY, "the right to write"),
        (PRIVATE, "it is private"),
        ("kDemoLibraryOfNobody01", "there is none under this id"),
    ],
)
def test_a_library_that_is_not_ours_to_write_says_so(site: Runtime, codes: list[str], library: str, words: str) -> None:
    """The run fails with the sentence; what was about to be put is not believed to be there by the next."""
    hold(site, codes[:2])
    done = run(site, library=library)
    assert done.outcome is Outcome.FAILED
    assert words in (done.error or "")
    run(site, library=library)
    assert not any(live(site).values())


def test_a_dry_run_changes_nothing(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """It says what would be done; neither the library nor our memory changes, nor is there a run."""
    papers = hold(site, codes[:3])
    run(site)
    with site.store.writing() as session:
        refuse(session, papers[codes[0]])
        project, paper = (
            add_project(session, "2018.1.00001.S"),
            add_paper(session, identifiers={Scheme.BIBCODE: codes[3]}),
        )
        accept(session, add_user(session, username="berta"), paper, project)
    before = [row.model_dump() for row in rows(site)]
    result = CliRunner().invoke(ads, ["push", "--dry-run", "--quiet"], obj=lambda: site)
    assert result.exit_code == 0, result.output
    assert f"Would be added to Papers pushed by the demo: {codes[3]}." in result.output
    assert f"Would be taken out of Papers pushed by the demo: {codes[0]}." in result.output
    assert [row.model_dump() for row in rows(site)] == before
    assert server.services.ads.libraries.held() == codes[:3]
    with site.store.reading() as session:
        assert len(session.exec(select(JobRun)).all()) == 1


class Killed(BaseException):
    """The process dies here."""


def dying(monkeypatch: pytest.MonkeyPatch, at: int, *, is_after: bool) -> None:
    """Let the run die at its ``at``-th request that changes the library, before it leaves or after it was answered."""
    real: Callable[..., object] = change_library
    calls = iter(range(1, 1_000))

    def change(*arguments: object, **named: object) -> object:
        number = next(calls)
        if number == at and not is_after:
            raise Killed
        done = real(*arguments, **named)
        if number == at:
            raise Killed
        return done

    monkeypatch.setattr(ads_library, "change_library", change)


@pytest.mark.parametrize("is_after", [False, True], ids=["before it is sent", "before it is noted"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_run_that_dies_loses_and_doubles_nothing(
    site: Runtime, server: ReplayServer, codes: list[str], monkeypatch: pytest.MonkeyPatch, at: int, is_after: bool
) -> None:
    """Whenever it dies, the next run ends where an undisturbed one would, with the same memory of what is ours."""
    monkeypatch.setattr(ads_library, "BATCH", 2)
    server.services.ads.libraries.put(WRITABLE, [THEIRS])
    papers = hold(site, codes[:4])
    run(site)
    with site.store.writing() as session:
        for code in codes[:3]:
            refuse(session, papers[code])
        ines, project = add_user(session, username="berta"), add_project(session, "2018.1.00001.S")
        for code in codes[4:9]:
            accept(session, ines, add_paper(session, identifiers={Scheme.BIBCODE: code}), project)
    with monkeypatch.context() as patch:
        dying(patch, at, is_after=is_after)
        with pytest.raises(Killed):
            run(site)
    after = run(site)
    assert after.outcome is Outcome.SUCCEEDED, after.error
    assert server.services.ads.libraries.held() == sorted([THEIRS, *codes[3:9]])
    assert live(site) == dict.fromkeys(codes[3:9], True)


FAULTS = [
    (door, kind)
    for door in ("ads_documents", "ads_libraries")
    for kind in KINDS[door]
    if kind != "shrunk_total"  # needs a second page of the library
]


@pytest.mark.parametrize(("door", "kind"), FAULTS, ids=[f"{door}-{kind}" for door, kind in FAULTS])
def test_every_fault_ends_as_an_undisturbed_run(
    alone: Runtime,
    server: ReplayServer,
    codes: list[str],
    monkeypatch: pytest.MonkeyPatch,
    door: str,
    kind: str,
) -> None:
    """One fault at a door: the run succeeds or says what happened, and the next ends where it should."""
    real = polite_session

    def impatient(runtime: Runtime, service: str) -> PoliteSession:
        session = real(runtime, service)
        session._limits = HttpLimits(read_s=0.2, total_s=0.4, attempts=2, wait_initial_s=0.0, wait_max_s=0.0)
        return session

    monkeypatch.setattr(ads_library, "polite_session", impatient)
    server.services.ads.libraries.put(WRITABLE, [codes[0]])
    hold(alone, codes)
    server.set_faults([{"service": door, "kind": kind}])
    first = run(alone)
    assert server.services.faults.struck == [f"{door}: {kind}"]
    if first.outcome is not Outcome.SUCCEEDED:
        assert "Nothing" in (first.error or "")
        assert run(alone).outcome is Outcome.SUCCEEDED
    assert server.services.ads.libraries.held() == codes
    assert run(alone).counts["ours_there_already"] == len(codes)
    assert live(alone) == dict.fromkeys(codes[1:], True)


def test_a_spent_quota_goes_on_later(
    site: Runtime, server: ReplayServer, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the day's requests used the run says how far it came; on the next day the rest follows."""
    monkeypatch.setattr(ads_library, "BATCH", 4)
    limits = dict(server.services.ads.daily_limits)
    server.services.ads.daily_limits["biblib/documents"] = 3
    hold(site, codes)
    try:
        first = run(site)
        assert first.outcome is Outcome.FAILED
        assert "added" in (first.error or "")
        assert "next run goes on" in (first.error or "")
        done = len(server.services.ads.libraries.held())
        assert 0 < done < len(codes)
        assert sum(live(site).values()) == done
    finally:
        server.services.ads.daily_limits.update(limits)
    server.services.ads.requests.clear()
    with site.store.writing() as session:
        for quota in session.exec(select(Quota)):
            session.delete(quota)
    assert run(site).outcome is Outcome.SUCCEEDED
    assert server.services.ads.libraries.held() == codes


def test_without_library_or_token_nothing_is_asked(site: Runtime, server: ReplayServer, codes: list[str]) -> None:
    """The nightly run of a site without a library is no failure; one with a library and no token is."""
    hold(site, codes[:1])
    site = with_library(site, ads_library=None)
    quiet = run(site)
    assert (quiet.outcome, quiet.counts["notes"]) == (Outcome.SUCCEEDED, [ads_library.UNSET])
    assert CliRunner().invoke(ads, ["push"], obj=lambda: site).exit_code == 2
    assert "there is no token" in (run(with_library(site, ads_token=None)).error or "")
    assert not server.services.ads.requests


@pytest.mark.parametrize("arguments", [{"libary": "x"}, {"library": "not an id"}, {"dry_run": "perhaps"}])
def test_wrong_arguments_are_no_run(site: Runtime, arguments: dict[str, str]) -> None:
    """A misspelt name, an id that is none and a doubtful yes are refused before anything is asked."""
    with pytest.raises(RequestRefused):
        run(site, **arguments)


def test_the_token_is_in_no_log(
    site: Runtime, codes: list[str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a good run nor one that fails prints it."""
    secret = "Zq7TokenThatNobodyMaySee"
    site = with_library(site, ads_token=SecretStr(secret))
    hold(site, codes[:2])
    outcomes = [run(site), run(site, library=PRIVATE)]
    printed = capsys.readouterr()
    told = "".join(str(one.model_dump()) for one in outcomes) + printed.out + printed.err + caplog.text
    assert secret not in told
    assert "push" in told
