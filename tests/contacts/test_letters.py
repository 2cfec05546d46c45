"""The letter to an author: both profiles' texts work, the sentence is exact, strangers' words break nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biblio.contacts.faults import Finding, Standing
from biblio.contacts.letters import (
    BODY_MOST,
    NO_CODE,
    About,
    checked_body,
    checked_subject,
    clean_line,
    render,
    sentence,
)
from biblio.errors import RequestRefused
from biblio.runtime import checked_profile
from biblio.store.words import ContactFault

ALMA, ESO = checked_profile("alma"), checked_profile("eso")
ABOUT = About("Ahn, Bora", "Rings of a star", "2610.00001", ["2016.1.00001.S"])


def finding(fault: ContactFault = ContactFault.NO_CODE) -> Finding:
    """A fault of version 1."""
    return Finding(Standing.FAULT, "It lacks something.", fault, None, 7, "2610.00001v1", 1)


@pytest.mark.parametrize("fault", list(ContactFault))
@pytest.mark.parametrize("profile", [ALMA, ESO], ids=["alma", "eso"])
def test_every_profile_has_a_letter_for_every_fault(profile: object, fault: ContactFault) -> None:
    """It greets, names the preprint and the version read, what is missing, the sentence, and where the policy stands."""
    subject, body = render(profile, ABOUT, finding(fault))  # type: ignore[arg-type]
    assert "{" not in subject + body
    assert "arXiv:2610.00001" in subject
    for part in ("Dear Bora Ahn,", "Rings of a star", "version 1", "2016.1.00001.S", "https://"):
        assert part in body


def test_the_sentence_repeats_the_prefix_as_the_policy_does() -> None:
    """ALMA's sentence lists each code with its prefix; another observatory's lists the identifiers."""
    assert sentence(ALMA, ["2016.1.00001.S", "2017.1.00002.S"]) == (
        "This paper makes use of the following ALMA data: ADS/JAO.ALMA#2016.1.00001.S, ADS/JAO.ALMA#2017.1.00002.S."
    )
    assert sentence(ESO, ["0102.B-0553(A)", "108.22GP.001"]).endswith(
        "under ESO programme 0102.B-0553(A), 108.22GP.001."
    )
    assert NO_CODE in sentence(ALMA, [])


@given(st.text(max_size=300), st.text(max_size=80))
def test_a_strangers_title_and_name_are_plain_words_on_one_line(title: str, name: str) -> None:
    """Whatever stands in them: the subject is a header, the letter has its lines, nothing is filled in twice."""
    about = About(name, title, "2610.00001", ["2016.1.00001.S"])
    subject, body = render(ALMA, about, finding())
    checked_subject(subject)
    assert checked_body(body)
    usual = render(ALMA, About("x", "x", "2610.00001", ["2016.1.00001.S"]), finding())[1]
    assert body.count("\n") == usual.count("\n")


def test_braces_in_a_title_are_not_filled() -> None:
    """A title that looks like a placeholder stays what it is, or loses its braces as TeX."""
    body = render(ALMA, About("x", "On {policy_url} and {name}", "2610.00001", []), finding())[1]
    assert body.count("https://") == 1


@pytest.mark.parametrize(
    "subject", ["", "  ", "a\r\nBcc: x@example.org", "a\nb", "a\u202eb", "a\u200bb", "a\0b", "x" * 201], ids=range(8)
)
def test_subjects_that_are_no_header_are_refused(subject: str) -> None:
    """One line of visible signs, not too long."""
    with pytest.raises(RequestRefused):
        checked_subject(subject)


@pytest.mark.parametrize("body", ["", " \n ", "a\u202eb", "a\0b", "x" * (BODY_MOST + 2)], ids=range(5))
def test_bodies_with_hidden_signs_are_refused(body: str) -> None:
    """The refusal names the line."""
    with pytest.raises(RequestRefused):
        checked_body(body)


def test_line_ends_of_a_browser_become_plain() -> None:
    """Forms send CR LF; the letter has LF, and ends with one."""
    assert checked_body("Dear\r\n\r\nyou\r\n\r\n") == "Dear\n\nyou\n"
    assert clean_line("B.\u202e A\r\nhn\0") == "B. A hn"
