"""One Atom answer of arXiv gives its records, whatever strangers wrote into it."""

from __future__ import annotations

from datetime import date

import pytest

from harvesters.arxiv_atom import entry_keys, parse_feed, read_entries, total_results
from harvesters.errors import PageRefused
from harvesters.records import HarvestedAuthor, HarvestedRecord, Refusal
from tests.harvesters.test_arxiv import ATOM, JAN, entry, feed


def read(*entries: str) -> tuple[list[HarvestedRecord], list[str], set[str]]:
    """The records, the reasons of refusals, and the names of fields that nobody reads."""
    unread: set[str] = set()
    found = list(read_entries(parse_feed(feed(list(entries), 1), ATOM, "page 1"), "arxiv", "page 1", unread))
    refusals = [one.reason for one in found if isinstance(one, Refusal)]
    return [one for one in found if isinstance(one, HarvestedRecord)], refusals, unread


def test_authors_keep_their_affiliations() -> None:
    """arXiv prints an affiliation inside its author; several are kept, and each stays with its own."""
    affiliated = (
        "<author><name>Cai Cherche</name><arxiv:affiliation>Uni A</arxiv:affiliation>"
        "<arxiv:affiliation>Lab\n B</arxiv:affiliation></author></entry>"
    )
    ((record,), _, unread) = read(entry(7, JAN).replace("</entry>", affiliated))
    assert record.authors[-2:] == (HarvestedAuthor("Bo Beispiel"), HarvestedAuthor("Cai Cherche", "Uni A; Lab B"))
    assert unread == set()


def test_news_is_named_wherever_it_stands() -> None:
    """Elements that nobody reads are named: arXiv's, Atom's, a stranger's, and those inside an author."""
    more = (
        '<arxiv:mood/><rights/><x:y xmlns:x="urn:x"/><author><name>C</name><uri>http://c</uri></author>'
        "<author><email>nobody@example.org</email></author></entry>"
    )
    ((record,), _, unread) = read(entry(7, JAN).replace("</entry>", more))
    assert unread == {"arxiv_mood", "rights", "{urn:x}y", "author uri", "author email"}
    assert [author.name for author in record.authors] == ["Aino Example", "Bo Beispiel", "C"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("2601.00007v" + "9" * 5000, "is no arXiv address"),
        ("2601.٠٠٠٠٧v1", "is no arXiv address"),
        ("2601.00007v1?x=1", "is no arXiv address"),
    ],
    ids=["version without end", "foreign digits", "question"],
)
def test_identifiers_are_read_strictly(wrong: str, reason: str) -> None:
    """What only looks like an identifier costs its entry, and only that."""
    records, refusals, _ = read(entry(7, JAN).replace("2601.00007v2", wrong), entry(8, JAN))
    assert [record.key for record in records] == ["2601.00008"]
    assert len(refusals) == 1
    assert reason in refusals[0]


@pytest.mark.parametrize("total", ["²", "9" * 5000, "-1", "1.0", "", "١"])
def test_a_total_that_is_no_number_refuses_the_page(total: str) -> None:
    """A feed that does not say how many entries there are is none of arXiv's."""
    with pytest.raises(PageRefused, match="page 1: the answer is no feed of results"):
        parse_feed(feed([], total), ATOM, "page 1")


def test_markup_in_a_title_is_text() -> None:
    """Elements inside a title (type "xhtml") lose their tags, never their words."""
    marked = entry(7, JAN).replace("<title>", '<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">')
    ((record,), _, _) = read(marked.replace("</title>", "</div></title>"))
    assert record.title == "Rings of planet 7 < 3"


def test_keys_and_total_are_read_without_reading_the_entries() -> None:
    """Each entry has a key of its own, even one without an id."""
    tree = parse_feed(feed([entry(7, JAN), "<entry/>", "<entry/>"], 30), ATOM, "page 1")
    assert entry_keys(tree) == ("http://arxiv.org/abs/2601.00007v2", "entry 1", "entry 2")
    assert total_results(tree, "page 1") == 30


def test_first_of_two_values_counts() -> None:
    """An element that comes twice does not overwrite the first."""
    twice = entry(7, JAN).replace("</entry>", "<published>1999-01-01T00:00:00Z</published></entry>")
    ((record,), _, _) = read(twice)
    assert record.submitted_on == date(2026, 1, 1)
