"""Forms about journals: each change has a reason that others can read."""

from __future__ import annotations

from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired, Length

from biblio.catalogue.journals import NAME_MAX, REASON_MAX
from biblio.webkit import Form

_WHY = [DataRequired("Say why: others read it in the history."), Length(max=REASON_MAX)]


class BeginForm(Form):
    """Monitoring one more journal, or suggesting it."""

    name = StringField(
        "Journal",
        [DataRequired("Type the journal's name."), Length(max=NAME_MAX)],
        description="Its full name, or the abbreviation that ADS uses, such as ApJ.",
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    reason = StringField("Why", _WHY, description="One line, for the journal's history.")
    submit = SubmitField("Monitor this journal")


class EndForm(Form):
    """Ceasing to monitor a journal."""

    reason = StringField("Why", _WHY, description="One line, for the journal's history.")
    submit = SubmitField("Stop monitoring it")


class AnswerForm(Form):
    """Answering a suggestion: which of the two buttons was pressed says what."""

    reason = StringField("Why", _WHY)
