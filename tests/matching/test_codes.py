"""Project codes in text: two observatories' grammars, damage of many kinds, and what may never be certain."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.observatory import available
from matching.codes import CodeFinder, Grammar, GrammarError, Mention, Registry, resolve

PREFIX = "This paper makes use of the following ALMA data: ADS/JAO.ALMA#"


def plain_codes(observatory: str) -> dict[str, Any]:
    """The [codes] table of a shipped profile."""
    import tomllib

    with (available()[observatory] / "profile.toml").open("rb") as file:
        table: dict[str, Any] = tomllib.load(file)["codes"]
    return table


ALMA = Grammar.from_plain(plain_codes("alma"))
ESO = Grammar.from_plain(plain_codes("eso"))
KNOWN = [
    "2011.0.00001.CAL",
    "2011.0.00005.SV",
    "2011.0.00340.S",
    "2013.1.00001.S",
    "2013.1.00123.S",
    "2015.1.00878.S",
    "2016.1.00165.S",
    "2016.1.00340.S",
    "2017.A.00046.T",
    "2021.1.00690.S",
    "2022.1.01488.L",
]
REGISTRY = Registry(ALMA, KNOWN)
FINDER = CodeFinder(ALMA, REGISTRY)
UNLISTED = CodeFinder(ALMA, None)


def only(text: str, finder: CodeFinder = FINDER) -> Mention:
    """The one mention in the text."""
    mentions = finder.find(text)
    assert len(mentions) == 1, mentions
    assert text[mentions[0].start : mentions[0].end] == mentions[0].as_written
    return mentions[0]


def codes(text: str, finder: CodeFinder = FINDER) -> list[str]:
    """The codes in the text, in order."""
    return [mention.code for mention in finder.find(text)]


@pytest.mark.parametrize("grammar", [ALMA, ESO])
def test_shipped_grammars_pass_their_own_examples(grammar: Grammar) -> None:
    """The examples and counter-examples that stand in the data hold."""
    grammar.self_test()


@pytest.mark.parametrize(
    "code",
    [
        "2013.1.00001.S",
        "2017.1.00161.L",
        "2013.A.00014.S",
        "2011.0.00005.SV",
        "2011.0.00001.CAL",
        "2019.1.00009.CSV",
        "2011.0.00002.E",
        "E2E5.1.00036.S",
    ],
)
def test_well_formed_codes(code: str) -> None:
    """Regular codes, director's time and the observatory's own special forms are well-formed and canonical."""
    assert ALMA.is_well_formed(code)
    assert ALMA.canonical(code) == code


@pytest.mark.parametrize(
    "code", ["2013.1.0001.S", "2013.1.00001", "2013.1.00001.X", "13.1.00001.S", "2013.O.00001.S", "2013.1.00001.s"]
)
def test_malformed_codes(code: str) -> None:
    """A lost digit, a missing or unknown kind, a letter for a digit: not well-formed."""
    assert not ALMA.is_well_formed(code)


@pytest.mark.parametrize(
    "written",
    [
        "ADS/JAO.ALMA#2013.1.00123.S",
        "ADS/JAO.ALMA\\#2013.1.00123.S",
        " 2013.1.00123.S. ",
        "2013.1.00123.s",
        "2013-1-00123-S",
        "2013·1·00123·S",
        "2013_1_00123_S",
        "2013100123S",
        "2013.1.00-\n123.S",
        "\\texttt{2013.1.00123.S}",
    ],
)
def test_canonical_is_lossless(written: str) -> None:
    """Prefix, escapes, case, breaks and separators are undone."""
    assert ALMA.canonical(written) == "2013.1.00123.S"


@given(st.sampled_from(KNOWN))
def test_canonical_is_idempotent(code: str) -> None:
    """The canonical form of a canonical code is itself."""
    assert ALMA.canonical(code) == code


@pytest.mark.parametrize(
    "written", ["2013.1.0123.S", "hello", "", "2013.1.00123.S and more", "2013.1.00123.S 2013.1.00124.S"]
)
def test_canonical_refuses_what_is_no_single_code(written: str) -> None:
    """Damaged codes and texts around codes have no canonical form."""
    assert ALMA.canonical(written) is None


@pytest.mark.parametrize(
    ("code", "facets"),
    [
        (
            "2011.0.00340.S",
            {"cycle": "2011.0", "cycle_number": "0", "call": "regular", "kind": "S", "is_pi_project": "yes"},
        ),
        ("2016.2.00053.S", {"cycle": "2016.1", "cycle_number": "4", "call": "supplemental", "year": "2016"}),
        ("2017.A.00046.T", {"cycle": "2017.1", "call": "ddt", "kind": "T", "is_pi_project": "yes"}),
        ("2011.0.00005.SV", {"kind": "SV", "is_pi_project": "no"}),
        ("E2E5.1.00036.S", {"is_pi_project": "no"}),
    ],
)
def test_facets(code: str, facets: dict[str, str]) -> None:
    """Cycle, call and kind are read off the code as the data say; calibration and verification are no PI projects."""
    found = ALMA.facets(code)
    assert {name: found.get(name) for name in facets} == facets


def test_facets_of_no_code_are_empty() -> None:
    """What is not well-formed has no facets."""
    assert ALMA.facets("2013.1.0001.S") == {}


LOSSLESS: dict[str, Callable[[str], str]] = {
    "clean": lambda code: code,
    "line break": lambda code: code[:7] + "\n" + code[7:],
    "line break in the number": lambda code: code[:9] + "\r\n   " + code[9:],
    "hyphenation": lambda code: code[:9] + "-\n" + code[9:],
    "soft hyphen": lambda code: code[:9] + "\u00ad\n" + code[9:],
    "blanks": lambda code: code.replace(".", ". "),
    "no-break blanks": lambda code: code.replace(".", ".\u00a0"),
    "zero width": lambda code: code.replace(".", ".\u200b"),
    "middots": lambda code: code.replace(".", "·"),
    "en dashes": lambda code: code.replace(".", "–"),
    "commas": lambda code: code.replace(".", ","),
    "underscores": lambda code: code.replace(".", "_"),
    "no separators": lambda code: code.replace(".", ""),
    "small letters": str.lower,
    "full-width digits": lambda code: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in code),
    "tags": lambda code: f"<i>{code[:4]}</i>{code[4:]}",
    "entities": lambda code: code.replace(".", "&#46;"),
    "mojibake": lambda code: code.replace(".", "Â·"),
    "TeX group": lambda code: f"\\texttt{{{code}}}",
    "TeX breaks": lambda code: code.replace(".", ".\\allowbreak "),
    "TeX comment": lambda code: code.replace(".", ".%\n  ", 1),
    "TeX discretionary": lambda code: code.replace(".", ".\\-"),
    "brackets": lambda code: f"[{code}]",
    "glued word": lambda code: f"{code}This work was supported",
}


@pytest.mark.parametrize("damage", LOSSLESS)
@pytest.mark.parametrize("code", ["2013.1.00123.S", "2017.A.00046.T", "2011.0.00005.SV"])
def test_lossless_repair_is_certain(damage: str, code: str) -> None:
    """A registry code that was only broken, marked up or respelt is found and certain."""
    mention = only(f"{PREFIX}{LOSSLESS[damage](code)}. We thank the referee.")
    assert (mention.code, mention.in_registry, mention.certain) == (code, True, True)


def test_as_written_has_neither_prefix_nor_closing_punctuation() -> None:
    """The span is the code alone."""
    assert only("(ADS/JAO.ALMA\\#2013.1.00123.S).").as_written == "2013.1.00123.S"


@pytest.mark.parametrize("code", ["2013.1.00449.S", "2011.1.00340.S", "2015.1.00878.T"])
def test_an_unlisted_code_is_reported_as_printed(code: str) -> None:
    """Registries lag: a well-formed code is never replaced, however near a listed one is."""
    mention = only(f"{PREFIX}{code}.")
    assert (mention.code, mention.in_registry, mention.certain) == (code, False, False)


def test_neighbours_of_an_unlisted_code_are_candidates() -> None:
    """One wrong digit or kind: the listed code stands under the candidates, nearest first."""
    assert only(PREFIX + "2011.1.00340.S").candidates[0] == "2011.0.00340.S"
    assert only(PREFIX + "2015.1.00878.T").candidates[0] == "2015.1.00878.S"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2O13.1.00123.S", "2013.1.00123.S"),
        ("2013.l.00123.S", "2013.1.00123.S"),
        ("2013.I.OO123.S", "2013.1.00123.S"),
        ("2013.1.00l23.S", "2013.1.00123.S"),
        ("2013.1.00123.5", "2013.1.00123.S"),
        ("201S.1.00878.S", "2015.1.00878.S"),
        ("2016.1.0016S.S", "2016.1.00165.S"),
        ("2021.1.0069O.S", "2021.1.00690.S"),
        ("2015.1.00878.7", "2015.1.00878.S"),
        ("2013.1.00123", "2013.1.00123.S"),
        ("2021.1.0690.S", "2021.1.00690.S"),
        ("2021.1.000690.S", "2021.1.00690.S"),
        ("2013.1.0x123.S", "2013.1.00123.S"),
        ("1013.1.00123.S", "2013.1.00123.S"),
        ("0213.1.00123.S", "2013.1.00123.S"),
        ("2013.1.00123.SS", "2013.1.00123.S"),
        ("2013.00123.S", "2013.1.00123.S"),
    ],
)
def test_a_malformed_code_with_one_possible_meaning_is_certain(written: str, code: str) -> None:
    """Exactly one registry code within one edit or a folding of confusable characters: that one, for certain."""
    mention = only(f"{PREFIX}{written}, in Band 6.")
    assert (mention.code, mention.certain, mention.as_written) == (code, True, written)


def test_a_malformed_code_with_two_meanings_is_not_certain() -> None:
    """Two registry codes within one edit: both are candidates and neither is certain."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2013.1.01123.S", "2013.1.02123.S"]))
    mention = only(f"{PREFIX}2013.1.0x123.S.", finder)
    assert not mention.certain
    assert set(mention.candidates) == {"2013.1.01123.S", "2013.1.02123.S"}


