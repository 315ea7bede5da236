"""Which public keys we take from a partner: one rule for uploaded and fetched sets (RFC 7517; RFC 8725 section 3.5).

Two kinds of no. A set that says something it must not (a secret, a private member, one ``kid`` for two keys, an
algorithm that contradicts the key) is refused as a whole: whoever made it has a problem that a skipped key would hide.
A key that is merely of no use here (for encryption, of an unknown type, too weak) is left out and named.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policy.tokens import JSON

    Key = dict[str, JSON]

MAX_KEYS: Final = 32
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
RSA_EXPONENT: Final = "AQAB"
MAX_KID: Final = 255

RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
EC_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
OKP_ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519"})
ALGORITHMS: Final = RSA_ALGORITHMS | frozenset(EC_ALGORITHMS.values()) | OKP_ALGORITHMS
"""Asymmetric signatures only (rules 62 and 106): with a symmetric one the verifier could sign."""

SPIFFE_USE: Final = "jwt-svid"
"""How SPIFFE marks the keys that sign its JWTs (SPIFFE Trust Domain and Bundle section 4.2.2); here it is ``sig``."""

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEPT_MEMBERS: Final = ("kty", "kid", "use", "alg", "key_ops", "crv", "n", "e", "x", "y")
_KINDS: Final[dict[str, type[RSAKey | ECKey | OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]{1,2048}={0,2}")
_ENCRYPTION: Final = ("RSA-OAEP", "RSA1_5", "ECDH-ES")


class KeySetRefused(ValueError):
    """The key set cannot be accepted; keys accepted before stay in force. The message says why and what to do."""


class _LeftOut(Exception):
    """This key is of no use here; the others may be."""

    def __init__(self, why: str, *, weak: bool = False) -> None:
        super().__init__(why)
        self.weak = weak


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A key that was not imported. ``is_weak``: it would have been a signing key, but is not strong enough."""

    kid: str
    why: str
    is_weak: bool

    def __str__(self) -> str:
        return f"key {self.kid!r} {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedKeys:
    """The keys of a set that can verify signatures, with public members only, and those that were left out."""

    keys: tuple[Key, ...]
    left_out: tuple[LeftOut, ...]


def accept_jwks(document: object) -> tuple[Key, ...]:
    """The keys of a set somebody hands us. Raises ``KeySetRefused``, also for a weak key: its giver can mend it."""
    examined = examine_jwks(document)
    weak = [str(key) for key in examined.left_out if key.is_weak]
    if weak:
        raise KeySetRefused("; ".join(weak))
    return examined.keys


def examine_jwks(document: object) -> ExaminedKeys:
    """The usable keys of a set, and the others by name. Raises ``KeySetRefused`` when the set must not be believed."""
    entries = _entries(document)
    keys: list[Key] = []
    left_out: list[LeftOut] = []
    for entry in entries:
        _refuse_secrets(entry)
        try:
            keys.append(_usable(entry))
        except _LeftOut as reason:
            left_out.append(LeftOut(kid=_kid(entry) or "without kid", why=str(reason), is_weak=reason.weak))
    if not keys:
        detail = "; ".join(map(str, left_out)) or "it is empty"
        raise KeySetRefused(f"The key set holds no key that can verify a signature: {detail}. Publish a signing key.")
    _check_names(keys)
    return ExaminedKeys(keys=tuple(keys), left_out=tuple(left_out))


def algorithms_of(key: Mapping[str, JSON]) -> frozenset[str]:
    """The signature algorithms an accepted key can verify: its own ``alg``, or all that fit its type."""
    fitting = _fitting(key)
    alg = key.get("alg")
    return frozenset({str(alg)}) & fitting if alg is not None else fitting


def named_keys(keys: Iterable[Mapping[str, JSON]]) -> tuple[str, ...]:
    """What tells accepted keys apart: ``kid`` and the start of the thumbprint (RFC 7638), also under one ``kid``."""
    return tuple(
        f"{_kid(key) or 'without kid'} {JWKRegistry.import_key(dict(key)).thumbprint()[:12]}"  # type: ignore[arg-type]
        for key in keys
    )


def _entries(document: object) -> list[Mapping[str, JSON]]:
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeySetRefused('A key set is an object with a list "keys" of objects (RFC 7517 section 5).')
    if len(entries) > MAX_KEYS:
        raise KeySetRefused(f"The key set holds {len(entries)} keys; at most {MAX_KEYS} are accepted. Remove old ones.")
    return entries


