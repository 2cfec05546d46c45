"""The quick reading of what is public agrees with the definition, however papers were judged, merged and parted."""

from __future__ import annotations

import pytest
from sqlmodel import select

from biblio.catalogue.science import public_science
from biblio.clock import FixedClock
from biblio.runtime import Runtime
from biblio.store.current import accepted_science, under_second_reading
from tests.public.test_incremental import History


@pytest.mark.parametrize("seed", [31, 32])
def test_it_is_the_accepted_science_that_is_not_hidden(runtime: Runtime, clock: FixedClock, seed: int) -> None:
    """After each of forty acts of all kinds: decisions, relations, merges, splits, second readings."""
    history = History(runtime, clock, seed)
    listed, most = accepted_science(), 0
    for _ in range(40):
        history.act()
        with runtime.store.reading() as session:
            hidden = under_second_reading(session)
            rows = session.execute(select(listed.c.paper_id, listed.c.project_id))
            defined = {(paper, project) for paper, project in rows if paper not in hidden}
            assert public_science(session) == defined
            most = max(most, len(defined))
    assert most > 3