def test_the_shape_speaks_for_a_code_the_registry_lacks() -> None:
    """A lost zero is the likelier slip: an unlisted code is not forced onto a listed neighbour."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2021.1.01690.S"]))
    mention = only(f"{PREFIX}2021.1.0690.S.", finder)
    assert (mention.code, mention.certain, mention.candidates[0]) == ("2021.1.00690.S", False, "2021.1.01690.S")


def test_small_letters_that_look_like_no_digit_are_not_folded() -> None:
    """A small d is no 0, though a capital D may be."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2017.A.00089.S", "2017.A.01089.S"]))
    assert not only(f"{PREFIX}2017.A.0d089.S.", finder).certain
    assert only(f"{PREFIX}2017.A.0D089.S.", finder).code == "2017.A.00089.S"


def test_what_stands_after_the_prefix_is_reported_however_damaged() -> None:
    """Two digits of the year are gone: the code is offered, never certain; without a registry it stays as printed."""
    mention = only(f"{PREFIX}13.1.00123.S.")
    assert (mention.code, mention.certain, mention.as_written) == ("2013.1.00123.S", False, "13.1.00123.S")
    assert only(f"{PREFIX}13.1.00123.S.", UNLISTED).code == "13.1.00123.S"


def test_a_second_kind_after_a_code_makes_it_doubtful() -> None:
    """Either of the two kinds may be the slip."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2011.0.00741.S", "2011.0.00741.V"]))
    assert not only(f"{PREFIX}2011.0.00741S.V.", finder).certain


def test_a_missing_kind_with_two_in_the_registry_is_not_certain() -> None:
    """Without its kind a code may be either, though one of them is nearer by a letter: neither is asserted."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2018.1.00163.S", "2018.1.00163.SV"]))
    mention = only(f"{PREFIX}2018.1.00163.", finder)
    assert (mention.code, mention.certain, mention.in_registry) == ("2018.1.00163", False, False)
    assert mention.candidates == ("2018.1.00163.S", "2018.1.00163.SV")


