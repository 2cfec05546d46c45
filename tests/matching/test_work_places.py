"""Where and when two records appeared, as numbers: unknown stays unknown, the order of the records changes nothing."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.work_places import dois, kinds, pages, venues, years
from matching.work_text import Reading, Work, read


def record(**fields: Any) -> Reading:
    """A record of these fields, read."""
    return read(Work.from_plain({"title": "The dust ring of XY Tauri", **fields}))


def test_what_one_record_does_not_say_is_unknown() -> None:
    """Nothing is made of a missing year, venue, DOI, volume or page, nor of a kind but how many are of it."""
    bare, full = record(), record(year=2018, doi="10.1000/a1", venue="Journal of Rings", volume="3", pages="7-9")
    assert all(map(math.isnan, (*years(bare, full), *dois(bare, full), *venues(bare, full), *pages(bare, full))))
    assert math.isnan(kinds(bare, record(type="dataset"))[0])
    assert kinds(bare, record(type="dataset"))[1:] == (0.0, 0.0, 1.0)


def test_a_preprint_is_seldom_later_than_its_article() -> None:
    """Beside the years between two records stands by how many the only preprint is the later one."""
    article = record(year=2010, type="article-journal")
    assert years(record(year=2009, type="preprint"), article) == (1.0, -1.0)
    assert years(article, record(year=2012, type="preprint")) == (2.0, 2.0)
    assert math.isnan(years(article, record(year=2012, type="chapter"))[1])


@pytest.mark.parametrize(
    ("one", "other", "same", "register", "steps"),
    [
        ("10.1000/fig.12.v1", "10.1000/fig.12.v2", 1.0, math.nan, 0.0),
        ("10.1000/rec.120", "10.1000/rec.121", 0.0, 1.0, math.log10(2)),
        ("10.1000/rec.120", "10.1000/rec.999120", 0.0, 1.0, math.log10(999001)),
        ("10.1000/rec.120", "10.2000/rec.120", 0.0, 0.0, 0.0),
        ("10.1000/rec.120", "10.1000/book-1.120", 0.0, 1.0, math.nan),
    ],
)
def test_neighbouring_dois_are_seen(one: str, other: str, same: float, register: float, steps: float) -> None:
    """A version is the same DOI; of others it counts who registered them and how far their numbers are apart."""
    for found in (dois(record(doi=one), record(doi=other)), dois(record(doi=other), record(doi=one))):
        assert (found[0], found[1], found[3]) == pytest.approx((same, register, steps), nan_ok=True)


def test_pages_overlap() -> None:
    """One page inside the other's range is inside; an article number is a range of one."""
    assert pages(record(pages="133-152"), record(pages="140"))[2] == 1.0
    assert pages(record(pages="133-152"), record(pages="153-160"))[2] == 0.0
    assert pages(record(pages="12", volume="4"), record(pages="12-19", volume="04")) == (1.0, 1.0, 1.0)


written = st.text(alphabet="0123456789-ae. /", max_size=30)


@given(st.tuples(written, written, written), st.tuples(written, written, written))
def test_the_order_of_records_changes_nothing(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Every number is the same with the records exchanged, whatever is written."""
    a, b = (record(doi=f"10.1000/{d}", pages=p, venue=v, year=p[:4], type="preprint") for d, p, v in (one, other))
    for of in (years, venues, kinds, dois, pages):
        assert of(a, b) == pytest.approx(of(b, a), nan_ok=True)
