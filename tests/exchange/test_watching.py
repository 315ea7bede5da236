"""Watching issuers: what changes there is noticed once, what goes wrong is told until it is over, by real answers."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit.events import SYSTEM, Actor, ActorKind
from audit.models import Event
from exchange import alerts, outbound, watching
from exchange.alerts import AlertKind
from exchange.models import Alert, Looked, SeenKey, TrustWatch
from exchange.outbound import Limits, Outbound
from partners import models
from partners.changes import changing
from tests.exchange.identity_providers import JWKS, OPENID, IdentityProvider, identity_provider, source_of
from tests.exchange.sites import Request, Site, reply, resolving, site
from tests.portal import happenings
from tests.signers import make_key, public_jwks, rsa_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exchange.sites import Authority

pytestmark = pytest.mark.usefixtures("loopback_allowed")

NOW = timezone.now()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADA = Actor(ActorKind.USER, "ada@meridian.example")
EC, RSA = make_key("ES256"), rsa_key()


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    """A partner's identity provider with one key of a curve."""
    with identity_provider(EC) as provider:
        provider.documents[OPENID] |= {
            "token_endpoint": provider.url + "/token",
            "id_token_signing_alg_values_supported": ["ES256"],
        }
        yield provider


def trust_of(location: str, *, slug: str = "acme", **fields: Any) -> models.FederationTrust:
    """A trust in use whose keys are at a place."""
    source = source_of(location, slug=slug, **fields)
    assert source.partner is not None
    return models.FederationTrust.objects.create(
        partner=source.partner, name="idp", issuer=location, token_types=[], algorithms=[], key_source=source
    )


def look(trust: models.FederationTrust, after: timedelta = timedelta(0), http: Outbound | None = None) -> list[str]:
    """Look once, some time later; the alerts that are open then."""
    watching.enrol(NOW + after)
    watching.watch(trust.id, NOW + after, http=http or Outbound())
    return open_alerts()


def open_alerts() -> list[str]:
    return sorted(Alert.objects.filter(ended_at=None).values_list("kind", flat=True))


def raised() -> list[str]:
    rows = Event.objects.filter(kind__startswith="alert.").order_by("id")
    return [f"{row.kind} {json.loads(row.canonical)['data']['alert']}" for row in rows]


@pytest.mark.django_db
def test_the_first_look_is_a_picture_and_no_news(idp: IdentityProvider) -> None:
    idp.publish(EC, RSA)
    idp.documents[OPENID]["id_token_signing_alg_values_supported"] += ["none", "HS256"]
    assert look(trust_of(idp.url)) == []
    row = TrustWatch.objects.get()
    assert (row.jwks_uri, row.token_endpoint) == (idp.url + JWKS, idp.url + "/token")
    assert set(row.advertised) == {"ES256", "HS256", "none"}
    assert {(key.kind, key.strength) for key in SeenKey.objects.all()} == {("EC P-256", 128), ("RSA 2048", 112)}


@pytest.mark.django_db
def test_a_new_and_a_vanished_key_are_told_once_and_dated(idp: IdentityProvider) -> None:
    trust, new = trust_of(idp.url), make_key("ES256")
    look(trust)
    idp.publish(new)
    for hours in (1, 2, 3):
        assert look(trust, hours * HOUR) == ["key_added", "key_vanished"]
    assert raised() == ["alert.raised key_added", "alert.raised key_vanished"]
    dates = {key.kid: (key.first_seen_at, key.last_seen_at, key.gone_at) for key in SeenKey.objects.all()}
    assert dates == {EC.kid: (NOW, NOW, NOW + HOUR), new.kid: (NOW + HOUR, NOW + 3 * HOUR, None)}


