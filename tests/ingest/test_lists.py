"""Other libraries' lists: what becomes of every row, of their project codes, and of papers without a title."""

from __future__ import annotations

import csv
import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from sqlmodel import select

from biblio.catalogue.papers import absorb_records
from biblio.catalogue.projects import record_projects
from biblio.errors import RequestRefused
from biblio.ingest.importing import file_of_page, parser_of_file
from biblio.ingest.paper_commands import papers
from biblio.ingest.project_commands import projects
from biblio.runtime import Runtime
from biblio.store.models import (
    ArchiveReference,
    HarvestPage,
    HarvestRefusal,
    JobRun,
    Paper,
    PaperRevision,
    Payload,
    Project,
    SourceRecord,
    TextMention,
    TextReading,
)  # fmt: skip
from harvesters.formats import FORMATS
from harvesters.protocol import Page
from harvesters.records import HarvestedProject
from tests.catalogue.records import article
from tests.ingest.test_importing import call

CODES = ("2012.1.00076.S", "2013.1.00879.S")
TELBIB = """author,title,journal,volume,pages,year,bibcode,telescope,instrument,programid,datastatus,survey,sciver
"Doe, J.; Roe, R.",Cold dust,ApJ,822,36-44,2016,2016ApJ...822...36D,ALMA,," 2012.1.00076.S : North America   2013.1.00879.S, ALMA-Partner ",PI,,no
"Poe, E.",Warm gas,A&A,610,A11,2018,2018A&A...610A..11P,ALMA,,2013.1.00879.S 2019.1.99999.S 67.B-0108,Archive,,no
,Nothing names it,ApJ,,,2019,,,,2013.1.00879.S,,,
"Doe, J.; Roe, R.",Cold dust,ApJ,822,36-44,2016,2016ApJ...822...36D,ALMA,,,PI,,no
"Roe, R.",Hot dust,ApJ,822,36-44,2016,2016ApJ...822...36D,ALMA,,,PI,,no
"""


@pytest.fixture
def known(runtime: Runtime) -> Runtime:
    """A runtime with two projects and one paper of them."""
    with runtime.store.writing() as session:
        listed = [HarvestedProject("registry", code) for code in CODES]
        record_projects(session, listed, grammar=runtime.grammar, now=runtime.clock.now())
        paper = article(
            key="2018A&A...610A..11P", bibcode="2018A&A...610A..11P", doi=None, arxiv_id=None, title="Warm gas"
        )
        absorb_records(session, [paper], payload_sha256=None, now=runtime.clock.now())
    return runtime


def write(path: Path, text: str) -> Path:
    """A file of this content."""
    path.write_text(text, encoding="utf-8")
    return path


def links(runtime: Runtime) -> set[tuple[str, str, str]]:
    """Every known link: code, bibcode, who says so."""
    with runtime.store.reading() as session:
        rows = session.exec(
            select(Project.code, ArchiveReference.bibcode, ArchiveReference.source).join(
                ArchiveReference,
                ArchiveReference.project_id == Project.id,  # type: ignore[arg-type]
            )
        )
        return set(rows)


def test_a_telbib_list_gives_papers_and_known_links(known: Runtime, tmp_path: Path) -> None:
    """Codes padded with blanks and words behind them become links under the list's name; what is no code stays out."""
    result = call(known, papers, "import", write(tmp_path / "telbib.csv", TELBIB), "--name", "telbib")
    assert result.exit_code == 0, result.output
    assert links(known) == {
        ("2012.1.00076.S", "2016ApJ...822...36D", "telbib"),
        ("2013.1.00879.S", "2016ApJ...822...36D", "telbib"),
        ("2013.1.00879.S", "2018A&A...610A..11P", "telbib"),
    }
    with known.store.reading() as session:
        assert len(session.exec(select(Paper)).all()) == 2
        refused = {
            (r.place.rpartition(" ")[2], r.reason.partition(";")[0]) for r in session.exec(select(HarvestRefusal))
        }
        counts = session.exec(select(JobRun.counts)).one()
    assert ("3", "no project has the code 2019.1.99999.S yet") in refused
    assert ("3", "'67.B-0108' is no project code") in refused
    assert (counts["links_new"], counts["codes_left"]) == (3, 2)
    assert counts["seen"] == counts["records"] + counts["refused"]
    assert "telbib.csv: 1 new, 2 known, 0 changed, 2 refused; 3 links to projects" in result.output


