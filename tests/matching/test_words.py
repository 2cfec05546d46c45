"""Words of titles: spellings meet, rare words count more, any text can be read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.words import WordIndex, Wording, printed_words


def words(text: str, same_words: dict[str, str] | None = None) -> list[str]:
    """The words of a text that are compared."""
    return Wording(same_words or {}).words(text)


def test_words_meet_across_spelling() -> None:
    """Endings, hyphens, mark-up and phrases of one meaning make no difference; a cut-off end is dropped."""
    same = {"submillimeter galaxy": "smg", "active galactic nucleus": "agn"}
    assert words("Star-forming clouds") == words("Star formed cloud")
    assert words("The $^{12}$CO disks of SMGs", same) == words(
        "a <sub>12</sub>CO disk in submillimeter galaxies", {**same, "submillimeter galaxies": "smg"}
    )
    assert words("A survey of dusty dis...") == words("dusty")
    assert list(printed_words("Debris disks").values()) == ["debris", "disks"]


def test_the_longest_phrase_is_replaced() -> None:
    """Of phrases that begin alike the longest counts, each word is used once, and words around stay."""
    same = {"star formation": "sf", "star formation rate": "sfr", "rate": "speed"}
    assert words("cold star formation rate rate star", same) == words("cold sfr speed star")


def test_alike_texts_have_the_highest_cosine() -> None:
    """A text is most like itself, unlike strangers, and rare words weigh more than common ones."""
    texts = [words(t) for t in ("dust ring around star", "dust jet around star", "water maser", "")]
    index = WordIndex(texts)
    vector = index.vector(texts[0])
    alike = index.alike(vector, np.arange(4))
    assert alike[0] == pytest.approx(1.0)
    assert 1 > alike[1] > alike[2] == alike[3] == 0
    assert index.rarity("maser") > index.rarity("dust")
    again = index.alike(vector, np.arange(4))
    assert (alike == again).all()


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=8))
def test_every_text_is_like_itself(texts: list[list[str]]) -> None:
    """Rows of the index are the vectors of their texts: the cosine with itself is 1, and it is symmetric."""
    index = WordIndex(texts)
    everything = np.arange(len(texts))
    alike = np.array([index.alike(index.vector(text), everything) for text in texts]).reshape(len(texts), len(texts))
    assert alike == pytest.approx(alike.T)
    assert all(alike[i, i] == pytest.approx(1.0) for i, text in enumerate(texts) if text)


@given(st.text(max_size=100))
def test_any_text_has_words(text: str) -> None:
    """Reading never fails; words are in lower case and never empty."""
    found = words(text)
    assert all(word and word == word.lower() for word in found)


@pytest.mark.parametrize("piece", ["a", "Dust ", "\\rm{", "<b", "\x00", "...", "star formation "], ids=repr)
def test_a_title_of_a_megabyte_is_read(piece: str) -> None:
    """Time and result are bounded, whatever it repeats."""
    assert len(words(piece * (1_000_000 // len(piece)), {"star formation": "sf"})) <= 100_000
