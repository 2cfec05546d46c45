"""Plainly fictional people: who proposes, who writes, where they work and how journals print their names."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass

PARTNERS = ("EU", "NA", "EA", "CL")
"""Executives of the demo observatory; CL is the host country."""

_SURNAMES: dict[str, tuple[str, ...]] = {
    "EU": (
        "Brännmark", "Vårdahl", "Lindqvarn", "Škrivánek", "Müllenbach", "Grünfeldner", "Østerlund", "Kowalczewska",
        "de la Fuensanta", "Vallombrosi", "van der Heuvelink", "von Aldersee", "Le Guennoc", "Château-Morin", "Íñigoa",
        "Papathanopoulos", "Ağaoğlan", "Szentgyörgyfi", "O'Flanagherty", "Pietrangelini", "Löwenthaler", "Świątkowicz",
        "Hallgrímsen", "Duboisset", "Castelbranco e Silva", "Nørgaardsen", "Järvikallio", "Trăistanu",
    ),
    "NA": (
        "Halloway", "Winterbrook", "McAllenby", "Okonjo-Brandt", "Delacroix-Ames", "Stonebridger", "Tremblay-Royd",
        "Castellanos Peakes", "Whitlockson", "Abernathie", "Kasprowitz", "Nguyen-Halloran", "Rosenfeldt", "Quillfeather",
        "Ortega-Lund", "Fairweatherby", "St. Clairmont", "Begayson", "Zimmermannly", "Harrowgate",
    ),
    "EA": (
        "Tanigawara", "Kurosawano", "Hoshimiya", "Aokibara", "Shirakawano", "Nakagaki", "Wang", "Li", "Zhang", "Chen",
        "Linghu-Bai", "Ouyangtai", "Kimsan", "Parkwon", "Namgoongil", "Leeha", "Hsuehlin", "Chiangmu", "Morigasaki",
        "Yonezato", "Fukamachiya", "Kawanishida",
    ),
    "CL": (
        "Huenchumán", "Quilodrán Pavez", "Ñancupil", "Valdebenegas", "Riquelmez", "Cárcamo-Soto", "Llanquileo",
        "del Solar Ugarte", "Iturriagada", "Peñalozano", "Mardonesa", "Zúñigar",
    ),
}  # fmt: skip
_GIVEN: dict[str, tuple[str, ...]] = {
    "EU": (
        "Astrid", "Björn", "Chloé", "Dagmar", "Émile", "Françoise", "Giulia", "Håkan", "Iñaki", "Jürgen", "Katarzyna",
        "Lorenzo", "Małgorzata", "Nikolaos", "Ögmundur", "Pilar", "Renée", "Søren", "Tomáš", "Ursula", "Zoë", "Åsa",
        "Anneliese", "Benoît", "Greta", "Jadwiga", "Kristóf", "Lucie", "Sanne", "Teresa",
    ),
    "NA": (
        "Abigail", "Brandon K.", "Carmen", "Derek", "Eleanor J.", "Frederick", "Grace", "Hannah", "Isaiah", "Jean-Luc",
        "Kimberly", "Leonard", "Marisol", "Nathaniel", "Olivia", "Preston", "Quentin", "Rachel", "Samuel T.", "Tobias",
        "Adrian", "Bethany", "Daniela", "Gordon", "Jocelyn", "Marcus", "Nora", "Rebecca",
    ),
    "EA": (
        "Akihiko", "Chia-Ling", "Daichi", "Eun-Ji", "Fumiko", "Guo-Wei", "Haruka", "Jae-Won", "Kenta", "Li-Hua", "Mei",
        "Naomi", "Rui", "Sakura", "Tetsuo", "Wei", "Xiao-Ming", "Yuki", "Zhi-Yuan", "Ji",
        "Jun", "Jia-Hui", "Wen", "Yan", "Ming", "Hiroki", "Kaori",
    ),
    "CL": (
        "Amaranta", "Baltazar", "Constanza", "Damián", "Elisa", "Fermín", "Graciela", "Ítalo", "Josefina", "Lautaro",
        "María José", "Nicolás", "Rayén", "Sebastián",
    ),
}  # fmt: skip
_PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "EU": (
        ("Institute for Millimetre Studies, Brennholm", "Sweden"),
        ("Sternwarte Aldersee", "Germany"),
        ("Laboratoire du Ciel Froid, Morlanne", "France"),
        ("Osservatorio di Vallombrosa Alta", "Italy"),
        ("Heuvelink School of Physics, Oostveld", "Netherlands"),
        ("Centro de Polvo Cósmico, Fuensanta", "Spain"),
    ),
    "NA": (
        ("Winterbrook University, Department of Astronomy, Harrow Falls, VT", "USA"),
        ("Stonebridge Radio Laboratory, Mesa Verde Springs, NM", "USA"),
        ("Royd College, Lac-aux-Loons, QC", "Canada"),
        ("Peakes Institute of Technology, Redwater, CA", "USA"),
    ),
    "EA": (
        ("Hoshimiya University, Graduate School of Science, Mitakano", "Japan"),
        ("Institute of Cold Matter, Linghu", "Taiwan"),
        ("Namgoong Observatory, Daedeokri", "Republic of Korea"),
        ("Aokibara Research Centre", "Japan"),
    ),
    "CL": (
        ("Universidad de Vallegrande, Departamento de Astronomía, Chiloma", "Chile"),
        ("Observatorio Escolar Ñancupil, Toconal", "Chile"),
    ),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One invented astronomer; ``number`` tells apart people who print alike."""

    number: int
    last: str
    given: str
    partner: str
    place: str
    country: str

    @property
    def name(self) -> str:
        """ "Last, First" as registries write it."""
        return f"{self.last}, {self.given}"

    @property
    def spoken(self) -> str:
        """ "First Last" as arXiv writes it."""
        return f"{self.given} {self.last}"

    @property
    def affiliation(self) -> str:
        """Institute and country, one line."""
        return f"{self.place}, {self.country}"

    @property
    def email(self) -> str:
        """An address that cannot exist (example.org is reserved, RFC 2606)."""
        local = "".join(c if c.isalnum() else "." for c in strip_accents(f"{self.given} {self.last}").lower())
        while ".." in local:
            local = local.replace("..", ".")
        return f"{local.strip('.')}.{self.number}@{self.partner.lower()}.example.org"


