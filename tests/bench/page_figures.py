"""Every page asked for many times by somebody who may open all, in the process that measures: time, queries, weight.

The time is from the request to the finished answer through every middleware, without the network and without the server
in front of Django.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import psutil
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import selectors as trail
from audit.models import Event
from partners import models
from portal.garbage import leave_alone_what_stays
from portal.models import User
from portal.roles import Role
from tests.bench.page_list import pages
from tests.bench.page_weight import Weight, weight
from tests.portal import organisation as organisations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.page_list import Page

BUDGET: Final = 150.0
"""Milliseconds, for the slowest of twenty (ux.md section 12)."""

MOST_QUERIES: Final = 12
MOST_BYTES: Final = 240_000
MOST_SCRIPT: Final = 45_000
WARM_UPS: Final = 2
PEOPLE: Final = 500
STORAGES: Final = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
BUSIEST: Final = "bulk-00000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One page's figures: milliseconds, queries, bytes of a first visit."""

    page: Page
    middle: float
    p95: float
    processor: float
    """Milliseconds of processor time of one request, ours and the database's: what is left on an idle machine."""
    queries: int
    weight: Weight

    @property
    def is_over(self) -> bool:
        """Whether any of its budgets is passed."""
        return (
            self.p95 > BUDGET
            or self.queries > MOST_QUERIES
            or self.weight.total > MOST_BYTES
            or self.weight.scripts > MOST_SCRIPT
        )


def furnish(*, partners: int, mappings: int, exchanges: int, events: int) -> None:
    """Fill the installation, with people too, and let the planner see what there is."""
    sizes = {"partners": partners, "mappings": mappings, "exchanges": exchanges, "events": events}
    call_command("populate", scratch=True, **sizes, verbosity=0)
    User.objects.bulk_create(User(email=f"person-{number:04}@bulk.example") for number in range(PEOPLE))
    _draft()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _draft() -> None:
    """A draft of the busiest partner's mapping, for the pages that show one."""
    row = models.ScopeMapping.objects.get(partner__slug=BUSIEST, name="mapping-000", version=1)
    row.pk, row.version, row.state, row.author = None, 2, "draft", "population"
    row._state.adding = True
    row.save(force_insert=True)


def sizes() -> dict[str, int]:
    """How much there is. Counting takes longer than any page may."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
        return {
            "partners": models.Partner.objects.count(),
            "mappings": models.ScopeMapping.objects.count(),
            "exchanges": Event.objects.filter(kind__in=trail.EXCHANGE_KINDS).count(),
            "audit events": Event.objects.count(),
        }


def timings(*, times: int, only: str, say: Callable[[str], object]) -> list[Timing]:
    """Every page that shows itself, measured; addresses that lead on or take forms alone are left out."""
    host = urlsplit(settings.HANDOVER.issuer).netloc
    client = Client(SERVER_NAME=host.partition(":")[0], SERVER_PORT=host.partition(":")[2])
    person = User.objects.filter(email="measuring@meridian.example").first()
    person = person or organisations.person(Role.SECURITY_ADMIN, email="measuring@meridian.example")
    found = []
    leave_alone_what_stays()  # as the server does before its first request
    with override_settings(STORAGES={**settings.STORAGES, **STORAGES}):
        for page in pages(_values(person)):
            client.force_login(person)
            if only in page.address and (timing := _timing(client, page, times)) is not None:
                found.append(timing)
                say(f"{timing.p95:7.1f} ms  {timing.queries:2} queries  {page.address}\n")
    return found


def _timing(client: Client, page: Page, times: int) -> Timing | None:
    first = client.get(page.address)
    if first.streaming or first.status_code in {302, 403, 405}:  # a file, or nothing that is shown to an admin
        return None
    if first.status_code != 200:
        raise RuntimeError(f"{page.address} answered {first.status_code}: it cannot be measured.")
    with CaptureQueriesContext(connection) as captured:
        client.get(page.address)
    queries = len(captured)  # read at once: the next request empties the log
    for _ in range(WARM_UPS):
        client.get(page.address)
    before = _processor_seconds()
    took = [_milliseconds(client, page.address) for _ in range(times)]
    processor = (_processor_seconds() - before) * 1000 / times
    cuts = quantiles(took, n=20, method="inclusive")
    return Timing(
        page=page,
        middle=cuts[9],
        p95=cuts[18],
        processor=processor,
        queries=queries,
        weight=weight(first.content),
    )


def _processor_seconds() -> float:
    """What this process and every process of the database's server that still runs have used."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((backend,),) = cursor.fetchall()
    server = psutil.Process(backend).parent()
    assert server is not None
    used = [process.cpu_times() for process in server.children()]
    return time.process_time() + sum(times.user + times.system for times in used)


def _milliseconds(client: Client, address: str) -> float:
    began = time.perf_counter()
    client.get(address)
    return (time.perf_counter() - began) * 1000


def _values(person: User) -> dict[str, str]:
    """The arguments of all addresses: the partner with the most exchanges, and what belongs to it."""
    partner = models.Partner.objects.get(slug=BUSIEST)
    page = trail.exchanges(trail.Search(partners=(partner.id,)))
    old = trail.exchanges(trail.Search(partners=(partner.id,)), before=page.older)
    return {
        "slug": BUSIEST,
        "client_id": f"{BUSIEST}-backend",
        "name": "mapping-000",
        "partners-trust-withdraw/name": "login",
        "partners-trust-edit/name": "login",
        "target": "bulk-00",
        "act": "suspend",
        "reference": str(page.entries[0].correlation_id),
        "old": str(old.entries[-1].id if old.entries else page.entries[-1].id),
        "person_id": str(person.pk),
        "source": str(models.FederationTrust.objects.get(partner=partner).key_source_id),
        "at": f"{timezone.now():%Y-%m-%dT%H:%M}",
    }
