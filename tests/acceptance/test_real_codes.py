"""The code engine on real papers: every printed code is found, and nothing that is none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Registry


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSON-lines file, compressed or not."""
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


@pytest.fixture(scope="module")
def finder(real_data: Path) -> CodeFinder:
    """The shipped default grammar with the real project list."""
    grammar = Grammar.from_plain(load().codes)
    return CodeFinder(grammar, Registry(grammar, [row["code"] for row in rows(real_data / "projects.jsonl")]))


def test_excerpts_with_codes(real_data: Path, finder: CodeFinder) -> None:
    """Each excerpt gives exactly the codes a person read in it; a bare number has the right one among its candidates."""
    for row in rows(real_data / "papers" / "alma_excerpts_truth.jsonl"):
        mentions = finder.find(row["text"])
        if any(mention.as_written == "340.S" for mention in mentions):
            assert all(set(row["codes"]) <= set(mention.candidates) for mention in mentions), row["bibcode"]
            assert not any(mention.certain for mention in mentions), row["bibcode"]
        else:
            assert {mention.code for mention in mentions} == set(row["codes"]), row["bibcode"]
        assert all(row["text"][mention.start : mention.end] == mention.as_written for mention in mentions)


def test_excerpts_say_what_was_used(real_data: Path, finder: CodeFinder) -> None:
    """No excerpt that used the data is judged a mere mention, and the accepted future project is one."""
    for row in rows(real_data / "papers" / "alma_excerpts_truth.jsonl"):
        judged = {mention.is_use for mention in finder.find(row["text"])}
        assert judged == {False} if not row["data_used"] else False not in judged, row["bibcode"]


def test_acknowledgements_are_recognised(real_data: Path, finder: CodeFinder) -> None:
    """An excerpt of an acknowledgement is taken for one although no heading stands in it."""
    for row in rows(real_data / "papers" / "alma_excerpts_truth.jsonl"):
        if row["section"] == "acknowledgments":
            assert {m.where for m in finder.find(row["text"])} <= {"acknowledgement", "data_statement"}, row["bibcode"]


def test_mentions_without_code(real_data: Path, finder: CodeFinder) -> None:
    """Texts that name the observatory and print no code give nothing."""
    for row in rows(real_data / "papers" / "alma_mentions_without_code.jsonl"):
        assert finder.find(row["text"]) == [], row["bibcode"]


def test_no_false_code_in_three_thousand_excerpts(real_data: Path, finder: CodeFinder) -> None:
    """Of all excerpts only those with a printed code give one."""
    known = {row["bibcode"] for row in rows(real_data / "papers" / "alma_excerpts_truth.jsonl")}
    hits = {row["bibcode"] for row in rows(real_data / "papers" / "excerpts.jsonl.gz") if finder.find(row["text"])}
    assert hits == known


def test_surface_forms(real_data: Path, finder: CodeFinder) -> None:
    """Real ways of writing a code are read as what they mean, imitations as nothing."""
    for row in rows(real_data / "papers" / "code_surface_forms.jsonl"):
        mentions = finder.find(row["as_written"])
        meant = (row["means"] or "").split()
        if row["kind"] == "number and suffix only":
            assert meant[0] in mentions[0].candidates
        elif meant or row["means"] is None:
            assert [mention.code for mention in mentions] == meant, row["as_written"]
        else:
            assert len(mentions) == row["as_written"].count(".S")


def test_full_texts(real_data: Path, finder: CodeFinder) -> None:
    """Manuscripts give the codes they print, as a set; the eighty without codes give none."""
    for row in rows(real_data / "papers" / "fulltexts.jsonl"):
        text = (real_data / "papers" / row["path"]).read_bytes().decode("utf-8", errors="replace")
        mentions = finder.find(text)
        assert {mention.code for mention in mentions} == set(row["codes"]), row["id"]
        assert all(text[mention.start : mention.end] == mention.as_written for mention in mentions)


def test_registry_codes_printed_whole_are_certain(real_data: Path, finder: CodeFinder) -> None:
    """A whole code that the project list holds is certain; one it lacks is reported as printed and is not."""
    listed = {row["code"] for row in rows(real_data / "projects.jsonl")}
    for row in rows(real_data / "papers" / "alma_excerpts_truth.jsonl"):
        if row["exact"]:
            certain = {mention.code for mention in finder.find(row["text"]) if mention.certain}
            assert certain == set(row["codes"]) & listed, row["bibcode"]