def test_a_missing_kind_is_that_of_the_code_printed_in_full_elsewhere() -> None:
    """The paper's own full code says which of the two is meant."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2018.1.00163.S", "2018.1.00163.SV"]))
    _, bare = finder.find(f"ALMA data 2018.1.00163.SV were used. {'Words. ' * 80} {PREFIX}2018.1.00163.")
    assert (bare.code, bare.certain, bare.candidates[0]) == ("2018.1.00163.SV", False, "2018.1.00163.SV")


def test_a_missing_kind_takes_the_one_the_registry_has() -> None:
    """Without its kind, a code is that of the registry with the same year, call and number."""
    finder = CodeFinder(ALMA, Registry(ALMA, ["2018.1.00163.SV"]))
    assert only(f"{PREFIX}2018.1.00163.", finder).code == "2018.1.00163.SV"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ADS/JAO.ALMA#2013.1.00001.S, #00123.S", ["2013.1.00001.S", "2013.1.00123.S"]),
        ("ALMA data 2011.0.00876.S, 00877.S and 878.S", ["2011.0.00876.S", "2011.0.00877.S", "2011.0.00878.S"]),
        ("ADS/JAO.ALMA#2013.1.00001.S and #2016.1.00165.S.", ["2013.1.00001.S", "2016.1.00165.S"]),
        ("ALMA: 2013.1.00001, 00123 and 00124.S.", ["2013.1.00001.S", "2013.1.00123.S", "2013.1.00124.S"]),
        ("ALMA 2016.1.00484.L and .00629.S", ["2016.1.00484.L", "2016.1.00629.S"]),
        ("ALMA 2013.1.00001.S, 2 antennas and 43 baselines", ["2013.1.00001.S"]),
        ("ALMA 2013.1.00001.S and 2014 S-band data", ["2013.1.00001.S"]),
    ],
)
def test_lists_that_leave_parts_out(text: str, found: list[str]) -> None:
    """Items without prefix, year or call take them from the code before; other numbers in the sentence do not."""
    assert codes(text) == found


def test_an_item_of_a_list_is_a_reading_and_not_certain() -> None:
    """Completing a list is more than a lossless repair."""
    first, second = FINDER.find("ADS/JAO.ALMA#2013.1.00001.S, #00123.S")
    assert (first.certain, second.certain, second.in_registry, second.as_written) == (True, False, True, "00123.S")


def test_a_number_alone_has_the_truth_among_its_candidates() -> None:
    """After a word such as project, every code with that number is a candidate; none is certain."""
    mention = only("ALMA visibilities of project 340.S (Qi et al. 2013)")
    assert set(mention.candidates) == {"2011.0.00340.S", "2016.1.00340.S"}
    assert not mention.certain


def test_a_number_alone_means_the_code_printed_in_full_elsewhere() -> None:
    """The paper's own full code comes first."""
    full, alone = FINDER.find("ALMA data 2016.1.00340.S were used. The visibilities of project 340.S are shown.")
    assert alone.code == full.code == alone.candidates[0] == "2016.1.00340.S"


