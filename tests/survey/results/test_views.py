"""The pages of results: figures for all with a login, what people wrote for survey readers and nobody else."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlmodel import select
from structlog.testing import capture_logs

from biblio.catalogue.actor import Actor
from biblio.errors import RequestRefused
from biblio.public.feature import feature as public
from biblio.runtime import Runtime
from biblio.store.models import Comment, CommentTag
from biblio.store.words import Role
from biblio.web import create_app
from biblio.web.accounts.login import landing
from biblio.web.accounts.permissions import may
from biblio.web.app import action_of
from reports.feature import feature as reports
from survey.commands import survey as survey_commands
from survey.feature import feature as survey
from tests.factories import add_project
from tests.survey.released import COMMENTS, add_campaign, counts, released, taken_over
from tests.web.visitors import Visitor, logged_in

WORDS = ("Journal of Invented Results", "Letters of Nowhere", "A dish in the sky")
OTHERS = [role for role in Role if not may(role, "answers.read")]


def text(answer: object) -> str:
    """Return the body of an answer as text."""
    return answer.get_data(as_text=True)  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def small_app(sqlite_runtime: Runtime) -> Flask:
    """The web door with the survey and the report, on SQLite alone, for what no database can change."""
    return create_app(sqlite_runtime, features=[survey, public, reports])


# -- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_everybody_with_a_login_sees_figures(app: Flask, runtime: Runtime, role: Role) -> None:
    """Both rates, reasons, groups, strata and the way on; managers too, who see no invitations."""
    number = released(runtime)
    visitor = logged_in(app, runtime, role)
    page = text(visitor.get(f"/campaigns/{number}/results"))
    for words in ("12 of 40 (30.0\u202f%)", "11 of 30 (36.7\u202f%)", "No effort available", "Resources", "Cycle 5"):
        assert words in page
    assert ("Its invitations and letters" in page) == may(role, "campaigns.read")
    assert ("Read what people wrote" in page) == may(role, "answers.read")
    assert visitor.get(f"/campaigns/{number}/results/chart.dark.svg").mimetype == "image/svg+xml"
    assert "spring" in text(visitor.get("/campaigns/compare"))
    assert visitor.get("/campaigns/compare/chart.light.svg").mimetype == "image/svg+xml"


def test_a_manager_finds_the_figures_in_the_navigation_and_the_report(
    small_app: Flask, sqlite_runtime: Runtime
) -> None:
    """Campaigns lead a manager to the comparison and not to addresses; the report leads to one campaign's figures."""
    number = released(sqlite_runtime)
    with sqlite_runtime.store.writing() as session:
        add_project(session, "2016.1.00001.S")
    manager = logged_in(small_app, sqlite_runtime, Role.MANAGER)
    assert f'href="/campaigns/{number}/results"' in text(manager.get("/reports/silence"))
    page = text(manager.get("/campaigns/compare"))
    assert re.search(r'<a href="/campaigns/compare" aria-current="page">Campaigns</a>', page)
    assert 'href="/campaigns/"' not in page
    assert manager.get("/campaigns/").status_code == 403
    assert manager.get(f"/campaigns/{number}").status_code == 403


def test_an_open_campaign_says_until_when_it_is_sealed(app: Flask, runtime: Runtime) -> None:
    """No reason, no chart, no words before the box is open, for readers neither."""
    with runtime.store.writing() as session:
        last = {"closes_on": date(2026, 12, 5), "closed_at": None, "released_at": None, "key_destroyed_at": None}
        number = add_campaign(session, "winter", **last).id
        session.add(Comment(id="x" * 32, campaign_id=number or 0, question="comment", words="not to be seen"))
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    page = text(reader.get(f"/campaigns/{number}/results"))
    assert "Sealed until 2026-12-05 is over" in page
    assert "No effort available" not in page
    assert reader.get(f"/campaigns/{number}/results/chart.light.svg").status_code == 404
    said = text(reader.get(f"/campaigns/{number}/answers"))
    assert "Sealed until 2026-12-05" in said
    assert "not to be seen" not in said
    assert "not to be seen" not in text(reader.get(f"/campaigns/{number}/answers/comments.csv"))
    assert "winter" in text(reader.get("/campaigns/compare"))
    assert reader.get("/campaigns/compare/chart.light.svg").status_code == 404


