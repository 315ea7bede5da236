"""Clients that a platform vouches for, registered and changed in the browser: which workload it is, and nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import product
from typing import TYPE_CHECKING, Any

from audit.models import Event
from exchange.outbound import client as outbound_client
from partners.models import Client as ClientRow
from portal.partner_pages.clients.workload_forms import PLATFORMS
from tests.exchange.identity_providers import identity_provider
from tests.portal.test_amending import CLIENT, client_row, manager, saved, typed
from tests.portal.test_partner_clients import GOOD, NEW
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["manager"]

GITLAB = "https://gitlab.kestrel.example"
WORKLOAD: dict[str, Any] = {
    "workload_issuer": GITLAB,
    "workload_place": "uploaded",
    "workload_rules": "project_path equals kestrel/settle\nref equals main",
    "workload_audiences": "",
    "workload_algorithms": ["RS256"],
    "workload_lifetime": "10m",
}
TOLD = ("issuer", "rules", "audiences", "jwks", "algorithms", "lifetime")
BY_PLATFORM: dict[str, Any] = {"methods": ["workload_jwt"], "place": "none", "jwks_uri": "", **WORKLOAD}

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"workload_issuer": ""}, "workload_issuer", "Issuer of the platform"),
    ({"workload_issuer": "http://gitlab.kestrel.example"}, "workload_issuer", "https"),
    ({"workload_issuer": "spiffe://kestrel.example", "workload_place": "discovery"}, "workload_jwks_uri", "jwks"),
    ({"workload_rules": ""}, "workload_rules", "not every workload of this platform meets"),
    ({"workload_rules": "sub exists"}, "workload_rules", "not every workload of this platform meets"),
    ({"workload_rules": "sub matches .*"}, "workload_rules", "not every workload of this platform meets"),
    ({"workload_rules": "sub is me"}, "workload_rules", "Line 1 is no condition"),
    ({"workload_lifetime": "2h"}, "workload_lifetime", "The platform's tokens may live"),
    ({"workload_algorithms": []}, "workload_algorithms", "Signatures of the platform"),
    ({"workload_jwks": "{"}, "workload_jwks", "not readable as JSON"),
    ({"workload_jwks": ""}, "workload_jwks", "Keys of the platform"),
    ({"methods": ["workload_jwt", "private_key_jwt"]}, "methods", "one key set is one signer"),
]


def keys() -> str:
    return json.dumps(public_jwks(make_key("RS256")))


def vouched_for(browser: Client) -> dict[str, Any]:
    """The client, by the platform's tokens from now on."""
    fields = typed(browser, CLIENT, **BY_PLATFORM, workload_jwks=keys())
    assert saved(browser, CLIENT, fields).status_code == 302
    return fields


def test_a_client_is_registered_that_its_platform_vouches_for_without_any_secret(manager: Client) -> None:
    answer = manager.post(NEW, {**GOOD, **WORKLOAD, "method": "workload_jwt", "workload_jwks": keys()})
    assert answer.status_code == 302, answer.context["form"].errors
    row = ClientRow.objects.get(client_id="kestrel-new")
    assert (row.methods, row.workload_issuer, row.secrets.count()) == (["workload_jwt"], GITLAB, 0)
    assert row.workload_lifetime == timedelta(minutes=10)
    assert [rule["claim"] for rule in row.workload_rules] == ["project_path", "ref"]
    assert "kestrel/settle" in manager.get("/partners/kestrel/clients").content.decode()


def test_what_a_platform_publishes_is_looked_at_before_it_vouches_for_a_new_client(
    manager: Client, settings: Any
) -> None:
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    outbound_client.cache_clear()
    with identity_provider(make_key("RS256")) as platform:
        by_platform = {**GOOD, **WORKLOAD, "method": "workload_jwt", "workload_place": "discovery"}
        fields = {**by_platform, "workload_issuer": platform.url}
        shown = manager.post(NEW, fields)
        assert (shown.status_code, shown.context["examination"].is_good) == (200, True)
        assert "What the platform publishes now" in shown.content.decode()
        assert not ClientRow.objects.filter(client_id="kestrel-new").exists()
        confirmed = {**fields, "confirmed": shown.context["digest"]}
        other = manager.post(NEW, {**confirmed, "workload_lifetime": "9m"})
        assert other.status_code == 200, "what was seen is what is registered"
        assert manager.post(NEW, confirmed).status_code == 302
    assert ClientRow.objects.get(client_id="kestrel-new").workload_issuer == platform.url
    taken = manager.post(NEW, {**fields, "name": "kestrel-settlement"})
    assert (taken.status_code, "examination" in taken.context) == (422, False)


