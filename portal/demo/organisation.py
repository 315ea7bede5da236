"""Meridian, the demo organisation: its documents, its people, and what a script needs to know of them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from audit.events import Actor, ActorKind
from partners import inventory, profiles, services
from partners.changes import changing
from partners.declarations import DeclaredTrust
from partners.vocabulary import Kind
from portal.demo import drafts, history, keepsakes
from portal.demo.identity_provider import shared_secret
from portal.demo.partner_people import USERS
from portal.documents.applying import Options, apply
from portal.documents.reading import Source, read_documents
from portal.models import PartnerAdmin
from portal.partner_side.domains import domain_of
from portal.roles import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTS: Final = Path(__file__).parent / "documents"
AUTHOR: Final = Actor(ActorKind.SYSTEM, "demo data")
AUDIENCE: Final = "https://ledger.meridian.example"
SCOPES: Final = ("ledger:read",)
FIRST_CLIENT: Final = "kestrel-settlement"
GATEWAY: Final = "meridian-gateway"

PEOPLE: Final[Mapping[Role, tuple[str, str]]] = {
    Role.SECURITY_ADMIN: ("Sara Haddad", "sara.haddad@meridian.example"),
    Role.PARTNER_MANAGER: ("Mateo Silva", "mateo.silva@meridian.example"),
    Role.APPROVER: ("Daniel Okafor", "daniel.okafor@meridian.example"),
    Role.ENGINEER: ("Lena Fischer", "lena.fischer@meridian.example"),
    Role.AUDITOR: ("Priya Raman", "priya.raman@meridian.example"),
    Role.PARTNER_ADMIN: ("Amara Diallo", "amara.diallo@kestrel.example"),
}
HERS: Final = "kestrel"
"""The partner whose own admin is among the people."""


class NotADemo(Exception):
    """This installation is not a demo: known passwords have no place in it."""


def load() -> bool:
    """Make the demo organisation at the first start; whether anything had to be done.

    Later starts leave alone what people have done to it since, but follow the identity provider to another port.
    Raises ``NotADemo``.
    """
    if not settings.HANDOVER.demo:
        raise NotADemo("HANDOVER_DEMO is not 1. The demo's data has known passwords: it is for demos only.")
    _make_people()
    is_new = keepsakes.make_credentials()
    if is_new or (Kind.PARTNER, "", "kestrel") not in inventory.everything():
        has_changes = apply(read_documents(_sources(), os.environ), AUTHOR, Options()).has_changes
    else:
        has_changes = _follow_identity_provider()
    _bind_partner_admin()
    now = timezone.now()
    if not history.make(now):
        return has_changes
    drafts.make(PEOPLE[Role.PARTNER_MANAGER][1], now)
    return True


def describe() -> dict[str, Any]:
    """The demo's addresses, clients, secrets and sign-ins: ``demo-info --json``."""
    issuer, partner = settings.HANDOVER.issuer, identity_provider()
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "metadata": f"{issuer}/.well-known/oauth-authorization-server",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "portal_url": f"{issuer}/",
        "audience": AUDIENCE,
        "scopes": list(SCOPES),
        "clients": [
            _by_secret(FIRST_CLIENT, "client_secret_basic"),
            _by_secret("kestrel-console", "client_secret_post"),
            {
                "client_id": keepsakes.KEY_HOLDER,
                "auth_method": "private_key_jwt",
                "key_file": str(keepsakes.key_file()),
                "kid": keepsakes.KID,
            },
        ],
        "resource_server": {"client_id": GATEWAY, "secret": keepsakes.secret_of(GATEWAY)},
        "partner_idp": {
            "issuer": partner,
            "token_endpoint": f"{partner}/token",
            "jwks_uri": f"{partner}/jwks",
            "client_id": FIRST_CLIENT,
            "secret": shared_secret(keepsakes.directory()),
            "users": list(USERS),
        },
        "sign_ins": [
            {"role": role.value, "email": email, "password": keepsakes.password_of(email)}
            for role, (_, email) in PEOPLE.items()
        ],
    }


def identity_provider() -> str:
    """The issuer of the demo partners' identity provider: ``HANDOVER_DEMO_IDP``, or the port after ours."""
    ours = urlsplit(settings.HANDOVER.issuer)
    return os.environ.get("HANDOVER_DEMO_IDP") or f"http://127.0.0.1:{(ours.port or 8000) + 1}"


def _by_secret(client_id: str, method: str) -> dict[str, str]:
    return {"client_id": client_id, "auth_method": method, "secret": keepsakes.secret_of(client_id)}


def _make_people() -> None:
    """One person for each portal role. Who is there already keeps the password they have chosen since."""
    people = get_user_model().objects
    forgotten = keepsakes.make_passwords(email for _, email in PEOPLE.values())
    for role, (name, email) in PEOPLE.items():
        person, is_new = people.get_or_create(email=email, defaults={"name": name})
        if is_new or email in forgotten:
            person.set_password(keepsakes.password_of(email))
            person.save(update_fields=["password"])
        group, _ = Group.objects.get_or_create(name=role.value)
        person.groups.add(group)


def _bind_partner_admin() -> None:
    """The partner's own admin has accepted an invitation, as it were."""
    partner, (_, email) = profiles.profile(HERS), PEOPLE[Role.PARTNER_ADMIN]
    if partner is not None:
        person = get_user_model().objects.get(email=email)
        known = {"partner_id": partner.id, "domain": domain_of(email)}
        PartnerAdmin.objects.get_or_create(user=person, defaults=known)


def _sources() -> list[Source]:
    """The documents, with the identity provider's address and days put in; their files are those of ``keepsakes``."""
    today = timezone.now().date()
    days = {"overdue": -3, "soon": 9, "next_month": 33, "later": 120, "much_later": 400}
    names = {name: str(today + timedelta(days=count)) for name, count in days.items()}
    names["identity_provider"] = identity_provider()
    return [
        Source(
            name=place.name,
            text=Template(place.read_text(encoding="utf-8")).substitute(names),
            directory=keepsakes.directory(),
        )
        for place in sorted(DOCUMENTS.glob("*.yaml"))
    ]


def _follow_identity_provider() -> bool:
    """Trusts in the demo's own identity provider move with its port."""
    moved = [
        replace(declared, issuer=identity_provider())
        for (kind, _, name), found in inventory.everything().items()
        if isinstance(declared := found.declared, DeclaredTrust)
        and kind is Kind.TRUST
        and name in {"kestrel-login", "fjord-login"}
        and declared.issuer != identity_provider()
    ]
    with changing(AUTHOR) as change:
        for trust in moved:
            services.change_trust(change, trust)
    return bool(moved)
