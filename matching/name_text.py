"""The letters of a printed name: mark-up and wrong encodings undone, accents and transliterations folded away.

What cannot be known any more (a letter that an encoding lost for good) is kept as ``LOST`` and agrees with any letter.
"""

import html
import re
import unicodedata
from functools import lru_cache

import ftfy
from anyascii import anyascii

__all__ = ["LOST", "fold", "loose", "repair", "token"]

LOST = "\ufffd"
"""A letter that was lost on the way; it stands for none, one or two letters ("ss" for ß)."""

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
_SPACED_ENTITY = re.compile(r"(\s*)&\s*(#?\s*[A-Za-z0-9]{2,8})\s*;(\s*)")
_HYPHENS = re.compile("[\u00ad\u2010-\u2015\u2212]")
_SPACED_HYPHEN = re.compile(r"(?<=[^\W\d_])\s?-\s(?=[^\W\d_])|(?<=[^\W\d_])\s-(?=[^\W\d_])")
_APOSTROPHES = re.compile("[\u2018\u2019\u02bc\u00b4`]")
_UMLAUTS = re.compile(r"ae|oe|ue|aa")
_CYRILLIC = re.compile("[\u0400-\u045f]")
_LATIN = re.compile("[A-Za-z]")
_UTF8_AS_LATIN = re.compile("\\s?[\u00c3\u00e3\u00e4]\\s?(1/4|1/2|3/4|[\u0080-\u00bf])\\s?")
_UTF8_LOST = re.compile("[\u00c3\u00e3](?:\\s[?$]\\s?|[?$])")
_SOUND = re.compile("[\x00-_a-\x7f\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]*").fullmatch
"""Text of letters that bytes read in a wrong encoding never make alone: at every second place there would be a sign."""
_QUESTION = re.compile(r"(?<=[^\W\d_])\?(?=[^\W\d_])|(?<!\S)\?(?=[^\W\d_]{2})")
_FRACTIONS = {"1/4": "\u00bc", "1/2": "\u00bd", "3/4": "\u00be"}
_SPECIAL = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D", "ı": "i",
     "þ": "th", "Þ": "Th", "ð": "d"}
)  # fmt: skip
_LATIN_LETTERS = {
    code: parts[0]
    for code in range(0xC0, 0x180)
    if (parts := unicodedata.normalize("NFKD", chr(code).translate(_SPECIAL)))[0].isascii()
    and parts[0].isalpha()
    and all(map(unicodedata.combining, parts[1:]))
}
"""Latin letters that are one plain letter and accents."""
_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalpha()}


def repair(text: str) -> str:
    """Undo entities (spaced ones too), mojibake and LaTeX accents; idempotent on clean text."""
    if "&" in text:
        text = _entities(text)
    if "\\" in text:
        text = _LATEX_LETTER.sub(lambda m: _LETTERS.get(m[1], m[1]), text)
        text = _LATEX_ACCENT.sub(lambda m: (m[2] or m[3]).lstrip("\\") + _COMBINING[m[1]], text)
        text = text.replace("\\", "")
    if "{" in text or "}" in text:
        text = text.replace("{", "").replace("}", "")
    if not text.isascii():
        text = _UTF8_AS_LATIN.sub(_utf8_pair, unicodedata.normalize("NFC", text))
        if _SOUND(text) is None:
            text = ftfy.fix_encoding(text)
            if _CYRILLIC.search(text):
                text = " ".join(_one_script(word) for word in text.split(" "))
            text = _HYPHENS.sub("-", _APOSTROPHES.sub("'", text))
    return text


def repair_name(text: str) -> str:
    """``repair``, and what is true of names only: letters lost for good are marked, blanks beside hyphens go."""
    text = repair(text)
    if not text.isascii():
        text = _UTF8_LOST.sub(LOST, text)
    if "?" in text:
        text = _QUESTION.sub(LOST, text)
    return _SPACED_HYPHEN.sub("-", text) if "-" in text else text


def _entities(text: str) -> str:
    """Entities as letters. Blanks around one go, unless the whole name would become one word."""
    glued = _SPACED_ENTITY.sub(_entity, text)
    if " " in glued.strip() or not _SPACED_ENTITY.search(text):
        return glued
    return _SPACED_ENTITY.sub(lambda m: _letter(m[2]) + m[3], text)


def _entity(match: re.Match[str]) -> str:
    """The letter of an entity; the blanks around it go, but a capital keeps the one before it."""
    letter = _letter(match[2])
    return (" " if match[1] and letter.isupper() else "") + letter


def _letter(written: str) -> str:
    return html.unescape("&" + re.sub(r"\s", "", written) + ";")


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
    """Lower-case ASCII letters of a word, accents and punctuation dropped: ``"O'Brien"`` → ``"obrien"``.

    ``LOST`` stays.
    """
    if not text.isascii():
        if LOST in text:
            return LOST.join(fold(piece) for piece in text.split(LOST))
        text = text.translate(_LATIN_LETTERS)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_SPECIAL))
        text = anyascii("".join(c for c in text if not unicodedata.combining(c)))
    return text.lower() if text.isalpha() else text.translate(_NO_LETTERS).lower()


def loose(word: str) -> str:
    """A folded word with oe/ue/ae/aa read as o/u/a/a, so that Mueller, Müller and Muller meet."""
    return _UMLAUTS.sub(_first_letter, word)


def _first_letter(match: re.Match[str]) -> str:
    return match[0][0]


@lru_cache(maxsize=400_000)
def token(word: str) -> str:
    """A printed word folded and read loosely; kept, because words of names come again and again."""
    plain = word.lower() if word.isascii() and word.isalpha() else fold(word)
    return _UMLAUTS.sub(_first_letter, plain) if _UMLAUTS.search(plain) else plain
