"""What reading a project registry over TAP promises, against a small server that answers VOTables."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest

from harvesters.errors import PageRefused
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedProject, HarvestedUnit
from harvesters.tap import TapSource, TapTable
from tests.harvesters.servers import QUICK, Asked, Reply, serving

COLUMNS = {
    "code": "proposal_id",
    "title": "obs_title",
    "pi": "obs_creator_name",
    "proposal_authors": "proposal_authors",
    "keywords": "science_keyword",
    "target": "target_name",
    "unit": "member_ous_uid",
    "released_on": "obs_release_date",
    "observed_mjd": "t_min",
    "exposure_s": "t_exptime",
    "bib_references": "bib_reference",
}
NAMES = [*COLUMNS.values(), "band_list"]
VOTABLE = "application/x-votable+xml"


def votable(rows: list[dict[str, str]], status: str = "OK", message: str = "") -> bytes:
    """A VOTable; an overflow is told after the table, as the standard (DALI 1.1) has it."""
    kinds = {"t_min": "double", "t_exptime": "double"}
    fields = "".join(
        f'<FIELD name="{name}" datatype="double"/>'
        if name in kinds
        else f'<FIELD name="{name}" datatype="char" arraysize="*"/>'
        for name in NAMES
    )
    cells = "".join(
        "<TR>" + "".join(f"<TD>{escape(row.get(name, ''))}</TD>" for name in NAMES) + "</TR>" for row in rows
    )
    table = f"<TABLE>{fields}<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE>" if status != "ERROR" else ""
    first = "ERROR" if status == "ERROR" else "OK"
    last = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if status == "OVERFLOW" else ""
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        f'<INFO name="QUERY_STATUS" value="{first}">{message}</INFO>{table}{last}</RESOURCE></VOTABLE>'
    ).encode()


def counted(number: object) -> bytes:
    """A VOTable with one cell, as a count comes."""
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        '<INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="codes" datatype="char" arraysize="*"/><DATA>'
        f"<TABLEDATA><TR><TD>{number}</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def registry(
    rows: list[dict[str, str]], hard_limit: int = 1000, *, is_silent: bool = False, promised: object = None
) -> Callable[[Asked], Reply]:
    """A service over ``rows``: the query's first code and row limit are obeyed.

    Its own limit is told unless ``is_silent``. It counts the codes it has, or says ``promised``.
    """

    def answer(asked: Asked) -> Reply:
        if not asked.path.endswith("/sync"):
            return Reply(status=404)
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if "COUNT(" in form["QUERY"]:
            codes = len({row["proposal_id"] for row in rows})
            return Reply(counted(codes if promised is None else promised), content_type=VOTABLE)
        found = re.search(r"WHERE proposal_id (>=?) '(.*)' ORDER", form["QUERY"])
        chosen = rows
        if found is not None:
            first = found[2].replace("''", "'")
            chosen = [r for r in rows if (c := r["proposal_id"].strip()) > first or (c == first and found[1] == ">=")]
        limit = min(int(form["MAXREC"]), hard_limit)
        is_told = len(chosen) > limit and not is_silent
        return Reply(votable(chosen[:limit], "OVERFLOW" if is_told else "OK"), content_type=VOTABLE)

    return answer


def field(code: str, unit: str, target: str = "HD 1", **more: str) -> dict[str, str]:
    """One row of the registry."""
    return {
        "proposal_id": code.ljust(20),
        "member_ous_uid": unit,
        "target_name": target,
        "obs_title": f"Title {code}",
    } | more


def source(url: str, **more: object) -> TapSource:
    """A source that does not wait."""
    session = PoliteSession("tap", LocalPace({}), contact="library@example.org", limits=QUICK)
    table: dict[str, object] = {"observatory_as_pi": ("THE OBSERVATORY",), "columns": COLUMNS}
    return TapSource(session, TapTable(f"{url}/tap", "ivoa.obscore", **(table | more)))  # type: ignore[arg-type]


def parse(rows: list[dict[str, str]], following: dict[str, object] | None = None) -> ParsedPage:
    """What a page of these rows gives."""
    return source("http://x").parse(Page("registry", "page", votable(rows), VOTABLE, following or {}, True))


def test_rows_become_projects_and_units() -> None:
    """Fields are gathered to units, units to projects; codes lose their padding, lists are split."""
    authors = {"obs_creator_name": "THE OBSERVATORY", "proposal_authors": "Example, Aino; Beispiel, Bo; Muster, Eva"}
    facts = {
        "science_keyword": "Disks (PP, debris), Stars",
        "bib_reference": "2100Fict.1..1E  2100Fict.1..2E",
        **authors,
    }
    parsed = parse(
        [
            field("A", "u1", obs_release_date="2100-01-02T03:04:05.678", t_min="60000.9", t_exptime="30", **facts),
            field("A", "u1", obs_release_date="2100-05-06", t_min="60000.9", t_exptime="30", **facts),
            field("A", "u1", "HD 2", obs_release_date="2100-01-02", t_min="60002.1", t_exptime="12.5", **facts),
            field("A", "u2", obs_release_date="3000-01-01T00:00:00", **facts),
            field("B", "u3", obs_creator_name="Exemple, Zoé"),
        ]
    )
    assert parsed.projects[0] == HarvestedProject(
        source="registry",
        code="A",
        title="Title A",
        pi="Example, Aino",
        co_is=("Beispiel, Bo", "Muster, Eva"),
        keywords=("Disks (PP, debris)", "Stars"),
        targets=("HD 1", "HD 2"),
        units=(
            HarvestedUnit("u1", None, date(2100, 5, 6), date(2023, 2, 27), 42.5),
            HarvestedUnit("u2", None, date(3000, 1, 1)),
        ),
        bib_references=("2100Fict.1..1E", "2100Fict.1..2E"),
    )
    assert (parsed.projects[1].pi, parsed.projects[1].units) == ("Exemple, Zoé", (HarvestedUnit("u3"),))
    assert parsed.refusals == ()


def test_bad_cells_cost_themselves() -> None:
    """A date, number or name that cannot be read is named with its row; the project stays."""
    parsed = parse(
        [
            field("A", "u1", obs_release_date="soon"),
            field("", "u2"),
            field("A", "", "HD 9"),
            field("A", "u3", t_min="1e300"),
        ]
    )
    assert [unit.uid for unit in parsed.projects[0].units] == ["u1", "u3"]
    assert [refusal.place for refusal in parsed.refusals] == [f"page row {n}" for n in (1, 2, 3, 4)]


ROWS = [field(f"2100.1.{n:05d}.S", f"u{n}-{m}") for n in range(6) for m in range(3)]


def units_of(harvester: TapSource, cursor: dict[str, object] | None = None) -> dict[str, int]:
    """Code → number of units, over all pages; no project may come twice."""
    found: dict[str, int] = {}
    for page in harvester.pages(cursor or {}):
        for project in harvester.parse(page).projects:
            assert project.code not in found
            found[project.code] = len(project.units)
    return found


WHOLE = {f"2100.1.{n:05d}.S": 3 for n in range(6)}


@pytest.mark.parametrize("page_rows", [4, 6, 7, 17, 18, 19, 1000])
def test_pages_by_ranges_of_codes_give_every_project_whole_and_once(page_rows: int) -> None:
    """Wherever the row limit cuts, no project is split, lost or given twice."""
    with serving(registry(ROWS)) as server:
        harvester = source(server.url, page_rows=page_rows)
        assert isinstance(harvester, Source)
        assert units_of(harvester) == WHOLE


def test_overflow_below_our_own_limit_is_noticed() -> None:
    """A service that gives fewer rows than asked says so, and is paged all the same."""
    with serving(registry(ROWS, hard_limit=5)) as server:
        assert units_of(source(server.url)) == WHOLE


def test_one_project_larger_than_a_page_widens_it() -> None:
    """A project with more rows than a page gets a larger page; beyond the limit it is told, not cut."""
    with serving(registry(ROWS)) as server:
        assert units_of(source(server.url, page_rows=2)) == WHOLE
    with serving(registry(ROWS, hard_limit=2)) as server, pytest.raises(PageRefused, match="fewer than asked"):
        units_of(source(server.url))


def test_interrupted_run_goes_on_and_the_next_begins_anew() -> None:
    """The cursor goes on after any page, and is empty after the last: release dates are read again each time."""
    with serving(registry(ROWS)) as server:
        harvester = source(server.url, page_rows=7)
        pages = list(harvester.pages({}))
        assert pages[-1].is_last
        assert pages[-1].next_cursor == {}
        first = {project.code for project in harvester.parse(pages[0]).projects}
        rest = units_of(harvester, dict(pages[0].next_cursor))
    assert first | set(rest) == set(WHOLE)
    assert not first & set(rest)


def test_query_is_regular_and_quotes_the_code() -> None:
    """Distinct columns of the profile, in the order of codes; a quote in a code stays within its quotes."""
    with serving(registry([field("A", "u1"), field("O'Neil", "u2"), field("O'Neil", "u3")])) as server:
        units_of(source(server.url, page_rows=2))
    queries = [parse_qs(asked.body.decode())["QUERY"][0] for asked in server.asked]
    assert queries[0] == "SELECT COUNT(DISTINCT proposal_id) AS codes FROM ivoa.obscore"
    assert queries[1] == f"SELECT DISTINCT {', '.join(COLUMNS.values())} FROM ivoa.obscore ORDER BY proposal_id"
    assert "WHERE proposal_id >= 'O''Neil' ORDER" in queries[2]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(votable([], "ERROR", "no such column"), status=400, content_type=VOTABLE), "refuses the query: no such"),
        (Reply(votable([field("A", "u")])[:-40], content_type=VOTABLE), "broken or cut off"),
        (Reply(b"<html><h1>Maintenance</h1></html>", content_type="text/html"), 'no VOTable \\("Maintenance"\\)'),
        (Reply(b"gone", status=404), "status 404"),
        (Reply(b'<!DOCTYPE x [<!ENTITY a "b">]>' + votable([])[21:], content_type=VOTABLE), "declares entities"),
        (Reply(votable([]).replace(b'name="proposal_id"', b""), content_type=VOTABLE), "broken or cut off"),
        (Reply(votable([]), content_type=VOTABLE), "no row at all"),
        (
            Reply(votable([field("A", "u")]).replace(b"member_ous_uid", b"renamed"), content_type=VOTABLE),
            "lacks .* unit",
        ),
    ],
)
def test_answers_that_are_no_registry_are_refused(reply: Reply, reason: str) -> None:
    """Errors, maintenance pages, cut-off tables and missing columns change nothing and name the page."""
    with serving(lambda _: reply) as server, pytest.raises(PageRefused, match=reason):
        list(source(server.url).pages({}))


@pytest.mark.parametrize(
    "columns",
    [{"code": "proposal_id"}, {**COLUMNS, "grade": "g"}, {**COLUMNS, "title": "x; DROP TABLE y"}],
)
def test_profile_mistakes_are_told_at_once(columns: dict[str, str]) -> None:
    """Missing, unknown or unsafe columns are refused before anything is asked."""
    with pytest.raises(ValueError, match=r"columns|name of a table"):
        TapTable("http://x", "t", columns)


@pytest.mark.parametrize("hard_limit", [4, 5, 6, 7, 17])
def test_a_limit_that_nobody_tells_is_found_out(hard_limit: int) -> None:
    """A service that cuts its answers in silence is read to the end all the same, every project whole."""
    with serving(registry(ROWS, hard_limit=hard_limit, is_silent=True)) as server:
        assert units_of(source(server.url)) == WHOLE


def test_a_project_that_a_silent_limit_cuts_is_told() -> None:
    """Where the silent limit is smaller than a project nothing is taken for whole."""
    with (
        serving(registry(ROWS, hard_limit=2, is_silent=True)) as server,
        pytest.raises(PageRefused, match="fewer rows"),
    ):
        units_of(source(server.url))


def test_every_page_promises_how_many_projects_there_are() -> None:
    """The registry is asked for the number first; a service that cannot count is read without."""
    with serving(registry(ROWS)) as server:
        assert [page.promised for page in source(server.url, page_rows=7).pages({})] == [6, 6, 6]
    for odd in ("many", "-1", "", "1e9"):
        with serving(registry(ROWS, promised=odd)) as server:
            assert {page.promised for page in source(server.url).pages({})} == {None}


@pytest.mark.parametrize("page_rows", [7, 1000])
def test_fewer_projects_than_promised_are_an_error(page_rows: int) -> None:
    """What came is given, then the numbers are named; the next run begins anew, as nothing says which are missing."""
    with serving(registry(ROWS, promised=9)) as server:
        got: list[Page] = []
        with pytest.raises(PageRefused, match="counts 9 projects and gave 6"):
            got.extend(source(server.url, page_rows=page_rows).pages({}))
        pages: list[Page] = []
        with pytest.raises(PageRefused):
            for page in source(server.url, page_rows=page_rows).pages({}):
                pages.append(page)  # noqa: PERF402 - what came before the error is the point
    assert pages[-1].next_cursor == {}
    assert not any(page.is_last for page in pages)


def test_a_registry_that_grows_while_it_is_read_is_no_error() -> None:
    """An interrupted run is held to the smaller promise, and to what it had seen."""
    with serving(registry(ROWS)) as server:
        first = next(iter(source(server.url, page_rows=7).pages({})))
    more = [field("2099.1.00000.S", "u"), *ROWS]
    with serving(registry(more)) as server:
        rest = list(source(server.url, page_rows=7).pages(first.next_cursor))
    assert rest[-1].is_last
    with serving(registry(ROWS, promised=9)) as server:
        assert list(source(server.url).pages({"from_code": "2100.1.00003.S"}))[-1].is_last  # a place from before


def test_a_registry_that_ignores_the_range_is_left() -> None:
    """A service that gives the same rows whatever is asked ends in an error, not in an endless run."""
    same = Reply(votable(ROWS[:7], "OVERFLOW"), content_type=VOTABLE)
    with serving(lambda _: same) as server, pytest.raises(PageRefused):
        list(source(server.url).pages({}))


def test_a_whole_column_that_cannot_be_read_refuses_the_page() -> None:
    """Dates in a column of numbers are a mistake of the profile or of the service, not of twenty rows."""
    rows = [field(f"2100.1.{n:05d}.S", "u", obs_release_date="57023.5") for n in range(25)]
    with pytest.raises(PageRefused, match="not one of 25 rows has a readable released_on"):
        parse(rows)
    rows.append(field("2100.1.00025.S", "u", obs_release_date="2100-01-01"))
    assert len(parse(rows).refusals) == 25


@pytest.mark.parametrize("between", [" ", "  ", ";", "; ", ",", ", ", " | "])
def test_several_bibcodes_in_one_cell_are_told_apart(between: str) -> None:
    """However an archive separates them, and padded as they come."""
    codes = ("2100A&A...1....1E", "2100Fict.1..2E")
    cell = f" {between.join(codes)}{between} "
    assert parse([field("A", "u", bib_reference=cell)]).projects[0].bib_references == codes


def test_numbers_that_are_none_cost_their_cell() -> None:
    """Infinite and absent numbers, a sum that overflows and a day after the last one leave the unit without them."""
    parsed = parse(
        [
            field("A", "u1", t_exptime="Inf", t_min="NaN"),
            field("A", "u2", "HD 1", t_exptime="1e308"),
            field("A", "u2", "HD 2", t_exptime="1e308"),
            field("A", "u3", t_min="-5", obs_release_date="3000-01-01"),
        ]
    )
    assert parsed.projects[0].units == (
        HarvestedUnit("u1"),
        HarvestedUnit("u2"),
        HarvestedUnit("u3", None, date(3000, 1, 1)),
    )
    assert [refusal.reason for refusal in parsed.refusals] == [
        "exposure_s is no number: 'inf'",
        "observed_mjd is no day: '-5.0'",
    ]


def test_projects_that_come_again_refuse_the_page() -> None:
    """Rows of an earlier page in place of a page's own push others out: the page is refused, not taken for the end."""
    honest = registry(ROWS)

    def displaced(asked: Asked) -> Reply:
        form = parse_qs(asked.body.decode())
        if "2100.1.00002.S" in form["QUERY"][0] and "COUNT" not in form["QUERY"][0]:
            return Reply(votable([*ROWS[3:6], *ROWS[6:10]], "OVERFLOW"), content_type=VOTABLE)
        return honest(asked)

    with (
        serving(displaced) as server,
        pytest.raises(PageRefused, match=r"from 2100.1.00002.S: gives .*2100.1.00001.S"),
    ):
        list(source(server.url, page_rows=7).pages({}))


