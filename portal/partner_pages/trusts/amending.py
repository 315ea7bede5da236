"""The form that changes a trust: whose tokens, by which keys, under which conditions, and what they are worth here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from partners.checking import read, write
from partners.standing import keys_by_name
from partners.states import KeyMethod
from partners.vocabulary import Kind, SubjectTokenType
from portal.form_fields import choice, line, number, several, text, tick
from portal.partner_pages.mappings import texts
from portal.partner_pages.pasted_keys import key_set_of, offer_present, together
from portal.partner_pages.trusts import introspection_forms
from portal.partner_pages.trusts.forms import ALGORITHMS, KEY_METHODS
from portal.partner_pages.trusts.introspection_forms import IntrospectionFields

if TYPE_CHECKING:
    from partners.declarations import DeclaredTrust

_LISTS: Final = ("token_types", "algorithms")
_PLAIN: Final = (
    "issuer",
    "lifetime",
    "subject_lifetime",
    "leeway",
    "max_depth",
    "one_time",
    "reusable_assertions",
    "allows_foreign_chain",
    "accepts_actors",
)


class TrustAmendingForm(IntrospectionFields):
    """A trust as it stands, to be changed. Its name stays as it is."""

    issuer = line(_("Issuer"), _("The exact “iss” of their tokens."), inputmode="url")
    method = choice(_("Where its keys come from"), choices=KEY_METHODS)
    jwks_uri = line(_("Address of the key set"), _("Only for that way."), required=False)
    kept = several(
        _("Present keys that stay"),
        _("Old and new keys are good side by side; untick the old one when nothing is signed with it any more."),
        required=False,
    )
    jwks = text(
        _("Further keys"),
        _("Only for keys that are pasted: a JSON Web Key Set with public keys."),
        rows=4,
        reads=key_set_of,
    )
    algorithms = several(_("Signatures that are accepted"), choices=ALGORITHMS)
    token_types = several(
        _("Token types that are accepted"), choices=[(kind.value, kind.value) for kind in SubjectTokenType]
    )
    audiences = line(
        _("Audiences that are accepted"),
        _("Beside our own issuer and the client's id; separated by spaces."),
        required=False,
    )
    rules = text(
        _("Conditions"),
        _("One on each line, all must hold: tier equals gold. Empty: every token meant for us."),
        reads=texts.rules_of,
    )
    subject_lifetime = line(_("Their tokens may live"), _("The longest that the issuer may give them: 1h, 15m."))
    leeway = line(_("Clocks may differ by"), _("At most a minute: 30s."))
    lifetime = line(_("Ours may live"), _("The longest a token of ours may live: 5m, 30s."))
    max_depth = number(_("Delegation depth"), _("How many may act in a row, 0 to 4."))
    one_time = tick(_("Each token of theirs can be exchanged once only"))
    reusable_assertions = tick(_("An assertion as a grant may come again until it expires (RFC 7523 section 3)"))
    allows_foreign_chain = tick(_("Their tokens may carry act and may_act at the same time"))
    accepts_actors = tick(_("The actor token may be another party's than the client's own"))

    def __init__(self, before: DeclaredTrust, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._before = before
        offer_present(self, before.jwks)

    def declared(self) -> DeclaredTrust:
        """What the valid form declares, beside what it does not show. Raises ``ConfigurationRefused``."""
        data, method = self.cleaned_data, self.cleaned_data["method"]
        document = write(self._before) | {name: data[name] for name in (*_LISTS, *_PLAIN)}
        is_here = method == KeyMethod.UPLOADED
        document |= {
            "jwks": together(self._before.jwks, data.get("kept", ()), data["jwks"]) if is_here else None,
            "jwks_uri": data["jwks_uri"] if method == KeyMethod.JWKS_URI else None,
            "audiences": data["audiences"].split(),
            "rules": data["rules"],
            "introspection": self.introspection(),
        }
        return read(Kind.TRUST, document)  # type: ignore[return-value]


def initial_of(before: DeclaredTrust) -> dict[str, Any]:
    """A trust as the form shows it."""
    document = write(before)
    places = {KeyMethod.UPLOADED: before.jwks, KeyMethod.JWKS_URI: before.jwks_uri}
    return {
        **{name: document[name] for name in (*_LISTS, *_PLAIN)},
        "method": next((method for method, said in places.items() if said), KeyMethod.DISCOVERY),
        "kept": list(keys_by_name(before.jwks)),
        "jwks_uri": before.jwks_uri or "",
        "audiences": " ".join(before.audiences),
        "rules": texts.in_rules(document["rules"]),
        **introspection_forms.initial_of(before.introspection),
    }
