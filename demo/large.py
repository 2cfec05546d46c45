"""Make a replay folder of any size: ``python -m demo.large FOLDER --papers N --projects N [--seed N] --today DAY``.

Where ``demo.make_observatory`` tells a story, this makes a mass: some 1.9 records per paper, spread evenly over the years,
made in seconds, streamed to the disk. Nine papers in ten are an arXiv preprint and an ADS record that know each other;
the rest know each other by DOI alone, or are known to one of the two. A few records in a thousand are damaged in a way
that must be refused. One seed and one day give the same bytes every time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TextIO

from demo.people import Person, as_printed, make_people

Json = dict[str, Any]

FIRST_DAY = date(2011, 1, 10)
_PEOPLE = 1_500
_SUBJECTS = (
    "disk",
    "outflow",
    "core",
    "halo",
    "filament",
    "merger",
    "jet",
    "envelope",
    "ring",
    "cloud",
    "arc",
    "shell",
)
_SORTS = ("cold", "dusty", "turbulent", "lensed", "compact", "quiescent", "warped", "molecular", "ionised", "massive")
_PHRASES = (
    "This paper makes use of the following ALMA data: {code}.",
    "We used data of project ADS/JAO.ALMA#{code}.",
    "Based on observations with the Atacama Large Millimeter/submillimeter Array, {code}.",
)
"""Each paper's acknowledgement is found by one search of the profile, as {code} stands in it with or without a prefix."""
_JOURNALS = (("The Astrophysical Journal", "ApJ"), ("Astronomy and Astrophysics", "A&A"), ("Icarus", "Icar"))
_CATEGORIES = ("astro-ph.GA", "astro-ph.SR", "astro-ph.EP", "astro-ph.CO")
_DAMAGED = 0.003