@pytest.mark.parametrize(
    "text",
    [
        "ADS/JAO.ALMA#201X.X.XXXXX.X",
        "ADS/JAO.ALMA#2013.1.XXXXX.S",
        "ALMA data ADS/JAO.ALMA#YYYY.C.NNNNN.Z",
        "KASI under the R&D program (Project No. 2014-1-600-05), ALMA",
        "NAOJ ALMA Scientific Research Grant number 2016-01 A",
        "ALMA-CONICYT project 31130005",
        "2017.5-503153.9 in the ALMA field",
        "ALMA observations on 2015.07.12 and 2013-05-06",
        "epochs 2012.2, 2013.4, 2016.1.340 and 2017.2.124 10:33:01.2",
        "2015ApJ...807..123S with ALMA",
        "arXiv:2005.01234 and doi:10.1051/0004-6361/201527613",
        "ESO programme 0102.B-0553(A), VLA/13A-064, uid://A002/Xabc/X1f",
        "(FP7/2007-2013) grant 2013-612599. This uses ALMA.",
        "in 2015 1 12345 s exposures",
        "CO at 345.79599 GHz, ALMA Band 7, 2016 A&A 589",
        "",
        "2",
    ],
)
@pytest.mark.parametrize("finder", [FINDER, UNLISTED])
def test_what_is_no_code_is_left_alone(text: str, finder: CodeFinder) -> None:
    """Templates, grants, dates, coordinates, bibcodes and other observatories' ids give nothing."""
    assert finder.find(text) == []


def test_without_a_registry_nothing_is_certain() -> None:
    """The shape alone finds and mends codes, and says neither listed nor certain."""
    mention = only(PREFIX + "2013.1.0123.S", UNLISTED)
    assert (mention.code, mention.in_registry, mention.certain, mention.candidates) == (
        "2013.1.00123.S",
        None,
        False,
        (),
    )
    assert only(PREFIX + "2013.1.00123.S", UNLISTED).certain is False


def test_codes_hidden_in_macros_are_found_where_they_are_used() -> None:
    """A TeX macro that prints a code is found at its definition and at each use, far away in the acknowledgement."""
    text = "\\newcommand{\\proj}{2013.1.00123.S}\n" + "word " * 200 + "\\acknowledgments\nALMA data \\proj. Thanks"
    defined, used = FINDER.find(text)
    assert (defined.as_written, used.as_written, used.code) == ("2013.1.00123.S", "\\proj", "2013.1.00123.S")
    assert (used.where, used.certain) == ("acknowledgement", True)


def test_codes_with_a_part_in_a_macro() -> None:
    """A macro that holds the year and the call is expanded where a code is read."""
    mention = only("\\newcommand{\\cyc}{2013.1}\n\\begin{document} ALMA data \\cyc.00123.S.")
    assert (mention.code, mention.as_written) == ("2013.1.00123.S", "\\cyc.00123.S")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("\\section{Observations}\nWe used 2013.1.00123.S.", "body"),
        ("\\section{X}\nText\n\\acknowledgments\nThe code is 2013.1.00123.S.", "acknowledgement"),
        ("\\begin{acknowledgements}\nALMA 2013.1.00123.S.\\end{acknowledgements}", "acknowledgement"),
        ("\\section*{Data Availability}\nSee 2013.1.00123.S.", "data_statement"),
        ("\\section{A}\nText\\footnote{Project 2013.1.00123.S, see \\url{x}.} more", "footnote"),
        ("\\section{A}\nText 50\\% % see 2013.1.00123.S\nmore", "comment"),
        ("\\section{A}\nText 50\\% 2013.1.00123.S\nmore", "body"),
        ("\\begin{thebibliography}{9}\\bibitem{a} Doe, 2013.1.00123.S", "references"),
        ("<article><body><sec><title>Methods</title><p>2013.1.00123.S</p></sec></body></article>", "body"),
        ("<article><back><ack><p>2013.1.00123.S</p></ack></back></article>", "acknowledgement"),
        ("<article><body><p>A<fn><p>2013.1.00123.S</p></fn></p></body></article>", "footnote"),
        ("<article><back><ref-list><ref>2013.1.00123.S</ref></ref-list></back></article>", "references"),
        (
            '<article><back><sec sec-type="data-availability"><p>2013.1.00123.S</p></sec></back></article>',
            "data_statement",
        ),
        ("<html><body><h2>Acknowledgements</h2><p>2013.1.00123.S</p></body></html>", "acknowledgement"),
        ("1. Introduction\nText\n\nACKNOWLEDGMENTS\nALMA 2013.1.00123.S is", "acknowledgement"),
        ("5 Conclusions\nDone.\nAcknowledgements. This uses 2013.1.00123.S.", "acknowledgement"),
        ("2. Observations\nWe observed 2013.1.00123.S.\nReferences\nDoe", "body"),
        ("Text\nReferences\nDoe 2015, 2013.1.00123.S", "references"),
        ("DATA AVAILABILITY\nThe data 2013.1.00123.S are public.", "data_statement"),
        ("We thank the referee. J.D. is supported by grant 12. ALMA data 2013.1.00123.S.", "acknowledgement"),
        ("the map of 2013.1.00123.S", "unknown"),
    ],
)
def test_where_a_code_stands(text: str, where: str) -> None:
    """Headings, commands, tags and phrases tell the part of the paper."""
    assert only(text).where == where


