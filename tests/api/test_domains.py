"""Domains of partners by the API: what proves one, whether it is proved, and a look at the file for who is of it."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from audit.models import Event
from exchange.outbound import client as outbound_client
from portal.models import DomainProof, PartnerAdmin
from portal.partner_side import proving
from portal.permissions import Permission
from tests.exchange.sites import always, authority, reply, site
from tests.portal import partner_side

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.conftest import Bearer
    from tests.portal.partner_side import Sides

OWN = "/api/v1/connect/domain"


@pytest.fixture
def sides(db: None, settings: Any) -> Sides:  # noqa: ARG001 - asked for its transaction
    """Two partners, of which the first one's domain is proved; the operator vouches for loopback."""
    cache.clear()
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    return partner_side.build()


def looked(sides: Sides) -> Any:
    return sides.browser.post(f"{OWN}/look", "{}", content_type="application/json")


def test_the_domains_of_a_partner_are_listed_with_what_proves_each(sides: Sides, bearer: Callable[..., Bearer]) -> None:
    reader = bearer("reader", Permission.PARTNERS_READ)
    (found,) = reader.call("GET", "partners/kestrel/domains").json()["items"]
    assert found["line"] == proving.line_of(sides.kestrel.pk, "kestrel.example")
    assert found["addresses"][0] == "https://kestrel.example/.well-known/handover-domain.txt"
    assert found["proof"]["by"] == partner_side.MEI
    DomainProof.objects.all().delete()
    PartnerAdmin.objects.update(domain="mail.kestrel.example")
    listed = reader.call("GET", "partners/kestrel/domains").json()["items"]
    assert [(one["domain"], one["proof"]) for one in listed] == [
        ("kestrel.example", None),
        ("mail.kestrel.example", None),
    ]
    assert reader.call("GET", "partners/fjord/domains").json()["items"] == []


def test_a_partners_own_admin_reads_what_to_put_where_and_has_it_looked_at(
    sides: Sides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DomainProof.objects.all().delete()
    trusted = authority(tmp_path)
    anchor = tmp_path / "anchor.pem"
    anchor.write_text(trusted.anchor)
    monkeypatch.setenv("SSL_CERT_FILE", str(anchor))
    outbound_client.cache_clear()
    with site(always(reply("nothing of ours")), tls=trusted.serving("localhost")) as web:
        PartnerAdmin.objects.update(domain=f"localhost:{web.port}")
        read = sides.browser.get(OWN)
        assert (read.json()["domain"], read.json()["proof"]) == (f"localhost:{web.port}", None)
        first, second = looked(sides).json()["looked"]
        assert "the line is not in it" in first["problem"]
        assert second["problem"]
        assert not DomainProof.objects.exists()
        web.answer = always(reply(read.json()["line"] + "\n"))
        for _ in range(2):
            told = looked(sides).json()
            assert told["looked"] == [{"address": read.json()["addresses"][0], "problem": None}]
            assert (told["proof"]["by"], told["proof"]["address"]) == (partner_side.MEI, told["addresses"][0])
    outbound_client.cache_clear()
    (event,) = Event.objects.filter(kind="partner.domain_proved")
    assert (event.actor, json.loads(event.canonical)["data"]["domain"]) == (
        f"user:{partner_side.MEI}",
        read.json()["domain"],
    )


def test_a_look_is_for_who_has_just_proved_who_they_are_and_whose_partner_is_still_one(sides: Sides) -> None:
    sides.kestrel.state = "offboarded"
    sides.kestrel.save()
    for path in (OWN, f"{OWN}/look"):
        answer = sides.browser.get(path) if path == OWN else looked(sides)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    session = sides.browser.session
    session["account_authentication_methods"] = []
    session.save()
    assert looked(sides).json()["code"] == "confirmation_needed"
