"""PI or archive data as the store has it: accepted projects, today's teams, who overlaps and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from biblio.catalogue.archival import CHUNK, Teams, archival_classes
from biblio.catalogue.links import Ruling, decide
from biblio.store import Store
from biblio.store.models import Paper, Project, ProjectRevision
from biblio.store.words import Scheme, Verdict
from matching.authorship import Archival, DataUse, Doubt, Overlap
from tests.factories import LEARNED, accept, add_paper, add_project, add_user

OURS, THEIRS = "2016.1.00001.S", "2017.1.00002.S"
LATER = LEARNED + timedelta(days=30)


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    """Collect the statements sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(store.engine, "before_cursor_execute", note)


def add_two_projects(session: Session) -> tuple[int, int]:
    """Add a project of Quill and Vermeer, and one of other people."""
    ours = add_project(session, OURS, pi="Vermeer, Anneke", co_is=["Quill, Jane", "Vermeer, Anneke", "Tan, Otto"])
    return ours, add_project(session, THEIRS, pi="Berg, Lena", co_is=["Ostrander, Piet"])


def test_the_classes_follow_from_the_accepted_projects(store: Store) -> None:
    """All, some and none of the projects by the authors' teams: PI data, archive and PI, archive only."""
    with store.writing() as session:
        ines = add_user(session)
        ours, theirs = add_two_projects(session)
        papers = [add_paper(session, authors=["Stranger, P.", "Quill, J."]) for _ in range(3)]
        for paper, projects in zip(papers, ([ours], [ours, theirs], [theirs]), strict=True):
            for project in projects:
                accept(session, ines, paper, project)
        found = archival_classes(session, papers)
    assert [(found[p].data_use, found[p].archival) for p in papers] == [
        (DataUse.PI, Archival.NONE),
        (DataUse.BOTH, Archival.PART),
        (DataUse.ARCHIVE, Archival.ALL),
    ]
    assert found[papers[1]].name == "archive and PI"
    assert [(use.code, use.overlap) for use in found[papers[1]].projects] == [
        (OURS, Overlap.YES),
        (THEIRS, Overlap.NO),
    ]
    assert [use.sentence for use in found[papers[1]].projects] == [
        f"Author 2 of 2, Quill, J., is co-I of {OURS}.",
        f"None of the 2 authors is among the 2 people of {THEIRS}.",
    ]


def test_the_tag_alone_is_the_one_of_the_class(store: Store) -> None:
    """What the public index is made of, without words for a person, is the ``data_use`` that a paper's page shows."""
    printed: tuple[list[str], ...] = (
        ["Quill, J."],
        ["Stranger, P."],
        ["Quill, J.", "et al."],
        ["Vermeer, A.", "Ostrander, Piet"],
        [],
    )
    with store.writing() as session:
        ines = add_user(session)
        both = add_two_projects(session)
        papers = [(add_paper(session, authors=names), names, used) for names in printed for used in (both, both[:1])]
        for paper, _, used in papers:
            for project in used:
                accept(session, ines, paper, project)
        classes = archival_classes(session, [paper for paper, _, _ in papers])
        teams = Teams()
        teams.learn(session, both)
        tags = [teams.data_use(names, used) for _, names, used in papers]
    assert tags == [classes[paper].data_use for paper, _, _ in papers]
    assert set(tags) == set(DataUse)


def test_a_team_is_read_once(store: Store) -> None:
    """However many papers used a project, and in however many rounds they are read."""
    with store.writing() as session:
        ours, theirs = add_two_projects(session)
        teams = Teams()
        with counted(store) as sent:
            for _ in range(3):
                teams.learn(session, [ours, theirs])
    assert len(sent) == 1


def test_each_doubt_is_said(store: Store) -> None:
    """Nobody known, the PI alone, a cut list, no authors and a name that is only alike: undetermined, with the reason."""
    with store.writing() as session:
        ines = add_user(session)
        nobody = add_project(session, "2018.1.00001.S", pi=None)
        alone = add_project(session, "2018.1.00002.S", pi="Berg, Lena")
        wang = add_project(session, "2018.1.00003.S", pi="Wang, Yu", co_is=["Berg, Lena"])
        papers = {
            Doubt.NO_TEAM_KNOWN: (add_paper(session, authors=["Quill, J."]), nobody),
            Doubt.ONLY_PI_KNOWN: (add_paper(session, authors=["Quill, J."]), alone),
            Doubt.LIST_CUT: (add_paper(session, authors=["Quill, J.", "et al."]), wang),
            Doubt.NO_AUTHORS: (add_paper(session, authors=[]), wang),
            Doubt.NAME_ALIKE: (add_paper(session, authors=["Quill, J.", "Wang, Y."]), wang),
        }
        for paper, project in papers.values():
            accept(session, ines, paper, project)
        found = archival_classes(session, [paper for paper, _ in papers.values()])
    for doubt, (paper, _) in papers.items():
        assert (found[paper].data_use, found[paper].archival) == (DataUse.UNDETERMINED, Archival.UNDETERMINED)
        assert found[paper].projects[0].doubt is doubt
    assert found[papers[Doubt.NAME_ALIKE][0]].projects[0].sentence == (
        "Author 2 of 2, Wang, Y., may be Wang, Yu, PI of 2018.1.00003.S: the name alone does not tell."
    )
    assert len({found[paper].projects[0].sentence for paper, _ in papers.values()}) == 5