def test_a_client_comes_to_its_platform_and_leaves_it_again_each_shown_first(manager: Client) -> None:
    fields = typed(manager, CLIENT, **BY_PLATFORM, workload_jwks=keys())
    shown = manager.post(CLIENT, fields)
    changes = {change.field: change.new for change in shown.context["review"].fields}
    assert set(changes) == {"methods", *(f"workload.{name}" for name in TOLD)}
    assert changes["workload.rules"] == WORKLOAD["workload_rules"]
    assert dict(shown.context["review"].by_lost_method)["client_secret_basic"] > 1
    assert client_row().workload_issuer == ""
    assert manager.post(CLIENT, {**fields, "confirmed": shown.context["review"].digest}).status_code == 302
    told = json.loads(Event.objects.filter(client="kestrel-settlement").order_by("id").last().canonical)  # type: ignore[union-attr]
    assert told["data"]["fields"]["workload"]["new"]["issuer"] == GITLAB
    back = typed(manager, CLIENT, methods=["client_secret_basic"])
    shown = manager.post(CLIENT, back)
    assert "workload.issuer" in {change.field for change in shown.context["review"].fields}
    assert manager.post(CLIENT, {**back, "confirmed": shown.context["review"].digest}).status_code == 302
    assert (client_row().workload_issuer, client_row().methods) == ("", ["client_secret_basic"])


def test_a_platform_stands_in_the_form_as_it_was_saved_and_one_condition_is_changed(manager: Client) -> None:
    vouched_for(manager)
    fields = typed(manager, CLIENT)
    assert fields["workload_rules"] == WORKLOAD["workload_rules"]
    assert "Nothing differs" in manager.post(CLIENT, fields).content.decode()
    one = manager.post(CLIENT, {**fields, "workload_lifetime": "9m"}).context["review"].fields
    assert [(change.field, change.old, change.new) for change in one] == [("workload.lifetime", "10m", "9m")]
    group = {**fields, "workload_rules": "project_path matches kestrel/(?P<project>settle)"}
    assert manager.post(CLIENT, group).status_code == 200
    changed = {**fields, "workload_rules": 'project_path equals kestrel/settle\nref_protected equals "true"'}
    assert saved(manager, CLIENT, changed).status_code == 302
    assert client_row().workload_rules[1] == {"claim": "ref_protected", "operator": "equals", "value": "true"}


def test_who_comes_second_sees_which_workload_the_first_one_let_in(manager: Client) -> None:
    vouched_for(manager)
    mine = typed(manager, CLIENT, workload_rules="project_path equals kestrel/mine")
    theirs = typed(manager, CLIENT, workload_rules="project_path equals kestrel/theirs")
    assert saved(manager, CLIENT, theirs).status_code == 302
    late = manager.post(CLIENT, mine)
    page = late.content.decode()
    assert late.status_code == 409
    assert "kestrel/theirs" in page
    assert "kestrel/mine</textarea>" in page


def test_what_is_wrong_with_a_platform_stands_beside_its_field(manager: Client) -> None:
    fields = typed(manager, CLIENT, **BY_PLATFORM, workload_jwks=keys())
    for changes, field, words in WRONG:
        answer = manager.post(CLIENT, {**fields, **changes})
        assert (answer.status_code, changes) == (422, changes)
        assert words in " ".join(answer.context["form"].errors[field])
        assert '<details class="fold" open>' in answer.content.decode()
    assert client_row().workload_issuer == ""
    elsewhere = {**fields, "workload_place": "discovery", "workload_issuer": "https://10.0.0.7"}
    page = manager.post(CLIENT, elsewhere)
    assert page.status_code == 200, page.context["form"].errors
    assert "What the platform publishes now" in page.content.decode()
    assert page.context["examination"].is_good is False


def test_a_usual_platform_is_begun_with_and_saved_by_nobody_who_fills_nothing_in(manager: Client) -> None:
    for address, platform in (*product((NEW,), PLATFORMS), (CLIENT, "gitlab")):
        page = manager.get(f"{address}?platform={platform}")
        form = page.context["form"]
        chosen = form["method"].value() if address == NEW else form["methods"].value()
        assert chosen in ("workload_jwt", ["workload_jwt"])
        fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
        answer = manager.post(address, {**fields, "stamp": page.context.get("stamp", ""), "scopes": "ledger.read"})
        assert answer.status_code == 422
        assert "stands for what only you know" in " ".join(answer.context["form"].errors["workload_rules"])
    assert manager.get(f"{NEW}?platform=x").context["form"]["method"].value() == "client_secret_basic"
