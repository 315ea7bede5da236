"""The domain of a partner, proved by a file on a web server of it; and what a partner may do once it is proved."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from audit.models import Event
from exchange.outbound import Outbound
from exchange.outbound import client as outbound_client
from portal.models import DomainProof, PartnerAdmin, Proposal
from portal.partner_side import proving, sides
from portal.roles import Role
from tests.attacks import attack
from tests.exchange.sites import always, authority, reply, site
from tests.portal import partner_side
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.test import Client

    from partners.models import Partner
    from tests.exchange.sites import Authority, Site
    from tests.portal.partner_side import Sides

DOMAIN = "/connect/domain"
KEYS = "/connect/trusts/kestrel-idp/keys"


@pytest.fixture
def unproved(db: None, settings: Any) -> Sides:  # noqa: ARG001 - asked for its transaction
    """Two partners of which the first one's domain is not proved; the operator vouches for loopback."""
    cache.clear()
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    built = partner_side.build()
    DomainProof.objects.all().delete()
    return built


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def serving(trusted: Authority, answer: Any, *, name: str) -> Iterator[Site]:
    """The partner's web server, under this name; the partner's people are at its domain."""
    with site(answer, tls=trusted.serving(name)) as running:
        PartnerAdmin.objects.update(domain=f"{name.removeprefix('handover.')}:{running.port}")
        yield running


def line(partner: Partner) -> str:
    return proving.line_of(partner.pk, PartnerAdmin.objects.get(user__email=partner_side.MEI).domain)


def looked(trusted: Authority, *, at: str = "127.0.0.1") -> list[str]:
    """What is found at each address, when every name leads to one server."""
    side = sides.side_of(PartnerAdmin.objects.get(user__email=partner_side.MEI).user)
    assert side is not None
    return [it.problem for it in proving.look(side, Outbound(tls=trusted.trusting(), resolve=lambda _h, _p: [at]))]


def test_the_file_proves_the_domain_once_and_the_trail_knows(
    unproved: Sides, trusted: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor = tmp_path / "anchor.pem"
    anchor.write_text(trusted.anchor)
    monkeypatch.setenv("SSL_CERT_FILE", str(anchor))
    outbound_client.cache_clear()
    with serving(trusted, always(reply("")), name="localhost") as web:
        web.answer = always(reply(line(unproved.kestrel) + "\n"))
        page = unescape(unproved.browser.get(DOMAIN).content.decode())
        assert line(unproved.kestrel) in page
        assert f"https://localhost:{web.port}/.well-known/handover-domain.txt" in page
        assert web.paths() == []
        for _ in range(2):
            assert unproved.browser.post(DOMAIN)["Location"] == DOMAIN
        assert "The file may go" in unproved.browser.get(DOMAIN).content.decode()
    assert "Not proved" not in unproved.browser.get("/connect").content.decode()
    (event,) = Event.objects.filter(kind="partner.domain_proved")
    assert event.actor == f"user:{partner_side.MEI}"
    assert "Domain proved" in unproved.browser.get("/connect/history").content.decode()
    outbound_client.cache_clear()


def test_a_look_that_finds_nothing_changes_nothing_and_tells_of_each_address(unproved: Sides) -> None:
    PartnerAdmin.objects.update(domain="kästrel.example")
    answer = unproved.browser.post(DOMAIN)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count("is not one that is called") == 2
    assert "https://handover.kästrel.example/.well-known/handover-domain.txt" in page
    assert not DomainProof.objects.exists()


def test_a_host_below_the_domain_may_hold_the_file_where_the_web_server_leads_elsewhere(
    unproved: Sides, trusted: Authority
) -> None:
    with serving(trusted, always(reply("")), name="handover.kestrel.example") as web:
        web.answer = always(reply(f"# ours\r\n{line(unproved.kestrel)}\r\n"))
        first, second = looked(trusted)
    assert "No connection to https://kestrel.example" in first
    assert second == ""


@attack("A26")
def test_the_file_of_another_partner_or_a_part_of_the_line_proves_nothing(unproved: Sides, trusted: Authority) -> None:
    with serving(trusted, always(reply("")), name="kestrel.example") as web:
        right = line(unproved.kestrel)
        for text in (line(unproved.fjord), right[:-1], f"x{right}", ""):
            web.answer = always(reply(text))
            assert all(looked(trusted))
        web.answer = always(reply(right))
        assert looked(trusted) == [""]


def test_a_page_that_leads_elsewhere_is_missing_or_without_end_proves_nothing(
    unproved: Sides, trusted: Authority
) -> None:
    with serving(trusted, always(reply("")), name="kestrel.example") as web:
        right = line(unproved.kestrel)
        for answer in (
            reply(right, status="302 Found", Location="https://elsewhere.example/"),
            reply(right, status="404 Not Found"),
            reply(f"{right}\n" + "x" * 300_000),
        ):
            web.answer = always(answer)
            assert all(looked(trusted))


@attack("A20")
def test_a_domain_that_leads_inside_is_not_called(unproved: Sides, trusted: Authority) -> None:
    assert unproved.kestrel.slug == "kestrel"
    with serving(trusted, always(reply("x")), name="kestrel.example") as web:
        problems = looked(trusted, at="10.0.0.7")
        assert len(problems) == 2
        assert all("was not called" in problem for problem in problems)
        assert web.connections == 0


def test_the_keys_of_an_issuer_are_theirs_to_change_once_the_domain_is_proved(unproved: Sides) -> None:
    form = {"jwks": json.dumps(public_jwks(make_key("ES256")))}
    page = unproved.browser.get(KEYS).content.decode()
    assert "kestrel.example is not proved yet" in page
    assert f'href="{DOMAIN}"' in page
    assert unproved.browser.post(KEYS, form).status_code == 409
    DomainProof.objects.create(partner=unproved.fjord, domain="kestrel.example", proved_by="it@fjord.example")
    assert unproved.browser.post(KEYS, form).status_code == 409
    DomainProof.objects.create(partner=unproved.kestrel, domain="kestrel.example", proved_by=partner_side.MEI)
    assert unproved.browser.post(KEYS, form).status_code == 302


def test_who_approves_an_issuer_reads_whether_its_domain_is_proved(
    unproved: Sides, signed_in: Callable[[Role | None], Client]
) -> None:
    manager, row = signed_in(Role.PARTNER_MANAGER), Proposal.objects.get(partner=unproved.kestrel)
    page = f"/partners/kestrel/people/proposals/{row.pk}"
    for issuer, is_vouched_for in (
        ("https://login.kestrel.example", True),
        ("https://kestrel.example.evil.example", False),
    ):
        Proposal.objects.filter(pk=row.pk).update(fields={"issuer": issuer})
        assert "Ask the partner on another channel" in manager.get(page).content.decode()
        DomainProof.objects.create(partner=unproved.kestrel, domain="kestrel.example", proved_by=partner_side.MEI)
        told = manager.get(page).content.decode()
        assert ("showed that it speaks for kestrel.example" in told) is is_vouched_for
        assert ("Ask the partner on another channel" in told) is not is_vouched_for
        DomainProof.objects.all().delete()
