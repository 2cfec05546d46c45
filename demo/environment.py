"""How the ``biblio`` command finds the demo: its settings as a file for the shell, and in the demo's own home.

With the home alone the command asks the replay server too, never the real services.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from biblio.settings import SETTINGS_FILE

SHELL_FILE = "biblio.env"


def write_settings(folder: Path, home: Path, facts: Mapping[str, object]) -> Path:
    """Write the demo's settings for the shell below ``folder`` and for its ``home``; return the shell's file.

    The shell finds the ``biblio`` command too: it lies beside the Python that runs the demo, which need not be on PATH.
    Written anew at each start, as the replay server listens at another port each time. What is secret in it belongs to
    the demo alone.
    """
    values = {f"BIBLIO_{name.upper()}": _written(value) for name, value in facts.items()}
    shell = folder / SHELL_FILE
    whole = {"BIBLIO_HOME": str(home.resolve()), **values}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in whole.items()]
    _write(shell, [*lines, f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'])
    _write(home / SETTINGS_FILE, [f"{name}={shlex.quote(value)}" for name, value in values.items()])
    return shell


def _written(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
