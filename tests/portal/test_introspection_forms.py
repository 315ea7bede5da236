"""Where an issuer is asked about opaque tokens, and our secret there: set in the browser, tried, and never shown."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from audit.models import Event
from exchange.introspection_checks import Answer, ask_about_nothing
from partners import services
from partners.changes import changing
from partners.errors import ChangedMeanwhile
from partners.introspection_values import sealed_of
from partners.models import FederationTrust, Partner
from tests.introspection_endpoints import Endpoint, say
from tests.portal import happenings
from tests.portal.test_amending import TRUST, manager, saved, trust_row, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

__all__ = ["manager"]

SECRET = "/partners/kestrel/trust/kestrel-idp/introspection-secret"


@pytest.fixture
def endpoint(settings: Any) -> Iterator[Endpoint]:
    """The issuer's endpoint, on a network that the operator vouches for."""
    settings.HANDOVER = replace(settings.HANDOVER, outbound_allow=(ip_network("127.0.0.1/32"),))
    running = Endpoint(client_id="meridian@kestrel")
    running.start()
    yield running
    running.stop()


def asked_at(browser: Client, endpoint: Endpoint, **changes: Any) -> dict[str, Any]:
    """The form of the trust with the endpoint in it."""
    there = {"introspection_endpoint": endpoint.url, "introspection_client_id": endpoint.client_id}
    return typed(browser, TRUST, **{**there, **changes})


def stands(endpoint: Endpoint) -> None:
    """The trust, with the endpoint in it already."""
    there = {"introspection_endpoint": endpoint.url, "introspection_client_id": endpoint.client_id}
    FederationTrust.objects.filter(pk=trust_row().pk).update(**there)


def put(browser: Client, secret: str, **more: str) -> Any:
    """The secret, typed on its page as it stands now."""
    return browser.post(SECRET, {"secret": secret, "stamp": browser.get(SECRET).context["stamp"], **more})


def test_an_endpoint_is_named_asked_who_it_wants_to_hear_from_and_saved(manager: Client, endpoint: Endpoint) -> None:
    assert manager.get(SECRET).status_code == 404
    fields = asked_at(manager, endpoint)
    page = manager.post(TRUST, fields)
    words = page.content.decode()
    assert page.context["asked"].answer == Answer.ASKS_WHO
    assert {change.field for change in page.context["review"].fields} == {
        f"introspection.{name}" for name in ("endpoint", "client_id", "allows_missing_audience")
    }
    assert "Until its secret is put, opaque tokens are refused." in words
    assert trust_row().introspection_endpoint == ""
    assert saved(manager, TRUST, fields).status_code == 302
    assert trust_row().introspection_endpoint == endpoint.url
    assert (
        "without a secret: they are refused until one is put" in manager.get("/partners/kestrel/trust").content.decode()
    )


def test_the_secret_is_tried_there_kept_sealed_and_on_no_page_and_in_no_event(
    manager: Client, endpoint: Endpoint
) -> None:
    stands(endpoint)
    endpoint.asked.clear()
    assert put(manager, endpoint.secret).status_code == 302
    assert len(endpoint.asked) == 1
    row = trust_row()
    sealed = sealed_of(row)
    assert sealed
    assert sealed.open(row.introspection_endpoint, row.introspection_client_id) == endpoint.secret
    for address in (TRUST, SECRET, "/partners/kestrel/trust", "/partners/kestrel/history"):
        assert endpoint.secret not in manager.get(address).content.decode()
    assert not Event.objects.filter(canonical__contains=endpoint.secret).exists()
    told = json.loads(Event.objects.order_by("id").values_list("canonical", flat=True).last() or "")
    assert told["data"]["fields"] == {"introspection secret": {"old": None, "new": "put"}}
    assert "with a secret that is kept sealed" in manager.get("/partners/kestrel/trust").content.decode()


def test_a_secret_that_does_not_pass_is_kept_only_by_who_says_so_and_is_typed_again(
    manager: Client, endpoint: Endpoint
) -> None:
    stands(endpoint)
    answer = put(manager, "not-the-one")
    page = answer.content.decode()
    assert (answer.status_code, answer.context["asked"].answer) == (422, Answer.WRONG_CREDENTIAL)
    assert "It does not take our client id with this secret." in page
    assert "not-the-one" not in page
    assert sealed_of(trust_row()) is None
    assert put(manager, "not-the-one", anyway="on").status_code == 302
    assert sealed_of(trust_row()) is not None


def test_what_cannot_be_a_secret_is_sent_nowhere(manager: Client, endpoint: Endpoint) -> None:
    stands(endpoint)
    endpoint.asked.clear()
    for secret in ("", "two words", "schl\u00fcssel", "x" * 513, "a\x00b"):
        answer = put(manager, secret)
        assert (answer.status_code, endpoint.asked) == (422, [])
        assert answer.context["form"].errors["secret"]


