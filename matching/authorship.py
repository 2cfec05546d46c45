"""Whether a paper is by the people who proposed the observations it uses: "PI data", "archive", both, or not to be told.

Two rules are published, and both rest on the same question per project, whether an author is its PI or a co-I:

- by programmes (eso.org, announcement sciann17155 of 2018): "PI data" when that is so for all of the paper's programmes,
  "Archive only" when for none, "Archive and PI" when for some.
- by archival share (MAST, arXiv:2512.18101): the share of a paper that is archival is none, part or all, archival being
  "no overlap of co-authors with the original proposal team"; what could not be determined is a class of its own.

Where a name does not settle the question, the answer is that it is not known, never a guess: a share of archival papers
into which unknowns were counted as strangers is too high by all of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property

from matching.people import MAX_NAME, Name, compare
from matching.rosters import CUT, Kind, Roster, sketch

__all__ = [
    "Archival",
    "AuthorList",
    "DataUse",
    "Doubt",
    "Meeting",
    "Member",
    "Overlap",
    "Sameness",
    "Team",
    "TeamOverlap",
    "archival",
    "data_use",
    "overlap",
    "sameness",
    "team_overlap",
]

ALIKE = 0.6
"""Least similarity at which a name may be the other person's: a missing given name has just this."""

SLIPPED = 0.8
"""Least similarity of names whose surnames differ: one slip beside an initial that agrees, not two."""

AGREES = 0.85
"""From here on names agree but for what is not written out: "Quill, J. M." beside "Quill, Jane"."""

MOST_COMPARED = 60_000
"""Pairs of author and team member that are compared one by one; beyond, only those of one surname are."""

_SHARED_SURNAMES = """
wang li zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo liang song zheng xie han tang feng
yu dong xiao cheng cao yuan deng fu shen zeng peng lu lyu su jiang cai jia ding wei xue ye yan pan du dai xia zhong
tian ren fan fang shi yao tan liao zou xiong jin hao kong bai cui mao qiu qin gu hou shao meng long wan duan lei qian
yin yi chang wen ji qi ge mo ho hong gong chan chiang cheung wong lau leung chow chou kuo hsu tsai hsieh yeh chu tseng
kim lee park choi jung jeong kang cho jo yoon yun jang lim im oh seo shin suh kwon hwang ahn an yoo ryu moon ko koh bae
sato saito suzuki takahashi tanaka watanabe ito yamamoto nakamura kobayashi kato yoshida yamada sasaki inoue kimura
hayashi matsumoto nguyen tran pham le singh kumar sharma gupta das ghosh roy sarkar ray basu
smith jones johnson williams brown davis davies miller wilson taylor anderson thomas moore martin white thompson clark
hall lewis walker young allen evans harris hill green baker scott king wright adams nelson mitchell roberts turner
phillips campbell parker edwards collins stewart morris murray wood watson gray graham simpson robinson richards
muller mueller schmidt schneider fischer weber wagner meyer becker hoffmann koch richter klein
garcia rodriguez gonzalez fernandez lopez martinez sanchez perez gomez diaz hernandez ramirez torres silva santos costa
pereira rossi russo ferrari bernard petit ivanov petrov popov
"""
_CROWDED = frozenset(_SHARED_SURNAMES.split())
"""Folded surnames that so many astronomers share that an initial does not tell them apart.

Of a hundred thousand authorships of arXiv's astro-ph to 2018, two people of one surname and one initial were different
people in 16 of 100 cases, and in half as many for a surname outside such a list."""


class Sameness(IntEnum):
    """Whether two printed names are one person's."""

    NO = 0
    MAYBE = 1
    YES = 2


class Overlap(StrEnum):
    """Whether an author of a paper is in a project's team."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Doubt(StrEnum):
    """Why an overlap is not known."""

    NO_AUTHORS = "no_authors"
    NO_TEAM_KNOWN = "no_team_known"
    ONLY_PI_KNOWN = "only_pi_known"
    LIST_CUT = "list_cut"
    NAME_ALIKE = "name_alike"


class DataUse(StrEnum):
    """Tags of the rule by programmes, and what it has no word for."""

    PI = "pi"
    BOTH = "archive_and_pi"
    ARCHIVE = "archive_only"
    UNDETERMINED = "undetermined"


class Archival(StrEnum):
    """MAST's classes: how much of what a paper used is archival."""

    NONE = "none"
    PART = "part"
    ALL = "all"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the people of a project, as its registry prints the name."""

    name: str
    is_pi: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """An author who is, or may be (``is_sure`` False), one of a project's people. ``position`` starts at 1."""

    position: int
    author: str
    member: str
    is_pi: bool
    is_sure: bool


