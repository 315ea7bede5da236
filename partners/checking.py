"""Whether a declaration is right as far as it says so itself: its shape, then how its fields agree.

What needs the database (does the target have this scope?) is the services' part. Everything wrong is found in one go.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from partners.certificate_names import named
from partners.declarations import (
    KINDS,
    Declared,
    DeclaredClient,
    DeclaredTarget,
    DeclaredTrust,
)
from partners.errors import ConfigurationRefused, Problem, shown
from partners.key_checks import check_address, check_keys
from partners.mapping_checks import check_mapping, check_rules
from partners.vocabulary import ClientType, GrantType, Kind, SubjectTokenType
from partners.workload_checks import check_workload
from policy.parties import BY_CERTIFICATE, ClientAuthentication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from partners.errors import Path

    Problems = Iterator[Problem]

SECRETIVE: Final = frozenset({"jwks", "trust_anchors"})
BY_KEY: Final = frozenset({ClientAuthentication.PRIVATE_KEY_JWT, ClientAuthentication.SELF_SIGNED_TLS_CLIENT_AUTH})
NEEDS_AUTHENTICATION: Final = frozenset({GrantType.TOKEN_EXCHANGE, GrantType.CLIENT_CREDENTIALS, GrantType.JWT_BEARER})


@cache
def _adapter(kind: Kind) -> TypeAdapter[Declared]:
    return TypeAdapter(KINDS[kind])


def read(kind: Kind, document: Mapping[str, Any]) -> Declared:
    """The declaration in a document's fields. Raises ``ConfigurationRefused`` with every problem of its shape."""
    try:
        return _adapter(kind).validate_json(json.dumps(document))
    except ValidationError as error:
        raise ConfigurationRefused(kind, str(document.get("name", "")), shape_problems(error)) from None


def shape_problems(error: ValidationError) -> tuple[Problem, ...]:
    """What is wrong with the shape of a document, each member in the words of this configuration."""
    return tuple(_problem(detail) for detail in error.errors(include_url=False))


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


def _check_target(target: DeclaredTarget) -> Problems:
    issuer = settings.HANDOVER.issuer
    for path, name in [(("audience",), target.audience), *((("resources",), uri) for uri in target.resources)]:
        if name in {issuer, f"{issuer}/api"}:
            yield Problem(path=path, expected="another name than our own issuer's", came=shown(name))


def _check_client(client: DeclaredClient) -> Problems:
    yield from _check_methods(client)
    yield from check_keys(client, client.assertion_algorithms, "assertion_algorithms")
    has_keys = client.jwks is not None or client.jwks_uri is not None
    if has_keys == BY_KEY.isdisjoint(client.methods):
        expected = "jwks or jwks_uri exactly where methods lists " + " or ".join(sorted(BY_KEY))
        yield Problem(path=("methods",), expected=expected, came=shown(client.methods))
    yield from check_workload(client)
    yield from _check_proofs(client)
    if bool(client.redirect_uris) != (GrantType.AUTHORIZATION_CODE in client.grant_types):
        expected = "redirect URIs exactly where grant_types lists authorization_code"
        yield Problem(path=("redirect_uris",), expected=expected, came=shown(client.redirect_uris))


def _check_proofs(client: DeclaredClient) -> Problems:
    """One name for a certificate, under authorities that vouch for it."""
    if BY_CERTIFICATE.issubset(client.methods):
        yield Problem(path=("methods",), expected="one method with a certificate", came=shown(client.methods))
    names, is_named = named(client), ClientAuthentication.TLS_CLIENT_AUTH in client.methods
    if len(names) != int(is_named):
        expected = "exactly one of the tls_client_auth fields where methods lists tls_client_auth, else none"
        yield Problem(path=("methods",), expected=expected, came=shown(sorted(names)))
    if client.trust_anchors is not None and not is_named:
        yield Problem(path=("trust_anchors",), expected="none, unless methods lists tls_client_auth")


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
    yield from check_address("issuer", trust.issuer)
    yield from check_keys(trust, trust.algorithms, "algorithms")
    if not trust.token_types:
        yield Problem(path=("token_types",), expected="at least one token type", came=shown([]))
    if trust.introspection is not None:
        for problem in check_address("endpoint", trust.introspection.endpoint):
            yield Problem(path=("introspection", "endpoint"), expected=problem.expected, came=problem.came)
        if SubjectTokenType.ACCESS_TOKEN not in trust.token_types:
            expected = "access_token among the token types: introspection is about nothing else (RFC 7662)"
            yield Problem(path=("introspection",), expected=expected)
    if trust.one_time and trust.reusable_assertions:
        expected = "false where one_time is true: an assertion is a subject token too"
        yield Problem(path=("reusable_assertions",), expected=expected, came="true")
    yield from check_rules(trust.rules)


_CHECKS: Final[Mapping[Kind, Callable[[Any], Problems]]] = {
    Kind.TARGET: _check_target,
    Kind.CLIENT: _check_client,
    Kind.TRUST: _check_trust,
    Kind.MAPPING: check_mapping,
}
