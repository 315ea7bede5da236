"""The page about the health of a trust: unwise conditions, clocks as tokens show them, and silence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.usage import tokens_seen
from partners import models
from tests.portal import happenings
from tests.portal.organisation import partner

if TYPE_CHECKING:
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
