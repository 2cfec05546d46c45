"""What came back: matched to its letter, kept once, and what it says of an address until a person says otherwise."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.mail import message_id
from biblio.mail.addresses import AddressBook
from biblio.mail.bounces import DEAD, WORKS, ReadCounts, dead_addresses, dead_since, died_on, say, take_in, unsay
from biblio.mail.mailboxes import FolderMailbox
from biblio.runtime import Runtime
from biblio.store.models import MailBounce
from biblio.store.words import MailState
from tests.conftest import NOW
from tests.factories import add_user
from tests.mail.letters import queue, rows, send, states
from tests.mail.reports import ABSENCE, ANSWER, EXIM, HER, OUR_ID, report
from tests.mailserver import Box


def back(content: bytes, message_id: str, address: str = "ines0@example.org") -> bytes:
    """Return a report about the letter with this Message-ID to this address."""
    return content.replace(OUR_ID.encode(), message_id.encode()).replace(HER.encode(), address.encode())


def put(folder: Path, **messages: bytes) -> Path:
    """Write messages as .eml files."""
    folder.mkdir(exist_ok=True)
    for name, content in messages.items():
        (folder / f"{name}.eml").write_bytes(content)
    return folder


def bounces(runtime: Runtime) -> list[MailBounce]:
    """Return what was kept, in order."""
    with runtime.store.reading() as session:
        return list(session.exec(select(MailBounce).order_by(col(MailBounce.id))))


@pytest.fixture
def ids(runtime: Runtime) -> list[str]:
    """The Message-IDs of three letters that left."""
    queue(runtime, 3)
    send(runtime)
    return [row.message_id for row in rows(runtime)]


def read_in(runtime: Runtime, folder: Path, *, dry_run: bool = False) -> ReadCounts:
    """Read a folder of returned mail."""
    return take_in(runtime, FolderMailbox(folder), dry_run=dry_run)


def test_a_hard_report_marks_the_address(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """Of three letters one came back for good, one is late: one address is dead, since the day the report says."""
    folder = put(
        tmp_path / "returned",
        a=back(report(), ids[0]),
        b=back(report(action="delayed", status="4.4.1"), ids[1], "ines1@example.org"),
    )
    counts = read_in(runtime, folder)
    assert (counts.messages, counts.hard, counts.soft) == (2, 1, 1)
    book = AddressBook(runtime.settings)
    hard, soft = bounces(runtime)
    assert (hard.is_hard, hard.status, hard.outbox_mail_id) == (True, "5.1.1", rows(runtime)[0].id)
    assert "User unknown" in hard.words
    assert (soft.is_hard, soft.status) == (False, "4.4.1")
    with runtime.store.reading() as session:
        assert dead_addresses(session) == {(book.key_id, book.hash("ines0@example.org"))}
        assert dead_since(session, book, "Ines0@EXAMPLE.org") == date(2026, 11, 22)
        assert dead_since(session, book, "ines1@example.org") is None
        assert died_on(session, NOW - timedelta(days=1)) == {}


def test_no_address_stands_in_what_was_kept_but_in_the_servers_words(
    runtime: Runtime, ids: list[str], tmp_path: Path
) -> None:
    """The address itself is kept as a hash only; what a server said is erased with the letters."""
    read_in(runtime, put(tmp_path / "returned", a=back(report(diagnostic="smtp; 550 5.1.1 no"), ids[0])))
    assert "ines0" not in str(bounces(runtime)[0].model_dump())


def test_reading_twice_adds_nothing(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """A report that lies there twice, or is read again, is kept once."""
    folder = put(tmp_path / "returned", a=back(report(), ids[0]), b=back(report(), ids[0]))
    assert (read_in(runtime, folder).plain()["hard"], len(bounces(runtime))) == (1, 1)
    again = read_in(runtime, put(tmp_path / "again", a=back(report(), ids[0])))
    assert (again.hard, again.known) == (0, 1)
    assert len(bounces(runtime)) == 1


def test_a_dry_run_keeps_and_marks_nothing(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """A dry run counts what there is; the real run finds it all as it was."""
    folder = put(tmp_path / "returned", a=back(report(), ids[0]), b=back(EXIM, ids[1]))
    assert read_in(runtime, folder, dry_run=True).hard == 2
    assert bounces(runtime) == []
    assert sorted(path.name for path in folder.iterdir()) == ["a.eml", "b.eml"]
    assert read_in(runtime, folder).hard == 2


def test_what_matches_nothing_is_counted_and_left_alone(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """A report of another letter, a made-up Message-ID, absences and answers change nothing."""
    folder = put(
        tmp_path / "returned",
        a=report(),
        b=back(report(), ids[0].replace("@", "@elsewhere.")),
        c=back(ABSENCE, ids[0]),
        d=back(ANSWER, ids[0]),
        e=b"Subject: buy\n\nnow",
        f=back(report(action="delivered", status="2.0.0"), ids[0]),
    )
    counts = read_in(runtime, folder)
    assert (counts.unmatched, counts.replies, counts.other, counts.arrived) == (2, 2, 1, 1)
    assert bounces(runtime) == []


def test_a_message_id_cannot_be_made_up(runtime: Runtime, ids: list[str]) -> None:
    """The Message-ID depends on the server's secret: who does not hold it cannot report a letter as returned."""
    queue(runtime, start=9)
    secret = runtime.settings.model_copy(update={"secret_key": SecretStr("x" * 32)})
    assert message_id(runtime.settings, "letter-0") == ids[0]
    assert message_id(secret, "letter-0") != ids[0]


