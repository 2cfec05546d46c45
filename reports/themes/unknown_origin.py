"""Why the origin of some papers' data is not known: what a library or a project list could add to settle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matching.authorship import AuthorList, DataUse, Doubt, Overlap, team_overlap
from reports.definitions.papers import UNKNOWN_BECAUSE
from reports.document import Column, Table
from reports.facts.counted import Counted, staff_of
from reports.themes.paper_groups import PaperGroup, count, everything, rows_of

REASONS: Mapping[Doubt, str] = {
    Doubt.NO_TEAM_KNOWN: "The project list names nobody of a project",
    Doubt.ONLY_PI_KNOWN: "Only a project's PI is known, who is no author",
    Doubt.NAME_ALIKE: "An author's name is like one of the team, and does not settle it",
    Doubt.LIST_CUT: "The list of authors is cut, or names only a group",
    Doubt.NO_AUTHORS: "No source names the authors",
}


def unknown_origin(counted: Counted) -> tuple[Table, ...]:
    """Return a table of the papers of unknown origin by what is missing; none where there is no such paper."""
    papers = [i for i in sorted(counted.refereed) if counted.data_use[i] is DataUse.UNDETERMINED]
    return (_by_reason(counted, papers),) if papers else ()


def _by_reason(counted: Counted, papers: Sequence[int]) -> Table:
    projects = counted.facts.projects
    teams = {j: staff_of(projects[j]).team for j in sorted({j for i in papers for j in counted.projects_of[i]})}
    found: dict[Doubt, list[int]] = {doubt: [] for doubt in REASONS}
    for i in papers:
        authors = AuthorList(counted.facts.papers[i].authors)
        met = [team_overlap(authors, teams[j], is_proposed=projects[j].is_pi_project) for j in counted.projects_of[i]]
        for doubt in {one.doubt for one in met if one.overlap is Overlap.UNKNOWN and one.doubt is not None}:
            found[doubt].append(i)
    groups = [PaperGroup(doubt.value, name, tuple(found[doubt])) for doubt, name in REASONS.items()]
    return Table(
        key="unknown-origin",
        title="Why the origin of data is not known",
        rows_are="What is missing",
        columns=(Column("papers", "Papers", UNKNOWN_BECAUSE.key),),
        rows=rows_of((*groups, everything(papers)), lambda group: (count(UNKNOWN_BECAUSE, group.ids, group),)),
        says="These papers are in no share of archive data. A fuller project list, a whole list of authors or a full name settles them.",
    )
