"""Files that a library hands over: projects, contacts of PIs, papers. One file at a time, each counted and kept.

An import is a run like any other: it has a row with its counts, and what was refused stands in the list of refusals
with the file and the row.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from email_validator import EmailNotValidError, validate_email
from sqlmodel import Session, col, select

from biblio.catalogue.groups import chunks
from biblio.errors import BiblioError, RequestRefused
from biblio.ingest import absorb
from biblio.ingest.import_report import ImportReport, Links
from biblio.ingest.list_links import LOAD_PROJECTS, Linked, has_codes, link
from biblio.ingest.texts_folder import path_problem, read_listed
from biblio.jobs import Job, JobContext
from biblio.runtime import Runtime
from biblio.store.models import Project, ProjectRevision, SourceRecord
from harvesters.errors import HarvestError, SourceStopped
from harvesters.files import ProjectsFile, read_start
from harvesters.formats import FORMATS, format_of
from harvesters.http import PoliteSession
from harvesters.protocol import Page, ParsedPage, Source
from harvesters.records import HarvestedProject, Refusal
from harvesters.rows import decode
from harvesters.unpack import printable

CONTACT_COLUMNS = frozenset({"code", "pi", "pi_email"})
_ALIASES = {"name": "pi", "email": "pi_email", "e-mail": "pi_email", "e_mail": "pi_email", "mail": "pi_email"}
_CELL = re.compile(r"[^,;\t|]+")
_HEADER_BYTES = 10_000
_OF_TEXTS = {"seen": "texts_seen", "refused": "texts_left_out", "unchanged": "texts_unchanged"}
"""What is counted of texts in words that count rows, and how it is called beside rows."""


class ImportIncomplete(BiblioError):
    """Some files could not be read at all; the others were."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file as a source, and what is done to a parsed page of it before it is stored.

    ``folder`` is where the file lies: the full texts that its rows name lie below it. A list that a service gives has
    the session it is ``asked`` by, and may have something left to ``finish`` when its pages are stored; a file has its
    ``path``.
    """

    source: Source
    label: str
    take_emails: bool = False
    prepare: Callable[[Session, Runtime, ParsedPage, str], ParsedPage] | None = None
    folder: Path | None = None
    finish: Callable[[JobContext], None] | None = None
    asked: PoliteSession | None = None
    path: Path | None = None

    @property
    def is_missing(self) -> bool:
        """Whether it is a file that does not exist: a slip of whoever typed its name, and nothing that was not read."""
        return self.path is not None and not os.path.lexists(self.path)

    def prepared(self, session: Session, runtime: Runtime, parsed: ParsedPage) -> ParsedPage:
        """Return a parsed page as it is to be stored."""
        return parsed if self.prepare is None else self.prepare(session, runtime, parsed, self.label)


class ContactsFile(ProjectsFile):
    """Who to write to: a CSV of code, name (or pi) and email (or pi_email). It makes no projects."""

    content_type = "text/x-contacts"

    def parse(self, page: Page) -> ParsedPage:
        """Read the file, its header in the words of a project list."""
        start, newline, rest = decode(page.body).partition("\n")
        header = _CELL.sub(lambda m: _ALIASES.get(_plain(m[0]), m[0]), start)
        return super().parse(replace(page, body=f"{header}{newline}{rest}".encode(errors="surrogatepass")))


def _plain(cell: str) -> str:
    return cell.strip().strip('"').strip().lower()


def project_file(path: Path, *, name: str = "projects-file", facets: Mapping[str, str] | None = None) -> FileSource:
    """Return a file of projects, or of contacts where it has no other columns than those.

    ``facets``: the columns that the profile divides by, and what they are kept as (``Profile.facet_columns``).
    """
    try:
        header = decode(read_start(path, str(path), _HEADER_BYTES)).lstrip().partition("\n")[0]
    except SourceStopped:
        header = ""  # reading it as a source says what is wrong with it
    columns = {_ALIASES.get(_plain(cell), _plain(cell)) for cell in _CELL.findall(header)}
    if "pi_email" in columns and columns <= CONTACT_COLUMNS:
        return FileSource(
            ContactsFile(path, name="contacts", label=str(path)), str(path), True, _known_contacts, path=path
        )
    source = ProjectsFile(path, name=name, label=str(path), facets=facets)
    return FileSource(source, str(path), True, _checked_emails, path=path)


def paper_file(path: Path, *, name: str | None = None, kind: str | None = None) -> FileSource:
    """Return a file of papers, of the format ``kind`` or the one it is found to have. ``name`` tells lists apart."""
    named = {"name": name} if name else {}
    try:
        found = FORMATS[kind] if kind else format_of(path)
    except SourceStopped as stopped:
        return FileSource(_Unreadable(name or "papers-file", str(stopped)), str(path), path=path)
    return FileSource(found.source(path, label=str(path), **named), str(path), folder=path.parent, path=path)


class _Unreadable:
    """A file that is nothing we read; asking it says why, so that the files beside it are not affected."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self._reason = name, reason

    def pages(self, _cursor: Mapping[str, object]) -> Iterator[Page]:
        """Raise ``SourceStopped`` with the reason."""
        raise SourceStopped(self._reason)

    def parse(self, page: Page) -> ParsedPage:
        """Give nothing: there are no pages."""
        raise SourceStopped(f"{page.place}: {self._reason}")


