"""Clients and trusts changed in the browser: what it would do is shown first, and nobody writes over another."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit.models import Event
from partners.models import Client as ClientRow
from partners.models import FederationTrust, Registry
from portal.partner_pages.clients import amending as client_amending
from portal.partner_pages.trusts import amending as trust_amending
from portal.roles import Role
from tests.certificates import make as make_certificate
from tests.portal import happenings
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse
    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

CLIENT = "/partners/kestrel/clients/kestrel-settlement/edit"
TRUST = "/partners/kestrel/trust/kestrel-idp/edit"


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"scopes": "ledger.everything"}, "scopes of a registered target"),
    ({"methods": []}, "nothing is chosen"),
    ({"burst": "0"}, "a number below 1 came"),
    ({"requests_per_minute": "99999999999"}, "a whole number from 1 to"),
    ({"jwks": "{"}, "not readable as JSON"),
    ({"place": "uploaded", "jwks": '{"keys": 3}'}, "an acceptable key set"),
    ({"certificate": "certificate"}, "This is no certificate in PEM"),
    ({"place": "jwks_uri", "jwks_uri": "ftp://kestrel.example"}, "Address of its keys"),
    ({"title": "\x00"}, "a character came that no text can hold"),
]


@pytest.fixture
def manager(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """A partner manager's browser. The client is one that a declaration can describe, and proves itself by secret."""
    row = {"certificate_name_kind": "", "certificate_name": "", "assertion_algorithms": ["ES256"]}
    ClientRow.objects.filter(client_id="kestrel-settlement").update(**row, dpop_bound_access_tokens=False)
    return signed_in(Role.PARTNER_MANAGER)


def typed(browser: Client, address: str, **changes: Any) -> dict[str, Any]:
    """The form as the page shows it, with some fields typed anew."""
    answer = browser.get(address)
    form = answer.context["form"]
    fields = {name: form[name].value() for name in form.fields}
    kept = {name: value for name, value in fields.items() if value not in (None, False)}
    return {**kept, "stamp": answer.context["stamp"], **changes}


def saved(browser: Client, address: str, fields: dict[str, Any]) -> HttpResponse:
    """Looked at, then confirmed with the button of that page."""
    page = browser.post(address, fields)
    assert page.status_code == 200, page.context["form"].errors
    return browser.post(address, {**fields, "confirmed": page.context["review"].digest})  # type: ignore[return-value]


def client_row() -> ClientRow:
    return ClientRow.objects.get(client_id="kestrel-settlement")


def trust_row() -> FederationTrust:
    return FederationTrust.objects.get(name="kestrel-idp")


def test_a_change_of_a_client_is_shown_first_and_saved_second(manager: Client) -> None:
    epoch, events = Registry.objects.get().epoch, Event.objects.count()
    fields = typed(manager, CLIENT, requests_per_minute="120", daily_quota="5000")
    page = manager.post(CLIENT, fields)
    words = page.content.decode()
    assert "Nothing is saved yet." in words
    assert {change.field for change in page.context["review"].fields} == {"requests_per_minute", "daily_quota"}
    assert (client_row().requests_per_minute, Registry.objects.get().epoch, Event.objects.count()) == (
        None,
        epoch,
        events,
    )
    assert saved(manager, CLIENT, fields).status_code == 302
    assert (client_row().requests_per_minute, client_row().daily_quota) == (120, 5000)
    told = json.loads(Event.objects.order_by("id").values_list("canonical", flat=True).last() or "")
    assert told["data"]["fields"]["requests_per_minute"] == {"old": None, "new": 120}
    assert told["actor"]["name"].startswith("somebody.partner.manager@")


def test_something_else_than_what_was_shown_is_shown_before_it_is_saved(manager: Client) -> None:
    fields = typed(manager, CLIENT, burst="7")
    shown = manager.post(CLIENT, fields).context["review"]
    again = manager.post(CLIENT, {**fields, "burst": "70", "confirmed": shown.digest})
    assert (again.status_code, client_row().burst) == (200, None)
    assert again.context["review"].digest != shown.digest


def test_nothing_typed_is_nothing_to_save(manager: Client) -> None:
    page = manager.post(CLIENT, typed(manager, CLIENT)).content.decode()
    assert "Nothing differs from what stands there." in page
    assert "Save these changes" not in page


def test_a_new_key_stands_beside_the_old_one_until_that_is_unticked(manager: Client) -> None:
    old, new = public_jwks(make_key("ES256")), public_jwks(make_key("ES256"))
    fields = typed(manager, CLIENT, place="uploaded", jwks=json.dumps(old), methods=["private_key_jwt"])
    assert saved(manager, CLIENT, {**fields, "jwks_uri": ""}).status_code == 302
    assert saved(manager, CLIENT, typed(manager, CLIENT, jwks=json.dumps(new))).status_code == 302
    source = client_row().key_source
    assert source
    assert [key["kid"] for key in source.jwks["keys"]] == [old["keys"][0]["kid"], new["keys"][0]["kid"]]
    fields = typed(manager, CLIENT)
    assert saved(manager, CLIENT, {**fields, "kept": fields["kept"][1:]}).status_code == 302
    source = client_row().key_source
    assert source
    assert [key["kid"] for key in source.jwks["keys"]] == [new["keys"][0]["kid"]]


