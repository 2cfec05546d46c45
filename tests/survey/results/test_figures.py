"""Results: intervals that say what they are, campaigns side by side, files without what is withheld."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, hypergeom

from biblio.catalogue.actor import MACHINE
from biblio.clock import FixedClock
from biblio.observatory import Questionnaire, load
from biblio.runtime import Runtime
from biblio.store.answers import CampaignAnswers, Part, Standing, answers_of_closed_campaigns, shown
from biblio.store.models import Campaign
from biblio.tables import csv_file
from survey.box.closing import open_waves
from survey.box.purging import purge
from survey.box.strata import Group, merged
from survey.campaign.service import create_campaign, open_campaign
from survey.earlier.past import import_past, read_past
from survey.earlier.tables import read_table
from survey.results import files
from survey.results.figures import Results, compared, reckoned, results_of, span
from tests.factories import add_project
from tests.survey.people import answer_all, let_it_end, make_campaign, open_and_send, said, tokens_of

SHIPPED = load().questionnaire


def campaign(
    number: int = 1,
    reasons: dict[int, int] | None = None,
    *,
    sent: int | None = 60,
    questionnaire: Questionnaire = SHIPPED,
    standing: Standing = Standing.WHOLE,
    strata: tuple[Part, ...] = (),
    chosen: dict[str, dict[int, int]] | None = None,
) -> CampaignAnswers:
    """A campaign of the year 2000 + ``number``: 20 answers unless told otherwise, of 60 questionnaires."""
    reasons = {1: 4, 4: 6, 9: 10} if reasons is None else reasons
    total = sum(reasons.values())
    whole = Part(
        f"campaign {number}", sent, 50, 2, total, total, {"status": reasons, **(chosen or {})} if reasons else {}
    )
    return CampaignAnswers(
        number, whole.name, standing, date(2000 + number, 3, 1), date(2000 + number, 4, 1), questionnaire, whole,
        strata=strata, stratify_by="cycle" if strata else None,
    )  # fmt: skip


# -- intervals --------------------------------------------------------------------------------------------------------


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(n, 3 * n + 5))))
def test_interval_and_bounds_hold_the_share(numbers: tuple[int, int, int]) -> None:
    """The bounds hold the interval, the interval the share; all lie between 0 and 1."""
    chose, answered, asked = numbers
    found = span(chose, answered, asked)
    assert 0 <= found.least <= found.low <= chose / answered <= found.high <= found.most <= 1 + 1e-12


def test_of_very_many_the_interval_is_wilsons() -> None:
    """Where few of very many answered there is nothing to correct for: scipy gives the same."""
    found = span(10, 153, 10_000_000)
    wilson = binomtest(10, 153).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), rel=1e-4)


def test_when_all_answer_nothing_is_uncertain() -> None:
    """A census that everybody answered has its figures and no interval around them."""
    found = span(7, 20, 20)
    assert (found.low, found.high, found.least, found.most) == (7 / 20,) * 4


def test_bounds_are_what_the_silent_could_do() -> None:
    """10 of 20 answers, 60 asked: at worst 10 of 60, at most 50 of 60."""
    found = span(10, 20, 60)
    assert (found.least, found.most) == pytest.approx((10 / 60, 50 / 60))


@pytest.mark.parametrize("answered", [15, 30, 50])
def test_the_interval_holds_the_figure_of_everybody_as_often_as_it_says(answered: int) -> None:
    """Reckoned over every draw of 60 persons, not simulated: 95 % on average over what all may think, never below 80 %."""
    asked, coverage = 60, []
    for all_who_would in range(asked + 1):
        chances = hypergeom(asked, all_who_would, answered)
        holds = 0.0
        for chose in range(max(0, answered - asked + all_who_would), min(answered, all_who_would) + 1):
            found = span(chose, answered, asked)
            holds += chances.pmf(chose) * (found.low - 1e-9 <= all_who_would / asked <= found.high + 1e-9)
        coverage.append(holds)
    assert sum(coverage) / len(coverage) >= 0.945
    assert min(coverage) >= 0.8


@pytest.mark.parametrize("numbers", [(0, 0, 5), (3, 2, 5), (1, 6, 5), (-1, 3, 5)])
def test_numbers_that_cannot_be_are_refused(numbers: tuple[int, int, int]) -> None:
    """More chose than answered, more answered than were asked, or nobody answered."""
    with pytest.raises(ValueError, match="cannot be"):
        span(*numbers)


# -- one campaign -----------------------------------------------------------------------------------------------------


def test_reasons_and_groups_have_shares_of_the_answers() -> None:
    """Twelve reasons in the order of the chain, five groups that add them up, shares of all answers, intervals."""
    found = reckoned(campaign())
    assert [line.number for line in found.reasons] == list(range(1, 13))
    assert {line.group: line.count for line in found.groups} == {
        "published": 4,
        "data": 6,
        "science": 0,
        "resources": 10,
        "other": 0,
    }
    assert sum(line.share for line in found.groups) == pytest.approx(1)
    assert found.reasons[8].span == span(10, 20, 60)


@pytest.mark.parametrize(
    ("reasons", "headline"),
    [
        ({1: 4, 4: 6, 9: 10}, "Said most often: No effort available (10 of 20 answers)."),
        ({1: 8, 9: 8}, "Said most often: There is a publication and No effort available (8 of 16 answers each)."),
        ({1: 2, 4: 2, 9: 2}, ""),
        ({}, ""),
    ],
)
def test_the_headline_says_what_leads(reasons: dict[int, int], headline: str) -> None:
    """One reason or two; where three lead, or nothing is known, it says nothing."""
    assert reckoned(campaign(1, reasons)).headline == headline


def test_where_the_number_asked_is_not_known_there_is_no_interval() -> None:
    """Also where more answered than were asked, as a source may say."""
    for sent in (None, 19):
        assert all(line.span is None for line in reckoned(campaign(sent=sent)).reasons)


def test_further_questions_are_counted_per_choice() -> None:
    """Of a question with several answers, each choice over those who answered."""
    plain = SHIPPED.model_dump(mode="json")
    choices = [{"number": n, "text": f"Tool {n}.", "short": f"Tool {n}"} for n in (1, 2, 3)]
    plain["questions"].append({"key": "tools", "kind": "many", "text": "Which tools?", "choices": choices})
    worded = Questionnaire.model_validate(plain)
    (asked,) = reckoned(campaign(questionnaire=worded, chosen={"tools": {1: 15, 3: 10}})).asked
    assert asked.several
    assert [(line.label, line.count, line.share) for line in asked.lines] == [
        ("Tool 1", 15, 0.75),
        ("Tool 2", 0, 0.0),
        ("Tool 3", 10, 0.5),
    ]


# -- side by side -----------------------------------------------------------------------------------------------------


def reworded() -> Questionnaire:
    """The shipped questionnaire of the next version, with one reason worded otherwise."""
    plain = SHIPPED.model_dump(mode="json")
    plain["questions"][0]["choices"][4]["text"] = "The data were noisy."
    return Questionnaire.model_validate(plain)


def test_campaigns_stand_in_the_order_of_their_years_apart_by_wording() -> None:
    """The same version with other words is another wording; only the groups go across."""
    found = compared([campaign(3), campaign(1), campaign(2, questionnaire=reworded())])
    assert [each.figures.campaign_id for each in found.results] == [1, 2, 3]
    assert [(w.label, [r.figures.campaign_id for r in w.results]) for w in found.wordings] == [
        ("2015-03", [1, 3]),
        ("2015-03 (2)", [2]),
    ]
    assert len(found.groups) == 5
    assert all(len(row) == 3 for _, row in found.groups)
    nine = found.wordings[0].rows[8]
    assert (nine[1], nine[2]) == ((10, 10), 20)


def test_a_withheld_campaign_is_in_no_sum() -> None:
    """Nor in the rates of the sum: all together less the others would be that campaign."""
    few = campaign(2, {}, standing=Standing.FEW)
    found = compared([campaign(1), few, campaign(3)])
    (wording,) = found.wordings
    assert wording.rows[8][1] == (10, None, 10)
    assert wording.rows[8][2] == 20
    assert wording.together is not None
    assert wording.together.projects == 120
    assert compared([campaign(1), few]).wordings[0].together is None


def test_an_unknown_number_is_unknown_in_the_sum() -> None:
    """A campaign that does not know how many were asked leaves the sum without a rate."""
    (wording,) = compared([campaign(1), campaign(2, sent=None)]).wordings
    assert wording.together is not None
    assert wording.together.questionnaires.words == "40 of a number not known"


# -- files ------------------------------------------------------------------------------------------------------------


def full() -> Results:
    """Results with strata, and a name that looks like a formula."""
    strata = tuple(Part(name, 30, 25, 1, 10, 10, {"status": {9: 10}}) for name in ("=A1", "Cycle 2"))
    return reckoned(replace(campaign(strata=strata), name="=1+1"))


def test_every_row_fills_its_columns() -> None:
    """Both rates and those not reached, reasons, groups, of the campaign and of each stratum."""
    rows = list(files.rows([full()]))
    assert {len(row) for row in rows} == {len(files.HEADER)}
    assert Counter(str(row[2]) for row in rows) == {"campaign": 20, "=A1": 20, "Cycle 2": 20}
    nine = next(row for row in rows if row[2:5] == ["campaign", "reason", 9])
    assert nine[6:9] == [10, 20, 0.5]


def test_no_cell_is_run() -> None:
    """A campaign and a stratum that are called like formulas are text."""
    text = csv_file(files.HEADER, files.rows([full()])).decode()
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


def test_withheld_reasons_are_in_no_file() -> None:
    """Neither in rows nor in JSON nor in the terminal's lines; both rates are in all."""
    few = reckoned(campaign(1, {}, standing=Standing.FEW))
    assert {row[3] for row in files.rows([few])} == {"rate", "bounced"}
    plain = files.plain(few)
    assert plain["reasons"] == plain["groups"] == plain["strata"] == []
    assert "In press" not in files.text(few)
    assert "Persons with at least one completed of those asked" in files.text(few)


