"""What was looked for, marked where it stands in titles, names and abstracts. Strangers' text is escaped, always."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from biblio.catalogue.readable import readable
from biblio.public.queries import PublicPaper
from biblio.public.wanted import Term
from biblio.public.words import name_words, places

PASSAGE = 260
"""Characters of an abstract that stand in a list, around the first words found."""

Span = tuple[int, int]


class Marks:
    """What a query's terms mark. Without terms everything is plain."""

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self._terms = tuple(term for term in terms if not term.is_not)

    def title(self, paper: PublicPaper) -> Markup:
        """Return a paper's title, made readable."""
        text = readable(paper.title)
        return _marked(text, self._spans(text, "title"))

    def plain(self, paper: PublicPaper) -> str:
        """Return a paper's title, made readable, with nothing marked."""
        return readable(paper.title)

    def name(self, name: str) -> Markup:
        """Return an author's name."""
        return _marked(name, self._in_name(name))

    def authors(self, paper: PublicPaper, most: int = 3) -> Markup:
        """Return the first authors, those further on whom the query names, and how many more there are."""
        names = paper.authors
        shown = names if len(names) <= most + 1 else names[:most]
        further = [name for name in names[len(shown) :] if self._in_name(name)][:5]
        listed = Markup("; ").join(self.name(name) for name in shown)
        if further:
            listed += Markup(" … ") + Markup("; ").join(self.name(name) for name in further)
        left = len(names) - len(shown) - len(further)
        return listed + (f" and {left} more" if left else "")

    def code(self, code: str) -> Markup:
        """Return a project code."""
        is_asked = any(code in term.codes or (term.part and term.part in code.lower()) for term in self._terms)
        return _marked(code, [(0, len(code))] if is_asked else [])

    def passage(self, paper: PublicPaper) -> Markup | None:
        """Return the stretch of the abstract in which something was found, or None; only abstracts that may be shown are there."""
        text = paper.abstract or ""
        spans = self._spans(text, "abstract")
        if not spans:
            return None
        start = max(0, spans[0][0] - PASSAGE // 3)
        start = text.find(" ", start) + 1 if start else 0
        stretch = text[start : start + PASSAGE]
        if start + PASSAGE < len(text):
            stretch = stretch.rpartition(" ")[0] or stretch
        end = start + len(stretch)
        inside = [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]
        lead, tail = ("… " if start else ""), (" …" if end < len(text) else "")
        return lead + _marked(stretch, inside) + tail

    def abstract(self, paper: PublicPaper) -> Markup:
        """Return the whole abstract."""
        return _marked(paper.abstract or "", self._spans(paper.abstract or "", "abstract"))

    def _spans(self, text: str, field: str) -> list[Span]:
        terms = [term for term in self._terms if term.words and term.field in ("", field)]
        if not terms or not text:
            return []
        listed = list(places(text))
        found = [span for term in terms for span in _standing(listed, term)]
        return _together(found)

    def _in_name(self, name: str) -> list[Span]:
        """Return the words of a name that a term asks for, whichever way round it says the name."""
        row = name_words(name)
        found: list[Span] = []
        for term in self._terms:
            if term.words and term.field in ("", "author") and _holds(row, term):
                found += [(a, b) for a, b, word in places(name) if _is_one_of(word, term)]
        return _together(found)


def _fits(word: str, wanted: str, is_begun: bool) -> bool:
    return word.startswith(wanted) if is_begun else word == wanted


def _holds(row: Sequence[str], term: Term) -> bool:
    last = len(term.words) - 1
    return any(
        all(_fits(row[i + n], word, term.is_begun_in("author") and n == last) for n, word in enumerate(term.words))
        for i in range(len(row) - last)
    )


def _is_one_of(word: str, term: Term) -> bool:
    last = len(term.words) - 1
    return any(_fits(word, wanted, term.is_begun_in("author") and n == last) for n, wanted in enumerate(term.words))


def _standing(listed: Sequence[tuple[int, int, str]], term: Term) -> list[Span]:
    last = len(term.words) - 1
    return [
        (listed[i][0], listed[i + last][1])
        for i in range(len(listed) - last)
        if all(
            _fits(listed[i + n][2], word, term.is_begun_in("title") and n == last) for n, word in enumerate(term.words)
        )
    ]


def _together(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that touch made one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _marked(text: str, spans: Sequence[Span]) -> Markup:
    parts, at = [], 0
    for start, end in spans:
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])
