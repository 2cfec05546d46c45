"""The job ``report``: once for each recipe and period, frozen and mailed in one step, whoever dies or comes twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import col, select

from biblio import mail
from biblio.clock import FixedClock
from biblio.errors import NotFound, RequestRefused
from biblio.feature import all_jobs, load_features
from biblio.jobs import run_job
from biblio.observatory import Recipe
from biblio.observatory.profile import Reports
from biblio.runtime import Runtime, choose_observatory
from biblio.settings import Settings
from biblio.store.models import JobRun, OutboxMail, ReportSnapshot, SecondReading, UserAccount
from biblio.store.words import MailState, Outcome, Role
from reports.job import REPORT, check, make, of_recipe, status
from reports.letters import preview, send
from reports.recipes import Turn
from reports.service import snapshots
from tests.factories import accept, add_paper, add_project, add_user
from tests.mail.forks import KILLED, ended, fork
from tests.mailserver import Box
from tests.reports.snapshots.made import INDICATORS, small

MONTHLY = Recipe(key="monthly", name="Monthly report", as_of="today", day=20)
READERS = "Dora Director <dora@example.org>, board@example.org"


@pytest.fixture(autouse=True)
def without_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """No PDF is made but where a test wants one: it takes seconds."""
    monkeypatch.setattr("reports.letters.can_write_pdf", lambda: False)


def site(runtime: Runtime, *recipes: Recipe, readers: str = READERS) -> Runtime:
    """Return the runtime of a site with these recipes and readers."""
    profile = runtime.profile.model_copy(update={"reports": Reports(recipes=recipes or (MONTHLY,))})
    settings = runtime.settings.model_copy(update={"report_recipients": readers})
    return replace(runtime, profile=profile, settings=settings)


def run(runtime: Runtime) -> JobRun:
    """Run the job, and check that it succeeded."""
    row = run_job(runtime, REPORT)
    assert row.outcome is Outcome.SUCCEEDED, row.error
    return row


def letters(runtime: Runtime) -> list[OutboxMail]:
    """Return the outbox in order."""
    with runtime.store.reading() as session:
        return list(session.exec(select(OutboxMail).order_by(col(OutboxMail.id))))


def text_of(message: EmailMessage) -> str:
    """Return what a letter says, with plain line ends and every blank one."""
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def publish(runtime: Runtime, clock: FixedClock, code: str, days_ago: int) -> tuple[int, int]:
    """Store a project with an accepted paper, decided so many days ago; return both numbers."""
    with runtime.store.writing() as session:
        actor = add_user(session, f"reader{code[-7:-2]}", Role.HEAD_LIBRARIAN)
        project, paper = add_project(session, code), add_paper(session, f"On {code}")
        accept(session, actor, paper, project, now=clock.now() - timedelta(days=days_ago))
    return project, paper


def test_a_due_report_is_frozen_and_every_reader_gets_it(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """One letter each, with the numbers, the day, the page; the outbox holds no figure; the run says what was done."""
    publish(smtp, clock, "2016.1.00001.S", 30)
    row = run(site(smtp))
    with smtp.store.reading() as session:
        (made,) = snapshots(session)
    assert made.made is not None
    assert (made.made.recipe, made.made.period, made.as_of) == ("monthly", "2026-11", date(2026, 11, 20))
    assert row.counts["reports_made"] == 1
    assert row.counts["letters_queued"] == row.counts["letters_sent"] == 2
    assert row.counts["notes"][0] == (
        f"Monthly report 2026-11 was made, as of 2026-11-20: snapshot {made.id}, 2 letters queued."
    )
    assert row.counts["notes"][1] == "Monthly report 2026-12 is due on 2026-12-21."
    assert sorted(str(m["To"]) for m in box.accepted) == ["Dora Director <dora@example.org>", "board@example.org"]
    for message in box.accepted:
        said = text_of(message)
        assert message["Subject"] == "ALMA: Monthly report 2026-11"
        assert "as known at the end of 2026-11-20 (UTC)" in said
        assert "one project had been observed, and it had a refereed paper" in said
        assert "It is the first of its kind" in said
        assert f"http://127.0.0.1:8000/reports/snapshots/{made.id}/" in said
    assert {text_of(m).split(",")[0] for m in box.accepted} == {"Dear Dora Director", "Dear colleague"}
    for letter in letters(smtp):
        assert (letter.body, letter.headers, letter.state) == ("", {}, MailState.SENT)


def test_a_damaged_report_before_holds_up_no_letter(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """The new report is whole: it is sent, and says that the one before cannot be compared with."""
    before = clock.now() - timedelta(days=40)
    with smtp.store.writing() as session:
        session.add(
            ReportSnapshot(as_of=before.date(), made_at=before, figures={}, sha256="0" * 64, document=b"broken")
        )
    run(site(smtp))
    assert len(box.accepted) == 2
    assert "is damaged and cannot be compared with" in " ".join(text_of(box.accepted[0]).split())


def test_again_and_on_later_days_nothing_is_made_or_sent_twice(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """By hand, by the scheduler, the day after: once for the period; the next period's is made and compared."""
    publish(smtp, clock, "2016.1.00001.S", 30)
    for _ in range(3):
        run(site(smtp))
        clock.move(timedelta(days=1))
    assert len(box.accepted) == 2
    publish(smtp, clock, "2016.1.00002.S", 0)
    clock.move(timedelta(days=30))
    assert run(site(smtp)).counts["reports_made"] == 1
    assert len(box.accepted) == 4
    said = text_of(box.accepted[-1])
    assert "Since the report as of 2026-11-20:" in said
    assert "Projects observed: 1 -> 2 (+1)" in said
    assert "came: 2016.1.00002.S" in said


