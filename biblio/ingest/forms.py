"""Forms of the harvest and coverage pages."""

from __future__ import annotations

from wtforms import DateField, IntegerField, SelectField, StringField, SubmitField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from biblio.ingest.aside import MOST_WORDS, What
from biblio.ingest.service import FILLERS, PRESSED
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


class HoleForm(Form):
    """What a hole's button sends: the job that fills it, and its arguments."""

    job = SelectField("Job", choices=[SelectChoice(name, name) for name in FILLERS])
    sources = StringField("Sources", validators=[Optional(), Length(max=64)])
    source = StringField("Source", validators=[Optional(), Length(max=32)])
    since = StringField("From", validators=[Optional(), Length(max=10)])
    until = StringField("To", validators=[Optional(), Length(max=10)])
    year = StringField("Year", validators=[Optional(), Length(max=4)])

    def arguments(self) -> dict[str, str]:
        """Return the arguments that were given."""
        given = {name: getattr(self, name).data for name in PRESSED}
        return {name: value.strip() for name, value in given.items() if value and value.strip()}


class AsideForm(Form):
    """What is set aside, and why."""

    run = IntegerField("Run", validators=[Optional()])
    source = StringField("Source", validators=[Optional(), Length(max=32)])
    page = StringField("Page", validators=[Optional(), Length(max=2_000)])
    until = IntegerField("Until", validators=[Optional()])
    why = StringField("Why", validators=[Length(max=MOST_WORDS)])
    back = StringField("Back", validators=[Optional(), Length(max=200)])

    def what(self) -> What:
        """Return what the button stands for."""
        if self.run.data is not None:
            return What(run=self.run.data)
        return What(source=self.source.data or "", page=self.page.data or "", until=self.until.data or 0)
