"""Whether tokens still stand, asked of the database each time (RFC 7662 section 2.2; standards rule 77).

The answer carries the configuration's epoch: who asked under an older one looks again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from exchange.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exchange.ledger_connection import LedgerConnection


class State(StrEnum):
    """What became of a token that we issued, by the letter the database answers."""

    LIVE = "l"
    REVOKED = "r"
    UNKNOWN = "u"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One token's state, true at the configuration's ``epoch``."""

    state: State
    epoch: int


class Standings(Gathering[Standing]):
    """By ``jti``, in its one spelling: UUIDs as we write them."""

    def __init__(self, connection: LedgerConnection) -> None:
        super().__init__(connection, _read)


def _read(answer: str) -> Iterator[Standing]:
    epoch, _, states = answer.partition(":")
    return (Standing(state=State(state), epoch=int(epoch)) for state in states)
