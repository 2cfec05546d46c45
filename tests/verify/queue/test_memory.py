"""The desk's memory over random histories: what was refused is in the queue if and only if something newer speaks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from biblio.catalogue.actor import Actor
from biblio.catalogue.links import EvidenceFacts, Ruling, Suggestion, live_link, suggest
from biblio.runtime import Runtime
from biblio.store.models import Candidate, CandidateRevision, DeskItem, PaperMatch, PaperRevision
from biblio.store.words import Band, RelationKind, Verdict
from biblio.verify.queue.items import refresh
from biblio.verify.service import Dismissal, Today, dismiss, judge
from tests.conftest import NOW
from tests.verify.factories import add_paper, add_project, add_revision, add_text, add_user

CODES = ("2016.1.00001.S", "2016.1.00002.S")
PI, STRANGER = ("Oduya, Marit",), ("Nobody, N.",)

Fact = tuple[str, str]
"""Where a project's code is printed (place, code), or ("authors", code): its PI is an author."""

STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("version"),
            st.sets(st.tuples(st.sampled_from(["acknowledgement", "body"]), st.sampled_from(CODES)), max_size=3),
        ),
        st.tuples(st.just("authors"), st.booleans()),
        st.tuples(st.just("rules"), st.sets(st.sampled_from(["acknowledgement", "body", "authors"]), min_size=1)),
        st.tuples(st.just("reject"), st.sampled_from(CODES)),
        st.tuples(st.just("refuse"), st.sampled_from([RelationKind.MENTION, RelationKind.NOT_OURS])),
    ),
    min_size=3,
    max_size=9,
)


@dataclass
class History:
    """One paper and, beside the store, a plain account of what people saw and what there is."""

    session: Session
    today: Today
    vera: Actor
    paper: int
    projects: dict[str, int]
    rules: set[str] = field(default_factory=lambda: {"acknowledgement", "body", "authors"})
    printed: set[Fact] = field(default_factory=set)
    has_pi: bool = False
    known: set[Fact] = field(default_factory=set)
    """All that any text or record has said so far and was matched."""
    told: dict[str, set[str]] = field(default_factory=dict)
    """The evidence of each project as it was matched last."""
    judged: dict[str, tuple[set[str], set[Fact], bool]] = field(default_factory=dict)
    """What each judgement of a pair had seen: the evidence, all that was known, and whether the PI was an author."""
    refused: tuple[dict[str, set[str]], set[Fact], bool] | None = None
    relation: RelationKind | None = None
    again: set[str] = field(default_factory=set)

    def match(self, at: datetime) -> None:
        """Propose what today's rules make of the text and the record in force, and put the queue in step."""
        said = {(place, code) for place, code in self.printed if place in self.rules}
        if self.has_pi and "authors" in self.rules:
            said |= {("authors", code) for code in CODES}
        now = {code: {place for place, of in said if of == code} for code in CODES}
        suggestions = [
            Suggestion(self.projects[code], 0.8, Band.LIKELY, tuple(_evidence(code, place) for place in sorted(places)))
            for code, places in now.items()
            if places
        ]
        suggest(self.session, paper_id=self.paper, suggestions=suggestions, rules_digest=str(self.rules), now=at)
        self.session.merge(PaperMatch(paper_id=self.paper, digest="x", matched_at=at))
        refresh(self.session, self.today.profile, [self.paper], today=at.date())
        for code, places in now.items():
            seen = self.judged.get(code) or self._refusal(code)
            if seen and any(place not in seen[0] and self._is_news(place, code, seen) for place in places):
                self.again.add(code)
        self.told = now
        self.known |= self.printed

    def _refusal(self, code: str) -> tuple[set[str], set[Fact], bool] | None:
        return (self.refused[0].get(code, set()), self.refused[1], self.refused[2]) if self.refused else None

    def _is_news(self, place: str, code: str, seen: tuple[set[str], set[Fact], bool]) -> bool:
        return not seen[2] if place == "authors" else (place, code) not in seen[1]

    def reject(self, code: str, at: datetime) -> None:
        """Reject one proposed project."""
        if not self.told.get(code):
            return
        project = self.projects[code]
        live = live_link(self.session, self.paper, project)
        judge(
            self.session,
            self.vera,
            Ruling(
                self.paper,
                project,
                Verdict.REJECT,
                live.version if live else 0,
                candidate_revision_id=_revision(self.session, self.paper, project),
            ),
            Today(self.today.profile, at),
        )
        self.judged[code] = (set(self.told[code]), set(self.known), self.has_pi)
        self.again.discard(code)

    def refuse(self, relation: RelationKind, at: datetime) -> None:
        """Say of the whole paper that it uses none of the data."""
        said = dismiss(self.session, self.vera, Dismissal(self.paper, relation, ""), Today(self.today.profile, at))
        if not said and relation is self.relation:
            return  # the same once more, with nothing to decide: no new judgement
        self.relation = relation
        for code, places in self.told.items():
            if places and (code not in self.judged or code in self.again):
                self.judged[code] = (set(places), set(self.known), self.has_pi)
                self.again.discard(code)
        self.refused = (
            {code: set(places) for code, places in self.told.items()}, set(self.known), self.has_pi
        )  # fmt: skip

    def waits(self) -> bool:
        """Whether the paper should be in the queue: something nobody has judged, or that is to be looked at again."""
        open_pairs = {c for c, places in self.told.items() if places and c not in self.judged and not self.refused}
        return bool(open_pairs | {c for c in self.again if self.told.get(c)})


