"""``biblio propose``: which project each paper used, from files to JSON lines; needs no settings and no database.

stdout carries JSON lines only; what was passed over and counted goes to stderr. Exit code 0 when the run finished (bad
rows and unreadable texts included), 1 when no paper could be read or no line kept, 2 for wrong usage or an unreadable project list.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from biblio.bulk import Crew, Lost, bulk_options
from biblio.cli.output import Done, asked, fingerprint, finished, opened, out_option, said_once, say
from biblio.cli.rows import BadRow, paper_of, project_of, rows_of

if TYPE_CHECKING:
    from matching.codes import CodeFinder, Mention
    from matching.evidence import Evidence, ProjectFacts
    from matching.propose import Candidate, PaperFacts, Proposer
    from matching.rules import Rules

_TEXT_SUFFIXES = (".txt", ".tex", ".xml", ".pdf")
_PAPERS_AT_ONCE = 250  # handed to a worker together: many enough to be compared in one go, few enough to come soon
_COUNTED = ("texts", "refused", "silent", "lost", "certain", "likely", "unlikely")
_EARLIER_PAGES = 24_000  # characters of the pages before a PDF page in which its section's heading is looked for


@dataclass
class Tally:
    """What happened in one run."""

    papers: int = 0
    bad_rows: int = 0
    bad_fields: int = 0
    texts: int = 0
    refused: int = 0
    silent: int = 0
    lost: int = 0
    bands: dict[str, int] = field(default_factory=lambda: {"certain": 0, "likely": 0, "unlikely": 0})

    def add(self, counts: dict[str, int]) -> None:
        """Add what a part of the papers gave."""
        self.texts += counts["texts"]
        self.refused += counts["refused"]
        self.silent += counts["silent"]
        self.lost += counts["lost"]
        for band in self.bands:
            self.bands[band] += counts[band]

    def sentence(self) -> str:
        """The counts in words, for the last line on stderr."""
        bands = ", ".join(f"{count} {band}" for band, count in self.bands.items())
        lost = f"; {self.lost} papers given up" if self.lost else ""
        return (
            f"{self.papers} papers read ({self.texts} with text, {self.refused} texts refused), {self.bad_rows} rows passed "
            f"over, {self.bad_fields} fields ignored; candidates: {bands}; {self.silent} papers without a candidate{lost}."
        )


@dataclass(frozen=True)
class Found:
    """A code mention and the text it stands in: offsets count in that text."""

    mention: Mention
    member: str | None = None
    """The file inside an archive."""
    page: int | None = None
    """The page of a PDF."""


@click.command(short_help="Propose the projects whose data papers used.")
@click.option("--observatory", metavar="NAME", help="Profile to use (default: the shipped one marked as default).")
@click.option(
    "--projects",
    metavar="P.jsonl",
    required=True,
    type=click.Path(path_type=Path),
    help="Known projects, one JSON object a line: code; title, abstract, pi, co_is, targets, year, release_date …",
)
@click.option(
    "--papers",
    metavar="Q.jsonl",
    required=True,
    type=click.Path(path_type=Path),
    help="Papers, one JSON object a line: id; title, authors, year, abstract, targets, doi, bibcode, arxiv, path.",
)
@click.option(
    "--text-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of texts called ID.txt, .tex, .xml or .pdf ('/' in an id is written '_').",
)
@click.option("--top", default=20, show_default=True, type=click.IntRange(1, 1000), help="Most candidates per paper.")
@bulk_options
@out_option
@click.option("--quiet", is_flag=True, help="No progress bar.")
def propose(observatory: str | None, projects: Path, papers: Path, text_dir: Path | None, **how: Any) -> None:
    """Propose for each paper the projects whose data it used, with a score, a band and the reasons.

    Prints one JSON line per candidate, papers in input order, best candidate first: paper, project, rank, score, band,
    evidence (kind, value, quote, start, end, contribution, sentence), log_odds, runner_up (project, ahead, sentence),
    would_change (without, sentences). The contributions sum to the log-odds; "without" lists places in the evidence, from
    0, and the band the candidate would be of without them.

    \b
    Examples:
      biblio propose --projects projects.jsonl --papers papers.jsonl --text-dir texts/ > candidates.jsonl
      biblio propose --workers 8 --projects projects.jsonl --papers decades.jsonl --out candidates.jsonl
    """
    from biblio.bulk import crew

    folders = Folders(Path.cwd(), papers.parent.absolute(), text_dir and text_dir.absolute())
    bench = Bench(*prepare(observatory, projects), folders, how["top"])
    rows = Rows(papers, Tally(), how["quiet"])
    pieces = (Piece(number, part) for number, part in enumerate(rows.parts()))
    with (
        said_once(),
        asked(how["out"], lambda: _asked(observatory, projects, papers, bench)) as journal,
        opened(how["out"]) as write,
        crew(how["kind"], how["workers"], bench) as hands,
    ):
        for done in finished(hands, propose_piece, pieces, journal, partial(without_deadly, hands)):
            write(done.lines)
            rows.tally.add(done.counts)
            for sentence in done.told:
                say(sentence)
    _finish(papers, rows)


def _asked(observatory: str | None, projects: Path, papers: Path, bench: Bench) -> list[object]:
    """What a run must have in common with the one whose journal it takes up: profile, lists, texts, ``--top``."""
    from biblio.observatory import load

    profile = load(observatory)
    rules = json.dumps([profile.codes, profile.rules, profile.keywords], sort_keys=True, default=str)
    digest = hashlib.sha256(rules.encode()).hexdigest()
    return ["propose", digest, fingerprint(projects), fingerprint(papers), str(bench.folders.texts), bench.top]


def _finish(papers: Path, rows: Rows) -> None:
    """Say what happened and leave with the right code."""
    tally = rows.tally
    if rows.fault is not None:
        say(f"The papers {papers} cannot be read ({_why(rows.fault)}).")
    if rows.fault is None or tally.papers:
        say(tally.sentence())
    if tally.bad_rows and not tally.papers:
        say("No paper could be read: see the lines above.")
        sys.exit(1)
    if rows.fault is not None:
        sys.exit(1)


def _why(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__


def prepare(observatory: str | None, projects: Path) -> tuple[Proposer, CodeFinder]:
    """The proposer and the code finder for one project list; a usage error (exit 2) when either cannot be built."""
    from biblio.observatory import ProfileError, load
    from matching.codes import CodeFinder, Grammar, GrammarError, Registry
    from matching.keywords import KeywordError, Keywords
    from matching.propose import Proposer
    from matching.rules import Rules, RulesError

    try:
        profile = load(observatory)
        grammar = Grammar.from_plain(profile.codes)
        rules = Rules.from_plain(profile.rules)
        keywords = Keywords.from_plain(profile.keywords)
    except (ProfileError, GrammarError, RulesError, KeywordError) as error:
        raise click.UsageError(str(error)) from error
    nobody = frozenset(profile.tap.observatory_as_pi) if profile.tap else frozenset()
    found: dict[str, ProjectFacts] = {}
    bad = 0
    try:
        for place, row in rows_of(projects):
            try:
                tell = partial(_tell_field, projects, place)
                facts = project_of(row, nobody, profile.asking.no_release_date, tell)
                if facts.code in found:
                    raise BadRow(f"the code {facts.code} stands in the list a second time")
                found[facts.code] = facts
            except BadRow as error:
                bad += 1
                say(f"{projects}, {place}: {error}; the row is passed over.")
    except (OSError, EOFError, UnicodeError) as error:
        raise click.UsageError(
            f"The project list {projects} cannot be read ({_why(error)}). Nothing was proposed."
        ) from error
    if bad and not found:
        raise click.UsageError(f"The project list {projects} holds no usable row. Nothing was proposed.")
    say(f"{len(found)} projects read from {projects}" + (f", {bad} rows passed over." if bad else "."))
    return Proposer(list(found.values()), rules, grammar, keywords), CodeFinder(grammar, Registry(grammar, list(found)))


def _tell_field(file: Path, place: str, what: str) -> None:
    say(f"{file}, {place}: {what}.")


PaperRow = tuple["PaperFacts", str | None]
"""A paper, and the ``path`` of its text if its row gives one."""


@dataclass
class Rows:
    """The papers of the file, read piece by piece; ``fault`` is what ended the reading before the file's end."""

    file: Path
    tally: Tally
    quiet: bool
    fault: OSError | EOFError | None = None

    def parts(self) -> Iterator[list[PaperRow]]:
        """Papers in their order, some at a time; what was read before a fault is given all the same."""
        part: list[PaperRow] = []
        try:
            for paper in self._papers():
                part.append(paper)
                if len(part) == _PAPERS_AT_ONCE:
                    yield part
                    part = []
        except (OSError, EOFError) as error:
            self.fault = error
        if part:
            yield part

    def _papers(self) -> Iterator[PaperRow]:
        """Every usable paper; a bad row, a bad field, an id that comes twice is told and counted."""
        from tqdm import tqdm

        def tell(what: str) -> None:
            self.tally.bad_fields += 1
            _tell_field(self.file, place, what)

        seen: set[str] = set()
        with tqdm(unit="paper", file=sys.stderr, disable=self.quiet or not sys.stderr.isatty(), leave=False) as bar:
            for place, row in rows_of(self.file):
                try:
                    paper = paper_of(row, tell)
                    if paper[0].id in seen:
                        raise BadRow(f"the id {paper[0].id[:100]} stands in the file a second time")
                except BadRow as error:
                    self.tally.bad_rows += 1
                    say(f"{self.file}, {place}: {error}; the row is passed over.")
                    continue
                seen.add(paper[0].id)
                self.tally.papers += 1
                bar.update()
                yield paper


