"""Whether a declaration is right as far as it says so itself: its shape, then how its fields agree.

What needs the database (does the target have this scope?) is the services' part. Everything wrong is found in one go.
"""

from __future__ import annotations

import json
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from partners.certificate_names import named
from partners.declarations import (
    KINDS,
    Declared,
    DeclaredClient,
    DeclaredMapping,
    DeclaredRule,
    DeclaredTarget,
    DeclaredTrust,
)
from partners.errors import ConfigurationRefused, Problem
from partners.keysets import KeySetRefused, accept_jwks, algorithms_of
from partners.vocabulary import ClientType, GrantType, Kind, SignatureAlgorithm
from policy.claim_names import MAX_CARRIED
from policy.claim_rules import ClaimRule, RuleError
from policy.expression_grammar import ExpressionError
from policy.expressions import Expression
from policy.expressions import Kind as ExpressionKind
from policy.parties import BY_CERTIFICATE, ClientAuthentication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from partners.errors import Path

    Problems = Iterator[Problem]

LARGEST_INTEGER: Final = 2**53 - 1
LONGEST_SHOWN: Final = 80
SECRETIVE: Final = frozenset({"jwks", "trust_anchors"})
BY_KEY: Final = frozenset({ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH})
UNBOUND: Final = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.DEVICE_CODE})
NEEDS_AUTHENTICATION: Final = frozenset({GrantType.TOKEN_EXCHANGE, GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER})


@cache
def _adapter(kind: Kind) -> TypeAdapter[Declared]:
    return TypeAdapter(KINDS[kind])


def read(kind: Kind, document: Mapping[str, Any]) -> Declared:
    """The declaration in a document's fields. Raises ``ConfigurationRefused`` with every problem of its shape."""
    try:
        return _adapter(kind).validate_json(json.dumps(document))
    except ValidationError as error:
        problems = tuple(_problem(detail) for detail in error.errors(include_url=False))
        raise ConfigurationRefused(kind, str(document.get("name", "")), problems) from None


def write(declared: Declared, *, with_defaults: bool = True) -> dict[str, Any]:
    """The declaration as a document's fields: what ``read`` reads."""
    document: dict[str, Any] = _adapter(declared.kind).dump_python(
        declared, mode="json", exclude_defaults=not with_defaults, warnings="error"
    )
    return document


def require_right(declared: Declared) -> None:
    """Raises ``ConfigurationRefused`` unless both the shape and the agreement of the fields are right."""
    read(declared.kind, write(declared))
    found = problems(declared)
    if found:
        raise ConfigurationRefused(declared.kind, declared.name, found)


def problems(declared: Declared) -> tuple[Problem, ...]:
    """How the fields of a well-shaped declaration contradict each other or this installation's rules."""
    check = _CHECKS.get(declared.kind)
    return tuple(check(declared)) if check else ()


_WORDS: Final = {
    "missing": "a value: the field is required",
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "dataclass_type": "a mapping",
    "date_type": "a date such as 2027-03-31",
    "date_parsing": "a date such as 2027-03-31",
    "date_from_datetime_parsing": "a date such as 2027-03-31",
    "date_from_datetime_inexact": "a date such as 2027-03-31",
    "unexpected_keyword_argument": "a field of this kind; there is none of that name",
}


def _problem(detail: ErrorDetails) -> Problem:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    context = detail.get("ctx", {})
    expected = _WORDS.get(detail["type"]) or context.get("expected") or detail["msg"]
    if detail["type"] == "enum":
        expected = f"one of {expected}"
    return Problem(path=path, expected=str(expected), came=_came(detail, path))


def _came(detail: ErrorDetails, path: Path) -> str:
    """The value that came, but never that of an unknown field, of keys or certificates: it may hold a secret."""
    if detail["type"] == "missing":
        return "nothing"
    if detail["type"] == "unexpected_keyword_argument" or not SECRETIVE.isdisjoint(path):
        return ""
    return shown(detail["input"])


