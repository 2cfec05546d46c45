"""Trials of a model or of rules: what they show, what they leave alone, and what applying them does."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlmodel import SQLModel, col, select

from biblio import bulk
from biblio.catalogue.links import Ruling, decide, relate
from biblio.catalogue.merges import merge
from biblio.errors import NotFound, RequestRefused
from biblio.jobs import JobContext, run_job
from biblio.runtime import Runtime, checked_profile
from biblio.store import Store
from biblio.store.models import (
    AuditEntry,
    Candidate,
    CandidateRevision,
    DeskItem,
    JobRun,
    PaperMatch,
    RankingMeasure,
    RankingModel,
    RematchTrial,
    TrialPaper,
)
from biblio.store.words import ModelFinding, Outcome, RelationKind, TrialState, Verdict
from biblio.verify.learning import rematch as trials
from biblio.verify.learning.command import learn
from biblio.verify.learning.rematch import apply, open_trial, status
from biblio.verify.learning.rematch import rematch as job
from biblio.verify.learning.rematch_command import rematch
from biblio.verify.learning.rematch_report import BANDS, NONE, Report, report
from biblio.verify.proposing.match import match
from biblio.verify.proposing.ranking_models import adopt, in_force
from tests.verify.factories import SEEN, add_mention, add_paper, add_project, add_revision, add_user
from tests.verify.proposing.test_ranking_models import store_model, stump

HUMAN = ("decision", "link", "paper_relation")
"""What people did; no machine may change a byte of it."""

OWN = {"rematch_trial", "trial_paper", "job_run"}
"""A trial's own tables, and the log of runs."""


def fill(store: Store) -> None:
    """Six projects and fifteen papers: by a PI, by a co-I, with a printed code, of nobody; five are decided."""
    with store.writing() as session:
        actor = add_user(session)
        projects = [
            add_project(
                session,
                f"2016.1.0000{n}.S",
                title=f"Gas in Tamsin {n}",
                pi=f"Oduya{n}, Marit",
                co_is=(f"Quill{n}, Jonas", f"Brandvold{n}, Ilse"),
                targets=(f"Tamsin {n}",),
            )
            for n in range(1, 7)
        ]
        papers = []
        for n in range(15):
            place = 1 + n % 6
            team = (f"Oduya{place}, M.",), (f"Quill{place}, J.", f"Brandvold{place}, I."), ("Nobody, N.",)
            title = f"On Tamsin {place}, part {n}" if n % 2 else f"A sky, part {n}"
            papers.append(add_paper(session, title=title, authors=team[n % 3], arxiv=f"1901.{n:05}"))
            if n % 5 == 4:
                add_mention(session, papers[-1], f"2016.1.0000{place}.S")
        for n, verdict in ((0, Verdict.ACCEPT), (1, Verdict.REJECT), (4, Verdict.ACCEPT), (6, Verdict.UNSURE)):
            relation = RelationKind.SCIENCE if verdict is Verdict.ACCEPT else None
            decide(session, actor, Ruling(papers[n], projects[n % 6], verdict, 0, relation), now=SEEN)
        relate(session, actor, paper_id=papers[3], relation=RelationKind.NOT_OURS, now=SEEN)


@pytest.fixture
def desk(runtime: Runtime) -> Runtime:
    """A desk in step with its papers, and a model nobody has put in force."""
    fill(runtime.store)
    assert run_job(runtime, match).outcome is Outcome.SUCCEEDED
    with runtime.store.writing() as session:
        store_model(session, runtime.rules)
    return runtime


def tried(runtime: Runtime, **arguments: Any) -> JobRun:
    """Run the trial; its row, which must have ended well."""
    row = run_job(runtime, job, arguments={"model": stump().version, **arguments})
    assert row.outcome is Outcome.SUCCEEDED, row.error
    return row


def the_trial(runtime: Runtime) -> RematchTrial:
    """The trial there is."""
    with runtime.store.reading() as session:
        trial = open_trial(session)
    assert trial is not None
    return trial


