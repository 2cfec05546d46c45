"""What comes between two parts of a code at the end of a line and is no part of the text.

Line numbers of manuscripts, the marks of quoted mail, TeX comments, the other column of a page, its foot and the next
one's header, and the border of a table cell:
such a stray piece is dropped only where a whole code stands when it is gone and none before. All patterns are bounded.
"""

from __future__ import annotations

import re

from matching.grammar import Grammar

_REACH = 28  # characters looked at on each side; a code is shorter

# After a digit or a dot at the end of a line (perhaps hyphenated): what may stand before the code goes on.
_STRAYS = (
    re.compile(r"(?<=[0-9A-Z.(])[-\u2010]?[ \t]{0,8}\r?\n[ \t]{0,20}(?:[>|][ \t]{0,4}){1,5}"),
    re.compile(r"(?<=[0-9A-Z.(])[-\u2010]?[ \t]{0,8}\r?\n\s{0,20}[0-9]{1,4}(?=\s)\s{1,20}"),
    re.compile(r"(?<=[0-9A-Z.(])%?[^\S\n]{0,8}\n(?:[ \t]{0,20}%[^\n]{0,200}\n){1,5}[ \t]{0,40}"),
    re.compile(r"(?<=[0-9A-Z.(])[-\u2010]?[ \t]{3,40}(?=\S)[^\n]{1,100}\n\s{0,20}"),
    re.compile(r"(?<=[0-9A-Z.(])[-\u2010]?[ \t]{0,8}\r?\n\s{0,20}[^\n]{1,100}\n\s{0,20}"),
    re.compile(r"(?<=[0-9A-Z.(])[-\u2010]?[ \t]{0,8}\r?\n\s{0,20}[^\n]{1,100}\n\s{0,20}[^\n]{1,100}\n\s{0,20}"),
)
_CELL = re.compile(r"-?[ \t]{0,8}&[ \t]{1,8}")
_BEGUN = re.compile(r"[^\s#]{2}\Z")  # less of a code is too little to go by
_LAST_RUN = re.compile(r"[^\s#]{1,28}\Z")
_FIRST_RUN = re.compile(r"[.-]?[0-9A-Za-z]\S{0,27}")
_LINE_BREAK = re.compile(r"[0-9A-Z.(](?<![A-Z]{2})[-\u2010%]?(?:[ \t]{0,8}\r?\n|[ \t]{3})")
_LINE_OR_CELL_BREAK = re.compile(rf"{_LINE_BREAK.pattern}|[0-9A-Z.(](?<![A-Z]{{2}})-?[ \t]{{0,2}}&[ \t]")


def strays(raw: str, grammar: Grammar) -> list[tuple[int, int]]:
    """Stretches of a raw text to leave out, in order, so that the codes they break become whole."""
    found: list[tuple[int, int]] = []
    for place in (_LINE_OR_CELL_BREAK if "& " in raw or "&\t" in raw else _LINE_BREAK).finditer(raw):
        at = place.start() + 1
        if (found and at < found[-1][1]) or _BEGUN.search(raw, max(0, at - _REACH), at) is None:
            continue
        for pattern in (*_STRAYS, _CELL):
            stray = pattern.match(raw, at)
            if stray is not None and any(
                _completes(raw, stray.span(), between, grammar)
                for between in _lost(stray[0], pattern is _CELL, grammar)
            ):
                found.append(stray.span())
                break
    return found


def _lost(stray: str, is_cell: bool, grammar: Grammar) -> tuple[str, ...]:
    """What may have stood for the stray piece: nothing, its own hyphen, or at the edge of a table cell a separator."""
    if is_cell:
        return (
            "",
            *dict.fromkeys(sign for form in grammar.forms for literal, _ in form.parts if (sign := literal.strip())),
        )
    return ("", "-") if stray[0] in "-\u2010" else ("",)


def _completes(raw: str, gap: tuple[int, int], between: str, grammar: Grammar) -> bool:
    """Whether a code is whole with ``between`` for the gap, and neither side of it belongs to a code as it stands."""
    start, end = gap
    left = _LAST_RUN.search(raw, max(0, start - _REACH), start)
    right = _FIRST_RUN.match(raw, end, end + _REACH)
    if left is None or right is None:
        return False
    joined = left[0] + between + right[0]
    for form in grammar.forms:
        for code in form.canonical_anywhere.finditer(joined):
            if code.start() < len(left[0]) < code.end():
                # A code that ends before the sign at the break is not whole, though shorter codes there be.
                beyond = len(left[0]) if left[0][-1] in ".-" else 0
                return not _holds_code(left[0] + raw[start:end] + right[0], beyond, grammar)
    return False


def _holds_code(text: str, beyond: int, grammar: Grammar) -> bool:
    """Whether a code that ends beyond this place is in the text, blanks and line breaks after its dots allowed for."""
    plain = " ".join(text.split()).replace(". ", ".")
    return any(code.end() > beyond for form in grammar.forms for code in form.canonical_anywhere.finditer(plain))
