"""Make the demo observatory: ``python -m demo.make_observatory FOLDER [--seed N] [--today YYYY-MM-DD]``.

One seed and one day give the same bytes every time, whatever ``PYTHONHASHSEED`` says. Nothing is downloaded and nothing
is read but this package. The folder can be looked at with a text editor:

    projects.jsonl       one project a line, its units inside; one row is malformed on purpose
    contacts.csv         code, pi, pi_email (no registry hands addresses out); some are missing
    observatory.csv      code, partner, state, grade, reduction, unit, unit_delivered_on: what the archive does not tell
    then/                both tables as they were when the closed campaign began
    fields.json          unit → its observation fields: one row each in the archive's TAP table
    papers/arxiv.jsonl   what arXiv knows       papers/ads.jsonl       what ADS knows
    papers/fulltext.jsonl  what ADS has indexed but does not hand out    papers/eprints/  TeX and PDF
    faults.json          what the replay server does wrong, and when
    truth.jsonl          which paper used which project: for tests, never for the product
    campaign.json        players of one closed campaign      decisions.json   what the librarian decided
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from zlib import crc32

from demo.desk import plan_campaign, plan_decisions, silent_and_due
from demo.earlier import state_then, units_known
from demo.papers import MENTION, SCIENCE, Paper, plan_papers
from demo.people import make_people
from demo.projects import CYCLES, Project, make_projects
from demo.records import (
    Json,
    Registrar,
    ads_documents,
    arxiv_record,
    note_bib_references,
    plant_late_texts,
    project_row,
)
from demo.texts import eprint_bytes, plain_body

SEED = 2026
PEOPLE = 320

MALFORMED_PROJECT: Json = {
    "code": "2016.1.XX123.S",
    "title": "A row whose code no grammar knows",
    "abstract": "This row is broken on purpose.",
    "pi": "Nemo, Ada",
    "co_is": [],
    "category": "Galaxies and galactic nuclei",
    "keywords": [],
    "targets": ["NGC 0"],
    "partner": "EU",
    "state": "Completed",
    "bib_references": [],
    "units": [
        {
            "uid": "uid://A001/X1/X1", "observed_on": "2017-01-01",
            "delivered_on": "2017-02-01", "released_on": "2018-02-01", "exposure_s": 600,
        }
    ],
}  # fmt: skip

FAULTS: list[Json] = [
    {"service": "arxiv_api", "kind": "empty_page", "request": 2, "why": "a page is empty though records are promised"},
    {"service": "arxiv_api", "kind": "html", "request": 4, "why": "'Rate exceeded' as HTML with status 200"},
    {"service": "arxiv_api", "kind": "truncated", "request": 6, "why": "the feed ends in the middle of an entry"},
    {"service": "eprint", "kind": "unavailable_wait", "request": 3, "why": "503 with Retry-After: 1"},
]
"""Faults of the services; ``request`` counts a service's answers that hold records, each fault strikes once."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the folder holds, counted."""

    projects: int
    units: int
    cycles: int
    papers: int
    science_papers: int
    mention_papers: int
    archive_papers: int
    with_full_text: int
    damaged_codes: int
    preprint_article_pairs: int
    pairs_hard_to_join: int
    silent_due: int
    campaign_answers: int
    decided_papers: int
    bytes_written: int
    late_text: str
    """Bibcode of an article whose full text is indexed eight months after it entered; ADS dates the change."""
    late_text_undated: str
    """Another one, of which ADS does not say that anything changed."""


def build(folder: Path, *, seed: int = SEED, today: date) -> Summary:
    """Write the whole demo observatory as of ``today`` into ``folder`` (made where missing) and return its counts."""
    streams = {name: random.Random(f"{seed}:{name}") for name in ("people", "projects", "papers", "records", "desk")}
    people = make_people(streams["people"], PEOPLE)
    projects = make_projects(streams["projects"], people, today)
    papers = plan_papers(streams["papers"], projects, people, today)
    registrar = Registrar(streams["records"])
    arxiv = {paper.id: arxiv_record(paper, registrar) for paper in papers}
    ads = {paper.id: ads_documents(paper, arxiv[paper.id], registrar, today) for paper in papers}
    note_bib_references(streams["records"], papers, ads, today)
    _plant_unknown_doctype(papers, ads)
    late_text, late_text_undated = plant_late_texts(papers, ads, today)
    truth = {paper.id: _truth_row(paper, arxiv[paper.id], ads[paper.id]) for paper in papers}
    campaign = plan_campaign(streams["desk"], projects, papers, today)
    decisions = plan_decisions(streams["desk"], papers, truth, today)
    out = _Writer(folder)
    _write_projects(out, streams["desk"], projects, campaign)
    _write_papers(out, papers, arxiv, ads)
    out.lines("truth.jsonl", truth.values())
    out.json("campaign.json", campaign)
    out.json("decisions.json", decisions)
    out.json("faults.json", FAULTS)
    asked = [str(code) for code in campaign["asked"]]
    silent = [project for project in silent_and_due(projects, papers, today) if project.code not in asked]
    summary = _summarise(projects, papers, list(truth.values()), out.written)
    numbers = {
        "silent_due": len(silent),
        "campaign_answers": len(campaign["answers"]),
        "decided_papers": len(decisions),
    }
    final = Summary(**{**summary, **numbers}, late_text=late_text, late_text_undated=late_text_undated)
    out.json("summary.json", {"seed": seed, "today": today.isoformat(), **asdict(final)})
    return final


