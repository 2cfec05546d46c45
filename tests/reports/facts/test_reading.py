"""A report of a day in the past says what was known then, for ever: whatever was merged, decided, corrected or learned since."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.corrections import correct, withdraw_correction
from biblio.catalogue.links import EvidenceFacts, Ruling, Suggestion, decide, live_link, relate, suggest, undo
from biblio.catalogue.merges import merge, undo_merge
from biblio.catalogue.papers import absorb_records
from biblio.catalogue.projects import record_projects
from biblio.catalogue.splits import split_off
from biblio.runtime import Runtime
from biblio.store.models import (
    HarvestPage,
    JobRun,
    Paper,
    PaperAuthor,
    PaperMerge,
    PaperRevision,
    Payload,
    SecondReading,
    SourceRecord,
)
from biblio.store.words import Band, Outcome, RelationKind, Scheme, Trigger, Verdict
from harvesters.records import HarvestedProject, HarvestedUnit
from reports.building import build
from reports.facts.model import Facts, ReadAgain
from reports.facts.reading import read_facts
from reports.facts.reading_projects import OWN_FIELDS
from reports.snapshots.canonical import to_json
from tests.catalogue.records import article, preprint
from tests.factories import accept, add_candidate, add_paper, add_project, add_user

FIRST = date(2026, 1, 1)
LAST = date(2026, 11, 22)
CODES = ("2016.1.00001.S", "2016.1.00002.S", "2017.1.00003.S")


def at(day: date) -> datetime:
    """Noon of a day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def read(runtime: Runtime, day: date, today: date = LAST) -> Facts:
    """Read the facts of a day."""
    with runtime.store.reading() as session:
        return read_facts(session, runtime.profile, day, today=today)


