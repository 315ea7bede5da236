"""Without script people come in, prove who they are, look after their account and leave, by the forms as they stand."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.utils import timezone

from audit.models import Event
from portal.models import Invitation, PartnerAdmin, SignInLink, User
from portal.roles import Role
from tests.portal import organisation as organisations
from tests.portal.test_consents import lend
from tests.portal.windows import Window
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Iterator

EMAIL = "ada@meridian.example"
NEW_PASSWORD = "four words are enough here"
LINK = "a-link-of-which-only-the-digest-is-kept"


@pytest.fixture(autouse=True)
def _no_counts_from_before(db: None) -> Iterator[None]:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada() -> User:
    return organisations.person(Role.AUDITOR, EMAIL, "Ada")


@pytest.fixture
def window(ada: User) -> Window:  # noqa: ARG001 - the account must be there
    return signed_in()


def signed_in(password: str = organisations.PASSWORD) -> Window:
    """A new window in which Ada signed in through the form."""
    opened = Window()
    opened.open("/account")
    opened.press("Sign in", "account_login", login=EMAIL, password=password)
    return opened


def code_of(secret: str, steps: int = 0) -> str:
    """What an authenticator app shows (RFC 6238), now or half minutes away."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def let_time_pass(window: Window) -> None:
    """What was proven in the session is older now than a proof may be."""
    session = window.client.session
    proofs = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**proof, "at": proof["at"] - 3600} for proof in proofs]
    session.save()


def last() -> str:
    """What the trail knows last."""
    return Event.objects.latest("id").kind


def enrolled(window: Window) -> str:
    """Ada adds an authenticator app, first with a wrong code; answers its secret."""
    window.open("/account/app")
    window.press("Add the app", "mfa_activate_totp", code="000000")
    assert (window.status, Authenticator.objects.count()) == (422, 0)
    secret = window.text_of("totp-secret").replace(" ", "")
    window.press("Add the app", "mfa_activate_totp", code=code_of(secret))
    assert window.shows("They are shown this one time")
    assert Authenticator.objects.filter(type="totp").exists()
    return secret


def test_a_person_signs_in_and_out(window: Window) -> None:
    assert (window.address, last()) == ("/account", "person.signed_in")
    window.press("Sign out", "account_logout")
    assert window.shows("Sign in")
    assert "_auth_user_id" not in window.client.session
    wrong = signed_in(password="another one")
    assert wrong.shows("No account has this e-mail address and password.")


def test_a_password_is_set_once_the_old_one_was_asked_for(window: Window, ada: User) -> None:
    let_time_pass(window)
    window.open("/account/password")
    window.press("Confirm", "account_reauthenticate", password=organisations.PASSWORD)
    assert window.address == "/account/password"
    window.press("Set the password", "account-password", new_password1=NEW_PASSWORD, new_password2="something else")
    assert window.status == 422
    window.press("Set the password", "account-password", new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    ada.refresh_from_db()
    assert (last(), ada.check_password(NEW_PASSWORD)) == ("person.password_changed", True)
    assert signed_in(NEW_PASSWORD).address == "/account"


def test_an_app_is_added_asked_for_at_each_door_and_removed(window: Window) -> None:
    secret = enrolled(window)
    again = signed_in()
    again.press("Sign in as somebody else", "account-start-over")
    again.press("Sign in", "account_login", login=EMAIL, password=organisations.PASSWORD)
    again.press("Sign in", "mfa_authenticate", code=code_of(secret, 1))
    assert again.shows("Account of Ada")
    let_time_pass(again)
    again.open("/account/recovery-codes/new")
    cache.clear()
    again.press("Confirm", "mfa_reauthenticate", code=code_of(secret))
    again.press("Make new codes", "mfa_generate_recovery_codes")
    assert (again.shows("Your codes"), last()) == (True, "person.recovery_codes_made")
    again.open("/account/app/remove")
    again.press("Remove the app", "mfa_deactivate_totp")
    assert not Authenticator.objects.filter(type="totp").exists()
    assert last() == "person.factor_removed"


def test_a_passkey_is_named_anew_and_removed(window: Window, ada: User) -> None:
    passkey = Authenticator.objects.create(user=ada, type="webauthn", data={"name": "Laptop", "credential": {}})
    window.open(f"/account/passkeys/{passkey.pk}/name")
    window.press("Rename the passkey", "mfa_edit_webauthn", name="Old laptop")
    passkey.refresh_from_db()
    assert (passkey.wrap().name, last()) == ("Old laptop", "person.factor_renamed")
    window.open(f"/account/passkeys/{passkey.pk}/remove")
    window.press("Remove the passkey", "mfa_remove_webauthn")
    assert (Authenticator.objects.count(), last()) == (0, "person.factor_removed")


def test_other_sessions_are_ended_one_by_one_and_all_at_once(window: Window, ada: User) -> None:
    others = [signed_in() for _ in range(2)]
    window.open("/account")
    window.press("End the session of", "account-session-end")
    assert UserSession.objects.filter(user=ada).count() == 2
    window.press("End all other sessions", "account-sessions-end")
    assert window.shows("You are signed in nowhere else.")
    assert UserSession.objects.filter(user=ada).count() == 1
    others[0].open("/account")
    assert others[0].shows("Sign in")


def test_what_was_lent_to_a_client_is_taken_back(window: Window, ada: User) -> None:
    partner = organisations.partner("kestrel", name="Kestrel Payments")
    grants = ["authorization_code", "refresh_token"]
    lend(ada, add_client(partner, "app", secret="s" * 43, name="Planner", grant_types=grants))
    window.open("/account")
    window.press("Withdraw the access of Planner", "account-consent-withdraw")
    assert (window.shows("No client acts for you"), last()) == (True, "person.consent_withdrawn")


def test_a_mailed_link_and_an_invitation_let_somebody_in_by_their_buttons(ada: User) -> None:
    digest, ends = hashlib.sha256(LINK.encode()).digest(), timezone.now() + timedelta(hours=1)
    SignInLink.objects.create(user=ada, digest=digest, expires_at=ends)
    welcomed, invited = Window(), Window()
    welcomed.open(f"/welcome/{LINK}")
    welcomed.press("Sign in", "account-welcome")
    assert (welcomed.address, SignInLink.objects.filter(used_at=None).count()) == ("/account", 0)
    kestrel = organisations.partner("kestrel", state="invited")
    about = {"partner": kestrel, "email": "mei@kestrel.example", "made_by": ada}
    Invitation.objects.create(**about, digest=digest, expires_at=ends)
    invited.open(f"/invitation/{LINK}")
    invited.press("Accept the invitation", "invitation")
    assert (invited.address, PartnerAdmin.objects.get().user.email) == ("/connect", "mei@kestrel.example")
