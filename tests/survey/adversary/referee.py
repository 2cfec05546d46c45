"""Lets the adversary loose on what was played, and compares with the truth, which the adversary never sees."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from survey.questionnaire import Filled
from tests.survey.adversary.guess import Held, all_guesses, cells_of
from tests.survey.adversary.play import Played
from tests.survey.adversary.score import Asked, Score, blind, judged


def scored(played: Played, *, confederates: float = 0.1, seed: int = 5) -> Score:
    """Return how well every strategy did. ``confederates``: the share of persons who tell the adversary their answer."""
    numbers = sorted(played.truth)
    told = set(Random(seed).sample(numbers, round(confederates * len(numbers))))
    held = Held(
        played.known,
        played.openings,
        played.watch.captured(),
        {n: played.truth[n] for n in told},
    )
    choices, comments = cells_of(held)
    among = [n for n in numbers if n in choices and n not in told]
    questions = _questions(played.truth, choices, comments)
    by_word = {word: n for n, word in questions["word"].truth.items() if word}
    verdicts = []
    for question, strategy, guesses in all_guesses(held):
        of_whom = {by_word.get(n): guess for n, guess in guesses.items()} if question == "pair" else guesses
        verdicts.append(judged(questions[question], strategy, of_whom, among))
    of = {name: len(among) for name in questions}
    return Score(
        verdicts, len(held.ballots), of, {name: blind(question, among) for name, question in questions.items()}
    )


def _questions(
    truth: Mapping[int, Filled], choices: Mapping[int, tuple[object, ...]], comments: Mapping[int, tuple[object, ...]]
) -> dict[str, Asked]:
    """What did they choose? Whose word is it? Whose comment? Which comment goes with a choice that has a word?"""
    said = {n: filled.texts.get("comment", "") for n, filled in truth.items()}
    words = {n: filled.chosen[0].word for n, filled in truth.items()}
    chosen = {n: str(filled.chosen[0].choice) for n, filled in truth.items()}
    return {
        "choice": Asked("choice", chosen, choices, True),
        "word": Asked("word", words, choices, False),
        "comment": Asked("comment", said, comments, False),
        "pair": Asked("pair", said, comments, False),
    }
