"""Strangers' titles and quotes as a person can read them: TeX and HTML turned into plain text, never into markup."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from pylatexenc.latex2text import LatexNodes2Text

LONGEST = 2_000
"""Characters kept of a title or quote; what is longer is cut with an ellipsis."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SHIFTED = re.compile(r"<(su[bp])>\s*([^<>]{1,40}?)\s*</\1>", re.I)
_TAG = re.compile(
    r"</?(?:i|b|em|strong|tt|span|p|br|inline-formula|tex-math|mml:[a-z]+|math|m[a-z]{1,8})(?:\s[^<>]*)?/?>", re.I
)
_SCRIPT = re.compile(r"([_^])(?:\{([0-9+\-=()]{1,12})\}|([0-9]))")
_UP = str.maketrans("0123456789+-=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾")
_DOWN = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_COMMENT = re.compile(r"(?<!\\)%")
_BLANKS = re.compile(r"\s+")

_READER = LatexNodes2Text(math_mode="text", keep_comments=True, strict_latex_spaces=True)


def harmless(text: str | None) -> str:
    """Return ``text`` as a person wrote it, lines and all, without signs that are not seen or turn the writing around."""
    if not text:
        return ""
    return text if text.isprintable() else _CONTROLS.sub("", text)


@lru_cache(maxsize=4096)
def readable(text: str | None) -> str:
    """Return ``text`` as plain text on one line. TeX that cannot be read stays as written; nothing is ever raised.

    The result is still a stranger's: templates escape it like any other.
    """
    if not text:
        return ""
    plain = _CONTROLS.sub("", text[: LONGEST + 1])
    plain = _SHIFTED.sub(lambda m: f"{'_' if m[1].lower() == 'sub' else '^'}{{{m[2]}}}", plain)
    plain = _CONTROLS.sub("", html.unescape(_TAG.sub("", plain)))
    plain = _SCRIPT.sub(lambda m: (m[2] or m[3]).translate(_UP if m[1] == "^" else _DOWN), plain)
    if "\\" in plain or "$" in plain or "{" in plain:
        plain = _from_tex(plain)
    lead = " " if plain[:1].isspace() else ""
    tail = " " if plain[-1:].isspace() and plain.strip() else ""
    plain = lead + _BLANKS.sub(" ", plain).strip() + tail
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def _from_tex(plain: str) -> str:
    try:
        return str(_READER.latex_to_text(_COMMENT.sub(r"\%", plain)))
    except Exception:  # the reader raises whatever its parser trips over; a stranger's TeX may be anything
        return plain.replace("$", "")