def _evidence(code: str, place: str) -> EvidenceFacts:
    if place == "authors":
        return EvidenceFacts("pi", "1", 3.0, "The PI is an author.", stands_in="authors")
    return EvidenceFacts("code", code, 5.0, "It is printed.", quote=code, part="main.tex", stands_in=place)


def _revision(session: Session, paper: int, project: int) -> int | None:
    return session.exec(
        select(CandidateRevision.id)
        .join(Candidate, col(Candidate.id) == col(CandidateRevision.candidate_id))
        .where(
            col(Candidate.paper_id) == paper,
            col(Candidate.project_id) == project,
            col(CandidateRevision.superseded_at).is_(None),
        )
    ).first()


def _with_authors(session: Session, paper: int, authors: tuple[str, ...], at: datetime) -> None:
    before = session.exec(
        select(PaperRevision).where(col(PaperRevision.paper_id) == paper, col(PaperRevision.superseded_at).is_(None))
    ).one()
    before.superseded_at = at
    session.add(before)
    session.flush()
    add_revision(session, paper, authors=authors, title=before.title, abstract=before.abstract, learned_at=at)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_was_refused_waits_only_where_something_newer_speaks_for_it(
    sqlite_runtime: Runtime, steps: list[tuple[str, object]]
) -> None:
    """New versions, new authors, other rules, rejections and refusals in any order: the queue is as the account says."""
    with sqlite_runtime.store.writing() as session:
        mark = len(session.exec(select(PaperRevision.id)).all())
        projects = {code: add_project(session, f"{code[:6]}.{mark:05}.{n}.S") for n, code in enumerate(CODES)}
        history = History(
            session,
            Today(sqlite_runtime.profile, NOW),
            add_user(session, f"vera{mark}"),
            add_paper(session, authors=STRANGER),
            projects,
        )
        history.match(NOW)
        for hour, (kind, value) in enumerate(steps, start=1):
            at = NOW + timedelta(hours=hour)
            if kind == "version":
                history.printed = set(value)  # type: ignore[call-overload]
                add_text(session, history.paper, sorted(history.printed), read_at=at)
            elif kind == "authors" and value is not history.has_pi:
                history.has_pi = bool(value)
                _with_authors(session, history.paper, PI if value else STRANGER, at)
            elif kind == "rules":
                history.rules = set(value)  # type: ignore[call-overload]
            elif kind == "reject":
                history.reject(str(value), at)
            elif kind == "refuse":
                history.refuse(RelationKind(str(value)), at)
            history.match(at + timedelta(minutes=1))
            item = session.get(DeskItem, history.paper)
            assert (item is not None and item.is_shown) == history.waits(), (kind, value)
