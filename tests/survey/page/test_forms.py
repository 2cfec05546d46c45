"""The form of any questionnaire: each kind of question on the page, what is missing told, and other languages."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import select
from werkzeug.test import TestResponse

from biblio.errors import StartRefused
from biblio.observatory import Questionnaire, available
from biblio.public.feature import feature as public
from biblio.runtime import Runtime, checked_profile
from biblio.store.models import Answer, Comment
from biblio.web import create_app
from survey.feature import feature as survey
from survey.page.language import languages
from survey.questionnaire import frozen
from tests.survey.people import let_it_end, make_campaign, open_and_send, tokens_of
from tests.web.visitors import Visitor

ALL_KINDS = """
version = "1"
title = "{observatory}: one of each"
introduction = ["A first line.", "A second, with <b>signs</b>."]
submit = "Send"
leave = "Leave"
thanks = "Thanks from {observatory}."

[[questions]]
key = "state"
kind = "one"
required = true
text = "How does it stand?"
choices = [
    { number = 1, group = "published", short = "Out", text = "It is out", detail = "Where", detail_max = 12 },
    { number = 2, group = "other", short = "Other", text = "Otherwise" },
]

[[questions]]
key = "helped"
kind = "many"
required = true
text = "What helped?"
hint = "As many as you like"
choices = [
    { number = 1, short = "Desk", text = "The help desk", detail = "With what", detail_max = 20 },
    { number = 2, short = "Pipeline", text = "The pipeline" },
    { number = 3, short = "Other", text = "Something else", detail = "What" },
]

[[questions]]
key = "why"
kind = "text"
required = true
max = 40
text = "And why?"

[[questions]]
key = "main"
kind = "one"
text = "Once more?"
choices = [
    { number = 1, short = "Yes", text = "Yes" },
    { number = 2, short = "No", text = "No" },
]
"""

IN_SPANISH = """
title = "{observatory}: uno de cada"
introduction = ["Una sola línea."]
submit = "Enviar"
leave = "Salir"
thanks = "Gracias de parte de {observatory}."

[[questions]]
key = "state"
text = "¿Cómo está?"
choices = [{ number = 1, text = "Publicado", detail = "Dónde" }, { number = 2, text = "De otro modo" }]

[[questions]]
key = "helped"
text = "¿Qué ayudó?"
hint = "Las que quiera"
choices = [
    { number = 1, text = "La ayuda", detail = "Con qué" },
    { number = 2, text = "El pipeline" },
    { number = 3, text = "Otra cosa", detail = "Qué" },
]

[[questions]]
key = "why"
text = "¿Y por qué?"

[[questions]]
key = "main"
text = "¿Otra vez?"
choices = [{ number = 1, text = "Sí" }, { number = 2, text = "No" }]
"""


def add_profile(under: Path) -> Path:
    """Write a profile with a questionnaire of every kind, in English and in Spanish; return its folder."""
    made = under / "kinds"
    shutil.copytree(available()["alma"], made)
    (made / "questionnaire.toml").write_text(ALL_KINDS, encoding="utf-8")
    (made / "questionnaire.es.toml").write_text(IN_SPANISH, encoding="utf-8")
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A profile with a questionnaire of every kind, in English and in Spanish."""
    return add_profile(tmp_path)


@pytest.fixture
def kinds(sqlite_runtime: Runtime, folder: Path) -> Runtime:
    """A runtime with that profile."""
    return replace(sqlite_runtime, profile=checked_profile(str(folder)))


@pytest.fixture
def page_app(kinds: Runtime) -> Flask:
    """The web door with that profile."""
    return create_app(kinds, features=[survey, public])


@pytest.fixture
def links(kinds: Runtime) -> tuple[int, list[str]]:
    """A campaign with that questionnaire: its number and the addresses of its links."""
    campaign = make_campaign(kinds)
    open_and_send(kinds, campaign)
    return campaign, [f"/survey/{token}" for token in tokens_of(kinds, campaign)]


def text_of(answer: TestResponse) -> str:
    """Return a page as its reader sees its characters."""
    return unescape(answer.get_data(as_text=True))