def content(store: Store, leave: set[str] = frozenset()) -> dict[str, list[tuple[Any, ...]]]:  # type: ignore[assignment]
    """Every row of every table but some."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in leave]
    with store.reading() as session:
        return {
            table.name: sorted(tuple(map(repr, row)) for row in session.execute(sa.select(table))) for table in tables
        }


def current(runtime: Runtime) -> dict[tuple[int, int], str]:
    """The band of every candidate on the desk."""
    with runtime.store.reading() as session:
        rows = session.execute(
            sa.select(col(Candidate.paper_id), col(Candidate.project_id), col(CandidateRevision.band))
            .join(CandidateRevision, col(CandidateRevision.candidate_id) == col(Candidate.id))
            .where(col(CandidateRevision.superseded_at).is_(None))
        )
        return {(paper, project): band.value for paper, project, band in rows}


def waiting(runtime: Runtime) -> set[int]:
    """The papers that are in the queue."""
    with runtime.store.reading() as session:
        return set(session.exec(select(DeskItem.paper_id).where(col(DeskItem.is_shown))))


def flags(runtime: Runtime) -> int:
    """How many candidates are to be looked at again."""
    with runtime.store.reading() as session:
        return session.exec(select(sa.func.count()).select_from(Candidate).where(col(Candidate.look_again))).one()


def found_in(runtime: Runtime) -> list[tuple[int, str, Any]]:
    """What the trial holds."""
    with runtime.store.reading() as session:
        rows = session.exec(select(TrialPaper).order_by(col(TrialPaper.paper_id)))
        return [(row.paper_id, row.digest, row.changes) for row in rows]


def command(runtime: Runtime, *options: str) -> Result:
    """``biblio rematch``."""
    return CliRunner().invoke(rematch, list(options), obj=lambda: runtime)


def test_a_trial_writes_to_its_own_tables_alone(desk: Runtime) -> None:
    """Candidates, queue, models, audit and what people did are byte for byte as before."""
    before = content(desk.store, OWN)
    tried(desk)
    assert len(found_in(desk)) == 15
    report(desk, the_trial(desk))
    assert content(desk.store, OWN) == before


def test_what_a_trial_shows_is_what_applying_does(desk: Runtime) -> None:
    """New, gone and moved candidates and the queue: predicted before, counted after; no verdict and no flag changes."""
    before, queue, human = current(desk), waiting(desk), _human(desk)
    tried(desk)
    told = report(desk, the_trial(desk))
    flagged = flags(desk)
    with desk.store.writing() as session:
        head = add_user(session, "ada")
    apply(desk, head)
    assert run_job(desk, match).outcome is Outcome.SUCCEEDED
    after = current(desk)
    pairs = Counter((before.get(pair, NONE), after.get(pair, NONE)) for pair in {*before, *after})
    assert told.bands == pairs
    assert sum(pairs[one, other] for one in BANDS for other in BANDS if one != other) > 5
    assert (told.newly_waiting, told.no_longer_waiting) == (len(waiting(desk) - queue), len(queue - waiting(desk)))
    assert told.newly_waiting + told.no_longer_waiting > 0
    assert flags(desk) == flagged
    assert _human(desk) == human
    with desk.store.reading() as session:
        ranking = in_force(session, desk.rules)
        actions = session.exec(select(AuditEntry.action, AuditEntry.actor_id)).all()
    assert ranking.model is not None
    assert ranking.model.version == stump().version
    assert (trials.APPLIED, head.user_id) in actions
    assert the_last(desk).state is TrialState.APPLIED
    assert found_in(desk) == []


def _human(runtime: Runtime) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows for name, rows in content(runtime.store).items() if name in HUMAN}


def the_last(runtime: Runtime) -> RematchTrial:
    """The newest trial, whatever became of it."""
    with runtime.store.reading() as session:
        return session.exec(select(RematchTrial).order_by(col(RematchTrial.id).desc())).first()  # type: ignore[return-value]


def test_decided_pairs_are_measured_before_and_after(desk: Runtime) -> None:
    """The model that believes in PIs: figures of both sides over the same papers, right projects counted once."""
    tried(desk)
    told = report(desk, the_trial(desk)).plain()
    before, after = told["decided"]["before"], told["decided"]["after"]
    assert before["papers"] == after["papers"] == 4
    assert before["right"] == after["right"] == 2
    assert before["pairs"] >= 3
    assert 0 < before["recall"] <= 1
    assert before["precision"] != after["precision"]


def test_a_trial_of_what_is_in_force_changes_nothing(desk: Runtime) -> None:
    """``now`` under unchanged rules: no candidate moves, nobody newly waits."""
    tried(desk, model="now")
    told = report(desk, the_trial(desk))
    assert (told.new(), told.gone(), told.moved(), told.papers_changed) == (0, 0, 0, 0)
    assert (told.newly_waiting, told.no_longer_waiting) == (0, 0)
    assert told.largest == []
    assert told.waiting == len(waiting(desk))


def test_the_newest_better_model_is_tried_unless_another_is_named(desk: Runtime) -> None:
    """Without a measure: what is in force; with one that says better: that model; one measured against another: not."""
    run_job(desk, job)
    assert the_trial(desk).counts["version"] is None
    with desk.store.writing() as session:
        model = session.exec(select(RankingModel)).one()
        assert model.id is not None
        measure = RankingMeasure(model_id=model.id, finding=ModelFinding.BETTER, measured_at=SEEN)
        session.add(measure)
    run_job(desk, job)
    assert the_trial(desk).counts["version"] == stump().version
    with desk.store.writing() as session:
        adopt(session, add_user(session, "ada"), model.id, reason="", now=SEEN)
    row = run_job(desk, job)
    assert the_trial(desk).counts["version"] == stump().version, row.error
    assert run_job(desk, job, arguments={"model": "profile"}).outcome is Outcome.SUCCEEDED
    assert the_trial(desk).counts["version"] is None


def test_another_trial_takes_the_place_of_the_first(desk: Runtime) -> None:
    """One waits at a time; the dropped one stays in the history without its papers."""
    tried(desk)
    row = tried(desk, model="profile")
    assert "was dropped for this one" in row.counts["notes"][0]
    with desk.store.reading() as session:
        states = [trial.state for trial in session.exec(select(RematchTrial).order_by(col(RematchTrial.id)))]
        papers = set(session.exec(select(TrialPaper.trial_id)))
    assert states == [TrialState.DROPPED, TrialState.READY]
    assert papers == {the_trial(desk).id}


def test_applying_refuses_a_trial_that_projects_have_moved_on_from(desk: Runtime) -> None:
    """A new project changes what all papers are compared with: nothing changes, the message says what to do."""
    tried(desk)
    before = content(desk.store)
    with desk.store.writing() as session:
        add_project(session, "2017.1.00009.S")
    with pytest.raises(RequestRefused, match=r"the project list has changed.*run `biblio rematch` again"):
        apply(desk, add_head(desk))
    assert content(desk.store)["candidate_revision"] == before["candidate_revision"]
    assert tried(desk).counts["tried"] == 15
    apply(desk, add_head(desk, "eva"))


def add_head(runtime: Runtime, username: str = "ada") -> Any:
    """A person who may apply."""
    with runtime.store.writing() as session:
        return add_user(session, username)


def test_applying_refuses_newer_papers_and_a_second_run_tries_these_alone(desk: Runtime) -> None:
    """New facts of one paper and one new paper: two are tried again, then it can be applied."""
    tried(desk)
    with desk.store.writing() as session:
        session.execute(sa.text("UPDATE paper_revision SET superseded_at = learned_at WHERE paper_id = 2"))
        add_revision(session, 2, authors=("Oduya1, M.",), title="Mended")
        add_paper(session, title="One more")
    with pytest.raises(RequestRefused, match="2 papers are new or have changed"):
        apply(desk, add_head(desk))
    assert tried(desk).counts["tried"] == 2
    apply(desk, add_head(desk, "eva"))


def test_papers_that_were_merged_leave_the_trial(desk: Runtime) -> None:
    """The survivor is tried anew, the other is no paper of its own any more."""
    tried(desk)
    with desk.store.writing() as session:
        merge(session, add_user(session, "ada"), kept_id=1, merged_id=2, reason="one", now=desk.clock.now())
    assert tried(desk).counts["tried"] == 1
    assert [paper for paper, _, _ in found_in(desk)] == [1, *range(3, 16)]


def test_rules_are_tried_from_a_folder_and_applied_once_they_are_in_force(
    sqlite_runtime: Runtime, tmp_path: Path
) -> None:
    """A copy of the profile with another limit: shown at once; applied only where those rules have become today's."""
    desk = sqlite_runtime
    fill(desk.store)
    run_job(desk, match)
    folder = tmp_path / "stricter"
    shutil.copytree(desk.profile.folder, folder)
    rules = folder / "rules.toml"
    bands = desk.profile.rules["bands"]
    text, number = re.subn(r"(?m)^likely = .*$", f"likely = {bands['certain'] - 0.001}", rules.read_text("utf-8"))
    assert number == 1
    rules.write_text(text, "utf-8")
    shown = command(desk, "--profile", str(folder), "--model", "now", "--quiet")
    assert shown.exit_code == 0, shown.output
    assert report(desk, the_trial(desk)).moved() > 0
    refused = command(desk, "--apply")
    assert refused.exit_code == 1
    assert f"of the rules in {folder}, and those in force are others" in " ".join(refused.output.split())
    stricter = replace(desk, profile=checked_profile(str(folder)))
    assert "0 changed" not in command(stricter, "--apply", "--quiet").output
    assert the_last(desk).state is TrialState.APPLIED


