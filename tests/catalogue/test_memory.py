"""What brings a judged pair or paper back: new text and new records, never rules or models that weigh anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import EvidenceFacts, Ruling, Suggestion, decide, live_link, relate, suggest, undo
from biblio.catalogue.memory import remember
from biblio.catalogue.merges import merge
from biblio.store import Store
from biblio.store.current import group_ids
from biblio.store.models import Candidate, CandidateRevision, PaperRevision
from biblio.store.words import Band, RelationKind, Verdict
from tests.verify.factories import add_mention, add_paper, add_project, add_revision, add_user

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CODE = "2016.1.00001.S"


def _code(place: str = "acknowledgement", contribution: float = 6.0) -> EvidenceFacts:
    return EvidenceFacts(
        "code", CODE, contribution, "The code is printed.", quote=CODE, part="main.tex", stands_in=place
    )


def _kind(kind: str, contribution: float = 2.0, place: str | None = None) -> EvidenceFacts:
    return EvidenceFacts(kind, "1", contribution, f"Because of {kind}.", stands_in=place)


def _suggest(
    session: Session,
    paper: int,
    project: int,
    evidence: Sequence[EvidenceFacts],
    at: datetime,
    band: Band = Band.LIKELY,
) -> None:
    suggestion = Suggestion(project_id=project, score=0.8, band=band, evidence=tuple(evidence))
    suggest(session, paper_id=paper, suggestions=[suggestion], rules_digest="rules", now=at)


def _rejected(
    session: Session, evidence: Sequence[EvidenceFacts], verdict: Verdict = Verdict.REJECT
) -> tuple[int, int]:
    """A pair that was suggested with this evidence and judged."""
    paper, project, vera = add_paper(session), add_project(session), add_user(session)
    _suggest(session, paper, project, evidence, NOW)
    relation = RelationKind.SCIENCE if verdict is Verdict.ACCEPT else None
    decide(session, vera, Ruling(paper, project, verdict, 0, relation), now=NOW)
    return paper, project


def _flag(session: Session) -> bool:
    return session.exec(select(Candidate)).one().look_again


@pytest.mark.parametrize(
    "evidence",
    [
        [_kind("pi")],
        [_kind("pi"), _kind("title", place="title"), _kind("targets", place="abstract"), _kind("observatory")],
        [_kind("pi"), _code(), _code("body")],
        [_kind("pi", 9.0), _kind("prior", 4.0), _kind("dates", 4.0)],
    ],
    ids=["the same", "other kinds", "codes", "other weights"],
)
@pytest.mark.parametrize("verdict", list(Verdict))
def test_rules_and_models_bring_nothing_back(store: Store, evidence: list[EvidenceFacts], verdict: Verdict) -> None:
    """Whatever else is made of the same text and record, and whichever band it leads to, nobody is asked again."""
    with store.writing() as session:
        paper, project = _rejected(session, [_kind("pi")], verdict)
        for day, band in enumerate(Band, start=1):
            _suggest(session, paper, project, evidence, NOW + day * DAY, band)
            assert not _flag(session)


def test_a_code_in_a_new_version_brings_a_refused_pair_back(store: Store) -> None:
    """The verdict stays in force; the flag says look again, and memory names the text that brought the code."""
    with store.writing() as session:
        paper, project = _rejected(session, [_kind("pi")])
        add_mention(session, paper, CODE, read_at=NOW + DAY)
        _suggest(session, paper, project, [_kind("pi"), _code()], NOW + 2 * DAY)
        assert _flag(session)
        link = live_link(session, paper, project)
        assert link is not None
        assert (link.verdict, link.version) == (Verdict.REJECT, 1)
        memory = remember(session, group_ids(session, paper))
        [(reason, brought)] = memory.new_reasons(project, Band.LIKELY, [_kind("pi"), _code()])
        assert (reason.kind, brought) == ("code", "main.tex, read 2026-11-23")


def test_the_same_text_read_again_is_no_new_text(store: Store) -> None:
    """Newer rules read a text anew and find a code that stood there all the time: no one is asked."""
    with store.writing() as session:
        paper, project = add_paper(session), add_project(session)
        add_mention(session, paper, CODE, read_at=NOW - DAY)
        vera = add_user(session)
        _suggest(session, paper, project, [_kind("pi")], NOW)
        decide(session, vera, Ruling(paper, project, Verdict.REJECT, 0), now=NOW)
        add_mention(session, paper, CODE, read_at=NOW + DAY)  # another version that prints the same
        _suggest(session, paper, project, [_kind("pi"), _code()], NOW + 2 * DAY)
        assert not _flag(session)


def test_a_code_that_moves_to_the_acknowledgements_is_new(store: Store) -> None:
    """Refused as a mention in the text; the next version thanks for its data: that was not there to see."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        add_mention(session, paper, CODE, stands_in="body", read_at=NOW - DAY)
        _suggest(session, paper, project, [_code("body", 1.0)], NOW)
        decide(session, vera, Ruling(paper, project, Verdict.REJECT, 0), now=NOW)
        add_mention(session, paper, CODE, read_at=NOW + DAY)
        _suggest(session, paper, project, [_code()], NOW + 2 * DAY)
        assert _flag(session)


