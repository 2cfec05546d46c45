"""Results as files and as text: one row per figure (CSV, XLSX), JSON, a page on paper (PDF), lines for a terminal.

No arithmetic here, and nothing that is not on the page: what is withheld there has no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from textwrap import wrap
from typing import Any

from biblio.charts import drawn
from biblio.printing import html_page, pdf_file, picture_address
from biblio.rounding import percents as rounded
from biblio.store.answers import GROUPS, Part
from survey.results.figures import Comparison, Line, Results, both_rates

HEADER = (
    "campaign", "wording", "part", "figure", "number", "name", "value", "of", "share",
    "interval low", "interval high", "least", "most",
)  # fmt: skip
"""``of`` is what the share is of; the interval and the bounds are shares of all who were asked."""

COLOURS = {
    "published": "#0072B2",
    "data": "#D55E00",
    "science": "#009E73",
    "resources": "#E69F00",
    "other": "#999999",
}
"""One colour for each of the five groups in every picture, from the Okabe–Ito set, which the colour-blind tell apart."""

NOTE = (
    "Everybody was asked, so the answers are no sample: what is uncertain is what the silent would have said. The "
    "interval (Wilson, 95 %, with finite-population correction) holds if those who answered are like a random draw of "
    "those asked, which nobody knows. The bounds assume nothing: as if all the silent had chosen something else, or "
    "all had chosen just this."
)
"""What interval and bounds are; stands wherever they do."""


def rows(results: Iterable[Results]) -> Iterator[list[object]]:
    """Yield one row per figure of each campaign, as under ``HEADER``."""
    for each in results:
        figures = each.figures
        start = [figures.name, figures.version]
        yield from ([*start, *row] for row in _part("campaign", figures.whole))
        for figure, lines in (("reason", each.reasons), ("group", each.groups)):
            yield from ([*start, "campaign", *row] for row in _lines(figure, lines, each.counted))
        for question in each.asked:
            yield from ([*start, "campaign", *row] for row in _lines(question.key, question.lines, each.counted))
        for stratum in each.strata:
            answers = stratum.part.answers(figures.status)
            yield from ([*start, *row] for row in _part(stratum.part.name, stratum.part))
            for figure, lines in (("reason", stratum.reasons), ("group", stratum.groups)):
                yield from ([*start, stratum.part.name, *row] for row in _lines(figure, lines, answers))


def _part(name: str, part: Part) -> Iterator[list[object]]:
    for words, rate in both_rates(part).items():
        yield [name, "rate", None, words, rate.completed, rate.asked, rate.share, *[None] * 4]
    yield [name, "bounced", None, "Persons whom no letter reached", part.bounced, part.persons, *[None] * 5]


def _lines(figure: str, lines: Sequence[Line], of: int) -> Iterator[list[object]]:
    for line in lines:
        span = [line.span.low, line.span.high, line.span.least, line.span.most] if line.span else [None] * 4
        yield [figure, line.number or None, line.label, line.count, of, line.share, *span]


def plain(results: Results) -> dict[str, Any]:
    """Return a campaign's results as plain data for JSON; unknown numbers are null, withheld ones absent."""
    figures = results.figures
    return {
        "campaign": figures.name,
        "standing": figures.standing.value,
        "sentence": " ".join(filter(None, (results.headline, results.sentence))),
        "began_on": figures.began_on.isoformat() if figures.began_on else None,
        "closed_on": figures.closed_on.isoformat() if figures.closed_on else None,
        "wording": figures.version,
        "source": figures.source or None,
        **_plain_part(figures.whole),
        "incomplete": figures.incomplete,
        "answers": results.counted,
        "reasons": [_plain_line(line) for line in results.reasons],
        "groups": [_plain_line(line) for line in results.groups],
        "questions": {each.key: [_plain_line(line) for line in each.lines] for each in results.asked},
        "counted_by": figures.stratify_by,
        "strata": [
            {
                "name": each.part.name,
                **_plain_part(each.part),
                "reasons": [_plain_line(line) for line in each.reasons],
                "groups": [_plain_line(line) for line in each.groups],
            }
            for each in results.strata
        ],
        "note": NOTE,
    }


def _plain_part(part: Part) -> dict[str, Any]:
    return {
        "questionnaires": {"completed": part.completed, "sent": part.projects, "rate": part.questionnaires.share},
        "persons": {"answered": part.persons_answered, "asked": part.persons, "rate": part.people.share},
        "bounced": part.bounced,
    }


