"""Names of people as papers and registries print them: read, compare, index.

``similarity`` says how likely two printed names mean one person; ``parse`` and ``index_keys`` let a register of names be
searched without comparing everything with everything. Fuzzy whole-string scores are not used: they forgive the given
name, which is what tells two people of one surname apart.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from matching.name_text import LOST, fold, loose, repair, repair_name, token

__all__ = [
    "MAX_NAME",
    "NICKNAMES",
    "Name",
    "as_scanned",
    "compare",
    "fold",
    "forget_names",
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

_CLEAN = re.compile(r"[A-Za-z\u00c0-\u00c2\u00c4-\u00d6\u00d8-\u00e2\u00e4-\u00f6\u00f8-\u00ff ,.'-]*").fullmatch
"""Text without anything to repair; the two letters that broken encodings are made of are left to ``repair``."""
_LOOSE_HYPHEN = re.compile(r"-(?![^\W\d_])").search
_MARKS = re.compile(r"\$[^$]{0,40}\$|\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|https?://\S+|\d+|[*†‡§¶{}|_^]")
_MARKED = re.compile(r"[$(\[<\d*†‡§¶{}|_^~]|https?:").search
"""Whether there may be something to take out of a name."""
_FOOTNOTE = re.compile(r"(?<=[^\W\d_]{3})\d[^\s,;]*")
_EASTERN = re.compile("([\u3400-\u9fff\uac00-\ud7a3]) ?([\u3400-\u9fff\uac00-\ud7a3]{1,3})").fullmatch
"""A name in Chinese or Korean signs: the first is the surname."""
_MINIMS = re.compile("rn|in|ni")
_LIGATURE = re.compile("ff?[il]|ff")
_GROUP = re.compile(
    r"\b(collaborations?|partnership|consorti(?:um|a)|teams?|working\s+group|group|survey|network|project|observatory)\b",
    re.I,
)
_ET_AL = re.compile(r"\bet\.?\s*al\b\.?|\band\s+others\b|\bothers\b", re.I)
_WRITTEN_SMALL = "van von vom der den de del della dello di da das dos do du la le las los el al bin ibn ter ten zu zur af av t y e st"
_PARTICLES = frozenset(_WRITTEN_SMALL.split())
_LONGEST_PARTICLE = max(map(len, _PARTICLES))
_GROUP_NOISE = frozenset(("", "the", "for", "on", "behalf", "of", "and", "corporate"))
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "phd", "dr", "prof"])
_TELLING = _SUFFIXES | {"al", "others", "collaboration", "collaborations", "partnership", "consortium", "consortia", "team", "teams",
                        "group", "survey", "network", "project", "observatory"}  # fmt: skip
"""Words at which a name is looked at more closely: it may be a group, or hold what is no name."""
_VOWEL = re.compile(r"[aeiouy]")
NICKNAMES = {
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
"""Short form → the given name it is short for, folded."""


class Name(NamedTuple):
    """A name read: folded surname (particles dropped), its compound parts, given names or initials in order."""

    surname: str
    parts: tuple[str, ...]
    given: tuple[str, ...]
    ordered: bool
    """True when a comma told which part is the surname."""
    group: bool


_NEW = tuple.__new__
"""Makes a ``Name`` of a tuple without looking its fields up by name: names are made by the hundred thousand."""


def is_group(text: str) -> bool:
    """True for a collaboration, team or "et al.": an author that is not one person."""
    return _is_group(text[:MAX_NAME])


@lru_cache(maxsize=200_000)
def _is_group(text: str) -> bool:
    return bool(_GROUP.search(text) or not _ET_AL.sub("", text).strip(" .,;"))


def parse(text: str) -> Name:
    """Read a name in any usual form; never raises. Names without letters give an empty surname."""
    return _parse(text[:MAX_NAME])


def forget_names() -> None:
    """Give back the memory that names and words read so far are kept in."""
    for kept in (_parse, _is_group, token):
        kept.cache_clear()


@lru_cache(maxsize=400_000)
def _parse(text: str) -> Name:
    return _plainly(text) or _at_length(text)


def _plainly(text: str) -> Name | None:
    """A name of plain words only, as ``_at_length`` reads it but several times as fast; ``None`` for all others."""
    if _CLEAN(text) is None:
        return None
    spaced = text.replace(".", ". ") if "." in text else text
    words = (spaced.replace(",", " , ") if "," in spaced else spaced).split()
    read = list(map(token, words))
    if len(words) < 2 or not _TELLING.isdisjoint(read) or read.count("") > 1:
        return None
    if "-" not in text:
        return _usual(words, read) or _in_order(words, read)
    if _LOOSE_HYPHEN(text) or not _TELLING.isdisjoint([token(word) for word in text.replace("-", " ").split()]):
        return None
    return _in_order(words, read)


def _usual(words: list[str], read: list[str]) -> Name | None:
    """Names in the two commonest forms, "Given Surname" and "Surname, G.", with nothing in them to look at twice."""
    if not _PARTICLES.isdisjoint(read):
        return None
    if is_ordered := words[1] == ",":
        surname, given = read[0], read[2:]
    elif len(words[-1]) > 4 and "" not in read:
        surname, given = read[-1], read[:-1]
    else:
        return None
    for name in given:
        if 2 <= len(name) <= 3:  # may be initials run together
            return None
    return _NEW(Name, (surname, (surname,), tuple(given), is_ordered, False)) if given else None


def _at_length(text: str) -> Name:
    """Any name: groups, mark-up, wrong encodings, suffixes and footnotes told from people and letters."""
    if _is_group(text):
        words = [
            w for w in (fold(piece) for piece in re.split(r"[\s-]+", _ET_AL.sub("", text))) if w not in _GROUP_NOISE
        ]
        return Name("".join(words), tuple(words), (), True, True)
    is_clean = _CLEAN(text) is not None
    clean = text if is_clean else repair_name(text)
    if not is_clean and _MARKED(clean):
        clean = _MARKS.sub(" ", _FOOTNOTE.sub("", clean).replace("~", " "))
    if not is_clean and (eastern := _EASTERN(clean.strip())):
        words = [eastern[1], ",", eastern[2]]
        return _in_order(words, [token(word) for word in words])
    pieces = [p for p in (piece.strip(" .;") for piece in _ET_AL.sub(" ", clean).split(",")) if p]
    pieces = [p for p in pieces if not _is_suffix(p)] or pieces
    named = [_telling_words(piece) for piece in pieces[:1]] + [_telling_words(" ".join(pieces[1:]))] * (len(pieces) > 1)
    words = [*named[0], ",", *named[1]] if len(named) > 1 else named[0] if named else []
    return _in_order(words, [token(word) for word in words])


def _is_suffix(piece: str) -> bool:
    """Whether all that stands between two commas is a suffix: "Jr.", "Ph. D.", but not the initials "J. R."."""
    return token(piece) in _SUFFIXES and any(len(token(word)) > 1 for word in _words(piece))


def _words(text: str) -> list[str]:
    """Words of a name; dots end a word ("J.A." is two)."""
    return (text.replace(".", ". ") if "." in text else text).split()


def _telling_words(text: str) -> list[str]:
    """Words with letters; suffixes such as Jr. go where two words are left without them."""
    words = [w for w in _words(text) if token(w)]
    kept = [w for w in words if token(w) not in _SUFFIXES]
    return kept if len(kept) >= 2 or not words else words


def _in_order(words: list[str], read: list[str]) -> Name:
    """Tell surname from given names, by a comma (its own word) or without: "First Last", "Last F" or "LAST JA"."""
    if "" in read:
        if 0 < (at := words.index(",") if "," in words else 0) < len(words) - 1:
            return _name(words[:at], read[:at], _given_names(words[at + 1 :], read[at + 1 :]), ordered=True)
        words = [w for w, r in zip(words, read, strict=True) if r]
        read = [r for r in read if r]
    if not words:
        return Name("", (), (), False, False)
    last = words[-1]
    cut = len(words) - 1
    if len(last) <= 4 and cut and len(read[0]) > 1 and _are_initials(last, read[-1], words[0]):
        cut += 1
        while cut > 1 and (len(read[cut - 1]) == 1 or (words[cut - 1].isupper() and len(words[cut - 1]) <= 3)):
            cut -= 1
        return _name(words[:cut], read[:cut], _given_names(words[cut:], read[cut:]), ordered=False)
    if cut > 1 and not _PARTICLES.isdisjoint(read):
        cut = next((i for i in range(1, cut) if read[i] in _PARTICLES and words[i][-1] != "."), cut)
    return _name(words[cut:], read[cut:], _given_names(words[:cut], read[:cut]), ordered=False)


def _are_initials(last: str, read: str, first: str) -> bool:
    """Whether the last word of a name is initials: one letter, or up to three capitals where the first word has small ones."""
    if len(read) == 1:
        return True
    bare = last.rstrip(".")
    return bare.isupper() and len(bare) <= 3 and not first.isupper()


def _name(words: list[str], read: list[str], given: tuple[str, ...], *, ordered: bool) -> Name:
    """A name of its two halves; ``read`` are the surname's ``words`` folded."""
    if len(words) == 1 and "-" not in words[0]:
        return _NEW(Name, (read[0], (read[0],), given, ordered, False))
    parts = [token(p) for word in words for p in word.split("-")]
    parts = [p for p in parts if p and p not in _PARTICLES] or [p for p in parts if p]
    return Name("".join(parts), tuple(parts), given, ordered, False)


