"""What is counted of the bibliography itself: what waits, how fast it is decided, how readers agree, what was not harvested."""

from reports.definitions.model import Indicator

_DAY = "As known at the end of the report's day."

UNDECIDED = Indicator(
    key="undecided",
    name="Candidates undecided",
    sentence="Proposed links between a paper and a project that nobody has accepted or rejected.",
    unit="candidates",
    numerator="candidates without a verdict, or called unsure",
    denominator="",
    dates=_DAY,
    caveat="What was proposed for a paper that a person found to use none of our data does not wait. They are in no other number of the report, however certain the machine is; what they could change stands in the two tables below. One paper can have several: the number leads to the papers.",
    example="One paper proposed for two projects, one of which was rejected: 1.",
    rows="papers",
)

WAITING = Indicator(
    key="papers_waiting",
    name="Papers waiting",
    sentence="Papers with at least one undecided candidate.",
    unit="papers",
    numerator="such papers, each in the row of its best candidate's band",
    denominator="",
    dates=_DAY,
    caveat="Some of them will turn out not to use our data.",
    example="One paper with a certain and an unlikely candidate: 1, in the row of the certain ones.",
    rows="papers",
)

_IF_ACCEPTED = "It says what waiting may hide, not what will come: some candidates will be rejected, and papers that nobody has found yet are in neither number. It changes no other number of the report."
_CAN_COUNT = "refereed, no erratum, and nobody has called it engineering"

PROJECTS_WAITING = Indicator(
    key="projects_waiting",
    name="Unpublished projects waiting",
    sentence="Observed projects without a refereed paper that have an undecided candidate which would publish them.",
    unit="projects",
    numerator="such projects, each under the band of its best such candidate",
    denominator="",
    dates=_DAY,
    caveat=f"A paper would publish a project if it is {_CAN_COUNT}. They count as not published everywhere else. A row is marked where the certain ones alone are more than a twentieth of its observed projects.",
    example="Four observed projects, two of them published; of the others one has a certain and a likely candidate, both refereed, the last one a candidate that is a preprint: 1 certain, 0 likely.",
    rows="projects",
)

FRACTION_IF = Indicator(
    key="publication_fraction_if_accepted",
    name="Publication fraction at most",
    sentence="The publication fraction if the undecided candidates of a band and of surer ones were all accepted.",
    unit="fraction of projects",
    form="share",
    numerator="published projects, and unpublished ones that wait with a candidate of the band or a surer one",
    denominator="observed projects",
    dates=_DAY,
    caveat=_IF_ACCEPTED,
    example="Four observed projects, two of them published, a third waiting with a certain candidate: 3 of 4, 75.0 %, where 50.0 % are published.",
    rows="projects",
)

WITHIN_IF = Indicator(
    key="published_within_if_accepted",
    name="Published within four years at most",
    sentence="Of observed projects old enough, those whose first refereed paper appeared within four years after the first delivery, if all undecided candidates that the machine calls certain were accepted.",
    unit="fraction of projects",
    form="share",
    numerator="projects whose first paper, accepted or waiting with a certain candidate, had appeared by that anniversary",
    denominator="observed projects whose fourth anniversary was on or before the complete-through date",
    dates="As for projects published within so many years.",
    caveat=_IF_ACCEPTED,
    example="Two projects delivered on 2017-05-01, one published in 2019, the other waiting with a certain paper of 2020: 2 of 2, where 1 of 2 is published in time.",
    rows="projects",
)

SILENT_WAITING = Indicator(
    key="silent_waiting",
    name="Silent projects waiting",
    sentence="Silent projects with an undecided candidate that the machine calls certain.",
    unit="projects",
    numerator="such projects, whether the paper that waits is refereed or a preprint",
    denominator="",
    dates=_DAY,
    caveat="They are silent in every other number until somebody decides. Lists of projects have a column that says which of them wait, also with less certain candidates.",
    example="Two silent projects, one with a certain candidate: 1.",
    rows="projects",
)

PAPERS_UNCOUNTED = Indicator(
    key="papers_not_counted_yet",
    name="Refereed papers waiting",
    sentence="Refereed papers with an undecided candidate that are not counted yet.",
    unit="papers",
    numerator="such papers, each under the band of its best candidate, in the row of its year",
    denominator="",
    dates=f"{_DAY} Year as for papers.",
    caveat="A paper that is counted for one project and waits for another is not among them; nor is one that is an erratum, or that somebody has called engineering. A row is marked where the certain ones are more than a twentieth of its papers.",
    example="A refereed paper with a certain and a likely candidate, and a preprint with a certain one: 1 certain, 0 likely.",
    rows="papers",
)

PAPERS_IF = Indicator(
    key="papers_if_accepted",
    name="Papers at most",
    sentence="Refereed papers if the undecided candidates of a band and of surer ones were all accepted.",
    unit="papers",
    numerator="papers counted, and refereed papers waiting with a candidate of the band or a surer one",
    denominator="",
    dates=f"{_DAY} Year as for papers.",
    caveat=_IF_ACCEPTED,
    example="One paper counted in 2019, and a refereed one of 2019 that waits with a certain candidate: 2.",
    rows="papers",
)

DECIDED = Indicator(
    key="papers_decided",
    name="Papers decided",
    sentence="Papers about which a first decision was made.",
    unit="papers",
    numerator="papers with a decision, accepted or not",
    denominator="",
    dates="In the row of the year of the first decision.",
    caveat="A decision that was changed later counts once, with its first day.",
    example="A paper rejected in 2024 and accepted in 2025: 1, in 2024.",
    rows="papers",
)

