"""The forms of the pages: the letter as a librarian edits it, and notes on what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from biblio.contacts.letters import BODY_MOST, SUBJECT_MOST
from biblio.contacts.service import NOTE_MOST
from biblio.webkit import Form


class LetterForm(Form):
    """A letter: to whom, which codes it names, its words. ``fault`` and ``reading`` say what the page showed."""

    fault = HiddenField()
    reading = HiddenField()
    name = StringField("Name", description="As the letter greets them.", validators=[Length(max=120)])
    email = StringField(
        "E-mail address", validators=[InputRequired("Give the address the letter goes to."), Length(max=254)]
    )
    codes = SelectMultipleField(
        "Projects that the sentence names",
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validate_choice=False,
    )
    more = StringField(
        "Further project codes", description="Separated by blanks or commas.", validators=[Length(max=500)]
    )
    subject = StringField("Subject", validators=[InputRequired("A letter needs a subject."), Length(max=SUBJECT_MOST)])
    body = TextAreaField("Letter", validators=[InputRequired("The letter is empty."), Length(max=BODY_MOST)])

    def named(self) -> list[str]:
        """The codes ticked and typed, each once."""
        typed = (self.more.data or "").replace(",", " ").split()
        return list(dict.fromkeys([*(self.codes.data or []), *typed]))

    def offer(self, codes: Sequence[tuple[str, str]]) -> None:
        """Offer these codes, each with why it is believed."""
        self.codes.choices = list(codes)


class NoteForm(Form):
    """What a librarian notes of a letter."""

    note = StringField("Note", validators=[Length(max=NOTE_MOST)])