def test_answers_that_are_too_large_are_asked_for_in_smaller_pages() -> None:
    """A page beyond the limit of an answer is a quarter as long, and so are those after it; no project is lost."""
    rows = [field(f"2100.1.{n:05d}.S", f"u{n}", obs_title="x" * 6000) for n in range(400)]
    with serving(registry(rows, hard_limit=10_000)) as server:
        assert len(units_of(source(server.url))) == 400
    asked = [int(parse_qs(a.body.decode())["MAXREC"][0]) for a in server.asked]
    assert asked[:4] == [1, 10_000, 2_500, 625]  # the count, then less and less
    assert max(asked[4:]) == 156


def test_facets_keep_all_values_of_a_project_in_order() -> None:
    """The bands of all rows, each once and sorted, whatever the order of the rows; what is empty is left out."""
    rows = [
        field("2100.1.00001.S", "u1", band_list="7"),
        field("2100.1.00001.S", "u2", band_list="3 6 "),
        field("2100.1.00001.S", "u3", band_list="7"),
        field("2100.1.00002.S", "u4"),
    ]
    told = []
    for given in (rows, [*rows[2::-1], rows[3]]):
        with serving(registry(given)) as server:
            asking = source(server.url, columns={**COLUMNS, "band": "band_list"}, facets=frozenset({"band"}))
            projects = [project for page in asking.pages({}) for project in asking.parse(page).projects]
        told.append({project.code: dict(project.extra) for project in projects})
    assert told[0] == told[1] == {"2100.1.00001.S": {"band": "3 6; 7"}, "2100.1.00002.S": {}}


