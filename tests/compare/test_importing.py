"""An imported list is whole or not at all; its counts add up; it can be taken back."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from biblio.catalogue.actor import Actor
from biblio.clock import FixedClock
from biblio.compare import importing
from biblio.compare.importing import Wanted, check_name, in_force, take_import_back, try_list
from biblio.compare.reading import open_list
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, ComparisonList, ComparisonRow
from harvesters.errors import SourceStopped
from tests.compare.conftest import A, B, Bring
from tests.factories import add_user

LIST = f"""bibcode,doi,title,programid,verdict
2019ApJ...900....1C,,Rings,{A},
2019ApJ...900....1C,10.9999/Rings,,"{B} : Europe",
2019arXiv190100001C,,A preprint,nonsense-2019,
,https://doi.org/10.9999/TORUS,=1+1,,accept
2021MNRAS.500....1D,,,{A},reject
,,nothing,,
"""
"""Two rows of one paper, a preprint with a wrong code, a DOI, a rejected pair, and a row without a name."""


def rows_of(runtime: Runtime, name: str = "telbib") -> dict[str, ComparisonRow]:
    """Return the rows of the list in force, by identifier."""
    with runtime.store.reading() as session:
        there = in_force(session, name)
        assert there is not None
        rows = session.exec(select(ComparisonRow)).all()
        return {row.key: row for row in rows if row.list_id == there.id}


def test_every_row_is_accounted_for(runtime: Runtime, bring: Bring) -> None:
    """Read = kept + same again + rejected there + refused; identifiers and codes are in their one spelling."""
    counts = bring(LIST)
    assert (counts.read, counts.kept, counts.repeated, counts.left_out, counts.refused) == (6, 3, 1, 1, 1)
    assert (counts.with_codes, counts.wrong_codes) == (1, 1)
    assert [place for place, _ in counts.refusals] == ["row 4", "row 7"]
    rows = rows_of(runtime)
    assert set(rows) == {"2019ApJ...900....1C", "2019arXiv190100001C", "doi:10.9999/torus"}
    article = rows["2019ApJ...900....1C"]
    assert (article.doi, article.title, article.codes.split()) == ("10.9999/rings", "Rings", [A, B])
    assert rows["2019arXiv190100001C"].arxiv == "1901.00001"
    with runtime.store.reading() as session:
        noted = session.exec(select(AuditEntry)).one()
    assert (noted.action, noted.details["kept"]) == ("compare.import", 3)


def test_a_dry_run_says_the_same_and_stores_nothing(runtime: Runtime, bring: Bring, tmp_path: Path) -> None:
    """The counts of a dry run are those of the import after it."""
    (tmp_path / "list.csv").write_text(LIST)
    with open_list(tmp_path / "list.csv") as opened:
        tried = try_list(runtime, opened, Wanted("telbib", "list.csv", Actor(None, "test")))
    with runtime.store.reading() as session:
        assert session.exec(select(ComparisonList)).all() == []
    assert tried == bring(LIST)


def test_rows_of_one_paper_meet_over_batches(runtime: Runtime, bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows a transaction holds, a paper is one row with the codes of all of its rows."""
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    counts = bring(LIST)
    assert (counts.kept, counts.repeated, counts.with_codes) == (3, 1, 1)
    assert rows_of(runtime)["2019ApJ...900....1C"].codes.split() == [A, B]


def test_a_new_import_replaces_the_list_and_can_be_taken_back(runtime: Runtime, bring: Bring) -> None:
    """Undo puts the list before it in force; of older ones only the counts are kept."""
    for bibcode in ("2019ApJ...900....1C", "2020ApJ...900....1C", "2021ApJ...900....1C"):
        bring(f"bibcode\n{bibcode}\n")
    assert set(rows_of(runtime)) == {"2021ApJ...900....1C"}
    with runtime.store.writing() as session:
        ines = add_user(session)
        there = in_force(session, "telbib")
        assert there is not None
        assert there.id is not None
        before = take_import_back(session, ines, there.id, now=runtime.clock.now())
        assert before is not None
        with pytest.raises(Stale):
            take_import_back(session, ines, there.id, now=runtime.clock.now())
        with pytest.raises(NotFound):
            take_import_back(session, ines, 99, now=runtime.clock.now())
        with pytest.raises(NotAllowed):
            take_import_back(session, Actor(None, "machine"), there.id, now=runtime.clock.now())
    assert set(rows_of(runtime)) == {"2020ApJ...900....1C"}
    with runtime.store.reading() as session:
        assert [row.counts["kept"] for row in session.exec(select(ComparisonList))] == [1, 1, 1]
        assert len(session.exec(select(ComparisonRow)).all()) == 2


