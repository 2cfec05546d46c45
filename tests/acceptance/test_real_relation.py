"""Use or mention on real papers: data papers, papers that only name the observatory, and papers that do not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biblio.observatory import load
from matching.codes import CodeFinder, Grammar
from matching.keywords import Keywords
from matching.relation import Proposal, RelationRules, TextRead, judge

PROFILE = load()
RULES = RelationRules.from_plain(PROFILE.relation, Keywords.from_plain(PROFILE.keywords))
FINDER = CodeFinder(Grammar.from_plain(PROFILE.codes), None)
MARKUP = {"tex": "tex", "xml": "xml"}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSON-lines file."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def proposed(text: str, markup: str = "auto", title: str | None = None) -> Proposal:
    """The proposal for a paper from its text alone."""
    found = RULES.find(text, markup=markup)
    phrases = (*found.phrases, *RULES.find(title or "", field="title").phrases)
    codes = tuple((mention, "", None) for mention in FINDER.find(text, markup=markup))
    return judge(TextRead(phrases, len(text), found.named, codes), RULES)


@pytest.fixture(scope="module")
def of_full_texts(real_data: Path) -> dict[str, Counter[str | None]]:
    """What is proposed for the full texts, by what a person says they are."""
    found: dict[str, Counter[str | None]] = {"alma_data": Counter(), "mentions_alma": Counter(), "no_alma": Counter()}
    for row in rows(real_data / "papers" / "fulltexts.jsonl"):
        text = (real_data / "papers" / row["path"]).read_text(encoding="utf-8", errors="replace")
        found[row["role"]][proposed(text, MARKUP.get(row["format"], "text"), row["title"]).relation] += 1
    return found


def test_data_papers_are_science_or_left_open(of_full_texts: dict[str, Counter[str | None]]) -> None:
    """No paper that used the data is called a mention or not ours, and four in five are called science."""
    found = of_full_texts["alma_data"]
    assert set(found) <= {"science", None}
    assert found["science"] >= 0.8 * found.total()


def test_mentions_are_seldom_called_science(of_full_texts: dict[str, Counter[str | None]]) -> None:
    """Of papers that name the observatory at most one in ten is called science, and three in five a mention."""
    found = of_full_texts["mentions_alma"]
    assert found["science"] <= 0.1 * found.total()
    assert found["mention"] >= 0.6 * found.total()


def test_papers_that_do_not_name_us_are_not_ours(of_full_texts: dict[str, Counter[str | None]]) -> None:
    """None of them is called science, data-influenced or engineering, and nearly all are called not ours."""
    found = of_full_texts["no_alma"]
    assert set(found) <= {"not_ours", "mention", None}
    assert found["not_ours"] >= 0.95 * found.total()


def test_passages_that_print_a_code(real_data: Path) -> None:
    """A passage that thanks for the data is proposed as science; one of an accepted plan is not."""
    for row in rows(real_data / "papers" / "alma_excerpts_truth.jsonl"):
        relation = proposed(row["text"]).relation
        assert relation in ({"science", None} if row["data_used"] else {"mention", None}), row["bibcode"]


def test_passages_that_only_name_us_are_never_certain(real_data: Path) -> None:
    """A paragraph that names the observatory and prints no code proves nothing about its paper."""
    for row in rows(real_data / "papers" / "alma_mentions_without_code.jsonl"):
        assert proposed(row["text"]).band != "certain", row["bibcode"]
