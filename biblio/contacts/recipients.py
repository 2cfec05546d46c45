"""To whom a letter about a preprint goes: its corresponding author, by what the paper prints, else by the project list.

Pure. Everything is offered to the librarian with where it is from; the first is chosen beforehand. A PI is offered only
where they are an author: what a co-author leaves out is not for somebody else to mend.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from biblio.catalogue.readable import readable
from biblio.contacts.cases import Team
from matching.addresses import Address
from matching.people import compare, is_group, parse

PAPER, PROJECT, PERSON = "paper", "project", "person"
"""Where an address is from: printed in the paper, the project list, or typed by a librarian."""

ALIKE = 0.8
"""From here on two printed names count as one person's, as on the paper page."""

_READ = 200
"""Authors looked at; in a longer list the corresponding one is marked, or stands among these."""

_LEAST_LETTERS = 3
"""A surname shorter than this stands in too many addresses to tell whose one is."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to write to: name as in the list of authors (empty: not known), address, and where it is from."""

    name: str
    email: str
    origin: str
    words: str


def recipients(addresses: Sequence[Address], authors: Sequence[str], teams: Iterable[Team]) -> list[Recipient]:
    """Return whom a letter may go to, the best first, each address once.

    Order: the address marked as the corresponding author's, the first author's, another author's, one that is
    printed and nobody's by name, then PIs that are authors.
    """
    people = [name for name in authors[:_READ] if not is_group(name)]
    ranked: list[tuple[tuple[bool, int], Recipient]] = []
    for place, address in enumerate(addresses):
        author = _owner(address, people)
        rank = people.index(author) if author in people else len(people) + place
        mark = " as the corresponding author's" if address.is_marked else ""
        words = f"printed in the paper{mark} ({readable(address.place)[-80:]})"
        name = author or readable(address.name)
        ranked.append(((not address.is_marked, rank), Recipient(name, address.email.casefold(), PAPER, words)))
    found = [recipient for _, recipient in sorted(ranked, key=lambda one: one[0])]
    for team in teams:
        author = _same_person(team.pi, people)
        if author:
            words = f"of the PI of {team.code}, who is an author, from the project list"
            found.append(Recipient(author, team.email.strip().casefold(), PROJECT, words))
    each: dict[str, Recipient] = {}
    for one in found:
        each.setdefault(one.email, one)
    return list(each.values())


def _owner(address: Address, people: Sequence[str]) -> str:
    """The author an address belongs to: by the name printed with it, else by the surname in it; "" for nobody."""
    if address.name and (author := _same_person(address.name, people)):
        return author
    local = _letters(address.email.partition("@")[0])
    for author in people:
        surname = _letters(parse(author).surname)
        if len(surname) >= _LEAST_LETTERS and surname in local:
            return author
    return ""


def _same_person(name: str, people: Sequence[str]) -> str:
    wanted = parse(name)
    best = max(people, key=lambda author: compare(wanted, parse(author)), default="")
    return best if best and compare(wanted, parse(best)) >= ALIKE else ""


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z]", "", plain)