def test_a_secret_is_sent_to_no_place_that_its_author_did_not_see(manager: Client, endpoint: Endpoint) -> None:
    stands(endpoint)
    stamp = manager.get(SECRET).context["stamp"]
    FederationTrust.objects.filter(pk=trust_row().pk).update(
        introspection_client_id="somebody-else", updated_at=timezone.now()
    )
    endpoint.asked.clear()
    late = manager.post(SECRET, {"secret": endpoint.secret, "stamp": stamp})
    assert (late.status_code, endpoint.asked) == (409, [])
    assert "changed by somebody else since you opened it" in late.content.decode()
    assert "somebody-else" in late.content.decode()
    assert sealed_of(trust_row()) is None


def test_what_changed_while_the_endpoint_answered_is_told_and_nothing_is_kept(
    manager: Client, endpoint: Endpoint
) -> None:
    stands(endpoint)
    with pytest.raises(ChangedMeanwhile, match="changed by somebody else"), changing(happenings.ADA) as change:
        services.put_introspection_secret(change, "kestrel", "kestrel-idp", endpoint.secret, seen="another stamp")
    Partner.objects.filter(slug="kestrel").update(state="offboarded")
    late = put(manager, endpoint.secret)
    assert (late.status_code, endpoint.secret in late.content.decode()) == (409, False)
    assert "offboarded" in " ".join(late.context["form"].non_field_errors())
    assert sealed_of(trust_row()) is None


def test_another_place_forgets_the_secret_and_says_so_first(manager: Client, endpoint: Endpoint) -> None:
    stands(endpoint)
    put(manager, endpoint.secret)
    kept = typed(manager, TRUST, introspection_allows_missing_audience="on")
    shown = manager.post(TRUST, kept)
    assert "is forgotten" not in shown.content.decode()
    assert manager.post(TRUST, {**kept, "confirmed": shown.context["review"].digest}).status_code == 302
    assert sealed_of(trust_row()) is not None
    for changes, words in (
        ({"introspection_client_id": "another"}, "is for the former place, and is forgotten"),
        (
            {"introspection_endpoint": "", "introspection_client_id": ""},
            "opaque tokens are refused from the next request",
        ),
    ):
        fields = typed(manager, TRUST, **changes)
        shown = manager.post(TRUST, fields)
        assert words in shown.content.decode()
    assert manager.post(TRUST, {**fields, "confirmed": shown.context["review"].digest}).status_code == 302
    assert sealed_of(trust_row()) is None


def test_what_is_wrong_with_an_endpoint_stands_beside_its_field_and_none_inside_is_called(manager: Client) -> None:
    fields = typed(manager, TRUST)
    for endpoint, client_id, wrong in (
        ("", "us", "introspection_endpoint"),
        ("https://idp.kestrel.example/x", "", "introspection_client_id"),
        ("ftp://idp.example", "us", "introspection_endpoint"),
        ("x" * 600, "us", "introspection_endpoint"),
    ):
        there = {"introspection_endpoint": endpoint, "introspection_client_id": client_id}
        answer = manager.post(TRUST, {**fields, **there})
        assert (answer.status_code, wrong in answer.context["form"].errors) == (422, True)
        assert '<details class="fold" open>' in answer.content.decode()
    inside = {"introspection_endpoint": "https://10.0.0.7/introspect", "introspection_client_id": "us"}
    page = manager.post(TRUST, {**fields, **inside})
    assert page.context["asked"].answer == Answer.NOT_CALLED
    assert "a private address" in page.content.decode()


ANSWERS: list[tuple[object, int, Answer]] = [
    ({"active": True}, 200, Answer.ANYTHING_GOES),
    ({"active": "false"}, 200, Answer.NOT_AN_ANSWER),
    ({"error": "<script>", "error_description": "<script>"}, 200, Answer.NOT_AN_ANSWER),
    (b"<script>", 200, Answer.NOT_AN_ANSWER),
    ({}, 500, Answer.NO_ANSWER),
    ({}, 302, Answer.NO_ANSWER),
]


def test_what_an_endpoint_answers_is_judged_and_never_repeated(endpoint: Endpoint) -> None:
    for body, status, answer in ANSWERS:
        endpoint.fault = partial(say, body=body, status=status, location="http://127.0.0.1/" if status == 302 else "")
        asked = ask_about_nothing(endpoint.url, endpoint.client_id, endpoint.secret)
        assert (asked.answer, "<script>" in asked.detail, asked.is_good) == (answer, False, False)
    endpoint.fault = partial(say, body={"active": False})
    assert ask_about_nothing(endpoint.url, endpoint.client_id, None).answer == Answer.TOLD_ANYBODY
    assert ask_about_nothing(endpoint.url, endpoint.client_id, endpoint.secret).is_good
