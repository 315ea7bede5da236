"""The form that invites somebody."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.form_fields import words_for
from portal.people.acts import GIVEABLE
from portal.roles import Role


def where_to(hint: Any = "") -> forms.EmailField:  # noqa: ANN401 - words, translated or not
    """The e-mail address that an invitation goes to."""
    return forms.EmailField(
        label=_("E-mail address"),
        help_text=hint,
        max_length=254,
        error_messages={
            **words_for(_("E-mail address")),
            "required": _("Enter the e-mail address: the link goes there."),
            "invalid": _("This is no e-mail address. It looks like name@example.com."),
            "max_length": _("An e-mail address has 254 characters at most. Check what was pasted."),
        },
        widget=forms.EmailInput(attrs={"class": "inp", "autocomplete": "off"}),
    )


class InvitationForm(forms.Form):
    """Whom to invite, and with which roles."""

    email = where_to()
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        error_messages={
            **words_for(_("Name")),
            "required": _("Enter the person's name, as colleagues know it."),
            "max_length": _("The name has more than 120 characters. Shorten it."),
        },
        widget=forms.TextInput(attrs={"class": "inp", "autocomplete": "off"}),
    )
    chosen = forms.MultipleChoiceField(
        label=_("Roles"),
        required=False,
        choices=[(role, role) for role in GIVEABLE],
        error_messages={"invalid_choice": _("No role has this name. Reload the page and choose again.")},
        widget=forms.CheckboxSelectMultiple,
    )

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that were chosen; none is fine."""
        return tuple(Role(name) for name in self.cleaned_data["chosen"])
