"""Comparing declares itself."""

from __future__ import annotations

from biblio.compare.views import make_blueprint
from biblio.feature import Feature, NavigationItem

feature = Feature(
    name="compare",
    blueprint=make_blueprint,
    navigation=(NavigationItem("Compare", "compare.overview", "compare.read", order=36),),
)
