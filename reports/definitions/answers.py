"""What is counted of the backlog of silent projects, and of the released answers to the questionnaire."""

from reports.definitions.model import Indicator

SILENT_FOR = Indicator(
    key="silent_for",
    name="Silent projects by age",
    sentence="Silent projects by how long they have been silent.",
    unit="projects",
    numerator="observed projects past their grace period without a paper that counts",
    denominator="",
    dates="Calendar years from the day on which the project became silent, which is the last usable release date plus the grace period, to the report's day.",
    caveat="A project that became silent and was published later is in no row: this is the backlog of the day, not a history.",
    example="Silent from 2024-03-01, report of 2026-11-22: silent for more than two years and less than five, in the row of 2 to 5 years.",
    rows="projects",
)

SILENT_SHARE = Indicator(
    key="silent_share",
    name="Share of silent projects",
    sentence="Silent projects over observed projects, with its 95 % Wilson interval.",
    unit="fraction of projects",
    form="share",
    numerator="silent projects",
    denominator="observed projects",
    dates="Both as known on the report's day.",
    caveat="Young cycles have none: their projects are within their time. Published, silent and within their time add up to observed.",
    example="4 observed, of which 1 is silent: 25 %.",
    rows="projects",
)

SILENT_HOURS = Indicator(
    key="silent_hours",
    name="Observing time of silent projects",
    sentence="Time on source of the delivered units of silent projects, added up.",
    unit="hours",
    form="decimal",
    numerator="observing time of the delivered units of silent projects, in hours",
    denominator="",
    dates="Units delivered (or, where the delivery is unknown, released) by the report's day.",
    caveat="Units of which the registry tells no time are left out, so it is the least there can be.",
    example="One silent project with units of 1.5 and 2.0 hours: 3.5.",
    rows="projects",
)

_NOBODY = (
    "Nothing stands behind these numbers: answers belong to nobody, and no difference of two reports is made of them."
)
_CLOSED = "Campaigns whose ballot box was opened, or whose totals were taken over, by the end of the report's day; answers carry no date of their own."


def _sum(key: str, name: str, sentence: str, example: str) -> Indicator:
    return Indicator(
        key=key,
        name=name,
        sentence=sentence,
        unit=key.partition("_")[0],
        numerator=sentence[0].lower() + sentence[1:-1],
        denominator="",
        dates=_CLOSED,
        caveat=f"Of campaigns of earlier times some numbers are not known. {_NOBODY}",
        example=example,
        rows="",
        of_answers=True,
    )


SENT = _sum(
    "questionnaires_sent",
    "Questionnaires sent",
    "Questionnaires that were sent, one for each project asked about.",
    "Ahn is asked about two projects, Berg about one: 3.",
)
COMPLETED = _sum(
    "questionnaires_completed",
    "Questionnaires completed",
    "Questionnaires that were completed.",
    "Ahn completes one of two, Berg the only one: 2.",
)
ASKED = _sum(
    "persons_asked",
    "Persons asked",
    "Persons who were asked, each once.",
    "Ahn is asked about two projects, Berg about one: 2.",
)
ANSWERED = _sum(
    "persons_answered",
    "Persons who answered",
    "Persons with at least one completed questionnaire.",
    "Ahn completes one of two, Berg the only one: 2.",
)

RATE = Indicator(
    key="questionnaires_rate",
    name="Rate of questionnaires",
    sentence="Questionnaires completed over questionnaires sent.",
    unit="fraction of questionnaires",
    form="share",
    numerator="questionnaires completed",
    denominator="questionnaires sent, one for each project asked about",
    dates=_CLOSED,
    caveat=f"Unfinished answers do not count, nor do answers of which the box could not read the ballot. {_NOBODY}",
    example="Ahn completes one of two questionnaires, Berg the only one: 2 of 3, 66.7 %.",
    rows="",
    of_answers=True,
)

PERSONS_RATE = Indicator(
    key="persons_rate",
    name="Rate of persons",
    sentence="Persons with at least one completed questionnaire over persons asked.",
    unit="fraction of persons",
    form="share",
    numerator="persons with at least one completed questionnaire",
    denominator="persons asked, each once",
    dates=_CLOSED,
    caveat=f"Higher than the rate of questionnaires where somebody is asked about several projects and answers for some. {_NOBODY}",
    example="Ahn completes one of two questionnaires, Berg the only one: 2 of 2 persons, 100 %.",
    rows="",
    of_answers=True,
)

ANSWERS = Indicator(
    key="answers",
    name="Answers by reason",
    sentence="Answers to the project status questionnaire of closed campaigns by reason, or by group of reasons, in the order of the chain from the data to a paper.",
    unit="fraction of answers",
    form="share",
    numerator="answers that chose the reason, or a reason of the group",
    denominator="all answers of the campaign to the question about the project's status",
    dates=_CLOSED,
    caveat=f"Campaigns that too few persons answered show only their rates. {_NOBODY}",
    example="Ten answers, three of them reason 9: 3 of 10, 30 %.",
    rows="",
    of_answers=True,
)

INDICATORS = (
    SILENT_FOR,
    SILENT_SHARE,
    SILENT_HOURS,
    SENT,
    COMPLETED,
    RATE,
    ASKED,
    ANSWERED,
    PERSONS_RATE,
    ANSWERS,
)