def _given_names(words: list[str], read: list[str]) -> tuple[str, ...]:
    """Given names folded, hyphens dissolved, capitals without a vowel ("JP") read as initials, particles dropped."""
    if len(words) == 1 and len(read[0]) != 2 and len(read[0]) != 3 and "-" not in words[0]:
        return (read[0],) if read[0] else ()
    names: list[str] = []
    for word, whole in zip(words, read, strict=True):
        if (len(whole) == 1 or len(whole) > _LONGEST_PARTICLE) and "-" not in word:
            names.append(whole)
        elif whole:
            for piece in word.split("-"):
                _add_given(names, piece, is_alone=len(words) == 1)
    return tuple(names)


def _add_given(names: list[str], piece: str, *, is_alone: bool) -> None:
    """Add a short word, or what stands between two hyphens, to given names."""
    read = token(piece)
    size = len(read)
    if 1 < size <= 3 and piece.isupper() and not _VOWEL.search(read):
        names.extend(read)
    elif size == 1 or (size and (read not in _PARTICLES or is_alone)):
        names.append(read)


def index_keys(name: Name) -> list[str]:
    """Surname keys under which a name is filed: the whole surname and every part of a compound of three letters or more."""
    keys = [name.surname] if name.surname else []
    if len(name.parts) > 1:
        keys.extend(p for p in name.parts if len(p) >= 3 and p != name.surname)
    return keys