def parser_of_file(name: str, content_type: str, *, facets: Mapping[str, str] | None = None) -> Source:
    """Return what reads stored pages of a list called ``name`` again; it opens no file. ``facets`` as for a project file.

    Raises ``RequestRefused`` for a content type that no file has.
    """
    return file_of_page(name, content_type, facets=facets).source


def file_of_page(name: str, content_type: str, *, facets: Mapping[str, str] | None = None) -> FileSource:
    """Return the file that a stored page of ``name`` is from, without the file: its parser, and how its records are taken.

    Project lists and contacts are taken with the addresses in them, as when they were imported.
    """
    nowhere = Path("a stored page")
    if name == "contacts":
        return FileSource(ContactsFile(nowhere, name=name), name, True, _known_contacts)
    if content_type in (ProjectsFile.content_type, "text/plain"):  # the second: before formats had a type each
        return FileSource(ProjectsFile(nowhere, name=name, facets=facets), name, True, _checked_emails)
    for one in FORMATS.values():
        if one.source.content_type == content_type:
            return FileSource(one.source(nowhere, name=name), name)
    raise RequestRefused(
        f"Pages of {name} are kept as {content_type[:60]}, which no list is; they cannot be read again."
    )


def _checked_emails(_session: Session, _runtime: Runtime, parsed: ParsedPage, label: str) -> ParsedPage:
    """Take out addresses that are none, each with a refusal that does not repeat it."""
    projects: list[HarvestedProject] = []
    refusals = list(parsed.refusals)
    for project in parsed.projects:
        if project.pi_email is not None and not _is_address(project.pi_email):
            refusals.append(
                Refusal(project.source, project.place or label, "the e-mail address cannot be used", project.code[:80])
            )
            project = replace(project, pi_email=None)  # noqa: PLW2901
        projects.append(project)
    return replace(parsed, projects=tuple(projects), refusals=tuple(refusals))


