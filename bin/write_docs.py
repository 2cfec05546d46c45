"""Writes the parts of docs/ that follow from the code, so that they cannot rot; a test compares them.

python bin/write_docs.py           writes them
python bin/write_docs.py --check   says which are out of date, and exits 1
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
HEAD = "<!-- Written by bin/write_docs.py from the code: change it there and run `make docs`. -->\n\n"


def settings_page() -> str:
    """Every setting with its default and its meaning."""
    from pydantic import SecretStr
    from pydantic_core import PydanticUndefined

    from biblio.settings import Settings

    lines = [
        "# Settings",
        "",
        "Environment variables. A file `settings.env` in the home folder, with lines `BIBLIO_NAME=value`, stands for those that are not set (the demo writes one, so that its home never asks real services); nothing else is read. What differs between observatories is a profile, see [observatories](observatories.md).",
        "",
    ]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = (
            "" if default is None or default is PydanticUndefined or isinstance(default, SecretStr) else f"`{default}`"
        )
        lines.append(f"| `BIBLIO_{name.upper()}` | {shown} | {' '.join((field.description or '').split())} |")
    return "\n".join(lines) + "\n"


def indicators_page() -> str:
    """Every number of the report with its definition and example."""
    from reports.definitions import GROUPS

    lines = [
        "# The report's numbers",
        "",
        "What stands beside each number of the report, by theme. Each example is a test.",
        "",
    ]
    for name, indicators in GROUPS.items():
        lines += [f"## {name}", ""]
        for indicator in indicators:
            lines += [f"### {indicator.name}", "", indicator.sentence, ""]
            said = {
                "Unit": indicator.unit,
                "Numerator" if indicator.denominator else "Counted": indicator.numerator,
                "Denominator": indicator.denominator,
                "Dates": indicator.dates,
                "Mind": indicator.caveat,
                "Example": indicator.example,
            }
            lines += [f"- *{what}:* {text}" for what, text in said.items() if text]
            lines += [""]
    return "\n".join(lines)


def permissions_page() -> str:
    """Who may do what."""
    from biblio.web.accounts.permissions import as_markdown

    return as_markdown().strip() + "\n"


def commands_page() -> str:
    """The help of every command."""
    from biblio.cli import main

    lines = ["# Commands", ""]
    for path, command, context in _commands(main, click.Context(main, info_name="biblio"), "biblio"):
        lines += [f"## {path}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(lines)


def _commands(
    command: click.Command, context: click.Context, path: str
) -> Iterator[tuple[str, click.Command, click.Context]]:
    context.terminal_width = 100
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                yield from _commands(inner, click.Context(inner, info_name=name, parent=context), f"{path} {name}")


def jobs_page() -> str:
    """The jobs and when they run."""
    from biblio.feature import all_jobs

    lines = [
        "# Jobs",
        "",
        "Run by `biblio scheduler` at these times (UTC), by `biblio run NAME`, or from the admin page.",
        "",
    ]
    lines += ["| job | what it does | when |", "|---|---|---|"]
    lines += [
        f"| `{job.name}` | {job.title} | {f'`{job.schedule}`' if job.schedule else 'by hand'} |"
        for job in all_jobs().values()
    ]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "indicators.md": indicators_page,
    "permissions.md": permissions_page,
    "commands.md": commands_page,
    "jobs.md": jobs_page,
}
"""File in docs/ → what writes it."""


def main(arguments: list[str]) -> int:
    """Write or check the pages; return the exit code."""
    stale = []
    for name, write in PAGES.items():
        path, text = ROOT / "docs" / name, HEAD + write()
        if "--check" in arguments:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name} is out of date: run `make docs`.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main(sys.argv[1:]))
