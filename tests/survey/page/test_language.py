"""The page's own words: the same keys and placeholders in every language, or biblio does not start."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from biblio.errors import StartRefused
from biblio.paths import template_dir
from survey.page.language import FOLDER, ORIGINAL, languages, load_languages

TEMPLATES = sorted((template_dir() / "survey").glob("*.html"))
SOURCES = [*TEMPLATES, *sorted(FOLDER.parent.glob("*.py"))]


def test_there_are_the_languages_that_were_promised() -> None:
    """English first, then Spanish, Japanese, Korean and traditional Chinese, each named in itself."""
    named = [(code, say.name) for code, say in languages().items()]
    assert named == [
        ("en", "English"),
        ("es", "Español"),
        ("ja", "日本語"),
        ("ko", "한국어"),
        ("zh-Hant", "繁體中文"),
    ]


def test_only_english_counts_as_reviewed() -> None:
    """Nobody who speaks the others has read them, and their files say so."""
    assert [code for code, say in languages().items() if say.is_reviewed] == [ORIGINAL]


def test_all_languages_have_the_same_keys_and_placeholders() -> None:
    """Each text stands in every language, with the same names in braces, and none was left in English."""
    original = languages()[ORIGINAL]
    for code, say in languages().items():
        assert say.texts.keys() == original.texts.keys()
        for key, text in say.texts.items():
            assert set(re.findall(r"\{(.*?)\}", text)) == set(re.findall(r"\{(.*?)\}", original.texts[key])), key
            assert code == ORIGINAL or text != original.texts[key] or key in ("errors.title", "errors.error"), (
                code,
                key,
            )


@pytest.mark.parametrize(
    ("code", "script"),
    [("ja", r"[\u3040-\u30ff]"), ("ko", r"[\uac00-\ud7af]"), ("zh-Hant", r"[\u4e00-\u9fff]"), ("es", r"[a-zñáéíóú]")],
)
def test_each_language_is_written_in_its_own_script(code: str, script: str) -> None:
    """Most texts hold kana, hangul, Chinese characters or Latin letters; the Chinese no character of the simplified set."""
    texts = list(languages()[code].texts.values())
    assert sum(bool(re.search(script, text)) for text in texts) >= 0.9 * len(texts)
    if code == "zh-Hant":
        assert not re.search("[们这个没为时说请谁书开关编号]", "".join(texts))


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    """No page asks for a text that is not there, and no text waits for a page."""
    written = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    asked = {key for key in languages()[ORIGINAL].texts if f"'{key}'" in written or f'"{key}"' in written}
    composed = {"promise.category", "promise.cycle", "promise.partner", "errors.choose_one", "errors.choose_many"}
    composed |= {f"anonymity.{step}" for step in ("sealed", "key", "shuffled", "journals")}
    composed |= {f"anonymity.not_{what}" for what in ("when", "opened", "typed", "links")}
    assert languages()[ORIGINAL].texts.keys() - asked - composed == set()
    called = set(re.findall(r"""(?:say|each)\(\s*['"]([a-z_]+\.[a-z_]+)['"][,)]""", written))
    assert called - languages()[ORIGINAL].texts.keys() == set()


def _changed(change: Callable[[str], str]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        path = folder / "es.toml"
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return do


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (_changed(lambda text: text.replace("said = ", "sagt = ", 1)), "es.toml"),
        (_changed(lambda text: text + '\nmore = "más"\n'), "anonymity.more"),
        (_changed(lambda text: text.replace("{limit} caracteres", "{limits} caracteres")), "form.limit"),
        (_changed(lambda text: text.replace("{limit} caracteres", "{limit.__class__} caracteres")), "form.limit"),
        (_changed(lambda text: text.replace("{limit} caracteres", "{limit!r} caracteres")), "form.limit"),
        (_changed(lambda text: text.replace("{limit} caracteres", "{limit caracteres")), "form.limit"),
        (_changed(lambda text: text.replace('"Gracias"', '""')), "thanks.title"),
        (_changed(lambda text: text.replace('"Gracias"', "7")), "thanks.title"),
        (_changed(lambda text: text.replace("reviewed = false", "")), "reviewed"),
        (_changed(lambda text: text.replace('gap = " "', "")), "gap"),
        (_changed(lambda text: text.replace("reviewed = false", 'reviewed = false\nmore = "x"')), "more"),
        (_changed(lambda text: "name = \n" + text), "es.toml cannot be read"),
        (lambda folder: (folder / "ja.toml").write_bytes(b"name = '\xff'"), "ja.toml cannot be read"),
        (lambda folder: (folder / "en.toml").unlink(), "holds no en.toml"),
    ],
    ids=[
        "other-key",
        "more-keys",
        "other-name",
        "attribute",
        "turned",
        "open-brace",
        "empty",
        "number",
        "unmarked",
        "no-gap",
        "no-section",
        "no-toml",
        "no-utf8",
        "no-english",
    ],
)
def test_a_broken_language_is_refused(tmp_path: Path, spoil: Callable[[Path], None], names: str) -> None:
    """A missing, foreign or empty text, another placeholder, or a file that cannot be read: told by file and key."""
    for path in FOLDER.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    load_languages(tmp_path)
    spoil(tmp_path)
    with pytest.raises(StartRefused, match=re.escape(names)):
        load_languages(tmp_path)
