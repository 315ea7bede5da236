"""Exchanges as a file for a spreadsheet: page after page by keyset, so that memory holds one of them, up to a bound.

What clients sent reaches this file. A cell that a spreadsheet would take for a formula is led by an apostrophe, so that
opening the file computes nothing (CWE-1236).
"""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Final

from asgiref.sync import sync_to_async
from django.utils.translation import gettext as _

from audit import selectors as trail
from portal.exchange_pages.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from uuid import UUID

    from portal.exchange_pages.rows import ExchangeRow

MOST: Final = 50_000
PAGE: Final = 1000
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_HEAD: Final = ("time", "outcome", "reason", "partner", "client", "audience", "reference")


async def lines(search: trail.Search, *, most: int = MOST, size: int = PAGE) -> AsyncIterator[str]:
    """The file, a page of exchanges at a time, the newest first. One that is cut says so in its last line."""
    yield written([_HEAD])
    before, count = None, 0
    while True:
        text, read, before = await sync_to_async(_page)(search, before, min(size, most - count))
        count += read
        yield text
        if before is None:
            return
        if count >= most:
            yield written(
                [(_("Cut after %(count)d exchanges: choose a shorter time for the rest.") % {"count": most},)]
            )
            return


def _page(search: trail.Search, before: UUID | None, size: int) -> tuple[str, int, UUID | None]:
    page = trail.exchanges(search, before=before, size=size)
    return written(map(_cells, rows_of(page.entries))), len(page.entries), page.older


def _cells(row: ExchangeRow) -> tuple[str, ...]:
    entry, partner = row.entry, row.partner
    return (
        entry.at.isoformat(timespec="milliseconds"),
        str(entry.outcome),
        entry.reason,
        partner.slug if partner else "",
        entry.client,
        entry.target,
        str(entry.correlation_id),
    )


def written(rows: Iterable[Iterable[str]]) -> str:
    """Rows as RFC 4180 has them."""
    file = StringIO()
    csv.writer(file).writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet computes."""
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell
