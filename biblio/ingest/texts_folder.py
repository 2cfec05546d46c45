"""Full texts that lie in a folder: the one this site watches, one named by hand, and those that a list's rows name.

A file belongs to the paper whose identifier is its name (``2101.00001v1.pdf``, ``10.3847_1538-4357_ab0001.xml``), or to
the row that names it. Files of one paper are one text. Nothing outside the folder is opened: links that lead out of it
are refused, devices and pipes are passed over, and what a file packs never reaches the disk. A file that changes while
it is looked at is left for the next run.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.catalogue.identity import Identifier, normal_arxiv, normal_bibcode, normal_doi
from biblio.catalogue.texts import Reading
from biblio.errors import BiblioError
from biblio.ingest import absorb, queries
from biblio.ingest.reader import Reader, make_reader, read_body, store_text
from biblio.jobs import JobContext
from biblio.store.models import HarvestRefusal
from biblio.store.words import Scheme
from harvesters.fulltext import SOURCE, FullTextRefused, is_readable_name
from harvesters.records import Refusal
from harvesters.unpack import printable

MAX_FILE_BYTES = 256 * 1024**2
MAX_FILES = 200_000
"""Files looked at in one folder: what a large observatory has of texts in thirty years; more is a mistake in the setting."""

MAX_DEPTH = 12
"""Folders within folders."""

NO_PAPER = "no paper has the identifier this file is named by; run `biblio harvest` or `biblio papers import FILE`"
_VERSION = re.compile(r"v\d+$")
_MORE_SUFFIXES = (".nxml", ".htm", ".xhtml", ".tar")
"""What publishers and archives of texts call theirs, besides what is read everywhere."""

_SUFFIXES = (".tar.gz", ".tgz", ".gz", ".tar", ".tex", ".txt", ".nxml", ".xml", ".xhtml", ".html", ".htm", ".pdf")
_NAMED_PLACES = 3


class FolderUnreadable(BiblioError):
    """The folder of texts cannot be read; the sentence says why, and nothing in it was touched."""


class StillWritten(Exception):
    """The file changed while it was looked at."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a folder: how it is called there, where it truly lies, and (size, time of change) when it was found."""

    place: str
    path: Path
    stamp: tuple[int, int]


def read_folder(context: JobContext, reader: Reader, folder: Path) -> None:
    """Read the new and changed texts of a folder. Raises ``FolderUnreadable`` before anything is read.

    A file that names no known paper is told of once and tried again with every run.
    """
    runtime = context.runtime
    refusals: list[Refusal] = []
    files = {file.place: file for file in _found(context, folder, refusals)}
    with runtime.store.reading() as session:
        papers = queries.papers_of_files(session, {Path(place): candidates(Path(place)) for place in files})
        strangers = sorted(place for place in files if Path(place) not in papers)
        refusals += [Refusal(SOURCE, place, NO_PAPER) for place in strangers]
    if strangers:
        context.count("seen", len(strangers))
        context.count("files_of_no_paper", len(strangers))
        context.note(f"{len(strangers)} files in {folder} name no paper that is known; they are tried again next time.")
    _refuse(context, refusals)
    of_paper: dict[int, list[FoundFile]] = {}
    for place in sorted(files):
        if (paper_id := papers.get(Path(place))) is not None:
            of_paper.setdefault(paper_id, []).append(files[place])
    _read_papers(context, reader, of_paper)


def read_listed(context: JobContext, folder: Path, texts: Sequence[tuple[int, str]]) -> None:
    """Read the texts that the rows of a list name for papers, each by its path below ``folder``."""
    with context.runtime.store.reading() as session:
        reader = make_reader(session, context.runtime)
    of_paper: dict[int, list[FoundFile]] = {}
    refusals: list[Refusal] = []
    for paper_id, written in dict.fromkeys(texts):
        place = printable(written)[:200]
        try:
            file = _listed_file(folder, written, place)
        except (OSError, ValueError, FullTextRefused) as error:
            refusals.append(Refusal(SOURCE, place, _why(error)))
            continue
        of_paper.setdefault(paper_id, []).append(file)
    _refuse(context, refusals)
    _read_papers(context, reader, of_paper)


def path_problem(folder: Path, written: str) -> str | None:
    """Return why the text that a list's row names cannot be read; None where there is such a file. Nothing is opened."""
    try:
        _listed_file(folder, written, printable(written)[:200])
    except (OSError, ValueError, FullTextRefused) as error:
        return _why(error)
    return None


