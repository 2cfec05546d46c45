"""Identifiers as people write them into lists."""

from __future__ import annotations

import pytest

from harvesters.identifiers import PaperName, read_name

DOI = PaperName(doi="10.3847/1538-4357/ab0001")
BIBCODE = PaperName(bibcode="2015A&A...580A..11D")
ARXIV = PaperName(arxiv_id="2101.00001")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10.3847/1538-4357/ab0001", DOI),
        (" doi:10.3847/1538-4357/ab0001 ", DOI),
        ("DOI 10.3847/1538-4357/ab0001;", DOI),
        ("https://doi.org/10.3847/1538-4357/ab0001", DOI),
        ("http://dx.doi.org/10.3847%2F1538-4357%2Fab0001", DOI),
        ("10.1016/S0019-1035(03)00123-4", PaperName(doi="10.1016/S0019-1035(03)00123-4")),
        ("https://doi.org/10.48550/arXiv.2101.00001", ARXIV),
        ("2015A&A...580A..11D", BIBCODE),
        ("2015A%26A...580A..11D", BIBCODE),
        ("2015A\\&A...580A..11D", BIBCODE),
        ("https://ui.adsabs.harvard.edu/abs/2015A%26A...580A..11D/abstract", BIBCODE),
        ("http://adsabs.harvard.edu/abs/2015A&A...580A..11D", BIBCODE),
        ("https://ui.adsabs.harvard.edu/abs/2015A%26A...580A..11D?tab=1", BIBCODE),
        ("2101.00001", ARXIV),
        ("arXiv:2101.00001v3", PaperName(arxiv_id="2101.00001", arxiv_version=3)),
        ("arXiv: 2101.00001 [astro-ph.GA]", ARXIV),
        ("https://arxiv.org/pdf/2101.00001v12.pdf", PaperName(arxiv_id="2101.00001", arxiv_version=12)),
        ("astro-ph/9501013", PaperName(arxiv_id="astro-ph/9501013")),
        ("https://arxiv.org/abs/astro-ph.GA/0601001v2", PaperName(arxiv_id="astro-ph.GA/0601001", arxiv_version=2)),
    ],
)
def test_an_identifier_is_read_in_every_dress(written: str, meant: PaperName) -> None:
    """Bare, with a prefix, as an address, with percent signs and with the marks of a list around it."""
    assert read_name(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "bibcode", "Doe et al. 2015", "2015ApJ", "see 10.3847/1538-4357/ab0001 for more", "12345", "x" * 10_000,
     "https://example.org/2101.00001", "10.9999/x%00y", "10.9999/x%0Ay", "10.1/x", "2101.000012", "2015ApJ...800....1D 2015ApJ...800....2D"],
)  # fmt: skip
def test_what_is_no_identifier_is_none(written: str) -> None:
    """Words, halves, two at once and other people's addresses."""
    assert read_name(written) is None


def test_a_bibcode_says_its_year_and_a_preprint() -> None:
    """What a name alone tells of a paper, and nothing more."""
    assert (BIBCODE.year, BIBCODE.kind, BIBCODE.key) == (2015, None, "2015A&A...580A..11D")
    preprint = PaperName(bibcode="2014arXiv1408.1393K")
    assert (preprint.year, preprint.kind) == (2014, "eprint")
    assert (ARXIV.year, ARXIV.kind, ARXIV.key) == (None, None, "arXiv:2101.00001")
    assert DOI.key == "doi:10.3847/1538-4357/ab0001"
