"""Which country an affiliation is in, from the line of text that a journal or a registry prints.

What says a country outright goes first (its name in many spellings and languages, a state or province, a postal code),
then a city that stands alone between commas, then what names of institutes tell. A word that may mean two countries
("Georgia", "Cambridge") leaves both open until another word decides. What stays open or contradicts itself is not known:
the answer is None, never a guess. The words are data (``places.toml``).
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

from anyascii import anyascii

from matching.name_text import repair

__all__ = ["MAX_AFFILIATION", "country", "country_name", "known_countries"]

MAX_AFFILIATION = 2_000
"""Characters read of an affiliation; a person who lists more has named the first ones by then."""

_Countries = frozenset[str]

_REMEMBERED = 65_536
_LONGEST_PHRASE = 10
_LONGEST_ADDRESS = 4
"""Words that may stand before a country or city in one part of an address: "Saint Martin d'Heres France"."""

_DATA = Path(__file__).with_name("places.toml")
_NOISE = re.compile(r"<[^<>]*>|[^\s;]+@[^\s;]+|https?://[^\s;]+|\be-?mail:?", re.IGNORECASE)
_PARTS = re.compile(r"[,()\[\]:|]|\s[-\u2013\u2014]\s|\u2014|(?<=[a-z]{4})\.\s")
_INITIALS = re.compile(r"\b([A-Za-z])\.\s?(?=[A-Za-z]\b)")
_WORD = re.compile(r"[A-Za-z0-9]+")
_LETTERS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?![A-Za-z0-9])")
"""Words without a number in them."""
_CODE = re.compile(r"(?:(?P<city>[A-Z][\w.' -]*)\s)?(?P<code>[A-Z]{2,3})\.?(?:[\s-]+(?P<zip>\d{4,5}(?:-\d{4})?))?")
_AND = re.compile(r"\s(?:and|&)\s")
_ZIP = re.compile(r"\d{5}(?:-\d{4})?")
_PREFIXED = re.compile(r"\b([A-Z]{1,3})-\s?(?=(?:\d ?-?){4,6}\b)\d")
_BRITISH = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[ABD-HJLNP-UW-Z]{2}\b")
_CANADIAN = re.compile(r"\b[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d\b")
_OF_INSTITUTES = re.compile(
    r"(?:of|de|di|del|della|do|da|du|des|der|fur|fuer|for|the|and|in|at|van"
    r"|univ\w*|inst\w*|istitut\w*|dep\w*|dip\w*|obs\w*|osserv\w*|cent\w*|zentrum|school|escuela|ecole|college|facult\w*|facul\w*"
    r"|building|hall|campus|lab\w*|academ\w*|akadem\w*|group|division|museum|society|agency|telescope|survey|foundation|council|program\w*|bank)"
)
"""Words of an institute's name: a country that ends such a name ("Observatory of Japan") is no part of an address."""

_OF_STREETS = frozenset(
    ["calle", "av", "avda", "avenida", "ave", "avenue", "rue", "via", "viale", "plaza", "piazza", "place", "road", "rd", "street",
     "str", "strasse", "straat", "square", "boulevard", "bd", "blvd", "rua", "ulica", "ul"]
)  # fmt: skip
"""Words of a street's name: countries and cities in it ("Av. Brasil") are none where the affiliation is."""