@pytest.mark.parametrize("folder", ["/nowhere", "eso"])
def test_a_profile_that_cannot_be_tried_is_refused(sqlite_runtime: Runtime, folder: str) -> None:
    """No profile, or one of another observatory."""
    row = run_job(sqlite_runtime, job, arguments={"profile": folder})
    assert row.outcome is Outcome.FAILED
    assert folder in (row.error or "")


def test_applying_refuses_rules_that_are_not_those_that_were_tried(desk: Runtime) -> None:
    """Rules changed in place since the trial: said, and nothing changes."""
    bands = desk.profile.rules["bands"]
    rules = {**desk.profile.rules, "bands": {**bands, "likely": bands["certain"] - 0.001}}
    other = replace(desk, profile=desk.profile.model_copy(update={"rules": rules}))
    tried(desk, model="now")
    with pytest.raises(RequestRefused, match="rules, keywords or code grammar have changed"):
        apply(other, add_head(desk))
    apply(desk, add_head(desk, "eva"))


def test_a_running_or_missing_trial_is_not_applied(desk: Runtime) -> None:
    """Nothing to apply, and a trial that was cut short, are told apart."""
    with pytest.raises(NotFound, match="no trial to apply"):
        apply(desk, add_head(desk))
    tried(desk)
    with desk.store.writing() as session:
        session.exec(select(RematchTrial)).one().state = TrialState.RUNNING
    with pytest.raises(RequestRefused, match="not come to its end"):
        apply(desk, add_head(desk, "eva"))
    assert any("goes on" in line for line in status(desk))


