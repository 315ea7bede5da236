"""Our verification beside joserfc's and PyJWT's: ours accepts nothing that both of them refuse.

Where ours refuses what either of them takes, the reason is one of those in ``STRICTER``, each with its explanation.
"""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import jwt as pyjwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from exchange.keyring import key_ring
from exchange.possession import NOTHING
from exchange.protocol.compact import encode_segment
from exchange.protocol.errors import OAuthError
from exchange.registry import Issuer
from exchange.verifying import read, verify
from policy.raw import RawToken
from policy.reasons import Reason, Rule
from policy.tokens import TokenType
from tests.conformance.rules import rule
from tests.policy.examples import ISSUER, make_client, make_trust
from tests.signers import encode, make_key, public_jwk, public_jwks, rsa_key

US: Final = "https://handover.example"
LEEWAY: Final = 30
ALGORITHMS: Final = ["RS256", "ES256"]
KEYS: Final = {"RS256": rsa_key(), "ES256": make_key("ES256")}
STRANGER: Final = make_key("ES256")
JWKS: Final = public_jwks(*KEYS.values())
TRUST: Final = make_trust(algorithms=frozenset(ALGORITHMS))
OURS: Final = Issuer(
    trust=TRUST,
    mappings={},
    key_source_id=uuid4(),
    keys=key_ring(tuple(JWKS["keys"]), is_fetched=False, usable_until=None),
    audiences=frozenset({US}),
)

STRICTER: Final = {
    Reason.TOKEN_MALFORMED: "one spelling per token: no padding, no blanks, no member twice (RFC 8725bis 3.14)",
    Reason.HEADER_REFUSED: "header members that bring keys, or must be understood, are refused (RFC 8725 3.10)",
    Reason.TYPE_MISMATCH: "another kind of token by its typ, or by claims only that kind has (RFC 8725 3.11)",
    Reason.AUDIENCE_MISMATCH: "every audience must be known, not one of them",
    Reason.CLAIM_MALFORMED: "exp is required; instants are numbers, never text, true, or beyond year 9999",
    Reason.LIFETIME_TOO_LONG: "the trust caps what an issuer may sign",
    Reason.TOKEN_NOT_YET_VALID: "iat in the future counts like nbf",
    Reason.SENDER_CONSTRAINED: "a token bound to a key is good only beside a proof of that key",
    Reason.KEY_UNKNOWN: "with several keys the token must name its own; no trying in turn",
    Reason.ALGORITHM_REFUSED: "one key, one algorithm, and none of an allow list's neighbours",
}


def ours(token: str, now: float) -> Reason | None:
    """None for yes, or the reason of the refusal."""
    try:
        presented = read(RawToken(token), TokenType.ACCESS_TOKEN, Rule.SUBJECT_TOKEN)
        if presented.unverified_issuer != ISSUER:
            return Reason.ISSUER_UNTRUSTED
        verify(presented, OURS, make_client(), NOTHING, now=datetime.fromtimestamp(now, UTC))
    except OAuthError as error:
        return error.reason
    return None


def joserfc_accepts(token: str, now: float) -> bool:
    try:
        decoded = joserfc_jwt.decode(token, KeySet(list(KEYS.values())), algorithms=ALGORITHMS)
        registry = JWTClaimsRegistry(
            now=int(now),
            leeway=LEEWAY,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": US},
            exp={"essential": True},
        )
        registry.validate(decoded.claims)
    except (JoseError, ValueError, TypeError, KeyError):
        return False
    return True


def pyjwt_accepts(token: str) -> bool:
    try:
        keys = pyjwt.PyJWKSet.from_dict(JWKS)
        key = keys[str(pyjwt.get_unverified_header(token).get("kid"))]
        pyjwt.decode(
            token, key, algorithms=ALGORITHMS, audience=US, issuer=ISSUER, leeway=LEEWAY, options={"require": ["exp"]}
        )
    except (pyjwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError):
        return False
    return True


def often(good: Any, others: list[Any]) -> st.SearchStrategy[Any]:
    """Mostly the good value, so that a token is wrong in one or two ways rather than in all."""
    return st.sampled_from([good] * (3 * len(others)) + others)


ABSENT: Final = object()
FUTURE, PAST = 100, -100
HEADERS = st.fixed_dictionaries(
    {
        "alg": often(ABSENT, ["none", "None", "HS256", "RS512", "PS256", "ES384", "es256", "", 7, None, ["ES256"]]),
        "kid": often(ABSENT, [None, "other", 7, "", "../../etc/passwd"]),
        "typ": often(
            "JWT", [None, "at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt", "id_token+jwt", 7, ["JWT"]]
        ),
        "more": often(
            {},
            [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"jwk": public_jwk(STRANGER)}, {"zip": "DEF"}],
        ),
    }
)
CLAIMS = st.fixed_dictionaries(
    {
        "iss": often(ISSUER, [None, ISSUER + "/", ISSUER.upper(), [ISSUER], 7]),
        "aud": often(US, [[US], [US, "other"], [], "other", None, US + "/", {"0": US}, 7, [7]]),
        "exp": often(60, [-10, PAST, None, 10**6, "text", True, 10**12, float("1e300"), 60.5]),
        "nbf": often(None, [-10, 10, FUTURE, "text", True]),
        "iat": often(-5, [None, 10, FUTURE, "text", -(10**6)]),
        "sub": often("user-1", [None, 7, ""]),
        "jti": often("one", [None, 7]),
        "more": often({}, [{"nonce": "x"}, {"typ": "Refresh"}, {"cnf": {"jkt": "x"}}, {"scope": 7}, {"scope": ["a"]}]),
    }
)
SPELLINGS = often("plain", ["padded", "newline", "blank", "repeated claim", "fourth part", "standard alphabet"])
SIGNATURES = often("good", ["flipped", "short", "empty", "stranger", "public key as secret", "other"])


