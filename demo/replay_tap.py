"""The archive's TAP service as the replay server plays it: ADQL over one table, answered as VOTable.

One row per observation field, as in ``ivoa.obscore`` of the archive; the same project stands in many rows. Understood:
``SELECT [DISTINCT] [TOP n] columns|*|COUNT(*)|COUNT(DISTINCT column) FROM ivoa.obscore [WHERE …] [ORDER BY …]`` with
AND, OR, NOT, brackets, comparisons, LIKE, IN, BETWEEN and IS [NOT] NULL.

``/sync`` answers at once, ``/async`` works on a query by itself (UWS 1.1): a job is made, started, looked at until it is
done, its result fetched, and it is deleted. ``Tap.longest_sync`` rows is what ``/sync`` can be made to give up at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zlib import crc32

from demo.earlier import units_known
from demo.replay_arxiv import Answer

Row = dict[str, Any]
Test = Callable[[Row], bool]

VOTABLE = "application/x-votable+xml; charset=utf-8"
XML = "text/xml; charset=utf-8"
MAXREC = 50_000
TABLE = "ivoa.obscore"
COLUMNS: dict[str, str] = {
    "proposal_id": "char",
    "obs_title": "char",
    "obs_creator_name": "char",
    "pi_name": "char",
    "proposal_authors": "char",
    "proposal_abstract": "char",
    "science_keyword": "char",
    "scientific_category": "char",
    "type": "char",
    "target_name": "char",
    "member_ous_uid": "char",
    "group_ous_uid": "char",
    "qa2_passed": "char",
    "science_observation": "char",
    "data_rights": "char",
    "obs_release_date": "char",
    "t_min": "double",
    "t_max": "double",
    "t_exptime": "double",
    "band_list": "char",
    "antenna_arrays": "char",
    "lastModified": "char",
    "bib_reference": "char",
    "publication_year": "int",
}
_MJD_ZERO = date(1858, 11, 17)


class AdqlError(Exception):
    """The query cannot be answered; the message goes into the VOTable as the service would say it."""


class Tap:
    """The folder's projects as a table of observation fields; the day decides what is there and what is proprietary."""

    def __init__(self, folder: Path, day: date) -> None:
        self._fields: Mapping[str, list[str]] = json.loads((folder / "fields.json").read_text("utf-8"))
        lines = (folder / "projects.jsonl").read_text("utf-8").splitlines()
        self._stored: list[Row] = [json.loads(line) for line in lines]
        self.rows: list[Row] = []
        self.longest_sync: int | None = None
        self._jobs: dict[str, _UwsJob] = {}
        self._jobs_made = 0
        self.show(day)

    def show(self, day: date) -> None:
        """Know only the units observed by ``day`` and those that wait without a date; later data are not there yet."""
        self.rows = [row for project in self._stored for row in _rows(project, self._fields, day)]

    def sync(self, parameters: Mapping[str, str]) -> Answer:
        """Answer ``/sync``: the rows as a VOTable, cut at TOP without a word and at MAXREC with OVERFLOW."""
        return self._query(parameters, self.longest_sync)

    def _query(self, parameters: Mapping[str, str], longest: int | None) -> Answer:
        given = {name.upper(): value for name, value in parameters.items()}
        try:
            names, rows, top = _Query(given.get("QUERY", "")).run(self.rows)
            if longest is not None and len(rows) > longest:
                raise AdqlError("The query timed out: it takes longer than a synchronous query may; use /async")
        except AdqlError as wrong:
            return Answer(400, VOTABLE, _votable([], [], "ERROR", str(wrong)).encode())
        limit = min(int(given.get("MAXREC") or MAXREC), MAXREC)
        if top is not None:
            rows = rows[:top]
        cut = len(rows) > limit
        body = _votable(names, rows[:limit], "OVERFLOW" if cut else "OK", "").encode()
        return Answer(200, VOTABLE, body, len(rows[:limit]))

    def job(self, method: str, path: str, parameters: Mapping[str, str], base: str) -> Answer:
        """Answer below ``/async`` (``path`` is what follows, ``base`` the service's address): a job and its life."""
        number, _, door = path.strip("/").partition("/")
        job = self._jobs.get(number)
        if method == "POST" and not number:
            self._jobs_made += 1
            number = f"job{self._jobs_made}"
            self._jobs[number] = _UwsJob(dict(parameters))
            return _see_other(f"{base}/async/{number}")
        if job is None:
            return Answer(404, "text/plain; charset=utf-8", b"there is no such job\n")
        if method == "DELETE":
            del self._jobs[number]
            return Answer(200, "text/plain; charset=utf-8", b"")
        if method == "POST" and door == "phase":
            job.start({name.upper(): value for name, value in parameters.items()}.get("PHASE", ""))
            return _see_other(f"{base}/async/{number}")
        if door == "results/result" and job.phase == "COMPLETED":
            return self._query(job.parameters, None)
        if door:
            return Answer(404, "text/plain; charset=utf-8", b"not there, or not yet\n")
        return Answer(200, XML, job.look(number, f"{base}/async/{number}/results/result").encode())

    @property
    def jobs_left(self) -> int:
        """How many jobs nobody has deleted."""
        return len(self._jobs)

    def describe(self, name: str, base: str) -> Answer:
        """Answer ``/availability``, ``/capabilities`` and ``/tables`` (VOSI 1.1)."""
        if name == "availability":
            return Answer(200, XML, _AVAILABILITY.encode())
        if name == "capabilities":
            return Answer(200, XML, _CAPABILITIES.replace("{base}", escape(base)).encode())
        columns = "".join(
            f'<column><name>{column}</name><dataType xsi:type="vs:VOTableType"{_array(kind)}>{kind}</dataType></column>'
            for column, kind in COLUMNS.items()
        )
        return Answer(200, XML, _TABLES.replace("{columns}", columns).encode())


