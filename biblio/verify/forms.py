"""What the desk's pages send: validated here, before any service sees it."""

from __future__ import annotations

from wtforms import FloatField, IntegerField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from biblio.store.words import RelationKind, Verdict
from biblio.webkit import Form

LONGEST_REASON = 1000
"""Characters of a reason."""

LONGEST_SHOWN_S = 4 * 3600
"""A paper left open for longer says nothing about how long a decision takes."""


class DecisionForm(Form):
    """One verdict on one project of a paper, or (verdict "none") on the paper as a whole."""

    verdict = StringField(
        "Decision", validators=[AnyOf([*Verdict, "none"], message="Choose accept, reject or unsure.")]
    )
    project = IntegerField("Project", validators=[Optional()])
    version = IntegerField("Version", validators=[Optional(), NumberRange(min=0)])
    revision = IntegerField("Evidence seen", validators=[Optional()])
    relation = StringField(
        "How the paper relates",
        validators=[Optional(), AnyOf(list(RelationKind), message="Choose one of the classes.")],
    )
    relation_before = StringField("What was chosen beforehand")
    reason = StringField(
        "Reason", validators=[Optional(), Length(max=LONGEST_REASON, message="Keep the reason under 1000 characters.")]
    )
    seconds = FloatField("Seconds shown", validators=[Optional()])

    @property
    def relation_kind(self) -> RelationKind | None:
        """The relation chosen, or None."""
        return RelationKind(self.relation.data) if self.relation.data else None

    @property
    def relation_said(self) -> RelationKind | None:
        """The relation that a person chose, not the one that the page had chosen beforehand; or None."""
        before = self.relation_before.data
        return None if before is None or before == self.relation.data else self.relation_kind

    @property
    def shown_for_s(self) -> float | None:
        """How long the paper was on the screen, if that can be believed."""
        value = self.seconds.data
        return float(value) if value is not None and 0 < value < LONGEST_SHOWN_S else None


class TwinForm(Form):
    """The answer to "are these two one paper?"."""

    verdict = StringField("Answer", validators=[InputRequired(), AnyOf(list(Verdict), message="Choose one answer.")])


class ConfirmForm(Form):
    """Certain candidates to accept together; the chosen ones stand in ``chosen`` fields as candidate:revision."""


class NoteForm(Form):
    """A note on a paper; ``verify.paper.notes`` says what it may hold."""

    text = StringField("Note")


class TagForm(Form):
    """Tags for a paper, apart by commas."""

    tag = StringField("Tag")


class CorrectionForm(Form):
    """A person's value for one field of a paper; empty: it has no value."""

    field = StringField("Field")
    value = StringField("Right value")


class OtherPaperForm(Form):
    """The identifier of another paper that is this one."""

    identifier = StringField("DOI, bibcode or arXiv number of the other")
