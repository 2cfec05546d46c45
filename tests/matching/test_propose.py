"""Proposals: ranked, explained and summed right; codes prove, names and targets only suggest."""

import math
import random
from dataclasses import replace
from datetime import date
from itertools import count, islice

import pytest

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar, Mention, Registry
from matching.keywords import Keywords
from matching.propose import Candidate, PaperFacts, ProjectFacts, Proposer
from matching.rules import Rules

PROFILE = load("alma")
RULES = Rules.from_plain(PROFILE.rules)
GRAMMAR = Grammar.from_plain(PROFILE.codes)
KEYWORDS = Keywords.from_plain(PROFILE.keywords)

RING = ProjectFacts(
    "2015.1.00101.S",
    title="The dust ring of XY Tau",
    pi="Vermeer, Anneke",
    co_is=("Tan, Richard", "Østergård, Bjørn", "Kirchmeier, Otto"),
    targets=("XY Tau",),
)
JET = ProjectFacts(
    "2016.1.00202.S",
    title="A molecular jet in NGC 9253",
    pi="Hathersage, Robert",
    co_is=("Quill, Mara",),
    targets=("NGC 9253",),
)
MASER = ProjectFacts(
    "2017.1.00303.S", title="Water masers in evolved stars", pi="Öztürk, Ayşe", co_is=("Tan, Rebecca",)
)
SIBLING = ProjectFacts(
    "2018.1.00404.S",
    title="Magnetic fields of clouds",
    pi="Vermeer, Anneke",
    co_is=("Tan, Richard", "Kirchmeier, Otto"),
    targets=("L9999",),
)
PROJECTS = [RING, JET, MASER, SIBLING]
RING_PAPER = PaperFacts(
    "p1",
    "An ALMA view of the ring around XY~Tauri",
    ("B. Ostergaard", "A. Vermeer", "O. Kirchmeier", "Z. Stranger"),
    2018,
)


@pytest.fixture(scope="module")
def proposer() -> Proposer:
    """A proposer over four fictional projects."""
    return Proposer(PROJECTS, RULES, GRAMMAR, KEYWORDS)


def mentions(text: str, projects: list[ProjectFacts] = PROJECTS) -> list[Mention]:
    """The codes in a text, read by the real engine."""
    return CodeFinder(GRAMMAR, Registry(GRAMMAR, [p.code for p in projects])).find(text)


def by_code(candidates: list[Candidate]) -> dict[str, Candidate]:
    """Candidates by project code."""
    return {c.project_code: c for c in candidates}


def test_names_target_and_title_find_the_project(proposer: Proposer) -> None:
    """PI and co-Is by initials, the target in TeX and the dates make the project likely, its sibling not."""
    found = proposer.propose(RING_PAPER)
    assert found[0].project_code == RING.code
    assert found[0].band == "likely"
    assert by_code(found)[SIBLING.code].band == "unlikely"
    kinds = {e.kind for e in found[0].evidence}
    assert {"prior", "pi", "co_is", "targets", "title", "dates", "observatory"} <= kinds


def test_contributions_sum_to_the_log_odds(proposer: Proposer) -> None:
    """What is shown adds up exactly to the score, for every candidate, with and without codes."""
    text = "\\acknowledgements This paper makes use of the following ALMA data: ADS/JAO.ALMA\\#2016.1.00202.S."
    for found in (proposer.propose(RING_PAPER), proposer.propose(RING_PAPER, mentions(text))):
        assert found
        for candidate in found:
            total = math.fsum(e.contribution for e in candidate.evidence)
            assert math.log(candidate.score / (1 - candidate.score)) == pytest.approx(total, abs=1e-3)
            assert candidate.score == pytest.approx(1 / (1 + math.exp(-total)), abs=1e-12)
            assert all(e.sentence.endswith(".") for e in candidate.evidence)


def test_a_code_in_the_acknowledgement_makes_certain(proposer: Proposer) -> None:
    """A registry code where data are acknowledged, with the team among the authors, is certain; its quote leads back."""
    text = "Text.\n\\section*{Acknowledgements}\nThis paper makes use of the following ALMA data: ADS/JAO.ALMA\\#2015.1.00101.S."
    best = proposer.propose(RING_PAPER, mentions(text))[0]
    assert (best.project_code, best.band) == (RING.code, "certain")
    code = next(e for e in best.evidence if e.kind == "code")
    assert code.start is not None
    assert text[code.start : code.end] == code.quote