def test_each_kind_of_question_has_its_fields(page_app: Flask, links: tuple[int, list[str]]) -> None:
    """One choice is a radio group, many are boxes, texts are areas; words stand beside their choices; ids are unique."""
    page = text_of(Visitor(page_app).get(links[1][0]))
    fields = re.findall(r'<(?:input|textarea)[^>]*?(?:type="(\w+)")?[^>]*? name="([a-z0-9-]+)"', page)
    names = [name for _, name in fields]
    assert names.count("state") == 2
    assert names.count("helped") == 3
    assert [name for name in names if "-" in name] == ["state-1", "helped-1", "helped-3"]
    assert re.findall(r'type="(\w+)" name="helped"', page) == ["checkbox"] * 3
    assert re.findall(r'type="(\w+)" name="state"', page) == ["radio"] * 2
    assert re.search(r'<textarea[^>]* name="why"[^>]* required>', page)
    assert [page.count(f"At most {limit} characters.") for limit in (12, 20, 300, 40)] == [1, 1, 1, 1]
    assert page.count("(required)") == 3
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for label in re.findall(r'<label[^>]* for="([^"]+)"', page):
        assert label in ids
    assert "<b>signs</b>" not in Visitor(page_app).get(links[1][0]).get_data(as_text=True)


def test_only_an_optional_choice_can_be_taken_back(page_app: Flask, links: tuple[int, list[str]]) -> None:
    """A radio button cannot be unchosen, so an optional question offers "no answer"; a required one does not."""
    visitor, address = Visitor(page_app), links[1][0]
    page = text_of(visitor.get(address))
    assert re.findall(r'name="(\w+)" id="[^"]+" value=""', page) == ["main"]
    assert page.count("No answer") == 1
    given = {"state": "2", "helped": "2", "why": "so", "main": ""}
    assert visitor.post(address, given, form_on=address).status_code == 303
    given = {"state": "", "helped": "2", "why": "so"}
    assert visitor.post(links[1][1], given, form_on=links[1][1]).status_code == 422


def test_everything_that_is_missing_is_told_at_once(page_app: Flask, links: tuple[int, list[str]]) -> None:
    """One line for each question, in the order of the page, that leads to its first field; the rest is kept."""
    visitor, address = Visitor(page_app), links[1][0]
    answer = visitor.post(address, {"helped-1": "kept", "main": "2"}, form_on=address)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "3 things need your attention" in page
    told = re.findall(r'<a href="#([a-z0-9-]+)">(Question [^<]+)</a>', page)
    assert told == [
        ("state-choice-1", "Question 1: Choose exactly one of these answers."),
        ("helped-choice-1", "Question 2: Choose one or more of these answers."),
        ("why", "Question 3: This question needs an answer."),
    ]
    for target, _ in told:
        assert f'id="{target}"' in page
    assert re.search(r'id="why"[^>]*aria-describedby="why-hint why-error" aria-invalid="true" required', page)
    assert len(re.findall(r'type="checkbox"[^>]*aria-invalid="true"', page)) == 3
    assert 'name="helped-1" value="kept"' in page
    assert re.search(r'name="main" id="main-choice-2" value="2" checked', page)


def test_every_choice_made_is_kept_when_something_else_is_wrong(page_app: Flask, links: tuple[int, list[str]]) -> None:
    """Boxes stay ticked and words stay written where one of them is too long."""
    visitor, address = Visitor(page_app), links[1][0]
    given = {"state": "1", "helped": ["1", "3"], "helped-1": "x" * 21, "helped-3": "luck", "why": "so"}
    page = text_of(visitor.post(address, given, form_on=address))
    assert re.findall(r'value="(\d)"(?: required)? checked', page) == ["1", "1", "3"]
    assert '<a href="#helped-1">Question 2, With what: This text has 21 characters, and 20 fit.' in page
    assert 'name="helped-3" value="luck"' in page


def test_all_kinds_come_out_of_the_box(kinds: Runtime, page_app: Flask, links: tuple[int, list[str]]) -> None:
    """Each choice is a row with its word, each text one apart; what stood beside other choices is gone."""
    campaign, addresses = links
    given = {"state": "1", "state-1": "ApJ", "helped": ["1", "2"], "helped-1": "CASA", "helped-3": "gone", "why": "so"}
    for address in addresses:
        assert Visitor(page_app).post(address, given, form_on=address).status_code == 303
    let_it_end(kinds, campaign)
    with kinds.store.reading() as session:
        rows = {(a.question, a.choice, a.word) for a in session.exec(select(Answer))}
        texts = {(c.question, c.words) for c in session.exec(select(Comment))}
    assert rows == {("state", 1, "ApJ"), ("helped", 1, "CASA"), ("helped", 2, "")}
    assert texts == {("why", "so")}


# -- the observatory's words in another language ----------------------------------------------------------------------


