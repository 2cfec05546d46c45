"""What the tests of ingest share: a demo observatory, servers that answer for it, and runtimes that ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from biblio.runtime import Runtime
from demo.replay import ReplayServer

TODAY = date(2026, 11, 22)

Asking = Callable[[str], Runtime]


@pytest.fixture
def faulty(observatory: Path) -> Iterator[ReplayServer]:
    """A server that makes each of the seeded faults once."""
    with ReplayServer(observatory) as server:
        yield server


def addresses(url: str) -> dict[str, Any]:
    """The settings that make a runtime ask the server at ``url``."""
    arxiv = {"arxiv_url": f"{url}/arxiv", "arxiv_oai_url": f"{url}/arxiv/oai", "arxiv_rss_url": f"{url}/arxiv/rss"}
    return {**arxiv, "ads_url": f"{url}/ads/v1", "tap_url": f"{url}/tap", "arxiv_pace_s": 0.0}


@pytest.fixture
def asking(runtime: Runtime) -> Asking:
    """Make the runtime ask the server at an address, with a token for ADS."""

    def ask(url: str) -> Runtime:
        settings = runtime.settings.model_copy(update={**addresses(url), "ads_token": SecretStr("demo")})
        return replace(runtime, settings=settings)

    return ask
