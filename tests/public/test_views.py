"""The public pages: what anyone can find, and what nobody sees."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from biblio.catalogue.links import Ruling, decide
from biblio.clock import FixedClock
from biblio.public import queries
from biblio.public.feature import feature as public
from biblio.public.index import PublicIndex
from biblio.runtime import Runtime
from biblio.store.models import Paper, PaperRevision, ProjectRevision
from biblio.store.words import Role, Verdict
from biblio.web import create_app
from tests.factories import accept, add_paper, add_project
from tests.public.conftest import Shelf
from tests.web.visitors import Visitor, add_person


def _page(app: Flask, path: str) -> str:
    return Visitor(app).get(path, follow_redirects=True).get_data(as_text=True)


def _titles(app: Flask, query: str) -> list[str]:
    answer = Visitor(app).get("/api/papers.json", query_string={"q": query})
    return [paper["title"] for paper in answer.get_json()["papers"]]


RINGS = "Rings in the disc of a 100% fictional star"
TORUS = "=A dusty torus, resolved"


@pytest.mark.usefixtures("shelf")
def test_the_start_page_counts_and_lists(app: Flask) -> None:
    """Two papers of one project, by year, newest first; the years between are there with nothing."""
    page = _page(app, "/")
    assert "2 papers that used the data of 1 project" in page
    assert page.index(TORUS) < page.index(RINGS.replace("%", "%"))
    assert "2019" in page
    assert "2020" in page
    assert "2013.1.00020.S" in page


def test_an_empty_bibliography_says_what_will_fill_it(small_public_app: Flask) -> None:
    """Before the first verified paper the page is no blank."""
    assert "No paper is listed yet" in _page(small_public_app, "/")
    assert "No project matches" in _page(small_public_app, "/projects")


SEARCHES: list[tuple[str, list[str]]] = [
    ("rings", [RINGS]),
    ("RINGS disc", [RINGS]),
    ("rings torus", []),
    ('"dusty torus"', [TORUS]),
    ('"torus dusty"', []),
    ("berg", [TORUS, RINGS]),
    ("çelik", [RINGS]),
    ("ÇELIK", [RINGS]),
    ("Müller", [RINGS]),
    ("2021", [TORUS]),
    ("2013.1.00020.S", [TORUS, RINGS]),
    ("https://doi.org/10.9999/RINGS.1", [RINGS]),
    ("arXiv:1901.00001v2", [RINGS]),
    ("2019JTest.123...45C", [RINGS]),
    ("100%", [RINGS]),
    ("%", []),
    ("% rings", [RINGS]),
    ("_ings", []),
    ("ings", []),
    ("ring", [RINGS]),
    ("tor", []),
    ('"ring"', []),
    ("author:berg", [TORUS, RINGS]),
    ("author:torus", []),
    ("title:torus", [TORUS]),
    ("title:berg", []),
    ('author:"Berg, L"', [TORUS, RINGS]),
    ('author:"L. Berg"', [TORUS, RINGS]),
    ("berg -torus", [RINGS]),
    ("-torus", [RINGS]),
    ("2018-2020", [RINGS]),
    ("year:2021", [TORUS]),
    ("year:2020", []),
    ("2013.1.0002", [TORUS, RINGS]),
    ("2013.1.00020.s", [TORUS, RINGS]),
    ("ADS/JAO.ALMA#2013.1.00020.S", [TORUS, RINGS]),
    ("2013.1.00020.S rings", [RINGS]),
    ("project:2013.1.00020.S", [TORUS, RINGS]),
    ("-2013.1.00020.S", []),
    ("2099.1.00001.S", []),
    ("\\", []),
    ("'; DROP TABLE paper; --", []),
    ("mention", []),
    ("nobody", []),
]
"""What is typed, and what is found, newest first."""


@pytest.mark.usefixtures("shelf")
def test_search_finds_words_names_years_and_identifiers(app: Flask) -> None:
    """All words must be found; wildcards are characters; only accepted science papers are there."""
    for query, found in SEARCHES:
        assert _titles(app, query) == found, query


@pytest.mark.usefixtures("shelf")
def test_filters_stand_in_the_address_and_can_be_removed(app: Flask) -> None:
    """Year and refereed narrow the list; each has a link that takes it away."""
    page = _page(app, "/?q=berg&refereed=yes")
    assert "1 paper" in page
    assert RINGS in page
    assert 'href="/?q=berg"' in page
    assert "1 paper" in _page(app, "/?year=2021")
    assert "2 papers" in _page(app, "/?q=&year=not-a-year")


def test_no_abstract_and_no_address_is_public(app: Flask, shelf: Shelf) -> None:
    """Nothing holds an abstract nobody knows the source of, nor a PI's e-mail address (more in ``test_terms.py``)."""
    paths = [
        "/",
        "/?q=rings",
        "/?q=rings&format=csv",
        "/?q=rings&format=bib",
        f"/paper/{shelf.rings}",
        "/project/2013.1.00020.S",
        "/api/papers.json",
        "/api/projects/2013.1.00020.S.json",
    ]
    for path in paths:
        text = _page(app, path)
        assert RINGS.split("%", maxsplit=1)[0] in text.replace("\\%", "%"), path
        assert "SECRET ABSTRACT" not in text, path
        assert "bora.ahn@example.org" not in text, path


