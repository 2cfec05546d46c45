"""BibTeX of strangers: what it makes of itself stays small. How its fields are read is told with the lists of papers."""

from __future__ import annotations

import pytest

from harvesters.bibtex import Entry, entries

_DOUBLING = "\n".join(f"@string{{s{number} = s{number - 1} # s{number - 1}}}" for number in range(1, 60))
_LONG = '@string{l = "' + "x" * 150_000 + '"}\n'


def _size(entry: Entry) -> int:
    return sum(map(len, entry.fields.values()))


def test_strings_that_double_each_other_stay_small() -> None:
    """Sixty @strings that name each other twice would be more than any memory holds; the entries beside them are read."""
    text = '@string{s0 = "xxxxxxxxxx"}\n' + _DOUBLING + "\n@article{a, title = s59}\n@article{b, title = {Rings}}\n"
    first, second = entries(text)
    assert _size(first) < 200_000
    assert second.fields == {"title": "Rings"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("title = l # l", "has a field of more than 200000 characters once its @strings are put in"),
        (", ".join(f"f{n} = l" for n in range(20)), "is longer than 2000000 characters once its @strings are put in"),
    ],
    ids=["a field", "an entry"],
)
def test_an_entry_that_strings_make_huge_is_refused(fields: str, reason: str) -> None:
    """It costs itself, with what is wrong; its neighbour is read, and a string that is long by itself may be used."""
    huge, fine = entries(f"{_LONG}@article{{a, {fields}}}\n@article{{b, title = l}}\n")
    assert (huge.fields, huge.reason) == ({}, reason)
    assert _size(fine) == 150_000


def test_very_many_strings_are_not_all_kept() -> None:
    """Strings that are made of a long one, again and again, are kept up to two million characters."""
    text = _LONG + "".join(f"@string{{m{number} = l}}\n" for number in range(30)) + "@misc{a, x = m3, y = m29}\n"
    (entry,) = entries(text)
    assert (len(entry.fields["x"]), entry.fields["y"]) == (150_000, "m29")
