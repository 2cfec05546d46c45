"""The demo observatory's papers as facts: who wrote what, when, from which projects, and how the codes are printed.

Seven in ten projects are published by their own team in the end, with a delay whose median is 1.7 years; what would
appear after ``today`` has not appeared yet, so young cycles look worse, as they do everywhere. About a quarter of the
papers come from the archive, more every year.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

from demo import words
from demo.damage import DAMAGES, print_codes, print_codes_tex
from demo.people import Person
from demo.projects import Project, add_months, fill, sentence_slots

SCIENCE = "science"
MENTION = "mention"
ENGINEERING = "engineering"
NOT_OURS = "not_ours"
"""Relations of a paper to the observatory, as the observatory's profile calls them."""

DAMAGED_PAPERS = 66
MENTION_PAPERS = 48
ARCHIVE_PAPERS = 84
OTHER_PAPERS = 26
ENGINEERING_PAPERS = 6
SHARE_PUBLISHING = 0.70
SHARE_WITHOUT_CODE = 0.13
MEDIAN_DELAY_YEARS = 1.7


@dataclass(slots=True)
class Paper:
    """One paper, whatever its records: ``sort`` is article, proceedings, thesis, erratum, withdrawn."""

    title: str
    abstract: str
    authors: list[Person]
    projects: list[Project]
    submitted_on: date
    relation: str = SCIENCE
    sort: str = "article"
    origin: str = "pi"
    """"pi" (the team's own), "archive" (others used public data) or "none"."""
    id: str = ""
    damage: str | None = None
    prints_code: bool = True
    mentioned_codes: list[str] = field(default_factory=list)
    """Codes printed though no data of theirs are used."""
    acknowledgement: str = ""
    tex_preamble: str = ""
    tex_acknowledgement: str = ""
    body: list[str] = field(default_factory=list)
    affiliation_suffix: str = ""
    on_arxiv: bool = True
    accepted_on: date | None = None
    published_on: date | None = None
    journal: tuple[str, str, str, int] = words.JOURNALS[0]
    pair: str | None = None
    """How its preprint and article records meet: all, ads_both, doi_only, unmerged; ``None`` with only one side."""
    eprint: str | None = None
    """How its e-print is packed: tar.gz, gz, pdf, or the name of a seeded fault."""
    has_acknowledged_in_first_version: bool = True

    @property
    def is_acknowledged(self) -> bool:
        """Whether the newest version has the acknowledgement: the second one comes with the acceptance."""
        return self.has_acknowledged_in_first_version or self.accepted_on is not None

    @property
    def codes(self) -> list[str]:
        """The codes of the projects whose data it used."""
        return [project.code for project in self.projects]


def plan_papers(rng: random.Random, projects: list[Project], people: list[Person], today: date) -> list[Paper]:
    """Return every paper up to ``today``, sorted by its first day, numbered, with dates, journals and texts decided."""
    own = _plan_own(rng, projects, people, today)
    papers = own + _plan_archive(rng, projects, own, people, today)
    _tell_apart(papers)
    papers += _plan_minor(rng, own, today)
    papers += _plan_mentions(rng, projects, people, today)
    papers += _plan_others(rng, people, today)
    _tell_apart(papers)
    papers.sort(key=lambda paper: (paper.submitted_on, paper.title))
    for number, paper in enumerate(papers, 1):
        paper.id = f"W{number:04d}"
        _plan_press(rng, paper, today)
    _plan_damage(rng, papers)
    for paper in papers:
        _write_acknowledgement(rng, paper)
    _plan_pairs(rng, papers)
    return papers


def _tell_apart(papers: list[Paper]) -> None:
    """Make numbered parts of papers that came by the same title: what a matcher must never take for one paper."""
    seen: Counter[str] = Counter()
    for paper in papers:
        seen[paper.title] += 1
        if seen[paper.title] > 1:
            number = ("II", "III", "IV", "V", "VI")[min(seen[paper.title] - 2, 4)]
            paper.title += f". {number}. {words.PARTS[len(paper.authors) % len(words.PARTS)]}"