def test_too_few_answers_were_destroyed_and_the_page_says_so(app: Flask, runtime: Runtime) -> None:
    """Both rates stay, and nothing by reason."""
    with runtime.store.writing() as session:
        campaign = add_campaign(session, "tiny", counts=counts(40, 30, 4, 4), ballots_destroyed=4, ballots_read=0)
        number = campaign.id
    manager = logged_in(app, runtime, Role.MANAGER)
    page = text(manager.get(f"/campaigns/{number}/results"))
    assert "4 ballots were destroyed unread" in page
    assert "4 of 30 (13.3\u202f%)" in page
    assert "Too few answered" in page
    assert "No effort available" not in page


def test_totals_taken_over_say_what_is_not_known(app: Flask, runtime: Runtime) -> None:
    """The published survey of silent programmes: 965 of 1,278; persons not known, and never 0 %."""
    number = taken_over(runtime)
    page = text(logged_in(app, runtime, Role.MANAGER).get(f"/campaigns/{number}/results"))
    assert "965 of 1\u202f278 (75.5\u202f%)" in page
    assert re.search(r"Persons with at least one completed of those asked</dt><dd>not known</dd>", page)
    assert "totals-2017.csv" in page
    assert "0.0\u202f%" not in page


def test_figures_come_as_files(app: Flask, runtime: Runtime) -> None:
    """CSV and XLSX with one row per figure, JSON, PDF; of one campaign and of all."""
    number = released(runtime, "=spring")
    manager = logged_in(app, runtime, Role.MANAGER)
    for address in (f"/campaigns/{number}/results", "/campaigns/compare"):
        rows = list(csv.DictReader(io.StringIO(text(manager.get(f"{address}?format=csv")))))
        assert {row["campaign"] for row in rows} == {"'=spring"}
        assert len(rows) == 60
        with zipfile.ZipFile(io.BytesIO(manager.get(f"{address}?format=xlsx").data)) as book:
            assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        assert manager.get(f"{address}?format=pdf").data.startswith(b"%PDF")
    plain = json.loads(manager.get(f"/campaigns/{number}/results?format=json").data)
    assert plain["persons"] == {"answered": 11, "asked": 30, "rate": pytest.approx(11 / 30)}


