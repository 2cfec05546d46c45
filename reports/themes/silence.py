"""Theme: the backlog of silent projects, and what the PIs said in the campaigns that were released.

Answers come from ``biblio.store.answers``, which withholds small numbers. Nothing is worked out around it here: what it
does not give has no figure, and figures of answers carry no ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from biblio.clock import years_after
from biblio.store.answers import GROUPS, CampaignAnswers, Rate
from reports.definitions.answers import (
    ANSWERED,
    ANSWERS,
    ASKED,
    COMPLETED,
    PERSONS_RATE,
    RATE,
    SENT,
    SILENT_FOR,
    SILENT_HOURS,
    SILENT_SHARE,
)
from reports.definitions.projects import OBSERVED, SILENT
from reports.document import Chart, Column, Figure, Row, Table
from reports.facts.counted import BANDS, Counted, silent_from
from reports.themes.backlog import LARGE, silent_notes
from reports.themes.groups import Group, by_cycle, by_facet, facets_of
from reports.themes.intervals import wilson
from reports.themes.keys import key_of
from reports.themes.places import Pool

KEY = "silence"
NAME = "Silent projects"
QUESTION = "Which projects are silent, for how long, and what do their PIs say?"

AGES = (
    ("under-1", "Less than 1 year", 0),
    ("from-1", "1 to 2 years", 1),
    ("from-2", "2 to 5 years", 2),
    ("from-5", "5 to 10 years", 5),
    ("from-10", "10 years or more", 10),
)
"""Key, name and first year of each row of the backlog; calendar years, like the grace period."""

_YOUNGEST = AGES[0][0]
"""The age of projects that are still to become silent; the others grow as these get older, which needs no mark."""

_COLOURS = {"under-1": "#3D9BD6", "from-1": "#2F7FBC", "from-2": "#1A66A0", "from-5": "#0A4A7D", "from-10": "#062F52"}
"""The longer, the darker."""


def tables(counted: Counted) -> tuple[Table, ...]:
    """Return the backlog by age, by cycle and by partner, then the campaigns, their groups and their reasons."""
    backlog = _Backlog(counted)
    campaigns = counted.facts.answers
    answers = (_campaigns(campaigns),) if campaigns else ()
    if any(one.by_reason for one in campaigns):
        answers = (*answers, _groups(campaigns), _reasons(campaigns))
    divided = (table for table in (_by_cycle(backlog), _by_partner(backlog)) if table is not None)
    return (_by_age(backlog), *divided, *answers)


class _Backlog:
    """The silent projects by how long they have been silent."""

    def __init__(self, counted: Counted) -> None:
        self.counted = counted
        self.pool = Pool.of(counted, counted.observed)
        self.of_age: dict[str, set[int]] = {key: set() for key, _, _ in AGES}
        for i in counted.silent:
            self.of_age[self._age(i)].add(i)

    def _age(self, project: int) -> str:
        begins = silent_from(self.counted.facts.projects[project], self.counted.profile, self.counted.facts.as_of)
        assert begins is not None, "a silent project became so on a day"
        until = self.counted.watched_until
        return next(key for key, _, first in reversed(AGES) if years_after(begins, first) <= until)

    def hours(self, projects: Iterable[int]) -> Figure:
        """Return the observing time of these silent projects; without value where it is known of none of them."""
        pool = Pool.of(self.counted, projects)
        known = pool.rows(pool.with_time(pool.everything))
        unknown = len(pool.ids) - len(known)
        said = f"Without {unknown} project{'' if unknown == 1 else 's'} of unknown observing time." if unknown else ""
        value = None if unknown and not known else pool.hours(pool.everything)
        return Figure(SILENT_HOURS.key, value, known, note=said)

    def rows(self, groups: Iterable[Group], everything: str) -> tuple[Row, ...]:
        """Return a line for each group of observed projects, and one for all of them."""
        rows = [self._row(g.key, g.name, frozenset(self.pool.rows(g.places))) for g in groups]
        return (*rows, self._row("all", everything, self.counted.observed))

    def _row(self, key: str, name: str, observed: frozenset[int]) -> Row:
        """Return one group's line: observed, silent, share, and the silent by age."""
        silent = tuple(sorted(self.counted.silent & observed))
        grows = self.grows(observed)
        return Row(
            key,
            name,
            (
                _projects(OBSERVED.key, observed),
                Figure(SILENT.key, len(silent), silent, is_incomplete=grows),
                replace(_share(silent, observed), is_incomplete=grows),
                *(
                    _projects(SILENT_FOR.key, self.of_age[age] & observed, is_incomplete=grows and age == _YOUNGEST)
                    for age, _, _ in AGES
                ),
            ),
            backlog=self._waiting(silent, len(observed)),
        )

    def grows(self, observed: frozenset[int]) -> bool:
        """Whether any of these projects is still within its time, so that more of them may become silent."""
        return not observed <= self.counted.silent | self.counted.published

    def _waiting(self, silent: tuple[int, ...], observed: int) -> str:
        """Return what a row says of its silent projects that wait, where they are many beside the observed ones."""
        best = self.counted.undecided.best
        certain = sum(best.get(i) == BANDS[0] for i in silent)
        return (
            f"{certain} of them silent with a candidate that is certain and waits."
            if certain > LARGE * observed
            else ""
        )


