"""What archives list: found under any name of the paper, and compared with our candidates and decisions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from biblio.catalogue.links import Ruling, decide
from biblio.catalogue.papers import absorb_records
from biblio.catalogue.projects import record_projects
from biblio.catalogue.references import known_links, papers_of_bibcodes, reckon
from biblio.runtime import Runtime
from biblio.store.models import Paper
from biblio.store.words import Band, RelationKind, Verdict
from harvesters.records import HarvestedProject
from tests.catalogue.records import article, preprint
from tests.factories import add_candidate, add_user

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CODE = "2016.1.00001.S"
ARTICLE, PREPRINT = "2021ApJ...900....1D", "2021arXiv210100001D"


def listed(runtime: Runtime, *bibcodes: str, code: str = CODE, source: str = "registry") -> None:
    """Let an archive list papers for a project."""
    with runtime.store.writing() as session:
        one = HarvestedProject(source=source, code=code, bib_references=bibcodes)
        record_projects(session, [one], grammar=runtime.grammar, now=NOW)


def held(runtime: Runtime, *records: object) -> int:
    """Absorb records of one paper; return it."""
    with runtime.store.writing() as session:
        return absorb_records(session, records, payload_sha256=None, now=NOW)[-1].paper_id or 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"bibcode": ARTICLE, "alternate_bibcodes": (PREPRINT,), "arxiv_id": None},  # ADS tells both names
        {"bibcode": ARTICLE, "arxiv_id": "2101.00001"},  # only the arXiv number joins them
        {"bibcode": PREPRINT},
    ],
)
def test_a_preprints_bibcode_finds_the_article(runtime: Runtime, changes: dict[str, object]) -> None:
    """Whatever name the archive's list has, the paper we hold under another one is found."""
    paper = held(runtime, article(**changes))
    listed(runtime, PREPRINT)
    with runtime.store.reading() as session:
        assert [link.paper_id for link in known_links(session)] == [paper]


def test_a_merged_paper_is_found_as_the_one_it_became(runtime: Runtime) -> None:
    """A bibcode of the paper that was merged away leads to the survivor."""
    kept, gone = held(runtime, article(arxiv_id=None)), held(runtime, preprint(bibcode=PREPRINT))
    assert kept != gone
    with runtime.store.writing() as session:
        session.get_one(Paper, gone).merged_into_id = kept
    with runtime.store.reading() as session:
        assert papers_of_bibcodes(session, [PREPRINT, ARTICLE, "2000ApJ...100....1X"]) == {
            PREPRINT: kept,
            ARTICLE: kept,
        }


def test_known_links_are_of_one_registry_or_all(runtime: Runtime) -> None:
    """Each keeps who listed it; codes and bibcodes are in order."""
    listed(runtime, ARTICLE)
    listed(runtime, "2020ApJ...800....1D", code="2015.1.00001.S", source="projects-file")
    with runtime.store.reading() as session:
        assert [(link.code, link.source) for link in known_links(session)] == [
            ("2015.1.00001.S", "projects-file"),
            (CODE, "registry"),
        ]
        assert [link.code for link in known_links(session, "registry")] == [CODE]


def test_the_reckoning_counts_papers_candidates_and_decisions(runtime: Runtime) -> None:
    """Two bibcodes of one paper are two links and one pair; bands and verdicts are counted by pair."""
    paper = held(runtime, article(alternate_bibcodes=(PREPRINT,)))
    other = held(runtime, article(key="b", bibcode="2022ApJ...901....2R", doi="10.3847/b", arxiv_id=None, title="Else"))
    listed(runtime, ARTICLE, PREPRINT, "2022ApJ...901....2R", "2023ApJ...902....3R")
    with runtime.store.writing() as session:
        project = known_links(session)[0].project_id
        vera = add_user(session)
        add_candidate(session, paper, project, band=Band.LIKELY)
        decide(session, vera, Ruling(other, project, Verdict.ACCEPT, 0, relation=RelationKind.SCIENCE), now=NOW)
    with runtime.store.reading() as session:
        told = reckon(session, known_links(session))
    assert (told.links, told.held, told.pairs) == (4, 3, 2)
    assert [link.bibcode for link in told.missing] == ["2023ApJ...902....3R"]
    assert told.bands == {Band.LIKELY: 1, None: 1}
    assert told.verdicts == {Verdict.ACCEPT: 1, None: 1}
