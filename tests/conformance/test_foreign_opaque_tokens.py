"""Opaque tokens of a partner's issuer, which is asked about each: RFC 8693 section 2.1 by way of RFC 7662."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from partners import models
from partners.sealed import seal
from policy.reasons import Reason
from tests import exchange_server
from tests import world as worlds
from tests.conformance.rules import OWN, rule
from tests.introspection_endpoints import Endpoint, say
from tests.oracle import granted, refused
from tests.signers import Signer
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler

    import httpx

    from tests.exchange_server import ExchangeServer
    from tests.services import Services

SECRET = "Zt7Rk1q3fXy0-mWcuVbN59JhAe8Ld2PsGi4xYTzKoB6"
ELSEWHERE = "https://portal.kestrel.example"


@dataclass
class Yard:
    """The server and three issuers: kestrel's, otter's, which may answer without ``aud``, and marten's, which hangs."""

    server: ExchangeServer
    endpoint: Endpoint = field(default_factory=Endpoint)
    otter: Endpoint = field(default_factory=lambda: Endpoint(issuer="https://sessions.otter.example"))

    marten: Endpoint = field(default_factory=lambda: Endpoint(issuer="https://sessions.marten.example"))

    def exchange(self, token: str, **form: Any) -> httpx.Response:
        return self.server.exchange(subject_token=token, **form)

    def token(self, **changes: Any) -> str:
        return self.endpoint.token(changes.pop("aud", self.server.url), **changes)

    def as_otter(self, token: str, client_id: str = "otter-backend") -> httpx.Response:
        return self.server.exchange(auth=(client_id, SECRET), subject_token=token)

    def refuses(self, token: str, reason: Reason, error: str = "invalid_request", **form: Any) -> dict[str, Any]:
        event = refused(self.server, self.exchange(token, **form), error, reason)
        assert token not in str(event)
        return event


def ask_at(partner: models.Partner, endpoint: Endpoint, **fields: Any) -> None:
    """Trust an issuer of opaque tokens, for the ledger."""
    sealed = seal(endpoint.secret, endpoint.url, endpoint.client_id)
    trust = worlds.add_trust(
        partner,
        Signer(endpoint.issuer),
        introspection_endpoint=endpoint.url,
        introspection_client_id=endpoint.client_id,
        introspection_kek_id=sealed.kek_id,
        introspection_nonce=sealed.nonce,
        introspection_ciphertext=sealed.ciphertext,
        **{"name": "sessions"} | fields,
    )
    worlds.add_mapping(trust, models.Target.objects.get(name="ledger"), trust.name, allows_impersonation=True)


def prepare(yard: Yard) -> None:
    ask_at(models.Partner.objects.get(slug="kestrel"), yard.endpoint, accepts_actors=True)
    otter = models.Partner.objects.create(slug="otter", name="Otter", state="active")
    ask_at(otter, yard.otter, introspection_allows_missing_audience=True)
    worlds.add_client(otter, "otter-backend", secret=SECRET)
    worlds.add_client(otter, "otter-metered", secret=SECRET, requests_per_minute=1, burst=2)
    marten = models.Partner.objects.create(slug="marten", name="Marten", state="active")
    ask_at(marten, yard.marten)
    worlds.add_client(marten, "marten-backend", secret=SECRET)
    both = models.Partner.objects.create(slug="both", name="Both", state="active")
    ask_at(both, yard.endpoint)
    ask_at(both, yard.otter, name="others")
    worlds.add_client(both, "both-backend", secret=SECRET)
    bare = models.Partner.objects.create(slug="bare", name="Bare", state="active")
    ask_at(bare, yard.endpoint)
    bare.trusts.update(introspection_kek_id="")
    worlds.add_client(bare, "bare-backend", secret=SECRET)
    moved = models.Partner.objects.create(slug="moved", name="Moved", state="active")
    ask_at(moved, yard.endpoint)
    moved.trusts.update(introspection_endpoint=yard.otter.url)
    worlds.add_client(moved, "moved-backend", secret=SECRET)


@pytest.fixture(scope="module")
def yard(services: Services, django_db_blocker: Any) -> Iterator[Yard]:
    yard = Yard(server=None)  # type: ignore[arg-type]
    endpoints = (yard.endpoint, yard.otter, yard.marten)
    started: dict[str, Any] = {"prepare": lambda: prepare(yard), "HANDOVER_OUTBOUND_ALLOW": "127.0.0.1/32"}
    try:
        for endpoint in endpoints:
            endpoint.start()
        with exchange_server.running(services, django_db_blocker, **started) as server:
            yard.server = server
            yield yard
    finally:
        for endpoint in endpoints:
            endpoint.stop()


