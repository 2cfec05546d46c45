"""What is counted of citations."""

from reports.definitions.model import Indicator

YOUNGEST = 1
"""Julian years since a paper appeared from which its citations are divided by its age; younger ones are left out."""

_COUNTS = "Citation counts as the bibliography knew them at the end of the report's day"
_UNKNOWN = "A paper without a count is not known and never counted as 0."

CITED = Indicator(
    key="citations_known",
    name="Papers with a citation count",
    sentence="Refereed papers that are science with our data, have an accepted link, and have a citation count.",
    unit="papers",
    numerator="such papers of which a source gives the citations",
    denominator="",
    dates=f"{_COUNTS}.",
    caveat="All other numbers of citations are of these papers alone.",
    example="Three papers, cited 9 times, 0 times, and without a count: 2.",
    rows="papers",
)

NOT_KNOWN = Indicator(
    key="citations_not_known",
    name="Papers without a citation count",
    sentence="Refereed papers that are science with our data and have an accepted link, of which no source gives the citations.",
    unit="papers",
    numerator="such papers without a count",
    denominator="",
    dates=f"{_COUNTS}.",
    caveat="They are in no other number of citations, not even as 0.",
    example="Three papers, cited 9 times, 0 times, and without a count: 1.",
    rows="papers",
)

TOTAL = Indicator(
    key="citations",
    name="Citations",
    sentence="Citations of the refereed papers that are science with our data, added up.",
    unit="citations",
    form="citations",
    numerator="citations of the papers that have a count",
    denominator="",
    dates=f"{_COUNTS}, of whatever year the citing papers are.",
    caveat=f"Older papers had more time to be cited. {_UNKNOWN}",
    example="Papers cited 9 and 0 times, and one without a count: 9 citations of two papers.",
    rows="papers",
)

MEAN = Indicator(
    key="citations_mean",
    name="Mean citations per paper",
    sentence="Citations over the papers that have a count.",
    unit="citations per paper",
    form="decimal",
    numerator="citations of the papers that have a count",
    denominator="papers that have a count",
    dates=f"{_COUNTS}.",
    caveat=f"A few papers that are cited very often carry the mean; the median says what is usual. {_UNKNOWN}",
    example="Papers cited 9, 3 and 0 times: 4.0.",
    rows="papers",
)

MEDIAN = Indicator(
    key="citations_median",
    name="Median citations per paper",
    sentence="The number of citations that half of the papers reach: the middle one, or the mean of the two in the middle.",
    unit="citations",
    form="decimal",
    numerator="",
    denominator="papers that have a count",
    dates=f"{_COUNTS}.",
    caveat=f"Papers of different age are mixed, except in the rows of single years. {_UNKNOWN}",
    example="Papers cited 9, 3, 2 and 0 times: 2.5.",
    rows="papers",
)

H_INDEX = Indicator(
    key="h_index",
    name="h-index",
    sentence="The largest number h such that h of the papers are cited at least h times each.",
    unit="papers",
    numerator="the h papers that are cited most",
    denominator="",
    dates=f"{_COUNTS}.",
    caveat=f"It grows with the number of papers and with time, and never falls: not for comparing groups of different size or age. {_UNKNOWN}",
    example="Papers cited 9, 3, 2 and 0 times: 2, because two papers are cited at least twice and no three at least three times.",
    rows="papers",
)

PER_YEAR = Indicator(
    key="citations_per_year",
    name="Citations per paper and year",
    sentence="Citations over the years that the papers have been out, added up: what a paper collects in one year.",
    unit="citations per paper and year",
    form="decimal",
    numerator="citations of the papers that have a count and have been out for a year or longer",
    denominator="Julian years (365.25 days) from when each of these papers first appeared to the report's day, added up",
    dates=f"{_COUNTS}. A paper appears with its first preprint or its journal's issue, whichever is earlier; of an issue known to the month on its 15th, to the year on 1 July.",
    caveat="Papers out for less than a year, and those of which no day is known, are left out. It is a ratio of sums, so a young paper does not weigh as much as an old one.",
    example="Two papers out for four years, cited 18 and 6 times, and one out for eight, cited 24 times: 48 citations in 16 years, 3.0 per paper and year.",
    rows="papers",
)

OF_PAPER = Indicator(
    key="citations_of_paper",
    name="Citations of the paper",
    sentence="How often one paper was cited.",
    unit="citations",
    form="citations",
    numerator="citations of the paper",
    denominator="",
    dates=f"{_COUNTS}.",
    caveat="Of papers cited equally often the earlier one in the bibliography stands first.",
    example="A paper of which ADS says that 9 papers cite it: 9.",
    rows="papers",
)

INDICATORS = (CITED, NOT_KNOWN, TOTAL, MEAN, MEDIAN, H_INDEX, PER_YEAR, OF_PAPER)
