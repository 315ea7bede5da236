"""Whose object an address names: every address with an id, every role, every method, with another partner's object.

Generated from the URL configuration: an address with a new kind of id fails here until its foreign object is named.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from audit.models import Event
from exchange.watch_models import Alert
from partners import models
from portal.api.urls import ADDRESSES
from portal.models import Invitation, Proposal
from portal.permissions import OF_ROLE, Permission
from portal.roles import Role
from tests.api.conftest import Bearer
from tests.attacks import attack
from tests.portal import happenings
from tests.portal import organisation as organisations
from tests.world import add_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

NAME = "fjord-login"
"""What Fjord's trust, its mapping and its client are all called; nothing of Kestrel's is."""
NOT_OBJECTS = {"slug", "partner", "act"}
"""Parameters that name the reader's own partner, or what to do."""
MISSING = {404, 405, 409, 422}
"""Not here, not by this method, gone (as an alert that never was here is told), or a form that is empty."""
CONTENTS = ("login.fjord.example", "author.of.fjord@")
"""What only Fjord's objects say."""
BELOW_A_PARTNER = ("partners/<slug:slug>/", "partners/<slug:partner>/", "connect/")


@pytest.fixture
def foreign(organisation: Organisation) -> dict[str, Any]:
    """An object of Fjord's for each parameter of an address."""
    fjord, ledger = organisation.fjord, models.Target.objects.get(name="ledger-api")
    trust, person = models.FederationTrust.objects.get(name=NAME), organisation.people[Role.PARTNER_MANAGER]
    models.ScopeMapping.objects.create(
        partner=fjord,
        trust=trust,
        target=ledger,
        name=NAME,
        version=1,
        state="draft",
        author="author.of.fjord@meridian.example",
    )
    client = add_client(fjord, NAME, secret="s" * 43)
    theirs = organisations.person(None, "it@fjord.example")
    apps.get_model("portal.PartnerAdmin").objects.create(user=theirs, partner=fjord, domain="fjord.example")
    soon = timezone.now() + timedelta(hours=1)
    link = {"email": "new@fjord.example", "digest": b"\1" * 32, "made_by": person, "expires_at": soon}
    invitation = Invitation.objects.create(partner=fjord, **link).pk
    proposal = Proposal.objects.create(partner=fjord, trust=NAME, fields={}, author=theirs).pk
    return {
        "name": NAME,
        "trust": NAME,
        "mapping": NAME,
        "client_id": NAME,
        "client": client.pk,
        "source": trust.key_source_id,
        "alert_id": Alert.objects.create(partner=fjord, kind="weaker_algorithm", raised_at=timezone.now()).pk,
        **dict.fromkeys(("invitation", "invitation_id"), invitation),
        **dict.fromkeys(("proposal", "proposal_id"), proposal),
        **dict.fromkeys(("person", "person_id"), theirs.pk),
        "reference": happenings.granted(fjord, at=timezone.now()),
    }


def addresses() -> Iterator[tuple[str, str, Any, tuple[str, ...]]]:
    """Name, route, view and parameters of every page below one partner that names something of it."""
    for route, pattern, parameters in _patterns(get_resolver().url_patterns, "", ()):
        if route.startswith(BELOW_A_PARTNER) and set(parameters) - NOT_OBJECTS:
            yield str(pattern.name), route, pattern.callback, parameters


def _patterns(found: list[Any], above: str, given: tuple[str, ...]) -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    for pattern in found:
        route, parameters = above + str(pattern.pattern), (*given, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, route, parameters)
        else:
            yield route, pattern, parameters


PAGES = sorted(addresses(), key=lambda found: found[0])


def everything() -> list[Any]:
    """All rows of the configuration and of what partners' own people do."""
    owned: list[Any] = [*apps.get_app_config("partners").get_models(), Invitation, Proposal, Alert]
    return [list(model._default_manager.order_by("pk").values()) for model in owned]


