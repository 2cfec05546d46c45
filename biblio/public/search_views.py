"""The public pages: search with facets, papers and projects at permanent addresses, every list as a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from biblio import webkit
from biblio.errors import NotFound
from biblio.public import exports, queries
from biblio.public.facets import FACETS, Value
from biblio.public.facts import PublicProject, find_project
from biblio.public.index import PublicIndex
from biblio.public.keeping import IndexKeeper
from biblio.public.marks import Marks
from biblio.public.queries import PublicPaper
from biblio.public.rates import count_file
from biblio.public.searching import FacetCounts, Found, did_you_mean, named_paper, search
from biblio.public.wanted import SORTS, Term, Wanted, identifier_in, read_address, read_query
from biblio.runtime import Runtime

COPIES = "cache"
"""Folder below ``home`` where a copy of the index lies: it may be deleted at any time."""
SIZE = 25
"""Papers on one page."""
FACET_SIZE = 6
"""Values of a facet shown at first; ``?more=`` a facet shows up to ``MORE_SIZE`` of it."""
MORE_SIZE = 100

SORT_LABELS = {"newest": "newest", "oldest": "oldest", "relevance": "relevance", "title": "title"}
FACET_LABELS = {
    "year": "Year",
    "data": "PI or archive data",
    "cycle": "Cycle",
    "category": "Category",
    "journal": "Journal",
    "author": "Author",
    "project": "Project",
    "refereed": "Refereed",
}


def add_rules(blueprint: Blueprint) -> None:
    """Put these pages into the public URL map."""
    for rule, view, name in (
        ("/", search_page, "search"),
        ("/projects", projects, "projects"),
        ("/project/<path:code>", project, "project"),
        ("/paper/<int:paper_id>", paper, "paper"),
    ):
        blueprint.add_url_rule(rule, name, view)
    blueprint.add_app_template_global(exports.identifier_links, "identifier_links")
    blueprint.add_app_template_global(Marks, "marks_of")


def current_index(unit: Session) -> PublicIndex:
    """Return this process's index of the public bibliography, as of now."""
    return _keeper(current_app).current(unit)


def begin_index(app: Flask) -> None:
    """Begin to make the index, so that it is there, or nearly, when the first reader comes."""
    _keeper(app).begin(webkit.runtime_of(app).store.engine)


