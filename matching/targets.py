"""Names of sky targets as registries and papers write them: one key per target, and finding keys in a text.

``NGC 253``, ``NGC253``, ``ngc_0253`` and ``NGC~253`` share a key; so do ``HL Tau`` and ``HL Tauri``, and a long and a
short designation by the same coordinates. Keys are upper-case and without blanks.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

__all__ = ["KnownTargets", "TargetSpot", "designations", "key", "keys"]

MAX_NAME_ATOMS = 9
"""Longest run of atoms (letters, numbers, signs) tried as one target name in a text."""

_LONGEST_CATALOGUE = 8
"""Longest name of a catalogue before the J of a designation by coordinates."""

_LONGEST_NAME = 120
"""Characters read of a target's name."""

_WIDEST_GAP = 10
"""Most characters between two parts of a name, TeX made blank."""

_ATOM = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[+\-*']")
_TEX = re.compile(r"\\[,;:! ]|\\(?:rm|bf|it|sc|mathrm|text|textit|emph)\b")
_TEX_MARK = re.compile(r"[~_${}]")
_TEX_BLANKS = str.maketrans("~_${}", "     ")
_TEX_STAR = re.compile(r"\^?\{?\\(?:star|ast)\}?|\^\{?\*\}?")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_COORDINATE = re.compile(r"J(\d{4})(?:\d{2}(?:\.\d+)?)?([+-])(\d{4})(?:\d{2}(?:\.\d+)?)?[A-Z]{0,2}$")
_COORDINATE_BEGINS = re.compile(r"J\d{4}")
_LONGEST_COORDINATES = 40
"""Longest designation by coordinates, with its catalogue."""

_SHORT = re.compile(r"J\d{4}[+-]\d{4}")
_OPENING = 4
"""Letters of a key by which it is decided whether a word may begin one."""

_INFRARED = re.compile(r"(IRAS\d{5})[+-]\d{4}$")
_NUMBERED = frozenset(
    [
        "NGC",
        "IC",
        "M",
        "HD",
        "HR",
        "UGC",
        "UGCA",
        "PGC",
        "MRK",
        "ARP",
        "HIP",
        "SAO",
        "GJ",
        "A",
        "MCG",
        "HH",
        "TW",
        "LDN",
        "BHR",
        "LEDA",
        "VV",
    ]
)
_WORDS = {
    "MARKARIAN": "MRK", "MKN": "MRK", "MESSIER": "M", "ABELL": "A", "SAGITTARIUS": "SGR", "CENTAURUS": "CEN", "GLIESE": "GJ",
    "HERCULES": "HER", "PERSEUS": "PER", "FORNAX": "FOR", "VIRGO": "VIR", "BARNARD": "B", "LYNDS": "L", "STAR": "*",
    # genitives of constellations, by which variable stars are named in full
    "ANDROMEDAE": "AND", "AQUARII": "AQR", "AQUILAE": "AQL", "AURIGAE": "AUR", "BOOTIS": "BOO", "CARINAE": "CAR", "CASSIOPEIAE": "CAS",
    "CENTAURI": "CEN", "CEPHEI": "CEP", "CETI": "CET", "CHAMAELEONTIS": "CHA", "CORONAE": "CR", "CYGNI": "CYG", "DELPHINI": "DEL",
    "DORADUS": "DOR", "DRACONIS": "DRA", "ERIDANI": "ERI", "GEMINORUM": "GEM", "HERCULIS": "HER", "HYDRAE": "HYA", "LEONIS": "LEO",
    "LEPORIS": "LEP", "LUPI": "LUP", "LYRAE": "LYR", "MONOCEROTIS": "MON", "MUSCAE": "MUS", "OPHIUCHI": "OPH", "ORIONIS": "ORI",
    "PEGASI": "PEG", "PERSEI": "PER", "PICTORIS": "PIC", "PISCIUM": "PSC", "PUPPIS": "PUP", "SAGITTARII": "SGR", "SCORPII": "SCO",
    "SERPENTIS": "SER", "TAURI": "TAU", "VELORUM": "VEL", "VIRGINIS": "VIR", "VULPECULAE": "VUL",
}  # fmt: skip
_GREEK = {
    "\u03b1": "ALPHA", "\u03b2": "BETA", "\u03b3": "GAMMA", "\u03b4": "DELTA", "\u03b5": "EPSILON", "\u03b7": "ETA", "\u03b6": "ZETA",
    "\u03c1": "RHO", "\u03c0": "PI", "\u03c3": "SIGMA", "\u03bb": "LAMBDA", "\u03ba": "KAPPA", "\u03b8": "THETA", "\u03c4": "TAU",
}  # fmt: skip
_TEX_GREEK = re.compile(r"\\(alpha|beta|gamma|delta|epsilon|eta|zeta|rho|pi|sigma|lambda|kappa|theta|tau)\b")


_CONSTELLATIONS = (
    "And|Aql|Aqr|Aur|Boo|CMa|CMi|CVn|Car|Cas|Cen|Cep|Cet|Cha|Com|CrA|CrB|Cyg|Del|Dor|Dra|Eri|Gem|Gru|Her|Hya|Ind|Leo|Lep|Lib|"
    "Lup|Lyr|Lyn|Mic|Mon|Mus|Nor|Oct|Oph|Ori|Peg|Per|Phe|Pic|PsA|Psc|Pup|Scl|Sco|Sct|Ser|Sgr|Tau|TrA|Tri|Tuc|UMa|UMi|Vel|Vir|Vol|Vul"
)
_DESIGNATION = re.compile(
    r"(?<![A-Za-z0-9.+\-])(?:"
    r"(?:NGC|IC|UGC|HD|HR|HH|HIP|Mrk|Mkn|Markarian|Arp|Abell|PDS|Elias|DoAr|BHR|Gliese|GJ|LHS|MWC|PGC|SN|AT|GRB|FRB|VV|Haro|LkHa|Messier)"
    r"[\s_]?\d{1,6}[A-Za-z]{0,3}(?:-\d{1,4})?"
    r"|(?:IRAS|PKS|PSR|IRC|RX|TXS|QSO|MRC|MCG|B2|HE|PG)[\s_]?[BFJ]?\d{2,6}(?:\.\d+)?[+-]\d{2,6}(?:\.\d+)?"
    r"|[345]C[\s_]?\d{1,3}(?:\.\d+)?"
    r"|(?:[A-Z][A-Za-z0-9]{1,7}[\s_-]?)?J\d{4,6}(?:\.\d+)?[+-]\d{2,6}(?:\.\d+)?"
    r"|G\d{1,3}\.\d{1,3}[+-]\d{1,2}\.\d{1,3}"
    r"|M(?:[1-9]\d|10\d|110)|L\d{3,4}|B\d{3}|W\d{1,2}[A-Z]?|S\d{3}"
    r"|(?:[A-Z]{1,2}|V\d{3,4}|(?i:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|pi|rho|sigma|tau|chi)\d?)[\s_](?:"
    + _CONSTELLATIONS
    + r")"
    r"|(?:Sgr|Cen|Cyg|Her|Vir|For|Per|Orion|Pup|Hya)[\s_](?:A\*|[A-C]\d?|KL|IRc2|BN)"
    r")(?![A-Za-z0-9])"
)


@dataclass(frozen=True, slots=True)
class TargetSpot:
    """Where a paper names a target: the field, what is printed, and code-point offsets in that field."""

    where: str
    printed: str
    start: int | None = None
    end: int | None = None


_KINDS_OF_OBJECT = frozenset(("GALAXY", "NEBULA", "NUCLEUS", "CLUSTER", "REGION"))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _clean(text: str) -> str:
    """Plain text of the same length: TeX blanks, dashes and stars made plain, so that offsets stay."""
    if not text.isascii():
        text = "".join(c if c.isascii() else _plain(c) for c in _DASHES.sub("-", text))
    if "\\" in text:
        text = _TEX_STAR.sub(lambda m: "*".rjust(len(m[0])), text)
        text = _TEX_GREEK.sub(lambda m: " " + m[1], text)
        text = _TEX.sub(_blank, text)
    return text.translate(_TEX_BLANKS) if _TEX_MARK.search(text) else text


def _plain(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() else " "


def _spelled(word: str, before: str) -> str:
    """A part of a name in upper case as its key has it; ``before`` is the part before it as its key has it."""
    if before in _NUMBERED and word.isdigit():
        return word.lstrip("0") or "0"
    return _WORDS.get(word, word)


def _atoms(clean: str) -> list[str]:
    """The parts of a name, as keys spell them."""
    found: list[str] = []
    before = ""
    for word in _ATOM.findall(clean.upper()):
        before = _spelled(word, before)
        found.append(before)
    return found


def key(name: str, aliases: Mapping[str, str] | None = None) -> str:
    """The key of a target name; ``""`` when nothing of it can be read. ``aliases`` maps names to the name they mean."""
    if not name.isascii():
        name = "".join(
            f" {_GREEK[c]} " if c in _GREEK else c for c in unicodedata.normalize("NFKC", name[:_LONGEST_NAME])
        )
    atoms = _atoms(_clean(name[:_LONGEST_NAME]))
    while len(atoms) > 1 and atoms[-1] in _KINDS_OF_OBJECT:
        atoms.pop()
    joined = "".join(atoms)
    joined = joined.replace("IRASF", "IRAS") if joined.startswith("IRASF") else joined
    if joined.startswith(("SGRA", "SGRB")) and joined.endswith("*"):
        joined = joined[:4] + "*"
    return aliases.get(joined, joined) if aliases else joined


def keys(name: str, aliases: Mapping[str, str] | None = None) -> frozenset[str]:
    """All keys of a target: its own, and for designations by coordinates the bare and the short ones."""
    own = key(name, aliases)
    found = {own} if len(own) >= 2 else set()
    at = own.rfind("J")
    match = _COORDINATE.match(own[at:]) if at >= 0 else None
    if match:
        found.add(own[at:])
        found.add(f"J{match[1]}{match[2]}{match[3]}")
    infrared = _INFRARED.match(own)
    if infrared:
        found.add(infrared[1])
    return frozenset(found)


def designations(text: str) -> list[str]:
    """Names in a text that are built like a target's (catalogue and number, variable star, coordinates), as printed."""
    return list(dict.fromkeys(m[0] for m in _DESIGNATION.finditer(_clean(text))))


class KnownTargets:
    """Keys of targets, ready to be found in texts."""

    def __init__(self, meant: Mapping[str, str] | Iterable[str]) -> None:
        """``meant``: each key as it may be spelled → the key that it stands for; or keys that stand for themselves."""
        self._meant = dict(meant) if isinstance(meant, Mapping) else {k: k for k in meant}
        self._openings = {k[:n] for k in self._meant for n in range(1, _OPENING + 1)}
        self._openings |= {w[:_OPENING] for w, spelled in _WORDS.items() if spelled[:_OPENING] in self._openings}
        self._longest_read = max((_LONGEST_COORDINATES, *map(len, self._meant)))
        self._by_coordinate = any(_SHORT.fullmatch(k) for k in self._meant)

    def find(self, text: str, where: str) -> Iterator[tuple[str, TargetSpot]]:
        """Yield each known key that the text names, with its first place. Long names win over names inside them.

        A key that is one plain word must be printed with a capital. Time grows with the length of the text only.
        """
        seen: set[str] = set()
        for name, start, end in self._named(text):
            if name not in seen:
                seen.add(name)
                yield name, TargetSpot(where, text[start:end], start, end)

    def named(self, text: str) -> set[str]:
        """The known keys that the text names."""
        return {name for name, _, _ in self._named(text)}

    def _named(self, text: str) -> Iterator[tuple[str, int, int]]:
        clean = _clean(text)
        upper = clean.upper()
        openings = self._openings
        near = _near_coordinates(upper) if self._by_coordinate else []
        reach = 0
        for atom in _ATOM.finditer(upper):
            if atom[0][:_OPENING] not in openings and not (near and _is_inside(atom.start(), near)):
                continue
            start = atom.start()
            if start < reach or not _opens(clean, start):
                continue
            hit = self._longest(clean, upper, start, bool(near))
            if hit is not None:
                reach = hit[1]
                yield hit[0], start, reach

    def _longest(self, clean: str, upper: str, first: int, near: bool) -> tuple[str, int] | None:
        """The longest known name that begins at a place of the text, and where it ends; ``near``: coordinates may follow."""
        best: tuple[str, int] | None = None
        joined = before = ""
        last = first
        for atom in islice(_ATOM.finditer(upper, first), MAX_NAME_ATOMS):
            start, end = atom.span()
            if start > last and (start - last > _WIDEST_GAP or clean[last:start].strip(" .\r\n\t")):
                break
            before = _spelled(atom[0], before)
            joined += before
            last = end
            if (joined[:_OPENING] not in self._openings and not near) or len(joined) > self._longest_read:
                break
            if len(joined) < 2 or clean[end : end + 1].isalnum():
                continue
            name = self._meant.get(joined) or self._short(joined)
            if name and not (joined.isalpha() and not clean[first].isupper()):
                best = (name, end)
        return best

    def _short(self, joined: str) -> str | None:
        """What the short form of a designation by coordinates stands for, when that is known."""
        at = joined.rfind("J") if self._by_coordinate else -1
        match = _COORDINATE.match(joined[at:]) if 0 <= at <= _LONGEST_CATALOGUE and joined[-1].isalnum() else None
        return self._meant.get(f"J{match[1]}{match[2]}{match[3]}") if match else None


def _near_coordinates(upper: str) -> list[tuple[int, int]]:
    """Stretches of a text in which a designation by coordinates may begin."""
    return [(m.start() - _LONGEST_CATALOGUE - _WIDEST_GAP, m.start()) for m in _COORDINATE_BEGINS.finditer(upper)]


def _is_inside(place: int, stretches: list[tuple[int, int]]) -> bool:
    at = bisect_left(stretches, place, key=itemgetter(1))
    return at < len(stretches) and stretches[at][0] <= place


def _opens(clean: str, start: int) -> bool:
    """Whether a name may begin here: not in the middle of a word."""
    if not start:
        return True
    before = clean[start - 1]
    return not before.isalnum() and not (before in "-+.'" and start > 1 and clean[start - 2].isalnum())
