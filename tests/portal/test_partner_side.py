"""The partner's side: its own objects and no other's, tries that say whose turn it is, keys rotated with overlap."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Event
from partners import models
from portal.models import PartnerAdmin
from portal.partner_side.domains import is_inside
from portal.partner_side.pages.door import LONGEST_NAME
from portal.partner_side.urls import urlpatterns
from portal.roles import Role
from tests.attacks import attack
from tests.portal import organisation as organisations
from tests.portal import partner_side
from tests.portal.conftest import prove
from tests.signers import Signer, make_key, public_jwk, public_jwks

if TYPE_CHECKING:
    from tests.portal.partner_side import Sides

MAX_QUERIES = 12


@pytest.fixture
def sides(db: None) -> Sides:  # noqa: ARG001 - asked for its transaction
    cache.clear()
    return partner_side.build()


def addresses(objects: dict[str, str], *, with_objects: bool) -> list[tuple[str, str]]:
    """Every address of the partner's side, or those of single objects, with these objects in them."""
    found = []
    for pattern in urlpatterns:
        names = list(pattern.pattern.converters)
        if bool(names) is with_objects:
            found.append(
                (str(pattern.name), reverse(str(pattern.name), kwargs={name: objects[name] for name in names}))
            )
    return found


def strays() -> list[tuple[str, str]]:
    """What was asked for in vain, by kind and name, as the trail has it."""
    rows = Event.objects.filter(kind="partner.foreign_object_asked").order_by("id")
    data = [json.loads(row.canonical)["data"] for row in rows]
    return [(entry["object"], entry["name"]) for entry in data]


@attack("A26")
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_partners_object_is_not_there_at_any_address_and_the_trail_knows(sides: Sides, method: str) -> None:
    before = list(models.Client.objects.filter(partner=sides.fjord).values()) + list(
        models.KeySource.objects.filter(partner=sides.fjord).values()
    )
    asked = 0
    for name, address in addresses(sides.theirs, with_objects=True):
        mine = dict(addresses(sides.mine, with_objects=True))[name]
        if getattr(sides.browser, method)(mine).status_code == 405:
            continue
        answer = getattr(sides.browser, method)(address, {"kid": "x", "known": "fjord-idp"})
        assert (name, answer.status_code) == (name, 404)
        assert "Nothing of yours is at this address" in answer.content.decode()
        asked += 1
        assert len(strays()) == asked, name
        assert strays()[-1][1] in sides.theirs.values()
    assert asked
    after = list(models.Client.objects.filter(partner=sides.fjord).values()) + list(
        models.KeySource.objects.filter(partner=sides.fjord).values()
    )
    assert after == before


@attack("A26")
def test_another_partners_object_is_not_found_through_a_form_either(sides: Sides) -> None:
    form = {"client": "fjord-batch", "audience": "https://ledger.meridian.example", "token": sides.token}
    assert sides.browser.post("/connect/try", form).status_code == 404
    assert sides.browser.post("/connect/issuer/check", {"known": "fjord-idp"}).status_code == 404
    assert strays() == [("client", "fjord-batch"), ("trust", "fjord-idp")]


@attack("A26")
def test_no_page_of_the_partners_side_shows_another_partner(sides: Sides) -> None:
    shown = addresses({}, with_objects=False) + addresses(sides.mine, with_objects=True)
    answers = [(name, sides.browser.get(address)) for name, address in shown]
    pages = [(name, answer) for name, answer in answers if answer.status_code == 200]
    assert len(pages) >= 9
    for name, answer in pages:
        assert (name, "fjord" in answer.content.decode().lower()) == (name, False)
        assert (name, answer["Referrer-Policy"], answer["X-Robots-Tag"]) == (name, "strict-origin", "noindex")


def test_a_partners_account_gets_no_role_of_ours(sides: Sides) -> None:
    admin, partners = organisations.person(Role.SECURITY_ADMIN), PartnerAdmin.objects.get().user
    browser = Client()
    browser.force_login(admin)
    prove(browser)
    answer = browser.post(f"/people/{partners.pk}/roles/give", {"role": "Auditor"})
    assert answer.status_code == 409
    assert "This account is a partner" in answer.content.decode()
    assert sides.browser.get("/partners").status_code == 403


