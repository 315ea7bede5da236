"""Whom the demo partners' identity provider knows: its users with their claims, and its clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user, as tokens describe them. ``scopes`` is the most a token for them may have."""

    name: str
    tenant: str
    tier: str
    groups: tuple[str, ...]
    scopes: tuple[str, ...]


USERS: Final[Mapping[str, User]] = {
    "amara@kestrel.example": User(
        name="Amara Diallo",
        tenant="kestrel",
        tier="gold",
        groups=("settlement", "operations"),
        scopes=("ledger", "settlement"),
    ),
    "tomas@kestrel.example": User(
        name="Tomas Reyes", tenant="kestrel", tier="silver", groups=("operations",), scopes=("ledger",)
    ),
    "ingrid@fjord.example": User(
        name="Ingrid Solheim", tenant="fjord", tier="gold", groups=("analysts",), scopes=("reports", "reports.export")
    ),
}

CLIENTS: Final[Mapping[str, str]] = {
    "kestrel-settlement": "kestrel",
    "kestrel-console": "kestrel",
    "kestrel-batch": "kestrel",
    "fjord-analytics": "fjord",
}
"""The tenant of each client. They are called here what they are called at Handover, as an actor token must be."""
