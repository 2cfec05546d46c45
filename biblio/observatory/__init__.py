"""One observatory as data: loads and checks a profile folder (TOML), and names no observatory itself.

A profile is a folder with ``profile.toml`` (names, partners, cycles, code grammar, clock), ``keywords.toml``,
``rules.toml``, ``questionnaire.toml`` and ``mail/``. Shipped profiles lie in ``biblio/observatories``; a path to a
folder of one's own works as well. The tables ``codes``, ``rules`` and ``keywords`` stay plain data here: ``matching``
checks them when it is built, and their examples are run before anything starts.
"""

from biblio.observatory.profile import (
    OWN_FACTS,
    Asking,
    Cycle,
    Facet,
    Harvest,
    Partner,
    Profile,
    ProfileError,
    Recipe,
    Region,
    Relation,
    Tap,
    available,
    load,
)
from biblio.observatory.questionnaire import Choice, Question, Questionnaire

__all__ = [
    "OWN_FACTS",
    "Asking",
    "Choice",
    "Cycle",
    "Facet",
    "Harvest",
    "Partner",
    "Profile",
    "ProfileError",
    "Question",
    "Questionnaire",
    "Recipe",
    "Region",
    "Relation",
    "Tap",
    "available",
    "load",
]