def test_metadata_alone_are_never_certain() -> None:
    """However many names, targets and words agree, without a code the band ends at likely."""
    paper = PaperFacts("p", RING.title, ("Vermeer, Anneke", *RING.co_is), 2017, targets=RING.targets)
    best = Proposer(PROJECTS, RULES, GRAMMAR).propose(paper)[0]
    assert best.score > 0.99
    assert best.band == "likely"


def test_a_code_of_strangers_is_shown_with_doubt(proposer: Proposer) -> None:
    """An exact code whose team and target have nothing to do with the paper is no certain link: archive, or a slip."""
    text = (
        "\\section*{Acknowledgements}\nThis paper makes use of the following ALMA data: ADS/JAO.ALMA\\#2016.1.00202.S."
    )
    candidate = by_code(proposer.propose(RING_PAPER, mentions(text)))[JET.code]
    assert candidate.band != "certain"
    assert any(e.kind == "stranger" and "archival use" in e.sentence for e in candidate.evidence)


def test_a_code_of_strangers_is_still_worth_a_look(proposer: Proposer) -> None:
    """Archival papers share neither people nor target nor words: together these count in part only, and one sentence says so."""
    text = (
        "\\section*{Acknowledgements}\nThis paper makes use of the following ALMA data: ADS/JAO.ALMA\\#2016.1.00202.S."
    )
    unlike = replace(RING_PAPER, abstract="We observe galaxies with another telescope.", year=2024)
    candidate = by_code(proposer.propose(unlike, mentions(text)))[JET.code]
    assert candidate.band == "likely"
    excuse = next(e for e in candidate.evidence if e.kind == "archival")
    against = math.fsum(e.contribution for e in candidate.evidence if e.kind not in ("prior", "code", "dates"))
    assert excuse.contribution > 0
    assert against == pytest.approx(RULES.weight("code.doubt_most"))
    mention = "The jet will be observed in our accepted project 2016.1.00202.S."
    found = by_code(proposer.propose(unlike, mentions(mention))).get(JET.code)
    assert found is None or "archival" not in {e.kind for e in found.evidence}


@pytest.mark.parametrize(
    "text",
    [
        "The gap will be observed in our accepted project 2015.1.00101.S.",
        "Nothing here.\n% ADS/JAO.ALMA#2015.1.00101.S\nNothing there.",
    ],
)
def test_a_mere_mention_is_not_certain(proposer: Proposer, text: str) -> None:
    """A code that is announced, or struck out in a TeX comment, proves nothing by itself."""
    paper = PaperFacts("p", "Something else", ("Stranger, Z.",), 2018)
    found = by_code(proposer.propose(paper, mentions(text)))
    assert found[RING.code].band != "certain"


def test_a_damaged_code_lets_the_names_choose() -> None:
    """Of two projects that a damaged code may mean, the one whose people wrote the paper comes first."""
    twin = ProjectFacts(
        "2015.1.10101.S", title="Comets", pi="Nobody, Ned", co_is=("Noone, Nina",), targets=("Comet 1",)
    )
    projects = [twin, *PROJECTS]
    text = "This paper makes use of the following ALMA data: ADS/JAO.ALMA#2015.1.0101.S."
    seen = mentions(text, projects)
    assert seen
    found = Proposer(projects, RULES, GRAMMAR).propose(RING_PAPER, seen)
    assert found[0].project_code == RING.code


def test_an_unlisted_code_gives_no_candidate(proposer: Proposer) -> None:
    """A well-formed code that the list lacks brings none of its neighbours on the table by itself."""
    text = "This paper makes use of the following ALMA data: ADS/JAO.ALMA#2015.1.00102.S."
    assert mentions(text)
    assert proposer.propose(PaperFacts("p"), mentions(text)) == []


def test_a_paper_without_anything_in_common_has_no_candidate(proposer: Proposer) -> None:
    """No names, targets, words or codes in common: nothing is proposed; an empty paper is no error."""
    assert proposer.propose(PaperFacts("p", "Zzz", ("Stranger, Z.",), 2018)) == []
    assert proposer.propose(PaperFacts("p")) == []


def test_many_papers_give_what_single_papers_give(proposer: Proposer) -> None:
    """Batches keep the order of the input and change no score, whatever stands beside a paper."""
    papers = [RING_PAPER, PaperFacts("p2"), PaperFacts("p3", "Water masers", ("Tan, R.",), 2019)] * 3
    code = {"p3": mentions("We use ALMA data 2017.1.00303.S.")}
    together = list(proposer.propose_many(papers, code, top=5))
    assert [i for i, _ in together] == [p.id for p in papers]
    for paper, (_, candidates) in zip(papers, together, strict=True):
        assert candidates == proposer.propose(paper, code.get(paper.id, ()), top=5)