def test_signs_that_are_no_text_are_told_and_divide_nothing() -> None:
    """A facet's value with a control character is left out, a code with one refused; both name their row."""
    rows = [
        field("2100.1.00001.S", "u1", band_list="7"),
        field("2100.1.00001.S", "u2", band_list="7\x9b"),
        field("2100.1.\x9b.S", "u3"),
    ]
    with serving(registry(rows)) as server:
        asking = source(server.url, columns={**COLUMNS, "band": "band_list"}, facets=frozenset({"band"}))
        parsed = [asking.parse(page) for page in asking.pages({})]
    assert {one.code: dict(one.extra) for page in parsed for one in page.projects} == {"2100.1.00001.S": {"band": "7"}}
    assert sorted(re.sub("^.*row ", "", r.place) + ": " + r.reason for page in parsed for r in page.refusals) == [
        "2: band holds signs that are no text: '7\ufffd'",
        "3: the code holds signs that are no text: '2100.1.\ufffd.S'",
    ]


def test_answers_kept_from_before_a_facet_are_read_without_it() -> None:
    """A stored page that lacks the column of a new facet still gives its projects."""
    body = votable([field("2100.1.00001.S", "u1")]).replace(b"band_list", b"other")
    asking = source("http://x", columns={**COLUMNS, "band": "band_list"}, facets=frozenset({"band"}))
    parsed = asking.parse(Page("registry", "page", body, VOTABLE, {}, True))
    assert [(project.code, dict(project.extra)) for project in parsed.projects] == [("2100.1.00001.S", {})]
