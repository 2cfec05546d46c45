"""What reading project lists promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from harvesters.errors import PageRefused, SourceStopped
from harvesters.files import ProjectsFile
from harvesters.projects import COLUMNS, HEADER, project_of
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedProject, HarvestedUnit


def parse(body: str | bytes, facets: Mapping[str, str] | None = None) -> ParsedPage:
    """What a file of this content gives."""
    body = body.encode() if isinstance(body, str) else body
    source = ProjectsFile(Path("unused"), facets=facets)
    assert isinstance(source, Source)
    return source.parse(Page(source.name, "list.csv", body, "text/plain", {}, True))


def why(parsed: ParsedPage) -> list[tuple[str, str]]:
    """Place and reason of each refusal."""
    return [(refusal.place, refusal.reason) for refusal in parsed.refusals]


CSV = """code,title,pi,co_is,category,targets,partner,unit,unit_released_on,unit_exposure_s,bib_references
2099.1.00001.S,"Rings, gaps",Example; Aino,Beispiel; Bo;,Disks,HD 1; HD 2,EU,uid://A/X1,2100-01-02,60.5,2100Fict...1....1E 2100Fict...1....2E
2099.1.00002.S,Jets,"Exemple, Zoé",,,,,uid://A/X9,2100-03-04T05:06:07,,
2099.1.00001.S,,,,,HD 3,,uid://A/X2,3000-01-01,,
"""


def test_rows_of_one_project_come_together() -> None:
    """Units, targets and references of all its rows are one project's, in order, with its first row's words."""
    parsed = parse(
        CSV.replace("Example; Aino", '"Example, Aino"').replace("Beispiel; Bo;", '"Beispiel, Bo; Muster, Eva"')
    )
    first, second = parsed.projects
    assert first == HarvestedProject(
        source="projects-file",
        code="2099.1.00001.S",
        title="Rings, gaps",
        pi="Example, Aino",
        co_is=("Beispiel, Bo", "Muster, Eva"),
        category="Disks",
        targets=("HD 1", "HD 2", "HD 3"),
        partner="EU",
        units=(
            HarvestedUnit("uid://A/X1", released_on=date(2100, 1, 2), exposure_s=60.5),
            HarvestedUnit("uid://A/X2", released_on=date(3000, 1, 1)),
        ),
        bib_references=("2100Fict...1....1E", "2100Fict...1....2E"),
    )
    assert (second.pi, second.units[0].released_on) == ("Exemple, Zoé", date(2100, 3, 4))
    assert parsed.refusals == ()


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_encoding_are_found(delimiter: str, encoding: str) -> None:
    """Spreadsheets write semicolons, tabs, byte-order marks and UTF-16; all are read."""
    text = "Code,Title\r\n2099.1.00001.S,Zoé\r\n".replace(",", delimiter)
    (project,) = parse(text.encode(encoding)).projects
    assert (project.code, project.title) == ("2099.1.00001.S", "Zoé")


@pytest.mark.parametrize(
    "written",
    [
        "sep=;\r\nCode;Title;Unit;Unit Released On\r\n2099.1.00001.S;Zoé;u1;2100-01-02 00:00:00\r\n",
        '"sep=;"\r\n"code";"title";"unit";"unit_released_on"\r\n"2099.1.00001.S";"Zoé";"u1";"2100-01-02"\r\n',
        "\r\n\r\ncode;title;unit;unit_released_on;;;\r\n2099.1.00001.S;Zoé;u1;2100-01-02;;;\r\n;;;;;;\r\n",
        "code\ttitle\tunit\tunit_released_on\r2099.1.00001.S\tZoé\tu1\t2100-01-02T00:00\r",
        "\u00a0code ;title;unit;unit released\u00a0on\n2099.1.00001.S\u00a0; Zoé ;u1;2100-01-02\n",
    ],
)
def test_what_spreadsheets_add_is_no_trouble(written: str) -> None:
    """A line that names the delimiter, quotes, times beside dates, empty columns and rows, other line ends and blanks."""
    parsed = parse(written.encode("utf-8-sig"))
    (project,) = parsed.projects
    assert parsed.refusals == ()
    assert (project.code, project.title) == ("2099.1.00001.S", "Zoé")
    assert project.units == (HarvestedUnit("u1", released_on=date(2100, 1, 2)),)


@pytest.mark.parametrize("cell", ["46348", "22.11.2026", "11/22/2026", "#N/A", "2026-22-11"])
def test_dates_that_can_be_meant_in_two_ways_are_refused(cell: str) -> None:
    """Numbers of days and local dates are not guessed at: the row is named."""
    parsed = parse(f"code,unit,unit_released_on\n2099.1.00001.S,u1,{cell}\n".encode())
    assert parsed.projects == ()
    assert "no date like 2026-11-22" in parsed.refusals[0].reason


@pytest.mark.parametrize("between", [" ", ";", ", ", " ; ", "|"])
def test_several_bibcodes_in_one_cell_are_told_apart(between: str) -> None:
    """However a list separates them; a JSON row may give a list."""
    codes = ("2100A&A...1....1E", "2100Fict.1..2E")
    written = f'code\tbib_references\n2099.1.00001.S\t"{between.join(codes)}"\n'
    assert parse(written.encode()).projects[0].bib_references == codes
    assert project_of("x", {"code": "A", "bib_references": list(codes)}).bib_references == codes


def test_the_header_is_what_is_read() -> None:
    """Every documented column is read and every column that is read is documented, in one line that fits a screen."""
    assert set(HEADER) == COLUMNS
    assert all(0 < len(meaning) <= 80 and "\n" not in meaning for meaning in HEADER.values())
    values: dict[str, object] = dict.fromkeys(HEADER, "2099-01-01") | {"units": [], "unit_exposure_s": 1}
    assert project_of("x", values).code == "2099-01-01"


def test_bad_rows_cost_themselves() -> None:
    """Ragged rows, NUL bytes, wrong encodings, missing codes and wrong dates are refused with their row."""
    body = (
        b"code,title,release_date\n"
        b"A,one,2100-01-01\n"
        b"B,too,many,fields\n"
        b"C,nul\0,\n"
        b"D,na\xefve,\n"
        b",no code,\n"
        b"F,bad date,next year\n"
        b'"G"x,bad quote,\n'
        b"H,last,\n"
    )
    parsed = parse(body)
    assert [project.code for project in parsed.projects] == ["A", "H"]
    places, reasons = zip(*why(parsed), strict=True)
    assert places == tuple(f"list.csv row {n}" for n in (3, 4, 5, 6, 7, 8))
    for reason, word in zip(reasons, ["4 fields", "NUL", "UTF-8", '"code"', "release_date", "no CSV row"], strict=True):
        assert word in reason


def test_unclosed_quote_swallows_no_neighbour() -> None:
    """One forgotten quote costs one row, not the rest of the file."""
    rows = "\n".join(f"P{n},title" for n in range(500))
    parsed = parse(f'code,title\nbad,"never closed\n{rows}\n')
    assert len(parsed.projects) == 500
    assert [refusal.place for refusal in parsed.refusals] == ["list.csv row 2"]


def test_quoted_line_breaks_are_part_of_a_field() -> None:
    """An abstract may go over several lines; later rows keep their line numbers."""
    parsed = parse('code,abstract\nA,"one\ntwo"\nB,x,y\n')
    assert parsed.projects[0].abstract == "one\ntwo"
    assert [refusal.place for refusal in parsed.refusals] == ["list.csv row 4"]


def test_huge_field_costs_itself() -> None:
    """A field of many megabytes is refused; its neighbours are read."""
    parsed = parse(f"code,title\nA,{'x' * 3_000_000}\nB,y\n")
    assert [project.code for project in parsed.projects] == ["B"]
    assert len(parsed.refusals) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "empty"),
        ("name,title\nA,b\n", r'list.csv: the header has no column "code"; it reads: name,title'),
        ("code,title,title\nA,b,c\n", "twice: title"),
    ],
)
def test_files_that_are_no_project_list_are_refused_whole(body: str, reason: str) -> None:
    """Without a usable header nothing of the file is believed."""
    with pytest.raises(PageRefused, match=reason):
        parse(body)


def test_disagreeing_rows_are_reported_and_the_first_kept() -> None:
    """Two titles of one project are news for a person."""
    parsed = parse("code,title\nA,first\nA,second\n")
    assert parsed.projects[0].title == "first"
    assert why(parsed) == [("list.csv row 3", "title differs from an earlier row; the first is kept")]


def test_json_lines_hold_the_same_and_units_as_a_list() -> None:
    """Each line is a project; units, lists and the proposers' one string are read."""
    rows: list[object] = [
        {
            "code": "A",
            "category": ["Disks", "Stars"],
            "proposal_authors": "Example, Aino; Beispiel, Bo",
            "units": [{"uid": "u1", "delivered_on": "2100-01-01", "released_on": None, "exposure_s": 5}],
            "year": 2100,
            "sources": ["x"],
            "grade": "B",
        },
        {"code": "B", "release_date": "2100-02-03"},
        ["no object"],
        {"code": 5.5, "title": ["x"]},
        {"code": "C", "units": [{"uid": "u", "colour": "red"}]},
    ]
    parsed = parse("\n".join([*(json.dumps(row) for row in rows), "{broken", ""]))
    first, second = parsed.projects
    assert (first.pi, first.co_is, first.category) == ("Example, Aino", ("Beispiel, Bo",), "Disks; Stars")
    assert first.units == (HarvestedUnit("u1", delivered_on=date(2100, 1, 1), exposure_s=5.0),)
    assert first.extra == {"year": "2100"}
    assert second.units == (HarvestedUnit("B", released_on=date(2100, 2, 3)),)
    assert parsed.unread_fields == ("grade",)
    assert [place.rpartition(" ")[2] for place, _ in why(parsed)] == ["3", "4", "5", "6"]


