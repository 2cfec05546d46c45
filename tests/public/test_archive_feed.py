"""The archive's feed: what is in it, and that machines read it back as it was."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from astropy.io.votable import parse_single_table, validate
from astropy.io.votable.ucd import check_ucd
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide
from biblio.observatory import load
from biblio.public import archive_feed
from biblio.public.archive_feed import FeedRow, as_csv, as_votable, columns, feed_rows
from biblio.public.feed_commands import feed
from biblio.public.feed_papers import plain
from biblio.runtime import Runtime
from biblio.store import Store
from biblio.store.models import (
    Decision,
    ObservationUnit,
    Paper,
    PaperIdentifier,
    PaperRevision,
    SecondReading,
)
from biblio.store.words import RelationKind, Scheme, Verdict
from tests.factories import LEARNED, accept, add_paper, add_project, add_user

FIRST, SECOND = "2016.1.00001.S", "2017.1.00002.S"
NAMES = ("proposal_id", "member_ous_uid", "bib_reference", "pub_title", "first_author", "authors", "publication_year")
HOSTILE = [
    "<script>alert(1)</script>",
    '=HYPERLINK("http://x.example","y")',
    "a]]>b & c < d > e \"quoted\" 'single'",
    "tab\tline\nreturn\rend",
    "\u202eright to left\u202c and \x07bell",
    "𝔘nicode – ÅÄÖ 王小明",
    "x" * 10_000,
    "\ufffe\uffff edge",
    "",
]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Anyone's browser, or an archive's script."""
    return app.test_client()


def units_of(session: Session, project_id: int, *uids: str) -> None:
    """Give a project these units and no others."""
    session.execute(sa.text("DELETE FROM unit_revision"))
    session.execute(sa.delete(ObservationUnit).where(col(ObservationUnit.project_id) == project_id))
    session.add_all(ObservationUnit(project_id=project_id, uid=uid, first_seen_at=LEARNED) for uid in uids)
    session.flush()


def fill(session: Session) -> tuple[Actor, int, int, int]:
    """Add two projects with two units and one, and a refereed paper that used both; return person, projects, paper."""
    ines = add_user(session)
    first, second = add_project(session, FIRST), add_project(session, SECOND)
    units_of(session, first, "uid://A001/X2/X2", "uid://A001/X1/X1")
    units_of(session, second, "uid://A001/X9/X9")
    paper = add_paper(session, "Rings", identifiers={Scheme.BIBCODE: "2019ApJ...870...22C"})
    accept(session, ines, paper, first)
    accept(session, ines, paper, second)
    return ines, first, second, paper


def rows(store: Store, **asked: bool) -> list[FeedRow]:
    """The feed as rows."""
    with store.reading() as session:
        return list(feed_rows(session, **asked))


def test_each_unit_has_the_papers_of_its_project(store: Store) -> None:
    """In the order of project, unit and bibcode; a paper that used two projects stands with both."""
    with store.writing() as session:
        ines, first, _, _ = fill(session)
        accept(
            session,
            ines,
            add_paper(session, "Gaps", year=2018, identifiers={Scheme.BIBCODE: "2018ApJ...850...11B"}),
            first,
        )
    ring = ("2019ApJ...870...22C", "Rings", "Ahn, B.", "Ahn, B.; Berg, L.", 2019)
    gap = ("2018ApJ...850...11B", "Gaps", "Ahn, B.", "Ahn, B.; Berg, L.", 2018)
    assert rows(store) == [
        (FIRST, "uid://A001/X1/X1", *gap),
        (FIRST, "uid://A001/X1/X1", *ring),
        (FIRST, "uid://A001/X2/X2", *gap),
        (FIRST, "uid://A001/X2/X2", *ring),
        (SECOND, "uid://A001/X9/X9", *ring),
    ]


