"""The public bibliography declares itself."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from biblio.public import api, feeds, search_views
from biblio.public.views import blueprint, make_blueprint

search_views.add_rules(blueprint)
api.add_rules(blueprint)
feeds.add_rules(blueprint)

feature = Feature(
    name="public",
    blueprint=make_blueprint,
    starts=(search_views.begin_index,),
    navigation=(
        NavigationItem("Search", "public.search", "public", order=60),
        NavigationItem("Projects", "public.projects", "public", order=61),
    ),
)
