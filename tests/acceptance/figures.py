"""Reads the figures of a campaign back from wherever they are shown: the page, its files, the command.

Each reader gives what it finds as (part, what, …) → number, with ``campaign`` for the whole and else the stratum's name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

Figures = dict[tuple[str, ...], int]

_RATES = {
    "Questionnaires completed of those sent": ("completed", "sent"),
    "Persons with at least one completed of those asked": ("answered", "asked"),
}
_BOUNCED = "Persons whom no letter reached"


class _Page(HTMLParser):
    """Collects the tables of a page (rows of cells) and its lists of terms."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.terms: list[list[str]] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """A table, a row, a cell, a term or its description begins."""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "dt":
            self.terms.append(["", ""])
        if tag in ("td", "th", "dt", "dd"):
            self._open = tag

    def handle_endtag(self, tag: str) -> None:
        """It ends."""
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        """Text belongs to the cell or term that is open."""
        text = " ".join(data.split())
        if self._open in ("td", "th"):
            self.tables[-1][-1][-1] += text
        elif self._open in ("dt", "dd"):
            self.terms[-1][self._open == "dd"] += text


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def _two(text: str) -> tuple[int, int]:
    """Read "153 of 616 (24.8 %)"; the share must be that of the two."""
    found = re.fullmatch(r"([\d\s]+) of ([\d\s]+?)(?: \((\d+\.\d)\s%\))?", text)
    assert found is not None, text
    first, second = _number(found[1]), _number(found[2])
    assert found[3] == f"{100 * first / second:.1f}", text
    return first, second


def of_page(html: str, groups: Sequence[str]) -> Figures:
    """Read the results page; its strata have rates, the unreached and the five groups."""
    page = _Page()
    page.feed(html)
    found: Figures = {}
    for term, said in page.terms:
        if term in _RATES:
            for what, number in zip(_RATES[term], _two(said), strict=True):
                found["campaign", what] = number
        elif term == _BOUNCED:
            found["campaign", "bounced"] = _number(said)
    for head, *rows in page.tables:
        if head[:2] == ["No.", "Reason"]:
            found |= {("campaign", "reason", row[0]): _number(row[2]) for row in rows}
        elif head[0] == "Group":
            found |= {("campaign", "group", row[0]): _number(row[1]) for row in rows}
        else:
            assert head[4:] == list(groups), head
            for name, sent, asked, bounced, *counts in rows:
                found[name, "completed"], found[name, "sent"] = _two(sent)
                found[name, "answered"], found[name, "asked"] = _two(asked)
                found[name, "bounced"] = _number(bounced)
                found |= {(name, "group", group): _number(count) for group, count in zip(groups, counts, strict=True)}
    return found


def of_csv(text: str) -> Figures:
    """Read the CSV file; shares and bounds must be those of its own numbers."""
    found: Figures = {}
    sent: dict[str, int] = {}
    for row in csv.DictReader(io.StringIO(text)):
        part, figure, name, value = row["part"], row["figure"], row["name"], int(row["value"])
        if figure == "rate":
            first, second = _RATES[name]
            found[part, first], found[part, second] = value, int(row["of"])
            sent.setdefault(part, int(row["of"]))
        elif figure == "bounced":
            found[part, "bounced"] = value
        else:
            found[part, figure, row["number"] if figure == "reason" else name] = value
            silent = sent[part] - int(row["of"])
            assert abs(float(row["least"]) - value / sent[part]) < 1e-9
            assert abs(float(row["most"]) - (value + silent) / sent[part]) < 1e-9
            assert float(row["least"]) <= float(row["interval low"]) <= float(row["interval high"])
            assert float(row["interval high"]) <= float(row["most"])
        if row["share"]:
            assert abs(float(row["share"]) - value / int(row["of"])) < 1e-9
    return found


def of_json(text: str) -> Figures:
    """Read the JSON file, or what the command prints as such."""
    plain = json.loads(text)
    found = _of_plain("campaign", plain)
    for stratum in plain["strata"]:
        found |= _of_plain(stratum["name"], stratum)
    assert plain["answers"] == found["campaign", "completed"]
    return found


def _of_plain(part: str, plain: Mapping[str, Any]) -> Figures:
    return {
        (part, "sent"): plain["questionnaires"]["sent"],
        (part, "completed"): plain["questionnaires"]["completed"],
        (part, "asked"): plain["persons"]["asked"],
        (part, "answered"): plain["persons"]["answered"],
        (part, "bounced"): plain["bounced"],
        **{(part, "reason", str(line["number"])): line["answers"] for line in plain["reasons"]},
        **{(part, "group", line["name"]): line["answers"] for line in plain["groups"]},
    }


def of_text(text: str, groups: Sequence[str]) -> Figures:
    """Read what the command prints for people."""
    found: Figures = {}
    stratum = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"  (\S.*\S)  +(\d.*)", line):
            if match[1] in _RATES:
                found |= {
                    ("campaign", what): n for what, n in zip(_RATES[match[1]], _two(match[2].strip()), strict=True)
                }
            elif match[1] == _BOUNCED:
                found["campaign", "bounced"] = int(match[2])
        if match := re.match(r"  ([ \d]{3})  ([ \d]{7})  +\d+ %  +\S+ %  +\S+ %  (\S.*)", line):
            number = match[1].strip()
            found["campaign", "reason" if number else "group", number or match[3]] = int(match[2])
        elif match := re.fullmatch(r"  (\S.*): persons (.*)", line):
            stratum = match[1]
            found[stratum, "answered"], found[stratum, "asked"] = _two(match[2])
        elif stratum and line.startswith("    "):
            counts = re.findall(rf"({'|'.join(map(re.escape, groups))}) (\d+)", line)
            found |= {(stratum, "group", group): int(count) for group, count in counts}
    return found
