"""Forms of the pages that PIs see: the questionnaire, built from the campaign's frozen wording."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms import StringField
from wtforms.validators import Length, Optional

from biblio.observatory import Choice, Question, Questionnaire
from biblio.webkit import Form
from survey.page.answering import NOTE_MAX
from survey.page.language import Language
from survey.questionnaire import Filled, Problem, Sent, fill_in


@dataclass(frozen=True, slots=True)
class Told:
    """One error as the page tells it: the field it is about, the id that takes the focus, and what it says."""

    field: str
    target: str
    label: str
    message: str


class QuestionnaireForm(Form):
    """The questionnaire. Its own field is the token against forgery; the questions are those of ``questionnaire.toml``.

    Fields on the page are called by the question's key, the word beside a choice KEY-NUMBER. What was sent is checked by
    ``survey.questionnaire.fill_in``, so that there is one rule for what may be answered; nothing sent is changed, so the
    page can show it again.
    """

    def __init__(self, questionnaire: Questionnaire) -> None:
        super().__init__(request.form)  # given, for else a body of JSON would be read as a form
        self.questionnaire = questionnaire
        self.sent = _sent(questionnaire, request.form) if request.method == "POST" else Sent({})
        self.problems: list[Problem] = []
        self.trouble: str | None = None
        """What stood against taking it although all is right: "stale" (the form's token) or "busy" (the database)."""

    def checked(self) -> Filled | None:
        """Return what was filled in, or None with ``problems``; a token that fits no more is told when all else is right."""
        trusted = self.validate()
        filled, self.problems = fill_in(self.questionnaire, self.sent)
        self.trouble = "stale" if not trusted and not self.problems else None
        return filled if trusted else None

    def text(self, question: Question) -> str:
        """Return what was typed as the answer to a free text."""
        return next(iter(self.sent.values.get(question.key, ())), "")

    def word(self, question: Question, choice: Choice) -> str:
        """Return what was typed beside a choice."""
        return self.sent.words.get((question.key, choice.number), "")

    def is_chosen(self, question: Question, choice: Choice) -> bool:
        """Whether a choice was made."""
        return str(choice.number) in self.sent.values.get(question.key, ())

    def told(self, say: Language) -> list[Told]:
        """Return what is wrong in the words of a language, in the order of the page."""
        return [self._told(problem, say) for problem in self.problems]

    def _told(self, problem: Problem, say: Language) -> Told:
        key, _, number = problem.field.partition("-")
        numbers = [question.key for question in self.questionnaire.questions]
        question = self.questionnaire.questions[numbers.index(key)]
        target = first_choice(question) if problem.kind == "choose" else problem.field
        label = say("errors.question", number=numbers.index(key) + 1)
        choice = question.choice(int(number)) if number else None
        if choice is not None and choice.detail:
            label = f"{label}, {choice.detail}"
        return Told(problem.field, target, label, _message(problem, question, say))


def _message(problem: Problem, question: Question, say: Language) -> str:
    if problem.kind == "long":
        return say("errors.long", length=problem.length, limit=problem.limit)
    return say(f"errors.choose_{question.kind}" if problem.kind == "choose" else "errors.missing")


def first_choice(question: Question) -> str:
    """Return the id of a question's first choice. Keys hold no dash, so no other id on the page is like it."""
    return f"{question.key}-choice-{question.choices[0].number}"


def _sent(questionnaire: Questionnaire, given: MultiDict[str, str]) -> Sent:
    """Read a form. An empty value among choices is "no answer", which takes back what was chosen."""
    values = {q.key: [v for v in given.getlist(q.key) if v or not q.choices] for q in questionnaire.questions}
    opening = [(q.key, c.number) for q in questionnaire.questions for c in q.choices if c.detail]
    return Sent(values, {(key, number): given.get(f"{key}-{number}", "") for key, number in opening})


class WrongPersonForm(Form):
    """I am not the right person: perhaps who is. The page gives it its words, in the visitor's language."""

    note = StringField(validators=[Optional(), Length(max=NOTE_MAX)])
