"""Absorbing what sources say of papers: which paper it is, what is kept, what is shown."""

from __future__ import annotations

import gc
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from biblio.catalogue import merges, papers
from biblio.catalogue.actor import Actor
from biblio.catalogue.links import Ruling, decide
from biblio.store import Store
from biblio.store.current import live_links
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
from biblio.store.words import RelationKind, Role, Verdict
from harvesters.ads_lists import AdsBibcodes
from harvesters.http import PoliteSession
from harvesters.pace import LocalPace
from harvesters.protocol import Page
from harvesters.records import HarvestedRecord
from tests.catalogue.records import OTHERS, article, preprint
from tests.verify.factories import add_project

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


def test_signs_that_are_no_text_make_no_new_record(store: Store) -> None:
    """A record with such signs is the one that is kept without them; clean ones keep their digest."""
    absorb(store, article(journal="The Journal", keywords=("discs",)))
    dirty = article(journal="The \u202eJournal\x01", keywords=("dis\u2066cs",))
    assert [one.what.value for one in absorb(store, dirty, now=LATER)] == ["unchanged"]


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


PREPRINT_BIBCODE = "2021arXiv210100001D"


def ads_preprint(**changes: Any) -> HarvestedRecord:
    """The paper as ADS describes it before it is printed."""
    facts: dict[str, Any] = {
        "key": PREPRINT_BIBCODE, "bibcode": PREPRINT_BIBCODE, "kind": "eprint", "doi": None, "is_refereed": False,
        "journal": "arXiv e-prints", "volume": None, "page": "arXiv:2101.00001", "published_on": date(2021, 1, 1),
        "snippets": (("ack", "We used the array."),),
    }  # fmt: skip
    return article(**(facts | changes))


ALTERNATE = {"alternate_bibcodes": (PREPRINT_BIBCODE,), "arxiv_id": None}
IDENTIFIER = {"extra": {"identifiers": f"2021ApJ...900....1D {PREPRINT_BIBCODE} 10.3847/x"}, "arxiv_id": None}


def current(session: Session) -> list[SourceRecord]:
    """The source records in force."""
    return list(session.exec(select(SourceRecord).where(SourceRecord.superseded_at == None)))  # noqa: E711


@pytest.mark.parametrize("naming", [ALTERNATE, IDENTIFIER], ids=["alternate_bibcode", "identifier"])
@pytest.mark.parametrize("one_page", [True, False])
def test_an_article_takes_the_place_of_its_preprint(store: Store, naming: dict[str, Any], one_page: bool) -> None:
    """ADS gives the paper a new bibcode: one paper, one record of ADS in force, and the passages are kept."""
    printed = article(**naming)
    if one_page:
        outcomes = absorb(store, ads_preprint(), printed)
    else:
        outcomes = [*absorb(store, ads_preprint()), *absorb(store, printed, now=LATER)]
    assert [o.what.value for o in outcomes] == ["new", "changed"]
    assert outcomes[0].paper_id == outcomes[1].paper_id
    with store.reading() as session:
        (record,) = current(session)
        assert record.key == "2021ApJ...900....1D"
        assert record.record["snippets"] == [["ack", "We used the array."]]
        (revision,) = shown(session)
        assert (revision.journal, revision.is_refereed) == ("The Astrophysical Journal", True)
        before = [r.key for r in session.exec(select(SourceRecord)) if r.superseded_at is not None]
        assert before == ([] if one_page else [PREPRINT_BIBCODE])
    assert absorb(store, printed, now=LATER + timedelta(days=9))[0].what.value == "unchanged"


