"""What the tests of the demo share: the rows of its observatory, and a server that answers for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo.replay import ReplayServer

TODAY = date(2026, 11, 22)

Rows = Callable[[str], list[dict[str, Any]]]


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
