"""Draws small bibliographies for properties of the themes of papers and people: every sort of project, paper and link."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from reports.facts.model import Facts, Unit
from tests.reports.facts_made import facts, paper, project

TEAMS = (("Quillfeather, Jane", "Brannmark, Olof"), ("Harrowgate, Cole", "Zimmermann, Ilse"), ("Harrowgate, Cole",), ())
AUTHORS = (
    "Quillfeather, J.",
    "Harrowgate, C.",
    "Zimmermann, Ilse",
    "Winterbrook, Ada",
    "Ahn, B.",
    "The RINGS Collaboration",
)


@st.composite
def bibliographies(draw: st.DrawFn) -> Facts:
    """Draw some projects, papers and links of every sort."""
    projects = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        team = draw(st.sampled_from(TEAMS))
        delivered = draw(st.sampled_from([date(2013, 1, 1), date(2026, 1, 1), None]))
        projects.append(
            project(
                number,
                team=team,
                pi=team[0] if team else "",
                category=draw(st.sampled_from(["", "Discs", "Galaxies; Discs"])),
                partner=draw(st.sampled_from(["", "EU", "NA", "JAO"])),
                cycle=draw(st.sampled_from(["2011.0", "2016.1", None])),
                is_pi_project=draw(st.booleans()),
                units=(Unit(number, delivered, delivered),),
            )
        )
    papers = [
        paper(
            number,
            authors=tuple(draw(st.lists(st.sampled_from(AUTHORS), max_size=4, unique=True))),
            orcids=(),
            year=draw(st.sampled_from([None, 2012, 2016, 2019, 2026, 2031])),
            is_refereed=draw(st.booleans()),
            kind=draw(st.sampled_from(["article", "article", "erratum"])),
            journal=draw(st.sampled_from(["", "ApJ", "Nature", "Journal of Tests"])),
            facilities=draw(st.sampled_from([(), ("Hubble",), ("Chandra", "Hubble")])),
            first_affiliation=draw(
                st.sampled_from(["", "Caltech", "Leiden, Netherlands", "Kyiv", "Lab; Tokyo", "Nowhere"])
            ),
        )
        for number in range(1, draw(st.integers(0, 8)) + 1)
    ]
    pairs = draw(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 5)), max_size=14, unique=True))
    return facts(projects, papers, [(p, j) for p, j in pairs if p <= len(papers) and j <= len(projects)])
