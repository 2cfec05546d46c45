"""What the sentences that name the observatory say: data used, an announcement, somebody else's data, an address.

The phrases are data of the profile (``relation.toml``), written in a small language: words; ``a/b`` for either word;
``(word)`` for one that may be missing; ``observ*`` for a word's beginning; ``{us}`` for a name of the observatory,
``{few}`` for up to four words, ``{one}`` for up to one, ``{cite}`` for a citation. Every repeat in them is bounded and each sentence is read
once, so time grows with the length of the text only. What is found is a quote with its offsets: of a text that is
thrown away after reading, the quotes are all that a judgement can rest on (``matching.relation``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from matching.keywords import MOST_SPOTS, Keywords, KeywordSpot
from matching.sections import Places, Where
from matching.text import Repaired, repair

__all__ = ["DOUBTFUL", "EXCLUDED", "LISTED", "MOST_PER_KIND", "NAMED", "Found", "Phrase", "PhraseFinder", "PhraseTable", "RelationError", "most_telling", "place_of"]  # fmt: skip

NAMED, LISTED, EXCLUDED, DOUBTFUL = "named", "listed", "excluded", "doubtful"
"""Kinds of places without a phrase: the observatory is named, stands in the reference list, only sounds like it, or a
short name of it stands without company in a text that never names it surely."""

MOST_PER_KIND = 4
"""Places of one kind that are kept of a text, the most telling first: further ones would add nothing (``matching.relation``)."""

MOST_SENTENCES = 2_000
"""Sentences read closely in one part of a text; a thesis names its telescope a few hundred times."""

_BEFORE, _AFTER = 400, 300  # characters of a sentence looked at on either side of a name
_MOST_MACROS = 10  # of one text, that print our name
_HEADINGS_BACK = 12_000  # characters of earlier pages in which headings are looked for
_US = "\x02"
_YEAR = r"(?:19[5-9]|20[0-4])[0-9][a-z]?(?![0-9])"
_CITE = (
    rf"(?:[A-Z][a-z'’-][\w'’-]{{0,24}}(?:,? (?:et al\.?|(?:and|&) [A-Z][\w'’-]{{1,25}}))?[ ,]{{1,3}}[(\[]?{_YEAR}[)\]]?"
    rf"|[(\[][^()\[\]\x02]{{0,80}}?{_YEAR}[^()\[\]\x02]{{0,80}}[)\]]|\[[0-9][0-9, –-]{{0,20}}\])"
)
_WORD = r"[^\s;:]{1,30}\s{1,3}"  # what ends a word is no part of one: there is one way to read it
_GAPS = {"few": f"(?:{_WORD}){{0,4}}?", "one": f"(?:{_WORD})?"}
_NAME = rf"(?:the[\s]{{1,3}})?{_US}++(?:['’]s|-based)?"
_GAP = r"[\s\u2010-\u2015-]{1,3}"
_CUT = re.compile(
    r"\n[ \t\r]{0,20}\n|</?(?:p|sec|title|abstract|ack|li|h[1-6]|div)\b[^<>]{0,100}>"
    r"|\\(?:(?:sub){0,2}section|paragraph|begin|end|item|acknowledg[a-z]{0,8})\*?(?:\{[^{}]{0,120}\})?"
)
_STOP = re.compile(
    r"[.!?](?<!\bal\.)(?<![Ff]ig\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<!Sect\.)(?<!Sec\.)(?<!Eq\.)(?<!\b[A-Z]\.)(?<!No\.)"
    r"[)\]\"'’”]{0,2}(?=\s{1,4}[^a-z\s])"
)
_TOKEN = re.compile(r"\{(us|few|one|cite)\}|\(([^()\s]+)\)|(\S+)")
_TEX_CITE = re.compile(r"\\[cC]ite[a-z]{0,8}\*?(?:\[[^\]]{0,60}\]){0,2}\{[^{}]{0,300}\}")
_NAME_MACRO = re.compile(
    r"\\(?:(?:re)?newcommand\*?|providecommand\*?|def)\s{0,4}\{?\\(?P<name>[A-Za-z]{1,30})\}?\s{0,4}"
    r"\{(?P<body>[^{}]{0,80}(?:\{[^{}]{0,40}\}[^{}]{0,20})?)\}"
)
_STRUCK_OUT: Where = "comment"


class RelationError(ValueError):
    """Phrases or weights that cannot be used; the message names the key."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One place that says something: ``start``/``end`` count code points in ``part``, ``printed`` is what stands there.

    ``kind`` names the table of phrases (or ``named``, ``listed``, ``excluded``) and ``where`` the part of the paper.
    """

    kind: str
    start: int
    end: int
    printed: str
    where: str
    part: str = ""
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What one text says: its telling places in their order, and in how many places it names the observatory."""

    phrases: tuple[Phrase, ...] = ()
    named: int = 0


