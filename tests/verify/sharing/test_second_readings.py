"""Second readings: drawn at random, judged blind by somebody else, agreement or a head librarian; and the races."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from random import Random

import pytest
from flask import Flask
from sqlmodel import col, select

from biblio.catalogue import audit
from biblio.catalogue.actor import Actor
from biblio.catalogue.audit_streams import Kind
from biblio.errors import NotAllowed, NotFound, RequestRefused, Stale
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.current import under_second_reading
from biblio.store.models import Decision, DeskItem, Escalation, Link, SecondReading, UserAccount
from biblio.store.words import RelationKind, Role, Verdict
from biblio.verify import service
from biblio.verify.lists.known import export_known
from biblio.verify.proposing.match import match
from biblio.verify.sharing import service as sharing
from biblio.verify.sharing.second_readings import UnderSecondReading, View, drawn, status
from tests.verify.factories import SEEN, add_mention, add_project
from tests.verify.shared_work import TITLE, Work, as_client, drawn_ruling, ruling, today, two_papers

AGREES = View(Verdict.ACCEPT, RelationKind.SCIENCE, "the code stands in the acknowledgements")
DISAGREES = View(Verdict.REJECT, RelationKind.MENTION, "another instrument’s data")


@pytest.fixture
def work(runtime: Runtime) -> Work:
    """Two papers that wait, and three people."""
    return two_papers(runtime)


def judge(runtime: Runtime, person: Actor, reading: int, view: View = AGREES) -> SecondReading:
    """Let somebody be the second reader."""
    with runtime.store.writing() as session:
        return sharing.judge_second(session, person, reading, view, today(runtime))


# -- drawing ------------------------------------------------------------------------------------------------------------


def a_decision(verdict: Verdict | None, undoes_id: int | None = None) -> Decision:
    """A decision that is not stored."""
    return Decision(paper_id=1, project_id=1, actor_id=1, made_at=SEEN, verdict=verdict, undoes_id=undoes_id)


def test_about_the_share_of_decisions_is_drawn_and_none_that_leaves_it_open() -> None:
    """Three in ten of 2000, give or take; of "unsure" and of undone ones none."""
    made = [a_decision(Verdict.ACCEPT) for _ in range(2000)]
    random = Random(11).random
    assert 520 < len(drawn(made, 0.3, random)) < 680
    assert drawn(made, 0.0, random) == []
    assert len(drawn(made, 1.0, random)) == 2000
    open_ones = [a_decision(Verdict.UNSURE), a_decision(None), a_decision(Verdict.ACCEPT, undoes_id=3)]
    assert drawn(open_ones, 1.0, random) == []


def test_a_decision_and_its_second_reading_are_stored_together_or_not_at_all(runtime: Runtime, work: Work) -> None:
    """What fails afterwards takes both back."""
    with pytest.raises(RuntimeError), runtime.store.writing() as session:
        service.judge(session, work.vera, ruling(session, work), today(runtime, 1.0))
        raise RuntimeError
    with runtime.store.reading() as session:
        assert session.exec(select(SecondReading)).all() == []
    _, reading = drawn_ruling(runtime, work)
    with runtime.store.reading() as session:
        row = session.get_one(SecondReading, reading)
        assert (row.paper_id, row.first_reader_id, row.ended_at) == (work.paper, work.vera.user_id, None)
        assert row.first_relation is RelationKind.SCIENCE
        assert session.exec(select(Link)).one().verdict is Verdict.ACCEPT  # the first verdict is in force
        assert under_second_reading(session) == {work.paper}


def test_nothing_is_drawn_where_nobody_else_could_read(runtime: Runtime, work: Work) -> None:
    """A paper must not stay hidden for want of a second librarian."""
    with runtime.store.writing() as session:
        for row in session.exec(select(UserAccount).where(col(UserAccount.id) != work.vera.user_id)):
            row.is_active = False
            session.add(row)
    with runtime.store.writing() as session:
        service.judge(session, work.vera, ruling(session, work), today(runtime, 1.0))
        assert session.exec(select(SecondReading)).all() == []


def test_each_rejected_project_of_a_dismissed_paper_can_be_drawn(runtime: Runtime, work: Work) -> None:
    """Saying of the whole paper that it is a mention decides about its projects."""
    with runtime.store.writing() as session:
        said = service.Dismissal(work.paper, RelationKind.MENTION, "in the introduction")
        service.dismiss(session, work.vera, said, today(runtime, 1.0))
    with runtime.store.reading() as session:
        assert session.exec(select(SecondReading)).one().first_relation is RelationKind.MENTION


# -- while it is open -----------------------------------------------------------------------------------------------------


def test_the_paper_leaves_the_queue_until_both_have_judged(runtime: Runtime, work: Work) -> None:
    """Also where another of its projects waits; that comes back afterwards."""
    with runtime.store.writing() as session:
        add_project(session, "2017.1.00002.S", targets=("Tamsin 9",))
        add_mention(session, work.paper, "2017.1.00002.S")
    run_job(runtime, match)
    _, reading = drawn_ruling(runtime, work, candidate_revision_id=None)
    with runtime.store.reading() as session:
        assert session.get(DeskItem, work.paper) is None
        assert service.is_left_to(session, work.vera, work.paper)  # the first reader may go on
        assert not service.is_left_to(session, work.hanna, work.paper)
    run_job(runtime, match)
    with runtime.store.reading() as session:
        assert session.get(DeskItem, work.paper) is None
    judge(runtime, work.hanna, reading)
    with runtime.store.reading() as session:
        assert session.get_one(DeskItem, work.paper).open_count == 1


def test_others_see_the_blind_page_and_the_first_reader_their_decision(
    runtime: Runtime, app: Flask, work: Work
) -> None:
    """The paper's own address gives the blind page to everybody but the first reader."""
    drawn_ruling(runtime, work, reason="seven-reasons")
    vera = as_client(app, runtime, work.vera).get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "seven-reasons" in vera
    assert "accepted" in vera
    for person in (work.hanna, work.ines):
        page = as_client(app, runtime, person).get(f"/desk/paper/{work.paper}").get_data(as_text=True)
        assert "Second reading." in page
        for word in ("seven-reasons", "Vera", "accepted 2016", "verdict-", "99.9 %", "band-certain", "checked"):
            assert word not in page, word
        for word in (TITLE, "2016.1.00001.S", "We thank everybody.", "is printed"):
            assert word in page, word


