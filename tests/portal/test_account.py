"""A person's own account: confirming, an authenticator app with real codes, recovery codes, sessions, password."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Event
from portal.roles import Role
from portal.tasks import clear_sessions
from tests.portal.organisation import PASSWORD, person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from portal.models import User

EMAIL = "ada@meridian.example"
NEW_PASSWORD = "four words are enough here"


@pytest.fixture(autouse=True)
def _no_counts_from_before(db: None) -> Iterator[None]:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada() -> User:
    return person(Role.AUDITOR, EMAIL, "Ada")


@pytest.fixture
def browser(ada: User) -> Client:  # noqa: ARG001 - the account must be there
    """Ada's, just signed in by password."""
    return signed_in()


def signed_in(password: str = PASSWORD, **headers: str) -> Client:
    client = Client(headers=headers)
    answer = client.post("/sign-in", {"login": EMAIL, "password": password})
    assert answer.status_code == 302, answer.content.decode()
    return client


def let_time_pass(client: Client, seconds: int = 301) -> None:
    """The proof in the session is older now."""
    session = client.session
    records = session["account_authentication_methods"]
    for record in records:
        record["at"] -= seconds
    session["account_authentication_methods"] = records
    session.save()


def code_of(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows (RFC 6238), now or half minutes away."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def enrolled(client: Client) -> str:
    """Add an authenticator app as a person does; its secret."""
    page = client.get("/account/app").content.decode()
    found = re.search(r'id="totp-secret">([A-Z2-7]{32})<', page)
    assert found
    assert "data:image/svg+xml;base64," in page
    answer = client.post("/account/app", {"code": code_of(found[1])})
    assert (answer.status_code, answer["Location"]) == (302, "/account/recovery-codes"), answer.content.decode()
    return found[1]


def codes_in(page: str) -> list[str]:
    return re.findall(r"\b\d{8}\b", page)


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


def test_an_authenticator_app_is_enrolled_with_a_real_code_and_asked_for_at_the_next_sign_in(browser: Client) -> None:
    secret = enrolled(browser)
    assert "person.factor_added" in kinds()
    again = Client()
    answer = again.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
    assert answer["Location"] == "/sign-in/second-step"
    assert again.get("/overview").status_code == 302
    wrong = again.post("/sign-in/second-step", {"code": "000000"})
    assert "This code is not right." in wrong.content.decode()
    assert again.post("/sign-in/second-step", {"code": code_of(secret, 1)})["Location"] == "/"
    assert again.get("/overview").status_code == 200


def test_a_code_is_good_once_also_after_allauth_forgot_it(browser: Client, ada: User) -> None:
    secret = enrolled(browser)
    code = code_of(secret, 1)
    for expected in (302, 200):
        client = Client()
        cache.delete(f"allauth.mfa.totp.used?user={ada.pk}&code={code}")
        client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
        assert client.post("/sign-in/second-step", {"code": code}).status_code == expected


def test_a_first_code_that_is_wrong_enrols_nothing_and_keeps_the_secret(browser: Client) -> None:
    page = browser.get("/account/app").content.decode()
    answer = browser.post("/account/app", {"code": "000000"})
    assert answer.status_code == 422
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)
    assert secret
    assert secret[1] in answer.content.decode()
    assert not Authenticator.objects.exists()


def test_the_secret_of_an_app_is_sealed_in_the_database_and_in_no_event(browser: Client) -> None:
    secret = enrolled(browser)
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in stored
    assert all(secret not in str(event.canonical) for event in Event.objects.all())


def test_recovery_codes_are_shown_once_and_each_lets_in_once(browser: Client) -> None:
    enrolled(browser)
    codes = codes_in(browser.get("/account/recovery-codes").content.decode())
    assert len(codes) == 10
    assert codes_in(browser.get("/account/recovery-codes").content.decode()) == []
    for expected in (302, 200):
        client = Client()
        client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
        assert client.post("/sign-in/second-step", {"code": codes[3]}).status_code == expected
    assert "9 codes left" in browser.get("/account").content.decode()


def test_whoever_waits_at_the_second_step_can_start_over_as_somebody_else(browser: Client) -> None:
    enrolled(browser)
    client = Client()
    client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
    assert client.get("/sign-in")["Location"] == "/sign-in/second-step"
    assert client.post("/sign-in/anew")["Location"] == "/sign-in"
    assert client.get("/sign-in").status_code == 200


