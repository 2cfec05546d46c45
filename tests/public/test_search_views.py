"""The search page: facets, filters, chips, marks, ideas, permanent addresses."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from biblio.catalogue.corrections import correct
from biblio.runtime import Runtime
from biblio.store.models import Decision, SecondReading
from tests.conftest import NOW
from tests.factories import accept, add_paper, add_project
from tests.public.conftest import Shelf
from tests.web.visitors import Visitor

RINGS = "Rings in the disc"


def _page(app: Flask, address: str) -> str:
    return Visitor(app).get(address, follow_redirects=True).get_data(as_text=True)


def _facet(page: str, name: str) -> list[tuple[str, str, str]]:
    """Return (label, count, address) of each value of a facet on a page."""
    section = page.split(f'id="facet-{name}"', 1)[1].split("</section>", 1)[0]
    found = re.findall(
        r'href="([^"]+)"[^>]*>.*?<span dir="auto">([^<]+)</span>.*?<span class="figure">([^<]+)</span>', section
    )
    return [(label, count, address.replace("&amp;", "&")) for address, label, count in found]


@pytest.mark.usefixtures("shelf")
def test_a_facet_offers_what_choosing_it_gives(app: Flask) -> None:
    """The count beside a value is the count of the page it leads to; chosen, it leads back."""
    page = _page(app, "/?q=")
    for name in ("author", "project", "refereed", "cycle", "data", "journal"):
        for label, count, address in _facet(page, name):
            chosen = _page(app, address)
            assert f"{count} paper" in chosen.split('class="list-count"', 1)[1][:60], (name, label)
            back = next(there for one, _, there in _facet(chosen, name) if one == label)
            assert name + "=" not in back
            assert "Remove the filter" in chosen


@pytest.mark.usefixtures("shelf")
def test_values_of_one_facet_widen_and_facets_narrow(app: Flask) -> None:
    """Two authors: papers of either. An author and refereed: papers of both."""
    assert "2 papers" in _page(app, "/?author=Berg%2C+L.&author=%C3%87elik%2C+D.")
    assert "1 paper" in _page(app, "/?author=Berg%2C+L.&refereed=yes")
    assert "No paper was found" in _page(app, "/?author=%C3%87elik%2C+D.&refereed=no")


def test_more_of_a_facet_is_one_press_away(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """A long facet says how many values there are, and shows them on demand, in the address."""
    with runtime.store.writing() as session:
        names = [f"{chr(65 + n)}test, A." for n in range(12)]
        accept(session, shelf.librarian, add_paper(session, "Many", authors=names), shelf.project)
    page = _page(app, "/?q=many")
    assert len(_facet(page, "author")) == 6
    assert "More of 12" in page
    assert len(_facet(_page(app, "/?q=many&more=author"), "author")) == 12


@pytest.mark.usefixtures("shelf")
def test_a_span_of_years_narrows(app: Flask) -> None:
    """From … to, either alone too, the wrong way round too; the bars go on showing the years beside."""
    for query, count in (("from=2020", 1), ("to=2020", 1), ("from=2019&to=2021", 2), ("from=2021&to=2019", 2)):
        assert f"{count} paper" in _page(app, f"/?q=&{query}"), query
    page = _page(app, "/?q=&from=2020")
    assert "2019</a>" in page
    assert "from 2020" in page


@pytest.mark.usefixtures("shelf")
def test_what_was_found_is_marked(app: Flask) -> None:
    """In title and name, and in an abstract only where its terms let us show it."""
    page = _page(app, "/?q=disc+author:celik")
    assert "<mark>disc</mark>" in page
    assert "<mark>Çelik</mark>" in page
    assert "No paper was found" in _page(app, "/?q=secret")


def test_an_abstract_that_may_be_shown_is_searched_and_marked(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """A person's abstract is ours: it is found, with the passage under the title."""
    with runtime.store.writing() as session:
        correct(session, shelf.librarian, shelf.rings, "abstract", "A <b>cold</b> isotopologue was seen.", now=NOW)
    page = _page(app, "/?q=isotopologue")
    assert "A &lt;b&gt;cold&lt;/b&gt; <mark>isotopologue</mark> was seen." in page
    assert "1 paper" in _page(app, "/?q=abstract:%22isotopologue+was%22")


@pytest.mark.usefixtures("shelf")
def test_a_word_nobody_wrote_brings_an_idea(app: Flask) -> None:
    """A mistyped name, word or code is offered as the likest there is; nonsense brings none."""
    for typed, meant in (("torsu", "torus"), ("celikk", "celik"), ("author:brg", ""), ("2013.1.00021.S", "2013.1.00020.S"),
                         ("rigns+dusty", "rings dusty"), ("xqzvw", "")):  # fmt: skip
        page = _page(app, f"/?q={typed}")
        assert (f">{meant}</a>?" in page) if meant else ("Did you mean" not in page), typed


