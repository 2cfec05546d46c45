"""Candidates for one paper among many records: by title, by people and year, by identifier."""

import pytest

from matching.shelf import Shelf
from matching.works import Work

NAMES = ["Vermeer, Anneke", "Tan, Richard", "Østergård, Bjørn", "Robles, Inés", "Kim, Min-Seo", "Gärtner, Paul"]
OBJECTS = ["Tauri", "Lupi", "Orionis", "Cygni", "Virginis", "Pavonis", "Leonis"]
THINGS = ["dust ring", "gas disk", "outflow", "masers", "companion", "magnetic field", "light curve"]


def listing(number: int) -> Work:
    """One of many invented preprints."""
    title = f"The {THINGS[number % 7]} of V{number // 7} {OBJECTS[number % 5]}"
    authors = (NAMES[number % 6], NAMES[(number * 7 + 1) % 6])
    return Work(title=title, authors=authors, year=1995 + number % 25, kind="preprint", arxiv=f"1501.{number:05}")


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """A shelf of two thousand preprints."""
    return Shelf([listing(number) for number in range(2000)])


def test_articles_find_their_preprints(shelf: Shelf) -> None:
    """Initials, a changed beginning of the title and a year's delay still lead to the preprint."""
    articles = [
        Work(
            title=f"Revisited: {p.title}",
            authors=tuple(n.partition(",")[0] + ", " + n.partition(" ")[2][0] for n in p.authors),
            year=(p.year or 0) + 1,
        )
        for p in map(listing, range(0, 2000, 40))
    ]
    found = shelf.candidates(articles, 10)
    assert all(number in near for number, near in zip(range(0, 2000, 40), found, strict=True))


def test_a_renamed_paper_is_found_by_people_and_year() -> None:
    """Nothing of the title is left; the first author and the year lead to it."""
    works = [listing(number) for number in range(500)] + [
        Work(title="On a ring", authors=("Lindqvist, Åsa",), year=2010)
    ]
    assert Shelf(works).candidates([Work(title="Dust seen at last", authors=("A. Lindqvist",), year=2011)], 5)[0][
        :1
    ] == [500]


def test_identifiers_stand_first(shelf: Shelf) -> None:
    """A record with the same arXiv number is a candidate before all that only look alike."""
    assert shelf.candidates([Work(title="Nothing alike", arxiv="1501.00777")], 3)[0][0] == 777


def test_nothing_is_found_on_an_empty_shelf_or_by_an_empty_record(shelf: Shelf) -> None:
    """No record, no words: no candidates and no error."""
    assert Shelf([]).candidates([Work(title="Dust")], 3) == [[]]
    assert shelf.candidates([Work()], 3) == [[]]
    assert shelf.candidates([], 3) == []
