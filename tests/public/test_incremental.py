"""The index kept over a history of acts equals one made afresh, whatever the acts, whoever commits when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from random import Random

import pytest
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.corrections import correct
from biblio.catalogue.links import Ruling, decide, live_link, relate, undo
from biblio.catalogue.merges import merge, undo_merge
from biblio.clock import FixedClock
from biblio.errors import BiblioError, NotReady
from biblio.public import changes, facts, index, keeping
from biblio.public.feature import feature as public
from biblio.public.keeping import IndexKeeper
from biblio.runtime import Runtime
from biblio.store.current import accepted_science, under_second_reading
from biblio.store.models import Decision, Paper, PaperIdentifier, PaperMerge, ProjectRevision, SecondReading
from biblio.store.words import RelationKind, Role, Scheme, Verdict
from biblio.web import create_app, start
from tests.factories import LEARNED, accept, add_paper, add_project
from tests.public.contents import contents
from tests.web.visitors import add_person

TITLES = ("Rings of a fictional disc", "Gas in H$_2$CO, resolved", "A dusty torus", "Çelik's star and Hα", "")
NAMES = ("Çelik, D.", "Berg, Lena", "Eriksen Collaboration", "Ewine van Test", "Ahn, B.")


class History:
    """A small store to which a seeded run of acts happens, one transaction each."""

    def __init__(self, runtime: Runtime, clock: FixedClock, seed: int) -> None:
        self.runtime, self.clock, self.chance = runtime, clock, Random(seed)
        self.people = [add_person(runtime, Role.LIBRARIAN), add_person(runtime, Role.HEAD_LIBRARIAN)]
        with runtime.store.writing() as session:
            self.projects = [add_project(session, f"{2013 + n}.1.0000{n}.S", title=f"Project {n}") for n in range(4)]
            self.papers = [self._paper(session) for _ in range(6)]

    def _paper(self, session: Session) -> int:
        names = self.chance.sample(NAMES, self.chance.randint(0, 3))
        title, year = self.chance.choice(TITLES), self.chance.choice((2015, 2019, 2020, None))
        return add_paper(session, title, authors=names, year=year)  # type: ignore[arg-type]

    def act(self) -> str:
        """Do one thing; an act that the house refuses changes nothing."""
        self.clock.move(timedelta(minutes=1))
        acts: tuple[Callable[[Session, Actor], None], ...] = (
            *(
                self._accept,
                self._accept,
                self._reject,
                self._undo,
                self._relate,
                self._withdraw,
                self._merge,
                self._part,
            ),
            *(self._correct, self._revise_project, self.draw, self.end_reading, self._add),
        )
        one = self.chance.choice(acts)
        try:
            with self.runtime.store.writing() as session:
                one(session, self.chance.choice(self.people))
        except BiblioError:
            pass
        return one.__name__

    def _accept(self, session: Session, person: Actor) -> None:
        self._decide(session, person, Verdict.ACCEPT, RelationKind.SCIENCE)

    def _reject(self, session: Session, person: Actor) -> None:
        self._decide(session, person, self.chance.choice((Verdict.REJECT, Verdict.UNSURE)), None)

    def _decide(self, session: Session, person: Actor, verdict: Verdict, relation: RelationKind | None) -> None:
        paper, project = self.chance.choice(self.papers), self.chance.choice(self.projects)
        live = live_link(session, paper, project)
        ruling = Ruling(paper, project, verdict, version_seen=live.version if live else 0, relation=relation)
        decide(session, person, ruling, now=self.clock.now())

    def _undo(self, session: Session, person: Actor) -> None:
        latest = session.exec(select(Decision.id).order_by(col(Decision.id).desc())).first()
        undo(session, person, latest or 0, now=self.clock.now())

    def _relate(self, session: Session, person: Actor) -> None:
        paper, relation = self.chance.choice(self.papers), self.chance.choice(list(RelationKind))
        relate(session, person, paper_id=paper, relation=relation, now=self.clock.now())

    def _withdraw(self, session: Session, person: Actor) -> None:
        relate(session, person, paper_id=self.chance.choice(self.papers), relation=None, now=self.clock.now())

    def _merge(self, session: Session, person: Actor) -> None:
        kept, merged = self.chance.sample(self.papers, 2)
        merge(session, person, kept_id=kept, merged_id=merged, reason="test", now=self.clock.now())

    def _part(self, session: Session, person: Actor) -> None:
        rows = session.exec(select(PaperMerge.id).where(col(PaperMerge.undone_at).is_(None))).all()
        undo_merge(session, person, self.chance.choice(rows) or 0 if rows else 0, now=self.clock.now())

    def _correct(self, session: Session, person: Actor) -> None:
        name, value = self.chance.choice((("title", "A corrected title"), ("year", 2021), ("abstract", "cold gas")))
        correct(session, person, self.chance.choice(self.papers), name, value, now=self.clock.now())

    def _revise_project(self, session: Session, _person: Actor) -> None:
        project = self.chance.choice(self.projects)
        before = session.exec(
            select(ProjectRevision).where(
                col(ProjectRevision.project_id) == project, col(ProjectRevision.superseded_at).is_(None)
            )
        ).one()
        before.superseded_at = self.clock.now()
        session.add(before)
        session.flush()
        title, category = f"Revised {self.chance.random():.3f}", self.chance.choice(("Sun", "Galaxies", None))
        session.add(
            ProjectRevision(project_id=project, source="test", learned_at=self.clock.now(), title=title, pi="Berg, L.",
                            category=category)
        )  # fmt: skip

    def draw(self, session: Session, _person: Actor) -> None:
        """Put the latest decision to a second reader."""
        decision = session.exec(select(Decision).order_by(col(Decision.id).desc())).first()
        if decision is not None and decision.id is not None:
            known = session.exec(select(SecondReading).where(col(SecondReading.decision_id) == decision.id)).first()
            if known is None:
                session.add(
                    SecondReading(paper_id=decision.paper_id, project_id=decision.project_id, decision_id=decision.id,
                                  first_reader_id=decision.actor_id, drawn_at=self.clock.now())
                )  # fmt: skip

    def end_reading(self, session: Session, _person: Actor) -> None:
        """Let a second reader have judged."""
        reading = session.exec(select(SecondReading).where(col(SecondReading.ended_at).is_(None))).first()
        if reading is not None:
            reading.ended_at = self.clock.now()
            session.add(reading)

    def _add(self, session: Session, person: Actor) -> None:
        self.papers.append(self._paper(session))
        accept(session, person, self.papers[-1], self.chance.choice(self.projects), now=self.clock.now())


def check(runtime: Runtime, keeper: IndexKeeper) -> None:
    """The kept index, a fresh one, and the definition in ``store.current`` agree."""
    with runtime.store.reading() as session:
        kept = keeper.current(session)
        assert contents(kept) == contents(IndexKeeper().current(session))
        listed = accepted_science()
        public = set(session.execute(select(listed.c.paper_id)).scalars())
        assert set(kept.revisions()) == public - under_second_reading(session)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_kept_index_equals_a_fresh_one(runtime: Runtime, clock: FixedClock, seed: int) -> None:
    """After every few of thirty random acts: papers, words, facets, counts, orders, projects."""
    history = History(runtime, clock, seed)
    keeper = IndexKeeper()
    check(runtime, keeper)
    done: list[str] = []
    for _ in range(14):
        done += [history.act(), history.act()]
        check(runtime, keeper)
    assert len(set(done)) > 7


def test_an_open_second_reading_hides_a_paper_at_once(runtime: Runtime, clock: FixedClock) -> None:
    """Drawn, the paper leaves the list; judged by both, it is back, with the row it had."""
    history = History(runtime, clock, 7)
    keeper = IndexKeeper()
    with runtime.store.writing() as session:
        accept(session, history.people[0], history.papers[0], history.projects[0])
    with runtime.store.reading() as session:
        assert history.papers[0] in keeper.current(session)
        rows = keeper.current(session).rows
    for act, is_there in ((history.draw, False), (history.end_reading, True)):
        with runtime.store.writing() as session:
            act(session, history.people[0])
        with runtime.store.reading() as session:
            assert (history.papers[0] in keeper.current(session)) is is_there
            assert keeper.current(session).rows == rows


def test_what_is_committed_late_is_seen(runtime: Runtime, clock: FixedClock) -> None:
    """Two write at once; the one who began first commits last, with the smaller numbers. Nothing of either is missed."""
    history = History(runtime, clock, 8)
    first, second, third, *_ = history.papers
    keeper = IndexKeeper()
    check(runtime, keeper)
    begun, may_end = threading.Event(), threading.Event()

    def write_slowly(paper: int, moment: threading.Event, end: threading.Event) -> threading.Thread:
        def write() -> None:
            with runtime.store.writing() as session:
                accept(session, history.people[0], paper, history.projects[0], now=clock.now())
                moment.set()
                end.wait(timeout=20)

        thread = threading.Thread(target=write)
        thread.start()
        moment.wait(timeout=20)
        return thread

    slow = write_slowly(first, begun, may_end)
    if runtime.store.is_sqlite:  # one writer at a time: the second can begin when the first has ended
        may_end.set()
        slow.join()
    with runtime.store.writing() as session:
        accept(session, history.people[1], second, history.projects[1], now=clock.now())
    with runtime.store.reading() as session:
        assert second in keeper.current(session)
        fresh = IndexKeeper()  # one that is made while the first still writes
        assert second in fresh.current(session)
    may_end.set()
    slow.join()
    for one in (keeper, fresh):
        check(runtime, one)
        with runtime.store.reading() as session:
            assert {first, second} <= set(one.current(session).revisions())
    with runtime.store.writing() as session:
        accept(session, history.people[1], third, history.projects[1], now=clock.now())
    for one in (keeper, fresh):
        check(runtime, one)


def test_nothing_is_read_again_when_nothing_changed(
    runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request costs two small statements; a decision has its own paper read, not the others."""
    history = History(runtime, clock, 9)
    keeper = IndexKeeper()
    with runtime.store.writing() as session:
        for paper in history.papers[:4]:
            accept(session, history.people[0], paper, history.projects[0])
    with runtime.store.reading() as session:
        keeper.current(session)
        keeper.current(session)
    read: list[set[int]] = []

    def noting(session: Session, ids: Iterable[int]) -> Iterable[facts.PaperFacts]:
        read.append(set(ids))
        return facts.read_papers(session, ids)

    monkeypatch.setattr(keeping, "read_papers", noting)
    with runtime.store.reading() as session:
        keeper.current(session)
    assert read == []
    with runtime.store.writing() as session:
        accept(session, history.people[0], history.papers[4], history.projects[1], now=clock.now())
    with runtime.store.reading() as session:
        keeper.current(session)
    assert read[-1] >= {history.papers[4]}
    if runtime.store.is_sqlite:
        assert read == [{history.papers[4]}]


