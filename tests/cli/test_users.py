"""``biblio users``: people are added from the keyboard, and no password stands on a command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlmodel import col, select

from biblio.cli.users import users
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, UserAccount
from biblio.store.words import Role
from biblio.web.accounts import service

PASSWORD = "a long enough test password"
Run = Callable[..., Result]


@pytest.fixture
def run(runtime: Runtime) -> Run:
    """Call ``biblio users …`` on a fresh database of each kind, with standard input as given."""

    def call(*arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(users, list(arguments), input=stdin, obj=lambda: runtime)

    return call


def _account(runtime: Runtime, username: str) -> UserAccount:
    with runtime.store.reading() as session:
        return service.named(session, username)


def test_a_person_is_added_with_a_password_from_a_pipe(run: Run, runtime: Runtime) -> None:
    """The account can log in with what was piped in, and the log says that the command line did it."""
    answer = run("add", "Ines", "--role", "librarian", "--library", "ESO", stdin=f"{PASSWORD}\n")
    assert answer.exit_code == 0, answer.output
    assert answer.output == "ines can log in as librarian.\n"
    assert service.password_matches(_account(runtime, "ines"), PASSWORD)
    with runtime.store.reading() as session:
        entry = session.exec(select(AuditEntry).where(col(AuditEntry.subject) == "ines")).one()
    assert entry.details == {"role": "librarian", "by": "command line"}


def test_no_option_takes_a_password() -> None:
    """Process lists and shell histories never hold one."""
    for command in users.commands.values():
        assert not any(
            "password" in option for parameter in command.params for option in parameter.opts if option[0] == "-"
        )


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (("add", "ines", "--role", "librarian"), "", "no password on standard input"),
        (("add", "ines", "--role", "librarian"), "short\n", "at least 12 characters"),
        (("add", "ines", "--role", "librarian", "--email", "nonsense"), f"{PASSWORD}\n", "no e-mail address"),
        (("add", "in es", "--role", "librarian"), f"{PASSWORD}\n", "A user name has"),
        (("password", "nobody"), f"{PASSWORD}\n", "no account called 'nobody'"),
        (("role", "nobody", "admin"), "", "no account called 'nobody'"),
        (("deactivate", "nobody"), "", "no account called 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], stdin: str, says: str) -> None:
    """Each refusal is a sentence, and nothing is stored."""
    answer = run(*arguments, stdin=stdin)
    assert answer.exit_code == 1
    assert says in str(answer.exception)
    assert "Nobody has a login yet" in run("list").stderr


def test_the_list_shows_everybody(run: Run) -> None:
    """One line per person, sorted, with role and state; no hash."""
    for name, role in (("zoe", "manager"), ("ada", "admin")):
        run("add", name, "--role", role, stdin=f"{PASSWORD}\n")
    run("deactivate", "zoe")
    lines = run("list").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [["ada", "admin", "active"], ["zoe", "manager", "deactivated"]]
    assert "argon2" not in "".join(lines)


def test_role_password_and_return(run: Run, runtime: Runtime) -> None:
    """A role changes, a password changes and ends sessions, a deactivated person comes back."""
    run("add", "ines", "--role", "librarian", stdin=f"{PASSWORD}\n")
    before = _account(runtime, "ines").session_stamp
    assert run("role", "ines", "head_librarian").exit_code == 0
    assert run("password", "ines", stdin="another long password\n").exit_code == 0
    assert run("deactivate", "ines").exit_code == 0
    assert not _account(runtime, "ines").is_active
    assert run("deactivate", "ines", "--back").exit_code == 0
    account = _account(runtime, "ines")
    assert account.role is Role.HEAD_LIBRARIAN
    assert account.is_active
    assert account.session_stamp != before
    assert service.password_matches(account, "another long password")


def test_the_last_admin_cannot_be_deactivated(run: Run) -> None:
    """The operator is told to make somebody else admin first."""
    run("add", "ada", "--role", "admin", stdin=f"{PASSWORD}\n")
    answer = run("deactivate", "ada")
    assert answer.exit_code == 1
    assert "last admin" in str(answer.exception)


def test_an_address_is_set_and_taken_away(run: Run, runtime: Runtime) -> None:
    """The account has it; without one it is gone; the address is not repeated in the answer."""
    run("add", "ines", "--role", "librarian", stdin=f"{PASSWORD}\n")
    answer = run("email", "ines", "ines@example.org")
    assert (answer.exit_code, answer.output) == (0, "ines has this address now.\n")
    assert _account(runtime, "ines").email == "ines@example.org"
    assert run("email", "ines").output == "ines has no address now.\n"
    assert _account(runtime, "ines").email is None
