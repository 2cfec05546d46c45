"""What the definition of a number says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["count", "share", "decimal", "ratio", "probability", "years", "days", "citations"]
"""How a value is written: whole, as percent, with one decimal, with two, as a p-value, as years, as days, whole."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One number of the report. ``rows`` says what stands behind it: "projects", "papers" or "" (nothing may).

    ``of_answers``: counted of the questionnaire's answers, so it never leads to rows or ids, and no difference of two
    reports is made of it.
    """

    key: str
    name: str
    sentence: str
    unit: str
    numerator: str
    denominator: str
    dates: str
    caveat: str
    example: str
    rows: Literal["projects", "papers", ""]
    form: Form = "count"
    of_answers: bool = False
