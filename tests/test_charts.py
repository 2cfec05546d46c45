"""Pictures of finished numbers: with the theme's ink, named for those who do not see them, the same ones drawn once."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from biblio.charts import THEMES, UNFINISHED, drawn

SPEC = {
    "data": {"values": [{"a": "x", "b": 2}]},
    "mark": {"type": "bar", "color": "#0072B2"},
    "encoding": {"x": {"field": "b", "type": "quantitative"}, "y": {"field": "a", "type": "nominal"}},
}


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_a_picture_has_the_ink_of_its_theme(theme: str) -> None:
    """And neither scripts nor outside addresses."""
    picture = drawn(SPEC, theme)
    assert picture.startswith("<svg")
    assert THEMES[theme].ink in picture
    assert "<script" not in picture
    assert "href" not in picture


def test_title_and_description_are_the_pictures_own() -> None:
    """Escaped, and first in the SVG, where screen readers look; without a title there is neither."""
    picture = drawn(SPEC, title="A <b> & c", description="Two.")
    assert 'role="img"><title>A &lt;b&gt; &amp; c</title><desc>Two.</desc>' in picture
    assert "<title>" not in drawn(SPEC)


def test_what_is_unfinished_is_hatched() -> None:
    """A bar of that opacity is filled with a pattern of its own colour."""
    pale = {**SPEC, "mark": {"type": "bar", "color": "#0072B2", "fillOpacity": UNFINISHED}}
    assert 'fill="url(#hatch-0072B2)"' in drawn(pale)
    assert "hatch" not in drawn(SPEC)


def test_there_are_two_themes() -> None:
    """Another is a mistake of ours, not a picture."""
    with pytest.raises(KeyError):
        drawn(SPEC, "sepia")


@pytest.mark.parametrize(
    "sign", ["\x00", "\x01", "\x08", "\x0b", "\x1b", "\x7f", "\ufffe", "\uffff", "\ud800"], ids=ascii
)
def test_signs_that_no_picture_may_hold_are_replaced(sign: str) -> None:
    """A stranger's word with such a sign is drawn with another in its place; it ended the whole process."""
    word = f"Di{sign}scs"
    spec = {
        "data": {"values": [{"what": word, "count": 3}]},
        "mark": "bar",
        "encoding": {"x": {"field": "count", "type": "quantitative"}, "y": {"field": "what", "type": "nominal"}},
    }
    picture = drawn(spec, title=word, description=word)
    ET.fromstring(picture)
    assert "Di\ufffdscs" in picture
