"""The desk: what it adds to the house."""

from __future__ import annotations

from biblio.feature import Feature, NavigationItem
from biblio.mail import LetterKind
from biblio.verify.deciding import deciding
from biblio.verify.digest import DIGEST, KIND
from biblio.verify.learning.fitting import learn as learn_job
from biblio.verify.learning.rematch import rematch as rematch_job
from biblio.verify.learning.rematch import status as trial_status
from biblio.verify.paper.views import make_blueprint
from biblio.verify.proposing.match import match
from biblio.verify.proposing.ranking_models import in_order, status
from biblio.verify.sharing.library_rules import libraries
from biblio.verify.sharing.second_readings import status as readings_status

feature = Feature(
    name="verify",
    blueprint=make_blueprint,
    jobs=(match, learn_job, rematch_job, libraries, DIGEST),
    navigation=(
        NavigationItem("Desk", "verify.desk", "desk.read", order=10),
        NavigationItem("Quality", "verify.quality", "quality.read", order=35, unless="desk.read"),
    ),
    deciding=deciding,
    letters=(LetterKind(KIND, "daily mail to a colleague"),),
    checks=(in_order,),
    status=(status, trial_status, readings_status),
)
