"""Names of people as papers and registries print them: read, compare, index.

``similarity`` says how likely two printed names mean one person; ``parse`` and ``index_keys`` let a register of names be
searched without comparing everything with everything. Fuzzy whole-string scores are not used: they forgive the given
name, which is what tells two people of one surname apart.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import ftfy
from anyascii import anyascii
from rapidfuzz.distance import OSA, JaroWinkler

__all__ = [
    "Name",
    "compare",
    "fold",
    "index_keys",
    "is_group",
    "loose",
    "parse",
    "repair",
    "similarity",
    "split_authors",
]

MAX_NAME = 200
"""Longest name read, in characters; what is longer is no person's name."""

_LATEX_ACCENT = re.compile(r"\\([`'^\"~=.uvHcdbrk])\s*(?:\{\s*(\\?[A-Za-z])\s*\}|(\\?[A-Za-z]))")
_LATEX_LETTER = re.compile(r"\\(aa|AA|ae|AE|oe|OE|ss|[oOlLij])(?![A-Za-z])\s*(?:\{\})?")
_COMBINING = dict(
    zip(
        "`'^\"~=.uvHcdbrk",
        "\u0300\u0301\u0302\u0308\u0303\u0304\u0307\u0306\u030c\u030b\u0327\u0323\u0331\u030a\u0328",
        strict=True,
    )
)
_LETTERS = {
    "aa": "å",
    "AA": "Å",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "ss": "ß",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
}
_SPACED_ENTITY = re.compile(r"\s*&\s*(#?\s*[A-Za-z0-9]{2,8})\s*;\s*")
_MARKS = re.compile(r"\$[^$]{0,40}\$|\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|https?://\S+|\d+|[*†‡§¶{}|_^]")
_SPLIT = re.compile(r"[\s~\u00a0]+")
_HYPHENS = re.compile("[\u00ad\u2010-\u2015\u2212]")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4`]")
_UMLAUTS = re.compile(r"ae|oe|ue|aa")
_GROUP = re.compile(
    r"\b(collaborations?|partnership|consorti(?:um|a)|teams?|working\s+group|group|survey|network|project|observatory)\b",
    re.I,
)
_ET_AL = re.compile(r"\bet\.?\s*al\b\.?|\band\s+others\b|\bothers\b", re.I)
_PARTICLES = frozenset(
    [
        "van",
        "von",
        "vom",
        "der",
        "den",
        "de",
        "del",
        "della",
        "dello",
        "di",
        "da",
        "das",
        "dos",
        "do",
        "du",
        "la",
        "le",
        "las",
        "los",
        "el",
        "al",
        "bin",
        "ibn",
        "ter",
        "ten",
        "zu",
        "zur",
        "af",
        "av",
        "t",
        "'t",
        "'s",
        "y",
        "e",
        "st",
    ]
)
_GROUP_NOISE = frozenset(("", "the", "for", "on", "behalf", "of", "and", "corporate"))
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "phd", "dr", "prof"])
_VOWEL = re.compile(r"[aeiouy]")
_CYRILLIC = re.compile("[\u0400-\u045f]")
_LATIN = re.compile("[A-Za-z]")
_UTF8_AS_LATIN = re.compile("\\s?[\u00c3\u00e3\u00e4]\\s?(1/4|1/2|3/4|[\u0080-\u00bf])\\s?")
_FRACTIONS = {"1/4": "\u00bc", "1/2": "\u00bd", "3/4": "\u00be"}
_NICKNAMES = {
    short: full
    for full, shorts in {
        "robert": "bob rob bobby", "william": "bill will billy", "richard": "dick rick", "james": "jim jimmy", "michael": "mike",
        "edward": "ed ted ned", "anthony": "tony", "john": "jack", "elizabeth": "liz beth betty", "katherine": "kate kathy",
        "catherine": "kate cathy", "margaret": "peggy meg", "charles": "chuck charlie", "henry": "harry hank", "francisco": "paco",
        "jose": "pepe", "abraham": "avi abe", "andrew": "drew andy", "joseph": "joe", "david": "dave", "timothy": "tim",
        "lawrence": "larry", "susan": "sue", "aleksandr": "sasha", "alexander": "sasha alex", "ignacio": "nacho",
    }.items()
    for short in shorts.split()
}  # fmt: skip

SPECIAL = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D", "ı": "i",
     "þ": "th", "Þ": "Th", "ð": "d"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A name read: folded surname (particles dropped), its compound parts, given names or initials in order."""

    surname: str
    parts: tuple[str, ...]
    given: tuple[str, ...]
    ordered: bool
    """True when a comma told which part is the surname."""
    group: bool


def repair(text: str) -> str:
    """Undo entities (spaced ones too), mojibake and LaTeX accents; idempotent on clean text."""
    if "&" in text:
        text = _SPACED_ENTITY.sub(_entity, text)
    if "\\" in text:
        text = _LATEX_LETTER.sub(lambda m: _LETTERS.get(m[1], m[1]), text)
        text = _LATEX_ACCENT.sub(lambda m: (m[2] or m[3]).lstrip("\\") + _COMBINING[m[1]], text)
        text = text.replace("\\", "")
    if "{" in text or "}" in text:
        text = text.replace("{", "").replace("}", "")
    if not text.isascii():
        text = _UTF8_AS_LATIN.sub(_utf8_pair, unicodedata.normalize("NFC", text))
        text = " ".join(_one_script(word) for word in ftfy.fix_encoding(text).split(" "))
        text = _HYPHENS.sub("-", _APOSTROPHES.sub("'", text))
    return text


def _entity(match: re.Match[str]) -> str:
    """The letter of an entity; the blanks around it go, but a capital keeps the one before it."""
    letter = html.unescape("&" + re.sub(r"\s", "", match[1]) + ";")
    before = " " if match[0][0].isspace() and letter.isupper() else ""
    return before + letter


def _utf8_pair(match: re.Match[str]) -> str:
    """One letter printed as the two bytes of its UTF-8 form, lower-cased or spaced: "ã ¶" → "ö"."""
    second = _FRACTIONS.get(match[1], match[1])
    return (b"\xc3" + second.encode("latin-1")).decode("utf-8", errors="ignore")


def _one_script(word: str) -> str:
    """A word that mixes Latin and Cyrillic letters is Latin-1 read as ISO 8859-5: "hфrder" → "härder"."""
    if not (_CYRILLIC.search(word) and _LATIN.search(word)):
        return word
    return word.encode("iso8859-5", errors="ignore").decode("latin-1") or word


def fold(text: str) -> str:
    """Lower-case ASCII letters of a word, accents and punctuation dropped: ``"O'Brien"`` → ``"obrien"``."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(SPECIAL))
        text = anyascii("".join(c for c in text if not unicodedata.combining(c)))
    return "".join(c for c in text.lower() if c.isalpha())


def loose(word: str) -> str:
    """A folded word with oe/ue/ae/aa read as o/u/a/a, so that Mueller, Müller and Muller meet."""
    return _UMLAUTS.sub(lambda m: m[0][0], word)


def is_group(text: str) -> bool:
    """True for a collaboration, team or "et al.": an author that is not one person."""
    return _is_group(text[:MAX_NAME])


@lru_cache(maxsize=200_000)
def _is_group(text: str) -> bool:
    return bool(_GROUP.search(text) or not _ET_AL.sub("", text).strip(" .,;"))


def parse(text: str) -> Name:
    """Read a name in any usual form; never raises. Names without letters give an empty surname."""
    return _parse(text[:MAX_NAME])


@lru_cache(maxsize=400_000)
def _parse(text: str) -> Name:
    if _is_group(text):
        words = [
            w for w in (fold(piece) for piece in re.split(r"[\s-]+", _ET_AL.sub("", text))) if w not in _GROUP_NOISE
        ]
        return Name("".join(words), tuple(words), (), True, True)
    clean = _MARKS.sub(" ", repair(text))
    clean = _ET_AL.sub(" ", clean)
    pieces = [p for p in (piece.strip(" .;") for piece in clean.split(",")) if p]
    pieces = [p for p in pieces if fold(p) not in _SUFFIXES] or pieces
    if len(pieces) >= 2:
        return _name(_words(pieces[0]), _words(" ".join(pieces[1:])), ordered=True)
    return _unordered(_words(pieces[0]) if pieces else [])


def _words(text: str) -> list[str]:
    """Words of a name; dots end a word ("J.A." is two), suffixes such as Jr. go."""
    words = [w for w in _SPLIT.split(text.replace(".", ". ")) if fold(w)]
    kept = [w for w in words if fold(w) not in _SUFFIXES or fold(w) == "do"]
    return kept if len(kept) >= 2 or not words else words


def _unordered(words: list[str]) -> Name:
    """Tell surname from given names without a comma: "First Last", "Last F" or "LAST JA"."""
    last = words[-1] if words else ""
    bare = last.rstrip(".")
    initials_last = len(words) >= 2 and (
        len(fold(last)) == 1 or (bare.isupper() and len(bare) <= 3 and not words[0].isupper())
    )
    if initials_last and len(fold(words[0])) > 1:
        cut = len(words)
        while cut > 1 and (len(fold(words[cut - 1])) == 1 or (words[cut - 1].isupper() and len(words[cut - 1]) <= 3)):
            cut -= 1
        return _name(words[:cut], words[cut:], ordered=False)
    cut = max(len(words) - 1, 0)
    for i in range(1, len(words) - 1):
        if fold(words[i]) in _PARTICLES and not words[i].endswith("."):
            cut = i
            break
    return _name(words[cut:], words[:cut], ordered=False)


def _name(surname: list[str], given: list[str], *, ordered: bool) -> Name:
    parts = [loose(fold(p)) for w in surname for p in w.split("-") if fold(p)]
    kept = [p for i, p in enumerate(parts) if p not in _PARTICLES or (i == len(parts) - 1 and len(parts) == 1)] or parts
    names: list[str] = []
    for word in given:
        for piece in word.split("-"):
            token = fold(piece)
            bare = piece.rstrip(".")
            if bare.isupper() and 1 < len(token) <= 3 and not _VOWEL.search(token):
                names.extend(token)
            elif token and (token not in _PARTICLES or len(token) == 1 or len(given) == 1):
                names.append(loose(token))
    return Name("".join(kept), tuple(kept), tuple(names), ordered, False)


def index_keys(name: Name) -> list[str]:
    """Surname keys under which a name is filed: the whole surname and every part of a compound of three letters or more."""
    keys = [name.surname] if name.surname else []
    if len(name.parts) > 1:
        keys.extend(p for p in name.parts if len(p) >= 3 and p != name.surname)
    return keys


def similarity(a: str, b: str) -> float:
    """How likely two printed names mean one person, 0–1; symmetric, 1 only for names that read the same."""
    return compare(parse(a), parse(b))


def compare(a: Name, b: Name) -> float:
    """``similarity`` of two names already read."""
    if not a.surname or not b.surname:
        return 0.0
    if a.group or b.group:
        return _groups(a, b) if a.group and b.group else 0.0
    surname = _surnames(a, b)
    best = surname * _given(a.given, b.given, a.parts, b.parts) if surname else 0.0
    if best < 0.5 and not (a.ordered and b.ordered):
        best = max(best, _swapped(a, b), _swapped(b, a))
    return best


def _groups(a: Name, b: Name) -> float:
    """Two collaborations by the words of their names, articles left out."""
    return 1.0 if a.surname == b.surname else 0.9 if set(a.parts) == set(b.parts) else 0.0


def _surnames(a: Name, b: Name) -> float:
    """1 equal, .93 one is a part of the other's compound, .9 one typing slip in a long surname, else 0."""
    x, y = a.surname, b.surname
    if x == y:
        return 1.0
    if len(a.parts) != len(b.parts) and ((len(x) > 2 and x in b.parts) or (len(y) > 2 and y in a.parts)):
        return 0.93
    longest = max(len(x), len(y))
    if longest >= 5 and abs(len(x) - len(y)) <= 2:
        slips = OSA.distance(x, y, score_cutoff=2)
        if slips == 1:
            return 0.9
        if slips == 2 and longest >= 8:
            return 0.85
    if _glued(x, y) or _glued(y, x):
        return 0.9
    return 0.0


def _glued(long: str, short: str) -> bool:
    """A particle written together with the surname: "Dasilva" beside "da Silva"."""
    return len(short) >= 4 and long.endswith(short) and long[: -len(short)] in _PARTICLES


def _swapped(a: Name, b: Name) -> float:
    """The same two names with the surname of ``a`` taken for its given name, as some catalogues print it."""
    if a.ordered or len(a.given) != 1 or len(a.given[0]) < 3 or not b.given:
        return 0.0
    if a.given[0] != b.surname:
        return 0.0
    return 0.85 * _given((a.surname,), b.given, (), ())


def _given(
    a: tuple[str, ...],
    b: tuple[str, ...],
    a_parts: tuple[str, ...],
    b_parts: tuple[str, ...],
) -> float:
    """How well given names and initials agree, 0–1; a missing given name is weak, a differing one is almost fatal."""
    if len(a_parts) != len(b_parts):  # "Ignacio Jimenez Serra" beside "Jimenez-Serra, I."
        a = tuple(t for t in a if t not in b_parts) or a
        b = tuple(t for t in b if t not in a_parts) or b
    if not a or not b:
        return 0.6
    if a == b:
        return 1.0 if any(len(t) > 1 for t in a) else 0.94
    if len(a) != len(b) and "".join(a) == "".join(b) and len("".join(a)) > 3:
        return 0.98
    return max(_aligned(a, b), _runs(a, b), _later(a, b), _later(b, a))


def _aligned(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    """Compare first with first, second with second."""
    score = _token(a[0], b[0])
    if score == 0.0:
        return 0.02
    for x, y in zip(a[1:], b[1:], strict=False):
        agreed = _token(x, y)
        score = score * 0.3 if agreed == 0.0 else min(1.0, score + 0.03)
    return score * (0.97 if len(a) != len(b) else 1.0)


def _token(x: str, y: str) -> float:
    """One given name or initial against another."""
    if x == y:
        return 1.0 if len(x) > 1 else 0.9
    if len(x) == 1 or len(y) == 1:
        return 0.9 if x[0] == y[0] else 0.0
    short, long = (x, y) if len(x) < len(y) else (y, x)
    if long.startswith(short) and len(short) >= 3:
        return 0.93
    if _NICKNAMES.get(short) == long or _NICKNAMES.get(long) == short:
        return 0.9
    if len(short) >= 5 and OSA.distance(x, y, score_cutoff=1) <= 1:
        return 0.93
    if len(short) >= 4 and x[0] == y[0] and JaroWinkler.similarity(x, y) >= 0.9:
        return 0.8
    return 0.0


def _runs(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    """Initials run together, as lower-case catalogues print them: "pmg" for P. M. G."""
    best = 0.0
    for x, y in ((a, b), (b, a)):
        if len(x) == 1 and 2 <= len(x[0]) <= 3 and x[0][0] == y[0][0]:
            letters = [t[0] for t in y]
            run = list(x[0])
            agreed = all(p == q for p, q in zip(run, letters, strict=False))
            best = max(
                best,
                0.88 if agreed and len(letters) > 1 else 0.8 if agreed and len(y[0]) == 1 else 0.0,
            )
    return best


def _later(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    """The second given name used as the first: "R. Michael Rich" beside "Michael Rich"."""
    if len(a) < 2:
        return 0.0
    return 0.7 if len(b[0]) > 1 and b[0] in a[1:] else 0.0


def split_authors(text: str) -> list[str]:
    """Authors from one string with ``;``, " and " or newline between them; a comma stays part of a name."""
    return [a for a in (p.strip() for p in re.split(r";|\s+and\s+|\s*&\s+|\n", text)) if a]