def _projects(indicator: str, ids: Iterable[int], *, is_incomplete: bool = False) -> Figure:
    found = tuple(sorted(ids))
    return Figure(indicator, len(found), found, is_incomplete=is_incomplete)


def _share(silent: tuple[int, ...], observed: frozenset[int]) -> Figure:
    rest = tuple(sorted(observed.difference(silent)))
    interval = wilson(len(silent), len(observed))
    if interval is None:
        return Figure(SILENT_SHARE.key, None, numerator=0, denominator=0, note="Nothing was observed.")
    value = len(silent) / len(observed)
    return Figure(SILENT_SHARE.key, value, silent, rest, len(silent), len(observed), *interval)


def _by_age(backlog: _Backlog) -> Table:
    grows = backlog.grows(backlog.counted.observed)

    def row(key: str, name: str, silent: Iterable[int]) -> Row:
        young = grows and key in (_YOUNGEST, "all")
        hours = replace(backlog.hours(silent), is_incomplete=young)
        return Row(key, name, (_projects(SILENT_FOR.key, silent, is_incomplete=young), hours))

    rows = [row(key, name, backlog.of_age[key]) for key, name, _ in AGES]
    rows.append(row("all", "All silent projects", backlog.counted.silent))
    return Table(
        key="backlog",
        title="Silent projects by how long they have been silent",
        rows_are="Silent for",
        columns=(Column("projects", "Projects", SILENT_FOR.key), Column("hours", "Hours", SILENT_HOURS.key)),
        rows=tuple(rows),
        says="Silence begins when the grace period after the last release has ended without a paper.",
        notes=silent_notes(backlog.counted),
        charts=(
            Chart(
                "bars",
                "Silent projects by how long they have been silent",
                ("projects",),
                "Silent for",
                "Projects",
                without=("all",),
            ),
        ),
    )


_COLUMNS = (
    Column("observed", "Observed", OBSERVED.key),
    Column("silent", "Silent", SILENT.key),
    Column("share", "Share silent", SILENT_SHARE.key),
    *(Column(key, name, SILENT_FOR.key) for key, name, _ in AGES),
)


def _by_cycle(backlog: _Backlog) -> Table:
    return Table(
        key="by-cycle",
        title="Silent projects by cycle",
        rows_are="Cycle",
        columns=_COLUMNS,
        rows=backlog.rows(by_cycle(backlog.counted, backlog.pool), "All cycles"),
        says="Each number leads to its projects.",
        notes=silent_notes(backlog.counted),
        charts=(_stacked("Silent projects by cycle and how long they have been silent", "Cycle"),),
    )


def _by_partner(backlog: _Backlog) -> Table | None:
    facet = next(facet for facet in facets_of(backlog.counted.profile) if facet.key == "partner")
    divided = by_facet(backlog.counted, facet, backlog.pool)
    if divided is None:
        return None
    shared = (
        (f"{divided.shared} projects have several partners and count in the row of each.",) if divided.shared else ()
    )
    return Table(
        key="by-partner",
        title="Silent projects by partner",
        rows_are="Partner",
        columns=_COLUMNS,
        rows=backlog.rows(divided.groups, "All partners"),
        says="The partner is the one that the project list names.",
        charts=(_stacked("Silent projects by partner and how long they have been silent", "Partner"),),
        notes=(*shared, *silent_notes(backlog.counted)),
    )


def _stacked(title: str, x: str) -> Chart:
    return Chart("stacked", title, tuple(key for key, _, _ in AGES), x, "Projects", _COLOURS, without=("all",))


_SAYS_NOBODY = "Answers belong to nobody, so these figures lead to no rows and are not compared between reports."