def test_a_record_that_names_the_pi_is_new_and_one_that_changes_a_count_is_not(store: Store) -> None:
    """New authors are a new source's word; a revision with the same title, abstract and authors is none."""
    with store.writing() as session:
        paper, project = _rejected(session, [_kind("targets", place="title")])
        evidence = [_kind("targets", place="title"), _kind("pi", place="authors")]
        _revise(session, paper, ("Oduya, M.", "Quill, J.", "Stranger, A."), NOW + DAY)
        _suggest(session, paper, project, evidence, NOW + DAY)
        assert not _flag(session)
        _revise(session, paper, ("Oduya, Marit", "Quill, J."), NOW + 2 * DAY)
        _suggest(session, paper, project, evidence, NOW + 2 * DAY)
        assert _flag(session)
        memory = remember(session, group_ids(session, paper))
        assert [b for _, b in memory.new_reasons(project, Band.LIKELY, evidence)] == [
            "the authors from a source, learned 2026-11-24"
        ]


def _revise(session: Session, paper: int, authors: tuple[str, ...], at: datetime) -> None:
    before = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == paper, col(PaperRevision.superseded_at).is_(None))
    ).one()
    before.superseded_at = at
    session.add(before)
    session.flush()
    add_revision(session, paper, authors=authors, title=before.title, abstract=before.abstract, citation_count=7)
    fresh = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == paper, col(PaperRevision.superseded_at).is_(None))
    ).one()
    fresh.learned_at = at
    session.add(fresh)
    session.flush()


@pytest.mark.parametrize(("band", "raised"), [(Band.LIKELY, True), (Band.CERTAIN, False)])
def test_an_accepted_pair_comes_back_for_what_speaks_against_it(store: Store, band: Band, raised: bool) -> None:
    """A rising band or more of the same never re-opens; new evidence against it does where it takes the band down."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        _suggest(session, paper, project, [_code()], NOW, Band.CERTAIN)
        decide(session, vera, Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=NOW)
        _revise(session, paper, ("Somebody, E.",), NOW + DAY)
        _suggest(session, paper, project, [_code(), _kind("pi", -2.0)], NOW + DAY, band)
        assert _flag(session) is raised


def test_a_link_made_by_hand_is_not_doubted_by_its_first_match(store: Store) -> None:
    """A list was taken over before anything was matched: what the machine then makes of it re-opens nothing."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        decide(session, vera, Ruling(paper, project, Verdict.ACCEPT, 0, RelationKind.SCIENCE), now=NOW)
        _revise(session, paper, ("Somebody, E.",), NOW + DAY)
        _suggest(session, paper, project, [_kind("pi", -2.0)], NOW + DAY, Band.UNLIKELY)
        assert not _flag(session)


def test_what_came_while_the_paper_was_on_the_screen_is_shown_at_once(store: Store) -> None:
    """Who decides on evidence that newer evidence took the place of is asked again: it was never seen."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        _suggest(session, paper, project, [_kind("pi")], NOW)
        seen = session.exec(select(CandidateRevision.id)).one()
        add_mention(session, paper, CODE, read_at=NOW + timedelta(minutes=1))
        _suggest(session, paper, project, [_kind("pi"), _code()], NOW + timedelta(minutes=2))
        decide(session, vera, Ruling(paper, project, Verdict.REJECT, 0, None, "", seen), now=NOW + timedelta(minutes=3))
        assert _flag(session)


def test_deciding_again_lowers_the_flag_and_remembers_what_was_seen(store: Store) -> None:
    """Once a person has looked again the same evidence is known; undoing that look brings back what it had seen."""
    with store.writing() as session:
        paper, project = _rejected(session, [_kind("pi")])
        add_mention(session, paper, CODE, read_at=NOW + DAY)
        evidence = [_kind("pi"), _code()]
        _suggest(session, paper, project, evidence, NOW + 2 * DAY)
        hanna = add_user(session, "hanna")
        again = decide(session, hanna, Ruling(paper, project, Verdict.REJECT, 1), now=NOW + 3 * DAY)
        assert not _flag(session)
        _suggest(session, paper, project, evidence, NOW + 4 * DAY)
        assert not _flag(session)
        undo(session, hanna, again.id or 0, now=NOW + 5 * DAY)
        _suggest(session, paper, project, evidence, NOW + 6 * DAY)
        assert _flag(session)


def _refuse(session: Session, vera: Actor, paper: int) -> None:
    relate(session, vera, paper_id=paper, relation=RelationKind.MENTION, now=NOW)


def test_a_refused_paper_gets_new_candidates_without_a_flag(store: Store) -> None:
    """Another project that the same text and record make a candidate is suggested, and nobody is asked."""
    with store.writing() as session:
        paper, project, vera = add_paper(session), add_project(session), add_user(session)
        _refuse(session, vera, paper)
        _suggest(session, paper, project, [_kind("pi", place="authors"), _kind("title", place="title")], NOW + DAY)
        assert not _flag(session)
        add_mention(session, paper, CODE, read_at=NOW + 2 * DAY)
        _suggest(session, paper, project, [_kind("pi", place="authors"), _code()], NOW + 3 * DAY)
        assert _flag(session)


def test_what_a_merged_record_brings_is_new(store: Store) -> None:
    """The preprint was read before the article was refused, but nobody who refused the article saw its text."""
    with store.writing() as session:
        preprint = add_paper(session, arxiv="1901.00001")
        add_mention(session, preprint, CODE, read_at=NOW - DAY)
        paper, project = _rejected(session, [_kind("pi")])
        vera = add_user(session, "hanna")
        merge(session, vera, kept_id=paper, merged_id=preprint, reason="same", now=NOW + DAY)
        _suggest(session, paper, project, [_kind("pi"), _code()], NOW + 2 * DAY)
        assert _flag(session)
