"""One frozen dataclass per kind of event, with its stable name. Fields, not parsed strings.

Values are text, integers, booleans, None, and lists and dictionaries of those: no bytes and no floats, so that every
event has one canonical form (RFC 8785) and no secret can hide in a value of an unexpected type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

if TYPE_CHECKING:
    from uuid import UUID

JSON: TypeAlias = "str | int | bool | list[JSON] | dict[str, JSON] | None"


class ActorKind(StrEnum):
    """Who can cause an event: a person, an OAuth client, or Handover itself."""

    USER = "user"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. There is no default: an event without an actor is a bug that must not compile."""

    kind: ActorKind
    name: str
    via: str = ""
    """The client through which a person did it, where there is one."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


SYSTEM: Final = Actor(ActorKind.SYSTEM, "handover")
UNAUTHENTICATED: Final = Actor(ActorKind.CLIENT, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every kind shares. ``partner_id`` and ``partner`` (its slug) are empty where no partner is concerned."""

    kind: ClassVar[str]
    outcome: ClassVar[str] = ""

    partner_id: UUID | None = None
    partner: str = ""
    client: str = ""
    target: str = ""
    reason: str = ""
    data: dict[str, JSON] = field(default_factory=dict)


class ExchangeGranted(Event):
    """A token was issued. ``data``: request, trust, subject, actor, mappings, token, steps, micros."""

    __slots__ = ()
    kind = "exchange.granted"
    outcome = "granted"


class ExchangeRefused(Event):
    """A rule said no, or we could not answer. ``data`` holds what was known so far, and the steps."""

    __slots__ = ()
    kind = "exchange.refused"
    outcome = "refused"


class ClientAuthenticationFailed(Event):
    """A caller did not prove to be a client of ours."""

    __slots__ = ()
    kind = "client.authentication_failed"
    outcome = "refused"


class TokenIntrospected(Event):
    """Somebody asked about a token and heard no more than ``active: false``; ``reason`` says why."""

    __slots__ = ()
    kind = "token.introspected"


class TokenRevoked(Event):
    """A token, and whatever was exchanged from it, is no longer good. With a ``reason``: it was asked for in vain."""

    __slots__ = ()
    kind = "token.revoked"


class FailuresCounted(Event):
    """More failures of one address than are written one by one. ``data``: address, count, clients, the first of them.

    ``clients`` is how many clients they named: one that fails, or somebody who tries many.
    """

    __slots__ = ()
    kind = "client.failures_counted"


class GuessingNoticed(Event):
    """So many failed to be one client, in a short while, that somebody may be guessing; worth an alert.

    ``data``: count, seconds, addresses (how many different ones).
    """

    __slots__ = ()
    kind = "client.guessing_noticed"


class DeviceRequested(Event):
    """A device asked to be let in by somebody, and got its codes. ``data``: request, device (scope, expiry), steps."""

    __slots__ = ()
    kind = "device.requested"


class DevicePolled(Event):
    """A device asked for its token, and must wait; ``reason`` says whether it asked too soon."""

    __slots__ = ()
    kind = "device.polled"


class DeviceAllowed(Event):
    """A person let a device act for them. ``data``: scope, address of the device."""

    __slots__ = ()
    kind = "device.allowed"


class DeviceRefused(Event):
    """A person refused a device. ``data`` as of ``DeviceAllowed``."""

    __slots__ = ()
    kind = "device.refused"


class PartnerRegistered(Event):
    """A partner was registered."""

    __slots__ = ()
    kind = "partner.registered"


class PartnerTested(Event):
    """A token of the partner's own issuer was exchanged for a test target: what it is given can be activated."""

    __slots__ = ()
    kind = "partner.tested"


class PartnerActivated(Event):
    """A partner may exchange from now on."""

    __slots__ = ()
    kind = "partner.activated"


class PartnerSuspended(Event):
    """A partner's exchanges stop at the next request."""

    __slots__ = ()
    kind = "partner.suspended"


class PartnerReinstated(Event):
    """A suspended partner may exchange again."""

    __slots__ = ()
    kind = "partner.reinstated"


class PartnerOffboarded(Event):
    """A partner left for good: its trusts are withdrawn and its clients suspended."""

    __slots__ = ()
    kind = "partner.offboarded"


class TrustAdded(Event):
    """An issuer is trusted for a partner."""

    __slots__ = ()
    kind = "trust.added"


class TrustWithdrawn(Event):
    """An issuer is no longer trusted for a partner."""

    __slots__ = ()
    kind = "trust.withdrawn"


class MappingDrafted(Event):
    """A version of a mapping was written, and is not in force."""

    __slots__ = ()
    kind = "mapping.drafted"


class MappingPublished(Event):
    """A version of a mapping is in force."""

    __slots__ = ()
    kind = "mapping.published"


class KeyGenerated(Event):
    """A signing key of ours was made."""

    __slots__ = ()
    kind = "key.generated"


class KeyActivated(Event):
    """A signing key of ours signs from now on."""

    __slots__ = ()
    kind = "key.activated"


class KeyPublished(Event):
    """A signing key of ours is shown to verifiers, and signs nothing yet."""

    __slots__ = ()
    kind = "key.published"


class KeyRetired(Event):
    """A signing key of ours left the key set: nothing that it signed is good any more."""

    __slots__ = ()
    kind = "key.retired"


class KeyCompromised(Event):
    """A signing key of ours may be known to others, and left the key set at once."""

    __slots__ = ()
    kind = "key.compromised"


class ConfigurationApplied(Event):
    """One object was changed by a document or a page. ``data``: object, name, change, fields with old and new."""

    __slots__ = ()
    kind = "configuration.applied"


class KeysRefreshed(Event):
    """A partner's key set changed. ``data``: key source, added and removed ``kid`` values, or why it was refused."""

    __slots__ = ()
    kind = "trust.keys_refreshed"
