"""A token exchange request, parameter by parameter: RFC 8693 section 2.1, RFC 6749 section 3.3, RFC 8707 section 2."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.protocol.errors import InvalidRequest, InvalidScope, InvalidTarget, OAuthError
from exchange.protocol.form import parse_form
from exchange.protocol.request import MAX_SCOPE_LENGTH, MAX_TARGETS, TokenRequest, parse, parse_scope
from policy.tokens import TokenType
from tests.conformance.rules import rule

GOOD = {"subject_token": "a.b.c", "subject_token_type": TokenType.ACCESS_TOKEN.value}


def read(**changes: Any) -> TokenRequest:
    fields = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return parse(parse_form(urlencode(fields, doseq=True).encode()))


def refused(**changes: Any) -> type[OAuthError]:
    with pytest.raises(OAuthError) as caught:
        read(**changes)
    return type(caught.value)


VISIBLE = "".join(map(chr, [0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F)]))


@rule(12, "RFC 6749", "3.3")
@given(values=st.lists(st.text(VISIBLE, min_size=1, max_size=6), min_size=1, max_size=6))
def test_scope_values_are_read_exactly_and_without_order(values: list[str]) -> None:
    assert parse_scope(" ".join(values)) == frozenset(values) == parse_scope(" ".join(reversed(values)))


@rule(12, "RFC 6749", "3.3")
@given(text=st.text(max_size=12))
def test_a_scope_of_any_other_shape_is_refused(text: str) -> None:
    words = text.split(" ")
    if all(words) and set(text) <= {*VISIBLE, " "}:
        assert parse_scope(text) == frozenset(words)
    else:
        with pytest.raises(InvalidScope):
            parse_scope(text)


BAD_SCOPES = {
    "a quotation mark": 'a"b',
    "a backslash": "a\\b",
    "a tab": "a\tb",
    "a line break": "a\nb",
    "two blanks": "a  b",
    "a blank before": " a",
    "a blank after": "a ",
    "a letter beyond ASCII": "lesé",
    "a no-break space": "a\u00a0b",
    "DEL": "a\x7f",
    "too much": "a" * (MAX_SCOPE_LENGTH + 1),
}


@rule(12, "RFC 6749", "3.3")
@pytest.mark.parametrize("scope", BAD_SCOPES.values(), ids=BAD_SCOPES.keys())
def test_a_malformed_scope_is_invalid_scope(scope: str) -> None:
    assert refused(scope=scope) is InvalidScope


GOOD_RESOURCES = ["https://api.example/v1?x=1", "https://api.example", "urn:example:api", "api://1234", "HTTPS://X/"]
BAD_RESOURCES = {
    "a fragment": "https://api.example/#top",
    "an empty fragment": "https://api.example/#",
    "a relative one": "/v1",
    "a host without scheme": "api.example/v1",
    "two slashes first": "//api.example/v1",
    "a scheme and nothing": "https:",
    "a scheme that starts with a digit": "1x:y",
    "no scheme": "://api.example",
    "a blank": "https://api.example/a b",
    "a blank before": " https://api.example",
    "a tab": "https://api.example/\t",
    "a line break": "https://api.example/\nX-Header: 1",
    "a bracket that is not closed": "https://[::1",
    "invisible characters": "https://api.example/\u200b",
}


@rule(20, "RFC 8707", "2")
@rule(20, "RFC 8693", "2.1")
@pytest.mark.parametrize("resource", BAD_RESOURCES.values(), ids=BAD_RESOURCES.keys())
def test_a_resource_that_is_no_absolute_uri_is_invalid_target(resource: str) -> None:
    assert refused(resource=resource) is InvalidTarget
    assert refused(resource=["https://api.example", resource]) is InvalidTarget


@rule(20, "RFC 8693", "2.1")
@pytest.mark.parametrize("resource", GOOD_RESOURCES)
def test_a_resource_is_kept_as_it_came(resource: str) -> None:
    assert read(resource=resource).resource == (resource,)


@rule(20, "RFC 8693", "2.1")
@given(text=st.text(max_size=20))
def test_any_text_is_a_resource_or_refused_in_protocol_words(text: str) -> None:
    answer: object = None
    try:
        answer = read(resource=text).resource
    except OAuthError as error:
        answer = type(error)
    assert answer in [(text,), (), InvalidTarget, InvalidRequest]


@rule(21, "RFC 8693", "2.1")
def test_an_audience_is_any_text_beside_any_number_of_others() -> None:
    request = read(audience=["//host/path", "ledger"], resource=["urn:x"])
    assert request.audience == ("//host/path", "ledger")
    assert request.resource == ("urn:x",)
    assert read(audience="//host/path").audience == ("//host/path",)


@rule(115, "own rule")
@pytest.mark.parametrize("name", ["audience", "resource"])
def test_more_targets_than_any_request_has_are_refused(name: str) -> None:
    names = [f"https://api.example/{number}" for number in range(MAX_TARGETS + 1)]
    assert len(getattr(read(**{name: names[:-1]}), name)) == MAX_TARGETS
    assert refused(**{name: names}) is InvalidTarget


def test_a_request_prints_no_token() -> None:
    request = read(subject_token="one.secret.token", actor_token="two.secret.token", actor_token_type=TokenType.JWT)
    assert "secret" not in repr(request)
