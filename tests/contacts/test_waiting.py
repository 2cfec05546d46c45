"""A letter that does not leave says why, on its page and in the list, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask.testing import FlaskClient

from biblio.catalogue.actor import Actor
from biblio.clock import FixedClock
from biblio.contacts.queries import one_letter
from biblio.contacts.service import take_back
from biblio.runtime import Runtime
from biblio.store.words import ContactState
from tests.contacts.preprints import set_version
from tests.contacts.test_service import leave, put, state_of

Login = Callable[..., FlaskClient]


def _why(runtime: Runtime, contact_id: int) -> str:
    with runtime.store.reading() as session:
        return one_letter(session, runtime, contact_id).why_waiting


def test_a_letter_whose_next_version_is_never_read_says_so(
    runtime: Runtime, librarian: Actor, preprint: int, login: Login, clock: FixedClock
) -> None:
    """Weeks after it might have left it still stands in the outbox: the pages say that version 2 was not read."""
    contact_id = put(runtime, librarian, preprint)
    assert _why(runtime, contact_id) == ""
    with runtime.store.writing() as session:
        set_version(session, preprint, 2)
    leave(runtime)
    clock.move(timedelta(days=20))
    leave(runtime)
    assert state_of(runtime, contact_id) is ContactState.PREPARED
    client = login()
    page = client.get(f"/desk/contacts/letter/{contact_id}").get_data(as_text=True)
    for words in ("It does not leave", "Version 2 was not read yet", "look at version 2 at arXiv", "Take it back"):
        assert words in page
    assert "Version 2 was not read yet" in client.get("/desk/contacts?show=waiting").get_data(as_text=True)
    with runtime.store.writing() as session:
        take_back(session, runtime, librarian, contact_id)
    assert _why(runtime, contact_id) == ""


def test_a_letter_that_may_leave_any_minute_is_not_warned_about(
    runtime: Runtime, librarian: Actor, preprint: int, clock: FixedClock
) -> None:
    """Its time to be taken back is over, and the next run sends it."""
    contact_id = put(runtime, librarian, preprint)
    clock.move(timedelta(minutes=11))
    assert _why(runtime, contact_id) == ""
