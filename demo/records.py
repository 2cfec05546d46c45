"""The demo's papers as two services describe them: arXiv metadata and ADS documents, field names as theirs.

All identifiers are invented so that they meet no real paper: arXiv numbers above 90000 in a month, DOIs under the
test prefix 10.5555.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

from demo import words
from demo.papers import NOT_OURS, SCIENCE, Paper
from demo.people import as_printed, initials
from demo.projects import Project
from demo.texts import CONTENT_TYPES

Json = dict[str, Any]

_CATEGORIES = {
    words.HIGH_REDSHIFT: ("astro-ph.CO", "astro-ph.GA"),
    words.GALAXIES: ("astro-ph.GA",),
    words.STAR_FORMATION: ("astro-ph.GA", "astro-ph.SR"),
    words.DISKS: ("astro-ph.EP", "astro-ph.SR"),
    words.STARS: ("astro-ph.SR", "astro-ph.HE"),
}
_EIGHT_MONTHS = 243
_RECENT = 1_000
"""Days before today; a little less than the three years of a re-sweep."""
_SUFFIXES = {"pdf": "pdf", "broken_pdf": "pdf", "gz": "gz"}
_DOCTYPES = {"article": "article", "proceedings": "inproceedings", "thesis": "phdthesis", "erratum": "erratum"}


class Registrar:
    """Hands out identifiers that are never used twice."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._months: Counter[str] = Counter()
        self._documents = 0
        self._pages: Counter[str] = Counter()

    def arxiv_id(self, day: date) -> str:
        """Return the next number of the month: nine times out of nine above what arXiv ever reached."""
        month = day.strftime("%y%m")
        self._months[month] += 1
        serial = self._months[month]
        return f"{month}.9{serial * 37:03d}" if day < date(2015, 1, 1) else f"{month}.9{serial * 137:04d}"

    def document(self) -> int:
        """Return the next internal number of the search service."""
        self._documents += 1
        return 20_000_000 + self._documents * 31

    def page(self, journal: str, volume: int) -> int:
        """Return a page no other paper of this volume has."""
        self._pages[f"{journal} {volume}"] += 1
        return self._pages[f"{journal} {volume}"] * 11 + self.rng.randint(0, 9)


def bibcode(year: int, stem: str, volume: str, page: str, initial: str, qualifier: str = ".") -> str:
    """Return the 19 characters of a bibcode: year, journal, volume, qualifier, page, initial."""
    return f"{year}{stem:.<5}{volume:.>4}{qualifier}{page:.>4}{initial}"


def arxiv_record(paper: Paper, registrar: Registrar) -> Json | None:
    """Return what arXiv knows of the paper, or ``None`` when it never was there."""
    if not paper.on_arxiv:
        return None
    rng = registrar.rng
    identifier = registrar.arxiv_id(paper.submitted_on)
    versions = [_version(rng, 1, paper.submitted_on)]
    if paper.accepted_on and (rng.random() < 0.7 or not paper.has_acknowledged_in_first_version):
        versions.append(_version(rng, 2, paper.accepted_on + timedelta(3)))
    if paper.sort == "withdrawn":
        versions.append(_version(rng, 2, paper.submitted_on + timedelta(30)) | {"size": "0kb"})
    topics = [project.topic.category for project in paper.projects]
    known = list(_CATEGORIES[topics[0]]) if topics else [rng.choice(("astro-ph.GA", "astro-ph.SR", "astro-ph.EP"))]
    if paper.relation == NOT_OURS:
        known = [rng.choice(("astro-ph.IM", "astro-ph.HE", "astro-ph.SR"))]
    style = rng.random()
    given = [author.spoken if style < 0.7 else f"{initials(author.given)} {author.last}" for author in paper.authors]
    return {
        "id": identifier,
        "versions": versions,
        "title": paper.title,
        "authors": given,
        "submitter": paper.authors[0].spoken,
        "abstract": paper.abstract,
        "categories": known,
        "comment": _comment(rng, paper, len(versions)),
        "journal_ref": None,
        "doi": None,
        "license": "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
        **_packing(paper, identifier),
    }


