"""The questionnaire: the observatory's wording to the letter, frozen per campaign; what may be answered."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.errors import StartRefused
from biblio.observatory import Questionnaire
from biblio.runtime import checked_profile
from survey.questionnaire import BUCKET, Chosen, Filled, Problem, Sent, cleaned, fill_in, fits, frozen, longest, thaw

PROFILE = checked_profile("alma")
QUESTIONNAIRE = thaw(frozen(PROFILE))

ALL_KINDS = Questionnaire.model_validate(
    {
        "version": "1",
        "title": "All kinds",
        "introduction": ["One of each."],
        "submit": "Send",
        "leave": "Leave",
        "thanks": "Thanks.",
        "questions": [
            {
                "key": "status",
                "kind": "one",
                "required": True,
                "text": "Which?",
                "choices": [
                    {"number": 1, "group": "data", "short": "A", "text": "A", "detail": "Why", "detail_max": 10},
                    {"number": 2, "group": "other", "short": "B", "text": "B"},
                ],
            },
            {
                "key": "helped",
                "kind": "many",
                "text": "What helped?",
                "choices": [
                    {"number": 1, "short": "Desk", "text": "Desk", "detail": "Which desk", "detail_max": 5},
                    {"number": 2, "short": "Pipeline", "text": "Pipeline"},
                    {"number": 3, "short": "Other", "text": "Other", "detail": "What", "detail_max": 5},
                ],
            },
            {"key": "why", "kind": "text", "required": True, "max": 20, "text": "Why?"},
            {
                "key": "again",
                "kind": "one",
                "text": "Again?",
                "choices": [{"number": 1, "short": "Yes", "text": "Yes"}, {"number": 2, "short": "No", "text": "No"}],
            },
        ],
    }
)


def test_the_wording_is_the_observatorys_to_the_letter() -> None:
    """Title, introduction, question, hint, twelve answers, comment and buttons hash to the wording that was given."""
    q = QUESTIONNAIRE
    status, comment = q.questions
    words = [q.title, *q.introduction, status.text, status.hint, *(c.text for c in status.choices)]
    words += [comment.text, q.submit, q.leave]
    digest = hashlib.sha256("\n".join(words).encode()).hexdigest()
    assert digest == "c490043ecbe4fe250c884664295cc216561daf821b4f37778f90cd508f7dbbc4"


def test_what_is_asked_is_as_agreed() -> None:
    """A required question of exactly one answer, then an optional free text; nothing else."""
    shape = [(q.key, q.kind, q.required, len(q.choices)) for q in QUESTIONNAIRE.questions]
    assert shape == [("status", "one", True, 12), ("comment", "text", False, 0)]


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
        thaw({**plain, "questions": []})


def test_an_unknown_placeholder_is_refused_at_load() -> None:
    """A wording with {project} in it is refused, naming it: nothing about a project may stand on the page."""
    wrong = PROFILE.questionnaire.model_copy(update={"title": "About {project}"})
    with pytest.raises(StartRefused, match=r"\{project\}"):
        frozen(PROFILE.model_copy(update={"questionnaire": wrong}))


def test_a_questionnaire_whose_answers_do_not_fit_a_ballot_is_refused() -> None:
    """The longest answer is counted beforehand: none that is allowed can ever be longer than a ballot."""
    status, comment = PROFILE.questionnaire.questions
    texts = tuple(comment.model_copy(update={"key": f"comment{n}", "max": 3500}) for n in range(2))
    wrong = PROFILE.questionnaire.model_copy(update={"questions": (status, *texts)})
    assert longest(QUESTIONNAIRE) <= BUCKET
    with pytest.raises(StartRefused, match=r"Lower max or detail_max"):
        frozen(PROFILE.model_copy(update={"questionnaire": wrong}))


def fill(questionnaire: Questionnaire = QUESTIONNAIRE, **values: Any) -> tuple[Filled | None, list[Problem]]:
    """Fill in a questionnaire from fields as the page names them, ``status_1`` for the word beside the first choice."""
    words = {name: values.pop(name) for name in list(values) if name.rpartition("_")[2].isdecimal()}
    texts = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    named = {(name.rpartition("_")[0], int(name.rpartition("_")[2])): word for name, word in words.items()}
    return fill_in(questionnaire, Sent(texts, named))


def test_only_the_chosen_answers_word_is_kept() -> None:
    """What was typed beside another answer never goes into the ballot; a word may be left out."""
    typed = {"status_1": "Journal of Tests", "status_10": "typed elsewhere"}
    assert fill(status="1", **typed) == (Filled((Chosen("status", 1, "Journal of Tests"),)), [])
    assert fill(status="4", **typed) == (Filled((Chosen("status", 4),)), [])
    assert fill(status="1") == (Filled((Chosen("status", 1),)), [])


@pytest.mark.parametrize("reason", ["", "0", "13", "-1", "1.0", "१", "1\n", "0x1", "9999"])
def test_anything_but_the_twelve_numbers_is_no_answer(reason: str) -> None:
    """Only 1 to 12 as plain digits are answers."""
    assert fill(status=reason) == (None, [Problem("status", "choose")])


def test_two_answers_where_one_is_asked_for_are_none() -> None:
    """Two choices are refused; the same one twice is one."""
    assert fill(status=["1", "2"]) == (None, [Problem("status", "choose")])
    assert fill(status=["2", "2"]) == (Filled((Chosen("status", 2),)), [])


def test_limits_are_kept_to_the_character() -> None:
    """The longest texts pass, one character more does not, and all problems are told at once."""
    longest_word, longest_text = "d" * 300, "\U0001d516" * 3000
    passed = fill(status="1", status_1=longest_word, comment=longest_text)
    assert passed == (Filled((Chosen("status", 1, longest_word),), {"comment": longest_text}), [])
    too_long = [Problem("status-1", "long", 301, 300), Problem("comment", "long", 3001, 3000)]
    assert fill(status="1", status_1=longest_word + "d", comment=longest_text + "c") == (None, too_long)


def test_many_choices_each_with_its_word() -> None:
    """Any number of choices, each with its own word and limit; none at all where the question is not required."""
    both = (Chosen("status", 2), Chosen("helped", 3, "luck"), Chosen("helped", 2))
    assert fill(ALL_KINDS, status="2", helped=["3", "2"], helped_3="luck", helped_1="no", why="so") == (
        Filled(both, {"why": "so"}),
        [],
    )
    assert fill(ALL_KINDS, status="2", why="so") == (Filled((Chosen("status", 2),), {"why": "so"}), [])
    wrong = fill(ALL_KINDS, status="2", helped=["1", "3"], helped_1="123456", helped_3="123456", why="so")
    assert wrong == (None, [Problem("helped-1", "long", 6, 5), Problem("helped-3", "long", 6, 5)])
    assert fill(ALL_KINDS, status="2", helped=["2", "4"], why="so") == (None, [Problem("helped", "choose")])


@pytest.mark.parametrize("typed", ["", "   ", "\x00\x07", "\r\n"])
def test_a_required_text_has_to_hold_a_word(typed: str) -> None:
    """White space and control characters are no answer."""
    assert fill(ALL_KINDS, status="2", why=typed) == (None, [Problem("why", "missing")])


def test_problems_stand_in_the_order_of_the_page() -> None:
    """Whoever goes through them goes down the page."""
    _, problems = fill(ALL_KINDS, helped=["9"], why="w" * 21, again=["1", "2"])
    assert [(p.field, p.kind) for p in problems] == [
        ("status", "choose"),
        ("helped", "choose"),
        ("why", "long"),
        ("again", "choose"),
    ]


_NUMBERS = st.lists(st.text(alphabet="0123456789 -x१\0", max_size=3), max_size=4)


@given(
    st.fixed_dictionaries({"status": _NUMBERS, "helped": _NUMBERS, "again": _NUMBERS, "why": st.lists(st.text())}),
    st.dictionaries(st.tuples(st.sampled_from(["status", "helped", "why"]), st.integers(0, 4)), st.text(), max_size=4),
)
def test_whatever_is_sent_is_an_allowed_answer_or_a_problem(
    values: dict[str, list[str]], words: dict[tuple[str, int], str]
) -> None:
    """Nothing raises, and what passes is what the questionnaire allows, with nothing but allowed characters."""
    filled, problems = fill_in(ALL_KINDS, Sent(values, words))
    assert (filled is None) is bool(problems)
    if filled is not None:
        assert fits(ALL_KINDS, filled)
        for text in (*filled.texts.values(), *(c.word for c in filled.chosen)):
            assert cleaned(text) == text


@given(st.text(max_size=300))
def test_cleaning_keeps_words_and_drops_control_characters(text: str) -> None:
    """Cleaning twice is cleaning once, only line ends are left of the control characters, and letters stay."""
    clean = cleaned(text)
    assert cleaned(clean) == clean
    assert all(c == "\n" or c >= " " for c in clean)
    assert [c for c in clean if c.isalpha()] == [c for c in text if c.isalpha()]
