"""Form bodies and the Authorization field: refusals only, and the values that Python's own parser reads."""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from urllib.parse import parse_qsl

from exchange.protocol.client_auth import offers_credentials, present
from exchange.protocol.errors import InvalidClient, InvalidRequest, InvalidScope, InvalidTarget
from exchange.protocol.form import MAX_PARAMETERS, Form, parse_form
from exchange.protocol.introspection import parse_question
from exchange.protocol.request import GRANTS, JWT_BEARER, TOKEN_EXCHANGE, parse_grant

FIELD: Final = b"\n"
"""Divides the body from the values of Authorization fields, where there are any."""
_TOKEN_TYPE: Final = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A"
_ASSERTION_TYPE: Final = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
WORDS: Final = (
    *("grant_type=", "subject_token=", "subject_token_type=", "actor_token=", "actor_token_type=", "assertion="),
    *("&audience=", "&resource=", "&scope=", "&client_id=", "&client_secret=", "&client_assertion=", "&token="),
    *("requested_token_type=", "client_assertion_type=", TOKEN_EXCHANGE, JWT_BEARER, f"{_TOKEN_TYPE}jwt"),
    *("%00", "%1f", "%C3%A9", "%", "+", "&&", "==", ";", "%26", "%3D", "Basic ", "OmE=", "YTpi", "Bearer "),
)


def seeds() -> list[bytes]:
    """A good request of each kind, with credentials in the form and in the field."""
    exchange = f"grant_type={TOKEN_EXCHANGE}&subject_token=a.b.c&subject_token_type={_TOKEN_TYPE}access_token"
    return [
        text.encode()
        for text in (
            f"{exchange}&audience=x&audience=y&resource=https%3A%2F%2Fa.example%2Fv1&scope=read+write\nBasic YTpi",
            f"{exchange}&actor_token=d.e.f&actor_token_type={_TOKEN_TYPE}jwt&client_id=a&client_secret=b",
            f"grant_type={JWT_BEARER}&assertion=a.b.c&client_assertion=d.e.f&client_assertion_type={_ASSERTION_TYPE}",
            "token=a.b.c&token_type_hint=access_token\nBasic YTpi\nBasic YTpi",
            "a=%C3%A9&b=%&c&=d&&e=f+g%2B",
        )
    ]


def one(data: bytes) -> None:
    """One body and its fields, read by everything that reads forms."""
    body, *fields = data.split(FIELD)
    try:
        form = parse_form(body)
    except InvalidRequest:
        return
    _compare(form, body)
    if form.get("grant_type") in GRANTS:
        with suppress(InvalidRequest, InvalidScope, InvalidTarget):
            parse_grant(form)
    with suppress(InvalidRequest):
        parse_question(form)
    authorization = tuple(field.decode("latin-1") for field in fields)
    offers_credentials(authorization, form)
    try:
        credentials = present(authorization, form)
    except (InvalidClient, InvalidRequest):
        return
    assert credentials.credential.reveal()


def _compare(form: Form, body: bytes) -> None:
    try:
        text = body.decode()
    except UnicodeDecodeError:  # one character, half of it escaped: only ours puts the halves together
        return
    pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    expected: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        expected[name] = (*expected.get(name, ()), *((value,) if value else ()))
    for name, values in expected.items():
        assert form.all(name) == values, name
