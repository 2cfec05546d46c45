"""What pictures for paper promise: they look as on the page, each line of a text stands where it should, and they are light."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import vl_convert

from reports.document import Table
from reports.files import charts
from reports.files.lighter import lighter
from tests.reports.files.made import counts, curves, share, shares

MADE = {
    "hatched": shares(("Cycle 0", "Cycle 1"), share(3, 4), share(1, 9, is_incomplete=True)),
    "stacked": counts(("2019", "2020", "2021"), (3, 1), (4, 2), (1, 1), growing=1),
    "lines": counts(("2019", "2020", "2021"), (3, 1), (4, 2), (1, 1), kind="lines", growing=1),
    "points": counts(("2019", "2020"), (3, 1), (4, 2), kind="points"),
    "curves": curves(old=((0, 0.0), (1, 0.3), (2, 0.6)), young=((0, 0.0), (1, 0.1))),
    "level": shares(("A name that is far too long to stand upright",), share(1, 2)),
}
FONTS = '"Liberation Sans", Arial, sans-serif'


def _both(table: Table) -> tuple[str, str]:
    drawn = charts.svg(table, table.charts[0])
    return drawn.replace("system-ui, sans-serif", "Liberation Sans"), lighter(drawn, "Liberation Sans")


def _pixels(picture: str) -> bytes:
    picture = picture.replace("<text ", '<text style="font-kerning:none" ')  # WeasyPrint sets letter by letter
    start = picture.index(">") + 1
    white = picture[:start] + '<rect width="100%" height="100%" fill="white"/>' + picture[start:]
    made: bytes = vl_convert.svg_to_png(white)
    return made


@pytest.mark.parametrize("table", MADE.values(), ids=list(MADE))
def test_a_lighter_picture_looks_the_same(table: Table) -> None:
    """Of all that is drawn hardly a pixel differs, and only by rounding."""
    from io import BytesIO

    from PIL import Image, ImageChops

    heavy, light = (Image.open(BytesIO(_pixels(one))).convert("L") for one in _both(table))
    assert heavy.size == light.size
    differ = ImageChops.difference(heavy, light).histogram()
    assert sum(differ[64:]) < 0.002 * heavy.width * heavy.height


@pytest.mark.parametrize("table", MADE.values(), ids=list(MADE))
def test_a_lighter_picture_is_light(table: Table) -> None:
    """At most two thirds of the elements are left, and nothing for screens."""
    heavy, light = _both(table)
    assert light.count("<") < 0.67 * heavy.count("<")
    assert "aria-" not in light
    assert "class=" not in light


def test_each_line_of_a_text_stands_on_its_own() -> None:
    """A title of two lines is two texts, both centred where the title was."""
    picture = lighter(charts.svg(MADE["hatched"], MADE["hatched"].charts[0]), FONTS)
    texts = [element for element in ET.fromstring(picture).iter() if element.tag.endswith("}text")]
    growing = next(text for text in texts if text.text == "hatched: still growing")
    assert growing.get("text-anchor") is None
    assert float(growing.attrib["x"]) < -1, "it is centred by where it begins"
    assert not any(len(text) for text in texts)
    assert ET.fromstring(picture).get("font-family") == FONTS


def test_what_costs_drawings_of_their_own_is_written_otherwise() -> None:
    """A text begins where its anchor would put it, what is see-through is so by its colour, and what is hidden is left out."""
    words = '<text text-anchor="end" font-size="10px" transform="translate(50,5)">{}</text>'
    made = (
        f'<svg xmlns="http://www.w3.org/2000/svg">{words.format("2019")}{words.format("日本")}'
        '<text opacity="0" font-size="10px">2020</text><path d="M0,0h5v5Z" fill="#000000" opacity="0.5"/></svg>'
    )
    year, strange, area = ET.fromstring(lighter(made, FONTS))
    assert (year.get("text-anchor"), year.get("x"), year.text) == (None, "-22.24", "2019")
    assert strange.get("text-anchor") == "end", "how wide it is depends on the font"
    assert (area.get("opacity"), area.get("fill-opacity"), area.get("stroke-opacity")) == (None, "0.5", None)


def test_the_same_picture_gives_the_same_bytes_whoever_registered_names() -> None:
    """How namespaces are written must not depend on what else of the process reads XML."""
    drawn = charts.svg(MADE["stacked"], MADE["stacked"].charts[0])
    before = lighter(drawn, FONTS)
    known = dict(ET._namespace_map)  # type: ignore[attr-defined]
    try:
        ET.register_namespace("picture", "http://www.w3.org/2000/svg")
        assert lighter(drawn, FONTS) == before
    finally:
        ET._namespace_map.clear()  # type: ignore[attr-defined]
        ET._namespace_map.update(known)  # type: ignore[attr-defined]