def _keeper(app: Flask) -> IndexKeeper:
    wired = webkit.runtime_of(app)
    made = IndexKeeper(wired.clock, folder=wired.settings.home / COPIES)
    keeper: IndexKeeper = app.extensions.setdefault("biblio_public_index", made)
    return keeper


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet as a page offers it: a press chooses it, or takes it back."""

    value: str
    label: str
    count: int
    is_chosen: bool
    address: str


@dataclass(frozen=True, slots=True)
class FacetView:
    """One facet as a page shows it. ``more`` leads to more of its values, None where all are there."""

    name: str
    label: str
    choices: tuple[Choice, ...]
    total: int
    more: str | None


@webkit.action(webkit.PUBLIC)
def search_page() -> ResponseReturnValue:
    """The start page; with a query, what it finds."""
    wanted = read_address(request.args.to_dict(flat=False))
    if not wanted.is_anything and not request.args.get("format") and "q" not in request.args:
        return _start_page()
    wired = webkit.runtime()
    terms = read_query(wanted.words, wired.grammar)
    sizes = {name: MORE_SIZE if request.args.get("more") == name else FACET_SIZE for name in FACETS}
    with webkit.reading() as unit:
        index = current_index(unit)
        paper_id = None if wanted.is_filtered else named_paper(unit, index, identifier_in(wanted.words))
        if paper_id is not None and not request.args.get("format"):
            return redirect(url_for("public.paper", paper_id=paper_id))
        found = search(unit, index, wanted, terms, facets=sizes)
        page = webkit.paginate_counted(found.count, found.take, size=SIZE, exports=exports.FORMATS)
        if _is_file():
            count_file(len(page.items))
            return papers_file("papers", queries.in_parts(unit, index, page.items))
        papers = queries.filled(unit, index, page.items)
        ideas = did_you_mean(index, terms) if not found.count else []
    return render_template(
        "public/results.html",
        page=page,
        papers=papers,
        wanted=wanted,
        found=found,
        marks=Marks(terms),
        facets=[_facet_view(wired, wanted, found.facets[name]) for name in FACETS if name != "year"],
        years=_year_choices(found, wanted),
        chips=_chips(wired, wanted),
        codes=_codes_of(terms),
        ideas=[(idea, url_for("public.search", **{**wanted.address(), "q": idea})) for idea in ideas],  # type: ignore[arg-type]
        sorts=[(name, SORT_LABELS[name]) for name in SORTS if name != "relevance" or terms],
        this_year=wired.clock.today().year,
    )


def _start_page() -> ResponseReturnValue:
    wired = webkit.runtime()
    with webkit.reading() as unit:
        index = current_index(unit)
        newest = queries.filled(unit, index, index.newest(8))
        years = index.by_year()
        listed = index.project_list()
    return render_template(
        "public/start.html",
        totals=(len(index), len(listed)),
        years=[Choice(str(y), str(y), n, False, url_for("public.search", year=y)) for y, n in years],
        this_year=wired.clock.today().year,
        papers=newest,
        projects=listed[:10],
    )


def _facet_view(wired: Runtime, wanted: Wanted, counted: FacetCounts) -> FacetView:
    name = counted.name
    choices = tuple(_choice(wired, wanted, name, value) for value in counted.values)
    is_whole = len([c for c in choices if c.count]) >= counted.total
    more = None if is_whole else url_for("public.search", **_plain(wanted), more=name, _anchor=f"facet-{name}")  # type: ignore[arg-type]
    return FacetView(name, FACET_LABELS[name], choices, counted.total, more)


def _choice(wired: Runtime, wanted: Wanted, name: str, value: Value) -> Choice:
    label = label_of(wired, name, value.value)
    return Choice(value.value, label, value.count, value.is_chosen, _toggled(wanted, name, value.value))


def _toggled(wanted: Wanted, name: str, value: str) -> str:
    """Return the address at which ``value`` is chosen, or is not any more."""
    chosen = wanted.chosen.get(name, ())
    left = [one for one in chosen if one != value] if value in chosen else [*chosen, value]
    return url_for("public.search", **{**_plain(wanted), name: left})  # type: ignore[arg-type]


def _plain(wanted: Wanted) -> dict[str, str | list[str]]:
    """Return the address of a query; without anything asked it still is a list, not the start page."""
    return {"q": "", **wanted.address()}


def _year_choices(found: Found, wanted: Wanted) -> list[Choice]:
    chosen = wanted.chosen.get("year", ())
    return [Choice(str(y), str(y), n, str(y) in chosen, _toggled(wanted, "year", str(y))) for y, n in found.years]


def _chips(wired: Runtime, wanted: Wanted) -> list[tuple[str, str, str]]:
    """Return (facet, value, address without it) of every filter that is on."""
    chips = [
        (FACET_LABELS[name], label_of(wired, name, value), _toggled(wanted, name, value))
        for name, chosen in wanted.chosen.items()
        for value in chosen
    ]
    for name, year, words in (("from", wanted.first_year, "from"), ("to", wanted.last_year, "until")):
        if year:
            left = {key: value for key, value in _plain(wanted).items() if key != name}
            chips.append(("Years", f"{words} {year}", url_for("public.search", **left)))  # type: ignore[arg-type]
    return chips


def label_of(wired: Runtime, name: str, value: str) -> str:
    """Return a value of a facet as pages write it."""
    if name == "cycle":
        cycle = wired.profile.cycle(value)
        return cycle.name if cycle else value
    if name == "refereed":
        return "refereed" if value == "yes" else "not refereed"
    return value


def _codes_of(terms: Sequence[Term]) -> list[str]:
    """Return the project codes that a query names."""
    return list(dict.fromkeys(term.codes[0] for term in terms if term.codes and not term.is_not))


# -- files ------------------------------------------------------------------------------------------------------------


def _is_file() -> bool:
    return request.args.get("format") in exports.FORMATS


def papers_file(name: str, papers: Iterable[PublicPaper]) -> Response:
    """Return papers as the file that the address asks for; they are read here, once."""
    if webkit.wants("bib"):
        return webkit.file_response(exports.bibtex(papers), f"{name}.bib", "text/plain")
    if webkit.wants("bibcodes"):
        return webkit.file_response(exports.bibcodes(papers), f"{name}-bibcodes.txt", "text/plain")
    return webkit.table_response(name, exports.HEADER, (exports.row(paper) for paper in papers))


# -- projects and papers ----------------------------------------------------------------------------------------------


@webkit.action(webkit.PUBLIC)
def projects() -> ResponseReturnValue:
    """Projects and how many papers used them."""
    words = request.args.get("q", "").strip()[:300]
    sorts = {"code": lambda p: p.code, "papers": lambda p: p.papers, "newest": lambda p: p.newest}
    with webkit.reading() as unit:
        found = queries.matching_projects(current_index(unit), words)
    page = webkit.paginate_list(found, sorts=sorts, default_sort="-papers", filters={"q": words})
    if webkit.wants_table():
        count_file(len(page.items))
        rows = ((p.code, p.title, p.papers, p.newest) for p in page.items)
        return webkit.table_response("projects", ("project", "title", "papers", "newest paper"), rows)
    return render_template("public/projects.html", page=page)


@webkit.action(webkit.PUBLIC)
def project(code: str) -> ResponseReturnValue:
    """A project and the papers that used its data; the address is permanent, in any spelling of the code."""
    wired = webkit.runtime()
    with webkit.reading() as unit:
        index = current_index(unit)
        shown = project_called(unit, wired, code)
        if shown.code != code:
            return redirect(url_for("public.project", code=shown.code), 301)
        wanted = Wanted(chosen={"project": (shown.code,)})
        found = search(unit, index, wanted, ())
        page = webkit.paginate_counted(found.count, found.take, size=SIZE, exports=exports.FORMATS)
        if _is_file():
            count_file(len(page.items))
            return papers_file(shown.code, queries.in_parts(unit, index, page.items))
        papers = queries.filled(unit, index, page.items)
    pattern = wired.profile.observatory.archive_project_url
    return render_template(
        "public/project.html",
        project=shown,
        cycle=wired.profile.cycle(shown.cycle) if shown.cycle else None,
        archive=pattern.replace("{code}", quote(shown.code, safe="")) if pattern else None,
        page=page,
        papers=papers,
        permalink=permalink("public.project", code=shown.code),
    )


def project_called(unit: Session, wired: Runtime, code: str) -> PublicProject:
    """Return the project with this code, in any spelling that the grammar reads. Raises ``NotFound``."""
    code = code[:100]
    read = wired.grammar.canonical(code)
    found = find_project(unit, code) or (find_project(unit, read) if read else None)
    if found is None:
        raise NotFound(f"There is no project {code[:64]} in the observatory's list. Check the code, or search for it.")
    return found


@webkit.action(webkit.PUBLIC)
def paper(paper_id: int) -> ResponseReturnValue:
    """One paper: who wrote it, where to read it, whose data it used. An address of a paper that became another's leads there."""
    with webkit.reading() as unit:
        found = queries.find_paper(unit, current_index(unit), paper_id)
        if found is None:
            raise NotFound("There is no such paper in the public list.")
        uses = queries.data_use(unit, found.paper_id)
    if found.paper_id != paper_id:
        return redirect(url_for("public.paper", paper_id=found.paper_id), 301)
    if _is_file():
        count_file(1)
        return papers_file(f"paper-{paper_id}", [found])
    return render_template(
        "public/paper.html",
        paper=found,
        uses=uses,
        bibtex=exports.bibtex([found]),
        citation=exports.citation(found),
        meta=exports.citation_tags(found),
        permalink=permalink("public.paper", paper_id=found.paper_id),
    )


def permalink(endpoint: str, **values: str | int) -> str:
    """Return the permanent address of a page, under the site's public address."""
    return webkit.runtime().settings.base_url.rstrip("/") + url_for(endpoint, **values)  # type: ignore[arg-type]