def _refuse_secrets(entry: Mapping[str, JSON]) -> None:
    """A published secret is burnt. Taking the key without it would hide that from its owner."""
    if entry.get("kty") == "oct":
        raise KeySetRefused(
            f"Key {_kid(entry)!r} is symmetric (kty oct). Publish public keys only, and replace this one."
        )
    if _PRIVATE_MEMBERS & entry.keys():
        raise KeySetRefused(f"Key {_kid(entry)!r} contains private members. Replace it: it is no longer secret.")


def _usable(entry: Mapping[str, JSON]) -> Key:
    key: Key = {name: entry[name] for name in _KEPT_MEMBERS if name in entry}
    if key.get("use") == SPIFFE_USE:
        key["use"] = "sig"
    _check_purpose(key)
    _check_kid(key)
    _import(key)
    return key


def _check_purpose(key: Key) -> None:
    """``use``, ``key_ops`` and ``alg`` must agree with each other and with the key (RFC 7517 sections 4.2 to 4.4)."""
    use, operations, alg = key.get("use"), key.get("key_ops"), key.get("alg")
    if use == "enc" or (isinstance(alg, str) and alg.startswith(_ENCRYPTION)):
        if use == "sig":
            raise KeySetRefused(f"Key {_kid(key)!r} says use sig and alg {alg}, which is for encryption.")
        raise _LeftOut("is for encryption")
    if use is not None and use != "sig":
        raise _LeftOut(f"has use {use!r}")
    if operations is not None and operations != ["verify"]:
        if use == "sig" or not isinstance(operations, list) or "verify" in operations:
            raise KeySetRefused(f"Key {_kid(key)!r} has key_ops {operations!r}; a public signing key has only verify.")
        raise _LeftOut("is not for verifying")
    fitting = _fitting(key)
    if not fitting:
        raise _LeftOut(f"has the unknown type {key.get('kty')!r} {key.get('crv', '')!r}")
    if alg is not None and (not isinstance(alg, str) or alg not in fitting):
        raise KeySetRefused(f"Key {_kid(key)!r} says alg {alg!r}, which does not fit its type.")


def _fitting(key: Mapping[str, JSON]) -> frozenset[str]:
    kty, curve = key.get("kty"), key.get("crv")
    if kty == "RSA":
        return RSA_ALGORITHMS
    if kty == "EC" and isinstance(curve, str) and curve in EC_ALGORITHMS:
        return frozenset({EC_ALGORITHMS[curve]})
    return OKP_ALGORITHMS if kty == "OKP" and curve == "Ed25519" else frozenset()


def _import(key: Key) -> None:
    """Strength first, then the library's own check (a point off its curve fails there; RFC 8725 section 3.4)."""
    material = [key.get(name) for name in ("n", "e", "x", "y") if name in key]
    if not all(isinstance(text, str) and _BASE64URL.fullmatch(text) for text in material):
        raise _LeftOut("has members of the wrong kind or size", weak=True)
    if key["kty"] == "RSA" and key.get("e") != RSA_EXPONENT:
        raise _LeftOut("has another exponent than 65537", weak=True)
    try:
        bits = _modulus_bits(key)
        if bits is not None and not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
            raise _LeftOut(f"has {bits} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted", weak=True)
        _KINDS[str(key["kty"])].import_key(key)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _LeftOut("is not a well-formed public key of its type", weak=True) from error


def _modulus_bits(key: Key) -> int | None:
    if key["kty"] != "RSA":
        return None
    return int.from_bytes(b64decode(f"{key['n']}==", altchars=b"-_")).bit_length()


def _check_kid(key: Key) -> None:
    kid = key.get("kid")
    if kid is not None and (not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID or not kid.isprintable()):
        raise KeySetRefused(f"A key identifier must be text of 1 to {MAX_KID} printable characters.")


def _check_names(keys: list[Key]) -> None:
    kids = list(_kids(keys))
    if len(keys) > 1 and None in kids:
        raise KeySetRefused("A set of several keys needs a kid on each; otherwise a token cannot name its key.")
    repeated = sorted({kid for kid in kids if kid is not None and kids.count(kid) > 1})
    if repeated:
        raise KeySetRefused(f"The key identifier {repeated[0]!r} names more than one key. Give each its own.")


def _kids(keys: list[Key]) -> Iterator[str | None]:
    for key in keys:
        kid = key.get("kid")
        yield kid if isinstance(kid, str) else None


def _kid(entry: Mapping[str, JSON]) -> str:
    kid = entry.get("kid")
    return kid[:MAX_KID] if isinstance(kid, str) else ""
