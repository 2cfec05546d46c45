"""What the adversary copies: the database with its journal, the logs, all files but the keys, every response.

Between two marks it keeps each byte that changed. On SQLite these are the pages in the write-ahead journal and in the
file, against the copy made before. On PostgreSQL it is the server's own write-ahead log, in which every change of every
table stands, cut where the submissions end; raw files of all tables (dead rows and TOAST with them) are read as well.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa

from biblio.runtime import Runtime

Row = dict[str, Any]
Tables = dict[str, list[Row]]

WATCHED = ("answer", "ballot", "campaign", "campaign_stratum", "comment", "invitation")
"""The tables of which all rows are read."""

_GAP = 16
"""Bytes that stayed the same by accident inside a change, or at its ends, are kept with it: a key may begin with the very
letter that stood there before."""


@dataclass(slots=True)
class Capture:
    """What changed or went by during one submission."""

    database: bytes = b""
    logs: str = ""
    files: bytes = b""
    responses: tuple[bytes, ...] = ()


class DatabaseWatch(Protocol):
    """A way to copy a database."""

    def mark(self) -> None:
        """End one stretch of time and begin the next."""

    def captured(self) -> list[bytes]:
        """Return what changed in each stretch so far."""
        ...

    def tables(self) -> Tables:
        """Return the rows that say something, as they lie, with what the database keeps of each row itself.

        Of the tables ``WATCHED`` all rows; of all other tables those that a submission may have made.
        """
        ...

    def everything(self) -> bytes:
        """Return the raw bytes of all files of the database, as they are now."""
        ...


class SqliteWatch:
    """Copies a SQLite file and its write-ahead journal."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._wal = path, Path(f"{path}-wal")
        self._folder = folder
        self._folder.mkdir()
        self._pages: dict[int, bytes] = {}
        self._changed_at = 0
        self._salts, self._read = b"", 0
        self._captured: list[bytes] = []
        self._size = struct.unpack(">H", path.read_bytes()[16:18])[0]
        self._differences()

    def mark(self) -> None:
        """Copy what changed in the file and in its journal."""
        self._captured.append(self._differences())

    def captured(self) -> list[bytes]:
        """Return what changed in each stretch so far."""
        return self._captured

    def _differences(self) -> bytes:
        found = []
        for number, page in list(self._written()):
            found.append(difference(self._pages.get(number, b""), page))
            self._pages[number] = page
        return b"\n".join(part for part in found if part)

    def _written(self) -> Iterator[tuple[int, bytes]]:
        """Yield the pages written since the last mark: those of the file, if it changed, and then of the journal."""
        changed_at = self._path.stat().st_mtime_ns
        if changed_at != self._changed_at:
            content, self._changed_at = self._path.read_bytes(), changed_at
            for place in range(0, len(content), self._size):
                yield place // self._size + 1, content[place : place + self._size]
        if not self._wal.exists():
            return
        frame = self._size + 24
        with self._wal.open("rb") as journal:
            salts = journal.read(24)[16:]
            if salts != self._salts:
                self._salts, self._read = salts, 0
            journal.seek(32 + self._read * frame)
            while len(written := journal.read(frame)) == frame and written[8:16] == salts:
                yield struct.unpack(">I", written[:4])[0], written[24:]
                self._read += 1  # what follows with other salts is left over from before the journal began anew

    def tables(self) -> Tables:
        """Read a copy of the file with its journal, with row numbers where a table keeps them.

        Rows of other tables are those with keys that nobody counts up: such keys are found again in what was copied.
        """
        copy = self._folder / "copy.db"
        for suffix in ("", "-wal"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
            if (part := Path(f"{self._path}{suffix}")).exists():
                shutil.copyfile(part, f"{copy}{suffix}")
        connection = sqlite3.connect(copy)
        try:
            connection.row_factory = sqlite3.Row
            found: Tables = {}
            for name, words in connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                if name not in WATCHED and not re.search(r"\bid (VAR)?CHAR", words or ""):
                    continue
                number = "" if "WITHOUT ROWID" in words.upper() else "rowid AS _rowid, "
                found[name] = [dict(row) for row in connection.execute(f'SELECT {number}* FROM "{name}"')]
            return found
        finally:
            connection.close()

    def everything(self) -> bytes:
        """Return file, journal and its index."""
        paths = [Path(f"{self._path}{suffix}") for suffix in ("", "-wal", "-shm")]
        return b"\n".join(path.read_bytes() for path in paths if path.exists())


class PostgresWatch:
    """Reads a PostgreSQL server's tables, files and write-ahead log, as its administrator can."""

    EVERY = 50
    """Marks after which the log is read; the server keeps it far longer."""

    def __init__(self, url: sa.URL) -> None:
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1)
        self._connection = self._engine.connect()
        self._segment = int(self._one("SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'"))
        self._timeline = int(self._one("SELECT timeline_id FROM pg_control_checkpoint()"))
        self._marks = [self._position()]
        self._captured: list[bytes] = []

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()
        self._engine.dispose()

    def mark(self) -> None:
        """Note how far the log has come."""
        self._marks.append(self._position())
        if len(self._marks) > self.EVERY:
            self._pull()

    def captured(self) -> list[bytes]:
        """Return the log of each stretch so far."""
        self._pull()
        return self._captured

    def _one(self, statement: str) -> Any:
        return self._connection.exec_driver_sql(statement).scalar_one()

    def _position(self) -> int:
        return int(self._one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def _pull(self) -> None:
        if len(self._marks) < 2:
            return
        self._connection.exec_driver_sql("SET synchronous_commit = on")
        self._one("SELECT pg_logical_emit_message(true, 'adversary', '')")  # its commit writes the log out up to here
        for begin, end in zip(self._marks, self._marks[1:], strict=False):
            self._captured.append(self._log(begin, end))
        self._marks = self._marks[-1:]

    def _log(self, begin: int, end: int) -> bytes:
        """Return the log between two positions without its page headers, so that no word is cut."""
        parts = []
        page = 8192
        while begin < end:
            stop = min(end, (begin // page + 1) * page)
            header = 40 if begin // page * page % self._segment == 0 else 24
            first = max(begin, begin // page * page + header)
            if first < stop:
                parts.append((first, stop))
            begin = stop
        return b"".join(self._bytes_of(first, stop) for first, stop in parts)

    def _bytes_of(self, first: int, stop: int) -> bytes:
        number, offset = divmod(first, self._segment)
        per_file = 0x100000000 // self._segment
        name = f"pg_wal/{self._timeline:08X}{number // per_file:08X}{number % per_file:08X}"
        return bytes(self._one(f"SELECT pg_read_binary_file('{name}', {offset}, {stop - first})"))

    def tables(self) -> Tables:
        """Read the tables with the place of each row and the transactions that made and ended it.

        Rows of other tables are those made in a transaction that marked an invitation as used.
        """
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        found: Tables = {}
        for name in self._connection.exec_driver_sql(names).scalars().all():
            query = f'SELECT ctid::text AS _ctid, xmin::text AS _xmin, xmax::text AS _xmax, t.* FROM "{name}" t'
            if name not in WATCHED:
                query += " WHERE xmin::text IN (SELECT xmin::text FROM invitation WHERE is_used)"
            rows = self._connection.exec_driver_sql(query).mappings()
            found[name] = sorted((dict(row) for row in rows), key=lambda row: _place_of(row["_ctid"]))
        return found

    def everything(self) -> bytes:
        """Return the files of all tables, indexes and TOAST tables of this database, dead rows with them."""
        self._connection.exec_driver_sql("CHECKPOINT")
        query = """SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class
            WHERE relkind IN ('r', 't', 'i') AND relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace)
            AND relfilenode <> 0"""
        return b"\n".join(bytes(part) for part in self._connection.exec_driver_sql(query).scalars())


def _place_of(ctid: str) -> tuple[int, int]:
    """Return page and line of a row's place."""
    page, line = ctid.strip("()").split(",")
    return int(page), int(line)


def difference(before: bytes, after: bytes) -> bytes:
    """Return the stretches of ``after`` that are not as in ``before`` and what stands close by, a line end between them."""
    if before == after:
        return b""
    if len(before) != len(after):
        return after
    new = np.frombuffer(after, np.uint8)
    places = np.flatnonzero(new != np.frombuffer(before, np.uint8))
    stretches = np.split(places, np.flatnonzero(np.diff(places) > _GAP) + 1)
    return b"\n".join(after[max(0, each[0] - _GAP) : each[-1] + 1 + _GAP] for each in stretches)


@dataclass(slots=True)
class Watch:
    """The adversary's ears: all that is kept or said during each submission."""

    runtime: Runtime
    database: DatabaseWatch
    logs: StringIO
    captures: list[Capture] = field(default_factory=list)
    _nobodys: list[int] = field(default_factory=list)
    _said: int = 0
    _files: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def mark(self, responses: tuple[bytes, ...] = ()) -> None:
        """Note all that changed since the last mark as one submission's."""
        self.database.mark()
        self.captures.append(Capture(b"", self._new_logs(), self._new_files(), responses))

    def between(self) -> Capture:
        """Note what changed since the last mark as nobody's, and return it: a box was opened."""
        self.mark()
        self._nobodys.append(len(self.captures) - 1)
        return self.captures[-1]

    def captured(self) -> list[Capture]:
        """Return what was noted during each submission, in their order; only now is the database's part complete."""
        for capture, changed in zip(self.captures, self.database.captured(), strict=True):
            capture.database = changed
        return [capture for place, capture in enumerate(self.captures) if place not in self._nobodys]

    def everything(self) -> bytes:
        """Return all that is kept at this moment: database, logs and files."""
        files = [path.read_bytes() for path in _files_of(self.runtime)]
        return b"\n".join([self.database.everything(), self.logs.getvalue().encode(), *files])

    def _new_logs(self) -> str:
        self.logs.seek(self._said)
        new = self.logs.read()
        self._said = self.logs.tell()
        return new

    def _new_files(self) -> bytes:
        parts = []
        for path in _files_of(self.runtime):
            kept = path.stat()
            if self._files.get(path) != (kept.st_mtime_ns, kept.st_size):
                self._files[path] = (kept.st_mtime_ns, kept.st_size)
                parts.append(str(path.relative_to(self.runtime.settings.home)).encode() + b"\n" + path.read_bytes())
        return b"\n".join(parts)


def _files_of(runtime: Runtime) -> list[Path]:
    """Return all files of the site but the keys: mail, outgoing letters, backups, whatever else lies there."""
    found = [path for path in runtime.settings.home.rglob("*") if path.is_file() and path.suffix != ".key"]
    return sorted(path for path in found if not path.name.startswith("biblio.db"))
