"""What librarians write on a paper for one another: notes, and tags in one spelling. Taken away, they stay in the history."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.errors import NotFound, RequestRefused, Stale
from biblio.store.current import group_ids, members_under_second_reading
from biblio.store.found import found, found_paper
from biblio.store.models import PaperNote, PaperTag, UserAccount

LONGEST_NOTE = 4_000
"""Characters of a note: half a page."""

LONGEST_TAG = 40
"""Characters of a tag, as the column has it."""

MOST_TAGS = 20
"""Tags on one paper; beyond that they sort nothing."""

SUGGESTED = 50
"""Tags in use that the page offers, the commonest first."""

LOOKED_AT = 1_000
"""The latest tags put on papers, of which the commonest are offered: a page must not count all there ever were."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note as the page shows it."""

    note_id: int
    text: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as the page shows it."""

    tag_id: int
    tag: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Act:
    """One act of writing something on a paper or taking it away; ``text`` is the note's."""

    at: datetime
    who: str
    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Remarks:
    """All that stands on a paper now, the tags that are used elsewhere, and what the history tells of both."""

    notes: list[Note]
    tags: list[Tag]
    offered: list[str]
    acts: list[Act]


def remarks(session: Session, group: Sequence[int]) -> Remarks:
    """Return the notes (latest first) and tags (by name) of a paper, and their history, in two queries."""
    written = _written(session, group)
    notes, tags = ([one for one in written if one.is_note is kind] for kind in (True, False))
    shown: dict[str, Tag] = {}
    for row in sorted(tags, key=lambda one: (one.text, one.number)):
        if row.removed_at is None:
            shown.setdefault(row.text, Tag(row.number, row.text, row.who, row.made_at))
    latest = (
        sa.select(col(PaperTag.tag))
        .where(col(PaperTag.removed_at).is_(None), col(PaperTag.paper_id).not_in(members_under_second_reading()))
        .order_by(col(PaperTag.id).desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    offered = session.execute(
        sa.select(latest.c.tag).group_by(latest.c.tag).order_by(sa.func.count().desc(), latest.c.tag)
    ).scalars()
    acts = [act for row in notes for act in row.acts("noted", "took a note away", row.text)]
    for row in tags:
        acts += row.acts(f"tagged it “{row.text}”", f"took the tag “{row.text}” away")
    return Remarks(
        [Note(row.number, row.text, row.who, row.made_at) for row in reversed(notes) if row.removed_at is None],
        list(shown.values()),
        [tag for tag in offered if tag not in shown][:SUGGESTED],
        acts,
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """A note or a tag, with who wrote it and who took it away."""

    is_note: bool
    number: int
    text: str
    made_at: datetime
    removed_at: datetime | None
    who: str
    removed_by: str | None

    def acts(self, wrote: str, took: str, text: str = "") -> list[Act]:
        """Return the writing and, if so, the taking away, in these words."""
        acts = [Act(self.made_at, self.who, wrote, text)]
        return acts if self.removed_at is None else [*acts, Act(self.removed_at, self.removed_by or self.who, took)]


def _written(session: Session, group: Sequence[int]) -> list[_Written]:
    """Return all notes and tags of a paper, in order."""
    both: Any = sa.union_all(
        *(
            sa.select(
                sa.literal(is_note, sa.Boolean).label("is_note"),
                model.id,
                text.label("text"),
                model.made_at,
                model.removed_at,
                model.actor_id,
                model.removed_by_id,
            ).where(model.paper_id.in_(group))
            for model, text, is_note in _KINDS
        )
    ).subquery()
    remover: Any = aliased(UserAccount)
    rows = session.execute(
        sa.select(
            both.c.is_note,
            both.c.id,
            both.c.text,
            both.c.made_at,
            both.c.removed_at,
            col(UserAccount.name),
            remover.name,
        )
        .join(UserAccount, col(UserAccount.id) == both.c.actor_id)
        .outerjoin(remover, remover.id == both.c.removed_by_id)
        .order_by(both.c.id)
    )
    return [_Written(*row) for row in rows]


_KINDS: tuple[tuple[Any, Any, bool], ...] = (
    (PaperNote, col(PaperNote.text), True),
    (PaperTag, sa.cast(col(PaperTag.tag), sa.Text), False),
)


def tags_written(text: str) -> list[str]:
    """Return the tags in ``text``, apart by commas, each in its one spelling: lower case, single blanks, no "#" in front.

    Raises ``RequestRefused`` where there is none, or one is too long.
    """
    tags = {tag: None for part in text.split(",") if (tag := _one_spelling(part))}
    if not tags:
        raise RequestRefused("Write a tag: one word or a few, such as “polarisation” or “ask the PI”.")
    if long := next((tag for tag in tags if len(tag) > LONGEST_TAG), None):
        raise RequestRefused(f"A tag has at most {LONGEST_TAG} characters; “{long[:20]}…” has {len(long)}.")
    return list(tags)


def _one_spelling(text: str) -> str:
    kept = "".join(
        " " if c.isspace() else c
        for c in unicodedata.normalize("NFKC", text)
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    return " ".join(kept.lower().split()).lstrip("#").strip()


def add_tags(session: Session, actor: Actor, paper_id: int, text: str, *, now: datetime) -> list[PaperTag]:
    """Put the tags in ``text`` on a paper; return those that it did not have. Raises ``RequestRefused``, ``NotFound``."""
    person, survivor = actor.person_id(), found_paper(session, paper_id)
    had = set(
        session.exec(
            select(PaperTag.tag).where(
                col(PaperTag.paper_id).in_(group_ids(session, survivor)), col(PaperTag.removed_at).is_(None)
            )
        )
    )
    wanted = [tag for tag in tags_written(text) if tag not in had]
    if len(had) + len(wanted) > MOST_TAGS:
        raise RequestRefused(f"A paper has at most {MOST_TAGS} tags; take one away first.")
    rows = [PaperTag(paper_id=survivor, tag=tag, actor_id=person, made_at=now) for tag in wanted]
    session.add_all(rows)
    try:
        session.flush()
    except IntegrityError as error:
        raise Stale("Somebody else put this tag on the paper at the same moment.") from error
    return rows


def remove_tags(session: Session, actor: Actor, tag_ids: Sequence[int], *, now: datetime) -> list[PaperTag]:
    """Take tags away, each from the whole paper. Raises ``NotFound`` for one there is not, ``Stale`` for one taken away."""
    removed = []
    for tag_id in tag_ids:
        row = found(session, PaperTag, tag_id, "tag")
        if row.removed_at is not None:
            raise Stale(f"The tag “{row.tag}” was taken away already.", current=row)
        group = group_ids(session, found_paper(session, row.paper_id))
        for same in session.exec(
            select(PaperTag).where(
                col(PaperTag.paper_id).in_(group), col(PaperTag.tag) == row.tag, col(PaperTag.removed_at).is_(None)
            )
        ):
            same.removed_at, same.removed_by_id = now, actor.person_id()
            session.add(same)
        removed.append(row)
    session.flush()
    return removed


def add_note(session: Session, actor: Actor, paper_id: int, text: str, *, now: datetime) -> PaperNote:
    """Put a note on a paper. Raises ``RequestRefused`` for an empty or very long one, ``NotFound`` for no paper."""
    person, survivor = actor.person_id(), found_paper(session, paper_id)
    kept = text.replace("\0", "\ufffd").replace("\r\n", "\n").strip()
    if not kept:
        raise RequestRefused("Write something: the note is empty.")
    if len(kept) > LONGEST_NOTE:
        raise RequestRefused(f"A note has at most {LONGEST_NOTE:,} characters; this one has {len(kept):,}.")
    row = PaperNote(paper_id=survivor, text=kept, actor_id=person, made_at=now)
    session.add(row)
    session.flush()
    return row


def remove_note(session: Session, actor: Actor, note_id: int, *, now: datetime) -> PaperNote:
    """Take a note away. Raises ``NotFound`` for one there is not, ``Stale`` for one that was taken away already."""
    row = found(session, PaperNote, note_id, "note")
    if row.removed_at is not None:
        raise Stale("Somebody has taken this note away already.", current=row)
    row.removed_at, row.removed_by_id = now, actor.person_id()
    session.add(row)
    session.flush()
    return row


def restore_note(session: Session, actor: Actor, note_id: int, *, now: datetime) -> PaperNote:
    """Write a note that was taken away once more. Raises ``NotFound`` for one there is not, ``Stale`` for one that stands."""
    row = found(session, PaperNote, note_id, "note")
    if _stands(session, row):
        raise Stale("This note stands on the paper already.", current=row)
    return add_note(session, actor, row.paper_id, row.text, now=now)


def _stands(session: Session, row: PaperNote) -> bool:
    """Whether a note was never taken away, or was written once more since."""
    same = select(PaperNote.id).where(
        col(PaperNote.paper_id).in_(group_ids(session, found_paper(session, row.paper_id))),
        col(PaperNote.text) == row.text,
        col(PaperNote.removed_at).is_(None),
    )
    return session.exec(same.limit(1)).first() is not None


def restore_tags(session: Session, actor: Actor, tag_ids: Sequence[int], *, now: datetime) -> int:
    """Put tags that were taken away on their paper once more; return its id. Raises ``NotFound`` for one there is not."""
    rows = [session.get(PaperTag, tag_id) for tag_id in tag_ids]
    found = [row for row in rows if row is not None]
    if len(found) < len(rows) or len({row.paper_id for row in found}) != 1:
        raise NotFound("There is no such tag.")
    add_tags(session, actor, found[0].paper_id, ",".join(row.tag for row in found), now=now)
    return found[0].paper_id
