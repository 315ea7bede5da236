"""Identifiers of events, tokens and requests: UUIDv7 (RFC 9562 section 5.7), as the text that is shown everywhere."""

from __future__ import annotations

from uuid_utils import uuid7


def new_id() -> str:
    """A new identifier, unpredictable in 74 bits and later in order than those made before it."""
    return str(uuid7())