@pytest.mark.parametrize(
    ("text", "is_use"),
    [
        ("This paper makes use of the following ALMA data: ADS/JAO.ALMA#2013.1.00123.S.", True),
        ("We observed the disk with ALMA (project 2013.1.00123.S).", True),
        ("These lines were proposed in our project 2013.1.00123.S.", False),
        ("A proposal has been accepted (PI: Doe, project code 2013.1.00123.S). It is new.", False),
        ("The source was previously observed in 2013.1.00123.S by others.", False),
        ("Project 2013.1.00123.S will be observed next year.", False),
        ("The source (will be observed in 2013.1.00123.S) is faint.", False),
        ("The maps of 2013.1.00123.S: upcoming, we hope.", False),
        ("Visibilities of project 2013.1.00123.S (previously presented in Doe 2013) are shown.", True),
        ("See 2013.1.00123.S.", None),
    ],
)
def test_use_or_mention(text: str, is_use: bool | None) -> None:
    """The sentence says that data were used, only speaks of a project, or does not say."""
    assert only(text).is_use is is_use


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ESO programmes 0102.B-0553(A) and 60.A-9100(A).", ["0102.B-0553(A)", "60.A-9100(A)"]),
        ("under programme ID 108.22GP.001, PI Doe", ["108.22GP.001"]),
        ("large programme 1104.A-0380(F)", ["1104.A-0380(F)"]),
        ("ESO programmes 091.B-0183(H), 092.B-0920", ["091.B-0183(H)", "092.B-0920"]),
        ("programme 0102.B–0553 (A)", ["0102.B-0553(A)"]),
        ("ID 0102.B-\n0553(A)", ["0102.B-0553(A)"]),
        ("ADS/JAO.ALMA#2013.1.00123.S at 108.2245 mJy", []),
        ("programs 2018A-044, SEV-2015-0548 and grant 1.05.01.88.04.", []),
    ],
)
def test_the_same_engine_reads_another_observatory(text: str, found: list[str]) -> None:
    """Programme ids old and new, with and without run, by data alone."""
    assert codes(text, CodeFinder(ESO, None)) == found


def test_another_observatory_against_its_registry() -> None:
    """Free zeros, optional runs and confusable characters are settled by the list of programmes."""
    registry = Registry(ESO, ["0102.B-0553(A)", "191.D-0255", "097.C-0498(A)", "097.C-0498(B)"])
    finder = CodeFinder(ESO, registry)
    assert only("ESO 102.B-0553(A)", finder).code == "0102.B-0553(A)"
    assert only("ESO 191.D-0255(A)", finder).code == "191.D-0255"
    assert only("programme O102.B-O553(A)", finder).certain
    both = only("ESO 097.C-0498", finder)
    assert (both.certain, both.candidates[:2]) == (False, ("097.C-0498(A)", "097.C-0498(B)"))


def test_registry_spellings_are_forgiven() -> None:
    """Padded and repeated codes are one; order does not matter."""
    registry = Registry(ALMA, ["2013.1.00123.S ", " 2013.1.00123.s", "2013.1.00001.S"])
    assert list(registry) == ["2013.1.00001.S", "2013.1.00123.S"]
    assert "2013.1.00123.S" in registry
    assert "2013.1.00124.S" not in registry


def test_nearest_is_limited_and_excludes_itself() -> None:
    """At most ``limit`` codes, never the one asked about."""
    registry = Registry(ALMA, [f"2013.1.{number:05d}.S" for number in range(1, 400)])
    near = registry.nearest("2013.1.00123.S")
    assert len(near) == 50
    assert "2013.1.00123.S" not in near
    assert registry.nearest("2013.1.00123.S", limit=3) == near[:3]


def test_an_empty_registry_knows_nothing() -> None:
    """Every code is reported as printed."""
    mention = only(PREFIX + "2013.1.00123.S", CodeFinder(ALMA, Registry(ALMA, [])))
    assert (mention.in_registry, mention.certain, mention.candidates) == (False, False, ())