class Story:
    """What happens to a small bibliography, a step a day; each step has what earlier ones made in ``made``."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.made: dict[str, Any] = {}

    def steps(self) -> list[Callable[[Session, datetime], None]]:
        """Return the steps in order."""
        return [
            self.begin, self.tell_projects, self.find_article, self.find_preprint, self.propose, self.judge_preprint,
            self.judge_article, self.join, self.correct_title, self.deliver_late, self.cite, self.part,
            self.take_back, self.call_it_mention, self.call_it_science, self.join_again, self.move_release,
            self.withdraw_title, self.find_other_record, self.split_it, self.read_twice, self.agree, self.reject,
        ]  # fmt: skip

    @property
    def actor(self) -> Actor:
        """Who decides."""
        actor: Actor = self.made["actor"]
        return actor

    def begin(self, session: Session, now: datetime) -> None:
        """Two people get a login."""
        self.made["actor"] = add_user(session)
        self.made["second"] = add_user(session, "ola")

    def _projects(self, session: Session, now: datetime, *told: HarvestedProject) -> None:
        record_projects(session, told, grammar=self.runtime.grammar, now=now)

    def tell_projects(self, session: Session, now: datetime) -> None:
        """The registry tells of three projects, one with two units released."""
        units = tuple(HarvestedUnit(uid=f"uid://A001/X{n}/X1", released_on=date(2018, n, 1)) for n in (1, 2))
        self._projects(
            session, now, *(HarvestedProject(source="tap", code=c, pi="Doe, Jane", co_is=("Roe, Richard",)) for c in CODES),
            HarvestedProject(source="tap", code=CODES[0], units=units),
        )  # fmt: skip
        self.made |= {code: number for number, code in enumerate(CODES, 1)}

    def find_article(self, session: Session, now: datetime) -> None:
        """ADS has the article, without its arXiv number."""
        record = article(arxiv_id=None)
        self.made["article"] = absorb_records(session, [record], payload_sha256=None, now=now)[0].paper_id

    def find_preprint(self, session: Session, now: datetime) -> None:
        """arXiv has the preprint, without the article's DOI."""
        self.made["preprint"] = absorb_records(session, [preprint()], payload_sha256=None, now=now)[0].paper_id

    def propose(self, session: Session, now: datetime) -> None:
        """The machine proposes two projects for the article, one of them for the preprint as well."""
        self._suggest(session, now, "article", {CODES[0]: Band.CERTAIN, CODES[2]: Band.LIKELY})
        self._suggest(session, now, "preprint", {CODES[0]: Band.LIKELY})

    def _suggest(self, session: Session, now: datetime, paper: str, bands: dict[str, Band]) -> None:
        reason = EvidenceFacts(kind="pi", value="1", contribution=2.0, sentence="The PI is author 1 of 2.")
        suggestions = [Suggestion(self.made[code], 0.9, band, (reason,)) for code, band in bands.items()]
        suggest(session, paper_id=self.made[paper], suggestions=suggestions, rules_digest="test", now=now)

    def _accept(self, session: Session, now: datetime, paper: str, code: str) -> int:
        return accept(session, self.actor, self.made[paper], self.made[code], now=now)

    def judge_preprint(self, session: Session, now: datetime) -> None:
        """The preprint is accepted for the first project."""
        self._accept(session, now, "preprint", CODES[0])

    def judge_article(self, session: Session, now: datetime) -> None:
        """The article is accepted for two."""
        self._accept(session, now, "article", CODES[0])
        self.made["decision"] = self._accept(session, now, "article", CODES[1])

    def join(self, session: Session, now: datetime) -> None:
        """The two are found to be one."""
        made = merge(
            session, self.actor, kept_id=self.made["article"], merged_id=self.made["preprint"], reason="one", now=now
        )
        self.made["merge"] = made.id

    def join_again(self, session: Session, now: datetime) -> None:
        """They are found to be one a second time."""
        self.join(session, now)

    def correct_title(self, session: Session, now: datetime) -> None:
        """A person corrects the title."""
        correct(session, self.actor, self.made["article"], "title", "Colder dust", now=now)

    def deliver_late(self, session: Session, now: datetime) -> None:
        """The registry tells of a delivery years ago, and of a category."""
        unit = HarvestedUnit(uid="uid://A001/X1/X1", delivered_on=date(2017, 1, 1), released_on=date(2018, 1, 1))
        self._projects(session, now, HarvestedProject(source="tap", code=CODES[0], units=(unit,), category="Discs"))

    def cite(self, session: Session, now: datetime) -> None:
        """ADS counts more citations."""
        absorb_records(session, [article(arxiv_id=None, citation_count=8)], payload_sha256=None, now=now)

    def part(self, session: Session, now: datetime) -> None:
        """The merge is taken back."""
        undo_merge(session, self.actor, self.made["merge"], now=now)

    def take_back(self, session: Session, now: datetime) -> None:
        """So is the second project of the article."""
        undo(session, self.actor, self.made["decision"], now=now)

    def call_it_mention(self, session: Session, now: datetime) -> None:
        """The article is found to mention the observatory only."""
        relate(session, self.actor, paper_id=self.made["article"], relation=RelationKind.MENTION, now=now)

    def call_it_science(self, session: Session, now: datetime) -> None:
        """And to be science after all."""
        relate(session, self.actor, paper_id=self.made["article"], relation=RelationKind.SCIENCE, now=now)

    def move_release(self, session: Session, now: datetime) -> None:
        """The registry moves a release date."""
        unit = HarvestedUnit(uid="uid://A001/X2/X1", released_on=date(2019, 6, 1))
        self._projects(session, now, HarvestedProject(source="tap", code=CODES[0], units=(unit,)))

    def withdraw_title(self, session: Session, now: datetime) -> None:
        """The correction is withdrawn."""
        withdraw_correction(session, self.actor, self.made["article"], "title", now=now)

    def find_other_record(self, session: Session, now: datetime) -> None:
        """A record of another paper comes under the article's DOI by mistake, with an arXiv number of its own."""
        wrong = preprint(key="2105.00009", arxiv_id="2105.00009", doi=article().doi)
        assert absorb_records(session, [wrong], payload_sha256=None, now=now)[0].paper_id == self.made["article"]

    def split_it(self, session: Session, now: datetime) -> None:
        """The record is split off again."""
        record = session.exec(
            select(SourceRecord.id).where(SourceRecord.key == "2105.00009", col(SourceRecord.superseded_at).is_(None))
        ).one()
        assert record is not None
        self.made["split"] = split_off(session, self.actor, record, now=now).merged_id

    def read_twice(self, session: Session, now: datetime) -> None:
        """A third project is accepted, and drawn for a second reader."""
        decision = self._accept(session, now, "article", CODES[2])
        session.add(
            SecondReading(
                paper_id=self.made["article"], project_id=self.made[CODES[2]], decision_id=decision,
                first_reader_id=self.actor.person_id(), drawn_at=now,
            )
        )  # fmt: skip

    def agree(self, session: Session, now: datetime) -> None:
        """Who agrees."""
        reading = session.exec(select(SecondReading)).one()
        reading.ended_at, reading.agrees, reading.verdict = now, True, Verdict.ACCEPT
        session.add(reading)

    def reject(self, session: Session, now: datetime) -> None:
        """The first project is rejected."""
        ruling = Ruling(self.made["article"], self.made[CODES[0]], Verdict.REJECT, version_seen=self._version(session))
        decide(session, self.actor, ruling, now=now)

    def _version(self, session: Session) -> int:
        link = live_link(session, self.made["article"], self.made[CODES[0]])
        assert link is not None
        return link.version