def test_counts_of_an_import_add_up_and_say_what_the_report_says(known: Runtime, tmp_path: Path) -> None:
    """A list brought twice: what was joined is known, never changed; trial, report and run say the same numbers."""
    table = write(tmp_path / "telbib.csv", TELBIB)
    for new, joined in ((1, 2), (0, 3)):
        tried = call(known, papers, "import", table, "--name", "telbib", "--dry-run").output.split()
        result = call(known, papers, "import", table, "--name", "telbib")
        assert f"telbib.csv: {new} new, {joined} known, 0 changed, 2 refused" in result.output
        with known.store.reading() as session:
            counts = session.exec(select(JobRun.counts).order_by(JobRun.id.desc())).first()  # type: ignore[union-attr]
        assert counts is not None
        told = {word: counts.get(word, 0) for word in ("seen", "new", "known", "changed", "refused", "ignored")}
        assert told == {"seen": 5, "new": new, "known": joined, "changed": 0, "refused": 2, "ignored": 0}
        for word, count in told.items():
            assert str(count) in (after for one, after in pairwise(tried) if one == word)


def test_the_report_names_every_row(known: Runtime, tmp_path: Path) -> None:
    """File, row, key, what became of it, paper, links and reason; no cell runs in a spreadsheet; a trial says the same."""
    table = write(tmp_path / "telbib.csv", TELBIB)
    rows = tmp_path / "rows.csv"

    def report(*options: str) -> list[dict[str, str]]:
        result = call(known, papers, "import", table, "--name", "telbib", "--report", rows, *options)
        assert result.exit_code == 0, result.output
        with rows.open(encoding="utf-8", newline="") as out:
            return list(csv.DictReader(out))

    tried = report("--dry-run")
    assert links(known) == set()
    done = report()
    assert [(r["row"], r["key"], r["became"]) for r in done] == [
        ("2", "2016ApJ...822...36D", "new"), ("3", "2018A&A...610A..11P", "known"),
        ("5", "2016ApJ...822...36D", "known"), ("4", "", "refused"), ("6", "2016ApJ...822...36D", "refused"),
    ]  # fmt: skip
    assert done[0]["links"] == "2012.1.00076.S 2013.1.00879.S"
    assert "67.B-0108" in done[1]["reason"]
    assert "row 2 already" in done[2]["reason"]
    assert "something else of this paper than row 2" in done[4]["reason"]
    assert {r["file"] for r in done} == {str(table)}
    with known.store.reading() as session:
        assert {r["paper"] for r in done} - {""} <= {str(number) for number in session.exec(select(Paper.id))}
    assert [{**r, "paper": ""} for r in tried] == [{**r, "paper": ""} for r in done]
    table.write_text(TELBIB.replace("Warm gas", "Warmer gas"), encoding="utf-8")
    assert [r["became"] for r in report()] == ["known", "changed", "known", "refused", "refused"]


def test_a_list_imported_again_adds_what_was_missing(known: Runtime, tmp_path: Path) -> None:
    """Once the project is loaded the same list links it; what was linked is not doubled."""
    table = write(tmp_path / "telbib.csv", TELBIB)
    call(known, papers, "import", table)
    before = links(known)
    call(known, projects, "import", write(tmp_path / "more.csv", "code,title\n2019.1.99999.S,Late\n"))
    call(known, papers, "import", table)
    assert links(known) - before == {("2019.1.99999.S", "2018A&A...610A..11P", "papers-table")}


