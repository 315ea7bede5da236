"""Requests nobody would write: whatever comes, it is answered in protocol words, recorded once, and never a fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.protocol.compact import encode_segment
from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import granted
from tests.world import ACCESS_TOKEN, ID_TOKEN, JWT, LEDGER, REPORTS

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer

FORM = {"content-type": "application/x-www-form-urlencoded"}
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
FAULTS = {Reason.INTERNAL, Reason.LEDGER_UNAVAILABLE, Reason.OVERLOADED}
TEXTS = st.text(max_size=30)
MEMBERS = st.sampled_from(
    [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "scope",
        "scp",
        "act",
        "may_act",
        "cnf",
        "typ",
        "azp",
        "x",
        "",
        "\0",
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63, 2**64, 10**40, -0.0, 1e308, 5e-324]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(MEMBERS | TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def settled(server: ExchangeServer, response: httpx.Response) -> None:
    """A yes as every yes is, or a no of the client's making; one event in either case."""
    if response.status_code == 200:
        granted(server, response)
        return
    assert response.status_code in {400, 401, 405, 413}, response.text
    assert response.json().keys() == {"error", "error_description"}
    event = server.event(response)
    assert event["outcome"] == "refused"
    assert event["reason"] not in FAULTS


@settings(max_examples=40)
@given(members=st.dictionaries(MEMBERS | TEXTS, VALUES, max_size=6))
def test_any_claims_are_answered(server: ExchangeServer, members: dict[str, Any]) -> None:
    token = server.world.idp.subject_token(members.pop("aud", server.url), **members)
    settled(server, server.exchange(auth=server.basic, subject_token=token))


@settings(max_examples=40)
@given(members=st.dictionaries(TEXTS.filter(bool), VALUES, min_size=1, max_size=6))
def test_claims_we_do_not_know_change_nothing_and_are_recorded(server: ExchangeServer, members: dict[str, Any]) -> None:
    known = {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "tier", "act", "may_act", "cnf", "typ", "header"}
    extra = {f"x{name}": value for name, value in members.items() if name not in known and value is not None}
    response = server.exchange(auth=server.basic, subject_token=server.world.idp.subject_token(server.url, **extra))
    if response.status_code == 400:  # nested too deep, or too large, to be a token
        settled(server, response)
        return
    recorded = granted(server, response).event["data"]["subject"]["claims"]
    assert extra.keys() <= recorded.keys()


@settings(max_examples=40)
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "cty", "x", "crit", "b64"]) | TEXTS, VALUES, max_size=4
    )
)
def test_any_header_is_answered(server: ExchangeServer, header: dict[str, Any]) -> None:
    token = server.world.idp.subject_token(server.url)
    named = {"alg": "RS256", "kid": server.world.idp.key.kid} | header
    respelt = encode_segment(json.dumps(named).encode()).decode() + "." + token.partition(".")[2]
    settled(server, server.exchange(auth=server.basic, subject_token=respelt))


PARAMETERS = st.sampled_from(
    [
        *(
            "grant_type",
            "subject_token",
            "subject_token_type",
            "actor_token",
            "actor_token_type",
            "requested_token_type",
        ),
        *(
            "audience",
            "resource",
            "scope",
            "client_id",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
            "x",
        ),
    ]
)
ARGUMENTS = st.one_of(
    TEXTS,
    st.sampled_from([EXCHANGE, ACCESS_TOKEN, ID_TOKEN, JWT, LEDGER, REPORTS, "kestrel-batch", "a.b.c", "e30.e30.AA"]),
)


@rule(10, "RFC 6749", "5.2")
@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(PARAMETERS, ARGUMENTS), max_size=8), is_known=st.booleans())
def test_any_form_is_answered(server: ExchangeServer, pairs: list[tuple[str, str]], *, is_known: bool) -> None:
    usual = list(server.form().items()) if is_known else [("grant_type", EXCHANGE)]
    settled(server, server.post([*usual, *pairs], auth=server.basic))


@rule(10, "RFC 6749", "5.2")
@settings(max_examples=40)
@given(body=st.binary(max_size=200) | st.text("abc=&%+;\0\x1f é", max_size=60).map(str.encode))
def test_any_body_is_answered(server: ExchangeServer, body: bytes) -> None:
    settled(server, server.http.post("/oauth/token", content=body, headers=FORM))
    settled(
        server, server.http.post("/oauth/token", content=b"grant_type=" + EXCHANGE.encode() + b"&" + body, headers=FORM)
    )


HEADERS = st.sampled_from(["authorization", "dpop", "x-request-id", "traceparent", "content-type", "x-forwarded-for"])
FIELDS = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)


@rule(7, "RFC 6749", "5.2")
@settings(max_examples=40)
@given(fields=st.lists(st.tuples(HEADERS, FIELDS | st.just("Basic ") | st.just("Basic OjpB")), max_size=4))
def test_any_header_field_is_answered(server: ExchangeServer, fields: list[tuple[str, str]]) -> None:
    raw = [(name.encode(), text.strip().encode("latin-1")) for name, text in fields]
    settled(server, server.http.post("/oauth/token", data=server.form(), headers=raw))


LARGE: dict[str, Any] = {
    "five hundred members": {f"m{n}": n for n in range(500)},
    "one long text": "t" * 9000,
    "one long list": list(range(2000)),
    "a NUL": "a\0b",
    "the record's separator": "a\x1fb",
    "every control character": "".join(map(chr, range(32))),
    "text right to left": "\u202e\u2066",
    "letters outside the first plane": {"\U0001f600": "\U0001f600", "\uffff": 1},
    "the largest number that every parser reads": 2**53 - 1,
    "fifteen levels": json.loads('{"a":' * 15 + "1" + "}" * 15),
}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE.keys())
def test_an_unusual_claim_is_recorded_as_it_came(server: ExchangeServer, value: Any) -> None:
    token = server.world.idp.subject_token(server.url, unusual=value)
    answer = granted(server, server.exchange(auth=server.basic, subject_token=token))
    assert answer.event["data"]["subject"]["claims"]["unusual"] == value
    rows = server.rows("SELECT canonical FROM audit_event WHERE id = %s", answer.event["id"])
    assert json.loads(rows[0][0]) == answer.event


@pytest.mark.parametrize("number", [2**53, 2**64 - 1, -(2**63), 1.5, 1e300, -0.0], ids=str)
def test_a_number_that_parsers_read_differently_is_recorded_as_text(server: ExchangeServer, number: float) -> None:
    token = server.world.idp.subject_token(server.url, unusual=number)
    answer = granted(server, server.exchange(auth=server.basic, subject_token=token))
    assert answer.event["data"]["subject"]["claims"]["unusual"] == repr(number)
