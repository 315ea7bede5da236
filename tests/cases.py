"""The cases of ``tests/vectors``: what each tries, what must come of it, and the rules it is about."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from policy.reasons import Reason
from tests.conformance.rules import rule

VECTORS = Path(__file__).parent / "vectors"


def cases(name: str) -> list[Any]:
    """The entries of one file as parameters, each marked with its rules and named by what it tries."""
    entries = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return [
        pytest.param(
            {**entry, "reason": Reason(entry["reason"])},
            id=entry["try"],
            marks=[rule(*cited) for cited in entry["rules"]],
        )
        for entry in entries
    ]


def filled(value: Any, **names: str) -> Any:
    """A value of a case with its placeholders filled: ``{"now": 60}`` is in a minute, ``$us`` a name given here."""
    if isinstance(value, dict):
        if value.keys() == {"now"}:
            return int(time.time()) + value["now"]
        return {name: filled(item, **names) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, **names) for item in value]
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace(f"${name}", text)
    return value