@rule(27, "RFC 8693", "2.1")
@rule(72, "RFC 9068", "5")
def test_an_opaque_token_that_its_issuer_calls_active_becomes_one_of_ours(yard: Yard) -> None:
    token = yard.token()
    grant = granted(yard.server, yard.exchange(token))
    assert grant.claims["sub"] == "partner:kestrel:session-1"
    assert grant.claims["src"] == {"iss": yard.endpoint.issuer, "sub": "session-1"}
    assert grant.claims["scope"] == "ledger.read"
    subject = grant.event["data"]["subject"]
    assert (subject["issuer"], subject["alg"], subject["kid"]) == (
        yard.endpoint.issuer,
        "introspection",
        yard.endpoint.url,
    )
    assert subject["claims"]["tier"] == "gold"
    assert "active" not in subject["claims"]
    assert yard.endpoint.asked[-1] == {"token": [token], "token_type_hint": ["access_token"]}


def test_each_exchange_asks_once_and_no_answer_is_kept(yard: Yard) -> None:
    token, before = yard.token(), len(yard.endpoint.asked)
    granted(yard.server, yard.exchange(token))
    granted(yard.server, yard.exchange(token))
    yard.endpoint.known[token] = {"active": False}
    yard.refuses(token, Reason.TOKEN_INACTIVE)
    assert len(yard.endpoint.asked) == before + 3


def test_one_token_may_be_exchanged_several_times_at_once(yard: Yard) -> None:
    token = yard.token()
    with ThreadPoolExecutor(4) as threads:
        for answer in list(threads.map(lambda _: yard.exchange(token), range(4))):
            granted(yard.server, answer)


def test_an_assertion_of_the_client_is_spent_once_although_the_line_runs_twice(yard: Yard) -> None:
    assertion = yard.server.world.backend.assertion(yard.server.url)
    granted(yard.server, yard.exchange(yard.token(), client_assertion=assertion))
    yard.refuses(yard.token(), Reason.ASSERTION_REPLAYED, "invalid_client", client_assertion=assertion)


def test_such_an_exchange_is_charged_once(yard: Yard) -> None:
    """On a busy machine one is refused, and charged for nothing, until the process knows its share."""

    def answer() -> int:
        return yard.as_otter(yard.otter.token(yard.server.url), "otter-metered").status_code

    for which in ("first", "second"):
        wait_until(lambda: answer() == 200, f"the {which} passes", 20)
    assert answer() == 429


@rule(34, "RFC 8693", "2.1")
def test_the_new_token_does_not_outlive_what_the_issuer_said(yard: Yard) -> None:
    ends = int(time.time()) + 60
    assert granted(yard.server, yard.exchange(yard.token(exp=ends))).claims["exp"] <= ends


@rule(28, "RFC 8693", "2.1")
@rule(30, "RFC 8693", "2.1")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"active": False}, Reason.TOKEN_INACTIVE),
        ({"iss": "https://sessions.fjord.example"}, Reason.ISSUER_UNTRUSTED),
        ({"iss": 7}, Reason.ISSUER_UNTRUSTED),
        ({"aud": ELSEWHERE}, Reason.AUDIENCE_MISMATCH),
        ({"aud": ["kestrel-backend", ELSEWHERE]}, Reason.AUDIENCE_MISMATCH),
        ({"aud": []}, Reason.AUDIENCE_MISMATCH),
        ({"aud": None}, Reason.AUDIENCE_MISMATCH),
        ({"exp": 1}, Reason.TOKEN_EXPIRED),
        ({"exp": None}, Reason.CLAIM_MALFORMED),
        ({"exp": "tomorrow"}, Reason.CLAIM_MALFORMED),
        ({"nbf": 4_000_000_000}, Reason.TOKEN_NOT_YET_VALID),
        ({"iat": 1}, Reason.LIFETIME_TOO_LONG),
        ({"sub": None}, Reason.CLAIM_MALFORMED),
        ({"sub": 7}, Reason.CLAIM_MALFORMED),
        ({"scope": {"settle": True}}, Reason.CLAIM_MALFORMED),
        ({"token_type": "refresh_token"}, Reason.TYPE_MISMATCH),
        ({"token_type": "N_A"}, Reason.TYPE_MISMATCH),
        ({"token_type": 7}, Reason.TYPE_MISMATCH),
        ({"token_type": "DPoP"}, Reason.TYPE_MISMATCH),
        ({"typ": "Refresh"}, Reason.TYPE_MISMATCH),
        ({"nonce": "n"}, Reason.TYPE_MISMATCH),
        ({"token_type": "DPoP", "cnf": {"jkt": "x"}}, Reason.SENDER_CONSTRAINED),
        ({"cnf": None, "jti": ["a"]}, Reason.CLAIM_MALFORMED),
    ],
    ids=str,
)
def test_an_answer_that_does_not_fit_refuses(yard: Yard, changes: dict[str, Any], reason: Reason) -> None:
    yard.refuses(yard.token(**changes), reason)