def told(story: Story) -> Iterator[tuple[str, date, Facts]]:
    """Tell a story; yield each step's name and day with the facts as they were read that evening."""
    for number, step in enumerate(story.steps()):
        day = FIRST + timedelta(days=number)
        with story.runtime.store.writing() as session:
            step(session, at(day))
        yield step.__name__, day, read(story.runtime, day, today=day)


def test_what_was_known_on_a_day_stays_so_for_ever(runtime: Runtime) -> None:
    """Facts read in the evening are those read of that day after all that followed, to the letter of the report."""
    evenings = list(told(Story(runtime)))
    for name, day, evening in evenings:
        now, then = map(_of_the_day, (read(runtime, day), evening))
        assert asdict(now) == asdict(then), name
        assert to_json(build(now, runtime.profile)) == to_json(build(then, runtime.profile)), name


def _of_the_day(facts: Facts) -> Facts:
    """Leave out what is told of today: when knowing began, and which papers a second reader has yet to judge."""
    return replace(facts, known_since=FIRST, bibliography=replace(facts.bibliography, read_again=ReadAgain()))


def test_each_day_knows_what_had_happened_by_then(runtime: Runtime) -> None:
    """A merge, an undo, a correction, late dates, a relation and a split show from their own day on, and not before."""
    story = Story(runtime)
    days = {name: day for name, day, _ in told(story)}
    article_id, preprint_id = story.made["article"], story.made["preprint"]

    def on(name: str) -> Facts:
        return read(runtime, days[name])

    def pairs(name: str) -> set[tuple[int, int]]:
        return {(link.paper_id, link.project_id) for link in on(name).links}

    assert not on("begin").projects
    assert len(on("tell_projects").projects) == 3
    assert pairs("judge_article") == {(preprint_id, 1), (article_id, 1), (article_id, 2)}
    assert pairs("join") == {(article_id, 1), (article_id, 2)}
    assert on("correct_title").papers[article_id].title == "Colder dust"
    assert set(on("correct_title").papers) == {article_id}
    assert on("cite").papers[article_id].citations == 8
    assert on("deliver_late").projects[1].units[0].delivered_on == date(2017, 1, 1)
    assert on("correct_title").projects[1].units[0].delivered_on is None
    assert pairs("part") == pairs("judge_article")
    assert pairs("take_back") == {(preprint_id, 1), (article_id, 1)}
    assert pairs("call_it_mention") == {(preprint_id, 1)}
    assert on("find_other_record").papers[article_id].identifiers["arxiv"] == "2105.00009"
    assert on("split_it").papers[article_id].identifiers["arxiv"] == "2101.00001"
    assert story.made["split"] not in on("split_it").papers


def test_an_identifier_that_left_with_a_split_was_the_whole_papers_before(runtime: Runtime) -> None:
    """Before the split the number that went along names the undivided paper; from then on it does not."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project = add_project(session, CODES[0], learned_at=at(FIRST))
        paper = absorb_records(session, [article(arxiv_id=None)], payload_sha256=None, now=at(FIRST))[0].paper_id
        wrong = preprint(arxiv_id="2105.00009", key="2105.00009", doi=article().doi)
        absorb_records(session, [wrong], payload_sha256=None, now=at(FIRST))
        accept(session, actor, paper, project, now=at(FIRST))
    later = FIRST + timedelta(days=9)
    with runtime.store.writing() as session:
        record = session.exec(select(SourceRecord.id).where(SourceRecord.key == "2105.00009")).one()
        split_off(session, actor, record or 0, now=at(later))
    assert read(runtime, FIRST).papers[paper].identifiers["arxiv"] == "2105.00009"
    assert "arxiv" not in read(runtime, later).papers[paper].identifiers


def test_a_merge_taken_back_at_once_is_no_split(runtime: Runtime) -> None:
    """Papers joined and parted in one moment keep their own identifiers on every day."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        project = add_project(session, CODES[0], learned_at=at(FIRST))
        one, other = (add_paper(session, identifiers={Scheme.DOI: f"10.9999/{n}"}, learned_at=at(FIRST)) for n in "ab")
        for paper in (one, other):
            accept(session, actor, paper, project, now=at(FIRST))
        later = at(FIRST + timedelta(days=5))
        session.add(PaperMerge(kept_id=one, merged_id=other, reason="", made_at=later, undone_at=later))
    assert {p.identifiers["doi"] for p in read(runtime, FIRST).papers.values()} == {"10.9999/a", "10.9999/b"}


