"""How a list differs from ours: papers meet under any identifier, and merges are followed."""

from __future__ import annotations

import pytest

from biblio.compare.acting import give_back, set_aside, take_over
from biblio.compare.lines import Line, every_line, lines, matching
from biblio.compare.lists import all_lists, find_list, theirs
from biblio.compare.reckon import Comparison, ComparisonKeeper, Difference, compare
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.runtime import Runtime
from biblio.store.models import ComparisonAside, Decision, SecondReading, SourceRecord
from biblio.store.words import Verdict
from tests.compare.conftest import A, B, Bring, C, Shelf
from tests.factories import LEARNED, add_candidate, add_user

HERE, THERE, DIFFER = Difference.MISSING_HERE, Difference.MISSING_THERE, Difference.DIFFERING

TELBIB = f"""bibcode,doi,arxiv,title,programid
2019arXiv190100001C,,,Rings,{A}
2019ApJ...900....1C,,,Rings,{A}
,10.9999/TORUS,,A torus,{A}; {C}
,,2001.00002,Undecided,{B}
2022Natur.600....1E,,,Unknown to us,{C}
2021MNRAS.500....1D,,,A mention,{C}
"""


def told(runtime: Runtime, name: str, kind: Difference) -> tuple[Comparison, list[Line]]:
    """Return how a list differs from ours, and the lines of one kind."""
    with runtime.store.reading() as session:
        one = find_list(session, name)
        found = compare(session, one)
        return found, list(every_line(session, one, found, [kind]))


