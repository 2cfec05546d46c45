"""The demo observatory's projects: codes, teams, targets and observation units with their dates.

Cycles, calls and kinds follow the public code grammar (``YYYY.C.NNNNN.Z``): ``.1`` regular, ``.2`` supplemental call,
a letter for director's time; S, T, V, L kinds; SV, CAL, E and CSV codes belong to no PI. Proprietary time is twelve
months from delivery, six for director's time; units delivered in the year before the 2020 closure got three more.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

from demo import words
from demo.people import Person
from demo.words import Topic

NEVER = date(3000, 1, 1)
"""The archive's own way to say that a unit has no release date."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One call for proposals: the first two parts of its codes, its observing season, its number of projects."""

    key: str
    starts_on: date
    ends_on: date
    projects: int


CYCLES = (
    Cycle("2013.1", date(2014, 6, 3), date(2015, 9, 30), 48),
    Cycle("2015.1", date(2015, 10, 1), date(2016, 9, 30), 58),
    Cycle("2016.1", date(2016, 10, 1), date(2017, 9, 30), 60),
    Cycle("2017.1", date(2017, 10, 1), date(2018, 9, 30), 60),
    Cycle("2018.1", date(2018, 10, 1), date(2019, 9, 30), 60),
    Cycle("2019.1", date(2019, 10, 1), date(2021, 9, 30), 58),
    Cycle("2021.1", date(2021, 10, 1), date(2022, 9, 30), 54),
    Cycle("2022.1", date(2022, 10, 1), date(2023, 9, 30), 50),
)
SPECIAL_CODES = (
    "2011.0.00001.CAL", "2011.0.00013.SV", "2011.0.00014.SV", "2011.0.00016.SV", "2013.1.00004.SV", "2015.1.00011.E",
    "2016.1.00021.E", "2017.1.00019.CSV", "2018.1.00007.SV", "2019.1.00031.CSV",
)  # fmt: skip
"""Science verification, commissioning, engineering and calibrator codes: observatory projects, nobody's to publish."""


@dataclass(slots=True)
class Unit:
    """One observation unit; a unit without ``delivered_on`` has not been observed in full."""

    uid: str
    fields: list[str]
    observed_on: date | None
    delivered_on: date | None
    released_on: date
    exposure_s: int


@dataclass(slots=True)
class Project:
    """One project as the observatory knows it; ``mood`` is our hidden word for what its team does with the data."""

    code: str
    title: str
    abstract: str
    topic: Topic
    keywords: list[str]
    targets: list[str]
    thing: str
    line: str
    team: list[Person]
    partner: str
    state: str
    units: list[Unit] = field(default_factory=list)
    is_pi_project: bool = True
    bib_references: list[str] = field(default_factory=list)

    @property
    def pi(self) -> str:
        """The principal investigator as the registry writes it."""
        if self.is_pi_project:
            return self.team[0].name
        return "ALMA" if self.code.endswith("CSV") else "observatory, ALMA"

    @property
    def delivered_on(self) -> date | None:
        """When the first data of the project were delivered."""
        days = [unit.delivered_on for unit in self.units if unit.delivered_on]
        return min(days) if days else None

    @property
    def released_on(self) -> date | None:
        """When the last unit becomes public; ``None`` when that is not known for every unit."""
        days = [unit.released_on for unit in self.units]
        return None if not days or NEVER in days else max(days)


def make_projects(rng: random.Random, people: list[Person], today: date) -> list[Project]:
    """Return all projects, sorted by code; what would have happened after ``today`` has not happened yet."""
    projects: list[Project] = []
    serial = [0xA00]
    for cycle in CYCLES:
        numbers = sorted(rng.sample(range(2, 1750), cycle.projects))
        for number in numbers:
            project = _make_project(rng, cycle, number, people)
            _make_units(rng, project, cycle, serial, today)
            projects.append(project)
    projects += [_make_special(rng, code, people, serial) for code in SPECIAL_CODES]
    return sorted(projects, key=lambda project: project.code)


def fill(rng: random.Random, pattern: str, **known: str) -> str:
    """Return ``pattern`` with its slots filled: the known ones, and numbers for the rest."""
    numbers = {
        "n": str(rng.randint(20, 95)),
        "m": str(rng.randint(2, 9)),
        "k": str(rng.randint(11, 60)),
        "p": str(rng.randint(96, 99)),
        "yy": str(rng.randint(13, 22)),
    }
    return pattern.format(**{**numbers, **known})


def sentence_slots(rng: random.Random, topic: Topic, thing: str, line: str, target: str) -> dict[str, str]:
    """Return what the sentence patterns need for one project or paper."""
    question = fill(rng, rng.choice(topic.questions), thing=thing, line=line)
    finding = fill(rng, rng.choice(topic.findings), thing=thing, line=line)
    upper = thing[0].upper() + thing[1:]
    return {
        "thing": thing, "Thing": upper, "line": line, "target": target, "question": question, "finding": finding,
    }  # fmt: skip


def _make_target(rng: random.Random, topic: Topic) -> str:
    numbers = {
        "hhmm": f"{rng.randint(0, 23):02d}{rng.randint(0, 59):02d}{rng.randint(1, 9)}",
        "ddmm": f"{rng.randint(1, 69):02d}{rng.randint(0, 59):02d}",
        "n": str(rng.randint(100, 7800)),
        "m": str(rng.randint(1, 9)),
        "k": str(rng.randint(10, 199)),
        "yy": str(rng.randint(13, 22)),
    }
    return rng.choice(topic.catalogues).format(**numbers)


