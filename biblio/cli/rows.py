"""Rows of JSON lines files made into facts for matching: every field checked, what is wrong said in one sentence."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matching.evidence import PaperFacts, ProjectFacts

_BIBCODE_YEAR = re.compile(r"^((?:18|19|20)\d{2})[A-Za-z&]")
_ARXIV_YEAR = re.compile(r"^(?:arXiv:)?(?:[a-z.-]+/)?(\d{2})(?:0[1-9]|1[0-2])", re.IGNORECASE)


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
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return BadRow("not UTF-8")
    except (ValueError, RecursionError):
        return BadRow("not JSON")
    return row if isinstance(row, dict) else BadRow("not a JSON object")


def project_of(row: Any, nobody: Collection[str] = (), no_date: Collection[date] = ()) -> ProjectFacts:
    """A project from its row. ``nobody``: PI entries that are no person; ``no_date``: dates that mean none.

    Raises ``BadRow`` for a missing code or a field of the wrong kind; unknown fields are left aside.
    """
    from matching.evidence import ProjectFacts

    row = _checked(row)
    pi, co_is = _team(row, frozenset(nobody))
    released = _date(row, "release_date")
    return ProjectFacts(
        code=_needed(row, "code"),
        title=_text(row, "title"),
        abstract=_text(row, "abstract"),
        pi=pi,
        co_is=co_is,
        targets=_list(row, "targets"),
        year=_year(row),
        release_date=None if released in no_date else released,
        category="; ".join(_list(row, "category")) or None,
        keywords=_list(row, "keywords"),
    )


def paper_of(row: Any) -> tuple[PaperFacts, str | None]:
    """A paper from its row, and the ``path`` of its text if the row gives one. Raises ``BadRow``."""
    from matching.evidence import PaperFacts

    row = _checked(row)
    facts = PaperFacts(
        id=_needed(row, "id"),
        title=_text(row, "title"),
        authors=_list(row, "authors", names=True),
        year=_year(row) or _year_of_identifier(row),
        abstract=_text(row, "abstract"),
        targets=_list(row, "targets"),
        doi=_text(row, "doi"),
        bibcode=_text(row, "bibcode"),
        arxiv=_text(row, "arxiv"),
        published_on=_date(row, "published_on"),
    )
    return facts, _text(row, "path")


def _checked(row: Any) -> Mapping[str, Any]:
    if isinstance(row, BadRow):
        raise row
    if not isinstance(row, Mapping):
        raise BadRow("not a JSON object")
    return row


def _needed(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and key == "id":
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadRow(f"no {key} (a text is needed)")
    return value.strip() if key == "code" else value


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRow(f"{key} must be a text")
    return value if value.strip() else None


def _list(row: Mapping[str, Any], key: str, *, names: bool = False) -> tuple[str, ...]:
    """A list of texts; one text is divided at semicolons (names also at " and ")."""
    from matching.people import split_authors

    value = row.get(key)
    if value is None:
        return ()
    if isinstance(value, str):
        value = split_authors(value) if names else value.split(";")
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise BadRow(f"{key} must be a list of texts")
    return tuple(v for v in value if v.strip()) if names else tuple(v.strip() for v in value if v.strip())


def _year(row: Mapping[str, Any]) -> int | None:
    value: Any = row.get("year")
    if isinstance(value, str):
        written = value
        try:
            value = float(written) if written.strip() else None
        except ValueError:
            raise BadRow(f"year must be a number, not {written[:20]!r}") from None
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 1000 <= value <= 3000:
        raise BadRow("year must be a number between 1000 and 3000")
    return int(value)


def _year_of_identifier(row: Mapping[str, Any]) -> int | None:
    """The year a bibcode or an arXiv number tells."""
    bibcode = _BIBCODE_YEAR.match(_text(row, "bibcode") or "")
    if bibcode:
        return int(bibcode[1])
    arxiv = _ARXIV_YEAR.match(_text(row, "arxiv") or "")
    return (1900 if int(arxiv[1]) > 90 else 2000) + int(arxiv[1]) if arxiv else None


def _date(row: Mapping[str, Any], key: str) -> date | None:
    value = _text(row, key)
    if value is None:
        return None
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        raise BadRow(f"{key} must be a date like 2015-06-30, not {value[:20]!r}") from None


def _team(row: Mapping[str, Any], nobody: frozenset[str]) -> tuple[str | None, tuple[str, ...]]:
    """PI and co-Is, from their own fields or from ``proposal_authors`` (PI first); names cut off by "..." are dropped."""
    from matching.people import similarity

    pi = _text(row, "pi")
    pi = None if pi is not None and pi.strip() in nobody else pi
    co_is = _list(row, "co_is", names=True)
    authors = tuple(a for a in _list(row, "proposal_authors", names=True) if not a.endswith(("...", "\u2026")))
    authors = tuple(a for a in authors if a not in nobody)
    if pi is None and authors:
        pi, authors = authors[0], authors[1:]
    others = co_is or authors
    return pi, tuple(name for name in others if pi is None or similarity(name, pi) < 0.8)
