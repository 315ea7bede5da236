"""Golden tokens as pages list them: newest first, page by page, read by index (RFC 8693 section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from exchange.golden_forms import in_words
from exchange.models import GoldenToken

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from exchange.golden import Checked

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One golden token as a list shows it."""

    id: UUID
    name: str
    slug: str
    partner: str
    client: str
    expected: str
    found: str
    is_green: bool
    author: str
    checked_at: datetime
    question: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of them. ``older`` is the id to go on from, None on the last page."""

    cases: tuple[Case, ...]
    older: UUID | None


def page(*, partner: str = "", is_green: bool | None = None, before: UUID | None = None) -> Page:
    """Golden tokens, newest first, of one partner or of all, older than ``before``; green or red ones only."""
    rows = GoldenToken.objects.select_related("partner").order_by("-id")
    if partner:
        rows = rows.filter(partner__slug=partner)
    if is_green is not None:
        rows = rows.filter(is_green=is_green)
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = [_case(row) for row in rows[: PAGE_SIZE + 1]]
    return Page(cases=tuple(found[:PAGE_SIZE]), older=found[PAGE_SIZE - 1].id if len(found) > PAGE_SIZE else None)


def case(case_id: UUID) -> Case | None:
    """One of them."""
    row = GoldenToken.objects.select_related("partner").filter(pk=case_id).first()
    return None if row is None else _case(row)


def tried(checked: Checked) -> Case:
    """One that was tried just now, with the end it came to."""
    found = in_words(checked.found)
    return replace(_case(checked.case), found=found, is_green=checked.is_green)


def _case(row: GoldenToken) -> Case:
    return Case(
        id=row.id,
        name=row.name,
        slug=row.partner.slug,
        partner=row.partner.name,
        client=str(row.question["client_id"]),
        expected=in_words(row.expected),
        found=in_words(row.found),
        is_green=row.is_green,
        author=row.author,
        checked_at=row.checked_at,
        question=row.question,
    )
