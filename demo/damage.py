"""How project codes get hurt on their way into print: one function, many kinds, as seen in real papers.

A damaged code is still a code a reader would recognise. Kinds that only TeX knows (``macro``, ``tex_font``) print
clean in plain text.
"""

from __future__ import annotations

import random
from collections.abc import Callable

PREFIX = "ADS/JAO.ALMA#"

_OCR = {"0": "O", "1": "l", "5": "S", "S": "5", "8": "B"}


def _lost_zero(code: str, rng: random.Random) -> str:
    year, call, number, kind = code.split(".")
    return f"{PREFIX}{year}.{call}.{number.replace('0', '', 1)}.{kind}"


def _ocr(code: str, rng: random.Random) -> str:
    places = [i for i, c in enumerate(code) if c in _OCR and i > 3]
    place = rng.choice(places)
    return PREFIX + code[:place] + _OCR[code[place]] + code[place + 1 :]


def _swap(code: str, rng: random.Random) -> str:
    places = [i for i in range(7, 11) if code[i] != code[i + 1]]
    if not places:
        return _lost_zero(code, rng)
    place = rng.choice(places)
    return PREFIX + code[:place] + code[place + 1] + code[place] + code[place + 2 :]


def _break(code: str, rng: random.Random) -> str:
    place = rng.choice([5, 7, 13])
    return PREFIX + code[:place] + "\n" + code[place:]


DAMAGES: dict[str, Callable[[str, random.Random], str]] = {
    "lost_zero": _lost_zero,
    "extra_zero": lambda code, rng: PREFIX + code[:7] + "0" + code[7:],
    "dashes": lambda code, rng: PREFIX + code.replace(".", "-"),
    "en_dash": lambda code, rng: PREFIX + code[:12] + "–" + code[13:],
    "commas": lambda code, rng: PREFIX + code[:6] + "," + code[7:],
    "underscores": lambda code, rng: "ALMA " + code.replace(".", "_"),
    "line_break": _break,
    "ocr": _ocr,
    "missing_suffix": lambda code, rng: PREFIX + code[:12],
    "wrong_suffix": lambda code, rng: f"{PREFIX}[{code[:12]}.7]",
    "lower_case": lambda code, rng: PREFIX + code.lower(),
    "spaces": lambda code, rng: f"ADS/JAO. ALMA# {code[:6]} . {code[7:12]} .{code[13:]}",
    "no_hash": lambda code, rng: PREFIX[:-1] + code,
    "dot_for_hash": lambda code, rng: "JAO.ALMA." + code,
    "swap": _swap,
    "zero_width": lambda code, rng: PREFIX + code[:7] + "\u200b" + code[7:],
    "no_break_space": lambda code, rng: PREFIX + code[:12] + ".\u00a0" + code[13:],
    "number_only": lambda code, rng: f"project {int(code[7:12])}.{code[13:]}",
    "macro": lambda code, rng: PREFIX + code,
    "tex_font": lambda code, rng: PREFIX + code,
    "elided": lambda code, rng: PREFIX + code,
}
"""Kind → function (code, random source) → the code as printed in plain text, prefix included where the kind keeps it."""

LOSSLESS = frozenset({"no_hash", "dot_for_hash", "macro", "tex_font", "elided"})
"""Kinds that leave the code itself whole: prefix hurt, or hidden in a list or in TeX."""


def print_codes(codes: list[str], kind: str | None, rng: random.Random) -> str:
    """Return the list of codes as a plain text prints it; ``kind`` hurts the first, ``elided`` all but the first."""
    if kind is None:
        return ", ".join(PREFIX + code for code in codes)
    if kind == "elided":
        head, rest = codes[0], codes[1:]
        short = [f"#{code[7:]}" if code[:6] == head[:6] else code for code in rest]
        return ", ".join([PREFIX + head, *short])
    printed = [DAMAGES[kind](codes[0], rng), *(PREFIX + code for code in codes[1:])]
    return " and ".join(printed) if len(printed) == 2 else ", ".join(printed)


def print_codes_tex(codes: list[str], kind: str | None, plain: str) -> tuple[str, str]:
    """Return (preamble, text) as a TeX source writes the same list; ``plain`` is what ``print_codes`` gave."""
    if kind == "macro":
        rest = "".join(f", ADS/JAO.ALMA\\#{code}" for code in codes[1:])
        return f"\\newcommand{{\\projcode}}{{{codes[0]}}}\n", f"ADS/JAO.ALMA\\#\\projcode{rest}"
    if kind == "tex_font":
        head = codes[0]
        rest = "".join(f", ADS/JAO.ALMA\\#{code}" for code in codes[1:])
        return "", f"{{\\tt ADS/JAO.ALMA\\#{head[:7]}\\-{head[7:12]}.{{{head[13:]}}}}}{rest}"
    text = plain.replace("#", "\\#").replace("_", "\\_").replace("–", "--")
    return "", text.replace("\u00a0", "~").replace("\u200b", "\\-")