def test_the_report_shows_the_same_figures(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """The report's page and the campaign's page take them from one place."""
    number = released(sqlite_runtime)
    manager = logged_in(small_app, sqlite_runtime, Role.MANAGER)
    lines = csv.reader(text(manager.get("/reports/report.csv")).splitlines())
    found = {tuple(line[:4]): line[7:10] for line in lines if line[0] == "silence"}
    chosen = {
        row.split(".")[0]: int(said[1])
        for (_, table, row, _), said in found.items()
        if table == "reasons" and said[1] != "0"
    }
    assert chosen == {"r1": 3, "r4": 4, "r9": 3, "r10": 2}
    assert found["silence", "campaigns", f"c{number}", "rate"][1:] == ["12", "40"]
    assert found["silence", "campaigns", f"c{number}", "persons-rate"][1:] == ["11", "30"]


# -- what people wrote ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [*OTHERS, None])
def test_what_people_wrote_is_on_no_other_page(sqlite_runtime: Runtime, role: Role | None) -> None:
    """Every page, file and API answer that another role can reach, with the campaign's number in it, and all logs."""
    number = released(sqlite_runtime)
    whole_app = create_app(sqlite_runtime)
    with capture_logs() as logs:
        visitor = logged_in(whole_app, sqlite_runtime, role) if role else Visitor(whole_app)
        walked = 0
        for rule in whole_app.url_map.iter_rules():
            if "GET" not in (rule.methods or set()) or rule.rule == "/logout":
                continue
            address = re.sub(r"<(?:[^<>:]*:)?\w+>", str(number), rule.rule.replace("<theme>", "light"))
            for query in ("", "?format=csv", "?format=json"):
                answer = visitor.get(address + query)
                body = answer.get_data(as_text=True)
                seen = [words for words in (*COMMENTS, *WORDS) if words in body]
                assert not seen, f"{address}{query} as {role}"
                if answer.status_code != 200 or answer.mimetype != "text/html":
                    break  # nothing is there for this role, or it is a file already
            action = action_of(whole_app, rule.endpoint)
            walked += action is not None and may(role, action)
        for what in ("comments", "words"):
            assert visitor.get(f"/campaigns/{number}/answers/{what}.csv").status_code in (302, 403)
    assert walked > 10
    assert not [words for words in (*COMMENTS, *WORDS) if words in json.dumps(logs, default=str)]


def test_a_reader_reads_tags_and_takes_back(app: Flask, runtime: Runtime) -> None:
    """Tag, see it counted, find by it, undo, remove, undo: each from the page, and the list keeps its order."""
    number = released(runtime)
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    page = text(reader.get(f"/campaigns/{number}/answers"))
    assert page.count('class="comment-words"') == len(COMMENTS)
    assert all(words in page for words in WORDS)
    assert "&lt;b&gt;us&lt;/b&gt;" in page
    action = re.search(r'action="(/campaigns/\d+/comments/\w+/tags\?order=\w+[^"]*)"', page)
    assert action is not None
    address = action[1].replace("&amp;", "&")
    back = reader.post(address, {"tag": "Examples"}, form_on=f"/campaigns/{number}/answers")
    order = re.search(r"order=\w+", address)
    assert order is not None
    assert order[0] in back.location
    assert re.search(r"#c[0-9a-f]{8}$", back.location)
    tagged = text(reader.get(back.location))
    assert "Tagged “examples”." in tagged
    assert 'examples <span class="soft">1</span>' in tagged
    found = text(reader.get(f"/campaigns/{number}/answers?tag=examples"))
    assert "1 comment of 6" in found

    with runtime.store.reading() as session:
        made = session.exec(select(CommentTag.id)).one()
    form = f"/campaigns/{number}/answers"
    reader.post(f"/campaigns/comment-tags/{made}/end", form_on=form)
    page = text(reader.get(form))
    assert "Taken off: “examples”." in page
    assert f"/campaigns/comment-tags/{made}/again" in page
    reader.post(f"/campaigns/comment-tags/{made}/again", form_on=form)
    assert 'examples <span class="soft">1</span>' in text(reader.get(form))


def test_an_empty_tag_is_told_on_the_list(app: Flask, runtime: Runtime) -> None:
    """The refusal stands at the top of the list it came from; a comment of another campaign is not there."""
    number, other = released(runtime), released(runtime, "other")
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    form = f"/campaigns/{number}/answers"
    with runtime.store.reading() as session:
        mine = session.exec(select(Comment.id).where(Comment.campaign_id == number)).first()
    answer = reader.post(f"/campaigns/{number}/comments/{mine}/tags", {"tag": " "}, form_on=form)
    assert "Write a word for the tag" in text(reader.get(answer.location))
    answer = reader.post(f"/campaigns/{other}/comments/{mine}/tags", {"tag": "x"}, form_on=form)
    assert answer.status_code == 404


def test_files_of_words_hold_no_key_and_come_in_a_new_order(app: Flask, runtime: Runtime) -> None:
    """No column but the words' own; two downloads of forty comments differ in their order; formulas are text."""
    number = released(runtime, comments=[*COMMENTS, *(f"Comment {n}." for n in range(40))])
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    first, second = (
        list(csv.DictReader(io.StringIO(text(reader.get(f"/campaigns/{number}/answers/comments.csv")))))
        for _ in range(2)
    )
    assert set(first[0]) == {"question", "comment", "tags"}
    assert first != second
    assert sorted(row["comment"] for row in first) == sorted(row["comment"] for row in second)
    assert "'=HYPERLINK(1) is no formula of ours" in {row["comment"] for row in first}
    rows = list(csv.DictReader(io.StringIO(text(reader.get(f"/campaigns/{number}/answers/words.csv")))))
    assert set(rows[0]) == {"question", "number", "choice", "words"}
    assert sorted(row["words"] for row in rows) == sorted(WORDS)


def test_many_comments_have_pages_that_lose_and_repeat_none(app: Flask, runtime: Runtime) -> None:
    """The links to the next pages keep the order that the first page drew."""
    number = released(runtime, comments=[f"Comment {n}." for n in range(120)])
    reader = logged_in(app, runtime, Role.SURVEY_READER)
    seen: list[str] = []
    address = f"/campaigns/{number}/answers"
    for _page in range(3):
        page = text(reader.get(address))
        seen += re.findall(r"Comment \d+\.", page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert address == ""
    assert len(seen) == len(set(seen)) == 120


# -- commands ---------------------------------------------------------------------------------------------------------


def test_commands_print_figures_and_write_files(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """The same figures as the page, and no word of an answer."""
    released(sqlite_runtime)
    taken_over(sqlite_runtime)

    def run(*words: str) -> str:
        answer = CliRunner().invoke(survey_commands, words, obj=lambda: sqlite_runtime, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return answer.output

    shown = run("campaign", "results", "spring")
    assert "12 of 40 (30.0\u202f%)" in shown
    assert "No effort available" in shown
    plain = json.loads(run("campaign", "results", "2017", "--json"))
    assert plain["questionnaires"]["rate"] == pytest.approx(965 / 1278)
    assert plain["persons"] == {"answered": None, "asked": None, "rate": None}
    files = {kind: str(tmp_path / f"figures.{kind}") for kind in ("csv", "xlsx", "pdf")}
    for words in (("campaign", "results", "spring"), ("compare",)):
        run(*words, *(part for kind, path in files.items() for part in (f"--{kind}", path)))
    assert Path(files["pdf"]).read_bytes().startswith(b"%PDF")
    assert "(closed 20" in run("compare")
    assert "(asked from 20" in run("compare")
    everything = shown + run("compare") + Path(files["csv"]).read_text(encoding="utf-8")
    assert not [said for said in (*COMMENTS, *WORDS) if said in everything]


def test_where_no_pdf_can_be_made_no_other_file_is_written(
    sqlite_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra both commands say how to get it before they write anything, and pages say who can help."""
    released(sqlite_runtime)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    files = [part for kind in ("csv", "xlsx", "pdf") for part in (f"--{kind}", str(tmp_path / f"figures.{kind}"))]
    for words in (("campaign", "results", "spring"), ("compare",)):
        with pytest.raises(RequestRefused, match="needs the extra `pdf`"):
            CliRunner().invoke(survey_commands, [*words, *files], obj=lambda: sqlite_runtime, catch_exceptions=False)
    assert list(tmp_path.glob("figures.*")) == []


def test_commas_part_tags(small_app: Flask, sqlite_runtime: Runtime) -> None:
    """One line makes several tags, as on the desk; a tag that cannot be keeps the others away as well."""
    campaign = released(sqlite_runtime)
    reader = logged_in(small_app, sqlite_runtime, Role.SURVEY_READER)
    page = f"/campaigns/{campaign}/answers"
    address = unescape(re.findall(r'action="([^"]+/tags[^"]*)"', reader.get(page).get_data(as_text=True))[0])
    reader.post(address, {"tag": "Too late, , calibration"}, form_on=page)
    reader.post(address, {"tag": f"data, {'x' * 200}"}, form_on=page)
    with sqlite_runtime.store.reading() as session:
        assert sorted(session.exec(select(CommentTag.tag))) == ["calibration", "too late"]


def test_survey_readers_begin_with_the_campaigns(small_app: Flask) -> None:
    """After login they are led to the campaigns side by side."""
    with small_app.test_request_context():
        assert landing(Actor(1, "Rosa Lind", Role.SURVEY_READER, None)) == "/campaigns/compare"
