"""Names of sky targets as registries and papers write them: one key per target, and finding keys in a text.

``NGC 253``, ``NGC253``, ``ngc_0253`` and ``NGC~253`` share a key; so do ``HL Tau`` and ``HL Tauri``, and a long and a
short designation by the same coordinates. Keys are upper-case and without blanks.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["TargetSpot", "designations", "find_targets", "key", "keys"]

MAX_NAME_ATOMS = 9
"""Longest run of atoms (letters, numbers, signs) tried as one target name in a text."""

_LONGEST_CATALOGUE = 8
"""Longest name of a catalogue before the J of a designation by coordinates."""

_WIDEST_GAP = 10
"""Most characters between two parts of a name, TeX made blank."""

_ATOM = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|[+\-*']")
_TEX = re.compile(r"\\[,;:! ]|[~_${}]|\\(?:rm|bf|it|sc|mathrm|text|textit|emph)\b")
_TEX_STAR = re.compile(r"\^?\{?\\(?:star|ast)\}?|\^\{?\*\}?")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_COORDINATE = re.compile(r"J(\d{4})(?:\d{2}(?:\.\d+)?)?([+-])(\d{4})(?:\d{2}(?:\.\d+)?)?[A-Z]{0,2}$")
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


@dataclass(frozen=True, slots=True)
class _Atom:
    text: str
    start: int
    end: int
    opens: bool
    """True where a name may begin: not in the middle of a word."""
    closes: bool


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
    return _TEX.sub(_blank, text)


def _plain(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[0]
    return base if base.isascii() else " "


def _atoms(clean: str) -> list[_Atom]:
    found: list[_Atom] = []
    for m in _ATOM.finditer(clean):
        start, end = m.span()
        before, after = clean[start - 1 : start], clean[end : end + 1]
        opens = not before.isalnum() and not (before in ("-", "+", ".", "'") and clean[start - 2 : start - 1].isalnum())
        word = m[0].upper()
        if word.isdigit() and found and found[-1].text in _NUMBERED:
            word = word.lstrip("0") or "0"
        found.append(_Atom(_WORDS.get(word, word), start, end, opens, not after.isalnum()))
    return found


def key(name: str, aliases: Mapping[str, str] | None = None) -> str:
    """The key of a target name; ``""`` when nothing of it can be read. ``aliases`` maps names to the name they mean."""
    name = "".join(f" {_GREEK[c]} " if c in _GREEK else c for c in unicodedata.normalize("NFKC", name))[:120]
    atoms = [a.text for a in _atoms(_clean(name))]
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


def find_targets(text: str, where: str, known: Collection[str]) -> Iterator[tuple[str, TargetSpot]]:
    """Yield each known key that the text names, with its first place. Long names win over names inside them.

    A key that is one plain word must be printed with a capital. Time grows with the length of the text only.
    """
    clean = _clean(text)
    atoms = _atoms(clean)
    seen: set[str] = set()
    reach = 0
    for i, first in enumerate(atoms):
        if not first.opens or first.start < reach:
            continue
        hit = _longest(clean, atoms, i, known)
        if hit is None:
            continue
        name, end = hit
        reach = end
        if name not in seen:
            seen.add(name)
            yield name, TargetSpot(where, text[first.start : end], first.start, end)


def _longest(clean: str, atoms: list[_Atom], i: int, known: Collection[str]) -> tuple[str, int] | None:
    best: tuple[str, int] | None = None
    joined = ""
    for j in range(i, min(i + MAX_NAME_ATOMS, len(atoms))):
        atom = atoms[j]
        gap = clean[atoms[j - 1].end : atom.start] if j > i else ""
        if len(gap) > _WIDEST_GAP or gap.strip(" .\r\n\t"):
            break
        joined += atom.text
        if not atom.closes or len(joined) < 2:
            continue
        name = joined if joined in known else _by_coordinate(joined, known)
        if name and not (joined.isalpha() and not clean[atoms[i].start].isupper()):
            best = (name, atom.end)
    return best


def _by_coordinate(joined: str, known: Collection[str]) -> str | None:
    """The short form of a designation by coordinates, when that is known."""
    at = joined.rfind("J")
    match = _COORDINATE.match(joined[at:]) if 0 <= at <= _LONGEST_CATALOGUE and joined[-1].isalnum() else None
    if match is None:
        return None
    short = f"J{match[1]}{match[2]}{match[3]}"
    return short if short in known else None
