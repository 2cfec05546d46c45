"""A paper as a project list sees it: which of the list's people, targets and words its record names, and where."""

from collections.abc import Sequence

from matching.evidence import PaperFacts, PaperView, PersonSeen
from matching.keywords import Keywords
from matching.project_list import ProjectList
from matching.targets import TargetSpot, designations

__all__ = ["MOST_AUTHORS", "PaperReader"]

MOST_AUTHORS = 500
"""Authors read per paper; in longer lists a name says next to nothing."""


class PaperReader:
    """Reads papers for comparison with one project list."""

    def __init__(self, listed: ProjectList, keywords: Keywords | None = None) -> None:
        self._listed = listed
        self._keywords = keywords

    def view(self, paper: PaperFacts) -> PaperView:
        """The paper prepared for comparison."""
        people, count, complete = self._people(paper.authors)
        targets = self._targets(paper)
        named = bool(paper.targets) or any(s.where == "title" for s in targets.values())
        named = named or bool(paper.title and designations(paper.title))
        sought = self._keywords is not None and bool(paper.abstract)
        return PaperView(paper, people, count, complete, targets, named, self._observatory(paper), sought)

    def _observatory(self, paper: PaperFacts) -> TargetSpot | None:
        """The first place in title or abstract that names the observatory."""
        if self._keywords is None:
            return None
        for where, text in (("title", paper.title), ("abstract", paper.abstract)):
            spots = self._keywords.find(text, title=where == "title") if text else []
            if spots:
                return TargetSpot(where, spots[0].printed, spots[0].start, spots[0].end)
        return None

    def _people(self, authors: Sequence[str]) -> tuple[dict[int, PersonSeen], int, bool]:
        """People of the register among the authors, the number of authors, and whether the list is complete."""
        read = [(printed, self._listed.names.find(printed)) for printed in authors[:MOST_AUTHORS]]
        persons = [(printed, found) for printed, found in read if found.is_person]
        count = len(persons) + max(0, len(authors) - MOST_AUTHORS)
        people: dict[int, PersonSeen] = {}
        for position, (printed, found) in enumerate(persons, 1):
            if not found.numbers:
                continue
            accident = 1.0 - (1.0 - min(found.chance, 0.999)) ** count
            for number, alike in zip(found.numbers, found.alike, strict=True):
                if number not in people or alike > people[number].similarity:
                    people[number] = PersonSeen(alike, accident, position, printed)
        return people, count, len(persons) == len(authors)

    def _targets(self, paper: PaperFacts) -> dict[str, TargetSpot]:
        """Target key → where the paper names it; of listed targets also those that no project has."""
        found: dict[str, TargetSpot] = {}
        for where, text in (("title", paper.title), ("abstract", paper.abstract)):
            for name, spot in self._listed.known_targets.find(text, where) if text else ():
                found.setdefault(name, spot)
        for printed in paper.targets:
            for k in self._listed.target_keys(printed):
                found.setdefault(k, TargetSpot("targets", printed))
        return found
