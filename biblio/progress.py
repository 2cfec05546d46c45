"""Progress bars of jobs on the command line: on stderr, one per step."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from tqdm import tqdm


class Bars:
    """Draws one bar per step of a job; use as a context manager and hand over as the job's progress."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._what: str | None = None
        self._bar: tqdm[Any] | None = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show that ``done`` of ``total`` of the step ``what`` are done."""
        if self._quiet:
            return
        bar: tqdm[Any] | None = self._bar
        if bar is None or what != self._what:
            self._close()
            self._what = what
            bar = tqdm(total=total, desc=f"  {what:<24}", unit="", dynamic_ncols=True, mininterval=0.2)
            self._bar = bar
        if total is not None:
            bar.total = total
        bar.update(done - bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