def _plain_line(line: Line) -> dict[str, Any]:
    span = line.span
    return {
        **({"number": line.number} if line.number else {}),
        "name": line.label,
        "group": line.group or None,
        "answers": line.count,
        "share": line.share,
        "interval": [span.low, span.high] if span else None,
        "bounds": [span.least, span.most] if span else None,
    }


def text(results: Results) -> str:
    """Return a campaign's results for a terminal."""
    figures = results.figures
    lines = [" ".join([f"{figures.name}:", *filter(None, (results.headline, results.sentence))])]
    lines += [f"  {words:<52} {rate.words}" for words, rate in both_rates(figures.whole).items()]
    if figures.whole.bounced is not None:
        lines.append(f"  {'Persons whom no letter reached':<52} {figures.whole.bounced}")
    if results.reasons:
        lines += ["", f"  {'':>3}  {'answers':>7}  {'share':>6}  {'interval':>11}  {'bounds':>11}"]
        lines += [_text_line(line) for line in (*results.reasons, *results.groups)]
        lines += [_text_line(line) for question in results.asked for line in question.lines]
    for stratum in results.strata:
        people = stratum.part.people.words
        groups = ", ".join(f"{line.label} {line.count}" for line in stratum.groups)
        lines += ["", f"  {stratum.part.name}: persons {people}", f"    {groups}"]
    if any(line.span for line in results.reasons):
        lines += ["", f"  {NOTE}"]
    return "\n".join(lines)


def _text_line(line: Line) -> str:
    span = line.span
    by_chance = percents(span.low, span.high) if span else ""
    at_worst = percents(span.least, span.most) if span else ""
    number = str(line.number) if line.number else ""
    return f"  {number:>3}  {line.count:>7}  {percent(line.share):>6}  {by_chance:>11}  {at_worst:>11}  {line.label}"


def percent(share: float) -> str:
    """Return a share as people read it."""
    return f"{rounded(share)} %"


def percents(low: float, high: float) -> str:
    """Return a range of shares as people read it."""
    return f"{rounded(low)}–{rounded(high)} %"


def _began(results: Results) -> str:
    figures = results.figures
    if figures.is_past:
        return f"closed {figures.closed_on or 'on a day not known'}"
    return f"asked from {figures.began_on}"


def compared_text(comparison: Comparison) -> str:
    """Return campaigns side by side for a terminal: rates, the five groups, then reasons per wording."""
    lines = []
    for number, each in enumerate(comparison.results, start=1):
        whole = each.figures.whole
        lines.append(f"  [{number}] {each.figures.name} ({_began(each)}), wording {each.figures.version}")
        lines += [f"      {words}: {rate.words}" for words, rate in both_rates(whole).items()]
    numbers = {id(each): number for number, each in enumerate(comparison.results, start=1)}
    lines += ["", f"  {'share of the answers':<34}" + "".join(f"{f'[{n}]':>8}" for n in numbers.values())]
    for name, row in comparison.groups:
        cells = "".join(f"{percent(line.share) if line else '–':>8}" for line in row)
        lines.append(f"  {name:<34}{cells}")
    for wording in comparison.wordings:
        heads = "".join(f"{f'[{numbers[id(each)]}]':>8}" for each in wording.results)
        together = f"{'together':>10}" if wording.together else ""
        lines += ["", f"  {f'answers, wording {wording.label}':<34}{heads}{together}"]
        for choice, counts, total in wording.rows:
            cells = "".join(f"{count if count is not None else '–':>8}" for count in counts)
            first, *more = wrap(f"{choice.number}. {choice.short}", 33, subsequent_indent="    ")
            lines.append(f"  {first:<34}{cells}" + (f"{total:>10}" if together else ""))
            lines += [f"  {rest}" for rest in more]
    return "\n".join(lines)


# -- pictures and paper -----------------------------------------------------------------------------------------------


def chart(results: Results, theme: str = "light") -> str:
    """Draw the answers by reason, coloured by group. Raises ``KeyError`` for a theme there is not."""
    top = max(results.reasons, key=lambda line: line.count)
    described = f"Most often: {top.label}, {top.count} of {results.counted}. The table beside it holds all numbers."
    return drawn(_spec(results), theme, title=f"{results.figures.name}: answers by reason", description=described)


