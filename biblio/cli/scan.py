"""``biblio scan``: the project codes printed in files, one JSON line per mention; needs no settings and no database.

stdout carries JSON lines only; what was refused, skipped and counted goes to stderr. Exit code 0 when the run
finished (refused files included), 1 when nothing could be read, 2 for wrong usage or an unreadable registry.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from harvesters.fulltext import TextPart
    from harvesters.records import Refusal
    from matching.codes import CodeFinder, Grammar, Registry

_EARLIER_PAGES = 24_000  # characters of the pages before a PDF page in which its section's heading is looked for


@dataclass
class Tally:
    """What happened in one run."""

    files: int = 0
    refused: int = 0
    others: int = 0
    mentions: int = 0
    read: set[str] = field(default_factory=set)

    def sentence(self) -> str:
        """The counts in words, for the last line on stderr."""
        return (
            f"{len(self.read)} of {self.files} files read, {self.refused} refused (files or parts of them), "
            f"{self.others} of other kinds passed over; {self.mentions} mentions found."
        )


def say(message: str) -> None:
    """One line to stderr, control characters of file names made harmless."""
    plain = "".join(character if character.isprintable() else "\ufffd" for character in message)
    click.echo(plain.encode("utf-8", errors="replace").decode("utf-8"), err=True)


@click.command()
@click.option("--observatory", metavar="NAME", help="Profile to use (default: the shipped one marked as default).")
@click.option(
    "--projects",
    metavar="P.jsonl",
    type=click.Path(path_type=Path),
    help="Known projects, one JSON object with a `code` per line (.jsonl or .jsonl.gz), or a CSV with a `code` column.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that read files.")
@click.option(
    "--executor", "kind", default="local", show_default=True, help="local, dask, or a Dask scheduler's address."
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
def scan(
    observatory: str | None, projects: Path | None, workers: int, kind: str, quiet: bool, paths: tuple[str, ...]
) -> None:
    """Find project codes in texts: folders (read recursively), TeX, plain text, XML, HTML, PDF and archives.

    Prints one JSON line per mention, sorted by file and position: file, page (PDF only), start, end, as_written, code,
    in_registry, certain, candidates, where.

    \b
    Examples:
      biblio scan --projects projects.jsonl papers/ 2401.00001.tar.gz > mentions.jsonl
      biblio scan --workers 8 decades-of-papers/ > mentions.jsonl
    """
    from biblio.bulk import executor, in_order

    projects = None if projects is None else projects.absolute()
    finder_for(observatory, projects)
    tally = Tally()
    files = sorted({name: path for path, name in listed(paths, tally)}.items())
    tally.files = len(files)
    pieces = [Piece(path.absolute(), name, observatory, projects) for name, path in files]
    with executor(kind, workers) as (pool, count), _bar(files, quiet) as bar:
        for piece, found in zip(pieces, in_order(pool, count, scan_file, pieces), strict=True):
            _print(piece, found, tally)
            bar.update()
    say(tally.sentence())
    if not tally.read:
        say("Nothing could be read: see the lines above for each file.")
        sys.exit(1)


def _print(piece: Piece, found: Found, tally: Tally) -> None:
    """Print and count what one file gave."""
    for place, reason in found.refusals:
        _refuse(tally, place, reason)
    if found.is_read:
        tally.read.add(piece.name)
    tally.mentions += len(found.lines)
    try:
        sys.stdout.writelines(found.lines)
        sys.stdout.flush()
    except OSError as error:
        _give_up_output(tally, error)


def _give_up_output(tally: Tally, error: OSError) -> NoReturn:
    """End the run when nobody takes its output any more: a closed pipe, a full disk."""
    # What is still buffered would fail again, with a traceback, when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    closed = isinstance(error, BrokenPipeError)
    what = "is no longer read" if closed else f"cannot be written ({error.strerror or type(error).__name__})"
    say(f"The output {what}; the run ended after {tally.mentions} mentions. No file was changed; run it again.")
    sys.exit(1)


def load_grammar(observatory: str | None) -> Grammar:
    """The code grammar of the named or default profile, its examples run; a usage error when it cannot be used."""
    from biblio.observatory import ProfileError, load
    from matching.codes import Grammar, GrammarError

    try:
        grammar = Grammar.from_plain(load(observatory).codes)
        grammar.self_test()
    except (ProfileError, GrammarError) as error:
        raise click.UsageError(str(error)) from error
    return grammar


def load_registry(grammar: Grammar, path: Path) -> Registry:
    """The codes of a project file; a bad row is one line on stderr, an unreadable file ends the run with code 2."""
    from matching.codes import Registry

    codes: list[str] = []
    bad = 0
    try:
        for place, code, fault in _rows(path):
            strange = fault is None and grammar.canonical(code) is None
            problem = f"{code[:60]!r} is no code of this observatory" if strange else fault
            if problem is not None:
                bad += 1
                say(f"{path}, {place}: {problem}; the row is passed over.")
            else:
                codes.append(code)
    except (OSError, EOFError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise click.UsageError(f"The project list {path} cannot be read ({reason}). Nothing was scanned.") from error
    if not codes and bad:
        raise click.UsageError(f"The project list {path} holds no row with a code. Nothing was scanned.")
    say(f"{len(codes)} project codes read from {path}" + (f", {bad} rows passed over." if bad else "."))
    return Registry(grammar, codes)


def _rows(path: Path) -> Iterator[tuple[str, str, str | None]]:
    """Place, code and problem (or None) of each row of a JSON-lines or CSV project file."""
    import csv
    import gzip

    opener: Any = gzip.open if path.name.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:
        if path.name.removesuffix(".gz").lower().endswith(".csv"):
            reader = csv.DictReader(file)
            if "code" not in (reader.fieldnames or ()):
                raise ValueError("the CSV has no column called code")
            for row in reader:
                code = (row.get("code") or "").strip()
                yield f"row {reader.line_num}", code, None if code else "no code"
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _json_row(number, line)


def _json_row(number: int, line: str) -> tuple[str, str, str | None]:
    """Place, code and problem of one JSON line."""
    place = f"row {number}"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return place, "", "not JSON"
    if not isinstance(row, dict):
        return place, "", "not a JSON object"
    code = row.get("code")
    if not isinstance(code, str) or not code.strip():
        return place, "", "no code (a string is needed)"
    return place, code.strip(), None


def listed(paths: Sequence[str], tally: Tally) -> Iterator[tuple[Path, str]]:
    """The files to read and the name each is reported by; links to folders are not followed."""
    from harvesters.fulltext import is_readable_name

    for given in paths:
        path = Path(given)
        if not path.is_dir():
            yield path, given
            continue
        for folder, _, names in os.walk(path, onerror=lambda error: _refuse(tally, str(error.filename), error)):
            for name in names:
                full = Path(folder, name)
                if is_readable_name(name):
                    yield full, f"{given.rstrip('/')}/{full.relative_to(path).as_posix()}"
                else:
                    tally.others += 1


def _refuse(tally: Tally, name: str, reason: object) -> None:
    """Count and tell of one file, or part of one, that cannot be read."""
    if isinstance(reason, OSError):
        reason = f"cannot be read ({reason.strerror or type(reason).__name__})"
    tally.refused += 1
    say(f"{name}: {reason}")


@dataclass(frozen=True, slots=True)
class Piece:
    """One file to read, and what a worker needs to know to read it alone."""

    path: Path
    name: str
    observatory: str | None
    projects: Path | None


@dataclass(slots=True)
class Found:
    """What one file gave: JSON lines, what was refused of it as (place, reason), and whether any text was read."""

    lines: list[str] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    is_read: bool = False


@lru_cache(maxsize=1)
def finder_for(observatory: str | None, projects: Path | None) -> CodeFinder:
    """The finder of this process: built once, before the workers are forked, so that they have it."""
    from matching.codes import CodeFinder

    grammar = load_grammar(observatory)
    return CodeFinder(grammar, None if projects is None else load_registry(grammar, projects))


def scan_file(piece: Piece) -> Found:
    """Find the mentions of one file; whatever is wrong with it is in the result, and the run goes on."""
    from harvesters.fulltext import read_file

    found = Found()

    def refuse(refusal: Refusal) -> None:
        found.refusals.append((refusal.place, refusal.reason))

    try:
        parts = list(read_file(piece.path, name=piece.name, on_refusal=refuse))
    except Exception as error:  # a stranger's file must never end the run
        found.refusals.append((piece.name, f"cannot be read ({type(error).__name__}: {str(error)[:200]})"))
        return found
    finder = finder_for(piece.observatory, piece.projects)
    earlier = ""
    for part in sorted(parts, key=lambda part: (part.name, part.page or 0)):
        found.is_read = True
        if part.page in (None, 1):
            earlier = ""
        found.lines += [json.dumps(line) + "\n" for line in lines_of(part, finder, earlier)]
        earlier = f"{earlier}{part.text}\n"[-_EARLIER_PAGES:] if part.page else ""
    return found


def lines_of(part: TextPart, finder: CodeFinder, earlier: str = "") -> Iterator[dict[str, Any]]:
    """The mentions of one text as they are printed, by start; ``earlier`` pages may hold the heading of its section."""
    for mention in finder.find(part.text, markup=part.format, before=earlier):
        yield {
            "file": part.name,
            **({} if part.page is None else {"page": part.page}),
            "start": mention.start,
            "end": mention.end,
            "as_written": mention.as_written,
            "code": mention.code,
            "in_registry": mention.in_registry,
            "certain": mention.certain,
            "candidates": list(mention.candidates),
            "where": mention.where,
        }


def _bar(files: Sequence[object], quiet: bool) -> Any:
    """A progress bar on stderr when a person watches."""
    from tqdm import tqdm

    return tqdm(total=len(files), unit="file", file=sys.stderr, disable=quiet or not sys.stderr.isatty(), leave=False)


if __name__ == "__main__":
    scan()
