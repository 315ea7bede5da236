"""The form of a mapping: its fields as people write them, and the declaration they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from partners.checking import read, write
from partners.states import SourceOfMapping
from partners.vocabulary import Kind
from portal.form_fields import choice, line, number, text, tick
from portal.partner_pages.mappings import texts

if TYPE_CHECKING:
    from partners.declarations import DeclaredMapping
    from partners.offers import Offers

OTHER_SOURCES: Final = (
    (SourceOfMapping.OWN_TOKEN.value, _("tokens of ours, exchanged on")),
    (SourceOfMapping.CLIENT.value, _("the client itself, by client credentials")),
)
RARE: Final = (
    "position",
    "clients",
    "subject_claim",
    "condition",
    "scopes_expression",
    "claims",
    "carries_login",
)
_SPACED: Final = ("always", "default_scopes")


class MappingForm(forms.Form):
    """One version of a mapping. ``name`` is given with the first one and stays."""

    name = line(_("Name"), _("Small letters, digits and hyphens. It stays."))
    source = choice(_("What becomes a token"))
    target = choice(_("Audience"))
    rules = text(
        _("Conditions"),
        _("One on each line, all must hold: tier equals gold. Empty: every token."),
        reads=texts.rules_of,
    )
    grants = text(
        _("Their scopes and ours"),
        _("One of theirs on each line: settle:write -> ledger.read ledger.write"),
        reads=texts.grants_of,
    )
    always = line(_("Scopes that every such token may receive"), _("Separated by spaces."), required=False)
    default_scopes = line(_("Scopes of a request that names none"), _("Separated by spaces."), required=False)
    lifetime = line(_("Lifetime"), _("The longest a token of ours may live: 5m, 30s."))
    max_depth = number(_("Delegation depth"), _("How many may act in a row, 0 to 4."))
    allows_impersonation = tick(_("Allow impersonation: no actor token is needed (RFC 8693 section 1.1)"))
    position = number(_("Position"), _("Mappings are tried in this order; the first that fits decides."))
    clients = line(_("Clients"), _("Separated by spaces. Empty: every client of the partner."), required=False)
    subject_claim = line(_("Claim that names the subject"))
    condition = text(_("Further condition"), _("An expression in CEL that gives true or false."), rows=2)
    scopes_expression = text(_("Further scopes"), _("An expression in CEL that gives a list of scopes."), rows=2)
    claims = text(_("Claims of the new token"), _("One on each line: department -> claims.unit"), reads=texts.claims_of)
    carries_login = tick(_("Carry over how the subject signed in (auth_time, acr, amr)"))

    def __init__(self, offers: Offers, *args: Any, name: str = "", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [  # type: ignore[attr-defined]
            *((f"trust:{trust}", _("tokens of %(trust)s") % {"trust": trust}) for trust in offers.trusts),
            *OTHER_SOURCES,
        ]
        self.fields["target"].choices = [(name, label) for name, label in offers.targets]  # type: ignore[attr-defined]
        if name:
            del self.fields["name"]
        self._name = name

    def usual_fields(self) -> list[forms.BoundField]:
        """What every mapping needs."""
        return [field for field in self if field.name not in RARE]

    def rare_fields(self) -> list[forms.BoundField]:
        """What few mappings need."""
        return [field for field in self if field.name in RARE]

    def has_rare_errors(self) -> bool:
        """Whether one of those is wrong, so that it must be seen."""
        return any(name in self.errors for name in RARE)

    def declared(self, partner: str) -> DeclaredMapping:
        """What the valid form declares. Raises ``ConfigurationRefused``."""
        data = dict(self.cleaned_data)
        source, _colon, trust = data.pop("source").partition(":")
        clients = data.pop("clients").split()
        document = {
            **data,
            **{name: data[name].split() for name in _SPACED},
            "name": data.get("name") or self._name,
            "partner": partner,
            "source": source,
            "trust": trust or None,
            "clients": clients or None,
            "condition": data["condition"].strip() or None,
            "scopes_expression": data["scopes_expression"].strip() or None,
        }
        return read(Kind.MAPPING, document)  # type: ignore[return-value]


def initial_of(declared: DeclaredMapping) -> dict[str, Any]:
    """The fields of a declaration as the form shows them."""
    document = write(declared)
    source = document["source"]
    return {
        **document,
        **{name: " ".join(document[name]) for name in _SPACED},
        "source": f"trust:{document['trust']}" if source == SourceOfMapping.TRUST else source,
        "clients": " ".join(document["clients"] or ()),
        "rules": texts.in_rules(document["rules"]),
        "grants": texts.in_pairs(document["grants"]),
        "claims": texts.in_pairs(document["claims"]),
        "condition": document["condition"] or "",
        "scopes_expression": document["scopes_expression"] or "",
    }


def initial_of_a_new_one(offers: Offers) -> dict[str, Any]:
    """What a new mapping starts with: the narrowest that the declaration's own defaults say."""
    return {
        "source": f"trust:{offers.trusts[0]}" if offers.trusts else SourceOfMapping.OWN_TOKEN.value,
        "lifetime": "5m",
        "max_depth": 1,
        "position": 100,
        "subject_claim": "sub",
    }