def test_resolving_a_stored_mention_against_a_newer_registry() -> None:
    """A code the old registry lacked becomes certain when the new one has it, without the text."""
    assert resolve("2013.1.00449.S", REGISTRY) == ("2013.1.00449.S", False, only(PREFIX + "2013.1.00449.S").candidates)
    newer = Registry(ALMA, [*KNOWN, "2013.1.00449.S"])
    assert resolve("2013.1.00449.S", newer) == ("2013.1.00449.S", True, ("2013.1.00449.S",))
    assert resolve("nothing", newer) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "blue"}, "unknown key 'colour'"),
        ({"forms": []}, "at least one form"),
        ({"rejects": ["("]}, "not a regular expression"),
        ({"examples": [{"text": "2013.1.00123.S", "codes": ["2013.1.00124.S"]}]}, "the example"),
        ({"counter_examples": ["2013.1.00123.S"]}, "the counter-example"),
        ({"examples": []}, "must both be given"),
        ({"names": "ALMA"}, "names has the wrong type"),
    ],
)
def test_a_wrong_grammar_is_refused(change: dict[str, Any], message: str) -> None:
    """Unknown keys, bad patterns and failing examples are named."""
    with pytest.raises(GrammarError, match=message):
        Grammar.from_plain({**plain_codes("alma"), **change}).self_test()


def test_a_template_must_agree_with_its_fields() -> None:
    """A field without a place, or a place without a field, is refused."""
    form = {"template": "{year}.{number}", "fields": {"year": {"digits": 4}}}
    with pytest.raises(GrammarError, match="do not agree"):
        Grammar.from_plain({"forms": [form]})


DAMAGES = ["\n", "-\n", " ", ".", ",", "#", "O", "l", "5", "x", "\u200b", "<i>", "&#46;", "\\", "{", "%", "(", "2", "0"]


@given(
    st.lists(
        st.one_of(
            st.sampled_from(KNOWN),
            st.sampled_from(DAMAGES),
            st.sampled_from(["ALMA#", " and ", ", #", "project ", "."]),
            st.text(max_size=5),
        ),
        max_size=14,
    ).map("".join)
)
def test_offsets_always_point_at_what_is_written(text: str) -> None:
    """Whatever the text, mentions are in order, do not overlap, and ``text[start:end]`` is what was written."""
    end = 0
    for mention in FINDER.find(text):
        assert text[mention.start : mention.end] == mention.as_written
        assert end <= mention.start < mention.end
        end = mention.end
        assert mention.certain <= bool(mention.in_registry)
        assert len(mention.candidates) <= 50


@given(
    st.integers(2011, 2025),
    st.sampled_from("012AB"),
    st.integers(1, 99999),
    st.sampled_from(["S", "T", "V", "L", "P", "SV", "E", "CAL"]),
)
def test_every_well_formed_code_is_reported_as_printed(year: int, call: str, number: int, kind: str) -> None:
    """Whatever the registry holds, a well-formed code keeps its spelling; it is certain exactly when it is listed."""
    code = f"{year}.{call}.{number:05d}.{kind}"
    mention = only(f"We used ADS/JAO.ALMA#{code}.")
    assert mention.code == code
    assert mention.certain is (code in KNOWN)


def dense_registry(seed: int) -> list[str]:
    """Two thousand invented codes, so that most single slips have several codes near."""
    chance = random.Random(seed)
    cycles = ["2011.0", "2013.1", "2015.1", "2016.1", "2016.2", "2017.A", "2019.1", "2021.1"]
    return sorted(
        {f"{chance.choice(cycles)}.{chance.randint(1, 1500):05d}.{chance.choice('SSSSSSTLV')}" for _ in range(2000)}
    )


CONFUSIONS = {"0": "OQD", "1": "lI|", "5": "S", "8": "B", "6": "G", "2": "Z", "S": "5"}
CONTEXTS = [PREFIX, "from project code ", "ALMA data (", "under ADS/JAO.ALMA\\#", ""]


def test_single_confusions_are_certain_and_right() -> None:
    """At least nine in ten single OCR confusions give their code for certain; none gives another for certain."""
    chance = random.Random(20261122)
    known = dense_registry(1)
    finder = CodeFinder(ALMA, Registry(ALMA, known))
    right = 0
    for _ in range(600):
        code = chance.choice(known)
        place = chance.choice([place for place, character in enumerate(code) if character in CONFUSIONS])
        written = code[:place] + chance.choice(CONFUSIONS[code[place]]) + code[place + 1 :]
        mentions = finder.find(f"{chance.choice(CONTEXTS)}{written}, in Band 6 at 12.5 GHz.")
        right += any(mention.code == code and mention.certain for mention in mentions)
        assert not any(mention.certain and mention.code != code for mention in mentions), written
    assert right >= 540


def slip(code: str, chance: random.Random) -> str:
    """One character mistyped, left out, doubled, put in, or two neighbours swapped."""
    place = chance.randrange(len(code) - 1)
    letters = "0123456789ABCDEFGHIJKLMNPRTUVWXYZ"
    return chance.choice(
        [
            code[:place] + chance.choice(letters) + code[place + 1 :],
            code[:place] + code[place + 1 :],
            code[:place] + code[place] + code[place:],
            code[:place] + chance.choice(letters) + code[place:],
            code[:place] + code[place + 1] + code[place] + code[place + 2 :],
        ]
    )


