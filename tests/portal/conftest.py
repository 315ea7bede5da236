"""The organisation whose pages are looked at, and people who are signed in."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth import SESSION_KEY
from django.core.cache import cache
from django.test import Client

from exchange import keys
from exchange.outbound import client as outbound_client
from portal.roles import Role
from tests.e2e import changeable
from tests.portal import organisation as organisations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.portal.organisation import Organisation
    from tests.portal.standing import Standing


@pytest.fixture(autouse=True)
def _unhashed_static_files(settings: Any) -> None:
    """Pages name static files as they are; the manifest, which needs them collected, has tests of its own."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def organisation(db: None, standing: Standing) -> Iterator[Organisation]:  # noqa: ARG001 - asked for its permission
    """Partners, people and a day of exchanges."""
    with standing.seen() as organisation:
        yield organisation


@pytest.fixture(autouse=True)
def _organisation_first(request: pytest.FixtureRequest) -> None:
    """What other fixtures write is to be where the organisation is."""
    if "organisation" in request.fixturenames:
        request.getfixturevalue("organisation")


@pytest.fixture
def whole(organisation: Organisation, settings: Any) -> Organisation:
    """The organisation with all that the browser tests have in it; the operator vouches for loopback."""
    cache.clear()
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    outbound_client.cache_clear()
    keys.ensure_signing_key()
    changeable.build()
    return organisation


def prove(client: Client, *, ago: int = 0) -> None:
    """Whoever is signed in there proved who they are some seconds ago."""
    session = client.session
    session["account_authentication_methods_user"] = session[SESSION_KEY]
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": time.time() - ago, "reauthenticated": True}
    ]
    session.save()


@pytest.fixture
def signed_in(db: None) -> Callable[[Role | None], Client]:  # noqa: ARG001 - asked for its transaction
    """A browser in which somebody of a role is signed in."""

    def sign_in(role: Role | None = Role.SECURITY_ADMIN) -> Client:
        email = f"somebody.{(role or 'nobody').replace(' ', '.').lower().replace(chr(39), '')}@meridian.example"
        client = Client()
        client.force_login(organisations.person(role, email=email, name="Priya Raman"))
        prove(client)
        return client

    return sign_in


@pytest.fixture
def browser(signed_in: Callable[[Role | None], Client]) -> Client:
    """A security admin's browser."""
    return signed_in(Role.SECURITY_ADMIN)
