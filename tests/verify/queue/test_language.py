"""The language of a paper: what its source says, else a script that leaves no doubt, else nobody knows."""

from __future__ import annotations

import pytest

from biblio.verify.queue.language import language_of


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (["en"], "en"),
        (["eng"], "en"),
        (["English"], "en"),
        (["en-GB"], "en"),
        (["JPN"], "ja"),
        (["German; English"], "de"),
        (["fre"], "fr"),
        (["", "unknown", "ru"], "ru"),
        (["tlh"], None),
        ([], None),
    ],
)
def test_what_a_source_says_is_taken(said: list[str], code: str | None) -> None:
    """Codes of two and three letters and English names, with a region or a second language behind; the first known."""
    assert language_of(said, "Gas in the disc of Tamsin 7") == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Газ в диске звезды Тамсин 7: новые изображения объекта", "ru"),
        ("Газ у диску зорі Тамсін 7: нові зображення", "uk"),
        ("Газ в диска на звездата Тамсин", None),
        ("タムシン7の円盤のガスの観測", "ja"),
        ("塔姆辛星盘中气体的新观测结果", "zh"),
        ("탐신 7의 원반에 있는 가스 관측", "ko"),
        ("Το αέριο στον δίσκο του Τάμσιν", "el"),
        ("Gas in the disc of Tamsin 7, with Hα, [O III] λ5007 and σ–μ relations in ΛCDM", None),
        ("Das Gas in der Scheibe von Tamsin 7", None),
        ("On 塔 in old charts", None),
        ("", None),
    ],
)
def test_a_script_tells_where_it_leaves_no_doubt(text: str, code: str | None) -> None:
    """A script of one language, or letters only one has; Latin letters, symbols and a word in passing tell nothing."""
    assert language_of([], text) == code


def test_a_source_counts_before_the_script() -> None:
    """A paper whose title was put into another script is in the language its source says."""
    assert language_of(["en"], "タムシン7の円盤のガスの観測") == "en"
