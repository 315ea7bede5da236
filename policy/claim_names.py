"""The names a carried claim may have: never one that says who, for whom, what for, until when or how strongly.

A partner's claim under such a name would speak with our voice: a resource server cannot tell who filled it in
(RFC 9068 section 5, RFC 8725 section 3.12).
"""

from __future__ import annotations

from typing import Final

import re2

MAX_CARRIED: Final = 20
EXPECTED: Final = "1 to 63 lower-case letters, digits and underscores, a letter first; no claim that has a meaning here"

_JWT: Final = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "typ", "cty", "alg", "kid", "nonce"})
_AUTHORIZATION: Final = frozenset({"scope", "scp", "client_id", "azp", "authorization_details", "resource", "audience"})
_DELEGATION: Final = frozenset({"act", "may_act", "actor", "txn", "cnf", "sub_jwk", "sub_id"})
_LOGIN: Final = frozenset({"auth_time", "acr", "amr", "sid", "vot", "vtm", "at_hash", "c_hash", "s_hash"})
_STATE: Final = frozenset({"status", "events", "toe", "active", "token_type", "token_introspection", "username"})
_OURS: Final = frozenset({"fam", "elv", "src"})
RESERVED: Final = _JWT | _AUTHORIZATION | _DELEGATION | _LOGIN | _STATE | _OURS

_NAME: Final = re2.compile(r"[a-z][a-z0-9_]{0,62}")


def is_carried_name(name: str) -> bool:
    """Whether a mapping may fill a claim of this name."""
    return name not in RESERVED and _NAME.fullmatch(name) is not None
