"""The register of names: a person is found however printed, and a common name says less."""

import pytest

from matching.name_register import NameRegister


def register(*names: str) -> NameRegister:
    """A register that holds these names, numbered from 0."""
    made = NameRegister(smallest=100.0)
    for name in names:
        made.add(name)
    return made


def test_a_person_is_found_however_printed() -> None:
    """Initials, accents, order, compound parts and one slip in a surname lead to the registered person."""
    people = register(
        "Vermeer, Anneke", "Müller, Ursula", "Jiménez-Robles, Ignacio", "Kirchmeier, Otto", "Vermeer, Bart"
    )
    for printed, number in [
        ("Vermeer, A.", 0), ("A. Vermeer", 0), ("VERMEER A", 0), ("Mueller, U.", 1), ('M\\"uller, U.', 1), ("Robles, I.", 2),
        ("Kirchmeir, O.", 3), ("B. Vermeer", 4),
    ]:  # fmt: skip
        assert set(people.find(printed).numbers) == {number}, printed


def test_common_names_agree_by_accident_more_often() -> None:
    """The chance of an accidental agreement grows with the people who bear the name, and with a looser print."""
    people = register("Wang, Ji", "Wang, Jun", "Wang, Ke", "Vermeer, Anneke")
    chances = [people.find(name).chance for name in ("Wang, J.", "Wang, Jun", "Vermeer, A.", "Nobody, N.")]
    assert chances[0] > chances[1] >= chances[2] > chances[3] > 0


def test_groups_are_not_registered() -> None:
    """A collaboration or an empty name is no person, neither filed nor sought."""
    people = NameRegister(smallest=10.0)
    assert people.add("ALPHA Collaboration") is None
    assert people.add("") is None
    assert len(people) == 0
    assert people.find("Vermeer, A.").numbers == ()
    assert people.find("Vermeer, A.").is_person
    assert not people.find("ALPHA Collaboration").is_person


HOSTILE = {
    "megabyte": "x" * 1_000_000,
    "NUL-inside": "Vermeer, A\x00nneke",
    "NUL": "\x00",
    "half-a-character": "\ud800, A.",
    "hyphens": "Ver" + "-" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_names_are_names_or_nothing(name: str) -> None:
    """A name of a megabyte, NUL bytes, half a character: filed and sought without an error, and nobody else is found."""
    people = register("Kirchmeier, Otto", name, name)
    assert len(people) <= 2
    assert 0 not in people.find(name).numbers


def test_the_memory_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different names are sought, few are remembered, and the answers stay the same."""
    monkeypatch.setattr("matching.name_register._KEPT", 10)
    people = register("Vermeer, Anneke")
    first = people.find("Vermeer, A.")
    for number in range(100):
        people.find(f"Person{number}, A.")
    assert len(people._found) <= 10
    assert people.find("Vermeer, A.") == first
