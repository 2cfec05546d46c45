"""Declares the reports feature."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from reports.commands import report
from reports.views import blueprint

feature = Feature(
    name="reports",
    blueprint=lambda: blueprint,
    commands=(report,),
    navigation=(NavigationItem("Reports", "reports.index", "reports.read", order=40),),
)
