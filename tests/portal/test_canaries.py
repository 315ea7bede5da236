"""Canaries: the newest real exchanges tried again as if they came now, red before the partner meets it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from exchange import alerts
from exchange.models import Alert
from partners import models
from partners.changes import changing
from portal.canaries import running
from portal.models import Canary, CanaryTurn
from portal.partner_pages.trusts.alert_words import tell
from tests.portal import happenings
from tests.signers import make_key, public_jwks
from tests.world import ACCESS_TOKEN, LEDGER, REPORTS, World, build

if TYPE_CHECKING:
    from django.test import Client

NOW = timezone.now()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings: Any) -> World:
    """Kestrel with its issuer, as exchange tests have it."""
    return build(settings.HANDOVER.issuer)


@pytest.fixture
def kestrel(world: World) -> models.Partner:
    """Its partner, with one exchange of yesterday."""
    partner = models.Partner.objects.get(slug="kestrel")
    granted(world, partner)
    running.enrol(NOW)
    return partner


def granted(
    world: World,
    partner: models.Partner,
    ago: timedelta = DAY,
    *,
    scopes: tuple[str, ...] = ("ledger.read",),
    **claims: Any,
) -> None:
    """A token of kestrel's issuer was exchanged."""
    at = NOW - ago
    said = {
        "iss": world.idp.issuer,
        "sub": "svc",
        "aud": world.issuer,
        "tier": "gold",
        "scope": "settle:write",
        "iat": int(at.timestamp()) - 5,
        "exp": int(at.timestamp()) + 300,
        **claims,
    }
    happenings.granted(
        partner,
        at=at,
        client="kestrel-batch",
        request=happenings.request(audience=[LEDGER], scope=[*scopes], subject_token_type=ACCESS_TOKEN),
        subject={**happenings.token(world.idp.issuer), "alg": "RS256", "kid": world.idp.key.kid, "claims": said},
        token={"scope": [*scopes]},
    )


def tried(kestrel: models.Partner, now: Any = NOW) -> bool | None:
    running.run(kestrel.id, now)
    return Canary.objects.get(client="kestrel-batch").is_green


def alerted() -> list[str]:
    return sorted(Alert.objects.filter(ended_at=None).values_list("subject", flat=True))


def test_an_exchange_of_yesterday_would_be_granted_today(kestrel: models.Partner) -> None:
    assert tried(kestrel) is True
    assert alerted() == []


def test_a_mapping_that_no_longer_fits_turns_it_red_and_the_repair_ends_the_alert(kestrel: models.Partner) -> None:
    models.ScopeMapping.objects.filter(partner=kestrel, name="ledger", state="published").update(state="withdrawn")
    assert tried(kestrel) is False
    assert tried(kestrel, NOW + HOUR) is False
    (alert,) = alerts.of_partner(kestrel.id)
    assert (alert.kind, alert.detail["expected"]) == ("canary_red", "ledger.read")
    assert (alert.detail["found"]["outcome"], alert.detail["found"]["reason"]) == (
        "refused",
        "policy.target_not_mapped",
    )
    assert "would come to this now: refused, Target not mapped." in tell(alert).meaning
    models.ScopeMapping.objects.filter(partner=kestrel, name="ledger").update(state="published")
    assert tried(kestrel, NOW + 2 * HOUR) is True
    assert alerted() == []


def test_fewer_scopes_than_before_are_red_until_the_partner_makes_do_with_them(
    world: World, kestrel: models.Partner
) -> None:
    granted(world, kestrel, HOUR, scopes=("ledger.read", "ledger.write"))
    assert tried(kestrel) is True
    models.Client.objects.filter(client_id="kestrel-batch").update(scopes=["ledger.read"])
    assert tried(kestrel) is False
    assert Canary.objects.get().found["scope"] == ["ledger.read"]
    granted(world, kestrel, timedelta(minutes=1))
    assert tried(kestrel) is True
    assert alerted() == []


def test_keys_that_ended_turn_it_red_and_keys_that_were_changed_do_not(world: World, kestrel: models.Partner) -> None:
    source = models.KeySource.objects.filter(partner=kestrel, trust__issuer=world.idp.issuer)
    source.update(jwks=public_jwks(make_key("RS256")))
    assert tried(kestrel) is True
    source.update(jwks=public_jwks(make_key("ES256")))
    assert tried(kestrel, NOW + HOUR) is False
    assert alerted() == [f"kestrel-batch · {LEDGER}"]