def test_a_row_without_a_bibcode_is_linked_by_that_of_its_paper(known: Runtime, tmp_path: Path) -> None:
    """A DOI that belongs to a paper with a bibcode is enough; of another one it is told why it is not."""
    with known.store.writing() as session:
        paper = article(key="2021ApJ...900....1D", doi="10.9999/known", arxiv_id=None)
        absorb_records(session, [paper], payload_sha256=None, now=known.clock.now())
    rows = [{"doi": "10.9999/known", "projects": [CODES[0]]}, {"doi": "10.9999/other", "projects": [CODES[1]]}]
    lines = write(tmp_path / "list.jsonl", "\n".join(map(json.dumps, rows)))
    result = call(known, papers, "import", lines)
    assert {(code, bibcode) for code, bibcode, _ in links(known)} == {(CODES[0], "2021ApJ...900....1D")}
    assert "no bibcode is known of this paper yet" in result.output


def test_a_paper_of_a_plain_list_gets_its_title_from_the_next_harvest(runtime: Runtime, tmp_path: Path) -> None:
    """Until then it stands by its identifier; what ADS says later is joined to it, by whichever identifier."""
    text = "# ours\n2021ApJ...900....1D\nhttps://doi.org/10.9999/alone\narXiv:2101.00009v2\n"
    packed = tmp_path / "list.txt.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    result = call(runtime, papers, "import", packed)
    assert "3 new" in result.output
    with runtime.store.writing() as session:
        shown = session.exec(select(PaperRevision)).all()
        assert [(r.title, r.year) for r in shown] == [(None, 2021), (None, None), (None, None)]
        absorb_records(session, [article()], payload_sha256=None, now=runtime.clock.now())
    with runtime.store.reading() as session:
        assert len(session.exec(select(Paper)).all()) == 3
        current = session.exec(select(PaperRevision).where(PaperRevision.superseded_at == None)).all()  # noqa: E711
        assert {r.title for r in current} == {None, "Cold Dust in a Made-up Galaxy"}


def test_texts_that_rows_name_are_read(runtime: Runtime, tmp_path: Path) -> None:
    """Below the list's folder only: no absolute path, no way up, no link out; each is refused by name, the rest read."""
    with runtime.store.writing() as session:
        listed = [HarvestedProject("registry", CODES[0])]
        record_projects(session, listed, grammar=runtime.grammar, now=runtime.clock.now())
    outside = write(tmp_path / "outside.txt", f"ADS/JAO.ALMA#{CODES[0]}")
    folder = tmp_path / "lists"
    (folder / "texts").mkdir(parents=True)
    write(folder / "texts" / "good.tex", f"\\documentclass{{x}} ADS/JAO.ALMA\\#{CODES[0]}")
    (folder / "link.txt").symlink_to(outside)
    paths = ["texts/good.tex", "../outside.txt", str(outside), "link.txt", "missing.pdf", "texts", "C:\\x.txt", "a\0b"]
    rows = [{"id": f"p{n}", "title": f"Paper {n}", "path": path} for n, path in enumerate(paths)]
    lines = write(folder / "list.jsonl", "\n".join(map(json.dumps, rows[:-1])))
    result = call(runtime, papers, "import", lines)
    assert result.exit_code == 0, result.output
    with runtime.store.reading() as session:
        (reading,) = session.exec(select(TextReading)).all()
        assert (reading.origin, reading.place) == ("folder", "texts/good.tex")
        assert session.exec(select(TextMention.code)).all() == [CODES[0]]
        refused = {r.place: r.reason for r in session.exec(select(HarvestRefusal))}
    assert set(refused) == {*paths[1:-1]}
    assert "link out" in refused["link.txt"]
    assert call(runtime, papers, "import", lines).exit_code == 0
    with runtime.store.reading() as session:
        assert len(session.exec(select(TextReading)).all()) == 1


