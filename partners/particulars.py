"""What is said about a partner itself: the declaration of its row, and the stamp of what somebody saw of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partners import inventory, models

if TYPE_CHECKING:
    from partners.declarations import DeclaredPartner


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """The declaration, and when it was last written."""

    declared: DeclaredPartner
    stamp: str


def particulars(slug: str) -> Particulars | None:
    """What is said about the partner of this slug, or None. One query."""
    row = models.Partner.objects.select_related("owner", "default_target").filter(slug=slug).first()
    if row is None:
        return None
    return Particulars(declared=inventory.partner(row), stamp=row.updated_at.isoformat())