def test_only_published_papers_are_in_it(store: Store) -> None:
    """No engineering, no refused project, no preprint unless asked for, nothing under second reading."""
    with store.writing() as session:
        ines, first, second, paper = fill(session)
        preprint = add_paper(session, "Early", is_refereed=False, identifiers={Scheme.BIBCODE: "2020arXiv200100001A"})
        accept(session, ines, preprint, first)
        mention = add_paper(session, "A receiver")
        accept(session, ines, mention, first, relation=RelationKind.ENGINEERING)
        refused = add_paper(session, "Refused")
        decide(session, ines, Ruling(refused, first, Verdict.REJECT, version_seen=0, reason="No"), now=LEARNED)
    assert {row.title for row in rows(store)} == {"Rings"}
    assert {row.title for row in rows(store, preprints=True)} == {"Rings", "Early"}
    with store.writing() as session:
        decision = session.execute(sa.select(Decision).where(col(Decision.project_id) == second)).scalar_one()
        reading = {"paper_id": paper, "project_id": second, "decision_id": decision.id, "first_reader_id": ines.user_id}
        session.add(SecondReading(**reading, drawn_at=LEARNED))
    assert rows(store) == []


def test_what_is_not_known_is_empty(store: Store) -> None:
    """A project without units has its papers once; a paper without bibcode, year and authors keeps its title."""
    with store.writing() as session:
        ines, project = add_user(session), add_project(session, FIRST)
        units_of(session, project)
        paper = add_paper(session, "Bare", authors=[])
        accept(session, ines, paper, project)
        session.execute(sa.update(PaperRevision).values(year=None))
    assert rows(store) == [(FIRST, None, None, "Bare", "", "", None)]


def test_the_bibcode_is_the_articles_and_that_of_today(store: Store) -> None:
    """Of a merged preprint and an article with an old name the feed takes the article's."""
    with store.writing() as session:
        ines, project = add_user(session), add_project(session, FIRST)
        preprint = add_paper(session, identifiers={Scheme.BIBCODE: "2018arXiv180100001A"})
        article = add_paper(session, identifiers={Scheme.BIBCODE: "2019arXiv180100001A"})
        session.add(
            PaperIdentifier(
                paper_id=article, scheme=Scheme.BIBCODE, value="2019ApJ...870...22C", source="ads", learned_at=LEARNED
            )
        )
        session.get_one(Paper, preprint).merged_into_id = article
        accept(session, ines, preprint, project)
    assert {row.bibcode for row in rows(store)} == {"2019ApJ...870...22C"}