def mixed(parameters: tuple[str, ...], foreign: dict[str, Any]) -> dict[str, Any]:
    """Kestrel's address with Fjord's object in it."""
    own = {"slug": "kestrel", "partner": "kestrel", "act": "suspend"}
    return {name: own.get(name) or foreign[name] for name in parameters}


def test_there_are_such_addresses_on_both_sides() -> None:
    routes = [route for _, route, _, _ in PAGES]
    assert sum(route.startswith("partners/") for route in routes) >= 15
    assert sum(route.startswith("connect/") for route in routes) >= 5


@attack("A26")
def test_no_page_of_one_partner_shows_or_changes_what_is_anothers(foreign: dict[str, Any], signed_in: SignIn) -> None:
    browsers = {role: signed_in(role) for role in [*Role, None]}
    before = everything()
    for role, browser in browsers.items():
        held = OF_ROLE[role] if role else frozenset()
        for name, _, view, parameters in PAGES:
            address = reverse(name, kwargs=mixed(parameters, foreign))
            for method in ("get", "post"):
                answer = getattr(browser, method)(address, {"stamp": "", "version": "1"}, follow=True)
                expected = MISSING if view.permission in held else {403}
                assert answer.status_code in expected, (role, name, method, answer.status_code)
                assert not [text for text in CONTENTS if text in answer.content.decode()], (role, name, method)
    assert everything() == before


@attack("A26")
def test_whoever_of_a_partner_strays_to_anothers_object_leaves_an_event(
    foreign: dict[str, Any], signed_in: SignIn
) -> None:
    browser = signed_in(Role.PARTNER_ADMIN)
    for name, route, view, parameters in PAGES:
        if route.startswith("connect/") and view.permission is Permission.CONNECT:
            strayed = Event.objects.filter(kind="partner.foreign_object_asked")
            count = strayed.count()
            for method in ("get", "post"):
                answer = getattr(browser, method)(reverse(name, kwargs=mixed(parameters, foreign)))
                count += answer.status_code == 404
            assert strayed.count() == count, name


@attack("A26")
def test_no_call_of_the_api_below_one_partner_reaches_what_is_anothers(
    foreign: dict[str, Any], organisation: Organisation
) -> None:
    before = everything()
    for role in (Role.SECURITY_ADMIN, Role.AUDITOR, Role.PARTNER_ADMIN):
        bearer = Bearer(f"user:{organisation.people[role].pk}", " ".join(Permission))
        for found in ADDRESSES:
            route, parameters = f"{found.pattern}", tuple(found.pattern.converters)
            if not route.startswith(BELOW_A_PARTNER) or not set(parameters) - NOT_OBJECTS:
                continue
            path = reverse(f"api:{found.name}", kwargs=mixed(parameters, foreign)).removeprefix("/api/v1/")
            for method, permission in found.callback.cls.needs.items():  # type: ignore[attr-defined]
                answer = bearer.call(method, path, "{}", **{"if-match": '"x"'})
                expected = 404 if permission in OF_ROLE[role] else 403
                assert answer.status_code == expected, (role, method, path)
    assert everything() == before


@attack("A26")
def test_nobody_reaches_the_account_of_another_person(signed_in: SignIn) -> None:
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - beside what it is about
    from allauth.usersessions.models import UserSession  # noqa: PLC0415

    lena = organisations.person(None, "lena@meridian.example")
    theirs = Client()
    assert theirs.post("/sign-in", {"login": lena.email, "password": organisations.PASSWORD}).status_code == 302
    session = UserSession.objects.get(user=lena)
    passkey = Authenticator.objects.create(user=lena, type="webauthn", data={"name": "Lena's"})
    browser = signed_in(Role.SECURITY_ADMIN)
    browser.post(f"/account/sessions/{session.pk}/end")
    for act in ("name", "remove"):
        for method in ("get", "post"):
            assert getattr(browser, method)(f"/account/passkeys/{passkey.pk}/{act}", {"name": "x"}).status_code == 404
    assert browser.post(f"/account/consents/{uuid4()}/withdraw").status_code == 404
    assert theirs.get("/account").status_code == 200
    assert Authenticator.objects.get().data == {"name": "Lena's"}
