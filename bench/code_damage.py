"""Measure the code finder on kinds of damage and of bait that the planted corpus does not hold.

usage: python -m bench.code_damage CORPUS [--observatory NAME] [--each N] [--seed S] [--show KIND] [--json FILE]

CORPUS is a folder as for bench/codes.py; its papers without codes are the surroundings, its codes.txt the registry.
Each kind is planted N times in such a paper and read. Prints one JSON object: per kind the share of planted codes that
come out, that come out or are a candidate, the number of false codes, and of wrong codes called certain.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from bench.figures import Figure, keep
from bench.typesetting import HEADERS, TYPESET
from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Registry

CONFUSIONS = {"0": "OQDo", "1": "lI|", "5": "S", "8": "B", "6": "G", "2": "Z", "S": "5", "B": "8"}


@dataclass
class Planter:
    """Chance, the registry's codes, and the ways a code of this observatory is introduced."""

    chance: Random
    codes: list[str]
    prefix: str

    @property
    def name(self) -> str:
        """What the observatory calls itself before a code."""
        return re.split(r"[/. ]", self.prefix.strip("#/ "))[-1 if "#" in self.prefix else 0]

    def intro(self) -> str:
        """What stands before a code."""
        return self.chance.choice(
            [
                f"This paper makes use of the following {self.name} data: {self.prefix}",
                f"{self.name} project code ",
                f"{self.name} (",
            ]
        )

    def near(self, code: str) -> str:
        """Another code that differs in its last two parts alone, or any."""
        front = code.rsplit(".", 2)[0]
        return self.chance.choice(
            [other for other in self.codes if other != code and other.startswith(front)] or self.codes
        )


Kind = Callable[[Planter, str], tuple[str, list[str]]]


def one(change: Callable[[Planter, str], str]) -> Kind:
    """A kind that changes one code."""
    return lambda planter, code: (planter.intro() + change(planter, code), [code])


def confused_twice(planter: Planter, code: str) -> str:
    """Two characters read as others that look like them."""
    places = [place for place, sign in enumerate(code) if sign in CONFUSIONS]
    for place in planter.chance.sample(places, min(2, len(places))):
        code = code[:place] + planter.chance.choice(CONFUSIONS[code[place]]) + code[place + 1 :]
    return code


def broken(code: str, planter: Planter, between: str) -> str:
    """The code with something put in after its second separator, or within its number."""
    place = planter.chance.choice([7, 9])
    return code[:place] + between + code[place:]


def elided(glue: str, mark: str = "") -> Kind:
    """A list whose second item leaves its first parts out."""

    def make(planter: Planter, code: str) -> tuple[str, list[str]]:
        other = planter.near(code)
        if code.count(".") < 3 or other.rsplit(".", 2)[0] != code.rsplit(".", 2)[0]:
            return planter.intro() + code, [code]
        return f"{planter.intro()}{code}{glue}{mark}{other.split('.', 2)[2]}", [code, other]

    return make


def listed(glue: str) -> Kind:
    """Two whole codes with this between them."""

    def make(planter: Planter, code: str) -> tuple[str, list[str]]:
        other = planter.chance.choice(planter.codes)
        return f"{planter.intro()}{code}{glue}{other}", [code, other]

    return make


def prefixed(prefix: str) -> Kind:
    """A code after another spelling of the prefix."""
    return lambda planter, code: (f"We used data from {prefix}{code}", [code])


SIMPLE: tuple[Callable[[Planter, str], str], ...] = (
    lambda p, code: broken(code, p, p.chance.choice(["\n", "-\n", " ", "\u00ad\n"])),
    lambda p, code: code.replace(".", p.chance.choice("·-–_,")),
    lambda p, code: code.lower(),
    lambda p, code: code.replace(".", p.chance.choice([". ", ".\u00a0", ".\u200b", "&#46;", ".\\-"])),
    lambda p, code: code.replace("0", "O", 2),
    lambda p, code: code.replace("1", "l", 1),
    lambda p, code: code.replace(".0", ".", 1) if ".0" in code[6:] else code,
    lambda p, code: code.replace(".", "", 1),
    lambda p, code: f"<i>{code[:4]}</i>{code[4:]}",
)


def any_two(planter: Planter, code: str) -> tuple[str, list[str]]:
    """Two simple kinds, one after the other."""
    first, second = planter.chance.sample(SIMPLE, 2)
    return planter.intro() + second(planter, first(planter, code)), [code]


