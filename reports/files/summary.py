"""A report in words: a few sentences, each made of figures of the report and true for none, one and many.

A sentence whose figures a report does not have is left out. Nothing is worked out here: what the sentences say stands in
the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reports.document import Address, Figure, Report, Row
from reports.words import interval, shown

_THIN = "\u202f"
_SEVERAL = 2
"""Projects from which on something can be said of half of them."""


def summary(report: Report) -> Iterator[str]:
    """Yield the sentences, the most important first."""
    yield from report.notes
    for sentence in (
        _published,
        _undecided,
        _others,
        _fixed_age,
        _half,
        _of_those,
        _papers,
        _last_year,
        _citations,
        _used,
        _waiting,
    ):
        if said := sentence(report):
            yield said


def _published(report: Report) -> str:
    """How many projects were observed, and how many of them published."""
    fraction, observed = _at(report, "fraction/now/all/fraction"), _at(report, "fraction/now/all/observed")
    if fraction is None or observed is None:
        return ""
    day = f"By the end of {report.as_of},"
    if not observed.value:
        return f"{day} no project had been observed."
    if observed.value == 1:
        return f"{day} one project had been observed, and it had {'a' if fraction.numerator else 'no'} refereed paper."
    done = f"{_number(fraction.numerator)} of the {_many(observed.value, 'observed project')}"
    return f"{day} {done} had a refereed paper: {_said(report, fraction)}."


def _undecided(report: Report) -> str:
    """What the fraction could be if the certain candidates were accepted: what is not published may be undecided."""
    could, certain = (_at(report, f"bibliography/projects-waiting/all/{one}") for one in ("if-certain", "certain"))
    if could is None or certain is None or not certain.value:
        return ""
    wait = f"{_many(certain.value, 'project')} without a paper {'waits' if certain.value == 1 else 'wait'} with a candidate"
    return f"{wait} of which the matching is certain and that nobody has decided about: accepted, they would make it {_text(report, could)}."


def _others(report: Report) -> str:
    """What became of those that did not publish."""
    silent, within = _at(report, "fraction/now/all/silent"), _at(report, "fraction/now/all/within_time")
    if silent is None or within is None or not (silent.value or within.value):
        return ""
    waiting = f"{_many(within.value or 0, 'project')} without a paper {_is(within)} still within {_its(within)} time"
    if not silent.value:
        return f"No project is silent; {waiting}."
    past = f"{_many(silent.value, 'project')} {_is(silent)} silent: {_its(silent)} time to publish has ended without a paper"
    return f"{past}. {waiting[:1].upper()}{waiting[1:]}." if within.value else f"{past}."


def _fixed_age(report: Report) -> str:
    """The fraction at an age that all who count have reached, and the cycles that have not."""
    figure = _at(report, "fraction/fixed-age/all/y4")
    if figure is None:
        return ""
    if figure.value is None:
        return "No project is four years old yet, so nothing can be said of the share that publishes within four years."
    young = [row.name for row in _rows(report, "fraction/fixed-age") if row.key != "all" and _is_too_young(report, row)]
    left_out = f" {_listed(young)} {'is' if len(young) == 1 else 'are'} not old enough to say." if young else ""
    of = f"{_number(figure.numerator)} of {_number(figure.denominator)}"
    could = _at(report, "bibliography/projects-waiting/all/y4-if-certain")
    is_more = could is not None and could.value is not None and could.value > figure.value
    waits = f" With the certain candidates that wait it would be {_text(report, could)}." if could and is_more else ""
    published = (
        f"Within four years of their first data {_said(report, figure)} of the projects old enough published ({of})."
    )
    return f"{published}{waits}{left_out}"


def _half(report: Report) -> str:
    """When half of all projects had published."""
    half, projects = _at(report, "speed/points-all/delivery/p50"), _at(report, "speed/points-all/delivery/projects")
    if half is None or projects is None or (projects.value or 0) < _SEVERAL:
        return ""
    if half.value is None:
        return "Half of all observed projects have not published yet, so there is no median time to a first paper."
    return (
        f"Half of all observed projects have a first paper within {_said(report, half)} of their first data, counting those "
        "still waiting."
    )


def _of_those(report: Report) -> str:
    """How long it took those that published."""
    half, nearly = (_at(report, f"speed/points-published/delivery/{point}") for point in ("p50", "p95"))
    several = _at(report, "speed/points-published/delivery/projects")
    if half is None or nearly is None or several is None or (several.value or 0) < _SEVERAL:
        return ""
    if half.value is None or nearly.value is None:
        return ""
    return f"Of those that published, half had done so after {_text(report, half)} and 95{_THIN}% after {_text(report, nearly)}."


def _papers(report: Report) -> str:
    """How many papers there are, and of whose data."""
    papers, archive = _at(report, "papers/by-year/all/papers"), _at(report, "papers/by-year/all/archive_share")
    if papers is None:
        return ""
    if not papers.value:
        return "There is no refereed paper yet."
    said = f"{_many(papers.value, 'refereed paper')} {'uses' if papers.value == 1 else 'use'} the observatory’s data"
    if archive is None or archive.value is None:
        return f"{said}."
    return f"{said}; {_text(report, archive)} of those whose teams are known use archive data, alone or beside data of their own."


def _last_year(report: Report) -> str:
    """The papers of the last complete year, and what can still grow."""
    rows = [row for row in _rows(report, "papers/by-year") if row.key.isdigit()]
    complete = [row for row in rows if not _grows(row)]
    if not complete:
        return ""
    last = max(complete, key=lambda row: int(row.key))
    papers = _at(report, f"papers/by-year/{last.key}/papers")
    if papers is None or papers.value is None:
        return ""
    growing = _listed([row.name for row in rows if _grows(row)])
    more = f" Numbers of {growing} can still grow." if growing else ""
    many = _many(papers.value, "refereed paper")
    waiting = _at(report, f"bibliography/papers-waiting/{last.key}/certain")
    if waiting is None or not waiting.value:
        return f"{last.key}, the last complete year, brought {many}.{more}"
    wait = f"{_number(waiting.value)} more {'waits' if waiting.value == 1 else 'wait'} for a decision with a certain candidate"
    return f"{last.key}, the last year that was harvested in full, brought {many}, and {wait}.{more}"


def _citations(report: Report) -> str:
    """How much the papers are cited."""
    total, mean = _at(report, "citations/by-year/all/total"), _at(report, "citations/by-year/all/mean")
    index = _at(report, "citations/by-year/all/h-index")
    if total is None or not total.value or mean is None or mean.value is None or index is None:
        return ""
    return (
        f"They were cited {_many(total.value, 'time')}, {_text(report, mean)} times a paper on average, with an h-index of "
        f"{_text(report, index)}."
    )


def _used(report: Report) -> str:
    """How much of the delivered data was used."""
    hours = _at(report, "data/reach/all/hours_used")
    if hours is None or hours.value is None:
        return ""
    return f"By observing time, {_said(report, hours)} of what was delivered belongs to projects with a refereed paper."


def _waiting(report: Report) -> str:
    """What is not decided, and how far the harvest reaches."""
    count = sum(report.undecided.values())
    reach = (
        f"All sources of papers were harvested through {report.complete_through}"
        if report.complete_through
        else "No source of papers was ever harvested without a hole"
    )
    if not count:
        return f"{reach}, and no candidate waits for a decision."
    return f"{reach}; {_many(count, 'candidate')} {'waits' if count == 1 else 'wait'} for a decision and {'is' if count == 1 else 'are'} counted nowhere."


# -- words ------------------------------------------------------------------------------------------------------------


def _at(report: Report, place: str) -> Figure | None:
    """Return the figure at an address, None where this report has none."""
    try:
        return report.figure(Address(*place.split("/")))
    except KeyError:
        return None


def _rows(report: Report, place: str) -> tuple[Row, ...]:
    theme, table = place.split("/")
    try:
        return report.theme(theme).table(table).rows
    except KeyError:
        return ()


def _is_too_young(report: Report, row: Row) -> bool:
    """Whether a cycle had projects and none of them is four years old."""
    figure, now = _at(report, f"fraction/fixed-age/{row.key}/y4"), _at(report, f"fraction/now/{row.key}/observed")
    return figure is not None and figure.value is None and now is not None and bool(now.value)


def _grows(row: Row) -> bool:
    return row.is_incomplete or any(figure is not None and figure.is_incomplete for figure in row.figures)


def _listed(names: list[str]) -> str:
    """Return names as a list in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def _text(report: Report, figure: Figure) -> str:
    return shown(figure, report.definitions)


def _said(report: Report, figure: Figure) -> str:
    """Return a value with its interval."""
    span = interval(figure, report.definitions)
    if span and figure.high is None:
        return f"{_text(report, figure)} (at least {_text(report, replace(figure, value=figure.low))} by the 95{_THIN}% interval)"
    return f"{_text(report, figure)} (95{_THIN}% interval {span})" if span else _text(report, figure)


def _number(value: float | None) -> str:
    return f"{value or 0:,.0f}".replace(",", _THIN)


def _many(count: float, what: str) -> str:
    return f"{_number(count) if count else 'no'} {what}{'' if count == 1 else 's'}"


def _is(figure: Figure) -> str:
    return "is" if figure.value == 1 else "are"


def _its(figure: Figure) -> str:
    return "its" if figure.value == 1 else "their"
