"""Whether anything was stored since: for what is worked out once and shown until something changes."""

from __future__ import annotations

import threading
import weakref

import sqlalchemy as sa


class Changes:
    """Marks of one database: two that are equal say that nothing was stored between them, whoever stores."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._watcher: sa.PoolProxiedConnection | None = None

    def mark(self) -> str:
        """Return the mark of now. What was read between two equal marks is all there is."""
        if self._engine.dialect.name == "postgresql":
            with self._engine.connect() as connection:
                return str(connection.execute(_SNAPSHOT).scalar_one())
        with self._lock:
            if self._watcher is None:
                self._watcher = self._engine.raw_connection()
                self._watcher.detach()  # its own, for good: the number tells what other connections stored
                weakref.finalize(self, self._watcher.close)
            cursor = self._watcher.cursor()
            try:
                return str(cursor.execute("PRAGMA data_version").fetchone()[0])
            finally:
                cursor.close()


_SNAPSHOT = sa.text("SELECT CAST(pg_current_snapshot() AS text)")
"""Which transactions a reader sees: the same set, the same rows."""
