"""Importing by name: the features, and what the command line and they load when it is asked for."""

from __future__ import annotations

import gc
import importlib
from typing import Any

FEATURES = (
    "biblio.ingest",
    "biblio.verify",
    "biblio.public",
    "biblio.contacts",
    "biblio.journals",
    "biblio.compare",
    "biblio.letters",
    "survey",
    "reports",
)
"""The features, in the order in which their pages stand in the navigation."""


def load(place: str) -> Any:
    """Import ``module:attribute`` and return the attribute.

    Garbage is not looked for meanwhile: hundreds of modules are none, and looking through them again and again takes a
    fifth of the time that ``biblio`` needs to start.
    """
    module, attribute = place.split(":")
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        return getattr(importlib.import_module(module), attribute)
    finally:
        if is_collecting:
            gc.enable()
