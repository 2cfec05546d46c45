"""What a candidate's verdict hangs on, as the paper's page says it."""

from __future__ import annotations

import math
import re

import pytest
from sqlmodel import col, select

from biblio.catalogue.links import EvidenceFacts, Suggestion, suggest
from biblio.jobs import run_job
from biblio.runtime import Runtime
from biblio.store.models import CandidateRevision, EvidenceItem
from biblio.store.words import Band, Role
from biblio.verify.paper.page import PaperPage, paper_page
from biblio.verify.paper.read import read_paper
from biblio.verify.paper.views import odds_words, signed
from biblio.verify.proposing.match import match
from matching.evidence import Evidence
from matching.explain import odds_without
from tests.verify.conftest import Login
from tests.verify.factories import add_mention, add_paper, add_project

CODE, SIBLING = "2016.1.00001.S", "2016.1.00002.S"


def _filled(runtime: Runtime) -> int:
    """One paper that prints a code, and a sibling project of the same team."""
    with runtime.store.writing() as session:
        add_project(session, CODE)
        add_project(session, SIBLING, title="More gas in the disc of Tamsin 7")
        paper = add_paper(session)
        add_mention(session, paper, CODE)
    run_job(runtime, match)
    return paper


def _page(runtime: Runtime, paper: int) -> PaperPage:
    with runtime.store.reading() as session:
        return paper_page(session, runtime.profile, runtime.rules, read_paper(session, paper))


def test_each_candidate_names_the_other_and_what_it_hangs_on(runtime: Runtime, login: Login) -> None:
    """The best says how far the next is, the next how far the best; the certain one hangs on its code."""
    paper = _filled(runtime)
    best, other = _page(runtime, paper).candidates
    assert (best.code, other.code) == (CODE, SIBLING)
    assert best.runner_up.startswith(f"Next is {SIBLING} ({other.band}); its odds are ")
    assert other.runner_up.startswith(f"{CODE} (certain) is ahead; its odds are ")
    assert "Without the printed code it would be likely." in best.would_change
    assert "Its code in the acknowledgements would make it certain." in other.would_change
    text = login(Role.LIBRARIAN).get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert best.runner_up in text
    assert "weighed by the profile’s rules" in text


def test_the_log_odds_shown_are_the_sum_of_the_contributions(runtime: Runtime) -> None:
    """To 1e-9, also where the score is so near to one that it tells nothing any more."""
    paper = _filled(runtime)
    for one in _page(runtime, paper).candidates:
        assert one.log_odds == pytest.approx(math.fsum(e.contribution for e in one.evidence), abs=1e-9)
        assert one.log_odds is not None
        assert one.score == pytest.approx(1 / (1 + math.exp(-one.log_odds)), abs=1e-9)


def test_what_is_stored_explains_as_what_was_proposed(runtime: Runtime) -> None:
    """Values, places and kinds survive the store: worked out anew from it, the log-odds are those shown."""
    paper = _filled(runtime)
    with runtime.store.reading() as session:
        for revision in session.exec(select(CandidateRevision)):
            items = session.exec(select(EvidenceItem).where(col(EvidenceItem.revision_id) == revision.id)).all()
            pieces = [Evidence(i.kind, i.value, i.contribution, i.sentence, where=i.stands_in) for i in items]
            total = math.fsum(piece.contribution for piece in pieces)
            assert odds_without(pieces, (), runtime.rules) == pytest.approx(total, abs=1e-9)
    assert _page(runtime, paper).candidates


def test_the_page_names_the_model_that_weighed(runtime: Runtime, login: Login) -> None:
    """A score of a learned model carries its version in the details."""
    paper = _filled(runtime)
    with runtime.store.writing() as session:
        for revision in session.exec(select(CandidateRevision)):
            revision.model_version = "3f2a91c0d7e4"
            session.add(revision)
    text = login().get(f"/desk/paper/{paper}").get_data(as_text=True)
    assert "the learned model <code>3f2a91c0d7e4</code>" in text


def test_hundreds_of_projects_do_not_make_the_page_long(runtime: Runtime, login: Login) -> None:
    """A survey's list of codes: the best stand on the page with the one that was chosen, the others a link away."""
    with runtime.store.writing() as session:
        paper = add_paper(session)
        projects = [add_project(session, f"2016.1.{number:05}.S") for number in range(1, 61)]
        fact = EvidenceFacts(kind="pi", value="1", contribution=2.0, sentence="The PI is author 1 of 3.")
        proposed = [
            Suggestion(project, 0.9 - place / 100, Band.LIKELY, (fact,)) for place, project in enumerate(projects)
        ]
        suggest(session, paper_id=paper, suggestions=proposed, rules_digest="test", now=runtime.clock.now())
    client = login()
    page = client.get(f"/desk/paper/{paper}?project={projects[55]}&journal=ApJ").get_data(as_text=True)
    assert [number for number in range(1, 61) if f">2016.1.{number:05}.S<" in page] == [*range(1, 40), 56]
    assert "Show 20 further projects" in page
    link = f'href="/desk/paper/{paper}?project={projects[55]}&amp;all=yes&amp;journal=ApJ"'
    assert link in page
    whole = client.get(f"/desk/paper/{paper}?all=yes").get_data(as_text=True)
    assert all(f">2016.1.{number:05}.S<" in whole for number in range(1, 61))
    assert "further project" not in whole


def test_a_project_found_by_hand_is_explained_by_nothing(runtime: Runtime, login: Login) -> None:
    """It has no score, so nothing is said of what its score hangs on, and it is nobody's runner-up."""
    paper = _filled(runtime)
    with runtime.store.writing() as session:
        add_project(session, "2019.1.00777.S", title="Zebra stripes", pi="Nobody, Ada", co_is=(), targets=())
    text = login().get(f"/desk/paper/{paper}?find=2019.1.00777.S").get_data(as_text=True)
    article = re.search(r'<article class="candidate">(?:(?!</article>).)*2019\.1\.00777\.S.*?</article>', text, re.S)
    assert article is not None
    assert "Hangs on" not in article.group()
    assert "2019.1.00777.S (unlikely)" not in text
    assert "Next is 2019" not in text


@pytest.mark.parametrize(
    ("score", "words"),
    [(None, ""), (0.5, ""), (0.9994, ""), (1 - 1e-9, "+20.7"), (1 - 1e-10, "+23.0"), (1e-6, "\u221213.8")],
)
def test_log_odds_go_on_where_percentages_end(score: float | None, words: str) -> None:
    """Two scores that are both more than 99.9 % are told apart."""
    assert odds_words(score) == words


@pytest.mark.parametrize(
    ("odds", "words"), [(3.14, "+3.1"), (-0.03, "\u22120.03"), (0.0, "+0.00"), (-2.0, "\u22122.0")]
)
def test_log_odds_never_read_as_minus_nothing(odds: float, words: str) -> None:
    """A contribution near zero shows its second digit."""
    assert signed(odds) == words
