"""One paper or two: preprint and article are one; parts, errata, theses and data sets are their own."""

import gzip
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.work_features import DIRECTIONS, FEATURES, features
from matching.work_text import plain, read, title_words
from matching.works import Work, judge, model, same_paper

TITLE = "The dust ring of XY Tauri seen at 1.3 mm"
PEOPLE = ["Vermeer, Anneke", "Tan, Richard", "Østergård, Bjørn"]
PREPRINT: dict[str, Any] = {
    "title": TITLE,
    "authors": PEOPLE,
    "year": 2018,
    "arxiv": "1801.00001v2",
    "type": "preprint",
}
ARTICLE: dict[str, Any] = {
    "title": "The Dust Ring of {XY Tauri} Seen at 1.3~mm",
    "authors": ["A. Vermeer", "R. Tan", "B. Ostergaard"],
    "year": "2019",
    "doi": "10.1000/j.2019.17",
    "type": "article",
    "volume": "12",
    "pages": "34",
}


def verdict(a: dict[str, Any], b: dict[str, Any]) -> str:
    """The verdict on two plain records."""
    return same_paper(Work.from_plain(a), Work.from_plain(b)).verdict


def test_a_preprint_and_its_article_are_one_paper() -> None:
    """Initials, accents, braces, capitals and a year's delay make no difference."""
    assert verdict(PREPRINT, ARTICLE) == "same"
    assert verdict(PREPRINT, {**ARTICLE, "title": TITLE + ". A second look with longer baselines"}) == "same"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": TITLE + ". II. Gas"}, "numbered parts"),
        ({"title": "Erratum: " + TITLE}, "erratum"),
        ({"title": "Comment on \u201c" + TITLE + "\u201d"}, "comment on"),
        ({"type": "phdthesis"}, "thesis"),
        ({"type": "dataset"}, "data"),
        ({"title": "Additional file 2 of " + TITLE}, "additional file"),
        ({"doi": "10.1000/j.2019.17.s003"}, "component"),
        ({"abstract": "This thesis describes how rings of dust were found."}, "thesis"),
        ({"bibcode": "2019PhDT........67V", "type": None}, "thesis"),
        ({"arxiv": "1802.00009"}, "two arXiv numbers"),
        ({"title": TITLE.replace("1.3", "0.87")}, "numbers in the titles"),
    ],
)
def test_vetoes_hold_whatever_else_agrees(change: dict[str, Any], reason: str) -> None:
    """Each veto names its reason, in either order of the records."""
    for pair in ((PREPRINT, {**ARTICLE, **change}), ({**ARTICLE, **change}, PREPRINT)):
        found = same_paper(*(Work.from_plain(r) for r in pair))
        assert found.verdict == "different"
        assert reason in found.reasons[0]


def test_part_one_and_part_two_are_two_papers() -> None:
    """Neighbouring parts differ by one letter and are never one paper."""
    for one, two in (("I", "II"), ("II", "III"), ("Part 1", "Part 2")):
        a, b = (
            {**PREPRINT, "arxiv": None, "title": f"Rings of young stars. {part}. The survey"} for part in (one, two)
        )
        assert verdict(a, b) == "different"
        assert verdict(a, {**a, "type": "article"}) == "same"


def test_initials_of_authors_in_a_title_are_no_numbers_of_parts() -> None:
    """A record whose authors stand behind the title is not taken for a part five of it."""
    bare = {"title": f"{TITLE} A. V. Vermeer , R. Tan 2018"}
    assert read(Work.from_plain(bare)).part is None
    assert verdict({**PREPRINT, "arxiv": None, "type": None}, bare) == "same"