def test_the_first_reader_hands_nothing_over_meanwhile(runtime: Runtime, work: Work) -> None:
    """The note could tell the verdict to whoever is to judge blind."""
    drawn_ruling(runtime, work)
    with pytest.raises(RequestRefused, match="second reader"), runtime.store.writing() as session:
        sharing.hand_to_person(session, work.vera, work.paper, work.hanna.person_id(), "not ours", today(runtime))
    with pytest.raises(RequestRefused, match="second reader"), runtime.store.writing() as session:
        sharing.hand_to_library(session, work.vera, work.paper, "NAOJ", "not ours", today(runtime))


def test_nobody_else_decides_or_takes_back_while_it_is_open(runtime: Runtime, app: Flask, work: Work) -> None:
    """409 with the blind page; nothing is stored."""
    decision, _ = drawn_ruling(runtime, work, reason="seven-reasons")
    hanna = as_client(app, runtime, work.hanna)
    form = {"project": str(work.project), "version": "1", "verdict": "reject"}
    answer = hanna.post(f"/desk/paper/{work.paper}/decide", data=form)
    assert answer.status_code == 409
    assert "Second reading." in answer.get_data(as_text=True)
    assert "seven-reasons" not in answer.get_data(as_text=True)
    hanna.post(f"/desk/paper/{work.paper}/decide", data={"verdict": "none", "relation": "mention"})
    hanna.post(f"/desk/decision/{decision.id}/undo")
    hanna.post(f"/desk/paper/{work.paper}/relation/undo")
    hanna.post(f"/desk/paper/{work.paper}/claim")
    hanna.post(f"/desk/paper/{work.paper}/escalate", data={"reason": "hm"})
    with runtime.store.reading() as session:
        assert len(session.exec(select(Decision)).all()) == 1
        assert session.exec(select(Escalation)).all() == []
    with pytest.raises(UnderSecondReading), runtime.store.writing() as session:
        service.judge_many(session, work.hanna, [ruling(session, work)], today(runtime))


