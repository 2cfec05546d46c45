"""``biblio same``: are two records one paper? One JSON line for each line read; needs no settings and no database."""

from __future__ import annotations

import gzip
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from biblio.cli.output import say

if TYPE_CHECKING:
    from matching.works import SameVerdict, Work

LONGEST_LINE = 20_000_000
"""Bytes of a line that are read; of a longer one the rest is passed over and the line is unreadable."""

_LINES_AT_ONCE = 500
_BYTES_AT_ONCE = 20_000_000
_LONGEST_NUMBER = 4000  # digits; Python reads no longer ones


@click.command(short_help="Tell whether two records are one paper.")
@click.argument("pairs", metavar="PAIRS.jsonl", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--explain", is_flag=True, help="Also print what each topic adds to the log-odds.")
@click.option("--quiet", is_flag=True, help="No progress bar and no counts.")
def same(pairs: Path, explain: bool, quiet: bool) -> None:
    """Tell whether two records are one paper, for each line {"a": {…}, "b": {…}} of a file (.gz too) or of stdin ("-").

    Prints exactly one JSON line per line, in order: p (probability of one paper), verdict (same, different, ask) and
    reasons, the strongest first; --explain adds the log-odds they sum to. All fields are optional: title, subtitle,
    authors, year, type, doi, arxiv, bibcode, venue (or journal, container), volume, pages, abstract. A line that cannot
    be read gives "ask", p 0.5 and an "error".

    \b
    Examples:
      biblio same pairs.jsonl > verdicts.jsonl
      zcat pairs.jsonl.gz | biblio same - | grep '"ask"'
      echo '{"a": {"title": "Dust"}, "b": {"title": "Dust. II."}}' | biblio same -
    """
    from tqdm import tqdm

    found: Counter[str] = Counter()
    unread = 0
    is_watched = sys.stderr.isatty() and not quiet
    try:
        with _opened(pairs) as file, tqdm(unit=" pairs", leave=False, disable=not is_watched) as bar:
            for lines in _chunks(file):
                told = answers(lines, explain=explain)
                sys.stdout.writelines(json.dumps(answer, ensure_ascii=True) + "\n" for answer in told)
                sys.stdout.flush()
                found.update(answer["verdict"] for answer in told)
                unread += sum("error" in answer for answer in told)
                bar.update(len(told))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is buffered would fail again when Python ends
        sys.exit(1)
    except (OSError, EOFError) as error:
        raise click.ClickException(_unreadable_file(pairs, error, is_begun=bool(found))) from error
    if is_watched:
        counts = f"{found['same']} same, {found['different']} different, {found['ask']} ask"
        say(f"{found.total()} pairs: {counts} ({unread} could not be read).")


def _unreadable_file(path: Path, error: Exception, *, is_begun: bool) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if is_begun:
        return f"{path} cannot be read to its end ({reason}). What was printed is right."
    return f"{path} cannot be read ({reason})."


def _opened(path: Path) -> BinaryIO:
    if str(path) == "-":
        return sys.stdin.buffer
    return cast("BinaryIO", gzip.GzipFile(path)) if path.name.endswith(".gz") else path.open("rb")


def _chunks(file: BinaryIO) -> Iterator[list[bytes | None]]:
    """Lines in groups of bounded size, an overlong one as ``None``."""
    while lines := list(islice(_lines(file), _LINES_AT_ONCE)):
        yield lines


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Lines until enough bytes are read, at least one; the next call goes on behind them."""
    read = 0
    while read < _BYTES_AT_ONCE and (line := file.readline(LONGEST_LINE)):
        read += len(line)
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield None
        else:
            yield line


def answers(lines: list[bytes | None], *, explain: bool = False) -> list[dict[str, Any]]:
    """One answer for each line, in order; what is wrong with a line is said in its answer."""
    from matching.works import judge

    read = [_pair(line) for line in lines]
    verdicts = iter(_careful(judge, [pair for pair in read if not isinstance(pair, str)]))
    return [_unreadable(pair) if isinstance(pair, str) else _answer(next(verdicts), explain) for pair in read]


def _unreadable(error: str) -> dict[str, Any]:
    """The answer where nothing can be known: even odds, and the reason."""
    return {"p": 0.5, "verdict": "ask", "reasons": [], "error": error}


def _careful(judge: Any, pairs: list[tuple[Work, Work]]) -> list[SameVerdict | str]:
    """The verdicts; should a record fail, one by one, so that it costs only its own line."""
    try:
        return list(judge(pairs))
    except Exception:  # a stranger's record must never end the run
        found: list[SameVerdict | str] = []
        for pair in pairs:
            try:
                found += judge([pair])
            except Exception as error:
                found.append(f"the pair cannot be compared ({type(error).__name__})")
        return found


def _answer(verdict: SameVerdict | str, explain: bool) -> dict[str, Any]:
    if isinstance(verdict, str):
        return _unreadable(verdict)
    answer: dict[str, Any] = {"p": round(verdict.p, 4), "verdict": verdict.verdict, "reasons": list(verdict.reasons)}
    if explain:
        answer["log_odds"] = verdict.log_odds
        answer["contributions"] = {"start": verdict.start, **dict(verdict.contributions)}
    return answer


def _pair(line: bytes | None) -> tuple[Work, Work] | str:
    """The two records of a line, or what is wrong with it."""
    from matching.works import Work

    if line is None:
        return f"the line is longer than {LONGEST_LINE} bytes"
    try:
        row = json.loads(line.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), parse_int=_whole)
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON" if line.strip() else "the line is empty"
    if not isinstance(row, dict):
        return "not a JSON object"
    a, b = row.get("a"), row.get("b")
    if not isinstance(a, dict) or not isinstance(b, dict):
        return 'a and b must both be objects: {"a": {...}, "b": {...}}'
    return Work.from_plain(a), Work.from_plain(b)


def _whole(digits: str) -> float:
    """A whole number; one too long to be read is infinite, so that only its field is lost."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else math.inf
