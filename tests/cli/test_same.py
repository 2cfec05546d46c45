"""``biblio same``: one answer a line, in order, whatever stands in the lines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from biblio.cli import same as module
from biblio.cli.same import answers, same

A = {"title": "The dust ring of XY Tauri seen at 1.3 mm", "authors": ["Vermeer, Anneke", "Tan, Richard"], "year": 2018}
B = {**A, "title": "Water masers in evolved stars", "authors": ["Öztürk, Ayşe"], "year": "2004.0"}


def line(a: Any, b: Any) -> bytes:
    """A line of a file of pairs."""
    return json.dumps({"a": a, "b": b}).encode() + b"\n"


def run(*arguments: object, given: bytes | None = None) -> Result:
    """Call the command as a shell would."""
    return CliRunner().invoke(same, [str(argument) for argument in arguments], input=given)


def answered(result: Result) -> list[dict[str, Any]]:
    """The JSON lines on stdout of a run that ended well."""
    assert result.exit_code == 0, result.output
    return [json.loads(text) for text in result.stdout.splitlines()]


def test_one_answer_for_each_line_in_order(tmp_path: Path) -> None:
    """A file gives as many answers as it has lines, each with p, verdict and reasons in words."""
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(line(A, A) + line(A, B) + line(B, B))
    found = answered(run(path))
    assert [answer["verdict"] for answer in found] == ["same", "different", "same"]
    assert all(0 <= answer["p"] <= 1 and answer["reasons"] for answer in found)
    packed = tmp_path / "pairs.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert answered(run(packed)) == found
    assert answered(run("-", given=path.read_bytes())) == found


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"\n", "empty"),
        (b"{\n", "not JSON"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b'["a"]\n', "object"),
        (b'{"a": {}}\n', "both"),
        (b'{"a": {"title": "\xff\xfe"}, "b": {}}\n', "UTF-8"),
    ],
)
def test_an_unreadable_line_asks_and_costs_no_other(broken: bytes, reason: str) -> None:
    """What cannot be read is asked about with an error; its neighbours are answered as if it were not there."""
    found = answered(run("-", given=line(A, A) + broken + line(A, B)))
    assert [answer["verdict"] for answer in found] == ["same", "ask", "different"]
    assert reason in found[1]["error"]
    assert found[1]["p"] == 0.5
    assert "error" not in found[0]


@given(
    st.lists(
        st.binary(max_size=80) | st.sampled_from([line(A, A).strip(), b'{"a": {}, "b": {}}', b"{", b""]), max_size=6
    )
)
def test_any_bytes_give_one_answer_a_line(lines: list[bytes]) -> None:
    """Whatever bytes are fed, each line has its answer at its place, and a pair between them is judged as if alone."""
    fed = [part for text in lines for part in text.split(b"\n")] + [line(A, B).strip()]
    found = answered(run("-", given=b"\n".join(fed)))
    assert len(found) == len(fed)
    assert all(a["verdict"] in ("same", "different", "ask") and 0 <= a["p"] <= 1 for a in found)
    assert all(a["verdict"] == "ask" for a in found if "error" in a)
    assert found[-1] == answers([line(A, B)])[0]


CROWD = [
    f"Author{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}, {chr(65 + i % 26)}." for i in range(3000)
]


@pytest.mark.parametrize(
    "fields",
    [
        {"authors": CROWD},
        {"title": "ab " * 350_000},
        {"title": "<" * 1_000_000},
        {"authors": "a and " * 200_000},
        {"venue": "conf . " * 150_000},
        {"doi": "10.1000/" + "9" * 1_000_000},
        {"pages": "9" * 1_000_000, "volume": "-" * 1_000_000},
        {"abstract": "this thesis " * 90_000},
        {"title": "a\0b", "authors": ["\0", "\0, \0."]},
        {"title": "\ud800", "authors": ["\udfff, J."]},
        {"year": 10**3000, "volume": 10**3000},
        {"title": [[[["x"]]]], "authors": [None, 1, [], {"name": ["a"]}, {"family": {}}]},
    ],
)
def test_monstrous_fields_are_answered(fields: dict[str, Any]) -> None:
    """Megabytes, thousands of authors, NULs, lone surrogates, huge numbers and nested junk: a verdict, no error."""
    for found in answers([line({**A, **fields}, B), line(A, {**A, **fields}), line(fields, fields)]):
        assert "error" not in found
        json.dumps(found).encode()


def test_years_may_be_written_in_any_way() -> None:
    """A number, "1994", "1994.0" and null are all read; what is no year is as if it were missing."""
    ways = [
        answers([line({**A, "year": year}, {**A, "year": 2018})])[0]["p"] for year in (2018, "2018", "2018.0", 2018.0)
    ]
    assert len(set(ways)) == 1
    unknown = [answers([line({**A, "year": year}, A)])[0]["p"] for year in (None, "soon", [], 1e400, True)]
    assert len(set(unknown)) == 1


def test_overlong_lines_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is one unreadable line, and the next is read from its beginning."""
    monkeypatch.setattr(module, "LONGEST_LINE", 1000)
    found = answered(run("-", given=line({"title": "x" * 5000}, A) + line(A, A)))
    assert [answer["verdict"] for answer in found] == ["ask", "same"]
    assert "longer" in found[0]["error"]


def test_explained_contributions_sum_to_the_log_odds() -> None:
    """With --explain what the topics add makes up the log-odds."""
    for answer in answered(
        run("-", "--explain", given=line(A, A) + line(A, B) + line(A, {**A, "title": A["title"] + ". II."}))
    ):
        assert sum(answer["contributions"].values()) == pytest.approx(answer["log_odds"], abs=1e-9)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """A file that cannot be read ends with one sentence and exit code 1."""
    result = run(tmp_path / "none.jsonl")
    assert result.exit_code == 1
    assert "cannot be read (No such file" in result.output


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "family", "given", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
fields = st.sampled_from(
    ["title", "subtitle", "authors", "year", "type", "doi", "arxiv", "venue", "volume", "pages", "abstract", "bibcode"]
)


@given(st.dictionaries(fields, values, max_size=8), st.dictionaries(fields, values, max_size=8))
def test_any_json_is_answered(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Whatever the fields hold, the answer is a verdict without an error, the same with the records exchanged."""
    one, other = answers([line(a, b), line(b, a)])
    assert "error" not in one
    assert one == other
