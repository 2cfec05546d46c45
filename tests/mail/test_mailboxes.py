"""Where returned mail lies: Maildir, .eml files and IMAP; what was read is marked after it was kept, never before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from biblio.errors import RequestRefused
from biblio.mail.bounces import take_in
from biblio.mail.dsn import MOST_BYTES
from biblio.mail.mailboxes import FolderMailbox, ImapMailbox, Item, mailboxes_of, without_addresses
from biblio.runtime import Runtime
from biblio.settings import Settings
from tests.imapserver import PASSWORD, USER, Post, imap_server, make_certificate
from tests.mail.letters import queue, rows, send
from tests.mail.reports import report
from tests.mail.test_bounces import back


def names(mailbox: FolderMailbox | ImapMailbox) -> list[str]:
    """Return the names of the messages that are not read yet."""
    mailbox.open()
    found = [item.name for batch in mailbox.batches() for item in batch]
    mailbox.close()
    return found


def imap_settings(post: Post, **changes: object) -> Settings:
    """Return settings that read this server's mailbox without TLS, with what is asked for changed."""
    values: dict[str, object] = {
        "bounce_imap_host": "127.0.0.1",
        "bounce_imap_port": post.port,
        "bounce_imap_user": USER,
        "bounce_imap_password": SecretStr(PASSWORD),
        "bounce_imap_tls": False,
        **changes,
    }
    return Settings(secret_key="0123456789abcdef0123456789abcdef").model_copy(update=values)


def test_a_maildir_is_read_by_its_rules(tmp_path: Path) -> None:
    """New and unseen messages are read and then stand in cur with the flag S; what was seen is left alone."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    for name in ("new/1.a", "cur/2.b:2,F", "cur/3.c:2,S", "tmp/4.d", "new/.hidden"):
        (tmp_path / name).write_bytes(b"x")
    box = FolderMailbox(tmp_path)
    (batch,) = box.batches()
    assert [item.name for item in batch] == ["1.a", "2.b:2,F"]
    assert box.mark(batch) == 0
    assert sorted(p.name for p in (tmp_path / "cur").iterdir()) == ["1.a:2,S", "2.b:2,FS", "3.c:2,S"]
    assert names(box) == []


def test_eml_files_are_put_aside_and_none_is_overwritten(tmp_path: Path) -> None:
    """Files that were read go into the folder "read"; one of the same name from before stays, too."""
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "a.eml").write_bytes(b"old")
    for name in ("a.eml", "B.EML", "notes.txt"):
        (tmp_path / name).write_bytes(b"new")
    box = FolderMailbox(tmp_path)
    (batch,) = box.batches()
    assert [item.name for item in batch] == ["B.EML", "a.eml"]
    assert box.mark(batch) == 0
    assert (tmp_path / "read" / "a.eml").read_bytes() == b"old"
    assert len(list((tmp_path / "read").iterdir())) == 3
    assert (tmp_path / "notes.txt").exists()


def test_what_is_no_plain_file_is_not_followed(tmp_path: Path) -> None:
    """Links, folders and pipes that are called like messages are left alone."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = tmp_path / "returned"
    folder.mkdir()
    (folder / "link.eml").symlink_to(secret)
    (folder / "folder.eml").mkdir()
    os.mkfifo(folder / "pipe.eml")
    assert names(FolderMailbox(folder)) == []