def shown(value: object) -> str:
    """A value as messages show it: JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _check_target(target: DeclaredTarget) -> Problems:
    issuer = settings.HANDOVER.issuer
    for path, name in [(("audience",), target.audience), *((("resources",), uri) for uri in target.resources)]:
        if name in {issuer, f"{issuer}/api"}:
            yield Problem(path=path, expected="another name than our own issuer's", came=shown(name))


def _check_client(client: DeclaredClient) -> Problems:
    yield from _check_methods(client)
    yield from _check_keys(client, client.assertion_algorithms, "assertion_algorithms")
    has_keys = client.jwks is not None or client.jwks_uri is not None
    if has_keys and client.partner is None:
        yield Problem(path=("partner",), expected="a partner: keys belong to one", came="nothing")
    if has_keys == BY_KEY.isdisjoint(client.methods):
        expected = "jwks or jwks_uri exactly where methods lists " + " or ".join(sorted(BY_KEY))
        yield Problem(path=("methods",), expected=expected, came=shown(client.methods))
    yield from _check_proofs(client)
    if bool(client.redirect_uris) != (GrantType.AUTHORIZATION_CODE in client.grant_types):
        expected = "redirect URIs exactly where grant_types lists authorization_code"
        yield Problem(path=("redirect_uris",), expected=expected, came=shown(client.redirect_uris))


def _check_proofs(client: DeclaredClient) -> Problems:
    """One name for a certificate, under authorities that vouch for it; bound tokens only from grants that can bind."""
    if BY_CERTIFICATE.issubset(client.methods):
        yield Problem(path=("methods",), expected="one method with a certificate", came=shown(client.methods))
    names, is_named = named(client), ClientAuthentication.TLS_CLIENT_AUTH in client.methods
    if len(names) != int(is_named):
        expected = "exactly one of the tls_client_auth fields where methods lists tls_client_auth, else none"
        yield Problem(path=("methods",), expected=expected, came=shown(sorted(names)))
    if client.trust_anchors is not None and not is_named:
        yield Problem(path=("trust_anchors",), expected="none, unless methods lists tls_client_auth")
    unbound = ", ".join(sorted(UNBOUND & set(client.grant_types)))
    for name in ("dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"):
        if getattr(client, name) and unbound:
            expected = f"false beside grants whose tokens cannot be bound: {unbound}"
            yield Problem(path=(name,), expected=expected, came="true")


def _check_methods(client: DeclaredClient) -> Problems:
    is_public = client.client_type is ClientType.PUBLIC
    if is_public and client.methods:
        yield Problem(path=("methods",), expected="none for a public client", came=shown(client.methods))
    if not is_public and not client.methods:
        yield Problem(path=("methods",), expected="at least one for a confidential client", came=shown([]))
    forbidden = NEEDS_AUTHENTICATION & set(client.grant_types)
    if is_public and forbidden:
        expected = "grants that a public client may use (RFC 8693 section 5)"
        yield Problem(path=("grant_types",), expected=expected, came=shown(sorted(forbidden)))


def _check_trust(trust: DeclaredTrust) -> Problems:
    yield from _check_address("issuer", trust.issuer)
    yield from _check_keys(trust, trust.algorithms, "algorithms")
    if not trust.token_types:
        yield Problem(path=("token_types",), expected="at least one token type", came=shown([]))
    yield from _check_rules(trust.rules)


def _check_mapping(mapping: DeclaredMapping) -> Problems:
    yield from _check_rules(mapping.rules)
    if mapping.clients == ():
        expected = "at least one client; leave the field out for every client of the partner"
        yield Problem(path=("clients",), expected=expected, came=shown([]))
    yield from _check_expressions(mapping)
    grantable = set(mapping.always).union(*mapping.grants.values())
    beyond = sorted(set(mapping.default_scopes) - grantable)
    if beyond and mapping.scopes_expression is None:
        expected = "scopes that grants or always can give"
        yield Problem(path=("default_scopes",), expected=expected, came=shown(beyond))


def _check_expressions(mapping: DeclaredMapping) -> Problems:
    """Each compiles, gives what it is for, and keeps within the language offered. Claims are few."""
    wanted: list[tuple[Path, str | None, ExpressionKind]] = [
        (("condition",), mapping.condition, ExpressionKind.CONDITION),
        (("scopes_expression",), mapping.scopes_expression, ExpressionKind.SCOPES),
        *((("claims", name), source, ExpressionKind.CLAIM) for name, source in mapping.claims.items()),
    ]
    for path, source, kind in wanted:
        try:
            if source is not None:
                Expression.compile(source, kind)
        except ExpressionError as error:
            yield Problem(path=path, expected=f"an expression that can be evaluated: {error}", came=shown(source))
    if len(mapping.claims) > MAX_CARRIED:
        yield Problem(path=("claims",), expected=f"at most {MAX_CARRIED} claims", came=shown(len(mapping.claims)))


def _check_keys(
    holder: DeclaredClient | DeclaredTrust, algorithms: tuple[SignatureAlgorithm, ...], name: str
) -> Problems:
    """One source of keys, and an uploaded set that is acceptable and can make the signatures that are allowed."""
    if not algorithms:
        yield Problem(path=(name,), expected="at least one signature algorithm", came=shown([]))
    if holder.jwks_uri is not None:
        if holder.jwks is not None:
            yield Problem(path=("jwks_uri",), expected="either jwks or jwks_uri, not both")
        yield from _check_address("jwks_uri", holder.jwks_uri)
    if holder.jwks is None:
        return
    try:
        keys = accept_jwks(holder.jwks)
    except KeySetRefused as error:
        yield Problem(path=("jwks",), expected=f"an acceptable key set. {error}")
        return
    if not any(algorithms_of(key) & set(algorithms) for key in keys):
        yield Problem(
            path=(name,), expected="an algorithm that one of the keys in jwks can use", came=shown(algorithms)
        )


def _check_address(name: str, url: str) -> Problems:
    """https, but for an address inside ``HANDOVER_OUTBOUND_ALLOW``. A name is never resolved here: it can change."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return
    try:
        address = ip_address(parts.hostname or "")
        is_allowed = any(address in network for network in settings.HANDOVER.outbound_allow)
    except ValueError:
        is_allowed = False
    if not is_allowed:
        expected = "an https URL; plain http is only for an IP address inside HANDOVER_OUTBOUND_ALLOW"
        yield Problem(path=(name,), expected=expected, came=shown(url))


def _check_rules(rules: tuple[DeclaredRule, ...]) -> Problems:
    for index, rule in enumerate(rules):
        try:
            ClaimRule.compile(rule.claim, rule.operator, rule.value)
        except RuleError as error:
            yield Problem(path=("rules", index), expected=f"a rule that can be evaluated: {error}")
            continue
        values = rule.value if isinstance(rule.value, list | tuple) else (rule.value,)
        if not all(_is_comparable(value) for value in values):
            expected = "printable text, or a whole number of at most 53 bits (RFC 8785)"
            yield Problem(path=("rules", index, "value"), expected=expected, came=shown(rule.value))


def _is_comparable(value: object) -> bool:
    """Text a page can show, and numbers every JSON parser reads alike: others would match by accident."""
    if isinstance(value, str):
        return value.isprintable()
    return not isinstance(value, int) or abs(value) <= LARGEST_INTEGER


_CHECKS: Final[Mapping[Kind, Callable[[Any], Problems]]] = {
    Kind.TARGET: _check_target,
    Kind.CLIENT: _check_client,
    Kind.TRUST: _check_trust,
    Kind.MAPPING: _check_mapping,
}
