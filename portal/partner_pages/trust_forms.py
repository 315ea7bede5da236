"""The form of a trust: whose tokens are accepted for a partner, by which keys and under which conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners.checking import read
from partners.states import KeyMethod
from partners.vocabulary import Kind, SignatureAlgorithm
from portal.partner_pages import mapping_texts as texts
from portal.partner_pages.form_fields import choice, line, text

if TYPE_CHECKING:
    from partners.declarations import DeclaredTrust

KEY_METHODS: Final = (
    (KeyMethod.DISCOVERY.value, gettext_lazy("Discovery at the issuer's address")),
    (KeyMethod.JWKS_URI.value, gettext_lazy("The address of the key set")),
    (KeyMethod.UPLOADED.value, gettext_lazy("Keys that are pasted here")),
)
USUAL_ALGORITHMS: Final = (SignatureAlgorithm.ES256.value, SignatureAlgorithm.RS256.value)


class TrustForm(forms.Form):
    """A new trust."""

    issuer = line(gettext_lazy("Issuer"), gettext_lazy("The exact “iss” of their tokens."), inputmode="url")
    method = choice(gettext_lazy("Where its keys come from"), choices=KEY_METHODS)
    jwks_uri = line(gettext_lazy("Address of the key set"), gettext_lazy("Only for that way."), required=False)
    jwks = text(gettext_lazy("Keys"), gettext_lazy("Only for that way: a JSON Web Key Set with public keys."), rows=4)
    name = line(gettext_lazy("Name of this trust"), gettext_lazy("Small letters, digits and hyphens. It stays."))
    algorithms = forms.MultipleChoiceField(
        label=gettext_lazy("Signatures that are accepted"),
        choices=[(algorithm.value, algorithm.value) for algorithm in SignatureAlgorithm],
        widget=forms.CheckboxSelectMultiple,
    )
    audiences = line(
        gettext_lazy("Audiences that are accepted"),
        gettext_lazy("Beside our own issuer and the client's id; separated by spaces."),
        required=False,
    )
    rules = text(
        gettext_lazy("Conditions"),
        gettext_lazy("One on each line, all must hold: tier equals gold. Empty: every token meant for us."),
    )

    def clean_rules(self) -> list[dict[str, Any]]:
        """The conditions, line by line."""
        return texts.rules_of(self.cleaned_data["rules"])

    def clean_jwks(self) -> Any:  # noqa: ANN401 - any JSON; the declaration judges it
        """The key set, where one was pasted."""
        return key_set_of(self.cleaned_data["jwks"])

    def declared(self, partner: str) -> DeclaredTrust:
        """What the valid form declares. Raises ``ConfigurationRefused``."""
        data = self.cleaned_data
        method = data["method"]
        document = {
            "name": data["name"],
            "partner": partner,
            "issuer": data["issuer"],
            "jwks": (data["jwks"] or {}) if method == KeyMethod.UPLOADED else None,
            "jwks_uri": data["jwks_uri"] if method == KeyMethod.JWKS_URI else None,
            "audiences": data["audiences"].split(),
            "algorithms": data["algorithms"],
            "rules": data["rules"],
        }
        return read(Kind.TRUST, document)  # type: ignore[return-value]


def key_set_of(pasted: str) -> Any:  # noqa: ANN401 - any JSON
    """The document in a pasted text, None where nothing was pasted. Raises ``ValidationError``, without the text."""
    if not pasted.strip():
        return None
    try:
        return orjson.loads(pasted)
    except orjson.JSONDecodeError as error:
        words = _("The keys are not readable as JSON. Paste the whole key set, from the first brace to the last.")
        raise ValidationError(words) from error
