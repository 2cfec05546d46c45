"""Pages on paper: everything in them is escaped, nothing missing goes unnoticed, and a PDF says what it lacks."""

from __future__ import annotations

import base64
import sys

import pypdfium2
import pytest
from jinja2 import UndefinedError

from biblio.errors import RequestRefused
from biblio.printing import can_write_pdf, html_page, pdf_file, picture_address


def test_a_page_misses_nothing_silently() -> None:
    """A value that a template needs and nobody gave is an error, not a blank on paper."""
    with pytest.raises(UndefinedError):
        html_page("survey/print.html", results=[])


def test_a_picture_is_an_address_of_its_own() -> None:
    """So that a page on paper needs no other file."""
    kind, content = picture_address("<svg/>").split(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == b"<svg/>"


def test_a_pdf_holds_the_words_of_the_page() -> None:
    """With the extra installed, as here."""
    assert can_write_pdf()
    document = pypdfium2.PdfDocument(pdf_file("<h1>On paper</h1>"))
    assert "On paper" in document[0].get_textpage().get_text_bounded()
    document.close()


def test_without_the_extra_a_pdf_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the extra and the system's library."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(RequestRefused, match="needs the extra `pdf`"):
        pdf_file("<h1>On paper</h1>")
