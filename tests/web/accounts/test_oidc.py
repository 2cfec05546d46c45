"""Logging in with one's institution: whom it lets in, what it refuses, and that nothing secret is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr
from sqlmodel import col, select

from biblio.clock import FixedClock
from biblio.errors import StartRefused
from biblio.runtime import Runtime
from biblio.store.models import AuditEntry, UserAccount
from biblio.store.words import Role
from biblio.web.accounts import service
from biblio.web.accounts.oidc import is_safe
from biblio.web.app import action_of
from biblio.webkit import PUBLIC
from tests.web.accounts.institution import (
    ACCESS_TOKEN,
    BEGIN,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    EMAIL,
    Institution,
    add_account,
    app_with,
    is_out,
    log_in,
    running,
    way_back,
)
from tests.web.visitors import Visitor, add_person

BACK = f"{BEGIN}/back"


def _audit(runtime: Runtime) -> list[tuple[str, dict[str, Any]]]:
    with runtime.store.reading() as session:
        return [(e.action, e.details) for e in session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()]


@pytest.fixture
def institution(clock: FixedClock) -> Iterator[Institution]:
    """A provider that vouches for ines@observatory.example."""
    with running(Institution(now=int(clock.now().timestamp()))) as started:
        yield started


@pytest.fixture
def oidc_app(small_runtime: Runtime, institution: Institution) -> Flask:
    """The web door with that provider."""
    return app_with(small_runtime, institution.issuer)


# -- who is let in ----------------------------------------------------------------------------------------------------


def test_a_person_logs_in_with_the_institution(runtime: Runtime, institution: Institution) -> None:
    """Button, institution, back: logged in as the account with that address, on both databases, kept in the log."""
    add_account(runtime)
    visitor = Visitor(app_with(runtime, institution.issuer))
    assert f'href="{BEGIN}"' in visitor.get("/login").get_data(as_text=True)
    answer = log_in(visitor, institution)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin")
    assert "Ines Example" in visitor.get("/account").get_data(as_text=True)
    assert _audit(runtime)[-1] == ("login", {"way": "institution"})
    assert institution.authorization["redirect_uri"] == f"{runtime.settings.base_url}{BACK}"


@pytest.mark.parametrize("said", ["INES@Observatory.Example", "  ines@observatory.example "])
def test_the_case_of_an_address_does_not_matter(runtime: Runtime, institution: Institution, said: str) -> None:
    """Institutions write addresses as they like; both databases compare them alike."""
    add_account(runtime)
    institution.claims["email"] = said
    assert log_in(Visitor(app_with(runtime, institution.issuer)), institution).status_code == 302


def test_letters_that_only_look_alike_are_other_letters(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution
) -> None:
    """The Kelvin sign is no k: nobody takes an account over with an address that folds to another's."""
    add_account(small_runtime, "kim", "kim@observatory.example")
    institution.claims["email"] = "\u212aim@observatory.example"
    assert log_in(Visitor(oidc_app), institution).status_code == 403