def test_papers_meet_under_any_identifier(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """Preprint and article of a merged paper are one, DOIs meet whatever their case; the numbers add up."""
    bring(TELBIB)
    found, missing = told(runtime, "telbib", HERE)
    assert (found.there, found.here, found.same, found.repeated) == (6, 4, 2, 1)
    assert [(line.key, line.paper_id, line.here) for line in missing] == [
        ("arXiv:2001.00002", shelf.undecided, "in our catalogue, nobody decided"),
        ("2022Natur.600....1E", None, "not in our catalogue"),
    ]
    assert found.there == found.same + len(found.differing) + len(found.missing_here) + found.repeated
    assert found.here == found.same + len(found.differing) + len(found.missing_there)
    _, ours = told(runtime, "telbib", THERE)
    assert [(line.paper_id, line.ours) for line in ours] == [(shelf.alone, (C,))]
    _, other = told(runtime, "telbib", DIFFER)
    assert [(e.paper_id, e.ours, e.theirs, e.only_here, e.only_there) for e in other] == [
        (shelf.torus, (A, B), (A, C), (B,), (C,))
    ]


def test_the_archives_own_list_needs_no_import(runtime: Runtime, shelf: Shelf) -> None:
    """Its preprint bibcode finds our article, its projects are compared, its unknown paper is missing."""
    with runtime.store.reading() as session:
        assert [one.name for one in all_lists(session)] == ["archive"]
    found, missing = told(runtime, "archive", HERE)
    assert [(line.key, line.theirs, line.year) for line in missing] == [("2022Natur.600....1E", (C,), 2022)]
    _, other = told(runtime, "archive", DIFFER)
    assert [(e.paper_id, e.only_there) for e in other] == [(shelf.rings, (B,))]
    assert list(found.missing_there) == [shelf.torus, shelf.alone, shelf.mention]


def test_a_list_that_was_harvested_as_papers_can_be_compared(runtime: Runtime, shelf: Shelf) -> None:
    """Records of a library of ADS are its list; it names no projects, so none differ."""
    with runtime.store.writing() as session:
        for paper, key in ((shelf.rings, "2019ApJ...900....1C"), (shelf.undecided, "2020arXiv200100002X")):
            record = {"title": "As they write it", "year": 2020}
            session.add(
                SourceRecord(
                    paper_id=paper, source="library-of-ads", key=key, record=record, digest=key, learned_at=LEARNED
                )
            )
    found, missing = told(runtime, "library-of-ads", HERE)
    assert [(line.paper_id, line.key) for line in missing] == [(shelf.undecided, "2020arXiv200100002X")]
    assert (found.same, found.differing, len(found.missing_there)) == (1, {}, 3)


def test_papers_under_second_reading_tell_nothing(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """Whatever the list says of them, they stand nowhere, and cannot be taken over."""
    bring(TELBIB)
    with runtime.store.writing() as session:
        decision = session.get_one(Decision, 2)
        assert decision.paper_id == shelf.torus
        session.add(
            SecondReading(
                paper_id=shelf.torus,
                project_id=decision.project_id,
                decision_id=2,
                first_reader_id=decision.actor_id,
                drawn_at=LEARNED,
            )
        )
    found, other = told(runtime, "telbib", DIFFER)
    assert (other, found.left_out) == ([], 1)
    assert found.here == found.same + len(found.differing) + len(found.missing_there) == 3
    assert shelf.torus not in found.missing_there
    with runtime.store.writing() as session:
        one = find_list(session, "telbib")
        ref = {r.paper_id: r.ref for r in theirs(session, one)}[shelf.torus]
        with pytest.raises(RequestRefused, match="second time"):
            take_over(session, shelf.librarian, runtime, one, ref)


def test_taking_over_is_a_decision_that_can_be_undone(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """The list is the reason; the paper is ours from then on; undo makes it theirs alone again."""
    bring(TELBIB)
    with runtime.store.writing() as session:
        add_candidate(session, shelf.undecided, shelf.projects[B])
        one = find_list(session, "telbib")
        ref = compare(session, one).missing_here[0]
        taken = take_over(session, shelf.librarian, runtime, one, ref)
        assert (taken.paper_id, taken.codes, taken.left) == (shelf.undecided, (B,), ())
        decision = session.get_one(Decision, taken.decisions[0])
        assert (decision.verdict, decision.reason) == (Verdict.ACCEPT, "Taken over from the list telbib.")
        assert len(compare(session, one).missing_here) == 1
        with pytest.raises(RequestRefused, match="a librarian said accept"):
            take_over(session, shelf.librarian, runtime, one, ref)
        give_back(session, shelf.librarian, runtime, list(taken.decisions))
        assert len(compare(session, one).missing_here) == 2
        with pytest.raises(RequestRefused, match="took a verdict on it back"):
            take_over(session, shelf.librarian, runtime, one, ref)


def test_taking_over_never_overrides_a_person(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """Of a differing paper only what nobody judged is taken; a paper we do not have, or a row that went, is told."""
    bring(TELBIB)
    with runtime.store.writing() as session:
        one = find_list(session, "telbib")
        found = compare(session, one)
        pair = found.differing[shelf.torus]
        taken = take_over(session, shelf.librarian, runtime, one, pair.ref)
        assert taken.codes == (C,)
        assert [words[:14] for words in taken.left] == [A]
        with pytest.raises(NotFound, match="add it first"):
            take_over(session, shelf.librarian, runtime, one, found.missing_here[1])
        with pytest.raises(NotFound, match="no longer"):
            take_over(session, shelf.librarian, runtime, one, 10**6)


def test_what_is_set_aside_stays_so_over_later_imports(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """It leaves the list and stands among those set aside; another difference of the same paper comes back."""
    bring(TELBIB)
    for kind in Difference:
        found, some = told(runtime, "telbib", kind)
        with runtime.store.writing() as session:
            set_aside(session, shelf.librarian, "telbib", some[0].subject, reason="Known.", now=runtime.clock.now())
        assert found.count(kind) == len(some)
        after, rest = told(runtime, "telbib", kind)
        assert rest == some[1:]
        assert len(after.aside[kind]) == 1
    bring(TELBIB)
    found, _ = told(runtime, "telbib", DIFFER)
    assert (found.count(DIFFER), found.count(HERE), found.count(THERE)) == (0, 1, 0)
    with runtime.store.reading() as session:
        one = find_list(session, "telbib")
        shown = lines(session, one, found, DIFFER, found.refs(DIFFER, aside=True))
    assert [line.aside.reason for line in shown if line.aside] == ["Known."]
    bring(TELBIB.replace(f"{A}; {C}", A))
    found, _ = told(runtime, "telbib", DIFFER)
    assert found.count(DIFFER) == 1


def test_a_difference_is_set_aside_once_and_with_a_reason(runtime: Runtime, shelf: Shelf) -> None:
    """No reason, no difference, or a second time are refused."""
    with runtime.store.writing() as session:
        ines = add_user(session)
        for subject, reason in (("x", " "), ("", "y"), ("a\0b", "y")):
            with pytest.raises(RequestRefused):
                set_aside(session, ines, "telbib", subject, reason=reason, now=LEARNED)
        set_aside(session, ines, "telbib", "x", reason="y", now=LEARNED)
        with pytest.raises(Stale), session.begin_nested():
            set_aside(session, ines, "telbib", "x", reason="y", now=LEARNED)


def test_differences_are_found_by_word_and_year(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """Identifier, title, code and year; wildcards are plain signs."""
    bring(TELBIB)
    with runtime.store.reading() as session:
        one = find_list(session, "telbib")
        found = compare(session, one)

        def numbers(kind: Difference, words: str, year: int | None = None) -> list[int]:
            among = matching(session, one, kind, words, year)
            assert among is not None
            return [ref for ref in found.refs(kind) if ref in among]

        assert numbers(HERE, "natur") == [found.missing_here[1]]
        assert numbers(HERE, "unknown TO") == [found.missing_here[1]]
        assert numbers(HERE, B) == [found.missing_here[0]]
        assert numbers(HERE, "%") == []
        assert numbers(HERE, "", 2022) == [found.missing_here[1]]
        assert numbers(DIFFER, "10.9999/torus") == [shelf.torus]
        assert numbers(THERE, C, 2019) == [shelf.alone]
        assert numbers(THERE, C, 2018) == []
        archive = find_list(session, "archive")
        among = matching(session, archive, HERE, "natur", None)
        assert among == set(compare(session, archive).missing_here)


def test_comparisons_are_kept_until_something_is_stored(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """The second look reckons nothing; a decision, a list or a difference set aside makes it new."""
    bring(TELBIB)
    keeper, now = ComparisonKeeper(), runtime.clock.now()

    def current() -> Comparison:
        with runtime.store.reading() as session:
            return keeper.current(session, find_list(session, "telbib"), now)

    first = current()
    assert current() is first
    with runtime.store.writing() as session:
        row = ComparisonAside(
            list_name="telbib", subject="x", reason="y", actor_id=shelf.librarian.person_id(), made_at=now
        )
        session.add(row)
    second = current()
    assert second is not first
    with runtime.store.writing() as session:
        aside = session.get_one(ComparisonAside, 1)
        aside.ended_at = now
    assert current() is not second


def test_an_unknown_list_is_told_with_those_there_are(runtime: Runtime, shelf: Shelf, bring: Bring) -> None:
    """The message names them."""
    bring(TELBIB)
    with runtime.store.reading() as session, pytest.raises(NotFound, match="archive, telbib"):
        find_list(session, "nrao")
