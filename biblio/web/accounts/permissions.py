"""Who may do what: the one table of role × action. The docs print it and a test walks every route with it.

Every route names its action with ``@webkit.action``; the web door looks it up here before the view runs. Roles do not
inherit from one another: each line says all who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from biblio.store.words import LIBRARIANS, Role
from biblio.webkit import PUBLIC

_STAFF = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Permission:
    """An action, in words, and the roles that may do it."""

    words: str
    roles: frozenset[Role]


PERMISSIONS: Mapping[str, Permission] = {
    "account.own": Permission("change one's own password, log out", _STAFF),
    "desk.read": Permission("see the desk: papers, proposed projects, quotes, history", LIBRARIANS | {Role.ADMIN}),
    "desk.decide": Permission("accept, reject, undo; add a paper; correct what is shown of one", LIBRARIANS),
    "desk.merge": Permission("say that two papers are one, or are not", LIBRARIANS),
    "desk.share": Permission("claim, release, hand over, escalate; read as second reader", LIBRARIANS),
    "desk.settle": Permission(
        "settle what was escalated, make rules that assign papers to libraries", frozenset({Role.HEAD_LIBRARIAN})
    ),
    "quality.read": Permission(
        "see how two readers agree, and each library's share and backlog", LIBRARIANS | {Role.MANAGER, Role.ADMIN}
    ),
    "contacts.read": Permission("see the letters to authors before press", LIBRARIANS | {Role.ADMIN}),
    "contacts.write": Permission("edit and send letters to authors, note their answers", LIBRARIANS),
    "mail.read": Permission("see all letters, where each stands, and what came back", LIBRARIANS | {Role.ADMIN}),
    "mail.decide": Permission(
        "decide about letters that may or may not have left, and say which addresses work", LIBRARIANS | {Role.ADMIN}
    ),
    "journals.read": Permission("see the monitored journals and what each yields", LIBRARIANS | {Role.ADMIN}),
    "journals.decide": Permission("monitor a journal or stop, answer suggestions", LIBRARIANS),
    "compare.read": Permission("see how other lists differ from ours", LIBRARIANS | {Role.ADMIN}),
    "compare.write": Permission("import a list, act on its differences", LIBRARIANS),
    "audit.read": Permission("search and export the audit log", frozenset({Role.HEAD_LIBRARIAN, Role.ADMIN})),
    "harvest.read": Permission("see what was fetched from where", LIBRARIANS | {Role.ADMIN}),
    "harvest.run": Permission("fetch again, fill a hole", frozenset({Role.HEAD_LIBRARIAN, Role.ADMIN})),
    "campaigns.read": Permission("see who will be asked and why, and how many answered", LIBRARIANS | {Role.ADMIN}),
    "campaigns.write": Permission("prepare, open, pause and close a campaign", frozenset({Role.HEAD_LIBRARIAN})),
    "figures.read": Permission(
        "see the figures of campaigns: rates, reasons, groups, strata",
        LIBRARIANS | {Role.SURVEY_READER, Role.MANAGER, Role.ADMIN},
    ),
    "campaigns.explain": Permission(
        "see where every project stands with the survey, and why",
        LIBRARIANS | {Role.MANAGER, Role.ADMIN},
    ),
    "campaigns.ask_again": Permission(
        "give leave to ask once more about a project that was asked about, with a reason",
        frozenset({Role.HEAD_LIBRARIAN, Role.MANAGER}),
    ),
    "answers.read": Permission("read and tag what people wrote in closed campaigns", frozenset({Role.SURVEY_READER})),
    "reports.read": Permission("see the reports", LIBRARIANS | {Role.MANAGER, Role.ADMIN}),
    "reports.freeze": Permission(
        "freeze a report as a snapshot", frozenset({Role.HEAD_LIBRARIAN, Role.MANAGER, Role.ADMIN})
    ),
    "admin.read": Permission("see jobs, users and the audit log", frozenset({Role.ADMIN})),
    "admin.write": Permission("run jobs, add and deactivate users, change roles", frozenset({Role.ADMIN})),
}
"""Action → who may. The action "public" is everybody's and stands outside the table."""


def is_known(action: str) -> bool:
    """Whether ``action`` is "public" or stands in the table."""
    return action == PUBLIC or action in PERMISSIONS


def may(role: Role | None, action: str) -> bool:
    """Whether somebody with this role (None: without a login) may do ``action``. An unknown action is nobody's."""
    if action == PUBLIC:
        return True
    permission = PERMISSIONS.get(action)
    return permission is not None and role in permission.roles


def as_markdown() -> str:
    """Return the table as ``docs/permissions.md`` prints it."""
    roles = list(Role)
    lines = [
        "# Who may do what",
        "",
        "Made from `biblio/web/accounts/permissions.py` by `make docs`; a test walks every page as every role.",
        "The public pages, the survey link a PI was sent, and `/health` need no login.",
        "",
        "| action | " + " | ".join(role.label for role in roles) + " | what it is |",
        "|---|" + ":-:|" * len(roles) + "---|",
    ]
    for name, permission in PERMISSIONS.items():
        marks = " | ".join("yes" if role in permission.roles else "–" for role in roles)
        lines.append(f"| `{name}` | {marks} | {permission.words} |")
    return "\n".join(lines) + "\n"