def test_of_large_files_the_beginning_is_read_a_hundred_at_a_time(tmp_path: Path) -> None:
    """No more than a hundred beginnings are in memory at once."""
    (tmp_path / "000.eml").write_bytes(b"z" * (3 * MOST_BYTES))
    for number in range(1, 250):
        (tmp_path / f"{number:03d}.eml").write_bytes(b"x")
    sizes = [len(batch) for batch in FolderMailbox(tmp_path).batches()]
    assert sizes == [100, 100, 50]
    first = next(FolderMailbox(tmp_path).batches())[0]
    assert len(first.content) == MOST_BYTES


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing folder is refused with the setting to check."""
    with pytest.raises(RequestRefused, match="BIBLIO_BOUNCE_FOLDER"):
        FolderMailbox(tmp_path / "nowhere").open()


def test_a_folder_of_other_files_is_told(tmp_path: Path) -> None:
    """A folder that is neither a Maildir nor holds .eml files is not taken for an empty one."""
    (tmp_path / "message.1").write_bytes(b"x")
    with pytest.raises(RequestRefused, match=r"none that ends in \.eml"):
        names(FolderMailbox(tmp_path))


def test_a_file_that_went_away_is_no_fault(tmp_path: Path) -> None:
    """Another reader may have moved a file meanwhile."""
    assert FolderMailbox(tmp_path).mark([Item("gone.eml", place=tmp_path / "gone.eml")]) == 0


def test_imap_messages_stay_and_are_seen(runtime: Runtime) -> None:
    """Reports in a mailbox are read once, bounded and unseen until they were kept; then they are seen, and stay."""
    queue(runtime, 2)
    send(runtime)
    with imap_server() as post:
        for number, row in enumerate(rows(runtime)):
            post.add(back(report(), row.message_id, f"ines{number}@example.org"))
        counts = take_in(runtime, ImapMailbox(imap_settings(post)))
        assert (counts.messages, counts.hard, counts.notes) == (2, 2, [])
        assert post.seen == {1, 2}
        assert len(post.messages) == 2
        assert take_in(runtime, ImapMailbox(imap_settings(post))).messages == 0
        fetched = [n for n, command in enumerate(post.commands) if command.startswith("UID FETCH")]
        stored = [n for n, command in enumerate(post.commands) if command.startswith("UID STORE")]
    assert max(fetched) < min(stored)


def test_a_dry_run_leaves_imap_messages_unseen(runtime: Runtime) -> None:
    """Nothing is marked by a dry run."""
    with imap_server() as post:
        post.add(report())
        assert take_in(runtime, ImapMailbox(imap_settings(post)), dry_run=True).unmatched == 1
        assert post.seen == set()


def test_an_imap_message_that_is_not_handed_out_is_named(runtime: Runtime) -> None:
    """One that the server refuses is named by its number and stays unseen; the others are read."""
    with imap_server() as post:
        post.add(b"a")
        post.secret = {post.add(b"b")}
        counts = take_in(runtime, ImapMailbox(imap_settings(post)))
        assert (counts.messages, counts.refused) == (2, 1)
        assert counts.notes == ["message 2 was left out: the server does not hand it out."]
        assert post.seen == {1}


def test_an_imap_talk_that_breaks_loses_nothing(runtime: Runtime) -> None:
    """If the talk breaks off, what was not kept stays unseen, a sentence says so, and the next run reads it."""
    queue(runtime)
    send(runtime)
    with imap_server() as post:
        post.add(back(report(), rows(runtime)[0].message_id))
        post.break_at = post.add(b"x")
        counts = take_in(runtime, ImapMailbox(imap_settings(post)))
        assert "cannot be read" in counts.notes[0]
        assert post.seen == set()
        post.break_at = None
        assert take_in(runtime, ImapMailbox(imap_settings(post))).hard == 1
        assert post.seen == {1, 2}


@pytest.mark.parametrize(
    "changes",
    [{"bounce_imap_password": SecretStr("wrong")}, {"bounce_imap_folder": "no such"}, {"bounce_imap_port": 1}],
    ids=["password", "folder", "port"],
)
def test_a_mailbox_that_cannot_be_opened_is_told(changes: dict[str, object]) -> None:
    """A wrong password, mailbox or port is refused with the settings to check; no password or address is told."""
    with imap_server() as post, pytest.raises(RequestRefused, match="Check BIBLIO_BOUNCE_IMAP") as caught:
        ImapMailbox(imap_settings(post, **changes)).open()
    assert "@" not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_no_password_travels_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS only a server on this machine is spoken to; the tests' own server has to be taken for another's."""
    monkeypatch.setattr("biblio.mail.mailboxes._is_loopback", lambda host: host == "elsewhere")
    with imap_server() as post:
        box = ImapMailbox(imap_settings(post))
        with pytest.raises(RequestRefused, match="must not travel in clear"):
            box.open()
        assert not any(command.startswith("LOGIN") for command in post.commands)


def test_imap_over_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is refused before the password is sent; one that is trusted is fine."""
    certificate = make_certificate(tmp_path / "server.pem")
    with imap_server(certificate) as post:
        box = ImapMailbox(imap_settings(post, bounce_imap_tls=True, bounce_imap_host="localhost"))
        with pytest.raises(RequestRefused, match="CERTIFICATE_VERIFY_FAILED"):
            box.open()
        assert post.commands == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        post.add(b"x")
        assert names(box) == ["message 1"]


def test_both_places_may_be_set(tmp_path: Path) -> None:
    """A folder, a mailbox, both or none."""
    settings = Settings()
    assert mailboxes_of(settings) == []
    change = {"bounce_folder": tmp_path, "bounce_imap_host": "imap.example.org"}
    assert len(mailboxes_of(settings.model_copy(update=change))) == 2


def test_addresses_are_left_out_of_what_is_told() -> None:
    """Whatever looks like an address is replaced."""
    assert without_addresses("no <ines@x.org>,\n'b@y' here") == "no <(address)>, '(address)' here"