def test_two_records_of_one_thesis_are_one() -> None:
    """A preprint whose abstract says that it is a thesis meets the record of the thesis."""
    thesis = {"title": TITLE, "authors": ["Vermeer, A"], "year": 2018, "bibcode": "2018PhDT........67V"}
    preprint = {
        "title": TITLE,
        "authors": ["Anneke Vermeer"],
        "year": 2018,
        "arxiv": "1801.00001",
        "abstract": "This thesis describes rings.",
    }
    assert verdict(thesis, preprint) == "same"


def test_versions_of_a_doi_are_one() -> None:
    """Repositories give every version a DOI of its own; but for the mark of the version they are equal."""
    a = {"title": TITLE, "authors": PEOPLE, "doi": "10.1000/fig.123"}
    found = same_paper(Work.from_plain(a), Work.from_plain({**a, "doi": ["10.1000/FIG.123.v2"]}))
    assert (found.verdict, found.reasons[0]) == ("same", "same DOI")


def test_identifiers_are_checked_against_title_and_authors() -> None:
    """The same DOI joins records with a changed title, but not two papers that share nothing else."""
    renamed = {**ARTICLE, "title": "A ring of dust around a young star"}
    assert verdict(ARTICLE, renamed) == "same"
    stranger = {
        "title": "Water masers in evolved stars",
        "authors": ["Öztürk, Ayşe"],
        "year": 2004,
        "doi": ARTICLE["doi"],
    }
    assert verdict(ARTICLE, stranger) != "same"


def test_two_dois_without_a_common_author_are_two_papers() -> None:
    """What several people write on one paper has its title; a group may stand for any of them."""
    a = {
        "title": f"Evaluation of {TITLE}",
        "authors": ["Vermeer, Anneke", "Tan, R."],
        "doi": "10.1000/e.17",
        "year": 2018,
    }
    b = {**a, "authors": ["Øyvind Bakken"], "doi": "10.1000/e.18"}
    found = same_paper(Work.from_plain(a), Work.from_plain(b))
    assert (found.verdict, found.reasons[0]) == ("different", "two DOIs, and no author in common")
    for other in (
        {**b, "authors": ["ORION Collaboration"]},
        {**b, "doi": "10.1000/e.17.v2"},
        {**b, "authors": ["Tan, R."]},
    ):
        assert "no author in common" not in same_paper(Work.from_plain(a), Work.from_plain(other)).reasons[0]


def test_two_papers_of_one_team_stay_two() -> None:
    """The same authors in the same year on another subject are another paper."""
    assert verdict(PREPRINT, {**ARTICLE, "title": "The gas disk of ZW Lupi and its spiral arms"}) == "different"


@pytest.mark.parametrize(
    "record", [{}, {"title": None, "authors": None, "year": "soon"}, {"title": ["x"], "authors": "x", "year": 1e400}]
)
def test_poor_records_are_no_error(record: dict[str, Any]) -> None:
    """Missing and malformed fields are left aside, and nothing is called the same without a reason."""
    assert verdict(record, record) == "different"
    assert verdict(record, PREPRINT) == "different"


def test_groups_stand_for_their_members() -> None:
    """A collaboration beside the two thousand people it is does not speak against one paper."""
    people = [f"Author{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}, {chr(65 + i % 26)}." for i in range(2400)]
    title = "Search for long-lived particles in collisions at 13 TeV with two leptons"
    assert (
        verdict(
            {"title": title, "authors": ["ORION Collaboration"], "year": 2019},
            {"title": title, "authors": people, "year": 2019},
        )
        == "same"
    )
    assert (
        verdict(
            {"title": title, "authors": people, "year": 2019}, {"title": title, "authors": people[:3], "year": 2020}
        )
        == "same"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The dust ring of XY Tauri: Part One", "The dust ring of XY Tauri: Part Two"),
        ("Der Staubring von XY Tauri. Teil 1", "Der Staubring von XY Tauri. Teil 2"),
        ("L'anneau de XY Tauri. Partie I", "L'anneau de XY Tauri. Partie II"),
        ('Comment on "The dust ring of XY Tauri"', "Reply to \"Comment on 'The dust ring of XY Tauri'\""),
        ("The dust ring of XY Tauri", "VizieR Online Data Catalog: The dust ring of XY Tauri (Vermeer+, 2018)"),
    ],
)
def test_parts_answers_and_catalogues_are_no_versions(one: str, other: str) -> None:
    """Parts counted in words or in another language, an answer, and a catalogue of tables are papers of their own."""
    record = {"authors": PEOPLE, "year": 2018, "venue": "Astronomy and Astrophysics"}
    catalogue = {"bibcode": "2018yCat..36120089V", "venue": ""} if "VizieR" in other else {}
    assert verdict({**record, "title": one}, {**record, "title": other, **catalogue}) == "different"


