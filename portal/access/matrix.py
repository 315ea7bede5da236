"""The picture of who reaches what: partners by targets, the number of scopes in each cell, and what was used of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from partners.access import PartnerReach, ReachPage, Wanted
    from policy.parties import Target
    from policy.reach import Way

MOST_COLUMNS: Final = 12
_LEVELS: Final = (1, 2, 3, 4, 6)
"""From how many scopes on a cell is as dark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One partner at one target. ``before`` are the scopes of the moment that is compared with, None without one."""

    partner: PartnerReach
    target: Target
    scopes: tuple[str, ...]
    before: tuple[str, ...] | None
    uses: int

    @property
    def level(self) -> int:
        """How dark the cell is: 0 for nothing to 5."""
        return sum(len(self.scopes) >= least for least in _LEVELS)

    @property
    def gained(self) -> tuple[str, ...]:
        """The scopes that could not be had before."""
        return () if self.before is None else tuple(sorted(set(self.scopes).difference(self.before)))

    @property
    def lost(self) -> tuple[str, ...]:
        """The scopes that could be had before, and cannot now."""
        return () if self.before is None else tuple(sorted(set(self.before).difference(self.scopes)))

    @property
    def is_unused(self) -> bool:
        """Whether something could be had here, and nothing was."""
        return bool(self.scopes) and not self.uses

    @property
    def look(self) -> str:
        """The classes of the cell: how dark, unused, other than then."""
        moved = " moved" if self.gained or self.lost else ""
        return f"lv{self.level}{' idle' if self.is_unused else ''}{moved}"

    @property
    def figure(self) -> str:
        """The number of scopes, led to by that of then where it is another."""
        count = str(len(self.scopes))
        return count if self.before is None or len(self.before) == len(self.scopes) else f"{len(self.before)}→{count}"

    @property
    def words(self) -> str:
        """What follows the figure for those who hear the table. Made here, since templates take long."""
        words = ngettext(
            "scope of %(partner)s at %(target)s", "scopes of %(partner)s at %(target)s", len(self.scopes)
        ) % {"partner": self.partner.name, "target": self.target.name}
        unused = [_("unused in 30 days")] if self.is_unused else []
        gained = [_("%(scope)s gained") % {"scope": scope} for scope in self.gained]
        lost = [_("%(scope)s lost") % {"scope": scope} for scope in self.lost]
        return ", ".join([words, *unused, *gained, *lost])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One partner's line."""

    partner: PartnerReach
    cells: tuple[Cell, ...]

    @property
    def address(self) -> str:
        """What the addresses of its cells begin with: the name of the target is what is left."""
        return reverse("access-cell", args=[self.partner.slug, "-"]).removesuffix("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The lines and columns shown; ``more`` is how many targets found no room."""

    rows: tuple[Row, ...]
    targets: tuple[Target, ...]
    more: int

    @property
    def open(self) -> int:
        """How many cells hold anything."""
        return sum(bool(cell.scopes) for row in self.rows for cell in row.cells)

    @property
    def unreached(self) -> tuple[str, ...]:
        """The targets that none of these partners reaches."""
        reached = {cell.target.name for row in self.rows for cell in row.cells if cell.scopes}
        return tuple(target.name for target in self.targets if target.name not in reached)


def matrix(
    page: ReachPage, used: Mapping[tuple[UUID, str], int], wanted: Wanted, *, only_unused: bool = False
) -> Matrix:
    """The picture of one page. ``only_unused`` leaves the other cells empty, and partners without any out."""
    targets = _columns(page)
    rows = [_row(partner, targets, used, wanted, only_unused) for partner in page.partners]
    if only_unused:
        rows = [row for row in rows if any(cell.scopes for cell in row.cells)]
    return Matrix(rows=tuple(rows), targets=targets, more=len(page.targets) - len(targets))


def _columns(page: ReachPage) -> tuple[Target, ...]:
    """At most so many, those that are reached first, in the order of their names."""
    reached = {way.mapping.target.id for partner in page.partners for way in (*partner.ways, *(partner.before or ()))}
    by_use = sorted(page.targets, key=lambda target: (target.id not in reached, target.name))
    return tuple(sorted(by_use[:MOST_COLUMNS], key=lambda target: target.name))


def _row(
    partner: PartnerReach,
    targets: Iterable[Target],
    used: Mapping[tuple[UUID, str], int],
    wanted: Wanted,
    only_unused: bool,  # noqa: FBT001 - private, and asked once
) -> Row:
    now, before = _by_target(partner.ways), None if partner.before is None else _by_target(partner.before)
    cells = []
    for target in targets:
        count = used.get((partner.id, target.audience), 0)
        cell = Cell(
            partner=partner,
            target=target,
            scopes=() if only_unused and count else _kept(now, target, wanted),
            before=None if before is None else _kept(before, target, wanted),
            uses=count,
        )
        cells.append(cell)
    return Row(partner=partner, cells=tuple(cells))


def scopes_at(ways: Iterable[Way], target: Target, wanted: Wanted) -> tuple[str, ...]:
    """The scopes asked for that these ways give at a target."""
    return _kept(_by_target(ways), target, wanted)


def _by_target(ways: Iterable[Way]) -> Mapping[str, set[str]]:
    """What the ways give, by the name of the target."""
    found: dict[str, set[str]] = {}
    for way in ways:
        found.setdefault(way.mapping.target.name, set()).update(way.scopes)
    return found


def _kept(found: Mapping[str, set[str]], target: Target, wanted: Wanted) -> tuple[str, ...]:
    return tuple(sorted(scope for scope in found.get(target.name, ()) if wanted.keeps(target, scope)))


def by_mapping(ways: Sequence[Way]) -> tuple[tuple[Way, ...], ...]:
    """Ways that share a mapping together, in the order in which mappings are tried."""
    groups: dict[UUID, list[Way]] = {}
    for way in ways:
        groups.setdefault(way.mapping.id, []).append(way)
    return tuple(tuple(group) for group in groups.values())
