"""Five hundred fictional people who are asked, what each of them does, and the tally of what they did.

Nothing here asks biblio for a number: people know only the letters that reached them, and the tally counts their own
acts. What a campaign says afterwards is held against it. Everybody is drawn with one seed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from email.message import EmailMessage
from enum import StrEnum
from random import Random
from urllib.parse import urlsplit

from sqlmodel import Session

from biblio.store.models import ObservationUnit, Project, ProjectRevision, UnitRevision

SEED = 20261123

DOMAIN = "players.example.org"
"""Where all of them have their mailboxes; nothing else in a database does."""

CATEGORIES = ("Active galaxies", "Cosmology", "Disks and planet formation", "Stars and stellar evolution")
FEW = "Sun"
"""A category of few people, of whom fewer than the minimum answer; so do those whose category nobody knows (None)."""

GROUPS = {
    "Published or coming": (1, 2, 3),
    "The data": (4, 5, 6),
    "The science": (7, 8),
    "Resources": (9, 10),
    "Other": (11, 12),
}
"""The groups of the twelve answers, as the questionnaire's page has them."""

WORDS: Mapping[int, tuple[str, ...]] = {
    1: ("Annals of the Southern Sky", "Journal of Southern Galaxies", "Ask the one who wrote it on 3 May"),
    10: ("A dish on the Moon", "干渉計", ""),
    12: ("Lost in the post", "=1+1", "I changed to <b>another</b> field", ""),
}
"""What they write beside the choices that open a field."""

_WEIGHTS = (6, 3, 14, 9, 6, 9, 5, 4, 12, 7, 3, 4)


class Way(StrEnum):
    """What somebody does with the letter, each in the words of who plays it."""

    AT_ONCE = "answers at once"
    REMINDED = "answers after the first reminder"
    REMINDED_TWICE = "answers after the second reminder"
    LAST_DAY = "answers on the last day"
    SILENT = "does nothing"
    STOPS = "wants no more letters, says so on the page"
    ONE_CLICK = "wants no more letters, says so by the mail program's button"
    ANSWERS_AND_STOPS = "answers, then wants no more letters"
    NO_MAILBOX = "does not exist any more: letters come back for good"
    FULL_MAILBOX = "has a full mailbox at first, and answers after a reminder"
    REPAIRED = "cannot be reached, until a librarian says that the address works"
    LEAVES = "loses the mailbox after the first letter"
    NOT_ME = "says that somebody else should be asked"
    PUBLISHED_BEFORE = "turns out to have published before the letter goes"
    PUBLISHED_AFTER = "turns out to have published after the letter has gone"
    PUBLISHED_ONE = "turns out to have published one of several projects before the letter goes"
    EXCLUDED = "is taken off the list by hand"
    MOVED_BEFORE = "has data that stay proprietary, as is learned before the letter goes"
    MOVED_AFTER = "has data that stay proprietary, as is learned after the letter has gone"


HOW_MANY: Mapping[Way, int] = {
    Way.AT_ONCE: 160,
    Way.REMINDED: 90,
    Way.REMINDED_TWICE: 52,
    Way.LAST_DAY: 3,
    Way.STOPS: 10,
    Way.ONE_CLICK: 10,
    Way.ANSWERS_AND_STOPS: 3,
    Way.NO_MAILBOX: 14,
    Way.FULL_MAILBOX: 8,
    Way.REPAIRED: 2,
    Way.LEAVES: 2,
    Way.NOT_ME: 8,
    Way.PUBLISHED_BEFORE: 5,
    Way.PUBLISHED_AFTER: 6,
    Way.PUBLISHED_ONE: 4,
    Way.EXCLUDED: 1,
    Way.MOVED_BEFORE: 1,
    Way.MOVED_AFTER: 1,
    Way.SILENT: 120,
}
"""How many of the five hundred do what."""

