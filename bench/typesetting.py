"""Kinds of damage that typesetting, mark-up, copying and mail do to project codes, for the codes of any observatory.

Each kind takes a planter and a code and gives what is printed and the codes it means. Unlike the first kinds of
bench/code_damage.py, these know nothing of where the parts of a code lie but what its own signs tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol
from urllib.parse import quote

HEADERS = ("Someone et al.", "A&A 589, A12 (2016)", "The Astrophysical Journal, 831:67 (12pp), 2016 November 1", "12")


class Surroundings(Protocol):
    """What a kind may ask of its planter."""

    chance: Random
    codes: list[str]
    prefix: str

    def intro(self) -> str:
        """What stands before a code."""

    @property
    def name(self) -> str:
        """What the observatory calls itself before a code."""


Typeset = Callable[[Surroundings, str], tuple[str, list[str]]]


def anywhere(*between: str) -> Typeset:
    """One of these put in between any two characters of the code."""

    def make(planter: Surroundings, code: str) -> tuple[str, list[str]]:
        place = planter.chance.randrange(1, len(code))
        return planter.intro() + code[:place] + planter.chance.choice(between) + code[place:], [code]

    return make


def signs(*instead: str) -> Typeset:
    """Each dot of the code written as one of these."""
    return lambda planter, code: (planter.intro() + code.replace(".", planter.chance.choice(instead)), [code])


def framed(*frames: tuple[str, str]) -> Typeset:
    """The code with one of these before and behind it."""

    def make(planter: Surroundings, code: str) -> tuple[str, list[str]]:
        before, after = planter.chance.choice(frames)
        return planter.intro() + before + code + after, [code]

    return make


def introduced(*intros: str) -> Typeset:
    """The code after one of these, ``{name}`` being the observatory's and ``{prefix}`` the prefix with no ``#``."""

    def make(planter: Surroundings, code: str) -> tuple[str, list[str]]:
        intro = planter.chance.choice(intros)
        return intro.format(name=planter.name, prefix=planter.prefix.rstrip("# ")) + code, [code]

    return make


def rewritten(change: Callable[[str], str]) -> Typeset:
    """The whole code changed by a rule."""
    return lambda planter, code: (planter.intro() + change(code), [code])


def together(glue: str, number: int = 2) -> Typeset:
    """Several whole codes with this between them."""

    def make(planter: Surroundings, code: str) -> tuple[str, list[str]]:
        codes = [code, *planter.chance.sample(planter.codes, number - 1)]
        return planter.intro() + glue.join(codes), codes

    return make


def enumerated(planter: Surroundings, code: str) -> tuple[str, list[str]]:
    """Three codes as prose lists them."""
    codes = [code, *planter.chance.sample(planter.codes, 2)]
    return (
        f"{planter.intro()}{codes[0]}, {codes[1]}{planter.chance.choice([', and ', ' and ', ', & ', ' as well as '])}{codes[2]}",
        codes,
    )


def misread(pairs: dict[str, str]) -> Typeset:
    """One character read as another that it is rarely taken for."""

    def make(planter: Surroundings, code: str) -> tuple[str, list[str]]:
        places = [place for place, sign in enumerate(code) if sign in pairs]
        if places:
            place = planter.chance.choice(places)
            code_as_read = code[:place] + planter.chance.choice(pairs[code[place]]) + code[place + 1 :]
            return planter.intro() + code_as_read, [code]
        return planter.intro() + code, [code]

    return make


def spelled(code: str, between: str) -> str:
    """Every character of the code set apart."""
    return between.join(code)


def tagged(code: str, tags: Sequence[str]) -> str:
    """The parts of a code, each in a tag."""
    return re.sub(r"[0-9A-Za-z]+", lambda part: f"<{tags[0]}>{part[0]}</{tags[0]}>", code)