def _packing(paper: Paper, identifier: str) -> Json:
    """Return where the e-print of each version lies in the folder, and how the service labels it."""
    if paper.eprint is None:
        return {"eprint": None, "eprint_v1": None, "content_type": None}
    suffix = _SUFFIXES.get(paper.eprint, "tar.gz")
    early = None if paper.has_acknowledged_in_first_version else f"{identifier}v1.{suffix}"
    kind = CONTENT_TYPES.get(paper.eprint, "application/gzip")
    return {"eprint": f"{identifier}.{suffix}", "eprint_v1": early, "content_type": kind}


def _version(rng: random.Random, number: int, day: date) -> Json:
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    return {"version": number, "date": f"{day.isoformat()}T{clock}Z", "size": f"{rng.randint(90, 4000)}kb"}


def _comment(rng: random.Random, paper: Paper, versions: int) -> str | None:
    if paper.sort == "withdrawn":
        return "This paper has been withdrawn by the authors: the flux scale was wrong."
    pages = f"{rng.randint(8, 31)} pages, {rng.randint(3, 14)} figures"
    if paper.sort == "proceedings":
        return f"{pages}. To appear in the proceedings of the Brennholm symposium"
    if paper.accepted_on and versions > 1:
        return f"{pages}, accepted for publication in {paper.journal[1]}"
    return rng.choice((pages, f"{pages}, submitted to {paper.journal[1]}", "comments welcome", None))


def ads_documents(paper: Paper, arxiv: Json | None, registrar: Registrar, today: date) -> list[Json]:
    """Return the search service's records of the paper: none yet, a preprint, an article, or both unmerged.

    Fills in the arXiv record's DOI and journal reference where the authors gave them.
    """
    documents: list[Json] = []
    article = _article(paper, registrar, today) if paper.published_on else None
    if article and arxiv:
        _join(paper, arxiv, article)
    if article:
        documents.append(article)
    entered = paper.submitted_on + timedelta(4)
    separate = article is None or paper.pair == "unmerged"
    if arxiv and separate and entered < today:
        documents.append(_preprint(paper, arxiv, registrar, entered))
    return documents


def _join(paper: Paper, arxiv: Json, article: Json) -> None:
    """Let the identifiers of preprint and article meet in the way the paper's ``pair`` says."""
    reference = f"{article['bibstem'][0]} {article['volume']}, {article['page'][0]} ({article['year']})"
    if paper.pair in ("all", "doi_only"):
        arxiv["doi"] = article["doi"][0]
        arxiv["journal_ref"] = reference if paper.pair == "all" else None
    if paper.pair in ("all", "ads_both") or paper.sort != "article":
        code = _arxiv_bibcode(arxiv["id"], paper)
        article["alternate_bibcode"] = [code]
        article["identifier"] += [code, arxiv["id"], f"arXiv:{arxiv['id']}"]
        article["eid"] = article["page"][0]
        article["esources"] = ["EPRINT_PDF", "PUB_PDF"]
        article["entdate"] = (paper.submitted_on + timedelta(4)).isoformat()
        article["arxiv_class"] = arxiv["categories"]
    if paper.pair == "unmerged":
        article["title"] = [_reworded(article["title"][0])]


def _reworded(title: str) -> str:
    """Return the title as the copy editor changed it: the reason why nobody merged the two records."""
    head, colon, tail = title.partition(": ")
    if colon:
        return f"{head[0].upper() + head[1:]} - {tail}"
    return f"ALMA observations: {title[0].lower() + title[1:]}" if len(title) % 2 else f"{title} in context"


def _arxiv_bibcode(identifier: str, paper: Paper) -> str:
    compact = identifier.replace(".", "")
    month = compact if len(compact) == 9 else identifier
    return f"{paper.submitted_on.year}arXiv{month}{_initial(paper)}"


def _initial(paper: Paper) -> str:
    """Return the last letter of the bibcode; what is no plain letter is printed without its mark."""
    letter = as_printed(paper.authors[0], "plain")[0].upper()
    return letter if letter.isascii() and letter.isalpha() else "X"


