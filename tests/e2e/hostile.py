"""Script in everything that somebody outside may name: what the pages show of it is text (attack A35, CWE-79)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from partners import models
from portal.models import User
from tests.portal import happenings
from tests.signers import make_key, public_jwks
from tests.world import add_client

if TYPE_CHECKING:
    from uuid import UUID

MARKED: Final = "hostile\"'><img src=x onerror=alert(1)><script>alert(2)</script></script><b>{{7*7}}"
"""Closes an attribute, an element and a script; loads, runs and shows something where any of it is taken as markup."""
PAGES: Final = (
    "/overview", "/partners", "/partners/mallory", "/partners/mallory/trust", "/partners/mallory/trust/health",
    "/partners/mallory/clients", "/partners/mallory/mappings", "/partners/mallory/activity",
    "/partners/mallory/integration", "/partners/mallory/history", "/partners/mallory/edit",
    "/partners/mallory/acts/offboard", "/access", "/exchanges", "/exchanges/{refused}", "/exchanges/{stranger}",
    "/search?q=hostile", "/people?q=hostile", "/account", "/simulator",
)  # fmt: skip


def write(admin: str) -> dict[str, UUID]:
    """A partner, its key set, a client, a person, a session and events, all of which carry it."""
    mallory = models.Partner.objects.create(
        slug="mallory", name=MARKED, state="active", purpose=MARKED, contact_email="it@mallory.example"
    )
    jwks = public_jwks(make_key("ES256"))
    jwks["keys"][0]["kid"] = MARKED
    fetched_at = timezone.now() - timedelta(minutes=5)
    source = models.KeySource.objects.create(
        partner=mallory, method="jwks_uri", location="https://login.mallory.example/keys", failures=3, jwks=jwks,
        fetched_at=fetched_at, usable_until=fetched_at + timedelta(hours=23), last_error=MARKED,
    )  # fmt: skip
    models.FederationTrust.objects.create(
        partner=mallory, name="login", issuer="https://login.mallory.example", key_source=source,
        token_types=[happenings.ACCESS_TOKEN], algorithms=["ES256"],
        rules=[{"claim": MARKED, "operator": "equals", "value": MARKED}],
    )  # fmt: skip
    add_client(mallory, "mallory-app", secret="s" * 43, name=MARKED)
    User.objects.create_user("hostile@mallory.example", name=MARKED)
    _session(admin)
    refused = happenings.refused(mallory, client="mallory-app", steps=[["subject_token", "refused", MARKED, MARKED]])
    return {"refused": refused, "stranger": happenings.unauthenticated(client=MARKED)}


def _session(email: str) -> None:
    """Somebody's second session, from a browser that calls itself so."""
    session, user = SessionStore(), User.objects.get(email=email)
    session.create()
    UserSession.objects.create(
        user=user, session_key=session.session_key, ip="198.51.100.9", user_agent=f"Mozilla {MARKED} Firefox/140.0"
    )