@dataclass(frozen=True, slots=True)
class PhraseTable:
    """Phrases that mean the same. ``weight`` is the log-odds by which each speaks for the relation ``speaks_for``.

    ``places``: parts of a paper in which it counts, none meaning all. ``own``: the sentence must say "we" or "our"; one
    that cites somebody instead is of the kind ``cited``, one that does neither of the kind ``unsaid``. ``bare``: the
    phrase counts in a title that does not name the observatory. ``alone``: it counts only in a paper that says nothing else.
    """

    key: str
    speaks_for: str
    weight: float
    sentence: str
    pattern: re.Pattern[str] | None = None
    places: frozenset[str] = frozenset()
    own: bool = False
    cited: str = NAMED
    unsaid: str = NAMED
    bare: bool = False
    alone: bool = False

    @classmethod
    def from_plain(cls, table: Any) -> PhraseTable:
        """Check plain data. Raises ``RelationError``."""
        if not isinstance(table, Mapping) or not isinstance(table.get("key"), str):
            raise RelationError("relation: each table of phrases needs a key.")
        key = str(table["key"])
        known = {
            "key",
            "speaks_for",
            "weight",
            "sentence",
            "words",
            "places",
            "own",
            "cited",
            "unsaid",
            "bare",
            "alone",
        }
        if unknown := sorted(set(table) - known):
            raise RelationError(f"relation: phrases {key!r}: unknown key {unknown[0]!r}.")
        weight, words = table.get("weight"), strings(table, "words")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 20:
            raise RelationError(f"relation: phrases {key!r}: weight must be a log-odds from 0 to 20.")
        for name in ("speaks_for", "sentence"):
            if not isinstance(table.get(name), str) or not table[name].strip():
                raise RelationError(f"relation: phrases {key!r}: {name} must be a text.")
        return cls(
            key,
            table["speaks_for"],
            float(weight),
            table["sentence"],
            re.compile("|".join(f"(?:{pattern_of(w, key)})" for w in words), re.IGNORECASE) if words else None,
            frozenset(strings(table, "places")),
            table.get("own") is True,
            str(table.get("cited", NAMED)),
            str(table.get("unsaid", NAMED)),
            table.get("bare") is True,
            table.get("alone") is True,
        )


def pattern_of(words: str, key: str) -> str:
    """The pattern of one phrase; its repeats are bounded. Raises ``RelationError`` for a phrase without words."""
    parts: list[str] = []
    for token in _TOKEN.finditer(words):
        name, optional, word = token.groups()
        if word and word[0] in ",;" and parts:
            parts.pop()  # it stands without a blank before it
        if name in _GAPS:
            parts.append(_GAPS[name])
        elif optional:
            parts.append(f"(?:(?:{_either(optional)}){_GAP})?")
        else:
            parts.append(_NAME if name == "us" else f"(?-i:{_CITE})" if name else _either(word))
            parts.append(_GAP)
    if (
        not parts
        or parts[-1] != _GAP
        or parts[0] in _GAPS.values()
        or re.search(r"[{}]", re.sub(r"\{(?:us|few|one|cite)\}", "", words))
    ):
        raise RelationError(f"relation: phrases {key!r}: {words!r} must begin and end with a word, {{us}} or {{cite}}.")
    return rf"(?<![^\W_])(?<!{_US}){''.join(parts[:-1])}(?![^\W_])"


