"""What an examination of an issuer found, in words: what happened, why, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django import template
from django.utils.translation import gettext_lazy as _

from exchange.examining import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

    from exchange.examining import Checked

register = template.Library()

_PASSED: Final[Mapping[Check, _StrPromise]] = {
    Check.ADDRESS: _("The address is public, and no redirect was followed: %(detail)s"),
    Check.DOCUMENT: _("The discovery document came, over a connection that was verified"),
    Check.ISSUER: _("It names this issuer, character for character"),
    Check.KEY_ADDRESS: _("The key set was read at %(detail)s"),
    Check.KEYS: _("Keys that can verify signatures: %(detail)s"),
    Check.STRENGTH: _("No weak key"),
}
_FAILED: Final[Mapping[Check, _StrPromise]] = {
    Check.ADDRESS: _("The address is not one that may be called"),
    Check.DOCUMENT: _("No discovery document that can be believed"),
    Check.ISSUER: _("The discovery document names a different issuer: %(detail)s"),
    Check.KEY_ADDRESS: _("No key set was read"),
    Check.KEYS: _("The key set is not acceptable"),
    Check.STRENGTH: _("Keys worth a second look: %(detail)s"),
}
_ADVICE: Final[Mapping[Check, _StrPromise]] = {
    Check.ADDRESS: _("%(detail)s Check the address, or paste the keys instead."),
    Check.DOCUMENT: _("%(detail)s Check the address, or use the address of the key set or pasted keys."),
    Check.ISSUER: _(
        "Tokens whose iss is the address you entered would be refused. Use the address that the document names, or ask"
        " the partner to correct it."
    ),
    Check.KEY_ADDRESS: _("%(detail)s Keys are read at the issuer's own origin, or where you say: use that other way."),
    Check.KEYS: _("%(detail)s"),
    Check.STRENGTH: _("Weak keys are left out. RSA with 2048 bits is accepted; ES256 is smaller and faster."),
}


@register.filter
def check_passed(checked: Checked) -> str:
    """A check that passed."""
    return _PASSED[checked.check] % {"detail": checked.detail}


@register.filter
def check_failed(checked: Checked) -> str:
    """A check that did not pass, or that is worth a second look."""
    return _FAILED[checked.check] % {"detail": checked.detail}


@register.filter
def check_advice(checked: Checked) -> str:
    """Why, and what to do."""
    return _ADVICE[checked.check] % {"detail": checked.detail}