def test_what_is_no_yes_is_never_taken_for_one(yard: Yard) -> None:
    for active in ("true", 1, None, {"active": True}):
        yard.refuses(yard.token(active=active), Reason.INTROSPECTION_FAILED, "temporarily_unavailable")


def test_a_rule_of_the_mapping_judges_the_claims_of_the_answer(yard: Yard) -> None:
    yard.refuses(yard.token(tier="bronze"), Reason.MAPPING_RULE_UNMET, "invalid_target")


def test_an_answer_without_an_issuer_is_of_the_one_that_was_asked(yard: Yard) -> None:
    assert granted(yard.server, yard.exchange(yard.token(iss=None))).claims["src"]["iss"] == yard.endpoint.issuer


def test_a_trust_may_take_an_answer_without_an_audience_and_then_still_none_for_others(yard: Yard) -> None:
    assert yard.as_otter(yard.otter.token(None)).status_code == 200
    response = yard.as_otter(yard.otter.token(ELSEWHERE))
    refused(yard.server, response, "invalid_request", Reason.AUDIENCE_MISMATCH)


@rule(29, "RFC 8693", "2.1")
def test_a_token_is_shown_to_nobody_where_two_issuers_could_be_meant(yard: Yard) -> None:
    asked = len(yard.endpoint.asked), len(yard.otter.asked)
    response = yard.server.exchange(auth=("both-backend", SECRET), subject_token=yard.token())
    refused(yard.server, response, "invalid_request", Reason.ISSUER_UNTRUSTED)
    assert (len(yard.endpoint.asked), len(yard.otter.asked)) == asked


@rule(29, "RFC 8693", "2.1")
def test_a_partner_without_such_an_issuer_is_told_that_the_token_is_none(yard: Yard) -> None:
    response = yard.server.exchange(auth=("fjord-backend", yard.server.world.secret), subject_token=yard.token())
    refused(yard.server, response, "invalid_request", Reason.TOKEN_MALFORMED)


@rule(26, "RFC 8693", "2.1")
def test_nobody_is_asked_for_a_client_that_did_not_authenticate_or_may_not_exchange(yard: Yard) -> None:
    asked = len(yard.endpoint.asked)
    for auth in (("kestrel-batch", "wrong" * 9), ("kestrel-gone", yard.server.world.secret)):
        assert yard.server.exchange(auth=auth, subject_token=yard.token()).status_code == 401
    assert yard.server.exchange(auth=("kestrel-idle", yard.server.world.secret)).status_code == 400
    assert len(yard.endpoint.asked) == asked


@rule(28, "RFC 8693", "2.1")
@pytest.mark.parametrize("declared", [worlds.ID_TOKEN, worlds.JWT])
def test_only_an_access_token_can_be_opaque(yard: Yard, declared: str) -> None:
    asked = len(yard.endpoint.asked)
    yard.refuses(yard.token(), Reason.TOKEN_MALFORMED, subject_token_type=declared)
    assert len(yard.endpoint.asked) == asked


@pytest.mark.parametrize("token", ["a.b.c.d.e", "gr\u00fcn", "line\nbreak"], ids=["encrypted", "no ASCII", "two lines"])
def test_what_no_issuer_can_have_made_is_shown_to_none(yard: Yard, token: str) -> None:
    asked = len(yard.endpoint.asked)
    response = yard.exchange(token)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert len(yard.endpoint.asked) == asked