def test_the_order_of_projects_and_authors_changes_no_score() -> None:
    """Shuffling the project list changes nothing; shuffling the authors changes only what their position says."""
    shuffled = PROJECTS[:]
    random.Random(3).shuffle(shuffled)
    first = by_code(Proposer(PROJECTS, RULES, GRAMMAR).propose(RING_PAPER))
    second = by_code(Proposer(shuffled, RULES, GRAMMAR).propose(RING_PAPER))
    assert {c: v.score for c, v in first.items()} == {c: pytest.approx(v.score) for c, v in second.items()}


def test_scores_keep_their_order_inside_a_band() -> None:
    """Scores do not saturate: among many strong candidates none is exactly 1, and better evidence stays ahead."""
    codes = " ".join(f"ADS/JAO.ALMA#{p.code}" for p in PROJECTS)
    text = f"\\section*{{Acknowledgements}} This paper makes use of the following ALMA data: {codes}."
    found = Proposer(PROJECTS, RULES, GRAMMAR).propose(RING_PAPER, mentions(text))
    assert len({c.score for c in found}) == len(found)
    assert all(c.score < 1 for c in found)
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


def test_candidates_are_the_first_step_of_proposing(proposer: Proposer) -> None:
    """Codes without scores, in the order of the papers, whatever stands beside a paper; each proposal was a candidate."""
    papers = [RING_PAPER, PaperFacts("p2"), PaperFacts("p3", "Water masers", ("Tan, R.",), 2019)] * 3
    found = list(proposer.candidates(papers))
    assert [i for i, _ in found] == [p.id for p in papers]
    assert found == [one for paper in papers for one in proposer.candidates([paper])]
    for paper, (_, codes) in zip(papers, found, strict=True):
        assert {c.project_code for c in proposer.propose(paper)} == set(codes)
    assert found[0][1][0] == RING.code
    assert list(proposer.candidates([])) == []


def test_any_number_of_papers_may_come(proposer: Proposer) -> None:
    """Papers are read some at a time: the first answers come before an endless stream ends."""
    endless = (PaperFacts(f"p{n}", RING_PAPER.title, RING_PAPER.authors) for n in count())
    assert [i for i, _ in islice(proposer.candidates(endless), 3)] == ["p0", "p1", "p2"]
    endless = (PaperFacts(f"p{n}") for n in count())
    assert next(iter(proposer.propose_many(endless))) == ("p0", [])


def test_projects_that_fit_alike_stand_in_the_order_of_their_codes() -> None:
    """Ties do not depend on the list: sixty equal projects, in any order, give the same candidates in the same order."""
    equal = [ProjectFacts(f"2016.1.{n:05d}.S", RING.title, None, RING.pi, RING.co_is, RING.targets) for n in range(60)]
    shuffled = equal[:]
    random.Random(7).shuffle(shuffled)
    first, second = (Proposer(listed, RULES, GRAMMAR).propose(RING_PAPER) for listed in (equal, shuffled))
    assert first == second
    assert len(first) == 20
    codes = [c.project_code for c in first if math.isclose(c.score, first[-1].score)]
    assert codes == sorted(codes)


def test_of_a_code_that_comes_twice_the_first_row_counts() -> None:
    """A doubled code is one project; what its later rows say is left aside."""
    other = ProjectFacts(RING.code, "Comets", None, "Nobody, Ned")
    once, twice = (Proposer(listed, RULES, GRAMMAR).propose(RING_PAPER) for listed in ([RING, JET], [RING, JET, other]))
    assert once == twice


def test_top_limits_the_candidates(proposer: Proposer) -> None:
    """No more than ``top`` come back, the best ones."""
    everything = proposer.propose(RING_PAPER, top=20)
    assert len(everything) >= 2
    assert proposer.propose(RING_PAPER, top=1) == everything[:1]


@pytest.mark.parametrize("projects", [[], [RING], [RING, RING]])
def test_small_and_doubled_lists_are_no_error(projects: list[ProjectFacts]) -> None:
    """No project, one, or one twice: a right answer, the project at most once."""
    found = Proposer(projects, RULES, GRAMMAR).propose(RING_PAPER)
    assert [c.project_code for c in found] == ([RING.code] if projects else [])


def test_three_thousand_authors_say_little_by_a_name() -> None:
    """In a list of thousands a common name is an accident; the run stays bounded and right."""
    crowd = tuple(f"Person{i}, A." for i in range(3000))
    proposer = Proposer(PROJECTS, RULES, GRAMMAR)
    few = by_code(proposer.propose(PaperFacts("p", None, ("Vermeer, A.", "Person, B."), 2018)))[RING.code]
    many = by_code(proposer.propose(PaperFacts("p", None, ("Vermeer, A.", *crowd), 2018)))[RING.code]
    assert many.score < few.score