def test_a_project_has_a_permanent_page(app: Flask, shelf: Shelf) -> None:
    """PI, cycle, archive, acknowledgement and papers; another spelling leads there for good."""
    page = _page(app, "/project/2013.1.00020.S")
    for words in ("Discs at high resolution", "Çelik, Deniz", "Cycle 2", RINGS, TORUS, "ADS/JAO.ALMA#2013.1.00020.S"):
        assert words in page
    assert "projectCode=2013.1.00020.S" in page
    moved = Visitor(app).get("/project/2013.1.00020.s")
    assert moved.status_code == 301
    assert moved.headers["Location"] == "/project/2013.1.00020.S"


@pytest.mark.usefixtures("shelf")
def test_a_project_without_papers_says_so_and_offers_help(app: Flask) -> None:
    """A silent project's page tells what would fill it, and the form knows its code."""
    page = _page(app, "/project/2015.1.00300.S")
    assert "No paper is listed for this project" in page
    assert "/publication?project=2015.1.00300.S" in page
    assert 'value="2015.1.00300.S"' in _page(app, "/publication?project=2015.1.00300.S")


def test_an_unknown_project_or_paper_is_not_found(app: Flask, shelf: Shelf) -> None:
    """Also a paper that exists but is not public, and numbers no database holds."""
    for path in (
        "/project/2099.1.00001.S",
        "/api/projects/2099.1.00001.S.json",
        f"/paper/{shelf.mention}",
        f"/paper/{shelf.unjudged}",
        "/paper/99999999999999999999",
    ):
        assert Visitor(app).get(path).status_code == 404, path


def test_a_paper_links_to_where_it_can_be_read(app: Flask, shelf: Shelf) -> None:
    """DOI, ADS and arXiv, whoever published it, and every author."""
    page = _page(app, f"/paper/{shelf.rings}")
    for address in (
        "https://doi.org/10.9999/rings.1",
        "https://ui.adsabs.harvard.edu/abs/2019JTest.123...45C/abstract",
        "https://arxiv.org/abs/1901.00001",
    ):
        assert f'href="{address}"' in page
    assert "Díaz, E." in page


