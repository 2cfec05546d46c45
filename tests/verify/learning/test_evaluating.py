"""Measuring today's proposals on what librarians decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlmodel import select
from tqdm import tqdm

from biblio.catalogue.links import Ruling, decide, relate
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Candidate, DeskItem, PaperIdentifier, PaperMatch
from biblio.store.words import RelationKind, Scheme, Verdict
from biblio.verify.learning.evaluating import evaluate, evaluated
from tests.verify.factories import add_mention, add_paper, add_project, add_user


def judged(runtime: Runtime) -> None:
    """A right paper with its code, one that was refused, one that is none of ours, and a right one nobody would propose."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        ours = add_project(session)
        other = add_project(
            session, "2015.1.00400.S", title="Dust in Nowhere", pi="Ferreira, Sol", co_is=(), targets=("Qix 3",)
        )
        paper = add_paper(session)
        add_mention(session, paper, "2016.1.00001.S")
        refused = add_paper(session, title="More gas of Tamsin 7")
        strange = add_paper(session, title="Another sky", authors=("Nobody, N.",), abstract="Nothing of the kind.")
        none = add_paper(session, title="The gas of Tamsin 7 in a model")
        for number, project, verdict in (
            (paper, ours, Verdict.ACCEPT),
            (refused, ours, Verdict.REJECT),
            (strange, other, Verdict.ACCEPT),
        ):
            relation = RelationKind.SCIENCE if verdict is Verdict.ACCEPT else None
            decide(session, actor, Ruling(number, project, verdict, 0, relation), now=runtime.clock.now())
        relate(session, actor, paper_id=none, relation=RelationKind.NOT_OURS, now=runtime.clock.now())


def quiet() -> tqdm[Any]:
    """No progress bar."""
    return tqdm(disable=True)


def test_proposals_are_held_against_the_verdicts_in_force(runtime: Runtime) -> None:
    """Right, wrong, none of ours and never proposed each count where they belong; nothing is written."""
    judged(runtime)
    _, told = evaluated(runtime, quiet())
    with runtime.store.reading() as session:
        for model in (Candidate, PaperMatch, DeskItem):
            assert session.exec(select(model)).first() is None
    assert (told.figures.papers, told.figures.right, told.missed) == (4, 2, 1)
    assert told.by_kind["code"].called_right == 1
    assert sum(one.called_wrong + one.passed_wrong for one in told.by_kind.values()) == told.figures.pairs - 1
    assert told.figures.pairs >= 3


def test_the_command_prints_tables_or_json(runtime: Runtime) -> None:
    """Both say the same; the JSON is one object of plain numbers."""
    judged(runtime)
    shown = CliRunner().invoke(evaluate, ["--quiet"], obj=lambda: runtime)
    assert shown.exit_code == 0, shown.output
    assert "4 papers judged" in shown.output
    assert "2 right ones, 1 of them not proposed" in shown.output
    assert "called right (certain or likely): precision 0.333, recall 0.500" in shown.output
    assert shown.output.rstrip().endswith("(1 not proposed, counted as passed)")
    plain: dict[str, Any] = json.loads(CliRunner().invoke(evaluate, ["--json"], obj=lambda: runtime).output)
    assert (plain["papers"], plain["missed"]) == (4, 1)
    assert (plain["precision"], plain["recall"]) == (1 / 3, 0.5)
    assert plain["by_evidence"]["code"]["precision"] == 1.0


def test_nothing_to_measure_is_a_sentence(runtime: Runtime) -> None:
    """Without projects or verdicts the command says what is missing."""
    with pytest.raises(RequestRefused, match="There are no projects"):
        evaluated(runtime, quiet())
    with runtime.store.writing() as session:
        add_project(session)
    result = CliRunner().invoke(evaluate, [], obj=lambda: runtime)
    assert result.exit_code == 1
    assert "Nobody has decided" in result.output


