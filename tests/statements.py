"""Compiled SQL, shared by all engines that one process of tests makes: each engine compiled every statement anew.

SQLAlchemy keeps compiled statements for one dialect object; every test has an engine, and so a dialect, of its own.
Engines whose dialects are alike get the dialect of the first of them that has connected, and one cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

_KEPT = 5000
"""Statements kept for each kind of dialect; biblio has about two thousand."""


@contextmanager
def compiled_once() -> Iterator[None]:
    """Share compiled statements among the engines of this process."""
    kept: dict[Any, tuple[sa.Dialect, LRUCache[Any, Any]]] = {}

    def share(connection: sa.Connection) -> None:
        own = connection.dialect
        alike = (
            type(own),
            own.server_version_info,
            getattr(own, "_on_connect_isolation_level", None),
            own.default_schema_name,
        )
        dialect, statements = kept.setdefault(alike, (own, LRUCache(_KEPT)))
        connection.engine.dialect = connection.dialect = dialect
        connection.engine._compiled_cache = statements

    sa.event.listen(sa.Engine, "engine_connect", share)
    yield
    sa.event.remove(sa.Engine, "engine_connect", share)