@dataclass
class _UwsJob:
    """A query and how far it is: each look at it takes it one step further, so that nobody has to wait."""

    parameters: dict[str, str]
    phase: str = "PENDING"

    def start(self, wanted: str) -> None:
        """Take PHASE=RUN and PHASE=ABORT."""
        if wanted == "RUN" and self.phase == "PENDING":
            self.phase = "QUEUED"
        elif wanted == "ABORT":
            self.phase = "ABORTED"

    def look(self, number: str, result: str) -> str:
        """Return the job's description (UWS 1.1), and go a step further."""
        told = self.phase
        self.phase = {"QUEUED": "EXECUTING", "EXECUTING": "COMPLETED"}.get(told, told)
        results = f'<uws:result id="result" xlink:href="{escape(result)}"/>' if told == "COMPLETED" else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.1">'
            f'<uws:jobId>{number}</uws:jobId><uws:ownerId xsi:nil="true"/><uws:phase>{told}</uws:phase>'
            f"<uws:results>{results}</uws:results></uws:job>\n"
        )


def _see_other(place: str) -> Answer:
    return Answer(303, "text/plain; charset=utf-8", b"", headers=(("Location", place),))


def _rows(project: Row, fields: Mapping[str, list[str]], today: date) -> list[Row]:
    """Return the rows of one project: one per field of each observed unit, undelivered units without a date."""
    published = [code for code in project["bib_references"] if int(code[:4]) <= today.year]
    shared = {
        "proposal_id": project["code"],
        "obs_title": project["title"],
        "obs_creator_name": project["pi"],
        "pi_name": project["pi"],
        "proposal_authors": "; ".join([project["pi"], *project["co_is"]]),
        "proposal_abstract": project["abstract"],
        "science_keyword": ", ".join(project["keywords"]),
        "scientific_category": project["category"],
        "type": project["code"].rsplit(".", 1)[1],
        "science_observation": "T",
        "antenna_arrays": "12m",
        "bib_reference": " ".join(published),
        "publication_year": min((int(code[:4]) for code in published), default=None),
    }
    rows = []
    for unit in units_known(project, today):
        day = date.fromisoformat(unit["observed_on"]) if unit["observed_on"] else None
        start = float((day - _MJD_ZERO).days) + 0.25 if day else None
        released = unit["released_on"]
        targets = fields.get(unit["uid"], project["targets"])
        own = {
            "member_ous_uid": unit["uid"],
            "group_ous_uid": unit["uid"].rsplit("/", 1)[0] + "/X0",
            "qa2_passed": "T" if unit["delivered_on"] else "F",
            "data_rights": "Public" if date.fromisoformat(released) <= today else "Proprietary",
            "obs_release_date": f"{released}T00:00:00.000",
            "t_min": start,
            "t_max": start + unit["exposure_s"] / 86_400 if start is not None else None,
            "t_exptime": unit["exposure_s"] / len(targets),
            "band_list": _band(project["code"] if crc32(unit["uid"].encode()) % 5 else unit["uid"]),
            "lastModified": f"{unit['delivered_on'] or today.isoformat()}T06:00:00.000",
        }
        rows += [{**shared, **own, "target_name": field} for field in targets]
    return rows


