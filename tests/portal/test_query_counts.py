"""Every page of the URL configuration takes few queries, and no more of them when there is more to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.events import SYSTEM
from partners import models, population
from partners.changes import changing
from tests.portal import happenings
from tests.portal.organisation import person
from tests.portal.test_doors import GUARDED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.test import Client

    from tests.portal.organisation import Organisation

MOST = 12
MORE = 8
ALSO = ("/access?at=2026-01-01T00:00", "/access/who?target=ledger-api", "/exchanges?step=mapping", "/search?q=kestrel")


def counted(browser: Client, addresses: Iterable[str]) -> dict[str, int]:
    """The queries of every page that shows itself."""
    found = {}
    for address in addresses:
        with CaptureQueriesContext(connection) as captured:
            answer = browser.get(address)
        if answer.status_code == 200:
            found[address] = len(captured)
    return found


def grow(kestrel: models.Partner) -> None:
    """More of everything that pages list: partners, people, and what one partner has."""
    with changing(SYSTEM) as change:
        population.fill(change, partners=MORE, mappings=MORE * 2, targets=3)
        change.touch(kestrel.id)
        trust = kestrel.trusts.get(name="kestrel-idp")
        mapping = kestrel.mappings.get(name="settle", state="published")
        for number in range(MORE):
            models.Client.objects.create(
                partner=kestrel,
                client_id=f"kestrel-{number}",
                methods=["private_key_jwt"],
                grant_types=[happenings.TOKEN_EXCHANGE],
                scopes=["ledger.read"],
                key_source=models.KeySource.objects.create(partner=kestrel, method="uploaded", jwks={"keys": []}),
            )
            source = models.KeySource.objects.create(partner=kestrel, method="uploaded", jwks={"keys": []})
            fields = {"token_types": trust.token_types, "algorithms": trust.algorithms, "audiences": trust.audiences}
            models.FederationTrust.objects.create(
                partner=kestrel, name=f"t-{number}", issuer=f"https://{number}.example", key_source=source, **fields
            )
            models.ScopeMapping.objects.create(
                partner=kestrel, trust=trust, target=mapping.target, name=f"m-{number}", version=1, state="published"
            )
    with happenings.together():
        for _ in range(MORE):
            happenings.granted(kestrel, at=timezone.now())
    for number in range(MORE):
        person(None, email=f"person-{number}@meridian.example")


def test_no_page_takes_more_queries_for_more_rows(organisation: Organisation, browser: Client) -> None:
    first = counted(browser, (*(address for _name, address, _permission in GUARDED), *ALSO))
    assert len(first) > 25
    assert {address: count for address, count in first.items() if count > MOST} == {}
    grow(organisation.kestrel)
    later = counted(browser, first)
    assert {address: (count, later[address]) for address, count in first.items() if later[address] > count} == {}
