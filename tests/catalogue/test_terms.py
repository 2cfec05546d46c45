"""What the public may see of a paper, source by source."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from biblio.catalogue.compose import PRECEDENCE, Told, compose
from biblio.catalogue.terms import FACTS, family, is_reserved, may_show, public_view

LEARNED = datetime(2026, 11, 1, tzinfo=UTC)
WORKS = ("abstract", "keywords", "affiliations", "citation_count")


@pytest.mark.parametrize("field", WORKS)
def test_what_ads_made_stays_inside(field: str) -> None:
    """Abstracts, keywords, affiliations and counts of ADS are not shown; those of arXiv, a list or a person are."""
    assert [may_show(field, source) for source in ("ads", "ads-metrics", "")] == [False, False, False]
    assert all(may_show(field, source) for source in ("arxiv", "arxiv-oai", "arxiv-rss", "telbib", "person"))


def test_facts_are_shown_whoever_says_them() -> None:
    """Title, authors, identifiers and journal reference are facts, and every shown field is one or is guarded."""
    assert all(may_show(field, source) for field in FACTS for source in ("ads", "arxiv", "telbib", "person", ""))
    assert set(PRECEDENCE) - FACTS == {"abstract", "keywords", "citation_count"}


def test_a_field_nobody_thought_of_is_kept_inside() -> None:
    """A new field of ADS is not public before somebody says that it is a fact."""
    assert not may_show("snippets", "ads")


def test_the_public_view_leaves_out_what_it_may_not_show() -> None:
    """Values go with the source each is from; affiliations with that of the authors; without a source nothing is served."""
    values = {"title": "Cold dust", "abstract": "We invent.", "keywords": ["dust"], "affiliations": ["Nowhere"]}
    seen = public_view(values, {"title": "ads", "abstract": "arxiv-oai", "keywords": "ads", "authors": "ads"})
    assert seen == {"title": "Cold dust", "abstract": "We invent."}
    assert public_view(values, {}) == {"title": "Cold dust"}


def test_a_list_that_has_its_texts_from_ads_passes_the_terms_on() -> None:
    """An abstract in a BibTeX file that ADS exported is still ADS's; its title is a fact of the list."""
    record = {"title": "Cold dust", "abstract": "We invent.", "extra": {"taken_from": "ads"}}
    shown = compose([Told("bibtex", "x", record, LEARNED)], {})
    assert shown.provenance == {"title": "bibtex", "abstract": "ads"}
    own = compose([Told("bibtex", "x", record | {"extra": {}}, LEARNED)], {})
    assert own.provenance["abstract"] == "bibtex"


@pytest.mark.parametrize("door", ["arxiv", "arxiv-oai", "arxiv-rss"])
def test_every_door_of_arxiv_goes_before_lists_and_ads_for_abstracts(door: str) -> None:
    """So that a paper has an abstract that may be shown wherever arXiv gave one."""
    told = [Told(source, "x", {"abstract": f"As {source} has it."}, LEARNED) for source in ("ads", "telbib", door)]
    assert compose(told, {}).provenance["abstract"] == door


def test_no_list_passes_for_a_service() -> None:
    """Names that would lend a list the rank or the terms of a service are reserved; others are lists."""
    assert all(is_reserved(name) for name in ("ads", "ADS-export", "arxiv", "arXiv-oai", "person", "registry"))
    assert not is_reserved("telbib")
    assert [family(s) for s in ("ads", "arxiv-rss", "person", "adsorption")] == ["ads", "arxiv", "person", "file"]
