"""Anchors from the fields of a grammar: three observatories nobody has built are read with fields, names and examples."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from biblio.observatory import available
from matching.anchors import anchor_patterns
from matching.codes import CodeFinder, Grammar, Registry

HERON: dict[str, Any] = {
    "names": ["Heron"],
    "prefixes": ["Heron#"],
    "forms": [
        {
            "name": "proposal",
            "template": "{site}-{year}{semester}-{sort}-{number}",
            "fields": {
                "site": {"choice": ["HN", "HS"]},
                "year": {"digits": 4, "begins": "20"},
                "semester": {"characters": "[AB]"},
                "sort": {"choice": ["Q", "C", "DD", "LP"]},
                "number": {"digits": [1, 3]},
            },
        }
    ],
    "examples": [
        {"text": "Heron proposal HN-2013A-Q-12", "codes": ["HN-2013A-Q-12"]},
        {"text": "Heron#HS-2017B-LP-104.", "codes": ["HS-2017B-LP-104"]},
    ],
    "counter_examples": ["NGC 2013-12 and HN 20", "the semester 2013A of Heron"],
}
KESTREL: dict[str, Any] = {
    "names": ["Kestrel Array"],
    "forms": [
        {
            "name": "run",
            "template": "K{cycle}/{letter}{number}",
            "fields": {"cycle": {"digits": 2}, "letter": {"characters": "[ABC]"}, "number": {"digits": 4}},
        }
    ],
    "examples": [{"text": "Kestrel Array run K07/A0123", "codes": ["K07/A0123"]}],
    "counter_examples": ["the K band in 07/2013", "07/A0123"],
}
MARTIN: dict[str, Any] = {
    "names": ["Martin"],
    "forms": [
        {
            "name": "plan",
            "template": "MX-{period}-{number}",
            "fields": {"period": {"digits": 3}, "number": {"digits": 4}},
        }
    ],
    "examples": [{"text": "Martin MX-012-0123", "codes": ["MX-012-0123"]}],
    "counter_examples": ["pages 012-0123 of the Martin handbook"],
}
CODES = {
    "heron": (HERON, ["HN-2013A-Q-12", "HS-2017B-LP-104", "HN-2015B-DD-7"]),
    "kestrel": (KESTREL, ["K07/A0123", "K12/C2210"]),
    "martin": (MARTIN, ["MX-012-0123", "MX-104-2210"]),
}
FAR = "the flux of the source was measured again in 2013. " * 500  # a long text that does not name the observatory

DAMAGES: dict[str, Callable[[str], str]] = {
    "line break": lambda code: code[:5] + "\n" + code[5:],
    "en dashes": lambda code: code.replace("-", "–"),
    "soft hyphens": lambda code: code.replace("-", "\u00ad-"),
    "small letters": str.lower,
    "tags": lambda code: f"<i>{code[:2]}</i>{code[2:]}",
    "blanks": lambda code: code.replace("-", " - ").replace("/", " / "),
    "a letter for a digit": lambda code: code.replace("0", "O", 1).replace("1", "l", 1),
}


def shipped(observatory: str) -> dict[str, Any]:
    """The [codes] table of a shipped profile."""
    with (available()[observatory] / "profile.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["codes"]
    return table


@pytest.mark.parametrize("plain", [HERON, KESTREL, MARTIN])
def test_a_new_observatory_writes_fields_examples_and_names_only(plain: dict[str, Any]) -> None:
    """Its examples and counter-examples hold without one regular expression to find codes by."""
    Grammar.from_plain(plain).self_test()


@pytest.mark.parametrize("observatory", ["alma", "eso"])
def test_the_shipped_profiles_use_the_same_derivation(observatory: str) -> None:
    """No form of a shipped profile writes anchors of its own."""
    assert not any("anchor" in key for form in shipped(observatory)["forms"] for key in form)


@pytest.mark.parametrize("plain", [HERON, KESTREL, MARTIN, shipped("alma"), shipped("eso")])
def test_each_anchor_begins_with_a_literal(plain: dict[str, Any]) -> None:
    """There is an anchor for every text, and none matches where its first letter or sign does not stand."""
    grammar = Grammar.from_plain(plain)
    assert anchor_patterns(grammar, named=False)
    for named in (False, True):
        for pattern in anchor_patterns(grammar, named=named):
            first = pattern.pattern.removeprefix("\\")[0]
            assert first.isalnum() or first in "-./_:#"


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, (_, codes) in CODES.items() for code in codes])
def test_codes_are_found_where_nobody_names_the_observatory(name: str, code: str) -> None:
    """The anchor alone leads to a printed code in the middle of a long text."""
    plain, known = CODES[name]
    grammar = Grammar.from_plain(plain)
    for registry in (None, Registry(grammar, known)):
        (mention,) = CodeFinder(grammar, registry).find(f"{FAR} the data {code} were used. {FAR}")
        assert (mention.code, mention.as_written, mention.certain) == (code, code, registry is not None)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("name", "code"), [(name, code) for name, (_, codes) in CODES.items() for code in codes])
def test_damaged_codes_are_found_after_the_name(name: str, code: str, damage: str) -> None:
    """Broken, marked-up, respelt and misread codes near the name are read against the registry, for certain."""
    plain, known = CODES[name]
    grammar = Grammar.from_plain(plain)
    written = DAMAGES[damage](code)
    (mention,) = CodeFinder(grammar, Registry(grammar, known)).find(f"{FAR} with {plain['names'][0]} {written}. {FAR}")
    assert (mention.code, mention.certain) == (code, True)


def test_anchors_may_be_added_by_hand() -> None:
    """A hand-written anchor leads to what the derived ones pass by."""
    form = {**KESTREL["forms"][0], "anchors": ["kestrel-run"]}
    added = Grammar.from_plain({**KESTREL, "forms": [form]})
    text = f"{FAR} kestrel-run k07/a0123 {FAR}"
    assert CodeFinder(Grammar.from_plain(KESTREL), None).find(text) == []
    assert [mention.code for mention in CodeFinder(added, None).find(text)] == ["K07/A0123"]
