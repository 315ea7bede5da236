"""An issuer as somebody examines it before it is trusted: each check by itself, and nothing kept of any (RFC 8414).

The same guarded client, the same discovery and the same rules for keys as the refresher's, so what passes here is what
the refresher will take. A check goes no further than the first answer that cannot be believed (CWE-918).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from exchange import outbound
from exchange.discovery import DocumentRefused, document_of, metadata_of, published_uri
from exchange.outbound import Limits, OutboundError, OutboundRefused, origin
from partners.health import public_key
from partners.key_checks import check_address
from partners.key_sources import Claim
from partners.keysets import KeySetRefused, examine_jwks
from partners.states import KeyMethod

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from exchange.outbound import Outbound
    from partners.health import PublicKey
    from partners.keysets import ExaminedKeys

PATIENCE: Final = Limits(connect=1.5, total=2.5)
"""Two calls of this length are the five seconds that somebody waits for a page."""

SHORT_RSA: Final = 343
"""The base64url characters of a 2048-bit modulus, at most."""


class Check(StrEnum):
    """What is looked at, in order."""

    ADDRESS = "address"
    DOCUMENT = "document"
    ISSUER = "issuer"
    KEY_ADDRESS = "key_address"
    KEYS = "keys"
    STRENGTH = "strength"


class Finding(StrEnum):
    """What came out. ``ADVICE`` is accepted, and worth a second look."""

    PASSED = "passed"
    ADVICE = "advice"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One check with what it found, in the words of whoever found it; empty where the check says it all."""

    check: Check
    finding: Finding
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """The checks up to the first that failed, and the keys where it came that far."""

    checks: tuple[Checked, ...]
    keys: tuple[PublicKey, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether tokens of this issuer could be verified now."""
        return bool(self.keys) and all(checked.finding is not Finding.FAILED for checked in self.checks)


class _Stop(Exception):
    """Nothing further can be looked at."""


def examine_issuer(issuer: str, who: UUID, http: Outbound | None = None) -> Examination:
    """By discovery: the document, its issuer, and the keys where it says they are. ``who`` makes one call at a time."""
    return _examined(lambda checks: _by_discovery(_client(http), issuer, who, checks))


def examine_key_set(jwks_uri: str, who: UUID, http: Outbound | None = None) -> Examination:
    """The keys at an address. ``who`` makes one call at a time."""
    return _examined(lambda checks: _fetch(_client(http), jwks_uri, who, checks))


def examine_uploaded(document: object) -> Examination:
    """Keys that somebody handed over."""
    return _examined(lambda checks: _keys(document, checks))


def _client(http: Outbound | None) -> Outbound:
    return http or replace(outbound.client(), limits=PATIENCE)


def _examined(examine: Callable[[list[Checked]], ExaminedKeys]) -> Examination:
    checks: list[Checked] = []
    try:
        keys = examine(checks).keys
    except _Stop:
        return Examination(checks=tuple(checks))
    return Examination(checks=tuple(checks), keys=tuple(public_key(key) for key in keys))


def _by_discovery(http: Outbound, issuer: str, who: UUID, checks: list[Checked]) -> ExaminedKeys:
    _require_https(issuer, checks)
    claim = Claim(id=who, method=KeyMethod.DISCOVERY, location=issuer, jwks_uri="", etag="")
    try:
        metadata = metadata_of(http, claim)
    except (OutboundError, DocumentRefused) as error:
        raise _failed(checks, Check.DOCUMENT, error) from error
    checks += [_passed(Check.ADDRESS, origin(issuer)), _passed(Check.DOCUMENT)]
    if metadata.get("issuer") != issuer:
        named = str(metadata.get("issuer"))[:512]
        checks.append(Checked(check=Check.ISSUER, finding=Finding.FAILED, detail=named))
        raise _Stop
    checks.append(_passed(Check.ISSUER, issuer))
    try:
        jwks_uri = published_uri(metadata, issuer)
    except (OutboundError, DocumentRefused) as error:
        raise _failed(checks, Check.KEY_ADDRESS, error) from error
    if origin(jwks_uri) != origin(issuer):
        checks.append(Checked(check=Check.KEY_ADDRESS, finding=Finding.FAILED, detail=jwks_uri))
        raise _Stop
    return _fetch(http, jwks_uri, who, checks)


def _fetch(http: Outbound, jwks_uri: str, who: UUID, checks: list[Checked]) -> ExaminedKeys:
    _require_https(jwks_uri, checks)
    try:
        document = document_of(http.get(jwks_uri, source=str(who)))
    except (OutboundError, DocumentRefused) as error:
        raise _failed(checks, Check.KEY_ADDRESS, error) from error
    checks.append(_passed(Check.KEY_ADDRESS, jwks_uri))
    return _keys(document, checks)


def _require_https(url: str, checks: list[Checked]) -> None:
    """What would not be saved is not called either: a name is not even looked up."""
    for problem in check_address("", url):
        checks.append(Checked(check=Check.ADDRESS, finding=Finding.FAILED, detail=f"It should be {problem.expected}."))
        raise _Stop


def _keys(document: object, checks: list[Checked]) -> ExaminedKeys:
    try:
        examined = examine_jwks(document)
    except KeySetRefused as error:
        raise _failed(checks, Check.KEYS, error) from error
    checks.append(_passed(Check.KEYS, str(len(examined.keys))))
    weak = [f"{key.kid or 'a key without kid'}: {key.why}" for key in examined.left_out]
    rsa = [str(key.get("kid", "a key without kid")) for key in examined.keys if _is_short(str(key.get("n", "")))]
    short = [f"{kid}: RSA 2048" for kid in rsa]
    if weak or short:
        detail = "; ".join((*weak, *short))
        checks.append(Checked(check=Check.STRENGTH, finding=Finding.ADVICE, detail=detail))
    else:
        checks.append(_passed(Check.STRENGTH))
    return examined


def _is_short(modulus: str) -> bool:
    return 0 < len(modulus) < SHORT_RSA


def _passed(check: Check, detail: str = "") -> Checked:
    return Checked(check=check, finding=Finding.PASSED, detail=detail)


def _failed(checks: list[Checked], check: Check, error: Exception) -> _Stop:
    """The check at which an error was met: one of our own rules against the address comes before everything else."""
    met = Check.ADDRESS if isinstance(error, OutboundRefused) else check
    checks.append(Checked(check=met, finding=Finding.FAILED, detail=str(error)))
    return _Stop()
