"""The picture of a comparison: ours and what others published below each other, and beside both what differs.

The sentences stand in the picture itself, so that it says what it does not show wherever it is taken. Ranges are drawn as
ranges, what was not reached as a line with an open end, and what a report does not have is named: nothing is just missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from reports.document import Figure, Row
from reports.files.drawn_values import Drawing, Values, colours_of, columns_of, form_of
from reports.words import interval, shown

Part = dict[str, Any]

ALIKE = "Defined alike but for day and age of the projects"
OTHERWISE = "Defined differently (hollow): no measure of success"
"""Headings of the two parts of the picture."""

ABSENT = "none in this report"
"""Said of ours where this report has no such figure."""

_WIDTH = 280
_LEFT = 72
"""Room for what a mark is called, at its left."""
_LETTERS, _SMALL = 13, 11
_NAME, _SAYS = 62, 82
"""Letters on one line of a name, and of what differs."""
_HEADING, _LINE, _MARK, _SMALL_LINE, _GAP = 26, 17, 20, 14, 16
_SHORT = 24
_ROOM = 1.04
_MARGIN = {"left": 20, "right": 60, "top": 8, "bottom": 8}
"""Around the picture: browsers' letters are wider than those it is laid out with, and its lines are long."""


@dataclass(slots=True)
class _Picture:
    """What was placed so far, from the top; ``below`` is where the next line goes."""

    texts: Values
    marks: Values
    below: float = 0.0

    def write(self, words: str, letters: int, *, line: int, is_bold: bool = False, wide: int = 200) -> None:
        """Write words below what there is, on as many lines as they need."""
        lines = wrap(words, wide) or [""]
        for text in lines:
            self.below += line
            self.texts.append({"text": text, "y": self.below - 4, "size": letters, "bold": is_bold, "left": True})

    def place(self, tag: str, mark: Part) -> None:
        """Place a mark below what there is, called ``tag`` at its left."""
        self.below += _MARK
        self.texts.append(
            {"text": tag, "y": self.below - _MARK / 2 + 4, "size": _SMALL + 1, "bold": False, "left": True}
        )
        self.marks.append({**mark, "y": self.below - _MARK / 2})


def compared(drawing: Drawing) -> Part:
    """Return the picture: first what is defined alike, then what is not."""
    picture = _Picture([], [])
    otherwise = [row for row in drawing.rows if row.key in drawing.chart.otherwise]
    alike = [row for row in drawing.rows if row.key not in drawing.chart.otherwise]
    for heading, rows in ((ALIKE, alike), (OTHERWISE, otherwise)):
        if rows:
            picture.below += _GAP / 2
            picture.write(heading, _LETTERS, line=_HEADING, is_bold=True)
            for row in rows:
                _row(drawing, picture, row, is_alike=rows is alike)
    return _drawn(drawing, picture)


def numbers(figure: Figure | None) -> list[float]:
    """Return every number of a figure that the picture needs room for."""
    if figure is None:
        return []
    return [n for n in (figure.value, figure.low, figure.high, figure.beyond) if n is not None]


def _row(drawing: Drawing, picture: _Picture, row: Row, *, is_alike: bool) -> None:
    picture.below += _GAP / 2
    picture.write(row.name, _LETTERS, line=_LINE, wide=_NAME)
    ours, theirs = (row.figures[place] for place, _ in columns_of(drawing)[:2])
    tags = [column.name for _, column in columns_of(drawing)]
    picture.place(tags[0], {**_mark(ours), "label": _ours_said(drawing, row, ours), "who": tags[0], "full": True})
    picture.place(tags[1], {**_mark(theirs), "label": _theirs_said(drawing, theirs), "who": tags[1], "full": is_alike})
    if row.says:
        picture.below += 2
        picture.write(row.says, _SMALL, line=_SMALL_LINE, wide=_SAYS)


def _mark(figure: Figure | None) -> Part:
    """Return where a figure's mark stands: its value and interval, its range, or what it is more than."""
    if figure is None:
        return {}
    ends = numbers(figure)
    mark: Part = {"value": figure.value, "top": max(ends, default=None)}
    if figure.value is None and figure.beyond is not None:
        return {
            **mark,
            "low": figure.beyond if figure.low is None else figure.low,
            "high": figure.beyond,
            "beyond": figure.beyond,
        }
    return {**mark, "low": figure.low, "high": figure.high, "range": figure.value is None and len(ends) == 2}


def _ours_said(drawing: Drawing, row: Row, figure: Figure | None) -> str:
    if figure is None:
        return ABSENT
    if figure.value is None:
        return open_end(drawing, figure) if figure.beyond is not None else figure.note.rstrip(".") or ABSENT
    span = interval(figure, drawing.definitions)
    said = f"{shown(figure, drawing.definitions)} ({span})" if span else shown(figure, drawing.definitions)
    return f"{said}, can still rise" if figure.is_incomplete or row.is_incomplete else said


def open_end(drawing: Drawing, figure: Figure) -> str:
    """Return what is said of a time that was not reached: in how long."""
    far = Figure(figure.indicator, figure.beyond)
    return f"{figure.note or 'more than'} in {shown(far, drawing.definitions)}"


def _theirs_said(drawing: Drawing, figure: Figure | None) -> str:
    """Return what was published as it was printed, where the note begins with it; else the number."""
    if figure is None:
        return ABSENT
    printed, is_printed, _ = figure.note.partition("; ")
    return printed if is_printed and len(printed) <= _SHORT else shown(figure, drawing.definitions)


