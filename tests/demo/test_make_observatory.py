"""The demo observatory holds what its issue promises, for every seed, and the same bytes every time."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tarfile
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from demo.damage import LOSSLESS
from demo.make_observatory import MALFORMED_PROJECT, build, main
from demo.projects import add_months
from tests.demo.conftest import TODAY, Rows

ROOT = Path(__file__).parents[2]
PI_CODE = re.compile(r"(20\d\d)\.([12A])\.\d{5}\.[STVL]")
CYCLE_YEARS = ["2013", "2015", "2016", "2017", "2018", "2019", "2021", "2022"]
NO_DATE = "3000-01-01"


def pi_projects(projects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The projects that have a PI and a code of the grammar."""
    return [project for project in projects if PI_CODE.fullmatch(project["code"])]


def first_papers(truth: list[dict[str, Any]]) -> dict[str, str]:
    """Code → first day of its first science article."""
    first: dict[str, str] = {}
    for paper in truth:
        if paper["relation"] == "science" and paper["sort"] == "article":
            for code in paper["codes"]:
                first[code] = min(first.get(code, NO_DATE), paper["submitted_on"])
    return first


def silent_due(projects: list[dict[str, Any]], truth: list[dict[str, Any]], as_of: date) -> list[str]:
    """Codes of projects without a paper whose last delivered unit has been public for two calendar years."""
    first = first_papers(truth)
    codes = []
    for project in pi_projects(projects):
        days = [unit["released_on"] for unit in project["units"] if unit["delivered_on"]]
        if project["state"] == "InProgress" or not days or NO_DATE in days:
            continue
        if add_months(date.fromisoformat(max(days)), 24) <= as_of and first.get(project["code"], NO_DATE) > str(as_of):
            codes.append(project["code"])
    return codes


def eprint_text(path: Path) -> str:
    """The text of one stored e-print."""
    body = path.read_bytes()
    if path.suffix == ".pdf":
        with pypdfium2.PdfDocument(body) as document:
            return "\n".join(page.get_textpage().get_text_range() for page in document)
    if not path.name.endswith(".tar.gz"):
        return gzip.decompress(body).decode()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        member = archive.extractfile("ms.tex")
        assert member is not None
        return member.read().decode()


@pytest.mark.parametrize("seed", [1, 77])
def test_every_seed_keeps_the_promised_numbers(seed: int, tmp_path: Path) -> None:
    """Another seed makes another observatory of at least the same size."""
    summary = build(tmp_path, seed=seed, today=TODAY)
    assert summary.projects >= 420
    assert summary.units >= 1_600
    assert summary.papers >= 310
    assert summary.with_full_text >= 80
    assert summary.damaged_codes >= 40
    assert summary.mention_papers >= 40
    assert summary.pairs_hard_to_join >= 30
    assert summary.silent_due >= 60
    assert summary.campaign_answers >= 20
    assert summary.bytes_written < 5_000_000
    assert summary.late_text
    assert summary.late_text_undated not in ("", summary.late_text)