def test_of_papers_that_became_one_the_later_verdict_and_relation_count(runtime: Runtime) -> None:
    """One row per survivor and project; what was rejected later is not accepted, and the group is named once."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        projects = [add_project(session, code, learned_at=at(FIRST)) for code in CODES[:2]]
        kept, merged = (add_paper(session, learned_at=at(FIRST), title=t) for t in ("Kept", "Merged"))
        accept(session, actor, kept, projects[0], now=at(FIRST))
        accept(session, actor, merged, projects[1], now=at(FIRST))
        decide(session, actor, Ruling(merged, projects[0], Verdict.REJECT, 0), now=at(FIRST) + timedelta(hours=1))
        session.add(PaperMerge(kept_id=kept, merged_id=merged, reason="", made_at=at(FIRST + timedelta(days=1))))
    before, after = read(runtime, FIRST), read(runtime, FIRST + timedelta(days=1))
    assert [(link.paper_id, link.project_id) for link in before.links] == [(kept, projects[0]), (merged, projects[1])]
    assert [(link.paper_id, link.project_id) for link in after.links] == [(kept, projects[1])]
    assert [paper.title for paper in after.papers.values()] == ["Kept"]


@pytest.mark.parametrize("is_large", [False, True])
def test_authors_come_in_printed_order_with_orcids_and_the_first_affiliation(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    """Whatever their names hold; however the rows were written; and on a connection of their own where there are many."""
    names = ['O\'Dea, "Ann"', "Ωmega, Ζ.", "a|b, c\\d", "Zeta, [Q]", *[f"Many{n}, A." for n in range(30)]]
    with runtime.store.writing() as session:
        actor = add_user(session)
        project, paper = add_project(session, CODES[0]), add_paper(session, authors=())
        accept(session, actor, paper, project)
        revision = session.exec(select(PaperRevision.id)).one() or 0
        order = list(enumerate(names, 1))
        Random(7).shuffle(order)
        for position, name in order:
            orcid = "0000-0002-1825-0097" if position == 2 else None
            place = f"Institute {position}" if position != 2 else None
            session.add(PaperAuthor(revision_id=revision, position=position, name=name, orcid=orcid, affiliation=place))
            session.flush()
    monkeypatch.setattr("reports.facts.reading_rows.MANY", 0 if is_large else 10**6)
    found = read(runtime, LAST).papers[paper]
    assert list(found.authors) == names
    assert (found.orcids[1], set(found.orcids)) == ("0000-0002-1825-0097", {"", "0000-0002-1825-0097"})
    assert found.first_affiliation == "Institute 1"


def test_facets_are_columns_of_the_project_list(runtime: Runtime) -> None:
    """A column that the profile divides by is read as text; what is empty is not there."""
    key = next(f.key for f in runtime.profile.facets if f.key not in OWN_FIELDS)
    with runtime.store.writing() as session:
        record_projects(
            session,
            [
                HarvestedProject(source="list", code=CODES[0], extra={key: "A", "other": "x"}),
                HarvestedProject(source="list", code=CODES[1], extra={key: ""}),
            ],
            grammar=runtime.grammar,
            now=at(FIRST),
        )
    by_code = {project.code: project.facets for project in read(runtime, LAST).projects.values()}
    assert by_code == {CODES[0]: {key: "A"}, CODES[1]: {}}


def test_the_order_of_writing_changes_nothing(sqlite_runtime: Runtime) -> None:
    """The same history written in another order, under other numbers, gives the same facts by code and DOI."""

    def written(shuffle: Random) -> dict[str, Any]:
        with sqlite_runtime.store.trying() as session:
            actor = add_user(session)
            codes, dois = list(CODES), [f"10.9999/{n}" for n in range(6)]
            shuffle.shuffle(codes)
            shuffle.shuffle(dois)
            projects = {code: add_project(session, code) for code in codes}
            papers = {doi: add_paper(session, title=doi, identifiers={Scheme.DOI: doi}) for doi in dois}
            pairs = [(doi, CODES[n % 3]) for n, doi in enumerate(sorted(dois))]
            shuffle.shuffle(pairs)
            for doi, code in pairs:
                accept(session, actor, papers[doi], projects[code])
            facts = read_facts(session, sqlite_runtime.profile, LAST, today=LAST)
            return {
                "projects": sorted((p.code, p.pi, p.team) for p in facts.projects.values()),
                "papers": sorted((p.title, p.authors, tuple(p.identifiers.items())) for p in facts.papers.values()),
                "links": sorted(
                    (facts.papers[x.paper_id].title, facts.projects[x.project_id].code) for x in facts.links
                ),
            }

    first = written(Random(1))
    assert len(first["links"]) == 6
    assert all(written(Random(seed)) == first for seed in (2, 3))


def test_nothing_is_known_before_everything(runtime: Runtime) -> None:
    """A day before the first fact has no project, no paper and no hole, and can be made a report of."""
    list(told(Story(runtime)))
    empty = read(runtime, date(2000, 1, 1))
    assert (empty.projects, empty.papers, empty.links, empty.complete_through) == ({}, {}, (), None)
    assert empty.bibliography.undecided == {}
    assert build(empty, runtime.profile).as_of == date(2000, 1, 1)


def test_a_day_to_come_is_today(runtime: Runtime) -> None:
    """A report of a day to come is today's."""
    assert read(runtime, LAST + timedelta(days=400)).as_of == LAST


