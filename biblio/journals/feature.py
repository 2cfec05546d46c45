"""Journals declare themselves."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from biblio.journals.jobs import JOURNALS
from biblio.journals.views import make_blueprint

feature = Feature(
    name="journals",
    blueprint=make_blueprint,
    jobs=(JOURNALS,),
    navigation=(NavigationItem("Journals", "journals.overview", "journals.read", order=34),),
)
