"""The questionnaire as an observatory words it: its questions, their choices, and its wording in other languages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

RESERVED = frozenset({"csrf_token"})
"""Names of form fields that are the page's own, so no question can have one of them as its key."""

LANGUAGE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
"""What a language is called: "es", "zh-Hant", "pt-BR" (BCP 47: language, script, region)."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Choice(_Strict):
    """One answer that may be chosen. ``detail`` is the label of the text field it opens, if any.

    ``group`` is given for the choices of the status question: reports add the reasons up by it.
    """

    number: int = Field(ge=1, le=99)
    text: str
    short: str
    group: Literal["published", "data", "science", "resources", "other"] | None = None
    detail: str | None = None
    detail_max: int = Field(default=300, ge=1, le=2000)
    """Characters of the text field, where the answer opens one."""


class Question(_Strict):
    """One question: exactly one choice, any number of choices, or a free text."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    kind: Literal["one", "many", "text"]
    text: str
    hint: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    max: int = Field(default=3000, ge=1, le=3500)
    """Characters of a free text."""

    @model_validator(mode="after")
    def _choices_fit_the_kind(self) -> Question:
        if self.kind == "text" and self.choices:
            raise ValueError(f"the question {self.key!r} is a free text and cannot have choices")
        if self.kind != "text" and [c.number for c in self.choices] != list(range(1, len(self.choices) + 1)):
            raise ValueError(f"the choices of {self.key!r} must be numbered 1, 2, 3 … in their order")
        if self.kind != "text" and len(self.choices) < 2:
            raise ValueError(f"the question {self.key!r} needs two choices or more")
        return self

    @field_validator("key")
    @classmethod
    def _is_no_field_of_the_page(cls, key: str) -> str:
        if key in RESERVED:
            raise ValueError(f"a question cannot have the key {key!r}: the page has a field of that name")
        return key

    def choice(self, number: int) -> Choice | None:
        """Return the choice with this number, or None."""
        return self.choices[number - 1] if 1 <= number <= len(self.choices) else None


class ChoiceTranslation(_Strict):
    """A choice's words in another language."""

    number: int
    text: str
    detail: str | None = None


class QuestionTranslation(_Strict):
    """A question's words in another language."""

    key: str
    text: str
    hint: str = ""
    choices: tuple[ChoiceTranslation, ...] = ()


class Translation(_Strict):
    """The observatory's own wording in another language: texts alone; keys, numbers and limits are the original's."""

    title: str
    introduction: tuple[str, ...]
    submit: str
    leave: str
    thanks: str
    questions: tuple[QuestionTranslation, ...]


class Questionnaire(_Strict):
    """The survey page's words; ``{observatory}`` stands for the observatory's short name.

    One question, the *status question*, asks for the state of the project: its choices, the *reasons*, have groups.
    """

    version: str
    title: str
    introduction: tuple[str, ...]
    submit: str
    leave: str
    thanks: str
    questions: tuple[Question, ...]
    language: str = Field(default="en", pattern=LANGUAGE)
    """The language that these words are in."""
    translations: Mapping[str, Translation] = Field(default_factory=dict)
    """Language → the same questionnaire in it; read from ``questionnaire.LANGUAGE.toml``."""

    @model_validator(mode="after")
    def _has_one_status_question(self) -> Questionnaire:
        keys = [question.key for question in self.questions]
        if len(set(keys)) != len(keys):
            raise ValueError("two questions have the same key")
        grouped = [q for q in self.questions if any(c.group for c in q.choices)]
        if len(grouped) != 1 or grouped[0].kind != "one" or not grouped[0].required:
            raise ValueError("exactly one question, required and of kind 'one', must have choices with a group")
        if not all(c.group for c in grouped[0].choices):
            raise ValueError(f"every choice of {grouped[0].key!r} needs a group")
        return self

    @model_validator(mode="after")
    def _is_translated_whole(self) -> Questionnaire:
        for language, words in self.translations.items():
            if not re.fullmatch(LANGUAGE, language) or language == self.language:
                raise ValueError(f"questionnaire.{language}.toml: {language!r} is not the name of another language")
            if lacks := _differs(self.questions, words.questions):
                raise ValueError(f"questionnaire.{language}.toml: {lacks}")
        return self

    def languages(self) -> tuple[str, ...]:
        """Return the languages that the observatory words its questionnaire in, its first one before the others."""
        return (self.language, *self.translations)

    def in_language(self, language: str) -> Questionnaire:
        """Return the questionnaire in a language, or as it is where nobody has translated it; ``language`` says which."""
        words = self.translations.get(language)
        if words is None:
            return self
        questions = tuple(_translated(q, w) for q, w in zip(self.questions, words.questions, strict=True))
        texts = {name: getattr(words, name) for name in ("title", "introduction", "submit", "leave", "thanks")}
        return self.model_copy(update={**texts, "questions": questions, "language": language})

    def question(self, key: str) -> Question | None:
        """Return the question with this key, or None."""
        return next((q for q in self.questions if q.key == key), None)

    @property
    def status(self) -> Question:
        """The status question."""
        return next(q for q in self.questions if any(c.group for c in q.choices))

    @property
    def reasons(self) -> tuple[Choice, ...]:
        """The choices of the status question, in the order of the chain."""
        return self.status.choices


def _differs(originals: Sequence[Question], translations: Sequence[QuestionTranslation]) -> str | None:
    """Return in what way translated questions are not those of the original, or None."""
    if [q.key for q in originals] != [q.key for q in translations]:
        return f"has to translate these questions, in this order: {', '.join(q.key for q in originals)}"
    for one, other in zip(originals, translations, strict=True):
        if bool(one.hint) != bool(other.hint):
            return f"the question {one.key!r} has a hint in one language alone"
        if [c.number for c in one.choices] != [c.number for c in other.choices]:
            return f"the choices of {one.key!r} have to be numbered 1 to {len(one.choices)}, as in the original"
        for choice, words in zip(one.choices, other.choices, strict=True):
            if bool(choice.detail) != bool(words.detail):
                return f"choice {choice.number} of {one.key!r} opens a text field (detail) in one language alone"
    return None


def _translated(question: Question, words: QuestionTranslation) -> Question:
    choices = tuple(
        choice.model_copy(update={"text": said.text, "detail": said.detail})
        for choice, said in zip(question.choices, words.choices, strict=True)
    )
    return question.model_copy(update={"text": words.text, "hint": words.hint, "choices": choices})
