"""Papers that readers report: read in any spelling, kept once, without a sender, and followed up by librarians."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlmodel import select

from biblio.catalogue.identity import Identifier
from biblio.catalogue.pasted import read_identifier
from biblio.errors import RequestRefused
from biblio.public.service import read_code, without_contacts
from biblio.runtime import Runtime, checked_profile
from biblio.store.models import PaperReport
from biblio.store.words import ReportState, Role, Scheme
from matching.codes import Grammar
from tests.public.conftest import Shelf
from tests.web.visitors import Visitor, logged_in


@pytest.mark.parametrize(
    ("written", "scheme", "value"),
    [
        ("10.3847/1538-4357/ABC123", Scheme.DOI, "10.3847/1538-4357/abc123"),
        ("https://doi.org/10.3847/1538-4357/abc123", Scheme.DOI, "10.3847/1538-4357/abc123"),
        (" doi:10.1000/x ", Scheme.DOI, "10.1000/x"),
        ("2101.00001v3", Scheme.ARXIV, "2101.00001"),
        ("https://arxiv.org/pdf/2101.00001v3.pdf", Scheme.ARXIV, "2101.00001"),
        ("https://doi.org/10.48550/arXiv.2101.00001", Scheme.ARXIV, "2101.00001"),
        ("2019ApJ...873..123A", Scheme.BIBCODE, "2019ApJ...873..123A"),
        ("https://ui.adsabs.harvard.edu/abs/2019A%26A...625A.100B/abstract", Scheme.BIBCODE, "2019A&A...625A.100B"),
    ],
)
def test_a_paper_is_recognised_however_it_is_written(written: str, scheme: Scheme, value: str) -> None:
    """Numbers, addresses and prefixes all lead to the one spelling."""
    assert read_identifier(written) == Identifier(scheme, value)


@pytest.mark.parametrize("written", ["", "my paper", "10.1000", "https://example.org/", "<script>"])
def test_what_is_no_identifier_is_refused_with_advice(written: str) -> None:
    """The sentence says what to copy from where."""
    with pytest.raises(RequestRefused, match="copy it from"):
        read_identifier(written)


def test_a_code_is_recognised_with_its_prefix() -> None:
    """People paste the acknowledgement's form."""
    grammar = Grammar.from_plain(checked_profile("alma").codes)
    assert read_code("2013.1.00020.S", grammar) == "2013.1.00020.S"
    assert read_code(" ADS/JAO.ALMA#2013.1.00020.S. ", grammar) == "2013.1.00020.S"
    with pytest.raises(RequestRefused, match="no project code"):
        read_code("my project", grammar)


def test_contacts_are_left_out_of_notes() -> None:
    """Addresses and telephone numbers never reach the database; numbers of figures do."""
    note = without_contacts("Write to bora.ahn@example.org or +49 89 1234567, see Fig. 12 and 2013.1.00020.S")
    assert note == "Write to (contact left out) or (contact left out), see Fig. 12 and 2013.1.00020.S"


def _report(app: Flask, **data: str) -> str:
    answer = Visitor(app).post("/publication", data, form_on="/publication")
    return answer.headers.get("Location", str(answer.status_code))


def test_a_report_is_kept_once(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """The second report of the same paper and project is told so; one row waits, with no sender."""
    report = {"identifier": "arXiv:2105.00001", "project_code": "2015.1.00300.S", "note": "from me@example.org"}
    assert _report(app, **report) == "/publication/thanks?told=new"
    assert _report(app, **report) == "/publication/thanks?told=waiting"
    with runtime.store.reading() as session:
        row = session.exec(select(PaperReport)).one()
    assert (row.identifier, row.project_code, row.state) == ("2105.00001", "2015.1.00300.S", ReportState.WAITING)
    assert "example.org" not in row.note


@pytest.mark.usefixtures("shelf")
def test_a_listed_paper_is_not_reported(app: Flask, runtime: Runtime) -> None:
    """Who reports what is listed already is told so, and nobody gets work from it."""
    answer = _report(app, identifier="10.9999/rings.1", project_code="2013.1.00020.S")
    assert answer == "/publication/thanks?told=listed"
    with runtime.store.reading() as session:
        assert session.exec(select(PaperReport)).all() == []
    assert "listed for this project already" in Visitor(app).get(answer).get_data(as_text=True)


def test_both_mistakes_are_named_at_once(app: Flask) -> None:
    """Neither field hides the other's error, and what was typed is kept."""
    answer = Visitor(app).post(
        "/publication", {"identifier": "none", "project_code": "none either"}, form_on="/publication"
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Some things need your attention" in page
    assert 'href="#identifier"' in page
    assert 'href="#project_code"' in page
    assert 'value="none either"' in page


def test_a_librarian_follows_reports_up(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """The report is on the librarians' list with a link to the paper we know; taken up, it leaves; undo brings it back."""
    _report(app, identifier="10.9999/rings.1", project_code="2015.1.00300.S", note="<b>bold</b>")
    visitor = Visitor(app)
    visitor.log_in("librarian")
    page = visitor.get("/desk/reported").get_data(as_text=True)
    assert "10.9999/rings.1" in page
    assert "<b>bold" not in page
    assert "bold" in page
    assert "not in the catalogue" not in page
    with runtime.store.reading() as session:
        number = session.exec(select(PaperReport.id)).one()
    visitor.post(f"/desk/reported/{number}/taken", form_on="/account")
    assert "No report here" in visitor.get("/desk/reported").get_data(as_text=True)
    again = visitor.post(f"/desk/reported/{number}/declined", form_on="/account")
    assert again.status_code == 409
    visitor.post(f"/desk/reported/{number}/waiting", form_on="/account")
    assert "1 paper" in visitor.get("/desk/reported").get_data(as_text=True)


def test_reports_are_for_librarians(app: Flask, runtime: Runtime) -> None:
    """A manager neither sees nor handles them."""
    visitor = logged_in(app, runtime, Role.MANAGER)
    assert visitor.get("/desk/reported").status_code == 403
    assert visitor.post("/desk/reported/1/taken", form_on="/account").status_code == 403


def test_a_flood_of_reports_is_stopped(app: Flask) -> None:
    """One sender may tell us of twenty papers in an hour."""
    visitor = Visitor(app)
    token = visitor.token("/publication")
    answers = [
        visitor.client.post(
            "/publication",
            data={"csrf_token": token, "identifier": f"2101.{n:05d}", "project_code": "2013.1.00020.S"},
        ).status_code
        for n in range(21)
    ]
    assert answers == [302] * 20 + [429]
