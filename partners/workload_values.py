"""Whose tokens authenticate a workload, as the registry reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partners.mapping_values import rules_of

if TYPE_CHECKING:
    from datetime import timedelta

    from partners import models
    from policy.claim_rules import ClaimRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredWorkload:
    """A platform that vouches for a client, and what its tokens must say for it to be this client.

    ``audiences`` are accepted beside our own issuer identifier. All ``rules`` must hold; there is at least one, since
    issuer and audience alone would let every workload of the platform in.
    """

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    rules: tuple[ClaimRule, ...]
    lifetime: timedelta


def workload_of(row: models.Client) -> RegisteredWorkload | None:
    """The platform of a client's row; None for a client that proves itself by other means."""
    if not row.workload_issuer:
        return None
    return RegisteredWorkload(
        issuer=row.workload_issuer,
        audiences=frozenset(row.workload_audiences),
        algorithms=frozenset(row.workload_algorithms),
        rules=rules_of(row.workload_rules),
        lifetime=row.workload_lifetime,
    )