@dataclass(frozen=True, slots=True)
class Size:
    """How much to make; the newest ``eprints`` preprints have a source that can be fetched.

    The newest ``recent`` papers were all submitted two days before today, the others evenly before them.
    """

    papers: int
    projects: int
    eprints: int = 0
    recent: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What the folder holds, counted."""

    arxiv_records: int
    ads_records: int
    damaged: int
    projects: int


@dataclass(frozen=True, slots=True)
class _Paper:
    """One paper with the identifiers it has."""

    number: int
    submitted_on: date
    arxiv_id: str
    title: str
    abstract: str
    authors: list[Person]
    code: str
    sort: str
    is_damaged: bool

    @property
    def doi(self) -> str:
        return f"10.5555/large.{self.number}"

    @property
    def initial(self) -> str:
        letter = as_printed(self.authors[0], "plain")[0].upper()
        return letter if letter.isascii() and letter.isalpha() else "X"


def write(folder: Path, size: Size, *, today: date, seed: int = 1) -> Written:
    """Write the folder (made where missing) and return what it holds."""
    rng = random.Random(f"{seed}:large")
    people = make_people(rng, _PEOPLE)
    codes = [f"{2013 + number % 10}.1.{number // 10 + 1:05d}.S" for number in range(size.projects)]
    (folder / "papers" / "eprints").mkdir(parents=True, exist_ok=True)
    (folder / "faults.json").write_text("[]\n", "utf-8")
    (folder / "fields.json").write_text("{}\n", "utf-8")
    with (folder / "projects.jsonl").open("w", encoding="utf-8") as file:
        for number, code in enumerate(codes):
            _line(file, _project(rng, number, code, people, today))
    counts: Counter[str] = Counter()
    names = ("arxiv", "ads", "fulltext")
    files = [(folder / "papers" / f"{name}.jsonl").open("w", encoding="utf-8") for name in names]
    arxiv, ads, fulltext = files
    for paper in _papers(rng, size, people, codes, today):
        counts["damaged"] += paper.is_damaged
        if paper.sort != "ads":
            has_source = paper.number >= size.papers - size.eprints
            _line(arxiv, _arxiv(paper, rng, has_source=has_source))
            counts["arxiv"] += 1
            if has_source:
                (folder / "papers" / "eprints" / f"{paper.arxiv_id}.gz").write_bytes(_source(paper))
        if paper.sort != "arxiv":
            _line(ads, _ads(paper, rng, today))
            acknowledgement = _PHRASES[paper.number % len(_PHRASES)].format(code=paper.code)
            _line(fulltext, {"work": f"w{paper.number}", "body": paper.abstract, "ack": acknowledgement})
            counts["ads"] += 1
    for file in files:
        file.close()
    written = Written(counts["arxiv"], counts["ads"], counts["damaged"], len(codes))
    summary = {"seed": seed, "today": today.isoformat(), **asdict(written)}
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", "utf-8")
    return written


def _line(file: TextIO, row: Json) -> None:
    file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _papers(rng: random.Random, size: Size, people: list[Person], codes: list[str], today: date) -> Iterator[_Paper]:
    """Yield the papers from the oldest to the newest."""
    days = (today - timedelta(2) - FIRST_DAY).days
    older = size.papers - size.recent
    months: Counter[str] = Counter()
    for number in range(size.papers):
        day = FIRST_DAY + timedelta(min(days * number // max(older - 1, 1), days))
        month = f"{day:%y%m}"
        months[month] += 1
        serial = 9_000 + months[month] if day < date(2015, 1, 1) else 90_000 + months[month]
        title = f"A {rng.choice(_SORTS)} {rng.choice(_SUBJECTS)} in the field {number} of {rng.choice(people).last}"
        abstract = f"We report on {title.lower()}. " + "Its lines are bright and its dust is cold. " * rng.randint(3, 9)
        draw = rng.random()
        sort = "both" if draw < 0.88 else "ads" if draw < 0.94 else "doi_only" if draw < 0.97 else "arxiv"
        yield _Paper(
            number=number,
            submitted_on=day,
            arxiv_id=f"{month}.{serial}",
            title=title,
            abstract=abstract.strip(),
            authors=rng.sample(people, rng.randint(1, 6)),
            code=rng.choice(codes),
            sort=sort,
            is_damaged=sort != "both" and rng.random() < _DAMAGED * 8,
        )


def _arxiv(paper: _Paper, rng: random.Random, *, has_source: bool) -> Json:
    days = [paper.submitted_on] + ([paper.submitted_on + timedelta(7)] if rng.random() < 0.4 else [])
    versions = [
        {"version": number, "date": f"{day}T{paper.number % 24:02d}:{paper.number % 60:02d}:00Z", "size": "400kb"}
        for number, day in enumerate(days, start=1)
    ]
    first = rng.choice(_CATEGORIES)
    return {
        "id": paper.arxiv_id,
        "versions": versions,
        "title": "" if paper.is_damaged else paper.title,
        "authors": [author.spoken for author in paper.authors],
        "submitter": paper.authors[0].spoken,
        "abstract": paper.abstract,
        "categories": list(dict.fromkeys([first, rng.choice(_CATEGORIES)])),
        "comment": f"{rng.randint(5, 30)} pages" if rng.random() < 0.7 else None,
        "journal_ref": None,
        "doi": paper.doi if paper.sort == "doi_only" else None,
        "license": "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
        "eprint": f"{paper.arxiv_id}.gz" if has_source else None,
        "eprint_v1": None,
        "content_type": "application/gzip" if has_source else None,
    }


def _source(paper: _Paper) -> bytes:
    text = f"\\documentclass{{article}}\n\\begin{{document}}\n{paper.title}\n\nWe used data of ADS/JAO.ALMA\\#{paper.code}."
    return gzip.compress(f"{text}\n\\end{{document}}\n".encode(), mtime=0)


def _ads(paper: _Paper, rng: random.Random, today: date) -> Json:
    """An article that appeared 100 days after its preprint; the youngest are preprints still."""
    published = paper.submitted_on + timedelta(100)
    journal, stem = _JOURNALS[paper.number % len(_JOURNALS)]
    article = f"{published.year}{stem:.<5}{800 + paper.number // 9_000:.>4}.{paper.number % 9_000:.>4}{paper.initial}"
    preprint = f"{paper.submitted_on.year}arXiv{paper.arxiv_id.replace('.', ''):0>9}{paper.initial}"
    is_article = paper.sort in ("ads", "doi_only") or published < today
    knows_arxiv = paper.sort == "both"
    day = published if is_article else paper.submitted_on
    entered = f"{paper.submitted_on + timedelta(4)}"
    identifiers = [article if is_article else preprint, paper.doi]
    if knows_arxiv:
        identifiers += [preprint, paper.arxiv_id, f"arXiv:{paper.arxiv_id}"]
    return {
        "id": str(30_000_000 + paper.number * 7),
        "work": f"w{paper.number}",
        "author": [as_printed(author, "initials") for author in paper.authors],
        "author_count": len(paper.authors),
        "first_author": as_printed(paper.authors[0], "initials"),
        "aff": [author.affiliation for author in paper.authors],
        "orcid_pub": ["-"] * len(paper.authors),
        "title": [paper.title],
        "abstract": paper.abstract,
        "database": ["astronomy"],
        "keyword": ["galaxies: ISM"],
        "citation_count": rng.randint(0, 90),
        "read_count": rng.randint(0, 60),
        "data": [],
        "bibgroup": ["ALMA"] if is_article and paper.number % 10 == 0 else [],
        "bibcode": article if is_article else preprint,
        "alternate_bibcode": [preprint] if is_article and knows_arxiv else [],
        "identifier": list(dict.fromkeys(identifiers)),
        "doi": [paper.doi],
        "doctype": "article" if is_article else "eprint",
        "pub": journal if is_article else "arXiv e-prints",
        "bibstem": [stem, stem] if is_article else ["arXiv", "arXiv"],
        "volume": str(800 + paper.number // 9_000),
        "issue": "1",
        "page": [str(paper.number % 9_000)],
        "year": str(day.year),
        "pubdate": f"{day.year}-19-00" if paper.is_damaged else f"{day:%Y-%m}-00",
        "date": f"{day:%Y-%m}-01T00:00:00Z",
        "property": ["ARTICLE", "REFEREED" if is_article else "NOT REFEREED"],
        "esources": ["PUB_PDF"],
        "arxiv_class": ["astro-ph.GA"] if knows_arxiv else [],
        "entdate": entered,
        "entry_date": f"{entered}T00:00:00Z",
        "indexstamp": f"{entered}T02:11:40.120Z",
        "metadata_mtime": f"{entered}T01:04:05.000Z",
        "fulltext_mtime": f"{entered}T01:44:21.000Z",
    }


def _project(rng: random.Random, number: int, code: str, people: list[Person], today: date) -> Json:
    team = rng.sample(people, rng.randint(1, 5))
    observed = date(int(code[:4]) + 1, 1 + number % 12, 1 + number % 28)
    unit = {
        "observed_on": observed.isoformat(),
        "delivered_on": (observed + timedelta(40)).isoformat(),
        "released_on": (observed + timedelta(405)).isoformat(),
        "exposure_s": rng.randint(300, 9_000),
    }
    return {
        "code": code,
        "title": f"The {rng.choice(_SORTS)} {rng.choice(_SUBJECTS)}s of field {number}",
        "abstract": "We ask for time to look at what nobody has looked at.",
        "pi": team[0].last + ", " + team[0].given,
        "co_is": [f"{person.last}, {person.given}" for person in team[1:]],
        "category": "Galaxies and galactic nuclei",
        "keywords": ["Merging and interacting galaxies"],
        "targets": [f"Field {number}"],
        "partner": "EU",
        "state": "Completed",
        "bib_references": [],
        "units": [unit | {"uid": f"uid://A002/X{number:x}/X{part:x}"} for part in range(1, rng.randint(2, 4))],
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the folder named on the command line and print its counts as JSON."""
    parser = argparse.ArgumentParser(prog="python -m demo.large", description="Make a replay folder of any size.")
    parser.add_argument("folder", type=Path, help="where to write (made where missing)")
    parser.add_argument("--papers", type=int, default=50_000)
    parser.add_argument("--projects", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--today", type=date.fromisoformat, required=True, help="the day it is, YYYY-MM-DD")
    chosen = parser.parse_args(arguments)
    written = write(chosen.folder, Size(chosen.papers, chosen.projects), today=chosen.today, seed=chosen.seed)
    print(json.dumps(asdict(written), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