def test_unknown_numbers_are_null_and_not_nothing() -> None:
    """JSON tells what is not known from zero."""
    plain: dict[str, Any] = json.loads(json.dumps(files.plain(reckoned(campaign(sent=None)))))
    assert plain["questionnaires"] == {"completed": 20, "sent": None, "rate": None}
    assert plain["reasons"][0]["interval"] is None


def test_the_terminal_shows_both_rates_reasons_and_strata() -> None:
    """And says what the interval is."""
    text = files.text(full())
    for words in ("20 of 60 (33.3\u202f%)", "20 of 50 (40.0\u202f%)", "No effort available", "Cycle 2", files.NOTE):
        assert words in text
    side_by_side = files.compared_text(compared([campaign(1), campaign(2)]))
    for words in ("[2] campaign 2", "together", "Resources", "50 %"):
        assert words in side_by_side


def test_the_picture_has_a_title_a_description_and_all_reasons() -> None:
    """Drawn for light and dark pages; a name cannot break out of it."""
    for theme in ("light", "dark"):
        drawn = files.chart(reckoned(replace(campaign(), name="<b>")), theme)
        assert "<title>&lt;b&gt;: answers by reason</title>" in drawn
        assert "<desc>Most often: No effort available, 10 of 20." in drawn
        assert "12. Other" in drawn
        assert "<b>" not in drawn


