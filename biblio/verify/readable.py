"""Strangers' titles and quotes as a person can read them; see ``catalogue.readable``, which other features share."""

from __future__ import annotations

from biblio.catalogue.readable import LONGEST, harmless, readable

__all__ = ["LONGEST", "harmless", "readable"]
