"""DPoP proofs at the token endpoint: RFC 9449 sections 4.2, 4.3 and 11.1."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, JWKRegistry

from exchange.protocol.dpop import (
    ALGORITHMS,
    NEWEST,
    NONCE_LIFETIME,
    OLDEST,
    OTHER_CLOCK,
    Proof,
    prove_possession,
)
from exchange.protocol.errors import InvalidDpopProof, UseDpopNonce
from exchange.spending import Purpose
from policy.reasons import Reason
from tests.conformance.rules import rule
from tests.signers import encode, make_key, public_jwk, rsa_key

NOW = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
URL = "https://handover.example/oauth/token"
HOLDER = make_key("ES256")
STRANGER = make_key("ES256")
RSA = rsa_key()


def proof(*, key: Any = None, **changes: Any) -> str:
    """A good proof, unless a claim or a ``header`` member is changed; None leaves it out."""
    signing = key or HOLDER
    public = public_jwk(signing)
    header = {"alg": public.get("alg", "ES256"), "typ": "dpop+jwt", "kid": None, "jwk": public} | changes.pop(
        "header", {}
    )
    claims = {"jti": "one", "htm": "POST", "htu": URL, "iat": int(NOW.timestamp())} | changes
    real = {"RSA": "RS256", "secp256k1": "ES256K"}.get(str(public.get("crv", public["kty"])), str(public.get("alg")))
    return encode(present(header), present(claims), signing, algorithm=real)


def present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def prove(*proofs: str, url: str = URL) -> Proof | None:
    return prove_possession(proofs, method="POST", url=url, now=NOW)


def refused(*proofs: str, url: str = URL) -> None:
    with pytest.raises(InvalidDpopProof) as caught:
        prove(*proofs, url=url)
    assert caught.value.reason is Reason.PROOF_INVALID


@rule(102, "RFC 9449", "6")
@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_a_good_proof_binds_to_the_thumbprint_of_its_key(alg: str) -> None:
    key = make_key(alg)
    binding = prove(proof(key=key, header={"alg": alg}))
    assert binding is not None
    assert binding.jkt == JWKRegistry.import_key(public_jwk(key)).thumbprint()


def test_without_a_proof_nothing_is_bound() -> None:
    assert prove() is None


@rule(95, "RFC 9449", "4.3")
@pytest.mark.parametrize(
    "proofs",
    [
        (proof(), proof(jti="two")),
        (proof(), proof()),
        ("",),
        ("a.b",),
        ("a.b.c.d.e",),
        (f"{proof()}, {proof()}",),
        (f" {proof()}",),
        ("é.é.é",),
        ("a" * 20_000,),
    ],
    ids=["two", "twice the same", "empty", "two parts", "five parts", "a list", "a blank", "no ASCII", "too long"],
)
def test_it_is_one_compact_jws_in_one_field(proofs: tuple[str, ...]) -> None:
    refused(*proofs)


BAD_HEADERS = {
    "no typ": {"typ": None},
    "another typ": {"typ": "JWT"},
    "typ with a prefix": {"typ": "application/dpop+jwt"},
    "no algorithm": {"alg": "none"},
    "an algorithm of another key": {"alg": "ES384"},
    "an algorithm that does not exist": {"alg": "es256"},
    "an algorithm that is a list": {"alg": ["ES256"]},
    "no key": {"jwk": None},
    "a private key": {"jwk": HOLDER.as_dict(private=True)},
    "a key as text": {"jwk": "key"},
    "a coordinate that is a number": {"jwk": {**public_jwk(HOLDER), "x": 1}},
    "a coordinate of a kilobyte": {"jwk": {**public_jwk(HOLDER), "x": "A" * 1000}},
    "a key without coordinates": {"jwk": {"kty": "EC", "crv": "P-256"}},
    "a point off the curve": {"jwk": {"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ"}},
    "a key of another type": {"jwk": RSA.as_dict(private=False)},
    "a symmetric key": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
    "somebody else's key": {"jwk": public_jwk(STRANGER)},
    "something critical": {"crit": ["exp"], "exp": 1},
    "nothing critical, said": {"crit": []},
}


@rule(96, "RFC 9449", "4.2")
@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
def test_its_header_says_type_algorithm_and_public_key(header: dict[str, Any]) -> None:
    refused(proof(header=header))


def test_an_rsa_key_is_not_taken_even_with_an_algorithm_of_its_own() -> None:
    refused(proof(key=RSA, header={"alg": "RS256", "jwk": RSA.as_dict(private=False)}))


NOW_SECONDS = int(NOW.timestamp())
BAD_CLAIMS = {
    "no method": {"htm": None},
    "another method": {"htm": "GET"},
    "the method in small letters": {"htm": "post"},
    "no address": {"htu": None},
    "an address that is a list": {"htu": [URL]},
    "another host": {"htu": "https://other.example/oauth/token"},
    "another path": {"htu": "https://handover.example/oauth/revoke"},
    "a slash after the path": {"htu": URL + "/"},
    "the path in capitals": {"htu": "https://handover.example/OAUTH/token"},
    "another scheme": {"htu": URL.replace("https", "http")},
    "another port": {"htu": "https://handover.example:8443/oauth/token"},
    "port 0": {"htu": "https://handover.example:0/oauth/token"},
    "a port that is no number": {"htu": "https://handover.example:x/oauth/token"},
    "a user in the address": {"htu": "https://me@handover.example/oauth/token"},
    "a tab in the address": {"htu": "https://handover.example/oauth/\ttoken"},
    "a blank before the address": {"htu": " " + URL},
    "a path only": {"htu": "/oauth/token"},
    "no time": {"iat": None},
    "a time as text": {"iat": str(NOW_SECONDS)},
    "true as a time": {"iat": True},
    "a negative time": {"iat": -1},
    "a time beyond all calendars": {"iat": 1e300},
    "too old": {"iat": NOW_SECONDS - 61},
    "too far ahead": {"iat": NOW_SECONDS + 11},
    "no identifier": {"jti": None},
    "an empty identifier": {"jti": ""},
    "a number as identifier": {"jti": 7},
    "too long an identifier": {"jti": "a" * 256},
    "a line break in the identifier": {"jti": "a\nb"},
}


@rule(97, "RFC 9449", "4.3")
@rule(98, "RFC 9449", "4.3")
@rule(98, "RFC 9449", "11.1")
@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
def test_its_claims_are_for_this_method_address_and_moment(claims: dict[str, Any]) -> None:
    refused(proof(**claims))


@rule(97, "RFC 9449", "4.3")
@pytest.mark.parametrize(
    "htu",
    [
        URL,
        "HTTPS://HANDOVER.example/oauth/token",
        "https://handover.example:443/oauth/token",
        f"{URL}?a=b",
        f"{URL}#part",
        f"{URL}?a=b#part",
    ],
)
def test_case_default_port_query_and_fragment_do_not_matter(htu: str) -> None:
    assert prove(proof(htu=htu)) is not None


@rule(98, "RFC 9449", "11.1")
@pytest.mark.parametrize("offset", [-OLDEST, timedelta(0), NEWEST], ids=str)
def test_the_ends_of_the_window_belong_to_it(offset: timedelta) -> None:
    assert prove(proof(iat=(NOW + offset).timestamp())) is not None


@rule(98, "RFC 9449", "11.1")
def test_a_nonce_stands_for_the_clock_and_the_proof_stays_spent_while_either_is_good() -> None:
    late = (NOW - OTHER_CLOCK).timestamp()
    for iat in (late, NOW_SECONDS, (NOW + OTHER_CLOCK).timestamp()):
        found = prove_possession((proof(iat=iat, nonce="n"),), method="POST", url=URL, now=NOW, nonces={"m", "n"})
        assert found is not None
        assert found.spends.expires_at >= max(NOW + NONCE_LIFETIME, datetime.fromtimestamp(iat, UTC) + OLDEST)
    with pytest.raises(InvalidDpopProof):
        prove_possession((proof(iat=late - 1, nonce="n"),), method="POST", url=URL, now=NOW, nonces={"n"})


@rule(100, "RFC 9449", "8")
@pytest.mark.parametrize("nonce", [None, "", "other", ["n"], 1, {"n": 1}], ids=str)
def test_another_nonce_or_none_is_told_apart_from_a_bad_proof(nonce: Any) -> None:
    with pytest.raises(UseDpopNonce):
        prove_possession((proof(nonce=nonce),), method="POST", url=URL, now=NOW, nonces={"n"})
    with pytest.raises(InvalidDpopProof):
        prove_possession((proof(nonce=nonce, htm="GET"),), method="POST", url=URL, now=NOW, nonces={"n"})


@rule(105, "RFC 9449", "4.2")
def test_what_a_proof_says_beyond_is_ignored() -> None:
    key = {**public_jwk(HOLDER), "x5t": "abc", "extra": 1}
    assert prove(proof(extra={"a": 1}, nbf="soon", header={"cty": "x", "extra": [1], "jwk": key})) is not None


@rule(99, "RFC 9449", "11.1")
def test_its_identifier_is_spent_under_its_key_for_as_long_as_it_could_come_again() -> None:
    binding = prove(proof())
    assert binding is not None
    spends = binding.spends
    assert (spends.purpose, spends.issuer, spends.jti) == (Purpose.DPOP_PROOF, binding.jkt, "one")
    assert spends.expires_at >= NOW + OLDEST


def test_a_signature_over_other_bytes_is_refused() -> None:
    header, _, signature = proof().split(".")
    _, claims, _ = proof(jti="two").split(".")
    refused(f"{header}.{claims}.{signature}")


def test_an_ec_key_of_another_curve_is_refused_whatever_it_signs() -> None:
    secp256k1 = ECKey.generate_key("secp256k1")
    refused(proof(key=secp256k1, header={"alg": "ES256K", "jwk": secp256k1.as_dict(private=False)}))
