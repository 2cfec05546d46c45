"""The desk: what it adds to the house."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from biblio.verify.commands import decisions
from biblio.verify.evaluating import evaluate
from biblio.verify.match import match
from biblio.verify.views import make_blueprint

feature = Feature(
    name="verify",
    blueprint=make_blueprint,
    jobs=(match,),
    commands=(decisions, evaluate),
    navigation=(NavigationItem("Desk", "verify.desk", "desk.read", order=10),),
)
