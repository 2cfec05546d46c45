"""What the pages of the shared work send: validated here, before any service sees it."""

from __future__ import annotations

from wtforms import FloatField, SelectField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, Optional

from biblio.store.words import RelationKind, Verdict
from biblio.verify.forms import LONGEST_REASON, LONGEST_SHOWN_S
from biblio.verify.sharing.claims import LONGEST_NOTE
from biblio.verify.sharing.escalations import LONGEST_WORDS
from biblio.verify.sharing.second_readings import View
from biblio.webkit import Form


class HandOverForm(Form):
    """To whom a paper goes: ``to`` is "person:7" or "library:NAME"."""

    to = StringField("Hand over to", validators=[InputRequired("Choose a person or a library.")])
    note = StringField("Note", validators=[Optional(), Length(max=LONGEST_NOTE, message="Keep it under 1000 signs.")])

    @property
    def person_id(self) -> int | None:
        """The person chosen."""
        kind, _, value = (self.to.data or "").partition(":")
        return int(value) if kind == "person" and value.isdecimal() and len(value) < 10 else None

    @property
    def library(self) -> str:
        """The library chosen, or nothing."""
        kind, _, value = (self.to.data or "").partition(":")
        return value if kind == "library" else ""


class EscalateForm(Form):
    """Why a head librarian is asked."""

    reason = StringField(
        "Reason",
        validators=[
            InputRequired("Say why a head librarian should look at it."),
            Length(max=LONGEST_WORDS, message="Keep the reason under 1000 characters."),
        ],
    )


class SettleForm(Form):
    """How it is settled."""

    words = StringField(
        "How it is settled",
        validators=[
            InputRequired("Say how it is settled: whoever asked reads it."),
            Length(max=LONGEST_WORDS, message="Keep it under 1000 characters."),
        ],
    )


class SecondForm(Form):
    """What the second reader thinks of one project of a paper."""

    verdict = StringField("Verdict", validators=[AnyOf(list(Verdict), message="Choose accept, reject or unsure.")])
    relation = StringField(
        "How the paper relates",
        validators=[Optional(), AnyOf(list(RelationKind), message="Choose one of the classes.")],
    )
    reason = StringField(
        "Reason", validators=[Optional(), Length(max=LONGEST_REASON, message="Keep the reason under 1000 characters.")]
    )
    seconds = FloatField("Seconds shown", validators=[Optional()])

    def view(self) -> View:
        """Return what was said; only of a form that is valid."""
        shown = self.seconds.data
        return View(
            verdict=Verdict(self.verdict.data),
            relation=RelationKind(self.relation.data) if self.relation.data else None,
            reason=self.reason.data or "",
            shown_for_s=float(shown) if shown is not None and 0 < shown < LONGEST_SHOWN_S else None,
        )


class RuleForm(Form):
    """A rule: papers of this journal, from this source, or both, are one library's."""

    journal = StringField("Journal", validators=[Optional(), Length(max=200)], description="As the queue writes it.")
    source = SelectField("Source", validators=[Optional()], description="Where the record's title is from.")
    library = SelectField("Library", validators=[InputRequired("Choose the library.")])