def test_the_picture_of_all_campaigns_has_those_that_show_their_groups() -> None:
    """A withheld campaign has no bar; the description counts those that have one."""
    drawn = files.compared_chart(compared([campaign(1), campaign(2, {}, standing=Standing.FEW), campaign(3)]), "dark")
    assert "<desc>2 campaigns, oldest first." in drawn
    assert "campaign 2" not in drawn
    assert "campaign 3" in drawn


def test_pdfs_are_written() -> None:
    """One campaign, and campaigns side by side, from the same numbers."""
    import pypdfium2

    made = files.Made("An observatory of tests", date(2026, 11, 23))
    for written, words in (
        (files.as_pdf(full(), made), ("Results: =1+1", "In five groups", "Cycle 2")),
        (files.compared_pdf(compared([campaign(1), campaign(2)]), made), ("Campaigns side by side", "Together")),
    ):
        document = pypdfium2.PdfDocument(written)
        text = "".join(page.get_textpage().get_text_bounded() for page in document)
        document.close()
        assert all(each in text for each in (*words, made.observatory, "Made on 2026-11-23", "fewer than 5 persons"))


def test_a_long_reason_is_wrapped_and_not_cut_in_a_terminal() -> None:
    """Every word of every reason stands beside the campaigns' numbers."""
    shown = " ".join(files.compared_text(compared([campaign(1), campaign(2)])).split())
    for choice in campaign(1).questionnaire.status.choices:
        assert all(word in shown for word in choice.short.split())


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 25), st.integers(1, 12)), max_size=12), min_size=1, max_size=5),
    st.integers(2, 6),
    st.booleans(),
)
def test_what_a_release_merges_is_shown_as_it_is(
    answers: list[list[tuple[int, int]]], minimum: int, is_ordered: bool
) -> None:
    """Strata merged at release, of (person, reason): all that are left apart are shown, each of enough persons."""
    groups = merged(
        [Group((str(n),), frozenset((str(person), "") for person, _ in each)) for n, each in enumerate(answers)],
        minimum,
        is_ordered=is_ordered,
    )

    def part(name: str, members: list[tuple[int, int]]) -> Part:
        counts = {"status": dict(Counter(reason for _, reason in members))} if members else {}
        return Part(name, persons_answered=len({person for person, _ in members}), chosen=counts)

    parts = [part(group.name, [a for n in group.strata for a in answers[int(n)]]) for group in groups]
    everybody = part("all", [a for each in answers for a in each])
    whole, strata = shown(everybody, parts, question="status", minimum=minimum)
    if everybody.persons_answered is not None and everybody.persons_answered < minimum:
        assert (whole.chosen, strata) == ({}, ())
    else:
        assert whole == everybody
        assert list(strata) == (parts if len(parts) > 1 else [])


# -- the whole way ----------------------------------------------------------------------------------------------------