def test_a_data_set_is_told_by_its_doi() -> None:
    """A DOI of a registrar of data sets makes a record of the same title another thing; two versions of one stay one."""
    paper = {"title": TITLE, "authors": PEOPLE, "year": 2018, "doi": "10.1000/j.2018.17"}
    data = {**paper, "doi": "10.26093/cds/vizier.36120089"}
    assert verdict(paper, data) == "different"
    assert verdict(paper, {**paper, "title": f"{TITLE} [dataset]", "doi": "10.5555/repository.12"}) == "different"
    assert verdict(data, data) == "same"


@pytest.mark.parametrize("title", ["Editorial", "Book review column", TITLE])
def test_a_record_is_like_itself(title: str) -> None:
    """Records that name people and agree in every field are one paper, whatever the title; the sum still holds."""
    work = Work.from_plain({"title": title, "authors": ["Vermeer, A."], "year": 2003, "venue": "Record of Things"})
    found = same_paper(work, work)
    assert found.verdict == "same"
    assert found.start + sum(weight for _, weight in found.contributions) == pytest.approx(found.log_odds, abs=1e-9)


def test_hostile_records_cost_little() -> None:
    """Megabytes in every field are read as far as they may go."""
    long = dict.fromkeys(("title", "abstract", "venue", "pages", "volume", "doi"), "ab1 " * 500000)
    record = {**long, "authors": ["x " * 10_000] * 6000, "year": "1" * 100_000}
    assert 0 <= same_paper(Work.from_plain(record), Work.from_plain({**record, "title": "ba2 " * 500_000})).p <= 1


