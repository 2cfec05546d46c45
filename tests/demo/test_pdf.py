"""PDFs written by the demo can be read by others."""

from __future__ import annotations

import pypdfium2
import pytest

from demo.pdf import LINES_PER_PAGE, write_pdf


@pytest.mark.parametrize(("lines", "pages"), [(0, 1), (1, 1), (LINES_PER_PAGE, 1), (LINES_PER_PAGE + 1, 2), (200, 5)])
def test_lines_are_spread_over_pages(lines: int, pages: int) -> None:
    """Every line is on its page, in order."""
    texts = [f"line {number} of many" for number in range(lines)]
    with pypdfium2.PdfDocument(write_pdf(texts)) as document:
        assert len(document) == pages
        read = [line for page in document for line in page.get_textpage().get_text_range().splitlines()]
    assert read == texts


def test_special_characters_survive() -> None:
    """Brackets, backslashes and western letters come back; what the font lacks is a question mark, what has no width is gone."""
    with pypdfium2.PdfDocument(write_pdf(["(a) \\ é ü ñ – #", "Škrivánek ł", "2015.1.\u200b00123.S"])) as document:
        text = document[0].get_textpage().get_text_range()
    assert text.splitlines() == ["(a) \\ é ü ñ – #", "Škrivánek ?", "2015.1.00123.S"]