def _listed_file(folder: Path, written: str, place: str) -> FoundFile:
    path = PurePosixPath(written.replace("\\", "/"))
    if path.is_absolute() or written[1:2] == ":" or ".." in path.parts:
        raise FullTextRefused("does not lie below the folder of its list; not read")
    root = folder.resolve()
    target = (root / path).resolve()
    if not target.is_relative_to(root):
        raise FullTextRefused("is a link out of the folder of its list; not followed")
    return FoundFile(place, target, _stamp(target.stat()))


# -- looking for files ------------------------------------------------------------------------------------------------


def _found(context: JobContext, folder: Path, refusals: list[Refusal]) -> Iterator[FoundFile]:
    """Yield the files that can be texts; count the others, and tell of those that may not be read."""
    try:
        root = folder.resolve(strict=True)
        os.scandir(root).close()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise FolderUnreadable(
            f"The folder of texts {folder} cannot be read ({why}). Nothing in it was read, everything else goes on; give "
            "biblio the right to read it, or correct BIBLIO_TEXTS_FOLDER."
        ) from error
    seen = 0
    for entry in _entries(root, 0, root, refusals):
        seen += 1
        if seen > MAX_FILES:
            refusals.append(
                Refusal(SOURCE, str(folder), f"holds more than {MAX_FILES} files; the rest was not looked at")
            )
            return
        place = printable(str(Path(entry.path).relative_to(root)))
        if entry.name.startswith(".") or not (
            is_readable_name(entry.name) or entry.name.lower().endswith(_MORE_SUFFIXES)
        ):
            context.count("ignored")
            continue
        try:
            path = _true_path(entry, root)
            found = path.stat()
        except (OSError, FullTextRefused) as error:
            refusals.append(Refusal(SOURCE, place, _why(error)))
            continue
        if stat.S_ISREG(found.st_mode):
            yield FoundFile(place, path, _stamp(found))
        else:
            refusals.append(Refusal(SOURCE, place, "is no regular file; not read"))


def _entries(folder: Path, depth: int, root: Path, refusals: list[Refusal]) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder but folders, in the order of names; a link to a folder is not entered."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(islice(scan, 2 * MAX_FILES), key=lambda entry: entry.name)  # folders are among them
    except OSError as error:
        refusals.append(Refusal(SOURCE, printable(str(folder.relative_to(root))), _why(error)))
        return
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield entry
        elif depth >= MAX_DEPTH:
            place = printable(str(Path(entry.path).relative_to(root)))
            refusals.append(Refusal(SOURCE, place, f"lies more than {MAX_DEPTH} folders deep; not read"))
        elif not entry.name.startswith("."):
            yield from _entries(Path(entry.path), depth + 1, root, refusals)


def _true_path(entry: os.DirEntry[str], root: Path) -> Path:
    """Where a file truly lies. Raises ``FullTextRefused`` for a link that leads out of the folder."""
    if not entry.is_symlink():
        return Path(entry.path)
    path = Path(entry.path).resolve()
    if not path.is_relative_to(root):
        raise FullTextRefused("is a link out of the folder; not followed")
    return path


def _stamp(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror or type(error).__name__})"
    return str(error) if isinstance(error, FullTextRefused) else "is no name of a file"


# -- reading them -----------------------------------------------------------------------------------------------------


def _read_papers(context: JobContext, reader: Reader, of_paper: Mapping[int, Sequence[FoundFile]]) -> None:
    with context.runtime.store.reading() as session:
        known = queries.folder_hashes(session)
    for done, (paper_id, files) in enumerate(of_paper.items()):
        context.progress("texts", done, len(of_paper))
        context.count("seen", len(files))
        try:
            _read_paper(context, reader, paper_id, files, known.get(paper_id))
        except StillWritten:
            context.count("files_left", len(files))
            context.note(f"{files[0].place} was being written while it was looked at; it is read next time.")
    context.progress("texts", len(of_paper), len(of_paper))


