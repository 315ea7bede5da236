"""Tokens whose signature is forged, borrowed, missing or of another kind (A1 to A5, A7)."""

from __future__ import annotations

import hmac
import json
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

from exchange.protocol.compact import decode_segment, encode_segment
from policy.reasons import Reason
from tests.attacks import attack
from tests.conformance.rules import rule
from tests.oracle import granted, refused
from tests.signers import Signer, encode, make_key, public_jwk

if TYPE_CHECKING:
    from policy.reasons import Reason as Why
    from tests.exchange_server import ExchangeServer

HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def respelt(token: str, signature: bytes | str, **header: Any) -> str:
    """The same claims under a changed header and another signature."""
    named, claims, _ = token.split(".")
    if header:
        named = encode_segment(json.dumps(json.loads(decode_segment(named.encode())) | header).encode()).decode()
    text = signature if isinstance(signature, str) else encode_segment(signature).decode()
    return f"{named}.{claims}.{text}"


def presented(server: ExchangeServer, token: str, reason: Why) -> None:
    refused(server, server.exchange(subject_token=token), "invalid_request", reason)


def from_many(server: ExchangeServer, alg: str, token: str, reason: Why | None) -> None:
    """Present a token of the issuer that has a key of every algorithm."""
    response = server.exchange(auth=("heron-gateway", server.world.secret), subject_token=token)
    if reason is None:
        assert granted(server, response).event["data"]["subject"]["alg"] == alg
    else:
        refused(server, response, "invalid_request", reason)


@attack("A1")
@rule(107, "RFC 8725", "3.2")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "none "])
@pytest.mark.parametrize("signature", ["", "AA", "original"])
def test_a1_no_signature_by_any_name_is_none(server: ExchangeServer, alg: str, signature: str) -> None:
    token = server.world.idp.subject_token(server.url)
    kept = token.rpartition(".")[2] if signature == "original" else signature
    presented(server, respelt(token, kept, alg=alg), Reason.ALGORITHM_REFUSED)


@attack("A1")
@rule(107, "RFC 8725", "3.2")
@pytest.mark.parametrize("signature", [b"", b"\0", b"\0" * 256, b"\xff" * 256], ids=["empty", "short", "zeros", "ones"])
def test_a1_a_signature_that_is_none_is_wrong_under_the_right_name(server: ExchangeServer, signature: bytes) -> None:
    presented(server, respelt(server.world.idp.subject_token(server.url), signature), Reason.SIGNATURE_WRONG)


@attack("A2")
@rule(107, "RFC 8725", "3.1")
@rule(106, "RFC 8725", "3.1")
@pytest.mark.parametrize("form", ["PEM", "PEM without its last line break", "PKCS1", "DER", "JWK", "modulus"])
@pytest.mark.parametrize("alg", ["HS256", "HS512", "RS256"])
def test_a2_the_public_key_is_no_shared_secret(server: ExchangeServer, form: str, alg: str) -> None:
    key = server.world.idp.key
    public = key.public_key
    secret = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PEM without its last line break": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        "PKCS1": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "JWK": json.dumps(public_jwk(key)).encode(),
        "modulus": decode_segment(str(public_jwk(key)["n"]).encode()),
    }[form]
    token = respelt(server.world.idp.subject_token(server.url), "AA", alg=alg)
    signing_input = token.rpartition(".")[0].encode()
    forged = respelt(token, hmac.digest(secret, signing_input, HASHES.get(alg, "sha256")))
    presented(server, forged, Reason.SIGNATURE_WRONG if alg == "RS256" else Reason.ALGORITHM_REFUSED)


@attack("A3")
@rule(106, "RFC 8725", "3.1")
@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "PS384"])
def test_a3_a_key_declared_for_one_algorithm_verifies_no_other(server: ExchangeServer, alg: str) -> None:
    heron = server.world.heron
    signer = Signer(heron.many.issuer, heron.keys["RS256"])
    from_many(server, alg, signer.subject_token(server.url, header={"alg": alg}), Reason.ALGORITHM_REFUSED)
    from_many(server, "RS256", signer.subject_token(server.url), None)