def test_a_slip_never_gives_a_wrong_code_for_certain() -> None:
    """After any single slip a certain code is the true one, unless the slip is itself another listed code."""
    chance = random.Random(42)
    known = dense_registry(2)
    finder = CodeFinder(ALMA, Registry(ALMA, known))
    wrong = candidates = tried = 0
    for _ in range(1200):
        code = chance.choice(known)
        written = slip(code, chance)
        if ALMA.canonical(written) in known:
            continue
        tried += 1
        mentions = finder.find(f"{PREFIX}{written}. ALMA is a partnership.")
        wrong += any(mention.certain and mention.code != code for mention in mentions)
        candidates += any(code in (mention.code, *mention.candidates) for mention in mentions)
    assert wrong <= tried // 1000 + 1
    assert candidates >= 0.97 * tried


@pytest.mark.parametrize(
    "piece",
    [
        "2013.",
        "2013.1.0",
        "<",
        "&#",
        "\\",
        "0 ",
        "ALMA",
        "2013 1 ",
        "ALMA 1 2 3 ",
        "2013.1.<b>0</b>",
        ".S",
        "S.",
        "-\n",
        "20",
        "|",
        "\n1. ",
        "\\footnote{",
    ],
)
def test_hostile_repetition_ends(piece: str) -> None:
    """Three hundred thousand characters made to trip a backtracking pattern are read; a quadratic one would not end."""
    text = piece * (300_000 // len(piece))
    for mention in FINDER.find(text):
        assert text[mention.start : mention.end] == mention.as_written


def test_a_huge_line_is_read() -> None:
    """Twenty million characters without a break hide one code."""
    text = "x" * 20_000_000 + " ADS/JAO.ALMA#2013.1.00123.S " + "0" * 20_000_000
    assert only(text).start == 20_000_014


@pytest.mark.parametrize(
    ("written", "markup"),
    [
        ("２０１３．１．００１２３．Ｓ", "text"),
        ("٢٠١٣.١.٠٠١٢٣.S", "text"),
        (r"2013.1.\hspace{0pt}00123.S", "tex"),
        (r"2013.1.\kern0.1em00123.S", "tex"),
        (r"2013.1.\hskip0pt plus1pt00123.S", "tex"),
        (r"2013.1.\phantom{0}00123.S", "tex"),
        ("2013.1.\n345 00123.S", "text"),
        ("2013.1.00-\n345\n123.S", "text"),
        ("2013.1.\n> 00123.S", "text"),
        ("2013.1.%\n% a remark\n00123.S", "tex"),
        ("2013.1.\n\f12 Someone et al.\n00123.S", "text"),
        ("2013.1.    the other column goes on\n00123.S", "text"),
        ("2013.1.Ã¢Â€Â‹00123.S", "text"),
    ],
)
def test_what_stands_between_the_parts_is_undone(written: str, markup: str) -> None:
    """Digits of other scripts, TeX lengths, line numbers, quotes and headers in a code leave it whole and certain."""
    text = f"This paper makes use of the following ALMA data: ADS/JAO.ALMA#{written}. ALMA is a partnership."
    (mention,) = FINDER.find(text, markup=markup)
    assert (mention.code, mention.certain, mention.as_written) == ("2013.1.00123.S", True, written)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2013.1.\n00123.S\n00340.S and so on with ALMA", ["2013.1.00123.S"]),
        ("2013.1.00123.S\n345 2011.0.00340.S of ALMA", ["2013.1.00123.S", "2011.0.00340.S"]),
    ],
)
def test_lines_that_are_whole_are_not_dropped(text: str, found: list[str]) -> None:
    """A line between two others goes only where a code needs it: not where codes stand one below the other."""
    assert codes(text) == found


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://archive.example.org/aq/?project_code=2013.1.00123.S&amp;x=1">data</a>',
        "https://archive.example.org/aq/?q=ADS%2FJAO.ALMA%232013.1.00123.S",
    ],
)
def test_codes_in_web_addresses(text: str) -> None:
    """Targets of links are read, percent signs undone."""
    assert codes(text) == ["2013.1.00123.S"]


@pytest.mark.parametrize("markup", ["xml", "html"])
def test_codes_in_comments_are_found_there(markup: str) -> None:
    """A comment keeps its codes; one without digits inside a code is nothing."""
    (mention,) = FINDER.find("<article><p>a</p><!-- ALMA 2013.1.00123.S --></article>", markup=markup)
    assert (mention.code, mention.where) == ("2013.1.00123.S", "comment")
    assert codes("<p>ALMA 2013.1.<!-- break -->00123.S</p>") == ["2013.1.00123.S"]


@pytest.mark.parametrize(
    "text",
    [
        "Sci. Rep. 2016, 6, 34567. Lee, Nat Commun 2018, 9, 10234; Chem. 2013, 1, 00123.",
        "grant 2021.0.12345",
        "released 2015.1.12345",
        "doi:10.1093/mnras/2018.1.00174.S",
        "https://doi.org/10.1093/mnras/2013.1.00123.S",
    ],
)
def test_places_in_journals_grants_and_dois_are_no_codes(text: str) -> None:
    """A number that has the shape of a code but another meaning is left alone."""
    assert codes(text) == []


