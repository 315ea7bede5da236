"""The form that changes a client: how it proves who it is, what it may ask for, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from partners.checking import read, write
from partners.standing import keys_by_name
from partners.vocabulary import CertificateName, GrantType, Kind
from policy.parties import ClientAuthentication
from portal.form_fields import choice, limit, line, several, text, tick
from portal.partner_pages.clients import workload_forms
from portal.partner_pages.clients.workload_forms import WorkloadFields
from portal.partner_pages.pasted_keys import key_of_certificate, key_set_of, offer_present, together
from portal.partner_pages.trusts.forms import ALGORITHMS

if TYPE_CHECKING:
    from partners.declarations import DeclaredClient

NOWHERE, HERE, THERE = "none", "uploaded", "jwks_uri"
_PLACES: Final = (
    (NOWHERE, _("it has none")),
    (HERE, _("they are kept here")),
    (THERE, _("it publishes them at an address")),
)
_NAMES: Final = {
    CertificateName.SUBJECT_DN: _("its subject (RFC 4514)"),
    CertificateName.SAN_DNS: _("a host name"),
    CertificateName.SAN_URI: _("a URI"),
    CertificateName.SAN_IP: _("an IP address"),
    CertificateName.SAN_EMAIL: _("an e-mail address"),
}
_LISTS: Final = ("methods", "grant_types", "assertion_algorithms")
_PLAIN: Final = (
    "title",
    "requests_per_minute",
    "burst",
    "daily_quota",
    "dpop_bound_access_tokens",
    "requires_dpop_nonce",
    "tls_client_certificate_bound_access_tokens",
)
OTHERWISE: Final = {
    "jwks": "jwks",
    "serves": "scopes",
    **{f"tls_client_auth_{kind}": "certificate_name" for kind in CertificateName},
    **workload_forms.OTHERWISE,
}
"""Fields of the declaration that this form calls otherwise, for what the services object to."""


class ClientAmendingForm(WorkloadFields):
    """A client as it stands, to be changed. Its id and the targets it serves stay as they are."""

    title = line(_("Name on pages"), required=False)
    methods = several(
        _("It authenticates by"),
        _("Both the old and the new way are good while both are ticked."),
        choices=[(method.value, method.value) for method in ClientAuthentication],
    )
    place = choice(_("Its public keys"), choices=_PLACES)
    kept = several(
        _("Present keys that stay"),
        _("Old and new keys are good side by side; untick the old one when nothing signs with it any more."),
        required=False,
    )
    jwks = text(_("Further keys"), _("A JSON Web Key Set with public keys."), rows=4, reads=key_set_of)
    certificate = text(
        _("Its certificate"),
        _("In PEM, for self_signed_tls_client_auth: its key is added."),
        rows=4,
        reads=key_of_certificate,
    )
    jwks_uri = line(_("Address of its keys"), required=False)
    assertion_algorithms = several(_("Signatures of its assertions"), choices=ALGORITHMS)
    certificate_kind = choice(
        _("Its certificate is known by"), choices=[("", _("no name")), *_NAMES.items()], required=False
    )
    certificate_name = line(_("That name"), _("For tls_client_auth."), required=False)
    trust_anchors = text(
        _("Authorities of its certificate"), _("In PEM, for tls_client_auth. Empty: those of the partner."), rows=3
    )
    grant_types = several(_("Grants it may use"), choices=[(grant.value, grant.value) for grant in GrantType])
    redirect_uris = text(_("Redirect addresses"), _("One on each line, for authorization_code."), rows=2)
    scopes = line(_("Scopes, at most"), _("Separated by spaces."), required=False)
    requests_per_minute = limit(_("Requests in a minute, at most"), _("Empty: what the installation says."))
    burst = limit(_("Of those at once, at most"), _("Empty: what comes in ten seconds, at least ten."))
    daily_quota = limit(_("Requests in a day, at most"), _("Empty: no quota."))
    dpop_bound_access_tokens = tick(_("Each request must bring a DPoP proof (RFC 9449)"))
    requires_dpop_nonce = tick(_("Its DPoP proofs must carry a nonce of ours"))
    tls_client_certificate_bound_access_tokens = tick(_("Its tokens are bound to its certificate (RFC 8705)"))

    def __init__(self, before: DeclaredClient, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._before = before
        offer_present(self, None if before.workload else before.jwks)

    def declared(self) -> DeclaredClient:
        """What the valid form declares, beside what it does not show. Raises ``ConfigurationRefused``."""
        data, place = self.cleaned_data, self.cleaned_data["place"]
        document = write(self._before) | {name: data[name] for name in (*_LISTS, *_PLAIN)}
        document |= {f"tls_client_auth_{kind}": None for kind in CertificateName}
        if data["certificate_kind"]:
            document[f"tls_client_auth_{data['certificate_kind']}"] = data["certificate_name"]
        document |= {
            "jwks": self._keys() if place == HERE else None,
            "jwks_uri": data["jwks_uri"] if place == THERE else None,
            "scopes": data["scopes"].split(),
            "redirect_uris": data["redirect_uris"].split(),
            "workload": self.workload(data["methods"]),
            "trust_anchors": data["trust_anchors"].strip() or None,
        }
        return read(Kind.CLIENT, document)  # type: ignore[return-value]

    def _keys(self) -> dict[str, Any]:
        data = self.cleaned_data
        certified = data["certificate"] and {"keys": [data["certificate"]]}
        return together(self._before.jwks, data.get("kept", ()), data["jwks"], certified)


def initial_of(before: DeclaredClient) -> dict[str, Any]:
    """A client as the form shows it."""
    document = write(before)
    named = {kind: document[f"tls_client_auth_{kind}"] for kind in CertificateName}
    kind = next((kind for kind, name in named.items() if name), None)
    return {
        **{name: document[name] for name in (*_LISTS, *_PLAIN)},
        "place": HERE if before.jwks else THERE if before.jwks_uri else NOWHERE,
        "kept": list(keys_by_name(before.jwks)),
        "jwks_uri": before.jwks_uri or "",
        "certificate_kind": kind or "",
        "certificate_name": named[kind] if kind else "",
        "trust_anchors": before.trust_anchors or "",
        "scopes": " ".join(before.scopes),
        "redirect_uris": "\n".join(before.redirect_uris),
        **workload_forms.initial_of(document["workload"]),
    }