def wide(text: str) -> str:
    """Full-width letters, digits and signs."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


DAMAGES: dict[str, Kind] = {
    "two confusions": one(confused_twice),
    "soft hyphen at a line break": one(lambda p, code: broken(code, p, "\u00ad\n")),
    "soft hyphens at the dots": one(lambda p, code: code.replace(".", ".\u00ad")),
    "soft hyphens everywhere": one(lambda p, code: "\u00ad".join(code)),
    "entities for the dots": one(lambda p, code: code.replace(".", p.chance.choice(["&#46;", "&#x2e;", "&period;"]))),
    "entities for digits": one(lambda p, code: code.replace("0", "&#48;").replace("1", "&#x31;")),
    "entities escaped twice": one(lambda p, code: code.replace(".", "&amp;#46;")),
    "entity of a thin blank": one(lambda p, code: code.replace(".", ".&thinsp;")),
    "TeX sign": prefixed("ADS/JAO.ALMA\\#"),
    "TeX hyphens": one(lambda p, code: code.replace(".", ".\\-")),
    "TeX thin blanks": one(lambda p, code: code.replace(".", ".\\,")),
    "TeX mathematics": one(lambda p, code: f"${code}$".replace(".", "{\\cdot}")),
    "TeX groups": one(lambda p, code: "{\\tt " + code.replace(".", ".\\linebreak[0]") + "}"),
    "TeX underscores": one(lambda p, code: code.replace(".", "\\_")),
    "TeX address": one(lambda p, code: f"\\url{{https://x.org/?code={code}}}"),
    "full width": one(lambda p, code: wide(code)),
    "full-width digits": one(lambda p, code: "".join(wide(c) if c.isdigit() else c for c in code)),
    "mathematical digits": one(lambda p, code: "".join(chr(0x1D7CE + int(c)) if c.isdigit() else c for c in code)),
    "Cyrillic letters": one(lambda p, code: code.replace("S", "\u0405").replace("T", "\u0422")),
    "bidirectional marks": one(lambda p, code: "\u202a" + code.replace(".", "\u200e.") + "\u202c"),
    "TeX table cells": one(lambda p, code: " & ".join([code[:7], code[7:]])),
    "TeX table cells, dot lost": one(lambda p, code: " & ".join([code[:6], code[7:]])),
    "HTML table cells": one(lambda p, code: f"<tr><td>{code[:7]}</td><td>{code[7:]}</td></tr>"),
    "kind in the next cell": one(lambda p, code: "\t".join(code.rsplit(".", 1))),
    "bars between cells": one(lambda p, code: f"| {code[:7]} | {code[7:]} |"),
    "page header between": one(lambda p, code: broken(code, p, f"\n\n\f{p.chance.choice(HEADERS)}\n\n")),
    "page foot and header between": one(
        lambda p, code: code[:7] + f"\n{p.chance.randint(2, 30)}\n\f{p.chance.choice(HEADERS)}\n" + code[7:]
    ),
    "line number between": one(lambda p, code: broken(code, p, f"\n{p.chance.randint(1, 999)} ")),
    "mojibake middots": one(lambda p, code: code.replace(".", "Â·")),
    "mojibake dashes": one(lambda p, code: code.replace(".", "â€“")),
    "mojibake blanks": one(lambda p, code: code.replace(".", ".Â\u00a0")),
    "mojibake zero width": one(lambda p, code: code.replace(".", ".â€‹")),
    "lost character signs": one(lambda p, code: code.replace(".", "\ufffd")),
    "elided, and": elided(" and "),
    "elided, comma": elided(", ", "#"),
    "elided, ampersand": elided(" & "),
    "elided, en dash": elided("–"),
    "elided, to": elided(" to "),
    "elided, slash": elided("/"),
    "elided, semicolon": elided("; "),
    "elided, or": elided(" or ", "."),
    "listed, slash": listed("/"),
    "listed, semicolon": listed(";"),
    "listed, nothing": listed(""),
    "listed, en dash": listed("–"),
    "listed, line break": listed("\n"),
    "listed, TeX line break": listed("\\\\"),
    "listed, plus": listed("+"),
    "prefix without the observatory's partner": prefixed("JAO.ALMA#"),
    "prefix, small letters": prefixed("ads/jao.alma#"),
    "prefix with a blank": prefixed("ADS/JAO.ALMA # "),
    "prefix with blanks everywhere": prefixed("ADS / JAO . ALMA # "),
    "prefix, project": prefixed("ALMA project "),
    "prefix, colon": prefixed("ALMA:"),
    "prefix, underscore": prefixed("ADS/JAO.ALMA_"),
    "prefix glued": prefixed("ALMA"),
    "no prefix": prefixed(""),
    "small letters": lambda p, code: (f"we used ads/jao.alma#{code}".lower(), [code]),
    "blanks around the dots": one(lambda p, code: code.replace(".", " . ")),
    "letter-spaced": one(lambda p, code: " ".join(code)),
    "thin blanks": one(lambda p, code: code.replace(".", ".\u2009")),
    "double dots": one(lambda p, code: code.replace(".", "..", 1)),
    "kind twice": one(lambda p, code: code + "." + code.rsplit(".", 1)[1]),
    "colons": one(lambda p, code: code.replace(".", ":")),
    "slashes": one(lambda p, code: code.replace(".", "/")),
    "commas and blanks": one(lambda p, code: code.replace(".", ", ")),
    "apostrophes": one(lambda p, code: code.replace(".", "'")),
    "stars": one(lambda p, code: code.replace(".", "*")),
    "zeros lost": one(lambda p, code: re.sub(r"\.0+(?=[1-9][0-9]*\.[A-Z])", ".", code)),
    "kind and zeros lost": one(lambda p, code: re.sub(r"\.0+(?=[1-9][0-9]*$)", ".", code.rsplit(".", 1)[0])),
    "hyphen after a dot": one(lambda p, code: code[:7] + "-\n" + code[7:]),
    "break in the year": one(lambda p, code: code[:2] + p.chance.choice(["-\n", "\n"]) + code[2:]),
    "quoted mail": one(lambda p, code: broken(code, p, "\n> ")),
    "span tags": one(lambda p, code: ".".join(f"<span class='x'>{part}</span>" for part in code.split("."))),
    "all confused": one(lambda p, code: code[0] + code[1:].replace("0", "O").replace("1", "l").replace("5", "S")),
    "blank before the dot": one(lambda p, code: code.replace(".", " .")),
    "comment between": one(lambda p, code: code[:7] + "<!-- page 3 -->" + code[7:]),
    "any two of these": any_two,
    "superscript mark": one(lambda p, code: code + "<sup>1</sup>"),
    "footnote digit": one(lambda p, code: code + "\u00b2"),
    "curly quotes": one(lambda p, code: f"“{code}”"),
    "word glued behind": one(lambda p, code: code + "and"),
    "word glued before": lambda p, code: (f"We used ALMA data{code}", [code]),
    "percent signs": one(lambda p, code: f"https://x.org/?q=ALMA%23{code.replace('.', '%2E')}"),
    "JSON escapes": one(lambda p, code: code.replace(".", "\\u002e")),
    "swap": one(lambda p, code: code[:8] + code[9] + code[8] + code[10:] if code[8:9] != code[9:10] != "" else code),
}


def bait(chance: Random, name: str) -> str:
    """Something with the looks of a code and another meaning, near the name."""
    year, day = chance.randint(2010, 2024), f"{chance.randint(1, 12):02d}.{chance.randint(1, 28):02d}"
    number = chance.randint(10000, 99999)
    # Programmes of another observatory, whichever is ours.
    other = "HST GO-12345" if name == "ESO" else f"ESO 0{number % 100:02d}.B-0{number % 1000:03d}(A)"
    return chance.choice(
        [
            f"{name} observed it on {year}.{day} and {year}-{day.replace('.', '-')}",
            f"{name}-ANID project {chance.randint(31000000, 31999999)}",
            f"grant number {year}-1-{number % 1000:03d}-0{chance.randint(1, 9)}, using {name}",
            f"the {name} pipeline, version {year}.1.0.{chance.randint(1, 99)}",
            f"{name} at {chance.uniform(80, 900):.5f} GHz, MJD {chance.uniform(55000, 60000):.3f}",
            f"Proc. SPIE {year}, {chance.randint(1, 9)}, {number} ({name})",
            f"doi:10.{chance.randint(1000, 9999)}/{year}.{chance.randint(1, 2)}.{number} {name}",
            f"with {name} and VLA/{year % 100}A-{number % 1000:03d}, {other}",
            f"arXiv:{year % 100:02d}{chance.randint(1, 12):02d}.{number} on {name}",
            f"{name} Memo {number % 700}, {year}, version {chance.randint(1, 3)}.{number % 100}",
            f"tel. {year} {chance.randint(1, 9)} {number}, the {name} help desk",
            f"NSFC {number}{number % 1000:03d}, {name}, {year} {chance.randint(1, 9)} {number % 100}",
            f"CASA {chance.randint(4, 6)}.{chance.randint(1, 7)}.{chance.randint(0, 3)}-{number % 100} for {name} in {year}",
            f"members of the {name} team (C{year}-{chance.randint(1, 2)}-{number}X)",
        ]
    )


def kinds_for(planter: Planter) -> dict[str, Kind]:
    """The kinds that make sense for the observatory: those about the sign of a prefix need one."""
    marked = ("prefix,", "prefix ", "TeX sign", "small letters", "word glued before", "sentence glued")
    first = {name: kind for name, kind in DAMAGES.items() if "#" in planter.prefix or not name.startswith(marked)}
    return {**first, **TYPESET}


def figures(finder: CodeFinder, planter: Planter, papers: list[str], each: int, show: str | None) -> dict[str, Any]:
    """Per kind, the shares found; and the false codes in baits."""
    table: dict[str, Any] = {}
    for name, kind in kinds_for(planter).items():
        counts = dict.fromkeys(("planted", "found", "candidate", "false", "certain_wrong"), 0)
        for _ in range(each):
            written, expected = kind(planter, planter.chance.choice(planter.codes))
            text = around(planter.chance, papers, written)
            mentions = finder.find(text)
            seen = {mention.code for mention in mentions}
            offered = seen.union(*(mention.candidates for mention in mentions))
            counts["planted"] += len(expected)
            counts["found"] += len(seen & set(expected))
            counts["candidate"] += len(offered & set(expected))
            counts["false"] += len(seen - set(expected))
            counts["certain_wrong"] += sum(m.certain and m.code not in expected for m in mentions)
            if show == name and seen != set(expected):
                print(repr(written), expected, [(m.as_written, m.code, m.certain) for m in mentions])
        planted = counts.pop("planted")
        table[name] = {
            "recall": round(counts["found"] / planted, 4),
            "or_candidate": round(counts["candidate"] / planted, 4),
            "false": counts["false"],
            "certain_wrong": counts["certain_wrong"],
        }
    false = []
    for _ in range(each * 20):
        text = around(planter.chance, papers, bait(planter.chance, planter.name))
        false += [mention.as_written for mention in finder.find(text)]
    if show == "bait":
        print(false)
    return {"kinds": table, "baits": {"texts": each * 20, "false": len(false)}}


def told(table: dict[str, Any]) -> Iterator[Figure]:
    """The figures that are kept: how many kinds come out whole, and those that do not by themselves."""
    kinds = table["kinds"]
    yield Figure("kinds of damage", len(kinds))
    yield Figure("of these with every code found", sum(row["recall"] == 1 for row in kinds.values()))
    yield Figure("damaged codes found, all kinds alike", sum(row["recall"] for row in kinds.values()) / len(kinds))
    yield Figure("found or a candidate", sum(row["or_candidate"] for row in kinds.values()) / len(kinds))
    yield Figure("wrong codes called certain, all kinds", sum(row["certain_wrong"] for row in kinds.values()))
    yield Figure(f"false codes in {table['baits']['texts']:,} texts of baits", table["baits"]["false"])
    for name, row in kinds.items():
        if row["recall"] < 1:
            yield Figure(f"found: {name}", row["recall"], peer="or a candidate", peer_value=row["or_candidate"])


def around(chance: Random, papers: list[str], written: str) -> str:
    """The written piece amid words of a paper."""
    paper = chance.choice(papers)
    place = paper.find(" ", chance.randrange(max(1, len(paper) - 5000)))
    return f"{paper[max(0, place - 2500) : place]} {written}{chance.choice(['. We', ', in', ') with', '; and', ' of'])} {paper[place + 1 : place + 2500]}"


def main() -> None:
    """Read the corpus, plant each kind, print the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("corpus", type=Path)
    options.add_argument("--observatory", help="profile whose grammar is used (default: the shipped default)")
    options.add_argument("--each", type=int, default=100, help="how often each kind is planted")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", help="print what went wrong with this kind")
    options.add_argument("--json", type=Path, help="write the figures to this file too")
    given = options.parse_args()
    truth = [json.loads(line) for line in (given.corpus / "truth.jsonl").read_text("utf-8").splitlines()]
    names = [row["file"] for row in truth if not row["codes"]]
    papers = [(given.corpus / "texts" / name).read_text("utf-8") for name in names]
    codes = (given.corpus / "codes.txt").read_text("utf-8").split()
    grammar = Grammar.from_plain(load(given.observatory).codes)
    planter = Planter(Random(given.seed), codes, grammar.prefixes[0] if grammar.prefixes else "")
    finder = CodeFinder(grammar, Registry(grammar, codes))
    table = figures(finder, planter, papers, given.each, given.show)
    print(json.dumps(table, indent=1))
    if given.json:
        keep(given.json, told(table))


if __name__ == "__main__":
    main()
