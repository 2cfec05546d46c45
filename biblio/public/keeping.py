"""Keeps the public index of one process: made when it starts, or read from the copy on disk, and brought up to date.

An index that is read is first compared with the database, paper by paper and project by project, and all that differs
is read anew before anybody sees it. So nothing that was withdrawn, hidden or changed while no server ran is shown, and
a copy that lags behind, or is of an older state of the database, only takes longer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sqlmodel import Session

from biblio.clock import Clock
from biblio.errors import NotReady
from biblio.logs import get_logger
from biblio.public.changes import ChangeLog
from biblio.public.copies import Copies, Copy
from biblio.public.facts import accepted_papers, read_papers, read_projects, read_public, read_samples
from biblio.public.index import Packed, PublicIndex
from matching.people import forget_names
from matching.rosters import forget_sketches

log = get_logger(__name__)

_AT_ONCE = 900
"""Papers whose facts are in memory at once while an index is made."""
_WORTH_COPYING = 2_000
"""Papers from which an index is copied to disk; fewer are read within a second."""
_COPY_AFTER = 2_000
"""Papers read anew after which the copy on disk is written again, so that a start has little to read."""
_WAIT_S = 180.0
"""How long a process waits for another one that makes the index, before it makes its own."""
_SAMPLES = 64
"""Revisions of papers by which the database is known."""


class Kept:
    """An index with what is known of how far it has read. ``touched`` papers were read since it was last copied."""

    def __init__(self, session: Session, index: PublicIndex) -> None:
        self.index, self.touched = index, 0
        self._log = ChangeLog()
        self._is_whole = self._log.begin(session)

    @classmethod
    def made(cls, session: Session) -> Kept:
        """Make an index of all that is public."""
        kept = cls(session, PublicIndex())
        kept._read(session, accepted_papers(session))
        forget_sketches()
        forget_names()  # those of all authors and teams, which nobody will ask for at once again
        kept.touched = 0
        return kept

    @classmethod
    def unpacked(cls, session: Session, copy: Copy) -> Kept | None:
        """Return the index that was copied, as of now; None where the copy is of another database.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` where its parts do not fit together.
        """
        if read_samples(session, (sample[0] for sample in copy.samples)) != copy.samples:
            return None
        kept = cls(session, PublicIndex.of(copy.packed))
        kept.compare(session)
        return kept

    def compare(self, session: Session) -> None:
        """Read anew whatever differs from the database: the papers that are public, their revisions, their projects."""
        index = self.index
        moved = [one for one in read_projects(session, index.projects) if index.projects[one.project_id] != one]
        index.learn(moved)
        now, before = read_public(session), index.revisions()
        touched = {paper for paper in now.keys() | before.keys() if now.get(paper) != before.get(paper)}
        self._read(session, touched | index.users_of({project.project_id for project in moved}))

    def bring_up_to_date(self, session: Session) -> bool:
        """Read anew what was touched since; returns whether anything was."""
        changes = self._log.since(session)
        if not self._is_whole and not self._log.is_waiting:
            # Somebody was writing when the index was made, and has ended: what they wrote may lie anywhere.
            self._is_whole = True
            self.compare(session)
        if changes:
            known = changes.projects & self.index.projects.keys()
            self.index.learn(read_projects(session, known))
            self._read(session, changes.papers | self.index.users_of(known))
        return bool(changes)

    def _read(self, session: Session, paper_ids: Iterable[int]) -> None:
        wanted = set(paper_ids)
        seen: set[int] = set()
        found = iter(read_papers(session, wanted)) if wanted else iter(())
        while papers := list(islice(found, _AT_ONCE)):
            missing = {number for paper in papers for number in paper.projects} - self.index.projects.keys()
            self.index.learn(read_projects(session, missing))
            self.index.put(papers)
            seen.update(paper.paper_id for paper in papers)
        self.index.drop(wanted - seen)
        self.touched += len(wanted)


def copied(session: Session, packed: Packed) -> Copy:
    """Return an index as it is kept on disk: with some revisions of its papers, the first and the last among them."""
    revisions = np.unique(packed.arrays["rows"][:, 1])
    places = np.linspace(0, len(revisions) - 1, min(_SAMPLES, len(revisions))).astype(np.int64)
    return Copy(packed, read_samples(session, revisions[places].tolist()))


class _Maker(threading.Thread):
    """Makes an index, so that no request (and no server's patience with one) is used up by it.

    Where there is a copy on disk that can be used, it is read, unless ``is_anew``. Of several processes without a copy
    one makes the index and writes it down; the others wait for that.
    """

    def __init__(self, bind: Any, copies: Copies | None, *, is_anew: bool = False) -> None:
        super().__init__(name="public-index", daemon=True)
        self._bind = bind
        self._copies = copies
        self._is_anew = is_anew
        self._error: Exception | None = None
        self.made: Kept | None = None
        self.start()

    def run(self) -> None:
        """Make it."""
        try:
            self.made = self._make(self._copies) if self._copies else self._begun_anew(None)
        except Exception as error:
            self._error = error

    def _make(self, copies: Copies) -> Kept:
        stamp = copies.stamp()
        kept = None if self._is_anew else self._read(copies)
        if kept is not None:
            return kept
        with copies.lock(_WAIT_S) as has_lock:
            if copies.stamp() != stamp and (kept := self._read(copies)) is not None:
                return kept  # another process has made it meanwhile
            return self._begun_anew(copies if has_lock else None)

    def _read(self, copies: Copies) -> Kept | None:
        copy = copies.read()
        if copy is None:
            return None
        try:
            with Session(self._bind) as session:
                kept = Kept.unpacked(session, copy)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            copies.refuse(f"its parts do not fit together ({type(error).__name__})")
            return None
        if kept is None:
            copies.refuse("it is of another database, or of one that went back to a backup since")
            return None
        log.info("public index read from its copy", papers=len(kept.index), read_anew=kept.touched)
        return kept

    def _begun_anew(self, copies: Copies | None) -> Kept:
        with Session(self._bind) as session:
            kept = Kept.made(session)
            if copies is not None and len(kept.index) >= _WORTH_COPYING:
                copies.write(copied(session, kept.index.packed()))
        return kept

    @property
    def is_lost(self) -> bool:
        """Whether it will never say anything: its process was forked away from it."""
        return not self.is_alive() and self.made is None and self._error is None

    def result(self, wait_s: float) -> Kept | None:
        """Return what was made, None if that takes longer. Raises what went wrong."""
        self.join(wait_s)
        if self._error is not None:
            raise self._error
        return self.made


class _Copier(threading.Thread):
    """Writes the copy on disk again, beside the requests, unless another process is at it or has done so since ``stamp``."""

    def __init__(self, bind: Any, copies: Copies, index: PublicIndex, stamp: tuple[int, int] | None) -> None:
        super().__init__(name="public-index-copy", daemon=True)
        self._bind, self._copies, self._index, self.stamp = bind, copies, index, stamp
        self.start()

    def run(self) -> None:
        """Write it; ``stamp`` is that of the latest copy then."""
        with self._copies.lock(0) as has_lock:
            if has_lock and self._copies.stamp() == self.stamp:
                with Session(self._bind) as session:
                    self._copies.write(copied(session, self._index.packed()))
        self.stamp = self._copies.stamp()


class IndexKeeper:
    """Keeps the index of one process, and brings it up to date with every request. ``folder``: where its copy lies."""

    def __init__(self, clock: Clock | None = None, *, folder: Path | None = None, wait_s: float = 20.0) -> None:
        self._clock = clock or Clock()
        self._wait_s = wait_s
        self._copies = Copies(folder) if folder else None
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._kept: Kept | None = None
        self._maker: _Maker | None = None
        self._copier: _Copier | None = None

    def begin(self, bind: Any) -> None:
        """Begin to make the first index, and return at once."""
        with self._lock:
            if self._kept is None and (self._maker is None or self._maker.is_lost):
                self._maker = _Maker(bind, self._copies)

    def current(self, session: Session) -> PublicIndex:
        """Return the index as of now. It looks through a session of its own: one opened earlier may show an earlier day.

        Raises ``NotReady`` while the first index of this process is made, if that takes longer than ``wait_s``.
        """
        bind = session.get_bind()
        if self._kept is None:
            self._wait_for_the_first(bind)
        with self._lock:
            kept = self._taken_over(bind)
            with Session(bind) as own, kept.index.lock:
                if kept.bring_up_to_date(own) or kept.index.changed_at is None:
                    kept.index.changed_at = self._clock.now()
            self._copy_now_and_then(bind, kept)
            return kept.index

    def _wait_for_the_first(self, bind: Any) -> None:
        self.begin(bind)
        maker = self._maker
        if maker is None:
            return  # another request has taken the index over meanwhile
        try:
            made = maker.result(self._wait_s)
        except Exception:
            self._maker = None
            raise
        if made is None:
            raise NotReady("The list of papers is being put in order after a start. Try again in a minute.")
        with self._lock:
            if self._kept is None:
                self._take(made)

    def _take(self, made: Kept) -> None:
        self._kept, self._maker, self._copier = made, None, None
        self._stamp = self._copies.stamp() if self._copies else None

    def _taken_over(self, bind: Any) -> Kept:
        """Return what is kept; where that is mostly waste, have it made anew, and take the new one when it is there."""
        if self._maker is not None and self._maker.made is not None:
            self._take(self._maker.made)
        assert self._kept is not None
        if self._kept.index.is_wasteful and not (self._maker and self._maker.is_alive()):
            # Once more, too, where the last one failed; the index kept goes on meanwhile.
            self._maker = _Maker(bind, self._copies, is_anew=True)
        return self._kept

    def _copy_now_and_then(self, bind: Any, kept: Kept) -> None:
        is_due = kept.touched >= _COPY_AFTER and len(kept.index) >= _WORTH_COPYING
        if self._copies is None or not is_due or (self._copier is not None and self._copier.is_alive()):
            return
        kept.touched = 0
        stamp = self._copier.stamp if self._copier else self._stamp
        self._copier = _Copier(bind, self._copies, kept.index, stamp)
