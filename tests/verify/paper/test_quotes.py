"""Quotes in context: where each stands in words, and each statement shown once."""

from __future__ import annotations

import pytest

from biblio.verify.paper.quotes import Quote, passages

CODE = "2016.1.00001.S"


def _quote(
    part: str = "main.tex",
    *,
    page: int | None = None,
    line: int | None = None,
    start: int = 4030,
    around: str = " data ",
) -> Quote:
    return Quote(
        part, page, "acknowledgement", start, start + len(CODE), around + CODE + around, start - len(around), line
    )


@pytest.mark.parametrize(
    ("quotes", "place"),
    [
        ([_quote(line=112)], "main.tex, line 112"),
        ([_quote("arXiv:1901.00001v2!ms/main.tex", line=7)], "arXiv:1901.00001v2, ms/main.tex, line 7"),
        ([_quote("paper.pdf", page=9)], "paper.pdf, page 9"),
        ([_quote()], "main.tex"),
        ([_quote("title")], ""),
        ([_quote("ack")], "passage from ADS"),
        ([_quote("a\u202eb\x00.tex", line=1)], "ab.tex, line 1"),
    ],
)
def test_where_a_quote_stands_is_said(quotes: list[Quote], place: str) -> None:
    """The file, and in it the line of a manuscript or the page of a PDF, as far as they are known."""
    assert [p.place for p in passages(quotes)[0]] == [place]


def test_quotes_of_one_passage_tell_all_their_lines() -> None:
    """Two codes in one passage, three lines apart."""
    context = f" data {CODE} and more data {CODE} "
    first, second = context.index(CODE), context.rindex(CODE)
    both = [
        Quote("main.tex", None, "acknowledgement", 100 + at, 100 + at + len(CODE), context, 100, line)
        for at, line in ((first, 12), (second, 15))
    ]
    shown, names = passages(both)
    assert [p.place for p in shown] == ["main.tex, lines 12–15"]
    assert len(set(names.values())) == 2


def test_a_passage_from_ads_gives_way_to_the_full_text() -> None:
    """What ADS cut out of a text that was read in full is shown once, and evidence on it leads to the full text."""
    snippet, full = _quote("ack", start=10), _quote(line=112)
    shown, names = passages([snippet, full])
    assert [p.place for p in shown] == ["main.tex, line 112"]
    assert names[snippet.key] == names[full.key] == "quote-1"


def test_a_passage_from_ads_stays_where_the_text_was_not_read() -> None:
    """Alone, or with other words than the text has, it is shown."""
    assert [p.place for p in passages([_quote("ack", start=10)])[0]] == ["passage from ADS"]
    other = Quote("ack", None, "acknowledgement", 5, 9, "from Band", 0)
    assert {p.place for p in passages([other, _quote(line=1)])[0]} == {"main.tex, line 1", "passage from ADS"}