@dataclass(frozen=True, slots=True)
class TeamOverlap:
    """What a paper's authors have to do with one project's team. ``doubt`` is there when it is not known."""

    overlap: Overlap
    meetings: tuple[Meeting, ...] = ()
    doubt: Doubt | None = None


class AuthorList:
    """A paper's authors, read once. It is complete unless it is cut ("et al.") or names a group whose people it does not.

    A collaboration printed first and followed by people names its members; one printed after people, or alone, does not.
    """

    def __init__(self, printed: Sequence[str]) -> None:
        self.printed = tuple(printed)
        self.roster = Roster(self.printed)
        self.sketches = self.roster.sketches

    @cached_property
    def is_complete(self) -> bool:
        """Whether it names everybody."""
        people = (i for i, one in enumerate(self.sketches) if one.kind < Kind.GROUP)
        first_person = next(people, None)
        return (
            first_person is not None
            and not any(one.is_group for one in self.sketches[first_person:])
            and not any(one.is_cut for one in self.sketches)
            and not any(len(text) > MAX_NAME and CUT.search(text) for text in self.printed)
        )


class Team:
    """A project's people, filed once to be met with the authors of many papers."""

    def __init__(self, members: Iterable[Member]) -> None:
        listed = [(member, sketch(member.name)) for member in members]
        self.members = [member for member, one in listed if one.kind is not Kind.NOBODY]
        self.roster = Roster(member.name for member in self.members)
        self.is_pi_alone = all(member.is_pi for member in self.members)


def team_overlap(authors: AuthorList, team: Team | Sequence[Member], *, is_proposed: bool = True) -> TeamOverlap:
    """Say whether an author is in the team.

    ``is_proposed`` False: observations that nobody proposed (science verification, calibration) have no team, so using
    them is archival by either rule. One sure name is an overlap. Names that only may be the same leave the question
    open; so do a list of authors that is cut, and a project of which no people or only the PI are known.
    """
    known = team if isinstance(team, Team) else Team(team)
    if (settled := _without_names(authors, known, is_proposed)) is not None:
        return settled
    meetings = _meetings(authors, known)
    if any(meeting.is_sure for meeting in meetings):
        return TeamOverlap(Overlap.YES, tuple(m for m in meetings if m.is_sure))
    if meetings:
        return TeamOverlap(Overlap.UNKNOWN, tuple(meetings), Doubt.NAME_ALIKE)
    return _with_nobody(authors, known)


def overlap(authors: AuthorList, team: Team, *, is_proposed: bool = True) -> Overlap:
    """Return the ``overlap`` of ``team_overlap``, sooner: one sure name is enough, and nobody asks who it is."""
    if (settled := _without_names(authors, team, is_proposed)) is not None:
        return settled.overlap
    is_open = False
    for pairs in _tries(authors, team):
        for here, place in pairs:
            same = sameness(authors.sketches[place].name, team.roster.sketches[here].name)
            if same is Sameness.YES:
                return Overlap.YES
            is_open = is_open or same is Sameness.MAYBE
    return Overlap.UNKNOWN if is_open else _with_nobody(authors, team).overlap


def _without_names(authors: AuthorList, team: Team, is_proposed: bool) -> TeamOverlap | None:
    """Answer what can be told without comparing names; None where they must be."""
    if not is_proposed:
        return TeamOverlap(Overlap.NO)
    if not team.members:
        return TeamOverlap(Overlap.UNKNOWN, doubt=Doubt.NO_TEAM_KNOWN)
    if not authors.roster.keys:
        return TeamOverlap(Overlap.UNKNOWN, doubt=Doubt.NO_AUTHORS)
    return None


def _with_nobody(authors: AuthorList, team: Team) -> TeamOverlap:
    """Answer for authors of whom none is, or may be, of the team."""
    if not authors.is_complete:
        return TeamOverlap(Overlap.UNKNOWN, doubt=Doubt.LIST_CUT)
    if team.is_pi_alone:
        return TeamOverlap(Overlap.UNKNOWN, doubt=Doubt.ONLY_PI_KNOWN)
    return TeamOverlap(Overlap.NO)


