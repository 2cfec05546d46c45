"""A report as canonical JSON, and back: the same report gives the same bytes on every machine.

Canonical: UTF-8, keys sorted, no blanks, numbers that are not whole rounded to ``DIGITS`` significant digits and
written as short as they can be read back, fields that stand at their default left out. The definitions that were used
are part of it. Each set of row numbers stands once, in ``sets``, as its first number and the steps from each to the
next; ``ids`` and ``rest`` of figures are places in that list, from 0. So the report of a large observatory has a few
megabytes and is written and read in a second.

What is read is not trusted: damaged bytes, or bytes that somebody made up, give ``SnapshotUnreadable`` and nothing else.
"""

from __future__ import annotations

import json
import math
import operator
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from functools import cache
from itertools import accumulate
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from biblio.errors import RequestRefused
from biblio.garbage import collecting_later
from reports.document import Report, Table

FORMAT = 1
"""Raised when an older reader would misread what is written; a field that is new, with a default, needs no new one."""

DIGITS = 10
"""Significant digits that are kept: platforms agree on far more than twelve, and nobody is shown more than four."""

LARGEST = 512 * 1024 * 1024
"""Bytes of JSON beyond which a document is not unpacked."""


class SnapshotUnreadable(RequestRefused):
    """These bytes are no report that this version can read; the message says why and what to do."""


def to_json(report: Report) -> bytes:
    """Return the report as canonical JSON. Raises ``ValueError`` for what no report may hold: NaN, rows out of order."""
    with collecting_later():
        sets = _Sets()
        plain = _writer(Report)(report, sets)
        told = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        # Whole numbers are nearly all of the document, and few different ones: each is written once.
        word = _Words().__getitem__
        steps = ",".join([f"[{','.join(map(word, _steps(ids)))}]" for ids in sets.places])
    return f'{{"format":{FORMAT},"report":{told},"sets":[{steps}]}}'.encode("utf-8", "replace")