def made(header: dict[str, Any], claims: dict[str, Any], signature: str, spelling: str, now: float) -> str:
    """A token, really signed where it says so, and then spoilt as asked."""
    real = "RS256" if header["typ"] == "at+jwt" else "ES256"
    key = KEYS["RS256" if signature == "other" else real] if signature != "stranger" else STRANGER
    named = {
        "alg": real if header["alg"] is ABSENT else header["alg"],
        "kid": KEYS[real].kid if header["kid"] is ABSENT else header["kid"],
        "typ": header["typ"],
    } | header["more"]
    told = {name: value for name, value in claims.items() if name != "more"} | claims["more"]
    for name in ("exp", "nbf", "iat"):
        if type(told[name]) in {int, float} and abs(told[name]) < 10**9:
            told[name] = int(now) + told[name]
    text = json.dumps({name: value for name, value in told.items() if value is not None})
    if spelling == "repeated claim":
        text = text[:-1] + ', "sub": "user-2"}'
    token = encode(
        {name: value for name, value in named.items() if value is not None},
        text.encode(),
        None if signature == "empty" else key,
        algorithm=str(key.as_dict()["alg"]),
    )
    return _respelt(_resigned(token, signature), spelling)


def _resigned(token: str, signature: str) -> str:
    signing_input, _, text = token.rpartition(".")
    if signature == "public key as secret":
        forged = hmac.digest(KEYS["RS256"].as_pem(private=False), signing_input.encode(), "sha256")
        return f"{signing_input}.{encode_segment(forged).decode()}"
    if signature == "flipped":
        return f"{signing_input}.{'B' if text[0] == 'A' else 'A'}{text[1:]}"
    return token[:-8] if signature == "short" else token


def _respelt(token: str, spelling: str) -> str:
    header, claims, signature = token.split(".")
    return {
        "padded": f"{header}.{claims}.{signature}==",
        "newline": token + "\n",
        "blank": f" {token}",
        "fourth part": token + ".",
        "standard alphabet": token.replace("-", "+").replace("_", "/"),
    }.get(spelling, token)


@rule(106, "RFC 8725", "3.1")
@rule(107, "RFC 8725", "3.2")
@rule(112, "RFC 8725bis", "3.14")
@settings(max_examples=300)
@given(header=HEADERS, claims=CLAIMS, signature=SIGNATURES, spelling=SPELLINGS)
def test_ours_accepts_nothing_that_both_others_refuse(
    header: dict[str, Any], claims: dict[str, Any], signature: str, spelling: str
) -> None:
    now = time.time()
    token = made(header, claims, signature, spelling, now)
    reason, others = ours(token, now), (joserfc_accepts(token, now), pyjwt_accepts(token))
    if reason is None:
        assert any(others), token
    elif all(others):
        assert reason in STRICTER, (reason, token)


GOOD_HEADER = {"alg": ABSENT, "kid": ABSENT, "typ": "JWT", "more": {}}
GOOD_CLAIMS = {"iss": ISSUER, "aud": US, "exp": 60, "nbf": None, "iat": -5, "sub": "user-1", "jti": "one", "more": {}}


def test_all_three_accept_a_good_token() -> None:
    now = time.time()
    for typ in ("JWT", "at+jwt"):
        token = made({**GOOD_HEADER, "typ": typ}, GOOD_CLAIMS, "good", "plain", now)
        assert (ours(token, now), joserfc_accepts(token, now), pyjwt_accepts(token)) == (None, True, True)


DIFFERENCES: Final[dict[Reason, tuple[dict[str, Any], dict[str, Any]]]] = {
    Reason.HEADER_REFUSED: ({"more": {"jwk": public_jwk(STRANGER)}}, {}),
    Reason.TYPE_MISMATCH: ({"typ": "logout+jwt"}, {}),
    Reason.AUDIENCE_MISMATCH: ({}, {"aud": [US, "https://other.example"]}),
    Reason.LIFETIME_TOO_LONG: ({}, {"exp": 10**6}),
    Reason.CLAIM_MALFORMED: ({}, {"sub": None}),
}


@rule(111, "RFC 8725", "3.11")
@rule(108, "RFC 8725", "3.10")
@pytest.mark.parametrize("reason", DIFFERENCES, ids=str)
def test_ours_is_stricter_where_it_says_so(reason: Reason) -> None:
    header, claims = DIFFERENCES[reason]
    now = time.time()
    token = made(GOOD_HEADER | header, GOOD_CLAIMS | claims, "good", "plain", now)
    assert ours(token, now) is reason
    assert joserfc_accepts(token, now)
    assert pyjwt_accepts(token)


@rule(110, "RFC 8725", "3.8")
def test_a_key_of_another_issuer_does_not_verify_even_under_the_same_name() -> None:
    stranger = make_key("ES256", kid=str(KEYS["ES256"].kid))
    theirs = replace(OURS, keys=key_ring((public_jwk(stranger),), is_fetched=False, usable_until=None))
    now = time.time()
    token = made(GOOD_HEADER, GOOD_CLAIMS, "good", "plain", now)
    presented = read(RawToken(token), TokenType.ACCESS_TOKEN, Rule.SUBJECT_TOKEN)
    with pytest.raises(OAuthError) as caught:
        verify(presented, theirs, make_client(), NOTHING, now=datetime.fromtimestamp(now, UTC))
    assert caught.value.reason is Reason.SIGNATURE_WRONG
