"""A kill at any moment of the match job: a second run ends in the same state as one clean run."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store import Store
from biblio.store.words import Outcome
from biblio.verify.proposing.match import match
from tests.verify.factories import add_mention, add_paper, add_project
from tests.verify.killing import run_and_kill

CHILD = """
import biblio.verify.proposing.match as job

job.BATCH = 3
done = 0

def reach(where):
    global done
    if where == place:
        done += 1
        if done == number:
            die()

class Dying(Store):
    @contextmanager
    def writing(self):
        reach("before")
        with super().writing() as session:
            yield session
            session.flush()
            reach("inside")
        reach("after")

run_job(site(Dying), job.match)
"""

CONTENT = {
    "candidate": """SELECT c.paper_id, p.code, c.look_again FROM candidate c JOIN project p ON p.id = c.project_id
        ORDER BY 1, 2""",
    "revision": """SELECT c.paper_id, p.code, r.score, r.band, r.digest, r.rules_digest, r.superseded_at IS NULL
        FROM candidate_revision r JOIN candidate c ON c.id = r.candidate_id JOIN project p ON p.id = c.project_id
        ORDER BY 1, 2, 5""",
    "evidence": """SELECT c.paper_id, p.code, e.ordinal, e.kind, e.value, e.contribution, e.sentence, e.quote, e.context
        FROM evidence_item e JOIN candidate_revision r ON r.id = e.revision_id JOIN candidate c ON c.id = r.candidate_id
        JOIN project p ON p.id = c.project_id ORDER BY 1, 2, 3""",
    "matched": "SELECT paper_id, digest FROM paper_match ORDER BY 1",
    "queue": """SELECT paper_id, open_count, band, score, why, rank, doubt, is_shown, is_at_press FROM desk_item
        ORDER BY 1""",
}


def _fill(store: Store) -> None:
    with store.writing() as session:
        for number in range(1, 6):
            add_project(
                session, f"2016.1.0000{number}.S", title=f"Gas in Tamsin {number}", targets=(f"Tamsin {number}",)
            )
        for number in range(1, 11):
            code = f"2016.1.0000{1 + number % 5}.S"
            paper = add_paper(session, title=f"On Tamsin {1 + number % 5}, part {number}", arxiv=f"1901.{number:05}")
            if number % 3:
                add_mention(session, paper, code)


def _content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.reading() as session:
        return {name: [tuple(row) for row in session.execute(sa.text(query))] for name, query in CONTENT.items()}


@pytest.mark.parametrize(("place", "number"), [("before", 2), ("inside", 2), ("after", 3), ("inside", 4)])
def test_a_killed_run_and_a_second_one_equal_one_clean_run(
    runtime: Runtime, place: str, number: int, tmp_path: Path, database_url: str
) -> None:
    """SIGKILL before, within and after several transactions: the next run ends where a clean one would."""
    _fill(runtime.store)
    run_and_kill(CHILD, database_url, place, number, tmp_path / "home")
    killed = _content(runtime.store)
    row = run_job(runtime, match)
    assert row.outcome is Outcome.SUCCEEDED, row.error
    resumed = _content(runtime.store)
    assert resumed["revision"]
    assert len(killed["matched"]) < len(resumed["matched"]) or place == "after"
    with runtime.store.writing() as session:  # the same facts, matched from nothing
        for table in ("desk_item", "paper_match", "evidence_item", "candidate_revision", "candidate"):
            session.execute(sa.text(f"DELETE FROM {table}"))
    assert run_job(runtime, match).outcome is Outcome.SUCCEEDED
    assert _content(runtime.store) == resumed
