"""What is counted of the data: how much was used at least once, and how much was used again by others."""

from reports.definitions.model import Indicator

DELIVERED_UNITS = Indicator(
    key="delivered_units",
    name="Observation units delivered",
    sentence="Observation units of observed projects whose data had been delivered.",
    unit="observation units",
    numerator="delivered units of observed projects",
    denominator="",
    dates="Delivery on or before the report's day, as known on that day; a unit without a delivery date counts once its data are released.",
    caveat="The number leads to the projects of these units.",
    example="One project with two delivered units and one still to come, another with one delivered unit: 3.",
    rows="projects",
)

UNITS_USED = Indicator(
    key="units_used",
    name="Units used at least once",
    sentence="Delivered units of published projects over delivered units of observed projects, with a 95 % bootstrap interval.",
    unit="fraction of observation units",
    form="share",
    numerator="delivered units of projects with a refereed paper",
    denominator="delivered units of observed projects",
    dates="Both as known on the report's day.",
    caveat="Papers are linked to projects, not to units: where a paper used some units of a project only, all of them count as used, so the true share is lower. The interval is the percentile interval of 1,000 draws of projects with replacement (seed 20111).",
    example="A published project with three delivered units and an unpublished one with one: 75.0 %.",
    rows="projects",
)

UNITS_WITHOUT_TIME = Indicator(
    key="units_without_time",
    name="Units of unknown observing time",
    sentence="Delivered units of observed projects of which the registry does not say how long they were observed.",
    unit="observation units",
    numerator="delivered units without an exposure",
    denominator="",
    dates="As for observation units delivered.",
    caveat="They are in no figure of hours, so hours and shares of time are of the other units.",
    example="Two delivered units, one of 2 h and one of unknown exposure: 1.",
    rows="projects",
)

RELEASED = Indicator(
    key="released_projects",
    name="Projects released",
    sentence="Observed projects of which data had become everyone's.",
    unit="projects",
    numerator="observed projects with a usable release date on or before the report's day",
    denominator="",
    dates="A project is of the year of its first release.",
    caveat='Release dates by which the registry says "not known" are none.',
    example="Released on 2018-05-01 and 2019-02-01: one project of 2018.",
    rows="projects",
)

RELEASED_HOURS = Indicator(
    key="released_hours",
    name="Hours released",
    sentence="Observing time of released projects.",
    unit="hours",
    form="decimal",
    numerator="exposure of delivered units of released projects, in hours",
    denominator="",
    dates="As for projects released.",
    caveat="As the registry gives it, without overheads. Projects of whose units it gives none are left out, and the figure says how many.",
    example="A released project with units of 1 h and 2 h: 3.0 hours.",
    rows="projects",
)

RELEASED_USED = Indicator(
    key="released_used",
    name="Released projects used at least once",
    sentence="Released projects with a refereed paper that is science with our data, by anybody, over released projects, with its 95 % Wilson interval.",
    unit="fraction of projects",
    form="share",
    numerator="released projects with a refereed paper",
    denominator="released projects",
    dates="Papers as decided by the end of the report's day.",
    caveat="Data released lately had little time to be used: years are marked while any of their projects was released less than four years before the complete-through date.",
    example="Two projects released in 2018, one of them published by its own team: 50.0 %.",
    rows="projects",
)

RELEASED_TIME_USED = Indicator(
    key="released_time_used",
    name="Released observing time used at least once",
    sentence="Observing time of released projects with a refereed paper over that of released projects, with a 95 % bootstrap interval.",
    unit="fraction of observing time",
    form="share",
    numerator="hours of released projects with a refereed paper",
    denominator="hours of released projects",
    dates="As for released projects used at least once.",
    caveat="As for released projects used at least once; a project counts whole. The interval is the percentile interval of 1,000 draws of projects with replacement (seed 20111).",
    example="Of those two the published one was observed for 3 h, the other for 1 h: 75.0 %.",
    rows="projects",
)

REUSED = Indicator(
    key="reused",
    name="Archive re-use",
    sentence="Released projects used by a refereed paper of people outside their team over released projects, with its 95 % Wilson interval.",
    unit="fraction of projects",
    form="share",
    numerator="released projects used by a paper none of whose authors is the project's PI or a co-I",
    denominator="released projects",
    dates="Papers as decided by the end of the report's day.",
    caveat="Asked project by project: a paper on its own data and on another team's re-uses the other's. Where names do not settle whether an author is of the team, or the registry lists no team or the PI only, it counts as not re-used. Data can be re-used for decades, so no year is ever complete; years are marked for their first four years.",
    example="Two projects by Ahn, released in 2018; a paper by Dorn used one, a paper by Ahn and Dorn the other: 1 of 2.",
    rows="projects",
)

REUSED_TIME = Indicator(
    key="reused_time",
    name="Archive re-use by observing time",
    sentence="Observing time of released projects used by a refereed paper of people outside their team over that of released projects, with a 95 % bootstrap interval.",
    unit="fraction of observing time",
    form="share",
    numerator="hours of released projects that others used",
    denominator="hours of released projects",
    dates="As for archive re-use.",
    caveat="As for archive re-use; the interval as for released observing time used at least once.",
    example="Of those two the one used by Dorn was observed for 1 h, the other for 3 h: 25.0 %.",
    rows="projects",
)

INDICATORS = (
    DELIVERED_UNITS,
    UNITS_USED,
    UNITS_WITHOUT_TIME,
    RELEASED,
    RELEASED_HOURS,
    RELEASED_USED,
    RELEASED_TIME_USED,
    REUSED,
    REUSED_TIME,
)
