"""What is learned from: whose word counts, and what says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, Suggestion, decide, relate, suggest, undo
from biblio.runtime import Runtime
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify.learning.learned_from import MOST_CITED, Lesson, lessons, printed
from biblio.verify.proposing.match import world_of_today
from matching.codes import Mention
from tests.verify.factories import SEEN, add_mention, add_paper, add_project, add_user

OURS, OTHER, THIRD = "2016.1.00001.S", "2015.1.00400.S", "2017.1.00007.S"

SAID = Mention(0, 14, OURS, OURS, True, True, (OURS,), "acknowledgement", None)
"""A known code in the acknowledgements, without further words."""


def told(runtime: Runtime) -> list[Lesson]:
    """Everything that is known."""
    return list(lessons(world_of_today(runtime), lambda _done, _total: None))


def add_projects(session: Session) -> tuple[Actor, dict[str, int]]:
    """A librarian and three projects."""
    return add_user(session), {code: add_project(session, code) for code in (OURS, OTHER, THIRD)}


def test_a_rejected_project_says_nothing_of_the_others(runtime: Runtime) -> None:
    """Rejected is wrong; unsure, and what nobody judged, is no label."""
    with runtime.store.writing() as session:
        actor, projects = add_projects(session)
        paper = add_paper(session)
        for code, verdict in ((OURS, Verdict.REJECT), (OTHER, Verdict.UNSURE)):
            decide(session, actor, Ruling(paper, projects[code], verdict, 0), now=SEEN)
        only_unsure = add_paper(session, title="A doubtful sky")
        decide(session, actor, Ruling(only_unsure, projects[OURS], Verdict.UNSURE, 0), now=SEEN)
        add_paper(session, title="Nobody read this")
    (one,) = told(runtime)
    assert (one.facts.id, one.source) == (str(paper), "verdict")
    assert [one.label(code) for code in (OURS, OTHER, THIRD)] == [False, None, None]


def test_beside_an_accepted_project_what_waits_for_nobody_is_wrong(runtime: Runtime) -> None:
    """Whoever accepted saw the list; likely candidates that still wait, and what was left unsure, say nothing."""
    fourth, fifth = "2018.1.00009.S", "2019.1.00011.S"
    with runtime.store.writing() as session:
        actor, projects = add_projects(session)
        projects |= {code: add_project(session, code) for code in (fourth, fifth)}
        paper = add_paper(session)
        bands = {OURS: Band.LIKELY, OTHER: Band.LIKELY, THIRD: Band.UNLIKELY, fourth: Band.LIKELY}
        suggestions = [Suggestion(projects[code], 0.5, band, ()) for code, band in bands.items()]
        suggest(session, paper_id=paper, suggestions=suggestions, rules_digest="", now=SEEN)
        decide(session, actor, Ruling(paper, projects[OURS], Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=SEEN)
        decide(session, actor, Ruling(paper, projects[fourth], Verdict.UNSURE, 0), now=SEEN)
    (one,) = told(runtime)
    assert [one.label(code) for code in (OURS, OTHER, THIRD, fourth, fifth)] == [True, None, False, None, False]


@pytest.mark.parametrize("relation", [RelationKind.NOT_OURS, RelationKind.MENTION])
def test_a_paper_found_none_of_ours_settles_all_its_candidates(runtime: Runtime, relation: RelationKind) -> None:
    """Whatever is proposed for it is wrong, a code it prints as well."""
    with runtime.store.writing() as session:
        actor, _ = add_projects(session)
        paper = add_paper(session)
        add_mention(session, paper, OURS)
        relate(session, actor, paper_id=paper, relation=relation, now=SEEN)
    (one,) = told(runtime)
    assert [one.label(code) for code in (OURS, OTHER)] == [False, False]
    assert one.source == "verdict"


def test_a_paper_that_prints_its_codes_labels_all_candidates(runtime: Runtime) -> None:
    """What it says it used is right, the rest wrong; a code it only names is neither."""
    with runtime.store.writing() as session:
        add_projects(session)
        paper = add_paper(session)
        add_mention(session, paper, OURS)
        names_only = add_paper(session, title="Only named")
        add_mention(session, names_only, OURS, stands_in="references")
    (one,) = told(runtime)
    assert (one.facts.id, one.source) == (str(paper), "cited")
    assert [one.label(code) for code in (OURS, OTHER)] == [True, False]


def test_a_persons_word_goes_before_what_is_printed(runtime: Runtime) -> None:
    """A printed code that was rejected makes the paper's list doubtful; one that was left unsure is left out."""
    with runtime.store.writing() as session:
        actor, projects = add_projects(session)
        rejected, unsure, both = (add_paper(session, title=title) for title in ("One sky", "Two skies", "Three skies"))
        for paper in (rejected, unsure, both):
            add_mention(session, paper, OURS)
        decide(session, actor, Ruling(rejected, projects[OURS], Verdict.REJECT, 0), now=SEEN)
        decide(session, actor, Ruling(unsure, projects[OURS], Verdict.UNSURE, 0), now=SEEN)
        decide(session, actor, Ruling(both, projects[OTHER], Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=SEEN)
    found = {one.facts.id: [one.label(code) for code in (OURS, OTHER, THIRD)] for one in told(runtime)}
    assert found == {
        str(rejected): [False, None, None],
        str(unsure): [None, False, False],
        str(both): [True, True, False],
    }


def test_a_verdict_taken_back_is_no_label(runtime: Runtime) -> None:
    """Only what is in force counts."""
    with runtime.store.writing() as session:
        actor, projects = add_projects(session)
        paper = add_paper(session)
        decision = decide(session, actor, Ruling(paper, projects[OURS], Verdict.REJECT, 0), now=SEEN)
        assert decision.id is not None
        undo(session, actor, decision.id, now=runtime.clock.now())
    assert told(runtime) == []


@pytest.mark.parametrize(
    ("mention", "used"),
    [
        (SAID, {OURS}),
        (replace(SAID, where="data_statement"), {OURS}),
        (replace(SAID, where="body", is_use=True), {OURS}),
        (replace(SAID, where="body"), None),
        (replace(SAID, is_use=False), None),
        (replace(SAID, where="references"), None),
        (replace(SAID, in_registry=False), None),
        (replace(SAID, certain=False, candidates=(OURS, OTHER)), None),
    ],
)
def test_a_code_counts_where_it_stands_for_use(mention: Mention, used: set[str] | None) -> None:
    """In acknowledgements and data statements, elsewhere only with words that say so; known and without doubt."""
    found = printed([mention])
    assert (None if found is None else set(found.used)) == used


@pytest.mark.parametrize("doubt", [{"in_registry": False}, {"certain": False, "candidates": (OTHER, THIRD)}])
def test_one_code_in_doubt_spoils_the_paper(doubt: dict[str, object]) -> None:
    """Where one used code may mean another project, nobody knows which candidates are wrong."""
    second = replace(SAID, code=OTHER, as_written=OTHER, candidates=(OTHER,))
    assert printed([SAID, replace(second, **doubt)]) is None  # type: ignore[arg-type]
    named = printed([SAID, replace(second, where="references", **doubt)])  # type: ignore[arg-type]
    assert named is not None
    assert OTHER in named.named


def test_there_are_at_most_so_many_cited_papers(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit more of them teach nothing; verdicts are never left out."""
    assert MOST_CITED >= 1000
    monkeypatch.setattr("biblio.verify.learning.learned_from.MOST_CITED", 2)
    with sqlite_runtime.store.writing() as session:
        actor, projects = add_projects(session)
        for n in range(6):
            paper = add_paper(session, title=f"Sky {n}")
            if n < 3:
                decide(session, actor, Ruling(paper, projects[OTHER], Verdict.REJECT, 0), now=SEEN)
            else:
                add_mention(session, paper, OURS)
    found = [one.source for one in told(sqlite_runtime)]
    assert found == ["verdict"] * 3 + ["cited"] * 2
