"""Identifiers of events, tokens and requests: UUIDv7 (RFC 9562 section 5.7), as the text that is shown everywhere."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from uuid_utils import uuid7

if TYPE_CHECKING:
    from uuid import UUID


def new_id() -> str:
    """A new identifier, unpredictable in 74 bits and later in order than those made before it."""
    return str(uuid7())


@lru_cache(maxsize=4096)
def text_of(identifier: UUID) -> str:
    """The text of an identifier that many events name, such as a partner's; spelling it anew each time costs more."""
    return str(identifier)
