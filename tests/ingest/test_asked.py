"""What a harvest can be asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from biblio.errors import RequestRefused
from biblio.ingest.asked import BY_DAYS, KNOWN, Asked

TODAY = date(2026, 11, 22)


def test_nothing_said_is_every_source_from_its_own_place() -> None:
    """Without arguments all sources are asked, in the order in which papers meet their projects."""
    assert Asked.of({}, TODAY) == Asked(KNOWN)
    assert KNOWN[0] == "projects"


def test_days_without_sources_ask_those_that_know_days() -> None:
    """Filling a hole does not read the registry, which knows no days."""
    asked = Asked.of({"since": "2026-11-01", "until": date(2026, 11, 7)}, TODAY)
    assert (asked.sources, asked.since, asked.until) == (BY_DAYS, date(2026, 11, 1), date(2026, 11, 7))


def test_sources_come_in_their_order_whatever_was_typed() -> None:
    """Names may be a list or one text, with blanks; the registry answers to both of its names."""
    assert Asked.of({"sources": " ads , registry"}, TODAY).sources == ("projects", "ads")
    assert Asked.of({"sources": ["ads", "registry"], "accept": "registry"}, TODAY) == Asked(
        ("projects", "ads"), accepted=frozenset({"projects"}), is_chosen=True
    )


def test_who_begins_anew_is_asked_alone() -> None:
    """Beginning anew names the sources to ask, where nobody names others."""
    asked = Asked.of({"begin_anew": "ads"}, TODAY)
    assert (asked.sources, asked.anew, asked.is_chosen) == (("ads",), frozenset({"ads"}), True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sources": "usenet"}, "There is no source usenet"),
        ({"accept": "usenet"}, "There is no source usenet"),
        ({"since": "soon"}, "since is a day such as"),
        ({"until": "2026-01-01"}, "since which day"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "wrong way round"),
        ({"since": "2026-12-01"}, "wrong way round"),
        ({"since": "0001-01-01"}, "lie between 1991-01-01 and today"),
        ({"since": "2026-01-01", "until": "9999-12-31"}, "lie between 1991-01-01 and today"),
        ({"x": "1", "since": "2026-02-01"}, "does not know x"),
        ({"accept": "ads", "sources": "arxiv"}, "ads is to be taken and is not asked"),
        ({"begin_anew": "ads", "since": "2026-02-01"}, "leave the days out"),
        ({"begin_anew": "ads", "sources": "arxiv"}, "ads is to begin anew and is not asked"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments: dict[str, Any], words: str) -> None:
    """Each refusal names the argument and says what it takes."""
    with pytest.raises(RequestRefused, match=words):
        Asked.of(arguments, TODAY)