def test_a_text_that_is_left_out_has_its_reason_in_the_row(runtime: Runtime, tmp_path: Path) -> None:
    """In a trial as in the run; the row itself is taken, and the counts of rows are those of the lines."""
    rows = [{"id": "p1", "title": "One", "path": "../../etc/passwd"}, {"id": "p2", "title": "Two", "path": "gone.pdf"}]
    lines = write(tmp_path / "list.jsonl", "\n".join(map(json.dumps, rows)))
    report = tmp_path / "rows.csv"
    for options in (["--dry-run"], []):
        result = call(runtime, papers, "import", lines, "--report", report, *options)
        assert "2 new, 0 known, 0 changed, 0 refused" in result.output
        with report.open(encoding="utf-8", newline="") as out:
            up, gone = csv.DictReader(out)
        assert up["reason"] == (
            "its text '../../etc/passwd' is left out: does not lie below the folder of its list; not read"
        )
        assert "'gone.pdf' is left out: cannot be read (No such file or directory)" in gone["reason"]
    with runtime.store.reading() as session:
        counts = session.exec(select(JobRun.counts)).one()
    assert (counts["seen"], counts["records"], counts.get("refused", 0), counts["texts_left_out"]) == (2, 2, 0, 2)


def test_another_version_of_the_same_preprint_is_the_same_paper(runtime: Runtime, tmp_path: Path) -> None:
    """The list has it already; it says nothing else of it."""
    rows = tmp_path / "rows.csv"
    named = write(tmp_path / "ours.txt", "2104.90274\n2104.90274v2\narXiv:2104.90274v1\n")
    result = call(runtime, papers, "import", named, "--report", rows)
    assert "1 new, 2 known, 0 changed, 0 refused" in result.output
    with rows.open(encoding="utf-8", newline="") as out:
        assert [row["reason"] for row in csv.DictReader(out)] == ["", *["the list has it in row 1 already"] * 2]
    with runtime.store.reading() as session:
        assert session.exec(select(PaperRevision.arxiv_version)).all() == [2]


def test_the_help_shows_every_format(runtime: Runtime) -> None:
    """Name, what it is, and an example of each; and both lists that ADS gives."""
    text = " ".join(call(runtime, papers, "import", "--help").output.split())
    for one in FORMATS.values():
        assert f"{one.name} {one.about} {one.example}" in text
    assert "--ads-library" in text
    assert "--ads-bibgroup" in text


def test_a_format_can_be_forced(runtime: Runtime, tmp_path: Path) -> None:
    """What is found to be nothing is named with the way out; said to be a list, it is read as one."""
    odd = write(tmp_path / "odd.dat", "rubbish first\n2016ApJ...822...36D\n")
    result = call(runtime, papers, "import", odd)
    assert result.exit_code == 1
    assert "--format" in result.output
    assert "1 new, 0 known, 0 changed, 1 refused" in call(runtime, papers, "import", odd, "--format", "list").output


def test_stored_pages_are_read_again_by_the_right_parser(runtime: Runtime, tmp_path: Path) -> None:
    """Every format has a content type of its own, from which the same records come without the file."""
    bodies = {
        "a.bib": "@article{x, title={One}, doi={10.9999/a}}", "b.csv": TELBIB, "c.txt": "2016ApJ...822...36D\n",
        "d.jsonl": '{"id": "p", "title": "T"}\n',
    }  # fmt: skip
    for name, body in bodies.items():
        call(runtime, papers, "import", write(tmp_path / name, body))
    for name, body in {
        "e.csv": "code,title\n2013.1.00001.S,T\n",
        "f.csv": "code,email\n2013.1.00001.S,a@example.org\n",
    }.items():
        call(runtime, projects, "import", write(tmp_path / name, body))
    import zlib

    with runtime.store.reading() as session:
        rows = session.exec(select(HarvestPage, Payload).join(Payload)).all()
        keys = set(session.exec(select(SourceRecord.key)))
    assert len({page.content_type for page, _ in rows}) == 6
    found: set[str] = set()
    for row, payload in rows:
        page = Page(row.source, row.place, zlib.decompress(payload.body), row.content_type, {}, True)
        parsed = parser_of_file(row.source, row.content_type).parse(page)
        found |= {record.key for record in parsed.records}
        assert len(parsed.records) + len(parsed.projects) == row.records
        assert file_of_page(row.source, row.content_type).take_emails == bool(parsed.projects)
    assert found == keys
    with pytest.raises(RequestRefused, match="image/png"):
        parser_of_file("bibtex", "image/png")