def test_an_applied_trial_goes_on_to_match(desk: Runtime) -> None:
    """A kill between applying and matching: giving the command again matches what is left, and applies nothing twice."""
    tried(desk)
    apply(desk, add_head(desk))
    done = command(desk, "--apply", "--quiet")
    assert done.exit_code == 0, done.output
    assert "15 papers matched" in done.output
    with desk.store.reading() as session:
        assert len(session.exec(select(AuditEntry).where(col(AuditEntry.action) == trials.APPLIED)).all()) == 1
    with desk.store.writing() as session:
        session.execute(sa.delete(PaperMatch).where(col(PaperMatch.paper_id) > 12))
    again = command(desk, "--apply", "--json")
    assert json.loads(again.stdout)["match"]["matched"] == 3


def test_a_model_from_a_file_is_stored_when_it_is_applied(desk: Runtime, tmp_path: Path) -> None:
    """The trial stores no model; applying does, once, and puts it in force. A damaged file is refused by name."""
    other = stump(high=6.0)
    file = tmp_path / "model.json"
    file.write_text(other.text(), "utf-8")
    tried(desk, model=str(file))
    with desk.store.reading() as session:
        assert len(session.exec(select(RankingModel)).all()) == 1
    apply(desk, add_head(desk))
    with desk.store.reading() as session:
        ranking = in_force(session, desk.rules)
        assert ranking.model is not None
        assert ranking.model.version == other.version
        assert len(session.exec(select(RankingModel)).all()) == 2
    file.write_text("{}", "utf-8")
    row = run_job(desk, job, arguments={"model": str(file)})
    assert row.outcome is Outcome.FAILED
    assert "model.json cannot be used" in (row.error or "")