def test_an_index_that_is_mostly_waste_is_made_anew(
    runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paper corrected over and over leaves rows behind; the new index has none of them and says the same."""
    monkeypatch.setattr(index, "_LEAST_WASTE", 5)
    history = History(runtime, clock, 10)
    keeper = IndexKeeper()
    for number in range(12):
        with runtime.store.writing() as session:
            if not number:
                accept(session, history.people[0], history.papers[0], history.projects[0])
            correct(session, history.people[0], history.papers[0], "title", f"Title {number}", now=clock.now())
            clock.move(timedelta(minutes=1))
        check(runtime, keeper)
    maker = keeper._maker
    if maker is not None:
        maker.join()
    check(runtime, keeper)
    with runtime.store.reading() as session:
        assert keeper.current(session).rows < 12


def test_a_start_that_takes_long_is_said(runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the first index is there requests are told to come back; then they get it."""
    History(runtime, clock, 11)
    may_go_on = threading.Event()
    whole = facts.accepted_papers
    monkeypatch.setattr(keeping, "accepted_papers", lambda session: (may_go_on.wait(20), whole(session))[1])
    keeper = IndexKeeper(wait_s=0.01)
    with runtime.store.reading() as session:
        with pytest.raises(NotReady, match="Try again"):
            keeper.current(session)
        may_go_on.set()
        maker = keeper._maker
        assert maker is not None
        maker.join()
        assert len(keeper.current(session)) == 0


def test_a_server_begins_the_index_when_it_starts(runtime: Runtime, clock: FixedClock) -> None:
    """The first reader does not wait for what could be begun before; a maker that a fork left behind is replaced."""
    history = History(runtime, clock, 13)
    with runtime.store.writing() as session:
        accept(session, history.people[0], history.papers[0], history.projects[0])
    app = create_app(runtime, features=[public])
    assert start(app) is app
    keeper: IndexKeeper = app.extensions["biblio_public_index"]
    maker = keeper._maker
    assert maker is not None
    maker.join()
    assert maker.made is not None
    maker.made = None
    assert maker.is_lost
    with runtime.store.reading() as session:
        assert set(keeper.current(session).revisions()) == {history.papers[0]}


def test_an_identifier_alone_is_a_change(runtime: Runtime, clock: FixedClock) -> None:
    """A bibcode learned later changes what files say, so programs that ask "changed since?" must be told."""
    history = History(runtime, clock, 12)
    with runtime.store.writing() as session:
        accept(session, history.people[0], history.papers[0], history.projects[0])
    keeper = IndexKeeper(clock)
    with runtime.store.reading() as session:
        before = keeper.current(session).changed_at
    clock.move(timedelta(hours=1))
    with runtime.store.writing() as session:
        assert session.get(Paper, history.papers[0]) is not None
        session.add(
            PaperIdentifier(paper_id=history.papers[0], scheme=Scheme.BIBCODE, value="2020JTest...1....1A",
                            source="test", learned_at=LEARNED)
        )  # fmt: skip
    with runtime.store.reading() as session:
        assert keeper.current(session).changed_at == clock.now() != before


def test_every_kind_of_change_names_its_table() -> None:
    """What is watched: if a table that the list rests on is added, it must be added here and to the histories above."""
    assert set(changes._KINDS) == {
        *("decision", "relation", "withdrawn", "revision", "merge", "identifier", "project"),
    }
