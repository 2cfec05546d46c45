"""To whom a letter goes."""

from __future__ import annotations

from biblio.contacts.cases import Team
from biblio.contacts.recipients import PAPER, PROJECT, recipients
from matching.addresses import Address

AUTHORS = ["Ahn, Bora", "Berg, Lars", "Çelik, Ayşe"]


def _of(addresses: list[Address], teams: list[Team] | None = None) -> list[tuple[str, str, str]]:
    return [(one.name, one.email, one.origin) for one in recipients(addresses, AUTHORS, teams or [])]


def test_the_corresponding_author_goes_first() -> None:
    """The mark goes before the order of authors; the name is found by what is printed, or by the surname in the address."""
    addresses = [
        Address("bahn@example.org", "", False, "ms.tex"),
        Address("ayse@example.net", "Ayse Celik", True, "ms.tex"),
    ]
    assert _of(addresses) == [
        ("Çelik, Ayşe", "ayse@example.net", PAPER),
        ("Ahn, Bora", "bahn@example.org", PAPER),
    ]


def test_without_a_mark_the_first_author_goes_first() -> None:
    """Of printed addresses the one whose owner stands first in the list; a nobody's comes after."""
    addresses = [Address("office@example.org"), Address("lars.berg@example.org"), Address("b.ahn@example.org")]
    assert [name for name, _, _ in _of(addresses)] == ["Ahn, Bora", "Berg, Lars", ""]


def test_a_pi_is_offered_only_as_an_author() -> None:
    """The project list's address serves where the PI wrote the paper; another PI is not bothered; nobody twice."""
    teams = [
        Team("2016.1.00001.S", "Berg, L.", "Lars@Example.org"),
        Team("2016.1.00002.S", "Stranger, A.", "a@example.org"),
        Team("2016.1.00003.S", "Ahn, B.", "b.ahn@example.org"),
    ]
    assert _of([Address("b.ahn@example.org")], teams) == [
        ("Ahn, Bora", "b.ahn@example.org", PAPER),
        ("Berg, Lars", "lars@example.org", PROJECT),
    ]


def test_where_nothing_is_known_nobody_is_offered() -> None:
    """The librarian types an address then."""
    assert _of([]) == []


def test_the_words_say_where_an_address_is_from() -> None:
    """Printed in which file, as whose; or of which project's PI."""
    [printed] = recipients([Address("b.ahn@example.org", "", True, "ms.tex")], AUTHORS, [])
    assert printed.words == "printed in the paper as the corresponding author's (ms.tex)"
    [listed] = recipients([], AUTHORS, [Team("2016.1.00001.S", "Ahn, B.", "b@example.org")])
    assert "PI of 2016.1.00001.S" in listed.words
