"""The event of an answer: one canonical form, one authentication code, and columns that say what the document says."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import rfc8785
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from audit.envelope import SCHEMA_VERSION, Envelope, seal
from audit.events import Actor, ActorKind, ExchangeGranted
from audit.identifiers import new_id
from exchange.token_facts import storable
from portal.config import Kek
from tests.conformance.rules import OWN, rule

if TYPE_CHECKING:
    from tests.exchange_server import ExchangeServer

LARGEST = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
CLAIMS = st.recursive(
    SCALARS | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def _sealed(data: dict[str, Any], name: str = "kestrel-backend") -> Envelope:
    event = ExchangeGranted(partner="kestrel", client=name, target="https://ledger.example", data=data)
    actor = Actor(ActorKind.CLIENT, name)
    return seal(event, actor, event_id=new_id(), correlation_id=new_id(), at=datetime.now(UTC))


@given(st.dictionaries(TEXT, JSON, max_size=6), TEXT)
def test_the_canonical_form_is_that_of_rfc_8785(data: dict[str, Any], name: str) -> None:
    envelope = _sealed(data, name)
    document = json.loads(envelope.canonical)
    assert rfc8785.dumps(document) == envelope.canonical.encode()
    assert document["data"] == data
    assert document["client"] == name


@given(st.dictionaries(TEXT, CLAIMS, max_size=6))
def test_any_claims_of_a_partner_have_a_canonical_form(claims: dict[str, Any]) -> None:
    envelope = _sealed({"subject": {"claims": storable(claims)}})
    assert rfc8785.dumps(json.loads(envelope.canonical)) == envelope.canonical.encode()


@pytest.mark.parametrize(
    "names",
    [("\ue000", "\U00010000"), ("a\uffff", "a\U0001f600"), ("z", "é"), ("", "a")],
    ids=["astral", "prefixed", "accented", "empty"],
)
def test_members_are_sorted_by_utf_16_as_rfc_8785_says(names: tuple[str, str]) -> None:
    envelope = _sealed({name: dict.fromkeys(reversed(names), 1) for name in reversed(names)})
    assert rfc8785.dumps(json.loads(envelope.canonical)) == envelope.canonical.encode()


@given(st.dictionaries(TEXT, JSON, max_size=3))
def test_the_code_is_made_with_a_key_that_is_not_in_the_database(data: dict[str, Any]) -> None:
    envelope = _sealed(data)
    kek = settings.HANDOVER.kek_by_id(envelope.kek_id)
    assert envelope.mac == hmac.new(kek.derive("audit-mac"), envelope.canonical.encode(), "sha256").digest()
    changed = envelope.canonical.replace("kestrel-backend", "kestrel-backenD").encode()
    assert envelope.mac != hmac.new(kek.derive("audit-mac"), changed, "sha256").digest()


COLUMNS = """SELECT event.id, kind, outcome, reason, partner.slug, client, target, actor, correlation_id, canonical,
    mac, kek_id, schema_version FROM audit_event event LEFT JOIN partners_partner partner ON partner.id = partner_id"""


@rule(158, OWN)
def test_the_columns_of_an_event_say_what_its_document_says(server: ExchangeServer) -> None:
    answers = [
        server.exchange(scope="ledger.read"),
        server.exchange(audience="https://unknown.example"),
        server.exchange(subject_token=server.world.other_idp.subject_token(server.world.issuer)),
        server.exchange(auth=("kestrel-batch", "wrong")),
        server.post({"grant_type": "é\u2028"}),
    ]
    references = [answer.headers["x-correlation-id"] for answer in answers]
    rows = server.rows(f"{COLUMNS} WHERE correlation_id = ANY(%s::uuid[])", references)
    assert len(rows) == len(answers)
    kek = Kek.from_text(server.environment["HANDOVER_KEK"])
    for (
        event_id,
        kind,
        outcome,
        reason,
        partner,
        client,
        target,
        actor,
        correlation,
        text,
        mac,
        kek_id,
        version,
    ) in rows:
        document = json.loads(text)
        assert rfc8785.dumps(document) == text.encode()
        assert mac == hmac.new(kek.derive("audit-mac"), text.encode(), "sha256").digest()
        assert (kek_id, version) == (kek.id, SCHEMA_VERSION)
        assert document["id"] == str(event_id)
        assert event_id.version == 7
        assert document["correlation_id"] == str(correlation)
        assert document["actor"] == dict(zip(("kind", "name"), actor.split(":", 1), strict=True))
        assert document["schema"] == version
        said = {"kind": kind, "outcome": outcome, "reason": reason, "client": client, "target": target}
        assert {name: document[name] for name in said} == said
        assert document["partner"] == (partner or "")


def test_a_tokens_rows_say_what_the_token_says(server: ExchangeServer) -> None:
    answer = server.exchange(scope="ledger.read ledger.write")
    event = server.event(answer)
    token = event["data"]["token"]
    query = """SELECT token.event_id, token.subject, token.audience, token.scope, token.kid, token.depth,
                   extract(epoch FROM token.issued_at), extract(epoch FROM token.expires_at), client.client_id,
                   family.id, family.root_issuer, family.root_token_id, family.subject,
                   family.expires_at = token.expires_at
               FROM exchange_issuedtoken token JOIN exchange_tokenfamily family ON family.id = token.family_id
               JOIN partners_client client ON client.id = token.client_id WHERE token.id = %s"""
    (row,) = server.rows(query, token["jti"])
    subject = event["data"]["subject"]
    assert row == (
        UUID(event["id"]),
        token["sub"],
        token["aud"],
        " ".join(token["scope"]),
        token["kid"],
        0,
        token["issued_at"],
        token["expires_at"],
        event["client"],
        UUID(token["family"]),
        subject["issuer"],
        subject["jti"],
        token["sub"],
        True,
    )
    assert server.rows("SELECT count(*) FROM audit_pending WHERE event_id = %s", event["id"]) == [(1,)]


@pytest.mark.parametrize("claim", ["sub", "jti", "scope", "tier", "x"])
@pytest.mark.parametrize(
    "hidden", ["\x1f", "\0", "\x1f\x1f", "\u2028", "\U0001f600"], ids=["US", "NUL", "USUS", "LS", "astral"]
)
def test_no_claim_of_a_partner_can_shift_a_column(server: ExchangeServer, claim: str, hidden: str) -> None:
    claims: dict[str, Any] = {claim: f"a{hidden}b settle:write"}
    token = server.world.idp.subject_token(server.world.issuer, **claims)
    answer = server.exchange(subject_token=token)
    assert answer.status_code in {200, 400}
    event = server.event(answer)
    assert event["client"] == "kestrel-backend"
    assert event["outcome"] == ("granted" if answer.status_code == 200 else "refused")
