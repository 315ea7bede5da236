"""A partner that is not activated yet: real exchanges of its own tokens, for test targets and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from audit.events import SYSTEM, Actor, ActorKind
from exchange.protocol.request import TOKEN_EXCHANGE
from partners import models
from partners import services as partners
from partners.changes import changing
from policy.reasons import Reason
from tests import services as plugin
from tests import world as worlds
from tests.oracle import refused
from tests.signers import Signer, make_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from tests.exchange.pair import Pair
    from tests.exchange_server import ExchangeServer

SANDBOX = "https://sandbox.meridian.example"
SECOND = Actor(ActorKind.USER, "grace@meridian.example")


@dataclass(frozen=True)
class Lark:
    """A partner in the middle of its onboarding."""

    server: ExchangeServer
    idp: Signer

    def exchange(self, audience: str, client: str = "lark-batch", **changes: Any) -> httpx.Response:
        form = self.server.form(subject_token=self.idp.subject_token(self.server.url), audience=audience) | changes
        return self.server.post(form, auth=(client, self.server.world.secret))


@pytest.fixture(scope="module")
def lark(pair: Pair, services: plugin.Services, django_db_blocker: Any) -> Iterator[Lark]:
    """It may be mapped to a test target and to a real one; what it gets is another question."""
    name = pair.server.dsn.partition("?")[0].rpartition("/")[2]
    with django_db_blocker.unblock(), plugin.database_in_use(services, name):
        idp = Signer("https://idp.lark.example", make_key("ES256"))
        with changing(SYSTEM) as change:
            change.touch_catalogue()
            sandbox = models.Target.objects.create(name="sandbox", audience=SANDBOX, is_test=True)
            models.Scope.objects.create(target=sandbox, name="ledger.read", description="as of the ledger")
            partner = models.Partner.objects.create(slug="lark", name="Lark", state="configuring")
            change.touch(partner.id)
            trust = worlds.add_trust(partner, idp)
            shared: dict[str, Any] = {"allows_impersonation": True, "grants": {}, "always": ["ledger.read"]}
            ledger = models.Target.objects.get(name="ledger")
            for target in (sandbox, ledger):
                worlds.add_mapping(trust, target, target.name, **shared)
            worlds.add_client(partner, "lark-batch", secret=pair.server.world.secret)
            service = worlds.add_client(None, "sandbox-service", secret=pair.server.world.secret)
            service.serves.set([sandbox])
            worlds.add_own_mapping("own_token", ledger, "out-of-the-sandbox", max_depth=2, always=["ledger.read"])
        yield Lark(pair.server, idp)


def test_it_gets_a_token_of_a_minute_for_a_test_target_and_is_then_activated_by_a_second_person(lark: Lark) -> None:
    real = lark.exchange(worlds.LEDGER)
    refused(lark.server, real, "invalid_target", Reason.PARTNER_NOT_ACTIVATED)
    answer = lark.exchange(SANDBOX)
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_in"] <= 60
    _it_buys_nothing_real(lark, answer.json()["access_token"])
    with changing(SYSTEM) as change:
        partners.pass_test(change, "lark")
    with changing(SECOND) as change:
        partners.activate_partner(change, "lark")
    assert lark.exchange(worlds.LEDGER).status_code == 200


def _it_buys_nothing_real(lark: Lark, token: str) -> None:
    """A service behind the test target may exchange onwards, for a real target: not with this token."""
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == SANDBOX
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": token,
        "subject_token_type": worlds.ACCESS_TOKEN,
        "audience": worlds.LEDGER,
    }
    onwards = lark.server.post(form, auth=("sandbox-service", lark.server.world.secret))
    refused(lark.server, onwards, "invalid_target", Reason.PARTNER_NOT_ACTIVATED)