@attack("A3")
@rule(106, "RFC 8725", "3.1")
@pytest.mark.parametrize(
    ("named", "real"), [("ES256", "ES384"), ("ES384", "ES256"), ("PS256", "RS256"), ("ES256", "RS256")]
)
def test_a3_the_kid_of_a_key_of_another_algorithm_is_refused(server: ExchangeServer, named: str, real: str) -> None:
    heron = server.world.heron
    signer = Signer(heron.many.issuer, heron.keys[real])
    header = {"kid": heron.keys[named].kid, "alg": real}
    from_many(server, real, signer.subject_token(server.url, header=header), Reason.ALGORITHM_REFUSED)


@attack("A3")
@rule(106, "RFC 8725", "3.1")
def test_a3_the_two_names_of_edwards_curve_signatures_are_one_algorithm(server: ExchangeServer) -> None:
    heron = server.world.heron
    signer = Signer(heron.many.issuer, heron.keys["Ed25519"])
    from_many(server, "EdDSA", signer.subject_token(server.url, header={"alg": "EdDSA"}), None)


@attack("A3")
@rule(109, "RFC 8725", "3.4")
@pytest.mark.parametrize("spoilt", ["all zeros", "r is zero", "DER", "half", "a byte more", "order added"])
def test_a3_an_elliptic_curve_signature_has_one_shape(server: ExchangeServer, spoilt: str) -> None:
    heron = server.world.heron
    token = heron.many.subject_token(server.url)
    good = decode_segment(token.rpartition(".")[2].encode())
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signature = {
        "all zeros": b"\0" * 64,
        "r is zero": b"\0" * 32 + good[32:],
        "DER": encode_dss_signature(r, s),
        "half": good[:32],
        "a byte more": good + b"\0",
        "order added": ((r + order) % 2**256).to_bytes(32, "big") + good[32:],
    }[spoilt]
    assert decode_dss_signature(encode_dss_signature(r, s)) == (r, s)
    from_many(server, "ES256", respelt(token, signature), Reason.SIGNATURE_WRONG)


@attack("A4")
@rule(108, "RFC 8725", "3.10")
def test_a4_with_several_keys_a_token_must_name_its_own(server: ExchangeServer) -> None:
    token = server.world.heron.many.subject_token(server.url, header={"kid": None})
    from_many(server, "ES256", token, Reason.KEY_UNKNOWN)


@attack("A5")
@rule(108, "RFC 8725", "3.10")
@pytest.mark.parametrize("brought", ["jwk", "jku", "x5c", "nothing"])
def test_a5_a_key_that_the_token_brings_along_is_not_used(server: ExchangeServer, brought: str) -> None:
    attacker = make_key("RS256", kid=str(server.world.idp.key.kid))
    brings: dict[str, dict[str, Any]] = {
        "jwk": {"jwk": public_jwk(attacker)},
        "jku": {"jku": "https://attacker.example/jwks"},
        "x5c": {"x5c": ["MIIB"]},
        "nothing": {},
    }
    header = brings[brought]
    token = Signer(server.world.idp.issuer, attacker).subject_token(server.url, header=header)
    presented(server, token, Reason.HEADER_REFUSED if header else Reason.SIGNATURE_WRONG)


def claims_of(server: ExchangeServer) -> bytes:
    now = int(time.time())
    return json.dumps({"iss": server.world.idp.issuer, "sub": "u", "aud": server.url, "exp": now + 60}).encode()


