"""One demo observatory for all tests of the demo: it takes two seconds to make and nobody changes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo.make_observatory import build
from demo.replay import ReplayServer

TODAY = date(2026, 11, 22)

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo observatory with the default seed."""
    folder = tmp_path_factory.mktemp("observatory")
    build(folder, today=TODAY)
    return folder


@pytest.fixture(scope="session")
def rows(observatory: Path) -> Rows:
    """Read a JSONL file of the demo observatory."""

    def read(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (observatory / name).read_text("utf-8").splitlines()]

    return read


@pytest.fixture(scope="session")
def replay(observatory: Path) -> Iterator[ReplayServer]:
    """A replay server without faults."""
    with ReplayServer(observatory, with_faults=False) as server:
        yield server
