"""What each number means: name, sentence, numerator, denominator, dates, caveat, and an example to count by hand.

These are data: they stand beside every number on the page, go into every export, and ``docs/indicators.md`` is written
from them. The examples are run by the tests.
"""

from reports.definitions import answers, bibliography, citations, comparison, data, papers, people, projects, speed
from reports.definitions.answers import ANSWERS
from reports.definitions.model import Indicator
from reports.definitions.papers import PAPERS
from reports.definitions.projects import FRACTION, OBSERVED, PUBLISHED, SILENT, WITHIN_TIME

GROUPS: dict[str, tuple[Indicator, ...]] = {
    "Projects and their publication": projects.INDICATORS,
    "Time to publication": speed.INDICATORS,
    "Papers": papers.INDICATORS,
    "Citations": citations.INDICATORS,
    "People and partners": people.INDICATORS,
    "Use of the data": data.INDICATORS,
    "Silent projects and answers": answers.INDICATORS,
    "Comparison": comparison.INDICATORS,
    "State of the bibliography": bibliography.INDICATORS,
}
"""All indicators by theme, in the order of the pages."""

INDICATORS: dict[str, Indicator] = {one.key: one for group in GROUPS.values() for one in group}
"""All indicators by key, in the same order."""

__all__ = [
    "ANSWERS",
    "FRACTION",
    "GROUPS",
    "INDICATORS",
    "OBSERVED",
    "PAPERS",
    "PUBLISHED",
    "SILENT",
    "WITHIN_TIME",
    "Indicator",
]