@dataclass(frozen=True)
class Folders:
    """Where texts may lie: here or beside the papers' file (for a relative ``path``), and in the folder of texts."""

    here: Path
    papers: Path
    texts: Path | None

    def text_of(self, paper_id: str, given: str | None) -> Path | None:
        """The file that holds the paper's text: its ``path``, else the first of ID.txt, .tex, .xml, .pdf that exists."""
        if given is not None:
            path = self.here / given
            return path if Path(given).is_absolute() or path.exists() else self.papers / given
        if self.texts is None:
            return None
        stem = paper_id.replace("/", "_")
        return next((p for s in _TEXT_SUFFIXES if (p := self.texts / f"{stem}{s}").is_file()), None)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every worker holds: the indexed project list, and where texts lie."""

    proposer: Proposer
    finder: CodeFinder
    folders: Folders
    top: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Some papers to propose projects for."""

    number: int
    rows: list[PaperRow]


def propose_piece(bench: Bench, piece: Piece) -> Done:
    """Propose projects for some papers; whatever is wrong with their texts is in the result, and the run goes on."""
    done = Done(counts=dict.fromkeys(_COUNTED, 0))
    reader = Reader(bench.finder, bench.folders, done)
    found = [reader.mentions(paper, given) for paper, given in piece.rows]
    pairs = ((paper, [f.mention for f in seen]) for (paper, _), seen in zip(piece.rows, found, strict=True))
    lines: list[str] = []
    proposed = bench.proposer.propose_pairs(pairs, max(bench.top, 2))  # the best one's runner-up is told in any case
    for (paper_id, candidates), seen in zip(proposed, found, strict=True):
        done.counts["silent"] += not candidates
        for candidate in candidates[: bench.top]:
            done.counts[candidate.band] += 1
        lines.append("".join(islice(lines_of(paper_id, candidates, seen, bench.proposer.rules), bench.top)))
    done.lines = "".join(lines)
    return done