def test_a_projects_own_release_date_gives_way_to_its_units() -> None:
    """The stand-in unit goes when real units are known."""
    parsed = parse("code,unit,unit_released_on,release_date\nA,,,2100-01-01\nA,u1,2100-05-05,\n")
    assert parsed.projects[0].units == (HarvestedUnit("u1", released_on=date(2100, 5, 5)),)


def test_escapes_that_no_database_takes_cost_their_row() -> None:
    """NUL and half a character are refused however they are written; the words about them are not."""
    rows = [
        r'{"code": "A\u0000"}',
        r'{"code": "B\ud800"}',
        r'{"code": "C", "title": "\\u0000"}',
        r'{"code": "D\u00e9"}',
    ]
    parsed = parse("\n".join(rows))
    assert [project.code for project in parsed.projects] == ["C", "Dé"]
    assert [reason for _, reason in why(parsed)] == ["holds NUL bytes", "is no UTF-8 text; save the file as UTF-8"]


@pytest.mark.parametrize("sign", ["\x07", "\x1b", "\x7f", "\x9f"])
def test_control_characters_cost_their_row(sign: str) -> None:
    """In whichever column or unit, of CSV and JSON: the row is refused and its column named; line breaks are text."""
    written = f'code,title,abstract,grade\nA,one,"two\n\tlines",A\nB,t{sign}o,,\nC,,,B{sign}\nD{sign},,,\nE,,,{sign}\n'
    parsed = parse(written, facets={"grade": "grade"})
    assert [(one.code, one.abstract) for one in parsed.projects] == [("A", "two\n\tlines")]
    code = f"holds a control character (U+{ord(sign):04X}): take it out of the list"
    assert [reason for _, reason in why(parsed)] == [f'"{name}" {code}' for name in ("title", "grade", "code", "grade")]
    rows = [{"code": "A", "co_is": ["Ahn", f"B{sign}"]}, {"code": "B", "units": [{"uid": f"u{sign}"}]}]
    again = parse("\n".join(map(json.dumps, rows)))
    assert again.projects == ()
    assert [reason for _, reason in why(again)] == [f'"co_is" {code}', f'"units" {code}']