def run(runtime: Runtime | None, *arguments: str) -> Any:
    """The command's JSON; without a runtime it must not ask for one."""

    def needed() -> Runtime:
        assert runtime is not None
        return runtime

    result = CliRunner().invoke(evaluate, ["--json", *arguments], obj=needed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_list_takes_the_place_of_the_verdicts(runtime: Runtime, tmp_path: Path) -> None:
    """Its pairs are judged; with --complete all other candidates are wrong; rows that cannot be used are told."""
    with runtime.store.writing() as session:
        add_project(session)
        add_project(session, "2016.1.00009.S")
        paper = add_paper(session)
        add_mention(session, paper, "2016.1.00001.S")
        session.add(
            PaperIdentifier(
                paper_id=paper,
                scheme=Scheme.BIBCODE,
                value="2019ApJ...999....1S",
                source="ads",
                learned_at=runtime.clock.now(),
            )
        )
    file = tmp_path / "list.csv"
    file.write_text(
        "code,bibcode\n2016.1.00001.S,2019ApJ...999....1S\nnonsense,2019ApJ...999....1S\n"
        "2016.1.00001.S,1999Nowh..999....1S\n2099.1.00001.S,2019ApJ...999....1S\n"
    )
    told = run(runtime, "--file", str(file))
    assert (told["papers"], told["pairs"], told["right"], told["missed"], told["refused"]) == (1, 1, 1, 0, 3)
    whole = run(runtime, "--file", str(file), "--complete")
    assert (whole["right"], whole["pairs"]) == (1, 2)


def test_printed_candidates_are_measured_without_a_database(tmp_path: Path) -> None:
    """Right, wrong, missed and none each count; a line that is no candidate is passed over and told."""
    candidates, truth = tmp_path / "c.jsonl", tmp_path / "truth.jsonl"
    pieces = [{"kind": "pi", "contribution": 2.0}, {"kind": "prior", "contribution": 9}, "?", {"kind": "x"}]
    lines = [
        {"paper": "a", "project": "P", "score": 0.9, "band": "likely", "evidence": pieces},
        {"paper": "a", "project": "Q", "score": 0.1, "band": "unlikely", "evidence": []},
        {"paper": "b", "project": "P", "score": 0.6, "band": "likely"},
        {"paper": "c", "project": "P", "score": 7, "band": "likely"},
    ]
    candidates.write_text("\n".join(json.dumps(line) for line in lines) + "\nnot JSON\n")
    truth.write_text('{"paper": "a", "project": "P"}\n{"paper": "d", "project": "R"}\n{"project": "R"}\n')
    told = run(None, "--file", str(truth), "--candidates", str(candidates), "--complete")
    assert (told["papers"], told["pairs"], told["right"], told["missed"], told["refused"]) == (3, 3, 2, 1, 3)
    assert told["by_evidence"]["pi"]["called_right"] == 1
    open_world = run(None, "--file", str(truth), "--candidates", str(candidates))
    assert (open_world["papers"], open_world["pairs"]) == (2, 1)


def test_list_and_candidates_confused_are_told(tmp_path: Path) -> None:
    """Figures of nothing would look like a bad matcher: no candidate among unreadable lines is an error."""
    candidates, truth = tmp_path / "c.jsonl", tmp_path / "truth.jsonl"
    candidates.write_text('{"paper": "a", "project": "P", "score": 0.9, "band": "likely"}\n')
    truth.write_text('{"paper": "a", "project": "P"}\n')
    result = invoked("--file", str(candidates), "--candidates", str(truth), "--complete")
    assert result.exit_code == 1
    assert "--file takes the list of what is right" in result.stderr
    assert result.stdout == ""


def invoked(*arguments: str) -> Any:
    """Run the command without a store and return what it printed."""
    return CliRunner().invoke(evaluate, ["--quiet", *arguments], obj=lambda: None)


@pytest.mark.parametrize(
    "line",
    [
        '{"paper": "p1", "project": "B", "score": 1' + "0" * 400 + ', "band": "likely"}',
        '{"paper": "p1", "project": "B", "score": 0.5, "band": "likely", "evidence": 5}',
        '{"paper": "p1", "project": "B", "score": 0.5, "band": "\\u001b[2J"}',
        '{"paper": "\\ud800", "project": "B", "score": 0.5, "band": "likely"}',
        '{"paper": "p1", "project": ["B"], "score": 0.5, "band": "likely"}',
        '{"paper": "p1", "project": "B", "score": true, "band": "likely"}',
        "[" * 100_000,
    ],
    ids=["huge score", "evidence", "band", "half a sign", "project", "truth", "deep"],
)
def test_a_hostile_candidate_costs_itself_only(tmp_path: Path, line: str) -> None:
    """A line that is no candidate is counted and named, whatever it holds; the others are measured."""
    candidates, truth = tmp_path / "c.jsonl", tmp_path / "truth.jsonl"
    good = {"paper": "p1", "project": "A", "score": 0.9, "band": "likely", "evidence": []}
    huge = (
        '{"paper": "p2", "project": "A", "score": 0.9, "band": "likely", "evidence": [{"kind": "pi", "contribution": 1'
    )
    candidates.write_text(f"{json.dumps(good)}\n{line}\n{huge}{'0' * 400}}}]}}\n")
    truth.write_text('{"paper": "p1", "project": "A"}\n{"paper": "p2", "project": "A"}\n')
    told = invoked("--file", str(truth), "--candidates", str(candidates), "--complete")
    assert told.exit_code == 0, told.output
    assert "2 papers judged: 2 proposed pairs, 2 right ones, 0 of them not proposed" in told.stdout
    assert "c.jsonl, row 2: " in told.stderr
    assert "nothing                  2 " in told.stdout
    assert "\x1b" not in told.output


@pytest.mark.parametrize("complete", [True, False])
def test_a_pair_counts_once(tmp_path: Path, complete: bool) -> None:
    """A paper whose candidates stand in two places, or a project named twice for it, is refused where it comes again."""
    candidates, truth = tmp_path / "c.jsonl", tmp_path / "truth.jsonl"
    lines = [
        {"paper": paper, "project": project, "score": score, "band": "likely", "evidence": []}
        for paper, project, score in (("p1", "A", 0.9), ("p1", "A", 0.8), ("p2", "B", 0.7), ("p1", "C", 0.6))
    ]
    candidates.write_text("\n".join(json.dumps(line) for line in lines))
    truth.write_text(
        '{"paper": "p1", "project": "A"}\n{"paper": "p1", "project": "C"}\n{"paper": "p2", "project": "B"}\n'
    )
    told = invoked(
        "--file", str(truth), "--candidates", str(candidates), "--json", *(["--complete"] if complete else [])
    )
    found = json.loads(told.stdout)
    assert (found["papers"], found["pairs"], found["right"], found["missed"], found["refused"]) == (2, 2, 3, 1, 2)
    assert "row 2: the project A stands here a second time for the paper p1" in told.stderr
    assert "row 4: the paper p1 stands here a second time" in told.stderr


def test_a_list_that_contradicts_itself_is_told(tmp_path: Path) -> None:
    """Of a pair that is accepted and rejected the first row counts, and the other is refused."""
    candidates, truth = tmp_path / "c.jsonl", tmp_path / "truth.jsonl"
    candidates.write_text(json.dumps({"paper": "p1", "project": "A", "score": 0.9, "band": "likely"}))
    truth.write_text(
        '{"paper": "p1", "project": "A", "verdict": "reject"}\n{"paper": "p1", "project": "A", "verdict": "accept"}\n'
    )
    told = invoked("--file", str(truth), "--candidates", str(candidates))
    assert "1 papers judged: 1 proposed pairs, 0 right ones" in told.stdout
    assert "row 2: an earlier row says the opposite of p1 and A" in told.stderr


def test_a_list_of_the_store_that_contradicts_itself_is_told(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """The same where the papers are in the store."""
    with sqlite_runtime.store.writing() as session:
        add_project(session)
        add_paper(session, doi="10.5072/tamsin.7")
    listed = tmp_path / "l.csv"
    listed.write_text(
        "code,doi,verdict\n2016.1.00001.S,10.5072/tamsin.7,accept\n2016.1.00001.S,10.5072/tamsin.7,reject\n"
    )
    labels, told = evaluated(sqlite_runtime, quiet(), listed)
    assert (told.figures.papers, told.figures.right, labels.refused) == (1, 1, 1)
    assert "says the opposite of 2016.1.00001.S" in labels.sentences[0]


def test_a_list_is_named_before_what_it_is_held_against() -> None:
    """--complete alone means nothing."""
    result = CliRunner().invoke(evaluate, ["--complete"], obj=lambda: None)
    assert result.exit_code == 2
    assert "name the list" in result.output
