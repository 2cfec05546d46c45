"""What is counted of papers: by year, by whose data, by journal, per project."""

from reports.definitions.model import Indicator

_PAPERS = "Refereed papers that are science with our data and have at least one accepted link"
_ACCEPTED = "Accepted by the end of the report's day"
_YEAR = "Year of the journal's issue; of the first preprint where the journal's is unknown"
_RUNNING = "Years after the day up to which the bibliography is complete can still grow, and are marked."
_ERRATA = "An erratum is no paper of its own, for the project it belongs to neither: what it corrects is counted, once."
_TEAM = (
    "The team is the PI and the co-Is whom the project list names today, and names are compared as people write them"
)
_WHOSE = "A project is the paper's own when any of its authors is the project's PI or a co-I"

PAPERS = Indicator(
    key="papers",
    name="Papers",
    sentence=f"{_PAPERS}.",
    unit="papers",
    numerator="such papers, preprint and article counted once",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Mentions, proceedings, theses and engineering papers are not counted. {_ERRATA} {_RUNNING}",
    example="One article with its preprint, linked to two projects: 1 paper.",
    rows="papers",
)

NOT_REFEREED = Indicator(
    key="papers_not_refereed",
    name="Papers not refereed",
    sentence="Papers that are science with our data and have an accepted link, but are not refereed: preprints, proceedings, theses.",
    unit="papers",
    numerator="such papers, preprint and article counted once",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="A preprint moves to the refereed papers once its article appears, so young years have more of them.",
    example="One article, one preprint of another work, one thesis: 2.",
    rows="papers",
)

ALL_PAPERS = Indicator(
    key="papers_all",
    name="Papers, refereed or not",
    sentence="Papers that are science with our data and have at least one accepted link.",
    unit="papers",
    numerator="such papers, preprint and article counted once",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="All other numbers of papers are of the refereed ones alone; errata are in none.",
    example="One article with its preprint, its erratum, one preprint of another work: 2.",
    rows="papers",
)

ERRATA = Indicator(
    key="errata",
    name="Errata",
    sentence="Errata that are science with our data and have an accepted link; they are counted as no paper.",
    unit="errata",
    numerator="errata, corrigenda and the like, as their records say what they are",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="They neither publish a project nor keep it off the silent list, their citations are in no sum, and no time to a first paper ends with them. What a record wrongly calls an erratum a librarian can correct on the paper's page.",
    example="One article and its erratum, both linked to one project: 1, beside 1 paper and 1 use of the project.",
    rows="papers",
)

PI_DATA = Indicator(
    key="papers_pi",
    name="Papers with PI data",
    sentence="Refereed papers all of whose projects are their authors' own.",
    unit="papers",
    numerator="papers of which every project's team shares a person with the authors",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Rule by programmes: {_WHOSE[0].lower()}{_WHOSE[1:]}. {_TEAM}.",
    example="A paper by Ahn on Ahn's project and on Berg's, of which Ahn is co-I: PI data.",
    rows="papers",
)

BOTH_DATA = Indicator(
    key="papers_pi_and_archive",
    name="Papers with PI and archive data",
    sentence="Refereed papers of whose projects some are their authors' own and others are not.",
    unit="papers",
    numerator="papers with a project whose team shares a person with the authors, and one whose team does not",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Rule by programmes: {_WHOSE[0].lower()}{_WHOSE[1:]}. {_TEAM}.",
    example="A paper by Ahn and Berg on Ahn's project and on Cole's: PI and archive data.",
    rows="papers",
)

ARCHIVE_DATA = Indicator(
    key="papers_archive",
    name="Papers with archive data",
    sentence="Refereed papers none of whose projects is their authors' own.",
    unit="papers",
    numerator="papers of which no project's team shares a person with the authors",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Rule by programmes. Science verification and other data that nobody proposed are everybody's: archive data. {_TEAM}.",
    example="A paper by Ahn on Cole's project: archive data.",
    rows="papers",
)

UNDETERMINED = Indicator(
    key="papers_undetermined",
    name="Papers of unknown origin",
    sentence="Refereed papers of which it is not known whether their projects are their authors' own.",
    unit="papers",
    numerator="papers that are in none of the three classes",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="No team or only the PI is known, the list of authors is cut, or names are alike without settling it. They are never counted as archive data, and are in no share.",
    example="A paper by Ahn on a project of which only the PI, Cole, is known: not known.",
    rows="papers",
)

