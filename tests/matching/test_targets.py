"""Targets: one key per object however it is written, and found where a text names it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.targets import KnownTargets, designations, key, keys


@pytest.mark.parametrize(
    "spellings",
    [
        ("NGC 253", "NGC253", "ngc_0253", "NGC~253", "NGC\\,253", "NGC\u00a0253"),
        ("HL Tau", "HL Tauri", "HL_Tau", "HL~TAU"),
        ("Mrk 590", "Markarian 590", "MRK_590", "Mkn 590"),
        ("G333.23-0.06", "G333.23\u22120.06", "G333.23$-$0.06"),
        ("IRAS F12072-0444", "IRAS 12072-0444", "IRAS_F12072\u20130444"),
        ("Sgr A*", "SgrA_star", "Sgr A$^{\\star}$", "Sagittarius A*"),
        ("β Pic", "beta Pic", "Beta_Pictoris"),
        ("Circinus", "Circinus galaxy"),
        ("Abell 1689", "A1689"),
    ],
)
def test_one_object_has_one_key(spellings: tuple[str, ...]) -> None:
    """Blanks, underscores, TeX, signs, case, leading zeros and full names make no difference."""
    assert len({key(s) for s in spellings}) == 1


def test_different_objects_keep_different_keys() -> None:
    """A sign, a number or a letter tells objects apart."""
    names = ["NGC 253", "NGC 2530", "G333.23-0.06", "G333.23+0.06", "HL Tau", "DG Tau", "J0210-0456", "J0210+0456"]
    assert len({key(n) for n in names}) == len(names)


def test_aliases_lead_to_the_name_they_stand_for() -> None:
    """A profile may say that two names are one object."""
    assert key("Antennae", {"ANTENNAE": "NGC4038"}) == key("NGC 4038")


def test_long_and_short_designations_share_a_key() -> None:
    """A designation by coordinates meets its short form and its bare form."""
    long, short = keys("SDSS J082334.84+031315.6"), keys("J0823+0313")
    assert long & short == {"J0823+0313"}
    assert keys("IRAS 16547-4247") & keys("IRAS 16547")


def test_targets_are_found_where_they_stand() -> None:
    """The place leads to the name as printed, TeX included, and the longer name wins."""
    known = {"NGC253", "NGC2530", "HLTAU", "IRAS16547-4247", "J0823+0313"}
    text = "ALMA view of NGC~2530, HL Tauri and SDSS J082334.84+031315.6, unlike NGC 253"
    found = dict(KnownTargets(known).find(text, "title"))
    assert set(found) == {"NGC2530", "HLTAU", "J0823+0313", "NGC253"}
    for spot in found.values():
        assert text[spot.start : spot.end] == spot.printed
    assert found["NGC2530"].printed == "NGC~2530"


def test_plain_words_need_a_capital() -> None:
    """A target that is also a word counts only where it is printed as a name."""
    assert not list(KnownTargets({"TITAN", "SOMBRERO"}).find("a titan effort in a sombrero", "abstract"))
    assert [k for k, _ in KnownTargets({"SOMBRERO"}).find("The Sombrero", "title")] == ["SOMBRERO"]


def test_names_inside_other_names_do_not_count() -> None:
    """A number that goes on, or a letter glued to it, is another name."""
    assert not list(KnownTargets({"NGC253"}).find("PGC 2534, XNGC 253, NGC 253b1", "title"))


def test_designations_are_read_from_titles() -> None:
    """What is built like a target's name is taken for one; multiplets and dwarfs are not."""
    assert designations("The ring of V1247 Ori, NGC 6334 I, G31.41+0.31 and M83") == [
        "V1247 Ori",
        "NGC 6334",
        "G31.41+0.31",
        "M83",
    ]
    assert designations("An M5 dwarf, the M1, M2 and M3 multiplets and Nova Sgr") == []


@given(st.text(max_size=200), st.sampled_from(["NGC 253", "HL Tau", "J0823+0313"]))
def test_any_text_can_be_searched(text: str, name: str) -> None:
    """Whatever stands around it, every place reported quotes the text."""
    for _, spot in KnownTargets({key(name)}).find(text + " " + name + " " + text, "abstract"):
        assert (text + " " + name + " " + text)[spot.start : spot.end] == spot.printed


def test_a_long_hostile_text_is_searched_quickly() -> None:
    """Time grows with the length: a megabyte of number-like text ends."""
    assert list(KnownTargets({"J0823+0313"}).find("J0823+" * 150_000, "abstract")) == []