_ANSWERING = frozenset(
    {
        Way.AT_ONCE,
        Way.REMINDED,
        Way.REMINDED_TWICE,
        Way.LAST_DAY,
        Way.ANSWERS_AND_STOPS,
        Way.FULL_MAILBOX,
        Way.REPAIRED,
        Way.PUBLISHED_ONE,
    }
)
_ONE_PROJECT = frozenset(
    {Way.PUBLISHED_BEFORE, Way.PUBLISHED_AFTER, Way.EXCLUDED, Way.MOVED_BEFORE, Way.MOVED_AFTER, Way.LAST_DAY}
)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody answers about one project."""

    choice: int
    word: str = ""
    comment: str = ""

    @property
    def form(self) -> dict[str, str]:
        """The fields of the page, as a browser sends them."""
        words = {f"status-{number}": "" for number in WORDS}
        return {"status": str(self.choice), **words, f"status-{self.choice}": self.word, "comment": self.comment}


@dataclass(slots=True)
class Player:
    """One person: projects by code with their category, what they mean to answer, and the letters that came."""

    number: int
    way: Way
    projects: dict[str, str | None]
    means: dict[str, Said]
    letters: list[EmailMessage] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    """Code → path of the link, from the letters."""

    @property
    def name(self) -> str:
        """Family name, given name, as the project list has it."""
        return f"Person{self.number}, Ines"

    @property
    def address(self) -> str:
        """Where letters go; project lists spell some addresses in several ways."""
        return f"ines.person{self.number}@{DOMAIN}"

    @property
    def code(self) -> str:
        """The code of the first project."""
        return next(iter(self.projects))

    @property
    def stop(self) -> str:
        """The path behind "no such letters"."""
        found = re.search(r"http://[^/\s]+(/survey/\S+/stop)\s", _text(self.letters[0]))
        assert found is not None
        return found[1]

    @property
    def one_click(self) -> str:
        """The path that a mail program's own button sends a POST to."""
        return urlsplit(str(self.letters[0]["List-Unsubscribe"]).strip("<>")).path


def crowd() -> list[Player]:
    """Draw the five hundred; the first are those who answer at once, in the order of ``Way``."""
    dice = Random(SEED)
    ways = [way for way, many in HOW_MANY.items() for _ in range(many)]
    codes = list(range(2000))
    dice.shuffle(codes)
    return [_player(number, way, dice, codes) for number, way in enumerate(ways)]


def _player(number: int, way: Way, dice: Random, codes: list[int]) -> Player:
    count = 3 if way is Way.PUBLISHED_ONE else dice.choices((1, 2, 3, 4), (82, 10, 5, 3))[0]
    rare = _rare(number, way, dice)
    if way in _ONE_PROJECT or number < 5 or rare:
        count = 1
    projects = {f"2016.1.{codes.pop():05d}.S": rare[0] if rare else dice.choice(CATEGORIES) for _ in range(count)}
    means = {code: _said(dice) for code in projects if way in _ANSWERING and dice.random() < 0.85}
    if way in _ANSWERING and not means:
        means[next(iter(projects))] = _said(dice)
    return Player(number, way, projects, means)


def _rare(number: int, way: Way, dice: Random) -> tuple[str | None, ...]:
    """Return the category of those whose project is in one of few people: three and two of them answer, others do not."""
    if number in (5, 6, 7):
        return (FEW,)
    if number in (8, 9):
        return (None,)
    return (dice.choice((FEW, None)),) if way is Way.SILENT and number % 12 == 0 else ()


def _said(dice: Random) -> Said:
    choice = dice.choices(range(1, 13), _WEIGHTS)[0]
    word = dice.choice(WORDS[choice]) if choice in WORDS else ""
    comment = f"Remark {dice.randrange(16**8):08x}: the support was kind, “{dice.choice('abc')}” & all.\nÑandú 望遠鏡"
    return Said(choice, word, comment if dice.random() < 0.25 else "")


