"""``biblio learn`` at the keyboard: what it prints, writes, refuses, and how a model comes into force and goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlmodel import col, select

from biblio.catalogue.actor import Actor
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, RankingChoice, RankingModel, UserAccount
from biblio.store.words import ModelFinding, Role
from biblio.verify.learning.command import learn
from biblio.verify.proposing.ranking_models import in_force
from matching.trees import Model
from tests.verify.factories import add_user
from tests.verify.lessons import fill

pytestmark = pytest.mark.usefixtures("small_models")


def run(runtime: Runtime, *arguments: str) -> Result:
    """Run the command without a bar."""
    return CliRunner().invoke(learn, ["--quiet", *arguments], obj=lambda: runtime)


def plain(runtime: Runtime, *arguments: str) -> dict[str, Any]:
    """Run it with ``--json`` and return the object."""
    result = run(runtime, "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def ranked_by(runtime: Runtime) -> str | None:
    """The version of what ranks now."""
    with runtime.store.reading() as session:
        model = in_force(session, runtime.rules).model
    return None if model is None else model.version


def test_it_prints_both_beside_each_other_and_what_to_do(sqlite_runtime: Runtime) -> None:
    """Before and after stand in one table over the same papers; the model is ready and not in force."""
    actor = fill(sqlite_runtime)
    result = run(sqlite_runtime, "--as", "vera")
    assert result.exit_code == 0, result.output
    now, new = (line.split() for line in result.output.splitlines() if line.startswith(("now:", "new:")))
    assert now[1] == "profile"
    assert now[2] == new[2]
    assert float(new[5]) > float(now[5])
    assert f"biblio rematch --model {new[1]}" in result.output
    assert ranked_by(sqlite_runtime) is None
    with sqlite_runtime.store.reading() as session:
        stored = session.exec(select(RankingModel)).one()
        assert (stored.version, stored.fitted_by_id) == (new[1], actor.user_id)


def test_a_dry_run_stores_nothing_and_writes_the_same_model(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """The file of a dry run is the model that a real run stores, and it can be read again."""
    fill(sqlite_runtime)
    file = tmp_path / "model.json"
    told = plain(sqlite_runtime, "--dry-run", "--model", str(file))
    assert (told["stored"], told["adopted"], told["finding"]) == (False, False, "better")
    assert Model.from_text(file.read_text(encoding="utf-8")).version == told["model"]
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(RankingModel)).first() is None
    plain(sqlite_runtime)
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(RankingModel)).one().text == file.read_text(encoding="utf-8")


def test_a_better_model_is_adopted_and_taken_back(runtime: Runtime) -> None:
    """--adopt and --back change what ranks, say so, and stand in the audit log under the name that was given."""
    actor = fill(runtime)
    assert run(runtime, "--back").exit_code == 1
    told = plain(runtime, "--adopt", "--as", "vera")
    assert told["adopted"]
    assert ranked_by(runtime) == told["model"]
    again = run(runtime, "--adopt")
    assert again.exit_code == 0, again.output
    assert "stays in force" in again.output
    assert "the profile's weights" in run(runtime, "--back", "--as", "vera").output
    assert ranked_by(runtime) is None
    assert plain(runtime, "--back") == {"in_force": f"model {told['model']}"}
    with runtime.store.reading() as session:
        audit = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        assert [entry.actor_id for entry in audit] == [actor.user_id, actor.user_id, None]
        assert audit[2].details["by"] == "command line"
    listed = plain(runtime, "--list")
    assert [one["model"] for one in listed["models"]] == [told["model"]]
    assert [choice["until"] is None for choice in listed["choices"]] == [True, False, False]
    shown = run(runtime, "--list").output
    assert told["model"] in shown
    assert "Back to what ranked before." in shown


@pytest.mark.parametrize("finding", [ModelFinding.NOT_BETTER, ModelFinding.UNTOLD])
def test_what_is_not_better_is_adopted_only_when_a_person_insists(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, finding: ModelFinding
) -> None:
    """--adopt alone leaves what ranks and ends with 1; with --anyway the reason is kept."""
    monkeypatch.setattr("biblio.verify.learning.fitting._finding", lambda *_: (finding, "So it is."))
    fill(sqlite_runtime)
    refused = run(sqlite_runtime, "--adopt")
    assert refused.exit_code == 1
    assert "--anyway" in refused.output
    assert ranked_by(sqlite_runtime) is None
    assert run(sqlite_runtime, "--adopt", "--anyway").exit_code == 0
    assert ranked_by(sqlite_runtime) is not None
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(RankingChoice)).one().reason == "Adopted anyway. So it is."


def test_too_little_to_learn_from_ends_with_one(sqlite_runtime: Runtime) -> None:
    """A sentence says what is missing: first projects, then verdicts."""
    assert "no projects" in run(sqlite_runtime).output
    fill(sqlite_runtime, 10)
    result = run(sqlite_runtime)
    assert result.exit_code == 1
    assert "At least 50 are needed" in result.output
    assert "no model was ever chosen" in run(sqlite_runtime, "--list").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("--back", "--adopt"),
        ("--list", "--dry-run"),
        ("--back", "--list"),
        ("--list", "--model", "m.json"),
        ("--anyway",),
        ("--dry-run", "--adopt"),
    ],
)
def test_options_that_contradict_each_other_are_refused(sqlite_runtime: Runtime, arguments: tuple[str, ...]) -> None:
    """Nothing is guessed: the usage says which."""
    result = run(sqlite_runtime, *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.output


def test_only_active_librarians_and_admins_choose(sqlite_runtime: Runtime) -> None:
    """Unknown and deactivated people and other roles are refused before anything is fitted."""
    with sqlite_runtime.store.writing() as session:
        add_user(session, "mona", Role.MANAGER)
        gone: Actor = add_user(session, "gone")
        session.get_one(UserAccount, gone.person_id()).is_active = False
    for username in ("mona", "gone", "nobody"):
        result = run(sqlite_runtime, "--as", username)
        assert result.exit_code == 1
        assert username in result.output


def test_a_file_that_cannot_be_written_is_said(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sentence names the file before anything is fitted, and nothing is stored."""
    fill(sqlite_runtime)
    monkeypatch.setattr("biblio.verify.learning.command.learned", lambda *_: pytest.fail("it was fitted in vain"))
    assert run(sqlite_runtime, "--model", str(tmp_path)).exit_code == 2
    result = run(sqlite_runtime, "--model", str(tmp_path / "nowhere" / "m.json"))
    assert result.exit_code == 1
    assert "nowhere" in result.output
    with sqlite_runtime.store.reading() as session:
        assert session.exec(select(RankingModel)).first() is None