def test_what_a_file_says_of_itself_harms_nothing(desk: Runtime, tmp_path: Path) -> None:
    """Words where counts belong, signs no database holds, and lists in lists: only counts are kept of them."""
    plain = stump(high=6.0).plain()
    plain["about"] = {"papers": "<b>many", "verdicts": "\0", "cited": "\ud800", "pairs": [[1]], "none": -1, "right": 7}
    file = tmp_path / "model.json"
    file.write_text(json.dumps(plain), "utf-8")
    tried(desk, model=str(file))
    apply(desk, add_head(desk))
    with desk.store.reading() as session:
        ranking = in_force(session, desk.rules)
        assert ranking.model_id is not None
        assert session.get_one(RankingModel, ranking.model_id).learned_from == {"right": 7}
    listed = CliRunner().invoke(learn, ["--list"], obj=lambda: desk)
    assert listed.exit_code == 0, listed.output
    assert stump(high=6.0).version in listed.output


@pytest.mark.parametrize(
    "content", [b"1" * 5000, b"\xff\xfe", b"[" * 200_000, b"{}"], ids=["digits", "bytes", "deep", "{}"]
)
def test_a_hostile_file_is_one_sentence(sqlite_runtime: Runtime, tmp_path: Path, content: bytes) -> None:
    """Whatever stands in it, the run fails with its name and nothing is kept."""
    fill(sqlite_runtime.store)
    file = tmp_path / "model.json"
    file.write_bytes(content)
    row = run_job(sqlite_runtime, job, arguments={"model": str(file)})
    assert (row.outcome, f"The model {file} cannot be used" in (row.error or "")) == (Outcome.FAILED, True), row.error
    with sqlite_runtime.store.reading() as session:
        assert open_trial(session) is None