def _band(name: str) -> str:
    """Return the receiver band of a project, or of a unit that needs another one; some are asked for more than others."""
    return "3333444566666667777789"[crc32(name.encode()) % 22]


_ADQL_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\d+(?:\.\d+)?|<>|!=|<=|>=|[<>=(),*]|\"[^\"]+\"|[A-Za-z_][\w.]*)")


class _Query:
    """One ADQL query, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        place = 0
        text = text.strip().rstrip(";")
        while place < len(text):
            found = _ADQL_TOKEN.match(text, place)
            if found is None:
                raise AdqlError(f"Encountered {text[place : place + 20]!r} at column {place}")
            self._tokens.append(found[1])
            place = found.end()
        self._place = 0

    def run(self, rows: list[Row]) -> tuple[list[str], list[Row], int | None]:
        """Return (column names, rows, TOP) of this query over ``rows``."""
        self._expect("SELECT")
        distinct = self._accept("DISTINCT")
        top = int(self._take()) if self._accept("TOP") else None
        distinct = self._accept("DISTINCT") or distinct
        names = self._columns()
        self._expect("FROM")
        if self._take().lower() not in (TABLE, "obscore"):
            raise AdqlError(f"Unknown table; this service has {TABLE}")
        if self._accept("WHERE"):
            test = self._any()
            rows = [row for row in rows if test(row)]
        else:
            rows = list(rows)
        if names[0] == "COUNT":
            self._end()
            counted = {row[name] for row in rows if row[name] is not None} if (name := names[-1]) != "COUNT" else rows
            return ["COUNT"], [{"COUNT": len(counted)}], top
        if distinct:
            keys = {tuple(row[name] for name in names): row for row in reversed(rows)}
            rows = list(reversed(keys.values()))
        rows = self._ordered(rows)
        self._end()
        return names, rows, top

    def _columns(self) -> list[str]:
        if self._accept("*"):
            return list(COLUMNS)
        if self._accept("COUNT"):
            return ["COUNT", *self._counted()]
        names = [self._column()]
        while self._accept(","):
            names.append(self._column())
        return names

    def _counted(self) -> list[str]:
        """Return the column whose different values are counted, or none for ``COUNT(*)``."""
        self._expect("(")
        names = [self._column()] if self._accept("DISTINCT") else []
        if not names:
            self._expect("*")
        self._expect(")")
        if self._accept("AS"):
            self._take()
        return names

    def _ordered(self, rows: list[Row]) -> list[Row]:
        if not self._accept("ORDER"):
            return rows
        self._expect("BY")
        keys: list[tuple[str, bool]] = []
        while True:
            name = self._column()
            keys.append((name, self._accept("DESC")))
            self._accept("ASC")
            if not self._accept(","):
                break
        for name, descending in reversed(keys):
            rows = sorted(rows, key=lambda row, n=name: (row[n] is not None, row[n]), reverse=descending)  # type: ignore[misc]
        return rows

    def _any(self) -> Test:
        tests = [self._all()]
        while self._accept("OR"):
            tests.append(self._all())
        return lambda row: any(test(row) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._accept("AND"):
            tests.append(self._one())
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        if self._accept("NOT"):
            inner = self._one()
            return lambda row: not inner(row)
        if self._accept("("):
            inner = self._any()
            self._expect(")")
            return inner
        return self._comparison(self._column())

    def _comparison(self, name: str) -> Test:
        negate = self._accept("NOT")
        operator = self._take().upper()
        if operator == "IS":
            negate = self._accept("NOT")
            self._expect("NULL")
            return lambda row: (row[name] in (None, "")) != negate
        if operator == "IN":
            self._expect("(")
            values = [self._value()]
            while self._accept(","):
                values.append(self._value())
            self._expect(")")
            return lambda row: (row[name] in values) != negate
        if operator == "BETWEEN":
            low = self._value()
            self._expect("AND")
            high = self._value()
            return lambda row: row[name] is not None and (low <= row[name] <= high) != negate
        value = self._value()
        if operator == "LIKE":
            parts = re.split(r"([%_])", str(value))
            shape = re.compile("".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts), re.DOTALL)
            return lambda row: bool(shape.fullmatch(str(row[name] or ""))) != negate
        if operator not in _COMPARE:
            raise AdqlError(f"Encountered {operator!r} where a comparison is expected")
        compare = _COMPARE[operator]
        return lambda row: row[name] is not None and compare(row[name], value)

    def _column(self) -> str:
        token = self._take().strip('"').rpartition(".")[2]
        for name in COLUMNS:
            if name.lower() == token.lower():
                return name
        raise AdqlError(f"Unknown column {token!r}")

    def _value(self) -> Any:
        token = self._take()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        try:
            return float(token)
        except ValueError as wrong:
            raise AdqlError(f"Encountered {token!r} where a value is expected") from wrong

    def _take(self) -> str:
        if self._place >= len(self._tokens):
            raise AdqlError("The query ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _accept(self, word: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place].upper() == word:
            self._place += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise AdqlError(f"Expected {word} in the query")

    def _end(self) -> None:
        if self._place < len(self._tokens):
            raise AdqlError(f"Encountered {self._tokens[self._place]!r} after the end of the query")


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def _votable(names: list[str], rows: list[Row], status: str, message: str) -> str:
    """Return a VOTable 1.3 in TABLEDATA; an overflow is said after the table (DALI 1.1, 4.4.1)."""
    kinds = {**COLUMNS, "COUNT": "int"}
    nothing = {"int": '<VALUES null="-1"/>'}
    fields = "".join(
        f'<FIELD name="{name}" datatype="{kinds[name]}"{_array(kinds[name])}>{nothing.get(kinds[name], "")}</FIELD>\n'
        for name in names
    )
    cells = "".join("<TR>" + "".join(_cell(row[name], kinds[name]) for name in names) + "</TR>\n" for row in rows)
    table = f"<TABLE>\n{fields}<DATA><TABLEDATA>\n{cells}</TABLEDATA></DATA></TABLE>\n" if names else ""
    first = "ERROR" if status == "ERROR" else "OK"
    after = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>\n' if status == "OVERFLOW" else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n<RESOURCE type="results">\n'
        f'<INFO name="QUERY_STATUS" value="{first}">{escape(message)}</INFO>\n{table}{after}</RESOURCE>\n</VOTABLE>\n'
    )


def _array(kind: str) -> str:
    return ' arraysize="*"' if kind == "char" else ""


def _cell(value: object, kind: str) -> str:
    if value is None:
        return "<TD>-1</TD>" if kind == "int" else "<TD/>"
    return f"<TD>{escape(str(value))}</TD>"


_AVAILABILITY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">'
    "<vosi:available>true</vosi:available><vosi:note>replayed</vosi:note></vosi:availability>\n"
)
_CAPABILITIES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
    'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
    'xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
    '<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">\n'
    '<interface xsi:type="vs:ParamHTTP" role="std" version="1.1"><accessURL use="base">{base}</accessURL></interface>\n'
    "<language><name>ADQL</name><version>2.0</version><description>ADQL 2.0</description></language>\n"
    '<outputFormat ivo-id="ivo://ivoa.net/std/TAPRegExt#output-votable-td">'
    "<mime>application/x-votable+xml</mime><alias>votable</alias></outputFormat>\n"
    f'<outputLimit><default unit="row">{MAXREC}</default><hard unit="row">{MAXREC}</hard></outputLimit>\n'
    "</capability>\n"
    '<capability standardID="ivo://ivoa.net/std/VOSI#availability">'
    '<interface xsi:type="vs:ParamHTTP"><accessURL use="full">{base}/availability</accessURL></interface></capability>\n'
    '<capability standardID="ivo://ivoa.net/std/VOSI#tables">'
    '<interface xsi:type="vs:ParamHTTP"><accessURL use="full">{base}/tables</accessURL></interface></capability>\n'
    "</vosi:capabilities>\n"
)
_TABLES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" '
    'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    f"<schema><name>ivoa</name><table><name>{TABLE}</name>{{columns}}</table></schema></vosi:tableset>\n"
)
