"""Damaged text made readable, every character of which still knows where it stood in the original.

A paper reaches us as TeX, JATS, HTML, plain text or the text layer of a PDF. :func:`repair` undoes what printing,
mark-up and careless decoding did to it (entities, tags, TeX escapes, line breaks and hyphenation, ligatures,
zero-width and no-break blanks, mojibake) and returns a :class:`Repaired` whose :meth:`Repaired.span` leads from the
repaired text back to code-point offsets of the original. Every pattern is bounded, so time is linear in the length.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import ftfy.bad_codecs  # noqa: F401  (registers the codec "sloppy-windows-1252")

_INVISIBLE = "\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u034f\u180e\x00-\x08\x0e-\x1f\x7f"
_SOFT_HYPHEN = "\u00ad\x02\ufffe"  # U+0002 and U+FFFE are how PDF readers write a hyphen at the end of a line
_INVISIBLES = re.compile(f"[{_INVISIBLE}{_SOFT_HYPHEN}]")

# What bytes from 0x80 on become when read as Windows-1252.
_HIGH = r"\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u2122\ufffd"
# A length as TeX writes it: "0pt", "-.1em", "1\\baselineskip".
_LENGTH = r"=?\s?-?[0-9]{0,4}[.,]?[0-9]{0,6}\s?(?:pt|em|ex|mm|cm|in|bp|pc|sp|mu|dd|cc|fil{1,3}|\\[A-Za-z]{1,20}) ?"

# The order matters where two alternatives start with the same character; each is bounded.
_TOKENS: dict[str, tuple[str, str]] = {
    "hyphen": (
        "both",
        rf"(?:[{_SOFT_HYPHEN}]\s{{0,40}}|(?<=[0-9A-Za-z.(])[-\u2010](?:%[^\n]{{0,200}})?[ \t]{{0,40}}\r?\n[ \t]{{0,40}}(?=[0-9A-Za-z.()]))",
    ),
    "invisible": ("both", rf"[{_INVISIBLE}]+"),
    "blank": ("both", r"\s{2,}|[^\S ]"),
    "escapedtag": ("xml", r"&(?:amp;){0,2}lt;/?[A-Za-z][\w:.-]{0,12}(?:\s[^<>&]{0,100})?/?&(?:amp;){0,2}gt;"),
    "entity": ("xml", r"&(?:amp;){0,2}\s?(?:#\s?(?:[xX][0-9A-Fa-f]{1,6}|[0-9]{1,7})|[A-Za-z][A-Za-z0-9]{1,30})\s?;"),
    # A comment with hardly a digit in it is nothing; in any other a code may hide, so only its marks go.
    "comment": ("xml", r"<!--(?:[^0-9<>]{0,100}[0-9]){0,4}[^0-9<>]{0,200}-->|<!\[CDATA\[|\]\]>|<\?[^<>]{0,200}\?>"),
    "commentmark": ("xml", r"<!--|-->"),
    "linktag": ("xml", r"<[A-Za-z][\w:.-]{0,40}\s[^<>]{0,200}?\bhref\s?=\s?[\"']?(?=[^\"'<>\s]{0,300}?[0-9]{4})"),
    "tag": ("xml", r"</?[A-Za-z][\w:.-]{0,40}(?:\s[^<>]{0,400})?/?>"),
    "texcomment": ("tex", r"(?<!\\)%[ \t]{0,40}\r?\n[ \t]{0,40}"),
    "texblank": (
        "tex",
        (
            r"\\(?:linebreak|newline|allowbreak|nolinebreak|break|penalty-?\d{1,5} ?|par)(?![A-Za-z])(?:\[\d?\])?[ \t]{0,4}"
            r"|\\\\(?:\[[^\]\n]{0,20}\])?|\\(?:quad|qquad|enspace|enskip|thinspace|,|;|:|!|/|[ ~])"
        ),
    ),
    "texlength": (
        "tex",
        (
            rf"\\(?:[hv]space|[hv]glue|[hvm]skip|m?kern)\*?\s{{0,2}}(?:\{{[^{{}}\n]{{0,40}}\}}|{_LENGTH}"
            rf"(?:\s{{0,2}}(?:plus|minus)\s{{0,2}}{_LENGTH}){{0,2}})"
        ),
    ),
    # Commands whose arguments print nothing.
    "texsilent": (
        "tex",
        (
            r"\\(?:[hv]?phantom|raisebox|label|index|selectfont|rule\s?\{[^{}\n]{0,30}\}|fontsize\s?\{[^{}\n]{0,30}\}"
            r"|(?:text)?color(?:\s?\[[^\]\n]{0,30}\])?)\s?\{[^{}\n]{0,60}\}|\\(?:make|frame)box(?:\[[^\]\n]{0,30}\]){1,2}"
        ),
    ),
    "texdash": ("tex", r"\\-|\\discretionary\{[^{}]{0,8}\}\{[^{}]{0,8}\}\{[^{}]{0,8}\}"),
    "texchar": ("tex", r"\\(?:char|symbol\{?)\s?(?:[0-9]{1,4}|\"[0-9A-F]{1,4})\}?"),
    "texescape": ("tex", r"\\[#%&_$@*+=.()\[\]{}<>|'\"`^-]"),
    "texlink": ("tex", r"\\href\s?\{[^{}\s]{0,400}\}"),
    "texdefinition": (
        "tex",
        r"\\(?:(?:re)?newcommand\*?|providecommand\*?|[eg]?def)\s{0,4}\{?\\[A-Za-z]{1,40}\}?",
    ),
    "jsonescape": ("tex", r"\\u[0-9A-Fa-f]{4}"),
    "texmacro": ("tex", r"\\[A-Za-z]{1,40}\*?"),
    "texgroup": ("tex", r"[{}$]|\\"),
    "textilde": ("tex", r"~"),
    # Signs of a web address; "%20" only where no TeX comment is meant that begins with a year.
    "percent": (
        "both",
        r"(?<=[\w=/.?&+)-])%(?:25){0,2}(?:2[389fFeEdD]|3[aAdDfF]|5[fF]|20(?=20[0-9]{2}|[A-Za-z%]))",
    ),
    "mojibaketwice": ("both", rf"\u00c3[{_HIGH}](?:[\u00c2\u00c3\u00c5\u00e2][{_HIGH}]{{1,2}}){{1,2}}"),
    "mojibake": ("both", rf"[\u00c2\u00c3\u00e2\u00ef][{_HIGH}]{{1,2}}"),
    "compat": ("both", r"[^\x00-\x7f]"),
}

_TEX_SYMBOLS = {
    "cdot": "·", "textperiodcentered": "·", "textbullet": "•", "bullet": "•", "ldotp": ".", "cdotp": "·",
    "textendash": "–", "textemdash": "—", "textunderscore": "_", "_": "_", "textnumero": "No.", "slash": "/",
    "textbackslash": "\\", "textasciitilde": "~", "hash": "#", "textbar": "|", "nobreakspace": " ", "space": " ",
    "hyp": "-", "textdegree": "°", "hspace": " ", "kern": " ", "hskip": " ", "textcolon": ":", "colon": ":",
    "l": "ł", "L": "Ł", "o": "ø", "O": "Ø", "ae": "æ", "AE": "Æ", "ss": "ß", "aa": "å", "AA": "Å", "i": "ı", "j": "ȷ",
}  # fmt: skip
_BLOCK_TAGS = frozenset(
    [
        "p",
        "br",
        "div",
        "li",
        "ul",
        "ol",
        "td",
        "tr",
        "th",
        "table",
        "sec",
        "title",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "caption",
        "fn",
        "note",
        "ack",
        "ref-list",
        "ref",
        "body",
        "back",
        "abstract",
    ]
)
# What these print is no part of the word before them.
_TEX_NOTES = (
    "footnote",
    "thanks",
    "cite",
    "ref",
    "label",
    "tablenote",
    "tablefoot",
    "tnote",
    "textsuperscript",
    "marginpar",
    "item",
    "section",
)
_NOTE_TAGS = frozenset(["sup", "xref", "fn", "footnote", "ref", "note", "label"])
# Letters of other alphabets that look the same as a Latin one or a digit: OCR and copy-and-paste write them.
_LOOKALIKES = str.maketrans(
    "АВЕІКМНОРСТХЅЈаеорсхіѕјΑΒΕΖΗΙΚΜΝΟΡΤΥΧοØø\u2205", "ABEIKMHOPCTXSJaeopcxisjABEZHIKMNOPTYXo000"
)

# The zero of every script but the Latin that has decimal digits of its own; the other nine follow it.
_FOREIGN_ZEROS = tuple(zero for zero in map(chr, range(0x80, 0x20000)) if unicodedata.decimal(zero, None) == 0)
# Those that are met in papers: full-width, mathematical, Arabic. A long text is searched for these alone.
_COMMON_ZEROS = tuple("\uff10\u0660\u06f0\U0001d7ce\U0001d7d8\U0001d7e2\U0001d7ec\U0001d7f6")
_LONG = 20_000


def foreign_digits(text: str) -> str:
    """A character class of the digits of other scripts (full-width, mathematical, Arabic) in the text, or nothing.

    Only scripts whose zero or one is in the text are seen: a code without either is rare.
    """
    # Looking for single characters is many times faster than any pattern over a class.
    zeros = _FOREIGN_ZEROS if len(text) < _LONG else _COMMON_ZEROS
    found = [zero for zero in zeros if zero in text or chr(ord(zero) + 1) in text]
    return "[" + "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in found) + "]" if found else ""


@dataclass(frozen=True, slots=True)
class Repaired:
    """Readable text and the way back: ``span`` gives offsets in the original, in code points.

    ``out`` holds where each piece begins in ``text``; ``begin`` and ``end`` where it lies in the original;
    ``copied`` says that the piece is there character by character, a line break as a blank (else the whole piece
    stands for the whole original).
    """

    text: str
    out: list[int] = field(repr=False)
    begin: list[int] = field(repr=False)
    end: list[int] = field(repr=False)
    copied: list[bool] = field(repr=False)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Original offsets (half open) of ``text[start:end]``; ``start < end`` is required."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"no such stretch in the repaired text: {start}..{end}")
        first = bisect_right(self.out, start) - 1
        last = bisect_right(self.out, end - 1) - 1
        begin = self.begin[first] + (start - self.out[first] if self.copied[first] else 0)
        stop = self.begin[last] + (end - self.out[last]) if self.copied[last] else self.end[last]
        return begin, stop


@lru_cache(maxsize=8)
def _pattern(markup: str) -> re.Pattern[str]:
    """All that is to be repaired in text of this kind, as one alternation of bounded patterns."""
    wanted = {"tex": ("both", "tex"), "xml": ("both", "xml"), "text": ("both",)}.get(markup, ("both", "tex", "xml"))
    # Stretches with nothing to repair are stepped over in one go: that is most of any text.
    harmless = r"(?:[0-9A-Za-z.,;:()\[\]'\"/#_*=+|?!@]++(?: (?!\s))?+)++"
    return re.compile(
        f"(?:{harmless})|" + "|".join(f"(?P<{name}>{body})" for name, (kind, body) in _TOKENS.items() if kind in wanted)
    )


# A character that may have to be repaired; and a line break that is more than a blank.
_UNPLAIN = re.compile(r"[^ \n!\"#'()*+,\-./0-9:;=?@A-Z\[\]^_`a-z|]")
_BREAK = re.compile(r"\n(?:(?<=[\s-]\n)|(?=\s))")


def is_plain(text: str) -> bool:
    """Whether repair would change nothing in the text, of whatever kind, but single line breaks into blanks."""
    return _UNPLAIN.search(text) is None and "  " not in text and _BREAK.search(text) is None


@lru_cache(maxsize=4096)
def _plain_character(character: str) -> str:
    """NFKC of one character, digits of other scripts as ASCII; superscripts stay (they are footnote marks)."""
    if unicodedata.decomposition(character).startswith(("<super>", "<sub>")):
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character).translate(_LOOKALIKES)
    return " " if plain.isspace() else plain


def _demojibake(broken: str) -> str:
    """UTF-8 that was read as Windows-1252, read again; unchanged where that makes no sense."""
    for length in (3, 2):
        try:
            good = broken[:length].encode("sloppy-windows-1252").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        return "".join(map(_plain_character, _INVISIBLES.sub("", good))) + broken[length:]
    return "\ufffd" if broken.startswith("â€") else "".join(map(_plain_character, broken))


def _demojibake_twice(broken: str) -> str:
    """UTF-8 that was read as Windows-1252 twice over; where that makes no sense, each piece for itself."""
    for second in ("sloppy-windows-1252", "latin-1"):
        try:
            good = broken.encode("sloppy-windows-1252").decode("utf-8").encode(second).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        return "".join(map(_plain_character, _INVISIBLES.sub("", good)))
    return re.sub(_TOKENS["mojibake"][1], lambda found: _demojibake(found[0]), broken)


def _tex_macro(written: str, macros: Mapping[str, str]) -> str:
    """What a TeX control word prints: its expansion, a known symbol, or nothing."""
    name = written[1:].rstrip("*")
    if name in macros:
        return repair(macros[name], markup="tex").text
    if name.startswith(_TEX_NOTES):
        return " "
    return _TEX_SYMBOLS.get(name, "")


def _tex_character(written: str) -> str:
    """The character that ``\\char35`` or ``\\symbol{35}`` prints."""
    number = re.search(r'"?[0-9A-F]+', written)
    if number is None:
        return ""
    code = int(number[0].lstrip('"'), 16 if number[0].startswith('"') else 10)
    return chr(code) if 31 < code < 0xD800 else ""


def _replacement(kind: str, written: str, macros: Mapping[str, str]) -> str:
    """The readable form of one damaged piece."""
    match kind:
        case "hyphen" | "invisible" | "texcomment" | "texdash" | "texgroup" | "texdefinition" | "comment" | "texsilent":
            return ""
        case "texlength":
            return " " if re.search(r"[1-9]|fil", written) else ""
        case "blank" | "texblank" | "textilde" | "commentmark" | "linktag":
            return " "
        case "percent":
            return chr(int(written[-2:], 16))
        case "entity":
            return "".join(
                map(
                    _plain_character,
                    _INVISIBLES.sub("", html.unescape(re.sub(r"\s|(?<=[&;])amp;(?=.)", "", written))),
                )
            )
        case "tag" | "escapedtag":
            name = re.match(r"(?:<|&(?:amp;)*lt;)/?([\w:.-]+)", written)
            return " " if name is not None and name[1].lower() in _BLOCK_TAGS | _NOTE_TAGS else ""
        case "texescape":
            return "-" if written == "\\-" else ("" if written[1] in "()[]'\"`^=." else written[1])
        case "texchar":
            return _tex_character(written)
        case "jsonescape":
            return _plain_character(chr(int(written[2:], 16)))
        case "texlink":
            return written.split("{", 1)[1].rstrip("}") + " "
        case "texmacro":
            return _tex_macro(written, macros)
        case "mojibaketwice":
            return _demojibake_twice(written)
        case "mojibake":
            return _demojibake(written)
        case _:
            return _plain_character(written)


def repair(
    text: str,
    *,
    markup: str = "auto",
    offset: int = 0,
    macros: Mapping[str, str] | None = None,
    drop: Sequence[tuple[int, int]] = (),
) -> Repaired:
    """Make a stretch of text readable; ``offset`` is where it begins in the original.

    ``markup`` is "tex", "xml" (JATS and HTML), "text" or "auto" (TeX and XML both undone). ``macros`` gives the
    bodies of argument-less TeX macros by name. ``drop`` are stretches of the text (in order) that are no part of it,
    such as a line number; each becomes a blank. A replaced piece maps as a whole onto the whole of what it replaces.
    """
    if text and not drop and is_plain(text):
        return Repaired(text.replace("\n", " "), [0], [offset], [offset + len(text)], [True])
    pieces: list[str] = []
    out: list[int] = []
    begin: list[int] = []
    end: list[int] = []
    copied: list[bool] = []
    length = position = 0

    def add(piece: str, start: int, stop: int, is_copy: bool) -> None:
        nonlocal length
        if piece:
            pieces.append(piece)
            out.append(length)
            begin.append(start + offset)
            end.append(stop + offset)
            copied.append(is_copy)
            length += len(piece)

    for low, high in (*drop, (len(text), len(text))):
        for found in _pattern(markup).finditer(text, position, low):
            if found.lastgroup is None:
                continue
            start, stop = found.span()
            add(text[position:start], position, start, True)
            add(_replacement(found.lastgroup, found[0], macros or {}), start, stop, False)
            position = stop
        add(text[position:low], position, low, True)
        add(" " if high > low else "", low, high, False)
        position = high
    return Repaired("".join(pieces), out, begin, end, copied)


_MACRO_WORD = re.compile(r"\\(?:(?:re)?newcommand|providecommand|[eg]?def\s{0,4}\{?\\)")
_MACRO = re.compile(
    r"\\(?:(?:re)?newcommand\*?|providecommand\*?|def|edef|gdef)\s{0,4}\{?\\([A-Za-z]{1,40})\}?\s{0,4}"
    r"\{((?:[^{}\n]|\{[^{}\n]{0,80}\}){1,160})\}"
)


def tex_macros(text: str, limit: int = 2000) -> dict[str, str]:
    """Argument-less TeX macros whose body holds a digit, by name: authors hide codes in them."""
    found: dict[str, str] = {}
    if _MACRO_WORD.search(text) is None:
        return found
    for macro in _MACRO.finditer(text):
        if any(character.isdigit() for character in macro[2]) and "#1" not in macro[2].replace("\\#", ""):
            found[macro[1]] = macro[2]
        if len(found) >= limit:
            break
    return {name: body for name, body in found.items() if f"\\{name}" not in body}
