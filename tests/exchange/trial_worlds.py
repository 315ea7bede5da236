"""The organisation that trials are made in: the test organisation, with what only they need."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from audit.events import SYSTEM
from partners import models
from partners.changes import changing
from partners.sealed import seal
from tests import services as plugin
from tests import world as worlds
from tests.exchange.in_process import organisation
from tests.introspection_endpoints import Endpoint
from tests.signers import Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from partners.changes import Change
    from tests.world import World

ARCHIVE = "https://archive.meridian.example"
"""A target whose tokens are references."""
BOOKS = "https://books.meridian.example"
"""A target whose mapping names the subject by another claim."""


def furnished() -> World:
    """The test organisation, with what only these trials need."""
    world = organisation()
    with changing(SYSTEM) as change:
        change.touch_catalogue()
        kestrel = models.Partner.objects.get(slug="kestrel")
        trust = kestrel.trusts.get(name="idp")
        for name, audience, fields in (("archive", ARCHIVE, {"token_format": "reference"}), ("books", BOOKS, {})):
            target = models.Target.objects.create(name=name, audience=audience, lifetime=timedelta(minutes=4), **fields)
            models.Scope.objects.create(target=target, name=f"{name}.read", description=name)
            scopes = {"always": [f"{name}.read"], "default_scopes": [f"{name}.read"]}
            by = {"subject_claim": "account" if name == "books" else "sub"}
            worlds.add_mapping(trust, target, name, allows_impersonation=True, **scopes, **by)
        everything = ["ledger.read", "ledger.write", "reports.read", "archive.read", "books.read"]
        models.Client.objects.filter(partner=kestrel).update(scopes=everything)
        for client_id, changes in (
            ("kestrel-methodless", {"methods": []}),
            ("kestrel-proving", {"dpop_bound_access_tokens": True}),
            ("kestrel-certified", {"tls_client_certificate_bound_access_tokens": True}),
            ("kestrel-fleeting", {}),
        ):
            worlds.add_client(kestrel, client_id, secret=world.secret, **changes)
        nova = models.Partner.objects.create(slug="nova", name="Nova", state="configuring")
        change.touch(nova.id)
        target = models.Target.objects.get(name="ledger")
        rehearsing = worlds.add_trust(nova, Signer("https://idp.nova.example", world.other_idp.key))
        worlds.add_mapping(rehearsing, target, "ledger", allows_impersonation=True)
        worlds.add_client(nova, "nova-backend", secret=world.secret)
        _sessions(change, world)
    world.__dict__["nova"] = Signer("https://idp.nova.example", world.other_idp.key)
    return world


def _sessions(change: Change, world: World) -> None:
    """Otter, whose tokens are opaque: its issuer is asked about each, once it runs."""
    world.__dict__["sessions"] = sessions = Endpoint(issuer="https://sessions.otter.example")
    otter = models.Partner.objects.create(slug="otter", name="Otter", state="active")
    change.touch(otter.id)
    trust = worlds.add_trust(otter, Signer(sessions.issuer, world.other_idp.key), name="sessions")
    worlds.add_mapping(trust, models.Target.objects.get(name="ledger"), "ledger", allows_impersonation=True)
    worlds.add_client(otter, "otter-backend", secret=world.secret)


@contextmanager
def sessions_running(world: World) -> Iterator[None]:
    """Otter's issuer answers, and its trust knows where."""
    sessions = world.__dict__["sessions"]
    sessions.start()
    sealed = seal(sessions.secret, sessions.url, sessions.client_id)
    with changing(SYSTEM) as change:
        trust = models.FederationTrust.objects.get(issuer=sessions.issuer)
        change.touch(trust.partner_id)
        trust.introspection_endpoint, trust.introspection_client_id = sessions.url, sessions.client_id
        trust.introspection_kek_id, trust.introspection_nonce = sealed.kek_id, sealed.nonce
        trust.introspection_ciphertext = sealed.ciphertext
        trust.save()
    try:
        yield
    finally:
        sessions.stop()


@contextmanager
def endpoint(services: plugin.Services, blocker: Any, *networks: str) -> Iterator[World]:
    """A database of its own with the furnished world in it, in which nobody is limited; it may call these networks."""
    from django.conf import settings  # noqa: PLC0415 - the settings in use now

    with blocker.unblock(), plugin.own_database(services):
        held = settings.HANDOVER
        settings.HANDOVER = replace(held, failure_rate=0, outbound_allow=tuple(map(ip_network, networks)))
        try:
            yield furnished()
        finally:
            settings.HANDOVER = held