def test_many_projects_are_read_in_slices(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few papers are read at once, nothing is lost or doubled."""
    with store.writing() as session:
        ines = add_user(session)
        projects = [add_project(session, f"2018.1.{number:05d}.S") for number in range(9)]
        papers = [
            add_paper(session, f"Paper {n}", identifiers={Scheme.BIBCODE: f"2019ApJ...870...{n:02d}C"})
            for n in range(7)
        ]
        for number, project in enumerate(projects):
            for paper in papers[: number % 8]:
                accept(session, ines, paper, project)
    whole = rows(store)
    assert len(whole) == len(set(whole)) == sum(number % 8 for number in range(9))
    monkeypatch.setattr(archive_feed, "PAPERS_AT_ONCE", 2)
    monkeypatch.setattr("biblio.public.published.SLICE", 3)
    assert rows(store) == whole


# -- as files ---------------------------------------------------------------------------------------------------------


def hostile_rows() -> list[FeedRow]:
    """Rows whose every text is hostile; as the feed gives them, titles are plain already."""
    titles = [plain(title) for title in HOSTILE]
    return [FeedRow(FIRST, "uid://A001/X1/X<&>", "2019A&A...615...67S", title, title, title, 2019) for title in titles]


def read_votable(text: str) -> Any:
    """The table, by the library that archives' clients use; every warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parse_single_table(io.BytesIO(text.encode()), verify="exception").to_table()


def test_votable_is_valid_and_reads_back_exactly() -> None:
    """Titles with markup, signs of every kind and 10,000 characters come back as they were; so do empty cells."""
    told = [*hostile_rows(), FeedRow(SECOND, None, None, "", "", "", None)]
    text = "".join(as_votable(told, load()))
    table = read_votable(text)
    assert table.colnames == list(NAMES)
    for row, read in zip(told, table, strict=True):
        assert [str(cell) for cell in list(read)[:6]] == [cell or "" for cell in row[:6]]
    assert list(table["publication_year"].filled(-1)) == [*[2019] * len(HOSTILE), -1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert validate(io.BytesIO(text.encode()), output=io.StringIO())
    assert all(check_ucd(column.ucd, check_controlled_vocabulary=True) for column in columns(load()))


texts = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(st.lists(st.tuples(texts, texts), max_size=4))
def test_any_text_makes_a_votable(pairs: list[tuple[str, str]]) -> None:
    """Whatever characters there are, the file is XML and has as many rows as there were."""
    told = [FeedRow(FIRST, "u", None, title, name, name, None) for title, name in pairs]
    text = "".join(as_votable(told, load()))
    assert len(read_votable(text)) == len(told) if told else text.endswith("</VOTABLE>\n")


def test_csv_reads_back_and_runs_nothing() -> None:
    """A spreadsheet that opens it runs no formula; everything else is exact, line breaks and quotes included."""
    text = "".join(as_csv(hostile_rows(), load()))
    header, *lines = list(csv.reader(io.StringIO(text)))
    assert tuple(header) == NAMES
    for row, line in zip(hostile_rows(), lines, strict=True):
        assert line[3] == (f"'{row.title}" if row.title.startswith("=") else row.title)
        assert line[2] == row.bibcode
    assert text.endswith("\r\n")


def test_columns_are_called_as_the_archives_table_calls_them() -> None:
    """Names come from the profile; an observatory without a table gets plain ones."""
    assert tuple(column.name for column in columns(load("alma"))) == NAMES
    assert [column.name for column in columns(load("eso"))][:3] == ["proposal_id", "unit", "bib_reference"]


# -- over HTTP and by the command -------------------------------------------------------------------------------------


def test_the_feed_over_http(client: FlaskClient, runtime: Runtime) -> None:
    """Anyone gets it, plain or packed, with a tag that says whether anything is new."""
    with runtime.store.writing() as session:
        ines, _, second, _ = fill(session)
    plain = client.get("/feeds/archive.csv")
    assert (plain.status_code, plain.mimetype) == (200, "text/csv")
    assert len(plain.text.splitlines()) == 4
    packed = client.get("/feeds/archive.csv", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    refused = client.get("/feeds/archive.csv", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert (refused.headers.get("Content-Encoding"), refused.data) == (None, plain.data)
    tag = plain.headers["ETag"]
    assert packed.headers["ETag"] == tag
    again = client.get("/feeds/archive.csv", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.get("/feeds/archive.vot", headers={"If-None-Match": tag}).status_code == 200
    assert client.get("/feeds/archive.csv?preprints=yes", headers={"If-None-Match": tag}).status_code == 200
    with runtime.store.writing() as session:
        accept(session, ines, add_paper(session, "New"), second, now=datetime(2026, 11, 22, tzinfo=UTC))
    assert len(client.get("/feeds/archive.csv", headers={"If-None-Match": tag}).text.splitlines()) == 5


def test_votable_over_http_is_what_clients_read(client: FlaskClient, runtime: Runtime) -> None:
    """Its type is VOTable's and the table is whole."""
    with runtime.store.writing() as session:
        fill(session)
    answer = client.get("/feeds/archive.vot")
    assert answer.mimetype == "application/x-votable+xml"
    assert list(read_votable(answer.text)["proposal_id"]) == [FIRST, FIRST, SECOND]


def test_head_and_wrong_questions(client: FlaskClient) -> None:
    """HEAD reads nothing; a doubtful yes is refused."""
    head = client.head("/feeds/archive.csv")
    assert (head.status_code, head.data) == (200, b"")
    assert client.get("/feeds/archive.csv?preprints=perhaps").status_code == 400


def change(session: Session, name: str) -> None:
    """Change one thing that a feed rests on."""
    {
        "a unit": lambda: session.execute(sa.delete(ObservationUnit).where(col(ObservationUnit.uid).contains("X9"))),
        "an identifier": lambda: session.execute(sa.delete(PaperIdentifier)),
        "a merge": lambda: session.execute(sa.update(Paper).where(col(Paper.id) == 1).values(merged_into_id=1)),
        "a revision": lambda: session.execute(sa.update(PaperRevision).values(superseded_at=LEARNED)),
    }[name]()


@pytest.mark.parametrize("name", ["a unit", "an identifier", "a merge", "a revision"])
def test_any_change_gives_another_tag(client: FlaskClient, runtime: Runtime, name: str) -> None:
    """A unit, an identifier, a merge or a new revision: who asks again gets the new state."""
    with runtime.store.writing() as session:
        fill(session)
        session.execute(sa.text("DELETE FROM unit_revision"))
    tag = client.get("/feeds/archive.csv").headers["ETag"]
    with runtime.store.writing() as session:
        change(session, name)
    assert client.get("/feeds/archive.csv", headers={"If-None-Match": tag}).status_code == 200


def test_the_command_writes_whole_files(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """Both formats, to a file or the terminal; a folder that is not there is said, and leaves nothing."""
    with sqlite_runtime.store.writing() as session:
        fill(session)
    out = tmp_path / "feed.vot"
    result = CliRunner().invoke(feed, ["archive", "--format", "votable", "--out", str(out)], obj=lambda: sqlite_runtime)
    assert result.exit_code == 0, result.output
    assert len(read_votable(out.read_text("utf-8"))) == 3
    assert list(tmp_path.glob(".feed*")) == []
    printed = CliRunner().invoke(feed, ["archive"], obj=lambda: sqlite_runtime)
    assert printed.output.splitlines()[0] == ",".join(NAMES)
    nowhere = CliRunner().invoke(feed, ["archive", "--out", str(tmp_path / "no" / "x")], obj=lambda: sqlite_runtime)
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.output


def test_a_feed_that_breaks_off_leaves_the_old_file(
    sqlite_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an archive picks up is yesterday's whole file rather than half of today's."""
    out = tmp_path / "feed.csv"
    out.write_text("yesterday", encoding="utf-8")

    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("the database went away")
        yield

    monkeypatch.setattr("biblio.public.feed_commands.feed_rows", broken)
    assert CliRunner().invoke(feed, ["archive", "--out", str(out)], obj=lambda: sqlite_runtime).exit_code == 1
    assert out.read_text("utf-8") == "yesterday"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".feed")] == []


def test_the_real_archives_references_come_back(store: Store) -> None:
    """For the papers that the archive itself lists for its projects the feed names the same pairs of code and bibcode."""
    folder = Path(os.environ.get("BIBLIO_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (folder / "known_links.jsonl").is_file():
        pytest.skip(f"real data: NOT RUN, {folder} is absent")
    listed = [json.loads(line) for line in (folder / "known_links.jsonl").read_text("utf-8").splitlines()]
    pairs = {(row["code"], row["bibcode"]) for row in listed if "archive" in row["evidence"] and row["bibcode"]}
    assert len(pairs) > 20
    with store.writing() as session:
        ines = add_user(session)
        projects = {code: add_project(session, code) for code in sorted({code for code, _ in pairs})}
        papers = {b: add_paper(session, identifiers={Scheme.BIBCODE: b}) for b in sorted({b for _, b in pairs})}
        for code, bibcode in sorted(pairs):
            accept(session, ines, papers[bibcode], projects[code])
    assert {(row.code, row.bibcode) for row in rows(store)} == pairs
    text = "".join(as_votable(rows(store), load("alma")))
    table = read_votable(text)
    assert set(zip(table["proposal_id"], table["bib_reference"], strict=True)) == pairs
