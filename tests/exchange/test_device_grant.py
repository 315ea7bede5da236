"""Devices without a browser: their codes, their polls, and the tokens they get (RFC 8628)."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from policy.reasons import Reason
from tests import exchange_server, static_files
from tests.conformance.rules import rule
from tests.conformance.test_rfc7662 import ask
from tests.conformance.test_rfc9449 import HOLDER, proof, thumbprint
from tests.exchange.devices import AUTH, DEVICE_CODE, KEYED, SECRET, Site, serving
from tests.oracle import granted, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def site(services: Any, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of its own, since it signs people in."""
    with serving(services, django_db_blocker, static_files.collected(tmp_path_factory)) as site:
        yield site


def waits(site: Site, response: httpx.Response, error: str, reason: Reason) -> None:
    """The device is told to ask again, and that it asked is recorded as no refusal."""
    assert (response.status_code, response.json()["error"]) == (400, error), response.text
    assert response.headers["cache-control"] == "no-store"
    event = site.server.event(response)
    assert (event["kind"], event["outcome"], event["reason"]) == ("device.polled", "", reason)


@rule(145, "RFC 8628", "5.1")
def test_the_codes_are_as_the_rfc_advises_and_recorded_before_they_are_told(site: Site) -> None:
    answer = site.ask(scope="partners:read")
    codes = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert len(codes["device_code"]) == 43
    assert (codes["expires_in"], codes["interval"]) == (600, 5)
    assert codes["verification_uri"] == f"{site.server.url}/oauth/device"
    assert codes["verification_uri_complete"] == f"{site.server.url}/oauth/device?user_code={codes['user_code']}"
    event = site.server.event(answer)
    assert (event["kind"], event["client"], event["partner"]) == ("device.requested", "device-secret", "kestrel")
    assert event["data"]["device"]["scope"] == ["partners:read"]
    assert event["data"]["request"]["grant_type"] == DEVICE_CODE


def test_a_device_waits_until_somebody_allows_it_and_gets_a_token_of_ours_once(site: Site) -> None:
    codes = site.codes(scope="partners:read")
    waits(site, site.poll(codes), "authorization_pending", Reason.GRANT_PENDING)
    site.decide(codes)
    grant = granted(site.server, site.poll(codes))
    ((user_id,),) = site.server.rows("SELECT id::text FROM portal_user WHERE email = %s", site.email)
    assert (grant.claims["sub"], grant.claims["client_id"]) == (f"user:{user_id}", "device-secret")
    assert (grant.claims["aud"], grant.claims["scope"]) == (f"{site.server.url}/api", "partners:read")
    assert grant.header["typ"] == "at+jwt"
    assert grant.event["data"]["request"]["grant_type"] == DEVICE_CODE
    assert ask(site.server, grant.body["access_token"], auth=AUTH).json()["active"] is True
    again = site.poll(codes)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert site.server.event(again)["reason"] == Reason.GRANT_REFUSED


def test_whoever_allowed_it_is_in_the_audit_trail(site: Site) -> None:
    codes = site.codes()
    site.decide(codes)
    rows = site.server.rows("SELECT canonical FROM audit_event WHERE kind = 'device.allowed' ORDER BY id DESC LIMIT 1")
    event = json.loads(rows[0][0])
    assert event["actor"] == {"kind": "user", "name": site.email}
    assert (event["client"], event["partner"]) == ("device-secret", "kestrel")
    assert event["data"] == {"scope": ["keys:read", "partners:read"], "address": "127.0.0.1"}


def test_a_client_that_may_refresh_can_and_one_that_may_not_gets_nothing_to_refresh_with(site: Site) -> None:
    codes = site.codes()
    site.decide(codes)
    first = site.poll(codes).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert granted(site.server, site.server.post(refresh, auth=AUTH)).body["scope"] == "keys:read partners:read"
    public = {"client_id": "device-public"}
    codes = site.codes(auth=None, **public)
    site.decide(codes)
    assert "refresh_token" not in granted(site.server, site.poll(codes, auth=None, form=public)).body