def _either(words: str) -> str:
    """One of several words; ``*`` at a word's end stands for any ending."""
    each = (re.escape(w.removesuffix("*")) + (r"[a-z]{0,15}" if w.endswith("*") else "") for w in words.split("/") if w)
    return f"(?:{'|'.join(each)})"


def strings(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts. Raises ``RelationError`` where something else stands."""
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise RelationError(f"relation: {key} must be a list of texts.")
    return tuple(value)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence made readable; in ``masked`` names of the observatory are ``_US``, what only sounds like it is gone."""

    repaired: Repaired
    masked: str


class PhraseFinder:
    """Finds what a text says of one observatory."""

    def __init__(
        self, tables: Sequence[PhraseTable], names: Sequence[str], own: Sequence[str], keywords: Keywords
    ) -> None:
        self.tables = tuple(tables)
        self.keywords = keywords
        longest_first = sorted(names, key=lambda n: (-len(n), n))
        parts = (r"[\s~-]{1,3}".join(map(re.escape, re.split(r"[\s-]+", name))) for name in longest_first)
        self._names = re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})(?![^\W_])")
        self._own = re.compile("|".join(pattern_of(words, "own") for words in own), re.IGNORECASE)
        self._cite = re.compile(_CITE)

    def find(self, text: str, *, field: str | None = None, markup: str = "auto", before: str = "") -> Found:
        """What the text says; ``field`` is "title" or "abstract" (or what else a short text is) of a record.

        ``before`` is what stands before it (earlier pages); only headings are looked for in it.
        """
        macros, definitions = self._macros(text) if "\\" in text else ({}, [])
        spots = self._spots(text, macros, definitions, is_title=field == "title")
        around = [(EXCLUDED, spot) for spot in self.keywords.excluded(text)[:MOST_PER_KIND]]
        if not spots:
            around += [(DOUBTFUL, spot) for spot in self.keywords.alone(text)[:MOST_PER_KIND]]
        phrases = [Phrase(kind, s.start, s.end, s.printed, field or "unknown") for kind, s in around]
        if field == "title" and not spots:
            phrases += self._said(text, (0, len(text)), field, macros, bare=True)
        before = before[-_HEADINGS_BACK:]
        places = None if field else Places(before + text, markup)
        reached, sentences, named = -1, 0, 0
        starts = [spot.start for spot in spots]
        for spot in spots:
            if spot.start < reached:
                continue
            where = field or (places.where(spot.start + len(before)) if places else "unknown")
            low, reached = _around(text, spot.start, spot.end, reached)
            if where == "references":
                phrases.append(Phrase(LISTED, spot.start, spot.end, spot.printed, where))
            elif where != _STRUCK_OUT:
                named += bisect_left(starts, reached) - bisect_left(starts, spot.start)
                sentences += 1
                if sentences <= MOST_SENTENCES:
                    said = self._said(text, (low, reached), where, macros)
                    phrases += said or [Phrase(NAMED, spot.start, spot.end, spot.printed, where)]
        return Found(tuple(sorted(phrases, key=lambda p: (p.start, p.end, p.kind))), named)

    def _spots(
        self, text: str, macros: Mapping[str, str], definitions: Sequence[tuple[int, int]], *, is_title: bool
    ) -> list[KeywordSpot]:
        """The places that name the observatory, those among them where a TeX macro of the author's prints its name."""
        spots = self.keywords.find(text, title=is_title)
        if not macros:
            return spots
        uses = re.compile(rf"\\(?:{'|'.join(macros)})(?![A-Za-z])")
        spots += [KeywordSpot(*use.span(), use[0]) for use in islice(uses.finditer(text), MOST_SPOTS)]
        kept: list[KeywordSpot] = []
        for spot in sorted(spots, key=lambda s: (s.start, -s.end)):
            is_defined = any(low <= spot.start < high for low, high in definitions)
            if not is_defined and (not kept or spot.start >= kept[-1].end):
                kept.append(spot)
        return kept

    def _macros(self, text: str) -> tuple[dict[str, str], list[tuple[int, int]]]:
        """Macros of the author's that print a name of ours and no more, by their own name; and where they are defined."""
        found: dict[str, str] = {}
        definitions: list[tuple[int, int]] = []
        for macro in _NAME_MACRO.finditer(text):
            plain = repair(macro["body"], markup="tex").text.strip() if self._names.search(macro["body"]) else ""
            if self._names.fullmatch(plain) and len(found) < _MOST_MACROS:
                found[macro["name"]] = plain
                definitions.append(macro.span())
        return found, definitions[:_MOST_MACROS]

    def _said(
        self, text: str, span: tuple[int, int], where: str, macros: Mapping[str, str], *, bare: bool = False
    ) -> list[Phrase]:
        """What a sentence says, in its order; where two phrases share words the earlier table's counts."""
        sentence = self._sentence(text, *span, macros)
        taken: list[tuple[int, int]] = []
        said: list[Phrase] = []
        for table in self.tables:
            if table.pattern is None or (table.places and where not in table.places) or (bare and not table.bare):
                continue
            for match in table.pattern.finditer(sentence.masked):
                start, end = match.span()
                if any(start < other[1] and other[0] < end for other in taken):
                    continue
                taken.append((start, end))
                low, high = sentence.repaired.span(start, end)
                said.append(Phrase(self._kind(table, sentence, where), low, high, text[low:high], where))
        return said

    def _kind(self, table: PhraseTable, sentence: _Sentence, where: str) -> str:
        """What a phrase is taken for: use is said by "we" and "our", and in a data statement; else it may be another's."""
        if not table.own or where == "data_statement" or self._own.search(sentence.masked):
            return table.key
        return table.cited if self._cite.search(sentence.masked) else table.unsaid

    def _sentence(self, text: str, low: int, high: int, macros: Mapping[str, str]) -> _Sentence:
        raw = _TEX_CITE.sub(_as_year, self.keywords.without_exclusions(text[low:high]))
        repaired = repair(raw, offset=low, macros=macros)
        masked = self._names.sub(lambda m: _US * len(m[0]), repaired.text)
        return _Sentence(repaired, masked)


