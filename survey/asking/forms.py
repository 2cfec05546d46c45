"""Forms about single projects: ask once more, or not at all."""

from __future__ import annotations

from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired, Length

from biblio.webkit import Form
from survey.asking.asking_again import REASON_MAX


class AskAgainForm(Form):
    """Leave to ask about a project once more."""

    why = StringField(
        "Why it is asked about again",
        description="Kept in the project's history beside your name.",
        validators=[DataRequired("Say why; the reason is kept."), Length(max=REASON_MAX)],
    )
    submit = SubmitField("Let it be asked about once more")


class ExcludeForm(Form):
    """Take a project off the list."""

    code = StringField("Project code", validators=[DataRequired("Which project?"), Length(max=64)])
    reason = StringField("Reason", validators=[DataRequired("Say why; the reason is kept."), Length(max=300)])
    submit = SubmitField("Take off the list")
