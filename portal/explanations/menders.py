"""Who can mend what a reason says, us or the partner, and on which page of ours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from policy.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise


class Side(StrEnum):
    """On which side the remedy lies."""

    US = "us"
    PARTNER = "partner"
    EITHER = "either"


class Place(StrEnum):
    """The page of the portal where it is looked into, by the name of its address; each takes the partner's name."""

    SUMMARY = "partners-summary"
    TRUST = "partners-trust"
    CLIENTS = "partners-clients"
    MAPPINGS = "partners-mappings"


SIDES: Final[Mapping[Side, _StrPromise]] = {
    Side.US: _("We do, here."),
    Side.PARTNER: _("The partner does, in what it sends."),
    Side.EITHER: _("Either side: what is sent and what is registered do not agree."),
}


@dataclass(frozen=True, slots=True)
class Mender:
    """Whose turn it is, and where."""

    side: Side
    place: Place


_OF_GROUP: Final[Mapping[str, Mender]] = {
    "request": Mender(Side.PARTNER, Place.CLIENTS),
    "client": Mender(Side.EITHER, Place.CLIENTS),
    "proof": Mender(Side.PARTNER, Place.CLIENTS),
    "grant": Mender(Side.PARTNER, Place.CLIENTS),
    "token": Mender(Side.PARTNER, Place.TRUST),
    "policy": Mender(Side.EITHER, Place.MAPPINGS),
    "limit": Mender(Side.EITHER, Place.CLIENTS),
    "server": Mender(Side.US, Place.SUMMARY),
}
"""By the first word of a reason, where nothing more is said below."""
_APART: Final[Mapping[Reason, Mender]] = {
    Reason.CLIENT_SUSPENDED: Mender(Side.US, Place.CLIENTS),
    Reason.CLIENT_PUBLIC: Mender(Side.US, Place.CLIENTS),
    Reason.PARTNER_INACTIVE: Mender(Side.US, Place.SUMMARY),
    Reason.GRANT_TYPE_NOT_ALLOWED: Mender(Side.EITHER, Place.CLIENTS),
    Reason.ISSUER_UNTRUSTED: Mender(Side.EITHER, Place.TRUST),
    Reason.ALGORITHM_REFUSED: Mender(Side.EITHER, Place.TRUST),
    Reason.KEY_UNKNOWN: Mender(Side.PARTNER, Place.TRUST),
    Reason.KEYS_UNAVAILABLE: Mender(Side.EITHER, Place.TRUST),
    Reason.TYPE_MISMATCH: Mender(Side.EITHER, Place.TRUST),
    Reason.AUDIENCE_MISMATCH: Mender(Side.EITHER, Place.TRUST),
    Reason.LIFETIME_TOO_LONG: Mender(Side.EITHER, Place.TRUST),
    Reason.INTROSPECTION_FAILED: Mender(Side.EITHER, Place.TRUST),
    Reason.TRUST_RULE_UNMET: Mender(Side.EITHER, Place.TRUST),
    Reason.TRUST_RULE_FAULT: Mender(Side.EITHER, Place.TRUST),
    Reason.TARGET_MISSING: Mender(Side.PARTNER, Place.MAPPINGS),
    Reason.TARGET_UNKNOWN: Mender(Side.PARTNER, Place.MAPPINGS),
    Reason.TARGET_NOT_MAPPED: Mender(Side.US, Place.MAPPINGS),
    Reason.PARTNER_NOT_ACTIVATED: Mender(Side.US, Place.SUMMARY),
    Reason.MAPPING_RULE_FAULT: Mender(Side.US, Place.MAPPINGS),
    Reason.ACTOR_REQUIRED: Mender(Side.PARTNER, Place.MAPPINGS),
    Reason.ACTOR_NOT_NAMED: Mender(Side.PARTNER, Place.TRUST),
    Reason.ACTOR_FOREIGN: Mender(Side.PARTNER, Place.TRUST),
    Reason.CHAIN_REFUSED: Mender(Side.PARTNER, Place.TRUST),
    Reason.CHAIN_TOO_DEEP: Mender(Side.EITHER, Place.TRUST),
    Reason.CHAIN_LOOP: Mender(Side.PARTNER, Place.TRUST),
    Reason.LIFETIME_EXHAUSTED: Mender(Side.PARTNER, Place.TRUST),
    Reason.SUBJECT_UNUSABLE: Mender(Side.EITHER, Place.MAPPINGS),
}


def mender_of(reason: Reason) -> Mender:
    """Whose turn it is after a refusal for this reason."""
    return _APART.get(reason) or _OF_GROUP[reason.partition(".")[0]]