@pytest.mark.usefixtures("shelf")
def test_a_code_in_the_box_leads_to_its_project_too(app: Flask) -> None:
    """Its papers are listed, with the way to the project's own page."""
    page = _page(app, "/?q=2013.1.00020.s")
    assert "2 papers" in page
    assert 'href="/project/2013.1.00020.S">2013.1.00020.S</a> is a project' in page


def test_an_identifier_in_the_box_opens_the_paper(app: Flask, shelf: Shelf) -> None:
    """Unless a file or other filters were asked for."""
    for query in ("10.9999/RINGS.1", "arXiv:1901.00001v3", "2019JTest.123...45C"):
        answer = Visitor(app).get("/", query_string={"q": query})
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/paper/{shelf.rings}")
        assert Visitor(app).get("/", query_string={"q": query, "format": "bibcodes"}).status_code == 200
        assert Visitor(app).get("/", query_string={"q": query, "refereed": "yes"}).status_code == 200


def test_a_paper_has_a_permalink_and_tells_machines(app: Flask, shelf: Shelf) -> None:
    """Canonical address, citation and meta tags; no script anywhere."""
    page = _page(app, f"/paper/{shelf.rings}")
    assert f'<link rel="canonical" href="http://127.0.0.1:8000/paper/{shelf.rings}">' in page
    assert '<meta name="citation_doi" content="10.9999/rings.1">' in page
    assert page.count('<meta name="citation_author"') == 5
    assert "et al., 2019" in page
    assert "@article{2019JTest.123...45C," in page
    assert "ld+json" not in page


def test_any_spelling_of_a_code_is_a_permalink(app: Flask, shelf: Shelf) -> None:
    """With the acknowledgement's prefix or in small letters, for pages and programs."""
    for written in ("2013.1.00020.s", "ADS/JAO.ALMA%232013.1.00020.S"):
        answer = Visitor(app).get(f"/project/{written}")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/project/2013.1.00020.S")
        assert Visitor(app).get(f"/api/projects/{written}").get_json()["code"] == "2013.1.00020.S"


def test_a_paper_under_second_reading_is_nowhere(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """Pages, files, API and counts show nothing of it until both have judged."""
    with runtime.store.writing() as session:
        decision = session.get_one(Decision, 1)
        reading = SecondReading(paper_id=shelf.rings, project_id=shelf.project, decision_id=1,
                                first_reader_id=decision.actor_id, drawn_at=NOW)  # fmt: skip
        session.add(reading)
        session.flush()
        number = reading.id
    addresses = ("/", "/?q=rings", "/?q=&format=csv", "/?q=&format=bib", "/project/2013.1.00020.S", "/api/papers",
                 "/api/projects/2013.1.00020.S", "/projects?format=csv")  # fmt: skip
    for address in addresses:
        text = _page(app, address)
        assert RINGS not in text, address
    for address in (f"/paper/{shelf.rings}", f"/api/papers/{shelf.rings}"):
        assert Visitor(app).get(address).status_code == 404
    with runtime.store.writing() as session:
        session.get_one(SecondReading, number).ended_at = NOW
    for address in addresses[:-1]:
        assert RINGS in _page(app, address), address


def test_hostile_titles_stay_text(app: Flask, runtime: Runtime, shelf: Shelf) -> None:
    """Scripts, TeX links, marks of direction and ten thousand characters: shown, marked and filed as text."""
    titles = (
        "<script>alert(1)</script> torus",
        r"\href{javascript:alert(1)}{torus} of dust",
        "\u202esurot torus",
        "torus " * 2000,
    )
    with runtime.store.writing() as session:
        project = add_project(session, "2016.1.00001.S", title="<img src=x onerror=alert(1)>")
        for title in titles:
            accept(session, shelf.librarian, add_paper(session, title, authors=("<b>Evil</b>, X.",)), project)
    for address in ("/?q=torus", "/?q=torus+evil&sort=title", "/project/2016.1.00001.S", "/projects"):
        page = _page(app, address)
        for bad in ("<script>alert", "<img src=x", "<b>Evil", 'href="javascript', "\u202e"):
            assert bad not in page, (address, bad)
        assert len(page) < 200_000


@pytest.mark.parametrize(
    "query", ["q=%00", "year=99999999999&q=", "author=" + "x" * 5000, "from=²&q=", "more=evil&q=", "sort=-year&q="]
)
def test_nonsense_in_the_address_breaks_nothing(app: Flask, shelf: Shelf, query: str) -> None:
    """A page, or a refusal in words."""
    assert Visitor(app).get(f"/?{query}").status_code in (200, 400)


def test_a_paper_says_whose_data_it_used_and_why(app: Flask, shelf: Shelf) -> None:
    """With the author who settles it, and where its links to data are for machines."""
    page = _page(app, f"/paper/{shelf.rings}")
    assert "PI data" in page
    assert "Author 1 of 5, Çelik, D., is PI of 2013.1.00020.S." in page
    assert f"/feeds/scholix.json?paper={shelf.rings}" in page
    torus = _page(app, f"/paper/{shelf.torus}")
    assert "undetermined" in torus
    assert "Of 2013.1.00020.S only the PI is known, who is not among the authors." in torus
