"""Totals of campaigns of before: read by campaign or not at all, stored once, and shown as their source gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import col, select

from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.answers import answers_of_closed_campaigns
from biblio.store.models import AuditEntry, Campaign, PastTotal
from survey.box.closing import close_overdue
from survey.campaigns import State, state_of
from survey.earlier.past import import_past, read_past
from survey.earlier.tables import Table, read_table
from survey.results.figures import results_of
from tests.survey.people import make_campaign

HEADER = (
    "campaign,closed_on,question,choice,answers,questionnaires_sent,questionnaires_completed,persons_asked,"
    "persons_answered,incomplete"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a file of totals is written."""
    return tmp_path / "totals.csv"


def table(file: Path, *lines: str, header: str = HEADER) -> Table:
    """Write and read a file of totals."""
    file.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return read_table(file)


def store(runtime: Runtime, read: Table) -> tuple[dict[str, int], list[str]]:
    """Take a file over; return what was counted and all that was refused."""
    campaigns, refused = read_past(read, runtime.profile)
    with runtime.store.writing() as session:
        counts, differing = import_past(session, runtime, campaigns, source=read.name)
    return dict(counts), [*refused, *differing]


def test_published_figures_come_out_as_published(runtime: Runtime, file: Path) -> None:
    """616 asked, 185 answers, 32 incomplete: 24.8 % of the persons; 965 of 1,278 questionnaires: 75.5 %."""
    read = table(
        file,
        "Users 2018,2018-02-28,,,,,,616,185,32",
        "Silent programmes,2017-05-31,status,3,600,1278,965,,,",
        "Silent programmes,2017-05-31,,9,365,,,,,",
    )
    assert store(runtime, read) == ({"new": 2, "known": 0}, [])
    with runtime.store.reading() as session:
        figures = {one.name: one for one in answers_of_closed_campaigns(session)}
        campaign = session.exec(select(Campaign).where(col(Campaign.name) == "Users 2018")).one()
        shown = results_of(session, campaign, runtime.clock.today())
    users, silent = figures["Users 2018"], figures["Silent programmes"]
    assert users.whole.people.words.replace("\u202f", " ") == "153 of 616 (24.8 %)"
    assert users.incomplete == 32
    assert silent.whole.questionnaires.words.replace("\u202f", " ") == "965 of 1 278 (75.5 %)"
    assert [(number, count) for number, _short, count in silent.by_reason if count] == [(3, 600), (9, 365)]
    assert silent.source == "totals.csv"
    assert shown is not None


def test_a_campaign_of_before_is_closed_and_has_no_key(runtime: Runtime, file: Path) -> None:
    """It stands as closed on its day, no job opens a box for it, and the audit log says that it was taken over."""
    store(runtime, table(file, "2015 spring,2015-06-30,status,9,40,100,40,90,38,"))
    with runtime.store.reading() as session:
        campaign = session.exec(select(Campaign)).one()
        assert state_of(campaign, runtime.clock.today()) is State.CLOSED
        assert campaign.public_key == ""
        assert campaign.questionnaire["version"] == runtime.profile.questionnaire.version
        assert session.exec(select(AuditEntry)).one().action == "campaign taken over"
    assert close_overdue(runtime) == []


def test_a_second_run_adds_nothing_and_a_differing_one_is_refused(runtime: Runtime, file: Path) -> None:
    """The same file changes nothing; another total is named with what stood before, and what was stored stays."""
    lines = ["2015,2015-06-30,,9,40,100,46,90,38,", "2015,2015-06-30,,3,5,,,,,"]
    store(runtime, table(file, *lines))
    assert store(runtime, table(file, *lines)) == ({"new": 0, "known": 1}, [])
    changed = [lines[0].replace(",100,", ",101,"), lines[1].replace(",5,", ",6,")]
    counts, refused = store(runtime, table(file, *changed))
    assert counts == {"new": 0, "known": 0}
    assert len(refused) == 1
    assert "questionnaires_sent is 100, now 101" in refused[0]
    assert "choice 3 of status is 5, now 6" in refused[0]
    with runtime.store.reading() as session:
        totals = {row.choice: row.answers for row in session.exec(select(PastTotal))}
    assert totals == {9: 40, 3: 5}


