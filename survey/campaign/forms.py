"""Forms of the campaign pages."""

from __future__ import annotations

from wtforms import BooleanField, DateField, IntegerField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from biblio.webkit import Form
from survey.box.strata import StratifyBy
from survey.campaign.previewing import name_refused
from survey.campaign.sending import BATCH
from survey.campaign.service import NAME_MAX


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
    stratify_by = SelectField(
        "Count the answers also by",
        description="Fixed when the draft is made, and printed on the questionnaire. Groups of which too few answer are "
        "merged before anything is written.",
        choices=[SelectChoice("", "nothing"), *(SelectChoice(by.value, by.value) for by in StratifyBy)],
        validators=[Optional()],
    )
    seen = BooleanField("I have read the warnings above.")
    submit = SubmitField("Make a draft")

    def validate_name(self, field: StringField) -> None:
        """Refuse a name that no campaign can have. Raises ``ValidationError``."""
        refused = name_refused(field.data or "")
        if refused:
            raise ValidationError(refused)


class SendForm(Form):
    """How many persons get a letter now."""

    batch = IntegerField(
        "Letters now",
        default=BATCH,
        validators=[InputRequired("Say how many."), NumberRange(1, 500, "Between 1 and 500 letters at a time.")],
    )
    submit = SubmitField("Send")