def similarity(a: str, b: str) -> float:
    """How likely two printed names mean one person, 0–1; symmetric, 1 only for names that read the same.

    From 0.7 on the names agree: the best single threshold of a yes or no. From 0.9 on they agree in full. A name is
    wholly like itself, as long as it is one at all, though two people may share it.
    """
    if a == b:
        return 1.0 if _parse(a[:MAX_NAME])[0] else 0.0
    return compare(_parse(a[:MAX_NAME]), _parse(b[:MAX_NAME]))


def compare(a: Name, b: Name) -> float:
    """``similarity`` of two names already read."""
    x, a_parts, a_given, a_ordered, a_group = a
    y, b_parts, b_given, b_ordered, b_group = b
    if not x or not y:
        return 0.0
    if a_group or b_group:
        return _groups(a, b) if a_group and b_group else 0.0
    surname = 1.0 if x == y else _surnames(a, b)
    best = surname * _given(a_given, b_given, a_parts, b_parts) if surname else 0.0
    if best >= 0.5 or (a_ordered and b_ordered):
        return best
    if y in a_given or x in b_given:
        best = max(best, _misread(a, b), _misread(b, a))
    if not a_ordered and not b_ordered:
        if not surname and len(a_given) == len(b_given) == 1:
            best = max(best, _other_halves(a, b))
        if abs(len(x) - len(y)) == 1:
            best = max(best, _split_word(a, b), _split_word(b, a))
    return best


def _groups(a: Name, b: Name) -> float:
    """Two collaborations by the words of their names, articles left out; one may be named with its institute."""
    if a.surname == b.surname:
        return 1.0
    one, other = set(a.parts), set(b.parts)
    if one == other:
        return 0.9
    return 0.75 if len(one & other) == min(len(one), len(other)) >= 2 else 0.0


def _surnames(a: Name, b: Name) -> float:
    """1 equal, .93 one is a part of the other's compound, .9 one typing slip in a long surname, else 0."""
    x, y = a.surname, b.surname
    if x == y:
        return 1.0
    if len(a.parts) != len(b.parts) and ((len(x) > 2 and x in b.parts) or (len(y) > 2 and y in a.parts)):
        return 0.93
    if LOST in x or LOST in y:
        return 0.88 if _with_lost_letters(x, y) or _with_lost_letters(y, x) else 0.0
    longest = max(len(x), len(y))
    if longest >= 5 and abs(len(x) - len(y)) <= 2:
        slips = OSA.distance(x, y, score_cutoff=2)
        if slips == 1:
            return 0.9
        if slips == 2 and (longest >= 8 or (longest == 7 and x[0] == y[0])):
            return 0.85 if longest >= 8 else 0.8
    if longest >= 5 and x[0] == y[0] and as_scanned(x) == as_scanned(y):
        return 0.8
    return 0.9 if x[-1] == y[-1] and (_glued(x, y) or _glued(y, x)) else 0.0


