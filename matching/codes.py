"""Project codes in text: found, put right, checked against the registry, and never guessed in silence.

Anchors (cheap literal patterns) are looked for in the raw text; only windows around them are repaired and read. A
well-formed code is always reported as printed. A damaged one is read by the registry and by its shape, and is called
certain only where exactly one registry code can be meant. Offsets are code points of the text handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from matching.breaks import strays
from matching.damage import Reading, ShapeReader, is_day, read_after_prefix, read_by_registry
from matching.elided import LIST_GLUE, NumberReader, has_items, is_item, item_pattern, item_values
from matching.forms import Form
from matching.grammar import Grammar, GrammarError
from matching.registry import Registry
from matching.sections import Places
from matching.text import repair, tex_macros
from matching.windows import AFTER, BEFORE, DIGIT_RUN, Windows, joined

__all__ = ["CodeFinder", "Grammar", "GrammarError", "Mention", "Registry", "resolve"]

MOST_CANDIDATES = 50
_MOST_MACROS = 50  # of one paper, whose uses are looked for
_MOST_READ = 200_000  # characters of windows read closely in one text: those of ten thousand mentions
_MASK = "\x01"
_ITEM_LENGTH = 8  # characters of an item of a list within which a digit stands

_OTHER_NUMBER = re.compile(
    r"(?i)\b(?:grants?|awards?|contracts?|versions?|releases?|released(?: on)?|build|v)(?: (?:no\.?|nos\.?|numbers?))?[ :#.]{0,3}$"
)
_DOI = re.compile(r"10\.(?<![0-9.]10\.)[0-9]{4,9}/[^\s,;?&=#<>\"']{1,100}")
_SPACED_OUT = re.compile(r"(?:[0-9A-Za-z.] ){6,24}[0-9A-Za-z]")
_SPACED_REST = re.compile(r"(?: [A-Za-z]){1,3}(?![0-9A-Za-z])")
_SIGN_CLASSES = dict.fromkeys("–—−‒―‐‑", "-") | dict.fromkeys("·•∙‧⋅◦・･。", ".")


@dataclass(frozen=True, slots=True)
class Mention:
    """One place in a text where a project code is written.

    ``text[start:end] == as_written``. ``in_registry`` is None without a registry. ``certain`` only for a registry
    code reached without loss, or the one registry code a malformed code can mean; without a registry nothing is
    certain. ``code`` is what is printed where a number alone, or a code without its last field, may mean several, unless
    one of them is printed in full elsewhere. ``candidates`` are registry codes, best first. ``is_use``: the sentence says that data were used (True),
    only speaks of a project (False), or does not say (None).
    """

    start: int
    end: int
    as_written: str
    code: str
    in_registry: bool | None
    certain: bool
    candidates: tuple[str, ...]
    where: str
    is_use: bool | None


class _Found(NamedTuple):
    """A code in a window: offsets in the repaired text, the code, and what the registry says of it."""

    start: int
    end: int
    code: str
    certain: bool
    candidates: tuple[str, ...]
    sort: str  # whole, damaged, elided, number


class CodeFinder:
    """Finds the codes of one observatory in any text; without a registry, by their shape alone."""

    def __init__(self, grammar: Grammar, registry: Registry | None) -> None:
        self.grammar = grammar
        self.registry = registry
        self._project_words = tuple(word.lower() for word in grammar.project_words)
        self._shapes = ShapeReader(grammar)
        self._bounds = (
            min(form.lengths[0] for form in grammar.forms),
            max(form.lengths[1] for form in grammar.forms),
        )
        self._items = tuple((form, item_pattern(form)) for form in grammar.forms if has_items(form))
        self._numbers_alone = NumberReader(grammar)
        self._windows = Windows(grammar, self._numbers_alone if registry is not None else None)

    def find(self, text: str, *, markup: str = "auto", before: str = "") -> list[Mention]:
        """Every mention of a code in the text, by start; ``markup`` is tex, xml, html, text, pdf or auto.

        Mark-up of every kind is undone whatever the format: TeX stands in JATS, and tags in plain text. The format
        tells the sections apart. ``before`` is what stands before the text (earlier pages of a PDF); only headings are
        looked for in it.
        """
        windows = self._windows.of(text)
        if not windows:
            return []
        return self._for_one_text()._find(text, windows, markup, before)

    def _for_one_text(self) -> CodeFinder:
        """This finder with a bound on what it searches for one text."""
        bounded = object.__new__(CodeFinder)  # copy.copy is thirty times slower
        bounded.__dict__.update(self.__dict__)
        bounded.registry = None if self.registry is None else self.registry.for_one_text()
        return bounded

    def _find(self, text: str, windows: list[tuple[int, int]], markup: str, before: str) -> list[Mention]:
        """The mentions in these windows of the text."""
        macros = tex_macros(text) if "\\" in text else {}
        if macros:
            windows = joined([*windows, *_uses_of(macros, text)])
        places = Places(before + text, markup)
        found: list[tuple[int, int, _Found]] = []
        rest = _MOST_READ
        for start, end in windows:
            rest -= end - start
            if rest < 0:
                found += self._plain(text, start, end)
                continue
            raw = text[start:end]
            window = repair(raw, offset=start, macros=macros, drop=strays(raw, self.grammar))
            found += [(*window.span(code.start, code.end), code) for code in self._read(window.text)]
        found = _without_overlaps(found)
        if self.grammar.number_alone:
            found = _numbers_ranked(found)
        return [self._mention((start, end), code, text[start:end], places, len(before)) for start, end, code in found]

    def _plain(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, _Found]]:
        """Codes as the grammar prints them, found at the least cost: for what is no paper but codes by the megabyte."""
        for form in self.grammar.forms:
            for match in form.canonical_anywhere.finditer(text, start, end):
                known = self.registry is not None and match[0] in self.registry
                yield (*match.span(), _Found(*match.span(), match[0], known, (match[0],) if known else (), "plain"))

    def _mention(self, span: tuple[int, int], found: _Found, as_written: str, places: Places, shift: int) -> Mention:
        """What is reported of one code; ``places`` counts from ``shift`` characters before the text."""
        start, end = span
        if found.sort == "plain":
            known = None if self.registry is None else found.certain
            return Mention(start, end, as_written, found.code, known, found.certain, found.candidates, "unknown", None)
        return Mention(
            start,
            end,
            as_written,
            found.code,
            None if self.registry is None else found.code in self.registry,
            found.certain,
            found.candidates[:MOST_CANDIDATES],
            places.where(start + shift),
            places.is_use(start + shift, end + shift),
        )

    def _read(self, text: str) -> list[_Found]:
        """The codes in one repaired window."""
        for reject in self.grammar.rejects:
            if reject.search(text):
                text = reject.sub(lambda found: _MASK * len(found[0]), text)
        if _DOI.search(text):
            text = _DOI.sub(self._masked_doi, text)
        found = sorted(self._whole(text), key=lambda code: code.start)
        masked = _masked(text, found)
        doubtful = self._worth_reading(masked, found)
        if doubtful:
            damaged = list(self._damaged(masked, doubtful, self._nearness(text, found)))
            found = sorted((*found, *damaged), key=lambda code: code.start)
        found = list(self._with_lists(text, found))
        if self._numbers_alone and self.registry is not None and self._mentions_a_project(text):
            found += self._numbers(_masked(text, found), self.registry)
        return sorted(found, key=lambda code: code.start)

    def _masked_doi(self, found: re.Match[str]) -> str:
        """A DOI made unreadable, for numbers in it are no codes, unless it names the observatory."""
        is_ours = any(name in found[0] for name in self.grammar.names)
        return found[0] if is_ours else _MASK * len(found[0])

    def _worth_reading(self, masked: str, found: list[_Found]) -> list[tuple[int, int]]:
        """Stretches that may hold a damaged code: with an anchor left in the window, or near our name or a whole code."""
        stretches = _doubtful_stretches(masked, self._windows.runs)
        if not stretches or self._windows.has_anchor(masked):
            return stretches
        return [
            (start, end)
            for start, end in stretches
            if any(code.end - 10 <= end and start <= code.end + 40 for code in found)
            or any(end >= code.start - 60 and start <= code.start for code in found)
            or any(name in masked[max(0, start - 110) : end] for name in self.grammar.names)
        ]

    def _whole(self, text: str) -> Iterator[_Found]:
        """Undamaged codes; a doubtful spelling (blanks alone between the parts) needs the registry or our name."""
        capitals = text.upper()
        for form in self.grammar.forms:
            # A field of characters is not broken by blanks: without its beginning there is no such code.
            if form.fields[0].sort == "characters" and form.fields[0].head not in capitals:
                continue
            taken: list[_Found] = []
            for match in form.whole.finditer(text):
                code = self.grammar.read(form, match)
                if not self.grammar.is_well_formed(code) or form.ends_in_next_word(match):
                    continue
                spelled = self.registry.same(code) if self.registry is not None else None
                if spelled is None and not self._may_be_unlisted(form, text, match):
                    continue
                taken.append(self._whole_code(form, text, match, code, spelled))
            yield from taken
            text = _masked(text, taken)

    def _whole_code(self, form: Form, text: str, match: re.Match[str], code: str, spelled: str | None) -> _Found:
        """The code of a match; where a blank sets every character apart, with all of its last field: "S V" is SV then."""
        more = _SPACED_REST.match(text, match.end()) if _SPACED_OUT.fullmatch(match[0]) else None
        parsed = None if more is None else self.grammar.parse(code)
        if more is None or parsed is None:
            return self._as_printed(match, code, spelled)
        last = form.fields[-1]
        kind = (parsed[1].get(last.name, "") + more[0].replace(" ", "")).upper()
        if kind not in last.choices:
            return self._as_printed(match, code, spelled)
        code = form.render({**parsed[1], last.name: kind})
        spelled = self.registry.same(code) if self.registry is not None else None
        return self._as_printed(match, code, spelled)._replace(end=more.end())

    def _may_be_unlisted(self, form: Form, text: str, match: re.Match[str]) -> bool:
        """Whether what the registry lacks is a code: nothing is glued to it but our name, and doubtful ones follow it."""
        is_glued = "glue" in form.whole.groupindex and match["glue"] is not None
        if is_glued and not any(text.startswith(name, match.end()) for name in self.grammar.names):
            return False  # the letters after it may be part of another id
        if not form.needs_context and not _is_doubtful(form, match):
            return True
        return bool(self.grammar.before_code.search(text, max(0, match.start() - 110), match.start()))

    def _as_printed(self, match: re.Match[str], code: str, spelled: str | None) -> _Found:
        """A well-formed code: the registry's own if it holds it, else as printed with its neighbours."""
        end = match.end()
        if spelled is not None:
            rivals = () if self.registry is None else self.registry.rivals(match[0], spelled)
            return _Found(match.start(), end, spelled, not rivals, (spelled, *rivals), "whole")
        near = () if self.registry is None else tuple(self.registry.nearest(code, MOST_CANDIDATES))
        return _Found(match.start(), end, code, False, near, "whole")

    def _nearness(self, text: str, found: list[_Found]) -> Callable[[int], int]:
        """Tells how near our name is to a position.

        3: our prefix stands directly before it, or a word such as "project" and our name before that; 2: our name
        stands directly before it; 1: our name stands a few words before, or a code beside; else 0.
        """

        def near(position: int) -> int:
            if self.grammar.just_before_code.search(text, max(0, position - 40), position):
                prefixes = self.grammar.marked_prefix.finditer(text, max(0, position - 40), position)
                return 3 if any(prefix.end() == position for prefix in prefixes) else 2
            if self.grammar.before_code.search(text, max(0, position - 110), position):
                return 3 if self.grammar.number_word.search(text, max(0, position - 40), position) else 1
            return int(any(0 <= position - code.end <= 30 or 0 <= code.start - position <= 45 for code in found))

        return near

    def _damaged(self, text: str, stretches: list[tuple[int, int]], near: Callable[[int], int]) -> Iterator[_Found]:
        """Codes that are not well-formed, each stretch read once, the surest reading first."""
        readings: list[Reading] = []
        for stretch in stretches:
            readings += self._shapes.read(text, stretch, near)
            if self.registry is not None and self.registry.may_hold(text[slice(*stretch)]):
                readings += read_by_registry(text, stretch, self.registry, self._bounds, near)
            readings += read_after_prefix(text, stretch, self._bounds, self.grammar)
        readings = [
            reading
            for reading in readings
            if (reading.rank != 3 or self._knows(reading.code))
            and not (reading.bare and self._is_other(text, reading, near))
            and not is_day(text, reading.start)
        ]
        readings.sort(key=lambda reading: (reading.rank, reading.start, -reading.end))
        taken: list[Reading] = []
        for open_reading in readings:
            reading = open_reading._replace(end=_closed(text, open_reading.start, open_reading.end))
            if any(reading.start < other.end and reading.end > other.start for other in taken):
                continue
            taken.append(reading)
            shape = next((other for other in readings if other.rank in (2, 3) and other.start == reading.start), None)
            yield self._decide(reading, shape)

    def _knows(self, code: str) -> bool:
        """Whether the registry holds the code, spelt in any lossless way."""
        return self.registry is not None and self.registry.same(code) is not None

    def _is_other(self, text: str, reading: Reading, near: Callable[[int], int]) -> bool:
        """Whether a code without its last field is rather the place in a journal, a version or a grant."""
        nearness = near(reading.start)
        if nearness >= 2:
            return False
        if ", " in text[reading.start : reading.end]:
            return True  # "Sci. Rep. 2016, 6, 34567"
        if _OTHER_NUMBER.search(text, max(0, reading.start - 30), reading.start):
            return True
        if self._knows(reading.code) or (self.registry is not None and self.registry.same_front(reading.code)):
            return False
        if not self.grammar.is_in_a_cycle(reading.code):
            return True
        if "." in text[reading.start : reading.end] and self._is_padded(reading.code):
            return False
        around = text[max(0, reading.start - 150) : reading.end + 120]
        return not nearness and not any(name in around for name in self.grammar.names)

    def _is_padded(self, code: str) -> bool:
        """Whether the number of the code is filled up with zeros, as hardly any other number is."""
        parsed = self.grammar.parse(code)
        return parsed is not None and list(parsed[1].values())[-2].startswith("0")

    def _decide(self, reading: Reading, shape: Reading | None) -> _Found:
        """What a damaged code is said to be; the shape may speak for a code the registry does not know yet."""
        registry = self.registry
        if registry is None:
            return _Found(reading.start, reading.end, reading.code, False, (), "damaged")
        if reading.rank == 4:
            near = tuple(registry.nearest(reading.code, MOST_CANDIDATES))
            code = near[0] if len(near) == 1 else reading.code
            return _Found(reading.start, reading.end, code, False, near, "damaged")
        if reading.rank >= 2:
            known = registry.same(reading.code) or registry.same_front(reading.code)
            near = tuple(registry.nearest(reading.code, MOST_CANDIDATES, far=known is None))
            candidates = near if known is None else tuple(dict.fromkeys((known, *near)))
            return _Found(reading.start, reading.end, known or reading.code, False, candidates, "damaged")
        candidates = reading.candidates
        if reading.rank == 1 and shape is not None and shape.code not in candidates:
            if registry.same(shape.code) is not None:
                candidates = tuple(dict.fromkeys((shape.code, *candidates)))
                return _Found(reading.start, reading.end, shape.code, False, candidates, "damaged")
            if not _same_front(self.grammar, shape.code, candidates[0]):
                return _Found(reading.start, max(reading.end, shape.end), shape.code, False, candidates, "damaged")
        code = shape.code if shape is not None and shape.code in candidates and not reading.only else candidates[0]
        alike = registry.all_with_front(shape.code) if shape is not None and shape.bare else ()
        ordered = tuple(dict.fromkeys((code, *candidates, *alike)))
        if shape is not None and len(alike) > 1:
            # The last field is not printed and nothing says which of them is meant: as with a number alone.
            return _Found(reading.start, reading.end, self._front(shape.code), False, ordered, "number")
        return _Found(reading.start, reading.end, code, reading.only, ordered, "damaged")

    def _front(self, code: str) -> str:
        """A well-formed code without its last field."""
        parsed = self.grammar.parse(code)
        return code if parsed is None else parsed[0].render({**parsed[1], parsed[0].fields[-1].name: None})

    def _with_lists(self, text: str, found: list[_Found]) -> Iterator[_Found]:
        """The codes and, after each, the items of a list that leave out its first parts."""
        for place, code in enumerate(found):
            yield code
            stop = found[place + 1].start if place + 1 < len(found) else len(text)
            yield from self._items_after(text, code, stop)

    def _items_after(self, text: str, head: _Found, stop: int) -> Iterator[_Found]:
        """Items such as ``#00123.S`` after a whole code: the parts they leave out are those of the code before."""
        glue = LIST_GLUE.match(text, head.end, stop)
        if glue is None or not any(map(str.isdigit, text[glue.end() : glue.end() + _ITEM_LENGTH])):
            return
        parsed = self.grammar.parse(head.code)
        if parsed is None:
            return
        at = head.end
        for form, pattern in self._items:
            if form.name != parsed[0].name:
                continue
            while True:
                glue = LIST_GLUE.match(text, at, stop)
                item = pattern.match(text, glue.end(), stop) if glue else None
                if item is None or not is_item(form, item, text[head.start : head.end]):
                    return
                values: dict[str, str | None] = {**parsed[1], **item_values(form, item)}
                code = form.render(values)
                if not self.grammar.is_well_formed(code):
                    return
                first = next(part.name for part in form.fields if item.groupdict().get(part.name) is not None)
                yield self._elided(code, item.start(first), item.end())
                at = item.end()

    def _elided(self, code: str, start: int, end: int) -> _Found:
        """An item of a list: completed by the code before it, which is a reading and so never certain."""
        candidates: tuple[str, ...] = ()
        if self.registry is not None:
            known = self.registry.same(code)
            candidates = tuple(
                dict.fromkeys(
                    [*([known] if known else []), *self.registry.nearest(code, MOST_CANDIDATES, far=known is None)]
                )
            )
            code = known or code
        return _Found(start, end, code, False, candidates, "elided")

    def _mentions_a_project(self, text: str) -> bool:
        """Whether a word such as "project", or the sign of a prefix, stands in the window at all."""
        small = text.lower()
        return "#" in text or any(word in small for word in self._project_words)

    def _numbers(self, text: str, registry: Registry) -> Iterator[_Found]:
        """Numbers that stand for a code after a word such as "project": every code with that number is a candidate."""
        for match, number, kind in self._numbers_alone.read(text):
            known = registry.ending(number, kind)
            if known:
                code = known[0] if len(known) == 1 else match[0]
                yield _Found(match.start(), match.end(), code, False, tuple(known), "number")