def test_a_refresh_by_bibcode_brings_the_article(store: Store) -> None:
    """ADS asked for the preprint's bibcode answers with the article, which takes the preprint's place."""
    (before,) = absorb(store, ads_preprint())
    document = {
        "bibcode": "2021ApJ...900....1D", "alternate_bibcode": [PREPRINT_BIBCODE], "title": ["Cold Dust"],
        "identifier": ["2021ApJ...900....1D", PREPRINT_BIBCODE, "arXiv:2101.00001"], "doctype": "article",
        "author": ["Doe, Jane"], "pub": "The Astrophysical Journal", "year": "2021", "pubdate": "2021-03-00",
        "citation_count": 12,
    }  # fmt: skip
    answer = {"responseHeader": {"status": 0}, "response": {"numFound": 1, "start": 0, "docs": [document]}}
    page = Page("ads", "ADS bibcodes 1 to 1 of 1", json.dumps(answer).encode(), "application/json", {}, is_last=True)
    session = PoliteSession("ads", LocalPace({}), contact="library@example.org")
    records = AdsBibcodes(session, [PREPRINT_BIBCODE], token="none").parse(page).records
    (outcome,) = absorb(store, *records, now=LATER)
    assert (outcome.what.value, outcome.paper_id) == ("changed", before.paper_id)
    with store.reading() as reading:
        assert [r.key for r in current(reading)] == ["2021ApJ...900....1D"]
        assert [(r.citation_count, r.kind) for r in shown(reading)] == [(12, "article")]


@pytest.mark.parametrize("naming", [ALTERNATE, IDENTIFIER], ids=["alternate_bibcode", "identifier"])
@pytest.mark.parametrize("one_page", [True, False])
def test_a_preprint_that_comes_after_its_article_only_adds_passages(
    store: Store, naming: dict[str, Any], one_page: bool
) -> None:
    """A record under a bibcode that was given up changes nothing that is shown, however often it comes."""
    printed = article(**naming)
    if one_page:
        outcomes = absorb(store, printed, ads_preprint())
    else:
        outcomes = [*absorb(store, printed), *absorb(store, ads_preprint(), now=LATER)]
    assert {o.paper_id for o in outcomes} == {outcomes[0].paper_id}
    for _ in range(2):
        (outcome,) = absorb(store, ads_preprint(citation_count=1), now=LATER)
        assert (outcome.what.value, outcome.paper_id) == ("unchanged", outcomes[0].paper_id)
    with store.reading() as session:
        (record,) = current(session)
        assert (record.key, record.record["citation_count"]) == ("2021ApJ...900....1D", 3)
        assert record.record["snippets"] == [["ack", "We used the array."]]
        assert [r.journal for r in shown(session)] == ["The Astrophysical Journal"]
        assert session.exec(select(sa.func.count()).select_from(Paper)).one() == 1


def test_a_verdict_survives_the_change_of_bibcode(store: Store) -> None:
    """What a person decided about the preprint holds for the article, also when the article came as a second paper."""
    (first,) = absorb(store, ads_preprint(arxiv_id=None))
    (second,) = absorb(store, article(arxiv_id=None))
    assert first.paper_id != second.paper_id
    person = librarian(store)
    with store.writing() as session:
        project = add_project(session, "2018.1.00001.S")
        ruling = Ruling(
            paper_id=first.paper_id, project_id=project, verdict=Verdict.ACCEPT, version_seen=0,
            relation=RelationKind.SCIENCE,
        )  # fmt: skip
        decide(session, person, ruling, now=NOW)
    (outcome,) = absorb(store, article(**ALTERNATE), now=LATER)
    assert (outcome.merged, outcome.paper_id) == (1, first.paper_id)
    with store.reading() as session:
        links = session.execute(sa.select(live_links())).mappings().all()
        assert [(row["paper_id"], row["verdict"]) for row in links] == [(first.paper_id, Verdict.ACCEPT)]
        assert [(r.paper_id, r.journal) for r in shown(session)] == [(first.paper_id, "The Astrophysical Journal")]
        (merge_id,) = session.exec(select(PaperMerge.id)).all()
        assert merge_id is not None
    with store.writing() as session:
        merges.undo_merge(session, person, merge_id, now=LATER)
        assert [r.journal for r in shown(session)] == ["arXiv e-prints", "The Astrophysical Journal"]