def test_deeply_nested_json_costs_its_row() -> None:
    """A row made to exhaust the stack is refused like any other."""
    parsed = parse('{"code": ' + "[" * 100_000 + "\n" + '{"code": "A"}\n')
    assert [project.code for project in parsed.projects] == ["A"]


def test_file_is_read_once_and_absent_files_are_told(tmp_path: Path) -> None:
    """The cursor remembers that the file was read; a missing file names itself."""
    path = tmp_path / "list.csv"
    path.write_text("code\nA\n")
    source = ProjectsFile(path)
    (page,) = source.pages({})
    assert (page.place, page.is_last, page.body) == ("list.csv", True, b"code\nA\n")
    assert list(source.pages(page.next_cursor)) == []
    with pytest.raises(SourceStopped, match=r"absent\.csv: cannot be read"):
        list(ProjectsFile(tmp_path / "absent.csv").pages({}))


def test_columns_that_reports_divide_by_are_kept_as_they_are() -> None:
    """A column that the profile names as a facet is kept under its key; without it nobody reads the column."""
    body = "code,grade,ALMA_node\n2099.1.00001.S,B+, East \n2099.1.00002.S,,\n"
    parsed = parse(body, {"grade": "grade", "ALMA_node": "support_node"})
    assert [dict(project.extra) for project in parsed.projects] == [{"grade": "B+", "support_node": "East"}, {}]
    assert parsed.unread_fields == ()
    plain = parse(body)
    assert [dict(project.extra) for project in plain.projects] == [{}, {}]
    assert plain.unread_fields == ("alma_node", "grade")


def test_values_of_a_projects_rows_come_together() -> None:
    """Each row may tell of another unit: all values are kept, each once and in order, and nothing is refused."""
    body = "code,band\n2099.1.00001.S,7\n2099.1.00001.S,3; 7\n2099.1.00001.S,\n"
    parsed = parse(body, {"band": "band"})
    assert [dict(project.extra) for project in parsed.projects] == [{"band": "3; 7"}]
    assert parsed.refusals == ()
    (listed,) = parse('{"code": "2099.1.00001.S", "band": ["7", "3"]}\n', {"band": "band"}).projects
    assert dict(listed.extra) == {"band": "3; 7"}


def test_a_documented_column_is_no_facet_beside() -> None:
    """Addresses and titles stay where they belong, whatever a profile calls a facet."""
    body = "code,pi_email,title\n2099.1.00001.S,aino@example.org,Rings\n"
    (project,) = parse(body, {"pi_email": "address", "title": "topic"}).projects
    assert dict(project.extra) == {}
    assert project.title == "Rings"


def test_a_strangers_column_fills_no_store() -> None:
    """Cells of any length and lists of any number are cut: a facet is a word, not a text."""
    body = "code,grade\n2099.1.00001.S," + "; ".join(f"{n:03}" + "x" * 400 for n in range(90)) + "\n"
    (project,) = parse(body, {"grade": "grade"}).projects
    values = project.extra["grade"].split("; ")
    assert len(values) == 40
    assert max(map(len, values)) == 200
