"""An open change inside the test's own transaction, and the audit events it left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.models import Event
from partners.changes import Change
from tests.partners import examples

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def change(db: None) -> Change:  # noqa: ARG001 - asked for its transaction
    """A change as ``changing`` opens it; the test's transaction stands in for its own."""
    return Change(examples.ADMIN)


@pytest.fixture
def registered(change: Change) -> Change:
    """A change in whose transaction one object of each kind has been registered."""
    examples.register_everything(change)
    return change


@pytest.fixture
def events() -> Callable[[], list[dict[str, Any]]]:
    """The events so far, oldest first, as documents."""
    return lambda: [json.loads(text) for text in Event.objects.order_by("id").values_list("canonical", flat=True)]