def test_a_file_too_large_for_a_model_is_not_read(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its size alone tells."""
    fill(sqlite_runtime.store)
    file = tmp_path / "model.json"
    file.write_text(stump().text(), "utf-8")
    monkeypatch.setattr(trials, "LARGEST_FILE", 100)
    row = run_job(sqlite_runtime, job, arguments={"model": str(file)})
    assert "too large for a model" in (row.error or "")


def test_a_trial_that_is_dropped_while_it_ends_stays_dropped(desk: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last step of a run does not raise it again."""
    end = trials._end

    def dropped_first(context: JobContext, trial_id: int) -> None:
        with desk.store.writing() as session:
            trials.drop(session, session.get_one(RematchTrial, trial_id), now=desk.clock.now())
        end(context, trial_id)

    monkeypatch.setattr(trials, "_end", dropped_first)
    row = run_job(desk, job, arguments={"model": "now"})
    assert (row.outcome, "dropped while it ran" in (row.error or "")) == (Outcome.FAILED, True)
    with desk.store.reading() as session:
        assert session.exec(select(RematchTrial)).one().state is TrialState.DROPPED


def test_dropping_at_the_moment_of_applying_finds_nothing(desk: Runtime) -> None:
    """Who comes second waits, and is told; an applied trial is not called dropped."""
    tried(desk)
    trial_id, actor = the_trial(desk).id, add_head(desk)
    assert trial_id is not None
    with ThreadPoolExecutor(1) as second:
        with desk.store.writing() as session:
            trials._put_in_force(session, desk, trial_id, actor)
            dropping = second.submit(command, desk, "--drop")
            with pytest.raises(TimeoutError):
                dropping.result(timeout=0.3)
        done = dropping.result(timeout=30)
    assert done.exit_code == 1
    assert "no trial to drop" in done.output
    with desk.store.reading() as session:
        assert session.exec(select(RematchTrial)).one().state is TrialState.APPLIED


def test_who_dropped_a_trial_is_kept(desk: Runtime) -> None:
    """The audit log names the person, as it does for applying."""
    tried(desk)
    head = add_head(desk)
    assert command(desk, "--drop", "--as", "ada").exit_code == 0
    with desk.store.reading() as session:
        entry = session.exec(select(AuditEntry).where(col(AuditEntry.action) == trials.DROPPED)).one()
    assert (entry.actor_id, entry.subject) == (head.user_id, f"trial 1: model {stump().version}")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [({"model": "nosuch"}, "There is no model 'nosuch'"), ({"executor": "slurm"}, "not 'slurm'")],
)
def test_what_cannot_be_tried_is_one_sentence(desk: Runtime, arguments: dict[str, str], sentence: str) -> None:
    """An unknown model or executor fails the run with the reason."""
    row = run_job(desk, job, arguments=arguments)
    assert row.outcome is Outcome.FAILED
    assert sentence in (row.error or "")


@pytest.mark.parametrize("arguments", [{"workers": "many"}, {"workers": 0.5}, {"everything": "yes"}])
def test_arguments_it_cannot_use_are_no_run(desk: Runtime, arguments: dict[str, Any]) -> None:
    """Wrong words are refused before anything begins."""
    with pytest.raises(RequestRefused):
        run_job(desk, job, arguments=arguments)


