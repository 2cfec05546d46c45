"""E-mail addresses in the author part of papers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.addresses import MOST, Address, Front, find_addresses

_AAS = r"""\documentclass{aastex631}
% old address: gone@example.org
\begin{document}
\title{Rings}
\correspondingauthor{Bora Ahn}
\email{bora.ahn@example.org}
\author[0000-0001-0000-0000]{Bora Ahn}
\affiliation{Institute of Tests}
\author{Lars Berg}
\email{l\_berg@example.net}
\begin{abstract}Write to abstract@example.org.\end{abstract}
\section{Introduction} body@example.org
\end{document}"""
_AA = r"""\documentclass{aa}
\begin{document}
\author{B. Ahn\inst{1} \and L. Berg\inst{2}}
\institute{Institute of Tests, \email{bora.ahn@example.org} \and Elsewhere}
\abstract{x}{y}{z}{}{}
\end{document}"""
_MNRAS = r"""\documentclass{mnras}
\author[B. Ahn et al.]{Bora Ahn,$^{1}$\thanks{E-mail: bora@example.org (BA)} Lars Berg$^{2}$}
\begin{abstract}\end{abstract}"""
_SPRINGER = r"""\documentclass{sn-jnl}
\author[1]{\fnm{Lars} \sur{Berg}}\email{lars@example.net}
\author*[2]{\fnm{Bora} \sur{Ahn}}\email{bora@example.org}
\abstract{x}"""
_GROUP = r"""\documentclass{article}\author{A \and B}\thanks{Contact: \{ahn, berg\}@example.org}\section{x}"""


def _of(text: str, form: str = "tex", page: int | None = None) -> list[tuple[str, str, bool]]:
    return [(a.email, a.name, a.is_marked) for a in find_addresses([Front("ms.tex", text, form, page)])]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (_AAS, [("bora.ahn@example.org", "Bora Ahn", True), ("l_berg@example.net", "Lars Berg", False)]),
        (_AA, [("bora.ahn@example.org", "", False)]),
        (_MNRAS, [("bora@example.org", "", True)]),
        (_SPRINGER, [("lars@example.net", "Lars Berg", False), ("bora@example.org", "Bora Ahn", True)]),
        (_GROUP, [("ahn@example.org", "", True), ("berg@example.org", "", True)]),
    ],
    ids=["aastex", "aa", "mnras", "springer", "group"],
)
def test_each_style_of_manuscript_gives_its_addresses(text: str, found: list[tuple[str, str, bool]]) -> None:
    """The corresponding author is marked where the style marks one; comments, abstract and body give none."""
    assert _of(text) == found


def test_of_a_pdf_only_the_first_page_is_read() -> None:
    """Page 1 may print the address in a footnote; what stands on later pages is no author's address."""
    page = "Rings\nB. Ahn\n1 Introduction\nText\nCorresponding author: bora@example.org"
    assert _of(page, "pdf", 1) == [("bora@example.org", "", True)]
    assert _of(page, "pdf", 2) == []


def test_of_jats_only_what_stands_before_the_abstract_is_read() -> None:
    """The ``corresp`` element marks the author; the body is left alone."""
    text = "<article><corresp>E-mail: <email>bora@example.org</email></corresp><abstract>a@b.org</abstract><body/>"
    assert _of(text, "xml") == [("bora@example.org", "", True)]


def test_a_file_beside_the_manuscript_counts_only_as_author_list() -> None:
    """A macro package's author is not the paper's; a file of authors is."""
    text = r"\author{L. Berg}\email{lars@example.net}"
    assert find_addresses([Front("macros.tex", text, "tex")]) == ()
    assert find_addresses([Front("authors.tex", text, "tex")]) == (
        Address("lars@example.net", "L. Berg", False, "authors.tex"),
    )


def test_a_marked_address_is_kept_of_ever_so_many() -> None:
    """Of a collaboration's hundreds only some are kept, the corresponding author's among them."""
    many = "".join(rf"\author{{A{n}}}\email{{a{n}@example.org}}" for n in range(200))
    text = rf"\documentclass{{x}}{many}\correspondingauthor{{B. Ahn}}\email{{bora@example.org}}"
    found = _of(text)
    assert len(found) == MOST
    assert ("bora@example.org", "B. Ahn", True) in found


@given(st.text(max_size=400), st.sampled_from(["tex", "text", "xml", "html", "pdf"]))
def test_anything_is_read_without_error(text: str, form: str) -> None:
    """What is found are addresses, one line each, that stand in the text, whatever that is."""
    for email, name, _ in _of("\\documentclass" + text, form):
        assert email.count("@") == 1
        assert not any(c.isspace() or ord(c) < 32 for c in email)
        assert "\n" not in name


def test_a_hostile_text_takes_no_time_to_speak_of() -> None:
    """Patterns are bounded: no text makes them go over it again and again."""
    for text in ("{" * 60_000 + "@", "a." * 40_000 + "@", "\\author{" * 10_000 + "@x", "\\thanks[" * 9_000 + "@"):
        assert _of("\\documentclass" + text) == []