def without_deadly(hands: Crew[Bench], lost: Lost[Piece]) -> Done:
    """Do what can be done of papers whose process died each time: by halves, until what kills it stands alone."""
    piece = lost.piece
    if len(piece.rows) == 1:
        why = f"stopped the process that compared it, {lost.tries} times (too little memory, or a fault in a reader)"
        told = [f"paper {piece.rows[0][0].id}: {why}; it is left out."]
        return Done(counts={**dict.fromkeys(_COUNTED, 0), "lost": 1}, told=told)
    middle = len(piece.rows) // 2
    whole = Done(counts=dict.fromkeys(_COUNTED, 0))
    for half in (piece.rows[:middle], piece.rows[middle:]):
        result = hands.alone(propose_piece, Piece(piece.number, half))
        done = without_deadly(hands, result) if isinstance(result, Lost) else result
        whole.lines += done.lines
        whole.told += done.told
        for name, count in done.counts.items():
            whole.counts[name] += count
    return whole


@dataclass(frozen=True)
class Reader:
    """Finds the codes in a paper's record and text."""

    finder: CodeFinder
    folders: Folders
    done: Done

    def mentions(self, paper: PaperFacts, given: str | None) -> list[Found]:
        """All mentions in title, abstract and text; a text that cannot be read is told and counted."""
        return [*self._in_record(paper), *self._in_text(paper, given)]

    def _in_record(self, paper: PaperFacts) -> Iterator[Found]:
        for where, text in (("title", paper.title), ("abstract", paper.abstract)):
            for mention in self.finder.find(text) if text else ():
                yield Found(replace(mention, where=where))

    def _in_text(self, paper: PaperFacts, given: str | None) -> list[Found]:
        from harvesters.fulltext import read_file

        found: list[Found] = []
        try:
            path = self.folders.text_of(paper.id, given)
            if path is None:
                return []
            earlier = ""
            for part in read_file(path):
                member = part.name.partition("!")[2] or None
                earlier = "" if part.page in (None, 1) else earlier
                mentions = self.finder.find(part.text, markup=part.format, before=earlier)
                found.extend(Found(m, member, part.page) for m in mentions)
                earlier = f"{earlier}{part.text}\n"[-_EARLIER_PAGES:] if part.page else ""
        except Exception as error:  # a stranger's file must never end the run
            self.done.counts["refused"] += 1
            why = f"its text cannot be read ({_why(error)[:200]})"
            self.done.told.append(f"paper {paper.id}: {why}; it is judged by its record alone.")
            return []
        self.done.counts["texts"] += 1
        return found


