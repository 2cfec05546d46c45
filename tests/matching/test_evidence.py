"""Evidence: each kind speaks for or against in the right direction, and says why in a sentence."""

import itertools
from datetime import date

import pytest

from biblio.observatory import load
from matching import evidence as ev
from matching.codes import Mention
from matching.evidence import KINDS, PaperFacts, PaperView, PersonSeen, ProjectFacts, ProjectView, TextView
from matching.rules import Rules
from matching.targets import TargetSpot

RULES = Rules.from_plain(load("alma").rules)
PRIOR = -9.0


def paper(**changes: object) -> PaperView:
    """A paper of 2018 by five authors, of whom nobody is known."""
    facts = PaperFacts("p1", "A ring in NGC 1", ("Vermeer, A.", "Tan, R.", "C", "D", "E"), 2018)
    return PaperView(
        **{"facts": facts, "people": {}, "author_count": 5, "complete": True, "targets": {}, "names_targets": False}
        | changes
    )  # type: ignore[arg-type]


def project(**changes: object) -> ProjectView:
    """A project of 2015 whose PI is person 0 and whose co-Is are persons 1, 2 and 3."""
    facts = ProjectFacts("2015.1.00001.S", "A ring", None, "Vermeer, Anneke", ("Tan, R.", "X", "Y"), ("NGC 1",))
    keys = (frozenset({"NGC1"}),)
    return ProjectView(
        **{"facts": facts, "pi": 0, "co_is": (1, 2, 3), "targets": keys, "year": 2015, "listed_targets": ("NGC 1",)}
        | changes
    )  # type: ignore[arg-type]


def seen(position: int, accident: float = 0.0005, similarity: float = 0.9) -> PersonSeen:
    """A person read from the author at this position."""
    return PersonSeen(similarity, accident, position, "Vermeer, A.")


def mention(**changes: object) -> Mention:
    """The project's code in the acknowledgements."""
    code = "2015.1.00001.S"
    given = {"start": 10, "end": 24, "as_written": code, "code": code, "in_registry": True, "certain": True, "candidates": (code,), "where": "acknowledgement", "is_use": True}  # fmt: skip
    return Mention(**given | changes)  # type: ignore[arg-type]


def test_every_kind_is_explained_to_librarians() -> None:
    """Each evidence function has a docstring of at most 200 characters, because pages show it."""
    for look in (*KINDS.values(), ev.code, ev.code_repaired, ev.stranger):
        assert look.__doc__
        assert len(look.__doc__) <= 200


def test_the_pi_among_the_authors_speaks_for_the_project() -> None:
    """The sentence names position and print; a rare name and the first place weigh more; absence weighs against."""
    second = ev.pi(paper(people={0: seen(2)}), project(), TextView(), RULES)
    first = ev.pi(paper(people={0: seen(1)}), project(), TextView(), RULES)
    common = ev.pi(paper(people={0: seen(2, accident=0.2)}), project(), TextView(), RULES)
    absent = ev.pi(paper(), project(), TextView(), RULES)
    assert second
    assert first
    assert common
    assert absent
    assert second.sentence == "The PI, Vermeer, Anneke, is author 2 of 5, printed with initials."
    assert first.contribution > second.contribution > common.contribution > 0 > absent.contribution


def test_an_unknown_pi_or_no_authors_say_nothing() -> None:
    """Missing facts are no evidence."""
    assert ev.pi(paper(), project(pi=None), TextView(), RULES) is None
    assert ev.pi(paper(author_count=0), project(), TextView(), RULES) is None
    assert ev.co_is(paper(), project(co_is=()), TextView(), RULES) is None


def test_an_incomplete_author_list_hardly_speaks_against() -> None:
    """Behind "et al." or a collaboration the PI may hide."""
    whole, cut = (ev.pi(paper(complete=c), project(), TextView(), RULES) for c in (True, False))
    assert whole
    assert cut
    assert whole.contribution < cut.contribution < 0


def test_each_further_co_i_counts_less() -> None:
    """Colleagues come together: the second says less than the first, but says something."""
    weights = [0.0]
    for count in (1, 2, 3):
        people = {i: seen(i, accident=0.02) for i in range(1, count + 1)}
        found = ev.co_is(paper(people=people), project(), TextView(), RULES)
        assert found
        assert found.value == count
        weights.append(found.contribution)
    steps = [b - a for a, b in itertools.pairwise(weights)]
    assert steps[0] > steps[1] > steps[2] > 0


def test_one_author_is_not_two_co_is() -> None:
    """Two registered spellings that read as one author count once."""
    found = ev.co_is(paper(people={1: seen(2), 2: seen(2)}), project(), TextView(), RULES)
    assert found
    assert found.value == 1