def resolve(as_written: str, registry: Registry) -> tuple[str, bool, tuple[str, ...]] | None:
    """A stored mention read again against a newer registry: code, certain, candidates; None if it is no code alone.

    Items of lists and bare numbers need their surroundings and give None.
    """
    finder = CodeFinder(registry.grammar, registry)
    prefix = registry.grammar.prefixes[0] if registry.grammar.prefixes else ""
    mentions = finder.find(prefix + as_written)
    if len(mentions) != 1:
        return None
    return mentions[0].code, mentions[0].certain, mentions[0].candidates


def _uses_of(macros: dict[str, str], text: str) -> Iterator[tuple[int, int]]:
    """Windows around the uses of macros that hide a whole code or most of one."""
    names = [name for name, body in macros.items() if DIGIT_RUN.search(body)]
    for name in names[:_MOST_MACROS]:
        for use in re.finditer(rf"\\{name}(?![A-Za-z])", text):
            yield max(0, use.start() - BEFORE), min(len(text), use.end() + AFTER)


def _without_overlaps(found: list[tuple[int, int, _Found]]) -> list[tuple[int, int, _Found]]:
    """The codes by start; where windows overlapped and one was read twice, the first reading."""
    kept: list[tuple[int, int, _Found]] = []
    for item in sorted(found, key=lambda item: item[:2]):
        if not kept or item[0] >= kept[-1][1]:
            kept.append(item)
    return kept


