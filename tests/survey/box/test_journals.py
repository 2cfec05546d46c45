"""Journals that answers name reach the librarians as bare names, and only when the ballot box is opened."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import SQLModel, select

from biblio.runtime import Runtime
from biblio.store.models import JournalSuggestion
from biblio.store.words import SuggestionOrigin
from survey.questionnaire import Filled
from tests.survey.people import answer_all, let_it_end, make_campaign, open_and_send, said, tokens_of


def _closed(runtime: Runtime, answers: list[Filled]) -> list[JournalSuggestion]:
    campaign = make_campaign(runtime, projects=len(answers))
    open_and_send(runtime, campaign)
    answer_all(runtime, tokens_of(runtime, campaign), answers)
    with runtime.store.reading() as session:
        assert session.exec(select(JournalSuggestion)).all() == []
    let_it_end(runtime, campaign)
    with runtime.store.reading() as session:
        return list(session.exec(select(JournalSuggestion)))


def test_a_released_answer_suggests_its_journal(runtime: Runtime) -> None:
    """Names that came twice count twice; a journal that we read suggests nothing; the comment goes nowhere."""
    found = _closed(
        runtime,
        [
            said(1, "Annals of the Southern Sky", "A comment nobody passes on."),
            said(1, "annals of southern sky"),
            said(1, "ApJ"),
            said(1),
            said(10, "Journal of other facilities"),
            said(12, "Journal of another word"),
        ],
    )
    assert [(s.name, s.times, s.origin) for s in found] == [
        ("Annals of the Southern Sky", 2, SuggestionOrigin.QUESTIONNAIRE)
    ]


def test_too_few_answers_suggest_nothing(runtime: Runtime) -> None:
    """Where ballots are destroyed unread, no journal comes out of them either."""
    assert _closed(runtime, [said(1, "Annals of the Southern Sky")] * 4) == []


def test_words_beyond_a_name_stay_with_the_answers(runtime: Runtime) -> None:
    """Project codes, addresses, names of people and mark-up in the journal's field reach no librarian."""
    hostile = ["2016.1.00001.S in Nature", "ines@example.org", "Ines Person", "<b>Journal</b>", "we wrote in Annals"]
    assert _closed(runtime, [said(1, text) for text in hostile]) == []


def test_a_suggestion_has_no_way_back_to_an_answer() -> None:
    """The table of suggestions refers to people who handle them and to journals, to nothing of the survey."""
    table = SQLModel.metadata.tables["journal_suggestion"]
    assert isinstance(table, sa.Table)
    assert {key.column.table.name for key in table.foreign_keys} == {"user_account", "journal"}
    assert {"campaign_id", "answer_id", "project_id", "paper_id"}.isdisjoint(table.columns.keys())