def _make_code(rng: random.Random, cycle: Cycle, number: int) -> str:
    year, call = cycle.key.split(".")
    kind = rng.choices("STVL", weights=(90, 5, 2, 3))[0]
    draw = rng.random()
    if draw < 0.05:
        call = "A"
    elif draw < 0.10 and cycle.key in ("2017.1", "2019.1"):
        call = "2"
    return f"{year}.{call}.{number:05d}.{kind}"


def _make_project(rng: random.Random, cycle: Cycle, number: int, people: list[Person]) -> Project:
    topic = rng.choice(words.TOPICS)
    code = _make_code(rng, cycle, number)
    large = code.endswith(("L", "V"))
    pi = people[min(int(rng.expovariate(1 / 110)), len(people) - 1)]
    near = [p for p in people if p.partner == pi.partner and p is not pi]
    size = rng.randint(12, 22) if large else rng.randint(2, 9)
    team = [pi]
    while len(team) < size:
        candidate = rng.choice(near) if rng.random() < 0.6 else rng.choice(people)
        if candidate not in team:
            team.append(candidate)
    count = rng.randint(4, 8) if large else rng.choices((1, 2, 3, 4), weights=(45, 25, 18, 12))[0]
    targets = list(dict.fromkeys(_make_target(rng, topic) for _ in range(count)))
    thing, line = rng.choice(topic.things), rng.choice(topic.lines)
    slots = sentence_slots(rng, topic, thing, line, targets[0])
    plan = [words.BACKGROUND, words.AIMS, words.PLANS, words.PAYOFFS]
    abstract = " ".join(fill(rng, rng.choice(sentences), **slots) for sentences in plan)
    title = fill(rng, rng.choice(words.PROJECT_TITLES), **slots)
    keywords = sorted(rng.sample(topic.keywords, min(len(topic.keywords), rng.randint(1, 2))))
    return Project(
        code,
        title[0].upper() + title[1:],
        abstract,
        topic,
        keywords,
        targets,
        thing,
        line,
        team,
        pi.partner,
        "Completed",
    )


def _make_units(rng: random.Random, project: Project, cycle: Cycle, serial: list[int], today: date) -> None:
    """Give the project its units and its state: mostly complete, some cut short, a few still open or without data."""
    count = (
        rng.randint(6, 14)
        if project.code.endswith("L")
        else rng.choices((1, 2, 3, 4, 5, 6), (6, 15, 21, 22, 20, 16))[0]
    )
    young = cycle.key in ("2021.1", "2022.1")
    draw = rng.random()
    late = draw < 0.22 if young else draw < 0.012
    season = (cycle.ends_on - cycle.starts_on).days
    for index in range(count):
        if late and index == count - 1:
            project.units.append(_open_unit(rng, project, serial, today))
            continue
        observed = cycle.starts_on + timedelta(rng.randint(0, season))
        delivered = observed + timedelta(max(14, round(rng.lognormvariate(4.2, 0.5))))
        project.units.append(_unit(rng, project, serial, observed, delivered))
    if late:
        project.state = "InProgress" if project.units[-1].delivered_on is None else "Completed"
    elif draw > 0.93:
        lost = project.units[-1]
        lost.observed_on = lost.delivered_on = None
        lost.released_on, lost.exposure_s = NEVER, 0
        project.state = "ObservingTimedOut" if count > 1 else "Cancelled"
        if count > 1 and rng.random() < 0.8:
            project.units.pop()
            project.state = "PartiallyCompleted"


def _uid(rng: random.Random, serial: list[int]) -> str:
    serial[0] += rng.randint(1, 9)
    return f"uid://A001/X{serial[0]:x}/X{rng.randint(16, 4000):x}"


def _unit(rng: random.Random, project: Project, serial: list[int], observed: date, delivered: date) -> Unit:
    months = 6 if project.code.split(".")[1] == "A" else 12
    if date(2019, 3, 19) <= delivered <= date(2020, 3, 18):
        months += 3
    fields = [rng.choice(project.targets) for _ in range(rng.choices((1, 2, 3), (60, 28, 12))[0])]
    return Unit(
        _uid(rng, serial), list(dict.fromkeys(fields)), observed, delivered, add_months(delivered, months),
        60 * rng.randint(4, 160),
    )  # fmt: skip


def _open_unit(rng: random.Random, project: Project, serial: list[int], today: date) -> Unit:
    """Return a unit carried over: delivered within the last 30 months, or not at all yet."""
    if rng.random() < 0.45:
        return Unit(_uid(rng, serial), project.targets[:1], None, None, NEVER, 0)
    delivered = today - timedelta(rng.randint(20, 900))
    return _unit(rng, project, serial, delivered - timedelta(60), delivered)


def _make_special(rng: random.Random, code: str, people: list[Person], serial: list[int]) -> Project:
    topic = rng.choice(words.TOPICS)
    target = _make_target(rng, topic)
    start = date(int(code[:4]), 9, 1)
    project = Project(
        code, f"{code.rsplit('.', 1)[1]} observation of {target}", "Data taken by the observatory to prove a mode.", topic,
        [], [target], rng.choice(topic.things), rng.choice(topic.lines), [rng.choice(people)], "OTHER", "Completed",
        is_pi_project=False,
    )  # fmt: skip
    delivered = start + timedelta(rng.randint(30, 200))
    project.units.append(_unit(rng, project, serial, start, delivered))
    return project


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, or the month's last day where it has none such."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for number in (day.day, 30, 29, 28):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