def test_a_list_goes_on_after_a_parenthesis() -> None:
    """What stands in brackets after a code does not end the list."""
    assert codes("ADS/JAO.ALMA#2013.1.00123.S (PI: X), #00340.S") == ["2013.1.00123.S", "2013.1.00340.S"]


@pytest.mark.parametrize(
    "text",
    [
        "the ALMA project 123 was",
        "The project number 123 of ALMA",
        "with ALMA (#123.S)",
        "the ALMA project code is 123.S",
    ],
)
def test_numbers_alone_near_our_name(text: str) -> None:
    """A number after a word for a project, our name near, has the truth among its candidates and is not certain."""
    mention = only(text)
    assert "2013.1.00123.S" in mention.candidates
    assert not mention.certain


@pytest.mark.parametrize("text", ["ALMA project 123 sources", "ALMA program 2013", "the project 123 of a bridge"])
def test_numbers_that_mean_something_else(text: str) -> None:
    """Counts, years, and numbers far from our name stand for no code."""
    assert codes(text) == []


def test_a_word_before_a_code_is_no_part_of_it() -> None:
    """ "ID" looks like the digits 1 and 0, and is a word."""
    finder = CodeFinder(ESO, Registry(ESO, ["94.B-0611(A)", "106.21XG.001"]))
    (mention,) = finder.find("Program ID 94.B-611(A).")
    assert (mention.as_written, mention.code) == ("94.B-611(A)", "94.B-0611(A)")
    (mention,) = finder.find("ESO data. 106.21XG.O01 and so on.")
    assert (mention.as_written, mention.code, mention.certain) == ("106.21XG.O01", "106.21XG.001", True)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("<html><h2>Data availability</h2><p>ALMA 2013.1.00123.S</p></html>", "data_statement"),
        ("<article><sec><title>Code availability</title><p>ALMA 2013.1.00123.S</p></sec>", "data_statement"),
        ("<html><h2>7. DATA AVAILABILITY</h2><p>ALMA 2013.1.00123.S</p></html>", "data_statement"),
        ("Words.\n\nAcknowledgments We thank all. ALMA 2013.1.00123.S", "acknowledgement"),
        ('<html><p>Words.</p><div class="footnote">ALMA 2013.1.00123.S</div></html>', "footnote"),
        ('<article><ack><p>We<fn id="f1"><p>note</p></fn> ALMA 2013.1.00123.S</p></ack>', "acknowledgement"),
    ],
)
def test_headings_and_footnotes(text: str, where: str) -> None:
    """Headings of data and code statements, run-in headings, and footnotes with what follows them."""
    assert [mention.where for mention in FINDER.find(text)] == [where]


def test_codes_by_the_megabyte_are_all_found() -> None:
    """Beyond what is read closely, whole codes are still found and checked."""
    text = "2013.1.00123.S and 2013.1.00999.S " * 12_000
    mentions = FINDER.find(text)
    assert len(mentions) == 24_000
    assert [mention.certain for mention in mentions[-2:]] == [True, False]


CROWDED = CodeFinder(ALMA, Registry(ALMA, ["2017.1.00340.S", "2017.1.01340.S", "2019.1.00276.S", "2019.1.00276.T"]))


def test_a_look_alike_that_may_be_a_slip_is_not_certain() -> None:
    """A letter read as the digit it looks like may be a slip for another digit, if the registry holds that code too."""
    doubtful = only("ALMA project 2017.1.0O340.S.", CROWDED)
    assert (doubtful.code, doubtful.certain) == ("2017.1.00340.S", False)
    assert doubtful.candidates[:2] == ("2017.1.00340.S", "2017.1.01340.S")
    alone = CodeFinder(ALMA, Registry(ALMA, ["2017.1.00340.S"]))
    assert only("ALMA project 2017.1.0O340.S.", alone).certain is True


@pytest.mark.parametrize("after", [". Since then", ". Table 2", ". the map", ".\nThe data"])
def test_the_next_word_is_no_part_of_a_code(after: str) -> None:
    """After a code without its last letter the first letter of the next word does not stand for it."""
    found = only(f"We used ALMA data of project 2019.1.00276{after} shows a disk.", CROWDED)
    assert not found.certain
    assert {"2019.1.00276.S", "2019.1.00276.T"} <= set(found.candidates)
    assert not found.as_written.endswith(("s", "S", "t", "T"))


@pytest.mark.parametrize("sign", ["\u034f", "\u2063", "\u202c", "\u2069", "\u200b"])
def test_signs_that_print_nothing_hide_no_code(sign: str) -> None:
    """A code every character of which is followed by an invisible sign is found whole."""
    assert codes(f"ALMA program {sign.join('2016.1.00165.S')} was used.") == ["2016.1.00165.S"]