def _common(paper: Paper, registrar: Registrar) -> Json:
    rng = registrar.rng
    style = rng.choice(("full", "initials", "plain"))
    authors = [as_printed(author, style) for author in paper.authors]
    affiliations = [author.affiliation for author in paper.authors]
    if paper.affiliation_suffix:
        affiliations[0] += paper.affiliation_suffix
    number = registrar.document()
    return {
        "id": str(number),
        "work": paper.id,
        "author": authors,
        "author_count": len(authors),
        "first_author": authors[0],
        "aff": affiliations,
        "orcid_pub": ["-"] * len(authors),
        "title": [paper.title],
        "abstract": paper.abstract,
        "database": ["astronomy"],
        "keyword": paper.projects[0].keywords if paper.projects else ["methods: analytical"],
        "citation_count": 0,
        "read_count": rng.randint(0, 60),
        "data": [],
        "bibgroup": [],
    }


def _stamps(entered: date) -> Json:
    later = (entered + timedelta(12)).isoformat()
    return {
        "entdate": entered.isoformat(),
        "entry_date": f"{entered.isoformat()}T00:00:00Z",
        "indexstamp": f"{later}T02:11:40.120Z",
        "metadata_mtime": f"{later}T01:04:05.000Z",
        "fulltext_mtime": f"{later}T01:44:21.000Z",
    }


def _preprint(paper: Paper, arxiv: Json, registrar: Registrar, entered: date) -> Json:
    code = _arxiv_bibcode(arxiv["id"], paper)
    identifier = arxiv["id"]
    month = paper.submitted_on.replace(day=1)
    return {
        **_common(paper, registrar),
        "bibcode": code,
        "alternate_bibcode": [],
        "identifier": [f"arXiv:{identifier}", identifier, code, f"10.48550/arXiv.{identifier}"],
        "doi": [f"10.48550/arXiv.{identifier}"],
        "doctype": "eprint",
        "pub": "arXiv e-prints",
        "bibstem": ["arXiv", "arXiv"],
        "page": [f"arXiv:{identifier}"],
        "eid": f"arXiv:{identifier}",
        "year": str(month.year),
        "pubdate": f"{month:%Y-%m}-00",
        "date": f"{month.isoformat()}T00:00:00Z",
        "property": ["ARTICLE", "EPRINT_OPENACCESS", "ESOURCE", "NOT REFEREED", "OPENACCESS"],
        "esources": ["EPRINT_HTML", "EPRINT_PDF"],
        "arxiv_class": arxiv["categories"],
        **_stamps(entered),
    }


def _article(paper: Paper, registrar: Registrar, today: date) -> Json:
    assert paper.published_on is not None
    rng, month, (journal, stem, short, _) = registrar.rng, paper.published_on, paper.journal
    volume = {"ApJ": 800, "ApJL": 800, "A&A": 570, "MNRAS": 450, "AJ": 150}.get(stem, 10) + (month.year - 2014) * 9
    if paper.sort == "thesis":
        journal, stem, short, volume = "Ph.D. Thesis", "PhDT", "thesis", 0
    page = registrar.page(stem, volume)
    year, initial = month.year, _initial(paper)
    letter = stem == "ApJL"
    code = bibcode(
        year, "ApJ" if letter else stem, str(volume or ""), str(page), initial, "L" if letter else "."
    )  # fmt: skip
    refereed = paper.sort in ("article", "erratum")
    age = max((today - month).days / 365, 0)
    doi = f"10.5555/{short}.{year}.{volume}.{page}"
    document = {
        **_common(paper, registrar),
        "bibcode": code,
        "alternate_bibcode": [],
        "identifier": [code, doi],
        "doi": [doi],
        "doctype": _DOCTYPES[paper.sort],
        "pub": journal,
        "bibstem": [stem, f"{stem}{volume:.>4}"],
        "volume": str(volume),
        "issue": str(rng.randint(1, 4)),
        "page": [f"{'L' if letter else ''}{page}"],
        "year": str(year),
        "pubdate": f"{month:%Y-%m}-00",
        "date": f"{month.isoformat()}T00:00:00Z",
        "property": ["ARTICLE", "ESOURCE", "REFEREED" if refereed else "NOT REFEREED"],
        "esources": ["PUB_PDF"],
        **_stamps(min(month + timedelta(rng.randint(2, 14)), today - timedelta(1))),
    }
    document["citation_count"] = round(rng.lognormvariate(1.2, 0.9) * age)
    if paper.relation == SCIENCE and refereed and age > 0.6 and rng.random() < 0.85:
        document["bibgroup"] = ["ALMA", *_listed_elsewhere(paper)]
    return document


