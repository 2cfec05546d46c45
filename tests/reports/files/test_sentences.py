"""What a report says in words is right however little there is: none, one, one cycle, nothing dated, nothing cited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.document import Report
from reports.files import charts
from reports.files.plain import as_table
from reports.files.summary import summary
from tests.reports.facts_made import AS_OF, appeared, counted, paper, project, unit
from tests.reports.files.made import of

WRONG = (
    (
        re.compile(
            r"(?<![\d.,\u202f])(?<!\d of )1 (?:\w+ )?(?:projects|papers|times|candidates|years|rows|curves|points|cycles|hours)\b"
        ),
        "one of many",
    ),
    (re.compile(r"\bnan\b|\binf\b|\bNone\b|\bNaN\b"), "no number"),
    (re.compile(r"\b(?:\d*[02-9]|1\d) (?:project|paper|candidate|time|row|curve|point)\b(?!s| )"), "many of one"),
    (re.compile(r"  |\.\.(?!\.)| [.,;:!?]|\(\)|,\s*,"), "a gap"),
    (re.compile(r"\b(?:no|0) of (?:the )?(?:no|0)\b"), "a share of nothing"),
    (re.compile(r"-\d+(?:\.\d+)?\u202f%"), "a negative share"),
    (re.compile(r"\{|\}|<|\\"), "what was not filled in"),
)

SOMETIMES = st.sampled_from((None, date(2013, 5, 1), date(2017, 5, 1), date(2026, 1, 5)))
PROJECT = st.fixed_dictionaries(
    {
        "delivered": SOMETIMES,
        "released": SOMETIMES,
        "hours": st.sampled_from((None, 0.0, 2.0)),
        "cycle": st.sampled_from(("2016.1", "2025.1")),
    }
)
PAPER = st.fixed_dictionaries(
    {
        "on": st.sampled_from((None, date(2014, 3, 1), date(2019, 3, 1), AS_OF)),
        "citations": st.sampled_from((None, 0, 1, 70)),
    }
)


SMALL = st.fixed_dictionaries(
    {
        "projects": st.lists(PROJECT, max_size=3),
        "papers": st.lists(st.tuples(PAPER, st.integers(0, 2)), max_size=3),
        "through": st.sampled_from((None, AS_OF, date(2025, 1, 1))),
        "undecided": st.sampled_from(({}, {"certain": 1}, {"certain": 0, "likely": 2})),
    }
)
"""A very small observatory: up to three projects and papers, of one cycle or two, with gaps."""


def _report(small: dict[str, Any]) -> Report:
    projects = [_project(n, **one) for n, one in enumerate(small["projects"], start=1)]
    of_project = [(one, 1 + place % len(projects)) for one, place in small["papers"]] if projects else []
    papers = [_paper(n, **one) for n, (one, _) in enumerate(of_project, start=1)]
    links = [(n, place) for n, (_, place) in enumerate(of_project, start=1)]
    made = of(counted(projects, papers, links, complete_through=small["through"]))
    return replace(made, undecided=small["undecided"])


def _project(number: int, delivered: date | None, released: date | None, hours: float | None, cycle: str) -> Any:
    units = (unit(number, delivered=delivered, released=released, hours=hours),)
    return project(number, cycle=cycle, code=f"{cycle}.{number:05d}.S", units=units)


def _paper(number: int, on: date | None, citations: int | None) -> Any:
    if on is None:
        undated = {"year": None, "published_on": None, "published_precision": None, "preprint_on": None}
        return paper(number, citations=citations, **undated)
    return appeared(number, on, citations=citations)


def _said(report: Report) -> Iterator[str]:
    yield from summary(report)
    for theme in report.themes:
        for table in theme.tables:
            yield from (table.title, table.says, *table.notes)
            for row in table.rows:
                yield from (row.says, row.backlog, *(figure.note for figure in row.figures if figure))
            for chart in table.charts:
                yield from (chart.title, charts.described(table, chart, report.definitions))


@given(SMALL)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_no_sentence_is_wrong_of_a_small_observatory(small: dict[str, Any]) -> None:
    """Summary, titles, captions, notes and descriptions: singular of one, no unfilled words, no share of nothing."""
    report = _report(small)
    for sentence in _said(report):
        for pattern, what in WRONG:
            found = pattern.search(sentence)
            assert found is None, f"{what}: {found and found[0]!r} in {sentence!r}"
    for sentence in summary(report):
        assert sentence[0].isupper() or sentence.startswith("biblio") or sentence[0].isdigit()
        assert sentence.endswith(".")
    assert "None" not in as_table(report)
    assert "nan" not in as_table(report)