def _with_lost_letters(broken: str, whole: str) -> bool:
    """Whether a surname with lost letters may be the other: at least three letters are known and all stand right."""
    if LOST not in broken or len(broken) - broken.count(LOST) < 3:
        return False
    pattern = "".join(f"{re.escape(piece)}[^ ]{{0,2}}" for piece in broken.split(LOST)[:-1]) + re.escape(
        broken.rpartition(LOST)[2]
    )
    return re.fullmatch(pattern, whole) is not None


def as_scanned(word: str) -> str:
    """A word with what scanners confuse made equal: "rn", "in", "ni" and "m"; "fi" and "fl", whose ligature gets lost."""
    return loose(_LIGATURE.sub("", _MINIMS.sub("m", word)))


def _glued(long: str, short: str) -> bool:
    """A particle written together with the surname: "Dasilva" beside "da Silva"."""
    return len(short) >= 4 and long.endswith(short) and long[: -len(short)] in _PARTICLES


def _misread(a: Name, b: Name) -> float:
    """The surname of ``b`` stands among the given names of ``a``: printed first, or followed by a second surname."""
    if a.ordered or not a.given or not b.given or len(b.surname) < 3 or b.surname not in a.given:
        return 0.0
    at = a.given.index(b.surname)
    before, after = a.given[:at], a.given[at + 1 :]
    if not before and not after:  # the two halves swapped, as some catalogues print them
        return 0.85 * _given((a.surname,), b.given, (), ())
    if before and not after and len(before[0]) > 1:
        return 0.8 * _given(before, b.given, (), ())
    if before:
        return 0.0
    rest = (*after, a.surname)
    return 0.85 * max(_given(rest, b.given, (), ()), _any_order(rest, b.given))


def _any_order(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    """Given names in another order: every one of the shorter list in the longer, at least two of them in full."""
    shorter, longer = sorted((a, b), key=len)
    free = list(longer)
    full = 0
    for word in sorted(shorter, key=len, reverse=True):
        found = next((w for w in free if w == word), None) or next((w for w in free if _token(w, word)), None)
        if found is None:
            return 0.0
        full += found == word and len(word) > 1
        free.remove(found)
    return 0.9 if full >= 2 else 0.0


def _other_halves(a: Name, b: Name) -> float:
    """One person's surname with initials beside the given name with the surname's initial: "O. Shmul", "S. Oded".

    Two strangers agree so by chance, but seldom, so the value is low.
    """
    if len(a.given) != 1 or len(b.given) != 1 or len(a.surname) < 2 or len(b.surname) < 2:
        return 0.0
    x, y = a.given[0], b.given[0]
    if max(len(x), len(y)) > 3 or min(len(x), len(y)) > 1:
        return 0.0
    return 0.72 if a.surname[0] in y and b.surname[0] in x else 0.0


def _split_word(a: Name, b: Name) -> float:
    """A blank inside the surname took its first letter for an initial: "W. Idmann" for "J. Widmann"."""
    if len(a.given) != 1 or len(a.given[0]) != 1 or len(b.surname) < 5:
        return 0.0
    return 0.7 if a.given[0] + a.surname == b.surname else 0.0


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
        return 1.0 if len(a[0]) > 1 or any(len(t) > 1 for t in a) else 0.94
    if len(a) != len(b) and "".join(a) == "".join(b) and len("".join(a)) > 3:
        return 0.98
    best = _aligned(a, b)
    if len(a) == 1 or len(b) == 1:
        best = max(best, _runs(a, b))
    if len(a) > 1 or len(b) > 1:
        best = max(best, _later(a, b), _later(b, a))
    return best


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
    if NICKNAMES.get(short) == long or NICKNAMES.get(long) == short:
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
    # Blanks are looked at from their first one only, or a long run of them would be read again from each.
    return [a for a in (p.strip() for p in re.split(r";|(?<!\s)(?:\s+and\s+|\s*&\s+)|\n", text)) if a]
