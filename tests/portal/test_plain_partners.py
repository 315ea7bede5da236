"""Without script a partner and each of its parts are changed by the forms as they stand, and the database has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from exchange.models import Alert
from partners.models import Client as ClientRow
from partners.models import ClientSecret, FederationTrust, KeySource, Partner, ScopeMapping
from portal.roles import Role
from tests.e2e.changeable import DUNLIN, PLOVER, TERN
from tests.introspection_endpoints import Endpoint
from tests.portal.test_partner_life import make_tested
from tests.portal.windows import Window, written
from tests.signers import Signer, make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

JWKS = json.dumps(public_jwks(make_key("ES256")))


@pytest.fixture
def window(whole: Organisation, signed_in: SignIn) -> Window:  # noqa: ARG001 - asked for what is in it
    """A security admin's."""
    return Window(signed_in(Role.SECURITY_ADMIN))


def state(slug: str) -> str:
    return Partner.objects.get(slug=slug).state


def test_a_partner_is_registered_and_changed(window: Window) -> None:
    window.open("/register-partner")
    typed = {"title": "Wren Stores", "name": "wren", "contact_email": "it@wren.example"}
    with written("partner.registered"):
        window.press("Save the draft and go on to trust", "partners-new", **typed)
    assert (state("wren"), window.address) == ("draft", "/partners/wren/trust/new")
    window.open("/partners/wren/edit")
    with written("configuration.applied"):
        window.press("Save the changes", "partners-edit", purpose="Sells our books.")
    assert Partner.objects.get(slug="wren").purpose == "Sells our books."


def test_a_partner_is_led_through_its_life(window: Window, whole: Organisation) -> None:
    for act, after in (("Suspend", "suspended"), ("Reinstate", "active"), ("Offboard", "offboarded")):
        window.open(f"/partners/{PLOVER}/acts/{act.lower()}")
        typed = {"typed": PLOVER} if act == "Offboard" else {}
        with written(f"partner.{after.replace('active', 'reinstated')}"):
            window.press(f"{act} Plover Insurance", "partners-act", **typed)
        assert state(PLOVER) == after
    make_tested(whole, registered_by="ada@meridian.example")
    window.open("/partners/kestrel/acts/activate")
    with written("partner.activated"):
        window.press("Activate Kestrel Payments", "partners-act")
    assert state("kestrel") == "active"


def test_several_partners_are_suspended_at_once(window: Window) -> None:
    window.open("/partners")
    window.press("Show what it brings about", "partners-bulk", act="suspend", partner=["linnet", "siskin"])
    with written("partner.suspended", 2):
        window.press("Suspend: 2 partners", "partners-bulk")
    assert (state("linnet"), state("siskin")) == ("suspended", "suspended")


def test_an_issuer_is_looked_at_trusted_changed_and_withdrawn(window: Window) -> None:
    window.open(f"/partners/{DUNLIN}/trust/new")
    typed = {"issuer": "https://login.dunlin.example", "method": "uploaded", "jwks": JWKS, "name": "dunlin-login"}
    window.press("Check it now", "partners-trust-check", **typed)
    assert window.shows("Its tokens can be verified. Nothing was saved by looking.")
    with written("trust.added"):
        window.press("Trust this issuer", "partners-trust-new")
    window.open(f"/partners/{DUNLIN}/trust/dunlin-login/edit")
    window.press("Show what this changes", "partners-trust-edit", rules="tier equals silver")
    with written("configuration.applied"):
        window.press("Save these changes", "partners-trust-edit")
    trust = FederationTrust.objects.get(name="dunlin-login")
    assert trust.rules == [{"claim": "tier", "operator": "equals", "value": "silver"}]
    window.open(f"/partners/{DUNLIN}/trust/dunlin-login/withdraw")
    with written("trust.withdrawn"):
        window.press("Withdraw", "partners-trust-withdraw")
    trust.refresh_from_db()
    assert trust.state == "withdrawn"


def test_changed_keys_are_taken_alerts_acknowledged_and_looks_and_canaries_asked_for(window: Window) -> None:
    new = public_jwks(make_key("ES256"))
    source = KeySource.objects.get(location="https://idp.kestrel.example")
    KeySource.objects.filter(pk=source.pk).update(pending_jwks=new, pending_since=timezone.now())
    window.open("/partners/kestrel/trust")
    with written("trust.keys_refreshed"):
        window.press("Take the offered keys", "partners-keys-confirm")
    source.refresh_from_db()
    assert source.jwks == new
    window.open(f"/partners/{DUNLIN}/trust/health")
    with written("alert.acknowledged"):
        window.press("Acknowledge", "partners-alert-acknowledge")
    assert Alert.objects.get(partner__slug=DUNLIN).acknowledged_at
    KeySource.objects.filter(pk=source.pk).update(location="http://127.0.0.1:9", jwks_uri="")
    window.open("/partners/kestrel/trust/published")
    window.press("Look now", "partners-trust-look")
    assert window.shows("No usable answer")
    window.open("/partners/kestrel/trust/health")
    window.press("Try now", "partners-canaries-try")
    assert window.status == 200


