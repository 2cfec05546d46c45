"""What looks like a project code and is none: dates, coordinates, identifiers of other things, near our name or far."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Registry

ALMA = Grammar.from_plain(load("alma").codes)
ESO = Grammar.from_plain(load("eso").codes)
FINDERS = {
    "alma": CodeFinder(ALMA, Registry(ALMA, ["2013.1.00123.S", "2016.1.00340.S", "2017.A.00017.S", "2019.1.00431.T"])),
    "eso": CodeFinder(ESO, Registry(ESO, ["0102.B-0553(A)", "60.A-9022(A)", "108.22GP.001", "097.C-0498"])),
}
NAMES = {"alma": "ALMA", "eso": "ESO"}


def number(low: int, high: int, width: int = 0) -> st.SearchStrategy[str]:
    """A number in a range, filled up with zeros."""
    return st.integers(low, high).map(lambda value: str(value).zfill(width))


def written(template: str, **parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The template with each part drawn."""
    return st.fixed_dictionaries(parts).map(lambda drawn: template.format(**drawn))


YEAR, MONTH, DAY = number(1998, 2026), number(1, 12, 2), number(1, 28, 2)
HOUR, MINUTE, SECOND = number(0, 23, 2), number(0, 59, 2), number(0, 59, 2)
LETTER = st.sampled_from("ABCDEFGHJKLMNPQRSTVW")
BAITS: dict[str, st.SearchStrategy[str]] = {
    "date": written("{y}{s}{m}{s}{d}", y=YEAR, m=MONTH, d=DAY, s=st.sampled_from(".-/")),
    "date and hour": written("{y}.{m}.{d}{s}{h}{u}", y=YEAR, m=MONTH, d=DAY, s=st.sampled_from([" ", "-", " \n"]), h=HOUR, u=st.sampled_from(["", ":30", " h"])),
    "date and time": written("{y}-{m}-{d}T{h}:{n}:{s}.{n}", y=YEAR, m=MONTH, d=DAY, h=HOUR, n=MINUTE, s=SECOND),
    "date in words": written("{y} May {d}, {h}:{n} UT", y=YEAR, d=DAY, h=HOUR, n=MINUTE),
    "modified Julian day": written("MJD {a}.{b}", a=number(50000, 60999), b=number(0, 99999, 5)),
    "right ascension": written("{h}:{n}:{s}.{f}", h=HOUR, n=MINUTE, s=SECOND, f=number(0, 9999, 4)),
    "declination": written("-{n}d{n}m{s}.{f}s", n=MINUTE, s=SECOND, f=number(0, 999, 3)),
    "name by coordinates": written("2MASS J{h}{n}{s}{f}-{n}{s}{h}", h=HOUR, n=MINUTE, s=SECOND, f=number(0, 99, 2)),
    "short name by coordinates": written("J{h}{n}-{n}{s}", h=HOUR, n=MINUTE, s=SECOND),
    "catalogue": written("{c} {n}", c=st.sampled_from(["NGC", "IC", "HD", "HIP", "UGC", "Abell"]), n=number(1, 99999)),
    "Gaia": written("Gaia DR3 {n}", n=number(10**17, 10**18 - 1)),
    "bibcode": written("{y}ApJ...{v}..{p}{l}", y=YEAR, v=number(100, 999), p=number(10, 99), l=LETTER),
    "bibcode of A&A": written("{y}A&A...{v}A..{p}{l}", y=YEAR, v=number(100, 699), p=number(10, 99), l=LETTER),
    "arXiv": written("arXiv:{y}{m}.{n}v{v}", y=number(7, 26, 2), m=MONTH, n=number(0, 99999, 5), v=number(1, 4)),
    "old arXiv": written("astro-ph/{y}{m}{n}", y=number(92, 99), m=MONTH, n=number(0, 999, 3)),
    "DOI of A&A": written("doi:10.1051/0004-6361/{y}{n}", y=YEAR, n=number(10000, 59999)),
    "DOI of ApJ": written("https://doi.org/10.3847/1538-4357/a{l}{n}", l=st.sampled_from("abcdef"), n=number(100, 999)),
    "DOI of Nature": written("10.1038/s41550-0{n}-{p}-{v}", n=number(17, 26), p=number(0, 9999, 4), v=number(0, 9)),
    "DOI of Zenodo": written("10.5281/zenodo.{n}", n=number(10000, 9999999)),
    "IP address": written("{a}.{b}.{c}.{a}", a=number(0, 255), b=number(0, 255), c=number(0, 255)),
    "version": written("version {a}.{b}.{c}-{d}", a=number(1, 9), b=number(0, 20), c=number(0, 9), d=number(0, 99)),
    "version by year": written("AIPS {y}.{m}.{v}", y=YEAR, m=MONTH, v=number(0, 9)),
    "telephone": written("+56 2 2{a} {b}", a=number(100, 999), b=number(1000, 9999)),
    "ORCID": written("0000-000{a}-{b}-{c}", a=number(1, 3), b=number(0, 9999, 4), c=number(0, 9999, 4)),
    "grant of ANID": written("ANID FONDECYT grant {n}", n=number(1100000, 11299999)),
    "grant of the NSF": written("NSF grant AST-{n}", n=number(1000000, 2499999)),
    "grant of Spain": written("PID{y}-{n}GB-I00 and AYA{y}-{n}-P", y=YEAR, n=number(10000, 999999)),
    "grant of the ERC": written("ERC grant agreement No. {n}", n=number(100000, 999999)),
    "grant of Japan": written("JSPS KAKENHI JP{y}K{n}", y=number(15, 26, 2), n=number(0, 99999, 5)),
    "grant of KASI": written("KASI R&D program (Project No. {y}-1-{a}-0{b})", y=YEAR, a=number(100, 999), b=number(0, 9)),
    "programme of the VLA": written("VLA/{y}{s}-{n}", y=number(10, 26, 2), s=st.sampled_from("AB"), n=number(1, 450, 3)),
    "programme of Gemini": written("GS-{y}{s}-Q-{n}", y=YEAR, s=st.sampled_from("AB"), n=number(1, 120)),
    "programme of the HST": written("HST GO-{n} and JWST PID {p}", n=number(9000, 17999), p=number(1000, 9999)),
    "programme of NOEMA": written("NOEMA {s}{y}{l}", s=st.sampled_from(["S", "W"]), y=number(14, 26, 2), l=LETTER),
    "frequency": written("{a}.{b} GHz", a=number(84, 950), b=number(0, 99999, 5)),
    "page and volume": written("{y}, MNRAS, {v}, {p}", y=YEAR, v=number(300, 540), p=number(1, 9999)),
    "ISBN": written("ISBN 978-{a}-{b}-{c}-{a}", a=number(0, 9), b=number(100, 999), c=number(10000, 99999)),
    "data unit": written("uid://A00{a}/X{b}/X{c}", a=number(1, 2), b=number(100, 999), c=number(10, 999)),
    "uncertain number": written("{a}.{b}+-{c}.{b}(stat)", a=number(1, 99), b=number(0, 99), c=number(0, 9)),
    "range of years": written("{y}-{y} and {y}/{m}", y=YEAR, m=MONTH),
    "postal code": written("Casilla {n}, Santiago {p}", n=number(1, 99999), p=number(1000000, 9999999)),
}  # fmt: skip


