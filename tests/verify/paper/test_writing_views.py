"""Correcting a field, merging by hand and splitting off on the pages: what they show, store, refuse and take back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from biblio.catalogue.links import Ruling, decide, live_link
from biblio.catalogue.papers import absorb_records
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.current import survivor_of
from biblio.store.models import PaperCorrection, PaperRevision, SourceRecord
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify.proposing.match import match
from harvesters.records import HarvestedAuthor, HarvestedRecord
from tests.conftest import NOW
from tests.verify.conftest import Login
from tests.verify.factories import add_mention, add_paper, add_project, add_user

BIBCODE = "2019ApJ...870...10O"


def _absorb(runtime: Runtime, title: str, *, source: str = "ads", doi: str = "10.5555/tamsin") -> int:
    """Harvest a record of the paper; return the paper."""
    with runtime.store.writing() as session:
        record = HarvestedRecord(
            source=source,
            key=BIBCODE if source == "ads" else "1901.00001",
            title=title,
            authors=(HarvestedAuthor(name="Oduya, Marit"),),
            doi=doi,
            bibcode=BIBCODE if source == "ads" else None,
            arxiv_id=None if source == "ads" else "1901.00001",
            journal="ApJ",
            year=2019,
        )
        return absorb_records(session, [record], payload_sha256=None, now=NOW)[0].paper_id


def _shown(session: Session, paper: int) -> PaperRevision:
    return session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == paper, col(PaperRevision.superseded_at).is_(None))
    ).one()


def _follow(client: FlaskClient, address: str, **data: str) -> str:
    answer = client.post(address, data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return client.get(answer.location).get_data(as_text=True)


def _undo(client: FlaskClient, page: str) -> str:
    found = re.search(r'class="message message-done".*?action="([^"]+)"', page, re.DOTALL)
    assert found is not None
    return _follow(client, found[1])


def test_a_correction_stays_above_the_next_harvest_with_both_values_shown(runtime: Runtime, login: Login) -> None:
    """The source says something new, the person's value stays; withdrawn, the newer source's value is shown."""
    paper = _absorb(runtime, "Gas in Tamsin seven")
    client = login()
    page = _follow(client, f"/desk/paper/{paper}/correct", field="title", value="Gas in Tamsin 7")
    assert "The title is yours now" in page
    assert _absorb(runtime, "Gas in Tamsin VII") == paper
    page = client.get(f"/desk/paper/{paper}/correct").get_data(as_text=True)
    assert "Gas in Tamsin 7" in page
    assert "Gas in Tamsin VII" in page
    with runtime.store.reading() as session:
        assert _shown(session, paper).title == "Gas in Tamsin 7"
    page = _follow(client, f"/desk/paper/{paper}/correct/title/withdraw")
    assert "what the sources say again" in page
    with runtime.store.reading() as session:
        assert _shown(session, paper).title == "Gas in Tamsin VII"
    _undo(client, page)
    with runtime.store.reading() as session:
        assert _shown(session, paper).title == "Gas in Tamsin 7"


def test_undoing_a_correction_brings_back_the_one_before(runtime: Runtime, login: Login) -> None:
    """A second correction replaces the first; its undo puts the first in force again, and the history tells all."""
    paper = _absorb(runtime, "Gas in Tamsin seven")
    client = login()
    _follow(client, f"/desk/paper/{paper}/correct", field="year", value="2018")
    page = _follow(client, f"/desk/paper/{paper}/correct", field="year", value="2017")
    _undo(client, page)
    with runtime.store.reading() as session:
        assert _shown(session, paper).year == 2018
        assert len(session.exec(select(PaperCorrection)).all()) == 3
    history = client.get(f"/desk/paper/{paper}").get_data(as_text=True)
    for words in ("corrected the year", "2017", "2018"):
        assert words in history


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("is_refereed", "yes", True),
        ("kind", "article", "article"),
        ("published_on", "2019-03-01", "2019-03-01"),
        ("keywords", "discs, , gas ", ["discs", "gas"]),
        ("journal", "", None),
        ("abstract", "  Two\nlines ", "Two\nlines"),
    ],
)
def test_each_kind_of_field_takes_its_values(
    runtime: Runtime, login: Login, field: str, value: str, stored: object
) -> None:
    """Yes and no, a choice, a day, words, a text, and nothing."""
    paper = _absorb(runtime, "Gas in Tamsin 7")
    _follow(login(), f"/desk/paper/{paper}/correct", field=field, value=value)
    with runtime.store.reading() as session:
        assert session.exec(select(PaperCorrection)).one().value == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("year", "nineteen"),
        ("year", "3019"),
        ("published_on", "yesterday"),
        ("is_refereed", "perhaps"),
        ("kind", "<b>"),
        ("title", "x" * 20_001),
        ("citation_count", "9"),
        ("", "x"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_and_kept_to_mend(
    runtime: Runtime, login: Login, field: str, value: str
) -> None:
    """422 with a sentence that leads to the field; nothing is stored."""
    paper = _absorb(runtime, "Gas in Tamsin 7")
    answer = login().post(f"/desk/paper/{paper}/correct", data={"field": field, "value": value})
    assert answer.status_code == 422
    assert 'href="#value"' in answer.get_data(as_text=True)
    with runtime.store.reading() as session:
        assert session.exec(select(PaperCorrection)).all() == []


def test_two_papers_are_made_one_by_an_identifier_and_parted_again(runtime: Runtime, login: Login) -> None:
    """Decisions on both stay in force, conflicts too: the later counts while they are one, each its own afterwards."""
    with runtime.store.writing() as session:
        vera, project = add_user(session, "zoe"), add_project(session)
        article, preprint = add_paper(session, doi="10.5555/tamsin"), add_paper(session, arxiv="1901.00001")
        decide(session, vera, Ruling(article, project, Verdict.REJECT, 0), now=NOW)
        later = NOW + timedelta(minutes=1)
        decide(session, vera, Ruling(preprint, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=later)
    client = login()
    page = _follow(client, f"/desk/paper/{article}/merge", identifier="https://arxiv.org/abs/1901.00001v2")
    assert "One paper now" in page
    with runtime.store.reading() as session:
        assert survivor_of(session, preprint) == article
        link = live_link(session, article, project)
        assert link is not None
        assert link.verdict is Verdict.ACCEPT
    page = _undo(client, page)
    assert "two papers again" in page
    assert "Make them one again" in page
    with runtime.store.reading() as session:
        verdicts = [link.verdict for p in (article, preprint) if (link := live_link(session, p, project))]
        assert verdicts == [Verdict.REJECT, Verdict.ACCEPT]
    again = re.search(r'action="(/desk/merge/\d+/again)"', page)
    assert again is not None
    _follow(client, again[1])
    with runtime.store.reading() as session:
        assert survivor_of(session, preprint) == article


@pytest.mark.parametrize(
    ("identifier", "words"),
    [("10.5555/tamsin", "one paper already"), ("10.5555/unknown", "No paper here"), ("x", "no DOI"), ("", "no DOI")],
)
def test_merging_with_nothing_is_refused(runtime: Runtime, login: Login, identifier: str, words: str) -> None:
    """The paper itself, a paper we have not, and what is no identifier: 422, and why."""
    with runtime.store.writing() as session:
        paper = add_paper(session, doi="10.5555/tamsin")
    answer = login().post(f"/desk/paper/{paper}/merge", data={"identifier": identifier})
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)


def test_a_record_is_split_off_and_the_split_taken_back(runtime: Runtime, login: Login) -> None:
    """A wrong DOI joined two records: each is a paper again; undo makes them one."""
    paper = _absorb(runtime, "Gas in Tamsin 7")
    assert _absorb(runtime, "Gas in Tamsin seven", source="arxiv") == paper
    with runtime.store.reading() as session:
        record = session.exec(select(SourceRecord.id).where(col(SourceRecord.source) == "arxiv")).one()
    client = login()
    page = _follow(client, f"/desk/record/{record}/split")
    assert "by itself now" in page
    assert "split paper" in page
    with runtime.store.reading() as session:
        other = session.exec(
            select(SourceRecord.paper_id).where(
                col(SourceRecord.source) == "arxiv", col(SourceRecord.superseded_at).is_(None)
            )
        ).one()
        assert other != paper
        assert survivor_of(session, other) == other
    _undo(client, page)
    with runtime.store.reading() as session:
        assert survivor_of(session, other) == paper


def test_what_is_new_since_a_refusal_is_shown_with_what_brought_it(runtime: Runtime, login: Login) -> None:
    """Refused, then a new version prints the code: the page says look again, the sentence, the version, and the line."""
    with runtime.store.writing() as session:
        project, paper = add_project(session), add_paper(session)
    run_job(runtime, match)
    client = login()
    client.post(f"/desk/paper/{paper}/decide", data={"verdict": "none", "relation": "mention"})
    assert "Nothing waits" in client.get("/desk").get_data(as_text=True)
    with runtime.store.writing() as session:
        add_mention(session, paper, "2016.1.00001.S", read_at=NOW + timedelta(hours=1), line=112)
    run_job(runtime, match)
    page = client.get(f"/desk/paper/{paper}").get_data(as_text=True)
    for words in ("Look again", "this was rejected on", "main.tex, read 2026-11-22", "main.tex, line 112"):
        assert words in page
    assert f'value="{project}" id="project-{project}" checked' in page
    client.post(f"/desk/paper/{paper}/decide", data={"verdict": "none", "relation": "mention"})
    assert "Nothing waits" in client.get("/desk").get_data(as_text=True)
    run_job(runtime, match, arguments={"all": "true"})
    assert "Nothing waits" in client.get("/desk").get_data(as_text=True)


def test_who_only_reads_changes_nothing(runtime: Runtime, login: Login) -> None:
    """An admin sees what each source says, without a form; every change is forbidden."""
    paper = _absorb(runtime, "Gas in Tamsin 7")
    admin = login(Role.ADMIN, "ada")
    page = admin.get(f"/desk/paper/{paper}/correct").get_data(as_text=True)
    assert "ADS" in page
    assert "<textarea" not in page
    for address in (
        f"/desk/paper/{paper}/correct",
        f"/desk/paper/{paper}/merge",
        "/desk/record/1/split",
        "/desk/correction/1/undo",
        "/desk/merge/1/again",
    ):
        assert admin.post(address).status_code == 403


def test_addresses_of_nothing_are_not_found(runtime: Runtime, login: Login) -> None:
    """Papers, fields, corrections, records and merges that do not exist answer 404."""
    paper = _absorb(runtime, "Gas in Tamsin 7")
    client = login()
    assert client.get("/desk/paper/99/correct").status_code == 404
    for address in (
        "/desk/paper/99/correct",
        f"/desk/paper/{paper}/correct/title/withdraw",
        f"/desk/paper/{paper}/correct/x/withdraw",
        "/desk/correction/99/undo",
        "/desk/correction/99/restore",
        "/desk/record/99/split",
        "/desk/merge/99/again",
    ):
        assert client.post(address, data={"field": "title", "value": "x"}).status_code == 404, address


def test_the_page_of_corrections_runs_nothing(runtime: Runtime, login: Login) -> None:
    """Titles with markup, TeX links, bidi marks and thousands of characters are text in the table and in the form."""
    evil = "<script>alert(1)</script>\u202e</textarea>\\href{javascript:alert(2)}{x}"
    paper = _absorb(runtime, evil + "y" * 9_000)
    client = login()
    _follow(client, f"/desk/paper/{paper}/correct", field="journal", value=evil)
    for address in (f"/desk/paper/{paper}/correct", f"/desk/paper/{paper}"):
        page = client.get(address).get_data(as_text=True)
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
        assert "</textarea>\\href" not in page
        if not address.endswith("correct"):  # its form holds the value as it is, to be mended
            assert "\u202e" not in page
