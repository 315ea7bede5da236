"""The population that pages are measured with: as much as was asked for, sealed, and never made by mistake."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit import selectors as trail
from audit.models import Event, Pending
from audit.selectors import EXCHANGE_KINDS, instant_of
from partners.access import Wanted, reach
from partners.models import Partner, ScopeMapping

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = {"partners": 30, "mappings": 100, "exchanges": 300, "events": 1000}


@pytest.fixture
def _scratch(committed_database: str, django_db_blocker: Any) -> Iterator[None]:  # noqa: ARG001 - asked for its clone
    with django_db_blocker.unblock():
        yield


@pytest.mark.usefixtures("_scratch")
def test_as_much_is_made_as_was_asked_for_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    """One clone of the database for all of it."""
    call_command("populate", scratch=True, **SMALL)
    assert capsys.readouterr().out == "30 partners, 100 mappings and 1,000 events were added.\n"
    assert Partner.objects.filter(state="active").count() == 30
    assert ScopeMapping.objects.filter(state="published").count() == 100
    the_events_are_sealed_queued_and_of_the_last_months()
    with pytest.raises(CommandError, match="there already"):
        call_command("populate", scratch=True, **SMALL)
    assert Partner.objects.count() == 30
    the_pages_show_it()


def the_events_are_sealed_queued_and_of_the_last_months() -> None:
    rows = list(Event.objects.exclude(kind="configuration.applied"))
    assert len(rows) == 1000
    assert sum(row.kind in EXCHANGE_KINDS for row in rows) == 300
    assert len({row.reason for row in rows if row.kind in EXCHANGE_KINDS}) > 1
    assert {row.id for row in rows} <= set(Pending.objects.values_list("event_id", flat=True))
    key, now = settings.HANDOVER.kek.derive("audit-mac"), timezone.now()
    for row in rows:
        assert hmac.compare_digest(bytes(row.mac), hmac.digest(key, row.canonical.encode(), "sha256"))
        assert orjson.loads(row.canonical)["data"]["demo"] is True
        assert now - timedelta(days=91) < instant_of(row.id) <= now


def the_pages_show_it() -> None:
    page = reach(Wanted(text="bulk 00000"), ceiling=timedelta(hours=1))
    (partner,) = page.partners
    assert {way.client_id for way in partner.ways} == {"bulk-00000-backend"}
    shown = trail.exchanges(trail.Search(client="bulk-00000-backend"))
    assert {entry.partner_id for entry in shown.entries} == {partner.id}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "HANDOVER_DEMO is not 1"),
        ({"scratch": True, "partners": 0}, "--partners must be 1 or more"),
        ({"scratch": True, "exchanges": 11, "events": 10}, "--exchanges at most --events"),
    ],
)
def test_it_refuses_what_would_be_a_mistake(options: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("populate", **options)
    assert not Partner.objects.exists()
