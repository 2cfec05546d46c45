"""Identifiers as people paste them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.catalogue.pasted import read_identifier
from biblio.errors import RequestRefused

_ARXIV, _BIBCODE, _DOI = "arxiv 2401.00001", "bibcode 2015A&A...580A..11D", "doi 10.3847/1538-4357/ab0001"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2401.00001", _ARXIV),
        ("arXiv:2401.00001v2", _ARXIV),
        ("arXiv: 2401.00001", _ARXIV),
        ("  (arXiv:2401.00001v2 [astro-ph.GA]) ", _ARXIV),
        ("[2401.00001]", _ARXIV),
        ("https://arxiv.org/abs/2401.00001v3", _ARXIV),
        ("http://arxiv.org/pdf/2401.00001.pdf", _ARXIV),
        ("https://www.arxiv.org/html/2401.00001v1?x=1", _ARXIV),
        ("https://doi.org/10.48550/arXiv.2401.00001", _ARXIV),
        ("https://ui.adsabs.harvard.edu/abs/arXiv:2401.00001/abstract", _ARXIV),
        ("astro-ph/9501013v2", "arxiv astro-ph/9501013"),
        ("https://arxiv.org/abs/astro-ph/9501013", "arxiv astro-ph/9501013"),
        ("doi:10.3847/1538-4357/ab0001.", _DOI),
        ("<https://doi.org/10.3847/1538-4357/AB0001>", _DOI),
        ("“10.3847/1538-4357/ab0001”,", _DOI),
        ("10.1016/0022(94)00001-2", "doi 10.1016/0022(94)00001-2"),
        ("2015A&A...580A..11D", _BIBCODE),
        ("https://ui.adsabs.harvard.edu/abs/2015A%26A...580A..11D/abstract", _BIBCODE),
        ("2021ApJ...900....1.", "bibcode 2021ApJ...900....1."),
    ],
)
def test_an_identifier_is_read_however_it_is_pasted(written: str, expected: str) -> None:
    """Prefix, address, brackets, blanks, version and subject do not matter."""
    assert str(read_identifier(written)) == expected


@pytest.mark.parametrize(
    "written", ["", "  ", "hello", "10.3847/", "<script>alert(1)</script>", "10.1/\x00", "x" * 5000]
)
def test_what_is_no_identifier_is_refused_in_words(written: str) -> None:
    """The sentence says what to do."""
    with pytest.raises(RequestRefused, match="copy it from the paper"):
        read_identifier(written)


@given(st.text(max_size=60))
def test_any_text_is_an_identifier_that_fits_or_refused(written: str) -> None:
    """Nothing pasted breaks the reader, and what it gives can be stored."""
    try:
        found = read_identifier(written)
    except RequestRefused:
        return
    assert 0 < len(found.value) <= 255
    assert found.value.isprintable()
