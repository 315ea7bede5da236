"""Whether a fetched key set is taken at once, or held until it is seen again: an ordinary rotation or a takeover?

Whoever can change what a partner publishes can replace all its keys with his own. A rotation keeps at least one key
that was there before, or replaces the only one; a set of several keys that vanish together is held back for a second,
equal fetch a minute later, or for an admin's word (docs/decisions/0003).
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast

from joserfc.jwk import JWKRegistry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from policy.tokens import JSON

    Keys = Sequence[Mapping[str, JSON]]

CONFIRMED_AFTER: Final = timedelta(seconds=60)


class Verdict(Enum):
    """What to do with the set that was fetched."""

    SAME = "same"
    """It is the one in force."""
    TAKEN = "taken"
    """It replaces the one in force now."""
    HELD = "held"
    """It is new and strange: it waits, and the old keys stay."""
    WAITING = "waiting"
    """It was held before and has not waited long enough."""


def judge(held: Keys, offered: Keys, pending: Keys, *, waited: timedelta | None) -> Verdict:
    """The verdict on ``offered`` while ``held`` is in force and ``pending`` has waited for ``waited``."""
    if same(offered, held):
        return Verdict.SAME
    if len(held) <= 1 or thumbprints(held) & thumbprints(offered):
        return Verdict.TAKEN
    if waited is None or not same(offered, pending):
        return Verdict.HELD
    return Verdict.TAKEN if waited >= CONFIRMED_AFTER else Verdict.WAITING


def same(one: Keys, other: Keys) -> bool:
    """Whether two sets hold equal keys, in whatever order."""
    return len(one) == len(other) and all(key in other for key in one)


def thumbprints(keys: Keys) -> frozenset[str]:
    """What the keys are, whatever they are called (RFC 7638): a kid can be kept while the key behind it changes."""
    return frozenset(JWKRegistry.import_key(cast("Any", key)).thumbprint() for key in keys)


def kids(keys: Iterable[Mapping[str, JSON]]) -> frozenset[str]:
    """The names a token may use for these keys; a single key without one is named by the empty text."""
    return frozenset(str(key.get("kid", "")) for key in keys)
