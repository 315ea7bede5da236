"""The page about the health of a trust: unwise conditions, clocks as tokens show them, and silence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.usage import tokens_seen
from exchange.alerts import AlertKind
from exchange.models import Alert, TrustWatch
from partners import models
from portal.roles import Role
from tests.portal import happenings
from tests.portal.organisation import partner

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

MAX_QUERIES = 12


def page_of(browser: Client, slug: str) -> str:
    with CaptureQueriesContext(connection) as captured:
        answer = browser.get(f"/partners/{slug}/trust/health")
    assert answer.status_code == 200
    assert len(captured) <= MAX_QUERIES
    return str(answer.content.decode())


def test_what_is_wise_and_busy_has_nothing_to_look_at(browser: Client, organisation: Organisation) -> None:
    page = page_of(browser, organisation.kestrel.slug)
    assert "Nothing to look at" in page
    assert "ES256" in page
    assert 'href="/partners/kestrel/trust/health"' in browser.get("/partners/kestrel/trust").content.decode()


def test_a_trust_without_conditions_and_an_open_pattern_are_told(browser: Client, organisation: Organisation) -> None:
    assert "The audience alone decides" in page_of(browser, organisation.fjord.slug)
    rules = [{"claim": "site", "operator": "matches", "value": ".*"}]
    models.FederationTrust.objects.filter(partner=organisation.fjord).update(rules=rules)
    page = page_of(browser, organisation.fjord.slug)
    assert "A pattern without bounds" in page
    assert "site matches .*" in page
    assert "The audience alone decides" not in page


def test_a_clock_that_is_ahead_is_measured_from_the_tokens(browser: Client, organisation: Organisation) -> None:
    now = timezone.now()
    ahead = happenings.token(iat=int((now + timedelta(seconds=20)).timestamp()))
    happenings.granted(organisation.kestrel, at=now, subject=ahead)
    page = page_of(browser, organisation.kestrel.slug)
    assert "clock is ahead" in page
    (seen,) = tokens_seen(organisation.kestrel.id, since=now - timedelta(days=7))
    assert seen.youngest is not None
    assert timedelta(seconds=-21) < seen.youngest < timedelta(seconds=-18)
    assert seen.algorithms == ("ES256",)


def test_silence_is_told_and_what_never_spoke_is_not(browser: Client, organisation: Organisation) -> None:
    quiet = partner("quiet")
    assert "Nothing to look at" in page_of(browser, quiet.slug)
    assert "has not exchanged yet" in page_of(browser, quiet.slug)
    happenings.granted(quiet, at=timezone.now() - timedelta(days=40))
    page = page_of(browser, quiet.slug)
    assert "Nothing has come for long" in page
    assert "40 days ago" in page
    assert organisation.kestrel.slug not in page.partition('<main class="main"')[2]


def test_a_partner_that_is_none_is_not_found(browser: Client) -> None:
    assert browser.get("/partners/nobody/trust/health").status_code == 404


def test_an_alert_is_acknowledged_once_and_the_second_reads_who_was_first(
    browser: Client, organisation: Organisation
) -> None:
    kestrel, now = organisation.kestrel, timezone.now()
    Alert.objects.all().delete()
    kept = alert(kestrel, AlertKind.KEY_ADDED, subject="thumb", detail={"kid": "k-2", "kind": "EC P-256"})
    lasting = alert(kestrel, AlertKind.UNREACHABLE, detail={"since": now.isoformat(), "why": "No.", "usable_until": ""})
    page = page_of(browser, kestrel.slug)
    assert "Key k-2 (EC P-256). Expected while the partner changes its keys" in page
    assert "believed until an unknown time" in page
    assert "Kestrel Payments: The issuer gives no usable answer" in browser.get("/overview").content.decode()
    for row in (kept, lasting):
        answer = browser.post(f"/partners/{kestrel.slug}/trust/alerts/{row.id}/acknowledge")
        assert answer["Location"] == f"/partners/{kestrel.slug}/trust/health"
    page = page_of(browser, kestrel.slug)
    assert page.index("The issuer gives no usable answer") < page.index("Earlier alerts") < page.index("A new key")
    assert "Kestrel Payments: " not in browser.get("/overview").content.decode().partition("Partners by traffic")[0]
    again = browser.post(f"/partners/{kestrel.slug}/trust/alerts/{kept.id}/acknowledge")
    assert again.status_code == 409
    assert "acknowledged this alert before you" in again.content.decode()
    elsewhere = browser.post(f"/partners/{organisation.fjord.slug}/trust/alerts/{lasting.id}/acknowledge")
    assert (elsewhere.status_code, "This alert is gone" in elsewhere.content.decode()) == (409, True)


def test_who_may_only_read_has_no_button_to_acknowledge(
    signed_in: Callable[[Role | None], Client], organisation: Organisation
) -> None:
    row = alert(organisation.kestrel, AlertKind.DORMANT, detail={"last": timezone.now().isoformat()})
    auditor = signed_in(Role.AUDITOR)
    assert "Acknowledge" not in page_of(auditor, "kestrel")
    assert auditor.post(f"/partners/kestrel/trust/alerts/{row.id}/acknowledge").status_code == 403


def test_what_the_issuers_publish_is_dated(browser: Client, organisation: Organisation) -> None:
    now = timezone.now()
    trust = models.FederationTrust.objects.get(partner=organisation.kestrel, name="kestrel-idp")
    TrustWatch.objects.all().delete()
    assert "Not looked at yet" in browser.get("/partners/kestrel/trust/published").content.decode()
    watch = TrustWatch.objects.create(
        trust=trust, partner=organisation.kestrel, next_at=now, seen_at=now, advertised=["ES256"]
    )
    for name, gone_at in (("k-1", now), ("k-2", None)):
        watch.keys.create(
            thumbprint=name, kid=name, kind="EC P-256", strength=128,
            first_seen_at=now, last_seen_at=now, gone_at=gone_at,
        )  # fmt: skip
    watch.looks.create(is_whole=False, detail="No answer <b>", first_at=now, last_at=now, count=3)
    with CaptureQueriesContext(connection) as captured:
        page = browser.get("/partners/kestrel/trust/published").content.decode()
    assert len(captured) <= MAX_QUERIES
    assert page.index("k-2") < page.index("k-1") < page.index("gone")
    assert "No answer &lt;b&gt;" in page
    assert "3 looks" in page


def alert(partner: models.Partner, kind: AlertKind, **fields: Any) -> Alert:
    return Alert.objects.create(partner=partner, kind=kind, raised_at=timezone.now(), **fields)


@pytest.mark.usefixtures("organisation")
def test_looking_now_and_trying_now_are_asked_for_by_hand(browser: Client) -> None:
    models.KeySource.objects.filter(trust__name="kestrel-idp").update(location="http://127.0.0.1:9", jwks_uri="")
    address = "/partners/kestrel/trust/kestrel-idp/look"
    assert browser.post(address)["Location"] == "/partners/kestrel/trust/published"
    assert "No usable answer" in browser.get("/partners/kestrel/trust/published").content.decode()
    again = browser.post(address)
    assert (again.status_code, "half a minute ago" in again.content.decode()) == (409, True)
    assert browser.post("/partners/kestrel/trust/nothing/look").status_code == 404
    assert browser.post("/partners/kestrel/trust/canaries/try")["Location"] == "/partners/kestrel/trust/health"