def _plan_own(rng: random.Random, projects: list[Project], people: list[Person], today: date) -> list[Paper]:
    dated: list[tuple[date, Project]] = []
    for project in projects:
        draw, delay = rng.random(), rng.lognormvariate(math.log(MEDIAN_DELAY_YEARS), 0.55)
        if not project.is_pi_project or project.delivered_on is None or draw > SHARE_PUBLISHING:
            continue
        if project.code.split(".")[1] == "A":
            delay *= 0.6
        day = project.delivered_on + timedelta(round(365 * max(delay, 0.3)))
        if day < today:
            dated.append((day, project))
    papers: list[Paper] = []
    taken: list[str] = []
    for day, project in sorted(dated, key=lambda pair: (pair[0], pair[1].code)):
        if project.code in taken:
            continue
        group = [project]
        for other_day, other in dated:
            close = abs((other_day - day).days) < 500 and other.team[0] is project.team[0]
            free = other is not project and other.code not in taken and len(group) < 3
            seen = other.delivered_on is not None and other.delivered_on < day
            if close and free and seen and rng.random() < 0.4:
                group.append(other)
        taken += [member.code for member in group]
        papers.append(_team_paper(rng, group, people, day))
        if rng.random() < 0.13 and day + timedelta(420) < today:
            papers.append(_team_paper(rng, group[:1], people, day + timedelta(rng.randint(200, 420))))
    return papers


def _describe(rng: random.Random, project: Project, titles: tuple[str, ...]) -> tuple[str, str]:
    slots = sentence_slots(rng, project.topic, project.thing, project.line, project.targets[0])
    title = fill(rng, rng.choice(titles), **slots)
    parts = [words.BACKGROUND, words.METHODS, words.RESULTS, words.CLOSINGS]
    abstract = " ".join(fill(rng, rng.choice(sentences), **slots) for sentences in parts)
    if len(project.targets) > 1:
        abstract += f" The sample includes {', '.join(project.targets[1:4])}."
    return title[0].upper() + title[1:], abstract


def _team_paper(rng: random.Random, group: list[Project], people: list[Person], day: date) -> Paper:
    pi, co_is = group[0].team[0], group[0].team[1:]
    draw = rng.random()
    members = [member for member in co_is if rng.random() < 0.75]
    rng.shuffle(members)
    authors = [pi, *members] if draw < 0.62 else [*members[:1], pi, *members[1:]]
    if draw > 0.93 and len(members) > 1:
        authors = members
    for _ in range(rng.randint(0, 4)):
        guest = rng.choice(people)
        if guest not in authors and not any(guest in project.team for project in group):
            authors.append(guest)
    title, abstract = _describe(rng, group[0], words.PAPER_TITLES)
    for other in group[1:]:
        abstract += f" Data of {other.targets[0]} extend the sample."
    return Paper(title, abstract, authors, list(group), day)


def _plan_archive(
    rng: random.Random, projects: list[Project], own: list[Paper], people: list[Person], today: date
) -> list[Paper]:
    published = {project.code for paper in own for project in paper.projects}
    public = [p for p in projects if p.is_pi_project and p.released_on and p.released_on < today - timedelta(200)]
    liked = [p for p in public if p.code in published]
    papers: list[Paper] = []
    span = (today - date(2016, 3, 1)).days
    while len(papers) < ARCHIVE_PAPERS:
        day = date(2016, 3, 1) + timedelta(round(span * rng.random() ** 0.62) - 3)
        pool = [p for p in (liked if rng.random() < 0.88 else public) if p.released_on and p.released_on < day]
        if len(pool) < 3:
            continue
        first = rng.choice(pool)
        group = [first]
        kin = [p for p in pool if p.topic is first.topic and p is not first]
        group += rng.sample(kin, min(len(kin), rng.choices((0, 1, 2), (50, 30, 20))[0]))
        teams = [member for project in group for member in project.team]
        prints = {(member.last, member.given[0]) for member in teams}
        outsiders = [person for person in people if (person.last, person.given[0]) not in prints]
        authors = rng.sample(outsiders, rng.randint(2, 7))
        title, abstract = _describe(rng, first, words.ARCHIVE_TITLES + words.PAPER_TITLES[1:4])
        papers.append(Paper(title, abstract, authors, group, day, origin="archive"))
    return papers


