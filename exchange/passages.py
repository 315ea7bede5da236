"""What a gateway asks of the verify endpoint, and what it hears: header fields in, header fields out (RFC 6750 s3).

The original method and address come as nginx sends them (``X-Original-Method``, ``X-Original-URL``) or as Traefik does
(``X-Forwarded-Method``, ``-Proto``, ``-Host``, ``-Uri``); from anybody but a proxy of ours they count as absent.

Envoy (``ext_authz`` over HTTP) asks with the original request's own method, and its path appended to ours. The demand
is then in ``X-Handover-Audience`` and ``X-Handover-Scope``, not in the query, which is the original caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from exchange.caller import is_from_proxy
from exchange.protocol.client_certificate import read_certificate
from exchange.protocol.dpop import ALGORITHMS
from exchange.protocol.errors import OAuthError
from exchange.protocol.request import parse_scope
from exchange.protocol.response import Answer, Header
from policy.reasons import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Network, IPv6Network

    from exchange.caller import Caller
    from exchange.jwt_checks import Wrong
    from exchange.own_tokens import OwnToken
    from exchange.protocol.client_certificate import ClientCertificate

VERIFY_PATH: Final = "/oauth/verify"
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
_ORIGIN: Final = frozenset({b"x-forwarded-proto", b"x-forwarded-host"})
_ORIGINAL: Final = _ORIGIN | {b"x-original-method", b"x-original-url", b"x-forwarded-method", b"x-forwarded-uri"}
_DEMANDS: Final = (b"x-handover-audience", b"x-handover-scope")
BELIEVED: Final = _ORIGINAL | set(_DEMANDS)
"""The fields that count when a proxy of ours sends them; it must set each, since callers may send any of them."""
_APPENDED: Final = f"{VERIFY_PATH}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The original request's credentials, method and address, and what the target demands of a token."""

    audience: str
    scopes: frozenset[str]
    authorization: tuple[str, ...]
    proofs: tuple[str, ...]
    certificate: ClientCertificate | None
    method: str
    url: str
    description: str = ""
    """Where the target's own metadata is (RFC 9728); empty where we do not know."""


class UnclearDemand(ValueError):
    """The gateway does not say what to verify for: a fault of its configuration, not of its caller."""


def is_question(path: str) -> bool:
    """Whether a path is the verify endpoint's: itself, or with the original request's path appended."""
    return path == VERIFY_PATH or path.startswith(_APPENDED)


def passage_of(scope: dict[str, Any], caller: Caller, trusted_proxies: Sequence[IPv4Network | IPv6Network]) -> Passage:
    """What is asked. Raises ``UnclearDemand``."""
    is_trusted = is_from_proxy(scope, trusted_proxies)
    audience, scopes = _demand(scope, is_trusted=is_trusted)
    if len(audience) != 1 or not audience[0] or len(scopes) > 1:
        raise UnclearDemand("name exactly one audience, and the scopes in one parameter")
    try:
        demanded = parse_scope(scopes[0]) if scopes and scopes[0] else None
        certificate = read_certificate(caller.certificates, caller.certificate_chains)
    except OAuthError as error:
        raise UnclearDemand(error.reason.value) from error
    method, url = _original(scope) if is_trusted else ("", "")
    return Passage(
        audience=audience[0],
        scopes=demanded or frozenset(),
        authorization=caller.authorization,
        proofs=caller.proofs,
        certificate=certificate,
        method=method,
        url=url,
    )


def call_of(caller: Caller, *, audience: str, url: str, description: str) -> Passage:
    """A call of our own API, which nobody holds back for us. Raises ``MalformedCertificate``."""
    return Passage(
        audience=audience,
        scopes=frozenset(),
        authorization=caller.authorization,
        proofs=caller.proofs,
        certificate=read_certificate(caller.certificates, caller.certificate_chains),
        method=caller.method,
        url=url,
        description=description,
    )


def _demand(scope: dict[str, Any], *, is_trusted: bool) -> tuple[list[str], list[str]]:
    """Audiences and scopes as the gateway wrote them. Behind an appended path a query would be the caller's word."""
    if scope["path"] == VERIFY_PATH:
        values = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        return values.get("audience", []), values.get("scope", [])
    if not is_trusted:
        raise UnclearDemand("only a proxy in HANDOVER_TRUSTED_PROXIES may append the original path")
    audience, scopes = (
        [value.decode("latin-1") for name, value in scope["headers"] if name == wanted] for wanted in _DEMANDS
    )
    return audience, scopes


def _original(scope: dict[str, Any]) -> tuple[str, str]:
    """Method and URL of the request that the proxy holds back meanwhile."""
    fields = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _ORIGINAL}
    if scope["path"] != VERIFY_PATH:
        appended: bytes = scope.get("raw_path") or scope["path"].encode()
        fields = {name: value for name, value in fields.items() if name in _ORIGIN}
        fields |= {b"x-forwarded-uri": appended.decode("latin-1")[len(VERIFY_PATH) :]}
        fields |= {b"x-forwarded-method": scope["method"]}
    forwarded = [fields.get(b"x-forwarded-" + part, "") for part in (b"proto", b"host", b"uri")]
    url = fields.get(b"x-original-url") or "{}://{}{}".format(*forwarded)
    return fields.get(b"x-original-method") or fields.get(b"x-forwarded-method", ""), url


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Why the request may not pass, and what its caller is told. ``wrong`` is None where no credentials came."""

    status: int
    error: str
    scope: str = ""
    wrong: Wrong | None = None
    own: OwnToken | None = None
    """The token, where it is one of ours: what was tried with it is recorded then."""


def let_through(own: OwnToken) -> Answer:
    """200, and who is calling, for the gateway to hand on to the target."""
    act = own.claims.get("act")
    fields = {
        "subject": own.claims["sub"],
        "actor": act.get("sub", "") if isinstance(act, dict) else "",
        "client": own.client_id,
        "scope": own.claims.get("scope", ""),
    }
    told = tuple((b"x-handover-" + name.encode(), shown(value).encode()) for name, value in fields.items() if value)
    return Answer(status=200, headers=(NO_STORE, *told), body=b"")


def held_back(why: Stopped, description: str) -> Answer:
    """401 or 403 with the challenges of RFC 6750 section 3 and RFC 9449 section 7.1, and nothing of the reason.

    ``description`` is where a caller without a token learns whom to ask for one (RFC 9728 section 5.1).
    """
    said = {"error": why.error, "scope": why.scope, "resource_metadata": description}
    rest = "".join(f', {name}="{value}"' for name, value in said.items() if value)
    bearer = f'Bearer realm="handover"{rest}'
    dpop = f'DPoP realm="handover", algs="{" ".join(ALGORITHMS)}"{rest}'
    challenges = tuple((b"www-authenticate", text.encode("ascii")) for text in (bearer, dpop))
    return Answer(status=why.status, headers=(NO_STORE, *challenges), body=b"")
