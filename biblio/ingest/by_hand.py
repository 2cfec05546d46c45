"""What a person can do, for pages and messages that say it: the commands to type, and the advice to go on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from harvesters.http import GO_ON

_OPTIONS = {
    "harvest": {
        "sources": "--source",
        "since": "--since",
        "until": "--until",
        "accept": "--accept",
        "begin_anew": "--begin-anew",
    },
    "reparse": {"source": "--source"},
}
"""Jobs that have a command of their own, with its options by argument; the others are started by ``biblio run``."""

_LISTED = ("sources", "accept", "begin_anew")
"""Arguments that hold several names; their option is given once for each."""


def command_of(job: str, arguments: Mapping[str, Any]) -> str:
    """Return the command that starts this job with these arguments."""
    given = {name: str(value) for name, value in arguments.items() if value not in (None, "")}
    options = _OPTIONS.get(job)
    if options is None or set(given) - set(options):
        words = ["biblio", "run", job]
        for name, value in given.items():
            words += ["-a", f"{name}={value}"]
        return shlex.join(words)
    words = ["biblio", job]
    for name, option in options.items():
        for value in given.get(name, "").split(",") if name in _LISTED else [given.get(name, "")]:
            words += [option, value] if value else []
    return shlex.join(words)


def without_advice(reason: str) -> str:
    """Return why something failed without the advice to go on, for whoever says it in words of its own."""
    return reason.replace(f" {GO_ON}", "")


def advised_once(reason: str) -> str:
    """Return why several sources failed with the advice to go on once, at the end."""
    return f"{without_advice(reason)} {GO_ON}" if GO_ON in reason else reason
