"""Whether somebody seems to guess a client's credentials: one event for many failures, for whoever watches (A16).

Failures are counted per address elsewhere; a guesser with many addresses keeps below every limit there. So they are
counted per client too. Nothing is refused for it: else anybody could lock a client out (RFC 6749 section 10.10).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from audit.events import GuessingNoticed
from policy.reasons import Reason

if TYPE_CHECKING:
    from exchange.protocol.oauth_errors import OAuthError
    from exchange.registry import Registry
    from exchange.trail import Trail

WINDOW: Final = 60.0
NOTICED: Final = 50
MAX_CLIENTS: Final = 10_000
GUESSED: Final = frozenset(
    {Reason.SECRET_WRONG, Reason.ASSERTION_REFUSED, Reason.CERTIFICATE_REFUSED, Reason.WORKLOAD_REFUSED}
)
"""Refusals of which a client is the target: an unknown one cannot be guessed, nor one that uses another method."""


@dataclass(slots=True)
class _Minute:
    ends_at: float
    count: int = 0
    addresses: set[str] = field(default_factory=set)


class Guesses:
    """Counts the failures of each client's minute. One per process."""

    def __init__(self) -> None:
        self._minutes: OrderedDict[str, _Minute] = OrderedDict()

    def count(self, error: OAuthError, trail: Trail, registry: Registry) -> GuessingNoticed | None:
        """The event, when this failure is the one that makes it noticed; at most one for a client and a minute."""
        client_id = trail.client_id()
        if error.reason not in GUESSED or not client_id:
            return None
        minute = self._minute(client_id, monotonic())
        minute.count += 1
        minute.addresses.add(trail.address)
        if minute.count != NOTICED:
            return None
        client = registry.client(client_id)
        partner = client.client.partner if client is not None else None
        return GuessingNoticed(
            partner_id=partner.id if partner else None,
            partner=partner.slug if partner else "",
            client=client_id,
            reason=error.reason,
            data={"count": NOTICED, "seconds": int(WINDOW), "addresses": len(minute.addresses)},
        )

    def _minute(self, client_id: str, now: float) -> _Minute:
        found = self._minutes.get(client_id)
        if found is None or found.ends_at <= now:
            self._minutes.pop(client_id, None)
            found = self._minutes[client_id] = _Minute(now + WINDOW)
            if len(self._minutes) > MAX_CLIENTS:
                self._minutes.popitem(last=False)
        return found