def _campaigns(campaigns: tuple[CampaignAnswers, ...]) -> Table:
    return Table(
        key="campaigns",
        title="Campaigns of the questionnaire",
        rows_are="Campaign",
        columns=(
            Column("sent", "Sent", SENT.key),
            Column("completed", "Completed", COMPLETED.key),
            Column("rate", "Rate", RATE.key),
            Column("asked", "Persons", ASKED.key),
            Column("answered", "Answered", ANSWERED.key),
            Column("persons-rate", "Rate of persons", PERSONS_RATE.key),
        ),
        rows=tuple(_campaign(one) for one in campaigns),
        says=f"Questionnaires sent and completed, then persons asked and those who answered at least once. {_SAYS_NOBODY}",
        notes=tuple(note for one in campaigns if (note := _told(one))),
    )


def _campaign(one: CampaignAnswers) -> Row:
    whole = one.whole
    return Row(
        _column_key(one),
        one.name,
        (
            _number(SENT.key, whole.projects),
            _number(COMPLETED.key, whole.completed),
            _rate(RATE.key, whole.questionnaires),
            _number(ASKED.key, whole.persons),
            _number(ANSWERED.key, whole.persons_answered),
            _rate(PERSONS_RATE.key, whole.people),
        ),
    )


def _column_key(one: CampaignAnswers) -> str:
    return f"c{one.campaign_id}"


def _number(indicator: str, value: int | None) -> Figure:
    return Figure(indicator, value, note="Not known." if value is None else "")


def _rate(indicator: str, rate: Rate) -> Figure:
    said = "" if rate.share is not None else f"{rate.words[0].upper()}{rate.words[1:]}."
    return Figure(indicator, rate.share, numerator=rate.completed, denominator=rate.asked, note=said)


def _told(one: CampaignAnswers) -> str:
    """Return what must be known of a campaign before its figures are read; nothing where there is nothing."""
    said = []
    if one.is_past:
        said.append(f"taken over from {one.source}" if one.source else "taken over from earlier times")
    if one.incomplete:
        said.append(f"{one.incomplete} answers were left unfinished and are not counted")
    if one.lost or one.destroyed:
        said.append(f"{one.lost + one.destroyed} ballots could not be read or were destroyed unread")
    if not one.by_reason:
        said.append(_why_no_reasons(one))
    return f"{one.name}: {'; '.join(said)}." if said else ""


def _why_no_reasons(one: CampaignAnswers) -> str:
    if one.questionnaire is None:
        return "its wording cannot be read any more, so its reasons are not shown"
    if one.is_past:
        return f"its reasons were not taken over, or come from fewer than {one.minimum} persons"
    return f"reasons are not shown, because fewer than {one.minimum} persons answered"


def _groups(campaigns: tuple[CampaignAnswers, ...]) -> Table:
    shown = [one for one in campaigns if one.by_group]
    counts = [dict(one.by_group) for one in shown]
    rows = [Row(key, name, tuple(_answers(each, key) for each in counts)) for key, name in GROUPS.items()]
    return _side_by_side("groups", "Answers by group of reasons", "Group", shown, rows)


def _reasons(campaigns: tuple[CampaignAnswers, ...]) -> Table:
    """Campaigns that asked in other words have rows of their own: a reason is its number and its short name."""
    shown = [one for one in campaigns if one.by_reason]
    names: dict[str, str] = {}
    counts: list[dict[str, int]] = []
    for one in shown:
        reasons = {f"r{number}.{key_of(short)}": (f"{number}. {short}", n) for number, short, n in one.by_reason}
        counts.append({key: n for key, (_, n) in reasons.items()})
        for key, (name, _) in reasons.items():
            names.setdefault(key, name)
    rows = [Row(key, name, tuple(_answers(each, key) for each in counts)) for key, name in names.items()]
    return _side_by_side("reasons", "Answers by reason", "Reason", shown, rows)


def _answers(counts: dict[str, int], key: str) -> Figure | None:
    """Return one share of a campaign's answers; None where it did not ask so."""
    if key not in counts:
        return None
    total = sum(counts.values())
    return Figure(ANSWERS.key, counts[key] / total if total else None, numerator=counts[key], denominator=total)


def _side_by_side(key: str, title: str, rows_are: str, shown: list[CampaignAnswers], rows: list[Row]) -> Table:
    columns = tuple(Column(_column_key(one), one.name, ANSWERS.key) for one in shown)
    charts = tuple(
        Chart("bars", f"{title}, campaign {one.name}", (_column_key(one),), rows_are, "Share of answers")
        for one in shown[:1]
    )
    return Table(
        key=key,
        title=title,
        rows_are=rows_are,
        columns=columns,
        rows=tuple(rows),
        says=f"The newest campaign comes first. {_SAYS_NOBODY}",
        charts=charts,
    )
