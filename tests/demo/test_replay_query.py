"""The query language of arXiv and ADS: what binds to what, and what is refused."""

from __future__ import annotations

import pytest

from demo.replay_query import QueryError, Range, Term, contains, matches, parse, words_of


class Note:
    """A document of one text field and a year."""

    def __init__(self, text: str, year: int) -> None:
        self.words = words_of(text)
        self.year = year

    def has(self, term: Term) -> bool:
        """Match words of the text, under any field but ``no``."""
        return term.field != "no" and contains(self.words, term)

    def within(self, span: Range) -> bool:
        """Match a range of years."""
        return int(span.low) <= self.year <= int(span.high)


NOTE = Note("Rings in the disc of Škrivánek 12, seen with ADS/JAO.ALMA#2015.1.00123.S", 2019)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("abs:rings", True),
        ("abs:ring", False),
        ("abs:ring*", True),
        ('"the disc of skrivanek"', True),
        ('"disc the"', False),
        ('full:"ADS/JAO.ALMA"', True),
        ('full:"ADS/JAO.ALMA#2015.1.00123.S"', True),
        ("rings comet", False),
        ("rings OR comet", True),
        ("comet OR rings AND disc", True),
        ("(comet OR rings) AND comet", False),
        ("rings AND comet OR disc", True),
        ("rings NOT disc", False),
        ("rings -disc", False),
        ("rings -comet", True),
        ("-disc", False),
        ("ti:rings ANDNOT ti:comet", True),
        ("NOT comet", True),
        ("abs:(comet OR rings)", True),
        ("no:(comet OR rings)", False),
        ("rings year:[2018 TO 2020]", True),
        ("rings AND year:[2020 TO 2021]", False),
    ],
)
def test_queries_mean_what_the_services_mean(query: str, expected: bool) -> None:
    """Fields, phrases, wildcards, brackets, negation and ranges."""
    assert matches(parse(query), NOTE) is expected


@pytest.mark.parametrize("query", ["", "(rings", "rings)", "AND rings", "rings OR", '"open phrase', "abs:"])
def test_nonsense_is_refused(query: str) -> None:
    """A query that cannot be read is an error, never an empty answer."""
    with pytest.raises(QueryError):
        parse(query)