@pytest.mark.django_db
def test_a_key_weaker_than_all_before_is_a_downgrade(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    look(trust)
    idp.publish(EC, RSA)
    assert look(trust, HOUR) == ["weaker_key"]
    assert Alert.objects.get().detail == {"kid": RSA.kid, "kind": "RSA 2048", "strength": "112", "before": "128"}


@pytest.mark.django_db
def test_a_key_too_weak_to_be_taken_is_told_until_it_is_gone(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    short = {**public_jwks(RSA)["keys"][0], "kid": "short", "n": public_jwks(RSA)["keys"][0]["n"][:171]}
    idp.documents[JWKS] = {"keys": [*public_jwks(EC)["keys"], short]}
    assert look(trust) == ["weak_key"]
    idp.publish(EC)
    assert look(trust, HOUR) == []
    assert raised() == ["alert.raised weak_key", "alert.ended weak_key"]


@pytest.mark.django_db
def test_what_an_issuer_says_of_itself_is_compared(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    models.KeySource.objects.update(jwks_uri=idp.url + JWKS)
    look(trust)
    idp.documents[OPENID] |= {
        "jwks_uri": "https://elsewhere.example/keys",
        "token_endpoint": "https://elsewhere.example/token",
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    }
    expected = ["jwks_uri_changed", "token_endpoint_moved", "weaker_algorithm", "weaker_algorithm"]
    assert look(trust, HOUR) == expected
    assert look(trust, 2 * HOUR) == expected
    assert len(raised()) == 4


@pytest.mark.django_db
def test_no_answer_is_told_after_hours_with_the_end_of_the_keys_and_over_with_the_next_answer(
    idp: IdentityProvider,
) -> None:
    trust = trust_of(idp.url, usable_until=NOW + DAY)
    look(trust)
    idp.fault = lambda _request: reply("{}", status="500 Sorry")
    http = Outbound()
    for hours, expected in ((1, []), (3, []), (4, ["unreachable"]), (5, ["unreachable"])):
        assert look(trust, hours * HOUR, http) == expected
        http = Outbound()  # the gate of this process holds the origin back; each look is another process's
    detail = Alert.objects.get().detail
    assert (detail["since"], detail["usable_until"]) == ((NOW + HOUR).isoformat(), (NOW + DAY).isoformat())
    assert "status 500" in detail["why"]
    idp.fault = None
    assert look(trust, 6 * HOUR) == []
    assert [(row.is_whole, row.count) for row in Looked.objects.order_by("first_at")] == [
        (True, 1),
        (False, 4),
        (True, 1),
    ]
    assert raised() == ["alert.raised unreachable", "alert.ended unreachable"]


@pytest.mark.django_db
@pytest.mark.parametrize("days", [1, 60])
def test_a_certificate_that_ends_soon_is_told(ca: Authority, days: int) -> None:
    def answer(request: Request) -> bytes:
        keys = {"issuer": url, "jwks_uri": f"{url}/keys"} if "well-known" in request.path else public_jwks(EC)
        return reply(keys)

    with site(answer, tls=ca.serving("idp.acme.example")) as served:
        url = f"https://idp.acme.example:{served.port}"
        trust = trust_of(url)
        http = Outbound(resolve=resolving("127.0.0.1"), tls=ca.trusting())
        look(trust, timedelta(0), http)
        ends_at = TrustWatch.objects.get().certificate_ends_at
        assert ends_at is not None
        at = ends_at - NOW - days * DAY
        assert look(trust, at, http) == (["certificate_ends"] if days == 1 else [])
    if days == 1:
        assert Alert.objects.get().subject == "idp.acme.example"


@pytest.mark.django_db
def test_tokens_from_the_future_and_silence_are_told(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    ahead = int((NOW + timedelta(seconds=9)).timestamp())
    happenings.granted(trust.partner, at=NOW, subject=happenings.token(idp.url, iat=ahead))
    assert look(trust) == ["clock_ahead"]
    assert Alert.objects.get().detail["seconds"] in {8, 9}
    assert look(trust, 31 * DAY) == ["dormant"]


@pytest.mark.django_db
def test_a_change_is_over_when_somebody_saw_it_and_what_lasts_is_not(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    look(trust)
    idp.documents[JWKS] = {"keys": [*public_jwks(EC, make_key("ES256"))["keys"]]}
    happenings.granted(trust.partner, at=NOW - 31 * DAY)
    assert look(trust, HOUR) == ["dormant", "key_added"]
    assert [row.kind for row in alerts.unseen()] == ["key_added"]  # one a partner, the most pressing
    with changing(ADA) as change:
        for row in Alert.objects.all():
            alerts.acknowledge(change, trust.partner_id, row.id, NOW + HOUR)
    assert look(trust, 2 * HOUR) == ["dormant"]
    assert alerts.unseen() == ()
    again = Alert.objects.get(kind="dormant")
    with pytest.raises(alerts.AlreadySeen, match=r"ada@meridian\.example acknowledged"), changing(SYSTEM) as change:
        alerts.acknowledge(change, trust.partner_id, again.id, NOW)
    assert sorted(raised()[2:]) == ["alert.acknowledged dormant", "alert.acknowledged key_added"]


@pytest.mark.django_db
def test_a_trust_that_is_withdrawn_is_watched_no_more(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    happenings.granted(trust.partner, at=NOW - 31 * DAY)
    assert look(trust) == ["dormant"]
    models.FederationTrust.objects.update(state="withdrawn")
    watching.enrol(NOW)
    assert (open_alerts(), TrustWatch.objects.count()) == ([], 0)


@pytest.mark.django_db
def test_a_trust_that_somebody_here_points_elsewhere_is_looked_at_anew(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    look(trust)
    with identity_provider(RSA) as other:
        models.KeySource.objects.update(location=other.url, jwks_uri="")
        assert look(trust, HOUR) == []
    assert [key.kid for key in SeenKey.objects.all()] == [RSA.kid]


def test_workers_that_wake_up_together_look_once_and_none_waits_for_a_silent_issuer(
    committed_database: str,  # noqa: ARG001 - commits that others see
    idp: IdentityProvider,
) -> None:
    silent: Site
    with site(lambda _request: silent.silence()) as silent:
        for number in range(4):
            trust_of(idp.url, slug=f"p{number}")
        trust_of(silent.url, slug="silent")
        watching.enrol(NOW)
        http = replace(outbound.Outbound(), limits=Limits(total=0.3))
        later = NOW + HOUR
        workers = [threading.Thread(target=watching.watch_due, args=(later,), kwargs={"http": http}) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert sorted(row.count for row in Looked.objects.all()) == [1] * 5
    assert Looked.objects.filter(is_whole=True).count() == 4
    assert "did not answer" in TrustWatch.objects.exclude(last_error="").get().last_error
    turns = set(TrustWatch.objects.values_list("next_at", flat=True))
    assert len(turns) == 5
    assert all(later + 0.9 * HOUR <= turn <= later + 1.1 * HOUR for turn in turns)


@pytest.mark.django_db
def test_what_was_over_long_ago_is_swept(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    look(trust)
    idp.publish(make_key("ES256"))
    look(trust, HOUR)
    with changing(ADA) as change:
        for row in Alert.objects.all():
            alerts.acknowledge(change, trust.partner_id, row.id, NOW + HOUR)
    watching.sweep(NOW + 181 * DAY)
    assert Alert.objects.count() == 0
    assert [key.gone_at for key in SeenKey.objects.all()] == [None]


def test_every_kind_of_alert_is_a_change_or_lasts() -> None:
    from portal.partner_pages.trusts.alert_words import WORDS  # noqa: PLC0415 - the portal is not of this floor

    assert set(WORDS) == set(AlertKind)


@pytest.mark.django_db
def test_a_person_looks_now_and_not_again_at_once(idp: IdentityProvider) -> None:
    trust = trust_of(idp.url)
    with pytest.raises(watching.NotWatched, match="not looked at yet"):
        watching.look_now(trust.id, NOW)
    watching.enrol(NOW)
    watching.look_now(trust.id, NOW)
    with pytest.raises(watching.TooSoon, match="half a minute ago"):
        watching.look_now(trust.id, NOW + timedelta(seconds=29))
    assert idp.fetches() == 1
    watching.look_now(trust.id, NOW + timedelta(seconds=31))
    assert idp.fetches() == 2