# -- the state of the bibliography ------------------------------------------------------------------------------------


def test_what_waits_is_what_waited_then(runtime: Runtime) -> None:
    """Candidates wait by band until somebody accepts or rejects them, or finds that the paper uses none of the data."""
    story = Story(runtime)
    days = {name: day for name, day, _ in told(story)}

    def waiting(name: str) -> tuple[dict[str, int], dict[str, tuple[int, ...]]]:
        state = read(runtime, days[name]).bibliography
        return dict(state.undecided), dict(state.undecided_papers)

    article_id, preprint_id = story.made["article"], story.made["preprint"]
    assert waiting("propose") == (
        {"certain": 1, "likely": 2},
        {"certain": (article_id,), "likely": (preprint_id,)},
    )
    assert waiting("judge_preprint") == ({"certain": 1, "likely": 1}, {"certain": (article_id,)})
    assert waiting("judge_article") == ({"likely": 1}, {"likely": (article_id,)})
    assert waiting("call_it_mention") == ({}, {})
    assert waiting("call_it_science") == ({"likely": 1}, {"likely": (article_id,)})
    assert waiting("read_twice") == ({}, {})


def test_pairs_that_wait_are_known_with_what_their_papers_are(runtime: Runtime) -> None:
    """As of the day: who waits on which project, whether the paper could count, and when it appeared."""
    story = Story(runtime)
    days = {name: day for name, day, _ in told(story)}
    article_id, preprint_id = story.made["article"], story.made["preprint"]
    first, third = (story.made[code] for code in (CODES[0], CODES[2]))
    state = read(runtime, days["propose"]).bibliography
    assert state.undecided_pairs == {
        "certain": ((article_id, first),),
        "likely": tuple(sorted([(article_id, third), (preprint_id, first)])),
    }
    found = state.undecided_facts
    assert {i: (one.is_refereed, one.year) for i, one in found.items()} == {
        article_id: (True, 2021),
        preprint_id: (False, 2021),
    }
    assert read(runtime, days["find_preprint"]).bibliography.undecided_pairs == {}
    assert read(runtime, days["call_it_mention"]).bibliography.undecided_facts == {}


def test_a_paper_called_engineering_waits_and_could_not_count(runtime: Runtime) -> None:
    """Its candidate waits for a decision, which would publish no project."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        paper, project = add_paper(session), add_project(session, CODES[0])
        add_candidate(session, paper, project)
        relate(session, actor, paper_id=paper, relation=RelationKind.ENGINEERING, now=at(FIRST))
    state = read(runtime, LAST).bibliography
    assert list(state.undecided_pairs.values()) == [((paper, project),)]
    assert state.undecided_facts == {}


def test_a_link_counts_again_with_the_next_that_is_accepted(runtime: Runtime) -> None:
    """Its paper's relation was taken back, so it counts not; what would come of accepting all that is certain knows of it."""
    with runtime.store.writing() as session:
        actor = add_user(session)
        paper, first, second = add_paper(session), add_project(session, CODES[0]), add_project(session, CODES[1])
        accept(session, actor, paper, first, now=at(FIRST))
        relate(session, actor, paper_id=paper, relation=None, now=at(FIRST + timedelta(days=1)))
        add_candidate(session, paper, second)
    before = read(runtime, LAST)
    assert before.links == ()
    assert list(before.bibliography.relinked_pairs.values()) == [((paper, first),)]
    with runtime.store.writing() as session:
        accept(session, actor, paper, second, now=at(LAST))
    after = read(runtime, LAST)
    assert [(link.paper_id, link.project_id) for link in after.links] == sorted([(paper, first), (paper, second)])
    assert after.bibliography.relinked_pairs == {}