_ELSEWHERE = {
    "CfA": 0.1,
    "Chandra": 0.06,
    "ESO/Telescopes": 0.25,
    "HST": 0.16,
    "JWST": 0.08,
    "Keck": 0.05,
    "Spitzer": 0.07,
}
"""Other bibliographies, and the share of our papers that each holds as well; the first is an institute's."""


def _listed_elsewhere(paper: Paper) -> list[str]:
    """Return the other bibliographies that a paper is in; always the same, whatever was drawn before."""
    drawn = random.Random(f"bibliographies {paper.id}")
    return [name for name, share in _ELSEWHERE.items() if drawn.random() < share]


def plant_late_texts(papers: list[Paper], documents: dict[str, list[Json]], today: date) -> tuple[str, str]:
    """Let two articles gain their full text eight months after they entered; return their bibcodes ("" for none).

    Of the first the service dates the change, so an increment finds it that week; of the second it does not, so only a
    search by entry does. Both are found by their acknowledgement alone, and entered within the last three years.
    """
    late = []
    for paper in papers:
        article = documents[paper.id][0] if len(documents[paper.id]) == 1 else None
        if article is None or article["doctype"] != "article" or not _names_us_in_full_text_only(paper, article):
            continue
        entered, printed = date.fromisoformat(article["entdate"]), date.fromisoformat(article["entry_date"][:10])
        indexed = entered + timedelta(_EIGHT_MONTHS)
        if entered > today - timedelta(_RECENT) and printed + timedelta(30) <= indexed <= today - timedelta(10):
            late.append((bool(article["alternate_bibcode"]), article["entdate"], article["bibcode"], article, indexed))
    chosen = sorted(late, key=lambda found: found[:3])[:2]
    if len(chosen) < 2:
        return "", ""
    for *_, article, indexed in chosen:
        article["bibgroup"] = []
        article["fulltext_on"] = indexed.isoformat()
        article["fulltext_mtime"] = article["metadata_mtime"]
    dated = chosen[0][3]
    dated["fulltext_mtime"] = f"{dated['fulltext_on']}T03:21:09.000Z"
    return dated["bibcode"], chosen[1][3]["bibcode"]


def _names_us_in_full_text_only(paper: Paper, article: Json) -> bool:
    seen = " ".join([article["title"][0], article["abstract"], *article["keyword"]])
    return "ADS/JAO.ALMA#" in paper.acknowledgement and "ALMA" not in seen and "Atacama" not in seen


def note_bib_references(rng: random.Random, papers: list[Paper], documents: dict[str, list[Json]], today: date) -> None:
    """Let the archive list, for six in ten of the older refereed papers, their bibcodes at their projects."""
    for paper in papers:
        articles = [d for d in documents[paper.id] if d["doctype"] == "article"]
        old = paper.published_on is not None and paper.published_on < today - timedelta(500)
        if paper.relation == SCIENCE and articles and old and rng.random() < 0.6:
            for project in paper.projects:
                project.bib_references.append(articles[0]["bibcode"])


def project_row(project: Project) -> Json:
    """Return a project as one JSON object with the columns ``biblio projects import`` documents."""
    return {
        "code": project.code,
        "title": project.title,
        "abstract": project.abstract,
        "pi": project.pi,
        "co_is": [member.name for member in project.team[1:]] if project.is_pi_project else [],
        "category": project.topic.category,
        "keywords": project.keywords,
        "targets": project.targets,
        "partner": project.partner,
        "state": project.state,
        "bib_references": project.bib_references,
        "units": [
            {
                "uid": unit.uid,
                "observed_on": unit.observed_on.isoformat() if unit.observed_on else None,
                "delivered_on": unit.delivered_on.isoformat() if unit.delivered_on else None,
                "released_on": unit.released_on.isoformat(),
                "exposure_s": unit.exposure_s,
            }
            for unit in project.units
        ],
    }
