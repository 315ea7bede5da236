"""Who acts for whom: the ``act`` chain (RFC 8693 section 4.1), ``may_act`` (section 4.4) and the depth limit.

Only the outermost actor counts for decisions; nested actors are history (section 4.1). The checks here prevent the
laundering of a chain by leaving the actor token out, loops, and chains that grow without end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policy.tokens import JSON

    Actor = Mapping[str, JSON]

INSTALLATION_MAX_DEPTH: Final = 4
"""No chain is longer than this, whatever trusts and mappings say (rule 46)."""

FORBIDDEN_IN_ACT: Final = frozenset({"exp", "nbf", "iat", "aud", "jti"})
"""Claims that are not about identity have no place inside ``act`` (RFC 8693 section 4.1)."""

_MATCHED_MEMBERS: Final = ("sub", "iss", "client_id")


class ChainError(ValueError):
    """An ``act`` claim that is not a chain of actors: wrong kind, no subject, or members that do not belong."""


def actors(act: JSON) -> Iterator[Actor]:
    """The actors of a chain, newest first. Raises ``ChainError`` on the first malformed member."""
    node = act
    while node is not None:
        if not isinstance(node, dict) or not isinstance(node.get("sub"), str):
            message = "act must be an object with a sub"
            raise ChainError(message)
        if FORBIDDEN_IN_ACT & node.keys():
            message = "act holds identity claims only"
            raise ChainError(message)
        yield node
        node = node.get("act")


def depth(act: Mapping[str, JSON] | None) -> int:
    """The number of actors in a chain that was accepted; none without one."""
    return 0 if act is None else sum(1 for _ in actors(dict(act)))


def identity(actor: Actor, issuer: str) -> tuple[JSON, JSON]:
    """What makes two actors the same one: issuer and subject. One without ``iss`` is of the token's own ``issuer``."""
    return actor.get("iss", issuer), actor.get("sub")


def extend(actor: Actor, previous: JSON) -> dict[str, JSON]:
    """A new chain with ``actor`` outermost and the previous chain nested inside it, unchanged (rule 39)."""
    chain: dict[str, JSON] = {name: value for name, value in actor.items() if name != "act"}
    if previous is not None:
        chain["act"] = previous
    return chain


def is_named_by(may_act: JSON, actor: Actor) -> bool:
    """Whether ``may_act`` names this actor: every member it has must match (rule 41). An empty one names nobody."""
    if not isinstance(may_act, dict) or not isinstance(may_act.get("sub"), str):
        return False
    return all(actor.get(name) == may_act[name] for name in _MATCHED_MEMBERS if name in may_act)