@pytest.mark.parametrize("observatory", ["alma", "eso"])
@pytest.mark.parametrize("kind", BAITS)
def test_what_is_no_code_is_never_listed(kind: str, observatory: str) -> None:
    """Near our name or far from it, identifiers and numbers of other kinds give no code."""
    finder, name = FINDERS[observatory], NAMES[observatory]

    @settings(max_examples=25, deadline=None)
    @given(
        BAITS[kind],
        st.sampled_from(["{} was used.", "{name} saw it: {}.", "We ({}; {name}) thank them.", "{name} ({})"]),
    )
    def nothing(bait: str, frame: str) -> None:
        text = "The source is bright. " + frame.format(bait, name=name)
        assert [mention.as_written for mention in finder.find(text)] == []

    nothing()


@pytest.mark.parametrize(
    "text",
    [
        "ADS/JAO.ALMA#201X.1.XXXXX.S",
        "ADS/JAO.ALMA#2011.0.XXXXX.S",
        "ADS/JAO.ALMA#20XX.X.XXXXX.X",
        "ADS/JAO.ALMA#YYYY.C.NNNNN.S",
        "ADS/JAO.ALMA#<project code>",
        "ADS/JAO.ALMA#2013.1.0????.S",
        "ADS/JAO.ALMA#\\#\\#\\#\\#.\\#.\\#\\#\\#\\#\\#.S",
        "The ALMA project code (e.g. 20XX.1.00XXX.S)",
    ],
)
def test_placeholders_are_no_codes(text: str) -> None:
    """A template that its author forgot to fill in is no code."""
    assert FINDERS["alma"].find(text) == []
