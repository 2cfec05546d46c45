"""Comparing declares itself."""

from __future__ import annotations

from biblio.compare.commands import compare
from biblio.compare.views import make_blueprint
from biblio.feature import Feature, NavigationItem

feature = Feature(
    name="compare",
    blueprint=make_blueprint,
    commands=(compare,),
    navigation=(NavigationItem("Compare", "compare.overview", "compare.read", order=36),),
)
