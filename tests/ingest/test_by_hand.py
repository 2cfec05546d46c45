"""The commands that pages name are ones that work."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from biblio.ingest.by_hand import advised_once, command_of
from biblio.ingest.run_commands import harvest, reparse
from harvesters.http import GO_ON


@pytest.mark.parametrize(
    ("job", "arguments", "command"),
    [
        ("harvest", {}, "biblio harvest"),
        (
            "harvest",
            {"accept": "ads", "until": "2024-01-31", "since": "2024-01-01", "sources": "ads,arxiv"},
            "biblio harvest --source ads --source arxiv --since 2024-01-01 --until 2024-01-31 --accept ads",
        ),
        ("reparse", {"source": "my list"}, "biblio reparse --source 'my list'"),
        ("reparse", {"dry": "yes"}, "biblio run reparse -a dry=yes"),
        ("resweep", {"year": "2024", "accept": "ads"}, "biblio run resweep -a year=2024 -a accept=ads"),
        ("read", {"limit": 5, "folder": ""}, "biblio run read -a limit=5"),
    ],
)
def test_a_job_with_its_arguments_is_a_command(job: str, arguments: dict[str, Any], command: str) -> None:
    """Commands of their own where there are; ``biblio run`` with every argument for the others."""
    assert command_of(job, arguments) == command


@pytest.mark.parametrize("job", [harvest, reparse], ids=["harvest", "reparse"])
def test_the_options_are_those_of_the_commands(job: Any) -> None:
    """What is printed can be typed."""
    arguments = {"sources": "ads", "since": "2024-01-01", "until": "2024-01-31", "accept": "ads"}
    words = shlex.split(command_of(job.name, arguments if job.name == "harvest" else {"source": "ads"}))
    assert job.make_context(job.name, words[2:]).params


def test_the_advice_to_go_on_stands_once() -> None:
    """However many sources failed; what is no such failure is said as it is."""
    assert advised_once(f"ads: no. {GO_ON} · arxiv: no. {GO_ON}") == f"ads: no. · arxiv: no. {GO_ON}"
    assert advised_once("held back") == "held back"