def test_an_import_that_breaks_off_leaves_the_list_before(
    runtime: Runtime, bring: Bring, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it stored is never in force, and is cleared away by an import on a later day."""
    bring("bibcode\n2019ApJ...900....1C\n")
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    with monkeypatch.context() as broken:

        def fail(*_arguments: object) -> None:
            raise SourceStopped("the disk is gone")

        broken.setattr(importing, "_put_in_force", fail)
        with pytest.raises(SourceStopped):
            bring("bibcode\n2020ApJ...900....1C\n2021ApJ...900....1C\n")
    assert set(rows_of(runtime)) == {"2019ApJ...900....1C"}
    clock.move(timedelta(days=2))
    bring("bibcode\n2022ApJ...900....1C\n")
    with runtime.store.reading() as session:
        keys = {row.key for row in session.exec(select(ComparisonRow))}
    assert keys == {"2019ApJ...900....1C", "2022ApJ...900....1C"}


def test_two_imports_that_end_at_once_follow_one_another(
    runtime: Runtime, tmp_path: Path, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were read whole; one is in force after the other, which an undo brings back, and neither fails."""
    bring("bibcode\n2018ApJ...900....1C\n")
    both, put = threading.Barrier(2), importing._put_in_force
    failed: list[Exception] = []

    def together(session: Session, *more: Any) -> None:
        if session.get_bind().dialect.name == "postgresql":  # on SQLite there is one writer anyway
            both.wait(timeout=20)
        put(session, *more)
        time.sleep(0.2)

    def work(year: int) -> None:
        path = tmp_path / f"{year}.csv"
        path.write_text(f"bibcode\n{year}ApJ...900....1C\n", encoding="utf-8")
        try:
            with open_list(path) as opened:
                importing.import_list(runtime, opened, Wanted("telbib", path.name, Actor(None, "test")))
        except Exception as error:
            failed.append(error)

    monkeypatch.setattr(importing, "_put_in_force", together)
    threads = [threading.Thread(target=work, args=(year,)) for year in (2019, 2020)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with runtime.store.reading() as session:
        lists = session.exec(select(ComparisonList)).all()
    assert [row.superseded_at is None for row in lists].count(True) == 1
    assert all(row.is_whole for row in lists)


@pytest.mark.parametrize("body", ["bibcode\n", "bibcode\nno bibcode\n"], ids=["no row", "no good row"])
def test_a_list_without_papers_changes_nothing(runtime: Runtime, bring: Bring, body: str) -> None:
    """The list in force stays, and the first reasons are told."""
    bring("bibcode\n2019ApJ...900....1C\n")
    with pytest.raises(RequestRefused, match="nothing was changed"):
        bring(body)
    assert set(rows_of(runtime)) == {"2019ApJ...900....1C"}


@pytest.mark.parametrize("name", ["", "import", "a b", "../x", "é", "x" * 65], ids=str)
def test_a_name_that_no_address_can_hold_is_refused(name: str) -> None:
    """The words say what a name may hold."""
    with pytest.raises(RequestRefused, match="name has letters"):
        check_name(name)
    assert check_name(" Telbib ") == "telbib"


def test_hostile_cells_are_stored_as_text(runtime: Runtime, bring: Bring) -> None:
    """Formulas and mark-up in titles stay text; identifiers that are none are refused; nothing runs."""
    counts = bring('bibcode,title\n2019ApJ...900....1C,"=HYPERLINK(""http://x"")"\n"\'=2019ApJ",<script>\n')
    assert (counts.kept, counts.refused) == (1, 1)
    assert rows_of(runtime)["2019ApJ...900....1C"].title == '=HYPERLINK("http://x")'