def test_the_observatorys_own_translation_stands_on_the_page(page_app: Flask, links: tuple[int, list[str]]) -> None:
    """Where the observatory words its questionnaire in the chosen language, all of it does, and nothing says English."""
    visitor, address = Visitor(page_app), f"{links[1][0]}?lang=es"
    page = text_of(visitor.get(address))
    words = ("ALMA: uno de cada", "Una sola línea.", "¿Cómo está?", "La ayuda", "Con qué", "Las que quiera", ">Enviar<")
    for text in words:
        assert text in page
    assert 'lang="en"' not in page.replace('hreflang="en"', "").replace('lang="en" >English', "").split("<main")[1]
    assert languages()["es"]("frame.original") not in page
    refused = text_of(visitor.post(address, {"helped": "1", "helped-1": "x" * 21}, form_on=address))
    assert "Pregunta 2, Con qué:" in refused
    assert "ALMA: one of each" in text_of(visitor.get(links[1][0]))
    assert "ALMA: one of each" in text_of(visitor.get(f"{links[1][0]}?lang=ja"))


def test_the_thanks_hold_each_wording_of_the_observatory(page_app: Flask) -> None:
    """Its thanks stand in the languages it has; in the others stand ours."""
    page = text_of(Visitor(page_app).get("/survey/thanks"))
    for text in ("Thanks from ALMA.", "Gracias de parte de ALMA.", languages()["ja"]("thanks.said")):
        assert text in page


def test_a_campaign_keeps_the_translation_it_was_made_with(
    kinds: Runtime, links: tuple[int, list[str]], folder: Path
) -> None:
    """Taking the file away later changes nothing of what people are asked."""
    (folder / "questionnaire.es.toml").unlink()
    later = replace(kinds, profile=checked_profile(str(folder)))
    assert frozen(later.profile)["translations"] == {}
    page = text_of(Visitor(create_app(later, features=[survey, public])).get(f"{links[1][0]}?lang=es"))
    assert "¿Cómo está?" in page


def _swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (_swap('key = "why"', 'key = "how"'), "state, helped, why, main"),
        (_swap("{ number = 2, text = ", "{ number = 3, text = "), "choices of 'state'"),
        (_swap(', detail = "Dónde"', ""), "choice 1 of 'state'"),
        (_swap('hint = "Las que quiera"\n', ""), "'helped' has a hint"),
        (_swap('submit = "Enviar"', ""), "translations.es.submit"),
        (_swap('submit = "Enviar"', 'submit = "Enviar"\nversion = "2"'), "translations.es.version"),
        (_swap('key = "why"', 'key = "why"\nrequired = false'), "translations.es.questions.2.required"),
        (_swap("Una sola", "{project}"), "{project}"),
        (lambda text: text + "=", "questionnaire.es.toml cannot be read"),
    ],
    ids=["key", "number", "detail", "hint", "lacks", "version", "rule", "placeholder", "broken"],
)
def test_a_translation_that_is_not_the_same_questionnaire_is_refused(
    folder: Path, change: Callable[[str], str], names: str
) -> None:
    """Other questions, numbers or fields than the original's, rules of its own, or words that nothing fills."""
    path = folder / "questionnaire.es.toml"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(StartRefused, match=re.escape(names)):
        frozen(checked_profile(str(folder)))


@pytest.mark.parametrize("name", ["questionnaire.en.toml", "questionnaire.old.bak.toml", "questionnaire..toml"])
def test_a_translation_into_no_other_language_is_refused(folder: Path, name: str) -> None:
    """The file's name is the language: neither the original's own nor something that is none."""
    (folder / "questionnaire.es.toml").rename(folder / name)
    with pytest.raises(StartRefused, match="not the name of another language"):
        checked_profile(str(folder))


def test_a_question_cannot_take_the_name_of_the_pages_own_field(folder: Path) -> None:
    """A question called like the token against forgery would break the page, so no profile may have it."""
    path = folder / "questionnaire.toml"
    (folder / "questionnaire.es.toml").unlink()
    path.write_text(ALL_KINDS.replace('key = "why"', 'key = "csrf_token"'), encoding="utf-8")
    with pytest.raises(StartRefused, match="csrf_token"):
        checked_profile(str(folder))


def test_the_examples_of_the_manual_can_be_used() -> None:
    """What docs/observatories.md shows of a questionnaire and its translation loads as it stands."""
    manual = (Path(__file__).resolve().parents[3] / "docs" / "observatories.md").read_text(encoding="utf-8")
    section = manual.split("## The questionnaire")[1].split("\n## ")[0]
    questions, translation = (tomllib.loads(each) for each in re.findall(r"```toml\n(.*?)```", section, re.DOTALL))
    frame = {"version": "1", "title": "T", "introduction": ["I"], "submit": "S", "leave": "L", "thanks": "T"}
    shown = Questionnaire.model_validate({**frame, **questions})
    assert {question.kind for question in shown.questions} == {"one", "many", "text"}
    translated = [q for q in questions["questions"] if q["key"] in {each["key"] for each in translation["questions"]}]
    spanish = Questionnaire.model_validate({**frame, "questions": translated, "translations": {"es": translation}})
    assert spanish.languages() == ("en", "es")
