"""What is counted of projects: observed, published, silent, and the publication fraction, now and at fixed age."""

from reports.definitions.model import Indicator

OBSERVED = Indicator(
    key="observed",
    name="Projects observed",
    sentence="PI projects of which at least one observation unit had been delivered.",
    unit="projects",
    numerator="PI projects with a delivered unit",
    denominator="",
    dates="Delivery on or before the report's day, as known on that day; a unit without a delivery date counts once its data are released.",
    caveat="Science verification, engineering and calibration projects are not PI projects and are not counted.",
    example="Three projects: one with two delivered units, one with a unit still to come, one science verification. Observed: 1.",
    rows="projects",
)

PUBLISHED = Indicator(
    key="published",
    name="Projects published",
    sentence="Observed projects with at least one accepted link to a refereed paper that is science with our data.",
    unit="projects",
    numerator="observed projects with such a link",
    denominator="",
    dates="Links and relations as decided by the end of the report's day.",
    caveat="What librarians have not decided yet does not count, however certain the machine is. An erratum alone publishes nothing: what it corrects does.",
    example="Two observed projects; one has an accepted refereed paper, the other only a preprint. Published: 1.",
    rows="projects",
)

SILENT = Indicator(
    key="silent",
    name="Projects silent",
    sentence="Observed projects whose grace period has ended and which no paper keeps off the list.",
    unit="projects",
    numerator="observed projects past the grace period without a paper that counts",
    denominator="",
    dates="The grace period runs from the last usable release date of the project's units, in calendar years, once observing has ended; a project from which more deliveries are expected, or without a usable release date, is not silent yet. It must have ended by the day through which all sources of papers were harvested: after it nobody knows.",
    caveat="A refereed paper, or a young preprint that is science with our data, keeps a project off the list once its link is accepted: a candidate that waits for a decision does not, and lists of projects say which have one. Whether its PI is asked has further conditions, shown on the campaigns' pages.",
    example="Last release 2020-02-29, grace two years, no paper: silent from 2022-03-01 on.",
    rows="projects",
)

WITHIN_TIME = Indicator(
    key="within_time",
    name="Projects within their time",
    sentence="Observed projects that are neither published nor silent.",
    unit="projects",
    numerator="observed projects without a refereed paper whose grace period is running, or that a young preprint keeps off the silent list",
    denominator="",
    dates="As for projects silent.",
    caveat="Published, silent and within their time add up to observed.",
    example="Last release last month, no paper: within its time.",
    rows="projects",
)

FRACTION = Indicator(
    key="publication_fraction",
    name="Publication fraction",
    sentence="Published projects over observed projects, with its 95 % Wilson interval.",
    unit="fraction of projects",
    form="share",
    numerator="published projects",
    denominator="observed projects",
    dates="Both as known on the report's day.",
    caveat="Young cycles are low because papers take years; a row is marked while a project without a paper is within its time, and where so many candidates wait for a decision that the fraction may rise by more than a twentieth. To compare cycles, take the fraction at fixed age.",
    example="2 of 4 projects published: 50.0 %, interval 15.0 to 85.0 %.",
    rows="projects",
)

OBSERVED_HOURS = Indicator(
    key="observed_hours",
    name="Hours observed",
    sentence="Observing time of the delivered observation units of observed projects.",
    unit="hours",
    form="decimal",
    numerator="exposure of units delivered, in hours",
    denominator="",
    dates="As for projects observed; of each project the units delivered by the report's day.",
    caveat="As the registry gives it, without overheads. Projects of whose units it gives none are left out, and the figure says how many.",
    example="One project with delivered units of 1 h and 2 h and one still to come, another of unknown exposure: 3.0 hours, without 1 project.",
    rows="projects",
)

TIME_FRACTION = Indicator(
    key="published_time",
    name="Publication fraction by observing time",
    sentence="Observing time of published projects over that of observed projects, with a 95 % bootstrap interval.",
    unit="fraction of observing time",
    form="share",
    numerator="hours of published projects",
    denominator="hours of observed projects",
    dates="Both as known on the report's day.",
    caveat="A project counts whole, whichever of its units a paper used. The interval is the percentile interval of 1,000 draws of projects with replacement (seed 20111); of more than 500 projects, 500 bundles of them are drawn. Projects whose observing time is not known are left out. Of fewer than some 30 projects it is too narrow: in simulations it held the true share nine times of ten.",
    example="A published project of 3 h and an unpublished one of 1 h: 75.0 % of the time, while 50.0 % of the projects.",
    rows="projects",
)

PUBLISHED_WITHIN = Indicator(
    key="published_within",
    name="Published within so many years",
    sentence="Of observed projects old enough, those whose first refereed paper appeared within so many years after the first delivery, with its 95 % Wilson interval.",
    unit="fraction of projects",
    form="share",
    numerator="projects whose first paper had appeared by that anniversary of their first delivery",
    denominator="observed projects whose anniversary was on or before the complete-through date",
    dates="From the first delivery (the first release where no delivery is known) in calendar years; a paper appears with the earlier of its first preprint and its journal's issue, on the 15th where only the month is known. The complete-through date is the last day up to which all sources were harvested without a hole; without one, the report's day.",
    caveat="Each cycle is measured at the same age, so cycles compare. Projects that are not that old yet are in neither part, and the cell is marked while there are any; while they are the most it is empty, as those delivered first are no sample. A published project of whose papers no date is known counts as not within.",
    example="Three projects delivered on 2017-05-01, with first papers on 2021-05-01, on 2021-05-02 and never, and one delivered last year: within four years 1 of 3, marked as incomplete.",
    rows="projects",
)

