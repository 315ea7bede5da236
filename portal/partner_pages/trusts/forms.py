"""The form of a new trust: whose tokens are accepted for a partner, by which keys and under which conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from partners.checking import read
from partners.states import KeyMethod
from partners.vocabulary import Kind, SignatureAlgorithm
from portal.form_fields import choice, line, several, text
from portal.partner_pages.mappings import texts
from portal.partner_pages.pasted_keys import key_set_of

if TYPE_CHECKING:
    from partners.declarations import DeclaredTrust

KEY_METHODS: Final = (
    (KeyMethod.DISCOVERY.value, gettext_lazy("Discovery at the issuer's address")),
    (KeyMethod.JWKS_URI.value, gettext_lazy("The address of the key set")),
    (KeyMethod.UPLOADED.value, gettext_lazy("Keys that are pasted here")),
)
ALGORITHMS: Final = tuple((algorithm.value, algorithm.value) for algorithm in SignatureAlgorithm)
USUAL_ALGORITHMS: Final = (SignatureAlgorithm.ES256.value, SignatureAlgorithm.RS256.value)


class IssuerForm(forms.Form):
    """An issuer, where its keys come from, and what its tokens carry."""

    issuer = line(gettext_lazy("Issuer"), gettext_lazy("The exact “iss” of their tokens."), inputmode="url")
    method = choice(gettext_lazy("Where its keys come from"), choices=KEY_METHODS)
    jwks_uri = line(gettext_lazy("Address of the key set"), gettext_lazy("Only for that way."), required=False)
    jwks = text(
        gettext_lazy("Keys"),
        gettext_lazy("Only for that way: a JSON Web Key Set with public keys."),
        rows=4,
        reads=key_set_of,
    )
    algorithms = several(gettext_lazy("Signatures that are accepted"), choices=ALGORITHMS)
    audiences = line(
        gettext_lazy("Audiences that are accepted"),
        gettext_lazy("Beside our own issuer and the client's id; separated by spaces."),
        required=False,
    )

    def fields_of_trust(self) -> dict[str, Any]:
        """What the valid form says of a trust, as documents write it."""
        data = self.cleaned_data
        method = data["method"]
        return {
            "issuer": data["issuer"],
            "jwks": (data["jwks"] or {}) if method == KeyMethod.UPLOADED else None,
            "jwks_uri": data["jwks_uri"] if method == KeyMethod.JWKS_URI else None,
            "audiences": data["audiences"].split(),
            "algorithms": data["algorithms"],
        }


class TrustForm(IssuerForm):
    """A new trust."""

    name = line(gettext_lazy("Name of this trust"), gettext_lazy("Small letters, digits and hyphens. It stays."))
    rules = text(
        gettext_lazy("Conditions"),
        gettext_lazy("One on each line, all must hold: tier equals gold. Empty: every token meant for us."),
        reads=texts.rules_of,
    )
    field_order = ("issuer", "method", "jwks_uri", "jwks", "name")

    def declared(self, partner: str) -> DeclaredTrust:
        """What the valid form declares. Raises ``ConfigurationRefused``."""
        data = self.cleaned_data
        document = {"name": data["name"], "partner": partner, "rules": data["rules"], **self.fields_of_trust()}
        return read(Kind.TRUST, document)  # type: ignore[return-value]