def test_the_recipient_is_only_a_cross_check(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """An address that leads on to others is dead only if none of them got the letter; its own line goes before theirs."""
    one = "\nFinal-Recipient: rfc822; b@x.org\nAction: delivered\nStatus: 2.0.0\n"
    other = "\nFinal-Recipient: rfc822; b@x.org\nAction: failed\nStatus: 5.1.1\n"
    folder = put(
        tmp_path / "returned",
        a=back(report(recipient="a@x.org", more=one), ids[0]),
        b=back(report(recipient="a@x.org", more=other), ids[1], "ines1@example.org"),
        c=back(report(recipient=HER, more=one), ids[2], "ines2@example.org"),
    )
    read_in(runtime, folder)
    found = {(row.outbox_mail_id, row.is_hard) for row in bounces(runtime)}
    first, second, third = (row.id for row in rows(runtime))
    assert found == {(first, False), (second, True), (third, True)}


def test_a_letter_to_a_dead_address_is_cancelled(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """The next letter to it does not leave and says why; once a person says that it works, letters leave again."""
    read_in(runtime, put(tmp_path / "returned", a=back(report(), ids[0])))
    queue(runtime, start=5, email="Ines0@example.ORG")
    assert send(runtime).cancelled == 1
    last = rows(runtime)[-1]
    assert last.state is MailState.CANCELLED
    assert last.reason == "A letter to this address came back on 2026-11-22: the address does not work."
    with runtime.store.writing() as session:
        say(session, add_user(session), bounces(runtime)[0].id or 0, WORKS, now=runtime.clock.now())
    queue(runtime, start=6, email="ines0@example.org")
    assert send(runtime).sent == 1
    assert states(runtime)[-2:] == ["cancelled", "sent"]


def test_a_persons_word_holds_for_all_that_came_back_and_can_be_undone(
    runtime: Runtime, ids: list[str], tmp_path: Path, clock: FixedClock
) -> None:
    """ "It works" clears all reports of the address, undo brings them back as they were; a later report counts anew."""
    folder = put(tmp_path / "returned", a=back(report(), ids[0]), b=back(EXIM, ids[0]))
    read_in(runtime, folder)
    first, second = (row.id or 0 for row in bounces(runtime))
    with runtime.store.writing() as session:
        ines = add_user(session)
        dead = say(session, ines, first, DEAD, now=clock.now())
        assert len(dead_addresses(session)) == 1
        works = say(session, ines, second, WORKS, now=clock.now())
        assert dead_addresses(session) == set()
    assert {row.outcome for row in bounces(runtime)} == {WORKS}
    with pytest.raises(RequestRefused, match="already"), runtime.store.writing() as session:
        say(session, ines, first, WORKS, now=clock.now())
    with pytest.raises(Stale), runtime.store.writing() as session:
        unsay(session, ines, dead.id or 0, now=clock.now())
    with runtime.store.writing() as session:
        unsay(session, ines, works.id or 0, now=clock.now())
        assert {row.outcome for row in session.exec(select(MailBounce))} == {DEAD}
        unsay(session, ines, dead.id or 0, now=clock.now())
    assert {(row.outcome, row.handled_at) for row in bounces(runtime)} == {(None, None)}
    with runtime.store.writing() as session:
        say(session, ines, first, WORKS, now=clock.now())
    read_in(runtime, put(tmp_path / "later", c=back(report(status="5.1.2"), ids[0])))
    with runtime.store.reading() as session:
        assert len(dead_addresses(session)) == 1


def test_only_a_person_speaks_of_an_address(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """The machine marks by reports alone; there is nothing to say of, or take back from, what is not there."""
    read_in(runtime, put(tmp_path / "returned", a=back(report(), ids[0])))
    with pytest.raises(NotAllowed), runtime.store.writing() as session:
        say(session, MACHINE, bounces(runtime)[0].id or 0, WORKS, now=NOW)
    with runtime.store.writing() as session:
        ines = add_user(session)
        for act in (lambda: say(session, ines, 99, DEAD, now=NOW), lambda: unsay(session, ines, 99, now=NOW)):
            with pytest.raises(NotFound):
                act()


def test_a_bad_message_is_named_and_the_others_are_read(
    runtime: Runtime, ids: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that cannot be read is named by its file, without an address, and the run goes on; no log tells an address."""
    deep = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(500)).encode()
    counts = read_in(runtime, put(tmp_path / "returned", **{"a-ines@x.org": deep, "b": back(report(), ids[0])}))
    assert (counts.refused, counts.hard) == (1, 1)
    assert counts.notes == ["(address) was left out: it has more than 40 parts within parts."]
    assert "@" not in capsys.readouterr().err


def test_many_bad_messages_are_counted_and_some_are_named(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """Of a thousand unreadable messages all are counted, and the first are named."""
    folder = put(tmp_path / "returned", **{f"m{n:04d}": b"X: " + b"y" * 20_000 for n in range(1000)})
    counts = read_in(sqlite_runtime, folder)
    assert counts.refused == 1000
    assert len(counts.notes) == 21
    assert "more" in counts.notes[-1]


def test_a_thousand_messages_take_few_statements(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """Messages are looked up and kept a hundred at a time: the number of statements does not grow with each of them."""
    queue(sqlite_runtime, 1)
    send(sqlite_runtime)
    letter = rows(sqlite_runtime)[0].message_id
    folder = put(tmp_path / "returned", **{f"m{n:04d}": back(report(more=f"X: {n}\n"), letter) for n in range(1000)})
    statements: list[str] = []
    sa.event.listen(
        sqlite_runtime.store.engine, "before_cursor_execute", lambda *given: statements.append(str(given[2]))
    )
    assert read_in(sqlite_runtime, folder).hard == 1000
    assert len(statements) <= 10 * 5


def test_an_erased_letter_is_not_learned_again(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """Once a letter's address was erased, a late report of it brings none back."""
    with runtime.store.writing() as session:
        session.merge(rows(runtime)[0]).email = ""
    counts = read_in(runtime, put(tmp_path / "returned", a=back(report(), ids[0])))
    assert counts.unmatched == 1
    assert bounces(runtime) == []


@pytest.mark.parametrize(
    ("verb", "said", "kept", "dead"),
    [
        ("RCPT", "550 5.1.1 no such user", 1, 1),
        ("RCPT", "554 5.7.1 not from you", 1, 0),
        ("DATA", "550 5.1.1 no", 0, 0),
    ],
)
def test_an_address_refused_at_once_is_the_same_as_returned(
    smtp: Runtime, box: Box, verb: str, said: str, kept: int, dead: int
) -> None:
    """A server that refuses the recipient for good marks the address; a rule against us, or the text, does not."""
    queue(smtp)
    box.answers[verb] = said
    assert send(smtp).refused == 1
    found = bounces(smtp)
    assert [said.split()[1] == row.status for row in found] == [True] * kept
    with smtp.store.reading() as session:
        assert len(dead_addresses(session)) == dead


class Killed(BaseException):
    """Stands for a kill at this place: nothing after it runs."""


def test_a_kill_between_keeping_and_marking_doubles_nothing(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """Killed after the reports were kept and before the files were moved: they are read again and known."""
    folder = put(tmp_path / "returned", a=back(report(), ids[0]))

    class Dies(FolderMailbox):
        def mark(self, items: object) -> int:
            raise Killed

    with pytest.raises(Killed):
        take_in(runtime, Dies(folder))
    assert len(bounces(runtime)) == 1
    counts = read_in(runtime, folder)
    assert (counts.hard, counts.known) == (0, 1)
    assert len(bounces(runtime)) == 1


def test_a_kill_while_keeping_loses_nothing(runtime: Runtime, ids: list[str], tmp_path: Path) -> None:
    """Killed before any statement of the batch is committed: nothing is kept or moved, and the next run has it all."""
    folder = put(tmp_path / "returned", a=back(report(), ids[0]), b=back(EXIM, ids[1], "ines1@example.org"))
    step = left = 0

    def die(*_given: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    engine = runtime.store.engine
    for event in ("before_cursor_execute", "commit"):
        sa.event.listen(engine, event, die)
    while True:
        step += 1
        left = step
        try:
            counts = read_in(runtime, folder)
        except Killed:
            left = 0
            assert bounces(runtime) == []
            assert len(list(folder.glob("*.eml"))) == 2
            continue
        break
    left = 0
    assert step > 4
    assert counts.hard == 2
    assert len(bounces(runtime)) == 2


def test_what_a_future_or_old_report_says_of_its_time_is_not_believed(
    runtime: Runtime, ids: list[str], tmp_path: Path, clock: FixedClock
) -> None:
    """A report dated before its letter or after now counts from when it was read; else from its own date."""
    clock.move(timedelta(days=2))
    dates = {
        "a": b"Sat, 1 Jan 2000 00:00:00 +0000",
        "b": b"Thu, 1 Jan 2099 00:00:00 +0000",
        "c": b"Mon, 23 Nov 2026 01:00:00 +0000",
    }
    messages = {
        name: back(report().replace(b"Sun, 22 Nov 2026 11:00:00 +0000", written, 1), ids[0])
        for name, written in dates.items()
    }
    read_in(runtime, put(tmp_path / "returned", **messages))
    told = [f"{row.told_at:%Y-%m-%d}" for row in bounces(runtime)]
    assert told == ["2026-11-24", "2026-11-24", "2026-11-23"]
