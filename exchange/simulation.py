"""What the simulator is asked and what it answers: values, with nothing in them that could be used (RFC 8693 s2).

A pasted token stays a ``RawToken``, which prints as its fingerprint, and is in no answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exchange.supposing import Typed
    from exchange.verifying import PresentedToken
    from policy.mapping import ScopeMapping
    from policy.raw import RawToken
    from policy.reasons import Reason, Step
    from policy.tokens import JSON


class Outcome(StrEnum):
    """How a simulated request ends. ``UNDECIDED``: only somebody who is not asked here could tell."""

    GRANTED = "granted"
    REFUSED = "refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is tried: a request as its form would say it, by whom, at which moment.

    ``parameters`` are those of the form without the tokens; ``subject`` and ``actor`` are pasted whole or typed.
    """

    client_id: str
    grant_type: str
    at: datetime
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    subject: RawToken | Typed | None = None
    actor: RawToken | Typed | None = None
    has_proof: bool = False
    has_certificate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of it. ``steps`` end where it was refused; ``claims`` are what would be signed, never signed."""

    outcome: Outcome
    reason: Reason | None = None
    steps: tuple[Step, ...] = ()
    partner: str = ""
    trust: str = ""
    mappings: tuple[ScopeMapping, ...] = ()
    scope: tuple[str, ...] = ()
    claims: Mapping[str, JSON] = field(default_factory=dict)
    subject: PresentedToken | None = field(default=None, repr=False)
    actor: PresentedToken | None = field(default=None, repr=False)