class _Writer:
    """Writes files below one folder and counts the bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = 0

    def bytes(self, name: str, body: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        self.written += len(body)

    def json(self, name: str, value: object) -> None:
        self.bytes(name, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())

    def table(self, name: str, header: list[str], rows: list[list[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *rows])
        self.bytes(name, text.getvalue().encode())

    def lines(self, name: str, rows: Iterable[Json]) -> None:
        self.bytes(name, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _write_projects(out: _Writer, rng: random.Random, projects: list[Project], campaign: Json) -> None:
    rows = [project_row(project) for project in projects]
    rows.insert(len(rows) // 2, MALFORMED_PROJECT)
    out.lines("projects.jsonl", rows)
    out.lines("fields.json", [{unit.uid: unit.fields for project in projects for unit in project.units}])
    missing = {row["code"] for row in rows if row["code"] not in campaign["asked"] and rng.random() < 0.03}
    by_code = {row["code"]: row for row in rows}
    own = [(project, by_code[project.code]) for project in projects if project.is_pi_project]
    for folder, day in (("", date.max), ("then/", date.fromisoformat(campaign["as_of"]))):
        known = [(project, row) for project, row in own if units_known(row, day)]
        contacts = [[p.code, p.pi, p.team[0].email] for p, _ in known if p.code not in missing]
        out.table(f"{folder}contacts.csv", ["code", "pi", "pi_email"], contacts)
        held = [
            [
                *(row["code"], row["partner"], state_then(row, day)),
                *(_grade(project), _reduction(project.code), unit["uid"], unit["delivered_on"] or ""),
            ]
            for project, row in known
            for unit in units_known(row, day)
        ]
        header = ["code", "partner", "state", "grade", "reduction", "unit", "unit_delivered_on"]
        out.table(f"{folder}observatory.csv", header, held)


def _grade(project: Project) -> str:
    """Return the grade of a project: large ones are A, and what was not finished is rarely one."""
    if project.code.endswith("L"):
        return "A"
    draw = crc32(project.code.encode()) % 10
    return "ABBBBCCCCC"[draw] if project.state != "Completed" else "AAABBBBBCC"[draw]


def _reduction(code: str) -> str:
    """Return who reduced a project's data: people in the first years, later the pipeline most of them."""
    return "by hand" if crc32(code.encode()) % 10 < max(1, 8 - 2 * (int(code[:4]) - 2013)) else "pipeline"


def _write_papers(out: _Writer, papers: list[Paper], arxiv: dict[str, Json | None], ads: dict[str, list[Json]]) -> None:
    out.lines("papers/arxiv.jsonl", (record for record in arxiv.values() if record))
    out.lines("papers/ads.jsonl", (document for documents in ads.values() for document in documents))
    out.lines(
        "papers/fulltext.jsonl",
        (
            {"work": paper.id, "body": plain_body(paper), "ack": paper.acknowledgement if paper.is_acknowledged else ""}
            for paper in papers
        ),
    )
    for paper in papers:
        record = arxiv[paper.id]
        if record is None or record["eprint"] is None:
            continue
        out.bytes(f"papers/eprints/{record['eprint']}", eprint_bytes(paper))
        if record["eprint_v1"]:
            out.bytes(f"papers/eprints/{record['eprint_v1']}", eprint_bytes(paper, version=1))


def _plant_unknown_doctype(papers: list[Paper], ads: dict[str, list[Json]]) -> None:
    """Give one proceedings record a doctype that no list knows."""
    for paper in papers:
        if paper.sort == "proceedings" and ads[paper.id] and ads[paper.id][0]["doctype"] == "inproceedings":
            ads[paper.id][0]["doctype"] = "hologram"
            return


def _truth_row(paper: Paper, arxiv: Json | None, documents: list[Json]) -> Json:
    articles = [document for document in documents if document["doctype"] != "eprint"]
    return {
        "paper": paper.id,
        "title": paper.title,
        "arxiv_id": arxiv["id"] if arxiv else None,
        "doi": articles[0]["doi"][0] if articles else None,
        "bibcodes": [document["bibcode"] for document in documents],
        "codes": paper.codes,
        "mentioned_codes": paper.mentioned_codes,
        "relation": paper.relation,
        "sort": paper.sort,
        "origin": paper.origin,
        "prints_code": paper.prints_code,
        "damage": paper.damage,
        "pair": paper.pair,
        "eprint": paper.eprint,
        "submitted_on": paper.submitted_on.isoformat(),
    }


def _summarise(projects: list[Project], papers: list[Paper], truth: list[Json], written: int) -> dict[str, int]:
    sorts = Counter(paper.relation for paper in papers)
    return {
        "projects": sum(project.is_pi_project for project in projects),
        "units": sum(len(project.units) for project in projects),
        "cycles": len(CYCLES),
        "papers": len(papers),
        "science_papers": sorts[SCIENCE],
        "mention_papers": sorts[MENTION],
        "archive_papers": sum(paper.origin == "archive" for paper in papers),
        "with_full_text": sum(paper.eprint is not None for paper in papers),
        "damaged_codes": sum(paper.damage is not None for paper in papers),
        "preprint_article_pairs": sum(row["pair"] is not None for row in truth),
        "pairs_hard_to_join": sum(row["pair"] in ("doi_only", "unmerged") for row in truth),
        "bytes_written": written,
    }


def main(arguments: list[str] | None = None) -> int:
    """Make the folder named on the command line and print its counts as JSON."""
    parser = argparse.ArgumentParser(prog="python -m demo.make_observatory", description="Make the demo observatory.")
    parser.add_argument("folder", type=Path, help="where to write (made where missing)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"another seed gives another observatory ({SEED})")
    parser.add_argument("--today", type=date.fromisoformat, required=True, help="the day it is in the demo, YYYY-MM-DD")
    chosen = parser.parse_args(arguments)
    summary = build(chosen.folder, seed=chosen.seed, today=chosen.today)
    print(json.dumps(asdict(summary), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