@rule(145, "RFC 8628", "3.5")
def test_a_device_that_asks_too_often_waits_5_seconds_longer_and_two_processes_agree(site: Site) -> None:
    codes = site.codes()
    with exchange_server.beside(site.server) as port, httpx.Client(trust_env=False) as http:
        form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"]}

        def poll_there() -> httpx.Response:
            return http.post(f"http://127.0.0.1:{port}/oauth/token", data=form, auth=AUTH)

        waits(site, site.poll(codes), "authorization_pending", Reason.GRANT_PENDING)
        waits(site, poll_there(), "slow_down", Reason.GRANT_POLLED_TOO_FAST)
        site.pass_by(6)
        waits(site, site.poll(codes), "slow_down", Reason.GRANT_POLLED_TOO_FAST)
        site.pass_by(16)
        waits(site, poll_there(), "authorization_pending", Reason.GRANT_PENDING)
    site.decide(codes)
    granted(site.server, site.poll(codes))


def test_a_refused_device_hears_so_and_gets_nothing(site: Site) -> None:
    codes = site.codes()
    site.decide(codes, "refuse")
    refused(site.server, site.poll(codes), "access_denied", Reason.GRANT_DENIED)


@rule(145, "RFC 8628", "3.5")
def test_a_code_ends_after_ten_minutes_for_the_device_and_for_the_person(site: Site) -> None:
    codes, allowed = site.codes(), site.codes()
    site.decide(allowed)
    site.pass_by(601)
    for late in (codes, allowed):
        refused(site.server, site.poll(late), "expired_token", Reason.GRANT_EXPIRED)
    with site.browser() as browser:
        page = browser.enter(codes["user_code"])
    assert (page.status_code, "No device waits with this code" in page.text) == (422, True)


def test_an_account_that_was_closed_meanwhile_lends_nothing(site: Site) -> None:
    codes = site.codes()
    with site.browser("gus@meridian.example") as browser:
        browser.decide(codes["user_code"], "allow")
    site.server.rows("UPDATE portal_user SET is_active = false WHERE email LIKE 'gus@%%' RETURNING 1")
    refused(site.server, site.poll(codes), "access_denied", Reason.GRANT_DENIED)
    site.server.rows("UPDATE portal_user SET is_active = true WHERE email LIKE 'gus@%%' RETURNING 1")


def test_of_50_parallel_polls_one_gets_a_token(site: Site) -> None:
    codes = site.codes()
    site.decide(codes)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: site.poll(codes), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 49]
    assert {answer.json().get("error") for answer in answers} == {None, "invalid_grant"}


def test_another_clients_device_code_is_no_grant_and_stays_good_for_its_own(site: Site) -> None:
    codes = site.codes()
    site.decide(codes)
    for stranger in ({"auth": ("device-other", SECRET)}, {"auth": None, "form": {"client_id": "device-public"}}):
        answer = site.poll(codes, **stranger)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    granted(site.server, site.poll(codes))


@pytest.mark.parametrize("form", [{}, {"device_code": ""}])
def test_a_poll_without_a_device_code_is_an_invalid_request(site: Site, form: dict[str, str]) -> None:
    answer = site.server.post({"grant_type": DEVICE_CODE} | form, auth=AUTH)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("auth", "form", "error", "reason"),
    [
        (None, {}, "invalid_client", Reason.CLIENT_SUSPENDED),
        (None, {"client_id": "device-secret"}, "invalid_client", Reason.CLIENT_SUSPENDED),
        (("device-secret", "wrong"), {}, "invalid_client", Reason.SECRET_WRONG),
        (("nobody", SECRET), {}, "invalid_client", Reason.CLIENT_UNKNOWN),
        (None, {"client_id": "code-public"}, "unauthorized_client", Reason.GRANT_TYPE_NOT_ALLOWED),
        (AUTH, {"scope": "keys:write"}, "invalid_scope", Reason.SCOPE_NOT_GRANTED),
        (AUTH, {"scope": "a\x0bb"}, "invalid_scope", Reason.SCOPE_MALFORMED),
        (("device-poor", SECRET), {}, "invalid_scope", Reason.SCOPE_NOT_GRANTED),
    ],
)
def test_who_may_not_ask_gets_no_codes(site: Site, auth: Any, form: dict[str, str], error: str, reason: Reason) -> None:
    before = site.server.rows("SELECT count(*) FROM exchange_devicegrant")
    refused(site.server, site.ask(auth=auth, **form), error, reason)
    assert site.server.rows("SELECT count(*) FROM exchange_devicegrant") == before


