"""Forms: the questionnaire, built from the campaign's frozen wording, and those of the campaign pages."""

from __future__ import annotations

from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    RadioField,
    StringField,
    SubmitField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from biblio.observatory import Questionnaire
from biblio.webkit import FieldError, Form
from survey.answering import NOTE_MAX
from survey.questionnaire import COMMENT_MAX, DETAIL_MAX, Filled, Problem, fill_in
from survey.sending import BATCH
from survey.service import NAME_MAX

PRIVACY_HINT = "Please do not name yourself, your project or your target here."


class QuestionnaireForm(Form):
    """The questionnaire: ``reason``, one ``detail_N`` per answer that asks for a word, ``comment``.

    What is wrong is found by ``survey.questionnaire.fill_in``, so that there is one rule for what may be answered.
    """

    questionnaire: Questionnaire

    def checked(self) -> Filled | None:
        """Return what was filled in, or None with the errors beside their fields (and none of them changed)."""
        trusted = self.validate()  # the CSRF token; the fields have no rules of their own
        filled, problems = fill_in(
            self.questionnaire,
            reason=self["reason"].data or "",
            details={r.number: self[f"detail_{r.number}"].data or "" for r in self.questionnaire.reasons if r.detail},
            comment=self["comment"].data or "",
        )
        for each in problems:
            self._put(each)
        if not trusted and not problems:
            self.form_errors.append("The page was open for too long. Nothing is lost: press the button once more.")
        return filled if trusted and not problems else None

    def _put(self, found: Problem) -> None:
        name = found.field.replace("-", "_")
        self[name].errors = [*self[name].errors, found.message]

    def summary(self) -> list[FieldError]:
        """Return the errors in the order of the page, the token's own left out, with labels short enough to read out."""
        short = {self.questionnaire.status.text: "Question 1", self.questionnaire.comment.text: "Comment"}
        lines = [line for line in super().summary() if line.label != "CSRF Token"]
        return [FieldError(line.field_id, short.get(line.label, line.label), line.message) for line in lines]


def questionnaire_form(questionnaire: Questionnaire) -> QuestionnaireForm:
    """Return the form for a questionnaire, filled from the request."""
    fields: dict[str, Any] = {
        "questionnaire": questionnaire,
        "reason": RadioField(
            questionnaire.status.text,
            choices=[SelectChoice(value=str(r.number), label=r.text) for r in questionnaire.reasons],
            validate_choice=False,
        ),
        "comment": TextAreaField(questionnaire.comment.text, render_kw={"rows": 6, "maxlength": COMMENT_MAX}),
    }
    for reason in questionnaire.reasons:
        if reason.detail:
            fields[f"detail_{reason.number}"] = StringField(reason.detail, render_kw={"maxlength": DETAIL_MAX})
    return type("FrozenQuestionnaireForm", (QuestionnaireForm,), fields)()  # type: ignore[no-any-return]


class WrongPersonForm(Form):
    """I am not the right person: perhaps who is."""

    note = StringField(
        "Who should be asked instead, if you know?",
        description="A librarian reads this. It has nothing to do with any answer.",
        validators=[Optional(), Length(max=NOTE_MAX)],
    )
    submit = SubmitField("Tell the library")


class CampaignForm(Form):
    """A new campaign."""

    name = StringField(
        "Name",
        description="As the results will be called, such as 2026 autumn.",
        validators=[DataRequired("Give the campaign a name."), Length(max=NAME_MAX)],
    )
    as_of = DateField(
        "Silent on",
        description="Projects that are silent on this day are asked. Leave it empty for today.",
        validators=[Optional()],
    )
    seen = BooleanField("I have read the warnings above.")
    submit = SubmitField("Make a draft")


class SendForm(Form):
    """How many persons get a letter now."""

    batch = IntegerField(
        "Letters now",
        default=BATCH,
        validators=[InputRequired("Say how many."), NumberRange(1, 500, "Between 1 and 500 letters at a time.")],
    )
    submit = SubmitField("Send")


class ExcludeForm(Form):
    """Take a project off the list."""

    code = StringField("Project code", validators=[DataRequired("Which project?"), Length(max=64)])
    reason = StringField("Reason", validators=[DataRequired("Say why; the reason is kept."), Length(max=300)])
    submit = SubmitField("Take off the list")
