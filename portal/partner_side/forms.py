"""The forms of a partner's people: whom we invite, and what they change, propose and try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners.checking import read, write
from partners.vocabulary import Kind
from policy.raw import RawToken
from portal.form_fields import choice, line, secret, several, text, tick, words_for
from portal.partner_pages.mappings import texts
from portal.partner_pages.pasted_keys import key_set_of
from portal.partner_pages.trusts.forms import ALGORITHMS, IssuerForm
from portal.people.forms import where_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from partners.declarations import DeclaredMapping

LONGEST_ANSWER: Final = 2000


class InviteForm(forms.Form):
    """Whom to invite."""

    email = where_to(gettext_lazy("Of the same domain as the partner's contact. The link goes there."))
    anew = tick(
        gettext_lazy("They have an account and lost every way into it"),
        gettext_lazy(
            "Their passkeys, app and password are forgotten at once and their sessions end. Be sure that it is they"
            " who ask: call them."
        ),
    )


class OwnIssuerForm(IssuerForm):
    """The issuer of the partner's tokens, as its own people describe it."""

    issuer = line(gettext_lazy("Issuer"), gettext_lazy("The exact “iss” of your tokens."), inputmode="url")
    algorithms = several(gettext_lazy("Signatures your tokens carry"), choices=ALGORITHMS)
    audiences = line(
        gettext_lazy("Audiences your tokens name"),
        gettext_lazy("Only where “aud” is neither our issuer nor your client's id; separated by spaces."),
        required=False,
    )


def _keys_of(pasted: str) -> list[Any]:
    document = key_set_of(pasted)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys:
        raise ValidationError(_("This is no key set. Paste an object with a list “keys” (RFC 7517 section 5)."))
    return keys


class KeysForm(forms.Form):
    """Public keys to add beside those there are."""

    jwks = text(
        gettext_lazy("New keys"),
        gettext_lazy("A JSON Web Key Set with public keys."),
        rows=6,
        required=True,
        reads=_keys_of,
    )


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
        reads=texts.rules_of,
    )
    grants = text(
        gettext_lazy("What your scopes become"),
        gettext_lazy("One of your scopes on each line, an arrow, and what it becomes: settle:write -> ledger.write"),
        rows=5,
        reads=texts.grants_of,
    )

    def __init__(self, *args: Any, targets: Sequence[tuple[str, str]], **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        field = self.fields["target"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(targets)
        field.error_messages["invalid_choice"] = _("This audience is not offered to you. Choose one of the list.")

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
    token = secret(
        gettext_lazy("A token of your issuer"),
        gettext_lazy("It is read once, and neither kept nor shown again. Nothing is spent."),
        missing=gettext_lazy("There is no token. Paste one that your issuer made for us."),
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
        error_messages={
            **words_for(gettext_lazy("Why not"), most=LONGEST_ANSWER),
            "required": gettext_lazy("Say why it is declined: the partner reads it."),
        },
    )