def test_a_client_that_is_registered_for_other_grants_gets_no_codes(site: Site) -> None:
    answer = site.ask(auth=site.server.basic)
    refused(site.server, answer, "unauthorized_client", Reason.GRANT_TYPE_NOT_ALLOWED)


def test_a_key_serves_here_too_and_its_assertion_is_good_once(site: Site) -> None:
    assertion = {"client_assertion_type": JWT_BEARER, "client_assertion": KEYED.assertion(site.server.url)}
    codes = site.codes(auth=None, **assertion)
    site.decide(codes)
    replayed = site.ask(auth=None, **assertion)
    assert (replayed.status_code, site.server.event(replayed)["reason"]) == (401, Reason.ASSERTION_REPLAYED)
    fresh = assertion | {"client_assertion": KEYED.assertion(site.server.url)}
    granted(site.server, site.poll(codes, auth=None, form=fresh))


def test_the_person_is_shown_no_more_than_the_client_may_have(site: Site) -> None:
    codes = site.codes(scope="partners:read keys:write ledger.read")
    with site.browser() as browser:
        page = browser.enter(codes["user_code"])
        assert "See partners, their clients, trusts and mappings" in page.text
        assert "Rotate signing keys" not in page.text
        assert "ledger.read" not in page.text
        browser.submit(page, decision="allow")
    assert granted(site.server, site.poll(codes)).body["scope"] == "partners:read"


@rule(102, "RFC 9449", "5")
def test_a_poll_that_our_pipeline_refuses_leaves_the_grant_as_it_was(site: Site) -> None:
    auth = ("device-bound", SECRET)
    codes = site.codes(auth=auth)
    site.decide(codes)
    refused(site.server, site.poll(codes, auth=auth), "invalid_dpop_proof", Reason.PROOF_MISSING)
    asked = site.poll(codes, auth=auth, headers={"dpop": proof(site.server)})
    refused(site.server, asked, "use_dpop_nonce", Reason.NONCE_MISSING)
    fresh = {"dpop": proof(site.server, nonce=asked.headers["dpop-nonce"])}
    grant = granted(site.server, site.poll(codes, auth=auth, headers=fresh))
    assert (grant.body["token_type"], grant.claims["cnf"]) == ("DPoP", {"jkt": thumbprint(HOLDER)})


def test_neither_code_is_stored_and_a_copy_of_the_database_does_not_tell_the_user_code(site: Site) -> None:
    codes = site.codes()
    plain = codes["user_code"].replace("-", "")
    for table in ("exchange_devicegrant", "audit_event"):
        stored = json.dumps(site.server.rows(f"SELECT t::text FROM {table} t"))
        for secret in (codes["device_code"], codes["user_code"], plain):
            assert secret not in stored
        assert sha256(plain.encode()).hexdigest() not in stored
    digest = sha256(codes["device_code"].encode()).hexdigest()
    assert site.server.rows("SELECT 1 FROM exchange_devicegrant WHERE device_code = %s", digest) == [(1,)]


def test_one_address_cannot_ask_without_end_in_the_name_of_a_public_client(site: Site) -> None:
    answers = [site.ask(auth=None, address="198.51.100.7", client_id="device-public") for _ in range(40)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert int(limited[0].headers["retry-after"]) >= 1
    assert site.server.event(limited[0])["reason"] == Reason.LIMIT_ADDRESS
    assert site.ask(address="198.51.100.7").status_code == 200
    assert site.ask(auth=None, address="198.51.100.8", client_id="device-public").status_code == 200


def test_the_metadata_names_the_endpoint_and_the_grant(site: Site) -> None:
    metadata = site.server.http.get("/.well-known/oauth-authorization-server").json()
    assert metadata["device_authorization_endpoint"] == f"{site.server.url}/oauth/device-authorization"
    assert DEVICE_CODE in metadata["grant_types_supported"]
