"""Whom a platform vouches for, and in which words it does not (RFC 7523 section 3, SPIFFE JWT-SVID section 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest

from exchange.clients import authenticate_client
from exchange.keyring import EMPTY, KeyRing, key_ring
from exchange.protocol.client_auth import Credentials
from exchange.protocol.errors import InvalidClient, OAuthError
from exchange.verifying import MissingKey
from exchange.workloads import Vouched, vouch
from partners.selectors import KeySet, PartnerConfiguration, RegisteredClient
from partners.workload_values import RegisteredWorkload
from policy.claim_rules import Verdict
from policy.parties import ClientAuthentication
from policy.raw import RawToken
from policy.reasons import Reason, Rule, Step, shown
from tests.exchange.judged import OTHERS, US, make_registry, present
from tests.fuzz.signed import KEYS, NOW, SECONDS, described, spell
from tests.policy.examples import identifier, make_client, rule
from tests.signers import public_jwks

PLATFORM: Final = "https://cluster.kestrel.example"
DOMAIN: Final = "spiffe://kestrel.example"
HEADER: Final[dict[str, Any]] = {"alg": "ES256", "kid": "elliptic", "typ": "JWT"}
CLAIMS: Final[dict[str, Any]] = {
    "iss": PLATFORM,
    "sub": "payments:settlement",
    "aud": US,
    "exp": SECONDS + 60,
    "pod": {"name": "settlement-1"},
}
NAMED: Final = rule("sub", "equals", "payments:settlement")
PODDED: Final = rule("pod/name", "matches", "settlement-.*")
WORKLOAD_JWT, ASSERTION = ClientAuthentication.WORKLOAD_JWT, ClientAuthentication.PRIVATE_KEY_JWT


def client(*, by: ClientAuthentication = WORKLOAD_JWT, source: Any = "keys", **changes: Any) -> RegisteredClient:
    """A client that its platform vouches for."""
    good: dict[str, Any] = {
        "issuer": PLATFORM,
        "audiences": frozenset({OTHERS}),
        "algorithms": frozenset({"ES256"}),
        "rules": (NAMED, PODDED),
        "lifetime": timedelta(hours=1),
    }
    return RegisteredClient(
        client=make_client(methods=frozenset({by})),
        secrets=(),
        key_source_id=source and identifier(source),
        certificate=None,
        workload=RegisteredWorkload(**good | changes),
        serves=frozenset(),
    )


def ring(*, is_fetched: bool = False, usable_until: Any = None) -> KeyRing:
    return key_ring(tuple(public_jwks(*KEYS.values())["keys"]), is_fetched=is_fetched, usable_until=usable_until)


def token(*, header: Any = (), signature: bytes = b"", **claims: Any) -> RawToken:
    text = described(present(HEADER | dict(header)), present(CLAIMS | claims))
    return RawToken(spell(text + (b"\n" + signature if signature else b"")).text)


def vouched(presented: RawToken, known: RegisteredClient | None = None, keys: KeyRing | None = None) -> Vouched:
    leeway = timedelta(seconds=60)
    return vouch(presented, known or client(), keys or ring(), us=US, leeway=leeway, now=NOW)


def refused(presented: RawToken, known: RegisteredClient | None = None, keys: KeyRing | None = None) -> tuple[str, str]:
    with pytest.raises(InvalidClient) as caught:
        vouched(presented, known, keys)
    (step,) = caught.value.steps
    assert (caught.value.reason, step.rule, step.verdict) == (Reason.WORKLOAD_REFUSED, Rule.CLIENT, Verdict.REFUSED)
    return step.expected, step.received


MEANT: Final = f"aud: {OTHERS} or {US}"
REFUSED: Final[dict[str, tuple[RawToken, str, str]]] = {
    "no token": (RawToken("a.b"), "a compact JWS", "not three parts"),
    "another platform": (token(iss="https://other.example"), f"a token of {PLATFORM}", "https://other.example"),
    "no platform": (token(iss=None), f"a token of {PLATFORM}", "None"),
    "another type": (token(header={"typ": "at+jwt"}), "typ: jose or jwt", "at+jwt"),
    "the token of a person": (token(nonce="n", at_hash="h"), "a token of a workload", "has at_hash"),
    "an access token": (token(scope="a", client_id="b"), "a token of a workload", "has client_id"),
    "another algorithm": (token(header={"alg": "Ed25519", "kid": "edwards"}), "ES256", "Ed25519"),
    "another key": (token(header={"kid": "other"}), "a usable key of the platform", "kid other"),
    "no key": (token(header={"kid": None}), "a usable key of the platform", "kid absent"),
    "another signature": (token(signature=bytes(64)), "a signature of key elliptic", "another"),
    "no audience": (token(aud=None), MEANT, "absent"),
    "an empty audience": (token(aud=[]), MEANT, "[]"),
    "an audience too many": (token(aud=[US, "other"]), MEANT, shown([US, "other"])),
    "expired": (token(exp=SECONDS - 60), "exp after 2031-05-04T12:00:00Z", "2031-05-04T11:59:00Z"),
    "a long life": (token(iat=SECONDS - 1, exp=SECONDS + 3600), "at most 1:00:00", "1:00:01"),
    "no subject": (token(sub=None), "sub: a string", "absent"),
    "an empty subject": (token(sub=""), "sub: a string", ""),
    "a subject that is a number": (token(sub=7), "sub: a string", "7"),
}


@pytest.mark.parametrize(("presented", "expected", "received"), REFUSED.values(), ids=REFUSED.keys())
def test_a_platforms_token_that_will_not_do_is_told(presented: RawToken, expected: str, received: str) -> None:
    assert refused(presented) == (expected, received)


GOOD: Final[dict[str, RawToken]] = {
    "as it is": token(),
    "without a type": token(header={"typ": None}),
    "as JOSE": token(header={"typ": "JOSE"}),
    "for what the registration names": token(aud=[OTHERS]),
    "for both": token(aud=[US, OTHERS]),
    "at the last second": token(exp=SECONDS - 59),
    "with the longest life": token(iat=SECONDS, exp=SECONDS + 3600),
}


@pytest.mark.parametrize("presented", GOOD.values(), ids=GOOD.keys())
def test_a_platforms_token_that_will_just_do_is_believed(presented: RawToken) -> None:
    steps = (
        Step(Rule.CLIENT, Verdict.PASSED, f"a token of {PLATFORM}", "payments:settlement"),
        Step(Rule.CLIENT, Verdict.PASSED, NAMED.expected, "payments:settlement"),
        Step(Rule.CLIENT, Verdict.PASSED, PODDED.expected, "settlement-1"),
    )
    assert vouched(presented) == Vouched(issuer=PLATFORM, subject="payments:settlement", steps=steps)


@pytest.mark.parametrize(
    ("unmet", "claims", "reason", "verdict", "received"),
    [
        (PODDED, {"pod": {"name": "ledger-1"}}, Reason.WORKLOAD_RULE_UNMET, Verdict.REFUSED, "ledger-1"),
        (PODDED, {"pod": "settlement-1"}, Reason.WORKLOAD_RULE_UNMET, Verdict.REFUSED, "absent"),
        (PODDED, {"pod": {"name": ["a"]}}, Reason.WORKLOAD_RULE_FAULT, Verdict.FAULT, "['a']"),
        (PODDED, {"pod/name": "other"}, Reason.WORKLOAD_RULE_UNMET, Verdict.REFUSED, "other"),
    ],
)
def test_a_rule_that_is_not_met_is_told_after_those_that_are(
    unmet: Any, claims: dict[str, Any], reason: Reason, verdict: Verdict, received: str
) -> None:
    with pytest.raises(InvalidClient) as caught:
        vouched(token(**claims), client(rules=(NAMED, unmet, rule("exp", "exists"))))
    *before, last = caught.value.steps
    assert caught.value.reason is reason
    assert [step.received for step in before] == ["payments:settlement"] * 2
    assert last == Step(Rule.CLIENT, verdict, unmet.expected, received)


def test_of_a_spiffe_id_the_trust_domain_is_the_platform() -> None:
    known = client(issuer=DOMAIN, rules=(rule("sub", "exists"),))
    for claims in ({"iss": None}, {"iss": "https://spire.kestrel.example"}):
        presented = token(sub=f"{DOMAIN}/ns/payments", **claims)
        assert vouched(presented, known).issuer == DOMAIN
    expected = f"a token of {DOMAIN}"
    assert refused(token(sub=DOMAIN), known) == (expected, f"no SPIFFE id: {DOMAIN}")
    assert refused(token(sub=f"{DOMAIN}/"), known) == (expected, f"no SPIFFE id: {DOMAIN}/")
    assert refused(token(sub="kestrel.example/a", iss=DOMAIN), known) == (expected, "no SPIFFE id: kestrel.example/a")
    assert refused(token(sub="spiffe://other.example/a"), known) == (expected, "spiffe://other.example")
    assert refused(token(sub=None), known) == (expected, "no SPIFFE id: None")


@pytest.mark.parametrize("kid", ["other", None, "elliptic"])
def test_a_platforms_keys_that_may_have_moved_are_fetched(kid: str | None) -> None:
    keys = ring(is_fetched=True, usable_until=NOW if kid == "elliptic" else None)
    with pytest.raises(MissingKey) as caught:
        vouched(token(header={"kid": kid}), keys=keys)
    assert (caught.value.key_source_id, caught.value.kid) == (identifier("keys"), str(kid))
    (step,) = caught.value.otherwise.steps
    assert (step.expected, step.received) == ("a usable key of the platform", f"kid {shown(kid)}")
    assert refused(token(header={"kid": kid}), client(source=None), keys) == (step.expected, step.received)


def test_the_only_key_needs_no_name_and_a_client_without_platform_has_nobody_to_vouch() -> None:
    only = key_ring(tuple(public_jwks(KEYS["ES256"])["keys"]), is_fetched=False, usable_until=None)
    assert vouched(token(header={"kid": None}), keys=only).issuer == PLATFORM
    assert refused(token(), replace(client(), workload=None)) == ("a client that a platform vouches for", "gateway")
    assert refused(token(), keys=EMPTY) == ("a usable key of the platform", "kid elliptic")


def authenticated(known: RegisteredClient, presented: RawToken, *, name: str = "gateway") -> Any:
    """By the whole of client authentication, with a JWT that does not say which of two methods it is."""
    key_set = KeySet(
        id=identifier("keys"), keys=tuple(public_jwks(*KEYS.values())["keys"]), is_fetched=False, usable_until=None
    )
    theirs = PartnerConfiguration(
        partner=known.client.partner, clients=(known,), issuers=(), mappings=(), key_sets=(key_set,)
    )
    credentials = Credentials(method=ASSERTION, unverified_client_id=name, credential=presented)
    return authenticate_client(credentials, make_registry(theirs), grant_type=None, now=NOW)


def test_a_client_is_authenticated_by_the_one_method_it_is_registered_for() -> None:
    found = authenticated(client(), token())
    assert (found.client.client_id, found.method, found.spends) == ("gateway", WORKLOAD_JWT, None)
    assert found.vouched == vouched(token())
    assert authenticated(client(), token(exp=SECONDS - 59)).vouched.subject == "payments:settlement"
    own: dict[str, Any] = {"iss": "gateway", "sub": "gateway", "jti": "one"}
    found = authenticated(client(by=ASSERTION), token(**own))
    assert (found.method, found.vouched, found.spends.jti) == (ASSERTION, None, "one")
    with pytest.raises(OAuthError) as caught:
        authenticated(client(), token(**own))
    assert caught.value.reason is Reason.WORKLOAD_REFUSED
    with pytest.raises(OAuthError) as caught:
        authenticated(client(), token(), name="nobody")
    assert caught.value.reason is Reason.CLIENT_UNKNOWN


def test_an_unknown_client_by_a_platform_is_told_like_any_other() -> None:
    registry = make_registry(
        PartnerConfiguration(partner=None, clients=(client(),), issuers=(), mappings=(), key_sets=())
    )
    for name in ("nobody", None):
        credentials = Credentials(method=WORKLOAD_JWT, unverified_client_id=name, credential=token())
        with pytest.raises(InvalidClient) as caught:
            authenticate_client(credentials, registry, grant_type=None, now=NOW)
        (step,) = caught.value.steps
        assert (caught.value.reason, step.rule) == (Reason.CLIENT_UNKNOWN, Rule.CLIENT)
        assert (step.expected, step.received) == ("a registered client", shown(name))
