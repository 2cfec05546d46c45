"""Measuring today's proposals on what librarians decided."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from sqlmodel import select

from biblio.catalogue.links import Ruling, decide, relate
from biblio.errors import RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Candidate, DeskItem, PaperMatch
from biblio.store.words import RelationKind, Verdict
from biblio.verify.evaluating import evaluate, evaluated
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


def quiet(_done: int, _total: int) -> None:
    """No progress bar."""


def test_proposals_are_held_against_the_verdicts_in_force(runtime: Runtime) -> None:
    """Right, wrong, none of ours and never proposed each count where they belong; nothing is written."""
    judged(runtime)
    told = evaluated(runtime, quiet)
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
    plain: dict[str, Any] = json.loads(CliRunner().invoke(evaluate, ["--json"], obj=lambda: runtime).output)
    assert (plain["papers"], plain["missed"]) == (4, 1)
    assert plain["by_evidence"]["code"]["precision"] == 1.0


def test_nothing_to_measure_is_a_sentence(runtime: Runtime) -> None:
    """Without projects or verdicts the command says what is missing."""
    with pytest.raises(RequestRefused, match="There are no projects"):
        evaluated(runtime, quiet)
    with runtime.store.writing() as session:
        add_project(session)
    result = CliRunner().invoke(evaluate, [], obj=lambda: runtime)
    assert result.exit_code == 1
    assert "Nobody has decided" in result.output
