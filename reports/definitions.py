"""What each number means: name, sentence, numerator, denominator, dates, caveat, and an example to count by hand.

These are data: they stand beside every number on the page, go into every export, and ``docs/indicators.md`` is written
from them. The examples are run by the tests.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number of the report. ``rows`` says what stands behind it: "projects", "papers" or "" (nothing may)."""

    key: str
    name: str
    sentence: str
    unit: str
    numerator: str
    denominator: str
    dates: str
    caveat: str
    example: str
    rows: str


OBSERVED = Indicator(
    key="observed",
    name="Projects observed",
    sentence="PI projects of which at least one observation unit had been delivered.",
    unit="projects",
    numerator="PI projects with a delivered unit",
    denominator="",
    dates="Delivery on or before the report's day, as known on that day; a unit without a delivery date counts once its data are released.",
    caveat="Science verification, engineering and calibration projects are not PI projects and are not counted.",
    example="Three projects: one with two delivered units, one with a unit still to come, one science verification. Observed: 1.",
    rows="projects",
)

PUBLISHED = Indicator(
    key="published",
    name="Projects published",
    sentence="Observed projects with at least one accepted link to a refereed paper that is science with our data.",
    unit="projects",
    numerator="observed projects with such a link",
    denominator="",
    dates="Links and relations as decided by the end of the report's day.",
    caveat="What librarians have not decided yet does not count, however certain the machine is.",
    example="Two observed projects; one has an accepted refereed paper, the other only a preprint. Published: 1.",
    rows="projects",
)

SILENT = Indicator(
    key="silent",
    name="Projects silent",
    sentence="Observed projects whose grace period has ended and which no paper keeps off the list.",
    unit="projects",
    numerator="observed projects past the grace period without a paper that counts",
    denominator="",
    dates="The grace period runs from the last usable release date of the project's units, in calendar years, once observing has ended; a project from which more deliveries are expected, or without a usable release date, is not silent yet.",
    caveat="A refereed paper, or a young preprint that is science with our data, keeps a project off the list. Whether its PI is asked has further conditions, shown on the campaigns' pages.",
    example="Last release 2020-02-29, grace two years, no paper: silent from 2022-03-01 on.",
    rows="projects",
)

WITHIN_TIME = Indicator(
    key="within_time",
    name="Projects within their time",
    sentence="Observed projects that are neither published nor silent.",
    unit="projects",
    numerator="observed projects without a refereed paper whose grace period is running, or that a young preprint keeps off the silent list",
    denominator="",
    dates="As for projects silent.",
    caveat="Published, silent and within their time add up to observed.",
    example="Last release last month, no paper: within its time.",
    rows="projects",
)

FRACTION = Indicator(
    key="publication_fraction",
    name="Publication fraction",
    sentence="Published projects over observed projects, with its 95 % Wilson interval.",
    unit="fraction of projects",
    numerator="published projects",
    denominator="observed projects",
    dates="Both as known on the report's day.",
    caveat="Young cycles are low because papers take years; their bars are hatched while a project without a paper is within its time.",
    example="2 of 4 projects published: 0.50, interval 0.15 to 0.85.",
    rows="projects",
)

PAPERS = Indicator(
    key="papers",
    name="Papers",
    sentence="Refereed papers that are science with our data and have at least one accepted link.",
    unit="papers",
    numerator="such papers, preprint and article counted once",
    denominator="",
    dates="Accepted by the end of the report's day.",
    caveat="Mentions, proceedings, theses and engineering papers are not counted.",
    example="One article with its preprint, linked to two projects: 1 paper.",
    rows="papers",
)

PAPERS_BY_YEAR = Indicator(
    key="papers_by_year",
    name="Papers per year by origin of the data",
    sentence="Papers by year of publication: PI data, archive data, or both.",
    unit="papers per year",
    numerator="papers of that year and origin",
    denominator="",
    dates="Year of the journal's issue; of the first preprint where the journal's is unknown.",
    caveat="A project counts as PI data when any author of the paper is its PI or a co-I; a paper has PI data when that holds for all its projects, archive data when for none, both otherwise. Where a project lists no team the origin is unknown. The running year is incomplete.",
    example="A paper by Ahn and Berg on Ahn's project and on Cole's: PI and archive data.",
    rows="papers",
)

ANSWERS = Indicator(
    key="answers",
    name="Answers by reason",
    sentence="Answers to the project status questionnaire of closed campaigns, by reason, in the order of the chain.",
    unit="answers",
    numerator="answers that chose the reason",
    denominator="all answers of the campaign",
    dates="The campaign's; answers carry no date of their own.",
    caveat="Nothing stands behind these numbers: answers belong to nobody. Campaigns with few answers show only their total.",
    example="Ten answers, three of them reason 9: 3 of 10.",
    rows="",
)

INDICATORS: dict[str, Indicator] = {
    i.key: i for i in (OBSERVED, PUBLISHED, SILENT, WITHIN_TIME, FRACTION, PAPERS, PAPERS_BY_YEAR, ANSWERS)
}
"""All indicators by key, in the order of the page."""