def test_taking_back_or_changing_the_first_decision_ends_the_reading(runtime: Runtime, work: Work) -> None:
    """There is nothing to read a second time any more, and the paper is seen again."""
    decision, reading = drawn_ruling(runtime, work)
    with runtime.store.writing() as session:
        service.take_back(session, work.vera, [decision.id or 0], today(runtime))
    with runtime.store.reading() as session:
        row = session.get_one(SecondReading, reading)
        assert (row.ended_at, row.verdict, row.agrees) == (runtime.clock.now(), None, None)
        assert session.get(DeskItem, work.paper) is not None
    with pytest.raises(Stale):
        judge(runtime, work.hanna, reading)
    _, again = drawn_ruling(runtime, work)
    with runtime.store.writing() as session:
        changed = ruling(session, work, verdict=Verdict.REJECT, relation=None, version_seen=2)
        service.judge(session, work.vera, changed, today(runtime))
    with runtime.store.reading() as session:
        assert session.get_one(SecondReading, again).ended_at is not None
        assert under_second_reading(session) == set()


def test_the_exported_list_leaves_such_papers_out(runtime: Runtime, work: Work) -> None:
    """A colleague who reads the list must not find the verdict there."""
    _, reading = drawn_ruling(runtime, work)
    with runtime.store.reading() as session:
        assert list(export_known(session)) == []
    judge(runtime, work.hanna, reading)
    with runtime.store.reading() as session:
        assert [row.verdict for row in export_known(session)] == ["accept"]


# -- the second view ------------------------------------------------------------------------------------------------------


def test_two_who_agree_end_it(runtime: Runtime, app: Flask, work: Work) -> None:
    """The agreement is stored, and from now on everybody sees both."""
    _, reading = drawn_ruling(runtime, work, reason="seven-reasons")
    hanna = as_client(app, runtime, work.hanna)
    assert TITLE in hanna.get("/desk/second").get_data(as_text=True)
    answer = hanna.post(
        f"/desk/second/{reading}",
        data={"verdict": "accept", "relation": "science", "seconds": "12.5"},
        follow_redirects=True,
    )
    assert "You agree with the first reader" in answer.get_data(as_text=True)
    with runtime.store.reading() as session:
        row = session.get_one(SecondReading, reading)
        assert (row.agrees, row.second_reader_id, row.shown_for_s) == (True, work.hanna.user_id, 12.5)
        assert session.exec(select(Escalation)).all() == []
        assert under_second_reading(session) == set()
    page = hanna.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "seven-reasons" in page
    assert "read it blind and would accept 2016.1.00001.S: agrees" in page


def test_two_who_disagree_come_to_the_head_librarian_with_both_views(runtime: Runtime, app: Flask, work: Work) -> None:
    """Verdicts, classes and reasons side by side; the first verdict stays in force until it is settled."""
    _, reading = drawn_ruling(runtime, work, reason="seven-reasons")
    row = judge(runtime, work.hanna, reading, DISAGREES)
    assert row.agrees is False
    page = as_client(app, runtime, work.ines).get("/desk/escalated").get_data(as_text=True)
    for part in (TITLE, "Vera", "seven-reasons", "accepted", "Hanna", "another instrument’s data", "rejected"):
        assert part in page, part
    with runtime.store.reading() as session:
        assert session.exec(select(Link).where(col(Link.ended_at).is_(None))).one().verdict is Verdict.ACCEPT
        assert session.get_one(DeskItem, work.paper).is_escalated


@pytest.mark.parametrize(
    ("relation", "agrees"), [(RelationKind.ENGINEERING, False), (RelationKind.SCIENCE, True)], ids=["other", "same"]
)
def test_the_class_must_agree_as_well(runtime: Runtime, work: Work, relation: RelationKind, agrees: bool) -> None:
    """Both accept; of what kind the paper is, they think alike or not."""
    _, reading = drawn_ruling(runtime, work)
    assert judge(runtime, work.hanna, reading, View(Verdict.ACCEPT, relation)).agrees is agrees


