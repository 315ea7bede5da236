"""The demo's past: real events, real decisions, dated, marked, and made once."""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from audit import services as audit
from audit.envelope import canonical_form
from audit.events import SYSTEM, ExchangeGranted
from audit.models import Event, Pending
from audit.selectors import EXCHANGE_KINDS, instant_of
from exchange.models import IssuedToken, TokenFamily
from policy.reasons import Reason
from portal.demo import history, organisation
from portal.exchange_pages.traces import StepState, trace
from portal.models import Shadow
from portal.simulator import shadows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def _demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, db: None) -> None:  # noqa: ARG001
    monkeypatch.setenv("HANDOVER_VAR", str(tmp_path))
    monkeypatch.setenv("HANDOVER_DEMO_IDP", "http://127.0.0.1:8001")
    settings.HANDOVER = replace(settings.HANDOVER, demo=True, outbound_allow=(ip_network("127.0.0.1/32"),))


def exchanges() -> list[tuple[Event, dict[str, Any]]]:
    rows = Event.objects.filter(kind__in=EXCHANGE_KINDS).order_by("id")
    return [(row, orjson.loads(row.canonical)) for row in rows]


@pytest.mark.usefixtures("_demo")
def test_two_weeks_are_recorded_as_live_exchanges_are() -> None:
    """One start for all: a start is seconds."""
    organisation.load()
    told, now = exchanges(), timezone.now()
    the_past_is_a_thousand_exchanges_and_more_of_the_last_two_weeks(told, now)
    each_event_is_sealed_queued_marked_and_consistent(told)
    what_was_refused_was_refused_for_many_reasons_and_its_trace_says_where(told)
    every_grant_has_its_token_and_family_and_nothing_of_it_is_a_token_text(told)
    there_is_nothing_to_make_where_something_was_exchanged(now)
    a_draft_runs_in_shadow_and_finds_what_it_would_narrow(now)


def a_draft_runs_in_shadow_and_finds_what_it_would_narrow(now: datetime) -> None:
    shadows.follow_all(now=now)
    shadow = Shadow.objects.get(name="bluepine-to-orders")
    assert shadow.ended_at is None
    assert set(shadow.counts) == {"narrowed"}
    assert 0 < shadow.counts["narrowed"] < shadow.tried


def the_past_is_a_thousand_exchanges_and_more_of_the_last_two_weeks(told: list[Any], now: datetime) -> None:
    assert len(told) > 1000
    moments = [instant_of(row.id) for row, _ in told]
    assert moments == sorted(moments)
    assert now - timedelta(days=15) < moments[0] < now - timedelta(days=12)
    assert now - timedelta(days=1) < moments[-1] <= now
    assert len({document["partner"] for _, document in told} - {""}) == 6


def each_event_is_sealed_queued_marked_and_consistent(told: list[Any]) -> None:
    key = django_settings.HANDOVER.kek.derive("audit-mac")
    queued = set(Pending.objects.values_list("event_id", flat=True))
    for row, document in told:
        canonical = row.canonical.encode()
        assert canonical == canonical_form(document)
        assert hmac.compare_digest(bytes(row.mac), hmac.digest(key, canonical, "sha256"))
        assert row.id in queued
        assert document["data"]["demo"] is True
        assert abs(datetime.fromisoformat(document["at"]) - instant_of(row.id)) < timedelta(milliseconds=2)
        columns = (str(row.id), row.kind, row.outcome, row.reason, row.client, row.target, str(row.correlation_id))
        names = ("id", "kind", "outcome", "reason", "client", "target", "correlation_id")
        assert columns == tuple(document[name] for name in names)


def what_was_refused_was_refused_for_many_reasons_and_its_trace_says_where(told: list[Any]) -> None:
    reasons = Counter(row.reason for row, _ in told if row.reason)
    assert set(reasons) <= set(Reason)
    assert len(reasons) >= 7
    assert 0.01 < reasons.total() / len(told) < 0.2
    for row, document in told:
        steps = trace(document["data"]["steps"], row.reason)
        stopped = [step for step in steps if step.state in {StepState.REFUSED, StepState.FAULT}]
        assert bool(stopped) is bool(row.reason), row.reason


def every_grant_has_its_token_and_family_and_nothing_of_it_is_a_token_text(told: list[Any]) -> None:
    granted = {document["data"]["token"]["jti"]: row.id for row, document in told if row.kind == ExchangeGranted.kind}
    tokens = {str(token.id): token for token in IssuedToken.objects.all()}
    assert {jti: token.event_id for jti, token in tokens.items()} == granted
    assert {token.family_id for token in tokens.values()} == set(TokenFamily.objects.values_list("id", flat=True))
    assert not any("eyJ" in row.canonical for row, _ in told)
    assert not any("payroll" in row.target for row, _ in told if not row.reason)


def there_is_nothing_to_make_where_something_was_exchanged(now: datetime) -> None:
    before = Event.objects.count()
    assert history.make(now) == 0
    assert Event.objects.count() == before


@pytest.mark.django_db
def test_a_past_is_never_put_beside_a_real_one() -> None:
    audit.record(ExchangeGranted(client="somebody"), SYSTEM)
    assert history.make(timezone.now()) == 0
    assert Event.objects.filter(kind__in=EXCHANGE_KINDS).count() == 1
