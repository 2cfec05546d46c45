"""Letter texts: checked when loaded, filled once, safe against what stands in names and titles."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from biblio.errors import StartRefused
from biblio.runtime import checked_profile
from survey.campaign.letters import NAMES, Addressee, LetterText, Line, greeting, load_texts, read_text, render, text_of

PROFILE = checked_profile("alma")
GOOD = "Subject: Hello\n\nDear {name},\n{projects}\n{closes_on} {anonymity_url} {publication_url} {stop_url}\n"
TO = Addressee(
    "Ahn, Bora",
    [Line("2016.1.00001.S", "Rings", "https://x/survey/t")],
    "https://x/stop",
    date(2027, 1, 3),
    "https://x",
)


@pytest.mark.parametrize("observatory", ["alma", "eso"])
def test_every_profile_has_letters_that_work(observatory: str) -> None:
    """All letters of both profiles load, and render without a brace left over."""
    profile = checked_profile(observatory)
    texts = load_texts(profile)
    assert set(texts) == set(NAMES)
    for name in NAMES:
        subject, body = render(profile, text_of(texts, name), TO)
        assert "{" not in subject + body
        assert profile.observatory.short in subject
        for part in ("Bora Ahn", "2016.1.00001.S", "https://x/survey/t", "2027-01-03", "https://x/publication"):
            assert part in body
        assert all(len(line) < 80 for line in body.splitlines())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Dear {name}", "must begin"),
        (GOOD.replace("\n\n", "\n", 1), "must begin"),
        (GOOD + "{nonsense}", "{nonsense}"),
        (GOOD + "{name.__class__}", "{name.__class__}"),
        (GOOD + "{", "stands alone"),
        (GOOD.replace("{stop_url}", ""), "lacks {stop_url}"),
        (GOOD.replace("{publication_url}", ""), "lacks {publication_url}"),
        (GOOD.replace("Hello", "Hello {projects}"), "into their logs"),
    ],
)
def test_a_text_that_cannot_work_is_refused_at_load(tmp_path: Path, text: str, says: str) -> None:
    """Unknown placeholders, lone braces, a missing subject or a missing link are named before anything is sent."""
    path = tmp_path / "letter.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StartRefused) as caught:
        read_text(path)
    assert says in str(caught.value)


def test_what_is_filled_in_is_not_filled_again() -> None:
    """A title that looks like a placeholder, or holds line ends, is plain text on one line."""
    line = Line("2016.1.00001.S", "{stop_url}\r\nBcc: x@example.org", "https://x/survey/t")
    subject, body = render(PROFILE, LetterText("{observatory}", "{projects}"), replace(TO, lines=[line]))
    assert "{stop_url} Bcc: x@example.org" in body
    assert subject == "ALMA"


@pytest.mark.parametrize(
    ("name", "written"),
    [("Ahn, Bora", "Bora Ahn"), ("Bora Ahn", "Bora Ahn"), ("", "colleague"), (" , ", ","), ("Núñez,", "Núñez,")],
)
def test_names_are_written_as_in_letters(name: str, written: str) -> None:
    """ "Last, First" is turned round; without a name it is "colleague"."""
    assert greeting(name) == written
