"""Quotes in context: passages that overlap are shown once, with every quote in them marked and named."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from biblio.catalogue.readable import readable

PLACES = {
    "acknowledgement": "acknowledgements",
    "data_statement": "data statement",
    "footnote": "footnote",
    "body": "main text",
    "references": "reference list",
    "comment": "TeX comment, not printed",
    "unknown": "text",
    "title": "title",
    "abstract": "abstract",
    "targets": "target list",
    "authors": "author list",
}
"""Where a quote stands, in a librarian's words."""


SNIPPETS = frozenset({"ack", "body"})
"""The fields, as ADS calls them, whose passages come with its records; no file."""


_Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Quote:
    """One stored quote: ``start``/``end`` and ``context_start`` count code points in ``part``; lines count from 1."""

    part: str
    page: int | None
    stands_in: str
    start: int
    end: int
    context: str
    context_start: int
    line: int | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """What tells two quotes apart."""
        return self.part, self.start, self.end

    @property
    def words(self) -> str:
        """The words quoted, without what stands around them."""
        return self.context[self.start - self.context_start : self.end - self.context_start]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a passage; ``mark`` names the quote it is, None for the words around."""

    text: str
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of a paper's text with its quotes marked; ``label`` says where it stands, ``place`` in which file."""

    label: str
    place: str
    segments: tuple[Segment, ...]
    is_cut_before: bool = False
    is_cut_after: bool = False


@dataclass(slots=True)
class _Stretch:
    first: Quote
    text: str
    begin: int
    quotes: list[Quote] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.begin + len(self.text)

    def holds(self, quote: Quote) -> bool:
        """Whether the quote's context goes on in this text: same part and page, and the same words where both overlap."""
        if (self.first.part, self.first.page) != (quote.part, quote.page) or quote.context_start > self.end:
            return False
        common = self.text[quote.context_start - self.begin :]
        return common.startswith(quote.context) or quote.context.startswith(common)

    @property
    def is_cut_after(self) -> bool:
        """Whether words seem to follow: titles are short enough to be whole, other passages end a sentence or not."""
        return self.first.part != "title" and self.text.rstrip()[-1:] not in (".", "!", "?", "}", "")


def passages(
    quotes: Iterable[Quote], *, prefix: str = "quote"
) -> tuple[list[Passage], dict[tuple[str, int, int], str]]:
    """Return the passages to show, and the name of the mark of each quote (by its ``key``); marks begin with ``prefix``.

    Order: acknowledgements and data statements first, then as they stand in the text.
    """
    told, echoes = _without_echoes(set(quotes))
    stretches = _joined(sorted(told, key=lambda q: (q.part, q.page or 0, q.context_start, q.start, q.end)))
    stretches.sort(key=lambda s: (s.first.stands_in not in ("acknowledgement", "data_statement"), _rank(s), s.begin))
    names: dict[tuple[str, int, int], str] = {}
    shown = []
    for stretch in stretches:
        for quote in sorted(stretch.quotes, key=lambda q: (q.start, q.end)):
            names.setdefault(quote.key, f"{prefix}-{len(names) + 1}")
        shown.append(
            Passage(
                label=PLACES.get(stretch.first.stands_in, "text"),
                place=_place(stretch.quotes),
                segments=tuple(_segments(stretch, names)),
                is_cut_before=stretch.begin > 0,
                is_cut_after=stretch.is_cut_after,
            )
        )
    names |= {echo: names[key] for echo, key in echoes.items() if key in names}
    return shown, names


def _without_echoes(quotes: Collection[Quote]) -> tuple[list[Quote], dict[_Key, _Key]]:
    """Leave out passages from ADS that the full text shows in full; each leads to the quote there.

    The same words in the same kind of place are one statement: ADS cuts its passages out of that text.
    """
    in_full = {(q.words, q.stands_in): q.key for q in quotes if q.part not in SNIPPETS and q.words}
    echoes = {
        q.key: in_full[q.words, q.stands_in] for q in quotes if q.part in SNIPPETS and (q.words, q.stands_in) in in_full
    }
    return [q for q in quotes if q.key not in echoes], echoes


def _rank(stretch: _Stretch) -> int:
    order = ("data_statement", "acknowledgement", "footnote", "title", "abstract", "body", "unknown")
    return order.index(stretch.first.stands_in) if stretch.first.stands_in in order else len(order)


def _place(quotes: Sequence[Quote]) -> str:
    """Say in which file and where in it: the page of a PDF, the lines of a manuscript."""
    first = quotes[0]
    if first.part in ("title", "abstract"):
        return ""
    if first.part in SNIPPETS:
        return "passage from ADS"
    words = [readable(name) for name in first.part.split("!") if name]
    if first.page is not None:
        words.append(f"page {first.page}")
    elif lines := sorted({quote.line for quote in quotes if quote.line is not None}):
        words.append(f"line {lines[0]}" if len(lines) == 1 else f"lines {lines[0]}–{lines[-1]}")
    return ", ".join(words)


def _joined(quotes: Sequence[Quote]) -> list[_Stretch]:
    """Join contexts of one part that overlap and agree where they do; the quotes must be sorted.

    Two passages that a source gives for one field bear the same name and count from their own beginnings: where the
    words differ they are two stretches. Of two quotes with the same ``key`` the first is shown.
    """
    stretches: list[_Stretch] = []
    seen: set[tuple[str, int, int]] = set()
    for quote in quotes:
        if quote.key in seen:
            continue
        seen.add(quote.key)
        home = next((stretch for stretch in reversed(stretches) if stretch.holds(quote)), None)
        if home is None:
            stretches.append(_Stretch(quote, quote.context, quote.context_start, [quote]))
            continue
        home.text += quote.context[home.end - quote.context_start :]
        home.quotes.append(quote)
    return stretches


def _segments(stretch: _Stretch, names: dict[tuple[str, int, int], str]) -> Iterable[Segment]:
    at = 0
    for quote in sorted(stretch.quotes, key=lambda q: (q.start, -q.end)):
        start, end = quote.start - stretch.begin, quote.end - stretch.begin
        if start < at or end > len(stretch.text) or end <= start:
            continue  # inside another quote, or offsets that do not fit the passage kept
        if start > at:
            words = stretch.text[at:start]
            yield Segment(readable(_from_a_word(words) if at == 0 and stretch.begin > 0 else words))
        yield Segment(readable(stretch.text[start:end]), names[quote.key])
        at = end
    if at < len(stretch.text):
        words = stretch.text[at:]
        yield Segment(readable(_to_a_word(words) if stretch.is_cut_after else words))


def _from_a_word(words: str) -> str:
    """Drop the rest of a word that the cut of the passage left at its beginning."""
    head, blank, rest = words.partition(" ")
    return rest if blank and len(head) < 20 and not head[:1].isupper() else words


def _to_a_word(words: str) -> str:
    """Drop the beginning of a word that the cut of the passage left at its end."""
    head, blank, tail = words.rpartition(" ")
    return head if blank and len(tail) < 20 else words
