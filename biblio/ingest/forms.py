"""Forms of the harvest page."""

from __future__ import annotations

from wtforms import DateField, SelectField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from biblio.webkit import Form


class DaysForm(Form):
    """Ask one source for some days once more: to fill a hole."""

    source = SelectField("Source", choices=[SelectChoice("arxiv", "arXiv"), SelectChoice("ads", "ADS")])
    since = DateField("From", description="First day, such as 2026-11-01.", validators=[InputRequired("Give a day.")])
    until = DateField("To", description="Last day; it counts as well.", validators=[InputRequired("Give a day.")])
    submit = SubmitField("Fetch these days")

    def validate_until(self, until: DateField) -> None:
        """The days must be the right way round."""
        if self.since.data and until.data and until.data < self.since.data:
            raise ValidationError("The last day is before the first.")
