"""Two weeks of the demo's past, so that every page has something to see: planned by habit, recorded as batches are."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection, transaction

from audit import selectors as trail
from exchange import keys
from exchange.entries import join
from exchange.people import installation
from exchange.registry import build
from partners import selectors
from portal.demo.habits import HABITS
from portal.demo.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from exchange.entries import Entry
    from exchange.registry import Registry
    from portal.demo.habits import Habit, Slip

DAYS: Final = 14
BATCH: Final = 250
UNUSED: Final = ("",) * 7
"""The columns of ``exchange_record`` for what an answer spends and rests on: these spend and rest on nothing."""

BY_HOUR: Final = (1, 1, 1, 1, 2, 3, 5, 8, 11, 12, 12, 11, 9, 11, 12, 11, 10, 8, 6, 4, 3, 2, 2, 1)
WEEKEND: Final = 0.35
SATURDAY: Final = 5

Plan = tuple["datetime", "Habit", "Slip | None"]


def make(now: datetime) -> int:
    """Record the past of an installation that has none yet: how many exchanges. All of it or nothing.

    Whatever was exchanged before, by whom ever, is left alone: then there is nothing to make.
    """
    if trail.exchanges(trail.Search(), size=1).entries:
        return 0
    keys.ensure_signing_key()
    ours = keys.load()
    config = settings.HANDOVER
    known = installation(config.issuer, config.token_lifetime, settings.OAUTH2_PROVIDER["SCOPES"], ours.ring)
    registry = build(None, selectors.configuration(), known)
    random = Random(now.toordinal())  # noqa: S311 - chance for a picture, not for a secret
    rehearsal = Rehearsal(registry=registry, kid=ours.signer.kid, random=random)
    plans = sorted(_plans(registry, now, random), key=lambda plan: plan[0])
    return _record(rehearsal.entry(habit, slip, at) for at, habit, slip in plans)


def _plans(registry: Registry, now: datetime, random: Random) -> Iterator[Plan]:
    """When each client did what; whoever is not registered today did nothing."""
    for habit in HABITS:
        if registry.client(habit.client) is None:
            continue
        for day in range(DAYS, habit.until - 1, -1):
            yield from _day(habit, now - timedelta(days=day), now, random)


def _day(habit: Habit, day: datetime, now: datetime, random: Random) -> Iterator[Plan]:
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    share = WEEKEND if day.weekday() >= SATURDAY and not habit.at_night else 1.0
    weights = BY_HOUR[12:] + BY_HOUR[:12] if habit.at_night else BY_HOUR
    for hour in random.choices(range(24), weights, k=round(habit.per_day * share * random.uniform(0.7, 1.3))):
        at = midnight + timedelta(hours=hour, milliseconds=random.randrange(3_600_000))
        if at < now:
            yield at, habit, _slip(habit, random)


def _slip(habit: Habit, random: Random) -> Slip | None:
    """What goes wrong this time: mostly nothing."""
    chances = (*habit.slips.values(), 100 - sum(habit.slips.values()))
    return random.choices((*habit.slips, None), chances)[0]


def _record(entries: Iterable[Entry]) -> int:
    """By the function that the ledger records with (RFC 8693 section 6), in one transaction."""
    remaining, count = iter(entries), 0
    with transaction.atomic(), connection.cursor() as cursor:
        while batch := list(islice(remaining, BATCH)):
            columns = (join(column).decode() for column in zip(*(entry.columns() for entry in batch), strict=True))
            parameters: tuple[int | str, ...] = (batch[0].epoch, *columns, *UNUSED)
            cursor.execute(f"SELECT exchange_record({', '.join(['%s'] * len(parameters))})", parameters)
            (answer,) = cursor.fetchone()
            if answer != "R" + "," * (len(batch) - 1):
                raise RuntimeError(f"the ledger's function answered {answer[:40]}")
            count += len(batch)
    return count