def test_a_rare_target_in_the_title_is_strong_and_a_common_one_is_not() -> None:
    """The quote and its offsets lead to the name; other targets speak against; no targets say nothing."""
    spot = TargetSpot("title", "NGC 1", 10, 15)
    rare = ev.targets(paper(targets={"NGC1": spot}), project(), TextView(target_worth={"NGC1": 6.0}), RULES)
    common = ev.targets(paper(targets={"NGC1": spot}), project(), TextView(target_worth={"NGC1": 1.5}), RULES)
    other = ev.targets(paper(names_targets=True), project(), TextView(), RULES)
    assert rare
    assert common
    assert other
    assert other.sentence == "The paper names targets, but not NGC 1."
    assert (rare.quote, rare.start, rare.end, rare.where) == ("NGC 1", 10, 15, "title")
    assert rare.sentence == "Both name the target NGC 1."
    assert rare.contribution > common.contribution > 0 > other.contribution
    assert ev.targets(paper(), project(), TextView(), RULES) is None


def test_without_a_target_list_other_targets_say_nothing() -> None:
    """A project that lists no targets cannot miss one; a target its title names still counts when the paper names it."""
    unlisted = project(listed_targets=())
    assert ev.targets(paper(names_targets=True), unlisted, TextView(), RULES) is None
    spot = TargetSpot("title", "NGC 1", 10, 15)
    hit = ev.targets(paper(targets={"NGC1": spot}), unlisted, TextView(target_worth={"NGC1": 5.0}), RULES)
    assert hit
    assert hit.contribution > 0
    assert hit.sentence == "Both name the target NGC 1."


def test_alike_titles_and_abstracts_speak_for_the_project() -> None:
    """More alike is never less; missing texts say nothing; shared words are named."""
    weights = [ev.title(paper(), project(), TextView(title=x / 20), RULES) for x in range(21)]
    values = [w.contribution for w in weights if w]
    assert values == sorted(values)
    assert values[0] < 0 < values[-1]
    told = ev.title(paper(), project(), TextView(title=0.4, title_words=("ring", "dust")), RULES)
    assert told
    assert told.sentence == "The titles share ring, dust (40% alike)."
    assert ev.title(paper(), project(), TextView(), RULES) is None
    assert ev.abstract(paper(), project(), TextView(), RULES) is None


@pytest.mark.parametrize(
    ("published", "sign", "words"),
    [
        (2013, -1, "Published 2 years before the data were taken."),
        (2015, -1, "Published in the year the data were taken."),
        (2017, 1, "Published 2 years after the data were taken."),
    ],
)
def test_nothing_is_published_before_its_data(published: int, sign: int, words: str) -> None:
    """A paper older than the observations is a strong no, one a few years younger a mild yes."""
    facts = PaperFacts("p", year=published)
    found = ev.dates(paper(facts=facts), project(), TextView(), RULES)
    assert found
    assert found.sentence == words
    assert found.contribution * sign > 0
    if published < 2015:
        assert found.contribution < -3


def test_dates_fall_back_on_the_release() -> None:
    """Without a year of observation the release date tells when data were taken; without any date nothing is said."""
    facts = ProjectFacts("x", release_date=date(2017, 6, 1))
    late = ev.dates(paper(), project(facts=facts, year=None), TextView(), RULES)
    early = ev.dates(paper(facts=PaperFacts("p", year=2013)), project(facts=facts, year=None), TextView(), RULES)
    assert late
    assert early
    assert late.contribution > 0 > early.contribution
    assert ev.dates(paper(facts=PaperFacts("p")), project(), TextView(), RULES) is None


def test_a_code_where_data_are_stated_is_the_strongest() -> None:
    """Acknowledgement over body over reference list and struck-out text; a mere mention is little."""
    places = ["acknowledgement", "footnote", "body", "references", "comment"]
    found = [ev.code([mention(where=w)], "2015.1.00001.S", PRIOR, RULES) for w in places]
    weights = [f.contribution for f in found if f]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) == 5
    only = ev.code([mention(is_use=False)], "2015.1.00001.S", PRIOR, RULES)
    assert only
    assert only.contribution + PRIOR < 0
    assert "as a mention" in only.sentence
    assert (found[0] and found[0].quote, found[0] and found[0].start) == ("2015.1.00001.S", 10)


def test_a_code_of_another_project_says_nothing() -> None:
    """Only the project's own code is evidence for it."""
    assert ev.code([mention()], "2015.1.00002.S", PRIOR, RULES) is None
    assert ev.code_repaired([mention()], "2015.1.00002.S", PRIOR, RULES, frozenset()) is None


