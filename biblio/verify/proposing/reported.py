"""A project that a reader reported for a paper becomes a candidate: worth a look, never more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from biblio.catalogue.links import EvidenceFacts, Suggestion
from biblio.catalogue.reported import Reported
from biblio.store.words import Band

KIND = "reported"
"""The kind of evidence that a report is."""

SENTENCE = "A reader reported that the paper used data of this project."


def with_reports(suggestions: Sequence[Suggestion], reports: Sequence[Reported]) -> list[Suggestion]:
    """Return the suggestions with each reported project among them, best first.

    A report lifts a project to an even chance and to "likely", so that it is on the desk; where the matcher thinks more
    of it, it adds its sentence and nothing else. Anybody can report, so it makes nothing certain.
    """
    named = {one.project_id for one in reports if one.project_id is not None}
    if not named:
        return list(suggestions)
    found = [_lifted(one) if one.project_id in named else one for one in suggestions]
    known = {one.project_id for one in suggestions}
    found += [Suggestion(new, 0.5, Band.LIKELY, (_evidence(0.0),)) for new in sorted(named - known)]
    return sorted(found, key=lambda one: -one.score)


def _lifted(one: Suggestion) -> Suggestion:
    score = min(max(one.score, 1e-9), 1 - 1e-9)
    lift = max(0.0, -math.log(score / (1 - score)))
    band = Band.LIKELY if one.band is Band.UNLIKELY else one.band
    return replace(one, score=max(one.score, 0.5), band=band, evidence=(*one.evidence, _evidence(round(lift, 4))))


def _evidence(contribution: float) -> EvidenceFacts:
    return EvidenceFacts(kind=KIND, value="", contribution=contribution, sentence=SENTENCE)
