"""The credentials in a request: one method, read exactly. RFC 6749 section 2.3, RFC 7521 section 4.2."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.protocol.client_auth import JWT_BEARER_ASSERTION, Credentials, present
from exchange.protocol.compact import MAX_TOKEN_LENGTH
from exchange.protocol.errors import OAuthError
from exchange.protocol.form import parse_form
from policy.parties import ClientAuthentication
from policy.reasons import Reason
from tests.conformance.rules import rule

TEXTS = st.text(st.characters(exclude_characters="\0\x1f", exclude_categories=["Cs"]), min_size=1, max_size=12)
ASSERTION = {"client_assertion": "a.b.c", "client_assertion_type": JWT_BEARER_ASSERTION}


def basic(client_id: str, secret: str) -> str:
    return "Basic " + b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()


def read(*authorization: str, **form: Any) -> Credentials:
    return present(authorization, parse_form(urlencode(form).encode()))


def refused(*authorization: str, **form: Any) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        read(*authorization, **form)
    return caught.value


@rule(5, "RFC 6749", "2.3.1")
@rule(5, "RFC 6749", "B")
@given(client_id=TEXTS, secret=TEXTS)
def test_any_client_id_and_secret_survive_the_header(client_id: str, secret: str) -> None:
    credentials = read(basic(client_id, secret))
    assert credentials.method is ClientAuthentication.CLIENT_SECRET_BASIC
    assert credentials.unverified_client_id == client_id
    assert credentials.credential.reveal() == secret


@rule(5, "RFC 6749", "2.3.1")
@pytest.mark.parametrize("encode", [quote, quote_plus, lambda text: "".join(f"%{b:02x}" for b in text.encode())])
def test_a_colon_a_percent_sign_and_a_plus_are_what_they_are(encode: Any) -> None:
    header = "Basic " + b64encode(f"{encode('a:b%c+d e')}:{encode('é:%2B')}".encode()).decode()
    credentials = read(header)
    assert credentials.unverified_client_id == "a:b%c+d e"
    assert credentials.credential.reveal() == "é:%2B"


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "bAsIc"])
def test_the_scheme_is_compared_without_case(scheme: str) -> None:
    assert read(f"{scheme} {b64encode(b'id:secret').decode()}").unverified_client_id == "id"


UNREADABLE = {
    "another scheme": "Bearer abc",
    "no credentials": "Basic",
    "nothing": "",
    "no base64": "Basic !!!",
    "base64 of no UTF-8": "Basic " + b64encode(b"\xff:\xff").decode(),
    "no colon": "Basic " + b64encode(b"id").decode(),
    "no id": "Basic " + b64encode(b":secret").decode(),
    "no secret": "Basic " + b64encode(b"id:").decode(),
    "a NUL": "Basic " + b64encode(b"id:a%00b").decode(),
    "letters beyond ASCII": "Basic caf\xe9",
    "two in one": "Basic " + b64encode(b"id:secret").decode() + ", Basic " + b64encode(b"id:secret").decode(),
}


@rule(7, "RFC 6749", "5.2")
@pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_header_is_a_challenged_failure(header: str) -> None:
    error = refused(header)
    assert error.reason is Reason.CREDENTIALS_MALFORMED
    assert error.status == 401
    assert error.is_challenged


SEVERAL = {
    "two headers": ((basic("id", "x"), basic("id", "x")), {}),
    "header and body": ((basic("id", "x"),), {"client_id": "id", "client_secret": "x"}),
    "header and a secret without an id": ((basic("id", "x"),), {"client_secret": "x"}),
    "header and assertion": ((basic("id", "x"),), ASSERTION),
    "header and half an assertion": ((basic("id", "x"),), {"client_assertion_type": JWT_BEARER_ASSERTION}),
    "body and assertion": ((), {"client_id": "id", "client_secret": "x", **ASSERTION}),
    "all three": ((basic("id", "x"),), {"client_id": "id", "client_secret": "x", **ASSERTION}),
}


@rule(6, "RFC 6749", "2.3")
@pytest.mark.parametrize(("authorization", "form"), SEVERAL.values(), ids=SEVERAL.keys())
def test_more_than_one_method_is_invalid_request(authorization: tuple[str, ...], form: dict[str, str]) -> None:
    error = refused(*authorization, **form)
    assert error.reason is Reason.CREDENTIALS_SEVERAL
    assert (error.status, error.error) == (400, "invalid_request")


@rule(6, "RFC 6749", "2.3")
def test_a_client_id_beside_other_credentials_must_be_the_same() -> None:
    assert read(basic("id", "x"), client_id="id").unverified_client_id == "id"
    assert read(client_id="id", **ASSERTION).unverified_client_id == "id"
    assert refused(basic("id", "x"), client_id="other").reason is Reason.CLIENT_ID_MISMATCH


@rule(58, "RFC 7521", "4.2")
@pytest.mark.parametrize(
    "form",
    [
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": JWT_BEARER_ASSERTION},
        {"client_assertion": "a.b.c", "client_assertion_type": "jwt-bearer"},
        {"client_assertion": "a.b.c", "client_assertion_type": JWT_BEARER_ASSERTION.upper()},
        {"client_assertion": "<xml/>", "client_assertion_type": JWT_BEARER_ASSERTION.replace("jwt", "saml2")},
        {"client_assertion": "a" * (MAX_TOKEN_LENGTH + 1), "client_assertion_type": JWT_BEARER_ASSERTION},
    ],
    ids=["no type", "no assertion", "a short name", "capitals", "saml2", "too long"],
)
def test_an_assertion_comes_with_exactly_its_type(form: dict[str, str]) -> None:
    assert refused(**form).reason is Reason.CREDENTIALS_MALFORMED


@rule(26, "RFC 8693", "2.1")
@pytest.mark.parametrize("form", [{}, {"client_id": "id"}, {"client_secret": ""}, {"client_assertion": ""}])
def test_no_credentials_are_a_failed_authentication(form: dict[str, str]) -> None:
    error = refused(**form)
    assert error.reason is Reason.CREDENTIALS_MISSING
    assert (error.status, error.is_challenged) == (401, False)


@given(header=st.text(st.characters(max_codepoint=255), max_size=30))
def test_any_header_is_read_or_a_failed_authentication(header: str) -> None:
    reason = None
    try:
        assert read(header).unverified_client_id
    except OAuthError as error:
        reason = error.reason
    assert reason in {None, Reason.CREDENTIALS_MALFORMED}


def test_credentials_print_no_secret() -> None:
    assert "hunter2" not in repr(read(basic("id", "hunter2")))
    assert "hunter2" not in repr(read(client_id="id", client_secret="hunter2"))