def test_saying_nothing_of_the_class_contradicts_nobody(runtime: Runtime, work: Work) -> None:
    """A rejection without a class agrees with another."""
    _, reading = drawn_ruling(runtime, work, verdict=Verdict.REJECT, relation=None)
    assert judge(runtime, work.hanna, reading, View(Verdict.REJECT)).agrees


def test_the_first_reader_is_never_the_second(runtime: Runtime, app: Flask, work: Work) -> None:
    """Not on the list, not on the page, not by a form sent by hand."""
    _, reading = drawn_ruling(runtime, work)
    vera = as_client(app, runtime, work.vera)
    page = vera.get("/desk/second").get_data(as_text=True)
    assert TITLE not in page
    assert "1 decision of your own is with somebody else" in page
    assert vera.get(f"/desk/second/{reading}").status_code == 302
    assert vera.post(f"/desk/second/{reading}", data={"verdict": "reject"}).status_code == 403
    with pytest.raises(NotAllowed):
        judge(runtime, work.vera, reading)


def test_the_blind_page_shows_the_rules_and_lists_its_keys(runtime: Runtime, app: Flask, work: Work) -> None:
    """A second reader judges by the same rules, with the same keys."""
    _, reading = drawn_ruling(runtime, work)
    page = as_client(app, runtime, work.hanna).get(f"/desk/second/{reading}").get_data(as_text=True)
    keys = set(re.findall(r'data-key="(.)"', page))
    listed = set(re.findall(r"<dt><kbd>(.)</kbd></dt>", page))
    assert {"a", "r", "u", "h", "w", "j"} <= keys
    assert keys - set("12345") <= listed
    assert page.count("data-key-list") == 1
    assert "<dt>Science with our data</dt>" in page


