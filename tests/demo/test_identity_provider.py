"""The demo partners' identity provider: really signs, rotates, breaks on command, and keeps its secrets to itself."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from portal.demo.identity_provider import ALGORITHMS, Fault, IdentityProvider, shared_secret
from portal.demo.identity_provider_site import DISCOVERY, HUGE, running
from portal.demo.partner_people import CLIENTS, USERS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUDIENCE = "https://handover.example"
CLIENT = "kestrel-settlement"


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with running(audience=AUDIENCE) as provider:
        yield provider


@pytest.fixture
def http(idp: IdentityProvider) -> Iterator[httpx.Client]:
    idp.fault = None
    with httpx.Client(base_url=idp.issuer, trust_env=False, auth=(CLIENT, idp.secret), timeout=30) as client:
        yield client


def token(http: httpx.Client, **form: Any) -> dict[str, Any]:
    answer = http.post("/token", data={"grant_type": "client_credentials", **form})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def verified(idp: IdentityProvider, text: str, audience: str = AUDIENCE, algorithm: str = "RS256") -> dict[str, Any]:
    """What a stock verifier that knows only the issuer's address makes of a token."""
    key = jwt.PyJWKClient(idp.jwks_uri).get_signing_key_from_jwt(text)
    options: Any = {"require": ["iss", "sub", "aud", "exp", "iat", "jti"]}
    claims: dict[str, Any] = jwt.decode(
        text, key, algorithms=[algorithm], audience=audience, issuer=idp.issuer, options=options
    )
    return claims