def _around(text: str, start: int, end: int, reached: int) -> tuple[int, int]:
    """The sentence that holds a name, cut at blank lines, headings and tags; at most some hundred characters each way."""
    low = max(0, start - _BEFORE, reached)
    high = min(len(text), end + _AFTER)
    for pattern in (_CUT, _STOP):
        for cut in pattern.finditer(text, low, start):
            low = cut.end()
        if (cut_after := pattern.search(text, end, high)) is not None:
            high = cut_after.start() + (1 if pattern is _STOP else 0)
    return low, max(high, end)


def _as_year(cite: re.Match[str]) -> str:
    """A TeX citation as one in print looks, as long as it was: what fills it up is taken out of the sentence later."""
    return f"(2000{chr(0) * (len(cite[0]) - 6)})"


def most_telling(phrases: Iterable[Phrase], worth: Mapping[str, float]) -> tuple[Phrase, ...]:
    """The phrases worth keeping: of each kind those that stand where they count most, in their order.

    ``worth`` is how much a place of the paper counts (1 for those not in it). The order of input changes nothing,
    nor does a phrase that is given twice.
    """
    kinds: dict[str, list[Phrase]] = {}
    for phrase in sorted(set(phrases), key=lambda p: (-worth.get(p.where, 1.0), *place_of(p))):
        kept = kinds.setdefault(phrase.kind, [])
        if len(kept) < MOST_PER_KIND:
            kept.append(phrase)
    every = (phrase for kept in kinds.values() for phrase in kept)
    return tuple(sorted(every, key=lambda p: (*place_of(p), p.kind)))


def place_of(phrase: Phrase) -> tuple[str, int, int, int, str, str]:
    """What phrases are ordered by where nothing else tells them apart: two that are equal in it say the same."""
    return phrase.part, phrase.page or 0, phrase.start, phrase.end, phrase.where, phrase.printed