def _drawn(drawing: Drawing, picture: _Picture) -> Part:
    form = form_of(drawing)
    most = max((n for row in drawing.rows for figure in row.figures for n in numbers(figure)), default=0.0) * _ROOM
    most = 1.0 if form == "share" and most > 0.5 else most or 1.0
    height = picture.below + _GAP / 2
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": _exactly(0, height, reverse=True)}
    axis: Part = {"orient": "top", "labelFontSize": _LETTERS, "titleFontSize": _LETTERS, "tickCount": 5, "grid": False}
    if form == "share":
        axis |= {"format": ".0%"} | ({"values": [0, 0.25, 0.5, 0.75, 1]} if most == 1.0 else {})
    x = {"type": "quantitative", "title": drawing.chart.y or None, "axis": axis, "scale": _exactly(0, most)}
    who = {"field": "who", "type": "nominal", "sort": None, "legend": None, "scale": colours_of(drawing)}
    layers = [
        _track(picture.marks, x, y),
        *_lines(picture.marks, x, y, who, most),
        *_points(picture.marks, x, y, who),
        *_labels(picture.marks, x, y),
        *_texts(picture.texts, y),
    ]
    return {"layer": layers, "width": _WIDTH, "height": height, "padding": _MARGIN}


def _exactly(low: float, high: float, *, reverse: bool = False) -> Part:
    return {"domain": [low, high], "nice": False, "zero": False, "reverse": reverse}


def _track(marks: Values, x: Part, y: Part) -> Part:
    """Return a pale line from the axis to each mark, which the eye can follow."""
    values = [{**mark, "start": 0, "reach": mark["top"]} for mark in marks if mark.get("top") is not None]
    place = {"y": y, "x": {**x, "field": "start"}, "x2": {"field": "reach"}}
    return {"data": {"values": values}, "mark": {"type": "rule", "color": "#888888", "opacity": 0.4}, "encoding": place}


def _lines(marks: Values, x: Part, y: Part, who: Part, most: float) -> list[Part]:
    """Return intervals as thin lines, published ranges as thick ones, and open ends dashed to an arrow at the edge."""
    known = [mark for mark in marks if mark.get("low") is not None and mark.get("high") is not None]
    found = []
    for is_range, wide, opacity in ((False, 2.5, 1), (True, 9, 0.55)):
        values = [mark for mark in known if bool(mark.get("range")) is is_range]
        ends = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
        rule = {"type": "rule", "strokeWidth": wide, "opacity": opacity}
        if values:
            found.append({"data": {"values": values}, "mark": rule, "encoding": {**ends, "y": y, "color": who}})
    if values := [{**mark, "edge": most} for mark in marks if mark.get("beyond") is not None]:
        ends = {"x": {**x, "field": "beyond"}, "x2": {"field": "edge"}}
        dashed = {"type": "rule", "strokeWidth": 2.5, "strokeDash": [5, 4]}
        head = {"type": "point", "shape": "triangle-right", "size": 110, "filled": True, "opacity": 1}
        found.append({"data": {"values": values}, "mark": dashed, "encoding": {**ends, "y": y, "color": who}})
        found.append(
            {"data": {"values": values}, "mark": head, "encoding": {"x": {**x, "field": "edge"}, "y": y, "color": who}}
        )
    return found


def _points(marks: Values, x: Part, y: Part, who: Part) -> list[Part]:
    """Return ours as a disc and what was published as a diamond, hollow where it is defined differently."""
    found = []
    names = list(dict.fromkeys(mark["who"] for mark in marks))
    for name, shape in zip(names, ("circle", "diamond"), strict=False):
        for is_full in (True, False):
            values = [m for m in marks if m["who"] == name and m["full"] is is_full and m.get("value") is not None]
            mark = {"type": "point", "shape": shape, "size": 110, "strokeWidth": 2, "opacity": 1, "filled": is_full}
            if values:
                place = {"x": {**x, "field": "value"}, "y": y, "color": who}
                found.append({"data": {"values": values}, "mark": mark, "encoding": place})
    return found


def _labels(marks: Values, x: Part, y: Part) -> list[Part]:
    """Return what each mark says, at its right; of an open end beyond the edge, of what is not there at the axis."""
    text = {"type": "text", "align": "left", "dx": 9, "fontSize": _SMALL + 1}
    found = []
    for values, place in (
        (
            [m for m in marks if m.get("top") is not None and m.get("beyond") is None and _is_drawn(m)],
            {**x, "field": "top"},
        ),
        ([m for m in marks if m.get("beyond") is not None], {"value": _WIDTH + 2}),
        ([m for m in marks if not _is_drawn(m) and m.get("beyond") is None], {"value": 0}),
    ):
        if values:
            words = {"x": place, "y": y, "text": {"field": "label"}}
            found.append({"data": {"values": values}, "mark": text, "encoding": words})
    return found


def _is_drawn(mark: Part) -> bool:
    return mark.get("value") is not None or bool(mark.get("range"))


def _texts(texts: Values, y: Part) -> list[Part]:
    found = []
    for size, is_bold in sorted({(text["size"], text["bold"]) for text in texts}):
        values = [text for text in texts if (text["size"], text["bold"]) == (size, is_bold)]
        mark = {"type": "text", "align": "left", "baseline": "alphabetic", "fontSize": size}
        mark["fontWeight"] = "bold" if is_bold else "normal"
        place = {"x": {"value": -_LEFT}, "y": y, "text": {"field": "text"}}
        found.append({"data": {"values": values}, "mark": mark, "encoding": place})
    return found


def said_in_words(drawing: Drawing) -> Sequence[str]:
    """Return a sentence for each row: ours, theirs, and what differs."""
    told = []
    for row in drawing.rows:
        ours, theirs = (row.figures[place] for place, _ in columns_of(drawing)[:2])
        pair = f"ours {_ours_said(drawing, row, ours)}, published {_theirs_said(drawing, theirs)}"
        told.append(f"{row.name}: {pair}. {row.says}".rstrip())
    return told
