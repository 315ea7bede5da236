"""Calls of the API over HTTP: the token, what it may do, one change, and what is written of it."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from tests.attacks import attack
from tests.conformance.rules import rule
from tests.conformance.test_rfc9449 import HOLDER, OTHER, proof
from tests.world import LEDGER

if TYPE_CHECKING:
    import httpx

    from tests.api.conftest import Api

SHOWN = ("rule", "expected", "received")


def events_of(api: Api, answer: httpx.Response) -> list[dict[str, Any]]:
    """What the audit trail says of a call."""
    reference = answer.headers["x-correlation-id"]
    rows = api.server.rows("SELECT canonical FROM audit_event WHERE correlation_id = %s ORDER BY id", reference)
    return [json.loads(text) for (text,) in rows]


def register(api: Api, name: str, **headers: str) -> httpx.Response:
    return api.call("POST", "partners", json={"name": name, "title": name.title()}, headers=headers)


def test_a_client_of_ours_registers_changes_and_reads_a_partner(api: Api) -> None:
    made = register(api, "osprey")
    assert made.status_code == 201, made.text
    assert made.headers["location"] == "/api/v1/partners/osprey"
    (event,) = events_of(api, made)
    assert (event["kind"], event["actor"]) == ("partner.registered", {"kind": "client", "name": "clerk"})
    read = api.call("GET", "partners/osprey")
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    etag = read.headers["etag"]
    patch = {"purpose": "Moves <b>parcels</b>; =1+1 \u202e"[:-1]}
    changed = api.call("PATCH", "partners/osprey", json=patch, headers={"if-match": etag})
    assert changed.status_code == 200, changed.text
    assert changed.json() == read.json() | patch | {"updated_at": changed.json()["updated_at"]}
    (event,) = events_of(api, changed)
    assert event["data"]["fields"]["purpose"]["new"] == patch["purpose"]
    stale = api.call("PATCH", "partners/osprey", json={"title": "Osprey & Sons"}, headers={"if-match": etag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert stale.json()["current"] == changed.json()
    assert events_of(api, stale) == []
    same = api.call("GET", "partners/osprey", headers={"if-none-match": changed.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_many_who_send_one_call_at_once_have_one_effect(api: Api) -> None:
    answers: list[httpx.Response] = []
    token = {"authorization": f"Bearer {api.token()}", "idempotency-key": "once"}

    def send() -> None:
        body = {"name": "heronry", "title": "Heronry"}
        answers.append(api.server.http.post("/api/v1/partners", json=body, headers=token))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8, [answer.text for answer in answers]
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert sum(len(events_of(api, answer)) for answer in answers) == 1


@rule(14, "RFC 6750", "3.1")
def test_a_token_without_the_scope_is_told_which_one(api: Api) -> None:
    answer = api.call("POST", "partners", client="reader", json={"name": "kite", "title": "Kite"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope", scope="partners:write"' in challenge
    assert f'resource_metadata="{api.server.url}/.well-known/oauth-protected-resource/api"' in challenge
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_revoked_token_is_refused_at_the_next_call(api: Api) -> None:
    token = api.token("reader")
    headers = {"authorization": f"Bearer {token}"}
    assert api.server.http.get("/api/v1/me", headers=headers).status_code == 200
    api.server.http.post("/oauth/revoke", data={"token": token}, auth=("reader", "s" * 43))
    answer = api.server.http.get("/api/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_client_of_a_partner_gets_no_token_for_the_api_in_its_own_name(api: Api) -> None:
    form = {"grant_type": "client_credentials", "audience": f"{api.server.url}/api"}
    answer = api.server.post(form, auth=("kestrel-cron", api.server.world.secret))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target"), answer.text


def test_exchanges_are_listed_and_told_step_by_step(api: Api) -> None:
    refused = api.server.exchange(scope="ledger.admin")
    reference = refused.headers["x-correlation-id"]
    listed = api.call("GET", "exchanges", params={"partner": "kestrel", "limit": 1})
    assert listed.status_code == 200, listed.text
    (item,) = listed.json()["items"]
    assert (item["reference"], item["outcome"], item["partner"]) == (reference, "refused", "kestrel")
    told = api.call("GET", f"exchanges/{reference}").json()
    assert told["steps"][-1]["verdict"] == "refused"
    assert told["steps"][-1]["expected"]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1/", "/api/v1/nowhere", "/api/v2/partners"])
def test_where_nothing_is_a_problem_document_says_so(api: Api, path: str) -> None:
    headers = {"authorization": f"Bearer {api.token('nothing')}"}
    for method in ("GET", "POST", "PUT", "OPTIONS"):
        answer = api.server.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@attack("A29")
def test_a_browsers_session_speaks_for_its_person_and_brings_the_forms_token(api: Api) -> None:
    token = "c" * 32
    cookies = f"handover-session={api.session}; handover-csrf={token}"
    send: Any = api.server.http.request
    listed = send("GET", "/api/v1/partners", headers={"cookie": cookies})
    assert listed.status_code == 200, listed.text
    new = {"name": "wren", "title": "Wren"}
    forged = send("POST", "/api/v1/partners", json=new, headers={"cookie": cookies})
    assert (forged.status_code, forged.json()["code"]) == (403, "forbidden")
    own = {"x-csrftoken": token, "origin": api.server.url}
    made = send("POST", "/api/v1/partners", json=new, headers={"cookie": cookies, **own})
    assert made.status_code == 201, made.text
    (event,) = events_of(api, made)
    assert event["actor"] == {"kind": "user", "name": "partner.manager@meridian.example"}
    for wrong in ("handover-session=gone", "handover-session=", "handover-session=a; handover-session=b"):
        answer = send("GET", "/api/v1/partners", headers={"cookie": wrong})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert "resource_metadata=" in answer.headers["www-authenticate"]
    both = send("GET", "/api/v1/partners", headers={"cookie": cookies, "authorization": "Bearer nothing"})
    assert both.status_code == 401


@rule(103, "RFC 9449", "7.1")
def test_a_token_that_is_bound_to_a_key_is_good_beside_a_proof_for_this_very_call(api: Api) -> None:
    token = api.token("reader", headers={"dpop": proof(api.server)})
    url = f"{api.server.url}/api/v1/partners"
    ath = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
    good = proof(api.server, htm="GET", htu=url, ath=ath)
    bound = {"authorization": f"DPoP {token}", "dpop": good}
    assert api.server.http.get(url, headers=bound).status_code == 200
    assert api.server.http.get(url, headers=bound).status_code == 401, "a proof is good once"
    for wrong in (
        {"authorization": f"Bearer {token}"},
        {"authorization": f"DPoP {token}"},
        {"authorization": f"DPoP {token}", "dpop": proof(api.server, OTHER, htm="GET", htu=url, ath=ath)},
        {"authorization": f"DPoP {token}", "dpop": proof(api.server, HOLDER, htm="POST", htu=url, ath=ath)},
        {"authorization": f"DPoP {token}", "dpop": proof(api.server, htm="GET", htu=f"{url}/kestrel", ath=ath)},
    ):
        answer = api.server.http.get(url, headers=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@attack("A30")
def test_a_body_beyond_64_kib_is_refused_before_anybody_reads_it(api: Api) -> None:
    answer = api.call("POST", "partners", content=b"{" + b" " * 65_600 + b"}")
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_a_try_says_what_the_endpoint_then_answers_and_keeps_nothing(api: Api) -> None:
    for tier in ("gold", "silver"):
        token = api.server.world.idp.subject_token(api.server.world.issuer, tier=tier)
        body = {"client": "kestrel-batch", "audience": [LEDGER], "subject_token": token}
        tried = api.call("POST", "simulations", json=body, headers={"idempotency-key": tier})
        assert tried.status_code == 200, tried.text
        assert "no-store" in tried.headers["cache-control"]
        assert events_of(api, tried) == []
        done = api.server.post(api.server.form(subject_token=token), auth=api.server.basic)
        event, told = api.server.event(done), tried.json()
        stops = [[step[name] for name in SHOWN] for step in told["steps"] if step["state"] == "refused"]
        if tier == "gold":
            minted = json.loads(urlsafe_b64decode(done.json()["access_token"].split(".")[1] + "=="))
            assert (told["outcome"], stops) == ("granted", [])
            told["claims"].pop("iat"), told["claims"].pop("exp")
            assert told["claims"].items() <= minted.items()
        else:
            assert (told["refusal"]["status"], told["refusal"]["error"]) == (done.status_code, done.json()["error"])
            assert told["refusal"]["reason"] == event["reason"]
            assert stops == [[part for part in event["data"]["steps"][-1] if part != "refused"]]
        assert token.rpartition(".")[2] not in tried.text
    assert api.server.rows("SELECT count(*) FROM portal_keptanswer WHERE key IN ('gold', 'silver')") == [(0,)]
