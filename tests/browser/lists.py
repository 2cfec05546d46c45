"""Journals and another library's list for the browser tests: something of every kind."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import col, select

from biblio.catalogue import journals
from biblio.catalogue.actor import Actor
from biblio.compare.importing import Wanted, import_list
from biblio.compare.reading import open_list
from biblio.runtime import Runtime
from biblio.store.models import PaperRevision, UserAccount
from biblio.store.words import Scheme, SuggestionOrigin
from tests.factories import accept, add_paper, add_project

A, B = "2013.1.00020.S", "2015.1.00021.S"

_LIST = f"""bibcode,doi,arxiv,title,year,programid
2019ApJ...900....1C,,,Rings,2019,{A}
,10.9999/torus,,A torus,2020,{A}; {B}
,,2001.00002,Undecided <script>alert(1)</script> \u202eesrever,2020,{B}
2022Natur.600....1E,,,{"A very long title of a paper that we do not have " * 6},2022,{B}
"""


def fill_lists(runtime: Runtime, librarian: Actor, folder: Path) -> None:
    """Make papers in journals, suggestions in each state, a change of a journal, and the list telbib."""
    now, profile = runtime.clock.now(), runtime.profile
    with runtime.store.writing() as session:
        first, _, project = (add_project(session, code) for code in (A, B, "2016.1.00022.S"))
        papers = [
            add_paper(session, "Rings", identifiers={Scheme.BIBCODE: "2019ApJ...900....1C"}),
            add_paper(session, "A torus", year=2020, identifiers={Scheme.DOI: "10.9999/torus"}),
            add_paper(session, "Undecided", year=2020, identifiers={Scheme.ARXIV: "2001.00002"}),
            add_paper(session, "Ours alone", year=2021),
        ]
        for number, paper in enumerate(papers):
            revision = session.exec(select(PaperRevision).where(col(PaperRevision.paper_id) == paper)).one()
            revision.journal = "ApJ" if number < 3 else "Annals of the Southern Sky"
        accept(session, librarian, papers[0], first)
        accept(session, librarian, papers[1], first)
        accept(session, librarian, papers[3], project)
        journals.end(session, librarian, profile, "Icarus", reason="Others read it.", now=now)
        for name, origin in (
            ("Annals of the Southern Sky", SuggestionOrigin.PAPERS),
            ("=Journal", SuggestionOrigin.PERSON),
        ):
            journals.suggest_journal(session, profile, name, origin, now=now)
        refused = journals.suggest_journal(session, profile, "Circulars", SuggestionOrigin.QUESTIONNAIRE, now=now).row
        assert refused is not None
        assert refused.id is not None
        journals.refuse_suggestion(session, librarian, refused.id, reason="Not refereed.", now=now)
        session.get_one(UserAccount, librarian.person_id()).email = "librarian@example.org"
    path = folder / "list.csv"
    path.write_text(_LIST, encoding="utf-8")
    with open_list(path) as opened:
        import_list(runtime, opened, Wanted("telbib", path.name, librarian))
