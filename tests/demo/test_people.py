"""Invented people print as journals print people."""

from __future__ import annotations

import random

import pytest

from demo.people import Person, as_printed, initials, make_people, strip_accents


def test_names_come_in_three_styles() -> None:
    """Full, with initials, and with initials but without accents."""
    person = Person(7, "Brännmark", "Jean-Luc K.", "EU", "Sternwarte Aldersee", "Germany")
    assert as_printed(person, "full") == "Brännmark, Jean-Luc K."
    assert as_printed(person, "initials") == "Brännmark, J.-L. K."
    assert as_printed(person, "plain") == "Brannmark, J.-L. K."
    assert person.email == "jean.luc.k.brannmark.7@eu.example.org"


@pytest.mark.parametrize(("given", "short"), [("Zoë", "Z."), ("María José", "M. J."), ("Brandon K.", "B. K.")])
def test_initials(given: str, short: str) -> None:
    """Each given name leaves its first letter."""
    assert initials(given) == short


def test_accents_are_stripped_from_letters_without_decomposition() -> None:
    """Letters such as ø and ł become ASCII too."""
    assert strip_accents("Østerlund Świątkowicz Ağaoğlan Łódź ı") == "Osterlund Swiatkowicz Agaoglan Lodz i"


def test_the_crowd_is_diverse_and_has_namesakes() -> None:
    """All partners, accents, particles and double names occur; some share surname and first initial."""
    people = make_people(random.Random("crowd"), 300)
    assert {person.partner for person in people} == {"EU", "NA", "EA", "CL"}
    assert any(person.last != strip_accents(person.last) for person in people)
    assert any(person.last.split()[0] in ("de", "van", "von", "del", "Le") for person in people)
    assert any("-" in person.last for person in people)
    assert len({(person.last, person.given[0]) for person in people}) < len(people)
    assert len({person.email for person in people}) == len(people)
