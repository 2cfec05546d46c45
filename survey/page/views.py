"""What a PI sees: the questionnaire behind a link, without login; the pages around it hold no token and no cookie of ours.

GET changes nothing and notes nothing: mail scanners open links. A link that is unknown, used, withdrawn or closed gets
one page, the same to the byte; everybody who answered gets another. Behind "no more letters" an unknown link gets a page
that says how to opt out without it. A page's language is that of its address alone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from email.utils import parseaddr
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from biblio.errors import StartRefused
from biblio.observatory import Profile
from biblio.webkit import PUBLIC, action, reading, runtime, runtime_of, throttled, writing
from survey.asking.views import register as register_due
from survey.campaign.views import register
from survey.page.anonymity import promises
from survey.page.answering import (
    NOTE_MAX,
    LinkClosed,
    LinkUnknown,
    OpenPage,
    PublicationFound,
    addressed,
    open_page,
    opt_out,
    submit,
    wrong_person,
)
from survey.page.forms import QuestionnaireForm, WrongPersonForm
from survey.page.language import ORIGINAL, Language, languages
from survey.questionnaire import frozen
from survey.results.views import register as register_results

blueprint = Blueprint("survey", __name__)
register(blueprint)
register_due(blueprint)
register_results(blueprint)

View = TypeVar("View", bound=Callable[..., Any])

_NAMELESS = secrets.token_bytes(32)
"""The key of this process under which the store of rates counts links and senders: nobody can name them from it."""

SENDER_RATE = "3000 per 5 minutes"
"""Of all links together, by one address: a whole institute may stand behind it, and guessing 192 bits is hopeless."""

FORM_BYTES = 256 * 1024
"""The largest form that is read: many times the longest answer, so that a text that is too long comes back whole."""


@blueprint.url_value_preprocessor
def _read_no_more(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Bound what a link may be sent, before anything reads it."""
    if values and "token" in values:
        request.max_content_length = FORM_BYTES


def _nameless(kind: str, value: str) -> str:
    return hashlib.blake2b(f"{kind}\0{value}".encode(), key=_NAMELESS, digest_size=16).hexdigest()


def _link() -> str:
    return _nameless("link", (request.view_args or {})["token"])


def _sender() -> str:
    return _nameless("sender", request.remote_addr or "")


def _limited(rate: str, *, methods: Sequence[str] = ("POST",)) -> Callable[[View], View]:
    """Let a link be used at ``rate``, whoever does it: a flood on one link keeps nobody from another."""

    def declare(view: View) -> View:
        return throttled(rate, key=_link, methods=methods)(throttled(SENDER_RATE, key=_sender, methods=methods)(view))

    return declare


def _show(template: str, *, say: Language | None = None, **values: Any) -> str:
    """Return a page in the language that its address asks for (or in ``say``); its own links keep the language."""
    say = say or _language()
    return render_template(template, say=say, languages=languages(), keep=_kept(say), **values)


def _kept(say: Language) -> dict[str, Any]:
    """Return what an address holds so that its page is in this language."""
    return {} if say.code == ORIGINAL else {"lang": say.code}


def _language() -> Language:
    spoken = languages()
    return spoken.get(request.args.get("lang", ""), spoken[ORIGINAL])


@blueprint.errorhandler(LinkClosed)
def link_closed(_error: LinkClosed) -> ResponseReturnValue:
    """Show the one page for links that are not open."""
    return _show("survey/closed.html"), 404


@blueprint.errorhandler(LinkUnknown)
def link_unknown(_error: LinkUnknown) -> ResponseReturnValue:
    """Say how to get no more letters where the link cannot tell whose it was; the same for every such link."""
    settings = runtime().settings
    _, address = parseaddr(settings.mail_from)
    return _show("survey/unknown.html", keep_months=settings.survey_keep_months, address=address), 404


@blueprint.errorhandler(PublicationFound)
def publication_found(_error: PublicationFound) -> ResponseReturnValue:
    """Say that a publication was found, so nothing is asked any more."""
    return _show("survey/found.html")


@blueprint.get("/survey/anonymity")
@action(PUBLIC)
def anonymity() -> str:
    """Show what is stored and what is not, read from the tables themselves."""
    settings = runtime().settings
    promise = promises(settings.survey_minimum_persons)
    return _show("survey/anonymity.html", promise=promise, keep_months=settings.survey_keep_months)


@blueprint.get("/survey/thanks")
@action(PUBLIC)
def thanks() -> str:
    """Thank: the same page, in all languages at once, for every answer and everybody."""
    spoken = languages()
    return _show("survey/thanks.html", say=spoken[ORIGINAL], said=_thanks(runtime().profile))


def _thanks(profile: Profile) -> list[tuple[Language, str]]:
    """Return each language with the observatory's own thanks in it, or with ours where it has none."""
    words = {language: profile.questionnaire.in_language(language) for language in profile.questionnaire.languages()}
    return [
        (say, profile.filled(words[code].thanks) if code in words else say("thanks.said"))
        for code, say in languages().items()
    ]