_DAYS_CAVEAT = "Papers that were decided when an older bibliography was taken over show when that was done. What still waits is in no number of days, so a growing backlog shows later. The running year is incomplete."


def _days(key: str, name: str, share: str) -> Indicator:
    return Indicator(
        key=key,
        name=name,
        sentence=f"Days from a paper's first appearance to the first decision about it: {share}.",
        unit="days",
        form="days",
        numerator="",
        denominator="papers with a decision and a day of first appearance",
        dates="From the first preprint or the journal's issue, whichever is earlier, to the first decision; in the row of the year of that decision.",
        caveat=_DAYS_CAVEAT,
        example="Decided after 2, 4, 6, 8 and 100 days: lower quarter 4, median 6, upper quarter 8.",
        rows="papers",
    )


DAYS_QUARTER = _days("days_to_decision_quarter", "Lower quartile", "a quarter of the papers took no longer")
DAYS_MEDIAN = _days("days_to_decision", "Median days to a decision", "half of the papers took no longer")
DAYS_THREE = _days("days_to_decision_three_quarters", "Upper quartile", "three quarters of the papers took no longer")

SECOND_READINGS = Indicator(
    key="second_readings",
    name="Second readings",
    sentence="Decisions that a second reader made once more without seeing the first.",
    unit="decisions",
    numerator="second readings that have ended",
    denominator="",
    dates="Ended by the end of the report's day.",
    caveat="Which papers they were of is not shown here: nothing may be told of a paper before both have read it.",
    example="Three drawn, of which two were read: 2.",
    rows="",
)

UNDER_WAY = Indicator(
    key="second_readings_open",
    name="Second readings under way",
    sentence="Papers that a second reader has yet to judge.",
    unit="papers",
    numerator="papers with a second reading that was drawn and has not ended",
    denominator="",
    dates="Drawn by the end of the report's day.",
    caveat="Which papers they are is not shown: a list of them would tell the first reader's verdict.",
    example="Three drawn, of which two were read: 1.",
    rows="",
)

AGREEMENT = Indicator(
    key="agreement",
    name="Agreement of readers",
    sentence="Second readings in which both readers said the same over all second readings, with its 95 % Wilson interval.",
    unit="fraction of second readings",
    form="share",
    numerator="second readings with the same verdict as the first",
    denominator="second readings that have ended",
    dates="Ended by the end of the report's day.",
    caveat="It says how far decisions depend on who reads, not how many are right; agreement by chance is not taken off. Nobody is named.",
    example="Four second readings, three with the same verdict: 75.0 %, interval 30.1 to 95.4 %.",
    rows="",
)

GAPS = Indicator(
    key="papers_lacking",
    name="Papers lacking a fact",
    sentence="Refereed papers that are science with our data and have an accepted link, of which the bibliography does not know something that other numbers rest on.",
    unit="papers",
    numerator="such papers without the fact",
    denominator="",
    dates=_DAY,
    caveat="A paper that lacks two facts is in both rows. The numbers that rest on a fact leave the papers out and say so.",
    example="One paper without an affiliation and a citation count: 1 in each of the two rows.",
    rows="papers",
)

GAPS_SHARE = Indicator(
    key="papers_lacking_share",
    name="Share of papers lacking a fact",
    sentence="Papers lacking the fact over all papers that are counted.",
    unit="fraction of papers",
    form="share",
    numerator="papers without the fact",
    denominator="refereed papers that are science with our data and have an accepted link",
    dates=_DAY,
    caveat="What is missing is usually missing at the source, and comes with the next refresh.",
    example="One of four papers has no affiliation: 25.0 %.",
    rows="papers",
)

PROJECT_GAPS = Indicator(
    key="projects_lacking",
    name="Projects lacking a fact",
    sentence="Projects of which the project list does not say something that other numbers rest on.",
    unit="projects",
    numerator="such projects without the fact",
    denominator="",
    dates=_DAY,
    caveat="A project that lacks two facts is in both rows. The numbers that rest on a fact leave the projects out and say so.",
    example="One observed project of which only the release is known: 1 without a delivery date.",
    rows="projects",
)

HOLES = Indicator(
    key="coverage_holes",
    name="Holes in the coverage",
    sentence="Spans of days that a source of papers was not harvested for.",
    unit="spans",
    numerator="spans of days between the first and the last that were not harvested in full",
    denominator="",
    dates="As known at the end of the report's day.",
    caveat="A paper of such a day can be missing without anybody knowing. Times to publication are counted only up to the day before the first hole of any source.",
    example="arXiv was not asked about 3 to 5 May: 1.",
    rows="",
)

HOLE_DAYS = Indicator(
    key="coverage_hole_days",
    name="Days not harvested",
    sentence="Days that a source of papers was not harvested for.",
    unit="days",
    numerator="days in its holes, first and last included",
    denominator="",
    dates="As known at the end of the report's day.",
    caveat="Days on which a source publishes nothing, such as weekends, count too.",
    example="arXiv was not asked about 3 to 5 May: 3.",
    rows="",
)

INDICATORS = (
    UNDECIDED,
    WAITING,
    PROJECTS_WAITING,
    FRACTION_IF,
    WITHIN_IF,
    SILENT_WAITING,
    PAPERS_UNCOUNTED,
    PAPERS_IF,
    DECIDED,
    DAYS_QUARTER,
    DAYS_MEDIAN,
    DAYS_THREE,
    SECOND_READINGS,
    AGREEMENT,
    UNDER_WAY,
    GAPS,
    GAPS_SHARE,
    PROJECT_GAPS,
    HOLES,
    HOLE_DAYS,
)