def test_a_clock_that_is_set_back_makes_no_earlier_period(runtime: Runtime, clock: FixedClock) -> None:
    """A month back, the period before was never made: nobody gets it after the later one, and the run says why."""
    here = site(runtime)
    run(here)
    clock.move(-timedelta(days=30))
    row = run(here)
    assert "reports_made" not in row.counts
    assert row.counts["notes"][0] == (
        "Monthly report 2026-10 is not made: that of 2026-11, as of 2026-11-20, was made before."
    )
    assert len(letters(here)) == 2


def test_the_letter_brings_the_report_on_paper(
    sqlite_runtime: Runtime, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where PDF can be made it is attached, unless it is too large for a letter; then the letter says where it is."""
    monkeypatch.setattr("reports.letters.can_write_pdf", lambda: True)
    asked: list[str] = []

    def on_paper(_report: object, base: str) -> bytes:
        asked.append(base)
        return b"%PDF-1.7 small"

    monkeypatch.setattr("reports.letters.as_pdf", on_paper)
    runtime = site(sqlite_runtime, readers="dora@example.org")
    run(runtime)
    (path,) = runtime.settings.outgoing_mail.glob("*.eml")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    (paper,) = message.iter_attachments()
    assert (paper.get_filename(), paper.get_content_type()) == ("report-2026-11-20.pdf", "application/pdf")
    assert paper.get_content() == b"%PDF-1.7 small"
    assert "attached as PDF (report-2026-11-20.pdf)" in text_of(message)
    assert asked == ["http://127.0.0.1:8000/reports/snapshots/1"]
    path.unlink()
    monkeypatch.setattr("reports.letters.ATTACHED_MOST", 5)
    clock.move(timedelta(days=31))
    run(runtime)
    (path,) = runtime.settings.outgoing_mail.glob("*.eml")
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert list(message.iter_attachments()) == []
    assert "can be downloaded there" in text_of(message)


def test_killed_at_any_step_it_is_made_once_and_told_once(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """For every n: killed before its n-th change of the database or the folder, and run once more: one report, one letter."""
    report = small(headline=(), definitions=INDICATORS)
    monkeypatch.setattr("reports.service.build_report", lambda *_given, **_named: report)
    here = site(runtime, readers="dora@example.org")
    folder = here.settings.outgoing_mail

    def turn(step: int) -> Callable[[Runtime], object]:
        period = Turn("monthly", f"step-{step}", report.as_of, report.as_of)
        return lambda own: (make(own, MONTHLY, period), send(own))

    for step in range(1, 100):
        end = ended(fork(here, turn(step), die_at=step, reads=False))
        assert end in (0, KILLED)
        turn(step)(here)
        with here.store.reading() as session:
            made = session.exec(select(ReportSnapshot).where(col(ReportSnapshot.period) == f"step-{step}")).all()
        assert len(made) == 1
        own = [row for row in letters(here) if row.key.startswith(f"report-{made[0].id}-")]
        assert [row.state for row in own] == [MailState.SENT]
        assert all((folder / f"{row.key}.eml").is_file() for row in own)
        if end == 0:
            break
    assert 10 < step < 99
    assert len(letters(here)) == step


def test_two_schedulers_at_once_make_one(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three processes that all found it missing: one stores it with its letters, the others find it there."""
    report = small(headline=())
    here = site(runtime)
    hears, tells = os.pipe()

    def waits(*_given: object, **_named: object) -> object:
        os.read(hears, 1)
        return report

    monkeypatch.setattr("reports.service.build_report", waits)
    turn = Turn("monthly", "2026-11", report.as_of, report.as_of)
    pids = [fork(here, lambda own: make(own, MONTHLY, turn)) for _ in range(3)]
    os.write(tells, b"go!")
    assert [ended(pid) for pid in pids] == [0, 0, 0]
    os.close(hears)
    os.close(tells)
    with here.store.reading() as session:
        assert len(snapshots(session)) == 1
    assert len(letters(here)) == 2


def test_who_is_no_reader_any_more_gets_no_letter(runtime: Runtime) -> None:
    """An address taken off the list before its letter left is not written to."""
    here = site(runtime)
    turn = Turn("monthly", "2026-11", date(2026, 11, 20), date(2026, 11, 21))
    make(here, MONTHLY, turn)
    counts = send(site(runtime, readers="board@example.org"))
    assert (counts.sent, counts.cancelled) == (1, 1)
    assert "no longer among" in (letters(here)[0].reason or "")


def test_an_address_that_cannot_be_written_to_stops_no_other(runtime: Runtime) -> None:
    """It is counted and not named; the others get their letters."""
    row = run(site(runtime, readers="dora@example.org, broken@@example..org"))
    assert row.counts["letters_sent"] == 1
    assert "1 addresses of BIBLIO_REPORT_RECIPIENTS cannot be written to" in row.counts["notes"][0]
    assert "broken" not in str(row.counts)


def test_without_readers_the_report_is_frozen_all_the_same(runtime: Runtime) -> None:
    """Nobody is written to, and the run says how that is changed."""
    row = run(site(runtime, readers=""))
    assert letters(runtime) == []
    assert "BIBLIO_REPORT_RECIPIENTS is not set" in row.counts["notes"][0]
    with runtime.store.reading() as session:
        assert len(snapshots(session)) == 1


def test_no_report_of_a_day_before_the_database(runtime: Runtime, clock: FixedClock) -> None:
    """A database begun today would say that nothing was ever observed: no such report is made or mailed."""
    here = site(runtime)
    with here.store.writing() as session:
        choose_observatory(session, runtime.profile, clock)
    row = run(here)
    assert row.counts["reports_before_the_database"] == 1
    assert "was begun on 2026-11-22 and knew nothing on 2026-11-20" in row.counts["notes"][0]
    assert letters(here) == []


def test_a_letter_names_nobody_whom_a_second_reader_is_to_judge(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """What came since the last report is counted; a paper and project under second reading are called so."""
    here = site(smtp)
    run(here)
    clock.move(timedelta(days=31))
    project, paper = publish(smtp, clock, "2016.1.00002.S", 5)
    publish(smtp, clock, "2016.1.00003.S", 5)
    with smtp.store.writing() as session:
        session.add(
            SecondReading(paper_id=paper, project_id=project, decision_id=1, first_reader_id=1, drawn_at=clock.now())
        )
    run(here)
    said = text_of(box.accepted[-1])
    assert "2016.1.00003.S, (a project with a paper under second reading)" in said
    assert "2016.1.00002.S" not in said


def test_who_may_read_second_gets_no_number_that_may_count_what_is_to_be_judged(
    smtp: Runtime, box: Box, clock: FixedClock
) -> None:
    """A librarian among the readers is told that the report is there and when it opens; the others get it as always."""
    project, paper = publish(smtp, clock, "2016.1.00002.S", 5)
    with smtp.store.writing() as session:
        session.execute(sa.update(UserAccount).values(email="Board@example.org"))
        drawn_at = clock.now() - timedelta(days=5)
        reading = SecondReading(paper_id=paper, project_id=project, decision_id=1, first_reader_id=1, drawn_at=drawn_at)
        session.add(reading)
    run(site(smtp))
    said = {str(message["To"]): text_of(message) for message in box.accepted}
    assert "one project had been observed" in said["Dora Director <dora@example.org>"]
    assert "observed" not in said["board@example.org"]
    assert "Its numbers are not in this letter" in said["board@example.org"]
    assert "http://127.0.0.1:8000/reports/?as_of=2026-11-20" in said["board@example.org"]


def test_a_recipe_of_some_themes_tells_of_those(smtp: Runtime, box: Box, clock: FixedClock) -> None:
    """The letter shows the numbers and changes of its themes alone; the frozen report has all."""
    here = site(smtp, MONTHLY.model_copy(update={"themes": ("papers",)}))
    run(here)
    clock.move(timedelta(days=31))
    publish(smtp, clock, "2016.1.00002.S", 5)
    run(here)
    said = text_of(box.accepted[-1])
    assert "observed" not in said
    assert check(here) == []
    assert "no" in check(site(smtp, MONTHLY.model_copy(update={"themes": ("no",)})))[0]


def test_what_breaks_at_one_recipe_stops_no_other(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second recipe is made and mailed; the run fails with the first one's words."""
    other = MONTHLY.model_copy(update={"key": "other", "name": "Other report", "day": 19})
    here = site(runtime, MONTHLY, other)

    def build(_runtime: Runtime, _session: object, as_of: date, **_named: object) -> object:
        if as_of.day == 20:
            raise RequestRefused("this one breaks")
        return small(headline=())

    monkeypatch.setattr("reports.service.build_report", build)
    row = run_job(here, REPORT)
    assert row.outcome is Outcome.FAILED
    assert "this one breaks" in (row.error or "")
    assert row.counts["letters_sent"] == 2


def test_the_house_knows_the_job_and_its_letters(runtime: Runtime) -> None:
    """The scheduler finds it by name, once a day; the page of letters shows one as it would leave, without sending it."""
    assert all_jobs()["report"] is REPORT
    here = site(runtime)
    make(here, MONTHLY, Turn("monthly", "2026-11", date(2026, 11, 20), date(2026, 11, 21)))
    kinds = {kind.name: kind for feature in load_features() for kind in feature.letters}
    assert isinstance(kinds["report"], mail.LetterKind)
    with here.store.reading() as session:
        subject, text = preview(session, here, letters(here)[0])
    assert subject == "ALMA: Monthly report 2026-11"
    assert "Dear Dora Director," in text


def test_a_recipe_that_there_is_not_is_named_with_those_there_are(runtime: Runtime) -> None:
    """A typing mistake is met with the list."""
    with pytest.raises(NotFound, match=r"no recipe 'weekly'; there are: monthly"):
        of_recipe(site(runtime), "weekly")


def test_readers_are_names_and_addresses_each_once(runtime: Runtime) -> None:
    """A list as people write it; what is no address is refused when biblio starts, without saying it."""
    known = site(runtime, readers="Dora Director <dora@example.org>, board@example.org,DORA@example.org")
    assert known.settings.report_readers == (("Dora Director", "dora@example.org"), ("", "board@example.org"))
    assert runtime.settings.report_readers == ()
    for wrong in ("the director", "dora@example.org, x", "a@b.org\nBcc: evil@example.org"):
        with pytest.raises(ValidationError, match=r"report_recipients\n  Value error"):
            Settings(report_recipients=wrong)


def test_status_says_what_is_frozen_and_what_is_due(runtime: Runtime) -> None:
    """Before anything was frozen it says how; then the newest; always when the next report is due."""
    here = site(runtime)
    before = list(status(here))
    make(here, MONTHLY, Turn("monthly", "2026-11", date(2026, 11, 20), date(2026, 11, 21)))
    after = list(status(here))
    assert "`biblio report build` freezes one" in before[0]
    assert "1 frozen, the newest as of 2026-11-20" in after[0]
    assert before[1:] == after[1:] == ["                   Monthly report 2026-12 is due on 2026-12-21"]


def test_letters_that_wait_are_told_of(runtime: Runtime) -> None:
    """A report that cannot be read holds its letters back; the run says how many and why, and so does the next."""
    here = site(runtime)
    make(here, MONTHLY, Turn("monthly", "2026-11", date(2026, 11, 20), date(2026, 11, 21)))
    with here.store.writing() as session:
        broken = ReportSnapshot(
            as_of=date(2026, 11, 19), made_at=here.clock.now(), figures={}, sha256="0" * 64, document=b"broken"
        )
        session.add(broken)
        session.flush()
        for row in session.exec(select(OutboxMail)).all():
            row.key = row.key.replace("report-1-", f"report-{broken.id}-")
            session.add(row)
    for _ in range(2):
        row = run(here)
        assert "letters_sent" not in row.counts
        (told,) = [note for note in row.counts["notes"] if "wait" in note]
        assert told == "2 letters wait: The snapshot's document cannot be unpacked: its bytes are damaged."
