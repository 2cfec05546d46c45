"""What the file of published figures promises: each complete, with its source, and leading to a figure of ours that exists."""

from __future__ import annotations

import pytest

from reports.other_observatories import published_figures, read_figures
from tests.reports.files.made import small

ONE = """
[[figure]]
key = "a"
facility = "Somewhere"
name = "share published"
form = "share"
value = 0.5
definition = "Said."
ours = "fraction/now/all/fraction"
difference = "None."
reference = "A paper"
source = "https://example.org/paper"
"""


def test_every_published_figure_is_complete() -> None:
    """The file that is delivered reads, and has the figures that are best known."""
    figures = {figure.key: figure for figure in published_figures()}
    assert figures["eso-half"].value == 3.5
    assert figures["eso-nearly-all"].value == 10
    assert figures["hst-half"].value == 1.5
    assert figures["chandra-median"].value == 2.36
    assert figures["alma-published"].value == 0.70
    assert all(figure.source.startswith("https://") for figure in figures.values())


def test_every_figure_of_ours_beside_one_exists() -> None:
    """An address that leads nowhere would leave a gap that nobody sees; only a year may be missing from a report."""
    report = small()
    for figure in published_figures():
        if figure.ours is not None:
            table = report.theme(figure.ours.theme).table(figure.ours.table)
            assert figure.ours.column in [column.key for column in table.columns], figure.key
            assert figure.ours.row.isdigit() or table.figure(figure.ours.row, figure.ours.column), figure.key


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        ('key = "a"\n', "", "lacks key"),
        ('reference = "A paper"\n', "", "lacks reference"),
        ("https://", "ftp://", "address of its source"),
        ('"share"\nvalue', '"shares"\nvalue', "must have a form"),
        ("value = 0.5\n", "", "neither a value"),
        ("value = 0.5\n", "low = 0.3\n", "both ends of a range"),
        ("value = 0.5\n", "low = 0.5\nhigh = 0.3\n", "the lower one first"),
        ("value = 0.5\n", "value = 0.5\nbeyond = 0.3\n", "one of them"),
        ("value = 0.5\n", 'printed = "some"\n', "a value, a range, or what it is beyond"),
        ("fraction/now/all/fraction", "fraction/now", "theme/table/row/column"),
        ('difference = "None."\n', "", "how its definition differs"),
    ],
    ids=[
        "key",
        "reference",
        "source",
        "form",
        "value",
        "half a range",
        "range turned round",
        "two of them",
        "nothing to draw",
        "ours",
        "difference",
    ],
)
def test_a_figure_that_is_not_complete_is_refused_by_name(was: str, is_now: str, said: str) -> None:
    """Who adds a figure is told what it lacks."""
    with pytest.raises(ValueError, match=said):
        read_figures(ONE.replace(was, is_now))


def test_two_figures_of_one_key_are_refused() -> None:
    """A key is an address."""
    with pytest.raises(ValueError, match="twice: a"):
        read_figures(ONE + ONE)
