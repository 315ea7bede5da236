"""A change of a client or a trust, looked at before it is made: what differs, and what recorded exchanges would meet.

The change is made by the services themselves and undone, so whatever they would refuse is refused here already, and
the exchanges are decided by the real ``decide()`` over the configuration as it would be.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from audit import replays
from exchange.ground import ground_of
from exchange.simulating import simulate
from partners.changes import supposing
from partners.checking import write
from partners.services.differences import FieldChange, differences
from portal.partner_pages.mappings.texts import in_rules
from portal.simulator.replaying import Effect, effect_of, figures_of
from portal.simulator.simulations import questions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.utils.functional import _StrPromise

    from audit.events import Actor
    from audit.selectors import Record
    from partners.changes import Change
    from partners.declarations import DeclaredClient, DeclaredTrust

LOOKED_BACK: Final = timedelta(days=7)
MOST: Final = 300
"""Exchanges that are tried again: enough to tell, few enough to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a change would do. ``digest`` names exactly this change, for the button that confirms it."""

    fields: tuple[FieldChange, ...]
    digest: str
    tried: int
    figures: list[tuple[Effect, _StrPromise, int]]
    by_lost_method: tuple[tuple[str, int], ...] = ()
    """Methods that the client would no longer authenticate by, with how many of the exchanges it did so."""

    @property
    def is_felt(self) -> bool:
        """Whether any of the exchanges would have ended in another way."""
        return any(count for _effect, _word, count in self.figures) or bool(self.by_lost_method)


def digest_of(declared: DeclaredClient | DeclaredTrust) -> str:
    """What tells one declaration from another."""
    text = json.dumps(write(declared), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def review(
    before: DeclaredClient | DeclaredTrust,
    after: DeclaredClient | DeclaredTrust,
    make: Callable[[Change], object],
    *,
    actor: Actor,
    partner_id: UUID,
    now: datetime,
) -> Review:
    """Make the change, look, and undo it. Raises whatever ``make`` raises."""
    records = replays.recorded(partner_id, since=now - LOOKED_BACK, size=MOST)
    asked = [question for _record, question in questions_of(records)]
    as_it_is = ground_of(asked) if asked else None
    with supposing(actor) as change:
        make(change)
        as_it_would_be = ground_of(asked) if asked else None
    effects: Counter[str] = Counter()
    if as_it_is is not None and as_it_would_be is not None:
        found = (effect_of(simulate(question, as_it_is), simulate(question, as_it_would_be)) for question in asked)
        effects.update(effect for effect in found if effect is not None)
    return Review(
        fields=tuple(_by_member(differences(before, after))),
        digest=digest_of(after),
        tried=len(asked),
        figures=figures_of(effects),
        by_lost_method=_lost_methods(before, after, records),
    )


def _by_member(changes: Iterable[FieldChange]) -> Iterator[FieldChange]:
    """What changes, a row for each; of a field with members those that differ, conditions as people write them."""
    for change in changes:
        if not isinstance(change.old or change.new, dict):
            yield _readable(change)
            continue
        old: Any = change.old or {}
        new: Any = change.new or {}
        for name in {**old, **new}:
            if old.get(name) != new.get(name):
                yield _readable(FieldChange(field=f"{change.field}.{name}", old=old.get(name), new=new.get(name)))


def _readable(change: FieldChange) -> FieldChange:
    if change.field.rpartition(".")[2] != "rules":
        return change
    old, new = (in_rules(rules) if rules else None for rules in (change.old, change.new))  # type: ignore[arg-type]
    return FieldChange(field=change.field, old=old, new=new)


def _lost_methods(
    before: DeclaredClient | DeclaredTrust, after: DeclaredClient | DeclaredTrust, records: Sequence[Record]
) -> tuple[tuple[str, int], ...]:
    """A simulation supposes that the client has proven itself; so how it did is counted here."""
    lost = set(getattr(before, "methods", ())) - set(getattr(after, "methods", ()))
    mine = (record for record in records if record.entry.client == before.name)
    used = Counter((record.document.get("data") or {}).get("credentials", {}).get("method") for record in mine)
    return tuple((method, used[method]) for method in sorted(lost) if used[method])
