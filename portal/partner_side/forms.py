"""The forms of a partner's people: whom we invite, and what they change, propose and try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners.checking import read, write
from partners.states import KeyMethod
from partners.vocabulary import Kind, SignatureAlgorithm
from policy.raw import RawToken
from portal.partner_pages import mapping_texts as texts
from portal.partner_pages.form_fields import choice, line, text
from portal.partner_pages.trust_forms import key_set_of
from portal.simulator.form import Unshown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partners.declarations import DeclaredMapping

_METHODS: Final = (
    (KeyMethod.DISCOVERY.value, gettext_lazy("Discovery at the issuer's address")),
    (KeyMethod.JWKS_URI.value, gettext_lazy("The address of the key set")),
    (KeyMethod.UPLOADED.value, gettext_lazy("Keys that are pasted here")),
)
LONGEST_TOKEN: Final = 65_536
LONGEST_ANSWER: Final = 2000


class InviteForm(forms.Form):
    """Whom to invite."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        help_text=gettext_lazy("Of the same domain as the partner's contact. The link goes there."),
        max_length=254,
        error_messages={
            "required": gettext_lazy("Enter the e-mail address: the link goes there."),
            "invalid": gettext_lazy("This is no e-mail address. It looks like name@example.com."),
        },
        widget=forms.EmailInput(attrs={"class": "inp", "autocomplete": "off"}),
    )
    anew = forms.BooleanField(
        label=gettext_lazy("They have an account and lost every way into it"),
        help_text=gettext_lazy(
            "Their passkeys, app and password are forgotten at once and their sessions end. Be sure that it is they"
            " who ask: call them."
        ),
        required=False,
    )


class IssuerForm(forms.Form):
    """The issuer of the partner's tokens, as its own people describe it."""

    issuer = line(gettext_lazy("Issuer"), gettext_lazy("The exact “iss” of your tokens."), inputmode="url")
    method = choice(gettext_lazy("Where its keys come from"), choices=_METHODS)
    jwks_uri = line(gettext_lazy("Address of the key set"), gettext_lazy("Only for that way."), required=False)
    jwks = text(gettext_lazy("Keys"), gettext_lazy("Only for that way: a JSON Web Key Set with public keys."), rows=4)
    algorithms = forms.MultipleChoiceField(
        label=gettext_lazy("Signatures your tokens carry"),
        choices=[(algorithm.value, algorithm.value) for algorithm in SignatureAlgorithm],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("No signature is chosen. Tick what your issuer signs with.")},
    )
    audiences = line(
        gettext_lazy("Audiences your tokens name"),
        gettext_lazy("Only where “aud” is neither our issuer nor your client's id; separated by spaces."),
        required=False,
    )

    def clean_jwks(self) -> Any:  # noqa: ANN401 - any JSON; the declaration judges it
        """The key set, where one was pasted."""
        return key_set_of(self.cleaned_data["jwks"])

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


class KeysForm(forms.Form):
    """Public keys to add beside those there are."""

    jwks = text(gettext_lazy("New keys"), gettext_lazy("A JSON Web Key Set with public keys."), rows=6, required=True)

    def clean_jwks(self) -> list[Any]:
        """The keys. Raises ``ValidationError``."""
        document = key_set_of(self.cleaned_data["jwks"])
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list) or not keys:
            raise ValidationError(_("This is no key set. Paste an object with a list “keys” (RFC 7517 section 5)."))
        return keys


class MappingProposalForm(forms.Form):
    """What the partner proposes of a mapping: for which audience, under which conditions, what each scope is worth."""

    target = choice(
        gettext_lazy("Audience"),
        gettext_lazy("One of those you may ask for. Scopes that every token receives are set anew for another one."),
    )
    rules = text(
        gettext_lazy("Conditions on your token"),
        gettext_lazy(
            "One on each line, all must hold: tier equals gold. After the claim comes one of equals, one_of, matches,"
            " exists, contains. Empty: every token of yours."
        ),
        rows=4,
    )
    grants = text(
        gettext_lazy("What your scopes become"),
        gettext_lazy("One of your scopes on each line, an arrow, and what it becomes: settle:write -> ledger.write"),
        rows=5,
    )

    def __init__(self, *args: Any, targets: Sequence[tuple[str, str]], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        field = self.fields["target"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(targets)
        field.error_messages["invalid_choice"] = _("This audience is not offered to you. Choose one of the list.")

    def clean_rules(self) -> list[dict[str, Any]]:
        """The conditions, line by line."""
        return texts.rules_of(self.cleaned_data["rules"])

    def clean_grants(self) -> dict[str, list[str]]:
        """The pairs, line by line."""
        return texts.grants_of(self.cleaned_data["grants"])

    def declared(self, current: DeclaredMapping) -> DeclaredMapping:
        """The mapping in force with what the valid form says in it. Raises ``ConfigurationRefused``."""
        document = {**write(current), **self.cleaned_data}
        if document["target"] != current.target:
            document |= {"always": [], "default_scopes": []}  # they are scopes of the audience that is left
        return read(Kind.MAPPING, document)  # type: ignore[return-value]


def proposed(declared: DeclaredMapping) -> dict[str, str]:
    """The fields of a declaration as that form shows them."""
    document = write(declared)
    return {
        "target": document["target"],
        "rules": texts.in_rules(document["rules"]),
        "grants": texts.in_pairs(document["grants"]),
    }


class TryForm(forms.Form):
    """An exchange to try: with which client, for which audience, with a token of the partner's own issuer."""

    client = choice(gettext_lazy("Your client"))
    audience = choice(gettext_lazy("Audience"))
    scope = line(gettext_lazy("Scope"), gettext_lazy("Separated by spaces. Empty: what is usual."), required=False)
    token = forms.CharField(
        label=gettext_lazy("A token of your issuer"),
        help_text=gettext_lazy("It is read once, and neither kept nor shown again. Nothing is spent."),
        max_length=LONGEST_TOKEN,
        widget=Unshown(attrs={"class": "inp mono", "rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("There is no token. Paste one that your issuer made for us.")},
    )

    def __init__(self, *args: Any, clients: Sequence[str], audiences: Sequence[str], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        for name, values in (("client", clients), ("audience", audiences)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(value, value) for value in values]
            words = _("This is none of yours. Choose one of the list.")
            field.error_messages["invalid_choice"] = words

    @property
    def raw(self) -> RawToken:
        """The pasted token of the valid form."""
        return RawToken(self.cleaned_data["token"].strip().removeprefix("Bearer ").strip())


class AnswerForm(forms.Form):
    """Why a proposal is declined."""

    answer = forms.CharField(
        label=gettext_lazy("Why not"),
        help_text=gettext_lazy("The partner reads it: say what to propose instead."),
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea(attrs={"class": "inp", "rows": 3, "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Say why it is declined: the partner reads it.")},
    )
