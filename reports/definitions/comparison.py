"""What is said of figures that other observatories published, and of ours beside them."""

from dataclasses import replace

from reports.definitions.model import Form, Indicator

_THEIRS = Indicator(
    key="published_elsewhere",
    name="As another observatory published it",
    sentence="A figure that another observatory published of itself, as it was printed: a number, a range, or more than a number.",
    unit="",
    numerator="",
    denominator="",
    dates="Those of the publication, which stands beside each figure.",
    caveat="Observatories count papers and projects by rules of their own; what differs from ours is said beside each figure. The two ends of a range are what was printed, and no interval.",
    example="A paper says “about 70 % of the observed projects”: 70.0 %, with “about” and the paper beside it.",
    rows="",
)

_OURS = Indicator(
    key="ours_beside",
    name="Ours beside it",
    sentence="Our figure that means most nearly the same; it is the one that stands under its own theme, with its own definition.",
    unit="",
    numerator="",
    denominator="",
    dates="Those of its own definition.",
    caveat="Not every difference between two observatories is one of success: rules, ages and kinds of projects differ too.",
    example="Beside a published share of projects with a paper stands our publication fraction of all cycles.",
    rows="",
)


def _in_form(indicator: Indicator, form: Form) -> Indicator:
    return replace(indicator, key=f"{indicator.key}_{form}", name=f"{indicator.name} ({_NAMES[form]})", form=form)


_NAMES: dict[Form, str] = {"share": "shares", "years": "times in years", "decimal": "other numbers"}
THEIRS: dict[Form, Indicator] = {form: _in_form(_THEIRS, form) for form in _NAMES}
OURS: dict[Form, Indicator] = {form: _in_form(_OURS, form) for form in _NAMES}

INDICATORS: tuple[Indicator, ...] = (*OURS.values(), *THEIRS.values())