def _plan_minor(rng: random.Random, own: list[Paper], today: date) -> list[Paper]:
    """Proceedings, theses, errata and withdrawn versions that follow the teams' own papers."""
    old = [paper for paper in own if paper.submitted_on < today - timedelta(700)]
    sorts = ["proceedings"] * 12 + ["thesis"] * 6 + ["erratum"] * 4 + ["withdrawn"] * 2
    papers: list[Paper] = []
    for sort, source in zip(sorts, rng.sample(old, len(sorts)), strict=True):
        day = source.submitted_on + timedelta(rng.randint(60, 400))
        title, authors = source.title, source.authors
        if sort == "erratum":
            title = f'Erratum: "{source.title}"'
        elif sort == "thesis":
            title, authors = f"Cold gas and dust around {source.projects[0].targets[0]}", source.authors[:1]
        elif sort == "withdrawn":
            title = f"{source.title}: first results"
        elif sort == "proceedings":
            title, authors = f"{source.projects[0].targets[0]}: a progress report", source.authors[:4]
        papers.append(
            Paper(title, source.abstract, list(authors), list(source.projects), day, sort=sort, origin=source.origin)
        )
    return papers


def _random_day(rng: random.Random, today: date) -> date:
    return date(2015, 2, 1) + timedelta(rng.randint(0, (today - date(2015, 2, 1)).days - 4))