def test_a_group_as_the_only_author_is_no_evidence(proposer: Proposer) -> None:
    """A collaboration's paper is judged by target, title and dates, not by absent people."""
    found = by_code(proposer.propose(PaperFacts("p", "The ring of XY Tau", ("ALPHA Collaboration",), 2018)))
    assert not {"pi", "co_is", "team"} & {e.kind for e in found[RING.code].evidence}


def test_a_paper_from_before_the_observations_is_unlikely(proposer: Proposer) -> None:
    """The same paper, three years too early, loses more than a hundred to one and drops out of the likely band."""
    team = ("A. Vermeer", "O. Kirchmeier", "Z. Stranger")
    early = PaperFacts("p", "The ring of a star", team, 2012, published_on=date(2012, 5, 1))
    late = PaperFacts("p", "The ring of a star", team, 2017, published_on=date(2017, 5, 1))
    before, after = (by_code(proposer.propose(p))[RING.code] for p in (early, late))
    assert (before.band, after.band) == ("unlikely", "likely")
    assert after.score / (1 - after.score) > 100 * before.score / (1 - before.score)


def test_nothing_but_a_code_makes_a_paper_from_before_the_data_likely(proposer: Proposer) -> None:
    """PI, team, target and title together do not outweigh time; the contributions still sum; a printed code does."""
    everything = PaperFacts("p", RING.title, ("Vermeer, Anneke", *RING.co_is), 2013, targets=RING.targets)
    best = by_code(proposer.propose(everything))[RING.code]
    assert best.band == "unlikely"
    assert math.log(best.score / (1 - best.score)) < RULES.weight("dates.before_most")
    assert best.score == pytest.approx(1 / (1 + math.exp(-math.fsum(e.contribution for e in best.evidence))), abs=1e-12)
    printed = mentions("This paper makes use of the following ALMA data: ADS/JAO.ALMA#2015.1.00101.S.")
    assert by_code(proposer.propose(everything, printed))[RING.code].band != "unlikely"


def test_the_best_rival_is_named() -> None:
    """Where two projects fit alike, each names the other and takes from its odds."""
    twin = ProjectFacts("2015.1.00999.S", RING.title, None, RING.pi, RING.co_is, RING.targets)
    found = by_code(Proposer([RING, twin], RULES, GRAMMAR).propose(RING_PAPER))
    rival = next(e for e in found[RING.code].evidence if e.kind == "rivals")
    assert rival.value == twin.code
    assert rival.contribution < 0


def test_a_title_names_a_target_of_its_own() -> None:
    """Without a target list the title's designation is the project's; another target in the paper is no penalty."""
    bare = ProjectFacts("2019.1.00505.S", title="Gas in NGC 9253", pi="Vermeer, Anneke")
    same, other = (
        by_code(Proposer([bare], RULES, GRAMMAR).propose(PaperFacts("p", f"Gas in {name}", ("Vermeer, A.",), 2021)))
        for name in ("NGC~9253", "NGC 9254")
    )
    assert next(e for e in same[bare.code].evidence if e.kind == "targets").contribution > 0
    assert not [e for e in other[bare.code].evidence if e.kind == "targets"]


def test_the_contributions_tell_the_score_also_near_one() -> None:
    """With a code, the whole team, target and title, score and contributions agree to a hundredth in log-odds."""
    paper = PaperFacts("p", RING.title, ("Vermeer, Anneke", *RING.co_is), 2017, targets=RING.targets)
    text = "\\section*{Acknowledgements} We used the ALMA data ADS/JAO.ALMA#2015.1.00101.S. " * 3
    best = Proposer(PROJECTS, RULES, GRAMMAR).propose(paper, mentions(text))[0]
    assert best.score > 1 - 1e-8
    total = math.fsum(e.contribution for e in best.evidence)
    assert math.log(best.score / (1 - best.score)) == pytest.approx(total, abs=1e-3)


def test_a_longer_list_asks_for_more() -> None:
    """The prior falls with the length of the list, slower than one over it; short lists are treated alike."""
    sizes = (10, 1000, 4000)
    fillers = [ProjectFacts(f"2013.1.{n:05d}.S") for n in range(max(sizes))]
    ten, thousand, more = (Proposer(fillers[:n], RULES, GRAMMAR).prior for n in sizes)
    assert ten == thousand
    assert -math.log(4) < more - thousand < 0
