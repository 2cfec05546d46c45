"""Which country an affiliation is in."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import places
from matching.places import MAX_AFFILIATION, country, country_name, known_countries

SAID: dict[str, str | None] = {
    # The country's name, in many spellings and languages.
    "Somewhere, U.S.A.": "US",
    "Somewhere, United States of America.": "US",
    "Somewhere, P. R. China": "CN",
    "Somewhere, P.R.China.": "CN",
    "Somewhere, People\u2019s Republic of China": "CN",
    "Somewhere, Republic of Korea": "KR",
    "Seoul 08826, Korea": "KR",
    "Somewhere, S. Korea": "KR",
    "Sterrewacht, Nederland": "NL",
    "Somewhere, the Netherlands": "NL",
    "Universit\u00e4t, \u00d6sterreich": "AT",
    "Cardiff University, Wales": "GB",
    "Somewhere, Northern Ireland": "GB",
    "Somewhere, Brasil": "BR",
    "Somewhere, Deutschland": "DE",
    "IAS, 91405 Orsay France": "FR",
    "DEPARTMENT OF ASTRONOMY, UNIVERSITY OF TOKYO, JAPAN": "JP",
    "\u65e5\u672c\u56fd\u7acb\u5929\u6587\u53f0": "JP",
    "\u4e2d\u592e\u7814\u7a76\u9662\u5929\u6587\u53ca\u5929\u6587\u7269\u7406\u7814\u7a76\u6240, \u53f0\u5317": "TW",
    # Taiwan and Hong Kong are themselves, however the country behind them is written.
    "ASIAA, PO Box 23-141, Taipei 10617, Taiwan, R.O.C.": "TW",
    "National Tsing Hua University, Hsinchu, Taiwan (R.O.C.)": "TW",
    "Somewhere, Taiwan, Republic of China": "TW",
    "Somewhere, Taipei, Taiwan, China": "TW",
    "University of Hong Kong, Pokfulam Road, Hong Kong, China": "HK",
    # States, provinces, postal codes.
    "60 Garden St, Cambridge, MA": "US",
    "Pasadena, CA, 91125": "US",
    "Pasadena CA 91125": "US",
    "Los Alamos, New Mexico": "US",
    "Universidad, Ensenada, B.C., Mexico": "MX",
    "London, Ontario": "CA",
    "31 Caroline St N, N2L 2Y5": "CA",
    "University of Western Australia, Crawley WA 6009": "AU",
    "University of Washington, Seattle WA 98195": "US",
    "Stocker Road, EX4 4QL": "GB",
    "K\u00f6nigstuhl 17, D-69117": "DE",
    "Toronto, CA": "CA",
    "Heidelberg, DE": "DE",
    "Newark, DE 19716": "US",
    "Lebanon, NH 03756": "US",
    "Paris, Texas": "US",
    "Moscow, ID 83844": "US",
    # Cities, also those of two countries, which other words settle.
    "Institute of Astronomy, Cambridge": None,
    "Institute of Astronomy, Madingley Road, Cambridge CB3 0HA": "GB",
    "Harvard, Cambridge": "US",
    "St. Petersburg, FL 33701": "US",
    "Pulkovo Observatory, St. Petersburg": "RU",
    "Santiago de Compostela": "ES",
    "Institute One, Edinburgh, Institute Two, Leiden": None,
    "Tbilisi State University, Georgia": "GE",
    "Georgia State University, Atlanta, Georgia": "US",
    "Department of Physics, Georgia": None,
    "Athens, Georgia": "US",
    "Jordan Hall, Stanford University": "US",
    # Institutes known without a country; where an institute sits in several, the city says.
    "MPIA": "DE",
    "NRAO, 520 Edgemont Road": "US",
    "JPL": "US",
    "CfA": "US",
    "KASI": "KR",
    "National Astronomical Observatory of Japan": "JP",
    "National Astronomical Observatory of Japan, 650 N. Aohoku Pl., Hilo": "US",
    "European Southern Observatory": None,
    "European Southern Observatory, Karl-Schwarzschild-Str. 2": "DE",
    "European Southern Observatory, Alonso de C\u00f3rdova 3107": "CL",
    "ESO Garching": "DE",
    "ESO, Santiago": "CL",
    "IRAM": None,
    "IRAM, Granada": "ES",
    "Joint ALMA Observatory, Vitacura 763-0355": "CL",
    "York University, Toronto": "CA",
    "Victoria University of Wellington": "NZ",
    "University of New Mexico": "US",
    "American University of Beirut": "LB",
    "University of Victoria, Victoria": "CA",
    "University of Melbourne, Parkville, Victoria": "AU",
    "Department of Physics, Victoria": None,
    "Department of Physics, Hamilton": None,
    "McMaster University, Hamilton": "CA",
    "Jodrell Bank Centre for Astrophysics, Manchester": "GB",
    # Streets are called after places.
    "Instituto de F\u00edsica, Av. Brasil 2950, Valpara\u00edso": "CL",
    "Instituto de Astronom\u00eda, Calle Espa\u00f1a 12, Santiago": "CL",
    "Unheard-of Institute, 31 Chile Street": None,
    # Several affiliations: the first counts.
    "NASA Goddard; Leiden Observatory, The Netherlands": "US",
    "Universit\u00e9 de Toulouse; UPS-OMP; IRAP, 31013, Toulouse, France; CNRS": "FR",
    "Unheard-of Laboratory; Leiden Observatory": "NL",
    "Unheard-of Laboratory; Leiden Observatory; Caltech": None,
    "Berlin, Germany Center for Astronomy, Paris, France": "DE",
    "Berlin, Germany LUTH, UMR 8102, Meudon, France": "DE",
    "University of Hawaii, Honolulu, HI and Istituto di Radioastronomia, Bologna, Italy": "US",
    "INAOE, Tonantzintla, Puebla, Mexico, Madingley Rd., Cambridge, UK": "MX",
    "Hobart and William Smith Colleges, Geneva, NY 14456, USA": "US",
    # What is printed around it.
    "Department of Physics, Rochester NY 14627, USA <ORCID>0000-0002-1825-0097</ORCID>": "US",
    "Observatoire de la C&ocirc;te d&#39;Azur, Nice": "FR",
    "K{\\o}benhavns Universitet, K{\\o}benhavn": "DK",
    "Leiden Observatory, Netherlands a.person@example.org": "NL",
    # Nothing to tell it by.
    "Unheard-of Institute of Things": None,
    "Department of Physics": None,
    "": None,
    "-": None,
    " ; ;": None,
}


@pytest.mark.parametrize(("affiliation", "expected"), list(SAID.items()), ids=range(len(SAID)))
def test_the_country_is_what_the_words_settle(affiliation: str, expected: str | None) -> None:
    """Names, codes, cities and institutes tell a country; what they leave open or contradict is not known."""
    assert country(affiliation) == expected


@given(st.text(max_size=300))
def test_any_text_is_answered(text: str) -> None:
    """Whatever a stranger prints, the answer is a country there is, or None."""
    assert country(text) in {None, *known_countries()}


@given(
    st.sampled_from(sorted(text for text, code in SAID.items() if code)), st.sampled_from(["", " ", ".", " ;", ", "])
)
def test_signs_around_an_affiliation_change_nothing(text: str, signs: str) -> None:
    """A full stop, a comma or a semicolon at the end says nothing."""
    assert country(text + signs) == country(text)


@given(st.sampled_from(sorted(known_countries())))
def test_every_country_is_known_by_the_name_that_reports_write(code: str) -> None:
    """A country's own name is read as that country; only Georgia is two."""
    assert country(f"Institute of Things, {country_name(code)}") == (None if code == "GE" else code)