UNKNOWN_BECAUSE = Indicator(
    key="papers_undetermined_because",
    name="Papers of unknown origin, by what is missing",
    sentence="Refereed papers of unknown origin that have a project of which it is not known, for that reason, whether an author was in its team.",
    unit="papers",
    numerator="such papers",
    denominator="",
    dates=f"{_ACCEPTED}.",
    caveat="A paper with several projects can have several reasons, so the rows can add up to more than all. Of a name that is alike and a list that is cut the name is told.",
    example='A paper by "Ahn, B." on projects of "Ahn, Bora" and of a PI without a team: once for a name, once for a team.',
    rows="papers",
)

ARCHIVE_SHARE = Indicator(
    key="archive_share",
    name="Share using archive data",
    sentence="Refereed papers with archive data, alone or beside PI data, over those whose class is known.",
    unit="fraction of papers",
    form="share",
    numerator="papers with archive data, or with PI and archive data",
    denominator="papers with PI data, archive data, or both",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="Papers of unknown origin are in neither number. A year of few papers moves by chance.",
    example="Six papers with PI data, one with both, twelve with archive data: 13 of 19, 68.4 %.",
    rows="papers",
)

ARCHIVAL_NONE = Indicator(
    key="archival_none",
    name="Papers of which nothing is archival",
    sentence="Refereed papers whose authors share a person with the team of every project they used.",
    unit="papers",
    numerator="papers without a project that is archival for them",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Rule of the space telescopes' archive: data are archival for a paper when no author was in the proposal's team. {_TEAM}.",
    example="A paper by Ahn on Ahn's project: none.",
    rows="papers",
)

ARCHIVAL_PART = Indicator(
    key="archival_part",
    name="Papers that are archival in part",
    sentence="Refereed papers for which some of the projects they used are archival, and others are not.",
    unit="papers",
    numerator="papers with projects of both sorts",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Rule of the space telescopes' archive: data are archival for a paper when no author was in the proposal's team. {_TEAM}.",
    example="A paper by Ahn on Ahn's project and on Cole's: part.",
    rows="papers",
)

ARCHIVAL_ALL = Indicator(
    key="archival_all",
    name="Papers that are archival as a whole",
    sentence="Refereed papers for which all of the projects they used are archival.",
    unit="papers",
    numerator="papers whose projects are all archival for them",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat=f"Rule of the space telescopes' archive: no author was in the proposal's team. {_TEAM}.",
    example="A paper by Ahn on Cole's project: all.",
    rows="papers",
)

ARCHIVAL_UNDETERMINED = Indicator(
    key="archival_undetermined",
    name="Papers whose archival share is unknown",
    sentence="Refereed papers of which it is not known whether the data were archival for them.",
    unit="papers",
    numerator="papers that are neither none, nor part, nor all",
    denominator="",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="The rule has this class of its own; such papers are in no share.",
    example="A paper by Ahn on a project of which only the PI, Cole, is known: not known.",
    rows="papers",
)

ARCHIVAL_SHARE = Indicator(
    key="archival_share",
    name="Share of archival papers",
    sentence="Refereed papers that are archival as a whole over those whose archival share is known.",
    unit="fraction of papers",
    form="share",
    numerator="papers that are archival as a whole",
    denominator="papers of which none, part or all is archival",
    dates=f"{_ACCEPTED}. {_YEAR}.",
    caveat="Those that are archival in part are in the denominator only, so this share is lower than that of papers using archive data.",
    example="Six papers of which nothing is archival, one in part, twelve as a whole: 12 of 19, 63.2 %.",
    rows="papers",
)

SHARE_OF_PAPERS = Indicator(
    key="share_of_papers",
    name="Share of papers",
    sentence="Refereed papers of the row over all refereed papers that are science with our data.",
    unit="fraction of papers",
    form="share",
    numerator="refereed papers of the row",
    denominator="all refereed papers",
    dates=f"{_ACCEPTED}.",
    caveat="Where a paper can stand in several rows, the shares add up to more than one.",
    example="Three of four papers in one journal: 75.0 %.",
    rows="papers",
)

PROJECTS_BY_PAPERS = Indicator(
    key="projects_by_papers",
    name="Projects by number of papers",
    sentence="Observed projects with so many refereed papers.",
    unit="projects",
    numerator="observed projects with that number of refereed papers",
    denominator="",
    dates=_ACCEPTED + ".",
    caveat="A paper that used three projects counts for each of them. Young projects have had less time.",
    example="Three observed projects with no, one and two papers: one in each row.",
    rows="projects",
)

SHARE_BY_PAPERS = Indicator(
    key="share_by_papers",
    name="Share of projects by number of papers",
    sentence="Observed projects with so many refereed papers over all observed projects.",
    unit="fraction of projects",
    form="share",
    numerator="observed projects with that number of refereed papers",
    denominator="observed projects",
    dates=_ACCEPTED + ".",
    caveat="Young projects have had less time.",
    example="Three observed projects with no, one and two papers: 33.3 % in each row.",
    rows="projects",
)

