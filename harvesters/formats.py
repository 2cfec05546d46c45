"""What a file of papers is: found by what stands in it, and by its name only where that does not say."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harvesters.errors import SourceStopped
from harvesters.files import BibtexFile, ListFile, PapersFile, read_start
from harvesters.identifiers import read_name
from harvesters.lists import REQUIRED, NamesList, PapersTable
from harvesters.rows import DELIMITERS, decode

HEAD_BYTES = 256 * 1024
"""How much of a file is looked at: comments before the first entry may be long, a licence text for instance."""

_BIBTEX = re.compile(r"^[ \t]*@[ \t]*[A-Za-z]+[ \t\r\n]*[{(]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Format:
    """One format of papers: its class, and what the help says of it."""

    name: str
    source: type[ListFile]
    suffixes: tuple[str, ...]
    about: str
    example: str


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("bibtex", BibtexFile, (".bib", ".bibtex"), "BibTeX entries; a title alone will do", "@article{key, title={…}, doi={…}}"),
        Format(
            "table", PapersTable, (".csv", ".tsv"),
            "CSV with a header, as telbib exports it: bibcode, doi or arxiv; author, title, programid …",
            "bibcode,title,programid",
        ),
        Format("jsonl", PapersFile, (".jsonl", ".ndjson", ".json"), "one JSON object a line; id and title alone will do",
               '{"id": "p1", "doi": "10.1/x", "path": "p1.pdf"}'),
        Format("list", NamesList, (".txt", ".lst", ".list"), "a bibcode, DOI or arXiv number a line, # for comments",
               "https://doi.org/10.3847/1538-4357/ab0001"),
    )
}  # fmt: skip


def format_of(path: Path, *, label: str | None = None) -> Format:
    """Return the format of a file of papers. Raises ``SourceStopped`` where it cannot be read or is none of them."""
    label = label or str(path)
    start = decode(read_start(path, label, HEAD_BYTES))
    if start.lstrip().startswith("["):
        raise SourceStopped(f"{label}: is one JSON list; write one object a line instead (jq -c '.[]' FILE)")
    found = _by_content(start) or _by_name(path)
    if found is None:
        why = "is empty" if not start.strip() else f"is none of {', '.join(FORMATS)}; it begins {_shown(start)!r}"
        raise SourceStopped(f"{label}: {why}. If it is one of them, say so with --format.")
    return FORMATS[found]


def _shown(start: str) -> str:
    """The beginning of a file, safe to print."""
    line = next((text.strip() for text in start.splitlines() if text.strip()), "")
    return "".join(c if c.isprintable() else "?" for c in line[:40])


def _by_content(start: str) -> str | None:
    """Judge by the first line that says something; ``#`` begins a comment in a list."""
    lines = [text for line in start.splitlines() if (text := line.strip())]
    if lines and lines[0].startswith("{"):
        return "jsonl"
    line = next((text for text in lines if not text.startswith("#")), "")
    if _is_header(line):
        return "table"
    if line and any(read_name(cell) for cell in (line.partition(" #")[0], *re.split(r"[,;\t|]", line))):
        return "list"
    return "bibtex" if _BIBTEX.search(start) else None


def _is_header(line: str) -> bool:
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        if not REQUIRED.isdisjoint("_".join(cell.lower().split()) for cell in cells):
            return True
    return False


def _by_name(path: Path) -> str | None:
    name = path.name.lower().removesuffix(".gz")
    return next((one.name for one in FORMATS.values() if name.endswith(one.suffixes)), None)