@dataclass(frozen=True, slots=True)
class _Tables:
    countries: dict[str, _Countries]
    names: dict[str, _Countries]
    """Countries, states and provinces."""
    cities: dict[str, _Countries]
    institutions: dict[str, _Countries]
    mentions: dict[str, _Countries]
    """All that tells a country inside other words, institutions among them."""
    acronyms: dict[str, _Countries]
    codes: dict[str, _Countries]
    postal: dict[str, _Countries]
    native: tuple[tuple[str, _Countries], ...]
    """Names in scripts without spaces, found anywhere."""
    within: dict[str, str]
    shown: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between two commas: as printed in plain letters, and its words without numbers, in small letters."""

    text: str
    words: tuple[str, ...]


def country(affiliation: str) -> str | None:
    """Return the ISO 3166-1 code of the country of an affiliation, or None where the text does not settle it.

    Of several, separated by ";", the first counts; where it alone does not tell ("IRAP; Toulouse, France") the others
    decide if all that tell agree. Territories that ISO lists apart (Taiwan, Hong Kong) are themselves, Puerto Rico is the
    United States.
    """
    return _country(affiliation[:MAX_AFFILIATION]) if affiliation else None


def country_name(code: str) -> str:
    """Return the English name of a country. Raises ``KeyError`` for a code that ``country`` never gives."""
    return _tables().shown[code]


def known_countries() -> frozenset[str]:
    """Return the codes that ``country`` can give."""
    return frozenset(_tables().shown)


@lru_cache(maxsize=_REMEMBERED)
def _country(affiliation: str) -> str | None:
    plain = _NOISE.sub(" ", html.unescape(html.unescape(affiliation)))
    if "\\" in plain:
        plain = repair(plain)
    found = [_of_one(part) for part in re.split(r";|\n", plain) if part.strip(" ,.")]
    if not found or found[0]:
        return found[0] if found else None
    others = {code for code in found if code}
    return others.pop() if len(others) == 1 else None


def _of_one(printed: str) -> str | None:
    """Return the country of one affiliation: outright, else by its city, else by what its names tell."""
    parts = _joined_cut(_parts(anyascii(printed)))
    found = _said_outright(parts)
    if found is None or len(found) > 1:
        found = _narrowed(found, _postal(parts))
    if found is None or len(found) > 1:
        found = _narrowed(found, _agreed(_cities(parts)))
    if found is None or len(found) > 1:
        found = _agreed(chain(() if found is None else (found,), _mentions(parts, printed)))
    return next(iter(found)) if found is not None and len(found) == 1 else None


def _parts(text: str) -> list[_Part]:
    return [part for part in map(_part, _PARTS.split(text)) if part is not None]


@lru_cache(maxsize=_REMEMBERED)
def _part(piece: str) -> _Part | None:
    """Return what stands between two commas, read once: departments, cities and countries come again and again."""
    one = piece.strip(" .'\"*")
    return _Part(one, tuple(word.lower() for word in _LETTERS.findall(_even(one)))) if one else None


def _words(text: str) -> list[str]:
    """Return the words of a text in plain letters, small: "U.S.A." is one, "Hawai'i" too."""
    return [word.lower() for word in _cased(text)]


def _cased(text: str) -> list[str]:
    return _WORD.findall(_even(text))


def _even(text: str) -> str:
    """Return a text with initials joined and without apostrophes."""
    joined = _INITIALS.sub(r"\1", text) if "." in text else text
    return joined.replace("'", "").replace("`", "")


def _joined_cut(parts: list[_Part]) -> list[_Part]:
    """Leave out what follows a country's name in the same part, or two parts behind: there the next affiliation begins."""
    tables = _tables()
    for place, part in enumerate(parts[1:], 1):
        words = part.words
        whole = " ".join(words)
        if whole in tables.countries and len(tables.names[whole]) == 1 and not _is_narrowed(parts, place):
            return parts[: place + 1]
        if whole in tables.names or whole in tables.cities:
            continue
        if (first := _before_and(part)) is not None:
            return [*parts[:place], first]
        for length in range(min(4, len(words) - 1), 0, -1):
            said = tables.names.get(" ".join(words[:length]))
            if said and len(said) == 1 and _begins_institute(part, length):
                return [*parts[:place], _Part(" ".join(words[:length]), words[:length])]
    return parts


def _before_and(part: _Part) -> _Part | None:
    """Return the place before an "and" behind which an institute begins ("HI and Leiden Observatory"), or None."""
    joined = _AND.split(part.text, maxsplit=1)
    made = _parts(joined[0])
    if len(joined) < 2 or len(made) != 1 or not _is_institute(_cased(joined[1])[:1]):
        return None
    said = " ".join(made[0].words)
    is_place = said in _tables().names or said in _tables().cities or _coded(made, 0) is not None
    return made[0] if is_place else None