USES = Indicator(
    key="uses",
    name="Uses of projects",
    sentence="Pairs of an observed project and a refereed paper that used its data.",
    unit="uses",
    numerator="such pairs",
    denominator="",
    dates=_ACCEPTED + ".",
    caveat="A paper on three projects is three uses, so this is more than the number of papers.",
    example="One paper on two projects, and another on one of them: 3.",
    rows="projects",
)

PAPERS_PER_PROJECT = Indicator(
    key="papers_per_project",
    name="Papers per publishing project",
    sentence="Uses of observed projects by refereed papers over the observed projects that have one.",
    unit="papers per project",
    form="ratio",
    numerator="uses: pairs of an observed project and a refereed paper",
    denominator="observed projects with a refereed paper",
    dates=_ACCEPTED + ".",
    caveat="A paper that used three projects counts for each. Projects without a paper are not in it: see the re-use factor.",
    example="Three observed projects with no, one and two papers: 3 over 2, 1.50.",
    rows="projects",
)

MEDIAN_PER_PROJECT = Indicator(
    key="papers_per_project_median",
    name="Median papers per publishing project",
    sentence="The number of refereed papers that half of the observed projects with a paper reach.",
    unit="papers per project",
    form="decimal",
    numerator="",
    denominator="observed projects with a refereed paper",
    dates=_ACCEPTED + ".",
    caveat="The middle project, or the mean of the two in the middle.",
    example="Projects with one, two and nine papers: 2.0.",
    rows="projects",
)

REUSE = Indicator(
    key="reuse_factor",
    name="Re-use factor",
    sentence="Uses of observed projects by refereed papers over all observed projects: how often a project's data were used on average.",
    unit="uses per project",
    form="ratio",
    numerator="uses: pairs of an observed project and a refereed paper",
    denominator="observed projects",
    dates=_ACCEPTED + ".",
    caveat="By projects, where X-ray observatories count single observations; the proposers' own papers are uses too. Young cycles are low.",
    example="Three observed projects with no, one and two papers: 3 over 3, 1.00.",
    rows="projects",
)

PUBLISHED_TWICE = Indicator(
    key="published_twice",
    name="Published more than once",
    sentence="Observed projects with at least two refereed papers over all observed projects.",
    unit="fraction of projects",
    form="share",
    numerator="observed projects with two refereed papers or more",
    denominator="observed projects",
    dates=_ACCEPTED + ".",
    caveat="Young cycles are low.",
    example="Three observed projects with no, one and two papers: 1 of 3, 33.3 %.",
    rows="projects",
)

USED_BY_OTHERS = Indicator(
    key="used_by_others",
    name="Used by others",
    sentence="Observed projects whose data a refereed paper used none of whose authors was in the project's team, over all observed projects.",
    unit="fraction of projects",
    form="share",
    numerator="observed projects with a refereed paper for which their data were archival",
    denominator="observed projects",
    dates=_ACCEPTED + ".",
    caveat=f"Papers of which that is not known do not count. {_TEAM}.",
    example="Two observed projects, both with a paper by their PI, one also with a paper by strangers: 1 of 2, 50.0 %.",
    rows="projects",
)

MULTI_FACILITY = Indicator(
    key="multi_facility",
    name="Papers that used another observatory",
    sentence="Refereed papers that are science with our data and, as bibliographies know them, with another observatory's.",
    unit="papers",
    numerator="papers in the bibliography of the other observatory too",
    denominator="",
    dates=f"{_ACCEPTED}; other bibliographies as known on that day.",
    caveat="Only what other bibliographies tell is known: a paper of which they say nothing may have used others all the same.",
    example="Three papers, one of them also in two others' bibliographies: 1 in each of their rows, and 1 with another.",
    rows="papers",
)

INDICATORS = (
    PAPERS,
    PI_DATA,
    BOTH_DATA,
    ARCHIVE_DATA,
    UNDETERMINED,
    UNKNOWN_BECAUSE,
    ARCHIVE_SHARE,
    ARCHIVAL_NONE,
    ARCHIVAL_PART,
    ARCHIVAL_ALL,
    ARCHIVAL_UNDETERMINED,
    ARCHIVAL_SHARE,
    NOT_REFEREED,
    ALL_PAPERS,
    ERRATA,
    SHARE_OF_PAPERS,
    PROJECTS_BY_PAPERS,
    SHARE_BY_PAPERS,
    USES,
    PAPERS_PER_PROJECT,
    MEDIAN_PER_PROJECT,
    REUSE,
    PUBLISHED_TWICE,
    USED_BY_OTHERS,
    MULTI_FACILITY,
)
