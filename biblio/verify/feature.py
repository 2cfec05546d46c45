"""The desk: what it adds to the house."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from biblio.verify.commands import decisions
from biblio.verify.digest import DIGEST
from biblio.verify.evaluating import evaluate
from biblio.verify.following import follow
from biblio.verify.learning import learn as learn_job
from biblio.verify.learning_command import learn
from biblio.verify.library_rules import libraries
from biblio.verify.match import match
from biblio.verify.ranking_models import in_order, status
from biblio.verify.rematch import rematch as rematch_job
from biblio.verify.rematch import status as trial_status
from biblio.verify.rematch_command import rematch
from biblio.verify.second_readings import status as readings_status
from biblio.verify.views import make_blueprint

feature = Feature(
    name="verify",
    blueprint=make_blueprint,
    jobs=(match, learn_job, rematch_job, libraries, DIGEST),
    commands=(decisions, evaluate, learn, rematch),
    navigation=(
        NavigationItem("Desk", "verify.desk", "desk.read", order=10),
        NavigationItem("Quality", "verify.quality", "quality.read", order=35, unless="desk.read"),
    ),
    follows=(follow,),
    checks=(in_order,),
    status=(status, trial_status, readings_status),
)
