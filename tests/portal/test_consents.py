"""What people lent to clients: seen by themselves and by a security admin, and taken back with all that came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from audit.models import Event
from exchange.consents import consents
from exchange.models import DeviceGrant, IssuedToken, TokenFamily
from portal.roles import Role
from tests.conformance.rules import rule
from tests.portal import organisation as organisations
from tests.portal.conftest import prove
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from portal.models import User

    SignIn = Callable[[Role | None], Client]


@pytest.fixture
def mei(db: None) -> User:  # noqa: ARG001 - asked for its transaction
    """Somebody who lent something."""
    return organisations.person(None, "mei@meridian.example", "Mei")


@pytest.fixture
def app(db: None) -> Any:  # noqa: ARG001 - asked for its transaction
    """The client that holds it."""
    partner = organisations.partner("kestrel", name="Kestrel Payments")
    grants = ["authorization_code", "refresh_token"]
    return add_client(partner, "app", secret="s" * 43, name="Kestrel <i>planner</i>", grant_types=grants)


def own(person: User) -> Client:
    """The person's own browser, in which they signed in long ago."""
    browser = Client()
    browser.force_login(person)
    return browser


def lend(person: User, client: Any, *, ends: datetime | None = None, scope: str = "partners:read") -> UUID:
    """What is kept of a consent: a refresh token, and one access token in force."""
    root, now = uuid4(), timezone.now()
    ends = ends or now + timedelta(minutes=5)
    access = AccessToken.objects.create(
        user=person, application=client, token=str(root), token_checksum=str(root), expires=ends, scope=scope
    )
    RefreshToken.objects.create(
        user=person, application=client, access_token=access, token="", token_checksum=str(root), token_family=root
    )
    token(person, client, root, scope=scope, ends=ends)
    return root


def token(person: User, client: Any, root: UUID, *, scope: str, ends: datetime, **fields: Any) -> IssuedToken:
    """One token that goes back to a root."""
    began, subject = ends - timedelta(minutes=10), f"user:{person.pk}"
    origin = {"root_issuer": settings.HANDOVER.issuer, "root_token_id": str(root)}
    family = TokenFamily.objects.create(**origin, subject=subject, created_at=began, expires_at=ends)
    return IssuedToken.objects.create(
        family_id=family.pk, event_id=uuid4(), client_id=client.pk, partner_id=client.partner_id, kid="k",
        subject=subject, audience=["a"], scope=scope, issued_at=began, expires_at=ends, **fields,
    )  # fmt: skip


@rule(151, "OWASP ASVS", "10.4.9")
def test_a_person_sees_which_clients_act_for_them_with_what_where_and_until_when(mei: User, app: Any) -> None:
    lend(mei, app)
    page = own(mei).get("/account").content.decode().partition('id="consents"')[2]
    assert "Kestrel &lt;i&gt;planner&lt;/i&gt;" in page
    assert "A client of Kestrel Payments" in page
    assert "partners:read" in page
    assert f"At {settings.HANDOVER.issuer}/api" in page
    assert "and longer where it goes on using it" in page
    (found,) = consents(mei.pk, timezone.now())
    assert timedelta(hours=12) < found.until - timezone.now() < timedelta(hours=12, minutes=6)
    assert found.tokens == 1


@rule(151, "OWASP ASVS", "10.7.3")
def test_what_is_withdrawn_ends_with_all_that_came_of_it_and_an_event(mei: User, app: Any) -> None:
    root = lend(mei, app)
    Grant.objects.create(
        user=mei, application=app, code="c", expires=timezone.now() + timedelta(minutes=1), redirect_uri="", scope=""
    )
    DeviceGrant.objects.create(
        user=mei, client_id="app", device_code="d", user_code="u", expires=timezone.now() + timedelta(minutes=1),
        status=DeviceGrant.AUTHORIZED, interval=5,
    )  # fmt: skip
    browser = own(mei)
    address = f"/account/consents/{app.pk}/withdraw"
    assert browser.post(address)["Location"] == "/account"
    assert TokenFamily.objects.get(root_token_id=root).revoked_reason == "consent withdrawn"
    assert RefreshToken.objects.get().revoked is not None
    assert not AccessToken.objects.exists()
    assert not Grant.objects.exists()
    assert not DeviceGrant.objects.exists()
    event = Event.objects.get(kind="person.consent_withdrawn")
    assert (event.client, event.actor) == ("app", "user:mei@meridian.example")
    assert "No client acts for you" in browser.get("/account").content.decode()
    assert browser.post(address)["Location"] == "/account"
    assert Event.objects.filter(kind="person.consent_withdrawn").count() == 1


def test_nobody_withdraws_what_another_person_lent(mei: User, app: Any) -> None:
    lend(mei, app)
    lena = organisations.person(None, "lena@meridian.example")
    assert own(lena).post(f"/account/consents/{app.pk}/withdraw").status_code == 302
    assert own(lena).post(f"/account/consents/{uuid4()}/withdraw").status_code == 404
    assert len(consents(mei.pk, timezone.now())) == 1


@rule(151, "OWASP ASVS", "10.7.3")
def test_a_security_admin_sees_and_withdraws_it_and_nobody_else_may(mei: User, app: Any, signed_in: SignIn) -> None:
    lend(mei, app)
    address = f"/people/{mei.pk}/consents/{app.pk}/withdraw"
    assert signed_in(Role.AUDITOR).post(address).status_code == 403
    admin = signed_in(Role.SECURITY_ADMIN)
    assert "Kestrel &lt;i&gt;planner" in admin.get(f"/people/{mei.pk}").content.decode()
    prove(admin, ago=3600)
    assert admin.post(address)["Location"].startswith("/account/confirm")
    prove(admin)
    assert admin.post(address)["Location"] == f"/people/{mei.pk}"
    assert consents(mei.pk, timezone.now()) == ()
    assert Event.objects.get(kind="person.consent_withdrawn").actor.startswith("user:somebody.security.admin@")
    assert admin.post(f"/people/{mei.pk}/consents/{uuid4()}/withdraw").status_code == 404


def test_what_is_over_or_was_given_back_is_no_consent(mei: User, app: Any) -> None:
    now = timezone.now()
    lend(mei, app, ends=now - timedelta(hours=12, seconds=1))
    assert consents(mei.pk, now) == ()
    device = add_client(None, "device", grant_types=["urn:ietf:params:oauth:grant-type:device_code"])
    held = token(mei, device, uuid4(), scope="me", ends=now + timedelta(minutes=3))
    (found,) = consents(mei.pk, now)
    assert (found.client_id, found.partner, found.is_renewed, found.until) == ("device", "", False, held.expires_at)
    IssuedToken.objects.update(revoked_at=now)
    assert consents(mei.pk, now) == ()


def test_the_pages_with_consents_take_few_queries(
    mei: User, app: Any, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        lend(mei, app)
    browser, admin = own(mei), signed_in(Role.SECURITY_ADMIN)
    with django_assert_max_num_queries(12):
        assert browser.get("/account").status_code == 200
    with django_assert_max_num_queries(12):
        assert admin.get(f"/people/{mei.pk}").status_code == 200
