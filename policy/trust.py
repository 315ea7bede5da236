"""Our decision to accept one issuer's tokens for one partner, and how far that acceptance goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from policy.claim_rules import ClaimRule
    from policy.parties import Partner
    from policy.tokens import TokenType


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """One trusted issuer. Absence of a trust means no: there is no fallback issuer and no default partner.

    ``audiences`` are accepted beside our own issuer identifier and the requesting client's id (rule 30).
    ``rules`` must all pass. ``token_types`` and ``algorithms`` are allow lists. ``subject_lifetime`` caps what the
    issuer may sign (``exp`` minus ``iat``), ``lifetime`` what we mint from it, ``max_depth`` the number of ``act``
    members in the token to be issued (rule 46). With ``accepts_actors`` its clients may present actor tokens of this
    issuer that are not their own (rule 45). ``reusable_assertions`` lets an assertion that is itself the grant come
    again until it expires (RFC 7523 section 3), as clients do that keep one in place of a refresh token.
    """

    id: UUID
    name: str
    partner: Partner
    issuer: str
    audiences: frozenset[str]
    token_types: frozenset[TokenType]
    algorithms: frozenset[str]
    rules: tuple[ClaimRule, ...]
    leeway: timedelta
    subject_lifetime: timedelta
    lifetime: timedelta
    max_depth: int
    one_time: bool
    reusable_assertions: bool
    allows_foreign_chain: bool
    accepts_actors: bool

    def spends(self, *, is_grant: bool) -> bool:
        """Whether a token of this issuer is good once. An assertion that is itself the grant is, if nothing is said."""
        return self.one_time or (is_grant and not self.reusable_assertions)
