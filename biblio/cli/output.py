"""Where a bulk command's lines go: to stdout as they come, or to a file whose run can be killed and taken up again.

Beside a file lies its journal while the run lasts: a first line that says what was asked, then one JSON line per piece
that is done. A killed run is taken up by giving the same command again: pieces in the journal are not done a second
time, a line that was cut off is. When all are done the file is written in the order of the pieces, in one step.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO, TypeVar

import click

from biblio.bulk import Crew, F, Lost
from biblio.errors import RequestRefused

Write = Callable[[str], None]
P = TypeVar("P", bound="Numbered")
S = TypeVar("S")


class Numbered(Protocol):
    """A piece of a run; ``number`` counts from 0 in the order of the output."""

    @property
    def number(self) -> int:
        """Its place in the output."""


@dataclass(slots=True)
class Done:
    """What one piece gave: lines for the output, counts, and sentences for stderr."""

    lines: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


class OutputLost(Exception):
    """The output takes no more lines; the message says why."""


class OtherRun(click.UsageError):
    """The journal beside the file belongs to a run that was asked something else."""


def fingerprint(path: Path) -> str:
    """A hash of a file's content, to see that a run goes on with the same input; what cannot be read is "unreadable"."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return "unreadable"


class Journal:
    """What a run has done so far. ``asked`` must be the same, as JSON, for a run to be taken up.

    Raises ``OtherRun`` where it is not, and ``OutputLost`` for a place that cannot be written.
    """

    def __init__(self, out: Path, asked: list[object]) -> None:
        self.path = out.with_name(f"{out.name}.journal")
        self._places: dict[int, int] = {}
        try:
            self._file: BinaryIO = self.path.open("a+b")
            self._read(json.dumps({"asked": asked}).encode() + b"\n")
        except OSError as error:
            raise OutputLost(f"The journal {self.path} cannot be written ({error.strerror}).") from error

    def _read(self, asked: bytes) -> None:
        """Take up what is in the journal; the end of a line that was cut off is dropped."""
        self._file.seek(0)
        first = self._file.readline()
        if first.endswith(b"\n") and first != asked:
            self._file.close()
            raise OtherRun(
                f"{self.path} is the journal of a run that was asked something else (other inputs or options, or another "
                "version). Give the command of that run to take it up, delete the journal to give it up, or name another file."
            )
        place = len(first)
        if first == asked:
            for line in self._file:
                if not line.endswith(b"\n"):
                    break
                self._places[int(json.loads(line)["piece"])] = place
                place += len(line)
        else:
            place = 0
        self._file.truncate(place)
        if place == 0:
            self._append(asked)

    def _append(self, line: bytes) -> int:
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())
        return place

    def __contains__(self, piece: int) -> bool:
        return piece in self._places

    def __len__(self) -> int:
        return len(self._places)

    def add(self, piece: int, done: Done) -> None:
        """Note that a piece is done, and what it gave. Raises ``OutputLost``."""
        try:
            self._places[piece] = self._append(json.dumps({"piece": piece, **asdict(done)}).encode() + b"\n")
        except OSError as error:
            raise OutputLost(
                f"The journal {self.path} cannot be written ({error.strerror}); what is in it stays, and the same command "
                "goes on from there."
            ) from error

    def results(self) -> Iterator[Done]:
        """What every piece gave, in their order."""
        for piece in sorted(self._places):
            self._file.seek(self._places[piece])
            plain = json.loads(self._file.readline())
            yield Done(plain["lines"], plain["counts"], plain["told"])

    def close(self, *, is_done: bool) -> None:
        """Let the journal go; it is of no more use when the file is there."""
        self._file.close()
        if is_done:
            self.path.unlink()


@contextmanager
def asked(out: Path | None, what: Callable[[], list[object]]) -> Iterator[Journal | None]:
    """Give the journal of a run that writes to ``out`` (None: to stdout, without one); ``what`` says what was asked."""
    if out is None:
        yield None
        return
    try:
        ours = version("observatory-biblio")
    except PackageNotFoundError:  # run from a folder that was never installed
        ours = "0"
    journal = Journal(out, [ours, *what()])
    if len(journal):
        say(f"{journal.path} tells of a run that did not end: {len(journal)} pieces are done and not done again.")
    is_done = False
    try:
        yield journal
        is_done = True
    finally:
        journal.close(is_done=is_done)


def finished(
    hands: Crew[S],
    work: Callable[[S, P], Done],
    pieces: Iterable[P],
    journal: Journal | None,
    given_up: Callable[[Lost[P]], Done],
) -> Iterator[Done]:
    """What every piece gave, in their order; with a journal, when all are done. ``given_up`` speaks for lost ones."""
    if journal is None:
        for result in hands.in_order(work, pieces):
            yield given_up(result) if isinstance(result, Lost) else result
        return
    todo = (piece for piece in pieces if piece.number not in journal)
    for piece, result in hands.as_done(work, todo):
        journal.add(piece.number, given_up(result) if isinstance(result, Lost) else result)
    yield from journal.results()


@contextmanager
def said_once() -> Iterator[None]:
    """End the command with exit code 1 and one line where its output is lost or its workers cannot be had."""
    try:
        yield
    except (OutputLost, RequestRefused) as error:
        say(str(error))
        sys.exit(1)


def out_option(command: F) -> F:
    """Add ``--out`` to a command: a file that is written in one step, by a run that can be taken up after a kill."""
    return click.option(
        "--out",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write to FILE when all is done, instead of stdout; the same command goes on after a kill.",
    )(command)


@contextmanager
def opened(out: Path | None) -> Iterator[Write]:
    """Give a function that writes lines, to stdout at once or to a file that is there when all of it is.

    The function raises ``OutputLost`` where nobody reads the lines or they cannot be kept.
    """
    if out is None:
        yield _print
        return
    new = out.with_name(f"{out.name}.new")
    try:
        with new.open("w", encoding="ascii", newline="\n") as file:
            yield partial(_to_file, file)
        new.replace(out)
    except OSError as error:
        raise OutputLost(
            f"{out} cannot be written ({error.strerror}); the journal beside it keeps all: the same command goes on."
        ) from error
    finally:
        new.unlink(missing_ok=True)


def _to_file(file: TextIO, lines: str) -> None:
    file.write(lines)


def _print(lines: str) -> None:
    try:
        sys.stdout.write(lines)
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):  # what is still held back must not be tried again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise OutputLost("The output is no longer read: whoever read it has stopped reading.") from error
        why = error.strerror or type(error).__name__
        raise OutputLost(
            f"The output cannot be written ({why}). What was read is unharmed; make room and run it again."
        ) from error


def say(message: str) -> None:
    """One line to stderr, control characters of strangers' text and file names made harmless."""
    plain = "".join(character if character.isprintable() else "\ufffd" for character in message)
    click.echo(plain.encode("utf-8", errors="replace").decode("utf-8"), err=True)
