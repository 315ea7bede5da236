"""The search box: a reference, a token of ours or a partner's, a person, a client, a partner, and nothing at all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from exchange import finding
from exchange.models import IssuedToken, TokenFamily
from partners import finding as registered
from partners import models
from tests.portal.test_query_plans import plans

if TYPE_CHECKING:
    from django.test import Client

    from tests.portal.organisation import Organisation

MAX_QUERIES = 12
ISSUER = "https://idp.kestrel.example"
SUBJECT = "partner:kestrel:ada@kestrel.example"
HOSTILE = ("<script>alert(1)</script>", "' OR 1=1 --", "=cmd|' /C'!A0", "\u202egold", "%%__", "x" * 5000)


@pytest.fixture
def token(organisation: Organisation) -> IssuedToken:
    """A token that was issued for Ada an hour ago, of a token of Kestrel's."""
    at = timezone.now() - timedelta(hours=1)
    family = TokenFamily.objects.create(
        root_issuer=ISSUER,
        root_token_id="their-jti-1",
        subject=SUBJECT,
        created_at=at,
        expires_at=at + timedelta(minutes=5),
    )
    return IssuedToken.objects.create(
        family_id=family.id,
        event_id=organisation.granted,
        client_id=uuid7(),
        partner_id=organisation.kestrel.id,
        kid="k",
        subject=SUBJECT,
        audience=["https://ledger.meridian.example"],
        scope="ledger.read",
        issued_at=at,
        expires_at=at + timedelta(minutes=5),
    )


def found(browser: Client, text: str) -> str:
    answer = browser.get("/search", {"q": text})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_reference_leads_straight_to_its_exchange(browser: Client, organisation: Organisation) -> None:
    for text in (str(organisation.refused), f"invalid_target Reference {organisation.refused}."):
        answer = browser.get("/search", {"q": text})
        assert (answer.status_code, answer["Location"]) == (302, f"/exchanges/{organisation.refused}")


def test_a_token_is_found_by_its_own_identifier_and_by_the_one_it_was_made_of(
    browser: Client, token: IssuedToken
) -> None:
    for text in (str(token.id), "their-jti-1"):
        answer = browser.get("/search", {"q": text})
        assert (answer.status_code, answer["Location"]) == (302, f"/exchanges/{token.event_id}")
    models.Client.objects.filter(client_id="kestrel-old").update(client_id="their-jti-1-client")
    page = found(browser, "their-jti-1")
    assert f"{token.id}" in page
    assert "their-jti-1-client" in page
    assert "Ended" in page


@pytest.mark.parametrize("text", ["ada@kestrel.example", SUBJECT])
def test_a_person_is_found_as_tokens_name_them(browser: Client, token: IssuedToken, text: str) -> None:
    page = found(browser, text)
    assert "Issued for this person" in page
    assert f'href="/exchanges/{token.event_id}"' in page
    IssuedToken.objects.filter(pk=token.pk).update(revoked_at=timezone.now())
    assert "Revoked" in found(browser, text)


@pytest.mark.usefixtures("organisation")
def test_clients_and_partners_are_found_by_what_people_type(browser: Client) -> None:
    page = found(browser, "kestrel")
    for link in (
        "/exchanges?client=kestrel-settlement&amp;range=30d",
        "/partners/kestrel",
        "/partners/kestrel/clients",
    ):
        assert f'href="{link}"' in page
    assert "suspended" in page
    assert "Nothing was found" not in page


@pytest.mark.usefixtures("organisation")
def test_what_finds_nothing_says_so_and_what_is_too_short_is_not_looked_up(browser: Client) -> None:
    assert "Nothing was found" in found(browser, "nobody-by-this-name")
    assert "Nothing was found" in found(browser, str(UUID(int=7)))
    short = found(browser, "k")
    assert "too short to mean anything" in short
    assert "/partners/kestrel" not in short.partition('<main class="main"')[2]
    assert "Type what you have" in found(browser, "")


@pytest.mark.usefixtures("organisation")
def test_hostile_text_is_shown_as_text_and_finds_nothing(browser: Client) -> None:
    for text in HOSTILE:
        page = found(browser, text)
        assert "<script>alert" not in page
        assert "Nothing was found" in page


def test_a_search_asks_so_many_times_however_much_there_is(browser: Client, token: IssuedToken) -> None:
    for text in ("kestrel", "ada@kestrel.example", str(token.family_id)):
        with CaptureQueriesContext(connection) as captured:
            found(browser, text)
        assert len(captured) <= MAX_QUERIES


@pytest.mark.usefixtures("token")
def test_each_question_is_led_by_an_index() -> None:
    for read, index in (
        (lambda: finding.by_id(uuid7()), "exchange_issuedtoken_pkey"),
        (lambda: finding.by_root("their-jti-1", [ISSUER]), "family_by_root"),
        (lambda: finding.by_subject([SUBJECT]), "family_by_subject"),
        (lambda: registered.clients("kestrel"), "client_id"),
    ):
        plan = plans(read, "bitmapscan", "sort")
        assert index in plan
        assert "exchange_tokenfamily_pkey" not in plan
        assert "Seq Scan on exchange" not in plan
        assert "Seq Scan on partners_client" not in plan
