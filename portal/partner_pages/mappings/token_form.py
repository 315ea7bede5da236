"""A token pasted into the form of a mapping: its claims are read, and its text is in no answer (CWE-532)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from exchange.protocol.compact import IsEncrypted, NotCompact, parse_compact
from policy.raw import RawToken
from portal.form_fields import secret

if TYPE_CHECKING:
    from collections.abc import Mapping


class TokenForm(forms.Form):
    """The one field. Its valid value is what the token says, as a mapping of claims."""

    token = secret(_("Token of the partner"), form="mapping")

    def clean_token(self) -> Mapping[str, Any]:
        """What it says, unverified. Raises ``ValidationError`` where that cannot be read."""
        text: str = self.cleaned_data["token"].strip().removeprefix("Bearer ").strip()
        if not text:
            raise ValidationError(_("There is no token to read. Paste one of the partner's into “Token”."))
        try:
            return parse_compact(RawToken(text)).unverified_claims
        except IsEncrypted as error:
            words = _("The token is encrypted, so nothing of it can be read. Ask for one that is only signed.")
            raise ValidationError(words) from error
        except NotCompact as error:
            words = _(
                "This is no JWT: it has not three parts of base64url with JSON inside. Paste the whole of it; an opaque"
                " token says nothing by itself, so its conditions are written by hand."
            )
            raise ValidationError(words) from error