def _numbers_ranked(found: list[tuple[int, int, _Found]]) -> list[tuple[int, int, _Found]]:
    """Where a number alone stands for a code that is printed in full elsewhere in the text, that one comes first."""
    full = {code.code for _, _, code in found if code.sort in ("whole", "damaged")}
    ranked = []
    for start, end, code in found:
        printed = [candidate for candidate in code.candidates if candidate in full] if code.sort == "number" else []
        if printed:
            ordered = tuple(dict.fromkeys((*printed, *code.candidates)))
            ranked.append((start, end, code._replace(code=printed[0], candidates=ordered)))
        else:
            ranked.append((start, end, code))
    return ranked


def _masked(text: str, found: Sequence[_Found]) -> str:
    """The text with the codes already found made unreadable, offsets kept."""
    for code in found:
        text = text[: code.start] + _MASK * (code.end - code.start) + text[code.end :]
    return text


def _closed(text: str, start: int, end: int) -> int:
    """The end of a code, a bracket that was opened in it closed."""
    for opened, closer in ("()", "[]"):
        if text[end : end + 1] == closer and text.count(opened, start, end) > text.count(closer, start, end):
            return end + 1
    return end


def _doubtful_stretches(text: str, runs: Sequence[re.Pattern[str]]) -> list[tuple[int, int]]:
    """Where one of the runs stands that may be a damaged code, with some room around."""
    stretches: list[tuple[int, int]] = []
    spans = [found.span() for run in runs for found in run.finditer(text)]
    for first, last in spans if len(runs) == 1 else sorted(spans):
        start, end = max(0, first - 14), text.find(" ", last + 20, last + 60)
        end = end if end >= 0 else min(len(text), last + 60)
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], end))
        else:
            stretches.append((start, end))
    return stretches


def _is_doubtful(form: Form, match: re.Match[str]) -> bool:
    """Whether the parts are set apart neither by the form's own signs nor by one and the same: it may be mere numbers."""
    gaps = [
        _SIGN_CLASSES.get(sign, sign) for sign in ((match[f"gap{place}"] or "").strip() for place in _gap_places(form))
    ]
    own = [form.parts[place][0].strip() for place in _gap_places(form)]
    gaps = [sign or ("-" if due == "-" else "") for sign, due in zip(gaps, own, strict=True)]  # lost at a line's end
    return gaps != own and (not all(gaps) or len(set(gaps)) > 1)


def _gap_places(form: Form) -> list[int]:
    """The places of the parts before which a separator stands that may be misprinted."""
    return [place for place, (_, part) in enumerate(form.parts) if place and not part.optional]


def _same_front(grammar: Grammar, one: str, other: str) -> bool:
    """Whether two codes differ in their last field only."""
    first, second = grammar.parse(one), grammar.parse(other)
    if first is None or second is None:
        return False
    return list(first[1].values())[:-1] == list(second[1].values())[:-1]
