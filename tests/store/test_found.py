"""What a person named by its number is there, or a sentence says that it is not."""

from __future__ import annotations

import pytest

from biblio.errors import NotFound
from biblio.runtime import Runtime
from biblio.store.found import found, found_paper
from biblio.store.models import Paper
from tests.factories import add_paper


def test_a_row_is_found_by_its_number_and_locked_for_a_change(runtime: Runtime) -> None:
    """Who asks in order to change a row gets it as it is stored, not as it was read before."""
    with runtime.store.writing() as session:
        paper_id = add_paper(session)
        read = found(session, Paper, paper_id, "paper")
        assert read.id == paper_id
        assert found(session, Paper, paper_id, "paper", to_change=True) is read


def test_a_number_of_nothing_is_refused_with_its_name(runtime: Runtime) -> None:
    """The sentence names what was asked for."""
    with runtime.store.reading() as session, pytest.raises(NotFound, match="There is no second reading number 7"):
        found(session, Paper, 7, "second reading")


def test_a_merged_paper_leads_to_the_one_that_stands_for_it(runtime: Runtime) -> None:
    """Whoever names either of two papers that are one is led to the one that stays; an unknown one is refused."""
    with runtime.store.writing() as session:
        kept, merged = add_paper(session), add_paper(session)
        found(session, Paper, merged, "paper").merged_into_id = kept
    with runtime.store.reading() as session:
        assert (found_paper(session, kept), found_paper(session, merged)) == (kept, kept)
        with pytest.raises(NotFound, match="no paper number 99"):
            found_paper(session, 99)
