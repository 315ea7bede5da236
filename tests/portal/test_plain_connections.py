"""Without script a partner's own people do their half by the forms as they stand, and the database has it."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from exchange.outbound import client as outbound_client
from partners.models import ClientSecret, KeySource, ScopeMapping
from portal.models import DomainProof, Proposal
from tests.exchange.sites import always, authority, reply
from tests.portal import happenings, partner_side
from tests.portal.test_partner_domains import serving
from tests.portal.windows import Window, written
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portal.partner_side import Sides

JWKS = json.dumps(public_jwks(make_key("ES256")))


@pytest.fixture
def sides(db: None) -> Sides:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    return partner_side.build()


@pytest.fixture
def window(sides: Sides) -> Window:
    """The partner's admin's."""
    return Window(sides.browser)


def key_ids(*, of_client: bool) -> set[str]:
    """The keys of the client, or of the issuer, that there are now."""
    owner = {"client__client_id": "kestrel-keyed"} if of_client else {"trust__name": "kestrel-idp"}
    return {key["kid"] for key in KeySource.objects.get(**owner).jwks["keys"]}


def test_an_issuer_is_looked_at_and_proposed_and_the_proposal_withdrawn(window: Window, sides: Sides) -> None:
    Proposal.objects.filter(partner=sides.kestrel).delete()
    window.open("/connect/issuer")
    typed = {"issuer": "https://login.kestrel.example", "method": "uploaded", "jwks": JWKS}
    window.press("Check it now", "connect-issuer-check", **typed)
    assert window.shows("No weak key")
    with written("proposal.made"):
        window.press("Propose this issuer", "connect-issuer")
    proposal = Proposal.objects.get(partner=sides.kestrel)
    assert (window.address, proposal.fields["issuer"]) == ("/connect", "https://login.kestrel.example")
    with written("proposal.withdrawn"):
        window.press("Withdraw https://login.kestrel.example", "connect-proposal-withdraw")
    proposal.refresh_from_db()
    assert proposal.state == "withdrawn"
    window.open("/connect/trusts/kestrel-idp")
    with written("proposal.made"):
        window.press("Propose this issuer", "connect-trust", **typed)
    assert Proposal.objects.filter(partner=sides.kestrel, trust="kestrel-idp", state="waiting").exists()


@pytest.mark.parametrize(
    ("page", "adding", "removing", "told"),
    [
        ("clients/kestrel-keyed", "connect-client-keys", "connect-client-key-remove", "configuration.applied"),
        ("trusts/kestrel-idp", "connect-keys", "connect-key-remove", "trust.keys_refreshed"),
    ],
)
def test_keys_are_added_beside_the_old_ones_which_are_then_removed(
    window: Window, page: str, adding: str, removing: str, told: str
) -> None:
    of_client = "client" in adding
    (old,) = key_ids(of_client=of_client)
    window.open(f"/connect/{page}/keys")
    window.press("Add the key", adding, jwks=JWKS)
    assert len(key_ids(of_client=of_client)) == 2
    with written(told):
        window.press(f"Remove {old}", removing)
    (new,) = key_ids(of_client=of_client)
    assert new != old


def test_a_secret_is_made_beside_the_present_one(window: Window) -> None:
    window.open("/connect/clients/kestrel-batch/secret")
    with written("configuration.applied"):
        window.press("Make a new secret", "connect-client-secret", older_ends="168")
    assert len(window.text_of("secret")) >= 43
    assert ClientSecret.objects.filter(client__client_id="kestrel-batch", expires_at__gt=timezone.now()).count() == 1


def test_another_worth_of_the_tokens_is_proposed_and_taken_back(window: Window) -> None:
    window.open("/connect/mappings/kestrel-sandbox")
    with written("mapping.drafted"):
        window.press("Propose this", "connect-mapping", rules="tier equals silver")
    draft = ScopeMapping.objects.get(name="kestrel-sandbox", state="draft")
    assert (draft.author, draft.rules[0]["value"]) == (partner_side.MEI, "silver")
    window.open("/connect/mappings/kestrel-sandbox")
    window.press("Withdraw what was proposed", "connect-mapping-withdraw")
    assert not ScopeMapping.objects.filter(name="kestrel-sandbox", state="draft").exists()


def test_an_exchange_is_tried_and_a_real_one_handed_over(window: Window, sides: Sides) -> None:
    window.open("/connect/try")
    window.press("Try it", "connect-try", client="kestrel-batch", token=sides.token)
    assert window.shows("A token would be minted")
    trust = sides.kestrel.trusts.get()
    about = {"id": str(trust.id), "name": trust.name, "issuer": trust.issuer}
    happenings.granted(sides.kestrel, trust=about)
    window.open("/connect/try/newest")
    with written("partner.tested"):
        window.press("Hand it over as tested", "connect-hand-over")
    sides.kestrel.refresh_from_db()
    assert (window.address, sides.kestrel.state) == ("/connect", "tested")


def test_a_domain_is_proved_by_its_file(
    window: Window, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DomainProof.objects.all().delete()
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    trusted, anchor = authority(tmp_path), tmp_path / "anchor.pem"
    anchor.write_text(trusted.anchor)
    monkeypatch.setenv("SSL_CERT_FILE", str(anchor))
    outbound_client.cache_clear()
    with serving(trusted, always(reply("another line")), name="localhost") as web:
        window.open("/connect/domain")
        window.press("Look for it now", "connect-domain")
        assert (window.status, DomainProof.objects.count()) == (422, 0)
        web.answer = always(reply(window.text_of("line")))
        with written("partner.domain_proved"):
            window.press("Look for it now", "connect-domain")
    assert DomainProof.objects.get().domain == f"localhost:{web.port}"
    outbound_client.cache_clear()
