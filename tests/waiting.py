"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(is_so: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Look again and again until it is so. Raises ``AssertionError`` when it does not come to be."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.01)


def wait_until(is_so: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """The same for a test without an event loop."""
    asyncio.run(until(is_so, what, seconds))
