"""Renders a report: text table, JSON, CSV, XLSX, HTML, PDF. No arithmetic here; every file names its day and its definitions."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import xlsxwriter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from biblio.errors import RequestRefused
from biblio.paths import template_dir
from biblio.store.answers import CampaignAnswers
from biblio.tables import csv_file
from reports.build import Figure, Origin, Report
from reports.charts import svg
from reports.definitions import INDICATORS

FORMATS = ("table", "json", "csv", "xlsx", "html", "pdf")
"""What ``biblio report --format`` and the page's export links offer."""

HEADER = ("indicator", "of", "value", "numerator", "denominator", "interval low", "interval high", "complete")


def figures(report: Report) -> Iterator[Figure]:
    """Yield every figure of the report in the order of the page."""
    yield from report.headline
    for cycle in report.cycles:
        yield from (cycle.observed, cycle.published, cycle.silent, cycle.within_time, cycle.fraction)
    for year in report.years:
        yield from (*year.by_origin.values(), year.total)


def shown(figure: Figure) -> str:
    """Return a figure as people read it: counts whole, fractions as percent."""
    if figure.denominator is None:
        return f"{figure.value:.0f}"
    return "–" if figure.denominator == 0 else f"{100 * figure.value:.0f} %"


def interval(figure: Figure) -> str:
    """Return a figure's 95 % interval as people read it, or nothing."""
    if figure.low is None or figure.high is None:
        return ""
    return f"{100 * figure.low:.0f}–{100 * figure.high:.0f} %"


def as_table(report: Report, answers: Sequence[CampaignAnswers]) -> str:
    """Return the report as plain text for a terminal."""
    lines = [f"{report.observatory}: what became of the telescope time, as of {report.as_of}", ""]
    lines += [f"  {f.indicator.name:<24} {shown(f):>7}  {interval(f)}".rstrip() for f in report.headline]
    lines += [
        "",
        f"  {'cycle':<12}{'observed':>9}{'published':>11}{'silent':>8}{'in time':>9}{'fraction':>10}   95 % interval",
    ]
    for row in report.cycles:
        counts = f"{shown(row.observed):>9}{shown(row.published):>11}{shown(row.silent):>8}{shown(row.within_time):>9}"
        growing = "  still growing" if row.fraction.is_incomplete else ""
        lines.append(f"  {row.name:<12}{counts}{shown(row.fraction):>10}   {interval(row.fraction)}{growing}")
    used = origins_used(report)
    lines += ["", f"  {'year':<6}" + "".join(f"{o.value:>16}" for o in used) + f"{'papers':>9}"]
    for year in report.years:
        cells = "".join(f"{shown(year.by_origin[o]):>16}" for o in used)
        lines.append(f"  {year.year:<6}{cells}{shown(year.total):>9}{'  running' if year.is_incomplete else ''}")
    for campaign in answers:
        lines += ["", f"  Answers of {campaign.name}: {campaign.answers} answers, {campaign.asked} persons asked"]
        lines += [f"    {count:>4}  {number:>2}. {short}" for number, short, count in campaign.by_reason]
    return "\n".join(lines)


def as_rows(report: Report, answers: Sequence[CampaignAnswers]) -> list[list[object]]:
    """Return one row per figure, as under ``HEADER``; answers last."""
    rows: list[list[object]] = [
        [
            f.indicator.key,
            f.label,
            f.value if f.denominator != 0 else None,
            f.numerator,
            f.denominator,
            f.low,
            f.high,
            "no" if f.is_incomplete else "yes",
        ]
        for f in figures(report)
    ]
    for campaign in answers:
        rows += [
            ["answers", f"{campaign.name}: {number}. {short}", count, count, campaign.answers, None, None, "yes"]
            for number, short, count in campaign.by_reason
        ]
    return rows


@dataclass(frozen=True, slots=True)
class Hidden:
    """Papers under blind second reading, and the projects that these papers are about: counted, and not named."""

    papers: Collection[int] = ()
    projects: Collection[int] = ()


