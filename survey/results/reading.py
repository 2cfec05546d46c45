"""What people wrote, for survey readers: comments with tags, and the words beside choices.

Nothing here tells whose words these are or what they chose. Every list is in an order that is new each time; a list of
several pages keeps its order by a random word in its addresses, which says nothing of the comments. Tags are soft:
they end and can come back, and whoever made them is kept.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import SystemRandom, token_hex

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.folding import fold
from biblio.errors import NotFound, RequestRefused
from biblio.observatory import Choice, Question
from biblio.runtime import Runtime
from biblio.store.answers import CampaignAnswers, Standing, figures_of
from biblio.store.models import Answer, Campaign, Comment, CommentTag

TAG_MAX = 40
"""Characters of a tag."""

MOST_TAGS = 20
"""Tags that one comment may have."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One live tag of a comment; ``id`` is the tag's own number."""

    id: int
    word: str


@dataclass(frozen=True, slots=True)
class Said:
    """One comment: its random key, its question, its words, its tags by name."""

    id: str
    question: str
    words: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """Which comments are looked for: words that they hold, a tag that they have ("-": those without), a question's key."""

    words: str = ""
    tag: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """The words that were written beside one choice."""

    question: Question
    choice: Choice
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a survey reader sees of a campaign. ``tags``: (tag, comments that have it), most used first.

    ``all`` is the number of comments before ``comments`` were sought out; ``order`` is the word that keeps this order.
    """

    figures: CampaignAnswers
    comments: Sequence[Said]
    all: int
    tags: Sequence[tuple[str, int]]
    beside: Sequence[Beside]
    order: str


def new_order() -> str:
    """Return a random word that puts a list into an order which nobody has seen before."""
    return token_hex(8)


def reading_of(session: Session, campaign: Campaign, sought: Sought, order: str = "") -> Reading:
    """Return what was written in a campaign; nothing of one that is sealed or that too few persons answered."""
    figures = figures_of(session, campaign)
    order = order or new_order()
    if figures.standing not in (Standing.WHOLE, Standing.WAVES):
        return Reading(figures, [], 0, [], [], order)
    comments = _comments(session, campaign)
    found = [each for each in comments if _is_sought(each, sought)]
    found.sort(key=lambda each: hashlib.sha256(f"{order} {each.id}".encode()).digest())
    counts: dict[str, int] = defaultdict(int)
    for each in comments:
        for tag in each.tags:
            counts[tag.word] += 1
    tags = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Reading(figures, found, len(comments), tags, _beside(session, campaign, figures), order)


def _comments(session: Session, campaign: Campaign) -> list[Said]:
    tags: dict[str, list[Tag]] = defaultdict(list)
    live = select(CommentTag).join(Comment, col(Comment.id) == col(CommentTag.comment_id))
    for tag in session.exec(
        live.where(col(Comment.campaign_id) == campaign.id, col(CommentTag.ended_at).is_(None)).order_by(
            col(CommentTag.tag)
        )
    ):
        tags[tag.comment_id].append(Tag(tag.id or 0, tag.tag))
    rows = session.exec(select(Comment).where(col(Comment.campaign_id) == campaign.id))
    return [Said(row.id, row.question, row.words, tuple(tags[row.id])) for row in rows]


def _is_sought(said: Said, sought: Sought) -> bool:
    if sought.question and said.question != sought.question:
        return False
    if sought.tag == "-" and said.tags:
        return False
    if sought.tag not in ("", "-") and sought.tag not in [tag.word for tag in said.tags]:
        return False
    return all(word in fold(said.words) for word in fold(sought.words).split())


def _beside(session: Session, campaign: Campaign, figures: CampaignAnswers) -> list[Beside]:
    """Return the words beside choices in the order of the questionnaire, those of one choice in a new random order."""
    if figures.questionnaire is None:
        return []
    words: dict[tuple[str, int], list[str]] = defaultdict(list)
    for question, choice, word in session.execute(
        sa.select(col(Answer.question), col(Answer.choice), col(Answer.word)).where(
            col(Answer.campaign_id) == campaign.id, col(Answer.word) != ""
        )
    ):
        words[question, choice].append(word)
    for each in words.values():
        SystemRandom().shuffle(each)
    return [
        Beside(question, choice, words[question.key, choice.number])
        for question in figures.questionnaire.questions
        for choice in question.choices
        if words.get((question.key, choice.number))
    ]


# -- tags -------------------------------------------------------------------------------------------------------------


def plain_tag(tag: str) -> str:
    """Return a tag as it is kept: lower case, single blanks. Raises ``RequestRefused`` for none, or a long one."""
    word = " ".join("".join(c if c.isprintable() else " " for c in tag).split()).lower()
    if not word.strip("-"):
        raise RequestRefused("Write a word for the tag, such as “calibration”. Nothing was changed.")
    if len(word) > TAG_MAX:
        raise RequestRefused(f"A tag has at most {TAG_MAX} characters. Nothing was changed.")
    return word


def add_tag(session: Session, runtime: Runtime, actor: Actor, comment_id: str, tag: str) -> CommentTag:
    """Tag a comment; one that it has already stays as it is. Raises ``NotFound`` or ``RequestRefused``."""
    word, person = plain_tag(tag), actor.person_id()
    if session.get(Comment, comment_id) is None:
        raise NotFound("There is no such comment.")
    live = _live(session, comment_id)
    known = next((each for each in live if each.tag == word), None)
    if known is not None:
        return known
    if len(live) >= MOST_TAGS:
        raise RequestRefused(f"This comment has {MOST_TAGS} tags already. Take one off first.")
    made = CommentTag(comment_id=comment_id, tag=word, made_by_id=person, made_at=runtime.clock.now())
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:  # a colleague was faster by a moment
        return next(each for each in _live(session, comment_id) if each.tag == word)
    return made


def _live(session: Session, comment_id: str) -> list[CommentTag]:
    found = select(CommentTag).where(col(CommentTag.comment_id) == comment_id, col(CommentTag.ended_at).is_(None))
    return list(session.exec(found))


def end_tag(session: Session, runtime: Runtime, actor: Actor, tag_id: int) -> CommentTag:
    """Take a tag off its comment; taken off before, it stays off. Raises ``NotFound``."""
    person = actor.person_id()
    tag = _tag(session, tag_id)
    if tag.ended_at is None:
        tag.ended_at, tag.ended_by_id = runtime.clock.now(), person
        session.add(tag)
        session.flush()
    return tag


def tag_again(session: Session, runtime: Runtime, actor: Actor, tag_id: int) -> CommentTag:
    """Put a tag back that was taken off, as a new row: what was done stays in the history. Raises ``NotFound``."""
    tag = _tag(session, tag_id)
    return add_tag(session, runtime, actor, tag.comment_id, tag.tag)


def _tag(session: Session, tag_id: int) -> CommentTag:
    tag = session.get(CommentTag, tag_id)
    if tag is None:
        raise NotFound("There is no such tag.")
    return tag


def campaign_of(session: Session, tag: CommentTag) -> int:
    """Return the number of the campaign that a tag's comment is of."""
    return session.get_one(Comment, tag.comment_id).campaign_id
