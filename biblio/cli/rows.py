"""Rows of JSON lines files made into facts for matching: every field checked, what is wrong said in one sentence.

Only a row that is no object, or lacks its ``code`` or ``id``, is refused. Any other field that cannot be used is left
out and told; the rest of the row is kept.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matching.evidence import PaperFacts, ProjectFacts

Tell = Callable[[str], None]
"""Called with a sentence about a field that was left out."""

_BIBCODE_YEAR = re.compile(r"^((?:18|19|20)\d{2})[A-Za-z&]")
_ARXIV_YEAR = re.compile(r"^(?:arXiv:)?(?:[a-z.-]+/)?(\d{2})(?:0[1-9]|1[0-2])", re.IGNORECASE)
_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?$")
_LONGEST_NUMBER = 4000  # digits; Python reads no longer ones


class BadRow(ValueError):
    """A row that cannot be used; the message says why."""


def rows_of(path: Path) -> Iterator[tuple[str, Any]]:
    """Place and content of each line that is not blank; a line that is no JSON object gives ``BadRow`` as content.

    Raises ``OSError`` or ``EOFError`` for a file that cannot be read. Reads ``.gz`` too.
    """
    with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
        for number, line in enumerate(file, 1):
            body = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if body.strip():
                yield f"row {number}", _object(body)


def _object(line: bytes) -> Any:
    try:
        row = json.loads(line.decode("utf-8"), parse_int=_whole)
    except UnicodeDecodeError:
        return BadRow("not UTF-8")
    except (ValueError, RecursionError):
        return BadRow("not JSON")
    return row if isinstance(row, dict) else BadRow("not a JSON object")


def _whole(digits: str) -> float:
    """A whole number; one too long to be read is infinite, so that only its field is lost."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf


def project_of(
    row: Any, nobody: Collection[str] = (), no_date: Collection[date] = (), tell: Tell | None = None
) -> ProjectFacts:
    """A project from its row. ``nobody``: PI entries that are no person; ``no_date``: dates that mean none.

    Raises ``BadRow`` for a missing code; other fields that cannot be used are left out and told.
    """
    from matching.evidence import ProjectFacts

    fields = _Fields(row, tell)
    code = _needed(fields.row, "code")
    pi, co_is = _team(fields, frozenset(nobody))
    released = fields.date("release_date")
    return ProjectFacts(
        code=code,
        title=fields.text("title"),
        abstract=fields.text("abstract"),
        pi=pi,
        co_is=co_is,
        targets=fields.texts("targets"),
        year=fields.year("year"),
        release_date=None if released in no_date else released,
        category="; ".join(fields.texts("category")) or None,
        keywords=fields.texts("keywords"),
    )


def paper_of(row: Any, tell: Tell | None = None) -> tuple[PaperFacts, str | None]:
    """A paper from its row, and the ``path`` of its text if the row gives one.

    Raises ``BadRow`` for a missing id; other fields that cannot be used are left out and told.
    """
    from matching.evidence import PaperFacts

    fields = _Fields(row, tell)
    paper_id = _needed(fields.row, "id")
    bibcode, arxiv = fields.text("bibcode"), fields.text("arxiv")
    facts = PaperFacts(
        id=paper_id,
        title=fields.text("title"),
        authors=fields.texts("authors", names=True),
        year=fields.year("year") or _year_of_identifier(bibcode, arxiv),
        abstract=fields.text("abstract"),
        targets=fields.texts("targets"),
        doi=fields.text("doi"),
        bibcode=bibcode,
        arxiv=arxiv,
        published_on=fields.date("published_on"),
    )
    return facts, fields.text("path")


def _needed(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and key == "id":
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadRow(f"no {key} (a text is needed)")
    return value.strip() if key == "code" else value


class _Fields:
    """The optional fields of one row; reading one that cannot be used gives nothing and tells why."""

    def __init__(self, row: Any, tell: Tell | None) -> None:
        if isinstance(row, BadRow):
            raise row
        if not isinstance(row, Mapping):
            raise BadRow("not a JSON object")
        self.row: Mapping[str, Any] = row
        self._tell = tell

    def _leave_out(self, key: str, why: str) -> None:
        if self._tell is not None:
            self._tell(f"{key} {why}; the field is ignored")

    def text(self, key: str) -> str | None:
        """A text; a list of one text is that text, and blanks are nothing."""
        value = self.row.get(key)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is not None and not isinstance(value, str):
            self._leave_out(key, "must be a text")
            return None
        return value if value and value.strip() else None

    def texts(self, key: str, *, names: bool = False) -> tuple[str, ...]:
        """A list of texts; one text is divided at semicolons (names also at " and "); what is no text is left out."""
        from matching.people import split_authors

        value = self.row.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            value = split_authors(value) if names else value.split(";")
        if not isinstance(value, list):
            self._leave_out(key, "must be a list of texts")
            return ()
        kept = [v for v in value if isinstance(v, str)]
        if len(kept) < len(value) and self._tell is not None:
            self._tell(f"{key} must be a list of texts; {len(value) - len(kept)} of {len(value)} entries are ignored")
        return tuple(v for v in kept if v.strip()) if names else tuple(v.strip() for v in kept if v.strip())

    def year(self, key: str) -> int | None:
        """A year as a number or written as one."""
        value: Any = self.row.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                self._leave_out(key, f"must be a number, not {value[:20]!r}")
                return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 1000 <= value <= 3000:
            self._leave_out(key, "must be a number between 1000 and 3000")
            return None
        return int(value)

    def date(self, key: str) -> date | None:
        """A day; of a year or a month alone the middle."""
        value = self.text(key)
        if value is None:
            return None
        written = value.strip()
        try:
            coarse = _YEAR_OR_MONTH.match(written)
            if coarse:
                return date(int(coarse[1]), int(coarse[2] or 7), 15 if coarse[2] else 1)
            return date.fromisoformat(written[:10])
        except ValueError:
            self._leave_out(key, f"must be a date like 2015-06-30, not {value[:20]!r}")
            return None


def _year_of_identifier(bibcode: str | None, arxiv: str | None) -> int | None:
    """The year a bibcode or an arXiv number tells."""
    printed = _BIBCODE_YEAR.match(bibcode or "")
    if printed:
        return int(printed[1])
    number = _ARXIV_YEAR.match(arxiv or "")
    return (1900 if int(number[1]) > 90 else 2000) + int(number[1]) if number else None


def _team(fields: _Fields, nobody: frozenset[str]) -> tuple[str | None, tuple[str, ...]]:
    """PI and co-Is, from their own fields or from ``proposal_authors`` (PI first); names cut off by "..." are dropped."""
    from matching.people import similarity

    pi = fields.text("pi")
    pi = None if pi is not None and pi.strip() in nobody else pi
    co_is = fields.texts("co_is", names=True)
    listed = fields.texts("proposal_authors", names=True)
    authors = tuple(a for a in listed if not a.endswith(("...", "\u2026")) and a not in nobody)
    if pi is None and authors:
        pi, authors = authors[0], authors[1:]
    others = co_is or authors
    return pi, tuple(name for name in others if pi is None or similarity(name, pi) < 0.8)
