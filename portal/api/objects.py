"""Objects of the configuration on the wire: read from a body as declarations, shown with what only we know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from partners import checking
from partners.errors import ConfigurationRefused, Problem
from partners.vocabulary import Kind
from portal.api.bodies import merged
from portal.api.conditions import as_sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partners.declarations import Declared
    from partners.records import Record

D = TypeVar("D", bound="Declared")

FIXED: Final = ("name", "partner")
"""What names an object never changes."""
LEFT_OUT: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.PARTNER: frozenset({"state"}),
    Kind.CLIENT: frozenset({"state"}),
}
"""Fields of documents that bodies do not have: here each change of state is a call of its own."""


def shown(record: Record) -> dict[str, Any]:
    """The object as answers hold it."""
    declared = checking.write(record.declared)
    for name in LEFT_OUT.get(record.declared.kind, ()):
        declared.pop(name)
    return {
        "id": record.id,
        **declared,
        "state": record.state,
        **record.more,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def declared(of: type[D], body: Mapping[str, Any], **fixed: str | None) -> D:
    """A new object as a body declares it; ``fixed`` is what the address says. Raises ``ConfigurationRefused``."""
    return _read(of, {**body, **_agreeing(of.kind, body, fixed)}, set(body))


def changed(of: type[D], record: Record, body: Mapping[str, Any]) -> D:
    """The object as a merge patch leaves it; what is sent back as it was shown is no change.

    Raises ``ConfigurationRefused``.
    """
    before = as_sent(shown(record))
    patch = {name: value for name, value in body.items() if name not in before or before[name] != value}
    _agreeing(of.kind, patch, {name: before[name] for name in FIXED if name in before})
    return _read(of, merged(checking.write(record.declared), patch), set(patch))


def _read(of: type[D], document: dict[str, Any], given: set[str]) -> D:
    kind = of.kind
    own = sorted(given & LEFT_OUT.get(kind, frozenset()))
    problems = tuple(Problem(path=(name,), expected="no value: calls of their own change it") for name in own)
    if problems:
        raise ConfigurationRefused(kind, str(document.get("name", "")), problems)
    found = checking.read(kind, document)
    problems = checking.problems(found)
    if problems:
        raise ConfigurationRefused(kind, found.name, problems)
    assert isinstance(found, of)
    return found


def _agreeing(kind: Kind, body: Mapping[str, Any], fixed: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the address fixes; a body may repeat it, and not contradict it. Raises ``ConfigurationRefused``."""
    wrong = [name for name, value in fixed.items() if name in body and body[name] != value]
    if wrong:
        told = {name: f"{fixed[name] or 'no value'}, which never changes" for name in wrong}
        problems = tuple(Problem(path=(name,), expected=expected) for name, expected in told.items())
        raise ConfigurationRefused(kind, str(body.get("name", "")), problems)
    return fixed