def test_the_session_is_a_new_one(oidc_app: Flask, small_runtime: Runtime, institution: Institution) -> None:
    """Nothing of the session before the login is left in it, and a log-out ends it everywhere."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    with visitor.client.session_transaction() as before:
        before["planted"] = "by somebody else"
    log_in(visitor, institution)
    with visitor.client.session_transaction() as after:
        assert "planted" not in after
        assert "institution_login" not in after
        assert after.permanent
    cookie = visitor.client.get_cookie("biblio")
    assert cookie is not None
    thief = Visitor(oidc_app)
    thief.client.set_cookie("biblio", cookie.value)
    assert not is_out(thief)
    visitor.post("/logout", form_on="/account")
    assert is_out(thief)


def test_an_address_may_come_from_the_userinfo_endpoint(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution
) -> None:
    """Some providers put the address there and not into the ID token; it must speak of the same person."""
    add_account(small_runtime)
    institution.claims.update(email=None, email_verified=None)
    institution.userinfo = {"sub": "somebody-else", "email": EMAIL, "email_verified": True}
    assert log_in(Visitor(oidc_app), institution).status_code == 403
    institution.userinfo["sub"] = "person-1"
    assert log_in(Visitor(oidc_app), institution).status_code == 302


def test_a_provider_may_want_the_secret_in_the_form(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution
) -> None:
    """The way to show the client secret is the one that the provider says it takes."""
    add_account(small_runtime)
    institution.document["token_endpoint_auth_methods_supported"] = ["client_secret_post", "private_key_jwt"]
    assert log_in(Visitor(oidc_app), institution).status_code == 302
    assert institution.token_header == ""


def test_a_rotated_key_is_taken_at_once(oidc_app: Flask, small_runtime: Runtime, institution: Institution) -> None:
    """A provider may change its key between two logins."""
    add_account(small_runtime)
    assert log_in(Visitor(oidc_app), institution).status_code == 302
    institution.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    institution.header["kid"] = "two"
    assert log_in(Visitor(oidc_app), institution).status_code == 302
    assert institution.asked.count("GET /.well-known/openid-configuration") == 1


def test_local_accounts_work_beside_it(oidc_app: Flask, small_runtime: Runtime, institution: Institution) -> None:
    """A user name and a password let in as before, also while the institution is down."""
    institution.broken.add("/.well-known/openid-configuration")
    add_person(small_runtime)
    assert Visitor(oidc_app).log_in("librarian").status_code == 302
    assert _audit(small_runtime)[-1] == ("login", {"way": "password"})


# -- where the login leads --------------------------------------------------------------------------------------------


def test_the_login_leads_on_to_the_page_asked_for(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution
) -> None:
    """Who was sent to the login page and takes the button arrives where they wanted to go."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    page = visitor.get("/login?next=/admin/users?role%3Dadmin").get_data(as_text=True)
    begin = page.split(f'href="{BEGIN}')[1].split('"')[0]
    assert log_in(visitor, institution, BEGIN + begin).headers["Location"] == "/admin/users?role=admin"
    assert visitor.get(f"{BEGIN}?next=/account").headers["Location"] == "/account"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/%09/evil.example"]
)
def test_the_login_leads_to_no_other_site(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, elsewhere: str
) -> None:
    """``next`` holds a path of this site or is left out."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    assert log_in(visitor, institution, f"{BEGIN}?next={elsewhere}").headers["Location"] == "/admin"
    assert visitor.get(f"{BEGIN}?next={elsewhere}").headers["Location"] == "/admin"


# -- who is not -------------------------------------------------------------------------------------------------------


_UNPROVED: dict[str, dict[str, Any]] = {
    "another login's nonce": {"claims": {"nonce": "of another login"}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": -61}},
    "from the future": {"claims": {"iat": 3600}},
    "without an end": {"claims": {"exp": None}},
    "for another client": {"claims": {"aud": "another-client"}},
    "for another client, got by us": {"claims": {"aud": "another-client", "azp": CLIENT_ID}},
    "for two, meant for the other": {"claims": {"aud": [CLIENT_ID, "another"], "azp": "another"}},
    "of another issuer": {"claims": {"iss": "https://evil.example"}},
    "about nobody": {"claims": {"sub": None}},
    "signed by a stranger": {"signing_key": RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})},
    "not signed": {"header": {"alg": "none"}},
    "signed with our secret": {"header": {"alg": "HS256"}, "signing_key": OctKey.import_key(CLIENT_SECRET)},
    "signed with an unknown key": {"header": {"alg": "RS256", "kid": "unknown"}},
}


@pytest.mark.parametrize("wrong", _UNPROVED.values(), ids=_UNPROVED.keys())
def test_an_id_token_that_does_not_verify_lets_nobody_in(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, wrong: dict[str, Any]
) -> None:
    """Nonce, times, audience, issuer, subject and signature are each checked; a session never begins."""
    add_account(small_runtime)
    for name, value in wrong.items():
        setattr(institution, name, value)
    for name in {"exp", "iat"} & institution.claims.keys():
        if institution.claims[name] is not None:
            institution.claims = {name: institution.now + institution.claims[name]}
    visitor = Visitor(oidc_app)
    answer = log_in(visitor, institution)
    assert (answer.status_code, "could not be verified" in answer.get_data(as_text=True)) == (403, True)
    assert is_out(visitor)
    assert [action for action, _ in _audit(small_runtime)] == ["account.added"]


def test_a_wrong_state_is_refused(oidc_app: Flask, small_runtime: Runtime, institution: Institution) -> None:
    """A way back that this browser did not begin (or none at all) reaches no provider and no account."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    theirs = way_back(Visitor(oidc_app), institution)
    assert visitor.get(theirs).status_code == 400
    ours = way_back(visitor, institution)
    for wrong in (
        theirs,
        BACK,
        f"{BACK}?code={CODE}",
        f"{BACK}?code={CODE}&state=",
        f"{BACK}?code={CODE}&state=%C3%A9",
    ):
        answer = visitor.get(wrong)
        assert answer.status_code == 400, wrong
        assert "not begun in this browser" in answer.get_data(as_text=True)
    assert "POST /token" not in institution.asked
    assert visitor.get(ours).status_code == 302


