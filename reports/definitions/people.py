"""What is counted of authors, and of partners and countries."""

from reports.definitions.model import Indicator

_ACCEPTED = "Links accepted by the end of the report's day"
_YEAR = "Year of the journal's issue; of the first preprint where the journal's is unknown"
_WHO = "A person is an ORCID where one is known, else a name"
_GROUPS = "A collaboration named as an author is no person."
_COUNTRY = "The country is read from the first author's affiliation, the first where there are several"
_TODAY = "Regions are today's members: what a country published before it joined counts for its region too"

NEW_FIRST_AUTHORS = Indicator(
    key="new_first_authors",
    name="New first authors",
    sentence="People whose first refereed paper with our data as its first author is of that year.",
    unit="people",
    numerator="first papers of first authors",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}; within a year the paper that appeared first.",
    caveat=f"{_WHO}: surname and first initial, so two people who share both count once, and one who changed the surname counts twice unless the ORCID tells. {_GROUPS}",
    example="Ahn is first author in 2018 and 2019, Berg in 2019: one new in 2018, one in 2019.",
    rows="papers",
)

AUTHORS_LEAST = Indicator(
    key="authors_least",
    name="Distinct authors, at least",
    sentence="People among the authors of the refereed papers, names with one surname and first initial taken as one person.",
    unit="people",
    numerator="distinct ORCIDs, and distinct surnames with first initial where no ORCID is known",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"{_WHO}. Too low where people share surname and initial, as common surnames do; the next column is too high, and the number of people lies between. {_GROUPS}",
    example='"Ahn, Bora", "Ahn, B." and "Ahn, Bo Ra": 1.',
    rows="papers",
)

AUTHORS_MOST = Indicator(
    key="authors_most",
    name="Distinct authors, at most",
    sentence="People among the authors of the refereed papers, every way of writing a name taken as a person of its own.",
    unit="people",
    numerator="distinct ORCIDs, and distinct names where no ORCID is known",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"{_WHO}; capitals, accents and signs make no difference. Too high where one person is written in several ways. {_GROUPS}",
    example='"Ahn, Bora", "Ahn, B." and "AHN, BORA": 2.',
    rows="papers",
)

AUTHORS_MEAN = Indicator(
    key="authors_per_paper_mean",
    name="Mean authors per paper",
    sentence="Authors printed on the refereed papers over the papers that print any.",
    unit="authors per paper",
    form="decimal",
    numerator="people in the lists of authors",
    denominator="papers of which the authors are known",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"A few papers by hundreds carry the mean; the median says what is usual. {_GROUPS}",
    example="Papers by one, two and nine people: 4.0.",
    rows="papers",
)

AUTHORS_MEDIAN = Indicator(
    key="authors_per_paper_median",
    name="Median authors per paper",
    sentence="The number of authors that half of the refereed papers reach.",
    unit="authors per paper",
    form="decimal",
    numerator="",
    denominator="papers of which the authors are known",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"The middle paper, or the mean of the two in the middle. {_GROUPS}",
    example="Papers by one, two and nine people: 2.0.",
    rows="papers",
)

EXECUTIVE_PAPERS = Indicator(
    key="executive_papers",
    name="Papers by executive",
    sentence="Refereed papers that used a project of that partner, whoever wrote them.",
    unit="papers",
    numerator="papers with an accepted project that the partner's executive gave its time to",
    denominator="",
    dates=f"{_ACCEPTED}.",
    caveat="By the project, not by the author: a paper on projects of two partners counts for both.",
    example="A paper on one project of Europe's and one of Chile's: 1 for each.",
    rows="papers",
)

EXECUTIVE_PAPERS_PARTS = Indicator(
    key="executive_papers_parts",
    name="Papers by executive, divided",
    sentence="Refereed papers that used a project of that partner, each divided equally among the projects it used.",
    unit="papers",
    form="decimal",
    numerator="for each paper the part of its projects that are the partner's, added up",
    denominator="",
    dates=f"{_ACCEPTED}.",
    caveat="By the project, not by the author. These parts add up to all papers.",
    example="A paper on two projects of Europe's and one of Chile's: 0.67 and 0.33 papers.",
    rows="papers",
)

EXECUTIVE_SHARE = Indicator(
    key="executive_share",
    name="Share by executive",
    sentence="Papers by executive, divided equally among the projects a paper used, over all refereed papers.",
    unit="fraction of papers",
    form="share",
    numerator="for each paper the part of its projects that are the partner's, added up",
    denominator="refereed papers",
    dates=f"{_ACCEPTED}.",
    caveat="Whose telescope time was used, not who wrote: compare with the share by first author.",
    example="A paper on one project of Europe's and one of Chile's, and one on Europe's: 1.5 of 2, 75.0 %.",
    rows="papers",
)

FIRST_AUTHOR_PAPERS = Indicator(
    key="first_author_papers",
    name="Papers by first author's country or region",
    sentence="Refereed papers whose first author's affiliation is in that country, or in a country of that region.",
    unit="papers",
    numerator="papers with such a first affiliation",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"{_COUNTRY}; where the text does not settle it the country is not known, never guessed. {_TODAY}.",
    example='"Caltech, Pasadena, CA 91125; Leiden Observatory": North America. "Department of Physics": not known.',
    rows="papers",
)

FIRST_AUTHOR_SHARE = Indicator(
    key="first_author_share",
    name="Share by first author's country or region",
    sentence="Refereed papers whose first author's affiliation is in that country or region, over all refereed papers.",
    unit="fraction of papers",
    form="share",
    numerator="papers with such a first affiliation",
    denominator="refereed papers",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"{_COUNTRY}. Papers of unknown country are in the denominator, in a row of their own. {_TODAY}.",
    example="Two of four papers from Europe, one of unknown country: 50.0 % and 25.0 %.",
    rows="papers",
)

INDICATORS = (
    NEW_FIRST_AUTHORS,
    AUTHORS_LEAST,
    AUTHORS_MOST,
    AUTHORS_MEAN,
    AUTHORS_MEDIAN,
    EXECUTIVE_PAPERS,
    EXECUTIVE_PAPERS_PARTS,
    EXECUTIVE_SHARE,
    FIRST_AUTHOR_PAPERS,
    FIRST_AUTHOR_SHARE,
)