def test_our_secret_at_an_introspection_endpoint_is_put(window: Window) -> None:
    endpoint = Endpoint(client_id="handover")
    endpoint.start()
    FederationTrust.objects.filter(name="tern-idp").update(introspection_endpoint=endpoint.url)
    window.open(f"/partners/{TERN}/trust/tern-idp/introspection-secret")
    with written("configuration.applied"):
        window.press("secret", "partners-trust-introspection", secret=endpoint.secret)
    endpoint.stop()
    assert window.address == f"/partners/{TERN}/trust"
    assert window.shows("with a secret that is kept sealed")


def test_a_client_is_registered_changed_given_a_secret_and_suspended(window: Window) -> None:
    window.open(f"/partners/{DUNLIN}/clients/new")
    with written("configuration.applied", 2):
        window.press("Register the client", "partners-client-new", name="dunlin-new", scopes="ledger.read")
    assert len(window.text_of("secret")) >= 43
    window.open(f"/partners/{DUNLIN}/clients/dunlin-new/edit")
    window.press("Show what this changes", "partners-client-edit", title="The press room")
    with written("configuration.applied"):
        window.press("Save these changes", "partners-client-edit")
    client = ClientRow.objects.get(client_id="dunlin-new")
    assert client.name == "The press room"
    window.open(f"/partners/{DUNLIN}/clients/dunlin-new/secret")
    window.press("Make a new secret", "partners-client-secret", older_ends="168")
    assert ClientSecret.objects.filter(client=client).count() == 2
    for act, after in (("suspend", "suspended"), ("reinstate", "active")):
        window.open(f"/partners/{DUNLIN}/clients/dunlin-new/acts/{act}")
        window.press("dunlin-new", "partners-client-act")
        client.refresh_from_db()
        assert client.state == after


def versions(name: str) -> list[tuple[int, str]]:
    found = ScopeMapping.objects.filter(partner__slug__in=(DUNLIN, TERN), name=name).order_by("version")
    return list(found.values_list("version", "state"))


def test_a_mapping_is_begun_from_a_token_written_and_discarded(window: Window) -> None:
    signer = Signer("https://idp.dunlin.example", make_key("ES256"))
    token = signer.subject_token("https://handover.example", azp="dunlin-batch")
    window.open(f"/partners/{DUNLIN}/mappings/new")
    window.press("Read the token", "partners-mapping-new-suggested", token=token, target="ledger-api")
    assert token not in str(window.client)
    window.press("Write what is ticked into the form", "partners-mapping-new-suggested")
    with written("mapping.drafted"):
        window.press("Save the draft", "partners-mapping-new", name="written", always="ledger.read")
    assert versions("written") == [(1, "draft")]
    rules = ScopeMapping.objects.get(name="written").rules
    assert {"claim": "azp", "operator": "equals", "value": "dunlin-batch"} in rules
    window.open(f"/partners/{DUNLIN}/mappings/written/edit")
    window.press("Read the token", "partners-mapping-suggested", token=token)
    window.press("Save the draft", "partners-mapping-edit", always="ledger.read ledger.write")
    window.press("Discard the draft", "partners-mapping-discard")
    assert versions("written") == []


def test_drafts_for_several_audiences_are_begun_from_a_token(window: Window) -> None:
    signer = Signer("https://idp.dunlin.example", make_key("ES256"))
    token = signer.subject_token("https://handover.example", scope="ledger.read reports.read")
    window.open(f"/partners/{DUNLIN}/mappings/from-token")
    window.press("Read the token", "partners-mappings-from-token", token=token)
    both = ["ledger-api", "reports-api"]
    window.press("Write the drafts, to look through them", "partners-mappings-from-token", target=both)
    with written("mapping.drafted", 2):
        window.press("Save the drafts that are ticked", "partners-mappings-from-token")
    drafts = ScopeMapping.objects.filter(partner__slug=DUNLIN, state="draft", version=1)
    assert sorted(drafts.values_list("target__name", flat=True)) == both


def test_a_mapping_is_restored_published_and_withdrawn(window: Window) -> None:
    window.open(f"/partners/{TERN}/mappings/freight/versions")
    with written("mapping.drafted"):
        window.press("Restore version 1 as a draft", "partners-mapping-restore")
    assert versions("freight") == [(1, "superseded"), (2, "published"), (3, "draft")]
    window.open(f"/partners/{DUNLIN}/mappings/published/versions")
    with written("mapping.published"):
        window.press("Publish version 2", "partners-mapping-publish")
    window.open(f"/partners/{DUNLIN}/mappings/published/withdraw")
    window.press("Withdraw published", "partners-mapping-withdraw")
    assert versions("published") == [(1, "superseded"), (2, "withdrawn")]
