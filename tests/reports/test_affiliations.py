"""From a harvested affiliation to a region of the report: through absorbing, the value shown, and reading."""

from __future__ import annotations

from datetime import UTC, date, datetime

from biblio.runtime import Runtime
from harvesters.records import HarvestedAuthor, HarvestedRecord
from reports.facts.counted import Counted
from reports.facts.reading import read_facts
from reports.themes import theme_of
from tests.catalogue.records import article, preprint
from tests.catalogue.test_papers import absorb
from tests.factories import accept, add_project, add_user

TODAY = date(2026, 11, 22)
PLACED = (
    HarvestedAuthor("Doe, Jane", "Ring Laboratory, Pasadena, CA 91125; Sterrewacht Leiden, The Netherlands"),
    HarvestedAuthor("Roe, Richard", "Institute of Dust, Tokyo, Japan"),
)


def regions(runtime: Runtime, *records: HarvestedRecord, on: date = TODAY) -> dict[str, int]:
    """Absorb records of one paper month by month, accept it, and return its report's regions that have a paper."""
    for month, record in enumerate(records, start=1):
        told = absorb(runtime.store, record, now=datetime(2026, month, 5, tzinfo=UTC))
    with runtime.store.writing() as session:
        project = add_project(session, "2016.1.00001.S")
        accept(session, add_user(session), told[0].paper_id, project, now=datetime(2026, 1, 6, tzinfo=UTC))
    return counted(runtime, on)


def counted(runtime: Runtime, on: date) -> dict[str, int]:
    """Return the papers by region of a day's report."""
    with runtime.store.reading() as session:
        facts = read_facts(session, runtime.profile, on, today=TODAY)
    table = theme_of(Counted(facts, runtime.profile), "people").table("by-region")
    return {row.key: int(n) for row in table.rows[:-1] if (n := table.figure(row.key, "papers").value)}


def test_the_first_author_s_affiliation_of_ads_reaches_the_report(runtime: Runtime) -> None:
    """arXiv tells none, ADS one for each author: the first of the first author's counts."""
    assert regions(runtime, preprint(is_refereed=True, kind="article"), article(authors=PLACED)) == {"na": 1}


def test_a_report_of_an_earlier_day_knows_what_was_known_then(runtime: Runtime) -> None:
    """Before ADS told where the authors work the country was not known, and stays so in a report of that day."""
    regions(runtime, article(), article(authors=PLACED))
    assert counted(runtime, date(2026, 1, 31)) == {"not-known": 1}
    assert counted(runtime, date(2026, 2, 28)) == {"na": 1}


def test_an_affiliation_that_arxiv_prints_counts_where_there_is_no_other(runtime: Runtime) -> None:
    """Some authors print theirs beside their name in arXiv's answers."""
    author = HarvestedAuthor("Jane Doe", "Institut f\u00fcr Staub, Heidelberg")
    assert regions(runtime, article(source="arxiv", key="2101.00001", bibcode=None, authors=(author,))) == {"eu": 1}