@pytest.mark.parametrize("sign", ["a", "-", " ", "\n", "10.", "1"])
def test_fields_of_one_sign_cost_little(sign: str) -> None:
    """A megabyte of one sign in every field that is searched is read once, not once from each place."""
    fields = ("title", "authors", "venue", "doi", "arxiv", "bibcode", "pages", "volume", "type", "year", "abstract")
    work = Work.from_plain(dict.fromkeys(fields, sign * (1_000_000 // len(sign))))
    assert same_paper(work, Work.from_plain({"title": "Dust"})).p < 0.5


def test_the_shipped_model_is_the_one_the_features_are_for() -> None:
    """The model file has the features of the code in their order, and says what it was fitted on."""
    assert model().features == FEATURES
    assert model().about["fitted on"]


def test_more_of_a_feature_moves_the_odds_only_in_its_direction() -> None:
    """Each feature with a direction, moved over its range at several points, never turns the odds the other way."""
    pairs = [
        (PREPRINT, ARTICLE),
        (PREPRINT, {**ARTICLE, "title": "The gas disk of ZW Lupi", "year": 2012}),
        (ARTICLE, ARTICLE),
    ]
    rows = np.array([features(read(Work.from_plain(a)), read(Work.from_plain(b))) for a, b in pairs])
    for at, (name, direction) in enumerate(DIRECTIONS.items()):
        moved = np.repeat(rows, 25, axis=0)
        moved[:, at] = np.tile(np.linspace(0.0, 1.0 if rows[:, at].max(initial=0.0) <= 1 else 30.0, 25), len(rows))
        steps = np.diff(model().log_odds(moved).reshape(len(rows), 25), axis=1) * direction
        assert steps.min() >= -1e-9, name


texts = st.text(max_size=40)
records = st.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "authors": st.lists(texts, max_size=4),
        "year": st.integers(1900, 2100),
        "doi": texts,
        "arxiv": texts,
    },
)


@given(records, records)
def test_the_order_of_two_records_changes_nothing(a: dict[str, Any], b: dict[str, Any]) -> None:
    """The judgement is symmetric and its probability lies in 0–1."""
    one, other = same_paper(Work.from_plain(a), Work.from_plain(b)), same_paper(Work.from_plain(b), Work.from_plain(a))
    assert one == other
    assert 0 <= one.p <= 1


@given(records, records)
def test_contributions_sum_to_the_log_odds(a: dict[str, Any], b: dict[str, Any]) -> None:
    """What the topics add makes up the log-odds shown to 1e-9, vetoes and identifiers included."""
    found = same_paper(Work.from_plain(a), Work.from_plain(b))
    assert math.fsum((found.start, *(odds for _, odds in found.contributions))) == pytest.approx(
        found.log_odds, abs=1e-9
    )
    assert found.reasons


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_reading_a_title_twice_changes_nothing(title: str) -> None:
    """Without mark-up a title stays as it is, and its words are the words of its words."""
    once = title_words(title)
    assert title_words(" ".join(once)) == once
    assert plain(plain(plain(title))) == plain(plain(title))


@given(st.permutations(PEOPLE))
def test_the_order_of_authors_does_not_part_a_paper(people: list[str]) -> None:
    """Catalogues that sort authors do not make another paper of it."""
    assert verdict(PREPRINT, {**ARTICLE, "authors": people}) == "same"


def test_many_pairs_are_judged_as_one_by_one() -> None:
    """The order of pairs and their company change nothing."""
    works = [Work.from_plain(r) for r in (PREPRINT, ARTICLE, {**ARTICLE, "title": "Masers"}, {})]
    pairs = [(a, b) for a in works for b in works]
    assert judge(pairs) == [same_paper(a, b) for a, b in pairs] == judge(reversed(pairs))[::-1]


def test_real_preprints_meet_their_articles() -> None:
    """On real pairs from astronomers' files precision is at least .99 and recall at least .98."""
    folder = Path(os.environ.get("BIBLIO_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / "same_paper/preprint_article_pairs.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"real data: NOT RUN, {path} is absent")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        judged = [(verdict(r["a"], r["b"]) == "same", r["label"] == "match") for r in map(json.loads, file)]
    right = sum(said and true for said, true in judged)
    assert right / sum(said for said, _ in judged) >= 0.99
    assert right / sum(true for _, true in judged) >= 0.98


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ({"type": "inproceedings"}, {"type": "article", "journal": "Journal of Skies"}, "different"),
        ({"type": "proceedings-article"}, {"type": "journal-article"}, "different"),
        ({"bibcode": "2018IAUS..332..100M"}, {"type": "article", "bibcode": "2018ApJ...800..100M"}, "different"),
        ({"type": "inproceedings", "doi": "10.9999/x"}, {"type": "article", "doi": "10.9999/X"}, "same"),
        ({"type": "inproceedings"}, {"type": "article", "arxiv": "1801.00001"}, "same"),
    ],
)
def test_a_meeting_and_a_journal_are_two_where_the_records_say_so(
    one: dict[str, str], other: dict[str, str], verdict: str
) -> None:
    """The type or the bibcode says it; an "article" of which only an arXiv number is known is a preprint of either."""
    common = {"title": "Gas in the disk of Tamsin", "authors": ["Marlowe, A.", "Lind, V."], "year": 2018}
    found = same_paper(Work.from_plain({**common, **one}), Work.from_plain({**common, **other}))
    assert found.verdict == verdict, found.reasons
