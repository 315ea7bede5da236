"""Where a token of our own came from, and whether all of that is still in force (RFC 8693 section 2.1, rules 35, 47).

A token may be good for minutes after the client it was issued to, its partner or the trust behind it ended. Whoever
asks about the token, or exchanges it, looks at them again: the strictest wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policy.parties import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The client a token was issued to, None if it is gone; and the foreign issuer it goes back to, if any."""

    client: Client | None
    issuer: str | None
    is_trusted: bool
    """Whether that issuer is trusted for the client's partner, now."""

    def lapse(self) -> tuple[str, str] | None:
        """What should hold and what is the case instead, or None while everything stands."""
        if self.client is None or not self.client.is_active:
            return "an active client", "none" if self.client is None else self.client.client_id
        partner = self.client.partner
        if partner is not None and not partner.is_served:
            return "an active partner", partner.slug
        if partner is not None and self.issuer is not None and not self.is_trusted:
            return "a trust in force", self.issuer
        return None