def _read_paper(
    context: JobContext,
    reader: Reader,
    paper_id: int,
    files: Sequence[FoundFile],
    known: tuple[str | None, str, str | None] | None,
) -> None:
    """Read the files of one paper as one text, unless they are the ones read before."""
    hashes: list[str] = []
    refusals: list[Refusal] = []
    good: list[FoundFile] = []
    for file in files:
        try:
            hashes.append(hashlib.sha256(_content(file)).hexdigest())
            good.append(file)
        except (OSError, FullTextRefused) as error:
            refusals.append(Refusal(SOURCE, file.place, _why(error)))
    if not good:
        _refuse(context, refusals)
        return
    sha256 = hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    if known == (sha256, reader.digest, reader.phrases_digest):
        context.count("unchanged", len(files))
        _refuse(context, refusals)
        return
    blank = replace(reader.blank, paper_id=paper_id, origin="folder", place=_places(good), version=sha256[:16])
    told = [read_body(reader, blank, file.place, _content(file)) for file in good]
    reading = _joined(reader, [reading for reading, _ in told], sha256, unread=len(refusals))
    store_text(context, reading, [*refusals, *(r for _, refused in told for r in refused)])


def _content(file: FoundFile) -> bytes:
    """The bytes of a file. Raises ``FullTextRefused`` or ``OSError`` where there are none to have, ``StillWritten``."""
    # A link or a pipe put in the file's place since it was found is neither followed nor waited for.
    handle = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as opened:
        found = os.fstat(opened.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise FullTextRefused("is no regular file; not read")
        if found.st_size > MAX_FILE_BYTES:
            raise FullTextRefused(f"is larger than {MAX_FILE_BYTES // 1024**2} MB; not read")
        body = opened.read(MAX_FILE_BYTES + 1)
        if _stamp(os.fstat(opened.fileno())) != file.stamp:
            raise StillWritten(file.place)
    return body


def _places(files: Sequence[FoundFile]) -> str:
    named = ", ".join(file.place for file in files[:_NAMED_PLACES])
    return named if len(files) <= _NAMED_PLACES else f"{named} and {len(files) - _NAMED_PLACES} more"


def _joined(reader: Reader, readings: Sequence[Reading], sha256: str, *, unread: int) -> Reading:
    """One reading of what several files gave (``unread`` more could not be opened); refused only where all of them are."""
    read = [reading for reading in readings if reading.refusal is None]
    if not read:
        refused = "; ".join(dict.fromkeys(r.refusal for r in readings if r.refusal))
        return replace(readings[0], sha256=sha256, refusal=refused[:2_000])
    mentions = tuple(mention for reading in read for mention in reading.mentions)
    return replace(
        read[0],
        sha256=sha256,
        characters=sum(r.characters for r in read),
        mentions=mentions,
        named=sum(r.named or 0 for r in read),
        phrases=reader.most_telling([said for reading in read for said in reading.phrases]),
        unread_parts=unread + len(readings) - len(read) + sum(r.unread_parts or 0 for r in read),
        addresses=tuple({one.email: one for r in read for one in r.addresses}.values()),
    )


# -- telling of what was not read -------------------------------------------------------------------------------------


def _refuse(context: JobContext, refusals: Sequence[Refusal]) -> None:
    """Write down what could not be read, each thing once: a file may wait for its paper for weeks of daily runs."""
    if not refusals:
        return
    runtime = context.runtime
    with runtime.store.writing() as session:
        told = _told(session, refusals)
        fresh = [refusal for refusal in refusals if (refusal.place, refusal.reason) not in told]
        absorb.add_refusals(session, fresh, context.run_id, runtime.clock.now())
    context.count("refused", len(fresh))


def _told(session: Session, refusals: Sequence[Refusal]) -> set[tuple[str, str]]:
    told: set[tuple[str, str]] = set()
    for places in chunks({refusal.place for refusal in refusals}):
        rows = select(HarvestRefusal.place, HarvestRefusal.reason).where(
            col(HarvestRefusal.source) == SOURCE, col(HarvestRefusal.place).in_(places)
        )
        told |= set(session.exec(rows))
    return told


def candidates(path: Path) -> tuple[str | Identifier, ...]:
    """Return what a file's name may mean: identifiers first, then a source's own key. ``_`` may stand for ``/``."""
    stem = path.name
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    spellings = (stem, stem.replace("_", "/", 1), stem.replace("_", "/"))
    found: list[str | Identifier] = []
    for scheme, normal in ((Scheme.ARXIV, normal_arxiv), (Scheme.BIBCODE, normal_bibcode), (Scheme.DOI, normal_doi)):
        for written in spellings:
            value = normal(written)
            if value is not None:
                found.append(Identifier(scheme, value))
    return tuple(dict.fromkeys([*found, *spellings, _VERSION.sub("", stem)]))