def test_a_first_affiliation_is_not_changed_by_those_that_follow() -> None:
    """Where the first tells its country, any others behind it change nothing."""
    rng = random.Random(7)
    known = sorted(text for text, code in SAID.items() if code and ";" not in text)
    for text in known:
        others = "; ".join(rng.sample(known, 3))
        assert country(f"{text}; {others}") == country(text)


def test_endless_affiliations_are_read_to_their_beginning() -> None:
    """A million characters are cut, not searched."""
    assert country("Caltech; " + "Leiden, " * 200_000) == "US"
    assert country("x" * MAX_AFFILIATION + ", Chile") is None


def test_the_data_name_countries_that_have_a_name_and_say_nothing_twice() -> None:
    """Every code has a name for reports, no list has a phrase twice, and no city is called as a country is."""
    data = tomllib.loads(Path(places.__file__).with_name("places.toml").read_text(encoding="utf-8"))
    groups = {key: group for key, group in data.items() if key not in ("alone", "within")}
    for key, group in groups.items():
        assert set(group) <= known_countries(), key
        for code, words in group.items():
            assert len(words) == len(set(words)), (key, code)
    assert set(data["within"]) | set(data["within"].values()) <= known_countries()
    names = {name.casefold() for words in data["names"].values() for name in words}
    assert not names & {name.casefold() for words in data["cities"].values() for name in words} - {
        "singapore",
        "monaco",
    }
