"""The language of a paper, as far as it can be told without guessing: its source says so, or its script does.

Nothing is guessed from Latin letters: nearly all papers of this field are English, so a guess from a title would be wrong
more often than there are others to find (DECISIONS: languages are not guessed).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["NAMES", "language_of"]

NAMES: Mapping[str, str] = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hu": "Hungarian",
    "hy": "Armenian", "it": "Italian", "ja": "Japanese", "ka": "Georgian", "ko": "Korean", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sr": "Serbian", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip
"""Languages by ISO 639-1 code, as the desk names them."""

_THREE: Mapping[str, str] = {
    "ara": "ar", "bul": "bg", "cat": "ca", "ces": "cs", "cze": "cs", "dan": "da", "deu": "de", "ger": "de", "ell": "el",
    "gre": "el", "eng": "en", "spa": "es", "fas": "fa", "per": "fa", "fin": "fi", "fra": "fr", "fre": "fr", "heb": "he",
    "hun": "hu", "hye": "hy", "arm": "hy", "ita": "it", "jpn": "ja", "kat": "ka", "geo": "ka", "kor": "ko", "nld": "nl",
    "dut": "nl", "nor": "no", "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "slk": "sk", "slo": "sk",
    "srp": "sr", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "zho": "zh", "chi": "zh",
}  # fmt: skip
"""ISO 639-2 codes, both kinds (https://www.loc.gov/standards/iso639-2/)."""

_BY_NAME = {name.lower(): code for code, name in NAMES.items()} | {"castilian": "es", "mandarin": "zh", "bokmål": "no"}

_SCRIPTS: Mapping[str, str] = {
    "GREEK": "el", "HEBREW": "he", "ARMENIAN": "hy", "GEORGIAN": "ka", "THAI": "th", "HANGUL": "ko",
}  # fmt: skip
"""Scripts that one language alone is written in."""

_LEAST_LETTERS = 8
"""Letters of a script from which a text is taken to be written in it: a Greek symbol or two stands in any title."""


def language_of(said: Iterable[str], text: str) -> str | None:
    """Return the ISO 639-1 code of a paper's language, or None where nobody can tell.

    ``said`` is what its sources say ("en", "eng", "English", "en-GB"), the first known one counts; ``text`` its title
    and abstract.
    """
    return next((code for one in said if (code := _code(one))), None) or _by_script(text)


def _code(said: str) -> str | None:
    word = re.split(r"[-_ ,;(/]", said.strip().lower(), maxsplit=1)[0]
    if word in NAMES:
        return word
    return _THREE.get(word) or _BY_NAME.get(word)


def _by_script(text: str) -> str | None:
    if text.isascii():
        return None
    scripts = Counter(_script(c) for c in text if c.isalpha() and not c.isascii())
    del scripts["LATIN"]
    latin = sum(c.isascii() and c.isalpha() for c in text)
    kana, han = scripts["HIRAGANA"] + scripts["KATAKANA"], scripts["CJK"]
    if kana + han >= _LEAST_LETTERS and 2 * (kana + han) > latin:
        return "ja" if kana else "zh"
    script, letters = scripts.most_common(1)[0] if scripts else ("", 0)
    if letters < _LEAST_LETTERS or letters < latin:
        return None
    return _SCRIPTS.get(script) or (_cyrillic(text.lower()) if script == "CYRILLIC" else None)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split(" ", 1)[0]


def _cyrillic(text: str) -> str | None:
    """Tell the languages apart that have letters of their own; others stay unknown."""
    if any(c in text for c in "іїєґ"):
        return "uk"
    return "ru" if any(c in text for c in "ыэё") else None
