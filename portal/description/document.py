"""``docs/openapi-oauth.yaml``: the endpoints, their forms and their answers (OpenAPI 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exchange import lane
from exchange.protocol.response import API_PATH, metadata
from portal.description import answers, requests
from portal.description.yaml_page import as_yaml

if TYPE_CHECKING:
    from portal.description.requests import Schema

METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
RESOURCE_PATH: Final = f"{lane.RESOURCE_PATH}{API_PATH}"
OPENID_PATH: Final = "/.well-known/openid-configuration"
_HEAD: Final = """# The OAuth endpoints as OpenAPI 3.1, made from the code that answers: portal/description, make docs.
"""
_CREDENTIALS: Final[list[Schema]] = [{"client_secret_basic": []}, {"tls_client_auth": []}, {}]


def document() -> dict[str, Any]:
    """The description as one object."""
    grant_types = metadata("https://handover.example", takes_certificates=True)["grant_types_supported"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handover: OAuth endpoints",
            "version": "1",
            "description": "Partner delegation by token exchange (RFC 8693). Every refusal carries a reference.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {
            lane.TOKEN_PATH: {"post": _token(requests.token_request(grant_types))},
            lane.DEVICE_PATH: {"post": _device()},
            lane.INTROSPECTION_PATH: {"post": _introspect()},
            lane.REVOCATION_PATH: {"post": _revoke()},
            lane.VERIFY_PATH: {"get": _verify()},
            "/oauth/jwks": {"get": _published("The keys our tokens are signed with", answers.KEYS, may_be_absent=True)},
            METADATA_PATH: {"get": _published("The metadata of this server", answers.METADATA)},
            OPENID_PATH: {"get": _published("The same, where OpenID Connect looks for it", answers.METADATA)},
            RESOURCE_PATH: {"get": _published("What our own API takes (RFC 9728)", answers.RESOURCE)},
            "/healthz": {"get": _health("Whether the process runs", has_trouble=False)},
            "/readyz": {"get": _health("Whether it can decide and record", has_trouble=True)},
        },
        "components": {
            "headers": dict(answers.FIELDS),
            "responses": answers.refusals(),
            "schemas": {"Error": answers.ERROR, "Token": answers.TOKEN, "Introspection": answers.INTROSPECTION},
            "securitySchemes": {
                "client_secret_basic": {"type": "http", "scheme": "basic"},
                "tls_client_auth": {"type": "mutualTLS"},
                "access_token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _posted(summary: str, form: Schema, good: Schema, parameters: list[Schema]) -> Schema:
    return {
        "summary": summary,
        "security": _CREDENTIALS,
        "parameters": parameters,
        "requestBody": {"required": True, "content": {requests.FORM: {"schema": form}}},
        "responses": {"200": good, **_refusals()},
    }


def _refusals() -> dict[str, Schema]:
    return {status: {"$ref": f"#/components/responses/{status}"} for status in answers.refusals()}


def _token(form: Schema) -> Schema:
    good = answers.answer("A token", {answers.JSON: {"$ref": "#/components/schemas/Token"}}, ["DPoP-Nonce"])
    proof = _parameter("DPoP", "header", "A proof of the key that the new token is bound to (RFC 9449 section 4).")
    return _posted("Get a token", form, good, [proof])


def _device() -> Schema:
    good = answers.answer("What the device shows, and what it asks with", {answers.JSON: answers.DEVICE_CODES})
    return _posted("Let a device without a browser ask for a person", requests.DEVICE, good, [])


def _introspect() -> Schema:
    bodies = {
        answers.JSON: {"$ref": "#/components/schemas/Introspection"},
        answers.SIGNED_INTROSPECTION: {"type": "string"},
    }
    return _posted("Ask what a token is worth", requests.QUESTION, answers.answer("What it is worth", bodies), [])


def _revoke() -> Schema:
    good = answers.answer("The token is not good any more, or never was", {answers.JSON: answers.NOTHING})
    return _posted("Give a token back", requests.QUESTION, good, [])


def _verify() -> Schema:
    """Asked by gateways; whatever the refusal, it says only which scheme to use (RFC 6750 section 3)."""
    audience = _parameter("audience", "query", "The target that the request is for.") | {"required": True}
    scope = _parameter("scope", "query", "The scopes it needs, separated by single spaces.")
    told = {
        f"X-Handover-{name}": {"required": False, "description": text, "schema": {"type": "string"}}
        for name, text in (
            ("Subject", "Whose right it is"),
            ("Actor", "Who uses it for them"),
            ("Client", "The client the token was issued to"),
            ("Scope", "What the token may do"),
        )
    }
    passes = answers.answer("The request may pass", {})
    return {
        "summary": "Ask whether a request may pass, with its own Authorization and DPoP fields",
        "security": [{"access_token": []}, {}],
        "parameters": [audience, scope, _parameter("DPoP", "header", "The proof of the original request.")],
        "responses": {
            "200": passes | {"headers": passes["headers"] | told},
            "400": answers.answer("The question is unclear", {answers.PLAIN: {"type": "string"}}),
            "401": answers.answer("The token will not do", {}, ["WWW-Authenticate"]),
            "403": answers.answer("The token lacks a scope", {}, ["WWW-Authenticate"]),
            "405": answers.answer("GET and HEAD only", {answers.PLAIN: {"type": "string"}}, ["Allow"]),
            "429": answers.refusal(429, ["slow_down"]),
            "500": answers.refusal(500, ["server_error"]),
            "503": answers.refusal(503, ["temporarily_unavailable"]),
        },
    }


def _parameter(name: str, place: str, description: str) -> Schema:
    return {"name": name, "in": place, "required": False, "description": description, "schema": {"type": "string"}}


def _published(summary: str, schema: Schema, *, may_be_absent: bool = False) -> Schema:
    responses = {"200": answers.answer(summary, {answers.JSON: schema}, of_request=False), "405": _gets_only()}
    if may_be_absent:
        responses["503"] = answers.answer(
            "No configuration was read yet", {answers.PLAIN: {"type": "string"}}, ["Retry-After"], of_request=False
        )
    return {"summary": summary, "security": [], "responses": responses}


def _health(summary: str, *, has_trouble: bool) -> Schema:
    body = {answers.PLAIN: {"type": "string"}}
    responses = {"200": answers.answer("Yes", body, of_request=False), "405": _gets_only()}
    if has_trouble:
        responses["503"] = answers.answer("Not now", body, of_request=False)
    return {"summary": summary, "security": [], "responses": responses}


def _gets_only() -> Schema:
    return answers.answer("GET and HEAD only", {answers.PLAIN: {"type": "string"}}, ["Allow"], of_request=False)


def page() -> str:
    """The description as YAML."""
    return as_yaml(_HEAD, document())
