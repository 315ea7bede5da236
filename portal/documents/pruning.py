"""Ending what the documents lack: partners and clients are suspended, trusts and mappings withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from partners import services
from partners.vocabulary import Kind
from portal.documents.plan import Action, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from partners.changes import Change
    from partners.inventory import Found, Key
    from partners.services import FieldChange

    End = Callable[[Change, Key], tuple[FieldChange, ...]]

PRUNED: Final[Mapping[Kind, tuple[Action, End]]] = {
    Kind.MAPPING: (Action.WITHDRAW, lambda change, key: services.withdraw_mapping(change, key[1], key[2])),
    Kind.TRUST: (Action.WITHDRAW, lambda change, key: services.withdraw_trust(change, key[1], key[2])),
    Kind.CLIENT: (Action.SUSPEND, lambda change, key: services.suspend_client(change, key[2])),
    Kind.PARTNER: (Action.SUSPEND, lambda change, key: services.suspend_partner(change, key[2])),
}
"""In the order in which it is done: what refers to others ends first. Targets stay: nothing reaches them unmapped."""


def prune(change: Change, declared: Collection[Key], found: Mapping[Key, Found]) -> tuple[Step, ...]:
    """End what is in use and not declared.

    What belongs to a partner that is not declared itself stays as it is: the partner's suspension stops all of it, and
    a withdrawn trust could not come back with the partner.
    """
    steps = []
    for kind, (action, end) in PRUNED.items():
        for key, item in found.items():
            owner = getattr(item.declared, "partner", None)
            is_orphan = owner is not None and (Kind.PARTNER, "", owner) not in declared
            if key[0] is kind and item.is_in_use and key not in declared and not is_orphan:
                steps.append(Step(action=action, key=key, fields=end(change, key)))
    return tuple(steps)