@pytest.mark.filterwarnings("ignore")
def test_dask_finds_what_this_process_finds(sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows from a Dask cluster on this machine."""
    monkeypatch.setattr(trials, "SHARD", 4)
    fill(sqlite_runtime.store)
    with sqlite_runtime.store.writing() as session:
        store_model(session, sqlite_runtime.rules)
    tried(sqlite_runtime)
    here = found_in(sqlite_runtime)
    assert command(sqlite_runtime, "--drop").exit_code == 0
    tried(sqlite_runtime, executor="dask", workers=2)
    assert found_in(sqlite_runtime) == here


def test_processes_find_the_same_and_are_handed_no_address_and_no_secret(
    sqlite_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same rows from two processes; neither the database's address nor the server's secret leaves this one."""
    monkeypatch.setattr(trials, "SHARD", 4)
    desk, sent = sqlite_runtime, list[bytes]()
    fill(desk.store)

    class Watched(bulk.Processes):
        def __init__(self, workers: int, initializer: Any, initargs: tuple[Any, ...]) -> None:
            sent.append(pickle.dumps((initializer, initargs)))
            super().__init__(workers, initializer, initargs)

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            sent.append(pickle.dumps((fn, args, kwargs)))
            return super().submit(fn, *args, **kwargs)

    monkeypatch.setattr(bulk, "Processes", Watched)
    tried(desk, model="now")
    here = found_in(desk)
    assert command(desk, "--drop").exit_code == 0
    tried(desk, model="now", workers=2)
    assert found_in(desk) == here
    assert len(sent) == 5
    assert desk.settings.secret_key is not None
    for packed in sent:
        assert str(desk.settings.database).encode() not in packed
        assert b"alone.db" not in packed
        assert desk.settings.secret_key.get_secret_value().encode() not in packed
    assert b"Tamsin" in b"".join(sent)


def test_papers_that_kill_their_worker_are_named_and_the_rest_is_tried(
    desk: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece that was given up: the trial is not ready until it was tried, the others are there."""
    monkeypatch.setattr(trials, "SHARD", 5)

    class Hands:
        def as_done(self, work: Any, pieces: Iterator[Any]) -> Iterator[Any]:
            for number, piece in enumerate(pieces):
                yield piece, bulk.Lost(piece) if number == 1 else work(desk_world.proposer, piece)

    class Crew:
        def __enter__(self) -> Hands:
            return Hands()

        def __exit__(self, *_: object) -> None:
            pass

    desk_world = trials.tried(desk, stump().version).world
    with monkeypatch.context() as patched:
        patched.setattr(trials, "crew", lambda *_: Crew())
        row = tried(desk)
    assert (row.counts["given up"], row.counts["tried"]) == (5, 10)
    assert "Papers 6 to 10 stopped the process" in row.counts["notes"][0]
    assert the_trial(desk).state is TrialState.RUNNING
    assert tried(desk).counts["tried"] == 5
    assert the_trial(desk).state is TrialState.READY


def test_the_command_tries_shows_applies_and_drops(desk: Runtime) -> None:
    """One after another as a librarian would; the tables name papers, projects and both bands."""
    add_head(desk)
    shown = command(desk, "--model", stump().version[:8], "--quiet", "--as", "ada", "--most", "3")
    assert shown.exit_code == 0, shown.output
    assert "15 papers" in shown.output
    assert "what people decided" in shown.output
    changes = shown.output.split("The largest changes:\n")[1].split("\n\n")[0].splitlines()
    assert len(changes) == 3
    assert all("2016.1.0000" in line and "→" in line and "1901." in line for line in changes)
    assert any(stump().version in line and "--apply" in line for line in status(desk))
    told = json.loads(command(desk, "--show", "--json").stdout)
    assert told["candidates"]["new"] + told["candidates"]["gone"] + told["candidates"]["changed_band"] > 5
    assert told["papers"] == 15
    assert command(desk, "--apply", "--quiet", "--as", "ada").exit_code == 0
    assert list(status(desk)) == []
    nothing = command(desk, "--show")
    assert nothing.exit_code == 1
    assert "There is no trial" in nothing.output
    assert command(desk, "--drop").exit_code == 1


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--apply", "--drop"], 2, "one of --show, --apply and --drop"),
        (["--apply", "--model", "profile"], 2, "A model or profile is tried first"),
        (["--as", "nobody"], 1, "There is no user"),
        (["--model", "nosuch", "--quiet"], 1, "There is no model"),
    ],
)
def test_wrong_usage_is_told(sqlite_runtime: Runtime, options: list[str], code: int, sentence: str) -> None:
    """What does not go together, and names there are none of."""
    fill(sqlite_runtime.store)
    result = command(sqlite_runtime, *options)
    assert result.exit_code == code
    assert sentence in " ".join(result.output.split())


def test_an_empty_report_can_be_told(sqlite_runtime: Runtime) -> None:
    """Nobody decided, nothing matched: zeros and a sentence, as JSON too."""
    assert Report().plain()["decided"] is None
    with sqlite_runtime.store.writing() as session:
        add_project(session)
    shown = command(sqlite_runtime, "--quiet")
    assert shown.exit_code == 0, shown.output
    assert "Nobody has decided" in shown.output