@rule(37, "RFC 8693", "4.1")
def test_an_opaque_actor_token_names_the_actor_beside_a_signed_or_an_opaque_subject(yard: Yard) -> None:
    actor = {"actor_token": yard.token(sub="robot-7"), "actor_token_type": worlds.ACCESS_TOKEN}
    for subject in (yard.server.world.idp.subject_token(yard.server.url), yard.token()):
        grant = granted(yard.server, yard.exchange(subject, **actor))
        assert (grant.claims["act"]["sub"], grant.claims["act"]["iss"]) == ("robot-7", yard.endpoint.issuer)
    yard.refuses(yard.token(), Reason.TOKEN_INACTIVE, actor_token="unknown", actor_token_type=worlds.ACCESS_TOKEN)


def silence(endpoint: Endpoint) -> Callable[[BaseHTTPRequestHandler], None]:
    """Never an answer, until the test is over."""

    def say_nothing(_handler: BaseHTTPRequestHandler) -> None:
        endpoint.stopping.wait()

    return say_nothing


def huge(handler: BaseHTTPRequestHandler) -> None:
    say(handler, {"active": True, "padding": "x" * 70_000})


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    say(handler, {}, status=307, location="http://127.0.0.1:1/introspect")


FAULTS: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "huge": huge,
    "redirect": elsewhere,
    "500": lambda handler: say(handler, {"active": True}, status=500),
    "401": lambda handler: say(handler, {"active": True}, status=401),
    "no JSON": lambda handler: say(handler, b"active=true"),
    "text": lambda handler: say(handler, {"active": True}, kind="text/plain"),
    "a list": lambda handler: say(handler, [{"active": True}]),
    "twice": lambda handler: say(handler, b'{"active": false, "active": true}'),
    "nothing": lambda handler: handler.wfile.close(),
}


@rule(157, OWN)
@rule(116, "RFC 8725bis", "3.10")
@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_cannot_be_used_lets_nobody_in(yard: Yard, fault: str) -> None:
    token = yard.token()
    yard.endpoint.fault = FAULTS[fault]
    try:
        event = yard.refuses(token, Reason.INTROSPECTION_FAILED, "temporarily_unavailable")
    finally:
        yard.endpoint.fault = None
    assert event["data"]["steps"][-1][0] == "subject_token"
    granted(yard.server, yard.exchange(token))


@pytest.mark.parametrize("client_id", ["bare-backend", "moved-backend"])
def test_without_a_secret_for_this_very_endpoint_nothing_is_sent(yard: Yard, client_id: str) -> None:
    """A row that was changed in the database does not make us show our secret to somebody else."""
    asked = len(yard.endpoint.asked), len(yard.otter.asked)
    response = yard.server.exchange(auth=(client_id, SECRET), subject_token=yard.token())
    refused(yard.server, response, "temporarily_unavailable", Reason.INTROSPECTION_FAILED)
    assert (len(yard.endpoint.asked), len(yard.otter.asked)) == asked


@rule(116, "RFC 8725bis", "3.10")
def test_an_issuer_that_never_answers_holds_up_nobody_elses_and_is_then_left_alone(yard: Yard) -> None:
    """F12, F13. Every request is answered while the issuer is still silent, and after five no more are sent."""
    silent = yard.marten
    token = silent.token(yard.server.url)
    silent.fault = silence(silent)
    with ThreadPoolExecutor(12) as threads:
        stuck = [threads.submit(yard.as_otter, token, "marten-backend") for _ in range(12)]
        granted(yard.server, yard.exchange(yard.token()))
        for answer in stuck:
            refused(yard.server, answer.result(), "temporarily_unavailable", Reason.INTROSPECTION_FAILED)
    assert 0 < len(silent.asked) <= 8

    def is_left_alone() -> bool:
        sent = len(silent.asked)
        answer = yard.as_otter(token, "marten-backend")
        refused(yard.server, answer, "temporarily_unavailable", Reason.INTROSPECTION_FAILED)
        return len(silent.asked) == sent

    wait_until(is_left_alone, "the issuer is asked no more, once the failures were counted")


@rule(57, "RFC 8693", "6")
def test_neither_the_token_nor_our_secret_is_written_anywhere(yard: Yard) -> None:
    tokens = [yard.token(), yard.token(exp=1), "never-heard-of-" + "x" * 20]
    for token in tokens:
        yard.exchange(token)
    log = yard.server.output.read_text()
    for text in (*tokens, yard.endpoint.secret):
        assert text not in log
        for table in ("exchange_issuedtoken", "exchange_tokenfamily", "audit_event", "partners_federationtrust"):
            assert yard.server.rows(f"SELECT 1 FROM {table} t WHERE strpos(t::text, %s) > 0", text) == []
