"""The token endpoint's shape: RFC 6749 sections 2.3, 3.2, 3.3 and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.oracle import granted, refused

if TYPE_CHECKING:
    import httpx

    from tests.exchange_server import ExchangeServer

FORM = "application/x-www-form-urlencoded"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def send(server: ExchangeServer, content: str | bytes, content_type: str | None = FORM) -> httpx.Response:
    """POST a body as it stands."""
    headers = {} if content_type is None else {"content-type": content_type}
    return server.http.post("/oauth/token", content=content, headers=headers)


def posted(server: ExchangeServer, **changes: Any) -> dict[str, Any]:
    """A whole request of the client that has a secret, with the secret in the body."""
    form = server.form(client_id="kestrel-batch", client_secret=server.world.secret, **changes)
    return {name: value for name, value in form.items() if value is not None}


@rule(1, "RFC 6749", "3.2")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_than_post_is_refused_and_told_which(server: ExchangeServer, method: str) -> None:
    response = server.http.request(method, "/oauth/token", data=posted(server))
    refused(server, response, "invalid_request", Reason.METHOD_NOT_ALLOWED, status=405)
    assert response.headers["allow"] == "POST"


@rule(1, "RFC 6749", "3.2")
def test_head_is_refused_without_a_body(server: ExchangeServer) -> None:
    response = server.http.head("/oauth/token")
    assert (response.status_code, response.headers["allow"], response.content) == (405, "POST", b"")
    assert server.event(response)["reason"] == Reason.METHOD_NOT_ALLOWED


@rule(1, "RFC 6749", "3.2")
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form", "", None],
)
def test_a_body_that_is_not_form_encoded_is_refused(server: ExchangeServer, content_type: str | None) -> None:
    response = send(server, urlencode(posted(server)), content_type)
    refused(server, response, "invalid_request", Reason.REQUEST_MALFORMED)


@rule(1, "RFC 6749", "3.2")
@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), f"{FORM}; charset=UTF-8", f"{FORM} ;charset=utf-8"])
def test_a_form_encoded_body_is_read_however_its_type_is_written(server: ExchangeServer, content_type: str) -> None:
    granted(server, send(server, urlencode(posted(server)), content_type))


@rule(1, "RFC 6749", "3.2")
@pytest.mark.parametrize("body", [b"grant_type=%ff", b"grant_type=\xff", b"\xfe=1"])
def test_a_body_that_is_not_utf8_is_refused(server: ExchangeServer, body: bytes) -> None:
    refused(server, send(server, body), "invalid_request", Reason.REQUEST_MALFORMED)


@rule(2, "RFC 6749", "3.2")
def test_empty_parameters_count_as_absent_and_unknown_ones_are_ignored(server: ExchangeServer) -> None:
    empty = dict.fromkeys(["scope", "resource", "actor_token", "actor_token_type", "requested_token_type"], "")
    answer = granted(server, server.post(posted(server, **empty, unknown="x", another="")))
    assert answer.claims["scope"] == "ledger.read"
    assert "act" not in answer.claims


REPEATED = [
    *("grant_type", "subject_token", "subject_token_type", "actor_token", "actor_token_type"),
    *("requested_token_type", "scope", "client_id", "client_secret", "client_assertion", "unknown"),
]


@rule(3, "RFC 6749", "3.2")
@rule(3, "RFC 8693", "2.1")
@pytest.mark.parametrize("name", REPEATED)
def test_a_parameter_sent_twice_is_refused_even_with_the_same_value(server: ExchangeServer, name: str) -> None:
    form = posted(server)
    value = form.get(name, "x")
    pairs = [*((key, text) for key, text in form.items() if key != name), (name, value), (name, value)]
    refused(server, server.post(pairs), "invalid_request", Reason.PARAMETER_REPEATED)


@rule(3, "RFC 8707", "2")
def test_targets_may_be_named_several_times(server: ExchangeServer) -> None:
    form = posted(server, audience=None)
    twice = [("audience", "https://ledger.meridian.example")] * 2 + [
        ("resource", "https://ledger.meridian.example/v1")
    ] * 2
    answer = granted(server, server.post([*form.items(), *twice]))
    assert answer.claims["aud"] == "https://ledger.meridian.example"


@rule(4, "RFC 6749", "2.3.1")
def test_parameters_in_the_query_string_are_not_read(server: ExchangeServer) -> None:
    response = server.http.post(f"/oauth/token?{urlencode(posted(server))}", content="", headers={"content-type": FORM})
    refused(server, response, "invalid_request", Reason.PARAMETER_MISSING)


@rule(4, "RFC 6749", "2.3.1")
def test_credentials_in_the_query_string_are_not_read(server: ExchangeServer) -> None:
    credentials = {"client_id": "kestrel-batch", "client_secret": server.world.secret}
    response = server.http.post(f"/oauth/token?{urlencode(credentials)}", data=server.form())
    refused(server, response, "invalid_client", Reason.CREDENTIALS_MISSING)


@rule(4, "RFC 6749", "2.3.1")
def test_the_query_string_changes_nothing(server: ExchangeServer) -> None:
    response = server.http.post("/oauth/token?audience=unknown&scope=ledger.write&grant_type=x", data=posted(server))
    answer = granted(server, response)
    assert answer.claims["scope"] == "ledger.read"


@rule(5, "RFC 6749", "2.3.1")
@rule(5, "RFC 6749", "B")
def test_a_client_id_with_a_colon_a_percent_sign_and_a_plus_authenticates(server: ExchangeServer) -> None:
    encoded = "kestrel%3Aodd%25id%2B"
    answer = granted(server, server.exchange(auth=(encoded, server.world.secret)))
    assert answer.claims["client_id"] == "kestrel:odd%id+"


@rule(5, "RFC 6749", "2.3.1")
def test_a_client_id_that_was_not_form_encoded_is_another_one(server: ExchangeServer) -> None:
    response = server.exchange(auth=("kestrel:odd%id+", server.world.secret))
    refused(server, response, "invalid_client", Reason.CLIENT_UNKNOWN)


@rule(6, "RFC 6749", "2.3")
@pytest.mark.parametrize("ways", ["header and body", "header and assertion", "body and assertion"])
def test_two_ways_to_authenticate_are_refused_though_each_is_right(server: ExchangeServer, ways: str) -> None:
    form: dict[str, Any] = server.form()
    if "body" in ways:
        form |= {"client_id": "kestrel-batch", "client_secret": server.world.secret}
    if "assertion" in ways:
        assertion = server.world.backend.assertion(server.world.issuer)
        form |= {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    response = server.post(form, auth=server.basic if "header" in ways else None)
    refused(server, response, "invalid_request", Reason.CREDENTIALS_SEVERAL)


@rule(6, "RFC 6749", "2.3")
def test_two_authorization_headers_are_refused(server: ExchangeServer) -> None:
    headers = [("authorization", "Basic a2VzdHJlbDp4"), ("authorization", "Basic a2VzdHJlbDp4")]
    response = server.http.post("/oauth/token", data=server.form(), headers=headers)
    refused(server, response, "invalid_request", Reason.CREDENTIALS_SEVERAL)


@rule(6, "RFC 6749", "2.3")
def test_a_client_id_beside_the_header_must_be_the_same(server: ExchangeServer) -> None:
    granted(server, server.post(server.form(client_id="kestrel-batch"), auth=server.basic))
    response = server.post(server.form(client_id="kestrel-backend"), auth=server.basic)
    refused(server, response, "invalid_request", Reason.CLIENT_ID_MISMATCH)


FAILURES = {
    "an unknown client": ("nobody", None, Reason.CLIENT_UNKNOWN),
    "a wrong secret": ("kestrel-batch", "wrong", Reason.SECRET_WRONG),
    "a client without secrets": ("kestrel-backend", None, Reason.SECRET_WRONG),
    "a suspended client": ("kestrel-gone", None, Reason.CLIENT_SUSPENDED),
    "a client of a suspended partner": ("idle-backend", None, Reason.PARTNER_INACTIVE),
    "the client's id in other letters": ("Kestrel-Batch", None, Reason.CLIENT_UNKNOWN),
}


@rule(7, "RFC 6749", "5.2")
@rule(26, "RFC 8693", "5")
@pytest.mark.parametrize(("client_id", "secret", "reason"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failed_authentication_reads_the_same_whatever_the_cause(
    server: ExchangeServer, client_id: str, secret: str | None, reason: Reason
) -> None:
    secret = secret or server.world.secret
    by_header = server.exchange(auth=(client_id, secret))
    by_body = server.exchange(auth=None, client_id=client_id, client_secret=secret)
    for response in (by_header, by_body):
        refused(server, response, "invalid_client", reason)
        words = response.json()["error_description"].partition(" Reference ")[0]
        assert words == "Client authentication failed."
    assert by_header.headers["www-authenticate"] == 'Basic realm="handover", charset="UTF-8"'
    assert "www-authenticate" not in by_body.headers


@rule(7, "RFC 6749", "5.2")
@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Bearer abc", "Negotiate abc", "Basic bm9jb2xvbg=="])
def test_an_unreadable_authorization_header_is_challenged(server: ExchangeServer, header: str) -> None:
    response = server.http.post("/oauth/token", data=server.form(), headers={"authorization": header})
    refused(server, response, "invalid_client", Reason.CREDENTIALS_MALFORMED)
    assert response.headers["www-authenticate"].startswith("Basic ")


@rule(26, "RFC 8693", "2.1")
def test_a_right_secret_sent_in_a_way_the_client_is_not_registered_for_is_refused(server: ExchangeServer) -> None:
    token = server.world.heron.services.subject_token(server.url)
    secret = server.world.secret
    granted(server, server.exchange(auth=("heron-header", secret), subject_token=token))
    response = server.exchange(auth=None, client_id="heron-header", client_secret=secret, subject_token=token)
    refused(server, response, "invalid_client", Reason.METHOD_NOT_REGISTERED)


@rule(7, "RFC 6749", "5.2")
def test_either_of_two_live_secrets_authenticates_and_one_that_has_ended_does_not(server: ExchangeServer) -> None:
    token, secret = server.world.heron.services.subject_token(server.url), server.world.secret
    for live in (("heron-two", secret), ("heron-two", f"{secret}-new"), ("heron-rotated", secret)):
        granted(server, server.exchange(auth=live, subject_token=token))
    response = server.exchange(auth=("heron-rotated", f"{secret}-old"), subject_token=token)
    refused(server, response, "invalid_client", Reason.SECRET_WRONG)


@rule(26, "RFC 8693", "2.1")
def test_a_public_client_cannot_exchange_even_with_a_secret_that_is_right(server: ExchangeServer) -> None:
    response = server.exchange(auth=("heron-public", server.world.secret))
    refused(server, response, "invalid_client", Reason.CLIENT_PUBLIC)


@rule(26, "RFC 8693", "2.1")
@pytest.mark.parametrize("auth", [None, ("kestrel-app", "anything")], ids=["by id alone", "with a secret"])
def test_a_public_client_cannot_exchange_by_its_id(server: ExchangeServer, auth: Any) -> None:
    reason = Reason.CREDENTIALS_MISSING if auth is None else Reason.SECRET_WRONG
    response = server.exchange(auth=auth, client_id="kestrel-app")
    refused(server, response, "invalid_client", reason)


@rule(8, "RFC 6749", "5.1")
@rule(9, "RFC 6749", "5.1")
def test_a_success_says_all_and_may_not_be_stored(server: ExchangeServer) -> None:
    response = server.exchange(scope="ledger.write ledger.read")
    body = granted(server, response).body
    assert {"access_token", "token_type", "expires_in", "scope"} <= body.keys()
    assert type(body["expires_in"]) is int
    assert set(body["scope"].split(" ")) == {"ledger.read", "ledger.write"}
    assert response.headers["x-correlation-id"]


@rule(9, "RFC 6749", "5.1")
@rule(10, "RFC 6749", "5.2")
@pytest.mark.parametrize("changes", [{"grant_type": "x"}, {"subject_token": "x"}, {"audience": "x"}, {"scope": '"'}])
def test_an_error_is_json_that_may_not_be_stored(server: ExchangeServer, changes: dict[str, str]) -> None:
    response = server.exchange(**changes)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json")
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")


@rule(11, "RFC 6749", "5.2")
def test_a_client_that_is_not_registered_for_the_grant_is_unauthorized(server: ExchangeServer) -> None:
    response = server.exchange(auth=("kestrel-idle", server.world.secret))
    refused(server, response, "unauthorized_client", Reason.GRANT_TYPE_NOT_ALLOWED)


@rule(12, "RFC 6749", "3.3")
def test_the_order_of_scopes_does_not_matter(server: ExchangeServer) -> None:
    one = granted(server, server.exchange(scope="ledger.read ledger.write"))
    other = granted(server, server.exchange(scope="ledger.write ledger.read ledger.write"))
    assert one.claims["scope"] == other.claims["scope"] == "ledger.read ledger.write"
