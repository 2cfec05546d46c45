"""One journal under all its names; the profile's are monitored until a person says otherwise; refused ones stay away."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from sqlmodel import select

from biblio.catalogue.actor import MACHINE
from biblio.catalogue.journal_names import JOURNALS
from biblio.catalogue.journals import (
    Told,
    accept_suggestion,
    begin,
    complete_until,
    end,
    full_name,
    journal_key,
    monitored,
    name_in_answer,
    note_coverage,
    refuse_suggestion,
    reopen_suggestion,
    suggest_journal,
    take_back,
)
from biblio.clock import FixedClock
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, JournalCoverage, JournalSuggestion, JournalWatch
from biblio.store.words import SuggestionOrigin, SuggestionState
from tests.factories import add_user

ASKED, FOUND, BY_HAND = SuggestionOrigin.QUESTIONNAIRE, SuggestionOrigin.PAPERS, SuggestionOrigin.PERSON
ANNALS = "Annals of the Southern Sky"


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("ApJ", "The Astrophysical Journal"),
        ("the  astrophysical journal", "The Astrophysical Journal"),
        ("Astrophys. J.", "The Astrophysical Journal"),
        ("Astronomy & Astrophysics", "Astronomy and Astrophysics"),
        ("A&amp;A", "A&amp;A"),
        ("A & A", "Astronomy and Astrophysics"),
        ("ApJL", "The Astrophysical Journal Letters"),
        ("Earth Moon and Planets", "Earth, Moon, and Planets"),
        ("Annals of the\nSouthern Sky", ANNALS),
    ],
)
def test_a_journal_has_one_name(written: str, full: str) -> None:
    """Abbreviations, BibTeX's macros and ADS's names are of one journal; what nobody knows keeps its own name."""
    assert full_name(written) == full
    assert journal_key(written) == journal_key(full)


def test_no_two_journals_share_a_spelling() -> None:
    """Every spelling in the list belongs to one journal, so that none is taken for another."""
    spelled = Counter(
        key
        for name, (bibstem, others) in JOURNALS.items()
        for key in {journal_key(one) for one in (name, bibstem, *others)}
    )
    assert [key for key, number in spelled.items() if number > 1] == []
    assert len(spelled) == len(JOURNALS)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("apj", "The Astrophysical Journal"),
        (f"  {ANNALS} ", ANNALS),
        ("Zeitschrift für Astrophysik", "Zeitschrift für Astrophysik"),
        ("Jane Example", None),
        ("my paper in Nature Astronomy", None),
        ("Nature, 2013.1.00001.S", None),
        ("https://example.org/journal", None),
        ("jane@example.org Journal", None),
        ("<script>journal</script>", None),
        ("Journal \u202eslanruoj", None),
        ("Submitted to Astronomy Letters by Ines Wander", None),
        ("Nature paper by Maria Gonzalez", None),
        ("Journal of the institute where Hiroshi Tanaka works", None),
        ("Astronomy and Astrophysics, with the Leiden group on Orion", None),
        ("Publications of Wander", None),
        ("Journal " * 40, None),
        ("Journal\0of NUL", None),
        ("", None),
        ("???", None),
    ],
)
def test_an_answer_gives_a_journals_name_and_nothing_else(text: str, name: str | None) -> None:
    """Words that could say who answered, and what is no plain name, are left with the answers."""
    assert name_in_answer(text) == name


def test_the_profiles_journals_are_monitored_until_a_person_ends_it(runtime: Runtime) -> None:
    """Nothing must be set up; ending one by another of its names ends it, taking that back begins it again."""
    now, profile = runtime.clock.now(), runtime.profile
    with runtime.store.writing() as session:
        ines = add_user(session)
        assert journal_key("ApJ") in monitored(session, profile)
        ended = end(session, ines, profile, "Astrophys. J.", reason="Read by the partner.", now=now)
        assert journal_key("ApJ") not in monitored(session, profile)
        assert ended.id is not None
        assert take_back(session, ines, ended.id, now=now) == "The Astrophysical Journal"
        assert journal_key("ApJ") in monitored(session, profile)
        with pytest.raises(Stale, match="changed whether"):
            take_back(session, ines, ended.id, now=now)
        history = session.exec(select(JournalWatch)).all()
        assert [(w.made_by_id, w.ended_reason) for w in history] == [
            (None, "Read by the partner."),
            (ines.user_id, ""),
        ]


def test_a_change_needs_a_person_a_reason_and_a_name(runtime: Runtime) -> None:
    """The machine, an empty reason, a name of signs, and a journal that is monitored already are refused."""
    now, profile = runtime.clock.now(), runtime.profile
    with runtime.store.writing() as session:
        ines = add_user(session)
        with pytest.raises(NotAllowed):
            begin(session, MACHINE, profile, ANNALS, reason="x", now=now)
        with pytest.raises(RequestRefused, match="why"):
            begin(session, ines, profile, ANNALS, reason="  ", now=now)
        with pytest.raises(RequestRefused, match="name"):
            begin(session, ines, profile, "!?", reason="x", now=now)
        with pytest.raises(Stale, match="already"):
            begin(session, ines, profile, "ApJ", reason="x", now=now)
        with pytest.raises(Stale, match="not monitored"):
            end(session, ines, profile, ANNALS, reason="x", now=now)
        with pytest.raises(NotFound):
            take_back(session, ines, 99, now=now)


def test_a_suggestion_counts_how_often_it_came(runtime: Runtime) -> None:
    """Answers add up, papers are counted anew, and what people wish replaces what was found."""
    now, profile = runtime.clock.now(), runtime.profile
    with runtime.store.writing() as session:
        found = suggest_journal(session, profile, ANNALS, FOUND, now=now, times=7)
        assert found.told is Told.NEW
        suggest_journal(session, profile, ANNALS, FOUND, now=now, times=4)
        assert found.row is not None
        assert found.row.times == 4
        assert suggest_journal(session, profile, "annals of southern sky", ASKED, now=now, times=2).told is Told.AGAIN
        suggest_journal(session, profile, ANNALS, ASKED, now=now)
        suggest_journal(session, profile, ANNALS, FOUND, now=now, times=9)
        assert (found.row.origin, found.row.times) == (ASKED, 3)
        assert len(session.exec(select(JournalSuggestion)).all()) == 1


def test_what_is_monitored_or_no_name_is_not_suggested(runtime: Runtime) -> None:
    """A journal that we read under another name gives no suggestion; neither does a text without letters."""
    now, profile = runtime.clock.now(), runtime.profile
    with runtime.store.writing() as session:
        assert suggest_journal(session, profile, "MNRAS", ASKED, now=now).told is Told.MONITORED
        assert suggest_journal(session, profile, "\0…", ASKED, now=now).told is Told.NO_NAME
        assert session.exec(select(JournalSuggestion)).all() == []


def test_a_refused_journal_comes_back_only_when_a_person_reopens_it(runtime: Runtime, clock: FixedClock) -> None:
    """Neither answers nor papers nor a second person bring it back; reopening keeps who refused it and why."""
    profile = runtime.profile
    with runtime.store.writing() as session:
        ines = add_user(session)
        row = suggest_journal(session, profile, ANNALS, ASKED, now=clock.now()).row
        assert row is not None
        assert row.id is not None
        refuse_suggestion(session, ines, row.id, reason="Not refereed.", now=clock.now())
        clock.move(timedelta(days=30))
        for origin in SuggestionOrigin:
            assert suggest_journal(session, profile, ANNALS.upper(), origin, now=clock.now()).told is Told.REFUSED
        with pytest.raises(Stale, match="refused"):
            accept_suggestion(session, ines, profile, row.id, reason="x", now=clock.now())
        reopen_suggestion(session, ines, profile, row.id, now=clock.now())
        assert row.state is SuggestionState.WAITING
        noted = session.exec(select(AuditEntry)).one()
        assert (noted.action, noted.details["reason"]) == ("journal.reopen", "Not refereed.")


def test_an_accepted_journal_is_monitored_and_that_can_be_undone(runtime: Runtime, clock: FixedClock) -> None:
    """Accepting begins to monitor it; reopening ends that, unless somebody changed the journal since."""
    profile = runtime.profile
    with runtime.store.writing() as session:
        ines = add_user(session)
        row = suggest_journal(session, profile, ANNALS, BY_HAND, now=clock.now()).row
        assert row is not None
        assert row.id is not None
        accept_suggestion(session, ines, profile, row.id, reason="Six papers of ours.", now=clock.now())
        assert journal_key(ANNALS) in monitored(session, profile)
        reopen_suggestion(session, ines, profile, row.id, now=clock.now())
        assert journal_key(ANNALS) not in monitored(session, profile)
        accept_suggestion(session, ines, profile, row.id, reason="Six papers of ours.", now=clock.now())
        clock.move(timedelta(hours=1))
        end(session, ines, profile, ANNALS, reason="It ceased.", now=clock.now())
        with pytest.raises(Stale, match="since"):
            reopen_suggestion(session, ines, profile, row.id, now=clock.now())


def test_a_journal_is_complete_until_the_first_year_that_lacks_something() -> None:
    """A year that nobody counted ends it as well; the running year counts as far as it was counted."""
    years, today = range(2020, 2024), date(2023, 5, 6)
    assert complete_until({2020: 0, 2021: 0, 2022: 3, 2023: 0}, years, today) == date(2021, 12, 31)
    assert complete_until({2020: 0, 2021: None}, years, today) == date(2020, 12, 31)
    assert complete_until(dict.fromkeys(years, 0), years, today) == today
    assert complete_until({}, years, today) is None


def test_the_newest_count_of_coverage_replaces_the_older(runtime: Runtime) -> None:
    """Journals that are no longer counted go, the others have what was found last."""
    now = runtime.clock.now()
    with runtime.store.writing() as session:
        note_coverage(session, [("ApJ", None, 4), ("AJ", date(2025, 12, 31), 0)], now)
        note_coverage(session, [("ApJ", date(2026, 12, 31), 0)], now)
        rows = session.exec(select(JournalCoverage)).all()
        assert [(r.bibstem, r.complete_until, r.missing) for r in rows] == [("ApJ", date(2026, 12, 31), 0)]