def test_a_name_of_ours_is_refused(runtime: Runtime, file: Path) -> None:
    """A campaign that was run here is never taken for one of before."""
    make_campaign(runtime, name="2026 autumn")
    counts, refused = store(runtime, table(file, "2026 autumn,2020-01-01,,3,9,,,,,"))
    assert counts["new"] == 0
    assert "a campaign of ours" in refused[0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A,2015-06-30,status,13,5,,,,,", "no choice 13"),
        ("A,2015-06-30,status,0,5,,,,,", "no choice 0"),
        ("A,2015-06-30,comment,1,5,,,,,", "no question with choices"),
        ("A,2015-06-30,weather,1,5,,,,,", "'weather'"),
        ("A,2015-06-30,,3,-5,,,,,", "no whole number"),
        ("A,2015-06-30,,3,1e3,,,,,", "no whole number"),
        ("A,2015-06-30,,3,,,,,,", "no whole number"),
        ("A,2015-06-30,,3,99999999999,,,,,", "no whole number"),
        ("A,30.6.2015,,3,5,,,,,", "write it like 2015-03-01"),
        ("A,2016-06-30,,4,5,,,,,", "closed on 2015-06-30 by an earlier row"),
        ("A,2015-06-30,,4,5,101,,,,", "questionnaires_sent of A is 100 by an earlier row"),
        ("A,2015-06-30,,9,5,,,,,", "stands in an earlier row"),
        (",2015-06-30,,9,5,,,,,", "needs a name"),
        ("A,2015-06-30,,4,5,,101,,,", "cannot be more than questionnaires_sent"),
        ("A,2015-06-30,,4,5,,4,,,", "cannot be more than questionnaires_completed"),
        ("A,2015-06-30,,4,5,,,10,11,", "cannot be more than persons_asked"),
        ("A,2015-06-30,,4,5,,,10,3,4", "cannot be more than persons_answered"),
    ],
)
def test_what_cannot_be_is_named_and_spoils_its_campaign_only(
    sqlite_runtime: Runtime, file: Path, line: str, words: str
) -> None:
    """Each fault is a sentence with its line; its campaign is left out as a whole, the others are stored."""
    read = table(file, "A,2015-06-30,,9,40,100,,,,", "B,2016-06-30,,9,40,,,,,", line)
    counts, refused = store(sqlite_runtime, read)
    assert any(words in sentence for sentence in refused)
    assert counts["new"] == (2 if line.startswith(",") else 1)
    with sqlite_runtime.store.reading() as session:
        names = {row.name for row in session.exec(select(Campaign))}
    assert names == ({"A", "B"} if line.startswith(",") else {"B"})


def test_files_that_are_none_change_nothing(sqlite_runtime: Runtime, file: Path) -> None:
    """A column that lacks, a day still to come, no figure at all, a file that breaks off: nothing of it is stored."""
    with pytest.raises(RequestRefused, match="lacks the column answers"):
        read_past(table(file, "A,2015-06-30,3", header="campaign,closed_on,choice"), sqlite_runtime.profile)
    assert "still to come" in store(sqlite_runtime, table(file, "A,2099-06-30,,3,9,,,,,"))[1][0]
    assert "no figure is given" in store(sqlite_runtime, table(file, "A,2015-06-30,,,,,,,,"))[1][0]
    broken = table(file, "A,2015-06-30,,3,9,,,,,", '"B,2015-06-30,,3')
    assert "not read" in store(sqlite_runtime, broken)[1][0]
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(Campaign)).all() == []


def test_a_name_that_cannot_be_printed_is_refused(runtime: Runtime, file: Path) -> None:
    """Control characters, which would reach terminals and which PostgreSQL partly cannot store, are named and left out."""
    counts, refused = store(runtime, table(file, "A\x1b[31m,2015-06-30,,4,5,,,,,", "B,2015-06-30,,4,5,,,,,"))
    assert counts["new"] == 1
    assert "all of which can be printed" in refused[0]
