"""A partner whose own people do their half in the browser tests, and the web server of its domain."""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.utils import timezone

from exchange import keys
from partners import models
from portal.models import Invitation, PartnerAdmin, User
from portal.roles import Role
from tests import world as worlds
from tests.exchange.sites import always, authority, reply, site
from tests.portal import happenings
from tests.portal import organisation as organisations
from tests.signers import Signer, make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.exchange.sites import Site

NILS: Final = "nils@curlew.example"
"""Has an account with a password."""

OLGA: Final = "olga@curlew.example"
LINK: Final = "link-that-olga-is-mailed"
SANDBOX: Final = "https://sandbox.curlew-tests.example"
OLD, NEW = make_key("ES256"), make_key("ES256")
IDP: Final = Signer("https://idp.curlew.example", make_key("ES256"))
PASTED: Final = json.dumps(public_jwks(NEW))


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The domain as a partner has one: a web server with a certificate, whose authority is the one in this file."""

    web: Site
    anchor: Path

    @property
    def name(self) -> str:
        return f"localhost:{self.web.port}"

    def show(self, line: str) -> None:
        """Put the line where it is looked for."""
        self.web.answer = always(reply(line))


@contextmanager
def domain(directory: Path) -> Iterator[Domain]:
    """Serve it inside."""
    trusted, anchor = authority(directory), directory / "anchor.pem"
    anchor.write_text(trusted.anchor, encoding="ascii")
    with site(always(reply("")), tls=trusted.serving("localhost")) as web:
        yield Domain(web=web, anchor=anchor)


def build(named: str) -> None:
    """Write the partner into the database in use: before its test, with a client, an issuer and a mapping."""
    keys.ensure_signing_key()
    target = models.Target.objects.create(name="curlew-sandbox", audience=SANDBOX, is_test=True)
    for scope in ("ledger.read", "ledger.write"):
        models.Scope.objects.create(target=target, name=scope, description=scope)
    partner = organisations.partner("curlew", name="Curlew Tours", state="configuring", contact_email=OLGA)
    worlds.add_mapping(worlds.add_trust(partner, IDP, name="curlew-idp"), target, "tours", allows_impersonation=True)
    worlds.add_client(partner, "curlew-batch", secret=secrets.token_urlsafe(32), jwks=public_jwks(OLD))
    happenings.refused(partner, client="curlew-batch")
    nils = organisations.person(Role.PARTNER_ADMIN, NILS, "Nils")
    PartnerAdmin.objects.filter(user=nils).update(partner=partner, domain=named)
    inviter, now = User.objects.get(email="partner.manager@meridian.example"), timezone.now()
    digest, ends = hashlib.sha256(LINK.encode()).digest(), now + timedelta(hours=71)
    Invitation.objects.create(partner=partner, email=OLGA, digest=digest, made_by=inviter, expires_at=ends)