@pytest.mark.parametrize("name", ["%E2%80%AE", "..%2F..", "x" * 3000, "%27--"])
def test_a_name_that_nothing_has_is_not_there_and_breaks_nothing(sides: Sides, name: str) -> None:
    assert sides.browser.get(f"/connect/clients/{name}/secret").status_code == 404
    assert len(strays()) == 1
    assert len(strays()[0][1]) <= LONGEST_NAME


def test_an_object_of_ours_is_not_opened_by_a_role_alone(sides: Sides) -> None:
    PartnerAdmin.objects.all().delete()
    assert sides.browser.get("/connect").status_code == 403
    assert "bound to no partner" in sides.browser.get("/connect/exchanges").content.decode()


def test_the_connection_of_a_partner_that_left_is_closed(sides: Sides) -> None:
    models.Partner.objects.update(state="offboarded")
    assert "The partnership has ended" in sides.browser.get("/connect").content.decode()
    assert sides.browser.post("/connect/clients/kestrel-batch/secret", {"older_ends": "24"}).status_code == 403


def test_every_page_stays_within_its_queries(sides: Sides) -> None:
    for name, address in addresses({}, with_objects=False) + addresses(sides.mine, with_objects=True):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = sides.browser.get(address)
        if answer.status_code == 200:
            assert (name, len(queries) <= MAX_QUERIES) == (name, True), [q["sql"][:90] for q in queries]


def tried(sides: Sides, **fields: str) -> str:
    form = {"client": "kestrel-batch", "audience": "https://ledger.meridian.example", "token": sides.token, **fields}
    answer = sides.browser.post("/connect/try", form)
    assert answer.status_code == 200
    page: str = answer.content.decode()
    assert form["token"] not in page
    return page


def test_a_good_token_is_green_and_nothing_is_issued(sides: Sides) -> None:
    page = tried(sides)
    assert "A token would be minted" in page
    assert not Event.objects.filter(kind="exchange.granted").exists()


@pytest.mark.parametrize(
    ("claims", "title", "whose"),
    [
        ({"tier": "silver"}, "equals", "Either side"),
        ({"exp": 1, "iat": 0}, "expire", "You change it, in what your side sends."),
        ({"iss": "https://idp.elsewhere.example"}, "issuer", "Either side"),
    ],
)
def test_a_red_try_says_what_was_expected_and_whose_turn_it_is(
    sides: Sides, claims: dict[str, Any], title: str, whose: str
) -> None:
    token = sides.idp.subject_token("http://127.0.0.1:8000", **claims)
    page = tried(sides, token=token)
    assert "The request would be refused" in page
    assert title in page.lower()
    assert whose in page
    assert "Expected" in page
    assert 'href="/partners' not in page


def test_a_try_without_a_token_or_with_another_audience_is_refused_beside_its_field(sides: Sides) -> None:
    form = {"client": "kestrel-batch", "audience": "https://elsewhere.example", "token": ""}
    answer = sides.browser.post("/connect/try", form)
    assert answer.status_code == 422
    for words in ("There is no token", "This is none of yours"):
        assert words in answer.content.decode()


def test_a_new_secret_is_shown_once_and_the_present_one_stays_for_a_while(sides: Sides) -> None:
    answer = sides.browser.post("/connect/clients/kestrel-batch/secret", {"older_ends": "24"})
    found = re.search(r'id="secret">([\w-]{43})<', answer.content.decode())
    assert found
    assert models.ClientSecret.objects.filter(client__client_id="kestrel-batch").count() == 2
    home = sides.browser.get("/connect").content.decode()
    assert "Rotating" in home
    assert found[1] not in home
    assert all(found[1] not in event.canonical for event in Event.objects.all())
    assert sides.browser.post("/connect/clients/kestrel-keyed/secret", {"older_ends": "24"}).status_code == 409


def kids(client_id: str = "kestrel-keyed") -> list[str]:
    return [key["kid"] for key in models.KeySource.objects.get(client__client_id=client_id).jwks["keys"]]