def test_first_decisions_and_second_readings_are_counted_as_known_then(runtime: Runtime) -> None:
    """Days run from a paper's first appearance to its first decision; a reading counts when both have judged."""
    story = Story(runtime)
    days = {name: day for name, day, _ in told(story)}
    article_id, preprint_id = story.made["article"], story.made["preprint"]
    state = read(runtime, days["judge_article"]).bibliography
    assert state.decided_on == {article_id: days["judge_article"], preprint_id: days["judge_preprint"]}
    assert state.paper_to_decision_days == {
        article_id: (days["judge_article"] - date(2021, 3, 15)).days,
        preprint_id: (days["judge_preprint"] - date(2021, 1, 1)).days,
    }
    joined = read(runtime, days["deliver_late"]).bibliography
    assert joined.decided_on == {article_id: days["judge_preprint"]}
    twice, agreed = (read(runtime, days[name]).bibliography for name in ("read_twice", "agree"))
    assert (twice.second_readings, twice.agreed, twice.under_second_reading) == (0, 0, frozenset({article_id}))
    assert (agreed.second_readings, agreed.agreed, agreed.under_second_reading) == (1, 1, frozenset())


def test_papers_that_only_wait_have_names(runtime: Runtime) -> None:
    """What waits, or was decided and is no science with our data, is named like all other papers."""
    with runtime.store.writing() as session:
        add_user(session)
        waiting = add_paper(session, identifiers={Scheme.ARXIV: "2101.00009", Scheme.DOI: "10.9999/w"})
        nameless = Paper(first_seen_at=at(FIRST))
        session.add(nameless)
        session.flush()
        project = add_project(session, CODES[0])
        for paper in (waiting, nameless.id or 0):
            add_candidate(session, paper, project)
    names = read(runtime, LAST).bibliography.names
    assert names == {waiting: "10.9999/w", nameless.id: f"#{nameless.id}"}


@pytest.mark.parametrize("asked_on", [date(2026, 2, 1), date(2026, 3, 1)])
def test_coverage_is_complete_through_the_day_before_the_first_hole(runtime: Runtime, asked_on: date) -> None:
    """What was fetched after the report's day fills no hole of it; a service never asked lacks nothing."""
    since = date(runtime.profile.harvest.first_year, 1, 1)
    parts = {"parts": sorted(runtime.profile.harvest.arxiv_categories), "since": None}
    spans = [(since, date(2025, 12, 31), date(2026, 1, 2)), (date(2026, 1, 1), date(2026, 1, 20), asked_on)]
    with runtime.store.writing() as session:
        session.add(Payload(sha256="a" * 64, body=b"", size=0, first_seen_at=at(FIRST)))
        run = JobRun(
            job="harvest", started_by=Trigger.HAND, outcome=Outcome.SUCCEEDED, started_at=at(FIRST),
            lease_until=at(FIRST), version="1",
        )  # fmt: skip
        session.add(run)
        session.flush()
        for first, last, day in spans:
            session.add(
                HarvestPage(
                    job_run_id=run.id, source="arxiv", place=f"{first}", payload_sha256="a" * 64, content_type="x",
                    fetched_at=at(day), window_from=first, window_to=last, promised=5, records=5, asked_for=parts,
                )
            )  # fmt: skip
    early, late = read(runtime, date(2026, 2, 10)), read(runtime, date(2026, 3, 10))
    is_known = asked_on < date(2026, 2, 10)
    assert early.complete_through == (date(2026, 1, 20) if is_known else date(2025, 12, 31))
    assert late.complete_through == date(2026, 1, 20)
    hole = early.bibliography.holes[0]
    assert (hole.source, hole.first, hole.last) == (
        "arXiv", date(2026, 1, 21) if is_known else date(2026, 1, 1), date(2026, 2, 8),
    )  # fmt: skip
    assert read(runtime, date(2026, 1, 1)).complete_through is None
