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


def test_a_page_gets_its_pictures_and_nothing_else() -> None:
    """They are asked for by address; another address is an error, whatever it names: nothing is fetched."""
    square = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40" fill="red"/></svg>'
    )
    page = '<style>@page { margin: 0 }</style><img src="picture:7">'
    document = pypdfium2.PdfDocument(pdf_file(page, pictures={"picture:7": lambda: square}))
    assert document[0].render().to_pil().getpixel((10, 10)) == (255, 0, 0)
    document.close()
    for address in ("file:///etc/hostname", "http://127.0.0.1:9/x.svg", "picture:8"):
        with pytest.raises(BaseException, match="Error fetching"):
            pdf_file(f'<img src="{address}">')


def test_without_the_extra_a_pdf_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the extra and the system's library."""
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(RequestRefused, match="needs the extra `pdf`"):
        pdf_file("<h1>On paper</h1>")