def test_a_merged_paper_leads_to_the_one_that_stands_for_it(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """Old addresses go on working after preprint and article were found to be one."""
    with runtime.store.writing() as session:
        twin = session.get_one(Paper, shelf.unjudged)
        twin.merged_into_id = shelf.rings
        session.add(twin)
    answer = Visitor(app).get(f"/paper/{shelf.unjudged}")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/paper/{shelf.rings}"


def test_a_rejected_paper_disappears_at_once(app: Flask, runtime: Runtime, shelf: Shelf, clock: FixedClock) -> None:
    """The public list follows the librarians' decisions without a job in between."""
    ruling = Ruling(shelf.torus, shelf.project, Verdict.REJECT, version_seen=1)
    with runtime.store.writing() as session:
        decide(session, shelf.librarian, ruling, now=clock.now())
    assert _titles(app, "torus") == []
    assert "1 paper that used" in _page(app, "/")


@pytest.mark.usefixtures("shelf")
def test_exports_hold_the_whole_list(app: Flask) -> None:
    """CSV with a title that no spreadsheet runs; BibTeX with keys, authors and projects."""
    rows = _page(app, "/?q=berg&format=csv").splitlines()
    assert rows[0].startswith("title,authors,year")
    assert len(rows) == 3
    assert rows[1].startswith("\"'=A dusty torus")
    bib = _page(app, "/?q=rings&format=bib")
    assert bib.startswith("@article{2019JTest.123...45C,")
    assert "author = {Çelik, D. and Berg, L. and Müller, K. and Ahn, B. and Díaz, E.}" in bib
    assert "100\\% fictional" in bib
    assert "Projects: 2013.1.00020.S" in bib


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("kind", ["csv", "bib", "bibcodes"])
def test_files_are_made_of_some_papers_at_a_time(app: Flask, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """However few are held at once, the file is the same, in the same order."""
    whole = _page(app, f"/?q=&format={kind}")
    held: list[int] = []

    def filled(session: Session, index: PublicIndex, ids: Sequence[int]) -> list[queries.PublicPaper]:
        held.append(len(ids))
        return fill(session, index, ids)

    fill = queries.filled
    monkeypatch.setattr(queries, "filled", filled)
    monkeypatch.setattr(queries, "AT_ONCE", 1)
    assert _page(app, f"/?q=&format={kind}") == whole
    assert len(held) > 1
    assert set(held) == {1}


@pytest.mark.usefixtures("shelf")
def test_the_api_gives_facts_and_the_next_page(app: Flask) -> None:
    """Counts, identifiers and projects as JSON; a project with its papers."""
    papers = Visitor(app).get("/api/papers.json?year=2019").get_json()
    assert papers["count"] == 1
    assert papers["next"] is None
    assert papers["papers"][0]["identifiers"] == {
        "doi": "10.9999/rings.1",
        "arxiv": "1901.00001",
        "bibcode": "2019JTest.123...45C",
    }
    project = Visitor(app).get("/api/projects/2013.1.00020.S.json").get_json()
    assert project["count"] == 2
    assert "email" not in json.dumps(project)


@pytest.mark.usefixtures("shelf")
def test_projects_are_listed_with_their_papers(app: Flask) -> None:
    """Only projects with a public paper, counted; filtered by PI; sorted as the address says."""
    page = _page(app, "/projects")
    assert "1 project" in page
    assert "2015.1.00300.S" not in page
    assert "1 project" in _page(app, "/projects?q=%C3%A7elik&sort=-newest")
    assert _page(app, "/projects?format=csv").splitlines()[1] == "2013.1.00020.S,Discs at high resolution,2,2021"


@pytest.mark.usefixtures("shelf")
def test_nonsense_in_the_address_gives_the_first_page(app: Flask) -> None:
    """A mistyped address is no error."""
    for query in ("page=0", "page=-1", "page=abc", "page=999999999999", "sort=evil", "page=²", "format=x"):
        answer = Visitor(app).get(f"/?q=&{query}")
        assert answer.status_code == 200, query
        assert RINGS.split("%", maxsplit=1)[0] in answer.get_data(as_text=True), query


def test_no_name_or_journal_turns_the_writing_around(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """Marks of direction and control characters of names, journals, abstracts and projects reach no page, file or answer."""
    turned = "\u202eevil\x01"
    with runtime.store.writing() as session:
        project = session.exec(select(ProjectRevision).where(col(ProjectRevision.project_id) == shelf.project)).one()
        project.title, project.pi, project.category = (f"{name}{turned}" for name in ("Gas", "Ahn", "Sun"))
        paper = add_paper(session, f"Turned{turned}", authors=(f"Kim{turned}, A.",), abstract=f"cold{turned}")
        shown = session.exec(select(PaperRevision).where(col(PaperRevision.paper_id) == paper)).one()
        shown.journal, shown.volume, shown.page, shown.keywords = turned, turned, turned, [turned]
        shown.provenance = {"abstract": "arxiv", "keywords": "arxiv"}
        session.add_all([project, shown])
        accept(session, shelf.librarian, paper, shelf.project)
    places = ("/", "/?q=turned", f"/paper/{paper}", "/project/2013.1.00020.S", "/projects", "/api/projects",
              f"/api/papers/{paper}", "/api/papers?facets=author,journal,category", "/api/projects/2013.1.00020.S",
              "/?q=&format=bib", "/?q=&format=csv")  # fmt: skip
    for place in places:
        told = _page(app, place)
        assert "evil" in told, place
        assert not {"\u202e", "\\u202e", "\x01", "\\u0001", "\ufffd"} & {*told, *re.findall(r"\\u[0-9a-f]{4}", told)}, (
            place
        )
    assert "1 paper" in _page(app, "/?author=Kimevil%2C+A.")


def test_papers_whose_year_nobody_knows_are_listed_all_the_same(runtime: Runtime, app: Flask) -> None:
    """Where no paper of the list has a year, the start page has no bars, and stands."""
    librarian = add_person(runtime, Role.LIBRARIAN)
    with runtime.store.writing() as session:
        paper = add_paper(session, "Some day", year=None)  # type: ignore[arg-type]
        accept(session, librarian, paper, add_project(session, "2013.1.00020.S"))
    assert "Of no paper the year is known" in _page(app, "/")
    assert "1 paper" in _page(app, "/?q=")


@pytest.fixture
def small_public_app(runtime: Runtime) -> Flask:
    """The public pages on an empty database."""
    return create_app(runtime, features=[public])
