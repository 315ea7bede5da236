"""The forms of a partner's clients: a new one, and a new secret for one there is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from partners.checking import read
from partners.vocabulary import Kind
from policy.parties import ClientAuthentication
from portal.form_fields import choice, line, text
from portal.partner_pages.clients import workload_forms
from portal.partner_pages.clients.workload_forms import WorkloadFields
from portal.partner_pages.pasted_keys import key_set_of

if TYPE_CHECKING:
    from datetime import datetime

    from partners.declarations import DeclaredClient

BY_SECRET: Final = ClientAuthentication.CLIENT_SECRET_BASIC
_METHODS: Final = (
    (ClientAuthentication.PRIVATE_KEY_JWT.value, _("a key of its own (private_key_jwt): no secret is ever shared")),
    (BY_SECRET.value, _("a secret that is made here and shown once (client_secret_basic)")),
    (ClientAuthentication.WORKLOAD_JWT.value, _("tokens of the platform it runs on: nothing is kept (workload_jwt)")),
)
OTHERWISE: Final = {"methods": "method", **workload_forms.OTHERWISE}
"""Fields of the declaration that the form of a new client calls otherwise."""
OVERLAPS: Final = (
    ("24", _("tomorrow: both are good for a day")),
    ("168", _("in a week: both are good until then")),
    ("1", _("in an hour")),
    ("0", _("at once")),
)


class ClientForm(WorkloadFields):
    """A new client of a partner that exchanges tokens. Everything else about a client is in documents and the API."""

    name = line(_("Client id"), _("The client_id on the wire. It stays."))
    title = line(_("Name on pages"), required=False)
    method = choice(_("It authenticates by"), choices=_METHODS)
    jwks_uri = line(
        _("Address of its public keys"), _("For a key of its own: this, or the keys below."), required=False
    )
    jwks = text(_("Its public keys"), _("A JSON Web Key Set with public keys."), rows=4, reads=key_set_of)
    scopes = line(_("Scopes, at most"), _("Separated by spaces: a scope that is not listed is never granted to it."))

    def declared(self, partner: str) -> DeclaredClient:
        """What the valid form declares. Raises ``ConfigurationRefused``."""
        data = self.cleaned_data
        document = {
            "name": data["name"],
            "title": data["title"],
            "partner": partner,
            "methods": [data["method"]],
            "jwks": data["jwks"],
            "jwks_uri": data["jwks_uri"] or None,
            "scopes": data["scopes"].split(),
            "workload": self.workload([data["method"]]),
        }
        return read(Kind.CLIENT, document)  # type: ignore[return-value]


class SecretForm(forms.Form):
    """When the older secret ends, now that a new one is made."""

    older_ends = choice(_("The present secret ends"), choices=OVERLAPS)

    def older_ends_at(self, now: datetime) -> datetime:
        """The instant that was chosen."""
        return now + timedelta(hours=int(self.cleaned_data["older_ends"]))