def from_json(data: bytes) -> Report:
    """Return the report that these bytes hold. Raises ``SnapshotUnreadable``."""
    try:
        whole = json.loads(data.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise SnapshotUnreadable(f"This is no report: it cannot be read as JSON ({_first_line(error)}).") from error
    if not isinstance(whole, dict) or not isinstance(whole.get("format"), int):
        raise SnapshotUnreadable("This is no report: it does not say of which format it is.")
    if whole["format"] != FORMAT:
        raise SnapshotUnreadable(
            f"This report is of format {whole['format']}; this version of biblio reads format {FORMAT}. "
            "Read it with the version that wrote it, or a later one."
        )
    try:
        if set(whole) != {"format", "report", "sets"}:
            raise _Wrong("it has not the parts that a report has")
        sets = _each(whole["sets"], _from_steps, "sets")
        report: Report = _reader(Report)(whole["report"], sets)
    except _Wrong as error:
        raise SnapshotUnreadable(f"This report is damaged: {error}.") from error
    return report


def rounded(value: float) -> float:
    """Return a number as it is kept: ``DIGITS`` significant digits, zero without a sign. Raises ``ValueError``."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no figure of a report")
    return float(f"{value:.{DIGITS}g}") + 0.0


def packed(data: bytes) -> bytes:
    """Return bytes compressed as the database keeps them."""
    return zlib.compress(data, 4)


def unpacked(document: bytes) -> bytes:
    """Return what was compressed. Raises ``SnapshotUnreadable`` where it is damaged, or larger than any report is."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(document, LARGEST)
    except zlib.error as error:
        raise SnapshotUnreadable("The snapshot's document cannot be unpacked: its bytes are damaged.") from error
    if not unpacker.eof:
        raise SnapshotUnreadable("The snapshot's document cannot be unpacked: it ends too early, or is too large.")
    return data


# -- sets of rows -----------------------------------------------------------------------------------------------------


class _Sets:
    """Gives each distinct set of rows its place, in the order in which they come."""

    def __init__(self) -> None:
        self.places: dict[tuple[int, ...], int] = {}
        self._of_same: dict[int, tuple[int, tuple[int, ...]]] = {}

    def place(self, ids: tuple[int, ...]) -> int:
        known = self._of_same.get(id(ids))  # to look a set of thousands up by its numbers takes as long as to write it
        if known is None:
            known = self._of_same[id(ids)] = self.places.setdefault(ids, len(self.places)), ids
        return known[0]


class _Words(dict[int, str]):
    """Whole numbers as JSON writes them."""

    def __missing__(self, number: int) -> str:
        self[number] = word = str(number)
        return word


def _steps(ids: tuple[int, ...]) -> list[int]:
    """The first number and the step from each to the next."""
    if not ids:
        return []
    numbers = np.array(ids)
    if numbers.dtype != np.int64:
        numbers = np.array(tuple(map(operator.index, ids)), dtype=np.int64)
    steps = np.diff(numbers)
    if steps.min(initial=1) < 1:
        raise ValueError("rows behind a figure are sorted and distinct; these are not")
    return [int(numbers[0]), *steps.tolist()]


def _from_steps(steps: Any, _sets: Any = None) -> tuple[int, ...]:
    if not isinstance(steps, list) or not set(map(type, steps)) <= {int}:
        raise _Wrong("a set of rows must be a list of whole numbers")
    if len(steps) > 1 and min(steps[1:]) < 1:
        raise _Wrong("the rows of a set do not ascend")
    return tuple(accumulate(steps))


# -- writing ----------------------------------------------------------------------------------------------------------

_Write = Callable[[Any, _Sets], Any]
_Read = Callable[[Any, Any], Any]


@cache
def _writer(kind: Any) -> _Write:
    """Return what turns a value of this type into plain JSON."""
    if is_dataclass(kind):
        return _dataclass_writer(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if kind == tuple[int, ...]:
        return lambda ids, sets: sets.place(tuple(ids))
    if origin is tuple:
        each = _writer(inner[0])
        return lambda values, sets: [each(value, sets) for value in values]
    if origin is Mapping and inner[0] is int:
        return lambda names, _: {"ids": _steps(tuple(sorted(names))), "names": [names[i] for i in sorted(names)]}
    if origin is Mapping:
        worth = _writer(inner[1])
        return lambda mapping, sets: {key: worth(value, sets) for key, value in mapping.items()}
    if origin in (Union, UnionType) and len(rest := [one for one in inner if one is not NoneType]) == 1:
        only = _writer(rest[0])
        return lambda value, sets: None if value is None else only(value, sets)
    if kind is date:
        return lambda day, _: day.isoformat()
    if origin is Literal or kind in (str, bool):
        return lambda value, _: value
    return lambda value, _: _number(value)


def _dataclass_writer(kind: Any) -> _Write:
    parts = [(one.name, _writer(hint), _default(one)) for one, hint in _fields(kind)]

    def write(value: Any, sets: _Sets) -> dict[str, Any]:
        plain = {}
        for name, writer, default in parts:
            part = getattr(value, name)
            if part is not default and part != default:
                plain[name] = writer(part, sets)
        return plain

    return write


def _number(value: Any) -> int | float | None:
    if value is None:
        return None
    try:
        return operator.index(value)
    except TypeError:
        return rounded(float(value))


def _fields(kind: Any) -> list[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [(one, hints[one.name]) for one in fields(kind)]


def _default(one: Field[Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    return one.default_factory() if one.default_factory is not MISSING else MISSING


# -- reading ----------------------------------------------------------------------------------------------------------


class _Wrong(ValueError):
    """What is wrong, and where: the way to it is put before it on the way out."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words, self.way = words, ""

    def within(self, part: str) -> _Wrong:
        self.way = f"{part}{'.' if self.way and not self.way.startswith('[') else ''}{self.way}"
        return self

    def __str__(self) -> str:
        return f"{self.way}: {self.words}" if self.way else self.words


@cache
def _reader(kind: Any) -> _Read:
    """Return what turns plain JSON into a value of this type; it raises ``_Wrong`` for anything else."""
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if kind == tuple[int, ...]:
        return _set_at
    if origin is tuple:
        each = _reader(inner[0])
        return lambda values, sets: tuple(_each(values, each, "", sets))
    if origin is Mapping and inner[0] is int:
        return _names
    if origin is Mapping:
        return _mapping_reader(_reader(inner[1]))
    if origin is Literal:
        return lambda value, _: value if value in inner else _refuse(f"{str(value)[:40]!r} is not known here")
    if origin in (Union, UnionType) and len(rest := [one for one in inner if one is not NoneType]) == 1:
        only = _reader(rest[0])
        return lambda value, sets: None if value is None else only(value, sets)
    if kind is date:
        return _day
    allowed: tuple[type, ...] = inner if origin in (Union, UnionType) else (kind,)
    return _plain_reader((*allowed, int) if float in allowed else allowed)


def _dataclass_reader(kind: Any) -> _Read:
    parts = {one.name: (_reader(hint), _default(one) is MISSING) for one, hint in _fields(kind)}
    needed = {name for name, (_, is_needed) in parts.items() if is_needed}

    def read(plain: Any, sets: Any) -> Any:
        if not isinstance(plain, dict):
            raise _Wrong("is not what stands here in a report")
        if missing := needed - plain.keys():
            raise _Wrong(f"lacks {min(missing)}")
        values = {}
        for name, part in plain.items():
            if name not in parts:
                raise _Wrong(f"{name[:40]!r} is not known here")
            try:
                values[name] = parts[name][0](part, sets)
            except _Wrong as error:
                raise error.within(name) from None
        made = kind(**values)
        if isinstance(made, Table):
            _check_table(made)
        return made

    return read


def _check_table(table: Table) -> None:
    for row in table.rows:
        if len(row.figures) != len(table.columns):
            raise _Wrong(f"the row {row.key[:40]!r} has {len(row.figures)} figures for {len(table.columns)} columns")


def _plain_reader(allowed: tuple[type, ...]) -> _Read:
    words = {str: "text", bool: "yes or no", int: "a number", float: "a number", NoneType: "nothing"}
    expected = " or ".join(dict.fromkeys(words[kind] for kind in allowed))

    def read(value: Any, _sets: Any) -> Any:
        if type(value) not in allowed or (type(value) is float and not math.isfinite(value)):
            raise _Wrong(f"must be {expected}")
        return value

    return read


def _mapping_reader(worth: _Read) -> _Read:
    def read(plain: Any, sets: Any) -> dict[str, Any]:
        if not isinstance(plain, dict):
            raise _Wrong("must be names with values")
        found = {}
        for key, value in plain.items():
            try:
                found[key] = worth(value, sets)
            except _Wrong as error:
                raise error.within(key[:40]) from None
        return found

    return read


def _set_at(place: Any, sets: Any) -> tuple[int, ...]:
    if type(place) is not int or not 0 <= place < len(sets):
        raise _Wrong("points to a set of rows that is not there")
    ids: tuple[int, ...] = sets[place]
    return ids


def _names(plain: Any, _sets: Any) -> dict[int, str]:
    if not isinstance(plain, dict) or set(plain) != {"ids", "names"}:
        raise _Wrong("must be row numbers with names")
    ids, names = _from_steps(plain["ids"]), plain["names"]
    if not isinstance(names, list) or len(names) != len(ids) or not all(isinstance(name, str) for name in names):
        raise _Wrong("has not one name for each row")
    return dict(zip(ids, names, strict=True))


def _day(text: Any, _sets: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise _Wrong("must be a day like 2026-01-31") from None


def _each(values: Any, reader: _Read, name: str, sets: Any = None) -> list[Any]:
    if not isinstance(values, list):
        raise _Wrong("must be a list").within(name)
    found = []
    for place, value in enumerate(values):
        try:
            found.append(reader(value, sets))
        except _Wrong as error:
            raise error.within(f"{name}[{place}]") from None
    return found


def _refuse(words: str) -> Any:
    raise _Wrong(words)


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
