"""What these tests share: networks that may be reached, a certificate authority, two processes over one database."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from audit.events import SYSTEM
from partners import models
from partners.changes import changing
from tests import exchange_server
from tests import world as worlds
from tests.exchange.pair import Pair
from tests.exchange.sites import Authority, authority
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services import Services


@pytest.fixture
def loopback_allowed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator vouches for loopback, in this process and in those it starts."""
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    monkeypatch.setenv("HANDOVER_OUTBOUND_ALLOW", "127.0.0.1/32")


@pytest.fixture
def nothing_allowed(settings: Any) -> None:
    """The operator vouches for nothing: the default."""
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=())


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that nobody but the test trusts."""
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def pair(services: Services, django_db_blocker: Any) -> Iterator[Pair]:
    """Two processes over one database, and among the trusted issuers one whose tokens are good for one exchange."""
    once = Signer("https://once.kestrel.example", make_key("ES256"))
    with (
        exchange_server.running(services, django_db_blocker, prepare=lambda: _trust_once(once)) as server,
        exchange_server.beside(server) as port,
    ):
        yield Pair(server, (int(server.url.rpartition(":")[2]), port), once)


def _trust_once(signer: Signer) -> None:
    with changing(SYSTEM) as change:
        partner = models.Partner.objects.get(slug="kestrel")
        change.touch(partner.id)
        trust = worlds.add_trust(partner, signer, name="once", one_time=True)
        target = models.Target.objects.get(name="ledger")
        worlds.add_mapping(trust, target, "ledger-once", allows_impersonation=True)