def _is_address(written: str) -> bool:
    try:
        validate_email(written, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _known_contacts(session: Session, runtime: Runtime, parsed: ParsedPage, label: str) -> ParsedPage:
    """Keep contacts of known projects; the name is taken only where the registry gives none."""
    checked = _checked_emails(session, runtime, parsed, label)
    codes = {runtime.grammar.canonical(p.code) for p in checked.projects} - {None}
    has_pi: dict[str, bool] = {}
    for chunk in chunks(sorted(c for c in codes if c is not None)):
        rows = session.exec(
            select(Project.code, ProjectRevision.pi)
            .join(ProjectRevision, col(ProjectRevision.project_id) == col(Project.id))
            .where(col(Project.code).in_(chunk), col(ProjectRevision.superseded_at).is_(None))
        )
        has_pi |= {code: pi is not None for code, pi in rows}
    projects: list[HarvestedProject] = []
    refusals = list(checked.refusals)
    for project, written in zip(checked.projects, parsed.projects, strict=True):
        if project.pi_email is None and written.pi_email is not None:
            continue  # its address was all that it would have brought, and is refused already
        code = runtime.grammar.canonical(project.code)
        if code is not None and code not in has_pi:
            reason = f"no project has this code yet; {LOAD_PROJECTS}, then import this file again"
            refusals.append(Refusal(project.source, project.place or label, reason, project.code[:80]))
            continue
        projects.append(replace(project, pi=None) if code is not None and has_pi[code] else project)
    return replace(checked, projects=tuple(projects), refusals=tuple(refusals))


def import_job(files: Sequence[FileSource], report: ImportReport | None = None) -> Job:
    """Return the job that imports these files. It raises ``ImportIncomplete`` naming the files that are unreadable.

    ``report`` takes down what became of every row.
    """
    told = report or ImportReport()

    def run(context: JobContext) -> None:
        broken = []
        for done, file in enumerate(files):
            context.progress("files", done, len(files))
            try:
                _import(context, file, told)
            except HarvestError as error:
                broken.append(str(error))
                _refuse_file(context, file, str(error))
                told.broken(file.label, str(error))
        context.progress("files", len(files), len(files))
        if broken:
            raise ImportIncomplete(" · ".join(broken))

    return Job(name="import", title="Import files", run=run)


def _import(context: JobContext, file: FileSource, report: ImportReport) -> None:
    """Read a file page by page. A page, and the links its rows come with, are one transaction each: both can be redone."""
    runtime = context.runtime
    texts: list[tuple[int, str]] = []
    unread: set[str] = set()
    for page in file.source.pages({}):
        parsed = file.source.parse(page)
        with runtime.store.reading() as session:
            parsed = file.prepared(session, runtime, parsed)
            earlier = _keys_before(session, parsed)
        destination = absorb.Destination(context.run_id, None, take_emails=file.take_emails)
        counts = absorb.store_page(runtime, page, parsed, destination, file.asked)
        linked = Linked()
        if has_codes(parsed):
            with runtime.store.writing() as session:
                linked = link(session, runtime, parsed, counts.outcomes, file.label)
                absorb.add_refusals(session, linked.refusals, context.run_id, runtime.clock.now())
        became = _Page(file, parsed, counts, linked, earlier).report(report)
        texts += [(o.paper_id, r.path) for r, o in zip(parsed.records, counts.outcomes, strict=True) if r.path]
        unread.update(parsed.unread_fields)
        _tell(context, counts, linked, became)
    if unread:
        context.note(f"{file.label} has columns that nobody reads: {', '.join(sorted(unread))}.")
    if texts and file.folder is not None:
        _read_texts(context, file.folder, texts)
    if file.finish is not None:
        file.finish(context)


def _read_texts(context: JobContext, folder: Path, texts: Sequence[tuple[int, str]]) -> None:
    """Read the texts that rows name. They are counted beside the rows, not among them, so that rows add up."""
    apart = replace(context, counts={})
    read_listed(apart, folder, texts)
    for name, by in apart.counts.items():
        context.count(_OF_TEXTS.get(name, name), by)


@dataclass(slots=True)
class _Page:
    """One page of a file that was imported, or tried."""

    file: FileSource
    parsed: ParsedPage
    counts: absorb.PageCounts
    linked: Linked
    earlier: set[str]

    def report(self, report: ImportReport) -> Counter[str]:
        """Take down what became of every row; return how many became what, in the words of the report."""
        label, counts = self.file.label, self.counts
        self._say_paths()
        became = report.page(label, self.parsed, counts.outcomes, self.linked.of_record, self.earlier)
        report.refused(label, counts.refusals)
        if self.parsed.projects:
            became += report.projects(label, counts.new, counts.unchanged, counts.changed)
        return became

    def _say_paths(self) -> None:
        """Say of each row that names a text which cannot be read why; the row itself is taken."""
        folder = self.file.folder
        for number, record in enumerate(self.parsed.records):
            if folder is None or not record.path or (why := path_problem(folder, record.path)) is None:
                continue
            reason = f"its text {printable(record.path)[:80]!r} is left out: {why}"
            self.linked.of_record.setdefault(number, Links()).reasons.append(reason)


def _tell(context: JobContext, counts: absorb.PageCounts, linked: Linked, became: Counter[str]) -> None:
    """Add a page to the run's counts, in the words of the report, and its first troubles to its notes."""
    context.count("pages")
    told = {
        what: getattr(counts, what)
        for what in ("seen", "records", "refused", "ignored", "merged", "conflicts", "moved")
    }
    links = {"links_new": linked.new, "links_known": linked.known, "codes_left": len(linked.refusals)}
    for what, value in {**told, **became, **links}.items():
        if value:
            context.count(what, value)
    for refusal in (*counts.refusals[:5], *linked.refusals[:5]):
        context.note(f"{refusal.place}: {refusal.reason}")
    for sentence in counts.conflict_reasons[:5]:
        context.note(f"Kept apart: {sentence}.")


def _keys_before(session: Session, parsed: ParsedPage) -> set[str]:
    """The keys on this page that the list had already when it was last imported."""
    known: set[str] = set()
    for source in {record.source for record in parsed.records}:
        for keys in chunks(sorted({r.key[:255] for r in parsed.records if r.source == source})):
            listed = select(SourceRecord.key).where(col(SourceRecord.source) == source, col(SourceRecord.key).in_(keys))
            known |= set(session.exec(listed))
    return known


def _refuse_file(context: JobContext, file: FileSource, reason: str) -> None:
    runtime = context.runtime
    context.count("files_refused")
    if file.is_missing:
        return
    with runtime.store.writing() as session:
        refusal = Refusal(file.source.name, file.label, reason)
        absorb.add_refusals(session, [refusal], context.run_id, runtime.clock.now())


def try_import(
    runtime: Runtime, files: Sequence[FileSource], report: ImportReport | None = None
) -> tuple[Counter[str], list[Refusal]]:
    """Say in numbers what importing these files would do and what would be refused, and change nothing.

    Raises ``HarvestError`` for a bad file.
    """
    report = report or ImportReport(dry=True)
    told: Counter[str] = Counter()
    refusals: list[Refusal] = []
    for file in files:
        for page in file.source.pages({}):
            parsed = file.source.parse(page)
            with runtime.store.trying() as session:
                parsed = file.prepared(session, runtime, parsed)
                earlier = _keys_before(session, parsed)
                destination = absorb.Destination(None, None, take_emails=file.take_emails)
                counts = absorb.absorb_parsed(session, runtime, page, parsed, destination, None)
                linked = link(session, runtime, parsed, counts.outcomes, file.label)
            became = _Page(file, parsed, counts, linked, earlier).report(report)
            told.update(became, seen=counts.seen, refused=counts.refused, ignored=counts.ignored)
            told.update(merged=counts.merged, conflicts=counts.conflicts)
            refusals += counts.refusals
    return told, refusals