PUBLISHED_WITHIN_TIME = Indicator(
    key="published_within_time",
    name="Observing time published within so many years",
    sentence="Of the observing time of projects old enough, that of projects whose first refereed paper appeared within so many years after the first delivery, with a 95 % bootstrap interval.",
    unit="fraction of observing time",
    form="share",
    numerator="hours of projects published by that anniversary",
    denominator="hours of observed projects whose anniversary was on or before the complete-through date",
    dates="As for projects published within so many years.",
    caveat="As for projects published within so many years; the interval as for the publication fraction by observing time.",
    example="A project of 3 h published after two years, one of 1 h after six: within four years 75.0 % of the time.",
    rows="projects",
)

PAST_END = Indicator(
    key="past_proprietary_end",
    name="Projects two years past the proprietary period",
    sentence="Observed projects whose last proprietary period ended at least two years before the complete-through date.",
    unit="projects",
    numerator="observed projects with a last release date that long ago",
    denominator="",
    dates="The last usable release date of the project's units, past or to come, plus two calendar years.",
    caveat="Projects without a usable release date are not counted; the table says how many.",
    example="Last release 2024-11-22, all sources harvested up to 2026-11-22: counted. Last release a day later: not yet.",
    rows="projects",
)

UNPUBLISHED = Indicator(
    key="unpublished_fraction",
    name="Unpublished fraction at fixed age",
    sentence="Of the projects two years past their proprietary period, those without a refereed paper by then, with its 95 % Wilson interval.",
    unit="fraction of projects",
    form="share",
    numerator="projects without a refereed paper on the second anniversary of their last release date",
    denominator="projects two years past their proprietary period",
    dates="As for projects two years past the proprietary period; a paper appears with the earlier of its first preprint and its journal's issue.",
    caveat="A paper that appeared later changes nothing: every project is measured at the same age. Silent projects differ: those have no paper today.",
    example="Two projects released on 2018-05-01; one has a paper of 2019, the other one of 2021: 1 of 2 unpublished at that age.",
    rows="projects",
)

UNPUBLISHED_TIME = Indicator(
    key="unpublished_time",
    name="Unpublished fraction at fixed age by observing time",
    sentence="Of the observing time of projects two years past their proprietary period, that of projects without a refereed paper by then, with a 95 % bootstrap interval.",
    unit="fraction of observing time",
    form="share",
    numerator="hours of projects without a refereed paper on the second anniversary of their last release date",
    denominator="hours of projects two years past their proprietary period",
    dates="As for the unpublished fraction at fixed age.",
    caveat="The interval as for the publication fraction by observing time.",
    example="Of those two, the one published in time was observed for 3 h, the other for 1 h: 25.0 % unpublished at that age.",
    rows="projects",
)

VALUES_COMPARED = Indicator(
    key="values_compared",
    name="Values compared",
    sentence="Values of a facet (grades, bands, kinds) with enough projects to be compared.",
    unit="values",
    numerator="values with ten projects or more that are old enough",
    denominator="",
    dates="As for projects published within so many years.",
    caveat="Projects with several values, or none, are left out. The number leads to the projects compared.",
    example="20 projects of grade A and 20 of grade B, all old enough, and 9 of grade C: 2.",
    rows="projects",
)

DIFFERENCE = Indicator(
    key="difference_p",
    name="p of the difference",
    sentence="Probability that chance makes the values of a facet differ at least so much in the fraction published within four years, if within each cycle they did not differ.",
    unit="probability",
    form="probability",
    numerator="",
    denominator="",
    dates="As for projects published within so many years.",
    caveat="Cochran, Mantel and Haenszel's test of general association, stratified by cycle, without continuity correction: a value used in early cycles only is not compared with late ones. It does not tell what is a cause. None where a value is expected to have fewer than five projects on either side.",
    example="In one cycle 10 of 20 projects of grade A and 5 of 20 of grade B within four years: χ² = 2.60, p = 0.107.",
    rows="projects",
)

DIFFERENCE_ADJUSTED = Indicator(
    key="difference_p_adjusted",
    name="p of the difference, adjusted",
    sentence="That probability adjusted for the number of facets compared (Holm). Below 0.05 the values are called different.",
    unit="probability",
    form="probability",
    numerator="",
    denominator="",
    dates="As for the p of the difference.",
    caveat="No difference shown is not shown to be no difference: few projects can hardly show one.",
    example="Two facets compared, with p 0.02 and 0.30: adjusted 0.04 and 0.30.",
    rows="projects",
)

INDICATORS = (
    OBSERVED,
    PUBLISHED,
    SILENT,
    WITHIN_TIME,
    FRACTION,
    OBSERVED_HOURS,
    TIME_FRACTION,
    PUBLISHED_WITHIN,
    PUBLISHED_WITHIN_TIME,
    VALUES_COMPARED,
    DIFFERENCE,
    DIFFERENCE_ADJUSTED,
    PAST_END,
    UNPUBLISHED,
    UNPUBLISHED_TIME,
)
