"""Who takes part in a run, by the words of ``--only``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import rivals
from tests.bench.ours import Ours
from tests.bench.stage import PROCESSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from tests.bench.contenders import Contender
    from tests.bench.stage import Stage

OURS = ("exchange", "strangers", "mix", "introspection", "verify")
TOOLKIT = ("toolkit", "toolkit-shipped")
KEYS = ("exchange", *TOOLKIT, "oidc-provider", "oidc-provider-cluster", *OURS[1:])


def line_up(stage: Stage, issuer: str, keys: AbstractSet[str]) -> list[Contender]:
    """The contenders of these keys, their servers running."""
    return [contender for contender in _all(stage, issuer, keys) if contender.key in keys]


def _all(stage: Stage, issuer: str, keys: AbstractSet[str]) -> Iterator[Contender]:
    if keys & set(OURS):
        ours = Ours(stage, issuer)
        yield from (ours.exchange(ours.world.idp), ours.elliptic(), ours.strangers(), ours.mix())
        yield from (ours.introspection(), ours.verify())
    if keys & set(TOOLKIT):
        toolkit = rivals.toolkit(stage)
        yield from (toolkit.plain(), toolkit.shipped())
    if "oidc-provider" in keys:
        yield rivals.oidc_provider(stage, 1)
    if "oidc-provider-cluster" in keys:
        yield rivals.oidc_provider(stage, PROCESSES)
