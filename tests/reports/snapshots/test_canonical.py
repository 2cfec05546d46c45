"""Canonical JSON: the same report, the same bytes; back again it is the same report; damage has one clear error."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.document import Figure, Report
from reports.snapshots.canonical import SnapshotUnreadable, from_json, packed, rounded, to_json, unpacked
from tests.reports.snapshots.made import REPORTS, counted, report, small, table, theme


@given(REPORTS)
@settings(max_examples=30)
def test_there_and_back_is_the_same_report(made: Report) -> None:
    """What is read is what was written, and writes the same bytes again."""
    data = to_json(made)
    back = from_json(data)
    assert back == made
    assert to_json(back) == data


def test_bytes_do_not_depend_on_the_order_in_which_things_were_put() -> None:
    """Mappings in another order, and the last digits that machines disagree on, change no byte."""
    made = small(undecided={"likely": 3, "certain": 1})
    other = small(undecided={"certain": 1, "likely": 3}, projects={n: f"p{n}" for n in range(9, 0, -1)})
    assert to_json(made) == to_json(other)
    shares = [
        report(theme(table("t", "fraction", {"a": Figure("fraction", value)}))) for value in (1 / 3, 1 / 3 + 1e-14)
    ]
    assert to_json(shares[0]) == to_json(shares[1])
    assert b'"value":0.3333333333}' in to_json(shares[0])


def test_it_is_plain_json_with_definitions_and_each_set_of_rows_once() -> None:
    """Sorted keys, no blanks; rows that two figures share stand once, as first number and steps; definitions are there."""
    made = report(theme(table("t", "papers", {"a": counted("papers", 3, 5, 9), "b": counted("papers", 3, 5, 9)})))
    data = to_json(made)
    plain = json.loads(data)
    assert data.decode() == json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert plain["sets"] == [[3, 2, 4]]
    assert [row["figures"][0]["ids"] for row in plain["report"]["themes"][0]["tables"][0]["rows"]] == [0, 0]
    assert plain["report"]["definitions"]["papers"]["sentence"] == "Said."
    assert plain["report"]["projects"]["names"][:2] == ["p1", "p2"]


def test_a_document_of_before_there_was_a_field_is_read() -> None:
    """What stands at its default is not written, so a row without a backlog has the bytes that it always had."""
    made = report(theme(table("t", "papers", {"a": counted("papers", 3)})))
    data = to_json(made)
    (row,) = json.loads(data)["report"]["themes"][0]["tables"][0]["rows"]
    assert row.keys() == {"key", "name", "figures"}
    read = from_json(data).themes[0].tables[0].rows[0]
    assert (read.backlog, read.can_rise) == ("", False)
    marked = replace(read, backlog="3 more projects wait.")
    assert marked.can_rise
    tables = (replace(made.themes[0].tables[0], rows=(marked,)),)
    assert b'"backlog":"3 more projects wait."' in to_json(report(replace(made.themes[0], tables=tables)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=["nan", "inf", "-inf"])
def test_what_is_no_number_is_not_written(value: float) -> None:
    """NaN and infinity stop the writing; nobody finds them in a frozen report later."""
    with pytest.raises(ValueError, match="no figure"):
        to_json(report(theme(table("t", "fraction", {"a": Figure("fraction", value)}))))


def test_rows_out_of_order_are_not_written() -> None:
    """Rows that are not sorted, or twice, are an error of whoever counted."""
    with pytest.raises(ValueError, match="sorted"):
        to_json(report(theme(table("t", "papers", {"a": Figure("papers", 2, (5, 3))}))))


def test_halves_of_surrogates_do_not_break_the_file() -> None:
    """A name that no file of text may hold is written with a question mark in its place."""
    back = from_json(to_json(replace(small(), papers={1: "a\ud800b"})))
    assert back.papers == {1: "a?b"}


def test_another_format_is_refused_with_what_to_do() -> None:
    """A document of a later format is not guessed at."""
    later = to_json(small()).replace(b'{"format":1', b'{"format":2')
    with pytest.raises(SnapshotUnreadable, match=r"of format 2.*reads format 1.*later one"):
        from_json(later)


def _changed(change: Any) -> bytes:
    plain = json.loads(to_json(small()))
    change(plain)
    return json.dumps(plain).encode()


def _table(plain: Any) -> Any:
    return plain["report"]["themes"][0]["tables"][0]


DAMAGE: dict[str, tuple[Callable[[], bytes], str]] = {
    "not an object": (lambda: b"[]", "does not say of which format"),
    "no UTF-8": (lambda: b"\xff\xfe", "cannot be read as JSON"),
    "cut": (lambda: to_json(small())[:-20], "cannot be read as JSON"),
    "a deep well": (lambda: b"[" * 200_000, "cannot be read as JSON"),
    "NaN": (lambda: to_json(small()).replace(b'"value":2', b'"value":NaN'), "NaN is no number"),
    "infinite": (lambda: to_json(small()).replace(b'"value":2', b'"value":1e999'), "value: must be a number"),
    "no themes": (lambda: _changed(lambda p: p["report"].pop("themes")), "report is damaged: lacks themes"),
    "unknown field": (lambda: _changed(lambda p: p["report"].update(evil=1)), "'evil' is not known"),
    "extra part": (lambda: _changed(lambda p: p.update(evil=1)), "not the parts"),
    "a set that is not there": (
        lambda: _changed(lambda p: _table(p)["rows"][0]["figures"][0].update(ids=7)),
        r"themes\[0\].tables\[0\].rows\[0\].figures\[0\].ids: points to a set",
    ),
    "a set that is negative": (
        lambda: _changed(lambda p: _table(p)["rows"][0]["figures"][0].update(ids=-1)),
        "points to a set",
    ),
    "steps back": (lambda: _changed(lambda p: p["sets"].append([3, -1])), r"sets\[2\]: the rows of a set do not"),
    "text in a set": (lambda: _changed(lambda p: p["sets"].append(["3"])), "whole numbers"),
    "a missing cell": (lambda: _changed(lambda p: _table(p)["rows"][0].update(figures=[])), "0 figures for 1 columns"),
    "yes for a number": (
        lambda: _changed(lambda p: _table(p)["rows"][0]["figures"][0].update(value=True)),
        "value: must be a number",
    ),
    "an unknown chart": (
        lambda: _changed(lambda p: _table(p).update(charts=[{"kind": "pie", "title": "", "columns": []}])),
        "'pie' is not known",
    ),
    "no day": (lambda: _changed(lambda p: p["report"].update(as_of="tomorrow")), "as_of: must be a day"),
    "a name too few": (lambda: _changed(lambda p: p["report"]["papers"]["names"].pop()), "one name for each row"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_told_with_its_place(what: str) -> None:
    """Whatever was cut, changed or made up: one clear error, which says where."""
    make, words = DAMAGE[what]
    with pytest.raises(SnapshotUnreadable, match=words):
        from_json(make())


@given(st.binary(max_size=60), st.integers(0, 3000), st.integers(0, 20))
@settings(max_examples=200)
def test_no_bytes_give_another_error(noise: bytes, place: int, length: int) -> None:
    """Noise put anywhere into a report gives a report or the one error, never another."""
    data = to_json(small())
    try:
        from_json(data[:place] + noise + data[place + length :])
    except SnapshotUnreadable:
        return


def test_compressed_bytes_come_back_and_damage_is_told() -> None:
    """Packing keeps every byte; damaged or cut documents are refused."""
    data = to_json(small())
    document = packed(data)
    assert unpacked(document) == data
    with pytest.raises(SnapshotUnreadable, match="ends too early"):
        unpacked(document[:-3])
    with pytest.raises(SnapshotUnreadable, match="damaged"):
        unpacked(b"no" + document)


def test_rounding_keeps_ten_digits_and_no_signed_zero() -> None:
    """0.1 + 0.2 is 0.3, -0.0 is 0.0, large numbers keep their size."""
    assert rounded(0.1 + 0.2) == 0.3
    assert str(rounded(-0.0)) == "0.0"
    assert rounded(123456789012.0) == 123456789000.0