def sealed(server: ExchangeServer, kind: str) -> str:
    """An encrypted token of the kind that has troubled other verifiers."""
    members = public_jwk(server.world.idp.key)
    public = RSAKey.import_key({name: members[name] for name in ("kty", "n", "e")})
    if kind == "for the issuer's own key":
        return jwe.encrypt_compact({"alg": "RSA-OAEP", "enc": "A128GCM"}, claims_of(server), public)
    if kind == "a signed token inside":
        inner = server.world.idp.subject_token(server.url).encode()
        return jwe.encrypt_compact({"alg": "RSA-OAEP", "enc": "A128GCM"}, inner, public)
    if kind == "under a shared key":
        secret = OctKey.import_key(b"0123456789abcdef")
        return jwe.encrypt_compact({"alg": "dir", "enc": "A128GCM"}, claims_of(server), secret)
    header: dict[str, Any] = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2s": "c2FsdA", "p2c": 2**31}
    body = b"AA"
    if kind == "a compressed bomb":
        header = {"alg": "dir", "enc": "A128GCM", "zip": "DEF"}
        body = encode_segment(zlib.compress(b"\0" * 8_000_000)[2:-4])
    return b".".join([encode_segment(json.dumps(header).encode()), b"AA", b"AA", body, b"AA"]).decode()


@attack("A7")
@rule(107, "RFC 8725bis", "3.3")
@rule(114, "RFC 8725bis", "3.6")
@rule(114, "RFC 8725bis", "3.13")
@rule(114, "RFC 8725bis", "3.15")
@pytest.mark.parametrize(
    "kind",
    [
        "for the issuer's own key",
        "a signed token inside",
        "under a shared key",
        "two thousand million rounds",
        "a compressed bomb",
    ],
)
def test_a7_an_encrypted_token_is_refused_unopened(server: ExchangeServer, kind: str) -> None:
    token = sealed(server, kind)
    presented(server, token, Reason.TOKEN_ENCRYPTED)
    refused(server, server.exchange(client_assertion=token), "invalid_client", Reason.ASSERTION_REFUSED)
    response = server.post(server.form(), auth=server.basic, headers={"dpop": token})
    refused(server, response, "invalid_dpop_proof", Reason.PROOF_INVALID)


@attack("A11")
@rule(110, "RFC 8725", "3.8")
def test_a11_a_key_of_one_issuer_signs_for_no_other_issuer_of_the_same_partner(server: ExchangeServer) -> None:
    heron = server.world.heron
    own_name = Signer(heron.services.issuer, heron.robots.key).subject_token(server.url)
    from_many(server, "ES256", own_name, Reason.KEY_UNKNOWN)
    borrowed = {"kid": heron.services.key.kid}
    forged = Signer(heron.services.issuer, heron.robots.key).subject_token(server.url, header=borrowed)
    from_many(server, "ES256", forged, Reason.SIGNATURE_WRONG)


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize(
    "respell",
    [
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token + ".",
        lambda token: token.replace(".", "..", 1),
        lambda token: token.rpartition(".")[0],
    ],
    ids=["padding", "a line break", "a blank", "a fourth part", "an empty part", "two parts"],
)
def test_another_spelling_of_a_good_token_is_no_token(server: ExchangeServer, respell: Any) -> None:
    token = server.world.idp.subject_token(server.url)
    granted(server, server.exchange(subject_token=token))
    presented(server, respell(token), Reason.TOKEN_MALFORMED)


@rule(112, "RFC 8725bis", "3.14")
@pytest.mark.parametrize("doubled", ["iss", "exp", "sub", "inside an object", "a header member"])
def test_a_member_named_twice_is_refused_though_the_signature_is_right(server: ExchangeServer, doubled: str) -> None:
    key, text = server.world.idp.key, claims_of(server).decode()
    more = {
        "iss": '"iss":"https://evil.example"',
        "exp": '"exp":4102444800',
        "sub": '"sub":"admin"',
        "inside an object": '"a":{"b":1,"b":2}',
        "a header member": '"a":1',
    }[doubled]
    token = encode({"alg": "RS256", "kid": key.kid}, f"{text[:-1]},{more}}}".encode(), key)
    if doubled == "a header member":
        header = f'{{"alg":"none","alg":"RS256","kid":"{key.kid}"}}'
        token = encode_segment(header.encode()).decode() + "." + token.partition(".")[2]
    presented(server, token, Reason.TOKEN_MALFORMED)
