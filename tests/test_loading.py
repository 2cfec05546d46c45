"""Importing by name: what comes back, and that garbage is looked for again afterwards."""

from __future__ import annotations

import gc

import pytest

from biblio.loading import load


def test_what_is_named_comes_back() -> None:
    """The attribute of the module, the same each time."""
    assert load("biblio.loading:load") is load


@pytest.mark.parametrize("place", ["biblio.loading:nothing", "biblio.nowhere:load"])
def test_garbage_is_looked_for_again_whatever_happens(place: str) -> None:
    """What is not there raises, and leaves the collector as it was."""
    with pytest.raises((AttributeError, ImportError)):
        load(place)
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    """Who switched it off has a reason."""
    gc.disable()
    try:
        load("biblio.loading:load")
        assert not gc.isenabled()
    finally:
        gc.enable()
