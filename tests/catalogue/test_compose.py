"""Which of several sources' values is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from biblio.catalogue.compose import PRECEDENCE, Told, compose
from biblio.catalogue.revisions import SHOWN_DEFAULTS

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def told(source: str, days: int = 0, **record: Any) -> Told:
    """What a source says, learned so many days later."""
    return Told(source, "key", record, NOW + timedelta(days=days))


def test_journal_facts_come_from_ads_and_abstracts_from_arxiv() -> None:
    """ADS before files before arXiv, and the other way round for what may be shown to the public."""
    records = [told(s, title=s, abstract=s) for s in ("arxiv", "library-list", "ads")]
    shown = compose(records, {})
    assert (shown.values["title"], shown.values["abstract"]) == ("ads", "arxiv")
    assert shown.provenance == {"title": "ads", "abstract": "arxiv"}


def test_a_source_that_is_silent_gives_way() -> None:
    """An empty value is none: the next source in the table is asked."""
    shown = compose([told("ads", title=""), told("bibtex", title="From the list")], {})
    assert shown.values["title"] == "From the list"


def test_an_article_goes_before_any_preprint() -> None:
    """A library's article gives journal and kind where ADS knows the preprint only."""
    preprint = told(
        "ads", kind="eprint", journal="arXiv e-prints", year=2020, is_refereed=False, published_on="2020-01-01"
    )
    article = told("bibtex", kind="article", journal="ApJ", year=2021, is_refereed=True, volume="900")
    values = compose([preprint, article], {}).values
    assert (values["kind"], values["journal"], values["year"], values["is_refereed"]) == ("article", "ApJ", 2021, True)
    assert "published_on" not in values


def test_of_two_preprints_the_first_day_counts() -> None:
    """The day of the first version is the preprint's, whichever record was learned later."""
    records = [told("arxiv", submitted_on="2021-05-01"), Told("arxiv", "b", {"submitted_on": "2021-03-01"}, NOW)]
    assert compose(records, {}).values["preprint_on"] == date(2021, 3, 1)


def test_a_correction_stands_above_everything() -> None:
    """A person's value wins, also where it says that there is none."""
    shown = compose([told("ads", title="A", published_on="2021-03-01")], {"title": "B", "published_on": None})
    assert (shown.values["title"], shown.values["published_on"]) == ("B", None)
    assert shown.provenance["title"] == "person"


def test_withdrawn_by_one_source_is_withdrawn() -> None:
    """A withdrawal is never hidden by a source that has not heard of it."""
    assert compose([told("ads", title="A"), told("arxiv", is_withdrawn=True)], {}).values["is_withdrawn"] is True


@pytest.mark.parametrize("first", [0, 1])
def test_the_highest_version_any_door_of_arxiv_has_told_is_shown(first: int) -> None:
    """The announcement knows version 3 while the other doors' records still say 2, in whatever order they came."""
    records = [
        told("arxiv", first, arxiv_version=2, updated_on="2021-05-01", submitted_on="2021-01-02"),
        told("arxiv-oai", 1, arxiv_version=2, updated_on="2021-05-02", submitted_on="2021-01-01"),
        told("arxiv-rss", 1 - first, arxiv_version=3, updated_on="2021-06-01"),
        told("telbib", 5, arxiv_version=9, updated_on="2031-01-01"),
    ]
    values = compose(records, {}).values
    assert (values["arxiv_version"], values["updated_on"]) == (3, date(2021, 6, 1))
    assert values["preprint_on"] == date(2021, 1, 1)


def test_a_version_without_a_date_leaves_the_last_date_known() -> None:
    """Where the door that knows the version gives no date, that of the version before stands."""
    records = [told("arxiv-rss", 1, arxiv_version=3), told("arxiv", arxiv_version=2, updated_on="2021-05-01")]
    values = compose(records, {}).values
    assert (values["arxiv_version"], values["updated_on"]) == (3, date(2021, 5, 1))


@pytest.mark.parametrize("door", ["arxiv", "arxiv-oai", "arxiv-rss"])
def test_a_withdrawal_through_any_door_counts(door: str) -> None:
    """Also from the door whose record has no title left; the title is another's."""
    shown = compose(
        [told("arxiv", title="Cold dust"), told("ads", title="Cold Dust"), told(door, 1, is_withdrawn=True)], {}
    )
    assert (shown.values["is_withdrawn"], shown.values["title"]) == (True, "Cold Dust")


def test_the_table_names_every_field_that_is_shown() -> None:
    """No field is shown without a rule where it comes from."""
    assert set(PRECEDENCE) == set(SHOWN_DEFAULTS) - {"published_precision"} | {"authors"}


def authors(*people: tuple[str, str, str]) -> list[dict[str, str]]:
    """Return a plain list of authors: name, affiliation, ORCID; "" is left out, as in a stored record."""
    return [{k: v for k, v in zip(("name", "affiliation", "orcid"), one, strict=True) if v} for one in people]


def test_affiliations_that_a_list_leaves_out_are_another_list_s() -> None:
    """An article of ADS without affiliations keeps those of its preprint, of the same people only, and its own above them."""
    preprint = authors(("Doe, Jane", "Leiden", "1"), ("Roe, Richard", "Tokyo", "2"), ("Poe, Ann", "Lima", ""))
    article = authors(("Doe, J.", "", ""), ("Roe, R.", "Bonn", ""), ("Moe, A.", "", ""))
    shown = compose([told("ads", kind="eprint", authors=preprint), told("ads", 1, kind="article", authors=article)], {})
    expected = authors(("Doe, J.", "Leiden", "1"), ("Roe, R.", "Bonn", "2"), ("Moe, A.", "", ""))
    assert shown.authors == expected
    assert article == authors(("Doe, J.", "", ""), ("Roe, R.", "Bonn", ""), ("Moe, A.", "", ""))


def test_lists_of_different_length_are_of_nobody_knows_whom() -> None:
    """Where one list is cut, its places are not those of the other."""
    shown = compose(
        [told("ads", authors=authors(("Doe, J.", "", ""))), told("arxiv", authors=authors(("Doe, J.", "A", ""), ("Roe, R.", "B", "")))], {}
    )  # fmt: skip
    assert shown.authors == authors(("Doe, J.", "", ""))


@pytest.mark.parametrize(("taken_from", "expected"), [("ads", ""), ("a library", "Leiden")])
def test_what_ads_made_goes_into_no_other_source_s_list(taken_from: str, expected: str) -> None:
    """The public may see a library's affiliations, and must not see those of ADS among them."""
    own = told("list", 1, authors=authors(("Doe, J.", "", "")))
    other = told("bibtex", authors=authors(("Doe, J.", "Leiden", "")), extra={"taken_from": taken_from})
    assert compose([own, other], {}).authors == authors(("Doe, J.", expected, ""))
