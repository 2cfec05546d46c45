"""Declares the reports feature."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from reports.job import REPORT, check, status
from reports.letters import LETTERS
from reports.pages.views import blueprint

feature = Feature(
    name="reports",
    blueprint=lambda: blueprint,
    jobs=(REPORT,),
    navigation=(NavigationItem("Reports", "reports.index", "reports.read", order=40),),
    checks=(check,),
    status=(status,),
    letters=(LETTERS,),
)