def test_new_recovery_codes_void_the_old_ones(browser: Client) -> None:
    enrolled(browser)
    old = codes_in(browser.get("/account/recovery-codes").content.decode())
    answer = browser.post("/account/recovery-codes/new", follow=True)
    new = codes_in(answer.content.decode())
    assert len(new) == 10
    assert not set(old) & set(new)
    assert kinds()[-1] == "person.recovery_codes_made"
    client = Client()
    client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
    assert client.post("/sign-in/second-step", {"code": old[0]}).status_code == 200


def test_an_app_is_taken_away_with_the_codes_that_stood_in_for_it(browser: Client) -> None:
    enrolled(browser)
    assert browser.post("/account/app/remove")["Location"] == "/account"
    assert not Authenticator.objects.exists()
    assert "person.factor_removed" in kinds()
    assert Client().post("/sign-in", {"login": EMAIL, "password": PASSWORD})["Location"] == "/"


CONFIRMED = [
    "/account/app",
    "/account/password",
    "/account/recovery-codes/new",
]


@pytest.mark.parametrize("address", CONFIRMED)
def test_a_proof_that_is_too_old_is_asked_for_again_and_leads_back(browser: Client, address: str) -> None:
    let_time_pass(browser)
    answer = browser.get(address)
    assert unquote(answer["Location"]) == f"/account/confirm?next={address}"
    wrong = browser.post(answer["Location"], {"password": "not it", "next": address})
    assert "This is not the password of your account." in wrong.content.decode()
    right = browser.post("/account/confirm", {"password": PASSWORD, "next": address})
    assert right["Location"] == address
    assert browser.get(address).status_code in {200, 302}


def test_what_was_asked_for_is_done_once_it_is_confirmed(browser: Client) -> None:
    other = signed_in()
    let_time_pass(browser)
    answer = browser.post("/account/sessions/end")
    assert answer["Location"].startswith("/account/confirm?")
    assert other.get("/overview").status_code == 200
    browser.post("/account/confirm", {"password": PASSWORD, "next": "/account/sessions/end"})
    assert other.get("/overview").status_code == 302


def test_whoever_has_a_second_factor_confirms_with_it_and_not_with_a_password(browser: Client) -> None:
    secret = enrolled(browser)
    let_time_pass(browser)
    answer = browser.get("/account/app/remove")
    assert answer["Location"].startswith("/account/confirm/code?")
    assert browser.get("/account/confirm")["Location"].startswith("/account/confirm/code")
    browser.post("/account/confirm", {"password": PASSWORD, "next": "/account/app/remove"})
    assert browser.get("/account/app/remove").status_code == 302
    right = browser.post("/account/confirm/code", {"code": code_of(secret, 1), "next": "/account/app/remove"})
    assert right["Location"] == "/account/app/remove"
    assert browser.get("/account/app/remove").status_code == 200


def test_somebody_with_nothing_to_ask_for_is_not_let_pass_unasked(ada: User, browser: Client) -> None:
    """allauth's own check would say yes: no password and no factor means that nothing is asked (libraries.md 0.5)."""
    ada.set_unusable_password()
    ada.save()
    browser.force_login(ada)
    answer = browser.get("/account/app")
    assert answer["Location"].startswith("/account/confirm/again")
    assert "Sign out and in again." in browser.get(answer["Location"]).content.decode()
    assert browser.post("/account/sessions/end").status_code == 302
    assert not Authenticator.objects.exists()


def test_whoever_has_a_password_is_asked_for_it_and_not_told_to_have_none(browser: Client) -> None:
    answer = browser.get("/account/confirm/again")
    assert answer["Location"] == "/account/confirm?next=%2Faccount"
    assert browser.get(answer["Location"]).status_code == 200


def test_recovery_codes_are_not_offered_without_a_factor_that_they_stand_in_for(browser: Client) -> None:
    page = browser.get("/account/recovery-codes/new").content.decode()
    assert "this account has none" in page
    assert "Make new codes</button>" not in page
    assert "stop working" not in page
    answer = browser.post("/account/recovery-codes/new")
    assert (answer.status_code, "No codes were made" in answer.content.decode()) == (422, True)
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_generate_recovery_codes",
        "mfa_view_recovery_codes",
        "mfa_add_webauthn",
        "account-password",
        "account-sessions-end",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_way_to_change_an_account_is_open_to_an_old_proof(browser: Client, name: str, method: str) -> None:
    let_time_pass(browser)
    answer = getattr(browser, method)(reverse(name))
    assert answer.status_code == 405 or answer["Location"].startswith("/account/confirm")


