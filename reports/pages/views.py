"""Where the report's pages stand: one table of addresses. What each page shows is in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from biblio.webkit import PUBLIC, action
from reports.pages import charts, dashboard, files, public, rows, snapshots, themes

blueprint = Blueprint("reports", __name__)

_TABLE = "<theme>/<table>"
_LOOKS = ", ".join(f'"{look}"' for look in charts.LOOKS)

PAGES: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("", dashboard.index),
    ("definitions", themes.definitions),
    ("report.<kind>", files.export),
    ("<theme>", themes.theme),
    (_TABLE, themes.table),
    (f"{_TABLE}.<any(csv, xlsx):kind>", themes.table_file),
    (f"{_TABLE}/<int:number>.<any({_LOOKS}):look>.svg", charts.chart),
    (f"{_TABLE}/<int:number>.<any(svg, png, csv, json):kind>", charts.chart_file),
    (f"{_TABLE}/<row>/<column>", rows.rows),
)
"""The pages of a report: of the live one below /reports/, of a frozen one below /reports/snapshots/NUMBER/."""

LIVE, FROZEN = "/reports/", "/reports/snapshots/<int:snapshot>/"

for _place, _view in PAGES:
    _view = action("reports.read")(_view)
    blueprint.add_url_rule(FROZEN + _place, view_func=_view)
    blueprint.add_url_rule(LIVE + _place, view_func=_view)

_read, _freeze = action("reports.read"), action("reports.freeze")
blueprint.add_url_rule("/reports/snapshots", view_func=_read(snapshots.snapshots))
blueprint.add_url_rule("/reports/snapshots/<int:old>/changes", view_func=_read(snapshots.changes))
blueprint.add_url_rule("/reports/snapshots/<int:old>/changes/<int:new>", view_func=_read(snapshots.changes))
blueprint.add_url_rule("/reports/freeze", view_func=_freeze(snapshots.freeze_now), methods=["POST"])
_public = action(PUBLIC)
blueprint.add_url_rule("/success", view_func=_public(public.success))
blueprint.add_url_rule(f"/success/<part>.<any({_LOOKS}):look>.svg", view_func=_public(public.success_chart))
