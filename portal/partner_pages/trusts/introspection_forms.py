"""The introspection of a trust in the browser: where its issuer is asked about opaque tokens, and our secret there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exchange.introspection_checks import Answer
from partners.services.introspections import check_secret
from portal.form_fields import line, tick, words_for
from portal.partner_pages.form_parts import FoldedFields, members_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from partners.declarations import DeclaredIntrospection

MEMBERS: Final = ("endpoint", "client_id", "allows_missing_audience")
OTHERWISE: Final = members_of("introspection", *MEMBERS)
"""Members of the declaration's introspection, and the fields that hold them here."""

_WORDS: Final[Mapping[Answer, tuple[_StrPromise, _StrPromise]]] = {
    Answer.INACTIVE: (
        gettext_lazy("It takes our secret, and calls a token that nobody made inactive, as it must."),
        gettext_lazy("Opaque tokens can be asked about."),
    ),
    Answer.ASKS_WHO: (
        gettext_lazy("It answers, and wants to know who asks, as it must."),
        gettext_lazy("Our secret is tried once you put it."),
    ),
    Answer.TOLD_ANYBODY: (
        gettext_lazy("It answers without asking who wants to know."),
        gettext_lazy("Whoever finds a token can try it there (RFC 7662 section 2.1). Tell the partner."),
    ),
    Answer.WRONG_CREDENTIAL: (
        gettext_lazy("It does not take our client id with this secret."),
        gettext_lazy("Compare both with what the partner gave you. It must accept client_secret_basic."),
    ),
    Answer.ANYTHING_GOES: (
        gettext_lazy("It calls a token active that nobody made."),
        gettext_lazy("With it every text would be a good token. Ask the partner to correct it before it is used."),
    ),
    Answer.NOT_AN_ANSWER: (
        gettext_lazy("What it answers says nothing about a token."),
        gettext_lazy("Check that the address is that of the introspection endpoint (RFC 7662 section 2.2)."),
    ),
    Answer.NOT_CALLED: (
        gettext_lazy("The address is not one that may be called."),
        gettext_lazy("Check the address. Opaque tokens would be refused as it is."),
    ),
    Answer.NO_ANSWER: (
        gettext_lazy("No answer that can be used came within two seconds."),
        gettext_lazy("Check the address, or try again when the partner's endpoint is up."),
    ),
}


def words_of(answer: Answer) -> tuple[str, str]:
    """What was found, and what to do."""
    found, then = _WORDS[answer]
    return str(found), str(then)


class IntrospectionFields(FoldedFields):
    """Where an issuer is asked, for a form of its trust. An empty endpoint: opaque tokens are refused."""

    folded = "introspection"

    introspection_endpoint = line(
        gettext_lazy("Introspection endpoint"),
        gettext_lazy("Where the issuer is asked about opaque tokens (RFC 7662). Empty: they are refused."),
        required=False,
        inputmode="url",
    )
    introspection_client_id = line(
        gettext_lazy("Our client id there"),
        gettext_lazy("With client_secret_basic. The secret has a page of its own."),
        required=False,
    )
    introspection_allows_missing_audience = tick(
        gettext_lazy("An answer without an audience is accepted"),
        gettext_lazy("Then any token of the issuer is, whoever it is for."),
    )

    def introspection(self) -> dict[str, Any] | None:
        """What the valid form declares of it."""
        data = self.cleaned_data
        if not data["introspection_endpoint"] and not data["introspection_client_id"]:
            return None
        return {name: data[f"introspection_{name}"] for name in MEMBERS}


def initial_of(declared: DeclaredIntrospection | None) -> dict[str, Any]:
    """A trust's introspection as the form shows it."""
    return {
        "introspection_endpoint": declared.endpoint if declared else "",
        "introspection_client_id": declared.client_id if declared else "",
        "introspection_allows_missing_audience": bool(declared and declared.allows_missing_audience),
    }


class IntrospectionSecretForm(forms.Form):
    """Our secret at the endpoint. It is never sent back to the browser, also not where it was wrong."""

    secret = forms.CharField(
        label=gettext_lazy("Secret"),
        help_text=gettext_lazy("What the partner gave you for our client there. It is kept sealed, and never shown."),
        max_length=2000,
        strip=False,
        widget=forms.PasswordInput(attrs={"class": "inp mono", "autocomplete": "off", "spellcheck": "false"}),
        error_messages=words_for(gettext_lazy("Secret"), most=2000),
    )
    anyway = tick(
        gettext_lazy("Keep it although the check did not pass"),
        gettext_lazy("For an endpoint that is down now: until it answers, opaque tokens are refused."),
    )

    def clean_secret(self) -> str:
        """The secret. Raises ``ValidationError``, without it."""
        text = str(self.cleaned_data["secret"])
        if not check_secret(text):
            raise ValidationError(
                _("A secret has 1 to 512 visible ASCII characters and no space. Paste it again, without line breaks.")
            )
        return text