def test_sessions_are_listed_and_ended_one_by_one(browser: Client, ada: User) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    other = signed_in(**{"user-agent": firefox})
    page = browser.get("/account").content.decode()
    assert "Firefox on Linux" in page
    assert "This session" in page
    listed = UserSession.objects.get(session_key=other.session.session_key)
    assert str(other.session.session_key) not in page
    assert browser.post(f"/account/sessions/{listed.pk}/end")["Location"] == "/account"
    assert other.get("/overview").status_code == 302
    assert browser.get("/overview").status_code == 200
    assert kinds()[-1] == "person.sessions_ended"
    assert Event.objects.last().actor == f"user:{ada.email}"  # type: ignore[union-attr]


def test_nobody_ends_somebody_elses_session_nor_their_own_by_mistake(browser: Client) -> None:
    person(Role.ENGINEER, "eve@meridian.example")
    eve = Client()
    eve.post("/sign-in", {"login": "eve@meridian.example", "password": PASSWORD})
    hers = UserSession.objects.get(session_key=eve.session.session_key)
    mine = UserSession.objects.get(session_key=browser.session.session_key)
    browser.post(f"/account/sessions/{hers.pk}/end")
    assert eve.get("/account").status_code == 200
    assert browser.post(f"/account/sessions/{mine.pk}/end").status_code == 404
    assert browser.get("/account").status_code == 200


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(browser: Client) -> None:
    other = signed_in()
    fields = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert browser.post("/account/password", fields)["Location"] == "/account"
    assert other.get("/overview").status_code == 302
    page = browser.get("/account").content.decode()
    assert "This session" in page
    assert "person.password_changed" in kinds()
    assert signed_in(NEW_PASSWORD).get("/overview").status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("", "", "Enter a password of 12 characters or more."),
        (NEW_PASSWORD, NEW_PASSWORD + "!", "The two passwords are not the same."),
        ("short", "short", "too short"),
        ("ada@meridian.example", "ada@meridian.example", "too similar"),
    ],
)
def test_a_password_that_will_not_do_is_refused_with_words(
    browser: Client, first: str, second: str, words: str
) -> None:
    answer = browser.post("/account/password", {"new_password1": first, "new_password2": second})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert signed_in().get("/account").status_code == 200


def test_a_sign_in_is_written_down_with_what_was_proven(browser: Client) -> None:
    enrolled(browser)
    client = Client()
    client.post("/sign-in", {"login": EMAIL, "password": PASSWORD})
    codes = codes_in(browser.get("/account/recovery-codes").content.decode())
    client.post("/sign-in/second-step", {"code": codes[0]})
    event = Event.objects.filter(kind="person.signed_in").last()
    assert event is not None
    assert '"methods":["password","recovery_codes"]' in str(event.canonical)


@pytest.mark.usefixtures("browser")
def test_sessions_that_are_over_are_swept_with_what_was_noted_about_them(browser: Client) -> None:
    over = signed_in()
    Session.objects.filter(session_key=over.session.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )
    assert browser.get("/account").content.decode().count("badge-x ok") == 1
    clear_sessions()
    assert Session.objects.count() == UserSession.objects.count() == 1
    assert browser.get("/account").status_code == 200


@pytest.fixture
def _demanded(settings: Any) -> None:
    from dataclasses import replace  # noqa: PLC0415

    settings.HANDOVER = replace(settings.HANDOVER, second_factor_roles=frozenset({Role.AUDITOR}))


@pytest.mark.usefixtures("_demanded")
def test_a_role_that_demands_a_second_factor_opens_nothing_until_there_is_one(browser: Client) -> None:
    for address in ("/", "/overview", "/partners", "/exchanges", "/oauth/device"):
        assert browser.get(address)["Location"] == "/account/second-factor"
    assert "Add an authenticator app" in browser.get("/account/second-factor").content.decode()
    enrolled(browser)
    assert browser.get("/overview").status_code == 200
    assert browser.get("/account/second-factor")["Location"] == "/"


@pytest.mark.usefixtures("_demanded")
def test_the_last_factor_of_somebody_who_must_have_one_stays(browser: Client) -> None:
    enrolled(browser)
    answer = browser.post("/account/app/remove")
    assert answer.status_code == 409
    assert "This is your last second factor" in answer.content.decode()
    assert Authenticator.objects.filter(type="totp").exists()


@pytest.mark.usefixtures("_demanded")
def test_other_roles_are_let_in_without_one() -> None:
    person(Role.PARTNER_MANAGER, "mateo@meridian.example")
    client = Client()
    client.post("/sign-in", {"login": "mateo@meridian.example", "password": PASSWORD})
    assert client.get("/partners").status_code == 200
