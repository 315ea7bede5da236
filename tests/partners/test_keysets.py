"""Which public keys are taken from a partner (rules 63, 106, 109; RFC 7517, RFC 8725 section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partners.keysets import (
    ALGORITHMS,
    KeySetRefused,
    accept_jwks,
    algorithms_of,
    examine_jwks,
    named_keys,
)
from partners.vocabulary import SignatureAlgorithm
from tests.attacks import attack
from tests.partners.examples import private_key, public_key

if TYPE_CHECKING:
    from collections.abc import Mapping

RSA = public_key("RSA", kid="rsa")
EC = public_key(kid="ec")
ED = public_key("Ed25519", kid="ed")


def left_out(*keys: Mapping[str, Any]) -> list[str]:
    return [str(key) for key in examine_jwks({"keys": [EC, *keys]}).left_out]


@pytest.mark.parametrize("key", [RSA, EC, ED, public_key("P-384", kid="a"), public_key("P-521", kid="b")])
def test_every_supported_kind_of_key_is_taken_as_it_is(key: dict[str, Any]) -> None:
    assert accept_jwks({"keys": [key]}) == (key,)


def test_only_members_of_a_public_signing_key_are_kept() -> None:
    noisy = {**EC, "use": "sig", "alg": "ES256", "key_ops": ["verify"], "x5c": ["MII"], "x5u": "https://x", "iat": 5}
    (kept,) = accept_jwks({"keys": [noisy]})
    assert set(kept) == {"kty", "kid", "crv", "x", "y", "use", "alg", "key_ops"}


def test_accepting_what_was_accepted_changes_nothing() -> None:
    keys = accept_jwks({"keys": [RSA, EC, ED]})
    assert accept_jwks({"keys": list(keys)}) == keys


def test_a_single_key_needs_no_name() -> None:
    key = public_key()
    assert accept_jwks({"keys": [key]}) == (key,)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([], "holds no key that can verify"),
        ([{"kty": "oct", "k": "AAAA", "kid": "o"}], "symmetric"),
        ([EC, {"kty": "oct", "kid": "o"}], "symmetric"),
        ([private_key(kid="p")], "private members"),
        ([EC, {"kty": "RSA", "n": "AQ", "e": "AQAB", "d": "AQ", "kid": "p"}], "private members"),
        ([EC, {**ED, "kid": "ec"}], "'ec' names more than one key"),
        ([EC, public_key()], "needs a kid on each"),
        ([public_key(kid=5)], "must be text of 1 to 255"),
        ([public_key(kid="")], "must be text of 1 to 255"),
        ([public_key(kid="x" * 256)], "must be text of 1 to 255"),
        ([public_key(kid="a\nb")], "must be text of 1 to 255"),
        ([{**EC, "alg": "ES384"}], "does not fit its type"),
        ([{**RSA, "alg": "HS256"}], "does not fit its type"),
        ([{**RSA, "alg": "none"}], "does not fit its type"),
        ([{**EC, "alg": ["ES256"]}], "does not fit its type"),
        ([{**RSA, "use": "sig", "alg": "RSA-OAEP"}], "for encryption"),
        ([{**EC, "use": "sig", "key_ops": ["encrypt"]}], "has only verify"),
        ([{**EC, "key_ops": ["sign", "verify"]}], "has only verify"),
        ([{**EC, "key_ops": "verify"}], "has only verify"),
        ([public_key(kid=f"k{number}") for number in range(33)], "at most 32"),
        ([{"kty": "EC", "crv": "secp256k1", "x": "AQ", "y": "AQ", "kid": "k"}], "unknown type"),
    ],
)
def test_a_set_that_cannot_be_believed_is_refused_as_a_whole(keys: list[dict[str, Any]], why: str) -> None:
    for accept in (accept_jwks, examine_jwks):
        with pytest.raises(KeySetRefused, match=why):
            accept({"keys": keys})


@pytest.mark.parametrize("document", [None, [], "keys", 5, {}, {"keys": None}, {"keys": {}}, {"keys": ["a"]}])
def test_what_is_no_key_set_is_refused(document: object) -> None:
    with pytest.raises(KeySetRefused, match='an object with a list "keys"'):
        accept_jwks(document)


@attack("A3")
@pytest.mark.parametrize(
    ("key", "why"),
    [
        ({**public_key("RSA", kid="e"), "use": "enc"}, "is for encryption"),
        ({**public_key("RSA", kid="e"), "alg": "RSA-OAEP-256"}, "is for encryption"),
        ({**public_key("P-256", kid="e"), "alg": "ECDH-ES"}, "is for encryption"),
        ({**public_key("P-256", kid="u"), "use": "tls"}, "has use 'tls'"),
        ({**public_key("P-256", kid="w"), "key_ops": ["deriveKey"]}, "is not for verifying"),
        ({"kty": "OKP", "crv": "X25519", "x": ED["x"], "kid": "x"}, "unknown type 'OKP' 'X25519'"),
        ({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "pq"}, "unknown type 'AKP'"),
        ({"kid": "nothing"}, "unknown type None"),
    ],
)
def test_a_key_of_no_use_here_is_left_out_and_named(key: dict[str, Any], why: str) -> None:
    (said,) = left_out(key)
    assert why in said
    assert key["kid"] in said
    assert accept_jwks({"keys": [EC, key]}) == (EC,)


@attack("A8")
@pytest.mark.parametrize(
    ("key", "why"),
    [
        ({**RSA, "kid": "w", "n": RSA["n"][:171]}, "has 102"),
        ({**RSA, "kid": "w", "e": "Aw"}, "another exponent"),
        ({**RSA, "kid": "w", "n": "AQAB"}, "has 17 bits"),
        ({**RSA, "kid": "w", "n": ""}, "wrong kind or size"),
        ({**RSA, "kid": "w", "n": "A" * 3000}, "wrong kind or size"),
        ({**RSA, "kid": "w", "n": 5}, "wrong kind or size"),
        ({"kty": "RSA", "e": "AQAB", "kid": "w"}, "not a well-formed"),
        ({**EC, "kid": "w", "y": EC["x"]}, "not a well-formed"),
        ({"kty": "EC", "crv": "P-256", "x": EC["x"], "kid": "w"}, "not a well-formed"),
        ({**ED, "kid": "w", "x": "AAAA"}, "not a well-formed"),
        ({**EC, "kid": "w", "x": "!!!"}, "wrong kind or size"),
    ],
)
def test_a_weak_key_is_left_out_of_a_fetched_set_and_refuses_an_uploaded_one(key: dict[str, Any], why: str) -> None:
    (said,) = left_out(key)
    assert why in said
    with pytest.raises(KeySetRefused, match=why):
        accept_jwks({"keys": [EC, key]})


def test_a_key_verifies_what_its_type_and_its_alg_allow() -> None:
    assert algorithms_of(EC) == {"ES256"}
    assert algorithms_of(RSA) == {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    assert algorithms_of({**RSA, "alg": "PS256"}) == {"PS256"}
    assert algorithms_of(ED) == {"EdDSA", "Ed25519"}
    assert set(SignatureAlgorithm) == ALGORITHMS


def test_two_keys_under_one_name_have_different_names_in_words() -> None:
    first, second = named_keys([EC]), named_keys([public_key(kid="ec")])
    assert first[0].startswith("ec ")
    assert first != second


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kty", "keys", "kid", "n", "e", "crv", "x", "y", "use", "alg", "key_ops"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["kty", "kid", "n", "e", "crv", "x", "y", "use", "alg", "key_ops"]),
            _json | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", EC["x"]]),
        ),
        max_size=4,
    )
)
def test_whatever_a_partner_publishes_is_taken_or_refused_but_never_a_crash(keys: list[dict[str, Any]]) -> None:
    try:
        accepted = accept_jwks({"keys": keys})
    except KeySetRefused:
        return
    assert all(algorithms_of(key) for key in accepted)
