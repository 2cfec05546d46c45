"""``biblio relation``: how papers relate to the observatory, one JSON line per paper; needs no settings and no database.

stdout carries JSON lines only; what was refused goes to stderr. Exit code 0 when the run finished (refused files
included), 1 when nothing could be read, 2 for wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from biblio.cli.output import say

if TYPE_CHECKING:
    from harvesters.records import Refusal
    from matching.codes import CodeFinder, Mention
    from matching.phrases import Phrase
    from matching.relation import Proposal, RelationRules

_EARLIER_PAGES = 12_000  # characters of the pages before a PDF page in which its section's heading is looked for


@dataclass(frozen=True, slots=True)
class _Judge:
    """What judges papers: the rules of one observatory, its codes, and its short name for the sentences."""

    rules: RelationRules
    finder: CodeFinder
    short: str


@click.command(short_help="Propose whether papers used the data or only mention them.")
@click.option("--observatory", metavar="NAME", help="Profile to use (default: the shipped one marked as default).")
@click.option("--all", "every", is_flag=True, help="Print the reasons for every relation, not only the leading one's.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
def relation(observatory: str | None, every: bool, quiet: bool, paths: tuple[Path, ...]) -> None:
    """Propose how papers relate to the observatory: science with its data, mention, engineering or instrument, not ours.

    A PATH is one paper's full text (TeX, plain text, XML, HTML, PDF or an archive) or a .jsonl(.gz) file of papers,
    one JSON object per line with an `id` and any of title, abstract, journal, path (of its full text, below the folder
    of the file) and text. Prints one JSON line per paper: file or id, relation (null: it cannot be told), band (certain,
    likely, open), sentence, start and scores in log-odds, and the reasons with contribution, quote, its start and
    end, where and part or page.

    \b
    Examples:
      biblio relation 2401.00001.tar.gz 2401.00002.pdf
      biblio relation papers.jsonl | grep '"relation": "mention"'
      biblio relation --all papers.jsonl.gz > relations.jsonl
    """
    from tqdm import tqdm

    judge = _judge_for(observatory)
    found: Counter[str | None] = Counter()
    try:
        with tqdm(unit=" papers", leave=False, disable=quiet or None) as bar:
            for path in paths:
                for line in _lines(judge, path, every):
                    found[line["relation"]] += 1
                    sys.stdout.write(json.dumps(line) + "\n")
                    bar.update()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is buffered would fail again when Python ends
        sys.exit(1)
    if not found:
        say("Nothing could be read: see the lines above for each file.")
        sys.exit(1)
    told = [f"{number} {key or 'cannot be told'}" for key, number in found.most_common()]
    say(f"{found.total()} papers judged: {', '.join(told)}.")


def _judge_for(observatory: str | None) -> _Judge:
    """What judges; a usage error when the profile cannot be used."""
    from biblio.observatory import ProfileError, load
    from matching.codes import CodeFinder, Grammar, GrammarError
    from matching.keywords import KeywordError, Keywords
    from matching.relation import RelationError, RelationRules

    try:
        profile = load(observatory)
        rules = RelationRules.from_plain(profile.relation, Keywords.from_plain(profile.keywords))
        rules.self_test()
        finder = CodeFinder(Grammar.from_plain(profile.codes), None)
    except (ProfileError, GrammarError, KeywordError, RelationError) as error:
        raise click.UsageError(str(error)) from error
    return _Judge(rules, finder, profile.observatory.short)


def _lines(judge: _Judge, path: Path, every: bool) -> Iterator[dict[str, Any]]:
    """One line for each paper of a path; what cannot be read is told of and passed over."""
    from biblio.cli.rows import rows_of

    if path.is_dir():
        say(
            f"{path}: is a folder, and each PATH is one paper: name its files ({path}/*.tex), or list them in a .jsonl file"
        )
        return
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        gathered = _Gathered(judge)
        if gathered.add_file(path):
            yield {"file": str(path), **_answer(judge, gathered.proposal(), every)}
        return
    try:
        for place, row in rows_of(path):
            line = _of_row(judge, path, f"{path}, {place}", row, every)
            if line is not None:
                yield line
    except (OSError, EOFError) as error:
        say(f"{path}: cannot be read to its end ({getattr(error, 'strerror', None) or type(error).__name__})")


def _of_row(judge: _Judge, path: Path, place: str, row: Any, every: bool) -> dict[str, Any] | None:
    from biblio.cli.rows import BadRow, paper_of

    try:
        facts, written = paper_of(row, lambda why: say(f"{place}: {why}."))
    except BadRow as bad:
        say(f"{place}: {bad}; the row is passed over.")
        return None
    gathered = _Gathered(judge)
    gathered.add_short("title", facts.title or "")
    gathered.add_short("abstract", facts.abstract or "")
    if isinstance(row.get("journal"), str):
        gathered.record.append(row["journal"])
    if isinstance(row.get("text"), str):
        gathered.add_part("text", None, row["text"], "auto", "")
    if written is not None:
        target = (path.parent / written).resolve()
        if target.is_relative_to(path.parent.resolve()):
            gathered.add_file(target)
        else:
            say(f"{place}: the path leads out of the folder of its list; its text was not read.")
    return {"id": facts.id, **_answer(judge, gathered.proposal(), every)}


class _Gathered:
    """What was read of one paper."""

    def __init__(self, judge: _Judge) -> None:
        self._judge = judge
        self.record: list[str] = []
        self._phrases: list[Phrase] = []
        self._codes: list[tuple[Mention, str, int | None]] = []
        self._characters = self._named = 0

    def add_short(self, field: str, text: str) -> None:
        """Read a title or an abstract."""
        found = self._judge.rules.find(text, field=field)
        self._phrases += [replace(phrase, part=field) for phrase in found.phrases]

    def add_part(self, name: str, page: int | None, text: str, markup: str, before: str) -> None:
        """Read a part of the full text."""
        found = self._judge.rules.find(text, markup=markup, before=before)
        self._phrases += [replace(phrase, part=name, page=page) for phrase in found.phrases]
        self._phrases = list(self._judge.rules.kept(self._phrases))
        mentions = self._judge.finder.find(text, markup=markup, before=before)
        self._codes += [(mention, name, page) for mention in mentions]
        self._characters += len(text)
        self._named += found.named

    def add_file(self, path: Path) -> bool:
        """Read a full text; False when there is none in the file, which is told."""
        from harvesters.fulltext import read_file

        def refuse(refusal: Refusal) -> None:
            say(f"{refusal.place}: {refusal.reason}")

        try:
            parts = list(read_file(path, name=str(path), on_refusal=refuse))
        except Exception as error:  # a stranger's file must never end the run
            say(f"{path}: cannot be read ({type(error).__name__}: {str(error)[:200]})")
            return False
        before = ""
        for part in sorted(parts, key=lambda part: (part.name, part.page or 0)):
            before = before if part.page not in (None, 1) else ""
            self.add_part(part.name, part.page, part.text, part.format, before)
            before = (before + part.text)[-_EARLIER_PAGES:]
        return bool(parts)

    def proposal(self) -> Proposal:
        """What is proposed from all of it."""
        from matching.relation import TextRead, judge

        read = TextRead(tuple(self._phrases), self._characters, self._named, tuple(self._codes), tuple(self.record))
        return judge(read, self._judge.rules)


def _answer(judge: _Judge, proposal: Proposal, every: bool) -> dict[str, Any]:
    relations: Sequence[str] = list(proposal.scores) if every else [proposal.leading]
    return {
        "relation": proposal.relation,
        "band": proposal.band,
        "sentence": proposal.sentence.replace("{observatory}", judge.short),
        "leading": proposal.leading,
        "start": dict(proposal.start),
        "scores": {key: round(score, 6) for key, score in proposal.scores.items()},
        "reasons": [
            {
                "relation": reason.relation,
                "kind": reason.kind,
                "contribution": round(reason.contribution, 6),
                "sentence": reason.sentence.replace("{observatory}", judge.short),
                **({} if reason.quote is None else _quoted(reason.quote)),
            }
            for reason in proposal.reasons
            if reason.relation in relations
        ],
    }


def _quoted(phrase: Phrase) -> dict[str, Any]:
    return {
        "quote": phrase.printed,
        "start": phrase.start,
        "end": phrase.end,
        "where": phrase.where,
        "part": phrase.part,
        **({} if phrase.page is None else {"page": phrase.page}),
    }
