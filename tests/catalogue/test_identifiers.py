"""What papers are called: the best identifier of each kind first, over papers that became one."""

from __future__ import annotations

from sqlmodel import Session

from biblio.catalogue.identifiers import bibcodes_of, identifiers_of
from biblio.store import Store
from biblio.store.models import Paper, PaperIdentifier, SourceRecord
from biblio.store.words import Scheme
from tests.catalogue.test_archival import counted
from tests.factories import LEARNED, add_paper

OLD, NEW, EPRINT = "2019A&A...999..999X", "2019A&A...615...67S", "2019arXiv190100001S"


def name(session: Session, paper: int, scheme: Scheme, *values: str) -> None:
    """Give a paper further identifiers."""
    for value in values:
        session.add(PaperIdentifier(paper_id=paper, scheme=scheme, value=value, source="test", learned_at=LEARNED))
    session.flush()


def test_the_articles_names_come_before_the_preprints(store: Store) -> None:
    """Of bibcodes and DOIs alike, whichever was learned first and on whichever of the merged papers it stands."""
    with store.writing() as session:
        preprint = add_paper(session, identifiers={Scheme.DOI: "10.48550/arxiv.1901.00001", Scheme.BIBCODE: EPRINT})
        article = add_paper(session, identifiers={Scheme.DOI: "10.9999/rings", Scheme.BIBCODE: NEW})
        session.get_one(Paper, preprint).merged_into_id = article
        session.flush()
        found = identifiers_of(session, [article])
    assert found == {
        article: {Scheme.DOI: ("10.9999/rings", "10.48550/arxiv.1901.00001"), Scheme.BIBCODE: (NEW, EPRINT)}
    }


def test_of_two_articles_bibcodes_the_one_ads_uses_is_first(store: Store) -> None:
    """A preliminary bibcode learned first gives way to the key of ADS's record; one that was superseded says nothing."""
    with store.writing() as session:
        paper = add_paper(session, identifiers={Scheme.BIBCODE: OLD})
        name(session, paper, Scheme.BIBCODE, NEW)
        assert bibcodes_of(session, [paper]) == {paper: (OLD, NEW)}
        for key, superseded in ((OLD, LEARNED), (NEW, None)):
            record = SourceRecord(paper_id=paper, source="ads", key=key, record={}, digest=key, learned_at=LEARNED)
            record.superseded_at = superseded
            session.add(record)
        session.flush()
        assert bibcodes_of(session, [paper]) == {paper: (NEW, OLD)}


def test_papers_without_a_name_are_left_out(store: Store) -> None:
    """No bibcode, no entry; an unknown number is no error."""
    with store.writing() as session:
        paper = add_paper(session, identifiers={Scheme.ARXIV: "1901.00001"})
        assert bibcodes_of(session, [paper, 987_654]) == {}
        assert identifiers_of(session, [paper, 987_654]) == {paper: {Scheme.ARXIV: ("1901.00001",)}}


def test_the_number_of_queries_does_not_grow_with_papers(store: Store) -> None:
    """One paper and forty: three questions."""
    with store.writing() as session:
        papers = [add_paper(session) for _ in range(40)]
    asked = []
    for wanted in (papers[:1], papers):
        with store.reading() as session, counted(store) as statements:
            assert len(identifiers_of(session, wanted)) == len(wanted)
        asked.append(len([line for line in statements if line.startswith("SELECT")]))
    assert asked == [3, 3]