def test_a_damaged_code_is_shared_among_its_candidates() -> None:
    """The first candidate gets more than the second, and one candidate more than a share."""
    two = mention(as_written="2015.1.0001.S", certain=False, candidates=("2015.1.00001.S", "2015.1.10001.S"))
    first, second = (ev.code_repaired([two], c, PRIOR, RULES, frozenset()) for c in two.candidates)
    alone = ev.code_repaired([mention(certain=False)], "2015.1.00001.S", PRIOR, RULES, frozenset())
    assert first
    assert second
    assert alone
    assert alone.contribution > first.contribution > second.contribution > 0
    assert "1 other" in first.sentence


def test_an_unlisted_code_is_a_weak_hint_for_its_neighbours() -> None:
    """A well-formed code that the list lacks never replaces itself by a neighbour."""
    near = mention(code="2015.1.00009.S", in_registry=False, certain=False)
    found = ev.code_repaired([near], "2015.1.00001.S", PRIOR, RULES, frozenset({"2015.1.00009.S"}))
    assert found
    assert found.contribution + PRIOR < 0
    assert "not in the project list" in found.sentence


def test_a_code_without_anyone_of_the_team_is_doubted() -> None:
    """The sentence names archival use and a slip; one team member or an incomplete list removes the doubt."""
    doubt = ev.stranger(paper(), project(), RULES)
    assert doubt
    assert doubt.contribution < 0
    assert "archival use" in doubt.sentence
    assert ev.stranger(paper(people={3: seen(4)}), project(), RULES) is None
    assert ev.stranger(paper(complete=False), project(), RULES) is None


def test_naming_the_observatory_speaks_for_its_projects() -> None:
    """Named: a little for; an abstract without it: against; no abstract: nothing."""
    named = ev.observatory(paper(observatory=TargetSpot("title", "ALMA", 3, 7)), project(), TextView(), RULES)
    unnamed = ev.observatory(paper(observatory_sought=True), project(), TextView(), RULES)
    assert named
    assert unnamed
    assert named.contribution > 0 > unnamed.contribution
    assert ev.observatory(paper(), project(), TextView(), RULES) is None


def test_data_listed_at_our_archive_speak_louder_than_a_name() -> None:
    """A record that links to our archive's data says more than a title that names us; other archives say nothing."""
    spot = TargetSpot("title", "ALMA", 3, 7)

    def told(*archives: str) -> ev.Evidence | None:
        facts = PaperFacts("p", archives=archives)
        return ev.observatory(paper(observatory=spot, facts=facts), project(), TextView(), RULES)

    listed, other = told("CDS", "ALMA"), told("CDS")
    assert listed
    assert other
    assert "archive ALMA" in listed.sentence
    assert listed.contribution > other.contribution > 0


def test_one_co_i_alone_is_bounded() -> None:
    """However rare the name, one co-I without PI says at most so much; a second one or the PI adds to it."""
    rare = seen(2, accident=1e-9, similarity=1.0)
    alone = ev.co_is(paper(people={1: rare}), project(co_is=(1,)), TextView(), RULES)
    two = ev.co_is(paper(people={1: rare, 2: seen(3, 1e-9, 1.0)}), project(co_is=(1, 2)), TextView(), RULES)
    assert alone
    assert two
    assert alone.contribution == RULES.weight("people.co_i_alone")
    assert two.contribution > 1.5 * alone.contribution


@pytest.mark.parametrize(("title", "abstract"), [(0.7, 0.3), (0.3, 0.7), (0.0, 0.0)])
def test_title_and_abstract_are_not_counted_as_two(title: float, abstract: float) -> None:
    """Where both speak in one direction, the weaker counts in part; where they disagree, both count."""
    text = TextView(title=title, abstract=abstract)
    one, other = ev.title(paper(), project(), text, RULES), ev.abstract(paper(), project(), text, RULES)
    assert one
    assert other
    together = sum(e.contribution for e in ev.weigh(paper(), project(), text, RULES) if e.kind in ("title", "abstract"))
    strong, weak = sorted((one.contribution, other.contribution), key=abs, reverse=True)
    assert together == pytest.approx(strong + RULES.weight("title.with_abstract") * weak)
    apart = ev.weigh(paper(), project(), TextView(title=0.9, abstract=0.0), RULES)
    values = [e.contribution for e in apart if e.kind in ("title", "abstract")]
    assert values == [RULES.curve("title.similarity", 0.9), RULES.curve("abstract.similarity", 0.0)]


def test_the_limit_keeps_the_order_and_leaves_the_rest_alone() -> None:
    """High odds are pressed together but stay in order and below the end of the room; others are untouched."""
    begins, room = RULES.weight("limit.begins"), RULES.weight("limit.room")
    assert ev.limit(begins, RULES) is None
    kept = [odds + limited.contribution for odds in (21.0, 25.0, 30.0, 40.0) if (limited := ev.limit(odds, RULES))]
    assert kept == sorted(set(kept))
    assert len(kept) == 4
    assert all(begins < k < begins + room for k in kept)