def _plan_mentions(rng: random.Random, projects: list[Project], people: list[Person], today: date) -> list[Paper]:
    papers: list[Paper] = []
    for number in range(MENTION_PAPERS + ENGINEERING_PAPERS):
        day = _random_day(rng, today)
        project = rng.choice([p for p in projects if p.is_pi_project])
        title, abstract = _describe(rng, project, words.MENTION_TITLES)
        abstract = abstract.replace("observations of", "predictions for").replace("interferometric", "synthetic")
        authors = rng.sample(people, rng.randint(1, 6))
        if number % 3 == 0:
            authors = [*project.team[:2], *(a for a in authors if a not in project.team)]
        sentence = words.MENTIONS[number % len(words.MENTIONS)]
        paper = Paper(title, abstract, authors, [], day, relation=MENTION, origin="none", prints_code=False)
        if number >= MENTION_PAPERS:
            paper.relation, paper.title = (
                ENGINEERING,
                f"Phase correction on long baselines of ALMA: season {number - 40}",
            )
            sentence = "Test data were taken by the observatory during engineering time of ALMA."
        elif "{code}" in sentence:
            later = [p for p in projects if p.is_pi_project and p.delivered_on and p.delivered_on > day]
            code = rng.choice(later or projects).code
            paper.mentioned_codes = [code]
            sentence = sentence.replace("{code}", code)
        paper.body.append(fill(rng, sentence, line=project.line))
        if number % 4 == 1:
            paper.body.append(fill(rng, words.FOREIGN_CODES[number // 4 % len(words.FOREIGN_CODES)]))
        papers.append(paper)
    return papers


def _plan_others(rng: random.Random, people: list[Person], today: date) -> list[Paper]:
    papers = []
    for number in range(OTHER_PAPERS):
        title = fill(rng, words.OTHER_TITLES[number % len(words.OTHER_TITLES)])
        abstract = (
            f"{title} are the subject of this note. We describe the method and test it on {rng.randint(3, 90)} cases."
        )
        paper = Paper(
            title, abstract, rng.sample(people, rng.randint(1, 5)), [], _random_day(rng, today),
            relation=NOT_OURS, origin="none", prints_code=False,
        )  # fmt: skip
        if number % 5 == 0:
            paper.affiliation_suffix = " and Joint ALMA Observatory (visitor), Santiago"
        if number % 5 == 1:
            paper.body.append("The second author wishes to thank her alma mater; el alma de este trabajo es suya.")
        papers.append(paper)
    return papers


def _plan_press(rng: random.Random, paper: Paper, today: date) -> None:
    """Decide where and when the paper goes to press; press dates after ``today`` stay open."""
    paper.journal = rng.choices(words.JOURNALS, weights=[journal[3] for journal in words.JOURNALS])[0]
    accepted = paper.submitted_on + timedelta(rng.randint(60, 190))
    month = add_months(accepted.replace(day=1), rng.randint(1, 3))
    paper.on_arxiv = (rng.random() < 0.955 and paper.sort not in ("thesis", "erratum")) or month >= today
    if paper.sort == "withdrawn":
        paper.on_arxiv = True
        return
    if paper.sort == "proceedings":
        paper.journal = ("Proceedings of the Brennholm Symposia", "BrnSy", "brnsy", 1)
    if accepted <= today and rng.random() < 0.96:
        paper.accepted_on = accepted
        if month < today - timedelta(5):
            paper.published_on = month
    is_fresh = paper.published_on is None and paper.id.endswith(tuple("0245678"))
    if paper.relation == SCIENCE and (rng.random() < 0.06 or is_fresh):
        paper.has_acknowledged_in_first_version = False


def _plan_damage(rng: random.Random, papers: list[Paper]) -> None:
    """Choose which science papers print no code, and which print a damaged one; every kind of damage gets its turn."""
    science = [paper for paper in papers if paper.relation == SCIENCE and paper.sort == "article"]
    for paper in science:
        paper.prints_code = rng.random() > SHARE_WITHOUT_CODE
    printing = [paper for paper in science if paper.prints_code]
    pairs = [p for p in printing if len(p.codes) > 1 and len({code[:6] for code in p.codes}) == 1]
    for paper in pairs[:5]:
        paper.damage = "elided"
    kinds = [kind for kind in DAMAGES if kind != "elided"]
    free = [paper for paper in printing if paper.damage is None]
    for number, paper in enumerate(rng.sample(free, min(len(free), DAMAGED_PAPERS - len(pairs[:5])))):
        paper.damage = kinds[number % len(kinds)]


def _write_acknowledgement(rng: random.Random, paper: Paper) -> None:
    thanks = rng.choice(words.THANKS)
    slots = {"thing": "the sources", "line": "the line", "target": "the source"}
    paper.body = [fill(rng, text, **slots) for text in rng.sample(words.BODY, 4)] + paper.body
    if paper.relation == SCIENCE and rng.random() < 0.9:
        project = paper.projects[0]
        paper.body.insert(0, fill(rng, rng.choice(words.OBSERVED), target=project.targets[0], line=project.line))
    if not paper.prints_code:
        named = paper.relation == SCIENCE and rng.random() < 0.7
        paper.acknowledgement = f"{thanks} {rng.choice(words.PARTNERSHIP)}" if named else thanks
        paper.tex_acknowledgement = paper.acknowledgement
        return
    pattern = words.ACKNOWLEDGEMENTS[0] if rng.random() < 0.7 else rng.choice(words.ACKNOWLEDGEMENTS[1:])
    plain = print_codes(paper.codes, paper.damage, rng)
    paper.tex_preamble, tex = print_codes_tex(paper.codes, paper.damage, plain)
    partnership = rng.choice(words.PARTNERSHIP)
    paper.acknowledgement = f"{pattern.format(codes=plain)} {partnership} {thanks}"
    paper.tex_acknowledgement = f"{pattern.replace('{codes}', tex)} {partnership} {thanks}"


def _plan_pairs(rng: random.Random, papers: list[Paper]) -> None:
    """Decide how the identifiers of preprint and article meet, and how the e-print is packed."""
    both = [paper for paper in papers if paper.on_arxiv and paper.published_on and paper.sort == "article"]
    for paper in both:
        paper.pair = "all" if rng.random() < 0.3 else "ads_both"
    hard = rng.sample([paper for paper in both if paper.relation == SCIENCE], 40)
    for number, paper in enumerate(hard):
        paper.pair = "doi_only" if number % 2 else "unmerged"
    for paper in papers:
        draw = rng.random()
        if paper.on_arxiv and paper.sort != "withdrawn":
            paper.eprint = "pdf" if draw < 0.11 else "gz" if draw < 0.4 else "tar.gz"
    plain = [paper for paper in papers if paper.eprint and paper.prints_code and not paper.damage]
    for paper, fault in zip(rng.sample(plain, 3), ("tar_escape", "bomb", "broken_pdf"), strict=True):
        paper.eprint = fault
