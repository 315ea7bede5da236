"""How often a test of chance tries: few times among all tests, many in a campaign (``make faults ROUNDS=20``)."""

from __future__ import annotations

import os


def rounds(short: int) -> int:
    """``ROUNDS`` of the environment, or the short form's number."""
    return int(os.environ.get("ROUNDS") or short)
