"""The form of the simulator: a token pasted or its claims typed, and the request it comes with.

A pasted token is read once and in no answer: the form shows its claims afterwards, never its text (CWE-532).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from exchange.protocol.request import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE
from exchange.simulation import Question
from exchange.supposing import Typed
from policy.raw import RawToken
from policy.tokens import TokenType
from portal.form_fields import choice, line, secret, text, tick

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

LONGEST_CLAIMS: Final = 32_768
DEEPEST: Final = 64
MOMENT: Final = "%Y-%m-%dT%H:%M:%S"
GRANTS: Final = (
    (TOKEN_EXCHANGE, _("Token exchange")),
    (JWT_BEARER, _("JWT bearer: the token is the grant")),
    (CLIENT_CREDENTIALS, _("Client credentials: no token")),
)
TYPES: Final = (
    (TokenType.ACCESS_TOKEN.value, _("Access token")),
    (TokenType.ID_TOKEN.value, _("ID token")),
    (TokenType.JWT.value, _("JWT")),
)


def _object_in(label: Any, typed: str) -> dict[str, Any] | None:  # noqa: ANN401 - lazy text
    """The object, None where nothing was typed. Raises ``ValidationError``, which says where it stops being JSON."""
    if not typed:
        return None
    if _depth(typed) > DEEPEST:
        words = _("“%(label)s” is nested too deep. No claim of a token is; write one object.")
        raise ValidationError(words, params={"label": label})
    try:
        found = json.loads(typed, parse_constant=_no_constant)
    except ValueError as error:
        where = f"{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else "1:1"
        words = _("“%(label)s” stops being JSON at line and column %(where)s. Write one object, in braces.")
        raise ValidationError(words, params={"label": label, "where": where}) from error
    if not isinstance(found, dict):
        words = _("“%(label)s” is JSON, but no object. Write names and values in braces.")
        raise ValidationError(words, params={"label": label})
    return found


def _depth(text: str) -> int:
    """How deep it is nested at most; brackets inside strings only make it look deeper."""
    steps = accumulate((character in "[{") - (character in "]}") for character in text)
    return max(steps, default=0)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _object(label: Any, most: int, rows: int) -> forms.CharField:  # noqa: ANN401 - lazy text
    """Text that holds one JSON object, or nothing."""
    return text(label, rows=rows, most=most, reads=partial(_object_in, label))


class SimulatorForm(forms.Form):
    """One request to try."""

    client = line(_("Client"), required=False, most=255, list="simulator-clients")
    grant_type = choice(_("Grant"), choices=GRANTS)
    audience = line(_("Audience, or several with spaces between"), required=False, most=1024, list="simulator-targets")
    scope = line(_("Scope"), required=False, most=4096)
    token = secret(_("Token of the partner"))
    claims = _object(_("Claims, where no token is pasted"), LONGEST_CLAIMS, 8)
    header = _object(_("Header of the typed token; empty: as its issuer would write it"), 4096, 2)
    subject_token_type = choice(_("Type of the token"), choices=TYPES)
    actor_token = secret(_("Actor token"), rows=3)
    actor_claims = _object(_("Claims of the actor token, where none is pasted"), LONGEST_CLAIMS, 4)
    actor_header = _object(_("Header of the typed actor token"), 4096, 2)
    actor_token_type = choice(_("Type of the actor token"), choices=TYPES)
    resource = line(_("Resource, or several with spaces between"), required=False, most=1024)
    at = line(_("Moment, UTC; empty: now"), required=False, most=19, placeholder="2031-05-04T12:00:00")
    has_proof = tick(_("With a DPoP proof"))
    has_certificate = tick(_("With the client's certificate"))
    as_if_active = tick(_("As if the partner were active already"))
    draft = forms.UUIDField(
        required=False,
        widget=forms.HiddenInput,
        error_messages={"invalid": _("Draft: no draft has such an id. Start again from the mapping's page.")},
    )
    partner = forms.SlugField(
        required=False,
        max_length=63,
        widget=forms.HiddenInput,
        error_messages={"invalid": _("Partner: none has such a short name. Start again from the partner's page.")},
    )

    def clean_client(self) -> str:
        """Who asks."""
        client: str = self.cleaned_data["client"]
        if not client:
            raise ValidationError(_("“Client” is empty. Enter the id of the client that would send the request."))
        return client

    def clean_at(self) -> datetime | None:
        """The moment, or None for the present one."""
        text: str = self.cleaned_data["at"]
        if not text:
            return None
        try:
            return datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
        except ValueError as error:
            raise ValidationError(_("“Moment” is no instant. Write it like 2031-05-04T12:00:00, in UTC.")) from error

    def clean(self) -> dict[str, Any]:
        """The form as a whole: a token pasted or its claims typed, and not both. Raises ``ValidationError``."""
        found: dict[str, Any] = super().clean() or {}
        for pasted, typed in (("token", "claims"), ("actor_token", "actor_claims")):
            if found.get(pasted) and found.get(typed) is not None:
                words = _("A token was pasted and claims were typed. Empty one of the two: only one can be tried.")
                self.add_error(typed, words)
        has_subject = found.get("token") or found.get("claims") is not None
        if not has_subject and found.get("grant_type") != CLIENT_CREDENTIALS and not self.errors:
            self.add_error("token", _("There is no token. Paste one of the partner's, or type its claims below."))
        return found

    def question(self) -> Question:
        """What is tried. The form was found valid before."""
        return asked(self.cleaned_data)

    @property
    def draft_id(self) -> UUID | None:
        """The draft that stands in for the version in force."""
        draft: UUID | None = self.cleaned_data.get("draft")
        return draft


def asked(found: Mapping[str, Any]) -> Question:
    """The question in the values of the form, whoever filled it in; they were found to agree before."""
    grant_type = found["grant_type"]
    asks_alone = grant_type == CLIENT_CREDENTIALS
    actor = _token(found["actor_token"], found["actor_claims"], found["actor_header"])
    return Question(
        client_id=found["client"],
        grant_type=grant_type,
        at=found["at"] or timezone.now(),
        parameters=_parameters(found, has_actor=actor is not None),
        subject=None if asks_alone else _token(found["token"], found["claims"], found["header"]),
        actor=actor if grant_type == TOKEN_EXCHANGE else None,
        has_proof=found["has_proof"],
        has_certificate=found["has_certificate"],
    )


def _token(pasted: str, claims: dict[str, Any] | None, header: dict[str, Any] | None) -> RawToken | Typed | None:
    if pasted:
        return RawToken(pasted.strip().removeprefix("Bearer ").strip())
    return None if claims is None else Typed(header=header or {}, claims=claims)


def _parameters(found: Mapping[str, Any], *, has_actor: bool) -> dict[str, tuple[str, ...]]:
    parameters = {name: tuple(found[name].split()) for name in ("audience", "resource")}
    if found["scope"]:
        parameters["scope"] = (" ".join(found["scope"].split()),)
    if found["grant_type"] == TOKEN_EXCHANGE:
        parameters["subject_token_type"] = (found["subject_token_type"],)
        if has_actor:
            parameters["actor_token_type"] = (found["actor_token_type"],)
    return {name: values for name, values in parameters.items() if values}


def initial_of(question: Question) -> dict[str, Any]:
    """The fields of a question whose tokens are typed, or kept: what the form shows of it."""
    parameters = question.parameters
    shown: dict[str, Any] = {
        "client": question.client_id,
        "grant_type": question.grant_type,
        "at": question.at.astimezone(UTC).strftime(MOMENT),
        "has_proof": question.has_proof,
        "has_certificate": question.has_certificate,
    }
    for name in ("audience", "resource", "scope", "subject_token_type", "actor_token_type"):
        if parameters.get(name):
            shown[name] = " ".join(parameters[name])
    for token, claims, header in (
        (question.subject, "claims", "header"),
        (question.actor, "actor_claims", "actor_header"),
    ):
        if isinstance(token, Typed):
            shown |= {claims: _pretty(token.claims), header: _pretty(token.header) if token.header else ""}
    return shown


def _pretty(value: Any) -> str:  # noqa: ANN401 - JSON
    text = json.dumps(dict(value), indent=2, ensure_ascii=False)
    return text if _is_text(text) else json.dumps(dict(value), indent=2)


def _is_text(text: str) -> bool:
    """Whether it has no half characters, which JSON can name and no page can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
