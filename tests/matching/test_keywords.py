"""The observatory's words: found where they mean it, left alone where they mean something else."""

import pytest

from biblio.observatory import load
from matching.keywords import KeywordError, Keywords

PLAIN = {
    "version": "1",
    "phrases": ["Great Fictional Array"],
    "exclusions": ["gfa mater", "GFA-GRANT"],
    "ambiguous": [{"word": "GFA", "case_sensitive": True, "within": 60, "company": ["GHz", "telescope"]}],
}


def found(text: str, *, title: bool = False) -> list[str]:
    """What is found, as printed."""
    return [spot.printed for spot in Keywords.from_plain(PLAIN).find(text, title=title)]


def test_phrases_are_sure_over_line_breaks() -> None:
    """A phrase counts in any case, with any blanks or hyphens between its words."""
    assert found("the great\nfictional~array saw") == ["great\nfictional~array"]
    assert found("the greater fictional arrays") == []


def test_ambiguous_words_need_company() -> None:
    """A short name counts beside a word of its company, in its own case, or in a title."""
    assert found("GFA data at 230 GHz") == ["GFA"]
    assert found("our telescope, the GFA") == ["GFA"]
    assert found("GFA is a bank") == []
    assert found("the gfa telescope") == []
    assert found("A GFA view of nothing", title=True) == ["GFA"]


def test_exclusions_are_blotted_out() -> None:
    """A grant or a proverb is not the observatory, even beside a telescope."""
    assert found("GFA-GRANT 12 paid the telescope; my GFA mater") == []


def test_places_quote_the_text() -> None:
    """Offsets lead to what is printed, and overlapping places count once."""
    text = "With the Great Fictional Array (GFA) telescope"
    for spot in Keywords.from_plain(PLAIN).find(text):
        assert text[spot.start : spot.end] == spot.printed
    assert found(text) == ["Great Fictional Array", "GFA"]


@pytest.mark.parametrize(
    "change", [{"phrases": "x"}, {"more": 1}, {"version": 2}, {"ambiguous": [{"word": "A"}]}, {"exclusions": [1]}]
)
def test_bad_keywords_are_refused(change: dict[str, object]) -> None:
    """A wrong or unknown key is named instead of being left aside."""
    with pytest.raises(KeywordError, match="keywords"):
        Keywords.from_plain({**PLAIN, **change})


@pytest.mark.parametrize("name", ["alma", "eso"])
def test_the_shipped_keywords_are_sound(name: str) -> None:
    """Every shipped profile's words can be used."""
    assert Keywords.from_plain(load(name).keywords).version


def test_the_alma_words_tell_the_observatory_from_its_namesakes() -> None:
    """Universities, towns and grants are left alone."""
    words = Keywords.from_plain(load("alma").keywords)
    assert words.find("We present ALMA Band 6 observations at 1.3 mm")
    assert not words.find("Support came from ALMA-CONICYT 31; my Alma mater is in Alma-Ata, where the telescope stands")
