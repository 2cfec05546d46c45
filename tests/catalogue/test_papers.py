"""Absorbing what sources say of papers: which paper it is, what is kept, what is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from biblio.catalogue import corrections, merges, papers
from biblio.catalogue.actor import Actor
from biblio.errors import NotAllowed, RequestRefused
from biblio.store import Store
from biblio.store.models import (
    MergeProposal,
    Paper,
    PaperAuthor,
    PaperIdentifier,
    PaperMerge,
    PaperRevision,
    SourceRecord,
    UserAccount,
)
from biblio.store.words import Role
from harvesters.records import HarvestedRecord
from tests.catalogue.records import OTHERS, article, preprint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def absorb(store: Store, *records: HarvestedRecord, now: datetime = NOW) -> list[papers.AbsorbOutcome]:
    """Absorb records as one page."""
    with store.writing() as session:
        return papers.absorb_records(session, records, payload_sha256=None, now=now)


def shown(session: Session) -> list[PaperRevision]:
    """The revisions in force, by paper."""
    query = select(PaperRevision).where(PaperRevision.superseded_at == None)  # noqa: E711
    return sorted(session.exec(query), key=lambda r: r.paper_id)


def librarian(store: Store) -> Actor:
    """A librarian with a login."""
    with store.writing() as session:
        user = UserAccount(username="lib", name="A Librarian", role=Role.LIBRARIAN, created_at=NOW)
        session.add(user)
        session.flush()
        return Actor(user_id=user.id, name=user.name, role=user.role)


@pytest.mark.parametrize("one_page", [True, False])
def test_preprint_and_article_are_one_paper(store: Store, one_page: bool) -> None:
    """A record that carries both identifiers joins its preprint, on one page or on two."""
    if one_page:
        outcomes = absorb(store, preprint(), article())
    else:
        outcomes = [*absorb(store, preprint()), *absorb(store, article(), now=LATER)]
    assert [o.what.value for o in outcomes] == ["new", "changed"]
    assert outcomes[0].paper_id == outcomes[1].paper_id
    with store.reading() as session:
        (revision,) = shown(session)
        assert revision.title == "Cold Dust in a Made-up Galaxy"
        assert revision.abstract == "We invent a galaxy."
        assert (revision.is_refereed, revision.citation_count, revision.arxiv_version) == (True, 3, 1)
        assert (revision.preprint_on, revision.published_on) == (date(2021, 1, 1), date(2021, 3, 1))
        assert revision.published_precision == "month"
        assert (revision.provenance["title"], revision.provenance["abstract"]) == ("ads", "arxiv")
        names = session.exec(select(PaperAuthor.name).where(PaperAuthor.revision_id == revision.id)).all()
        assert sorted(names) == ["Doe, Jane", "Roe, Richard"]
        values = {(i.scheme.value, i.value) for i in session.exec(select(PaperIdentifier))}
        assert values == {
            ("arxiv", "2101.00001"),
            ("doi", "10.3847/1538-4357/ab0001"),
            ("bibcode", "2021ApJ...900....1D"),
        }


def test_the_same_page_twice_changes_nothing(store: Store) -> None:
    """Absorbing what is known adds no row anywhere."""
    tables = (Paper, PaperIdentifier, SourceRecord, PaperRevision, PaperAuthor)
    absorb(store, preprint(), article())
    with store.reading() as session:
        before = [session.exec(select(sa.func.count()).select_from(t)).one() for t in tables]
    outcomes = absorb(store, preprint(), article(), now=LATER)
    assert [o.what.value for o in outcomes] == ["unchanged", "unchanged"]
    with store.reading() as session:
        assert [session.exec(select(sa.func.count()).select_from(t)).one() for t in tables] == before


def test_what_a_source_said_before_is_kept(store: Store) -> None:
    """A changed record supersedes the one before, and the revision shown before stays in the history."""
    absorb(store, article())
    absorb(store, article(citation_count=7), now=LATER)
    with store.reading() as session:
        records = session.exec(select(SourceRecord).order_by(sa.text("id"))).all()
        assert [r.record["citation_count"] for r in records] == [3, 7]
        assert [r.superseded_at for r in records] == [LATER, None]
        history = session.exec(select(PaperRevision).order_by(sa.text("id"))).all()
        assert [(r.citation_count, r.superseded_at) for r in history] == [(3, LATER), (7, None)]


def test_identifiers_that_meet_merge_two_papers(store: Store) -> None:
    """Two papers become one when a record carries identifiers of both; the merge is written down with its reason."""
    absorb(store, preprint(), article(arxiv_id=None))
    (outcome,) = absorb(store, article(citation_count=4), now=LATER)
    assert outcome.merged == 1
    with store.reading() as session:
        (merge,) = session.exec(select(PaperMerge)).all()
        assert merge.actor_id is None
        assert "their identifiers met: arxiv 2101.00001" in merge.reason
        assert session.get_one(Paper, merge.merged_id).merged_into_id == merge.kept_id == outcome.paper_id
        assert [r.paper_id for r in shown(session)] == [merge.kept_id]


def test_a_wrong_doi_joins_nothing(store: Store) -> None:
    """A DOI of another paper (other title, no shared author) is left out, and a person is asked."""
    absorb(store, article())
    other = HarvestedRecord(
        source="bibtex", key="refs.bib:mustermann", title="A survey of invented comets", authors=OTHERS,
        doi="10.3847/1538-4357/ab0001", arxiv_id="1905.12345",
    )  # fmt: skip
    (outcome,) = absorb(store, other)
    assert outcome.what.value == "new"
    assert "belongs to another paper" in outcome.conflicts[0]
    with store.reading() as session:
        (proposal,) = session.exec(select(MergeProposal)).all()
        assert proposal.twin_id == outcome.paper_id
        assert "no author is shared" in proposal.reasons[0]
        doi = session.exec(select(PaperIdentifier).where(PaperIdentifier.scheme == "doi")).one()
        assert doi.paper_id == proposal.paper_id
    assert absorb(store, other, now=LATER)[0].what.value == "unchanged"


def test_a_merge_that_a_person_undid_is_not_made_again(store: Store) -> None:
    """Once a person has parted two papers, the same identifiers do not join them a second time."""
    person = librarian(store)
    absorb(store, preprint(), article(arxiv_id=None))
    absorb(store, article())
    with store.writing() as session:
        (merge,) = session.exec(select(PaperMerge)).all()
        assert merge.id is not None
        merges.undo_merge(session, person, merge.id, now=LATER)
    (outcome,) = absorb(store, article(citation_count=9), now=LATER)
    assert outcome.merged == 0
    with store.reading() as session:
        assert [r.title for r in shown(session)] == ["Cold dust in a made-up galaxy", "Cold Dust in a Made-up Galaxy"]


def test_a_correction_stays_above_every_later_harvest(store: Store) -> None:
    """What a person corrected is shown until the person withdraws it, whatever sources say meanwhile."""
    person = librarian(store)
    (outcome,) = absorb(store, article())
    with store.writing() as session:
        corrections.correct(session, person, outcome.paper_id, "title", "The title as printed", now=NOW)
    absorb(store, article(title="Yet another title", citation_count=5), now=LATER)
    with store.reading() as session:
        (revision,) = shown(session)
        assert (revision.title, revision.provenance["title"]) == ("The title as printed", "person")
        assert revision.citation_count == 5
    with store.writing() as session:
        corrections.withdraw_correction(session, person, outcome.paper_id, "title", now=LATER)
    with store.reading() as session:
        assert [r.title for r in shown(session)] == ["Yet another title"]


@pytest.mark.parametrize(
    ("name", "value"), [("authors", []), ("year", "MMXX"), ("published_on", "soon"), ("kind", "x")]
)
def test_a_correction_of_the_wrong_kind_is_refused(store: Store, name: str, value: object) -> None:
    """A field that cannot be corrected, or a value it cannot take, is refused with what would be possible."""
    person = librarian(store)
    (outcome,) = absorb(store, article())
    with store.writing() as session, pytest.raises(RequestRefused):
        corrections.correct(session, person, outcome.paper_id, name, value, now=NOW)


def test_the_machine_corrects_nothing(store: Store) -> None:
    """Only a person may correct a paper."""
    (outcome,) = absorb(store, article())
    with store.writing() as session, pytest.raises(NotAllowed):
        corrections.correct(session, Actor(None, "command line"), outcome.paper_id, "title", "x", now=NOW)


def test_a_printed_article_goes_before_its_preprint_in_ads(store: Store) -> None:
    """ADS describes a preprint and later the article: journal, pages and dates are the article's."""
    before = article(
        key="2021arXiv210100001D", bibcode="2021arXiv210100001D", kind="eprint", is_refereed=False, doi=None,
        journal="arXiv e-prints", volume=None, page="arXiv:2101.00001", published_on=date(2021, 1, 1),
    )  # fmt: skip
    absorb(store, before)
    with store.reading() as session:
        (revision,) = shown(session)
        assert (revision.is_refereed, revision.published_on, revision.page) == (False, None, None)
    absorb(store, article(alternate_bibcodes=("2021arXiv210100001D",)), now=LATER)
    with store.reading() as session:
        (revision,) = shown(session)
        assert (revision.journal, revision.page, revision.is_refereed) == ("The Astrophysical Journal", "1", True)


def test_a_page_costs_a_fixed_number_of_statements(store: Store) -> None:
    """Absorbing 40 papers takes hardly more statements than absorbing 4."""
    counts = []

    def page(start: int, size: int) -> list[HarvestedRecord]:
        return [
            preprint(key=f"2102.{n:05}", arxiv_id=f"2102.{n:05}", title=f"Paper {n}")
            for n in range(start, start + size)
        ]

    for start, size in ((0, 4), (100, 40)):
        statements: list[str] = []

        def note(*args: object, seen: list[str] = statements) -> None:
            seen.append(str(args[2]))

        sa.event.listen(store.engine, "before_cursor_execute", note)
        absorb(store, *page(start, size))
        absorb(store, *page(start, size), now=LATER)
        sa.event.remove(store.engine, "before_cursor_execute", note)
        counts.append(len(statements))
    assert counts[1] <= counts[0] + 4
