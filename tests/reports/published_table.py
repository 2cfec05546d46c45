"""Builds the bibliography behind a published table: 1,504 papers of 2012 to 2019 by class and by first author's region.

The figures are those of the blog post "2019 07 18 ALMA Publication Statistics" (the library's database as of 2019-07-17):
PI data when any author of a paper is in the proposal's team, archive data when none is, both where a paper used projects
of both sorts; the region is the country of the first author's affiliation. They are typed here once. Everything else is
made up, seeded: people and how their names are printed, teams, affiliations, projects. No paper is told its class or its
region; both are for the code under test to find.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import product
from random import Random

from matching.authorship import DataUse
from reports.facts.model import Facts, Link, Paper, Project, Unit

PULLED = date(2019, 7, 17)
"""The day of the table."""

EARLIER = date(2019, 6, 1)
"""A day before it, on which less of 2019 was known: of an older pull only its sums are published, not its day."""

USES = (DataUse.PI, DataUse.BOTH, DataUse.ARCHIVE)

Counts = tuple[int, int, int]
"""Papers with PI data, with PI and archive data, with archive data."""

WORLD: dict[int, Counts] = {
    2012: (6, 1, 12),
    2013: (45, 0, 20),
    2014: (77, 4, 16),
    2015: (96, 9, 42),
    2016: (164, 14, 58),
    2017: (269, 22, 47),
    2018: (295, 46, 38),
    2019: (164, 31, 28),
}

SHARES = {2012: 68.4, 2013: 30.8, 2014: 20.6, 2015: 34.7, 2016: 30.5, 2017: 20.4, 2018: 22.2, 2019: 26.5}
"""Percent using archive data, as published; 25.8 of all."""

BY_REGION: dict[str, dict[int, Counts]] = {
    "EA": {
        2012: (2, 1, 1), 2013: (7, 0, 0), 2014: (12, 3, 1), 2015: (14, 2, 7),
        2016: (24, 8, 11), 2017: (42, 5, 11), 2018: (50, 7, 4), 2019: (27, 6, 3),
    },
    "EU": {
        2012: (2, 0, 6), 2013: (17, 0, 7), 2014: (28, 1, 8), 2015: (40, 3, 15),
        2016: (77, 2, 24), 2017: (125, 6, 18), 2018: (129, 11, 15), 2019: (69, 16, 11),
    },
    "NA": {
        2012: (2, 0, 3), 2013: (17, 0, 10), 2014: (29, 0, 4), 2015: (29, 3, 12),
        2016: (47, 3, 10), 2017: (71, 8, 11), 2018: (81, 23, 12), 2019: (35, 5, 8),
    },
}  # fmt: skip

CHILE: Counts = (78, 7, 12)
"""Published without its years: the builder spreads them over what the other regions leave."""

EAST_ASIA: dict[str, Counts] = {"JP": (137, 29, 25), "TW": (33, 3, 13), "KR": (8, 0, 0)}
"""The split of East Asia, without its years."""

EARLIER_SUMS: Counts = (1083, 120, 255)
"""An older pull of the same database; its rows of 2012 to 2018 are those of the later one."""

_EUROPE = ("DE", "GB", "FR", "NL", "IT", "ES", "SE", "CH", "DK", "AT", "BE", "IE", "PT", "PL", "CZ", "FI")
_OTHERS = ("AU", "CN", "IN", "BR", "MX", "IL", "ZA", "RU", "AR", "NZ", "HU", "GR")

AFFILIATIONS: dict[str, tuple[str, ...]] = {
    "AR": ("Instituto del Hielo, 1900 La Plata, Argentina", "Observatorio del Sur, C\u00f3rdoba, Rep\u00fablica Argentina"),
    "AT": ("Institut f\u00fcr Kaltes, T\u00fcrkenstra\u00dfe 99, A-1180 Wien, \u00d6sterreich", "Dust Group, Universit\u00e4t Graz, 8010 Graz, Austria"),
    "AU": ("School of Cold Gas, Weston Creek, ACT 2611", "Dust Centre, Crawley WA 6009, Australia", "Ring Laboratory, Hawthorn, VIC 3122"),
    "BE": ("Instituut voor Stof, 3001 Leuven, Belgium", "Institut du Gaz, 4000 Li\u00e8ge, Belgique"),
    "BR": ("Instituto da Poeira, Rua do G\u00e1s 9, S\u00e3o Paulo, Brasil", "Centro de An\u00e9is, Porto Alegre, RS, Brazil"),
    "CA": ("Department of Rings, Lac-aux-Loons, QC H3C 3J7, Canada", "Millimetre Group, Victoria, BC V9E 2E7", "Ice Laboratory, London, Ontario"),
    "CH": ("Institut f\u00fcr Ringe, CH-8093 Z\u00fcrich, Switzerland", "Observatoire du Froid, 1290 Versoix, Suisse"),
    "CL": ("Observatorio del Polvo, Camino Alto 9, Las Condes, Santiago, Chile", "Centro de Anillos, Casilla 160-C, Concepci\u00f3n, Chile.", "European Southern Observatory, Alonso de C\u00f3rdova 3107, Vitacura", "Joint ALMA Observatory, Vitacura 763-0355, Santiago"),
    "CN": ("Institute of Dust, Nanjing 210023, P. R. China", "Centre for Rings, Beijing 100871, People\u2019s Republic of China", "Cold Gas Group, Yunnan Observatories, Kunming"),
    "CZ": ("\u00dastav prachu, 251 65 Ond\u0159ejov, Czech Republic",),
    "DE": ("Institut f\u00fcr Staub, K\u00f6nigsweg 99, D-69117 Heidelberg, Germany", "Sternwarte Ringheim, Am Ring 1, 53121 Bonn, Deutschland", "European Southern Observatory, Karl-Schwarzschild-Str. 2, 85748 Garching", "MPIA, Heidelberg"),
    "DK": ("Ringcenter, \u00d8ster Voldgade 99, DK-1350 K\u00f8benhavn K, Denmark",),
    "ES": ("Centro de Polvo, E-38205 La Laguna, Tenerife, Spain", "Instituto del Anillo, Glorieta 9, 18008 Granada, Espa\u00f1a"),
    "FI": ("P\u00f6lylaitos, Vesilinnantie 99, FI-21500 Piikki\u00f6, Finland",),
    "FR": ("Laboratoire des Anneaux, UMR 9999, F-38041 Grenoble Cedex 9, France", "Institut du Froid, 98bis Bd Invent\u00e9, 75014 Paris", "D\u00e9partement des Poussi\u00e8res, CEA Saclay, 91191 Gif-sur-Yvette, France"),
    "GB": ("Ring Group, Madingley Lane, Cambridge CB3 0HA", "School of Dust, Cardiff, Wales", "Cold Centre, Jodrell Bank, Macclesfield, UK", "Department of Ice, Durham, England"),
    "GR": ("Dust Institute, 15236 Penteli, Athens, Greece",),
    "HU": ("Gy\u0171r\u0171 Int\u00e9zet, H-1121 Budapest, Hungary",),
    "IE": ("School of Rings, Fitzwilliam Lane 99, Dublin 2, Ireland",),
    "IL": ("School of Dust, Tel Aviv 69978, Israel",),
    "IN": ("Institute of Rings, Pune 411007, Maharashtra", "Dust Centre, Bangalore 560034, INDIA"),
    "IT": ("INAF - Osservatorio degli Anelli, Largo Freddo 9, I-50125 Firenze, Italia", "Dipartimento di Polveri, 40129 Bologna, Italy"),
    "JP": ("Institute of Rings, 2-99-1 Osawa, Mitaka, Tokyo 181-8588", "Department of Dust, Nagoya, Aichi 464-8602, Japan", "National Astronomical Observatory of Japan, Mitaka", "\u74b0\u7814\u7a76\u6240, \u65e5\u672c"),
    "KR": ("Ring Institute, 776 Daedeok, Daejeon 34055, Republic of Korea", "Dust Group, Seoul 08826, Korea", "Korea Astronomy and Space Science Institute, Daejeon"),
    "MX": ("Centro de Anillos, UNAM, Morelia", "Instituto del Polvo, 72840 Puebla, M\u00e9xico"),
    "NL": ("Sterrewacht Ring, PO Box 9999, 2300 RA Leiden, The Netherlands", "Stof Instituut, 9700 AV Groningen, Nederland"),
    "NZ": ("Ring School, Christchurch 8140, New Zealand",),
    "PL": ("Instytut Py\u0142u, ul. Zimna 9, PL-87-100 Toru\u0144, Poland",),
    "PT": ("Instituto dos An\u00e9is, Rua das Poeiras, 4150-762 Porto, Portugal",),
    "RU": ("Ring Institute, Pyl 99, Moscow 119991, Russian Federation",),
    "SE": ("Ringinstitutet, Stoftorget 9, SE-439 92 Onsala, Sweden",),
    "TW": ("ASIAA, Dust Group, Taipei 10617, Taiwan, R.O.C.", "Institute of Rings, Hsinchu 30013, Taiwan", "Ring Centre, Chung-Li 32001, Taiwan (Republic of China)"),
    "US": ("Ring Laboratory, 60 Dust Street, Cambridge, MA 02138, USA", "Dust Institute, Pasadena, CA 91125", "Department of Ice, Charlottesville VA 22903", "NRAO, 520 Ring Road", "School of Cold Gas, Athens, GA 30602, U.S.A.", "Institute for Rings, University of Hawai\u2018i, Honolulu"),
    "ZA": ("Ring School, Bellville, Cape Town 7535, South Africa",),
}  # fmt: skip
"""How affiliations of each country are printed: invented institutes, known ones by name only, in many forms."""

_DECOYS = (
    "",
    "",
    "; Ring Laboratory, Cambridge, MA 02138, USA",
    "; Institut f\u00fcr Staub, D-69117 Heidelberg, Germany; Institute of Rings, Tokyo, Japan",
    " ;",
    "; Jansky Fellow",
)
_GIVEN = (
    "Astrid Maria", "Bj\u00f6rn", "Chia-Ling", "Dagmar", "\u00c9mile", "Fran\u00e7oise", "Giulia", "H\u00e5kan", "I\u00f1aki", "J\u00fcrgen",
    "Katarzyna", "Lorenzo Paolo", "Ma\u0142gorzata", "Nikolaos", "Ottilie", "Pilar", "Ren\u00e9e", "S\u00f8ren", "Tom\u00e1\u0161", "Ursula",
    "Violet J.", "Wolfram", "Xiao-Ming", "Yukiko", "Zo\u00eb", "Eun-Ji", "Kenta", "Brandon K.", "Quentin", "Rayen",
)  # fmt: skip
_SYLLABLES = (
    "bran",
    "k\u00f6l",
    "sten",
    "m\u00fcr",
    "dov",
    "lin",
    "fj\u00e4r",
    "gost",
    "har",
    "vel",
    "tuk",
    "pesk",
    "zor",
    "wim",
    "\u0161ka",
    "\u00f1un",
    "bek",
    "\u00f8st",
    "rul",
    "cham",
)


@dataclass(frozen=True, slots=True)
class Someone:
    """One invented astronomer: surname, given names as a registry knows them."""

    surname: str
    given: str

    def registered(self, rng: Random) -> str:
        """Return the name as a project list prints it; a double one in full, without which half of it settles nothing."""
        return f"{self.surname}, {self.given}" if "-" in self.surname else self.printed(rng)

    def printed(self, rng: Random) -> str:
        """Return the name as a paper prints it: in full or by initials, folded, in either order."""
        initials = " ".join("-".join(f"{part[0]}." for part in word.split("-")) for word in self.given.split())
        forms: tuple[str, ...] = (
            f"{self.surname}, {self.given}",
            f"{self.surname}, {initials}",
            f"{self.surname}, {initials.split()[0]}",
            f"{self.surname.upper()}, {initials}",
            f"{self.given} {self.surname}",
            f"{initials} {self.surname}",
            folded(f"{self.surname}, {initials}"),
            folded(f"{self.surname}, {self.given.replace('-', ' ')}"),
            folded(self.surname.translate(_AS_GERMANS_DO)) + f", {initials}",
        )
        if "-" in self.surname:  # took a partner's name, and publishes under the first of the two
            forms = (*forms, f"{self.surname.partition('-')[0]}, {self.given}")
        return rng.choice(forms)


_AS_GERMANS_DO = str.maketrans({"\u00f6": "oe", "\u00fc": "ue", "\u00e4": "ae", "\u00f8": "oe"})


def folded(text: str) -> str:
    """Return a text without accents, as plain catalogues print it."""
    plain = text.translate(str.maketrans("\u00f8\u0142\u00d8\u0141", "olOL"))
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def invented_people(rng: Random) -> list[Someone]:
    """Return people of whose surnames two share one syllable of three at most: a slip or two makes none into another."""
    number = len(_SYLLABLES)
    chosen = [_SYLLABLES[a] + _SYLLABLES[b] + _SYLLABLES[(a + b) % number] for a, b in product(range(number), repeat=2)]
    rng.shuffle(chosen)
    surnames = [name.title() for name in chosen]
    for place in range(5, len(surnames), 24):
        surnames[place] = f"{surnames[place]}-{surnames[(place + 7) % len(surnames)]}quist"
    for place in range(1, len(surnames), 12):
        surnames[place] = f"de la {surnames[place]}"
    return [Someone(surname, _GIVEN[place % len(_GIVEN)]) for place, surname in enumerate(surnames)]


@dataclass(frozen=True, slots=True)
class Cell:
    """One paper of the table: what the code has to find of it."""

    year: int
    use: DataUse
    country: str
    is_late: bool
    """Whether it was linked after the older pull."""


def cells(rng: Random) -> list[Cell]:
    """Return every paper of the table. The sums of Chile and of countries are spread over the years at random."""
    late = {use: sum(WORLD[y][u] for y in WORLD) - EARLIER_SUMS[u] for u, use in enumerate(USES)}
    found = []
    for place, use in enumerate(USES):
        asia = [code for code, counts in EAST_ASIA.items() for _ in range(counts[place])]
        regional = {year: {key: rows[year][place] for key, rows in BY_REGION.items()} for year in WORLD}
        left = [year for year in WORLD for _ in range(WORLD[year][place] - sum(regional[year].values()))]
        rng.shuffle(asia)
        rng.shuffle(left)
        chile = sorted(left[: CHILE[place]])
        made = [(year, asia.pop()) for year in WORLD for _ in range(regional[year]["EA"])]
        made += [(year, rng.choice(_EUROPE)) for year in WORLD for _ in range(regional[year]["EU"])]
        made += [(year, rng.choice(("US", "US", "US", "CA"))) for year in WORLD for _ in range(regional[year]["NA"])]
        made += [(year, "CL") for year in chile]
        made += [(year, rng.choice(_OTHERS)) for year in left[CHILE[place] :]]
        rng.shuffle(made)
        made.sort(key=lambda one: one[0])
        first_late = len(made) - late[use]
        found += [Cell(year, use, code, i >= first_late) for i, (year, code) in enumerate(made)]
    return found


@dataclass(slots=True)
class Published:
    """The bibliography behind the table: projects, papers, links, and when each paper's links were accepted."""

    projects: dict[int, Project] = field(default_factory=dict)
    papers: dict[int, Paper] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    decided_on: dict[int, datetime] = field(default_factory=dict)
    expected: dict[int, Cell] = field(default_factory=dict)

    def facts(self, as_of: date = PULLED) -> Facts:
        """Return what was known at the end of a day."""
        end = datetime.combine(as_of, time.max, tzinfo=UTC)
        links = tuple(link for link in self.links if self.decided_on[link.paper_id] <= end)
        known = {link.paper_id for link in links}
        papers = {i: paper for i, paper in self.papers.items() if i in known}
        return Facts(as_of=as_of, complete_through=as_of, projects=self.projects, papers=papers, links=links)


