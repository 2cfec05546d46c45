"""The questionnaire: the observatory's wording to the letter, frozen per campaign; what may be answered."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.errors import StartRefused
from biblio.runtime import checked_profile
from survey.questionnaire import COMMENT_MAX, DETAIL_MAX, Filled, cleaned, fill_in, frozen, thaw

PROFILE = checked_profile("alma")
QUESTIONNAIRE = thaw(frozen(PROFILE))


def test_the_wording_is_the_observatorys_to_the_letter() -> None:
    """Title, introduction, question, hint, twelve answers, comment and buttons hash to the wording that was given."""
    q = QUESTIONNAIRE
    words = [q.title, *q.introduction, q.status.text, q.status.hint, *(r.text for r in q.reasons)]
    words += [q.comment.text, q.submit, q.leave]
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
    assert digest == "c490043ecbe4fe250c884664295cc216561daf821b4f37778f90cd508f7dbbc4"


def test_the_chain_and_its_groups_stand_as_agreed() -> None:
    """Twelve reasons: 1–3 published or coming, 4–6 data, 7–8 science, 9–10 resources, 11–12 other; 1, 10, 12 ask more."""
    groups = [(r.number, r.group) for r in QUESTIONNAIRE.reasons]
    expected = ["published"] * 3 + ["data"] * 3 + ["science"] * 2 + ["resources"] * 2 + ["other"] * 2
    assert groups == list(enumerate(expected, start=1))
    assert [r.number for r in QUESTIONNAIRE.reasons if r.detail] == [1, 10, 12]


def test_a_campaign_keeps_its_own_wording() -> None:
    """The frozen copy holds the observatory's name and reads back as the same questionnaire."""
    plain = frozen(PROFILE)
    assert "{observatory}" not in str(plain)
    assert thaw(plain) == QUESTIONNAIRE
    with pytest.raises(StartRefused):
        thaw({**plain, "reasons": []} | {"title": None})


def test_an_unknown_placeholder_is_refused_at_load() -> None:
    """A wording with {project} in it is refused, naming it: nothing about a project may stand on the page."""
    wrong = PROFILE.questionnaire.model_copy(update={"title": "About {project}"})
    with pytest.raises(StartRefused, match=r"\{project\}"):
        frozen(PROFILE.model_copy(update={"questionnaire": wrong}))


def fill(**changes: Any) -> tuple[Filled | None, list[str]]:
    """Fill in the questionnaire; return the answer and the fields with problems."""
    values: dict[str, Any] = {"reason": "1", "details": {1: "Journal of Tests", 10: "typed elsewhere"}, "comment": ""}
    filled, problems = fill_in(QUESTIONNAIRE, **{**values, **changes})
    return filled, [p.field for p in problems]


def test_only_the_chosen_answers_word_is_kept() -> None:
    """What was typed beside another answer never goes into the ballot; a word may be left out."""
    assert fill() == (Filled(1, "Journal of Tests"), [])
    assert fill(reason="4") == (Filled(4), [])
    assert fill(details={}) == (Filled(1), [])


@pytest.mark.parametrize("reason", ["", "0", "13", "-1", "1.0", "१", "1\n", "0x1", "9999"])
def test_anything_but_the_twelve_numbers_is_no_answer(reason: str) -> None:
    """Only 1 to 12 as plain digits are answers."""
    assert fill(reason=reason) == (None, ["reason"])


def test_limits_are_kept_to_the_character() -> None:
    """The longest texts pass, one character more does not, and all problems are told at once."""
    longest = fill(details={1: "d" * DETAIL_MAX}, comment="c" * COMMENT_MAX)
    assert longest == (replace(Filled(1), detail="d" * DETAIL_MAX, comment="c" * COMMENT_MAX), [])
    assert fill(details={1: "d" * (DETAIL_MAX + 1)}, comment="c" * (COMMENT_MAX + 1)) == (None, ["detail-1", "comment"])


@given(st.text(max_size=300))
def test_cleaning_keeps_words_and_drops_control_characters(text: str) -> None:
    """Cleaning twice is cleaning once, only line ends are left of the control characters, and letters stay."""
    clean = cleaned(text)
    assert cleaned(clean) == clean
    assert all(c == "\n" or c >= " " for c in clean)
    assert [c for c in clean if c.isalpha()] == [c for c in text if c.isalpha()]