def lines_of(paper: str, candidates: Sequence[Candidate], found: list[Found], rules: Rules) -> Iterator[str]:
    """One line of plain ASCII JSON for each candidate of a paper, best first."""
    from matching.explain import explain

    for rank, (candidate, told) in enumerate(zip(candidates, explain(candidates, rules), strict=True), 1):
        line = {
            "paper": paper,
            "project": candidate.project_code,
            "rank": rank,
            "score": candidate.score,
            "band": candidate.band,
            "evidence": [_plain(e, found) for e in candidate.evidence],
            "log_odds": told.log_odds,
            "runner_up": {
                "project": told.runner_up.project_code,
                "ahead": told.runner_up.apart,
                "sentence": told.runner_up.sentence,
            },
            "would_change": {
                "without": [{"evidence": list(c.places), "band": c.band} for c in told.changes],
                "sentences": list(told.would_change),
            },
        }
        yield json.dumps(line, ensure_ascii=True) + "\n"


def _plain(evidence: Evidence, found: list[Found]) -> dict[str, Any]:
    """One piece of evidence as it is printed; the sentence of a code also tells its page or its file in an archive."""
    sentence = evidence.sentence
    if evidence.kind.startswith("code"):
        spot = (evidence.start, evidence.end, evidence.quote, evidence.where)
        at = next((f for f in found if _spot(f.mention) == spot), None)
        if at is not None and (at.member or at.page):
            place = ", ".join([*([at.member] if at.member else []), *([f"page {at.page}"] if at.page else [])])
            sentence = f"{sentence.removesuffix('.')} ({place})."
    return {
        "kind": evidence.kind,
        "value": evidence.value,
        "quote": evidence.quote,
        "start": evidence.start,
        "end": evidence.end,
        "contribution": evidence.contribution,
        "sentence": sentence,
    }


def _spot(mention: Mention) -> tuple[int, int, str, str]:
    return mention.start, mention.end, mention.as_written, mention.where


if __name__ == "__main__":
    propose()