def test_what_nobody_proposed_is_archival(store: Store) -> None:
    """Science verification data are archival, whoever stands in the list of projects as their PI."""
    with store.writing() as session:
        ines = add_user(session)
        shared = add_project(session, "2011.0.00005.SV", pi="Quill, Jane", is_pi_project=False)
        paper = add_paper(session, authors=["Quill, Jane"])
        accept(session, ines, paper, shared)
        found = archival_classes(session, [paper])[paper]
    assert (found.data_use, found.archival) == (DataUse.ARCHIVE, Archival.ALL)
    assert "everybody's" in found.projects[0].sentence


def test_papers_without_an_accepted_project_have_no_class(store: Store) -> None:
    """A refused project and no project at all say nothing of whose data a paper used."""
    with store.writing() as session:
        ines = add_user(session)
        ours, _ = add_two_projects(session)
        refused, untouched = add_paper(session), add_paper(session)
        decide(session, ines, Ruling(refused, ours, Verdict.REJECT, version_seen=0, reason="Not theirs"), now=LEARNED)
        assert archival_classes(session, [refused, untouched, 987_654]) == {}


def test_merged_papers_are_one(store: Store) -> None:
    """Links of the preprint count for the article, whose authors are read; either number is answered."""
    with store.writing() as session:
        ines = add_user(session)
        ours, theirs = add_two_projects(session)
        preprint = add_paper(session, authors=["Nobody, N."], identifiers={Scheme.ARXIV: "2101.00001"})
        article = add_paper(session, authors=["Quill, J."])
        accept(session, ines, preprint, ours)
        accept(session, ines, article, theirs)
        session.get_one(Paper, preprint).merged_into_id = article
        session.flush()
        by_article, by_preprint = archival_classes(session, [article]), archival_classes(session, [preprint])
    assert by_article == by_preprint
    assert by_article[article].data_use is DataUse.BOTH


def test_a_moment_before_is_told_as_it_was_known(store: Store) -> None:
    """A team that was learned later, and a link decided later, do not count for an earlier day."""
    with store.writing() as session:
        ines = add_user(session)
        ours, theirs = add_two_projects(session)
        paper = add_paper(session, authors=["Quill, Jane"])
        accept(session, ines, paper, theirs, now=LEARNED)
        accept(session, ines, paper, ours, now=LATER)
        session.execute(
            sa.update(ProjectRevision).where(col(ProjectRevision.project_id) == theirs).values(superseded_at=LATER)
        )
        session.add(
            ProjectRevision(
                project_id=theirs, source="test", learned_at=LATER, pi="Berg, Lena", co_is=["Quill, Jane"], partner="EU"
            )
        )
        session.flush()
        now = archival_classes(session, [paper])[paper]
        then = archival_classes(session, [paper], as_of=LEARNED + timedelta(days=1))[paper]
    assert now.data_use is DataUse.PI
    assert [use.code for use in then.projects] == [THEIRS]
    assert then.data_use is DataUse.ARCHIVE


def test_a_project_without_facts_has_no_team(store: Store) -> None:
    """A project of which nothing was ever learned but its code leaves the question open."""
    with store.writing() as session:
        ines = add_user(session)
        bare = Project(code="2019.1.00009.S", is_pi_project=True, first_seen_at=LEARNED)
        session.add(bare)
        session.flush()
        paper = add_paper(session)
        accept(session, ines, paper, bare.id or 0)
        assert archival_classes(session, [paper])[paper].projects[0].doubt is Doubt.NO_TEAM_KNOWN


def test_the_number_of_queries_is_constant(store: Store) -> None:
    """Two papers and sixty take the same few statements; more than a round takes as many again."""
    with store.writing() as session:
        ines = add_user(session)
        ours, theirs = add_two_projects(session)
        papers = [add_paper(session, authors=["Quill, J.", "Berg, L."]) for _ in range(60)]
        for number, paper in enumerate(papers):
            accept(session, ines, paper, ours if number % 2 else theirs)
    sent = []
    for wanted in (papers[:2], papers, [*papers, *range(10_000, 10_000 + CHUNK)]):
        with store.reading() as session, counted(store) as statements:
            assert len(archival_classes(session, wanted)) == len(set(wanted) & set(papers))
            sent.append(len([line for line in statements if line.lstrip().startswith("SELECT")]))
    assert sent[0] == sent[1] == 4
    assert sent[2] <= 6


def test_names_in_sentences_are_harmless(store: Store) -> None:
    """A name with signs that turn the line around, or of 10,000 letters, is shown without them, and cut."""
    with store.writing() as session:
        ines = add_user(session)
        project = add_project(session, OURS, pi="Quill, Jane")
        paper = add_paper(session, authors=["Quill,\u202e Jane\x01"])
        accept(session, ines, paper, project)
        sentence = archival_classes(session, [paper])[paper].projects[0].sentence
    assert sentence == f"Author 1 of 1, Quill, Jane, is PI of {OURS}."
