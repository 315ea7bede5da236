"""What must be true of every answer of the token endpoint, yes or no, beside what a test asks in particular."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jwt

if TYPE_CHECKING:
    import httpx

    from policy.reasons import Reason
    from tests.exchange_server import ExchangeServer

SECRETS = ("subject_token", "actor_token", "client_assertion", "client_secret")
PRINTABLE = {chr(code) for code in range(0x20, 0x7F)} - {'"', "\\"}
STATUS = {"invalid_client": 401, "temporarily_unavailable": 503, "server_error": 500}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An answer that is a yes: its body, the token's header and claims as PyJWT verified them, and its event."""

    body: dict[str, Any]
    header: dict[str, Any]
    claims: dict[str, Any]
    event: dict[str, Any]


def granted(server: ExchangeServer, response: httpx.Response) -> Grant:
    """A yes as every yes must be; the token is verified by a library that is not ours."""
    body = _accepted(response)
    header = jwt.get_unverified_header(body["access_token"])
    keys = jwt.PyJWKSet.from_dict(server.http.get("/oauth/jwks").json())
    claims = jwt.decode(
        body["access_token"],
        keys[header["kid"]],
        algorithms=["ES256"],
        issuer=server.url,
        options={"verify_aud": False},
    )
    return _recorded(server, response, header, claims)


def referenced(server: ExchangeServer, response: httpx.Response) -> Grant:
    """A yes whose token is a reference: its text says nothing, and what it stands for is found by its digest."""
    token = _accepted(response)["access_token"]
    assert re.fullmatch(r"ho_[A-Za-z0-9_-]{43}", token)
    digest = sha256(token.encode()).hexdigest()
    (row,) = server.rows("SELECT claims, kid FROM exchange_issuedtoken WHERE digest = %s", digest)
    assert row[1] == ""
    return _recorded(server, response, {}, json.loads(row[0]))


def _accepted(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    _check_headers(response)
    body: dict[str, Any] = response.json()
    return body


def _recorded(
    server: ExchangeServer, response: httpx.Response, header: dict[str, Any], claims: dict[str, Any]
) -> Grant:
    """The yes with its one event, which holds neither the new token nor what it was made from."""
    body = response.json()
    event = server.event(response)
    assert (event["kind"], event["outcome"], event["reason"]) == ("exchange.granted", "granted", "")
    assert event["data"]["token"]["jti"] == claims["jti"]
    assert len(_issued(server, event)) == 1
    _check_secrecy(response, event, body["access_token"])
    return Grant(body=body, header=header, claims=claims, event=event)


def refused(
    server: ExchangeServer, response: httpx.Response, error: str, reason: Reason, status: int = 0
) -> dict[str, Any]:
    """A no as every no must be: error and status as documented, one event with the reason, no token. Its event."""
    body = response.json()
    assert (response.status_code, body["error"]) == (status or STATUS.get(error, 400), error), response.text
    _check_headers(response)
    assert body.keys() == {"error", "error_description"}
    assert set(body["error_description"]) <= PRINTABLE
    assert body["error_description"].endswith(f" Reference {response.headers['x-correlation-id']}.")
    assert reason.value not in response.text
    event = server.event(response)
    assert (event["outcome"], event["reason"]) == ("refused", reason)
    assert (event["data"]["error"], event["data"]["status"]) == (error, response.status_code)
    assert _issued(server, event) == []
    _check_secrecy(response, event)
    return event


def _issued(server: ExchangeServer, event: dict[str, Any]) -> list[tuple[Any, ...]]:
    return server.rows("SELECT id FROM exchange_issuedtoken WHERE event_id = %s", event["id"])


def _check_headers(response: httpx.Response) -> None:
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"


def _sent(response: httpx.Response) -> dict[str, list[str]]:
    """The form that was sent; nothing where it was sent as a stream that is gone."""
    if response.request.headers.get("transfer-encoding") == "chunked":
        return {}
    return parse_qs(response.request.content.decode("utf-8", "replace"))


def _check_secrecy(response: httpx.Response, event: dict[str, Any], issued: str = "") -> None:
    """Neither event nor answer repeats a secret of the request, and the event holds no token of ours."""
    recorded = json.dumps(event)
    for secret in (text for name in SECRETS for text in _sent(response).get(name, ()) if len(text) > 16):
        telling = secret.rpartition(".")[2] or secret
        assert telling not in recorded
        assert telling not in response.text
    assert not issued or issued.rpartition(".")[2] not in recorded