def test_discovery_names_the_issuer_and_where_things_are(idp: IdentityProvider, http: httpx.Client) -> None:
    answer = http.get(DISCOVERY)
    document = answer.json()
    assert document["issuer"] == idp.issuer
    assert (document["jwks_uri"], document["token_endpoint"]) == (idp.jwks_uri, idp.token_endpoint)
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_the_key_set_holds_public_keys_and_can_be_cached(idp: IdentityProvider, http: httpx.Client) -> None:
    answer = http.get("/jwks")
    assert answer.headers["cache-control"] == "public, max-age=300"
    (key, *_) = answer.json()["keys"]
    assert {"kty", "kid", "alg", "use", "n", "e"} == set(key)
    same = http.get("/jwks", headers={"if-none-match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    idp.rotate()
    assert http.get("/jwks", headers={"if-none-match": answer.headers["etag"]}).status_code == 200


def test_a_clients_own_token_names_the_client_as_its_subject(idp: IdentityProvider, http: httpx.Client) -> None:
    body = token(http)
    claims = verified(idp, body["access_token"])
    assert (claims["sub"], claims["client_id"], claims["tenant"]) == (CLIENT, CLIENT, "kestrel")
    assert body["token_type"] == "Bearer"
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "at+jwt"


@pytest.mark.parametrize("parameter", ["login_hint", "username"])
def test_a_users_token_carries_scopes_and_claims(idp: IdentityProvider, http: httpx.Client, parameter: str) -> None:
    body = token(http, **{parameter: "amara@kestrel.example"})
    claims = verified(idp, body["access_token"])
    assert claims["sub"] == "amara@kestrel.example"
    assert claims["scope"] == body["scope"] == "ledger settlement"
    assert (claims["tier"], claims["tenant"], claims["groups"]) == ("gold", "kestrel", ["settlement", "operations"])


def test_a_user_may_ask_for_less_and_not_for_more(idp: IdentityProvider, http: httpx.Client) -> None:
    body = token(http, username="amara@kestrel.example", scope="ledger")
    assert verified(idp, body["access_token"])["scope"] == "ledger"
    answer = http.post(
        "/token", data={"grant_type": "client_credentials", "username": "tomas@kestrel.example", "scope": "settlement"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_the_audience_can_be_chosen_and_be_several(idp: IdentityProvider, http: httpx.Client) -> None:
    one = token(http, audience="https://other.example")["access_token"]
    assert verified(idp, one, audience="https://other.example")["aud"] == "https://other.example"
    two = token(http, audience=["a", "b"])["access_token"]
    assert verified(idp, two, audience="a")["aud"] == ["a", "b"]


def test_an_id_token_is_for_the_client_and_typed_as_one(idp: IdentityProvider, http: httpx.Client) -> None:
    body = token(http, username="amara@kestrel.example", token_type="id_token")
    assert "access_token" not in body
    claims = verified(idp, body["id_token"], audience=CLIENT)
    assert (claims["aud"], claims["azp"], claims["tier"]) == (CLIENT, CLIENT, "gold")
    assert not {"scope", "client_id"} & claims.keys()
    assert jwt.get_unverified_header(body["id_token"])["typ"] == "JWT"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_it_offers_verifies(idp: IdentityProvider, http: httpx.Client, algorithm: str) -> None:
    text = token(http, alg=algorithm)["access_token"]
    assert jwt.get_unverified_header(text)["alg"] == algorithm
    assert verified(idp, text, algorithm=algorithm)["sub"] == CLIENT


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "username": "nobody"}, "invalid_request"),
        ({"grant_type": "client_credentials", "alg": "none"}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": ["a", "b"]}, "invalid_request"),
        ({"grant_type": "client_credentials", "scope": "ledger"}, "invalid_scope"),
    ],
)
def test_what_it_does_not_do_it_says(http: httpx.Client, form: dict[str, Any], error: str) -> None:
    answer = http.post("/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.usefixtures("http")
@pytest.mark.parametrize("path", ["/token", "/rotate", "/fault"])
@pytest.mark.parametrize("header", [None, "Basic x", "Basic eDp5", "Bearer abc", "Basic //8="])
def test_nobody_without_the_secret_gets_or_changes_anything(
    idp: IdentityProvider, path: str, header: str | None
) -> None:
    before = idp.jwks()
    headers = {"authorization": header} if header else {}
    answer = httpx.post(idp.issuer + path, headers=headers, data={"mode": "down"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert (idp.jwks(), idp.fault) == (before, None)


def test_an_unknown_client_is_refused_also_with_the_secret(idp: IdentityProvider) -> None:
    answer = httpx.post(f"{idp.issuer}/token", auth=("stranger", idp.secret), trust_env=False)
    assert answer.status_code == 401


def test_a_form_without_end_is_cut_off(http: httpx.Client) -> None:
    assert http.post("/token", data={"a": "x" * 100_000}).status_code == 413


def test_what_is_not_there_is_404(http: httpx.Client) -> None:
    assert [http.get("/token").status_code, http.get("/").status_code] == [404, 404]


class TestRotation:
    def test_a_rotation_signs_with_a_new_key_and_keeps_the_old_one_published(
        self, idp: IdentityProvider, http: httpx.Client
    ) -> None:
        before = token(http)["access_token"]
        kid = http.post("/rotate").json()["kid"]
        after = token(http)["access_token"]
        assert jwt.get_unverified_header(after)["kid"] == kid
        assert verified(idp, before)
        assert verified(idp, after)

    def test_a_rotation_without_overlap_drops_every_old_key(self, idp: IdentityProvider, http: httpx.Client) -> None:
        before = token(http)["access_token"]
        answer = http.post("/rotate", data={"keeps_old": "false"}).json()
        assert answer["keys"] == [answer["kid"]]
        with pytest.raises(jwt.PyJWKClientError):
            verified(idp, before)


class TestFaults:
    @pytest.fixture
    def broken(self, http: httpx.Client) -> Iterator[Any]:
        def fault(mode: str) -> httpx.Client:
            assert http.post("/fault", data={"mode": mode}).json() == {"mode": mode}
            return http

        yield fault
        assert http.post("/fault", data={"mode": "null"}).json() == {"mode": None}

    def test_down_answers_503(self, broken: Any) -> None:
        assert broken("down").get("/jwks").status_code == 503

    def test_empty_is_a_set_without_keys(self, broken: Any) -> None:
        assert broken("empty").get("/jwks").json() == {"keys": []}

    def test_huge_is_larger_than_anyone_should_read(self, broken: Any) -> None:
        assert len(broken("huge").get("/jwks").content) > HUGE

    def test_redirect_leads_to_keys_elsewhere(self, idp: IdentityProvider, broken: Any) -> None:
        answer = broken("redirect").get("/jwks")
        assert answer.status_code == 302
        assert httpx.get(answer.headers["location"], trust_env=False).json() == idp.jwks()

    def test_truncated_is_half_a_document(self, broken: Any) -> None:
        with pytest.raises(json.JSONDecodeError):
            broken("truncated").get("/jwks").json()

    def test_takeover_publishes_only_a_strangers_key(self, idp: IdentityProvider, broken: Any) -> None:
        (key,) = broken("takeover").get("/jwks").json()["keys"]
        assert key == idp.stranger.public()
        forged = idp.access_token("amara@kestrel.example", key=idp.stranger)
        assert verified(idp, forged)["sub"] == "amara@kestrel.example"

    def test_slow_drips_byte_by_byte(self, broken: Any) -> None:
        with broken("slow").stream("GET", "/jwks") as answer:
            chunks = answer.iter_raw()
            assert [len(next(chunks)) for _ in range(3)] == [1, 1, 1]

    def test_discovery_and_tokens_go_on_working(self, broken: Any) -> None:
        http = broken("down")
        assert http.get(DISCOVERY).status_code == 200
        assert token(http)["access_token"]

    def test_an_unknown_fault_is_refused(self, http: httpx.Client) -> None:
        assert http.post("/fault", data={"mode": "fire"}).status_code == 400

    def test_every_fault_has_a_test_here(self) -> None:
        tested = {name.split("_")[1] for name in dir(type(self)) if name.startswith("test_")}
        assert {fault.value for fault in Fault} <= tested


def test_fetches_are_counted(idp: IdentityProvider, http: httpx.Client) -> None:
    before = http.get("/stats").json().get("/jwks", 0)
    for _ in range(3):
        http.get("/jwks")
    assert http.get("/stats").json()["/jwks"] == before + 3 == idp.fetches["/jwks"]


class TestInProcess:
    def test_claims_can_be_added_changed_and_left_out(self) -> None:
        idp = IdentityProvider("https://idp.example", audience=AUDIENCE)
        text = idp.access_token("u1", aud=["x"], jti=None, exp=1, may_act={"sub": "a"})
        claims = jwt.decode(text, options={"verify_signature": False})
        assert (claims["aud"], claims["exp"], claims["may_act"]) == (["x"], 1, {"sub": "a"})
        assert "jti" not in claims

    def test_a_token_can_be_signed_by_any_key_with_any_header(self) -> None:
        idp = IdentityProvider("https://idp.example", audience=AUDIENCE, algorithm="ES256")
        text = idp.sign({"a": 1}, key=idp.stranger, headers={"kid": "other", "typ": "JWT"})
        assert jwt.get_unverified_header(text) == {"alg": "ES256", "kid": "other", "typ": "JWT"}

    def test_keys_and_secret_survive_in_files_only_their_owner_reads(self, tmp_path: Path) -> None:
        directory = tmp_path / "demo"
        first = IdentityProvider("https://idp.example", audience=AUDIENCE, directory=directory)
        first.rotate()
        second = IdentityProvider("https://idp.example", audience=AUDIENCE, directory=directory)
        assert second.jwks() == first.jwks()
        assert second.secret == first.secret == shared_secret(directory)
        assert {stat.S_IMODE(place.stat().st_mode) for place in directory.iterdir()} == {0o600}
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert sorted(place.name for place in directory.iterdir()) == [
            "identity-provider-keys.json",
            "identity-provider-secret",
        ]

    def test_every_tenant_of_a_user_has_a_client(self) -> None:
        assert {user.tenant for user in USERS.values()} == set(CLIENTS.values())


class TestProgram:
    @pytest.fixture
    def started(self, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "portal.demo.identity_provider", "--port", str(port)]
        command += ["--directory", str(tmp_path), "--audience", AUDIENCE]
        environ = {"PATH": os.environ["PATH"]}
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.communicate()

    def test_it_runs_without_any_setting_of_handover_rotates_on_a_signal_and_stops(
        self, started: tuple[subprocess.Popen[str], str], tmp_path: Path
    ) -> None:
        process, issuer = started
        assert process.stdout is not None
        assert issuer in process.stdout.readline()
        with httpx.Client(base_url=issuer, trust_env=False, auth=(CLIENT, shared_secret(tmp_path))) as http:
            assert token(http)["access_token"]
            process.send_signal(signal.SIGUSR1)
            wait_until(lambda: len(http.get("/jwks").json()["keys"]) == 2, "the rotated key is published")
        process.terminate()
        assert process.wait(timeout=20) in {0, -signal.SIGTERM}

    def test_a_taken_port_is_one_clear_line(self, started: tuple[subprocess.Popen[str], str], tmp_path: Path) -> None:
        process, issuer = started
        assert process.stdout is not None
        process.stdout.readline()
        command = [sys.executable, "-m", "portal.demo.identity_provider", "--port", issuer.rpartition(":")[2]]
        command += ["--directory", str(tmp_path), "--audience", AUDIENCE]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode == 1
        assert second.stderr.strip().startswith("The identity provider cannot use port")
        assert len(second.stderr.strip().splitlines()) == 1


def test_basic_credentials_are_form_decoded(idp: IdentityProvider) -> None:
    encoded = base64.b64encode(f"kestrel%2Dsettlement:{idp.secret}".encode()).decode()
    headers = {"authorization": f"Basic {encoded}"}
    answer = httpx.post(idp.token_endpoint, headers=headers, data={"grant_type": "client_credentials"}, trust_env=False)
    assert answer.status_code == 200


def test_tokens_end_after_ten_minutes(idp: IdentityProvider) -> None:
    claims = jwt.decode(idp.access_token("u"), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 600
    assert abs(claims["iat"] - time.time()) < 60