def test_keys_that_were_never_fetched_are_no_answer_and_no_alert(world: World, kestrel: models.Partner) -> None:
    source = models.KeySource.objects.filter(partner=kestrel, trust__issuer=world.idp.issuer)
    source.update(method="discovery", location=world.idp.issuer, jwks={})
    assert tried(kestrel) is None
    assert alerted() == []
    source.update(usable_until=NOW - HOUR)
    assert tried(kestrel) is False


def test_each_client_and_target_has_its_own_and_busy_ones_push_none_out(world: World, kestrel: models.Partner) -> None:
    running.run(kestrel.id, NOW)
    for number in range(60):
        granted(world, kestrel, timedelta(minutes=60 - number), client_id="x", scope="settle:write reports:read")
    models.ScopeMapping.objects.filter(partner=kestrel, name="ledger").update(state="withdrawn")
    running.run(kestrel.id, NOW)
    assert Canary.objects.filter(partner=kestrel).count() == 1
    row = Canary.objects.get()
    assert row.granted_at > NOW - HOUR
    Canary.objects.create(
        partner=kestrel, client="other", target=REPORTS, reference=row.reference, granted_at=NOW - DAY, expected=[]
    )
    running.run(kestrel.id, NOW)
    assert Canary.objects.filter(client="other", is_green=False).exists()


def test_what_nobody_does_any_more_is_no_canary(world: World) -> None:
    fjord = models.Partner.objects.get(slug="kestrel")
    granted(world, fjord, 31 * DAY)
    running.enrol(NOW)
    running.run(fjord.id, NOW)
    assert not Canary.objects.exists()


def test_tokens_of_our_own_and_what_cannot_be_asked_again_are_left_out(world: World) -> None:
    partner = models.Partner.objects.get(slug="kestrel")
    granted(world, partner, iss=world.issuer)
    happenings.granted(partner, at=NOW - HOUR, client="kestrel-batch", subject={"issuer": "x", "digest": "d"})
    running.enrol(NOW)
    running.run(partner.id, NOW)
    assert not Canary.objects.exists()


def test_a_change_of_the_configuration_gives_the_partner_its_turn_at_once(kestrel: models.Partner) -> None:
    assert running.run_due(NOW) > 0
    assert running.run_due(NOW) == 0
    models.ScopeMapping.objects.filter(partner=kestrel, name="ledger").update(state="withdrawn")
    with changing(happenings.ADA) as change:
        change.touch(kestrel.id)
    assert running.run_due(NOW) == 1
    assert alerted() == [f"kestrel-batch · {LEDGER}"]
    with changing(happenings.ADA) as change:
        change.touch_catalogue()
    assert running.run_due(NOW) == CanaryTurn.objects.count()


def test_time_alone_gives_everybody_a_turn_once_an_hour(kestrel: models.Partner) -> None:
    running.run_due(NOW)
    assert running.run_due(NOW + 0.5 * HOUR) == 0
    assert running.run_due(NOW + 1.2 * HOUR) == CanaryTurn.objects.count()
    assert Canary.objects.get().partner_id == kestrel.id


def test_a_partner_that_is_suspended_has_none_and_no_alert(kestrel: models.Partner) -> None:
    models.ScopeMapping.objects.filter(partner=kestrel, name="ledger").update(state="withdrawn")
    tried(kestrel)
    models.Partner.objects.filter(pk=kestrel.pk).update(state="suspended")
    running.enrol(NOW)
    assert (alerted(), Canary.objects.count()) == ([], 0)


def test_the_page_shows_them(kestrel: models.Partner, browser: Client, django_assert_max_num_queries: Any) -> None:
    address = "/partners/kestrel/trust/health"
    assert "Nothing to try again yet" in browser.get(address).content.decode()
    tried(kestrel)
    assert "Would be granted" in browser.get(address).content.decode()
    models.ScopeMapping.objects.filter(partner=kestrel, name="ledger").update(state="withdrawn")
    tried(kestrel)
    with django_assert_max_num_queries(12):
        page = browser.get(address).content.decode()
    assert "Would be refused" in page
    assert "The canary is red" in page
