"""What is said of the time from data to a first publication."""

from reports.definitions.model import Indicator

_BEGINS = "Time runs from the first delivery of data to the PI; where no delivery is known, from the first release date, counted as such and never moved back by a proprietary period."
_ENDS = "A paper appears with its first preprint or its journal's issue, whichever is earlier (an issue of which only the month is known: the 15th; only the year: 1 July, unless a preprint of that year or before says better). Projects are watched until the day through which all sources of papers were harvested: a later paper is no publication yet."

SHARE_AFTER = Indicator(
    key="share_published_after",
    name="Share published by then",
    sentence="Estimated share of observed projects that had a first refereed paper so many years after their data (Kaplan–Meier), with its pointwise 95 % interval (log-log).",
    unit="fraction of projects",
    form="share",
    numerator="projects whose first refereed paper had appeared by then",
    denominator="all projects of the row, each for as long as it was watched",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="The share is no quotient of its rows: projects too young to be judged leave the denominator when they were last watched. So it takes for granted that what was begun lately will be published like what was begun earlier. A paper that waits for a decision is none yet, so a backlog at the desk makes young cycles look slow. Nobody without a paper was watched beyond the last value. At 0 and 100 % there is no interval.",
    example="Four projects: papers after 1 and 3 years, two without a paper, watched for 2 and 4 years. By year 1: 1 of 4 = 25 %. By year 3, of the two still watched one more published: 1 - 3/4 × 1/2 = 62.5 %.",
    rows="projects",
)

STILL_WAITING = Indicator(
    key="still_waiting",
    name="At risk",
    sentence="Projects that had been watched for so long and had no refereed paper before.",
    unit="projects",
    numerator="projects without a paper before that time that were watched at least until then",
    denominator="",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="Where few are left, the curve moves in large steps and says little.",
    example="Papers after 1 and 3 years, two without a paper, watched for 2 and 4 years. At risk at year 2: 3.",
    rows="projects",
)

CURVE_SHARE = Indicator(
    key="curve_share",
    name="Point of a curve: share published",
    sentence="Estimated share published by the time of the point, which holds until the next one (Kaplan–Meier), with its pointwise 95 % interval (log-log).",
    unit="fraction of projects",
    form="share",
    numerator="projects of the curve whose first refereed paper had appeared by then",
    denominator="all projects of the curve, each for as long as it was watched",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="As for the share published by then. The projects behind a point are those that first published since the point before; a curve's projects stand behind its whole years.",
    example="Papers after 1 and 3 years, two projects without one, watched for 2 and 4 years: 25 % from 1 year on, 62.5 % from 3 years on.",
    rows="",
)

CURVE_WAITING = Indicator(
    key="curve_waiting",
    name="Point of a curve: at risk",
    sentence="Projects watched until a point of the curve that had no refereed paper before it.",
    unit="projects",
    numerator="projects without a paper before the point that were watched at least until then",
    denominator="",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="A project that published at the point itself was still at risk.",
    example="Papers after 1 and 3 years, two projects without one, watched for 2 and 4 years: 4 at 1 year, 3 at 2 years, 2 at 3 years.",
    rows="",
)

CURVE_EVENTS = Indicator(
    key="curve_events",
    name="Point of a curve: first papers",
    sentence="Projects whose first refereed paper appeared after the point of the curve before this one, and not after this one.",
    unit="projects",
    numerator="projects whose first paper appeared in between",
    denominator="",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="All of a curve's add up to the projects that published while they were watched.",
    example="Points at 0, 1 and 3 years, papers after 1 and 3 years: 0, 1 and 1.",
    rows="projects",
)

YEARS_ALL = Indicator(
    key="years_all",
    name="Time to publish, of all projects",
    sentence="Years after which a given share of all observed projects had a first refereed paper, estimated with those still without one (Kaplan–Meier), with a 95 % interval.",
    unit="years",
    form="years",
    numerator="first time at which the estimated share reached the given one",
    denominator="all projects of the row, each for as long as it was watched",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="A share that has not published yet, and may never, has no time: it is not reached. The interval ends where the curve's pointwise band crosses the share; an end that is not reached is open.",
    example="Four projects: papers after 1 and 3 years, two without a paper, watched for 2 and 4 years. 25 % at 1.00 yr, 50 % at 3.00 yr, 80 %: not reached.",
    rows="projects",
)

YEARS_PUBLISHED = Indicator(
    key="years_published",
    name="Time to publish, of those that did",
    sentence="Years after which a given share of those projects that have published had their first refereed paper, with a 95 % interval.",
    unit="years",
    form="years",
    numerator="first time by which the given share of them had published",
    denominator="projects that published while they were watched",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="Projects without a paper are left out, so 100 % is always reached, and the slow projects of recent years, which have not published yet, are missing: it looks faster than it is. Some observatories publish this number; the one over all projects answers what to expect of a project.",
    example="Four projects: papers after 1 and 3 years, two without a paper. Over those that published: 50 % at 1.00 yr, 80 % at 3.00 yr.",
    rows="projects",
)

