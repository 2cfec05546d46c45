"""``biblio scan``: the project codes printed in files, one JSON line per mention; needs no settings and no database.

stdout carries JSON lines only; what was refused, skipped and counted goes to stderr. Exit code 0 when the run
finished (refused files included), 1 when nothing could be read or kept, 2 for wrong usage or an unreadable registry.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from biblio.bulk import Lost, bulk_options
from biblio.cli.output import Done, asked, finished, opened, out_option, said_once, say

if TYPE_CHECKING:
    from harvesters.fulltext import TextPart
    from harvesters.records import Refusal
    from matching.codes import CodeFinder, Grammar, Registry

_EARLIER_PAGES = 24_000  # characters of the pages before a PDF page in which its section's heading is looked for


@dataclass
class Tally:
    """What happened in one run."""

    files: int = 0
    others: int = 0
    refused: int = 0
    read: int = 0
    mentions: int = 0

    def add(self, counts: dict[str, int]) -> None:
        """Add what one file gave."""
        self.refused += counts["refused"]
        self.read += counts["read"]
        self.mentions += counts["mentions"]

    def sentence(self) -> str:
        """The counts in words, for the last line on stderr."""
        return (
            f"{self.read} of {self.files} files read, {self.refused} refused (files or parts of them), "
            f"{self.others} of other kinds passed over; {self.mentions} mentions found."
        )


@click.command(short_help="Find project codes in texts.")
@click.option("--observatory", metavar="NAME", help="Profile to use (default: the shipped one marked as default).")
@click.option(
    "--projects",
    metavar="P.jsonl",
    type=click.Path(path_type=Path),
    help="Known projects, one JSON object with a `code` per line (.jsonl or .jsonl.gz), or a CSV with a `code` column.",
)
@bulk_options
@out_option
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
def scan(
    observatory: str | None,
    projects: Path | None,
    workers: int,
    kind: str,
    out: Path | None,
    quiet: bool,
    paths: tuple[str, ...],
) -> None:
    """Find project codes in texts: folders (read recursively), TeX, plain text, XML, HTML, PDF and archives.

    Prints one JSON line per mention, sorted by file and position: file, page (PDF only), start and end (characters of
    the text as read), as_written, code (as it should be written, or as printed where several may be meant), in_registry
    (null without --projects), certain (never without), candidates (known projects that may be meant, the likeliest
    first) and where (acknowledgement, data_statement, footnote, body, references, comment or unknown).

    \b
    Examples:
      biblio scan --projects projects.jsonl papers/ 2401.00001.tar.gz > mentions.jsonl
      biblio scan --workers 8 --out mentions.jsonl decades-of-papers/
    """
    from biblio.bulk import crew

    finder = finder_for(observatory, projects)
    tally = Tally()
    files = sorted({name: path for path, name in listed(paths, tally)}.items())
    tally.files = len(files)
    pieces = [Piece(number, path.absolute(), name) for number, (name, path) in enumerate(files)]
    with (
        said_once(),
        asked(out, lambda: _asked(observatory, projects, pieces)) as journal,
        opened(out) as write,
        crew(kind, workers, finder) as hands,
    ):
        for done in finished(hands, scan_file, _with_bar(pieces, quiet), journal, given_up):
            for sentence in done.told:
                say(sentence)
            tally.add(done.counts)
            write(done.lines)
    _finish(tally, is_listed=projects is not None)


def _finish(tally: Tally, *, is_listed: bool) -> None:
    """Say what happened and leave with the right code."""
    say(tally.sentence())
    if tally.mentions and not is_listed:
        say("No project list was given (--projects), so none of them is certain.")
    if not tally.read:
        say("Nothing could be read: see the lines above for each file.")
        sys.exit(1)


def _asked(observatory: str | None, projects: Path | None, pieces: Sequence[Piece]) -> list[object]:
    """What a run must have in common with the one whose journal it takes up: profile, project list, files as they are."""
    from biblio.cli.output import fingerprint
    from biblio.observatory import load

    codes = json.dumps(dict(load(observatory).codes), sort_keys=True, default=str)
    seen = hashlib.sha256()
    for piece in pieces:
        try:
            state = piece.path.stat()
            told = f"{piece.name}\0{state.st_size}\0{state.st_mtime_ns}\n"
        except OSError:
            told = f"{piece.name}\0gone\n"
        seen.update(told.encode(errors="surrogateescape"))
    profile = hashlib.sha256(codes.encode()).hexdigest()
    return ["scan", profile, projects and fingerprint(projects), len(pieces), seen.hexdigest()]


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
    """One file to read, and the name it is reported by."""

    number: int
    path: Path
    name: str


def finder_for(observatory: str | None, projects: Path | None) -> CodeFinder:
    """What finds the codes of an observatory; a usage error (exit 2) when it cannot be made."""
    from matching.codes import CodeFinder

    grammar = load_grammar(observatory)
    return CodeFinder(grammar, None if projects is None else load_registry(grammar, projects))


def scan_file(finder: CodeFinder, piece: Piece) -> Done:
    """Find the mentions of one file; whatever is wrong with it is in the result, and the run goes on."""
    from harvesters.fulltext import read_file

    told: list[str] = []

    def refuse(refusal: Refusal) -> None:
        told.append(f"{refusal.place}: {refusal.reason}")

    try:
        parts = list(read_file(piece.path, name=piece.name, on_refusal=refuse))
    except Exception as error:  # a stranger's file must never end the run
        told.append(f"{piece.name}: cannot be read ({type(error).__name__}: {str(error)[:200]})")
        return _done(told=told)
    lines: list[str] = []
    earlier = ""
    for part in sorted(parts, key=lambda part: (part.name, part.page or 0)):
        if part.page in (None, 1):
            earlier = ""
        lines += [json.dumps(line) + "\n" for line in lines_of(part, finder, earlier)]
        earlier = f"{earlier}{part.text}\n"[-_EARLIER_PAGES:] if part.page else ""
    return _done(lines, told, is_read=bool(parts))


def _done(lines: Sequence[str] = (), told: Sequence[str] = (), *, is_read: bool = False) -> Done:
    return Done("".join(lines), {"mentions": len(lines), "refused": len(told), "read": int(is_read)}, list(told))


def given_up(lost: Lost[Piece]) -> Done:
    """What is said of a file that stopped every process that read it."""
    why = f"stopped the process that read it, {lost.tries} times (too little memory, or a fault in a reader); left out"
    return _done(told=[f"{lost.piece.name}: {why}"])


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


def _with_bar(pieces: Sequence[Piece], quiet: bool) -> Iterator[Piece]:
    """The pieces, with a progress bar on stderr when a person watches."""
    from tqdm import tqdm

    is_off = quiet or not sys.stderr.isatty()
    yield from tqdm(pieces, unit="file", file=sys.stderr, disable=is_off, leave=False)


if __name__ == "__main__":
    scan()