def test_two_records_that_name_each_other_both_stand(store: Store) -> None:
    """Where neither bibcode is the older one, no record takes the other's place, run after run."""
    one = article(**ALTERNATE)
    other = ads_preprint(alternate_bibcodes=("2021ApJ...900....1D",), arxiv_id=None)
    absorb(store, one, other)
    assert [o.what.value for o in absorb(store, one, other, now=LATER)] == ["unchanged", "unchanged"]
    with store.reading() as session:
        assert {r.key for r in current(session)} == {"2021ApJ...900....1D", PREPRINT_BIBCODE}


def test_further_passages_of_one_harvest_add_no_history(store: Store) -> None:
    """Each search that finds a paper adds its passages to one row; a day later they are news again."""
    words = [("ack", f"Passage {n}.") for n in range(4)]
    absorb(store, article(snippets=(words[0],)))
    assert absorb(store, article(snippets=(words[1],)), now=NOW + timedelta(hours=1))[0].what.value == "changed"
    absorb(store, article(snippets=(words[2],)), article(snippets=(words[0],)), now=NOW + timedelta(hours=2))
    with store.reading() as session:
        (row,) = session.exec(select(SourceRecord)).all()
        assert row.record["snippets"] == [list(w) for w in words[:3]]
        assert row.learned_at == NOW
    assert absorb(store, article(snippets=(words[1],)), now=LATER)[0].what.value == "unchanged"
    absorb(store, article(snippets=(words[3],)), now=LATER)
    with store.reading() as session:
        assert [len(r.record["snippets"]) for r in session.exec(select(SourceRecord).order_by(sa.text("id")))] == [3, 4]


@pytest.mark.parametrize("door", ["arxiv-oai", "arxiv"])
def test_a_deleted_paper_keeps_its_title(store: Store, door: str) -> None:
    """arXiv says of a deleted paper only that it is deleted; what was known of it stays, marked as withdrawn."""
    absorb(store, preprint(source=door))
    deleted = HarvestedRecord(
        "arxiv-oai", "2101.00001", arxiv_id="2101.00001", is_withdrawn=True, extra={"deleted": "yes"}
    )
    assert [absorb(store, deleted, now=LATER)[0].what.value for _ in range(2)] == ["changed", "unchanged"]
    with store.reading() as session:
        (revision,) = shown(session)
        assert (revision.title, revision.is_withdrawn) == ("Cold dust in a made-up galaxy", True)
        names = session.exec(select(PaperAuthor.name).where(PaperAuthor.revision_id == revision.id)).all()
        assert len(names) == 2


def test_a_deletion_of_a_paper_nobody_heard_of_makes_none(store: Store) -> None:
    """Only of a paper that is known, under this source's number or by an identifier, is its deletion news."""
    of_known = HarvestedRecord(
        "arxiv-oai", "2101.00001", arxiv_id="2101.00001", is_withdrawn=True, extra={"deleted": "yes"}
    )
    of_unknown = HarvestedRecord(
        "arxiv-oai", "2101.00002", arxiv_id="2101.00002", is_withdrawn=True, extra={"deleted": "yes"}
    )
    with store.writing() as session:
        papers.absorb_records(session, [preprint(arxiv_id="2101.00001")], payload_sha256=None, now=NOW)
        told = papers.without_unknown_deletions(session, [of_unknown, of_known, article()])
        assert told == [of_known, article()]


def test_another_door_that_tells_the_same_is_no_news(store: Store) -> None:
    """The same preprint through three doors of arXiv is one paper with one revision."""
    for hours, door in enumerate(("arxiv-rss", "arxiv-oai", "arxiv")):
        absorb(store, preprint(source=door), now=NOW + timedelta(hours=hours))
    with store.reading() as session:
        assert len(session.exec(select(PaperRevision)).all()) == 1
        assert len(current(session)) == 3


def test_python_collects_again_after_a_page_that_failed(store: Store) -> None:
    """What is left out while a page is absorbed is taken up again, also when the page cannot be stored."""
    with pytest.raises(sa.exc.IntegrityError), store.writing() as session:
        papers.absorb_records(session, [preprint()], payload_sha256="0" * 64, now=NOW)  # a payload that nobody stored
    assert gc.isenabled()