def build(seed: int = 20190717) -> Published:
    """Return the bibliography of the table, the same for the same seed."""
    rng = Random(seed)
    made = _Builder(rng)
    every = cells(rng)
    rng.shuffle(every)
    for number, cell in enumerate(every, start=1):
        made.add(number, cell)
    return made.published


class _Builder:
    """Makes papers one by one, on projects of earlier papers or on new ones."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.people = invented_people(rng)
        self.published = Published()
        self.teams: dict[int, frozenset[Someone]] = {}

    def add(self, number: int, cell: Cell) -> None:
        """Add a paper of a class: its authors meet the teams of all, of some, or of none of its projects."""
        rng = self.rng
        own = {DataUse.PI: rng.choice((1, 1, 1, 2, 3)), DataUse.BOTH: rng.choice((1, 2)), DataUse.ARCHIVE: 0}[cell.use]
        others = {DataUse.PI: 0, DataUse.BOTH: rng.choice((1, 1, 2)), DataUse.ARCHIVE: rng.choice((1, 1, 2, 3))}[
            cell.use
        ]
        mine = [self._project() for _ in range(own)]
        members = [rng.choice(sorted(self.teams[project], key=str)) for project in mine]
        strangers = self._strangers(others, members)
        kept_out = frozenset().union(*(self.teams[project] for project in strangers))
        some = rng.sample(self.people, rng.randint(3, 10))
        authors = [*dict.fromkeys(members), *(one for one in some if one not in kept_out and one not in members)]
        rng.shuffle(authors)
        self.published.papers[number] = self._paper(number, cell, authors)
        self.published.expected[number] = cell
        self.published.decided_on[number] = datetime(2019, 7 if cell.is_late else 5, 1, tzinfo=UTC)
        self.published.links += [Link(number, project) for project in sorted({*mine, *strangers})]

    def _project(self, *, without: Iterable[Someone] = ()) -> int:
        """Return a project, often one there is already, whose team has none of these people."""
        kept_out = set(without)
        for _ in range(self.rng.choice((0, 1, 2)) if self.teams else 0):
            project = self.rng.randint(1, len(self.teams))
            if self.teams[project] and kept_out.isdisjoint(self.teams[project]):
                return project
        team = self.rng.sample([one for one in self.people if one not in kept_out], self.rng.randint(3, 8))
        return self._new_project(team)

    def _strangers(self, number: int, members: Sequence[Someone]) -> list[int]:
        """Return projects with which the authors have nothing to do; now and then data that nobody proposed."""
        return [
            self._new_project([]) if self.rng.random() < 0.08 else self._project(without=members) for _ in range(number)
        ]

    def _new_project(self, team: Sequence[Someone]) -> int:
        number = len(self.teams) + 1
        self.teams[number] = frozenset(team)
        names = tuple(one.registered(self.rng) for one in team)
        kind = "S" if team else "SV"
        self.published.projects[number] = Project(
            id=number,
            code=f"2013.1.{number:05d}.{kind}",
            cycle="2013.1",
            kind=kind,
            is_pi_project=bool(team),
            pi=names[0] if names else "",
            team=names,
            partner=self.rng.choice(("EU", "NA", "EA", "CL")),
            units=(Unit(number, date(2012, 1, 1), date(2013, 1, 1)),),
        )
        return number

    def _paper(self, number: int, cell: Cell, authors: Sequence[Someone]) -> Paper:
        names = [one.printed(self.rng) for one in authors]
        if number % 40 == 0:
            names.insert(0, "The RINGS Collaboration")
        affiliation = self.rng.choice(AFFILIATIONS[cell.country])
        return Paper(
            id=number,
            title=f"Rings {number}",
            authors=tuple(names),
            orcids=("",) * len(names),
            first_affiliation=affiliation + self.rng.choice(_DECOYS),
            kind="article",
            journal="ApJ",
            year=cell.year,
            published_on=date(cell.year, 1 + number % 6, 1),
            published_precision="month",
        )


def sums(rows: Iterable[Counts]) -> Counts:
    """Return the columns added up."""
    first, second, third = map(sum, zip(*rows, strict=True))
    return first, second, third
