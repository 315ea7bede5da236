"""How partners and their trusts stand, as badges: a word, and a colour beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django import template
from django.utils.translation import gettext_lazy as _

from partners.overviews import TrustHealth
from partners.states import PartnerState
from portal.partner_pages.frame import STATES
from portal.templatetags.handover import badge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise
    from django.utils.safestring import SafeString

register = template.Library()

_TONES: Final = {PartnerState.ACTIVE: "ok", PartnerState.SUSPENDED: "bad", PartnerState.OFFBOARDED: "bad"}
_HEALTH: Final[Mapping[str, tuple[_StrPromise, str]]] = {
    TrustHealth.HEALTHY: (_("Healthy"), "ok"),
    TrustHealth.WAITING: (_("Keys not fetched yet"), ""),
    TrustHealth.FAILING: (_("Key fetch failing"), "warn"),
    TrustHealth.ENDING: (_("Keys about to end"), "bad"),
    TrustHealth.ENDED: (_("Keys ended"), "bad"),
    TrustHealth.QUARANTINED: (_("Quarantined"), "bad"),
    TrustHealth.NONE: (_("No trust"), ""),
}


@register.simple_tag
def state_of_partner(state: str) -> SafeString:
    """A partner's state."""
    known = PartnerState(state)
    return badge(STATES[known], _TONES.get(known, ""))


@register.simple_tag
def health_of_trust(health: str) -> SafeString:
    """How far the keys of an issuer, or the worst of a partner's issuers, can be relied on."""
    return badge(*_HEALTH[health])