@blueprint.get("/survey/left")
@action(PUBLIC)
def left() -> str:
    """The page behind "Exit and clear survey": nothing was stored, and the address holds no token."""
    return _show("survey/left.html")


@blueprint.get("/survey/done")
@action(PUBLIC)
def stopped() -> str:
    """Say that a librarian was told; the address holds no token."""
    return _show("survey/stopped.html")


@blueprint.get("/survey/no-more-letters")
@action(PUBLIC)
def no_more() -> str:
    """Say what opting out does and what it leaves; the address holds no token."""
    return _show("survey/no_more.html")


@blueprint.get("/survey/<token>")
@action(PUBLIC)
@_limited("60 per minute", methods=("GET", "HEAD"))
def questionnaire(token: str) -> ResponseReturnValue:
    """Show the questionnaire."""
    page = _open(token)
    return _page(page, _form(page), token)


@blueprint.post("/survey/<token>")
@action(PUBLIC)
@_limited("20 per minute")
def answer(token: str) -> ResponseReturnValue:
    """Take one answer: put a sealed ballot into the box, or show the page again with what was typed."""
    page = _open(token, to_submit=True)
    form = _form(page)
    filled = form.checked()
    if filled is None:
        return _page(_open(token), form, token), 422
    try:
        with writing() as session:
            submit(session, runtime(), token, filled)
    except OperationalError:  # a long writer, or the database is away for a moment: what was typed must not be lost
        form.trouble = "busy"
        return _page(page, form, token), 503, {"Retry-After": "60"}
    return redirect(url_for("survey.thanks"), 303)


def _open(token: str, *, to_submit: bool = False) -> OpenPage:
    with reading() as session:
        return open_page(session, runtime(), token, to_submit=to_submit)


def _form(page: OpenPage) -> QuestionnaireForm:
    return QuestionnaireForm(page.questionnaire.in_language(_language().code))


def _page(page: OpenPage, form: QuestionnaireForm, token: str) -> str:
    say = _language()
    return _show(
        "survey/questionnaire.html",
        say=say,
        page=page,
        form=form,
        questionnaire=form.questionnaire,
        wrong={told.field: told for told in form.told(say)},
        token=token,
    )


@blueprint.get("/survey/<token>/unsubscribe")
@blueprint.get("/survey/<token>/stop")
@action(PUBLIC)
@_limited("60 per minute", methods=("GET", "HEAD"))
def stop(token: str) -> ResponseReturnValue:
    """Offer "not the right person" and "no more letters"; both are done by buttons, never by opening the page.

    Mail programs without the one-click button open the address of List-Unsubscribe, so it shows the same.
    """
    with reading() as session:
        addressed(session, token)
    return _show("survey/stop.html", form=WrongPersonForm(), token=token, most=NOTE_MAX)


@blueprint.post("/survey/<token>/stop")
@action(PUBLIC)
@_limited("20 per minute")
def stop_letters(token: str) -> ResponseReturnValue:
    """Never write to this address again."""
    with writing() as session:
        opt_out(session, runtime(), token)
    return redirect(_around("survey.no_more"), 303)


@blueprint.post("/survey/<token>/unsubscribe")
@action(PUBLIC)
@_limited("20 per minute")
def one_click(token: str) -> ResponseReturnValue:
    """Opt out by the mail program's own button (RFC 8058): a POST without cookies, so without a form's token."""
    if request.form.get("List-Unsubscribe") != "One-Click":
        return redirect(url_for("survey.stop", token=token), 303)
    with writing() as session:
        opt_out(session, runtime(), token)
    return "", 204


@blueprint.post("/survey/<token>/wrong-person")
@action(PUBLIC)
@_limited("10 per minute")
def not_me(token: str) -> ResponseReturnValue:
    """Tell a librarian that somebody else should be asked."""
    form = WrongPersonForm(request.form)
    if not form.validate():
        with reading() as session:
            addressed(session, token)
        return _show("survey/stop.html", form=form, token=token, most=NOTE_MAX), 422
    with writing() as session:
        wrong_person(session, runtime(), token, form.note.data or "")
    return redirect(_around("survey.stopped"), 303)


def _around(page: str) -> str:
    """Return the address of a page without a token, in the language of this one."""
    return url_for(page, **_kept(_language()))


@blueprint.record_once
def _check_words(state: BlueprintSetupState) -> None:
    """Refuse to start with words that some visitor's page would break on."""
    profile = runtime_of(cast("Flask", state.app)).profile
    frozen(profile)
    if unknown := [code for code in profile.questionnaire.languages() if code not in languages()]:
        raise StartRefused(
            f"The questionnaire of {profile.observatory.key} is worded in {', '.join(unknown)}, and the page around it "
            f"only in {', '.join(languages())}. Take questionnaire.{unknown[0]}.toml away, or add the page's words."
        )


@blueprint.record_once
def _own_csrf(state: BlueprintSetupState) -> None:
    """Let the questionnaire check its form token itself, so that a stale one keeps what was typed; mail programs have none."""
    protect = state.app.extensions.get("csrf")
    if protect is not None:
        for view in (answer, one_click):
            protect.exempt(f"{view.__module__}.{view.__name__}")
