"""``biblio decisions import-known``: the archive's list becomes confirmed history, and overrules nobody."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from sqlmodel import Session, col, select

from biblio.catalogue.links import Ruling, decide, relate
from biblio.runtime import Runtime
from biblio.store.models import ArchiveReference, Decision, Link, PaperIdentifier, PaperRelation
from biblio.store.words import RelationKind, Role, Scheme, Verdict
from biblio.verify.lists.commands import decisions
from biblio.verify.service import Today, take_back
from tests.verify.factories import SEEN, add_paper, add_project, add_user

BIBCODE = "2019ApJ...871..123O"
PREPRINT = "2019arXiv190100001O"


def known(session: Session, project: int, bibcode: str, source: str = "registry") -> None:
    """Let an archive list a paper for a project."""
    session.add(ArchiveReference(project_id=project, bibcode=bibcode, source=source, learned_at=SEEN))


@pytest.fixture
def filled(runtime: Runtime) -> tuple[int, int]:
    """A paper with a bibcode, a project, and the archive's word that they belong together."""
    with runtime.store.writing() as session:
        add_user(session)
        paper, project = add_paper(session, arxiv="1901.00001"), add_project(session)
        session.add(
            PaperIdentifier(paper_id=paper, scheme=Scheme.BIBCODE, value=BIBCODE, source="test", learned_at=SEEN)
        )
        known(session, project, BIBCODE)
    return paper, project


def run(runtime: Runtime, *arguments: str) -> Result:
    """Call the command as the command line does."""
    return CliRunner().invoke(decisions, ["import-known", "--by", "vera", *arguments], obj=lambda: runtime)


def counted(result: Result) -> dict[str, int]:
    """The printed numbers that are not nought."""
    assert result.exit_code == 0, result.output
    pairs = (line.rsplit(maxsplit=1) for line in result.output.splitlines() if line.startswith("  "))
    return {name.strip(): int(number) for name, number in pairs if number != "0"}


def live(runtime: Runtime) -> list[tuple[int, int, Verdict]]:
    """The links in force."""
    with runtime.store.reading() as session:
        rows = session.exec(select(Link).where(col(Link.ended_at).is_(None)))
        return [(row.paper_id, row.project_id, row.verdict) for row in rows]


def test_known_links_become_decisions_once(runtime: Runtime, filled: tuple[int, int]) -> None:
    """Accepted as science under the operator's name, with the source as reason; a second run adds nothing."""
    assert counted(run(runtime)) == {"known links": 1, "confirmed": 1}
    assert live(runtime) == [(*filled, Verdict.ACCEPT)]
    with runtime.store.reading() as session:
        decision = session.exec(select(Decision)).one()
        assert decision.relation is RelationKind.SCIENCE
        assert decision.reason == f"known link: registry lists {BIBCODE} for this project (learned 2026-11-01)"
    assert counted(run(runtime)) == {"known links": 1, "already accepted": 1}


def test_a_dry_run_says_the_same_and_changes_nothing(runtime: Runtime, filled: tuple[int, int]) -> None:
    """The counts of the real run, no decision."""
    result = run(runtime, "--dry-run")
    assert counted(result) == {"known links": 1, "confirmed": 1}
    assert "would be" in result.output
    assert live(runtime) == []


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.UNSURE])
def test_what_a_person_decided_stays(runtime: Runtime, filled: tuple[int, int], verdict: Verdict) -> None:
    """An archive's list overrules no verdict; it is counted by what it is."""
    with runtime.store.writing() as session:
        hanna = add_user(session, "hanna", Role.HEAD_LIBRARIAN)
        decide(session, hanna, Ruling(*filled, verdict, 0), now=SEEN)
    words = {Verdict.REJECT: "already rejected", Verdict.UNSURE: "already unsure"}
    assert counted(run(runtime)) == {"known links": 1, words[verdict]: 1}
    assert live(runtime) == [(*filled, verdict)]


def test_a_confirmation_can_be_undone_and_stays_so(runtime: Runtime, filled: tuple[int, int]) -> None:
    """Taken back at the desk, it is no link any more, and the next run does not bring it back."""
    run(runtime)
    with runtime.store.writing() as session:
        decision = session.exec(select(Decision.id)).one()
        take_back(session, add_user(session, "hanna"), [decision or 0], Today(runtime.profile, SEEN))
    assert live(runtime) == []
    assert counted(run(runtime)) == {"known links": 1, "decided, taken back": 1}
    assert live(runtime) == []


@pytest.mark.parametrize("relation", [RelationKind.MENTION, RelationKind.ENGINEERING])
def test_how_a_person_judged_the_paper_stays(runtime: Runtime, filled: tuple[int, int], relation: RelationKind) -> None:
    """A paper judged to use no data is refused with a sentence; an engineering paper is accepted as one."""
    with runtime.store.writing() as session:
        relate(session, add_user(session, "hanna"), paper_id=filled[0], relation=relation, now=SEEN)
    result = run(runtime)
    uses_data = relation is RelationKind.ENGINEERING
    assert counted(result) == {"known links": 1, "confirmed" if uses_data else "refused": 1}
    assert ("judged “mention”" in result.output) is not uses_data
    with runtime.store.reading() as session:
        assert session.exec(select(PaperRelation.relation).where(col(PaperRelation.ended_at).is_(None))).all() == [
            relation
        ]


def test_missing_papers_and_second_names_are_counted(runtime: Runtime, filled: tuple[int, int]) -> None:
    """A paper that is not here costs itself; the preprint's bibcode of the same paper is the same pair."""
    with runtime.store.writing() as session:
        known(session, filled[1], PREPRINT)
        known(session, filled[1], "2022ApJ...999....9X")
    assert counted(run(runtime)) == {"known links": 3, "confirmed": 1, "same pair again": 1, "paper not here": 1}


def test_one_registry_can_be_taken_alone(runtime: Runtime, filled: tuple[int, int]) -> None:
    """``--source`` leaves the lists of others out, and an unknown one is said to have listed nothing."""
    result = run(runtime, "--source", "projects-file")
    assert counted(result) == {}
    assert "No registry has listed papers as projects-file" in result.output
    assert counted(run(runtime, "--source", "projects", "--dry-run"))["known links"] == 1, "as the harvest names it"
    assert counted(run(runtime, "--source", "registry")) == {"known links": 1, "confirmed": 1}


@pytest.mark.parametrize("username", ["nobody", "max"])
def test_only_a_librarian_can_say_so(runtime: Runtime, filled: tuple[int, int], username: str) -> None:
    """An unknown user and a manager are refused, and nothing is stored."""
    with runtime.store.writing() as session:
        add_user(session, "max", Role.MANAGER)
    result = CliRunner().invoke(decisions, ["import-known", "--by", username], obj=lambda: runtime)
    assert result.exit_code == 1
    assert live(runtime) == []
