"""What the report as text, CSV and JSON promises: every number, its address, nothing run, nobody named too early."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from reports.files.plain import CSV_HEADER, as_csv, as_json, as_table
from reports.snapshots.canonical import from_json, to_json
from reports.snapshots.hiding import Hidden
from reports.words import shown
from tests.reports.files.made import nothing, small


def test_the_csv_has_one_line_for_each_figure_with_its_address() -> None:
    """Nothing is left out, and each line says where its figure stands and whether it is complete."""
    report = small()
    header, *lines = csv.reader(io.StringIO(as_csv(report)))
    assert tuple(header[: len(CSV_HEADER)]) == CSV_HEADER
    addresses = [(at.theme, at.table, at.row, at.column) for at, _ in report.figures()]
    assert [tuple(line[:4]) for line in lines] == addresses
    fraction = next(line for line in lines if line[:4] == ["fraction", "now", "all", "fraction"])
    assert fraction[8:10] == ["4", "6"]
    assert fraction[12] == "no"


def test_no_cell_of_the_csv_is_a_formula() -> None:
    """A row that a stranger named like a formula is text."""
    report = small()
    theme = report.themes[0]
    table = theme.tables[0]
    evil = replace(table, rows=(replace(table.rows[0], name='=HYPERLINK("x")'), *table.rows[1:]))
    changed = replace(report, themes=(replace(theme, tables=(evil, *theme.tables[1:])),))
    assert "'=HYPERLINK" in as_csv(changed)
    assert ",=HYPERLINK" not in as_csv(changed)


def test_the_text_has_the_headline_the_cycles_and_the_years() -> None:
    """Who asks in a terminal reads the five numbers first, as they are written everywhere."""
    report = small()
    text = as_table(report)
    for at in report.headline:
        assert shown(report.figure(at)) in text
    assert "Time to publish, of all projects: 50 %" in text
    assert "Cycle 4" in text
    assert "2019" in text
    assert "as of 2026-11-22 (complete through 2026-11-01)" in text
    assert "still growing" in text


def test_the_text_of_nothing_is_all_zero_and_breaks_nothing() -> None:
    """Before anything was observed there are numbers, and they are 0 or a dash."""
    assert "Projects observed" in as_table(nothing())


def test_the_json_is_that_of_a_snapshot_and_reads_back() -> None:
    """The file is what would be frozen."""
    assert as_json(small()).encode() == to_json(small())
    assert to_json(from_json(as_json(small()).encode())) == to_json(small())


def test_the_json_names_nobody_under_second_reading() -> None:
    """Numbers stay, names go."""
    report = small()
    hidden = Hidden(papers=frozenset({1}), projects=frozenset({1}))
    cut = from_json(as_json(report, hidden).encode())
    whole = from_json(as_json(report).encode())
    assert [cut.figure(at).value for at in report.headline] == [whole.figure(at).value for at in report.headline]
    assert report.projects[1] in as_json(report)
    assert report.projects[1] not in as_json(report, hidden)
