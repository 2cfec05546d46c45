"""The whole report as a file, live or frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Response, url_for

from biblio.errors import NotFound
from biblio.printing import can_write_pdf
from biblio.webkit import XLSX, file_response
from reports.document import Report
from reports.files.paper import as_pdf
from reports.files.plain import as_csv, as_json
from reports.files.workbook import as_xlsx
from reports.pages.shown import Shown, shown_of
from reports.snapshots.hiding import without_hidden

Written = Callable[[Report, str], str | bytes]
"""Writes a report as a file, given the address of its pages."""

KINDS: Mapping[str, tuple[Written, str]] = {
    "pdf": (as_pdf, "application/pdf"),
    "xlsx": (as_xlsx, XLSX),
    "csv": (lambda report, _: as_csv(report), "text/csv"),
    "json": (lambda report, _: as_json(report), "application/json"),
}
"""The files that a report is offered as: what writes each, and its media type."""


def kinds() -> list[str]:
    """Return what a report is offered as here."""
    return [kind for kind in KINDS if kind != "pdf" or can_write_pdf()]


def export(kind: str, snapshot: int | None = None) -> Response:
    """Give the whole report as a file, in which nothing is named that a second reader is to judge unseen."""
    if kind not in KINDS:
        raise NotFound(f"A report is given as {', '.join(KINDS)}.")
    shown = shown_of(snapshot)
    report = without_hidden(shown.live.whole() if shown.live else _report(shown), shown.hidden)
    write, mimetype = KINDS[kind]
    name = f"report-{report.as_of}{f'-snapshot-{snapshot}' if snapshot else ''}{'-part' if shown.chosen else ''}.{kind}"
    asked = {} if snapshot else {"as_of": report.as_of.isoformat(), **shown.query}
    base = url_for("reports.index", snapshot=snapshot, **asked, _external=True)
    return file_response(write(report, base), name, mimetype)


def _report(shown: Shown) -> Report:
    assert isinstance(shown.report, Report)
    return shown.report