_PLAIN = str.maketrans("øØłŁıđĐ", "oOlLidD", "")


def strip_accents(text: str) -> str:
    """Return ``text`` in ASCII letters: marks dropped, ``ø ł ı đ`` replaced."""
    folded = text.translate(_PLAIN)
    return "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))


def make_people(rng: random.Random, count: int) -> list[Person]:
    """Return ``count`` people; common surnames come up often, so that some share surname and initial, none the whole name."""
    people: list[Person] = []
    while len(people) < count:
        partner = rng.choices(PARTNERS, weights=(36, 33, 22, 9))[0]
        surnames = _SURNAMES[partner]
        rank = min(int(rng.expovariate(2.2 / len(surnames))), len(surnames) - 1)
        last = surnames[len(surnames) - 1 - rank] if partner != "EA" else surnames[(rank * 7 + 6) % len(surnames)]
        place, country = rng.choice(_PLACES[partner])
        given = rng.choice(_GIVEN[partner])
        if not any((person.last, person.given) == (last, given) for person in people):
            people.append(Person(len(people) + 1, last, given, partner, place, country))
    return people


def initials(given: str) -> str:
    """Return "J.-L." for "Jean-Luc" and "B. K." for "Brandon K."."""
    words = given.replace(".", "").split()
    return " ".join("-".join(f"{part[0]}." for part in word.split("-") if part) for word in words)


def as_printed(person: Person, style: str) -> str:
    """Return the name as a journal of this style prints it: "full", "initials" or "plain" (initials, no accents)."""
    if style == "full":
        return person.name
    name = f"{person.last}, {initials(person.given)}"
    return strip_accents(name) if style == "plain" else name
