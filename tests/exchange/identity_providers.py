"""A partner's identity provider for key set tests: its documents, its faults, and how often each was asked for."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from audit.models import Event
from exchange import jwks
from exchange.outbound import Outbound
from partners import models
from tests.exchange.sites import Request, Site, not_found, reply, site
from tests.signers import public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta

    from tests.signers import Key

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"
JWKS = "/keys"


@dataclass
class IdentityProvider:
    """Answers from ``documents`` (by path); ``fault`` answers for the key set instead when it is set."""

    url: str = ""
    documents: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    fault: Callable[[Request], bytes | Iterable[bytes]] | None = None
    site: Site = field(init=False)

    def publish(self, *keys: Key) -> None:
        """Make these the keys of the set."""
        self.documents[JWKS] = public_jwks(*keys)

    def fetches(self, path: str = JWKS) -> int:
        """How often a document was asked for."""
        return self.site.paths().count(path)

    def answer(self, request: Request) -> bytes | Iterable[bytes]:
        if request.path == JWKS and self.fault is not None:
            return self.fault(request)
        document = self.documents.get(request.path)
        if document is None:
            return not_found()
        return reply(document, **(self.headers if request.path == JWKS else {}))


@contextmanager
def identity_provider(*keys: Key) -> Iterator[IdentityProvider]:
    """Run an identity provider with a discovery document and these keys."""
    idp = IdentityProvider()
    with site(idp.answer) as running:
        idp.site, idp.url = running, running.url
        idp.documents[OPENID] = {"issuer": idp.url, "jwks_uri": idp.url + JWKS}
        idp.publish(*keys)
        yield idp


def source_of(location: str, *, method: str = "discovery", slug: str = "acme", **fields: Any) -> models.KeySource:
    """A key source in use: by a client of an active partner."""
    partner, _ = models.Partner.objects.get_or_create(slug=slug, defaults={"name": slug, "state": "active"})
    source = models.KeySource.objects.create(partner=partner, method=method, location=location, **fields)
    models.Client.objects.create(
        partner=partner, client_id=f"client-{source.id}", key_source=source, client_type="confidential",
        authorization_grant_type="client-credentials", client_secret="",
    )  # fmt: skip
    return source


def kids_of(source: models.KeySource) -> set[str]:
    """The names of the keys in force now."""
    source.refresh_from_db()
    return {key["kid"] for key in source.jwks.get("keys", [])}


def claimable(source: models.KeySource) -> None:
    """Let the half minute since the last fetch, and the time to the next one, be over."""
    models.KeySource.objects.filter(pk=source.pk).update(claimed_at=None, next_fetch_at=None)


def refresh(source: models.KeySource, *, http: Outbound | None = None, is_scheduled: bool = True) -> bool:
    """One refresh, with the clock moved past the half minute since the last."""
    claimable(source)
    return jwks.refresh(source.id, is_scheduled=is_scheduled, http=http or Outbound())


def events() -> list[dict[str, Any]]:
    """What the audit trail says about key sets, oldest first."""
    rows = Event.objects.filter(kind="trust.keys_refreshed").order_by("id")
    return [json.loads(row.canonical) for row in rows]


def epoch() -> int:
    """The registry's epoch: it moves when processes must look again."""
    return models.Registry.objects.get().epoch


def aged(source: models.KeySource, **ages: timedelta) -> None:
    """Move instants of the row into the past."""
    models.KeySource.objects.filter(pk=source.pk).update(**{name: timezone.now() - age for name, age in ages.items()})
