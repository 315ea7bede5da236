"""Exchanges as list rows: an entry of the trail with the partner's name and the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partners import overviews
from portal.explanations.words import explain
from portal.filters import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.selectors import Entry
    from partners.overviews import PartnerName


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """One exchange of a list."""

    entry: Entry
    partner: PartnerName | None
    outcome: str
    reason: str


def rows_of(entries: Sequence[Entry]) -> tuple[ExchangeRow, ...]:
    """Rows for these entries. One query for all partners together."""
    names = overviews.names(entry.partner_id for entry in entries if entry.partner_id is not None)
    return tuple(
        ExchangeRow(
            entry=entry,
            partner=names.get(entry.partner_id) if entry.partner_id is not None else None,
            outcome=str(OUTCOMES[entry.outcome]),
            reason=str(explain(entry.reason).title) if entry.reason else "",
        )
        for entry in entries
    )