TIMED = Indicator(
    key="timed",
    name="Projects timed",
    sentence="Observed projects of which the time to a first refereed paper, or the time watched without one, is known.",
    unit="projects",
    numerator="observed projects with a day from which their time runs, less those published whose papers have no date",
    denominator="",
    dates=f"{_BEGINS} {_ENDS}",
    caveat="Published while watched and still without a paper add up to it.",
    example="Three projects: one published, one not, one delivered after the last day watched. Timed: 2.",
    rows="projects",
)

TIMED_PUBLISHED = Indicator(
    key="timed_published",
    name="Published while watched",
    sentence="Timed projects whose first refereed paper appeared by the last day watched.",
    unit="projects",
    numerator="timed projects with such a paper",
    denominator="",
    dates=_ENDS,
    caveat="Fewer than the projects published where a first paper appeared after the last day watched, or has no date.",
    example="Papers on the last day watched and on the day after: 1.",
    rows="projects",
)

TIMED_WAITING = Indicator(
    key="timed_waiting",
    name="Without a paper when last watched",
    sentence="Timed projects without a refereed paper by the last day watched.",
    unit="projects",
    numerator="timed projects without such a paper",
    denominator="",
    dates=_ENDS,
    caveat="A project whose first paper appeared after the last day watched is still among them.",
    example="No paper at all, and a paper on the day after the last day watched: 2.",
    rows="projects",
)

FROM_RELEASE = Indicator(
    key="from_release",
    name="Counted from a release date",
    sentence="Timed projects of which no delivery is known, so that their time runs from a release date instead.",
    unit="projects",
    numerator="timed projects whose time runs from a release date for want of a delivery",
    denominator="",
    dates="The release date stands as it is: no proprietary period is taken off.",
    caveat="Release mostly comes a proprietary period after delivery, so their times are too short by about so much.",
    example="No delivery known, released 2018-05-01, first paper 2019-05-01: 1 project, 1.00 yr.",
    rows="projects",
)

COUNTED_AS_ZERO = Indicator(
    key="counted_as_zero",
    name="Published before the start, counted as 0",
    sentence="Timed projects whose first refereed paper appeared before the day from which their time runs; their time counts as 0.",
    unit="projects",
    numerator="timed projects with a negative time",
    denominator="",
    dates="As for projects timed.",
    caveat="Usual where time runs from the last delivery or the proprietary end. From the first delivery it happens where that is unknown, or where a date or a link is wrong.",
    example="First paper 2018-03-01, end of the proprietary period 2018-05-01: counted as 0.00 yr.",
    rows="projects",
)

UNDATED = Indicator(
    key="published_undated",
    name="Published without a date, left out",
    sentence="Published projects of which no refereed paper has a date; they are left out.",
    unit="projects",
    numerator="published projects whose papers have neither a preprint's nor an issue's date",
    denominator="",
    dates="As for projects timed.",
    caveat="Leaving them out makes publication look slower and rarer than it is.",
    example="One project whose only paper has no date: 1, and it is not timed.",
    rows="projects",
)

NOT_BEGUN = Indicator(
    key="not_begun",
    name="Not begun, left out",
    sentence="Observed projects whose time had not begun by the last day watched; they are left out.",
    unit="projects",
    numerator="observed projects without a delivery or usable release date by the last day watched",
    denominator="",
    dates="As for projects timed.",
    caveat="The younger the row's start (proprietary end), the more there are.",
    example="Watched until 2026-11-01, first delivery 2026-11-05: 1.",
    rows="projects",
)

LOG_RANK = Indicator(
    key="log_rank",
    name="Log-rank χ²",
    sentence="Log-rank test of whether a cycle's projects publish at the same pace as those of all earlier cycles together: χ² with one degree of freedom.",
    unit="χ²",
    form="decimal",
    numerator="square of the difference of observed and expected first papers",
    denominator="its variance if the pace were the same",
    dates="Times as for projects timed; each project counts for as long as it was watched.",
    caveat="It weighs all times alike; a cycle that is faster at first and slower later may show no difference.",
    example="The leukaemia trial of Freireich et al. (1963), 21 and 21 patients: 16.8.",
    rows="projects",
)

P_VALUE = Indicator(
    key="log_rank_p",
    name="p",
    sentence="Probability of a log-rank χ² at least so large if the cycle published at the same pace as all earlier ones, before adjusting for the number of comparisons.",
    unit="probability",
    form="probability",
    numerator="",
    denominator="",
    dates="As for the log-rank χ².",
    caveat="Of twenty cycles that do not differ one is below 0.05 by chance: judge by the adjusted one.",
    example="χ² = 3.84 with one degree of freedom: 0.050.",
    rows="projects",
)

