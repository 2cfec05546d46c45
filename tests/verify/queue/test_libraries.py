"""Which library a paper is for, and the rules that say so."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import LibraryAssignment, LibraryRule, Paper
from biblio.verify.proposing.match import match
from biblio.verify.queue.libraries import by_rule, libraries_of, source_of
from tests.verify.factories import SEEN, add_mention, add_paper, add_project, add_user


def add_rule(session: Session, library: str, made_by: int, *, journal: str = "", source: str = "") -> None:
    """Put a rule in force."""
    session.add(LibraryRule(library=library, journal=journal, source=source, made_by_id=made_by, made_at=SEEN))
    session.flush()


def test_the_most_specific_rule_holds() -> None:
    """Journal and source before journal before source; a paper without either is nobody's."""
    rules = {("ApJ", "ads"): "NRAO", ("ApJ", ""): "ESO", ("", "ads"): "NAOJ"}
    assert by_rule(rules, "ApJ", "ads") == "NRAO"
    assert by_rule(rules, "ApJ", "arxiv") == "ESO"
    assert by_rule(rules, "PASJ", "ads") == "NAOJ"
    assert by_rule(rules, "PASJ", "arxiv") is None
    assert by_rule(rules, None, None) is None


def test_a_corrected_title_takes_no_paper_elsewhere() -> None:
    """The source stays that of the record; a paper of which nothing is known has none."""
    assert source_of({"title": "ads", "authors": "arxiv"}) == "ads"
    assert source_of({"title": "person", "authors": "arxiv"}) == "arxiv"
    assert source_of({"title": "person"}) is None
    assert source_of(None) is None


def test_a_person_goes_before_a_rule_and_a_rule_before_the_partner(runtime: Runtime) -> None:
    """Without either the library is that of the partner whose project the paper is most likely about."""
    with runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S", partner="EA")
        papers = [add_paper(session, title=f"Tamsin {n}", journal=j) for n, j in enumerate(["ApJ", "PASJ", "PASJ"])]
        for paper in papers:
            add_mention(session, paper, "2016.1.00001.S")
        vera = add_user(session)
        add_rule(session, "ESO", vera.person_id(), journal="PASJ")
        session.add(LibraryAssignment(paper_id=papers[2], library="NRAO", made_by_id=vera.person_id(), made_at=SEEN))
    run_job(runtime, match)
    with runtime.store.reading() as session:
        assert libraries_of(session, runtime.profile, papers) == dict(zip(papers, ["NAOJ", "ESO", "NRAO"], strict=True))


def test_papers_that_became_one_keep_the_library_given_to_either(runtime: Runtime) -> None:
    """What was said of the merged record holds for the paper that stands for both."""
    with runtime.store.writing() as session:
        kept, merged = add_paper(session), add_paper(session)
        session.get_one(Paper, merged).merged_into_id = kept
        vera = add_user(session)
        session.add(LibraryAssignment(paper_id=merged, library="NRAO", made_by_id=vera.person_id(), made_at=SEEN))
    with runtime.store.reading() as session:
        assert libraries_of(session, runtime.profile, [kept]) == {kept: "NRAO"}
        assert libraries_of(session, runtime.profile, [merged]) == {kept: "NRAO"}


@pytest.mark.parametrize("number", [1, 40])
def test_libraries_cost_the_same_statements_for_any_number_of_papers(runtime: Runtime, number: int) -> None:
    """Five statements, for one paper and for forty."""
    with runtime.store.writing() as session:
        papers = [add_paper(session, title=f"Tamsin {n}") for n in range(number)]
        add_rule(session, "ESO", add_user(session).person_id(), journal="ApJ")
    statements: list[str] = []
    with runtime.store.reading() as session:
        sa.event.listen(runtime.store.engine, "before_cursor_execute", lambda *seen: statements.append(str(seen[2])))
        assert set(libraries_of(session, runtime.profile, papers).values()) == {"ESO"}
    assert len([s for s in statements if s.startswith("SELECT")]) == 5