RARE = {"0": "Øø∅", "1": "!i", "9": "gq", "6": "b", "4": "A", "7": "T?", "3": "E", "S": "$§"}

TYPESET: dict[str, Typeset] = {
    "hyphen and line break anywhere": anywhere("-\n", "-\r\n", "\u2010\n"),
    "line break anywhere": anywhere("\n", " \n", "\r\n"),
    "soft hyphen and line break anywhere": anywhere("\u00ad\n", "\u00ad"),
    "PDF reader's hyphen anywhere": anywhere("\x02", "\ufffe", "\x02\n"),
    "page header anywhere": lambda p, code: anywhere(f"\n\f{p.chance.choice(HEADERS)}\n")(p, code),
    "blank anywhere": anywhere(" ", "\u00a0", "\u2009", "\u202f"),
    "TeX comment anywhere": anywhere("%\n", "%\n  "),
    "TeX hyphen anywhere": anywhere("\\-", "\\allowbreak ", "\\allowbreak{}", "\\hspace{0pt}", "\\hskip0pt ", "\\penalty0 "),
    "HTML break anywhere": anywhere("<wbr>", "<wbr/>", "&shy;", "&#8203;", "&#x200B;", "&zwnj;", "&zwj;", "&lrm;"),
    "JATS break anywhere": anywhere("<break/>", "<?linebreak?>", "<!-- break -->"),
    "byte order mark anywhere": anywhere("\ufeff"),
    "bold part": rewritten(lambda code: re.sub(r"[0-9A-Za-z]+", lambda part: "\\textbf{" + part[0] + "}", code, count=2)),
    "zero-width joiners everywhere": rewritten(lambda code: spelled(code, "\u200d")),
    "word joiners everywhere": rewritten(lambda code: spelled(code, "\u2060")),
    "NULs everywhere": rewritten(lambda code: spelled(code, "\x00")),
    "thin blanks around the dots": signs("\u2009.\u2009", "\u202f.\u202f", "\u200a.", "&thinsp;.&thinsp;", "\\,.\\,"),
    "other dots": signs("．", "。", "｡", "﹒", "․", "‧", "∙", "⋅", "・", "•"),
    "TeX dots": signs("$\\cdot$", "{\\cdot}", "\\textperiodcentered{}", "\\textperiodcentered ", "{.}", "$.$", "\\ldotp "),
    "TeX breaks at the dots": signs(".\\linebreak[1]", ".\\discretionary{}{}{}", ".\\hspace*{0pt}", ".\\kern0pt ", ".\\/"),
    "HTML dots": signs("&middot;", "&#183;", "&#xB7;", "&bull;", "&sdot;", "&nbsp;.", ".&nbsp;", ".&#8239;"),
    "lost characters": signs("?", "\ufffd", "\u25a1", "\u25a0"),
    "escaped three times": signs("&amp;amp;#46;", "%252E", "&amp;period;"),
    "dots and commas": signs(".,", ",.", "..", ";", "'"),
    "italics in TeX": framed(("\\textit{\\textbf{", "}}"), ("{\\it ", "}"), ("{\\bf ", "\\/}"), ("\\emph{", "}")),
    "TeX typewriter": framed(("\\texttt{", "}"), ("{\\tt ", "}"), ("\\verb+", "+"), ("\\mbox{", "}"), ("\\path{", "}")),
    "TeX address alone": framed(("\\url{", "}"), ("\\nolinkurl{", "}"), ("\\href{https://x.org/}{", "}")),
    "TeX data set": framed(("\\dataset[", "]{https://x.org/}"), ("\\dataset{", "}"), ("\\textsc{", "}"), ("\\uline{", "}")),
    "TeX footnote mark": framed(("", "$^{2}$"), ("", "\\footnotemark[1]"), ("", "\\tablefootmark{a}"), ("", "\\textsuperscript{3}")),
    "TeX footnote behind": framed(("", "\\footnote{See 12.}"), ("", "~\\citep{a12}"), ("", "\\,\\dag")),
    "superscript": framed(("", "¹"), ("", "²³"), ("", "†"), ("", "‡"), ("", "*"), ("", "ᵃ"), ("", "<sup>a</sup>"), ("", "^1")),
    "JATS reference behind": framed(("", "<xref ref-type='fn' rid='fn1'><sup>1</sup></xref>"), ("", "<xref>12</xref>")),
    "quotes": framed(("“", "”"), ("'", "'"), ("`", "'"), ("``", "''"), ("«", "»"), ("„", "“"), ("&ldquo;", "&rdquo;")),
    "brackets": framed(("[", "]"), ("(", ")"), ("⟨", "⟩"), ("{", "}"), ("&lt;", "&gt;"), ("<", ">"), ("【", "】")),
    "JATS tags": framed(("<monospace>", "</monospace>"), ("<award-id>", "</award-id>"), ("<named-content content-type='id'>", "</named-content>")),
    "JATS link": lambda p, code: (f'{p.intro()}<ext-link xlink:href="https://x.org/{quote(code, safe="")}">{code}</ext-link>', [code]),
    "tags for every part": rewritten(lambda code: tagged(code, ["i"])),
    "tags escaped": rewritten(lambda code: tagged(code, ["i"]).replace("<", "&lt;").replace(">", "&gt;")),
    "percent-encoded": lambda p, code: (f"https://x.org/{quote(p.name, safe='')}?code={quote(code, safe='').replace('.', '%2E')}", [code]),
    "percent-encoded twice": lambda p, code: (f"https://x.org/{p.name}?code={quote(quote(code, safe='').replace('.', '%2E'), safe='')}", [code]),
    "address": lambda p, code: (f"{p.name}: https://x.org/aq/?observationsProject={quote(code)}&a=1", [code]),
    "full-width number sign": introduced("{prefix}＃", "{prefix}﹟", "{name} № ", "{name} No. ", "{name} Nr. ", "{name} n° "),
    "TeX number sign": introduced("{prefix}{{\\#}}", "{prefix}\\#\\,", "{prefix}\\char35 ", "{prefix}\\symbol{{35}}", "{prefix}$\\#$", "{prefix}\\string#"),
    "HTML number sign": introduced("{prefix}&#35;", "{prefix}&num;", "{prefix}&amp;#35;", "{prefix}&#x23;", "{prefix}%23"),
    "project ID": introduced("{name} Project ID: ", "{name} Program ID = ", "{name} (PID: ", "{name} Proposal ID ", "{name} programme no. "),
    "prefix twice": introduced("{prefix}#{prefix}#", "{name} {name} ", "{prefix} # # "),
    "listed, prose": enumerated,
    "listed, comma alone": together(","),
    "listed, TeX ampersand": together(" \\& "),
    "listed, HTML ampersand": together(" &amp; "),
    "listed, brackets": lambda p, code: ((f"{p.intro()}(i) {code}; (ii) {(other := p.chance.choice(p.codes))}"), [code, other]),
    "listed, rows": together(" \\\\\n", 3),
    "listed, HTML rows": together("</td></tr>\n<tr><td>", 3),
    "listed, bullets": together("\n• ", 3),
    "listed, line break": together(",\n", 3),
    "sentence glued behind": lambda p, code: (f"{p.intro()}{code}.{p.name} is a partnership", [code]),
    "word glued behind": lambda p, code: (f"{p.intro()}{code}{p.chance.choice([' and', ' (PI', '. We', '). The', '; this'])}", [code]),
    "name behind": lambda p, code: (f"observed in {code} ({p.name})", [code]),
    "possessive": lambda p, code: (f"{p.intro()}{code}'s data", [code]),
    "rare confusion": misread(RARE),
    "letter-spaced by thin blanks": rewritten(lambda code: spelled(code, "\u2009")),
}  # fmt: skip