def test_accepting_without_a_class_is_refused_and_keeps_what_was_typed(
    runtime: Runtime, app: Flask, work: Work
) -> None:
    """422 on the blind page: still nothing of the first view is told."""
    _, reading = drawn_ruling(runtime, work, reason="seven-reasons")
    hanna = as_client(app, runtime, work.hanna)
    answer = hanna.post(f"/desk/second/{reading}", data={"verdict": "accept", "reason": "my view"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Say how the paper relates" in page
    assert 'value="my view"' in page
    assert "seven-reasons" not in page
    with pytest.raises(RequestRefused):
        judge(runtime, work.hanna, reading, View(Verdict.ACCEPT, RelationKind.MENTION))
    assert hanna.post(f"/desk/second/{reading}", data={"verdict": "perhaps"}).status_code == 422
    assert hanna.get("/desk/second/99999").status_code == 404


def test_of_two_second_readers_at_once_one_is_stored_and_the_other_told(runtime: Runtime, work: Work) -> None:
    """On both databases; what the slower one said changes nothing."""
    _, reading = drawn_ruling(runtime, work)
    outcomes: dict[str, str] = {}
    gate = threading.Barrier(2)

    def read(person: Actor, view: View) -> None:
        gate.wait(timeout=10)
        try:
            judge(runtime, person, reading, view)
        except Stale:
            outcomes[person.name] = "told"
        else:
            outcomes[person.name] = "stored"

    views = ((work.hanna, AGREES), (work.ines, DISAGREES))
    threads = [threading.Thread(target=read, args=pair) for pair in views]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes.values()) == ["stored", "told"]
    with runtime.store.reading() as session:
        row = session.get_one(SecondReading, reading)
        winner = next(name for name, how in outcomes.items() if how == "stored")
        assert row.agrees is (winner == "Hanna")
        assert len(session.exec(select(Escalation)).all()) == (0 if winner == "Hanna" else 1)


def test_who_comes_too_late_sees_both_views(runtime: Runtime, app: Flask, work: Work) -> None:
    """409: what I wanted to say beside what the other second reader said."""
    _, reading = drawn_ruling(runtime, work)
    judge(runtime, work.ines, reading, DISAGREES)
    answer = as_client(app, runtime, work.hanna).post(
        f"/desk/second/{reading}", data={"verdict": "accept", "relation": "science", "reason": "my view"}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    for part in ("my view", "Ines", "another instrument’s data", "rejected"):
        assert part in page, part


def test_of_two_drawn_decisions_on_one_paper_neither_is_told_before_both_are_read(
    runtime: Runtime, app: Flask, work: Work
) -> None:
    """The outcome of the first tells nothing while the second is open; nor does the list of escalations."""
    with runtime.store.writing() as session:
        other = add_project(session, "2017.1.00002.S", targets=("Tamsin 9",))
    _, reading = drawn_ruling(runtime, work, reason="seven-reasons")
    drawn_ruling(runtime, work, project_id=other, candidate_revision_id=None, reason="eight-reasons")
    hanna = as_client(app, runtime, work.hanna)
    answer = hanna.post(f"/desk/second/{reading}", data={"verdict": "reject"}, follow_redirects=True)
    page = answer.get_data(as_text=True)
    assert "Another decision on this paper is still to be read" in page
    assert "The first reader thought otherwise" not in page
    listed = hanna.get("/desk/escalated").get_data(as_text=True)
    assert TITLE in listed
    assert "seven-reasons" not in listed
    assert "seven-reasons" not in hanna.get("/desk/escalated?format=csv").get_data(as_text=True)


# -- called off -----------------------------------------------------------------------------------------------------------


def test_a_head_librarian_calls_a_reading_off_and_on_again(runtime: Runtime, app: Flask, work: Work) -> None:
    """Nobody is going to do it: everybody sees the decision again; taken back, it waits as before."""
    _, reading = drawn_ruling(runtime, work, reason="seven-reasons")
    hanna, ines = as_client(app, runtime, work.hanna), as_client(app, runtime, work.ines)
    assert hanna.post(f"/desk/second/{reading}/call-off").status_code == 403
    runtime.clock.move(timedelta(hours=1))
    ines.post(f"/desk/second/{reading}/call-off")
    runtime.clock.move(timedelta(hours=1))
    assert "seven-reasons" in hanna.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    ines.post(f"/desk/second/{reading}/resume")
    assert "seven-reasons" not in hanna.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    with runtime.store.reading() as session:
        acts = audit.page(session, audit.Wanted(kind=Kind.SHARING, who=work.ines.user_id), viewer=None)
    now = runtime.clock.now()
    assert [(act.at, act.what, act.who, act.paper_id) for act in acts] == [
        (now, "let a second reading go on", "Ines", work.paper),
        (now - timedelta(hours=1), "called a second reading off", "Ines", work.paper),
    ]
    judge(runtime, work.hanna, reading)
    with pytest.raises(NotFound), runtime.store.writing() as session:
        sharing.resume(session, work.ines, reading, today(runtime))


def test_a_first_reader_is_told_and_a_head_librarian_can_call_their_own_off(
    runtime: Runtime, app: Flask, work: Work
) -> None:
    """Otherwise a paper that nobody else reads would stay hidden."""
    with runtime.store.writing() as session:
        service.judge(session, work.ines, ruling(session, work), today(runtime, 1.0))
        reading = session.exec(select(SecondReading)).one().id
    page = as_client(app, runtime, work.ines).get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "Your decision is with a second reader" in page
    assert f"/desk/second/{reading}/call-off" in page


def test_the_status_says_how_many_wait(runtime: Runtime, work: Work) -> None:
    """Since when, and that such papers are not public; nothing where none waits."""
    assert list(status(runtime)) == []
    drawn_ruling(runtime, work)
    assert list(status(runtime)) == [
        "second readings    1 waits since 2026-11-22; such papers are not public meanwhile"
    ]


def test_only_librarians_read_a_second_time(runtime: Runtime, login: object, work: Work) -> None:
    """An admin may look at the blind page and finds no form on it; managers see neither."""
    _, reading = drawn_ruling(runtime, work)
    assert callable(login)
    admin = login(Role.ADMIN, "ada")
    page = admin.get(f"/desk/paper/{work.paper}").get_data(as_text=True)
    assert "librarians judge" in page
    assert f"/desk/second/{reading}" not in page
    assert admin.get("/desk/second").status_code == 403
    assert login(Role.MANAGER, "mara").get(f"/desk/paper/{work.paper}").status_code == 403