def as_json(report: Report, answers: Sequence[CampaignAnswers], hidden: Hidden | None = None) -> str:
    """Return the report as JSON: figures with the codes or paper ids behind them, but those hidden; definitions beside."""
    hidden = hidden or Hidden()
    codes = {p.id: p.code for p in report.facts.projects.values()}

    def plain(figure: Figure) -> dict[str, Any]:
        is_projects = figure.indicator.rows == "projects"
        unnamed = hidden.projects if is_projects else hidden.papers
        rows = [codes[i] if is_projects else i for i in figure.row_ids if i not in unnamed]
        value = None if figure.denominator == 0 else figure.value
        return {
            "indicator": figure.indicator.key,
            "of": figure.label,
            "value": value,
            "numerator": figure.numerator,
            "denominator": figure.denominator,
            "interval": [figure.low, figure.high] if figure.low is not None else None,
            "complete": not figure.is_incomplete,
            figure.indicator.rows: rows,
        }

    return json.dumps(
        {
            "observatory": report.observatory,
            "as_of": report.as_of.isoformat(),
            "figures": [plain(f) for f in figures(report)],
            "answers": [
                {
                    "campaign": c.name,
                    "asked": c.asked,
                    "answers": c.answers,
                    "by_reason": [{"reason": n, "short": s, "answers": k} for n, s, k in c.by_reason],
                }
                for c in answers
            ],
            "definitions": {
                key: {"name": i.name, "sentence": i.sentence, "dates": i.dates, "caveat": i.caveat}
                for key, i in INDICATORS.items()
            },
        },
        ensure_ascii=False,
        indent=1,
    )


def as_csv(report: Report, answers: Sequence[CampaignAnswers]) -> str:
    """Return one line per figure (RFC 4180, UTF-8); no cell of it is run as a formula."""
    return csv_file([*HEADER, f"as of {report.as_of}"], as_rows(report, answers)).decode()


def origins_used(report: Report) -> list[Origin]:
    """Return the origins that any paper of the report has, in their order."""
    return [o for o in Origin if any(row.by_origin[o].value for row in report.years)]


def as_html(report: Report, answers: Sequence[CampaignAnswers]) -> str:
    """Return the report as one page with its pictures inside, for paper and for mail."""
    environment = Environment(
        loader=FileSystemLoader(template_dir()), autoescape=select_autoescape(), undefined=StrictUndefined
    )

    def picture(name: str) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(svg(report, name).encode()).decode()

    return environment.get_template("reports/print.html").render(
        report=report,
        answers=answers,
        indicators=INDICATORS,
        origins=origins_used(report),
        shown=shown,
        interval=interval,
        picture=picture,
    )


def can_write_pdf() -> bool:
    """Whether the extra ``pdf`` is installed."""
    return find_spec("weasyprint") is not None


def as_pdf(report: Report, answers: Sequence[CampaignAnswers]) -> bytes:
    """Return the report as PDF. Raises ``RequestRefused`` where the extra ``pdf`` is not installed."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:
        raise RequestRefused(
            "A PDF needs the extra `pdf`: pip install --require-hashes -r requirements/pdf.txt, "
            "and the system's Pango (Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0)."
        ) from error
    written: bytes = HTML(string=as_html(report, answers)).write_pdf()
    return written


def as_xlsx(report: Report, answers: Sequence[CampaignAnswers]) -> bytes:
    """Return a workbook: figures, and the definitions of all of them."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet("figures")
    sheet.write_row(0, 0, [f"{report.observatory}, as of {report.as_of}"], bold)
    sheet.write_row(1, 0, HEADER, bold)
    for number, row in enumerate(as_rows(report, answers), start=2):
        sheet.write_row(number, 0, row)
    sheet.autofit()
    meaning = book.add_worksheet("definitions")
    meaning.write_row(
        0, 0, ("indicator", "name", "definition", "numerator", "denominator", "dates", "caveat", "example"), bold
    )
    for number, i in enumerate(INDICATORS.values(), start=1):
        meaning.write_row(
            number, 0, (i.key, i.name, i.sentence, i.numerator, i.denominator, i.dates, i.caveat, i.example)
        )
    book.close()
    return out.getvalue()