def test_a_way_back_works_once_and_for_ten_minutes(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, clock: FixedClock
) -> None:
    """An address found in a browser's history opens nothing."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    used = way_back(visitor, institution)
    assert visitor.get(used).status_code == 302
    assert visitor.get(used).status_code == 400
    institution.refusal, late = "access_denied", Visitor(oidc_app)
    used = way_back(late, institution)
    assert [late.get(used).status_code for _ in range(2)] == [403, 400]
    institution.refusal = None
    address = way_back(late, institution)
    clock.move(timedelta(seconds=601))
    assert late.get(address).status_code == 400
    assert is_out(late)


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_unverified_address_lets_nobody_in(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, verified: object
) -> None:
    """What a person may have typed in at the provider proves nothing: ``email_verified`` must be true itself."""
    add_account(small_runtime)
    institution.claims["email_verified"] = verified
    answer = log_in(Visitor(oidc_app), institution)
    assert answer.status_code == 403
    assert "no verified e-mail address" in answer.get_data(as_text=True)


def test_an_unknown_person_is_told_whom_to_ask(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution
) -> None:
    """No account is made by logging in; an account without an address is nobody's."""
    add_account(small_runtime, "other", email=None)
    visitor = Visitor(oidc_app)
    answer = log_in(visitor, institution)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "ask your administrator to add you" in page
    assert EMAIL in page
    assert is_out(visitor)
    with small_runtime.store.reading() as session:
        assert session.exec(select(UserAccount.username)).all() == ["other"]


def test_a_deactivated_person_stays_out(oidc_app: Flask, small_runtime: Runtime, institution: Institution) -> None:
    """Taking a login away takes this way away too, and the try is kept in the audit log."""
    add_account(small_runtime, role=Role.LIBRARIAN)
    with small_runtime.store.writing() as session:
        account = service.named(session, "ines")
        service.set_active(session, service.COMMAND_LINE, account, active=False, now=small_runtime.clock.now())
    answer = log_in(Visitor(oidc_app), institution)
    assert answer.status_code == 403
    assert "ask your administrator to add you" in answer.get_data(as_text=True)
    assert _audit(small_runtime)[-1][0] == "login.refused"


def test_between_two_accounts_none_is_picked(oidc_app: Flask, small_runtime: Runtime, institution: Institution) -> None:
    """Two active accounts with one address: a person must say which."""
    add_account(small_runtime)
    add_account(small_runtime, "ines-admin", EMAIL.upper())
    answer = log_in(Visitor(oidc_app), institution)
    assert answer.status_code == 403
    assert "More than one account" in answer.get_data(as_text=True)


