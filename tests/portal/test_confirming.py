"""What a stolen session alone cannot do: every act that puts something into force asks again who is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from django.test import Client

from partners.models import ScopeMapping
from portal.roles import Role
from tests.portal import organisation as organisations
from tests.portal.conftest import prove
from tests.portal.test_partner_life import make_tested, state
from tests.portal.test_partner_mappings import present, save

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.portal.organisation import Organisation

    SignIn = Callable[[Role | None], Client]

AN_HOUR = 3600
PUBLISH = "/partners/kestrel/mappings/settle/publish"


@pytest.fixture
def stale(organisation: Organisation) -> Client:
    """The session of a manager who proved who they are an hour ago."""
    client = Client()
    client.force_login(organisation.people[Role.PARTNER_MANAGER])
    prove(client, ago=AN_HOUR)
    return client


def asked(answer: Any) -> bool:
    """Whether the answer is the way to the page that asks who is there."""
    return bool(answer.status_code == 302 and answer["Location"].startswith("/account/confirm"))


def draft_of_another(signed_in: SignIn) -> str:
    """The stamp of a draft that somebody else than the manager wrote."""
    assert save(signed_in(Role.SECURITY_ADMIN)).status_code == 302
    return present().stamp


def test_activating_asks_again_and_is_done_once_it_is_confirmed(organisation: Organisation, stale: Client) -> None:
    make_tested(organisation, registered_by="ada@meridian.example")
    address = "/partners/kestrel/acts/activate"
    assert stale.get(address).status_code == 200
    assert asked(stale.post(address))
    assert state("kestrel") == "tested"
    stale.post("/account/confirm", {"password": organisations.PASSWORD, "next": address})
    assert state("kestrel") == "active"


def test_offboarding_asks_again_before_it_reads_what_was_typed(stale: Client) -> None:
    assert asked(stale.post("/partners/kestrel/acts/offboard", {"typed": "kestrel"}))
    assert state("kestrel") == "active"


def test_publishing_asks_again_and_is_done_once_it_is_confirmed(stale: Client, signed_in: SignIn) -> None:
    stamp = draft_of_another(signed_in)
    assert asked(stale.post(PUBLISH, {"stamp": stamp}))
    published = ScopeMapping.objects.filter(name="settle", state="published")
    assert published.get().version == 3
    stale.post("/account/confirm", {"password": organisations.PASSWORD, "next": PUBLISH})
    assert published.get().version == 4


def test_what_can_be_undone_at_once_asks_nothing(stale: Client) -> None:
    """Suspending in an emergency must not wait for a second factor: it takes access away."""
    assert stale.post("/partners/kestrel/acts/suspend")["Location"] == "/partners/kestrel"
    assert state("kestrel") == "suspended"


@pytest.mark.parametrize(
    "path", ["partners/kestrel/activate", "partners/kestrel/offboard", "partners/kestrel/mappings/settle/publish"]
)
def test_the_api_is_no_way_round_it_for_a_session(stale: Client, path: str) -> None:
    answer = stale.post(f"/api/v1/{path}", None, content_type="application/json")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (403, "confirmation_needed")
    prove(stale)
    assert stale.post(f"/api/v1/{path}", None, content_type="application/json").status_code not in {401, 403}


@pytest.mark.parametrize("address", ["/oauth/authorize?response_type=code&client_id=app", "/oauth/device"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_client_and_no_device_is_let_in_by_a_session_alone(stale: Client, address: str, method: str) -> None:
    """Its token could do what the pages ask for, so this would be the way round it."""
    answer = getattr(stale, method)(address)
    assert asked(answer)
    assert unquote(answer["Location"]).endswith(f"next={address}")
    prove(stale)
    assert not asked(getattr(stale, method)(address))


def test_a_draft_needs_no_proof_because_nothing_is_in_force_by_it(stale: Client) -> None:
    assert save(stale)["Location"] == "/partners/kestrel/mappings/settle/versions"
    assert ScopeMapping.objects.get(name="settle", state="draft").version == 4
