"""Clients registered in the browser: a secret that is shown once, two that overlap, and a client that is suspended."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit.models import Event
from partners.models import Client as ClientRow
from portal.roles import Role
from tests.signers import make_key, public_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.test import Client

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

NEW = "/partners/kestrel/clients/new"
GOOD = {
    "name": "kestrel-new",
    "title": "",
    "method": "client_secret_basic",
    "jwks_uri": "",
    "jwks": "",
    "scopes": "ledger.read",
}


@pytest.fixture
def manager(organisation: Organisation, signed_in: SignIn) -> Client:  # noqa: ARG001 - asked for its partners
    """A partner manager's browser."""
    return signed_in(Role.PARTNER_MANAGER)


def shown(page: str) -> str:
    found = re.search(r'<code id="secret">([\w-]{43})</code>', page)
    assert found, "no secret is shown"
    return found[1]


def test_a_secret_is_shown_once_and_is_nowhere_else(manager: Client) -> None:
    answer = manager.post(NEW, GOOD)
    secret = shown(answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert ClientRow.objects.get(client_id="kestrel-new").secrets.count() == 1
    for address in ("clients", "integration", "history"):
        assert secret not in manager.get(f"/partners/kestrel/{address}").content.decode()
    assert not Event.objects.filter(canonical__contains=secret).exists()


def test_a_client_with_a_key_of_its_own_has_no_secret(manager: Client) -> None:
    keys = json.dumps(public_jwks(make_key("ES256")))
    answer = manager.post(NEW, {**GOOD, "method": "private_key_jwt", "jwks": keys})
    assert answer.status_code == 302
    row = ClientRow.objects.get(client_id="kestrel-new")
    assert (row.methods, row.secrets.count()) == (["private_key_jwt"], 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "kestrel-settlement"}, "a client id that is not taken"),
        ({"name": ""}, "Client id is empty"),
        ({"scopes": "ledger.everything"}, "scopes of a registered target"),
        ({"method": "private_key_jwt"}, "It authenticates by"),
        ({"method": "none"}, "what came is not offered"),
        ({"jwks": "{"}, "not readable as JSON"),
        ({"method": "private_key_jwt", "jwks": '{"keys": [{"kty": "oct", "k": "AAAA"}]}'}, "an acceptable key set"),
    ],
)
def test_what_is_wrong_with_a_client_stands_beside_its_field(
    manager: Client, changes: dict[str, Any], words: str
) -> None:
    answer = manager.post(NEW, {**GOOD, **changes})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "AAAA" not in answer.content.decode().partition("textarea")[0]


def test_a_form_that_is_sent_twice_registers_one_client(manager: Client) -> None:
    manager.post(NEW, GOOD)
    again = manager.post(NEW, GOOD)
    assert again.status_code == 422
    assert "a client id that is not taken" in again.content.decode()


def test_a_new_secret_leaves_the_present_one_good_until_it_was_said_to_end(manager: Client) -> None:
    manager.post(NEW, GOOD)
    now = timezone.now()
    answer = manager.post("/partners/kestrel/clients/kestrel-new/secret", {"older_ends": "24"})
    shown(answer.content.decode())
    older, newer = ClientRow.objects.get(client_id="kestrel-new").secrets.order_by("created_at")
    assert newer.expires_at is None
    assert older.expires_at
    assert timedelta(hours=23) < older.expires_at - now <= timedelta(hours=25)


def test_a_client_is_suspended_and_reinstated(manager: Client) -> None:
    address = "/partners/kestrel/clients/kestrel-reports/acts"
    assert "the answer of an unknown client" in manager.get(f"{address}/suspend").content.decode()
    assert manager.post(f"{address}/suspend").status_code == 302
    assert ClientRow.objects.get(client_id="kestrel-reports").state == "suspended"
    assert manager.post(f"{address}/suspend").status_code == 409
    assert "Nothing is left to do" in manager.get(f"{address}/suspend").content.decode()
    assert manager.post(f"{address}/reinstate").status_code == 302
    assert manager.post(f"{address}/explode").status_code == 404


def test_another_partners_client_is_not_found(manager: Client) -> None:
    for address in ("secret", "acts/suspend"):
        assert manager.post(f"/partners/fjord/clients/kestrel-reports/{address}").status_code == 404
    assert ClientRow.objects.get(client_id="kestrel-reports").state == "active"


@pytest.mark.usefixtures("organisation")
def test_who_only_reads_changes_no_client(signed_in: SignIn) -> None:
    browser = signed_in(Role.AUDITOR)
    assert "clients/new" not in browser.get("/partners/kestrel/clients").content.decode()
    for address in ("new", "kestrel-reports/secret", "kestrel-reports/acts/suspend"):
        assert browser.get(f"/partners/kestrel/clients/{address}").status_code == 403
        assert browser.post(f"/partners/kestrel/clients/{address}").status_code == 403


@pytest.mark.parametrize("address", ["new", "kestrel-reports/acts/suspend", "kestrel-settlement/secret"])
def test_a_page_takes_few_queries(manager: Client, django_assert_max_num_queries: Any, address: str) -> None:
    with django_assert_max_num_queries(12):
        assert manager.get(f"/partners/kestrel/clients/{address}").status_code == 200