def data_use(overlaps: Iterable[Overlap]) -> DataUse:
    """The tag of a paper by programmes, from the overlaps with its programmes; undetermined where an unknown one could change it."""
    found = set(overlaps)
    if {Overlap.YES, Overlap.NO} <= found:
        return DataUse.BOTH
    if found == {Overlap.YES}:
        return DataUse.PI
    return DataUse.ARCHIVE if found == {Overlap.NO} else DataUse.UNDETERMINED


_ARCHIVAL = {
    DataUse.PI: Archival.NONE,
    DataUse.BOTH: Archival.PART,
    DataUse.ARCHIVE: Archival.ALL,
    DataUse.UNDETERMINED: Archival.UNDETERMINED,
}


def archival(overlaps: Iterable[Overlap]) -> Archival:
    """MAST's class for a paper from the overlaps with the teams of its programmes."""
    return _ARCHIVAL[data_use(overlaps)]


def _tries(authors: AuthorList, team: Team) -> Iterator[list[tuple[int, int]]]:
    """Yield the pairs (place in the team, place of the author) to compare: those of one surname, then all that may agree.

    The second is for whom the first gave no sure name.
    """
    yield team.roster.of_one_surname(authors.roster)
    if len(team.members) * len(authors.sketches) <= MOST_COMPARED:
        yield team.roster.near(authors.roster)


def _meetings(authors: AuthorList, team: Team) -> list[Meeting]:
    """The authors who are or may be members: first those under a member's surname, then, if none is sure, all others."""
    found: list[Meeting] = []
    for pairs in _tries(authors, team):
        found = _compared(authors, team, pairs)
        if any(meeting.is_sure for meeting in found):
            break
    return found


def _compared(authors: AuthorList, team: Team, pairs: Iterable[tuple[int, int]]) -> list[Meeting]:
    """For each author the member whose name agrees best, in printed order; the PI goes before a co-I."""
    best: dict[int, tuple[Sameness, bool, Member]] = {}
    for here, place in pairs:
        member = team.members[here]
        same = sameness(authors.sketches[place].name, team.roster.sketches[here].name)
        if same and (place not in best or (same, member.is_pi) > best[place][:2]):
            best[place] = same, member.is_pi, member
    return [
        Meeting(place + 1, authors.printed[place], member.name, is_pi, same is Sameness.YES)
        for place, (same, is_pi, member) in sorted(best.items())
    ]


def sameness(a: Name, b: Name) -> Sameness:
    """Say whether two names already read are one person's; symmetric.

    ``YES`` takes equal surnames (or one that is part of the other's compound) and given names that are written out and
    agree, or initials that agree under a surname that few share. Written-out given names that agree also carry a
    surname one slip away. All else that is alike may be the same person, and is no more than that.
    """
    alike = compare(a, b)
    if alike < ALIKE:
        return Sameness.NO
    if a.group:
        return Sameness.YES if alike == 1.0 else Sameness.MAYBE
    if not a.given or not b.given:
        return Sameness.MAYBE
    if a.surname != b.surname and _are_swapped(a, b):
        return Sameness.YES
    is_whole = _written_alike(a, b)
    if a.surname == b.surname and a.surname in _CROWDED:
        return Sameness.YES if is_whole else Sameness.MAYBE
    if a.surname == b.surname or len(a.parts) != len(b.parts):
        return Sameness.YES if is_whole or alike >= AGREES else Sameness.MAYBE
    if is_whole and alike >= AGREES:
        return Sameness.YES
    return Sameness.MAYBE if alike >= SLIPPED else Sameness.NO


def _are_swapped(a: Name, b: Name) -> bool:
    """The same words, written out, in another order: "Quill Jane" beside "Jane Quill"."""
    one, other = sorted((a.surname, *a.given)), sorted((b.surname, *b.given))
    return one == other and all(len(word) > 1 for word in one)


def _written_alike(a: Name, b: Name) -> bool:
    """Given names that are written out are the same: "Min-Seo" and "Minseo", "Yu" and "Yu T.", not "Yan" and "Yang"."""
    if "".join(a.given) == "".join(b.given):
        return any(len(word) > 1 for word in (*a.given, *b.given))
    shorter, longer = sorted((a.given, b.given), key=len)
    rest = longer[len(shorter) :]
    is_begun = len(shorter[0]) > 1 and shorter == longer[: len(shorter)]
    return is_begun and all(len(word) == 1 for word in rest)
