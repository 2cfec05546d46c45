"""Lets a small bibliography live, by chance, each act through its service.

Projects, harvests, decisions, second readings, merges, splits and corrections.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.corrections import correct
from biblio.catalogue.links import EvidenceFacts, Ruling, Suggestion, decide, live_link, relate, suggest, undo
from biblio.catalogue.merges import merge, undo_merge
from biblio.catalogue.papers import absorb_records
from biblio.catalogue.projects import record_projects
from biblio.catalogue.splits import split_off
from biblio.clock import FixedClock
from biblio.errors import BiblioError, RequestRefused
from biblio.runtime import Runtime
from biblio.store.models import Decision, Paper, PaperMerge, Project, SecondReading, SourceRecord
from biblio.store.words import Band, RelationKind, Role, Verdict
from biblio.verify.sharing.second_readings import View, call_off, end_changed, judge_second, put_to_readers, resume
from harvesters.records import HarvestedAuthor, HarvestedProject, HarvestedRecord, HarvestedUnit
from tests.factories import add_user

_NAMES = ("Ahn, Bora", "Berg, Lotte", "Cole, Dana", "Diaz, Eva")


class Life:
    """What happens to one bibliography, the same for the same seed; what is refused did not happen."""

    def __init__(self, runtime: Runtime, clock: FixedClock, seed: int) -> None:
        self._runtime, self._clock, self._dice = runtime, clock, Random(seed)
        with runtime.store.writing() as session:
            self._actor: Actor = add_user(session, "hiro", Role.HEAD_LIBRARIAN)
            self._second: Actor = add_user(session, "jo", Role.LIBRARIAN)
        self._acts = (
            self._project, *[self._harvest] * 3, *[self._accept] * 5, self._reject, self._undo, self._relate,
            self._merge, self._undo_merge, self._correct, self._propose, self._split, self._judge_second,
            *[self._call_off] * 2, *[self._resume] * 2,
        )  # fmt: skip

    def goes_on(self, acts: int) -> None:
        """Do so many things, some minutes or days after one another."""
        for _ in range(acts):
            self._clock.move(timedelta(minutes=self._dice.choice((7, 90, 2000))))
            try:
                with self._runtime.store.writing() as session:
                    self._dice.choice(self._acts)(session)
            except BiblioError:
                continue

    def _project(self, session: Session) -> None:
        """A project is new, or its registry says something else of it."""
        dice, number = self._dice, self._dice.randrange(1, 7)
        delivered = date(2017, 1, 1) + timedelta(days=dice.randrange(3000))
        units = tuple(
            HarvestedUnit(
                f"uid://A001/X{number}/X{n}", delivered, delivered + timedelta(days=365), exposure_s=float(n * 1800)
            )
            for n in range(1, dice.randrange(2, 4))
        )
        one = HarvestedProject(
            source="test",
            code=f"201{dice.choice('567')}.1.{number:05d}.S",
            title=f"Title {dice.randrange(3)}",
            pi=dice.choice(_NAMES),
            co_is=tuple(dice.sample(_NAMES, 2)),
            category=dice.choice(("Discs", "Galaxies", None)),
            partner=dice.choice(("EU", "NA", "EA", None)),
            state=dice.choice(("Completed", "Observing", None)),
            units=units,
        )
        record_projects(session, [one], grammar=self._runtime.grammar, now=self._clock.now())

    def _harvest(self, session: Session) -> None:
        """A source tells of a paper, new or known, preprint or article; a DOI may join it with another one's."""
        dice, number = self._dice, self._dice.randrange(1, 9)
        is_article = dice.random() < 0.6
        record = HarvestedRecord(
            source=dice.choice(("ads", "arxiv")),
            key=f"key-{number}-{is_article}",
            title=f"Rings {number}",
            authors=tuple(HarvestedAuthor(name, dice.choice(("ESO, Garching, Germany", None))) for name in _NAMES[:2]),
            doi=f"10.9999/rings.{number}" if dice.random() < 0.7 else None,
            arxiv_id=f"1{number}01.0000{number}" if not is_article or dice.random() < 0.3 else None,
            bibcode=f"201{number}ApJ...{number:03d}....1A" if is_article else None,
            kind="article" if is_article else "eprint",
            is_refereed=is_article,
            journal="ApJ" if is_article else None,
            year=2015 + number,
            published_on=date(2015 + number, dice.randrange(1, 13), 1) if is_article else None,
            published_precision="month" if is_article else None,
            submitted_on=date(2015 + number, 1, dice.randrange(1, 28)) if not is_article else None,
            citation_count=dice.randrange(40),
        )
        absorb_records(session, [record], payload_sha256=None, now=self._clock.now())

    def _pair(self, session: Session) -> tuple[int, int]:
        papers = session.exec(select(Paper.id).where(col(Paper.merged_into_id).is_(None)).order_by(col(Paper.id))).all()
        projects = session.exec(select(Project.id).order_by(col(Project.id))).all()
        if not papers or not projects:
            raise RequestRefused("nothing is there yet")
        return int(self._dice.choice(papers) or 0), int(self._dice.choice(projects) or 0)

    def _judge(self, session: Session, verdict: Verdict) -> None:
        paper, project = self._pair(session)
        link = live_link(session, paper, project)
        kinds = (RelationKind.SCIENCE, RelationKind.SCIENCE, RelationKind.MENTION)
        relation = self._dice.choice(kinds) if verdict is Verdict.ACCEPT else None
        ruling = Ruling(paper, project, verdict, version_seen=link.version if link else 0, relation=relation)
        made = decide(session, self._actor, ruling, now=self._clock.now())
        end_changed(session, self._actor, [made], self._clock.now())
        put_to_readers(session, self._actor, [made], 0.3, self._dice.random)

    def _accept(self, session: Session) -> None:
        self._judge(session, Verdict.ACCEPT)

    def _reject(self, session: Session) -> None:
        self._judge(session, Verdict.REJECT)

    def _undo(self, session: Session) -> None:
        made = session.exec(select(Decision.id).order_by(col(Decision.id))).all()
        if made:
            back = undo(session, self._actor, int(self._dice.choice(made) or 0), now=self._clock.now())
            end_changed(session, self._actor, [back], self._clock.now())

    def _relate(self, session: Session) -> None:
        paper, _ = self._pair(session)
        kind = self._dice.choice((RelationKind.SCIENCE, RelationKind.MENTION))
        relate(session, self._actor, paper_id=paper, relation=kind, now=self._clock.now())

    def _merge(self, session: Session) -> None:
        kept, merged = self._pair(session)[0], self._pair(session)[0]
        merge(session, self._actor, kept_id=kept, merged_id=merged, reason="", now=self._clock.now())

    def _undo_merge(self, session: Session) -> None:
        made = session.exec(select(PaperMerge.id).order_by(col(PaperMerge.id))).all()
        if made:
            undo_merge(session, self._actor, int(self._dice.choice(made) or 0), now=self._clock.now())

    def _split(self, session: Session) -> None:
        live = col(SourceRecord.superseded_at).is_(None)
        made = session.exec(select(SourceRecord.id).where(live).order_by(col(SourceRecord.id))).all()
        if made:
            split_off(session, self._actor, int(self._dice.choice(made) or 0), now=self._clock.now())

    def _reading(self, session: Session, *, is_open: bool) -> int:
        ended = col(SecondReading.ended_at)
        which = ended.is_(None) if is_open else ended.is_not(None)
        found = session.exec(select(SecondReading.id).where(which).order_by(col(SecondReading.id))).all()
        return int(self._dice.choice(found) or 0) if found else 0

    def _judge_second(self, session: Session) -> None:
        verdict = self._dice.choice((Verdict.ACCEPT, Verdict.REJECT))
        view = View(verdict, RelationKind.SCIENCE if verdict is Verdict.ACCEPT else None)
        judge_second(session, self._second, self._reading(session, is_open=True), view, now=self._clock.now())

    def _call_off(self, session: Session) -> None:
        call_off(session, self._actor, self._reading(session, is_open=True), now=self._clock.now())

    def _resume(self, session: Session) -> None:
        resume(session, self._actor, self._reading(session, is_open=False), now=self._clock.now())

    def _correct(self, session: Session) -> None:
        paper, _ = self._pair(session)
        name, value = self._dice.choice((("title", "Corrected"), ("year", 2019), ("is_refereed", True)))
        correct(session, self._actor, paper, name, value, now=self._clock.now())

    def _propose(self, session: Session) -> None:
        paper, project = self._pair(session)
        evidence = EvidenceFacts(kind="pi", value="1", contribution=2.0, sentence="The PI is author 1 of 2.")
        suggested = Suggestion(project, 0.9, self._dice.choice((Band.LIKELY, Band.CERTAIN)), (evidence,))
        suggest(session, paper_id=paper, suggestions=[suggested], rules_digest="test", now=self._clock.now())
