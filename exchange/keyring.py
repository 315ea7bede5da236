"""Public keys that may verify a signature, and for which algorithm (RFC 7517; RFC 8725 sections 3.1, 3.4, 3.10).

A key is looked up by ``kid`` as an opaque string, only in the key set of the issuer or client it belongs to. One key
verifies one algorithm: its own ``alg``, or what its type allows when it names none. This prevents algorithm confusion
and a key of one issuer from validating another's token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import JWKRegistry

from exchange.signatures import check_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from exchange.signatures import Check
    from policy.tokens import JSON

_RSA: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_BY_CURVE: Final = {
    "P-256": frozenset({"ES256"}),
    "P-384": frozenset({"ES384"}),
    "P-521": frozenset({"ES512"}),
    "Ed25519": frozenset({"Ed25519", "EdDSA"}),
}
ALGORITHMS: Final = _RSA.union(*_BY_CURVE.values())
"""Every algorithm that may verify here: asymmetric ones only (rules 62, 106, 107)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """One public key, ready to verify."""

    kid: str
    subject_public_key_info: bytes
    """The key as certificates carry it (RFC 5280 section 4.1.2.7)."""
    _checks: Mapping[str, Check]

    @property
    def algorithms(self) -> AbstractSet[str]:
        """What this key may verify."""
        return self._checks.keys()

    def verify(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, over exactly these bytes. The caller checked ``algorithm`` first."""
        return self._checks[algorithm](signing_input, signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The key set of one issuer or client. ``usable_until`` ends stale-if-error; ``is_fetched``: may be refreshed."""

    keys: Mapping[str, Mapping[str, JSON]]
    is_fetched: bool
    usable_until: datetime | None
    _imported: dict[str, VerificationKey] = field(default_factory=dict, repr=False, compare=False)
    """Those of them that were asked for: a lookup costs less than spelling the key out."""

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of this id; without an id, the only key there is (rule 108)."""
        if kid is None:
            if len(self.keys) != 1:
                return None
            kid = next(iter(self.keys))
        key = self._imported.get(kid)
        if key is None and (jwk := self.keys.get(kid)) is not None:
            key = self._imported[kid] = _import(kid, orjson.dumps(jwk, option=orjson.OPT_SORT_KEYS))
        return key

    def holds(self, subject_public_key_info: bytes) -> bool:
        """Whether a certificate's key is one of these (RFC 8705 section 2.2)."""
        keys = (self.find(kid) for kid in self.keys)
        return any(key.subject_public_key_info == subject_public_key_info for key in keys if key is not None)

    def is_usable(self, now: datetime) -> bool:
        """Whether these keys are fresh enough to be believed at ``now``."""
        return self.usable_until is None or now < self.usable_until


EMPTY: Final = KeyRing(keys={}, is_fetched=False, usable_until=None)


def key_ring(keys: tuple[Mapping[str, JSON], ...], *, is_fetched: bool, usable_until: datetime | None) -> KeyRing:
    """A ring of keys that were accepted before they were stored. A single key needs no ``kid``."""
    return KeyRing(
        keys={str(jwk.get("kid", "")): jwk for jwk in keys}, is_fetched=is_fetched, usable_until=usable_until
    )


@lru_cache(maxsize=20_000)
def _import(kid: str, jwk: bytes) -> VerificationKey:
    """Imported once per key: parsing a key on every request would cost more than using it."""
    document = orjson.loads(jwk)
    named = document.get("alg")
    fitting = _RSA if document["kty"] == "RSA" else _BY_CURVE.get(document.get("crv", ""), frozenset())
    if named in {"EdDSA", "Ed25519"}:
        named = None
    algorithms = fitting if named is None else fitting & {named}
    key = JWKRegistry.import_key({name: value for name, value in document.items() if name in _MEMBERS})
    public: Any = key.get_op_key("verify")
    return VerificationKey(
        kid=kid,
        subject_public_key_info=public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        _checks={algorithm: check_with(algorithm, public) for algorithm in algorithms},
    )


_MEMBERS: Final = frozenset({"kty", "crv", "x", "y", "n", "e"})