def test_a_clients_keys_rotate_with_an_overlap_and_the_last_one_stays(sides: Sides) -> None:
    new, old, address = make_key("ES256"), kids()[0], "/connect/clients/kestrel-keyed/keys"
    assert sides.browser.post(address, {"jwks": json.dumps(public_jwks(new))}).status_code == 302
    assert kids() == [old, new.kid]
    assert "Rotating" in sides.browser.get("/connect").content.decode()
    assert sides.browser.post(f"{address}/remove", {"kid": old}).status_code == 302
    assert kids() == [new.kid]
    last = sides.browser.post(f"{address}/remove", {"kid": new.kid})
    assert last.status_code == 409
    assert "the last key" in last.content.decode()
    assert sides.browser.post(f"{address}/remove", {"kid": old}).status_code == 409
    changed = Event.objects.filter(kind="configuration.applied", client="kestrel-keyed")
    assert {event.actor for event in changed} == {f"user:{partner_side.MEI}"}


@pytest.mark.parametrize(
    ("jwks", "words"),
    [
        ("", "is empty"),
        ("[1]", "This is no key set"),
        ("{", "not readable as JSON"),
        (json.dumps({"keys": [make_key("ES256", "mine").as_dict(private=True)]}), "private members"),
        (json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]}), "symmetric"),
    ],
)
def test_keys_that_must_not_be_taken_are_refused_and_never_shown_again(sides: Sides, jwks: str, words: str) -> None:
    before = kids()
    answer = sides.browser.post("/connect/clients/kestrel-keyed/keys", {"jwks": jwks})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert kids() == before
    assert all("c2VjcmV0" not in event.canonical for event in Event.objects.all())


def test_the_keys_of_an_issuer_inside_the_own_domain_change_at_once_and_void_no_test(sides: Sides) -> None:
    new = make_key("ES256")
    models.Partner.objects.filter(slug="kestrel").update(state="tested")
    address = "/connect/trusts/kestrel-idp/keys"
    assert sides.browser.post(address, {"jwks": json.dumps(public_jwks(new))}).status_code == 302
    assert "A token would be minted" in tried(
        sides, token=Signer(sides.idp.issuer, new).subject_token("http://127.0.0.1:8000")
    )
    assert sides.browser.post(f"{address}/remove", {"kid": sides.idp.key.kid}).status_code == 302
    assert "The request would be refused" in tried(sides)
    assert models.Partner.objects.get(slug="kestrel").state == "tested"
    assert Event.objects.filter(kind="trust.keys_refreshed", actor=f"user:{partner_side.MEI}").count() == 2


def test_the_keys_of_an_issuer_outside_the_own_domain_are_only_proposed(sides: Sides) -> None:
    models.FederationTrust.objects.filter(name="kestrel-idp").update(issuer="https://kestrel.example.evil.example")
    jwks = json.dumps({"keys": [public_jwk(make_key("ES256"))]})
    for path in ("keys", "keys/remove"):
        answer = sides.browser.post(f"/connect/trusts/kestrel-idp/{path}", {"jwks": jwks, "kid": sides.idp.key.kid})
        assert answer.status_code == 409
        assert "outside kestrel.example" in answer.content.decode()


@pytest.mark.parametrize(
    ("url", "is_so"),
    [
        ("https://kestrel.example/x", True),
        ("https://IDP.Kestrel.Example", True),
        ("https://notkestrel.example", False),
        ("https://kestrel.example@evil.example", False),
        ("https://evil.example/kestrel.example", False),
        ("https://[", False),
    ],
)
def test_a_domain_is_left_by_a_name_that_only_looks_like_it(url: str, is_so: bool) -> None:  # noqa: FBT001
    assert is_inside(url, "kestrel.example") is is_so
    assert not is_inside(url, "")


def test_what_was_exchanged_and_changed_is_told_without_our_peoples_names(sides: Sides) -> None:
    page = sides.browser.get("/connect/exchanges").content.decode()
    assert "kestrel-batch" in page
    assert "no limit of your own" in page
    assert "None ended this way" in sides.browser.get("/connect/exchanges?outcome=granted").content.decode()
    trace = sides.browser.get(f"/connect/exchanges/{sides.mine['reference']}").content.decode()
    assert "Decision, step by step" in trace
    assert 'href="/partners' not in trace
    assert sides.browser.get("/connect/exchanges/nonsense").status_code == 404
    sides.browser.post("/connect/clients/kestrel-batch/secret", {"older_ends": "24"})
    history = sides.browser.get("/connect/history").content.decode()
    assert partner_side.MEI in history
    assert "meridian.example" not in history