def _is_narrowed(parts: list[_Part], place: int) -> bool:
    """Whether the part behind a country's name says that it is none, or which: "Lebanon, NH", "Taiwan, R.O.C."."""
    if place + 1 == len(parts):
        return False
    return " ".join(parts[place + 1].words) in _tables().names or _coded(parts, place + 1) is not None


def _begins_institute(part: _Part, start: int) -> bool:
    """Whether what follows a country's name in one part is an institute's."""
    following = [word for word in _cased(part.text) if word.isalpha()][start : start + 4]
    return _is_institute(following) and not part.text.isupper()


def _is_institute(words: list[str]) -> bool:
    """Whether words have one of institutes' names, or begin with capitals ("LUTH")."""
    return any(_OF_INSTITUTES.fullmatch(word.lower()) for word in words) or (
        bool(words) and words[0].isupper() and len(words[0]) > 2
    )


# -- outright -----------------------------------------------------------------------------------------------------------


def _said_outright(parts: list[_Part]) -> _Countries | None:
    """Return what the last country, state or province says; where it means two, what those before it leave."""
    found: _Countries | None = None
    for place in range(len(parts) - 1, -1, -1):
        said = _ended_by(parts[place].words, _tables().names) or _coded(parts, place)
        if said is None:
            continue
        if found is not None and len(found) == 1:
            narrower = {code for code in said if _tables().within.get(code) in found}
            if narrower:
                return frozenset(narrower)
            break
        found = said if found is None else (found & said or found)
    return found


def _ended_by(words: tuple[str, ...], table: dict[str, _Countries]) -> _Countries | None:
    """Return what a part says that is a name, or ends with one after words of an address."""
    whole = table.get(" ".join(words))
    if whole is not None:
        return whole
    for start in range(max(0, len(words) - 4), len(words)):
        said = table.get(" ".join(words[start:]))
        if said is not None:
            before = words[:start]
            is_address = (
                len(before) <= _LONGEST_ADDRESS
                and _OF_STREETS.isdisjoint(before)
                and not any(map(_OF_INSTITUTES.fullmatch, before))
            )
            return said if is_address else None
    return None


def _coded(parts: list[_Part], place: int) -> _Countries | None:
    """Return what two capitals say: "CA 91125", "Pasadena CA", or "CA" before nothing or a postal code."""
    found = _CODE.fullmatch(parts[place].text)
    said = _tables().codes.get(found["code"]) if found else None
    if found is None or said is None:
        return None
    after = parts[place + 1].text if place + 1 < len(parts) else ""
    postal = found["zip"] or (after if _ZIP.fullmatch(after) else "")
    if postal:
        return said & {"US"} or said if len(postal) > 4 else said - {"US"} or None
    if found["city"]:
        city = found["city"].split()
        if not all(any(c.islower() for c in word) for word in city) or any(
            map(_OF_INSTITUTES.fullmatch, _words(found["city"]))
        ):
            return None
    elif after and after not in _tables().codes and " ".join(parts[place + 1].words) not in _tables().names:
        return None
    return _unless_abroad(said, found["code"], parts[:place])


def _unless_abroad(said: _Countries, code: str, before: list[_Part]) -> _Countries:
    """Return what a bare code says; "Toronto, CA" is in the country of that code, not in the state."""
    city = _agreed(_cities(before))
    if city is not None and len(said) == 1 and not city & said and city == {code}:
        return city
    return said


def _postal(parts: list[_Part]) -> _Countries | None:
    """Return what postal codes say that carry a country in themselves; None where they differ."""
    tables = _tables()
    found: set[_Countries] = set()
    for part in parts:
        found.update(tables.postal[m[1]] for m in _PREFIXED.finditer(part.text) if m[1] in tables.postal)
        if _CANADIAN.search(part.text):
            found.add(frozenset(("CA",)))
        elif _BRITISH.search(part.text):
            found.add(frozenset(("GB",)))
    return found.pop() if len(found) == 1 else None


