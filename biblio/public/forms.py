"""The form "your list misses my paper"."""

from __future__ import annotations

from wtforms import Field, StringField, SubmitField, TextAreaField
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
    website = StringField("Leave this empty", [Optional()], render_kw={"autocomplete": "off", "tabindex": "-1"})
    """Nobody sees it: what fills it in is no person. It needs no cookie and asks nobody for anything."""
    submit = SubmitField("Tell the librarians")

    def visible_fields(self) -> list[Field]:
        """Return the fields that a person fills in."""
        return [field for field in super().visible_fields() if field.name != "website"]

    @property
    def is_by_a_machine(self) -> bool:
        """Whether the field that nobody sees was filled in."""
        return bool(self.website.data)