# -- a provider in trouble --------------------------------------------------------------------------------------------


def test_a_provider_that_is_down_has_its_page(small_runtime: Runtime) -> None:
    """No traceback and no endless wait: a page that says so, with the other way in."""
    with running(Institution(now=0)) as gone:
        app = app_with(small_runtime, gone.issuer)
    answer = Visitor(app).get(BEGIN)
    assert answer.status_code == 503
    assert "cannot be reached" in answer.get_data(as_text=True)
    assert 'href="/login"' in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/token", "/keys", "/userinfo"])
def test_a_provider_that_breaks_on_the_way_has_its_page(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, path: str
) -> None:
    """Each of its answers may be missing; a login that worked once the trouble is over needs no restart."""
    add_account(small_runtime)
    institution.claims.update({"email": None} if path == "/userinfo" else {})
    institution.userinfo = {"sub": "person-1", "email": EMAIL, "email_verified": True}
    institution.broken.add(path)
    assert log_in(Visitor(oidc_app), institution).status_code == 503
    institution.broken.clear()
    assert log_in(Visitor(oidc_app), institution).status_code == 302


def test_every_request_to_the_provider_has_a_time_out(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that says nothing cannot hold a web worker, and no redirect carries the secret on."""
    from requests import Session

    seen: list[tuple[object, object]] = []
    send = Session.send

    def noting(self: Session, request: Any, **more: Any) -> Any:
        seen.append((more.get("timeout"), more.get("allow_redirects")))
        return send(self, request, **more)

    monkeypatch.setattr(Session, "send", noting)
    add_account(small_runtime)
    institution.claims["email"] = None
    institution.userinfo = {"sub": "person-1", "email": EMAIL, "email_verified": True}
    assert log_in(Visitor(oidc_app), institution).status_code == 302
    assert seen == [((5.0, 10.0), False)] * 4


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "http://evil.example/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": None},
    ],
)
def test_a_discovery_document_is_not_believed_blindly(
    oidc_app: Flask, institution: Institution, document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """It must be the configured issuer's, no secret leaves for an address without https, and the log says why."""
    institution.document, visitor = document, Visitor(oidc_app)
    begun = visitor.get(BEGIN)
    answer = log_in(visitor, institution) if begun.status_code == 302 else begun
    assert answer.status_code == 503
    assert "cause=InvalidURL" in capsys.readouterr().err


@pytest.mark.parametrize("error", ["access_denied", "<script>alert(1)</script>"])
def test_a_refusal_of_the_provider_has_its_page(oidc_app: Flask, institution: Institution, error: str) -> None:
    """Who is not let in there is told so here, in our words only."""
    institution.refusal = error
    answer = log_in(Visitor(oidc_app), institution)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 403
    assert "did not let you in" in page
    assert "<b>no</b>" not in page
    assert error not in page


def test_a_code_that_the_provider_does_not_know_is_refused(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution
) -> None:
    """A stolen or invented code fails at the token endpoint, which also checks our PKCE verifier."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    address = way_back(visitor, institution)
    state = parse_qs(urlsplit(address).query)["state"][0]
    assert visitor.get(f"{BACK}?code=invented&state={state}").status_code == 403
    assert is_out(visitor)
    stolen = Visitor(oidc_app)
    address = way_back(stolen, institution)
    institution.authorization["code_challenge"] = "of-somebody-else"
    assert stolen.get(address).status_code == 403


def test_the_tries_are_throttled(oidc_app: Flask, institution: Institution) -> None:
    """Neither route can be used to keep us or the institution busy."""
    for path, usual in ((BEGIN, 302), (BACK, 400)):
        visitor = Visitor(oidc_app)
        assert [visitor.get(path).status_code for _ in range(21)] == [usual] * 20 + [429]


def test_nothing_secret_is_logged_or_kept(
    oidc_app: Flask, small_runtime: Runtime, institution: Institution, capsys: pytest.CaptureFixture[str]
) -> None:
    """Codes, tokens, secrets and addresses stay out of log, audit and caches, when it works and when it does not."""
    add_account(small_runtime)
    visitor = Visitor(oidc_app)
    assert visitor.get(BEGIN).headers["Cache-Control"] == "no-store"
    assert log_in(visitor, institution).headers["Cache-Control"] == "no-store"
    for claims in ({"aud": "another"}, {"email": "unknown@observatory.example"}):
        institution.claims = claims
        refused = log_in(Visitor(oidc_app), institution)
        assert (refused.status_code, refused.headers["Cache-Control"]) == (403, "no-store")
    logged = capsys.readouterr()
    told = logged.out + logged.err + str(_audit(small_runtime)[1:])
    assert "reason=unproved" in told
    assert "Traceback" not in told
    asked = institution.authorization
    for secret in (CODE, ACCESS_TOKEN, CLIENT_SECRET, asked["state"], asked["nonce"], "@observatory.example"):
        assert secret not in told


# -- how it is set up -------------------------------------------------------------------------------------------------


def test_without_configuration_there_is_no_route_and_no_button(small_app: Flask) -> None:
    """Nothing of it shows where no institution is set."""
    visitor = Visitor(small_app)
    assert visitor.get(BEGIN).status_code == 404
    assert visitor.get(BACK).status_code == 404
    assert "institution" not in visitor.get("/login").get_data(as_text=True)


def test_the_routes_are_public_and_take_no_form(oidc_app: Flask) -> None:
    """The guard knows both routes; the pages' policy stays what it is without them."""
    rules = {rule.rule: rule for rule in oidc_app.url_map.iter_rules() if rule.endpoint.startswith("institution.")}
    assert set(rules) == {BEGIN, BACK}
    for rule in rules.values():
        assert action_of(oidc_app, rule.endpoint) == PUBLIC
        assert rule.methods == {"GET", "HEAD", "OPTIONS"}
    page = Visitor(oidc_app).get("/login")
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.get_data(as_text=True).count("<form") == 1


@pytest.mark.parametrize("missing", ["oidc_issuer", "oidc_client_id", "oidc_client_secret"])
@pytest.mark.parametrize("empty", [None, ""])
def test_half_a_configuration_is_refused(small_runtime: Runtime, missing: str, empty: str | None) -> None:
    """All three settings or none; the sentence names the one that is missing."""
    value = SecretStr(empty) if missing.endswith("secret") and empty is not None else empty
    with pytest.raises(StartRefused, match=f"needs BIBLIO_{missing.upper()} too"):
        app_with(small_runtime, "https://login.example", **{missing: value})


@pytest.mark.parametrize("issuer", ["http://login.example", "login.example", "https://login.example?x=1", "https://"])
def test_an_issuer_without_https_is_refused(small_runtime: Runtime, issuer: str) -> None:
    """Plain http is for this machine itself."""
    with pytest.raises(StartRefused, match="BIBLIO_OIDC_ISSUER must be an https:// address"):
        app_with(small_runtime, issuer)


def test_without_the_extra_the_command_is_named(small_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator reads what to install."""
    monkeypatch.delitem(sys.modules, "biblio.web.accounts.provider", raising=False)
    monkeypatch.setitem(sys.modules, "authlib.integrations.requests_client", None)
    with pytest.raises(StartRefused, match=r"pip install --require-hashes -r requirements/oidc\.txt"):
        app_with(small_runtime, "https://login.example")


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://login.example/realm", True),
        ("http://localhost:8080", True),
        ("http://[::1]:8080", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://localhost@evil.example", False),
        ("https://", False),
        ("https://[", False),
        ("ftp://127.0.0.1", False),
        (None, False),
    ],
)
def test_secrets_travel_over_https_or_not_at_all(address: object, safe: bool) -> None:
    """Only this machine's own addresses may be plain http."""
    assert is_safe(address) is safe
