"""The form that brings another library's list in."""

from __future__ import annotations

from flask_wtf.file import FileField, FileRequired
from wtforms import StringField, SubmitField
from wtforms.validators import DataRequired, Length

from biblio.compare.importing import NAME_MAX
from biblio.webkit import Form


class ImportForm(Form):
    """A file, and what to call the list."""

    file = FileField(
        "File",
        [FileRequired("Choose a file.")],
        description="CSV with a header (bibcode, doi or arxiv; programid …), telbib’s XML, our own exported decisions, "
        "BibTeX, JSON lines, or an identifier a line. At most 2 MB here; larger ones by the command biblio compare import.",
    )
    name = StringField(
        "Name of the list",
        [DataRequired("Give the list a name."), Length(max=NAME_MAX)],
        description="Whose it is, such as telbib. A list of this name is replaced; that can be undone.",
        render_kw={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"},
    )
    submit = SubmitField("Bring it in")
