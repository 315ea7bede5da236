"""Keys and kinds: RFC 8725 sections 3.1 to 3.5 and 3.10. Forged signatures are in tests/negative."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey

from exchange.keyring import ALGORITHMS, key_ring
from exchange.protocol.compact import encode_segment
from partners.keysets import KeySetRefused, accept_jwks, examine_jwks
from tests import signers
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.signers import make_key, public_jwk

NOW = datetime(2031, 5, 4, 12, 0, tzinfo=UTC)
GOOD = public_jwk(make_key("ES256", kid="good"))
SOUND = public_jwk(signers.rsa_key()) | {"kid": "sound"}


def rsa_key(bits: int, exponent: int = 65537) -> dict[str, Any]:
    """A public RSA key as written by somebody who does not mind its size."""
    numbers = rsa.generate_private_key(exponent, bits).public_key().public_numbers()
    n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
    return {"kty": "RSA", "n": encode_segment(n).decode(), "e": encode_segment(e).decode(), "kid": "bad", "use": "sig"}


WEAK: dict[str, dict[str, Any]] = {
    "RSA of 1024 bits": rsa_key(1024),
    "RSA of 2040 bits": rsa_key(2040),
    "RSA with the exponent 3": rsa_key(2048, 3),
    "RSA with the exponent 1": SOUND | {"kid": "bad", "e": "AQ"},
    "RSA with an empty modulus": SOUND | {"kid": "bad", "n": ""},
    "a point off the curve": GOOD | {"kid": "bad", "y": GOOD["x"]},
    "the point at infinity": GOOD | {"kid": "bad", "x": "AA", "y": "AA"},
    "coordinates of another curve": GOOD | {"kid": "bad", "crv": "P-384"},
}


@attack("A8")
@rule(109, "RFC 8725", "3.4")
@rule(109, "RFC 8725", "3.5")
@pytest.mark.parametrize("key", WEAK.values(), ids=WEAK.keys())
def test_a_weak_or_broken_key_is_not_taken(key: dict[str, Any]) -> None:
    document = {"keys": [GOOD, {name: value for name, value in key.items() if name != "alg"}]}
    assert [taken["kid"] for taken in examine_jwks(document).keys] == ["good"]
    with pytest.raises(KeySetRefused):
        accept_jwks(document)


USELESS: dict[str, dict[str, Any]] = {
    "for encryption": {"use": "enc"},
    "with an algorithm for encryption": {"use": None, "alg": "RSA-OAEP"},
    "to encrypt": {"use": None, "key_ops": ["encrypt"]},
}


@attack("A3")
@rule(106, "RFC 8725", "3.1")
@pytest.mark.parametrize("members", USELESS.values(), ids=USELESS.keys())
def test_a_key_that_is_not_for_signatures_is_not_taken(members: dict[str, Any]) -> None:
    key = {name: value for name, value in (SOUND | {"alg": None} | members).items() if value is not None}
    assert [taken["kid"] for taken in examine_jwks({"keys": [GOOD, key]}).keys] == ["good"]


@rule(109, "RFC 8725", "3.5")
def test_a_curve_that_we_do_not_verify_on_is_not_taken() -> None:
    odd = ECKey.generate_key("secp256k1").as_dict(private=False) | {"kid": "odd"}
    p192 = {"kty": "EC", "crv": "P-192", "x": "AQ", "y": "AQ", "kid": "p192"}
    assert [taken["kid"] for taken in examine_jwks({"keys": [GOOD, odd, p192]}).keys] == ["good"]


@rule(107, "RFC 8725", "3.1")
def test_a_shared_secret_in_a_key_set_refuses_the_whole_set() -> None:
    secret = OctKey.generate_key(256).as_dict() | {"kid": "oct"}
    with pytest.raises(KeySetRefused):
        examine_jwks({"keys": [GOOD, secret]})


@rule(106, "RFC 8725", "3.1")
def test_no_symmetric_algorithm_and_no_none_can_be_listed() -> None:
    assert not {name for name in ALGORITHMS if name.startswith(("HS", "A", "dir")) or name.lower() == "none"}


@rule(106, "RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512"])
def test_a_key_that_names_its_algorithm_verifies_that_one_alone(alg: str) -> None:
    ring = key_ring((public_jwk(make_key(alg, kid="k")),), is_fetched=False, usable_until=None)
    found = ring.find("k")
    assert found is not None
    assert found.algorithms == {alg}


@rule(108, "RFC 8725", "3.10")
@rule(108, "OWASP ASVS", "9.1.3")
@pytest.mark.parametrize("kid", ["", "GOOD", "good ", "good\0", "../good", "%67ood", "sound/../good"])
def test_a_kid_finds_the_key_of_exactly_that_name(kid: str) -> None:
    ring = key_ring((GOOD, SOUND), is_fetched=False, usable_until=None)
    assert ring.find(kid) is None
    assert ring.find(None) is None
    found = ring.find("good")
    assert found is not None
    assert found.kid == "good"


@rule(110, "RFC 8725", "3.9")
def test_two_rings_with_the_same_kid_keep_their_own_keys() -> None:
    other = make_key("ES256", kid="good")
    ours, theirs = (
        key_ring((jwk,), is_fetched=False, usable_until=None).find("good") for jwk in (GOOD, public_jwk(other))
    )
    signature = _signature(other, b"text")
    assert theirs is not None
    assert ours is not None
    assert theirs.verify("ES256", b"text", signature)
    assert not ours.verify("ES256", b"text", signature)


def _signature(key: Any, text: bytes) -> bytes:
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    return JWSRegistry.algorithms["ES256"].sign(text, key)


def test_keys_are_believed_until_they_are_too_old() -> None:
    ring = key_ring((GOOD,), is_fetched=True, usable_until=NOW)
    assert not ring.is_usable(NOW)
    assert key_ring((GOOD,), is_fetched=False, usable_until=None).is_usable(NOW)
