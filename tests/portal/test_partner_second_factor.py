"""The second factor that a partner's own admin must have: the way there behind the invitation, and after it is lost."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client

from audit.models import Event
from portal.config import Config
from portal.models import User
from portal.roles import Role
from tests.portal import organisation as organisations
from tests.portal.conftest import prove
from tests.portal.test_account import NEW_PASSWORD, code_of, enrolled

if TYPE_CHECKING:
    from collections.abc import Iterator

INVITE = "/partners/kestrel/people/invite"
MEI = "mei@kestrel.example"


@pytest.fixture(autouse=True)
def _demanded(db: None, settings: Any) -> Iterator[None]:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    settings.HANDOVER = replace(settings.HANDOVER, second_factor_roles=frozenset({Role.PARTNER_ADMIN}))
    yield
    cache.clear()


@pytest.fixture
def manager(db: None) -> Client:  # noqa: ARG001 - asked for its transaction
    organisations.partner("kestrel", state="draft", contact_email="it@kestrel.example")
    client = Client()
    client.force_login(organisations.person(Role.PARTNER_MANAGER, name="Sara Haddad"))
    prove(client)
    return client


def invited(manager: Client, **form: str) -> Client:
    """The browser of somebody who was invited and pressed the button."""
    answer = manager.post(INVITE, {"email": MEI, **form})
    found = re.search(r"/invitation/[\w-]{43}", answer.content.decode())
    assert found, answer.content.decode()
    browser = Client()
    browser.get(found[0])
    assert browser.post(found[0]).status_code == 302
    return browser


def removed() -> list[str]:
    return [event.canonical for event in Event.objects.filter(kind="person.factor_removed")]


def test_partners_admins_must_have_one_unless_the_installation_says_otherwise() -> None:
    given = {name: value for name, value in os.environ.items() if name != "HANDOVER_SECOND_FACTOR_ROLES"}
    assert Config.from_env(given).second_factor_roles == {Role.SECURITY_ADMIN, Role.PARTNER_ADMIN}


def test_the_invited_see_nothing_of_the_partner_before_they_have_one_and_are_led_there(manager: Client) -> None:
    browser = invited(manager)
    for address in ("/connect", "/connect/try", "/connect/issuer", "/connect/history", "/"):
        assert browser.get(address)["Location"] == "/account/second-factor"
        assert browser.post(address).status_code == 302
    page = browser.get("/account/second-factor").content.decode()
    assert "Add an authenticator app" in page
    assert "set a password on your account page as well" in page
    enrolled(browser)
    assert 'href="/account"' in browser.get("/account/recovery-codes").content.decode()
    assert 'href="/connect"' in browser.get("/account").content.decode()
    assert browser.get("/connect").status_code == 200


def test_an_app_without_a_password_is_no_way_back_and_the_page_says_so(manager: Client) -> None:
    browser = invited(manager)
    secret = enrolled(browser)
    assert "The link that brought you here works no more." in browser.get("/connect").content.decode()
    form = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    assert browser.post("/account/password", form)["Location"] == "/account"
    assert "The link that brought you here works no more." not in browser.get("/connect").content.decode()
    again = Client()
    assert again.post("/sign-in", {"login": MEI, "password": NEW_PASSWORD})["Location"] == "/sign-in/second-step"
    assert again.get("/connect").status_code == 302
    assert again.post("/sign-in/second-step", {"code": code_of(secret, 1)}).status_code == 302
    assert again.get("/connect").status_code == 200


def test_whoever_still_has_one_is_asked_for_it_behind_another_invitation(manager: Client) -> None:
    enrolled(invited(manager))
    again = invited(manager)
    assert again.get("/connect")["Location"].startswith("/sign-in")
    assert Authenticator.objects.filter(user__email=MEI, type="totp").exists()
    assert removed() == []


def test_whoever_lost_theirs_begins_anew_with_another_invitation_and_their_sessions_end(manager: Client) -> None:
    first = invited(manager)
    enrolled(first)
    first.post("/account/password", {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})
    assert first.get("/connect").status_code == 200
    again = invited(manager, anew="on")
    assert first.get("/connect")["Location"].startswith("/sign-in")
    assert not Authenticator.objects.filter(user__email=MEI).exists()
    assert not User.objects.get(email=MEI).has_usable_password()
    assert len(removed()) == 3  # the app, its recovery codes, the password
    assert all(MEI in text and "sara" not in text for text in removed())
    assert again.get("/connect")["Location"] == "/account/second-factor"
    enrolled(again)
    assert again.get("/connect").status_code == 200


def test_an_invitation_of_somebody_new_forgets_nothing_of_anybody_else(manager: Client) -> None:
    enrolled(invited(manager))
    stranger = organisations.person(Role.ENGINEER, "new@kestrel.example")
    answer = manager.post(INVITE, {"email": stranger.email, "anew": "on"})
    assert answer.status_code == 422
    stranger.refresh_from_db()
    assert stranger.has_usable_password()
    assert manager.post(INVITE, {"email": "ada@kestrel.example", "anew": "on"}).status_code == 200
    assert removed() == []