def register(session: Session, players: Iterable[Player], *, released_on: date, learned_at: datetime) -> None:
    """Put everybody's projects into the project list, each with one unit that became everyone's on a day."""
    pairs = [(player, code) for player in players for code in player.projects]
    projects = [
        Project(code=code, cycle="2016.1", kind="S", is_pi_project=True, first_seen_at=learned_at) for _, code in pairs
    ]
    units = [
        ObservationUnit(project_id=0, uid=f"uid://A001/X{n:x}/X1", first_seen_at=learned_at) for n in range(len(pairs))
    ]
    session.add_all(projects)
    session.flush()
    for project, unit, (player, code) in zip(projects, units, pairs, strict=True):
        assert project.id is not None
        unit.project_id = project.id
        spelt = player.address.upper() if len(player.projects) > 1 and code == player.code else player.address
        told = ProjectRevision(
            project_id=project.id,
            source="test",
            learned_at=learned_at,
            title=f"Fictional discs of {code}",
            pi=player.name,
            pi_email=spelt,
            co_is=[],
            targets=[],
            category=player.projects[code],
            partner="EU",
            state="Completed",
        )
        session.add(told)
    session.add_all(units)
    session.flush()
    session.add_all(
        UnitRevision(
            unit_id=unit.id or 0,
            source="test",
            learned_at=learned_at,
            delivered_on=date(released_on.year - 1, 1, 1),
            released_on=released_on,
        )
        for unit in units
    )
    session.flush()


# -- what happened ----------------------------------------------------------------------------------------------------


_LINE = re.compile(r"^ {4}(\S+)(?:  .*)?\n {4}http://[^/\s]+(/survey/[\w-]+)$", re.MULTILINE)


def _text(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def links_in(message: EmailMessage) -> dict[str, str]:
    """Return the links of a letter: code of the project → path."""
    return dict(_LINE.findall(_text(message)))


@dataclass(frozen=True, slots=True)
class Given:
    """One answer that was given: by whom, about which project, what."""

    player: Player
    code: str
    said: Said


@dataclass(slots=True)
class Tally:
    """What people did, as they would count it themselves."""

    told: dict[str, Player] = field(default_factory=dict)
    """Code → who got a letter with its link (or would have, had the mailbox been there)."""
    given: list[Given] = field(default_factory=list)
    returned: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Number of a person → letters that came back for good."""

    def took(self, player: Player, code: str, said: Said) -> None:
        """Somebody's answer was taken."""
        self.given.append(Given(player, code, said))

    def open_links(self, player: Player) -> set[str]:
        """The codes of the links that somebody got and has not used."""
        used = {given.code for given in self.given if given.player is player}
        return {code for code in player.links if code not in used}

    def comments(self) -> list[str]:
        """All free texts, sorted."""
        return sorted(given.said.comment for given in self.given if given.said.comment)

    def words(self) -> list[tuple[int, str]]:
        """All words beside choices, sorted."""
        return sorted((given.said.choice, given.said.word) for given in self.given if given.said.word)

    def figures(self, strata: Mapping[str, Collection[str | None]]) -> dict[tuple[str, ...], int]:
        """Return every figure that results must show: (part, what) → number.

        ``strata`` are the parts beside the campaign: their name → the categories in them.
        """
        found = _figures("campaign", self.told.items(), self.given, self.returned)
        for name, categories in strata.items():
            told = [(code, player) for code, player in self.told.items() if player.projects[code] in categories]
            given = [each for each in self.given if each.player.projects[each.code] in categories]
            found |= _figures(name, told, given, self.returned)
        return found


def _figures(
    part: str, told: Iterable[tuple[str, Player]], given: Sequence[Given], returned: Mapping[int, int]
) -> dict[tuple[str, ...], int]:
    asked = dict(told)
    people = {player.number: player for player in asked.values()}
    answered = {each.player.number for each in given}
    unreached = {
        number
        for number, player in people.items()
        if number not in answered and returned.get(number, 0) == len(player.letters)
    }
    choices = Counter(each.said.choice for each in given)
    return {
        (part, "sent"): len(asked),
        (part, "completed"): len(given),
        (part, "asked"): len(people),
        (part, "answered"): len(answered),
        (part, "bounced"): len(unreached),
        **{(part, "reason", str(number)): choices[number] for number in range(1, 13)},
        **{(part, "group", name): sum(choices[n] for n in numbers) for name, numbers in GROUPS.items()},
    }
