"""The form "your list misses my paper"."""

from __future__ import annotations

from wtforms import StringField, SubmitField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from biblio.public.service import NOTE_MAX_LENGTH
from biblio.webkit import Form

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class ReportForm(Form):
    """A paper and the project whose data it used."""

    identifier = StringField(
        "Which paper",
        [DataRequired("Type the paper's DOI, bibcode or arXiv number."), Length(max=300)],
        description="A DOI, an ADS bibcode, an arXiv number, or the address of its page.",
        render_kw=_PLAIN,
    )
    project_code = StringField(
        "Project code",
        [DataRequired("Type the code of the project whose data the paper used."), Length(max=100)],
        description="As in the paper's acknowledgement.",
        render_kw=_PLAIN,
    )
    note = TextAreaField(
        "Anything else we should know",
        [Optional(), Length(max=NOTE_MAX_LENGTH, message=f"Use at most {NOTE_MAX_LENGTH} characters.")],
        description="Optional. Please no name or e-mail address: we keep none, and cannot answer.",
        render_kw={"rows": 3},
    )
    submit = SubmitField("Tell the librarians")
