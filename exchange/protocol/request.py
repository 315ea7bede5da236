"""A request for a token, well formed and not yet believed (RFC 8693 s2.1, RFC 7523 s2.1, RFC 6749 s4.4.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from exchange.protocol.compact import MAX_TOKEN_LENGTH
from exchange.protocol.errors import refusal
from policy.raw import RawToken
from policy.reasons import Reason, Rule, shown
from policy.tokens import SUBJECT_TOKEN_TYPES, TokenType

if TYPE_CHECKING:
    from exchange.protocol.form import Form

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_CREDENTIALS: Final = "client_credentials"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
MAX_TARGETS: Final = 10
MAX_SCOPE_LENGTH: Final = 4096
_SCOPES: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
"""RFC 6749 section 3.3: printable ASCII but the quotation mark and the backslash, separated by single spaces."""
_ACCEPTED: Final = {kind.value: kind for kind in SUBJECT_TOKEN_TYPES}
_ISSUABLE: Final = {kind.value: kind for kind in (TokenType.ACCESS_TOKEN, TokenType.JWT)}


class TokenRequest(Struct, frozen=True, kw_only=True):
    """What the client asks for. ``scope`` is None where it names none; ``audience`` and ``resource`` may be empty.

    An assertion of the jwt-bearer grant is a subject token of type JWT, with rules of its own (RFC 7523 section 2.1).
    There is no subject token where the client asks for itself.
    """

    grant_type: str
    subject_token: RawToken | None
    subject_token_type: TokenType | None
    actor_token: RawToken | None
    actor_token_type: TokenType | None
    requested_token_type: TokenType
    audience: tuple[str, ...]
    resource: tuple[str, ...]
    scope: frozenset[str] | None

    @property
    def is_assertion(self) -> bool:
        """Whether the subject token is a grant: made for us alone, and good once."""
        return self.grant_type == JWT_BEARER


def parse_grant(form: Form) -> TokenRequest:
    """Read the form of a grant that we answer ourselves. Raises as ``parse`` does."""
    return _PARSERS[form.require("grant_type")](form)


def parse_client_credentials(form: Form) -> TokenRequest:
    """Read the form of the client credentials grant (RFC 6749 section 4.4.2, RFC 8707). Raises as ``parse`` does."""
    return TokenRequest(
        grant_type=CLIENT_CREDENTIALS,
        subject_token=None,
        subject_token_type=None,
        actor_token=None,
        actor_token_type=None,
        requested_token_type=TokenType.ACCESS_TOKEN,
        audience=_targets(form.all("audience")),
        resource=tuple(map(_resource, _targets(form.all("resource")))),
        scope=parse_scope(form.get("scope")),
    )


def parse_assertion(form: Form) -> TokenRequest:
    """Read the form of the jwt-bearer grant (RFC 7523 section 2.1, RFC 8707). Raises as ``parse`` does."""
    return TokenRequest(
        grant_type=JWT_BEARER,
        subject_token=_token(form.require("assertion"), "assertion"),
        subject_token_type=TokenType.JWT,
        actor_token=None,
        actor_token_type=None,
        requested_token_type=TokenType.ACCESS_TOKEN,
        audience=_targets(form.all("audience")),
        resource=tuple(map(_resource, _targets(form.all("resource")))),
        scope=parse_scope(form.get("scope")),
    )


def parse(form: Form) -> TokenRequest:
    """Read the form of a token exchange. Raises ``InvalidRequest``, ``InvalidScope`` or ``InvalidTarget``."""
    actor_token, actor_token_type = _actor(form)
    return TokenRequest(
        grant_type=TOKEN_EXCHANGE,
        subject_token=_token(form.require("subject_token"), "subject_token"),
        subject_token_type=_accepted_type(form.require("subject_token_type"), "subject_token_type"),
        actor_token=actor_token,
        actor_token_type=actor_token_type,
        requested_token_type=_requested_type(form.get("requested_token_type")),
        audience=_targets(form.all("audience")),
        resource=tuple(map(_resource, _targets(form.all("resource")))),
        scope=parse_scope(form.get("scope")),
    )


def _actor(form: Form) -> tuple[RawToken | None, TokenType | None]:
    """Both or neither (rule 18)."""
    token, kind = form.get("actor_token"), form.get("actor_token_type")
    if token is None and kind is None:
        return None, None
    if token is None:
        raise refusal(Reason.PARAMETER_UNEXPECTED, Rule.REQUEST, "actor_token_type only with actor_token", "without")
    return _token(token, "actor_token"), _accepted_type(form.require("actor_token_type"), "actor_token_type")


def _token(text: str, name: str) -> RawToken:
    if len(text) > MAX_TOKEN_LENGTH:
        raise refusal(Reason.TOKEN_TOO_LARGE, Rule.REQUEST, f"{name} of at most 16384 characters", str(len(text)))
    return RawToken(text)


def _accepted_type(text: str, name: str) -> TokenType:
    kind = _ACCEPTED.get(text)
    if kind is None:
        raise refusal(
            Reason.TOKEN_TYPE_UNSUPPORTED, Rule.REQUEST, f"{name}: access_token, id_token or jwt", shown(text)
        )
    return kind


def _requested_type(text: str | None) -> TokenType:
    """The default is an access token. ``jwt`` names the same thing here: our access tokens are JWTs (section 3)."""
    if text is None:
        return TokenType.ACCESS_TOKEN
    kind = _ISSUABLE.get(text)
    if kind is None:
        raise refusal(Reason.TOKEN_TYPE_UNSUPPORTED, Rule.REQUEST, "requested_token_type: access_token", shown(text))
    return kind


def _targets(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > MAX_TARGETS:
        raise refusal(Reason.TARGET_MALFORMED, Rule.REQUEST, f"at most {MAX_TARGETS} targets", str(len(names)))
    return names


def _resource(text: str) -> str:
    """An absolute URI without fragment (RFC 8707 section 2)."""
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise refusal(Reason.TARGET_MALFORMED, Rule.REQUEST, "resource: an absolute URI", shown(text)) from error
    if not parts.scheme or not (parts.netloc or parts.path) or "#" in text or not text.isprintable() or " " in text:
        raise refusal(Reason.TARGET_MALFORMED, Rule.REQUEST, "resource: an absolute URI without fragment", shown(text))
    return text


@lru_cache(maxsize=1024)
def parse_scope(text: str | None) -> frozenset[str] | None:
    """The scope values of a request: single spaces, the characters of RFC 6749 section 3.3. None: none was sent."""
    if text is None:
        return None
    if len(text) > MAX_SCOPE_LENGTH or _SCOPES.fullmatch(text) is None:
        raise refusal(Reason.SCOPE_MALFORMED, Rule.REQUEST, "scope values separated by single spaces", shown(text))
    return frozenset(text.split(" "))


_PARSERS: Final = {TOKEN_EXCHANGE: parse, JWT_BEARER: parse_assertion, CLIENT_CREDENTIALS: parse_client_credentials}
GRANTS: Final = frozenset(_PARSERS)
"""The grants that we answer ourselves."""
