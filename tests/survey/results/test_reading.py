"""Reading what people wrote: in a new order each time, tied to nothing; tags that end and come back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sqlmodel import col, select

from biblio.catalogue.actor import MACHINE, Actor
from biblio.errors import NotAllowed, NotFound, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Campaign, Comment, CommentTag
from biblio.store.words import Role
from survey.results.reading import MOST_TAGS, Reading, Sought, add_tag, end_tag, plain_tag, reading_of, tag_again
from tests.factories import add_user
from tests.survey.released import COMMENTS, add_answers, add_campaign, counts, released


def read(runtime: Runtime, campaign: int, order: str = "", **sought: str) -> Reading:
    """Read a campaign as a page does."""
    with runtime.store.reading() as session:
        return reading_of(session, session.get_one(Campaign, campaign), Sought(**sought), order)


def reader(runtime: Runtime, name: str = "rena") -> Actor:
    """Add a survey reader."""
    with runtime.store.writing() as session:
        return add_user(session, name, Role.SURVEY_READER, library=None)


def words_of(found: Reading) -> list[str]:
    """Return the words of the comments in their order."""
    return [each.words for each in found.comments]


def test_every_reading_has_a_new_order_and_a_word_that_keeps_it(runtime: Runtime) -> None:
    """Forty comments come in another order each time, but for whoever hands on the word of the first reading."""
    texts = [f"Comment number {n}." for n in range(40)]
    campaign = released(runtime, comments=texts)
    first, second = read(runtime, campaign), read(runtime, campaign)
    assert sorted(words_of(first)) == sorted(words_of(second)) == sorted(texts)
    assert words_of(first) != words_of(second)
    assert words_of(read(runtime, campaign, first.order)) == words_of(first)


def test_words_stand_beside_choices_in_the_questionnaires_order(runtime: Runtime) -> None:
    """Journals beside answer 1, the facility beside answer 10; no stratum and no comment with them."""
    found = read(runtime, released(runtime))
    assert [(b.choice.number, sorted(b.words)) for b in found.beside] == [
        (1, ["Journal of Invented Results", "Letters of Nowhere"]),
        (10, ["A dish in the sky"]),
    ]


@pytest.mark.parametrize(
    ("sought", "count"),
    [
        ({"words": "calibration"}, 2),
        ({"words": "muller RECIPE"}, 1),
        ({"words": "flux pipeline"}, 0),
        ({"words": "<b>"}, 1),
        ({"tag": "flux"}, 1),
        ({"tag": "-"}, 5),
        ({"tag": "no such tag"}, 0),
        ({"question": "comment"}, 6),
        ({"question": "status"}, 0),
    ],
)
def test_comments_are_sought_by_words_tag_and_question(runtime: Runtime, sought: dict[str, str], count: int) -> None:
    """All words must be there, whatever their case and accents; "-" finds what has no tag yet."""
    campaign = released(runtime)
    actor = reader(runtime)
    with runtime.store.writing() as session:
        flux = session.exec(select(Comment.id).where(col(Comment.words).contains("flux"))).one()
        add_tag(session, runtime, actor, flux, "Flux")
    found = read(runtime, campaign, **sought)
    assert len(found.comments) == count
    assert found.all == len(COMMENTS)
    assert found.tags == [("flux", 1)]


def test_a_tag_ends_and_comes_back_with_its_history(runtime: Runtime) -> None:
    """Taken off and put back by another reader: two rows, each with who and when; doing it twice changes nothing."""
    campaign = released(runtime)
    rena, olaf = reader(runtime), reader(runtime, "olaf")
    with runtime.store.writing() as session:
        comment = session.exec(select(Comment.id)).first()
        assert comment is not None
        first = add_tag(session, runtime, rena, comment, " Data   Products ")
        assert add_tag(session, runtime, olaf, comment, "data products").id == first.id
        assert end_tag(session, runtime, olaf, first.id or 0).ended_by_id == olaf.user_id
        assert end_tag(session, runtime, rena, first.id or 0).ended_by_id == olaf.user_id
        again = tag_again(session, runtime, olaf, first.id or 0)
        assert tag_again(session, runtime, rena, first.id or 0).id == again.id != first.id
    assert read(runtime, campaign).tags == [("data products", 1)]
    with runtime.store.reading() as session:
        assert sorted(session.exec(select(CommentTag.made_by_id))) == sorted([rena.user_id, olaf.user_id])


@pytest.mark.parametrize("tag", ["", "   ", "\n\t", "-", "x" * 41])
def test_tags_that_say_nothing_are_refused(tag: str) -> None:
    """Nothing, white space, a dash (which means "without"), or more than a tag."""
    with pytest.raises(RequestRefused, match="Nothing was changed"):
        plain_tag(tag)


def test_a_comment_takes_so_many_tags(runtime: Runtime) -> None:
    """The next is refused with what to do."""
    released(runtime)
    rena = reader(runtime)
    with runtime.store.writing() as session:
        comment = session.exec(select(Comment.id)).first()
        assert comment is not None
        for number in range(MOST_TAGS):
            add_tag(session, runtime, rena, comment, f"tag {number}")
        with pytest.raises(RequestRefused, match="Take one off first"):
            add_tag(session, runtime, rena, comment, "one more")


def test_what_is_not_there_cannot_be_tagged_and_the_machine_tags_nothing(runtime: Runtime) -> None:
    """Neither an unknown comment nor an unknown tag; and a tag is a person's."""
    rena = reader(runtime)
    with runtime.store.writing() as session:
        with pytest.raises(NotFound):
            add_tag(session, runtime, rena, "0" * 32, "flux")
        with pytest.raises(NotFound):
            end_tag(session, runtime, rena, 7)
        with pytest.raises(NotAllowed):
            add_tag(session, runtime, MACHINE, "0" * 32, "flux")


def test_nothing_is_read_of_too_few_or_before_the_box_is_open(runtime: Runtime) -> None:
    """Even if there were rows: of four persons, and of a campaign whose box is not open."""
    with runtime.store.writing() as session:
        numbers = []
        for name, given in (
            ("few", {"counts": counts(40, 30, 4, 4)}),
            ("sealed", {"closed_at": None, "released_at": None}),
        ):
            campaign = add_campaign(session, name, **given)
            if name == "few":
                add_answers(session, campaign, {1: 4}, words=("A journal",))
            session.add(Comment(id=name, campaign_id=campaign.id, question="comment", words="not to be read"))
            numbers.append(campaign.id or 0)
    for number in numbers:
        found = read(runtime, number)
        assert (found.comments, found.beside, found.all, found.tags) == ([], [], 0, [])


def test_nothing_outside_the_survey_reads_comments() -> None:
    """No module of the house or another feature knows the table of comments or the words of answers."""
    root = Path(__file__).resolve().parents[3]
    knowing = set()
    for folder in ("biblio", "reports", "matching", "harvesters", "demo"):
        for path in (root / folder).rglob("*.py"):
            if "migrations" in path.parts or "models" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
                reads_word = isinstance(node, ast.Attribute) and ast.unparse(node) == "Answer.word"
                if {"Comment", "CommentTag"} & set(names) or reads_word:
                    knowing.add(str(path.relative_to(root)))
    assert knowing == set()