def test_figures_after_waves_and_merging_differ_by_enough_persons(sqlite_runtime: Runtime) -> None:
    """Two waves and a closing, three strata of which one is too small: what is shown after each step, and all of it that
    can be subtracted, is about five persons or more."""
    waves = replace(sqlite_runtime, settings=sqlite_runtime.settings.model_copy(update={"survey_wave_persons": 12}))
    with waves.store.writing() as session:
        for cycle, count in (("2012.1", 17), ("2016.1", 17), ("2018.1", 2)):
            for number in range(count):
                person = f"p{cycle}-{number}"
                add_project(session, f"{cycle}.{number:05d}.S", pi=f"{person}, Ines", pi_email=f"{person}@example.org")
        made = create_campaign(session, waves, MACHINE, name="autumn", stratify_by="cycle").campaign_id
        open_campaign(session, waves, MACHINE, made)
    tokens = tokens_of(waves, made)
    first, second, small = tokens[:17], tokens[17:34], tokens[34:]
    seen: list[Results] = []

    def answer(*links: str) -> None:
        answer_all(waves, links, [said(9 if number % 3 else 4) for number in range(len(links))])

    def look() -> None:
        with waves.store.reading() as session:
            seen.append(results_of(session, session.get_one(Campaign, made), waves.clock.today()))

    for start in (0, 6):
        answer(*first[start : start + 6], *second[start : start + 6])
        open_waves(waves)
        look()
    answer(*first[12:], *second[12:], *small)
    let_it_end(waves, made)
    look()
    assert [each.figures.standing for each in seen] == [Standing.WAVES, Standing.WAVES, Standing.WHOLE]
    assert [part.part.name for part in seen[-1].strata] == ["Cycles 0–2", "Cycles 3–5 + Cycles 6–8"]
    behind = [
        (shown, [set(first[:stop]), {*second[:stop], *(small if stop > 12 else ())}])
        for shown, stop in zip(seen, (6, 12, 17), strict=True)
    ]
    figures = [persons for shown, strata in behind for persons in (strata[0] | strata[1], *strata)]
    assert [len(persons) for persons in figures] == [
        count
        for shown, _ in behind
        for count in (shown.counted, *(part.part.answers("status") for part in shown.strata))
    ]
    assert all(len(one ^ other) >= 5 for one, other in combinations([set(), *figures], 2))


def test_published_totals_taken_over_give_the_published_rates(sqlite_runtime: Runtime, tmp_path: Path) -> None:
    """616 asked, 185 answered, 32 of them incompletely: 24.8 %; 965 of 1,278 questionnaires: 75.5 %; the rest not known."""
    file = tmp_path / "totals.csv"
    file.write_text(
        "campaign,closed_on,persons_asked,persons_answered,incomplete,questionnaires_sent,questionnaires_completed,"
        "choice,answers\n"
        "users,2018-03-01,616,185,32,,,,\n"
        "silent,2017-05-01,,,,1278,965,3,600\n"
        "silent,2017-05-01,,,,1278,965,9,365\n",
        encoding="utf-8",
    )
    campaigns, refused = read_past(read_table(file), sqlite_runtime.profile)
    assert refused == []
    with sqlite_runtime.store.writing() as session:
        import_past(session, sqlite_runtime, campaigns, source=file.name)
        silent, users = compared(answers_of_closed_campaigns(session)).results
    assert users.figures.whole.people.words == "153 of 616 (24.8\u202f%)"
    assert users.figures.whole.questionnaires.words == "not known"
    assert users.figures.incomplete == 32
    assert users.reasons == ()
    assert silent.figures.whole.questionnaires.words == "965 of 1\u202f278 (75.5\u202f%)"
    assert silent.figures.whole.people.words == "not known"
    assert silent.headline == "Said most often: In preparation (600 of 965 answers)."


def test_erasing_addresses_changes_no_figure(sqlite_runtime: Runtime) -> None:
    """A year after closing nobody knows who was asked, and the results are the same to the last number."""
    number = make_campaign(sqlite_runtime, projects=8)
    open_and_send(sqlite_runtime, number)
    answer_all(sqlite_runtime, tokens_of(sqlite_runtime, number), [said(4)] * 6)
    let_it_end(sqlite_runtime, number)

    def figures() -> dict[str, Any]:
        with sqlite_runtime.store.reading() as session:
            campaign = session.get_one(Campaign, number)
            return files.plain(results_of(session, campaign, sqlite_runtime.clock.today()))

    before = figures()
    assert before["persons"] == {"answered": 6, "asked": 8, "rate": 0.75}
    assert isinstance(sqlite_runtime.clock, FixedClock)
    sqlite_runtime.clock.move(timedelta(days=400))
    assert len(purge(sqlite_runtime, MACHINE)) == 1
    assert figures() == before