def test_one_seed_gives_the_same_bytes_whatever_the_hash_seed(observatory: Path, tmp_path: Path) -> None:
    """A fresh interpreter with another PYTHONHASHSEED writes the very same files."""
    command = [sys.executable, "-m", "demo.make_observatory", str(tmp_path), "--today", TODAY.isoformat()]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "4711"}, capture_output=True)
    names = sorted(path.relative_to(observatory) for path in observatory.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert [n for n in names if (observatory / n).read_bytes() != (tmp_path / n).read_bytes()] == []


def test_the_command_prints_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The counts on stdout are those stored in the folder."""
    assert main([str(tmp_path), "--seed", "5", "--today", "2027-02-28"]) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = json.loads((tmp_path / "summary.json").read_text())
    assert stored == {"seed": 5, "today": "2027-02-28", **printed}


def test_projects_fill_eight_cycles(rows: Rows) -> None:
    """At least 420 PI projects over eight cycles with 1,600 units, observatory projects beside them."""
    projects = rows("projects.jsonl")
    own = pi_projects(projects)
    assert len({project["code"] for project in projects}) == len(projects)
    assert len(own) >= 420
    assert sorted({project["code"][:4] for project in own}) == CYCLE_YEARS
    assert min(Counter(project["code"][:4] for project in own).values()) >= 40
    assert sum(len(project["units"]) for project in own) >= 1_600
    assert {code[5] for code in (project["code"] for project in own)} == {"1", "2", "A"}
    assert {project["code"][-1] for project in own} == set("STVL")
    assert {project["partner"] for project in own} == {"EU", "NA", "EA", "CL"}
    suffixes = {project["code"].rsplit(".", 1)[1] for project in projects if project not in own}
    assert {"SV", "CAL", "E", "CSV"} <= suffixes


def test_units_are_in_every_stage(rows: Rows) -> None:
    """Some units are undelivered, undated, still proprietary or within grace; unit names are unique."""
    units = [unit for project in rows("projects.jsonl") for unit in project["units"]]
    assert len({unit["uid"] for unit in units}) == len(units)
    assert all(re.fullmatch(r"uid://A001/X[0-9a-f]+/X[0-9a-f]+", unit["uid"]) for unit in units)
    delivered = [unit for unit in units if unit["delivered_on"]]
    assert len(units) > len(delivered)
    assert any(unit["released_on"] == NO_DATE for unit in units)
    assert any(str(TODAY) < unit["released_on"] < NO_DATE for unit in units)
    assert any(str(date(2024, 11, 22)) < unit["released_on"] <= str(TODAY) for unit in units)
    assert all(unit["observed_on"] < unit["delivered_on"] <= str(TODAY) for unit in delivered)
    assert {p["state"] for p in rows("projects.jsonl")} >= {"Completed", "InProgress", "PartiallyCompleted"}


def test_directors_time_is_released_after_six_months(rows: Rows) -> None:
    """Units become public 12 months after delivery, of director's time 6, around the 2020 closure 3 more."""
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    for project in pi_projects(rows("projects.jsonl")):
        for unit in project["units"]:
            if unit["delivered_on"]:
                delivered, released = (date.fromisoformat(unit[name]) for name in ("delivered_on", "released_on"))
                months = [m for m in (6, 9, 12, 15) if add_months(delivered, m) == released]
                seen[project["code"][5] == "A"].update(months)
                assert months
    assert seen == {True: {6, 9}, False: {12, 15}}


def test_papers_are_of_every_promised_sort(rows: Rows) -> None:
    """Papers, full texts, damaged codes, pairs that meet late and mentions reach the promised numbers."""
    truth = rows("truth.jsonl")
    assert len(truth) >= 310
    assert sum(paper["eprint"] is not None for paper in truth) >= 80
    assert sum(paper["eprint"] == "pdf" for paper in truth) >= 20
    assert sum(paper["relation"] == "mention" for paper in truth) >= 40
    assert sum(paper["pair"] in ("doi_only", "unmerged") for paper in truth) >= 30
    science = [paper for paper in truth if paper["relation"] == "science"]
    assert sum(not paper["prints_code"] for paper in science) >= 20
    assert sum(len(paper["codes"]) > 1 for paper in science) >= 20
    assert {paper["sort"] for paper in truth} == {"article", "proceedings", "thesis", "erratum", "withdrawn"}
    assert {paper["relation"] for paper in truth} == {"science", "mention", "engineering", "not_ours"}
    young = [p for p in science if p["submitted_on"] > "2026-05-01" and p["doi"] is None and p["prints_code"]]
    assert len(young) >= 3, "papers about to go to press"


def test_forty_damaged_codes_cannot_be_found_as_they_are(rows: Rows) -> None:
    """The damage is real: the whole code stands nowhere in what the search service has indexed."""
    texts = {row["work"]: row["body"] + row["ack"] for row in rows("papers/fulltext.jsonl")}
    damaged = [paper for paper in rows("truth.jsonl") if paper["damage"]]
    assert len(damaged) >= 40
    assert len({paper["damage"] for paper in damaged}) >= 18
    hurt = [paper for paper in damaged if paper["damage"] not in LOSSLESS]
    assert len(hurt) >= 40
    assert [p["paper"] for p in hurt if p["codes"][0] in texts[p["paper"]]] == []


def test_clean_codes_stand_in_the_full_texts(rows: Rows, observatory: Path) -> None:
    """Every readable e-print of a paper that prints its codes undamaged holds them all; mentions hold no more."""
    truth = {paper["arxiv_id"]: paper for paper in rows("truth.jsonl")}
    checked = Counter[str]()
    for record in rows("papers/arxiv.jsonl"):
        paper = truth[record["id"]]
        if record["eprint"] is None or paper["damage"] or paper["eprint"] == "broken_pdf":
            continue
        text = eprint_text(observatory / "papers" / "eprints" / record["eprint"])
        expected = [*(paper["codes"] if paper["prints_code"] else []), *paper["mentioned_codes"]]
        assert sorted(set(PI_CODE.findall(text))) == sorted({PI_CODE.findall(code)[0] for code in expected})
        assert all(code in text for code in expected)
        checked[paper["eprint"]] += 1
    assert checked["tar.gz"] > 50
    assert checked["gz"] > 20
    assert checked["pdf"] > 10


def test_some_first_versions_lack_the_acknowledgement(rows: Rows, observatory: Path) -> None:
    """Where version 1 is stored apart, it prints no code and the latest version does."""
    folder = observatory / "papers" / "eprints"
    early = [r for r in rows("papers/arxiv.jsonl") if r["eprint_v1"] and not r["eprint"].endswith(".pdf")]
    printing = [r for r in early if "begin{acknowledgements}" in eprint_text(folder / r["eprint"])]
    assert len(printing) >= 5
    assert all("acknowledgements" not in eprint_text(folder / r["eprint_v1"]) for r in printing)


def test_at_least_sixty_projects_are_silent_and_due(rows: Rows, observatory: Path) -> None:
    """Counted from the files, without those asked in the closed campaign."""
    campaign = json.loads((observatory / "campaign.json").read_text())
    silent = set(silent_due(rows("projects.jsonl"), rows("truth.jsonl"), TODAY)) - set(campaign["asked"])
    assert len(silent) >= 60
    assert len(silent) == json.loads((observatory / "summary.json").read_text())["silent_due"]


def test_publication_looks_as_it_does_elsewhere(rows: Rows) -> None:
    """Older cycles publish more than young ones, half of the first papers come within about 1.7 years."""
    projects = pi_projects(rows("projects.jsonl"))
    first = first_papers(rows("truth.jsonl"))
    share = {}
    for year in CYCLE_YEARS:
        codes = [project["code"] for project in projects if project["code"].startswith(year)]
        share[year] = sum(code in first for code in codes) / len(codes)
    assert all(0.5 <= share[year] <= 0.9 for year in CYCLE_YEARS[:6])
    assert statistics.mean(share[year] for year in CYCLE_YEARS[6:]) < statistics.mean(
        share[year] for year in CYCLE_YEARS[:6]
    )
    delays = []
    for project in projects:
        days = [unit["delivered_on"] for unit in project["units"] if unit["delivered_on"]]
        if project["code"] in first and days:
            delays.append((date.fromisoformat(first[project["code"]]) - date.fromisoformat(min(days))).days / 365)
    assert min(delays) > 0
    assert 1.3 < statistics.median(delays) < 2.2


def test_archive_papers_share_no_author_with_the_team(rows: Rows) -> None:
    """About a quarter of the articles use others' data, more in later years."""
    teams = {p["code"]: {p["pi"], *p["co_is"]} for p in rows("projects.jsonl")}
    spoken = {record["id"]: record["authors"] for record in rows("papers/arxiv.jsonl")}
    truth = [p for p in rows("truth.jsonl") if p["relation"] == "science" and p["sort"] == "article"]
    archive = [paper for paper in truth if paper["origin"] == "archive"]
    assert 0.15 < len(archive) / len(truth) < 0.35
    for paper in archive:
        team = {f"{given} {last}" for code in paper["codes"] for last, given in (n.split(", ") for n in teams[code])}
        assert team.isdisjoint(spoken.get(paper["arxiv_id"], []))
    by_half = Counter(paper["submitted_on"] < "2021-06" for paper in archive)
    assert by_half[False] > by_half[True]


def test_the_campaign_can_be_played(rows: Rows, observatory: Path) -> None:
    """All twelve answers occur; exactly those who had been silent and due were asked, all have an address."""
    campaign = json.loads((observatory / "campaign.json").read_text())
    answers = campaign["answers"]
    assert {answer["reason"] for answer in answers} == set(range(1, 13))
    assert all((answer["detail"] is not None) == (answer["reason"] in (1, 10, 12)) for answer in answers)
    assert len(answers) >= 20
    assert campaign["unanswered"]
    assert sorted([a["code"] for a in answers] + campaign["unanswered"]) == sorted(campaign["asked"])
    as_of = date.fromisoformat(campaign["as_of"])
    assert set(campaign["asked"]) == set(silent_due(rows("projects.jsonl"), rows("truth.jsonl"), as_of))
    with (observatory / "contacts.csv").open(newline="", encoding="utf-8") as file:
        contacts = {row["code"]: row for row in csv.DictReader(file)}
    asked = [contacts[code]["pi_email"] for code in campaign["asked"]]
    assert len({contacts[answer["code"]]["pi_email"] for answer in answers}) >= 20, "persons who answered"
    assert all(asked)
    assert 0 < len(pi_projects(rows("projects.jsonl"))) - len(contacts) < 40, "a few addresses are missing"


def test_the_tables_know_only_what_was_known(rows: Rows, observatory: Path) -> None:
    """Partner, state and deliveries as the observatory has them, today and when the closed campaign began."""
    as_of = json.loads((observatory / "campaign.json").read_text())["as_of"]
    projects = {project["code"]: project for project in pi_projects(rows("projects.jsonl"))}
    counted = {}
    for folder, day in (("", "9999"), ("then", as_of)):
        with (observatory / folder / "observatory.csv").open(newline="", encoding="utf-8") as file:
            held = list(csv.DictReader(file))
        with (observatory / folder / "contacts.csv").open(newline="", encoding="utf-8") as file:
            assert {row["code"] for row in csv.DictReader(file)} <= {row["code"] for row in held}
        counted[folder] = len({row["code"] for row in held})
        for row in held:
            project = projects[row["code"]]
            (unit,) = (unit for unit in project["units"] if unit["uid"] == row["unit"])
            assert row["partner"] == project["partner"]
            assert row["unit_delivered_on"] == (unit["delivered_on"] or "") <= day
            later = any((u["delivered_on"] or "") > day for u in project["units"])
            assert row["state"] == ("InProgress" if later else project["state"])
    assert counted[""] == len(projects) > counted["then"] > 200


def test_nobody_and_nothing_is_real(rows: Rows, observatory: Path) -> None:
    """Addresses, DOIs and arXiv numbers are of ranges that are never given out."""
    with (observatory / "contacts.csv").open(newline="", encoding="utf-8") as file:
        assert all(re.fullmatch(r"[a-z0-9.]+@[a-z]+\.example\.org", row["pi_email"]) for row in csv.DictReader(file))
    for record in rows("papers/arxiv.jsonl"):
        assert re.fullmatch(r"\d{4}\.9\d{3,4}", record["id"])
    for document in rows("papers/ads.jsonl"):
        assert all(doi.startswith(("10.5555/", "10.48550/arXiv.")) for doi in document["doi"])
        assert len(document["bibcode"]) == 19
    assert all(record["versions"][-1]["date"][:10] <= "2026-11-25" for record in rows("papers/arxiv.jsonl"))


def test_identifiers_are_never_given_twice(rows: Rows) -> None:
    """arXiv numbers, bibcodes, internal numbers and journal DOIs are unique."""
    documents = rows("papers/ads.jsonl")
    for values in (
        [record["id"] for record in rows("papers/arxiv.jsonl")],
        [document["bibcode"] for document in documents],
        [document["id"] for document in documents],
        [doi for document in documents for doi in document["doi"]],
    ):
        assert len(set(values)) == len(values)


def test_no_two_papers_share_a_title(rows: Rows) -> None:
    """Papers of one series differ by their part: only records of one paper have one title."""
    titles = [paper["title"].lower() for paper in rows("truth.jsonl")]
    assert len(set(titles)) == len(titles)
    assert sum(". ii. " in title for title in titles) >= 5


def test_the_librarian_has_decided_two_thirds(rows: Rows, observatory: Path) -> None:
    """Decisions follow the truth, and leave the newest papers and a real queue on the desk."""
    decisions = json.loads((observatory / "decisions.json").read_text())
    truth = {paper["paper"]: paper for paper in rows("truth.jsonl")}
    for decision in decisions:
        paper = truth[decision["paper"]]
        assert decision["accept"] == (paper["codes"] if paper["relation"] == "science" else [])
        assert decision["relation"] == paper["relation"]
        assert decision["others"] in ("reject", "leave")
    assert 0.55 < len(decisions) / len(truth) < 0.8
    waiting = [p for name, p in truth.items() if name not in {d["paper"] for d in decisions}]
    assert max(paper["submitted_on"] for paper in waiting) == max(p["submitted_on"] for p in truth.values())


def test_faults_are_seeded(rows: Rows, observatory: Path) -> None:
    """Every promised fault is there: in the services, in the registry, among the records and the e-prints."""
    faults = {fault["kind"] for fault in json.loads((observatory / "faults.json").read_text())}
    assert faults == {"empty_page", "html", "truncated", "unavailable_wait"}
    assert MALFORMED_PROJECT in rows("projects.jsonl")
    assert [d["doctype"] for d in rows("papers/ads.jsonl")].count("hologram") == 1
    names = {paper["eprint"]: paper["arxiv_id"] for paper in rows("truth.jsonl")}
    folder = observatory / "papers" / "eprints"
    with tarfile.open(folder / f"{names['tar_escape']}.tar.gz") as archive:
        assert any(member.name.startswith("../") for member in archive)
    bomb = folder / f"{names['bomb']}.tar.gz"
    with tarfile.open(bomb) as archive:
        assert max(member.size for member in archive) > 500 * bomb.stat().st_size
    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument((folder / f"{names['broken_pdf']}.pdf").read_bytes())
