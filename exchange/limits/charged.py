"""The limits of a request whose line runs again with an issuer's answer (RFC 7662): nobody is charged twice for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exchange.limits.levels import Limits
    from policy.parties import Client
    from policy.tokens import EstablishedSubject


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """In place of ``Limits``: the client was charged, and the subject too where ``has_subject``."""

    limits: Limits
    has_subject: bool

    def client(self, client: Client, use: str) -> None:
        """Nothing: this use was paid for."""

    def subject(self, token: EstablishedSubject) -> None:
        """As ``Limits.subject``, unless that was paid for."""
        if not self.has_subject:
            self.limits.subject(token)