P_ADJUSTED = Indicator(
    key="log_rank_p_adjusted",
    name="p, adjusted",
    sentence="The log-rank p adjusted for the number of cycles compared (Holm). Below 0.05 the cycle is called faster or slower.",
    unit="probability",
    form="probability",
    numerator="",
    denominator="",
    dates="As for the log-rank χ².",
    caveat="No difference shown is not shown to be no difference: small and young cycles can hardly show one. Differences may come from what was delivered, not from how people publish.",
    example="Three comparisons with p 0.01, 0.04 and 0.03: adjusted 0.03, 0.06 and 0.06.",
    rows="projects",
)

PACE = Indicator(
    key="pace",
    name="First papers, observed over expected",
    sentence="First papers of a cycle's projects over those expected had they published at the pace of the cycle and all earlier ones together.",
    unit="ratio",
    form="ratio",
    numerator="projects of the cycle that published while watched",
    denominator="first papers expected by the log-rank test",
    dates="As for the log-rank χ².",
    caveat="Above 1 is faster. It is no measure of how much faster, as the cycle itself is part of what is expected.",
    example="9 relapses where 19.25 were expected: 0.47.",
    rows="projects",
)

SHARE_DIFFERENCE = Indicator(
    key="share_difference",
    name="Published after 2 yr, less earlier cycles",
    sentence="Share of a cycle's projects published two years after their data, less that of all earlier cycles together (both Kaplan–Meier), with its 95 % interval (Greenwood).",
    unit="difference of fractions",
    form="share",
    numerator="",
    denominator="",
    dates="As for the share published by then.",
    caveat="Says by how much, and finds a cycle that was late and caught up, which the log-rank test can miss. The interval is not adjusted for the number of cycles; the words beside it are, by a test of the difference (Pearson's χ² where nobody left early) adjusted by Holm, below 0.05, and only of cycles that were watched for so long.",
    example="10 of 20 published after two years, and 15 of 20 of the earlier ones, all watched for longer: -25 %, interval -54 to 4 %.",
    rows="projects",
)

PUBLISHED_BESIDE_CLOSED = Indicator(
    key="published_beside_closed",
    name="Published by then",
    sentence="Estimated share of projects published by then, where being closed as a null result is another end (Aalen–Johansen), with its pointwise 95 % interval (log-log).",
    unit="fraction of projects",
    form="share",
    numerator="projects whose first refereed paper had appeared by then, before they were closed",
    denominator="all projects, each for as long as it was watched",
    dates=f"{_BEGINS} {_ENDS} A project is closed from the day on which we learned the registry's state.",
    caveat="Only the observatory's registry closes a project; what PIs answer to the questionnaire never does.",
    example="Four projects: a paper after 1 year, closed after 2, a paper after 3, watched without either for 4. Published by year 3: 1/4 + 2/4 × 1/2 = 50 %.",
    rows="projects",
)

CLOSED_BY = Indicator(
    key="closed_by",
    name="Closed by then",
    sentence="Estimated share of projects closed by the registry as a null result by then, before they published (Aalen–Johansen).",
    unit="fraction of projects",
    form="share",
    numerator="projects so closed by then",
    denominator="all projects, each for as long as it was watched",
    dates="A project is closed from the day on which we learned the registry's state.",
    caveat="With the share published it adds up to the share that came to an end.",
    example="Four projects: a paper after 1 year, closed after 2, a paper after 3, watched without either for 4. Closed by year 3: 3/4 × 1/3 = 25 %.",
    rows="projects",
)

PUBLISHED_IF_NONE_CLOSED = Indicator(
    key="published_if_none_closed",
    name="If none were closed",
    sentence="Share published by then had no project been closed: Kaplan–Meier with closed projects watched until they were closed.",
    unit="fraction of projects",
    form="share",
    numerator="as for the share published by then",
    denominator="as for the share published by then",
    dates="As for published by then.",
    caveat="It supposes that closed projects would have published like the others, which they would not: it stands here to show the difference.",
    example="Four projects: a paper after 1 year, closed after 2, a paper after 3, watched without either for 4. By year 3: 1 - 3/4 × 1/2 = 62.5 %.",
    rows="projects",
)

INDICATORS: tuple[Indicator, ...] = (
    SHARE_AFTER,
    STILL_WAITING,
    CURVE_SHARE,
    CURVE_WAITING,
    CURVE_EVENTS,
    YEARS_ALL,
    YEARS_PUBLISHED,
    TIMED,
    TIMED_PUBLISHED,
    TIMED_WAITING,
    FROM_RELEASE,
    COUNTED_AS_ZERO,
    UNDATED,
    NOT_BEGUN,
    LOG_RANK,
    P_VALUE,
    P_ADJUSTED,
    PACE,
    SHARE_DIFFERENCE,
    PUBLISHED_BESIDE_CLOSED,
    CLOSED_BY,
    PUBLISHED_IF_NONE_CLOSED,
)
