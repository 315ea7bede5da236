"""The form body of a token request (RFC 6749 section 3.2, Appendix B), read once and strictly."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from exchange.protocol.errors import refusal
from policy.reasons import Reason, Rule, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_LENGTH: Final = 65_536
MAX_PARAMETERS: Final = 100
REPEATABLE: Final = frozenset({"resource", "audience"})
_LITERAL: Final = bytes(sorted(set(range(0x21, 0x7F)) - set(b"%+")))
"""Bytes that mean themselves in a form: printable ASCII but ``%`` and ``+``."""

_COMMON: Final = (
    *(b"grant_type=", b"scope=", b"audience=", b"resource=", b"client_id=", b"client_assertion_type="),
    *(b"subject_token_type=", b"actor_token_type=", b"requested_token_type="),
)
"""How parameters begin that hold no secret and say the same in most requests: they are read once."""

_SHORT: Final = 200


class Form(Struct, frozen=True):
    """The parameters of a request body. A parameter with an empty value counts as not sent (rule 2)."""

    _values: Mapping[str, tuple[str, ...]]

    def get(self, name: str) -> str | None:
        """The parameter's one value, or None."""
        values = self._values.get(name)
        return values[0] if values else None

    def require(self, name: str) -> str:
        """The parameter's one value. Raises ``MissingParameter``."""
        value = self.get(name)
        if value is None:
            raise refusal(Reason.PARAMETER_MISSING, Rule.REQUEST, name, "absent")
        return value

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may repeat."""
        return self._values.get(name, ())


_NAMES: Final = {
    name.encode(): name
    for name in (
        *("grant_type", "scope", "audience", "resource", "requested_token_type"),
        *("subject_token", "subject_token_type", "actor_token", "actor_token_type"),
        *("client_id", "client_secret", "client_assertion", "client_assertion_type"),
    )
}
"""Parameters as practically every request spells them; any other spelling is decoded."""


def parse_form(body: bytes) -> Form:
    """Read a body. Raises ``InvalidRequest`` or ``RepeatedParameter`` (RFC 6749 section 3.2).

    A repeated parameter is refused whatever its name: proxies and servers disagree on which value counts.
    """
    pieces = body.split(b"&")
    if len(pieces) > MAX_PARAMETERS:
        raise refusal(Reason.REQUEST_MALFORMED, Rule.REQUEST, f"at most {MAX_PARAMETERS} parameters", str(len(pieces)))
    values: dict[str, tuple[str, ...]] = {}
    for piece in pieces:
        if not piece:
            continue
        name, value = (
            _common_parameter(piece) if len(piece) <= _SHORT and piece.startswith(_COMMON) else _parameter(piece)
        )
        if name not in values:
            values[name] = (value,) if value else ()
        elif name not in REPEATABLE:
            raise refusal(Reason.PARAMETER_REPEATED, Rule.REQUEST, "each parameter once", shown(name))
        elif value:
            values[name] = (*values[name], value)
    return Form(values)


def _parameter(piece: bytes) -> tuple[str, str]:
    """Name and value of one parameter. Raises ``InvalidRequest``."""
    name, _, value = piece.partition(b"=")
    return _NAMES.get(name) or form_decode(name), form_decode(value)


@lru_cache(maxsize=1024)
def _common_parameter(piece: bytes) -> tuple[str, str]:
    """One of the few that most requests repeat; never a secret."""
    return _parameter(piece)


def form_decode(raw: bytes) -> str:
    """One form-encoded name or value as text. Raises ``InvalidRequest`` for what is not UTF-8 or holds a NUL."""
    if not raw.translate(None, _LITERAL):
        return raw.decode("ascii")
    return _decode(raw)


def _decode(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise refusal(Reason.REQUEST_MALFORMED, Rule.REQUEST, "UTF-8", "other bytes") from error
    if "\0" in text or "\x1f" in text:
        raise refusal(Reason.REQUEST_MALFORMED, Rule.REQUEST, "text without control characters", "a control character")
    return text
