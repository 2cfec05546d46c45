"""What comments on arXiv say of the way to print, and the day that follows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.catalogue.press_words import (
    DEFAULT_DAYS,
    LEAST_PAPERS,
    Delay,
    Stage,
    Version,
    expect,
    journal_key,
    median_days,
    read_comment,
)

MNRAS = "Monthly Notices of the Royal Astronomical Society"
APJ = "The Astrophysical Journal"
AA = "Astronomy and Astrophysics"
GOLDEN = [
    ("accepted for publication in ApJ", Stage.ACCEPTED, APJ),
    ("13 pages, 9 figures, MNRAS accepted", Stage.ACCEPTED, MNRAS),
    ("MNRAS, in press", Stage.ACCEPTED, MNRAS),
    ("A&A, in press. Final version", Stage.ACCEPTED, AA),
    ("14 pages; Accepted to the Astrophysical Journal", Stage.ACCEPTED, APJ),
    ("29 pages, 6 figures. To appear in the Astronomical Journal", Stage.ACCEPTED, "The Astronomical Journal"),
    ("27 pages, 11 figures To appear in PASJ", Stage.ACCEPTED, "Publications of the Astronomical Society of Japan"),
    ("12 pages, to be published in A&A", Stage.ACCEPTED, AA),
    ("submitted to MNRAS Dec 2025, accepted Jul 29, 2026", Stage.ACCEPTED, MNRAS),
    ("accpeted for publication in ApJ", Stage.ACCEPTED, APJ),
    ("v2 contains corrections found in proofs", Stage.ACCEPTED, None),
    ("Accepted to ApJ pending slight reduction in length", Stage.ACCEPTED, APJ),
    ("Revised version accepted by ApJ Letters; full tables will be published online", Stage.ACCEPTED, f"{APJ} Letters"),
    ("Published in MNRAS, 10 pages", Stage.PUBLISHED, MNRAS),
    ("minor changes to match the published version", Stage.PUBLISHED, None),
    ("v3: matches version published in A&A", Stage.PUBLISHED, AA),
    ("submitted to ApJ. Comments welcome", Stage.SUBMITTED, APJ),
    ("19 pages, submitted to A&A, not yet accepted", Stage.SUBMITTED, AA),
    ("resubmitted to MNRAS after revision", Stage.SUBMITTED, MNRAS),
    ("in review at MNRAS", Stage.SUBMITTED, MNRAS),
    ("to be submitted to ApJ", Stage.SUBMITTED, APJ),
    ("not accepted", Stage.UNSAID, None),
    ("The paper was not accepted by ApJ", Stage.UNSAID, None),
    ("Comments welcome", Stage.UNSAID, None),
    ("Comments welcome until accepted", Stage.UNSAID, None),
    ("if accepted, the data will be public", Stage.UNSAID, None),
    ("Tables 2-4 will be published online", Stage.UNSAID, None),
    ("the full catalogue will appear at the CDS", Stage.UNSAID, None),
    ("Companion paper accepted by ApJ", Stage.UNSAID, None),
    ("see Doe et al. in press", Stage.UNSAID, None),
    ("accepted telescope proposal", Stage.UNSAID, None),
    ("20 pages, 8 figures", Stage.UNSAID, None),
    ("accepted by MNRAS; then withdrawn; now 19 pages", Stage.UNSAID, None),
    ("accepted by MNRAS, this paper has been withdrawn by the authors", Stage.UNSAID, None),
    ("MNRAS accepted (previously submitted to ApJ but withdrawn before review)", Stage.ACCEPTED, MNRAS),
    ("matches published version, results of section 5 withdrawn", Stage.PUBLISHED, None),
    ("withdrawn from ApJ, accepted by A&A", Stage.ACCEPTED, AA),
    ("accepted for an oral presentation at a workshop", Stage.UNSAID, None),
    ("accepted Cycle 5 project", Stage.UNSAID, None),
    ("18 pages, accepted by A\\&A", Stage.ACCEPTED, AA),
    ("18 pages, A&amp;A accepted", Stage.ACCEPTED, AA),
    ("ａｃｃｅｐｔｅｄ for publication in ApJ", Stage.ACCEPTED, APJ),
    ("submited to MNRAS", Stage.SUBMITTED, MNRAS),
    ("Sumbitted to MNRAS", Stage.SUBMITTED, MNRAS),
    ("MNRAS inpress", Stage.ACCEPTED, MNRAS),
    ("accepté pour publication dans A&A", Stage.ACCEPTED, AA),
    ("pas encore accepté par A&A", Stage.UNSAID, None),
    ("soumis à A&A", Stage.SUBMITTED, AA),
    ("aceptado para publicación en A&A", Stage.ACCEPTED, AA),
    ("angenommen von A&A", Stage.ACCEPTED, AA),
    ("noch nicht akzeptiert", Stage.UNSAID, None),
    ("eingereicht bei A&A", Stage.SUBMITTED, AA),
    ("принято в печать", Stage.ACCEPTED, None),
    ("", Stage.UNSAID, None),
    (None, Stage.UNSAID, None),
]


@pytest.mark.parametrize(("comment", "stage", "journal"), GOLDEN, ids=range(len(GOLDEN)))
def test_comments_are_read_as_a_librarian_reads_them(comment: str | None, stage: Stage, journal: str | None) -> None:
    """How far the paper is, and at which journal; no word on other papers, tables or what has not happened."""
    said = read_comment(comment)
    assert (said.stage, said.journal) == (stage, journal)


@given(st.text(max_size=300))
def test_any_comment_is_read_without_error(comment: str) -> None:
    """Strangers write anything; and words after it never make an accepted paper less than accepted."""
    read_comment(comment)
    assert read_comment(f"accepted for publication in ApJ; {comment}").stage >= Stage.ACCEPTED


def test_a_comment_of_any_length_is_read_in_part() -> None:
    """Only the beginning of a very long comment is read."""
    assert read_comment("x, " * 200_000 + "accepted by ApJ").stage is Stage.UNSAID


def test_spellings_of_one_journal_have_one_key() -> None:
    """Abbreviation, full name and "The" lead to the same key; another journal has another."""
    assert journal_key("MNRAS") == journal_key(MNRAS) == journal_key("Monthly Notices")
    assert journal_key("ApJ") == journal_key("Astrophysical Journal") == journal_key(APJ)
    assert journal_key("A&A") == journal_key("Astronomy & Astrophysics")
    assert journal_key("ApJL") != journal_key("ApJ")


MEDIANS = {
    ("submitted", ""): Delay(90, 500),
    ("submitted", journal_key("MNRAS")): Delay(114, 212),
    ("accepted", ""): Delay(40, 300),
}


@pytest.mark.parametrize(
    ("versions", "day", "reason"),
    [
        ([(1, 1, "submitted to MNRAS")], 1 + 114, "submitted to Monthly"),
        ([(1, 1, "submitted to A&A")], 1 + 90, "submitted to Astronomy and Astrophysics 2026-01-01 + 90 days, median of 500"),
        ([(1, 1, "12 pages")], 1 + 90, "submitted 2026-01-01 + 90 days, median of 500 papers in all journals"),
        ([], 1 + 90, "submitted 2026-01-01"),
        ([(1, 1, "submitted"), (2, 60, "accepted by ApJ")], 60 + 40, "accepted by The Astrophysical Journal (comment of v2"),
        ([(1, 1, "accepted by ApJ"), (2, 60, "accepted by ApJ, proofs")], 1 + 40, "accepted by"),
        ([(1, 1, "accepted by ApJ"), (2, 60, "Published in ApJ")], 60, "published in The Astrophysical Journal, as the comment of v2"),
        ([(1, 1, "accepted by ApJ"), (2, 60, "withdrawn from ApJ, submitted to A&A")], 1 + 90, "submitted to Astronomy"),
    ],
    ids=["journal", "all", "silent", "unknown", "accepted", "first", "published", "newest"],
)  # fmt: skip
def test_the_day_follows_from_what_is_said(versions: list[tuple[int, int, str]], day: int, reason: str) -> None:
    """Accepted: from the version that first said so; else from submission by the journal's median, else that of all."""
    start = date(2025, 12, 31)
    told = [Version(number, start + timedelta(after), comment) for number, after, comment in versions]
    found = expect(told, start + timedelta(1), MEDIANS)
    assert found.day == start + timedelta(day)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("comment", "kind"), [("accepted by ApJ", "accepted"), ("submitted to ApJ", "submitted"), ("", "unsaid")]
)
def test_without_any_median_the_usual_days_count(comment: str, kind: str) -> None:
    """A store that knows no printed papers falls back on the stated defaults, and says so."""
    found = expect([Version(1, date(2026, 1, 1), comment)], date(2026, 1, 1), {})
    assert (found.day - date(2026, 1, 1)).days == DEFAULT_DAYS[kind]
    assert found.reason.endswith("as is usual")


@given(st.lists(st.integers(-400, 2000), max_size=60))
def test_a_median_stands_on_enough_papers_posted_before_print(days: list[int]) -> None:
    """Papers posted after print say nothing; of too few there is no median; it lies between the extremes."""
    told = [one for one in days if one >= 0]
    found = median_days(days)
    if len(told) < LEAST_PAPERS:
        assert found is None
    else:
        assert found is not None
        assert found.papers == len(told)
        assert min(told) <= found.days <= max(told)