# -- by city, and by names ----------------------------------------------------------------------------------------------


def _cities(parts: list[_Part]) -> Iterator[_Countries]:
    """Yield what cities say that stand alone between commas."""
    for part in parts:
        words = tuple(word for word in part.words if len(word) > 1 and word != "cedex")
        said = _ended_by(words, _tables().cities) if words else None
        if said is not None:
            yield said


def _agreed(said: Iterable[_Countries]) -> _Countries | None:
    """Return what all of them leave: one country, several that are meant, none where two contradict each other."""
    found: _Countries | None = None
    for one in said:
        found = one if found is None else found & one
    return found


def _mentions(parts: list[_Part], printed: str) -> Iterator[_Countries]:
    """Yield what names tell, the longest phrases first; a word belongs to one phrase."""
    tables = _tables()
    for part in parts:
        cased = _cased(part.text)
        words = [word.lower() for word in cased]
        known = tables.mentions if _OF_STREETS.isdisjoint(words) else tables.institutions
        place = 0
        while place < len(words):
            length, said = _phrase(words, place, known)
            if said is None:
                length, said = 1, tables.acronyms.get(cased[place])
            if said is not None:
                yield said
            place += length
    if not printed.isascii():
        yield from (said for name, said in tables.native if name in printed)


def _phrase(words: list[str], place: int, table: dict[str, _Countries]) -> tuple[int, _Countries | None]:
    for length in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
        said = table.get(" ".join(words[place : place + length]))
        if said is not None:
            return length, said
    return 1, None


def _narrowed(found: _Countries | None, said: _Countries | None) -> _Countries | None:
    """Return what two pieces of evidence leave; the weaker is not heard where they contradict each other."""
    if found is None or said is None:
        return said if found is None else found
    return found & said or found


# -- the data -----------------------------------------------------------------------------------------------------------


@cache
def _tables() -> _Tables:
    data = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    alone = set(map(_key, data["alone"]["words"]))
    names = _table(data["names"], data["regions"])
    cities = _table(data["cities"])
    institutions = _table({c: [w for w in words if not _is_acronym(w)] for c, words in data["institutions"].items()})
    inside = _table(data["names"], data["regions"], data["cities"], data["adjectives"], leave=alone)
    return _Tables(
        countries=_table(data["names"]),
        names=names,
        cities=cities,
        mentions=inside | institutions,
        institutions=institutions,
        acronyms=_exact({c: [w for w in words if _is_acronym(w)] for c, words in data["institutions"].items()}),
        codes=_exact(data["codes"]),
        postal=_exact(data["postal"]),
        native=tuple(
            (word, frozenset((code,)))
            for kind in ("names", "cities")
            for code, words in data[kind].items()
            for word in words
            if ord(word[0]) > 0x2E80
        ),
        within=dict(data["within"]),
        shown={code: words[0] for code, words in data["names"].items()},
    )


def _is_acronym(word: str) -> bool:
    return word.isalnum() and sum(c.isupper() for c in word) > 1


def _key(phrase: str) -> str:
    return " ".join(_words(anyascii(phrase)))


def _table(*groups: dict[str, list[str]], leave: Iterable[str] = ()) -> dict[str, _Countries]:
    """Return phrase → the countries under which it stands."""
    found: dict[str, set[str]] = {}
    for group in groups:
        for code, phrases in group.items():
            for phrase in phrases:
                found.setdefault(_key(phrase), set()).add(code)
    return {phrase: frozenset(codes) for phrase, codes in found.items() if phrase not in set(leave)}


def _exact(group: dict[str, list[str]]) -> dict[str, _Countries]:
    found: dict[str, set[str]] = {}
    for code, words in group.items():
        for word in words:
            found.setdefault(word, set()).add(code)
    return {word: frozenset(codes) for word, codes in found.items()}