def _spec(results: Results) -> dict[str, Any]:
    values = [
        {
            "reason": f"{line.number}. {line.label}",
            "answers": line.count,
            "group": GROUPS[line.group],
            "said": f"{line.count} ({percent(line.share)})",
        }
        for line in results.reasons
    ]
    used = [key for key in GROUPS if any(line.group == key for line in results.reasons)]
    y = {
        "field": "reason",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 260, "labelFontSize": 13, "ticks": False, "domain": False},
    }
    x = {
        "field": "answers",
        "type": "quantitative",
        "title": "answers",
        "axis": {"tickMinStep": 1, "tickCount": 5},
    }
    bars = {"mark": {"type": "bar", "height": {"band": 0.72}}, "encoding": {"x": x, "y": y, "color": _colour(used)}}
    numbers = {
        "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 12},
        "encoding": {"x": x, "y": y, "text": {"field": "said"}},
    }
    room = {
        "left": 40,
        "right": 30,
        "top": 5,
        "bottom": 5,
    }  # fonts of browsers are wider than those it is laid out with
    return {"data": {"values": values}, "layer": [bars, numbers], "width": 300, "height": {"step": 26}, "padding": room}


def _colour(groups: Sequence[str]) -> dict[str, Any]:
    """Return the colours of groups, and their legend above the picture."""
    return {
        "field": "group",
        "type": "nominal",
        "sort": None,
        "title": None,
        "scale": {"domain": [GROUPS[key] for key in groups], "range": [COLOURS[key] for key in groups]},
        "legend": {"orient": "top", "columns": 3, "labelFontSize": 13},
    }


def compared_chart(comparison: Comparison, theme: str = "light") -> str:
    """Draw the five groups of each campaign that shows them, as shares. Raises ``KeyError`` for a theme there is not."""
    shown = [each for each in comparison.results if each.groups]
    values = [
        {"campaign": each.figures.name, "group": line.label, "share": line.share, "order": order}
        for each in shown
        for order, line in enumerate(each.groups)
    ]
    bars = {
        "mark": {"type": "bar", "width": {"band": 0.7}},
        "encoding": {
            "x": {
                "field": "campaign",
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {"labelAngle": 0 if len(shown) < 6 else -40, "labelLimit": 160, "labelFontSize": 12},
            },
            "y": {
                "field": "share",
                "type": "quantitative",
                "title": "share of the answers",
                "scale": {"domain": [0, 1]},
                "axis": {"format": ".0%", "tickCount": 5},
            },
            "color": _colour(list(GROUPS)),
            "order": {"field": "order"},
        },
    }
    spec = {"data": {"values": values}, **bars, "width": 500, "height": 240}
    described = f"{len(shown)} campaigns, oldest first. The table below it holds the same numbers."
    return drawn(spec, theme, title="The five groups in all campaigns", description=described)


@dataclass(frozen=True, slots=True)
class Made:
    """What the first page of a paper says of itself: whose figures these are, and when it was made."""

    observatory: str
    on: date


def as_pdf(results: Results, made: Made) -> bytes:
    """Return a campaign's results as PDF. Raises ``RequestRefused`` where the extra ``pdf`` is not installed."""
    picture = picture_address(chart(results)) if results.reasons else ""
    return pdf_file(printed([results], made, picture))


def compared_pdf(comparison: Comparison, made: Made) -> bytes:
    """Return campaigns side by side as PDF. Raises ``RequestRefused`` where the extra ``pdf`` is not installed."""
    picture = picture_address(compared_chart(comparison)) if any(each.groups for each in comparison.results) else ""
    return pdf_file(printed(comparison.results, made, picture, comparison))


def printed(results: Sequence[Results], made: Made, picture: str, comparison: Comparison | None = None) -> str:
    """Return the page that is put on paper: of one campaign, or of all in ``comparison``."""
    values = {"picture": picture, "comparison": comparison, "observatory": made.observatory, "made_on": made.on}
    return html_page("survey/print.html", **page_values(results), **values)


def page_values(results: Sequence[Results]) -> dict[str, Any]:
    """Return what the templates of results need beside the results themselves."""
    return {"results": results, "note": NOTE, "both_rates": both_rates, "percent": percent, "percents": percents}