def test_a_certificate_is_taken_by_its_key_and_a_private_key_that_comes_along_is_burnt(manager: Client) -> None:
    holder = make_certificate("kestrel-settlement")
    certificate, private = holder.pem, holder.key_pem
    fields = typed(
        manager, CLIENT, place="uploaded", jwks_uri="", methods=["self_signed_tls_client_auth"], certificate=certificate
    )
    burnt = manager.post(CLIENT, {**fields, "certificate": certificate + private})
    assert burnt.status_code == 422
    assert "It is no longer secret: replace it" in burnt.content.decode()
    assert saved(manager, CLIENT, fields).status_code == 302
    source = client_row().key_source
    assert source
    assert source.jwks["keys"][-1]["kty"] == "EC"


def test_a_method_that_is_in_use_is_said_to_be_before_it_is_taken_away(manager: Client) -> None:
    page = manager.post(CLIENT, typed(manager, CLIENT, methods=["client_secret_post"]))
    assert dict(page.context["review"].by_lost_method)["client_secret_basic"] > 1
    assert "were authenticated by client_secret_basic: such requests are refused" in page.content.decode()


def test_what_is_wrong_with_a_change_stands_beside_its_field(manager: Client) -> None:
    fields = typed(manager, CLIENT)
    for changes, words in WRONG:
        answer = manager.post(CLIENT, {**fields, **changes})
        assert (answer.status_code, words, words in answer.content.decode()) == (422, words, True)


@pytest.mark.parametrize("address", [CLIENT, TRUST])
def test_who_comes_second_sees_what_the_first_one_wrote_and_loses_nothing(manager: Client, address: str) -> None:
    name = "requests_per_minute" if address == CLIENT else "max_depth"
    mine, theirs = typed(manager, address, **{name: "3"}), typed(manager, address, **{name: "2"})
    assert saved(manager, address, theirs).status_code == 302
    late = manager.post(address, mine)
    page = late.content.decode()
    assert late.status_code == 409
    assert "changed by somebody else since you opened it" in page
    assert [line.field for line in late.context["compared"]] == [name]
    assert f'name="{name}" value="3"' in page
    again = {**mine, "stamp": late.context["stamp"]}
    assert saved(manager, address, again).status_code == 302
    assert getattr(client_row() if address == CLIENT else trust_row(), name) == 3


def exchanged_by_a_key_that_is_still_there(trust: FederationTrust) -> None:
    """An exchange whose token the trust would accept today."""
    trust.key_source.jwks = {"keys": [{**trust.key_source.jwks["keys"][0], "kid": "k-31"}]}
    trust.key_source.save()
    at = timezone.now() - timedelta(minutes=5)
    issued = int(at.timestamp())
    subject = happenings.token(aud=trust.audiences[0], iat=issued - 60, exp=issued + 600)
    happenings.granted(trust.partner, at=at, subject=subject)


def test_a_change_of_a_trust_says_which_recorded_exchanges_it_would_refuse(manager: Client) -> None:
    exchanged_by_a_key_that_is_still_there(trust_row())
    fields = typed(manager, TRUST, rules="tier equals platinum", lifetime="2m")
    page = manager.post(TRUST, fields)
    replayed = page.context["review"].figures
    refused = {effect: count for effect, _word, count in replayed}["refused"]
    assert 0 < refused <= page.context["review"].tried, replayed
    words = page.content.decode()
    assert "2 mappings rest on this trust" in words
    assert trust_row().rules[0]["value"] == ["gold", "silver"]
    assert saved(manager, TRUST, fields).status_code == 302
    assert trust_row().rules == [{"claim": "tier", "operator": "equals", "value": "platinum"}]
    assert trust_row().lifetime == timedelta(minutes=2)


def test_an_issuer_that_another_trust_has_is_refused_when_it_is_looked_at(manager: Client) -> None:
    row = trust_row()
    source = row.key_source
    source.pk = None
    source._state.adding = True
    source.save()
    row.pk, row.name, row.issuer, row.key_source = None, "other", "https://b.kestrel.example", source
    row._state.adding = True
    row.save()
    answer = manager.post(TRUST, typed(manager, TRUST, issuer="https://b.kestrel.example"))
    assert (answer.status_code, "an issuer that trust other does not have" in answer.content.decode()) == (422, True)


def test_another_issuer_is_asked_who_it_is_and_what_it_says_is_shown(manager: Client) -> None:
    page = manager.post(TRUST, typed(manager, TRUST, issuer="https://10.0.0.7"))
    assert page.status_code == 200
    assert "a private address" in page.content.decode()
    assert page.context["examination"].is_good is False


def test_every_field_of_both_forms_is_filled_from_what_stands_there(manager: Client) -> None:
    for address, module in ((CLIENT, client_amending), (TRUST, trust_amending)):
        form = manager.get(address).context["form"]
        unfilled = set(form.fields) - set(form.initial)
        assert unfilled <= {"jwks", "certificate"}, module.__name__


def test_only_what_is_the_partners_and_in_force_is_changed_here(manager: Client) -> None:
    for address in ("clients/kestrel-settlement/edit", "trust/kestrel-idp/edit"):
        assert manager.get(f"/partners/fjord/{address}").status_code == 404
        assert manager.post(f"/partners/fjord/{address}").status_code == 404
    manager.post("/partners/kestrel/trust/kestrel-idp/withdraw")
    assert manager.get(TRUST).status_code == 404
