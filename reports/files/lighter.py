"""Pictures for paper: what Vega draws, as WeasyPrint draws it rightly and with a third of the work.

Vega writes for screens: empty shapes, a group around each thing, a line for each line of a grid, fifteen digits, labels for
who hears a page. WeasyPrint reads all of it in Python, one element after another, and centres only the whole of a text that has
several lines. So shapes that look alike become one, each line of a text stands on its own, and nothing else is kept.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

_SVG = "http://www.w3.org/2000/svg"
_NAMESPACES = re.compile(r' xmlns(?::xlink)?="[^"]*"')
_NUMBER = re.compile(r"-?\d*\.\d+(?:e-?\d+)?")
_AT = re.compile(r"translate\(([-0-9.e]+),([-0-9.e]+)\)")
_FOR_SCREENS = ("class", "role", "pointer-events", "font-family")
_EMPTY = ("", "M0,0h0v0h0Z")
_WIDTHS = {
    **dict.fromkeys("ijl’", 222),
    **dict.fromkeys(" !,./:;I[]\\ft\u00a0", 278),
    **dict.fromkeys("()-r", 333),
    **dict.fromkeys("Jcksvxyz", 500),
    **dict.fromkeys("$0123456789?L_abdeghnopqu–", 556),
    **dict.fromkeys("+<=>~−", 584),
    **dict.fromkeys("FTZ", 611),
    **dict.fromkeys("&ABEKPSVXY", 667),
    **dict.fromkeys("CDHNRUw", 722),
    **dict.fromkeys("GOQ", 778),
    **dict.fromkeys("Mm", 833),
    "'": 191,
    "*": 389,
    "%": 889,
    "W": 944,
}
"""Letters → how wide they are in the fonts of paper, in thousandths of their size: Liberation Sans, Arial and Helvetica."""

_LOOKS = ("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "stroke-opacity", "opacity")
"""What a shape looks like; shapes that differ in nothing else than their place are drawn as one."""


def lighter(picture: str, fonts: str) -> str:
    """Return a picture of ours for paper, its letters in ``fonts``. It looks the same, but that no line of a text strays."""
    # Without namespaces: how they are written depends on what else of this process has used the XML library.
    root = ET.fromstring(_NAMESPACES.sub("", picture))  # noqa: S314  drawn by ourselves a moment ago
    for element in list(root):
        if element.tag in ("title", "desc"):
            root.remove(element)
    _lighten(root)
    for element in root.iter():
        _place(element)
        _see_through(element)
    for attribute in _FOR_SCREENS:
        root.attrib.pop(attribute, None)
    root.attrib.update({"xmlns": _SVG, "font-family": fonts})
    return ET.tostring(root, encoding="unicode")


def _lighten(parent: ET.Element) -> None:
    """Make all that is below an element lighter, in its place."""
    made: list[ET.Element] = []
    for element in list(parent):
        if element.get("opacity") == "0":
            continue  # Vega hides the names of an axis that would touch others
        for attribute in list(element.attrib):
            is_full = attribute.endswith("opacity") and element.get(attribute) == "1"
            if is_full or attribute in _FOR_SCREENS or attribute.startswith("aria-"):
                del element.attrib[attribute]
            else:
                element.set(attribute, _NUMBER.sub(_shorter, element.attrib[attribute]))
        if element.tag == "defs":
            made.append(element)
        elif element.tag == "text":
            made += _lines(element)
        elif element.tag in ("path", "line"):
            _add(made, element)
        else:
            _lighten(element)
            # A group without a place of its own, or with nothing in it, is none.
            made += [element] if element.attrib and len(element) else list(element)
    parent[:] = made


def _place(text: ET.Element) -> None:
    """Let a text begin where it would if it were anchored at its middle or end: each anchor costs a drawing of its own."""
    anchor, letters = text.get("text-anchor"), text.text or ""
    size = text.get("font-size", "").removesuffix("px")
    if text.get("font-weight") == "normal":
        del text.attrib["font-weight"]
    if anchor is None or "x" in text.attrib or "font-weight" in text.attrib or not size.replace(".", "", 1).isdigit():
        return
    if not all(letter in _WIDTHS for letter in letters):
        return
    wide = sum(_WIDTHS[letter] for letter in letters) / 1000 * float(size)
    before = {"start": 0.0, "middle": wide / 2, "end": wide}.get(anchor)
    if before is None:
        return
    del text.attrib["text-anchor"]
    if before:
        text.set("x", f"{-before:.2f}")


def _see_through(shape: ET.Element) -> None:
    """Give what is seen through its opacity to line and area: that of a whole costs a drawing of its own."""
    if shape.tag != "path" or "opacity" not in shape.attrib:
        return
    whole = float(shape.attrib.pop("opacity"))
    for part in ("fill", "stroke"):
        if shape.get(part, "none") != "none":
            name = f"{part}-opacity"
            shape.set(name, f"{round(whole * float(shape.get(name, 1)), 2):g}")


def _shorter(found: re.Match[str]) -> str:
    return f"{round(float(found[0]), 2):g}"


def _add(made: list[ET.Element], shape: ET.Element) -> None:
    """Add a shape to those before it, to the last of them where both look alike."""
    if shape.get("display") == "none":
        return
    path = _path(shape)
    if path is None:
        made.append(shape)
        return
    if path in _EMPTY:
        return
    looks = {name: shape.attrib[name] for name in _LOOKS if name in shape.attrib}
    if not looks:
        return  # neither filled nor stroked: the room of a picture
    last = made[-1] if made else None
    if last is not None and last.tag == "path" and {k: v for k, v in last.attrib.items() if k != "d"} == looks:
        last.set("d", last.attrib["d"] + path)
    else:
        made.append(ET.Element("path", {**looks, "d": path}))


def _path(shape: ET.Element) -> str | None:
    """Return a shape as a path in its parent's place; None of one that must stay as it is."""
    if set(shape.attrib) - {*_LOOKS, "d", "transform", "x2", "y2"}:
        return None
    if shape.tag == "path":
        return None if "transform" in shape.attrib or "fill-opacity" in shape.attrib else shape.get("d", "")
    at = _AT.fullmatch(shape.get("transform", "translate(0,0)"))
    return f"M{at[1]},{at[2]}l{shape.get('x2', '0')},{shape.get('y2', '0')}" if at else None


def _lines(text: ET.Element) -> Iterable[ET.Element]:
    """Return a text as one element for each of its lines."""
    if not len(text):
        if text.text:
            yield text
        return
    below = 0.0
    for line in text:
        below += float(line.get("dy", 0))
        one = ET.Element(text.tag, dict(text.attrib))
        if below:
            one.set("transform", f"{text.get('transform', '')} translate(0,{below:g})".strip())
        one.text = line.text
        yield one
